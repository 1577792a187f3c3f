//! The query parameters and the body of a write: plain text, Markdown, HTML or JSON, parsed into an article.

use std::fmt;
use std::sync::Arc;

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::{Value, json};

use super::super::response::{self, HttpResponse};
use super::super::server::RequestBody;
use super::super::state::AppState;
use super::problem::{self, Problem};
use crate::message::Message;
use crate::model::Slug;
use crate::parse::{self, FileFormat, ParsedArticle};
use crate::time::{Zone, rfc3339};
use crate::urls::SiteUrls;

/// An article as sent and as parsed.
pub(super) struct ParsedWrite {
    pub(super) options: WriteParams,
    urls: Arc<SiteUrls>,
    pub(super) body: Bytes,
    draft: Option<ParsedArticle>,
    /// The diagnostics as JSON.
    pub(super) diagnostics: Vec<Value>,
}

impl ParsedWrite {
    pub(super) async fn parse(
        state: &Arc<AppState>,
        request: &Parts,
        body: RequestBody,
    ) -> Result<Self, Problem> {
        let options = WriteParams::parse(request)?;
        let format = BodyFormat::from_content_type(request)?;
        let body = body.collect().await?;
        let parse_options = parse::ParseOptions {
            zone: state.render_options.site.time_zone,
            language: state.render_options.site.language.clone(),
            encoding: None,
        };
        let sent = body.clone();
        let reading = state.blocking(move || format.parse(&sent, &parse_options)).await;
        let (draft, diagnostics) = reading.ok_or_else(Problem::unavailable)??;
        Ok(Self { options, urls: Arc::clone(&state.urls), body, draft, diagnostics })
    }

    /// The article; an error if it could not be parsed.
    pub(super) fn draft(&self) -> Result<&ParsedArticle, Problem> {
        self.draft.as_ref().ok_or_else(Problem::unreadable_article)
    }

    /// The channels named by the request and the article, sorted and deduplicated.
    pub(super) fn channels(&self, draft: &ParsedArticle) -> Vec<Slug> {
        self.urls.resolve_channels(self.options.channels.iter().cloned(), &draft.channels)
    }

    /// The response to a dry run. `problem` is the reason to refuse the article.
    pub(super) fn dry_run_response(&self, problem: Option<&Problem>, zone: Zone) -> HttpResponse {
        // The diagnostics of an article that could not be parsed already say why.
        let refusal = problem.filter(|_| self.draft.is_some()).map(Problem::as_finding);
        let understood = self.draft.as_ref().map(|draft| {
            let article = &draft.article;
            json!({
                "title": article.title,
                "published": rfc3339(article.published.instant, zone),
                "date_only": article.published.date_only,
                "lead": article.excerpt(),
                "authors": article.authors,
                "source": article.source,
                "tags": article.tags,
                "language": article.language,
                "channels": self.channels(draft),
            })
        });
        let body = json!({
            "acceptable": problem.is_none(),
            "understood": understood,
            "findings": self.diagnostics.iter().cloned().chain(refusal).collect::<Vec<_>>(),
        });
        response::json(StatusCode::OK, body.to_string(), None, None)
    }
}

/// The query parameters of a write.
#[derive(Default)]
pub(super) struct WriteParams {
    channels: Vec<Slug>,
    pub(super) dry_run: bool,
    pub(super) reason: Option<String>,
    pub(super) erase: bool,
}

impl WriteParams {
    pub(super) fn parse(request: &Parts) -> Result<Self, Problem> {
        let mut options = Self::default();
        let query = request.uri.query().unwrap_or_default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "channel" => options.channels.push(Slug::parse(&value).map_err(|cause| {
                    let vietnamese = "channel: phải là tên chuyên mục như trong địa chỉ, ví dụ xa-hoi";
                    Problem::bad_request(Message::new(vietnamese, format!("channel: {cause}")))
                })?),
                "dry_run" => options.dry_run = flag(&name, &value)?,
                "erase" => options.erase = flag(&name, &value)?,
                "reason" => options.reason = Some(value.into_owned()),
                _ => {
                    return Err(Problem::bad_request(Message::new(
                        format!("Không có tham số `{name}`."),
                        format!("Unknown parameter `{name}`."),
                    )));
                }
            }
        }
        Ok(options)
    }
}

fn flag(name: &str, value: &str) -> Result<bool, Problem> {
    match value {
        "true" | "1" | "" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Problem::bad_request(Message::new(
            format!("`{name}` phải là `true` hoặc `false`."),
            format!("`{name}` must be `true` or `false`."),
        ))),
    }
}

/// The format of the body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BodyFormat {
    Text,
    Markdown,
    Html,
    Fields,
}

impl BodyFormat {
    fn from_content_type(request: &Parts) -> Result<Self, Problem> {
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
        let line = request.headers.get(CONTENT_TYPE).and_then(|line| line.to_str().ok()).unwrap_or_default();
        let essence = line.split(';').next().unwrap_or_default().trim();
        match essence.to_ascii_lowercase().as_str() {
            "text/plain" => Ok(Self::Text),
            "text/markdown" => Ok(Self::Markdown),
            "text/html" => Ok(Self::Html),
            "application/json" => Ok(Self::Fields),
            _ => Err(Problem::unsupported_media_type(essence)),
        }
    }

    /// Parses a body. Only plain text does not mark its title, date and text.
    fn parse(
        self,
        body: &[u8],
        options: &parse::ParseOptions,
    ) -> Result<(Option<ParsedArticle>, Vec<Value>), Problem> {
        let reading = match self {
            Self::Text => parse::parse("article.txt", body, options),
            Self::Markdown => parse::read_document(FileFormat::Markdown, body, options),
            Self::Html => parse::read_document(FileFormat::Html, body, options),
            Self::Fields => {
                let reading = parse::read_fields(&fields(body)?, options);
                let findings = reading.findings.iter();
                let findings =
                    findings.map(|(field, diagnostic)| problem::field_diagnostic(field, diagnostic));
                return Ok((reading.draft, findings.collect()));
            }
        };
        Ok((reading.draft, reading.findings.iter().map(problem::diagnostic_json).collect()))
    }
}

/// The fields of an article sent as JSON: the front matter keys and the text.
fn fields(body: &[u8]) -> Result<Vec<(String, Value)>, Problem> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = json.deserialize_map(Members).and_then(|members| json.end().map(|()| members));
    let fields = read.map_err(|cause| {
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
    for required in ["title", "published", parse::TEXT_FIELD] {
        let value = fields.iter().find(|(name, _)| name == required).map(|(_, value)| value);
        if !value.is_some_and(Value::is_string) {
            let message = Message::new("phải có, dưới dạng chuỗi", "it is required and must be a string");
            return Err(Problem::field(required, &message));
        }
    }
    Ok(fields)
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
