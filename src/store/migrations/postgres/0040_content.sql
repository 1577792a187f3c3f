-- As in the folder beside this one. `folded` stays: the index of this engine is over it.
ALTER TABLE revision ALTER COLUMN content TYPE BYTEA USING convert_to(content, 'UTF8');
-- Texts are compressed already.
ALTER TABLE revision ALTER COLUMN content SET STORAGE EXTERNAL;
ALTER TABLE article ADD COLUMN content_of BIGINT;
UPDATE article SET content_of = (
    SELECT MAX(r.number) FROM revision r WHERE r.article = article.id AND r.content IS NOT NULL
) WHERE content IS NOT NULL;
-- Its length in bytes, not compressed: the size of a feed depends on it.
ALTER TABLE article ADD COLUMN length BIGINT NOT NULL DEFAULT 0;
UPDATE article SET length = OCTET_LENGTH(content) WHERE content IS NOT NULL;
-- Its URL on another site, if it has one.
ALTER TABLE article ADD COLUMN link TEXT COLLATE "C";
UPDATE article SET link = content::json->>'link' WHERE content LIKE '%"link":%';
ALTER TABLE article DROP COLUMN content;
ALTER TABLE log ADD COLUMN indexed_by BIGINT NOT NULL DEFAULT 0;
