//! What is released: the Debian package, installed, upgraded, removed and purged in a directory of its own; the archive of
//! the static program; what the image is built from.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::as_root;
use crate::support::requirement::{Requirement, is_missing};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// `packaging/build` with the program of the tests.
fn packaging_build() -> Command {
    let mut command = Command::new(repository().join("packaging/build"));
    command.env("BANTIN_BINARY", env!("CARGO_BIN_EXE_bantin")).env("SOURCE_DATE_EPOCH", "1683887940");
    command
}

/// Builds the package and the list of components. Returns the package.
fn build(out: &Path) -> PathBuf {
    let built = packaging_build().args(["--parts", "deb,components"]).arg(out).output().unwrap();
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
    let page =
        Command::new("gzip").arg("-dc").arg(root.path("usr/share/man/man1/bantin-serve.1.gz")).output();
    let page = text(&page.unwrap());
    assert!(page.contains(".TH bantin-serve 1 2023-05-12 \"bantin "), "{page}");
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
    let enabled = root.path("etc/systemd/system/multi-user.target.wants/bantin.service");
    fs::create_dir_all(enabled.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("/usr/lib/systemd/system/bantin.service", &enabled).unwrap();
    root.dpkg(&["--remove", "bantin"]);
    assert!(!root.path("usr/bin/bantin").exists());
    assert!(enabled.is_symlink(), "a package that comes back is enabled as before");
    assert_eq!(fs::read_to_string(&config).unwrap(), changed);
    kept();
    let purged = root.dpkg(&["--purge", "bantin"]);
    assert!(purged.contains("is kept"), "{purged}");
    assert!(!config.exists() && !enabled.is_symlink());
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

/// What the scripts of the package ask of systemd, one command a line, when they run with these arguments one after the
/// other. `bantin.socket` is not enabled.
fn asked_of_systemd(scripts: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let asked = folder.path().join("asked");
    let programs = folder.path().join("bin");
    fs::create_dir(&programs).unwrap();
    let program = |name: &str, text: &str| {
        let path = programs.join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    };
    program("systemctl", "echo \"$@\" >>\"$ASKED\"; [ \"$*\" != 'is-enabled --quiet bantin.socket' ]");
    // Nothing of this machine may change.
    for name in ["adduser", "chown", "install"] {
        program(name, "exit 0");
    }
    let run =
        "set -e; mount -t tmpfs run /run; mkdir -p /run/systemd/system; for script; do sh $script; done";
    let ended = as_root("unshare")
        .args(["--mount", "env", "--unset=DPKG_ROOT"])
        .arg(format!("PATH={}:{}", programs.display(), std::env::var("PATH").unwrap()))
        .arg(format!("ASKED={}", asked.display()))
        .args(["sh", "-c", run, "sh"])
        .args(scripts)
        .current_dir(repository().join("packaging/debian"))
        .output()
        .unwrap();
    assert!(ended.status.success(), "{}", text(&ended));
    fs::read_to_string(asked).unwrap_or_default()
}

#[test]
fn a_package_that_comes_back_starts_what_was_enabled_and_an_upgrade_starts_nothing() {
    if is_missing(Requirement::Mount) {
        return;
    }
    let first = asked_of_systemd(&["preinst install", "postinst configure"]);
    assert_eq!(first, "daemon-reload\nenable --now bantin.service bantin-backup.timer\n");

    let upgraded =
        asked_of_systemd(&["prerm upgrade 0.2.0", "preinst upgrade 0.1.0", "postinst configure 0.1.0"]);
    assert_eq!(upgraded, "daemon-reload\ntry-restart bantin.service\n");

    let removed = asked_of_systemd(&["prerm remove", "postrm remove"]);
    assert!(removed.starts_with("stop ") && !removed.contains("disable"), "{removed}");
    let back =
        asked_of_systemd(&["preinst install 0.1.0", "postinst configure 0.1.0", "postinst configure 0.1.0"]);
    let back: Vec<_> = back.lines().filter(|asked| !asked.starts_with("is-enabled")).collect();
    assert_eq!(
        back,
        [
            "daemon-reload",
            "start bantin.service",
            "start bantin-backup.timer",
            "daemon-reload",
            "try-restart bantin.service"
        ],
        "once"
    );
}

/// A small program that needs no library.
fn static_program(folder: &Path) -> PathBuf {
    let (source, program) = (folder.join("a.c"), folder.join("program"));
    fs::write(&source, "int main(void) { return 0; }\n").unwrap();
    let compiled = Command::new("cc").arg("-static").arg(&source).arg("-o").arg(&program).output().unwrap();
    assert!(compiled.status.success(), "{}", text(&compiled));
    program
}

#[test]
fn the_same_sources_give_the_same_packages_whenever_and_by_whomever_they_are_built() {
    for program in ["dpkg-deb", "python3", "readelf", "cc"] {
        if is_missing(Requirement::Program(program)) {
            return;
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let program = static_program(folder.path());
    let built = ["022", "077"].map(|umask| {
        let out = folder.path().join(umask);
        // Another time of day, and somebody else's habits.
        let later =
            std::time::SystemTime::now() + std::time::Duration::from_secs(u64::from(umask == "077") * 3600);
        fs::File::open(&program).unwrap().set_modified(later).unwrap();
        let mut shell = Command::new("sh");
        let build = packaging_build();
        shell
            .args(["-c", "umask $1 && shift && exec \"$@\"", "sh", umask])
            .arg(build.get_program())
            .arg(&out);
        shell.envs(build.get_envs().filter_map(|(name, value)| value.map(|value| (name, value))));
        let built = shell.env("BANTIN_STATIC_BINARY", &program).output().unwrap();
        assert!(built.status.success(), "{}", text(&built));
        fs::read_to_string(out.join("SHA256SUMS")).unwrap()
    });
    assert_eq!(built[0], built[1]);
    assert_eq!(built[0].lines().count(), 3, "package, archive, components\n{}", built[0]);
    let sums = Command::new("sha256sum")
        .args(["--check", "--strict", "SHA256SUMS"])
        .current_dir(folder.path().join("022"))
        .output()
        .unwrap();
    assert!(sums.status.success(), "{}", text(&sums));

    let archive =
        built[0].lines().find_map(|line| line.split_once("  ").filter(|(_, name)| name.ends_with(".tar.gz")));
    let archive = folder.path().join("022").join(archive.unwrap().1);
    let listed = Command::new("tar").arg("-tvzf").arg(&archive).env("TZ", "UTC").output().unwrap();
    let listed = text(&listed);
    for line in listed.lines() {
        assert!(line.contains(" 0/0 ") && line.contains("2023-05-12 10:39"), "{line}");
    }
    for path in
        ["/bantin\n", "/config.toml\n", "/man/bantin.1\n", "/packaging/bantin.service\n", "/feeds/xa-hoi/\n"]
    {
        assert!(listed.contains(path), "{path} is not in\n{listed}");
    }
}

#[test]
fn a_build_that_cannot_make_all_it_is_asked_for_ends_before_it_begins() {
    for program in ["dpkg-deb", "python3", "readelf"] {
        if is_missing(Requirement::Program(program)) {
            return;
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("package");
    let refused = |command: &mut Command, cure: &str| {
        let ended = command.arg(&out).output().unwrap();
        assert!(!ended.status.success() && text(&ended).contains(cure), "{cure}: {}", text(&ended));
        assert!(!out.join("SHA256SUMS").exists());
    };
    // A rustup that has no target but that of the machine.
    let rustup = folder.path().join("rustup");
    fs::write(&rustup, "#!/bin/sh\n").unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    fs::set_permissions(&rustup, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    refused(packaging_build().env("PATH", path), "run `rustup target add ");
    assert!(!out.exists());

    refused(packaging_build().args(["--parts", "deb,rpm"]), "unknown part `rpm`");
    refused(packaging_build().arg("--static"), "unknown option --static");
    let dynamic = env!("CARGO_BIN_EXE_bantin");
    refused(
        packaging_build().args(["--parts", "archive"]).env("BANTIN_STATIC_BINARY", dynamic),
        "is not a static binary",
    );
}

#[test]
fn the_image_is_built_from_the_sources_and_from_nothing_else_that_lies_around() {
    let listed = fs::read_to_string(repository().join(".dockerignore")).unwrap();
    let mut lines = listed.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(lines.next(), Some("*"), "no log, no article, no build is sent along");
    let context = tempfile::tempdir().unwrap();
    for kept in lines {
        let kept = kept.strip_prefix('!').expect("after `*`, all lines name what is sent");
        let copied =
            Command::new("cp").arg("-r").arg(repository().join(kept)).arg(context.path()).output().unwrap();
        assert!(copied.status.success(), "{}", text(&copied));
    }
    // Cargo finds every target, and the compiler every file.
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--offline", "--no-deps", "--format-version", "1"])
        .current_dir(context.path())
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", text(&metadata));
    let mut included = 0;
    let mut folders = vec![context.path().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|kind| kind == "rs") && !entry.ends_with("tests.rs") {
                let source = fs::read_to_string(&entry).unwrap();
                for part in
                    source.split("include_str!(\"").skip(1).chain(source.split("include_bytes!(\"").skip(1))
                {
                    let file = entry.parent().unwrap().join(part.split('"').next().unwrap());
                    assert!(file.exists(), "{} includes {}", entry.display(), file.display());
                    included += 1;
                }
            }
        }
    }
    assert!(included > 20, "{included}");
}
