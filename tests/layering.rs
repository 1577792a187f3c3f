//! Keeps the floors of `src/lib.rs`: a room names rooms on lower floors only, never its own.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each room and its floor, as the map in `src/lib.rs` draws them.
const FLOORS: [(&str, u8); 20] = [
    ("cli", 8),
    ("app", 7),
    ("config", 6),
    ("http", 5),
    ("export", 5),
    ("ingest", 3),
    ("render", 3),
    ("store", 2),
    ("parse", 1),
    ("image", 1),
    ("feed", 1),
    ("html", 1),
    ("model", 0),
    ("search_text", 0),
    ("message", 0),
    ("urls", 0),
    ("time", 0),
    ("text", 0),
    ("logging", 0),
    // Not a room: where the map is drawn.
    ("lib", 9),
];

/// The words speak of each other; above them no room names one on its own floor.
const WORDS: u8 = 0;

#[test]
fn no_room_names_a_room_on_its_own_floor_or_above() {
    let files = sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")));
    assert!(files.len() > 30, "only {} files were found", files.len());
    let mut wrong = Vec::new();
    for (path, room) in files.iter().filter_map(|path| Some((path, room_of(path)?))) {
        let text = fs::read_to_string(path).unwrap();
        for named in named_rooms(&text) {
            let (here, there) = (floor(&room), floor(&named));
            let allowed = named == room || there < here || (here == WORDS && there == WORDS);
            if !allowed {
                wrong.push(format!("{} (floor {here}) names {named} (floor {there})", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_room_is_on_the_map_and_every_name_on_the_map_is_a_room() {
    let map = include_str!("../src/lib.rs");
    let declared: BTreeSet<&str> = map
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod "))
        .map(|line| line.trim_end_matches(';'))
        .collect();
    let known: BTreeSet<&str> = FLOORS.iter().map(|(room, _)| *room).filter(|room| *room != "lib").collect();
    assert_eq!(declared, known);
    for (room, number) in FLOORS.iter().filter(|(room, _)| *room != "lib") {
        let row = map.lines().find(|line| line.contains(&format!("[`{room}`]")) && line.contains("| "));
        let row = row.unwrap_or_else(|| panic!("{room} is not on the map"));
        assert!(row.starts_with(&format!("//! | {number} ")), "{room}: {row}");
    }
}

#[test]
fn a_name_is_found_however_it_is_written() {
    let text = "use crate::{feed, http::{door, x}, store};\nlet a = crate::press::b(); // crate::cli\n";
    let found: Vec<String> = named_rooms(text).into_iter().collect();
    assert_eq!(found, ["feed", "http", "press", "store"]);
}

fn floor(room: &str) -> u8 {
    let found = FLOORS.iter().find(|(name, _)| *name == room);
    found.unwrap_or_else(|| panic!("{room} is no room")).1
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files
}

/// The room that a file belongs to: the first part of its path below `src`.
fn room_of(path: &Path) -> Option<String> {
    let below = path.strip_prefix(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).ok()?;
    let first = below.components().next()?.as_os_str().to_str()?;
    let room = first.trim_end_matches(".rs");
    (room != "main").then(|| room.to_owned())
}

/// The rooms that a text names as `crate::room` outside of comments.
fn named_rooms(text: &str) -> BTreeSet<String> {
    let code: String =
        text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    for (start, _) in code.match_indices("crate::") {
        if code[..start].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &code[start + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(top_level_names(group)),
            None => found.extend(name_at(rest)),
        }
    }
    found
}

/// The first names of a group in braces, nested groups left out.
fn top_level_names(group: &str) -> Vec<String> {
    let (mut depth, mut names, mut fresh) = (0, Vec::new(), true);
    for (index, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => fresh = true,
            c if c.is_whitespace() => {}
            _ if depth == 0 && fresh => {
                names.extend(name_at(&group[index..]));
                fresh = false;
            }
            _ => {}
        }
    }
    names
}

fn name_at(text: &str) -> Option<String> {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    let name = &text[..end];
    // A macro or a type at the root is no room.
    name.starts_with(|c: char| c.is_ascii_lowercase()).then(|| name.to_owned())
}
