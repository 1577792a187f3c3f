//! RSS 2.0, Atom 1.0 and JSON Feed 1.1 documents, the OPML channel list, and their verification with independent
//! parsers before publication.
//!
//! Rendering is deterministic: the same input gives the same bytes on every machine. It reads no clock, file or request,
//! and no document contains the current time. Article texts are untrusted input; the documents are well-formed whatever
//! the texts contain.
//!
//! Rendering has two steps: [`PreparedFeed::new`] builds a format-independent model (clean texts, absolute URLs, defaults
//! applied), and one module per format serialises it.

mod atom;
mod extension;
mod input;
mod json;
mod model;
mod opml;
mod rss;
mod size;
mod verify;

pub use input::{FeedInput, FeedKind};
pub use model::{MediaItem, media_items};
pub use opml::opml;
pub use size::{entry_bytes, head_bytes, summary};
pub use verify::{VerifyError, verify};

use crate::urls::Format;
use model::{FeedLinks, FeedModel};

/// A feed whose content is rendered, ready to be serialised in each format.
pub struct PreparedFeed<'a> {
    input: FeedInput<'a>,
    model: FeedModel<'a>,
}

impl<'a> PreparedFeed<'a> {
    /// Renders the texts of all articles.
    pub fn new(input: &FeedInput<'a>) -> Self {
        Self { input: *input, model: FeedModel::new(input) }
    }

    /// Serialises the feed as UTF-8.
    pub fn render(&self, format: Format) -> Vec<u8> {
        let links = FeedLinks::new(&self.input, format);
        match format {
            Format::Rss => rss::render(&self.model, &links, self.input.site),
            Format::Atom => atom::render(&self.model, &links, self.input.site.time_zone),
            Format::Json => json::render(&self.model, &links, self.input.site.time_zone),
        }
    }
}

/// Renders a feed in one format.
pub fn render(input: &FeedInput<'_>, format: Format) -> Vec<u8> {
    PreparedFeed::new(input).render(format)
}

/// The `Content-Type` of a feed (feed rule R15). JSON is always UTF-8 and has no charset parameter (RFC 8259 §11).
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
