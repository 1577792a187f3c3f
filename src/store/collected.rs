//! Articles that are collected from other publishers.

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::model::ArticleId;
use crate::time::PublishedAt;

/// An item of a source.
///
/// The article of an item is found by `source` and `key`, otherwise by `source` and `link`: an item that changes only
/// one of them stays the same article. SECURITY: an item never becomes a version of an article that another source,
/// the folder or a command published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectedItem {
    /// Name of the source.
    pub source: String,
    /// Its id within the source.
    pub key: String,
    /// What the URLs of the article have in common.
    pub link: Option<String>,
    /// Hash of what was read.
    pub hash: String,
    /// The publication date as written.
    pub date: Option<String>,
    /// The log of the source in which it was last met, if the source is another bantin.
    pub log: Option<String>,
}

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemState {
    /// It is an article.
    Published,
    /// It is held back until an operator decides or the source corrects it.
    Doubtful,
    /// An operator does not want it.
    Dropped,
    /// The source withdrew it.
    Withdrawn,
}

impl ItemState {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Doubtful => "doubtful",
            Self::Dropped => "dropped",
            Self::Withdrawn => "withdrawn",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Published, Self::Doubtful, Self::Dropped, Self::Withdrawn]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

/// What is stored of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemRecord {
    /// The item.
    pub item: CollectedItem,
    /// What became of it.
    pub state: ItemState,
    /// Its article, if it ever had one.
    pub article: Option<ArticleId>,
    /// The publication date that was made of `item.date`.
    pub published: Option<PublishedAt>,
    /// Why it is doubtful.
    pub reason: Option<Message>,
    /// The item as JSON, while it is doubtful.
    pub content: Option<String>,
}
