-- The numbered log of changes, and what is derived from it for quick reading.
-- Moments are seconds since 1970 (UTC); texts are compared by bytes.

-- One row. `head` and `head_at` are those of the newest revision. `configured_at` is when the configuration,
-- a channel's title or the program's version last changed what the documents show, `channels_at` when the
-- last channel was founded; `generation` counts both.
CREATE TABLE log (
    singleton     BIGINT PRIMARY KEY CHECK (singleton = 1),
    id            TEXT   NOT NULL,
    head          BIGINT NOT NULL,
    head_at       BIGINT NOT NULL,
    configuration TEXT   NOT NULL,
    configured_at BIGINT NOT NULL,
    channels_at   BIGINT NOT NULL,
    generation    BIGINT NOT NULL
);

-- A revision is never rewritten; only `withdraw --erase` blanks its content.
CREATE TABLE revision (
    number   BIGINT PRIMARY KEY,
    article  TEXT   NOT NULL,
    kind     TEXT   NOT NULL CHECK (kind IN ('published', 'corrected', 'moved', 'withdrawn', 'restored')),
    at       BIGINT NOT NULL,
    updated  BIGINT NOT NULL,
    channels TEXT   NOT NULL,
    content  TEXT,
    reason   TEXT,
    author   TEXT   NOT NULL
);
CREATE INDEX revision_of_article ON revision (article, number);

-- An article in its newest state. `waiting`: its stamp lies in the future, it has no revision yet.
CREATE TABLE article (
    id           TEXT   PRIMARY KEY,
    day          TEXT   NOT NULL,
    slug         TEXT   NOT NULL,
    state        TEXT   NOT NULL CHECK (state IN ('waiting', 'live', 'withdrawn')),
    number       BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    updated      BIGINT NOT NULL,
    stamp        BIGINT NOT NULL,
    channels     TEXT   NOT NULL,
    content      TEXT,
    reason       TEXT,
    withdrawn_by TEXT CHECK (withdrawn_by IN ('file', 'command')),
    UNIQUE (day, slug)
);
CREATE INDEX article_by_stamp ON article (stamp DESC, id);

-- What was taken in and is due later: the stamp, or the correction's stamp, lies in the future.
CREATE TABLE waiting (
    article  TEXT   PRIMARY KEY REFERENCES article (id),
    due      BIGINT NOT NULL,
    channels TEXT   NOT NULL,
    content  TEXT   NOT NULL,
    author   TEXT   NOT NULL
);
CREATE INDEX waiting_by_due ON waiting (due);

-- A channel is a view of the log with numbers of its own. The empty slug is the view of everything.
CREATE TABLE channel (
    slug    TEXT   PRIMARY KEY,
    title   TEXT,
    head    BIGINT NOT NULL,
    head_at BIGINT NOT NULL
);
CREATE TABLE channel_revision (
    channel  TEXT   NOT NULL,
    number   BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    article  TEXT   NOT NULL,
    kind     TEXT   NOT NULL CHECK (kind IN ('published', 'corrected', 'moved', 'left', 'withdrawn', 'restored')),
    at       BIGINT NOT NULL,
    PRIMARY KEY (channel, number)
);
CREATE INDEX channel_revision_of_article ON channel_revision (article, channel, number);

-- The living articles of each channel, the newest stamp first.
CREATE TABLE membership (
    channel TEXT   NOT NULL,
    article TEXT   NOT NULL,
    stamp   BIGINT NOT NULL,
    PRIMARY KEY (channel, article)
);
CREATE INDEX membership_by_stamp ON membership (channel, stamp DESC, article);

-- The files that the scan has seen. `hash` is of the bytes last scanned; empty where they must be read again.
-- `refused`: those bytes were no article, the last good version still stands.
CREATE TABLE file (
    path     TEXT   PRIMARY KEY,
    channel  TEXT   NOT NULL,
    channels TEXT   NOT NULL,
    hash     TEXT   NOT NULL,
    size     BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    article  TEXT,
    present  BIGINT NOT NULL,
    refused  BIGINT NOT NULL
);
CREATE INDEX file_of_article ON file (article);
