//! Short pages in Vietnamese: errors and redirects.

use std::time::Duration;

use hyper::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW, CACHE_CONTROL, CONTENT_RANGE, CONTENT_TYPE, HeaderName, HeaderValue,
    LOCATION, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};
use maud::{DOCTYPE, Markup, html};

use super::body::{HttpResponse, ResponseBody};
use super::headers::{
    ANY_ORIGIN, HTML, NO_CACHE, NO_STORE, NOSNIFF, VARY_ENCODING, ascii, page_headers, whole_seconds,
    with_retry_after,
};
use crate::html::head_start;

/// 301 to `target`, a path or an absolute URL made by [`crate::urls`]. Cached for a day: an old name may be
/// reused, and a browser would keep a bare 301 forever.
pub fn moved_permanently(target: &str) -> HttpResponse {
    let Ok(location) = HeaderValue::from_str(target) else { return not_found() };
    let text = html! { "Nội dung này nay ở địa chỉ " a href=(target) { (target) } "." };
    let mut reply = html_page(StatusCode::MOVED_PERMANENTLY, "Địa chỉ đã thay đổi", text);
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400"));
    reply.headers_mut().insert(LOCATION, location);
    reply
}

/// 400 with the reason as escaped text.
pub fn bad_request(reason: &str) -> HttpResponse {
    html_page(StatusCode::BAD_REQUEST, "Yêu cầu không đọc được", html! { (reason) })
}

/// 404.
pub fn not_found() -> HttpResponse {
    let text = html! { "Địa chỉ này không có nội dung. Xin xem lại địa chỉ, hoặc bắt đầu từ trang chủ." };
    html_page(StatusCode::NOT_FOUND, "Không tìm thấy trang", text)
}

/// 405; `allow` lists the allowed methods (RFC 9110 §15.5.6).
pub fn method_not_allowed(allow: &'static str) -> HttpResponse {
    let text = html! { "Địa chỉ này chỉ nhận: " (allow) "." };
    let mut reply = html_page(StatusCode::METHOD_NOT_ALLOWED, "Phương thức không được phép", text);
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    reply
}

/// 406: the request rejects every coding, identity included (feed rule C6).
pub fn not_acceptable() -> HttpResponse {
    let text = html! { "Nội dung ở đây có ở dạng br, gzip hoặc không nén; yêu cầu từ chối tất cả." };
    let mut reply = html_page(StatusCode::NOT_ACCEPTABLE, "Không có dạng phù hợp", text);
    reply.headers_mut().insert(VARY, VARY_ENCODING);
    reply
}

/// 410: a withdrawn article or a removed channel. Revalidated each time, because it may be restored.
pub fn gone() -> HttpResponse {
    let text = html! { "Nội dung này đã được gỡ và không còn ở đây." };
    html_page(StatusCode::GONE, "Nội dung đã được gỡ", text)
}

/// 412 (RFC 9110 §13.2.2).
pub fn precondition_failed() -> HttpResponse {
    let text = html! { "Nội dung đã thay đổi so với bản mà yêu cầu nhắc đến." };
    html_page(StatusCode::PRECONDITION_FAILED, "Nội dung đã thay đổi", text)
}

/// 413.
pub fn content_too_large() -> HttpResponse {
    let text = html! { "Nội dung gửi lên vượt quá giới hạn." };
    html_page(StatusCode::PAYLOAD_TOO_LARGE, "Nội dung gửi lên quá lớn", text)
}

/// 429; retry after `wait`.
pub fn too_many_requests(wait: Duration) -> HttpResponse {
    retry_later(StatusCode::TOO_MANY_REQUESTS, "Quá nhiều yêu cầu", wait)
}

/// 500. The cause is in the log only.
pub fn internal_error() -> HttpResponse {
    let text = html! { "Máy chủ gặp lỗi khi trả lời. Lỗi đã được ghi lại." };
    html_page(StatusCode::INTERNAL_SERVER_ERROR, "Máy chủ gặp lỗi", text)
}

/// 503; retry after `wait`.
pub fn service_unavailable(wait: Duration) -> HttpResponse {
    retry_later(StatusCode::SERVICE_UNAVAILABLE, "Chưa thể phục vụ", wait)
}

/// 416 (RFC 9110 §15.5.17) with the actual length in bytes.
pub(super) fn range_not_satisfiable(length: usize) -> HttpResponse {
    let text = html! { p { "Tệp này không có phần được yêu cầu." } };
    let mut reply = html_page(StatusCode::RANGE_NOT_SATISFIABLE, "Không có phần này", text);
    reply.headers_mut().insert(CONTENT_RANGE, ascii(format!("bytes */{length}")));
    reply
}

fn retry_later(status: StatusCode, title: &str, wait: Duration) -> HttpResponse {
    with_retry_after(
        html_page(status, title, html! { "Xin thử lại sau " (whole_seconds(wait)) " giây." }),
        wait,
    )
}

/// A short page: revalidated each time for 404 and 410, otherwise never cached.
fn html_page(status: StatusCode, title: &str, text: Markup) -> HttpResponse {
    let markup = html! {
        (DOCTYPE)
        html lang="vi" {
            head { (head_start(title)) }
            body { h1 { (title) } p { (text) } }
        }
    };
    let cache_control = match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => NO_CACHE,
        _ => NO_STORE,
    };
    let mut reply = Response::new(ResponseBody::from(markup.into_string()));
    *reply.status_mut() = status;
    let headers: [(HeaderName, HeaderValue); 4] = [
        (CONTENT_TYPE, HTML),
        (CACHE_CONTROL, cache_control),
        (X_CONTENT_TYPE_OPTIONS, NOSNIFF),
        (ACCESS_CONTROL_ALLOW_ORIGIN, ANY_ORIGIN),
    ];
    reply.headers_mut().extend(headers);
    page_headers(reply.headers_mut());
    reply
}
