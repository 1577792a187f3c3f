//! The articles: one by its id, and the list of all that are published, newest first, with the search in it.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::http::request::Parts;
use serde::Serialize;
use tracing::error;

use super::super::reply::{self, Reply};
use super::super::service::{Inner, LONGEST_WAIT};
use super::json::{self, Frame};
use super::parameters::{End, Parameters};
use super::problem::Problem;
use super::publish;
use crate::article::ArticleId;
use crate::press::{Document, Version, cursor_of, place_of};
use crate::store::{CatalogueAsked, CatalogueFound, Found, StoreError};

const MEDIA_TYPE: &str = "application/json";
/// Articles on a page that says nothing of its length.
const USUAL: u64 = 50;
/// Articles on the longest page.
const MOST: u64 = 1000;
/// A page ends early rather than be much longer than this.
const PAGE_BYTES: usize = 4 * 1024 * 1024;
/// The longest question, in characters.
const LONGEST_QUESTION: usize = 200;

/// An article by its id, with validators: `ETag` is of the log's number and the bytes. One that waits for its moment
/// is shown to whoever may publish in its channels.
pub async fn one(service: &Arc<Inner>, request: Parts, id: ArticleId) -> Result<Reply, Problem> {
    Parameters::read(request.uri.query(), &[])?;
    let zone = service.press.site.zone;
    let name = id.clone();
    match service.with_store(async move |inner| found(&inner, &name).await).await {
        Some(Outcome::Printed(document, number)) => {
            let now = service.clock.now();
            let reply = reply::document(&request.method, request.headers, &document, &service.pages, now);
            match reply.status() {
                StatusCode::NOT_ACCEPTABLE => Err(Problem::not_acceptable()),
                StatusCode::PRECONDITION_FAILED => Err(Problem::changed_meanwhile(number)),
                _ => Ok(reply),
            }
        }
        Some(Outcome::Other(Found::Withdrawn(tombstone))) => Err(Problem::gone(&tombstone, zone)),
        Some(Outcome::Other(_)) => match publish::scheduled(service, &request, &id).await? {
            Some(scheduled) => {
                let body = line(&json::scheduled(service.frame(), &scheduled.entry));
                let body = body.map_err(|_| Problem::unavailable())?;
                let tag = publish::tag_of(service, &scheduled);
                Ok(reply::data(StatusCode::OK, body, None, Some(&tag)))
            }
            None => Err(Problem::unknown_article(&id)),
        },
        None => Err(Problem::busy()),
    }
}

enum Outcome {
    /// With the number of its revision.
    Printed(Box<Document>, u64),
    Other(Found),
}

async fn found(inner: &Inner, id: &ArticleId) -> Result<Outcome, StoreError> {
    let (entry, number, at) = match inner.store.article_named(id).await? {
        Found::Live { entry, number, at } => (entry, number, at),
        other => return Ok(Outcome::Other(other)),
    };
    let version = Version { log: inner.store.log_id().to_owned(), number };
    let bytes = line(&json::article(inner.frame(), &entry, number))?;
    let printed = tokio::task::spawn_blocking(move || Document::print(MEDIA_TYPE, bytes, &version, at)).await;
    match printed {
        Ok(document) => Ok(Outcome::Printed(Box::new(document), number)),
        Err(failure) => std::panic::resume_unwind(failure.into_panic()),
    }
}

/// A page of the list.
#[derive(Serialize)]
struct Page<'a> {
    articles: Vec<json::Article<'a>>,
    /// For `after` of the next page; null on the last.
    next: Option<String>,
}

/// The published articles, newest stamp first, or those among them that a question finds.
pub async fn list(service: &Arc<Inner>, request: &Parts) -> Result<Reply, Problem> {
    let asked = question(service, request.uri.query())?;
    let searching = match asked.words {
        Some(_) => {
            let turn = tokio::time::timeout(LONGEST_WAIT, service.searching.acquire()).await;
            Some(turn.map_err(|_| Problem::busy())?)
        }
        None => None,
    };
    let page = service.with_store(async move |inner| page(&inner, &asked).await).await;
    drop(searching);
    match page {
        Some(Some(bytes)) => Ok(reply::data(StatusCode::OK, bytes, None, None)),
        Some(None) => Err(Problem::unknown_channel()),
        None => Err(Problem::busy()),
    }
}

fn question(service: &Arc<Inner>, query: Option<&str>) -> Result<CatalogueAsked, Problem> {
    let parameters = Parameters::read(query, &["q", "channel", "from", "to", "limit", "after"])?;
    let words = parameters.text("q").filter(|words| !words.trim().is_empty());
    if words.is_some_and(|words| words.chars().count() > LONGEST_QUESTION) {
        return Err(Problem::parameter(
            "q",
            format!("it must be at most {LONGEST_QUESTION} characters"),
            format!("dài tối đa {LONGEST_QUESTION} ký tự"),
        ));
    }
    let after = match parameters.text("after") {
        None => None,
        Some(cursor) => Some(place_of(cursor).ok_or_else(|| {
            Problem::parameter(
                "after",
                "it must be the `next` of a page before",
                "phải là giá trị `next` của trang trước",
            )
        })?),
    };
    let limit = parameters.number("limit", 1)?.unwrap_or(USUAL).min(MOST);
    Ok(CatalogueAsked {
        words: words.map(str::to_owned),
        phrases: words.map(crate::article::words::phrases).unwrap_or_default(),
        channel: parameters.channel(&service.addresses)?,
        from: parameters.moment("from", End::First, service.press.site.zone)?,
        to: parameters.moment("to", End::Last, service.press.site.zone)?,
        after,
        limit: u32::try_from(limit).unwrap_or(u32::MAX),
        bytes: PAGE_BYTES,
        counted: false,
    })
}

/// None where there is no such channel.
async fn page(inner: &Inner, asked: &CatalogueAsked) -> Result<Option<Vec<u8>>, StoreError> {
    let found = match inner.store.catalogue(asked).await? {
        CatalogueFound::Page(found) => found,
        CatalogueFound::UnknownChannel => return Ok(None),
    };
    for article in &found.damaged {
        error!(%article, "the store holds this article damaged; it is left out");
    }
    let frame: Frame<'_> = inner.frame();
    let articles = found.items.iter().map(|item| json::article(frame, &item.entry, item.number)).collect();
    line(&Page { articles, next: found.next.map(cursor_of) }).map(Some)
}

/// JSON on one line.
pub fn line(value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let mut bytes = serde_json::to_vec(value).map_err(|cause| StoreError::Corrupt(cause.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}
