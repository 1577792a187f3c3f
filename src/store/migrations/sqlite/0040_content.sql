-- A text is stored once, with the revision that brought it, and compressed (`store::content`). `content_of` is the
-- revision that holds the text of the article; null once it was erased.
ALTER TABLE article ADD COLUMN content_of BIGINT;
UPDATE article SET content_of = (
    SELECT MAX(r.number) FROM revision r WHERE r.article = article.id AND r.content IS NOT NULL
) WHERE content IS NOT NULL;
-- Its length in bytes, not compressed: the size of a feed depends on it.
ALTER TABLE article ADD COLUMN length BIGINT NOT NULL DEFAULT 0;
UPDATE article SET length = OCTET_LENGTH(content) WHERE content IS NOT NULL;
-- Its URL on another site, if it has one.
ALTER TABLE article ADD COLUMN link TEXT;
UPDATE article SET link = CASE WHEN json_valid(content) THEN json_extract(content, '$.link') END WHERE content LIKE '%"link":%';
ALTER TABLE article DROP COLUMN content;

-- The search index keeps no text. What is taken out is named by the program, which computes it from the text.
-- `indexed_by` is the version of that computation; where it is not the program's own, the program builds the index.
DROP TRIGGER search_follows_article;
DROP TABLE search;
DROP VIEW searchable;
ALTER TABLE article DROP COLUMN folded;
CREATE VIRTUAL TABLE search USING fts5 (folded, content = '', tokenize = 'ascii', detail = 'none');
INSERT INTO search (search, rank) VALUES ('secure-delete', 1);
ALTER TABLE log ADD COLUMN indexed_by BIGINT NOT NULL DEFAULT 0;
