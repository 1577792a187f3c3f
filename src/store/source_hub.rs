//! Hubs at which this site is a subscriber.

use crate::time::Timestamp;

/// The subscription of a source's feed at the hub that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceHub {
    /// Name of the source.
    pub source: String,
    /// The secret part of the callback.
    pub token: String,
    /// The URL of the hub.
    pub hub: String,
    /// The URL of the feed there.
    pub topic: String,
    /// The key of signatures.
    pub secret: String,
    /// When it was requested last.
    pub asked_at: Timestamp,
    /// The end of the lease; none if the hub has not confirmed it, or has ended it.
    pub expires: Option<Timestamp>,
    /// How often the hub has told of changes.
    pub notified: u64,
}

impl SourceHub {
    /// True while the hub has promised to tell of changes.
    pub fn is_confirmed(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires > now)
    }
}
