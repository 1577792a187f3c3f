//! How far the changes of another bantin are followed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::options::SourceOptions;
use crate::fetch::{FetchRequest, Limits};
use crate::time::Timestamp;

/// Changes of a page.
const PAGE: u32 = 200;
/// Maximum size of a page: the other site ends one after 4 MiB, but not within an article.
const PAGE_BYTES: u64 = 64 << 20;

/// How far the changes of another bantin are followed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangesCursor {
    /// The URL of its `/api/changes`.
    pub url: String,
    /// The channel that is followed; all if none.
    pub channel: Option<String>,
    /// The id of its log; none before the first answer.
    pub log: Option<String>,
    /// The number of the last change that was taken in.
    pub after: u64,
    /// Since when a new log is read from its beginning. What is not met in it is withdrawn at its end.
    #[serde(with = "chrono::serde::ts_seconds_option")]
    pub anew_since: Option<Timestamp>,
}

impl ChangesCursor {
    pub(super) fn request(&self, wait: Duration, source: &SourceOptions) -> FetchRequest {
        let log = self.log.as_ref().map(|log| format!("&log={log}")).unwrap_or_default();
        let channel = self.channel.as_ref().map(|channel| format!("&channel={channel}")).unwrap_or_default();
        let wait_for = if wait.is_zero() { String::new() } else { format!("&wait={}", wait.as_secs()) };
        let url = format!("{}?after={}&limit={PAGE}{log}{channel}{wait_for}", self.url, self.after);
        let mut limits = Limits { bytes: PAGE_BYTES, ..Limits::default() };
        limits.time += wait;
        FetchRequest {
            accept: "application/json",
            limits: Some(limits),
            ..FetchRequest::new(url, source.addresses())
        }
    }

    /// The other site has a new log: everything is read again.
    pub(super) fn begin_anew(&mut self, now: Timestamp) {
        (self.log, self.after, self.anew_since) = (None, 0, Some(now));
    }
}
