//! JSON Feed 1.1. What it has no word for stands under `_bantin` (rule J2).

use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};

use super::model::{self, FeedModel, HistoryMarker};
use crate::time::{Zone, rfc3339};

pub(super) fn render(sheet: &FeedModel<'_>, zone: Zone) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1024 + 8192 * sheet.items.len());
    // A line for each member and no indentation: a difference can be read, and costs next to nothing.
    let mut serializer = Serializer::with_formatter(&mut bytes, PrettyFormatter::with_indent(b""));
    feed(sheet, zone).serialize(&mut serializer).expect("writing into memory cannot fail");
    bytes.push(b'\n');
    bytes
}

/// Members are printed in the order in which they stand here.
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hubs: Vec<Hub<'a>>,
    _bantin: FeedExtension<'a>,
    items: Vec<Item<'a>>,
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
    /// The id of the feed in Atom.
    id: &'a str,
    updated: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rights: Option<&'a str>,
    /// `archive` or `complete`, in the sense of RFC 5005.
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<&'static str>,
    /// The live feed.
    #[serde(skip_serializing_if = "Option::is_none")]
    current_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deleted_items: Vec<DeletedItem<'a>>,
}

/// A tombstone in the sense of RFC 6721.
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
    _bantin: PictureExtension<'a>,
}

#[derive(Serialize)]
struct PictureExtension<'a> {
    width: u32,
    height: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    photographer: Option<&'a str>,
}

#[derive(Serialize)]
struct ItemExtension<'a> {
    /// The publication that the article was taken over from.
    source: &'a str,
}

fn feed<'a>(sheet: &'a FeedModel<'_>, zone: Zone) -> Feed<'a> {
    Feed {
        version: "https://jsonfeed.org/version/1.1",
        title: &sheet.title,
        home_page_url: &sheet.html_url,
        feed_url: &sheet.self_url,
        description: &sheet.description,
        next_url: sheet.links.previous_archive.as_deref(),
        icon: sheet.logo.as_deref(),
        language: sheet.language,
        authors: vec![Author { name: &sheet.publisher }],
        hubs: sheet.links.hub.iter().map(|url| Hub { r#type: "WebSub", url }).collect(),
        _bantin: FeedExtension {
            id: &sheet.id,
            updated: rfc3339(sheet.updated, zone),
            rights: sheet.rights.as_deref(),
            history: sheet.marker.map(|marker| match marker {
                HistoryMarker::Archive => "archive",
                HistoryMarker::Complete => "complete",
            }),
            current_url: sheet.links.current.as_deref(),
            deleted_items: sheet.tombstones.iter().map(|gone| deleted_item(gone, zone)).collect(),
        },
        items: sheet.items.iter().map(|entry| item(entry, zone)).collect(),
    }
}

fn deleted_item<'a>(gone: &'a model::DeletedItem<'_>, zone: Zone) -> DeletedItem<'a> {
    DeletedItem { id: &gone.id, date_deleted: rfc3339(gone.when, zone), comment: gone.reason.as_deref() }
}

fn item<'a>(entry: &'a model::ItemModel<'_>, zone: Zone) -> Item<'a> {
    Item {
        id: &entry.id,
        url: &entry.link,
        title: &entry.title,
        content_html: &entry.html,
        summary: &entry.lead,
        image: entry.pictures.first().map(|picture| picture.url.as_str()),
        date_published: rfc3339(entry.published, zone),
        date_modified: rfc3339(entry.updated, zone),
        authors: entry.authors.iter().map(|name| Author { name }).collect(),
        tags: entry.categories.iter().map(|category| category.label.as_ref()).collect(),
        language: entry.language,
        attachments: entry.pictures.iter().map(attachment).collect(),
        _bantin: entry.source.as_deref().map(|source| ItemExtension { source }),
    }
}

fn attachment<'a>(picture: &'a model::MediaItem<'_>) -> Attachment<'a> {
    Attachment {
        url: &picture.url,
        mime_type: &picture.media_type,
        title: picture.caption.as_deref(),
        size_in_bytes: picture.size,
        _bantin: PictureExtension {
            width: picture.width,
            height: picture.height,
            photographer: picture.credit.as_deref(),
        },
    }
}
