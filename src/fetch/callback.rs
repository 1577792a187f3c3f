//! Requests to callbacks: URLs that strangers name and that are told something.

use std::io::Read as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ureq::Agent;
use ureq::http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use ureq::http::{HeaderMap, StatusCode};
use url::Url;

use super::address::{AllowList, AllowedAddresses, UrlError, address_of, parse_url};
use super::{AddressCheck, FetchError, PrivateHost, checked_agent};
use crate::urls::redact_url;

/// Sends requests to callbacks. Clones share it.
///
/// SECURITY: a callback is untrusted. Redirects are not followed, the addresses are checked with every request, and of
/// the answer no more is read than the caller needs.
#[derive(Clone)]
pub struct CallbackClient {
    agent: Agent,
    allow: Arc<AllowList>,
    timeout: Duration,
}

/// What is sent.
#[derive(Clone, Debug)]
pub struct CallbackMessage<'m> {
    /// The headers, `Content-Type` included.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: &'m [u8],
}

/// The answer of a callback.
#[derive(Clone, Debug)]
pub struct CallbackResponse {
    /// The status. A redirect is not followed.
    pub status: StatusCode,
    /// The first bytes of the body, as many as were wanted.
    pub body: Vec<u8>,
    headers: HeaderMap,
}

impl CallbackResponse {
    /// The value of `Retry-After`.
    pub fn retry_after(&self) -> Option<&str> {
        self.headers.get(RETRY_AFTER)?.to_str().ok()
    }
}

impl CallbackClient {
    /// A client that introduces itself as `user_agent`. A request takes at most `timeout`.
    pub fn new(user_agent: &str, allow: AllowList, timeout: Duration) -> Self {
        let allow = Arc::new(allow);
        let agent = checked_agent(AddressCheck::Listed(Arc::clone(&allow)), user_agent, timeout);
        Self { agent, allow, timeout }
    }

    /// Parses the URL of a callback. Its fragment is left out.
    ///
    /// # Errors
    /// If it must not be requested. A host name is checked with each request only.
    pub fn parse(&self, text: &str) -> Result<Url, FetchError> {
        parse_callback(text, &self.allow)
    }

    /// Sends a GET request and reads at most `bytes` of the answer. Blocks.
    ///
    /// # Errors
    /// If there is no answer in time, or the address must not be requested.
    pub fn get(&self, url: &str, bytes: u64) -> Result<CallbackResponse, FetchError> {
        let url = self.parse(url)?;
        let started = Instant::now();
        let answer = self.agent.get(url.as_str()).call().map_err(|cause| self.error(cause))?;
        let (parts, body) = answer.into_parts();
        let mut read = Vec::new();
        let whole = body.into_reader().take(bytes).read_to_end(&mut read);
        if started.elapsed() >= self.timeout {
            return Err(FetchError::Timeout(self.timeout));
        }
        whole.map_err(|cause| FetchError::Failed(cause.to_string()))?;
        Ok(CallbackResponse { status: parts.status, headers: parts.headers, body: read })
    }

    /// Sends a POST request. Of the answer only the head is read. Blocks.
    ///
    /// # Errors
    /// If there is no answer in time, or the address must not be requested.
    pub fn post(&self, url: &str, message: &CallbackMessage<'_>) -> Result<CallbackResponse, FetchError> {
        let url = self.parse(url)?;
        let mut request = self.agent.post(url.as_str());
        for (name, value) in &message.headers {
            request = request.header(name, value);
        }
        let answer = request.send(message.body).map_err(|cause| self.error(cause))?;
        let (parts, _) = answer.into_parts();
        Ok(CallbackResponse { status: parts.status, headers: parts.headers, body: Vec::new() })
    }

    fn error(&self, cause: ureq::Error) -> FetchError {
        match cause {
            ureq::Error::Timeout(_) => FetchError::Timeout(self.timeout),
            ureq::Error::Other(cause) => match cause.downcast::<PrivateHost>() {
                Ok(host) => FetchError::NotAllowed(host.0),
                Err(cause) => FetchError::Failed(cause.to_string()),
            },
            other => FetchError::Failed(other.to_string()),
        }
    }
}

fn parse_callback(text: &str, allow: &AllowList) -> Result<Url, FetchError> {
    let url = parse_url(text, AllowedAddresses::All)?;
    let host = url.host().ok_or_else(|| UrlError::NotHttp(redact_url(text)))?;
    let address = address_of(&host);
    match address {
        Some(address) if !allow.permits(url.host_str().unwrap_or_default(), address) => {
            Err(FetchError::NotAllowed(address.to_string()))
        }
        _ => Ok(url),
    }
}
