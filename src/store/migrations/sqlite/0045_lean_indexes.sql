-- Fewer and fuller indexes. What is found by article or by channel and article is in the table itself; an index in
-- ascending order is appended to as articles arrive in the order of their dates, so that its pages are full.
CREATE TABLE membership_lean (
    channel TEXT   NOT NULL,
    article TEXT   NOT NULL,
    stamp   BIGINT NOT NULL,
    place   BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (article, channel)
) WITHOUT ROWID;
INSERT INTO membership_lean (channel, article, stamp, place)
    SELECT channel, article, stamp, place FROM membership ORDER BY article, channel;
DROP TABLE membership;
ALTER TABLE membership_lean RENAME TO membership;
CREATE INDEX membership_by_place ON membership (channel, place);

DROP INDEX article_by_stamp;
CREATE INDEX article_by_stamp ON article (stamp, id DESC);
