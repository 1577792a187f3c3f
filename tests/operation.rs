//! What an operator may rely on: whatever becomes of the log's reader, of signals and of names from strangers, the
//! work goes on.

mod house;

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};

use house::{House, SEED, Serving, article, ask, until};

const RSS: &str = "/xa-hoi/rss.xml";

/// A service of which nothing is read: its address is chosen here.
struct Unheard {
    child: Child,
    address: SocketAddr,
}

impl Unheard {
    fn new(house: &House, stderr: impl Into<Stdio>) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let child = house
            .command(&["serve"])
            .env("BANTIN_SERVER__LISTEN", address.to_string())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let mut service = Self { child, address };
        until("the service", || {
            assert_eq!(service.child.try_wait().unwrap(), None, "the service has ended");
            TcpStream::connect(address).is_ok() && ask(address, "GET", "/readyz", &[]).status == 200
        });
        service
    }

    fn shows(&self, title: &str) -> bool {
        ask(self.address, "GET", RSS, &[]).text().contains(title)
    }

    fn ends_well(mut self) {
        signal(self.child.id(), "TERM");
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Unheard {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
    assert!(sent.unwrap().success());
}

fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

/// The writing end of a pipe whose reader has gone.
fn without_reader() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

fn seeded() -> House {
    let house = House::new();
    house.write("xa-hoi/thi-dua.txt", SEED);
    house
}

#[test]
fn a_service_whose_log_cannot_be_written_goes_on() {
    let sinks: [fn() -> Stdio; 2] = [|| full().into(), without_reader];
    for sink in sinks {
        let house = seeded();
        let service = Unheard::new(&house, sink());
        house.write("xa-hoi/moi.txt", article("Bài mới", "13/05/2023 08:00", "Đoạn mở đầu."));
        house.write("xa-hoi/hong.txt", "không có ngày");
        until("the article", || service.shows("Bài mới"));
        service.ends_well();
    }
}

#[test]
fn a_service_whose_log_is_not_read_any_more_goes_on() {
    let house = seeded().with("BANTIN_SERVER__ACCESS_LOG", "true");
    let (_unread, writer) = std::io::pipe().unwrap();
    let service = Unheard::new(&house, writer);
    let long = format!("/xa-hoi/khong/{}", "a".repeat(2000));
    // Much more than a pipe and the queue before it hold.
    for _ in 0..1200 {
        assert_eq!(ask(service.address, "GET", &long, &[]).status, 404);
    }
    house.write("xa-hoi/moi.txt", article("Bài mới", "13/05/2023 08:00", "Đoạn mở đầu."));
    until("the article", || service.shows("Bài mới"));
    service.ends_well();
}

#[test]
fn a_command_whose_messages_cannot_be_written_does_its_work() {
    let house = seeded();
    house.write("xa-hoi/hong.txt", "không có ngày");
    let id = "tag:dakto.example,2023:2023-05-12/thi-dua";
    let backup = house.path("backup.db");
    let out = house.path("site");
    let (backup, out) = (backup.to_str().unwrap(), out.to_str().unwrap());
    for (arguments, code) in [
        (&["check"][..], 1),
        (&["scan"], 1),
        (&["scan", "-v"], 1),
        (&["list"], 0),
        (&["withdraw", id], 0),
        (&["restore", id], 0),
        (&["withdraw", "tag:a,2023:b"], 1),
        (&["token", "new", "A"], 0),
        (&["token", "revoke", "A"], 0),
        (&["backup", backup], 0),
        (&["build", "--out", out], 1),
        (&["render", "khong-co", "rss"], 1),
        (&["publsh"], 2),
    ] {
        // Each sink on its own would find the work done; the last one is enough for what is done once.
        let status = house.command(arguments).stdout(Stdio::null()).stderr(full()).status().unwrap();
        assert_eq!((status.code(), status.signal()), (Some(code), None), "{arguments:?}");
    }
    for arguments in [&["scan"][..], &["check"], &["list", "-v"], &["nonsense"]] {
        let status =
            house.command(arguments).stdout(Stdio::null()).stderr(without_reader()).status().unwrap();
        assert!(matches!(status.code(), Some(0..=2)), "{arguments:?} {status}");
    }
}

#[test]
fn a_command_whose_data_nobody_takes_ends_quietly_and_one_that_cannot_write_it_says_so() {
    let house = seeded();
    house.ok(&["scan"]);
    house.write("xa-hoi/hong.txt", "không có ngày");
    fs::write(house.path("cu.txt"), SEED).unwrap();
    for arguments in [
        &["list"][..],
        &["list", "--json"],
        &["check"],
        &["check", "--json"],
        &["scan", "--json"],
        &["render", "xa-hoi", "rss"],
        &["config"],
        &["config", "--json"],
        &["token", "new", "A", "--json"],
        &["token", "list", "--json"],
        &["completions", "bash"],
        &["--help"],
        &["import", "--dry-run", "--json", house.path("cu.txt").to_str().unwrap(), "--channel", "xa-hoi"],
    ] {
        let gone = house.command(arguments).stdout(without_reader()).stderr(Stdio::piped()).output().unwrap();
        let told = String::from_utf8(gone.stderr).unwrap();
        assert!(matches!(gone.status.code(), Some(0 | 1)), "{arguments:?} {}\n{told}", gone.status);
        assert!(!told.contains("panicked") && !told.contains("pipe"), "{arguments:?}\n{told}");
        if arguments[0] == "token" || arguments[0] == "--help" {
            continue;
        }
        let refused = house.command(arguments).stdout(full()).stderr(Stdio::piped()).output().unwrap();
        let told = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{arguments:?}\n{told}");
        assert!(told.contains("No space left"), "{arguments:?}\n{told}");
    }
}

#[test]
fn signals_that_ask_for_nothing_do_no_harm() {
    let house = seeded();
    let serving = house.serve();
    for name in ["HUP", "USR1", "USR2", "PIPE", "ALRM", "XFSZ"] {
        signal(serving.pid(), name);
    }
    until("the note", || {
        let log = serving.log();
        ["SIGHUP", "SIGUSR1", "SIGUSR2"].iter().all(|name| log.contains(&format!("{name} is ignored")))
    });
    assert_eq!(serving.get(RSS).status, 200);
    assert!(serving.stop(), "and it still ends in order");
}

#[test]
fn no_name_forges_a_line_of_the_log() {
    let house = seeded().with("BANTIN_SERVER__ACCESS_LOG", "true");
    let name = "a\n2026-01-01T00:00:00Z ERROR forged\r\u{1b}[2J\u{2028}b\u{202e}c\u{9b}.txt";
    house.write(&format!("xa-hoi/{name}"), "không có ngày");
    house.write(&format!("xa-hoi/{}.txt", "x".repeat(240)), "không có ngày");
    let serving = house.serve();
    let long = format!("/a%0Ab\u{202e}{}", "a".repeat(30_000));
    assert!(serving.get(&long).status >= 400);
    until("the lines", || {
        let log = serving.log();
        log.contains("ERROR forged\\r\\u{1b}") && log.contains("bytes)")
    });
    let (check, scan) = (house.run(&["check"]), house.run(&["scan"]));
    let mut told = serving.log();
    for output in [check, scan] {
        told += &String::from_utf8(output.stdout).unwrap();
        told += &String::from_utf8(output.stderr).unwrap();
    }
    assert!(told.matches("forged").count() >= 3, "{told}");
    for line in told.lines() {
        assert!(!line.starts_with("2026-01-01T00:00:00Z"), "{line}");
        assert!(line.len() < 12_000, "{}", line.len());
    }
    let raw = ['\r', '\u{1b}', '\u{2028}', '\u{202e}', '\u{9b}'];
    assert!(!told.contains(raw), "{told:?}");
}

#[test]
fn the_first_lines_agree_with_themselves() {
    let house = seeded();
    house.write("Kinh tế/mot.txt", article("Bài một", "13/05/2023 08:00", "Đoạn mở đầu."));
    let serving = house.serve();
    let log = serving.log();
    assert!(log.contains("serves 2 articles in 2 of 2 channels on "), "{log}");
    assert_eq!(log.matches("/rss.xml  ").count(), 1 + 2, "the feed of everything and two more: {log}");
    drop(serving);
    for number in 0..12 {
        house.write(
            &format!("kenh-{number}/a{number}.txt"),
            article(&format!("Bài số {number}"), "13/05/2023 08:00", "Đoạn mở đầu."),
        );
    }
    let serving: Serving = house.serve();
    until("the end of the list", || serving.log().contains("and 2 more"));
    assert!(serving.log().contains("serves 14 articles in 14 of 14 channels on "));
    assert_eq!(fs::read_dir(house.path("feeds")).unwrap().count(), 15 - 1);
}
