-- Who may publish over HTTP: a name, a hash of the secret, and the channels (all where null). The secret
-- itself is nowhere.
CREATE TABLE token (
    name       TEXT   PRIMARY KEY,
    hash       TEXT   NOT NULL UNIQUE,
    channels   TEXT,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);

-- What a request with an Idempotency-Key led to, kept for a day, so that a retry is not a second article.
CREATE TABLE idempotency (
    token   TEXT   NOT NULL,
    key     TEXT   NOT NULL,
    request TEXT   NOT NULL,
    answer  TEXT   NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (token, key)
);
CREATE INDEX idempotency_by_age ON idempotency (at);
