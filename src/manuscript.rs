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
mod bytes;
mod caption;
mod docx;
mod facts;
mod features;
mod finding;
mod front_matter;
mod html;
mod layout;
mod legacy;
mod markdown;
mod plain;
mod rich;
mod stamp;
mod structure;
mod structured;
mod table_shape;
mod text;
mod weights;

use crate::article::{Article, ArticleId};
use crate::vietnam_time::Zone;

pub use bytes::Encoding;
pub use finding::{Complaint, Finding, KEYS, Part, Severity, Wanted};
pub use structured::{FieldsReading, TEXT_FIELD, read_document, read_fields};

use bytes::Forced;
use finding::Findings;
use structure::{Hints, Piece};
use text::Cleaner;

/// How files are read, by the site's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The zone of a stamp that names none.
    pub zone: Zone,
    /// The site's language (BCP 47). An article in another one says so in its front matter.
    pub language: String,
    /// The encoding that is set for the folder; a file's front matter may name another. Found out otherwise.
    pub encoding: Option<Encoding>,
}

/// The kinds of article file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
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
pub struct Reading {
    /// Missing exactly where a finding is an error.
    pub draft: Option<Draft>,
    /// In the order of the lines.
    pub findings: Vec<Finding>,
}

/// An article that may go to intake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Its pictures are empty: they lie in other files.
    pub article: Article,
    /// The id that the front matter gave.
    pub id: Option<ArticleId>,
    /// The channels that the front matter gave: slugs or titles, as written.
    pub channels: Vec<String>,
    /// Where its parts stood.
    pub lines: Places,
}

/// The lines, counted from 1, from which the parts of an article were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
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
pub fn form_of(name: &str) -> Option<Form> {
    let (stem, ending) = name.rsplit_once('.')?;
    if stem.is_empty() {
        return None;
    }
    match ending.to_ascii_lowercase().as_str() {
        "txt" => Some(Form::Text),
        "md" | "markdown" => Some(Form::Markdown),
        "html" | "htm" => Some(Form::Html),
        "docx" => Some(Form::Docx),
        _ => None,
    }
}

/// Reads the bytes of the file called `name`. Never panics; the time taken grows with the length alone.
pub fn read(name: &str, bytes: &[u8], options: &Options) -> Reading {
    let mut findings = Findings::default();
    let draft = read_form(name, bytes, options, &mut findings);
    // NOTE: an error costs the article even where the rest could be read: nobody publishes half a date.
    let draft = draft.filter(|_| !findings.hold_an_error());
    Reading { draft, findings: findings.sorted() }
}

/// Longer files are no articles.
const MOST_TEXT: u64 = 4 * 1024 * 1024;
const MOST_DOCX: u64 = 64 * 1024 * 1024;

fn read_form(name: &str, bytes: &[u8], options: &Options, findings: &mut Findings) -> Option<Draft> {
    let Some(form) = form_of(name) else {
        findings.refuse(1, Complaint::NotAnArticle { name: name.to_owned() });
        return None;
    };
    if form == Form::Docx {
        return within_limits(bytes, MOST_DOCX, findings)
            .then(|| read_docx(bytes, options, findings))
            .flatten();
    }
    let text = text_of(form, bytes, options, findings)?;
    read_decoded(&text, form, options, findings)
}

/// Says what is wrong with the length of a file.
fn within_limits(bytes: &[u8], limit: u64, findings: &mut Findings) -> bool {
    if bytes.len() as u64 > limit {
        findings.refuse(1, Complaint::TooLarge { limit });
    } else if bytes.is_empty() {
        findings.refuse(1, Complaint::Empty);
    }
    !findings.hold_an_error()
}

/// The text of a file that is no Word document.
fn text_of(form: Form, bytes: &[u8], options: &Options, findings: &mut Findings) -> Option<String> {
    if !within_limits(bytes, MOST_TEXT, findings) {
        return None;
    }
    if is_of_another_program(bytes) {
        findings.refuse(1, Complaint::NotThatForm { form: form.ending() });
        return None;
    }
    let declared = (form == Form::Html).then(|| html::declared_encoding(bytes)).flatten();
    let stated = match front_matter::stated_encoding(bytes).transpose() {
        Ok(stated) => stated,
        Err(line) => {
            let (key, wanted) = ("encoding".to_owned(), Wanted::Encoding);
            findings.refuse(line, Complaint::FrontMatterWrongType { key, wanted });
            return None;
        }
    };
    let by_file = stated.map(|encoding| Forced { encoding, by_file: true });
    let by_folder = options.encoding.map(|encoding| Forced { encoding, by_file: false });
    bytes::decode(bytes, by_file.or(by_folder), declared, findings)
}

fn read_decoded(text: &str, form: Form, options: &Options, findings: &mut Findings) -> Option<Draft> {
    let split = front_matter::split(text, findings);
    if findings.hold_an_error() {
        return None;
    }
    let mut at_head = Cleaner::new(&options.language);
    let matter = match split.toml {
        Some((toml, line)) => front_matter::read(toml, line, options.zone, &mut at_head, findings),
        None => front_matter::FrontMatter::default(),
    };
    let mut cleaner = Cleaner::new(matter.language.as_deref().unwrap_or(&options.language));
    let (rest, line) = (split.rest, split.rest_line);
    let (pieces, hints) = match form {
        Form::Html => html::pieces(rest, line, options.zone, &mut cleaner, findings)?,
        Form::Markdown => {
            let pieces = markdown::pieces(rest, line, options.zone, &mut cleaner, findings)?;
            (pieces, Hints::default())
        }
        Form::Text | Form::Docx => (plain::pieces(rest, line, &mut cleaner, findings), Hints::default()),
    };
    cleaner.finish(findings);
    finish(pieces, matter, &hints, options, findings)
}

/// Front matter in a Word document is its first paragraphs.
fn read_docx(bytes: &[u8], options: &Options, findings: &mut Findings) -> Option<Draft> {
    let mut cleaner = Cleaner::new(&options.language);
    let content = docx::content(bytes, options.encoding, options.zone, &mut cleaner, findings)?;
    let docx::Content { mut pieces, notes } = content;
    cleaner.finish(findings);
    let mut matter = front_matter::FrontMatter::default();
    let front = front_paragraphs(&mut pieces, findings);
    if findings.hold_an_error() {
        return None;
    }
    if let Some((toml, first_line)) = front {
        let fenced = format!("+++\n{toml}\n+++\n");
        if let Some(Ok(encoding)) = front_matter::stated_encoding(fenced.as_bytes())
            && options.encoding != Some(encoding)
        {
            // NOTE: what was found so far was found in the wrong letters.
            *findings = Findings::default();
            return read_docx(bytes, &Options { encoding: Some(encoding), ..options.clone() }, findings);
        }
        let mut at_head = Cleaner::new(&options.language);
        matter = front_matter::read(&toml, first_line, options.zone, &mut at_head, findings);
    }
    if let Some((line, complaint)) = rubbish_in(&pieces) {
        findings.refuse(line, complaint);
        return None;
    }
    let mut draft = finish(pieces, matter, &Hints::default(), options, findings)?;
    notes.iter().for_each(|note| blocks::push(&mut draft.article.body, blocks::plain(note)));
    Some(draft)
}

/// Takes the paragraphs between two `+++` off the top: TOML with the quotes that Word makes of quotes, and the line
/// on which it begins.
fn front_paragraphs(pieces: &mut Vec<Piece>, findings: &mut Findings) -> Option<(String, usize)> {
    let first = pieces.first().filter(|piece| piece.text == "+++")?;
    let Some(end) = pieces.iter().skip(1).position(|piece| piece.text == "+++") else {
        findings.refuse(first.line, Complaint::FrontMatterUnclosed);
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
fn rubbish_in(pieces: &[Piece]) -> Option<(usize, Complaint)> {
    let mut sample = String::new();
    for piece in pieces.iter().filter(|piece| !piece.text.is_ascii()) {
        if sample.len() > legacy::ENOUGH {
            break;
        }
        sample.push_str(&piece.text);
        sample.push('\n');
    }
    let line = pieces.iter().find(|piece| !piece.text.is_ascii())?.line;
    bytes::rubbish(&sample).map(|complaint| (line, complaint))
}

fn finish(
    pieces: Vec<Piece>,
    matter: front_matter::FrontMatter,
    hints: &Hints,
    options: &Options,
    findings: &mut Findings,
) -> Option<Draft> {
    if pieces.is_empty() && matter.lines.is_empty() && !findings.hold_an_error() {
        findings.refuse(1, Complaint::Empty);
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

impl Form {
    /// The ending that names it.
    pub fn ending(self) -> &'static str {
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
