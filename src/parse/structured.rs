//! Articles with explicit structure: JSON fields, and documents with markup sent over HTTP.
//!
//! NOTE: no boilerplate detection. A line `Bình luận` in the text is text; every piece becomes a block.

use serde_json::Value;
use toml::Spanned;
use toml::de::DeValue;

use super::blocks;
use super::byline::{self, Byline};
use super::caption::{self, Caption};
use super::diagnostic::{Diagnostic, DiagnosticKind, Diagnostics, Part, Severity};
use super::front_matter::{self, FrontMatter};
use super::normalise::{Normalizer, comparison_key, exceeds_chars};
use super::piece::{Content, Kind, Piece};
use super::stamp::{self, DateReading};
use super::structure::Hints;
use super::{FileFormat, ParseOptions, ParseResult, ParsedArticle, SourceLines, html, markdown, text_of};
use crate::model::{Article, Block};
use crate::time::{PublishedAt, Zone};

/// The result of parsing fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldsReading {
    /// `None` if and only if one of the diagnostics is an error.
    pub draft: Option<ParsedArticle>,
    /// Each diagnostic with the name of its field. For `text`, the line is counted from 1 within the field; for other
    /// fields it has no meaning.
    pub findings: Vec<(String, Diagnostic)>,
}

/// The name of the field with the text, in Markdown. The other fields are the front matter keys except `encoding`.
pub const TEXT_FIELD: &str = "text";

/// Parses an article from fields; `null` means a missing field. Each invalid field gets a diagnostic.
pub fn read_fields(fields: &[(String, Value)], options: &ParseOptions) -> FieldsReading {
    let mut of_keys = Diagnostics::default();
    let text = fields.iter().find(|(name, _)| name == TEXT_FIELD).map(|(_, value)| value);
    // The index of a field serves as its line number, to be mapped back to its name.
    let keys = fields.iter().enumerate().filter(|(_, (name, value))| name != TEXT_FIELD && !value.is_null());
    let values = keys.map(|(index, (name, value))| (name.as_str(), value_of(value), index + 1));
    let mut matter = front_matter::from_values(values, options.zone, &options.language, &mut of_keys);
    for (_, line) in &mut matter.lines {
        *line = 1;
    }
    let mut of_text = Diagnostics::default();
    let draft = match text {
        Some(Value::String(text)) => {
            let language = matter.language.as_deref().unwrap_or(&options.language);
            let mut normalizer = Normalizer::new(language);
            let content = markdown::content(text, 1, options.zone, &mut normalizer, &mut of_text);
            warn_unused_link_definitions(text, 1, &mut of_text);
            normalizer.finish(&mut of_text);
            content.and_then(|content| draft_of_fields(&content.pieces, matter, options, &mut of_text))
        }
        _ => None,
    };
    let failed = of_keys.has_errors() || of_text.has_errors();
    let name_of = |finding: &Diagnostic| {
        fields.get(finding.line - 1).map_or_else(String::new, |(name, _)| name.clone())
    };
    let of_keys = of_keys.into_sorted().into_iter().map(|finding| (name_of(&finding), finding));
    let of_text = of_text.into_sorted().into_iter().map(|finding| (TEXT_FIELD.to_owned(), finding));
    FieldsReading { draft: draft.filter(|_| !failed), findings: of_keys.chain(of_text).collect() }
}

/// Converts a JSON value to TOML; an unsupported value becomes one of the wrong type.
fn value_of(value: &Value) -> DeValue<'_> {
    match value {
        Value::String(text) => DeValue::String(text.as_str().into()),
        Value::Array(values) => {
            DeValue::Array(values.iter().map(|value| Spanned::new(0..0, value_of(value))).collect())
        }
        _ => DeValue::Boolean(false),
    }
}

fn draft_of_fields(
    pieces: &[Piece],
    matter: FrontMatter,
    options: &ParseOptions,
    findings: &mut Diagnostics,
) -> Option<ParsedArticle> {
    let mut body = Body::default();
    pieces.iter().for_each(|piece| body.add(piece));
    if body.blocks.is_empty() {
        findings.warn(1, DiagnosticKind::TextMissing);
    }
    let (title, stamp) = (matter.title.clone()?, matter.published?);
    Some(draft(
        title,
        stamp,
        Credits::default(),
        body,
        matter,
        SourceLines { title: 1, stamp: 1, ..SourceLines::default() },
        options,
    ))
}

/// Parses Markdown or HTML by its markup: the title is in the front matter, the first level-1 heading, or the first
/// line; the date is in the front matter or directly below the title; the rest is text. Names at the end become the
/// authors if none are given.
///
/// A web page with the menus and scripts of its site is parsed like a file.
pub fn read_document(form: FileFormat, bytes: &[u8], options: &ParseOptions) -> ParseResult {
    let mut findings = Diagnostics::default();
    let draft = match document(form, bytes, options, &mut findings) {
        Document::Read(draft) => draft.map(|draft| *draft),
        Document::PageOfASite => {
            let name = format!("article.{}", form.extension());
            return without_images(super::parse(&name, bytes, options));
        }
    };
    let draft = draft.filter(|_| !findings.has_errors());
    ParseResult { draft, findings: findings.into_sorted() }
}

/// A page without the files that a browser saved beside it.
fn without_images(mut result: ParseResult) -> ParseResult {
    for image in result.draft.iter_mut().flat_map(|draft| std::mem::take(&mut draft.images)) {
        let name = image.source.name().to_owned();
        let kind = DiagnosticKind::NotCarried { what: Part::Picture, name, count: 1 };
        result.findings.push(Diagnostic { line: image.line, severity: Severity::Warning, kind });
    }
    result
}

enum Document {
    Read(Option<Box<ParsedArticle>>),
    PageOfASite,
}

fn document(form: FileFormat, bytes: &[u8], options: &ParseOptions, findings: &mut Diagnostics) -> Document {
    let read = |draft: Option<ParsedArticle>| Document::Read(draft.map(Box::new));
    let Some(text) = text_of(form, bytes, options, findings) else { return read(None) };
    let split = front_matter::split(&text, findings);
    if findings.has_errors() {
        return read(None);
    }
    let matter = match split.toml {
        Some((toml, line)) => front_matter::read(toml, line, options.zone, &options.language, findings),
        None => FrontMatter::default(),
    };
    let mut normalizer = Normalizer::new(matter.language.as_deref().unwrap_or(&options.language));
    let (rest, line) = (split.rest, split.rest_line);
    let content = match form {
        FileFormat::Html => {
            match html::content_as_written(rest, line, options.zone, &mut normalizer, findings) {
                html::AsWritten::PageOfASite => return Document::PageOfASite,
                html::AsWritten::Content(content) => content,
            }
        }
        _ => {
            warn_unused_link_definitions(rest, line, findings);
            markdown::content(rest, line, options.zone, &mut normalizer, findings)
                .map(|content| (content, Hints::default()))
        }
    };
    normalizer.finish(findings);
    let Some((content, hints)) = content else { return read(None) };
    if content.pieces.is_empty() && matter.lines.is_empty() {
        findings.error(1, DiagnosticKind::Empty);
        return read(None);
    }
    read(draft_of_document(&content.pieces, matter, &hints, options, findings))
}

fn draft_of_document(
    pieces: &[Piece],
    matter: FrontMatter,
    hints: &Hints,
    options: &ParseOptions,
    findings: &mut Diagnostics,
) -> Option<ParsedArticle> {
    let titled = title_of(pieces, &matter, hints, findings);
    let dated = date_of(pieces, &titled, &matter, hints, options.zone, findings);
    let taken = [titled.at, dated.at];
    let mut text: Vec<&Piece> = pieces
        .iter()
        .enumerate()
        .filter(|(index, _)| !taken.contains(&Some(*index)))
        .map(|(_, piece)| piece)
        .collect();
    let mut credits = Credits { authors: dated.authors, ..Credits::default() };
    if matter.authors.is_none() {
        credits.take_from_foot(&mut text, findings);
    }
    let mut body = Body::default();
    text.iter().for_each(|piece| body.add(piece));
    if body.blocks.is_empty() {
        findings.warn(titled.line, DiagnosticKind::TextMissing);
    }
    if titled.text.as_deref().is_none_or(str::is_empty) {
        findings.error(titled.line, DiagnosticKind::TitleMissing);
    }
    let (title, stamp) = (titled.text?, dated.stamp?);
    if exceeds_chars(&title, 250) {
        findings.warn(titled.line, DiagnosticKind::TitleLong { characters: title.chars().count() });
    }
    let places = SourceLines { title: titled.line, stamp: dated.line, ..SourceLines::default() };
    Some(draft(title, stamp, credits, body, matter, places, options))
}

/// Warns about unused link definitions (`[name]: URL`), which are invisible: the author may not have meant Markdown.
fn warn_unused_link_definitions(text: &str, first_line: usize, findings: &mut Diagnostics) {
    // Maximum number of these warnings.
    const MAX_WARNINGS: usize = 100;
    let parser = pulldown_cmark::Parser::new(text);
    let definitions = parser.reference_definitions();
    let mut spans: Vec<(&str, std::ops::Range<usize>)> =
        definitions.iter().map(|(name, definition)| (name, definition.span.clone())).collect();
    spans.sort_by_key(|(_, span)| span.start);
    let lower = text.to_lowercase();
    for (name, span) in spans.into_iter().take(MAX_WARNINGS) {
        if lower.matches(&format!("[{}]", name.to_lowercase())).nth(1).is_none() {
            let line = first_line + text[..span.start].matches('\n').count();
            findings.note(line, DiagnosticKind::Dropped { text: text[span].trim().to_owned() });
        }
    }
}

struct Titled {
    text: Option<String>,
    line: usize,
    /// The index of its piece.
    at: Option<usize>,
}

fn title_of(pieces: &[Piece], matter: &FrontMatter, hints: &Hints, findings: &mut Diagnostics) -> Titled {
    let heading = pieces.iter().position(|piece| piece.kind == Kind::Heading(1));
    if let Some(title) = &matter.title {
        // A heading equal to the title is not repeated.
        let repeated = heading.filter(|at| comparison_key(&pieces[*at].text) == comparison_key(title));
        if let Some(at) = repeated {
            findings.note(pieces[at].line, DiagnosticKind::DroppedRepeat { text: pieces[at].text.clone() });
        }
        let line = matter.line_of("title").unwrap_or(1);
        return Titled { text: Some(title.clone()), line, at: repeated };
    }
    let could_be = |piece: &Piece| matches!(piece.kind, Kind::Line | Kind::Heading(_));
    let hinted = || hints.title.as_ref().filter(|_| heading.is_none());
    let at = match hinted() {
        Some((_, title)) => {
            pieces.iter().position(|piece| comparison_key(&piece.text) == comparison_key(title))
        }
        None => heading.or_else(|| pieces.iter().position(could_be).filter(|at| *at == 0)),
    };
    match (at, hinted()) {
        (Some(at), _) => {
            pieces[at].report_links(findings);
            Titled { text: Some(pieces[at].text.clone()), line: pieces[at].line, at: Some(at) }
        }
        (None, Some((line, title))) => Titled { text: Some(title.clone()), line: *line, at: None },
        (None, None) => Titled { text: None, line: 1, at: None },
    }
}

struct Dated {
    stamp: Option<PublishedAt>,
    line: usize,
    at: Option<usize>,
    authors: Vec<String>,
}

/// At most a few lines may precede the date below the title: a lead, a section.
const NEAR_THE_TITLE: usize = 3;

fn date_of(
    pieces: &[Piece],
    titled: &Titled,
    matter: &FrontMatter,
    hints: &Hints,
    zone: Zone,
    findings: &mut Diagnostics,
) -> Dated {
    let nowhere = |stamp, line| Dated { stamp, line, at: None, authors: Vec::new() };
    if matter.names_a_date {
        return nowhere(matter.published, matter.line_of("published").unwrap_or(1));
    }
    let below = titled.at.map_or(0, |at| at + 1);
    let above = titled.at.and_then(|at| at.checked_sub(1));
    let near = below..pieces.len().min(below + NEAR_THE_TITLE);
    for at in near.chain(above) {
        let piece = &pieces[at];
        match stamp::read(&piece.text, zone) {
            DateReading::Date(found) => {
                piece.report_links(findings);
                for doubt in found.doubts {
                    findings.warn(piece.line, doubt);
                }
                if !found.beside.is_empty() {
                    findings.note(piece.line, DiagnosticKind::ExtraTextOnDateLine { text: found.beside });
                }
                if let Some(text) = found.update {
                    findings.note(piece.line, DiagnosticKind::DateOfUpdate { text });
                }
                return Dated {
                    stamp: Some(found.stamp),
                    line: piece.line,
                    at: Some(at),
                    authors: found.authors,
                };
            }
            DateReading::Refused(refusal) if at == below => {
                findings.error(piece.line, refusal.problem);
                return nowhere(None, piece.line);
            }
            DateReading::Refused(_) | DateReading::OtherDay | DateReading::Nothing => {}
        }
    }
    if let Some((line, printed)) = &hints.stamp
        && let DateReading::Date(found) = stamp::read(printed, zone)
    {
        return nowhere(Some(found.stamp), *line);
    }
    findings.error(titled.line, DiagnosticKind::DateMissing);
    nowhere(None, titled.line)
}

/// An article of which everything but the text is known. All of the text is text.
pub(super) fn article_of_content(
    content: Content,
    title: String,
    published: PublishedAt,
    matter: FrontMatter,
    options: &ParseOptions,
) -> ParsedArticle {
    let mut body = Body::default();
    content.pieces.iter().for_each(|piece| body.add(piece));
    let mut draft =
        draft(title, published, Credits::default(), body, matter, SourceLines::default(), options);
    let lines: Vec<_> = content.pieces.iter().map(|piece| (piece.line, piece.shown())).collect();
    draft.images = content.images.arrange(&mut draft.article.body, &draft.lines.captions, &lines);
    draft
}

/// Authors and source.
#[derive(Default)]
struct Credits {
    authors: Vec<String>,
    source: Option<String>,
}

impl Credits {
    /// Takes the names at the end of the text. A longer run of names is a list of people within the text.
    fn take_from_foot(&mut self, text: &mut Vec<&Piece>, findings: &mut Diagnostics) {
        const MAX_LINES: usize = 2;
        let credit = |piece: &&Piece| {
            let found = || byline::credit(&piece.text).map(|(_, byline)| byline);
            (piece.kind == Kind::Line).then(found).flatten()
        };
        let found: Vec<Byline> = text.iter().rev().map_while(credit).take(MAX_LINES + 1).collect();
        if found.is_empty() || found.len() > MAX_LINES || found.len() >= text.len() {
            return;
        }
        let credits = text.split_off(text.len() - found.len());
        credits.iter().for_each(|piece| piece.report_links(findings));
        for byline in found.into_iter().rev() {
            self.authors.extend(byline.authors);
            self.source = self.source.take().or(byline.source);
        }
    }
}

#[derive(Default)]
struct Body {
    blocks: Vec<Block>,
    lead_line: Option<usize>,
    caption_lines: Vec<usize>,
}

impl Body {
    /// Converts a piece into a block.
    fn add(&mut self, piece: &Piece) {
        let block = match &piece.kind {
            Kind::Whole(block) => (**block).clone(),
            Kind::Heading(level) => blocks::heading(piece, *level),
            Kind::Item { ordered } => return blocks::push_item(&mut self.blocks, *ordered, piece),
            Kind::Caption => {
                self.caption_lines.push(piece.line);
                let plain = || Caption { text: piece.text.clone(), credit: None };
                blocks::caption(piece, caption::read(&piece.text).unwrap_or_else(plain))
            }
            Kind::Line | Kind::Columns(_) if self.lead_line.is_none() => {
                self.lead_line = Some(piece.line);
                blocks::lead(piece)
            }
            Kind::Line | Kind::Columns(_) => blocks::paragraph(piece),
        };
        blocks::push(&mut self.blocks, block);
    }
}

fn draft(
    title: String,
    stamp: PublishedAt,
    credits: Credits,
    body: Body,
    matter: FrontMatter,
    places: SourceLines,
    options: &ParseOptions,
) -> ParsedArticle {
    let article = Article {
        title,
        published: stamp,
        updated: matter.updated,
        summary: matter.summary,
        body: body.blocks,
        authors: matter.authors.unwrap_or(credits.authors),
        source: matter.source.or(credits.source),
        tags: matter.tags,
        language: matter.language.filter(|language| *language != options.language),
        link: matter.link,
        origin: None,
        images: Vec::new(),
    };
    let places = SourceLines { lead: body.lead_line, captions: body.caption_lines, ..places };
    let (id, channels) = (matter.id, matter.channels);
    ParsedArticle { article, id, channels, images: Vec::new(), lines: places }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn options() -> ParseOptions {
        ParseOptions { zone: crate::time::DEFAULT_TIME_ZONE, language: "vi".to_owned(), encoding: None }
    }

    fn fields(text: &str) -> Vec<(String, Value)> {
        let field = |name: &str, value: &str| (name.to_owned(), Value::from(value));
        vec![field("title", "Đăk Tô"), field("published", "12/05/2023 17:39"), field("text", text)]
    }

    /// All texts of an article, in order.
    fn shown(draft: &ParsedArticle) -> Vec<String> {
        let texts = draft.article.body.iter().flat_map(|block| match block {
            Block::Lead { text, .. } | Block::Paragraph { text } | Block::Heading { text, .. } => {
                vec![text.clone()]
            }
            Block::Caption { raw: printed, .. } => vec![printed.clone()],
            Block::List { items, .. } => items.clone(),
            Block::Table { rows } => rows.concat(),
            Block::Html { html } => vec![html.clone()],
        });
        texts.collect()
    }

    /// Boilerplate lines of web pages that can also occur in an article.
    const SUSPICIOUS: [&str; 10] = [
        "Bình luận",
        "Tin khác",
        "Vào Cài đặt > Tài khoản > Đổi mật khẩu.",
        "Tags: an ninh, trật tự",
        "Trang chủ",
        "Ảnh: Tấn Lộc",
        "In bài viết",
        "13/05/2023 08:00",
        "./.",
        "Về trang trước",
    ];

    #[test]
    fn boilerplate_lines_in_the_text_field_are_text() {
        let lines: Vec<&str> = ["Đoạn mở đầu."].into_iter().chain(SUSPICIOUS).chain(["Đoạn cuối."]).collect();
        let reading = read_fields(&fields(&lines.join("\n\n")), &options());
        assert_eq!(shown(&reading.draft.unwrap()), lines);
        for title in [
            "# Đăk Tô\n\n12/05/2023 17:39",
            "Đăk Tô\n\n12/05/2023 17:39",
            "+++\ntitle = \"Đăk Tô\"\npublished = \"12/05/2023 17:39\"\n+++",
        ] {
            let text = format!("{title}\n\n{}\n", lines.join("\n\n"));
            let reading = read_document(FileFormat::Markdown, text.as_bytes(), &options());
            let draft = reading.draft.unwrap_or_else(|| panic!("{title}: {:?}", reading.findings));
            assert_eq!(
                (draft.article.title.as_str(), shown(&draft)),
                ("Đăk Tô", lines.iter().map(|line| (*line).to_owned()).collect())
            );
        }
        let paragraphs: String =
            lines.iter().map(|line| format!("<p>{}</p>", line.replace('>', "&gt;"))).collect();
        for page in [
            format!("<h1>Đăk Tô</h1><p>12/05/2023 17:39</p>{paragraphs}"),
            format!(
                "<!DOCTYPE html><html><head><title>Đăk Tô</title></head><body><div class=comment><h1>Đăk Tô</h1><time>12/05/2023 17:39</time>{paragraphs}</div></body></html>"
            ),
        ] {
            let reading = read_document(FileFormat::Html, page.as_bytes(), &options());
            let draft = reading.draft.unwrap_or_else(|| panic!("{page}: {:?}", reading.findings));
            assert_eq!(shown(&draft), lines, "{page}");
        }
    }

    #[test]
    fn web_pages_are_parsed_like_files() {
        let page = "<html><head><script src=\"a.js\"></script></head><body><nav><a href=/>Trang chủ</a></nav>\
                    <h1>Huyện Đăk Tô họp giao ban</h1><p>12/05/2023 17:39</p><p>Đoạn mở đầu của bài viết hôm nay, \
                    dài hơn một tiêu đề.</p><p>Đoạn hai của bài viết hôm nay, dài hơn một tiêu đề.</p></body></html>";
        let reading = read_document(FileFormat::Html, page.as_bytes(), &options());
        assert_eq!(reading, crate::parse::parse("article.html", page.as_bytes(), &options()));
        assert!(!shown(&reading.draft.unwrap()).contains(&"Trang chủ".to_owned()));
    }

    #[test]
    fn unused_link_definitions_are_reported() {
        let reading =
            read_fields(&fields("Xem [ghi].\n\n[ghi]: http://a.vn\n[Ảnh]: http://b.vn"), &options());
        let codes: Vec<_> =
            reading.findings.iter().map(|(_, finding)| (finding.line, finding.kind.code())).collect();
        assert_eq!(codes.last(), Some(&(4, "dropped")), "{codes:?}");
        assert!(!codes.contains(&(3, "dropped")), "{codes:?}");
    }

    #[test]
    fn what_is_left_out_of_a_text_is_reported() {
        for (text, code, detail) in [
            ("<script>alert(1)</script>", "not-carried", "script"),
            ("<style>p { color: red }</style>", "not-carried", "style sheet"),
            ("<p>Một <span hidden>chữ ẩn</span> hai.</p>", "hidden-text", "chữ ẩn"),
            ("<p>Một <span style=\"display:none\">chữ ẩn</span> hai.</p>", "hidden-text", "chữ ẩn"),
            ("<template><p>khuôn</p></template>", "hidden-text", "khuôn"),
            ("<button>Bấm</button>", "not-carried", "form"),
            ("<input value=\"Tên\">", "not-carried", "form"),
            ("<iframe src=\"https://a.vn/v\"></iframe>", "not-carried", "https://a.vn/v"),
            ("<svg width=400></svg>", "not-carried", "drawing"),
            ("<video src=\"https://a.vn/v.mp4\"></video>", "not-carried", "video"),
            ("<img src=\"https://a.vn/a.png\">", "not-carried", "https://a.vn/a.png"),
            ("Chữ \u{9d}điều khiển.", "forbidden-characters", "U+009D"),
            ("Chữ \u{202e}đảo.", "forbidden-characters", "U+202E"),
        ] {
            let fields = fields(&format!("Đoạn mở đầu.\n\n{text}\n\nĐoạn cuối."));
            let reading = read_fields(&fields, &options());
            let is_expected = |found: &Diagnostic| {
                found.kind.code() == code && found.kind.message().english.contains(detail)
            };
            assert!(
                reading.findings.iter().any(|(_, found)| is_expected(found)),
                "{text}: {:?}",
                reading.findings
            );
            let shown = shown(&reading.draft.unwrap()).concat();
            assert!(shown.starts_with("Đoạn mở đầu.") && shown.ends_with("Đoạn cuối."), "{text}: {shown}");
            let page =
                format!("<h1>Đăk Tô</h1><p>12/05/2023 17:39</p><p>Đoạn mở đầu.</p>{text}<p>Đoạn cuối.</p>");
            let reading = read_document(FileFormat::Html, page.as_bytes(), &options());
            assert!(reading.findings.iter().any(is_expected), "{page}: {:?}", reading.findings);
        }
    }

    #[test]
    fn removed_characters_are_reported_wherever_they_are() {
        for field in ["title", "summary", "authors", "source", "tags", "text"] {
            let mut fields = fields("Đoạn mở đầu.");
            fields.retain(|(name, _)| name != field);
            fields.push((field.to_owned(), Value::from("Một\u{202e} hai\u{9d}")));
            let reading = read_fields(&fields, &options());
            let of_field = |(name, found): &(String, Diagnostic)| {
                name == field && found.kind.code() == "forbidden-characters"
            };
            assert!(reading.findings.iter().any(of_field), "{field}: {:?}", reading.findings);
        }
        for line in [0, 2, 6, 8, 10] {
            let text = "Đăk Tô họp\n\n12/05/2023 17:39\n\n\n\nĐoạn mở đầu của bài viết.\n\nHội nghị. Ảnh: TL\n\nTấn Lộc";
            let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
            lines[line].push('\u{202d}');
            for name in ["bai.txt", "bai.md"] {
                let reading = crate::parse::parse(name, lines.join("\n").as_bytes(), &options());
                let codes: Vec<_> =
                    reading.findings.iter().map(|found| (found.line, found.kind.code())).collect();
                assert!(codes.contains(&(line + 1, "forbidden-characters")), "{name}: {codes:?}");
            }
        }
    }

    #[test]
    fn links_of_bylines_are_reported() {
        for text in [
            "# Đăk Tô\n\n12/05/2023 17:39\n\nĐoạn mở đầu.\n\n[Tấn Lộc](https://a.vn/loc)\n",
            "# Đăk Tô\n\n[12/05/2023 17:39](https://a.vn/ngay)\n\nĐoạn mở đầu.\n",
            "# [Đăk Tô](https://a.vn/dt)\n\n12/05/2023 17:39\n\nĐoạn mở đầu.\n",
        ] {
            let reading = read_document(FileFormat::Markdown, text.as_bytes(), &options());
            assert!(reading.findings.iter().any(|found| found.kind.code() == "link-as-text"), "{text}");
        }
    }

    #[test]
    fn links_of_single_list_items_stay() {
        let page = "<h1>Đăk Tô</h1><p>12/05/2023 17:39</p><p>Đoạn mở đầu.</p><li>Một<li><a href=https://a.vn/>Hai</a><li>Ba";
        let reading = read_document(FileFormat::Html, page.as_bytes(), &options());
        let list = "<ul><li>Một</li><li><a href=\"https://a.vn/\">Hai</a></li><li>Ba</li></ul>";
        assert_eq!(shown(&reading.draft.unwrap()), ["Đoạn mở đầu.", list]);
    }

    #[test]
    fn diagnostics_name_their_field() {
        let mut wrong = fields("Đoạn mở đầu.");
        wrong[1].1 = "31/02/2023".into();
        wrong.push(("tags".to_owned(), Value::from(3)));
        wrong.push(("titel".to_owned(), Value::from("A")));
        wrong.push(("source".to_owned(), Value::Null));
        let reading = read_fields(&wrong, &options());
        assert_eq!(reading.draft, None);
        let codes: Vec<_> =
            reading.findings.iter().map(|(field, finding)| (field.as_str(), finding.kind.code())).collect();
        assert_eq!(
            codes,
            [
                ("published", "date-impossible"),
                ("tags", "front-matter-wrong-type"),
                ("titel", "front-matter-unknown-key"),
            ]
        );
    }

    #[test]
    fn names_at_the_end_are_authors_unless_given() {
        let read =
            |text: &str| read_document(FileFormat::Markdown, text.as_bytes(), &options()).draft.unwrap();
        let draft = read("# Đăk Tô\n\n12/05/2023 17:39\n\nĐoạn mở đầu.\n\nTấn Lộc\n");
        assert_eq!((draft.article.authors, draft.article.body.len()), (vec!["Tấn Lộc".to_owned()], 1));
        let given = read(
            "+++\nauthors = [\"Lê An\"]\n+++\n# Đăk Tô\n\n12/05/2023 17:39\n\nĐoạn mở đầu.\n\nTấn Lộc\n",
        );
        assert_eq!((given.article.authors.clone(), given.article.body.len()), (vec!["Lê An".to_owned()], 2));
    }

    proptest! {
        #[test]
        fn every_line_of_the_text_field_is_published(
            lines in proptest::collection::vec(
                prop_oneof![proptest::sample::select(&SUSPICIOUS[..]).prop_map(str::to_owned), "[A-ZĐÊ][a-zđêộ]{1,8}( [a-zđêộ]{1,8}){0,9}[.:?!]?"],
                1..20,
            )
        ) {
            let reading = read_fields(&fields(&lines.join("\n\n")), &options());
            prop_assert_eq!(shown(&reading.draft.unwrap()), lines);
        }

        #[test]
        fn any_title_is_one_line_or_rejected(title in any::<String>()) {
            let mut fields = fields("Đoạn mở đầu.");
            fields[0].1 = title.as_str().into();
            let reading = read_fields(&fields, &options());
            match reading.draft {
                Some(draft) => prop_assert!(!draft.article.title.contains(['\n', '\r']) && !draft.article.title.is_empty()),
                None => prop_assert!(reading.findings.iter().any(|(field, _)| field == "title")),
            }
        }

        #[test]
        fn any_document_is_parsed_or_rejected(text in any::<String>()) {
            for form in [FileFormat::Markdown, FileFormat::Html] {
                read_document(form, text.as_bytes(), &options());
            }
        }
    }
}
