//! Outgoing requests: what is never connected to, and the limits.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bantin::fetch::{
    AllowList, AllowedAddresses, CallbackClient, CallbackMessage, FetchError, FetchRequest, FetchResponse,
    Fetcher, Limits,
};

/// A server that gives the same bytes to every connection and counts them.
struct RawServer {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl RawServer {
    fn new(answer: impl Into<Vec<u8>>) -> Self {
        let answer: Vec<u8> = answer.into();
        Self::with(move |_| answer.clone())
    }

    /// `answer` gets the head of the request.
    fn with(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> Self {
        // All interfaces, so that every spelling of this machine would reach it.
        let listener = TcpListener::bind("[::]:0").or_else(|_| TcpListener::bind("0.0.0.0:0")).unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, listener.local_addr().unwrap().port()));
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                counter.fetch_add(1, Ordering::SeqCst);
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
                    head.push(byte[0]);
                }
                let _ = stream.write_all(&answer(&String::from_utf8_lossy(&head)));
            }
        });
        Self { address, connections }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn limits() -> Limits {
    Limits { time: Duration::from_secs(10), bytes: 100_000, redirects: 3 }
}

#[tokio::main]
async fn get(url: &str, addresses: AllowedAddresses, limits: Limits) -> Result<FetchResponse, FetchError> {
    Fetcher::new("test", limits).get(FetchRequest::new(url, addresses)).await
}

fn get_all(url: &str) -> Result<FetchResponse, FetchError> {
    get(url, AllowedAddresses::All, limits())
}

/// Spellings of one IPv4 address that some program takes for it.
fn spellings(address: Ipv4Addr) -> Vec<String> {
    let [a, b, c, d] = address.octets().map(u32::from);
    let whole = u32::from(address);
    let (last_two, last_three) = (c << 8 | d, b << 16 | c << 8 | d);
    let mapped = format!("{:x}:{:x}", whole >> 16, whole & 0xffff);
    let full_width: String =
        address.to_string().chars().map(|c| char::from_u32(u32::from(c) + 0xfee0).unwrap()).collect();
    vec![
        format!("{a}.{b}.{c}.{d}"),
        format!("{a}.{b}.{c}.{d}."),
        format!("{whole}"),
        format!("{whole:#x}"),
        format!("{whole:#X}"),
        format!("0{whole:o}"),
        format!("{a}.{last_three}"),
        format!("{a}.{b}.{last_two}"),
        format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
        format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        format!("{a:#x}.0{b:o}.{last_two}"),
        format!("{a:#06x}.{last_three:#x}"),
        format!("000{a:o}.000{b:o}.000{c:o}.000{d:o}"),
        format!("%{:02x}{}.{b}.{c}.{d}", a.to_string().as_bytes()[0], &a.to_string()[1..]),
        format!("{a}%2e{b}%2E{c}.{d}"),
        format!("{a}。{b}。{c}。{d}"),
        format!("{a}．{b}｡{c}.{d}"),
        full_width,
        format!("[::ffff:{a}.{b}.{c}.{d}]"),
        format!("[::ffff:{mapped}]"),
        format!("[0:0:0:0:0:ffff:{mapped}]"),
        format!("[::{a}.{b}.{c}.{d}]"),
        format!("[64:ff9b::{mapped}]"),
        format!("[64:ff9b:1::{mapped}]"),
        format!("[2002:{mapped}::1]"),
        format!("[2001:0:{mapped}::1]"),
        format!("user@{a}.{b}.{c}.{d}"),
        format!("public.example:x@{a}.{b}.{c}.{d}"),
        format!("{a}.{b}.{c}.{d}\t"),
        format!("\n{a}.{b}.{c}.{d}"),
    ]
}

/// More than five hundred URLs that some program takes for an internal address or for no HTTP at all.
fn hostile_urls(port: u16) -> Vec<String> {
    let internal = [
        "127.0.0.1",
        "127.0.0.53",
        "127.1.2.3",
        "127.255.255.254",
        "0.0.0.0",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.1",
        "192.168.0.1",
        "192.0.0.1",
        "198.18.0.1",
        "192.0.2.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
    ];
    let mut hosts: BTreeSet<String> =
        internal.iter().flat_map(|address| spellings(address.parse().unwrap())).collect();
    hosts.extend(
        [
            "localhost",
            "LOCALHOST",
            "localhost.",
            "ｌｏｃａｌｈｏｓｔ",
            "l%6fcalhost",
            "[::1]",
            "[::]",
            "[0:0:0:0:0:0:0:1]",
            "[0000::0001]",
            "[fe80::1]",
            "[fe80::1%25lo]",
            "[fc00::1]",
            "[fd00:ec2::254]",
            "[ff02::1]",
            "[fec0::1]",
            "[2001:db8::1]",
            "[100::1]",
            "[5f00::1]",
            "[3fff::1]",
        ]
        .map(str::to_owned),
    );
    let of_host = |host: &String| ["http", "https"].map(|scheme| format!("{scheme}://{host}:{port}/"));
    let others =
        ["file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/", "http:", "//127.0.0.1/", "", "x"];
    hosts.iter().flat_map(of_host).chain(others.map(str::to_owned)).collect()
}

#[test]
fn five_hundred_hostile_addresses_are_never_connected_to() {
    let server = RawServer::new("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let port = server.address.port();
    // The listener counts: the plain address is reached when private addresses are allowed.
    assert_eq!(get_all(&format!("http://127.0.0.1:{port}/")).unwrap().body, b"ok");
    assert_eq!(server.connections(), 1);
    let urls = hostile_urls(port);
    let tried = urls.len();
    for url in urls {
        let answer = get(&url, AllowedAddresses::Public, limits());
        assert!(
            matches!(answer, Err(FetchError::Url(_) | FetchError::PrivateAddress(_) | FetchError::Failed(_))),
            "{url}: {answer:?}"
        );
    }
    assert!(tried >= 500, "{tried}");
    assert_eq!(server.connections(), 1, "something connected");
}

/// What a callback is sent would otherwise reach the services of this machine and of the internal network.
#[test]
fn five_hundred_hostile_callbacks_are_never_connected_to() {
    let server = RawServer::new("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let port = server.address.port();
    let client = |allow| CallbackClient::new("test", allow, Duration::from_secs(10));
    let message = CallbackMessage { headers: Vec::new(), body: b"x" };
    let of_network = AllowList { networks: vec!["127.0.0.0/8".parse().unwrap()], hosts: Vec::new() };
    let of_host = AllowList { networks: Vec::new(), hosts: vec!["localhost".to_owned()] };
    for (url, allow) in [("127.0.0.1", of_network), ("localhost", of_host)] {
        let answer = client(allow).post(&format!("http://{url}:{port}/"), &message).unwrap();
        assert_eq!(answer.status, 200, "an internal callback that the operator allows");
    }
    let before = server.connections();
    assert_eq!(before, 2);
    let public = client(AllowList::default());
    for url in hostile_urls(port) {
        for answer in [public.get(&url, 9), public.post(&url, &message)] {
            assert!(
                matches!(answer, Err(FetchError::Url(_) | FetchError::NotAllowed(_) | FetchError::Failed(_))),
                "{url}: {answer:?}"
            );
        }
    }
    assert_eq!(server.connections(), before, "something connected");
}

#[test]
fn a_redirect_is_checked_like_the_first_url_and_a_permanent_one_is_told() {
    let target = RawServer::new("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"a\"\r\n\r\nok");
    let to = |status: &str, url: String| {
        RawServer::new(format!("HTTP/1.1 {status} Moved\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n"))
    };
    let there = format!("http://{}/feed", target.address);
    let permanent = get_all(&format!("http://{}/", to("308", there.clone()).address)).unwrap();
    assert_eq!((permanent.url.as_str(), permanent.body.as_slice()), (there.as_str(), b"ok".as_slice()));
    assert_eq!(permanent.moved_to.unwrap().as_str(), there);
    assert_eq!(permanent.headers["etag"], "\"a\"");
    let temporary = get_all(&format!("http://{}/", to("302", there).address)).unwrap();
    assert_eq!(temporary.moved_to, None);
    for target in ["file:///etc/passwd", "http://user:secret@example.vn/", "gopher://127.0.0.1/"] {
        let answer = get_all(&format!("http://{}/", to("301", target.to_owned()).address));
        assert!(matches!(answer, Err(FetchError::Url(_))), "{target}: {answer:?}");
    }
    let circle = RawServer::new("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n");
    let answer = get_all(&format!("http://{}/", circle.address));
    assert!(matches!(answer, Err(FetchError::TooManyRedirects(3))), "{answer:?}");
    let nowhere = RawServer::new("HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n");
    let answer = get_all(&format!("http://{}/", nowhere.address));
    assert!(matches!(answer, Err(FetchError::BadRedirect(_))), "{answer:?}");
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(text).unwrap();
    writer.finish().unwrap()
}

fn answer_with(headers: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\nConnection: close\r\n{headers}\r\n").as_bytes(), body].concat()
}

#[test]
fn sizes_are_limited_before_and_after_decompression() {
    let address = |answer: Vec<u8>| format!("http://{}/", RawServer::new(answer).address);
    let packed = gzip(b"tin");
    for headers in ["Content-Encoding: gzip\r\n", ""] {
        assert_eq!(get_all(&address(answer_with(headers, &packed))).unwrap().body, b"tin");
    }
    // It says that it is compressed and is not.
    assert_eq!(
        get_all(&address(answer_with("Content-Encoding: gzip\r\n", b"<rss/>"))).unwrap().body,
        b"<rss/>"
    );
    let bomb = gzip(&vec![0; 20_000_000]);
    assert!(bomb.len() < 100_000);
    for (answer, what) in [
        (answer_with("Content-Encoding: gzip\r\n", &bomb), "a bomb"),
        (answer_with("", &vec![b'x'; 200_000]), "without a length"),
        (answer_with("Content-Length: 9999999999\r\n", b"x"), "with a length"),
    ] {
        let answer = get_all(&address(answer));
        assert!(matches!(answer, Err(FetchError::TooLarge(_))), "{what}: {answer:?}");
    }
    let cut = get_all(&address(answer_with("Content-Length: 10\r\n", b"12345")));
    assert!(matches!(cut, Err(FetchError::Failed(_))), "{cut:?}");
    let cut = get_all(&address(answer_with("", &packed[..packed.len() - 6])));
    assert!(matches!(cut, Err(FetchError::Damaged)), "{cut:?}");
}

#[test]
fn a_request_is_conditional_and_introduces_itself() {
    let server = RawServer::with(|head| {
        let body = head.to_ascii_lowercase();
        answer_with(&format!("Content-Length: {}\r\n", body.len()), body.as_bytes())
    });
    let request = FetchRequest {
        etag: Some("\"x\"".to_owned()),
        last_modified: Some("Fri, 12 May 2023 10:39:00 GMT".to_owned()),
        ..FetchRequest::new(format!("http://{}/#part", server.address), AllowedAddresses::All)
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let sent = runtime.block_on(Fetcher::new("bantin/1 (Kon Tum)", limits()).get(request)).unwrap();
    let sent = String::from_utf8(sent.body).unwrap();
    for line in [
        "get / http/1.1",
        "user-agent: bantin/1 (kon tum)",
        "if-none-match: \"x\"",
        "if-modified-since: fri, 12 may 2023 10:39:00 gmt",
        "accept-encoding: gzip",
    ] {
        assert!(sent.contains(line), "{line} is not in {sent}");
    }
}

#[test]
fn a_server_that_never_ends_its_answer_is_left_at_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let held: Vec<_> = listener.incoming().collect();
        drop(held);
    });
    let limits = Limits { time: Duration::from_millis(300), ..limits() };
    let answer = get(&format!("http://{address}/"), AllowedAddresses::All, limits);
    assert!(matches!(answer, Err(FetchError::Timeout(_))), "{answer:?}");
}
