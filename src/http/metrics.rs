//! What passed through the door, counted.
//!
//! Every core counts on a cache line of its own, so that no request waits for another core's counter; a
//! reader of the metrics adds them up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::StatusCode;

/// The counters of a door. Clones count together.
#[derive(Clone, Debug)]
pub struct ServerMetrics(Arc<[WorkerMetrics]>);

/// What was counted since the door was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MetricsSnapshot {
    /// Answers by class of their status: 1xx, 2xx, 3xx, 4xx, 5xx.
    pub answers: [u64; 5],
    /// Answers with status 304, which are in `answers` too.
    pub not_modified: u64,
    /// Connections taken.
    pub connections: u64,
    /// Connections open now.
    pub open: u64,
    /// Connections that were cut off because they took too long.
    pub timed_out: u64,
}

/// The counters of one core.
// Two cache lines: processors fetch them in pairs.
#[repr(align(128))]
#[derive(Debug, Default)]
pub(super) struct WorkerMetrics {
    answers: [AtomicU64; 5],
    not_modified: AtomicU64,
    connections: AtomicU64,
    closed: AtomicU64,
    timed_out: AtomicU64,
}

impl ServerMetrics {
    /// Counters for so many cores.
    pub(super) fn new(cores: usize) -> Self {
        Self((0..cores).map(|_| WorkerMetrics::default()).collect())
    }

    pub(super) fn shard(&self, core: usize) -> &WorkerMetrics {
        &self.0[core]
    }

    /// The sums of all cores. Each number is right by itself; between two of them a request may pass.
    pub fn counts(&self) -> MetricsSnapshot {
        let mut sum = MetricsSnapshot::default();
        for shard in self.0.iter() {
            for (total, counter) in sum.answers.iter_mut().zip(&shard.answers) {
                *total += counter.load(Ordering::Relaxed);
            }
            sum.not_modified += shard.not_modified.load(Ordering::Relaxed);
            // Closed before taken, so that the difference is never below zero.
            let closed = shard.closed.load(Ordering::Acquire);
            let taken = shard.connections.load(Ordering::Acquire);
            sum.connections += taken;
            sum.open += taken - closed;
            sum.timed_out += shard.timed_out.load(Ordering::Relaxed);
        }
        sum
    }
}

impl WorkerMetrics {
    pub(super) fn answered(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100);
        if let Some(counter) = self.answers.get(class.wrapping_sub(1)) {
            add_one(counter);
        }
        if status == StatusCode::NOT_MODIFIED {
            add_one(&self.not_modified);
        }
    }

    pub(super) fn opened(&self) {
        add_one(&self.connections);
    }

    pub(super) fn closed(&self) {
        add_one(&self.closed);
    }

    pub(super) fn timed_out(&self) {
        add_one(&self.timed_out);
    }
}

/// NOTE: a load and a store, not one locked addition: each shard has one writer, its core.
fn add_one(counter: &AtomicU64) {
    counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Release);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cores_count_apart_and_are_added_up() {
        let traffic = ServerMetrics::new(2);
        traffic.shard(0).opened();
        traffic.shard(0).answered(StatusCode::OK);
        traffic.shard(1).opened();
        traffic.shard(1).answered(StatusCode::NOT_MODIFIED);
        traffic.shard(1).answered(StatusCode::SERVICE_UNAVAILABLE);
        traffic.shard(1).timed_out();
        traffic.shard(1).closed();
        let expected = MetricsSnapshot {
            answers: [0, 1, 1, 0, 1],
            not_modified: 1,
            connections: 2,
            open: 1,
            timed_out: 1,
        };
        assert_eq!(traffic.counts(), expected);
    }
}
