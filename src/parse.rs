//! Reads an article file: bytes in, a draft and findings out.
//!
//! The office pastes what it has: text from a web page, a Word file, a page of its old site in an old encoding.
//! This room finds the title, the printed date, the lead, captions, text and authors in it, or says line by line
//! why it cannot and what to do. It is pure: no file is opened, no clock is read. It refuses to guess a date, to
//! publish a text in a wrong encoding, and to drop a line in silence.
//!
//! The way of a file: `bytes` to text, `front_matter` off its head, the form's reader (`plain`, `markdown`,
//! `html`, `docx`) to pieces, `structure` to the draft. `features` says what can be seen of each line (`stamp`, `caption`,
//! `byline` and `boilerplate` each know one kind), `layout` finds the roles of all lines by the table in `weights`.

mod blocks;
mod boilerplate;
mod byline;
mod caption;
mod diagnostic;
mod docx;
mod encoding;
mod facts;
mod features;
mod front_matter;
mod html;
mod inline;
mod layout;
mod markdown;
mod normalise;
mod plain;
mod stamp;
mod structure;
mod structured;
mod table_shape;
mod vietnamese_encodings;
mod weights;

use crate::model::{Article, ArticleId};
use crate::time::Zone;

pub use diagnostic::{Diagnostic, DiagnosticKind, ExpectedValue, FRONT_MATTER_KEYS, Part, Severity};
pub use encoding::Encoding;
pub use structured::{FieldsReading, TEXT_FIELD, read_document, read_fields};

use diagnostic::Diagnostics;
use encoding::EncodingOverride;
use normalise::Normalizer;
use structure::{Hints, Piece};

/// How files are read, by the site's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseOptions {
    /// The zone of a stamp that names none.
    pub zone: Zone,
    /// The site's language (BCP 47). An article in another one says so in its front matter.
    pub language: String,
    /// The encoding that is set for the folder; a file's front matter may name another. Found out otherwise.
    pub encoding: Option<Encoding>,
}

/// The kinds of article file.
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
}

/// What came out of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseResult {
    /// Missing exactly where a finding is an error.
    pub draft: Option<ParsedArticle>,
    /// In the order of the lines.
    pub findings: Vec<Diagnostic>,
}

/// An article that may go to intake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedArticle {
    /// Its pictures are empty: they lie in other files.
    pub article: Article,
    /// The id that the front matter gave.
    pub id: Option<ArticleId>,
    /// The channels that the front matter gave: slugs or titles, as written.
    pub channels: Vec<String>,
    /// Where its parts stood.
    pub lines: SourceLines,
}

/// The lines, counted from 1, from which the parts of an article were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceLines {
    /// The title; where front matter gave it, that line.
    pub title: usize,
    /// The date of publication, likewise.
    pub stamp: usize,
    /// The lead.
    pub lead: Option<usize>,
    /// Bylines.
    pub authors: Vec<usize>,
    /// Captions, in the order of the pictures.
    pub captions: Vec<usize>,
}

/// The form of a file by the ending of its name; none for what is no article: a picture, a lock file.
pub fn format_from_name(name: &str) -> Option<FileFormat> {
    let (stem, ending) = name.rsplit_once('.')?;
    if stem.is_empty() {
        return None;
    }
    match ending.to_ascii_lowercase().as_str() {
        "txt" => Some(FileFormat::Text),
        "md" | "markdown" => Some(FileFormat::Markdown),
        "html" | "htm" => Some(FileFormat::Html),
        "docx" => Some(FileFormat::Docx),
        _ => None,
    }
}

/// Reads the bytes of the file called `name`. Never panics; the time taken grows with the length alone.
pub fn parse(name: &str, bytes: &[u8], options: &ParseOptions) -> ParseResult {
    let mut findings = Diagnostics::default();
    let draft = read_form(name, bytes, options, &mut findings);
    // NOTE: an error costs the article even where the rest could be read: nobody publishes half a date.
    let draft = draft.filter(|_| !findings.has_errors());
    ParseResult { draft, findings: findings.into_sorted() }
}

/// Longer files are no articles.
const MOST_TEXT: u64 = 4 * 1024 * 1024;
const MOST_DOCX: u64 = 64 * 1024 * 1024;

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
    if form == FileFormat::Docx {
        return within_limits(bytes, MOST_DOCX, findings)
            .then(|| read_docx(bytes, options, findings))
            .flatten();
    }
    let text = text_of(form, bytes, options, findings)?;
    read_decoded(&text, form, options, findings)
}

/// Says what is wrong with the length of a file.
fn within_limits(bytes: &[u8], limit: u64, findings: &mut Diagnostics) -> bool {
    if bytes.len() as u64 > limit {
        findings.error(1, DiagnosticKind::TooLarge { limit });
    } else if bytes.is_empty() {
        findings.error(1, DiagnosticKind::Empty);
    }
    !findings.has_errors()
}

/// The text of a file that is no Word document.
fn text_of(
    form: FileFormat,
    bytes: &[u8],
    options: &ParseOptions,
    findings: &mut Diagnostics,
) -> Option<String> {
    if !within_limits(bytes, MOST_TEXT, findings) {
        return None;
    }
    if is_of_another_program(bytes) {
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
    let mut at_head = Normalizer::new(&options.language);
    let matter = match split.toml {
        Some((toml, line)) => front_matter::read(toml, line, options.zone, &mut at_head, findings),
        None => front_matter::FrontMatter::default(),
    };
    let mut cleaner = Normalizer::new(matter.language.as_deref().unwrap_or(&options.language));
    let (rest, line) = (split.rest, split.rest_line);
    let (pieces, hints) = match form {
        FileFormat::Html => html::pieces(rest, line, options.zone, &mut cleaner, findings)?,
        FileFormat::Markdown => {
            let pieces = markdown::pieces(rest, line, options.zone, &mut cleaner, findings)?;
            (pieces, Hints::default())
        }
        FileFormat::Text | FileFormat::Docx => {
            (plain::pieces(rest, line, &mut cleaner, findings), Hints::default())
        }
    };
    cleaner.finish(findings);
    finish(pieces, matter, &hints, options, findings)
}

/// Front matter in a Word document is its first paragraphs.
fn read_docx(bytes: &[u8], options: &ParseOptions, findings: &mut Diagnostics) -> Option<ParsedArticle> {
    let mut cleaner = Normalizer::new(&options.language);
    let content = docx::content(bytes, options.encoding, options.zone, &mut cleaner, findings)?;
    let docx::Content { mut pieces, notes } = content;
    cleaner.finish(findings);
    let mut matter = front_matter::FrontMatter::default();
    let front = front_paragraphs(&mut pieces, findings);
    if findings.has_errors() {
        return None;
    }
    if let Some((toml, first_line)) = front {
        let fenced = format!("+++\n{toml}\n+++\n");
        if let Some(Ok(encoding)) = front_matter::declared_encoding(fenced.as_bytes())
            && options.encoding != Some(encoding)
        {
            // NOTE: what was found so far was found in the wrong letters.
            *findings = Diagnostics::default();
            return read_docx(bytes, &ParseOptions { encoding: Some(encoding), ..options.clone() }, findings);
        }
        let mut at_head = Normalizer::new(&options.language);
        matter = front_matter::read(&toml, first_line, options.zone, &mut at_head, findings);
    }
    if let Some((line, complaint)) = rubbish_in(&pieces) {
        findings.error(line, complaint);
        return None;
    }
    let mut draft = finish(pieces, matter, &Hints::default(), options, findings)?;
    notes.iter().for_each(|note| blocks::push(&mut draft.article.body, blocks::plain(note)));
    Some(draft)
}

/// Takes the paragraphs between two `+++` off the top: TOML with the quotes that Word makes of quotes, and the line
/// on which it begins.
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
        // Empty paragraphs between the keys count as lines.
        while line < piece.line {
            toml.push('\n');
            line += 1;
        }
        toml.push_str(&piece.text.replace(['“', '”', '„'], "\"").replace(['‘', '’'], "'"));
    }
    Some((toml, first_line))
}

/// What is the matter with the letters of a document, and where they begin.
fn rubbish_in(pieces: &[Piece]) -> Option<(usize, DiagnosticKind)> {
    let mut sample = String::new();
    for piece in pieces.iter().filter(|piece| !piece.text.is_ascii()) {
        if sample.len() > vietnamese_encodings::SAMPLE_BYTES {
            break;
        }
        sample.push_str(&piece.text);
        sample.push('\n');
    }
    let line = pieces.iter().find(|piece| !piece.text.is_ascii())?.line;
    encoding::detect_mojibake(&sample).map(|complaint| (line, complaint))
}

fn finish(
    pieces: Vec<Piece>,
    matter: front_matter::FrontMatter,
    hints: &Hints,
    options: &ParseOptions,
    findings: &mut Diagnostics,
) -> Option<ParsedArticle> {
    if pieces.is_empty() && matter.lines.is_empty() && !findings.has_errors() {
        findings.error(1, DiagnosticKind::Empty);
        return None;
    }
    structure::draft(pieces, matter, hints, options.zone, &options.language, findings)
}

/// Archives, old Word files, PDF and pictures under the name of a text.
fn is_of_another_program(bytes: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 7] = [
        b"PK\x03\x04",
        &[0xD0, 0xCF, 0x11, 0xE0],
        b"%PDF",
        b"{\\rtf",
        &[0xFF, 0xD8, 0xFF],
        b"\x89PNG",
        b"GIF8",
    ];
    BEGINNINGS.iter().any(|beginning| bytes.starts_with(beginning))
}

impl FileFormat {
    /// The ending that names it.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Text => "txt",
            Self::Markdown => "md",
            Self::Html => "html",
            Self::Docx => "docx",
        }
    }
}

#[cfg(test)]
mod tests;
