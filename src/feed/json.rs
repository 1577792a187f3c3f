//! JSON Feed 1.1. Fields that it does not define are under `_bantin` (feed rule J2).

use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};

use super::model::{self, FeedLinks, FeedModel, HistoryMarker};
use crate::time::{Zone, rfc3339};

/// What precedes and follows the items.
pub(super) fn frame(model: &FeedModel<'_>, links: &FeedLinks, zone: Zone) -> (String, String) {
    const NO_ITEMS: &str = "[]\n}";
    let feed = serialize(&feed(model, links, zone));
    let start = feed.strip_suffix(NO_ITEMS).expect("the items come last");
    (format!("{start}["), "]\n}\n".to_owned())
}

/// An item with the line end that precedes it.
pub(super) fn entry(item: &model::ItemModel<'_>, zone: Zone) -> String {
    format!("\n{}", serialize(&to_item(item, zone)))
}

/// One line per member without indentation: diffs are readable and the size hardly grows.
fn serialize(value: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, PrettyFormatter::with_indent(b""));
    value.serialize(&mut serializer).expect("writing into memory cannot fail");
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

/// Members are written in this order.
#[derive(Serialize)]
struct Feed<'a> {
    version: &'static str,
    title: &'a str,
    home_page_url: &'a str,
    feed_url: &'a str,
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icon: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    authors: Vec<Author<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hubs: Option<[Hub<'a>; 1]>,
    _bantin: FeedExtension<'a>,
    /// Always empty: the items are rendered one by one.
    items: [(); 0],
}

#[derive(Serialize)]
struct Author<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Hub<'a> {
    r#type: &'static str,
    url: &'a str,
}

#[derive(Serialize)]
struct FeedExtension<'a> {
    /// The feed id in Atom.
    id: &'a str,
    updated: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rights: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    license: Option<&'a str>,
    /// `archive` or `complete` (RFC 5005).
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<&'static str>,
    /// The live feed.
    #[serde(skip_serializing_if = "Option::is_none")]
    current_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deleted_items: Vec<DeletedItem<'a>>,
}

/// A tombstone (RFC 6721).
#[derive(Serialize)]
struct DeletedItem<'a> {
    id: &'a str,
    date_deleted: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'a str>,
}

#[derive(Serialize)]
struct Item<'a> {
    id: &'a str,
    url: &'a str,
    title: &'a str,
    content_html: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    summary: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    date_published: String,
    date_modified: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authors: Vec<Author<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<Attachment<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    _bantin: Option<ItemExtension<'a>>,
}

#[derive(Serialize)]
struct Attachment<'a> {
    url: &'a str,
    mime_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    size_in_bytes: u64,
    _bantin: ImageExtension<'a>,
}

#[derive(Serialize)]
struct ImageExtension<'a> {
    width: u32,
    height: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    photographer: Option<&'a str>,
}

#[derive(Serialize)]
struct ItemExtension<'a> {
    /// The original publication of a republished article.
    source: &'a str,
    /// The feed that it was collected from.
    #[serde(skip_serializing_if = "Option::is_none")]
    source_feed: Option<&'a str>,
    /// Its publisher, if `source` is not their name.
    #[serde(skip_serializing_if = "Option::is_none")]
    source_publisher: Option<&'a str>,
    /// The URL or the name of its terms of reuse.
    #[serde(skip_serializing_if = "Option::is_none")]
    source_license: Option<&'a str>,
}

fn feed<'a>(model: &'a FeedModel<'_>, links: &'a FeedLinks, zone: Zone) -> Feed<'a> {
    Feed {
        version: "https://jsonfeed.org/version/1.1",
        title: &model.title,
        home_page_url: &model.html_url,
        feed_url: &links.self_url,
        description: &model.description,
        next_url: links.previous_archive.as_deref(),
        icon: model.logo.as_deref(),
        language: model.language,
        authors: vec![Author { name: &model.publisher }],
        hubs: links.hub.as_deref().map(|url| [Hub { r#type: "WebSub", url }]),
        _bantin: FeedExtension {
            id: &model.id,
            updated: rfc3339(model.updated, zone),
            rights: model.rights.as_deref(),
            license: model.license.as_deref(),
            history: model.marker.map(|marker| match marker {
                HistoryMarker::Archive => "archive",
                HistoryMarker::Complete => "complete",
            }),
            current_url: links.current.as_deref(),
            deleted_items: model.tombstones.iter().map(|gone| deleted_item(gone, zone)).collect(),
        },
        items: [],
    }
}

fn deleted_item<'a>(gone: &'a model::DeletedItem<'_>, zone: Zone) -> DeletedItem<'a> {
    DeletedItem { id: &gone.id, date_deleted: rfc3339(gone.when, zone), comment: gone.reason.as_deref() }
}

fn to_item<'a>(entry: &'a model::ItemModel<'_>, zone: Zone) -> Item<'a> {
    Item {
        id: &entry.id,
        url: &entry.link,
        title: &entry.title,
        content_html: &entry.html,
        summary: &entry.lead,
        image: entry.media.first().map(|media| media.url.as_str()),
        date_published: rfc3339(entry.published, zone),
        date_modified: rfc3339(entry.updated, zone),
        authors: entry.authors.iter().map(|name| Author { name }).collect(),
        tags: entry.categories.iter().map(|category| category.label.as_ref()).collect(),
        language: entry.language,
        attachments: entry.media.iter().map(attachment).collect(),
        _bantin: entry.source.as_deref().map(|source| ItemExtension {
            source,
            source_feed: entry.origin.as_deref(),
            source_publisher: entry.publisher.as_deref(),
            source_license: entry.licence.as_deref(),
        }),
    }
}

fn attachment<'a>(media: &'a model::MediaItem<'_>) -> Attachment<'a> {
    Attachment {
        url: &media.url,
        mime_type: &media.media_type,
        title: media.caption.as_deref(),
        size_in_bytes: media.size,
        _bantin: ImageExtension {
            width: media.width,
            height: media.height,
            photographer: media.credit.as_deref(),
        },
    }
}
