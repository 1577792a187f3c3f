//! The text of an article as WordPress stores it: paragraphs without tags, and shortcodes in brackets.

use std::collections::BTreeMap;

use super::model::SourceImage;
use crate::text::escape_html;

/// Maximum length of a shortcode in bytes. A longer one is text.
const MAX_TAG: usize = 4000;
/// The end of a shortcode is looked for within this many bytes, so that the time stays linear.
const MAX_ENCLOSED: usize = 256 << 10;

/// The images that a `[gallery]` shows, by the numbers of files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gallery {
    /// These.
    Of(Vec<u64>),
    /// All that belong to the article.
    All,
}

/// A text of WordPress as HTML.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostHtml {
    /// Not sanitised.
    pub html: String,
    /// The shortcodes that were removed because only a plugin understands them, and how often. What they enclosed
    /// stays.
    pub removed: BTreeMap<String, u64>,
}

/// Turns a text of WordPress into HTML. `images` returns the images of a gallery.
pub fn wordpress_html(content: &str, images: impl FnMut(&Gallery) -> Vec<SourceImage>) -> PostHtml {
    let content = content.replace("\r\n", "\n");
    let mut reader = ShortcodeReader { rest: &content, out: PostHtml::default(), images };
    reader.run();
    let PostHtml { html, removed } = reader.out;
    // The block editor writes its paragraphs itself.
    let html = if html.contains("<!-- wp:") { html } else { with_paragraphs(&html) };
    PostHtml { html, removed }
}

struct ShortcodeReader<'t, F> {
    rest: &'t str,
    out: PostHtml,
    images: F,
}

/// `[name attributes]`.
struct Tag<'t> {
    name: &'t str,
    attributes: &'t str,
    /// With the brackets, in bytes.
    length: usize,
    closes: bool,
}

impl<'t, F: FnMut(&Gallery) -> Vec<SourceImage>> ShortcodeReader<'t, F> {
    fn run(&mut self) {
        while let Some(at) = self.rest.find(['[', '<']) {
            self.copy(at);
            if self.rest.starts_with('<') {
                // A bracket in an attribute is none.
                let end = self.rest.find('>').map_or(self.rest.len(), |end| end + 1);
                self.copy(end);
            } else if self.rest.starts_with("[[") {
                // An escaped shortcode is shown as it is.
                let end = self.rest.find("]]").map_or(1, |end| end + 2);
                self.copy(end);
            } else {
                match tag_of(self.rest) {
                    Some(tag) => self.shortcode(&tag),
                    None => self.copy(1),
                }
            }
        }
        self.copy(self.rest.len());
    }

    fn copy(&mut self, length: usize) {
        let (part, rest) = self.rest.split_at(length);
        self.out.html.push_str(part);
        self.rest = rest;
    }

    fn shortcode(&mut self, tag: &Tag<'t>) {
        match (tag.name, tag.closes) {
            ("caption" | "wp_caption", false) => self.caption(tag),
            ("gallery", false) => self.gallery(tag),
            ("embed" | "audio" | "video" | "playlist", false) => self.link(tag),
            _ if self.is_certain(tag) => {
                if !tag.closes {
                    *self.out.removed.entry(tag.name.to_owned()).or_default() += 1;
                }
                self.rest = &self.rest[tag.length..];
            }
            // `[Ảnh]` and `[1]` are text.
            _ => self.copy(tag.length),
        }
    }

    /// Authors write brackets too: only what has attributes, a name of a plugin or an end is a shortcode.
    fn is_certain(&self, tag: &Tag<'_>) -> bool {
        let name = tag.name;
        tag.attributes.contains('=')
            || name.contains('_')
            || tag.closes && self.out.removed.contains_key(name)
            || end_of(&self.rest[tag.length..], name).is_some()
    }

    /// What is before `[/name]`, which is passed over.
    fn enclosed(&mut self, tag: &Tag<'_>) -> Option<&'t str> {
        let behind = &self.rest[tag.length..];
        let at = end_of(behind, tag.name)?;
        self.rest = &behind[at + "[/]".len() + tag.name.len()..];
        Some(&behind[..at])
    }

    fn caption(&mut self, tag: &Tag<'t>) {
        let Some(inner) = self.enclosed(tag) else { return self.copy(tag.length) };
        // The image, perhaps in a link, and the text behind it.
        let image_end = inner.find("<img").and_then(|at| Some(at + inner[at..].find('>')? + 1)).unwrap_or(0);
        let behind = &inner[image_end..];
        let end = behind.trim_start().strip_prefix("</a>").map_or(image_end, |rest| inner.len() - rest.len());
        let (image, text) = inner.split_at(end);
        let text = match attribute(tag.attributes, "caption") {
            Some(older) if text.trim().is_empty() => older,
            _ => text.trim(),
        };
        self.figure(image, text);
    }

    fn figure(&mut self, image: &str, caption: &str) {
        let html = &mut self.out.html;
        html.push_str("\n\n<figure>");
        html.push_str(image);
        if !caption.is_empty() {
            html.push_str(&format!("<figcaption>{caption}</figcaption>"));
        }
        html.push_str("</figure>\n\n");
    }

    fn gallery(&mut self, tag: &Tag<'t>) {
        let named = attribute(tag.attributes, "ids").or_else(|| attribute(tag.attributes, "include"));
        let gallery = match named {
            Some(numbers) => {
                Gallery::Of(numbers.split(',').filter_map(|number| number.trim().parse().ok()).collect())
            }
            None => Gallery::All,
        };
        self.rest = &self.rest[tag.length..];
        for SourceImage { url, caption, .. } in (self.images)(&gallery) {
            let image = format!("<img src=\"{}\">", escape_html(&url));
            self.figure(&image, &escape_html(&caption.unwrap_or_default()));
        }
    }

    /// A film or a recording is not part of an article; the link to it is.
    fn link(&mut self, tag: &Tag<'t>) {
        let attribute = ["src", "mp3", "mp4", "m4v", "webm", "ogv", "wav", "ogg", "flv"]
            .iter()
            .find_map(|name| attribute(tag.attributes, name));
        let behind = &self.rest[tag.length..];
        let inner = match self.enclosed(tag) {
            Some(inner) => inner,
            None => {
                self.rest = behind;
                ""
            }
        };
        let url = attribute.unwrap_or_else(|| inner.trim());
        match url.starts_with("http://") || url.starts_with("https://") {
            true => {
                let url = escape_html(url);
                self.out.html.push_str(&format!("\n\n<p><a href=\"{url}\">{url}</a></p>\n\n"));
            }
            false => {
                *self.out.removed.entry(tag.name.to_owned()).or_default() += 1;
                self.out.html.push_str(inner);
            }
        }
    }
}

/// Where `[/name]` is in a text.
fn end_of(text: &str, name: &str) -> Option<usize> {
    text[..text.floor_char_boundary(MAX_ENCLOSED)].find(&format!("[/{name}]"))
}

/// The shortcode at the beginning of a text.
fn tag_of(text: &str) -> Option<Tag<'_>> {
    let closes = text.starts_with("[/");
    let start = if closes { 2 } else { 1 };
    let name_length = text[start..].bytes().position(|byte| {
        !(byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-'))
    })?;
    let name = &text[start..start + name_length];
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        return None;
    }
    let mut quote = None;
    for (at, character) in text.char_indices().skip(start + name_length) {
        match (quote, character) {
            _ if at > MAX_TAG => return None,
            (None, ']') => {
                let attributes = text[start + name_length..at].trim_end_matches('/');
                let is_apart = attributes.is_empty() || attributes.starts_with(char::is_whitespace);
                return is_apart.then_some(Tag { name, attributes, length: at + 1, closes });
            }
            (None, '[' | '<') => return None,
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            _ => {}
        }
    }
    None
}

/// The value of an attribute, which may be quoted.
fn attribute<'t>(attributes: &'t str, name: &str) -> Option<&'t str> {
    for (at, _) in attributes.match_indices(name) {
        let is_whole = attributes[..at].ends_with(char::is_whitespace);
        let Some(value) = attributes[at + name.len()..].trim_start().strip_prefix('=') else { continue };
        if !is_whole {
            continue;
        }
        let value = value.trim_start();
        return match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split(quote).next(),
            _ => value.split_whitespace().next(),
        };
    }
    None
}

/// Elements whose content is not divided into paragraphs.
const CLOSED: [&str; 19] = [
    "p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "pre", "figure", "script", "style",
    "form", "video", "audio", "iframe",
];
/// Elements that paragraphs may be in.
const OPEN: [&str; 8] = ["div", "section", "article", "blockquote", "center", "hr", "header", "footer"];

/// Writes paragraphs and line breaks where WordPress shows them: it stores blank lines.
fn with_paragraphs(html: &str) -> String {
    let mut out = String::with_capacity(html.len() + 64);
    let (mut rest, mut running) = (html, String::new());
    // The open elements of `CLOSED`, the outermost first.
    let mut open: Vec<&str> = Vec::new();
    while let Some(at) = rest.find('<') {
        let (text, tag) = rest.split_at(at);
        let end = if tag.starts_with("<!--") {
            tag.find("-->").map(|at| at + 3)
        } else {
            tag.find('>').map(|at| at + 1)
        };
        let (tag, behind) = tag.split_at(end.unwrap_or(tag.len()));
        let into = if open.is_empty() { &mut running } else { &mut out };
        into.push_str(text);
        let closes = tag.starts_with("</");
        let name = tag.trim_start_matches(['<', '/']);
        let name = &name[..name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len())];
        let is = |known: &&&str| known.eq_ignore_ascii_case(name);
        match (CLOSED.iter().find(is), OPEN.iter().any(|known| is(&known))) {
            (Some(name), _) => {
                flush(&mut running, &mut out);
                out.push_str(tag);
                match open.iter().rposition(|known| known == name) {
                    Some(place) if closes => open.truncate(place),
                    // The end of a paragraph may be left out.
                    Some(_) if *name == "p" => {}
                    _ if !closes && !tag.ends_with("/>") => open.push(name),
                    _ => {}
                }
            }
            (None, true) if open.is_empty() => {
                flush(&mut running, &mut out);
                out.push_str(tag);
            }
            _ if open.is_empty() => running.push_str(tag),
            _ => out.push_str(tag),
        }
        rest = behind;
    }
    let into = if open.is_empty() { &mut running } else { &mut out };
    into.push_str(rest);
    flush(&mut running, &mut out);
    out
}

fn flush(running: &mut String, out: &mut String) {
    let mut paragraph = String::new();
    for line in running.lines().chain([""]) {
        let line = line.trim();
        if !line.is_empty() {
            if !paragraph.is_empty() {
                paragraph.push_str("<br>\n");
            }
            paragraph.push_str(line);
        } else if !paragraph.is_empty() {
            out.push_str(&format!("<p>{paragraph}</p>\n"));
            paragraph.clear();
        }
    }
    running.clear();
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn html(content: &str) -> (String, Vec<(String, u64)>) {
        let image = |name: &str, caption: Option<&str>| SourceImage {
            url: format!("https://xa.vn/{name}.jpg"),
            original: None,
            caption: caption.map(str::to_owned),
        };
        let read = wordpress_html(content, |gallery| match gallery {
            Gallery::Of(numbers) => numbers.iter().map(|number| image(&number.to_string(), None)).collect(),
            Gallery::All => vec![image("all", Some("Sân \"trường\""))],
        });
        (read.html.split('\n').collect(), read.removed.into_iter().collect())
    }

    #[test]
    fn blank_lines_are_paragraphs_and_line_ends_are_breaks() {
        for (content, expected) in [
            ("Một\r\n\r\nHai\nba", "<p>Một</p><p>Hai<br>ba</p>"),
            ("<p>Một\n\nhai</p>Ba", "<p>Mộthai</p><p>Ba</p>"),
            ("Một\n<ul>\n\n<li>a</li>\n\n</ul>\nHai", "<p>Một</p><ul><li>a</li></ul><p>Hai</p>"),
            ("<div>Một\n\nHai</div>", "<div><p>Một</p><p>Hai</p></div>"),
            ("<pre>a\n\nb</pre>", "<pre>ab</pre>"),
            ("<!-- wp:paragraph -->\n<p>Một</p>\n\nx", "<!-- wp:paragraph --><p>Một</p>x"),
            ("<b>Một</b> hai <", "<p><b>Một</b> hai <</p>"),
        ] {
            assert_eq!(html(content).0, expected, "{content}");
        }
    }

    #[test]
    fn captions_galleries_and_films_are_shown_without_their_plugin() {
        for (content, expected) in [
            (
                "[caption id=\"a\" width=\"3\"]<a href=\"/b\"><img src=\"b.jpg\" /></a> Sân <b>mới</b>[/caption]",
                "<figure><a href=\"/b\"><img src=\"b.jpg\" /></a><figcaption>Sân <b>mới</b></figcaption></figure>",
            ),
            (
                "[caption caption='Sân [1]']<img src=\"b.jpg\">[/caption]",
                "<figure><img src=\"b.jpg\"><figcaption>Sân [1]</figcaption></figure>",
            ),
            (
                "[gallery columns=2 ids=\"4, 5\"]",
                "<figure><img src=\"https://xa.vn/4.jpg\"></figure><figure><img src=\"https://xa.vn/5.jpg\"></figure>",
            ),
            (
                "[gallery]",
                "<figure><img src=\"https://xa.vn/all.jpg\"><figcaption>Sân &quot;trường&quot;</figcaption></figure>",
            ),
            (
                "[embed]https://a.vn/x?a=1&b[/embed]",
                "<p><a href=\"https://a.vn/x?a=1&amp;b\">https://a.vn/x?a=1&amp;b</a></p>",
            ),
            (
                "[video mp4=\"https://a.vn/x.mp4\"][/video]",
                "<p><a href=\"https://a.vn/x.mp4\">https://a.vn/x.mp4</a></p>",
            ),
        ] {
            assert_eq!(html(content), (expected.to_owned(), Vec::new()), "{content}");
        }
    }

    #[test]
    fn shortcodes_of_plugins_are_removed_and_counted_and_brackets_of_authors_stay() {
        let (shown, removed) =
            html("[vc_row css=\"x\"][vc_column]Họp[/vc_column][/vc_row] [su_note]a[/su_note] [form id=3]");
        assert_eq!(shown, "<p>Họp a</p>");
        let removed: Vec<_> = removed.iter().map(|(name, times)| (name.as_str(), *times)).collect();
        assert_eq!(removed, [("form", 1), ("su_note", 1), ("vc_column", 1), ("vc_row", 1)]);
        for text in
            ["[1] và [Ảnh] và [video clip", "[ảnh minh họa]", "[x]", "[[gallery]]", "[a b]", "[caption]"]
        {
            assert_eq!(html(text), (format!("<p>{text}</p>"), Vec::new()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(content in "(\\PC|\\[/?|\\]|<|>|caption|gallery|\"|=|\n){0,60}") {
            let read = wordpress_html(&content, |_| Vec::new());
            prop_assert!(read.html.len() <= content.len() * 12 + 100);
        }
    }
}
