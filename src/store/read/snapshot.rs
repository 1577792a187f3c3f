//! One state of the log.

use std::collections::HashMap;

use crate::model::{ArticleId, Permalink, Slug};
use crate::store::engine::Transaction;
use crate::store::error::StoreError;
use crate::store::feed_data::{ArchivePageData, ChannelState, LiveFeedData, LiveFeedOptions, LogPosition};
use crate::store::queries::{
    ArticleLookup, ArticleQuery, ArticleQueryResult, ArticleRef, ChannelRecord, ImageLookup, ImageRef,
    MonthState, SitemapEntry,
};
use crate::store::read::{
    archive, archive_index, article_list, articles, channels, files, live_feed, log_state, site_index,
};
use crate::store::removed_channels::Gone;
use crate::time::{Month, Timestamp, Zone};
use crate::urls::Scope;

/// One state of the log, unchanging while it is held, whatever is written meanwhile. Hold it for as long as it
/// takes to ask, not longer: the engine keeps the past for it.
pub struct Snapshot {
    pub(crate) reading: Transaction,
    pub(crate) gone: Gone,
}

impl Snapshot {
    /// How far the log had come: what was announced of this state.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn position(&mut self) -> Result<LogPosition, StoreError> {
        log_state::announcement(&mut self.reading).await
    }

    /// All channels, by slug.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn channels(&mut self) -> Result<Vec<ChannelRecord>, StoreError> {
        channels::channels(&mut self.reading).await
    }

    /// The state of every channel's documents and of the view of everything. What is not here has no revision.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn channel_states(&mut self) -> Result<HashMap<Scope, ChannelState>, StoreError> {
        channels::channel_states(&mut self.reading).await
    }

    /// What the live documents of a channel show; of everything, without one.
    ///
    /// Its cost depends on what is shown, not on the length of the log.
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

    /// How page `page` of a channel's log stands, counted from 1, each of `page_size` revisions; of the log of
    /// everything, without a channel. None where there is no such page, or it is not sealed yet.
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

    /// What that page shows: each article once, as its last revision in the page left it, without those that
    /// were withdrawn from the channel or left it later.
    ///
    /// Its cost depends on `page_size` alone: not on the length of the log, and not on how deep the page is.
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

    /// The months in `zone` in which the living articles of a channel are stamped, the newest first; of everything,
    /// without a channel. None where there is no such channel.
    ///
    /// Its cost depends on the number of months.
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

    /// The addresses of the living articles stamped from `from` to `to`, newest stamp first, so many at most.
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

    /// When an article was corrected, the latest first: the last twenty at most.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn corrections(&mut self, id: &ArticleId) -> Result<Vec<Timestamp>, StoreError> {
        archive_index::corrections(&mut self.reading, id).await
    }

    /// What stands at an article's address.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn article(&mut self, permalink: &Permalink) -> Result<ArticleLookup, StoreError> {
        articles::article(&mut self.reading, permalink).await
    }

    /// The living articles, newest first, or those among them that hold certain words.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn query_articles(&mut self, asked: &ArticleQuery) -> Result<ArticleQueryResult, StoreError> {
        article_list::query_articles(&mut self.reading, asked, &self.gone).await
    }

    /// What stands at a picture's address, by its name.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn image(&mut self, name: &str) -> Result<ImageLookup, StoreError> {
        files::find_image(&mut self.reading, name).await
    }

    /// Up to `limit` of all articles that have an address, behind the one named `after`, by id.
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

    /// Up to `limit` of the pictures that living articles show, behind the one named `after`, by name.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn image_refs(&mut self, after: &str, limit: u32) -> Result<Vec<ImageRef>, StoreError> {
        site_index::images(&mut self.reading, after, limit).await
    }

    /// What a channel has in each of its months, as [`Snapshot::archive`]; of everything, without a channel.
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

    /// The channel's number of the newest revision by which an article departed from it: no sealed page has
    /// changed since. 0 where none has departed.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn last_removal(&mut self, channel: Option<&Slug>) -> Result<u64, StoreError> {
        channels::last_removal(&mut self.reading, channel).await
    }

    /// The newest second that any document of this state bears as its date. Once it is over, no later state
    /// bears it.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn last_modified(&mut self) -> Result<Timestamp, StoreError> {
        log_state::last_modified(&mut self.reading).await
    }

    /// From now on no question is given up for taking long, and the state is held over pauses: for who reads all
    /// of it.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn disable_timeouts(&mut self) -> Result<(), StoreError> {
        self.reading.disable_timeouts().await
    }

    /// How often configuration, titles or the list of channels have changed: with the state of a channel or
    /// page, all that its documents depend on.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn config_epoch(&mut self) -> Result<u64, StoreError> {
        Ok(self.position().await?.config_epoch)
    }

    /// The second at which the configuration last changed what documents show.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn config_modified_at(&mut self) -> Result<Timestamp, StoreError> {
        log_state::config_modified_at(&mut self.reading).await
    }

    /// The second at which the list of channels last changed: a channel was founded, or the configuration
    /// changed.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn channels_modified_at(&mut self) -> Result<Timestamp, StoreError> {
        log_state::channels_modified_at(&mut self.reading).await
    }
}
