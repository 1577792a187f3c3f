//! The export of WordPress (WXR): an RSS feed with elements of its own.

use std::collections::BTreeMap;

use roxmltree::{Document, Node};
use url::Url;

use super::article;
use super::elements::{self, Namespace, children, text};
use super::model::{FeedFault, Repairs, SourceItem};
use super::xml;

/// An item of an export: an article, a page, a file, a menu entry …
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WordPressItem {
    /// What an RSS feed says of it. `html` is the text as it was edited, for [`wordpress_html`](super::wordpress_html);
    /// `authors` holds the name for logging in; `date` is empty.
    pub item: SourceItem,
    /// Its number in the database of WordPress.
    pub number: Option<u64>,
    /// `post`, `page`, `attachment` …
    pub kind: String,
    /// `publish`, `draft`, `private` …
    pub status: String,
    /// Readers need a password.
    pub has_password: bool,
    /// The last part of its permalink, decoded.
    pub slug: Option<String>,
    /// `2019-05-02 08:30:00` in the zone of the site.
    pub local_date: Option<String>,
    /// The same moment in UTC; all zeros if WordPress never computed it.
    pub utc_date: Option<String>,
    /// The number of the file that is its main image.
    pub thumbnail: Option<u64>,
    /// The number of the item that a file belongs to.
    pub parent: Option<u64>,
    /// The absolute URL of a file.
    pub file: Option<String>,
}

/// The beginning of an export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WordPressHead {
    /// The names of authors for readers, by their names for logging in.
    pub authors: BTreeMap<String, String>,
}

/// What stands at the beginning of an RSS, Atom or WordPress file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedHead {
    /// The absolute URL of the site.
    pub site: Option<String>,
    /// Set if the file is an export of WordPress.
    pub wordpress: Option<WordPressHead>,
}

/// Reads the beginning of a feed: the document without its items, well-formed.
///
/// # Errors
/// If it is no feed.
pub fn read_feed_head(bytes: &[u8]) -> Result<FeedHead, FeedFault> {
    let mut repairs = Repairs::new();
    let xml = xml::repaired(&xml::decode(bytes, None, &mut repairs)?, &mut repairs)?;
    let document = elements::document(&xml)?;
    let root = document.root_element();
    let channel = children(root, Namespace::Rss, "channel").next().unwrap_or(root);
    let atom = children(root, Namespace::Atom, "link")
        .filter(|link| matches!(link.attribute("rel"), None | Some("alternate" | "")))
        .find_map(|link| link.attribute("href").map(str::to_owned));
    let is_wordpress = text(channel, Namespace::WordPress, "wxr_version").is_some();
    let own = text(channel, Namespace::WordPress, "base_blog_url").filter(|_| is_wordpress);
    let site = own.or_else(|| text(channel, Namespace::Rss, "link")).or(atom);
    Ok(FeedHead {
        site: site.filter(|site| Url::parse(site).is_ok()),
        wordpress: is_wordpress.then(|| WordPressHead { authors: authors(channel) }),
    })
}

fn authors(channel: Node<'_, '_>) -> BTreeMap<String, String> {
    let author = |node| {
        let login = text(node, Namespace::WordPress, "author_login")?;
        let name = text(node, Namespace::WordPress, "author_display_name")?;
        Some((login, article::plain(&name)))
    };
    children(channel, Namespace::WordPress, "author").filter_map(author).collect()
}

/// Reads an export with a single item. Relative URLs are relative to `site`. `None` if it has no item.
///
/// # Errors
/// If it cannot be read without guessing.
pub fn read_wordpress_item(bytes: &[u8], site: &Url) -> Result<Option<WordPressItem>, FeedFault> {
    let mut repairs = Repairs::new();
    let xml = xml::repaired(&xml::decode(bytes, None, &mut repairs)?, &mut repairs)?;
    let document = elements::document(&xml)?;
    let feed = elements::read_document(&document, site, &mut repairs)?;
    let Some(node) = first_item(&document) else { return Ok(None) };
    Ok(feed.items.into_iter().next().map(|item| with_details(item, node)))
}

fn first_item<'a>(document: &'a Document<'_>) -> Option<Node<'a, 'a>> {
    document.descendants().find(|node| node.has_tag_name("item"))
}

fn with_details(item: SourceItem, node: Node<'_, '_>) -> WordPressItem {
    let own = |name| text(node, Namespace::WordPress, name);
    let number = |name| own(name).and_then(|number| number.parse().ok()).filter(|number| *number != 0);
    let terms = |domain: &'static str| -> Vec<String> {
        let terms = children(node, Namespace::Rss, "category");
        let named = terms.filter(|term| term.attribute("domain") == Some(domain));
        named.map(|term| article::plain(&elements::all_text(term))).filter(|name| !name.is_empty()).collect()
    };
    let slug = own("post_name")
        .map(|slug| percent_encoding::percent_decode_str(&slug).decode_utf8_lossy().into_owned());
    WordPressItem {
        number: number("post_id"),
        kind: own("post_type").unwrap_or_default(),
        status: own("status").unwrap_or_default(),
        has_password: own("post_password").is_some(),
        slug,
        local_date: own("post_date"),
        utc_date: own("post_date_gmt"),
        thumbnail: meta(node, "_thumbnail_id").and_then(|number| number.parse().ok()),
        parent: number("post_parent"),
        file: own("attachment_url"),
        item: SourceItem {
            categories: terms("category"),
            tags: terms("post_tag"),
            authors: text(node, Namespace::DublinCore, "creator").into_iter().collect(),
            summary: text(node, Namespace::Excerpt, "encoded")
                .map(|excerpt| article::plain(&excerpt))
                .unwrap_or_default(),
            date: None,
            ..item
        },
    }
}

fn meta(node: Node<'_, '_>, key: &str) -> Option<String> {
    let mut entries = children(node, Namespace::WordPress, "postmeta");
    let entry =
        entries.find(|entry| text(*entry, Namespace::WordPress, "meta_key").as_deref() == Some(key))?;
    text(entry, Namespace::WordPress, "meta_value")
}
