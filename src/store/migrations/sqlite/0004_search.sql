-- The list of articles, newest first, and the search in it.

-- `place` orders the living articles by their stamp, each at a place of its own: the stamp's second times 2^20,
-- and the order of arrival within it. `folded` is all that is searched: lower-case words without diacritics,
-- one space between two of them. Both are null unless the article is live; the program fills them in.
ALTER TABLE article ADD COLUMN place BIGINT;
ALTER TABLE article ADD COLUMN folded TEXT;
ALTER TABLE membership ADD COLUMN place BIGINT NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX article_by_place ON article (place) WHERE place IS NOT NULL;
CREATE INDEX membership_by_place ON membership (channel, place DESC);
-- What an older program left to be filled in; empty otherwise.
CREATE INDEX article_without_place ON article (stamp, id) WHERE state = 'live' AND place IS NULL;

-- A channel's part of the log by the numbers of the whole.
CREATE UNIQUE INDEX channel_revision_by_revision ON channel_revision (channel, revision);

-- The index over `folded`. Its text is cut into words at the spaces and nowhere else (`ascii` takes all other
-- characters that stand in it for letters), so that an engine with another index, like PostgreSQL with
-- string_to_array(folded, ' '), finds the same. What is taken out is overwritten (`secure-delete`): the words
-- of an erased article must not lie about.
CREATE VIEW searchable AS SELECT place, folded FROM article WHERE place IS NOT NULL;
CREATE VIRTUAL TABLE search USING fts5 (
    folded, content = 'searchable', content_rowid = 'place', tokenize = 'ascii', detail = 'none'
);
INSERT INTO search (search, rank) VALUES ('secure-delete', 1);
CREATE TRIGGER search_follows_article AFTER UPDATE OF place, folded ON article
WHEN old.place IS NOT new.place OR old.folded IS NOT new.folded
BEGIN
    INSERT INTO search (search, rowid, folded)
        SELECT 'delete', old.place, old.folded WHERE old.place IS NOT NULL;
    INSERT INTO search (rowid, folded)
        SELECT new.place, new.folded WHERE new.place IS NOT NULL;
END;
