//! `bantin render`: prints a feed as it would be served now.

use std::io::{self, Write as _};

use super::open::{require_channel, scratch_store};
use super::output::Outcome;
use crate::app::open_store;
use crate::config::Config;
use crate::ingest::Scanner;
use crate::logging::say;
use crate::model::Slug;
use crate::render;
use crate::store::Store;
use crate::urls::Format;

pub(super) async fn render(mut config: Config, channel: &str, format: Format) -> anyhow::Result<Outcome> {
    let scope = match channel {
        "-" => None,
        slug => Some(Slug::parse(slug)?),
    };
    let preview = !Store::exists(&config.store);
    let mut _scratch = None;
    if preview {
        // There is no log yet, and a preview must not create one.
        _scratch = Some(scratch_store(&mut config)?);
    }
    let store = open_store(&config).await?;
    if preview {
        say!("bantin: nothing is published yet; this is a preview of the articles folder");
        Scanner::new(store.clone(), config.ingest.clone()).scan_until_stable(false).await?;
    }
    if let Some(slug) = &scope {
        require_channel(&store, &config, slug).await?;
    }
    let bytes = render::render_feed(&store, &config.render, scope.as_ref(), format).await?;
    io::stdout().write_all(&bytes)?;
    store.close().await;
    Ok(Outcome::Done)
}
