-- Why a scheduled correction is made. It is published with the correction.
ALTER TABLE waiting ADD COLUMN reason TEXT COLLATE "C";
-- What the scans found in each file of the folder, as JSON. `severity`: 2 rejected, 1 doubtful, 0 notes only.
CREATE TABLE finding (
    path     TEXT COLLATE "C"  PRIMARY KEY,
    channel  TEXT COLLATE "C",
    severity BIGINT NOT NULL,
    found    TEXT COLLATE "C"   NOT NULL,
    at       BIGINT NOT NULL
);
CREATE INDEX finding_by_severity ON finding (severity, at);
-- The key that encrypts the session cookies of the editing pages, in hexadecimal. It is in no backup.
CREATE TABLE session_key (
    singleton BIGINT PRIMARY KEY CHECK (singleton = 1),
    key       TEXT COLLATE "C"   NOT NULL
);
