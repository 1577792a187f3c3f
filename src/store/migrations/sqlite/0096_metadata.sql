-- A checksum of what a revision says besides its text (`store::metadata`), which the program computes for revisions that
-- have none, and one of a scheduled text and what belongs to it; null if an older version stored it.
ALTER TABLE revision ADD COLUMN checksum BIGINT;
CREATE INDEX revision_without_checksum ON revision (number) WHERE checksum IS NULL;
ALTER TABLE waiting ADD COLUMN checksum BIGINT;
