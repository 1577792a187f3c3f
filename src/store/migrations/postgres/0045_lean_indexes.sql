-- As in the folder beside this one.
ALTER TABLE membership DROP CONSTRAINT membership_pkey;
ALTER TABLE membership ADD PRIMARY KEY (article, channel);
DROP INDEX membership_by_stamp;
DROP INDEX membership_of_article;
DROP INDEX membership_by_place;
CREATE INDEX membership_by_place ON membership (channel, place);
DROP INDEX article_by_stamp;
CREATE INDEX article_by_stamp ON article (stamp, id DESC);
