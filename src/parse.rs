//! Parses article files: bytes in, an article and diagnostics out.
//!
//! Input is whatever the editorial office pastes: text from a web page, a Word file, a page of an old site in a legacy
//! encoding. The parser finds title, date, lead, captions, text and authors, or reports line by line why it cannot and
//! how to fix it. It is pure: it opens no file and reads no clock. It never guesses a date, never publishes text in
//! a wrong encoding, and reports every line that it drops.
//!
//! The steps: `encoding` decodes the bytes, `front_matter` splits off the head, a format reader (`plain`, `markdown`,
//! `html`, `docx`, `odt`) yields pieces, `structure` builds the article. `features` describes each line (`stamp`, `caption`,
//! `byline` and `boilerplate` recognise one kind each), `layout` assigns a role to each line using the table in
//! `weights`.

mod article;
mod blocks;
mod boilerplate;
mod byline;
mod caption;
mod charset;
mod diagnostic;
mod docx;
mod editable;
mod encoding;
mod facts;
mod features;
mod front_matter;
mod front_matter_keys;
mod html;
mod inline;
mod layout;
mod letters;
mod markdown;
mod messages;
mod normalise;
mod odt;

mod package;
mod phrases;
mod pictures;
mod piece;
mod plain;
mod safe_html;
mod safe_url;
mod stamp;
mod structure;
mod structured;
mod symbols;
mod syndication;
mod table_shape;
mod vietnamese_encodings;
mod weights;

use crate::panics::caught;
use crate::time::Zone;

pub use article::{ParsedArticle, SourceLines};
pub use charset::Encoding;
pub use diagnostic::{Diagnostic, DiagnosticKind, ExpectedValue, Part, Severity};
pub use editable::editable_text;
pub use front_matter_keys::FRONT_MATTER_KEYS;
pub use pictures::{ImageSource, ReferencedImage, SAVED_PAGE_FOLDERS};
pub use stamp::printed_date;
pub use structured::{FieldsReading, TEXT_FIELD, read_document, read_fields};
pub use syndication::{
    ChangesPage, DateDoubt, FeedDate, FeedFault, FeedHead, Gallery, HubLinks, PostHtml, Repair, Repairs,
    SourceChange, SourceChangeKind, SourceFeed, SourceImage, SourceItem, WordPressHead, WordPressItem,
    article_of, check_age, feed_links, hub_links, link_key, page_date, read_changes, read_feed,
    read_feed_date, read_feed_head, read_wordpress_item, wordpress_html,
};

use diagnostic::Diagnostics;
use encoding::EncodingOverride;
use normalise::Normalizer;
use package::Package;
use piece::{Content, Piece};
use structure::Hints;

/// Parser settings of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseOptions {
    /// The time zone of dates without a UTC offset.
    pub zone: Zone,
    /// The site's language (BCP 47); front matter can name another.
    pub language: String,
    /// The encoding set for the folder; front matter can name another. Detected if unset.
    pub encoding: Option<Encoding>,
}

/// The format of an article file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileFormat {
    /// `.txt`
    Text,
    /// `.md`
    Markdown,
    /// `.html`, `.htm`
    Html,
    /// `.docx`
    Docx,
    /// `.odt`
    Odt,
}

/// The result of parsing a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseResult {
    /// `None` if and only if one of the diagnostics is an error.
    pub draft: Option<ParsedArticle>,
    /// Sorted by line.
    pub findings: Vec<Diagnostic>,
}

/// The format of a file by its extension; `None` for other files, such as images and lock files.
pub fn format_from_name(name: &str) -> Option<FileFormat> {
    let (stem, extension) = name.rsplit_once('.')?;
    if stem.is_empty() {
        return None;
    }
    match extension.to_ascii_lowercase().as_str() {
        "txt" => Some(FileFormat::Text),
        "md" | "markdown" => Some(FileFormat::Markdown),
        "html" | "htm" => Some(FileFormat::Html),
        "docx" => Some(FileFormat::Docx),
        "odt" => Some(FileFormat::Odt),
        _ => None,
    }
}

/// Parses the bytes of the file called `name`. Never panics; takes linear time.
pub fn parse(name: &str, bytes: &[u8], options: &ParseOptions) -> ParseResult {
    caught(|| parsed(name, bytes, options)).unwrap_or_else(|| {
        let failed = Diagnostic { line: 1, severity: Severity::Error, kind: DiagnosticKind::ReaderFailed };
        ParseResult { draft: None, findings: vec![failed] }
    })
}

fn parsed(name: &str, bytes: &[u8], options: &ParseOptions) -> ParseResult {
    let mut findings = Diagnostics::default();
    let draft = read_form(name, bytes, options, &mut findings);
    // NOTE: any error rejects the article, even if the rest is readable.
    let draft = draft.filter(|_| !findings.has_errors());
    ParseResult { draft, findings: findings.into_sorted() }
}

/// The bytes of an image in the document called `name` ([`ImageSource::Part`]), at most `limit`.
///
/// # Errors
/// If the document or the image is damaged, or the image is larger.
pub fn embedded_image(
    name: &str,
    document: &[u8],
    part: &str,
    limit: u64,
) -> Result<Vec<u8>, DiagnosticKind> {
    let form = format_from_name(name).map_or("docx", FileFormat::extension);
    let read = || Package::open(document, form)?.bytes(part, limit)?.ok_or(DiagnosticKind::Damaged { form });
    caught(read).unwrap_or(Err(DiagnosticKind::ReaderFailed))
}

/// Maximum size of a text file in bytes.
const MAX_TEXT_BYTES: u64 = 4 * 1024 * 1024;
/// Maximum size of a Word or OpenDocument text in bytes.
const MAX_DOCUMENT_BYTES: u64 = 64 * 1024 * 1024;

fn read_form(
    name: &str,
    bytes: &[u8],
    options: &ParseOptions,
    findings: &mut Diagnostics,
) -> Option<ParsedArticle> {
    let Some(form) = format_from_name(name) else {
        findings.error(1, DiagnosticKind::NotAnArticle { name: name.to_owned() });
        return None;
    };
    if form.is_package() {
        return within_limits(bytes, MAX_DOCUMENT_BYTES, findings)
            .then(|| read_package(form, bytes, options, findings))
            .flatten();
    }
    let text = text_of(form, bytes, options, findings)?;
    read_decoded(&text, form, options, findings)
}

/// Checks the size of a file and reports a violation.
fn within_limits(bytes: &[u8], limit: u64, findings: &mut Diagnostics) -> bool {
    if bytes.len() as u64 > limit {
        findings.error(1, DiagnosticKind::TooLarge { limit });
    } else if bytes.is_empty() {
        findings.error(1, DiagnosticKind::Empty);
    }
    !findings.has_errors()
}

/// The decoded text of a file that is not a Word document.
fn text_of(
    form: FileFormat,
    bytes: &[u8],
    options: &ParseOptions,
    findings: &mut Diagnostics,
) -> Option<String> {
    if !within_limits(bytes, MAX_TEXT_BYTES, findings) {
        return None;
    }
    if is_binary_format(bytes) {
        findings.error(1, DiagnosticKind::WrongFormat { form: form.extension() });
        return None;
    }
    let declared = (form == FileFormat::Html).then(|| html::declared_encoding(bytes)).flatten();
    let stated = match front_matter::declared_encoding(bytes).transpose() {
        Ok(stated) => stated,
        Err(line) => {
            let (key, wanted) = ("encoding".to_owned(), ExpectedValue::Encoding);
            findings.error(line, DiagnosticKind::FrontMatterWrongType { key, wanted });
            return None;
        }
    };
    let by_file = stated.map(|encoding| EncodingOverride { encoding, by_file: true });
    let by_folder = options.encoding.map(|encoding| EncodingOverride { encoding, by_file: false });
    encoding::decode(bytes, by_file.or(by_folder), declared, findings)
}

fn read_decoded(
    text: &str,
    form: FileFormat,
    options: &ParseOptions,
    findings: &mut Diagnostics,
) -> Option<ParsedArticle> {
    let split = front_matter::split(text, findings);
    if findings.has_errors() {
        return None;
    }
    let matter = match split.toml {
        Some((toml, line)) => front_matter::read(toml, line, options.zone, &options.language, findings),
        None => front_matter::FrontMatter::default(),
    };
    let mut normalizer = Normalizer::new(matter.language.as_deref().unwrap_or(&options.language));
    let (rest, line) = (split.rest, split.rest_line);
    let (content, hints) = match form {
        FileFormat::Html => html::content(rest, line, options.zone, &mut normalizer, findings)?,
        FileFormat::Markdown => {
            let content = markdown::content(rest, line, options.zone, &mut normalizer, findings)?;
            (content, Hints::default())
        }
        FileFormat::Text | FileFormat::Docx | FileFormat::Odt => {
            let pieces = plain::pieces(rest, line, &mut normalizer, findings);
            (Content { pieces, ..Content::default() }, Hints::default())
        }
    };
    normalizer.finish(findings);
    finish(content, matter, &hints, options, findings)
}

/// In a Word or OpenDocument text, the front matter is in the first paragraphs.
fn read_package(
    form: FileFormat,
    bytes: &[u8],
    options: &ParseOptions,
    findings: &mut Diagnostics,
) -> Option<ParsedArticle> {
    let mut normalizer = Normalizer::new(&options.language);
    let read = if form == FileFormat::Odt { odt::content } else { docx::content };
    let content = read(bytes, options.encoding, options.zone, &mut normalizer, findings);
    let mut content = content.map_err(|problem| findings.error(1, problem)).ok()?;
    normalizer.finish(findings);
    let mut matter = front_matter::FrontMatter::default();
    let count = content.pieces.len();
    let front = front_paragraphs(&mut content.pieces, findings);
    content.images.shift(count - content.pieces.len());
    if findings.has_errors() {
        return None;
    }
    if let Some((toml, first_line)) = front {
        let fenced = format!("+++\n{toml}\n+++\n");
        if let Some(Ok(encoding)) = front_matter::declared_encoding(fenced.as_bytes())
            && options.encoding != Some(encoding)
        {
            // NOTE: the diagnostics so far refer to wrongly decoded text.
            *findings = Diagnostics::default();
            let options = ParseOptions { encoding: Some(encoding), ..options.clone() };
            return read_package(form, bytes, &options, findings);
        }
        matter = front_matter::read(&toml, first_line, options.zone, &options.language, findings);
    }
    if let Some((line, kind)) = find_mojibake(&content.pieces) {
        findings.error(line, kind);
        return None;
    }
    finish(content, matter, &Hints::default(), options, findings)
}

/// Splits off the paragraphs between two `+++`: the TOML, with Word's typographic quotes made straight, and its first
/// line.
fn front_paragraphs(pieces: &mut Vec<Piece>, findings: &mut Diagnostics) -> Option<(String, usize)> {
    let first = pieces.first().filter(|piece| piece.text == "+++")?;
    let Some(end) = pieces.iter().skip(1).position(|piece| piece.text == "+++") else {
        findings.error(first.line, DiagnosticKind::FrontMatterUnclosed);
        return None;
    };
    let first_line = first.line + 1;
    let head: Vec<Piece> = pieces.drain(..end + 2).collect();
    let mut toml = String::new();
    let mut line = first_line;
    for piece in &head[1..=end] {
        // Empty paragraphs count as lines.
        while line < piece.line {
            toml.push('\n');
            line += 1;
        }
        toml.push_str(&piece.text.replace(['“', '”', '„'], "\"").replace(['‘', '’'], "'"));
    }
    Some((toml, first_line))
}

/// Detects wrongly decoded text in a document, and the line of its first non-ASCII character.
fn find_mojibake(pieces: &[Piece]) -> Option<(usize, DiagnosticKind)> {
    let mut sample = String::new();
    for piece in pieces.iter().filter(|piece| !piece.text.is_ascii()) {
        if sample.len() > vietnamese_encodings::SAMPLE_BYTES {
            break;
        }
        sample.push_str(&piece.text);
        sample.push('\n');
    }
    let line = pieces.iter().find(|piece| !piece.text.is_ascii())?.line;
    encoding::detect_mojibake(&sample).map(|kind| (line, kind))
}

fn finish(
    content: Content,
    matter: front_matter::FrontMatter,
    hints: &Hints,
    options: &ParseOptions,
    findings: &mut Diagnostics,
) -> Option<ParsedArticle> {
    let Content { pieces, notes, images } = content;
    if pieces.is_empty() && images.is_empty() && matter.lines.is_empty() && !findings.has_errors() {
        findings.error(1, DiagnosticKind::Empty);
        return None;
    }
    let lines: Vec<(usize, String)> = match images.is_empty() {
        true => Vec::new(),
        false => pieces.iter().map(|piece| (piece.line, piece.text.clone())).collect(),
    };
    let mut draft = structure::draft(pieces, matter, hints, options.zone, &options.language, findings)?;
    draft.images = images.arrange(&mut draft.article.body, &draft.lines.captions, &lines);
    notes.iter().for_each(|note| blocks::push(&mut draft.article.body, blocks::plain(note)));
    Some(draft)
}

/// The article of a page on the web whose title and date are known. Its images are URLs.
fn web_page(
    bytes: &[u8],
    url: &url::Url,
    title: &str,
    published: crate::time::PublishedAt,
    options: &ParseOptions,
) -> Option<ParsedArticle> {
    let mut findings = Diagnostics::default();
    let text = text_of(FileFormat::Html, bytes, options, &mut findings)?;
    let mut normalizer = Normalizer::new(&options.language);
    let (content, hints) = html::web_content(&text, url, options.zone, &mut normalizer, &mut findings)?;
    let matter = front_matter::FrontMatter {
        title: Some(title.to_owned()),
        published: Some(published),
        names_a_date: true,
        ..front_matter::FrontMatter::default()
    };
    finish(content, matter, &hints, options, &mut findings)
}

/// Whether these are the first bytes of an archive, a legacy Word file, PDF, RTF or image.
fn is_binary_format(bytes: &[u8]) -> bool {
    const SIGNATURES: [&[u8]; 7] = [
        b"PK\x03\x04",
        &[0xD0, 0xCF, 0x11, 0xE0],
        b"%PDF",
        b"{\\rtf",
        &[0xFF, 0xD8, 0xFF],
        b"\x89PNG",
        b"GIF8",
    ];
    SIGNATURES.iter().any(|signature| bytes.starts_with(signature))
}

impl FileFormat {
    /// Whether it is a zip archive of XML, which may contain images.
    pub fn is_package(self) -> bool {
        matches!(self, Self::Docx | Self::Odt)
    }

    /// The file extension, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Text => "txt",
            Self::Markdown => "md",
            Self::Html => "html",
            Self::Docx => "docx",
            Self::Odt => "odt",
        }
    }
}

#[cfg(test)]
mod tests;
