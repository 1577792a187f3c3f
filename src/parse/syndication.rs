//! Reads the feeds of other publishers: RSS 0.9x, 1.0 and 2.0, Atom 0.3 and 1.0, JSON Feed.
//!
//! Many feeds of public portals are broken. What has only one meaning is repaired and counted ([`Repair`]); what
//! could mean two things is refused ([`FeedFault`]) or left in doubt ([`DateDoubt`]). No date is ever replaced by the
//! current time.
//!
//! SECURITY: no DTD is read, so entities cannot expand. Depth, nodes and size are limited.

mod article;
mod changes;
mod dates;
mod elements;
mod hub;
mod images;
mod json;
mod links;
mod model;
mod reader;
mod shortcodes;
mod wordpress;
mod xml;

pub use article::{article_of, feed_links, page_date};
pub use changes::read_changes;
pub use dates::{DateDoubt, FeedDate, check_age, read_feed_date};
pub use hub::{HubLinks, hub_links};
pub use links::link_key;
pub use model::{
    ChangesPage, FeedFault, Repair, Repairs, SourceChange, SourceChangeKind, SourceFeed, SourceImage,
    SourceItem,
};
pub use reader::read_feed;
pub use shortcodes::{Gallery, PostHtml, wordpress_html};
pub use wordpress::{FeedHead, WordPressHead, WordPressItem, read_feed_head, read_wordpress_item};

#[cfg(test)]
mod tests;
