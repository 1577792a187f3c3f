//! Stops asking a server that does not answer.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long a server that did not answer is left alone.
pub(crate) const BREAKER_PAUSE: Duration = Duration::from_secs(1);

/// Tracks whether the server answers. While it does not, one caller per second tries again.
pub(crate) struct CircuitBreaker {
    open: AtomicBool,
    /// Milliseconds since `began`.
    ask_again: AtomicU64,
    began: Instant,
}

impl CircuitBreaker {
    pub(crate) fn new() -> Self {
        Self { open: AtomicBool::new(false), ask_again: AtomicU64::new(0), began: Instant::now() }
    }

    pub(crate) fn allows_attempt(&self) -> bool {
        if !self.open.load(Ordering::Acquire) {
            return true;
        }
        let (now, then) = (self.now(), self.ask_again.load(Ordering::Acquire));
        let next = now + BREAKER_PAUSE.as_millis() as u64;
        now >= then
            && self.ask_again.compare_exchange(then, next, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    pub(crate) fn record_failure(&self) {
        self.ask_again.store(self.now() + BREAKER_PAUSE.as_millis() as u64, Ordering::Release);
        self.open.store(true, Ordering::Release);
    }

    pub(crate) fn record_success(&self) {
        self.open.store(false, Ordering::Release);
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
