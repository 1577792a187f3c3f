-- Who is told of changes of a feed (WebSub). `topic` is the path of the feed. `log` and `delivered` are the id and the
-- number of the feed's log up to which it was told. `number` is that of the request which was confirmed last. Times are
-- in Unix seconds.
CREATE TABLE subscription (
    topic        TEXT COLLATE "C" NOT NULL,
    callback     TEXT COLLATE "C" NOT NULL,
    secret       TEXT COLLATE "C",
    number       BIGINT NOT NULL,
    since        BIGINT NOT NULL,
    expires      BIGINT NOT NULL,
    log          TEXT COLLATE "C" NOT NULL,
    delivered    BIGINT NOT NULL,
    failures     BIGINT NOT NULL,
    retry_at     BIGINT,
    last_success BIGINT,
    error        TEXT COLLATE "C",
    PRIMARY KEY (topic, callback)
);
-- Requests that the subscriber has not confirmed yet. `lease` is in seconds.
CREATE TABLE subscription_request (
    topic     TEXT COLLATE "C" NOT NULL,
    callback  TEXT COLLATE "C" NOT NULL,
    mode      TEXT COLLATE "C" NOT NULL,
    secret    TEXT COLLATE "C",
    lease     BIGINT NOT NULL,
    number    BIGINT NOT NULL,
    log       TEXT COLLATE "C" NOT NULL,
    delivered BIGINT NOT NULL,
    PRIMARY KEY (topic, callback)
);
-- How far the targets that the configuration names were told: webhooks and an outside hub.
CREATE TABLE push_target (
    kind         TEXT COLLATE "C" NOT NULL,
    name         TEXT COLLATE "C" NOT NULL,
    log          TEXT COLLATE "C" NOT NULL,
    delivered    BIGINT NOT NULL,
    failures     BIGINT NOT NULL,
    retry_at     BIGINT,
    last_success BIGINT,
    error        TEXT COLLATE "C",
    PRIMARY KEY (kind, name)
);
