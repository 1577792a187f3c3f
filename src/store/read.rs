//! The reads. Each query sees one consistent state of the log.

mod api;
mod archive;
mod archive_index;
mod article_list;
mod articles;
pub(super) mod changed_pages;
mod changes;
pub(crate) mod channels;
mod collected;
mod duplicates;
mod files;
mod findings;
mod history;
pub(crate) mod images;
mod live_feed;
pub(crate) mod log_state;
pub(crate) mod neighbours;
mod old_addresses;
mod site_index;
pub(crate) mod snapshot;
mod source_hubs;
mod subscriptions;
