//! The body of an article as HTML: one renderer for feeds, the API and article pages.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::model::{Article, Block, Entry, Image, ImageFile};
use crate::text::{
    byte_size, direction, escape_html, http_url, identifier, language_tag, single_line, xml_safe,
    xml_safe_nfc,
};
use crate::urls::{self, SiteUrls};

/// The body of an entry for feeds: a self-contained HTML fragment with one block per line and absolute URLs
/// (feed rule R12).
///
/// A text in another language than the site's is wrapped in a `div` with `lang`, and `dir` for right-to-left scripts.
/// The last line names the source of a republished article, in the language of the site.
/// [`Block::Html`] is trusted: the sanitiser wrote it.
pub fn content_html(entry: &Entry, addresses: &SiteUrls) -> String {
    let article = &entry.article;
    let language = article.language.as_deref().and_then(language_tag);
    let mut renderer = Renderer::new(addresses, Target::Feed);
    renderer.html.reserve(TYPICAL_BYTES);
    renderer.origin(article);
    if let Some(language) = language {
        let _ = write!(renderer.html, "<div lang=\"{language}\"");
        if let Some(direction) = direction(language) {
            let _ = write!(renderer.html, " dir=\"{direction}\"");
        }
        renderer.html.push_str(">\n");
    }
    renderer.body(article);
    if language.is_some() {
        renderer.html.push_str("</div>\n");
    }
    if let Some(source) = article.source.as_ref().filter(|_| article.origin.is_none()) {
        let _ = writeln!(renderer.html, "<p>Nguồn: {}</p>", escape_html(&single_line(source)));
    }
    renderer.html
}

/// The body of an article for its page: site paths, CSS classes, lazy images and scrollable tables.
pub fn page_html(article: &Article, addresses: &SiteUrls) -> String {
    let mut renderer = Renderer::new(addresses, Target::Page);
    renderer.origin(article);
    renderer.body(article);
    renderer.html
}

/// The `img` element of an image in a list. The browser chooses among its widths by `sizes`, the attribute with the
/// width of the element; it loads the first image at once, the others on scrolling.
pub fn page_image(image: &Image, addresses: &SiteUrls, sizes: &str, is_first: bool) -> String {
    let mut renderer = Renderer::new(addresses, Target::Page);
    renderer.page_image(image, "", sizes, is_first);
    renderer.html
}

/// The absolute URL of the file of an image.
pub fn image_url(file: ImageFile<'_>, addresses: &SiteUrls) -> String {
    identifier(&addresses.url(&urls::media_path(file.name))).into_owned()
}

/// Most articles are not longer.
const TYPICAL_BYTES: usize = 4096;
/// The width of the image for browsers that cannot choose one, in pixels.
const DEFAULT_WIDTH: u32 = 800;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Feed,
    Page,
}

struct Renderer<'a> {
    html: String,
    addresses: &'a SiteUrls,
    target: Target,
}

impl<'a> Renderer<'a> {
    fn new(addresses: &'a SiteUrls, target: Target) -> Self {
        Self { html: String::new(), addresses, target }
    }

    /// All blocks. The n-th caption belongs to the n-th image; further images follow the text, and a caption without
    /// an image becomes a paragraph (feed rules R8, M1).
    fn body(&mut self, article: &'a Article) {
        let mut images = article.images.iter().enumerate();
        for block in &article.body {
            self.block(block, &mut images);
            self.end_block();
        }
        for (index, image) in images {
            self.figure(image, index == 0, "", "");
            self.end_block();
        }
    }

    /// Names the publisher of a collected article and links to the original (feed rule A6).
    fn origin(&mut self, article: &Article) {
        let (Some(origin), Some(source)) = (&article.origin, &article.source) else { return };
        let Some(target) = http_url(article.link.as_deref().unwrap_or(&origin.feed)) else { return };
        let (target, name) = (escape_html(&target).into_owned(), escaped(&single_line(source)).into_owned());
        let mut line = format!("Theo <a href=\"{target}\">{name}</a>");
        if let Some(publisher) = &origin.publisher {
            let _ = write!(line, ", {}", escaped(&single_line(publisher)));
        }
        if let Some(licence) = &origin.licence {
            let _ = match http_url(licence) {
                Some(url) => write!(line, " (<a href=\"{}\">điều khoản sử dụng</a>)", escape_html(&url)),
                None => write!(line, " ({})", escaped(&single_line(licence))),
            };
        }
        self.paragraph("source", &line);
        self.end_block();
    }

    fn block(&mut self, block: &'a Block, images: &mut impl Iterator<Item = (usize, &'a Image)>) {
        match block {
            Block::Lead { text, html } => {
                let inner = html.as_deref().map_or_else(|| escaped(text), xml_safe);
                self.paragraph("lead", &inner);
            }
            Block::Paragraph { text } => self.element("p", text),
            Block::Heading { level, text } => {
                // The title is the `h1`, and there is no `h7`.
                let name = ["h2", "h3", "h4", "h5", "h6"][usize::from(level.clamp(&2, &6) - 2)];
                self.element(name, text);
            }
            Block::Caption { text, credit, raw, html } => {
                let line = html.as_deref().map_or_else(|| escaped(raw), xml_safe);
                let Some((index, image)) = images.next() else { return self.paragraph("caption", &line) };
                if self.target == Target::Feed {
                    return self.figure(image, index == 0, &single_line(text), &line);
                }
                // `Ảnh minh họa` names neither the content nor the photographer.
                let is_bare = html.is_some() || (text.is_empty() && credit.is_none());
                let alt = if is_bare { raw } else { text };
                let caption = match credit {
                    Some(credit) if !is_bare => page_caption(text, credit),
                    _ if html.is_some() => line,
                    _ => escaped(alt),
                };
                self.figure(image, index == 0, &xml_safe_nfc(alt), &caption);
            }
            Block::List { ordered, items } => self.list(*ordered, items),
            Block::Table { rows } => self.table(rows),
            Block::Html { html } => {
                let scrolls = html.starts_with("<table");
                self.scrollable(scrolls, |renderer| renderer.html.push_str(&xml_safe(html)));
            }
        }
    }

    fn end_block(&mut self) {
        if self.target == Target::Feed {
            self.html.push('\n');
        }
    }

    /// A paragraph of HTML. Feeds have no CSS classes.
    fn paragraph(&mut self, class: &str, inner: &str) {
        let _ = match self.target {
            Target::Feed => write!(self.html, "<p>{inner}</p>"),
            Target::Page => write!(self.html, "<p class=\"{class}\">{inner}</p>"),
        };
    }

    fn element(&mut self, name: &str, text: &str) {
        self.html.extend(["<", name, ">", &*escaped(text), "</", name, ">"]);
    }

    fn figure(&mut self, image: &Image, is_first: bool, alt: &str, caption: &str) {
        self.html.push_str("<figure>");
        let original = match self.target {
            Target::Feed => {
                self.feed_image(image, alt);
                None
            }
            Target::Page => {
                self.page_image(image, alt, &article_sizes(image), is_first);
                Some(image.original()).filter(|original| !image.for_pages().contains(original))
            }
        };
        if !caption.is_empty() || original.is_some() {
            let _ = write!(self.html, "<figcaption>{caption}");
            if let Some(original) = original {
                self.link_to(original, if caption.is_empty() { "" } else { " " });
            }
            self.html.push_str("</figcaption>");
        }
        self.html.push_str("</figure>");
    }

    /// One file, without `srcset` (feed rule R10).
    fn feed_image(&mut self, image: &Image, alt: &str) {
        let file = image.for_feeds();
        let url = image_url(file, self.addresses);
        let _ = write!(
            self.html,
            "<img src=\"{}\" alt=\"{}\" width=\"{}\" height=\"{}\"/>",
            escape_html(&url),
            escape_html(alt),
            file.width,
            file.height
        );
    }

    fn page_image(&mut self, image: &Image, alt: &str, sizes: &str, is_first: bool) {
        let files = image.for_pages();
        let path = |file: &ImageFile<'_>| self.addresses.path(&urls::media_path(file.name));
        // For browsers without `srcset`.
        let default = files.iter().find(|file| file.width >= DEFAULT_WIDTH).or(files.last());
        let source = default.map(path).unwrap_or_default();
        let _ = write!(self.html, "<img src=\"{}\"", escape_html(&source));
        if files.len() > 1 {
            let widths: Vec<_> = files.iter().map(|file| format!("{} {}w", path(file), file.width)).collect();
            let _ = write!(self.html, " srcset=\"{}\" sizes=\"{sizes}\"", escape_html(&widths.join(", ")));
        }
        let loading = if is_first { "fetchpriority=\"high\"" } else { "loading=\"lazy\"" };
        let _ = write!(
            self.html,
            " alt=\"{}\" width=\"{}\" height=\"{}\" {loading} decoding=\"async\">",
            escape_html(alt),
            image.width,
            image.height
        );
    }

    fn link_to(&mut self, original: ImageFile<'_>, space: &str) {
        let path = self.addresses.path(&urls::media_path(original.name));
        let ImageFile { width, height, size, .. } = original;
        let size = byte_size(size).replace('.', ",");
        let _ = write!(
            self.html,
            "{space}<a class=\"original\" href=\"{}\">Xem ảnh gốc ({width}×{height}, {size})</a>",
            escape_html(&path)
        );
    }

    fn list(&mut self, ordered: bool, items: &[String]) {
        let name = if ordered { "ol" } else { "ul" };
        let _ = write!(self.html, "<{name}>");
        for item in items {
            self.element("li", item);
        }
        let _ = write!(self.html, "</{name}>");
    }

    fn table(&mut self, rows: &[Vec<String>]) {
        self.scrollable(true, |renderer| {
            renderer.html.push_str("<table><tbody>");
            for row in rows {
                renderer.html.push_str("<tr>");
                for cell in row {
                    renderer.element("td", cell);
                }
                renderer.html.push_str("</tr>");
            }
            renderer.html.push_str("</tbody></table>");
        });
    }

    /// On a page, a wide table scrolls inside its own region.
    fn scrollable(&mut self, scrolls: bool, write: impl FnOnce(&mut Self)) {
        let wrap = scrolls && self.target == Target::Page;
        if wrap {
            self.html.push_str("<div class=\"scroll\" role=\"region\" aria-label=\"Bảng\" tabindex=\"0\">");
        }
        write(self);
        if wrap {
            self.html.push_str("</div>");
        }
    }
}

/// The width of an image in an article: that of the text, or its own if it is narrower, because it is not enlarged.
fn article_sizes(image: &Image) -> String {
    const TEXT_WIDTH: u32 = 704;
    let width = image.width.min(TEXT_WIDTH);
    format!("(min-width: {}px) {width}px, 100vw", width + 32)
}

fn page_caption(text: &str, credit: &str) -> Cow<'static, str> {
    let space = if text.is_empty() { "" } else { " " };
    format!("{}{space}<span class=\"credit\">Ảnh: {}</span>", escaped(text), escaped(credit)).into()
}

fn escaped(text: &str) -> Cow<'_, str> {
    match xml_safe_nfc(text) {
        Cow::Borrowed(text) => escape_html(text),
        Cow::Owned(text) => Cow::Owned(escape_html(&text).into_owned()),
    }
}
