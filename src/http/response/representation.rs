//! Responses that carry a rendered document.

use std::ops::Range;
use std::sync::Arc;

use chrono::TimeDelta;
use hyper::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, ACCESS_CONTROL_EXPOSE_HEADERS, CACHE_CONTROL, CONTENT_ENCODING,
    CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH, LAST_MODIFIED, LINK, ORIGIN, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::{HeaderMap, Method, Response, StatusCode};

use super::api::options;
use super::body::{HttpResponse, ResponseBody};
use super::cache_policy::CachePolicy;
use super::error_pages::{method_not_allowed, not_acceptable, precondition_failed, range_not_satisfiable};
use super::headers::{
    ALLOW_READ, EXPOSED_DELTA_HEADERS, IM, JSON, NOSNIFF, SEC_FETCH_DEST, VARY_DELTA, VARY_ENCODING,
    VARY_ENCODING_FETCH_DEST, XML, allow_any_origin, ascii, content_encoding, page_headers,
};
use crate::http::content_coding::AcceptEncoding;
use crate::http::header_lines::{is_present, lines};
use crate::http::preconditions::{Decision, Preconditions};
use crate::http::range::RangeRequest;
use crate::render::{ContentCoding, Representation, RepresentationKind, http_date};
use crate::time::Timestamp;

/// Answers a request for `document`, whatever its method and headers. `now` is the current second.
///
/// The request headers are consumed: the response headers are written into the same map, so a poll needs no
/// allocation (hyper recycles the map between requests).
pub fn representation(
    method: &Method,
    headers: HeaderMap,
    document: &Representation,
    policy: &CachePolicy,
    now: Timestamp,
) -> HttpResponse {
    let decision = evaluate(&headers, document, now);
    from_decision(decision, method, headers, document, policy, now)
}

/// Decides how to answer a GET or HEAD with these headers; none if every coding is rejected. Compresses no long document.
pub fn evaluate(headers: &HeaderMap, document: &Representation, now: Timestamp) -> Option<Decision> {
    let choices = AcceptEncoding::from_headers(headers).ranked(document);
    Preconditions::from_headers(headers).evaluate(document, &choices, now)
}

/// The same as [`representation()`] with the result of [`evaluate`].
pub fn from_decision(
    decision: Option<Decision>,
    method: &Method,
    mut headers: HeaderMap,
    document: &Representation,
    policy: &CachePolicy,
    now: Timestamp,
) -> HttpResponse {
    match *method {
        Method::GET | Method::HEAD => {}
        Method::OPTIONS => return options(ALLOW_READ),
        _ => return method_not_allowed(ALLOW_READ),
    }
    if let Some(Decision::Encode(coding)) = decision {
        document.body(coding);
        let decision = evaluate(&headers, document, now);
        return from_decision(decision, method, headers, document, policy, now);
    }
    let cross_origin = is_present(&headers, ORIGIN);
    headers.clear();
    match decision {
        Some(Decision::NotModified(coding)) => {
            not_modified(headers, document, coding, policy, now, cross_origin)
        }
        Some(Decision::Send(coding)) => full_response(headers, document, coding, policy, now),
        Some(Decision::PreconditionFailed) => precondition_failed(),
        None | Some(Decision::Encode(_)) => not_acceptable(),
    }
}

/// 304 for a client that holds a newer copy than this process has, with the tag `tag`. Caches keep that newer
/// copy.
pub fn not_modified_newer(
    method: &Method,
    mut headers: HeaderMap,
    older: &Representation,
    tag: HeaderValue,
    policy: &CachePolicy,
    now: Timestamp,
) -> HttpResponse {
    headers.insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
    let mut reply = representation(method, headers, older, policy, now);
    if reply.status() == StatusCode::NOT_MODIFIED {
        reply.headers_mut().insert(ETAG, tag);
        // The date of the older one would make the copy look older than it is.
        reply.headers_mut().remove(LAST_MODIFIED);
    }
    reply
}

/// 226 (RFC 3229 §10.4.1): `part` holds what the feed has in addition to the client's copy, under the
/// validators of the feed. Never cached, so that no cache mistakes it for the full feed (feed rule D1).
pub fn im_used(headers: &HeaderMap, part: &Representation, now: Timestamp) -> HttpResponse {
    let Some(coding) = AcceptEncoding::from_headers(headers).ranked(part).as_slice().first().copied() else {
        return not_acceptable();
    };
    let mut reply = full_response(HeaderMap::new(), part, coding, &CachePolicy::no_store(), now);
    *reply.status_mut() = StatusCode::IM_USED;
    let headers = reply.headers_mut();
    headers.insert(IM, HeaderValue::from_static("feed"));
    headers.insert(VARY, VARY_DELTA);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_DELTA_HEADERS);
    reply
}

/// A page in place of the requested document: an error page, or the HTML view of a feed. Without validators,
/// because a 304 would refer to the document at this URL.
pub fn substitute(
    status: StatusCode,
    headers: &HeaderMap,
    page: &Representation,
    policy: &CachePolicy,
) -> HttpResponse {
    let coding = AcceptEncoding::from_headers(headers)
        .ranked(page)
        .as_slice()
        .first()
        .copied()
        .unwrap_or(ContentCoding::Identity);
    let mut reply = full_response(HeaderMap::new(), page, coding, policy, Timestamp::MAX_UTC);
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.remove(ETAG);
    headers.remove(LAST_MODIFIED);
    headers.remove(ACCESS_CONTROL_EXPOSE_HEADERS);
    reply
}

/// The HTML view of a feed, for browsers. Never cached, so that no cache serves it to a feed reader.
pub fn feed_as_html(headers: &HeaderMap, page: &Representation) -> HttpResponse {
    let mut reply = substitute(StatusCode::OK, headers, page, &CachePolicy::private_no_store());
    reply.headers_mut().insert(VARY, VARY_ENCODING_FETCH_DEST);
    reply
}

/// The source of a feed as a text type that browsers display and do not download.
pub fn feed_source(headers: &HeaderMap, feed: &Representation) -> HttpResponse {
    let mut reply = substitute(StatusCode::OK, headers, feed, &CachePolicy::private_no_store());
    let media_type = if feed.media_type.as_bytes().ends_with(b"json") { JSON } else { XML };
    reply.headers_mut().insert(CONTENT_TYPE, media_type);
    reply.headers_mut().insert(VARY, VARY_ENCODING_FETCH_DEST);
    reply
}

/// True for a page load in a browser (Fetch Metadata). Browsers send the header over TLS and to localhost;
/// feed readers never do.
pub fn is_browser_navigation(headers: &HeaderMap) -> bool {
    lines(headers, SEC_FETCH_DEST).any(|value| value.as_bytes() == b"document")
}

/// Answers a request for an image: like [`representation()`], with support for byte ranges.
pub fn image(
    method: &Method,
    headers: HeaderMap,
    image_document: &Representation,
    policy: &CachePolicy,
    now: Timestamp,
) -> HttpResponse {
    let range = if *method == Method::GET {
        RangeRequest::from_headers(&headers, image_document)
    } else {
        RangeRequest::Full
    };
    // An image has one coding, whatever the request accepts.
    let mut headers = headers;
    headers.remove(ACCEPT_ENCODING);
    let mut reply = representation(method, headers, image_document, policy, now);
    if reply.status() == StatusCode::NOT_MODIFIED || reply.status() == StatusCode::OK {
        reply.headers_mut().remove(VARY);
        reply.headers_mut().insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    }
    match range {
        RangeRequest::Partial(part) if reply.status() == StatusCode::OK => {
            partial_content(reply, image_document, &part)
        }
        RangeRequest::Unsatisfiable if reply.status() == StatusCode::OK => {
            range_not_satisfiable(image_document.identity.bytes.len())
        }
        _ => reply,
    }
}

/// 206 (RFC 9110 §15.3.7).
fn partial_content(
    mut reply: HttpResponse,
    image_document: &Representation,
    part: &Range<u64>,
) -> HttpResponse {
    let bytes = &image_document.identity.bytes;
    let content_range = format!("bytes {}-{}/{}", part.start, part.end - 1, bytes.len());
    let clamp = |position: u64| usize::try_from(position).unwrap_or(bytes.len()).min(bytes.len());
    *reply.status_mut() = StatusCode::PARTIAL_CONTENT;
    *reply.body_mut() = ResponseBody::from(bytes.slice(clamp(part.start)..clamp(part.end)));
    reply.headers_mut().insert(CONTENT_RANGE, ascii(content_range));
    reply
}

/// 304 (RFC 9110 §15.4.5): the caching headers of a 200 and no body (feed rules C4, C6).
///
/// CORS headers are sent only to scripts of other origins. All other polls, which are most of the traffic,
/// are spared those bytes; a 304 is not cached.
fn not_modified(
    mut headers: HeaderMap,
    document: &Representation,
    coding: ContentCoding,
    policy: &CachePolicy,
    now: Timestamp,
    cross_origin: bool,
) -> HttpResponse {
    validators(&mut headers, document, coding, policy, now);
    if cross_origin {
        allow_any_origin(&mut headers);
    }
    let mut reply = Response::new(ResponseBody::default());
    *reply.status_mut() = StatusCode::NOT_MODIFIED;
    *reply.headers_mut() = headers;
    reply
}

fn full_response(
    mut headers: HeaderMap,
    document: &Representation,
    coding: ContentCoding,
    policy: &CachePolicy,
    now: Timestamp,
) -> HttpResponse {
    validators(&mut headers, document, coding, policy, now);
    allow_any_origin(&mut headers);
    headers.insert(CONTENT_TYPE, document.media_type.clone());
    if let Some(name) = content_encoding(coding) {
        headers.insert(CONTENT_ENCODING, name);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    if let Some(link) = &document.link {
        headers.insert(LINK, link.clone());
    }
    if document.kind == RepresentationKind::Page {
        page_headers(&mut headers);
    }
    let body = document.body(coding);
    let bytes = body.bytes.clone();
    let body = match body.file() {
        Some(file) => ResponseBody::memfd(bytes, Arc::clone(file)),
        None => ResponseBody::from(bytes),
    };
    let mut reply = Response::new(body);
    *reply.headers_mut() = headers;
    reply
}

/// The headers that 200 and 304 share.
fn validators(
    headers: &mut HeaderMap,
    document: &Representation,
    coding: ContentCoding,
    policy: &CachePolicy,
    now: Timestamp,
) {
    headers.insert(ETAG, document.body(coding).etag.clone());
    headers.insert(LAST_MODIFIED, last_modified(document, now));
    headers.insert(CACHE_CONTROL, policy.header_value());
    headers.insert(
        VARY,
        if document.kind == RepresentationKind::Feed { VARY_ENCODING_FETCH_DEST } else { VARY_ENCODING },
    );
}

/// Never later than `Date` (RFC 9110 §8.8.2.1), and never the current second.
///
/// NOTE: during the second of the last change, the previous second is sent. Otherwise another change in the
/// same second would have the same date, and a client that uses only dates would get 304 for a document that
/// it never saw.
fn last_modified(document: &Representation, now: Timestamp) -> HeaderValue {
    if document.last_modified < now {
        document.last_modified_text.clone()
    } else {
        http_date(now - TimeDelta::seconds(1))
    }
}
