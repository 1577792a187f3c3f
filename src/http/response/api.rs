//! Responses to programs: JSON, problem details, changes, OPTIONS, health and metrics.

use hyper::header::{
    ACCEPT_ENCODING, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, CACHE_CONTROL, CONTENT_ENCODING,
    CONTENT_TYPE, ETAG, HeaderValue, LOCATION, RETRY_AFTER, VARY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};

use super::body::{HttpResponse, ResponseBody};
use super::headers::{
    ANY_ORIGIN, BANTIN_LOG, BANTIN_NEXT, EXPOSED_CHANGES_HEADERS, NO_STORE, NOSNIFF,
    VARY_ACCEPT_AND_ENCODING, VARY_ENCODING, allow_any_origin, content_encoding,
};
use crate::render::ContentCoding;

/// JSON. `location` is the URL of the resource that the request created or changed, `etag` its tag.
pub fn json(
    status: StatusCode,
    body: impl Into<ResponseBody>,
    location: Option<&str>,
    etag: Option<&str>,
) -> HttpResponse {
    let mut reply = plain(status, "application/json", body);
    let more = [(LOCATION, location), (ETAG, etag)];
    for (name, value) in more.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        if let Ok(value) = HeaderValue::try_from(value) {
            reply.headers_mut().insert(name, value);
        }
    }
    allow_any_origin(reply.headers_mut());
    reply
}

/// Replaces the body by its encoded form.
pub fn encoded(
    mut reply: HttpResponse,
    coding: ContentCoding,
    body: impl Into<ResponseBody>,
) -> HttpResponse {
    *reply.body_mut() = body.into();
    let headers = reply.headers_mut();
    if let Some(name) = content_encoding(coding) {
        headers.insert(CONTENT_ENCODING, name);
    }
    headers.entry(VARY).or_insert(VARY_ENCODING);
    reply
}

/// Problem details (RFC 9457 §3), with the headers that the status requires.
pub fn problem(status: StatusCode, body: impl Into<ResponseBody>) -> HttpResponse {
    let mut reply = plain(status, "application/problem+json", body);
    let headers = reply.headers_mut();
    match status {
        // RFC 6750 §3.
        StatusCode::UNAUTHORIZED => drop(headers.insert(WWW_AUTHENTICATE, BEARER_CHALLENGE)),
        StatusCode::SERVICE_UNAVAILABLE => drop(headers.insert(RETRY_AFTER, HeaderValue::from_static("2"))),
        // RFC 9110 §15.5.16, §12.5.3: request bodies are accepted without content coding only.
        StatusCode::UNSUPPORTED_MEDIA_TYPE => drop(headers.insert(ACCEPT_ENCODING, IDENTITY)),
        _ => {}
    }
    allow_any_origin(headers);
    reply
}

const IDENTITY: HeaderValue = HeaderValue::from_static("identity");
const BEARER_CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"bantin\"");

/// Changes. The parameters of the next request are in the headers `Bantin-Log` and `Bantin-Next`, because
/// each line of NDJSON is a change. `log` is the log's id.
pub fn changes(
    media_type: &'static str,
    log: &str,
    next: u64,
    body: impl Into<ResponseBody>,
) -> HttpResponse {
    let mut reply = plain(StatusCode::OK, media_type, body);
    let headers = reply.headers_mut();
    allow_any_origin(headers);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_CHANGES_HEADERS);
    headers.insert(VARY, VARY_ACCEPT_AND_ENCODING);
    if let Ok(log) = HeaderValue::from_str(log) {
        headers.insert(BANTIN_LOG, log);
    }
    headers.insert(BANTIN_NEXT, HeaderValue::from(next));
    reply
}

/// 204 for OPTIONS and CORS preflight requests: the allowed methods, and the headers that feed readers and
/// CMSs send. Cached for a day.
pub fn options(allow: &'static str) -> HttpResponse {
    let allow = HeaderValue::from_static(allow);
    let mut reply = Response::new(ResponseBody::default());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    reply.headers_mut().extend([
        (ALLOW, allow.clone()),
        (ACCESS_CONTROL_ALLOW_ORIGIN, ANY_ORIGIN),
        (ACCESS_CONTROL_ALLOW_METHODS, allow),
        (
            ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static(
                "A-IM, Authorization, Cache-Control, Content-Type, Idempotency-Key, If-Match, \
                 If-Modified-Since, If-None-Match",
            ),
        ),
        (ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400")),
    ]);
    reply
}

/// A short response for programs that is never cached: health, readiness, metrics.
pub fn plain(status: StatusCode, media_type: &'static str, text: impl Into<ResponseBody>) -> HttpResponse {
    let mut reply = Response::new(text.into());
    *reply.status_mut() = status;
    reply.headers_mut().extend([
        (CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (CACHE_CONTROL, NO_STORE),
        (X_CONTENT_TYPE_OPTIONS, NOSNIFF),
    ]);
    reply
}
