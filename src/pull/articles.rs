//! From an item to an article of the log, with its images.

use std::collections::HashSet;

use hyper::StatusCode;
use tokio::task::block_in_place;
use url::Url;

use super::client::Client;
use super::identity::own_id;
use super::options::{PullOptions, SourceOptions};
use crate::fetch::{FetchError, FetchRequest, Limits};
use crate::image::{self, StrippedImage};
use crate::message::Message;
use crate::model::{Block, Image, Origin, Slug};
use crate::parse::{self, ImageSource, ParsedArticle, ReferencedImage, Repair, Repairs, SourceItem};
use crate::store::{CollectedItem, Source, Store, StoreError, Submission, SubmitOutcome, WriteConditions};
use crate::time::PublishedAt;

/// An image that is smaller is an icon or a line, in pixels.
const MIN_SIDE: u32 = 100;
/// Maximum number of images of one article that are requested.
const MAX_IMAGES: usize = 100;
/// How often an article waits for an image whose server does not answer. Then it is complete without it.
const MAX_TRIES: u32 = 5;
/// The hash of an item that waits for images, before the number of tries.
const WAITING: &str = "waiting for images ";

/// Turns items into articles.
pub(super) struct Publisher<'a> {
    pub(super) store: &'a Store,
    pub(super) options: &'a PullOptions,
    pub(super) client: &'a Client,
    pub(super) source: &'a SourceOptions,
}

/// Where an item comes from.
pub(super) struct OriginOfItem<'a> {
    /// The hash that is stored of it.
    pub(super) earlier: Option<&'a str>,
    /// Its publication date.
    pub(super) published: PublishedAt,
    /// The URL of its feed.
    pub(super) feed: &'a str,
    /// The URL and the bytes of its page, if the whole text is taken from there.
    pub(super) page: Option<(Url, Vec<u8>)>,
}

/// What became of an item.
pub(super) struct Published {
    /// What the store did, or why the item is held back.
    pub(super) outcome: Result<SubmitOutcome, Message>,
    /// An image may be there later: the item must be taken in again.
    pub(super) is_incomplete: bool,
}

impl Published {
    fn held_back(reason: Message) -> Self {
        Self { outcome: Err(reason), is_incomplete: false }
    }
}

impl Publisher<'_> {
    /// Submits an item as an article, or tells why it must be held back.
    pub(super) async fn publish(
        &self,
        item: &SourceItem,
        collected: CollectedItem,
        origin: OriginOfItem<'_>,
        repairs: &mut Repairs,
    ) -> Result<Published, StoreError> {
        let source = self.source;
        let with_language = SourceItem {
            language: item.language.clone().or_else(|| source.language.clone()),
            ..item.clone()
        };
        let OriginOfItem { earlier, published, feed, page } = origin;
        let page = page.as_ref().map(|(url, bytes)| (url, bytes.as_slice()));
        let article = block_in_place(|| {
            parse::article_of(&with_language, published, &source.name, page, &self.options.parse)
        });
        let Some(mut draft) = article else {
            let reason = Message::new("HTML của bài quá phức tạp", "its HTML is too complex");
            return Ok(Published::held_back(reason));
        };
        let copied = self.copy_images(&mut draft, repairs).await;
        let tries = tries_of(earlier);
        let is_incomplete = copied.is_incomplete && tries < MAX_TRIES;
        let hash = if is_incomplete { format!("{WAITING}{}", tries + 1) } else { collected.hash };
        self.store.put_images(copied.images).await?;
        draft.article.origin = Some(Origin {
            feed: feed.to_owned(),
            publisher: source.publisher.clone(),
            licence: source.licence.clone(),
        });
        let submission = Submission {
            channels: source.channels_of(&item.categories),
            id: own_id(item, source),
            stem: Slug::from_title(&draft.article.title),
            article: draft.article,
            source: Source::Collected(CollectedItem { hash, ..collected }),
            conditions: WriteConditions::default(),
        };
        Ok(match self.store.submit(submission).await?.outcome {
            SubmitOutcome::Refused(refusal) => Published::held_back(refusal.message()),
            outcome => Published { outcome: Ok(outcome), is_incomplete },
        })
    }

    /// Requests the images of an article and puts their names into it. A caption whose image is missing becomes a
    /// paragraph, so that it does not take the image of another.
    async fn copy_images(&self, draft: &mut ParsedArticle, repairs: &mut Repairs) -> CopiedImages {
        let mut copied = CopiedImages::default();
        let (mut names, mut lost_captions) = (HashSet::new(), HashSet::new());
        for (place, image) in std::mem::take(&mut draft.images).iter().enumerate() {
            let found = match place < MAX_IMAGES {
                true => self.image(image).await,
                false => FoundImage::None,
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
                FoundImage::None => {
                    *repairs.entry(Repair::ImageLeftOut).or_default() += 1;
                    true
                }
                FoundImage::Later => {
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

    async fn image(&self, image: &ReferencedImage) -> FoundImage {
        let ImageSource::Url(url) = &image.source else { return FoundImage::None };
        let limits = Limits { bytes: image::MAX_BYTES as u64, ..Limits::default() };
        let request = FetchRequest {
            accept: "image/jpeg, image/png, image/webp, image/gif",
            limits: Some(limits),
            ..FetchRequest::new(url, self.source.addresses())
        };
        match self.client.get(request).await {
            Ok(response) if response.status == StatusCode::OK => {
                match block_in_place(|| image::strip_metadata(response.body)) {
                    Ok(found) if found.width.min(found.height) >= MIN_SIDE => FoundImage::Image(found),
                    _ => FoundImage::None,
                }
            }
            Ok(response) if response.status.is_client_error() && response.status.as_u16() != 429 => {
                FoundImage::None
            }
            Err(FetchError::Url(_) | FetchError::PrivateAddress(_) | FetchError::TooLarge(_)) => {
                FoundImage::None
            }
            _ => FoundImage::Later,
        }
    }
}

#[derive(Default)]
struct CopiedImages {
    images: Vec<(Image, Vec<u8>)>,
    is_incomplete: bool,
}

enum FoundImage {
    Image(StrippedImage),
    /// There is none that can be published.
    None,
    /// Its server did not answer as it should.
    Later,
}

/// How often an item with this hash waited for its images.
fn tries_of(hash: Option<&str>) -> u32 {
    hash.and_then(|hash| hash.strip_prefix(WAITING)?.parse().ok()).unwrap_or_default()
}

fn as_paragraph(caption: &Block) -> Block {
    match caption {
        Block::Caption { html: Some(html), .. } => Block::Html { html: format!("<p>{html}</p>") },
        Block::Caption { raw, .. } => Block::Paragraph { text: raw.clone() },
        other => other.clone(),
    }
}
