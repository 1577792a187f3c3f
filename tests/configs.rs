//! Good configurations are taken, bad ones are refused with the place and the cure.

use std::fs;
use std::path::{Path, PathBuf};

use bantin::config::{Config, DEFAULT};

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/configs").join(folder);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn load(path: &Path) -> Result<Config, bantin::config::ConfigError> {
    Config::load(Some(path), [])
}

#[test]
fn good_configurations_are_taken() {
    let files = files("good");
    assert!(files.len() >= 5);
    for file in files {
        if let Err(refusal) = load(&file) {
            panic!("{}: {refusal}", file.display());
        }
    }
}

#[test]
fn bad_configurations_are_refused_with_the_place_and_the_cure() {
    let files = files("bad");
    assert!(files.len() >= 22 + 20);
    let told: Vec<String> = files
        .iter()
        .map(|file| match load(file).and_then(|config| config.validate_for_serving()) {
            Ok(_) => panic!("{} was taken", file.display()),
            Err(refusal) => {
                let name = file.file_name().unwrap().to_string_lossy();
                let told = refusal.to_string().replace(&file.display().to_string(), "FILE");
                format!("== {name}\n{}\n", told.trim_end())
            }
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn the_shipped_file_is_the_default() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.toml");
    assert_eq!(fs::read_to_string(&shipped).unwrap(), DEFAULT);
    let values = |config: Config| -> Vec<(String, String)> {
        let keys = config.effective_values().into_iter().filter(|key| key.key != "channel");
        keys.map(|key| (key.key, key.value)).collect()
    };
    let empty = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/configs/good/empty.toml");
    assert_eq!(values(load(&shipped).unwrap()), values(load(&empty).unwrap()));
    // Nothing but what is commented out may be missing from it.
    assert_eq!(load(&shipped).unwrap().server, bantin::http::DoorOptions::default());
}
