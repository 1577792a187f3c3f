//! RSS 2.0 with the RSS Advisory Board's Best Practices Profile.

use ::rss::extension::atom::{AtomExtension, Link};
use ::rss::extension::dublincore::DublinCoreExtension;
use ::rss::{Category, Channel, Enclosure, Guid, Image, Item};

use super::GENERATOR;
use super::extension::{self, Element, to_rss_extensions};
use super::model::{self, FeedModel};
use crate::model::Site;
use crate::text::escape_html;
use crate::time::{Zone, rfc822, rfc3339};
use crate::urls::Format;

/// RSS has no word for a withdrawal: the tombstones of the sheet are passed over (rule R8).
pub(super) fn render(sheet: FeedModel<'_>, site: &Site) -> Vec<u8> {
    let namespaces = [
        extension::ATOM,
        extension::CONTENT,
        extension::DUBLIN_CORE,
        extension::HISTORY,
        extension::MEDIA,
        extension::SYNDICATION,
    ];
    // What is sealed is nothing to poll.
    let (pace, quiet_hours) = match sheet.marker {
        Some(model::HistoryMarker::Archive) => (Vec::new(), [].as_slice()),
        _ => (extension::syndication_period(site.max_age), site.skip_hours.as_slice()),
    };
    let channel = Channel {
        title: sheet.title.clone(),
        link: sheet.html_url.clone(),
        // Readers take it for HTML, as they take an item's.
        description: escape_html(&sheet.description).into_owned(),
        language: sheet.language.map(str::to_owned),
        copyright: sheet.rights.as_deref().map(str::to_owned),
        last_build_date: Some(rfc822(sheet.updated, site.time_zone)),
        generator: Some(format!("{} {}", GENERATOR.0, GENERATOR.1)),
        docs: Some("https://www.rssboard.org/rss-specification".to_owned()),
        ttl: minutes(site.max_age),
        skip_hours: quiet_hours.iter().map(u8::to_string).collect(),
        // Rule R11: title and link are the channel's.
        image: sheet.logo.clone().map(|url| Image {
            url,
            title: sheet.title.clone(),
            link: sheet.html_url.clone(),
            ..Image::default()
        }),
        atom_ext: Some(AtomExtension { links: links(&sheet) }),
        extensions: to_rss_extensions(
            sheet.marker.map(extension::history_marker).into_iter().chain(pace).collect(),
        ),
        namespaces: extension::namespaces(&namespaces),
        items: sheet.items.into_iter().map(|entry| item(entry, site.time_zone)).collect(),
        ..Channel::default()
    };
    // A line for each element and no indentation: a difference can be read, and costs next to nothing.
    let document = channel.pretty_write_to(Vec::new(), b' ', 0).expect("writing into memory cannot fail");
    use_hex_references(&String::from_utf8(document).expect("made of strings alone")).into_bytes()
}

/// The Best Practices Profile asks for `&` and `<` in plain text as hexadecimal references, because some
/// readers resolve a title twice: `&amp;lt;` would become a tag there, and `&#x26;lt;` does not. The crate
/// writes the named ones. What stands in CDATA is HTML and stays.
fn use_hex_references(document: &str) -> String {
    const OPEN: &str = "<![CDATA[";
    const CLOSE: &str = "]]>";
    let mut written = String::with_capacity(document.len() + 1024);
    let mut rest = document;
    while let Some(start) = rest.find(OPEN) {
        let end = rest[start..].find(CLOSE).map_or(rest.len(), |length| start + length);
        push_hex_reference(&mut written, &rest[..start]);
        written.push_str(&rest[start..end]);
        rest = &rest[end..];
    }
    push_hex_reference(&mut written, rest);
    written
}

fn push_hex_reference(written: &mut String, markup: &str) {
    let mut rest = markup;
    while let Some(start) = rest.find('&') {
        written.push_str(&rest[..start]);
        rest = &rest[start..];
        let (reference, length) = match rest {
            _ if rest.starts_with("&amp;") => ("&#x26;", "&amp;".len()),
            _ if rest.starts_with("&lt;") => ("&#x3C;", "&lt;".len()),
            _ => ("&", 1),
        };
        written.push_str(reference);
        rest = &rest[length..];
    }
    written.push_str(rest);
}

/// Rules R7, H1, W1.
fn links(sheet: &FeedModel<'_>) -> Vec<Link> {
    let kind = Some(Format::Rss.media_type().to_owned());
    let link = |rel: &str, href: &str| Link {
        rel: rel.to_owned(),
        href: href.to_owned(),
        mime_type: kind.clone(),
        ..Link::default()
    };
    let mut links = vec![link("self", &sheet.self_url)];
    links.extend(sheet.links.hub.as_deref().map(|hub| Link { mime_type: None, ..link("hub", hub) }));
    links.extend(sheet.links.current.as_deref().map(|current| link("current", current)));
    links.extend(sheet.links.previous_archive.as_deref().map(|page| link("prev-archive", page)));
    links
}

fn item(entry: model::ItemModel<'_>, zone: Zone) -> Item {
    let enclosure = entry.pictures.first().map(|picture| Enclosure {
        url: picture.url.clone(),
        length: picture.size.to_string(),
        mime_type: picture.media_type.clone().into_owned(),
    });
    let mut extensions = vec![Element::new("atom:updated").text(rfc3339(entry.updated, zone))];
    extensions.extend(entry.pictures.iter().map(extension::media));
    let owned = |lines: Vec<std::borrow::Cow<'_, str>>| lines.into_iter().map(Into::into).collect();
    Item {
        title: Some(entry.title.into_owned()),
        link: Some(entry.link),
        // Empty text would leave a line end between the tags, so there is no element then.
        description: Some(escape_html(&entry.lead).into_owned()).filter(|lead| !lead.is_empty()),
        content: Some(entry.html).filter(|html| !html.is_empty()),
        // Rule R4: the id is a name and no address, so no reader may open it.
        guid: Some(Guid { value: entry.id.into_owned(), permalink: false }),
        pub_date: Some(rfc822(entry.published, zone)),
        categories: entry
            .categories
            .into_iter()
            .map(|category| Category { name: category.label.into_owned(), domain: None })
            .collect(),
        // Rule R10: one at most, so the other pictures are in Media RSS alone.
        enclosure,
        extensions: to_rss_extensions(extensions),
        // Rule R5: never `author`, which wants an e-mail address.
        dublin_core_ext: Some(DublinCoreExtension {
            creators: owned(entry.authors),
            sources: owned(entry.source.into_iter().collect()),
            ..DublinCoreExtension::default()
        }),
        ..Item::default()
    }
}

/// Rounded up, so that `ttl` never promises less than `max-age`; nothing for zero (rule R13).
fn minutes(age: std::time::Duration) -> Option<String> {
    let minutes = age.as_secs().div_ceil(60);
    (minutes > 0).then(|| minutes.to_string())
}
