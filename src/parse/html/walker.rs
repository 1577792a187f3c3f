//! Walks over the nodes of the article and builds pieces.

use url::Url;

use super::super::diagnostic::{DiagnosticKind, Part};
use super::super::inline::InlineBuilder;
use super::super::pictures::ImageSource;
use super::super::piece::Kind;
use super::super::safe_html::{NumberStyle, ScriptPosition, Tag};
use super::super::safe_url::SafeUrl;
use super::super::stamp::{self, DateReading};
use super::super::table_shape::{self, Shape};
use super::dom::{self, NodeData, NodeId};
use super::page::{HtmlPage, is_menu_name};
use super::shown::{self, ElementStyle};

pub(super) struct Walker<'p, 'w, 'c, 'f> {
    page: &'p HtmlPage<'p>,
    flow: &'w mut InlineBuilder<'c, 'f>,
    /// The root of the walk.
    scope: NodeId,
    kind: Kind,
    preformatted: bool,
}

impl<'p, 'w, 'c, 'f> Walker<'p, 'w, 'c, 'f> {
    pub(super) fn new(page: &'p HtmlPage<'p>, scope: NodeId, flow: &'w mut InlineBuilder<'c, 'f>) -> Self {
        Self { page, flow, scope, kind: Kind::Line, preformatted: false }
    }

    pub(super) fn walk(mut self) {
        self.element(self.scope, 0);
        self.flow.close(Kind::Line);
    }

    fn element(&mut self, id: NodeId, depth: usize) {
        // The depth is already limited while parsing; this is the last line of defence.
        const MAX_DEPTH: usize = 4 * dom::MAX_DEPTH;
        if depth > MAX_DEPTH || self.flow.is_overflowing() {
            return;
        }
        if self.page.hidden[id] {
            return self.report_part(id);
        }
        match self.page.tree.data(id) {
            NodeData::Text(text) => self.text(text, self.page.tree.line(id)),
            NodeData::Document => self.children(id, depth),
            NodeData::Other => {}
            NodeData::Element { .. } => self.styled_element(id, depth),
        }
    }

    fn children(&mut self, id: NodeId, depth: usize) {
        for child in self.page.tree.children(id) {
            self.element(child, depth + 1);
        }
    }

    fn text(&mut self, text: &str, line: usize) {
        if !self.preformatted {
            return self.flow.text(text, line);
        }
        for (offset, part) in text.split('\n').enumerate() {
            if offset > 0 {
                self.flow.line_break(&self.kind);
            }
            self.flow.text(part, line + offset);
        }
    }

    /// Applies the inline style of the element, then walks over its content.
    fn styled_element(&mut self, id: NodeId, depth: usize) {
        let tree = self.page.tree;
        let look = self.page.sheet.style_of(tree, id);
        let before = self.flow.style.clone();
        let style = &mut self.flow.style;
        style.struck |= look.strikes(tree.name(id));
        match tree.name(id) {
            "b" | "strong" => style.strong = true,
            "i" | "em" => style.emphasis = true,
            "sub" => style.raised = Some(ScriptPosition::Sub),
            "sup" => style.raised = Some(ScriptPosition::Sup),
            _ => {}
        }
        style.raised = look.raised().or(style.raised);
        self.tag(id, &look, depth);
        self.flow.style = before;
    }

    fn tag(&mut self, id: NodeId, look: &ElementStyle, depth: usize) {
        let tree = self.page.tree;
        match tree.name(id) {
            "br" => self.flow.line_break(&self.kind),
            "hr" => self.flow.close(self.kind.clone()),
            "a" => self.link(id, look, depth),
            "time" => self.time(id, depth),
            "q" => self.between(id, "“", "”", depth),
            "rt" | "rtc" => self.between(id, " (", ") ", depth),
            "img" | "picture" => self.picture(id, depth),
            "input" if self.page.is_fragment && tree.attribute(id, "type") != Some("hidden") => {
                self.omit(Part::Form, id);
            }
            "math" => {
                self.omit(Part::Formula, id);
                self.children(id, depth);
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                let level = tree.name(id).as_bytes()[1] - b'0';
                self.block(id, depth, Kind::Heading(level));
            }
            "figcaption" | "caption" => self.block(id, depth, Kind::Caption),
            "table" => self.table(id, depth),
            "ul" | "ol" | "menu" | "dir" => self.list(id, depth),
            "li" => self.block(id, depth, Kind::Item { ordered: false }),
            "dl" => self.definitions(id, depth),
            "blockquote" => self.quotation(id, depth),
            "pre" | "listing" | "xmp" | "plaintext" => self.preformatted(id, depth),
            name if is_menu_name(name) && self.page.is_menu(id) => self.flow.close(self.kind.clone()),
            name if !look.is_block(name) => self.children(id, depth),
            _ if self.is_caption(id) => self.block(id, depth, Kind::Caption),
            _ => self.block(id, depth, self.kind.clone()),
        }
    }

    fn between(&mut self, id: NodeId, before: &str, behind: &str, depth: usize) {
        let line = self.page.tree.line(id);
        self.flow.text(before, line);
        self.children(id, depth);
        self.flow.text(behind, line);
    }

    fn link(&mut self, id: NodeId, look: &ElementStyle, depth: usize) {
        if let Some(target) = self.page.tree.attribute(id, "href") {
            let link = SafeUrl::of(target, self.page.base.as_ref());
            // Buttons and anchors of the page.
            let has_no_target =
                target.is_empty() || target.starts_with('#') || target.starts_with("javascript:");
            if link.is_none() && self.page.weight(id).text > 0 && !has_no_target {
                let target = target.chars().take(200).collect();
                self.flow.findings.warn(self.page.tree.line(id), DiagnosticKind::LinkDropped { target });
            }
            self.flow.style.link = link;
        }
        if look.is_block("a") { self.block(id, depth, self.kind.clone()) } else { self.children(id, depth) }
    }

    /// In `<time datetime="…">2 giờ trước</time>`, the attribute is used instead of the relative text.
    fn time(&mut self, id: NodeId, depth: usize) {
        let tree = self.page.tree;
        let is_refused = |id| {
            let shown = self.page.short_text(id);
            shown.is_some_and(|shown| matches!(stamp::read(&shown, self.page.zone), DateReading::Refused(_)))
        };
        match tree.attribute(id, "datetime") {
            Some(date) if is_refused(id) => self.flow.text(date, tree.line(id)),
            _ => self.children(id, depth),
        }
    }

    fn block(&mut self, id: NodeId, depth: usize, kind: Kind) {
        self.flow.close(self.kind.clone());
        let before = std::mem::replace(&mut self.kind, kind);
        self.children(id, depth);
        self.flow.close(self.kind.clone());
        self.kind = before;
    }

    /// A block element of a list or a table.
    fn within(&mut self, tag: Tag, id: NodeId, depth: usize) {
        self.flow.close(self.kind.clone());
        let before = std::mem::replace(&mut self.kind, Kind::Line);
        self.flow.open(tag, self.page.tree.line(id));
        self.children(id, depth);
        self.flow.shut();
        self.kind = before;
    }

    fn is_caption(&self, id: NodeId) -> bool {
        let tree = self.page.tree;
        if !tree.has_attributes(id) {
            return false;
        }
        let class = tree.attribute(id, "class").unwrap_or_default().to_ascii_lowercase();
        let named = ["caption", "chu-thich", "chuthich", "pcaption", "image-note", "photo-note"]
            .iter()
            .any(|name| class.contains(name));
        named && matches!(tree.name(id), "p" | "div" | "td") && self.page.weight(id).text < 600
    }

    /// Whether the element contains so much of the content that it is page layout rather than part of the text.
    fn is_layout(&self, id: NodeId) -> bool {
        let weight = self.page.weight(id);
        weight.titles > 0 || !self.page.is_fragment && weight.text * 2 > self.page.weight(self.scope).text
    }

    fn list(&mut self, id: NodeId, depth: usize) {
        let tree = self.page.tree;
        if self.page.is_menu(id) {
            return self.flow.close(self.kind.clone());
        }
        if self.page.weight(id).titles > 0 {
            return self.block(id, depth, self.kind.clone());
        }
        let number = |name: &str| tree.attribute(id, name).and_then(|value| value.trim().parse().ok());
        let reversed = tree.attribute(id, "reversed").is_some();
        let tag = if tree.name(id) == "ol" {
            let style = NumberStyle::of_type(tree.attribute(id, "type").unwrap_or_default());
            let entries = || tree.children(id).filter(|child| tree.name(*child) == "li").count();
            let last = if reversed { i32::try_from(entries()).unwrap_or(1) } else { 1 };
            Tag::Numbers { first: number("start").unwrap_or(last), style, reversed }
        } else {
            Tag::Bullets
        };
        let is_numbered = tag != Tag::Bullets;
        self.flow.close(self.kind.clone());
        let before = std::mem::replace(&mut self.kind, Kind::Line);
        self.flow.open(tag, tree.line(id));
        for child in tree.children(id) {
            if tree.name(child) == "li" && !self.page.hidden[child] {
                let value = tree.attribute(child, "value").filter(|_| is_numbered);
                let before = self.flow.style.clone();
                self.flow.style.struck |= self.page.sheet.style_of(tree, child).strikes("li");
                self.within(
                    Tag::Item { value: value.and_then(|value| value.trim().parse().ok()) },
                    child,
                    depth + 1,
                );
                self.flow.style = before;
            } else {
                self.element(child, depth + 1);
            }
        }
        self.flow.shut();
        self.kind = before;
    }

    fn definitions(&mut self, id: NodeId, depth: usize) {
        let tree = self.page.tree;
        if self.page.is_menu(id) {
            return self.flow.close(self.kind.clone());
        }
        if self.is_layout(id) {
            return self.block(id, depth, self.kind.clone());
        }
        self.flow.close(self.kind.clone());
        let before = std::mem::replace(&mut self.kind, Kind::Line);
        self.flow.open(Tag::Definitions, tree.line(id));
        for child in tree.children(id) {
            // Pairs can be wrapped in `div` elements.
            let is_pair = tree.name(child) == "div" && !self.page.hidden[child];
            let parts: Vec<NodeId> = if is_pair { tree.children(child).collect() } else { vec![child] };
            for part in parts {
                match tree.name(part) {
                    "dt" if !self.page.hidden[part] => self.within(Tag::Term, part, depth + 2),
                    "dd" if !self.page.hidden[part] => self.within(Tag::Definition, part, depth + 2),
                    _ => self.element(part, depth + 2),
                }
            }
        }
        self.flow.shut();
        self.kind = before;
    }

    /// Old pages use it for indentation.
    fn quotation(&mut self, id: NodeId, depth: usize) {
        self.flow.close(self.kind.clone());
        let before = self.flow.quoted;
        self.flow.quoted |= !self.is_layout(id);
        self.block(id, depth, self.kind.clone());
        self.flow.quoted = before;
    }

    /// Plain text saved as a page is one such element from title to end.
    fn preformatted(&mut self, id: NodeId, depth: usize) {
        let tree = self.page.tree;
        let is_plain = |id: NodeId| {
            matches!(tree.data(id), NodeData::Text(_)) || tree.name(id) == "code" && !tree.has_attributes(id)
        };
        if !self.is_layout(id) && tree.walk(id, |_| false).skip(1).all(is_plain) && !self.flow.style.struck {
            let text = tree.walk(id, |_| false).filter_map(|id| match tree.data(id) {
                NodeData::Text(text) => Some(&**text),
                _ => None,
            });
            return self.flow.preformatted(&text.collect::<String>(), tree.line(id));
        }
        let before = std::mem::replace(&mut self.preformatted, true);
        self.block(id, depth, self.kind.clone());
        self.preformatted = before;
    }

    /// A data table is kept; a table around an image is a caption; a layout table is replaced by its cells.
    fn table(&mut self, id: NodeId, depth: usize) {
        self.flow.close(self.kind.clone());
        let tree = self.page.tree;
        let weight = self.page.weight(id);
        if self.page.is_menu(id) {
            return;
        }
        // NOTE: tables with nested tables are never read for cells: inner tables would be read repeatedly.
        let rows: Vec<Vec<NodeId>> = if weight.tables > 1 { Vec::new() } else { self.rows(id) };
        let judged: Vec<table_shape::Row> = rows
            .iter()
            .map(|row| table_shape::Row {
                texts: row.iter().map(|cell| tree.folded_text(*cell)).collect(),
                has_picture: row.iter().any(|cell| self.page.weight(*cell).pictures > 0),
            })
            .collect();
        let has_heads = rows.iter().flatten().any(|cell| tree.name(*cell) == "th");
        match table_shape::of(&judged, has_heads, self.page.zone) {
            Shape::Pictures if weight.text < 600 => return self.block(id, depth, Kind::Caption),
            Shape::Data if weight.titles == 0 => {}
            _ => return self.block(id, depth, self.kind.clone()),
        }
        let before = std::mem::replace(&mut self.kind, Kind::Line);
        self.flow.open(Tag::Table, tree.line(id));
        for child in tree.children(id) {
            match tree.name(child) {
                "caption" if !self.page.hidden[child] => self.within(Tag::TableCaption, child, depth + 1),
                _ => {}
            }
        }
        for (row, judged) in rows.iter().zip(judged) {
            self.row(row, &judged.texts, depth + 2);
        }
        self.flow.shut();
        self.kind = before;
    }

    fn row(&mut self, cells: &[NodeId], texts: &[String], depth: usize) {
        let tree = self.page.tree;
        let span = |cell: NodeId, name: &str, limit: u16| {
            let count = tree.attribute(cell, name).and_then(|value| value.trim().parse::<u16>().ok());
            count.map_or(1, |count| count.min(limit))
        };
        let spans = |cell: &NodeId| span(*cell, "rowspan", 1000) != 1;
        if texts.iter().all(String::is_empty) && !cells.iter().any(spans) {
            return;
        }
        self.flow.open(Tag::Row, cells.first().map_or(1, |cell| tree.line(*cell)));
        for cell in cells.iter().copied() {
            let head = tree.name(cell) == "th";
            let columns = span(cell, "colspan", 100).max(1);
            let before = self.flow.style.clone();
            self.flow.style.struck |= self.page.sheet.style_of(tree, cell).strikes("td");
            self.within(Tag::Cell { head, columns, rows: span(cell, "rowspan", 1000) }, cell, depth);
            self.flow.style = before;
        }
        self.flow.shut();
    }

    fn rows(&self, table: NodeId) -> Vec<Vec<NodeId>> {
        let tree = self.page.tree;
        let is_cell = |id: &NodeId| matches!(tree.name(*id), "td" | "th") && !self.page.hidden[*id];
        tree.walk(table, |id| self.page.hidden[id])
            .filter(|id| tree.name(*id) == "tr")
            .map(|row| tree.children(row).filter(is_cell).collect())
            .collect()
    }

    /// Uses the description of an image if there is no other line for it.
    fn picture(&mut self, id: NodeId, depth: usize) {
        let tree = self.page.tree;
        if tree.name(id) == "picture" {
            return self.children(id, depth);
        }
        if self.is_icon(id) {
            return;
        }
        if self.page.has_web_images {
            return match self.web_image(id) {
                Some(source) => self.flow.image(source, tree.line(id)),
                None => self.omit(Part::Picture, id),
            };
        }
        // NOTE: only a page in a file has files beside it.
        let src = tree.attribute(id, "src").filter(|_| !self.page.is_fragment);
        match src.and_then(ImageSource::of_saved_page) {
            Some(source) => self.flow.image(source, tree.line(id)),
            None => self.omit(Part::Picture, id),
        }
    }

    /// The URL of an image. Pages that load images late name the image itself in an attribute of their own.
    fn web_image(&self, id: NodeId) -> Option<ImageSource> {
        let names = ["data-src", "data-original", "data-lazy-src", "src"];
        let addresses = names.iter().filter_map(|name| self.page.tree.attribute(id, name).map(str::trim));
        addresses.filter(|address| !address.is_empty()).find_map(|address| {
            let url = match &self.page.base {
                Some(base) => base.join(address),
                None => Url::parse(address),
            };
            let url = url.ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
            Some(ImageSource::Url(url.into()))
        })
    }

    /// Icons, bullets and tracking pixels.
    fn is_icon(&self, id: NodeId) -> bool {
        const MAX_ICON_SIZE: f32 = 40.0;
        let tree = self.page.tree;
        ["width", "height"].iter().any(|name| {
            let size = tree.attribute(id, name).map(|size| size.trim().trim_end_matches("px").parse::<f32>());
            matches!(size, Some(Ok(size)) if size <= MAX_ICON_SIZE)
        })
    }

    /// Content that an article cannot contain.
    fn report_part(&mut self, id: NodeId) {
        let part = match self.page.tree.name(id) {
            "iframe" | "frame" => Part::Frame,
            "video" => Part::Video,
            "audio" => Part::Sound,
            "object" | "embed" | "applet" => Part::Object,
            "canvas" => Part::Drawing,
            "svg" if !self.is_icon(id) => Part::Drawing,
            "form" | "select" | "textarea" | "button" => Part::Form,
            _ => return self.report_hidden_text(id),
        };
        if shown::is_hidden(self.page.tree, id, &self.page.sheet.style_of(self.page.tree, id)) {
            self.report_hidden_text(id);
        } else {
            self.omit(part, id);
        }
    }

    /// The hidden text of an article. That of a saved page is reported with the rest of the page.
    fn report_hidden_text(&mut self, id: NodeId) {
        let tree = self.page.tree;
        let is_text = !matches!(tree.name(id), "script" | "style" | "head" | "title" | "rp");
        if self.page.is_fragment && is_text {
            let text = self.flow.cell(&tree.text(id), tree.line(id));
            if !text.is_empty() {
                self.flow.findings.note(tree.line(id), DiagnosticKind::HiddenText { text });
            }
        }
    }

    fn omit(&mut self, part: Part, id: NodeId) {
        let tree = self.page.tree;
        let of_a_source = tree.children(id).find_map(|child| tree.attribute(child, "src"));
        let address =
            ["src", "data", "data-src"].iter().find_map(|name| tree.attribute(id, name)).or(of_a_source);
        // The URL of an image can contain its bytes.
        let address = address.filter(|address| !address.starts_with("data:"));
        let described = ["alt", "title", "aria-label"].iter().find_map(|name| tree.attribute(id, name));
        let name = described.filter(|name| !name.trim().is_empty()).or(address);
        self.flow.omit(part, name.unwrap_or_default(), tree.line(id));
    }
}
