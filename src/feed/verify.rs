//! Output verification: parses a rendered feed strictly and compares it with its input.
//!
//! It shares only the text rules of `crate::text` with the serialisers. `roxmltree` parses XML and `serde_json` parses
//! JSON; this module checks dates, HTML and element order.

mod html;
mod json;
mod parsed;
mod xml;

use std::fmt;

use super::input::{FeedInput, FeedKind};
use crate::model::{ArticleId, Block, Entry};
use crate::text::{http_url, identifier, single_line, xml_safe, xml_safe_nfc};
use crate::time::Timestamp;
use crate::urls::{self, Format};
use parsed::{ParsedFeed, ParsedItem};

/// Why a document must not be published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", position(.article.as_ref()))]
pub struct VerifyError {
    /// The invalid article, if the error is in one.
    pub article: Option<ArticleId>,
    /// The description for the log.
    pub reason: String,
}

fn position(article: Option<&ArticleId>) -> String {
    article.map(|article| format!("{article}: ")).unwrap_or_default()
}

/// Parses `bytes` as a feed in `format` and compares it with `document`: title, URLs and tombstones (if the format has
/// them), and the id, title, link, lead, text, dates, authors and images of each entry, in order.
///
/// # Errors
/// The first difference, markup that is not well-formed, or active HTML.
pub fn verify(document: &FeedInput<'_>, format: Format, bytes: &[u8]) -> Result<(), VerifyError> {
    let feed_error = |reason: String| VerifyError { article: None, reason };
    let text = std::str::from_utf8(bytes).map_err(|error| feed_error(format!("invalid UTF-8: {error}")))?;
    let parsed = match format {
        Format::Rss => xml::rss(text),
        Format::Atom => xml::atom(text),
        Format::Json => json::feed(text),
    };
    let parsed = parsed.map_err(feed_error)?;
    compare_head(document, format, &parsed).map_err(feed_error)?;
    if parsed.items.len() != document.entries.len() {
        let (found, expected) = (parsed.items.len(), document.entries.len());
        return Err(feed_error(format!("the feed has {found} entries instead of {expected}")));
    }
    for (entry, item) in document.entries.iter().zip(parsed.items) {
        let result = item.and_then(|item| compare_item(document, entry, &item));
        result.map_err(|reason| VerifyError { article: Some(entry.id.clone()), reason })?;
    }
    Ok(())
}

type CompareResult = Result<(), String>;

fn compare_head(document: &FeedInput<'_>, format: Format, parsed: &ParsedFeed) -> CompareResult {
    let scope = document.channel.map(|channel| &channel.slug);
    let at = |path: String| document.addresses.url(&path);
    let live = at(urls::feed_path(scope, format));
    let archive = |page: u64| at(urls::archive_path(scope, page, format));
    let (self_url, current, previous_archive) = match document.kind {
        FeedKind::Live { complete: true, .. } => (live, None, None),
        FeedKind::Live { previous_archive, .. } => (live, None, previous_archive.map(archive)),
        FeedKind::Archive { page, previous } => (archive(page), Some(live), previous.map(archive)),
        FeedKind::Delta => (live.clone(), Some(live), None),
        FeedKind::Search { query, .. } => (at(urls::search_path(Some(format), query)), None, None),
    };
    let page = match document.kind {
        FeedKind::Search { query, .. } => urls::search_path(None, query),
        _ => urls::page_path(scope),
    };
    // The title of a search contains its terms instead of a channel.
    let channel = document.channel.filter(|_| !matches!(document.kind, FeedKind::Search { .. }));
    let channel_title = channel.map(|channel| &channel.title);
    for name in channel_title.into_iter().chain([&document.site.title]) {
        if !parsed.title.contains(single_line(name).as_ref()) {
            return Err(format!("the feed title is {:?}", parsed.title));
        }
    }
    same("link to the HTML page", &parsed.html_url, &at(page))?;
    same("self link", &parsed.self_url, &self_url)?;
    same("link to the live feed", &parsed.current, &current)?;
    same("link to the archive", &parsed.previous_archive, &previous_archive)?;
    let hub = document.addresses.hub_url().filter(|_| document.kind.has_hub()).map(str::to_owned);
    same("hub", &parsed.hub, &hub)?;
    same("archive marker", &parsed.archive, &matches!(document.kind, FeedKind::Archive { .. }))?;
    same(
        "completeness marker",
        &parsed.complete,
        &matches!(document.kind, FeedKind::Live { complete: true, .. }),
    )?;
    let updated = second(document.updated);
    same("date of the feed", &parsed.updated, &Some(updated))?;
    compare_tombstones(document, parsed)
}

fn compare_tombstones(document: &FeedInput<'_>, parsed: &ParsedFeed) -> CompareResult {
    let Some(found) = &parsed.tombstones else { return Ok(()) };
    let reason = |reason: &str| Some(single_line(reason).into_owned()).filter(|line| !line.is_empty());
    let expected: Vec<_> = document
        .tombstones
        .iter()
        .map(|deleted| {
            let reason = deleted.reason.as_deref().and_then(reason);
            (identifier(deleted.id.as_str()).into_owned(), second(deleted.when), reason)
        })
        .collect();
    same("tombstone list", found, &expected)
}

fn compare_item(document: &FeedInput<'_>, entry: &Entry, parsed: &ParsedItem) -> CompareResult {
    let article = &entry.article;
    same("id", parsed.id.as_str(), identifier(entry.id.as_str()).as_ref())?;
    same("title", parsed.title.as_str(), single_line(&article.title).as_ref())?;
    // Without a lead, the feed contains another line of the article.
    let lead = xml_safe_nfc(article.excerpt());
    if !lead.trim().is_empty() {
        same("lead", parsed.lead.as_str(), lead.as_ref())?;
    }
    same("date of publication", &parsed.published, &Some(second(article.published.instant)))?;
    same("date of the last update", &parsed.updated, &Some(second(entry.updated)))?;
    let lines = article.authors.iter().map(|author| single_line(author));
    let mut authors: Vec<_> = lines.filter(|author| !author.is_empty()).collect();
    // The author of an unsigned article by a former publisher is that publisher.
    let publisher = document.site.publisher_at(article.published.instant);
    if authors.is_empty() && publisher != document.site.publisher {
        authors.extend(Some(single_line(publisher)).filter(|name| !name.is_empty()));
    }
    if parsed.authors != authors {
        return Err(format!("the authors are {:?} instead of {authors:?}", parsed.authors));
    }
    if !(parsed.link.starts_with("http://") || parsed.link.starts_with("https://")) {
        return Err(format!("the link is {:?}", parsed.link));
    }
    let media = |name: &str| identifier(&document.addresses.url(&urls::media_path(name))).into_owned();
    let image_urls: Vec<_> = article.images.iter().map(|image| media(image.for_feeds().name)).collect();
    same("image list", &parsed.image_urls, &image_urls)?;
    compare_text(entry, &parsed.html)
}

/// Compares the text of the HTML with the article, ignoring white space: nothing is lost, duplicated or double-escaped.
fn compare_text(entry: &Entry, html: &str) -> CompareResult {
    let page = html::parse(html)?;
    let mut expected = String::new();
    let is_collected = entry.article.origin.is_some();
    if let (Some(source), Some(origin)) = (&entry.article.source, &entry.article.origin) {
        expected.push_str("Theo");
        expected.push_str(&single_line(source));
        if let Some(publisher) = &origin.publisher {
            expected.push_str(&format!(",{}", single_line(publisher)));
        }
        if let Some(licence) = &origin.licence {
            let shown =
                http_url(licence).map_or_else(|| single_line(licence), |_| "điều khoản sử dụng".into());
            expected.push_str(&format!("({shown})"));
        }
    }
    for block in &entry.article.body {
        push_text(&mut expected, block)?;
    }
    if let Some(source) = entry.article.source.as_ref().filter(|_| !is_collected) {
        expected.push_str("Nguồn:");
        expected.push_str(&single_line(source));
    }
    if !without_space(&page.text).eq(without_space(&expected)) {
        same("text", &without_space(&page.text).collect::<String>(), &without_space(&expected).collect())?;
    }
    same(
        "number of images in the text",
        &page.images.min(entry.article.images.len()),
        &entry.article.images.len(),
    )
}

fn without_space(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|character| !character.is_whitespace())
}

fn push_text(output: &mut String, block: &Block) -> CompareResult {
    match block {
        Block::Lead { html: Some(html), .. } | Block::Html { html } => {
            output.push_str(&html::parse(&xml_safe(html))?.text);
        }
        Block::Lead { text, html: None } | Block::Paragraph { text } | Block::Heading { text, .. } => {
            output.push_str(&xml_safe_nfc(text))
        }
        Block::Caption { raw, .. } => output.push_str(&xml_safe_nfc(raw)),
        Block::List { items, .. } => items.iter().for_each(|item| output.push_str(&xml_safe_nfc(item))),
        Block::Table { rows } => rows.iter().flatten().for_each(|cell| output.push_str(&xml_safe_nfc(cell))),
    }
    Ok(())
}

fn same<T: PartialEq + fmt::Debug + ?Sized>(what: &str, found: &T, expected: &T) -> CompareResult {
    if found == expected {
        return Ok(());
    }
    Err(format!("the {what} is {} instead of {}", excerpt(found), excerpt(expected)))
}

/// Truncates long values for the log.
fn excerpt<T: fmt::Debug + ?Sized>(value: &T) -> String {
    const MAX_CHARS: usize = 200;
    let text = format!("{value:?}");
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Documents contain whole seconds.
fn second(moment: Timestamp) -> Timestamp {
    crate::time::from_unix(moment.timestamp())
}
