//! What the store keeps of an article's text.

use crate::model::Article;
use crate::search_text;
use crate::store::content::compress;
use crate::store::engine::Value;
use crate::store::error::StoreError;
use crate::store::rows::{from_json, to_json};

/// An article in the forms that the store keeps. To compute them takes most of the time of a write, so callers with many
/// articles do it before the transaction, on all cores.
#[derive(Clone, Debug)]
pub(crate) struct StoredText {
    pub(crate) json: String,
    /// The JSON as `revision.content` stores it.
    pub(crate) content: Value,
    /// The words by which the search finds the article.
    pub(crate) index: String,
    /// Its URL on another site.
    pub(crate) link: Option<String>,
    /// The names of its images.
    pub(crate) images: Vec<String>,
    /// Publication date, in Unix seconds.
    pub(crate) stamp: i64,
}

impl StoredText {
    /// # Errors
    /// If compression fails.
    pub(crate) fn new(article: &Article) -> Result<Self, StoreError> {
        Self::with_json(article, to_json(article)?)
    }

    /// The forms of a text that is stored already.
    ///
    /// # Errors
    /// If it is damaged.
    pub(crate) fn of_json(json: &str) -> Result<Self, StoreError> {
        Self::with_json(&from_json(json)?, json.to_owned())
    }

    fn with_json(article: &Article, json: String) -> Result<Self, StoreError> {
        Ok(Self {
            content: compress(&json)?,
            json,
            index: search_text::index_text(article),
            link: article.link.clone(),
            images: article.images.iter().map(|image| image.name.clone()).collect(),
            stamp: article.published.instant.timestamp(),
        })
    }
}
