//! Reads a Word document: the text that Word shows. Line numbers are paragraph numbers, counted from 1 including
//! tables.

mod equation;
mod fields;
mod formula;
mod graphic;
mod letters;
mod list;
mod numbering;
mod package;
mod styles;
mod table;

pub(super) use numbering::in_format;

use std::collections::HashMap;

use roxmltree::{Document, Node};

use super::charset::Encoding;
use super::diagnostic::{DiagnosticKind, Diagnostics, Part};
use super::inline::{self, InlineBuilder};
use super::letters::Letters;
use super::normalise::{Normalizer, fold};
use super::piece::{Content, Kind};
use super::safe_html::{InlineStyle, ScriptPosition, Tag};
use super::safe_url::SafeUrl;
use super::vietnamese_encodings;
use crate::time::Zone;
use fields::{Fields, Shown};
use numbering::{Label, ListMark, Numbering};
use package::{Package, Relations, attribute, check_depth, child, value};
use styles::{Style, Styles, letters_of};

/// Reads a document. An error rejects it as a whole.
///
/// `encoding` is the legacy encoding of text in fonts that display Latin letters as Vietnamese.
pub(super) fn content(
    bytes: &[u8],
    encoding: Option<Encoding>,
    zone: Zone,
    normalizer: &mut Normalizer,
    findings: &mut Diagnostics,
) -> Result<Content, DiagnosticKind> {
    if bytes.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]) {
        // A document with a password is a compound file with this stream (MS-OFFCRYPTO 2.3.1).
        let stream: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let is_encrypted = bytes.windows(stream.len()).any(|part| part == stream);
        return Err(if is_encrypted { DiagnosticKind::Encrypted } else { DiagnosticKind::LegacyDoc });
    }
    let mut package = Package::open(bytes, "docx")?;
    let main = package::main_part(&mut package)?;
    let relations = package::relations_of(&mut package, &main)?;
    let folder = main.rsplit_once('/').map_or("", |(folder, _)| folder);
    // Parts are found by their relationship type, or at the path that Word uses.
    let mut related = |kind: &str| -> Result<(String, Relations), DiagnosticKind> {
        let named = relations.values().find(|relation| relation.kind == kind && !relation.external);
        let name = named.map_or_else(|| format!("{folder}/{kind}.xml"), |relation| relation.target.clone());
        Ok((package.part(&name)?.unwrap_or_default(), package::relations_of(&mut package, &name)?))
    };
    let (styles, _) = related("styles")?;
    let (numbering, _) = related("numbering")?;
    let (footnotes, of_footnotes) = related("footnotes")?;
    let (endnotes, of_endnotes) = related("endnotes")?;
    let document = package.part(&main)?.unwrap_or_default();
    let tree = package::parse(&document)?;
    let Some(body) = child(tree.root_element(), "body") else {
        return Err(DiagnosticKind::WrongFormat { form: "docx" });
    };
    // Damaged notes do not reject the document.
    let (footnotes, endnotes) = (package::parse(&footnotes).ok(), package::parse(&endnotes).ok());
    let encoding = encoding.filter(|encoding| matches!(encoding, Encoding::Tcvn3 | Encoding::Vni));
    let holds_unicode = encoding.is_some()
        && tree
            .descendants()
            .any(|node| node.is_text() && node.text().is_some_and(vietnamese_encodings::is_unicode));
    let styles = Styles::read(&styles);
    let numbering = Numbering::read(&numbering, &styles);
    let mut flow = InlineBuilder::new(normalizer, findings);
    let mut walker = DocxReader {
        flow: &mut flow,
        fields: Fields::of(&tree),
        styles,
        numbering,
        relations: &relations,
        zone,
        encoding,
        holds_unicode,
        paragraph: 0,
        continues: false,
        lists: Vec::new(),
        boxes: Vec::new(),
        table_style: None,
        below_pictures: false,
        hidden: String::new(),
        notes: Vec::new(),
        mark: None,
    };
    walker.blocks(body, 0)?;
    walker.end_of_story();
    let pieces = walker.flow.take_pieces();
    let notes = std::mem::take(&mut walker.notes);
    for (name, tree, relations) in
        [("footnote", &footnotes, &of_footnotes), ("endnote", &endnotes, &of_endnotes)]
    {
        if let Some(tree) = tree {
            walker.relations = relations;
            walker.fields = Fields::of(tree);
            walker.notes_of(name, tree, &notes)?;
        }
    }
    let notes = walker.flow.take_pieces();
    if flow.is_overflowing() {
        return Err(DiagnosticKind::TooComplex { limit: inline::MAX_OUTPUT });
    }
    Ok(Content { pieces, notes, ..flow.finish() })
}

/// A reference to a footnote or endnote.
struct Note {
    name: &'static str,
    id: String,
    line: usize,
}

struct DocxReader<'d, 'w, 'c, 'f> {
    flow: &'w mut InlineBuilder<'c, 'f>,
    fields: Fields,
    styles: Styles,
    numbering: Numbering,
    relations: &'d Relations,
    zone: Zone,
    /// Only for legacy encodings.
    encoding: Option<Encoding>,
    /// If an encoding is set: whether there are letters that it cannot represent.
    holds_unicode: bool,
    paragraph: usize,
    /// Whether the mark of the previous paragraph was deleted or hidden, so that the next one continues it.
    continues: bool,
    /// The open lists, outermost first.
    lists: Vec<OpenList>,
    /// Text boxes anchored to the paragraph; they follow it.
    boxes: Vec<Node<'d, 'd>>,
    table_style: Option<Style>,
    /// Whether the lines are those of a table of pictures.
    below_pictures: bool,
    /// Hidden text of the paragraph.
    hidden: String,
    notes: Vec<Note>,
    /// The number of the current note.
    mark: Option<usize>,
}

struct OpenList {
    level: usize,
    family: String,
    tag: Tag,
    last: i32,
}

impl<'d> DocxReader<'d, '_, '_, '_> {
    fn blocks(&mut self, parent: Node<'d, 'd>, depth: usize) -> Result<(), DiagnosticKind> {
        check_depth(depth)?;
        for node in parent.children() {
            match node.tag_name().name() {
                "p" => self.paragraph(node, depth)?,
                "tbl" => self.table(node, depth)?,
                "altChunk" | "subDoc" => self.omit(Part::Document, ""),
                "AlternateContent" => {
                    if let Some(chosen) = chosen(node) {
                        self.blocks(chosen, depth + 1)?;
                    }
                }
                "oMathPara" | "oMath" => self.formula(node, depth + 1)?,
                // Deleted or moved content is skipped.
                "del" | "moveFrom" | "sdtPr" | "sdtEndPr" | "sectPr" | "tblPr" | "tcPr" | "trPr" => {}
                _ => self.blocks(node, depth + 1)?,
            }
            if self.flow.is_overflowing() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn notes_of(&mut self, name: &str, tree: &'d Document<'d>, notes: &[Note]) -> Result<(), DiagnosticKind> {
        let nodes = tree.root_element().children().filter(|node| node.tag_name().name() == name);
        let by_id: HashMap<&str, Node<'d, 'd>> =
            nodes.filter_map(|node| Some((attribute(node, "id")?, node))).collect();
        for (index, note) in notes.iter().enumerate().filter(|(_, note)| note.name == name) {
            let Some(node) = by_id.get(note.id.as_str()) else { continue };
            self.paragraph = note.line.saturating_sub(1);
            self.mark = Some(index + 1);
            self.blocks(*node, 0)?;
            self.end_of_story();
        }
        Ok(())
    }

    /// Closes everything that can span paragraphs.
    fn end_of_story(&mut self) {
        self.flow.close(Kind::Line);
        self.continues = false;
        self.close_lists(0);
    }

    fn paragraph(&mut self, node: Node<'d, 'd>, depth: usize) -> Result<(), DiagnosticKind> {
        self.paragraph += 1;
        let properties = child(node, "pPr");
        let style = self.style_of(properties);
        let continues = std::mem::take(&mut self.continues);
        let mark = properties.and_then(|properties| child(properties, "rPr"));
        let mark_letters = self.styles.letters(self.table_style.as_ref(), &style, &letters_of(mark), None);
        let is_mark_shown = mark_letters.hidden != Some(true);
        let is_mark_gone = !is_mark_shown
            || mark.is_some_and(|mark| child(mark, "del").or(child(mark, "moveFrom")).is_some());
        let mut kind = match kind_of(properties, &style) {
            Kind::Line if self.below_pictures => Kind::Caption,
            kind => kind,
        };
        self.flow.quoted = style.names.iter().any(|name| name == "quote" || name == "intense quote");
        let shows_text = self.shows_text(node, &style);
        // A paragraph with only hidden text has no number.
        let label =
            if continues || is_mark_gone && !shows_text { None } else { self.label_of(properties, &style) };
        match label {
            Some(label) if kind == Kind::Line => {
                self.number(label, self.is_followed_by_an_entry(node));
            }
            label => {
                if !continues && shows_text {
                    self.close_lists(0);
                }
                if let Some(Label {
                    mark: ListMark::Number { written, .. } | ListMark::Written(written), ..
                }) = label
                    && !written.is_empty()
                {
                    self.flow.text(&format!("{written} "), self.paragraph);
                }
            }
        }
        if let Some(number) = self.mark.take() {
            self.note_number(number);
            self.flow.text(" ", self.paragraph);
        }
        if !self.lists.is_empty() {
            kind = Kind::Line;
        }
        self.runs(node, &style, &kind, depth)?;
        let hidden = fold(&std::mem::take(&mut self.hidden));
        if !hidden.is_empty() {
            let text = self.flow.cell(&hidden, self.paragraph);
            self.flow.findings.note(self.paragraph, DiagnosticKind::HiddenText { text });
        }
        if is_mark_gone {
            self.continues = !self.flow.is_blank();
            if !is_mark_shown {
                // Even hidden, it separates two words.
                self.flow.text(" ", self.paragraph);
            }
        } else {
            self.flow.close(kind);
        }
        self.flow.quoted = false;
        for drawing in std::mem::take(&mut self.boxes) {
            self.end_of_story();
            self.blocks(drawing, depth + 1)?;
            self.end_of_story();
        }
        Ok(())
    }

    fn style_of(&self, properties: Option<Node<'_, '_>>) -> Style {
        let named = properties.and_then(|properties| value(properties, "pStyle"));
        match named {
            Some(name) => self.styles.get(name).cloned().unwrap_or_else(|| Style {
                names: vec![name.to_lowercase()],
                ..self.styles.paragraph.clone()
            }),
            None => self.styles.paragraph.clone(),
        }
    }

    /// Whether any run is visible.
    fn shows_text(&self, paragraph: Node<'_, '_>, style: &Style) -> bool {
        paragraph
            .descendants()
            .filter(|node| node.tag_name().name() == "r")
            .any(|run| self.run_letters(run, style).hidden != Some(true) && child(run, "t").is_some())
    }

    /// The effective properties of a run.
    fn run_letters(&self, run: Node<'_, '_>, style: &Style) -> Letters {
        let properties = child(run, "rPr");
        let of_run = properties.and_then(|properties| value(properties, "rStyle"));
        self.styles.letters(self.table_style.as_ref(), style, &letters_of(properties), of_run)
    }

    fn runs(
        &mut self,
        parent: Node<'d, 'd>,
        style: &Style,
        kind: &Kind,
        depth: usize,
    ) -> Result<(), DiagnosticKind> {
        check_depth(depth)?;
        for node in parent.children() {
            match node.tag_name().name() {
                "r" => self.run(node, style, kind, depth + 1)?,
                "hyperlink" => {
                    let before = self.flow.style.link.clone();
                    let address = self.target_of(node);
                    self.link_to(address.as_deref());
                    self.runs(node, style, kind, depth + 1)?;
                    self.flow.style.link = before;
                }
                "fldSimple" => {
                    let before = self.flow.style.link.clone();
                    let address = fields::hyperlink(attribute(node, "instr").unwrap_or_default());
                    if address.is_some() {
                        self.link_to(address.as_deref());
                    }
                    self.runs(node, style, kind, depth + 1)?;
                    self.flow.style.link = before;
                    let has_content = node.descendants().any(|node| is_content(node.tag_name().name()));
                    if !has_content {
                        self.field_without_result(attribute(node, "instr").unwrap_or_default(), false);
                    }
                }
                "oMath" | "oMathPara" => self.formula(node, depth + 1)?,
                "AlternateContent" => {
                    if let Some(chosen) = chosen(node) {
                        self.runs(chosen, style, kind, depth + 1)?;
                    }
                }
                "subDoc" | "altChunk" => self.omit(Part::Document, ""),
                "drawing" | "pict" | "object" => self.graphic(node, depth + 1)?,
                // Deleted or moved content is skipped.
                "del" | "moveFrom" | "pPr" | "rPr" | "sdtPr" | "sdtEndPr" => {}
                _ => self.runs(node, style, kind, depth + 1)?,
            }
        }
        Ok(())
    }

    /// The target of an element by its relationship id, or an anchor in the document.
    fn target_of(&self, node: Node<'_, '_>) -> Option<String> {
        let relation = self.relations.get(attribute(node, "id")?)?;
        let place = attribute(node, "anchor").map(|place| format!("#{place}")).unwrap_or_default();
        Some(format!("{}{place}", relation.target))
    }

    fn link_to(&mut self, target: Option<&str>) {
        let link = target.and_then(|target| SafeUrl::of(target, None));
        if let Some(target) =
            target.filter(|target| link.is_none() && !target.is_empty() && !target.starts_with('#'))
        {
            let target = target.chars().take(200).collect();
            self.flow.findings.warn(self.paragraph, DiagnosticKind::LinkDropped { target });
        }
        self.flow.style.link = link;
    }

    fn run(
        &mut self,
        run: Node<'d, 'd>,
        style: &Style,
        kind: &Kind,
        depth: usize,
    ) -> Result<(), DiagnosticKind> {
        check_depth(depth)?;
        let letters = self.run_letters(run, style);
        let before = self.flow.style.clone();
        self.flow.style.strong = letters.strong == Some(true);
        self.flow.style.emphasis = letters.emphasis == Some(true);
        self.flow.style.struck |= letters.struck == Some(true);
        self.flow.style.raised = letters.raised.flatten();
        let hidden = letters.hidden == Some(true);
        for node in run.children().filter(Node::is_element) {
            let name = node.tag_name().name();
            if name == "fldChar" {
                self.field(node, hidden);
                continue;
            }
            if name == "instrText" {
                self.fields.add(node.text().unwrap_or_default());
                continue;
            }
            if self.fields.is_in_instruction() {
                continue;
            }
            if is_content(name) {
                self.fields.has_content();
            }
            if hidden {
                self.hidden.extend(node.text());
                continue;
            }
            self.run_part(node, letters.font.as_deref(), style, kind, depth)?;
        }
        // A field link begins in one run and ends in another.
        let link = self.flow.style.link.take();
        self.flow.style = InlineStyle { link, ..before };
        Ok(())
    }

    fn run_part(
        &mut self,
        node: Node<'d, 'd>,
        font: Option<&str>,
        style: &Style,
        kind: &Kind,
        depth: usize,
    ) -> Result<(), DiagnosticKind> {
        let line = self.paragraph;
        match node.tag_name().name() {
            "t" => self.letters(node.text().unwrap_or_default(), font.unwrap_or_default()),
            "tab" | "ptab" => self.flow.text(" ", line),
            "noBreakHyphen" => self.flow.text("-", line),
            "softHyphen" => self.flow.text("\u{ad}", line),
            "br" | "cr" => self.flow.line_break(kind),
            "sym" => {
                let code = attribute(node, "char").and_then(|code| u32::from_str_radix(code, 16).ok());
                self.symbol(attribute(node, "font").unwrap_or_default(), code.unwrap_or_default());
            }
            "footnoteReference" => self.note(node, "footnote"),
            "endnoteReference" => self.note(node, "endnote"),
            "ruby" => {
                if let Some(base) = child(node, "rubyBase") {
                    self.runs(base, style, kind, depth + 1)?;
                }
                if let Some(reading) = child(node, "rt") {
                    self.flow.text(" (", line);
                    self.runs(reading, style, kind, depth + 1)?;
                    self.flow.text(")", line);
                }
            }
            "pict" | "drawing" | "object" => self.graphic(node, depth)?,
            "contentPart" => self.omit(Part::Drawing, ""),
            "AlternateContent" => {
                for part in
                    chosen(node).into_iter().flat_map(|chosen| chosen.children()).filter(Node::is_element)
                {
                    if part.tag_name().name() == "r" {
                        self.run(part, style, kind, depth + 1)?;
                    } else {
                        self.run_part(part, font, style, kind, depth + 1)?;
                    }
                }
            }
            "oMath" | "oMathPara" => self.formula(node, depth + 1)?,
            _ => {}
        }
        Ok(())
    }

    fn field(&mut self, node: Node<'_, '_>, hidden: bool) {
        match attribute(node, "fldCharType") {
            Some("begin") => self.fields.begin(node, self.flow.style.link.clone()),
            Some("separate") => {
                if let Some(address) = self.fields.separate().and_then(fields::hyperlink) {
                    self.link_to(Some(&address));
                }
            }
            Some("end") => {
                if let Some(ended) = self.fields.end() {
                    self.flow.style.link = ended.link_before;
                    match ended.form {
                        _ if ended.has_content || hidden => {}
                        Some(value) => self.flow.text(&value, self.paragraph),
                        None => self.field_without_result(&ended.instruction, ended.has_result),
                    }
                }
            }
            _ => {}
        }
    }

    /// A field whose result is not in the file, or empty.
    fn field_without_result(&mut self, instruction: &str, has_result: bool) {
        // The instructions of fields around it are hidden.
        if self.fields.is_in_instruction() {
            return;
        }
        match fields::shown(instruction) {
            Shown::Text(text) => self.flow.text(&text, self.paragraph),
            Shown::Symbol { font, code } => self.symbol(&font, code),
            Shown::Equation(formula) => {
                self.omit(Part::Formula, &formula);
                let before = self.flow.style.clone();
                for (text, position) in equation::parts(&formula) {
                    self.flow.style.raised = position;
                    self.flow.text(&text, self.paragraph);
                }
                self.flow.style = before;
            }
            Shown::Unknown if !has_result => self.omit(Part::Field, instruction),
            Shown::Unknown | Shown::Nothing => {}
        }
    }

    /// Writes the number of a referenced note; footnotes and endnotes share one series.
    fn note(&mut self, node: Node<'_, '_>, name: &'static str) {
        let id = attribute(node, "id").unwrap_or_default().to_owned();
        self.notes.push(Note { name, id, line: self.paragraph });
        // A custom mark follows as text.
        if !matches!(attribute(node, "customMarkFollows"), Some("1" | "true" | "on")) {
            self.note_number(self.notes.len());
        }
    }

    fn note_number(&mut self, number: usize) {
        let before = self.flow.style.clone();
        self.flow.style = InlineStyle { raised: Some(ScriptPosition::Sup), ..InlineStyle::default() };
        self.flow.text(&number.to_string(), self.paragraph);
        self.flow.style = before;
    }

    fn omit(&mut self, part: Part, name: &str) {
        self.flow.omit(part, name, self.paragraph);
    }
}

/// Whether an element of a run shows something.
fn is_content(name: &str) -> bool {
    const NAMES: [&str; 14] = [
        "t",
        "tab",
        "br",
        "cr",
        "sym",
        "drawing",
        "pict",
        "object",
        "ruby",
        "noBreakHyphen",
        "ptab",
        "footnoteReference",
        "endnoteReference",
        "AlternateContent",
    ];
    NAMES.contains(&name)
}

/// Chooses one of several alternatives: the first, unless only the fallback has readable content.
fn chosen<'a, 'i>(alternatives: Node<'a, 'i>) -> Option<Node<'a, 'i>> {
    let choice = alternatives.children().find(|node| node.tag_name().name() == "Choice");
    let fallback = alternatives.children().find(|node| node.tag_name().name() == "Fallback");
    let says_something = |node: &Node<'_, '_>| {
        node.descendants()
            .any(|node| matches!(node.tag_name().name(), "t" | "blip" | "imagedata" | "sym" | "txbxContent"))
    };
    choice.filter(says_something).or(fallback).or(choice)
}

/// The kind of a paragraph by its style and outline level.
fn kind_of(properties: Option<Node<'_, '_>>, style: &Style) -> Kind {
    let own = properties
        .and_then(|properties| value(properties, "outlineLvl"))
        .and_then(|level| level.parse().ok());
    for name in &style.names {
        match name.as_str() {
            "title" => return Kind::Heading(1),
            "caption" => return Kind::Caption,
            _ => {}
        }
        let level = name.strip_prefix("heading").and_then(|level| level.trim().parse::<u8>().ok());
        if let Some(level @ 1..=6) = level {
            return Kind::Heading(level);
        }
    }
    match own.or(style.outline) {
        Some(level @ 0..=5) => Kind::Heading(level + 1),
        _ => Kind::Line,
    }
}
