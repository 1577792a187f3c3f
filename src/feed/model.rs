//! The format-independent content of a feed: clean texts, absolute URLs, defaults applied. The serialisers only copy
//! from it.

use std::borrow::Cow;

use super::input::{FeedInput, FeedKind};
use crate::content_html::{content_html, image_url};
use crate::model::{Article, Block, ChannelStatus, Entry, Image, ImageCaption, Origin, Site, Tombstone};
use crate::text::{http_url, identifier, language_tag, single_line, xml_safe_nfc};
use crate::time::Timestamp;
use crate::urls::{self, Format, SiteUrls};

/// A feed, without its articles and the links that differ by format.
pub(super) struct FeedModel<'a> {
    pub id: String,
    pub title: String,
    pub description: String,
    /// The HTML page of the channel or search.
    pub html_url: String,
    pub marker: Option<HistoryMarker>,
    /// BCP 47.
    pub language: Option<&'a str>,
    pub publisher: Cow<'a, str>,
    pub rights: Option<Cow<'a, str>>,
    /// The terms of reuse (RFC 4946).
    pub license: Option<String>,
    pub logo: Option<String>,
    pub updated: Timestamp,
    pub tombstones: Vec<DeletedItem<'a>>,
}

/// The links of a feed to documents of the same format.
#[derive(Default)]
pub(super) struct FeedLinks {
    /// The URL of this document (feed rule R7).
    pub self_url: String,
    /// The live feed, unless this is the live feed.
    pub current: Option<String>,
    /// The next older page of the archive (RFC 5005 §4).
    pub previous_archive: Option<String>,
    /// The WebSub hub of a live feed (feed rule W1).
    pub hub: Option<String>,
}

/// The RFC 5005 marker of a document.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum HistoryMarker {
    Archive,
    Complete,
}

/// An article in a feed.
pub(super) struct ItemModel<'a> {
    pub id: Cow<'a, str>,
    pub title: Cow<'a, str>,
    pub link: String,
    /// Plain text.
    pub lead: Cow<'a, str>,
    pub html: String,
    pub published: Timestamp,
    pub updated: Timestamp,
    pub authors: Vec<Cow<'a, str>>,
    pub categories: Vec<Category<'a>>,
    /// BCP 47, if it differs from the feed's.
    pub language: Option<&'a str>,
    pub source: Option<Cow<'a, str>>,
    /// The URL of the feed that it was collected from, if it was.
    pub origin: Option<String>,
    /// The publisher and the terms of reuse of a collected article, where they are known.
    pub publisher: Option<Cow<'a, str>>,
    pub licence: Option<Cow<'a, str>>,
    pub media: Vec<MediaItem<'a>>,
}

/// A channel or a tag of an article.
#[derive(PartialEq, Eq)]
pub(super) struct Category<'a> {
    pub term: Cow<'a, str>,
    pub scheme: String,
    pub label: Cow<'a, str>,
}

/// An image with its caption.
pub struct MediaItem<'a> {
    /// Absolute.
    pub url: String,
    /// Detected from the content.
    pub media_type: Cow<'a, str>,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// In bytes, as served.
    pub size: u64,
    /// Absolute; `None` if this is the image as published and not a smaller copy.
    pub original_url: Option<String>,
    /// The description.
    pub caption: Option<Cow<'a, str>>,
    /// The photographer or agency.
    pub credit: Option<Cow<'a, str>>,
}

/// A tombstone.
pub(super) struct DeletedItem<'a> {
    pub id: Cow<'a, str>,
    pub when: Timestamp,
    pub reason: Option<Cow<'a, str>>,
}

impl<'a> FeedModel<'a> {
    pub fn new(document: &FeedInput<'a>) -> Self {
        let site = document.site;
        let publisher = single_line(&site.publisher);
        Self {
            id: id(document),
            title: title(document),
            description: description(document),
            html_url: html_url(document),
            marker: marker(document.kind),
            language: language_tag(&site.language),
            publisher: if publisher.is_empty() { single_line(&site.title) } else { publisher },
            rights: non_empty_line(site.rights.as_deref()),
            license: site.rights_url.as_deref().and_then(http_url),
            logo: site.logo.as_deref().and_then(http_url),
            updated: document.updated,
            tombstones: document.tombstones.iter().map(deleted_item).collect(),
        }
    }
}

fn id(document: &FeedInput<'_>) -> String {
    match document.kind {
        FeedKind::Search { query, .. } => document.addresses.search_id(query),
        _ => document.addresses.feed_id(document.channel.map(|channel| &channel.original_slug)),
    }
}

/// `Xã hội - Báo huyện`: readers follow several publishers, so the channel title alone is ambiguous.
fn title(document: &FeedInput<'_>) -> String {
    let site = single_line(&document.site.title);
    match (document.kind, document.channel) {
        (FeedKind::Search { words: "", .. }, _) => format!("Tin theo chuyên mục và ngày - {site}"),
        (FeedKind::Search { words, .. }, _) => format!("Tìm: {} - {site}", single_line(words)),
        (_, Some(channel)) => format!("{} - {site}", single_line(&channel.title)),
        (_, None) => site.into_owned(),
    }
}

/// The description of the channel, with a note if it is closed (feed rule C8).
fn description(document: &FeedInput<'_>) -> String {
    let description = open_description(document);
    match document.channel.map(|channel| channel.status) {
        Some(ChannelStatus::Closed { since: Some(day) }) => {
            format!(
                "{description} Chuyên mục đã đóng từ ngày {}, không đăng tin mới.",
                day.format("%d/%m/%Y")
            )
        }
        Some(ChannelStatus::Closed { since: None }) => {
            format!("{description} Chuyên mục đã đóng, không đăng tin mới.")
        }
        Some(ChannelStatus::Open | ChannelStatus::Removed) | None => description,
    }
}

/// The configured description, or a generated sentence: RSS requires one (feed rule R1).
fn open_description(document: &FeedInput<'_>) -> String {
    let given = document.channel.and_then(|channel| non_empty_line(channel.description.as_deref()));
    let site = single_line(&document.site.title);
    match (document.kind, given, document.channel) {
        (FeedKind::Search { words: "", .. }, ..) => {
            format!("Tin, bài của {site} theo chuyên mục và ngày đăng đã chọn.")
        }
        (FeedKind::Search { words, .. }, ..) => {
            format!("Tin, bài của {site} tìm được với: {}", single_line(words))
        }
        (_, Some(given), _) => given.into_owned(),
        (_, None, Some(channel)) => {
            format!("Tin, bài chuyên mục {} của {site}.", single_line(&channel.title))
        }
        (_, None, None) => format!("Tin, bài trong mọi chuyên mục của {site}."),
    }
}

fn html_url(document: &FeedInput<'_>) -> String {
    let path = match document.kind {
        FeedKind::Search { query, .. } => urls::search_path(None, query),
        _ => urls::page_path(document.channel.map(|channel| &channel.slug)),
    };
    document.addresses.url(&path)
}

impl FeedLinks {
    /// NOTE: never add `next-archive`: a sealed page would change when the next one is sealed (feed rules H1, H2).
    pub fn new(document: &FeedInput<'_>, format: Format) -> Self {
        let scope = document.channel.map(|channel| &channel.slug);
        let url = |path: String| document.addresses.url(&path);
        let live = url(urls::feed_path(scope, format));
        let archive = |page: u64| url(urls::archive_path(scope, page, format));
        let hub = document.addresses.hub_url().filter(|_| document.kind.has_hub()).map(str::to_owned);
        let links = match document.kind {
            // A complete feed has no older pages (feed rule H3).
            FeedKind::Live { complete: true, .. } => Self { self_url: live, ..Self::default() },
            FeedKind::Live { previous_archive, complete: false } => {
                Self { self_url: live, previous_archive: previous_archive.map(archive), ..Self::default() }
            }
            FeedKind::Archive { page, previous } => {
                let previous_archive = previous.map(archive);
                Self { self_url: archive(page), current: Some(live), previous_archive, ..Self::default() }
            }
            // A delta is served at the URL of the live document (RFC 3229).
            FeedKind::Delta => Self { self_url: live.clone(), current: Some(live), ..Self::default() },
            FeedKind::Search { query, .. } => {
                Self { self_url: url(urls::search_path(Some(format), query)), ..Self::default() }
            }
        };
        Self { hub, ..links }
    }
}

fn marker(kind: FeedKind<'_>) -> Option<HistoryMarker> {
    match kind {
        FeedKind::Live { complete: true, .. } => Some(HistoryMarker::Complete),
        FeedKind::Archive { .. } => Some(HistoryMarker::Archive),
        FeedKind::Live { complete: false, .. } | FeedKind::Delta | FeedKind::Search { .. } => None,
    }
}

pub(super) fn item<'a>(document: &FeedInput<'a>, entry: &'a Entry) -> ItemModel<'a> {
    item_around(document, entry, content_html(entry, document.addresses))
}

/// The item of an article whose content is rendered already.
pub(super) fn item_around<'a>(document: &FeedInput<'a>, entry: &'a Entry, html: String) -> ItemModel<'a> {
    let (article, addresses) = (&entry.article, document.addresses);
    let permalink = || addresses.url(&urls::article_path(&entry.permalink));
    ItemModel {
        id: identifier(entry.id.as_str()),
        title: single_line(&article.title),
        link: article.link.as_deref().and_then(http_url).unwrap_or_else(permalink),
        lead: lead(article),
        html,
        published: article.published.instant,
        updated: entry.updated,
        authors: authors(document.site, article),
        categories: categories(document, entry),
        language: article.language.as_deref().and_then(language_tag),
        source: non_empty_line(article.source.as_deref()),
        origin: article.origin.as_ref().and_then(|origin| http_url(&origin.feed)),
        publisher: of_origin(article, |origin| origin.publisher.as_deref()),
        licence: of_origin(article, |origin| origin.licence.as_deref()),
        media: media_items(article, addresses),
    }
}

fn of_origin(article: &Article, part: impl FnOnce(&Origin) -> Option<&str>) -> Option<Cow<'_, str>> {
    non_empty_line(article.origin.as_ref().and_then(part))
}

/// The bylines. The author of an unsigned article is the feed's publisher, unless a former publisher published it.
fn authors<'a>(site: &'a Site, article: &'a Article) -> Vec<Cow<'a, str>> {
    let bylines: Vec<_> = article.authors.iter().filter_map(|author| non_empty_line(Some(author))).collect();
    let publisher = site.publisher_at(article.published.instant);
    if bylines.is_empty() && publisher != site.publisher {
        return non_empty_line(Some(publisher)).into_iter().collect();
    }
    bylines
}

/// The summary of an article. Every item needs a description (feed rule R1): the default is the first caption, then the
/// title.
pub(super) fn lead(article: &Article) -> Cow<'_, str> {
    let caption = || {
        article.body.iter().find_map(|block| match block {
            Block::Caption { raw, .. } => non_empty_line(Some(raw)),
            _ => None,
        })
    };
    let lead = xml_safe_nfc(article.excerpt());
    if lead.trim().is_empty() { caption().unwrap_or_else(|| single_line(&article.title)) } else { lead }
}

/// The channels by title, then the tags, without duplicates.
fn categories<'a>(document: &FeedInput<'a>, entry: &'a Entry) -> Vec<Category<'a>> {
    // Tag URIs, because categories outlive the host name.
    let channel_scheme = document.addresses.feed_id(None);
    let tag_scheme = format!("tag:{}:tags", document.addresses.tag_authority());
    let channels = entry.channels.iter().map(|slug| {
        let title =
            document.channels.iter().find(|channel| channel.slug == *slug).map(|channel| &channel.title);
        let label = title.and_then(|title| non_empty_line(Some(title)));
        let term = Cow::Borrowed(slug.as_str());
        Category { label: label.unwrap_or_else(|| term.clone()), term, scheme: channel_scheme.clone() }
    });
    let tags = entry.article.tags.iter().filter_map(|tag| non_empty_line(Some(tag))).map(|tag| Category {
        term: tag.clone(),
        scheme: tag_scheme.clone(),
        label: tag,
    });
    let mut unique: Vec<Category<'_>> = Vec::new();
    for category in channels.chain(tags) {
        if unique.iter().all(|known| known.label != category.label) {
            unique.push(category);
        }
    }
    unique
}

/// The images of an article with their captions: one file each (feed rule R10).
pub fn media_items<'a>(article: &'a Article, addresses: &SiteUrls) -> Vec<MediaItem<'a>> {
    let media_item = |(image, caption): (&'a Image, ImageCaption<'a>)| {
        let file = image.for_feeds();
        MediaItem {
            url: image_url(file, addresses),
            media_type: identifier(file.media_type),
            width: file.width,
            height: file.height,
            size: file.size,
            original_url: (file != image.original()).then(|| image_url(image.original(), addresses)),
            caption: non_empty_line(Some(caption.text)),
            credit: non_empty_line(caption.credit),
        }
    };
    article.captioned_images().map(media_item).collect()
}

fn deleted_item(tombstone: &Tombstone) -> DeletedItem<'_> {
    DeletedItem {
        id: identifier(tombstone.id.as_str()),
        when: tombstone.when,
        reason: non_empty_line(tombstone.reason.as_deref()),
    }
}

fn non_empty_line(text: Option<&str>) -> Option<Cow<'_, str>> {
    text.map(single_line).filter(|line| !line.is_empty())
}
