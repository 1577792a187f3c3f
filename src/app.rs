//! Builds the whole and runs it: all wiring, and all spawning of long tasks.
//!
//! [`App::build`] opens the store, [`App::run`] serves on listeners that are bound already until the word to
//! stop. A task that ends before that word ends the process: half a service is worse than none, and whoever
//! started it starts it again.

mod metrics;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use crate::config::Config;
use crate::http::{
    AdminHandler, DoorOptions, Health, Listeners, RateLimitLayer, ServiceLimits, SiteHandler, server,
};
use crate::ingest::{self, Marking, mark_of};
use crate::render::{self, Renderer, SiteCache};
use crate::store::{LogPosition, Store};
use metrics::Metrics;

/// How often the log is compared with what was last heard of it.
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(1);
/// How often a replica says that it is there.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(5);

/// The service, ready to run.
pub struct App {
    config: Config,
    store: Store,
    renderer: Renderer,
    site_cache: SiteCache,
    ingest_counters: Arc<ingest::Counters>,
    render_counters: Arc<render::RenderCounters>,
    health: Arc<Health>,
}

impl App {
    /// Opens the store and wires the rooms. Nothing runs yet.
    ///
    /// # Errors
    /// Where the store cannot be opened.
    pub async fn build(config: Config) -> anyhow::Result<Self> {
        let store = open_store(&config).await?;
        let press_counters = Arc::new(render::RenderCounters::default());
        let (press, stand) = Renderer::new(store.clone(), config.render.clone(), Arc::clone(&press_counters));
        Ok(Self {
            config,
            store,
            renderer: press,
            site_cache: stand,
            ingest_counters: Arc::default(),
            render_counters: press_counters,
            health: Arc::default(),
        })
    }

    /// The store that the service stands on.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// How the service is; `ready` turns true while it runs.
    pub fn health(&self) -> Arc<Health> {
        Arc::clone(&self.health)
    }

    /// Serves readers on `readers` and the operator on `admin` until `shutdown` turns true, then ends all
    /// tasks in order. `ready` is called once, when the first scan and its editions are done.
    ///
    /// # Errors
    /// Where a task ended before it was told to.
    pub async fn run(
        self,
        readers: Listeners,
        admin: Listeners,
        ready: impl FnOnce(Store) + Send + 'static,
        shutdown: watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        let stop = watch::Sender::new(false);
        let mut tasks = Tasks { set: JoinSet::new(), stop: stop.clone() };
        let metrics = Metrics {
            server: readers.metrics(),
            ingest: Arc::clone(&self.ingest_counters),
            renderer: Arc::clone(&self.render_counters),
            store: self.store.clone(),
        };
        let service = SiteHandler::new(
            self.site_cache.clone(),
            self.store.clone(),
            self.config.render.clone(),
            Arc::clone(&self.health),
            ServiceLimits {
                // The other places are left to those who want an answer now.
                max_waiting: self.config.server.max_connections / 2,
                writes_per_minute: self.config.middleware.writes_per_minute,
            },
            stop.subscribe(),
        );
        let operator = AdminHandler::new(Arc::clone(&self.health), move || metrics.render());
        let door = self.config.server.clone();
        if self.config.middleware.is_off() {
            tasks.spawn_server("door", readers, door, move |request, from| service.answer(request, from));
        } else {
            let gate = RateLimitLayer::new(
                self.config.middleware.clone(),
                Arc::clone(&self.config.render.addresses),
            );
            tasks.spawn_server("door", readers, door, move |request, from| {
                let (gate, service) = (gate.clone(), service.clone());
                async move { gate.answer(request, from, |request, from| service.answer(request, from)).await }
            });
        }
        let admin_options = DoorOptions { max_connections: 64, ..self.config.server.clone() };
        tasks.spawn_server("admin door", admin, admin_options, move |request, from| {
            operator.clone().answer(request, from)
        });
        let (first_scan, scanned) = watch::channel(false);
        let (store, counters) = (self.store.clone(), Arc::clone(&self.ingest_counters));
        let (options, stopping) = (self.config.ingest.clone(), stop.subscribe());
        tasks.spawn("folder scan", async move {
            ingest::run(store, options, &counters, first_scan, stopping).await;
        });
        let announce_ready = render_then_ready(
            self.store.clone(),
            self.renderer,
            scanned,
            Arc::clone(&self.health),
            ready,
            stop.subscribe(),
        );
        tasks.spawn("press", announce_ready);
        tasks.spawn("tick", maintenance_loop(self.store.clone(), Arc::clone(&self.health), stop.subscribe()));
        let (store, stopping) = (self.store.clone(), stop.subscribe());
        tasks.spawn("listener", async move { store.listen(stopping).await });
        let meeting =
            heartbeat(self.store.clone(), short_fingerprint(&self.config.fingerprint), stop.subscribe());
        tasks.spawn("meeting", meeting);
        let outcome = tasks.run_until(shutdown).await;
        if let Err(cause) = self.store.deregister().await {
            warn!(%cause, "other replicas could not be told of the end; they notice in some seconds");
        }
        self.store.close().await;
        outcome
    }
}

/// Opens the store that the configuration names, and tells it what documents depend on.
///
/// # Errors
/// Where it cannot be opened; where it would begin a log in a folder that bears the mark of another one, as it does
/// when the disk of the log is not mounted.
pub async fn open_store(config: &Config) -> anyhow::Result<Store> {
    let mark = match config.ingest.marking {
        Marking::Kept => mark_of(&config.ingest.path),
        Marking::Renewed | Marking::None => None,
    };
    let another = |mark: &str| {
        anyhow!(
            "the folder of articles {} bears the mark of the log {mark}, and the log at {} is a new one. Mount or \
             restore the log that belongs to the folder (`bantin restore-backup`). If a new one is to begin, with \
             other numbers for all readers, run `bantin scan --confirm`",
            config.ingest.path.display(),
            config.store_for_people(),
        )
    };
    if let Some(mark) = &mark
        && !Store::exists(&config.store)
    {
        return Err(another(mark));
    }
    let store = Store::open(config.store.clone()).await.context("opening the store")?;
    if let Some(mark) = mark.filter(|mark| mark != store.log_id() && store.is_empty()) {
        store.close().await;
        return Err(another(&mark));
    }
    store.apply_config(&config.fingerprint).await.context("opening the store")?;
    Ok(store)
}

/// Prints what the first scan found, says that the service is ready, and goes on printing.
async fn render_then_ready(
    store: Store,
    mut press: Renderer,
    mut scanned: watch::Receiver<bool>,
    health: Arc<Health>,
    ready: impl FnOnce(Store) + Send + 'static,
    mut stop: watch::Receiver<bool>,
) {
    // What the log holds already is served at once; the scan may take a while.
    if let Err(cause) = press.render_changes().await {
        error!(%cause, "the first edition could not be printed");
    }
    tokio::select! {
        _ = stop.wait_for(|stop| *stop) => return,
        _ = scanned.wait_for(|scanned| *scanned) => {}
    }
    while let Err(cause) = press.render_changes().await {
        error!(%cause, "the first edition could not be printed; trying again");
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(MAINTENANCE_INTERVAL) => {}
        }
    }
    health.ready.store(true, Ordering::Release);
    ready(store);
    press.run(stop).await;
}

/// Once a second: hears other processes, heals lost notices, publishes what is due, and knows how the store is.
async fn maintenance_loop(store: Store, health: Arc<Health>, mut stop: watch::Receiver<bool>) {
    loop {
        let answered = heartbeat_loop(&store).await;
        let before = health.store.swap(answered.is_ok(), Ordering::AcqRel);
        let writable = store.try_writing().await;
        let was_writable = health.writes.swap(answered.is_ok() && writable.is_ok(), Ordering::AcqRel);
        match writable {
            Err(cause) if was_writable && answered.is_ok() => error!(%cause, "writes are refused"),
            Ok(()) if !was_writable && answered.is_ok() => info!("the store takes writes"),
            _ => {}
        }
        match answered {
            Ok(_) if !before => info!(log = store.log_id(), "the store answers"),
            Ok(_) => {}
            Err(cause) if before => warn!(%cause, "the store does not answer; serving from memory"),
            Err(_) => {}
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(MAINTENANCE_INTERVAL) => {}
        }
    }
}

/// Says every few seconds that this process is there, and warns where others serve the same log otherwise:
/// readers would see documents and validators go to and fro.
async fn heartbeat(store: Store, fingerprint: String, mut stop: watch::Receiver<bool>) {
    let mut known = Vec::new();
    loop {
        // An error is the tick's to tell.
        if let Ok(others) = store.heartbeat(&fingerprint).await
            && others != known
        {
            match others.is_empty() {
                true => info!(%fingerprint, "all replicas serve alike"),
                false => warn!(
                    %fingerprint, ?others,
                    "another replica of this log has another version or configuration: its documents differ"
                ),
            }
            known = others;
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(HEARTBEAT_INTERVAL) => {}
        }
    }
}

/// The program's version, and a word for all else that documents depend on beside the log.
fn short_fingerprint(whole: &str) -> String {
    let hash = Sha256::digest(whole.as_bytes());
    let word: String = hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("{} {word}", env!("CARGO_PKG_VERSION"))
}

async fn heartbeat_loop(store: &Store) -> Result<LogPosition, crate::store::StoreError> {
    if store.next_due().await?.is_some_and(|due| due <= store.clock().now()) {
        for accepted in store.publish_due().await? {
            info!(id = %accepted.id, verdict = ?accepted.outcome, "its time has come");
        }
    }
    store.poll_position().await
}

/// The long tasks. The first that ends takes the others with it.
struct Tasks {
    set: JoinSet<(&'static str, anyhow::Result<()>)>,
    stop: watch::Sender<bool>,
}

impl Tasks {
    fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.set.spawn(async move {
            task.await;
            (name, Ok(()))
        });
    }

    fn spawn_server<S, A>(
        &mut self,
        name: &'static str,
        listeners: Listeners,
        options: DoorOptions,
        service: S,
    ) where
        S: Fn(hyper::Request<server::RequestBody>, std::net::SocketAddr) -> A + Clone + Send + 'static,
        A: Future<Output = crate::http::response::HttpResponse> + 'static,
    {
        let stop = self.stop.subscribe();
        self.set.spawn_blocking(move || {
            (name, server::serve(listeners, &options, service, stop).map_err(anyhow::Error::from))
        });
    }

    /// Waits for the word to stop or for the first task to end, then stops all and waits for them.
    async fn run_until(mut self, mut shutdown: watch::Receiver<bool>) -> anyhow::Result<()> {
        let mut outcome = tokio::select! {
            _ = shutdown.wait_for(|stop| *stop) => Ok(()),
            ended = self.set.join_next() => match ended {
                Some(Ok((name, Ok(())))) => Err(anyhow!("the {name} has ended by itself")),
                Some(Ok((name, Err(cause)))) => Err(cause.context(format!("the {name} has failed"))),
                Some(Err(failure)) => Err(anyhow!(failure).context("a task has panicked")),
                None => Ok(()),
            },
        };
        self.stop.send_replace(true);
        while let Some(ended) = self.set.join_next().await {
            let ended = match ended {
                Ok((name, result)) => result.with_context(|| format!("the {name} has failed")),
                Err(failure) => Err(anyhow!(failure).context("a task has panicked")),
            };
            outcome = outcome.and(ended);
        }
        outcome
    }
}
