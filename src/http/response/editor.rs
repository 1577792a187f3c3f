//! Responses of the editing pages. None of them is ever cached.

use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY,
    SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};

use super::body::{HttpResponse, ResponseBody};
use super::headers::{HTML, NO_STORE, NOSNIFF};

/// SECURITY: no script at all, and forms go to this site only. Images of other sites may be in an article.
const EDITOR_CSP: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; img-src 'self' https: data:; media-src 'self' https:; style-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'",
);
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");

/// A page. `cookie` is the value of `Set-Cookie`.
pub fn page(status: StatusCode, html: Vec<u8>, cookie: Option<&str>) -> HttpResponse {
    with_cookie(private(status, HTML, html), cookie)
}

/// The stylesheet or an image. `media_type` was detected from the bytes, or is constant.
pub fn file(media_type: &'static str, bytes: Vec<u8>) -> HttpResponse {
    private(StatusCode::OK, HeaderValue::from_static(media_type), bytes)
}

/// 303: the result of a form is a page of its own, so that reloading it sends nothing again.
pub fn see_other(path: &str, cookie: Option<&str>) -> HttpResponse {
    let mut reply = private(StatusCode::SEE_OTHER, HTML, Vec::new());
    if let Ok(location) = HeaderValue::from_str(path) {
        reply.headers_mut().insert(LOCATION, location);
    }
    with_cookie(reply, cookie)
}

fn private(status: StatusCode, media_type: HeaderValue, bytes: Vec<u8>) -> HttpResponse {
    let mut reply = Response::new(ResponseBody::from(bytes));
    *reply.status_mut() = status;
    reply.headers_mut().extend([
        (CONTENT_TYPE, media_type),
        (CACHE_CONTROL, NO_STORE),
        (X_CONTENT_TYPE_OPTIONS, NOSNIFF),
        (CONTENT_SECURITY_POLICY, EDITOR_CSP),
        (REFERRER_POLICY, SAME_ORIGIN),
        (HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex")),
    ]);
    reply
}

fn with_cookie(mut reply: HttpResponse, cookie: Option<&str>) -> HttpResponse {
    if let Some(Ok(cookie)) = cookie.map(HeaderValue::from_str) {
        reply.headers_mut().insert(SET_COOKIE, cookie);
    }
    reply
}
