-- Who is told of changes of a feed (WebSub). `topic` is the path of the feed. `log` and `delivered` are the id and the
-- number of the feed's log up to which it was told. `number` is that of the request which was confirmed last. Times are
-- in Unix seconds.
CREATE TABLE subscription (
    topic        TEXT NOT NULL,
    callback     TEXT NOT NULL,
    secret       TEXT,
    number       BIGINT NOT NULL,
    since        BIGINT NOT NULL,
    expires      BIGINT NOT NULL,
    log          TEXT NOT NULL,
    delivered    BIGINT NOT NULL,
    failures     BIGINT NOT NULL,
    retry_at     BIGINT,
    last_success BIGINT,
    error        TEXT,
    PRIMARY KEY (topic, callback)
);
-- Requests that the subscriber has not confirmed yet. `lease` is in seconds.
CREATE TABLE subscription_request (
    topic     TEXT NOT NULL,
    callback  TEXT NOT NULL,
    mode      TEXT NOT NULL,
    secret    TEXT,
    lease     BIGINT NOT NULL,
    number    BIGINT NOT NULL,
    log       TEXT NOT NULL,
    delivered BIGINT NOT NULL,
    PRIMARY KEY (topic, callback)
);
-- How far the targets that the configuration names were told: webhooks and an outside hub.
CREATE TABLE push_target (
    kind         TEXT NOT NULL,
    name         TEXT NOT NULL,
    log          TEXT NOT NULL,
    delivered    BIGINT NOT NULL,
    failures     BIGINT NOT NULL,
    retry_at     BIGINT,
    last_success BIGINT,
    error        TEXT,
    PRIMARY KEY (kind, name)
);
