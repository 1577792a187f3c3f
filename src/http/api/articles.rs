//! The articles: one by its id, and the list of all that are published, newest first, with the search in it.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::http::request::Parts;
use serde::Serialize;
use tracing::error;

use super::super::handler::{AppState, QUEUE_TIMEOUT};
use super::super::response::{self, HttpResponse};
use super::problem::Problem;
use super::query::{QueryParams, RangeEnd};
use super::views::{self, ViewContext};
use super::write;
use crate::model::ArticleId;
use crate::render::{LogVersion, Representation, decode_cursor, encode_cursor};
use crate::store::{ArticleLookup, ArticleQuery, ArticleQueryResult, StoreError};

const MEDIA_TYPE: &str = "application/json";
/// Articles on a page that says nothing of its length.
const DEFAULT_LIMIT: u64 = 50;
/// Articles on the longest page.
const MAX_LIMIT: u64 = 1000;
/// A page ends early rather than be much longer than this.
const PAGE_BYTES: usize = 4 * 1024 * 1024;
/// The longest question, in characters.
const MAX_QUERY_CHARS: usize = 200;

/// An article by its id, with validators: `ETag` is of the log's number and the bytes. One that waits for its moment
/// is shown to whoever may publish in its channels.
pub async fn one(service: &Arc<AppState>, request: Parts, id: ArticleId) -> Result<HttpResponse, Problem> {
    QueryParams::parse(request.uri.query(), &[])?;
    let zone = service.render_options.site.time_zone;
    let name = id.clone();
    match service.run_with_store(async move |inner| found(&inner, &name).await).await {
        Some(Outcome::Encoded(document, number)) => {
            let now = service.clock.now();
            let reply =
                response::representation(&request.method, request.headers, &document, &service.pages, now);
            match reply.status() {
                StatusCode::NOT_ACCEPTABLE => Err(Problem::not_acceptable()),
                StatusCode::PRECONDITION_FAILED => Err(Problem::version_mismatch(number)),
                _ => Ok(reply),
            }
        }
        Some(Outcome::Other(ArticleLookup::Withdrawn(tombstone))) => Err(Problem::gone(&tombstone, zone)),
        Some(Outcome::Other(_)) => match write::scheduled(service, &request, &id).await? {
            Some(scheduled) => {
                let body = line(&views::scheduled(service.frame(), &scheduled.entry));
                let body = body.map_err(|_| Problem::unavailable())?;
                let tag = write::tag_of(service, &scheduled);
                Ok(response::json(StatusCode::OK, body, None, Some(&tag)))
            }
            None => Err(Problem::unknown_article(&id)),
        },
        None => Err(Problem::overloaded()),
    }
}

enum Outcome {
    /// With the number of its revision.
    Encoded(Box<Representation>, u64),
    Other(ArticleLookup),
}

async fn found(inner: &AppState, id: &ArticleId) -> Result<Outcome, StoreError> {
    let (entry, number, at) = match inner.store.article_by_id(id).await? {
        ArticleLookup::Live { entry, number, at } => (entry, number, at),
        other => return Ok(Outcome::Other(other)),
    };
    let version = LogVersion { log: inner.store.log_id().to_owned(), number };
    let bytes = line(&views::article(inner.frame(), &entry, number))?;
    let printed =
        tokio::task::spawn_blocking(move || Representation::encode(MEDIA_TYPE, bytes, &version, at)).await;
    match printed {
        Ok(document) => Ok(Outcome::Encoded(Box::new(document), number)),
        Err(failure) => std::panic::resume_unwind(failure.into_panic()),
    }
}

/// A page of the list.
#[derive(Serialize)]
struct ArticleListJson<'a> {
    articles: Vec<views::ArticleView<'a>>,
    /// For `after` of the next page; null on the last.
    next: Option<String>,
}

/// The published articles, newest stamp first, or those among them that a question finds.
pub async fn article_list(service: &Arc<AppState>, request: &Parts) -> Result<HttpResponse, Problem> {
    let asked = parse_query(service, request.uri.query())?;
    let searching = match asked.words {
        Some(_) => {
            let turn = tokio::time::timeout(QUEUE_TIMEOUT, service.searching.acquire()).await;
            Some(turn.map_err(|_| Problem::overloaded())?)
        }
        None => None,
    };
    let page = service.run_with_store(async move |inner| page(&inner, &asked).await).await;
    drop(searching);
    match page {
        Some(Some(bytes)) => Ok(response::json(StatusCode::OK, bytes, None, None)),
        Some(None) => Err(Problem::unknown_channel()),
        None => Err(Problem::overloaded()),
    }
}

fn parse_query(service: &Arc<AppState>, query: Option<&str>) -> Result<ArticleQuery, Problem> {
    let parameters = QueryParams::parse(query, &["q", "channel", "from", "to", "limit", "after"])?;
    let words = parameters.text("q").filter(|words| !words.trim().is_empty());
    if words.is_some_and(|words| words.chars().count() > MAX_QUERY_CHARS) {
        return Err(Problem::parameter(
            "q",
            format!("it must be at most {MAX_QUERY_CHARS} characters"),
            format!("dài tối đa {MAX_QUERY_CHARS} ký tự"),
        ));
    }
    let after = match parameters.text("after") {
        None => None,
        Some(cursor) => Some(decode_cursor(cursor).ok_or_else(|| {
            Problem::parameter(
                "after",
                "it must be the `next` of a page before",
                "phải là giá trị `next` của trang trước",
            )
        })?),
    };
    let limit = parameters.number("limit", 1)?.unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT);
    Ok(ArticleQuery {
        words: words.map(str::to_owned),
        phrases: words.map(crate::search_text::quoted_phrases).unwrap_or_default(),
        channel: parameters.channel(&service.addresses)?,
        from: parameters.timestamp("from", RangeEnd::Start, service.render_options.site.time_zone)?,
        to: parameters.timestamp("to", RangeEnd::End, service.render_options.site.time_zone)?,
        after,
        limit: u32::try_from(limit).unwrap_or(u32::MAX),
        bytes: PAGE_BYTES,
        counted: false,
    })
}

/// None where there is no such channel.
async fn page(inner: &AppState, asked: &ArticleQuery) -> Result<Option<Vec<u8>>, StoreError> {
    let found = match inner.store.query_articles(asked).await? {
        ArticleQueryResult::Page(found) => found,
        ArticleQueryResult::UnknownChannel => return Ok(None),
    };
    for article in &found.damaged {
        error!(%article, "the store holds this article damaged; it is left out");
    }
    let frame: ViewContext<'_> = inner.frame();
    let articles = found.items.iter().map(|item| views::article(frame, &item.entry, item.number)).collect();
    line(&ArticleListJson { articles, next: found.next.map(encode_cursor) }).map(Some)
}

/// JSON on one line.
pub fn line(value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let mut bytes = serde_json::to_vec(value).map_err(|cause| StoreError::Corrupt(cause.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}
