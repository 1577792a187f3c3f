//! The reads of [`Store`].

use crate::model::{ArticleId, Permalink, Slug};
use crate::store::engine::Row;
use crate::store::error::StoreError;
use crate::store::handle::Store;
use crate::store::queries::{
    ArticleLookup, ArticleQuery, ArticleQueryResult, ArticleSummary, Change, ChangesQuery, ChangesResult,
    ImageLookup, LeftChannel,
};
use crate::store::read::snapshot::Snapshot;
use crate::store::read::{articles, changes, files, images};
use crate::store::removed_channels::RemovedChannels;
use crate::store::submission::{FileRecord, ImportedFile, Scheduled};
use crate::time::Timestamp;

impl Store {
    /// When the next scheduled article is due.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let mut reading = self.core.database.begin_quick_read().await?;
        articles::next_due(&mut reading).await
    }

    /// For each file, whether an import already stored these bytes from this path.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn already_imported(&self, files: &[ImportedFile]) -> Result<Vec<bool>, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        let mut known = Vec::with_capacity(files.len());
        for file in files {
            known.push(files::already_imported(&mut reading, file).await?);
        }
        Ok(known)
    }

    /// All files ever seen in the folder, by path.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn files(&self) -> Result<Vec<FileRecord>, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        files::files(&mut reading).await
    }

    /// The folders of all files ever seen, in the order of the paths.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn file_folders(&self) -> Result<Vec<String>, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        files::file_folders(&mut reading).await
    }

    /// Up to `limit` files ever seen in a folder, after the path `after` (empty for the first), by path.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn files_in(
        &self,
        folder: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<FileRecord>, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        files::files_in(&mut reading, folder, after, limit).await
    }

    /// Number of files that hold an article now.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn count_articles_with_files(&self) -> Result<u64, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        files::count_articles_with_files(&mut reading).await
    }

    /// The stored state of the files at these paths.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn files_at(&self, paths: &[String]) -> Result<Vec<FileRecord>, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        files::files_at(&mut reading, paths).await
    }

    /// The paths of files in the folder whose bytes were rejected.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn refused_files(&self) -> Result<Vec<String>, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        files::refused_files(&mut reading).await
    }

    /// The channels that are empty because most of their articles went to another channel with their files: their folder
    /// was probably renamed. Without those that are configured as removed or contain others.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn left_channels(&self) -> Result<Vec<LeftChannel>, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        let mut left = files::left_channels(&mut reading).await?;
        let channels = &self.core.options.channels;
        let is_decided = |slug: &Slug| {
            channels
                .iter()
                .any(|channel| channel.slug == *slug && (channel.is_gone() || !channel.includes.is_empty()))
        };
        left.retain(|left| !is_decided(&left.channel));
        Ok(left)
    }

    /// The image with this name.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn image(&self, name: &str) -> Result<ImageLookup, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        images::find_image(&mut reading, name).await
    }

    /// The name of the newest image in a published article whose copies are due.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn next_to_scale(&self) -> Result<Option<String>, StoreError> {
        images::next_to_scale(&mut self.core.database.begin_read().await?).await
    }

    /// True if this image is stored and its copies were made.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn is_scaled(&self, name: &str) -> Result<bool, StoreError> {
        images::is_scaled(&mut self.core.database.begin_read().await?, name).await
    }

    /// True if copies are stored that documents do not show yet ([`Store::show_copies`]).
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn has_staged_copies(&self) -> Result<bool, StoreError> {
        images::has_staged_copies(&mut self.core.database.begin_read().await?).await
    }

    /// True if images are due for [`Store::remove_unused_images`].
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn has_unused_images(&self) -> Result<bool, StoreError> {
        let mut reading = self.core.database.begin_quick_read().await?;
        images::has_unused_images(&mut reading, self.clock().now().timestamp()).await
    }

    /// One consistent state of the log, for several queries.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let reading = self.core.database.begin_read().await?;
        Ok(Snapshot { reading, gone: RemovedChannels::among(&self.core.options.channels) })
    }

    /// The article at this permalink.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn article(&self, permalink: &Permalink) -> Result<ArticleLookup, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        articles::article(&mut reading, permalink).await
    }

    /// The article with this id.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn article_by_id(&self, id: &ArticleId) -> Result<ArticleLookup, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        articles::article_by_id(&mut reading, id).await
    }

    /// The scheduled article with this id, if it was never published.
    ///
    /// SECURITY: it is under embargo. The caller must have rights to its channels
    /// ([`Token::allows`](crate::store::Token::allows)).
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn scheduled(&self, id: &ArticleId) -> Result<Option<Scheduled>, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        articles::scheduled(&mut reading, id).await
    }

    /// The changes of the log after a number, in order. The cost depends on the result, not on its position in the
    /// log.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn changes(&self, query: &ChangesQuery) -> Result<ChangesResult, StoreError> {
        self.changes_as(query, Ok).await
    }

    /// The same, with each change made into a `T` as soon as it is read, in order: a page of many long texts is never in
    /// memory as a whole.
    ///
    /// # Errors
    /// If the database does not answer, or `make` fails.
    pub async fn changes_as<T>(
        &self,
        query: &ChangesQuery,
        make: impl FnMut(Change) -> Result<T, StoreError>,
    ) -> Result<ChangesResult<T>, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        changes::changes(&mut reading, query, make).await
    }

    /// The published articles that match a query, newest first.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn query_articles(&self, query: &ArticleQuery) -> Result<ArticleQueryResult, StoreError> {
        self.snapshot().await?.query_articles(query).await
    }

    /// Up to `limit` articles after `after`, latest publication date first, then by id; of one channel if one is
    /// given.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn list(
        &self,
        channel: Option<&Slug>,
        after: Option<&ArticleSummary>,
        limit: u32,
    ) -> Result<Vec<ArticleSummary>, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        articles::list_articles(&mut reading, channel, after, limit).await
    }

    /// The number of published articles, and the channels that contain any, by slug.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn count_live(&self) -> Result<(u64, Vec<Slug>), StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        let articles = reading.one("SELECT COUNT(*) FROM article WHERE state = 'live'", &[]).await?;
        let channels = reading
            .rows("SELECT DISTINCT channel FROM membership WHERE channel <> '' ORDER BY channel", &[])
            .await?;
        let slug =
            |row: &Row| Slug::parse(row.get_text(0)?).map_err(|cause| StoreError::Corrupt(cause.to_string()));
        Ok((articles.get_u64(0)?, channels.iter().map(slug).collect::<Result<_, _>>()?))
    }
}
