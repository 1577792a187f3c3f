//! Rate limit and access log, both off by default and then free.
//!
//! A client is identified by its address. Behind a proxy, that is the last one in `X-Forwarded-For` that is
//! not a trusted proxy (feed rule C8: 429 with `Retry-After`).

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hyper::Request;
use hyper::body::Body as _;
use ipnet::IpNet;
use tracing::info;

use super::api;
use super::client_ip::{client_address, rate_limit_key};
use super::keyed_limiter::KeyedLimiter;
use super::metrics::RouteClass;
use super::response::{self, HttpResponse};
use super::server::{RequestBody, Service};
use crate::urls::{Route, SiteUrls, redact_request};

/// The operator's settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MiddlewareOptions {
    /// The proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// Maximum number of requests per minute and client; unlimited if none.
    pub requests_per_minute: Option<NonZeroU32>,
    /// Maximum number of articles that a token may publish, correct or withdraw per minute; unlimited if
    /// none.
    pub writes_per_minute: Option<NonZeroU32>,
    /// Log one line per request.
    pub access_log: bool,
}

impl MiddlewareOptions {
    /// True if neither feature is on.
    pub fn is_off(&self) -> bool {
        self.requests_per_minute.is_none() && !self.access_log
    }
}

/// Wraps a service. Clones share their counters.
#[derive(Clone)]
pub struct RateLimitLayer(Arc<Inner>);

struct Inner {
    options: MiddlewareOptions,
    addresses: Arc<SiteUrls>,
    limiter: KeyedLimiter<IpAddr>,
    /// The number of logged requests, which identifies them in the log of this process.
    requests: AtomicU64,
}

impl RateLimitLayer {
    /// A layer with all counters at zero.
    pub fn new(options: MiddlewareOptions, addresses: Arc<SiteUrls>) -> Self {
        let limiter = KeyedLimiter::per_minute(options.requests_per_minute);
        Self(Arc::new(Inner { options, addresses, limiter, requests: AtomicU64::new(1) }))
    }

    /// Passes a request to `service`, or answers with 429.
    pub async fn answer(
        &self,
        request: Request<RequestBody>,
        from: SocketAddr,
        service: impl Service,
    ) -> HttpResponse {
        let client = client_address(request.headers(), from.ip(), &self.0.options.trusted_proxies);
        let logged = self
            .0
            .options
            .access_log
            .then(|| (Instant::now(), request.method().clone(), request.uri().clone()));
        let reply = match self.check(request.uri().path(), client) {
            Ok(()) => service.answer(request, from).await,
            Err(wait) => self.too_many_requests(request.uri().path(), wait),
        };
        if let Some((started, method, address)) = logged {
            let id = self.0.requests.fetch_add(1, Ordering::Relaxed);
            let route = RouteClass::of(address.path()).as_str();
            // SECURITY: tokens and secrets of others stand in queries.
            let address = redact_request(address.path(), address.query());
            let (status, bytes) = (reply.status().as_u16(), reply.body().size_hint().exact());
            let ms = started.elapsed().as_secs_f64() * 1e3;
            info!(id, %client, %method, %address, status, bytes, route, ms, "request answered");
        }
        reply
    }
}

impl RateLimitLayer {
    /// NOTE: health checks are never limited. A balancer that got 429 would restart a healthy process.
    fn check(&self, path: &str, client: IpAddr) -> Result<(), Duration> {
        let is_health_check = || matches!(self.0.addresses.parse(path), Route::Health | Route::Ready);
        if self.0.options.requests_per_minute.is_none() || is_health_check() {
            return Ok(());
        }
        self.0.limiter.check(&rate_limit_key(client))
    }

    /// Problem details below `/api`, otherwise a page.
    fn too_many_requests(&self, path: &str, wait: Duration) -> HttpResponse {
        match api::is_below(&self.0.addresses.local_path(path)) {
            true => api::rate_limited(&self.0.addresses, wait),
            false => response::too_many_requests(wait),
        }
    }
}
