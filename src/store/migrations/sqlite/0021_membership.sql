-- Each revision takes its article out of the channels first, which must not cost a walk through all of them.
CREATE INDEX membership_of_article ON membership (article);
