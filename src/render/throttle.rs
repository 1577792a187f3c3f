//! How long the press waits between two reprints, so that a burst of changes becomes a handful of reprints and most
//! of the machine stays with the readers, while a change that comes alone is printed at once.

use std::time::Duration;

use tokio::time::Instant;

/// A reprint is followed by a rest of so many times as long as it took.
const PAUSE_PER_WORK: u32 = 2;
/// So much rest may be owed before any is taken: a few changes one after the other are no burst.
const FREE_BUDGET: Duration = Duration::from_millis(150);
const MAX_PAUSE: Duration = Duration::from_secs(2);
/// So few revisions are printed in a moment. They do not wait for the rest that a print of every channel has earned.
const SMALL_CHANGE: u64 = 4;
const MAX_PAUSE_SMALL: Duration = Duration::from_millis(100);

/// What rest the press has earned and not had.
pub(super) struct Throttle {
    debt: Duration,
    since: Instant,
}

impl Throttle {
    pub(super) fn from(now: Instant) -> Self {
        Self { debt: Duration::ZERO, since: now }
    }

    /// After a reprint that ran from `began` to `ended`.
    pub(super) fn record(&mut self, began: Instant, ended: Instant) {
        let had = began.saturating_duration_since(self.since);
        let earned = ended.saturating_duration_since(began) * PAUSE_PER_WORK;
        self.debt = (self.debt.saturating_sub(had) + earned).min(FREE_BUDGET + MAX_PAUSE);
        self.since = ended;
    }

    /// When the next reprint may begin, where so many revisions wait for it.
    pub(super) fn ready_at(&self, waiting: u64) -> Instant {
        let longest = if waiting <= SMALL_CHANGE { MAX_PAUSE_SMALL } else { MAX_PAUSE };
        self.since + self.debt.saturating_sub(FREE_BUDGET).min(longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANY: u64 = 1000;

    /// How many reprints of `took` begin within a minute in which changes never cease.
    fn reprints_within_a_minute(took: Duration, waiting: u64) -> u32 {
        let start = Instant::now();
        let (mut rest, mut now, mut reprints) = (Throttle::from(start), start, 0);
        while now < start + Duration::from_secs(60) {
            rest.record(now, now + took);
            now = rest.ready_at(waiting);
            reprints += 1;
        }
        reprints
    }

    #[test]
    fn a_change_every_tenth_of_a_second_never_waits() {
        let (start, took) = (Instant::now(), Duration::from_millis(30));
        let mut rest = Throttle::from(start);
        for number in 0..100 {
            let came = start + Duration::from_millis(100) * number;
            assert!(rest.ready_at(1) <= came, "{number}");
            rest.record(came, came + took);
        }
    }

    #[test]
    fn changes_that_never_cease_leave_two_thirds_of_the_time_to_the_readers() {
        let share =
            |took: Duration| f64::from(reprints_within_a_minute(took, MANY)) * took.as_secs_f64() / 60.0;
        for took in [5, 30, 200, 900].map(Duration::from_millis) {
            assert!(share(took) < 0.36, "{took:?}: {}", share(took));
        }
    }

    #[test]
    fn one_change_behind_a_print_of_every_channel_waits_for_a_moment_and_a_burst_for_longer() {
        let start = Instant::now();
        let mut rest = Throttle::from(start);
        let ended = start + Duration::from_secs(3);
        rest.record(start, ended);
        assert_eq!(rest.ready_at(1), ended + MAX_PAUSE_SMALL);
        assert_eq!(rest.ready_at(MANY), ended + MAX_PAUSE);
    }
}
