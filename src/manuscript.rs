//! Reads an article file: bytes in, a draft and findings out.
//!
//! The office pastes what it has: text from a web page, a Word file, a page of its old site in an old encoding.
//! This room finds the title, the printed date, the lead, captions, text and authors in it, or says line by line
//! why it cannot and what to do. It is pure: no file is opened, no clock is read. It refuses to guess a date, to
//! publish a text in a wrong encoding, and to drop a line in silence.
//!
//! The way of a file: [`bytes`] to text, [`front_matter`] off its head, the form's reader ([`plain`]) to pieces,
//! [`structure`] to the draft, with [`stamp`], [`caption`], [`byline`] and [`furniture`] each knowing one kind
//! of line.

mod byline;
mod bytes;
mod caption;
mod finding;
mod front_matter;
mod furniture;
mod legacy;
mod plain;
mod stamp;
mod structure;
mod text;

use crate::article::{Article, ArticleId};
use crate::vietnam_time::Zone;

pub use bytes::Encoding;
pub use finding::{Complaint, Finding, Severity, Wanted};

use finding::Findings;
use text::Cleaner;

/// How files are read, by the site's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The zone of a stamp that names none.
    pub zone: Zone,
    /// The site's language (BCP 47). An article in another one says so in its front matter.
    pub language: String,
    /// The encoding of the folder or file where it is set; found out otherwise.
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

fn read_form(name: &str, bytes: &[u8], options: &Options, findings: &mut Findings) -> Option<Draft> {
    let Some(_form) = form_of(name) else {
        findings.refuse(1, Complaint::NotAnArticle { name: name.to_owned() });
        return None;
    };
    let text = bytes::decode(bytes, options.encoding, None, findings)?;
    let split = front_matter::split(&text, findings);
    let mut cleaner = Cleaner::new(&options.language);
    let matter = match split.toml {
        Some((toml, line)) => front_matter::read(toml, line, options.zone, &mut cleaner, findings),
        None => front_matter::FrontMatter::default(),
    };
    let pieces = plain::pieces(split.rest, split.rest_line, &mut cleaner, findings);
    cleaner.finish(findings);
    if pieces.is_empty() && split.toml.is_none() {
        findings.refuse(1, Complaint::Empty);
        return None;
    }
    structure::draft(&pieces, matter, &structure::Hints::default(), options.zone, &options.language, findings)
}

#[cfg(test)]
mod tests;
