//! Every path of the service and every absolute URL, in both directions.
//!
//! Nobody else writes a path. Links and ids are made of `site.url` and `site.tag_authority` alone.
//! SECURITY: nothing here ever sees the `Host` header (rule C9).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::model::{ArticleId, Channel, Permalink, Slug};
use crate::time::Month;

/// The form of a feed.
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
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::Rss, Self::Atom, Self::Json];

    /// The last part of a feed's path.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Rss => "rss.xml",
            Self::Atom => "atom.xml",
            Self::Json => "feed.json",
        }
    }

    /// The media type without parameters, as in a `link`.
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

/// What a feed is of: one channel, or everything.
pub type Scope = Option<Slug>;

/// What a path asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// A live feed.
    Feed(Scope, Format),
    /// A sealed page of a log, counted from 1.
    Archive(Scope, u64, Format),
    /// A page for people: home, or a channel's.
    Page(Scope),
    /// An article's own page.
    Article(Permalink),
    /// The months in which a channel published, or the whole site.
    Months(Scope),
    /// What was published in one of them.
    Month(Scope, Month),
    /// The search page.
    Search,
    /// What a search finds, as a feed.
    SearchFeed(Format),
    /// The addresses of all pages, for crawlers.
    Sitemap(Sitemap),
    /// A file of the pages that is printed with them: stylesheet, script, icon, `robots.txt`.
    Asset,
    /// A picture, by its name.
    Media(String),
    /// What lies below `/api`: the segments, percent-decoded.
    Api(Vec<String>),
    /// All channels as OPML.
    Opml,
    /// Another spelling of an address (`/feed`, `/index.html`, a channel without its slash), or one of a channel
    /// that has another name now: 301 to this path, where something is there.
    Redirect(String),
    /// An address of a channel that is no more: 410.
    Gone,
    /// Is the process alive?
    Health,
    /// Is it ready to serve?
    Ready,
    /// Nothing of ours.
    NotFound,
}

/// A list of addresses for crawlers (sitemaps.org).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sitemap {
    /// Of everything, or the list of the lists that follow.
    Index,
    /// Of home and the channels.
    Pages,
    /// Of the articles of a month.
    Month(Month),
}

/// First parts of paths that no channel may take as its slug.
pub const RESERVED_SLUGS: [&str; 18] = [
    "api",
    "archive",
    "assets",
    "atom",
    "bai-viet",
    "favicon",
    "feed",
    "healthz",
    "hub",
    "index",
    "media",
    "metrics",
    "readyz",
    "robots",
    "rss",
    "sitemap",
    "theo-thang",
    "tim-kiem",
];

/// Names under which other software has its feeds, with or without a slash behind it: in place of the file name.
pub const FORMAT_ALIASES: [(&str, Format); 6] = [
    ("feed", Format::Rss),
    ("rss", Format::Rss),
    ("feed.xml", Format::Rss),
    ("index.xml", Format::Rss),
    ("atom", Format::Atom),
    ("index.atom", Format::Atom),
];

/// Makes and reads the addresses of one site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteUrls {
    /// `https://host/path` without a slash at the end.
    base: String,
    /// The path part of `base`, empty or `/…` without a slash at the end.
    prefix: String,
    tag_authority: String,
    /// The names that channels bore before, and those that they bear now.
    renamed: BTreeMap<Slug, Slug>,
    /// The channels that are no more.
    gone: BTreeSet<Slug>,
}

/// Why `site.url` or `site.tag_authority` cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SiteUrlError {
    /// The URL is not absolute http or https, or carries a query, a fragment or a password.
    #[error(
        "`{0}` is no address for a site: write it like https://huyen.example.vn or https://example.vn/bantin"
    )]
    Url(String),
    /// Not a host name (RFC 4151 §2.1: authority name, optionally with `,date`).
    #[error("`{0}` is no tag authority: write a host name and a date, like huyen.example.vn,2023")]
    Authority(String),
}

impl SiteUrls {
    /// The addresses of the site at `url` (absolute; may carry a path) whose ids are minted under
    /// `tag_authority` (`name,date`; RFC 4151 §2.1).
    ///
    /// # Errors
    /// Where either is not of its form.
    pub fn new(url: &str, tag_authority: &str) -> Result<Self, SiteUrlError> {
        let refuse = || SiteUrlError::Url(url.to_owned());
        let parsed = url::Url::parse(url).map_err(|_| refuse())?;
        let plain = matches!(parsed.scheme(), "http" | "https")
            && parsed.host_str().is_some()
            && parsed.query().is_none()
            && parsed.fragment().is_none()
            && parsed.username().is_empty()
            && parsed.password().is_none();
        if !plain {
            return Err(refuse());
        }
        if !is_tag_authority(tag_authority) {
            return Err(SiteUrlError::Authority(tag_authority.to_owned()));
        }
        Ok(Self {
            base: parsed.as_str().trim_end_matches('/').to_owned(),
            prefix: parsed.path().trim_end_matches('/').to_owned(),
            tag_authority: tag_authority.to_owned(),
            renamed: BTreeMap::new(),
            gone: BTreeSet::new(),
        })
    }

    /// The same, with the channels' former names leading to their present ones, and 410 for those that are
    /// gone (rule C8).
    pub fn with_redirects(mut self, channels: &[Channel]) -> Self {
        for channel in channels {
            self.renamed.extend(channel.former_slugs.iter().map(|was| (was.clone(), channel.slug.clone())));
            if channel.is_gone() {
                self.gone.insert(channel.slug.clone());
            }
        }
        self
    }

    /// The channel that a folder or an author names, by its slug or by its title.
    pub fn resolve_channel(&self, text: &str) -> Slug {
        self.current_slug(Slug::from_title(text))
    }

    /// The name that a channel bears now, by any that it ever bore.
    pub fn current_slug(&self, slug: Slug) -> Slug {
        self.renamed.get(&slug).cloned().unwrap_or(slug)
    }

    /// True where the site's URL names this machine only.
    pub fn is_loopback(&self) -> bool {
        let host = url::Url::parse(&self.base).ok().and_then(|url| url.host().map(|host| host.to_owned()));
        match host {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// The authority under which ids are minted.
    pub fn tag_authority(&self) -> &str {
        &self.tag_authority
    }

    /// The id that belongs to a permalink (RFC 4151): minted once, then only remembered.
    pub fn article_id(&self, permalink: &Permalink) -> ArticleId {
        ArticleId::new(format!("tag:{}:{permalink}", self.tag_authority))
    }

    /// True where an id is of the kind that only this site makes, of articles and of feeds.
    pub fn may_mint(&self, id: &ArticleId) -> bool {
        let rest = id.as_str().strip_prefix("tag:").and_then(|rest| rest.strip_prefix(&self.tag_authority));
        rest.is_some_and(|rest| rest.starts_with(':'))
    }

    /// The Atom id of a feed: of a channel, by the name under which it was founded, or of everything.
    /// Independent of host and scheme.
    pub fn feed_id(&self, scope: Option<&Slug>) -> String {
        match scope {
            Some(slug) => format!("tag:{}:channel/{slug}", self.tag_authority),
            None => format!("tag:{}:channels", self.tag_authority),
        }
    }

    /// The Atom id of what a search finds; `query` as in [`search_path`].
    pub fn search_id(&self, query: &str) -> String {
        format!("tag:{}:search?{query}", self.tag_authority)
    }

    /// Where the site is: `https://host/path` without a slash at the end.
    pub fn site_url(&self) -> &str {
        &self.base
    }

    /// The absolute URL of a path of this service.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The path under which links are written: [`Self::absolute`] without scheme and host.
    pub fn path(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    /// What the path of a request asks for. The site's own path prefix is accepted and may be missing,
    /// as behind a proxy that takes it off.
    pub fn parse(&self, path: &str) -> Route {
        let path = &*self.local_path(path);
        let first = path.split('/').nth(1).and_then(|first| Slug::parse(first).ok());
        let Some(slug) = first else { return parse_path(path) };
        if let Some(present) = self.renamed.get(&slug) {
            let below = &path[1 + slug.as_str().len()..];
            return self.redirect_target(format!("/{present}{below}"));
        }
        match parse_path(path) {
            Route::NotFound => Route::NotFound,
            _ if self.gone.contains(&slug) => Route::Gone,
            asked => asked,
        }
    }

    /// The way to a path under a channel's present name, in one step where that is an address of habit.
    fn redirect_target(&self, path: String) -> Route {
        match self.parse(&path) {
            elsewhere @ (Route::NotFound | Route::Gone | Route::Redirect(_)) => elsewhere,
            _ => Route::Redirect(path),
        }
    }

    /// The path of a request in its normal form (RFC 3986 §6.2.2.2), without the site's own prefix.
    pub fn local_path<'path>(&self, path: &'path str) -> Cow<'path, str> {
        let without_prefix = |path: &str| match path.strip_prefix(self.prefix.as_str()) {
            Some("") => None,
            Some(rest) if rest.starts_with('/') => Some(path.len() - rest.len()),
            _ => Some(0),
        };
        match decode_unreserved(path) {
            Cow::Borrowed(path) => Cow::Borrowed(without_prefix(path).map_or("/", |start| &path[start..])),
            Cow::Owned(path) => {
                Cow::Owned(without_prefix(&path).map_or("/", |start| &path[start..]).to_owned())
            }
        }
    }
}

/// Decodes `%2D` and the like: characters that mean the same with and without it. All others stay as they are, so
/// that `%2F` never becomes a separator.
fn decode_unreserved(path: &str) -> Cow<'_, str> {
    if !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let mut parts = path.split('%');
    let mut decoded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..2).filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let byte = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        match byte.filter(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(byte)) {
            Some(byte) => {
                decoded.push(char::from(byte));
                decoded.push_str(&part[2..]);
            }
            None => {
                decoded.push('%');
                decoded.push_str(part);
            }
        }
    }
    Cow::Owned(decoded)
}

/// The path of a live feed.
pub fn feed_path(scope: Option<&Slug>, format: Format) -> String {
    match scope {
        Some(slug) => format!("/{slug}/{}", format.file_name()),
        None => format!("/{}", format.file_name()),
    }
}

/// The path of a sealed page of a log (RFC 5005), counted from 1.
pub fn archive_path(scope: Option<&Slug>, page: u64, format: Format) -> String {
    match scope {
        Some(slug) => format!("/{slug}/archive/{page}/{}", format.file_name()),
        None => format!("/archive/{page}/{}", format.file_name()),
    }
}

/// The path of the page for people: a channel's, or home.
pub fn page_path(scope: Option<&Slug>) -> String {
    match scope {
        Some(slug) => format!("/{slug}/"),
        None => "/".to_owned(),
    }
}

/// The path of an article's own page.
pub fn article_path(permalink: &Permalink) -> String {
    format!("/bai-viet/{}/{}", permalink.day.format("%Y/%m/%d"), permalink.slug)
}

/// The path of the list of months in which a channel published, or the whole site.
pub fn months_path(scope: Option<&Slug>) -> String {
    match scope {
        Some(slug) => format!("/{slug}/theo-thang/"),
        None => "/theo-thang/".to_owned(),
    }
}

/// The path of what was published in a month.
pub fn month_path(scope: Option<&Slug>, month: Month) -> String {
    format!("{}{:04}/{:02}/", months_path(scope), month.year, month.month)
}

/// The path of a search, as a page or as a feed. `query` is what stands behind the `?`, encoded; none for the
/// empty form.
pub fn search_path(format: Option<Format>, query: &str) -> String {
    let file = format.map_or("", Format::file_name);
    let slash = if file.is_empty() { "" } else { "/" };
    let question = if query.is_empty() { "" } else { "?" };
    format!("/tim-kiem{slash}{file}{question}{query}")
}

/// The path of a list of addresses for crawlers.
pub fn sitemap_path(sitemap: Sitemap) -> String {
    match sitemap {
        Sitemap::Index => "/sitemap.xml".to_owned(),
        Sitemap::Pages => "/sitemap/pages.xml".to_owned(),
        Sitemap::Month(Month { year, month }) => format!("/sitemap/{year:04}-{month:02}.xml"),
    }
}

/// The path of a file of the pages. Its name holds a hash of its bytes, so that other bytes have another address.
pub fn asset_path(name: &str) -> String {
    format!("/assets/{name}")
}

/// What crawlers may ask for.
pub const ROBOTS_PATH: &str = "/robots.txt";

/// The icon, under the name by which browsers ask for it unasked.
pub const ICON_PATH: &str = "/favicon.ico";

/// The path of a picture, by its name in the store.
pub fn media_path(name: &str) -> String {
    format!("/media/{name}")
}

/// The path of an article in the API: its id is one segment, percent-encoded (RFC 3986 §2.1).
pub fn api_article_path(id: &ArticleId) -> String {
    const ALSO_ESCAPED: percent_encoding::AsciiSet =
        percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    format!("/api/articles/{}", percent_encoding::utf8_percent_encode(id.as_str(), &ALSO_ESCAPED))
}

/// Where programs ask for what has changed.
pub const CHANGES_PATH: &str = "/api/changes";

/// The description of all that is below `/api` (OpenAPI).
pub const OPENAPI_PATH: &str = "/api/openapi.json";

/// The path of the list of all channels.
pub const OPML_PATH: &str = "/opml.xml";

fn parse_path(path: &str) -> Route {
    let Some(rest) = path.strip_prefix('/') else { return Route::NotFound };
    let parts: Vec<&str> = rest.split('/').collect();
    match parts.as_slice() {
        ["api", segments @ ..] => parse_api(segments),
        [.., "index.html"] => match parse_path(path.trim_end_matches("index.html")) {
            elsewhere @ (Route::NotFound | Route::Redirect(_)) => elsewhere,
            _ => Route::Redirect(path.trim_end_matches("index.html").to_owned()),
        },
        [""] => Route::Page(None),
        ["opml.xml"] => Route::Opml,
        ["tim-kiem"] => Route::Search,
        ["tim-kiem", ""] => Route::Redirect(search_path(None, "")),
        ["tim-kiem", file] => format_from_file_name(file).map_or(Route::NotFound, Route::SearchFeed),
        ["sitemap.xml"] => Route::Sitemap(Sitemap::Index),
        ["sitemap", file] => parse_sitemap(file),
        ["robots.txt" | "favicon.ico"] | ["assets", _] => Route::Asset,
        ["theo-thang", rest @ ..] => parse_months(None, rest),
        [slug, "theo-thang", rest @ ..] => parse_channel(slug, |slug| parse_months(Some(slug), rest)),
        ["healthz"] => Route::Health,
        ["readyz"] => Route::Ready,
        [alias] | [alias, ""] if let Some(format) = format_from_alias(alias) => {
            Route::Redirect(feed_path(None, format))
        }
        ["media", name] if is_image_name(name) => Route::Media((*name).to_owned()),
        ["archive", page, file] => parse_archive(None, page, file),
        [slug, "archive", page, file] => parse_channel(slug, |slug| parse_archive(Some(slug), page, file)),
        ["bai-viet", year, month, day, slug] => parse_article(year, month, day, slug),
        [file] if format_from_file_name(file).is_some() => parse_feed(None, file),
        [slug] => parse_channel(slug, |slug| Route::Redirect(page_path(Some(&slug)))),
        [slug, ""] => parse_channel(slug, |slug| Route::Page(Some(slug))),
        [slug, alias] | [slug, alias, ""] if let Some(format) = format_from_alias(alias) => {
            parse_channel(slug, |slug| Route::Redirect(feed_path(Some(&slug), format)))
        }
        [slug, file] => parse_channel(slug, |slug| parse_feed(Some(slug), file)),
        _ => Route::NotFound,
    }
}

fn parse_api(segments: &[&str]) -> Route {
    let decoded = segments.iter().map(|segment| {
        let text = percent_encoding::percent_decode_str(segment).decode_utf8().ok()?;
        (!text.is_empty()).then(|| text.into_owned())
    });
    decoded.collect::<Option<Vec<_>>>().map_or(Route::NotFound, Route::Api)
}

/// A hash in hexadecimal, and an ending.
fn is_image_name(name: &str) -> bool {
    let Some((hash, ending)) = name.split_once('.') else { return false };
    let inside = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    hash.len() == 32 && hash.bytes().all(inside) && matches!(ending, "jpg" | "png" | "webp" | "gif")
}

fn format_from_file_name(file: &str) -> Option<Format> {
    Format::ALL.into_iter().find(|format| format.file_name() == file)
}

/// The feed that other software has under this name, with or without a slash behind it.
fn format_from_alias(name: &str) -> Option<Format> {
    FORMAT_ALIASES.into_iter().find(|(alias, _)| *alias == name).map(|(_, format)| format)
}

fn parse_feed(scope: Scope, file: &str) -> Route {
    format_from_file_name(file).map_or(Route::NotFound, |format| Route::Feed(scope, format))
}

/// A page has one address: no zeros before its number, no sign.
fn parse_archive(scope: Scope, page: &str, file: &str) -> Route {
    let plain = page.bytes().all(|byte| byte.is_ascii_digit()) && !page.starts_with('0');
    let number = plain.then(|| page.parse().ok()).flatten();
    match (number, format_from_file_name(file)) {
        (Some(number), Some(format)) => Route::Archive(scope, number, format),
        _ => Route::NotFound,
    }
}

/// What stands behind `theo-thang`.
fn parse_months(scope: Scope, rest: &[&str]) -> Route {
    match *rest {
        [] => Route::Redirect(months_path(scope.as_ref())),
        [""] => Route::Months(scope),
        [year, number, ""] => {
            parse_month(year, number).map_or(Route::NotFound, |month| Route::Month(scope, month))
        }
        [year, number] => parse_month(year, number)
            .map_or(Route::NotFound, |month| Route::Redirect(month_path(scope.as_ref(), month))),
        _ => Route::NotFound,
    }
}

fn parse_sitemap(file: &str) -> Route {
    let Some(name) = file.strip_suffix(".xml") else { return Route::NotFound };
    let month = || name.split_once('-').and_then(|(year, month)| parse_month(year, month));
    match name {
        "pages" => Route::Sitemap(Sitemap::Pages),
        _ => month().map_or(Route::NotFound, |month| Route::Sitemap(Sitemap::Month(month))),
    }
}

/// The widths are fixed, so that a month has one address.
fn parse_month(year: &str, month: &str) -> Option<Month> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if (year.len(), month.len()) != (4, 2) || !digits(year) || !digits(month) {
        return None;
    }
    Month::new(year.parse().ok()?, month.parse().ok()?)
}

fn parse_channel(slug: &str, then: impl FnOnce(Slug) -> Route) -> Route {
    match Slug::parse(slug) {
        Ok(slug) if !RESERVED_SLUGS.contains(&slug.as_str()) => then(slug),
        _ => Route::NotFound,
    }
}

fn parse_article(year: &str, month: &str, day: &str, slug: &str) -> Route {
    // The widths are fixed, so that an article has one address and no second spelling of it.
    if (year.len(), month.len(), day.len()) != (4, 2, 2) {
        return Route::NotFound;
    }
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    let date = || {
        let (year, month, day) = (number(year)?, number(month)?, number(day)?);
        NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
    };
    match (date(), Slug::parse(slug)) {
        (Some(day), Ok(slug)) => Route::Article(Permalink { day, slug }),
        _ => Route::NotFound,
    }
}

fn is_tag_authority(text: &str) -> bool {
    let (name, date) = text.split_once(',').unwrap_or((text, "2000"));
    let name_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'@' | b'_');
    let date_byte = |byte: u8| byte.is_ascii_digit() || byte == b'-';
    !name.is_empty()
        && name.bytes().all(name_byte)
        && matches!(date.len(), 4 | 7 | 10)
        && date.bytes().all(date_byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ChannelStatus;

    fn slug(text: &str) -> Slug {
        Slug::parse(text).unwrap()
    }

    fn addresses() -> SiteUrls {
        SiteUrls::new("https://example.vn/bantin/", "dakto.kontum.vn,2023").unwrap()
    }

    #[test]
    fn every_path_that_is_made_is_understood_again() {
        let permalink =
            Permalink { day: NaiveDate::from_ymd_opt(2023, 5, 12).unwrap(), slug: slug("hoi-nghi") };
        for scope in [None, Some(slug("xa-hoi"))] {
            for format in Format::ALL {
                let path = feed_path(scope.as_ref(), format);
                assert_eq!(addresses().parse(&path), Route::Feed(scope.clone(), format), "{path}");
                let page = archive_path(scope.as_ref(), 12, format);
                assert_eq!(addresses().parse(&page), Route::Archive(scope.clone(), 12, format), "{page}");
            }
            let month = Month { year: 2023, month: 5 };
            assert_eq!(addresses().parse(&months_path(scope.as_ref())), Route::Months(scope.clone()));
            let path = month_path(scope.as_ref(), month);
            assert_eq!(addresses().parse(&path), Route::Month(scope.clone(), month), "{path}");
            assert_eq!(addresses().parse(&page_path(scope.as_ref())), Route::Page(scope));
        }
        assert_eq!(article_path(&permalink), "/bai-viet/2023/05/12/hoi-nghi");
        assert_eq!(addresses().parse(&article_path(&permalink)), Route::Article(permalink));
        let name = "0123456789abcdef0123456789abcdef.png";
        assert_eq!(addresses().parse(&media_path(name)), Route::Media(name.to_owned()));
        let id = addresses().article_id(&Permalink {
            day: NaiveDate::from_ymd_opt(2023, 5, 12).unwrap(),
            slug: slug("hoi-nghi"),
        });
        let api = Route::Api(vec!["articles".to_owned(), id.as_str().to_owned()]);
        assert_eq!(addresses().parse(&api_article_path(&id)), api);
        assert_eq!(addresses().parse(OPML_PATH), Route::Opml);
        assert_eq!(addresses().parse(&search_path(None, "")), Route::Search);
        assert_eq!(search_path(Some(Format::Rss), "q=dak+to"), "/tim-kiem/rss.xml?q=dak+to");
        for format in Format::ALL {
            assert_eq!(addresses().parse(&search_path(Some(format), "")), Route::SearchFeed(format));
        }
        let month = Sitemap::Month(Month { year: 987, month: 12 });
        for sitemap in [Sitemap::Index, Sitemap::Pages, month] {
            assert_eq!(addresses().parse(&sitemap_path(sitemap)), Route::Sitemap(sitemap));
        }
        for path in [ROBOTS_PATH, ICON_PATH, asset_path("0123.css").as_str()] {
            assert_eq!(addresses().parse(path), Route::Asset, "{path}");
        }
    }

    #[test]
    fn an_id_is_one_segment_whatever_stands_in_it() {
        for id in ["https://a.vn/?b=c&d#e", "đ ă%2F+", "a//b/"] {
            let path = api_article_path(&ArticleId::new(id));
            let segments = vec!["articles".to_owned(), id.to_owned()];
            assert_eq!(addresses().parse(&path), Route::Api(segments), "{path}");
        }
        assert_eq!(addresses().parse("/bantin/api/changes"), Route::Api(vec!["changes".to_owned()]));
    }

    #[test]
    fn addresses_of_habit_lead_on() {
        for (path, target) in [
            ("/feed", "/rss.xml"),
            ("/feed/", "/rss.xml"),
            ("/index.xml", "/rss.xml"),
            ("/rss", "/rss.xml"),
            ("/rss/", "/rss.xml"),
            ("/atom", "/atom.xml"),
            ("/atom/", "/atom.xml"),
            ("/index.html", "/"),
            ("/bantin/index.html", "/"),
            ("/xa-hoi/index.html", "/xa-hoi/"),
            ("/theo-thang/2023/05/index.html", "/theo-thang/2023/05/"),
            ("/xa-hoi/feed/", "/xa-hoi/rss.xml"),
            ("/xa-hoi/feed", "/xa-hoi/rss.xml"),
            ("/xa-hoi/rss", "/xa-hoi/rss.xml"),
            ("/xa-hoi/atom/", "/xa-hoi/atom.xml"),
            ("/xa%2Dhoi/%66eed", "/xa-hoi/rss.xml"),
            ("/xa-hoi", "/xa-hoi/"),
            ("/theo-thang", "/theo-thang/"),
            ("/xa-hoi/theo-thang/2023/05", "/xa-hoi/theo-thang/2023/05/"),
            ("/tim-kiem/", "/tim-kiem"),
        ] {
            assert_eq!(addresses().parse(path), Route::Redirect(target.to_owned()), "{path}");
        }
    }

    #[test]
    fn an_encoded_unreserved_character_means_the_character() {
        let rss = Route::Feed(Some(slug("xa-hoi")), Format::Rss);
        for path in
            ["/xa%2Dhoi/rss.xml", "/xa%2dhoi/rss%2exml", "/b%61ntin/xa-hoi/rss.xml", "/%78a-hoi/rss.xml"]
        {
            assert_eq!(addresses().parse(path), rss, "{path}");
        }
        assert_eq!(addresses().parse("/b%61ntin"), Route::Page(None));
        // Decoded once: what stands behind an encoded `%` is not.
        assert_eq!(addresses().parse("/xa%252Dhoi/rss.xml"), Route::NotFound);
    }

    proptest::proptest! {
        #[test]
        fn a_path_means_the_same_however_it_is_encoded(path in "/[a-z0-9./~_-]{0,30}", which in proptest::prelude::any::<u64>()) {
            let encode = |(place, byte): (usize, u8)| match byte != b'/' && which >> (place % 64) & 1 == 1 {
                true => format!("%{byte:02X}"),
                false => char::from(byte).to_string(),
            };
            let encoded: String = path.bytes().enumerate().map(encode).collect();
            proptest::prop_assert_eq!(addresses().parse(&encoded), addresses().parse(&path));
        }

        #[test]
        fn any_path_is_read_without_a_panic_and_leads_nowhere_else(path in "/(\\PC|%[0-9a-fA-F]{0,2}|/){0,20}") {
            if let Route::Redirect(target) = addresses().parse(&path) {
                proptest::prop_assert!(!target.starts_with("//"), "{}", target);
            }
        }
    }

    #[test]
    fn nothing_else_is_an_address() {
        for path in [
            "",
            "*",
            "//",
            "/api/",
            "/api/articles/",
            "/api/articles/%FF",
            "/bai-viet",
            "/bai-viet/",
            "/bai-viet/2023/5/12/a",
            "/bai-viet/2023/02/30/a",
            "/bai-viet/+023/05/12/a",
            "/xa-hoi/rss2",
            "/Xa-hoi/rss.xml",
            "/%58a-hoi/rss.xml",
            "/xa-hoi%2Frss.xml",
            "/xa%2-hoi/rss.xml",
            "/xa%2",
            "/xa-hoi/%2e%2e/rss.xml",
            "/xa-hoi%0D%0A",
            "/xa-hoi%",
            "//evil.example/",
            "/xa-hoi//rss.xml",
            "/../rss.xml",
            "/archive/0/rss.xml",
            "/archive/01/rss.xml",
            "/archive/+1/rss.xml",
            "/archive/-1/rss.xml",
            "/archive//rss.xml",
            "/archive/18446744073709551616/rss.xml",
            "/archive/1/rss",
            "/xa-hoi/archive/1/",
            "/xa-hoi/archive/1",
            "/xa-hoi/archive/rss.xml",
            "/xa-hoi/archive/1.0/atom.xml",
            "/theo-thang/2023/5/",
            "/theo-thang/2023/13/",
            "/theo-thang/+023/05/",
            "/theo-thang/0000/05/",
            "/theo-thang/2023/05/01/",
            "/theo-thang/2023/",
            "/theo-thang/rss.xml",
            "/tim-kiem/x",
            "/sitemap/2023-5.xml",
            "/sitemap/2023-05",
            "/sitemap/",
            "/media/archive/1/atom.xml",
            "/media/",
            "/media/a.jpg",
            "/media/0123456789abcdef0123456789abcdef.svg",
            "/media/../0123456789abcdef0123456789abcdef.png",
        ] {
            assert_eq!(addresses().parse(path), Route::NotFound, "{path}");
        }
    }

    #[test]
    fn every_address_of_a_renamed_channel_leads_to_its_present_name_in_one_step() {
        let renamed = Channel {
            former_slugs: vec![slug("xa-hoi"), slug("tin-xa-hoi")],
            ..Channel::new(slug("doi-song"), "")
        };
        let addresses = addresses().with_redirects(&[renamed]);
        for (path, target) in [
            ("/xa-hoi/rss.xml", "/doi-song/rss.xml"),
            ("/bantin/tin-xa-hoi/atom.xml", "/doi-song/atom.xml"),
            ("/xa-hoi/archive/12/feed.json", "/doi-song/archive/12/feed.json"),
            ("/xa-hoi/", "/doi-song/"),
            ("/xa-hoi", "/doi-song/"),
            ("/xa-hoi/feed/", "/doi-song/rss.xml"),
        ] {
            assert_eq!(addresses.parse(path), Route::Redirect(target.to_owned()), "{path}");
        }
        assert_eq!(addresses.parse("/xa-hoi/rss2"), Route::NotFound);
        assert_eq!(addresses.parse("/doi-song/rss.xml"), Route::Feed(Some(slug("doi-song")), Format::Rss));
    }

    #[test]
    fn every_address_of_a_gone_channel_is_gone_and_nothing_beside_it() {
        let gone = Channel { status: ChannelStatus::Removed, ..Channel::new(slug("covid"), "") };
        let addresses = addresses().with_redirects(&[gone]);
        for path in ["/covid/rss.xml", "/covid/", "/covid", "/covid/archive/1/rss.xml", "/covid/feed"] {
            assert_eq!(addresses.parse(path), Route::Gone, "{path}");
        }
        assert_eq!(addresses.parse("/covid/rss2"), Route::NotFound);
        assert_eq!(addresses.parse("/covid-19/rss.xml"), Route::Feed(Some(slug("covid-19")), Format::Rss));
    }

    #[test]
    fn a_site_below_a_path_is_found_with_and_without_its_prefix() {
        let rss = Route::Feed(None, Format::Rss);
        assert_eq!(addresses().parse("/bantin/rss.xml"), rss);
        assert_eq!(addresses().parse("/rss.xml"), rss);
        assert_eq!(addresses().parse("/bantin"), Route::Page(None));
        assert_eq!(addresses().url("/rss.xml"), "https://example.vn/bantin/rss.xml");
        assert_eq!(addresses().path("/rss.xml"), "/bantin/rss.xml");
    }

    #[test]
    fn a_url_that_cannot_carry_a_site_is_refused() {
        for url in ["", "huyen.vn", "ftp://a.vn", "https://a.vn/?x", "https://a.vn/#x", "https://u:p@a.vn"] {
            assert!(matches!(SiteUrls::new(url, "a.vn,2023"), Err(SiteUrlError::Url(_))), "{url}");
        }
        for authority in ["", "a b", "a.vn,23", "a.vn,2023-", "đ.vn,2023"] {
            let made = SiteUrls::new("https://a.vn", authority);
            assert!(matches!(made, Err(SiteUrlError::Authority(_))), "{authority}");
        }
    }
}
