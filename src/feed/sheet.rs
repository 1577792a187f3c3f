//! What a document says, before it takes a form: every text clean, every link absolute, every fallback
//! taken. The three formats only copy from here.

use std::borrow::Cow;

use super::html::{content_html, picture_url};
use super::{Document, Part};
use crate::address::{self, Addresses, Format};
use crate::article::{Article, Block, Entry, Picture, Tombstone};
use crate::channel::{Site, Standing};
use crate::text::{language_tag, one_line, plain, token, web_url};
use crate::vietnam_time::Moment;

/// A feed.
pub(super) struct Sheet<'a> {
    pub id: String,
    pub title: String,
    pub description: String,
    /// The page for people.
    pub page: String,
    /// Where this document is served (rule R7).
    pub this: String,
    pub links: Links,
    pub marker: Option<Marker>,
    /// BCP 47.
    pub language: Option<&'a str>,
    pub publisher: Cow<'a, str>,
    pub rights: Option<Cow<'a, str>>,
    pub logo: Option<String>,
    pub updated: Moment,
    pub items: Vec<Item<'a>>,
    pub tombstones: Vec<Gone<'a>>,
}

/// Where a reader goes from here.
#[derive(Default)]
pub(super) struct Links {
    /// The live feed, from a document that is not it.
    pub current: Option<String>,
    /// The next older page of the archive (RFC 5005 §4).
    pub previous_archive: Option<String>,
    /// Where to subscribe to this document (rule W1).
    pub hub: Option<String>,
}

/// What RFC 5005 says of a document as a whole.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    Archive,
    Complete,
}

/// An entry.
pub(super) struct Item<'a> {
    pub id: Cow<'a, str>,
    pub title: Cow<'a, str>,
    pub link: String,
    /// Plain text.
    pub lead: Cow<'a, str>,
    pub html: String,
    pub published: Moment,
    pub updated: Moment,
    pub authors: Vec<Cow<'a, str>>,
    pub categories: Vec<Category<'a>>,
    /// BCP 47, where it is not the feed's.
    pub language: Option<&'a str>,
    pub source: Option<Cow<'a, str>>,
    pub pictures: Vec<Shown<'a>>,
}

/// A channel that holds an entry, or one of its tags.
#[derive(PartialEq, Eq)]
pub(super) struct Category<'a> {
    pub term: Cow<'a, str>,
    pub scheme: String,
    pub label: Cow<'a, str>,
}

/// A picture with its caption.
pub struct Shown<'a> {
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
pub(super) struct Gone<'a> {
    pub id: Cow<'a, str>,
    pub when: Moment,
    pub reason: Option<Cow<'a, str>>,
}

impl<'a> Sheet<'a> {
    pub fn new(document: &Document<'a>, format: Format) -> Self {
        let site = document.site;
        let publisher = one_line(&site.publisher);
        Self {
            id: id(document),
            title: title(document),
            description: description(document),
            page: page(document),
            this: this(document, format),
            links: links(document, format),
            marker: marker(document.part),
            language: language_tag(&site.language),
            publisher: if publisher.is_empty() { one_line(&site.title) } else { publisher },
            rights: some_line(site.rights.as_deref()),
            logo: site.logo.as_deref().and_then(web_url),
            updated: document.updated,
            items: document.entries.iter().map(|entry| item(document, entry)).collect(),
            tombstones: document.tombstones.iter().map(gone).collect(),
        }
    }
}

fn id(document: &Document<'_>) -> String {
    match document.part {
        Part::Search { query, .. } => document.addresses.search_id(query),
        _ => document.addresses.feed_id(document.channel.map(|channel| &channel.founded_as)),
    }
}

/// `Xã hội - Báo huyện`: in a reader that follows several publishers, the section alone names none of them.
fn title(document: &Document<'_>) -> String {
    let site = one_line(&document.site.title);
    match (document.part, document.channel) {
        (Part::Search { words: "", .. }, _) => format!("Tin theo chuyên mục và ngày - {site}"),
        (Part::Search { words, .. }, _) => format!("Tìm: {} - {site}", one_line(words)),
        (_, Some(channel)) => format!("{} - {site}", one_line(&channel.title)),
        (_, None) => site.into_owned(),
    }
}

/// What there is to say of the channel; of a closed one also that (rule C8).
fn description(document: &Document<'_>) -> String {
    let description = open_description(document);
    match document.channel.map(|channel| channel.standing) {
        Some(Standing::Closed { since: Some(day) }) => {
            format!(
                "{description} Chuyên mục đã đóng từ ngày {}, không đăng tin mới.",
                day.format("%d/%m/%Y")
            )
        }
        Some(Standing::Closed { since: None }) => {
            format!("{description} Chuyên mục đã đóng, không đăng tin mới.")
        }
        Some(Standing::Open | Standing::Gone) | None => description,
    }
}

/// What the operator wrote, or a sentence made of the titles: RSS cannot do without one (rule R1).
fn open_description(document: &Document<'_>) -> String {
    let given = document.channel.and_then(|channel| some_line(channel.description.as_deref()));
    let site = one_line(&document.site.title);
    match (document.part, given, document.channel) {
        (Part::Search { words: "", .. }, ..) => {
            format!("Tin, bài của {site} theo chuyên mục và ngày đăng đã chọn.")
        }
        (Part::Search { words, .. }, ..) => {
            format!("Tin, bài của {site} tìm được với: {}", one_line(words))
        }
        (_, Some(given), _) => given.into_owned(),
        (_, None, Some(channel)) => format!("Tin, bài chuyên mục {} của {site}.", one_line(&channel.title)),
        (_, None, None) => format!("Tin, bài trong mọi chuyên mục của {site}."),
    }
}

/// For people.
fn page(document: &Document<'_>) -> String {
    let path = match document.part {
        Part::Search { query, .. } => address::search_path(None, query),
        _ => address::page_path(document.channel.map(|channel| &channel.slug)),
    };
    document.addresses.absolute(&path)
}

/// A delta is a part of the live document and is served at its address (RFC 3229).
fn this(document: &Document<'_>, format: Format) -> String {
    match document.part {
        Part::Archive { page, .. } => archive(document, page, format),
        Part::Search { query, .. } => document.addresses.absolute(&address::search_path(Some(format), query)),
        Part::Live { .. } | Part::Delta => live(document, format),
    }
}

/// NOTE: no `next-archive`: it would make a sealed page change when the next one is sealed (rules H1, H2).
fn links(document: &Document<'_>, format: Format) -> Links {
    let hub = document.hub.map(|hub| token(hub).into_owned());
    let page = |number: Option<u64>| number.map(|number| archive(document, number, format));
    match document.part {
        // What is complete has no pages before it (rule H3).
        Part::Live { complete: true, .. } => Links { hub, ..Links::default() },
        Part::Live { previous_archive, complete: false } => {
            Links { previous_archive: page(previous_archive), hub, ..Links::default() }
        }
        // A sealed page is nothing to subscribe to, so it names no hub.
        Part::Archive { previous, .. } => {
            Links { current: Some(live(document, format)), previous_archive: page(previous), hub: None }
        }
        Part::Delta => Links { current: Some(live(document, format)), previous_archive: None, hub },
        // Nobody is told when it changes, and what it leaves out is found on the page for people.
        Part::Search { .. } => Links::default(),
    }
}

fn marker(part: Part<'_>) -> Option<Marker> {
    match part {
        Part::Live { complete: true, .. } => Some(Marker::Complete),
        Part::Archive { .. } => Some(Marker::Archive),
        Part::Live { complete: false, .. } | Part::Delta | Part::Search { .. } => None,
    }
}

fn live(document: &Document<'_>, format: Format) -> String {
    document.addresses.absolute(&address::feed_path(document.channel.map(|channel| &channel.slug), format))
}

fn archive(document: &Document<'_>, page: u64, format: Format) -> String {
    let scope = document.channel.map(|channel| &channel.slug);
    document.addresses.absolute(&address::archive_path(scope, page, format))
}

pub(super) fn item<'a>(document: &Document<'a>, entry: &'a Entry) -> Item<'a> {
    let (article, addresses) = (&entry.article, document.addresses);
    let permalink = || addresses.absolute(&address::article_path(&entry.permalink));
    Item {
        id: token(entry.id.as_str()),
        title: one_line(&article.title),
        link: article.link.as_deref().and_then(web_url).unwrap_or_else(permalink),
        lead: lead(article),
        html: content_html(entry, addresses),
        published: article.stamp.instant,
        updated: entry.updated,
        authors: authors(document.site, article),
        categories: categories(document, entry),
        language: article.language.as_deref().and_then(language_tag),
        source: some_line(article.source.as_deref()),
        pictures: pictures(article, addresses),
    }
}

/// The bylines. What nobody signed is by its publisher, which the feed names for all, unless another one
/// published it in its time.
fn authors<'a>(site: &'a Site, article: &'a Article) -> Vec<Cow<'a, str>> {
    let bylines: Vec<_> = article.authors.iter().filter_map(|author| some_line(Some(author))).collect();
    let publisher = site.publisher_at(article.stamp.instant);
    if bylines.is_empty() && publisher != site.publisher {
        return some_line(Some(publisher)).into_iter().collect();
    }
    bylines
}

/// No item is without a description (rule R1), so an article of pictures alone shows its first caption, and
/// one without any words its title.
pub(super) fn lead(article: &Article) -> Cow<'_, str> {
    let caption = || {
        article.body.iter().find_map(|block| match block {
            Block::Caption { printed, .. } => some_line(Some(printed)),
            _ => None,
        })
    };
    let lead = plain(article.lead());
    if lead.trim().is_empty() { caption().unwrap_or_else(|| one_line(&article.title)) } else { lead }
}

/// The channels by title, then the tags; each once.
fn categories<'a>(document: &Document<'a>, entry: &'a Entry) -> Vec<Category<'a>> {
    // Named like ids and not by URL: a category outlives the host that it was first published on.
    let channel_scheme = document.addresses.feed_id(None);
    let tag_scheme = format!("tag:{}:tags", document.addresses.tag_authority());
    let channels = entry.channels.iter().map(|slug| {
        let title =
            document.channels.iter().find(|channel| channel.slug == *slug).map(|channel| &channel.title);
        let label = title.and_then(|title| some_line(Some(title)));
        let term = Cow::Borrowed(slug.as_str());
        Category { label: label.unwrap_or_else(|| term.clone()), term, scheme: channel_scheme.clone() }
    });
    let tags = entry.article.tags.iter().filter_map(|tag| some_line(Some(tag))).map(|tag| Category {
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
pub fn pictures<'a>(article: &'a Article, addresses: &Addresses) -> Vec<Shown<'a>> {
    let mut captions = article.body.iter().filter_map(|block| match block {
        Block::Caption { text, credit, printed, .. } => {
            Some((text.as_str(), credit.as_deref(), printed.as_str()))
        }
        _ => None,
    });
    let shown = |picture: &'a Picture| {
        let (text, credit, printed) = captions.next().unwrap_or_default();
        let credit = some_line(credit);
        // `Ảnh minh họa` is all that such a line says, and neither a description nor a name.
        let line = some_line(Some(printed)).filter(|_| credit.is_none());
        Shown {
            url: picture_url(picture, addresses),
            media_type: token(&picture.media_type),
            width: picture.width,
            height: picture.height,
            size: picture.size,
            caption: some_line(Some(text)).or(line),
            credit,
        }
    };
    article.pictures.iter().map(shown).collect()
}

fn gone(tombstone: &Tombstone) -> Gone<'_> {
    Gone {
        id: token(tombstone.id.as_str()),
        when: tombstone.when,
        reason: some_line(tombstone.reason.as_deref()),
    }
}

fn some_line(text: Option<&str>) -> Option<Cow<'_, str>> {
    text.map(one_line).filter(|line| !line.is_empty())
}
