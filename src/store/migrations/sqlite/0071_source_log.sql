-- The log of the source in which an item was last met, if the source is another bantin.
ALTER TABLE source_item ADD COLUMN log TEXT;
