//! The tree of a page, in one vector, with the line of each node and with limits.
//!
//! SECURITY: HTML may grow when it is read: 18 kB of `<b i><i i>` make millions of nodes, because open marks are
//! opened anew in every block. So the page is fed in small portions, and reading stops where the tree is deeper
//! or larger than its bytes can explain.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use html5ever::interface::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::{Attribute, ExpandedName, QualName, parse_document};

use super::super::finding::Complaint;

/// A node by its place in the tree.
pub(super) type Id = usize;

/// The page.
pub(super) struct Tree {
    nodes: Vec<Node>,
}

/// What a node is.
pub(super) enum Data {
    Document,
    Element { name: Rc<QualName>, attributes: Vec<Attribute> },
    Text(String),
    Other,
}

struct Node {
    data: Data,
    parent: Option<Id>,
    children: Vec<Id>,
    line: usize,
    depth: usize,
}

/// Elements within elements; real pages have some thirty.
pub(super) const DEEPEST: usize = 256;

/// Reads a page whose first line is `first_line` of its file.
pub(super) fn parse(html: &str, first_line: usize) -> Result<Tree, Complaint> {
    const PORTION: usize = 4096;
    // An element costs three bytes at least; what the rules imply (`tbody`) is little.
    let most = 2_000 + html.len() / 2;
    if has_endless_tag(html) {
        return Err(Complaint::GrowsWhenRead { limit: MOST_ATTRIBUTES });
    }
    let mut parser = parse_document(Sink::new(first_line), Default::default());
    let mut rest = html;
    while !rest.is_empty() {
        let (portion, behind) = rest.split_at(rest.floor_char_boundary(PORTION));
        parser.process(StrTendril::from(portion));
        rest = behind;
        let sink = &parser.tokenizer.sink.sink;
        if sink.deepest.get() > DEEPEST {
            return Err(Complaint::TooDeep { limit: DEEPEST });
        }
        if sink.nodes.borrow().len() > most {
            return Err(Complaint::GrowsWhenRead { limit: most });
        }
    }
    Ok(parser.finish())
}

/// The parser compares each attribute with all before it, so that a tag with very many costs their square.
const MOST_ATTRIBUTES: usize = 400;

fn has_endless_tag(html: &str) -> bool {
    // A tag ends at `>`; one within quotes only makes the count smaller.
    html.split('>').any(|upto| {
        let Some(tag) = upto.find('<').map(|start| &upto[start..]) else { return false };
        let is_tag = tag[1..].starts_with(|c: char| c.is_ascii_alphabetic());
        is_tag
            && tag.len() > 2 * MOST_ATTRIBUTES
            && tag.bytes().filter(|byte| byte.is_ascii_whitespace() || *byte == b'/').count()
                > MOST_ATTRIBUTES
    })
}

impl Tree {
    pub(super) const ROOT: Id = 0;

    pub(super) fn data(&self, id: Id) -> &Data {
        &self.nodes[id].data
    }

    pub(super) fn children(&self, id: Id) -> &[Id] {
        &self.nodes[id].children
    }

    pub(super) fn parent(&self, id: Id) -> Option<Id> {
        self.nodes[id].parent
    }

    pub(super) fn line(&self, id: Id) -> usize {
        self.nodes[id].line
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The name of an element; empty for everything else.
    pub(super) fn name(&self, id: Id) -> &str {
        match self.data(id) {
            Data::Element { name, .. } => &name.local,
            _ => "",
        }
    }

    pub(super) fn attribute(&self, id: Id, wanted: &str) -> Option<&str> {
        let Data::Element { attributes, .. } = self.data(id) else { return None };
        attributes
            .iter()
            .find(|attribute| &*attribute.name.local == wanted)
            .map(|attribute| &*attribute.value)
    }

    pub(super) fn has_attributes(&self, id: Id) -> bool {
        matches!(self.data(id), Data::Element { attributes, .. } if !attributes.is_empty())
    }

    /// All nodes in the order of the page, from `root` on, without those below a node that `skip` names.
    pub(super) fn walk(&self, root: Id, skip: &dyn Fn(Id) -> bool) -> Vec<Id> {
        let mut order = Vec::new();
        let mut waiting = vec![root];
        while let Some(id) = waiting.pop() {
            if skip(id) {
                continue;
            }
            order.push(id);
            waiting.extend(self.children(id).iter().rev());
        }
        order
    }

    /// The text below a node, as it stands.
    pub(super) fn text(&self, root: Id) -> String {
        let skip = |id: Id| matches!(self.name(id), "script" | "style");
        let mut text = String::new();
        for id in self.walk(root, &skip) {
            match self.data(id) {
                Data::Text(part) => text.push_str(part),
                Data::Element { name, .. } if matches!(&*name.local, "br" | "p" | "div" | "li") => {
                    text.push(' ')
                }
                _ => {}
            }
        }
        text
    }
}

#[derive(Clone)]
struct Handle {
    id: Id,
    name: Option<Rc<QualName>>,
}

struct Sink {
    nodes: RefCell<Vec<Node>>,
    line: Cell<usize>,
    first_line: usize,
    deepest: Cell<usize>,
}

impl Sink {
    fn new(first_line: usize) -> Self {
        let root =
            Node { data: Data::Document, parent: None, children: Vec::new(), line: first_line, depth: 0 };
        Self {
            nodes: RefCell::new(vec![root]),
            line: Cell::new(first_line),
            first_line,
            deepest: Cell::new(0),
        }
    }

    fn add(&self, data: Data) -> Id {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(Node { data, parent: None, children: Vec::new(), line: self.line.get(), depth: 0 });
        nodes.len() - 1
    }

    /// Puts `child` below `parent` at `position` among its children.
    fn attach(&self, parent: Id, child: Id, position: Option<usize>) {
        let mut nodes = self.nodes.borrow_mut();
        let depth = nodes[parent].depth + 1;
        self.deepest.set(self.deepest.get().max(depth));
        nodes[child].depth = depth;
        nodes[child].parent = Some(parent);
        let children = &mut nodes[parent].children;
        match position {
            Some(position) => children.insert(position.min(children.len()), child),
            None => children.push(child),
        }
    }

    fn add_text(&self, text: &str) -> Id {
        let id = self.add(Data::Text(text.to_owned()));
        // The line is told where the text ends; it began as many lines above as it has ends of line.
        let mut nodes = self.nodes.borrow_mut();
        nodes[id].line = nodes[id].line.saturating_sub(text.matches('\n').count()).max(self.first_line);
        id
    }

    /// True where the text could be added to the text at `position - 1`.
    fn extended(&self, parent: Id, position: Option<usize>, text: &str) -> bool {
        let mut nodes = self.nodes.borrow_mut();
        let before = match position {
            Some(0) => None,
            Some(position) => nodes[parent].children.get(position - 1).copied(),
            None => nodes[parent].children.last().copied(),
        };
        let Some(before) = before else { return false };
        match &mut nodes[before].data {
            Data::Text(known) => {
                known.push_str(text);
                true
            }
            _ => false,
        }
    }

    fn place(&self, parent: Id, child: NodeOrText<Handle>, position: Option<usize>) {
        match child {
            NodeOrText::AppendText(text) if self.extended(parent, position, &text) => {}
            NodeOrText::AppendText(text) => self.attach(parent, self.add_text(&text), position),
            NodeOrText::AppendNode(node) => {
                self.detach(node.id);
                self.attach(parent, node.id, position);
            }
        }
    }

    fn detach(&self, id: Id) {
        let mut nodes = self.nodes.borrow_mut();
        if let Some(parent) = nodes[id].parent.take()
            && let Some(position) = nodes[parent].children.iter().rposition(|child| *child == id)
        {
            nodes[parent].children.remove(position);
        }
    }
}

impl TreeSink for Sink {
    type Handle = Handle;
    type Output = Tree;
    type ElemName<'a> = ExpandedName<'a>;

    fn finish(self) -> Tree {
        Tree { nodes: self.nodes.into_inner() }
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Handle {
        Handle { id: Tree::ROOT, name: None }
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> ExpandedName<'a> {
        const NAMELESS: ExpandedName<'static> =
            ExpandedName { ns: &html5ever::ns!(), local: &html5ever::local_name!("") };
        target.name.as_ref().map_or(NAMELESS, |name| name.expanded())
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, _: ElementFlags) -> Handle {
        let name = Rc::new(name);
        let id = self.add(Data::Element { name: Rc::clone(&name), attributes });
        Handle { id, name: Some(name) }
    }

    fn create_comment(&self, _: StrTendril) -> Handle {
        Handle { id: self.add(Data::Other), name: None }
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Handle {
        Handle { id: self.add(Data::Other), name: None }
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
        left.id == right.id
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Handle, child: NodeOrText<Handle>) {
        if let NodeOrText::AppendNode(node) = &child {
            self.detach(node.id);
        }
        let found = {
            let nodes = self.nodes.borrow();
            let parent = nodes[sibling.id].parent;
            parent.and_then(|parent| {
                Some((parent, nodes[parent].children.iter().rposition(|id| *id == sibling.id)?))
            })
        };
        if let Some((parent, position)) = found {
            self.place(parent, child, Some(position));
        }
    }

    fn add_attrs_if_missing(&self, target: &Handle, more: Vec<Attribute>) {
        let mut nodes = self.nodes.borrow_mut();
        if let Data::Element { attributes, .. } = &mut nodes[target.id].data {
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
        let children = std::mem::take(&mut self.nodes.borrow_mut()[node.id].children);
        for child in children {
            self.nodes.borrow_mut()[child].parent = None;
            self.attach(new_parent.id, child, None);
        }
    }

    fn set_current_line(&self, line: u64) {
        let line = usize::try_from(line).unwrap_or(usize::MAX);
        self.line.set(line.saturating_sub(1).saturating_add(self.first_line));
    }
}
