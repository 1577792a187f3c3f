//! Builds and parses every path and every absolute URL of the service. No other module writes a path.
//!
//! Links and ids are made from `site.url` and `site.tag_authority` alone.
//! SECURITY: the `Host` header is never used (feed rule C9).

mod old_address;
mod paths;
mod route;
mod secrets;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::{ArticleId, Channel, Permalink, Slug};

pub use old_address::{names_article, old_address, old_addresses_of};
pub use paths::*;
pub use route::{FORMAT_ALIASES, RESERVED_SLUGS, Route};
pub use secrets::{redact_database_url, redact_request, redact_url};

use route::{decode_unreserved, parse_path};

/// Builds and parses the URLs of one site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteUrls {
    /// `https://host/path` without a trailing slash.
    base: String,
    /// The path of `base`: empty, or `/…` without a trailing slash.
    prefix: String,
    tag_authority: String,
    /// Former slugs of channels, with the current ones.
    renamed: BTreeMap<Slug, Slug>,
    /// Removed channels.
    gone: BTreeSet<Slug>,
    /// The WebSub hub of all live feeds.
    hub: Option<String>,
}

/// `site.url` or `site.tag_authority` is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SiteUrlError {
    /// The URL is not absolute http or https, or has a query, a fragment or a password.
    #[error(
        "`{0}` is not a valid site URL: write it like https://huyen.example.vn or https://example.vn/bantin"
    )]
    Url(String),
    /// Not a host name (RFC 4151 §2.1: authority name, optionally with `,date`).
    #[error("`{0}` is not a tag authority: write a host name and a date, like huyen.example.vn,2023")]
    Authority(String),
}

impl SiteUrls {
    /// `url` is absolute and may have a path. Ids are made under `tag_authority` (`name,date`; RFC 4151 §2.1).
    ///
    /// # Errors
    /// If either is malformed.
    pub fn new(url: &str, tag_authority: &str) -> Result<Self, SiteUrlError> {
        let invalid = || SiteUrlError::Url(url.to_owned());
        let parsed = url::Url::parse(url).map_err(|_| invalid())?;
        let plain = matches!(parsed.scheme(), "http" | "https")
            && parsed.host_str().is_some()
            && parsed.query().is_none()
            && parsed.fragment().is_none()
            && parsed.username().is_empty()
            && parsed.password().is_none();
        if !plain {
            return Err(invalid());
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
            hub: None,
        })
    }

    /// Adds redirects from the former slugs of the channels, and 410 for removed channels (feed rule C8).
    pub fn with_redirects(mut self, channels: &[Channel]) -> Self {
        for channel in channels {
            self.renamed.extend(channel.former_slugs.iter().map(|was| (was.clone(), channel.slug.clone())));
            if channel.is_gone() {
                self.gone.insert(channel.slug.clone());
            }
        }
        self
    }

    /// Names the WebSub hub of all live feeds (feed rule W1); none without one.
    pub fn with_hub(self, hub: Option<String>) -> Self {
        Self { hub, ..self }
    }

    /// The absolute URL of the WebSub hub, if there is one.
    pub fn hub_url(&self) -> Option<&str> {
        self.hub.as_deref()
    }

    /// The channel with this slug or title, as a folder or an article names it.
    pub fn resolve_channel(&self, text: &str) -> Slug {
        self.current_slug(Slug::from_title(text))
    }

    /// The channels of an article: those given by their slugs, and those that the article names. Sorted, each once.
    pub fn resolve_channels(&self, slugs: impl IntoIterator<Item = Slug>, named: &[String]) -> Vec<Slug> {
        let slugs = slugs.into_iter().map(|slug| self.current_slug(slug));
        let all: BTreeSet<Slug> = slugs.chain(named.iter().map(|name| self.resolve_channel(name))).collect();
        all.into_iter().collect()
    }

    /// The current slug of a channel, given its current or any former one.
    pub fn current_slug(&self, slug: Slug) -> Slug {
        self.renamed.get(&slug).cloned().unwrap_or(slug)
    }

    /// True if the site URL is a loopback address.
    pub fn is_loopback(&self) -> bool {
        let host = url::Url::parse(&self.base).ok().and_then(|url| url.host().map(|host| host.to_owned()));
        match host {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// The authority in all ids (RFC 4151).
    pub fn tag_authority(&self) -> &str {
        &self.tag_authority
    }

    /// A new id for an article with this permalink (RFC 4151). It is stored once and never computed again.
    pub fn article_id(&self, permalink: &Permalink) -> ArticleId {
        ArticleId::new(format!("tag:{}:{permalink}", self.tag_authority))
    }

    /// True if an id has the form of the ids of this site, of articles or feeds.
    pub fn may_mint(&self, id: &ArticleId) -> bool {
        let rest = id.as_str().strip_prefix("tag:").and_then(|rest| rest.strip_prefix(&self.tag_authority));
        rest.is_some_and(|rest| rest.starts_with(':'))
    }

    /// The Atom id of a channel feed, by the original slug of the channel, or of the feed of all channels.
    /// It does not depend on host and scheme.
    pub fn feed_id(&self, scope: Option<&Slug>) -> String {
        match scope {
            Some(slug) => format!("tag:{}:channel/{slug}", self.tag_authority),
            None => format!("tag:{}:channels", self.tag_authority),
        }
    }

    /// The Atom id of a search feed; `query` as in [`search_path`].
    pub fn search_id(&self, query: &str) -> String {
        format!("tag:{}:search?{query}", self.tag_authority)
    }

    /// The base URL: `https://host/path` without a trailing slash.
    pub fn site_url(&self) -> &str {
        &self.base
    }

    /// The absolute URL of a path of this service.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A path with the prefix of the site: [`Self::url`] without scheme and host.
    pub fn path(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    /// Parses the path of a request. The prefix of the site is optional, since a proxy may strip it.
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
            route => route,
        }
    }

    /// Redirects to a path under the current slug. If that redirects in turn, the result is its target: one hop.
    fn redirect_target(&self, path: String) -> Route {
        match self.parse(&path) {
            elsewhere @ (Route::NotFound | Route::Gone | Route::Redirect(_)) => elsewhere,
            _ => Route::Redirect(path),
        }
    }

    /// The path of a request in normal form (RFC 3986 §6.2.2.2), without the prefix of the site.
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
    use chrono::NaiveDate;

    use super::*;
    use crate::model::ChannelStatus;
    use crate::time::Month;

    fn slug(text: &str) -> Slug {
        Slug::parse(text).unwrap()
    }

    fn addresses() -> SiteUrls {
        SiteUrls::new("https://example.vn/bantin/", "dakto.kontum.vn,2023").unwrap()
    }

    #[test]
    fn every_built_path_parses_to_its_route() {
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
            for year in [None, Some(2023)] {
                let path = months_path(scope.as_ref(), year);
                assert_eq!(addresses().parse(&path), Route::Months(scope.clone(), year), "{path}");
            }
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
        assert_eq!(addresses().parse(HUB_PATH), Route::Hub);
        assert_eq!(addresses().parse(&hub_callback_path("0a")), Route::HubCallback("0a".to_owned()));
        assert_eq!(addresses().parse(&search_path(None, "")), Route::Search);
        assert_eq!(search_path(Some(Format::Rss), "q=dak+to"), "/tim-kiem/rss.xml?q=dak+to");
        for format in Format::ALL {
            assert_eq!(addresses().parse(&search_path(Some(format), "")), Route::SearchFeed(format));
        }
        let month = Sitemap::Month(Month { year: 987, month: 12 });
        for sitemap in [Sitemap::Index, Sitemap::Pages, Sitemap::News, month] {
            assert_eq!(addresses().parse(&sitemap_path(sitemap)), Route::Sitemap(sitemap));
        }
        for path in [ROBOTS_PATH, ICON_PATH, ACCESSIBILITY_PATH, asset_path("0123.css").as_str()] {
            assert_eq!(addresses().parse(path), Route::Asset, "{path}");
        }
    }

    #[test]
    fn an_id_is_one_path_segment_whatever_it_contains() {
        for id in ["https://a.vn/?b=c&d#e", "đ ă%2F+", "a//b/"] {
            let path = api_article_path(&ArticleId::new(id));
            let segments = vec!["articles".to_owned(), id.to_owned()];
            assert_eq!(addresses().parse(&path), Route::Api(segments), "{path}");
        }
        assert_eq!(addresses().parse("/bantin/api/changes"), Route::Api(vec!["changes".to_owned()]));
    }

    #[test]
    fn alternative_spellings_redirect() {
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
            ("/theo-thang/2023", "/theo-thang/2023/"),
            ("/tro-giup-tiep-can/", "/tro-giup-tiep-can"),
            ("/xa-hoi/theo-thang/2023/05", "/xa-hoi/theo-thang/2023/05/"),
            ("/tim-kiem/", "/tim-kiem"),
        ] {
            assert_eq!(addresses().parse(path), Route::Redirect(target.to_owned()), "{path}");
        }
    }

    #[test]
    fn an_encoded_unreserved_character_equals_the_character() {
        let rss = Route::Feed(Some(slug("xa-hoi")), Format::Rss);
        for path in
            ["/xa%2Dhoi/rss.xml", "/xa%2dhoi/rss%2exml", "/b%61ntin/xa-hoi/rss.xml", "/%78a-hoi/rss.xml"]
        {
            assert_eq!(addresses().parse(path), rss, "{path}");
        }
        assert_eq!(addresses().parse("/b%61ntin"), Route::Page(None));
        // Decoded once: the characters after an encoded `%` stay as they are.
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
        fn any_path_parses_without_a_panic_and_never_redirects_to_another_host(path in "/(\\PC|%[0-9a-fA-F]{0,2}|/){0,20}") {
            if let Route::Redirect(target) = addresses().parse(&path) {
                proptest::prop_assert!(!target.starts_with("//"), "{}", target);
            }
        }
    }

    #[test]
    fn other_paths_are_not_found() {
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
            "/theo-thang/rss.xml",
            "/tim-kiem/x",
            "/theo-thang/23/",
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
    fn every_path_of_a_renamed_channel_redirects_to_its_current_slug_in_one_hop() {
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
    fn every_path_of_a_removed_channel_is_gone_and_no_other() {
        let gone = Channel { status: ChannelStatus::Removed, ..Channel::new(slug("covid"), "") };
        let addresses = addresses().with_redirects(&[gone]);
        for path in ["/covid/rss.xml", "/covid/", "/covid", "/covid/archive/1/rss.xml", "/covid/feed"] {
            assert_eq!(addresses.parse(path), Route::Gone, "{path}");
        }
        assert_eq!(addresses.parse("/covid/rss2"), Route::NotFound);
        assert_eq!(addresses.parse("/covid-19/rss.xml"), Route::Feed(Some(slug("covid-19")), Format::Rss));
    }

    #[test]
    fn a_site_with_a_path_prefix_is_found_with_and_without_it() {
        let rss = Route::Feed(None, Format::Rss);
        assert_eq!(addresses().parse("/bantin/rss.xml"), rss);
        assert_eq!(addresses().parse("/rss.xml"), rss);
        assert_eq!(addresses().parse("/bantin"), Route::Page(None));
        assert_eq!(addresses().url("/rss.xml"), "https://example.vn/bantin/rss.xml");
        assert_eq!(addresses().path("/rss.xml"), "/bantin/rss.xml");
    }

    #[test]
    fn an_invalid_site_url_is_rejected() {
        for url in ["", "huyen.vn", "ftp://a.vn", "https://a.vn/?x", "https://a.vn/#x", "https://u:p@a.vn"] {
            assert!(matches!(SiteUrls::new(url, "a.vn,2023"), Err(SiteUrlError::Url(_))), "{url}");
        }
        for authority in ["", "a b", "a.vn,23", "a.vn,2023-", "đ.vn,2023"] {
            let made = SiteUrls::new("https://a.vn", authority);
            assert!(matches!(made, Err(SiteUrlError::Authority(_))), "{authority}");
        }
    }
}
