//! Under systemd: notifications, the watchdog, sockets that outlive the service, and the units of `packaging`.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::requirement::{Requirement, is_missing};
use crate::support::{SAMPLE_ARTICLE, TestSite, as_root, request, wait_until};

fn seeded() -> TestSite {
    let site = TestSite::new();
    site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    site
}

fn signal(child: &Child, name: &str) {
    assert!(
        Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap().success()
    );
}

/// Waits for a message of several lines that has this one.
fn told(socket: &UnixDatagram, line: &str) -> String {
    let mut message = [0; 4096];
    loop {
        let length = socket.recv(&mut message).unwrap_or_else(|cause| panic!("no {line}: {cause}"));
        let message = String::from_utf8(message[..length].to_vec()).unwrap();
        if message.lines().any(|told| told == line) {
            return message;
        }
    }
}

#[test]
fn systemd_is_told_of_readiness_life_reloads_and_the_end() {
    let site = seeded();
    let path = site.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut child = site
        .command(&["serve"])
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "200000")
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    told(&socket, "STATUS=starting: reading the articles");
    let ready = told(&socket, "READY=1");
    assert!(ready.lines().any(|line| line == "STATUS=serving"), "{ready}");
    told(&socket, "WATCHDOG=1");
    told(&socket, "WATCHDOG=1");
    signal(&child, "HUP");
    let reloading = told(&socket, "RELOADING=1");
    assert!(reloading.contains("MONOTONIC_USEC="), "{reloading}");
    let ready = told(&socket, "READY=1");
    assert!(ready.contains("STATUS=serving; the configuration was reloaded"), "{ready}");
    site.configure("[nonsense]\n");
    signal(&child, "HUP");
    told(&socket, "RELOADING=1");
    let ready = told(&socket, "READY=1");
    assert!(ready.contains("STATUS=serving; the new configuration was refused"), "{ready}");
    told(&socket, "WATCHDOG=1");
    signal(&child, "TERM");
    told(&socket, "STOPPING=1");
    assert!(child.wait().unwrap().success());
}

/// Starts the service as systemd does: with the listening socket as descriptor 3.
fn start_with(site: &TestSite, socket: &TcpListener) -> Child {
    let serve = site.command(&["serve"]);
    let mut command = Command::new("sh");
    command.args(["-c", "exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\"", "sh"]);
    command.arg(serve.get_program()).args(serve.get_args()).env_remove("RUST_LOG");
    command.stdin(OwnedFd::from(socket.try_clone().unwrap())).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn connections_wait_while_a_service_with_a_socket_of_systemd_restarts() {
    let site = seeded();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let mut first = start_with(&site, &socket);
    while request(address, "GET", "/readyz", &[]).status != 200 {}
    assert_eq!(request(address, "GET", "/xa-hoi/rss.xml", &[]).status, 200);
    signal(&first, "TERM");
    assert!(first.wait().unwrap().success());
    // Nobody accepts now. The kernel holds the connections.
    let asking = |path: &str| {
        let mut waiting = TcpStream::connect(address).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n");
        waiting.write_all(request.as_bytes()).unwrap();
        waiting
    };
    let waiting = ["/healthz", "/xa-hoi/rss.xml", "/xa-hoi/", "/opml.xml"].map(|path| (path, asking(path)));
    let mut second = start_with(&site, &socket);
    for (path, mut waiting) in waiting {
        let mut answer = String::new();
        waiting.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{path} comes before the first rendering: {answer}");
        assert!(path != "/xa-hoi/rss.xml" || answer.contains("<item>"), "{answer}");
    }
    signal(&second, "TERM");
    assert!(second.wait().unwrap().success());
}

#[test]
fn a_service_that_only_a_person_can_repair_is_not_started_again_and_every_other_one_is() {
    let unit = fs::read_to_string(packaging().join("bantin.service")).unwrap();
    let setting = |name: &str| {
        unit.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
    };
    let is_final =
        |code: i32| setting("RestartPreventExitStatus").split(' ').any(|status| status.parse() == Ok(code));
    // What it lacks may come back a day later.
    assert_eq!((setting("Restart"), setting("StartLimitIntervalSec")), ("always", "0"));

    let site = seeded();
    site.configure("[nonsense]\n");
    let refused = site.run(&["serve"]);
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(is_final(refused.status.code().unwrap()), "{message}");
    assert!(message.contains("config.toml") && message.contains("nonsense"), "{message}");
    assert!(is_final(site.run(&["serve", "--nonsense"]).status.code().unwrap()));
    let missing = site.run(&["list"]);
    assert_eq!(missing.status.code(), Some(1), "for commands this is a failure like others");

    // The port is taken, for now.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let site = seeded().with("BANTIN_SERVER__LISTEN", taken.local_addr().unwrap().to_string());
    let failed = site.run(&["serve"]);
    assert!(!failed.status.success() && !is_final(failed.status.code().unwrap()), "{failed:?}");
}

#[test]
fn a_reload_of_the_unit_fails_if_the_configuration_is_refused() {
    let unit = fs::read_to_string(packaging().join("bantin.service")).unwrap();
    let mut reload = unit.lines().filter_map(|line| line.strip_prefix("ExecReload="));
    let check = reload.next().unwrap();
    let check =
        check.strip_prefix("/usr/bin/bantin ").unwrap().strip_suffix(" --config /etc/bantin/config.toml");
    let check: Vec<_> = check.unwrap().split(' ').collect();
    assert_eq!(reload.next(), Some("/bin/kill -HUP $MAINPID"), "only after the check");

    let site = seeded();
    let accepted = site.run(&check);
    assert!(accepted.status.success(), "{accepted:?}");
    assert_eq!((accepted.stdout.len(), accepted.stderr.len()), (0, 0), "nothing for the journal");
    site.configure("[nonsense]\n");
    let refused = site.run(&check);
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && message.contains("nonsense"), "{message}");
    // What only a service that others reach may not have.
    let public = TestSite::new()
        .with("BANTIN_SITE__TAG_AUTHORITY", "bantin.example,2023")
        .with("BANTIN_SERVER__LISTEN", "0.0.0.0:8080");
    assert!(public.run(&["config"]).status.success(), "it can be looked at");
    let refused = public.run(&check);
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && message.contains("tag_authority"), "{message}");
}

/// Runs the service until it is ready, with a file in the place of stderr, and returns what it has written there.
fn logged(site: &TestSite, is_journal: bool, arguments: &[&str]) -> String {
    let path = site.path("journal");
    let file = fs::File::create(&path).unwrap();
    let metadata = file.metadata().unwrap();
    let mut command = site.command(arguments);
    command.env("JOURNAL_STREAM", format!("{}:{}", metadata.dev(), metadata.ino() + u64::from(!is_journal)));
    let mut child = command.stderr(file).spawn().unwrap();
    wait_until("readiness", || fs::read_to_string(&path).unwrap().contains("/metrics"));
    signal(&child, "TERM");
    assert!(child.wait().unwrap().success());
    fs::read_to_string(path).unwrap()
}

#[test]
fn the_journal_gets_the_level_of_each_line_and_the_time_only_once() {
    let site = seeded();
    site.write("xa-hoi/khong-ngay.txt", "Không có ngày\n\nĐoạn mở đầu.\n");
    let log = logged(&site, true, &["serve"]);
    const LEVELS: [(&str, &str); 3] = [("ERROR", "<3>"), ("WARN", "<4>"), ("INFO", "<6>")];
    assert!(log.lines().all(|line| LEVELS.iter().any(|(_, prefix)| line.starts_with(prefix))), "{log}");
    let starting = |start: &str| log.lines().any(|line| line.starts_with(start));
    assert!(starting("<3>ERROR no publication date"), "{log}");
    assert!(starting("<6> INFO the store is available") && starting("<6>bantin "), "{log}");
    assert!(starting("<6>  metrics "), "a message of several lines: {log}");

    let log = logged(&site, true, &["serve", "--json"]);
    for line in log.lines() {
        let told: serde_json::Value = serde_json::from_str(&line[3..]).unwrap();
        assert!(
            LEVELS.iter().any(|(level, prefix)| told["level"] == *level && line.starts_with(prefix)),
            "{line}"
        );
    }

    // The variable is inherited also by what writes elsewhere.
    let log = logged(&site, false, &["serve"]);
    assert!(log.starts_with("20") && !log.contains("<6>"), "{log}");

    // The error that ends the service, too.
    site.configure("[nonsense]\n");
    let file = fs::File::create(site.path("journal")).unwrap();
    let metadata = file.metadata().unwrap();
    let mut refused = site.command(&["serve"]);
    refused.env("JOURNAL_STREAM", format!("{}:{}", metadata.dev(), metadata.ino()));
    assert!(!refused.stderr(file).status().unwrap().success());
    let log = fs::read_to_string(site.path("journal")).unwrap();
    assert!(log.lines().count() > 1 && log.lines().all(|line| line.starts_with("<3>")), "{log}");
}

#[test]
fn a_panic_is_a_line_of_the_log() {
    let site = seeded();
    // `zune-jpeg` 0.5.15 panics at it while the smaller copies are made.
    site.write("xa-hoi/hoi-nghi.txt", "Hội nghị\n\n12/05/2023 17:39\n\nĐoạn mở đầu.\n");
    site.write("xa-hoi/hoi-nghi.jpg", include_bytes!("../../src/image/panicking.jpg"));
    let mut command = site.command(&["serve", "--json"]);
    let mut serving = command.env_remove("RUST_BACKTRACE").stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(serving.stderr.take().unwrap()).lines().map_while(Result::ok);
    let mut before_ready = lines.take_while(|line| !line.contains("/metrics"));
    let panic = before_ready.find(|line| line.contains("\"a panic\""));
    serving.kill().unwrap();
    serving.wait().unwrap();
    let panic: serde_json::Value = serde_json::from_str(&panic.expect("a line")).unwrap();
    assert_eq!(panic["level"], "ERROR", "{panic}");
    let field = |name: &str| panic["fields"][name].as_str().unwrap().to_owned();
    assert!(field("location").contains("zune-jpeg") && !field("cause").is_empty(), "{panic}");
}

#[test]
fn a_log_that_root_restores_belongs_to_the_service() {
    let site = seeded().for_an_ordinary_user();
    fs::create_dir(site.path("data")).unwrap();
    let owner = fs::metadata(site.path(".")).unwrap();
    let own = |path: &str| chown(site.path(path), Some(owner.uid()), Some(owner.gid())).unwrap();
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        own("data");
    }
    site.ok(&["scan"]);
    site.ok(&["backup", site.path("log.backup").to_str().unwrap()]);
    for entry in fs::read_dir(site.path("data")).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    // Locks that others have put here stay theirs.
    let foreign = site.path("foreign");
    fs::write(&foreign, "").unwrap();
    std::os::unix::fs::symlink(&foreign, site.path("data/bantin.db-scan")).unwrap();
    let before = fs::metadata(&foreign).unwrap().uid();

    for arguments in
        [&["restore-backup", site.path("log.backup").to_str().unwrap()][..], &["scan", "--confirm"]]
    {
        let done = as_root(env!("CARGO_BIN_EXE_bantin"))
            .args(arguments)
            .arg("--config")
            .arg(site.path("config.toml"))
            .output()
            .unwrap();
        assert!(done.status.success(), "{arguments:?}: {done:?}");
    }
    assert_eq!(fs::metadata(&foreign).unwrap().uid(), before, "a link is not followed");
    fs::remove_file(site.path("data/bantin.db-scan")).unwrap();
    for entry in fs::read_dir(site.path("data")).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().uid(), owner.uid(), "{entry:?}");
    }
    assert!(site.serve().get("/xa-hoi/rss.xml").text().contains("<item>"));
}

#[test]
fn a_service_that_finishes_an_answer_before_it_ends_lets_nobody_else_in_to_wait_in_vain() {
    let site = seeded();
    let secret = site.ok(&["token", "new", "Văn phòng"]);
    let serving = site.serve();
    let address = serving.address();
    let text = crate::support::article("Bài mới", "13/05/2023 08:00", "Đoạn mở đầu.");
    let (begun, rest) = text.as_bytes().split_at(10);
    let mut writing = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /api/articles?channel=xa-hoi HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer {}\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        secret.trim(),
        text.len()
    );
    writing.write_all(head.as_bytes()).unwrap();
    let mut told = [0; 25];
    writing.read_exact(&mut told).unwrap();
    assert_eq!(told, *b"HTTP/1.1 100 Continue\r\n\r\n", "the service reads the article now");
    writing.write_all(begun).unwrap();

    let pid = serving.pid().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    wait_until("nobody is let in", || TcpStream::connect(address).is_err());
    writing.write_all(rest).unwrap();
    let mut answer = String::new();
    writing.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert!(site.ok(&["list"]).contains("Bài mới"));
}

fn packaging() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging")
}

#[test]
fn the_units_are_valid_and_confine_the_service() {
    if is_missing(Requirement::Program("systemd-analyze")) {
        return;
    }
    // The programs that the units start must exist.
    let root = tempfile::tempdir().unwrap();
    let units = root.path().join("units");
    fs::create_dir(&units).unwrap();
    let mut count = 0;
    for entry in fs::read_dir(packaging()).unwrap() {
        let path = entry.unwrap().path();
        let kind = path.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
        if matches!(kind, "service" | "socket" | "timer") {
            let unit =
                fs::read_to_string(&path).unwrap().replace("/usr/bin/bantin", env!("CARGO_BIN_EXE_bantin"));
            fs::write(units.join(path.file_name().unwrap()), unit).unwrap();
            count += 1;
        }
    }
    assert_eq!(count, 4);
    let analyze = |arguments: &[&str]| {
        let output = Command::new("systemd-analyze").args(arguments).current_dir(&units).output().unwrap();
        let told =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.success(), told)
    };
    for service in ["bantin.service", "bantin-backup.service"] {
        let unit = units.join(service);
        let (confined, told) =
            analyze(&["security", "--offline=true", "--threshold=25", "--no-pager", unit.to_str().unwrap()]);
        assert!(confined, "exposure above 2.5:\n{told}");
    }
    for unit in ["bantin.service", "bantin.socket", "bantin-backup.service", "bantin-backup.timer"] {
        let path = units.join(unit);
        let (_, told) = analyze(&["verify", "--man=no", path.to_str().unwrap()]);
        let about_ours: Vec<_> = told.lines().filter(|line| line.contains("bantin")).collect();
        assert!(about_ours.is_empty(), "{told}");
    }
}
