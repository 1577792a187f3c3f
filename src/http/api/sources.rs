//! The sources whose articles are collected: how they are, and what an operator decides. The API and the editing pages do the
//! same through these functions.
//!
//! SECURITY: a token sees and decides on a source only if it covers all channels that the source publishes in. The URL of a
//! source, its errors and its doubtful items are nobody else's business.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::http::request::Parts;
use serde_json::{Value, json};
use tracing::info;

use super::super::response::{self, HttpResponse};
use super::super::state::AppState;
use super::problem::Problem;
use super::query::QueryParams;
use super::site_state::Part;
use super::write;
use crate::message::Message;
use crate::parse::{Repairs, read_feed_date};
use crate::pull::{self, Decision, DoubtfulItem, OperatorError, SourceHealth, SourceOptions, WaitingItem};
use crate::store::{ProbableDuplicate, SubmitOutcome, Token};

/// Concerns of one kind in one answer.
const MAX_CONCERNS: u32 = 100;
/// Items in one answer.
const MAX_LISTED: usize = 1000;
/// An article whose images take longer is published after the answer.
const MAX_WAIT: Duration = Duration::from_secs(20);

/// What became of an item that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Accepted {
    Published,
    Corrected,
    Scheduled,
    /// An operator withdrew its article, and only an operator restores it.
    StaysWithdrawn,
    Unchanged,
    /// Its images are still being fetched.
    UnderWay,
}

impl Accepted {
    fn of(outcome: Option<SubmitOutcome>) -> Self {
        match outcome {
            Some(SubmitOutcome::Published(_)) => Self::Published,
            Some(SubmitOutcome::Corrected(_) | SubmitOutcome::Moved(_) | SubmitOutcome::Restored(_)) => {
                Self::Corrected
            }
            Some(SubmitOutcome::Scheduled(_)) => Self::Scheduled,
            Some(SubmitOutcome::WithdrawnByOperator) => Self::StaysWithdrawn,
            _ => Self::Unchanged,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Corrected => "corrected",
            Self::Scheduled => "waiting",
            Self::StaysWithdrawn => "stays withdrawn",
            Self::Unchanged => "unchanged",
            Self::UnderWay => "under way",
        }
    }
}

/// How the sources of a token are, in the order of the configuration.
///
/// # Errors
/// If the store is unavailable.
pub(in crate::http) async fn all(state: &Arc<AppState>, token: &Token) -> Result<Vec<SourceHealth>, Problem> {
    let token = token.clone();
    let loaded = state.run_with_store(async move |state| {
        let mut options = state.collector.options().clone();
        options.sources.retain(|source| token.allows(&source.all_channels()));
        pull::health(&state.store, &options).await
    });
    loaded.await.ok_or_else(Problem::overloaded)
}

/// How a source is.
///
/// # Errors
/// If there is none of this name, the token has no rights to it, or the store is unavailable.
pub(in crate::http) async fn one(
    state: &Arc<AppState>,
    token: &Token,
    name: &str,
) -> Result<SourceHealth, Problem> {
    let source = source_of(state, token, name)?;
    let loaded = state.run_with_store(async move |state| pull::health_of(&state.store, &source).await).await;
    loaded.ok_or_else(Problem::overloaded)
}

/// What somebody should look at besides the doubtful items.
pub(in crate::http) struct Concerns {
    /// The items that change again and again.
    pub(in crate::http) waiting: Vec<WaitingItem>,
    /// Articles that another source has probably published, too.
    pub(in crate::http) duplicates: Vec<ProbableDuplicate>,
}

/// What somebody should look at in a source besides its doubtful items.
///
/// # Errors
/// If there is no such source, the token has no rights to it, or the store is unavailable.
pub(in crate::http) async fn concerns(
    state: &Arc<AppState>,
    token: &Token,
    name: &str,
) -> Result<Concerns, Problem> {
    let source = source_of(state, token, name)?;
    let loaded = state.run_with_store(async move |state| {
        let mut waiting = pull::waiting_of(&state.store, &source.name).await?;
        waiting.truncate(MAX_CONCERNS as usize);
        let duplicates = state.store.probable_duplicates(&source.name, MAX_CONCERNS).await?;
        Ok(Concerns { waiting, duplicates })
    });
    loaded.await.ok_or_else(Problem::overloaded)
}

/// The items of a source that are held back, by key.
///
/// # Errors
/// If there is no such source, the token has no rights to it, or the store is unavailable.
pub(in crate::http) async fn doubtful(
    state: &Arc<AppState>,
    token: &Token,
    name: &str,
    skip: usize,
    limit: usize,
) -> Result<Part<DoubtfulItem>, Problem> {
    let source = source_of(state, token, name)?;
    let loaded = state.run_with_store(async move |state| {
        pull::doubtful_of(&state.store, &source.name, skip, limit + 1).await
    });
    Ok(Part::new(loaded.await.ok_or_else(Problem::overloaded)?, skip, limit))
}

/// Pauses a source or lets it continue.
///
/// # Errors
/// If there is no such source, the token has no rights to it, or the store is unavailable.
pub(in crate::http) async fn set_paused(
    state: &Arc<AppState>,
    token: &Token,
    name: &str,
    is_paused: bool,
) -> Result<(), Problem> {
    let source = source_of(state, token, name)?;
    let changed = state
        .run_with_store(async move |state| pull::set_paused(&state.store, &source, is_paused).await)
        .await;
    changed.ok_or_else(Problem::unavailable)?;
    info!(source = %name, token = %token.name, is_paused, "a source was paused or resumed");
    Ok(())
}

/// Publishes an item that is held back, with the date that is given as text, or its own.
///
/// # Errors
/// If it cannot be published; it stays held back then. If there is no such source or item, the token has no rights to it, or
/// the store is unavailable.
pub(in crate::http) async fn accept(
    state: &Arc<AppState>,
    token: &Token,
    name: &str,
    key: &str,
    published: Option<&str>,
) -> Result<Accepted, Problem> {
    let source = source_of(state, token, name)?;
    let zone = state.render_options.site.time_zone;
    let date = published.map(|text| {
        read_feed_date(text, zone, &mut Repairs::new())
            .map_err(|doubt| Problem::field("published", &doubt.message()))
    });
    let decision = Decision::Accept(date.transpose()?.map(|date| date.published));
    let deciding = carried_out(state, source, key, decision);
    let decided = tokio::time::timeout(MAX_WAIT, deciding).await;
    let accepted = match decided {
        Ok(outcome) => Accepted::of(outcome?),
        Err(_) => Accepted::UnderWay,
    };
    info!(source = %name, item = %key, token = %token.name, outcome = accepted.word(), "an item was accepted");
    Ok(accepted)
}

/// An item that is held back is never published.
///
/// # Errors
/// If there is no such source or item, the token has no rights to it, or the store is unavailable.
pub(in crate::http) async fn drop_item(
    state: &Arc<AppState>,
    token: &Token,
    name: &str,
    key: &str,
) -> Result<(), Problem> {
    let source = source_of(state, token, name)?;
    carried_out(state, source, key, Decision::Drop).await?;
    info!(source = %name, item = %key, token = %token.name, "an item was dropped");
    Ok(())
}

/// Carries out a decision in a task of its own: a client that does not wait for the images of an article does not keep it
/// from being published.
async fn carried_out(
    state: &Arc<AppState>,
    source: SourceOptions,
    key: &str,
    decision: Decision,
) -> Result<Option<SubmitOutcome>, Problem> {
    let (of_task, key) = (Arc::clone(state), key.to_owned());
    let deciding = async move { pull::decide(&of_task.collector, &source, &key, decision).await };
    let decided = state.runtime.spawn(deciding).await;
    decided.map_err(|_| Problem::unavailable())?.map_err(|cause| problem_of(&cause))
}

fn source_of(state: &AppState, token: &Token, name: &str) -> Result<SourceOptions, Problem> {
    let sources = &state.collector.options().sources;
    let source = sources.iter().find(|source| source.name == name).ok_or_else(|| unknown_source(name))?;
    match token.allows(&source.all_channels()) {
        true => Ok(source.clone()),
        false => Err(Problem::not_your_source()),
    }
}

fn unknown_source(name: &str) -> Problem {
    Problem::unknown_source(Message::new(
        format!("Không có nguồn {name} trong cấu hình."),
        format!("There is no source {name} in the configuration."),
    ))
}

fn problem_of(cause: &OperatorError) -> Problem {
    match cause {
        OperatorError::UnknownItem(key) => Problem::unknown_item(key),
        OperatorError::NoDate => Problem::field(
            "published",
            &Message::new(
                "không đọc được ngày của mục này; hãy nêu ngày, ví dụ 17:39 12/05/2023",
                "the date of the item cannot be read; name it, for example 12/05/2023 17:39",
            ),
        ),
        OperatorError::Refused(reason) => Problem::unprocessable(reason.clone()),
        OperatorError::Damaged => Problem::unprocessable(Message::new(
            "Mục đã lưu bị hỏng; hãy chờ lần đọc nguồn sau.",
            "The stored item is damaged; wait until the source is polled again.",
        )),
        OperatorError::Store(_) => Problem::unavailable(),
    }
}

/// Answers with all sources.
pub(super) async fn list(state: &Arc<AppState>, request: &Parts) -> Result<HttpResponse, Problem> {
    let token = write::authenticate(state, request).await?;
    QueryParams::parse(request.uri.query(), &[])?;
    let all = all(state, &token).await?;
    let sources: Vec<Value> = all.iter().map(|health| health_json(state, health)).collect();
    Ok(response::json(StatusCode::OK, json!({ "sources": sources }).to_string(), None, None))
}

/// Answers with one source and what somebody should look at.
pub(super) async fn detail(
    state: &Arc<AppState>,
    request: &Parts,
    name: &str,
) -> Result<HttpResponse, Problem> {
    let token = write::authenticate(state, request).await?;
    QueryParams::parse(request.uri.query(), &[])?;
    let mut body = health_json(state, &one(state, &token, name).await?);
    let Concerns { waiting, duplicates } = concerns(state, &token, name).await?;
    let zone = state.render_options.site.time_zone;
    body["waiting_items"] = waiting.iter().map(|item| item.to_json(name, zone)).collect();
    body["duplicates"] = duplicates.iter().map(pull::duplicate_json).collect();
    Ok(response::json(StatusCode::OK, body.to_string(), None, None))
}

/// Answers with the items of a source that are held back.
pub(super) async fn items(
    state: &Arc<AppState>,
    request: &Parts,
    name: &str,
) -> Result<HttpResponse, Problem> {
    let token = write::authenticate(state, request).await?;
    let parameters = QueryParams::parse(request.uri.query(), &["skip", "limit"])?;
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let limit = parameters.number("limit", 1)?.map_or(MAX_LISTED, number).min(MAX_LISTED);
    let skip = parameters.number("skip", 0)?.map_or(0, number);
    let part = doubtful(state, &token, name, skip, limit).await?;
    let items: Vec<Value> = part.rows.iter().map(DoubtfulItem::to_json).collect();
    let next = part.has_more.then(|| skip.saturating_add(limit));
    Ok(response::json(StatusCode::OK, json!({ "items": items, "next": next }).to_string(), None, None))
}

/// Pauses or resumes a source, and answers with how it is.
pub(super) async fn pause(
    state: &Arc<AppState>,
    request: &Parts,
    name: &str,
    is_paused: bool,
) -> Result<HttpResponse, Problem> {
    let token = write::authenticate_write(state, request).await?;
    QueryParams::parse(request.uri.query(), &[])?;
    set_paused(state, &token, name, is_paused).await?;
    let health = one(state, &token, name).await?;
    Ok(response::json(StatusCode::OK, health_json(state, &health).to_string(), None, None))
}

/// Accepts or drops an item, and answers with what became of it.
pub(super) async fn decide(
    state: &Arc<AppState>,
    request: &Parts,
    name: &str,
    key: &str,
    accepts: bool,
) -> Result<HttpResponse, Problem> {
    let token = write::authenticate_write(state, request).await?;
    let known: &[&str] = if accepts { &["published"] } else { &[] };
    let parameters = QueryParams::parse(request.uri.query(), known)?;
    let (status, outcome) = match accepts {
        true => match accept(state, &token, name, key, parameters.text("published")).await? {
            accepted @ (Accepted::UnderWay | Accepted::Scheduled) => (StatusCode::ACCEPTED, accepted.word()),
            accepted => (StatusCode::OK, accepted.word()),
        },
        false => {
            drop_item(state, &token, name, key).await?;
            (StatusCode::OK, "dropped")
        }
    };
    let body = json!({ "source": name, "key": key, "outcome": outcome });
    Ok(response::json(status, body.to_string(), None, None))
}

fn health_json(state: &AppState, health: &SourceHealth) -> Value {
    health.to_json(state.render_options.site.time_zone, state.clock.now())
}
