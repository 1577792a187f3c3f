//! IndexNow: a search engine is told about changed pages.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::support::{TestSite, article, request, wait_until};

const KEY: &str = "khoa-thu-0123456789";

/// A search engine that answers with the status that the story sets, and what it was told.
#[derive(Clone)]
struct SearchEngine {
    address: SocketAddr,
    status: Arc<Mutex<u16>>,
    announcements: Arc<Mutex<Vec<Value>>>,
}

impl SearchEngine {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let engine = Self { address, status: Arc::new(Mutex::new(200)), announcements: Arc::default() };
        let shared = engine.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut reader = BufReader::new(stream);
                let (mut length, mut line) = (0, String::new());
                while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                    if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                        length = value.trim().parse().unwrap();
                    }
                    line.clear();
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                shared.announcements.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
                let status = *shared.status.lock().unwrap();
                let answer = format!("HTTP/1.1 {status} -\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                let _ = reader.into_inner().write_all(answer.as_bytes());
            }
        });
        engine
    }

    fn answers(&self, status: u16) {
        *self.status.lock().unwrap() = status;
    }

    /// All announcements so far; `urlList` without the site.
    fn told(&self) -> Vec<Vec<String>> {
        let list = |told: &Value| {
            let urls = told["urlList"].as_array().unwrap().iter();
            urls.map(|url| url.as_str().unwrap().rsplit('/').next().unwrap().to_owned()).collect()
        };
        self.announcements.lock().unwrap().iter().map(list).collect()
    }

    fn was_told(&self, page: &str) -> bool {
        self.told().iter().flatten().any(|known| known == page)
    }
}

fn announcing_site(engine: &SearchEngine) -> TestSite {
    let site = TestSite::new();
    let endpoint = format!("http://{}/indexnow", engine.address);
    site.configure(&format!("[indexnow]\nkey = \"{KEY}\"\nendpoint = \"{endpoint}\"\n"));
    site
}

fn write(site: &TestSite, name: &str, title: &str) {
    site.write(&format!("xa-hoi/{name}.txt"), article(title, "12/05/2023 08:00", "Đoạn mở đầu."));
}

#[test]
fn each_change_is_announced_once_and_after_a_restart_what_was_missed() {
    let engine = SearchEngine::new();
    let site = announcing_site(&engine);
    write(&site, "cu", "Bài cũ");
    site.ok(&["scan"]);
    let serving = site.serve();
    assert_eq!(serving.get(&format!("/{KEY}.txt")).text(), KEY);
    assert_eq!(serving.get("/another-key.txt").status, 404);

    write(&site, "moi", "Bài mới");
    wait_until("the new article", || engine.was_told("moi"));
    assert_eq!(engine.told(), [["moi"]], "and not the old one, which the sitemap has");
    let told = engine.announcements.lock().unwrap()[0].clone();
    assert_eq!((told["key"].as_str(), told["host"].as_str()), (Some(KEY), Some("127.0.0.1")));
    let at = told["keyLocation"].as_str().unwrap();
    assert!(at.ends_with(&format!("/{KEY}.txt")), "{at}");

    site.remove("xa-hoi/moi.txt");
    wait_until("the withdrawal", || engine.told().len() == 2);
    assert_eq!(engine.told()[1], ["moi"]);

    // It is told later about what changes while the service does not run.
    assert!(serving.stop());
    write(&site, "cu", "Bài cũ đã sửa");
    write(&site, "ba", "Bài ba");
    site.ok(&["scan"]);
    let serving = site.serve();
    wait_until("what was missed", || engine.was_told("ba"));
    let mut last = engine.told().pop().unwrap();
    last.sort();
    assert_eq!((engine.told().len(), last), (3, vec!["ba".to_owned(), "cu".to_owned()]));
    assert!(serving.stop());
}

#[test]
fn a_search_engine_that_refuses_delays_nothing_and_is_told_later() {
    let engine = SearchEngine::new();
    let site = announcing_site(&engine);
    let serving = site.serve();
    engine.answers(403);
    write(&site, "mot", "Bài một");
    wait_until("an attempt", || engine.was_told("mot"));
    wait_until("the article", || serving.get("/xa-hoi/rss.xml").text().contains("Bài một"));
    wait_until("the reason in the log", || serving.log().contains("the key could not be confirmed"));
    assert!(serving.stop(), "a shutdown does not wait for the next attempt");

    let before = engine.told().len();
    engine.answers(202);
    let serving = site.serve();
    wait_until("another attempt", || engine.told().len() > before);
    assert!(engine.told().iter().all(|pages| pages == &["mot"]), "{:?}", engine.told());
    wait_until("it is told", || {
        let listed: Value = serde_json::from_str(&site.ok(&["subscribers", "--json"])).unwrap();
        let listed = &listed.as_array().unwrap()[0];
        assert_eq!((&listed["kind"], listed["host"].is_string()), (&Value::from("indexnow"), true));
        listed["last_error"].is_null() && listed["failures"] == 0
    });
    assert!(serving.stop());
}

#[test]
fn the_static_site_has_the_key_and_without_one_nothing_is_told() {
    let engine = SearchEngine::new();
    let site = announcing_site(&engine);
    write(&site, "mot", "Bài một");
    site.ok(&["scan"]);
    let out = site.path("out");
    site.ok(&["build", "--out", out.to_str().unwrap()]);
    assert_eq!(std::fs::read_to_string(out.join(format!("{KEY}.txt"))).unwrap(), KEY);
    assert_eq!(engine.told().len(), 0);

    let plain = TestSite::new();
    let serving = plain.serve();
    assert_eq!(request(serving.address(), "GET", &format!("/{KEY}.txt"), &[]).status, 404);
}
