//! What the parsers of all formats return.

use crate::time::Timestamp;

/// A parsed feed.
#[derive(Debug, Default)]
pub(super) struct ParsedFeed {
    pub title: String,
    pub html_url: String,
    pub self_url: String,
    pub current: Option<String>,
    pub previous_archive: Option<String>,
    pub hub: Option<String>,
    pub archive: bool,
    pub complete: bool,
    pub updated: Option<Timestamp>,
    /// An invalid entry does not prevent the parsing of the others.
    pub items: Vec<Result<ParsedItem, String>>,
    /// Id, time and reason; none if the format has no tombstones.
    pub tombstones: Option<Vec<(String, Timestamp, Option<String>)>>,
}

/// A parsed entry.
#[derive(Debug, Default)]
pub(super) struct ParsedItem {
    pub id: String,
    pub title: String,
    pub link: String,
    pub lead: String,
    pub html: String,
    pub published: Option<Timestamp>,
    pub updated: Option<Timestamp>,
    pub authors: Vec<String>,
    pub image_urls: Vec<String>,
}
