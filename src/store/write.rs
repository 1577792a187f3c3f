//! The writes: how the log grows. Every write runs in one transaction.

pub(crate) mod api;
mod append;
mod channels;
mod collected;
mod comparison;
mod current;
mod duplicates;
mod files;
mod findings;
mod idempotency;
mod identity;
mod images;
mod log_writer;
mod new_rows;
mod old_addresses;
pub(crate) mod queue;
mod rights;
mod schedule;
mod source_hubs;
mod submit;
mod subscriptions;
mod together;
mod withdraw;
