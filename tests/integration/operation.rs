//! Robustness in operation: the service goes on whatever happens to stderr, signals, hostile names, disks and clocks.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::postgres::Schema;
use crate::support::requirement::{Requirement, is_missing};
use crate::support::{
    HttpResponse, RunningServer, SAMPLE_ARTICLE, TestSite, article, as_root, execute_sql, request, wait_until,
};

const RSS: &str = "/xa-hoi/rss.xml";

/// A service whose output is not read; the test chooses its address.
struct DetachedService {
    child: Child,
    address: SocketAddr,
}

impl DetachedService {
    fn new(site: &TestSite, stderr: impl Into<Stdio>) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let child = site
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

    fn stops_cleanly(mut self) {
        signal(self.child.id(), "TERM");
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for DetachedService {
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

/// The write end of a pipe without a reader.
fn without_reader() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

fn seeded() -> TestSite {
    let site = TestSite::new();
    site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    site
}

#[test]
fn a_service_continues_if_its_log_output_cannot_be_written() {
    let sinks: [fn() -> Stdio; 2] = [|| full().into(), without_reader];
    for sink in sinks {
        let site = seeded();
        let service = DetachedService::new(&site, sink());
        wait_until("the first article", || service.shows("thi đua"));
        site.write("xa-hoi/moi.txt", article("Bài mới", "13/05/2023 08:00", "Đoạn mở đầu."));
        site.write("xa-hoi/hong.txt", "không có ngày");
        wait_until("the article", || service.shows("Bài mới"));
        service.stops_cleanly();
    }
}

#[test]
fn a_service_continues_if_its_log_output_is_not_read() {
    let site = seeded().with("BANTIN_SERVER__ACCESS_LOG", "true");
    let (_unread, writer) = std::io::pipe().unwrap();
    let service = DetachedService::new(&site, writer);
    let long = format!("/xa-hoi/khong/{}", "a".repeat(2000));
    // Much more than the pipe and the log queue hold.
    for _ in 0..1200 {
        assert_eq!(request(service.address, "GET", &long, &[]).status, 404);
    }
    site.write("xa-hoi/moi.txt", article("Bài mới", "13/05/2023 08:00", "Đoạn mở đầu."));
    wait_until("the article", || service.shows("Bài mới"));
    service.stops_cleanly();
}

#[test]
fn a_command_whose_messages_cannot_be_written_does_its_work() {
    let site = seeded();
    site.write("xa-hoi/hong.txt", "không có ngày");
    let id = "tag:dakto.example,2023:2023-05-12/thi-dua";
    let backup = site.path("backup.db");
    let out = site.path("site");
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
        // Some commands work only once, so only one sink is tried here.
        let status = site.command(arguments).stdout(Stdio::null()).stderr(full()).status().unwrap();
        assert_eq!((status.code(), status.signal()), (Some(code), None), "{arguments:?}");
    }
    for arguments in [&["scan"][..], &["check"], &["list", "-v"], &["nonsense"]] {
        let status = site.command(arguments).stdout(Stdio::null()).stderr(without_reader()).status().unwrap();
        assert!(matches!(status.code(), Some(0..=2)), "{arguments:?} {status}");
    }
}

#[test]
fn a_command_exits_quietly_on_a_closed_stdout_and_reports_a_full_one() {
    let site = seeded();
    site.ok(&["scan"]);
    site.write("xa-hoi/hong.txt", "không có ngày");
    fs::write(site.path("cu.txt"), SAMPLE_ARTICLE).unwrap();
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
        &["import", "--dry-run", "--json", site.path("cu.txt").to_str().unwrap(), "--channel", "xa-hoi"],
    ] {
        let gone = site.command(arguments).stdout(without_reader()).stderr(Stdio::piped()).output().unwrap();
        let message = String::from_utf8(gone.stderr).unwrap();
        assert!(matches!(gone.status.code(), Some(0 | 1)), "{arguments:?} {}\n{message}", gone.status);
        assert!(!message.contains("panicked") && !message.contains("pipe"), "{arguments:?}\n{message}");
        if arguments[0] == "token" || arguments[0] == "--help" {
            continue;
        }
        let refused = site.command(arguments).stdout(full()).stderr(Stdio::piped()).output().unwrap();
        let message = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{arguments:?}\n{message}");
        assert!(message.contains("No space left"), "{arguments:?}\n{message}");
    }
}

#[test]
fn ignored_signals_do_no_harm() {
    let site = seeded();
    let serving = site.serve();
    for name in ["USR1", "USR2", "PIPE", "ALRM", "XFSZ"] {
        signal(serving.pid(), name);
    }
    wait_until("the note", || {
        let log = serving.log();
        ["SIGUSR1", "SIGUSR2"].iter().all(|name| log.contains(&format!("{name} ignored")))
    });
    assert_eq!(serving.get(RSS).status, 200);
    assert!(serving.stop(), "and it still ends in order");
}

#[test]
fn no_name_can_forge_a_log_line() {
    let site = seeded().with("BANTIN_SERVER__ACCESS_LOG", "true");
    let name = "a\n2026-01-01T00:00:00Z ERROR forged\r\u{1b}[2J\u{2028}b\u{202e}c\u{9b}.txt";
    site.write(&format!("xa-hoi/{name}"), "không có ngày");
    site.write(&format!("xa-hoi/{}.txt", "x".repeat(240)), "không có ngày");
    let serving = site.serve();
    let long = format!("/a%0Ab\u{202e}{}", "a".repeat(30_000));
    assert!(serving.get(&long).status >= 400);
    wait_until("the lines", || {
        let log = serving.log();
        log.contains("ERROR forged\\r\\u{1b}") && log.contains("bytes)")
    });
    let (check, scan) = (site.run(&["check"]), site.run(&["scan"]));
    let mut message = serving.log();
    for output in [check, scan] {
        message += &String::from_utf8(output.stdout).unwrap();
        message += &String::from_utf8(output.stderr).unwrap();
    }
    assert!(message.matches("forged").count() >= 3, "{message}");
    for line in message.lines() {
        assert!(!line.starts_with("2026-01-01T00:00:00Z"), "{line}");
        assert!(line.len() < 12_000, "{}", line.len());
    }
    let raw = ['\r', '\u{1b}', '\u{2028}', '\u{202e}', '\u{9b}'];
    assert!(!message.contains(raw), "{message:?}");
}

#[test]
fn the_startup_banner_is_consistent() {
    let site = seeded();
    site.write("Kinh tế/mot.txt", article("Bài một", "13/05/2023 08:00", "Đoạn mở đầu."));
    let serving = site.serve();
    let log = serving.log();
    assert!(log.contains("serves 2 articles in 2 of 2 channels on "), "{log}");
    assert_eq!(log.matches("/rss.xml  ").count(), 1 + 2, "the feed of everything and two more: {log}");
    drop(serving);
    for number in 0..12 {
        site.write(
            &format!("kenh-{number}/a{number}.txt"),
            article(&format!("Bài số {number}"), "13/05/2023 08:00", "Đoạn mở đầu."),
        );
    }
    let serving: RunningServer = site.serve();
    wait_until("the end of the list", || serving.log().contains("and 2 more"));
    assert!(serving.log().contains("serves 14 articles in 14 of 14 channels on "));
}

fn bearer(site: &TestSite) -> String {
    format!("Bearer {}", site.ok(&["token", "new", "Văn phòng"]).trim())
}

fn publish(serving: &RunningServer, bearer: &str, title: &str) -> HttpResponse {
    let text = article(title, "13/05/2023 08:00", &format!("Đoạn mở đầu của {title}."));
    let headers = [("Authorization", bearer), ("Content-Type", "text/plain; charset=utf-8")];
    serving.request_with_body("POST", "/api/articles?channel=xa-hoi", &headers, text.as_bytes())
}

fn items(serving: &RunningServer) -> usize {
    serving.get(RSS).text().matches("<item>").count()
}

/// Mounts everything except one directory read-only and continues as nobody.
const READ_ONLY_MOUNTS: &str = "
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
fn a_service_that_may_write_only_its_state_directory_publishes() {
    if is_missing(Requirement::Mount) {
        return;
    }
    let site = seeded();
    let bearer = bearer(&site);
    // The directory of the program may not be accessible to nobody.
    let program = site.path("bantin");
    fs::copy(env!("CARGO_BIN_EXE_bantin"), &program).unwrap();
    let (state, config) = (site.path("data"), site.path("config.toml"));
    for path in [site.path(""), state.clone(), state.join("bantin.db")] {
        let nobody = as_root("chown").arg("65534:65534").arg(&path).status();
        assert!(nobody.unwrap().success());
    }
    fs::remove_file(site.path("feeds/.bantin-log")).unwrap_or_default();
    let mut command = as_root("unshare");
    command.args(["--mount", "sh", "-c", READ_ONLY_MOUNTS, "sh"]).arg(&state).arg(&program);
    command.arg("serve").arg("--config").arg(&config).env_remove("RUST_LOG");
    let serving = site.serve_by(command);
    assert!(serving.get(RSS).text().contains("thi đua"), "{}", serving.log());
    for number in 0..3 {
        assert_eq!(publish(&serving, &bearer, &format!("Bài {number}")).status, 201, "{}", serving.log());
    }
    // Large enough that one write exceeds the memory buffer of the database.
    site.write("xa-hoi/dai.txt", article("Bài dài", "13/05/2023 08:00", &"Đoạn dài. ".repeat(100_000)));
    wait_until("the long one", || serving.get(RSS).text().contains("Bài dài"));
    assert!(!site.path("feeds/.bantin-log").exists(), "a read-only folder has no marker");
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
        let site = seeded();
        let bearer = bearer(&site);
        let serving = site.serve();
        assert_eq!(publish(&serving, &bearer, "Bài trước").status, 201);
        wait_until("the article", || items(&serving) == 2);
        let data = site.path("data");
        lose(&data);
        let refused = publish(&serving, &bearer, "Bài mất");
        assert_eq!(refused.status, 503, "{}", refused.text());
        site.write("xa-hoi/moi.txt", article("Bài mới", "13/05/2023 08:00", "Đoạn mở đầu."));
        wait_until("the word of it", || {
            serving.get("/readyz").json()["writes"] == "unavailable"
                && serving.log().contains("was deleted, moved or replaced")
        });
        assert_eq!(items(&serving), 2, "known articles are still served");
        assert!(!data.join("bantin.db").exists() || !away(&data).exists(), "no new log is created");
        bring_back(&data);
        wait_until("the writes", || publish(&serving, &bearer, "Bài sau").status == 201);
        wait_until("all of them", || items(&serving) == 4);
        serving.kill();
        assert_eq!(items(&site.serve()), 4, "the articles are durable");
    }
}

#[test]
fn a_deleted_database_accepts_no_writes_and_a_start_without_it_creates_no_log() {
    for name in ["bantin.db", "bantin.db-wal"] {
        let site = seeded();
        let bearer = bearer(&site);
        let serving = site.serve();
        fs::remove_file(site.path("data").join(name)).unwrap();
        assert_eq!(publish(&serving, &bearer, "Bài mất").status, 503);
        assert_eq!(items(&serving), 1);
    }
    let site = seeded();
    site.ok(&["scan"]);
    let mark = fs::read_to_string(site.path("feeds/.bantin-log")).unwrap();
    fs::remove_dir_all(site.path("data")).unwrap();
    for arguments in [&["serve"][..], &["scan"], &["list"], &["token", "new", "A"]] {
        let refused = site.run(arguments);
        let message = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{arguments:?}: {message}");
        assert!(message.contains(mark.trim()) && message.contains("scan --confirm"), "{message}");
    }
    assert!(!site.path("data").exists());
    // A preview neither checks the marker nor writes its own.
    assert!(site.ok(&["render", "xa-hoi", "rss"]).contains("thi đua"));
    assert_eq!(fs::read_to_string(site.path("feeds/.bantin-log")).unwrap(), mark);
    site.ok(&["scan", "--confirm"]);
    assert_ne!(fs::read_to_string(site.path("feeds/.bantin-log")).unwrap(), mark);
    assert_eq!(items(&site.serve()), 1);
}

/// Going back to an older version is refused as long as its store is the newer one.
#[test]
fn the_store_of_a_newer_version_is_refused_and_not_changed() {
    let newer = |checksum: &str| {
        format!(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES (9999, 'later', TRUE, {checksum}, 0)"
        )
    };
    let on_server = (!is_missing(Requirement::Postgres)).then(Schema::new);
    for schema in [None, on_server] {
        let mut site = seeded();
        if let Some(schema) = &schema {
            site = site.with("BANTIN_STORE__URL", schema.url());
        }
        site.ok(&["scan"]);
        match &schema {
            Some(schema) => assert_eq!(schema.execute(&newer("''")), 1),
            None => assert_eq!(execute_sql(&site.path("data/bantin.db"), &newer("X''")), 1),
        }
        let stored = || match &schema {
            Some(schema) => schema.text().into_bytes(),
            None => fs::read(site.path("data/bantin.db")).unwrap(),
        };
        let before = stored();
        for command in [&["serve"][..], &["scan"], &["list"], &["backup", "later.backup"]] {
            let output = site.run(command);
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{command:?}: {said}");
            let cure = "migration 9999 was applied by a newer version of bantin. Use that version";
            assert!(said.contains(cure), "{command:?}: {said}");
        }
        assert!(stored() == before, "nothing is written");
    }
}

#[test]
fn a_folder_marked_for_another_log_is_not_scanned_until_confirmed() {
    let (site, other) = (seeded(), TestSite::new());
    site.ok(&["scan"]);
    other.write("xa-hoi/khac.txt", article("Của nơi khác", "13/05/2023 08:00", "Đoạn mở đầu."));
    other.ok(&["scan"]);
    fs::copy(other.path("data/bantin.db"), site.path("data/bantin.db")).unwrap();
    let refused = site.run(&["scan"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8(refused.stdout).unwrap().contains("scan --confirm"));
    assert!(site.ok(&["list"]).contains("Của nơi khác"), "nothing is withdrawn");
    site.ok(&["scan", "--confirm"]);
    assert!(site.ok(&["list", "--channel", "xa-hoi"]).contains("thi-dua"));
}

#[test]
fn with_the_sample_authority_a_new_log_needs_no_confirmation() {
    let site = seeded();
    fs::write(site.path("config.toml"), "[server]\nlisten = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n")
        .unwrap();
    site.ok(&["scan"]);
    fs::remove_dir_all(site.path("data")).unwrap();
    site.ok(&["scan"]);
    assert_eq!(items(&site.serve()), 1);
}

#[test]
fn the_database_and_its_folder_are_their_owner_s_alone() {
    let site = seeded();
    fs::create_dir(site.path("data")).unwrap();
    let deeper = site.path("data/a/bantin.db");
    let site = site.with("BANTIN_STORE__URL", format!("sqlite:{}", deeper.display()));
    let serving = site.serve();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(deeper.parent().unwrap()), 0o700);
    let files: Vec<_> =
        fs::read_dir(site.path("data/a")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    assert!(serving.stop());
    fs::set_permissions(&deeper, fs::Permissions::from_mode(0o644)).unwrap();
    site.ok(&["list"]);
    assert_eq!(mode(&deeper), 0o600, "also of an older program's");
}

#[test]
fn one_of_two_services_scans_and_the_other_takes_over() {
    let site = seeded();
    for number in 0..10 {
        site.write(
            &format!("xa-hoi/p{number:02}.txt"),
            article(&format!("Bài {number}"), "13/05/2023 08:00", "Đoạn."),
        );
    }
    let one = site.serve();
    let two = site.serve();
    assert_eq!(two.metric("bantin_scans_total"), 0, "one scans at a time");
    for number in 0..10 {
        site.rename(&format!("xa-hoi/p{number:02}.txt"), &format!("xa-hoi/doi-{number:02}.txt"));
    }
    // A third site, in addition to both.
    site.ok(&["scan"]);
    site.scanned(&one);
    let ids = site.ok(&["list"]);
    assert_eq!((ids.lines().count(), ids.matches("/p0").count()), (11, 10), "{ids}");
    one.kill();
    site.write("xa-hoi/moi.txt", article("Bài mới", "13/05/2023 08:00", "Đoạn mở đầu."));
    wait_until("the other to scan", || two.get(RSS).text().contains("Bài mới"));
    let third = site.serve();
    assert!(two.stop());
    site.write("xa-hoi/nua.txt", article("Bài nữa", "13/05/2023 09:00", "Đoạn mở đầu."));
    wait_until("the third to scan", || third.get(RSS).text().contains("Bài nữa"));
}

#[test]
fn a_rename_stays_one_article_with_concurrent_scans() {
    let site = seeded();
    for number in 0..40 {
        site.write(
            &format!("xa-hoi/p{number:02}.txt"),
            article(&format!("Bài {number}"), "13/05/2023 08:00", "Đoạn."),
        );
    }
    site.ok(&["scan"]);
    for number in 0..40 {
        site.rename(&format!("xa-hoi/p{number:02}.txt"), &format!("xa-hoi/doi-{number:02}.txt"));
    }
    let scans: Vec<Child> = (0..4).map(|_| site.start(&["scan"])).collect();
    for scan in scans {
        assert!(scan.wait_with_output().unwrap().status.success());
    }
    let ids = site.ok(&["list"]);
    assert_eq!((ids.lines().count(), ids.matches("doi-").count()), (41, 0), "{ids}");
}

#[test]
fn a_log_from_the_future_accepts_no_writes_until_the_clock_is_right() {
    let site = seeded();
    let bearer = bearer(&site);
    site.ok(&["scan"]);
    execute_sql(&site.path("data/bantin.db"), "UPDATE log SET head_at = head_at + 30");
    site.write("xa-hoi/moi.txt", article("Bài mới", "13/05/2023 08:00", "Đoạn mở đầu."));
    site.ok(&["scan"]);
    assert_eq!(site.ok(&["list"]).lines().count(), 2, "clocks of machines that share a log differ a little");
    execute_sql(&site.path("data/bantin.db"), "UPDATE log SET head_at = head_at + 315360000");
    site.write("xa-hoi/nua.txt", article("Bài nữa", "13/05/2023 09:00", "Đoạn mở đầu."));
    let refused = site.run(&["scan"]);
    let message = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(message.contains("clock") && message.contains("restore-backup"), "{message}");
    let id = "tag:dakto.example,2023:2023-05-12/thi-dua";
    assert_eq!(site.run(&["withdraw", id]).status.code(), Some(1));
    assert_eq!(site.ok(&["list"]).lines().count(), 2, "reading goes on");
    site.ok(&["backup", site.path("backup.db").to_str().unwrap()]);
    let service = DetachedService::new(&site, Stdio::null());
    let text = article("Bài gửi", "13/05/2023 08:00", "Đoạn mở đầu.");
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "text/plain; charset=utf-8")];
    let answer = crate::support::send(
        service.address,
        "POST",
        "/api/articles?channel=xa-hoi",
        &headers,
        text.as_bytes(),
    );
    assert_eq!(answer.status, 503, "{}", answer.text());
    execute_sql(&site.path("data/bantin.db"), "UPDATE log SET head_at = head_at - 315360000");
    wait_until("the article", || service.shows("Bài nữa"));
}

/// Long texts of different words, so that most bytes of the database are text.
fn long_articles(site: &TestSite) {
    for number in 0..12_u64 {
        let words = (number * 900..).take(900).map(|word| word.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let text = words.map(|word| format!("{word:x}")).collect::<Vec<_>>().join(" ");
        site.write(
            &format!("xa-hoi/dai-{number}.txt"),
            article(&format!("Bài dài {number}"), "13/05/2023 08:00", &text),
        );
    }
}

#[test]
fn a_flipped_bit_of_the_database_is_named_or_changes_nothing() {
    let site = seeded();
    long_articles(&site);
    site.ok(&["scan"]);
    assert!(site.ok(&["verify"]).contains("the database is intact"));
    let feeds = || [["render", "xa-hoi", "rss"], ["render", "xa-hoi", "atom"]].map(|feed| site.run(&feed));
    let expected = feeds().map(|output| output.stdout);
    let database = site.path("data/bantin.db");
    let whole = fs::read(&database).unwrap();
    let (mut named, mut harmless) = (0, 0);
    for number in 0..40_usize {
        let mut flipped = whole.clone();
        let place = number.wrapping_mul(0x9e37_79b9) % whole.len();
        flipped[place] ^= 1 << (number % 8);
        for file in fs::read_dir(site.path("data")).unwrap() {
            fs::remove_file(file.unwrap().path()).unwrap();
        }
        fs::write(&database, flipped).unwrap();
        let given = feeds();
        let checked = site.run(&["verify"]);
        let said = [&checked.stdout[..], &checked.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        match checked.status.code() {
            Some(0) => {
                assert_eq!(
                    given.map(|output| output.stdout),
                    expected,
                    "byte {place} changed a feed: {said}"
                );
                harmless += 1;
            }
            code => {
                let is_named =
                    ["damaged", "malformed", "not a database"].iter().any(|word| said.contains(word));
                assert!(code == Some(1) && is_named, "byte {place}: {code:?} {said}");
                named += 1;
            }
        }
    }
    assert!(named > 3 && harmless > 0, "{named} named, {harmless} harmless");
}

#[test]
fn a_damaged_reason_or_name_is_named_at_start_and_not_published() {
    let site = seeded();
    for stem in ["mot", "hai"] {
        site.write(&format!("xa-hoi/{stem}.txt"), article(stem, "13/05/2023 08:00", "Đoạn mở đầu."));
    }
    site.ok(&["scan"]);
    site.ok(&["withdraw", "tag:dakto.example,2023:2023-05-13/mot", "--reason", "Trùng tin"]);
    let database = site.path("data/bantin.db");
    for flip in [
        "UPDATE revision SET reason = 'Trung tin' WHERE reason IS NOT NULL",
        // No text any more.
        "UPDATE revision SET author = CAST(x'66ff6c64' AS TEXT) WHERE article LIKE '%/hai'",
    ] {
        assert_eq!(execute_sql(&database, flip), 1);
    }
    let serving = site.serve();
    wait_until("the damage to be named", || {
        let log = serving.log();
        ["mot", "hai"].iter().all(|stem| log.contains(&format!("2023-05-13/{stem} is damaged")))
            && log.contains("restore-backup")
    });
    let feed = serving.get(&RSS.replace("rss", "atom")).text();
    assert!(
        feed.contains("thi đua") && !feed.contains("Trung tin") && !feed.contains("2023-05-13/hai"),
        "{feed}"
    );
    assert_eq!(site.run(&["verify"]).status.code(), Some(1));
}

#[test]
fn a_damaged_text_is_named_at_start_and_left_out() {
    let site = seeded();
    site.write("xa-hoi/moi.txt", article("Bài mới", "13/05/2023 08:00", "Đoạn mở đầu của bài mới."));
    site.ok(&["scan"]);
    // The checksum of a text is in its bytes 6 to 9.
    let flip = "UPDATE revision SET content = CAST(SUBSTR(content, 1, 5) || x'00000000' || SUBSTR(content, 10) AS BLOB) \
                WHERE article LIKE '%/moi'";
    execute_sql(&site.path("data/bantin.db"), flip);
    let serving = site.serve();
    wait_until("the damage to be named", || {
        let log = serving.log();
        log.contains("the text of tag:dakto.example,2023:2023-05-13/moi is damaged")
            && log.contains("restore-backup")
    });
    let feed = serving.get(RSS).text();
    assert!(feed.contains("thi đua") && !feed.contains("Bài mới"), "{feed}");
    let listed = site.run(&["list"]);
    let lines = String::from_utf8(listed.stdout).unwrap();
    assert_eq!((listed.status.code(), lines.lines().count()), (Some(1), 2), "{lines}");
    assert!(lines.contains("thi đua") && lines.contains("moi  (damaged in the store"), "{lines}");
    let checked = site.run(&["verify", "--json"]);
    let found: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!((checked.status.code(), found["intact"].as_bool()), (Some(1), Some(false)), "{found}");
    // Whoever writes it anew has it again.
    site.write("xa-hoi/moi.txt", article("Bài mới", "13/05/2023 08:00", "Đoạn mở đầu, viết lại."));
    wait_until("the article", || serving.get(RSS).text().contains("viết lại"));
}

/// Long documents are files in memory. Each takes a descriptor, which a connection may need.
#[test]
fn documents_leave_most_descriptors_to_connections() {
    let site = TestSite::new();
    let slugs: Vec<String> = (1..=20).map(|number| format!("muc-{number}")).collect();
    let long = "Đoạn văn rất dài về phong trào thi đua ở huyện. ".repeat(1_000);
    for slug in &slugs {
        site.configure(&format!("[[channel]]\nslug = \"{slug}\"\ntitle = \"Mục {slug}\"\n"));
        site.write(
            &format!("{slug}/bai-{slug}.txt"),
            article(&format!("Bài {slug}"), "13/05/2023 08:00", &long),
        );
    }
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 200 && exec \"$0\" serve --config \"$1\"", env!("CARGO_BIN_EXE_bantin")]);
    command.arg(site.path("config.toml"));
    let serving = site.serve_by(command);
    let mut documents = 0;
    for slug in &slugs {
        for name in ["rss.xml", "atom.xml", "feed.json"] {
            let feed = serving.get(&format!("/{slug}/{name}")).text();
            assert!(feed.len() > 40_000 && feed.contains("thi đua ở huyện"), "{slug}/{name}: {}", feed.len());
            documents += 1;
        }
    }
    let descriptors = fs::read_dir(format!("/proc/{}/fd", serving.pid())).unwrap();
    let in_memory = descriptors
        .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
        .filter(|file| file.to_string_lossy().contains("bantin-document"))
        .count();
    assert_eq!((documents, in_memory), (60, 50), "a quarter of 200");
}

#[test]
fn a_service_may_open_as_many_files_as_the_system_allows() {
    let site = seeded();
    let mut command = Command::new("sh");
    command.args([
        "-c",
        "ulimit -S -n 100 && exec \"$0\" serve --config \"$1\"",
        env!("CARGO_BIN_EXE_bantin"),
    ]);
    command.arg(site.path("config.toml"));
    let serving = site.serve_by(command);
    let limits = fs::read_to_string(format!("/proc/{}/limits", serving.pid())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let values: Vec<&str> = line.split_whitespace().collect();
    assert!(values[3] != "100" && values[3] == values[4], "{line}");
}
