//! The WebSub hub: what feeds say about it, subscriptions and deliveries to real HTTP servers.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ring::hmac;

use crate::support::portal::{Portal, pull};
use crate::support::postgres::Schema;
use crate::support::requirement::{Requirement, is_missing};
use crate::support::{
    HttpResponse, RunningServer, SAMPLE_ARTICLE, TestSite, article, execute_sql, free_port, query_sql, send,
    wait_until,
};

/// The three live feeds of a channel.
const FEEDS: [&str; 3] = ["/xa-hoi/rss.xml", "/xa-hoi/atom.xml", "/xa-hoi/feed.json"];
/// The URL of a feed as the feed names it.
const TOPIC: &str = "http://127.0.0.1:8080/xa-hoi/atom.xml";

/// A request that a subscriber got.
#[derive(Clone, Debug)]
struct Received {
    method: String,
    target: String,
    head: String,
    body: Vec<u8>,
    at: Instant,
}

impl Received {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    fn query(&self, name: &str) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into())
    }

    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

/// What a subscriber answers: to the question whether it wants its subscription, and to a delivery.
#[derive(Clone)]
struct Answers {
    confirmation: fn(challenge: &str) -> String,
    /// Empty: it says nothing.
    delivery: String,
    /// How long it works on a delivery before it answers.
    takes: Duration,
}

/// The answer of a subscriber that wants what it is asked for.
fn repeats(challenge: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{challenge}", challenge.len())
}

/// The answer of a subscriber that wants nothing.
fn declines(_: &str) -> String {
    status(404)
}

fn status(status: u16) -> String {
    format!("HTTP/1.1 {status} As told\r\nContent-Length: 0\r\n\r\n")
}

/// A subscriber: an HTTP server whose answers the story changes.
#[derive(Clone)]
struct Subscriber {
    address: SocketAddr,
    answers: Arc<Mutex<Answers>>,
    received: Arc<Mutex<Vec<Received>>>,
    /// Deliveries that it is answering, and the most that there ever were.
    at_once: Arc<Mutex<(usize, usize)>>,
}

impl Subscriber {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let subscriber = Self {
            address: listener.local_addr().unwrap(),
            answers: Arc::new(Mutex::new(Answers {
                confirmation: repeats,
                delivery: status(204),
                takes: Duration::ZERO,
            })),
            received: Arc::default(),
            at_once: Arc::default(),
        };
        let shared = subscriber.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let subscriber = shared.clone();
                std::thread::spawn(move || subscriber.answer(stream));
            }
        });
        subscriber
    }

    fn answer(&self, mut stream: TcpStream) {
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            if !stream.read(&mut byte).is_ok_and(|read| read == 1) {
                return;
            }
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let mut words = head.split(' ');
        let (method, target) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
        let mut received = Received { method, target, head, body: Vec::new(), at: Instant::now() };
        let length = received.header("content-length").map_or(0, |length| length.parse().unwrap());
        received.body = vec![0; length];
        stream.read_exact(&mut received.body).unwrap();
        let answers = self.answers.lock().unwrap().clone();
        let answer = match received.query("hub.challenge") {
            Some(challenge) => (answers.confirmation)(&challenge),
            None => answers.delivery,
        };
        let is_delivery = received.method == "POST";
        if is_delivery {
            let mut at_once = self.at_once.lock().unwrap();
            *at_once = (at_once.0 + 1, at_once.1.max(at_once.0 + 1));
        }
        self.received.lock().unwrap().push(received);
        if answer.is_empty() {
            std::thread::park_timeout(Duration::from_secs(60));
        } else if is_delivery {
            std::thread::park_timeout(answers.takes);
        }
        // Before the answer, which the next delivery may follow at once.
        if is_delivery {
            self.at_once.lock().unwrap().0 -= 1;
        }
        let _ = stream.write_all(answer.as_bytes());
    }

    fn callback(&self) -> String {
        format!("http://{}/callback?key=1%2F2", self.address)
    }

    fn confirms_with(&self, confirmation: fn(&str) -> String) {
        self.answers.lock().unwrap().confirmation = confirmation;
    }

    fn answers_deliveries_with(&self, answer: String) {
        self.answers.lock().unwrap().delivery = answer;
    }

    fn takes(&self, time: Duration) {
        self.answers.lock().unwrap().takes = time;
    }

    fn of_method(&self, method: &str) -> Vec<Received> {
        let received = self.received.lock().unwrap();
        received.iter().filter(|request| request.method == method).cloned().collect()
    }

    /// The questions whether it wants its subscription.
    fn questions(&self) -> Vec<Received> {
        self.of_method("GET")
    }

    fn deliveries(&self) -> Vec<Received> {
        self.of_method("POST")
    }

    /// Waits until a delivery contains this text, and returns it.
    fn told(&self, text: &str) -> Received {
        let found = || self.deliveries().into_iter().find(|delivery| delivery.text().contains(text));
        wait_until(&format!("a delivery with {text}"), || found().is_some());
        found().unwrap()
    }
}

/// A site with a hub that may call subscribers on this machine.
fn site_with_hub(more: &str) -> TestSite {
    let site = TestSite::new();
    site.configure(&format!("[hub]\nenabled = true\nallow = [\"127.0.0.1\"]\n{more}"));
    site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    site
}

fn publish(site: &TestSite, name: &str, title: &str) {
    site.write(&format!("xa-hoi/{name}.txt"), article(title, "13/05/2023 08:00", "Đoạn mở đầu."));
}

/// Sends a form to the hub.
fn post(serving: &RunningServer, parameters: &[(&str, &str)]) -> HttpResponse {
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    serving.request_with_body("POST", "/hub", &headers, form.as_bytes())
}

fn request(serving: &RunningServer, mode: &str, callback: &str, more: &[(&str, &str)]) {
    let parameters = [("hub.mode", mode), ("hub.topic", TOPIC), ("hub.callback", callback)];
    let answer = post(serving, &[&parameters[..], more].concat());
    assert_eq!(answer.status, 202, "{}", answer.text());
}

/// Subscribes and waits for the confirmation.
fn subscribe(serving: &RunningServer, subscriber: &Subscriber, more: &[(&str, &str)]) {
    let before = serving.metric("bantin_hub_confirmed_total");
    request(serving, "subscribe", &subscriber.callback(), more);
    wait_until("the confirmation", || serving.metric("bantin_hub_confirmed_total") > before);
}

/// `sha256=…` of a body.
fn signature(secret: &str, body: &[u8]) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body);
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

#[test]
fn live_feeds_name_themselves_and_the_configured_hub_in_the_header_and_in_the_document() {
    let site = TestSite::new();
    site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    {
        let serving = site.serve();
        for path in FEEDS {
            let answer = serving.get(path);
            assert_eq!(answer.header("link"), None, "{path}");
            assert!(!answer.text().contains("hub\""), "{path}");
        }
    }
    site.configure("[hub]\nurl = \"https://hub.example.vn/\"");
    let serving = site.serve();
    let out = site.path("out");
    site.ok(&["build", "--out", out.to_str().unwrap()]);
    for path in FEEDS {
        let answer = serving.get(path);
        let expected =
            format!("<http://127.0.0.1:8080{path}>; rel=\"self\", <https://hub.example.vn/>; rel=\"hub\"");
        assert_eq!(answer.header("link"), Some(expected.as_str()));
        assert!(answer.text().contains("https://hub.example.vn/"), "{path}");
        let file = std::fs::read_to_string(out.join(&path[1..])).unwrap();
        assert_eq!(file, answer.text(), "{path}");
    }
    for path in ["/xa-hoi/", "/opml.xml"] {
        assert_eq!(serving.get(path).header("link"), None, "{path}");
    }
}

#[test]
fn a_subscriber_that_confirms_is_sent_every_change_signed_w2_w4() {
    let site = site_with_hub("");
    let serving = site.serve();
    let expected = format!("<{TOPIC}>; rel=\"self\", <http://127.0.0.1:8080/hub>; rel=\"hub\"");
    let feed = serving.get("/xa-hoi/atom.xml");
    assert_eq!(feed.header("link"), Some(expected.as_str()));
    let subscriber = Subscriber::new();
    subscribe(&serving, &subscriber, &[("hub.secret", "bí mật"), ("hub.lease_seconds", "86400")]);
    let question = &subscriber.questions()[0];
    assert!(question.target.starts_with("/callback?key=1%2F2&hub.mode=subscribe&"), "{}", question.target);
    assert_eq!(question.query("hub.topic").as_deref(), Some(TOPIC));
    assert_eq!(question.query("hub.lease_seconds").as_deref(), Some("86400"));
    assert!(question.query("hub.challenge").unwrap().len() >= 32);
    assert_eq!(subscriber.deliveries().len(), 0, "nothing has changed since it could read the feed");

    publish(&site, "hop-dan", "Xã họp dân");
    let delivery = subscriber.told("Xã họp dân");
    assert_eq!(delivery.target, "/callback?key=1%2F2");
    assert_eq!(delivery.header("content-type"), Some("application/atom+xml; charset=utf-8"));
    assert_eq!(delivery.header("link"), Some(expected.as_str()));
    assert_eq!(delivery.header("x-hub-signature"), Some(signature("bí mật", &delivery.body).as_str()));
    assert_eq!(delivery.body, serving.get("/xa-hoi/atom.xml").body);

    publish(&site, "hop-dan", "Xã họp dân, lần hai");
    subscriber.told("Xã họp dân, lần hai");
    let id = "tag:dakto.example,2023:2023-05-13/hop-dan";
    site.ok(&["withdraw", id, "--reason", "sai tin"]);
    let withdrawal = subscriber.told("deleted-entry");
    assert!(withdrawal.text().contains(id));
    assert_eq!(subscriber.deliveries().len(), 3, "each state once");
    wait_until("them to be counted", || serving.metric("bantin_hub_delivered_total") == 3);
}

#[test]
fn a_subscription_without_the_exact_challenge_is_none_w2() {
    let site = site_with_hub("");
    let serving = site.serve();
    for (number, confirmation) in [
        declines,
        |challenge: &str| repeats(&format!("{challenge} ")),
        |challenge: &str| repeats(&challenge[1..]),
        |_: &str| repeats(""),
        |challenge: &str| repeats(challenge).replace("200 OK", "302 Found\r\nLocation: /elsewhere"),
        |challenge: &str| repeats(challenge).replace("200 OK", "404 Not Found"),
        // A body that does not end.
        |_: &str| format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(1 << 20)),
    ]
    .into_iter()
    .enumerate()
    {
        let subscriber = Subscriber::new();
        subscriber.confirms_with(confirmation);
        request(&serving, "subscribe", &subscriber.callback(), &[]);
        let refused = || serving.metric("bantin_hub_unconfirmed_total");
        wait_until("the end of the verification", || refused() == number as u64 + 1);
        assert_eq!(subscriber.questions().len(), 1);
    }
    wait_until("none to be left", || serving.metric("bantin_hub_subscriptions") == 0);
}

#[test]
fn a_request_that_cannot_be_a_subscription_is_refused_with_its_reason() {
    let site = site_with_hub("");
    let serving = site.serve();
    let full = [("hub.mode", "subscribe"), ("hub.topic", TOPIC), ("hub.callback", "https://a.example.vn/")];
    let with = |name: &str, value: &'static str| {
        let mut form = full;
        form.iter_mut().filter(|(key, _)| *key == name).for_each(|(_, old)| *old = value);
        post(&serving, &form)
    };
    for (answer, words) in [
        (post(&serving, &full[..2]), "hub.callback is missing"),
        (with("hub.mode", "publish"), "hub.mode=publish is not needed"),
        (with("hub.topic", "https://other.example.vn/rss.xml"), "is not a feed of this site"),
        (with("hub.topic", "http://127.0.0.1:8080/xa-hoi/"), "is not a feed of this site"),
        (with("hub.topic", "http://127.0.0.1:8080/xa-hoi/archive/1/rss.xml"), "is not a feed"),
        (with("hub.topic", "http://127.0.0.1:8080/khong-co/rss.xml"), "is not a feed of this site"),
        (
            with("hub.topic", "http://127.0.0.1:8080/xa-hoi/feed"),
            "subscribe to http://127.0.0.1:8080/xa-hoi/rss.xml",
        ),
        (with("hub.callback", "ftp://a.example.vn/"), "not an absolute http or https URL"),
        (with("hub.callback", "https://user:x@a.example.vn/"), "user name or password"),
        (with("hub.callback", "http://10.0.0.1/"), "private or reserved address"),
        (with("hub.callback", "http://0x7f.2/"), "private or reserved address"),
    ] {
        assert_eq!((answer.status, answer.header("content-type")), (400, Some("text/plain; charset=utf-8")));
        assert!(answer.text().contains(words), "{words}: {}", answer.text());
    }
    let json = serving.request_with_body("POST", "/hub", &[("Content-Type", "application/json")], b"{}");
    assert_eq!(json.status, 415);
    let get = serving.get("/hub");
    assert_eq!((get.status, get.header("allow")), (405, Some("POST, OPTIONS")));
    let without = TestSite::new();
    let serving = without.serve();
    assert_eq!(post(&serving, &full).status, 404, "without a hub there is none");
}

#[test]
fn a_renewal_overrides_and_an_unsubscription_needs_its_own_confirmation_w3() {
    let site = site_with_hub("");
    let serving = site.serve();
    let subscriber = Subscriber::new();
    subscribe(&serving, &subscriber, &[("hub.secret", "một")]);
    subscribe(&serving, &subscriber, &[("hub.secret", "hai")]);
    wait_until("one subscription", || serving.metric("bantin_hub_subscriptions") == 1);
    publish(&site, "a", "Bài thứ nhất");
    let delivery = subscriber.told("Bài thứ nhất");
    assert_eq!(delivery.header("x-hub-signature"), Some(signature("hai", &delivery.body).as_str()));

    // Somebody else asks to end it: the subscriber does not confirm.
    subscriber.confirms_with(declines);
    request(&serving, "unsubscribe", &subscriber.callback(), &[]);
    wait_until("the refusal", || serving.metric("bantin_hub_unconfirmed_total") == 1);
    publish(&site, "b", "Bài thứ hai");
    subscriber.told("Bài thứ hai");

    subscriber.confirms_with(repeats);
    request(&serving, "unsubscribe", &subscriber.callback(), &[]);
    wait_until("the end", || serving.metric("bantin_hub_subscriptions") == 0);
    let (before, other) = (subscriber.deliveries().len(), Subscriber::new());
    subscribe(&serving, &other, &[]);
    publish(&site, "c", "Bài thứ ba");
    other.told("Bài thứ ba");
    assert_eq!(subscriber.deliveries().len(), before);
    assert_eq!(other.deliveries()[0].header("x-hub-signature"), None, "without a secret");
}

#[test]
fn a_subscriber_that_was_down_gets_the_newest_state_once_even_after_a_kill() {
    let site = site_with_hub("");
    let serving = site.serve();
    let subscriber = Subscriber::new();
    subscribe(&serving, &subscriber, &[]);
    subscriber.answers_deliveries_with(status(503));
    for number in 1..=4 {
        publish(&site, &format!("bai-{number}"), &format!("Bài số {number}"));
        let path = "/xa-hoi/atom.xml";
        wait_until("the feed", || serving.get(path).text().contains(&format!("Bài số {number}")));
    }
    wait_until("a failure", || serving.metric("bantin_hub_failed_total") > 0);
    serving.kill();
    subscriber.answers_deliveries_with(status(200));
    let before = subscriber.deliveries().len();
    let serving = site.serve();
    wait_until("the delivery", || serving.metric("bantin_hub_delivered_total") == 1);
    let after = subscriber.deliveries().split_off(before);
    assert_eq!(after.len(), 1);
    assert!((1..=4).all(|number| after[0].text().contains(&format!("Bài số {number}"))));
}

#[test]
fn the_answer_410_ends_a_subscription_and_a_redirect_is_a_failure_w4() {
    let site = site_with_hub("");
    let serving = site.serve();
    let (gone, elsewhere, redirected) = (Subscriber::new(), Subscriber::new(), Subscriber::new());
    gone.answers_deliveries_with(status(410));
    let location = format!("302 Found\r\nLocation: {}", elsewhere.callback());
    redirected.answers_deliveries_with(status(302).replace("302 As told", &location));
    subscribe(&serving, &gone, &[]);
    subscribe(&serving, &redirected, &[]);
    publish(&site, "a", "Bài thứ nhất");
    wait_until("the end", || serving.metric("bantin_hub_subscriptions") == 1);
    wait_until("the failures", || serving.metric("bantin_hub_failed_total") == 2);
    assert_eq!(elsewhere.received.lock().unwrap().len(), 0);
    assert_eq!((gone.deliveries().len(), redirected.deliveries().len()), (1, 1));
}

#[test]
fn a_subscription_ends_with_its_lease_and_with_its_feed_which_is_told() {
    let site = site_with_hub("");
    let (expired, denied) = (Subscriber::new(), Subscriber::new());
    let serving = site.serve();
    subscribe(&serving, &expired, &[]);
    subscribe(&serving, &denied, &[]);
    assert!(serving.stop());
    let expire = format!("UPDATE subscription SET expires = 1 WHERE callback = '{}'", expired.callback());
    assert_eq!(execute_sql(&site.path("data/bantin.db"), &expire), 1);
    let config = std::fs::read_to_string(site.path("config.toml")).unwrap();
    let gone = config.replace("slug = \"xa-hoi\"", "slug = \"xa-hoi\"\ngone = true");
    std::fs::write(site.path("config.toml"), gone).unwrap();
    let serving = site.serve();
    wait_until("both ends", || {
        let log = serving.log();
        log.contains("its lease has ended") && log.contains("its feed has been removed")
    });
    wait_until("none to be left", || serving.metric("bantin_hub_subscriptions") == 0);
    let last = denied.questions().pop().unwrap();
    assert_eq!(last.query("hub.mode").as_deref(), Some("denied"));
    assert_eq!(last.query("hub.topic").as_deref(), Some(TOPIC));
    assert_eq!(expired.questions().len(), 1, "a lease that ends is no refusal");
}

#[test]
fn silent_subscribers_delay_nobody() {
    let site = site_with_hub("requests_per_minute = 100000");
    let serving = site.serve();
    let silent: Vec<Subscriber> = (0..100).map(|_| Subscriber::new()).collect();
    silent.iter().for_each(|subscriber| request(&serving, "subscribe", &subscriber.callback(), &[]));
    let living = Subscriber::new();
    request(&serving, "subscribe", &living.callback(), &[]);
    wait_until("all confirmations", || serving.metric("bantin_hub_confirmed_total") == 101);
    silent.iter().for_each(|subscriber| subscriber.answers_deliveries_with(String::new()));
    publish(&site, "a", "Bài thứ nhất");
    let path = "/xa-hoi/atom.xml";
    wait_until("the feed", || serving.get(path).text().contains("Bài thứ nhất"));
    let published = Instant::now();
    let delivery = living.told("Bài thứ nhất");
    let delay = delivery.at.saturating_duration_since(published);
    // A silent one is given up after ten seconds.
    assert!(delay < Duration::from_secs(9), "{delay:?}");
}

#[test]
fn requests_for_callbacks_on_one_host_are_limited() {
    let site = site_with_hub("requests_per_minute = 3\nmax_subscriptions = 4");
    let serving = site.serve();
    let ask = |callback: &str| {
        post(&serving, &[("hub.mode", "subscribe"), ("hub.topic", TOPIC), ("hub.callback", callback)])
    };
    let flood: Vec<u16> = (0..5).map(|number| ask(&format!("http://127.0.0.1:1/{number}")).status).collect();
    assert_eq!(flood, [202, 202, 202, 429, 429]);
    assert!(ask("http://127.0.0.1:1/9").header("retry-after").is_some());
    // Another host has a limit of its own; what is not confirmed yet counts.
    assert_eq!(ask("http://a.invalid/").status, 202);
    assert_eq!(ask("http://b.invalid/").status, 503);
}

#[test]
fn subscribers_may_be_sent_only_what_has_changed() {
    let site = site_with_hub("content = \"changes\"");
    let serving = site.serve();
    let subscriber = Subscriber::new();
    subscribe(&serving, &subscriber, &[("hub.secret", "x")]);
    publish(&site, "a", "Bài thứ nhất");
    let delivery = subscriber.told("Bài thứ nhất");
    assert_eq!(delivery.text().matches("<entry").count(), 1, "{}", delivery.text());
    assert_eq!(delivery.header("x-hub-signature"), Some(signature("x", &delivery.body).as_str()));
    assert_eq!(serving.get("/xa-hoi/atom.xml").text().matches("<entry").count(), 2);
}

#[test]
fn a_webhook_is_sent_each_change_of_its_channels_in_order_signed_and_once() {
    let site = TestSite::new();
    let (receiver, everything) = (Subscriber::new(), Subscriber::new());
    site.write("xa-hoi/cu.txt", article("Bài cũ", "12/05/2023 08:00", "Đoạn mở đầu."));
    site.ok(&["scan"]);
    let secret = "một khóa đủ dài";
    let webhook = |subscriber: &Subscriber, more: &str| {
        format!("[[webhook]]\nurl = \"{}\"\nsecret = \"{secret}\"\n{more}\n", subscriber.callback())
    };
    site.configure(&webhook(&receiver, "channels = [\"xa-hoi\"]"));
    site.configure(&webhook(&everything, ""));
    assert!(!site.ok(&["config"]).contains(secret));
    let serving = site.serve();
    wait_until("two targets", || {
        let count = "SELECT COUNT(*) FROM push_target WHERE kind = 'webhook'";
        query_sql(&site.path("data/bantin.db"), count) == 2
    });
    receiver.answers_deliveries_with(status(500));
    publish(&site, "a", "Bài thứ nhất");
    wait_until("a failure", || serving.metric("bantin_hub_failed_total") > 0);
    site.write("kinh-te/b.txt", article("Bài kinh tế", "13/05/2023 08:00", "Đoạn mở đầu."));
    everything.told("Bài kinh tế");
    publish(&site, "a", "Bài thứ nhất, sửa");
    everything.told("Bài thứ nhất, sửa");
    // What was received but not recorded before the end would be sent again.
    wait_until("the record of all deliveries", || {
        let all =
            "SELECT COUNT(*) FROM push_target WHERE kind = 'webhook' AND delivered = (SELECT head FROM log)";
        query_sql(&site.path("data/bantin.db"), all) == 1
    });
    serving.kill();
    let before = receiver.deliveries().len();
    receiver.answers_deliveries_with(status(200));
    let serving = site.serve();
    receiver.told("Bài thứ nhất, sửa");

    let sent = receiver.deliveries().split_off(before);
    let bodies: Vec<serde_json::Value> =
        sent.iter().map(|delivery| serde_json::from_slice(&delivery.body).unwrap()).collect();
    let kinds: Vec<_> = bodies.iter().map(|body| body["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["published", "corrected"]);
    let listed = serving.get("/api/changes?channel=xa-hoi&after=1").json();
    assert_eq!(listed["changes"].as_array().unwrap(), &bodies, "the form of /api/changes");
    for (delivery, body) in sent.iter().zip(&bodies) {
        assert_eq!(delivery.header("content-type"), Some("application/json"));
        assert_eq!(delivery.header("idempotency-key"), Some(body["number"].to_string().as_str()));
        assert_eq!(delivery.header("bantin-log"), listed["log"].as_str());
        assert_eq!(delivery.header("x-signature"), Some(signature(secret, &delivery.body).as_str()));
    }
    let of_all: Vec<_> = everything.deliveries().iter().map(|delivery| delivery.text()).collect();
    assert_eq!(of_all.len(), 3, "{of_all:?}");
}

#[test]
fn an_outside_hub_is_told_each_changed_feed_in_a_request_of_its_own() {
    let (site, hub) = (TestSite::new(), Subscriber::new());
    site.configure(&format!("[hub]\nurl = \"{}\"", hub.callback()));
    site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    // Otherwise the feed of all channels would be known while it is empty, and would change with the first scan.
    site.ok(&["scan"]);
    let serving = site.serve();
    let count =
        || query_sql(&site.path("data/bantin.db"), "SELECT COUNT(*) FROM push_target WHERE kind = 'hub'");
    wait_until("all feeds", || count() == 6);
    assert_eq!(hub.deliveries().len(), 0, "nobody can have subscribed to a feed that it does not know");
    hub.answers_deliveries_with(status(503));
    publish(&site, "a", "Bài thứ nhất");
    wait_until("a failure", || hub.deliveries().len() == 1);
    hub.answers_deliveries_with(status(204));
    wait_until("the rest", || hub.deliveries().len() == 1 + 6);
    let mut told: Vec<String> = hub.deliveries()[1..].iter().map(Received::text).collect();
    told.sort();
    let form = |path: &str| format!("hub.mode=publish&hub.url=http%3A%2F%2F127.0.0.1%3A8080%2F{path}");
    let mut expected = Vec::new();
    for scope in ["", "xa-hoi%2F"] {
        expected.extend(["atom.xml", "feed.json", "rss.xml"].map(|file| form(&format!("{scope}{file}"))));
    }
    assert_eq!(told, expected);
    assert!(serving.stop());
}

#[test]
fn an_operator_sees_who_is_told_and_what_failed_without_the_secrets_of_callbacks() {
    let site = site_with_hub("");
    let webhook = Subscriber::new();
    site.configure(&format!("[[webhook]]\nurl = \"{}\"\nsecret = \"một khóa đủ dài\"", webhook.callback()));
    let serving = site.serve();
    let subscriber = Subscriber::new();
    subscribe(&serving, &subscriber, &[("hub.secret", "bí mật"), ("hub.lease_seconds", "86400")]);
    subscriber.answers_deliveries_with(status(500));
    publish(&site, "a", "Bài thứ nhất");
    webhook.told("Bài thứ nhất");
    let listed =
        || -> Vec<serde_json::Value> { serde_json::from_str(&site.ok(&["subscribers", "--json"])).unwrap() };
    wait_until("the error", || listed()[0]["last_error"] == "the answer is 500 Internal Server Error");
    wait_until("the success", || !listed()[1]["last_success"].is_null());
    let all = listed();
    assert_eq!((&all[0]["kind"], &all[0]["topic"]), (&"subscription".into(), &TOPIC.into()));
    assert_eq!(all[0]["host"], subscriber.address.to_string());
    assert_eq!((&all[0]["failures"], &all[0]["delivered"]), (&1.into(), &1.into()), "{all:?}");
    assert_eq!((&all[1]["kind"], &all[1]["delivered"]), (&"webhook".into(), &2.into()));
    let text = site.ok(&["subscribers"]);
    assert!(text.contains("failed 1 times") && text.contains("/xa-hoi/atom.xml"), "{text}");

    let ask = |secret: &str| {
        let bearer = format!("Bearer {}", secret.trim());
        serving.request("GET", "/api/subscribers", &[("Authorization", &bearer)])
    };
    let answer = ask(&site.ok(&["token", "new", "tat-ca"]));
    assert_eq!(answer.json()["subscribers"].as_array().unwrap(), &all);
    let of_channel = ask(&site.ok(&["token", "new", "xa", "--channels", "xa-hoi"]));
    assert_eq!(of_channel.json()["subscribers"].as_array().unwrap(), &all[..1], "its own channel only");
    assert_eq!(serving.get("/api/subscribers").status, 401);
    for shown in [text, answer.text(), serving.log()] {
        assert!(!shown.contains("key=1") && !shown.contains("bí mật"), "{shown}");
    }
}

/// A free port: the other site must know the address before it is served.
/// Serves a site at an address that its documents name.
fn at_port(site: &TestSite, port: u16) {
    let config = std::fs::read_to_string(site.path("config.toml")).unwrap();
    let config = config
        .replace("[site]\n", &format!("[site]\nurl = \"http://127.0.0.1:{port}\"\n"))
        .replace("listen = \"127.0.0.1:0\"", &format!("listen = \"127.0.0.1:{port}\""));
    std::fs::write(site.path("config.toml"), config).unwrap();
}

#[test]
fn a_province_subscribes_at_the_hub_of_a_commune_and_has_its_articles_without_waiting_for_a_poll() {
    let (commune_port, province_port) = (free_port(), free_port());
    let commune = site_with_hub("");
    at_port(&commune, commune_port);
    let of_commune = commune.serve();
    let province = TestSite::new();
    at_port(&province, province_port);
    province.configure(&format!(
        "[[source]]\nname = \"Xã\"\nurl = \"http://127.0.0.1:{commune_port}/atom.xml\"\n\
         channels = [\"xa-hoi\"]\nkind = \"feed\"\nallow_private = true\nevery = \"1h\""
    ));
    let of_province = province.serve();
    wait_until("the subscription", || of_commune.metric("bantin_hub_subscriptions") == 1);
    publish(&commune, "hop-dan", "Xã họp dân");
    wait_until("the article", || of_province.get("/atom.xml").text().contains("Xã họp dân"));

    let query = |sql: &str| query_sql(&province.path("data/bantin.db"), sql);
    let lease = query("SELECT expires - asked_at FROM source_hub");
    assert!((864_000..=864_060).contains(&lease), "{lease}");
    // Anybody may find the callback out; without the secret nothing happens.
    let told = query("SELECT notified FROM source_hub");
    let connection = rusqlite::Connection::open(province.path("data/bantin.db")).unwrap();
    let token: String = connection.query_row("SELECT token FROM source_hub", [], |row| row.get(0)).unwrap();
    let path = format!("/hub/{token}");
    for headers in [&[][..], &[("X-Hub-Signature", "sha256=00")], &[("X-Hub-Signature", "md5=00")]] {
        assert_eq!(of_province.request_with_body("POST", &path, headers, b"<feed/>").status, 202);
    }
    assert_eq!(query("SELECT notified FROM source_hub"), told);
    assert_eq!(of_province.request_with_body("POST", "/hub/000", &[], b"").status, 410);
    for query in ["hub.mode=subscribe&hub.topic=http://x/&hub.challenge=a", "hub.mode=unsubscribe", ""] {
        assert_eq!(of_province.get(&format!("{path}?{query}")).status, 404, "{query}");
    }
    let topic = format!("http://127.0.0.1:{commune_port}/atom.xml");
    let forever =
        format!("{path}?hub.mode=subscribe&hub.topic={topic}&hub.challenge=abc&hub.lease_seconds=99999999");
    assert_eq!(of_province.get(&forever).body, b"abc");
    let lease = query("SELECT expires - asked_at FROM source_hub");
    assert!((1_209_600..=1_209_700).contains(&lease), "at most 14 days: {lease}");
}

/// How many articles a feed has.
fn entries_in(feed: &str) -> usize {
    feed.matches("<entry").count()
}

/// Two replicas on one log with a hub and a webhook.
fn two_replicas(schema: &Schema, webhook: &Subscriber) -> [TestSite; 2] {
    [(); 2].map(|()| {
        let site =
            TestSite::new().with("BANTIN_STORE__URL", schema.url()).with("BANTIN_FOLDER__WATCH", "poll");
        site.configure("[hub]\nenabled = true\nallow = [\"127.0.0.1\"]");
        site.configure(&format!(
            "[[webhook]]\nurl = \"{}\"\nsecret = \"một khóa đủ dài\"",
            webhook.callback()
        ));
        site
    })
}

#[test]
fn when_a_replica_dies_during_deliveries_another_goes_on_in_order_and_nothing_is_lost() {
    if is_missing(Requirement::Postgres) {
        return;
    }
    let schema = Schema::new();
    let (subscriber, webhook) = (Subscriber::new(), Subscriber::new());
    for receiver in [&subscriber, &webhook] {
        // Long enough for a death in the middle.
        receiver.takes(Duration::from_millis(150));
    }
    let sites = two_replicas(&schema, &webhook);
    let bearer = format!("Bearer {}", sites[0].ok(&["token", "new", "Văn phòng"]).trim());
    let mut replicas = sites.each_ref().map(|site| Some(site.serve()));
    // Any replica takes the request of a subscriber; the one that works for the hub confirms it.
    request(replicas[1].as_ref().unwrap(), "subscribe", &subscriber.callback(), &[]);
    let works = |serving: &Option<RunningServer>| {
        serving.as_ref().is_some_and(|serving| serving.metric("bantin_hub_subscriptions") == 1)
    };
    let publish = |serving: &RunningServer, number: u32| {
        let text = article(&format!("Bài {number}."), "13/05/2023 08:00", "Đoạn mở đầu.");
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "text/plain; charset=utf-8")];
        let path = "/api/articles?channel=xa-hoi";
        assert_eq!(serving.request_with_body("POST", path, &headers, text.as_bytes()).status, 201);
    };
    let mut number = 0;
    for death in 0..2 {
        wait_until("one replica to work for the hub", || replicas.iter().any(works));
        let working = replicas.iter().position(works).unwrap();
        let other = 1 - working;
        assert!(!works(&replicas[other]), "one works at a time");
        for _ in 0..4 {
            number += 1;
            publish(replicas[other].as_ref().unwrap(), number);
        }
        let of_webhook = webhook.deliveries().len();
        wait_until("a delivery to be under way", || webhook.deliveries().len() > of_webhook);
        replicas[working].take().unwrap().kill();
        number += 1;
        publish(replicas[other].as_ref().unwrap(), number);
        let last = format!("Bài {number}.");
        wait_until(&format!("all after death {death}"), || {
            [&subscriber, &webhook]
                .iter()
                .all(|receiver| receiver.deliveries().last().unwrap().text().contains(&last))
        });
        replicas[working] = Some(sites[working].serve());
    }
    // A subscriber of the feed is sent the newest state and never an older one after it.
    let states: Vec<usize> =
        subscriber.deliveries().iter().map(|delivery| entries_in(&delivery.text())).collect();
    assert!(states.is_sorted() && states.last() == Some(&(number as usize)), "{states:?}");
    // A webhook is sent each change at least once, in the order of the log; one that was under way at a death again.
    let numbers: Vec<u64> = webhook
        .deliveries()
        .iter()
        .map(|delivery| delivery.header("idempotency-key").unwrap().parse().unwrap())
        .collect();
    let mut once = numbers.clone();
    once.dedup();
    assert_eq!(once, (1..=u64::from(number)).collect::<Vec<_>>(), "{numbers:?}");
    assert!(numbers.len() <= once.len() + 2, "at most the interrupted ones are repeated: {numbers:?}");
    for receiver in [&subscriber, &webhook] {
        assert_eq!(receiver.at_once.lock().unwrap().1, 1, "one delivery at a time");
    }
}

/// A hub that confirms subscriptions and tells of changes only when the story says so.
struct ForgetfulHub {
    address: SocketAddr,
    /// The forms of the requests to subscribe.
    subscriptions: Arc<Mutex<Vec<HashMap<String, String>>>>,
}

impl ForgetfulHub {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let hub = Self { address: listener.local_addr().unwrap(), subscriptions: Arc::default() };
        let subscriptions = Arc::clone(&hub.subscriptions);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let (mut request, mut byte) = (Vec::new(), [0]);
                while !request.ends_with(b"hub.lease_seconds=864000")
                    && stream.read(&mut byte).is_ok_and(|read| read == 1)
                {
                    request.push(byte[0]);
                }
                let request = String::from_utf8(request).unwrap();
                let (_, form) = request.split_once("\r\n\r\n").unwrap();
                let form: HashMap<String, String> =
                    url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
                let _ = stream
                    .write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                drop(stream);
                let query = url::form_urlencoded::Serializer::new(String::new())
                    .extend_pairs([("hub.mode", "subscribe"), ("hub.topic", &form["hub.topic"])])
                    .extend_pairs([("hub.challenge", "thách đố"), ("hub.lease_seconds", "864000")])
                    .finish();
                let callback = url::Url::parse(&form["hub.callback"]).unwrap();
                let address = callback.socket_addrs(|| None).unwrap()[0];
                let answer = send(address, "GET", &format!("{}?{query}", callback.path()), &[], b"");
                assert_eq!((answer.status, answer.text().as_str()), (200, "thách đố"));
                subscriptions.lock().unwrap().push(form);
            }
        });
        hub
    }

    /// Tells the last subscriber of a change.
    fn tells(&self, body: &[u8]) -> u16 {
        let form = self.subscriptions.lock().unwrap().last().unwrap().clone();
        let callback = url::Url::parse(&form["hub.callback"]).unwrap();
        let address = callback.socket_addrs(|| None).unwrap()[0];
        let signature = signature(&form["hub.secret"], body);
        send(address, "POST", callback.path(), &[("X-Hub-Signature", &signature)], body).status
    }
}

#[test]
fn a_hub_that_misses_three_polls_is_not_relied_on_until_it_tells_again() {
    let (hub, portal, port) = (ForgetfulHub::new(), Portal::new(), free_port());
    let publishes = |number: u32| {
        let entry = |number: u32| {
            let link = portal.url(&format!("/{number}"));
            format!(
                "<entry><id>tag:xa.example,2023:{number}</id><title>Bài {number}.</title><link href='{link}'/>\
                 <updated>2023-05-12T17:39:00+07:00</updated><content>Xã họp dân.</content></entry>"
            )
        };
        let entries: String = (1..=number).map(entry).collect();
        let (own, hub) = (portal.url("/atom.xml"), hub.address);
        portal.serves(
            "/atom.xml",
            format!(
                "<feed xmlns='http://www.w3.org/2005/Atom'><title>Xã</title><link rel='self' href='{own}'/>\
                 <link rel='hub' href='http://{hub}/'/>{entries}</feed>"
            ),
        );
    };
    publishes(1);
    let site = TestSite::new();
    at_port(&site, port);
    site.configure(&format!(
        "[[source]]\nname = \"Xã\"\nurl = \"{}\"\nchannels = [\"xa-hoi\"]\nallow_private = true\nevery = \"10m\"",
        portal.url("/atom.xml")
    ));
    let serving = site.serve();
    wait_until("the hub to have confirmed", || hub.subscriptions.lock().unwrap().len() == 1);
    let source = || {
        let sources: serde_json::Value =
            serde_json::from_slice(&site.run(&["sources", "--json"]).stdout).unwrap();
        sources[0].clone()
    };
    let minutes_until_next = || {
        let due = source()["next_due"].as_str().unwrap().to_owned();
        (chrono::DateTime::parse_from_rfc3339(&due).unwrap().to_utc() - chrono::Utc::now()).num_minutes()
    };
    // A poll, by cron or by a person, finds what the hub has not told.
    for (number, trusted) in [(2, true), (3, true), (4, false)] {
        publishes(number);
        assert_eq!(pull(&site, "Xã")["published"], 1);
        let hub = &source()["hub"];
        assert_eq!((&hub["missed"], &hub["trusted"]), (&(number - 1).into(), &trusted.into()), "{hub}");
        // Six times the pause while the hub is relied on, with a spread of a tenth.
        let minutes = minutes_until_next();
        let expected = if trusted { 58..=67 } else { 9..=12 };
        assert!(expected.contains(&minutes), "{number}: {minutes}");
    }
    // Told again, the service asks the source at once, and relies on the hub again. What the hub sends is not published.
    publishes(5);
    assert!((200..300).contains(
        &hub.tells("<feed xmlns='http://www.w3.org/2005/Atom'><title>Giả</title></feed>".as_bytes())
    ));
    wait_until("the article", || serving.get("/atom.xml").text().contains("Bài 5."));
    assert!(!serving.get("/atom.xml").text().contains("Giả"));
    wait_until("the trust", || source()["hub"]["trusted"] == true);
    assert_eq!((&source()["hub"]["told"], &source()["hub"]["missed"]), (&1.into(), &3.into()));
    assert_eq!(hub.subscriptions.lock().unwrap().len(), 1, "the lease is long enough");
}

#[test]
fn source_and_province_with_a_hub_survive_the_death_of_each() {
    let (commune_port, province_port) = (free_port(), free_port());
    let commune = site_with_hub("");
    at_port(&commune, commune_port);
    let mut of_commune = commune.serve();
    let province = TestSite::new();
    at_port(&province, province_port);
    // Polls are too rare to explain anything.
    province.configure(&format!(
        "[[source]]\nname = \"Xã\"\nurl = \"http://127.0.0.1:{commune_port}/atom.xml\"\n\
         channels = [\"xa-hoi\"]\nkind = \"feed\"\nallow_private = true\nevery = \"12h\""
    ));
    let mut of_province = province.serve();
    wait_until("the subscription", || of_commune.metric("bantin_hub_subscriptions") == 1);
    // Waited for before the next death: what the hub tells afterwards it may tell together.
    let is_told = |times: u32| {
        let sql = format!("SELECT COUNT(*) FROM source_hub WHERE notified >= {times}");
        wait_until("a notification of the hub", || query_sql(&province.path("data/bantin.db"), &sql) == 1);
    };
    // The commune dies, and publishes when it is back.
    of_commune.kill();
    publish(&commune, "mot", "Bài sau khi xã khởi động lại");
    of_commune = commune.serve();
    wait_until("the article", || of_province.get("/atom.xml").text().contains("sau khi xã"));
    is_told(1);
    // The province is dead while the commune publishes. It is told when it is back.
    of_province.kill();
    publish(&commune, "hai", "Bài trong lúc tỉnh ngừng");
    wait_until("a delivery in vain", || of_commune.metric("bantin_hub_failed_total") > 0);
    of_province = province.serve();
    wait_until("the missed article", || of_province.get("/atom.xml").text().contains("tỉnh ngừng"));
    is_told(2);
    // Both at once.
    of_commune.kill();
    of_province.kill();
    publish(&commune, "ba", "Bài sau cả hai");
    of_commune = commune.serve();
    of_province = province.serve();
    wait_until("the last article", || of_province.get("/atom.xml").text().contains("sau cả hai"));
    let titles = |serving: &RunningServer| -> Vec<String> {
        let feed = serving.get("/feed.json").json();
        let items = feed["items"].as_array().unwrap().iter();
        let mut titles: Vec<_> = items.map(|item| item["title"].as_str().unwrap().to_owned()).collect();
        titles.sort();
        titles
    };
    assert_eq!(titles(&of_province), titles(&of_commune));
    is_told(3);
}

#[test]
fn a_replica_that_wakes_up_after_another_has_taken_over_delivers_nothing_old() {
    if is_missing(Requirement::Postgres) {
        return;
    }
    let schema = Schema::new();
    let (subscriber, webhook) = (Subscriber::new(), Subscriber::new());
    let sites = two_replicas(&schema, &webhook);
    let bearer = format!("Bearer {}", sites[0].ok(&["token", "new", "Văn phòng"]).trim());
    let replicas = sites.each_ref().map(TestSite::serve);
    request(&replicas[0], "subscribe", &subscriber.callback(), &[]);
    let works = |serving: &RunningServer| serving.metric("bantin_hub_subscriptions") == 1;
    wait_until("one replica to work for the hub", || replicas.iter().any(works));
    let asleep = replicas.iter().position(works).unwrap();
    let awake = &replicas[1 - asleep];
    let publish = |number: u32| {
        let text = article(&format!("Bài {number}."), "13/05/2023 08:00", "Đoạn mở đầu.");
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "text/plain; charset=utf-8")];
        let path = "/api/articles?channel=xa-hoi";
        // One that falls asleep within a transaction keeps writers waiting for a moment, who are told to retry.
        wait_until("the article to be accepted", || {
            awake.request_with_body("POST", path, &headers, text.as_bytes()).status == 201
        });
    };
    let are_told = |number: u32| {
        let last = format!("Bài {number}.");
        let is_told =
            |receiver: &Subscriber| receiver.deliveries().iter().any(|sent| sent.text().contains(&last));
        wait_until(&format!("the delivery of {number}"), || is_told(&subscriber) && is_told(&webhook));
    };
    publish(1);
    are_told(1);
    // Suspended, as by a snapshot of its virtual machine. The other takes over once the lease has expired.
    let signal = |name: &str| {
        let pid = replicas[asleep].pid().to_string();
        assert!(std::process::Command::new("kill").args([name, &pid]).status().unwrap().success());
    };
    signal("-STOP");
    publish(2);
    publish(3);
    are_told(3);
    signal("-CONT");
    publish(4);
    are_told(4);
    wait_until("the one that slept to see that it leads no more", || !works(&replicas[asleep]));
    publish(5);
    are_told(5);
    let states: Vec<usize> = subscriber.deliveries().iter().map(|sent| entries_in(&sent.text())).collect();
    assert!(states.is_sorted() && states.last() == Some(&5), "{states:?}");
    let mut numbers: Vec<String> =
        webhook.deliveries().iter().map(|sent| sent.header("idempotency-key").unwrap().to_owned()).collect();
    // It may have fallen asleep before it had stored that the first was delivered.
    numbers.dedup();
    assert_eq!(numbers, ["1", "2", "3", "4", "5"]);
}
