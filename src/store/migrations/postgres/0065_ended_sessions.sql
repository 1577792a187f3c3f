-- Sessions of the editing pages that somebody has ended before their time: a hash of the cookie. They are in no backup.
CREATE TABLE session_ended (
    session TEXT COLLATE "C" PRIMARY KEY,
    until   BIGINT NOT NULL
);
