//! The pages that people meet: home, a channel, an article, its absence; the months, the search; and what
//! crawlers and browsers ask for beside them. HTML from values, nothing else.
//!
//! Every text is escaped by the template; the one thing taken as it is is [`Block::Html`](crate::article::Block),
//! which the sanitiser has let through. Links within the site are paths, so that a page works wherever it is
//! opened; what others take along (canonical links, feeds, Open Graph) is absolute. No page needs a script, and
//! none holds one: the only one there is, for the copy button, is a file like the stylesheet. A page is bounded by
//! what it is given: lists are cut to [`LISTED`], texts in lists to a few lines.

mod article;
mod home;
mod look;
mod machines;
mod months;
mod search;
mod shell;
mod story;
mod subscribe;
mod text;

pub use article::{article, withdrawn};
pub use home::{channel, home};
pub use look::{Asset, Look};
pub use machines::{Location, SITEMAP_MEDIA_TYPE, robots, sitemap, sitemap_index};
pub use months::{MonthOf, month, months};
pub use search::{Answer, Question, search};
pub use shell::{Frame, gone, no_search, not_found};

/// `text/html; charset=utf-8`.
pub const MEDIA_TYPE: &str = "text/html; charset=utf-8";
/// Articles that a channel's page shows at most.
pub const LISTED: usize = 30;
/// Articles of each channel on the first page.
pub const IN_SECTION: usize = 4;
