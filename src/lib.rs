//! bantin
pub mod address;
pub mod article;
pub mod channel;
pub mod press;
pub mod vietnam_time;
