//! What crawlers ask for: `robots.txt` and the sitemaps (sitemaps.org).

use std::fmt::Write as _;

use crate::time::{Timestamp, Zone, rfc3339};
use crate::urls::{SiteUrls, Sitemap, search_path, sitemap_path};

/// `application/xml; charset=utf-8`.
pub const SITEMAP_MEDIA_TYPE: &str = "application/xml; charset=utf-8";

/// A page, for a crawler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SitemapUrl {
    /// Its path.
    pub path: String,
    /// When it last changed, where that is known.
    pub changed: Option<Timestamp>,
}

/// What crawlers may ask for: everything but the search, which has no end, and the API, which says nothing that the
/// pages do not.
pub fn robots(addresses: &SiteUrls) -> Vec<u8> {
    format!(
        "User-agent: *\nDisallow: {}\nDisallow: {}\nSitemap: {}\n",
        addresses.path(&search_path(None, "")),
        addresses.path("/api/"),
        addresses.url(&sitemap_path(Sitemap::Index)),
    )
    .into_bytes()
}

/// A list of pages; at most 50,000 of them may stand in one.
pub fn sitemap(addresses: &SiteUrls, zone: Zone, locations: &[SitemapUrl]) -> Vec<u8> {
    let mut xml = urlset_start("urlset", locations.len());
    for SitemapUrl { path, changed } in locations {
        push(&mut xml, "url", &addresses.url(path), changed.map(|changed| rfc3339(changed, zone)));
    }
    xml.push_str("</urlset>\n");
    xml.into_bytes()
}

/// A list of lists.
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
    // A path of ours holds nothing to escape, but `site.url` may.
    let url = quick_xml::escape::escape(url);
    let _ = write!(xml, "<{name}><loc>{url}</loc>");
    if let Some(changed) = changed {
        let _ = write!(xml, "<lastmod>{changed}</lastmod>");
    }
    let _ = writeln!(xml, "</{name}>");
}
