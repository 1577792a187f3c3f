//! What is read of a feed, and what is repaired.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::time::{PublishedAt, Timestamp};

/// A feed as read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SourceFeed {
    /// Its title, plain text.
    pub title: String,
    /// Whether a bantin wrote it, which then also has an API.
    pub is_of_bantin: bool,
    /// Whether WordPress wrote it, whose older articles are at `?paged=2` and so on.
    pub is_of_wordpress: bool,
    /// The page with older items: an archive (RFC 5005 §4), the next page of a JSON Feed.
    pub previous: Option<String>,
    /// The feeds that it lists, if it is an OPML document or an index of sitemaps.
    pub feeds: Vec<String>,
    /// Its items in document order.
    pub items: Vec<SourceItem>,
    /// Its tombstones (RFC 6721): id and reason.
    pub deleted: Vec<(String, Option<String>)>,
    /// RSS `ttl`, in minutes.
    pub ttl: Option<u64>,
    /// RSS `skipHours`, in GMT.
    pub skip_hours: Vec<u8>,
    /// What was repaired, and how often.
    pub repairs: Repairs,
}

/// An item of a feed, before its date is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceItem {
    /// Its id as written.
    pub id: Option<String>,
    /// The absolute URL of the article, without tracking parameters.
    pub link: Option<String>,
    /// Plain text on one line.
    pub title: String,
    /// The publication date as written.
    pub date: Option<String>,
    /// The summary, plain text; empty if there is none or if it is all that there is.
    pub summary: String,
    /// The text as HTML of the source, not sanitised.
    pub html: String,
    /// The categories as written.
    pub categories: Vec<String>,
    /// The authors.
    pub authors: Vec<String>,
    /// The language (BCP 47), if the item names one.
    pub language: Option<String>,
    /// The keywords to republish.
    pub tags: Vec<String>,
    /// When it was last corrected, if the source is known to name that.
    pub updated: Option<Timestamp>,
    /// The images beside the text. Some are also in it.
    pub images: Vec<SourceImage>,
}

/// An image beside the text of an item.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceImage {
    /// Its absolute URL.
    pub url: String,
    /// The absolute URL of the image itself, if `url` is a smaller copy.
    pub original: Option<String>,
    /// Its caption, plain text on one line.
    pub caption: Option<String>,
}

/// A page of the changes of another bantin.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChangesPage {
    /// The id of its log.
    pub log: String,
    /// The number to continue after.
    pub next: u64,
    /// The changes in order.
    pub changes: Vec<SourceChange>,
}

/// A change of an article of another bantin.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceChange {
    /// The id of the article.
    pub id: String,
    /// What happened.
    pub kind: SourceChangeKind,
    /// Why it was withdrawn.
    pub reason: Option<String>,
}

/// What a change says of its article.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceChangeKind {
    /// It is published as this item, with this date.
    Published(Box<SourceItem>, PublishedAt),
    /// It is not published any more.
    Withdrawn,
    /// A later change withdrew it.
    Superseded,
}

/// What was repaired, and how often.
pub type Repairs = BTreeMap<Repair, u64>;

/// A kind of repair. The names are part of the metrics and of `bantin sources --json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repair {
    /// The feed is not in the encoding that it declares.
    WrongEncoding,
    /// Bytes that are no characters were removed.
    BrokenBytes,
    /// Characters that XML forbids were removed.
    ControlCharacter,
    /// Text before or after the document was removed.
    TextAroundDocument,
    /// A document type declaration was removed.
    Doctype,
    /// An HTML entity, or a bare `&` or `<`.
    Entity,
    /// A namespace prefix that is not declared.
    UndeclaredPrefix,
    /// Markup or doubly escaped characters in a title.
    TitleMarkup,
    /// A relative URL.
    RelativeLink,
    /// Tracking parameters were removed from a URL.
    TrackingParameter,
    /// An item with neither title nor text was left out.
    EmptyItem,
    /// A zone like `GMT+7`, `+07` or `ICT`.
    OddZone,
    /// A date without a zone was read in the zone of the site.
    MissingZone,
    /// A date in another form than the format demands.
    OddDate,
    /// The date was taken from the page of the article.
    DateFromPage,
    /// An image was left out: it does not exist, is no image, or is too small or too large.
    ImageLeftOut,
}

impl Repair {
    /// Its name in metrics and JSON.
    pub fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// Why a document is not read as a feed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedFault {
    /// Its characters cannot be decoded without guessing.
    #[error("the encoding of the feed is unknown or its text is damaged")]
    Encoding,
    /// It is neither RSS nor Atom nor JSON Feed.
    #[error("not a feed: {0}")]
    NotAFeed(String),
    /// It is XML that cannot be read, for example because it is cut off.
    #[error("the feed is not readable XML: {0}")]
    Xml(String),
    /// It is nested too deeply or has too many elements.
    #[error("the feed has too many or too deeply nested elements")]
    TooComplex,
}

/// Counts repairs of one kind.
pub(super) fn count(repairs: &mut Repairs, kind: Repair, times: usize) {
    if times > 0 {
        *repairs.entry(kind).or_default() += times as u64;
    }
}
