//! `/hub/TOKEN`: the hub of a source asks whether a subscription is wanted, and tells that its feed has changed (W3C WebSub
//! §5.3 and §7, as a subscriber).
//!
//! SECURITY: nothing of what a hub sends is published. A valid message makes the collector request the feed from its source.

use std::sync::Arc;

use chrono::TimeDelta;
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};

use super::response::{self, HttpResponse};
use super::server::{BodyError, RequestBody};
use super::state::{AppState, RETRY_AFTER};
use crate::pull::MAX_LEASE;
use crate::push::is_signed;
use crate::store::SourceHub;

const ALLOW: &str = "GET, POST";
const X_HUB_SIGNATURE: &str = "x-hub-signature";

/// Answers a request of a hub.
pub(super) async fn answer(
    state: &Arc<AppState>,
    request: Parts,
    body: RequestBody,
    token: &str,
) -> HttpResponse {
    let key = token.to_owned();
    let found = state.run_with_store(async move |state| state.store.source_hub_of(&key).await).await;
    let hub = match found {
        None => return response::service_unavailable(RETRY_AFTER),
        // A hub that is told so ends the subscription.
        Some(None) => return text(StatusCode::GONE, "no such subscription"),
        Some(Some(hub)) => hub,
    };
    match request.method {
        Method::GET => confirm(state, &request, hub).await,
        Method::POST => notify(state, &request, body, hub).await,
        _ => response::method_not_allowed(ALLOW),
    }
}

/// Confirms what was requested, and nothing else.
async fn confirm(state: &Arc<AppState>, request: &Parts, hub: SourceHub) -> HttpResponse {
    let query = request.uri.query().unwrap_or_default();
    let parameters: Vec<(String, String)> =
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let find = |name: &str| {
        parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    let is_ours = find("hub.topic") == hub.topic;
    let now = state.clock.now();
    let (expires, answer) = match find("hub.mode") {
        "subscribe" if is_ours && !find("hub.challenge").is_empty() => {
            let lease = find("hub.lease_seconds").parse().unwrap_or(i64::from(u32::MAX)).max(0);
            let lease = TimeDelta::try_seconds(lease).unwrap_or(MAX_LEASE).min(MAX_LEASE);
            (Some(now + lease), text(StatusCode::OK, find("hub.challenge")))
        }
        "denied" if is_ours => (None, text(StatusCode::OK, "")),
        _ => return text(StatusCode::NOT_FOUND, "not requested"),
    };
    let storing =
        async move |state: Arc<AppState>| state.store.set_source_hub_lease(hub.token, expires).await;
    match state.run_with_store(storing).await {
        Some(()) => answer,
        None => response::service_unavailable(RETRY_AFTER),
    }
}

/// A message that is not signed with the secret is ignored and gets the same answer (W3C WebSub §8).
async fn notify(state: &Arc<AppState>, request: &Parts, body: RequestBody, hub: SourceHub) -> HttpResponse {
    let body = match body.collect().await {
        Ok(body) => body,
        Err(BodyError::TooLarge) => return text(StatusCode::PAYLOAD_TOO_LARGE, "the message is too long"),
        Err(BodyError::Busy) => return response::service_unavailable(RETRY_AFTER),
        Err(BodyError::TooSlow | BodyError::CutShort) => {
            return text(StatusCode::BAD_REQUEST, "the message did not arrive completely");
        }
    };
    let signature = request.headers.get(X_HUB_SIGNATURE).and_then(|value| value.to_str().ok());
    if !signature.is_some_and(|signature| is_signed(signature, &hub.secret, &body)) {
        tracing::warn!(source = %hub.source, "a message without a valid signature of the hub is ignored");
        return text(StatusCode::ACCEPTED, "");
    }
    let storing = async move |state: Arc<AppState>| state.store.note_source_hub(hub.token).await;
    match state.run_with_store(storing).await {
        Some(()) => text(StatusCode::ACCEPTED, ""),
        None => response::service_unavailable(RETRY_AFTER),
    }
}

fn text(status: StatusCode, text: &str) -> HttpResponse {
    response::plain(status, "text/plain; charset=utf-8", text.to_owned())
}
