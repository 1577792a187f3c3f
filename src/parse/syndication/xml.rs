//! Makes broken XML well-formed before it is parsed, where the meaning is certain.

use std::collections::BTreeSet;

use quick_xml::escape::resolve_html5_entity;

use super::super::diagnostic::Diagnostics;
use super::super::encoding;
use super::model::{FeedFault, Repair, Repairs, count};
use crate::text::is_xml_char;

/// Maximum depth of elements.
const MAX_DEPTH: usize = 200;

/// Decodes a document: UTF-8 if it is UTF-8, otherwise as it declares, otherwise as an article file.
pub(super) fn decode(
    bytes: &[u8],
    charset: Option<&str>,
    repairs: &mut Repairs,
) -> Result<String, FeedFault> {
    if let Some((encoding, length)) = encoding_rs::Encoding::for_bom(bytes) {
        let (text, broken) = encoding.decode_without_bom_handling(&bytes[length..]);
        return if broken { Err(FeedFault::Encoding) } else { Ok(text.into_owned()) };
    }
    let declared = charset
        .or_else(|| declared(bytes))
        .and_then(|label| encoding_rs::Encoding::for_label(label.as_bytes()));
    let other = declared.filter(|encoding| *encoding != encoding_rs::UTF_8);
    let is_utf8 = std::str::from_utf8(bytes).is_ok();
    if is_utf8 && other.is_some() && !bytes.is_ascii() {
        count(repairs, Repair::WrongEncoding, 1);
    }
    if let Some(encoding) = other.filter(|_| !is_utf8)
        && let (text, false) = encoding.decode_without_bom_handling(bytes)
        && encoding::detect_mojibake(&text).is_none()
    {
        return Ok(text.into_owned());
    }
    let text =
        encoding::decode(bytes, None, declared, &mut Diagnostics::default()).ok_or(FeedFault::Encoding)?;
    let broken = text.matches('\u{fffd}').count();
    count(repairs, Repair::BrokenBytes, broken);
    count(repairs, Repair::WrongEncoding, usize::from(!is_utf8 && broken == 0));
    Ok(if broken > 0 { text.replace('\u{fffd}', "") } else { text })
}

/// The encoding in the XML declaration.
fn declared(bytes: &[u8]) -> Option<&str> {
    let head = std::str::from_utf8(&bytes[..bytes.iter().take(200).position(|byte| *byte == b'>')?]).ok()?;
    let behind = head.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = behind.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    behind[1..].split(quote).next()
}

/// The namespaces of prefixes that feeds use without declaring them.
const KNOWN_PREFIXES: [(&str, &str); 8] = [
    ("atom", "http://www.w3.org/2005/Atom"),
    ("content", "http://purl.org/rss/1.0/modules/content/"),
    ("dc", "http://purl.org/dc/elements/1.1/"),
    ("media", "http://search.yahoo.com/mrss/"),
    ("rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"),
    ("at", "http://purl.org/atompub/tombstones/1.0"),
    ("fh", "http://purl.org/syndication/history/1.0"),
    ("xlink", "http://www.w3.org/1999/xlink"),
];

/// The document as XML that a strict parser reads.
pub(super) fn repaired(text: &str, repairs: &mut Repairs) -> Result<String, FeedFault> {
    let document = without_surroundings(text, repairs);
    let mut repairer =
        Repairer { rest: document, out: String::with_capacity(document.len() + 256), ..Repairer::default() };
    repairer.run(repairs)?;
    let undeclared: Vec<&str> = repairer.used.difference(&repairer.declared).copied().collect();
    count(repairs, Repair::UndeclaredPrefix, undeclared.len());
    let Some(at) = repairer.root_end.filter(|_| !undeclared.is_empty()) else { return Ok(repairer.out) };
    let mut declarations = String::new();
    for prefix in undeclared {
        let known = KNOWN_PREFIXES.iter().find(|(known, _)| *known == prefix);
        let namespace =
            known.map_or_else(|| format!("urn:undeclared:{prefix}"), |(_, uri)| (*uri).to_owned());
        declarations.push_str(&format!(" xmlns:{prefix}=\"{namespace}\""));
    }
    repairer.out.insert_str(at, &declarations);
    Ok(repairer.out)
}

/// The document without what scripts print before or after it.
fn without_surroundings<'t>(text: &'t str, repairs: &mut Repairs) -> &'t str {
    let start =
        ["<?xml", "<rss", "<feed", "<rdf:RDF", "<RDF"].iter().filter_map(|mark| text.find(mark)).min();
    let start = start.unwrap_or_default();
    let ends = ["</rss>", "</feed>", "</rdf:RDF>", "</RDF>"];
    let end = ends.iter().filter_map(|mark| Some(text.rfind(mark)? + mark.len())).max().unwrap_or(text.len());
    let (before, after) = (text[..start].trim(), text.get(end..).unwrap_or_default().trim());
    let around =
        !before.trim_start_matches('\u{feff}').is_empty() || !after.is_empty() && !after.starts_with("<!--");
    count(repairs, Repair::TextAroundDocument, usize::from(around));
    text.get(start..end).unwrap_or(text)
}

#[derive(Default)]
struct Repairer<'t> {
    rest: &'t str,
    out: String,
    used: BTreeSet<&'t str>,
    declared: BTreeSet<&'t str>,
    depth: usize,
    /// Where declarations can be inserted in the output: behind the name of the root element.
    root_end: Option<usize>,
}

impl<'t> Repairer<'t> {
    fn run(&mut self, repairs: &mut Repairs) -> Result<(), FeedFault> {
        while let Some(at) = self.rest.find(['<', '&']) {
            self.text(at, repairs);
            if self.rest.starts_with('&') {
                self.entity(repairs);
            } else if self.rest.starts_with("<![CDATA[") {
                let end = self.rest.find("]]>").map_or(self.rest.len(), |end| end + 3);
                self.text(end, repairs);
            } else if self.rest.starts_with("<!--") {
                self.skip("-->");
            } else if self.rest.starts_with("<?") {
                self.skip("?>");
            } else if self.rest.get(..9).is_some_and(|begin| begin.eq_ignore_ascii_case("<!doctype")) {
                count(repairs, Repair::Doctype, 1);
                self.doctype();
            } else if self.rest[1..].starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '/')) {
                self.tag(repairs)?;
            } else {
                count(repairs, Repair::Entity, 1);
                self.out.push_str("&lt;");
                self.rest = &self.rest[1..];
            }
        }
        self.text(self.rest.len(), repairs);
        Ok(())
    }

    /// Copies `length` bytes without forbidden characters.
    fn text(&mut self, length: usize, repairs: &mut Repairs) {
        let (part, rest) = self.rest.split_at(length);
        self.rest = rest;
        let before = self.out.len();
        self.out.extend(part.chars().filter(|c| is_xml_char(*c)));
        count(repairs, Repair::ControlCharacter, usize::from(self.out.len() - before < part.len()));
    }

    fn skip(&mut self, end: &str) {
        self.rest = self.rest.find(end).map_or("", |at| &self.rest[at + end.len()..]);
    }

    /// SECURITY: the internal subset goes too, and with it every entity that could expand.
    fn doctype(&mut self) {
        let mut in_subset = false;
        for (at, character) in self.rest.char_indices() {
            match character {
                '[' => in_subset = true,
                ']' => in_subset = false,
                '>' if !in_subset => {
                    self.rest = &self.rest[at + 1..];
                    return;
                }
                _ => {}
            }
        }
        self.rest = "";
    }

    /// Writes the reference at the beginning of the rest as one that XML knows.
    fn entity(&mut self, repairs: &mut Repairs) {
        const LONGEST: usize = 40;
        let end = self.rest.bytes().take(LONGEST).position(|byte| byte == b';');
        let name = end.map(|end| &self.rest[1..end]).unwrap_or_default();
        let is_name =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'#');
        if !is_name {
            count(repairs, Repair::Entity, 1);
            self.out.push_str("&amp;");
            self.rest = &self.rest[1..];
            return;
        }
        self.rest = &self.rest[name.len() + 2..];
        if matches!(name, "amp" | "lt" | "gt" | "quot" | "apos") {
            return self.out.push_str(&format!("&{name};"));
        }
        if let Some(number) = name.strip_prefix('#') {
            let hex = number.strip_prefix(['x', 'X']);
            let code = hex.map_or_else(|| number.parse().ok(), |hex| u32::from_str_radix(hex, 16).ok());
            match code.and_then(char::from_u32).filter(|character| is_xml_char(*character)) {
                Some(character) => self.out.push_str(&format!("&#{};", u32::from(character))),
                None => count(repairs, Repair::ControlCharacter, 1),
            }
            return;
        }
        count(repairs, Repair::Entity, 1);
        match resolve_html5_entity(name) {
            Some(characters) => {
                characters.chars().for_each(|c| self.out.push_str(&format!("&#{};", u32::from(c))))
            }
            None => self.out.push_str(&format!("&amp;{name};")),
        }
    }

    fn tag(&mut self, repairs: &mut Repairs) -> Result<(), FeedFault> {
        let end = self.tag_end();
        let tag = &self.rest[..end];
        let closes = tag.starts_with("</");
        let name_start = if closes { 2 } else { 1 };
        let name = &tag[name_start..];
        let name =
            &name[..name.find(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).unwrap_or(name.len())];
        self.note_prefix(name);
        match closes {
            true => self.depth = self.depth.saturating_sub(1),
            false if !tag.ends_with("/>") => self.depth += 1,
            false => {}
        }
        if self.depth > MAX_DEPTH {
            return Err(FeedFault::TooComplex);
        }
        let head = name_start + name.len();
        self.text(head, repairs);
        if !closes && self.root_end.is_none() {
            self.root_end = Some(self.out.len());
        }
        self.attributes(end - head, repairs);
        Ok(())
    }

    /// The length of the tag at the beginning of the rest. A `>` in quotes does not end it.
    fn tag_end(&self) -> usize {
        let mut quote = None;
        for (at, character) in self.rest.char_indices() {
            match (quote, character) {
                (None, '>') => return at + 1,
                (None, '"' | '\'') => quote = Some(character),
                (Some(open), _) if open == character => quote = None,
                _ => {}
            }
        }
        self.rest.len()
    }

    /// Copies the attributes of a tag, `length` bytes with its end.
    fn attributes(&mut self, length: usize, repairs: &mut Repairs) {
        let (whole, behind) = self.rest.split_at(length);
        for (at, _) in whole.match_indices('=') {
            let mut words =
                whole[..at].trim_end().rsplit(|c: char| c.is_whitespace() || matches!(c, '"' | '\''));
            let name = words.next().unwrap_or_default();
            match name.strip_prefix("xmlns:") {
                Some(prefix) => {
                    self.declared.insert(prefix);
                }
                None => self.note_prefix(name),
            }
        }
        self.rest = whole;
        while let Some(at) = self.rest.find('&') {
            self.text(at, repairs);
            self.entity(repairs);
        }
        self.text(self.rest.len(), repairs);
        self.rest = behind;
    }

    fn note_prefix(&mut self, name: &'t str) {
        let is_prefix = |prefix: &&str| {
            prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
                && prefix.starts_with(|c: char| c.is_ascii_alphabetic())
                && !matches!(*prefix, "xml" | "xmlns")
        };
        self.used.extend(name.split_once(':').map(|(prefix, _)| prefix).filter(is_prefix));
    }
}
