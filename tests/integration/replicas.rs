//! Several processes that share one log on PostgreSQL: what readers and editors can rely on, whichever
//! replica they reach, and whatever happens to one of them or to the database.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::support::postgres::{HeldLock, Schema};
use crate::support::requirement::{Requirement, is_missing};
use crate::support::{HttpResponse, RunningServer, SAMPLE_ARTICLE, TestSite, TmpfsDisk, article, wait_until};

const RSS: &str = "/xa-hoi/rss.xml";
/// How long a replica delays a reader while it renders.
const HELD_BACK: Duration = Duration::from_millis(500);
const PLAIN: (&str, &str) = ("Content-Type", "text/plain; charset=utf-8");

/// A site whose log is in this schema, with the folder of another site if one is given.
fn replica(url: &str, folder: Option<&TestSite>) -> TestSite {
    let test_site = TestSite::new().with("BANTIN_STORE__URL", url).with("BANTIN_FOLDER__WATCH", "poll");
    match folder {
        Some(other) => test_site.with("BANTIN_FOLDER__PATH", other.path("feeds").display().to_string()),
        None => test_site,
    }
}

fn publish(serving: &RunningServer, bearer: &str, title: &str) -> HttpResponse {
    let text = article(title, "13/05/2023 08:00", &format!("Đoạn mở đầu của {title}."));
    let headers = [("Authorization", bearer), PLAIN];
    serving.request_with_body("POST", "/api/articles?channel=xa-hoi", &headers, text.as_bytes())
}

#[test]
fn a_change_is_immediately_in_the_feeds_of_all_replicas_with_the_same_bytes_and_validators() {
    if is_missing(Requirement::Postgres) {
        return;
    }
    let schema = Schema::new();
    let (one, two) = (replica(&schema.url(), None), replica(&schema.url(), None));
    let bearer = format!("Bearer {}", one.ok(&["token", "new", "Văn phòng"]).trim());
    let (first, second) = (one.serve(), two.serve());
    for number in 0..5 {
        let title = format!("Bài {number}");
        let (to, from) = if number % 2 == 0 { (&first, &second) } else { (&second, &first) };
        wait_until("both to be alike", || first.get(RSS).etag() == second.get(RSS).etag());
        assert_eq!(publish(to, &bearer, &title).status, 201);
        let accepted = Instant::now();
        wait_until("the article on the other", || from.get(RSS).text().contains(&title));
        println!("the change was on the other replica after {:?}", accepted.elapsed());
    }
    wait_until("both to be alike", || first.get("/rss.xml").etag() == second.get("/rss.xml").etag());
    first.settled("/rss.xml");
    for path in ["/rss.xml", "/atom.xml", "/feed.json", RSS, "/", "/xa-hoi/", "/opml.xml", "/sitemap.xml"] {
        for coding in ["identity", "gzip", "br"] {
            let ask = |serving: &RunningServer| serving.request("GET", path, &[("Accept-Encoding", coding)]);
            let (here, there) = (ask(&first), ask(&second));
            assert_eq!((here.status, &here.body), (there.status, &there.body), "{path} {coding}");
            for header in ["etag", "last-modified", "cache-control", "vary", "content-type"] {
                assert_eq!(here.header(header), there.header(header), "{path} {coding} {header}");
            }
            if let Some(tag) = here.header("etag") {
                let again =
                    second.request("GET", path, &[("Accept-Encoding", coding), ("If-None-Match", tag)]);
                assert_eq!(again.status, 304, "{path} {coding}");
            }
        }
    }
}

#[test]
fn a_reader_waits_at_most_half_a_second_for_rendering_and_never_if_it_is_current() {
    if is_missing(Requirement::Postgres) {
        return;
    }
    let schema = Schema::new();
    let test_site = replica(&schema.url(), None);
    let bearer = format!("Bearer {}", test_site.ok(&["token", "new", "Văn phòng"]).trim());
    let serving = test_site.serve();
    assert_eq!(publish(&serving, &bearer, "Bài đầu").status, 201);
    let before = serving.get(RSS);
    assert!(before.text().contains("Bài đầu"), "who has published sees it at once");
    let tag = before.etag();
    let timed = |headers: &[(&str, &str)]| {
        let began = Instant::now();
        (serving.request("GET", RSS, headers), began.elapsed())
    };
    // It is notified of a change and cannot read it.
    let held = HeldLock::new(&schema.url(), "LOCK TABLE channel IN ACCESS EXCLUSIVE MODE");
    let output = "SELECT pg_notify('bantin_' || id, head + 1 || ' ' || generation) FROM log";
    // A busy machine delays some answers, but not each of them.
    let (mut quickest_full, mut quickest_again) = (Duration::MAX, Duration::MAX);
    wait_until("a reader to be kept waiting, and one that is current to be answered at once", || {
        schema.execute(output);
        let (answer, waited) = timed(&[]);
        assert_eq!((answer.status, answer.etag(), &answer.body), (200, tag.clone(), &before.body));
        quickest_full = quickest_full.min(waited);
        let (again, at_once) = timed(&[("If-None-Match", &tag)]);
        assert_eq!(again.status, 304);
        quickest_again = quickest_again.min(at_once);
        waited >= HELD_BACK && quickest_again < HELD_BACK
    });
    assert!(quickest_full < HELD_BACK * 3, "{quickest_full:?}");
    // After the renderer has failed once, nobody waits for it.
    wait_until("nobody to be kept waiting", || timed(&[]).1 < HELD_BACK / 2);
    drop(held);
    wait_until("the writes to be taken again", || publish(&serving, &bearer, "Bài sau").status == 201);
    wait_until("the article", || serving.get(RSS).text().contains("Bài sau"));
    wait_until("nobody to be kept waiting again", || timed(&[]).1 < HELD_BACK / 2);
}

#[test]
fn the_scan_moves_to_another_replica_when_its_own_dies() {
    if is_missing(Requirement::Postgres) {
        return;
    }
    let schema = Schema::new();
    let one = replica(&schema.url(), None);
    let two = replica(&schema.url(), Some(&one));
    one.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    let scanning = one.serve();
    wait_until("the first article", || scanning.get(RSS).text().contains("thi đua"));
    let waiting = two.serve();
    assert!(waiting.get(RSS).text().contains("thi đua"));
    assert_eq!(waiting.metric("bantin_scans_total"), 0, "one scans at a time");
    let before = waiting.get(RSS).etag();
    scanning.kill();
    let died = Instant::now();
    one.write("xa-hoi/moi.txt", article("Bài mới", "13/05/2023 08:00", "Đoạn mở đầu."));
    wait_until("the other to scan", || waiting.get(RSS).text().contains("Bài mới"));
    let moved = died.elapsed();
    println!("the scan had moved, and its first article was published, after {moved:?}");
    // After ten seconds; a busy machine takes longer.
    assert!(moved < Duration::from_secs(30), "{moved:?}");
    assert_ne!(waiting.get(RSS).etag(), before);
    // After an orderly shutdown nobody waits for a lease to expire.
    let third = one.serve();
    assert!(waiting.stop());
    one.write("xa-hoi/nua.txt", article("Bài nữa", "13/05/2023 09:00", "Đoạn mở đầu."));
    wait_until("the third to scan", || third.get(RSS).text().contains("Bài nữa"));
}

#[test]
fn a_file_that_is_renamed_while_two_processes_scan_stays_one_article() {
    if is_missing(Requirement::Postgres) {
        return;
    }
    let schema = Schema::new();
    let test_site = replica(&schema.url(), None).with("BANTIN_FOLDER__WATCH", "events");
    test_site.write("xa-hoi/bai-0.txt", SAMPLE_ARTICLE);
    let serving = test_site.serve();
    for number in 0..10 {
        let other = test_site.start(&["scan"]);
        // Somewhere in the scan of the one, of the other, or of both.
        std::thread::sleep(Duration::from_millis(30 * number));
        test_site.rename(&format!("xa-hoi/bai-{number}.txt"), &format!("xa-hoi/bai-{}.txt", number + 1));
        let output = other.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    test_site.ok(&["scan"]);
    let list = test_site.ok(&["list"]);
    assert_eq!(list.lines().count(), 1, "{list}");
    assert!(list.contains(" live "), "{list}");
    drop(serving);
}

#[test]
fn a_folder_without_the_log_marker_is_not_scanned() {
    if is_missing(Requirement::Postgres) {
        return;
    }
    let schema = Schema::new();
    let right = replica(&schema.url(), None);
    right.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    right.write("xa-hoi/moi.txt", article("Bài mới", "13/05/2023 08:00", "Đoạn mở đầu."));
    right.ok(&["scan"]);
    let mark = std::fs::read_to_string(right.path("feeds/.bantin-log")).unwrap();
    // If a share is not mounted, the folder is empty; or another share is mounted.
    let empty = replica(&schema.url(), None);
    let wrong = replica(&schema.url(), None);
    wrong.write("xa-hoi/khac.txt", article("Của nơi khác", "13/05/2023 08:00", "Đoạn mở đầu."));
    std::fs::write(wrong.path("feeds/.bantin-log"), "another0log0\n").unwrap();
    for test_site in [&empty, &wrong] {
        let scan = test_site.run(&["scan"]);
        assert_eq!(scan.status.code(), Some(1));
        let output = String::from_utf8(scan.stdout).unwrap() + &String::from_utf8(scan.stderr).unwrap();
        assert!(output.contains("scan --confirm"), "{output}");
        let serving = test_site.serve();
        test_site.scanned(&serving);
        let shown = serving.get(RSS).text();
        assert!(shown.contains("Bài mới") && shown.contains("thi đua") && !shown.contains("Của nơi khác"));
    }
    // The right folder is scanned as before. If the folder was moved, the operator says so.
    right.remove("xa-hoi/moi.txt");
    right.ok(&["scan"]);
    assert!(!right.ok(&["render", "xa-hoi", "rss"]).contains("Bài mới"));
    let moved = replica(&schema.url(), None);
    moved.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    moved.ok(&["scan", "--confirm"]);
    assert_eq!(std::fs::read_to_string(moved.path("feeds/.bantin-log")).unwrap(), mark);
    assert!(moved.ok(&["render", "xa-hoi", "rss"]).contains("thi đua"));
}

#[test]
fn a_replica_with_another_configuration_causes_a_warning() {
    if is_missing(Requirement::Postgres) {
        return;
    }
    let schema = Schema::new();
    let (one, two) = (replica(&schema.url(), None), replica(&schema.url(), None));
    let two = two.with("BANTIN_SITE__TITLE", "Xã Đăk Tô");
    let (first, second) = (one.serve(), two.serve());
    let warned = |serving: &RunningServer| serving.log().contains("a different version or configuration");
    wait_until("the warnings", || warned(&first) && warned(&second));
    assert!(second.stop());
    wait_until("the end of the warning", || {
        first.log().contains("all replicas have the same version and configuration")
    });
}

/// A PostgreSQL server of its own for one test, to be stopped and started.
struct Cluster {
    process: Child,
    url: String,
    folder: String,
}

impl Cluster {
    const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/postgres");

    fn new() -> Self {
        Self::below(&std::env::temp_dir())
    }

    /// In a separate folder below this one.
    fn below(folder: &Path) -> Self {
        let say =
            "echo \"$BANTIN_TEST_POSTGRES\"; echo \"$BANTIN_TEST_POSTGRES_FOLDER\"; exec cat >/dev/null";
        let mut process = Command::new(Self::SCRIPT)
            .args(["bash", "-c", say])
            .env("TMPDIR", folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut line = || lines.next().expect("a cluster; tests/postgres has said why there is none");
        let (url, folder) = (line(), line());
        Self { process, url, folder }
    }

    fn output(&self, what: &str) {
        let mut command = Command::new(Self::SCRIPT);
        let done = command.arg(what).env("BANTIN_TEST_POSTGRES_FOLDER", &self.folder).status();
        assert!(done.unwrap().success(), "{what}");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // It stops and removes the cluster at the end of its input.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

#[test]
fn damage_on_a_server_is_named() {
    if is_missing(Requirement::Postgres) {
        return;
    }
    let cluster = Cluster::new();
    let test_site = replica(&cluster.url, None);
    test_site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    test_site.ok(&["scan"]);
    assert_eq!(test_site.ok(&["verify"]), "the database is intact\n");

    // Another author than the checksum is of.
    assert_eq!(crate::support::postgres::execute(&cluster.url, "UPDATE revision SET author = 'folddr'"), 1);
    let serving = test_site.serve();
    wait_until("the damage to be named", || {
        let log = serving.log();
        log.contains("the change 1 of tag:dakto.example") && log.contains("restore-backup")
    });
    assert!(serving.stop());

    // A page that the server itself refuses to read.
    let path = crate::support::postgres::query::<String>("pg_relation_filepath('revision')", &cluster.url);
    cluster.output("--stop");
    let file = Path::new(&cluster.folder).join("data").join(path);
    OpenOptions::new().write(true).open(file).unwrap().write_all_at(&[b'z'; 24], 0).unwrap();
    cluster.output("--start");
    let verified = test_site.run(&["verify"]);
    let found = String::from_utf8(verified.stdout).unwrap();
    assert_eq!((verified.status.code(), found.lines().count()), (Some(1), 1), "{found}");
    assert!(found.starts_with("invalid page in block 0"), "{found}");

    // The service says why it is not ready, once.
    let path = test_site.path("log");
    let log = || std::fs::read_to_string(&path).unwrap();
    let file = std::fs::File::create(&path).unwrap();
    let mut waiting = test_site.command(&["serve"]).stdout(Stdio::null()).stderr(file).spawn().unwrap();
    wait_until("the damage to be named", || log().contains("restore-backup"));
    waiting.kill().unwrap();
    waiting.wait().unwrap();
    let log = log();
    let told = |words: &str| log.matches(words).count();
    assert_eq!((told("rendering failed"), told("the database is damaged")), (1, 1), "{log}");
}

#[test]
fn without_the_database_live_documents_are_served_and_writes_are_told_to_retry() {
    if is_missing(Requirement::Postgres) {
        return;
    }
    let cluster = Cluster::new();
    let test_site = replica(&cluster.url, None);
    test_site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    let bearer = format!("Bearer {}", test_site.ok(&["token", "new", "Văn phòng"]).trim());
    let serving = test_site.serve();
    wait_until("the first article", || serving.get(RSS).text().contains("thi đua"));
    let paths = ["/rss.xml", "/atom.xml", "/feed.json", RSS, "/", "/xa-hoi/", "/opml.xml"];
    let before = paths.map(|path| serving.get(path));
    for (round, stop) in ["--kill", "--stop"].into_iter().enumerate() {
        let shown = serving.get(RSS).text().matches("<item>").count();
        cluster.output(stop);
        let refused = |title: &str| {
            let send_request = Instant::now();
            let refused = publish(&serving, &bearer, title);
            assert!(send_request.elapsed() < TOLD_WITHIN, "{:?}", send_request.elapsed());
            refused
        };
        for number in 0..6 {
            let answer = refused(&format!("Bài {number}"));
            assert_eq!(answer.status, 503, "{}", answer.text());
            assert!(answer.header("retry-after").is_some());
        }
        wait_until("the state to be known", || serving.get("/readyz").json()["writes"] == "unavailable");
        let ready = serving.get("/readyz");
        assert_eq!((ready.status, &ready.json()["store"]), (200, &"unavailable".into()));
        sent_in_pieces(&serving, &bearer);
        if round == 0 {
            for (path, before) in paths.iter().zip(&before) {
                let after = serving.get(path);
                assert_eq!((after.etag(), after.body), (before.etag(), before.body.clone()), "{path}");
                let again = serving.request("GET", path, &[("If-None-Match", &before.etag())]);
                assert_eq!(again.status, 304, "{path}");
            }
        }
        cluster.output("--start");
        wait_until("the writes to be taken again", || serving.get("/readyz").json()["writes"] == "available");
        let title = format!("Sau lần {round}");
        wait_until("a write", || publish(&serving, &bearer, &title).status < 300);
        wait_until("the article", || serving.get(RSS).text().contains(&title));
        assert_eq!(
            serving.get(RSS).text().matches("<item>").count(),
            shown + 1,
            "what was refused is not there"
        );
    }
    // Connections that are all closed at once cost at most a moment.
    let cut = "(SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name <> 'x' AND \
               pid <> pg_backend_pid() AND datname = 'postgres')";
    assert!(crate::support::postgres::query::<i64>(cut, &cluster.url) > 0);
    wait_until("a write", || publish(&serving, &bearer, "Sau khi bị cắt").status < 300);
    wait_until("the article", || serving.get(RSS).text().contains("Sau khi bị cắt"));
    assert!(serving.stop());
}

/// A client that sends the body some time after the headers also gets an answer, and is not disconnected.
fn sent_in_pieces(serving: &RunningServer, bearer: &str) {
    let text = article("Bài gửi sau", "13/05/2023 08:00", "Đoạn mở đầu.");
    let mut stream = TcpStream::connect(serving.address()).unwrap();
    let length = text.len();
    write!(
        stream,
        "POST /api/articles?channel=xa-hoi HTTP/1.1\r\nHost: x\r\nAuthorization: {bearer}\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\n\r\n"
    )
    .unwrap();
    for piece in text.as_bytes().chunks(length / 3) {
        // Meanwhile others get answers; so would this request if it were known to be rejected.
        assert_eq!(publish(serving, bearer, "Bài khác").status, 503);
        stream.write_all(piece).unwrap();
    }
    let mut answer = [0; 12];
    io::Read::read_exact(&mut stream, &mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 503");
}

/// The answers that writers received.
#[derive(Default)]
struct Said {
    accepted: Vec<String>,
    refused: usize,
    slowest_refusal: Duration,
}

impl Said {
    /// Publishes; true if it was accepted.
    fn write(&mut self, serving: &RunningServer, bearer: &str, title: &str, text: &str) -> bool {
        let body = article(title, "13/05/2023 08:00", text);
        let began = Instant::now();
        let headers = [("Authorization", bearer), PLAIN];
        let answer =
            serving.request_with_body("POST", "/api/articles?channel=xa-hoi", &headers, body.as_bytes());
        match answer.status {
            201 => self.accepted.push(title.to_owned()),
            503 => {
                assert!(answer.header("retry-after").is_some());
                self.refused += 1;
                self.slowest_refusal = self.slowest_refusal.max(began.elapsed());
            }
            other => panic!("{other}: {}", answer.text()),
        }
        answer.status == 201
    }
}

/// Requests what is served from memory, and checks that it is unchanged.
fn unchanged(serving: &RunningServer, before: &[(&str, HttpResponse)]) {
    for (path, before) in before {
        let after = serving.get(path);
        assert_eq!((after.status, after.etag(), &after.body), (200, before.etag(), &before.body), "{path}");
        let again = serving.request("GET", path, &[("If-None-Match", &before.etag())]);
        assert_eq!(again.status, 304, "{path}");
    }
    assert_eq!(serving.get("/readyz").status, 200);
}

/// Two seconds; a busy machine takes longer. Without a limit, the client would wait until its own.
const TOLD_WITHIN: Duration = Duration::from_secs(10);

#[test]
fn with_a_full_postgres_disk_live_documents_are_served_and_writes_resume_later() {
    if is_missing(Requirement::Mount) {
        return;
    }
    if is_missing(Requirement::Postgres) {
        return;
    }
    let disk = TmpfsDisk::new(112);
    let cluster = Cluster::below(disk.path());
    // If the server had no room for its own log, it has stopped, and is started again.
    assert_full_disk_behaviour(&disk, &cluster.url, || cluster.output("--start"));
}

#[test]
fn with_a_full_sqlite_disk_live_documents_are_served_and_writes_resume_later() {
    if is_missing(Requirement::Mount) {
        return;
    }
    let disk = TmpfsDisk::new(8);
    assert_full_disk_behaviour(&disk, &format!("sqlite:{}/bantin.db", disk.path().display()), || {});
}

fn assert_full_disk_behaviour(disk: &TmpfsDisk, url: &str, start: impl Fn()) {
    let test_site = replica(url, None);
    test_site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    let bearer = format!("Bearer {}", test_site.ok(&["token", "new", "Văn phòng"]).trim());
    let serving = test_site.serve();
    wait_until("the first article", || serving.get(RSS).text().contains("thi đua"));
    // Incompressible, so that it takes its full size.
    let bulk = |number: u64| {
        let words = (number * 600..).take(600).map(|word| word.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        words.map(|word| format!("{word:x}")).collect::<Vec<_>>().join(" ")
    };
    let mut said = Said::default();
    for round in 0..2_u64 {
        disk.fill();
        let mut numbers = round * 1000..;
        let mut write = |said: &mut Said| {
            let number = numbers.next().unwrap();
            said.write(&serving, &bearer, &format!("Bài {number}"), &bulk(number))
        };
        wait_until("the disk to be full", || !write(&mut said));
        wait_until("the state to be known", || serving.get("/readyz").json()["writes"] == "unavailable");
        let before = ["/rss.xml", "/atom.xml", RSS, "/", "/opml.xml"].map(|path| (path, serving.get(path)));
        for _ in 0..6 {
            assert!(!write(&mut said), "there is no room");
            unchanged(&serving, &before);
        }
        disk.make_room();
        start();
        wait_until("the writes to be taken again", || serving.get("/readyz").json()["writes"] == "available");
        let title = format!("Sau lần {round}");
        wait_until("a write", || said.write(&serving, &bearer, &title, "Đoạn mở đầu."));
        wait_until("the article", || serving.get(RSS).text().contains(&title));
    }
    assert!(said.slowest_refusal < TOLD_WITHIN, "{:?}", said.slowest_refusal);
    println!("{} refused, the slowest after {:?}", said.refused, said.slowest_refusal);
    let listed = test_site.ok(&["list"]);
    assert!(said.accepted.iter().all(|title| listed.contains(title)), "what was accepted is there");
    assert_eq!(listed.lines().count(), said.accepted.len() + 1, "what was refused is not");
}

/// A connection to the database that can be interrupted: no data passes while it is, and all of it
/// afterwards.
struct Line {
    address: SocketAddr,
    interrupted: Arc<(Mutex<bool>, Condvar)>,
}

impl Line {
    fn to(server: SocketAddr) -> Self {
        Self::seen_by(server, |_| {})
    }

    /// `sees` gets what clients send, before the server does.
    fn seen_by(server: SocketAddr, sees: impl Fn(&[u8]) + Send + Sync + 'static) -> Self {
        let sees = Arc::new(sees);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let interrupted = Arc::new((Mutex::new(false), Condvar::new()));
        let line = Arc::clone(&interrupted);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (line, sees) = (Arc::clone(&line), Arc::clone(&sees));
                std::thread::spawn(move || {
                    get_through(&line);
                    let Ok(server) = TcpStream::connect(server) else { return };
                    let (up, down) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                    let upwards = Arc::clone(&line);
                    std::thread::spawn(move || carry(up, down, &upwards, &*sees));
                    carry(server, client, &line, &|_| {});
                });
            }
        });
        Self { address, interrupted }
    }

    fn is_drawn(&self, interrupted: bool) {
        *self.interrupted.0.lock().unwrap() = interrupted;
        self.interrupted.1.notify_all();
    }
}

fn get_through((interrupted, restored): &(Mutex<bool>, Condvar)) {
    drop(restored.wait_while(interrupted.lock().unwrap(), |interrupted| *interrupted).unwrap());
}

fn carry(mut from: TcpStream, mut to: TcpStream, line: &(Mutex<bool>, Condvar), sees: &dyn Fn(&[u8])) {
    let mut bytes = [0; 8192];
    while let Ok(length @ 1..) = io::Read::read(&mut from, &mut bytes) {
        get_through(line);
        sees(&bytes[..length]);
        if to.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

/// The address of the database.
fn database() -> SocketAddr {
    let server = crate::support::postgres::server();
    server.split(['@', '/']).find_map(|part| part.parse().ok()).expect("its address")
}

/// A replica that reaches the database over this line.
fn replica_over(line: &Line, schema: &Schema) -> TestSite {
    let server = crate::support::postgres::server();
    let over_line = server.replace(&database().to_string(), &line.address.to_string());
    replica(&schema.url_at(&over_line), None)
}

#[test]
fn a_replica_is_ready_only_when_it_is_told_what_others_write() {
    if is_missing(Requirement::Postgres) {
        return;
    }
    let schema = Schema::new();
    let listens = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&listens);
    // The statement is on its way for longer than everything else takes, and not so long that it counts as lost.
    let line = Line::seen_by(database(), move |bytes| {
        if bytes.windows(6).any(|word| word == b"LISTEN") {
            std::thread::sleep(Duration::from_millis(400));
            seen.store(true, Ordering::SeqCst);
        }
    });
    let test_site = replica_over(&line, &schema);
    let serving = test_site.serve();
    assert_eq!(serving.get("/readyz").status, 200);
    assert!(listens.load(Ordering::SeqCst));
}

#[test]
fn with_a_silent_database_live_documents_are_served_and_writers_are_told_soon() {
    if is_missing(Requirement::Postgres) {
        return;
    }
    let schema = Schema::new();
    let line = Line::to(database());
    let test_site = replica_over(&line, &schema);
    let bearer = format!("Bearer {}", test_site.ok(&["token", "new", "Văn phòng"]).trim());
    let serving = test_site.serve();
    let mut all = Said::default();
    for round in 0..3 {
        let title = format!("Sau lần {round}");
        wait_until("a write", || all.write(&serving, &bearer, &title, "Đoạn mở đầu."));
        wait_until("the article", || serving.get(RSS).text().contains(&title));
        // The server stops answering during the writes.
        let (ended, accepted) = (AtomicBool::new(false), AtomicUsize::new(0));
        let said = std::thread::scope(|scope| {
            let writers = [0, 1, 2, 3].map(|writer| {
                let (ended, accepted, serving, bearer) = (&ended, &accepted, &serving, &bearer);
                scope.spawn(move || {
                    let mut said = Said::default();
                    for number in (0..).take_while(|_| !ended.load(Ordering::Relaxed)) {
                        let title = format!("Bài {number} của người {writer}, lần {round}");
                        if said.write(serving, bearer, &title, "Đoạn mở đầu.") {
                            accepted.fetch_add(1, Ordering::Relaxed);
                        } else {
                            // No machine has enough connections for as many rejections as it could send.
                            std::thread::sleep(Duration::from_millis(20));
                        }
                    }
                    said
                })
            });
            wait_until("some writes", || accepted.load(Ordering::Relaxed) > 20);
            line.is_drawn(true);
            wait_until("the state to be known", || serving.get("/readyz").json()["writes"] == "unavailable");
            let before =
                ["/rss.xml", "/atom.xml", RSS, "/", "/opml.xml"].map(|path| (path, serving.get(path)));
            for _ in 0..20 {
                unchanged(&serving, &before);
            }
            line.is_drawn(false);
            wait_until("the writes to be taken again", || {
                serving.get("/readyz").json()["writes"] == "available"
            });
            ended.store(true, Ordering::Relaxed);
            writers.map(|writer| writer.join().unwrap())
        });
        for said in said {
            all.slowest_refusal = all.slowest_refusal.max(said.slowest_refusal);
            all.refused += said.refused;
            all.accepted.extend(said.accepted);
        }
    }
    println!("{} refused, the slowest after {:?}", all.refused, all.slowest_refusal);
    assert!(all.refused > 0 && all.slowest_refusal < TOLD_WITHIN, "{:?}", all.slowest_refusal);
    let listed = test_site.ok(&["list"]);
    assert!(all.accepted.iter().all(|title| listed.contains(title)), "what was accepted is there");
}

/// Forwards each connection to one of the running replicas.
struct Balancer {
    address: SocketAddr,
    behind: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Balancer {
    fn new(behind: Vec<SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, behind) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(behind)));
        let replicas = Arc::clone(&behind);
        std::thread::spawn(move || {
            for (turn, client) in listener.incoming().map_while(Result::ok).enumerate() {
                let mut replicas = replicas.lock().unwrap().clone();
                if replicas.is_empty() {
                    continue;
                }
                let first = turn % replicas.len();
                replicas.rotate_left(first);
                std::thread::spawn(move || {
                    let Some(server) = replicas.iter().find_map(|to| TcpStream::connect(to).ok()) else {
                        return;
                    };
                    let (mut up, mut down) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                    let upwards = std::thread::spawn(move || io::copy(&mut up, &mut down));
                    let (mut server, mut client) = (server, client);
                    let _ = io::copy(&mut server, &mut client);
                    let _ = client.shutdown(Shutdown::Both);
                    let _ = server.shutdown(Shutdown::Both);
                    let _ = upwards.join();
                });
            }
        });
        Self { address, behind }
    }
}

/// One request; none if the replica died before it answered.
fn send_request(
    address: SocketAddr,
    head: &str,
    body: &str,
) -> Option<(u16, HashMap<String, String>, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    let length = body.len();
    write!(stream, "{head}\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")
        .ok()?;
    let mut answer = Vec::new();
    io::Read::read_to_end(&mut stream, &mut answer).ok()?;
    let answer = String::from_utf8(answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.get("content-length").and_then(|length| length.parse().ok());
    if length.is_some_and(|length: usize| length != body.len() && status != 304) {
        return None;
    }
    Some((status, headers, body.to_owned()))
}

/// The number in the ETag of a feed: the state of its channel.
fn number_of(tag: &str) -> u64 {
    tag.split_once('.').unwrap().1.split_once('-').unwrap().0.parse().unwrap()
}

#[test]
fn nothing_acknowledged_is_lost_and_no_feed_goes_backwards_when_a_replica_is_killed() {
    if is_missing(Requirement::Postgres) {
        return;
    }
    let schema = Schema::new();
    let sites = [replica(&schema.url(), None), replica(&schema.url(), None)];
    let bearer = sites[0].ok(&["token", "new", "Văn phòng"]).trim().to_owned();
    let mut replicas = sites.each_ref().map(|test_site| Some(test_site.serve()));
    let addresses = || replicas.iter().flatten().map(RunningServer::address).collect::<Vec<_>>();
    let balancer = Balancer::new(addresses());
    let (address, ended) = (balancer.address, Arc::new(AtomicBool::new(false)));
    // Some send their ETag and never see an older feed. Others, like simple scripts, remember nothing; they may see one for
    // as long as a notification takes.
    let pollers = [true, true, true, false, false, false].map(|remembers| {
        let ended = Arc::clone(&ended);
        std::thread::spawn(move || {
            let (mut tag, mut highest, mut answers, mut older) = (String::new(), 0_u64, 0_u64, 0_u64);
            while !ended.load(Ordering::Relaxed) {
                let held = if remembers { format!("\r\nIf-None-Match: {tag}") } else { String::new() };
                let head = format!("GET {RSS} HTTP/1.1{held}");
                let Some((status, headers, _)) = send_request(address, &head, "") else { continue };
                answers += 1;
                match status {
                    200 => {
                        tag.clone_from(&headers["etag"]);
                        let number = number_of(&tag);
                        assert!(number >= highest || !remembers, "{number} after {highest}");
                        older += u64::from(number < highest);
                        highest = highest.max(number);
                    }
                    304 if remembers => assert_eq!(headers["etag"], tag),
                    other => panic!("{other}"),
                }
            }
            assert!(answers > 10, "{answers}");
            println!("{older} of {answers} answers were older than one before");
            highest
        })
    });
    let writers: Vec<_> = (0..2)
        .map(|writer| {
            let (ended, bearer) = (Arc::clone(&ended), bearer.clone());
            std::thread::spawn(move || {
                let mut accepted = Vec::new();
                for number in 0.. {
                    if ended.load(Ordering::Relaxed) {
                        break;
                    }
                    let title = format!("Bài {number} của người {writer}");
                    let text = article(&title, "13/05/2023 08:00", "Đoạn mở đầu.");
                    let head = format!(
                        "POST /api/articles?channel=xa-hoi HTTP/1.1\r\nAuthorization: Bearer {bearer}\r\n\
                         Content-Type: text/plain; charset=utf-8"
                    );
                    if let Some((201, _, body)) = send_request(address, &head, &text) {
                        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
                        accepted.push((body["id"].as_str().unwrap().to_owned(), title));
                    }
                }
                accepted
            })
        })
        .collect();
    for round in 0..6 {
        let random = u64::from(std::process::id()) * 7919 + round * 104_729;
        std::thread::sleep(Duration::from_millis(300 + random % 700));
        let which = (random / 1000 + round) as usize % 2;
        replicas[which].take().unwrap().kill();
        *balancer.behind.lock().unwrap() = replicas.iter().flatten().map(RunningServer::address).collect();
        std::thread::sleep(Duration::from_millis(200));
        replicas[which] = Some(sites[which].serve());
        *balancer.behind.lock().unwrap() = replicas.iter().flatten().map(RunningServer::address).collect();
    }
    std::thread::sleep(Duration::from_millis(500));
    ended.store(true, Ordering::Relaxed);
    let accepted: Vec<_> = writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
    let highest = pollers.into_iter().map(|poller| poller.join().unwrap()).max().unwrap();
    println!("{} articles accepted over six deaths; pollers saw number {highest}", accepted.len());
    assert!(accepted.len() > 20, "{}", accepted.len());
    let listed = sites[0].ok(&["list"]);
    for (id, title) in &accepted {
        assert!(
            listed.contains(title.as_str()) && listed.contains(id.as_str()),
            "{id} was accepted and is lost"
        );
    }
    let count = listed.lines().count() as u64;
    wait_until("both to have all of it", || {
        replicas.iter().flatten().all(|serving| number_of(&serving.get(RSS).etag()) == count)
    });
}

#[test]
fn one_replica_at_a_time_polls_a_source_and_another_goes_on_when_it_dies() {
    if is_missing(Requirement::Postgres) {
        return;
    }
    let schema = Schema::new();
    let source = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/rss.xml", source.local_addr().unwrap());
    let sites = [replica(&schema.url(), None), replica(&schema.url(), None)];
    for site in &sites {
        site.configure(&format!(
            "[[source]]\nname = \"Xã\"\nurl = \"{url}\"\nchannels = [\"xa-hoi\"]\nallow_private = true"
        ));
    }
    let is_busy = |site: &TestSite| {
        let reports = site.run(&["pull", "Xã", "--json"]).stdout;
        serde_json::from_slice::<serde_json::Value>(&reports).unwrap()[0]["busy"] == true
    };
    let (first, second) = (sites[0].serve(), sites[1].serve());
    let (request, _) = source.accept().unwrap();
    // While the answer is awaited, nobody else asks: neither the other replica nor a command.
    assert!(is_busy(&sites[0]) && is_busy(&sites[1]));
    source.set_nonblocking(true).unwrap();
    assert_eq!(source.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    source.set_nonblocking(false).unwrap();
    // Which of the two asks is not said; the scanning one does.
    let (asking, other, left) = match first.metric("bantin_scans_total") > 0 {
        true => (first, second, &sites[1]),
        false => (second, first, &sites[0]),
    };
    asking.kill();
    let died = Instant::now();
    drop(request);
    let (mut request, _) = source.accept().unwrap();
    println!("the other replica polled {:?} after the death", died.elapsed());
    assert!(died.elapsed() < Duration::from_secs(40), "{:?}", died.elapsed());
    assert!(is_busy(left), "it has the turn now");
    let feed = "<rss version='2.0'><channel><title>Xã</title><item><guid isPermaLink='false'>1</guid><title>Họp dân</title>\
                <pubDate>Fri, 12 May 2023 17:39:00 +0700</pubDate><description>Xã họp dân.</description></item></channel></rss>";
    let mut head = [0; 4096];
    let _ = io::Read::read(&mut request, &mut head).unwrap();
    let answer =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{feed}", feed.len());
    request.write_all(answer.as_bytes()).unwrap();
    wait_until("the article", || other.get(RSS).text().contains("Họp dân"));
    let listed = left.ok(&["list"]);
    assert_eq!(listed.lines().count(), 1, "{listed}");
}
