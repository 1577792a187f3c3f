//! A rate limit for each key: a client's address or a token.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Allows a number of requests per minute for each key, evenly spread after an initial burst of that number.
pub struct KeyedLimiter<K: Hash + Eq + Clone> {
    limiter: Option<DefaultKeyedRateLimiter<K>>,
    checks: AtomicU64,
}

/// After this many checks, idle keys are forgotten.
const CLEANUP_INTERVAL: u64 = 4096;

impl<K: Hash + Eq + Clone> KeyedLimiter<K> {
    /// At most `requests` per minute; unlimited if none.
    pub fn per_minute(requests: Option<NonZeroU32>) -> Self {
        let limiter = requests.map(|requests| RateLimiter::keyed(Quota::per_minute(requests)));
        Self { limiter, checks: AtomicU64::new(0) }
    }

    /// Counts one request.
    ///
    /// # Errors
    /// The time until the next request is allowed.
    pub fn check(&self, key: &K) -> Result<(), Duration> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        if self.checks.fetch_add(1, Ordering::Relaxed) % CLEANUP_INTERVAL == CLEANUP_INTERVAL - 1 {
            limiter.retain_recent();
        }
        limiter.check_key(key).map_err(|early| early.wait_time_from(DefaultClock::default().now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_own_limit_and_gets_the_time_to_wait() {
        let limiter = KeyedLimiter::per_minute(NonZeroU32::new(2));
        assert_eq!([limiter.check(&"a"), limiter.check(&"a")], [Ok(()), Ok(())]);
        let wait = limiter.check(&"a").unwrap_err();
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(30), "{wait:?}");
        assert_eq!(limiter.check(&"b"), Ok(()));
        let unlimited = KeyedLimiter::per_minute(None);
        assert!((0..10_000).all(|_| unlimited.check(&"a").is_ok()));
    }
}
