//! `bantin serve`: runs the service until a signal stops it.

use std::net::TcpListener;
use std::path::PathBuf;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tracing::{debug, info, warn};

use super::output::{Outcome, OutputOptions, counted};
use crate::app::{App, Sockets, Supervision, supervise};
use crate::config::{Config, process_environment};
use crate::logging::{flush, say, set_json};
use crate::render;
use crate::store::Store;
use crate::urls::{Format, OPML_PATH, feed_path, page_path};

/// Runs the service on the sockets that the service manager has bound, or on its own. `file` is the config file.
pub(super) async fn serve(
    config: Config,
    file: Option<PathBuf>,
    inherited: Vec<TcpListener>,
    output: OutputOptions,
) -> anyhow::Result<Outcome> {
    set_json(output.json || config.json_log);
    config.validate_for_serving()?;
    log_warnings(&config);
    let shutdown = stop_signals()?;
    let reloads = reload_signals()?;
    raise_descriptor_limit();
    // Bound first, so that a port in use is reported at once.
    let sockets = Sockets::bind(&config, inherited)?;
    let banner = StartupBanner {
        listening: sockets.public.local_addr().to_string(),
        admin: sockets.admin.local_addr().to_string(),
        redirect: sockets.redirect.as_ref().map(|sockets| sockets.local_addr().to_string()),
        renderer: config.render.clone(),
    };
    let runtime = tokio::runtime::Handle::current();
    let ready = move |store: Store| {
        runtime.spawn(async move {
            match banner.text(&store).await {
                Ok(text) if !output.quiet => say!("{text}"),
                Ok(_) => {}
                Err(cause) => warn!(%cause, "store unavailable"),
            }
        });
    };
    let load = move || {
        let mut config = Config::load(file.as_deref(), process_environment())?;
        config.json_log |= output.json;
        config.validate_for_serving()?;
        log_warnings(&config);
        Ok(config)
    };
    let app = App::build(config).await?;
    supervise(app, sockets, Supervision { load, ready, reloads, shutdown }).await?;
    Ok(Outcome::Done)
}

/// Connections may take as many descriptors as the system allows, not only the 1,024 that a shell gives.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    if let Err(cause) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        debug!(%cause, "the limit of open files stays as it is");
    }
}

fn log_warnings(config: &Config) {
    for message in &config.warnings {
        warn!("{message}");
    }
}

/// A message for each SIGHUP; those that arrive during a reload are one.
fn reload_signals() -> anyhow::Result<mpsc::Receiver<()>> {
    let (request, requests) = mpsc::channel(1);
    let mut signals = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while signals.recv().await.is_some() {
            info!("SIGHUP: reading the configuration again");
            // If one is waiting already, it will read the newest configuration.
            let _ = request.try_send(());
        }
    });
    Ok(requests)
}

/// Becomes true at the first SIGINT or SIGTERM. A second one ends the process at once: acknowledged articles are on
/// disk, only running responses are cut off. Other signals that would end the process are logged and ignored.
fn stop_signals() -> anyhow::Result<watch::Receiver<bool>> {
    let (stop, stopped) = watch::channel(false);
    for (kind, name) in [
        (SignalKind::user_defined1(), "SIGUSR1"),
        (SignalKind::user_defined2(), "SIGUSR2"),
        (SignalKind::alarm(), "SIGALRM"),
        (SignalKind::io(), "SIGIO"),
    ] {
        let mut signals = signal(kind)?;
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                info!("{name} ignored; SIGTERM stops the service, SIGHUP reloads the configuration");
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
    redirect: Option<String>,
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
        if let Some(redirect) = &self.redirect {
            text.push_str(&format!("  plain HTTP    redirected from http://{redirect}\n"));
        }
        text.push_str(&format!("  metrics       http://{}/metrics", self.admin));
        Ok(text)
    }
}
