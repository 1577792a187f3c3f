//! The path of each document.

use chrono::Datelike as _;

use crate::model::{ArticleId, Permalink, Slug};
use crate::time::Month;

/// The format of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// RSS 2.0.
    Rss,
    /// Atom 1.0 (RFC 4287).
    Atom,
    /// JSON Feed 1.1.
    Json,
}

impl Format {
    /// All formats, in the order in which pages list them.
    pub const ALL: [Self; 3] = [Self::Rss, Self::Atom, Self::Json];

    /// The last part of a feed's path.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Rss => "rss.xml",
            Self::Atom => "atom.xml",
            Self::Json => "feed.json",
        }
    }

    /// The media type without parameters, as in a `link` element.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Rss => "application/rss+xml",
            Self::Atom => "application/atom+xml",
            Self::Json => "application/feed+json",
        }
    }

    /// The name on the command line and in log lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rss => "rss",
            Self::Atom => "atom",
            Self::Json => "json",
        }
    }
}

/// The scope of a feed: one channel, or all (`None`).
pub type Scope = Option<Slug>;

/// A sitemap (sitemaps.org).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sitemap {
    /// All URLs, or an index of the other sitemaps.
    Index,
    /// Home and the channel pages.
    Pages,
    /// The articles of a month.
    Month(Month),
    /// The newest articles with their titles, for news search.
    News,
}

/// The path of a live feed.
pub fn feed_path(scope: Option<&Slug>, format: Format) -> String {
    match scope {
        Some(slug) => format!("/{slug}/{}", format.file_name()),
        None => format!("/{}", format.file_name()),
    }
}

/// The path of an archive page (RFC 5005), counted from 1.
pub fn archive_path(scope: Option<&Slug>, page: u64, format: Format) -> String {
    match scope {
        Some(slug) => format!("/{slug}/archive/{page}/{}", format.file_name()),
        None => format!("/archive/{page}/{}", format.file_name()),
    }
}

/// The path of the HTML page of a channel, or of home.
pub fn page_path(scope: Option<&Slug>) -> String {
    match scope {
        Some(slug) => format!("/{slug}/"),
        None => "/".to_owned(),
    }
}

/// The path of an article page.
pub fn article_path(permalink: &Permalink) -> String {
    let Permalink { day, slug } = permalink;
    format!("/bai-viet/{:04}/{:02}/{:02}/{slug}", day.year(), day.month(), day.day())
}

/// The path of the archive by month, of a channel or of the whole site; of all months or those of one year.
pub fn months_path(scope: Option<&Slug>, year: Option<i32>) -> String {
    let channel = scope.map(|slug| format!("/{slug}")).unwrap_or_default();
    let year = year.map(|year| format!("{year:04}/")).unwrap_or_default();
    format!("{channel}/theo-thang/{year}")
}

/// The path of the articles of a month.
pub fn month_path(scope: Option<&Slug>, month: Month) -> String {
    format!("{}{:02}/", months_path(scope, Some(month.year)), month.month)
}

/// The path of a search, as a page or as a feed. `query` is the encoded query string; empty for the search form.
pub fn search_path(format: Option<Format>, query: &str) -> String {
    let file = format.map_or("", Format::file_name);
    let slash = if file.is_empty() { "" } else { "/" };
    let question = if query.is_empty() { "" } else { "?" };
    format!("/tim-kiem{slash}{file}{question}{query}")
}

/// The path of a sitemap.
pub fn sitemap_path(sitemap: Sitemap) -> String {
    match sitemap {
        Sitemap::Index => "/sitemap.xml".to_owned(),
        Sitemap::Pages => "/sitemap/pages.xml".to_owned(),
        Sitemap::News => "/news-sitemap.xml".to_owned(),
        Sitemap::Month(Month { year, month }) => format!("/sitemap/{year:04}-{month:02}.xml"),
    }
}

/// The path of an asset. Its name contains a hash of its bytes, so that changed bytes get a new URL.
pub fn asset_path(name: &str) -> String {
    format!("/assets/{name}")
}

/// Rules for crawlers.
pub const ROBOTS_PATH: &str = "/robots.txt";

/// The path of the file that proves to IndexNow whose site this is.
pub fn indexnow_key_path(key: &str) -> String {
    format!("/{key}.txt")
}

/// The icon that browsers request by default.
pub const ICON_PATH: &str = "/favicon.ico";

/// The path of an image, by its name in the store.
pub fn media_path(name: &str) -> String {
    format!("/media/{name}")
}

/// What the path of every image begins with.
pub const MEDIA_PREFIX: &str = "/media/";

/// The path of an editing page; the start page if `page` is empty.
pub fn editor_path(page: &str) -> String {
    format!("/soan/{page}")
}

/// The path of an article in the API: its id is one segment, percent-encoded (RFC 3986 §2.1).
pub fn api_article_path(id: &ArticleId) -> String {
    const ALSO_ESCAPED: percent_encoding::AsciiSet =
        percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    format!("/api/articles/{}", percent_encoding::utf8_percent_encode(id.as_str(), &ALSO_ESCAPED))
}

/// The path of the WebSub hub.
pub const HUB_PATH: &str = "/hub";

/// The path at which the hub of a source tells of changes. `token` consists of letters and digits.
pub fn hub_callback_path(token: &str) -> String {
    format!("{HUB_PATH}/{token}")
}

/// The path of the list of changes.
pub const CHANGES_PATH: &str = "/api/changes";

/// The OpenAPI description of the API.
pub const OPENAPI_PATH: &str = "/api/openapi.json";

/// The path of the list of all channels.
pub const OPML_PATH: &str = "/opml.xml";
/// The page about the accessibility of the site.
pub const ACCESSIBILITY_PATH: &str = "/tro-giup-tiep-can";
