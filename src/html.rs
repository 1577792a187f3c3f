//! The pages that people meet: home, a channel, an article, its absence; the months, the search; and what
//! crawlers and browsers ask for beside them. HTML from values, nothing else.
//!
//! Every text is escaped by the template; the one thing taken as it is is [`Block::Html`](crate::model::Block),
//! which the sanitiser has let through. Links within the site are paths, so that a page works wherever it is
//! opened; what others take along (canonical links, feeds, Open Graph) is absolute. No page needs a script, and
//! none holds one: the only one there is, for the copy button, is a file like the stylesheet. A page is bounded by
//! what it is given: lists are cut to [`LISTED`], texts in lists to a few lines.

mod archive;
mod article;
mod assets;
mod home;
mod layout;
mod search;
mod sitemap;
mod subscribe;
mod teaser;
mod text;

pub use archive::{MonthPage, month, months};
pub use article::{article, withdrawn_page};
pub use assets::{Asset, SiteAssets};
pub use home::{channel, home};
pub use layout::{PageContext, gone_page, not_found_page, search_unavailable_page};
pub use search::{SearchOutcome, SearchQuery, search};
pub use sitemap::{SITEMAP_MEDIA_TYPE, SitemapUrl, robots, sitemap, sitemap_index};

/// `text/html; charset=utf-8`.
pub const MEDIA_TYPE: &str = "text/html; charset=utf-8";
/// Articles that a channel's page shows at most.
pub const MAX_LISTED: usize = 30;
/// Articles of each channel on the first page.
pub const HOME_ITEMS_PER_CHANNEL: usize = 4;
