//! The Debian package: installed, upgraded, removed and purged in a directory of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::requirement::{Requirement, is_missing};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs `packaging/build` with the program of the tests. Returns the package.
fn build(out: &Path) -> PathBuf {
    let built = Command::new(repository().join("packaging/build"))
        .arg(out)
        .env("BANTIN_BINARY", env!("CARGO_BIN_EXE_bantin"))
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", text(&built));
    let files = fs::read_dir(out).unwrap().map(|entry| entry.unwrap().path());
    let mut packages: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|kind| kind == "deb")).collect();
    assert_eq!(packages.len(), 1);
    packages.remove(0)
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A system of its own in a directory, of which only the files exist.
struct Root(tempfile::TempDir);

impl Root {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for folder in ["var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        fs::write(root.path().join("var/lib/dpkg/status"), "").unwrap();
        Self(root)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn dpkg(&self, arguments: &[&str]) -> String {
        let output = Command::new("dpkg")
            .arg(format!("--root={}", self.0.path().display()))
            .args(["--force-not-root", "--force-script-chrootless", "--force-depends", "--force-confdef"])
            .args(arguments)
            .env("PATH", format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap()))
            .env("LC_ALL", "C")
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}\n{}", text(&output));
        text(&output)
    }
}

#[test]
fn the_package_installs_upgrades_and_is_removed_without_losing_data_or_settings() {
    if is_missing(Requirement::Program("dpkg-deb")) || is_missing(Requirement::Program("python3")) {
        return;
    }
    let out = tempfile::tempdir().unwrap();
    let out = out.path().join("package");
    let package = build(&out);
    let package = package.to_str().unwrap();
    let root = Root::new();
    root.dpkg(&["--install", package]);
    for path in [
        "usr/bin/bantin",
        "usr/lib/systemd/system/bantin.service",
        "usr/lib/systemd/system/bantin-backup.timer",
        "usr/share/man/man1/bantin.1.gz",
        "usr/share/man/man1/bantin-serve.1.gz",
        "usr/share/bash-completion/completions/bantin",
        "usr/share/doc/bantin/copyright",
        "var/lib/bantin",
        "srv/bantin/feeds",
    ] {
        assert!(root.path(path).exists(), "{path}");
    }
    let config = root.path("etc/bantin/config.toml");
    let checked = Command::new(root.path("usr/bin/bantin"))
        .args(["config", "--json", "--config"])
        .arg(&config)
        .output();
    let shown = text(&checked.unwrap());
    assert!(
        shown.contains("sqlite:/var/lib/bantin/bantin.db") && shown.contains("/srv/bantin/feeds"),
        "{shown}"
    );

    // What the office has by now.
    let (log, article) = (root.path("var/lib/bantin/bantin.db"), root.path("srv/bantin/feeds/tin.txt"));
    fs::write(&log, "log").unwrap();
    fs::write(&article, "tin").unwrap();
    let changed =
        fs::read_to_string(&config).unwrap().replace("title = \"Bản tin\"", "title = \"Xã Đăk Tô\"");
    fs::write(&config, &changed).unwrap();
    let kept = || {
        assert_eq!(fs::read_to_string(&log).unwrap(), "log");
        assert_eq!(fs::read_to_string(&article).unwrap(), "tin");
    };

    root.dpkg(&["--install", package]);
    assert_eq!(fs::read_to_string(&config).unwrap(), changed, "an upgrade keeps the settings");
    kept();
    root.dpkg(&["--remove", "bantin"]);
    assert!(!root.path("usr/bin/bantin").exists());
    assert_eq!(fs::read_to_string(&config).unwrap(), changed);
    kept();
    let purged = root.dpkg(&["--purge", "bantin"]);
    assert!(purged.contains("is kept"), "{purged}");
    assert!(!config.exists());
    kept();

    // Unless told otherwise.
    root.dpkg(&["--install", package]);
    fs::write(root.path("var/lib/bantin/delete-on-purge"), "").unwrap();
    root.dpkg(&["--purge", "bantin"]);
    assert!(!log.exists() && article.exists());

    let sums =
        Command::new("sha256sum").args(["--check", "--strict", "SHA256SUMS"]).current_dir(&out).output();
    let sums = sums.unwrap();
    assert!(sums.status.success() && text(&sums).matches(": OK").count() >= 2, "{}", text(&sums));
    let components = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path());
    let components =
        components.into_iter().find(|path| path.to_string_lossy().ends_with(".cdx.json")).unwrap();
    let components: serde_json::Value = serde_json::from_slice(&fs::read(components).unwrap()).unwrap();
    let named =
        |name: &str| components["components"].as_array().unwrap().iter().any(|part| part["name"] == name);
    assert!(named("hyper") && named("rusqlite"));
    assert!(!named("criterion"), "it is not part of the program");
}
