//! Opening the store, and the checks that commands share.

use std::path::{Path, PathBuf};

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
        bail!(
            "there is no log at {} yet; `bantin serve` or `bantin scan` creates one",
            config.redacted_store_url()
        );
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
    let named = named.trim();
    if named.is_empty() {
        bail!("name the article: its id, the address of its page, or its file");
    }
    let addresses = &config.render.addresses;
    if let Route::Article(permalink) = addresses.parse(page_path(named, addresses.site_url())) {
        match store.article(&permalink).await? {
            ArticleLookup::Live { entry, .. } => return Ok(entry.id),
            ArticleLookup::Withdrawn(tombstone) => return Ok(tombstone.id),
            ArticleLookup::NotFound => {}
        }
    }
    let below = paths_below(Path::new(named), &config.ingest.path)?;
    if !below.is_empty() {
        let mut files = store.files().await?.into_iter();
        let is_named = |path: &str| below.iter().any(|below| path.nfc().eq(below.nfc()));
        let file = files.find(|file| is_named(&file.seen.path));
        if let Some(id) = file.and_then(|file| file.article) {
            return Ok(id);
        }
    }
    Ok(ArticleId::new(named))
}

/// The path of a page as people copy it: with either scheme, with the parameters of a shared link, with a slash at its end.
fn page_path<'n>(named: &'n str, site_url: &str) -> &'n str {
    let without_scheme =
        |url: &str| url.strip_prefix("https://").or(url.strip_prefix("http://")).map(str::len);
    let (site, own) = (without_scheme(site_url), without_scheme(named));
    let path = match (site, own) {
        (Some(site), Some(own)) => {
            let (site, own) = (&site_url[site_url.len() - site..], &named[named.len() - own..]);
            own.strip_prefix(site).unwrap_or(named)
        }
        _ => named,
    };
    let end = path.find(['?', '#']).unwrap_or(path.len());
    path[..end].trim_end_matches('/')
}

/// What a file may be called in the articles folder: it may exist no more, and be named relative to that folder.
fn paths_below(file: &Path, folder: &Path) -> anyhow::Result<Vec<String>> {
    let folders = [Some(std::path::absolute(folder)?), folder.canonicalize().ok()];
    let files = [
        Some(std::path::absolute(file)?),
        file.canonicalize().ok(),
        Some(std::path::absolute(folder.join(file))?),
    ];
    let below = |file: &PathBuf| {
        let mut below = folders.iter().flatten().filter_map(|folder| file.strip_prefix(folder).ok());
        below.next().and_then(Path::to_str).map(str::to_owned)
    };
    Ok(files.iter().flatten().filter_map(below).collect())
}
