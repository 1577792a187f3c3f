//! Health checks and metrics, for load balancers and the operator.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper::header::ACCEPT;
use hyper::{HeaderMap, Method, Request, StatusCode};
use serde_json::json;

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
    /// What every page announces now.
    pub notice: Option<String>,
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
            "/metrics" => metrics_page(request.headers(), (self.metrics)()),
            "/healthz" => response::plain(StatusCode::OK, "text/plain; charset=utf-8", "ok\n".to_owned()),
            "/readyz" => readiness(&self.health),
            _ => response::not_found(),
        }
    }
}

/// The page in the format that the scraper accepts: OpenMetrics if it names it, otherwise the text format of Prometheus.
fn metrics_page(headers: &HeaderMap, openmetrics: String) -> HttpResponse {
    let mut accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let (media_type, page) = match accepted.any(|value| value.contains("application/openmetrics-text")) {
        true => ("application/openmetrics-text; version=1.0.0; charset=utf-8", openmetrics),
        false => ("text/plain; version=0.0.4; charset=utf-8", prometheus_text(&openmetrics)),
    };
    response::plain(StatusCode::OK, media_type, page)
}

/// OpenMetrics in the older text format: there, a counter is named with its suffix, `info` is a gauge, and there is no
/// end mark.
fn prometheus_text(openmetrics: &str) -> String {
    let kinds: HashMap<&str, &str> =
        openmetrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
    let mut page = String::with_capacity(openmetrics.len());
    for line in openmetrics.lines() {
        let mut words = line.splitn(4, ' ');
        let (Some("#"), Some(keyword), Some(name)) = (words.next(), words.next(), words.next()) else {
            if line != "# EOF" {
                page.push_str(line);
                page.push('\n');
            }
            continue;
        };
        let rest = words.next().unwrap_or_default();
        let (suffix, kind) = match kinds.get(name) {
            Some(&"counter") => ("_total", "counter"),
            Some(&"info") => ("_info", "gauge"),
            Some(kind) => ("", *kind),
            None => ("", "untyped"),
        };
        let rest = if keyword == "TYPE" { kind } else { rest };
        if keyword != "UNIT" {
            page.push_str(&format!("# {keyword} {name}{suffix} {rest}\n"));
        }
    }
    page
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
    let mut body = json!({ "ready": ready, "store": store, "writes": writes });
    if let Some(notice) = &health.notice {
        body["notice"] = notice.as_str().into();
    }
    response::plain(status, "application/json", format!("{body}\n"))
}
