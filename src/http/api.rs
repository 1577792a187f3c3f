//! What programs ask for below `/api`: the changes since a number, the articles; publish, correct, withdraw.
//! Described by `/api/openapi.json`, which a test holds against the running service.
//!
//! Reading needs nothing, and never shows what is not public: an article that waits for its moment, or the text
//! of one that was withdrawn. No write works without a bearer token of the store. A refusal is a problem detail
//! (RFC 9457) in English and Vietnamese, with the line where a manuscript is at fault. An article has one form
//! ([`views`]) wherever it stands.

mod articles;
mod changes;
mod problem;
mod query;
mod views;
mod write;

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::Bytes;
use hyper::header::ETAG;
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};

use super::body::ResponseBody;
use super::coding::SHORT;
use super::content_coding::AcceptEncoding;
use super::handler::AppState;
use super::response::{self, ALLOW_READ, HttpResponse};
use super::server::{BodyError, RequestBody};
use super::validity::Invalid;
use crate::model::ArticleId;
use crate::render::ContentCoding;
use crate::urls::SiteUrls;
use problem::Problem;

pub(super) use changes::SingleFlight;
pub(super) use views::ViewContext;

const OPENAPI: &str = include_str!("api/openapi.json");

/// What a path below `/api` names.
enum Resource<'a> {
    Changes,
    Articles,
    Article(&'a str),
    Description,
}

impl<'a> Resource<'a> {
    fn from_path(segments: &[&'a str]) -> Option<Self> {
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
            Self::Changes | Self::Description => ALLOW_READ,
        }
    }
}

/// Answers a request for what lies at these segments below `/api`, percent-decoded.
pub(super) async fn answer(
    service: &Arc<AppState>,
    request: Parts,
    body: RequestBody,
    segments: &[String],
) -> HttpResponse {
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let accepted = match request.method {
        Method::GET | Method::HEAD => Some(AcceptEncoding::from_headers(&request.headers)),
        _ => None,
    };
    let answered = match Resource::from_path(&segments) {
        Some(resource) => dispatch(service, request, body, &resource).await,
        None => Err(Problem::not_found()),
    };
    let answered = match (answered, accepted) {
        (Ok(reply), Some(accepted)) => coded(service, accepted, reply).await,
        (answered, _) => answered,
    };
    answered.unwrap_or_else(|problem| problem.reply(&service.addresses))
}

async fn dispatch(
    service: &Arc<AppState>,
    request: Parts,
    body: RequestBody,
    resource: &Resource<'_>,
) -> Result<HttpResponse, Problem> {
    match (resource, &request.method) {
        (_, &Method::OPTIONS) => Ok(response::options(resource.methods())),
        (Resource::Changes, &Method::GET | &Method::HEAD) => changes::answer(service, &request, body).await,
        (Resource::Articles, &Method::GET | &Method::HEAD) => articles::article_list(service, &request).await,
        (Resource::Article(id), &Method::GET | &Method::HEAD) => {
            articles::one(service, request, ArticleId::new(*id)).await
        }
        (Resource::Description, &Method::GET | &Method::HEAD) => {
            Ok(response::json(StatusCode::OK, OPENAPI, None, None))
        }
        (Resource::Articles, &Method::POST) => write::post(service, request, body).await,
        (Resource::Article(id), &Method::PUT) => write::put(service, request, body, id).await,
        (Resource::Article(id), &Method::DELETE) => write::delete(service, request, id).await,
        _ => Err(Problem::method_not_allowed(resource.methods())),
    }
}

/// The answer in a coding that the request takes. A document brings its codings along, and a stream is coded by whoever
/// writes it.
async fn coded(
    service: &Arc<AppState>,
    accepted: AcceptEncoding,
    reply: HttpResponse,
) -> Result<HttpResponse, Problem> {
    if reply.status() != StatusCode::OK
        || reply.headers().contains_key(ETAG)
        || matches!(reply.body(), ResponseBody::Stream(_))
    {
        return Ok(reply);
    }
    let (parts, body) = reply.into_parts();
    let Ok(bytes) = body.collect().await.map(|collected| collected.to_bytes()) else {
        return Err(Problem::unavailable());
    };
    let Some(coding) = accepted.coding(bytes.len() < SHORT) else { return Err(Problem::not_acceptable()) };
    let bytes = match coding {
        ContentCoding::Identity => bytes,
        _ => {
            let coding = service.blocking(move || coding.encode(&bytes)).await;
            coding.ok_or_else(Problem::unavailable)?.into()
        }
    };
    Ok(response::coded(HttpResponse::from_parts(parts, ResponseBody::default()), coding, bytes))
}

/// 429: `wait` until the next turn.
pub(super) fn rate_limited(addresses: &SiteUrls, wait: Duration) -> HttpResponse {
    Problem::rate_limited(wait).reply(addresses)
}

/// Whether programs ask for this path, without the prefix of the site: then every refusal is a problem detail.
pub(super) fn is_below(path: &str) -> bool {
    path.strip_prefix("/api").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// 404 for a path below `/api` that names nothing.
pub(super) fn no_such_resource(addresses: &SiteUrls) -> HttpResponse {
    Problem::not_found().reply(addresses)
}

/// The refusal of a request that is none.
pub(super) fn invalid(addresses: &SiteUrls, invalid: Invalid) -> HttpResponse {
    let problem = match invalid {
        Invalid::Host => Problem::bad_request(Invalid::HOST.0, Invalid::HOST.1),
        Invalid::TooLarge => Problem::too_large(),
    };
    problem.reply(addresses)
}

/// The whole body of a request.
async fn read_body(body: RequestBody) -> Result<Bytes, Problem> {
    body.collect().await.map_err(|cause| match cause {
        BodyError::TooLarge => Problem::too_large(),
        BodyError::TooSlow => Problem::too_slow(),
        BodyError::CutShort => Problem::incomplete_body(),
        BodyError::Busy => Problem::overloaded(),
    })
}
