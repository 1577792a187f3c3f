//! When a target that failed is tried again.

use std::time::Duration;

/// The pause after the first failure. Each further one multiplies it by three.
const FIRST: Duration = Duration::from_secs(5);
/// The longest pause, and the longest wish of a target that is obeyed.
const LONGEST: Duration = Duration::from_secs(3600);

/// The pause after this many failures in a row. `jitter` (0 to 1) spreads targets that failed together over a fifth of the
/// pause. `wish` is `Retry-After`.
pub(super) fn pause(failures: u32, wish: Option<Duration>, jitter: f64) -> Duration {
    let factor = 3_u32.saturating_pow(failures.saturating_sub(1));
    let pause = FIRST.saturating_mul(factor).min(LONGEST);
    (pause + pause.mul_f64(jitter / 5.0)).max(wish.unwrap_or_default().min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_an_hour_and_wishes_are_obeyed() {
        let pauses: Vec<u64> = (1..=9).map(|failures| pause(failures, None, 0.0).as_secs()).collect();
        assert_eq!(pauses, [5, 15, 45, 135, 405, 1215, 3600, 3600, 3600]);
        assert_eq!(pause(u32::MAX, None, 1.0).as_secs(), 4320);
        assert_eq!(pause(1, Some(Duration::from_secs(60)), 0.5).as_secs(), 60);
        assert_eq!(pause(1, Some(Duration::from_secs(90_000)), 0.5).as_secs(), 3600);
        assert!(pause(1, None, 1.0) > pause(1, None, 0.0));
    }
}
