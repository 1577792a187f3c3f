//! The data model: articles, channels and the site.

pub mod article;
pub mod bounds;
pub mod channel;
pub mod colour;
pub mod image;
pub mod site;
pub mod slug;

pub use article::{
    Article, ArticleId, ArticleLink, Block, Correction, Entry, ImageCaption, Neighbours, Origin, Permalink,
    Tombstone,
};
pub use channel::{Channel, ChannelStatus, included_channels};
pub use colour::{Colour, InvalidColour};
pub use image::{Image, ImageCopy, ImageFile, MAX_LIGHT_BYTES, MAX_LIGHT_SIDE};
pub use site::{FormerPublisher, Site};
pub use slug::{InvalidSlug, Slug};
