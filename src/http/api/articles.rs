//! One article by its id, and the list of published articles, newest first, with search.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::http::request::Parts;
use tracing::error;

use super::super::response::{self, HttpResponse};
use super::super::state::{AppState, QUEUE_TIMEOUT};
use super::json::{Members, append_list, line};
use super::problem::Problem;
use super::query::{QueryParams, RangeEnd};
use super::views::{self, ViewContext};
use super::write;
use crate::message::Message;
use crate::model::ArticleId;
use crate::render::{LogVersion, Representation, decode_cursor, encode_cursor};
use crate::store::{ArticleLookup, ArticleQuery, ArticleQueryResult, ArticleVersion, StoreError};

const MEDIA_TYPE: &str = "application/json";
/// Default number of articles on a page.
const DEFAULT_LIMIT: u64 = 50;
/// Maximum number of articles on a page.
const MAX_LIMIT: u64 = 1000;
/// Soft limit of a page in bytes.
const PAGE_BYTES: usize = 4 * 1024 * 1024;
/// Maximum length of a query in characters.
const MAX_QUERY_CHARS: usize = 200;

/// Returns an article with validators; its `ETag` contains the log number and a hash of the bytes. A
/// scheduled article is shown to tokens that may publish in its channels.
pub async fn one(state: &Arc<AppState>, request: Parts, id: ArticleId) -> Result<HttpResponse, Problem> {
    QueryParams::parse(request.uri.query(), &[])?;
    let zone = state.render_options.site.time_zone;
    let name = id.clone();
    match state.run_with_store(async move |state| load(&state, &name).await).await {
        Some(Outcome::Encoded(document, number)) => {
            let reply = state.send(request, &document, &state.pages).await;
            match reply.status() {
                StatusCode::NOT_ACCEPTABLE => Err(Problem::not_acceptable()),
                StatusCode::PRECONDITION_FAILED => Err(Problem::version_mismatch(number)),
                _ => Ok(reply),
            }
        }
        Some(Outcome::Other(ArticleLookup::Withdrawn(tombstone))) => Err(Problem::gone(&tombstone, zone)),
        Some(Outcome::Other(_)) => match write::scheduled(state, &request, &id).await? {
            Some(scheduled) => {
                let context = ViewContext::new(state);
                let body = line(|json| views::append_scheduled(json, context, &scheduled.entry));
                let body = body.map_err(|_| Problem::unavailable())?;
                let tag = write::tag_of(state, &ArticleVersion::Scheduled(scheduled.version));
                Ok(response::json(StatusCode::OK, body, None, Some(&tag)))
            }
            None => Err(Problem::unknown_article(&id)),
        },
        None => Err(Problem::overloaded()),
    }
}

enum Outcome {
    /// With its revision number.
    Encoded(Arc<Representation>, u64),
    Other(ArticleLookup),
}

async fn load(state: &AppState, id: &ArticleId) -> Result<Outcome, StoreError> {
    let (entry, number, at) = match state.store.article_by_id(id).await? {
        ArticleLookup::Live { entry, number, at } => (entry, number, at),
        other => return Ok(Outcome::Other(other)),
    };
    let version = LogVersion { log: state.store.log_id().to_owned(), number };
    let bytes = line(|json| views::append_article(json, ViewContext::new(state), &entry, number))?;
    Ok(Outcome::Encoded(Arc::new(Representation::new(MEDIA_TYPE, bytes, &version, at)), number))
}

/// Returns the published articles, newest first, or those that match a search.
pub async fn article_list(state: &Arc<AppState>, request: &Parts) -> Result<HttpResponse, Problem> {
    let query = parse_query(state, request.uri.query())?;
    let search_permit = match query.words {
        Some(_) => {
            let permit = tokio::time::timeout(QUEUE_TIMEOUT, state.search_permits.acquire()).await;
            Some(permit.map_err(|_| Problem::overloaded())?)
        }
        None => None,
    };
    let page = state.run_with_store(async move |state| page(&state, &query).await).await;
    drop(search_permit);
    match page {
        Some(Some(bytes)) => Ok(response::json(StatusCode::OK, bytes, None, None)),
        Some(None) => Err(Problem::unknown_channel()),
        None => Err(Problem::overloaded()),
    }
}

fn parse_query(state: &Arc<AppState>, query: Option<&str>) -> Result<ArticleQuery, Problem> {
    let parameters = QueryParams::parse(query, &["q", "channel", "from", "to", "limit", "after"])?;
    let words = parameters.text("q").filter(|words| !words.trim().is_empty());
    if words.is_some_and(|words| words.chars().count() > MAX_QUERY_CHARS) {
        let message = Message::new(
            format!("dài tối đa {MAX_QUERY_CHARS} ký tự"),
            format!("it must be at most {MAX_QUERY_CHARS} characters"),
        );
        return Err(Problem::parameter("q", &message));
    }
    let after = match parameters.text("after") {
        None => None,
        Some(cursor) => Some(decode_cursor(cursor).ok_or_else(|| {
            let message = Message::new(
                "phải là giá trị `next` của trang trước",
                "it must be the `next` of a page before",
            );
            Problem::parameter("after", &message)
        })?),
    };
    let limit = parameters.number("limit", 1)?.unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT);
    Ok(ArticleQuery {
        words: words.map(str::to_owned),
        phrases: words.map(crate::search_text::quoted_phrases).unwrap_or_default(),
        channel: parameters.channel(&state.urls)?,
        within: None,
        from: parameters.timestamp("from", RangeEnd::Start, state.render_options.site.time_zone)?,
        to: parameters.timestamp("to", RangeEnd::End, state.render_options.site.time_zone)?,
        after,
        limit: u32::try_from(limit).unwrap_or(u32::MAX),
        bytes: PAGE_BYTES,
        counted: false,
    })
}

/// None if the channel does not exist.
async fn page(state: &AppState, query: &ArticleQuery) -> Result<Option<Vec<u8>>, StoreError> {
    let result = match state.store.query_articles(query).await? {
        ArticleQueryResult::Page(page) => page,
        ArticleQueryResult::UnknownChannel => return Ok(None),
    };
    for article in &result.damaged {
        error!(%article, "this article is damaged in the store; it is omitted");
    }
    let context = ViewContext::new(state);
    let page = line(|json| {
        let mut members = Members::new(json);
        append_list(members.member("articles"), &result.items, |json, item| {
            views::append_article(json, context, &item.entry, item.number)
        })?;
        // The `after` of the next page; null on the last.
        members.value("next", &result.next.map(encode_cursor))?;
        members.end();
        Ok(())
    });
    page.map(Some)
}
