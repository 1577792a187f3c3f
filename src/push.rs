//! Tells others of changes: the WebSub hub of the live feeds (W3C Recommendation, feed rules W1 to W4).
//!
//! [`Hub::request`] accepts a request of a subscriber: it is stored, and answered before it is verified. [`run`] does the
//! rest in the background: it asks the callback whether it wants what was requested, and sends every subscriber the current
//! document of its feed when the feed has changed.
//!
//! An [`OutsideHub`] is told which feeds have changed, [`IndexNow`] which pages, and each [`Webhook`] is sent the changes of
//! the log themselves.
//!
//! There is no queue of documents. A target is stored with the number up to which it was told; whenever the feed is ahead
//! of it, the target gets the newest document. So a subscriber that was down gets one document and not fifty, and what was
//! not delivered before a crash is delivered after it.
//!
//! SECURITY: a callback is the URL of a stranger. Its addresses are checked with every request, its answers are read up to
//! a few bytes, and everything that is stored of it is bounded.

mod attempt;
mod error;
mod follower;
mod form;
mod hub;
mod indexnow;
mod lanes;
mod options;
mod outside_hub;
mod retry;
mod signature;
mod status;
mod webhook;
mod worker;

use url::Url;

pub use error::HubError;
pub use hub::{Hub, HubCounters};
pub use indexnow::{IndexNow, IndexNowOptions};
pub use options::{Content, HubOptions, Signature};
pub use outside_hub::OutsideHub;
pub use signature::is_signed;
pub use status::{TargetStatus, statuses};
pub use webhook::{ChangeForm, Webhook, WebhookOptions};
pub use worker::run;

/// Host and port of a callback: what takes turns, and what log lines name.
///
/// SECURITY: the rest of the URL may be what authenticates the hub to its subscriber.
fn host_of(callback: &str) -> String {
    let Ok(url) = Url::parse(callback) else { return String::new() };
    let host = url.host_str().unwrap_or_default();
    url.port().map_or(host.to_owned(), |port| format!("{host}:{port}"))
}
