//! Pages of changes, and one reading of the log for all requests that wait for the same page.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use tokio::sync::OnceCell;

use crate::store::ChangesQuery;

/// The format of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum OutputFormat {
    /// One JSON object.
    Json,
    /// One change per line.
    Ndjson,
}

/// The encoded result of a query.
#[derive(Clone)]
pub(super) enum ReadOutcome {
    Page(EncodedPage),
    BeyondHead(u64),
    UnknownChannel,
}

#[derive(Clone)]
pub(super) struct EncodedPage {
    pub(super) body: Bytes,
    pub(super) is_empty: bool,
    pub(super) next: u64,
    pub(super) head: u64,
}

/// Shares one result among all requests with the same query that wait when the log grows.
#[derive(Default)]
pub(super) struct SingleFlight(Mutex<SharedResults>);

#[derive(Default)]
struct SharedResults {
    /// The highest head of the log that woke a request.
    head: u64,
    by_request: HashMap<(ChangesQuery, OutputFormat), Weak<SharedResult>>,
}

pub(super) type SharedResult = OnceCell<Option<ReadOutcome>>;

impl SingleFlight {
    /// The shared result of this query, read when the head of the log was at least `head`. It is dropped with
    /// the last request that uses it.
    pub(super) fn entry(&self, head: u64, query: &ChangesQuery, format: OutputFormat) -> Arc<SharedResult> {
        let mut shared_results = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if head > shared_results.head {
            shared_results.head = head;
            shared_results.by_request.clear();
        }
        let cell = shared_results.by_request.entry((query.clone(), format)).or_default();
        cell.upgrade().unwrap_or_else(|| {
            let shared = Arc::new(SharedResult::new());
            *cell = Arc::downgrade(&shared);
            shared
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_equal_queries_at_the_same_head_share_a_result() {
        let flights = SingleFlight::default();
        let query = |after| ChangesQuery { channel: None, after, until: None, limit: 1, bytes: 1 };
        let cell = flights.entry(5, &query(4), OutputFormat::Json);
        assert!(Arc::ptr_eq(&cell, &flights.entry(5, &query(4), OutputFormat::Json)));
        assert!(
            Arc::ptr_eq(&cell, &flights.entry(4, &query(4), OutputFormat::Json)),
            "a request that wakes late gets the newer result"
        );
        assert!(!Arc::ptr_eq(&cell, &flights.entry(5, &query(4), OutputFormat::Ndjson)));
        assert!(!Arc::ptr_eq(&cell, &flights.entry(5, &query(3), OutputFormat::Json)));
        assert!(!Arc::ptr_eq(&cell, &flights.entry(6, &query(4), OutputFormat::Json)));
    }
}
