//! Renders documents (feeds, pages, channel list) whenever the log changes: renders and verifies the articles that
//! changed ([`EntryCache`]), assembles the feeds of their channels, and replaces all documents of the site atomically. A
//! document is compressed when a client first accepts the coding.
//!
//! Requests for live feeds are served from memory ([`SiteCache`]). One exception: where several processes share a log, a
//! response with a body waits up to a limit until the known changes are rendered ([`RenderProgress`]). Documents that
//! are too many to keep are rendered on demand: article pages ([`ArticlePages`]), archive pages ([`ArchiveRenderer`]),
//! deltas ([`LiveFeed`]), and searches, months and sitemaps ([`OnDemandRenderer`]). A document depends only on the log,
//! the configuration and the program version; the clock is used only for throttling.

mod archive;
mod article_page;
mod cache;
mod channel_job;
mod compression;
mod context;
mod entry_cache;
mod live_feed;
mod lru;
mod memory_file;
mod on_demand;
mod renderer;
mod representation;
mod site_cache;
mod size_limit;
mod static_assets;
mod throttle;

pub use archive::{ArchivePage, ArchivePageInput, ArchiveRenderer};
pub use article_page::{ArticlePage, ArticlePageInput, ArticlePages};
pub(crate) use cache::{Cache, Weigh};
pub use channel_job::OPML_MEDIA_TYPE;
pub use compression::{ContentCoding, Effort};
pub use context::{RenderContext, RenderOptions, channels};
pub use entry_cache::{EntryCache, Verifier};
pub use live_feed::LiveFeed;
pub use memory_file::MemoryFile;
pub use on_demand::{
    MonthExtent, OnDemandRenderer, PageInput, PageRequest, Rendered, decode_cursor, encode_cursor,
};
pub use renderer::{RenderCounters, Renderer};
pub use representation::{
    EncodedBody, LogVersion, Representation, RepresentationKind, http_date, is_abridged,
};
pub use site_cache::{RenderProgress, RenderedSite, SiteCache};
pub use size_limit::render_feed;
pub use static_assets::asset_paths;
