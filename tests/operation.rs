//! What an operator may rely on: whatever becomes of the log's reader, of signals and of names from strangers, the
//! work goes on.

mod support;

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use sqlx::{Connection as _, Executor as _, SqliteConnection};
use support::{HttpResponse, RunningServer, SAMPLE_ARTICLE, TestSite, article, as_root, request, wait_until};

const RSS: &str = "/xa-hoi/rss.xml";

/// A service of which nothing is read: its address is chosen here.
struct Unheard {
    child: Child,
    address: SocketAddr,
}

impl Unheard {
    fn new(house: &TestSite, stderr: impl Into<Stdio>) -> Self {
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
        wait_until("the service", || {
            assert_eq!(service.child.try_wait().unwrap(), None, "the service has ended");
            TcpStream::connect(address).is_ok() && request(address, "GET", "/healthz", &[]).status == 200
        });
        service
    }

    fn shows(&self, title: &str) -> bool {
        request(self.address, "GET", RSS, &[]).text().contains(title)
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

fn seeded() -> TestSite {
    let house = TestSite::new();
    house.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    house
}

#[test]
fn a_service_whose_log_cannot_be_written_goes_on() {
    let sinks: [fn() -> Stdio; 2] = [|| full().into(), without_reader];
    for sink in sinks {
        let house = seeded();
        let service = Unheard::new(&house, sink());
        wait_until("the first article", || service.shows("thi đua"));
        house.write("xa-hoi/moi.txt", article("Bài mới", "13/05/2023 08:00", "Đoạn mở đầu."));
        house.write("xa-hoi/hong.txt", "không có ngày");
        wait_until("the article", || service.shows("Bài mới"));
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
        assert_eq!(request(service.address, "GET", &long, &[]).status, 404);
    }
    house.write("xa-hoi/moi.txt", article("Bài mới", "13/05/2023 08:00", "Đoạn mở đầu."));
    wait_until("the article", || service.shows("Bài mới"));
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
    fs::write(house.path("cu.txt"), SAMPLE_ARTICLE).unwrap();
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
    wait_until("the note", || {
        let log = serving.log();
        ["SIGHUP", "SIGUSR1", "SIGUSR2"].iter().all(|name| log.contains(&format!("{name} ignored")))
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
    wait_until("the lines", || {
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
    let serving: RunningServer = house.serve();
    wait_until("the end of the list", || serving.log().contains("and 2 more"));
    assert!(serving.log().contains("serves 14 articles in 14 of 14 channels on "));
}

fn bearer(house: &TestSite) -> String {
    format!("Bearer {}", house.ok(&["token", "new", "Văn phòng"]).trim())
}

fn publish(serving: &RunningServer, bearer: &str, title: &str) -> HttpResponse {
    let text = article(title, "13/05/2023 08:00", &format!("Đoạn mở đầu của {title}."));
    let headers = [("Authorization", bearer), ("Content-Type", "text/plain; charset=utf-8")];
    serving.request_with_body("POST", "/api/articles?channel=xa-hoi", &headers, text.as_bytes())
}

fn items(serving: &RunningServer) -> usize {
    serving.get(RSS).text().matches("<item>").count()
}

fn in_the_database(house: &TestSite, sql: &'static str) {
    let url = format!("sqlite:{}", house.path("data/bantin.db").display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        connection.execute(sql).await.unwrap();
        connection.close().await.unwrap();
    });
}

/// Mounts everything but one folder read-only, and goes on as nobody.
const ALMOST_ALL_READ_ONLY: &str = "
    mount --bind \"$1\" \"$1\"
    while read -r _ target _; do
        [ \"$target\" = \"$1\" ] || mount -o remount,bind,ro \"$target\" 2>/dev/null || true
    done </proc/self/mounts
    cd /
    become='setpriv --reuid 65534 --regid 65534 --clear-groups'
    for folder in / /tmp /var/tmp; do
        if $become touch \"$folder/probe-$$\" 2>/dev/null; then echo \"$folder can be written\" >&2; exit 9; fi
    done
    shift
    exec $become \"$@\"";

#[test]
fn a_service_that_may_write_nothing_but_its_state_publishes() {
    let house = seeded();
    let bearer = bearer(&house);
    // The program lies where nobody may go, perhaps.
    let program = house.path("bantin");
    fs::copy(env!("CARGO_BIN_EXE_bantin"), &program).unwrap();
    let (state, config) = (house.path("data"), house.path("config.toml"));
    for path in [house.path(""), state.clone(), state.join("bantin.db")] {
        let nobody = as_root("chown").arg("65534:65534").arg(&path).status();
        assert!(nobody.unwrap().success());
    }
    fs::remove_file(house.path("feeds/.bantin-log")).unwrap_or_default();
    let mut command = as_root("unshare");
    command.args(["--mount", "sh", "-c", ALMOST_ALL_READ_ONLY, "sh"]).arg(&state).arg(&program);
    command.arg("serve").arg("--config").arg(&config).env_remove("RUST_LOG");
    let serving = RunningServer::of(command);
    assert!(serving.get(RSS).text().contains("thi đua"), "{}", serving.log());
    for number in 0..3 {
        assert_eq!(publish(&serving, &bearer, &format!("Bài {number}")).status, 201, "{}", serving.log());
    }
    // Enough for one write to outgrow what is kept in memory at first.
    house.write("xa-hoi/dai.txt", article("Bài dài", "13/05/2023 08:00", &"Đoạn dài. ".repeat(100_000)));
    wait_until("the long one", || serving.get(RSS).text().contains("Bài dài"));
    assert!(!house.path("feeds/.bantin-log").exists(), "a folder that cannot be written bears no mark");
    assert!(serving.stop());
}

#[test]
fn nothing_is_acknowledged_while_the_database_file_is_not_the_one_that_is_open() {
    type Act = fn(&Path);
    let away = |data: &Path| data.with_file_name("away");
    let rename: (Act, Act) = (
        |data| fs::rename(data, data.with_file_name("away")).unwrap(),
        |data| fs::rename(data.with_file_name("away"), data).unwrap(),
    );
    let replace: (Act, Act) = (
        |data| {
            fs::rename(data.join("bantin.db"), data.join("old")).unwrap();
            fs::copy(data.join("old"), data.join("bantin.db")).unwrap();
        },
        |data| fs::rename(data.join("old"), data.join("bantin.db")).unwrap(),
    );
    let new_folder: (Act, Act) = (
        |data| {
            fs::rename(data, data.with_file_name("away")).unwrap();
            fs::create_dir(data).unwrap();
        },
        |data| {
            fs::remove_dir(data).unwrap();
            fs::rename(data.with_file_name("away"), data).unwrap();
        },
    );
    for (lose, bring_back) in [rename, replace, new_folder] {
        let house = seeded();
        let bearer = bearer(&house);
        let serving = house.serve();
        assert_eq!(publish(&serving, &bearer, "Bài trước").status, 201);
        wait_until("the article", || items(&serving) == 2);
        let data = house.path("data");
        lose(&data);
        let refused = publish(&serving, &bearer, "Bài mất");
        assert_eq!(refused.status, 503, "{}", refused.text());
        house.write("xa-hoi/moi.txt", article("Bài mới", "13/05/2023 08:00", "Đoạn mở đầu."));
        wait_until("the word of it", || {
            serving.get("/readyz").json()["writes"] == "unavailable"
                && serving.log().contains("was deleted, moved or replaced")
        });
        assert_eq!(items(&serving), 2, "what is known is served on");
        assert!(!data.join("bantin.db").exists() || !away(&data).exists(), "nothing is begun anew");
        bring_back(&data);
        wait_until("the writes", || publish(&serving, &bearer, "Bài sau").status == 201);
        wait_until("all of them", || items(&serving) == 4);
        serving.kill();
        assert_eq!(items(&house.serve()), 4, "and they are there for good");
    }
}

#[test]
fn a_deleted_database_takes_no_writes_and_a_start_without_it_begins_no_log() {
    for name in ["bantin.db", "bantin.db-wal"] {
        let house = seeded();
        let bearer = bearer(&house);
        let serving = house.serve();
        fs::remove_file(house.path("data").join(name)).unwrap();
        assert_eq!(publish(&serving, &bearer, "Bài mất").status, 503);
        assert_eq!(items(&serving), 1);
    }
    let house = seeded();
    house.ok(&["scan"]);
    let mark = fs::read_to_string(house.path("feeds/.bantin-log")).unwrap();
    fs::remove_dir_all(house.path("data")).unwrap();
    for arguments in [&["serve"][..], &["scan"], &["list"], &["token", "new", "A"]] {
        let refused = house.run(arguments);
        let told = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{arguments:?}: {told}");
        assert!(told.contains(mark.trim()) && told.contains("scan --confirm"), "{told}");
    }
    assert!(!house.path("data").exists());
    // A preview neither minds the mark nor leaves its own.
    assert!(house.ok(&["render", "xa-hoi", "rss"]).contains("thi đua"));
    assert_eq!(fs::read_to_string(house.path("feeds/.bantin-log")).unwrap(), mark);
    house.ok(&["scan", "--confirm"]);
    assert_ne!(fs::read_to_string(house.path("feeds/.bantin-log")).unwrap(), mark);
    assert_eq!(items(&house.serve()), 1);
}

#[test]
fn a_database_of_another_log_takes_nothing_from_the_folder_until_somebody_confirms_it() {
    let (house, other) = (seeded(), TestSite::new());
    house.ok(&["scan"]);
    other.write("xa-hoi/khac.txt", article("Của nơi khác", "13/05/2023 08:00", "Đoạn mở đầu."));
    other.ok(&["scan"]);
    fs::copy(other.path("data/bantin.db"), house.path("data/bantin.db")).unwrap();
    let refused = house.run(&["scan"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8(refused.stdout).unwrap().contains("scan --confirm"));
    assert!(house.ok(&["list"]).contains("Của nơi khác"), "nothing is withdrawn");
    house.ok(&["scan", "--confirm"]);
    assert!(house.ok(&["list", "--channel", "xa-hoi"]).contains("thi-dua"));
}

#[test]
fn with_the_sample_authority_a_new_log_may_simply_begin() {
    let house = seeded();
    fs::write(house.path("config.toml"), "[server]\nlisten = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n")
        .unwrap();
    house.ok(&["scan"]);
    fs::remove_dir_all(house.path("data")).unwrap();
    house.ok(&["scan"]);
    assert_eq!(items(&house.serve()), 1);
}

#[test]
fn the_database_and_its_folder_are_their_owner_s_alone() {
    let house = seeded();
    fs::create_dir(house.path("data")).unwrap();
    let deeper = house.path("data/a/bantin.db");
    let house = house.with("BANTIN_STORE__URL", format!("sqlite:{}", deeper.display()));
    let serving = house.serve();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(deeper.parent().unwrap()), 0o700);
    let files: Vec<_> =
        fs::read_dir(house.path("data/a")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    assert!(serving.stop());
    fs::set_permissions(&deeper, fs::Permissions::from_mode(0o644)).unwrap();
    house.ok(&["list"]);
    assert_eq!(mode(&deeper), 0o600, "also of an older program's");
}

#[test]
fn of_two_services_on_one_database_one_scans_and_the_other_takes_over() {
    let house = seeded();
    for number in 0..10 {
        house.write(
            &format!("xa-hoi/p{number:02}.txt"),
            article(&format!("Bài {number}"), "13/05/2023 08:00", "Đoạn."),
        );
    }
    let one = house.serve();
    let two = house.serve();
    assert_eq!(two.metric("bantin_scans_total"), 0, "one scans at a time");
    for number in 0..10 {
        house.rename(&format!("xa-hoi/p{number:02}.txt"), &format!("xa-hoi/doi-{number:02}.txt"));
    }
    // Beside both, a third.
    house.ok(&["scan"]);
    house.scanned(&one);
    let ids = house.ok(&["list"]);
    assert_eq!((ids.lines().count(), ids.matches("/p0").count()), (11, 10), "{ids}");
    one.kill();
    house.write("xa-hoi/moi.txt", article("Bài mới", "13/05/2023 08:00", "Đoạn mở đầu."));
    wait_until("the other to scan", || two.get(RSS).text().contains("Bài mới"));
    let third = house.serve();
    assert!(two.stop());
    house.write("xa-hoi/nua.txt", article("Bài nữa", "13/05/2023 09:00", "Đoạn mở đầu."));
    wait_until("the third to scan", || third.get(RSS).text().contains("Bài nữa"));
}

#[test]
fn a_rename_is_one_article_however_many_scan_at_once() {
    let house = seeded();
    for number in 0..40 {
        house.write(
            &format!("xa-hoi/p{number:02}.txt"),
            article(&format!("Bài {number}"), "13/05/2023 08:00", "Đoạn."),
        );
    }
    house.ok(&["scan"]);
    for number in 0..40 {
        house.rename(&format!("xa-hoi/p{number:02}.txt"), &format!("xa-hoi/doi-{number:02}.txt"));
    }
    let scans: Vec<Child> = (0..4).map(|_| house.start(&["scan"])).collect();
    for scan in scans {
        assert!(scan.wait_with_output().unwrap().status.success());
    }
    let ids = house.ok(&["list"]);
    assert_eq!((ids.lines().count(), ids.matches("doi-").count()), (41, 0), "{ids}");
}

#[test]
fn a_log_of_the_future_takes_no_writes_until_the_clock_is_right() {
    let house = seeded();
    let bearer = bearer(&house);
    house.ok(&["scan"]);
    in_the_database(&house, "UPDATE log SET head_at = head_at + 30");
    house.write("xa-hoi/moi.txt", article("Bài mới", "13/05/2023 08:00", "Đoạn mở đầu."));
    house.ok(&["scan"]);
    assert_eq!(house.ok(&["list"]).lines().count(), 2, "clocks of machines that share a log differ a little");
    in_the_database(&house, "UPDATE log SET head_at = head_at + 315360000");
    house.write("xa-hoi/nua.txt", article("Bài nữa", "13/05/2023 09:00", "Đoạn mở đầu."));
    let refused = house.run(&["scan"]);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(told.contains("clock") && told.contains("restore-backup"), "{told}");
    let id = "tag:dakto.example,2023:2023-05-12/thi-dua";
    assert_eq!(house.run(&["withdraw", id]).status.code(), Some(1));
    assert_eq!(house.ok(&["list"]).lines().count(), 2, "reading goes on");
    house.ok(&["backup", house.path("backup.db").to_str().unwrap()]);
    let service = Unheard::new(&house, Stdio::null());
    let text = article("Bài gửi", "13/05/2023 08:00", "Đoạn mở đầu.");
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "text/plain; charset=utf-8")];
    let answer =
        support::send(service.address, "POST", "/api/articles?channel=xa-hoi", &headers, text.as_bytes());
    assert_eq!(answer.status, 503, "{}", answer.text());
    in_the_database(&house, "UPDATE log SET head_at = head_at - 315360000");
    wait_until("the article", || service.shows("Bài nữa"));
}
