//! The DOM of a page, stored in one vector, with line numbers and limits.
//!
//! SECURITY: HTML can expand when parsed: 18 kB of `<b i><i i>` yield millions of nodes, because open formatting
//! elements are reopened in every block and searched at every tag. Therefore the page is fed in small chunks, and
//! parsing stops when depth, nodes or steps exceed what the input size explains.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::num::NonZeroU32;
use std::rc::Rc;

use html5ever::interface::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::{Attribute, ExpandedName, QualName, parse_document};

use super::super::diagnostic::DiagnosticKind;
use super::super::normalise::fold;

/// The index of a node.
pub(super) type NodeId = usize;

/// A page.
pub(in super::super) struct Dom {
    nodes: Vec<Node>,
}

/// The content of a node.
pub(super) enum NodeData {
    Document,
    Element { name: Rc<QualName>, attributes: Vec<Attribute> },
    Text(StrTendril),
    Other,
}

/// NOTE: siblings are linked instead of listed in the parent, so that moving a node takes constant time.
struct Node {
    data: NodeData,
    line: u32,
    depth: u32,
    parent: Link,
    first: Link,
    last: Link,
    previous: Link,
    next: Link,
}

/// A node's number counted from 1, so that it takes four bytes.
type Link = Option<NonZeroU32>;

/// Maximum nesting depth; real pages have about 30 levels.
pub(super) const MAX_DEPTH: usize = 256;

/// Parses a page that begins on `first_line` of its file.
pub(in super::super) fn parse(html: &str, first_line: usize) -> Result<Dom, DiagnosticKind> {
    const CHUNK_SIZE: usize = 1024;
    // An element takes at least three bytes; implied elements (`tbody`) are few.
    let max_nodes = 2_000 + html.len() / 2;
    // Ordinary pages need about five steps per byte.
    let max_steps = 100_000 + html.len() * 24;
    let mut parser = parse_document(DomSink::new(first_line), Default::default());
    let (mut rest, mut last, mut steps) = (html, "", 0);
    let mut open_tag = AttributeCounter::default();
    while !rest.is_empty() {
        let (portion, after) = rest.split_at(rest.floor_char_boundary(CHUNK_SIZE));
        parser.process(StrTendril::from(portion));
        rest = after;
        let sink = &parser.tokenizer.sink.sink;
        if sink.deepest.get() > MAX_DEPTH {
            return Err(DiagnosticKind::TooDeep { limit: MAX_DEPTH });
        }
        if sink.nodes.borrow().len() > max_nodes {
            return Err(DiagnosticKind::TooComplex { limit: max_nodes });
        }
        if sink.steps.get() > max_steps {
            return Err(DiagnosticKind::TooComplex { limit: max_steps });
        }
        // If a chunk yields no nodes, it is inside a tag that began in an earlier chunk.
        if sink.steps.get() == steps {
            open_tag.read_on(last);
            open_tag.read_on(portion);
            last = "";
        } else {
            open_tag = AttributeCounter::default();
            last = portion;
        }
        if open_tag.attributes() > MAX_ATTRIBUTES {
            return Err(DiagnosticKind::TooComplex { limit: MAX_ATTRIBUTES });
        }
        steps = sink.steps.get();
    }
    Ok(parser.finish())
}

/// Builds a tree from individual elements.
pub(in super::super) struct Builder {
    sink: DomSink,
    open: Vec<NodeId>,
    /// The element names so far, which are few.
    names: Vec<(&'static str, Rc<QualName>)>,
    /// The line of the next node.
    pub line: usize,
}

impl Builder {
    pub(in super::super) fn new(first_line: usize) -> Self {
        let open = vec![Dom::ROOT];
        Self { sink: DomSink::new(first_line), open, names: Vec::new(), line: first_line }
    }

    pub(in super::super) fn open(&mut self, name: &'static str, attribute: Option<(&str, &str)>) {
        let name = self.name(name);
        let attribute = attribute.map(|(name, value)| Attribute {
            name: QualName::new(None, html5ever::ns!(), name.into()),
            value: value.into(),
        });
        let id =
            self.sink.add(NodeData::Element { name, attributes: attribute.into_iter().collect() }, self.line);
        // NOTE: the root is never closed.
        self.sink.attach(self.open.last().copied().unwrap_or(Dom::ROOT), id, None);
        self.open.push(id);
    }

    fn name(&mut self, name: &'static str) -> Rc<QualName> {
        // NOTE: called for every element; a hash would take longer.
        if let Some((_, known)) = self.names.iter().find(|(known, _)| *known == name) {
            return Rc::clone(known);
        }
        let qualified = Rc::new(QualName::new(None, html5ever::ns!(html), name.into()));
        self.names.push((name, Rc::clone(&qualified)));
        qualified
    }

    pub(in super::super) fn close(&mut self) {
        if self.open.len() > 1 {
            self.open.pop();
        }
    }

    pub(in super::super) fn text(&mut self, text: &str) {
        let parent = self.open.last().copied().unwrap_or(Dom::ROOT);
        let text = StrTendril::from(text);
        if !self.sink.extended(parent, None, &text) {
            let id = self.sink.add(NodeData::Text(text), self.line);
            self.sink.attach(parent, id, None);
        }
    }

    pub(in super::super) fn finish(self) -> Result<Dom, DiagnosticKind> {
        if self.sink.deepest.get() > MAX_DEPTH {
            return Err(DiagnosticKind::TooDeep { limit: MAX_DEPTH });
        }
        Ok(self.sink.finish())
    }
}

/// Maximum attributes of a tag: the parser compares each attribute with all previous ones, in quadratic time.
const MAX_ATTRIBUTES: usize = 400;

/// Counts the attributes of an unclosed tag.
///
/// The start of the tag is unknown, so all `<` are tracked at once: for each tokenizer state, the maximum number of
/// attributes that lead to it, counted from 1.
#[derive(Default)]
struct AttributeCounter {
    max_counts: [usize; 8],
    previous: [u8; 2],
}

impl AttributeCounter {
    const NAME: usize = 0;
    const BEFORE: usize = 1;
    const ATTRIBUTE: usize = 2;
    const AFTER: usize = 3;
    const BEFORE_VALUE: usize = 4;
    const IN_DOUBLE_QUOTES: usize = 5;
    const IN_SINGLE_QUOTES: usize = 6;
    const UNQUOTED: usize = 7;

    fn attributes(&self) -> usize {
        self.max_counts.into_iter().max().unwrap_or_default().saturating_sub(1)
    }

    fn read_on(&mut self, html: &str) {
        for byte in html.bytes() {
            let mut next = [0; 8];
            for (state, count) in self.max_counts.into_iter().enumerate().filter(|(_, count)| *count > 0) {
                if let Some((state, begins)) = Self::step(state, byte) {
                    next[state] = next[state].max(count + usize::from(begins));
                }
            }
            let opens = matches!(self.previous, [_, b'<'] | [b'<', b'/']);
            if opens && byte.is_ascii_alphabetic() {
                next[Self::NAME] = next[Self::NAME].max(1);
            }
            self.max_counts = next;
            self.previous = [self.previous[1], byte];
        }
    }

    /// The state after a byte, and whether an attribute begins there; `None` after the end of the tag. The names are
    /// from HTML §13.2.5.
    fn step(state: usize, byte: u8) -> Option<(usize, bool)> {
        let is_space = byte.is_ascii_whitespace();
        let next = match (state, byte) {
            (Self::IN_DOUBLE_QUOTES, b'"') | (Self::IN_SINGLE_QUOTES, b'\'') => Self::BEFORE,
            (Self::IN_DOUBLE_QUOTES | Self::IN_SINGLE_QUOTES, _) => state,
            (_, b'>') => return None,
            (Self::BEFORE_VALUE, b'"') => Self::IN_DOUBLE_QUOTES,
            (Self::BEFORE_VALUE, b'\'') => Self::IN_SINGLE_QUOTES,
            (Self::BEFORE_VALUE, _) if is_space => state,
            (Self::BEFORE_VALUE, _) => Self::UNQUOTED,
            (Self::UNQUOTED, _) => {
                if is_space {
                    Self::BEFORE
                } else {
                    state
                }
            }
            (Self::ATTRIBUTE, _) if is_space => Self::AFTER,
            (Self::AFTER, _) if is_space => state,
            (Self::ATTRIBUTE | Self::AFTER, b'=') => Self::BEFORE_VALUE,
            (_, b'/') => Self::BEFORE,
            (_, _) if is_space => Self::BEFORE,
            (Self::NAME | Self::ATTRIBUTE, _) => state,
            _ => return Some((Self::ATTRIBUTE, true)),
        };
        Some((next, false))
    }
}

impl Dom {
    pub(super) const ROOT: NodeId = 0;

    pub(super) fn data(&self, id: NodeId) -> &NodeData {
        &self.nodes[id].data
    }

    pub(super) fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        std::iter::successors(place(self.nodes[id].first), |child| place(self.nodes[*child].next))
    }

    pub(super) fn parent(&self, id: NodeId) -> Option<NodeId> {
        place(self.nodes[id].parent)
    }

    pub(super) fn line(&self, id: NodeId) -> usize {
        self.nodes[id].line as usize
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The name of an element; empty for other nodes.
    pub(super) fn name(&self, id: NodeId) -> &str {
        match self.data(id) {
            NodeData::Element { name, .. } => &name.local,
            _ => "",
        }
    }

    pub(super) fn attribute(&self, id: NodeId, wanted: &str) -> Option<&str> {
        let NodeData::Element { attributes, .. } = self.data(id) else { return None };
        attributes
            .iter()
            .find(|attribute| &*attribute.name.local == wanted)
            .map(|attribute| &*attribute.value)
    }

    pub(super) fn has_attributes(&self, id: NodeId) -> bool {
        matches!(self.data(id), NodeData::Element { attributes, .. } if !attributes.is_empty())
    }

    /// All nodes from `root` in document order, without the subtrees for which `skip` is true.
    pub(super) fn walk(&self, root: NodeId, skip: impl Fn(NodeId) -> bool) -> impl Iterator<Item = NodeId> {
        let mut next = Some(root);
        std::iter::from_fn(move || {
            loop {
                let id = next?;
                let is_skipped = skip(id);
                let below = if is_skipped { None } else { place(self.nodes[id].first) };
                next = below.or_else(|| self.next_after(id, root));
                if !is_skipped {
                    return Some(id);
                }
            }
        })
    }

    /// The first node below `root` after the subtree of `id`.
    fn next_after(&self, id: NodeId, root: NodeId) -> Option<NodeId> {
        let mut at = id;
        while at != root {
            let node = &self.nodes[at];
            if node.next.is_some() {
                return place(node.next);
            }
            at = place(node.parent)?;
        }
        None
    }

    /// The text of a subtree, trimmed and with single spaces.
    pub(super) fn folded_text(&self, root: NodeId) -> String {
        let mut children = self.children(root);
        match (children.next().map(|child| self.data(child)), children.next()) {
            (None, _) => String::new(),
            (Some(NodeData::Text(text)), None) => fold(text),
            _ => fold(&self.text(root)),
        }
    }

    /// The unprocessed text of a subtree.
    pub(super) fn text(&self, root: NodeId) -> String {
        let skip = |id: NodeId| matches!(self.name(id), "script" | "style");
        let mut text = String::new();
        for id in self.walk(root, skip) {
            match self.data(id) {
                NodeData::Text(part) => text.push_str(part),
                NodeData::Element { name, .. } if matches!(&*name.local, "br" | "p" | "div" | "li") => {
                    text.push(' ')
                }
                _ => {}
            }
        }
        text
    }
}

fn place(link: Link) -> Option<NodeId> {
    link.map(|number| number.get() as NodeId - 1)
}

fn link(id: NodeId) -> Link {
    NonZeroU32::new(narrow(id + 1))
}

/// NOTE: a page of 4 MiB has far fewer nodes and lines.
fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[derive(Clone)]
struct Handle {
    id: NodeId,
    name: Option<Rc<QualName>>,
}

struct DomSink {
    nodes: RefCell<Vec<Node>>,
    line: Cell<usize>,
    first_line: usize,
    deepest: Cell<usize>,
    /// The number of node accesses by the parser.
    steps: Cell<usize>,
}

impl DomSink {
    fn new(first_line: usize) -> Self {
        let sink = Self {
            nodes: RefCell::new(Vec::new()),
            line: Cell::new(first_line),
            first_line,
            deepest: Cell::new(0),
            steps: Cell::new(0),
        };
        sink.add(NodeData::Document, first_line);
        sink
    }

    fn add(&self, data: NodeData, line: usize) -> NodeId {
        let mut nodes = self.nodes.borrow_mut();
        let line = narrow(line);
        let (parent, first, last, previous, next) = (None, None, None, None, None);
        nodes.push(Node { data, line, depth: 0, parent, first, last, previous, next });
        nodes.len() - 1
    }

    /// Inserts `child` into `parent`, before its child `next` or at the end.
    fn attach(&self, parent: NodeId, child: NodeId, next: Option<NodeId>) {
        let mut nodes = self.nodes.borrow_mut();
        let depth = nodes[parent].depth + 1;
        self.deepest.set(self.deepest.get().max(depth as usize));
        let previous = match next {
            Some(next) => std::mem::replace(&mut nodes[next].previous, link(child)),
            None => std::mem::replace(&mut nodes[parent].last, link(child)),
        };
        match place(previous) {
            Some(previous) => nodes[previous].next = link(child),
            None => nodes[parent].first = link(child),
        }
        let node = &mut nodes[child];
        node.depth = depth;
        node.parent = link(parent);
        node.previous = previous;
        node.next = next.and_then(link);
    }

    fn add_text(&self, text: StrTendril) -> NodeId {
        // The parser reports the line at the end of the text, so the line breaks within it are subtracted.
        let line = self.line.get().saturating_sub(text.matches('\n').count()).max(self.first_line);
        self.add(NodeData::Text(text), line)
    }

    /// Appends to the text node before `next`, or the last one; returns whether there was one.
    fn extended(&self, parent: NodeId, next: Option<NodeId>, text: &StrTendril) -> bool {
        let mut nodes = self.nodes.borrow_mut();
        let before = match next {
            Some(next) => nodes[next].previous,
            None => nodes[parent].last,
        };
        let Some(before) = place(before) else { return false };
        match &mut nodes[before].data {
            NodeData::Text(known) => {
                known.push_tendril(text);
                true
            }
            _ => false,
        }
    }

    fn place(&self, parent: NodeId, child: NodeOrText<Handle>, next: Option<NodeId>) {
        match child {
            NodeOrText::AppendText(text) if self.extended(parent, next, &text) => {}
            NodeOrText::AppendText(text) => self.attach(parent, self.add_text(text), next),
            NodeOrText::AppendNode(node) => {
                self.detach(node.id);
                self.attach(parent, node.id, next);
            }
        }
    }

    fn detach(&self, id: NodeId) {
        let mut nodes = self.nodes.borrow_mut();
        let Some(parent) = place(nodes[id].parent.take()) else { return };
        let (previous, next) = (nodes[id].previous.take(), nodes[id].next.take());
        match place(previous) {
            Some(previous) => nodes[previous].next = next,
            None => nodes[parent].first = next,
        }
        match place(next) {
            Some(next) => nodes[next].previous = previous,
            None => nodes[parent].last = previous,
        }
    }
}

impl TreeSink for DomSink {
    type Handle = Handle;
    type Output = Dom;
    type ElemName<'a> = ExpandedName<'a>;

    fn finish(self) -> Dom {
        Dom { nodes: self.nodes.into_inner() }
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Handle {
        Handle { id: Dom::ROOT, name: None }
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> ExpandedName<'a> {
        const NAMELESS: ExpandedName<'static> =
            ExpandedName { ns: &html5ever::ns!(), local: &html5ever::local_name!("") };
        self.steps.set(self.steps.get() + 1);
        target.name.as_ref().map_or(NAMELESS, |name| name.expanded())
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, _: ElementFlags) -> Handle {
        let name = Rc::new(name);
        let id = self.add(NodeData::Element { name: Rc::clone(&name), attributes }, self.line.get());
        Handle { id, name: Some(name) }
    }

    fn create_comment(&self, _: StrTendril) -> Handle {
        Handle { id: self.add(NodeData::Other, self.line.get()), name: None }
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Handle {
        Handle { id: self.add(NodeData::Other, self.line.get()), name: None }
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        self.place(parent.id, child, None);
    }

    fn append_based_on_parent_node(&self, element: &Handle, previous: &Handle, child: NodeOrText<Handle>) {
        let has_parent = self.nodes.borrow()[element.id].parent.is_some();
        if has_parent { self.append_before_sibling(element, child) } else { self.append(previous, child) }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn get_template_contents(&self, target: &Handle) -> Handle {
        target.clone()
    }

    fn same_node(&self, left: &Handle, right: &Handle) -> bool {
        self.steps.set(self.steps.get() + 1);
        left.id == right.id
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Handle, child: NodeOrText<Handle>) {
        if let NodeOrText::AppendNode(node) = &child {
            self.detach(node.id);
        }
        let parent = self.nodes.borrow()[sibling.id].parent;
        if let Some(parent) = place(parent) {
            self.place(parent, child, Some(sibling.id));
        }
    }

    fn add_attrs_if_missing(&self, target: &Handle, more: Vec<Attribute>) {
        let mut nodes = self.nodes.borrow_mut();
        if let NodeData::Element { attributes, .. } = &mut nodes[target.id].data {
            for attribute in more {
                if attributes.len() < 100 && attributes.iter().all(|known| known.name != attribute.name) {
                    attributes.push(attribute);
                }
            }
        }
    }

    fn remove_from_parent(&self, target: &Handle) {
        self.detach(target.id);
    }

    fn reparent_children(&self, node: &Handle, new_parent: &Handle) {
        loop {
            let Some(child) = place(self.nodes.borrow()[node.id].first) else { break };
            self.detach(child);
            self.attach(new_parent.id, child, None);
        }
    }

    fn set_current_line(&self, line: u64) {
        let line = usize::try_from(line).unwrap_or(usize::MAX);
        self.line.set(line.saturating_sub(1).saturating_add(self.first_line));
    }
}
