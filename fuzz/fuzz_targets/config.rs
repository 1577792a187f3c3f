//! A configuration: a file, and after a line with only `--` environment variables, one a line.

#![no_main]

use std::path::Path;

use bantin::config::{Config, ConfigError};
use bantin::feed::{self, FeedInput, FeedKind};
use bantin::time::from_unix;
use bantin::urls::Format;
use bantin_fuzz::{clock, site};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (file, variables) = split(data);
    let variables: Vec<(String, String)> = variables
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let path = site::scratch_file("config.toml", file);
    let config = clock::timed(data, || Config::load(Some(Path::new(&path)), variables.clone()));
    match config {
        Ok(config) => check_accepted(&config),
        Err(refused) => check_refused(&refused, &path, &variables),
    }
});

fn split(data: &[u8]) -> (&[u8], String) {
    const SEPARATOR: &[u8] = b"\n--\n";
    match data.windows(SEPARATOR.len()).position(|part| part == SEPARATOR) {
        Some(at) => (&data[..at], String::from_utf8_lossy(&data[at + SEPARATOR.len()..]).into_owned()),
        None => (data, String::new()),
    }
}

/// The values have an origin each, and the site has feeds that can be published.
fn check_accepted(config: &Config) {
    let values = config.effective_values();
    assert!(values.iter().all(|value| !value.key.is_empty() && !value.origin.is_empty()));
    assert!(values.is_sorted_by(|one, other| one.key < other.key));
    let _ = config.validate_for_serving();
    let render = &config.render;
    for channel in [None].into_iter().chain(render.channels.iter().take(4).map(Some)) {
        let input = FeedInput {
            site: &render.site,
            addresses: &render.addresses,
            channel,
            channels: &render.channels,
            entries: &[],
            tombstones: &[],
            updated: from_unix(1_683_887_940),
            kind: FeedKind::Live { previous_archive: None, complete: true },
        };
        for format in [Format::Rss, Format::Atom, Format::Json] {
            let document = feed::render(&input, format);
            if let Err(refused) = feed::verify(&input, format, &document) {
                panic!("accepted, and its feed in {format:?} is not published: {refused}");
            }
        }
    }
}

/// The message names where the mistake is: a line of the file, a variable or a key.
fn check_refused(refused: &ConfigError, path: &str, variables: &[(String, String)]) {
    let message = refused.to_string();
    match refused {
        ConfigError::File { cause, .. } => {
            assert!(message.starts_with(path), "no file: {message}");
            assert!(cause.contains(" at line "), "no position: {message}");
        }
        ConfigError::Variable { variable, reason, .. } => {
            assert!(variables.iter().any(|(name, _)| name == variable), "another variable: {message}");
            assert!(!reason.trim().is_empty(), "no reason: {message}");
        }
        ConfigError::Value { key, reason } => {
            assert!(!key.is_empty() && !reason.trim().is_empty(), "no key or reason: {message}");
        }
        // NOTE: a file of any bytes can be opened; only text that is no UTF-8 is not read.
        ConfigError::Unreadable { cause, .. } => {
            assert_eq!(cause.kind(), std::io::ErrorKind::InvalidData, "{message}");
        }
    }
}
