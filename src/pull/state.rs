//! What is remembered of a source between two polls, and when it is polled next. Decisions get the time as an argument.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{TimeDelta, Timelike as _};
use serde::{Deserialize, Serialize};

use super::cursor::ChangesCursor;
use super::options::SourceOptions;
use super::report::PullReport;
use super::subscription::HubState;
use super::volume::{DailyCounts, Shortfall};
use crate::parse::Repairs;
use crate::store::{Store, StoreError};
use crate::time::{PublishedAt, Timestamp, Zone, local_date};

/// A longer wish of a source is not obeyed.
const MAX_WISH: TimeDelta = TimeDelta::hours(24);
/// Longest pause after failures.
const MAX_BACK_OFF: TimeDelta = TimeDelta::hours(6);

/// A pause this many times as long as usual is a reason to look at the source.
const QUIET_FACTOR: i32 = 5;
/// A shorter pause never is.
const MIN_QUIET: TimeDelta = TimeDelta::days(3);
/// Maximum number of feeds of a list.
const MAX_FEEDS: usize = 200;

/// What is remembered of a source. Times are in Unix seconds in the stored form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceState {
    /// The URL in the configuration that the rest belongs to.
    pub configured_url: String,
    /// Where its feed is: the target of a permanent redirect, or what its page names.
    pub url: Option<String>,
    /// The target of a permanent redirect that was seen once.
    pub redirect_seen: Option<String>,
    /// Validators of the last feed that was read completely.
    pub etag: Option<String>,
    /// Its `Last-Modified`.
    pub last_modified: Option<String>,
    /// Items of its feed were held back: the whole feed is requested, so that they are looked at again.
    pub has_doubtful: bool,
    /// The feeds that it lists, with their validators, if it is a list of feeds.
    pub feeds: BTreeMap<String, (Option<String>, Option<String>)>,
    /// How far its changes are followed, if it is another bantin.
    pub changes: Option<ChangesCursor>,
    /// When it is polled next.
    #[serde(with = "chrono::serde::ts_seconds_option")]
    pub next_due: Option<Timestamp>,
    /// When it last answered as it should.
    #[serde(with = "chrono::serde::ts_seconds_option")]
    pub last_success: Option<Timestamp>,
    /// When it last had a new article.
    #[serde(with = "chrono::serde::ts_seconds_option")]
    pub last_new: Option<Timestamp>,
    /// Since when it fails.
    #[serde(with = "chrono::serde::ts_seconds_option")]
    pub failing_since: Option<Timestamp>,
    /// Why it fails, in English.
    pub error: Option<String>,
    /// The kind of that.
    pub cause: Option<FailureCause>,
    /// Failures in a row.
    pub failures: u32,
    /// It answered 410: it is not polled any more.
    pub is_gone: bool,
    /// An operator paused it.
    pub is_paused: bool,
    /// Repairs by kind, of all polls.
    #[serde(alias = "mends")]
    pub repairs: Repairs,
    /// Articles published from it.
    pub published: u64,
    /// Articles by the day of their publication.
    pub days: DailyCounts,
    /// The usual time between two polls with new articles, in seconds.
    pub usual_pause: Option<i64>,
    /// The keys of the items of its last feed, the first ones of it.
    pub last_items: Vec<String>,
    /// Its dates have the month in place of the minutes.
    pub month_as_minutes: bool,
    /// Its dates are local time that is called GMT.
    pub local_as_gmt: bool,
    /// A page has shown that its dates in GMT are in GMT.
    pub is_gmt_proven: bool,
    /// How many pages were asked about that.
    pub gmt_comparisons: u32,
    /// What polls have found of its hub.
    pub hub: HubState,
}

/// The kind of the reason why a source could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCause {
    /// Its address must not be requested.
    Address,
    /// There is no connection, or it ended too early.
    Connection,
    /// There was no complete answer in time.
    Timeout,
    /// Its answer has this status.
    Status(u16),
    /// Its answer is nothing that can be read.
    Unusable,
}

impl SourceState {
    /// The stored state of a source.
    ///
    /// # Errors
    /// If the database does not answer.
    pub(super) async fn load(store: &Store, source: &SourceOptions) -> Result<Self, StoreError> {
        let stored = store.source_state(&source.name).await?;
        let state: Self = stored.and_then(|state| serde_json::from_str(&state).ok()).unwrap_or_default();
        Ok(state.for_url(&source.url))
    }

    /// Stores the state after a poll. What an operator decided meanwhile stays.
    ///
    /// # Errors
    /// If the database fails.
    pub(super) async fn save_poll(
        &mut self,
        store: &Store,
        source: &SourceOptions,
    ) -> Result<(), StoreError> {
        self.is_paused = Self::load(store, source).await?.is_paused;
        self.save(store, source).await
    }

    /// Counts what a poll did.
    pub(super) fn count(&mut self, report: &PullReport, now: Timestamp) {
        for (kind, times) in &report.repairs {
            *self.repairs.entry(*kind).or_default() += times;
        }
        self.published += report.published;
        if report.published == 0 {
            return;
        }
        if let Some(last) = self.last_new {
            let pause = (now - last).num_seconds().max(0);
            // The mean of the last pauses; those of long ago count little.
            self.usual_pause = Some(self.usual_pause.map_or(pause, |usual| (usual * 7 + pause) / 8));
        }
        self.last_new = Some(now);
    }

    /// True if there was nothing new for much longer than usual.
    pub fn is_quiet(&self, now: Timestamp) -> bool {
        let (Some(last), Some(usual)) = (self.last_new, self.usual_pause) else { return false };
        now - last > (TimeDelta::seconds(usual) * QUIET_FACTOR).max(MIN_QUIET)
    }

    /// Counts a new article on the day of its publication.
    pub(super) fn count_day(&mut self, published: PublishedAt, now: Timestamp, zone: Zone) {
        self.days.add(local_date(published.instant, zone), local_date(now, zone));
    }

    /// Whether its last week has far fewer articles than usual. A source that fails or is paused is judged as of its last
    /// answer: later days say nothing about it.
    pub fn shortfall(&self, zone: Zone) -> Option<Shortfall> {
        self.days.shortfall(local_date(self.last_success?, zone))
    }

    /// The feeds that a list of feeds names now.
    pub(super) fn list_feeds(&mut self, feeds: &[String]) {
        let mut known = std::mem::take(&mut self.feeds);
        let listed = feeds.iter().take(MAX_FEEDS);
        self.feeds = listed.map(|url| (url.clone(), known.remove(url).unwrap_or_default())).collect();
    }

    /// Changes the cursor, if there is one.
    pub(super) fn change_cursor(&mut self, change: impl FnOnce(&mut ChangesCursor)) {
        if let Some(cursor) = &mut self.changes {
            change(cursor);
        }
    }

    /// Stores the state of a source.
    ///
    /// # Errors
    /// If the database fails.
    pub(super) async fn save(&self, store: &Store, source: &SourceOptions) -> Result<(), StoreError> {
        let state = serde_json::to_string(self).map_err(|cause| StoreError::Corrupt(cause.to_string()))?;
        store.set_source_state(&source.name, state).await
    }

    /// The state of a source with this URL: everything but the pause is forgotten if the URL changed.
    pub(super) fn for_url(self, url: &str) -> Self {
        if self.configured_url == url {
            return self;
        }
        let (configured_url, is_paused) = (url.to_owned(), self.is_paused);
        Self { configured_url, is_paused, published: self.published, ..Self::default() }
    }

    /// Where its feed is.
    pub(super) fn feed_url<'s>(&'s self, source: &'s SourceOptions) -> &'s str {
        self.url.as_deref().unwrap_or(&source.url)
    }

    /// Forgets where its feed was found.
    pub(super) fn forget_address(&mut self) {
        if self.url.take().is_some() {
            (self.etag, self.last_modified) = (None, None);
        }
    }

    /// True if it may be polled at `now`.
    pub fn is_due(&self, now: Timestamp) -> bool {
        !self.is_gone && !self.is_paused && self.next_due.is_none_or(|due| due <= now)
    }

    /// It answered: the next poll is after `every` or what it wishes, with `jitter` (0 to 1) of a tenth of that, and not in an
    /// hour in which it publishes nothing.
    pub(super) fn succeeded(&mut self, now: Timestamp, every: Duration, wishes: &Wishes, jitter: f64) {
        let pause = seconds(every).max(wishes.pause.min(MAX_WISH));
        let mut due = now + pause + part(pause, jitter / 10.0);
        for _ in 0..24 {
            if !wishes.skip_hours.contains(&(due.hour() as u8)) {
                break;
            }
            due += TimeDelta::hours(1) - TimeDelta::seconds(i64::from(due.minute() * 60 + due.second()));
        }
        self.next_due = Some(due);
        self.last_success = Some(now);
        (self.failing_since, self.error, self.cause, self.failures) = (None, None, None, 0);
    }

    /// It did not answer as it should: the next poll is later with every failure, and not before what it wishes.
    pub(super) fn failed(
        &mut self,
        now: Timestamp,
        every: Duration,
        (cause, reason): (FailureCause, String),
        retry_after: Option<TimeDelta>,
        jitter: f64,
    ) {
        self.failures = self.failures.saturating_add(1);
        let factor = 1 << (self.failures - 1).min(10);
        let pause = (seconds(every) * factor).min(MAX_BACK_OFF.max(seconds(every)));
        let pause = (pause + part(pause, jitter / 5.0)).max(retry_after.unwrap_or_default().min(MAX_WISH));
        self.next_due = Some(now + pause);
        self.failing_since = self.failing_since.or(Some(now));
        self.error = Some(reason);
        self.cause = Some(cause);
    }

    /// A permanent redirect is remembered when it has been seen twice in a row: the first may be a mistake.
    pub(super) fn note_redirect(&mut self, target: Option<&str>) {
        match target {
            Some(target) if self.redirect_seen.as_deref() == Some(target) => {
                self.url = Some(target.to_owned());
                self.redirect_seen = None;
            }
            target => self.redirect_seen = target.map(str::to_owned),
        }
    }
}

/// What a source wishes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wishes {
    /// The longest of `Cache-Control: max-age` and `ttl`.
    pub(super) pause: TimeDelta,
    /// RSS `skipHours`, in GMT.
    pub(super) skip_hours: Vec<u8>,
}

fn seconds(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(MAX_WISH)
}

fn part(whole: TimeDelta, share: f64) -> TimeDelta {
    TimeDelta::seconds((whole.num_seconds() as f64 * share) as i64)
}

/// The seconds of `Retry-After`: a number or a date (RFC 9110 §10.2.3).
pub(super) fn retry_after(value: &str, now: Timestamp) -> Option<TimeDelta> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u32>() {
        return Some(TimeDelta::seconds(seconds.into()));
    }
    let date = Timestamp::from(httpdate::parse_http_date(value).ok()?);
    Some((date - now).max(TimeDelta::zero()))
}

/// The `max-age` of `Cache-Control`.
pub(super) fn max_age(value: &str) -> Option<TimeDelta> {
    let seconds =
        value.split(',').find_map(|part| part.trim().strip_prefix("max-age=")?.parse::<u32>().ok())?;
    Some(TimeDelta::seconds(seconds.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_unix;

    const TEN_MINUTES: Duration = Duration::from_secs(600);

    fn now() -> Timestamp {
        // 10:39 in GMT.
        from_unix(1_683_887_940)
    }

    fn pause_of(state: &SourceState) -> i64 {
        (state.next_due.unwrap() - now()).num_seconds()
    }

    #[test]
    fn failures_back_off_up_to_a_cap_and_a_success_forgets_them() {
        let mut state = SourceState::default();
        let mut pauses = Vec::new();
        for _ in 0..9 {
            state.failed(now(), TEN_MINUTES, (FailureCause::Status(404), "404".to_owned()), None, 0.0);
            pauses.push(pause_of(&state) / 60);
        }
        assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 360, 360, 360]);
        assert_eq!(state.failing_since, Some(now()));
        state.failed(
            now(),
            TEN_MINUTES,
            (FailureCause::Status(503), "503".to_owned()),
            Some(TimeDelta::hours(8)),
            1.0,
        );
        assert_eq!(pause_of(&state), 8 * 3600);
        state.succeeded(now(), TEN_MINUTES, &Wishes::default(), 0.0);
        assert_eq!(
            (pause_of(&state), state.failures, state.failing_since, state.error.clone()),
            (600, 0, None, None)
        );
    }

    #[test]
    fn wishes_are_obeyed_within_a_day() {
        let mut state = SourceState::default();
        let wishes = |pause, skip_hours: &[u8]| Wishes { pause, skip_hours: skip_hours.to_vec() };
        state.succeeded(now(), TEN_MINUTES, &wishes(TimeDelta::hours(1), &[]), 0.0);
        assert_eq!(pause_of(&state), 3600);
        state.succeeded(now(), TEN_MINUTES, &wishes(TimeDelta::days(400), &[]), 0.0);
        assert_eq!(pause_of(&state), 86_400);
        state.succeeded(now(), TEN_MINUTES, &wishes(TimeDelta::zero(), &[10, 11]), 0.0);
        assert_eq!(pause_of(&state), 81 * 60);
        let always: Vec<u8> = (0..24).collect();
        state.succeeded(now(), TEN_MINUTES, &wishes(TimeDelta::zero(), &always), 0.0);
        assert!(pause_of(&state) <= 25 * 3600);
        state.succeeded(now(), TEN_MINUTES, &wishes(TimeDelta::zero(), &[]), 1.0);
        assert_eq!(pause_of(&state), 660);
    }

    #[test]
    fn a_permanent_redirect_is_remembered_when_it_is_seen_twice() {
        let mut state = SourceState::default();
        state.note_redirect(Some("https://a.vn/"));
        state.note_redirect(None);
        state.note_redirect(Some("https://a.vn/"));
        assert_eq!(state.url, None);
        state.note_redirect(Some("https://a.vn/"));
        assert_eq!(state.url.as_deref(), Some("https://a.vn/"));
    }

    #[test]
    fn headers_are_read() {
        assert_eq!(retry_after("120", now()), Some(TimeDelta::minutes(2)));
        assert_eq!(retry_after("Fri, 12 May 2023 10:49:00 GMT", now()), Some(TimeDelta::minutes(10)));
        assert_eq!(retry_after("Tue, 12 May 2020 10:49:00 GMT", now()), Some(TimeDelta::zero()));
        assert_eq!(retry_after("soon", now()), None);
        assert_eq!(max_age("public, max-age=300"), Some(TimeDelta::minutes(5)));
        assert_eq!(max_age("no-cache"), None);
    }
}
