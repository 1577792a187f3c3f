//! How long clients and caches may keep each kind of document.

use std::time::Duration;

use hyper::header::HeaderValue;

use super::headers::NO_STORE;

/// `Cache-Control` of one kind of document, encoded once.
#[derive(Clone, Debug)]
pub struct CachePolicy {
    cache_control: HeaderValue,
}

impl CachePolicy {
    /// Clients and caches keep the document for `max_age` without revalidation; pollers wait that long (feed
    /// rule C7). A cache may serve it for `stale_while_revalidate` longer while it revalidates, and for
    /// `stale_if_error` longer while the server is unreachable (RFC 5861). Whole seconds.
    pub fn public(max_age: Duration, stale_while_revalidate: Duration, stale_if_error: Duration) -> Self {
        let text = format!(
            "public, max-age={}, stale-while-revalidate={}, stale-if-error={}",
            max_age.as_secs(),
            stale_while_revalidate.as_secs(),
            stale_if_error.as_secs(),
        );
        Self { cache_control: HeaderValue::try_from(text).expect("digits and directives are visible ASCII") }
    }

    /// Kept forever: the URL contains the hash of the bytes.
    pub fn immutable() -> Self {
        Self { cache_control: HeaderValue::from_static("public, max-age=31536000, immutable") }
    }

    pub(super) fn header_value(&self) -> HeaderValue {
        self.cache_control.clone()
    }

    /// Kept, but revalidated each time, so that a withdrawal takes effect at once.
    pub fn no_cache() -> Self {
        Self { cache_control: HeaderValue::from_static("no-cache") }
    }

    /// Never kept.
    pub(super) fn no_store() -> Self {
        Self { cache_control: NO_STORE }
    }

    /// The value of `Cache-Control`.
    pub fn text(&self) -> String {
        self.cache_control.to_str().unwrap_or_default().to_owned()
    }

    /// Never kept, not even by a private cache: an HTML page sent in place of a feed.
    pub fn private_no_store() -> Self {
        Self { cache_control: HeaderValue::from_static("private, no-store") }
    }
}

/// The policies for all kinds of documents.
#[derive(Clone, Debug)]
pub struct CachePolicies {
    /// Live feeds, and data that changes as rarely.
    pub feeds: CachePolicy,
    /// Pages, and everything else that a withdrawal must reach at once.
    pub pages: CachePolicy,
    /// Images.
    pub images: CachePolicy,
    /// Files with a hash of their bytes in the name.
    pub assets: CachePolicy,
}

/// How long caches may serve a stale feed while they revalidate it.
const STALE_WHILE_REVALIDATE: Duration = Duration::from_secs(60);
/// How long caches may serve a stale feed while the server is unreachable.
const STALE_IF_ERROR: Duration = Duration::from_secs(86_400);
/// The URL of an image contains a hash of its bytes, so it may be kept; for one day only, so that a
/// withdrawal takes effect.
const IMAGE_MAX_AGE: Duration = Duration::from_secs(86_400);

impl CachePolicies {
    /// `max_age` is the lifetime of a feed.
    pub fn new(max_age: Duration) -> Self {
        let fresh_for = |age| CachePolicy::public(age, STALE_WHILE_REVALIDATE, STALE_IF_ERROR);
        Self {
            feeds: fresh_for(max_age),
            pages: CachePolicy::no_cache(),
            images: fresh_for(IMAGE_MAX_AGE),
            assets: CachePolicy::immutable(),
        }
    }
}
