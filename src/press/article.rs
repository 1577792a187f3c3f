//! An article's own page, printed when it is asked for: there are too many to keep them all.

use super::{Document, Options, Version, channels};
use crate::article::{Entry, Permalink};
use crate::feed;
use crate::pages;
use crate::store::{Found, Store, StoreError};

/// What stands at an article's address.
pub enum PrintedArticle {
    /// Its page.
    Page(Box<Document>),
    /// It was withdrawn.
    Gone,
    /// Nothing was ever published there.
    Nothing,
}

/// Prints the page of the article at `permalink` from the store.
///
/// # Errors
/// Where the store does not answer.
pub async fn print_article(
    store: &Store,
    options: &Options,
    permalink: &Permalink,
) -> Result<PrintedArticle, StoreError> {
    let (entry, number, at) = match store.article(permalink).await? {
        Found::Live { entry, number, at } => (entry, number, at),
        Found::Withdrawn(_) => return Ok(PrintedArticle::Gone),
        Found::Nothing => return Ok(PrintedArticle::Nothing),
    };
    let mut snapshot = store.snapshot().await?;
    let channels = channels(&mut snapshot, &options.channels).await?;
    // The page names all channels in its menu.
    let last_modified = at.max(snapshot.channels_at().await?);
    let version = Version { log: store.log_id().to_owned(), number };
    let options = options.clone();
    let printed = tokio::task::spawn_blocking(move || {
        let page = page(&options, &channels, &entry);
        Document::print(pages::MEDIA_TYPE, page, &version, last_modified)
    });
    match printed.await {
        Ok(document) => Ok(PrintedArticle::Page(Box::new(document))),
        Err(failure) => std::panic::resume_unwind(failure.into_panic()),
    }
}

fn page(options: &Options, channels: &[crate::channel::Channel], entry: &Entry) -> Vec<u8> {
    let frame = pages::Frame { site: &options.site, addresses: &options.addresses, channels };
    pages::article(frame, entry, &feed::content_html(entry, &options.addresses))
}
