-- Channels over time.
ALTER TABLE channel ADD COLUMN founded_as TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE channel ADD COLUMN composition TEXT COLLATE "C" NOT NULL DEFAULT '';
