//! The head of a request as the pure functions see it: a line `METHOD /path?query`, then header lines.

#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use bantin::fetch::{AllowedAddresses, parse_url};
use bantin::http::content_coding::AcceptEncoding;
use bantin::http::delta_encoding::DeltaRequest;
use bantin::http::entity_tag::{EntityTag, EntityTags};
use bantin::http::preconditions::{Decision, client_newer_tag};
use bantin::http::range::RangeRequest;
use bantin::http::response::{self, CachePolicy};
use bantin::http::validity::has_files;
use bantin::parse::hub_links;
use bantin::push::is_signed;
use bantin::render::{LogVersion, Representation};
use bantin::time::from_unix;
use bantin::urls::{Route, SiteUrls, names_article, old_address, old_addresses_of};
use bantin_fuzz::{checks, clock, selected};
use hyper::header::{HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH, LINK};
use hyper::{HeaderMap, Method};

const CHANGED: i64 = 1_683_887_940;
const LOG: &str = "k3f9c2";

static DOCUMENTS: LazyLock<[Representation; 4]> = LazyLock::new(|| {
    let version = LogVersion { log: LOG.to_owned(), number: 4711 };
    let item = "<item><title>Huyện Đăk Tô phát động phong trào thi đua</title></item>\n";
    let document = |media_type, text: String| {
        Representation::new(media_type, text.into_bytes(), &version, from_unix(CHANGED))
    };
    let picture = HeaderValue::from_static("image/jpeg");
    [
        document("application/rss+xml; charset=utf-8", item.repeat(3)),
        document("application/atom+xml; charset=utf-8", item.repeat(600)),
        document("text/html; charset=utf-8", "<!DOCTYPE html><title>Xã hội</title>".to_owned()),
        Representation::identity_only(picture, vec![7; 1000], "0123456789abcdef", from_unix(CHANGED)),
    ]
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = selected(data) else { return };
    let mut lines = bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let first = lines.next().unwrap_or_default();
    let (method, target) = first.split_at(first.iter().position(|byte| *byte == b' ').unwrap_or_default());
    let method = Method::from_bytes(method).unwrap_or(Method::GET);
    let headers: HeaderMap = lines.filter_map(header).collect();
    clock::timed(data, || {
        check_target(&String::from_utf8_lossy(target.trim_ascii()));
        for name in [IF_MATCH, IF_NONE_MATCH] {
            check_tags(&headers, &name);
        }
        check_links(&headers);
        check_answer(&method, &headers, &DOCUMENTS[choice % 4]);
        for value in headers.values().filter_map(|value| value.to_str().ok()) {
            let _ = (is_signed(value, "bi-mat", b"noi dung"), parse_url(value, AllowedAddresses::Public));
        }
    });
});

fn header(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = HeaderName::from_bytes(&line[..colon]).ok()?;
    Some((name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?))
}

/// A redirect leads to a path that is not redirected again and again.
fn check_target(target: &str) {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let urls: &SiteUrls = checks::addresses();
    let (mut route, mut steps) = (urls.parse(path), 0);
    while let Route::Redirect(to) = route {
        steps += 1;
        assert!(steps < 4, "{path} is redirected without end, at last to {to}");
        assert!(to.starts_with('/') && !to.starts_with("//"), "{path} is redirected to {to}");
        route = urls.parse(&urls.path(&to));
    }
    let _ = (old_address(path, query), query.map(names_article));
    assert!(old_addresses_of(path, query).len() <= 64, "{target} may be too many addresses");
}

/// A list of tags that was read and is written again means the same.
fn check_tags(headers: &HeaderMap, name: &HeaderName) {
    let Some(tags) = EntityTags::from_headers(headers, name.clone()) else { return };
    let tags: Vec<_> = tags.iter().collect();
    let mut written = Vec::new();
    for tag in &tags {
        match tag {
            EntityTag::Strong(opaque) => written.push([b"\"", *opaque, b"\""].concat()),
            EntityTag::Weak(opaque) => written.push([b"W/\"", *opaque, b"\""].concat()),
            EntityTag::Any | EntityTag::Invalid => return,
        }
    }
    let line = HeaderValue::from_bytes(&written.join(&b", "[..])).expect("tags of a header are of a header");
    let again = HeaderMap::from_iter([(name.clone(), line)]);
    let again =
        EntityTags::from_headers(&again, name.clone()).map(|tags| tags.iter().map(owned).collect::<Vec<_>>());
    assert_eq!(again.unwrap_or_default(), tags.into_iter().map(owned).collect::<Vec<_>>());
}

fn owned(tag: EntityTag<'_>) -> (bool, Vec<u8>) {
    match tag {
        EntityTag::Strong(opaque) => (true, opaque.to_vec()),
        EntityTag::Weak(opaque) => (false, opaque.to_vec()),
        EntityTag::Any | EntityTag::Invalid => (true, b"*".to_vec()),
    }
}

fn check_links(headers: &HeaderMap) {
    let lines: Vec<&str> = headers.get_all(LINK).iter().filter_map(|line| line.to_str().ok()).collect();
    let url = url::Url::parse("https://xa.example.vn/rss.xml").expect("a valid URL");
    if let Some(links) = hub_links(&lines, b"", &url) {
        assert!(links.hub.starts_with("http"), "a hub at {}", links.hub);
    }
}

/// The answer is one that RFC 9110 allows for what was decided, and a part lies within the document.
fn check_answer(method: &Method, headers: &HeaderMap, document: &Representation) {
    let now = from_unix(CHANGED + 86_400);
    let _ =
        (has_files(headers), response::is_browser_navigation(headers), client_newer_tag(headers, document));
    if let Some(delta) = DeltaRequest::from_headers(headers) {
        delta.held_versions(LOG).for_each(drop);
    }
    let length = document.identity.bytes.len() as u64;
    if let RangeRequest::Partial(part) = RangeRequest::from_headers(headers, document) {
        assert!(part.start < part.end && part.end <= length, "{part:?} of {length}");
    }
    while let Some(Decision::Encode(coding)) = response::evaluate(headers, document, now) {
        let _ = document.body(coding);
    }
    let decision = response::evaluate(headers, document, now);
    let policy =
        CachePolicy::public(Duration::from_secs(300), Duration::from_secs(600), Duration::from_secs(86_400));
    let answer = response::representation(method, headers.clone(), document, &policy, now);
    let status = answer.status().as_u16();
    let expected: &[u16] = match (method, decision) {
        (&Method::GET | &Method::HEAD, Some(Decision::Send(_))) => &[200],
        (&Method::GET | &Method::HEAD, Some(Decision::NotModified(_))) => &[304],
        (&Method::GET | &Method::HEAD, Some(Decision::PreconditionFailed)) => &[412],
        (&Method::GET | &Method::HEAD, None) => &[406],
        (&Method::OPTIONS, _) => &[200, 204],
        _ => &[405, 501],
    };
    assert!(expected.contains(&status), "{status} instead of {expected:?} for {method} {headers:?}");
    let ranked = AcceptEncoding::from_headers(headers).ranked(document);
    assert!(ranked.as_slice().len() <= 3);
    let answer = response::image(method, headers.clone(), &DOCUMENTS[3], &policy, now);
    assert!(answer.status().as_u16() < 500 || answer.status() == 501, "{} for an image", answer.status());
}
