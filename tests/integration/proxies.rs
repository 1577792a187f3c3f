//! Outgoing requests through the proxy that the environment names, with a small proxy that really connects.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::support::portal::{Portal, item, items, province, pull, rss};
use crate::support::{TestSite, free_port};

/// A forward proxy as an office has one: it alone resolves names, here every one of them to one address. It refuses hosts that
/// begin with `internal.`.
struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn new(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self { address: listener.local_addr().unwrap(), asked: Arc::default() };
        let asked = Arc::clone(&proxy.asked);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let asked = Arc::clone(&asked);
                std::thread::spawn(move || tunnel(client, target, &asked));
            }
        });
        proxy
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The request lines.
    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// Answers `CONNECT host:port` with a connection to `target` (RFC 9110 §9.3.6).
fn tunnel(client: TcpStream, target: SocketAddr, asked: &Mutex<Vec<String>>) {
    let mut lines = BufReader::new(client.try_clone().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    let mut head = String::new();
    while lines.read_line(&mut head).is_ok_and(|read| read > 2) {}
    asked.lock().unwrap().push(line.trim_end().to_owned());
    let mut client = client;
    if line.contains(" internal.") {
        let _ = client.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        return;
    }
    let server = TcpStream::connect(target).unwrap();
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
    let (back, forth) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let carried = std::thread::spawn(move || carry(back, forth));
    carry(client, server);
    carried.join().unwrap();
}

fn carry(mut from: impl Read, mut to: impl Write) {
    let _ = std::io::copy(&mut from, &mut to);
}

/// A province behind a proxy whose source has a name that only the proxy knows, and no leave to have a private address.
fn behind(proxy: &Proxy, source: &str) -> TestSite {
    let site = province(&[("Xã", source.to_owned())]).with("HTTP_PROXY", proxy.url()).with("NO_PROXY", "");
    let config = std::fs::read_to_string(site.path("config.toml")).unwrap();
    std::fs::write(site.path("config.toml"), config.replace("allow_private = true\n", "")).unwrap();
    site
}

fn feed_of(portal: &Portal) {
    let item =
        item("1", "Họp dân", "Fri, 12 May 2023 17:39:00 +0700", "http://xa.example.vn/1", "Xã họp dân.");
    portal.serves("/rss.xml", rss(&[item]));
}

fn address_of(portal: &Portal) -> SocketAddr {
    portal.url("").trim_start_matches("http://").parse().unwrap()
}

#[test]
fn sources_are_requested_through_the_proxy_which_alone_resolves_their_names() {
    let portal = Portal::new();
    feed_of(&portal);
    let proxy = Proxy::new(address_of(&portal));
    let site = behind(&proxy, "http://xa.example.vn/rss.xml");
    let report = pull(&site, "Xã");
    assert_eq!(report["published"], 1, "{report}");
    assert_eq!(items(&site)[0]["title"], "Họp dân");
    assert_eq!(proxy.asked(), ["CONNECT xa.example.vn:80 HTTP/1.1"]);
    assert!(portal.last_request().contains("host: xa.example.vn"), "{}", portal.last_request());
}

#[test]
fn a_proxy_opens_no_way_to_addresses_that_are_refused_without_it() {
    let portal = Portal::new();
    feed_of(&portal);
    let proxy = Proxy::new(address_of(&portal));
    let targets = [
        "http://127.0.0.1/",
        "http://10.0.0.1/rss.xml",
        "http://[::1]/",
        "http://0x7f.1/",
        "http://localhost/",
        "http://a.localhost./",
    ];
    for target in targets {
        let head = format!("HTTP/1.1 301 Moved\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n");
        portal.answers_with("/moved.xml", head);
        let site = behind(&proxy, "http://xa.example.vn/moved.xml");
        let before = proxy.asked().len();
        let report = pull(&site, "Xã");
        assert!(report["error"].is_string(), "{target}: {report}");
        assert_eq!(proxy.asked()[before..], ["CONNECT xa.example.vn:80 HTTP/1.1"], "{target}");
    }
    // What the proxy refuses is told as what it is.
    let report = pull(&behind(&proxy, "http://internal.example.vn/rss.xml"), "Xã");
    assert!(report["error"].as_str().is_some_and(|error| error.contains("roxy")), "{report}");
}

#[test]
fn no_proxy_names_the_hosts_that_are_requested_directly() {
    let portal = Portal::new();
    feed_of(&portal);
    let proxy = Proxy::new(address_of(&portal));
    let site = province(&[("Xã", portal.url("/rss.xml"))])
        .with("HTTP_PROXY", proxy.url())
        .with("NO_PROXY", "localhost,127.0.0.1");
    assert_eq!(pull(&site, "Xã")["published"], 1);
    assert_eq!(proxy.asked(), Vec::<String>::new());
    // A proxy that is down is the reason; nothing goes around it.
    let down = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let site = province(&[("Xã", portal.url("/rss.xml"))])
        .with("HTTP_PROXY", format!("http://{down}"))
        .with("NO_PROXY", "");
    let asked = portal.asked_for("/rss.xml");
    assert!(pull(&site, "Xã")["error"].is_string());
    assert_eq!(portal.asked_for("/rss.xml"), asked);
}
