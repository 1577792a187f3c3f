//! `robots.txt` and sitemaps (sitemaps.org, and Google's extension for news).

use std::fmt::Write as _;

use quick_xml::escape::escape;

use super::layout::PageContext;
use super::teaser::datetime_attribute;
use super::text::{clean, language_tag};
use crate::model::Entry;
use crate::time::{Timestamp, Zone, rfc3339};
use crate::urls::{SiteUrls, Sitemap, article_path, search_path, sitemap_path};

/// `application/xml; charset=utf-8`.
pub const SITEMAP_MEDIA_TYPE: &str = "application/xml; charset=utf-8";

/// A page in a sitemap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SitemapUrl {
    /// The path.
    pub path: String,
    /// The last change, if known.
    pub changed: Option<Timestamp>,
}

/// Allows everything except the search, which has unlimited URLs, and the API, which repeats the pages.
pub fn robots(addresses: &SiteUrls) -> Vec<u8> {
    format!(
        "User-agent: *\nDisallow: {}\nDisallow: {}\nSitemap: {}\nSitemap: {}\n",
        addresses.path(&search_path(None, "")),
        addresses.path("/api/"),
        addresses.url(&sitemap_path(Sitemap::Index)),
        addresses.url(&sitemap_path(Sitemap::News)),
    )
    .into_bytes()
}

/// A sitemap. The protocol allows at most 50,000 URLs.
pub fn sitemap(addresses: &SiteUrls, zone: Zone, locations: &[SitemapUrl]) -> Vec<u8> {
    let mut xml = start("urlset", "", locations.len());
    for SitemapUrl { path, changed } in locations {
        let changed = changed.map(|changed| format!("<lastmod>{}</lastmod>", rfc3339(changed, zone)));
        push(&mut xml, "url", &addresses.url(path), &changed.unwrap_or_default());
    }
    xml.push_str("</urlset>\n");
    xml.into_bytes()
}

/// The news sitemap. The extension allows at most 1,000 URLs.
pub fn news_sitemap(frame: &PageContext<'_>, entries: &[Entry]) -> Vec<u8> {
    const NEWS: &str = " xmlns:news=\"http://www.google.com/schemas/sitemap-news/0.9\"";
    let site = frame.site;
    let mut xml = start("urlset", NEWS, entries.len());
    for Entry { article, permalink, .. } in entries {
        let language = language_tag(article.language.as_deref()).unwrap_or(&site.language);
        let news = format!(
            "<news:news><news:publication><news:name>{}</news:name><news:language>{language}</news:language>\
             </news:publication><news:publication_date>{}</news:publication_date><news:title>{}</news:title></news:news>",
            escape(clean(&site.title)),
            datetime_attribute(article.published, site.time_zone),
            escape(clean(&article.title)),
        );
        push(&mut xml, "url", &frame.addresses.url(&article_path(permalink)), &news);
    }
    xml.push_str("</urlset>\n");
    xml.into_bytes()
}

/// A sitemap index.
pub fn sitemap_index(addresses: &SiteUrls, sitemaps: &[Sitemap]) -> Vec<u8> {
    let mut xml = start("sitemapindex", "", sitemaps.len());
    for sitemap in sitemaps {
        push(&mut xml, "sitemap", &addresses.url(&sitemap_path(*sitemap)), "");
    }
    xml.push_str("</sitemapindex>\n");
    xml.into_bytes()
}

fn start(name: &str, namespaces: &str, length: usize) -> String {
    let mut xml = String::with_capacity(128 * (length + 1));
    let _ = write!(
        xml,
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <{name} xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\"{namespaces}>\n"
    );
    xml
}

/// `more` is XML.
fn push(xml: &mut String, name: &str, url: &str, more: &str) {
    // Paths need no escaping, but `site.url` may.
    let _ = writeln!(xml, "<{name}><loc>{}</loc>{more}</{name}>", escape(url));
}
