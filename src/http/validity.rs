//! Checks that apply to every request: exactly one valid `Host`, and a body within the limit.

use std::net::Ipv6Addr;

use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{HeaderMap, Request, Version};

use super::header_lines::lines;
use super::response::{self, HttpResponse};
use super::server::RequestBody;

/// Why a request is rejected before routing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// RFC 9112 §3.2: exactly one valid `Host`, or none from HTTP/1.0.
    Host,
    /// `Content-Length` exceeds the limit.
    TooLarge,
}

impl Invalid {
    /// The reason for [`Self::Host`], in Vietnamese and in English.
    pub const HOST: (&'static str, &'static str) =
        ("Yêu cầu phải có đúng một dòng Host hợp lệ.", "Send exactly one valid Host header.");

    /// The response as a page.
    pub fn reply(self) -> HttpResponse {
        match self {
            Self::Host => response::bad_request(Self::HOST.0),
            Self::TooLarge => response::content_too_large(),
        }
    }
}

/// Checks a request.
///
/// # Errors
/// If the request must be rejected.
pub fn check(request: &Request<RequestBody>) -> Result<(), Invalid> {
    if !has_valid_host(request.version(), request.headers()) {
        return Err(Invalid::Host);
    }
    let body = request.body();
    // Polls have no body and pay for no further lookup.
    let too_large = body.is_declared_too_large(false)
        && (!has_files(request.headers()) || body.is_declared_too_large(true));
    if too_large { Err(Invalid::TooLarge) } else { Ok(()) }
}

/// The media type of a form with files (RFC 7578).
pub const FORM_TYPE: &str = "multipart/form-data";
/// The media type of a Word document.
pub const DOCX_TYPE: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

/// True if the body carries files and may be longer than others.
pub fn has_files(headers: &HeaderMap) -> bool {
    let line = headers.get(CONTENT_TYPE).and_then(|line| line.to_str().ok()).unwrap_or_default();
    let essence = line.split(';').next().unwrap_or_default().trim();
    [FORM_TYPE, DOCX_TYPE].iter().any(|kind| essence.eq_ignore_ascii_case(kind))
}

/// NOTE: the value is used for nothing else (feed rule C9). A request with an absolute URI needs the header
/// as well (RFC 9112 §3.2.2).
fn has_valid_host(version: Version, headers: &HeaderMap) -> bool {
    let mut hosts = lines(headers, HOST);
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => is_host(host.as_bytes()),
        (Some(_), Some(_)) => false,
        (None, _) => version < Version::HTTP_11,
    }
}

/// `uri-host [ ":" port ]` (RFC 9110 §7.2, RFC 3986 §3.2.2). Empty if the target has no authority.
fn is_host(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return false };
    if let Some(literal) = text.strip_prefix('[') {
        let Some((address, rest)) = literal.split_once(']') else { return false };
        let port = rest.strip_prefix(':');
        return address.parse::<Ipv6Addr>().is_ok() && (rest.is_empty() || port.is_some_and(is_port));
    }
    match text.split_once(':') {
        Some((name, port)) => is_name(name) && is_port(port),
        None => is_name(text),
    }
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && (text.is_empty() || text.parse::<u16>().is_ok())
}

/// `reg-name`, which includes IPv4 addresses.
fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().all(|(at, byte)| match byte {
        b'%' => bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)),
        _ => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+;=".contains(byte),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;
    use proptest::prelude::*;

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_a_port() {
        for host in [
            "",
            "a",
            "dakto.example",
            "dakto.example:8080",
            "a:",
            "127.0.0.1:80",
            "[::1]",
            "[::1]:8080",
            "a_b",
            "xn--k-5ma.vn",
            "a%20b",
            "[2001:db8::7]:",
        ] {
            assert!(is_host(host.as_bytes()), "{host}");
        }
        for host in [
            "a b", "a/b", "u@a", "a:b", "a:80:80", "a:65536", "[::1", "::1", "[::1]x", "[a]", "a,b",
            "http://a", "a?b", "a#b", "a\\b", "a%2", "a%zz", "ă.vn", "<a>", "\"a\"",
        ] {
            assert!(!is_host(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn exactly_one_host_or_none_before_http_1_1() {
        let hosts = |hosts: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(HOST, HeaderValue::from_static(host));
            }
            [Version::HTTP_10, Version::HTTP_11].map(|version| has_valid_host(version, &headers))
        };
        assert_eq!(hosts(&[]), [true, false]);
        assert_eq!(hosts(&["a"]), [true, true]);
        assert_eq!(hosts(&["a", "a"]), [false, false]);
        assert_eq!(hosts(&["a b"]), [false, false]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_host_or_not(value in proptest::collection::vec(any::<u8>(), 0..40)) {
            is_host(&value);
        }
    }
}
