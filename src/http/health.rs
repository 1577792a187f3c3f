//! Health checks and metrics, for load balancers and the operator.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper::{Method, Request, StatusCode};

use super::response::{self, HttpResponse};
use super::server::RequestBody;
use super::validity;

/// The state of the service, for load balancers and the operator.
#[derive(Debug, Default)]
pub struct Health {
    /// The first scan and its rendering are complete.
    pub ready: AtomicBool,
    /// The last read of the store succeeded.
    pub store: AtomicBool,
    /// The last write to the store succeeded.
    pub writes: AtomicBool,
}

/// Serves metrics and health checks on a separate listener.
#[derive(Clone)]
pub struct AdminHandler {
    health: Arc<Health>,
    metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

impl AdminHandler {
    /// `metrics` returns the metrics in the OpenMetrics text format.
    pub fn new(health: Arc<Health>, metrics: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self { health, metrics: Arc::new(metrics) }
    }

    /// Answers one request.
    pub async fn answer(self, request: Request<RequestBody>, _from: SocketAddr) -> HttpResponse {
        if let Err(invalid) = validity::check(&request) {
            return invalid.reply();
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return response::method_not_allowed("GET, HEAD");
        }
        match request.uri().path() {
            "/metrics" => response::plain(
                StatusCode::OK,
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
                (self.metrics)(),
            ),
            "/healthz" => response::plain(StatusCode::OK, "text/plain; charset=utf-8", "ok\n".to_owned()),
            "/readyz" => readiness(&self.health),
            _ => response::not_found(),
        }
    }
}

pub(super) fn is_ready(health: &Health) -> bool {
    health.ready.load(Ordering::Acquire)
}

/// 200 from the first complete scan and rendering on, whatever the store does: a process that serves from
/// memory must not be taken out of rotation. The state of the store is in the body.
pub(super) fn readiness(health: &Health) -> HttpResponse {
    let ready = is_ready(health);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let availability = |so: &AtomicBool| if so.load(Ordering::Acquire) { "available" } else { "unavailable" };
    let (store, writes) = (availability(&health.store), availability(&health.writes));
    let body = format!("{{\"ready\":{ready},\"store\":\"{store}\",\"writes\":\"{writes}\"}}\n");
    response::plain(status, "application/json", body)
}
