//! The options of the hub.

use std::time::Duration;

use crate::fetch::AllowList;

/// What a subscriber is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// The whole feed.
    Full,
    /// The feed with only what has changed since the last delivery, where that can be expressed.
    Changes,
}

/// The hash of signatures (W3C WebSub §8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// For subscribers that know nothing better.
    Sha1,
    /// The default.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Signature {
    /// The name of the method in `X-Hub-Signature`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }
}

/// The options of the hub.
#[derive(Clone, Debug)]
pub struct HubOptions {
    /// False: nobody can subscribe, and nobody is told.
    pub enabled: bool,
    /// What a subscriber is sent.
    pub content: Content,
    /// The hash of signatures.
    pub signature: Signature,
    /// The lease of a subscriber that asks for none.
    pub lease_default: Duration,
    /// The shortest lease.
    pub lease_min: Duration,
    /// The longest lease.
    pub lease_max: Duration,
    /// Maximum number of subscriptions.
    pub max_subscriptions: u64,
    /// Callbacks that may have private addresses.
    pub allow: AllowList,
    /// The `User-Agent` of requests.
    pub user_agent: String,
}
