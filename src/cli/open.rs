//! Opening the store, and the checks that commands share.

use anyhow::{Context as _, bail};
use unicode_normalization::UnicodeNormalization as _;

use super::scratch::Scratch;
use crate::app::open_store;
use crate::config::Config;
use crate::ingest::Marking;
use crate::model::{ArticleId, Slug};
use crate::render;
use crate::store::{ArticleLookup, Refusal, Store};
use crate::urls::Route;

/// Opens an existing store. A command on an article must not create a log because of a typo in the config.
pub(super) async fn open_existing_store(config: &Config) -> anyhow::Result<Store> {
    if !Store::exists(&config.store) {
        bail!("there is no log at {} yet; `bantin serve` or `bantin scan` creates one", config.store.url);
    }
    open_store(config).await
}

/// Replaces the configured store by an empty one that exists as long as the returned directory.
pub(super) fn scratch_store(config: &mut Config) -> anyhow::Result<Scratch> {
    let folder = Scratch::new(&std::env::temp_dir()).context("creating a temporary directory")?;
    config.store.url = format!("sqlite:{}", folder.path().join("preview.db").display());
    config.ingest.marking = Marking::None;
    Ok(folder)
}

/// Returns an error that lists all channels if this one does not exist.
pub(super) async fn require_channel(store: &Store, config: &Config, slug: &Slug) -> anyhow::Result<()> {
    let channels = render::channels(&mut store.snapshot().await?, &config.render.channels).await?;
    if channels.iter().any(|channel| channel.slug == *slug) {
        return Ok(());
    }
    let known = channels.into_iter().map(|channel| channel.slug).collect();
    bail!("{}", Refusal::UnknownChannel { channel: slug.clone(), known }.message())
}

/// The id of an article named by its id, the URL of its page, or its source file, also of a withdrawn one.
pub(super) async fn article_of(named: &str, store: &Store, config: &Config) -> anyhow::Result<ArticleId> {
    let addresses = &config.render.addresses;
    let path = named.strip_prefix(addresses.site_url()).unwrap_or(named);
    if let Route::Article(permalink) = addresses.parse(path) {
        match store.article(&permalink).await? {
            ArticleLookup::Live { entry, .. } => return Ok(entry.id),
            ArticleLookup::Withdrawn(tombstone) => return Ok(tombstone.id),
            ArticleLookup::NotFound => {}
        }
    }
    let (file, root) = (std::path::absolute(named)?, std::path::absolute(&config.ingest.path)?);
    if let Ok(below) = file.strip_prefix(root)
        && let Some(below) = below.to_str()
    {
        let files = store.files().await?;
        let file = files.into_iter().find(|file| file.seen.path.nfc().eq(below.nfc()));
        if let Some(id) = file.and_then(|file| file.article) {
            return Ok(id);
        }
    }
    Ok(ArticleId::new(named))
}
