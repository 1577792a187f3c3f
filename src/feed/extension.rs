//! Extension elements (Media RSS, feed history, tombstones) for both XML serialisers.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use super::model::{HistoryMarker, MediaItem};

/// Program name and version for `generator`. Documents contain nothing else about the program or machine.
pub(super) const GENERATOR: (&str, &str) = ("bantin", env!("CARGO_PKG_VERSION"));

pub(super) const ATOM: (&str, &str) = ("atom", "http://www.w3.org/2005/Atom");
pub(super) const CONTENT: (&str, &str) = ("content", "http://purl.org/rss/1.0/modules/content/");
pub(super) const DUBLIN_CORE: (&str, &str) = ("dc", "http://purl.org/dc/elements/1.1/");
pub(super) const HISTORY: (&str, &str) = ("fh", "http://purl.org/syndication/history/1.0");
pub(super) const MEDIA: (&str, &str) = ("media", "http://search.yahoo.com/mrss/");
pub(super) const SYNDICATION: (&str, &str) = ("sy", "http://purl.org/rss/1.0/modules/syndication/");
pub(super) const TOMBSTONES: (&str, &str) = ("at", "http://purl.org/atompub/tombstones/1.0");

/// Namespaces by prefix, as both crates expect them.
pub(super) fn namespaces(known: &[(&str, &str)]) -> BTreeMap<String, String> {
    known.iter().map(|(prefix, uri)| ((*prefix).to_owned(), (*uri).to_owned())).collect()
}

/// An element with a namespace prefix.
pub(super) struct Element {
    /// `prefix:local`.
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    pub fn new(name: &'static str) -> Self {
        Self { name, attributes: Vec::new(), text: String::new(), children: Vec::new() }
    }

    pub fn attribute(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    /// Adds an optional child.
    pub fn child(mut self, child: Option<Element>) -> Self {
        self.children.extend(child);
        self
    }

    fn split_name(&self) -> (&'static str, &'static str) {
        self.name.split_once(':').unwrap_or(("", self.name))
    }

    /// The text of an element without children, even if empty: without a value, the crates write a line end into the
    /// element.
    fn value(&mut self) -> Option<String> {
        self.children.is_empty().then(|| std::mem::take(&mut self.text))
    }

    fn into_rss(mut self) -> ::rss::extension::Extension {
        ::rss::extension::Extension {
            name: self.name.to_owned(),
            value: self.value(),
            attrs: self.attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            children: by_local_name(self.children, Self::into_rss),
        }
    }

    /// NOTE: `atom_syndication` does not escape the attributes of extensions. A test fails if a later version does.
    fn into_atom(mut self) -> atom_syndication::extension::Extension {
        let escaped = |value: String| quick_xml::escape::escape(Cow::Owned(value)).into_owned();
        atom_syndication::extension::Extension {
            name: self.name.to_owned(),
            value: self.value(),
            attrs: self
                .attributes
                .into_iter()
                .map(|(name, value)| (name.to_owned(), escaped(value)))
                .collect(),
            children: by_local_name(self.children, Self::into_atom),
        }
    }
}

/// Groups elements as `rss` expects them.
pub(super) fn to_rss_extensions(elements: Vec<Element>) -> ::rss::extension::ExtensionMap {
    by_prefix(elements, Element::into_rss)
}

/// Groups elements as `atom_syndication` expects them.
pub(super) fn to_atom_extensions(elements: Vec<Element>) -> atom_syndication::extension::ExtensionMap {
    by_prefix(elements, Element::into_atom)
}

fn by_prefix<T>(elements: Vec<Element>, convert: fn(Element) -> T) -> BTreeMap<String, ByLocalName<T>> {
    let mut groups: BTreeMap<String, Vec<Element>> = BTreeMap::new();
    for element in elements {
        groups.entry(element.split_name().0.to_owned()).or_default().push(element);
    }
    groups.into_iter().map(|(prefix, elements)| (prefix, by_local_name(elements, convert))).collect()
}

type ByLocalName<T> = BTreeMap<String, Vec<T>>;

/// Keeps the order of elements with the same name; names are sorted, which no vocabulary forbids.
fn by_local_name<T>(elements: Vec<Element>, convert: fn(Element) -> T) -> ByLocalName<T> {
    let mut groups: ByLocalName<T> = BTreeMap::new();
    for element in elements {
        groups.entry(element.split_name().1.to_owned()).or_default().push(convert(element));
    }
    groups
}

/// The RFC 5005 marker (feed rules H1, H3).
pub(super) fn history_marker(marker: HistoryMarker) -> Element {
    Element::new(match marker {
        HistoryMarker::Archive => "fh:archive",
        HistoryMarker::Complete => "fh:complete",
    })
}

/// The update frequency that `max-age` allows (feed rules R13, C7). Empty if the feed must not be cached.
pub(super) fn syndication_period(max_age: Duration) -> Vec<Element> {
    const PERIODS: [(&str, u64); 3] = [("hourly", 3_600), ("daily", 86_400), ("weekly", 604_800)];
    let seconds = max_age.as_secs();
    let Some((period, length)) =
        PERIODS.into_iter().find(|(_, length)| seconds <= *length).filter(|_| seconds > 0)
    else {
        return Vec::new();
    };
    vec![
        Element::new("sy:updatePeriod").text(period),
        Element::new("sy:updateFrequency").text((length / seconds).to_string()),
    ]
}

/// An image as Media RSS (feed rule M1).
pub(super) fn media(media: &MediaItem<'_>) -> Element {
    let credit = media
        .credit
        .as_deref()
        .map(|credit| Element::new("media:credit").attribute("role", "photographer").text(credit));
    let caption = media
        .caption
        .as_deref()
        .map(|caption| Element::new("media:description").attribute("type", "plain").text(caption));
    Element::new("media:content")
        .attribute("url", media.url.as_str())
        .attribute("type", media.media_type.as_ref())
        .attribute("medium", "image")
        .attribute("width", media.width.to_string())
        .attribute("height", media.height.to_string())
        .attribute("fileSize", media.size.to_string())
        .child(credit)
        .child(caption)
}
