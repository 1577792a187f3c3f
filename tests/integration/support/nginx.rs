//! A real nginx in front of files that the story writes.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::{free_port, wait_until};

/// A running nginx; killed when dropped. It listens on all loopback addresses, each of which is a host of its own.
pub struct Nginx {
    child: Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl Nginx {
    /// Serves files; `server` is the inside of the server block, `http` that of the block around it. `@FILES@` stands for
    /// the folder of the files.
    pub fn new(http: &str, server: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (at, port) = (folder.path().display(), free_port());
        fs::create_dir(folder.path().join("files")).unwrap();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {at}/{kind};\n"))
            .concat();
        let config = format!(
            "daemon off;\nmaster_process off;\npid {at}/pid;\nerror_log {at}/error.log;\nevents {{}}\nhttp {{\n\
             log_format story '$status $request_uri $sent_http_content_encoding';\naccess_log {at}/access.log story;\n\
             {temporary}types {{ application/rss+xml xml; }}\n{http}\n\
             server {{\nlisten 0.0.0.0:{port};\nroot @FILES@;\n{server}\n}}\n}}\n"
        );
        let files = folder.path().join("files").display().to_string();
        fs::write(folder.path().join("nginx.conf"), config.replace("@FILES@", &files)).unwrap();
        let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap());
        let mut command = Command::new("nginx");
        command.arg("-c").arg(folder.path().join("nginx.conf")).args(["-e", "stderr"]);
        let message = fs::File::create(folder.path().join("message")).unwrap();
        let mut child = command.env("PATH", path).stdin(Stdio::null()).stderr(message).spawn().unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        wait_until("nginx to listen", || {
            let message = || fs::read_to_string(folder.path().join("message"));
            assert!(child.try_wait().unwrap().is_none(), "{:?}", message());
            TcpStream::connect(address).is_ok()
        });
        Self { child, folder, port }
    }

    /// The port on every loopback address.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of a path at 127.0.0.1.
    pub fn url(&self, path: &str) -> String {
        self.url_at("127.0.0.1", path)
    }

    /// The URL of a path at another loopback address.
    pub fn url_at(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.port)
    }

    /// Where a file is.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("files").join(name)
    }

    /// Writes a file.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.file(name), bytes).unwrap();
    }

    /// Status, path and coding of each request.
    pub fn log(&self) -> Vec<String> {
        let log = fs::read_to_string(self.folder.path().join("access.log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    /// How many requests to a path were answered with a status.
    pub fn answered(&self, status: u16, path: &str) -> usize {
        let line = format!("{status} {path} ");
        self.log().iter().filter(|logged| logged.starts_with(&line)).count()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
