//! The sanitiser: the only code that writes the HTML of articles.
//!
//! Markup is never copied from a file. Files are parsed into values that can only represent safe content: plain text,
//! inline styles, URLs with allowed schemes, lists, tables and quotations. The HTML is generated from these values
//! with everything escaped.
//! SECURITY: the fields of [`Inline`] and [`SafeUrl`] must stay private; this enforces the rule.

use super::normalise::fold;
use super::safe_url::SafeUrl;
use crate::text::{escape_html, escape_html_content};

/// Superscript or subscript.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScriptPosition {
    Sub,
    Sup,
}

impl ScriptPosition {
    /// The text in Unicode superscript or subscript characters (`m²`, `H₂O`), if all of them exist.
    pub(super) fn in_plain_text(self, text: &str) -> Option<String> {
        const PLAIN: &str = "0123456789+-=()n";
        const RAISED: [&str; 2] = ["₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₙ", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ"];
        let raised = RAISED[usize::from(self == Self::Sup)];
        text.chars().map(|c| raised.chars().nth(PLAIN.find(c)?)).collect()
    }
}

/// The style of a run of text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct InlineStyle {
    pub strong: bool,
    pub emphasis: bool,
    pub raised: Option<ScriptPosition>,
    pub link: Option<SafeUrl>,
    /// Struck through: such text is omitted and reported.
    pub struck: bool,
}

/// Safe inline HTML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Inline {
    html: String,
    links: Vec<SafeUrl>,
    quoted: bool,
}

impl Inline {
    /// Builds inline HTML from styled runs.
    pub(super) fn of<'a>(runs: impl Iterator<Item = (&'a str, &'a InlineStyle)>, quoted: bool) -> Self {
        let mut html = String::new();
        let mut links = Vec::new();
        let mut link: Option<&SafeUrl> = None;
        for (text, style) in runs {
            if style.link.as_ref() != link {
                if link.is_some() {
                    html.push_str("</a>");
                }
                if let Some(target) = &style.link {
                    html.push_str("<a href=\"");
                    html.push_str(&escape_html(target.as_str()));
                    html.push_str("\">");
                    links.push(target.clone());
                }
                link = style.link.as_ref();
            }
            push_marked(&mut html, text, style);
        }
        if link.is_some() {
            html.push_str("</a>");
        }
        Self { html: fold(&html), links, quoted }
    }

    /// Links the URLs in a plain text; `None` if there are none.
    pub(super) fn of_addresses_in(text: &str) -> Option<Self> {
        let addresses = SafeUrl::all_in(text);
        if addresses.is_empty() {
            return None;
        }
        let plain = InlineStyle::default();
        let mut runs = Vec::new();
        let mut done = 0;
        for (range, link) in addresses {
            runs.push((&text[done..range.start], plain.clone()));
            done = range.end;
            runs.push((&text[range], InlineStyle { link: Some(link), ..InlineStyle::default() }));
        }
        runs.push((&text[done..], plain));
        Some(Self::of(runs.iter().map(|(text, style)| (*text, style)), false))
    }

    /// The inline HTML: styles and links, no block elements.
    pub(super) fn as_str(&self) -> &str {
        &self.html
    }

    /// The text as a paragraph, within a quotation if quoted.
    pub(super) fn paragraph(&self) -> String {
        let html = &self.html;
        if self.quoted { format!("{QUOTE}<p>{html}</p>{UNQUOTE}") } else { format!("<p>{html}</p>") }
    }

    /// The text as a heading of level 2 to 6.
    pub(super) fn heading(&self, level: u8) -> String {
        let level = level.clamp(2, 6);
        format!("<h{level}>{}</h{level}>", self.html)
    }

    /// The URLs of its links.
    pub(super) fn links(&self) -> &[SafeUrl] {
        &self.links
    }
}

const QUOTE: &str = "<blockquote>";
const UNQUOTE: &str = "</blockquote>";

/// Appends a paragraph to the quotation `html`; returns false unless both are quotations.
///
/// NOTE: in place, because a quotation can have thousands of paragraphs.
pub(super) fn extend_quotation(html: &mut String, next: &str) -> bool {
    let Some(next) = next.strip_prefix(QUOTE).filter(|_| html.ends_with(UNQUOTE)) else { return false };
    html.truncate(html.len() - UNQUOTE.len());
    html.push_str(next);
    true
}

/// An item of a list without nested blocks.
pub(super) struct ListItem<'t> {
    pub text: &'t str,
    pub html: Option<Box<Inline>>,
}

/// A list as HTML.
pub(super) fn list_html<'t>(ordered: bool, items: impl Iterator<Item = ListItem<'t>>) -> String {
    let (open, close) = list_tags(ordered);
    let mut html = format!("{open}{close}");
    for item in items {
        extend_list(&mut html, ordered, &item);
    }
    html
}

/// Appends an item to the list `html`; returns false unless it is such a list. In place, as [`extend_quotation`].
pub(super) fn extend_list(html: &mut String, ordered: bool, item: &ListItem<'_>) -> bool {
    let (open, close) = list_tags(ordered);
    if !(html.starts_with(open) && html.ends_with(close)) {
        return false;
    }
    html.truncate(html.len() - close.len());
    html.push_str("<li>");
    match &item.html {
        Some(inline) => html.push_str(&inline.html),
        None => html.push_str(&escape_html_content(item.text)),
    }
    html.push_str("</li>");
    html.push_str(close);
    true
}

fn list_tags(ordered: bool) -> (&'static str, &'static str) {
    if ordered { ("<ol>", "</ol>") } else { ("<ul>", "</ul>") }
}

/// A block element of a list, a table or similar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Bullets,
    Numbers {
        first: i32,
        style: NumberStyle,
        reversed: bool,
    },
    /// `value` if the number is not the next one.
    Item {
        value: Option<i32>,
    },
    Table,
    TableCaption,
    Row,
    /// Column and row span; 0 rows: down to the last row.
    Cell {
        head: bool,
        columns: u16,
        rows: u16,
    },
    Definitions,
    Term,
    Definition,
}

/// The numbering style of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberStyle {
    Decimal,
    LowerLetter,
    UpperLetter,
    LowerRoman,
    UpperRoman,
}

impl NumberStyle {
    /// Parses the `type` attribute of HTML.
    pub(super) fn of_type(value: &str) -> Self {
        match value.trim() {
            "a" => Self::LowerLetter,
            "A" => Self::UpperLetter,
            "i" => Self::LowerRoman,
            "I" => Self::UpperRoman,
            _ => Self::Decimal,
        }
    }

    fn type_attribute(self) -> &'static str {
        match self {
            Self::Decimal => "",
            Self::LowerLetter => " type=\"a\"",
            Self::UpperLetter => " type=\"A\"",
            Self::LowerRoman => " type=\"i\"",
            Self::UpperRoman => " type=\"I\"",
        }
    }
}

/// A node of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// A paragraph or line: plain text, and inline HTML if it has styles or links.
    Text {
        text: String,
        html: Option<Box<Inline>>,
    },
    /// Preformatted text.
    Preformatted(String),
    Element {
        tag: Tag,
        children: Vec<Node>,
    },
}

/// Writes a block as HTML.
pub(super) fn write(node: &Node) -> String {
    let mut html = String::new();
    push_node(&mut html, node);
    html
}

fn push_node(html: &mut String, node: &Node) {
    match node {
        Node::Text { html: Some(inline), .. } => html.push_str(&inline.html),
        Node::Text { text, html: None } => html.push_str(&escape_html_content(text)),
        Node::Preformatted(text) => {
            html.push_str("<pre>");
            html.push_str(&escape_html_content(text));
            html.push_str("</pre>");
        }
        Node::Element { tag, children } => push_element(html, tag, children),
    }
}

fn push_element(html: &mut String, tag: &Tag, children: &[Node]) {
    push_start(html, tag);
    match tag {
        Tag::Bullets | Tag::Numbers { .. } => {
            for child in children {
                push_wrapped(html, child, "li", |tag| matches!(tag, Tag::Item { .. }));
            }
        }
        Tag::Definitions => {
            for child in children {
                push_wrapped(html, child, "dd", |tag| matches!(tag, Tag::Term | Tag::Definition));
            }
        }
        Tag::Table => {
            let is =
                |child: &&Node, wanted: &Tag| matches!(child, Node::Element { tag, .. } if tag == wanted);
            children
                .iter()
                .filter(|child| is(child, &Tag::TableCaption))
                .for_each(|child| push_node(html, child));
            html.push_str("<tbody>");
            children.iter().filter(|child| is(child, &Tag::Row)).for_each(|child| push_node(html, child));
            html.push_str("</tbody>");
        }
        _ => push_lines(html, children),
    }
    ["</", name_of(tag), ">"].into_iter().for_each(|part| html.push_str(part));
}

fn push_wrapped(html: &mut String, child: &Node, name: &str, fits: impl Fn(&Tag) -> bool) {
    let is_bare = !matches!(child, Node::Element { tag, .. } if fits(tag));
    if is_bare {
        html.push_str(&format!("<{name}>"));
    }
    push_node(html, child);
    if is_bare {
        html.push_str(&format!("</{name}>"));
    }
}

/// Writes lines of text and the blocks between them.
fn push_lines(html: &mut String, children: &[Node]) {
    let mut below_text = false;
    for child in children {
        let is_text = matches!(child, Node::Text { .. });
        if is_text && below_text {
            html.push_str("<br>");
        }
        push_node(html, child);
        below_text = is_text;
    }
}

/// Writes the start tag.
fn push_start(html: &mut String, tag: &Tag) {
    use std::fmt::Write as _;
    // Writing to a string cannot fail.
    let _ = match tag {
        Tag::Numbers { first, style, reversed } => {
            html.push_str(if *reversed { "<ol reversed=\"\"" } else { "<ol" });
            let start = if *first == 1 { Ok(()) } else { write!(html, " start=\"{first}\"") };
            start.and_then(|()| write!(html, "{}>", style.type_attribute()))
        }
        Tag::Item { value: Some(value) } => write!(html, "<li value=\"{value}\">"),
        Tag::Cell { columns, rows, .. } if (*columns, *rows) != (1, 1) => {
            let _ = write!(html, "<{}", name_of(tag));
            for (name, count) in [("colspan", columns), ("rowspan", rows)] {
                if *count != 1 {
                    let _ = write!(html, " {name}=\"{count}\"");
                }
            }
            html.write_str(">")
        }
        _ => ["<", name_of(tag), ">"].into_iter().try_for_each(|part| html.write_str(part)),
    };
}

fn name_of(tag: &Tag) -> &'static str {
    match tag {
        Tag::Bullets => "ul",
        Tag::Numbers { .. } => "ol",
        Tag::Item { .. } => "li",
        Tag::Table => "table",
        Tag::TableCaption => "caption",
        Tag::Row => "tr",
        Tag::Cell { head: true, .. } => "th",
        Tag::Cell { head: false, .. } => "td",
        Tag::Definitions => "dl",
        Tag::Term => "dt",
        Tag::Definition => "dd",
    }
}

fn push_marked(html: &mut String, text: &str, style: &InlineStyle) {
    let raised = style.raised.map(|raised| match raised {
        ScriptPosition::Sub => ("<sub>", "</sub>"),
        ScriptPosition::Sup => ("<sup>", "</sup>"),
    });
    let marks = [
        style.strong.then_some(("<strong>", "</strong>")),
        style.emphasis.then_some(("<em>", "</em>")),
        raised,
    ];
    let marks = if text.trim().is_empty() { [None; 3] } else { marks };
    for (open, _) in marks.iter().flatten() {
        html.push_str(open);
    }
    html.push_str(&escape_html_content(text));
    for (_, close) in marks.iter().rev().flatten() {
        html.push_str(close);
    }
}

/// The HTML as cleaned by an independent sanitiser; tests check that it is unchanged.
#[cfg(test)]
pub(super) fn parsed_and_cleaned(html: &str) -> String {
    use std::collections::{HashMap, HashSet};
    let mut builder = ammonia::Builder::empty();
    builder
        .tags(HashSet::from([
            "a",
            "blockquote",
            "br",
            "caption",
            "dd",
            "dl",
            "dt",
            "em",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "li",
            "ol",
            "p",
            "pre",
            "strong",
            "sub",
            "sup",
            "table",
            "tbody",
            "td",
            "th",
            "tr",
            "ul",
        ]))
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href"])),
            ("ol", HashSet::from(["reversed", "start", "type"])),
            ("li", HashSet::from(["value"])),
            ("td", HashSet::from(["colspan", "rowspan"])),
            ("th", HashSet::from(["colspan", "rowspan"])),
        ]))
        .clean_content_tags(HashSet::from(["script", "style"]))
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(ammonia::UrlRelative::Deny)
        .link_rel(None);
    builder.clean(html).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::is_xml_char;
    use proptest::prelude::*;

    #[test]
    fn markup_in_text_and_urls_is_escaped() {
        let link = SafeUrl::of("mailto:a\"><script>x</script>@b.vn?subject='&lt;", None);
        assert!(link.is_some());
        let linked = InlineStyle { link, raised: Some(ScriptPosition::Sup), ..InlineStyle::default() };
        let html = Inline::of(
            [("</p><script>x</script>", &InlineStyle::default()), ("a < b & \"c\" &lt;", &linked)]
                .into_iter(),
            false,
        )
        .paragraph();
        assert_eq!(
            html,
            "<p>&lt;/p&gt;&lt;script&gt;x&lt;/script&gt;\
             <a href=\"mailto:a&quot;&gt;&lt;script&gt;x&lt;/script&gt;@b.vn?subject='&amp;lt;\">\
             <sup>a &lt; b &amp; \"c\" &amp;lt;</sup></a></p>"
        );
        assert_eq!(parsed_and_cleaned(&html), html);
    }

    #[test]
    fn the_independent_sanitiser_finds_unsafe_html() {
        for (html, clean) in [
            ("<p onclick=\"x()\">A<script>alert(1)</script></p>", "<p>A</p>"),
            ("<a href=\"javascript:x()\">A</a>", "<a>A</a>"),
            ("<a href=\"/b\">A</a>", "<a>A</a>"),
            ("<iframe src=\"https://x.vn\"></iframe>B", "B"),
            ("<p><p>A", "<p></p><p>A</p>"),
            ("<p>Đất & Người</p>", "<p>Đất &amp; Người</p>"),
        ] {
            assert_eq!(parsed_and_cleaned(html), clean, "{html}");
        }
    }

    fn styles() -> impl Strategy<Value = InlineStyle> {
        let target = prop_oneof![
            Just("https://dakto.vn/a?b=1&c=<d>\"'".to_owned()),
            r"(https?:|mailto:|javascript:|//|\\|/)?\PC{0,16}",
            r#"(https?://|mailto:)[ -~]{0,24}"#,
            r#"(https?://a\.vn[/?#]|mailto:)[<>"'&;`{}|\\^%a ]{0,24}"#,
        ];
        let raised =
            prop_oneof![Just(None), Just(Some(ScriptPosition::Sub)), Just(Some(ScriptPosition::Sup))];
        (any::<bool>(), any::<bool>(), raised, proptest::option::of(target)).prop_map(
            |(strong, emphasis, raised, target)| {
                let base = url::Url::parse("https://dakto.vn/tin/").unwrap();
                let link = target.and_then(|target| SafeUrl::of(&target, Some(&base)));
                InlineStyle { strong, emphasis, raised, link, struck: false }
            },
        )
    }

    /// Normalised text that contains much markup.
    fn texts() -> impl Strategy<Value = String> {
        let text = prop_oneof![
            r#"(<|>|&|"|'|=|/|!|-|\[|p|a|script|style|href|svg|math|lt;|#60;|#x3c|amp|nbsp;| ){0,12}"#,
            r"\PC{0,12}",
            proptest::collection::vec(any::<char>(), 0..12)
                .prop_map(|letters| letters.into_iter().collect::<String>()),
        ];
        text.prop_map(|text| text.chars().filter(|c| is_xml_char(*c)).collect())
    }

    /// Blocks as produced by the format readers.
    fn blocks() -> impl Strategy<Value = Node> {
        let text = || {
            (texts(), styles()).prop_map(|(text, style)| {
                let html = (style != InlineStyle::default())
                    .then(|| Inline::of([(text.as_str(), &style)].into_iter(), false));
                // NOTE: format readers never produce an empty line.
                Node::Text { text: fold(&format!("x{text}")), html: html.map(Box::new) }
            })
        };
        let element = |tag: Tag, children: Vec<Node>| Node::Element { tag, children };
        let item = move |value, children| element(Tag::Item { value }, children);
        let number = || {
            prop_oneof![
                Just(NumberStyle::Decimal),
                Just(NumberStyle::UpperRoman),
                Just(NumberStyle::LowerLetter),
            ]
        };
        let leaf = prop_oneof![text(), "x[ a<>&\n\"]{0,12}".prop_map(Node::Preformatted),];
        let list = (any::<i32>(), any::<bool>(), number(), proptest::collection::vec(leaf, 0..4)).prop_map(
            move |(first, reversed, style, children)| {
                let tag = Tag::Numbers { first, style, reversed };
                element(tag, children.into_iter().map(|child| item(Some(first), vec![child])).collect())
            },
        );
        let nested = (text(), list.clone())
            .prop_map(move |(text, list)| element(Tag::Bullets, vec![item(None, vec![text, list])]));
        let cell = (any::<bool>(), any::<u16>(), any::<u16>(), proptest::collection::vec(text(), 0..3))
            .prop_map(move |(head, columns, rows, children)| {
                element(Tag::Cell { head, columns, rows }, children)
            });
        let table =
            proptest::collection::vec(proptest::collection::vec(cell, 0..3), 0..3).prop_map(move |rows| {
                element(Tag::Table, rows.into_iter().map(|cells| element(Tag::Row, cells)).collect())
            });
        let terms = (text(), text()).prop_map(move |(term, meaning)| {
            element(
                Tag::Definitions,
                vec![element(Tag::Term, vec![term]), element(Tag::Definition, vec![meaning])],
            )
        });
        prop_oneof![list, nested, table, terms]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn inline_html_needs_no_sanitising(
            runs in proptest::collection::vec((texts(), styles()), 0..8),
            quoted in any::<bool>(),
        ) {
            let inline = Inline::of(runs.iter().map(|(text, style)| (text.as_str(), style)), quoted);
            for html in [inline.paragraph(), inline.heading(3)] {
                prop_assert_eq!(&parsed_and_cleaned(&html), &html);
            }
        }

        #[test]
        fn block_html_needs_no_sanitising(node in blocks()) {
            let html = write(&node);
            prop_assert_eq!(&parsed_and_cleaned(&html), &html);
        }
    }
}
