//! A target of the configuration that follows the log: how far it was told, and when it may be told again after a failure.

use chrono::TimeDelta;
use tracing::{info, warn};

use super::attempt::Failure;
use super::{host_of, retry};
use crate::fetch::jitter;
use crate::store::{PushTarget, Store, StoreError, TargetProgress};

/// What is told of the changes of the log, in their order.
pub(super) struct LogFollower {
    store: Store,
    /// The kind of the target in the store.
    kind: &'static str,
    url: String,
    /// How far it was told; none while another process tells it.
    progress: Option<TargetProgress>,
}

/// The changes that a target was not told of.
pub(super) struct Untold {
    /// It was told of everything up to this number.
    pub(super) after: u64,
    /// The number of the newest change.
    pub(super) head: u64,
}

impl LogFollower {
    pub(super) fn new(store: Store, kind: &'static str, url: String) -> Self {
        Self { store, kind, url, progress: None }
    }

    /// What it is to be told now; none if there is nothing, if it must wait after a failure, or if another process tells it.
    pub(super) async fn untold(&mut self) -> Result<Option<Untold>, StoreError> {
        if !self.store.acquire_scan_lease().await? {
            self.progress = None;
            return Ok(None);
        }
        let progress = self.load().await?;
        let head = self.store.subscribe().borrow().head;
        let now = self.store.clock().now();
        let is_due = progress.delivered < head && progress.retry_at.is_none_or(|time| time <= now);
        Ok(is_due.then_some(Untold { after: progress.delivered, head }))
    }

    /// How far it was told. A new target is told what changes from now on.
    async fn load(&mut self) -> Result<TargetProgress, StoreError> {
        if let Some(progress) = &self.progress {
            return Ok(progress.clone());
        }
        let log = self.store.log_id().to_owned();
        let head = self.store.poll_position().await?.head;
        let stored = self.store.push_targets(self.kind).await?;
        let known = stored.into_iter().find(|(url, _)| *url == self.url);
        let progress = match known {
            Some((_, progress)) if progress.log == log => progress,
            // The log was restored from a backup: its numbers are the same up to its head.
            Some((_, progress)) => {
                TargetProgress { log, delivered: progress.delivered.min(head), ..progress }
            }
            None => {
                let progress = TargetProgress { log, delivered: head, ..TargetProgress::default() };
                self.store.record_progress(vec![(self.target(), progress.clone())]).await?;
                progress
            }
        };
        self.progress = Some(progress.clone());
        Ok(progress)
    }

    /// Nothing up to this number concerns it. That need not be stored.
    pub(super) fn skip_to(&mut self, number: u64) {
        if let Some(progress) = &mut self.progress {
            progress.delivered = number;
        }
    }

    /// Stores the result of telling it of everything up to `number`. Returns true if it was told.
    pub(super) async fn record(
        &mut self,
        number: u64,
        result: Result<(), Failure>,
    ) -> Result<bool, StoreError> {
        let before = self.load().await?;
        let (now, kind, host) = (self.store.clock().now(), self.kind, host_of(&self.url));
        let is_told = result.is_ok();
        let progress = match result {
            Ok(()) => {
                if before.error.is_some() {
                    info!(kind, host, "a target answers again");
                }
                let (log, last_success) = (before.log, Some(now));
                TargetProgress { log, delivered: number, last_success, ..TargetProgress::default() }
            }
            Err(failure) => {
                if before.error.is_none() {
                    warn!(kind, host, reason = failure.reason, "a target fails; trying again");
                }
                let failures = before.failures.saturating_add(1);
                let pause = retry::pause(failures, failure.retry_after, jitter());
                let retry_at = Some(now + TimeDelta::from_std(pause).unwrap_or_default());
                TargetProgress { failures, retry_at, error: Some(failure.reason), ..before }
            }
        };
        self.progress = Some(progress.clone());
        self.store.record_progress(vec![(self.target(), progress)]).await?;
        Ok(is_told)
    }

    fn target(&self) -> PushTarget {
        PushTarget::Configured { kind: self.kind, name: self.url.clone() }
    }
}
