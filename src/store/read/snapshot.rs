//! One state of the log.

use std::collections::HashMap;

use crate::model::{ArticleId, Correction, Neighbours, Permalink, Slug};
use crate::store::engine::Transaction;
use crate::store::error::StoreError;
use crate::store::feed_data::{ArchivePageData, ChannelState, LiveFeedData, LiveFeedOptions, LogPosition};
use crate::store::queries::{
    ArticleLookup, ArticleQuery, ArticleQueryResult, ArticleRef, ChannelRecord, ImageLookup, ImageRef,
    MonthState, SitemapEntry,
};
use crate::store::read::{
    archive, archive_index, article_list, articles, channels, images, live_feed, log_state, neighbours,
    site_index,
};
use crate::store::removed_channels::RemovedChannels;
use crate::time::{Month, Timestamp, Zone};
use crate::urls::Scope;

/// One state of the log. It does not change while it is held, whatever is written. Hold it only as long as
/// needed: the database keeps old versions of rows for it.
pub struct Snapshot {
    pub(crate) reading: Transaction,
    pub(crate) gone: RemovedChannels,
}

impl Snapshot {
    /// The position of the log in this state.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn position(&mut self) -> Result<LogPosition, StoreError> {
        log_state::position(&mut self.reading).await
    }

    /// All channels, by slug.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn channels(&mut self) -> Result<Vec<ChannelRecord>, StoreError> {
        channels::channels(&mut self.reading).await
    }

    /// The states of all channels and of the view of all channels. Channels without an entry have no revision.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn channel_states(&mut self) -> Result<HashMap<Scope, ChannelState>, StoreError> {
        channels::channel_states(&mut self.reading).await
    }

    /// What the live documents of a channel show; those of all channels if none is given.
    ///
    /// The cost depends on what is shown, not on the length of the log.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn live(
        &mut self,
        channel: Option<&Slug>,
        choice: LiveFeedOptions,
    ) -> Result<LiveFeedData, StoreError> {
        live_feed::live(&mut self.reading, channel, choice).await
    }

    /// The state of page `page` of a channel's log, counted from 1, with `page_size` revisions each; of the log of
    /// all channels if none is given. None if the page does not exist or is not sealed yet.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn archive_state(
        &mut self,
        channel: Option<&Slug>,
        page: u64,
        page_size: u64,
    ) -> Result<Option<ChannelState>, StoreError> {
        archive::state(&mut self.reading, channel, page, page_size).await
    }

    /// The content of that page: each article once, as its last revision in the page left it, without those that were
    /// withdrawn or left the channel later.
    ///
    /// The cost depends on `page_size` only, not on the length of the log or the age of the page.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn archive(
        &mut self,
        channel: Option<&Slug>,
        page: u64,
        page_size: u64,
    ) -> Result<Option<ArchivePageData>, StoreError> {
        archive::page(&mut self.reading, channel, page, page_size).await
    }

    /// The months in `zone` that contain published articles of a channel, newest first; of all channels if none is
    /// given. None if the channel does not exist.
    ///
    /// The cost depends on the number of months.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn months(
        &mut self,
        channel: Option<&Slug>,
        zone: Zone,
    ) -> Result<Option<Vec<Month>>, StoreError> {
        archive_index::months(&mut self.reading, channel, zone, &self.gone).await
    }

    /// The URLs of the articles published from `from` to `to`, newest first, at most `limit`.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn sitemap_entries(
        &mut self,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        limit: u32,
    ) -> Result<Vec<SitemapEntry>, StoreError> {
        archive_index::sitemap_entries(&mut self.reading, from, to, limit).await
    }

    /// When and why an article was corrected, latest first, at most twenty times.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn corrections(&mut self, id: &ArticleId) -> Result<Vec<Correction>, StoreError> {
        archive_index::corrections(&mut self.reading, id).await
    }

    /// The article at this permalink.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn article(&mut self, permalink: &Permalink) -> Result<ArticleLookup, StoreError> {
        articles::article(&mut self.reading, permalink).await
    }

    /// The neighbours of a published article in one of its channels.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn neighbours(&mut self, channel: &Slug, id: &ArticleId) -> Result<Neighbours, StoreError> {
        neighbours::neighbours(&mut self.reading, channel, id).await
    }

    /// Number and time of the last revision that changed the neighbours of an article; none if none did. Both never go
    /// back as long as the article itself has no new revision.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn neighbours_changed(
        &mut self,
        id: &ArticleId,
    ) -> Result<Option<(u64, Timestamp)>, StoreError> {
        neighbours::last_change(&mut self.reading, id).await
    }

    /// The published articles that match a query, newest first.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn query_articles(&mut self, query: &ArticleQuery) -> Result<ArticleQueryResult, StoreError> {
        article_list::query_articles(&mut self.reading, query, &self.gone).await
    }

    /// The image with this name.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn image(&mut self, name: &str) -> Result<ImageLookup, StoreError> {
        images::find_image(&mut self.reading, name).await
    }

    /// Up to `limit` articles that have a URL, after the id `after`, by id.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn article_refs(
        &mut self,
        after: Option<&ArticleId>,
        limit: u32,
    ) -> Result<Vec<ArticleRef>, StoreError> {
        site_index::articles(&mut self.reading, after, limit).await
    }

    /// Up to `limit` images that published articles show, after the name `after`, by name.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn image_refs(&mut self, after: &str, limit: u32) -> Result<Vec<ImageRef>, StoreError> {
        images::images(&mut self.reading, after, limit).await
    }

    /// The content of each month of a channel; of all channels if none is given.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn month_states(
        &mut self,
        channel: Option<&Slug>,
        zone: Zone,
    ) -> Result<Vec<MonthState>, StoreError> {
        site_index::months(&mut self.reading, channel, zone, &self.gone).await
    }

    /// The channel's number of the newest revision that removed an article from it: no sealed page has changed since.
    /// 0 if there is none.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn last_removal(&mut self, channel: Option<&Slug>) -> Result<u64, StoreError> {
        channels::last_removal(&mut self.reading, channel).await
    }

    /// The latest modification time of any document of this state. After that second has passed, no later state has
    /// the same time.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn last_modified(&mut self) -> Result<Timestamp, StoreError> {
        log_state::last_modified(&mut self.reading).await
    }

    /// Disables timeouts for this snapshot, for callers that read all of it.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn disable_timeouts(&mut self) -> Result<(), StoreError> {
        self.reading.disable_timeouts().await
    }

    /// Number of changes of the configuration, of titles or of the list of channels. Together with the state of a
    /// channel or page, it covers everything that its documents depend on.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn config_epoch(&mut self) -> Result<u64, StoreError> {
        Ok(self.position().await?.config_epoch)
    }

    /// When the configuration last changed what documents show.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn config_modified_at(&mut self) -> Result<Timestamp, StoreError> {
        log_state::config_modified_at(&mut self.reading).await
    }

    /// When the list of channels last changed: a channel was created, or the configuration changed.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn channels_modified_at(&mut self) -> Result<Timestamp, StoreError> {
        log_state::channels_modified_at(&mut self.reading).await
    }
}
