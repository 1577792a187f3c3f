//! Outgoing HTTP: one client for everything that this program requests.
//!
//! SECURITY: the URL of a source, of its redirects and of its articles is untrusted. A request could otherwise reach
//! services of this machine or of the internal network. [`Fetcher`] therefore
//! - parses a URL as browsers do, which turns every spelling of an IP address into the address itself,
//! - resolves the name once and connects only to the addresses that passed the check,
//! - follows redirects itself and checks each of them in the same way,
//! - limits the time of the whole request, and the size of a body before and after decompression.
//!
//! Proxies are taken from `ALL_PROXY`, `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`. A proxy resolves the names itself:
//! only addresses that are written as numbers are checked then, and the proxy must refuse internal names.

mod address;
mod callback;

use std::fmt;
use std::io::Read as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flate2::read::MultiGzDecoder;
use tokio::sync::oneshot;
use ureq::http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_LENGTH, ETAG, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LAST_MODIFIED, LOCATION,
};
use ureq::http::{HeaderMap, StatusCode};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, config::Config, http::Uri};
use url::Url;

pub use address::{AllowList, AllowedAddresses, UrlError, is_public, parse_url};
pub use callback::{CallbackClient, CallbackMessage, CallbackResponse};

/// What may be done to an answer (RFC 3229 §10.5.3).
const A_IM: HeaderName = HeaderName::from_static("a-im");

/// Limits of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time of the whole request, redirects included.
    pub time: Duration,
    /// Maximum size of a body in bytes, before and after decompression.
    pub bytes: u64,
    /// Maximum number of redirects.
    pub redirects: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { time: Duration::from_secs(30), bytes: 8 << 20, redirects: 5 }
    }
}

/// A GET request.
#[derive(Clone, Debug)]
pub struct FetchRequest {
    /// Absolute, `http` or `https`.
    pub url: String,
    /// Which addresses it may lead to.
    pub addresses: AllowedAddresses,
    /// The `Accept` header.
    pub accept: &'static str,
    /// `ETag` of the copy that the caller has.
    pub etag: Option<String>,
    /// `Last-Modified` of the copy that the caller has.
    pub last_modified: Option<String>,
    /// Status 226 may answer with the changed entries of a feed only (RFC 3229), if there is an `etag`.
    pub accepts_delta: bool,
    /// Limits of this request, if not those of the client.
    pub limits: Option<Limits>,
}

impl FetchRequest {
    /// A request for whatever is there.
    pub fn new(url: impl Into<String>, addresses: AllowedAddresses) -> Self {
        let url = url.into();
        let (etag, last_modified, accepts_delta) = (None, None, false);
        Self { url, addresses, accept: "*/*", etag, last_modified, accepts_delta, limits: None }
    }
}

/// A response, of any status.
#[derive(Clone, Debug)]
pub struct FetchResponse {
    /// The status, never a redirect that could be followed.
    pub status: StatusCode,
    /// The URL that responded.
    pub url: Url,
    /// Where permanent redirects (301, 308) lead from the requested URL, up to the first temporary one.
    pub moved_to: Option<Url>,
    /// The header of the response.
    pub headers: HeaderMap,
    /// The body, decompressed.
    pub body: Vec<u8>,
}

impl FetchResponse {
    /// A header as text; `None` if it is missing or not ASCII.
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Its `ETag` and `Last-Modified`.
    pub fn validators(&self) -> (Option<String>, Option<String>) {
        (self.header(ETAG).map(str::to_owned), self.header(LAST_MODIFIED).map(str::to_owned))
    }
}

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The URL cannot be requested.
    #[error("{0}")]
    Url(#[from] UrlError),
    /// All addresses of the host are internal ones.
    #[error(
        "{0} has a private or reserved address; if that is intended, set allow_private = true for the source"
    )]
    PrivateAddress(String),
    /// All addresses of a callback are internal ones and not on the allow-list.
    #[error("{0} has a private or reserved address; if that is intended, name it in hub.allow")]
    NotAllowed(String),
    /// Too many redirects, or a circle of them.
    #[error("more than {0} redirects")]
    TooManyRedirects(usize),
    /// A redirect without a usable target.
    #[error("status {0} without a usable Location")]
    BadRedirect(StatusCode),
    /// The body is larger than the limit.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(u64),
    /// The limit of time was reached.
    #[error("no complete answer within {0:?}")]
    Timeout(Duration),
    /// The body is compressed and damaged.
    #[error("the compressed answer is damaged or cut off")]
    Damaged,
    /// No connection, no TLS, no valid HTTP, or the answer was cut off.
    #[error("{0}")]
    Failed(String),
}

/// Sends GET requests. Clones share their connections.
#[derive(Clone)]
pub struct Fetcher {
    public: Agent,
    all: Agent,
    limits: Limits,
}

impl Fetcher {
    /// A client that introduces itself as `user_agent`.
    pub fn new(user_agent: &str, limits: Limits) -> Self {
        let agent = |allowed| agent(allowed, user_agent, limits.time);
        Self { public: agent(AllowedAddresses::Public), all: agent(AllowedAddresses::All), limits }
    }

    /// Requests a URL and follows redirects.
    ///
    /// Runs on a thread of its own, which a shutdown does not wait for.
    ///
    /// # Errors
    /// If there is no response within the limits. A response with an error status is a response.
    pub async fn get(&self, request: FetchRequest) -> Result<FetchResponse, FetchError> {
        let (fetcher, (send, receive)) = (self.clone(), oneshot::channel());
        std::thread::Builder::new()
            .name("fetch".to_owned())
            .spawn(move || {
                // The caller may have been stopped.
                let _ = send.send(fetcher.get_blocking(&request));
            })
            .map_err(|cause| FetchError::Failed(cause.to_string()))?;
        receive.await.unwrap_or_else(|_| Err(FetchError::Failed("the request was abandoned".to_owned())))
    }

    fn get_blocking(&self, request: &FetchRequest) -> Result<FetchResponse, FetchError> {
        let limits = request.limits.unwrap_or(self.limits);
        let deadline = Instant::now() + limits.time;
        let mut url = parse_url(&request.url, request.addresses)?;
        let (mut moved_to, mut is_permanent) = (None, true);
        for _ in 0..=limits.redirects {
            let mut response = self.send(request, &url, deadline, limits)?;
            let status = response.status();
            let is_redirect = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
            if !is_redirect {
                let body = body_of(&mut response, limits)?;
                let headers = response.headers().clone();
                return Ok(FetchResponse { status, url, moved_to, headers, body });
            }
            let location = response.headers().get(LOCATION).map(|location| location.as_bytes());
            let location = location.and_then(|location| std::str::from_utf8(location).ok());
            let target = location.and_then(|location| url.join(location).ok());
            let target = target.ok_or(FetchError::BadRedirect(status))?;
            url = parse_url(target.as_str(), request.addresses)?;
            is_permanent &= matches!(status.as_u16(), 301 | 308);
            if is_permanent {
                moved_to = Some(url.clone());
            }
        }
        Err(FetchError::TooManyRedirects(limits.redirects))
    }

    fn send(
        &self,
        request: &FetchRequest,
        url: &Url,
        deadline: Instant,
        limits: Limits,
    ) -> Result<ureq::http::Response<ureq::Body>, FetchError> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(FetchError::Timeout(limits.time));
        }
        let agent = match request.addresses {
            AllowedAddresses::Public => &self.public,
            AllowedAddresses::All => &self.all,
        };
        let mut sent = agent
            .get(url.as_str())
            .config()
            .timeout_global(Some(left))
            .build()
            .header(ACCEPT, request.accept)
            .header(ACCEPT_ENCODING, "gzip");
        if let Some(etag) = &request.etag {
            sent = sent.header(IF_NONE_MATCH, etag);
            if request.accepts_delta {
                sent = sent.header(A_IM, "feed");
            }
        }
        if let Some(moment) = &request.last_modified {
            sent = sent.header(IF_MODIFIED_SINCE, moment);
        }
        sent.call().map_err(|cause| error_of(cause, limits))
    }
}

fn body_of(response: &mut ureq::http::Response<ureq::Body>, limits: Limits) -> Result<Vec<u8>, FetchError> {
    let limit = limits.bytes;
    let stated = response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if stated.is_some_and(|length: u64| length > limit) {
        return Err(FetchError::TooLarge(limit));
    }
    let body = response.body_mut().with_config().limit(limit).read_to_vec();
    let body = body.map_err(|cause| error_of(cause, limits))?;
    // By content: some servers compress without saying so, and others say so without compressing.
    if !body.starts_with(&[0x1f, 0x8b]) {
        return Ok(body);
    }
    let mut plain = Vec::new();
    MultiGzDecoder::new(body.as_slice())
        .take(limit + 1)
        .read_to_end(&mut plain)
        .map_err(|_| FetchError::Damaged)?;
    if plain.len() as u64 > limit { Err(FetchError::TooLarge(limit)) } else { Ok(plain) }
}

fn error_of(cause: ureq::Error, limits: Limits) -> FetchError {
    match cause {
        ureq::Error::Timeout(_) => FetchError::Timeout(limits.time),
        ureq::Error::BodyExceedsLimit(limit) => FetchError::TooLarge(limit),
        ureq::Error::Other(cause) => match cause.downcast::<PrivateHost>() {
            Ok(host) => FetchError::PrivateAddress(host.0),
            Err(cause) => FetchError::Failed(cause.to_string()),
        },
        other => FetchError::Failed(other.to_string()),
    }
}

/// A random number from 0 to 1, to spread requests that would otherwise be sent at the same time.
pub fn jitter() -> f64 {
    let mut byte = [0];
    // Without random bytes there is no spread.
    let _ = getrandom::fill(&mut byte);
    f64::from(byte[0]) / 255.0
}

/// A client with the TLS roots and proxies of the system that follows no redirects.
pub fn agent(allowed: AllowedAddresses, user_agent: &str, timeout: Duration) -> Agent {
    let check = match allowed {
        AllowedAddresses::Public => AddressCheck::Listed(Arc::default()),
        AllowedAddresses::All => AddressCheck::None,
    };
    checked_agent(check, user_agent, timeout)
}

fn checked_agent(check: AddressCheck, user_agent: &str, timeout: Duration) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        // Requests to one host are minutes apart; a server that closes its connection at once would break a redirect.
        .max_idle_connections(0)
        .user_agent(user_agent)
        .timeout_connect(Some(timeout.min(Duration::from_secs(20))))
        .timeout_global(Some(timeout))
        .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
        .build();
    Agent::with_parts(
        config,
        DefaultConnector::default(),
        CheckedResolver { check, inner: DefaultResolver::default() },
    )
}

/// Resolves names and drops the addresses that are not allowed.
///
/// NOTE: the connection is made to one of the addresses returned here, so that a name cannot change its address between
/// the check and the connection.
#[derive(Debug)]
struct CheckedResolver {
    check: AddressCheck,
    inner: DefaultResolver,
}

/// Which addresses a name may have.
#[derive(Clone, Debug)]
enum AddressCheck {
    /// All.
    None,
    /// Public ones, and those on the list.
    Listed(Arc<AllowList>),
}

impl Resolver for CheckedResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.inner.resolve(uri, config, timeout)?;
        // The operator's proxy may be anywhere.
        let is_proxy = config.proxy().is_some_and(|proxy| proxy.uri() == uri && !proxy.is_no_proxy(uri));
        let list = match &self.check {
            AddressCheck::Listed(list) if !is_proxy => list,
            AddressCheck::Listed(_) | AddressCheck::None => return Ok(found),
        };
        let host = uri.host().unwrap_or_default().to_owned();
        let mut allowed = self.empty();
        found
            .iter()
            .filter(|address| list.permits(&host, address.ip()))
            .for_each(|address| allowed.push(*address));
        if allowed.is_empty() {
            return Err(ureq::Error::Other(Box::new(PrivateHost(host))));
        }
        Ok(allowed)
    }
}

/// The host all of whose addresses are internal ones.
#[derive(Debug)]
struct PrivateHost(String);

impl fmt::Display for PrivateHost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} has a private address", self.0)
    }
}

impl std::error::Error for PrivateHost {}
