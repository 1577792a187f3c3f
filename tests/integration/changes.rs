//! The read endpoints of `/api` with the real binary: the changes since a number, and the articles.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::requirement::{Requirement, is_missing};
use crate::support::{HttpResponse, RunningServer, SAMPLE_ARTICLE, TestSite, article, wait_until};
use serde_json::Value;

const CHANGES: &str = "/api/changes";
const ARTICLES: &str = "/api/articles";
const NDJSON: [(&str, &str); 1] = [("Accept", "application/x-ndjson")];

fn json(answer: &HttpResponse) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|cause| panic!("{cause}: {}", answer.text()))
}

fn request(serving: &RunningServer, path: &str) -> Value {
    let answer = serving.get(path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
    json(&answer)
}

/// The changes of a page, as `number kind title`; a null article as `-`.
fn summaries(page: &Value) -> Vec<String> {
    let title = |change: &Value| change["article"]["title"].as_str().unwrap_or("-").to_owned();
    let line = |change: &Value| {
        format!("{} {} {}", change["number"], change["kind"].as_str().unwrap(), title(change))
    };
    page["changes"].as_array().unwrap().iter().map(line).collect()
}

/// The objects of an NDJSON response, one per line.
fn lines(answer: &HttpResponse) -> Vec<Value> {
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"), "{}", answer.text());
    answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn head(serving: &RunningServer) -> u64 {
    serving.metric("bantin_log_head")
}

fn path_of(id: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    format!("{ARTICLES}/{encoded}")
}

fn id_of(stem: &str) -> String {
    format!("tag:dakto.example,2023:2023-05-13/{stem}")
}

fn dated(title: &str) -> String {
    article(title, "13/05/2023 08:00", &format!("Đoạn mở đầu của {title}."))
}

#[test]
fn every_change_is_delivered_exactly_once_across_pages_and_restarts() {
    let test_site = TestSite::new();
    test_site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    let (mut stored, mut seen) = ("after=0".to_owned(), Vec::new());
    for round in 0..3 {
        let serving = test_site.serve();
        for number in 0..4 {
            test_site
                .write(&format!("xa-hoi/bai-{number}.txt"), dated(&format!("Bài {number}, lần {round}")));
        }
        wait_until("the round", || head(&serving) == 1 + 4 * (round + 1));
        loop {
            let page = request(&serving, &format!("{CHANGES}?limit=3&{stored}"));
            stored = format!("after={}&log={}", page["next"], page["log"].as_str().unwrap());
            if page["changes"].as_array().unwrap().is_empty() {
                break;
            }
            seen.extend(summaries(&page));
        }
        if round == 1 {
            serving.kill();
        } else {
            assert!(serving.stop());
        }
    }
    let numbers: Vec<u64> =
        seen.iter().map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect();
    assert_eq!(numbers, (1..=13).collect::<Vec<_>>());
    let of_round = |round: &str| seen.iter().filter(|line| line.ends_with(round)).count();
    assert_eq!([of_round("lần 0"), of_round("lần 1"), of_round("lần 2")], [4; 3], "{seen:?}");
    assert!(seen.iter().filter(|line| line.contains(" published ")).count() == 5, "{seen:?}");
}

#[test]
fn a_change_contains_all_that_a_mirror_needs() {
    let test_site = TestSite::new();
    test_site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    let serving = test_site.serve();
    let answer = serving.get(CHANGES);
    let page = json(&answer);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("bantin-next"), Some("1"));
    assert_eq!(answer.header("bantin-log"), page["log"].as_str());
    let keys: Vec<_> = page.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["changes", "log", "next"]);
    let change = &page["changes"][0];
    let article = &change["article"];
    let id = "tag:dakto.example,2023:2023-05-12/thi-dua";
    for (member, value) in [
        (&change["kind"], Value::from("published")),
        (&change["id"], id.into()),
        (&change["channels"], serde_json::json!(["xa-hoi"])),
        (&article["id"], id.into()),
        (&article["url"], "http://127.0.0.1:8080/bai-viet/2023/05/12/thi-dua".into()),
        (&article["number"], 1.into()),
        (&article["state"], "live".into()),
        (&article["published"], "2023-05-12T17:39:00+07:00".into()),
        (&article["updated"], "2023-05-12T17:39:00+07:00".into()),
        (&article["date_only"], false.into()),
        (&article["title"], "Huyện Đăk Tô phát động phong trào thi đua năm 2023".into()),
        (&article["authors"], serde_json::json!(["Tấn Lộc"])),
        (&article["language"], "vi".into()),
    ] {
        assert_eq!(*member, value, "{page:#}");
    }
    assert!(change["at"].as_str().unwrap().ends_with("+07:00"));
    let html = article["content_html"].as_str().unwrap();
    assert!(html.starts_with("<p>Chiều 12/5") && !html.contains("Tấn Lộc"), "{html}");
    let one = serving.get(&path_of(id));
    assert_eq!(json(&one), *article, "an article has one form");
    assert_eq!(request(&serving, ARTICLES)["articles"][0], *article);
    let again = serving.request("GET", &path_of(id), &[("If-None-Match", &one.etag())]);
    assert_eq!((again.status, again.body.len()), (304, 0));
    let changed = serving.request("GET", &path_of(id), &[("If-Match", "\"another\"")]);
    assert_eq!((changed.status, json(&changed)["code"].as_str()), (412, Some("changed-meanwhile")));
}

#[test]
fn the_changes_of_a_channel_include_articles_that_left_it() {
    let test_site = TestSite::new();
    test_site.write("xa-hoi/a.txt", dated("Bài A"));
    let serving = test_site.serve();
    test_site.write("kinh-te/b.txt", dated("Bài B"));
    wait_until("the second article", || head(&serving) == 2);
    test_site.rename("xa-hoi/a.txt", "kinh-te/a.txt");
    wait_until("the move", || head(&serving) == 3);
    let society = request(&serving, &format!("{CHANGES}?channel=xa-hoi"));
    assert_eq!(summaries(&society), ["1 published Bài A", "3 left Bài A"]);
    assert_eq!(society["changes"][1]["channels"], serde_json::json!(["kinh-te"]));
    assert_eq!(society["next"], 3);
    let economy = request(&serving, &format!("{CHANGES}?channel=kinh-te"));
    assert_eq!(summaries(&economy), ["2 published Bài B", "3 moved Bài A"]);
    test_site.write("kinh-te/b.txt", dated("Bài B (sửa)"));
    wait_until("the correction", || head(&serving) == 4);
    let quiet = request(&serving, &format!("{CHANGES}?channel=xa-hoi&after=3"));
    assert_eq!(
        (summaries(&quiet).len(), &quiet["next"]),
        (0, &Value::from(4)),
        "what is another's was looked at"
    );
    let unknown = serving.get(&format!("{CHANGES}?channel=the-thao"));
    assert_eq!((unknown.status, json(&unknown)["code"].as_str()), (404, Some("unknown-channel")));
}

#[test]
fn the_text_of_a_withdrawn_article_is_nowhere_until_it_is_restored() {
    let test_site = TestSite::new();
    test_site.write("xa-hoi/mat.txt", dated("Chuyện bí mật"));
    test_site.write("xa-hoi/con.txt", dated("Chuyện còn lại"));
    let serving = test_site.serve();
    test_site.write("xa-hoi/mat.txt", dated("Chuyện bí mật (sửa)"));
    wait_until("the correction", || head(&serving) == 3);
    let id = id_of("mat");
    let everywhere = [
        CHANGES.to_owned(),
        format!("{CHANGES}?channel=xa-hoi"),
        ARTICLES.to_owned(),
        format!("{ARTICLES}?q=chuyen"),
        path_of(&id),
    ];
    for path in &everywhere {
        assert!(serving.get(path).text().contains("bí mật"), "{path}");
    }
    test_site.ok(&["withdraw", &id, "--reason", "có thông tin cá nhân"]);
    // Another process wrote it, and this one has read the page before.
    assert!(!serving.get(CHANGES).text().contains("bí mật"), "not for a moment");
    wait_until("the withdrawal", || head(&serving) == 4);
    for path in &everywhere {
        for accept in [&[] as &[_], &NDJSON] {
            assert!(!serving.request("GET", path, accept).text().contains("bí mật"), "{path}");
        }
    }
    assert!(request(&serving, &format!("{ARTICLES}?q=bi+mat"))["articles"].as_array().unwrap().is_empty());
    let page = request(&serving, CHANGES);
    let mut of_it = page["changes"].as_array().unwrap().iter().filter(|change| change["id"] == id.as_str());
    assert!(of_it.clone().all(|change| change["article"].is_null()), "{page:#}");
    assert_eq!(of_it.next_back().unwrap()["reason"], "có thông tin cá nhân");
    let gone = serving.get(&path_of(&id));
    let problem = json(&gone);
    assert_eq!((gone.status, gone.header("content-type")), (410, Some("application/problem+json")));
    assert_eq!((problem["code"].as_str(), problem["id"].as_str()), (Some("gone"), Some(id.as_str())));
    assert_eq!(problem["reason"], "có thông tin cá nhân");

    test_site.ok(&["restore", &id]);
    wait_until("the return", || head(&serving) == 5);
    for path in &everywhere {
        assert!(serving.get(path).text().contains("bí mật"), "{path}");
    }
    test_site.ok(&["withdraw", &id, "--reason", "xóa hẳn", "--erase"]);
    wait_until("the erasure", || head(&serving) == 6);
    for path in &everywhere {
        assert!(!serving.get(path).text().contains("bí mật"), "{path}");
    }
}

#[test]
fn changes_that_were_read_before_equal_those_of_a_fresh_process() {
    let test_site = TestSite::new();
    test_site.write("xa-hoi/a.txt", dated("Bài A"));
    test_site.write("xa-hoi/b.txt", dated("Bài B"));
    test_site.write("xa-hoi/c.txt", dated("Bài C"));
    let serving = test_site.serve();
    let paths = [CHANGES.to_owned(), format!("{CHANGES}?limit=2"), format!("{CHANGES}?channel=xa-hoi")];
    let read = |serving: &RunningServer| -> Vec<String> {
        let accepted = [&[] as &[_], &NDJSON];
        let all = paths.iter().flat_map(|path| accepted.map(|accept| serving.request("GET", path, accept)));
        all.map(|answer| answer.text()).collect()
    };
    assert_eq!(read(&serving), read(&serving));
    test_site.write("xa-hoi/b.txt", dated("Bài B (sửa)"));
    wait_until("the correction", || head(&serving) == 4);
    test_site.rename("xa-hoi/c.txt", "kinh-te/c.txt");
    wait_until("the move", || head(&serving) == 5);
    test_site.ok(&["withdraw", &id_of("a")]);
    wait_until("the withdrawal", || head(&serving) == 6);
    let warm = read(&serving);
    drop(serving);
    assert_eq!(warm, read(&test_site.serve()));
}

#[test]
fn a_number_of_another_log_gets_410_with_the_url_to_start_over() {
    let test_site = TestSite::new();
    test_site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    let serving = test_site.serve();
    let log = request(&serving, CHANGES)["log"].as_str().unwrap().to_owned();
    for question in ["after=0&log=khac", "after=2", "after=1&log=", "after=99999999999999999999999&wait=30"] {
        let answer = serving.get(&format!("{CHANGES}?{question}"));
        let problem = json(&answer);
        assert_eq!((answer.status, problem["code"].as_str()), (410, Some("begin-anew")), "{question}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert_eq!((problem["log"].as_str(), &problem["head"]), (Some(log.as_str()), &Value::from(1)));
        let begin = problem["begin"].as_str().unwrap().strip_prefix("http://127.0.0.1:8080").unwrap();
        assert_eq!(summaries(&request(&serving, begin)).len(), 1);
    }
    assert_eq!(summaries(&request(&serving, &format!("{CHANGES}?after=1&log={log}"))).len(), 0);
}

#[test]
fn an_invalid_query_gets_an_error_in_both_languages() {
    let test_site = TestSite::new();
    test_site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    let serving = test_site.serve();
    for (path, status, code) in [
        ("/api/changes?after=-1", 400, "bad-parameter"),
        ("/api/changes?after=abc", 400, "bad-parameter"),
        ("/api/changes?after=", 400, "bad-parameter"),
        ("/api/changes?limit=0", 400, "bad-parameter"),
        ("/api/changes?wait=1.5", 400, "bad-parameter"),
        ("/api/changes?channel=X%C3%A3", 400, "bad-parameter"),
        ("/api/changes?chanel=xa-hoi", 400, "bad-parameter"),
        ("/api/changes?after=1&after=1", 400, "bad-parameter"),
        ("/api/articles?from=12/05/2023", 400, "bad-parameter"),
        ("/api/articles?to=2023-02-30", 400, "bad-parameter"),
        ("/api/articles?after=zz", 400, "bad-parameter"),
        ("/api/articles?channel=la", 404, "unknown-channel"),
        ("/api/articles/la", 404, "unknown-article"),
        ("/api/articles/%00", 404, "unknown-article"),
        ("/api/articles/a/b", 404, "not-found"),
        ("/api", 404, "not-found"),
    ] {
        let answer = serving.get(path);
        let problem = json(&answer);
        assert_eq!((answer.status, problem["code"].as_str()), (status, Some(code)), "{path}");
        assert_eq!(problem["status"], status, "{path}");
        for text in ["type", "title", "detail", "title_vi", "detail_vi"] {
            assert!(problem[text].as_str().is_some_and(|text| text.len() > 5), "{path}: {text}");
        }
    }
    let long = serving.get(&format!("/api/articles?q={}", "a".repeat(201)));
    assert_eq!((long.status, json(&long)["parameter"].as_str()), (400, Some("q")));
    for path in [CHANGES, ARTICLES, &path_of("x"), "/api/openapi.json"] {
        let refused = serving.request("PATCH", path, &[]);
        assert_eq!((refused.status, json(&refused)["code"].as_str()), (405, Some("method-not-allowed")));
        let options = serving.request("OPTIONS", path, &[("Origin", "https://cong.example")]);
        assert_eq!(options.status, 204);
        assert_eq!(options.header("allow"), refused.header("allow"), "{path}");
        assert_eq!(options.header("access-control-allow-origin"), Some("*"));
    }
    let head = serving.request("HEAD", CHANGES, &[]);
    let get = serving.get(CHANGES);
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), get.header("content-length"));
}

#[test]
fn a_long_poll_returns_with_the_change_or_at_the_time_limit() {
    let test_site = TestSite::new();
    test_site.write("xa-hoi/a.txt", dated("Bài A"));
    let serving = test_site.serve();
    let start = Instant::now();
    let nothing = request(&serving, &format!("{CHANGES}?after=1&wait=1"));
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert_eq!((summaries(&nothing).len(), &nothing["next"]), (0, &Value::from(1)));
    let at_once = Instant::now();
    assert_eq!(summaries(&request(&serving, &format!("{CHANGES}?wait=50"))).len(), 1, "there is something");
    assert!(at_once.elapsed() < Duration::from_secs(40));

    std::thread::scope(|scope| {
        let waiting = |question: &'static str, accept: &'static [(&str, &str)]| {
            let serving = &serving;
            scope.spawn(move || {
                let answer = serving.request("GET", &format!("{CHANGES}?{question}"), accept);
                (answer, Instant::now())
            })
        };
        let all = waiting("after=1&wait=50", &[]);
        let in_lines = waiting("after=1&wait=50", &NDJSON);
        let of_economy = waiting("after=1&wait=50&channel=xa-hoi", &[]);
        wait_until("all of them wait", || serving.metric("bantin_connections_open") >= 3);
        test_site.write("kinh-te/b.txt", dated("Bài B"));
        let (answer, answered) = all.join().unwrap();
        let seen = Instant::now();
        assert_eq!(summaries(&json(&answer)), ["2 published Bài B"]);
        assert!(answered <= seen);
        let (answer, _) = in_lines.join().unwrap();
        assert_eq!(lines(&answer)[0]["number"], 2);
        assert_eq!(answer.header("bantin-next"), Some("2"));
        assert!(!of_economy.is_finished(), "the change was another channel's");
        test_site.write("xa-hoi/a.txt", dated("Bài A (sửa)"));
        let (answer, _) = of_economy.join().unwrap();
        assert_eq!(summaries(&json(&answer)), ["3 corrected Bài A (sửa)"]);
        assert_eq!(json(&answer)["next"], 3);
    });
}

/// Sends a request without reading the response.
fn question(serving: &RunningServer, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(serving.address()).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

fn answer_to(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn long_polls_end_at_shutdown_and_disconnected_clients_free_their_permit() {
    let test_site = TestSite::new();
    test_site.write("xa-hoi/a.txt", dated("Bài A"));
    let serving = test_site.serve();
    let path = format!("{CHANGES}?after=1&wait=50");
    let before = serving.metric("bantin_connections_open");
    let gone: Vec<_> = (0..20).map(|_| question(&serving, &path)).collect();
    wait_until("they wait", || serving.metric("bantin_connections_open") >= before + 20);
    let start = Instant::now();
    drop(gone);
    wait_until("their places are free", || serving.metric("bantin_connections_open") < before + 20);
    assert!(start.elapsed() < Duration::from_secs(40), "long before their time");

    // A client that closes only its sending side, like a pipe into nc, gets the current result.
    let half = question(&serving, &path);
    half.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(answer_to(half).contains("\"changes\":[],\"next\":1}"));

    let waiting = question(&serving, &path);
    wait_until("it waits", || serving.metric("bantin_connections_open") > before);
    let start = Instant::now();
    assert!(serving.stop(), "an orderly end");
    assert!(start.elapsed() < Duration::from_secs(40), "without waiting for those who wait");
    assert!(answer_to(waiting).contains("\"changes\":[],\"next\":1}"));
}

#[test]
fn a_thousand_long_polls_cost_no_cpu_time() {
    const WAITING: usize = 1000;
    // The soft limit of many systems is 1,024 files; the server inherits this one.
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit {
        current: limit.maximum.map_or(Some(8192), |most| Some(most.min(8192))),
        ..limit
    };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised).unwrap();
    let test_site = TestSite::new();
    test_site.write("xa-hoi/a.txt", dated("Bài A"));
    let serving = test_site.serve();
    let path = format!("{CHANGES}?after=1&wait=50");
    let waiting: Vec<_> = (0..WAITING).map(|_| question(&serving, &path)).collect();
    wait_until("a thousand wait", || serving.metric("bantin_connections_open") >= WAITING as u64);
    wait_until("their requests to be read, and to cost nothing then", || {
        let (used, start) = (cpu_ticks(&serving), Instant::now());
        assert_eq!(request(&serving, &format!("{CHANGES}?after=1&wait=1"))["next"], 1, "another may ask");
        let (ticks, ticks_passed) = (cpu_ticks(&serving) - used, start.elapsed().as_millis() / 10);
        println!("{ticks} of {ticks_passed} ticks while all wait");
        ticks * 5 <= u64::try_from(ticks_passed).unwrap()
    });
    test_site.write("xa-hoi/b.txt", dated("Bài B"));
    for stream in waiting {
        let answer = answer_to(stream);
        assert!(
            answer.contains("\"number\":2,\"kind\":\"published\"") && answer.contains("Bài B"),
            "{answer}"
        );
    }
}

/// CPU time of all threads of the server, in hundredths of a second.
fn cpu_ticks(serving: &RunningServer) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", serving.pid())).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[test]
fn ndjson_continues_to_the_head_and_equals_the_pages() {
    let test_site = TestSite::new();
    for number in 0..300 {
        test_site.write(&format!("xa-hoi/bai-{number}.txt"), dated(&format!("Bài {number}")));
    }
    let serving = test_site.serve();
    wait_until("all are there", || head(&serving) == 300);
    let page = request(&serving, CHANGES);
    for question in ["", "?channel=xa-hoi"] {
        let streamed = serving.request("GET", &format!("{CHANGES}{question}"), &NDJSON);
        assert_eq!(streamed.header("bantin-next"), Some("300"));
        assert_eq!(streamed.header("transfer-encoding"), Some("chunked"), "not in memory as a whole");
        assert_eq!(Value::from(lines(&streamed)), page["changes"], "{question}");
    }
    let limited = serving.request("GET", &format!("{CHANGES}?limit=100&after=50"), &NDJSON);
    assert_eq!(lines(&limited).len(), 100);
    assert_eq!(limited.header("bantin-next"), Some("150"));
    assert_eq!(request(&serving, &format!("{CHANGES}?limit=7"))["next"], 7);
    let beyond = request(&serving, &format!("{CHANGES}?limit=100000"));
    assert_eq!(beyond["changes"].as_array().unwrap().len(), 300, "clamped, not refused");
    let head = serving.request("HEAD", CHANGES, &NDJSON);
    assert_eq!((head.status, head.body.len(), head.header("bantin-next")), (200, 0, Some("300")));
    let last = serving.request("GET", &format!("{CHANGES}?after=300"), &NDJSON);
    assert_eq!((lines(&last).len(), last.header("bantin-next")), (0, Some("300")));
}

/// The decoded text of a response.
fn decoded(answer: &HttpResponse) -> String {
    let mut reader: Box<dyn std::io::Read + '_> = match answer.header("content-encoding") {
        None => Box::new(&*answer.body),
        Some("gzip") => Box::new(flate2::read::GzDecoder::new(&*answer.body)),
        Some("br") => Box::new(brotli::Decompressor::new(&*answer.body, 4096)),
        Some(other) => panic!("an unknown coding: {other}"),
    };
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn long_responses_are_compressed_if_accepted() {
    let test_site = TestSite::new();
    for number in 0..70 {
        test_site.write(&format!("xa-hoi/bai-{number}.txt"), dated(&format!("Bài {number}")));
    }
    let serving = test_site.serve();
    let path = path_of(&id_of("bai-1"));
    let stream = [("Accept", "application/x-ndjson")];
    for (path, more) in [
        (CHANGES, &[][..]),
        (CHANGES, &stream[..]),
        (ARTICLES, &[]),
        ("/api/articles?q=doan+mo+dau", &[]),
        ("/api/openapi.json", &[]),
        (&path, &[]),
    ] {
        let plain = serving.request("GET", path, more);
        assert_eq!((plain.status, plain.header("content-encoding")), (200, None), "{path}");
        for (accepted, coding) in [
            ("gzip", Some("gzip")),
            ("gzip;q=0.5, br", Some("br")),
            ("br;q=0.5, gzip", Some("gzip")),
            ("identity, gzip;q=0.5", None),
            ("deflate, zstd", None),
            ("gzip, *;q=0", Some("gzip")),
        ] {
            let headers = [more, &[("Accept-Encoding", accepted)]].concat();
            let answer = serving.request("GET", path, &headers);
            let place = format!("{path} {accepted}");
            assert_eq!((answer.status, answer.header("content-encoding")), (200, coding), "{place}");
            assert!(answer.header("vary").unwrap().contains("Accept-Encoding"), "{place}");
            assert_eq!(decoded(&answer), plain.text(), "{place}");
            assert!(
                coding.is_none() || answer.body.len() * 2 < plain.body.len() || path.contains("tag"),
                "{place}"
            );
            let head = serving.request("HEAD", path, &headers);
            assert_eq!(head.header("content-encoding"), coding, "{place}");
            assert_eq!(head.header("content-length"), answer.header("content-length"), "{place}");
        }
        let refused = serving.request("GET", path, &[more, &[("Accept-Encoding", "*;q=0")]].concat());
        assert_eq!(refused.status, 406, "{path}");
    }
    let short = serving.request("GET", "/api/changes?after=70", &[("Accept-Encoding", "gzip")]);
    assert_eq!((short.status, short.header("content-encoding")), (200, None));
    assert_eq!(short.header("vary"), Some("Accept, Accept-Encoding"));
}

/// The titles that a query to the list finds, over all its pages.
fn found(serving: &RunningServer, question: &str) -> Vec<String> {
    let (mut titles, mut after) = (Vec::new(), String::new());
    loop {
        let page = request(serving, &format!("{ARTICLES}?{question}{after}"));
        let articles = page["articles"].as_array().unwrap();
        titles.extend(articles.iter().map(|article| article["title"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return titles,
        }
    }
}

#[test]
fn articles_are_listed_newest_first_by_channel_and_by_time() {
    let test_site = TestSite::new();
    for day in 10..16 {
        let channel = if day % 2 == 0 { "xa-hoi" } else { "kinh-te" };
        let text = article(&format!("Ngày {day}"), &format!("{day}/05/2023 00:30"), "Đoạn mở đầu.");
        test_site.write(&format!("{channel}/ngay-{day}.txt"), text);
    }
    let serving = test_site.serve();
    let all = ["Ngày 15", "Ngày 14", "Ngày 13", "Ngày 12", "Ngày 11", "Ngày 10"];
    assert_eq!(found(&serving, ""), all);
    assert_eq!(found(&serving, "limit=1"), all);
    assert_eq!(found(&serving, "limit=2&q=ngay"), all);
    assert_eq!(found(&serving, "channel=kinh-te&limit=2"), ["Ngày 15", "Ngày 13", "Ngày 11"]);
    // 00:30 in Vietnam is the previous day in UTC.
    assert_eq!(found(&serving, "from=2023-05-12&to=2023-05-13"), ["Ngày 13", "Ngày 12"]);
    assert_eq!(found(&serving, "from=2023-05-14T00:30&limit=1"), ["Ngày 15", "Ngày 14"]);
    assert_eq!(found(&serving, "from=2023-05-14T00:30:01+07:00"), ["Ngày 15"]);
    assert_eq!(found(&serving, "to=2023-05-10T17:30:00Z&channel=kinh-te"), ["Ngày 11"]);
    assert!(found(&serving, "from=2024-01-01").is_empty());
}

#[test]
fn search_ignores_diacritics_and_accepts_any_query() {
    let test_site = TestSite::new();
    test_site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    test_site.write("xa-hoi/ha.txt", article("Đắk Hà được mùa", "14/05/2023 08:00", "Cà phê “được giá”."));
    let serving = test_site.serve();
    let seed = "Huyện Đăk Tô phát động phong trào thi đua năm 2023";
    for (words, titles) in [
        ("dak to", vec![seed]),
        ("Đăk Tô", vec![seed]),
        ("tan loc", vec!["Đắk Hà được mùa", seed]),
        ("DAK", vec!["Đắk Hà được mùa", seed]),
        ("ca phe duoc gia", vec!["Đắk Hà được mùa"]),
        ("\"dak to\"", vec![seed]),
        ("dak' OR '1'='1", vec![]),
        ("dak NEAR to", vec![]),
        ("NOT dak", vec![]),
        ("title:dak", vec![]),
        ("dak*", vec!["Đắk Hà được mùa", seed]),
        ("^dak (", vec!["Đắk Hà được mùa", seed]),
        // `đã` is a word of the title; a part of a word does not match.
        ("da", vec![seed]),
        ("phon", vec![]),
        ("%", vec![]),
        ("_", vec![]),
        ("\"", vec![]),
        ("  ", vec!["Đắk Hà được mùa", seed]),
        ("dak\u{0}to", vec![seed]),
        ("\u{300}\u{301}", vec![]),
        ("👨‍👩‍👧", vec![]),
    ] {
        let query: String = url::form_urlencoded::byte_serialize(words.as_bytes()).collect();
        assert_eq!(found(&serving, &format!("q={query}")), titles, "{words:?}");
    }
    assert_eq!(serving.get("/api/articles?q=%ff%fe").status, 200);
}

/// Method, path and description of a request, and its headers.
type Question<'a> = (&'a str, &'a str, &'a str, &'a [(&'a str, &'a str)]);

#[test]
fn read_responses_conform_to_openapi() {
    let test_site = TestSite::new();
    test_site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    test_site.write("xa-hoi/go.txt", dated("Bài bị gỡ"));
    test_site.configure("[[channel]]\nslug = \"kinh-te\"\n");
    test_site
        .configure("[[source]]\nname = \"Xã\"\nurl = \"http://xa.invalid/\"\nchannels = [\"kinh-te\"]\n");
    let serving = test_site.serve();
    test_site.ok(&["withdraw", &id_of("go"), "--reason", "nhầm"]);
    wait_until("the withdrawal", || head(&serving) == 3);
    let description = request(&serving, "/api/openapi.json");
    let one = path_of("tag:dakto.example,2023:2023-05-12/thi-dua");
    let etag = serving.get(&one).etag();
    let gone = path_of(&id_of("go"));
    let bearer = |name: &str, channels: &[&str]| {
        let secret = test_site.ok(&[&["token", "new", name][..], channels].concat());
        format!("Bearer {}", secret.trim())
    };
    let (all, other) = (bearer("tat-ca", &[]), bearer("kinh-te", &["--channels", "kinh-te"]));
    let third = bearer("xa-hoi", &["--channels", "xa-hoi"]);
    let (all, other) = (("Authorization", all.as_str()), ("Authorization", other.as_str()));
    let third = ("Authorization", third.as_str());
    let (of_source, source) = ("/sources/{name}", "/api/sources/X%C3%A3");
    let (of_items, items) = ("/sources/{name}/items", "/api/sources/X%C3%A3/items");
    let identity = ("Accept-Encoding", "identity;q=0");
    let (history, revision) =
        (format!("{one}/revisions"), format!("{one}/revisions/{}", json(&serving.get(&one))["number"]));
    let (of_history, of_revision) = ("/articles/{id}/revisions", "/articles/{id}/revisions/{number}");
    let asked: &[Question<'_>] = &[
        ("/channels", "GET", "/api/channels", &[]),
        ("/channels", "GET", "/api/channels?x=1", &[]),
        ("/channels", "GET", "/api/channels", &[identity]),
        ("/channels", "DELETE", "/api/channels", &[]),
        ("/findings", "GET", "/api/findings", &[all]),
        ("/findings", "GET", "/api/findings", &[]),
        ("/findings", "GET", "/api/findings?x=1", &[all]),
        ("/findings", "GET", "/api/findings", &[all, identity]),
        ("/findings", "DELETE", "/api/findings", &[all]),
        ("/subscribers", "GET", "/api/subscribers", &[all]),
        ("/subscribers", "GET", "/api/subscribers", &[]),
        ("/subscribers", "GET", "/api/subscribers?x=1", &[all]),
        ("/subscribers", "GET", "/api/subscribers", &[all, identity]),
        ("/subscribers", "DELETE", "/api/subscribers", &[all]),
        ("/sources", "GET", "/api/sources", &[all]),
        ("/sources", "GET", "/api/sources", &[]),
        ("/sources", "GET", "/api/sources?x=1", &[all]),
        ("/sources", "GET", "/api/sources", &[all, identity]),
        ("/sources", "DELETE", "/api/sources", &[all]),
        (of_source, "GET", source, &[all]),
        (of_source, "GET", source, &[]),
        (of_source, "GET", source, &[third]),
        (of_source, "GET", &format!("{source}?x=1"), &[all]),
        (of_source, "GET", "/api/sources/la", &[all]),
        (of_source, "GET", source, &[all, identity]),
        (of_source, "DELETE", source, &[all]),
        (of_items, "GET", items, &[all]),
        (of_items, "GET", items, &[]),
        (of_items, "GET", items, &[third]),
        (of_items, "GET", &format!("{items}?limit=0"), &[all]),
        (of_items, "GET", "/api/sources/la/items", &[all]),
        (of_items, "GET", items, &[all, identity]),
        (of_items, "DELETE", items, &[all]),
        (of_history, "GET", &history, &[all]),
        (of_history, "GET", &history, &[]),
        (of_history, "GET", &history, &[other]),
        (of_history, "GET", &format!("{history}?limit=0"), &[all]),
        (of_history, "GET", &format!("{}/revisions", path_of("la")), &[all]),
        (of_history, "GET", &history, &[all, identity]),
        (of_history, "DELETE", &history, &[all]),
        (of_revision, "GET", &revision, &[all]),
        (of_revision, "GET", &revision, &[]),
        (of_revision, "GET", &revision, &[other]),
        (of_revision, "GET", &format!("{revision}?x=1"), &[all]),
        (of_revision, "GET", &format!("{history}/3"), &[all]),
        (of_revision, "GET", &revision, &[all, identity]),
        (of_revision, "DELETE", &revision, &[all]),
        ("/changes", "GET", CHANGES, &[]),
        ("/changes", "GET", "/api/changes?channel=xa-hoi&limit=1&wait=0&after=1", &[]),
        ("/changes", "GET", CHANGES, &NDJSON),
        ("/changes", "GET", "/api/changes?after=x", &[]),
        ("/changes", "GET", "/api/changes?channel=la", &[]),
        ("/changes", "GET", "/api/changes?log=la", &[]),
        ("/changes", "DELETE", CHANGES, &[]),
        ("/articles", "GET", "/api/articles?q=dak+to&channel=xa-hoi&from=2023-05-12&to=2030-12-31", &[]),
        ("/articles", "GET", "/api/articles?limit=x", &[]),
        ("/articles", "GET", "/api/articles?channel=la", &[]),
        ("/articles", "PATCH", ARTICLES, &[]),
        ("/articles/{id}", "GET", &one, &[]),
        ("/articles/{id}", "GET", &one, &[("If-None-Match", &etag)]),
        ("/articles/{id}", "GET", &one, &[("If-Match", "\"x\"")]),
        ("/articles/{id}", "GET", &one, &[("Accept-Encoding", "identity;q=0")]),
        ("/articles/{id}", "GET", &format!("{one}?x=1"), &[]),
        ("/articles/{id}", "GET", &path_of("la"), &[]),
        ("/articles/{id}", "GET", &path_of("la"), &[("Authorization", "Bearer la")]),
        ("/articles/{id}", "GET", &gone, &[]),
        ("/articles/{id}", "PATCH", &one, &[]),
        ("/openapi.json", "GET", "/api/openapi.json", &[]),
        ("/changes", "GET", CHANGES, &[("Accept-Encoding", "*;q=0")]),
        ("/articles", "GET", ARTICLES, &[("Accept-Encoding", "*;q=0")]),
        ("/openapi.json", "GET", "/api/openapi.json", &[("Accept-Encoding", "*;q=0")]),
        ("/openapi.json", "PATCH", "/api/openapi.json", &[]),
    ];
    let mut met = BTreeMap::new();
    for (path, method, address, headers) in asked {
        let answer = serving.request(method, address, headers);
        let operation = match *method {
            // Errors are described with the operations.
            "DELETE" | "PATCH" => "get".to_owned(),
            other => other.to_lowercase(),
        };
        met.entry(((*path).to_owned(), operation.clone()))
            .or_insert_with(Vec::new)
            .push(answer.status.to_string());
        let response = &description["paths"][path][&operation]["responses"][answer.status.to_string()];
        let response = resolved(&description, response);
        assert!(response.is_object(), "{method} {address}: {} is not described", answer.status);
        for (name, header) in response["headers"].as_object().into_iter().flatten() {
            let given = answer.header(name).unwrap_or_else(|| panic!("{address}: no {name}"));
            let given =
                if header["schema"]["type"] == "integer" { given.parse().unwrap() } else { given.into() };
            assert_conforms(&description, &header["schema"], &given, address);
        }
        let Some(contents) = response["content"].as_object() else {
            assert!(answer.body.is_empty(), "{address}");
            continue;
        };
        let media_type = answer.header("content-type").unwrap();
        let schema = &contents.get(media_type).unwrap_or_else(|| panic!("{address}: {media_type}"))["schema"];
        if media_type == "application/x-ndjson" {
            let change = serde_json::json!({ "$ref": "#/components/schemas/Change" });
            lines(&answer).iter().for_each(|line| assert_conforms(&description, &change, line, address));
        } else {
            assert_conforms(&description, schema, &json(&answer), address);
        }
    }
    let mut described = 0;
    for (path, operations) in description["paths"].as_object().unwrap() {
        for (operation, described_so) in operations.as_object().unwrap() {
            // Write operations are checked by the tests of publishing.
            let Some("get") = Some(operation.as_str()).filter(|name| *name != "parameters") else { continue };
            described += 1;
            let met = &met[&(path.clone(), operation.clone())];
            for status in described_so["responses"].as_object().unwrap().keys() {
                // An unavailable store and the rate limit are tested elsewhere.
                assert!(
                    met.contains(status) || status == "503" || status == "429",
                    "{operation} {path}: {status} was never met"
                );
            }
        }
    }
    assert_eq!(described, 12);
}

fn resolved<'a>(description: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => description.pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

/// Checks that the value conforms to the schema.
fn assert_conforms(description: &Value, schema: &Value, value: &Value, place: &str) {
    let mut schema = schema.clone();
    schema["components"] = description["components"].clone();
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let wrong: Vec<String> = validator.iter_errors(value).map(|wrong| wrong.to_string()).collect();
    assert!(wrong.is_empty(), "{place}: {wrong:?}");
}

#[test]
fn the_cron_line_of_the_documentation_gets_each_change_once() {
    if is_missing(Requirement::Program("curl")) {
        return;
    }
    let readme = include_str!("../../README.md");
    let line = readme.lines().find(|line| line.contains("/api/changes?") && line.starts_with("* * * * * "));
    let line = line.expect("the README shows a cron line").strip_prefix("* * * * * ").unwrap();
    let test_site = TestSite::new();
    test_site.write("xa-hoi/a.txt", dated("Bài A"));
    let mut serving = test_site.serve();
    let folder = tempfile::tempdir().unwrap();
    let run = |serving: &RunningServer| {
        // As cron runs it, in a separate directory, against this server.
        let line = line
            .replace("\\%", "%")
            .replace("http://127.0.0.1:8080", &format!("http://{}", serving.address()));
        let line = line.replace("/var/lib/portal", folder.path().to_str().unwrap());
        Command::new("sh").args(["-c", &line]).status().unwrap().success()
    };
    let taken = || {
        let text = std::fs::read_to_string(folder.path().join("changes.ndjson")).unwrap_or_default();
        let change = |line: &str| serde_json::from_str::<Value>(line).unwrap();
        text.lines().map(|line| change(line)["number"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert!(run(&serving));
    assert_eq!(taken(), [1]);
    assert!(run(&serving));
    assert_eq!(taken(), [1], "nothing new");
    test_site.write("xa-hoi/b.txt", dated("Bài B"));
    wait_until("the second article", || head(&serving) == 2);
    assert!(serving.stop());
    serving = test_site.serve();
    assert!(run(&serving));
    assert_eq!(taken(), [1, 2]);
    let address = serving.address();
    drop(serving);
    assert!(TcpStream::connect(address).is_err(), "nobody is there");
    std::fs::remove_dir_all(test_site.path("data")).unwrap();
    test_site.ok(&["scan", "--confirm"]);
    let anew = test_site.serve();
    assert!(!run(&anew), "another log: cron sends a mail");
    assert_eq!(taken(), [1, 2]);
}
