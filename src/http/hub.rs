//! `/hub`: the requests of WebSub subscribers (W3C Recommendation §5, feed rules W2 and W3).

use std::sync::Arc;

use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, StatusCode};
use url::Url;

use super::response::{self, HttpResponse};
use super::server::{BodyError, RequestBody};
use super::state::{AppState, RETRY_AFTER};
use crate::push::{Hub, HubError};
use crate::store::NewSubscriptionRequest;

const ALLOW: &str = "POST, OPTIONS";
/// Longer than any form with a callback, a topic and a secret of allowed lengths.
const MAX_FORM_BYTES: usize = 16_384;

/// Answers a request to the hub. Its errors are plain text for the developer of a subscriber.
pub(super) async fn answer(state: &Arc<AppState>, request: Parts, body: RequestBody) -> HttpResponse {
    let Some(hub) = state.hub.clone() else { return state.not_found(&request.headers) };
    match request.method {
        Method::POST => {}
        Method::OPTIONS => return response::options(ALLOW),
        _ => return response::method_not_allowed(ALLOW),
    }
    if !is_form(&request.headers) {
        let reason = "send the parameters as application/x-www-form-urlencoded";
        return text(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason);
    }
    let form = match body.collect().await {
        Ok(form) if form.len() <= MAX_FORM_BYTES => form,
        Ok(_) | Err(BodyError::TooLarge) => {
            return text(StatusCode::PAYLOAD_TOO_LARGE, "the form is too long");
        }
        Err(BodyError::Busy) => return busy("too many requests at the moment; try again later"),
        Err(BodyError::TooSlow | BodyError::CutShort) => {
            return text(StatusCode::BAD_REQUEST, "the form did not arrive completely");
        }
    };
    match hub.parse(&form) {
        Ok(subscription) => accept(state, hub, subscription).await,
        Err(cause) => refused(&cause),
    }
}

async fn accept(state: &Arc<AppState>, hub: Hub, subscription: NewSubscriptionRequest) -> HttpResponse {
    let host = Url::parse(&subscription.callback).ok().and_then(|url| url.host_str().map(str::to_owned));
    if let Err(wait) = state.hub_limiter.check(&host.unwrap_or_default()) {
        let reason = "too many requests for callbacks on this host; try again later";
        return response::with_retry_after(text(StatusCode::TOO_MANY_REQUESTS, reason), wait);
    }
    let storing = state.run_with_store(async move |_| match hub.request(subscription).await {
        Err(HubError::Store(cause)) => Err(cause),
        result => Ok(result),
    });
    match storing.await {
        Some(Ok(())) => text(StatusCode::ACCEPTED, "accepted; the callback will be asked for confirmation"),
        Some(Err(cause)) => refused(&cause),
        None => busy("the request could not be stored; try again later"),
    }
}

fn refused(cause: &HubError) -> HttpResponse {
    match cause {
        HubError::Invalid(reason) => text(StatusCode::BAD_REQUEST, reason),
        HubError::Full | HubError::Store(_) => busy(&cause.to_string()),
    }
}

fn busy(reason: &str) -> HttpResponse {
    response::with_retry_after(text(StatusCode::SERVICE_UNAVAILABLE, reason), RETRY_AFTER)
}

fn text(status: StatusCode, reason: &str) -> HttpResponse {
    response::plain(status, "text/plain; charset=utf-8", format!("{reason}\n"))
}

fn is_form(headers: &HeaderMap) -> bool {
    let line = headers.get(CONTENT_TYPE).and_then(|line| line.to_str().ok()).unwrap_or_default();
    let essence = line.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}
