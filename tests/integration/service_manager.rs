//! Under systemd: notifications, the watchdog, sockets that outlive the service, and the units of `packaging`.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::requirement::{Requirement, is_missing};
use crate::support::{SAMPLE_ARTICLE, TestSite, request};

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
    told(&socket, "READY=1");
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
    // Nobody accepts now. The kernel holds the connection.
    let mut waiting = TcpStream::connect(address).unwrap();
    waiting.write_all(b"GET /healthz HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n").unwrap();
    let mut second = start_with(&site, &socket);
    let mut answer = String::new();
    waiting.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    signal(&second, "TERM");
    assert!(second.wait().unwrap().success());
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
