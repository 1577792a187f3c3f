//! What a test needs beyond Rust and a C compiler.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// Something that not every machine has.
#[derive(Clone, Copy, Debug)]
pub enum Requirement {
    /// The server of `tests/postgres`.
    Postgres,
    /// Root or passwordless sudo, with the right to mount.
    Mount,
    /// axe-core, which `tests/run` fetches.
    Axe,
    /// A program with this name in `PATH`.
    Program(&'static str),
}

/// True if this machine lacks the requirement. The test then ends and reports that.
///
/// # Panics
/// With `BANTIN_TEST_ALL=1`, which `tests/run` sets, because a skipped test shows nothing.
pub fn is_missing(part: Requirement) -> bool {
    if is_there(part) {
        return false;
    }
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    assert!(
        std::env::var("BANTIN_TEST_ALL").as_deref() != Ok("1"),
        "{test} needs {part:?}, which this machine lacks; tests/run installs and starts it"
    );
    // NOTE: not with eprintln!, which the test runner captures.
    let line = format!("skipped {test}: it needs {part:?}; tests/run installs and starts it\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap_or_default();
    true
}

fn is_there(part: Requirement) -> bool {
    match part {
        Requirement::Postgres => std::env::var_os("BANTIN_TEST_POSTGRES").is_some(),
        Requirement::Axe => std::env::var_os("BANTIN_TEST_AXE").is_some(),
        Requirement::Mount => succeeds(super::as_root("unshare").args(["--mount", "true"])),
        Requirement::Program(name) => {
            let path = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
        }
    }
}

fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
