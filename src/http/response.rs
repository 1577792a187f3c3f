//! All responses. No other module writes headers.
//!
//! [`representation()`] answers a request for a rendered document completely: codings, preconditions, 200, 304, 406,
//! 412, HEAD and OPTIONS. Its header values were encoded when the document was rendered. It allocates nothing of the
//! document's size, takes no lock and logs nothing.
//!
//! hyper writes `Content-Length` and `Date`. HEAD gets the same response as GET; hyper drops the body, so the headers
//! of both are always equal.

mod api;
mod body;
mod cache_policy;
pub mod editor;
mod error_pages;
mod headers;
mod representation;

pub use api::{changes, encoded, json, options, plain, problem};
pub use body::{BodySender, HttpResponse, MemfdBody, ResponseBody};
pub use cache_policy::{CachePolicies, CachePolicy};
pub use error_pages::{
    bad_request, content_too_large, gone, internal_error, method_not_allowed, moved_permanently,
    not_acceptable, not_found, precondition_failed, service_unavailable, too_many_requests,
};
pub use headers::{
    ALLOW_READ, close_connection, drop_body, html_security_headers, whole_seconds, with_allow,
    with_retry_after,
};
pub use representation::{
    evaluate, feed_as_html, feed_source, from_decision, im_used, image, is_browser_navigation,
    not_modified_newer, representation, substitute,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::{LogVersion, Representation};
    use crate::time::from_unix;
    use hyper::header::{
        ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName,
        HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE, LAST_MODIFIED,
        LOCATION, ORIGIN, RETRY_AFTER, VARY, X_CONTENT_TYPE_OPTIONS,
    };
    use hyper::{HeaderMap, Method, StatusCode};
    use proptest::prelude::*;
    use std::time::Duration;

    /// The date of the sample article: Fri, 12 May 2023 10:39:00 GMT.
    const CHANGED: i64 = 1_683_887_940;

    fn feed() -> Representation {
        let version = LogVersion { log: "k3f9".to_owned(), number: 7 };
        let text = "Đất & Người 🌾 ".repeat(60).into_bytes();
        Representation::new("application/rss+xml; charset=utf-8", text, &version, from_unix(CHANGED))
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
    fn last_modified_is_never_a_second_that_is_not_over() {
        let feed = feed();
        for (now, expected) in [
            (CHANGED - 3600, "Fri, 12 May 2023 09:38:59 GMT"),
            (CHANGED, "Fri, 12 May 2023 10:38:59 GMT"),
            (CHANGED + 1, "Fri, 12 May 2023 10:39:00 GMT"),
            (CHANGED + 3600, "Fri, 12 May 2023 10:39:00 GMT"),
        ] {
            let reply = representation(&Method::GET, HeaderMap::new(), &feed, &policy(), from_unix(now));
            assert_eq!(header(&reply, LAST_MODIFIED), expected, "{now}");
        }
    }

    #[test]
    fn a_client_that_uses_only_dates_misses_no_second_change_within_one_second() {
        let first = feed();
        let reply = representation(&Method::GET, HeaderMap::new(), &first, &policy(), from_unix(CHANGED));
        let held = reply.headers()[LAST_MODIFIED].clone();
        // The feed changes again within the same second; the client returns much later.
        let second = feed();
        let poll = HeaderMap::from_iter([(IF_MODIFIED_SINCE, held)]);
        let reply = representation(&Method::GET, poll, &second, &policy(), from_unix(CHANGED + 600));
        assert_eq!(reply.status(), StatusCode::OK);
        // After that second, the client gets the date and need not download again.
        let poll = HeaderMap::from_iter([(IF_MODIFIED_SINCE, reply.headers()[LAST_MODIFIED].clone())]);
        let reply = representation(&Method::GET, poll, &second, &policy(), from_unix(CHANGED + 601));
        assert_eq!(reply.status(), StatusCode::NOT_MODIFIED);
    }

    #[test]
    fn no_request_header_remains_in_the_response() {
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
    fn each_error_page_has_its_status_headers_and_html() {
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
    fn untrusted_text_is_escaped_in_a_page_and_never_splits_a_header() {
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
        fn any_request_headers_get_a_valid_status(
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
