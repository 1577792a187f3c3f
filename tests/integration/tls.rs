//! TLS and HTTP/2 without a proxy, spoken by foreign clients: curl and rustls.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto};

use crate::support::requirement::{Requirement, is_missing};
use crate::support::{RunningServer, SAMPLE_ARTICLE, TestSite, request, wait_until};

const HOST: &str = "dakto.example";
const RSS: &str = "/xa-hoi/rss.xml";

/// Writes a new certificate for the host and its key.
fn issue(site: &TestSite) {
    issue_for(site, (1975, 1, 1), (4096, 1, 1));
}

/// The same, valid between these days.
fn issue_for(site: &TestSite, from: (i32, u8, u8), until: (i32, u8, u8)) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut wanted = rcgen::CertificateParams::new([HOST.to_owned()]).unwrap();
    let day = |(year, month, day)| rcgen::date_time_ymd(year, month, day);
    (wanted.not_before, wanted.not_after) = (day(from), day(until));
    std::fs::write(site.path("site.crt"), wanted.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(site.path("site.key"), key.serialize_pem()).unwrap();
}

fn certified_site() -> TestSite {
    let site = TestSite::new();
    site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    issue(&site);
    site
}

pub fn encrypted_site() -> TestSite {
    let site = certified_site();
    site.configure("[server.tls]\ncertificate = \"site.crt\"\nkey = \"site.key\"\n");
    site
}

/// What curl prints for these options and this path.
fn curl(site: &TestSite, serving: &RunningServer, options: &[&str], path: &str) -> Vec<u8> {
    let port = serving.address().port();
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "50", "--cacert"])
        .arg(site.path("site.crt"))
        .args(["--resolve", &format!("{HOST}:{port}:127.0.0.1")])
        .args(options)
        .arg(format!("https://{HOST}:{port}{path}"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{options:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn curl_text(site: &TestSite, serving: &RunningServer, options: &[&str], path: &str) -> String {
    String::from_utf8(curl(site, serving, options, path)).unwrap()
}

/// A connection of rustls that trusts this certificate only.
fn connect(address: SocketAddr, certificate: &Path) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(HOST).unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    StreamOwned::new(connection, TcpStream::connect(address).unwrap())
}

#[test]
fn http2_and_http1_answer_with_the_same_bytes() {
    if is_missing(Requirement::Program("curl")) {
        return;
    }
    let site = encrypted_site();
    let serving = site.serve();
    let version = ["--output", "/dev/null", "--write-out", "%{http_version} %{response_code}"];
    for (option, spoken) in [("--http2", "2 200"), ("--http1.1", "1.1 200"), ("--tlsv1.2", "2 200")] {
        let options = [&[option], &version[..]].concat();
        assert_eq!(curl_text(&site, &serving, &options, RSS), spoken);
    }
    for path in [RSS, "/xa-hoi/feed.json", "/", "/robots.txt", "/khong-co"] {
        for coding in ["identity", "gzip", "br"] {
            let coding = format!("Accept-Encoding: {coding}");
            let [two, one] = ["--http2", "--http1.1"]
                .map(|version| curl(&site, &serving, &[version, "--header", &coding], path));
            assert!(!two.is_empty() && two == one, "{path} {coding}");
        }
    }
    let headers = curl_text(&site, &serving, &["--http2", "--head"], RSS).to_lowercase();
    assert!(headers.starts_with("http/2 200") && headers.contains("\ndate: "), "{headers}");
    assert!(!headers.contains("\nconnection:") && !headers.contains("\nkeep-alive:"), "{headers}");
    let etag = headers.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().to_owned();
    let condition = format!("If-None-Match: {etag}");
    let options = [&["--http2", "--header", &condition], &version[..]].concat();
    assert_eq!(curl_text(&site, &serving, &options, RSS), "2 304");
    // A client that speaks no TLS learns nothing and disturbs nobody.
    let mut plain = TcpStream::connect(serving.address()).unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{}", String::from_utf8_lossy(&answer));
    assert!(serving.stop());
}

#[test]
fn a_balancer_speaks_http2_without_tls() {
    if is_missing(Requirement::Program("curl")) {
        return;
    }
    let site = TestSite::new();
    site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    let secret = site.ok(&["token", "new", "Văn phòng"]);
    let bearer = format!("Authorization: Bearer {}", secret.trim());
    let serving = site.serve();
    let origin = format!("http://{}", serving.address());
    let plain = |options: &[&str], path: &str| {
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--max-time", "50"])
            .args(options)
            .arg(format!("{origin}{path}"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{options:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let version = [
        "--http2-prior-knowledge",
        "--output",
        "/dev/null",
        "--write-out",
        "%{http_version} %{response_code}",
    ];
    assert_eq!(plain(&version, RSS), b"2 200");
    for coding in ["identity", "gzip"] {
        let coding = format!("Accept-Encoding: {coding}");
        let [two, one] = ["--http2-prior-knowledge", "--http1.1"]
            .map(|version| plain(&[version, "--header", &coding], RSS));
        assert!(!two.is_empty() && two == one, "{coding}");
    }
    let article =
        r#"{"title":"Bài qua h2c","published":"13/05/2023 08:00","channels":["xa-hoi"],"text":"Mở đầu."}"#;
    let json = ["--http2-prior-knowledge", "--header", &bearer, "--header", "Content-Type: application/json"];
    let publishes = [&json[..], &["--data", article, "--write-out", " %{response_code}"]].concat();
    let answer = String::from_utf8(plain(&publishes, "/api/articles")).unwrap();
    assert!(answer.ends_with(" 201"), "{answer}");
    // What only begins like it is a bad request, and an upgrade is not offered (RFC 9113 §3.1).
    for (sent, status) in [("PRI / HTTP/1.1\r\nHost: a\r\n\r\n", "405"), ("PRI * HTTP/2.0\n\n", "400")] {
        let mut stream = TcpStream::connect(serving.address()).unwrap();
        stream.write_all(sent.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{sent:?}: {answer}");
    }
    let upgrade = [&["--http2"], &version[1..]].concat();
    assert_eq!(plain(&upgrade, RSS), b"1.1 200");
    assert!(serving.stop());
}

#[test]
fn articles_are_published_and_awaited_over_http2() {
    if is_missing(Requirement::Program("curl")) {
        return;
    }
    let site = encrypted_site();
    let secret = site.ok(&["token", "new", "Văn phòng"]);
    let bearer = format!("Authorization: Bearer {}", secret.trim());
    let serving = site.serve();
    std::thread::scope(|scope| {
        let waiting =
            scope.spawn(|| curl_text(&site, &serving, &["--http2"], "/api/changes?after=1&wait=40"));
        let article = r#"{"title":"Bài qua HTTP/2","published":"13/05/2023 08:00","channels":["xa-hoi"],
            "text":"Đoạn mở đầu."}"#;
        let options = ["--http2", "--header", &bearer, "--header", "Content-Type: application/json"];
        let options = [&options[..], &["--data", article, "--write-out", " %{response_code}"]].concat();
        let answer = curl_text(&site, &serving, &options, "/api/articles");
        assert!(answer.ends_with(" 201"), "{answer}");
        let changes = waiting.join().unwrap();
        assert!(changes.contains("Bài qua HTTP/2"), "{changes}");
    });
    // A body beyond the limit is refused, and the service goes on.
    let large = site.path("large.json");
    std::fs::write(&large, vec![b' '; 3 << 20]).unwrap();
    let data = format!("@{}", large.display());
    let options = ["--http2", "--header", &bearer, "--header", "Content-Type: application/json"];
    let code = ["--data-binary", &data, "--output", "/dev/null", "--write-out", "%{response_code}"];
    assert_eq!(curl_text(&site, &serving, &[&options[..], &code].concat(), "/api/articles"), "413");
    wait_until("the article", || curl_text(&site, &serving, &[], RSS).contains("Bài qua HTTP/2"));
    assert!(serving.stop());
}

#[test]
fn hundreds_of_requests_share_one_connection() {
    if is_missing(Requirement::Program("curl")) {
        return;
    }
    let site = encrypted_site();
    let serving = site.serve();
    let one = curl(&site, &serving, &["--http2"], RSS);
    let before = serving.metric("bantin_connections_total");
    let all = curl(
        &site,
        &serving,
        &["--http2", "--parallel", "--parallel-max", "90"],
        &format!("{RSS}?n=[1-300]"),
    );
    assert_eq!(all.len(), 300 * one.len());
    let opened = serving.metric("bantin_connections_total") - before;
    assert!(opened < 100, "{opened} connections");
    assert!(serving.stop());
}

#[test]
fn a_renewed_certificate_is_used_and_a_wrong_one_is_refused() {
    let site = encrypted_site();
    let serving = site.serve();
    let first = std::fs::read(site.path("site.crt")).unwrap();
    std::fs::write(site.path("first.crt"), &first).unwrap();
    let get = |certificate: &str| {
        let mut stream = connect(serving.address(), &site.path(certificate));
        let request = format!("GET {RSS} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok::<_, std::io::Error>(answer)
    };
    assert!(get("site.crt").unwrap().starts_with("HTTP/1.1 200"));
    let reload = |outcome: &str| {
        let logged = serving.log().matches(outcome).count();
        let sent = Command::new("kill").args(["-HUP", &serving.pid().to_string()]).status();
        assert!(sent.unwrap().success());
        wait_until(outcome, || serving.log().matches(outcome).count() > logged);
    };
    issue(&site);
    reload("the configuration was reloaded");
    assert!(get("site.crt").unwrap().starts_with("HTTP/1.1 200"));
    assert!(get("first.crt").is_err(), "the old certificate is no longer used");
    // The key of another certificate.
    let renewed = std::fs::read(site.path("site.crt")).unwrap();
    std::fs::write(site.path("site.crt"), &first).unwrap();
    reload("the new configuration was refused");
    std::fs::write(site.path("site.crt"), "no certificate").unwrap();
    reload("the new configuration was refused");
    let log = serving.log();
    assert!(log.contains("has no usable certificate") && log.contains("cannot be used with"), "{log}");
    std::fs::write(site.path("site.crt"), &renewed).unwrap();
    assert!(get("site.crt").unwrap().starts_with("HTTP/1.1 200"), "the previous one remains in effect");
    assert!(serving.stop());
}

#[test]
fn an_expired_certificate_is_named_and_measured() {
    let site = encrypted_site();
    let warnings = || String::from_utf8(site.run(&["config", "--quiet"]).stderr).unwrap();
    assert_eq!(warnings(), "");
    issue_for(&site, (2999, 1, 1), (3000, 1, 1));
    assert!(warnings().contains("valid from 2999-01-01 00:00:00 UTC on"), "{}", warnings());
    issue_for(&site, (2019, 1, 1), (2019, 4, 1));
    assert!(warnings().contains("the certificate expired on 2019-04-01 00:00:00 UTC"), "{}", warnings());
    // Whoever asks gets an answer all the same.
    let serving = site.serve();
    wait_until("the cause to be logged", || serving.log().contains("the certificate expired on 2019-04-01"));
    assert_eq!(serving.metric("bantin_certificate_expires_timestamp_seconds"), 1_554_076_800);
    assert!(serving.stop());
}

#[test]
fn a_service_with_an_unusable_certificate_does_not_start() {
    let site = encrypted_site();
    for (file, content, message) in [
        ("site.key", "", "private key"),
        (
            "site.key",
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "protected by a password",
        ),
        (
            "site.key",
            "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END EC PRIVATE KEY-----\n",
            "protected by a password",
        ),
        ("site.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be used"),
    ] {
        let before = std::fs::read(site.path(file)).unwrap();
        std::fs::write(site.path(file), content).unwrap();
        let output = site.run(&["serve"]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && stderr.contains(message) && stderr.contains(file), "{stderr}");
        // A reload asks for this first.
        let checked = site.run(&["config", "--quiet"]);
        let said = String::from_utf8_lossy(&checked.stderr);
        assert!(!checked.status.success() && said.contains(message) && said.contains(file), "{said}");
        std::fs::write(site.path(file), before).unwrap();
        site.ok(&["config", "--quiet"]);
    }
    // Its issuer first.
    let own = std::fs::read_to_string(site.path("site.crt")).unwrap();
    let issuer = rcgen::generate_simple_self_signed(["ca.example".to_owned()]).unwrap().cert.pem();
    std::fs::write(site.path("site.crt"), issuer + &own).unwrap();
    let output = site.run(&["serve"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("first certificate must be that of the key"), "{stderr}");
    std::fs::write(site.path("site.crt"), own).unwrap();
    // Nothing there; a pipe, which would be waited for.
    std::fs::remove_file(site.path("site.key")).unwrap();
    let output = site.run(&["serve"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot read"), "{output:?}");
    assert!(Command::new("mkfifo").arg(site.path("site.key")).status().unwrap().success());
    let output = site.run(&["serve"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("site.key: not a regular file"), "{output:?}");
}

#[test]
fn clients_that_stall_in_or_after_the_handshake_are_disconnected() {
    let site = encrypted_site();
    site.configure(
        "[server.limits]\nheader_timeout = \"1s\"\nidle_timeout = \"2s\"\nsend_timeout = \"2s\"\n",
    );
    let serving = site.serve();
    let disconnected = |stream: &mut TcpStream| {
        stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
        let began = Instant::now();
        let mut rest = Vec::new();
        let end = stream.read_to_end(&mut rest);
        let timed_out = end.is_err_and(|cause| cause.kind() == std::io::ErrorKind::WouldBlock);
        assert!(!timed_out, "still open after {:?}", began.elapsed());
    };
    let mut silent = TcpStream::connect(serving.address()).unwrap();
    disconnected(&mut silent);
    let mut half = TcpStream::connect(serving.address()).unwrap();
    half.write_all(&[22, 3, 1, 2, 0, 1]).unwrap();
    disconnected(&mut half);
    // The handshake is complete, the request never comes.
    let mut idle = connect(serving.address(), &site.path("site.crt"));
    idle.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    disconnected(idle.get_mut());
    // Responses that are never read.
    let mut greedy = connect(serving.address(), &site.path("site.crt"));
    let request = format!("GET {RSS} HTTP/1.1\r\nHost: {HOST}\r\n\r\n").repeat(20_000);
    greedy.get_mut().set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    let _ = greedy.write_all(request.as_bytes());
    wait_until("all are disconnected", || serving.metric("bantin_connections_open") == 0);
    assert!(serving.stop());
}

/// The address at which this service takes plain HTTP.
fn redirecting(serving: &RunningServer) -> SocketAddr {
    let log = serving.log();
    let line = log.lines().find_map(|line| line.split_once("redirected from http://")).unwrap();
    line.1.parse().unwrap()
}

#[test]
fn plain_http_is_redirected_and_a_secret_is_refused() {
    let site = certified_site();
    let challenge = "acme/.well-known/acme-challenge/a-Token_1";
    site.configure(concat!(
        "[server.tls]\ncertificate = \"site.crt\"\nkey = \"site.key\"\n",
        "redirect_listen = \"127.0.0.1:0\"\nacme_challenges = \"acme\"\n"
    ));
    std::fs::create_dir_all(site.path(challenge).parent().unwrap()).unwrap();
    std::fs::write(site.path(challenge), "a-Token_1.thumbprint").unwrap();
    let site = site.with("BANTIN_SITE__URL", "https://dakto.example/");
    let serving = site.serve();
    let plain = redirecting(&serving);
    for path in ["/", "/xa-hoi/rss.xml", "/tim-kiem?q=%C4%90%C4%83k+T%C3%B4&from=", "//evil.example/a"] {
        for method in ["GET", "HEAD"] {
            let answer = request(plain, method, path, &[("If-None-Match", "*")]);
            let target = format!("https://dakto.example{path}");
            assert_eq!((answer.status, answer.header("location")), (301, Some(target.as_str())), "{path}");
        }
    }
    // A redirect would teach a client to send its token in the clear for ever.
    for (method, headers) in [("GET", &[("Authorization", "Bearer x")][..]), ("POST", &[]), ("DELETE", &[])] {
        let answer = request(plain, method, "/api/articles", headers);
        assert_eq!((answer.status, answer.header("location")), (403, None), "{method}");
    }
    let place = "/.well-known/acme-challenge";
    let answer = request(plain, "GET", &format!("{place}/a-Token_1"), &[]);
    assert_eq!((answer.status, answer.text().as_str()), (200, "a-Token_1.thumbprint"));
    for other in ["unknown", "", "..%2f..%2f..%2fsite.key", "../../../site.key", "a-Token_1?x", "a-Token_1/"]
    {
        let answer = request(plain, "GET", &format!("{place}/{other}"), &[]);
        assert_eq!(answer.status, 404, "{other}");
    }
    assert!(serving.stop());
}

#[test]
fn a_redirect_without_a_target_is_refused() {
    let keys = "certificate = \"site.crt\"\nkey = \"site.key\"\n";
    for (more, said) in [
        ("redirect_listen = \"127.0.0.1:0\"", "site.url is http://"),
        ("acme_challenges = \"acme\"", "redirect_listen: is missing"),
        ("redirect_listen = \"80\"", "is not an address with a port"),
    ] {
        let site = certified_site();
        site.configure(&format!("[server.tls]\n{keys}{more}\n"));
        let output = site.run(&["serve"]);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && message.contains(said), "{more}: {message}");
    }
}
