//! The parts of a Word or OpenDocument text, which is a zip archive of XML.
//!
//! SECURITY: the archive can be a zip bomb, so only required parts are read, each up to a limit.

use std::collections::{HashMap, HashSet};
use std::io::{Cursor, Read};

use roxmltree::{Document, Node, ParsingOptions};

use super::diagnostic::DiagnosticKind;

/// Maximum size of a part; the text of a long book is about 10 MB of XML.
const MAX_XML_BYTES: u64 = 24 * 1024 * 1024;
const MAX_NODES: u32 = 1_000_000;

pub(super) struct Package<'b> {
    archive: zip::ZipArchive<Cursor<&'b [u8]>>,
    /// The archive index of each part, by its normalised name ([`plain_name`]).
    places: HashMap<String, usize>,
    /// The file extension, for diagnostics.
    form: &'static str,
}

impl<'b> Package<'b> {
    pub(super) fn open(bytes: &'b [u8], form: &'static str) -> Result<Self, DiagnosticKind> {
        let archive =
            zip::ZipArchive::new(Cursor::new(bytes)).map_err(|_| match bytes.starts_with(b"PK") {
                true => DiagnosticKind::Damaged { form },
                false => DiagnosticKind::WrongFormat { form },
            })?;
        // In archive order.
        let names = archive.file_names().enumerate();
        let places = names.filter_map(|(place, name)| Some((plain_name(&name.ok()?), place))).collect();
        Ok(Self { archive, places, form })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.places.contains_key(&plain_name(name))
    }

    /// The text of a part; `None` if it does not exist.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<String>, DiagnosticKind> {
        let Some(bytes) = self.bytes(name, MAX_XML_BYTES)? else { return Ok(None) };
        decoded(bytes).map(Some).ok_or(DiagnosticKind::Damaged { form: self.form })
    }

    /// The bytes of a part, at most `most`.
    pub(super) fn bytes(&mut self, name: &str, most: u64) -> Result<Option<Vec<u8>>, DiagnosticKind> {
        let form = self.form;
        let Some(place) = self.places.get(&plain_name(name)).copied() else { return Ok(None) };
        let file = self.archive.by_index(place).map_err(|_| DiagnosticKind::Damaged { form })?;
        let mut bytes = Vec::new();
        file.take(most + 1).read_to_end(&mut bytes).map_err(|_| DiagnosticKind::Damaged { form })?;
        if bytes.len() as u64 > most {
            return Err(DiagnosticKind::TooLarge { limit: most });
        }
        Ok(Some(bytes))
    }
}

/// Normalises a part name, because programs write them differently: lower case, slashes, no leading slash.
pub(super) fn plain_name(name: &str) -> String {
    name.replace('\\', "/").trim_start_matches('/').to_lowercase()
}

/// Decodes XML in UTF-8 or UTF-16; `None` if it is neither.
fn decoded(bytes: Vec<u8>) -> Option<String> {
    let by_mark = encoding_rs::Encoding::for_bom(&bytes).map(|(encoding, _)| encoding);
    let wide = by_mark.filter(|encoding| *encoding != encoding_rs::UTF_8).or(match bytes.get(..2) {
        Some([b'<', 0]) => Some(encoding_rs::UTF_16LE),
        Some([0, b'<']) => Some(encoding_rs::UTF_16BE),
        _ => None,
    });
    match wide {
        Some(encoding) => Some(encoding.decode(&bytes).0.into_owned()),
        None => String::from_utf8(bytes).ok(),
    }
}

/// Parses a part. `form` is the file extension, for diagnostics.
pub(super) fn parse<'x>(xml: &'x str, form: &'static str) -> Result<Document<'x>, DiagnosticKind> {
    check_tags(xml)?;
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(xml.trim_start_matches('\u{feff}'), options)
        .map_err(|_| DiagnosticKind::Damaged { form })
}

/// SECURITY: the parser compares each attribute of a tag with all previous ones, and each namespace with all in
/// scope. Word writes about thirty of both in the root element, and two or three per image.
fn check_tags(xml: &str) -> Result<(), DiagnosticKind> {
    const MAX_ATTRIBUTES: usize = 100;
    const BYTES_PER_NAMESPACE: usize = 200;
    let max_declared = MAX_ATTRIBUTES + xml.len() / BYTES_PER_NAMESPACE;
    let (mut prefixes, mut declared) = (HashSet::new(), 0);
    let mut rest = xml;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let closed_by = [("!--", "-->"), ("![CDATA[", "]]>"), ("?", "?>")]
            .into_iter()
            .find_map(|(open, close)| Some((rest.strip_prefix(open)?, close)));
        if let Some((inside, close)) = closed_by {
            rest = inside.split_once(close).map_or("", |(_, after)| after);
            continue;
        }
        let mut attributes = 0;
        while let Some(at) = rest.find(['>', '"', '\'']) {
            let (before, sign) = (&rest[..at], rest.as_bytes()[at]);
            rest = &rest[at + 1..];
            if sign == b'>' {
                break;
            }
            attributes += 1;
            let space = |c: char| c.is_ascii_whitespace();
            let name = before.trim_end_matches(|c| c == '=' || space(c)).rsplit(space).next();
            if let Some(prefix) = name.and_then(|name| name.strip_prefix("xmlns")) {
                declared += 1;
                prefixes.insert(prefix);
            }
            rest = rest.split_once(char::from(sign)).map_or("", |(_, after)| after);
        }
        if attributes > MAX_ATTRIBUTES || prefixes.len() > MAX_ATTRIBUTES || declared > max_declared {
            return Err(DiagnosticKind::TooComplex { limit: MAX_ATTRIBUTES });
        }
    }
    Ok(())
}

/// Compares local names: namespace prefixes are arbitrary.
pub(super) fn attribute<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.attributes().find(|attribute| attribute.name() == name).map(|attribute| attribute.value())
}

/// The first child with this name.
pub(super) fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| child.tag_name().name() == name)
}

/// How deep elements of a document may be nested. The readers are recursive.
const MAX_DEPTH: usize = 64;

/// # Errors
/// The elements of the document are nested too deeply.
pub(super) fn check_depth(depth: usize) -> Result<(), DiagnosticKind> {
    if depth > MAX_DEPTH { Err(DiagnosticKind::TooDeep { limit: MAX_DEPTH }) } else { Ok(()) }
}
