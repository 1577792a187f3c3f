//! `bantin serve`: runs the service until a signal stops it.

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing::info;

use super::output::{Outcome, counted};
use crate::app::App;
use crate::config::Config;
use crate::http::Listeners;
use crate::logging::{flush, say};
use crate::render;
use crate::store::Store;
use crate::urls::{Format, OPML_PATH, feed_path, page_path};

pub(super) async fn serve(config: Config, quiet: bool) -> anyhow::Result<Outcome> {
    config.validate_for_serving()?;
    let stopped = signals()?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    // Bound first, so that a port in use is reported at once.
    let readers = Listeners::bind(config.listen, cores)
        .with_context(|| format!("listening on {} ([server] listen)", config.listen))?;
    let admin = Listeners::bind(config.admin, 1)
        .with_context(|| format!("listening on {} ([server] admin)", config.admin))?;
    let banner = StartupBanner {
        listening: readers.local_addr().to_string(),
        admin: admin.local_addr().to_string(),
        renderer: config.render.clone(),
    };
    let runtime = tokio::runtime::Handle::current();
    let ready = move |store: Store| {
        runtime.spawn(async move {
            match banner.text(&store).await {
                Ok(text) if !quiet => say!("{text}"),
                Ok(_) => {}
                Err(cause) => tracing::warn!(%cause, "store unavailable"),
            }
        });
    };
    let app = App::build(config).await?;
    app.run(readers, admin, ready, stopped).await?;
    Ok(Outcome::Done)
}

/// Becomes true at the first SIGINT or SIGTERM. A second one ends the process at once: acknowledged articles are on
/// disk, only running responses are cut off. Other signals that would end the process are logged and ignored.
fn signals() -> anyhow::Result<watch::Receiver<bool>> {
    let (stop, stopped) = watch::channel(false);
    for (kind, name) in [
        (SignalKind::hangup(), "SIGHUP"),
        (SignalKind::user_defined1(), "SIGUSR1"),
        (SignalKind::user_defined2(), "SIGUSR2"),
        (SignalKind::alarm(), "SIGALRM"),
        (SignalKind::io(), "SIGIO"),
    ] {
        let mut signals = signal(kind)?;
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                info!(
                    "{name} ignored; use SIGTERM to stop the service, and restart it to reload the configuration"
                );
            }
        });
    }
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if stop.send_replace(true) {
                flush();
                std::process::exit(1);
            }
            info!("stopping; finishing running responses");
        }
    });
    Ok(stopped)
}

/// Maximum number of channels in the banner.
const MAX_LISTED: usize = 12;

/// The message when the service is ready.
struct StartupBanner {
    listening: String,
    admin: String,
    renderer: render::RenderOptions,
}

impl StartupBanner {
    async fn text(&self, store: &Store) -> Result<String, crate::store::StoreError> {
        let (articles, holding) = store.count_live().await?;
        let mut channels = render::channels(&mut store.snapshot().await?, &self.renderer.channels).await?;
        channels.retain(|channel| !channel.is_gone());
        let filled = channels.iter().filter(|channel| holding.contains(&channel.slug)).count();
        let addresses = &self.renderer.addresses;
        let feeds = Format::ALL.map(|format| addresses.url(&feed_path(None, format))).join("  ");
        let mut text = format!(
            "\nbantin {} serves {} in {filled} of {} channels on {}\n\
             \x20 in a browser  {}\n\
             \x20 all articles  {feeds}\n\
             \x20 all channels  {}\n",
            env!("CARGO_PKG_VERSION"),
            counted(articles, "article"),
            channels.len(),
            self.listening,
            addresses.url(&page_path(None)),
            addresses.url(OPML_PATH),
        );
        for channel in channels.iter().take(MAX_LISTED) {
            let feed = addresses.url(&feed_path(Some(&channel.slug), Format::Rss));
            text.push_str(&format!("  {feed}  {}\n", channel.title));
        }
        if channels.len() > MAX_LISTED {
            text.push_str(&format!("  and {} more\n", channels.len() - MAX_LISTED));
        }
        text.push_str(&format!("  metrics       http://{}/metrics", self.admin));
        Ok(text)
    }
}
