//! One request to a callback. Blocks.

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, LINK};
use std::time::Duration;
use tokio::sync::oneshot;
use url::Url;

use super::options::Signature;
use crate::fetch::{CallbackClient, CallbackMessage, FetchError};
use crate::store::{NewSubscriptionRequest, SubscriptionMode};

const BANTIN_LOG: HeaderName = HeaderName::from_static("bantin-log");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const X_SIGNATURE: HeaderName = HeaderName::from_static("x-signature");
const X_HUB_SIGNATURE: HeaderName = HeaderName::from_static("x-hub-signature");
/// Characters of an error that are stored.
const MAX_ERROR_CHARS: usize = 200;

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) reason: String,
    /// There was no answer, and there may be one later.
    pub(super) is_silent: bool,
    /// The status of the answer, if there was one.
    pub(super) status: Option<StatusCode>,
    pub(super) retry_after: Option<Duration>,
}

impl Failure {
    fn new(reason: impl ToString) -> Self {
        let reason = reason.to_string().chars().take(MAX_ERROR_CHARS).collect();
        Self { reason, is_silent: false, status: None, retry_after: None }
    }

    /// There was no answer.
    pub(super) fn silent(reason: impl ToString) -> Self {
        Self { is_silent: true, ..Self::new(reason) }
    }

    /// The callback does not want to be told any more.
    pub(super) fn is_gone(&self) -> bool {
        self.status == Some(StatusCode::GONE)
    }

    fn of_status(status: StatusCode, retry_after: Option<&str>) -> Self {
        let retry_after =
            retry_after.and_then(|seconds| seconds.trim().parse().ok()).map(Duration::from_secs);
        let reason = match status.is_redirection() {
            true => format!("the answer is {status}; redirects are not followed"),
            false => format!("the answer is {status}"),
        };
        Self { is_silent: status.is_server_error(), status: Some(status), retry_after, ..Self::new(reason) }
    }
}

impl From<FetchError> for Failure {
    fn from(cause: FetchError) -> Self {
        match cause {
            FetchError::NotAllowed(_) | FetchError::Url(_) => Self::new(cause),
            _ => Self::silent(cause),
        }
    }
}

/// Asks a callback whether it wants what was requested (W3C WebSub §5.3, feed rule W2). `topic` is the URL of the feed.
pub(super) fn verify(
    client: &CallbackClient,
    request: &NewSubscriptionRequest,
    topic: &str,
    challenge: &str,
) -> Result<(), Failure> {
    let mut url = client.parse(&request.callback)?;
    // The callback's own query stays as it is (feed rule W3).
    let mut query = url.query_pairs_mut();
    query.append_pair("hub.mode", request.mode.as_str()).append_pair("hub.topic", topic);
    query.append_pair("hub.challenge", challenge);
    if request.mode == SubscriptionMode::Subscribe {
        query.append_pair("hub.lease_seconds", &request.lease.to_string());
    }
    drop(query);
    // One byte more than the challenge: a longer answer is another one.
    let answer = client.get(url.as_str(), challenge.len() as u64 + 1)?;
    if !answer.status.is_success() {
        return Err(Failure::of_status(answer.status, answer.retry_after()));
    }
    match answer.body == challenge.as_bytes() {
        true => Ok(()),
        false => Err(Failure::new("the callback did not repeat the challenge")),
    }
}

/// Tells a callback that its subscription has ended (W3C WebSub §5.2).
pub(super) fn deny(
    client: &CallbackClient,
    callback: &str,
    topic: &str,
    reason: &str,
) -> Result<(), Failure> {
    let mut url: Url = client.parse(callback)?;
    url.query_pairs_mut()
        .append_pair("hub.mode", "denied")
        .append_pair("hub.topic", topic)
        .append_pair("hub.reason", reason);
    client.get(url.as_str(), 0)?;
    Ok(())
}

/// Runs a request on a thread of its own, which a shutdown does not wait for.
pub(super) async fn on_thread(
    work: impl FnOnce() -> Result<(), Failure> + Send + 'static,
) -> Result<(), Failure> {
    let (send, receive) = oneshot::channel();
    let thread = move || {
        // The caller may have been stopped.
        let _ = send.send(work());
    };
    std::thread::Builder::new().name("push".to_owned()).spawn(thread).map_err(Failure::silent)?;
    receive.await.unwrap_or_else(|_| Err(Failure::silent("the request was abandoned")))
}

/// A document for a subscriber.
pub(super) struct Delivery<'d> {
    pub(super) callback: &'d str,
    pub(super) secret: Option<&'d str>,
    pub(super) media_type: HeaderValue,
    pub(super) link: Option<HeaderValue>,
    pub(super) body: &'d [u8],
}

/// Sends a document (W3C WebSub §7, feed rule W4).
pub(super) fn deliver(
    client: &CallbackClient,
    signature: Signature,
    delivery: Delivery<'_>,
) -> Result<(), Failure> {
    let mut headers = vec![(CONTENT_TYPE, delivery.media_type)];
    headers.extend(delivery.link.map(|link| (LINK, link)));
    if let Some(secret) = delivery.secret {
        let value = HeaderValue::try_from(signature.of(secret, delivery.body)).map_err(Failure::new)?;
        headers.push((X_HUB_SIGNATURE, value));
    }
    post(client, delivery.callback, &CallbackMessage { headers, body: delivery.body })
}

/// A change for a webhook.
pub(super) struct WebhookMessage<'m> {
    pub(super) url: &'m str,
    pub(super) secret: &'m str,
    /// The number of the change, and the id of its log.
    pub(super) number: u64,
    pub(super) log: &'m str,
    /// JSON.
    pub(super) body: &'m [u8],
}

/// Sends a change.
pub(super) fn call_webhook(client: &CallbackClient, message: &WebhookMessage<'_>) -> Result<(), Failure> {
    let WebhookMessage { url, secret, number, log, body } = message;
    let text = |text: String| HeaderValue::try_from(text).map_err(Failure::new);
    let headers = vec![
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (X_SIGNATURE, text(Signature::Sha256.of(secret, body))?),
        (IDEMPOTENCY_KEY, HeaderValue::from(*number)),
        (BANTIN_LOG, text((*log).to_owned())?),
    ];
    post(client, url, &CallbackMessage { headers, body })
}

/// Sends JSON to a service that the configuration names.
pub(super) fn post_json(client: &CallbackClient, url: &str, body: &[u8]) -> Result<(), Failure> {
    let headers = vec![(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"))];
    post(client, url, &CallbackMessage { headers, body })
}

/// Tells a hub that a topic has changed.
pub(super) fn publish(client: &CallbackClient, hub: &str, topic: &str) -> Result<(), Failure> {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    let form = form.append_pair("hub.mode", "publish").append_pair("hub.url", topic).finish();
    let media_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    post(client, hub, &CallbackMessage { headers: vec![(CONTENT_TYPE, media_type)], body: form.as_bytes() })
}

fn post(client: &CallbackClient, url: &str, message: &CallbackMessage<'_>) -> Result<(), Failure> {
    let answer = client.post(url, message)?;
    match answer.status.is_success() {
        true => Ok(()),
        false => Err(Failure::of_status(answer.status, answer.retry_after())),
    }
}
