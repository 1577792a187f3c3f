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
use crate::store::{FileFindings, ScheduledSummary, StoredFinding, Token, WithdrawnSummary};
use crate::time::{Zone, rfc3339};
use crate::urls::{Format, api_article_path, feed_path, page_path};

/// Scheduled articles in one answer, the earliest first.
const MAX_SCHEDULED: u32 = 1000;
/// Withdrawn articles in one answer, the latest first.
const MAX_WITHDRAWN: u32 = 200;

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

/// What the holder of a token may know about the folder and the log.
pub(in crate::http) struct SiteState {
    /// By path.
    pub(in crate::http) files: Vec<FileFindings>,
    /// The earliest first.
    pub(in crate::http) scheduled: Vec<ScheduledSummary>,
    /// The latest first.
    pub(in crate::http) withdrawn: Vec<WithdrawnSummary>,
}

/// What the holder of `token` may know.
///
/// SECURITY: only of its own channels. What concerns the whole folder concerns everybody.
///
/// # Errors
/// If the store is unavailable.
pub(in crate::http) async fn load(state: &Arc<AppState>, token: &Token) -> Result<SiteState, Problem> {
    let loaded = state.run_with_store(async move |state| {
        let store = &state.store;
        let (files, scheduled) = (store.findings().await?, store.all_scheduled(MAX_SCHEDULED).await?);
        Ok(SiteState { files, scheduled, withdrawn: store.withdrawn(MAX_WITHDRAWN).await? })
    });
    let mut loaded = loaded.await.ok_or_else(Problem::overloaded)?;
    loaded.files.retain(|file| {
        file.channel.as_ref().is_none_or(|channel| token.allows(std::slice::from_ref(channel)))
    });
    loaded.scheduled.retain(|article| token.allows(&article.channels));
    loaded.withdrawn.retain(|article| token.allows(&article.channels));
    Ok(loaded)
}

/// Answers with the state of the folder.
pub(super) async fn findings(state: &Arc<AppState>, request: &Parts) -> Result<HttpResponse, Problem> {
    let token = write::authenticate(state, request).await?;
    QueryParams::parse(request.uri.query(), &[])?;
    let loaded = load(state, &token).await?;
    let zone = state.render_options.site.time_zone;
    let body = json!({
        "files": loaded.files.iter().map(|file| of_file(file, zone)).collect::<Vec<_>>(),
        "scheduled": loaded.scheduled.iter().map(|article| json!({
            "id": article.id,
            "location": state.urls.url(&api_article_path(&article.id)),
            "title": article.title,
            "published": rfc3339(article.due, zone),
            "channels": article.channels,
            "correction": article.is_correction,
        })).collect::<Vec<_>>(),
        "withdrawn": loaded.withdrawn.iter().map(|article| json!({
            "id": article.id,
            "title": article.title,
            "withdrawn": rfc3339(article.at, zone),
            "reason": article.reason,
            "channels": article.channels,
            "with_its_file": article.with_its_file,
        })).collect::<Vec<_>>(),
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
