//! The second pair of eyes: reads a printed feed as a strict stranger would and compares what it says with
//! what was meant.
//!
//! Shares with the writers only the gate for texts. XML is read by `roxmltree`, JSON by `serde_json`; dates,
//! HTML and the rules of order are judged here.

mod html;
mod json;
mod xml;

use std::fmt;

use super::{FeedInput, FeedKind};
use crate::model::{ArticleId, Block, Entry};
use crate::text::{identifier, single_line, xml_safe, xml_safe_nfc};
use crate::time::Timestamp;
use crate::urls::{self, Format};

/// What keeps a document from being published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", position(.article.as_ref()))]
pub struct VerifyError {
    /// The article in which it was found, where it is in one.
    pub article: Option<ArticleId>,
    /// What is wrong, for the log.
    pub reason: String,
}

fn position(article: Option<&ArticleId>) -> String {
    article.map(|article| format!("{article}: ")).unwrap_or_default()
}

/// Reads `bytes` as a feed of `format` and compares it with `document`: title and addresses, where the format
/// has them the tombstones, and of each entry, in order, its id, title, link, lead, whole text, dates, authors
/// and pictures.
///
/// # Errors
/// At the first difference, at anything that is not well-formed, and at HTML that could run.
pub fn verify(document: &FeedInput<'_>, format: Format, bytes: &[u8]) -> Result<(), VerifyError> {
    let whole = |reason: String| VerifyError { article: None, reason };
    let text = std::str::from_utf8(bytes).map_err(|error| whole(format!("no UTF-8: {error}")))?;
    let read = match format {
        Format::Rss => xml::rss(text),
        Format::Atom => xml::atom(text),
        Format::Json => json::feed(text),
    };
    let read = read.map_err(whole)?;
    compare_head(document, format, &read).map_err(whole)?;
    if read.items.len() != document.entries.len() {
        let (read, meant) = (read.items.len(), document.entries.len());
        return Err(whole(format!("the feed has {read} entries where {meant} were meant")));
    }
    for (entry, item) in document.entries.iter().zip(read.items) {
        let verdict = item.and_then(|item| compare_item(document, entry, &item));
        verdict.map_err(|reason| VerifyError { article: Some(entry.id.clone()), reason })?;
    }
    Ok(())
}

/// A feed as it was read.
#[derive(Debug, Default)]
struct ParsedFeed {
    title: String,
    page: String,
    this: String,
    current: Option<String>,
    previous_archive: Option<String>,
    hub: Option<String>,
    archive: bool,
    complete: bool,
    updated: Option<Timestamp>,
    /// What keeps one entry from being read is laid to that entry.
    items: Vec<Result<ParsedItem, String>>,
    /// Nothing where the format has no word for them.
    tombstones: Option<Vec<(String, Timestamp, Option<String>)>>,
}

/// An entry as it was read.
#[derive(Debug, Default)]
struct ParsedItem {
    id: String,
    title: String,
    link: String,
    lead: String,
    html: String,
    published: Option<Timestamp>,
    updated: Option<Timestamp>,
    authors: Vec<String>,
    pictures: Vec<String>,
}

type CompareResult = Result<(), String>;

fn compare_head(document: &FeedInput<'_>, format: Format, read: &ParsedFeed) -> CompareResult {
    let scope = document.channel.map(|channel| &channel.slug);
    let at = |path: String| document.addresses.url(&path);
    let live = at(urls::feed_path(scope, format));
    let archive = |page: u64| at(urls::archive_path(scope, page, format));
    let hub = document.hub.map(|hub| identifier(hub).into_owned());
    let (this, current, previous_archive, hub) = match document.kind {
        FeedKind::Live { complete: true, .. } => (live, None, None, hub),
        FeedKind::Live { previous_archive, .. } => (live, None, previous_archive.map(archive), hub),
        FeedKind::Archive { page, previous } => (archive(page), Some(live), previous.map(archive), None),
        FeedKind::Delta => (live.clone(), Some(live), None, hub),
        FeedKind::Search { query, .. } => (at(urls::search_path(Some(format), query)), None, None, None),
    };
    let page = match document.kind {
        FeedKind::Search { query, .. } => urls::search_path(None, query),
        _ => urls::page_path(scope),
    };
    // A search is named by what was asked for.
    let named = document.channel.filter(|_| !matches!(document.kind, FeedKind::Search { .. }));
    let channel = named.map(|channel| &channel.title);
    for name in channel.into_iter().chain([&document.site.title]) {
        if !read.title.contains(single_line(name).as_ref()) {
            return Err(format!("the title of the feed reads {:?}", read.title));
        }
    }
    same("page", &read.page, &at(page))?;
    same("address", &read.this, &this)?;
    same("link to the live feed", &read.current, &current)?;
    same("link to the archive", &read.previous_archive, &previous_archive)?;
    same("hub", &read.hub, &hub)?;
    same("mark of an archive", &read.archive, &matches!(document.kind, FeedKind::Archive { .. }))?;
    same(
        "mark of completeness",
        &read.complete,
        &matches!(document.kind, FeedKind::Live { complete: true, .. }),
    )?;
    let updated = second(document.updated);
    same("date of the feed", &read.updated, &Some(updated))?;
    compare_tombstones(document, read)
}

fn compare_tombstones(document: &FeedInput<'_>, read: &ParsedFeed) -> CompareResult {
    let Some(read) = &read.tombstones else { return Ok(()) };
    let reason = |reason: &str| Some(single_line(reason).into_owned()).filter(|line| !line.is_empty());
    let meant: Vec<_> = document
        .tombstones
        .iter()
        .map(|gone| {
            let why = gone.reason.as_deref().and_then(reason);
            (identifier(gone.id.as_str()).into_owned(), second(gone.when), why)
        })
        .collect();
    same("tombstones", read, &meant)
}

fn compare_item(document: &FeedInput<'_>, entry: &Entry, read: &ParsedItem) -> CompareResult {
    let article = &entry.article;
    same("id", read.id.as_str(), identifier(entry.id.as_str()).as_ref())?;
    same("title", read.title.as_str(), single_line(&article.title).as_ref())?;
    // Where there is no lead, the writers put another line of the article in its place.
    let lead = xml_safe_nfc(article.excerpt());
    if !lead.trim().is_empty() {
        same("lead", read.lead.as_str(), lead.as_ref())?;
    }
    same("date of publication", &read.published, &Some(second(article.published.instant)))?;
    same("date of correction", &read.updated, &Some(second(entry.updated)))?;
    let lines = article.authors.iter().map(|author| single_line(author));
    let mut authors: Vec<_> = lines.filter(|author| !author.is_empty()).collect();
    // What nobody signed is by whoever published it then, where that is not who publishes now.
    let publisher = document.site.publisher_at(article.published.instant);
    if authors.is_empty() && publisher != document.site.publisher {
        authors.extend(Some(single_line(publisher)).filter(|name| !name.is_empty()));
    }
    if read.authors != authors {
        return Err(format!("the authors read {:?} where {authors:?} was meant", read.authors));
    }
    if !(read.link.starts_with("http://") || read.link.starts_with("https://")) {
        return Err(format!("the link reads {:?}", read.link));
    }
    let media = |name: &str| identifier(&document.addresses.url(&urls::media_path(name))).into_owned();
    let pictures: Vec<_> = article.images.iter().map(|picture| media(&picture.name)).collect();
    same("pictures", &read.pictures, &pictures)?;
    compare_text(entry, &read.html)
}

/// The words of the HTML, white space aside, are those of the article: nothing is lost, doubled, or escaped
/// once too often.
fn compare_text(entry: &Entry, read: &str) -> CompareResult {
    let page = html::read(read)?;
    let mut meant = String::new();
    for block in &entry.article.body {
        push_words(&mut meant, block)?;
    }
    if let Some(source) = &entry.article.source {
        meant.push_str("Nguồn:");
        meant.push_str(&single_line(source));
    }
    let words = |text: &str| text.chars().filter(|character| !character.is_whitespace()).collect::<String>();
    same("text", words(&page.text).as_str(), words(&meant).as_str())?;
    same(
        "number of pictures in the text",
        &page.images.min(entry.article.images.len()),
        &entry.article.images.len(),
    )
}

fn push_words(meant: &mut String, block: &Block) -> CompareResult {
    match block {
        Block::Lead { html: Some(html), .. } | Block::Html { html } => {
            meant.push_str(&html::read(&xml_safe(html))?.text);
        }
        Block::Lead { text, html: None } | Block::Paragraph { text } | Block::Heading { text, .. } => {
            meant.push_str(&xml_safe_nfc(text))
        }
        Block::Caption { raw: printed, .. } => meant.push_str(&xml_safe_nfc(printed)),
        Block::List { items, .. } => items.iter().for_each(|item| meant.push_str(&xml_safe_nfc(item))),
        Block::Table { rows } => rows.iter().flatten().for_each(|cell| meant.push_str(&xml_safe_nfc(cell))),
    }
    Ok(())
}

fn same<T: PartialEq + fmt::Debug + ?Sized>(what: &str, read: &T, meant: &T) -> CompareResult {
    if read == meant {
        return Ok(());
    }
    Err(format!("the {what} reads {} where {} was meant", excerpt(read), excerpt(meant)))
}

/// Long texts are cut: the line goes to a log.
fn excerpt<T: fmt::Debug + ?Sized>(value: &T) -> String {
    const MOST: usize = 200;
    let text = format!("{value:?}");
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Documents speak in whole seconds.
fn second(moment: Timestamp) -> Timestamp {
    crate::time::from_unix(moment.timestamp())
}
