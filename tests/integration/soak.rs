//! Short forms of the long runs of `tests/soak`, so that these work on the day when somebody needs them.

use std::path::Path;
use std::process::Command;

fn soak(arguments: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/soak");
    let run = Command::new(script)
        .args(arguments)
        .args(["--program", env!("CARGO_BIN_EXE_bantin"), "--seed", "1"])
        .env_remove("BANTIN_TEST_POSTGRES")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[&run.stdout[..], &run.stderr].concat()).into_owned();
    assert!(run.status.success() && said.contains("\nkept"), "{arguments:?}\n{said}");
    said
}

#[test]
fn killed_in_the_middle_of_anything_it_loses_nothing() {
    let said = soak(&["kills", "--count", "12"]);
    assert!(said.contains("lost: 0, doubled: 0"), "{said}");
}

#[test]
fn huge_input_of_every_kind_is_refused_in_flat_memory() {
    let said = soak(&["huge", "--gigabytes", "0.1"]);
    let inputs = said.lines().filter(|line| line.ends_with(" MB")).count();
    assert!(inputs > 50, "{inputs} inputs\n{said}");
}
