//! The files that keep an article published.

use unicode_normalization::UnicodeNormalization as _;

use crate::model::{Article, ArticleId, Slug};
use crate::store::engine::{Value, values};
use crate::store::error::StoreError;
use crate::store::outcome::FileRemovalOutcome;
use crate::store::queries::ChangeKind;
use crate::store::rows::{from_json, to_json};
use crate::store::submission::{ImportedFile, ScannedFile, Source};
use crate::store::write::append::NewRevision;
use crate::store::write::comparison::{same_title, text_of};
use crate::store::write::current::{ArticleStatus, CurrentArticle};
use crate::store::write::log_writer::LogWriter;
use crate::store::write::new_rows::{FILE, IMPORTED, row};
use crate::time::local_date;

/// Author of revisions that a file of the article folder causes.
pub(crate) const FOLDER: &str = "folder";
/// Author of revisions that an imported file causes.
pub(crate) const IMPORT: &str = "import";

/// What keeps an article published: a file in the folder, or an imported file.
pub(crate) struct ArticleSource {
    /// Name for messages.
    pub(crate) name: String,
    pub(crate) stem: String,
    pub(crate) channel: String,
    pub(crate) hash: String,
    /// Path of an imported file.
    pub(crate) place: Option<String>,
    /// True if the current bytes were rejected: they are not the published text.
    pub(crate) is_refused: bool,
}

impl LogWriter<'_> {
    pub(crate) async fn file_removed(&mut self, path: &str) -> Result<FileRemovalOutcome, StoreError> {
        let row = self
            .transaction
            .first("SELECT article FROM file WHERE path = $1 AND present = 1", values![path])
            .await?;
        let Some(row) = row else { return Ok(FileRemovalOutcome::Nothing) };
        self.transaction
            .run("UPDATE file SET present = 0, refused = 0 WHERE path = $1", values![path])
            .await?;
        let Some(id) = row.get_optional_text(0)?.map(ArticleId::new) else {
            return Ok(FileRemovalOutcome::Nothing);
        };
        let Some(current) = self.current(&id).await? else { return Ok(FileRemovalOutcome::Nothing) };
        let left = self.channels_of_sources(&id).await?;
        match current.state {
            ArticleStatus::WithdrawnByCommand | ArticleStatus::WithdrawnWithItsFile => {
                Ok(FileRemovalOutcome::Nothing)
            }
            ArticleStatus::Waiting if left.is_empty() => {
                // It was never published: nothing is left of it, not even its id.
                self.unschedule(&id).await?;
                self.transaction
                    .run("UPDATE file SET article = NULL WHERE article = $1", values![id.as_str()])
                    .await?;
                self.unlink_images(&id).await?;
                self.transaction.run("DELETE FROM article WHERE id = $1", values![id.as_str()]).await?;
                Ok(FileRemovalOutcome::Nothing)
            }
            ArticleStatus::Live if left.is_empty() => {
                self.unschedule(&id).await?;
                let state = ArticleStatus::WithdrawnWithItsFile;
                Ok(FileRemovalOutcome::Withdrawn(self.withdraw_article(&current, state, None, FOLDER).await?))
            }
            ArticleStatus::Live if left != current.channels => {
                let moved = NewRevision::of(&current, ChangeKind::Moved, FOLDER, ArticleStatus::Live)?;
                let moved = NewRevision { channels: left, is_correction: false, ..moved };
                Ok(FileRemovalOutcome::Moved(self.append(&current, moved).await?))
            }
            ArticleStatus::Live | ArticleStatus::Waiting => Ok(FileRemovalOutcome::Nothing),
        }
    }

    pub(crate) async fn file_rejected(&mut self, seen: &ScannedFile) -> Result<(), StoreError> {
        let article = self.article_of_file(&seen.path).await?;
        self.upsert_file(seen, article.as_ref(), std::slice::from_ref(&seen.channel), true).await
    }

    pub(crate) async fn file_touched(&mut self, seen: &ScannedFile) -> Result<(), StoreError> {
        self.transaction
            .run(
                "UPDATE file SET size = $2, modified = $3 WHERE path = $1",
                values![seen.path.as_str(), seen.size, seen.modified],
            )
            .await
            .map(|_| ())
    }

    pub(crate) async fn article_of_file(&mut self, path: &str) -> Result<Option<ArticleId>, StoreError> {
        let row = self.transaction.first("SELECT article FROM file WHERE path = $1", values![path]).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(row.get_optional_text(0)?.map(ArticleId::new))
    }

    /// The article that an earlier import made of the same bytes from the same path.
    pub(crate) async fn imported_unchanged(
        &mut self,
        imported: &ImportedFile,
    ) -> Result<Option<CurrentArticle>, StoreError> {
        let row = self
            .transaction
            .first(
                "SELECT article FROM import WHERE source = $1 AND place = $2 AND hash = $3 ORDER BY article",
                values![imported.source.as_str(), imported.place.as_str(), imported.hash.as_str()],
            )
            .await?;
        match row {
            Some(row) => self.current(&ArticleId::new(row.get_text(0)?)).await,
            None => Ok(None),
        }
    }

    /// The article that an earlier import took from this path, with the same day or the same title. If both differ,
    /// it is another article, from another archive with the same name.
    pub(crate) async fn imported_before(
        &mut self,
        imported: &ImportedFile,
        article: &Article,
    ) -> Result<Option<CurrentArticle>, StoreError> {
        let rows = self
            .transaction
            .rows(
                "SELECT article FROM import WHERE source = $1 AND place = $2 ORDER BY article",
                values![imported.source.as_str(), imported.place.as_str()],
            )
            .await?;
        let mut before = Vec::with_capacity(rows.len());
        for row in rows {
            before.extend(self.current(&ArticleId::new(row.get_text(0)?)).await?);
        }
        let zone = self.options.zone;
        let day = local_date(article.published.instant, zone);
        let is_of_that_day = |current: &CurrentArticle| {
            let stands = text_of(current).is_some_and(|text| local_date(text.published.instant, zone) == day);
            stands || current.permalink.day == day
        };
        let of_that_day = before.iter().position(is_of_that_day);
        let found = of_that_day.or_else(|| before.iter().position(|current| same_title(current, article)));
        Ok(found.map(|index| before.swap_remove(index)))
    }

    /// The other sources of an article, files of the folder first.
    pub(crate) async fn sources(
        &mut self,
        id: &ArticleId,
        but: &Source,
    ) -> Result<Vec<ArticleSource>, StoreError> {
        let rows = self
            .transaction
            .rows(
                "SELECT path, channel, hash, refused FROM file WHERE article = $1 AND present = 1 ORDER BY path",
                values![id.as_str()],
            )
            .await?;
        let mut sources = Vec::new();
        for row in rows {
            let path = row.get_text(0)?;
            if !matches!(but, Source::File { seen, .. } if seen.path == path) {
                sources.push(ArticleSource {
                    name: path.to_owned(),
                    stem: stem_of(path),
                    channel: row.get_text(1)?.to_owned(),
                    hash: row.get_text(2)?.to_owned(),
                    place: None,
                    is_refused: row.get_bool(3)?,
                });
            }
        }
        let rows = self
            .transaction
            .rows(
                "SELECT source, place, stem, channel, hash FROM import WHERE article = $1 \
                 ORDER BY source, place",
                values![id.as_str()],
            )
            .await?;
        for row in rows {
            let (source, place) = (row.get_text(0)?, row.get_text(1)?);
            let is_itself = matches!(but, Source::Import(imported)
                if (imported.source.as_str(), imported.place.as_str()) == (source, place));
            if !is_itself {
                sources.push(ArticleSource {
                    name: format!("{source}: {place}"),
                    stem: row.get_text(2)?.to_owned(),
                    channel: row.get_text(3)?.to_owned(),
                    hash: row.get_text(4)?.to_owned(),
                    place: Some(place.to_owned()),
                    is_refused: false,
                });
            }
        }
        Ok(sources)
    }

    /// The channels in which the current files and imports of an article publish it, sorted.
    pub(crate) async fn channels_of_sources(&mut self, id: &ArticleId) -> Result<Vec<Slug>, StoreError> {
        let rows = self
            .transaction
            .rows(
                "SELECT channels FROM file WHERE article = $1 AND present = 1 \
                 UNION SELECT channels FROM import WHERE article = $1",
                values![id.as_str()],
            )
            .await?;
        let mut channels = Vec::new();
        for row in rows {
            channels.extend(from_json::<Vec<Slug>>(row.get_text(0)?)?);
        }
        channels.sort();
        channels.dedup();
        Ok(channels)
    }

    pub(crate) async fn upsert_import(
        &mut self,
        imported: &ImportedFile,
        article: &ArticleId,
        channels: &[Slug],
    ) -> Result<(), StoreError> {
        let row = import_row(imported, article, channels)?;
        self.transaction.insert(&IMPORTED, &[row]).await
    }

    pub(crate) async fn upsert_file(
        &mut self,
        seen: &ScannedFile,
        article: Option<&ArticleId>,
        channels: &[Slug],
        refused: bool,
    ) -> Result<(), StoreError> {
        let row = file_row(seen, article, channels, refused)?;
        self.transaction.insert(&FILE, &[row]).await
    }

    /// The file was moved: its article goes with it. If another process has already recorded that, nothing changes.
    pub(crate) async fn rename_file(&mut self, old: &str, seen: &ScannedFile) -> Result<(), StoreError> {
        let new = seen.path.as_str();
        let replaced = "DELETE FROM file WHERE path = $2 AND EXISTS (SELECT 1 FROM file WHERE path = $1)";
        self.transaction.run(replaced, values![old, new]).await?;
        let moved = "UPDATE file SET path = $2, present = 1 WHERE path = $1";
        self.transaction.run(moved, values![old, new]).await.map(|_| ())
    }
}

/// A row of [`FILE`].
pub(crate) fn file_row(
    seen: &ScannedFile,
    article: Option<&ArticleId>,
    channels: &[Slug],
    refused: bool,
) -> Result<Vec<Value>, StoreError> {
    Ok(row![
        seen.path.as_str(),
        seen.channel.as_str(),
        to_json(channels)?,
        seen.hash.as_str(),
        seen.size,
        seen.modified,
        article.map(ArticleId::as_str),
        true,
        refused,
        seen.pictures.as_str()
    ])
}

/// A row of [`IMPORTED`].
pub(crate) fn import_row(
    imported: &ImportedFile,
    article: &ArticleId,
    channels: &[Slug],
) -> Result<Vec<Value>, StoreError> {
    Ok(row![
        imported.source.as_str(),
        imported.place.as_str(),
        article.as_str(),
        stem_of(&imported.place),
        imported.channel.as_str(),
        to_json(channels)?,
        imported.hash.as_str()
    ])
}

/// The file name without directories and extension, in NFC.
pub(crate) fn stem_of(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).nfc().collect()
}
