//! The HTTP server and its responses over real connections: every client here sends bytes, and every document
//! is a rendered one.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bantin::http::metrics::ServerMetrics;
use bantin::http::response::{self, CachePolicy, HttpResponse};
use bantin::http::server::{self, BodyError, Listeners, RequestBody, ServerOptions};
use bantin::http::validity;
use bantin::render::{ContentCoding, LogVersion, Representation};
use bantin::time::{Clock, from_unix};
use hyper::{Request, StatusCode};
use tokio::sync::{Notify, watch};

use crate::support::{TestSite, wait_until};

/// The date of the sample article: 12/05/2023 17:39 in Vietnam.
const CHANGED: i64 = 1_683_887_940;
const CHANGED_TEXT: &str = "Fri, 12 May 2023 10:39:00 GMT";
const BEFORE_TEXT: &str = "Fri, 12 May 2023 10:38:59 GMT";

/// Longer than anything here takes on a busy machine; only a failing test waits that long.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A timeout that a test waits for, and within which a client must act even on a busy machine.
const SHORT: Duration = Duration::from_millis(150);

const RSS: &str = "application/rss+xml; charset=utf-8";

fn print(log: &str, media_type: &'static str, text: &str) -> Representation {
    let version = LogVersion { log: log.to_owned(), number: 7 };
    Representation::new(media_type, text.as_bytes().to_vec(), &version, from_unix(CHANGED))
}

fn text() -> String {
    "<title>Đất &amp; Người</title> Huye\u{302}\u{323}n Đăk Tô 🌾 “nỗ lực”\u{a0}…\n".repeat(60)
}

/// The documents that the test service serves.
struct TestService {
    plain: Representation,
    comma: Representation,
    page: Representation,
    huge: Representation,
    policy: CachePolicy,
    /// `/gate` signals that a request has arrived, and waits for permission to continue.
    entered: Notify,
    go_on: Notify,
}

impl TestService {
    fn new() -> Self {
        let minutes = |count: u64| Duration::from_secs(60 * count);
        Self {
            plain: print("k3f9", RSS, &text()),
            comma: print("a, b,c", RSS, &text()),
            page: print("k3f9", "text/html; charset=utf-8", "<!DOCTYPE html><title>Xã hội</title>"),
            huge: print("k3f9", RSS, &"Đăk Tô ".repeat(1 << 20)),
            policy: CachePolicy::public(minutes(5), minutes(10), minutes(1440)),
            entered: Notify::new(),
            go_on: Notify::new(),
        }
    }

    fn document(&self, path: &str) -> Option<&Representation> {
        match path {
            "/plain" => Some(&self.plain),
            "/comma" => Some(&self.comma),
            "/page" => Some(&self.page),
            "/huge" => Some(&self.huge),
            _ => None,
        }
    }

    async fn answer(self: Arc<Self>, request: Request<RequestBody>, peer: SocketAddr) -> HttpResponse {
        if let Err(invalid) = validity::check(&request) {
            return invalid.reply();
        }
        let (parts, body) = request.into_parts();
        let path = parts.uri.path();
        if let Some(document) = self.document(path) {
            let now = Clock::system().now();
            return response::representation(&parts.method, parts.headers, document, &self.policy, now);
        }
        let said = |text: String| response::plain(StatusCode::OK, "text/plain", text);
        match path {
            "/gate" => {
                self.entered.notify_one();
                self.go_on.notified().await;
                said("through the gate".to_owned())
            }
            "/length" => match body.collect().await {
                Ok(body) => said(body.len().to_string()),
                Err(BodyError::TooLarge) => response::content_too_large(),
                Err(BodyError::Busy) => response::service_unavailable(SHORT),
                Err(BodyError::TooSlow) => response::plain(StatusCode::REQUEST_TIMEOUT, "text/plain", "slow"),
                Err(BodyError::CutShort) => response::bad_request("cut short"),
            },
            "/peer" => said(peer.to_string()),
            "/panic" => panic!("a service that is broken"),
            _ => response::not_found(),
        }
    }
}

/// A server on a thread of its own.
struct TestServer {
    address: SocketAddr,
    test_site: Arc<TestService>,
    metrics: ServerMetrics,
    stop: watch::Sender<bool>,
    thread: JoinHandle<io::Result<()>>,
}

impl TestServer {
    fn open() -> Self {
        Self::with(ServerOptions::default(), 1)
    }

    fn with(options: ServerOptions, workers: usize) -> Self {
        let listeners = Listeners::bind(([127, 0, 0, 1], 0).into(), workers).unwrap();
        let (address, metrics) = (listeners.local_addr(), listeners.metrics());
        let (stop, stopped) = watch::channel(false);
        let test_site = Arc::new(TestService::new());
        let served = test_site.clone();
        let service = move |request, peer| served.clone().answer(request, peer);
        let thread = std::thread::spawn(move || server::serve(listeners, &options, service, stopped));
        Self { address, test_site, metrics, stop, thread }
    }

    fn client(&self) -> Client {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        Client(BufReader::new(stream))
    }

    fn close(self) -> io::Result<()> {
        self.stop.send_replace(true);
        self.wait_for_end()
    }

    /// Waits until the server has ended by itself.
    fn wait_for_end(self) -> io::Result<()> {
        self.thread.join().unwrap()
    }

    /// Waits for a condition that another thread establishes.
    fn wait_until(&self, condition: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !condition(self) {
            assert!(start.elapsed() < TIMEOUT, "it never happened: {:?}", self.metrics.counts());
            std::thread::yield_now();
        }
    }
}

fn wait_for(event: &Notify) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime
        .block_on(async { tokio::time::timeout(TIMEOUT, event.notified()).await })
        .expect("it never happened");
}

struct Client(BufReader<TcpStream>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The headers that do not depend on the clock.
    fn lasting_headers(&self) -> BTreeMap<String, String> {
        let mut headers = self.headers.clone();
        headers.remove("date").expect("every answer has a date");
        headers
    }

    fn unpacked(&self) -> String {
        let mut reader: Box<dyn io::Read + '_> = match self.header("content-encoding") {
            None => Box::new(&*self.body),
            Some("gzip") => Box::new(flate2::read::GzDecoder::new(&*self.body)),
            Some("br") => Box::new(brotli::Decompressor::new(&*self.body, 4096)),
            Some(other) => panic!("an unknown coding: {other}"),
        };
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    }
}

impl Client {
    fn send(&mut self, text: &str) -> &mut Self {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
        self
    }

    /// Sends one request and reads its response.
    fn ask(&mut self, method: &str, path: &str, lines: &[(&str, String)]) -> Answer {
        let lines: String = lines.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        self.send(&format!("{method} {path} HTTP/1.1\r\nHost: a\r\n{lines}\r\n")).answer(method)
    }

    fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, &[])
    }

    /// Reads exactly one response, to the last byte by RFC 9112 §6.3.
    fn answer(&mut self, method: &str) -> Answer {
        let status = self.line().split(' ').nth(1).expect("a status line").parse().unwrap();
        let mut headers = BTreeMap::new();
        loop {
            let line = self.line();
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(": ").expect("a header line");
            let before = headers.insert(name.to_owned(), value.to_owned());
            assert_eq!(before, None, "{name} twice");
        }
        let mut body = Vec::new();
        if method != "HEAD" && status != 304 && status != 204 {
            body.resize(headers["content-length"].parse().unwrap(), 0);
            self.0.read_exact(&mut body).unwrap();
        }
        Answer { status, headers, body }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.strip_suffix("\r\n").unwrap_or_else(|| panic!("the connection ended within `{line}`")).to_owned()
    }

    /// Waits until the connection is closed, and returns the bytes received before.
    fn until_closed(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Err(error) if error.kind() != io::ErrorKind::ConnectionReset => panic!("still open: {error}"),
            _ => rest,
        }
    }
}

fn tag(document: &Representation, coding: ContentCoding) -> String {
    document.body(coding).etag.to_str().unwrap().to_owned()
}

/// The form in which a client sends a tag back.
#[derive(Clone, Copy, Debug)]
enum Form {
    Exact,
    Weak,
    List,
    SeveralLines,
    Star,
    ProxySuffix(&'static str),
    CommaInside,
}

const FORMS: [Form; 12] = [
    Form::Exact,
    Form::Weak,
    Form::List,
    Form::SeveralLines,
    Form::Star,
    Form::ProxySuffix("-gzip"),
    Form::ProxySuffix("-br"),
    Form::ProxySuffix(";gzip"),
    Form::ProxySuffix(";br"),
    Form::ProxySuffix("--gzip"),
    Form::ProxySuffix("--br"),
    Form::CommaInside,
];

impl Form {
    /// The `If-None-Match` lines of a client that holds the document `tag`.
    fn held(self, tag: &str) -> Vec<String> {
        let bare = tag.trim_matches('"');
        match self {
            Self::Exact | Self::CommaInside => vec![tag.to_owned()],
            Self::Weak => vec![format!("W/{tag}")],
            Self::List => vec![format!("\"k3f9.6-0-gzip\",W/\"x\" , {tag}, \"y\"")],
            Self::SeveralLines => vec!["\"x\"".to_owned(), tag.to_owned()],
            Self::Star => vec!["*".to_owned()],
            Self::ProxySuffix(suffix) => vec![format!("\"{bare}{suffix}\"")],
        }
    }

    /// The same form for a document that the client does not hold.
    fn not_held(self, tag: &str) -> Vec<String> {
        let bare = tag.trim_matches('"');
        match self {
            Self::Exact => vec!["\"k3f9.6-0123456789abcdef-gzip\"".to_owned()],
            Self::Weak => vec![format!("W/\"{bare}x\"")],
            Self::List => vec!["\"x\", \"y\",W/\"z\"".to_owned()],
            Self::SeveralLines => vec!["\"x\"".to_owned(), "\"y\"".to_owned()],
            Self::Star => vec!["\"*\"".to_owned()],
            Self::ProxySuffix(suffix) => vec![format!("\"{}{suffix}\"", &bare[..bare.len() - 1])],
            // A parser that splits at every comma would find our tag in here.
            Self::CommaInside => vec![format!("\"x,{bare},y\"")],
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Asks {
    Tag,
    Date,
    Both,
}

#[test]
fn every_poll_gets_a_new_document_or_304() {
    let server = TestServer::open();
    // All on one connection: a wrong length would corrupt every later response.
    let mut client = server.client();
    let mut cells = 0;
    for form in FORMS {
        let path = if matches!(form, Form::CommaInside) { "/comma" } else { "/plain" };
        let document = server.test_site.document(path).unwrap();
        for asks in [Asks::Tag, Asks::Date, Asks::Both] {
            for coding in [ContentCoding::Identity, ContentCoding::Gzip, ContentCoding::Brotli] {
                for method in ["GET", "HEAD"] {
                    for unchanged in [true, false] {
                        let lines = poll(form, asks, &tag(document, coding), coding, unchanged);
                        let answer = client.ask(method, path, &lines);
                        let cell = format!("{form:?} {asks:?} {coding:?} {method} {unchanged}: {answer:?}");
                        check(&answer, document, coding, method, unchanged, &cell);
                        cells += 1;
                    }
                }
            }
        }
    }
    assert_eq!(cells, 12 * 3 * 3 * 2 * 2);
    let counts = server.metrics.counts();
    assert_eq!((counts.connections, counts.open), (1, 1));
    assert_eq!((counts.answers, counts.not_modified), ([0, cells / 2, cells / 2, 0, 0], cells / 2));
    drop(client);
    server.close().unwrap();
}

fn poll(
    form: Form,
    asks: Asks,
    tag: &str,
    coding: ContentCoding,
    unchanged: bool,
) -> Vec<(&'static str, String)> {
    let mut lines = vec![("Accept-Encoding", coding.as_str().to_owned())];
    let tags = if unchanged { form.held(tag) } else { form.not_held(tag) };
    let tag_lines = tags.into_iter().map(|line| ("If-None-Match", line));
    match asks {
        Asks::Tag => lines.extend(tag_lines),
        Asks::Date => {
            let date = if unchanged { CHANGED_TEXT } else { BEFORE_TEXT };
            lines.push(("If-Modified-Since", date.to_owned()));
        }
        Asks::Both => {
            // The date says the opposite and must be ignored.
            let date = if unchanged { BEFORE_TEXT } else { CHANGED_TEXT };
            lines.push(("If-Modified-Since", date.to_owned()));
            lines.extend(tag_lines);
        }
    }
    lines
}

fn check(
    answer: &Answer,
    document: &Representation,
    coding: ContentCoding,
    method: &str,
    unchanged: bool,
    cell: &str,
) {
    assert_eq!(answer.status, if unchanged { 304 } else { 200 }, "{cell}");
    // Feed rules C4, C6, C7.
    for (name, value) in [
        ("etag", tag(document, coding).as_str()),
        ("last-modified", CHANGED_TEXT),
        ("cache-control", "public, max-age=300, stale-while-revalidate=600, stale-if-error=86400"),
        ("vary", "Accept-Encoding, Sec-Fetch-Dest"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}: {cell}");
    }
    let open = (!unchanged).then_some("*");
    assert_eq!(answer.header("access-control-allow-origin"), open, "{cell}");
    assert_eq!(answer.header("set-cookie").or(answer.header("expires")), None, "{cell}");
    if unchanged {
        assert_eq!(answer.header("content-length").or(answer.header("transfer-encoding")), None, "{cell}");
        return;
    }
    let coded = document.body(coding);
    let content_encoding = (coding != ContentCoding::Identity).then(|| coding.as_str());
    assert_eq!(answer.header("content-encoding"), content_encoding, "{cell}");
    assert_eq!(answer.header("content-type"), Some(RSS), "{cell}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{cell}");
    assert_eq!(answer.header("content-length"), Some(coded.bytes.len().to_string().as_str()), "{cell}");
    if method == "GET" {
        assert_eq!(answer.body, coded.bytes, "{cell}");
        assert_eq!(answer.unpacked(), text(), "{cell}");
    }
}

#[test]
fn head_gets_exactly_the_headers_of_get() {
    let server = TestServer::open();
    let mut client = server.client();
    for path in ["/plain", "/page", "/huge", "/nothing", "/peer"] {
        for codings in ["", "gzip", "br", "*;q=0"] {
            let accept = [("Accept-Encoding", codings.to_owned())];
            let get = client.ask("GET", path, &accept);
            let head = client.ask("HEAD", path, &accept);
            assert_eq!(get.status, head.status, "{path} {codings}");
            assert_eq!(get.lasting_headers(), head.lasting_headers(), "{path} {codings}");
            assert!(head.body.is_empty() && !get.body.is_empty());
        }
    }
    drop(client);
    server.close().unwrap();
}

#[test]
fn scripts_of_other_origins_can_read_the_feed_its_tag_and_a_304() {
    let server = TestServer::open();
    let mut client = server.client();
    let origin = ("Origin", "https://reader.example".to_owned());
    let whole = client.ask("GET", "/plain", std::slice::from_ref(&origin));
    let held = ("If-None-Match", whole.header("etag").unwrap().to_owned());
    let unchanged = client.ask("GET", "/plain", &[origin, held]);
    assert_eq!((whole.status, unchanged.status), (200, 304));
    for answer in [whole, unchanged] {
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("access-control-expose-headers"), Some("ETag"));
    }
    drop(client);
    server.close().unwrap();
}

#[test]
fn a_page_allows_only_our_own_scripts_and_styles() {
    let server = TestServer::open();
    let page = server.client().get("/page");
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none';") && policy.contains("script-src 'self';"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("referrer-policy"), Some("strict-origin-when-cross-origin"));
    let feed = server.client().get("/plain");
    assert_eq!(feed.header("content-security-policy"), None);
    server.close().unwrap();
}

#[test]
fn every_error_has_its_status_reason_and_headers() {
    let server = TestServer::open();
    let mut client = server.client();
    let post = client.ask("POST", "/plain", &[("Content-Length", "0".to_owned())]);
    assert_eq!((post.status, post.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
    assert_eq!(client.ask("BREW", "/plain", &[]).status, 405);
    let refused = client.ask("GET", "/plain", &[("Accept-Encoding", "*;q=0".to_owned())]);
    assert_eq!((refused.status, refused.header("vary")), (406, Some("Accept-Encoding")));
    let failed = client.ask("GET", "/plain", &[("If-Match", "\"x\"".to_owned())]);
    assert_eq!(failed.status, 412);
    assert_eq!(client.get("/nothing").status, 404);
    let wish = ("Access-Control-Request-Headers", "if-none-match".to_owned());
    let preflight = client.ask("OPTIONS", "/plain", &[wish]);
    assert_eq!((preflight.status, preflight.header("allow")), (204, Some("GET, HEAD, OPTIONS")));
    assert_eq!(preflight.header("access-control-allow-methods"), Some("GET, HEAD, OPTIONS"));
    assert!(preflight.header("access-control-allow-headers").unwrap().contains("If-None-Match"));
    drop(client);
    server.close().unwrap();
}

#[test]
fn a_request_body_may_reach_the_limit_but_not_exceed_it() {
    let server = TestServer::with(ServerOptions { max_body_bytes: 1000, ..ServerOptions::default() }, 1);
    let declared = |length: usize| {
        let head = format!("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
        server.client().send(&(head + &"x".repeat(length.min(1000)))).answer("POST")
    };
    assert_eq!(declared(1000).body, b"1000");
    assert_eq!(declared(1001).status, 413);
    assert_eq!(declared(usize::MAX / 2).status, 413);
    let chunked = |length: usize| {
        let head = "POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        let body = format!("{length:x}\r\n{}\r\n0\r\n\r\n", "x".repeat(length));
        server.client().send(&format!("{head}{body}")).answer("POST")
    };
    assert_eq!(chunked(1000).body, b"1000");
    assert_eq!(chunked(1001).status, 413);
    // A GET ignores its body, but a body that is too long is still rejected.
    let head = "GET /plain HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n";
    assert_eq!(server.client().send(head).answer("GET").status, 413);
    server.close().unwrap();
}

#[test]
fn a_client_that_is_still_sending_gets_413_and_no_reset() {
    let server = TestServer::open();
    let length = 4 * ServerOptions::default().max_body_bytes;
    for encoding in [format!("Content-Length: {length}"), "Transfer-Encoding: chunked".to_owned()] {
        let mut client = server.client();
        let chunk = if encoding.starts_with('T') { format!("{length:x}\r\n") } else { String::new() };
        client.send(&format!("POST /length HTTP/1.1\r\nHost: a\r\n{encoding}\r\n\r\n{chunk}"));
        // The server reads everything the client sends, although it rejects it.
        client.send(&"x".repeat(length));
        let answer = client.answer("POST");
        assert_eq!((answer.status, answer.header("connection")), (413, Some("close")), "{encoding}");
        assert_eq!(client.until_closed(), b"");
    }
    server.wait_until(|server| server.metrics.counts().open == 0);
    assert_eq!(server.metrics.counts().timed_out, 0);
    server.close().unwrap();
}

#[test]
fn a_client_that_never_stops_sending_is_disconnected() {
    let options = ServerOptions { header_timeout: SHORT, ..ServerOptions::default() };
    let server = TestServer::with(options, 1);
    let mut client = server.client();
    client.send("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n");
    assert_eq!(client.answer("POST").status, 413);
    while client.0.get_mut().write_all(b"x").is_ok() {}
    server.wait_until(|server| server.metrics.counts().open == 0);
    assert_eq!(server.metrics.counts().timed_out, 1);
    server.close().unwrap();
}

#[test]
fn a_slow_body_times_out_and_one_sent_in_single_bytes_is_accepted() {
    let head = "POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let piece = "1\r\nx\r\n";
    let server = TestServer::open();
    let bytes = piece.repeat(10_000);
    assert_eq!(server.client().send(&format!("{head}{bytes}0\r\n\r\n")).answer("POST").body, b"10000");
    server.close().unwrap();

    let server = TestServer::with(ServerOptions { header_timeout: SHORT, ..ServerOptions::default() }, 1);
    let mut slow = server.client();
    slow.send(head);
    slow.0.get_ref().set_read_timeout(Some(SHORT / 10)).unwrap();
    while slow.0.get_ref().peek(&mut [0]).is_err() {
        slow.send(piece);
    }
    slow.0.get_ref().set_read_timeout(Some(TIMEOUT)).unwrap();
    let answer = slow.answer("POST");
    assert_eq!((answer.status, answer.header("connection")), (408, Some("close")));
    server.close().unwrap();
}

#[test]
fn too_many_concurrent_bodies_get_503() {
    let server = TestServer::with(ServerOptions { max_body_bytes: 1000, ..ServerOptions::default() }, 1);
    let head = "POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n";
    let mut held: Vec<_> = (0..32).map(|_| server.client()).collect();
    for client in &mut held {
        client.send(head).send(&"x".repeat(999));
    }
    // All of them have arrived when the memory for bodies is used up.
    let refused = || {
        let mut late = server.client();
        late.send(head).send(&"x".repeat(1000));
        late.answer("POST").status == 503
    };
    server.wait_until(|_| refused());
    for client in &mut held {
        assert_eq!(client.send("x").answer("POST").body, b"1000");
    }
    assert!(!refused(), "there is room again");
    server.close().unwrap();
}

#[test]
fn an_unread_body_closes_the_connection_only_if_it_must() {
    let server = TestServer::open();
    let mut client = server.client();
    client.send("POST /plain HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(client.answer("POST").header("connection"), None);
    assert_eq!(client.get("/peer").status, 200, "a little body is taken off the wire");
    client.send("POST /plain HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    let refused = client.answer("POST");
    assert_eq!((refused.status, refused.header("connection")), (405, Some("close")), "and no 100 before it");
    assert_eq!(client.until_closed(), b"");
    let mut client = server.client();
    client.send("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(client.line(), "HTTP/1.1 100 Continue");
    assert_eq!(client.line(), "");
    assert_eq!(client.send("hello").answer("POST").body, b"5");
    server.close().unwrap();
}

#[test]
fn a_request_needs_one_valid_host_unless_it_is_http_1_0() {
    let server = TestServer::open();
    for (head, status) in [
        ("GET /plain HTTP/1.1\r\nHost: dakto.example:8080\r\n", 200),
        ("GET /plain HTTP/1.1\r\nHost: [::1]:8080\r\n", 200),
        ("GET /plain HTTP/1.1\r\nHost:\r\n", 200),
        ("GET /plain HTTP/1.0\r\n", 200),
        ("GET http://dakto.example/plain HTTP/1.1\r\nHost: dakto.example\r\n", 200),
        ("GET http://dakto.example/plain HTTP/1.1\r\nHost: other.example\r\n", 200),
        ("GET /plain HTTP/1.1\r\n", 400),
        ("GET /nothing HTTP/1.1\r\n", 400),
        ("GET http://dakto.example/plain HTTP/1.1\r\n", 400),
        ("GET /plain HTTP/1.1\r\nHost: a\r\nHost: a\r\n", 400),
        ("GET /plain HTTP/1.0\r\nHost: a\r\nHost: b\r\n", 400),
        ("GET /plain HTTP/1.1\r\nHost: a b\r\n", 400),
        ("GET /plain HTTP/1.1\r\nHost: a/b\r\n", 400),
        ("GET /plain HTTP/1.1\r\nHost: u@a\r\n", 400),
        ("GET /plain HTTP/1.1\r\nHost: a:b\r\n", 400),
        ("GET /plain HTTP/1.1\r\nHost: [::1\r\n", 400),
    ] {
        let line = server.client().send(&format!("{head}\r\n")).line();
        assert_eq!(line.split(' ').nth(1), Some(status.to_string().as_str()), "{head:?}");
    }
    server.close().unwrap();
}

#[test]
fn headers_that_are_too_long_get_431_and_those_of_a_browser_do_not() {
    let server = TestServer::open();
    let asked = |length: usize| {
        let head = format!("GET /plain HTTP/1.1\r\nHost: a\r\nX-Long: {}\r\n\r\n", "x".repeat(length));
        server.client().send(&head).line()
    };
    assert_eq!(asked(16_000), "HTTP/1.1 200 OK");
    assert_eq!(asked(64 * 1024), "HTTP/1.1 431 Request Header Fields Too Large");
    server.close().unwrap();
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = TestServer::open();
    let mut client = server.client();
    let paths = ["/plain", "/nothing", "/comma", "/page", "/plain"];
    let breath: String = paths.iter().map(|path| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).collect();
    client.send(&breath.repeat(20));
    for path in paths.repeat(20) {
        let answer = client.answer("GET");
        match server.test_site.document(path) {
            Some(document) => assert_eq!(answer.body, document.identity.bytes, "{path}"),
            None => assert_eq!(answer.status, 404),
        }
    }
    drop(client);
    server.close().unwrap();
}

#[test]
fn a_half_closed_connection_still_gets_its_response() {
    let server = TestServer::open();
    let mut client = server.client();
    client.send("GET /gate HTTP/1.1\r\nHost: a\r\n\r\n");
    client.0.get_ref().shutdown(Shutdown::Write).unwrap();
    wait_for(&server.test_site.entered);
    server.test_site.go_on.notify_one();
    assert_eq!(client.answer("GET").body, b"through the gate");
    drop(client);
    server.close().unwrap();
}

#[test]
fn a_client_that_does_not_finish_its_headers_is_disconnected() {
    let server = TestServer::with(ServerOptions { header_timeout: SHORT, ..ServerOptions::default() }, 1);
    // Sends nothing.
    assert_eq!(server.client().until_closed(), b"");
    // Stops within the first or the second headers.
    assert_eq!(server.client().send("GET /plain HTTP/1.1\r\nHost:").until_closed(), b"");
    let mut client = server.client();
    assert_eq!(client.get("/plain").status, 200);
    assert_eq!(client.send("GET /pl").until_closed(), b"");
    server.wait_until(|server| server.metrics.counts().open == 0);
    assert_eq!(server.metrics.counts().timed_out, 3);
    server.close().unwrap();
}

#[test]
fn an_idle_connection_is_closed_after_the_idle_timeout() {
    let options =
        ServerOptions { header_timeout: SHORT, idle_timeout: 3 * SHORT, ..ServerOptions::default() };
    let server = TestServer::with(options, 1);
    let mut client = server.client();
    let start = Instant::now();
    client.get("/plain");
    assert_eq!(client.until_closed(), b"");
    assert!(start.elapsed() > 2 * SHORT, "idle is not a head that does not come: {:?}", start.elapsed());
    assert_eq!(server.metrics.counts().timed_out, 0);
    server.close().unwrap();
}

#[test]
fn a_client_that_does_not_read_its_response_is_disconnected() {
    let options = ServerOptions { send_timeout: SHORT, ..ServerOptions::default() };
    let server = TestServer::with(options, 1);
    let mut client = server.client();
    client.send("GET /huge HTTP/1.1\r\nHost: a\r\n\r\n");
    server.wait_until(|server| server.metrics.counts().timed_out == 1 && server.metrics.counts().open == 0);
    let mut received = Vec::new();
    let end = client.0.read_to_end(&mut received).unwrap_err();
    assert_eq!(end.kind(), io::ErrorKind::ConnectionReset, "the kernel does not go on sending");
    assert!(received.len() < server.test_site.huge.identity.bytes.len());
    server.close().unwrap();
}

#[test]
fn a_long_response_arrives_complete_however_it_is_read_and_the_connection_stays_open() {
    let server = TestServer::open();
    assert!(server.test_site.huge.identity.file().is_some(), "the kernel takes it from a file");
    let mut client = server.client();
    for _ in 0..2 {
        client.send("GET /huge HTTP/1.1\r\nHost: a\r\n\r\nGET /plain HTTP/1.1\r\nHost: a\r\n\r\n");
        // More than the socket buffers hold, so the response blocks until the client reads.
        std::thread::yield_now();
        assert!(client.answer("GET").body == server.test_site.huge.identity.bytes, "byte for byte");
        assert!(client.answer("GET").body == server.test_site.plain.identity.bytes);
    }
    assert_eq!(client.get("/huge").status, 200);
    let mut half = server.client();
    half.send("GET /huge HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    drop(half);
    server.close().unwrap();
}

#[test]
fn a_connection_of_maximum_age_is_closed_after_its_response() {
    let options = ServerOptions { max_connection_age: SHORT, ..ServerOptions::default() };
    let server = TestServer::with(options, 1);
    let mut busy = server.client();
    busy.send("GET /gate HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_for(&server.test_site.entered);
    let mut idle = server.client();
    idle.get("/plain");
    // The younger connection is idle and closed at its maximum age, so the older one has also been told to
    // close.
    assert_eq!(idle.until_closed(), b"");
    server.test_site.go_on.notify_one();
    let answer = busy.answer("GET");
    assert_eq!(
        (answer.body.as_slice(), answer.header("connection")),
        (&b"through the gate"[..], Some("close"))
    );
    assert_eq!(busy.until_closed(), b"");
    assert_eq!(server.metrics.counts().timed_out, 0);
    server.close().unwrap();
}

#[test]
fn a_connection_that_does_not_finish_is_aborted_after_its_maximum_age() {
    let short = SHORT;
    let server = TestServer::with(
        ServerOptions { max_connection_age: short, send_timeout: short, ..ServerOptions::default() },
        1,
    );
    let mut client = server.client();
    client.send("GET /gate HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.until_closed(), b"");
    assert_eq!(server.metrics.counts().timed_out, 1);
    server.close().unwrap();
}

#[test]
fn on_shutdown_running_responses_finish_and_no_new_connection_is_accepted() {
    let server = TestServer::open();
    let mut idle = server.client();
    idle.get("/plain");
    let mut busy = server.client();
    busy.send("GET /gate HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_for(&server.test_site.entered);
    server.stop.send_replace(true);
    assert_eq!(idle.until_closed(), b"", "an idle connection is closed soon");
    server.wait_until(|server| TcpStream::connect(server.address).is_err());
    server.test_site.go_on.notify_one();
    let answer = busy.answer("GET");
    assert_eq!(
        (answer.body.as_slice(), answer.header("connection")),
        (&b"through the gate"[..], Some("close"))
    );
    server.wait_for_end().unwrap();
}

#[test]
fn on_shutdown_a_client_that_asks_again_gets_an_answer_and_learns_that_it_is_the_last() {
    // It has 0.2 s for that. A client that was slower says nothing about the server, and another one tries.
    for _ in 0..50 {
        let server = TestServer::open();
        let mut client = server.client();
        assert_eq!(client.get("/plain").header("connection"), None);
        let began = Instant::now();
        server.stop.send_replace(true);
        server.wait_until(|server| TcpStream::connect(server.address).is_err());
        client.send("GET /plain HTTP/1.1\r\nHost: a\r\n\r\n");
        if began.elapsed() < Duration::from_millis(100) {
            let answer = client.answer("GET");
            assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
            assert_eq!(client.until_closed(), b"");
            server.wait_for_end().unwrap();
            return;
        }
        server.wait_for_end().unwrap();
    }
    panic!("no client was in time");
}

#[test]
fn at_the_shutdown_deadline_remaining_connections_are_aborted() {
    let options = ServerOptions { shutdown_deadline: SHORT, ..ServerOptions::default() };
    let server = TestServer::with(options, 2);
    let mut client = server.client();
    client.send("GET /gate HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_for(&server.test_site.entered);
    let metrics = server.metrics.clone();
    server.close().unwrap();
    assert_eq!(client.until_closed(), b"");
    assert_eq!(metrics.counts().open, 0);
}

#[test]
fn a_server_whose_owner_is_dropped_shuts_down() {
    let mut server = TestServer::open();
    server.stop = watch::channel(false).0;
    server.wait_for_end().unwrap();
}

#[test]
fn above_the_connection_limit_a_client_waits_and_is_then_served() {
    let server = TestServer::with(ServerOptions { max_connections: 2, ..ServerOptions::default() }, 1);
    let (mut first, mut second) = (server.client(), server.client());
    first.get("/plain");
    second.get("/plain");
    let mut waiting: Vec<_> = (0..5).map(|_| server.client()).collect();
    for client in &mut waiting {
        client.send("GET /peer HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    // Open connections are still served; no new one is accepted.
    for _ in 0..50 {
        assert_eq!(first.get("/plain").status, 200);
        assert_eq!(second.get("/nothing").status, 404);
    }
    assert_eq!(server.metrics.counts().connections, 2);
    drop(first);
    for mut client in waiting {
        let own = client.0.get_ref().local_addr().unwrap();
        assert_eq!(client.answer("GET").body, own.to_string().as_bytes());
        assert!(server.metrics.counts().open <= 2);
    }
    drop(second);
    server.close().unwrap();
}

#[test]
fn a_panic_in_the_service_closes_only_that_connection() {
    let server = TestServer::open();
    let mut other = server.client();
    other.get("/plain");
    assert_eq!(server.client().send("GET /panic HTTP/1.1\r\nHost: a\r\n\r\n").until_closed(), b"");
    assert_eq!(other.get("/plain").status, 200);
    server.wait_until(|server| server.metrics.counts().open == 1);
    drop(other);
    server.close().unwrap();
}

#[test]
fn several_workers_share_one_port_and_another_process_cannot() {
    let server = TestServer::with(ServerOptions::default(), 3);
    let taken = Listeners::bind(server.address, 3).unwrap_err();
    assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
    let mut clients: Vec<_> = (0..60).map(|_| server.client()).collect();
    for client in &mut clients {
        assert_eq!(client.get("/plain").status, 200);
    }
    assert_eq!(server.metrics.counts().open, 60);
    drop(clients);
    let address = server.address;
    server.close().unwrap();
    assert_eq!(Listeners::bind(address, 2).unwrap().local_addr(), address, "free again at once");
}

mod hostile {
    use super::*;
    use proptest::prelude::*;

    fn line() -> impl Strategy<Value = String> {
        let names = "(Host|Accept-Encoding|If-None-Match|If-Match|If-Modified-Since|Content-Length|Expect|Connection\
                     |Transfer-Encoding|Upgrade|Range|X)";
        (names, ": ", "[ -~\\t\u{80}-\u{ff}Đă🌾]{0,40}")
            .prop_map(|(name, colon, value)| name + &colon + &value)
    }

    #[test]
    fn no_malformed_request_affects_the_next_client() {
        let server = TestServer::open();
        let strategy = (
            "(GET|HEAD|POST|OPTIONS|PRI|x|)",
            "(/plain|/|\\*|http://a/plain|/%|/ /|)",
            proptest::collection::vec(line(), 0..6),
        );
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(128));
        runner
            .run(&strategy, |(method, path, lines)| {
                let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
                let mut odd = server.client();
                odd.send(&format!("{method} {path} HTTP/1.1\r\n{lines}\r\n"));
                odd.0.get_ref().shutdown(Shutdown::Write).unwrap();
                odd.until_closed();
                prop_assert_eq!(server.client().get("/plain").status, 200);
                Ok(())
            })
            .unwrap();
        server.wait_until(|server| server.metrics.counts().open == 0);
        server.close().unwrap();
    }
}

/// What the kernel holds for such clients it has not for others, whose segments it drops then.
#[test]
fn a_client_that_reads_nothing_fills_little_of_the_kernels_memory() {
    let site = TestSite::new();
    let text = "Đoạn dài của bài. ".repeat(4000);
    for number in 0..20 {
        let stamp = format!("{:02}/05/2023 08:00", number + 1);
        site.write(
            &format!("xa-hoi/bai-{number}.txt"),
            format!("Bài {number}\n\n{stamp}\n\n{text}\n\nTấn Lộc\n"),
        );
    }
    let serving = site.serve();
    let mut client = TcpStream::connect(serving.address()).unwrap();
    client.set_nonblocking(true).unwrap();
    let requests = "GET /xa-hoi/rss.xml HTTP/1.1\r\nHost: a.example\r\n\r\n".repeat(1000);
    let own = client.local_addr().unwrap().port();
    let (mut unsent, mut unchanged) = (0, 0);
    wait_until("the server to write no more", || {
        while client.write(requests.as_bytes()).is_ok() {}
        let before = std::mem::replace(&mut unsent, unsent_to(own));
        unchanged = if unsent > 0 && unsent == before { unchanged + 1 } else { 0 };
        unchanged == 10
    });
    assert!(unsent < 512 << 10, "{unsent} bytes wait for a client that reads nothing");
}

/// Bytes that the kernel has for the client at this port of this machine and has not sent.
fn unsent_to(port: u16) -> u64 {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let peer = format!(":{port:04X}");
    let connection = |line: &str| {
        let fields: Vec<_> = line.split_whitespace().collect();
        (fields.len() > 4 && fields[2].ends_with(&peer)).then(|| fields[4].to_owned())
    };
    let queues = table.lines().find_map(connection).unwrap();
    u64::from_str_radix(queues.split(':').next().unwrap(), 16).unwrap()
}
