//! A test site: the real program with its own folder and ports, stopped at the end.

#![allow(dead_code, reason = "each test file uses the part that it needs")]

pub mod browser;
pub mod form;
pub mod nginx;
pub mod office;
pub mod portal;
pub mod postgres;
pub mod requirement;
pub mod wordpress;

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

/// The sample article of the project.
pub const SAMPLE_ARTICLE: &str =
    include_str!("../../../feeds/xa-hoi/huyen-dak-to-phat-dong-phong-trao-thi-dua-nam-2023.txt");

/// Longer than anything a test waits for, even on the slowest machine.
const WAIT_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a file must be missing before its article is withdrawn.
const REMOVAL_GRACE: Duration = Duration::from_secs(5);

/// Runs a statement on an SQLite file, bypassing the program. Returns the number of changed rows.
pub fn execute_sql(file: &Path, sql: &str) -> usize {
    rusqlite::Connection::open(file).unwrap().execute(sql, []).unwrap()
}

/// The number that a query on an SQLite file returns.
pub fn query_sql(file: &Path, sql: &str) -> i64 {
    rusqlite::Connection::open(file).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

/// A directory with a config, an articles folder and a store.
pub struct TestSite {
    folder: Arc<tempfile::TempDir>,
    variables: HashMap<&'static str, String>,
    /// The user that runs the program, if it is not the user that runs the test.
    user: Option<u32>,
}

impl TestSite {
    /// An empty site.
    pub fn new() -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        std::fs::create_dir(folder.path().join("feeds")).unwrap();
        let config = "[site]\ntitle = \"Huyện Đăk Tô\"\ntag_authority = \"dakto.example,2023\"\n\
                      [server]\nlisten = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n\
                      [[channel]]\nslug = \"xa-hoi\"\ntitle = \"Xã hội\"\n";
        std::fs::write(folder.path().join("config.toml"), config).unwrap();
        Self { folder, variables: HashMap::new(), user: None }
    }

    /// The same site with an environment variable set.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.insert(name, value.into());
        self
    }

    /// The same site for an unprivileged program, because root's permissions hide errors that others meet.
    pub fn for_an_ordinary_user(mut self) -> Self {
        const NOBODY: u32 = 65_534;
        if std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0 {
            for path in [self.path("."), self.path("feeds")] {
                std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
            self.user = Some(NOBODY);
        }
        self
    }

    /// Adds lines to the end of its configuration.
    pub fn configure(&self, lines: &str) {
        let config = std::fs::read_to_string(self.path("config.toml")).unwrap();
        std::fs::write(self.path("config.toml"), format!("{config}\n{lines}")).unwrap();
    }

    /// A path in the site.
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes an article file at once, as an editor saves it.
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path("feeds").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Removes an article file.
    pub fn remove(&self, path: &str) {
        std::fs::remove_file(self.path("feeds").join(path)).unwrap();
    }

    /// Renames or moves an article file.
    pub fn rename(&self, from: &str, to: &str) {
        let to = self.path("feeds").join(to);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::rename(self.path("feeds").join(from), to).unwrap();
    }

    /// Waits until the folder was scanned once more, completely.
    pub fn scanned(&self, serving: &RunningServer) {
        let before = serving.metric("bantin_scans_total");
        wait_until("two more scans", || {
            // Even a file that is ignored by name causes an event.
            let _ = std::fs::write(self.path("feeds/.nudge"), "");
            serving.metric("bantin_scans_total") >= before + 2
        });
    }

    /// Runs a story about a file that comes back within the grace period of removed files. On a busy machine it may take
    /// longer; it says nothing then and is repeated. The story returns what is wrong.
    pub fn within_the_grace(&self, mut story: impl FnMut() -> Option<String>) {
        let deadline = Instant::now() + 5 * WAIT_TIMEOUT;
        loop {
            let began = Instant::now();
            let wrong = story();
            match wrong {
                None => return,
                Some(wrong) if began.elapsed() < REMOVAL_GRACE => panic!("{wrong}"),
                Some(wrong) => assert!(Instant::now() < deadline, "never within the grace: {wrong}"),
            }
        }
    }

    /// Makes an exact copy of the site as it is on disk.
    pub fn copied(&self) -> Self {
        let copy = Self::new();
        copy_folder(self.folder.path(), copy.folder.path());
        copy
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed, and returns its stdout.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?} failed:\n{stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts a command and leaves it running.
    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Starts `bantin serve` and waits until it is ready.
    pub fn serve(&self) -> RunningServer {
        self.serve_by(self.command(&["serve"]))
    }

    /// Starts a command that runs `bantin serve`, and waits until the service is ready.
    pub fn serve_by(&self, command: Command) -> RunningServer {
        RunningServer::of(command, Arc::clone(&self.folder))
    }

    /// A command to be started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bantin"));
        command.args(arguments).arg("--config").arg(self.path("config.toml")).stdin(Stdio::null());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("BANTIN_")) {
            command.env_remove(name);
        }
        command.env_remove("RUST_LOG").envs(&self.variables);
        if let Some(user) = self.user {
            std::os::unix::process::CommandExt::uid(&mut command, user);
        }
        command
    }
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A separate small disk.
pub struct TmpfsDisk {
    folder: tempfile::TempDir,
}

impl TmpfsDisk {
    /// Mounts one of this many megabytes.
    ///
    /// NOTE: a test that cannot mount one fails. A skipped test would say nothing about full disks.
    pub fn new(megabytes: u32) -> Self {
        let disk = Self { folder: tempfile::tempdir().unwrap() };
        let size = format!("size={megabytes}m,mode=1777");
        let mounted = as_root("mount").args(["-t", "tmpfs", "-o", &size, "bantin"]).arg(disk.path()).status();
        assert!(
            mounted.is_ok_and(|status| status.success()),
            "this story fills a disk of its own and may not mount one: root may, and who needs no password for \
             sudo; a container needs the capability SYS_ADMIN for it"
        );
        disk
    }

    /// Its mount point.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Fills the disk.
    pub fn fill(&self) {
        let mut filler = std::fs::File::create(self.path().join("filler")).unwrap();
        let full = std::iter::repeat_with(|| filler.write_all(&[0; 16_384])).find_map(Result::err).unwrap();
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    }

    /// Frees the space.
    pub fn make_room(&self) {
        std::fs::remove_file(self.path().join("filler")).unwrap();
    }
}

impl Drop for TmpfsDisk {
    fn drop(&mut self) {
        // One that was never mounted cannot be unmounted.
        let _ = as_root("umount").arg("--lazy").arg(self.path()).stderr(Stdio::null()).status();
    }
}

/// A command that only root may run.
pub fn as_root(program: &str) -> Command {
    let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    if root {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["-n", program]);
    command
}

/// A running service; killed when dropped.
pub struct RunningServer {
    child: Child,
    readers: SocketAddr,
    admin: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
    /// Removed after the service has ended: without its database it accepts no writes.
    _folder: Arc<tempfile::TempDir>,
}

impl RunningServer {
    fn of(mut command: Command, folder: Arc<tempfile::TempDir>) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (mut readers, mut admin) = (None, None);
        while readers.is_none() || admin.is_none() {
            let Some(line) = lines.next() else {
                panic!("the service ended before it was ready:\n{}", log.lock().unwrap().join("\n"));
            };
            let line = line.unwrap();
            if let Some((_, address)) = line.split_once(" channels on ") {
                readers = Some(address.parse().unwrap());
            } else if let Some((_, address)) = line.split_once("metrics       http://") {
                admin = Some(address.trim_end_matches("/metrics").parse().unwrap());
            }
            log.lock().unwrap().push(line);
        }
        let later = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                later.lock().unwrap().push(line);
            }
        });
        RunningServer { child, readers: readers.unwrap(), admin: admin.unwrap(), log, _folder: folder }
    }

    /// The public address.
    pub fn address(&self) -> SocketAddr {
        self.readers
    }

    /// Where the operator asks.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a GET request.
    pub fn get(&self, path: &str) -> HttpResponse {
        self.request("GET", path, &[])
    }

    /// Sends a request.
    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> HttpResponse {
        request(self.readers, method, path, headers)
    }

    /// Sends a request with a body.
    pub fn request_with_body(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> HttpResponse {
        exchange(self.readers, method, path, headers, Some(body))
    }

    /// Waits until the second of the last change of a document is over: until then its `Last-Modified` is the second before,
    /// and two answers might differ.
    pub fn settled(&self, path: &str) {
        wait_until("the second of the last change to end", || {
            let answer = self.get(path);
            let date = |name| httpdate::parse_http_date(answer.header(name).unwrap()).unwrap();
            date("date") > date("last-modified") + Duration::from_secs(1)
        });
    }

    /// Sends a GET request to the admin listener.
    pub fn admin(&self, path: &str) -> HttpResponse {
        request(self.admin, "GET", path, &[])
    }

    /// The value of a metric.
    pub fn metric(&self, name: &str) -> u64 {
        let page = self.admin("/metrics").text();
        let line = page.lines().find(|line| line.split(' ').next() == Some(name));
        let line = line.unwrap_or_else(|| panic!("no metric {name} in\n{page}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }

    /// The log of the service so far. A separate thread writes the log, so a line may come a moment after its event: asks
    /// for one more line, before which all others come, and leaves it out.
    pub fn log(&self) -> String {
        const MARK: &str = "SIGIO ignored";
        let marks = || self.log.lock().unwrap().iter().filter(|line| line.contains(MARK)).count();
        let (before, pid) = (marks(), self.child.id().to_string());
        // Once it has ended, no more lines come.
        if Command::new("kill").args(["-IO", &pid]).stderr(Stdio::null()).status().unwrap().success() {
            let deadline = Instant::now() + Duration::from_secs(10);
            while marks() == before && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        let log = self.log.lock().unwrap();
        log.iter().filter(|line| !line.contains(MARK)).map(String::as_str).collect::<Vec<_>>().join("\n")
    }

    /// Sends SIGKILL and waits for the end.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends SIGTERM and waits for the end; true if it was orderly.
    pub fn stop(mut self) -> bool {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().success()
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A response as received.
#[derive(Debug)]
pub struct HttpResponse {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// The value of a header that occurs at most once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} stands twice");
        value
    }

    /// The ETag.
    pub fn etag(&self) -> String {
        self.header("etag").expect("an ETag").to_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

/// Sends one request on a separate connection.
pub fn request(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> HttpResponse {
    exchange(address, method, path, headers, None)
}

/// Sends one request with a body on a separate connection.
pub fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> HttpResponse {
    exchange(address, method, path, headers, Some(body))
}

fn exchange(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&[u8]>,
) -> HttpResponse {
    let mut stream = TcpStream::connect(address).unwrap();
    let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    if headers.iter().all(|(name, _)| *name != "Host") {
        request.push_str("Host: somebody.example\r\n");
    }
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(body) = body {
        request.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    let whole = [format!("{request}\r\n").as_bytes(), body.unwrap_or_default()].concat();
    // A service that rejects a long body may close the connection before it has read everything.
    let _ = stream.write_all(&whole);
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a whole head");
    let head = std::str::from_utf8(&answer[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut answer = HttpResponse { status, headers, body: answer[end + 4..].to_vec() };
    if answer.header("transfer-encoding") == Some("chunked") && method != "HEAD" {
        answer.body = joined(&answer.body);
    }
    answer
}

/// Decodes a chunked body (RFC 9112 §7.1).
fn joined(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = chunks.windows(2).position(|window| window == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&chunks[..end]).unwrap(), 16).unwrap();
        body.extend_from_slice(&chunks[end + 2..end + 2 + length]);
        chunks = &chunks[end + 4 + length..];
        if length == 0 {
            break;
        }
    }
    body
}

/// Waits until a condition holds, checking it repeatedly.
pub fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + WAIT_TIMEOUT;
    while !so() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// An article in the form of the sample.
pub fn article(title: &str, stamp: &str, text: &str) -> String {
    format!("{title}\n\n{stamp}\n\n{text}\n\nĐoạn thứ hai của bài, dài hơn một dòng tiêu đề.\n\nTấn Lộc\n")
}

/// A Word document: the XML of its body, and further parts by name.
pub fn word_document(body: &str, parts: &[(&str, &[u8])]) -> Vec<u8> {
    use std::io::Write as _;
    const WORD: &str = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
    const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let document = format!(
        "<w:document xmlns:w=\"{WORD}\" xmlns:r=\"{RELATIONS}\" \
         xmlns:a=\"http://schemas.openxmlformats.org/drawingml/2006/main\" \
         xmlns:pic=\"http://schemas.openxmlformats.org/drawingml/2006/picture\"><w:body>{body}</w:body></w:document>"
    );
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let parts = parts.iter().copied().chain([("word/document.xml", document.as_bytes())]);
    for (name, bytes) in parts {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// A port for a program that must be told one, or that keeps it over a restart. Nobody else gets it: it is below those that
/// the kernel hands out, and each is returned once.
pub fn free_port() -> u16 {
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 10_000;
    static NEXT: LazyLock<AtomicU16> =
        LazyLock::new(|| AtomicU16::new((std::process::id() % u32::from(COUNT)) as u16));
    loop {
        let port = FIRST + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
        if TcpListener::bind(("0.0.0.0", port)).is_ok() {
            return port;
        }
    }
}

/// The time for which this thread has run. NOTE: not the time that passed, which other processes share.
pub fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}
