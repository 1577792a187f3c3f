//! Marked-up text into pieces: runs of text with their marks are gathered until their block ends.
//!
//! A paragraph becomes HTML only where plain text would lose something: a link, a raised letter, a stressed
//! word. All HTML leaves through the sanitiser. SECURITY: nothing else may write `Kind::Html`.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::LazyLock;

use super::finding::{Complaint, Findings};
use super::stamp::{self, Printed};
use super::structure::{Kind, Piece};
use super::text::{Cleaner, fold, is_xml_character};
use crate::vietnam_time::Zone;

/// How a run of text is marked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Style {
    pub strong: bool,
    pub emphasis: bool,
    /// `sub` or `sup`.
    pub raised: Option<&'static str>,
    /// An absolute URL.
    pub link: Option<Rc<str>>,
}

/// Gathers runs and cuts them into pieces.
pub(super) struct Flow<'c, 'f> {
    cleaner: &'c mut Cleaner,
    pub findings: &'f mut Findings,
    pub pieces: Vec<Piece>,
    pub style: Style,
    runs: Vec<(String, Style)>,
    line: usize,
    gap: bool,
    output: usize,
}

/// More than this is no article; it stops markup that grows when it is read.
pub(super) const MOST_OUTPUT: usize = 8 * 1024 * 1024;

impl<'c, 'f> Flow<'c, 'f> {
    pub(super) fn new(cleaner: &'c mut Cleaner, findings: &'f mut Findings) -> Self {
        Self {
            cleaner,
            findings,
            pieces: Vec::new(),
            style: Style::default(),
            runs: Vec::new(),
            line: 1,
            gap: true,
            output: 0,
        }
    }

    /// Adds text that begins on `line`, in the style that is set.
    pub(super) fn text(&mut self, raw: &str, line: usize) {
        if self.runs.is_empty() {
            if raw.trim().is_empty() {
                return;
            }
            let blank = raw.len() - raw.trim_start().len();
            self.line = line + raw[..blank].matches('\n').count();
        }
        let text = self.cleaner.permitted(raw, line, self.findings);
        self.output += text.len();
        match self.runs.last_mut() {
            Some((last, style)) if *style == self.style => last.push_str(&text),
            _ => self.runs.push((text, self.style.clone())),
        }
    }

    /// A line ends within its block.
    pub(super) fn line_break(&mut self, kind: &Kind) {
        if matches!(kind, Kind::Item { .. } | Kind::Heading(_)) {
            return self.text(" ", self.line);
        }
        self.close(kind.clone());
        self.gap = false;
    }

    /// A block ends.
    pub(super) fn close(&mut self, kind: Kind) {
        let runs = std::mem::take(&mut self.runs);
        let whole: String = runs.iter().map(|(text, _)| text.as_str()).collect();
        let text = self.cleaner.line(&whole, self.line, self.findings);
        let gap = std::mem::replace(&mut self.gap, true);
        if text.is_empty() {
            return;
        }
        let kind = match kind {
            Kind::Line if loses_something(&runs, text.len()) => Kind::Html(self.paragraph(&runs)),
            Kind::Item { .. } | Kind::Heading(_) => {
                self.tell_of_lost_links(&runs);
                kind
            }
            other => other,
        };
        self.pieces.push(Piece { line: self.line, gap, kind, text });
    }

    /// Whether what was gathered so far is a date and nothing else.
    pub(super) fn holds_a_date(&self, zone: Zone) -> bool {
        const LONGEST: usize = 120;
        // NOTE: asked at every line end of a paragraph, so the length decides first.
        if self.runs.iter().map(|(text, _)| text.len()).sum::<usize>() > LONGEST {
            return false;
        }
        let whole: String = self.runs.iter().map(|(text, _)| text.as_str()).collect();
        !matches!(stamp::read(&fold(&whole), zone), Printed::Nothing)
    }

    /// A table of plain cells.
    pub(super) fn table(&mut self, rows: Vec<Vec<String>>, line: usize) {
        let size: usize = rows.iter().flatten().map(String::len).sum();
        self.output += size;
        if size > 0 {
            self.pieces.push(Piece { line, gap: true, kind: Kind::Table(rows), text: String::new() });
        }
    }

    /// Text as it stands in a cell or an attribute.
    pub(super) fn cell(&mut self, raw: &str, line: usize) -> String {
        self.cleaner.line(raw, line, self.findings)
    }

    /// The pieces, after all HTML went through the sanitiser: in one go, since starting it costs more than a
    /// paragraph does.
    pub(super) fn finish(mut self) -> Vec<Piece> {
        self.close(Kind::Line);
        let raw: Vec<&str> = self.pieces.iter().filter_map(html_of).collect();
        if raw.is_empty() {
            return self.pieces;
        }
        let together = sanitised(&raw.join(SEPARATOR));
        let mut clean: Vec<String> = together.split(SEPARATOR).map(str::to_owned).collect();
        if clean.len() != raw.len() {
            clean = raw.iter().map(|html| sanitised(html)).collect();
        }
        let mut clean = clean.into_iter();
        for piece in &mut self.pieces {
            if let Kind::Html(html) = &mut piece.kind {
                *html = clean.next().unwrap_or_default();
            }
        }
        self.pieces
    }

    /// True once more came out than an article can hold.
    pub(super) fn is_overflowing(&self) -> bool {
        self.output > MOST_OUTPUT
    }

    fn tell_of_lost_links(&mut self, runs: &[(String, Style)]) {
        let mut last: Option<&Rc<str>> = None;
        for (_, style) in runs {
            if let Some(link) = style.link.as_ref().filter(|link| last != Some(*link)) {
                self.findings.note(self.line, Complaint::LinkDropped { target: link.to_string() });
            }
            last = style.link.as_ref();
        }
    }

    fn paragraph(&mut self, runs: &[(String, Style)]) -> String {
        let mut html = String::from("<p>");
        let mut link: Option<Rc<str>> = None;
        for (text, style) in runs {
            if style.link != link {
                if link.is_some() {
                    html.push_str("</a>");
                }
                if let Some(target) = &style.link {
                    html.push_str("<a href=\"");
                    html.push_str(&escaped(target));
                    html.push_str("\">");
                }
                link.clone_from(&style.link);
            }
            push_marked(&mut html, text, style);
        }
        html.push_str(if link.is_some() { "</a></p>" } else { "</p>" });
        self.output += html.len();
        fold(&html)
    }
}

/// Stands between paragraphs and in none: all text in them is escaped.
const SEPARATOR: &str = "<hr>";

fn html_of(piece: &Piece) -> Option<&str> {
    match &piece.kind {
        Kind::Html(html) => Some(html),
        _ => None,
    }
}

fn push_marked(html: &mut String, text: &str, style: &Style) {
    let tags = [style.strong.then_some("strong"), style.emphasis.then_some("em"), style.raised];
    let tags: Vec<&str> =
        if text.trim().is_empty() { Vec::new() } else { tags.into_iter().flatten().collect() };
    for tag in &tags {
        html.push_str(&format!("<{tag}>"));
    }
    html.push_str(&escaped(text));
    for tag in tags.iter().rev() {
        html.push_str(&format!("</{tag}>"));
    }
}

/// A link or a raised letter always; stress only where it tells one part from the rest, since pages set whole
/// paragraphs in bold.
fn loses_something(runs: &[(String, Style)], length: usize) -> bool {
    let stressed: usize = runs
        .iter()
        .filter(|(_, style)| style.strong || style.emphasis)
        .map(|(text, _)| text.trim().len())
        .sum();
    let marked = runs
        .iter()
        .any(|(text, style)| style.link.is_some() && !text.trim().is_empty() || style.raised.is_some());
    marked || stressed > 0 && stressed * 10 < length * 9
}

/// `&`, `<`, `>` and quotes.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;"))
}

/// An absolute web address, made whole against `base`; none for what a feed cannot carry (rule R12).
pub(super) fn absolute(target: &str, base: Option<&url::Url>) -> Option<Rc<str>> {
    const LONGEST: usize = 2000;
    let target = target.trim();
    if target.is_empty() || target.len() > LONGEST || target.starts_with('#') {
        return None;
    }
    let url = match url::Url::parse(target) {
        Ok(url) => url,
        Err(_) => base?.join(target).ok()?,
    };
    let good = match url.scheme() {
        "http" | "https" => url.host_str().is_some(),
        "mailto" => true,
        _ => false,
    };
    let text = url.as_str();
    (good && text.len() <= LONGEST && text.chars().all(is_xml_character)).then(|| Rc::from(text))
}

/// SECURITY: the last gate of all HTML. Tags and attributes by name, absolute addresses alone.
pub(super) fn sanitised(html: &str) -> String {
    static SANITISER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
        // `hr` is the separator of `finish` and stands in no paragraph.
        let tags = ["a", "em", "hr", "p", "strong", "sub", "sup"];
        let attributes = [("a", HashSet::from(["href"]))];
        let mut builder = ammonia::Builder::empty();
        builder
            .tags(HashSet::from(tags))
            .tag_attributes(HashMap::from(attributes))
            .clean_content_tags(HashSet::from(["script", "style"]))
            .url_schemes(HashSet::from(["http", "https", "mailto"]))
            .url_relative(ammonia::UrlRelative::Deny)
            .link_rel(None);
        builder
    });
    // HTML names the no-break space by an entity that XML does not know.
    SANITISER.clean(html).to_string().replace("&nbsp;", " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_run_or_lead_nowhere_are_no_links() {
        let base = url::Url::parse("https://dakto.vn/tin/bai.html").unwrap();
        for (target, wanted) in [
            ("https://dakto.vn/a?b=1&c=2", Some("https://dakto.vn/a?b=1&c=2")),
            ("/tep/kh.pdf", Some("https://dakto.vn/tep/kh.pdf")),
            ("mailto:ubnd@dakto.vn", Some("mailto:ubnd@dakto.vn")),
            ("javascript:alert(1)", None),
            ("data:text/html,x", None),
            ("#dau-trang", None),
            ("", None),
        ] {
            assert_eq!(absolute(target, Some(&base)).as_deref(), wanted, "{target}");
        }
        assert_eq!(absolute("/tep/kh.pdf", None), None);
    }

    #[test]
    fn paragraphs_that_are_sanitised_together_stay_apart() {
        let mut findings = Findings::default();
        let mut cleaner = Cleaner::new("vi");
        let mut flow = Flow::new(&mut cleaner, &mut findings);
        for word in ["một", "hai <hr> & ba"] {
            flow.style.raised = Some("sup");
            flow.text(word, 1);
            flow.style.raised = None;
            flow.text(" thường", 1);
            flow.close(Kind::Line);
        }
        let html: Vec<String> = flow.finish().iter().filter_map(html_of).map(str::to_owned).collect();
        assert_eq!(
            html,
            ["<p><sup>một</sup> thường</p>", "<p><sup>hai &lt;hr&gt; &amp; ba</sup> thường</p>"]
        );
        let together = sanitised(&html.join(SEPARATOR));
        assert_eq!(together.split(SEPARATOR).count(), 2, "{together}");
    }

    #[test]
    fn the_sanitiser_lets_nothing_through_that_runs() {
        for (html, clean) in [
            ("<p onclick=\"x()\">A<script>alert(1)</script></p>", "<p>A</p>"),
            ("<a href=\"javascript:x()\">A</a>", "<a>A</a>"),
            ("<iframe src=\"https://x.vn\"></iframe>B", "B"),
            ("<p>Đất &amp; Người</p>", "<p>Đất &amp; Người</p>"),
            ("<td colspan=\"2\">", ""),
        ] {
            assert_eq!(sanitised(html), clean, "{html}");
        }
    }
}
