-- Smaller copies of an image for pages and feeds (`image::copies`); the bytes of each are a row of `picture`. Documents
-- use a copy once `shown` is 1: those made in the background appear together, with one change of `log.generation`.
-- `still`: the image moves and its copy does not.
CREATE TABLE picture_copy (
    picture    TEXT   COLLATE "C" NOT NULL,
    name       TEXT   COLLATE "C" NOT NULL,
    media_type TEXT   COLLATE "C" NOT NULL,
    width      BIGINT NOT NULL,
    height     BIGINT NOT NULL,
    size       BIGINT NOT NULL,
    still      BIGINT NOT NULL,
    shown      BIGINT NOT NULL,
    PRIMARY KEY (picture, name)
);
CREATE INDEX picture_copy_by_name ON picture_copy (name);
CREATE INDEX picture_copy_staged ON picture_copy (picture) WHERE shown = 0;

-- Images whose copies are not made yet, the newest first.
CREATE TABLE picture_to_scale (
    picture TEXT   COLLATE "C" PRIMARY KEY,
    since   BIGINT NOT NULL
);
CREATE INDEX picture_to_scale_by_age ON picture_to_scale (since DESC);
INSERT INTO picture_to_scale (picture, since)
    SELECT picture_use.picture, MAX(COALESCE(article.stamp, 0)) FROM picture_use
    JOIN article ON article.id = picture_use.article GROUP BY picture_use.picture;
