//! Tells others of changes: the WebSub hub of the live feeds (W3C Recommendation, feed rules W1 to W4).
//!
//! [`Hub::request`] accepts a request of a subscriber: it is stored, and answered before it is verified. [`run`] does the
//! rest in the background: it asks the callback whether it wants what was requested, and sends every subscriber the current
//! document of its feed when the feed has changed.
//!
//! There is no queue of documents. A target is stored with the number up to which it was told; whenever the feed is ahead
//! of it, the target gets the newest document. So a subscriber that was down gets one document and not fifty, and what was
//! not delivered before a crash is delivered after it.
//!
//! SECURITY: a callback is the URL of a stranger. Its addresses are checked with every request, its answers are read up to
//! a few bytes, and everything that is stored of it is bounded.

mod attempt;
mod error;
mod form;
mod hub;
mod lanes;
mod options;
mod retry;
mod signature;
mod worker;

pub use error::HubError;
pub use hub::{Hub, HubCounters};
pub use options::{Content, HubOptions, Signature};
pub use worker::run;
