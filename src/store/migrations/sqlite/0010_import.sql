-- What was imported: files from outside of the folder of articles. Each row keeps its article up for ever, as a
-- file does that never goes away; only a command withdraws it.
--
-- `source` is the name of the folder or archive, `place` the path in it from the channel on, `stem` the file's
-- name without its ending. One place may stand for several articles: two archives of one name, each with a
-- `1.txt`. `hash` is of the bytes last taken in; empty where they must be read again.
CREATE TABLE import (
    source   TEXT   NOT NULL,
    place    TEXT   NOT NULL,
    article  TEXT   NOT NULL REFERENCES article (id),
    stem     TEXT   NOT NULL,
    channel  TEXT   NOT NULL,
    channels TEXT   NOT NULL,
    hash     TEXT   NOT NULL,
    PRIMARY KEY (source, place, article)
);
CREATE INDEX import_of_article ON import (article);
