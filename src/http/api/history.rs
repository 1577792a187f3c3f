//! The history of an article: for tokens with rights to all of its channels.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::http::request::Parts;
use serde::Serialize;

use super::super::response::{self, HttpResponse};
use super::super::state::AppState;
use super::actions;
use super::articles::line;
use super::problem::Problem;
use super::query::QueryParams;
use super::views::{self, ArticleView, ViewContext};
use super::write;
use crate::model::{ArticleId, Slug};
use crate::store::Revision;
use crate::time::{Zone, rfc3339};

/// Default and maximum number of revisions on a page.
const DEFAULT_LIMIT: u64 = 100;
const MAX_LIMIT: u64 = 1000;

/// The JSON of one page.
#[derive(Serialize)]
struct HistoryJson<'a> {
    id: &'a str,
    /// Newest first.
    revisions: Vec<RevisionView<'a>>,
    /// The `before` of the next page; null on the last.
    next: Option<u64>,
}

#[derive(Serialize)]
struct RevisionView<'a> {
    number: u64,
    kind: &'static str,
    at: String,
    /// Who did it: the name of a token, or `folder`, `import`, `command`.
    author: &'a str,
    channels: &'a [Slug],
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct RevisionJson<'a> {
    #[serde(flatten)]
    revision: RevisionView<'a>,
    /// The article as it was after the revision; null if its text was erased.
    article: Option<ArticleView<'a>>,
}

/// Answers with the revisions of an article, newest first.
pub(super) async fn list(
    state: &Arc<AppState>,
    request: &Parts,
    id: ArticleId,
) -> Result<HttpResponse, Problem> {
    let token = write::authenticate(state, request).await?;
    let parameters = QueryParams::parse(request.uri.query(), &["limit", "before"])?;
    let limit = parameters.number("limit", 1)?.unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT);
    let before = parameters.number("before", 1)?;
    let revisions = actions::revisions(state, &token, &id, before, limit).await?;
    let zone = state.render_options.site.time_zone;
    let is_full = revisions.len() as u64 == limit;
    let next = revisions.last().map(|last| last.number).filter(|last| is_full && *last > 1);
    let page = HistoryJson {
        id: id.as_str(),
        revisions: revisions.iter().map(|revision| view(revision, zone)).collect(),
        next,
    };
    json(&page)
}

/// Answers with one revision and its text.
pub(super) async fn one(
    state: &Arc<AppState>,
    request: &Parts,
    id: ArticleId,
    number: &str,
) -> Result<HttpResponse, Problem> {
    let token = write::authenticate(state, request).await?;
    QueryParams::parse(request.uri.query(), &[])?;
    let number = number.parse().map_err(|_| Problem::not_found())?;
    let text = actions::revision(state, &token, &id, number).await?;
    let context = ViewContext::new(state);
    json(&RevisionJson {
        revision: view(&text.revision, context.site.time_zone),
        article: text.entry.as_deref().map(|entry| views::article(context, entry, number)),
    })
}

fn view(revision: &Revision, zone: Zone) -> RevisionView<'_> {
    RevisionView {
        number: revision.number,
        kind: revision.kind.name(),
        at: rfc3339(revision.at, zone),
        author: &revision.author,
        channels: &revision.channels,
        reason: revision.reason.as_deref(),
    }
}

fn json(value: &impl Serialize) -> Result<HttpResponse, Problem> {
    let body = line(value).map_err(|_| Problem::unavailable())?;
    Ok(response::json(StatusCode::OK, body, None, None))
}
