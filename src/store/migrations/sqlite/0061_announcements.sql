-- The number of the log up to which a service was told about changed pages.
CREATE TABLE announcement (
    service TEXT NOT NULL PRIMARY KEY,
    number  INTEGER NOT NULL
);
