-- The sources that articles are collected from. `state` is the JSON of the collector.
CREATE TABLE source (
    name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    state TEXT COLLATE "C" NOT NULL
);
-- The items of their feeds. `key` is made from the id of the item, `link` from its URL. `date` is the date as the
-- source writes it, `published` what was made of it. `item` is kept as JSON while it is doubtful.
CREATE TABLE source_item (
    source    TEXT COLLATE "C" NOT NULL,
    key       TEXT COLLATE "C" NOT NULL,
    link      TEXT COLLATE "C",
    state     TEXT COLLATE "C" NOT NULL,
    article   TEXT COLLATE "C" REFERENCES article (id),
    hash      TEXT COLLATE "C" NOT NULL,
    date      TEXT COLLATE "C",
    published TEXT COLLATE "C",
    reason    TEXT COLLATE "C",
    item      TEXT COLLATE "C",
    at        BIGINT NOT NULL,
    PRIMARY KEY (source, key)
);
CREATE INDEX source_item_by_link ON source_item (source, link);
CREATE INDEX source_item_by_state ON source_item (state, source, key);
