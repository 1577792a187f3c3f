//! What a document says, before it takes a form: every text clean, every link absolute, every fallback
//! taken. The three formats only copy from here.

use std::borrow::Cow;

use super::content_html::{content_html, image_url};
use super::{FeedInput, FeedKind};
use crate::model::{Article, Block, ChannelStatus, Entry, Image, Site, Tombstone};
use crate::text::{http_url, identifier, language_tag, single_line, xml_safe_nfc};
use crate::time::Timestamp;
use crate::urls::{self, Format, SiteUrls};

/// A feed.
pub(super) struct FeedModel<'a> {
    pub id: String,
    pub title: String,
    pub description: String,
    /// The page for people.
    pub html_url: String,
    /// Where this document is served (rule R7).
    pub self_url: String,
    pub links: FeedLinks,
    pub marker: Option<HistoryMarker>,
    /// BCP 47.
    pub language: Option<&'a str>,
    pub publisher: Cow<'a, str>,
    pub rights: Option<Cow<'a, str>>,
    pub logo: Option<String>,
    pub updated: Timestamp,
    pub items: Vec<ItemModel<'a>>,
    pub tombstones: Vec<DeletedItem<'a>>,
}

/// Where a reader goes from here.
#[derive(Default)]
pub(super) struct FeedLinks {
    /// The live feed, from a document that is not it.
    pub current: Option<String>,
    /// The next older page of the archive (RFC 5005 §4).
    pub previous_archive: Option<String>,
    /// Where to subscribe to this document (rule W1).
    pub hub: Option<String>,
}

/// What RFC 5005 says of a document as a whole.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum HistoryMarker {
    Archive,
    Complete,
}

/// An entry.
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
    /// BCP 47, where it is not the feed's.
    pub language: Option<&'a str>,
    pub source: Option<Cow<'a, str>>,
    pub pictures: Vec<MediaItem<'a>>,
}

/// A channel that holds an entry, or one of its tags.
#[derive(PartialEq, Eq)]
pub(super) struct Category<'a> {
    pub term: Cow<'a, str>,
    pub scheme: String,
    pub label: Cow<'a, str>,
}

/// A picture with its caption.
pub struct MediaItem<'a> {
    /// Where it is served: absolute.
    pub url: String,
    /// Its type, by content.
    pub media_type: Cow<'a, str>,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// In bytes, as served.
    pub size: u64,
    /// What it shows.
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
    pub fn new(document: &FeedInput<'a>, format: Format) -> Self {
        let site = document.site;
        let publisher = single_line(&site.publisher);
        Self {
            id: id(document),
            title: title(document),
            description: description(document),
            html_url: html_url(document),
            self_url: self_url(document, format),
            links: links(document, format),
            marker: marker(document.kind),
            language: language_tag(&site.language),
            publisher: if publisher.is_empty() { single_line(&site.title) } else { publisher },
            rights: non_empty_line(site.rights.as_deref()),
            logo: site.logo.as_deref().and_then(http_url),
            updated: document.updated,
            items: document.entries.iter().map(|entry| item(document, entry)).collect(),
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

/// `Xã hội - Báo huyện`: in a reader that follows several publishers, the section alone names none of them.
fn title(document: &FeedInput<'_>) -> String {
    let site = single_line(&document.site.title);
    match (document.kind, document.channel) {
        (FeedKind::Search { words: "", .. }, _) => format!("Tin theo chuyên mục và ngày - {site}"),
        (FeedKind::Search { words, .. }, _) => format!("Tìm: {} - {site}", single_line(words)),
        (_, Some(channel)) => format!("{} - {site}", single_line(&channel.title)),
        (_, None) => site.into_owned(),
    }
}

/// What there is to say of the channel; of a closed one also that (rule C8).
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

/// What the operator wrote, or a sentence made of the titles: RSS cannot do without one (rule R1).
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

/// For people.
fn html_url(document: &FeedInput<'_>) -> String {
    let path = match document.kind {
        FeedKind::Search { query, .. } => urls::search_path(None, query),
        _ => urls::page_path(document.channel.map(|channel| &channel.slug)),
    };
    document.addresses.url(&path)
}

/// A delta is a part of the live document and is served at its address (RFC 3229).
fn self_url(document: &FeedInput<'_>, format: Format) -> String {
    match document.kind {
        FeedKind::Archive { page, .. } => archive(document, page, format),
        FeedKind::Search { query, .. } => document.addresses.url(&urls::search_path(Some(format), query)),
        FeedKind::Live { .. } | FeedKind::Delta => live(document, format),
    }
}

/// NOTE: no `next-archive`: it would make a sealed page change when the next one is sealed (rules H1, H2).
fn links(document: &FeedInput<'_>, format: Format) -> FeedLinks {
    let hub = document.hub.map(|hub| identifier(hub).into_owned());
    let page = |number: Option<u64>| number.map(|number| archive(document, number, format));
    match document.kind {
        // What is complete has no pages before it (rule H3).
        FeedKind::Live { complete: true, .. } => FeedLinks { hub, ..FeedLinks::default() },
        FeedKind::Live { previous_archive, complete: false } => {
            FeedLinks { previous_archive: page(previous_archive), hub, ..FeedLinks::default() }
        }
        // A sealed page is nothing to subscribe to, so it names no hub.
        FeedKind::Archive { previous, .. } => {
            FeedLinks { current: Some(live(document, format)), previous_archive: page(previous), hub: None }
        }
        FeedKind::Delta => FeedLinks { current: Some(live(document, format)), previous_archive: None, hub },
        // Nobody is told when it changes, and what it leaves out is found on the page for people.
        FeedKind::Search { .. } => FeedLinks::default(),
    }
}

fn marker(part: FeedKind<'_>) -> Option<HistoryMarker> {
    match part {
        FeedKind::Live { complete: true, .. } => Some(HistoryMarker::Complete),
        FeedKind::Archive { .. } => Some(HistoryMarker::Archive),
        FeedKind::Live { complete: false, .. } | FeedKind::Delta | FeedKind::Search { .. } => None,
    }
}

fn live(document: &FeedInput<'_>, format: Format) -> String {
    document.addresses.url(&urls::feed_path(document.channel.map(|channel| &channel.slug), format))
}

fn archive(document: &FeedInput<'_>, page: u64, format: Format) -> String {
    let scope = document.channel.map(|channel| &channel.slug);
    document.addresses.url(&urls::archive_path(scope, page, format))
}

pub(super) fn item<'a>(document: &FeedInput<'a>, entry: &'a Entry) -> ItemModel<'a> {
    let (article, addresses) = (&entry.article, document.addresses);
    let permalink = || addresses.url(&urls::article_path(&entry.permalink));
    ItemModel {
        id: identifier(entry.id.as_str()),
        title: single_line(&article.title),
        link: article.link.as_deref().and_then(http_url).unwrap_or_else(permalink),
        lead: lead(article),
        html: content_html(entry, addresses),
        published: article.published.instant,
        updated: entry.updated,
        authors: authors(document.site, article),
        categories: categories(document, entry),
        language: article.language.as_deref().and_then(language_tag),
        source: non_empty_line(article.source.as_deref()),
        pictures: media_items(article, addresses),
    }
}

/// The bylines. What nobody signed is by its publisher, which the feed names for all, unless another one
/// published it in its time.
fn authors<'a>(site: &'a Site, article: &'a Article) -> Vec<Cow<'a, str>> {
    let bylines: Vec<_> = article.authors.iter().filter_map(|author| non_empty_line(Some(author))).collect();
    let publisher = site.publisher_at(article.published.instant);
    if bylines.is_empty() && publisher != site.publisher {
        return non_empty_line(Some(publisher)).into_iter().collect();
    }
    bylines
}

/// No item is without a description (rule R1), so an article of pictures alone shows its first caption, and
/// one without any words its title.
pub(super) fn lead(article: &Article) -> Cow<'_, str> {
    let caption = || {
        article.body.iter().find_map(|block| match block {
            Block::Caption { raw: printed, .. } => non_empty_line(Some(printed)),
            _ => None,
        })
    };
    let lead = xml_safe_nfc(article.excerpt());
    if lead.trim().is_empty() { caption().unwrap_or_else(|| single_line(&article.title)) } else { lead }
}

/// The channels by title, then the tags; each once.
fn categories<'a>(document: &FeedInput<'a>, entry: &'a Entry) -> Vec<Category<'a>> {
    // Named like ids and not by URL: a category outlives the host that it was first published on.
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
    let mut each_once: Vec<Category<'_>> = Vec::new();
    for category in channels.chain(tags) {
        if each_once.iter().all(|known| known.label != category.label) {
            each_once.push(category);
        }
    }
    each_once
}

/// The pictures of an article; the n-th caption belongs to the n-th picture.
pub fn media_items<'a>(article: &'a Article, addresses: &SiteUrls) -> Vec<MediaItem<'a>> {
    let mut captions = article.body.iter().filter_map(|block| match block {
        Block::Caption { text, credit, raw: printed, .. } => {
            Some((text.as_str(), credit.as_deref(), printed.as_str()))
        }
        _ => None,
    });
    let shown = |picture: &'a Image| {
        let (text, credit, printed) = captions.next().unwrap_or_default();
        let credit = non_empty_line(credit);
        // `Ảnh minh họa` is all that such a line says, and neither a description nor a name.
        let line = non_empty_line(Some(printed)).filter(|_| credit.is_none());
        MediaItem {
            url: image_url(picture, addresses),
            media_type: identifier(&picture.media_type),
            width: picture.width,
            height: picture.height,
            size: picture.size,
            caption: non_empty_line(Some(text)).or(line),
            credit,
        }
    };
    article.images.iter().map(shown).collect()
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
