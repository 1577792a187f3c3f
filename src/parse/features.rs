//! Computes the features of each line: its words, its form, its neighbours. Decisions are made in `layout`.

use std::ops::Range;

use super::boilerplate;
use super::byline::{self, Byline};
use super::caption::{self, Caption};
use super::diagnostic::DiagnosticKind;
use super::facts::{Fact, Facts};
use super::normalise::{comparison_key, ends_a_sentence, exceeds_chars, is_prose, word_count};
use super::piece::{Kind, Piece};
use super::stamp::{self, DateReading, Label, ParsedDate, Refusal};
use crate::time::{PublishedAt, Zone};

/// A date on a line.
#[derive(Debug)]
pub(super) enum Dated {
    Found(Box<ParsedDate>),
    Refused(Box<Refusal>),
    /// With the title that it is glued to.
    Glued(Box<(String, ParsedDate)>),
}

impl Dated {
    /// The date, unless it is refused.
    pub(super) fn date(&self) -> Option<&ParsedDate> {
        match self {
            Self::Found(found) => Some(found),
            Self::Glued(glued) => Some(&glued.1),
            Self::Refused(_) => None,
        }
    }

    pub(super) fn stamp(&self) -> Option<PublishedAt> {
        self.date().map(|date| date.stamp)
    }
}

/// A line and its features.
#[derive(Debug, Default)]
pub(super) struct LineFeatures {
    pub facts: Facts,
    pub words: usize,
    pub date: Option<Dated>,
    pub credit: Option<Box<Byline>>,
    pub caption: Option<Box<Caption>>,
    pub tags: Option<Vec<String>>,
    /// The line in the form for comparisons; empty for a long line.
    pub key: String,
}

/// Maximum lines from the top in which a title is searched for.
const TOP: usize = 60;

/// Maximum lines of a page that are analysed. Anything longer is an endless list or table.
pub(super) const MAX_LINES: usize = 1_000;

/// Analyses all lines of a page. `given` is a title that is known from elsewhere.
pub(super) fn lines(pieces: &[Piece], given: Option<&str>, zone: Zone) -> Vec<LineFeatures> {
    let (pieces, rest) = pieces.split_at(pieces.len().min(MAX_LINES));
    let mut lines: Vec<LineFeatures> = Vec::with_capacity(pieces.len() + rest.len());
    lines.extend(pieces.iter().map(|piece| line(piece, zone)));
    if let Some(first) = lines.first_mut() {
        first.facts.add(Fact::First);
    }
    if let Some(given) = given.map(comparison_key) {
        lines.iter_mut().take(TOP).for_each(|line| line.facts.set(Fact::GivenTitle, line.key == given));
    }
    glued(pieces, &mut lines, zone);
    events(&mut lines);
    neighbours(pieces, &mut lines);
    repeats(&mut lines);
    cells(&mut lines);
    dates(&mut lines);
    named_beside_the_date(&mut lines);
    runs(pieces, &mut lines);
    below(&mut lines);
    whole_page(&mut lines);
    lines.extend(rest.iter().map(plain_line));
    lines
}

/// The features that are cheap to compute: the form, and whether it is a caption.
fn plain_line(piece: &Piece) -> LineFeatures {
    let mut line = LineFeatures { words: word_count(&piece.text), ..LineFeatures::default() };
    line.facts.set(Fact::Close, !piece.gap);
    match piece.kind {
        Kind::Heading(1) => line.facts.add(Fact::HeadingOne),
        Kind::Heading(_) => line.facts.add(Fact::Heading),
        Kind::Item { .. } => line.facts.add(Fact::Item),
        Kind::Whole(_) => line.facts.add(Fact::Table),
        Kind::Columns(_) => line.facts.add(Fact::Columns),
        Kind::Line | Kind::Caption => {}
    }
    if !line.facts.has(Fact::Table) {
        line.shape(&piece.text);
    }
    if !line.facts.any(&[Fact::HeadingOne, Fact::Heading, Fact::Item, Fact::Table]) {
        let whole = || Caption { text: piece.text.clone(), credit: None };
        let caption = caption::read(&piece.text).filter(|_| byline::labelled_parts(&piece.text).is_none());
        let caption = caption.or_else(|| (piece.kind == Kind::Caption).then(whole));
        line.caption = caption.map(Box::new);
        line.facts.set(Fact::Caption, line.caption.is_some());
    }
    line
}

fn line(piece: &Piece, zone: Zone) -> LineFeatures {
    let text = without_icons(&piece.text);
    let mut line = plain_line(piece);
    line.facts.set(Fact::Number, is_number(text));
    if line.facts.has(Fact::Table) {
        return line;
    }
    line.facts.set(Fact::Cell, text.ends_with('|') || text.starts_with('|'));
    if !line.facts.has(Fact::Cell) {
        line.add_date(stamp::read(text, zone));
    }
    if exceeds_chars(text, 200) {
        return line;
    }
    line.key = comparison_key(text);
    if line.date.is_some() {
        line.caption = None;
        line.facts.remove(Fact::Caption);
        return line;
    }
    line.tags = boilerplate::tags(text, &line.key);
    line.facts.set(Fact::Tags, line.tags.is_some());
    line.facts.set(Fact::DatedHeadline, boilerplate::is_dated_headline(text));
    if line.tags.is_none() {
        if let Some(known) = boilerplate::known(text, &line.key) {
            line.facts.add(known);
        }
        if line.caption.is_none() && !line.facts.any(&[Fact::HeadingOne, Fact::Heading, Fact::Item]) {
            line.credited(text);
        }
    }
    line
}

impl LineFeatures {
    fn shape(&mut self, text: &str) {
        let facts = &mut self.facts;
        let asks = text.ends_with('?') && self.words <= 30;
        let ends = ends_a_sentence(text);
        let stop = ends && !text.ends_with([')', ']', '?', '’', '\'', '»']) || text.ends_with([',', ';']);
        let ticker = facts.has(Fact::Columns) && !ends;
        let prose = is_prose(text) && !asks && !ticker;
        facts.set(Fact::Prose, prose);
        facts.set(Fact::LongProse, prose && stop && self.words > 45);
        facts.set(Fact::Stop, stop);
        if !stop && !prose {
            facts.add(match self.words {
                0 | 1 => Fact::OneWord,
                2 | 3 => Fact::Short,
                4..=40 => Fact::Headline,
                _ => Fact::Long,
            });
        }
        if prose && !text.starts_with(char::is_lowercase) {
            facts.set(Fact::Dots, has_dots(text));
            return facts.set(Fact::Recital, is_recital(text));
        }
        facts.set(Fact::Continuation, text.starts_with(char::is_lowercase) && self.words >= 2);
        facts.set(
            Fact::Capitals,
            !text.chars().any(char::is_lowercase) && text.chars().any(char::is_uppercase),
        );
        let english = |b: u8| b.is_ascii_alphabetic() || b == b' ' || b == b'\'';
        facts.set(Fact::English, self.words >= 3 && text.bytes().all(english));
        facts.set(Fact::Clock, is_clock(text));
        facts.set(Fact::Media, text.starts_with('[') && caption::is_kind_of_report(text));
        facts.set(Fact::Dots, has_dots(text));
        facts.set(Fact::Recital, is_recital(text));
    }

    fn add_date(&mut self, reading: DateReading) {
        let facts = &mut self.facts;
        let label = match &reading {
            DateReading::Nothing => return,
            DateReading::OtherDay => return facts.add(Fact::OtherDay),
            DateReading::Refused(refusal) => {
                let relative = matches!(refusal.problem, DiagnosticKind::DateRelative { .. });
                facts.add(if relative { Fact::Relative } else { Fact::Refused });
                refusal.label
            }
            DateReading::Date(found) => {
                facts.set(Fact::Time, !found.stamp.date_only);
                facts.set(Fact::Extras, found.has_extras);
                facts
                    .set(Fact::Place, found.stamp.date_only && !found.beside.is_empty() && !found.has_extras);
                facts.set(Fact::InMenu, found.beside.contains('|'));
                found.label
            }
        };
        facts.add(match label {
            Some(Label::Published) => Fact::Published,
            Some(Label::Updated) => Fact::Updated,
            None => Fact::Dated,
        });
        self.date = match reading {
            DateReading::Date(found) => Some(Dated::Found(found)),
            DateReading::Refused(refusal) => Some(Dated::Refused(refusal)),
            DateReading::Nothing | DateReading::OtherDay => None,
        };
    }

    fn credited(&mut self, text: &str) {
        use Fact::{Document, End, Initials, Letterhead, Name, Section, Signature, Site, Tool};
        // NOTE: an office in capitals looks like a name; its words distinguish it.
        let known = self.facts.any(&[Signature, Letterhead, Document, Section, Site, Tool, End, Fact::Box]);
        let Some((fact, byline)) = byline::credit(text) else { return };
        if !known || !matches!(fact, Name | Initials) {
            self.facts.add(fact);
            self.facts.set(Fact::Names, fact == Name && byline.authors.len() > 1);
            self.facts.set(Fact::Department, fact == Name && byline::is_department(text));
            self.credit = Some(Box::new(byline));
        }
    }

    fn is_date(&self) -> bool {
        self.facts.any(&[Fact::Dated, Fact::Published, Fact::Updated])
    }

    /// Whether it has a form that a title may have.
    fn is_open(&self) -> bool {
        self.date.is_none() && self.facts.any(&[Fact::OneWord, Fact::Short, Fact::Headline, Fact::Long])
    }

    /// Whether a site or an office printed it and it cannot be a title.
    fn is_of_the_site(&self) -> bool {
        use Fact::{
            Columns, End, File, Item, LabelledAuthor, Letterhead, Section, Site, Symbols, Table, Tool,
        };
        let words = [Site, Tool, Section, Letterhead, File, Symbols, End, Fact::Box];
        self.facts.any(&words) || self.facts.any(&[Item, Table, Columns, LabelledAuthor])
    }

    /// Whether it is a paragraph of the text.
    fn is_paragraph(&self) -> bool {
        let text = self.facts.has(Fact::Prose) && !self.facts.any(&[Fact::Dots, Fact::Site, Fact::Tool]);
        text || self.facts.has(Fact::Table)
    }
}

/// The text after the pictures of sites before a date, an author or a counter: `📅`, `👁`, `✍`.
fn without_icons(text: &str) -> &str {
    let is_icon = |c: char| matches!(c, '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{2bff}' | '\u{fe0f}' | '\u{1f000}'..='\u{1faff}');
    if text.starts_with(is_icon) { text.trim_start_matches(|c: char| is_icon(c) || c == ' ') } else { text }
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || b".,".contains(&b))
}

/// A row of dots separates the slogans that some sites print at the top.
fn has_dots(text: &str) -> bool {
    text.len() > 6 && text.contains("......")
}

fn is_recital(text: &str) -> bool {
    const OPENINGS: [&str; 5] = ["Căn cứ ", "Xét ", "Theo đề nghị ", "Kính gửi", "Thực hiện "];
    OPENINGS.iter().any(|opening| text.starts_with(opening))
}

/// `09:47 (GMT +7)`: a time without a day.
fn is_clock(text: &str) -> bool {
    let time = text.len() <= 24 && text.starts_with(|c: char| c.is_ascii_digit()) && text.contains(':');
    time && text.chars().all(|c| c.is_ascii_digit() || " :()+".contains(c) || c.is_ascii_uppercase())
}

/// Searches the first lines for a date glued to a title. One in brackets counts if the page has no other date.
fn glued(pieces: &[Piece], lines: &mut [LineFeatures], zone: Zone) {
    let is_open = |line: &LineFeatures| {
        line.date.is_none() && !line.facts.any(&[Fact::Prose, Fact::Table, Fact::Item, Fact::Stop])
    };
    let has_date = |text: &str| text.bytes().filter(u8::is_ascii_digit).count() >= 6;
    let mut found = Vec::new();
    for (at, (piece, line)) in pieces.iter().zip(lines.iter()).take(TOP).enumerate() {
        if is_open(line)
            && has_date(&piece.text)
            && let Some(glued) = stamp::read_glued(&piece.text, zone)
        {
            found.push((at, glued));
        }
    }
    let has_other = found.len() > 1 || lines.iter().take(TOP).any(LineFeatures::is_date);
    for (at, (title, date)) in found {
        let bracketed = date.stamp.date_only && date.label.is_none() && pieces[at].text.ends_with(')');
        if !bracketed || !has_other {
            lines[at].facts.add(Fact::Glued);
            lines[at].facts.set(Fact::Time, !date.stamp.date_only);
            lines[at].date = Some(Dated::Glued(Box::new((title, date))));
        }
    }
}

/// `Thời gian: …` above `Địa điểm: …` is the time of an event.
fn events(lines: &mut [LineFeatures]) {
    for index in 1..lines.len() {
        let [event, below] = &mut lines[index - 1..=index] else { continue };
        if below.key.starts_with("địa điểm")
            && event.key.starts_with("thời gian")
            && event.date.take().is_some()
        {
            let of_a_date =
                [Fact::Dated, Fact::Published, Fact::Time, Fact::Extras, Fact::Place, Fact::Refused];
            of_a_date.into_iter().for_each(|fact| event.facts.remove(fact));
        }
    }
}

fn neighbours(pieces: &[Piece], lines: &mut [LineFeatures]) {
    // A list above everything else is a menu.
    let menu = lines.iter().take_while(|line| line.facts.has(Fact::Item)).count();
    if menu >= 3 {
        lines[..menu].iter_mut().for_each(|line| line.facts.add(Fact::Site));
    }
    for index in 1..lines.len().min(TOP).saturating_sub(1) {
        let is_entry = |index: usize| lines[index].facts.any(&[Fact::Site, Fact::Section]);
        let between = lines[index].words <= 4 && is_entry(index - 1) && is_entry(index + 1);
        lines[index].facts.set(Fact::BetweenEntries, between);
    }
    for index in 1..lines.len() {
        let (above, below) = lines.split_at_mut(index);
        let (above, line) = (&mut above[index - 1], &mut below[0]);
        let (text_above, piece) = (&pieces[index - 1].text, &pieces[index]);
        let plain = |kind: &Kind| matches!(kind, Kind::Line);
        let close = !piece.gap && plain(&piece.kind) && plain(&pieces[index - 1].kind);
        let runs_on =
            close && (above.is_open() && !above.facts.has(Fact::OneWord) || text_above.ends_with(','));
        let unfinished = above.words >= 3 && ends_unfinished(text_above);
        let continues = runs_on && (line.facts.has(Fact::Continuation) || unfinished);
        line.facts.remove(Fact::Continuation);
        line.facts.set(Fact::Continuation, continues);
        let capitals = line.facts.has(Fact::Capitals) && above.facts.has(Fact::Capitals);
        line.facts.set(Fact::CapitalsBelowCapitals, runs_on && capitals);
        line.facts.set(Fact::PartOfSeries, above.facts.has(Fact::Headline) && is_part_of_series(&piece.text));
        let below_kind = close && above.facts.has(Fact::Capitals) && line.facts.has(Fact::Headline);
        let subject = above.facts.has(Fact::Document) && (below_kind || line.key.starts_with("về "));
        line.facts.set(Fact::Subject, subject && !line.facts.has(Fact::Recital));
        let tags = above.facts.has(Fact::BelowTags) || above.tags.as_ref().is_some_and(Vec::is_empty);
        line.facts.set(Fact::BelowTags, tags && !line.facts.has(Fact::Prose));
        above.facts.set(Fact::ClockBelow, line.facts.has(Fact::Clock));
        above.facts.set(Fact::DateBelow, above.is_open() && line.date.is_some());
    }
}

/// Whether the text ends with a word that requires another.
fn ends_unfinished(text: &str) -> bool {
    const WORDS: [&str; 14] =
        ["trong", "và", "của", "các", "cho", "về", "tại", "ở", "với", "từ", "những", "do", "CÁC", "CỦA"];
    text.rsplit(' ').next().is_some_and(|last| WORDS.contains(&last))
}

/// `Bài 1: …`, `Kỳ cuối: …`: the title of a part, below that of the series.
fn is_part_of_series(line: &str) -> bool {
    let Some((label, rest)) = line.split_once([':', '.']).filter(|(label, _)| label.len() <= 16) else {
        return false;
    };
    let label = comparison_key(label);
    let number = ["bài ", "kỳ ", "phần ", "tập "].into_iter().find_map(|word| label.strip_prefix(word));
    let counts =
        |number: &str| number == "cuối" || number.len() <= 2 && number.bytes().all(|b| b.is_ascii_digit());
    !rest.trim().is_empty() && number.is_some_and(counts)
}

/// Only the letters, so that quotation marks and image numbers make no difference.
fn letters(key: &str) -> String {
    let text = key.rsplit_once("ảnh ").filter(|(_, number)| number.bytes().all(|b| b.is_ascii_digit()));
    text.map_or(key, |(text, _)| text).chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Finds tables whose cells are on separate lines: short lines with consecutive numbers and dates among them. Their
/// dates and names are not those of the article.
fn cells(lines: &mut [LineFeatures]) {
    let is_cell =
        |_, line: &LineFeatures| line.words <= 8 && !line.facts.any(&[Fact::Prose, Fact::Table, Fact::Item]);
    for run in runs_of(lines, is_cell) {
        let table = &mut lines[run];
        let is_number = |line: &LineFeatures| line.facts.has(Fact::Number);
        if table.iter().filter(|line| is_number(line)).count() < 2 {
            continue;
        }
        let first = table.iter().position(is_number).unwrap_or_default();
        // The column headings are above the first row.
        for line in &mut table[first.saturating_sub(4).max(1)..] {
            line.facts.set(Fact::Cell, line.date.is_some() || line.facts.has(Fact::Number));
            if line.credit.take().is_some() {
                [Fact::Name, Fact::Initials, Fact::Department]
                    .iter()
                    .for_each(|fact| line.facts.remove(*fact));
            }
        }
    }
}

/// The longest runs of lines for which `is_part` is true; it receives the distance from the first line of the run.
fn runs_of(lines: &[LineFeatures], is_part: impl Fn(usize, &LineFeatures) -> bool) -> Vec<Range<usize>> {
    let (mut runs, mut start) = (Vec::new(), 0);
    while start < lines.len() {
        let length =
            lines[start..].iter().enumerate().take_while(|(offset, line)| is_part(*offset, line)).count();
        if length > 0 {
            runs.push(start..start + length);
        }
        start += length.max(1);
    }
    runs
}

/// Marks lines that repeat a headline above the text, and paragraphs that occur twice.
fn repeats(lines: &mut [LineFeatures]) {
    let (mut headlines, mut above, mut text_began) = (Vec::new(), String::new(), false);
    for (index, line) in lines.iter_mut().enumerate() {
        let prose = line.facts.has(Fact::Prose);
        line.facts.set(Fact::Twice, prose && !line.key.is_empty() && line.key == above);
        above.clone_from(&line.key);
        text_began |= prose;
        let picture = line.key.ends_with(|c: char| c.is_ascii_digit()) && line.key.contains("ảnh ");
        if line.key.is_empty() || !picture && (text_began || index >= TOP || !line.is_open()) {
            continue;
        }
        let letters = letters(&line.key);
        let known = headlines.iter().position(|other| *other == letters);
        if let Some(at) = known {
            line.facts.add(if picture { Fact::Twice } else { Fact::Repeats });
            if picture {
                line.caption = None;
                line.facts.remove(Fact::Caption);
            } else {
                headlines.swap_remove(at);
            }
        }
        if !picture && !text_began {
            headlines.push(letters);
        }
    }
}

/// Marks how the dates relate to each other and to the text above them.
fn dates(lines: &mut [LineFeatures]) {
    let day = |line: &LineFeatures| {
        line.date.as_ref().and_then(Dated::stamp).map(|stamp| stamp.instant.date_naive())
    };
    let days: Vec<_> = lines.iter().enumerate().filter_map(|(at, line)| Some((at, day(line)?))).collect();
    // NOTE: a page with many dates is a table or list; comparing all of them is unnecessary.
    if days.len() <= 12 {
        for (at, day) in &days {
            let agrees = days.iter().any(|(other, same)| other != at && same == day);
            lines[*at].facts.set(Fact::Agrees, agrees);
        }
    }
    let mut paragraphs = 0;
    for line in lines {
        line.facts.set(Fact::Far, paragraphs > 2);
        line.facts.set(Fact::BelowProse, paragraphs > 0);
        if paragraphs > 0 {
            line.facts.remove(Fact::DateBelow);
        }
        paragraphs += usize::from(line.is_paragraph());
    }
}

/// Marks lines that repeat the authors next to the date.
fn named_beside_the_date(lines: &mut [LineFeatures]) {
    let found = lines.iter().filter_map(|line| match &line.date {
        Some(Dated::Found(found)) => Some(&found.authors),
        _ => None,
    });
    let authors: Vec<String> = found.flatten().take(6).map(|author| comparison_key(author)).collect();
    for line in lines.iter_mut().filter(|line| line.date.is_none() && line.credit.is_none()) {
        if authors.contains(&line.key) {
            line.credit = Some(Box::default());
            line.facts.add(Fact::Initials);
        }
    }
}

/// Marks names that the text announces (below a colon or an open sentence, or in a long run of names), and short
/// lines in a block without empty lines.
fn runs(pieces: &[Piece], lines: &mut [LineFeatures]) {
    for run in runs_of(lines, |_, line| line.facts.has(Fact::Name)) {
        let is_open = |above: usize| {
            let (line, text) = (&lines[above], pieces[above].text.as_str());
            let within = line.facts.has(Fact::BelowProse);
            let sentence = within && line.words > 8 && line.is_open() && line.caption.is_none();
            text.ends_with(':') || line.words <= 3 && line.key.starts_with("người ") || sentence
        };
        let announced = run.len() >= 5 || run.start.checked_sub(1).is_some_and(is_open);
        lines[run].iter_mut().for_each(|line| line.facts.set(Fact::Announced, announced));
    }
    let is_verse = |offset: usize, line: &LineFeatures| {
        let signed = line.facts.any(&[Fact::Caption, Fact::Document, Fact::Subject, Fact::Signature]);
        let close = offset == 0 || line.facts.has(Fact::Close);
        close && line.words <= 12 && line.date.is_none() && !signed && !line.is_of_the_site()
    };
    for run in runs_of(lines, is_verse).into_iter().filter(|run| run.len() >= 3) {
        lines[run].iter_mut().for_each(|line| line.facts.add(Fact::Verse));
    }
}

/// Marks what follows each line.
fn below(lines: &mut [LineFeatures]) {
    let (mut prose, mut signed) = (0, false);
    for line in lines.iter_mut().rev() {
        line.facts.set(Fact::ProseBelow, prose >= 1);
        line.facts.set(Fact::MuchProseBelow, prose >= 3);
        line.facts.set(Fact::SignedBelow, signed);
        prose += usize::from(line.facts.has(Fact::Prose));
        let name = line.facts.has(Fact::Name) && !line.facts.has(Fact::Announced);
        signed |= name || line.facts.any(&[Fact::LabelledAuthor, Fact::Source, Fact::Initials]);
    }
}

/// Marks the features of the page, which all lines share.
fn whole_page(lines: &mut [LineFeatures]) {
    let official = lines.iter().take(TOP).filter(|line| line.facts.has(Fact::Letterhead)).count() >= 2;
    // A line with the words of a site and one or two others, or with a stray tab, is a title if a sentence or verse follows
    // the date.
    let sentence = lines.get(2).is_some_and(|line| line.facts.any(&[Fact::Prose, Fact::Stop]));
    let is_verse = |line: &LineFeatures| line.facts.has(Fact::Verse) && !line.facts.has(Fact::Prose);
    let verse = lines.get(2..4).is_some_and(|lines| lines.iter().all(is_verse));
    let words = [Fact::Section, Fact::End, Fact::Box, Fact::Tool, Fact::Columns];
    let is_title = |line: &LineFeatures| {
        !line.is_date()
            && (line.words > 2 && !line.facts.has(Fact::Department) || sentence || verse)
            && (!line.is_of_the_site() || sentence && line.facts.any(&words) && line.key.len() > 2)
    };
    let more = [Fact::Continuation, Fact::CapitalsBelowCapitals, Fact::PartOfSeries];
    let head = lines.iter().take(4).enumerate();
    let titles = head.take_while(|(at, line)| is_title(line) && (*at == 0 || line.facts.any(&more))).count();
    let glued = lines.first().is_some_and(|line| line.facts.has(Fact::Glued));
    let dated = titles > 0 && lines.get(titles).is_some_and(LineFeatures::is_date);
    if dated && !glued {
        lines[0].facts.add(Fact::CleanTitle);
        lines[titles].facts.add(Fact::CleanDate);
    }
    let (mut signing, mut signed, mut began) = (false, false, false);
    for line in lines {
        line.facts.set(Fact::Official, official);
        line.facts.set(Fact::CleanForm, dated || glued);
        // NOTE: a line that looks like an office may be a sub-heading: `Hội đua thuyền trên hồ Đăk Rơ`.
        signed |= line.credit.is_some() && !line.facts.any(&[Fact::Announced, Fact::Department]);
        signed &= !line.facts.has(Fact::Prose);
        // In the clean form, a repeated paragraph is a refrain by the author.
        if dated && line.facts.has(Fact::Prose) {
            line.facts.remove(Fact::Twice);
        }
        // Between the lead and the byline of the clean form, the words of a site belong to the author's text.
        let within = began && line.facts.has(Fact::ProseBelow) && !signed;
        began |= line.facts.has(Fact::Prose);
        if within && line.facts.has(Fact::CleanForm) {
            use Fact::{Box, End, File, Letterhead, Section, Signature, Site, Symbols, Tags, Tool};
            let words = [End, Box, Tool, Site, Section, Letterhead, Signature, File, Symbols, Tags];
            words.into_iter().for_each(|fact| line.facts.remove(fact));
        }
        signing = official && !line.facts.has(Fact::Prose) && (signing || line.facts.has(Fact::Signature));
        line.facts.set(Fact::SignatureBlock, signing && line.facts.has(Fact::BelowProse));
    }
}
