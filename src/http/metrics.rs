//! Counters of requests and connections.
//!
//! Each worker has its own cache line, so that no request waits for another worker's counter. Reading adds them
//! up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::StatusCode;

use crate::latency::{Latency, LatencySnapshot};

/// The counters of a server and of those that it replaced. Clones share them.
#[derive(Clone, Debug)]
pub struct ServerMetrics {
    workers: Arc<[WorkerMetrics]>,
    /// NOTE: a replaced server still counts while it finishes its responses, and a shard has one writer. So each server
    /// has shards of its own.
    replaced: Vec<Arc<[WorkerMetrics]>>,
}

/// What kind of document a request asks for, by its path alone: cheap enough for every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteClass {
    /// A live feed or a delta.
    Feed,
    /// An archive page of a feed.
    Archive,
    /// The API. Includes the time that a client waits for changes.
    Api,
    /// An image.
    Media,
    /// Pages and everything else.
    Page,
}

impl RouteClass {
    /// All classes, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::Feed, Self::Archive, Self::Api, Self::Media, Self::Page];

    /// The class of a path, which may have the prefix of the site.
    pub fn of(path: &str) -> Self {
        // Counted for each request: without the searches of `contains`, which take longer than a short path.
        let is_below =
            |folder: &[u8]| path.as_bytes().rsplit(|byte| *byte == b'/').skip(1).any(|name| name == folder);
        if is_below(b"api") {
            Self::Api
        } else if is_below(b"archive") {
            Self::Archive
        } else if path.ends_with(".xml") || path.ends_with(".json") {
            Self::Feed
        } else if is_below(b"media") {
            Self::Media
        } else {
            Self::Page
        }
    }

    /// The value of the label `route`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Feed => "feed",
            Self::Archive => "archive",
            Self::Api => "api",
            Self::Media => "media",
            Self::Page => "page",
        }
    }
}

/// The totals since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
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
    /// From the complete headers of a request to the response, by [`RouteClass`].
    pub latency: [LatencySnapshot; RouteClass::ALL.len()],
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
    latency: [Latency; RouteClass::ALL.len()],
}

impl ServerMetrics {
    /// Counters for `workers` threads.
    pub(super) fn new(workers: usize) -> Self {
        Self { workers: (0..workers).map(|_| WorkerMetrics::default()).collect(), replaced: Vec::new() }
    }

    /// Counters for the server that replaces this one.
    pub(super) fn successor(&self, workers: usize) -> Self {
        let replaced = self.replaced.iter().chain([&self.workers]).cloned().collect();
        Self { replaced, ..Self::new(workers) }
    }

    pub(super) fn shard(&self, worker: usize) -> &WorkerMetrics {
        &self.workers[worker]
    }

    /// The sums over all workers. Each number is exact; a request may happen between two of them.
    pub fn counts(&self) -> MetricsSnapshot {
        let mut sum = MetricsSnapshot::default();
        for shard in self.replaced.iter().chain([&self.workers]).flat_map(|workers| workers.iter()) {
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
            for (total, latency) in sum.latency.iter_mut().zip(&shard.latency) {
                *total += latency.snapshot();
            }
        }
        sum
    }
}

impl WorkerMetrics {
    pub(super) fn answered(&self, status: StatusCode, route: RouteClass, duration: Duration) {
        self.latency[route as usize].record(duration);
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
        metrics.shard(0).answered(StatusCode::OK, RouteClass::Page, Duration::from_millis(2));
        metrics.shard(1).opened();
        metrics.shard(1).answered(StatusCode::NOT_MODIFIED, RouteClass::Page, Duration::from_millis(2));
        metrics.shard(1).answered(
            StatusCode::SERVICE_UNAVAILABLE,
            RouteClass::Page,
            Duration::from_millis(2),
        );
        metrics.shard(1).timed_out();
        metrics.shard(1).closed();
        let expected = MetricsSnapshot {
            answers: [0, 1, 1, 0, 1],
            not_modified: 1,
            connections: 2,
            open: 1,
            timed_out: 1,
            ..metrics.counts()
        };
        assert_eq!(metrics.counts(), expected);
        assert_eq!(metrics.counts().latency[RouteClass::Page as usize].counts.iter().sum::<u64>(), 3);
        let successor = metrics.successor(1);
        successor.shard(0).answered(StatusCode::OK, RouteClass::Feed, Duration::ZERO);
        metrics.shard(1).answered(StatusCode::OK, RouteClass::Feed, Duration::ZERO);
        assert_eq!(successor.counts().answers, [0, 3, 1, 0, 1], "a replaced server counts on");
    }

    #[test]
    fn the_class_of_a_route_is_in_its_path() {
        for (path, class) in [
            ("/rss.xml", RouteClass::Feed),
            ("/bantin/xa-hoi/feed.json", RouteClass::Feed),
            ("/xa-hoi/archive/3/atom.xml", RouteClass::Archive),
            ("/bantin/api/changes", RouteClass::Api),
            ("/media/a.jpg", RouteClass::Media),
            ("/bai-viet/2023/05/12/thi-dua", RouteClass::Page),
            ("", RouteClass::Page),
        ] {
            assert_eq!(RouteClass::of(path), class, "{path}");
        }
    }
}
