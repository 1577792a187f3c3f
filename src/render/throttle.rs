//! Limits the share of time spent on rendering: a burst of changes takes a few render passes and leaves most of the CPU
//! to requests; a single change is rendered at once.

use std::time::Duration;

use tokio::time::Instant;

/// The pause after a pass, as a multiple of its duration.
const PAUSE_PER_WORK: u32 = 2;
/// A shorter pass counts as one of this duration, so that cheap passes are few as well.
const MIN_WORK: Duration = Duration::from_millis(10);
/// Pauses up to this sum are skipped, because a few consecutive changes are not a burst.
const FREE_BUDGET: Duration = Duration::from_millis(150);
const MAX_PAUSE: Duration = Duration::from_secs(2);
/// Up to this many pending revisions take only `MAX_PAUSE_SMALL`, even after a pass over all channels.
const SMALL_CHANGE: u64 = 4;
const MAX_PAUSE_SMALL: Duration = Duration::from_millis(100);

/// Accumulates the pauses that are due.
pub(super) struct Throttle {
    debt: Duration,
    since: Instant,
}

impl Throttle {
    pub(super) fn new(now: Instant) -> Self {
        Self { debt: Duration::ZERO, since: now }
    }

    /// Records a pass.
    pub(super) fn record(&mut self, started: Instant, ended: Instant) {
        let paused = started.saturating_duration_since(self.since);
        let due = ended.saturating_duration_since(started).max(MIN_WORK) * PAUSE_PER_WORK;
        self.debt = (self.debt.saturating_sub(paused) + due).min(FREE_BUDGET + MAX_PAUSE);
        self.since = ended;
    }

    /// The earliest start of the next pass, given the number of pending revisions.
    pub(super) fn ready_at(&self, pending: u64) -> Instant {
        let max_pause = if pending <= SMALL_CHANGE { MAX_PAUSE_SMALL } else { MAX_PAUSE };
        self.since + self.debt.saturating_sub(FREE_BUDGET).min(max_pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANY: u64 = 1000;

    /// The number of passes of duration `took` in a minute of continuous changes.
    fn passes_per_minute(took: Duration, pending: u64) -> u32 {
        let start = Instant::now();
        let (mut throttle, mut now, mut passes) = (Throttle::new(start), start, 0);
        while now < start + Duration::from_secs(60) {
            throttle.record(now, now + took);
            now = throttle.ready_at(pending);
            passes += 1;
        }
        passes
    }

    #[test]
    fn ten_changes_per_second_never_wait() {
        let (start, took) = (Instant::now(), Duration::from_millis(30));
        let mut throttle = Throttle::new(start);
        for number in 0..100 {
            let arrived = start + Duration::from_millis(100) * number;
            assert!(throttle.ready_at(1) <= arrived, "{number}");
            throttle.record(arrived, arrived + took);
        }
    }

    #[test]
    fn continuous_changes_leave_two_thirds_of_the_time() {
        let share = |took: Duration| f64::from(passes_per_minute(took, MANY)) * took.as_secs_f64() / 60.0;
        for took in [5, 30, 200, 900].map(Duration::from_millis) {
            assert!(share(took) < 0.36, "{took:?}: {}", share(took));
        }
    }

    #[test]
    fn after_a_full_pass_a_single_change_waits_less_than_a_burst() {
        let start = Instant::now();
        let mut throttle = Throttle::new(start);
        let ended = start + Duration::from_secs(3);
        throttle.record(start, ended);
        assert_eq!(throttle.ready_at(1), ended + MAX_PAUSE_SMALL);
        assert_eq!(throttle.ready_at(MANY), ended + MAX_PAUSE);
    }
}
