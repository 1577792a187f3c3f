//! Follows a source for as long as the service runs.

use std::time::Duration;

use tokio::sync::watch;
use tracing::{error, info, warn};

use super::changes::MAX_WAIT;
use super::collector::Collector;
use super::options::SourceOptions;
use super::report::PullReport;
use super::state::SourceState;
use crate::store::Store;

/// How often the state is looked at: an operator may have changed it.
const TICK: Duration = Duration::from_secs(5);

/// Polls a source whenever it is due, until `shutdown` is true. Of several processes that share the log, the one that scans
/// the folder does.
pub async fn run(collector: Collector, source: SourceOptions, mut shutdown: watch::Receiver<bool>) {
    // At most one request at a time per host: one that waits would delay those of the other sources there.
    let is_alone = |host| {
        let others = collector.0.options.sources.iter().filter(|other| other.name != source.name);
        others.filter_map(SourceOptions::host).all(|other| other != host)
    };
    let wait = if source.host().is_some_and(is_alone) { MAX_WAIT } else { Duration::ZERO };
    loop {
        tokio::select! {
            _ = shutdown.wait_for(|stop| *stop) => return,
            () = poll_if_due(&collector, &source, wait) => {}
        }
        tokio::select! {
            _ = shutdown.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

async fn poll_if_due(collector: &Collector, source: &SourceOptions, wait: Duration) {
    let store = &collector.0.store;
    // Errors of the store are logged by the maintenance loop.
    if !matches!(store.acquire_scan_lease().await, Ok(true)) {
        return;
    }
    let Ok(state) = SourceState::load(store, source).await else { return };
    if collector.0.note(source, &state).await.is_err() {
        return;
    }
    if !source.enabled {
        return;
    }
    if !state.is_due(store.clock().now()) && !is_told(store, source, &state).await {
        return;
    }
    let (of_task, source_of_task) = (collector.clone(), source.clone());
    // A task of its own: what a feed may break stays with its source.
    match tokio::spawn(async move { of_task.poll(&source_of_task, wait).await }).await {
        Ok(Ok(report)) => log_report(source, &state, &report),
        Ok(Err(cause)) => {
            error!(source = %source.name, %cause, "the articles of a source were not stored; trying again")
        }
        Err(cause) => {
            error!(source = %source.name, %cause, "reading a source failed");
            tokio::time::sleep(source.every).await;
        }
    }
}

/// True if the hub of a source has told of a change since its last poll.
async fn is_told(store: &Store, source: &SourceOptions, state: &SourceState) -> bool {
    // After a failure the next poll is when it is due.
    if !state.hub.is_subscribed || state.is_paused || state.is_gone || state.failing_since.is_some() {
        return false;
    }
    let hub = store.source_hub(&source.name).await;
    hub.is_ok_and(|hub| hub.is_some_and(|hub| hub.notified > state.hub.seen))
}

fn log_report(source: &SourceOptions, before: &SourceState, report: &PullReport) {
    match &report.error {
        Some(reason) if before.failing_since.is_none() => {
            warn!(source = %source.name, %reason, "a source fails")
        }
        None if before.failing_since.is_some() => info!(source = %source.name, "a source answers again"),
        _ => {}
    }
    for (title, reason) in &report.doubtful {
        warn!(source = %source.name, %title, %reason, "an item is held back");
    }
    for title in &report.unsettled {
        warn!(source = %source.name, %title, "an item changes again and again; its newest version waits");
    }
    let PullReport { published, corrected, withdrawn, .. } = report;
    if published + corrected + withdrawn > 0 {
        info!(source = %source.name, published, corrected, withdrawn, "articles collected");
    }
}
