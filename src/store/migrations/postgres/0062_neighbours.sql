-- The number of the last revision that changed what the article's page links to in the channel: its neighbours by date.
ALTER TABLE membership ADD COLUMN around BIGINT NOT NULL DEFAULT 0;
