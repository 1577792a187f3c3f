//! Strict RSS and Atom parsers.

use chrono::{DateTime, Utc};
use roxmltree::{Document, Node};

use super::html::unescape;
use super::parsed::{ParsedFeed, ParsedItem};
use crate::time::Timestamp;

const ATOM: &str = "http://www.w3.org/2005/Atom";
const CONTENT: &str = "http://purl.org/rss/1.0/modules/content/";
const DUBLIN_CORE: &str = "http://purl.org/dc/elements/1.1/";
const HISTORY: &str = "http://purl.org/syndication/history/1.0";
const MEDIA: &str = "http://search.yahoo.com/mrss/";
const TOMBSTONES: &str = "http://purl.org/atompub/tombstones/1.0";

/// RSS elements have no namespace.
const RSS: &str = "";

type ParseResult<T> = Result<T, String>;

pub(super) fn rss(text: &str) -> ParseResult<ParsedFeed> {
    let document = parse(text)?;
    let root = root(&document, RSS, "rss")?;
    if root.attribute("version") != Some("2.0") {
        return Err("not RSS 2.0".to_owned());
    }
    let channel = one(root, RSS, "channel")?;
    require_metadata_first(channel, RSS, "item")?;
    // Required (feed rule R1).
    one(channel, RSS, "description")?;
    Ok(ParsedFeed {
        title: text_of(one(channel, RSS, "title")?)?,
        html_url: text_of(one(channel, RSS, "link")?)?,
        updated: optional(channel, RSS, "lastBuildDate")?.map(rfc822).transpose()?,
        items: all(channel, RSS, "item").map(rss_item).collect(),
        tombstones: None,
        ..links_and_markers(channel)?
    })
}

pub(super) fn atom(text: &str) -> ParseResult<ParsedFeed> {
    let document = parse(text)?;
    let feed = root(&document, ATOM, "feed")?;
    require_metadata_first(feed, ATOM, "entry")?;
    // Required (feed rule A1).
    one(feed, ATOM, "id")?;
    one(feed, ATOM, "author").and_then(|author| one(author, ATOM, "name"))?;
    Ok(ParsedFeed {
        title: text_of(one(feed, ATOM, "title")?)?,
        html_url: alternate(feed)?,
        updated: Some(rfc3339(&text_of(one(feed, ATOM, "updated")?)?)?),
        items: all(feed, ATOM, "entry").map(atom_entry).collect(),
        tombstones: Some(all(feed, TOMBSTONES, "deleted-entry").map(tombstone).collect::<ParseResult<_>>()?),
        ..links_and_markers(feed)?
    })
}

fn parse(text: &str) -> ParseResult<Document<'_>> {
    if !text.starts_with("<?xml version=\"1.0\" encoding=\"utf-8\"?>") {
        return Err("the document does not declare UTF-8".to_owned());
    }
    Document::parse(text).map_err(|error| format!("not well-formed: {error}"))
}

fn root<'a, 'input>(
    document: &'a Document<'input>,
    namespace: &str,
    name: &str,
) -> ParseResult<Node<'a, 'input>> {
    let root = document.root_element();
    if is(root, namespace, name) { Ok(root) } else { Err(format!("the root element is not `{name}`")) }
}

fn rss_item(item: Node<'_, '_>) -> ParseResult<ParsedItem> {
    let guid = one(item, RSS, "guid")?;
    if guid.attribute("isPermaLink") != Some("false") {
        return Err("`isPermaLink` is not `false`".to_owned());
    }
    if all(item, RSS, "author").next().is_some() {
        return Err("`author` is not allowed".to_owned());
    }
    // At most one (feed rule R10).
    optional(item, RSS, "enclosure")?;
    let lead = optional(item, RSS, "description")?.map(text_of).transpose()?.unwrap_or_default();
    Ok(ParsedItem {
        id: text_of(guid)?,
        title: text_of(one(item, RSS, "title")?)?,
        link: text_of(one(item, RSS, "link")?)?,
        lead: unescape(&lead)?,
        html: optional(item, CONTENT, "encoded")?.map(text_of).transpose()?.unwrap_or_default(),
        published: Some(rfc822(one(item, RSS, "pubDate")?)?),
        updated: Some(rfc3339(&text_of(one(item, ATOM, "updated")?)?)?),
        authors: all(item, DUBLIN_CORE, "creator").map(text_of).collect::<ParseResult<_>>()?,
        image_urls: image_urls(item)?,
    })
}

fn atom_entry(entry: Node<'_, '_>) -> ParseResult<ParsedItem> {
    let content = one(entry, ATOM, "content")?;
    if content.attribute("type") != Some("html") {
        return Err("an entry's content is not marked as HTML".to_owned());
    }
    let authors = all(entry, ATOM, "author").map(|author| one(author, ATOM, "name").and_then(text_of));
    Ok(ParsedItem {
        id: text_of(one(entry, ATOM, "id")?)?,
        title: plain_text(one(entry, ATOM, "title")?)?,
        link: alternate(entry)?,
        lead: optional(entry, ATOM, "summary")?.map(plain_text).transpose()?.unwrap_or_default(),
        html: text_of(content)?,
        published: Some(rfc3339(&text_of(one(entry, ATOM, "published")?)?)?),
        updated: Some(rfc3339(&text_of(one(entry, ATOM, "updated")?)?)?),
        authors: authors.collect::<ParseResult<_>>()?,
        image_urls: image_urls(entry)?,
    })
}

fn tombstone(deleted: Node<'_, '_>) -> ParseResult<(String, Timestamp, Option<String>)> {
    let attribute = |name| deleted.attribute(name).ok_or_else(|| format!("a tombstone without `{name}`"));
    let comment = optional(deleted, TOMBSTONES, "comment")?.map(text_of).transpose()?;
    Ok((attribute("ref")?.to_owned(), rfc3339(attribute("when")?)?, comment))
}

/// The links and RFC 5005 markers of a feed.
fn links_and_markers(feed: Node<'_, '_>) -> ParseResult<ParsedFeed> {
    Ok(ParsedFeed {
        self_url: link(feed, "self")?.ok_or("the self link is missing")?,
        current: link(feed, "current")?,
        previous_archive: link(feed, "prev-archive")?,
        hub: link(feed, "hub")?,
        archive: optional(feed, HISTORY, "archive")?.is_some(),
        complete: optional(feed, HISTORY, "complete")?.is_some(),
        ..ParsedFeed::default()
    })
}

fn link(node: Node<'_, '_>, relation: &str) -> ParseResult<Option<String>> {
    let mut links = all(node, ATOM, "link").filter(|link| link.attribute("rel") == Some(relation));
    match (links.next(), links.next()) {
        (None, _) => Ok(None),
        (Some(link), None) => Ok(link.attribute("href").map(str::to_owned)),
        (Some(_), Some(_)) => Err(format!("more than one `{relation}` link")),
    }
}

fn alternate(node: Node<'_, '_>) -> ParseResult<String> {
    link(node, "alternate")?.ok_or_else(|| "the alternate link is missing".to_owned())
}

fn image_urls(item: Node<'_, '_>) -> ParseResult<Vec<String>> {
    let url = |content: Node<'_, '_>| content.attribute("url").map(str::to_owned);
    all(item, MEDIA, "content")
        .map(|content| url(content).ok_or("an image without `url`".to_owned()))
        .collect()
}

/// Checks that the metadata precedes the first entry (feed rule A8).
fn require_metadata_first(feed: Node<'_, '_>, namespace: &str, name: &str) -> ParseResult<()> {
    let mut elements =
        feed.children().filter(Node::is_element).skip_while(|node| !is(*node, namespace, name));
    match elements.find(|node| !is(*node, namespace, name)) {
        Some(element) => Err(format!("`{}` follows an entry", element.tag_name().name())),
        None => Ok(()),
    }
}

fn is(node: Node<'_, '_>, namespace: &str, name: &str) -> bool {
    node.tag_name().namespace().unwrap_or_default() == namespace && node.tag_name().name() == name
}

fn all<'a, 'input>(
    node: Node<'a, 'input>,
    namespace: &'static str,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(move |child| child.is_element() && is(*child, namespace, name))
}

fn optional<'a, 'input>(
    node: Node<'a, 'input>,
    namespace: &'static str,
    name: &'static str,
) -> ParseResult<Option<Node<'a, 'input>>> {
    let mut found = all(node, namespace, name);
    match (found.next(), found.next()) {
        (first, None) => Ok(first),
        _ => Err(format!("`{name}` is duplicated")),
    }
}

fn one<'a, 'input>(
    node: Node<'a, 'input>,
    namespace: &'static str,
    name: &'static str,
) -> ParseResult<Node<'a, 'input>> {
    optional(node, namespace, name)?.ok_or_else(|| format!("`{name}` is missing"))
}

/// The text of an element without child elements.
fn text_of(node: Node<'_, '_>) -> ParseResult<String> {
    let mut text = String::new();
    for child in node.children() {
        match child.text() {
            Some(piece) if child.is_text() => text.push_str(piece),
            _ => return Err(format!("`{}` contains more than text", node.tag_name().name())),
        }
    }
    Ok(text)
}

/// An Atom text construct of type `text` (RFC 4287 §3.1.1).
fn plain_text(node: Node<'_, '_>) -> ParseResult<String> {
    match node.attribute("type") {
        None | Some("text") => text_of(node),
        Some(other) => Err(format!("`{}` has the type {other}", node.tag_name().name())),
    }
}

/// Parses the date format of feed rule R2: four-digit year, numeric offset. chrono checks the weekday.
fn rfc822(node: Node<'_, '_>) -> ParseResult<Timestamp> {
    let text = text_of(node)?;
    let invalid = || format!("{text:?} is not a valid RSS date");
    let parsed = DateTime::parse_from_str(&text, "%a, %d %b %Y %H:%M:%S %z").map_err(|_| invalid())?;
    let offset = text.rsplit(' ').next().unwrap_or_default();
    let numeric = offset.len() == 5 && offset.bytes().skip(1).all(|byte| byte.is_ascii_digit());
    if numeric { Ok(parsed.with_timezone(&Utc)) } else { Err(invalid()) }
}

/// Parses the date format of feed rule A4: whole seconds, numeric offset.
pub(super) fn rfc3339(text: &str) -> ParseResult<Timestamp> {
    const LENGTH: usize = "2023-05-12T17:39:00+07:00".len();
    let parsed = DateTime::parse_from_rfc3339(text).ok().filter(|_| text.len() == LENGTH);
    parsed.map(|date| date.with_timezone(&Utc)).ok_or_else(|| format!("{text:?} is not a valid Atom date"))
}
