//! Keeps feeds within `feed.max_bytes`: long articles are replaced by a summary with a link; if the required articles
//! together are too long, so are the longest of them.

use std::cmp::Reverse;
use std::sync::Arc;

use super::context::{RenderContext, RenderOptions, blocking, live_input};
use crate::feed;
use crate::model::{Entry, Slug};
use crate::store::{LiveFeedData, LiveFeedOptions, Snapshot, Store, StoreError};
use crate::urls::{Format, Scope};

/// An article may take one part in this many of the maximum feed size.
const MAX_ARTICLE_SHARE: usize = 4;

/// A live feed as it would be served now.
///
/// # Errors
/// The store is unavailable.
pub async fn render_feed(
    store: &Store,
    options: &RenderOptions,
    scope: Option<&Slug>,
    format: Format,
) -> Result<Vec<u8>, StoreError> {
    let mut snapshot = store.snapshot().await?;
    let context = RenderContext::load(&mut snapshot, store, Arc::new(options.clone())).await?;
    let scope = scope.cloned();
    let view = context.live_feed(&mut snapshot, &scope).await?;
    Ok(feed::render(&live_input(&context, &scope, &view), format))
}

impl RenderContext {
    /// The contents of a channel's live feed. A closed channel is complete if that fits (feed rule H3).
    pub(super) async fn live_feed(
        &self,
        snapshot: &mut Snapshot,
        scope: &Scope,
    ) -> Result<LiveFeedData, StoreError> {
        let is_closed = self.channel(scope.as_ref()).is_some_and(|channel| !channel.is_open());
        if is_closed {
            let view =
                snapshot.live(scope.as_ref(), LiveFeedOptions { whole: true, ..self.options.live }).await?;
            let (view, fits) = self.apply_limit(scope, view, Self::fits).await?;
            if fits {
                return Ok(view);
            }
        }
        let view = snapshot.live(scope.as_ref(), self.options.live).await?;
        Ok(self.apply_limit(scope, view, Self::fit).await?.0)
    }

    /// Runs `fit`, which takes some milliseconds, on a blocking thread.
    async fn apply_limit<T: Send + 'static>(
        &self,
        scope: &Scope,
        mut view: LiveFeedData,
        fit: fn(&Self, &Scope, &mut LiveFeedData) -> T,
    ) -> Result<(LiveFeedData, T), StoreError> {
        let (context, scope) = (self.clone(), scope.clone());
        blocking(move || {
            let outcome = fit(&context, &scope, &mut view);
            (view, outcome)
        })
        .await
    }

    fn max_bytes(&self) -> usize {
        usize::try_from(self.options.live.bytes).unwrap_or(usize::MAX)
    }

    /// Replaces long entries by summaries, depending only on the article and the configuration. Returns the size of each
    /// entry in bytes. `feed` is the feed of the entries.
    pub(super) fn shorten(&self, entries: &mut [Entry], feed: &feed::FeedInput<'_>) -> Vec<usize> {
        let shorten = |entry: &mut Entry| {
            let bytes = self.entry_bytes(entry, feed);
            if bytes <= self.max_bytes() / MAX_ARTICLE_SHARE {
                return bytes;
            }
            *entry = feed::summary(entry, feed.addresses);
            self.entry_bytes(entry, feed)
        };
        entries.iter_mut().map(shorten).collect()
    }

    /// Replaces the longest entries by summaries until the feed fits. Returns the number of replaced entries.
    pub(super) fn squeeze(
        &self,
        entries: &mut [Entry],
        bytes: &[usize],
        feed: &feed::FeedInput<'_>,
    ) -> usize {
        let available = self.max_bytes().saturating_sub(feed::head_bytes(feed));
        let (mut sum, mut squeezed) = (bytes.iter().sum::<usize>(), 0);
        let mut longest: Vec<usize> = (0..bytes.len()).collect();
        longest.sort_by_key(|index| Reverse(bytes[*index]));
        for index in longest {
            if sum <= available {
                break;
            }
            let entry = feed::summary(&entries[index], feed.addresses);
            let short = self.entry_bytes(&entry, feed);
            if short < bytes[index] {
                sum = sum - bytes[index] + short;
                entries[index] = entry;
                squeezed += 1;
            }
        }
        squeezed
    }

    /// Shortens long entries. Returns true if the feed fits.
    pub(super) fn fits(&self, scope: &Scope, view: &mut LiveFeedData) -> bool {
        let (bytes, head) = self.measure(scope, view);
        bytes.iter().sum::<usize>() + head <= self.max_bytes()
    }

    /// Makes the feed fit: shortens long entries, then drops the entries that only the time window adds, then shortens
    /// the longest ones.
    pub(super) fn fit(&self, scope: &Scope, view: &mut LiveFeedData) {
        if self.fits(scope, view) {
            return;
        }
        view.leave_out_window(self.options.live.items as usize, view.sealed_pages * self.page_size());
        let (bytes, _) = self.measure(scope, view);
        let mut entries = std::mem::take(&mut view.entries);
        let squeezed = self.squeeze(&mut entries, &bytes, &live_input(self, scope, view));
        view.entries = entries;
        if squeezed > 0 {
            view.abridged = true;
            // Clients may hold other articles in full, which a delta cannot express.
            view.delta_floor = view.state.number;
        }
    }

    fn measure(&self, scope: &Scope, view: &mut LiveFeedData) -> (Vec<usize>, usize) {
        let mut entries = std::mem::take(&mut view.entries);
        let feed = live_input(self, scope, view);
        let (bytes, head) = (self.shorten(&mut entries, &feed), feed::head_bytes(&feed));
        view.entries = entries;
        (bytes, head)
    }

    /// An upper bound of the bytes that an entry adds to a feed.
    fn entry_bytes(&self, entry: &Entry, feed: &feed::FeedInput<'_>) -> usize {
        self.options.entry_cache.get(feed, entry).rendered.max_bytes()
    }
}
