//! Publish, correct and withdraw over HTTP: `POST`, `PUT` and `DELETE` on articles.
//!
//! A write is handled in this order: authenticate, check the headers, parse the body, then one transaction of the
//! store, which decides on the token's rights, on the channels, on `If-Match` and on the write together. A
//! success response means that the article is stored durably.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, IF_MATCH};
use hyper::http::request::Parts;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::super::client_ip::rate_limit_key;
use super::super::entity_tag::{self, EntityTag, EntityTags};
use super::super::response::{self, HttpResponse};
use super::super::server::RequestBody;
use super::super::state::AppState;
use super::problem::Problem;
use super::write_body::{ParsedWrite, WriteParams};
use crate::message::Message;
use crate::model::{ArticleId, Slug};
use crate::parse::ParsedArticle;
use crate::store::{
    ArticleVersion, IdempotencyKey, Scheduled, Source, Submission, SubmitOutcome, SubmitResult, Token,
    WithdrawOutcome, WriteConditions,
};
use crate::text::hex;
use crate::time::rfc3339;
use crate::urls::{api_article_path, article_path};

/// Maximum length of an `Idempotency-Key`.
const MAX_KEY_BYTES: usize = 255;

/// Publishes an article, or corrects the article `id`.
pub(super) async fn submit(
    state: &Arc<AppState>,
    request: Parts,
    body: RequestBody,
    id: Option<ArticleId>,
) -> Result<HttpResponse, Problem> {
    let token = authenticate(state, &request).await?;
    let parsed = ParsedWrite::parse(state, &request, body).await?;
    let idempotency = idempotency_key(&request, &parsed.body, &token)?;
    let dry_run = parsed.options.dry_run;
    let conditions = WriteConditions {
        expected: id.as_ref().and_then(|_| if_match(state, &request)),
        must_be_new: id.is_none(),
        must_exist: id.is_some(),
        known_channels: true,
        dry_run,
        idempotency: idempotency.filter(|_| !dry_run),
        token: Some(token.name),
    };
    let created = if id.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    let zone = state.render_options.site.time_zone;
    match write(state, &parsed, id, conditions).await {
        Ok(_) if dry_run => Ok(parsed.dry_run_response(None, zone)),
        Ok(submitted) => submit_response(state, submitted, &parsed, created),
        Err(problem) if dry_run && problem.is_about_the_article() => {
            Ok(parsed.dry_run_response(Some(&problem), zone))
        }
        Err(problem) => Err(problem.with("findings", parsed.diagnostics)),
    }
}

/// Submits an article in one transaction.
async fn write(
    state: &Arc<AppState>,
    parsed: &ParsedWrite,
    id: Option<ArticleId>,
    conditions: WriteConditions,
) -> Result<SubmitResult, Problem> {
    let draft = parsed.draft()?;
    let ParsedArticle { article, id: named, .. } = draft;
    if id.is_some() && named.is_some() && id != *named {
        return Err(Problem::unprocessable(Message::new(
            "Mã trong bài khác với mã trong địa chỉ.",
            "The id in the article differs from the id in the URL.",
        )));
    }
    let channels = parsed.channels(draft);
    if channels.is_empty() && conditions.must_be_new && !conditions.dry_run {
        return Err(Problem::unprocessable(Message::new(
            "Hãy nêu chuyên mục: `?channel=SLUG`, hoặc `channels` trong bài.",
            "Name a channel: `?channel=SLUG`, or `channels` in the article.",
        )));
    }
    let must_be_new = conditions.must_be_new;
    let submission = Submission {
        channels,
        id: id.or_else(|| named.clone()),
        stem: Slug::from_title(&article.title),
        article: article.clone(),
        source: Source::Command(conditions.token.clone().unwrap_or_default()),
        conditions,
    };
    let submitted = state.run_with_store(async move |state| state.store.submit(submission).await).await;
    let submitted = submitted.ok_or_else(Problem::unavailable)?;
    let id = &submitted.id;
    match &submitted.outcome {
        SubmitOutcome::VersionMismatch(_) if must_be_new => Err(Problem::exists(Message::new(
            format!("Đã có bài {id}; hãy dùng PUT để sửa."),
            format!("The article {id} already exists; correct it with PUT."),
        ))),
        SubmitOutcome::VersionMismatch(number) => Err(Problem::version_mismatch(*number)),
        SubmitOutcome::WithdrawnByOperator => Err(Problem::withdrawn(id)),
        SubmitOutcome::IdempotencyConflict => Err(Problem::idempotency_conflict()),
        SubmitOutcome::Refused(refusal) => Err(Problem::refused(refusal, id)),
        _ => Ok(submitted),
    }
}

pub(super) async fn delete(state: &Arc<AppState>, request: Parts, id: &str) -> Result<HttpResponse, Problem> {
    let token = authenticate(state, &request).await?;
    let WriteParams { reason, erase, .. } = WriteParams::parse(&request)?;
    let author = token.name.clone();
    let conditions = WriteConditions {
        token: Some(token.name),
        expected: if_match(state, &request),
        ..WriteConditions::default()
    };
    let id = ArticleId::new(id);
    let name = id.clone();
    let withdrawal = state
        .run_with_store(async move |state| {
            state.store.withdraw_on_terms(&name, reason, erase, &author, conditions).await
        })
        .await;
    let (number, outcome) = match withdrawal.ok_or_else(Problem::unavailable)? {
        WithdrawOutcome::Withdrawn(number) => (Some(number), "withdrawn"),
        WithdrawOutcome::ReasonChanged(number) => (Some(number), "reason changed"),
        WithdrawOutcome::Already => (None, "withdrawn before"),
        WithdrawOutcome::NeverPublished => (None, "will not be published"),
        WithdrawOutcome::Unknown => return Err(Problem::unknown_article(&id)),
        WithdrawOutcome::Stale(number) => return Err(Problem::version_mismatch(number)),
        WithdrawOutcome::Refused(rejection) => return Err(Problem::refused(&rejection, &id)),
    };
    let body = json!({ "id": id.as_str(), "number": number, "outcome": outcome });
    Ok(response::json(StatusCode::OK, body.to_string(), None, None))
}

/// A scheduled article, for tokens that may publish in its channels. For all others it does not exist.
///
/// SECURITY: the article is under embargo, and so is its existence.
pub(super) async fn scheduled(
    state: &Arc<AppState>,
    request: &Parts,
    id: &ArticleId,
) -> Result<Option<Scheduled>, Problem> {
    if !request.headers.contains_key(AUTHORIZATION) {
        return Ok(None);
    }
    let token = authenticate(state, request).await?;
    let id = id.clone();
    let scheduled = state.run_with_store(async move |state| state.store.scheduled(&id).await).await;
    let scheduled = scheduled.ok_or_else(Problem::unavailable)?;
    Ok(scheduled.filter(|scheduled| token.allows(&scheduled.entry.channels)))
}

/// The `ETag` of a version of an article.
pub(super) fn tag_of(state: &AppState, version: &ArticleVersion) -> String {
    let log = state.store.log_id();
    match version {
        ArticleVersion::Number(number) => format!("\"{log}.{number}\""),
        ArticleVersion::Scheduled(version) => format!("\"{log}.0-{version}\""),
    }
}

/// The token of the request.
async fn authenticate(state: &Arc<AppState>, request: &Parts) -> Result<Token, Problem> {
    let mut lines = request.headers.get_all(AUTHORIZATION).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return Err(Problem::unauthorized()) };
    let secret = line
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, secret)| secret.trim().to_owned())
        .ok_or_else(Problem::unauthorized)?;
    let client = request.extensions.get::<IpAddr>().copied().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    state.guess_limiter.check(rate_limit_key(client), &secret).map_err(Problem::rate_limited)?;
    let sent = secret.clone();
    // SECURITY: an unavailable store says nothing about the token: 503, never 401.
    let token = state.run_with_store(async move |state| state.store.authenticate(&sent).await).await;
    let token = token.ok_or_else(Problem::unavailable)?;
    state.guess_limiter.record(&secret, token.is_some());
    let token = token.ok_or_else(Problem::unauthorized)?;
    state.write_limiter.check(&token.name).map_err(Problem::rate_limited)?;
    Ok(token)
}

/// The `Idempotency-Key`, bound to a hash of the request.
fn idempotency_key(request: &Parts, body: &Bytes, token: &Token) -> Result<Option<IdempotencyKey>, Problem> {
    let mut lines = request.headers.get_all("idempotency-key").iter();
    let line = match (lines.next(), lines.next()) {
        (None, _) => return Ok(None),
        (Some(line), None) => line,
        (Some(_), Some(_)) => {
            return Err(Problem::bad_request(Message::new(
                "Hãy chỉ gửi một Idempotency-Key.",
                "Send one Idempotency-Key.",
            )));
        }
    };
    let key = line.to_str().ok().filter(|key| !key.is_empty() && key.len() <= MAX_KEY_BYTES);
    let key = key.ok_or_else(|| {
        Problem::bad_request(Message::new(
            "Idempotency-Key phải có từ 1 đến 255 ký tự.",
            "An Idempotency-Key must have 1 to 255 visible characters.",
        ))
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
    let request = hex(&hash.finalize());
    Ok(Some(IdempotencyKey { token: token.name.clone(), key: key.to_owned(), request }))
}

/// The versions in `If-Match` that are tags of this log. Other tags match nothing (RFC 9110 §13.1.1). None if
/// the header is missing or contains `*`.
fn if_match(state: &Arc<AppState>, request: &Parts) -> Option<Vec<ArticleVersion>> {
    let tags: Vec<_> = EntityTags::from_headers(&request.headers, IF_MATCH)?.iter().collect();
    let version = |tag: &EntityTag<'_>| {
        let EntityTag::Strong(opaque) = tag else { return None };
        match entity_tag::split_log_tag(opaque, state.store.log_id())? {
            (0, Some(version)) => Some(ArticleVersion::Scheduled(version.to_owned())),
            (number, _) => Some(ArticleVersion::Number(number)),
        }
    };
    (!tags.contains(&EntityTag::Any)).then(|| tags.iter().filter_map(version).collect())
}

/// The response to a successful write. `created` is the status if the log has grown.
fn submit_response(
    state: &AppState,
    submitted: SubmitResult,
    parsed: &ParsedWrite,
    created: StatusCode,
) -> Result<HttpResponse, Problem> {
    let SubmitResult { id, permalink, outcome, version } = submitted;
    let (status, outcome) = match outcome {
        SubmitOutcome::Published(_) => (created, "published"),
        SubmitOutcome::Corrected(_) => (created, "corrected"),
        SubmitOutcome::Moved(_) => (created, "moved"),
        SubmitOutcome::Restored(_) => (created, "restored"),
        SubmitOutcome::Scheduled(_) => (StatusCode::ACCEPTED, "waiting"),
        _ => (StatusCode::OK, "unchanged"),
    };
    let number = match version {
        Some(ArticleVersion::Number(number)) if status != StatusCode::ACCEPTED => Some(number),
        _ => None,
    };
    let published = parsed.draft()?.article.published.instant;
    let urls = &state.urls;
    let body = json!({
        "id": id.as_str(),
        "url": urls.url(&article_path(&permalink)),
        "number": number,
        "published": rfc3339(published, state.render_options.site.time_zone),
        "outcome": outcome,
        "findings": parsed.diagnostics,
    });
    let location = urls.url(&api_article_path(&id));
    let etag = version.map(|version| tag_of(state, &version));
    Ok(response::json(status, body.to_string(), Some(&location), etag.as_deref()))
}
