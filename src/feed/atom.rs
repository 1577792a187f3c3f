//! Atom 1.0 (RFC 4287) with feed history (RFC 5005) and tombstones (RFC 6721).
//!
//! `atom_syndication` writes the head and each entry; they are joined here. The crate by itself would put
//! the marks and tombstones of the feed behind the entries, where the grammar and stream readers do not
//! look for them (rule A8), and it has no `xml:lang` for an entry (rule A7).

use atom_syndication::{
    Category, Content, Entry, Feed, FixedDateTime, Generator, Link, Person, Text, WriteConfig,
};
use chrono::{DateTime, Offset as _, TimeZone as _};

use super::GENERATOR;
use super::extension::{self, Element, to_atom_extensions};
use super::model::{DeletedItem, FeedModel, ItemModel};
use crate::time::{Timestamp, Zone, from_unix, rfc3339};
use crate::urls::Format;

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";
const FEED_END: &str = "</feed>";
const ENTRY_START: &str = "<entry xmlns=\"http://www.w3.org/2005/Atom\">";

pub(super) fn render(sheet: FeedModel<'_>, zone: Zone) -> Vec<u8> {
    let head = serialize(|config| head(&sheet, zone).write_with_config(Vec::new(), config));
    let open = head.strip_suffix(FEED_END).expect("the crate ends a feed with its end tag");
    let mut document = String::with_capacity(head.len() + 8192 * sheet.items.len());
    document.push_str(DECLARATION);
    document.push_str(open);
    for item in sheet.items {
        let language = item.language;
        let entry = serialize(|config| entry(item, zone).write_with_config(Vec::new(), config));
        write_entry(&mut document, &entry, language);
    }
    document.push_str(FEED_END);
    document.into_bytes()
}

/// The crate declares the namespace on an entry that is written alone; here the feed has declared it.
fn write_entry(document: &mut String, entry: &str, language: Option<&str>) {
    let inside = entry.strip_prefix(ENTRY_START).expect("the crate starts an entry with its namespace");
    match language {
        // A language tag is letters, digits and hyphens: nothing to escape.
        Some(language) => document.extend(["<entry xml:lang=\"", language, "\">"]),
        None => document.push_str("<entry>"),
    }
    // Rule A5 wants the type named, and the crate leaves it out where it is the default. Text is escaped, so
    // this is the tag.
    match inside.split_once("<summary>") {
        Some((before, after)) => document.extend([before, "<summary type=\"text\">", after]),
        None => document.push_str(inside),
    }
    document.push('\n');
}

/// A line for each element and no indentation.
fn serialize(write: impl FnOnce(WriteConfig) -> Result<Vec<u8>, atom_syndication::Error>) -> String {
    let config = WriteConfig { write_document_declaration: false, indent_size: Some(0) };
    let bytes = write(config).expect("writing into memory cannot fail");
    String::from_utf8(bytes).expect("made of strings alone")
}

/// The feed without its entries.
fn head(sheet: &FeedModel<'_>, zone: Zone) -> Feed {
    let mut namespaces = vec![extension::DUBLIN_CORE, extension::HISTORY, extension::MEDIA];
    let mut extensions: Vec<Element> = sheet.marker.map(extension::history_marker).into_iter().collect();
    if !sheet.tombstones.is_empty() {
        namespaces.push(extension::TOMBSTONES);
        extensions.extend(sheet.tombstones.iter().map(|gone| tombstone(gone, zone)));
    }
    Feed {
        title: Text::plain(sheet.title.as_str()),
        id: sheet.id.clone(),
        updated: timestamp(sheet.updated, zone),
        authors: vec![person(&sheet.publisher)],
        generator: Some(Generator {
            value: GENERATOR.0.to_owned(),
            uri: None,
            version: Some(GENERATOR.1.to_owned()),
        }),
        links: links(sheet),
        logo: sheet.logo.clone(),
        rights: sheet.rights.as_deref().map(Text::plain),
        subtitle: Some(Text::plain(sheet.description.as_str())),
        lang: sheet.language.map(str::to_owned),
        namespaces: extension::namespaces(&namespaces),
        extensions: to_atom_extensions(extensions),
        ..Feed::default()
    }
}

/// Rules A1, H1, W1.
fn links(sheet: &FeedModel<'_>) -> Vec<Link> {
    let feed = Format::Atom.media_type();
    let mut links =
        vec![link("self", &sheet.self_url, feed), link("alternate", &sheet.html_url, "text/html")];
    links.extend(sheet.links.hub.as_deref().map(|hub| Link { mime_type: None, ..link("hub", hub, "") }));
    links.extend(sheet.links.current.as_deref().map(|current| link("current", current, feed)));
    links.extend(sheet.links.previous_archive.as_deref().map(|page| link("prev-archive", page, feed)));
    links
}

fn link(rel: &str, href: &str, media_type: &str) -> Link {
    Link {
        rel: rel.to_owned(),
        href: href.to_owned(),
        mime_type: Some(media_type.to_owned()),
        ..Link::default()
    }
}

fn entry(item: ItemModel<'_>, zone: Zone) -> Entry {
    let mut links = vec![link("alternate", &item.link, "text/html")];
    links.extend(item.pictures.first().map(|picture| Link {
        length: Some(picture.size.to_string()),
        ..link("enclosure", &picture.url, &picture.media_type)
    }));
    let mut extensions: Vec<Element> = item.pictures.iter().map(extension::media).collect();
    extensions.extend(item.source.as_deref().map(|source| Element::new("dc:source").text(source)));
    Entry {
        title: Text::plain(item.title),
        id: item.id.into_owned(),
        updated: timestamp(item.updated, zone),
        // An entry without a byline is by the feed's author (rule A1).
        authors: item.authors.iter().map(|author| person(author)).collect(),
        categories: item
            .categories
            .into_iter()
            .map(|category| Category {
                term: category.term.into_owned(),
                scheme: Some(category.scheme),
                label: Some(category.label.into_owned()),
            })
            .collect(),
        links,
        published: Some(timestamp(item.published, zone)),
        summary: Some(item.lead).filter(|lead| !lead.is_empty()).map(Text::plain),
        content: Some(Content {
            content_type: Some("html".to_owned()),
            value: Some(item.html),
            ..Content::default()
        }),
        extensions: to_atom_extensions(extensions),
        ..Entry::default()
    }
}

/// Rule T1.
fn tombstone(gone: &DeletedItem<'_>, zone: Zone) -> Element {
    Element::new("at:deleted-entry")
        .attribute("ref", gone.id.as_ref())
        .attribute("when", rfc3339(gone.when, zone))
        .child(gone.reason.as_deref().map(|reason| Element::new("at:comment").text(reason)))
}

fn person(name: &str) -> Person {
    Person { name: name.to_owned(), ..Person::default() }
}

/// In whole seconds with the zone's offset (rule A4).
///
/// NOTE: Sài Gòn was eight hours ahead until 1975, so no date is printed with an offset from before 1976. The
/// instant is the same.
fn timestamp(moment: Timestamp, zone: Zone) -> FixedDateTime {
    const START_OF_1976: i64 = 189_302_400;
    let then = from_unix(moment.timestamp().max(START_OF_1976));
    let offset = zone.offset_from_utc_datetime(&then.naive_utc()).fix();
    DateTime::from_naive_utc_and_offset(from_unix(moment.timestamp()).naive_utc(), offset)
}
