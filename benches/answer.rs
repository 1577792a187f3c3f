//! The cost of a response without sockets: a poll of an unchanged feed (304), and the feed itself.
//!
//! `cargo bench --bench answer`. The program's own part of a 304 should take about half a microsecond.

use std::hint::black_box;
use std::time::Duration;

use bantin::http::response::{self, CachePolicy};
use bantin::render::{ContentCoding, LogVersion, Representation};
use bantin::time::from_unix;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use hyper::header::{ACCEPT_ENCODING, HOST, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, USER_AGENT};
use hyper::{HeaderMap, Method};

/// 12/05/2023 17:39 in Việt Nam.
const CHANGED: i64 = 1_683_887_940;

fn feed() -> Representation {
    let version = LogVersion { log: "k3f9c2".to_owned(), number: 4711 };
    let item = "<item><title>Huyện Đăk Tô phát động phong trào thi đua năm 2023</title></item>\n";
    let media_type = "application/rss+xml; charset=utf-8";
    Representation::new(media_type, item.repeat(1200).into_bytes(), &version, from_unix(CHANGED))
}

/// The headers of a portal's request.
fn poll(lines: impl IntoIterator<Item = (hyper::header::HeaderName, HeaderValue)>) -> HeaderMap {
    let usual = [
        (HOST, HeaderValue::from_static("xa-dak-to.example.vn")),
        (USER_AGENT, HeaderValue::from_static("portal/1.0 (+https://portal.example.vn/)")),
        (ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate, br")),
    ];
    usual.into_iter().chain(lines).collect()
}

fn answers(criterion: &mut Criterion) {
    let document = feed();
    let minutes = |count: u64| Duration::from_secs(60 * count);
    let policy = CachePolicy::public(minutes(5), minutes(10), minutes(1440));
    let now = from_unix(CHANGED + 86_400);
    let etag = |coding| document.body(coding).etag.clone();
    let cases = [
        ("304 by tag", poll([(IF_NONE_MATCH, etag(ContentCoding::Brotli))])),
        ("304 by the tag of another coding", poll([(IF_NONE_MATCH, etag(ContentCoding::Gzip))])),
        ("304 by date", poll([(IF_MODIFIED_SINCE, document.last_modified_text.clone())])),
        ("200 gzip", HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("gzip"))])),
        ("200 identity", HeaderMap::new()),
    ];
    for (name, headers) in cases {
        criterion.bench_function(name, |bencher| {
            bencher.iter_batched_ref(
                || Some(headers.clone()),
                |headers| {
                    let headers = black_box(headers.take().unwrap_or_default());
                    response::representation(
                        black_box(&Method::GET),
                        headers,
                        &document,
                        &policy,
                        black_box(now),
                    )
                },
                BatchSize::SmallInput,
            );
        });
    }
}

criterion_group!(benches, answers);
criterion_main!(benches);
