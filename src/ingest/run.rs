//! Scans the folder while the service runs: after file events, and periodically.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch as channel;
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::options::{IngestOptions, WatchMode};
use super::report::ScanReport;
use super::scan::{ABSENT, Scanner};
use super::watch::{Touched, Watch};
use crate::parse::Severity;
use crate::store::Store;

/// Scans without an event, if there are events.
const RESCAN_INTERVAL: Duration = Duration::from_secs(10);
/// Scans without an event take at most this part of one core.
const SHARE_OF_SCANS: u32 = 200;
/// Scans of a folder that sends no events, such as a network share.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Minimum time between two scans, however many events there are.
const MIN_SCAN_GAP: Duration = Duration::from_millis(20);
/// After a scan of the whole folder that an event requested, the next one waits this many times as long as the scan
/// took. Files that are known to have changed do not wait for it.
const REST_OF_SCANS: u32 = 4;
/// How often the right to scan is requested or renewed.
const LEASE_RENEWAL: Duration = Duration::from_secs(1);
/// After the store failed.
const RETRY: Duration = Duration::from_secs(2);

/// Counters of the scans, for the metrics page.
#[derive(Debug, Default)]
pub struct Counters {
    /// Scans, whole or partial.
    pub scans: AtomicU64,
    /// Revisions caused by files.
    pub revisions: AtomicU64,
    /// Files whose newest bytes are rejected, as of the last scan.
    pub rejected: AtomicU64,
}

/// Scans the folder until `shutdown` becomes true. Of several processes that share the log, one scans at a time.
/// `first_scan` becomes true once everything that was in the folder at the start has settled and is stored, or another
/// process scans.
pub async fn run(
    store: Store,
    options: IngestOptions,
    counters: &Counters,
    first_scan: channel::Sender<bool>,
    mut shutdown: channel::Receiver<bool>,
) {
    loop {
        tokio::select! {
            _ = shutdown.wait_for(|stop| *stop) => return,
            () = acquire_lease(&store, &first_scan) => {}
        }
        info!("this process scans the folder");
        tokio::select! {
            () = scan_until(&store, &options, counters, &first_scan, shutdown.clone()) => return,
            () = lease_lost(&store) => warn!("this process no longer scans the folder"),
        }
    }
}

/// Waits until this process holds the scan lease.
async fn acquire_lease(store: &Store, first_scan: &channel::Sender<bool>) {
    loop {
        match store.acquire_scan_lease().await {
            Ok(true) => return,
            Ok(false) => {
                first_scan.send_replace(true);
            }
            // The maintenance loop logs that the store does not answer.
            Err(_) => {}
        }
        tokio::time::sleep(LEASE_RENEWAL).await;
    }
}

/// Renews the lease; returns when it is lost.
async fn lease_lost(store: &Store) {
    while let Ok(true) = store.acquire_scan_lease().await {
        tokio::time::sleep(LEASE_RENEWAL).await;
    }
}

async fn scan_until(
    store: &Store,
    options: &IngestOptions,
    counters: &Counters,
    first_scan: &channel::Sender<bool>,
    mut shutdown: channel::Receiver<bool>,
) {
    let mut watch = Watch::new(&options.path, options.watch);
    let mut scanner = Scanner::new(store.clone(), options.clone());
    let mut rhythm = Rhythm::new(options.watch);
    let mut touched = Touched::default();
    let mut scanned = false;
    loop {
        let started = Instant::now();
        scanner.note_written(watch.written());
        let whole = touched.whole && started >= rhythm.rested || started >= rhythm.due;
        if whole {
            watch.renew();
            // The scan covers everything that was reported until now.
            touched = Touched::default();
            watch.take();
        }
        let result = match whole {
            true => scanner.scan(false).await,
            false => scanner.scan_touched(&std::mem::take(&mut touched.files)).await,
        };
        let (again, looking) = match result {
            Ok(report) => {
                count(&report, counters);
                log_report(&report, store);
                scanned |= whole;
                if scanned && !report.unsettled {
                    first_scan.send_replace(true);
                }
                if whole || report.suspended_reason.is_some() {
                    rhythm.scanned(&report, watch.is_whole());
                }
                (report.next_scan_in.map(|pause| Instant::now() + pause), report.looking)
            }
            Err(cause) => {
                error!(%cause, "cannot store the articles of the folder; retrying");
                rhythm.failed();
                (None, RETRY)
            }
        };
        // Even with continuous events, half of the time is left to other work.
        tokio::select! {
            _ = shutdown.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(if whole { MIN_SCAN_GAP } else { MIN_SCAN_GAP.max(looking) }) => {}
        }
        let rested = touched.whole.then_some(rhythm.rested);
        let wake = [again, rested, Some(rhythm.due)].into_iter().flatten().min();
        tokio::select! {
            _ = shutdown.wait_for(|stop| *stop) => return,
            () = watch.changed() => {}
            () = tokio::time::sleep_until(wake.unwrap_or(rhythm.due)) => {}
        }
        let changes = watch.take();
        touched.files.extend(changes.files);
        touched.whole |= changes.whole;
    }
}

/// Schedules the scans of the whole folder.
struct Rhythm {
    watching: WatchMode,
    /// The earliest time, whatever events say.
    rested: Instant,
    /// The time of the next scan without any event.
    due: Instant,
}

impl Rhythm {
    fn new(watching: WatchMode) -> Self {
        let now = Instant::now();
        Self { watching, rested: now, due: now }
    }

    /// `gets_all_events`: every change causes an event.
    fn scanned(&mut self, report: &ScanReport, gets_all_events: bool) {
        const YEAR: Duration = Duration::from_secs(365 * 86_400);
        let (now, looking) = (Instant::now(), report.looking);
        let interval = match self.watching {
            // The folder may become available without an event.
            _ if report.suspended_reason.is_some() => ABSENT.max(looking * REST_OF_SCANS),
            WatchMode::Events if gets_all_events => RESCAN_INTERVAL.max(looking * SHARE_OF_SCANS),
            WatchMode::Events => RESCAN_INTERVAL.max(looking * REST_OF_SCANS),
            WatchMode::Poll => POLL_INTERVAL.max(looking * REST_OF_SCANS),
            WatchMode::Off => YEAR,
        };
        self.rested = now + looking * REST_OF_SCANS;
        self.due = now + interval;
    }

    /// The store failed, and it is unknown what was stored.
    fn failed(&mut self) {
        self.rested = Instant::now() + RETRY;
        self.due = self.rested;
    }
}

fn count(report: &ScanReport, counters: &Counters) {
    counters.scans.fetch_add(1, Ordering::Relaxed);
    counters.revisions.fetch_add(report.revisions(), Ordering::Relaxed);
    counters.rejected.store(report.rejected_total, Ordering::Relaxed);
}

/// Logs what a scan did and found.
fn log_report(report: &ScanReport, store: &Store) {
    for finding in &report.findings {
        match finding.severity {
            Severity::Error => {
                error!(path = %finding.path, line = finding.line, "{}", finding.message);
            }
            Severity::Warning => {
                warn!(path = %finding.path, line = finding.line, "{}", finding.message);
            }
            Severity::Note => {}
        }
    }
    if report.revisions() > 0 {
        info!(
            published = report.published,
            corrected = report.corrected,
            moved = report.moved,
            restored = report.restored,
            withdrawn = report.withdrawn,
            waiting = report.scheduled,
            head = store.subscribe().borrow().head,
            "the folder has changed"
        );
    }
}
