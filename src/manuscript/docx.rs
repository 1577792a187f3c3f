//! A Word document into pieces. Lines are paragraphs, counted from 1 through tables and all.
//!
//! SECURITY: the archive may be a bomb, so every part is read up to a limit and no further, and only the parts
//! that are named here.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io::{Cursor, Read};

use roxmltree::{Document, Node, ParsingOptions};

use super::bytes::Encoding;
use super::finding::{Complaint, Findings};
use super::legacy;
use super::rich::{self, Address, Flow, Raised, Tag};
use super::structure::{Kind, Piece};
use super::text::Cleaner;

/// The text of a long book is some 10 MB of XML.
const MOST_XML: u64 = 24 * 1024 * 1024;
const MOST_NODES: u32 = 1_000_000;
const DEEPEST: usize = 64;

/// Reads the document. `None` where it was refused.
///
/// `encoding` is what its letters were typed in, where the font made Vietnamese of Latin ones.
pub(super) fn pieces(
    bytes: &[u8],
    encoding: Option<Encoding>,
    cleaner: &mut Cleaner,
    findings: &mut Findings,
) -> Option<Vec<Piece>> {
    match read(bytes, encoding, cleaner, findings) {
        Ok(pieces) => Some(pieces),
        Err(complaint) => {
            findings.refuse(1, complaint);
            None
        }
    }
}

fn read(
    bytes: &[u8],
    encoding: Option<Encoding>,
    cleaner: &mut Cleaner,
    findings: &mut Findings,
) -> Result<Vec<Piece>, Complaint> {
    if bytes.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]) {
        return Err(Complaint::OldWord);
    }
    let mut archive =
        zip::ZipArchive::new(Cursor::new(bytes)).map_err(|_| match bytes.starts_with(b"PK") {
            true => Complaint::Damaged { form: "docx" },
            false => Complaint::NotThatForm { form: "docx" },
        })?;
    let document = part(&mut archive, "word/document.xml")?.ok_or(Complaint::NotThatForm { form: "docx" })?;
    let styles = part(&mut archive, "word/styles.xml")?.unwrap_or_default();
    let numbering = part(&mut archive, "word/numbering.xml")?.unwrap_or_default();
    let links = part(&mut archive, "word/_rels/document.xml.rels")?.unwrap_or_default();
    let tree = parse(&document)?;
    let encoding = encoding.filter(|encoding| matches!(encoding, Encoding::Tcvn3 | Encoding::Vni));
    let holds_unicode = encoding.is_some()
        && tree.descendants().any(|node| node.is_text() && node.text().is_some_and(legacy::is_unicode));
    let mut flow = Flow::new(cleaner, findings);
    let mut walker = Walker {
        flow: &mut flow,
        styles: style_names(&styles),
        ordered: ordered_lists(&numbering),
        links: link_targets(&links),
        encoding,
        holds_unicode,
        paragraph: 0,
    };
    let body = tree.root_element().children().find(|node| node.tag_name().name() == "body");
    if let Some(body) = body {
        walker.blocks(body, 0)?;
    }
    if flow.is_overflowing() {
        return Err(Complaint::GrowsWhenRead { limit: rich::MOST_OUTPUT });
    }
    Ok(flow.finish())
}

/// The text of a part; none where the archive has no such part.
fn part(archive: &mut zip::ZipArchive<Cursor<&[u8]>>, name: &str) -> Result<Option<String>, Complaint> {
    let damaged = || Complaint::Damaged { form: "docx" };
    let file = match archive.by_name(name) {
        Ok(file) => file,
        Err(zip::result::ZipError::FileNotFound) => return Ok(None),
        Err(_) => return Err(damaged()),
    };
    let mut text = Vec::new();
    file.take(MOST_XML + 1).read_to_end(&mut text).map_err(|_| damaged())?;
    if text.len() as u64 > MOST_XML {
        return Err(Complaint::TooLarge { limit: MOST_XML });
    }
    String::from_utf8(text).map(Some).map_err(|_| damaged())
}

fn parse(xml: &str) -> Result<Document<'_>, Complaint> {
    check_tags(xml)?;
    let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(xml.trim_start_matches('\u{feff}'), options)
        .map_err(|_| Complaint::Damaged { form: "docx" })
}

/// SECURITY: the parser compares each attribute of a tag with all before it, and each namespace with all that are
/// in force there. Word writes some thirty of both at the top, and two or three to a picture.
fn check_tags(xml: &str) -> Result<(), Complaint> {
    const MOST: usize = 100;
    const BYTES_TO_A_NAMESPACE: usize = 200;
    let most_declared = MOST + xml.len() / BYTES_TO_A_NAMESPACE;
    let (mut prefixes, mut declared) = (HashSet::new(), 0);
    let mut rest = xml;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let closed_by = [("!--", "-->"), ("![CDATA[", "]]>"), ("?", "?>")]
            .into_iter()
            .find_map(|(open, close)| Some((rest.strip_prefix(open)?, close)));
        if let Some((inside, close)) = closed_by {
            rest = inside.split_once(close).map_or("", |(_, behind)| behind);
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
            rest = rest.split_once(char::from(sign)).map_or("", |(_, behind)| behind);
        }
        if attributes > MOST || prefixes.len() > MOST || declared > most_declared {
            return Err(Complaint::GrowsWhenRead { limit: MOST });
        }
    }
    Ok(())
}

/// What each style is called in English whatever the language of Word, in small letters.
fn style_names(xml: &str) -> HashMap<String, String> {
    let Ok(tree) = parse(xml) else { return HashMap::new() };
    let styles = tree.descendants().filter(|node| node.tag_name().name() == "style");
    styles
        .filter_map(|style| {
            let name = style.children().find(|node| node.tag_name().name() == "name")?;
            Some((attribute(style, "styleId")?.to_owned(), attribute(name, "val")?.to_lowercase()))
        })
        .collect()
}

/// Which lists count.
fn ordered_lists(xml: &str) -> HashMap<String, bool> {
    let Ok(tree) = parse(xml) else { return HashMap::new() };
    let named = |name: &'static str| tree.descendants().filter(move |node| node.tag_name().name() == name);
    let counts: HashMap<&str, bool> = named("abstractNum")
        .filter_map(|list| {
            let format = list.descendants().find(|node| node.tag_name().name() == "numFmt")?;
            Some((attribute(list, "abstractNumId")?, attribute(format, "val")? == "decimal"))
        })
        .collect();
    named("num")
        .filter_map(|list| {
            let of = list.children().find(|node| node.tag_name().name() == "abstractNumId")?;
            Some((attribute(list, "numId")?.to_owned(), *counts.get(attribute(of, "val")?)?))
        })
        .collect()
}

fn link_targets(xml: &str) -> HashMap<String, Address> {
    let Ok(tree) = parse(xml) else { return HashMap::new() };
    tree.descendants()
        .filter_map(|node| {
            Some((attribute(node, "Id")?.to_owned(), Address::of(attribute(node, "Target")?, None)?))
        })
        .collect()
}

/// By local name: the prefix of the namespace is the writer's choice.
fn attribute<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.attributes().find(|attribute| attribute.name() == name).map(|attribute| attribute.value())
}

struct Walker<'w, 'c, 'f> {
    flow: &'w mut Flow<'c, 'f>,
    styles: HashMap<String, String>,
    ordered: HashMap<String, bool>,
    links: HashMap<String, Address>,
    /// Of the old ones alone.
    encoding: Option<Encoding>,
    /// Where an encoding is set: letters that it has no place for.
    holds_unicode: bool,
    paragraph: usize,
}

impl Walker<'_, '_, '_> {
    fn blocks(&mut self, parent: Node<'_, '_>, depth: usize) -> Result<(), Complaint> {
        if depth > DEEPEST {
            return Err(Complaint::TooDeep { limit: DEEPEST });
        }
        for node in parent.children() {
            match node.tag_name().name() {
                "p" => self.paragraph(node, depth)?,
                "tbl" => self.table(node, depth)?,
                "sdt" | "sdtContent" | "ins" | "smartTag" | "customXml" => self.blocks(node, depth + 1)?,
                _ => {}
            }
            if self.flow.is_overflowing() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn paragraph(&mut self, node: Node<'_, '_>, depth: usize) -> Result<(), Complaint> {
        self.paragraph += 1;
        let kind = self.kind_of(node);
        self.runs(node, &kind, depth)?;
        self.flow.close(kind);
        Ok(())
    }

    fn kind_of(&self, paragraph: Node<'_, '_>) -> Kind {
        let child = |node: Node<'_, '_>, name: &str| {
            node.children().find(|child| child.tag_name().name() == name).map(|child| child.id())
        };
        let Some(properties) = child(paragraph, "pPr").and_then(|id| paragraph.document().get_node(id))
        else {
            return Kind::Line;
        };
        let value = |name: &str| {
            let node = properties.descendants().find(|node| node.tag_name().name() == name)?;
            attribute(node, "val").map(str::to_owned)
        };
        let style = value("pStyle").unwrap_or_default();
        let style = self.styles.get(&style).cloned().unwrap_or_else(|| style.to_lowercase());
        if style == "title" {
            return Kind::Heading(1);
        }
        if style == "caption" {
            return Kind::Caption;
        }
        let level = style.strip_prefix("heading").map(str::trim).and_then(|level| level.parse::<u8>().ok());
        if let Some(level @ 1..=6) = level {
            return Kind::Heading(level);
        }
        match value("numId") {
            Some(number) if number != "0" => {
                Kind::Item { ordered: self.ordered.get(&number).copied().unwrap_or_default() }
            }
            _ => Kind::Line,
        }
    }

    fn runs(&mut self, parent: Node<'_, '_>, kind: &Kind, depth: usize) -> Result<(), Complaint> {
        if depth > DEEPEST {
            return Err(Complaint::TooDeep { limit: DEEPEST });
        }
        for node in parent.children() {
            match node.tag_name().name() {
                "r" => self.run(node, kind, depth + 1)?,
                "hyperlink" => {
                    let link = attribute(node, "id").and_then(|id| self.links.get(id)).cloned();
                    self.flow.style.link = link;
                    self.runs(node, kind, depth + 1)?;
                    self.flow.style.link = None;
                }
                "ins" | "smartTag" | "sdt" | "sdtContent" | "fldSimple" | "customXml" => {
                    self.runs(node, kind, depth + 1)?
                }
                // What was deleted with changes tracked is deleted.
                _ => {}
            }
        }
        Ok(())
    }

    fn run(&mut self, run: Node<'_, '_>, kind: &Kind, depth: usize) -> Result<(), Complaint> {
        let before = self.flow.style.clone();
        for node in run.children() {
            match node.tag_name().name() {
                "rPr" => self.marks(node),
                "t" => {
                    let text = self.letters(node.text().unwrap_or_default());
                    self.flow.text(&text, self.paragraph);
                }
                "tab" => self.flow.text(" ", self.paragraph),
                "noBreakHyphen" => self.flow.text("-", self.paragraph),
                "br" | "cr" => self.flow.line_break(kind),
                "pict" | "drawing" | "AlternateContent" => self.text_boxes(node, depth)?,
                _ => {}
            }
        }
        self.flow.style = before;
        Ok(())
    }

    fn marks(&mut self, properties: Node<'_, '_>) {
        for mark in properties.children() {
            let on = !matches!(attribute(mark, "val"), Some("0" | "false" | "none" | "off"));
            match mark.tag_name().name() {
                "b" => self.flow.style.strong = on,
                "i" => self.flow.style.emphasis = on,
                "vertAlign" => {
                    self.flow.style.raised = match attribute(mark, "val") {
                        Some("superscript") => Some(Raised::Sup),
                        Some("subscript") => Some(Raised::Sub),
                        _ => None,
                    };
                }
                _ => {}
            }
        }
    }

    /// Text as it was meant. Old documents are mended in new fonts, so that one which holds Unicode as well is
    /// judged run by run.
    fn letters<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let Some(encoding) = self.encoding.filter(|_| !text.is_ascii() && !legacy::is_unicode(text)) else {
            return Cow::Borrowed(text);
        };
        let read = legacy::read(text, encoding);
        let is_old = !self.holds_unicode || legacy::vietnamese_share(&read) > legacy::vietnamese_share(text);
        if is_old { Cow::Owned(read) } else { Cow::Borrowed(text) }
    }

    /// Captions are often set in text boxes. The same box may stand twice, for old and new readers.
    fn text_boxes(&mut self, drawing: Node<'_, '_>, depth: usize) -> Result<(), Complaint> {
        if depth > DEEPEST {
            return Err(Complaint::TooDeep { limit: DEEPEST });
        }
        for node in drawing.children() {
            match node.tag_name().name() {
                "Fallback" => {}
                // NOTE: boxes within it are found by its own runs; to look for them here as well would double them.
                "txbxContent" => {
                    self.flow.close(Kind::Line);
                    self.blocks(node, depth + 1)?;
                }
                _ => self.text_boxes(node, depth + 1)?,
            }
        }
        Ok(())
    }

    /// A table around a picture or of one cell is layout; every other one is data.
    fn table(&mut self, table: Node<'_, '_>, depth: usize) -> Result<(), Complaint> {
        let line = self.paragraph + 1;
        let named = |node: Node<'_, '_>, name: &str| node.tag_name().name() == name;
        let rows: Vec<_> = table.children().filter(|node| named(*node, "tr")).collect();
        let is_layout = table
            .descendants()
            .skip(1)
            .any(|node| named(node, "tbl") || named(node, "drawing") || named(node, "pict"));
        let mut cells: Vec<Vec<String>> = Vec::new();
        if !is_layout {
            for row in &rows {
                let row = row.children().filter(|node| named(*node, "tc")).map(|cell| {
                    let text = cell_text(cell);
                    let text = self.letters(&text);
                    self.flow.cell(&text, line)
                });
                cells.push(row.collect());
            }
        }
        let is_data = cells.len() >= 2 && cells.iter().any(|row| row.len() >= 2);
        if is_data && cells.iter().flatten().all(|cell| super::text::words(cell) <= 80) {
            self.paragraph += table.descendants().filter(|node| named(*node, "p")).count();
            cells.retain(|row| row.iter().any(|cell| !cell.is_empty()));
            self.flow.open(Tag::Table, line);
            for row in cells {
                self.flow.open(Tag::Row, line);
                for cell in row {
                    self.flow.open(Tag::Cell { head: false, columns: 1, rows: 1 }, line);
                    self.flow.text(&cell, line);
                    self.flow.shut();
                }
                self.flow.shut();
            }
            self.flow.shut();
            return Ok(());
        }
        for row in rows {
            for cell in row.children().filter(|node| named(*node, "tc")) {
                self.blocks(cell, depth + 1)?;
            }
        }
        Ok(())
    }
}

fn cell_text(cell: Node<'_, '_>) -> String {
    let mut text = String::new();
    for node in cell.descendants() {
        match node.tag_name().name() {
            "t" => text.push_str(node.text().unwrap_or_default()),
            "p" | "tab" | "br" => text.push(' '),
            _ => {}
        }
    }
    text
}
