//! Reads a document of any of the formats.

use url::Url;

use super::model::{FeedFault, Repair, Repairs, SourceFeed, SourceItem, count};
use super::{article, elements, json, xml};

/// Maximum number of items of a feed.
const MAX_ITEMS: usize = 5000;

/// Reads a feed that was found at `url`. `charset` is that of the HTTP header.
///
/// # Errors
/// If it cannot be read without guessing.
pub fn read_feed(bytes: &[u8], charset: Option<&str>, url: &Url) -> Result<SourceFeed, FeedFault> {
    let mut repairs = Repairs::new();
    let text = xml::decode(bytes, charset, &mut repairs)?;
    let mut feed = match text.trim_start().starts_with('{') {
        true => json::read(&text, url, &mut repairs)?,
        false => elements::read(&xml::repaired(&text, &mut repairs)?, url, &mut repairs)?,
    };
    if feed.items.len() > MAX_ITEMS {
        return Err(FeedFault::TooComplex);
    }
    let before = feed.items.len();
    feed.items.retain(|item| !is_empty(item));
    count(&mut repairs, Repair::EmptyItem, before - feed.items.len());
    feed.repairs = repairs;
    Ok(feed)
}

/// Neither a title nor a text nor an image.
fn is_empty(item: &SourceItem) -> bool {
    let has_image = || !item.images.is_empty() || item.html.to_ascii_lowercase().contains("<img");
    item.title.is_empty() && article::plain(&item.html).is_empty() && !has_image()
}
