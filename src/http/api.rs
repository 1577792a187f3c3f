//! What programs ask for below `/api`: publish, correct, withdraw.
//!
//! Reading needs nothing; no write works without a bearer token of the store. A refusal is a problem detail
//! (RFC 9457) in English and Vietnamese, with the line where a manuscript is at fault.

mod problem;
mod publish;

use std::sync::Arc;

use http_body_util::BodyExt as _;
use hyper::Method;
use hyper::body::Bytes;
use hyper::http::request::Parts;

use super::door::RequestBody;
use super::reply::{self, Reply};
use super::service::Inner;
use problem::Problem;

/// Answers a request for what lies at these segments below `/api`, percent-decoded.
pub(super) async fn answer(
    service: &Arc<Inner>,
    request: Parts,
    body: RequestBody,
    segments: &[String],
) -> Reply {
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let answered = match (segments.as_slice(), &request.method) {
        (["articles"], &Method::POST) => publish::post(service, request, body).await,
        (["articles", id], &Method::PUT) => publish::put(service, request, body, id).await,
        (["articles", id], &Method::DELETE) => publish::delete(service, request, id).await,
        (["articles"], _) => Ok(reply::method_not_allowed("POST, OPTIONS")),
        (["articles", _], _) => Ok(reply::method_not_allowed("PUT, DELETE, OPTIONS")),
        _ => Err(Problem::no_such_resource()),
    };
    answered.unwrap_or_else(Problem::reply)
}

/// The whole body of a request.
async fn whole(body: RequestBody) -> Result<Bytes, Problem> {
    match body.collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(cause) if cause.is::<http_body_util::LengthLimitError>() => Err(Problem::too_large()),
        Err(_) => Err(Problem::cut_short()),
    }
}
