//! Opening the store, and the checks that commands share.

use anyhow::bail;

use crate::app::open_store;
use crate::config::Config;
use crate::model::Slug;
use crate::render;
use crate::store::Store;

/// Opens an existing store. A command on an article must not create a log because of a typo in the config.
pub(super) async fn open_existing_store(config: &Config) -> anyhow::Result<Store> {
    if !Store::exists(&config.store) {
        bail!("there is no log at {} yet; `bantin serve` or `bantin scan` creates one", config.store.url);
    }
    open_store(config).await
}

/// Returns an error that lists all channels if this one does not exist.
pub(super) async fn require_channel(store: &Store, config: &Config, slug: &Slug) -> anyhow::Result<()> {
    let channels = render::channels(&mut store.snapshot().await?, &config.render.channels).await?;
    if channels.iter().any(|channel| channel.slug == *slug) {
        return Ok(());
    }
    let known: Vec<&str> = channels.iter().map(|channel| channel.slug.as_str()).collect();
    bail!("unknown channel `{slug}`; known channels: {}", known.join(", "))
}
