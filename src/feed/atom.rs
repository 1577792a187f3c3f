//! Atom 1.0 (RFC 4287) with feed history (RFC 5005) and tombstones (RFC 6721).
//!
//! `atom_syndication` serialises the feed metadata and each entry separately. With both in one document, the
//! crate would write the extension elements and tombstones after the entries, where the grammar and streaming readers do
//! not expect them (feed rule A8), and it has no `xml:lang` on entries (feed rule A7).

use atom_syndication::{
    Category, Content, Entry, Feed, FixedDateTime, Generator, Link, Person, Source, Text, WriteConfig,
};
use chrono::{DateTime, Offset as _, TimeZone as _};

use super::extension::{self, Element, GENERATOR, to_atom_extensions};
use super::model::{DeletedItem, FeedLinks, FeedModel, ItemModel};
use crate::text::http_url;
use crate::time::{Timestamp, Zone, from_unix, rfc3339};
use crate::urls::Format;

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";
const FEED_END: &str = "</feed>";
const ENTRY_START: &str = "<entry xmlns=\"http://www.w3.org/2005/Atom\">";

/// What precedes and follows the entries.
pub(super) fn frame(model: &FeedModel<'_>, links: &FeedLinks, zone: Zone) -> (String, String) {
    let head = serialize(|config| head(model, links, zone).write_with_config(Vec::new(), config));
    let open = head.strip_suffix(FEED_END).expect("the crate writes the end tag last");
    (format!("{DECLARATION}{open}"), FEED_END.to_owned())
}

/// An entry with the line end that follows it. Removes the namespace declaration that the crate adds to a single entry:
/// the feed element has it already.
pub(super) fn entry(item: &ItemModel<'_>, zone: Zone) -> String {
    let entry = serialize(|config| to_entry(item, zone).write_with_config(Vec::new(), config));
    let inside = entry.strip_prefix(ENTRY_START).expect("the crate declares the namespace on an entry");
    let start = match item.language {
        // A language tag contains only letters, digits and hyphens, so it needs no escaping.
        Some(language) => format!("<entry xml:lang=\"{language}\">"),
        None => "<entry>".to_owned(),
    };
    // The crate omits the default type, but it must be explicit (feed rule A5). Text is escaped, so the first match is
    // the tag.
    let inside = inside.replacen("<summary>", "<summary type=\"text\">", 1);
    format!("{start}{inside}\n")
}

/// One line per element, without indentation.
fn serialize(write: impl FnOnce(WriteConfig) -> Result<Vec<u8>, atom_syndication::Error>) -> String {
    let config = WriteConfig { write_document_declaration: false, indent_size: Some(0) };
    let bytes = write(config).expect("writing into memory cannot fail");
    String::from_utf8(bytes).expect("the crate writes UTF-8")
}

/// The feed without its entries.
fn head(model: &FeedModel<'_>, links: &FeedLinks, zone: Zone) -> Feed {
    let mut namespaces = vec![extension::DUBLIN_CORE, extension::HISTORY, extension::MEDIA];
    let mut extensions: Vec<Element> = model.marker.map(extension::history_marker).into_iter().collect();
    if !model.tombstones.is_empty() {
        namespaces.push(extension::TOMBSTONES);
        extensions.extend(model.tombstones.iter().map(|deleted| tombstone(deleted, zone)));
    }
    Feed {
        title: Text::plain(model.title.as_str()),
        id: model.id.clone(),
        updated: timestamp(model.updated, zone),
        authors: vec![person(&model.publisher)],
        generator: Some(Generator {
            value: GENERATOR.0.to_owned(),
            uri: None,
            version: Some(GENERATOR.1.to_owned()),
        }),
        links: feed_links(model, links),
        logo: model.logo.clone(),
        rights: model.rights.as_deref().map(Text::plain),
        subtitle: Some(Text::plain(model.description.as_str())),
        lang: model.language.map(str::to_owned),
        namespaces: extension::namespaces(&namespaces),
        extensions: to_atom_extensions(extensions),
        ..Feed::default()
    }
}

/// Feed rules A1, H1.
fn feed_links(model: &FeedModel<'_>, urls: &FeedLinks) -> Vec<Link> {
    let feed = Format::Atom.media_type();
    let mut links = vec![link("self", &urls.self_url, feed), link("alternate", &model.html_url, "text/html")];
    links.extend(urls.hub.iter().map(|url| Link { mime_type: None, ..link("hub", url, "") }));
    links.extend(urls.current.as_deref().map(|current| link("current", current, feed)));
    links.extend(urls.previous_archive.as_deref().map(|page| link("prev-archive", page, feed)));
    // Feed rule L1. The type of the licence's page is not known.
    links.extend(model.license.iter().map(|url| Link { mime_type: None, ..link("license", url, "") }));
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

fn to_entry(item: &ItemModel<'_>, zone: Zone) -> Entry {
    let mut links = vec![link("alternate", &item.link, "text/html")];
    links.extend(item.media.first().map(|media| Link {
        length: Some(media.size.to_string()),
        ..link("enclosure", &media.url, &media.media_type)
    }));
    let mut extensions: Vec<Element> = item.media.iter().map(extension::media).collect();
    let printed = item.source.as_deref().filter(|_| item.origin.is_none());
    extensions.extend(printed.map(|source| Element::new("dc:source").text(source)));
    Entry {
        title: Text::plain(item.title.as_ref()),
        id: item.id.as_ref().to_owned(),
        updated: timestamp(item.updated, zone),
        // The author of an entry without a byline is the feed's author (feed rule A1).
        authors: item.authors.iter().map(|author| person(author)).collect(),
        categories: item
            .categories
            .iter()
            .map(|category| Category {
                term: category.term.as_ref().to_owned(),
                scheme: Some(category.scheme.clone()),
                label: Some(category.label.as_ref().to_owned()),
            })
            .collect(),
        links,
        source: item.origin.as_deref().map(|url| origin(item, url, zone)),
        published: Some(timestamp(item.published, zone)),
        summary: Some(item.lead.as_ref()).filter(|lead| !lead.is_empty()).map(Text::plain),
        content: Some(Content {
            content_type: Some("html".to_owned()),
            value: Some(item.html.clone()),
            ..Content::default()
        }),
        extensions: to_atom_extensions(extensions),
        ..Entry::default()
    }
}

/// The feed of a collected article (feed rule A6). It was updated when the article appeared in it, if not later. Its author is
/// that of an entry without a byline (RFC 4287 §4.2.1).
fn origin(item: &ItemModel<'_>, url: &str, zone: Zone) -> Source {
    let mut links = vec![Link { mime_type: None, ..link("self", url, "") }];
    let licence = item.licence.as_deref().and_then(http_url);
    links.extend(licence.map(|url| Link { mime_type: None, ..link("license", &url, "") }));
    Source {
        title: Text::plain(item.source.as_deref().unwrap_or(url)),
        id: url.to_owned(),
        updated: timestamp(item.published, zone),
        links,
        authors: item.publisher.as_deref().map(person).into_iter().collect(),
        rights: item.licence.as_deref().map(Text::plain),
        ..Source::default()
    }
}

/// Feed rule T1.
fn tombstone(deleted: &DeletedItem<'_>, zone: Zone) -> Element {
    Element::new("at:deleted-entry")
        .attribute("ref", deleted.id.as_ref())
        .attribute("when", rfc3339(deleted.when, zone))
        .child(deleted.reason.as_deref().map(|reason| Element::new("at:comment").text(reason)))
}

fn person(name: &str) -> Person {
    Person { name: name.to_owned(), ..Person::default() }
}

/// In whole seconds with the zone's offset (feed rule A4).
///
/// NOTE: the time zone of Sài Gòn was UTC+8 until 1975; dates before 1976 use the offset of 1976. The instant is the same.
fn timestamp(instant: Timestamp, zone: Zone) -> FixedDateTime {
    const START_OF_1976: i64 = 189_302_400;
    let then = from_unix(instant.timestamp().max(START_OF_1976));
    let offset = zone.offset_from_utc_datetime(&then.naive_utc()).fix();
    DateTime::from_naive_utc_and_offset(from_unix(instant.timestamp()).naive_utc(), offset)
}
