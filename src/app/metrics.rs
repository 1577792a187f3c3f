//! The metrics page. Each module has its own counters; this module encodes them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::http::metrics::ServerMetrics;
use crate::store::Store;
use crate::{ingest, render};

/// The counters of all modules.
#[derive(Clone)]
pub(super) struct Metrics {
    pub(super) server: ServerMetrics,
    pub(super) ingest: Arc<ingest::Counters>,
    pub(super) renderer: Arc<render::RenderCounters>,
    pub(super) store: Store,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Metrics")
    }
}

impl Metrics {
    /// The page, in the OpenMetrics text format.
    pub(super) fn render(&self) -> String {
        let mut registry = Registry::with_prefix("bantin");
        registry.register_collector(Box::new(self.clone()));
        let mut page = String::new();
        match prometheus_client::encoding::text::encode(&mut page, &registry) {
            Ok(()) => page,
            // Encoding into a string cannot fail.
            Err(_) => String::new(),
        }
    }
}

impl Collector for Metrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let counts = self.server.counts();
        let answers = Family::<Vec<(&str, &str)>, prometheus_client::metrics::counter::Counter>::default();
        for (class, count) in ["1xx", "2xx", "3xx", "4xx", "5xx"].into_iter().zip(counts.answers) {
            answers.get_or_create(&vec![("status", class)]).inc_by(count);
        }
        let described = encoder.encode_descriptor(
            "answers",
            "Answers by class of status",
            None,
            answers.metric_type(),
        )?;
        answers.encode(described)?;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        for (name, help, count) in [
            ("not_modified", "Answers with status 304", counts.not_modified),
            ("connections", "Connections taken", counts.connections),
            ("connections_cut_off", "Connections closed because they took too long", counts.timed_out),
            ("scans", "Scans of the folder", read(&self.ingest.scans)),
            ("file_revisions", "Revisions that came of files", read(&self.ingest.revisions)),
            ("reprints", "Times that editions were printed", read(&self.renderer.renders)),
            ("documents_printed", "Documents printed", read(&self.renderer.documents)),
            (
                "print_faults",
                "Articles or channels that did not pass the reading back",
                read(&self.renderer.failures),
            ),
        ] {
            let counter = ConstCounter::new(count);
            counter.encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)?;
        }
        let head = self.store.subscribe().borrow().head;
        for (name, help, value) in [
            ("connections_open", "Connections open now", counts.open),
            ("log_head", "Number of the newest revision", head),
            ("files_refused", "Files whose newest bytes are no article", read(&self.ingest.rejected)),
        ] {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        Ok(())
    }
}
