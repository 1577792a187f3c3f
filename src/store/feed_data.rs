//! What the documents of a channel show: the live feed and the sealed archive pages.

use std::collections::HashMap;

use crate::model::{ArticleId, Entry, Tombstone};
use crate::time::Timestamp;

/// The position of the log. A larger position means that documents may have changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogPosition {
    /// Number of the newest revision; 0 if there is none.
    pub head: u64,
    /// Number of changes of the configuration and of channel titles.
    pub config_epoch: u64,
}

impl LogPosition {
    /// True if a log at this position contains everything up to `other`.
    pub fn includes(&self, other: &Self) -> bool {
        self.head >= other.head && self.config_epoch >= other.config_epoch
    }

    /// The maximum of both numbers. Notifications may overtake each other, but neither number ever decreases.
    pub fn max(self, other: Self) -> Self {
        Self { head: self.head.max(other.head), config_epoch: self.config_epoch.max(other.config_epoch) }
    }
}

/// What a live feed shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveFeedOptions {
    /// Number of newest articles by publication date.
    pub items: u32,
    /// Also everything that changed within this many seconds before the newest revision, if all of it fits.
    pub window: u64,
    /// Revisions per sealed archive page. Revisions that are in no sealed page are always shown.
    pub archive_page: u64,
    /// Maximum number of entries and tombstones together.
    pub limit: usize,
    /// Maximum size of a live feed, in bytes.
    pub bytes: u64,
    /// Show all articles if they are within the limit: for a channel that accepts no new ones.
    pub whole: bool,
}

/// The state of a channel: its validators are derived from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelState {
    /// Number of the newest revision, counted per channel; 0 if there is none.
    pub number: u64,
    /// Time of that revision; of the creation of the channel if there is none (feed rule A3).
    pub updated: Timestamp,
    /// The later of that revision and the last configuration change, in whole seconds.
    pub last_modified: Timestamp,
}

/// What the live documents of a channel show, from one state of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveFeedData {
    /// State of the channel.
    pub state: ChannelState,
    /// Newest publication date first, then by id.
    pub entries: Vec<Entry>,
    /// Latest withdrawal first, then by id.
    pub tombstones: Vec<Tombstone>,
    /// Articles whose stored content is damaged. They are left out.
    pub unreadable: Vec<ArticleId>,
    /// Number of sealed pages of the channel's log.
    pub sealed_pages: u64,
    /// True if every article of the channel is shown and this will not change by itself: no page is sealed yet, or
    /// all articles were requested.
    pub complete: bool,
    /// Oldest number from which a delta is complete: a reader that holds this number or a later one learns of every
    /// later change from what is shown here. Below it, an article changed that is not shown (it left the channel, is
    /// damaged or is too old), or the configuration changed.
    pub delta_floor: u64,
    /// The channel's number of the newest revision of each article that changed recently; covers all above
    /// `delta_floor`.
    pub last_changes: HashMap<ArticleId, u64>,
    /// True if articles were shortened to their summary because there are too many. The store never sets it.
    pub abridged: bool,
}

impl LiveFeedData {
    /// Keeps only what is always shown: the newest `items` by publication date, and revisions above `sealed`, which
    /// are in no sealed page.
    pub fn leave_out_window(&mut self, items: usize, sealed: u64) {
        let in_tail = |id: &ArticleId| self.last_changes.get(id).is_some_and(|number| *number > sealed);
        let mut place = 0;
        self.entries.retain(|entry| {
            place += 1;
            place <= items || in_tail(&entry.id)
        });
        self.tombstones.retain(|tombstone| in_tail(&tombstone.id));
        self.delta_floor = self.delta_floor.max(sealed);
    }
}

/// The remaining content of a sealed archive page, from one state of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivePageData {
    /// `number` is the last revision that changed the page: one of its own, or the first removal of one of its
    /// articles. `updated` is the newest time of its own revisions (feed rule H2).
    pub state: ChannelState,
    /// As they were when the page was sealed. Newest publication date first, then by id.
    pub entries: Vec<Entry>,
    /// The latest withdrawal first, equal ones by id.
    pub tombstones: Vec<Tombstone>,
    /// Articles whose stored form is damaged: the others are shown without them.
    pub unreadable: Vec<ArticleId>,
}
