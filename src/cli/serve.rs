//! `bantin serve`: the service, from the bound sockets to the last signal.

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing::info;

use super::Outcome;
use crate::address::{Format, OPML_PATH, feed_path, page_path};
use crate::app::App;
use crate::config::Config;
use crate::http::Listeners;
use crate::press;
use crate::store::Store;

pub(super) async fn serve(config: Config, quiet: bool) -> anyhow::Result<Outcome> {
    config.fit_to_serve()?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    // Bound before anything else runs: a port that is taken is said at once.
    let readers = Listeners::bind(config.listen, cores)
        .with_context(|| format!("listening on {} ([server] listen)", config.listen))?;
    let admin = Listeners::bind(config.admin, 1)
        .with_context(|| format!("listening on {} ([server] admin)", config.admin))?;
    let greeting = Greeting {
        listening: readers.local_addr().to_string(),
        admin: admin.local_addr().to_string(),
        press: config.press.clone(),
    };
    let runtime = tokio::runtime::Handle::current();
    let ready = move |store: Store| {
        runtime.spawn(async move {
            match greeting.text(&store).await {
                Ok(text) if !quiet => eprint!("{text}"),
                Ok(_) => {}
                Err(cause) => tracing::warn!(%cause, "the store does not answer"),
            }
        });
    };
    let app = App::build(config).await?;
    app.run(readers, admin, ready, signals()?).await?;
    Ok(Outcome::Done)
}

/// Turns true at the first SIGINT or SIGTERM. A second one ends the process at once.
fn signals() -> anyhow::Result<watch::Receiver<bool>> {
    let (stop, stopped) = watch::channel(false);
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if stop.send_replace(true) {
                std::process::exit(1);
            }
            info!("stopping; running answers are finished first");
        }
    });
    Ok(stopped)
}

/// What is said when the service is ready.
struct Greeting {
    listening: String,
    admin: String,
    press: press::Options,
}

impl Greeting {
    async fn text(&self, store: &Store) -> Result<String, crate::store::StoreError> {
        let (articles, channels) = store.census().await?;
        let addresses = &self.press.addresses;
        let feeds = Format::ALL.map(|format| addresses.absolute(&feed_path(None, format))).join("  ");
        let mut text = format!(
            "\nbantin {} serves {articles} articles in {channels} channels on {}\n\
             \x20 in a browser  {}\n\
             \x20 everything    {feeds}\n\
             \x20 all channels  {}\n",
            env!("CARGO_PKG_VERSION"),
            self.listening,
            addresses.absolute(&page_path(None)),
            addresses.absolute(OPML_PATH),
        );
        for channel in
            press::channels(&mut store.snapshot().await?, &self.press.channels).await?.iter().take(12)
        {
            let feed = addresses.absolute(&feed_path(Some(&channel.slug), Format::Rss));
            text.push_str(&format!("  {feed}  {}\n", channel.title));
        }
        text.push_str(&format!("  metrics       http://{}/metrics\n", self.admin));
        Ok(text)
    }
}
