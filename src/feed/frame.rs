//! The two parts of a feed: its articles, each in every format, and what surrounds them.

use std::sync::OnceLock;

use super::input::FeedInput;
use super::model::{FeedLinks, FeedModel, ItemModel, item, item_around};
use super::{atom, json, rss, size};
use crate::model::Entry;
use crate::time::Zone;
use crate::urls::Format;

/// An article as it appears in feeds of each format. A format is rendered when it is first wanted.
pub struct RenderedEntry {
    /// The content, which every format contains.
    html: String,
    /// In the order of [`Format::ALL`].
    texts: [OnceLock<Box<str>>; Format::ALL.len()],
    max_bytes: usize,
}

impl RenderedEntry {
    /// Renders the content of `entry` for the feeds of this site and these channels.
    pub fn new(input: &FeedInput<'_>, entry: &Entry) -> Self {
        let item = item(input, entry);
        let max_bytes = size::entry_bytes(&item);
        Self { html: item.html, texts: Default::default(), max_bytes }
    }

    /// The article in a feed of this format. `input` and `entry` are those it was made of.
    pub fn text(&self, input: &FeedInput<'_>, entry: &Entry, format: Format) -> &str {
        let render = || {
            let item = item_around(input, entry, self.html.clone());
            entry_text(&item, input.site.time_zone, format).into_boxed_str()
        };
        self.texts[format as usize].get_or_init(render)
    }

    /// An upper bound of the bytes that the article adds to a feed, in the longest format.
    pub fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// The memory use in bytes, about, once every format is rendered.
    pub fn memory(&self) -> usize {
        self.html.len() + Format::ALL.len() * self.max_bytes
    }
}

/// An article in a feed of this format.
pub(super) fn entry_text(item: &ItemModel<'_>, zone: Zone, format: Format) -> String {
    match format {
        Format::Rss => rss::entry(item, zone),
        Format::Atom => atom::entry(item, zone),
        Format::Json => json::entry(item, zone),
    }
}

/// A feed without its articles.
pub struct FeedFrame {
    format: Format,
    start: String,
    end: String,
}

impl FeedFrame {
    /// Renders everything but the articles of `input`.
    pub fn new(input: &FeedInput<'_>, format: Format) -> Self {
        let (model, links) = (FeedModel::new(input), FeedLinks::new(input, format));
        let (start, end) = match format {
            Format::Rss => rss::frame(&model, &links, input.site),
            Format::Atom => atom::frame(&model, &links, input.site.time_zone),
            Format::Json => json::frame(&model, &links, input.site.time_zone),
        };
        Self { format, start, end }
    }

    /// The feed with these articles in its format, as UTF-8.
    pub fn around<'a>(&self, entries: impl Iterator<Item = &'a str> + Clone) -> Vec<u8> {
        let (between, last) = if self.format == Format::Json { (",", "\n") } else { ("", "") };
        let length: usize = entries.clone().map(|entry| entry.len() + 1).sum();
        let mut feed = String::with_capacity(self.start.len() + length + self.end.len() + 1);
        feed.push_str(&self.start);
        for (index, entry) in entries.enumerate() {
            feed.extend([if index > 0 { between } else { "" }, entry]);
        }
        if feed.len() > self.start.len() {
            feed.push_str(last);
        }
        feed.push_str(&self.end);
        feed.into_bytes()
    }
}
