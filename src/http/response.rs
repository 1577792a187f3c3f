//! The answers as they go out. Nobody else writes a header.
//!
//! [`representation`] answers a request for a printed document entire: codings, preconditions, 200, 304, 406, 412,
//! HEAD and OPTIONS. Its headers are values that were printed before; on its way it allocates nothing of
//! the document's size, takes no lock and logs nothing. The other functions are the short answers: pages in
//! Vietnamese for the people who meet them.
//!
//! `PageContent-Length` and `Date` are written by hyper, the one from the body, the other from its clock. A HEAD
//! is answered with the very answer to GET: hyper keeps the body back, so the two cannot come to differ.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use hyper::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, CACHE_CONTROL,
    CONNECTION, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName,
    HeaderValue, IF_NONE_MATCH, LAST_MODIFIED, LOCATION, ORIGIN, REFERRER_POLICY, RETRY_AFTER, VARY,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{HeaderMap, Method, Response, StatusCode};
use maud::{DOCTYPE, Markup, html};

use super::body::ResponseBody;
use super::content_coding::AcceptEncoding;
use super::preconditions::{Decision, Preconditions};
use super::range::RangeRequest;
use crate::render::{ContentCoding, Representation, RepresentationKind, http_date};
use crate::time::Timestamp;

/// An answer.
pub type HttpResponse = Response<ResponseBody>;

/// `Allow` of whatever can only be read.
pub const ALLOW_READ: &str = "GET, HEAD, OPTIONS";

/// What the operator decides about the answers of one kind of document, printed once.
#[derive(Clone, Debug)]
pub struct CachePolicy {
    cache_control: HeaderValue,
}

impl CachePolicy {
    /// Readers and caches keep the document for `max_age` without asking: a promise, pollers wait it out
    /// (rule C7). A cache may show it for `stale_while_revalidate` longer while it asks, and for
    /// `stale_if_error` longer while the service cannot be reached (RFC 5861). Whole seconds.
    pub fn public(max_age: Duration, stale_while_revalidate: Duration, stale_if_error: Duration) -> Self {
        let text = format!(
            "public, max-age={}, stale-while-revalidate={}, stale-if-error={}",
            max_age.as_secs(),
            stale_while_revalidate.as_secs(),
            stale_if_error.as_secs(),
        );
        Self { cache_control: HeaderValue::try_from(text).expect("words and digits are visible ASCII") }
    }

    /// Kept for ever: the address names the bytes.
    pub fn immutable() -> Self {
        Self { cache_control: HeaderValue::from_static("public, max-age=31536000, immutable") }
    }

    /// Kept, but asked about each time: what a withdrawal must reach at once.
    pub fn no_cache() -> Self {
        Self { cache_control: HeaderValue::from_static("no-cache") }
    }

    /// For this time only.
    fn no_store() -> Self {
        Self { cache_control: NO_STORE }
    }

    /// The value of `Cache-Control`.
    pub fn text(&self) -> String {
        self.cache_control.to_str().unwrap_or_default().to_owned()
    }

    /// For one reader and one time only: a page in place of a feed, shown by how it was asked for.
    pub fn private_no_store() -> Self {
        Self { cache_control: HeaderValue::from_static("private, no-store") }
    }
}

/// The policies of all kinds of documents.
#[derive(Clone, Debug)]
pub struct CachePolicies {
    /// Live feeds, and data that changes as seldom.
    pub feeds: CachePolicy,
    /// Pages, and what else a withdrawal must reach at once.
    pub pages: CachePolicy,
    /// Pictures.
    pub pictures: CachePolicy,
    /// What bears the hash of its bytes in its name.
    pub assets: CachePolicy,
}

/// Caches may show a feed for so long while they fetch a newer one.
const STALE_WHILE_REVALIDATE: Duration = Duration::from_secs(60);
/// Caches may show a feed for so long while the service cannot be reached.
const STALE_IF_ERROR: Duration = Duration::from_secs(86_400);
/// A picture's address names its bytes, so it may be kept; for a day, so that a withdrawal reaches it.
const IMAGE_MAX_AGE: Duration = Duration::from_secs(86_400);

impl CachePolicies {
    /// Where readers are promised that a feed stands for `max_age`.
    pub fn new(max_age: Duration) -> Self {
        let kept_for = |age| CachePolicy::public(age, STALE_WHILE_REVALIDATE, STALE_IF_ERROR);
        Self {
            feeds: kept_for(max_age),
            pages: CachePolicy::no_cache(),
            pictures: kept_for(IMAGE_MAX_AGE),
            assets: CachePolicy::immutable(),
        }
    }
}

/// The headers that all pages for people have beside those of other documents: for servers that serve them as files.
pub fn html_security_headers() -> Vec<(&'static str, String)> {
    let text = |value: HeaderValue| value.to_str().unwrap_or_default().to_owned();
    vec![("Content-Security-Policy", text(PAGE_CSP)), ("Referrer-Policy", text(PAGE_REFERRER_POLICY))]
}

/// The answer to a request for `document`, whatever its method and headers. `now` is the present second.
///
/// The headers of the request are taken, for the answer's are written into their place: a poll then costs
/// no allocation at all, because hyper hands the same map round from request to answer to request.
pub fn representation(
    method: &Method,
    headers: HeaderMap,
    document: &Representation,
    policy: &CachePolicy,
    now: Timestamp,
) -> HttpResponse {
    let verdict = evaluate(&headers, document, now);
    from_decision(verdict, method, headers, document, policy, now)
}

/// What a GET or HEAD with these headers is answered with; none where every coding was refused.
pub fn evaluate(headers: &HeaderMap, document: &Representation, now: Timestamp) -> Option<Decision> {
    let choices = AcceptEncoding::from_headers(headers).ranked(document);
    Preconditions::from_headers(headers).evaluate(document, &choices, now)
}

/// The same as [`representation`] for whoever knows the [`verdict`] already.
pub fn from_decision(
    verdict: Option<Decision>,
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
    let for_a_script = headers.contains_key(ORIGIN);
    headers.clear();
    match verdict {
        Some(Decision::NotModified(coding)) => {
            not_modified(headers, document, coding, policy, now, for_a_script)
        }
        Some(Decision::Send(coding)) => full_response(headers, document, coding, policy, now),
        Some(Decision::PreconditionFailed) => precondition_failed(),
        None => not_acceptable(),
    }
}

/// 304 for a reader who holds a newer copy than this process has, `tag`: it is the better one, and a cache goes on
/// with it.
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
        // That of the older one would make the copy look older than it is.
        reply.headers_mut().remove(LAST_MODIFIED);
    }
    reply
}

/// 226 (RFC 3229 §10.4.1): `part` is what a feed holds beyond the copy that the request names, under the
/// feed's validators. Kept by nobody, so that no cache ever takes a part for the whole (rule D1).
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

/// A page in place of what was asked for: because there is nothing, or because a person has opened a feed. It has no
/// validators: a 304 would lead to what else lies at the address.
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

/// A page in place of a feed that a person has opened; kept by nobody, so that no cache ever hands it to a reader.
pub fn feed_as_html(headers: &HeaderMap, page: &Representation) -> HttpResponse {
    let mut reply = substitute(StatusCode::OK, headers, page, &CachePolicy::private_no_store());
    reply.headers_mut().insert(VARY, VARY_ENCODING_FETCH_DEST);
    reply
}

/// A feed as a person wants to see it: as a text that browsers show and do not download.
pub fn feed_source(headers: &HeaderMap, feed: &Representation) -> HttpResponse {
    let mut reply = substitute(StatusCode::OK, headers, feed, &CachePolicy::private_no_store());
    let shown = if feed.media_type.as_bytes().ends_with(b"json") { JSON } else { XML };
    reply.headers_mut().insert(CONTENT_TYPE, shown);
    reply.headers_mut().insert(VARY, VARY_ENCODING_FETCH_DEST);
    reply
}

/// Whether a person looks at the answer, in a window of a browser (Fetch Metadata). Browsers say so over TLS and to
/// their own machine, and readers never do.
pub fn is_browser_navigation(headers: &HeaderMap) -> bool {
    // A walk and no look-up, which would hash: a poll has few headers, and hardly one whose name must be compared.
    headers.iter().any(|(name, value)| *name == SEC_FETCH_DEST && value.as_bytes() == b"document")
}

/// The answer to a request for a picture: as [`representation`], and in parts where a part is asked for.
pub fn image(
    method: &Method,
    headers: HeaderMap,
    picture: &Representation,
    policy: &CachePolicy,
    now: Timestamp,
) -> HttpResponse {
    let asked = if *method == Method::GET {
        RangeRequest::from_headers(&headers, picture)
    } else {
        RangeRequest::Full
    };
    // A picture has one coding, whatever the request would take.
    let mut headers = headers;
    headers.remove(ACCEPT_ENCODING);
    let mut reply = representation(method, headers, picture, policy, now);
    if reply.status() == StatusCode::NOT_MODIFIED || reply.status() == StatusCode::OK {
        reply.headers_mut().remove(VARY);
        reply.headers_mut().insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    }
    match asked {
        RangeRequest::Partial(part) if reply.status() == StatusCode::OK => {
            partial_content(reply, picture, &part)
        }
        RangeRequest::Unsatisfiable if reply.status() == StatusCode::OK => range_not_satisfiable(picture),
        _ => reply,
    }
}

/// 206 (RFC 9110 §15.3.7).
fn partial_content(mut reply: HttpResponse, picture: &Representation, part: &Range<u64>) -> HttpResponse {
    let bytes = &picture.identity.bytes;
    let content_range = format!("bytes {}-{}/{}", part.start, part.end - 1, bytes.len());
    let within = |position: u64| usize::try_from(position).unwrap_or(bytes.len()).min(bytes.len());
    *reply.status_mut() = StatusCode::PARTIAL_CONTENT;
    *reply.body_mut() = ResponseBody::from(bytes.slice(within(part.start)..within(part.end)));
    reply.headers_mut().insert(CONTENT_RANGE, visible(content_range));
    reply
}

/// 416 (RFC 9110 §15.5.17), with the length that there is.
fn range_not_satisfiable(picture: &Representation) -> HttpResponse {
    let text = html! { p { "Tệp này không có phần được yêu cầu." } };
    let mut reply = html_page(StatusCode::RANGE_NOT_SATISFIABLE, "Không có phần này", text);
    reply.headers_mut().insert(CONTENT_RANGE, visible(format!("bytes */{}", picture.identity.bytes.len())));
    reply
}

fn visible(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("words and digits are visible ASCII")
}

const ANY_ORIGIN: HeaderValue = HeaderValue::from_static("*");
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static("ETag");
const EXPOSED_DELTA_HEADERS: HeaderValue = HeaderValue::from_static("ETag, IM");
const IM: HeaderName = HeaderName::from_static("im");
/// NOTE: only on a part. The whole is right for everybody, whatever they asked for, and a cache that held it
/// apart for each way of asking would hold it often.
const VARY_DELTA: HeaderValue = HeaderValue::from_static("A-IM, If-None-Match, Accept-Encoding");
const EXPOSED_CHANGES_HEADERS: HeaderValue = HeaderValue::from_static("Bantin-Log, Bantin-Next");
const BANTIN_LOG: HeaderName = HeaderName::from_static("bantin-log");
const BANTIN_NEXT: HeaderName = HeaderName::from_static("bantin-next");
const BY_FORM_AND_CODING: HeaderValue = HeaderValue::from_static("Accept, Accept-Encoding");
const VARY_ENCODING: HeaderValue = HeaderValue::from_static("Accept-Encoding");
/// Of feeds. Who sends no `Sec-Fetch-Dest`, as no reader does, shares one copy in every cache.
const VARY_ENCODING_FETCH_DEST: HeaderValue = HeaderValue::from_static("Accept-Encoding, Sec-Fetch-Dest");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
const XML: HeaderValue = HeaderValue::from_static("text/xml; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const GZIP: HeaderValue = HeaderValue::from_static("gzip");
const BROTLI: HeaderValue = HeaderValue::from_static("br");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// SECURITY: no script and no style but the files of our own, whatever an article brings along: nothing inline.
/// Pictures may come from where the text was taken.
const PAGE_CSP: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; img-src 'self' https: data:; media-src 'self' https:; style-src 'self'; \
     script-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);
const PAGE_REFERRER_POLICY: HeaderValue = HeaderValue::from_static("strict-origin-when-cross-origin");

/// 304 (RFC 9110 §15.4.5): what a 200 would have said for caches, and no body (rules C4, C6).
///
/// A 304 is kept by nobody, so who asks for another site's script is told at once whether the script may
/// read it; all others, who are the polls that this service lives from, are spared those headers.
fn not_modified(
    mut headers: HeaderMap,
    document: &Representation,
    coding: ContentCoding,
    policy: &CachePolicy,
    now: Timestamp,
    for_a_script: bool,
) -> HttpResponse {
    validators(&mut headers, document, coding, policy, now);
    if for_a_script {
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
    match coding {
        ContentCoding::Identity => {}
        ContentCoding::Gzip => drop(headers.insert(CONTENT_ENCODING, GZIP)),
        ContentCoding::Brotli => drop(headers.insert(CONTENT_ENCODING, BROTLI)),
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    if document.kind == RepresentationKind::Page {
        page_headers(&mut headers);
    }
    let bytes = document.body(coding).bytes.clone();
    let body = match (coding == ContentCoding::Identity).then(|| document.file()).flatten() {
        Some(file) => ResponseBody::memfd(bytes, Arc::clone(file)),
        None => ResponseBody::from(bytes),
    };
    let mut reply = Response::new(body);
    *reply.headers_mut() = headers;
    reply
}

/// What 200 and 304 have in common.
fn validators(
    headers: &mut HeaderMap,
    document: &Representation,
    coding: ContentCoding,
    policy: &CachePolicy,
    now: Timestamp,
) {
    headers.insert(ETAG, document.body(coding).etag.clone());
    headers.insert(LAST_MODIFIED, last_modified(document, now));
    headers.insert(CACHE_CONTROL, policy.cache_control.clone());
    headers.insert(
        VARY,
        if document.kind == RepresentationKind::Feed { VARY_ENCODING_FETCH_DEST } else { VARY_ENCODING },
    );
}

/// Scripts of every site may read this, the validator too.
fn allow_any_origin(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY_ORIGIN);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
}

/// Never later than `Date` (RFC 9110 §8.8.2.1), and never a second that still runs.
///
/// NOTE: while the second of the last change runs, the second before it is named. A reader that knows only
/// dates would otherwise hold a date that a further change in the same second bears as well, and be told
/// 304 about a document that it never saw.
fn last_modified(document: &Representation, now: Timestamp) -> HeaderValue {
    if document.last_modified < now {
        document.last_modified_text.clone()
    } else {
        http_date(now - TimeDelta::seconds(1))
    }
}

fn page_headers(headers: &mut HeaderMap) {
    headers.insert(CONTENT_SECURITY_POLICY, PAGE_CSP);
    headers.insert(REFERRER_POLICY, PAGE_REFERRER_POLICY);
}

/// JSON for a program. `location` is where the thing lies that the request made or changed, `etag` its tag.
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

/// The same in a coding, with its body coded already; how it is coded depends on the request.
pub fn coded(mut reply: HttpResponse, coding: ContentCoding, body: impl Into<ResponseBody>) -> HttpResponse {
    *reply.body_mut() = body.into();
    let headers = reply.headers_mut();
    let name = match coding {
        ContentCoding::Identity => None,
        ContentCoding::Gzip => Some(GZIP),
        ContentCoding::Brotli => Some(BROTLI),
    };
    if let Some(name) = name {
        headers.insert(CONTENT_ENCODING, name);
    }
    headers.entry(VARY).or_insert(VARY_ENCODING);
    reply
}

/// Problem details (RFC 9457 §3); with what the status itself asks for.
pub fn problem(status: StatusCode, body: impl Into<ResponseBody>) -> HttpResponse {
    let mut reply = plain(status, "application/problem+json", body);
    let headers = reply.headers_mut();
    match status {
        // RFC 6750 §3.
        StatusCode::UNAUTHORIZED => drop(headers.insert(WWW_AUTHENTICATE, BEARER_CHALLENGE)),
        StatusCode::SERVICE_UNAVAILABLE => drop(headers.insert(RETRY_AFTER, HeaderValue::from_static("2"))),
        // RFC 9110 §15.5.16, §12.5.3: no body is taken in any other coding.
        StatusCode::UNSUPPORTED_MEDIA_TYPE => drop(headers.insert(ACCEPT_ENCODING, IDENTITY)),
        _ => {}
    }
    allow_any_origin(headers);
    reply
}

const IDENTITY: HeaderValue = HeaderValue::from_static("identity");
const BEARER_CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"bantin\"");

/// The same with the methods that there are (RFC 9110 §15.5.6).
pub fn with_allow(mut reply: HttpResponse, allow: &'static str) -> HttpResponse {
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    reply
}

/// Changes, with what a reader asks with next in headers: `Bantin-Log` and `Bantin-Next`, so that it is known
/// also where each line of the body is a change and nothing else. `log` is the log's id.
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
    headers.insert(VARY, BY_FORM_AND_CODING);
    if let Ok(log) = HeaderValue::from_str(log) {
        headers.insert(BANTIN_LOG, log);
    }
    headers.insert(BANTIN_NEXT, HeaderValue::from(next));
    reply
}

/// 301 to `target`, a path or an absolute URL made by [`crate::urls`]. Kept for a day: an old name may be
/// given back, and a browser would keep a bare 301 for ever.
pub fn moved_permanently(target: &str) -> HttpResponse {
    let Ok(location) = HeaderValue::from_str(target) else { return not_found() };
    let text = html! { "Nội dung này nay ở địa chỉ " a href=(target) { (target) } "." };
    let mut reply = html_page(StatusCode::MOVED_PERMANENTLY, "Địa chỉ đã thay đổi", text);
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400"));
    reply.headers_mut().insert(LOCATION, location);
    reply
}

/// 400 with the reason, which is shown as text.
pub fn bad_request(reason: &str) -> HttpResponse {
    html_page(StatusCode::BAD_REQUEST, "Yêu cầu không đọc được", html! { (reason) })
}

/// 404.
pub fn not_found() -> HttpResponse {
    let text = html! { "Địa chỉ này không có nội dung. Xin xem lại địa chỉ, hoặc bắt đầu từ trang chủ." };
    html_page(StatusCode::NOT_FOUND, "Không tìm thấy trang", text)
}

/// 405; `allow` names the methods that there are (RFC 9110 §15.5.6).
pub fn method_not_allowed(allow: &'static str) -> HttpResponse {
    let text = html! { "Địa chỉ này chỉ nhận: " (allow) "." };
    let mut reply = html_page(StatusCode::METHOD_NOT_ALLOWED, "Phương thức không được phép", text);
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    reply
}

/// 406: every coding was refused, the plain text too (rule C6).
pub fn not_acceptable() -> HttpResponse {
    let text = html! { "Nội dung ở đây có ở dạng br, gzip hoặc không nén; yêu cầu từ chối tất cả." };
    let mut reply = html_page(StatusCode::NOT_ACCEPTABLE, "Không có dạng phù hợp", text);
    reply.headers_mut().insert(VARY, VARY_ENCODING);
    reply
}

/// 410: withdrawn, or a channel that is gone. Asked about each time, for it may be restored.
pub fn gone() -> HttpResponse {
    let text = html! { "Nội dung này đã được gỡ và không còn ở đây." };
    html_page(StatusCode::GONE, "Nội dung đã được gỡ", text)
}

/// 412 (RFC 9110 §13.2.2).
pub fn precondition_failed() -> HttpResponse {
    let text = html! { "Nội dung đã thay đổi so với bản mà yêu cầu nhắc đến." };
    html_page(StatusCode::PRECONDITION_FAILED, "Nội dung đã thay đổi", text)
}

/// 413: the request brought more than is taken.
pub fn content_too_large() -> HttpResponse {
    let text = html! { "Nội dung gửi lên vượt quá giới hạn." };
    html_page(StatusCode::PAYLOAD_TOO_LARGE, "Nội dung gửi lên quá lớn", text)
}

/// The same, after which the connection ends (RFC 9112 §9.6).
pub fn close_behind(reply: &mut HttpResponse) {
    reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
}

/// 429; come again after `wait`.
pub fn too_many_requests(wait: Duration) -> HttpResponse {
    retry_later(StatusCode::TOO_MANY_REQUESTS, "Quá nhiều yêu cầu", wait)
}

/// 500. What went wrong stands in the log and not here.
pub fn internal_error() -> HttpResponse {
    let text = html! { "Máy chủ gặp lỗi khi trả lời. Lỗi đã được ghi lại." };
    html_page(StatusCode::INTERNAL_SERVER_ERROR, "Máy chủ gặp lỗi", text)
}

/// 503; come again after `wait`.
pub fn service_unavailable(wait: Duration) -> HttpResponse {
    retry_later(StatusCode::SERVICE_UNAVAILABLE, "Chưa thể phục vụ", wait)
}

/// 204 to OPTIONS, and to the question that a browser asks before a request from another site (CORS): the
/// methods of `allow`, with the headers that a reader of feeds or an office system sends. A day old at most.
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

/// A short text that a machine asks for, never kept: health, readiness, metrics.
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

fn retry_later(status: StatusCode, title: &str, wait: Duration) -> HttpResponse {
    with_retry_after(
        html_page(status, title, html! { "Xin thử lại sau " (whole_seconds(wait)) " giây." }),
        wait,
    )
}

/// The same with the time after which to come again (RFC 9110 §10.2.3).
pub fn with_retry_after(mut reply: HttpResponse, wait: Duration) -> HttpResponse {
    reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
    reply
}

/// Rounded up, so that whoever obeys does not come too early; never nothing.
pub fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// A short page: asked about each time, or never kept where it speaks of this moment only.
fn html_page(status: StatusCode, title: &str, text: Markup) -> HttpResponse {
    let markup = html! {
        (DOCTYPE)
        html lang="vi" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
            }
            body { h1 { (title) } p { (text) } }
        }
    };
    let kept = match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => NO_CACHE,
        _ => NO_STORE,
    };
    let mut reply = Response::new(ResponseBody::from(markup.into_string()));
    *reply.status_mut() = status;
    let headers: [(HeaderName, HeaderValue); 4] = [
        (CONTENT_TYPE, HTML),
        (CACHE_CONTROL, kept),
        (X_CONTENT_TYPE_OPTIONS, NOSNIFF),
        (ACCESS_CONTROL_ALLOW_ORIGIN, ANY_ORIGIN),
    ];
    reply.headers_mut().extend(headers);
    page_headers(reply.headers_mut());
    reply
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::LogVersion;
    use crate::time::from_unix;
    use hyper::header::{ACCEPT_ENCODING, IF_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE};
    use proptest::prelude::*;

    /// The seed's moment: Fri, 12 May 2023 10:39:00 GMT.
    const CHANGED: i64 = 1_683_887_940;

    fn feed() -> Representation {
        let version = LogVersion { log: "k3f9".to_owned(), number: 7 };
        let text = "Đất & Người 🌾 ".repeat(60).into_bytes();
        Representation::encode("application/rss+xml; charset=utf-8", text, &version, from_unix(CHANGED))
    }

    fn policy() -> CachePolicy {
        CachePolicy::public(Duration::from_secs(300), Duration::from_secs(600), Duration::from_secs(86_400))
    }

    fn header(reply: &HttpResponse, name: HeaderName) -> &str {
        reply.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn body(reply: HttpResponse) -> String {
        let bytes = http_body_util::BodyExt::collect(reply.into_body());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let bytes = runtime.block_on(bytes).unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn the_date_of_the_last_change_is_never_one_that_a_further_change_may_bear() {
        let feed = feed();
        for (now, told) in [
            (CHANGED - 3600, "Fri, 12 May 2023 09:38:59 GMT"),
            (CHANGED, "Fri, 12 May 2023 10:38:59 GMT"),
            (CHANGED + 1, "Fri, 12 May 2023 10:39:00 GMT"),
            (CHANGED + 3600, "Fri, 12 May 2023 10:39:00 GMT"),
        ] {
            let reply = representation(&Method::GET, HeaderMap::new(), &feed, &policy(), from_unix(now));
            assert_eq!(header(&reply, LAST_MODIFIED), told, "{now}");
        }
    }

    #[test]
    fn a_reader_that_knows_only_dates_misses_no_second_change_within_one_second() {
        let first = feed();
        let reply = representation(&Method::GET, HeaderMap::new(), &first, &policy(), from_unix(CHANGED));
        let held = reply.headers()[LAST_MODIFIED].clone();
        // The feed changes once more before the second is over; the reader comes back much later.
        let second = feed();
        let poll = HeaderMap::from_iter([(IF_MODIFIED_SINCE, held)]);
        let reply = representation(&Method::GET, poll, &second, &policy(), from_unix(CHANGED + 600));
        assert_eq!(reply.status(), StatusCode::OK);
        // Once it has settled, the reader is told its date and need not fetch again.
        let poll = HeaderMap::from_iter([(IF_MODIFIED_SINCE, reply.headers()[LAST_MODIFIED].clone())]);
        let reply = representation(&Method::GET, poll, &second, &policy(), from_unix(CHANGED + 601));
        assert_eq!(reply.status(), StatusCode::NOT_MODIFIED);
    }

    #[test]
    fn nothing_of_the_request_s_headers_stays_in_the_answer() {
        let request = HeaderMap::from_iter([
            (HeaderName::from_static("x-secret"), HeaderValue::from_static("1")),
            (ACCEPT_ENCODING, HeaderValue::from_static("gzip")),
            (IF_NONE_MATCH, HeaderValue::from_static("\"x\"")),
        ]);
        let reply = representation(&Method::GET, request, &feed(), &policy(), from_unix(CHANGED + 9));
        for name in ["x-secret", "accept-encoding", "if-none-match"] {
            assert!(!reply.headers().contains_key(name), "{name}");
        }
    }

    #[test]
    fn each_short_answer_has_its_status_its_header_and_a_page_that_can_be_read() {
        let seconds = Duration::from_secs;
        let rules = [
            (moved_permanently("/xa-hoi/rss.xml"), 301, LOCATION, "/xa-hoi/rss.xml"),
            (not_found(), 404, CACHE_CONTROL, "no-cache"),
            (gone(), 410, CACHE_CONTROL, "no-cache"),
            (method_not_allowed(ALLOW_READ), 405, ALLOW, "GET, HEAD, OPTIONS"),
            (not_acceptable(), 406, VARY, "Accept-Encoding"),
            (precondition_failed(), 412, CACHE_CONTROL, "no-store"),
            (content_too_large(), 413, CACHE_CONTROL, "no-store"),
            (bad_request("sai"), 400, CACHE_CONTROL, "no-store"),
            (internal_error(), 500, CACHE_CONTROL, "no-store"),
            (too_many_requests(seconds(30)), 429, RETRY_AFTER, "30"),
            (too_many_requests(Duration::ZERO), 429, RETRY_AFTER, "1"),
            (service_unavailable(Duration::from_millis(1500)), 503, RETRY_AFTER, "2"),
        ];
        for (reply, status, name, value) in rules {
            assert_eq!((reply.status().as_u16(), header(&reply, name)), (status, value));
            assert_eq!(header(&reply, CONTENT_TYPE), "text/html; charset=utf-8", "{status}");
            assert_eq!(header(&reply, X_CONTENT_TYPE_OPTIONS), "nosniff", "{status}");
            assert!(header(&reply, CONTENT_SECURITY_POLICY).starts_with("default-src 'none'"), "{status}");
            let page = body(reply);
            assert!(page.starts_with("<!DOCTYPE html><html lang=\"vi\">") && page.contains("<h1>"), "{page}");
        }
    }

    #[test]
    fn what_comes_from_outside_is_text_in_a_page_and_never_a_second_header() {
        let page = body(bad_request("<script>alert('Đăk Tô')</script> & \"\""));
        assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"), "{page}");
        let reply = moved_permanently("/a\"><script>");
        assert_eq!(reply.status(), StatusCode::MOVED_PERMANENTLY);
        assert!(!body(reply).contains("<script>"));
        for split in ["/a\r\nSet-Cookie: x=1", "/a\n", "/a\0"] {
            assert_eq!(moved_permanently(split).status(), StatusCode::NOT_FOUND, "{split:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_headers_say_a_document_has_an_answer(
            lines in proptest::collection::vec((0_usize..6, proptest::collection::vec(any::<u8>(), 0..60)), 0..8),
            now in -10_i64..10,
        ) {
            let names =
                [ACCEPT_ENCODING, IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE, ORIGIN];
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                if let Ok(value) = HeaderValue::from_bytes(&value) {
                    headers.append(names[name].clone(), value);
                }
            }
            let reply = representation(&Method::GET, headers, &feed(), &policy(), from_unix(CHANGED + now));
            prop_assert!(matches!(reply.status().as_u16(), 200 | 304 | 406 | 412));
        }
    }
}
