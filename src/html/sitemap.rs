//! `robots.txt` and sitemaps (sitemaps.org).

use std::fmt::Write as _;

use crate::time::{Timestamp, Zone, rfc3339};
use crate::urls::{SiteUrls, Sitemap, search_path, sitemap_path};

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
        "User-agent: *\nDisallow: {}\nDisallow: {}\nSitemap: {}\n",
        addresses.path(&search_path(None, "")),
        addresses.path("/api/"),
        addresses.url(&sitemap_path(Sitemap::Index)),
    )
    .into_bytes()
}

/// A sitemap. The protocol allows at most 50,000 URLs.
pub fn sitemap(addresses: &SiteUrls, zone: Zone, locations: &[SitemapUrl]) -> Vec<u8> {
    let mut xml = urlset_start("urlset", locations.len());
    for SitemapUrl { path, changed } in locations {
        push(&mut xml, "url", &addresses.url(path), changed.map(|changed| rfc3339(changed, zone)));
    }
    xml.push_str("</urlset>\n");
    xml.into_bytes()
}

/// A sitemap index.
pub fn sitemap_index(addresses: &SiteUrls, sitemaps: &[Sitemap]) -> Vec<u8> {
    let mut xml = urlset_start("sitemapindex", sitemaps.len());
    for sitemap in sitemaps {
        push(&mut xml, "sitemap", &addresses.url(&sitemap_path(*sitemap)), None);
    }
    xml.push_str("</sitemapindex>\n");
    xml.into_bytes()
}

fn urlset_start(name: &str, length: usize) -> String {
    let mut xml = String::with_capacity(128 * (length + 1));
    let _ = write!(
        xml,
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <{name} xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n"
    );
    xml
}

fn push(xml: &mut String, name: &str, url: &str, changed: Option<String>) {
    // Paths need no escaping, but `site.url` may.
    let url = quick_xml::escape::escape(url);
    let _ = write!(xml, "<{name}><loc>{url}</loc>");
    if let Some(changed) = changed {
        let _ = write!(xml, "<lastmod>{changed}</lastmod>");
    }
    let _ = writeln!(xml, "</{name}>");
}
