-- Addresses that imported articles had before they came here: the path, decoded, without a slash at its end, and the query.
-- A request for one is redirected to the article, unless this site has something there itself.
CREATE TABLE old_address (
    address TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    article TEXT COLLATE "C" NOT NULL
);
CREATE INDEX old_address_article ON old_address (article);
