//! Histograms of durations, for the metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets, in seconds, ascending. The last bucket has no bound.
pub const BOUNDS: [f64; 10] = [0.0001, 0.0005, 0.001, 0.005, 0.025, 0.1, 0.5, 2.0, 10.0, f64::INFINITY];

/// Counts durations by bucket. Recording never blocks.
#[derive(Debug, Default)]
pub struct Latency {
    counts: [AtomicU64; BOUNDS.len()],
    nanoseconds: AtomicU64,
}

/// The totals of one or more histograms.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LatencySnapshot {
    /// Durations in each bucket of [`BOUNDS`], not cumulated.
    pub counts: [u64; BOUNDS.len()],
    /// The sum, in seconds.
    pub sum: f64,
}

impl Latency {
    /// Counts one duration.
    pub fn record(&self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len() - 1);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// The totals now. A duration may be recorded between two of the numbers.
    pub fn snapshot(&self) -> LatencySnapshot {
        LatencySnapshot {
            counts: std::array::from_fn(|bucket| self.counts[bucket].load(Ordering::Relaxed)),
            sum: Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed)).as_secs_f64(),
        }
    }
}

impl std::ops::AddAssign for LatencySnapshot {
    fn add_assign(&mut self, other: Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        self.sum += other.sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_duration_is_in_one_bucket_and_in_the_sum() {
        let latency = Latency::default();
        for milliseconds in [0, 1, 3, 60_000] {
            latency.record(Duration::from_millis(milliseconds));
        }
        let mut totals = latency.snapshot();
        assert_eq!(totals.counts, [1, 0, 1, 1, 0, 0, 0, 0, 0, 1]);
        assert!((totals.sum - 60.004).abs() < 1e-9);
        totals += latency.snapshot();
        assert_eq!(totals.counts.iter().sum::<u64>(), 8);
    }
}
