//! HTML pages for people (home, channel, article, withdrawn article, archive by month, search), their assets, and
//! `robots.txt` and sitemaps for crawlers. Pure functions from values to bytes.
//!
//! Templates escape every text; only [`Block::Html`](crate::model::Block) and other sanitised markup is inserted as it
//! is. Links within the site are paths, so pages work behind any host name; canonical links, feeds and Open Graph are
//! absolute. Pages work without scripts. The only script, for the buttons to copy and to share, is a file: pages
//! contain no inline script. Lists are limited to [`MAX_LISTED`] entries and summaries to a few lines, so the size of a page is bounded.

mod accessibility;
mod archive;
mod article;
mod assets;
pub mod editor;
mod home;
mod layout;
mod metadata;
mod search;
mod sitemap;
mod subscribe;
mod teaser;
mod text;

pub use accessibility::accessibility_page;
pub use archive::{MonthPage, month, months};
pub use article::{article, main_channel, withdrawn_page};
pub use assets::{Asset, SiteAssets};
pub use home::{HOME_ITEMS_PER_CHANNEL, MAX_LISTED, channel, home};
pub use layout::{PageContext, gone_page, head_start, not_found_page, search_unavailable_page};
pub use search::{SearchOutcome, SearchQuery, search};
pub use sitemap::{SITEMAP_MEDIA_TYPE, SitemapUrl, news_sitemap, robots, sitemap, sitemap_index};

/// `text/html; charset=utf-8`.
pub const MEDIA_TYPE: &str = "text/html; charset=utf-8";
