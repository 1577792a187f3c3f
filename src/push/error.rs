//! Why the hub refuses a request.

use crate::store::StoreError;

/// Why a request of a subscriber is refused.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// It is malformed, or names something that cannot be subscribed to.
    #[error("{0}")]
    Invalid(String),
    /// There are too many subscriptions.
    #[error("this hub has as many subscriptions as it can have; try again later")]
    Full,
    /// The store does not answer.
    #[error("the request could not be stored; try again later")]
    Store(#[from] StoreError),
}
