//! The JSON API below `/api`: read the changes and the articles; publish, correct, withdraw and restore. Described by
//! `/api/openapi.json`, which a test compares with the running server.
//!
//! Reading without a token never shows what is not public: scheduled articles, the text of a withdrawn one, the history
//! of an article, the state of the folder. Every write needs a bearer token of the store. Errors are problem details (RFC 9457) in English and
//! Vietnamese, with the line if an article is invalid. An article has one JSON form ([`views`]) everywhere.

pub(super) mod actions;
mod articles;
mod body_format;
mod changes;
mod history;
mod json;
pub(super) mod problem;
mod query;
pub(super) mod site_state;
pub(super) mod sources;
pub(super) mod upload;
mod views;
mod write;
mod write_body;

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::header::{CONTENT_ENCODING, ETAG};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};

use super::coding::MIN_COMPRESSED_BYTES;
use super::content_coding::AcceptEncoding;
use super::response::{self, ALLOW_READ, HttpResponse, ResponseBody};
use super::server::RequestBody;
use super::state::AppState;
use super::validity::Invalid;
use crate::message::Message;
use crate::model::ArticleId;
use crate::render::{ContentCoding, Effort, RenderOptions};
use crate::store::{Change, StoreError};
use crate::urls::SiteUrls;
use problem::{OPENAPI, Problem};

/// The resource of a path below `/api`.
enum Resource<'a> {
    Changes,
    Articles,
    Article(&'a str),
    Restoration(&'a str),
    Revisions(&'a str),
    Revision(&'a str, &'a str),
    EarlierText(&'a str, &'a str),
    Channels,
    Findings,
    Subscribers,
    Sources,
    Source(&'a str),
    /// Pauses (true) or resumes a source.
    SourcePause(&'a str, bool),
    SourceItems(&'a str),
    /// Accepts (true) or drops an item of a source.
    SourceDecision(&'a str, &'a str, bool),
    Description,
}

impl<'a> Resource<'a> {
    fn from_path(segments: &[&'a str]) -> Option<Self> {
        match *segments {
            ["changes"] => Some(Self::Changes),
            ["articles"] => Some(Self::Articles),
            ["articles", id] => Some(Self::Article(id)),
            ["articles", id, "restore"] => Some(Self::Restoration(id)),
            ["articles", id, "revisions"] => Some(Self::Revisions(id)),
            ["articles", id, "revisions", number] => Some(Self::Revision(id, number)),
            ["articles", id, "revisions", number, "restore"] => Some(Self::EarlierText(id, number)),
            ["channels"] => Some(Self::Channels),
            ["findings"] => Some(Self::Findings),
            ["subscribers"] => Some(Self::Subscribers),
            ["sources"] => Some(Self::Sources),
            ["sources", name] => Some(Self::Source(name)),
            ["sources", name, "pause"] => Some(Self::SourcePause(name, true)),
            ["sources", name, "resume"] => Some(Self::SourcePause(name, false)),
            ["sources", name, "items"] => Some(Self::SourceItems(name)),
            ["sources", name, "items", key, "accept"] => Some(Self::SourceDecision(name, key, true)),
            ["sources", name, "items", key, "drop"] => Some(Self::SourceDecision(name, key, false)),
            ["openapi.json"] => Some(Self::Description),
            _ => None,
        }
    }

    /// The allowed methods, as in `Allow`.
    fn methods(&self) -> &'static str {
        match self {
            Self::Articles => "GET, HEAD, POST, OPTIONS",
            Self::Article(_) => "GET, HEAD, PUT, DELETE, OPTIONS",
            Self::Restoration(_)
            | Self::EarlierText(..)
            | Self::SourcePause(..)
            | Self::SourceDecision(..) => "POST, OPTIONS",
            Self::Changes
            | Self::Revisions(_)
            | Self::Revision(..)
            | Self::Channels
            | Self::Findings
            | Self::Subscribers
            | Self::Sources
            | Self::Source(_)
            | Self::SourceItems(_)
            | Self::Description => ALLOW_READ,
        }
    }
}

/// Answers a request for these percent-decoded segments below `/api`.
pub(super) async fn answer(
    state: &Arc<AppState>,
    request: Parts,
    body: RequestBody,
    segments: &[String],
) -> HttpResponse {
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let accepted = match request.method {
        Method::GET | Method::HEAD => Some(AcceptEncoding::from_headers(&request.headers)),
        _ => None,
    };
    let result = match Resource::from_path(&segments) {
        Some(resource) => dispatch(state, request, body, &resource).await,
        None => Err(Problem::not_found()),
    };
    let result = match (result, accepted) {
        (Ok(reply), Some(accepted)) => encode(state, accepted, reply).await,
        (result, _) => result,
    };
    result.unwrap_or_else(|problem| problem.reply(&state.urls))
}

async fn dispatch(
    state: &Arc<AppState>,
    request: Parts,
    body: RequestBody,
    resource: &Resource<'_>,
) -> Result<HttpResponse, Problem> {
    match (resource, &request.method) {
        (_, &Method::OPTIONS) => Ok(response::options(resource.methods())),
        (Resource::Changes, &Method::GET | &Method::HEAD) => changes::answer(state, &request, body).await,
        (Resource::Articles, &Method::GET | &Method::HEAD) => articles::article_list(state, &request).await,
        (Resource::Article(id), &Method::GET | &Method::HEAD) => {
            articles::one(state, request, ArticleId::new(*id)).await
        }
        (Resource::Revisions(id), &Method::GET | &Method::HEAD) => {
            history::list(state, &request, ArticleId::new(*id)).await
        }
        (Resource::Revision(id, number), &Method::GET | &Method::HEAD) => {
            history::one(state, &request, ArticleId::new(*id), number).await
        }
        (Resource::Channels, &Method::GET | &Method::HEAD) => site_state::channels(state, &request),
        (Resource::Findings, &Method::GET | &Method::HEAD) => site_state::findings(state, &request).await,
        (Resource::Subscribers, &Method::GET | &Method::HEAD) => {
            site_state::subscribers(state, &request).await
        }
        (Resource::Sources, &Method::GET | &Method::HEAD) => sources::list(state, &request).await,
        (Resource::Source(name), &Method::GET | &Method::HEAD) => {
            sources::detail(state, &request, name).await
        }
        (Resource::SourceItems(name), &Method::GET | &Method::HEAD) => {
            sources::items(state, &request, name).await
        }
        (Resource::SourcePause(name, is_paused), &Method::POST) => {
            sources::pause(state, &request, name, *is_paused).await
        }
        (Resource::SourceDecision(name, key, accepts), &Method::POST) => {
            sources::decide(state, &request, name, key, *accepts).await
        }
        (Resource::Restoration(id), &Method::POST) => write::restore(state, request, id).await,
        (Resource::EarlierText(id, number), &Method::POST) => {
            write::bring_back(state, request, id, number).await
        }
        (Resource::Description, &Method::GET | &Method::HEAD) => {
            Ok(response::json(StatusCode::OK, OPENAPI, None, None))
        }
        (Resource::Articles, &Method::POST) => write::submit(state, request, body, None).await,
        (Resource::Article(id), &Method::PUT) => {
            write::submit(state, request, body, Some(ArticleId::new(*id))).await
        }
        (Resource::Article(id), &Method::DELETE) => write::delete(state, request, id).await,
        _ => Err(Problem::method_not_allowed(resource.methods())),
    }
}

/// Encodes a response with an accepted coding. Documents, streams and pages of changes are already encoded.
async fn encode(
    state: &Arc<AppState>,
    accepted: AcceptEncoding,
    reply: HttpResponse,
) -> Result<HttpResponse, Problem> {
    if reply.status() != StatusCode::OK
        || reply.headers().contains_key(ETAG)
        || reply.headers().contains_key(CONTENT_ENCODING)
        || matches!(reply.body(), ResponseBody::Stream(_))
    {
        return Ok(reply);
    }
    let (parts, body) = reply.into_parts();
    let Ok(bytes) = body.collect().await.map(|collected| collected.to_bytes()) else {
        return Err(Problem::unavailable());
    };
    let Some(coding) = accepted.coding(bytes.len() < MIN_COMPRESSED_BYTES) else {
        return Err(Problem::not_acceptable());
    };
    let bytes = match coding {
        ContentCoding::Identity => bytes,
        _ => {
            let coding = state.blocking(move || coding.encode(&bytes, Effort::Quick)).await;
            coding.ok_or_else(Problem::unavailable)?.into()
        }
    };
    Ok(response::encoded(HttpResponse::from_parts(parts, ResponseBody::default()), coding, bytes))
}

/// 429: retry after `wait`.
pub(super) fn rate_limited(addresses: &SiteUrls, wait: Duration) -> HttpResponse {
    Problem::rate_limited(wait).reply(addresses)
}

/// A change as JSON, as in `/api/changes`.
///
/// # Errors
/// If it cannot be written.
pub fn change_json(options: &RenderOptions, change: &Change) -> Result<Vec<u8>, StoreError> {
    let context = views::ViewContext { site: &options.site, urls: &options.addresses };
    changes::one_change(context, change)
}

/// True for paths of the API, given without the prefix of the site: their errors are problem details.
pub(super) fn is_below(path: &str) -> bool {
    path.strip_prefix("/api").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// 404 for an unknown path below `/api`.
pub(super) fn no_such_resource(addresses: &SiteUrls) -> HttpResponse {
    Problem::not_found().reply(addresses)
}

/// The error for an invalid request.
pub(super) fn invalid(addresses: &SiteUrls, invalid: Invalid) -> HttpResponse {
    let problem = match invalid {
        Invalid::Host => Problem::bad_request(Message::new(Invalid::HOST.0, Invalid::HOST.1)),
        Invalid::TooLarge => Problem::too_large(),
    };
    problem.reply(addresses)
}
