//! Limits how often a client may try tokens.

use std::collections::HashSet;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::keyed_limiter::KeyedLimiter;

/// Tokens that a client may try per minute, besides those that were accepted before.
const MAX_GUESSES: NonZeroU32 = NonZeroU32::new(30).unwrap();

/// A limit for each client on tokens that were not accepted before.
///
/// SECURITY: a token that was accepted before is never limited. Otherwise anybody behind the proxy of an office could
/// stop it from publishing.
pub struct GuessLimiter {
    guesses: KeyedLimiter<IpAddr>,
    /// Hashes of the secrets that were accepted.
    accepted: Mutex<HashSet<[u8; 32]>>,
}

impl Default for GuessLimiter {
    fn default() -> Self {
        Self { guesses: KeyedLimiter::per_minute(Some(MAX_GUESSES)), accepted: Mutex::default() }
    }
}

impl GuessLimiter {
    /// Counts an attempt before the secret is looked up.
    ///
    /// # Errors
    /// The time until the next attempt is allowed.
    pub fn check(&self, client: IpAddr, secret: &str) -> Result<(), Duration> {
        if self.accepted().contains(&hash(secret)) { Ok(()) } else { self.guesses.check(&client) }
    }

    /// Records the result of an attempt.
    pub fn record(&self, secret: &str, accepted: bool) {
        match accepted {
            true => self.accepted().insert(hash(secret)),
            false => self.accepted().remove(&hash(secret)),
        };
    }

    fn accepted(&self) -> MutexGuard<'_, HashSet<[u8; 32]>> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unknown_tokens_are_limited_and_each_client_by_itself() {
        let limiter = GuessLimiter::default();
        let [one, other]: [IpAddr; 2] = ["192.0.2.1", "192.0.2.2"].map(|client| client.parse().unwrap());
        assert_eq!(limiter.check(one, "good"), Ok(()));
        limiter.record("good", true);
        let allowed = (0..100).filter(|guess| limiter.check(one, &guess.to_string()).is_ok()).count();
        assert_eq!(allowed, 29);
        assert_eq!((limiter.check(one, "good"), limiter.check(other, "0")), (Ok(()), Ok(())));
        limiter.record("good", false);
        assert!(limiter.check(one, "good").is_err(), "it was revoked");
    }
}
