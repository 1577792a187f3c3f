//! Publish, correct, withdraw, restore and bring back over HTTP: `POST`, `PUT` and `DELETE` on articles.
//!
//! A write is handled in this order: authenticate, check the headers, parse the body, then one transaction of the
//! store, which decides on the token's rights, on the channels, on `If-Match` and on the write together. A
//! success response means that the article is stored durably.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, IF_MATCH};
use hyper::http::request::Parts;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::super::entity_tag::{self, EntityTag, EntityTags};
use super::super::response::{self, HttpResponse};
use super::super::server::RequestBody;
use super::super::state::AppState;
use super::actions;
use super::problem::Problem;
use super::query::QueryParams;
use super::write_body::{ParsedWrite, WriteParams};
use crate::message::Message;
use crate::model::ArticleId;
use crate::store::{
    ArticleVersion, IdempotencyKey, RestoreOutcome, Scheduled, SubmitOutcome, SubmitResult, Token,
    WithdrawOutcome, WriteConditions,
};
use crate::text::hex;
use crate::time::{Timestamp, rfc3339};
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
    let token = authenticate_write(state, &request).await?;
    let current = match &id {
        Some(id) => actions::current_date(state, &token, id).await?,
        None => None,
    };
    let kept_date = current.as_ref().map(|(date, _)| *date);
    let parsed = ParsedWrite::parse(state, &request, body, kept_date).await?;
    let mut expected = id.as_ref().and_then(|_| if_match(state, &request));
    if let Some((_, version)) = current.filter(|_| parsed.keeps_date) {
        // The date is kept of this version only.
        let is_named = expected.is_none_or(|versions| versions.contains(&version));
        expected = Some(if is_named { vec![version] } else { Vec::new() });
    }
    let idempotency = idempotency_key(&request, &parsed.fingerprint, &token)?;
    let dry_run = parsed.options.dry_run;
    let conditions = WriteConditions {
        may_choose_id: false,
        expected,
        must_be_new: id.is_none(),
        must_exist: id.is_some(),
        known_channels: true,
        dry_run,
        idempotency: idempotency.filter(|_| !dry_run),
        token: Some(token.name),
        reason: parsed.options.reason.clone().filter(|_| id.is_some()),
        kept_images: parsed.options.kept_images.clone(),
    };
    let created = if id.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    if !dry_run {
        actions::store_images(state, &parsed.images).await?;
    }
    match parsed.draft().map(|draft| draft.to_owned()) {
        Ok(draft) => {
            let draft =
                actions::Draft { channels: parsed.channels(&draft), article: draft.article, id: draft.id };
            submitted(state, &parsed, actions::submit(state, draft, id, conditions).await, created)
        }
        Err(problem) if dry_run => Ok(parsed.dry_run_response(state, Some(&problem))),
        Err(problem) => Err(problem.with("findings", parsed.diagnostics)),
    }
}

/// The response to a write, or to a dry run.
fn submitted(
    state: &AppState,
    parsed: &ParsedWrite,
    result: Result<SubmitResult, Problem>,
    created: StatusCode,
) -> Result<HttpResponse, Problem> {
    let dry_run = parsed.options.dry_run;
    match result {
        Ok(_) if dry_run => Ok(parsed.dry_run_response(state, None)),
        Ok(submitted) => {
            let published = parsed.draft()?.article.published.instant;
            Ok(submit_response(state, submitted, published, &parsed.diagnostics, created))
        }
        Err(problem) if dry_run && problem.is_about_the_article() => {
            Ok(parsed.dry_run_response(state, Some(&problem)))
        }
        Err(problem) => Err(problem.with("findings", parsed.diagnostics.clone())),
    }
}

/// Withdraws an article.
pub(super) async fn delete(state: &Arc<AppState>, request: Parts, id: &str) -> Result<HttpResponse, Problem> {
    let token = authenticate_write(state, &request).await?;
    let WriteParams { reason, erase, .. } = WriteParams::parse(&request)?;
    let id = ArticleId::new(id);
    let expected = if_match(state, &request);
    let (number, outcome) = match actions::withdraw(state, token, &id, reason, erase, expected).await? {
        WithdrawOutcome::Withdrawn(number) => (Some(number), "withdrawn"),
        WithdrawOutcome::ReasonChanged(number) => (Some(number), "reason changed"),
        WithdrawOutcome::NeverPublished => (None, "will not be published"),
        _ => (None, "withdrawn before"),
    };
    let body = json!({ "id": id.as_str(), "number": number, "outcome": outcome });
    Ok(response::json(StatusCode::OK, body.to_string(), None, None))
}

/// Restores a withdrawn article.
pub(super) async fn restore(
    state: &Arc<AppState>,
    request: Parts,
    id: &str,
) -> Result<HttpResponse, Problem> {
    let token = authenticate_write(state, &request).await?;
    QueryParams::parse(request.uri.query(), &[])?;
    let id = ArticleId::new(id);
    let expected = if_match(state, &request);
    let (number, outcome) = match actions::restore(state, token, &id, expected).await? {
        RestoreOutcome::Restored(number) => (Some(number), "restored"),
        RestoreOutcome::Waiting => (None, "waiting"),
        _ => (None, "not withdrawn"),
    };
    let etag = number.map(|number| tag_of(state, &ArticleVersion::Number(number)));
    let body = json!({ "id": id.as_str(), "number": number, "outcome": outcome });
    let location = state.urls.url(&api_article_path(&id));
    Ok(response::json(StatusCode::OK, body.to_string(), Some(&location), etag.as_deref()))
}

/// Publishes the text of an earlier revision as a correction.
pub(super) async fn bring_back(
    state: &Arc<AppState>,
    request: Parts,
    id: &str,
    number: &str,
) -> Result<HttpResponse, Problem> {
    let token = authenticate_write(state, &request).await?;
    let parameters = QueryParams::parse(request.uri.query(), &["reason"])?;
    let reason = parameters.text("reason").map(str::trim).filter(|reason| !reason.is_empty());
    let number = number.parse().map_err(|_| Problem::not_found())?;
    let conditions = WriteConditions {
        expected: if_match(state, &request),
        reason: reason.map(str::to_owned),
        idempotency: idempotency_key(&request, "", &token)?,
        ..WriteConditions::default()
    };
    let id = ArticleId::new(id);
    let (submitted, article) = actions::bring_back(state, &token, &id, number, conditions).await?;
    Ok(submit_response(state, submitted, article.published.instant, &[], StatusCode::OK))
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

/// The token of a request that writes.
pub(super) async fn authenticate_write(state: &Arc<AppState>, request: &Parts) -> Result<Token, Problem> {
    let token = authenticate(state, request).await?;
    state.write_limiter.check(&token.name).map_err(Problem::rate_limited)?;
    Ok(token)
}

/// The token of a request.
pub(super) async fn authenticate(state: &Arc<AppState>, request: &Parts) -> Result<Token, Problem> {
    let mut lines = request.headers.get_all(AUTHORIZATION).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return Err(Problem::unauthorized()) };
    let secret = line
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, secret)| secret.trim().to_owned())
        .ok_or_else(Problem::unauthorized)?;
    actions::authenticate(state, request, &secret).await
}

/// The `Idempotency-Key`, bound to a hash of the request.
fn idempotency_key(request: &Parts, body: &str, token: &Token) -> Result<Option<IdempotencyKey>, Problem> {
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
    for line in request.headers.get_all(IF_MATCH) {
        hash.update(line.as_bytes());
        hash.update([0]);
    }
    hash.update(body);
    let request = hex(&hash.finalize());
    Ok(Some(IdempotencyKey { token: token.name.clone(), key: key.to_owned(), request }))
}

/// The versions in `If-Match` that are tags of this log. Other tags match nothing (RFC 9110 §13.1.1). None if
/// the header is missing or contains `*`.
pub(super) fn if_match(state: &Arc<AppState>, request: &Parts) -> Option<Vec<ArticleVersion>> {
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
    published: Timestamp,
    findings: &[Value],
    created: StatusCode,
) -> HttpResponse {
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
    let urls = &state.urls;
    let body = json!({
        "id": id.as_str(),
        "url": urls.url(&article_path(&permalink)),
        "number": number,
        "published": rfc3339(published, state.render_options.site.time_zone),
        "outcome": outcome,
        "findings": findings,
    });
    let location = urls.url(&api_article_path(&id));
    let etag = version.map(|version| tag_of(state, &version));
    response::json(status, body.to_string(), Some(&location), etag.as_deref())
}
