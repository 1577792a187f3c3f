//! The two parts of a feed: its articles, each in every format, and what surrounds them.

use super::input::FeedInput;
use super::model::{FeedLinks, FeedModel, item};
use super::{atom, json, rss, size};
use crate::model::Entry;
use crate::urls::Format;

/// An article as it appears in feeds of each format.
pub struct RenderedEntry {
    /// In the order of [`Format::ALL`].
    texts: [String; Format::ALL.len()],
    max_bytes: usize,
}

impl RenderedEntry {
    /// Renders `entry` for the feeds of this site and these channels. The content is rendered once for all formats.
    pub fn new(input: &FeedInput<'_>, entry: &Entry) -> Self {
        let (item, zone) = (item(input, entry), input.site.time_zone);
        let texts = Format::ALL.map(|format| match format {
            Format::Rss => rss::entry(&item, zone),
            Format::Atom => atom::entry(&item, zone),
            Format::Json => json::entry(&item, zone),
        });
        Self { texts, max_bytes: size::entry_bytes(&item) }
    }

    /// An upper bound of the bytes that the article adds to a feed, in the longest format.
    pub fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// The memory use in bytes.
    pub fn memory(&self) -> usize {
        self.texts.iter().map(String::len).sum()
    }

    fn text(&self, format: Format) -> &str {
        &self.texts[format as usize]
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

    /// The feed with these articles, as UTF-8.
    pub fn around<'a>(&self, entries: impl Iterator<Item = &'a RenderedEntry> + Clone) -> Vec<u8> {
        let (between, last) = if self.format == Format::Json { (",", "\n") } else { ("", "") };
        let length: usize = entries.clone().map(|entry| entry.text(self.format).len() + 1).sum();
        let mut feed = String::with_capacity(self.start.len() + length + self.end.len() + 1);
        feed.push_str(&self.start);
        for (index, entry) in entries.enumerate() {
            feed.extend([if index > 0 { between } else { "" }, entry.text(self.format)]);
        }
        if feed.len() > self.start.len() {
            feed.push_str(last);
        }
        feed.push_str(&self.end);
        feed.into_bytes()
    }
}
