//! The parts of a Word document and their relationships.
//!
//! SECURITY: the archive can be a zip bomb, so only required parts are read, each up to a limit.

use std::collections::{HashMap, HashSet};
use std::io::{Cursor, Read};

use roxmltree::{Document, Node, ParsingOptions};

use super::super::diagnostic::DiagnosticKind;

/// Maximum size of a part; the text of a long book is about 10 MB of XML.
const MAX_XML_BYTES: u64 = 24 * 1024 * 1024;
const MAX_NODES: u32 = 1_000_000;

pub(super) struct Package<'b> {
    archive: zip::ZipArchive<Cursor<&'b [u8]>>,
    /// The archive index of each part, by its normalised name ([`plain_name`]).
    places: HashMap<String, usize>,
}

/// The relationships of a part, by id.
pub(super) type Relations = HashMap<String, Relation>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Relation {
    /// The last segment of its type: `hyperlink`, `image`, `footnotes` …
    pub kind: String,
    /// A URL if external, otherwise the name of a part.
    pub target: String,
    pub external: bool,
}

impl<'b> Package<'b> {
    pub(super) fn open(bytes: &'b [u8]) -> Result<Self, DiagnosticKind> {
        let archive =
            zip::ZipArchive::new(Cursor::new(bytes)).map_err(|_| match bytes.starts_with(b"PK") {
                true => DiagnosticKind::Damaged { form: "docx" },
                false => DiagnosticKind::WrongFormat { form: "docx" },
            })?;
        // In archive order.
        let names = archive.file_names().enumerate();
        let places = names.filter_map(|(place, name)| Some((plain_name(&name.ok()?), place))).collect();
        Ok(Self { archive, places })
    }

    /// The name of the main document part.
    pub(super) fn main_part(&mut self) -> Result<String, DiagnosticKind> {
        let relations = self.relations_of("")?;
        let mut named: Vec<String> = relations
            .into_values()
            .filter(|relation| relation.kind == "officeDocument" && !relation.external)
            .map(|relation| relation.target)
            .collect();
        named.extend(self.main_part_by_its_type()?);
        named.push("word/document.xml".to_owned());
        let found = named.into_iter().find(|name| self.places.contains_key(name));
        found.ok_or(DiagnosticKind::WrongFormat { form: "docx" })
    }

    fn main_part_by_its_type(&mut self) -> Result<Option<String>, DiagnosticKind> {
        let types = self.part("[Content_Types].xml")?.unwrap_or_default();
        let Ok(tree) = parse(&types) else { return Ok(None) };
        let is_main = |node: &Node<'_, '_>| {
            let content_type = attribute(*node, "ContentType").unwrap_or_default();
            content_type.contains("word") && content_type.ends_with("main+xml")
        };
        let main = tree.descendants().find(is_main).and_then(|node| attribute(node, "PartName"));
        Ok(main.map(plain_name))
    }

    /// The text of a part; `None` if it does not exist.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<String>, DiagnosticKind> {
        let Some(bytes) = self.bytes(name, MAX_XML_BYTES)? else { return Ok(None) };
        decoded(bytes).map(Some)
    }

    /// The bytes of a part, at most `most`.
    pub(super) fn bytes(&mut self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, DiagnosticKind> {
        let damaged = |_| DiagnosticKind::Damaged { form: "docx" };
        let Some(place) = self.places.get(&plain_name(name)).copied() else { return Ok(None) };
        let file = self.archive.by_index(place).map_err(|_| DiagnosticKind::Damaged { form: "docx" })?;
        let mut bytes = Vec::new();
        file.take(limit + 1).read_to_end(&mut bytes).map_err(damaged)?;
        if bytes.len() as u64 > limit {
            return Err(DiagnosticKind::TooLarge { limit: limit });
        }
        Ok(Some(bytes))
    }

    /// The relationships of a part; of the package itself for an empty name.
    pub(super) fn relations_of(&mut self, part: &str) -> Result<Relations, DiagnosticKind> {
        let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
        let xml = self.part(&format!("{folder}/_rels/{name}.rels"))?.unwrap_or_default();
        let Ok(tree) = parse(&xml) else { return Ok(Relations::new()) };
        let relation = |node: Node<'_, '_>| {
            let kind = attribute(node, "Type").unwrap_or_default().rsplit('/').next()?.to_owned();
            let external =
                attribute(node, "TargetMode").is_some_and(|mode| mode.eq_ignore_ascii_case("external"));
            let target = attribute(node, "Target")?;
            let is_address = external || kind == "hyperlink" || target.contains("://");
            let target = if is_address { target.to_owned() } else { resolve(folder, target) };
            Some((attribute(node, "Id")?.to_owned(), Relation { kind, target, external }))
        };
        Ok(tree.descendants().filter_map(relation).collect())
    }
}

/// Normalises a part name, because programs write them differently: lower case, slashes, no leading slash.
fn plain_name(name: &str) -> String {
    name.replace('\\', "/").trim_start_matches('/').to_lowercase()
}

/// Resolves a part name relative to a folder.
fn resolve(folder: &str, target: &str) -> String {
    let target = target.replace('\\', "/");
    let whole = if target.starts_with('/') { target } else { format!("{folder}/{target}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    plain_name(&parts.join("/"))
}

/// Decodes XML in UTF-8 or UTF-16.
fn decoded(bytes: Vec<u8>) -> Result<String, DiagnosticKind> {
    let by_mark = encoding_rs::Encoding::for_bom(&bytes).map(|(encoding, _)| encoding);
    let wide = by_mark.filter(|encoding| *encoding != encoding_rs::UTF_8).or(match bytes.get(..2) {
        Some([b'<', 0]) => Some(encoding_rs::UTF_16LE),
        Some([0, b'<']) => Some(encoding_rs::UTF_16BE),
        _ => None,
    });
    match wide {
        Some(encoding) => Ok(encoding.decode(&bytes).0.into_owned()),
        None => String::from_utf8(bytes).map_err(|_| DiagnosticKind::Damaged { form: "docx" }),
    }
}

pub(super) fn parse(xml: &str) -> Result<Document<'_>, DiagnosticKind> {
    check_tags(xml)?;
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(xml.trim_start_matches('\u{feff}'), options)
        .map_err(|_| DiagnosticKind::Damaged { form: "docx" })
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

/// The `val` attribute of the first child with this name.
pub(super) fn value<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    attribute(child(node, name)?, "val")
}

/// Whether a property is on; `None` if missing.
pub(super) fn switch(node: Node<'_, '_>, name: &str) -> Option<bool> {
    let property = child(node, name)?;
    Some(!matches!(attribute(property, "val"), Some("0" | "false" | "off" | "none")))
}
