-- Why a file's article was withdrawn is told by who withdrew it. Only what a person wrote is a reason, and published.
UPDATE revision SET reason = NULL WHERE reason = 'file-removed';
UPDATE article SET reason = NULL WHERE reason = 'file-removed';
-- A copy of a file, or of what was sent, is found whatever became of its day.
CREATE INDEX file_by_hash ON file (hash);
CREATE INDEX import_by_hash ON import (hash);
CREATE INDEX article_by_slug ON article (slug, stamp);
