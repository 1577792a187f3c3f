//! Every document that the service would serve, one after the other: to compare two stores by what leaves them.

use std::sync::Arc;

use anyhow::{Context as _, bail};

use crate::address::{Format, Scope, archive_path, article_path, media_path};
use crate::press::{self, Archive, Counters, Press, PrintedArticle, PrintedPage, print_article};
use crate::store::{CatalogueAsked, CatalogueFound, PictureFound, Store};

/// Articles that are asked for at a time.
const PAGE: u32 = 64;
const PAGE_BYTES: usize = 8 << 20;

/// Two stores, and how their documents are printed.
struct Pair<'a> {
    one: &'a Store,
    other: &'a Store,
    options: &'a press::Options,
}

/// Prints each document from both stores and compares them byte for byte: feeds, pages, sealed pages, articles,
/// pictures. `tell` hears how many articles are done. Returns how many documents there are.
///
/// # Errors
/// Where a document differs, which is named, or a store does not answer.
pub async fn compare(
    one: &Store,
    other: &Store,
    options: &press::Options,
    mut tell: impl FnMut(u64),
) -> anyhow::Result<u64> {
    let pair = Pair { one, other, options };
    let scopes = pair.same_states().await?;
    let mut compared = pair.editions().await?;
    for (scope, pages) in scopes {
        compared += pair.archive(&scope, pages).await?;
    }
    let (mut after, mut articles) = (None, 0);
    loop {
        let asked = CatalogueAsked { after, limit: PAGE, bytes: PAGE_BYTES, ..CatalogueAsked::default() };
        let (here, there) = (one.catalogue(&asked).await?, other.catalogue(&asked).await?);
        if here != there {
            bail!("the list of articles differs");
        }
        let CatalogueFound::Page(page) = here else { bail!("there is no list of articles") };
        for item in &page.items {
            pair.article(&item.entry.permalink).await?;
            compared += 1;
            for picture in &item.entry.article.pictures {
                pair.picture(&picture.name).await?;
                compared += 1;
            }
        }
        articles += page.items.len() as u64;
        tell(articles);
        after = page.next;
        if after.is_none() {
            return Ok(compared);
        }
    }
}

impl Pair<'_> {
    /// How far each channel has come: the same on both. Returns each with the number of its sealed pages.
    async fn same_states(&self) -> anyhow::Result<Vec<(Scope, u64)>> {
        let here = self.one.snapshot().await?.states().await?;
        if here != self.other.snapshot().await?.states().await? {
            bail!("the channels have not come equally far");
        }
        let size = self.options.live.archive_page.max(1);
        Ok(here.into_iter().map(|(scope, state)| (scope, state.number / size)).collect())
    }

    /// The documents that are kept printed, validators included.
    async fn editions(&self) -> anyhow::Result<u64> {
        let mut editions = Vec::new();
        for store in [self.one, self.other] {
            let (mut press, stand) =
                Press::new(store.clone(), self.options.clone(), Arc::new(Counters::default()));
            press.reprint().await?;
            editions.push(stand.edition().clone());
        }
        if editions[0].len() != editions[1].len() {
            bail!("one store has {} live documents, the other {}", editions[0].len(), editions[1].len());
        }
        for (path, document) in editions[0].documents() {
            let other = editions[1].document(path).with_context(|| format!("{path} is missing"))?;
            if document.identity.bytes != other.identity.bytes
                || document.identity.etag != other.identity.etag
            {
                bail!("{path} differs");
            }
        }
        Ok(editions[0].len() as u64)
    }

    async fn archive(&self, scope: &Scope, pages: u64) -> anyhow::Result<u64> {
        let archive = |store: &Store| Archive::new(store.clone(), self.options.clone());
        let (here, there) = (archive(self.one), archive(self.other));
        for page in 1..=pages {
            for format in Format::ALL {
                let path = archive_path(scope.as_ref(), page, format);
                let (here, there) =
                    (here.page(scope, page, format).await?, there.page(scope, page, format).await?);
                match (here, there) {
                    (PrintedPage::Page(here), PrintedPage::Page(there))
                        if here.identity.bytes == there.identity.bytes
                            && here.identity.etag == there.identity.etag => {}
                    _ => bail!("{path} differs or cannot be printed"),
                }
            }
        }
        Ok(pages * Format::ALL.len() as u64)
    }

    async fn article(&self, permalink: &crate::article::Permalink) -> anyhow::Result<()> {
        let here = print_article(self.one, self.options, permalink).await?;
        let there = print_article(self.other, self.options, permalink).await?;
        match (here, there) {
            (PrintedArticle::Page(here), PrintedArticle::Page(there))
                if here.identity.bytes == there.identity.bytes =>
            {
                Ok(())
            }
            _ => bail!("{} differs or cannot be printed", article_path(permalink)),
        }
    }

    async fn picture(&self, name: &str) -> anyhow::Result<()> {
        let (here, there) = (self.one.picture(name).await?, self.other.picture(name).await?);
        if here != there || here == PictureFound::Nothing {
            bail!("{} differs or is missing", media_path(name));
        }
        Ok(())
    }
}
