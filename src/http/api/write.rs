//! Publish, correct and withdraw over HTTP: `POST`, `PUT` and `DELETE` on articles.
//!
//! A write is handled in this order: authenticate, check the content type, parse, check the channels, then
//! one transaction of the store, which decides on the token's rights, on `If-Match` and on the write
//! together. A success response means that the article is stored durably.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, IF_MATCH};
use hyper::http::request::Parts;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::super::entity_tag::{self, EntityTag, EntityTags};
use super::super::response::{self, HttpResponse};
use super::super::server::RequestBody;
use super::super::state::AppState;
use super::problem::Problem;
use super::write_body::{ParsedWrite, WriteParams};
use crate::model::{ArticleId, Permalink, Slug};
use crate::parse::ParsedArticle;
use crate::render;
use crate::store::{
    ArticleLookup, ArticleVersion, IdempotencyKey, Refusal, Scheduled, Source, Submission, SubmitOutcome,
    SubmitResult, Token, WithdrawOutcome, WriteConditions,
};
use crate::time::rfc3339;
use crate::urls::{api_article_path, article_path};

/// Maximum length of an `Idempotency-Key`.
const MAX_KEY_BYTES: usize = 255;

pub(super) async fn post(
    state: &Arc<AppState>,
    request: Parts,
    body: RequestBody,
) -> Result<HttpResponse, Problem> {
    let token = authenticate(state, &request).await?;
    let parsed = ParsedWrite::parse(state, &request, body).await?;
    let idempotency = idempotency_key(&request, &parsed.body, &token)?;
    if parsed.options.dry_run {
        return Ok(parsed.dry_run_response(state.render_options.site.time_zone));
    }
    let draft = parsed.draft()?;
    let channels = parsed.channels(draft);
    if channels.is_empty() {
        return Err(Problem::unprocessable(
            "Name a channel: `?channel=SLUG`, or `channels` in the article.",
            "Hãy nêu chuyên mục: `?channel=SLUG`, hoặc `channels` trong bài.",
        ));
    }
    known_channels(state, &channels).await?;
    let conditions = WriteConditions { must_be_new: true, idempotency, ..WriteConditions::default() };
    let submitted = submit(state, draft, channels, draft.id.clone(), token, conditions).await?;
    match submitted.outcome {
        SubmitOutcome::VersionMismatch(_) => Err(Problem::already_exists(&submitted.id)),
        _ => submit_response(state, submitted, &parsed, StatusCode::CREATED).await,
    }
}

pub(super) async fn put(
    state: &Arc<AppState>,
    request: Parts,
    body: RequestBody,
    id: &str,
) -> Result<HttpResponse, Problem> {
    let token = authenticate(state, &request).await?;
    let id = ArticleId::new(id);
    // The store checks this again within the write. Here it serves dry runs, and rejects a request before its
    // body is read.
    may_edit(state, &token, &id).await?;
    let parsed = ParsedWrite::parse(state, &request, body).await?;
    let conditions = WriteConditions {
        expected: if_match(state, &request),
        must_exist: true,
        idempotency: idempotency_key(&request, &parsed.body, &token)?,
        ..WriteConditions::default()
    };
    if parsed.options.dry_run {
        return Ok(parsed.dry_run_response(state.render_options.site.time_zone));
    }
    let draft = parsed.draft()?;
    if draft.id.as_ref().is_some_and(|named| *named != id) {
        return Err(Problem::unprocessable(
            "The id in the article differs from the id in the URL.",
            "Mã trong bài khác với mã trong địa chỉ.",
        ));
    }
    let channels = parsed.channels(draft);
    known_channels(state, &channels).await?;
    let submitted = submit(state, draft, channels, Some(id), token, conditions).await?;
    match submitted.outcome {
        SubmitOutcome::VersionMismatch(number) => Err(Problem::version_mismatch(number)),
        _ => submit_response(state, submitted, &parsed, StatusCode::OK).await,
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
    scheduled_for(state, &token, id).await
}

async fn scheduled_for(
    state: &Arc<AppState>,
    token: &Token,
    id: &ArticleId,
) -> Result<Option<Scheduled>, Problem> {
    let id = id.clone();
    let scheduled = state.run_with_store(async move |state| state.store.scheduled(&id).await).await;
    let scheduled = scheduled.ok_or_else(Problem::unavailable)?;
    Ok(scheduled.filter(|scheduled| token.allows(&scheduled.entry.channels)))
}

/// The `ETag` of a scheduled article.
pub(super) fn tag_of(state: &Arc<AppState>, scheduled: &Scheduled) -> String {
    format!("\"{}.0-{}\"", state.store.log_id(), scheduled.version)
}

/// Checks that an article of this id exists and that the token may change it.
async fn may_edit(state: &Arc<AppState>, token: &Token, id: &ArticleId) -> Result<(), Problem> {
    match find_article(state, id).await? {
        ArticleLookup::Live { entry, .. } if token.allows(&entry.channels) => Ok(()),
        ArticleLookup::Live { entry, .. } => {
            Err(Problem::refused(&Refusal::NotYours(entry.channels.clone()), id))
        }
        ArticleLookup::Withdrawn(_) => Err(Problem::withdrawn(id)),
        ArticleLookup::NotFound => match scheduled_for(state, token, id).await? {
            Some(_) => Ok(()),
            None => Err(Problem::unknown_article(id)),
        },
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
    // SECURITY: an unavailable store says nothing about the token: 503, never 401.
    let token = state.run_with_store(async move |state| state.store.authenticate(&secret).await).await;
    let token = token.ok_or_else(Problem::unavailable)?.ok_or_else(Problem::unauthorized)?;
    state.write_limiter.check(&token.name).map_err(Problem::rate_limited)?;
    Ok(token)
}

/// Checks that the channels exist. The store checks whether the token covers them and whether they accept new
/// articles.
async fn known_channels(state: &Arc<AppState>, channels: &[Slug]) -> Result<(), Problem> {
    let known = state
        .run_with_store(async |state| {
            render::channels(&mut state.store.snapshot().await?, &state.render_options.channels).await
        })
        .await;
    let known = known.ok_or_else(Problem::unavailable)?;
    let Some(unknown) = channels.iter().find(|slug| !known.iter().any(|known| known.slug == **slug)) else {
        return Ok(());
    };
    let names: Vec<&str> = known.iter().map(|known| known.slug.as_str()).collect();
    let names = names.join(", ");
    Err(Problem::unprocessable(
        format!("Unknown channel `{unknown}`; known ones are: {names}."),
        format!("Không có chuyên mục `{unknown}`; hiện có: {names}."),
    ))
}

/// The `Idempotency-Key`, bound to a hash of the request.
fn idempotency_key(request: &Parts, body: &Bytes, token: &Token) -> Result<Option<IdempotencyKey>, Problem> {
    let mut lines = request.headers.get_all("idempotency-key").iter();
    let line = match (lines.next(), lines.next()) {
        (None, _) => return Ok(None),
        (Some(line), None) => line,
        (Some(_), Some(_)) => {
            return Err(Problem::bad_request(
                "Send one Idempotency-Key.",
                "Hãy chỉ gửi một Idempotency-Key.",
            ));
        }
    };
    let key = line.to_str().ok().filter(|key| !key.is_empty() && key.len() <= MAX_KEY_BYTES);
    let key = key.ok_or_else(|| {
        Problem::bad_request(
            "An Idempotency-Key must have 1 to 255 visible characters.",
            "Idempotency-Key phải có từ 1 đến 255 ký tự.",
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

async fn find_article(state: &Arc<AppState>, id: &ArticleId) -> Result<ArticleLookup, Problem> {
    let id = id.clone();
    let found = state.run_with_store(async move |state| state.store.article_by_id(&id).await).await;
    found.ok_or_else(Problem::unavailable)
}

async fn submit(
    state: &Arc<AppState>,
    draft: &ParsedArticle,
    channels: Vec<Slug>,
    id: Option<ArticleId>,
    token: Token,
    conditions: WriteConditions,
) -> Result<SubmitResult, Problem> {
    let submission = Submission {
        article: draft.article.clone(),
        channels,
        id,
        stem: Slug::from_title(&draft.article.title),
        source: Source::Command(token.name.clone()),
        conditions: WriteConditions { token: Some(token.name), ..conditions },
    };
    let submitted = state.run_with_store(async move |state| state.store.submit(submission).await).await;
    let submitted = submitted.ok_or_else(Problem::unavailable)?;
    match submitted.outcome {
        SubmitOutcome::WithdrawnByOperator => Err(Problem::withdrawn(&submitted.id)),
        SubmitOutcome::IdempotencyConflict => Err(Problem::idempotency_conflict()),
        SubmitOutcome::Refused(rejection) => Err(Problem::refused(&rejection, &submitted.id)),
        _ => Ok(submitted),
    }
}

/// The response to a successful write. `changed_status` applies if the log has grown.
async fn submit_response(
    state: &Arc<AppState>,
    submitted: SubmitResult,
    parsed: &ParsedWrite,
    changed_status: StatusCode,
) -> Result<HttpResponse, Problem> {
    let SubmitResult { id, permalink, outcome: verdict } = submitted;
    let (status, outcome, number) = match verdict {
        SubmitOutcome::Published(number) => (changed_status, "published", Some(number)),
        SubmitOutcome::Corrected(number) => (changed_status, "corrected", Some(number)),
        SubmitOutcome::Moved(number) => (changed_status, "moved", Some(number)),
        SubmitOutcome::Restored(number) => (changed_status, "restored", Some(number)),
        SubmitOutcome::Scheduled(_) => (StatusCode::ACCEPTED, "waiting", None),
        _ => (StatusCode::OK, "unchanged", current_number(state, &permalink).await?),
    };
    let urls = &state.urls;
    let published = parsed.draft()?.article.published.instant;
    let body = json!({
        "id": id.as_str(),
        "url": urls.url(&article_path(&permalink)),
        "number": number,
        "published": rfc3339(published, state.render_options.site.time_zone),
        "outcome": outcome,
        "findings": parsed.diagnostics,
    });
    let location = urls.url(&api_article_path(&id));
    let etag = match (number, status) {
        (Some(number), _) => Some(format!("\"{}.{number}\"", state.store.log_id())),
        (None, StatusCode::ACCEPTED) => {
            let name = id.clone();
            let scheduled = state.run_with_store(async move |state| state.store.scheduled(&name).await);
            scheduled.await.flatten().map(|scheduled| tag_of(state, &scheduled))
        }
        (None, _) => None,
    };
    Ok(response::json(status, body.to_string(), Some(&location), etag.as_deref()))
}

async fn current_number(state: &Arc<AppState>, permalink: &Permalink) -> Result<Option<u64>, Problem> {
    let permalink = permalink.clone();
    let found = state.run_with_store(async move |state| state.store.article(&permalink).await).await;
    Ok(match found.ok_or_else(Problem::unavailable)? {
        ArticleLookup::Live { number, .. } => Some(number),
        ArticleLookup::Withdrawn(_) | ArticleLookup::NotFound => None,
    })
}
