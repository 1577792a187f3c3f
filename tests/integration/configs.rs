//! Valid configurations are accepted; invalid ones are rejected with the position and a suggested fix.

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
fn valid_configurations_are_accepted() {
    let files = files("valid");
    assert!(files.len() >= 5);
    for file in files {
        if let Err(error) = load(&file) {
            panic!("{}: {error}", file.display());
        }
    }
}

#[test]
fn invalid_configurations_are_rejected_with_position_and_fix() {
    let files = files("invalid");
    assert!(files.len() >= 22 + 20);
    let messages: Vec<String> = files
        .iter()
        .map(|file| match load(file).and_then(|config| config.validate_for_serving()) {
            Ok(_) => panic!("{} was accepted", file.display()),
            Err(error) => {
                let name = file.file_name().unwrap().to_string_lossy();
                let message = error.to_string().replace(&file.display().to_string(), "FILE");
                format!("== {name}\n{}\n", message.trim_end())
            }
        })
        .collect();
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn the_shipped_file_is_the_default() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.toml");
    assert_eq!(fs::read_to_string(&shipped).unwrap(), DEFAULT);
    let values = |config: Config| -> Vec<(String, String)> {
        let keys = config.effective_values().into_iter().filter(|key| key.key != "channel");
        keys.map(|key| (key.key, key.value.to_string())).collect()
    };
    let empty = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/configs/valid/empty.toml");
    assert_eq!(values(load(&shipped).unwrap()), values(load(&empty).unwrap()));
    // Only keys that are commented out may be missing from it.
    assert_eq!(load(&shipped).unwrap().server, bantin::http::ServerOptions::default());
}

#[test]
fn an_error_in_the_file_shows_its_line_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    for (line, shown) in [
        // Not closed, not quoted, of another type, of another place, under another name, over several lines.
        ("[store]\nurl = \"postgres://bantin:S3CRET@db/bantin", "| url = *"),
        ("[store]\nurl = postgres://bantin:S3CRET@db/bantin", "| url = *"),
        ("[store]\nurl = [\"postgres://bantin:S3CRET@db/bantin\"]", "| url = *"),
        ("store = \"postgres://bantin:S3CRET@db/bantin\"", "| store = *"),
        ("[store]\npassword = \"S3CRET\"", "unknown field `password`"),
        ("[[webhook]]\nurl = \"https://a.example/\"\nsecret = S3CRET", "| secret = *"),
        ("[[webhook]]\nurl = \"https://a.example/\"\nsecret = \"S3CRET\\xS3CRET\"", "| secret = *"),
        ("[[webhook]]\nurl = \"https://a.example/\"\nsecret = \"\"\"\nS3CRET\\xS3CRET\"\"\"", "| *"),
        (
            "[[source]]\nname = \"x\"\nurl = \"ftp://bantin:S3/CRET@a.example/\"\nchannels = [\"a\"]",
            "ftp://***@a.example/",
        ),
    ] {
        fs::write(&file, format!("{line}\n")).unwrap();
        let message = load(&file).err().unwrap().to_string();
        assert!(message.contains(shown), "{shown} is not in\n{message}");
        assert!(!message.contains("S3CRET") && !message.contains("CRET@"), "{message}");
    }
    // What is hidden is short, blank or nothing: the message stays readable.
    for (text, shown) in [
        ("shpassword / = \" \"", "TOML parse error at line 1"),
        ("[store]\npassword / = \"e\"", "TOML parse error at line 2"),
        ("[store]\nurl = \"postgres://a\"\n\u{1}\n", "TOML parse error at line 3"),
        ("[[webhook]]\nsecret = \"\"\"\nabc\n\n\\x\n\"\"\"", "TOML parse error at line 5"),
        ("[[webhook]]\nsecret = \"\"\"\nabc\n\n\n", "TOML parse error at line"),
        ("[[webhook]]\nsecret = [\nr\n", "TOML parse error at line"),
        ("[[webhook]]\nsecret = [\n\n", "TOML parse error at line"),
    ] {
        fs::write(&file, text).unwrap();
        let message = load(&file).err().unwrap().to_string();
        assert!(message.contains(shown), "{shown} is not in\n{message}");
    }
    // All else is shown as it stands.
    fs::write(&file, "[feed]\nitems = \"many\"\n").unwrap();
    let message = load(&file).err().unwrap().to_string();
    assert!(message.contains("line 2") && message.contains("items = \"many\""), "{message}");
}
