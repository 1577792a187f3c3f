-- Collected articles that were corrected lately, or that change again and again. `state` is the JSON of the collector;
-- `waiting` is 1 while it holds a newer version.
CREATE TABLE source_unsettled (
    article TEXT NOT NULL PRIMARY KEY REFERENCES article (id),
    source  TEXT NOT NULL,
    state   TEXT NOT NULL,
    waiting BIGINT NOT NULL
);
CREATE INDEX source_unsettled_by_source ON source_unsettled (source, waiting);
