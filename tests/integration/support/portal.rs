//! A portal that publishes feeds as portals do, and a province that collects them.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::TestSite;

/// A portal: answers by path, which the story changes, and the requests that came.
#[derive(Clone)]
pub struct Portal {
    address: SocketAddr,
    answers: Arc<Mutex<HashMap<String, Vec<u8>>>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Portal {
    /// A portal without pages.
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let portal = Self {
            address: listener.local_addr().unwrap(),
            answers: Arc::default(),
            requests: Arc::default(),
        };
        let shared = portal.clone();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let (mut head, mut byte) = (Vec::new(), [0]);
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
                    head.push(byte[0]);
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                let answer = shared.answers.lock().unwrap().get(&path).cloned();
                shared.requests.lock().unwrap().push(head);
                let answer =
                    answer.unwrap_or_else(|| b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n".to_vec());
                let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
                let (head, body) =
                    end.map_or((&answer[..], &[][..]), |end| (&answer[..end], &answer[end + 4..]));
                let answer = [head.trim_ascii_end(), b"\r\nConnection: close\r\n\r\n", body].concat();
                let _ = stream.write_all(&answer);
            }
        });
        portal
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers this path with status 200.
    pub fn serves(&self, path: &str, body: impl AsRef<[u8]>) {
        let body = body.as_ref();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        self.answers_with(path, [head.as_bytes(), body].concat());
    }

    /// Answers this path with these bytes.
    pub fn answers_with(&self, path: &str, answer: impl AsRef<[u8]>) {
        self.answers.lock().unwrap().insert(path.to_owned(), answer.as_ref().to_owned());
    }

    /// The last request, in lower case.
    pub fn last_request(&self) -> String {
        self.requests.lock().unwrap().last().unwrap().to_ascii_lowercase()
    }

    /// How often a path was requested.
    pub fn asked_for(&self, path: &str) -> usize {
        let requests = self.requests.lock().unwrap();
        requests.iter().filter(|head| head.split(' ').nth(1) == Some(path)).count()
    }
}

/// An RSS feed of these items.
pub fn rss(items: &[String]) -> String {
    let begin = "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>Xã</title><link>http://xa.example.vn/</link>";
    format!("{begin}{}</channel></rss>", items.concat())
}

/// An item of an RSS feed.
pub fn item(id: &str, title: &str, date: &str, link: &str, text: &str) -> String {
    format!(
        "<item><guid isPermaLink=\"false\">{id}</guid><title>{title}</title><pubDate>{date}</pubDate><link>{link}</link>\
         <description>&lt;p&gt;{text}&lt;/p&gt;</description></item>"
    )
}

/// A province that collects from these feeds.
pub fn province(sources: &[(&str, String)]) -> TestSite {
    let site = TestSite::new();
    let mut config = std::fs::read_to_string(site.path("config.toml")).unwrap();
    for (name, url) in sources {
        config.push_str(&format!(
            "[[source]]\nname = \"{name}\"\nurl = \"{url}\"\nchannels = [\"xa-hoi\"]\nallow_private = true\n"
        ));
    }
    std::fs::write(site.path("config.toml"), config).unwrap();
    site
}

/// Polls a source and returns the report.
pub fn pull(site: &TestSite, name: &str) -> Value {
    let output = site.run(&["pull", name, "--json"]);
    let reports: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    reports[0].clone()
}

/// The feed of the province as JSON: the items.
pub fn items(site: &TestSite) -> Vec<Value> {
    let feed: Value = serde_json::from_str(&site.ok(&["render", "-", "json"])).unwrap();
    feed["items"].as_array().unwrap().clone()
}
