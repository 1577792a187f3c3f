//! The requests of the collector: who waits for whom, and why a source could not be read.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER};
use tokio::sync::Semaphore;

use super::hosts::Hosts;
use super::state::{self, FailureCause};
use crate::fetch::{FetchError, FetchRequest, FetchResponse, Fetcher, Limits};
use crate::parse::{FeedFault, SourceFeed, read_feed};
use crate::time::Timestamp;

/// The formats of feeds.
pub(super) const ACCEPT: &str = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, \
                      text/xml;q=0.9, text/html;q=0.5, */*;q=0.1";
/// What was done to an answer (RFC 3229 §10.5.2).
const IM: HeaderName = HeaderName::from_static("im");
/// Maximum number of requests at the same time, without those that wait for changes.
const MAX_REQUESTS: usize = 16;
/// The same for sources that fail, most of which do not answer at all.
const MAX_FAILING_REQUESTS: usize = 8;

/// Sends requests. Clones share the turns of hosts.
#[derive(Clone)]
pub(super) struct Client {
    fetcher: Fetcher,
    hosts: Hosts,
    requests: Arc<Semaphore>,
    of_failing: Arc<Semaphore>,
}

/// Why a source could not be read.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) reason: String,
    pub(super) cause: FailureCause,
    /// The status of its answer, if there was one.
    pub(super) status: Option<StatusCode>,
    pub(super) retry_after: Option<chrono::TimeDelta>,
}

impl Failure {
    /// An answer that cannot be used.
    pub(super) fn new(reason: impl ToString) -> Self {
        Self { reason: reason.to_string(), cause: FailureCause::Unusable, status: None, retry_after: None }
    }

    /// The source answered 410.
    pub(super) fn is_gone(&self) -> bool {
        self.status == Some(StatusCode::GONE)
    }
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        let cause = match &error {
            FetchError::Url(_) | FetchError::PrivateAddress(_) | FetchError::NotAllowed(_) => {
                FailureCause::Address
            }
            FetchError::Timeout(_) => FailureCause::Timeout,
            FetchError::Failed(_) => FailureCause::Connection,
            FetchError::TooManyRedirects(_)
            | FetchError::BadRedirect(_)
            | FetchError::TooLarge(_)
            | FetchError::Damaged => FailureCause::Unusable,
        };
        Self { cause, ..Self::new(error) }
    }
}

impl Client {
    pub(super) fn new(user_agent: &str) -> Self {
        let fetcher = Fetcher::new(user_agent, Limits::default());
        let of_failing = Arc::new(Semaphore::new(MAX_FAILING_REQUESTS));
        Self {
            fetcher,
            hosts: Hosts::default(),
            requests: Arc::new(Semaphore::new(MAX_REQUESTS)),
            of_failing,
        }
    }

    /// The client for sources that fail: they wait for each other and for nobody else, and nobody waits for them.
    pub(super) fn for_failing(&self) -> Self {
        Self { requests: Arc::clone(&self.of_failing), ..self.clone() }
    }

    /// A response of any status.
    pub(super) async fn get(&self, request: FetchRequest) -> Result<FetchResponse, FetchError> {
        let _turn = self.hosts.turn(&request.url).await;
        let permit = self.requests.acquire().await;
        let _permit = permit.map_err(|closed| FetchError::Failed(closed.to_string()))?;
        self.fetcher.get(request).await
    }

    /// A response of any status to a request that the server holds until something changes. It costs nothing while it
    /// waits, so others do not wait for it.
    pub(super) async fn wait(&self, request: FetchRequest) -> Result<FetchResponse, FetchError> {
        let _turn = self.hosts.turn(&request.url).await;
        self.fetcher.get(request).await
    }
}

/// A response with status 200 or 304.
pub(super) fn successful(
    response: Result<FetchResponse, FetchError>,
    now: Timestamp,
) -> Result<FetchResponse, Failure> {
    let response = response?;
    let status = response.status;
    if status == StatusCode::OK || status == StatusCode::NOT_MODIFIED {
        return Ok(response);
    }
    let reason = match status == StatusCode::GONE {
        true => "the source answers 410: it exists no more and is not requested again".to_owned(),
        false => format!("the source answers {status}"),
    };
    let retry_after = response.header(RETRY_AFTER).and_then(|value| state::retry_after(value, now));
    let cause = FailureCause::Status(status.as_u16());
    Err(Failure { reason, cause, status: Some(status), retry_after })
}

/// A response with status 200 or 304, or 226 with the changed entries of a feed. Also returns whether it is the latter.
/// `has_base`: there is a copy that they change.
pub(super) fn successful_feed(
    response: Result<FetchResponse, FetchError>,
    has_base: bool,
    now: Timestamp,
) -> Result<(FetchResponse, bool), Failure> {
    match response {
        Ok(response) if response.status == StatusCode::IM_USED => {
            // Another manipulation would make another document of it (RFC 3229 §10.4.1).
            let done = response.header(IM).unwrap_or_default().trim();
            match has_base && done.eq_ignore_ascii_case("feed") {
                true => Ok((response, true)),
                false => Err(Failure::new("the source answers 226 without being asked for changed entries")),
            }
        }
        response => Ok((successful(response, now)?, false)),
    }
}

/// Reads a response as a feed.
pub(super) fn read_response(response: &FetchResponse) -> Result<SourceFeed, FeedFault> {
    let charset = response.header(CONTENT_TYPE).and_then(|value| {
        let behind = value.split(';').skip(1).find_map(|part| part.trim().strip_prefix("charset="))?;
        Some(behind.trim_matches('"'))
    });
    read_feed(&response.body, charset, &response.url)
}

/// Whether a body is a web page.
pub(super) fn is_html(body: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&body[..body.len().min(2048)]).to_ascii_lowercase();
    head.contains("<html") || head.contains("<!doctype html")
}
