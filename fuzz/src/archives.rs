//! Mutations of zip archives. A byte changed in an archive is found by its checksum, and nothing behind that is reached;
//! so one part is unpacked, changed, and packed again with the right checksum.

use std::io::{Cursor, Read as _, Write as _};

use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

use crate::Random;

/// Larger parts are left as they are.
const MAX_PART: u64 = 1 << 20;
const MAX_PARTS: usize = 64;

/// A part of an archive.
struct Part {
    name: String,
    bytes: Vec<u8>,
}

/// Changes the archive in the first `size` bytes of `data` and returns its new size. Bytes that are no archive, and an
/// archive one time in eight, are changed as bytes.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut random = Random::new(seed);
    let as_bytes = random.below(8) == 0;
    let parts = if as_bytes { None } else { unpacked(&data[..size]) };
    let changed = parts.and_then(|mut parts| {
        change(&mut parts, &mut random);
        packed(&parts, &mut random)
    });
    match changed.filter(|bytes| bytes.len() <= max_size) {
        Some(bytes) => {
            data[..bytes.len()].copy_from_slice(&bytes);
            bytes.len()
        }
        None => libfuzzer_sys::fuzzer_mutate(data, size, max_size),
    }
}

fn unpacked(bytes: &[u8]) -> Option<Vec<Part>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).ok()?;
    let mut parts = Vec::new();
    for index in 0..archive.len().min(MAX_PARTS) {
        let Ok(file) = archive.by_index(index) else { continue };
        let Ok(name) = file.name().map(|name| name.into_owned()) else { continue };
        let mut bytes = Vec::new();
        // A part that is damaged is kept as far as it can be read.
        let _ = file.take(MAX_PART).read_to_end(&mut bytes);
        parts.push(Part { name, bytes });
    }
    (!parts.is_empty()).then_some(parts)
}

/// One part: usually its content, seldom its name, its place or its existence.
fn change(parts: &mut Vec<Part>, random: &mut Random) {
    let (one, other) = (chosen(parts, random), random.below(parts.len()));
    match random.below(16) {
        0 if parts.len() > 1 => drop(parts.remove(one)),
        1 if parts.len() < MAX_PARTS => {
            let (name, bytes) = (parts[one].name.clone(), parts[one].bytes.clone());
            let name = if random.below(2) == 0 { name } else { format!("{name}.txt") };
            parts.push(Part { name, bytes });
        }
        2 => {
            let mut name = std::mem::take(&mut parts[other].name).into_bytes();
            grown(&mut name, 64);
            parts[other].name = String::from_utf8_lossy(&name).into_owned();
        }
        3 => {
            let name = parts[one].name.clone();
            parts[one].name = std::mem::replace(&mut parts[other].name, name);
        }
        4 => parts[other].bytes = parts[one].bytes.clone(),
        5..=9 => mix_up(&mut parts[one].bytes, random),
        _ => grown(&mut parts[one].bytes, 4096),
    }
}

/// The text of a document more often than its settings.
fn chosen(parts: &[Part], random: &mut Random) -> usize {
    const MAIN: [&str; 7] =
        ["document.xml", "content.xml", "styles.xml", "numbering.xml", "footnotes.xml", ".rels", ".txt"];
    let main: Vec<usize> =
        (0..parts.len()).filter(|index| MAIN.iter().any(|name| parts[*index].name.ends_with(name))).collect();
    match main.is_empty() || random.below(4) == 0 {
        true => random.below(parts.len()),
        false => main[random.below(main.len())],
    }
}

/// A mutation of libFuzzer, with its dictionary.
fn grown(bytes: &mut Vec<u8>, by: usize) {
    let size = bytes.len();
    bytes.resize(size + by, 0);
    let max = bytes.len();
    let size = libfuzzer_sys::fuzzer_mutate(bytes, size, max);
    bytes.truncate(size);
}

/// Elements of XML that is well-formed are removed, repeated, moved and nested: it stays well-formed.
fn mix_up(bytes: &mut Vec<u8>, random: &mut Random) {
    let Ok(mut xml) = String::from_utf8(std::mem::take(bytes)) else { return };
    for _ in 0..=random.below(4) {
        mix_up_once(&mut xml, random);
    }
    *bytes = xml.into_bytes();
}

fn mix_up_once(xml: &mut String, random: &mut Random) {
    let Ok(tree) = roxmltree::Document::parse(xml) else { return };
    let elements: Vec<_> = tree
        .root_element()
        .descendants()
        .skip(1)
        .filter(|node| node.is_element())
        .map(|node| node.range())
        .collect();
    if elements.is_empty() {
        return;
    }
    let (one, other) =
        (elements[random.below(elements.len())].clone(), elements[random.below(elements.len())].clone());
    let text = xml[one.clone()].to_owned();
    match random.below(5) {
        0 => xml.replace_range(one, ""),
        1 => xml.insert_str(other.start, &text),
        2 => xml.insert_str(one.start, &text.repeat(1 + random.below(20))),
        3 => xml.replace_range(other, &text),
        // One element within another: deeper with each time.
        _ => match text.find('>') {
            Some(end) if !text.ends_with("/>") => xml.insert_str(one.start + end + 1, &text),
            _ => xml.replace_range(other, &text),
        },
    }
    if xml.len() as u64 > MAX_PART {
        xml.clear();
    }
}

fn packed(parts: &[Part], random: &mut Random) -> Option<Vec<u8>> {
    let method = if random.below(8) == 0 { CompressionMethod::Deflated } else { CompressionMethod::Stored };
    zipped(parts.iter().map(|part| (part.name.as_str(), part.bytes.as_slice())), method)
}

/// The same archive with its parts not compressed, so that the first inputs are open to every mutation.
pub fn stored(bytes: &[u8]) -> Option<Vec<u8>> {
    let parts = unpacked(bytes)?;
    of_files(parts.iter().map(|part| (part.name.as_str(), part.bytes.as_slice())))
}

/// An archive of these files, not compressed.
pub fn of_files<'f>(files: impl IntoIterator<Item = (&'f str, &'f [u8])>) -> Option<Vec<u8>> {
    zipped(files, CompressionMethod::Stored)
}

fn zipped<'f>(
    files: impl IntoIterator<Item = (&'f str, &'f [u8])>,
    method: CompressionMethod,
) -> Option<Vec<u8>> {
    let options = SimpleFileOptions::default().compression_method(method);
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        // Of two files with one name, the writer refuses the second: it is left out.
        if archive.start_file(name, options).is_ok() {
            archive.write_all(bytes).ok()?;
        }
    }
    Some(archive.finish().ok()?.into_inner())
}
