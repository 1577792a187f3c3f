//! Replaces the running app when the configuration is reloaded.
//!
//! A reload is a restart inside the process: a second app with the new configuration starts on the same sockets and the
//! same store, and renders everything. Once it is ready, it accepts the connections, and the first one finishes its
//! responses and ends. If the new configuration is refused at any point before, the first app goes on.
//!
//! A configuration is also read again when it expires: when the notice on the pages appears or disappears.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use chrono::TimeDelta;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tracing::{error, info};

use super::sockets::Sockets;
use super::{App, RunningApp, service_manager};
use crate::config::Config;
use crate::logging::set_json;
use crate::store::Store;
use crate::time::{Clock, Timestamp};

/// The delay until an expired configuration is read again after it was refused.
const RETRY_DELAY: TimeDelta = TimeDelta::seconds(60);
/// The clock may be set and the machine may sleep, so it is looked at again at least this often.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// What tells the supervisor to act.
pub struct Supervision<L, R> {
    /// Reads the configuration again.
    pub load: L,
    /// Called once, when the first app is ready.
    pub ready: R,
    /// One message per request to reload.
    pub reloads: mpsc::Receiver<()>,
    /// True at shutdown.
    pub shutdown: watch::Receiver<bool>,
}

/// An app that was started.
struct Started {
    app: RunningApp,
    sockets: Sockets,
    stop: watch::Sender<bool>,
    task: JoinHandle<anyhow::Result<()>>,
    is_ready: oneshot::Receiver<Store>,
}

/// Why the supervisor woke up.
enum Wake {
    Stop,
    Reload,
    Ready,
    Ended(anyhow::Result<()>),
}

/// Runs `app` until shutdown. At each request to reload, an app with the new configuration replaces it.
///
/// # Errors
/// If a task of the running app exits before shutdown.
pub async fn supervise<L, R>(app: App, sockets: Sockets, supervision: Supervision<L, R>) -> anyhow::Result<()>
where
    L: Fn() -> anyhow::Result<Config>,
    R: FnOnce(Store) + Send + 'static,
{
    let Supervision { load, ready, mut reloads, mut shutdown } = supervision;
    let store = app.store.clone();
    let admin = watch::Sender::new(sockets.admin.local_addr());
    let address = admin.subscribe();
    let watchdog = tokio::spawn(service_manager::watchdog(move || *address.borrow()));
    let mut ready = Some(ready);
    service_manager::starting();
    let mut current = start(app, sockets)?;
    let outcome = loop {
        match next(&mut current, ready.is_some(), &mut reloads, &mut shutdown).await {
            Wake::Ended(outcome) => break outcome,
            Wake::Stop => break stop(current).await,
            Wake::Ready => {
                service_manager::ready("serving");
                if let Some(ready) = ready.take() {
                    ready(store.clone());
                }
            }
            Wake::Reload => {
                service_manager::reloading();
                let status = match replace(&mut current, &load, &mut shutdown).await {
                    Ok(()) => "serving; the configuration was reloaded".to_owned(),
                    Err(cause) => {
                        let cause = format!("{cause:#}");
                        error!(%cause, "the new configuration was refused; the previous one remains in effect");
                        current.app.postpone_expiry(store.clock());
                        "serving; the new configuration was refused".to_owned()
                    }
                };
                admin.send_replace(current.sockets.admin.local_addr());
                service_manager::ready(&status);
            }
        }
    };
    watchdog.abort();
    store.close().await;
    outcome
}

async fn next(
    current: &mut Started,
    starting: bool,
    reloads: &mut mpsc::Receiver<()>,
    shutdown: &mut watch::Receiver<bool>,
) -> Wake {
    let clock = current.app.store.clock().clone();
    tokio::select! {
        biased;
        _ = shutdown.wait_for(|stop| *stop) => Wake::Stop,
        ended = &mut current.task => Wake::Ended(flatten(ended)),
        Ok(_) = &mut current.is_ready, if starting => Wake::Ready,
        Some(()) = reloads.recv() => Wake::Reload,
        () = reached(current.app.expires_at, &clock) => {
            info!("the notice changes: reading the configuration again");
            Wake::Reload
        }
    }
}

/// Waits until the clock shows `time`; for ever if there is none.
async fn reached(time: Option<Timestamp>, clock: &Clock) {
    let Some(time) = time else { return std::future::pending().await };
    while let Ok(left) = (time - clock.now()).to_std()
        && !left.is_zero()
    {
        tokio::time::sleep(left.min(MAX_WAIT)).await;
    }
}

impl RunningApp {
    /// An expired configuration that was refused is read again later.
    fn postpone_expiry(&mut self, clock: &Clock) {
        let now = clock.now();
        self.expires_at = self.expires_at.map(|time| if time <= now { now + RETRY_DELAY } else { time });
    }
}

fn start(app: App, sockets: Sockets) -> anyhow::Result<Started> {
    let (stop, stopped) = watch::channel(false);
    let (announce, is_ready) = oneshot::channel();
    let handle = app.handle();
    let run = app.run(sockets.share()?, move |store| drop(announce.send(store)), stopped);
    Ok(Started { app: handle, sockets, stop, task: tokio::spawn(run), is_ready })
}

async fn stop(started: Started) -> anyhow::Result<()> {
    service_manager::stopping();
    let Started { sockets, stop, task, .. } = started;
    // Held for a successor. With the workers', the last copies are closed: otherwise clients would go on connecting, and
    // be reset at the end. A socket of the service manager stays open there.
    drop(sockets);
    stop.send_replace(true);
    flatten(task.await)
}

fn flatten(ended: Result<anyhow::Result<()>, tokio::task::JoinError>) -> anyhow::Result<()> {
    ended.map_err(|failure| anyhow!(failure).context("a task panicked"))?
}

/// Starts an app with the new configuration, waits until it is ready, and then ends the current one.
async fn replace(
    current: &mut Started,
    load: impl Fn() -> anyhow::Result<Config>,
    shutdown: &mut watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let config = load()?;
    let sockets = current.sockets.for_successor(&config)?;
    let json_log = config.json_log;
    let app = App::successor(&current.app, config).await?;
    let mut next = start(app, sockets)?;
    let failed = tokio::select! {
        biased;
        Ok(_) = &mut next.is_ready => None,
        ended = &mut next.task => Some(flatten(ended).err().unwrap_or_else(|| anyhow!("it ended at once"))),
        _ = shutdown.wait_for(|stop| *stop) => {
            next.stop.send_replace(true);
            let ended = flatten((&mut next.task).await);
            Some(ended.err().unwrap_or_else(|| anyhow!("the service is being stopped")))
        }
    };
    if let Some(cause) = failed {
        // The store knows the new configuration already.
        current
            .app
            .store
            .apply_config(&current.app.fingerprint)
            .await
            .context("returning to the previous one")?;
        return Err(cause);
    }
    let previous = std::mem::replace(current, next);
    set_json(json_log);
    info!("the configuration was reloaded");
    previous.stop.send_replace(true);
    flatten(previous.task.await).context("ending the previous configuration")
}
