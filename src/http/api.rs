//! What programs ask for below `/api`: the changes since a number, the articles; publish, correct, withdraw.
//! Described by `/api/openapi.json`, which a test holds against the running service.
//!
//! Reading needs nothing, and never shows what is not public: an article that waits for its moment, or the text
//! of one that was withdrawn. No write works without a bearer token of the store. A refusal is a problem detail
//! (RFC 9457) in English and Vietnamese, with the line where a manuscript is at fault. An article has one form
//! ([`json`]) wherever it stands.

mod articles;
mod changes;
mod json;
mod parameters;
mod problem;
mod publish;

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Bytes};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};

use super::door::RequestBody;
use super::reply::{self, READ_ONLY, Reply};
use super::service::Inner;
use crate::address::Addresses;
use crate::article::ArticleId;
use problem::Problem;

pub(super) use changes::Together;
pub(super) use json::Frame;

const OPENAPI: &str = include_str!("api/openapi.json");

/// What a path below `/api` names.
enum Resource<'a> {
    Changes,
    Articles,
    Article(&'a str),
    Description,
}

impl<'a> Resource<'a> {
    fn at(segments: &[&'a str]) -> Option<Self> {
        match *segments {
            ["changes"] => Some(Self::Changes),
            ["articles"] => Some(Self::Articles),
            ["articles", id] => Some(Self::Article(id)),
            ["openapi.json"] => Some(Self::Description),
            _ => None,
        }
    }

    /// The methods that it takes, as `Allow` names them.
    fn methods(&self) -> &'static str {
        match self {
            Self::Articles => "GET, HEAD, POST, OPTIONS",
            Self::Article(_) => "GET, HEAD, PUT, DELETE, OPTIONS",
            Self::Changes | Self::Description => READ_ONLY,
        }
    }
}

/// Answers a request for what lies at these segments below `/api`, percent-decoded.
pub(super) async fn answer(
    service: &Arc<Inner>,
    request: Parts,
    body: RequestBody,
    segments: &[String],
) -> Reply {
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let answered = match Resource::at(&segments) {
        Some(resource) => perform(service, request, body, &resource).await,
        None => Err(Problem::no_such_resource()),
    };
    answered.unwrap_or_else(|problem| problem.reply(&service.addresses))
}

async fn perform(
    service: &Arc<Inner>,
    request: Parts,
    body: RequestBody,
    resource: &Resource<'_>,
) -> Result<Reply, Problem> {
    match (resource, &request.method) {
        (_, &Method::OPTIONS) => Ok(reply::options(resource.methods())),
        (Resource::Changes, &Method::GET | &Method::HEAD) => changes::answer(service, &request, body).await,
        (Resource::Articles, &Method::GET | &Method::HEAD) => articles::list(service, &request).await,
        (Resource::Article(id), &Method::GET | &Method::HEAD) => {
            articles::one(service, request, ArticleId::new(*id)).await
        }
        (Resource::Description, &Method::GET | &Method::HEAD) => {
            Ok(reply::data(StatusCode::OK, OPENAPI, None, None))
        }
        (Resource::Articles, &Method::POST) => publish::post(service, request, body).await,
        (Resource::Article(id), &Method::PUT) => publish::put(service, request, body, id).await,
        (Resource::Article(id), &Method::DELETE) => publish::delete(service, request, id).await,
        _ => Err(Problem::method_not_allowed(resource.methods())),
    }
}

/// 429: `wait` until the next turn.
pub(super) fn too_often(addresses: &Addresses, wait: Duration) -> Reply {
    Problem::too_often(wait).reply(addresses)
}

/// The whole body of a request.
async fn whole(body: RequestBody) -> Result<Bytes, Problem> {
    match body.collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(cause) if cause.is::<http_body_util::LengthLimitError>() => Err(Problem::too_large()),
        Err(_) => Err(Problem::cut_short()),
    }
}

/// Takes off the wire what was sent along with a request that is refused, where that is little and comes soon. Who
/// were still sending it would find the connection closed, and never read the refusal.
async fn take_off(body: RequestBody) {
    const LITTLE: u64 = 256 << 10;
    const SOON: Duration = Duration::from_secs(1);
    if body.size_hint().upper().is_some_and(|bytes| bytes <= LITTLE) {
        let _ = tokio::time::timeout(SOON, whole(body)).await;
    }
}
