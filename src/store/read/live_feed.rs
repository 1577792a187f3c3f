//! What the live feed of a channel shows.

use std::collections::{HashMap, HashSet};

use crate::model::{ArticleId, Entry, Slug, Tombstone};
use crate::store::engine::{Row, Transaction, values};
use crate::store::error::StoreError;
use crate::store::feed_data::{ChannelState, LiveFeedData, LiveFeedOptions};
use crate::store::read::articles::{FetchedState, fetch};
use crate::store::read::channels::state_of;
use crate::store::read::log_state::config_modified_at;
use crate::store::sort_key::KEYS_PER_SECOND;
use crate::store::sql::ALL_CHANNELS;
use crate::time::Timestamp;

/// Rows per query while the window is filled.
const BATCH_SIZE: i64 = 512;
/// A window with more changes than this is left out, however few articles changed.
const MAX_WINDOW_ROWS: usize = 4096;

pub(crate) async fn live(
    reading: &mut Transaction,
    channel: Option<&Slug>,
    choice: LiveFeedOptions,
) -> Result<LiveFeedData, StoreError> {
    let slug = channel.map_or(ALL_CHANNELS, Slug::as_str);
    let configured_at = config_modified_at(reading).await?;
    let state = state_of(reading, slug, configured_at).await?;
    let mut chosen = choose(reading, slug, &state, configured_at, choice).await?;
    let (mut entries, mut tombstones, mut unreadable) = (Vec::new(), Vec::new(), Vec::new());
    for (id, state) in fetch(reading, &chosen.ids).await? {
        match state {
            Ok(Some(FetchedState::Live { entry, .. })) => entries.push(*entry),
            Ok(Some(FetchedState::Withdrawn(tombstone))) => tombstones.push(tombstone),
            Ok(None) => {}
            // A damaged article must not break a channel.
            Err(StoreError::Corrupt(_)) => {
                chosen.miss(&id);
                unreadable.push(id);
            }
            Err(cause) => return Err(cause),
        }
    }
    sort_for_feed(&mut entries, &mut tombstones);
    let sealed_pages = state.number / choice.archive_page.max(1);
    let lasts = sealed_pages == 0
        || (choice.whole && count_published(reading, slug, choice.limit).await? == entries.len());
    Ok(LiveFeedData {
        state,
        entries,
        tombstones,
        unreadable,
        sealed_pages,
        complete: lasts && !chosen.misses,
        delta_floor: chosen.covered_from,
        last_changes: chosen.changes,
        abridged: false,
    })
}

/// The order of every document: newest publication date and latest withdrawal first, then by id.
pub(crate) fn sort_for_feed(entries: &mut [Entry], tombstones: &mut [Tombstone]) {
    entries.sort_by(|a, b| {
        b.article.published.instant.cmp(&a.article.published.instant).then_with(|| a.id.cmp(&b.id))
    });
    tombstones.sort_by(|a, b| b.when.cmp(&a.when).then_with(|| a.id.cmp(&b.id)));
}

/// What a live document shows: always the unsealed tail and the newest articles; then everything that changed
/// within the window, if all of it fits. A part of the window would not help anyone, and the sealed pages
/// contain it.
async fn choose(
    reading: &mut Transaction,
    slug: &str,
    state: &ChannelState,
    configured_at: Timestamp,
    choice: LiveFeedOptions,
) -> Result<LiveSelection, StoreError> {
    let items = if choice.whole { u32::try_from(choice.limit).unwrap_or(u32::MAX) } else { choice.items };
    let sealed = state.number - state.number % choice.archive_page.max(1);
    let mut chosen = LiveSelection { limit: choice.limit, ..LiveSelection::default() };
    let rows = reading
        .rows(
            "SELECT number, article, kind, at FROM channel_revision \
             WHERE channel = $1 AND number >= $2 ORDER BY number DESC",
            values![slug, sealed],
        )
        .await?;
    for row in &rows {
        chosen.see_configuration(row, configured_at)?;
        if row.get_u64(0)? > sealed {
            chosen.see(row)?;
        }
    }
    for id in newest(reading, slug, items).await? {
        chosen.add(id);
    }
    let since = state.updated.timestamp() - i64::try_from(choice.window).unwrap_or(i64::MAX);
    let mut with_window = chosen.clone();
    if with_window.add_window(reading, slug, sealed, since, configured_at, choice.bytes).await? {
        return Ok(with_window);
    }
    chosen.cover_from(sealed);
    Ok(chosen)
}

#[derive(Clone, Default)]
struct LiveSelection {
    ids: Vec<ArticleId>,
    seen: HashSet<ArticleId>,
    limit: usize,
    changes: HashMap<ArticleId, u64>,
    covered_from: u64,
    /// True if a published article or a tombstone is not shown because of the limit.
    misses: bool,
}

impl LiveSelection {
    fn add(&mut self, id: ArticleId) {
        if self.seen.contains(&id) {
            return;
        }
        if self.ids.len() >= self.limit {
            self.miss(&id);
        } else {
            self.seen.insert(id.clone());
            self.ids.push(id);
        }
    }

    /// Adds everything that changed at `since` or later. False if not all of it fits.
    async fn add_window(
        &mut self,
        reading: &mut Transaction,
        slug: &str,
        sealed: u64,
        since: i64,
        configured_at: Timestamp,
        bytes: u64,
    ) -> Result<bool, StoreError> {
        let (mut below, mut rows_read) = (sealed + 1, 0);
        loop {
            let rows = reading
                .rows(
                    "SELECT number, article, kind, at FROM channel_revision \
                     WHERE channel = $1 AND number < $2 ORDER BY number DESC LIMIT $3",
                    values![slug, below, BATCH_SIZE],
                )
                .await?;
            for row in &rows {
                self.see_configuration(row, configured_at)?;
                if row.get_i64(3)? < since {
                    self.cover_from(row.get_u64(0)?);
                    return self.fits(reading, slug, row.get_u64(0)?, sealed, bytes).await;
                }
                self.see(row)?;
                below = row.get_u64(0)?;
            }
            rows_read += rows.len();
            if self.misses || rows_read > MAX_WINDOW_ROWS {
                return Ok(false);
            }
            if rows.len() < BATCH_SIZE as usize {
                return self.fits(reading, slug, 0, sealed, bytes).await;
            }
        }
    }

    /// True if the stored text that changed above number `low` and up to `sealed` is at most `bytes` long. Each
    /// article counts with at most a quarter of that: longer ones are shortened.
    async fn fits(
        &self,
        reading: &mut Transaction,
        slug: &str,
        low: u64,
        sealed: u64,
        bytes: u64,
    ) -> Result<bool, StoreError> {
        if self.misses {
            return Ok(false);
        }
        let row = reading
            .one(
                "SELECT CAST(COALESCE(SUM(CASE WHEN length > $4 THEN $4 ELSE length END), 0) AS BIGINT) FROM article WHERE id IN \
                 (SELECT article FROM channel_revision \
                 WHERE channel = $1 AND number > $2 AND number <= $3 AND kind <> 'left')",
                values![slug, low, sealed, bytes / 4],
            )
            .await?;
        Ok(row.get_u64(0)? <= bytes)
    }

    /// Adds a row of the log, newest first. An article that left the channel is no longer in it, whatever older rows
    /// say.
    fn see(&mut self, row: &Row) -> Result<(), StoreError> {
        let (number, id) = (row.get_u64(0)?, ArticleId::new(row.get_text(1)?));
        if self.changes.contains_key(&id) {
            return Ok(());
        }
        self.changes.insert(id.clone(), number);
        if row.get_text(2)? == "left" {
            self.seen.insert(id);
            self.cover_from(number);
        } else {
            self.add(id);
        }
        Ok(())
    }

    /// A reader that holds this number may have documents of another configuration.
    fn see_configuration(&mut self, row: &Row, configured_at: Timestamp) -> Result<(), StoreError> {
        if row.get_i64(3)? < configured_at.timestamp() {
            self.cover_from(row.get_u64(0)? + 1);
        }
        Ok(())
    }

    /// An article is not shown, so its change is not covered either.
    fn miss(&mut self, id: &ArticleId) {
        self.misses = true;
        self.cover_from(self.changes.get(id).copied().unwrap_or_default());
    }

    fn cover_from(&mut self, number: u64) {
        self.covered_from = self.covered_from.max(number);
    }
}

/// Number of published articles in the channel, at most `limit` + 1.
async fn count_published(reading: &mut Transaction, slug: &str, limit: usize) -> Result<usize, StoreError> {
    let row = reading
        .one(
            "SELECT COUNT(*) FROM (SELECT 1 FROM membership WHERE channel = $1 LIMIT $2) living",
            values![slug, limit as u64 + 1],
        )
        .await?;
    Ok(usize::try_from(row.get_u64(0)?).unwrap_or(usize::MAX))
}

async fn newest(reading: &mut Transaction, slug: &str, items: u32) -> Result<Vec<ArticleId>, StoreError> {
    let rows = reading
        .rows(
            // By the index on sort keys: from the first key of the second of the last article that is shown.
            "SELECT article FROM membership WHERE channel = $1 AND place >= COALESCE((SELECT stamp * $3 FROM \
             membership WHERE channel = $1 ORDER BY place DESC LIMIT 1 OFFSET $4), $5) \
             ORDER BY stamp DESC, article LIMIT $2",
            values![slug, i64::from(items), KEYS_PER_SECOND, i64::from(items.max(1) - 1), i64::MIN],
        )
        .await?;
    rows.iter().map(|row| Ok(ArticleId::new(row.get_text(0)?))).collect()
}
