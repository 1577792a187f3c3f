//! Sources behind a real nginx that is slow, cuts its answers off, lies or redirects.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::support::nginx::Nginx;
use crate::support::portal::{Portal, item, items, province, pull, rss};
use crate::support::requirement::{Requirement, is_missing};
use crate::support::{TestSite, free_port, wait_until};

fn feed(titles: &[&str]) -> String {
    let item = |title: &&str| {
        let (id, link) =
            (title.replace(' ', "-"), format!("http://xa.example.vn/{}", title.replace(' ', "-")));
        item(&id, title, "Fri, 12 May 2023 17:39:00 +0700", &link, "Xã họp dân.")
    };
    rss(&titles.iter().map(item).collect::<Vec<_>>())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn titles(site: &TestSite) -> Vec<String> {
    let mut titles: Vec<_> =
        items(site).iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect();
    titles.sort();
    titles
}

/// How a source is, as an operator sees it.
fn health(site: &TestSite, name: &str) -> Value {
    let sources: Value = serde_json::from_slice(&site.run(&["sources", "--json"]).stdout).unwrap();
    sources.as_array().unwrap().iter().find(|source| source["name"] == name).unwrap().clone()
}

/// How long a source is left alone from now on.
fn pause(site: &TestSite, name: &str) -> TimeDelta {
    let due = health(site, name)["next_due"].as_str().unwrap().to_owned();
    DateTime::parse_from_rfc3339(&due).unwrap().to_utc() - Utc::now()
}

#[test]
fn a_feed_is_sent_compressed_once_and_then_only_confirmed() {
    if is_missing(Requirement::Program("nginx")) {
        return;
    }
    let nginx = Nginx::new("gzip on;\ngzip_types application/rss+xml;\ngzip_min_length 1;", "");
    nginx.write("rss.xml", feed(&["Một", "Hai"]));
    let site = province(&[("Xã", nginx.url("/rss.xml"))]);
    assert_eq!(pull(&site, "Xã")["published"], 2);
    let report = pull(&site, "Xã");
    assert_eq!((&report["items"], &report["error"]), (&0.into(), &Value::Null), "{report}");
    assert_eq!(nginx.log(), ["200 /rss.xml gzip", "304 /rss.xml -"]);
    // A change is seen also within the second in which the copy was made: the tag has the length, too.
    nginx.write("rss.xml", feed(&["Một", "Hai", "Ba"]));
    assert_eq!(pull(&site, "Xã")["published"], 1);
    assert_eq!(titles(&site), ["Ba", "Hai", "Một"]);
}

/// A server behind nginx that promises more than it sends.
fn promises_too_much(body: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len() + 500);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

#[test]
fn answers_that_are_cut_off_huge_or_lie_change_nothing_or_are_read_as_what_they_are() {
    if is_missing(Requirement::Program("nginx")) {
        return;
    }
    let whole = feed(&["Một"]);
    let behind = promises_too_much(&whole);
    let nginx = Nginx::new(
        "",
        &format!(
            "location = /long.xml {{ proxy_pass http://{behind}; }}\n\
             location = /none.xml {{ return 444; }}\n\
             location = /no-gzip.xml {{ add_header Content-Encoding gzip; try_files /rss.xml =404; }}\n\
             location = /br.xml {{ add_header Content-Encoding br; try_files /rss.xml =404; }}\n\
             location = /gzip.xml {{ try_files /rss.gz =404; }}\n\
             location = /half.xml {{ add_header Content-Encoding gzip; try_files /half.gz =404; }}\n\
             location = /bomb.xml {{ add_header Content-Encoding gzip; try_files /bomb.gz =404; }}\n\
             location = /image.xml {{ types {{ }} default_type image/png; try_files /rss.xml =404; }}\n\
             location = /page.xml {{ types {{ }} default_type \"text/html; charset=iso-8859-1\"; try_files /rss.xml =404; }}\n\
             location = /empty.xml {{ return 200; }}\n\
             location = /nothing.xml {{ return 204; }}\n\
             location = /login.xml {{ return 401; }}\n\
             location = /ok.html {{ return 200 \"<html><body>Đăng nhập</body></html>\"; }}"
        ),
    );
    nginx.write("rss.xml", &whole);
    nginx.write("rss.gz", gzip(whole.as_bytes()));
    let half = gzip(whole.as_bytes());
    nginx.write("half.gz", &half[..half.len() / 2]);
    nginx.write("bomb.gz", gzip(&vec![b' '; 64 << 20]));
    std::fs::File::create(nginx.file("huge.xml")).unwrap().set_len(64 << 20).unwrap();
    let refused = [
        ("/long.xml", ""),
        ("/none.xml", ""),
        ("/half.xml", "damaged or cut off"),
        ("/bomb.xml", "larger than 8388608 bytes"),
        ("/huge.xml", "larger than 8388608 bytes"),
        ("/empty.xml", "XML"),
        ("/nothing.xml", "204"),
        ("/login.xml", "401"),
        ("/ok.html", "not"),
        ("/missing.xml", "404"),
    ];
    for (path, reason) in refused {
        let site = province(&[("Xã", nginx.url(path))]);
        let report = pull(&site, "Xã");
        let told = report["error"].as_str().unwrap_or_else(|| panic!("{path}: {report}"));
        assert!(told.contains(reason), "{path}: {told}");
        assert_eq!(
            (health(&site, "Xã")["state"].as_str(), items(&site).len()),
            (Some("failing"), 0),
            "{path}"
        );
    }
    for path in ["/no-gzip.xml", "/br.xml", "/gzip.xml", "/image.xml", "/page.xml"] {
        let site = province(&[("Xã", nginx.url(path))]);
        let report = pull(&site, "Xã");
        assert_eq!((&report["published"], &report["error"]), (&1.into(), &Value::Null), "{path}: {report}");
        assert_eq!(titles(&site), ["Một"], "{path}");
    }
}

#[test]
fn redirects_are_followed_counted_and_remembered_when_they_are_permanent_twice() {
    if is_missing(Requirement::Program("nginx")) {
        return;
    }
    let nginx = Nginx::new(
        "",
        "location = /moved.xml { return 301 /rss.xml; }\n\
         location = /moved-for-good.xml { return 308 /rss.xml; }\n\
         location = /elsewhere.xml { return 302 /rss.xml; }\n\
         location = /loop.xml { return 301 /pool.xml; }\n\
         location = /pool.xml { return 301 /loop.xml; }\n\
         location = /nowhere.xml { return 302 http://[::1; }\n\
         location ~ ^/step/(\\d*)$ { return 302 /step/1$1; }\n\
         location = /mail.xml { return 302 mailto:a@xa.vn; }",
    );
    nginx.write("rss.xml", feed(&["Một"]));
    for (path, status) in [("/moved.xml", 301), ("/moved-for-good.xml", 308)] {
        let site = province(&[("Xã", nginx.url(path))]);
        let asked = |_| {
            let report = pull(&site, "Xã");
            assert_eq!(report["error"], Value::Null, "{report}");
            nginx.answered(status, path)
        };
        // The first may be a mistake; after the second, the old address is not asked any more.
        assert_eq!([1, 2, 3, 4].map(asked), [1, 2, 2, 2], "{path}");
        assert_eq!(titles(&site), ["Một"]);
    }
    let site = province(&[("Xã", nginx.url("/elsewhere.xml"))]);
    for _ in 0..3 {
        pull(&site, "Xã");
    }
    assert_eq!(nginx.answered(302, "/elsewhere.xml"), 3, "a temporary one is never remembered");
    for (path, reason) in [
        ("/loop.xml", "redirects"),
        ("/step/", "redirects"),
        ("/nowhere.xml", "Location"),
        ("/mail.xml", "http"),
    ] {
        let site = province(&[("Xã", nginx.url(path))]);
        let report = pull(&site, "Xã");
        assert!(report["error"].as_str().is_some_and(|error| error.contains(reason)), "{path}: {report}");
    }
    assert!(nginx.answered(301, "/loop.xml") + nginx.answered(301, "/pool.xml") <= 6, "{:?}", nginx.log());
}

#[test]
fn a_source_that_asks_to_come_back_later_is_left_alone_until_then() {
    if is_missing(Requirement::Program("nginx")) {
        return;
    }
    let nginx = Nginx::new(
        "",
        "location = /busy.xml { add_header Retry-After 7200 always; return 503; }\n\
         location = /often.xml { add_header Retry-After \"Wed, 21 Oct 2015 07:28:00 GMT\" always; return 429; }\n\
         location = /never.xml { add_header Retry-After 99999999 always; return 503; }\n\
         location = /calm.xml { add_header Cache-Control max-age=3600; try_files /rss.xml =404; }",
    );
    nginx.write("rss.xml", feed(&["Một"]));
    let minutes = |path: &str| {
        let site = province(&[("Xã", nginx.url(path))]);
        pull(&site, "Xã");
        pause(&site, "Xã").num_minutes()
    };
    assert!((118..=121).contains(&minutes("/busy.xml")));
    // A date that has passed asks for nothing: the usual pause with its spread.
    assert!((9..=12).contains(&minutes("/often.xml")));
    assert!((23 * 60..=24 * 60).contains(&minutes("/never.xml")), "a day at most");
    assert!((59..=66).contains(&minutes("/calm.xml")));
}

#[test]
fn a_slow_source_delays_no_other_and_is_given_up_after_its_time() {
    if is_missing(Requirement::Program("nginx")) {
        return;
    }
    let nginx = Nginx::new("", "location = /slow.xml { limit_rate 20; try_files /rss.xml =404; }");
    nginx.write("rss.xml", feed(&["Một", "Hai", "Ba"]));
    nginx.write("ok.xml", feed(&["Bốn"]));
    let site = province(&[
        ("Chậm", nginx.url_at("127.0.0.2", "/slow.xml")),
        ("Nhanh", nginx.url_at("127.0.0.3", "/ok.xml")),
    ]);
    let server = site.serve();
    wait_until("the article of the other source", || server.get("/feed.json").text().contains("Bốn"));
    assert_eq!(health(&site, "Chậm")["state"], "new", "it is still sending");
    let begun = Instant::now();
    wait_until("the slow one to be given up", || {
        begun.elapsed() > Duration::from_secs(15) && health(&site, "Chậm")["state"] == "failing"
    });
    let error = health(&site, "Chậm")["error"].as_str().unwrap().to_owned();
    assert!(error.contains("no complete answer within 30s"), "{error}");
    assert!(server.stop());
}

#[test]
fn an_address_that_was_remembered_by_mistake_is_given_up() {
    if is_missing(Requirement::Program("nginx")) {
        return;
    }
    let nginx = Nginx::new(
        "",
        "location = /rss.xml { if (-f $document_root/moved.xml) { return 301 /moved.xml; } }\n\
         location = / { types { } default_type text/html; try_files /index.html =404; }",
    );
    nginx.write("rss.xml", feed(&["Một"]));
    nginx.write("moved.xml", feed(&["Một"]));
    nginx.write(
        "index.html",
        "<html><head><link rel=alternate type=application/rss+xml href=/named.xml></head></html>",
    );
    nginx.write("named.xml", feed(&["Một"]));
    let site = province(&[("Chuyển", nginx.url("/rss.xml")), ("Trang", nginx.url("/"))]);
    for _ in 0..2 {
        pull(&site, "Chuyển");
        pull(&site, "Trang");
    }
    for gone in ["moved.xml", "named.xml"] {
        std::fs::remove_file(nginx.file(gone)).unwrap();
    }
    nginx.write("rss.xml", feed(&["Hai"]));
    nginx.write(
        "index.html",
        "<html><head><link rel=alternate type=application/rss+xml href=/other.xml></head></html>",
    );
    nginx.write("other.xml", feed(&["Ba"]));
    for name in ["Chuyển", "Trang"] {
        for _ in 0..3 {
            let report = pull(&site, name);
            assert!(report["error"].as_str().is_some_and(|error| error.contains("404")), "{report}");
        }
        assert_eq!(pull(&site, name)["published"], 1, "{name}");
    }
}

#[test]
fn many_sources_that_never_answer_delay_no_other() {
    let portal = Portal::new();
    portal.serves("/rss.xml", feed(&["Một"]));
    // Each has a host of its own.
    let port = free_port();
    let silent = |host: u32| (format!("Xã {host}"), format!("http://127.0.0.{host}:{port}/rss.xml"));
    let sources: Vec<(String, String)> =
        (10..50).map(silent).chain([("Nhanh".to_owned(), portal.url("/rss.xml"))]).collect();
    let named: Vec<(&str, String)> = sources.iter().map(|(name, url)| (name.as_str(), url.clone())).collect();
    let site = province(&named);
    // Nobody listens there yet: they have failed before.
    site.run(&["pull"]);
    assert_eq!((health(&site, "Xã 49")["state"].as_str(), titles(&site).len()), (Some("failing"), 1));
    for (name, _) in &sources {
        site.ok(&["sources", "resume", name]);
    }
    portal.serves("/rss.xml", feed(&["Một", "Hai"]));
    // Connections are accepted, and nobody speaks.
    let _silent = TcpListener::bind(("0.0.0.0", port)).unwrap();
    let begun = Instant::now();
    let server = site.serve();
    wait_until("the article of the source that answers", || server.get("/feed.json").text().contains("Hai"));
    assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", begun.elapsed());
    assert_eq!(health(&site, "Xã 49")["state"], "failing");
}
