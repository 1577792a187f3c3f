//! An article's own page, printed when it is asked for: there are too many to keep them all.

use super::{Document, Options, Version, channels};
use crate::article::Permalink;
use crate::pages;
use crate::store::{Found, Store, StoreError};
use crate::vietnam_time::Moment;

/// What stands at an article's address.
pub enum PrintedArticle {
    /// Its page.
    Page(Box<Document>),
    /// It was withdrawn: the page that says so.
    Gone(Box<Document>),
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
    let mut snapshot = store.snapshot().await?;
    let found = snapshot.article(permalink).await?;
    let corrections = match &found {
        Found::Live { entry, .. } => snapshot.corrections(&entry.id).await?,
        Found::Withdrawn(_) => Vec::new(),
        Found::Nothing => return Ok(PrintedArticle::Nothing),
    };
    let channels = channels(&mut snapshot, &options.channels).await?;
    let channels_at = snapshot.channels_at().await?;
    drop(snapshot);
    let (log, options) = (store.log_id().to_owned(), options.clone());
    let printed = tokio::task::spawn_blocking(move || {
        let frame = pages::Frame::new(&options.site, &options.addresses, &channels);
        // Every page names all channels in its menu.
        let document = |page, number, at: Moment| {
            let version = Version { log, number };
            Box::new(Document::print(pages::MEDIA_TYPE, page, &version, at.max(channels_at)))
        };
        match found {
            Found::Live { entry, number, at } => {
                PrintedArticle::Page(document(pages::article(&frame, &entry, &corrections), number, at))
            }
            Found::Withdrawn(tombstone) => {
                PrintedArticle::Gone(document(pages::withdrawn(&frame, &tombstone), 0, tombstone.when))
            }
            Found::Nothing => PrintedArticle::Nothing,
        }
    });
    printed.await.map_err(|failure| std::panic::resume_unwind(failure.into_panic()))
}
