//! The background work of the hub: verifies requests and delivers documents.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tracing::{info, warn};

use super::attempt::{self, Delivery, Failure};
use super::hub::Hub;
use super::lanes::Lanes;
use super::options::Content;
use super::{host_of, retry};
use crate::fetch::jitter;
use crate::render::{LiveFeed, LogVersion, Representation};
use crate::store::{
    PushTarget, StoreError, Subscription, SubscriptionMode, SubscriptionRequest, TargetProgress, random_text,
};
use crate::time::Timestamp;
use crate::urls::{Format, Route, Scope};

/// How often the lease is renewed, and requests that other processes stored are looked for.
const TICK: Duration = Duration::from_secs(1);
/// Requests of subscribers that are verified at the same time.
const MAX_VERIFYING: usize = 500;
/// Attempts to reach a callback for its confirmation.
const MAX_VERIFY_ATTEMPTS: u32 = 3;
/// Pause between these attempts.
const VERIFY_PAUSE: Duration = Duration::from_secs(10);
/// Characters of a challenge, five random bits each.
const CHALLENGE_LENGTH: usize = 32;
/// Progress is stored when this much has come together, or after this time.
const MAX_UNSAVED: usize = 256;
const MAX_UNSAVED_TIME: Duration = Duration::from_millis(200);
/// Pause before requests are looked for that waited for another one of their subscriber.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Time for running requests to end at shutdown.
const SHUTDOWN_TIME: Duration = Duration::from_secs(2);

/// Verifies and delivers until `shutdown` is true. Of several processes that share the log, the one that scans the folder
/// does.
pub async fn run(hub: Hub, mut shutdown: watch::Receiver<bool>) {
    loop {
        // Errors of the store are logged by the maintenance loop.
        let _ = lead(&hub, &mut shutdown).await;
        hub.counters.subscriptions.store(0, Ordering::Relaxed);
        tokio::select! {
            _ = shutdown.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

/// Works for as long as this process holds the lease and `shutdown` is false.
async fn lead(hub: &Hub, shutdown: &mut watch::Receiver<bool>) -> Result<(), StoreError> {
    let is_rendered = hub.site.current().live_feed(&None).is_some();
    if *shutdown.borrow() || !is_rendered || !hub.store.acquire_scan_lease().await? {
        return Ok(());
    }
    let (send, mut ended) = mpsc::unbounded_channel();
    let mut session = Session::load(hub, send).await?;
    let mut rendered = hub.site.progress();
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        session.begin_all();
        let wake = session.next_wake();
        let event = tokio::select! {
            biased;
            _ = shutdown.wait_for(|stop| *stop) => Event::Stop,
            // NOTE: before the ends of requests, which may come without a pause: the lease must be renewed.
            _ = tick.tick() => Event::Tick,
            _ = rendered.changed() => Event::Rendered,
            () = hub.requested.notified() => Event::Requested,
            Some(done) = ended.recv() => Event::Ended(done),
            () = tokio::time::sleep_until(wake.into()) => Event::Wake,
        };
        match event {
            Event::Ended(done) => session.end(done).await?,
            Event::Rendered => session.schedule(),
            Event::Requested => session.read_requests().await?,
            Event::Tick if session.tick().await? => {}
            Event::Stop | Event::Tick => break,
            Event::Wake => session.wake().await?,
        }
    }
    session.finish(&mut ended).await
}

/// What wakes the worker.
enum Event {
    Stop,
    Ended(Done),
    Rendered,
    Requested,
    Tick,
    Wake,
}

/// A subscription: the path of its feed and its callback.
type Key = (String, String);

/// A request that waits for its turn.
enum Job {
    Verify(SubscriptionRequest),
    Deliver(Key),
    /// Tells that a subscription has ended because its feed has.
    Deny(Key),
}

/// A request that has ended.
struct Done {
    number: u64,
    kind: DoneKind,
    result: Result<(), Failure>,
}

enum DoneKind {
    Verified(SubscriptionRequest),
    Delivered(Key, LogVersion),
    Denied(Key),
}

/// A request of a subscriber that is being verified.
#[derive(Default)]
struct Verification {
    number: u64,
    attempts: u32,
    is_queued: bool,
    not_before: Option<Instant>,
}

/// The current document of a topic.
enum Topic {
    /// Its document, and the feed that it shows.
    Live(Arc<Representation>, Arc<LiveFeed>, Format),
    /// Not rendered, for example because its verification failed.
    Missing,
    /// The channel is gone.
    Gone,
}

/// The work while this process holds the lease.
struct Session<'h> {
    hub: &'h Hub,
    subscriptions: HashMap<Key, Subscription>,
    /// The subscriptions whose delivery waits or runs.
    busy: HashSet<Key>,
    verifying: HashMap<Key, Verification>,
    lanes: Lanes<Job>,
    ended: mpsc::UnboundedSender<Done>,
    /// Subscriptions whose progress is not stored yet.
    unsaved: HashSet<Key>,
    unsaved_since: Option<Instant>,
    saving: Option<JoinHandle<Result<(), StoreError>>>,
    /// When to look for further requests of subscribers.
    look_again: Option<Instant>,
}

impl<'h> Session<'h> {
    async fn load(hub: &'h Hub, ended: mpsc::UnboundedSender<Done>) -> Result<Self, StoreError> {
        let mut session = Self {
            hub,
            subscriptions: HashMap::new(),
            busy: HashSet::new(),
            verifying: HashMap::new(),
            lanes: Lanes::default(),
            ended,
            unsaved: HashSet::new(),
            unsaved_since: None,
            saving: None,
            look_again: None,
        };
        session.reload().await?;
        session.read_requests().await?;
        session.end_expired().await?;
        session.schedule();
        Ok(session)
    }

    /// Reads all subscriptions. What is not stored yet stays.
    async fn reload(&mut self) -> Result<(), StoreError> {
        let stored = self.hub.store.subscriptions().await?;
        let mut before = std::mem::take(&mut self.subscriptions);
        for mut subscription in stored {
            let key = (subscription.topic.clone(), subscription.callback.clone());
            if let Some(known) = before.remove(&key).filter(|_| self.unsaved.contains(&key)) {
                subscription.progress = known.progress;
            }
            self.subscriptions.insert(key, subscription);
        }
        self.count();
        Ok(())
    }

    fn count(&self) {
        self.hub.counters.subscriptions.store(self.subscriptions.len() as u64, Ordering::Relaxed);
    }

    /// True while this process holds the lease.
    async fn tick(&mut self) -> Result<bool, StoreError> {
        if !self.hub.store.acquire_scan_lease().await? {
            return Ok(false);
        }
        // Another process may have confirmed or ended one: the predecessor of this one, while it stopped.
        let newest = self.subscriptions.values().map(|subscription| subscription.number).max();
        let version = (self.subscriptions.len() as u64, newest.unwrap_or_default());
        if self.hub.store.subscriptions_version().await? != version {
            self.reload().await?;
        }
        self.read_requests().await?;
        self.end_expired().await?;
        self.schedule();
        Ok(true)
    }

    /// Queues the verification of requests, one at a time for each subscriber and topic: the newest wins, and what an
    /// earlier one was confirmed stays.
    async fn read_requests(&mut self) -> Result<(), StoreError> {
        self.look_again = None;
        let now = Instant::now();
        for request in self.hub.store.subscription_requests(MAX_VERIFYING as u64).await? {
            let key = (request.request.topic.clone(), request.request.callback.clone());
            let verification = self.verifying.entry(key).or_default();
            if verification.is_queued || verification.not_before.is_some_and(|time| time > now) {
                continue;
            }
            if verification.number != request.number {
                *verification = Verification { number: request.number, ..Verification::default() };
            }
            verification.is_queued = true;
            let host = host_of(&request.request.callback);
            self.lanes.push(&host, Job::Verify(request));
        }
        Ok(())
    }

    async fn end_expired(&mut self) -> Result<(), StoreError> {
        let now = self.hub.store.clock().now();
        let expired = |(key, subscription): (&Key, &Subscription)| {
            (subscription.expires <= now && !self.busy.contains(key)).then(|| key.clone())
        };
        let expired: Vec<Key> = self.subscriptions.iter().filter_map(expired).collect();
        for key in expired {
            self.end_subscription(&key, "its lease has ended").await?;
        }
        Ok(())
    }

    async fn end_subscription(&mut self, key: &Key, reason: &str) -> Result<(), StoreError> {
        let (topic, callback) = key.clone();
        info!(%topic, host = host_of(&callback), reason, "subscription ended");
        self.subscriptions.remove(key);
        self.unsaved.remove(key);
        self.count();
        self.hub.store.end_subscription(topic, callback).await
    }

    /// Queues a delivery for each subscription whose feed is ahead of it.
    fn schedule(&mut self) {
        let now = self.hub.store.clock().now();
        let mut topics: HashMap<&str, Topic> = HashMap::new();
        let mut jobs = Vec::new();
        for (key, subscription) in &self.subscriptions {
            if !self.busy.contains(key) {
                let topic = topics.entry(&key.0).or_insert_with(|| topic(self.hub, &key.0));
                jobs.extend(due(key, &subscription.progress, now, topic));
            }
        }
        self.queue_due(jobs);
    }

    fn queue_due(&mut self, jobs: impl IntoIterator<Item = Job>) {
        for job in jobs {
            if let Job::Deliver(key) | Job::Deny(key) = &job {
                let host = host_of(&key.1);
                self.busy.insert(key.clone());
                self.lanes.push(&host, job);
            }
        }
    }

    /// Begins as many requests as may run.
    fn begin_all(&mut self) {
        while let Some((number, job)) = self.lanes.next(Instant::now()) {
            match job {
                Job::Verify(request) => self.begin_verification(number, request),
                Job::Deliver(key) => self.begin_delivery(number, key),
                Job::Deny(key) => self.begin_denial(number, key),
            }
        }
    }

    fn begin_verification(&self, number: u64, request: SubscriptionRequest) {
        let hub = self.hub.clone();
        let topic = hub.urls.url(&request.request.topic);
        let asked = request.request.clone();
        self.spawn(number, DoneKind::Verified(request), move || {
            attempt::verify(
                &hub.client,
                &asked,
                &topic,
                &random_text(CHALLENGE_LENGTH).map_err(Failure::silent)?,
            )
        });
    }

    fn begin_denial(&self, number: u64, (path, callback): Key) {
        let hub = self.hub.clone();
        let key = (path.clone(), callback.clone());
        self.spawn(number, DoneKind::Denied(key), move || {
            attempt::deny(&hub.client, &callback, &hub.urls.url(&path), "the feed has been removed")
        });
    }

    /// Sends the newest document, not the one for which the delivery was queued.
    fn begin_delivery(&mut self, number: u64, key: Key) {
        let Some(subscription) = self.subscriptions.get(&key).cloned() else {
            return self.skip(number, &key);
        };
        let Topic::Live(full, feed, format) = topic(self.hub, &key.0) else {
            return self.skip(number, &key);
        };
        let Some(version) = full.version().cloned() else { return self.skip(number, &key) };
        let hub = self.hub.clone();
        self.spawn(number, DoneKind::Delivered(key, version), move || {
            let document = message(&hub, full, &feed, format, &subscription.progress);
            let delivery = Delivery {
                callback: &subscription.callback,
                secret: subscription.secret.as_deref(),
                media_type: document.media_type.clone(),
                link: document.link.clone(),
                body: &document.identity.bytes,
            };
            attempt::deliver(&hub.client, hub.options.signature, delivery)
        });
    }

    fn skip(&mut self, number: u64, key: &Key) {
        self.busy.remove(key);
        self.lanes.end(number, false, Instant::now());
    }

    /// Runs a request on a thread of its own, which a shutdown does not wait for.
    fn spawn(
        &self,
        number: u64,
        kind: DoneKind,
        work: impl FnOnce() -> Result<(), Failure> + Send + 'static,
    ) {
        let ended = self.ended.clone();
        tokio::spawn(async move {
            let result = attempt::on_thread(work).await;
            let _ = ended.send(Done { number, kind, result });
        });
    }

    async fn end(&mut self, done: Done) -> Result<(), StoreError> {
        let is_silent = done.result.as_ref().is_err_and(|failure| failure.is_silent);
        self.lanes.end(done.number, is_silent, Instant::now());
        match done.kind {
            DoneKind::Verified(request) => self.end_verification(request, done.result).await,
            DoneKind::Delivered(key, version) => self.end_delivery(key, version, done.result).await,
            DoneKind::Denied(key) => {
                self.busy.remove(&key);
                self.end_subscription(&key, "its feed has been removed").await
            }
        }
    }

    async fn end_verification(
        &mut self,
        request: SubscriptionRequest,
        result: Result<(), Failure>,
    ) -> Result<(), StoreError> {
        let key = (request.request.topic.clone(), request.request.callback.clone());
        let verification = self.verifying.entry(key.clone()).or_default();
        verification.is_queued = false;
        verification.attempts += 1;
        match result {
            Err(failure) if failure.is_silent && verification.attempts < MAX_VERIFY_ATTEMPTS => {
                verification.not_before = Some(Instant::now() + VERIFY_PAUSE);
                return Ok(());
            }
            Err(Failure { reason, .. }) => {
                self.verifying.remove(&key);
                self.hub.counters.unconfirmed.fetch_add(1, Ordering::Relaxed);
                let mode = request.request.mode.as_str();
                info!(topic = %key.0, host = host_of(&key.1), mode, %reason, "request not confirmed");
                self.hub.store.drop_subscription_request(request.number).await?;
            }
            Ok(()) => {
                self.verifying.remove(&key);
                self.hub.counters.confirmed.fetch_add(1, Ordering::Relaxed);
                self.confirm(key, request).await?;
            }
        }
        // A later request of the same subscriber may have waited.
        self.look_again.get_or_insert(Instant::now() + LOOK_AGAIN);
        Ok(())
    }

    async fn confirm(&mut self, key: Key, request: SubscriptionRequest) -> Result<(), StoreError> {
        let now = self.hub.store.clock().now();
        let expires = now + TimeDelta::seconds(request.request.lease.into());
        self.hub.store.confirm_subscription(request.clone(), expires).await?;
        let (mode, host) = (request.request.mode, host_of(&key.1));
        match mode {
            SubscriptionMode::Subscribe => {
                info!(topic = %key.0, host, lease = request.request.lease, "subscription confirmed");
                let progress = |known: Option<&Subscription>| match known {
                    Some(known) => {
                        TargetProgress { failures: 0, retry_at: None, error: None, ..known.progress.clone() }
                    }
                    None => TargetProgress {
                        log: request.request.log.clone(),
                        delivered: request.request.delivered,
                        ..TargetProgress::default()
                    },
                };
                let known = self.subscriptions.get(&key);
                let subscription = Subscription {
                    since: known.map_or(now, |known| known.since),
                    progress: progress(known),
                    topic: key.0.clone(),
                    callback: key.1.clone(),
                    secret: request.request.secret.clone(),
                    number: request.number,
                    expires,
                };
                self.subscriptions.insert(key, subscription);
            }
            SubscriptionMode::Unsubscribe => {
                info!(topic = %key.0, host, "unsubscription confirmed");
                self.subscriptions.remove(&key);
                self.unsaved.remove(&key);
            }
        }
        self.count();
        self.schedule();
        Ok(())
    }

    async fn end_delivery(
        &mut self,
        key: Key,
        version: LogVersion,
        result: Result<(), Failure>,
    ) -> Result<(), StoreError> {
        self.busy.remove(&key);
        let counters = &self.hub.counters;
        let counter = if result.is_ok() { &counters.delivered } else { &counters.failed };
        counter.fetch_add(1, Ordering::Relaxed);
        if result.as_ref().is_err_and(|failure| failure.is_gone()) {
            return self.end_subscription(&key, "the callback answers 410").await;
        }
        let now = self.hub.store.clock().now();
        let Some(subscription) = self.subscriptions.get_mut(&key) else { return Ok(()) };
        let (before, host) = (subscription.progress.error.is_some(), host_of(&key.1));
        match &result {
            Ok(()) if before => info!(topic = %key.0, host, "a subscriber answers again"),
            Err(failure) if !before => {
                warn!(topic = %key.0, host, reason = failure.reason, "a subscriber fails; trying again")
            }
            _ => {}
        }
        subscription.progress = progressed(&subscription.progress, version, result, now, jitter());
        let due = due(&key, &subscription.progress, now, &topic(self.hub, &key.0));
        self.unsaved.insert(key);
        self.unsaved_since.get_or_insert_with(Instant::now);
        // The feed may have changed meanwhile.
        self.queue_due(due);
        self.save_if_due();
        Ok(())
    }

    async fn wake(&mut self) -> Result<(), StoreError> {
        self.save_if_due();
        match self.look_again.is_some_and(|time| time <= Instant::now()) {
            true => self.read_requests().await,
            false => Ok(()),
        }
    }

    fn save_if_due(&mut self) {
        if self.saving.as_ref().is_some_and(|saving| !saving.is_finished()) {
            return;
        }
        let is_due = self.unsaved_since.is_some_and(|since| since.elapsed() >= MAX_UNSAVED_TIME);
        if is_due || self.unsaved.len() >= MAX_UNSAVED {
            let store = self.hub.store.clone();
            let progress = self.take_unsaved();
            self.saving = Some(tokio::spawn(async move { store.record_progress(progress).await }));
        }
    }

    fn take_unsaved(&mut self) -> Vec<(PushTarget, TargetProgress)> {
        self.unsaved_since = None;
        let unsaved = std::mem::take(&mut self.unsaved);
        let progress = |key: Key| {
            let progress = self.subscriptions.get(&key)?.progress.clone();
            Some((PushTarget::Subscription { topic: key.0, callback: key.1 }, progress))
        };
        unsaved.into_iter().filter_map(progress).collect()
    }

    fn next_wake(&mut self) -> Instant {
        let now = Instant::now();
        let slow = self.lanes.move_slow(now);
        let save = self.unsaved_since.map(|since| (since + MAX_UNSAVED_TIME).max(now + TICK / 50));
        slow.into_iter().chain(save).chain(self.look_again).min().unwrap_or(now + TICK)
    }

    /// Waits a short time for running requests and stores how far everybody was told.
    async fn finish(mut self, ended: &mut mpsc::UnboundedReceiver<Done>) -> Result<(), StoreError> {
        let deadline = tokio::time::Instant::now() + SHUTDOWN_TIME;
        while self.lanes.running() > 0
            && let Ok(Some(done)) = tokio::time::timeout_at(deadline, ended.recv()).await
        {
            self.end(done).await?;
        }
        if let Some(saving) = self.saving.take() {
            let _ = saving.await;
        }
        let progress = self.take_unsaved();
        self.hub.store.record_progress(progress).await
    }
}

/// The current document of a topic, by its path.
fn topic(hub: &Hub, path: &str) -> Topic {
    let feed = |route: Route| match route {
        Route::Feed(scope, format) => Some((scope, format)),
        _ => None,
    };
    let found: Option<(Scope, Format)> = match hub.urls.parse(path) {
        // A renamed channel.
        Route::Redirect(target) => feed(hub.urls.parse(&target)),
        route => feed(route),
    };
    let Some((scope, format)) = found else { return Topic::Gone };
    let site = hub.site.current();
    let document = site.document(&crate::urls::feed_path(scope.as_ref(), format));
    match (document, site.live_feed(&scope)) {
        (Some(document), Some(feed)) => Topic::Live(Arc::clone(document), Arc::clone(feed), format),
        _ => Topic::Missing,
    }
}

/// What is due for a subscription that waits for nothing else.
fn due(key: &Key, progress: &TargetProgress, now: Timestamp, topic: &Topic) -> Option<Job> {
    if progress.retry_at.is_some_and(|time| time > now) {
        return None;
    }
    match topic {
        Topic::Live(document, ..) => is_ahead(document, progress).then(|| Job::Deliver(key.clone())),
        Topic::Gone => Some(Job::Deny(key.clone())),
        Topic::Missing => None,
    }
}

fn is_ahead(document: &Representation, progress: &TargetProgress) -> bool {
    document
        .version()
        .is_some_and(|version| version.log != progress.log || version.number > progress.delivered)
}

/// The document for a subscriber that was told this far. Blocks.
fn message(
    hub: &Hub,
    full: Arc<Representation>,
    feed: &LiveFeed,
    format: Format,
    progress: &TargetProgress,
) -> Arc<Representation> {
    let has_delta = hub.options.content == Content::Changes
        && feed.log() == progress.log
        && full.version().is_some_and(|version| version.number == feed.number())
        && feed.has_delta_since(format, progress.delivered);
    let delta = if has_delta { feed.delta(format, progress.delivered, &full) } else { None };
    delta.unwrap_or(full)
}

/// The progress after an attempt to deliver a document of this version.
fn progressed(
    before: &TargetProgress,
    version: LogVersion,
    result: Result<(), Failure>,
    now: Timestamp,
    jitter: f64,
) -> TargetProgress {
    match result {
        Ok(()) => TargetProgress {
            log: version.log,
            delivered: version.number,
            last_success: Some(now),
            ..TargetProgress::default()
        },
        Err(failure) => {
            let failures = before.failures.saturating_add(1);
            let pause = retry::pause(failures, failure.retry_after, jitter);
            TargetProgress {
                failures,
                retry_at: Some(now + TimeDelta::from_std(pause).unwrap_or_default()),
                error: Some(failure.reason),
                ..before.clone()
            }
        }
    }
}
