//! RSS and Atom, read strictly.

use chrono::{DateTime, Utc};
use roxmltree::{Document, Node};

use super::html::unescape;
use super::{ParsedFeed, ParsedItem};
use crate::time::Timestamp;

const ATOM: &str = "http://www.w3.org/2005/Atom";
const CONTENT: &str = "http://purl.org/rss/1.0/modules/content/";
const DUBLIN_CORE: &str = "http://purl.org/dc/elements/1.1/";
const HISTORY: &str = "http://purl.org/syndication/history/1.0";
const MEDIA: &str = "http://search.yahoo.com/mrss/";
const TOMBSTONES: &str = "http://purl.org/atompub/tombstones/1.0";

/// The namespace of RSS itself, which is none.
const RSS: &str = "";

type Read<T> = Result<T, String>;

pub(super) fn rss(text: &str) -> Read<ParsedFeed> {
    let document = parse(text)?;
    let root = root(&document, RSS, "rss")?;
    if root.attribute("version") != Some("2.0") {
        return Err("not RSS 2.0".to_owned());
    }
    let channel = one(root, RSS, "channel")?;
    head_first(channel, RSS, "item")?;
    // Rule R1.
    one(channel, RSS, "description")?;
    Ok(ParsedFeed {
        title: text_of(one(channel, RSS, "title")?)?,
        page: text_of(one(channel, RSS, "link")?)?,
        updated: optional(channel, RSS, "lastBuildDate")?.map(rfc822).transpose()?,
        items: all(channel, RSS, "item").map(rss_item).collect(),
        tombstones: None,
        ..relations(channel)?
    })
}

pub(super) fn atom(text: &str) -> Read<ParsedFeed> {
    let document = parse(text)?;
    let feed = root(&document, ATOM, "feed")?;
    head_first(feed, ATOM, "entry")?;
    // Rule A1.
    one(feed, ATOM, "id")?;
    one(feed, ATOM, "author").and_then(|author| one(author, ATOM, "name"))?;
    Ok(ParsedFeed {
        title: text_of(one(feed, ATOM, "title")?)?,
        page: alternate(feed)?,
        updated: Some(rfc3339(&text_of(one(feed, ATOM, "updated")?)?)?),
        items: all(feed, ATOM, "entry").map(atom_entry).collect(),
        tombstones: Some(all(feed, TOMBSTONES, "deleted-entry").map(tombstone).collect::<Read<_>>()?),
        ..relations(feed)?
    })
}

fn parse(text: &str) -> Read<Document<'_>> {
    if !text.starts_with("<?xml version=\"1.0\" encoding=\"utf-8\"?>") {
        return Err("the document does not declare UTF-8".to_owned());
    }
    Document::parse(text).map_err(|error| format!("not well-formed: {error}"))
}

fn root<'a, 'input>(document: &'a Document<'input>, namespace: &str, name: &str) -> Read<Node<'a, 'input>> {
    let root = document.root_element();
    if is(root, namespace, name) { Ok(root) } else { Err(format!("no `{name}` document")) }
}

fn rss_item(item: Node<'_, '_>) -> Read<ParsedItem> {
    let guid = one(item, RSS, "guid")?;
    if guid.attribute("isPermaLink") != Some("false") {
        return Err("a guid claims to be an address".to_owned());
    }
    if all(item, RSS, "author").next().is_some() {
        return Err("an author without an e-mail address".to_owned());
    }
    // Rule R10.
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
        authors: all(item, DUBLIN_CORE, "creator").map(text_of).collect::<Read<_>>()?,
        pictures: pictures(item)?,
    })
}

fn atom_entry(entry: Node<'_, '_>) -> Read<ParsedItem> {
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
        authors: authors.collect::<Read<_>>()?,
        pictures: pictures(entry)?,
    })
}

fn tombstone(gone: Node<'_, '_>) -> Read<(String, Timestamp, Option<String>)> {
    let attribute = |name| gone.attribute(name).ok_or_else(|| format!("a tombstone without `{name}`"));
    let comment = optional(gone, TOMBSTONES, "comment")?.map(text_of).transpose()?;
    Ok((attribute("ref")?.to_owned(), rfc3339(attribute("when")?)?, comment))
}

/// What the feed says of itself and of its neighbours.
fn relations(feed: Node<'_, '_>) -> Read<ParsedFeed> {
    Ok(ParsedFeed {
        this: link(feed, "self")?.ok_or("the feed does not name its own address")?,
        current: link(feed, "current")?,
        previous_archive: link(feed, "prev-archive")?,
        hub: link(feed, "hub")?,
        archive: optional(feed, HISTORY, "archive")?.is_some(),
        complete: optional(feed, HISTORY, "complete")?.is_some(),
        ..ParsedFeed::default()
    })
}

fn link(node: Node<'_, '_>, relation: &str) -> Read<Option<String>> {
    let mut links = all(node, ATOM, "link").filter(|link| link.attribute("rel") == Some(relation));
    match (links.next(), links.next()) {
        (None, _) => Ok(None),
        (Some(link), None) => Ok(link.attribute("href").map(str::to_owned)),
        (Some(_), Some(_)) => Err(format!("two links `{relation}`")),
    }
}

fn alternate(node: Node<'_, '_>) -> Read<String> {
    link(node, "alternate")?.ok_or_else(|| "no link to the page for people".to_owned())
}

fn pictures(item: Node<'_, '_>) -> Read<Vec<String>> {
    let url = |content: Node<'_, '_>| content.attribute("url").map(str::to_owned);
    all(item, MEDIA, "content")
        .map(|content| url(content).ok_or("a picture without `url`".to_owned()))
        .collect()
}

/// All that a feed says of itself comes before its first entry (rule A8).
fn head_first(feed: Node<'_, '_>, namespace: &str, name: &str) -> Read<()> {
    let mut elements =
        feed.children().filter(Node::is_element).skip_while(|node| !is(*node, namespace, name));
    match elements.find(|node| !is(*node, namespace, name)) {
        Some(late) => Err(format!("`{}` stands behind an entry", late.tag_name().name())),
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
) -> Read<Option<Node<'a, 'input>>> {
    let mut found = all(node, namespace, name);
    match (found.next(), found.next()) {
        (first, None) => Ok(first),
        _ => Err(format!("`{name}` stands twice")),
    }
}

fn one<'a, 'input>(
    node: Node<'a, 'input>,
    namespace: &'static str,
    name: &'static str,
) -> Read<Node<'a, 'input>> {
    optional(node, namespace, name)?.ok_or_else(|| format!("`{name}` is missing"))
}

/// The text of an element that holds nothing else.
fn text_of(node: Node<'_, '_>) -> Read<String> {
    let mut text = String::new();
    for child in node.children() {
        match child.text() {
            Some(piece) if child.is_text() => text.push_str(piece),
            _ => return Err(format!("`{}` holds more than text", node.tag_name().name())),
        }
    }
    Ok(text)
}

/// An Atom text construct of type `text` (RFC 4287 §3.1.1).
fn plain_text(node: Node<'_, '_>) -> Read<String> {
    match node.attribute("type") {
        None | Some("text") => text_of(node),
        Some(other) => Err(format!("`{}` is of type {other}", node.tag_name().name())),
    }
}

/// Strictly the form of rule R2: four-digit year, numeric offset; chrono compares the weekday with the date.
fn rfc822(node: Node<'_, '_>) -> Read<Timestamp> {
    let text = text_of(node)?;
    let wrong = || format!("{text:?} is no date of RSS");
    let read = DateTime::parse_from_str(&text, "%a, %d %b %Y %H:%M:%S %z").map_err(|_| wrong())?;
    let offset = text.rsplit(' ').next().unwrap_or_default();
    let numeric = offset.len() == 5 && offset.bytes().skip(1).all(|byte| byte.is_ascii_digit());
    if numeric { Ok(read.with_timezone(&Utc)) } else { Err(wrong()) }
}

/// Strictly the form of rule A4: whole seconds, numeric offset.
pub(super) fn rfc3339(text: &str) -> Read<Timestamp> {
    const FORM: usize = "2023-05-12T17:39:00+07:00".len();
    let read = DateTime::parse_from_rfc3339(text).ok().filter(|_| text.len() == FORM);
    read.map(|read| read.with_timezone(&Utc)).ok_or_else(|| format!("{text:?} is no date of Atom"))
}
