//! Header names and values that several kinds of responses share.

use std::time::Duration;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::body::Body as _;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ALLOW, CONNECTION, CONTENT_LENGTH,
    CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY, RETRY_AFTER,
};

use super::body::HttpResponse;
use crate::render::ContentCoding;

/// `Allow` of read-only resources.
pub const ALLOW_READ: &str = "GET, HEAD, OPTIONS";

/// The additional headers of HTML pages, for servers that serve the exported files.
pub fn html_security_headers() -> Vec<(&'static str, String)> {
    let text = |value: HeaderValue| value.to_str().unwrap_or_default().to_owned();
    vec![("Content-Security-Policy", text(PAGE_CSP)), ("Referrer-Policy", text(PAGE_REFERRER_POLICY))]
}

/// The value of `Content-Encoding`; none for identity.
pub(super) fn content_encoding(coding: ContentCoding) -> Option<HeaderValue> {
    match coding {
        ContentCoding::Identity => None,
        ContentCoding::Gzip => Some(GZIP),
        ContentCoding::Brotli => Some(BROTLI),
    }
}

/// Adds the allowed methods (RFC 9110 §15.5.6).
pub fn with_allow(mut reply: HttpResponse, allow: &'static str) -> HttpResponse {
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    reply
}

/// Closes the connection after this response (RFC 9112 §9.6).
pub fn close_connection(reply: &mut HttpResponse) {
    reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
}

/// Drops the body of a response to HEAD and keeps its length (RFC 9110 §9.3.2). hyper does so for HTTP/1.1 only.
pub fn drop_body(reply: &mut HttpResponse) {
    if let Some(length) = reply.body().size_hint().exact() {
        reply.headers_mut().entry(CONTENT_LENGTH).or_insert(length.into());
    }
    *reply.body_mut() = Bytes::new().into();
}

/// Adds the time after which to retry (RFC 9110 §10.2.3).
pub fn with_retry_after(mut reply: HttpResponse, wait: Duration) -> HttpResponse {
    reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
    reply
}

/// Rounded up, so that a client that obeys does not retry too early; at least 1.
pub fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// Allows scripts of every origin to read the response and its validator (CORS).
pub(super) fn allow_any_origin(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY_ORIGIN);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
}

pub(super) fn page_headers(headers: &mut HeaderMap) {
    headers.insert(CONTENT_SECURITY_POLICY, PAGE_CSP);
    headers.insert(REFERRER_POLICY, PAGE_REFERRER_POLICY);
}

pub(super) fn ascii(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("digits and directives are visible ASCII")
}

pub(super) const ANY_ORIGIN: HeaderValue = HeaderValue::from_static("*");
pub(super) const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static("ETag");
pub(super) const EXPOSED_DELTA_HEADERS: HeaderValue = HeaderValue::from_static("ETag, IM");
pub(super) const IM: HeaderName = HeaderName::from_static("im");
/// NOTE: only on a delta. The full feed is correct for every client, and a cache that varied it by these
/// headers would store many copies.
pub(super) const VARY_DELTA: HeaderValue = HeaderValue::from_static("A-IM, If-None-Match, Accept-Encoding");
pub(super) const EXPOSED_CHANGES_HEADERS: HeaderValue = HeaderValue::from_static("Bantin-Log, Bantin-Next");
pub(super) const BANTIN_LOG: HeaderName = HeaderName::from_static("bantin-log");
pub(super) const BANTIN_NEXT: HeaderName = HeaderName::from_static("bantin-next");
pub(super) const VARY_ACCEPT_AND_ENCODING: HeaderValue = HeaderValue::from_static("Accept, Accept-Encoding");
pub(super) const VARY_ENCODING: HeaderValue = HeaderValue::from_static("Accept-Encoding");
/// For feeds. Feed readers send no `Sec-Fetch-Dest`, so they share one copy in every cache.
pub(super) const VARY_ENCODING_FETCH_DEST: HeaderValue =
    HeaderValue::from_static("Accept-Encoding, Sec-Fetch-Dest");
pub(super) const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
pub(super) const XML: HeaderValue = HeaderValue::from_static("text/xml; charset=utf-8");
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(super) const GZIP: HeaderValue = HeaderValue::from_static("gzip");
pub(super) const BROTLI: HeaderValue = HeaderValue::from_static("br");
pub(super) const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
pub(super) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
pub(super) const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
pub(super) const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// SECURITY: only our own script and style files, whatever an article contains, and nothing inline. Images
/// may be loaded from the site where the text came from.
pub(super) const PAGE_CSP: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; img-src 'self' https: data:; media-src 'self' https:; style-src 'self'; \
     script-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);
pub(super) const PAGE_REFERRER_POLICY: HeaderValue =
    HeaderValue::from_static("strict-origin-when-cross-origin");
