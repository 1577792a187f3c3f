//! Connects all modules and supervises the long-running tasks.
//!
//! [`App::build`] opens the store; [`App::run`] serves on bound listeners until shutdown. If a task exits before
//! that, the process ends: a partial service is worse than none, and the process supervisor restarts it.
//!
//! [`supervise`] replaces a running app by one with another configuration, on the same sockets and the same store.

mod metrics;
mod process;
mod service_manager;
mod sockets;
mod supervisor;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{debug, error, info, warn};

use crate::config::Config;
use crate::http::metrics::ServerMetrics;
use crate::http::{
    AdminHandler, AppState, Exchange, Health, Listeners, RateLimitLayer, RedirectHandler, ServerOptions,
    ServiceLimits, SiteHandler, TlsCertificate, ValidityProblem, change_json, server,
};
use crate::ingest::{self, Marking, mark_of};
use crate::latency::Latency;
use crate::pull::{self, Collector};
use crate::push::{self, ChangeForm, Hub, HubCounters, IndexNow, OutsideHub, Webhook};
use crate::render::{self, Renderer, SiteCache};
use crate::store::{CheckPace, LogPosition, Store};
use crate::text::hex;
use crate::time::{Clock, Timestamp};
use metrics::Metrics;

pub use sockets::Sockets;
pub use supervisor::{Supervision, supervise};

/// How often the log is polled.
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(1);
/// How long the check of the database waits for the service to be ready.
const CHECK_AFTER: Duration = Duration::from_secs(10);
/// How often the files of the certificate are read.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(60);
/// How often a replica registers its presence.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(5);

/// The service, ready to run.
pub struct App {
    config: Config,
    tls: Option<TlsCertificate>,
    store: Store,
    renderer: Renderer,
    site_cache: SiteCache,
    counters: Counters,
    health: Arc<Health>,
    /// Another app serves until this one is ready.
    replaces: bool,
}

/// The parts of a running app that its successor shares.
pub struct RunningApp {
    store: Store,
    fingerprint: String,
    /// When the configuration must be read again.
    expires_at: Option<Timestamp>,
    counters: Counters,
}

/// What all apps of a process count together.
#[derive(Clone, Default)]
struct Counters {
    ingest: Arc<ingest::Counters>,
    render: Arc<render::RenderCounters>,
    hub: Arc<HubCounters>,
    /// Duration of the reads by which the store is checked.
    store_reads: Arc<Latency>,
    /// When the newest backup was begun, in Unix seconds; 0 if there is none.
    last_backup: Arc<AtomicU64>,
}

impl App {
    /// Opens the store and connects the modules. Nothing runs yet.
    ///
    /// # Errors
    /// If the store cannot be opened, or the certificate cannot be used.
    pub async fn build(config: Config) -> anyhow::Result<Self> {
        let tls = load_certificate(&config)?;
        let store = open_store(&config).await?;
        Ok(Self::connect(config, tls, store, Counters::default()))
    }

    /// An app with another configuration that can run beside this one and replace it. It shares the connections to the
    /// store and the counters.
    ///
    /// # Errors
    /// If the configuration names another store or a certificate that cannot be used, or the store refuses it.
    pub async fn successor(running: &RunningApp, config: Config) -> anyhow::Result<Self> {
        let tls = load_certificate(&config)?;
        let store = running.store.with_options(config.store.clone())?;
        check_mark(&config, &store)?;
        store.apply_config(&config.fingerprint).await.context("applying the configuration to the store")?;
        Ok(Self { replaces: true, ..Self::connect(config, tls, store, running.counters.clone()) })
    }

    fn connect(config: Config, tls: Option<TlsCertificate>, store: Store, counters: Counters) -> Self {
        let (renderer, site_cache) =
            Renderer::new(store.clone(), config.render.clone(), Arc::clone(&counters.render));
        let health = Arc::new(Health { notice: config.render.site.notice.clone(), ..Health::default() });
        Self { config, tls, store, renderer, site_cache, counters, health, replaces: false }
    }

    /// What a successor needs of this app.
    pub fn handle(&self) -> RunningApp {
        RunningApp {
            store: self.store.clone(),
            fingerprint: self.config.fingerprint.clone(),
            expires_at: self.config.expires_at,
            counters: self.counters.clone(),
        }
    }

    /// The outside hub and the webhooks of the configuration.
    fn spawn_configured_targets(&self, tasks: &mut Tasks) {
        let Config { outside_hub, webhooks, indexnow, hub, render, .. } = &self.config;
        if let Some(url) = outside_hub {
            let (site, urls) = (self.site_cache.clone(), Arc::clone(&render.addresses));
            let hub = OutsideHub::new(self.store.clone(), site, urls, url.clone(), &hub.user_agent);
            tasks.spawn("outside hub", hub.run(tasks.stop.subscribe()));
        }
        for options in webhooks {
            let form = (render.clone(), change_json as ChangeForm);
            let counters = Arc::clone(&self.counters.hub);
            let webhook = Webhook::new(self.store.clone(), options.clone(), form, &hub.user_agent, counters);
            tasks.spawn("webhook", webhook.run(tasks.stop.subscribe()));
        }
        if let Some(options) = indexnow {
            let indexnow = IndexNow::new(self.store.clone(), options.clone());
            tasks.spawn("IndexNow", indexnow.run(tasks.stop.subscribe()));
        }
    }

    /// Scans the folder from now on. True is sent after the first scan.
    fn spawn_scan(&self, tasks: &mut Tasks) -> watch::Receiver<bool> {
        let (first_scan, scanned) = watch::channel(false);
        let (store, counters) = (self.store.clone(), Arc::clone(&self.counters.ingest));
        let (options, stop) = (self.config.ingest.clone(), tasks.stop.subscribe());
        tasks.spawn("folder scan", async move {
            ingest::run(store, options, &counters, first_scan, stop).await;
        });
        scanned
    }

    fn spawn_maintenance(&self, tasks: &mut Tasks) {
        let (store, counters, health) = (self.store.clone(), self.counters.clone(), Arc::clone(&self.health));
        tasks.spawn("maintenance", maintenance_loop(store, counters, health, tasks.stop.subscribe()));
        let fingerprint = short_fingerprint(&self.config.fingerprint);
        tasks.spawn("heartbeat", heartbeat_loop(self.store.clone(), fingerprint, tasks.stop.subscribe()));
    }

    fn metrics(&self, server: ServerMetrics, sources: Collector) -> Metrics {
        Metrics {
            sources,
            server,
            ingest: Arc::clone(&self.counters.ingest),
            renderer: Arc::clone(&self.counters.render),
            hub: Arc::clone(&self.counters.hub),
            store_reads: Arc::clone(&self.counters.store_reads),
            last_backup: Arc::clone(&self.counters.last_backup),
            tls: self.tls.clone(),
            store: self.store.clone(),
            health: Arc::clone(&self.health),
        }
    }

    /// The hub of this service, if it runs one.
    fn hub(&self) -> Option<Hub> {
        self.config.hub.enabled.then(|| {
            Hub::new(
                self.store.clone(),
                self.site_cache.clone(),
                Arc::clone(&self.config.render.addresses),
                self.config.hub.clone(),
                Arc::clone(&self.counters.hub),
            )
        })
    }

    fn site_handler(&self, exchange: Exchange, stop: watch::Receiver<bool>) -> SiteHandler {
        let limits = ServiceLimits {
            // The other connections are reserved for requests that do not wait.
            max_waiting: self.config.server.max_connections / 2,
            writes_per_minute: self.config.middleware.writes_per_minute,
            hub_requests_per_minute: self.config.hub_requests_per_minute,
            trusted_proxies: self.config.middleware.trusted_proxies.clone(),
        };
        SiteHandler::new(AppState::new(
            self.site_cache.clone(),
            self.store.clone(),
            self.config.render.clone(),
            Arc::clone(&self.health),
            exchange,
            limits,
            stop,
        ))
    }

    /// Serves readers, with the limits and the log lines of the middleware if there are any.
    fn spawn_site(&self, tasks: &mut Tasks, readers: Listeners, handler: SiteHandler) {
        let (options, middleware) = (self.config.server.clone(), self.config.middleware.clone());
        if middleware.is_off() {
            return tasks.spawn_server("server", readers, options, handler);
        }
        let middleware = RateLimitLayer::new(middleware, Arc::clone(&self.config.render.addresses));
        tasks.spawn_server("server", readers, options, move |request, from| {
            let (middleware, handler) = (middleware.clone(), handler.clone());
            async move { middleware.answer(request, from, handler).await }
        });
    }

    /// Serves readers and the operator on `sockets` until `shutdown` is true, then stops all tasks.
    /// `ready` is called once, after the first scan is rendered. An app that replaces another one serves from then on.
    /// The store stays open.
    ///
    /// # Errors
    /// If a task exits before shutdown.
    pub async fn run(
        self,
        sockets: Sockets,
        ready: impl FnOnce(Store) + Send + 'static,
        shutdown: watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        let Sockets { public, admin, redirect, .. } = sockets;
        let readers = public.with_tls(self.tls.clone());
        let stop = watch::Sender::new(false);
        let start = watch::Sender::new(!self.replaces);
        let mut tasks = Tasks { set: JoinSet::new(), start: start.subscribe(), stop: stop.clone() };
        let collector = Collector::new(self.store.clone(), self.config.pull.clone());
        let metrics = self.metrics(readers.metrics(), collector.clone());
        let hub = self.hub();
        if let Some(hub) = &hub {
            tasks.spawn("hub", push::run(hub.clone(), stop.subscribe()));
        }
        self.spawn_configured_targets(&mut tasks);
        for source in &self.config.pull.sources {
            tasks.spawn("source", pull::run(collector.clone(), source.clone(), stop.subscribe()));
        }
        if let Some(tls) = self.tls.clone() {
            tasks.spawn("certificate", renewal_loop(tls, self.store.clock().clone(), stop.subscribe()));
        }
        tasks.spawn("image copies", ingest::make_copies(self.store.clone(), stop.subscribe()));
        let scanned = self.spawn_scan(&mut tasks);
        let (first_listen, listening) = watch::channel(false);
        let (store, stopping) = (self.store.clone(), stop.subscribe());
        tasks.spawn("log notifications", async move { store.listen(first_listen, stopping).await });
        let is_ready = watch::Sender::new(false);
        if !self.replaces {
            let check = check_database(self.store.clone(), is_ready.subscribe(), stop.subscribe());
            tasks.spawn("database check", check);
        }
        self.spawn_maintenance(&mut tasks);
        let handler = self.site_handler(Exchange { hub, collector }, stop.subscribe());
        self.spawn_site(&mut tasks, readers, handler);
        let operator = AdminHandler::new(Arc::clone(&self.health), move || metrics.render());
        let admin_options = ServerOptions { max_connections: 64, ..self.config.server.clone() };
        tasks.spawn_server("admin server", admin, admin_options, move |request, from| {
            operator.clone().answer(request, from)
        });
        if let Some((listeners, options)) = redirect.zip(self.config.redirect.clone()) {
            let handler = RedirectHandler::new(options);
            tasks.spawn_server("redirects", listeners, self.config.server.clone(), move |request, from| {
                handler.clone().answer(request, from)
            });
        }
        let announce_ready = render_then_ready(
            self.store.clone(),
            self.renderer,
            [scanned, listening],
            self.health,
            move |store| {
                start.send_replace(true);
                is_ready.send_replace(true);
                ready(store);
            },
            stop.subscribe(),
        );
        tasks.spawn("renderer", announce_ready);
        let outcome = tasks.run_until(shutdown).await;
        if let Err(cause) = self.store.deregister().await {
            warn!(%cause, "could not deregister; other replicas will notice within seconds");
        }
        outcome
    }
}

fn load_certificate(config: &Config) -> anyhow::Result<Option<TlsCertificate>> {
    let load = |files| TlsCertificate::load(files).context("[server.tls]");
    config.tls.as_ref().map(load).transpose()
}

/// Logs why clients refuse the certificate, or soon will.
pub fn log_certificate_problem(problem: Option<ValidityProblem>) {
    match problem {
        Some(soon @ ValidityProblem::ExpiresSoon(_)) => warn!("[server.tls] {soon}"),
        Some(problem) => error!("[server.tls] {problem}"),
        None => {}
    }
}

/// Once a minute: reads the certificate again, which others renew, and says if clients refuse it or soon will.
async fn renewal_loop(tls: TlsCertificate, clock: Clock, mut stop: watch::Receiver<bool>) {
    let (mut failed, mut known) = (false, None);
    loop {
        let problem = tls.problem_at(clock.now());
        if problem != known {
            log_certificate_problem(problem);
            known = problem;
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(RENEWAL_INTERVAL) => {}
        }
        let certificate = tls.clone();
        let renewed = tokio::task::spawn_blocking(move || certificate.renew()).await;
        match &renewed {
            Ok(Ok(true)) => info!("the certificate was renewed"),
            // One line for each failure, not one a minute.
            Ok(Err(cause)) if !failed => {
                error!(%cause, "the new certificate cannot be used; the previous one remains in effect");
            }
            _ => {}
        }
        failed = !matches!(renewed, Ok(Ok(_)));
    }
}

/// Opens the configured store and applies the configuration to it.
///
/// # Errors
/// If it cannot be opened, or if it would start a new log while the article folder has the marker of another one, for
/// example because the disk of the log is not mounted.
pub async fn open_store(config: &Config) -> anyhow::Result<Store> {
    if let Some(mark) = expected_log(config)
        && !Store::exists(&config.store)
    {
        return Err(another_log(config, &mark));
    }
    let store = Store::open(config.store.clone()).await.context("opening the store")?;
    if let Err(another) = check_mark(config, &store) {
        store.close().await;
        return Err(another);
    }
    store.apply_config(&config.fingerprint).await.context("opening the store")?;
    Ok(store)
}

/// The log whose marker the article folder has, if that binds.
fn expected_log(config: &Config) -> Option<String> {
    match config.ingest.marking {
        Marking::Kept => mark_of(&config.ingest.path),
        Marking::Renewed | Marking::None => None,
    }
}

/// Refuses an empty log if the article folder has the marker of another one.
fn check_mark(config: &Config, store: &Store) -> anyhow::Result<()> {
    match expected_log(config) {
        Some(mark) if mark != store.log_id() && store.is_empty() => Err(another_log(config, &mark)),
        _ => Ok(()),
    }
}

fn another_log(config: &Config, mark: &str) -> anyhow::Error {
    anyhow!(
        "the folder of articles {} has the marker of the log {mark}, but the log at {} is a new one. Mount or restore \
         the log that belongs to the folder (`bantin restore-backup`). To start a new log, with other numbers for all \
         readers, run `bantin scan --confirm`",
        config.ingest.path.display(),
        config.redacted_store_url(),
    )
}

/// Renders the site once the `conditions` are met, reports readiness, and then renders every change. They are the first
/// scan, and that notifications of other replicas arrive: a replica that missed one would serve an older feed than the
/// others for up to a second.
async fn render_then_ready(
    store: Store,
    mut renderer: Renderer,
    conditions: [watch::Receiver<bool>; 2],
    health: Arc<Health>,
    ready: impl FnOnce(Store) + Send + 'static,
    mut stop: watch::Receiver<bool>,
) {
    // Articles that are already in the log are served at once; the scan may take a while.
    renderer.try_to_render().await;
    for mut condition in conditions {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            _ = condition.wait_for(|is_met| *is_met) => {}
        }
    }
    while !renderer.try_to_render().await {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(MAINTENANCE_INTERVAL) => {}
        }
    }
    health.ready.store(true, Ordering::Release);
    ready(store);
    renderer.run(stop).await;
}

/// Once a second: polls the log for changes of other processes, publishes scheduled articles, checks the store.
async fn maintenance_loop(
    store: Store,
    counters: Counters,
    health: Arc<Health>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let answered = maintain(&store, &counters).await;
        let before = health.store.swap(answered.is_ok(), Ordering::AcqRel);
        let writable = store.try_writing().await;
        let was_writable = health.writes.swap(answered.is_ok() && writable.is_ok(), Ordering::AcqRel);
        match writable {
            Err(cause) if was_writable && answered.is_ok() => error!(%cause, "the store rejects writes"),
            Ok(()) if !was_writable && answered.is_ok() => info!("the store accepts writes"),
            _ => {}
        }
        match answered {
            Ok(_) if !before => info!(log = store.log_id(), "the store is available"),
            Ok(_) => {}
            Err(cause) if before => warn!(%cause, "the store is unavailable; serving from memory"),
            Err(_) => {}
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(MAINTENANCE_INTERVAL) => {}
        }
    }
}

/// Reads the whole database once, beside the requests, and names what is damaged. Begins when the service is ready, which
/// it would delay, or soon: damage may be why it does not become ready.
async fn check_database(store: Store, mut is_ready: watch::Receiver<bool>, mut stop: watch::Receiver<bool>) {
    tokio::select! {
        _ = stop.wait_for(|stop| *stop) => return,
        _ = tokio::time::timeout(CHECK_AFTER, is_ready.wait_for(|is_ready| *is_ready)) => {}
    }
    match store.find_damage(CheckPace::Background, stop.clone()).await {
        Ok(found) if found.is_empty() => debug!("the database was checked and is intact"),
        Ok(found) => {
            for damage in &found {
                error!(%damage, "the database is damaged");
            }
            error!(
                "stop the service, keep a copy of the database, and restore the last backup by `bantin restore-backup`"
            );
        }
        Err(cause) => warn!(%cause, "the database could not be checked for damage"),
    }
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Registers the presence of this process and warns if another replica has a different version or configuration:
/// clients would see documents and validators alternate.
async fn heartbeat_loop(store: Store, fingerprint: String, mut stop: watch::Receiver<bool>) {
    let mut known = Vec::new();
    loop {
        // The maintenance loop logs errors of the store.
        if let Ok(others) = store.heartbeat(&fingerprint).await
            && others != known
        {
            match others.is_empty() {
                true => info!(%fingerprint, "all replicas have the same version and configuration"),
                false => warn!(
                    %fingerprint, ?others,
                    "another replica of this log has a different version or configuration; its documents differ"
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

/// The program version, and a hash of everything else that documents depend on besides the log.
fn short_fingerprint(fingerprint: &str) -> String {
    let hash = Sha256::digest(fingerprint.as_bytes());
    format!("{} {}", env!("CARGO_PKG_VERSION"), hex(&hash[..6]))
}

async fn maintain(store: &Store, counters: &Counters) -> Result<LogPosition, crate::store::StoreError> {
    if store.next_due().await?.is_some_and(|due| due <= store.clock().now()) {
        for accepted in store.publish_due().await? {
            info!(id = %accepted.id, outcome = ?accepted.outcome, "scheduled article published");
        }
    }
    let started = Instant::now();
    let position = store.poll_position().await?;
    counters.store_reads.record(started.elapsed());
    let backup = store.last_backup().await?.map_or(0, |began| began.timestamp());
    counters.last_backup.store(u64::try_from(backup).unwrap_or_default(), Ordering::Relaxed);
    Ok(position)
}

/// The long-running tasks. When the first one exits, all are stopped.
struct Tasks {
    set: JoinSet<(&'static str, anyhow::Result<()>)>,
    /// True once the servers may accept connections.
    start: watch::Receiver<bool>,
    stop: watch::Sender<bool>,
}

impl Tasks {
    fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.set.spawn(async move {
            task.await;
            (name, Ok(()))
        });
    }

    fn spawn_server(
        &mut self,
        name: &'static str,
        listeners: Listeners,
        options: ServerOptions,
        service: impl server::Service + Clone + Send,
    ) {
        let (mut start, stop) = (self.start.clone(), self.stop.subscribe());
        let (runtime, mut stopping) = (tokio::runtime::Handle::current(), stop.clone());
        self.set.spawn_blocking(move || {
            let stopped = runtime.block_on(async {
                tokio::select! {
                    biased;
                    _ = stopping.wait_for(|stop| *stop) => true,
                    _ = start.wait_for(|start| *start) => false,
                }
            });
            if stopped {
                return (name, Ok(()));
            }
            (name, server::serve(listeners, &options, service, stop).map_err(anyhow::Error::from))
        });
    }

    /// Waits for shutdown or for the first task to exit, then stops all tasks and waits for them.
    async fn run_until(mut self, mut shutdown: watch::Receiver<bool>) -> anyhow::Result<()> {
        let mut outcome = tokio::select! {
            _ = shutdown.wait_for(|stop| *stop) => Ok(()),
            ended = self.set.join_next() => match ended {
                Some(Ok((name, Ok(())))) => Err(anyhow!("task {name} exited unexpectedly")),
                Some(Ok((name, Err(cause)))) => Err(cause.context(format!("task {name} failed"))),
                Some(Err(failure)) => Err(anyhow!(failure).context("a task panicked")),
                None => Ok(()),
            },
        };
        self.stop.send_replace(true);
        while let Some(ended) = self.set.join_next().await {
            let ended = match ended {
                Ok((name, result)) => result.with_context(|| format!("task {name} failed")),
                Err(failure) => Err(anyhow!(failure).context("a task panicked")),
            };
            outcome = outcome.and(ended);
        }
        outcome
    }
}
