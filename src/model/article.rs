//! Articles as written, and entries of the log.
//!
//! Plain values. Parsed text is in NFC and free of characters that XML 1.0 forbids; renderers do not rely on it.
//! The store assigns the identity of an article ([`ArticleId`], [`Permalink`]) once; it never changes.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Image, Slug};
use crate::time::{PublishedAt, Timestamp};

/// The permanent id of an article in every channel and format: a tag URI (RFC 4151), or the `id` of the front matter.
/// Compared byte by byte (feed rules R4, A2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ArticleId(String);

impl ArticleId {
    /// Wraps an existing id.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as written in feeds.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ArticleId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The URL path of an article page: a day, and a slug unique on that day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Permalink {
    /// The publication date at first publication, in the site's zone.
    pub day: NaiveDate,
    /// The slug of the file name or title, with a suffix (`-2`, …) if taken.
    pub slug: Slug,
}

impl fmt::Display for Permalink {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.day, self.slug)
    }
}

/// An article as written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Article {
    /// Plain text on one line; never empty.
    pub title: String,
    /// The publication date.
    #[serde(rename = "stamp")]
    pub published: PublishedAt,
    /// The time of correction given by the author; used only if later than the last revision.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "chrono::serde::ts_seconds_option")]
    pub updated: Option<Timestamp>,
    /// The summary in article lists, if it differs from the lead: plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The whole text in reading order, lead and captions included, bylines and credits not.
    pub body: Vec<Block>,
    /// The authors in printed order: persons, initials or departments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// The original publication, as printed (`Lê Thúy/NLĐO`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Keywords, in addition to the channels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The language (BCP 47) if it differs from the site's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The absolute URL of the article on the publisher's site; the permalink otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The feed that it was collected from; `source` is then the name of its publisher (feed rule A6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The images in the order of their numbers. The n-th caption in `body` belongs to the n-th image.
    #[serde(rename = "pictures", default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
}

/// The feed that an article was collected from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The absolute URL of the feed.
    pub feed: String,
    /// The publisher, if it is not the one that `source` names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    /// The URL of its terms of reuse, or their name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
}

impl Article {
    /// An article with only a title and a text.
    pub fn new(title: impl Into<String>, published: PublishedAt, body: Vec<Block>) -> Self {
        Self {
            title: title.into(),
            published,
            updated: None,
            summary: None,
            body,
            authors: Vec::new(),
            source: None,
            tags: Vec::new(),
            language: None,
            link: None,
            origin: None,
            images: Vec::new(),
        }
    }

    /// The text of the `description` in feeds: the summary, else the lead, else the first paragraph; empty for
    /// an article of images only.
    pub fn excerpt(&self) -> &str {
        if let Some(summary) = &self.summary {
            return summary;
        }
        let first = |wanted: fn(&Block) -> Option<&str>| self.body.iter().find_map(wanted);
        first(|block| if let Block::Lead { text, .. } = block { Some(text) } else { None })
            .or_else(|| first(|block| if let Block::Paragraph { text } = block { Some(text) } else { None }))
            .unwrap_or_default()
    }

    /// The images in order, each with its caption: the n-th caption belongs to the n-th image.
    pub fn captioned_images(&self) -> impl Iterator<Item = (&Image, ImageCaption<'_>)> {
        let mut captions = self.body.iter().filter_map(|block| match block {
            Block::Caption { text, credit, raw, .. } => {
                let credit = credit.as_deref().filter(|credit| !credit.trim().is_empty());
                let is_blank = text.trim().is_empty() && credit.is_none();
                Some(ImageCaption { text: if is_blank { raw } else { text }, credit })
            }
            _ => None,
        });
        self.images.iter().map(move |image| (image, captions.next().unwrap_or_default()))
    }
}

/// The caption of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageCaption<'a> {
    /// The description without the credit. Without a credit, the whole line: `Ảnh minh họa` names neither the content
    /// nor the photographer.
    pub text: &'a str,
    /// The photographer or agency.
    pub credit: Option<&'a str>,
}

/// A block of an article.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", try_from = "BlockMembers")]
pub enum Block {
    /// The opening paragraph, which summarises the article.
    Lead {
        /// Plain text.
        text: String,
        /// Sanitised inline HTML, if the text has links or markup.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        html: Option<String>,
    },
    /// A paragraph.
    Paragraph {
        /// Plain text.
        text: String,
    },
    /// A sub-heading.
    Heading {
        /// 2 for a section, 3 below it, up to 6.
        level: u8,
        /// Plain text on one line.
        text: String,
    },
    /// The caption of an image.
    Caption {
        /// The description, without the credit; may be empty.
        text: String,
        /// The photographer or agency.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        credit: Option<String>,
        /// The line as printed, for an article whose image is missing.
        #[serde(rename = "printed")]
        raw: String,
        /// `raw` as sanitised inline HTML, if it has links or markup.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        html: Option<String>,
    },
    /// A list.
    List {
        /// Numbered rather than bulleted.
        ordered: bool,
        /// The items: plain text.
        items: Vec<String>,
    },
    /// A table.
    Table {
        /// Rows of cells, plain text.
        rows: Vec<Vec<String>>,
    },
    /// Sanitised HTML: absolute URLs, no scripts.
    Html {
        /// A well-formed fragment.
        html: String,
    },
}

/// The members of any block. serde reads a tagged enum twice, because its tag may stand anywhere.
#[derive(Deserialize)]
struct BlockMembers {
    kind: BlockKind,
    text: Option<String>,
    html: Option<String>,
    level: Option<u8>,
    credit: Option<String>,
    printed: Option<String>,
    ordered: Option<bool>,
    items: Option<Vec<String>>,
    rows: Option<Vec<Vec<String>>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum BlockKind {
    Lead,
    Paragraph,
    Heading,
    Caption,
    List,
    Table,
    Html,
}

impl TryFrom<BlockMembers> for Block {
    type Error = &'static str;

    fn try_from(members: BlockMembers) -> Result<Self, Self::Error> {
        let BlockMembers { kind, text, html, level, credit, printed, ordered, items, rows } = members;
        let text = text.ok_or("a block without `text`");
        Ok(match kind {
            BlockKind::Lead => Self::Lead { text: text?, html },
            BlockKind::Paragraph => Self::Paragraph { text: text? },
            BlockKind::Heading => {
                Self::Heading { level: level.ok_or("a heading without `level`")?, text: text? }
            }
            BlockKind::Caption => {
                let raw = printed.ok_or("a caption without `printed`")?;
                Self::Caption { text: text?, credit, raw, html }
            }
            BlockKind::List => Self::List {
                ordered: ordered.ok_or("a list without `ordered`")?,
                items: items.ok_or("a list without `items`")?,
            },
            BlockKind::Table => Self::Table { rows: rows.ok_or("a table without `rows`")? },
            BlockKind::Html => Self::Html { html: html.ok_or("markup without `html`")? },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_block_is_read_as_it_was_written() {
        let text = || "Đăk Tô".to_owned();
        for block in [
            Block::Lead { text: text(), html: None },
            Block::Lead { text: text(), html: Some(text()) },
            Block::Paragraph { text: text() },
            Block::Heading { level: 3, text: text() },
            Block::Caption { text: String::new(), credit: None, raw: text(), html: None },
            Block::Caption { text: text(), credit: Some(text()), raw: text(), html: Some(text()) },
            Block::List { ordered: true, items: vec![text(), text()] },
            Block::Table { rows: vec![vec![text()], Vec::new()] },
            Block::Html { html: text() },
        ] {
            let json = serde_json::to_string(&block).unwrap();
            assert_eq!(serde_json::from_str::<Block>(&json).unwrap(), block, "{json}");
        }
        let tag_last = r#"{"text":"a","level":2,"kind":"heading"}"#;
        assert_eq!(
            serde_json::from_str::<Block>(tag_last).unwrap(),
            Block::Heading { level: 2, text: "a".to_owned() }
        );
        for wrong in
            ["{}", r#"{"kind":"lead"}"#, r#"{"kind":"other","text":""}"#, r#"{"kind":"list","items":[]}"#]
        {
            assert!(serde_json::from_str::<Block>(wrong).is_err(), "{wrong}");
        }
    }
}

/// An article in the state of its last revision: an entry of a feed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Its permanent id.
    pub id: ArticleId,
    /// Its page.
    pub permalink: Permalink,
    /// The slugs of its channels, sorted by bytes.
    pub channels: Vec<Slug>,
    /// The publication date at first, then the time of the last revision (feed rule A3). Never decreases.
    pub updated: Timestamp,
    /// Its content.
    pub article: Article,
}

/// The neighbours of an article in a channel, by date.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Neighbours {
    /// The next newer one.
    pub newer: Option<ArticleLink>,
    /// The next older ones, newest first; few.
    pub older: Vec<ArticleLink>,
}

/// What a link to an article shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArticleLink {
    /// Its page.
    pub permalink: Permalink,
    /// Its title.
    pub title: String,
    /// Its publication date.
    pub published: PublishedAt,
    /// Its language, if it differs from the site's.
    pub language: Option<String>,
}

/// A correction of a published article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    /// When it was corrected.
    pub at: Timestamp,
    /// The reason, if one was given for readers.
    pub reason: Option<String>,
}

/// The tombstone of a withdrawn article (feed rule T1, RFC 6721).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// The id of the article.
    pub id: ArticleId,
    /// Its page, which responds with 410.
    pub permalink: Permalink,
    /// When it was withdrawn.
    pub when: Timestamp,
    /// The reason, if one was given for readers.
    pub reason: Option<String>,
}
