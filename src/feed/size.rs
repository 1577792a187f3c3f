//! Upper bounds for the size of entries, and summaries for entries that are too long.

use super::input::FeedInput;
use super::model::{Category, ItemModel, MediaItem, lead};
use crate::model::{Article, Block, Entry};
use crate::text::{escape_html, truncate};
use crate::urls::{self, SiteUrls};

/// Bytes for the metadata of the feed.
const HEAD: usize = 8192;
/// Bytes for the markup of an entry, a tombstone, an image and a category, without their texts.
const ENTRY: usize = 1024;
const TOMBSTONE: usize = 256;
const IMAGE: usize = 640;
const CATEGORY: usize = 96;

/// Maximum characters of the title, the lead and any other line of a summary.
const MAX_TITLE: usize = 300;
const MAX_LEAD: usize = 400;
const MAX_LINE: usize = 120;
/// Maximum number of authors and of tags in a summary.
const MAX_NAMES: usize = 10;

/// An upper bound of the bytes of the feed without its entries.
pub fn head_bytes(document: &FeedInput<'_>) -> usize {
    let tombstone = |gone: &crate::model::Tombstone| {
        TOMBSTONE + escaped_len(gone.id.as_str()) + gone.reason.as_deref().map_or(0, escaped_len)
    };
    HEAD + document.tombstones.iter().map(tombstone).sum::<usize>()
}

/// An upper bound of the bytes that an entry adds to a feed, in the longest format.
pub(super) fn entry_bytes(item: &ItemModel<'_>) -> usize {
    let category = |category: &Category<'_>| {
        CATEGORY + escaped_len(&category.term) + escaped_len(&category.scheme) + escaped_len(&category.label)
    };
    let media = |media: &MediaItem<'_>| {
        let texts = [&media.caption, &media.credit].into_iter().flatten();
        IMAGE + 2 * escaped_len(&media.url) + texts.map(|text| escaped_len(text)).sum::<usize>()
    };
    ENTRY
        + escaped_len(&item.id)
        + escaped_len(&item.title)
        + escaped_len(&item.link)
        // RSS escapes the lead as HTML and as XML.
        + escaped_len(&escape_html(&item.lead))
        + escaped_len(&item.html)
        + item.authors.iter().map(|author| CATEGORY + escaped_len(author)).sum::<usize>()
        + item.categories.iter().map(category).sum::<usize>()
        + item.source.as_deref().map_or(0, escaped_len)
        + item.media.iter().map(media).sum::<usize>()
}

/// The length of `text` in XML or JSON, whichever is longer.
fn escaped_len(text: &str) -> usize {
    let bytes = text.bytes().map(|byte| match byte {
        b'&' | b'<' | b'>' | b'"' | b'\'' => 6,
        b'\\' | b'\n' | b'\t' => 2,
        _ => 1,
    });
    bytes.sum()
}

/// A short version of an entry: its lead, its first image, and a link to its page instead of the full text.
pub fn summary(entry: &Entry, addresses: &SiteUrls) -> Entry {
    let article = &entry.article;
    let line = |text: &String| truncate(text, MAX_LINE).into_owned();
    let lead = truncate(&lead(article), MAX_LEAD).into_owned();
    let page = addresses.url(&urls::article_path(&entry.permalink));
    let to_page =
        format!("<p lang=\"vi\" dir=\"ltr\"><a href=\"{}\">Xem toàn văn</a></p>", escape_html(&page));
    let caption = article.body.iter().find(|block| matches!(block, Block::Caption { .. }));
    let short = |block: &&Block| match block {
        Block::Caption { raw, html, .. } => raw.len().max(html.as_deref().map_or(0, str::len)) < 2 * MAX_LEAD,
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
            title: truncate(&article.title, MAX_TITLE).into_owned(),
            published: article.published,
            updated: article.updated,
            summary: None,
            body: body.collect(),
            authors: article.authors.iter().take(MAX_NAMES).map(line).collect(),
            source: article.source.as_ref().map(line),
            tags: article.tags.iter().take(MAX_NAMES).map(line).collect(),
            language: article.language.clone(),
            link: article.link.clone().filter(|link| link.len() < 4 * MAX_LEAD),
            origin: article.origin.clone().filter(|origin| origin.feed.len() < 4 * MAX_LEAD),
            images: article.images.iter().take(1).cloned().collect(),
        },
    }
}
