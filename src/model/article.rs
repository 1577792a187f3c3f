//! The article: what the office wrote, and what the log remembers of it.
//!
//! Plain values without behaviour of their own. Text in them is in NFC and free of the characters that
//! XML 1.0 forbids once it came through the manuscript reader; the makers of documents do not rely on it.
//! What an article is *called* ([`ArticleId`], [`Permalink`]) is minted once by the store and never changes.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::Slug;
use crate::time::{PublishedAt, Timestamp};

/// The permanent name of an article, in every channel and format: a tag URI (RFC 4151), or what the front
/// matter gave as `id`. Compared byte for byte (rules R4, A2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ArticleId(String);

impl ArticleId {
    /// Takes a name that was minted before, or given by the author.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as it stands in the documents.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ArticleId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The address of an article's own page: the day on which the id was minted, and a slug unique on that day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Permalink {
    /// The day of the stamp at first publication, in the site's zone.
    pub day: NaiveDate,
    /// The slug of the file's stem or of the title, with `-2` and so on where it was taken.
    pub slug: Slug,
}

impl fmt::Display for Permalink {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.day.format("%Y-%m-%d"), self.slug)
    }
}

/// An article as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Article {
    /// Plain text on one line; never empty.
    pub title: String,
    /// The printed date of publication.
    #[serde(rename = "stamp")]
    pub published: PublishedAt,
    /// A moment of correction that the author named; counts only if later than the last revision's.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "chrono::serde::ts_seconds_option")]
    pub updated: Option<Timestamp>,
    /// What a list of articles shows, where it is not simply the lead: plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The whole text in reading order, lead and captions included, bylines and credits not.
    pub body: Vec<Block>,
    /// Who wrote it, in printed order: a person, initials, or a department.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// The publication that it was taken over from, as printed (`Lê Thúy/NLĐO`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Keywords beside the channels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The language (BCP 47) where it is not the site's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Where the article stands on the publisher's own site: an absolute URL. The permalink otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The pictures that lay beside the text, in the order of their numbers. The n-th caption in `body`
    /// belongs to the n-th picture.
    #[serde(rename = "pictures", default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
}

/// A picture as it is served: without camera data and location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Its name under `/media/`: a hash of its bytes with the ending of its type, so that other bytes
    /// have another address.
    pub name: String,
    /// `image/jpeg`, `image/png`, `image/webp` or `image/gif`, by content.
    pub media_type: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Its length in bytes as served.
    pub size: u64,
}

impl Article {
    /// What stands in a feed's `description`: the summary that was given, else the lead, else the first
    /// paragraph; empty for an article of pictures alone.
    pub fn excerpt(&self) -> &str {
        if let Some(summary) = &self.summary {
            return summary;
        }
        let first = |wanted: fn(&Block) -> Option<&str>| self.body.iter().find_map(wanted);
        first(|block| if let Block::Lead { text, .. } = block { Some(text) } else { None })
            .or_else(|| first(|block| if let Block::Paragraph { text } = block { Some(text) } else { None }))
            .unwrap_or_default()
    }
}

/// A piece of an article's text, in reading order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Block {
    /// The opening paragraph, which sums up the article.
    Lead {
        /// Plain text.
        text: String,
        /// The same with its links and marks, where it has any: HTML of the sanitiser, without a block.
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
    /// The line under a picture.
    Caption {
        /// What the picture shows, without the credit; may be empty.
        text: String,
        /// The photographer or agency.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        credit: Option<String>,
        /// The line as it was printed, for an article whose picture is missing.
        #[serde(rename = "printed")]
        raw: String,
        /// `raw` with its links and marks, where it has any: HTML of the sanitiser, without a block.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        html: Option<String>,
    },
    /// A list.
    List {
        /// Numbered rather than bulleted.
        ordered: bool,
        /// Plain text, an item each.
        items: Vec<String>,
    },
    /// A table.
    Table {
        /// Rows of cells, plain text.
        rows: Vec<Vec<String>>,
    },
    /// HTML that a sanitiser let through: absolute URLs, nothing that runs.
    Html {
        /// A well-formed fragment.
        html: String,
    },
}

/// An article in the state that a revision left it in: what a feed shows as an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its permanent name.
    pub id: ArticleId,
    /// Its page.
    pub permalink: Permalink,
    /// The channels that hold it, by slug, sorted by bytes.
    pub channels: Vec<Slug>,
    /// The stamp at first publication, then the `at` of the last revision (rule A3). Never goes back.
    pub updated: Timestamp,
    /// What was written.
    pub article: Article,
}

/// What is left of a withdrawn article (rule T1, RFC 6721).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// The name of the article.
    pub id: ArticleId,
    /// Its page, which answers 410.
    pub permalink: Permalink,
    /// When it was withdrawn.
    pub when: Timestamp,
    /// Why, where a reason for readers was given.
    pub reason: Option<String>,
}
