//! Polls a source: finds out what it is, reads it, and stores how it is.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, LINK};
use tokio::task::block_in_place;
use tracing::warn;
use url::Url;

use super::archive;
use super::changes;
use super::client::{ACCEPT, Client, Failure, is_html, read_response, successful, successful_feed};
use super::context::{Context, WatchedSource};
use super::options::{PullOptions, SourceKind, SourceOptions};
use super::poll::Poll;
use super::report::PullReport;
use super::state::{self, SourceState, Wishes};
use super::subscription;
use crate::fetch::jitter;
use crate::fetch::{FetchRequest, FetchResponse};
use crate::parse::{HubLinks, SourceFeed, feed_links, hub_links};
use crate::store::{SourceHub, Store, StoreError};
use crate::time::Timestamp;
use crate::urls::redact_url;

/// After a failure, a source that is followed without pauses is tried again as soon as this.
const FOLLOW_RETRY: Duration = Duration::from_secs(30);

/// After so many failures in a row, the feed is looked for at the URL of the configuration again.
const FAILURES_OF_AN_ADDRESS: u32 = 3;

/// Polls sources. Clones share the turns of hosts.
#[derive(Clone)]
pub struct Collector(pub(super) Context);

/// What a source is.
enum Answer {
    /// A feed that did not change.
    Unchanged(FetchResponse),
    /// A feed, or a list of feeds.
    Feed(FetchResponse, Box<SourceFeed>),
    /// Another bantin, whose changes are followed.
    Bantin,
}

impl Collector {
    /// A collector into this store.
    pub fn new(store: Store, options: PullOptions) -> Self {
        let client = Client::new(&options.user_agent);
        Self(Context { store, options: Arc::new(options), client, watched: Arc::default() })
    }

    /// What is collected, and how.
    pub fn options(&self) -> &PullOptions {
        &self.0.options
    }

    /// How the sources were when this process last looked, by name.
    pub fn watched(&self) -> BTreeMap<String, WatchedSource> {
        self.0.watched.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Polls a source now, and stores its state. A source that cannot be read is part of the report. Another bantin may
    /// hold the request for `wait` if nothing changed there.
    ///
    /// # Errors
    /// If the store fails. What was not stored is read again by the next poll.
    pub async fn poll(&self, source: &SourceOptions, wait: Duration) -> Result<PullReport, StoreError> {
        self.in_turn(source, self.poll_in_turn(source, wait)).await
    }

    /// Takes in what a source published before what its feed contains now: archives (RFC 5005) and pages of WordPress.
    /// Articles that are known stay as they are, because an archive has old versions of them.
    ///
    /// # Errors
    /// If the store fails. What was not stored is taken in by the next call.
    pub async fn backfill(&self, source: &SourceOptions) -> Result<PullReport, StoreError> {
        self.in_turn(source, async {
            let store = &self.0.store;
            let mut state = SourceState::load(store, source).await?;
            let mut poll = Poll::new(&self.0, source, &mut state, store.clock().now());
            let walked = archive::walk(&mut poll).await?;
            let (now, mut report) = (poll.now, poll.report);
            report.error = walked.err().map(|failure| failure.reason);
            state.count(&report, now);
            state.save_poll(store, source).await?;
            Ok(report)
        })
        .await
    }

    /// Does the work of one process at a time.
    async fn in_turn(
        &self,
        source: &SourceOptions,
        work: impl Future<Output = Result<PullReport, StoreError>>,
    ) -> Result<PullReport, StoreError> {
        let Some(turn) = self.0.store.source_turn(&source.name).await? else {
            return Ok(PullReport { is_busy: true, ..PullReport::default() });
        };
        let done = tokio::select! {
            lost = turn.lost() => Err(lost),
            done = work => done,
        };
        turn.end().await;
        done
    }

    async fn poll_in_turn(&self, source: &SourceOptions, wait: Duration) -> Result<PullReport, StoreError> {
        let store = &self.0.store;
        let mut state = SourceState::load(store, source).await?;
        let (before, hub) = (state.clone(), store.source_hub(&source.name).await?);
        let context = self.0.for_source(&state);
        let mut poll = Poll::new(&context, source, &mut state, store.clock().now());
        poll.load_unsettled().await?;
        let answer = poll_once(&mut poll, wait, hub.as_ref()).await?;
        poll.release(answer.as_ref().is_err_and(Failure::is_gone)).await?;
        let (now, report) = (poll.now, poll.report);
        let links = answer.as_ref().ok().and_then(|answered| answered.hub.clone());
        let is_success = answer.is_ok();
        let report = settle(&mut state, source, report, answer, now, wait, hub.as_ref());
        if is_success {
            state.hub.is_subscribed = subscription::keep(store, &self.0.options, source, links, hub).await?;
        }
        self.0.note(source, &state).await?;
        if is_worth_storing(&before, &state, source) {
            state.save_poll(store, source).await?;
        }
        Ok(report)
    }
}

/// What a source that could be read said besides its items.
#[derive(Default)]
struct Answered {
    wishes: Wishes,
    /// The hub that its feed names.
    hub: Option<HubLinks>,
}

/// Reads a source and takes in what is new. `hub` is the one that the source is subscribed at.
async fn poll_once(
    poll: &mut Poll<'_>,
    wait: Duration,
    hub: Option<&SourceHub>,
) -> Result<Result<Answered, Failure>, StoreError> {
    if poll.state.changes.is_some() {
        return Ok(changes::follow(poll, wait).await?.map(|()| Answered::default()));
    }
    let (response, feed) = match read(poll).await {
        Err(failure) => return Ok(Err(failure)),
        Ok(Answer::Bantin) => {
            return Ok(changes::follow(poll, Duration::ZERO).await?.map(|()| Answered::default()));
        }
        Ok(Answer::Unchanged(response)) => (response, None),
        Ok(Answer::Feed(response, feed)) => (response, Some(feed)),
    };
    let mut wishes = Wishes {
        pause: response.header(CACHE_CONTROL).and_then(state::max_age).unwrap_or_default(),
        skip_hours: Vec::new(),
    };
    if let Some(feed) = &feed
        && !feed.feeds.is_empty()
    {
        poll.state.list_feeds(&feed.feeds);
        (poll.state.etag, poll.state.last_modified) = response.validators();
    }
    if !poll.state.feeds.is_empty() {
        return Ok(poll_listed(poll).await?.map(|()| Answered { wishes, hub: None }));
    }
    if let Some(feed) = feed {
        let ttl = feed.ttl.map(|minutes| TimeDelta::minutes(minutes.min(10_000) as i64));
        wishes.pause = wishes.pause.max(ttl.unwrap_or_default());
        wishes.skip_hours.clone_from(&feed.skip_hours);
        let is_complete = poll.take(*feed).await?;
        // A feed of which something is left to do must be sent again.
        (poll.state.etag, poll.state.last_modified) =
            if is_complete { response.validators() } else { (None, None) };
    }
    Ok(Ok(Answered { wishes, hub: hub_of(&response, hub) }))
}

/// The hub that the feed names. A feed that did not change names the same one as before.
fn hub_of(response: &FetchResponse, before: Option<&SourceHub>) -> Option<HubLinks> {
    if response.status == StatusCode::NOT_MODIFIED {
        return before.map(subscription::links_of);
    }
    let headers: Vec<&str> =
        response.headers.get_all(LINK).iter().filter_map(|line| line.to_str().ok()).collect();
    hub_links(&headers, &response.body, &response.url)
}

/// Reads the feeds of a list, one after the other. One that fails keeps none of the others from being read.
async fn poll_listed(poll: &mut Poll<'_>) -> Result<Result<(), Failure>, StoreError> {
    let mut failures = Vec::new();
    for (url, (etag, last_modified)) in poll.state.feeds.clone() {
        let request = FetchRequest {
            accept: ACCEPT,
            etag,
            last_modified,
            accepts_delta: !poll.state.has_doubtful,
            ..FetchRequest::new(&url, poll.source.addresses())
        };
        let has_base = request.etag.is_some() && request.accepts_delta;
        let answer = poll.context.client.get(request).await;
        if answer.as_ref().is_ok_and(|answer| answer.status == StatusCode::IM_USED) {
            poll.state.feeds.insert(url.clone(), (None, None));
        }
        let response = successful_feed(answer, has_base, poll.now);
        let (response, feed) = match response {
            Ok((response, _)) if response.status == StatusCode::NOT_MODIFIED => continue,
            Ok((response, _)) => match block_in_place(|| read_response(&response)) {
                Ok(feed) => (response, feed),
                Err(fault) => {
                    failures.push(format!("{}: {fault}", redact_url(&url)));
                    continue;
                }
            },
            Err(failure) => {
                failures.push(format!("{}: {}", redact_url(&url), failure.reason));
                continue;
            }
        };
        poll.feed = Some(url.clone());
        let is_complete = poll.take(feed).await?;
        let validators = if is_complete { response.validators() } else { (None, None) };
        poll.state.feeds.insert(url, validators);
    }
    let count = poll.state.feeds.len();
    Ok(match failures.first() {
        Some(first) => Err(Failure::new(format!("{} of {count} feeds fail; {first}", failures.len()))),
        None => Ok(()),
    })
}

/// Puts the result of a poll into the state of its source.
fn settle(
    state: &mut SourceState,
    source: &SourceOptions,
    mut report: PullReport,
    answer: Result<Answered, Failure>,
    now: Timestamp,
    wait: Duration,
    hub: Option<&SourceHub>,
) -> PullReport {
    state.count(&report, now);
    let follows = state.changes.is_some() && !wait.is_zero();
    match answer {
        Ok(Answered { wishes, .. }) => {
            let changes = report.published + report.corrected + report.withdrawn;
            if state.hub.note(hub, changes, now) {
                warn!(source = %source.name, "the hub of a source misses changes; it is polled as before");
            }
            let pause = subscription::pause(source.every, hub, &state.hub, now);
            state.succeeded(now, pause, &wishes, jitter());
            if follows {
                // The other site holds the next request.
                state.next_due = None;
            }
        }
        Err(failure) => {
            state.is_gone = failure.is_gone();
            let every = if follows { source.every.min(FOLLOW_RETRY) } else { source.every };
            let reason: String = failure.reason.chars().take(300).collect();
            state.failed(now, every, (failure.cause, reason.clone()), failure.retry_after, jitter());
            if state.failures.is_multiple_of(FAILURES_OF_AN_ADDRESS) {
                // What a redirect or a page said may have been a mistake, or is not so any more.
                state.forget_address();
            }
            report.error = Some(reason);
        }
    }
    report
}

/// NOTE: a source that is followed answers every minute that nothing changed; that is stored less often.
fn is_worth_storing(before: &SourceState, after: &SourceState, source: &SourceOptions) -> bool {
    let without_time = SourceState { last_success: before.last_success, ..after.clone() };
    let is_old = match (before.last_success, after.last_success) {
        (Some(before), Some(after)) => (after - before).to_std().is_ok_and(|age| age >= source.every),
        _ => true,
    };
    is_old || *before != without_time
}

/// Requests the feed of a source: at its URL, or at one that its page names.
async fn read(poll: &mut Poll<'_>) -> Result<Answer, Failure> {
    let source = poll.source;
    if source.kind == SourceKind::Bantin {
        let mut url = Url::parse(&source.url).map_err(Failure::new)?;
        if !url.path().ends_with('/') && !url.path().contains('.') {
            url.set_path(&format!("{}/", url.path()));
        }
        return follow_from(poll, &url)
            .await
            .ok_or_else(|| Failure::new("no /api/changes of a bantin there"));
    }
    let url = poll.state.feed_url(source).to_owned();
    let request = FetchRequest {
        accept: ACCEPT,
        etag: poll.state.etag.clone(),
        last_modified: poll.state.last_modified.clone(),
        accepts_delta: !poll.state.has_doubtful,
        ..FetchRequest::new(&url, source.addresses())
    };
    let has_base = request.etag.is_some() && request.accepts_delta;
    let answer = poll.context.client.get(request).await;
    if answer.as_ref().is_ok_and(|answer| answer.status == StatusCode::IM_USED) {
        // If its changes cannot be taken in, the whole feed is requested.
        (poll.state.etag, poll.state.last_modified) = (None, None);
    }
    let response;
    (response, poll.is_delta) = successful_feed(answer, has_base, poll.now)?;
    poll.state.note_redirect(response.moved_to.as_ref().map(Url::as_str));
    if response.status == StatusCode::NOT_MODIFIED {
        return Ok(Answer::Unchanged(response));
    }
    let fault = match block_in_place(|| read_response(&response)) {
        Ok(feed) => return Ok(kind_of(poll, response, feed).await),
        Err(fault) => fault,
    };
    let links = block_in_place(|| {
        if is_html(&response.body) { feed_links(&response.body, &response.url) } else { Vec::new() }
    });
    let Some(link) = links.into_iter().next() else { return Err(Failure::new(fault)) };
    let request = FetchRequest { accept: ACCEPT, ..FetchRequest::new(link.as_str(), source.addresses()) };
    let response = successful(poll.context.client.get(request).await, poll.now)?;
    let feed = block_in_place(|| read_response(&response)).map_err(Failure::new)?;
    poll.state.url = Some(link.into());
    Ok(kind_of(poll, response, feed).await)
}

/// The feed of a bantin leads to its changes, which tell more.
async fn kind_of(poll: &mut Poll<'_>, response: FetchResponse, feed: SourceFeed) -> Answer {
    if feed.is_of_bantin
        && poll.source.kind == SourceKind::Auto
        && let Some(answer) = follow_from(poll, &response.url).await
    {
        return answer;
    }
    Answer::Feed(response, Box::new(feed))
}

async fn follow_from(poll: &mut Poll<'_>, url: &Url) -> Option<Answer> {
    poll.state.changes = Some(changes::find(poll.context, poll.source, url).await?);
    Some(Answer::Bantin)
}
