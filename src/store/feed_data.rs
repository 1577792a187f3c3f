//! What the documents of a channel show: the live feed and the sealed archive pages.

use std::collections::HashMap;

use crate::model::{ArticleId, Entry, Tombstone};
use crate::time::Timestamp;

/// How far the log has come. A larger announcement means that documents may have changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogPosition {
    /// The number of the newest revision; 0 while there is none.
    pub head: u64,
    /// Counts changes of configuration and of channel titles.
    pub config_epoch: u64,
}

impl LogPosition {
    /// True where everything that `other` tells of is in a log that has come as far as this.
    pub fn includes(&self, other: &Self) -> bool {
        self.head >= other.head && self.config_epoch >= other.config_epoch
    }

    /// As far as either of the two: a notice may overtake another, and neither number ever goes back.
    pub fn max(self, other: Self) -> Self {
        Self { head: self.head.max(other.head), config_epoch: self.config_epoch.max(other.config_epoch) }
    }
}

/// What a live feed asks for (DESIGN: "Live feed").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveFeedOptions {
    /// The newest so many articles by stamp.
    pub items: u32,
    /// All that changed within so many seconds before the newest revision, where all of that fits.
    pub window: u64,
    /// How many revisions a sealed page holds; what is in no sealed page is always shown.
    pub archive_page: u64,
    /// Never more than so many entries and tombstones together.
    pub limit: usize,
    /// A live feed is at most so many bytes long.
    pub bytes: u64,
    /// All articles, where these are within the limit: of a channel that takes no new ones.
    pub whole: bool,
}

/// How far a channel has come: what its documents' validators are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelState {
    /// The number, in the channel's own counting, of its newest revision; 0 where there is none.
    pub number: u64,
    /// The `at` of that revision; the last change of configuration where there is none.
    pub updated: Timestamp,
    /// The second of that revision, or of the last change of configuration.
    pub last_modified: Timestamp,
}

/// A channel as its live documents show it: one state of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveFeedData {
    /// How far the channel has come.
    pub state: ChannelState,
    /// Newest stamp first, equal stamps by id.
    pub entries: Vec<Entry>,
    /// The latest withdrawal first, equal ones by id.
    pub tombstones: Vec<Tombstone>,
    /// Articles whose stored form is damaged: the others are shown without them.
    pub unreadable: Vec<ArticleId>,
    /// How many pages of the channel's log are sealed.
    pub sealed_pages: u64,
    /// True where every article of the channel is shown, and that will not change by itself: no page is sealed
    /// yet, or all of them were asked for.
    pub complete: bool,
    /// Whoever holds the channel's documents at this number, or at any between it and the newest, is told of
    /// everything that changed since by what is shown here. Not so below: there an article changed that is
    /// not shown, because it left the channel, is damaged or is too long ago; or the configuration did.
    pub delta_floor: u64,
    /// The channel's number of the newest revision of each article that changed lately; of all above
    /// `delta_floor`.
    pub last_changes: HashMap<ArticleId, u64>,
    /// True where articles stand here with their summary that would stand in full if there were fewer of them. The
    /// store never does that.
    pub abridged: bool,
}

impl LiveFeedData {
    /// Leaves only what is always shown: the newest `items` by stamp, and what is in no sealed page, whose revisions
    /// are numbered above `sealed`.
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

/// What is left of a sealed page of a channel's log: one state of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivePageData {
    /// The number is that of the last revision that changed the page, one of its own or the first by which
    /// an article departed from it; `updated` is the newest `at` of its own (rule H2).
    pub state: ChannelState,
    /// As they stood when the page was sealed. Newest stamp first, equal stamps by id.
    pub entries: Vec<Entry>,
    /// The latest withdrawal first, equal ones by id.
    pub tombstones: Vec<Tombstone>,
    /// Articles whose stored form is damaged: the others are shown without them.
    pub unreadable: Vec<ArticleId>,
}
