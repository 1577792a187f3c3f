//! The format of the body of a write: plain text, Markdown, HTML, JSON fields, a Word document or a form.

use std::fmt;

use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::Value;

use super::super::validity::{DOCX_TYPE, FORM_TYPE};
use super::problem::{self, Problem};
use crate::message::Message;
use crate::parse::{self, FileFormat, ParsedArticle};
use crate::time::{PublishedAt, Zone, local_date, rfc3339};

const DATE_FIELD: &str = "published";

/// The format of the body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyFormat {
    Text,
    Markdown,
    Html,
    Fields,
    Docx,
    Multipart,
}

/// The `Content-Type` of a request; empty if it has none.
pub(super) fn content_type(request: &Parts) -> &str {
    request.headers.get(CONTENT_TYPE).and_then(|line| line.to_str().ok()).unwrap_or_default()
}

impl BodyFormat {
    pub(super) fn from_content_type(request: &Parts) -> Result<Self, Problem> {
        // A transfer coding besides `chunked` is not decoded either.
        let lines = [CONTENT_ENCODING, TRANSFER_ENCODING];
        let coded = lines.iter().flat_map(|name| request.headers.get_all(name));
        if let Some(coding) = coded
            .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
            .map(<[u8]>::trim_ascii)
            .find(|coding| !matches!(coding.to_ascii_lowercase().as_slice(), b"" | b"identity" | b"chunked"))
        {
            return Err(Problem::coded_body(&String::from_utf8_lossy(coding)));
        }
        let line = content_type(request);
        Self::from_media_type(line).ok_or_else(|| Problem::unsupported_media_type(essence(line)))
    }

    /// The format that a `Content-Type` names.
    pub(super) fn from_media_type(line: &str) -> Option<Self> {
        let all = [Self::Text, Self::Markdown, Self::Html, Self::Fields, Self::Docx, Self::Multipart];
        all.into_iter().find(|format| essence(line).eq_ignore_ascii_case(format.name()))
    }

    /// Its media type.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text => "text/plain",
            Self::Markdown => "text/markdown",
            Self::Html => "text/html",
            Self::Fields => "application/json",
            Self::Docx => DOCX_TYPE,
            Self::Multipart => FORM_TYPE,
        }
    }

    /// Parses a body. Only plain text does not mark its title, date and text. Fields without a date get `kept_date`.
    pub(super) fn parse(
        self,
        body: &[u8],
        options: &parse::ParseOptions,
        kept_date: Option<PublishedAt>,
    ) -> Result<ReadBody, Problem> {
        let reading = match self {
            // The article of a form without a type of its own is plain text.
            Self::Text | Self::Multipart => parse::parse("article.txt", body, options),
            Self::Docx => parse::parse("article.docx", body, options),
            Self::Markdown => parse::read_document(FileFormat::Markdown, body, options),
            Self::Html => parse::read_document(FileFormat::Html, body, options),
            Self::Fields => {
                let (fields, keeps_date) = fields(body, kept_date.map(|date| date_text(date, options.zone)))?;
                let reading = parse::read_fields(&fields, options);
                let findings = reading.findings.iter();
                let diagnostics =
                    findings.map(|(field, diagnostic)| problem::field_diagnostic(field, diagnostic));
                let diagnostics = diagnostics.collect();
                return Ok(ReadBody { draft: reading.draft, diagnostics, keeps_date });
            }
        };
        Ok(read(reading))
    }
}

/// A body as read.
pub(super) struct ReadBody {
    pub(super) draft: Option<ParsedArticle>,
    /// As JSON.
    pub(super) diagnostics: Vec<Value>,
    /// It names no date, so the article keeps its own.
    pub(super) keeps_date: bool,
}

/// A date as a field of an article.
fn date_text(date: PublishedAt, zone: Zone) -> String {
    match date.date_only {
        true => local_date(date.instant, zone).to_string(),
        false => rfc3339(date.instant, zone),
    }
}

/// A media type without its parameters.
fn essence(line: &str) -> &str {
    line.split(';').next().unwrap_or_default().trim()
}

/// The fields of an article sent as JSON: the front matter keys and the text. True if the date is `kept_date`, because
/// none was sent.
fn fields(body: &[u8], kept_date: Option<String>) -> Result<(Vec<(String, Value)>, bool), Problem> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = json.deserialize_map(Members).and_then(|members| json.end().map(|()| members));
    let mut fields = read.map_err(|cause| {
        Problem::unprocessable(Message::new(
            format!("JSON không hợp lệ: {cause}."),
            format!("The JSON is wrong: {cause}."),
        ))
    })?;
    // JSON is always Unicode, so `encoding` is not a field.
    let known =
        || parse::FRONT_MATTER_KEYS.into_iter().filter(|key| *key != "encoding").chain([parse::TEXT_FIELD]);
    if let Some((unknown, _)) = fields.iter().find(|(name, _)| known().all(|known| known != name)) {
        let known = known().collect::<Vec<_>>().join(", ");
        let message = Message::new(
            format!("không có trường này; các trường là: {known}"),
            format!("unknown field; known ones are: {known}"),
        );
        return Err(Problem::field(unknown, &message));
    }
    let is_named = |(name, value): &(String, Value)| {
        name == DATE_FIELD && !value.is_null() && value.as_str().is_none_or(|text| !text.trim().is_empty())
    };
    let kept_date = kept_date.filter(|_| !fields.iter().any(is_named));
    let keeps_date = kept_date.is_some();
    if let Some(date) = kept_date {
        fields.retain(|(name, _)| name != DATE_FIELD);
        fields.push((DATE_FIELD.to_owned(), date.into()));
    }
    for required in ["title", DATE_FIELD, parse::TEXT_FIELD] {
        let value = fields.iter().find(|(name, _)| name == required).map(|(_, value)| value);
        if !value.is_some_and(Value::is_string) {
            let message = Message::new("phải có, dưới dạng chuỗi", "it is required and must be a string");
            return Err(Problem::field(required, &message));
        }
    }
    Ok((fields, keeps_date))
}

/// The members of a JSON object in order. A duplicate is rejected, because it is ambiguous.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, Value)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut members: Self::Value = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if members.iter().any(|(known, _)| *known == name) {
                return Err(serde::de::Error::custom(format_args!("`{name}` is given twice")));
            }
            members.push((name, value));
        }
        Ok(members)
    }
}

/// The article and the diagnostics as JSON.
pub(super) fn read(reading: parse::ParseResult) -> ReadBody {
    let diagnostics = reading.findings.iter().map(problem::diagnostic_json).collect();
    ReadBody { draft: reading.draft, diagnostics, keeps_date: false }
}
