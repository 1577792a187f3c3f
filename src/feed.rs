//! RSS 2.0, Atom 1.0 and JSON Feed 1.1 documents, the OPML channel list, and their verification with independent
//! parsers before publication.
//!
//! Rendering is deterministic: the same input gives the same bytes on every machine. It reads no clock, file or request,
//! and no document contains the current time. Article texts are untrusted input; the documents are well-formed whatever
//! the texts contain.
//!
//! Rendering has two steps: [`RenderedEntry`] renders an article, and [`FeedFrame`] the feed around the articles. A change of one article renders one article.

mod atom;
mod extension;
mod frame;
mod input;
mod json;
mod model;
mod opml;
mod rss;
mod size;
mod verify;

pub use frame::{FeedFrame, RenderedEntry};
pub use input::{FeedInput, FeedKind};
pub use model::{MediaItem, media_items};
pub use opml::opml;
pub use size::{head_bytes, summary};
pub use verify::{VerifyError, verify};

use crate::urls::Format;

/// Renders a feed in one format, as UTF-8.
pub fn render(input: &FeedInput<'_>, format: Format) -> Vec<u8> {
    let text = |entry| frame::entry_text(&model::item(input, entry), input.site.time_zone, format);
    let entries: Vec<String> = input.entries.iter().map(text).collect();
    FeedFrame::new(input, format).around(entries.iter().map(String::as_str))
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
