//! The images of an article that comes from elsewhere.

use std::collections::HashSet;

use hyper::StatusCode;
use tokio::task::block_in_place;

use super::client::Client;
use crate::fetch::{AllowedAddresses, FetchError, FetchRequest, Limits, UrlError};
use crate::image::{self, StrippedImage};
use crate::model::{Block, Image};
use crate::parse::{ImageSource, ParsedArticle, ReferencedImage, Repair, Repairs};
use crate::text::{escape_html, http_url};

/// An image that is smaller is an icon or a line, in pixels.
const MIN_SIDE: u32 = 100;
/// Maximum number of images of one article that are requested.
const MAX_IMAGES: usize = 100;

/// Finds images.
pub(super) trait ImageLoader {
    /// The image that an article refers to.
    async fn load(&mut self, image: &ReferencedImage) -> FoundImage;
}

/// The result of looking for an image.
pub(super) enum FoundImage {
    Image(StrippedImage),
    /// There is none that can be published, for this reason.
    None(String),
    /// Its server has a private address, which may not be requested.
    Private,
    /// Its server did not answer as it should, for this reason. It may be there later.
    Later(String),
}

/// The images of an article as the store takes them.
#[derive(Default)]
pub(super) struct CopiedImages {
    pub(super) images: Vec<(Image, Vec<u8>)>,
    /// One may be there later.
    pub(super) is_incomplete: bool,
}

/// Loads the images of an article and puts their names into it. A caption whose image is missing becomes a paragraph, so
/// that it does not take the image of another.
pub(super) async fn copy_images(
    draft: &mut ParsedArticle,
    loader: &mut impl ImageLoader,
    repairs: &mut Repairs,
) -> CopiedImages {
    let mut copied = CopiedImages::default();
    let (mut names, mut lost_captions) = (HashSet::new(), HashSet::new());
    for (place, image) in std::mem::take(&mut draft.images).iter().enumerate() {
        let found = match place < MAX_IMAGES {
            true => loader.load(image).await,
            false => FoundImage::None(format!("an article has at most {MAX_IMAGES} images")),
        };
        let missing = match found {
            FoundImage::Image(found) if names.insert(found.name.clone()) => {
                let StrippedImage { name, media_type, width, height, bytes } = found;
                let (media_type, size) = (media_type.to_owned(), bytes.len() as u64);
                let image = Image { name, media_type, width, height, size, copies: Vec::new() };
                draft.article.images.push(image.clone());
                copied.images.push((image, bytes));
                false
            }
            // Shown twice.
            FoundImage::Image(_) => true,
            FoundImage::None(_) | FoundImage::Private => {
                *repairs.entry(Repair::ImageLeftOut).or_default() += 1;
                true
            }
            FoundImage::Later(_) => {
                copied.is_incomplete = true;
                true
            }
        };
        if missing && image.has_caption {
            lost_captions.insert(place);
        }
    }
    let captions = draft.article.body.iter_mut().filter(|block| matches!(block, Block::Caption { .. }));
    for (_, caption) in captions.enumerate().filter(|(place, _)| lost_captions.contains(place)) {
        *caption = as_paragraph(caption);
    }
    copied
}

/// Links to the images of an article in place of copying them: each caption becomes a link to its image, and those without
/// one are linked at the end.
pub(super) fn link_images(draft: &mut ParsedArticle) {
    let urls = |image: ReferencedImage| match image.source {
        ImageSource::Url(url) => (http_url(&url), image.has_caption),
        ImageSource::Part(_) | ImageSource::File(_) => (None, image.has_caption),
    };
    let images = std::mem::take(&mut draft.images).into_iter().map(urls);
    let (captioned, others): (Vec<_>, Vec<_>) = images.partition(|(_, has_caption)| *has_caption);
    let captions = draft.article.body.iter_mut().filter(|block| matches!(block, Block::Caption { .. }));
    for (caption, (url, _)) in captions.zip(captioned) {
        *caption = match (&caption, url) {
            (Block::Caption { raw, .. }, Some(url)) => linked(&url, raw),
            _ => as_paragraph(caption),
        };
    }
    let others = others.into_iter().filter_map(|(url, _)| url).take(MAX_IMAGES).enumerate();
    draft.article.body.extend(others.map(|(place, url)| linked(&url, &format!("Ảnh {}", place + 1))));
}

fn linked(url: &str, text: &str) -> Block {
    Block::Html { html: format!("<p><a href=\"{}\">{}</a></p>", escape_html(url), escape_html(text)) }
}

/// Requests an image.
pub(super) async fn request_image(client: &Client, url: &str, addresses: AllowedAddresses) -> FoundImage {
    let limits = Limits { bytes: image::MAX_BYTES as u64, ..Limits::default() };
    let request = FetchRequest {
        accept: "image/jpeg, image/png, image/webp, image/gif",
        limits: Some(limits),
        ..FetchRequest::new(url, addresses)
    };
    match client.get(request).await {
        Ok(response) if response.status == StatusCode::OK => block_in_place(|| publishable(response.body)),
        Ok(response) if response.status.is_client_error() && response.status.as_u16() != 429 => {
            FoundImage::None(format!("its server answers {}", response.status))
        }
        Ok(response) => FoundImage::Later(format!("its server answers {}", response.status)),
        Err(FetchError::PrivateAddress(_) | FetchError::Url(UrlError::PrivateAddress(_))) => {
            FoundImage::Private
        }
        Err(cause @ (FetchError::Url(_) | FetchError::TooLarge(_))) => FoundImage::None(cause.to_string()),
        Err(cause) => FoundImage::Later(cause.to_string()),
    }
}

/// The bytes of a file as an image for readers. Blocking.
pub(super) fn publishable(bytes: Vec<u8>) -> FoundImage {
    match image::strip_metadata(bytes) {
        Ok(found) if found.width.min(found.height) >= MIN_SIDE => FoundImage::Image(found),
        Ok(found) => FoundImage::None(format!("it has only {}×{} pixels", found.width, found.height)),
        Err(cause) => FoundImage::None(cause.message().english),
    }
}

fn as_paragraph(caption: &Block) -> Block {
    match caption {
        Block::Caption { html: Some(html), .. } => Block::Html { html: format!("<p>{html}</p>") },
        Block::Caption { raw, .. } => Block::Paragraph { text: raw.clone() },
        other => other.clone(),
    }
}
