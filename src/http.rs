//! Answers requests: the door that takes connections, and the rules of RFC 9110 and 9111 in pure functions.
//!
//! An answer to a document is made in three steps, each a value: [`content_coding`] says which codings the
//! request takes, [`preconditions`] gives the verdict, [`response`] writes it down. None of them waits, reads a
//! clock or copies the document. Who holds an older copy of a feed may ask for what is new alone ([`delta_encoding`]).
//! [`server`] holds the sockets and every limit on them; [`metrics`] counts. What programs ask for below `/api`
//! is answered from the store, within bounds.
//!
//! Only [`response`] writes headers. Nothing here looks at the `Host` header (rule C9), sets a cookie or asks a
//! reader to prove anything (rule C7); who asks too often is told when to come again ([`RateLimitLayer`]). Ranges are served of pictures alone
//! ([`range`]): a feed is small and changes as a whole.

mod api;
pub mod body;
mod coding;
pub mod content_coding;
pub mod delta_encoding;
mod handler;
pub mod metrics;
mod middleware;
mod on_demand;
pub mod preconditions;
pub mod range;
pub mod response;
pub mod server;
pub mod validity;

pub use handler::{AdminHandler, Health, ServiceLimits, SiteHandler};
pub use middleware::{KeyedLimiter, MiddlewareOptions as GateOptions, RateLimitLayer};
pub use server::{Listeners, ServerOptions as DoorOptions};
