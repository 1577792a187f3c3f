//! An article's own page, printed when it is asked for: there are too many to keep them all.

use std::sync::Arc;

use super::{Document, Options, Setting, Version, blocking};
use crate::article::Permalink;
use crate::pages;
use crate::store::{Found, Snapshot, Store, StoreError};
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

/// What an article's page is made of, read from one state of the log.
pub struct ArticleSheet {
    setting: Setting,
    found: Found,
    corrections: Vec<Moment>,
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
    let setting = Setting::read(&mut snapshot, store, Arc::new(options.clone())).await?;
    let sheet = ArticleSheet::read(&mut snapshot, &setting, permalink).await?;
    drop(snapshot);
    blocking(move || sheet.print()).await
}

impl ArticleSheet {
    /// Reads what stands at `permalink`.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn read(
        snapshot: &mut Snapshot,
        setting: &Setting,
        permalink: &Permalink,
    ) -> Result<Self, StoreError> {
        let found = snapshot.article(permalink).await?;
        let corrections = match &found {
            Found::Live { entry, .. } => snapshot.corrections(&entry.id).await?,
            Found::Withdrawn(_) | Found::Nothing => Vec::new(),
        };
        Ok(Self { setting: setting.clone(), found, corrections })
    }

    /// Takes some milliseconds: call it where blocking is allowed.
    pub fn print(self) -> PrintedArticle {
        let Self { setting, found, corrections } = self;
        let frame = setting.frame();
        // Every page names all channels in its menu.
        let document = |page, number, at: Moment| {
            let version = Version { log: setting.log_of(None), number };
            Box::new(Document::print(pages::MEDIA_TYPE, page, &version, at.max(setting.channels_at)))
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
    }
}
