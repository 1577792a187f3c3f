-- The processes that share the log. Moments are seconds of the server's own clock, which is one for all of them.

-- Who is there. A row is rewritten every few seconds, and deleted a minute after the last time.
CREATE TABLE replica (
    id          TEXT   COLLATE "C" PRIMARY KEY,
    fingerprint TEXT   COLLATE "C" NOT NULL,
    seen        BIGINT NOT NULL
);

-- What one of them does for all. `until` is when it may be taken from one that no longer renews it.
CREATE TABLE lease (
    task   TEXT   COLLATE "C" PRIMARY KEY,
    holder TEXT   COLLATE "C" NOT NULL,
    until  BIGINT NOT NULL
);
