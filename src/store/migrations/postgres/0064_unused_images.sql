-- Images that no article has used yet, since they were last uploaded. They are removed after a while.
CREATE TABLE picture_unused (
    picture TEXT   COLLATE "C" PRIMARY KEY,
    since   BIGINT NOT NULL
);
CREATE INDEX picture_unused_by_age ON picture_unused (since);
INSERT INTO picture_unused (picture, since)
    SELECT name, kept_at FROM picture WHERE LENGTH(bytes) > 0
    AND NOT EXISTS (SELECT 1 FROM picture_use WHERE picture_use.picture = picture.name)
    AND NOT EXISTS (SELECT 1 FROM picture_copy WHERE picture_copy.name = picture.name);
