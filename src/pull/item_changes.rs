//! How often an item was corrected, and whether its next version may be taken in. Pure: decisions get the time as an
//! argument.
//!
//! A correction is taken in at once, as long as an item is not corrected too often within a day. After that it changes at
//! most once a day, or when its text has stayed the same for some hours.

use serde::{Deserialize, Serialize};

use crate::parse::SourceItem;
use crate::store::CollectedItem;
use crate::time::PublishedAt;

/// In seconds.
const DAY: i64 = 86_400;
/// An item that was corrected this often within a day changes too often.
const MAX_CORRECTIONS: usize = 12;
/// So does one that returns to an earlier version after this many.
const MAX_RETURNS: usize = 3;
/// A version that stays the same for this long is taken in, in seconds.
const SETTLED: i64 = 6 * 3600;

/// How often an item was corrected, and what waits. Times are in Unix seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ItemChanges {
    /// When it was corrected within the last day, and the hash of what it became.
    corrected: Vec<(i64, String)>,
    /// It changes too often.
    is_unsettled: bool,
    /// The hash of the version that was met last, and since when it is the same.
    met: Option<(String, i64)>,
    /// The newest version, if it was not taken in.
    pub(super) waiting: Option<WaitingVersion>,
}

/// A version that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WaitingVersion {
    pub(super) item: SourceItem,
    pub(super) published: PublishedAt,
    key: String,
    link: Option<String>,
    hash: String,
    date: Option<String>,
    /// Since when no version was taken in.
    pub(super) since: i64,
}

impl WaitingVersion {
    /// The item as it was collected.
    pub(super) fn collected(&self, source: &str) -> CollectedItem {
        let Self { key, link, hash, date, .. } = self.clone();
        CollectedItem { source: source.to_owned(), key, link, hash, date, log: None }
    }
}

impl ItemChanges {
    /// A version was met. True if it may be taken in.
    pub(super) fn may_take(&mut self, hash: &str, now: i64) -> bool {
        self.meet(hash, now);
        let is_return = self.corrected.iter().any(|(_, known)| known == hash);
        let limit = if is_return { MAX_RETURNS } else { MAX_CORRECTIONS };
        self.is_unsettled |= self.corrected.len() >= limit;
        !self.is_unsettled || self.is_due(now)
    }

    /// A version was met.
    pub(super) fn meet(&mut self, hash: &str, now: i64) {
        self.corrected.retain(|(at, _)| now - at < DAY);
        if let Some((known, since)) = &self.met {
            if known == hash {
                return;
            }
            if now - since >= DAY {
                self.is_unsettled = false;
            }
        }
        self.met = Some((hash.to_owned(), now));
    }

    /// A version must wait, and replaces the one that waited.
    pub(super) fn wait(
        &mut self,
        item: SourceItem,
        collected: CollectedItem,
        published: PublishedAt,
        now: i64,
    ) {
        let CollectedItem { key, link, hash, date, .. } = collected;
        let since = self.waiting.as_ref().map_or(now, |waiting| waiting.since);
        self.waiting = Some(WaitingVersion { item, published, key, link, hash, date, since });
    }

    /// The item was corrected and is this version now.
    pub(super) fn correct(&mut self, hash: &str, now: i64) {
        self.meet(hash, now);
        self.corrected.push((now, hash.to_owned()));
        self.waiting = None;
    }

    /// True if a version that waits may be taken in now: it stayed the same, or none was taken in for a day.
    pub(super) fn is_due(&self, now: i64) -> bool {
        self.is_same_for(SETTLED, now) || self.was_quiet(now)
    }

    /// True if nothing of it matters any more.
    pub(super) fn is_over(&self, now: i64) -> bool {
        self.waiting.is_none() && self.was_quiet(now) && (!self.is_unsettled || self.is_same_for(DAY, now))
    }

    fn is_same_for(&self, seconds: i64, now: i64) -> bool {
        self.met.as_ref().is_some_and(|(_, since)| now - since >= seconds)
    }

    fn was_quiet(&self, now: i64) -> bool {
        self.corrected.iter().all(|(at, _)| now - at >= DAY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Corrections within so many days of an item that is polled every ten minutes and has these versions in turn.
    fn corrections(days: i64, version: impl Fn(i64) -> String) -> usize {
        let (mut changes, mut current, mut count) = (ItemChanges::default(), version(0), 0);
        for poll in 1..days * 144 {
            let (hash, now) = (version(poll), poll * 600);
            if hash == current {
                changes.meet(&hash, now);
            } else if changes.may_take(&hash, now) {
                changes.correct(&hash, now);
                (current, count) = (hash, count + 1);
            }
        }
        count
    }

    #[test]
    fn corrections_of_a_restless_item_are_bounded_and_those_of_others_are_not() {
        assert_eq!(corrections(10, |poll| poll.to_string()), 12 + 9, "a counter");
        let alternating = corrections(10, |poll| (poll % 2).to_string());
        assert!((3..=3 + 9).contains(&alternating), "two servers: {alternating}");
        assert_eq!(corrections(10, |poll| (poll / 48).to_string()), 29, "three times a day");
        assert_eq!(corrections(2, |poll| poll.min(9).to_string()), 9, "nine corrections in a row");
        let settles = corrections(3, |poll| poll.min(30).to_string());
        assert_eq!(settles, 13, "the last of thirty versions is taken in");
    }

    #[test]
    fn an_item_that_has_settled_is_taken_at_its_word_again() {
        let mut changes = ItemChanges::default();
        for minute in 0..13 {
            if changes.may_take(&minute.to_string(), minute * 60) {
                changes.correct(&minute.to_string(), minute * 60);
            }
        }
        assert!(!changes.may_take("x", 1000));
        assert!(!changes.is_due(1000 + SETTLED - 1) && changes.is_due(1000 + SETTLED));
        assert!(changes.may_take("x", 1000 + SETTLED));
        changes.correct("x", 1000 + SETTLED);
        assert!(!changes.may_take("y", 1000 + 2 * SETTLED - 1));
        // A day without a change.
        let later = 1000 + 2 * SETTLED + DAY;
        assert!(changes.may_take("z", later));
        changes.correct("z", later);
        assert!(changes.may_take("y", later + 60) && !changes.is_over(later + 60));
        assert!(changes.is_over(later + DAY + 60));
    }
}
