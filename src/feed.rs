//! Makes the documents that readers fetch: RSS 2.0, Atom 1.0, JSON Feed 1.1 and the OPML of all channels;
//! and reads them back, strictly and with parsers of its own, before anybody else may see them.
//!
//! Same values in, same bytes out, on every machine. Nothing here reads a clock, a file or a request, and
//! nothing is ever "now": a document is as new as the newest revision that it shows. The texts of an article
//! are not trusted: whatever stands in them, the documents are well-formed and say what was meant.
//!
//! [`print()`] works in two steps: a *sheet* holds all that a document says (clean texts, absolute links,
//! fallbacks taken), and one adapter per format copies it into that format's words.

mod atom;
mod content_html;
mod extension;
mod json;
mod model;
mod opml;
mod rss;
mod size;
mod verify;

pub use content_html::content_html;
pub use model::{MediaItem, media_items};
pub use opml::opml;
pub use size::{entry_bytes, head_bytes, summary};
pub use verify::{VerifyError, verify};

use crate::model::{Channel, Entry, Site, Tombstone};
pub use crate::text::{http_url, xml_safe};
use crate::time::Timestamp;
use crate::urls::{Format, SiteUrls};
use model::FeedModel;

/// Name and version in `generator`. Nothing else of the program or its machine is in a document.
const GENERATOR: (&str, &str) = ("bantin", env!("CARGO_PKG_VERSION"));

/// Everything that a feed is made of.
#[derive(Clone, Copy, Debug)]
pub struct FeedInput<'a> {
    /// What all documents of the site say alike.
    pub site: &'a Site,
    /// Where everything is.
    pub addresses: &'a SiteUrls,
    /// Whose feed it is; none for the feed of everything.
    pub channel: Option<&'a Channel>,
    /// All channels, to name the categories of an entry by title. An unknown slug shows as the slug.
    pub channels: &'a [Channel],
    /// In the order in which they are printed.
    pub entries: &'a [Entry],
    /// The withdrawn, by `when` descending, then by id.
    pub tombstones: &'a [Tombstone],
    /// The `at` of the channel's newest revision; where there is none, when the channel came to be (rule A3). Of a sealed page, the
    /// newest in the page, for the page may not change with what comes after it (rule H2).
    pub updated: Timestamp,
    /// What the document is to the channel's log.
    pub kind: FeedKind<'a>,
    /// The absolute URL of the WebSub hub.
    pub hub: Option<&'a str>,
}

/// What a document is to the log of its channel (RFC 5005, RFC 3229).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedKind<'a> {
    /// What subscribers ask for.
    Live {
        /// The newest sealed page, where there is one.
        previous_archive: Option<u64>,
        /// True where no article of the channel is missing; then there are no paging links (rule H3).
        complete: bool,
    },
    /// A sealed page.
    Archive {
        /// Its number, from 1.
        page: u64,
        /// The next older page, where there is one.
        previous: Option<u64>,
    },
    /// What is newer than the reader's copy of the live document, and served in its place (rule D1).
    Delta,
    /// Not of a channel's log at all: what a search finds.
    Search {
        /// What was asked for, as typed.
        words: &'a str,
        /// What stands behind the `?` of its address.
        query: &'a str,
    },
}

/// Prints a feed. UTF-8, always well-formed, whatever stands in the texts.
pub fn render(document: &FeedInput<'_>, format: Format) -> Vec<u8> {
    let sheet = FeedModel::new(document, format);
    match format {
        Format::Rss => rss::render(sheet, document.site),
        Format::Atom => atom::render(sheet, document.site.time_zone),
        Format::Json => json::render(&sheet, document.site.time_zone),
    }
}

/// The value of `PageContent-Type` for a feed (rule R15). JSON is always UTF-8 and takes no charset (RFC 8259 §11).
pub fn media_type(format: Format) -> &'static str {
    match format {
        Format::Rss => "application/rss+xml; charset=utf-8",
        Format::Atom => "application/atom+xml; charset=utf-8",
        Format::Json => "application/feed+json",
    }
}

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;
