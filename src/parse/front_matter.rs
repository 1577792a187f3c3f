//! Front matter: TOML between two `+++` lines at the beginning of a file. It takes precedence over the text.

use std::collections::HashSet;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::charset::Encoding;
use super::diagnostic::{DiagnosticKind, Diagnostics, ExpectedValue};
use super::front_matter_keys::FRONT_MATTER_KEYS;
use super::normalise::Normalizer;
use super::stamp::{self, DateReading};
use crate::model::ArticleId;
use crate::model::bounds::is_iri;
use crate::text::language_tag;
use crate::time::{PublishedAt, Timestamp, Zone};

/// The values of the front matter; all are optional.
#[derive(Debug, Default)]
pub(super) struct FrontMatter {
    pub id: Option<ArticleId>,
    pub title: Option<String>,
    pub published: Option<PublishedAt>,
    pub updated: Option<Timestamp>,
    pub authors: Option<Vec<String>>,
    pub summary: Option<String>,
    pub channels: Vec<String>,
    pub tags: Vec<String>,
    pub language: Option<String>,
    pub link: Option<String>,
    pub source: Option<String>,
    /// Whether `published` is present, valid or not: then the text is not searched for a date.
    pub names_a_date: bool,
    /// The line of each key.
    pub lines: Vec<(&'static str, usize)>,
}

impl FrontMatter {
    pub(super) fn line_of(&self, key: &str) -> Option<usize> {
        self.lines.iter().find(|(known, _)| *known == key).map(|(_, line)| *line)
    }
}

/// A file split into front matter and text.
pub(super) struct Split<'text> {
    /// The TOML and its first line.
    pub toml: Option<(&'text str, usize)>,
    /// The text and its first line.
    pub rest: &'text str,
    pub rest_line: usize,
}

/// Splits at the two `+++` lines. Only empty lines may precede the first.
pub(super) fn split<'text>(text: &'text str, findings: &mut Diagnostics) -> Split<'text> {
    let mut lines = Lines { rest: text, number: 0 };
    let unsplit = Split { toml: None, rest: text, rest_line: 1 };
    let Some(first) = lines.by_ref().find(|line| !is_blank(line.text)) else { return unsplit };
    match first.text.trim() {
        "+++" => {}
        "---" if looks_like_yaml(lines.rest) => {
            findings.error(first.number, DiagnosticKind::FrontMatterYaml);
            return unsplit;
        }
        _ => return unsplit,
    }
    let (toml, toml_line) = (lines.rest, lines.number + 1);
    let Some(last) = lines.by_ref().find(|line| line.text.trim() == "+++") else {
        findings.error(first.number, DiagnosticKind::FrontMatterUnclosed);
        return unsplit;
    };
    let length = toml.len() - last.rest_with_self;
    Split { toml: Some((&toml[..length], toml_line)), rest: lines.rest, rest_line: last.number + 1 }
}

/// The encoding that the front matter declares for its file, or the line of the key if the name is unknown. Called
/// before the file is decoded.
pub(super) fn declared_encoding(bytes: &[u8]) -> Option<Result<Encoding, usize>> {
    const HEAD: usize = 64 * 1024;
    let head = &bytes[..bytes.len().min(HEAD)];
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    if !text.trim_ascii_start().starts_with(b"+++") {
        return None;
    }
    // The fences, the keys and this value are ASCII in all supported encodings. The other values are not used here.
    let text = encoding_rs::WINDOWS_1252.decode_without_bom_handling(text).0.replace("\r\n", "\n");
    let (toml, first_line) = split(&text, &mut Diagnostics::default()).toml?;
    let table = DeTable::parse(toml).ok()?.into_inner();
    let (key, value) = table.iter().find(|(key, _)| key.get_ref() == "encoding")?;
    let line = first_line + toml[..key.span().start].matches('\n').count();
    let known = value.get_ref().as_str().and_then(Encoding::from_setting);
    Some(known.ok_or(line))
}

/// Parses the TOML that begins on `first_line`. Each invalid key is an error of its own.
pub(super) fn read(
    toml: &str,
    first_line: usize,
    zone: Zone,
    language: &str,
    findings: &mut Diagnostics,
) -> FrontMatter {
    let line_at =
        |offset: usize| first_line + toml.bytes().take(offset).filter(|byte| *byte == b'\n').count();
    let table = match DeTable::parse(toml) {
        Ok(table) => table.into_inner(),
        Err(error) => {
            let line = error.span().map_or(first_line, |span| line_at(span.start));
            let message = error.message().lines().next().unwrap_or_default().to_owned();
            findings.error(line, DiagnosticKind::FrontMatterSyntax { message });
            return FrontMatter::default();
        }
    };
    let mut reader = Reader::new(zone, language, findings);
    let mut entries: Vec<_> = table.iter().map(|(key, value)| (key.span().start, key, value)).collect();
    entries.sort_by_key(|(offset, ..)| *offset);
    let (mut line, mut counted) = (first_line, 0);
    for (offset, key, value) in entries {
        let between = toml.get(counted..offset).unwrap_or_default();
        line += between.bytes().filter(|byte| *byte == b'\n').count();
        counted = offset;
        reader.take(key.get_ref(), value, line);
    }
    reader.finish()
}

/// The same for values that are not from a file; each comes with the line number for its diagnostics.
pub(super) fn from_values<'v>(
    values: impl Iterator<Item = (&'v str, DeValue<'v>, usize)>,
    zone: Zone,
    language: &str,
    findings: &mut Diagnostics,
) -> FrontMatter {
    let mut reader = Reader::new(zone, language, findings);
    for (key, value, line) in values {
        reader.take(key, &Spanned::new(0..0, value), line);
    }
    reader.finish()
}

struct Reader<'a> {
    zone: Zone,
    normalizer: Normalizer,
    findings: &'a mut Diagnostics,
    matter: FrontMatter,
}

impl<'a> Reader<'a> {
    fn new(zone: Zone, language: &str, findings: &'a mut Diagnostics) -> Self {
        let normalizer = Normalizer::new(language);
        Self { zone, normalizer, findings, matter: FrontMatter::default() }
    }

    fn finish(self) -> FrontMatter {
        self.normalizer.finish(self.findings);
        self.matter
    }

    fn take(&mut self, key: &str, value: &Spanned<DeValue<'_>>, line: usize) {
        let Some(key) = FRONT_MATTER_KEYS.into_iter().find(|known| *known == key) else {
            self.findings.error(line, DiagnosticKind::FrontMatterUnknownKey { key: key.to_owned() });
            return;
        };
        self.matter.lines.push((key, line));
        let value = value.get_ref();
        match key {
            "id" => self.matter.id = self.iri(key, value, line).map(ArticleId::new),
            "title" => self.matter.title = self.text(key, value, line),
            "published" => {
                self.matter.names_a_date = true;
                self.matter.published = self.date(key, value, line);
            }
            "updated" => self.matter.updated = self.date(key, value, line).map(|stamp| stamp.instant),
            "authors" => self.matter.authors = self.texts(key, value, line),
            "summary" => self.matter.summary = self.text(key, value, line),
            "channels" => self.matter.channels = self.texts(key, value, line).unwrap_or_default(),
            "tags" => self.matter.tags = self.texts(key, value, line).unwrap_or_default(),
            "language" => self.matter.language = self.language(key, value, line),
            "link" => self.matter.link = self.url(key, value, line),
            // Already applied when the file was decoded.
            "encoding" if value.as_str().and_then(Encoding::from_setting).is_some() => {}
            "encoding" => self.wrong(key, ExpectedValue::Encoding, line),
            _ => self.matter.source = self.text(key, value, line),
        }
    }

    fn wrong(&mut self, key: &str, wanted: ExpectedValue, line: usize) {
        self.findings.error(line, DiagnosticKind::FrontMatterWrongType { key: key.to_owned(), wanted });
    }

    fn text(&mut self, key: &str, value: &DeValue<'_>, line: usize) -> Option<String> {
        let DeValue::String(raw) = value else {
            self.wrong(key, ExpectedValue::Text, line);
            return None;
        };
        let text = self.normalizer.single_line(raw, line, self.findings);
        if text.is_empty() {
            self.findings.error(line, DiagnosticKind::FrontMatterEmpty { key: key.to_owned() });
            return None;
        }
        Some(text)
    }

    fn texts(&mut self, key: &str, value: &DeValue<'_>, line: usize) -> Option<Vec<String>> {
        let DeValue::Array(values) = value else {
            if matches!(value, DeValue::String(_)) {
                return self.text(key, value, line).map(|text| vec![text]);
            }
            self.wrong(key, ExpectedValue::Texts, line);
            return None;
        };
        let mut texts: Vec<String> = Vec::new();
        let mut known = HashSet::new();
        for value in values.iter() {
            let DeValue::String(raw) = value.get_ref() else {
                self.wrong(key, ExpectedValue::Texts, line);
                return None;
            };
            let text = self.normalizer.single_line(raw, line, self.findings);
            if !text.is_empty() && known.insert(text.clone()) {
                texts.push(text);
            }
        }
        Some(texts)
    }

    fn date(&mut self, key: &str, value: &DeValue<'_>, line: usize) -> Option<PublishedAt> {
        let printed = match value {
            DeValue::String(text) => text.trim().to_owned(),
            DeValue::Datetime(datetime) => datetime.to_string(),
            _ => {
                self.wrong(key, ExpectedValue::Date, line);
                return None;
            }
        };
        match stamp::read(&printed, self.zone) {
            DateReading::Date(found) if found.is_bare() => {
                for doubt in found.doubts {
                    self.findings.warn(line, doubt);
                }
                Some(found.stamp)
            }
            DateReading::Refused(refusal) => {
                self.findings.error(line, refusal.problem);
                None
            }
            DateReading::Date(_) | DateReading::OtherDay | DateReading::Nothing => {
                self.wrong(key, ExpectedValue::Date, line);
                None
            }
        }
    }

    /// Ids are compared byte by byte, so it is used unchanged or rejected (feed rule A2).
    fn iri(&mut self, key: &str, value: &DeValue<'_>, line: usize) -> Option<String> {
        let text = self.text(key, value, line)?;
        let valid = is_iri(&text);
        if !valid {
            self.wrong(key, ExpectedValue::Id, line);
        }
        valid.then_some(text)
    }

    fn url(&mut self, key: &str, value: &DeValue<'_>, line: usize) -> Option<String> {
        let text = self.text(key, value, line)?;
        match url::Url::parse(&text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.host_str().is_some() => {
                Some(url.into())
            }
            _ => {
                self.wrong(key, ExpectedValue::Url, line);
                None
            }
        }
    }

    fn language(&mut self, key: &str, value: &DeValue<'_>, line: usize) -> Option<String> {
        let text = self.text(key, value, line)?;
        let good = language_tag(&text).is_some();
        if !good {
            self.wrong(key, ExpectedValue::Language, line);
        }
        good.then_some(text)
    }
}

fn is_blank(line: &str) -> bool {
    line.chars().all(|c| c.is_whitespace() || matches!(c, '\u{FEFF}' | '\u{200B}'))
}

/// Whether this is YAML front matter (`---`, some `key:` lines, `---`) and not a horizontal line above a text.
fn looks_like_yaml(rest: &str) -> bool {
    let is_key = |line: &str| {
        line.split_once(':').is_some_and(|(key, _)| {
            let key = key.trim_start_matches(['-', ' ']);
            !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        })
    };
    let mut inside = rest.lines().take(60).take_while(|line| line.trim() != "---").peekable();
    inside.peek().is_some_and(|first| is_key(first)) && rest.lines().take(61).any(|line| line.trim() == "---")
}

/// Iterates over lines with their numbers and the rest of the text.
struct Lines<'text> {
    rest: &'text str,
    number: usize,
}

struct Line<'text> {
    text: &'text str,
    number: usize,
    /// Bytes from the start of this line to the end of the file.
    rest_with_self: usize,
}

impl<'text> Iterator for Lines<'text> {
    type Item = Line<'text>;

    fn next(&mut self) -> Option<Line<'text>> {
        if self.rest.is_empty() {
            return None;
        }
        let before = self.rest.len();
        let (text, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        // The rest is a suffix of the same text, so lengths give the offsets.
        self.rest = rest;
        self.number += 1;
        Some(Line { text, number: self.number, rest_with_self: before })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_can_declare_their_own_encoding() {
        let tcvn3 = |text: &str| encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
        for (bytes, stated) in [
            (
                tcvn3("+++\r\ntitle = \"HuyÖn §¨k T«\"\r\nencoding = \"TCVN3\"\r\n+++\r\n"),
                Some(Ok(Encoding::Tcvn3)),
            ),
            (b"\xEF\xBB\xBF\n+++\nencoding = 'vni'\n+++\n".to_vec(), Some(Ok(Encoding::Vni))),
            (b"+++\n\nencoding = \"latin1\"\n+++\n".to_vec(), Some(Err(3))),
            (b"+++\nencoding = 3\n+++\n".to_vec(), Some(Err(2))),
            (b"+++\ntitle = \"A\"\n+++\nencoding = \"vni\"\n".to_vec(), None),
            (b"+++\nencoding = \"vni\"\n".to_vec(), None),
            (b"encoding = \"vni\"\n".to_vec(), None),
            (b"".to_vec(), None),
        ] {
            assert_eq!(declared_encoding(&bytes), stated, "{}", String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn declared_encoding_overrides_the_folder_and_typos_are_reported() {
        let options = |encoding| super::super::ParseOptions {
            zone: crate::time::DEFAULT_TIME_ZONE,
            language: "vi".to_owned(),
            encoding,
        };
        let text =
            "+++\nencoding = \"tcvn3\"\n+++\nHuyÖn §¨k T« häp giao ban\n\n12/05/2023 17:39\n\nHuyÖn häp.\n";
        let bytes = encoding_rs::WINDOWS_1252.encode(text).0;
        for folder in [None, Some(Encoding::Vni), Some(Encoding::Tcvn3)] {
            let draft = super::super::parse("bai.txt", &bytes, &options(folder)).draft;
            assert_eq!(draft.map(|draft| draft.article.title).as_deref(), Some("Huyện Đăk Tô họp giao ban"));
        }
        let slip = text.replace("tcvn3", "tvcn3");
        let reading =
            super::super::parse("bai.txt", &encoding_rs::WINDOWS_1252.encode(&slip).0, &options(None));
        let codes: Vec<_> = reading.findings.iter().map(|f| (f.line, f.kind.code())).collect();
        assert_eq!(codes, [(2, "front-matter-wrong-type")]);
    }
}
