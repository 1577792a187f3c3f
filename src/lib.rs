//! bantin
pub mod address;
pub mod article;
pub mod channel;
pub mod feed;
pub mod press;
pub mod store;
pub mod vietnam_time;
