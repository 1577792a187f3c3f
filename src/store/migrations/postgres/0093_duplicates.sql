-- What is kept of each collected article to find out that another source has published the same: `title` is a hash of its
-- title, `words` are the smallest hashes of its word pairs, `at` is its publication date in Unix seconds.
CREATE TABLE source_fingerprint (
    article TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES article (id),
    source  TEXT COLLATE "C" NOT NULL,
    title   BIGINT NOT NULL,
    words   BYTEA NOT NULL,
    at      BIGINT NOT NULL
);
CREATE INDEX source_fingerprint_by_title ON source_fingerprint (title, at);
-- Articles of different sources that are probably the same. `article` was compared with `other` at `at`.
CREATE TABLE source_duplicate (
    article      TEXT COLLATE "C" NOT NULL REFERENCES article (id),
    source       TEXT COLLATE "C" NOT NULL,
    other        TEXT COLLATE "C" NOT NULL REFERENCES article (id),
    other_source TEXT COLLATE "C" NOT NULL,
    title        TEXT COLLATE "C" NOT NULL,
    at           BIGINT NOT NULL,
    PRIMARY KEY (article, other)
);
CREATE INDEX source_duplicate_by_other ON source_duplicate (other);
CREATE INDEX source_duplicate_by_source ON source_duplicate (source);
CREATE INDEX source_duplicate_by_other_source ON source_duplicate (other_source);
