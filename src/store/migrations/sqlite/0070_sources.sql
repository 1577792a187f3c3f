-- The sources that articles are collected from. `state` is the JSON of the collector.
CREATE TABLE source (
    name  TEXT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL
);
-- The items of their feeds. `key` is made from the id of the item, `link` from its URL. `date` is the date as the
-- source writes it, `published` what was made of it. `item` is kept as JSON while it is doubtful.
CREATE TABLE source_item (
    source    TEXT NOT NULL,
    key       TEXT NOT NULL,
    link      TEXT,
    state     TEXT NOT NULL,
    article   TEXT REFERENCES article (id),
    hash      TEXT NOT NULL,
    date      TEXT,
    published TEXT,
    reason    TEXT,
    item      TEXT,
    at        INTEGER NOT NULL,
    PRIMARY KEY (source, key)
);
CREATE INDEX source_item_by_link ON source_item (source, link);
CREATE INDEX source_item_by_state ON source_item (state, source, key);
