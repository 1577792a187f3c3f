-- Pictures as they are served, by the hash of their bytes, and the living articles that show them.

CREATE TABLE picture (
    name       TEXT   PRIMARY KEY,
    media_type TEXT   NOT NULL,
    bytes      BLOB   NOT NULL,
    kept_at    BIGINT NOT NULL
);
CREATE TABLE picture_use (
    picture TEXT NOT NULL,
    article TEXT NOT NULL,
    PRIMARY KEY (picture, article)
);
CREATE INDEX picture_use_of_article ON picture_use (article);

-- What lies beside the article's file: names, sizes and times of its pictures, as last scanned.
ALTER TABLE file ADD COLUMN pictures TEXT NOT NULL DEFAULT '';
