//! Counters of requests and connections.
//!
//! Each worker has its own cache line, so that no request waits for another worker's counter. Reading adds them
//! up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::StatusCode;

/// The counters of a server. Clones share them.
#[derive(Clone, Debug)]
pub struct ServerMetrics(Arc<[WorkerMetrics]>);

/// The totals since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MetricsSnapshot {
    /// Responses by status class: 1xx, 2xx, 3xx, 4xx, 5xx.
    pub answers: [u64; 5],
    /// Responses with status 304; also included in `answers`.
    pub not_modified: u64,
    /// Accepted connections.
    pub connections: u64,
    /// Currently open connections.
    pub open: u64,
    /// Connections aborted by a timeout.
    pub timed_out: u64,
}

/// The counters of one worker.
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
    /// Counters for `workers` threads.
    pub(super) fn new(workers: usize) -> Self {
        Self((0..workers).map(|_| WorkerMetrics::default()).collect())
    }

    pub(super) fn shard(&self, worker: usize) -> &WorkerMetrics {
        &self.0[worker]
    }

    /// The sums over all workers. Each number is exact; a request may happen between two of them.
    pub fn counts(&self) -> MetricsSnapshot {
        let mut sum = MetricsSnapshot::default();
        for shard in self.0.iter() {
            for (total, counter) in sum.answers.iter_mut().zip(&shard.answers) {
                *total += counter.load(Ordering::Relaxed);
            }
            sum.not_modified += shard.not_modified.load(Ordering::Relaxed);
            // `closed` is read before `connections`, so that the difference is never negative.
            let closed = shard.closed.load(Ordering::Acquire);
            let accepted = shard.connections.load(Ordering::Acquire);
            sum.connections += accepted;
            sum.open += accepted - closed;
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

/// NOTE: a load and a store instead of an atomic addition: each shard has one writer, its worker.
fn add_one(counter: &AtomicU64) {
    counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Release);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_count_separately_and_are_summed() {
        let metrics = ServerMetrics::new(2);
        metrics.shard(0).opened();
        metrics.shard(0).answered(StatusCode::OK);
        metrics.shard(1).opened();
        metrics.shard(1).answered(StatusCode::NOT_MODIFIED);
        metrics.shard(1).answered(StatusCode::SERVICE_UNAVAILABLE);
        metrics.shard(1).timed_out();
        metrics.shard(1).closed();
        let expected = MetricsSnapshot {
            answers: [0, 1, 1, 0, 1],
            not_modified: 1,
            connections: 2,
            open: 1,
            timed_out: 1,
        };
        assert_eq!(metrics.counts(), expected);
    }
}
