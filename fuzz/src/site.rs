//! A running site: the real server on a port of its own, with a log, a token, a hub and the editing pages.
//!
//! NOTE: no task runs that would request anything of others. `tests/fuzz` also takes the network away where it can.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use bantin::config::Config;
use bantin::http::{AppState, Exchange, Health, Listeners, ServiceLimits, SiteHandler, server};
use bantin::pull::Collector;
use bantin::push::Hub;
use bantin::render::{RenderCounters, Renderer};
use bantin::store::{SourceHub, Store};
use socket2::{Domain, Socket, Type};
use tokio::runtime::Runtime;
use tokio::sync::watch;

const CONFIG: &str = r#"
[site]
url = "http://127.0.0.1:8080"
tag_authority = "huyen.example.vn,2023"

[server.limits]
connections = 256

[store]
url = "sqlite:bantin.db"

[folder]
path = "bai"
watch = "off"

[hub]
enabled = true
requests_per_minute = 4000000000
max_subscriptions = 4000

[[channel]]
slug = "xa-hoi"
title = "Xã hội"

[[channel]]
slug = "kinh-te"
title = "Kinh tế"
was = ["doi-song"]

[[source]]
name = "UBND xã Đăk Tô"
url = "https://xa.example.vn/rss.xml"
channels = ["xa-hoi"]
"#;

/// What stands for the secret of the token, the session and the token of its forms in a request.
pub const TOKEN: &str = "bantin_FUZZ";
/// What stands for the value of the cookie.
pub const COOKIE: &str = "COOKIE_FUZZ";
/// What stands for the hidden field of each form.
pub const CSRF: &str = "CSRF_FUZZ";
/// The secret part of the path at which the hub of the source tells of changes.
pub const HUB_TOKEN: &str = "abcdefghijklmnop";
/// The secret of its signatures.
pub const HUB_SECRET: &str = "bi-mat-cua-hub";
/// The id of the first article.
pub const ARTICLE: &str = "tag:huyen.example.vn,2023:2023-05-12/huyen-dak-to-phat-dong-thi-dua";

/// The largest answer that is read.
const MAX_ANSWER: u64 = 16 << 20;

/// The running site of this process.
pub struct LiveSite {
    address: SocketAddr,
    secret: String,
    cookie: String,
    csrf: String,
    rendering: Arc<RenderCounters>,
    _runtime: Runtime,
    _stop: watch::Sender<bool>,
}

/// A response as received.
pub struct Answer {
    /// The status; 0 if the connection was closed without one.
    pub status: u16,
    /// The header lines.
    pub head: String,
    /// What followed them.
    pub body: Vec<u8>,
}

impl LiveSite {
    /// The site, which the first call starts.
    pub fn get() -> &'static Self {
        static SITE: OnceLock<LiveSite> = OnceLock::new();
        SITE.get_or_init(Self::start)
    }

    fn start() -> Self {
        let folder = scratch().join("site");
        std::fs::create_dir_all(folder.join("bai")).expect("a folder");
        std::fs::write(folder.join("config.toml"), CONFIG).expect("a file");
        let config = Config::load(Some(&folder.join("config.toml")), []).expect("a valid configuration");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let stop = watch::Sender::new(false);
        let running = runtime.block_on(serve(config, &stop));
        let mut site = Self {
            address: running.address,
            secret: running.secret,
            cookie: String::new(),
            csrf: String::new(),
            rendering: running.rendering,
            _runtime: runtime,
            _stop: stop,
        };
        site.publish_first();
        site.log_in();
        site
    }

    fn publish_first(&self) {
        let body = "{\"title\":\"Huyện Đăk Tô phát động thi đua\",\"published\":\"2023-05-12T17:39:00+07:00\",\"text\":\"Chiều 12/5.\"}";
        let answer = self.ask(&self.request(
            "POST /api/articles?channel=xa-hoi",
            &[("Authorization", "Bearer bantin_FUZZ"), ("Content-Type", "application/json")],
            body.as_bytes(),
        ));
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    }

    fn log_in(&mut self) {
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        let body = format!("token={TOKEN}");
        let answer = self.ask(&self.request("POST /soan/dang-nhap", &form, body.as_bytes()));
        let set =
            answer.head.lines().find_map(|line| line.strip_prefix("set-cookie: bantin=")).expect("a cookie");
        self.cookie = set.split(';').next().unwrap_or_default().to_owned();
        let cookie = [("Cookie", "bantin=COOKIE_FUZZ")];
        let page = self.ask(&self.request("GET /soan/bai-moi", &cookie, b""));
        let text = String::from_utf8_lossy(&page.body).into_owned();
        let (_, rest) = text.split_once("name=\"csrf\" value=\"").expect("a form");
        self.csrf = rest.split('"').next().unwrap_or_default().to_owned();
    }

    /// Sends these bytes with the secrets filled in, and reads what comes back.
    ///
    /// # Panics
    /// If the answer is an error of the program, or something that was published fails its check.
    pub fn ask(&self, bytes: &[u8]) -> Answer {
        let received = self.exchange(&self.with_secrets(bytes)).unwrap_or_default();
        // Frames of HTTP/2 are not looked at.
        if bytes.starts_with(b"PRI * HTTP/2") {
            return Answer { status: 0, head: String::new(), body: received };
        }
        let answer = Answer::read(&received);
        assert!(
            answer.status != 500,
            "an internal error: {}\n{}",
            answer.head,
            String::from_utf8_lossy(&answer.body)
        );
        let failures = self.rendering.failures.load(Ordering::Relaxed);
        assert_eq!(failures, 0, "an article that was taken in is not published; see the last inputs");
        answer
    }

    /// A request with a body of the right length.
    pub fn request(&self, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
        let body = self.with_secrets(body);
        let mut head = format!("{target} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nConnection: close\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !target.starts_with("GET ") {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        [head.as_bytes(), &body].concat()
    }

    fn exchange(&self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut stream = self.connect()?;
        // The server may answer and close before it has read everything.
        let _ = stream.write_all(bytes).and_then(|()| stream.shutdown(Shutdown::Write));
        let mut received = Vec::new();
        let reading = (&mut stream).take(MAX_ANSWER).read_to_end(&mut received);
        if let Err(cause) = reading {
            assert!(
                !matches!(cause.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut),
                "no answer within the timeout"
            );
        }
        Ok(received)
    }

    /// From another address each time: the ports of one would be used up, and one client that guesses tokens is slowed
    /// down.
    fn connect(&self) -> io::Result<TcpStream> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let [_, a, b, c] = (number % 0x00ff_fffe + 1).to_be_bytes();
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::new(127, a, b, c), 0)).into())?;
        socket.set_read_timeout(Some(Duration::from_secs(60)))?;
        socket.set_write_timeout(Some(Duration::from_secs(60)))?;
        socket.connect(&self.address.into())?;
        Ok(socket.into())
    }

    fn with_secrets(&self, bytes: &[u8]) -> Vec<u8> {
        [(TOKEN, &self.secret), (COOKIE, &self.cookie), (CSRF, &self.csrf)]
            .into_iter()
            .filter(|(_, secret)| !secret.is_empty())
            .fold(bytes.to_vec(), |bytes, (name, secret)| replaced(bytes, name.as_bytes(), secret.as_bytes()))
    }
}

/// What runs.
struct Running {
    address: SocketAddr,
    secret: String,
    rendering: Arc<RenderCounters>,
}

async fn serve(config: Config, stop: &watch::Sender<bool>) -> Running {
    let store = Store::open(config.store.clone()).await.expect("a store");
    store.apply_config(&config.fingerprint).await.expect("a store");
    let secret = store.create_token("fuzz", None).await.expect("a store").expect("a new token");
    store.set_source_hub(source_hub(&store)).await.expect("a store");
    let rendering = Arc::new(RenderCounters::default());
    let (mut renderer, site) = Renderer::new(store.clone(), config.render.clone(), Arc::clone(&rendering));
    renderer.render_changes().await.expect("a site");
    tokio::spawn(renderer.run(stop.subscribe()));
    let urls = Arc::clone(&config.render.addresses);
    let hub = Hub::new(store.clone(), site.clone(), urls, config.hub.clone(), Arc::default());
    let health =
        Arc::new(Health { ready: true.into(), store: true.into(), writes: true.into(), notice: None });
    let handler = SiteHandler::new(AppState::new(
        site,
        store.clone(),
        config.render.clone(),
        health,
        Exchange { hub: Some(hub), collector: Collector::new(store, config.pull.clone()) },
        ServiceLimits {
            max_waiting: 64,
            writes_per_minute: None,
            hub_requests_per_minute: config.hub_requests_per_minute,
            trusted_proxies: Vec::new(),
        },
        stop.subscribe(),
    ));
    let listeners = Listeners::bind((Ipv4Addr::LOCALHOST, 0).into(), 1).expect("a port");
    let address = listeners.local_addr();
    let stopping = stop.subscribe();
    std::thread::spawn(move || {
        server::serve(listeners, &config.server, handler, stopping).expect("a server");
    });
    Running { address, secret, rendering }
}

fn source_hub(store: &Store) -> SourceHub {
    SourceHub {
        source: "UBND xã Đăk Tô".to_owned(),
        token: HUB_TOKEN.to_owned(),
        hub: "https://hub.example.vn/".to_owned(),
        topic: "https://xa.example.vn/rss.xml".to_owned(),
        secret: HUB_SECRET.to_owned(),
        asked_at: store.clock().now(),
        expires: None,
        notified: 0,
    }
}

fn replaced(bytes: Vec<u8>, name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(bytes.len() + value.len());
    let mut rest = bytes.as_slice();
    while let Some(at) = rest.windows(name.len()).position(|part| part == name) {
        result.extend_from_slice(&rest[..at]);
        result.extend_from_slice(value);
        rest = &rest[at + name.len()..];
    }
    result.extend_from_slice(rest);
    result
}

impl Answer {
    fn read(received: &[u8]) -> Self {
        let end = received.windows(4).position(|part| part == b"\r\n\r\n");
        let (head, body) = received.split_at(end.map_or(received.len(), |end| end + 4));
        let head = String::from_utf8_lossy(head).into_owned();
        if received.is_empty() {
            return Self { status: 0, head, body: Vec::new() };
        }
        let status = head.strip_prefix("HTTP/1.1 ").or(head.strip_prefix("HTTP/1.0 "));
        let status = status.and_then(|rest| rest.get(..3)?.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status line: {head:?}"));
        let mut lines = head.trim_end().lines().skip(1);
        assert!(lines.all(|line| line.contains(':')), "a header line without a colon: {head:?}");
        Self { status, head, body: body.to_vec() }
    }

    /// What is sent as JSON is JSON.
    ///
    /// # Panics
    /// If it is not.
    pub fn check_json(&self) {
        let head = self.head.to_ascii_lowercase();
        let is_whole = !head.contains("transfer-encoding") && !head.contains("content-encoding");
        if is_whole && head.contains("json") && head.contains("content-type") && !self.body.is_empty() {
            let read: Result<serde_json::Value, _> = serde_json::from_slice(&self.body);
            assert!(read.is_ok(), "no JSON: {head}\n{}", String::from_utf8_lossy(&self.body));
        }
    }
}

/// The folder of this process, in memory where there is such a file system. `tests/fuzz` removes it.
fn scratch() -> &'static Path {
    static FOLDER: LazyLock<std::path::PathBuf> =
        LazyLock::new(|| tempfile::tempdir().expect("a temporary folder").keep());
    &FOLDER
}

/// Writes a file with this name, which replaces the one before, and returns its path.
pub fn scratch_file(name: &str, bytes: &[u8]) -> String {
    let path = scratch().join(name);
    std::fs::write(&path, bytes).expect("a file in a temporary folder");
    path.to_str().expect("a path in UTF-8").to_owned()
}
