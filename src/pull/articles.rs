//! From an item to an article of the log, with its images.

use tokio::task::block_in_place;
use url::Url;

use super::client::Client;
use super::identity::own_id;
use super::images::{CopiedImages, FoundImage, ImageLoader, copy_images, link_images, request_image};
use super::options::{PullOptions, SourceImages, SourceOptions};
use crate::fetch::AllowedAddresses;
use crate::message::Message;
use crate::model::{Origin, Slug};
use crate::parse::{self, ImageSource, ReferencedImage, Repairs, SourceItem};
use crate::store::{CollectedItem, Source, Store, StoreError, Submission, SubmitOutcome, WriteConditions};
use crate::time::PublishedAt;

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
            parse::article_of(&with_language, published, Some(&source.name), page, &self.options.parse)
        });
        let Some(mut draft) = article else {
            let reason = Message::new("HTML của bài quá phức tạp", "its HTML is too complex");
            return Ok(Published::held_back(reason));
        };
        let copied = match source.images {
            SourceImages::Copy => {
                copy_images(&mut draft, &mut Requested(self.client, source.addresses()), repairs).await
            }
            SourceImages::Link => {
                link_images(&mut draft);
                CopiedImages::default()
            }
        };
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
            id: own_id(item, &source.url),
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
}

/// Requests images from where their URLs lead.
struct Requested<'a>(&'a Client, AllowedAddresses);

impl ImageLoader for Requested<'_> {
    async fn load(&mut self, image: &ReferencedImage) -> FoundImage {
        match &image.source {
            ImageSource::Url(url) => request_image(self.0, url, self.1).await,
            ImageSource::Part(_) | ImageSource::File(_) => FoundImage::None(String::new()),
        }
    }
}

/// How often an item with this hash waited for its images.
fn tries_of(hash: Option<&str>) -> u32 {
    hash.and_then(|hash| hash.strip_prefix(WAITING)?.parse().ok()).unwrap_or_default()
}
