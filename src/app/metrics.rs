//! The metrics page. Each module has its own counters; this module encodes them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::process;
use crate::http::metrics::{RouteClass, ServerMetrics};
use crate::http::{Health, TlsCertificate};
use crate::latency::{BOUNDS, Latency, LatencySnapshot};
use crate::pull::{self, WatchedSource};
use crate::push::HubCounters;
use crate::store::Store;
use crate::time::Timestamp;
use crate::{ingest, render};

/// The counters of all modules.
#[derive(Clone)]
pub(super) struct Metrics {
    pub(super) server: ServerMetrics,
    pub(super) ingest: Arc<ingest::Counters>,
    pub(super) renderer: Arc<render::RenderCounters>,
    pub(super) hub: Arc<HubCounters>,
    /// Duration of the reads by which the store is checked each second.
    pub(super) store_reads: Arc<Latency>,
    /// When the newest backup was begun, in Unix seconds; 0 if there is none.
    pub(super) last_backup: Arc<AtomicU64>,
    pub(super) tls: Option<TlsCertificate>,
    pub(super) store: Store,
    pub(super) health: Arc<Health>,
    pub(super) sources: pull::Collector,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Metrics")
    }
}

impl Metrics {
    /// The page, in the OpenMetrics text format.
    pub(super) fn render(&self) -> String {
        let mut registry = Registry::default();
        registry.sub_registry_with_prefix("bantin").register_collector(Box::new(self.clone()));
        registry.sub_registry_with_prefix("process").register_collector(Box::new(Process));
        let mut page = String::new();
        match prometheus_client::encoding::text::encode(&mut page, &registry) {
            Ok(()) => page,
            // Encoding into a string cannot fail.
            Err(_) => String::new(),
        }
    }
}

impl Collector for Metrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let counts = self.server.counts();
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let is = |state: &AtomicBool| u64::from(state.load(Ordering::Relaxed));

        let build = Info::new([("version", env!("CARGO_PKG_VERSION")), ("log", self.store.log_id())]);
        build.encode(encoder.encode_descriptor("build", "Program and log", None, MetricType::Info)?)?;
        let mut responses = encoder.encode_descriptor(
            "http_responses",
            "Responses by class of status",
            None,
            MetricType::Counter,
        )?;
        for (class, count) in ["1xx", "2xx", "3xx", "4xx", "5xx"].into_iter().zip(counts.answers) {
            ConstCounter::new(count).encode(responses.encode_family(&[("status", class)])?)?;
        }
        let help = "From the headers of a request to its response, by kind of document";
        let mut durations =
            encoder.encode_descriptor("http_request_duration_seconds", help, None, MetricType::Histogram)?;
        for route in RouteClass::ALL {
            let labels = [("route", route.as_str())];
            encode_latency(&mut durations.encode_family(&labels)?, counts.latency[route as usize])?;
        }
        for (name, help, latency) in [
            ("render_duration_seconds", "Duration of a render pass", &self.renderer.duration),
            ("store_read_duration_seconds", "Duration of a short read of the store", &self.store_reads),
        ] {
            let mut described = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
            encode_latency(&mut described, latency.snapshot())?;
        }
        for (name, help, count) in [
            ("http_not_modified", "Responses with status 304", counts.not_modified),
            ("connections", "Accepted connections", counts.connections),
            ("connections_timed_out", "Connections aborted by a time limit", counts.timed_out),
            ("scans", "Scans of the folder", read(&self.ingest.scans)),
            ("file_revisions", "Revisions from files", read(&self.ingest.revisions)),
            ("render_passes", "Render passes that changed a document", read(&self.renderer.renders)),
            ("rendered_documents", "Rendered documents", read(&self.renderer.documents)),
            ("hub_confirmed", "Requests of subscribers that they confirmed", read(&self.hub.confirmed)),
            (
                "hub_unconfirmed",
                "Requests of subscribers that they did not confirm",
                read(&self.hub.unconfirmed),
            ),
            ("hub_delivered", "Documents delivered to subscribers", read(&self.hub.delivered)),
            ("hub_failed", "Failed attempts to deliver a document", read(&self.hub.failed)),
            (
                "render_failures",
                "Articles or channels that failed verification",
                read(&self.renderer.failures),
            ),
        ] {
            let counter = ConstCounter::new(count);
            counter.encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)?;
        }
        let head = self.store.subscribe().borrow().head;
        let queued = u64::try_from(self.store.queued_writes()).unwrap_or(u64::MAX);
        for (name, help, value) in [
            ("connections_open", "Open connections", counts.open),
            ("log_head", "Number of the newest revision", head),
            ("files_refused", "Files whose newest bytes are not an article", read(&self.ingest.rejected)),
            ("hub_subscriptions", "Subscriptions at the hub, where it runs", read(&self.hub.subscriptions)),
            (
                "last_backup_timestamp_seconds",
                "When the newest backup was begun by `bantin backup`; 0 if there is none",
                read(&self.last_backup),
            ),
            ("writes_queued", "Writes that wait for the next transaction", queued),
            ("ready", "1 from the first complete scan and rendering on", is(&self.health.ready)),
            ("store_up", "1 while the store can be read", is(&self.health.store)),
            ("store_writable", "1 while the store accepts writes", is(&self.health.writes)),
        ] {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        if let Some(validity) = self.tls.as_ref().and_then(TlsCertificate::validity) {
            let (name, help) = ("certificate_expires_timestamp_seconds", "When the certificate expires");
            let gauge = ConstGauge::new(validity.until.timestamp());
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        self.encode_sources(&mut encoder)
    }
}

impl Metrics {
    /// The sources that this process polls.
    fn encode_sources(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let watched = self.sources.watched();
        if watched.is_empty() {
            return Ok(());
        }
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        for (name, help, value) in SOURCE_GAUGES {
            let mut described = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (source, seen) in &watched {
                let gauge = ConstGauge::new(number(value(seen)));
                gauge.encode(described.encode_family(&[("source", source.as_str())])?)?;
            }
        }
        for (name, help, value) in SOURCE_COUNTERS {
            let mut described = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (source, seen) in &watched {
                let counter = ConstCounter::new(value(seen));
                counter.encode(described.encode_family(&[("source", source.as_str())])?)?;
            }
        }
        let help = "Repairs of the feeds of a source by kind";
        let mut described = encoder.encode_descriptor("source_repairs", help, None, MetricType::Counter)?;
        for (source, seen) in &watched {
            for (kind, times) in &seen.state.repairs {
                let labels = [("source", source.clone()), ("kind", kind.name())];
                ConstCounter::new(*times).encode(described.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

/// Name, help and value of a metric of a source.
type SourceMetric = (&'static str, &'static str, fn(&WatchedSource) -> u64);

const SOURCE_GAUGES: [SourceMetric; 9] = [
    ("source_up", "1 while a source answers as it should", |seen| {
        u64::from(seen.state.last_success.is_some() && seen.state.failing_since.is_none())
    }),
    ("source_failing", "1 while a source is requested and fails, or has ended for ever", |seen| {
        let state = &seen.state;
        u64::from(!state.is_paused && (state.is_gone || state.failing_since.is_some()))
    }),
    ("source_last_success_timestamp_seconds", "When a source last answered", |seen| {
        seconds(seen.state.last_success)
    }),
    ("source_last_new_timestamp_seconds", "When a source last had a new article", |seen| {
        seconds(seen.state.last_new)
    }),
    ("source_doubtful_items", "Items of a source that are held back until somebody decides", |seen| {
        seen.counts.doubtful
    }),
    (
        "source_unsettled_items",
        "Items of a source that change too often: their newest version waits",
        |seen| seen.counts.unsettled,
    ),
    (
        "source_probable_duplicates",
        "Articles of a source that another source has probably published, too",
        |seen| seen.counts.duplicates,
    ),
    ("source_shortfall", "1 while the last week of a source has far fewer articles than usual", |seen| {
        u64::from(seen.shortfall.is_some())
    }),
    (
        "source_hub_trusted",
        "1 while the hub of a source is subscribed to and has not missed changes",
        |seen| u64::from(seen.state.hub.is_subscribed && seen.state.hub.is_trusted()),
    ),
];

const SOURCE_COUNTERS: [SourceMetric; 2] = [
    ("source_articles", "Articles published from a source", |seen| seen.state.published),
    ("source_hub_missed", "Changes that polls found and the hub of a source had not told", |seen| {
        seen.state.hub.missed
    }),
];

fn seconds(moment: Option<Timestamp>) -> u64 {
    moment.map_or(0, |moment| u64::try_from(moment.timestamp()).unwrap_or_default())
}

fn encode_latency(
    encoder: &mut prometheus_client::encoding::MetricEncoder<'_>,
    latency: LatencySnapshot,
) -> Result<(), fmt::Error> {
    let buckets: Vec<_> = BOUNDS.into_iter().zip(latency.counts).collect();
    encoder.encode_histogram::<NoLabelSet>(latency.sum, latency.counts.iter().sum(), &buckets, None)
}

/// The `process_*` metrics.
#[derive(Debug)]
struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for process::ProcessValue { name, help, is_counter, value } in process::values() {
            if is_counter {
                let described = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
                ConstCounter::new(value).encode(described)?;
            } else {
                let described = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
                ConstGauge::new(value).encode(described)?;
            }
        }
        Ok(())
    }
}
