-- The same log as in the folder beside this one, where each table is explained, in the words of PostgreSQL.
--
-- Every text is ordered by its bytes (COLLATE "C"), whatever the locale of the cluster: ids, slugs and paths are
-- compared in the program as well, and all replicas must agree.

CREATE TABLE log (
    singleton     BIGINT PRIMARY KEY CHECK (singleton = 1),
    id            TEXT   COLLATE "C" NOT NULL,
    head          BIGINT NOT NULL,
    head_at       BIGINT NOT NULL,
    configuration TEXT   COLLATE "C" NOT NULL,
    configured_at BIGINT NOT NULL,
    channels_at   BIGINT NOT NULL,
    generation    BIGINT NOT NULL
);

CREATE TABLE revision (
    number   BIGINT PRIMARY KEY,
    article  TEXT   COLLATE "C" NOT NULL,
    kind     TEXT   COLLATE "C" NOT NULL CHECK (kind IN ('published', 'corrected', 'moved', 'withdrawn', 'restored')),
    at       BIGINT NOT NULL,
    updated  BIGINT NOT NULL,
    channels TEXT   COLLATE "C" NOT NULL,
    content  TEXT   COLLATE "C",
    reason   TEXT   COLLATE "C",
    author   TEXT   COLLATE "C" NOT NULL
);
CREATE INDEX revision_of_article ON revision (article, number);

CREATE TABLE article (
    id           TEXT   COLLATE "C" PRIMARY KEY,
    day          TEXT   COLLATE "C" NOT NULL,
    slug         TEXT   COLLATE "C" NOT NULL,
    state        TEXT   COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'live', 'withdrawn')),
    number       BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    updated      BIGINT NOT NULL,
    stamp        BIGINT NOT NULL,
    channels     TEXT   COLLATE "C" NOT NULL,
    content      TEXT   COLLATE "C",
    reason       TEXT   COLLATE "C",
    withdrawn_by TEXT   COLLATE "C" CHECK (withdrawn_by IN ('file', 'command')),
    place        BIGINT,
    folded       TEXT   COLLATE "C",
    UNIQUE (day, slug)
);
CREATE INDEX article_by_stamp ON article (stamp DESC, id);
CREATE UNIQUE INDEX article_by_place ON article (place) WHERE place IS NOT NULL;
CREATE INDEX article_without_place ON article (stamp, id) WHERE state = 'live' AND place IS NULL;

-- The words of `folded`, each once and cut to a length that an index takes. The search looks them up here and
-- then compares whole words, so that it finds what the other engine finds. (A tsvector would end at 1 MiB.)
CREATE FUNCTION search_keys(folded TEXT) RETURNS TEXT[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000
RETURN (SELECT array_agg(DISTINCT left(word, 100) COLLATE "C") FROM unnest(string_to_array(folded, ' ')) AS word);
CREATE INDEX search ON article USING gin (search_keys(folded));

CREATE TABLE waiting (
    article  TEXT   COLLATE "C" PRIMARY KEY REFERENCES article (id),
    due      BIGINT NOT NULL,
    channels TEXT   COLLATE "C" NOT NULL,
    content  TEXT   COLLATE "C" NOT NULL,
    author   TEXT   COLLATE "C" NOT NULL
);
CREATE INDEX waiting_by_due ON waiting (due);

CREATE TABLE channel (
    slug    TEXT   COLLATE "C" PRIMARY KEY,
    title   TEXT   COLLATE "C",
    head    BIGINT NOT NULL,
    head_at BIGINT NOT NULL
);
CREATE TABLE channel_revision (
    channel  TEXT   COLLATE "C" NOT NULL,
    number   BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    article  TEXT   COLLATE "C" NOT NULL,
    kind     TEXT   COLLATE "C" NOT NULL CHECK (kind IN ('published', 'corrected', 'moved', 'left', 'withdrawn', 'restored')),
    at       BIGINT NOT NULL,
    PRIMARY KEY (channel, number)
);
CREATE INDEX channel_revision_of_article ON channel_revision (article, channel, number);
CREATE UNIQUE INDEX channel_revision_by_revision ON channel_revision (channel, revision);
CREATE INDEX departure ON channel_revision (channel, article, number) WHERE kind IN ('left', 'withdrawn');

CREATE TABLE membership (
    channel TEXT   COLLATE "C" NOT NULL,
    article TEXT   COLLATE "C" NOT NULL,
    stamp   BIGINT NOT NULL,
    place   BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (channel, article)
);
CREATE INDEX membership_by_stamp ON membership (channel, stamp DESC, article);
CREATE INDEX membership_by_place ON membership (channel, place DESC);
CREATE INDEX membership_of_article ON membership (article);

CREATE TABLE file (
    path     TEXT   COLLATE "C" PRIMARY KEY,
    channel  TEXT   COLLATE "C" NOT NULL,
    channels TEXT   COLLATE "C" NOT NULL,
    hash     TEXT   COLLATE "C" NOT NULL,
    size     BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    article  TEXT   COLLATE "C",
    present  BIGINT NOT NULL,
    refused  BIGINT NOT NULL,
    pictures TEXT   COLLATE "C" NOT NULL DEFAULT ''
);
CREATE INDEX file_of_article ON file (article);

CREATE TABLE picture (
    name       TEXT   COLLATE "C" PRIMARY KEY,
    media_type TEXT   COLLATE "C" NOT NULL,
    bytes      BYTEA  NOT NULL,
    kept_at    BIGINT NOT NULL
);
-- Pictures are compressed already.
ALTER TABLE picture ALTER COLUMN bytes SET STORAGE EXTERNAL;
CREATE TABLE picture_use (
    picture TEXT COLLATE "C" NOT NULL,
    article TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (picture, article)
);
CREATE INDEX picture_use_of_article ON picture_use (article);

CREATE TABLE token (
    name       TEXT   COLLATE "C" PRIMARY KEY,
    hash       TEXT   COLLATE "C" NOT NULL UNIQUE,
    channels   TEXT   COLLATE "C",
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);

CREATE TABLE idempotency (
    token   TEXT   COLLATE "C" NOT NULL,
    key     TEXT   COLLATE "C" NOT NULL,
    request TEXT   COLLATE "C" NOT NULL,
    answer  TEXT   COLLATE "C" NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (token, key)
);
CREATE INDEX idempotency_by_age ON idempotency (at);

CREATE TABLE import (
    source   TEXT   COLLATE "C" NOT NULL,
    place    TEXT   COLLATE "C" NOT NULL,
    article  TEXT   COLLATE "C" NOT NULL REFERENCES article (id),
    stem     TEXT   COLLATE "C" NOT NULL,
    channel  TEXT   COLLATE "C" NOT NULL,
    channels TEXT   COLLATE "C" NOT NULL,
    hash     TEXT   COLLATE "C" NOT NULL,
    PRIMARY KEY (source, place, article)
);
CREATE INDEX import_of_article ON import (article);
