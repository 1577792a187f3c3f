//! The HTTP layer: an HTTP/1.1 server, and the rules of RFC 9110 and 9111 as pure functions.
//!
//! A document is answered in three steps, each a value: [`content_coding`] finds the codings that the request
//! accepts, [`preconditions`] decides, and [`response`] writes the headers. None of them waits, reads a clock
//! or copies the document. A client that holds an older copy of a feed can ask for the new entries only
//! ([`delta_encoding`]). [`server`] owns the sockets and enforces every limit on them; [`metrics`] counts.
//! Requests below `/api` are answered from the store, within limits; `editor` answers the editing pages below `/soan/`.
//!
//! Only [`response`] writes headers. Nothing here uses the `Host` header (feed rule C9). No reader gets a cookie or a
//! challenge (feed rule C7); only the editing pages have sessions. A client that sends too many requests gets 429 and `Retry-After`
//! ([`RateLimitLayer`]). Byte ranges are served for images only ([`range`]): a feed is small and changes as a
//! whole.

mod api;
mod changes_cache;
mod client_ip;
mod coding;
pub mod content_coding;
pub mod delta_encoding;
mod editor;
pub mod entity_tag;
mod guess_limiter;
mod handler;
mod header_lines;
mod health;
mod hub;
mod hub_callback;
mod keyed_limiter;
pub mod metrics;
mod middleware;
mod on_demand;
pub mod preconditions;
mod qvalue;
pub mod range;
mod redirect;
pub mod response;
pub mod server;
mod state;
pub mod validity;

pub use api::change_json;
pub use handler::SiteHandler;
pub use health::{AdminHandler, Health};
pub use middleware::{MiddlewareOptions, RateLimitLayer};
pub use redirect::{RedirectHandler, RedirectOptions};
pub use server::{Listeners, ServerOptions, TlsCertificate, TlsFiles, ValidityProblem};
pub use state::{AppState, Exchange, ServiceLimits};
