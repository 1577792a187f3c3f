//! What the holder of a token can do to articles. The API and the editing pages do the same through these functions.
//!
//! Each is decided in one transaction of the store: the rights of the token, the channels, the version of the article.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use hyper::http::request::Parts;

use super::super::client_ip::rate_limit_key;
use super::super::state::AppState;
use super::problem::Problem;
use crate::ingest::{self, CopiesAtOnce};
use crate::message::Message;
use crate::model::{Article, ArticleId, Image, Slug};
use crate::store::{
    ArticleLookup, ArticleVersion, KeptImages, RestoreOutcome, Revision, RevisionText, Source, Submission,
    SubmitOutcome, SubmitResult, Token, WithdrawOutcome, WriteConditions,
};
use crate::time::PublishedAt;

/// An article to submit.
pub(in crate::http) struct Draft {
    pub(in crate::http) article: Article,
    /// The id that the author set.
    pub(in crate::http) id: Option<ArticleId>,
    /// None named: a correction changes none.
    pub(in crate::http) channels: Vec<Slug>,
}

/// The token with this secret. Wrong guesses are limited per client.
///
/// # Errors
/// If there is none, the client guesses too often, or the store is unavailable.
pub(in crate::http) async fn authenticate(
    state: &Arc<AppState>,
    request: &Parts,
    secret: &str,
) -> Result<Token, Problem> {
    let client = request.extensions.get::<IpAddr>().copied().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    state.guess_limiter.check(rate_limit_key(client), secret).map_err(Problem::rate_limited)?;
    let sent = secret.to_owned();
    // SECURITY: an unavailable store says nothing about the token: 503, never 401.
    let token = state.run_with_store(async move |state| state.store.authenticate(&sent).await).await;
    let token = token.ok_or_else(Problem::unavailable)?;
    state.guess_limiter.record(secret, token.is_some());
    token.ok_or_else(Problem::unauthorized)
}

/// Stores images, so that an article may show them.
///
/// # Errors
/// If the store is unavailable.
pub(in crate::http) async fn store_images(
    state: &Arc<AppState>,
    images: &[(Image, Vec<u8>)],
) -> Result<(), Problem> {
    if images.is_empty() {
        return Ok(());
    }
    let images = images.to_vec();
    let storing = async move |state: Arc<AppState>| {
        ingest::put_images(&state.store, images, &mut CopiesAtOnce::default()).await
    };
    let stored = state.run_with_store(storing).await;
    stored.ok_or_else(Problem::unavailable)
}

/// The publication date of an article, or the one that it is scheduled for, with the version that has it. None if there is
/// no such article, it is withdrawn, or it is scheduled and the token has no rights to it.
///
/// # Errors
/// If the store is unavailable.
pub(in crate::http) async fn current_date(
    state: &Arc<AppState>,
    token: &Token,
    id: &ArticleId,
) -> Result<Option<(PublishedAt, ArticleVersion)>, Problem> {
    let name = id.clone();
    let found = state
        .run_with_store(async move |state| {
            Ok((state.store.article_by_id(&name).await?, state.store.scheduled(&name).await?))
        })
        .await;
    Ok(match found.ok_or_else(Problem::unavailable)? {
        (ArticleLookup::Live { entry, number, .. }, _) => {
            Some((entry.article.published, ArticleVersion::Number(number)))
        }
        (ArticleLookup::NotFound, Some(scheduled)) if token.allows(&scheduled.entry.channels) => {
            Some((scheduled.entry.article.published, ArticleVersion::Scheduled(scheduled.version)))
        }
        _ => None,
    })
}

/// Publishes an article, or corrects the article `id`.
///
/// # Errors
/// If it was refused. Nothing was changed then.
pub(in crate::http) async fn submit(
    state: &Arc<AppState>,
    draft: Draft,
    id: Option<ArticleId>,
    conditions: WriteConditions,
) -> Result<SubmitResult, Problem> {
    let Draft { article, id: named, channels } = draft;
    if id.is_some() && named.is_some() && id != named {
        return Err(Problem::unprocessable(Message::new(
            "Mã trong bài khác với mã trong địa chỉ.",
            "The id in the article differs from the id in the URL.",
        )));
    }
    if channels.is_empty() && conditions.must_be_new && !conditions.dry_run {
        return Err(Problem::no_channel());
    }
    let must_be_new = conditions.must_be_new;
    let submission = Submission {
        channels,
        id: id.or(named),
        stem: Slug::from_title(&article.title),
        article,
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

/// The revisions of an article before the number `before`, newest first.
///
/// # Errors
/// If the article does not exist or the token has no rights to it.
pub(in crate::http) async fn revisions(
    state: &Arc<AppState>,
    token: &Token,
    id: &ArticleId,
    before: Option<u64>,
    limit: u64,
) -> Result<Vec<Revision>, Problem> {
    let (name, limit) = (id.clone(), u32::try_from(limit).unwrap_or(u32::MAX));
    let history =
        state.run_with_store(async move |state| state.store.history(&name, before, limit).await).await;
    let history = history.ok_or_else(Problem::overloaded)?.ok_or_else(|| Problem::unknown_article(id))?;
    match token.allows(&history.channels) {
        // SECURITY: an article that was never published is unknown to a token without rights to it.
        _ if history.revisions.is_empty() && before.is_none() => Err(Problem::unknown_article(id)),
        true => Ok(history.revisions),
        false => Err(Problem::not_your_channel()),
    }
}

/// One revision of an article, with its text.
///
/// # Errors
/// If it does not exist or the token has no rights to the article.
pub(in crate::http) async fn revision(
    state: &Arc<AppState>,
    token: &Token,
    id: &ArticleId,
    number: u64,
) -> Result<RevisionText, Problem> {
    let name = id.clone();
    let found = state.run_with_store(async move |state| state.store.revision(&name, number).await).await;
    let found = found.ok_or_else(Problem::overloaded)?.ok_or_else(|| Problem::unknown_revision(number))?;
    if !token.allows(&found.channels) {
        return Err(Problem::not_your_channel());
    }
    Ok(found)
}

/// Publishes the text of an earlier revision, unchanged, as a correction. Returns the text as well.
///
/// # Errors
/// If there is no such revision, its text was erased, or the correction was refused. Nothing was changed then.
pub(in crate::http) async fn bring_back(
    state: &Arc<AppState>,
    token: &Token,
    id: &ArticleId,
    number: u64,
    conditions: WriteConditions,
) -> Result<(SubmitResult, Article), Problem> {
    let found = revision(state, token, id, number).await?;
    let article = found.entry.ok_or_else(|| Problem::erased(id))?.article;
    let conditions = WriteConditions {
        token: Some(token.name.clone()),
        must_exist: true,
        // The text names all of its images.
        kept_images: KeptImages::Named(Vec::new()),
        ..conditions
    };
    let draft = Draft { article: article.clone(), id: None, channels: Vec::new() };
    Ok((submit(state, draft, Some(id.clone()), conditions).await?, article))
}

/// Withdraws an article if it still has one of the `expected` versions.
///
/// # Errors
/// If it was refused. Nothing was changed then.
pub(in crate::http) async fn withdraw(
    state: &Arc<AppState>,
    token: Token,
    id: &ArticleId,
    reason: Option<String>,
    erase: bool,
    expected: Option<Vec<ArticleVersion>>,
) -> Result<WithdrawOutcome, Problem> {
    let author = token.name.clone();
    let conditions = WriteConditions { token: Some(token.name), expected, ..WriteConditions::default() };
    let name = id.clone();
    let withdrawal = state
        .run_with_store(async move |state| {
            state.store.withdraw_on_terms(&name, reason, erase, &author, conditions).await
        })
        .await;
    match withdrawal.ok_or_else(Problem::unavailable)? {
        WithdrawOutcome::Unknown => Err(Problem::unknown_article(id)),
        WithdrawOutcome::Stale(number) => Err(Problem::version_mismatch(number)),
        WithdrawOutcome::Refused(refusal) => Err(Problem::refused(&refusal, id)),
        outcome => Ok(outcome),
    }
}

/// Restores a withdrawn article if it still has one of the `expected` versions.
///
/// # Errors
/// If it was refused. Nothing was changed then.
pub(in crate::http) async fn restore(
    state: &Arc<AppState>,
    token: Token,
    id: &ArticleId,
    expected: Option<Vec<ArticleVersion>>,
) -> Result<RestoreOutcome, Problem> {
    let author = token.name.clone();
    let conditions = WriteConditions { token: Some(token.name), expected, ..WriteConditions::default() };
    let name = id.clone();
    let restored = state
        .run_with_store(async move |state| state.store.restore_on_terms(&name, &author, conditions).await)
        .await;
    match restored.ok_or_else(Problem::unavailable)? {
        RestoreOutcome::Unknown => Err(Problem::unknown_article(id)),
        RestoreOutcome::VersionMismatch(number) => Err(Problem::version_mismatch(number)),
        RestoreOutcome::Refused(refusal) => Err(Problem::refused(&refusal, id)),
        RestoreOutcome::Erased => Err(Problem::erased(id)),
        outcome => Ok(outcome),
    }
}
