//! What documents depend on besides their articles: the options and the channels.

use std::sync::Arc;

use super::entry_cache::{EntryCache, Verifier};
use crate::feed::{self, FeedKind, VerifyError};
use crate::html;
use crate::model::{ArticleId, Channel, Entry, Site, Slug, Tombstone};
use crate::store::{LiveFeedData, LiveFeedOptions, Snapshot, Store, StoreError};
use crate::time::{Timestamp, Zone};
use crate::urls::{Format, Scope, SiteUrls};

/// The contexts of all documents.
#[derive(Clone, Debug)]
pub struct RenderOptions {
    /// The publisher.
    pub site: Site,
    /// Builds the URLs.
    pub addresses: Arc<SiteUrls>,
    /// The configured channels, in menu order. The store knows further ones from directories.
    pub channels: Vec<Channel>,
    /// The contents of live feeds.
    pub live: LiveFeedOptions,
    /// The output check: [`feed::verify`].
    pub verifier: Verifier,
    /// The key for IndexNow, which is published in a file of this name.
    pub indexnow_key: Option<String>,
    /// Shared by all renderers with these options.
    pub entry_cache: Arc<EntryCache>,
}

/// The contexts and channels at one snapshot of the log.
#[derive(Clone)]
pub struct RenderContext {
    pub(super) options: Arc<RenderOptions>,
    pub(super) channels: Arc<Vec<Channel>>,
    pub(super) channels_at: Timestamp,
    store: Store,
}

impl RenderContext {
    /// Loads the channels of `snapshot`.
    ///
    /// # Errors
    /// The store is unavailable.
    pub async fn load(
        snapshot: &mut Snapshot,
        store: &Store,
        options: Arc<RenderOptions>,
    ) -> Result<Self, StoreError> {
        let channels = Arc::new(channels(snapshot, &options.channels).await?);
        let channels_at = snapshot.channels_modified_at().await?;
        Ok(Self { options, channels, channels_at, store: store.clone() })
    }

    /// All channels, in menu order.
    pub fn channels(&self) -> &[Channel] {
        &self.channels
    }

    /// The number of revisions in an archive page; at least 1.
    pub fn page_size(&self) -> u64 {
        self.options.live.archive_page.max(1)
    }

    /// The time zone of the site.
    pub fn zone(&self) -> Zone {
        self.options.site.time_zone
    }

    /// The last change of the channel list or the configuration, in whole seconds.
    pub fn channels_at(&self) -> Timestamp {
        self.channels_at
    }

    pub(super) fn channel(&self, scope: Option<&Slug>) -> Option<&Channel> {
        self.channels.iter().find(|channel| Some(&channel.slug) == scope)
    }

    /// The id of the log that numbers the revisions of a channel.
    pub(super) fn log_id_for(&self, scope: Option<&Slug>) -> String {
        self.store.log_id_for(scope)
    }

    /// Renders and verifies a feed.
    ///
    /// # Errors
    /// Verification failed.
    pub(super) fn render_feed(
        &self,
        feed: &feed::FeedInput<'_>,
        format: Format,
    ) -> Result<Vec<u8>, VerifyError> {
        self.options.entry_cache.render(feed, format, self.options.verifier)
    }

    /// The values shared by all pages.
    pub fn page_context(&self) -> html::PageContext<'_> {
        html::PageContext::new(&self.options.site, &self.options.addresses, &self.channels)
    }
}

/// Renders on a blocking thread.
pub(super) async fn blocking<T: Send + 'static>(
    render: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(render).await {
        Ok(rendered) => Ok(rendered),
        Err(failure) => std::panic::resume_unwind(failure.into_panic()),
    }
}

/// The configured channels in their order, then those that only the store knows, without former ones.
///
/// # Errors
/// The store is unavailable.
pub async fn channels(snapshot: &mut Snapshot, configured: &[Channel]) -> Result<Vec<Channel>, StoreError> {
    let mut channels = configured.to_vec();
    for known in snapshot.channels().await? {
        // Its folder was renamed before the configuration said so, and its articles moved. Its addresses redirect now.
        if configured.iter().any(|channel| channel.former_slugs.contains(&known.slug)) {
            continue;
        }
        match channels.iter_mut().find(|channel| channel.slug == known.slug) {
            Some(channel) => channel.original_slug = known.original_slug,
            None => {
                let title = known.title.unwrap_or_else(|| known.slug.to_string());
                channels
                    .push(Channel { original_slug: known.original_slug, ..Channel::new(known.slug, title) });
            }
        }
    }
    Ok(channels)
}

impl RenderContext {
    /// The input of one document of a channel; of the view of all channels if none is given.
    pub(super) fn feed_input<'a>(
        &'a self,
        scope: &Scope,
        entries: &'a [Entry],
        tombstones: &'a [Tombstone],
        updated: Timestamp,
        kind: FeedKind<'a>,
    ) -> feed::FeedInput<'a> {
        feed::FeedInput {
            site: &self.options.site,
            addresses: &self.options.addresses,
            channel: self.channel(scope.as_ref()),
            channels: &self.channels,
            entries,
            tombstones,
            updated,
            kind,
        }
    }
}

pub(super) fn live_input<'a>(
    context: &'a RenderContext,
    scope: &Scope,
    view: &'a LiveFeedData,
) -> feed::FeedInput<'a> {
    // An open channel is marked complete only before its first archive page exists. Later, a feed may contain every
    // article on one day and not on the next, and clients that page through the archive need its link
    // (feed rule H3).
    let kind = FeedKind::Live {
        previous_archive: Some(view.sealed_pages).filter(|newest| *newest > 0),
        complete: view.complete,
    };
    context.feed_input(scope, &view.entries, &view.tombstones, view.state.updated, kind)
}

/// The name of a channel in logs.
pub(super) fn scope_name(scope: &Scope) -> &str {
    scope.as_ref().map_or("(everything)", Slug::as_str)
}

/// Removes an article. Returns false if it is not in the lists.
pub(super) fn remove_article(
    entries: &mut Vec<Entry>,
    tombstones: &mut Vec<Tombstone>,
    id: &ArticleId,
) -> bool {
    let before = entries.len() + tombstones.len();
    entries.retain(|entry| entry.id != *id);
    tombstones.retain(|tombstone| tombstone.id != *id);
    entries.len() + tombstones.len() < before
}
