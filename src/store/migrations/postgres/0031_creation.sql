-- When the log or the channel was created: a feed without a revision says so in `updated`, whatever the
-- configuration does later.
ALTER TABLE log ADD COLUMN created_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE channel ADD COLUMN created_at BIGINT NOT NULL DEFAULT 0;
UPDATE log SET created_at = configured_at;
UPDATE channel SET created_at = (SELECT configured_at FROM log);
-- All images that an article uses in any stored version. `shown`: the published version shows it. An erased
-- article takes only those images with it that no other article uses.
ALTER TABLE picture_use ADD COLUMN shown BIGINT NOT NULL DEFAULT 1;
-- By the form of their names, so that a damaged version does not stop the migration.
INSERT INTO picture_use (picture, article, shown)
    SELECT DISTINCT image[1], stored.article, 0
    FROM (SELECT article, content FROM revision UNION ALL SELECT id, content FROM article
          UNION ALL SELECT article, content FROM waiting) stored,
         regexp_matches(stored.content, '"name":"([0-9a-f]{32}\.(?:jpg|png|webp|gif))"', 'g') image
    ON CONFLICT DO NOTHING;
