-- The hubs at which the feeds of sources are subscribed to (WebSub). `token` is the secret part of the callback. Times are in
-- Unix seconds; `expires` is null until the hub has confirmed. `notified` counts what the hub has told.
CREATE TABLE source_hub (
    source   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    token    TEXT COLLATE "C" NOT NULL UNIQUE,
    hub      TEXT COLLATE "C" NOT NULL,
    topic    TEXT COLLATE "C" NOT NULL,
    secret   TEXT COLLATE "C" NOT NULL,
    asked_at BIGINT NOT NULL,
    expires  BIGINT,
    notified BIGINT NOT NULL
);
