//! How long an entry makes a feed, and what stands in place of one that makes it too long.

use super::FeedInput;
use super::model::{Category, ItemModel, MediaItem, item, lead};
use crate::model::{Article, Block, Entry};
use crate::text::{escape_html, truncate};
use crate::urls::{self, SiteUrls};

/// Title, addresses and texts of the feed itself, in bytes, where the operator did not write a novel.
const HEAD: usize = 8192;
/// The elements of an entry, of a tombstone, of a picture and of a category, without what is written in them.
const ENTRY: usize = 1024;
const TOMBSTONE: usize = 256;
const PICTURE: usize = 640;
const CATEGORY: usize = 96;

/// In a summary: characters of the title, of the lead and of any other line.
const TITLE: usize = 300;
const LEAD: usize = 400;
const LINE: usize = 120;
/// In a summary: authors, and tags.
const NAMES: usize = 10;

/// At most so many bytes are added to a feed, in the longest of the three formats, by each entry of `document`.
pub fn entry_bytes(document: &FeedInput<'_>) -> Vec<usize> {
    document.entries.iter().map(|entry| item_bytes(&item(document, entry))).collect()
}

/// At most so many bytes does the feed hold beside its entries.
pub fn head_bytes(document: &FeedInput<'_>) -> usize {
    let tombstone = |gone: &crate::model::Tombstone| {
        TOMBSTONE + escaped(gone.id.as_str()) + gone.reason.as_deref().map_or(0, escaped)
    };
    HEAD + document.tombstones.iter().map(tombstone).sum::<usize>()
}

fn item_bytes(item: &ItemModel<'_>) -> usize {
    let category = |category: &Category<'_>| {
        CATEGORY + escaped(&category.term) + escaped(&category.scheme) + escaped(&category.label)
    };
    let picture = |picture: &MediaItem<'_>| {
        let texts = [&picture.caption, &picture.credit].into_iter().flatten();
        PICTURE + 2 * escaped(&picture.url) + texts.map(|text| escaped(text)).sum::<usize>()
    };
    ENTRY
        + escaped(&item.id)
        + escaped(&item.title)
        + escaped(&item.link)
        // In RSS the lead is escaped as HTML and as XML.
        + escaped(&escape_html(&item.lead))
        + escaped(&item.html)
        + item.authors.iter().map(|author| CATEGORY + escaped(author)).sum::<usize>()
        + item.categories.iter().map(category).sum::<usize>()
        + item.source.as_deref().map_or(0, escaped)
        + item.pictures.iter().map(picture).sum::<usize>()
}

/// The length of `text` in XML and in JSON, whichever is longer.
fn escaped(text: &str) -> usize {
    let bytes = text.bytes().map(|byte| match byte {
        b'&' | b'<' | b'>' | b'"' | b'\'' => 6,
        b'\\' | b'\n' | b'\t' => 2,
        _ => 1,
    });
    bytes.sum()
}

/// The same entry in a few lines: its lead, its first picture, and a link to its page in place of the whole text.
pub fn summary(entry: &Entry, addresses: &SiteUrls) -> Entry {
    let article = &entry.article;
    let line = |text: &String| truncate(text, LINE).into_owned();
    let lead = truncate(&lead(article), LEAD).into_owned();
    let page = addresses.url(&urls::article_path(&entry.permalink));
    let to_page =
        format!("<p lang=\"vi\" dir=\"ltr\"><a href=\"{}\">Xem toàn văn</a></p>", escape_html(&page));
    let caption = article.body.iter().find(|block| matches!(block, Block::Caption { .. }));
    let short = |block: &&Block| match block {
        Block::Caption { raw: printed, html, .. } => {
            printed.len().max(html.as_deref().map_or(0, str::len)) < 2 * LEAD
        }
        _ => false,
    };
    let lead = Some(lead).filter(|lead| !lead.is_empty()).map(|text| Block::Lead { text, html: None });
    let body = lead.into_iter().chain(caption.filter(short).cloned()).chain([Block::Html { html: to_page }]);
    Entry {
        id: entry.id.clone(),
        permalink: entry.permalink.clone(),
        channels: entry.channels.clone(),
        updated: entry.updated,
        article: Article {
            title: truncate(&article.title, TITLE).into_owned(),
            published: article.published,
            updated: article.updated,
            summary: None,
            body: body.collect(),
            authors: article.authors.iter().take(NAMES).map(line).collect(),
            source: article.source.as_ref().map(line),
            tags: article.tags.iter().take(NAMES).map(line).collect(),
            language: article.language.clone(),
            link: article.link.clone().filter(|link| link.len() < 4 * LEAD),
            images: article.images.iter().take(1).cloned().collect(),
        },
    }
}
