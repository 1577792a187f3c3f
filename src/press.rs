//! Prints what readers fetch: builds a channel's documents when the log has grown, reads each back with a
//! parser of its own, compresses once, hashes, and swaps all of them in at a stroke.
//!
//! Nothing here answers a request, and no request waits for anything here.

mod document;

pub use document::{Coded, Coding, Document, Version};
