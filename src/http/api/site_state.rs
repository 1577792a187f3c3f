//! The channels, and the state of the articles folder: what is refused, doubtful, scheduled or withdrawn.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::http::request::Parts;
use serde_json::{Value, json};

use super::super::response::{self, HttpResponse};
use super::super::state::AppState;
use super::problem::Problem;
use super::query::QueryParams;
use super::write;
use crate::model::{Channel, ChannelStatus};
use crate::push::{self, TargetStatus};
use crate::store::{FileFindings, ScheduledSummary, Selection, StoredFinding, Token, WithdrawnSummary};
use crate::time::{Zone, rfc3339};
use crate::urls::{Format, api_article_path, feed_path, page_path};

/// Scheduled and withdrawn articles in one answer, each.
const MAX_LISTED: usize = 1000;

/// Answers with all channels, in the order of the menu.
pub(super) fn channels(state: &AppState, request: &Parts) -> Result<HttpResponse, Problem> {
    QueryParams::parse(request.uri.query(), &[])?;
    let channels = state.channels().ok_or_else(Problem::overloaded)?;
    let views: Vec<Value> =
        channels.iter().filter(|channel| !channel.is_gone()).map(|channel| view(state, channel)).collect();
    Ok(response::json(StatusCode::OK, json!({ "channels": views }).to_string(), None, None))
}

fn view(state: &AppState, channel: &Channel) -> Value {
    let scope = Some(&channel.slug);
    let since = match channel.status {
        ChannelStatus::Closed { since } => since.map(|day| day.format("%Y-%m-%d").to_string()),
        _ => None,
    };
    json!({
        "slug": channel.slug,
        "title": channel.title,
        "description": channel.description,
        "url": state.urls.url(&page_path(scope)),
        "rss": state.urls.url(&feed_path(scope, Format::Rss)),
        "atom": state.urls.url(&feed_path(scope, Format::Atom)),
        "json": state.urls.url(&feed_path(scope, Format::Json)),
        "open": channel.is_open(),
        "closed_since": since,
        "members": channel.includes,
    })
}

/// A part of a list, in the rights of a token.
pub(in crate::http) struct Part<T> {
    pub(in crate::http) rows: Vec<T>,
    /// How many rows come before it.
    pub(in crate::http) skip: usize,
    /// More rows follow.
    pub(in crate::http) has_more: bool,
}

impl<T> Part<T> {
    /// `rows`: one more than `limit` if more follow.
    pub(super) fn new(mut rows: Vec<T>, skip: usize, limit: usize) -> Self {
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        Self { rows, skip, has_more }
    }
}

/// What the scans found in files, by path.
///
/// SECURITY: only in the channels of the token. What concerns the whole folder concerns everybody.
///
/// # Errors
/// If the store is unavailable.
pub(in crate::http) async fn files(
    state: &Arc<AppState>,
    token: &Token,
) -> Result<Vec<FileFindings>, Problem> {
    let loaded = state.run_with_store(async move |state| state.store.findings().await).await;
    let mut files = loaded.ok_or_else(Problem::overloaded)?;
    files.retain(|file| {
        file.channel.as_ref().is_none_or(|channel| token.allows(std::slice::from_ref(channel)))
    });
    Ok(files)
}

/// What is scheduled in the channels of the token, the earliest first.
///
/// # Errors
/// If the store is unavailable.
pub(in crate::http) async fn scheduled(
    state: &Arc<AppState>,
    token: &Token,
    skip: usize,
    limit: usize,
) -> Result<Part<ScheduledSummary>, Problem> {
    let channels = token.channels.clone();
    let loaded = state.run_with_store(async move |state| {
        let selection = Selection { within: channels.as_deref(), skip, limit: limit + 1 };
        state.store.all_scheduled(selection).await
    });
    Ok(Part::new(loaded.await.ok_or_else(Problem::overloaded)?, skip, limit))
}

/// What was withdrawn in the channels of the token, the latest first.
///
/// # Errors
/// If the store is unavailable.
pub(in crate::http) async fn withdrawn(
    state: &Arc<AppState>,
    token: &Token,
    skip: usize,
    limit: usize,
) -> Result<Part<WithdrawnSummary>, Problem> {
    let channels = token.channels.clone();
    let loaded = state.run_with_store(async move |state| {
        let selection = Selection { within: channels.as_deref(), skip, limit: limit + 1 };
        state.store.withdrawn(selection).await
    });
    Ok(Part::new(loaded.await.ok_or_else(Problem::overloaded)?, skip, limit))
}

/// Answers with the state of the folder.
pub(super) async fn findings(state: &Arc<AppState>, request: &Parts) -> Result<HttpResponse, Problem> {
    let token = write::authenticate(state, request).await?;
    let parameters = QueryParams::parse(request.uri.query(), &["skip", "limit"])?;
    let limit = parameters.number("limit", 1)?.map_or(MAX_LISTED, to_usize).min(MAX_LISTED);
    let skip = parameters.number("skip", 0)?.map_or(0, to_usize);
    let files = files(state, &token).await?;
    let scheduled = scheduled(state, &token, skip, limit).await?;
    let withdrawn = withdrawn(state, &token, skip, limit).await?;
    let next = (scheduled.has_more || withdrawn.has_more).then(|| skip.saturating_add(limit));
    let zone = state.render_options.site.time_zone;
    let body = json!({
        "files": files.iter().map(|file| of_file(file, zone)).collect::<Vec<_>>(),
        "scheduled": scheduled.rows.iter().map(|article| json!({
            "id": article.id,
            "location": state.urls.url(&api_article_path(&article.id)),
            "title": article.title,
            "published": rfc3339(article.due, zone),
            "channels": article.channels,
            "correction": article.is_correction,
        })).collect::<Vec<_>>(),
        "withdrawn": withdrawn.rows.iter().map(|article| json!({
            "id": article.id,
            "title": article.title,
            "withdrawn": rfc3339(article.at, zone),
            "reason": article.reason,
            "channels": article.channels,
            "with_its_file": article.with_its_file,
        })).collect::<Vec<_>>(),
        "next": next,
    });
    Ok(response::json(StatusCode::OK, body.to_string(), None, None))
}

/// Who is told of changes.
///
/// SECURITY: a token for some channels sees the subscribers of their feeds only.
///
/// # Errors
/// If the store is unavailable.
pub(in crate::http) async fn targets(
    state: &Arc<AppState>,
    token: &Token,
) -> Result<Vec<TargetStatus>, Problem> {
    let loaded = state.run_with_store(async move |state| push::statuses(&state.store).await);
    let mut targets = loaded.await.ok_or_else(Problem::overloaded)?;
    targets.retain(|target| match target.scope(&state.urls) {
        Some(Some(channel)) => token.allows(&[channel]),
        Some(None) | None => token.channels.is_none(),
    });
    Ok(targets)
}

/// Answers with who is told of changes.
pub(super) async fn subscribers(state: &Arc<AppState>, request: &Parts) -> Result<HttpResponse, Problem> {
    let token = write::authenticate(state, request).await?;
    QueryParams::parse(request.uri.query(), &[])?;
    let zone = state.render_options.site.time_zone;
    let targets = targets(state, &token).await?;
    let views: Vec<Value> = targets.iter().map(|target| target.as_json(&state.urls, zone)).collect();
    Ok(response::json(StatusCode::OK, json!({ "subscribers": views }).to_string(), None, None))
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn of_file(file: &FileFindings, zone: Zone) -> Value {
    json!({
        "path": file.path,
        "channel": file.channel,
        "state": if file.severity() == 2 { "refused" } else { "taken" },
        "at": rfc3339(file.at, zone),
        "findings": file.found.iter().map(of_finding).collect::<Vec<_>>(),
    })
}

fn of_finding(finding: &StoredFinding) -> Value {
    json!({
        "line": finding.line,
        "severity": finding.severity_name(),
        "message": finding.english,
        "message_vi": finding.vietnamese,
    })
}
