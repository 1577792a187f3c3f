//! RSS 2.0 with the RSS Advisory Board's Best Practices Profile.

use ::rss::extension::atom::{AtomExtension, Link};
use ::rss::extension::dublincore::DublinCoreExtension;
use ::rss::{Category, Channel, Enclosure, Guid, Image, Item, Source};

use super::extension::{self, Element, GENERATOR, to_rss_extensions};
use super::model::{self, FeedLinks, FeedModel};
use crate::model::Site;
use crate::text::escape_html;
use crate::time::{Zone, rfc822, rfc3339};
use crate::urls::Format;

const CHANNEL_END: &str = "</channel>";

/// What precedes and follows the items. RSS cannot express withdrawals, so tombstones are omitted (feed rule
/// R8).
pub(super) fn frame(model: &FeedModel<'_>, links: &FeedLinks, site: &Site) -> (String, String) {
    let namespaces = [
        extension::ATOM,
        extension::CONTENT,
        extension::DUBLIN_CORE,
        extension::HISTORY,
        extension::MEDIA,
        extension::SYNDICATION,
    ];
    // Archive pages never change, so they have no polling hints.
    let (period, skip_hours) = match model.marker {
        Some(model::HistoryMarker::Archive) => (Vec::new(), [].as_slice()),
        _ => (extension::syndication_period(site.max_age), site.skip_hours.as_slice()),
    };
    let channel = Channel {
        title: model.title.clone(),
        link: model.html_url.clone(),
        // Readers treat it as HTML, like an item's description.
        description: escape_html(&model.description).into_owned(),
        language: model.language.map(str::to_owned),
        copyright: model.rights.as_deref().map(str::to_owned),
        last_build_date: Some(rfc822(model.updated, site.time_zone)),
        generator: Some(format!("{} {}", GENERATOR.0, GENERATOR.1)),
        docs: Some("https://www.rssboard.org/rss-specification".to_owned()),
        ttl: minutes(site.max_age),
        skip_hours: skip_hours.iter().map(u8::to_string).collect(),
        // Title and link are the channel's (feed rule R11).
        image: model.logo.clone().map(|url| Image {
            url,
            title: model.title.clone(),
            link: model.html_url.clone(),
            ..Image::default()
        }),
        atom_ext: Some(AtomExtension { links: atom_links(model, links) }),
        extensions: to_rss_extensions(
            model.marker.map(extension::history_marker).into_iter().chain(period).collect(),
        ),
        namespaces: extension::namespaces(&namespaces),
        ..Channel::default()
    };
    let document = serialize(&channel);
    let (start, end) = document.split_at(document.rfind(CHANNEL_END).expect("the crate writes the end tag"));
    (start.to_owned(), end.to_owned())
}

/// An item with the line end that follows it.
pub(super) fn entry(entry: &model::ItemModel<'_>, zone: Zone) -> String {
    let document = serialize(&Channel { items: vec![item(entry, zone)], ..Channel::default() });
    let (start, end) = (document.find("<item>"), document.rfind(CHANNEL_END));
    let (start, end) = start.zip(end).expect("the crate writes the item last in the channel");
    document[start..end].to_owned()
}

/// One line per element without indentation: diffs are readable and the size hardly grows.
fn serialize(channel: &Channel) -> String {
    let document = channel.pretty_write_to(Vec::new(), b' ', 0).expect("writing into memory cannot fail");
    use_hex_references(&String::from_utf8(document).expect("the crate writes UTF-8"))
}

/// Replaces `&amp;` and `&lt;` outside of CDATA with hexadecimal references, as the Best Practices Profile recommends:
/// some readers unescape a title twice, so that `&amp;lt;` becomes a tag and `&#x26;lt;` does not.
fn use_hex_references(document: &str) -> String {
    const OPEN: &str = "<![CDATA[";
    const CLOSE: &str = "]]>";
    let mut written = String::with_capacity(document.len() + 1024);
    let mut rest = document;
    while let Some(start) = rest.find(OPEN) {
        let end = rest[start..].find(CLOSE).map_or(rest.len(), |length| start + length);
        push_with_hex_references(&mut written, &rest[..start]);
        written.push_str(&rest[start..end]);
        rest = &rest[end..];
    }
    push_with_hex_references(&mut written, rest);
    written
}

fn push_with_hex_references(written: &mut String, markup: &str) {
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

/// Feed rules R7, H1.
fn atom_links(model: &FeedModel<'_>, urls: &FeedLinks) -> Vec<Link> {
    let media_type = Some(Format::Rss.media_type().to_owned());
    let link = |rel: &str, href: &str| Link {
        rel: rel.to_owned(),
        href: href.to_owned(),
        mime_type: media_type.clone(),
        ..Link::default()
    };
    let mut links = vec![link("self", &urls.self_url)];
    // The type of the hub is not that of a feed (feed rule W1).
    links.extend(urls.hub.iter().map(|url| Link { mime_type: None, ..link("hub", url) }));
    links.extend(urls.current.as_deref().map(|current| link("current", current)));
    links.extend(urls.previous_archive.as_deref().map(|page| link("prev-archive", page)));
    // Feed rule L1. The type of the licence's page is not known.
    links.extend(model.license.iter().map(|url| Link { mime_type: None, ..link("license", url) }));
    links
}

fn item(entry: &model::ItemModel<'_>, zone: Zone) -> Item {
    let enclosure = entry.media.first().map(|media| Enclosure {
        url: media.url.clone(),
        length: media.size.to_string(),
        mime_type: media.media_type.clone().into_owned(),
    });
    let mut extensions = vec![Element::new("atom:updated").text(rfc3339(entry.updated, zone))];
    extensions.extend(entry.media.iter().map(extension::media));
    Item {
        title: Some(entry.title.to_string()),
        link: Some(entry.link.clone()),
        // The crate would write a line end into an empty element.
        description: Some(escape_html(&entry.lead).into_owned()).filter(|lead| !lead.is_empty()),
        content: Some(entry.html.clone()).filter(|html| !html.is_empty()),
        // The id is not a URL (feed rule R4).
        guid: Some(Guid { value: entry.id.to_string(), permalink: false }),
        pub_date: Some(rfc822(entry.published, zone)),
        categories: entry
            .categories
            .iter()
            .map(|category| Category { name: category.label.to_string(), domain: None })
            .collect(),
        // At most one; further images appear only as Media RSS (feed rule R10).
        enclosure,
        extensions: to_rss_extensions(extensions),
        // Feed rule A6. Never beside its Dublin Core twin (feed rule R6).
        source: entry
            .origin
            .clone()
            .map(|url| Source { url, title: entry.source.as_deref().map(str::to_owned) }),
        // Never `author`, which requires an e-mail address (feed rule R5).
        dublin_core_ext: Some(DublinCoreExtension {
            creators: entry.authors.iter().map(ToString::to_string).collect(),
            sources: entry
                .source
                .iter()
                .filter(|_| entry.origin.is_none())
                .map(ToString::to_string)
                .collect(),
            publishers: entry.publisher.iter().map(ToString::to_string).collect(),
            rights: entry.licence.iter().map(ToString::to_string).collect(),
            ..DublinCoreExtension::default()
        }),
        ..Item::default()
    }
}

/// Rounded up, so that `ttl` is never below `max-age`; none for zero (feed rule R13).
fn minutes(age: std::time::Duration) -> Option<String> {
    let minutes = age.as_secs().div_ceil(60);
    (minutes > 0).then(|| minutes.to_string())
}
