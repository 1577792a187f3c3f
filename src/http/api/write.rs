//! Publish, correct and withdraw over HTTP: `POST`, `PUT` and `DELETE` on articles.
//!
//! The order of a request: who asks, what it is written in, what is understood of it, where it may stand, and
//! then one transaction of the store, which alone decides: on the token's rights, on `If-Match` and on the write
//! together. An answer of success means that it is on disk.

use std::fmt;
use std::sync::Arc;

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, IF_MATCH};
use hyper::http::request::Parts;
use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::super::handler::AppState;
use super::super::preconditions::{EntityTag, EntityTags};
use super::super::response::{self, HttpResponse};
use super::super::server::RequestBody;
use super::problem::{self, Problem};
use super::read_body;
use crate::model::{ArticleId, Permalink, Slug};
use crate::parse::{self, FileFormat, ParsedArticle};
use crate::render;
use crate::store::{
    ArticleLookup, ArticleVersion, IdempotencyKey, Refusal, Scheduled, Source, Submission, SubmitOutcome,
    SubmitResult, Token, WithdrawOutcome, WriteConditions,
};
use crate::time::{Zone, rfc3339};
use crate::urls::{SiteUrls, api_article_path, article_path};

/// A stamp that lies further ahead is a slip of the pen.
const MAX_FUTURE: chrono::TimeDelta = chrono::TimeDelta::days(366);
/// No sensible key is longer.
const MAX_KEY_BYTES: usize = 255;

pub(super) async fn post(
    service: &Arc<AppState>,
    request: Parts,
    body: RequestBody,
) -> Result<HttpResponse, Problem> {
    let token = authenticate(service, &request).await?;
    let incoming = ParsedWrite::parse(service, &request, body).await?;
    let once = idempotency_key(&request, &incoming.body, &token)?;
    if incoming.options.dry_run {
        return Ok(incoming.dry_run_response(service.render_options.site.time_zone));
    }
    let draft = incoming.draft()?;
    let channels = incoming.channels(draft);
    if channels.is_empty() {
        return Err(Problem::unprocessable(
            "Name a channel: `?channel=SLUG`, or `channels` in the article.",
            "Hãy nêu chuyên mục: `?channel=SLUG`, hoặc `channels` trong bài.",
        ));
    }
    known_channels(service, &channels).await?;
    let terms = WriteConditions { must_be_new: true, idempotency: once, ..WriteConditions::default() };
    let accepted = submit(service, draft, channels, draft.id.clone(), token, terms).await?;
    match accepted.outcome {
        SubmitOutcome::VersionMismatch(_) => Err(Problem::already_exists(&accepted.id)),
        _ => submit_response(service, accepted, &incoming, StatusCode::CREATED).await,
    }
}

pub(super) async fn put(
    service: &Arc<AppState>,
    request: Parts,
    body: RequestBody,
    id: &str,
) -> Result<HttpResponse, Problem> {
    let token = authenticate(service, &request).await?;
    let id = ArticleId::new(id);
    // The store judges this again with the write itself. Here it is for a dry run, and for who need not send more.
    may_edit(service, &token, &id).await?;
    let incoming = ParsedWrite::parse(service, &request, body).await?;
    let terms = WriteConditions {
        expected: if_match(service, &request),
        must_exist: true,
        idempotency: idempotency_key(&request, &incoming.body, &token)?,
        ..WriteConditions::default()
    };
    if incoming.options.dry_run {
        return Ok(incoming.dry_run_response(service.render_options.site.time_zone));
    }
    let draft = incoming.draft()?;
    if draft.id.as_ref().is_some_and(|named| *named != id) {
        return Err(Problem::unprocessable(
            "The article names another id than the address does.",
            "Bài viết ghi mã khác với địa chỉ.",
        ));
    }
    let channels = incoming.channels(draft);
    known_channels(service, &channels).await?;
    let accepted = submit(service, draft, channels, Some(id), token, terms).await?;
    match accepted.outcome {
        SubmitOutcome::VersionMismatch(number) => Err(Problem::version_mismatch(number)),
        _ => submit_response(service, accepted, &incoming, StatusCode::OK).await,
    }
}

pub(super) async fn delete(
    service: &Arc<AppState>,
    request: Parts,
    id: &str,
) -> Result<HttpResponse, Problem> {
    let token = authenticate(service, &request).await?;
    let WriteParams { reason, erase, .. } = WriteParams::parse(&request)?;
    let author = token.name.clone();
    let terms = WriteConditions {
        token: Some(token.name),
        expected: if_match(service, &request),
        ..WriteConditions::default()
    };
    let id = ArticleId::new(id);
    let name = id.clone();
    let withdrawal = service
        .run_with_store(async move |service| {
            service.store.withdraw_on_terms(&name, reason, erase, &author, terms).await
        })
        .await;
    let (number, outcome) = match withdrawal.ok_or_else(Problem::unavailable)? {
        WithdrawOutcome::Withdrawn(number) => (Some(number), "withdrawn"),
        WithdrawOutcome::ReasonChanged(number) => (Some(number), "reason changed"),
        WithdrawOutcome::Already => (None, "withdrawn before"),
        WithdrawOutcome::NeverPublished => (None, "will not be published"),
        WithdrawOutcome::Unknown => return Err(Problem::unknown_article(&id)),
        WithdrawOutcome::Stale(number) => return Err(Problem::version_mismatch(number)),
        WithdrawOutcome::Refused(refusal) => return Err(Problem::refused(&refusal, &id)),
    };
    let body = json!({ "id": id.as_str(), "number": number, "outcome": outcome });
    Ok(response::json(StatusCode::OK, body.to_string(), None, None))
}

/// An article that waits for its moment, for whoever may publish in its channels: where it is readable, changeable
/// and removable until then. None for anybody else, as where there is none.
///
/// SECURITY: it is under embargo, and so is that it is there.
pub(super) async fn scheduled(
    service: &Arc<AppState>,
    request: &Parts,
    id: &ArticleId,
) -> Result<Option<Scheduled>, Problem> {
    if !request.headers.contains_key(AUTHORIZATION) {
        return Ok(None);
    }
    let token = authenticate(service, request).await?;
    scheduled_for(service, &token, id).await
}

async fn scheduled_for(
    service: &Arc<AppState>,
    token: &Token,
    id: &ArticleId,
) -> Result<Option<Scheduled>, Problem> {
    let id = id.clone();
    let scheduled = service.run_with_store(async move |service| service.store.scheduled(&id).await).await;
    let scheduled = scheduled.ok_or_else(Problem::unavailable)?;
    Ok(scheduled.filter(|scheduled| token.allows(&scheduled.entry.channels)))
}

/// The tag of a scheduled article.
pub(super) fn tag_of(service: &Arc<AppState>, scheduled: &Scheduled) -> String {
    format!("\"{}.0-{}\"", service.store.log_id(), scheduled.version)
}

/// There is an article of this id that the token may change.
async fn may_edit(service: &Arc<AppState>, token: &Token, id: &ArticleId) -> Result<(), Problem> {
    match find_article(service, id).await? {
        ArticleLookup::Live { entry, .. } if token.allows(&entry.channels) => Ok(()),
        ArticleLookup::Live { entry, .. } => {
            Err(Problem::refused(&Refusal::NotYours(entry.channels.clone()), id))
        }
        ArticleLookup::Withdrawn(_) => Err(Problem::withdrawn(id)),
        ArticleLookup::NotFound => match scheduled_for(service, token, id).await? {
            Some(_) => Ok(()),
            None => Err(Problem::unknown_article(id)),
        },
    }
}

/// Whose token the request bears.
async fn authenticate(service: &Arc<AppState>, request: &Parts) -> Result<Token, Problem> {
    let mut lines = request.headers.get_all(AUTHORIZATION).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return Err(Problem::unauthorized()) };
    let secret = line
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, secret)| secret.trim().to_owned())
        .ok_or_else(Problem::unauthorized)?;
    // SECURITY: a store that is away is no word about the token: 503, never 401.
    let token = service.run_with_store(async move |service| service.store.authenticate(&secret).await).await;
    let token = token.ok_or_else(Problem::unavailable)?.ok_or_else(Problem::unauthorized)?;
    service.writers.check(&token.name).map_err(Problem::rate_limited)?;
    Ok(token)
}

/// The channels exist. Whether the token covers them, and whether they take new articles, the store judges.
async fn known_channels(service: &Arc<AppState>, channels: &[Slug]) -> Result<(), Problem> {
    let known = service
        .run_with_store(async |service| {
            render::channels(&mut service.store.snapshot().await?, &service.render_options.channels).await
        })
        .await;
    let known = known.ok_or_else(Problem::unavailable)?;
    let Some(unknown) = channels.iter().find(|slug| !known.iter().any(|known| known.slug == **slug)) else {
        return Ok(());
    };
    let names: Vec<&str> = known.iter().map(|known| known.slug.as_str()).collect();
    let names = names.join(", ");
    Err(Problem::unprocessable(
        format!("There is no channel `{unknown}`; there are: {names}."),
        format!("Không có chuyên mục `{unknown}`; hiện có: {names}."),
    ))
}

/// An article as it was sent, and what was understood of it.
struct ParsedWrite {
    options: WriteParams,
    addresses: Arc<SiteUrls>,
    body: Bytes,
    draft: Option<ParsedArticle>,
    /// What there is to say about the article, as it stands in answers.
    diagnostics: Vec<Value>,
    /// Why the article is refused although it could be read.
    rejection: Option<Problem>,
}

impl ParsedWrite {
    async fn parse(service: &Arc<AppState>, request: &Parts, body: RequestBody) -> Result<Self, Problem> {
        let options = WriteParams::parse(request)?;
        let form = BodyFormat::from_content_type(request)?;
        let body = read_body(body).await?;
        let reading_options = parse::ParseOptions {
            zone: service.render_options.site.time_zone,
            language: service.render_options.site.language.clone(),
            encoding: None,
        };
        let sent = body.clone();
        let reading = service.blocking(move || form.parse(&sent, &reading_options)).await;
        let (draft, findings) = reading.ok_or_else(Problem::unavailable)??;
        let furthest = service.clock.now() + MAX_FUTURE;
        let too_far = |draft: &ParsedArticle| draft.article.published.instant > furthest;
        let refusal = draft.as_ref().is_some_and(too_far).then(|| {
            Problem::unprocessable(
                "The date is more than a year ahead; correct it.",
                "Ngày đăng còn hơn một năm nữa mới tới; hãy sửa lại.",
            )
        });
        Ok(Self {
            options,
            addresses: Arc::clone(&service.addresses),
            body,
            draft,
            diagnostics: findings,
            rejection: refusal,
        })
    }

    fn draft(&self) -> Result<&ParsedArticle, Problem> {
        match (&self.draft, &self.rejection) {
            (Some(draft), None) => Ok(draft),
            (Some(_), Some(refusal)) => Err(refusal.clone()),
            (None, _) => Err(Problem::unreadable_article(self.diagnostics.clone())),
        }
    }

    /// The channels that the request and the article name, sorted, each once.
    fn channels(&self, draft: &ParsedArticle) -> Vec<Slug> {
        let asked = self.options.channels.iter().map(|slug| self.addresses.current_slug(slug.clone()));
        let named = draft.channels.iter().map(|name| self.addresses.resolve_channel(name));
        let mut channels: Vec<Slug> = asked.chain(named).collect();
        channels.sort();
        channels.dedup();
        channels
    }

    /// The answer to a dry run.
    fn dry_run_response(&self, zone: Zone) -> HttpResponse {
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
            "acceptable": self.draft().is_ok(),
            "understood": understood,
            "findings": self.diagnostics,
        });
        response::json(StatusCode::OK, body.to_string(), None, None)
    }
}

/// The parameters of a write.
#[derive(Default)]
struct WriteParams {
    channels: Vec<Slug>,
    dry_run: bool,
    reason: Option<String>,
    erase: bool,
}

impl WriteParams {
    fn parse(request: &Parts) -> Result<Self, Problem> {
        let mut options = Self::default();
        let query = request.uri.query().unwrap_or_default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "channel" => options.channels.push(Slug::parse(&value).map_err(|cause| {
                    Problem::bad_request(format!("channel: {cause}"), format!("channel: {cause}"))
                })?),
                "dry_run" => options.dry_run = flag(&name, &value)?,
                "erase" => options.erase = flag(&name, &value)?,
                "reason" => options.reason = Some(value.into_owned()),
                _ => {
                    return Err(Problem::bad_request(
                        format!("There is no parameter `{name}`."),
                        format!("Không có tham số `{name}`."),
                    ));
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
        _ => Err(Problem::bad_request(
            format!("`{name}` is `true` or `false`."),
            format!("`{name}` là `true` hoặc `false`."),
        )),
    }
}

/// How the body is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BodyFormat {
    Text,
    Markdown,
    Html,
    Fields,
}

impl BodyFormat {
    fn from_content_type(request: &Parts) -> Result<Self, Problem> {
        let coded = request
            .headers
            .get_all(CONTENT_ENCODING)
            .iter()
            .flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
        if let Some(coding) = coded
            .map(<[u8]>::trim_ascii)
            .find(|coding| !matches!(coding.to_ascii_lowercase().as_slice(), b"" | b"identity"))
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

    /// Reads a body. Only a plain text does not say what in it is the title, the date and the text.
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
                let findings = findings.map(|(field, finding)| problem::field_diagnostic(field, finding));
                return Ok((reading.draft, findings.collect()));
            }
        };
        Ok((reading.draft, reading.findings.iter().map(problem::diagnostic_json).collect()))
    }
}

/// The fields of an article as JSON: the keys of the front matter, and the text.
fn fields(body: &[u8]) -> Result<Vec<(String, Value)>, Problem> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = json.deserialize_map(Members).and_then(|members| json.end().map(|()| members));
    let fields = read.map_err(|cause| {
        Problem::unprocessable(format!("The JSON is wrong: {cause}."), format!("JSON không hợp lệ: {cause}."))
    })?;
    // JSON is always Unicode.
    let known =
        || parse::FRONT_MATTER_KEYS.into_iter().filter(|key| *key != "encoding").chain([parse::TEXT_FIELD]);
    if let Some((unknown, _)) = fields.iter().find(|(name, _)| known().all(|known| known != name)) {
        let known = known().collect::<Vec<_>>().join(", ");
        return Err(Problem::field(
            unknown,
            format!("there is no such field; there are: {known}"),
            format!("không có trường này; các trường là: {known}"),
        ));
    }
    for required in ["title", "published", parse::TEXT_FIELD] {
        let value = fields.iter().find(|(name, _)| name == required).map(|(_, value)| value);
        if !value.is_some_and(Value::is_string) {
            return Err(Problem::field(required, "it must be there, as a text", "phải có, dưới dạng chuỗi"));
        }
    }
    Ok(fields)
}

/// The members of a JSON object in their order. One that stands there twice is refused: which of them is meant?
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
                return Err(serde::de::Error::custom(format_args!("`{name}` stands there twice")));
            }
            members.push((name, value));
        }
        Ok(members)
    }
}

/// The `Idempotency-Key`, bound to all that the request asks for.
fn idempotency_key(request: &Parts, body: &Bytes, token: &Token) -> Result<Option<IdempotencyKey>, Problem> {
    let mut lines = request.headers.get_all("idempotency-key").iter();
    let line = match (lines.next(), lines.next()) {
        (None, _) => return Ok(None),
        (Some(line), None) => line,
        (Some(_), Some(_)) => {
            return Err(Problem::bad_request("Send one Idempotency-Key.", "Chỉ gửi một Idempotency-Key."));
        }
    };
    let key = line.to_str().ok().filter(|key| !key.is_empty() && key.len() <= MAX_KEY_BYTES);
    let key = key.ok_or_else(|| {
        Problem::bad_request(
            "An Idempotency-Key has 1 to 255 visible characters.",
            "Idempotency-Key có từ 1 đến 255 ký tự.",
        )
    })?;
    let mut hash = Sha256::new();
    for part in [request.method.as_str(), &request.uri.to_string()] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    for line in [CONTENT_TYPE, IF_MATCH].iter().flat_map(|name| request.headers.get_all(name)) {
        hash.update(line.as_bytes());
        hash.update([0]);
    }
    hash.update(body);
    let request = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Some(IdempotencyKey { token: token.name.clone(), key: key.to_owned(), request }))
}

/// The versions that `If-Match` asks for: those that tags of this log name. Any other tag matches nothing (RFC 9110
/// §13.1.1), and none is asked for where `*` is, or the header is missing.
fn if_match(service: &Arc<AppState>, request: &Parts) -> Option<Vec<ArticleVersion>> {
    let tags: Vec<_> = EntityTags::from_headers(&request.headers, IF_MATCH)?.iter().collect();
    let version = |tag: &EntityTag<'_>| {
        let EntityTag::Strong(opaque) = tag else { return None };
        let rest =
            std::str::from_utf8(opaque).ok()?.strip_prefix(service.store.log_id())?.strip_prefix('.')?;
        match rest.strip_prefix("0-") {
            Some(version) => Some(ArticleVersion::Scheduled(version.to_owned())),
            None => rest.split('-').next()?.parse().ok().map(ArticleVersion::Number),
        }
    };
    (!tags.contains(&EntityTag::Any)).then(|| tags.iter().filter_map(version).collect())
}

async fn find_article(service: &Arc<AppState>, id: &ArticleId) -> Result<ArticleLookup, Problem> {
    let id = id.clone();
    let found = service.run_with_store(async move |service| service.store.article_by_id(&id).await).await;
    found.ok_or_else(Problem::unavailable)
}

async fn submit(
    service: &Arc<AppState>,
    draft: &ParsedArticle,
    channels: Vec<Slug>,
    id: Option<ArticleId>,
    token: Token,
    terms: WriteConditions,
) -> Result<SubmitResult, Problem> {
    let submission = Submission {
        article: draft.article.clone(),
        channels,
        id,
        stem: Slug::from_title(&draft.article.title),
        source: Source::Command(token.name.clone()),
        conditions: WriteConditions { token: Some(token.name), ..terms },
    };
    let accepted = service.run_with_store(async move |service| service.store.submit(submission).await).await;
    let accepted = accepted.ok_or_else(Problem::unavailable)?;
    match accepted.outcome {
        SubmitOutcome::WithdrawnByOperator => Err(Problem::withdrawn(&accepted.id)),
        SubmitOutcome::IdempotencyConflict => Err(Problem::idempotency_conflict()),
        SubmitOutcome::Refused(refusal) => Err(Problem::refused(&refusal, &accepted.id)),
        _ => Ok(accepted),
    }
}

/// Says what was done. `fresh` is the status where the log has grown.
async fn submit_response(
    service: &Arc<AppState>,
    accepted: SubmitResult,
    incoming: &ParsedWrite,
    fresh: StatusCode,
) -> Result<HttpResponse, Problem> {
    let SubmitResult { id, permalink, outcome: verdict } = accepted;
    let (status, outcome, number) = match verdict {
        SubmitOutcome::Published(number) => (fresh, "published", Some(number)),
        SubmitOutcome::Corrected(number) => (fresh, "corrected", Some(number)),
        SubmitOutcome::Moved(number) => (fresh, "moved", Some(number)),
        SubmitOutcome::Restored(number) => (fresh, "restored", Some(number)),
        SubmitOutcome::Scheduled(_) => (StatusCode::ACCEPTED, "waiting", None),
        _ => (StatusCode::OK, "unchanged", current_number(service, &permalink).await?),
    };
    let addresses = &service.addresses;
    let published = incoming.draft()?.article.published.instant;
    let body = json!({
        "id": id.as_str(),
        "url": addresses.url(&article_path(&permalink)),
        "number": number,
        "published": rfc3339(published, service.render_options.site.time_zone),
        "outcome": outcome,
        "findings": incoming.diagnostics,
    });
    let location = addresses.url(&api_article_path(&id));
    let etag = match (number, status) {
        (Some(number), _) => Some(format!("\"{}.{number}\"", service.store.log_id())),
        (None, StatusCode::ACCEPTED) => {
            let name = id.clone();
            let scheduled = service.run_with_store(async move |service| service.store.scheduled(&name).await);
            scheduled.await.flatten().map(|scheduled| tag_of(service, &scheduled))
        }
        (None, _) => None,
    };
    Ok(response::json(status, body.to_string(), Some(&location), etag.as_deref()))
}

async fn current_number(service: &Arc<AppState>, permalink: &Permalink) -> Result<Option<u64>, Problem> {
    let permalink = permalink.clone();
    let found = service.run_with_store(async move |service| service.store.article(&permalink).await).await;
    Ok(match found.ok_or_else(Problem::unavailable)? {
        ArticleLookup::Live { number, .. } => Some(number),
        ArticleLookup::Withdrawn(_) | ArticleLookup::NotFound => None,
    })
}
