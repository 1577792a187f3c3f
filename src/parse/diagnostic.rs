//! Diagnostics: what the parser reports about a file. Their texts are in [`messages`](super::messages).

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::charset::Encoding;

/// The severity of a diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Severity {
    /// Information: what the parser did, above all what it left out.
    Note,
    /// The article is published; somebody should check it.
    Warning,
    /// The article cannot be published as it is.
    Error,
}

impl Severity {
    /// The name in logs and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One diagnostic about one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Counted from 1 in the file. In a Word document, the number of the paragraph.
    pub line: usize,
    /// Its severity.
    pub severity: Severity,
    /// What is reported.
    pub kind: DiagnosticKind,
}

/// Collects the diagnostics of one file.
#[derive(Debug, Default)]
pub(super) struct Diagnostics {
    list: Vec<Diagnostic>,
    notes: usize,
    omitted_notes: usize,
}

/// Maximum number of notes per file; further ones are only counted.
const MAX_NOTES: usize = 400;

impl Diagnostics {
    pub(super) fn note(&mut self, line: usize, kind: DiagnosticKind) {
        if self.notes == MAX_NOTES {
            self.omitted_notes += 1;
        } else {
            self.notes += 1;
            self.push(line, Severity::Note, kind);
        }
    }

    pub(super) fn warn(&mut self, line: usize, kind: DiagnosticKind) {
        self.push(line, Severity::Warning, kind);
    }

    pub(super) fn error(&mut self, line: usize, kind: DiagnosticKind) {
        self.push(line, Severity::Error, kind);
    }

    pub(super) fn has_errors(&self) -> bool {
        self.list.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Sorted by line, then by severity, errors first.
    pub(super) fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|diagnostic| (diagnostic.line, std::cmp::Reverse(diagnostic.severity)));
        if self.omitted_notes > 0 {
            let line = self.list.last().map_or(1, |diagnostic| diagnostic.line);
            self.push(line, Severity::Note, DiagnosticKind::MoreNotes { count: self.omitted_notes });
        }
        self.list
    }

    fn push(&mut self, line: usize, severity: Severity, kind: DiagnosticKind) {
        self.list.push(Diagnostic { line: line.max(1), severity, kind });
    }
}

/// Everything that the parser reports.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs)] // See the table in messages.rs.
pub enum DiagnosticKind {
    // The file as a whole.
    NotAnArticle { name: String },
    ReaderFailed,
    Empty,
    TooLarge { limit: u64 },
    WrongFormat { form: &'static str },
    LegacyDoc,
    Encrypted,
    Damaged { form: &'static str },
    TooDeep { limit: usize },
    TooComplex { limit: usize },

    // Its bytes.
    UnknownEncoding { guess: &'static str },
    LegacyEncoding { encoding: Encoding, sample: String },
    DoublyEncoded { sample: String },
    BrokenBytes { count: usize },
    EncodingNotUsed { encoding: Encoding },
    ForbiddenCharacters { characters: Vec<char> },
    EthUsedAsD { count: usize },

    // Its front matter.
    FrontMatterUnclosed,
    FrontMatterYaml,
    FrontMatterSyntax { message: String },
    FrontMatterUnknownKey { key: String },
    FrontMatterWrongType { key: String, wanted: ExpectedValue },
    FrontMatterEmpty { key: String },

    // Its title and its text.
    TitleMissing,
    TitleLong { characters: usize },
    TextMissing,
    UnsureTitle { title: String },

    // Its date.
    DateMissing,
    DateNotBelowTitle { text: String },
    OnlyPageClock { text: String },
    DateInDoubt { text: String, line: usize, other: String },
    DateAboveTitle { text: String },
    DateUnreadable { text: String },
    DateWithoutYear { text: String },
    DateImpossible { text: String },
    DateMonthFirst { text: String },
    DateTooOld { text: String },
    DateShortYear { text: String },
    DateRelative { text: String },
    TimeImpossible { text: String },
    AmbiguousAmPm { text: String },
    WeekdayWrong { printed: String, date: NaiveDate },
    OffsetForeign { offset: String, local: String },
    TimeTwice { taken: String },
    SecondDate { text: String, chosen: String },
    DateOfUpdate { text: String },
    PageClockIgnored { text: String },
    ExtraTextOnDateLine { text: String },

    // What was left out, and what was kept in doubt.
    Dropped { text: String },
    DroppedMore { count: usize, last_line: usize },
    DroppedRepeat { text: String },
    PageChromeDropped { count: usize, text: String },
    EndMarkRemoved,
    KeptAfterEnd { heading: String },
    TextAboveTitle { text: String },
    PossibleByline { text: String },
    LinesJoined { count: usize },
    SecondSource { text: String },
    LinkDropped { target: String },
    LinkAsText { target: String },
    StruckText { text: String },
    HiddenText { text: String },
    NotCarried { what: Part, name: String, count: usize },
    MoreNotes { count: usize },
}

/// The type of value that a front matter key expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedValue {
    /// A string.
    Text,
    /// A string or a list of strings.
    Texts,
    /// A date, or a string in any supported date format.
    Date,
    /// An absolute IRI such as a tag URI.
    Id,
    /// An absolute http or https URL.
    Url,
    /// A language tag (BCP 47).
    Language,
    /// The name of an encoding.
    Encoding,
}

/// Content of a file that an article cannot hold, or only in a reduced form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // See the texts in messages.rs.
pub enum Part {
    Picture,
    Drawing,
    Video,
    Sound,
    Frame,
    Object,
    Form,
    /// Its text is published on one line.
    Formula,
    /// A character of a symbol font.
    Symbol,
    /// An embedded document.
    Document,
    Script,
    StyleSheet,
    /// A Word field that has no result in the file.
    Field,
}
