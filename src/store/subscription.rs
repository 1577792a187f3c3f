//! Who is told of changes, and how far.

use crate::time::Timestamp;

/// What a subscriber asks for (W3C WebSub §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptionMode {
    /// It wants to be told, or to be told for longer or with another secret.
    Subscribe,
    /// It does not want to be told any more.
    Unsubscribe,
}

impl SubscriptionMode {
    /// The value of `hub.mode`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Subscribe => "subscribe",
            Self::Unsubscribe => "unsubscribe",
        }
    }

    /// The mode with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Subscribe, Self::Unsubscribe].into_iter().find(|mode| mode.as_str() == name)
    }
}

/// A request of a subscriber, before it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSubscriptionRequest {
    /// The path of the feed.
    pub topic: String,
    /// The URL that is told, in normal form.
    pub callback: String,
    /// What is asked for.
    pub mode: SubscriptionMode,
    /// The key of signatures.
    pub secret: Option<String>,
    /// For how long, in seconds.
    pub lease: u32,
    /// The id of the feed's log.
    pub log: String,
    /// The number of the feed's log that a new subscriber can have read.
    pub delivered: u64,
}

/// A request that its subscriber has not confirmed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionRequest {
    /// Later requests have larger numbers.
    pub number: u64,
    /// What was requested.
    pub request: NewSubscriptionRequest,
}

/// How far a target was told, and how that goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetProgress {
    /// The id of the log that `delivered` belongs to.
    pub log: String,
    /// It was told of everything up to this number.
    pub delivered: u64,
    /// Failures in a row.
    pub failures: u32,
    /// Not before this time again.
    pub retry_at: Option<Timestamp>,
    /// When it was last told successfully.
    pub last_success: Option<Timestamp>,
    /// Why it failed last; none after a success.
    pub error: Option<String>,
}

/// A confirmed subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The path of the feed.
    pub topic: String,
    /// The URL that is told.
    pub callback: String,
    /// The key of signatures.
    pub secret: Option<String>,
    /// The number of the request that was confirmed last.
    pub number: u64,
    /// When it was first confirmed.
    pub since: Timestamp,
    /// The end of its lease.
    pub expires: Timestamp,
    /// How far it was told.
    pub progress: TargetProgress,
}

/// What progress belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PushTarget {
    /// A subscription.
    Subscription {
        /// The path of the feed.
        topic: String,
        /// The URL that is told.
        callback: String,
    },
    /// A target that the configuration names.
    Configured {
        /// Its kind.
        kind: &'static str,
        /// Its name among those of its kind.
        name: String,
    },
}
