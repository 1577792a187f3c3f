//! Everything a feed is rendered from.

use crate::model::{Channel, Entry, Site, Tombstone};
use crate::time::Timestamp;
use crate::urls::SiteUrls;

/// All values that a feed depends on.
#[derive(Clone, Copy, Debug)]
pub struct FeedInput<'a> {
    /// The settings shared by all documents of the site.
    pub site: &'a Site,
    /// Builds the URLs.
    pub addresses: &'a SiteUrls,
    /// The channel, or none for the feed of all channels.
    pub channel: Option<&'a Channel>,
    /// All channels, for the titles of categories. The label of an unknown slug is the slug.
    pub channels: &'a [Channel],
    /// The articles, in output order.
    pub entries: &'a [Entry],
    /// Withdrawn articles, by `when` descending, then by id.
    pub tombstones: &'a [Tombstone],
    /// The `at` of the channel's newest revision, or the creation time of an empty channel (feed rule A3). For an archive
    /// page, the newest revision in the page, because a sealed page never changes (feed rule H2).
    pub updated: Timestamp,
    /// How the document relates to the channel's log.
    pub kind: FeedKind<'a>,
}

/// How a document relates to its channel's log (RFC 5005, RFC 3229).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedKind<'a> {
    /// The subscription document.
    Live {
        /// The newest archive page, if any.
        previous_archive: Option<u64>,
        /// The document contains every article of the channel, so it has no paging links (feed rule H3).
        complete: bool,
    },
    /// A sealed archive page.
    Archive {
        /// The page number, from 1.
        page: u64,
        /// The next older page, if any.
        previous: Option<u64>,
    },
    /// The changes since the client's copy of the live document, served at the same URL (feed rule D1).
    Delta,
    /// Search results.
    Search {
        /// The search terms, as typed.
        words: &'a str,
        /// The query string of its URL, without `?`.
        query: &'a str,
    },
}

impl FeedKind<'_> {
    /// True for a document that a WebSub hub distributes (feed rule W1).
    pub(super) fn has_hub(self) -> bool {
        matches!(self, Self::Live { .. } | Self::Delta)
    }
}
