//! The result of parsing an article.

use serde::{Deserialize, Serialize};

use super::pictures::ReferencedImage;
use crate::model::{Article, ArticleId};

/// A parsed article, ready to be submitted to the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParsedArticle {
    /// Its images are empty: see `images`, and other files have more.
    pub article: Article,
    /// The id given in the front matter.
    pub id: Option<ArticleId>,
    /// The channels given in the front matter: slugs or titles, as written.
    pub channels: Vec<String>,
    /// The images in the file: first those with a caption, in the order of the captions.
    pub images: Vec<ReferencedImage>,
    /// The source lines of its parts.
    pub lines: SourceLines,
}

/// The source lines of the parts of an article, counted from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceLines {
    /// The title, in the text or the front matter.
    pub title: usize,
    /// The publication date, in the text or the front matter.
    pub stamp: usize,
    /// The lead.
    pub lead: Option<usize>,
    /// Bylines.
    pub authors: Vec<usize>,
    /// Captions, in the order of the images.
    pub captions: Vec<usize>,
}
