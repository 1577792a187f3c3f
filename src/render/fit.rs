//! Keeps feeds within `feed.max_bytes`: an article that is too long by itself stands in every feed with its summary
//! and a link; where those that must be shown are too long together, so do the longest of them.

use std::cmp::Reverse;
use std::slice;

use super::{RenderContext, live_input};
use crate::feed;
use crate::model::Entry;
use crate::store::LiveFeedData;
use crate::urls::Scope;

/// What is longer than this share of the longest feed is too long by itself.
const SHARE: usize = 4;

impl RenderContext {
    fn max_bytes(&self) -> usize {
        usize::try_from(self.options.live.bytes).unwrap_or(usize::MAX)
    }

    /// Puts summaries in place of the entries that are too long by themselves, which depends on nothing but the
    /// article and the configuration. Returns how long each of them is then, in bytes. `frame` is the document in
    /// which they stand.
    pub(super) fn shorten(&self, entries: &mut [Entry], frame: &feed::FeedInput<'_>) -> Vec<usize> {
        let mut bytes = feed::entry_bytes(&feed::FeedInput { entries, ..*frame });
        for (entry, bytes) in entries.iter_mut().zip(&mut bytes) {
            if *bytes > self.max_bytes() / SHARE {
                (*entry, *bytes) = summary(entry, frame);
            }
        }
        bytes
    }

    /// Puts summaries in place of the longest entries, until all of them fit. Returns how many had to be.
    pub(super) fn squeeze(
        &self,
        entries: &mut [Entry],
        bytes: &[usize],
        frame: &feed::FeedInput<'_>,
    ) -> usize {
        let room = self.max_bytes().saturating_sub(feed::head_bytes(frame));
        let (mut sum, mut squeezed) = (bytes.iter().sum::<usize>(), 0);
        let mut longest: Vec<usize> = (0..bytes.len()).collect();
        longest.sort_by_key(|place| Reverse(bytes[*place]));
        for place in longest {
            if sum <= room {
                break;
            }
            let (entry, short) = summary(&entries[place], frame);
            if short < bytes[place] {
                sum = sum - bytes[place] + short;
                entries[place] = entry;
                squeezed += 1;
            }
        }
        squeezed
    }

    /// Shortens what is too long by itself. True where all of it fits then.
    pub(super) fn fits(&self, scope: &Scope, view: &mut LiveFeedData) -> bool {
        let (bytes, head) = self.measure(scope, view);
        bytes.iter().sum::<usize>() + head <= self.max_bytes()
    }

    /// Shortens what is too long by itself; then leaves the window out; then shortens the longest: until all of it
    /// fits.
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
            // Whoever holds another edition may hold other articles in full: no part can tell of that.
            view.delta_floor = view.state.number;
        }
    }

    fn measure(&self, scope: &Scope, view: &mut LiveFeedData) -> (Vec<usize>, usize) {
        let mut entries = std::mem::take(&mut view.entries);
        let frame = live_input(self, scope, view);
        let (bytes, head) = (self.shorten(&mut entries, &frame), feed::head_bytes(&frame));
        view.entries = entries;
        (bytes, head)
    }
}

/// The summary of an entry, and how long it is.
fn summary(entry: &Entry, frame: &feed::FeedInput<'_>) -> (Entry, usize) {
    let summary = feed::summary(entry, frame.addresses);
    let document = feed::FeedInput { entries: slice::from_ref(&summary), ..*frame };
    let bytes = feed::entry_bytes(&document).iter().sum();
    (summary, bytes)
}
