//! Reads an OpenDocument text (ISO/IEC 26300): the text that LibreOffice shows. Line numbers are paragraph numbers,
//! counted from 1 including tables.

mod formula;
mod graphic;
mod list;
mod styles;
mod table;

use std::collections::HashMap;

use roxmltree::Node;

use super::charset::Encoding;
use super::diagnostic::{DiagnosticKind, Diagnostics, Part};
use super::inline::{self, InlineBuilder};
use super::letters::{Letters, decoded, of_symbol_font};
use super::normalise::{Normalizer, fold};
use super::package::{self, Package, attribute, check_depth, child};
use super::piece::{Content, Kind};
use super::safe_html::{InlineStyle, ScriptPosition};
use super::safe_url::SafeUrl;
use super::vietnamese_encodings;
use crate::time::Zone;
use styles::{Family, Style, Styles};

const FORM: &str = "odt";

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
    let mut package = Package::open(bytes, FORM)?;
    let media_type = package.part("mimetype")?.unwrap_or_default();
    if !media_type.trim().starts_with("application/vnd.oasis.opendocument.text") {
        return Err(DiagnosticKind::WrongFormat { form: FORM });
    }
    // ISO/IEC 26300-3, 4.4: an encrypted part says so in the manifest.
    let manifest = package.part("META-INF/manifest.xml")?.unwrap_or_default();
    if manifest.contains("encryption-data") {
        return Err(DiagnosticKind::Encrypted);
    }
    let document = package.part("content.xml")?.ok_or(DiagnosticKind::Damaged { form: FORM })?;
    let common_styles = package.part("styles.xml")?.unwrap_or_default();
    let tree = package::parse(&document, FORM)?;
    // Damaged styles do not reject the document.
    let common_styles = package::parse(&common_styles, FORM).ok();
    let root = tree.root_element();
    let body = child(root, "body").and_then(|body| child(body, "text"));
    let body = body.ok_or(DiagnosticKind::WrongFormat { form: FORM })?;
    let encoding = encoding.filter(|encoding| matches!(encoding, Encoding::Tcvn3 | Encoding::Vni));
    let holds_unicode = encoding.is_some()
        && body.descendants().any(|node| node.text().is_some_and(vietnamese_encodings::is_unicode));
    let formulas = formula::read(body, &mut package);
    let mut flow = InlineBuilder::new(normalizer, findings);
    let mut reader = OdtReader {
        flow: &mut flow,
        styles: Styles::read(common_styles.as_ref().map(|tree| tree.root_element()), root),
        formulas,
        zone,
        encoding,
        holds_unicode,
        paragraph: 0,
        open_lists: 0,
        numbers: HashMap::new(),
        boxes: Vec::new(),
        below_pictures: false,
        hidden: String::new(),
        notes: Vec::new(),
    };
    reader.blocks(body, 0)?;
    let pieces = reader.flow.take_pieces();
    reader.append_notes()?;
    let notes = reader.flow.take_pieces();
    if flow.is_overflowing() {
        return Err(DiagnosticKind::TooComplex { limit: inline::MAX_OUTPUT });
    }
    Ok(Content { pieces, notes, ..flow.finish() })
}

struct OdtReader<'d, 'w, 'c, 'f> {
    flow: &'w mut InlineBuilder<'c, 'f>,
    styles: Styles<'d>,
    formulas: HashMap<&'d str, formula::Parts>,
    zone: Zone,
    /// Only for legacy encodings.
    encoding: Option<Encoding>,
    /// If an encoding is set: whether there are letters that it cannot represent.
    holds_unicode: bool,
    paragraph: usize,
    /// The number of open lists.
    open_lists: usize,
    /// The last number of each list style and level.
    numbers: HashMap<(String, usize), i32>,
    /// Text boxes anchored to the paragraph; they follow it.
    boxes: Vec<Node<'d, 'd>>,
    /// Whether the lines are those of a table of pictures.
    below_pictures: bool,
    /// Hidden text of the paragraph.
    hidden: String,
    /// The bodies of footnotes and endnotes, in order, with the line of the reference.
    notes: Vec<(usize, Node<'d, 'd>)>,
}

type ReadResult = Result<(), DiagnosticKind>;

impl<'d> OdtReader<'d, '_, '_, '_> {
    fn blocks(&mut self, parent: Node<'d, 'd>, depth: usize) -> ReadResult {
        check_depth(depth)?;
        for node in parent.children().filter(Node::is_element) {
            self.block(node, depth)?;
            if self.flow.is_overflowing() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn block(&mut self, node: Node<'d, 'd>, depth: usize) -> ReadResult {
        match node.tag_name().name() {
            "p" | "h" => self.paragraph(node, "", depth),
            "list" => self.list(node, None, 1, depth),
            // A paragraph that is numbered without a list around it.
            "numbered-paragraph" => self.blocks(node, depth + 1),
            "table" => self.table(node, depth),
            "section" if attribute(node, "display") == Some("none") => {
                self.hidden.push_str(&text_of(node));
                self.paragraph += node.descendants().filter(is_paragraph).count();
                self.report_hidden_text();
                Ok(())
            }
            // Deleted text, comments, declarations, and the rules by which an index is made.
            "tracked-changes" | "annotation" | "forms" | "settings" => Ok(()),
            name if name.ends_with("-decls") || name.ends_with("-source") => Ok(()),
            name if is_graphic(name) => {
                self.graphic(node, depth + 1)?;
                self.text_boxes(depth)
            }
            _ => self.blocks(node, depth + 1),
        }
    }

    /// A paragraph or heading, after `label`, the number of a list.
    fn paragraph(&mut self, node: Node<'d, 'd>, label: &str, depth: usize) -> ReadResult {
        self.paragraph += 1;
        let style = self.styles.get(Family::Paragraph, attribute(node, "style-name").unwrap_or_default());
        let kind = match kind_of(node, &style) {
            _ if self.open_lists > 0 => Kind::Line,
            Kind::Line if self.below_pictures => Kind::Caption,
            kind => kind,
        };
        self.flow.quoted = style.names.iter().any(|name| name == "quotations");
        if !label.is_empty() {
            self.flow.text(&format!("{label} "), self.paragraph);
        }
        let letters = self.styles.default_letters(&style);
        self.inline(node, &letters, &kind, depth)?;
        self.report_hidden_text();
        self.flow.close(kind);
        self.flow.quoted = false;
        self.text_boxes(depth)
    }

    /// Reads the text boxes of the paragraph.
    fn text_boxes(&mut self, depth: usize) -> ReadResult {
        for text_box in std::mem::take(&mut self.boxes) {
            self.blocks(text_box, depth + 1)?;
        }
        Ok(())
    }

    fn report_hidden_text(&mut self) {
        let hidden = fold(&std::mem::take(&mut self.hidden));
        if !hidden.is_empty() {
            let text = self.flow.cell(&hidden, self.paragraph);
            self.flow.findings.note(self.paragraph, DiagnosticKind::HiddenText { text });
        }
    }

    fn inline(&mut self, parent: Node<'d, 'd>, letters: &Letters, kind: &Kind, depth: usize) -> ReadResult {
        check_depth(depth)?;
        for node in parent.children() {
            if node.is_text() {
                self.text(node.text().unwrap_or_default(), letters);
            } else if node.is_element() {
                self.inline_element(node, letters, kind, depth)?;
            }
        }
        Ok(())
    }

    fn inline_element(
        &mut self,
        node: Node<'d, 'd>,
        letters: &Letters,
        kind: &Kind,
        depth: usize,
    ) -> ReadResult {
        match node.tag_name().name() {
            "span" => {
                let named = attribute(node, "style-name").unwrap_or_default();
                let letters = self.styles.get(Family::Text, named).letters.over(letters);
                self.inline(node, &letters, kind, depth + 1)?;
            }
            "a" => {
                let before = self.flow.style.link.clone();
                self.link_to(attribute(node, "href").unwrap_or_default());
                self.inline(node, letters, kind, depth + 1)?;
                self.flow.style.link = before;
            }
            "s" | "tab" => self.text(" ", letters),
            "line-break" => self.flow.line_break(kind),
            "note" => self.note(node),
            "ruby" => {
                for (name, open, close) in [("ruby-base", "", ""), ("ruby-text", " (", ")")] {
                    if let Some(part) = child(node, name) {
                        self.text(open, letters);
                        self.inline(part, letters, kind, depth + 1)?;
                        self.text(close, letters);
                    }
                }
            }
            "hidden-text" | "hidden-paragraph" => {
                self.hidden.push_str(attribute(node, "string-value").unwrap_or_default());
                self.hidden.push_str(&text_of(node));
            }
            "fieldmark" => self.form_field(node, letters),
            "script" => self.omit(Part::Script, ""),
            "annotation" => {}
            name if is_graphic(name) => self.graphic(node, depth + 1)?,
            // Fields, indexes and changes contain the text that they show.
            _ => self.inline(node, letters, kind, depth + 1)?,
        }
        Ok(())
    }

    /// Writes text in the style of `letters`. White space in a text node is one space (ISO/IEC 26300-3, 6.1.2).
    fn text(&mut self, raw: &str, letters: &Letters) {
        if letters.hidden == Some(true) {
            self.hidden.push_str(raw);
            return;
        }
        let spaced: String =
            raw.chars().map(|c| if matches!(c, '\t' | '\r' | '\n') { ' ' } else { c }).collect();
        let font = letters.font.as_deref().unwrap_or_default();
        let mut unknown = Vec::new();
        let text = match of_symbol_font(&spaced, font, &mut unknown) {
            Some(shown) => shown.into(),
            None => decoded(&spaced, self.encoding, self.holds_unicode),
        };
        let before = self.flow.style.clone();
        self.flow.style = InlineStyle {
            strong: letters.strong == Some(true),
            emphasis: letters.emphasis == Some(true),
            struck: letters.struck == Some(true),
            raised: letters.raised.flatten(),
            link: before.link.clone(),
        };
        self.flow.text(&text, self.paragraph);
        self.flow.style = before;
        for symbol in unknown {
            self.omit(Part::Symbol, &format!("{font} {:X}", u32::from(symbol)));
        }
    }

    /// A form field without text of its own: a check box or a choice.
    fn form_field(&mut self, node: Node<'d, 'd>, letters: &Letters) {
        let parameters = |name: &str| {
            let named = node.children().filter(|node| attribute(*node, "name") == Some(name));
            named.filter_map(|node| attribute(node, "value")).collect::<Vec<_>>()
        };
        let kind = attribute(node, "type").unwrap_or_default();
        if kind.ends_with("CHECKBOX") {
            let is_checked = parameters("Checkbox_Checked").contains(&"true");
            self.text(if is_checked { "☒" } else { "☐" }, letters);
        } else {
            let chosen =
                parameters("Dropdown_Selected").first().and_then(|chosen| chosen.parse::<usize>().ok());
            let entries = parameters("Dropdown_ListEntry");
            self.text(entries.get(chosen.unwrap_or_default()).unwrap_or(&""), letters);
        }
    }

    fn link_to(&mut self, target: &str) {
        let link = SafeUrl::of(target, None);
        if link.is_none() && !target.is_empty() && !target.starts_with('#') {
            let target = target.chars().take(200).collect();
            self.flow.findings.warn(self.paragraph, DiagnosticKind::LinkDropped { target });
        }
        self.flow.style.link = link;
    }

    /// Writes the number of a note; footnotes and endnotes share one series. Their text follows the article.
    fn note(&mut self, node: Node<'d, 'd>) {
        if let Some(body) = child(node, "note-body") {
            self.notes.push((self.paragraph, body));
            self.note_number(self.notes.len());
        }
    }

    fn note_number(&mut self, number: usize) {
        let raised = Letters { raised: Some(Some(ScriptPosition::Sup)), ..Letters::default() };
        self.text(&number.to_string(), &raised);
    }

    /// The texts of the notes, each after its number. NOTE: notes within notes are found on the way.
    fn append_notes(&mut self) -> ReadResult {
        let mut done = 0;
        while let Some((line, body)) = self.notes.get(done).copied() {
            done += 1;
            self.paragraph = line.saturating_sub(1);
            self.note_number(done);
            self.text(" ", &Letters::default());
            self.blocks(body, 0)?;
            self.flow.close(Kind::Line);
        }
        Ok(())
    }

    fn omit(&mut self, part: Part, name: &str) {
        self.flow.omit(part, name, self.paragraph);
    }
}

/// The kind of a paragraph by its element, style and outline level.
fn kind_of(node: Node<'_, '_>, style: &Style) -> Kind {
    for name in &style.names {
        match name.as_str() {
            "title" => return Kind::Heading(1),
            "caption" => return Kind::Caption,
            _ => {}
        }
    }
    let own = attribute(node, "outline-level").and_then(|level| level.parse().ok());
    match own.or(style.outline) {
        Some(level @ 1..=6) => Kind::Heading(level),
        _ if node.tag_name().name() == "h" => Kind::Heading(6),
        _ => Kind::Line,
    }
}

/// Whether an element is a frame or a shape (ISO/IEC 26300-3, chapter 10).
fn is_graphic(name: &str) -> bool {
    const NAMES: [&str; 13] = [
        "frame",
        "g",
        "a-frame",
        "custom-shape",
        "rect",
        "line",
        "polyline",
        "polygon",
        "regular-polygon",
        "path",
        "circle",
        "ellipse",
        "connector",
    ];
    NAMES.contains(&name)
}

fn is_paragraph(node: &Node<'_, '_>) -> bool {
    matches!(node.tag_name().name(), "p" | "h")
}

/// The approximate text of an element.
fn text_of(node: Node<'_, '_>) -> String {
    let mut text = String::new();
    for node in node.descendants() {
        match node.tag_name().name() {
            "p" | "h" | "s" | "tab" | "line-break" => text.push(' '),
            _ if node.is_text() => text.push_str(node.text().unwrap_or_default()),
            _ => {}
        }
    }
    text
}
