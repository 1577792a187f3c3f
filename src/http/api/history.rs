//! The history of an article: for tokens with rights to all of its channels.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::http::request::Parts;

use super::super::response::{self, HttpResponse};
use super::super::state::AppState;
use super::actions;
use super::json::{Members, append_list, line};
use super::problem::Problem;
use super::query::QueryParams;
use super::views::{self, ViewContext};
use super::write;
use crate::model::ArticleId;
use crate::store::{Revision, StoreError};
use crate::time::{Zone, rfc3339};

/// Default and maximum number of revisions on a page.
const DEFAULT_LIMIT: u64 = 100;
const MAX_LIMIT: u64 = 1000;

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
    respond(|json| {
        let mut members = Members::new(json);
        members.text("id", id.as_str());
        append_list(members.member("revisions"), &revisions, |json, revision| {
            let mut members = Members::new(json);
            append_revision(&mut members, revision, zone)?;
            members.end();
            Ok(())
        })?;
        // The `before` of the next page; null on the last.
        members.value("next", &next)?;
        members.end();
        Ok(())
    })
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
    respond(|json| {
        let mut members = Members::new(json);
        append_revision(&mut members, &text.revision, context.site.time_zone)?;
        // As it was after the revision; null if its text was erased.
        match text.entry.as_deref() {
            Some(entry) => views::append_article(members.member("article"), context, entry, number)?,
            None => members.optional_text("article", None),
        }
        members.end();
        Ok(())
    })
}

fn append_revision(members: &mut Members<'_>, revision: &Revision, zone: Zone) -> Result<(), StoreError> {
    members.value("number", &revision.number)?;
    members.text("kind", revision.kind.name());
    members.text("at", &rfc3339(revision.at, zone));
    // Who did it: the name of a token, or `folder`, `import`, `command`.
    members.text("author", &revision.author);
    members.value("channels", &revision.channels)?;
    members.optional_text("reason", revision.reason.as_deref());
    Ok(())
}

fn respond(append: impl FnOnce(&mut Vec<u8>) -> Result<(), StoreError>) -> Result<HttpResponse, Problem> {
    let body = line(append).map_err(|_| Problem::unavailable())?;
    Ok(response::json(StatusCode::OK, body, None, None))
}
