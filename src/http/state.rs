//! What all request handlers share.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::http::request::Parts;
use hyper::{HeaderMap, StatusCode};
use ipnet::IpNet;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tracing::{debug, error};

use super::changes_cache::{ChangesCache, changes_cache};
use super::content_coding::AcceptEncoding;
use super::guess_limiter::GuessLimiter;
use super::health::{Health, is_ready};
use super::keyed_limiter::KeyedLimiter;
use super::preconditions::Decision;
use super::response::{self, CachePolicies, CachePolicy, HttpResponse};
use crate::model::Channel;
use crate::pull::Collector;
use crate::push::Hub;
use crate::render::{
    self, ArchiveRenderer, ArticlePages, ContentCoding, OnDemandRenderer, RenderProgress, Representation,
    SiteCache,
};
use crate::store::{LogPosition, Store, StoreError};
use crate::time::Clock;
use crate::urls::SiteUrls;

/// Concurrent reads of the store. Other requests wait, up to [`QUEUE_TIMEOUT`].
const MAX_CONCURRENT_READS: usize = 32;
/// Concurrent full-text searches, the most expensive reads.
const MAX_CONCURRENT_SEARCHES: usize = 2;
/// Concurrent streamed responses.
const MAX_STREAMS: usize = 64;
pub(super) const QUEUE_TIMEOUT: Duration = Duration::from_secs(5);
/// `Retry-After` of a 503.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(2);
/// Searches, months and sitemaps that are rendered concurrently.
const MAX_ON_DEMAND: usize = 2;
/// Documents that are compressed concurrently.
const MAX_ENCODING: usize = 2;
/// Requests for them that are being rendered or are waiting.
const MAX_QUEUED: usize = 32;

/// Limits of the handler.
#[derive(Clone, Debug)]
pub struct ServiceLimits {
    /// Maximum number of clients that wait for a change (long polling).
    pub max_waiting: usize,
    /// Maximum number of writes per minute and token; unlimited if none.
    pub writes_per_minute: Option<NonZeroU32>,
    /// Maximum number of requests to the hub per minute and host of the callback; unlimited if none.
    pub hub_requests_per_minute: Option<NonZeroU32>,
    /// The proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<IpNet>,
}

/// The exchange with other sites.
pub struct Exchange {
    /// The hub, if there is one.
    pub hub: Option<Hub>,
    /// Collects the articles of other publishers.
    pub collector: Collector,
}

/// The site, the store and the limits: what all requests share.
pub struct AppState {
    pub(super) site_cache: SiteCache,
    pub(super) progress: watch::Receiver<RenderProgress>,
    pub(super) announced: watch::Receiver<LogPosition>,
    pub(super) store: Store,
    pub(super) render_options: render::RenderOptions,
    pub(super) collector: Collector,
    pub(super) archive: ArchiveRenderer,
    pub(super) articles: ArticlePages,
    pub(super) urls: Arc<SiteUrls>,
    pub(super) health: Arc<Health>,
    pub(super) feeds: CachePolicy,
    pub(super) pages: CachePolicy,
    pub(super) images: CachePolicy,
    pub(super) assets: CachePolicy,
    pub(super) on_demand: OnDemandRenderer,
    pub(super) read_permits: Arc<Semaphore>,
    pub(super) search_permits: Semaphore,
    /// Permits for requests that wait for the on-demand renderer, and for those that it serves.
    pub(super) render_queue: Semaphore,
    pub(super) render_permits: Semaphore,
    /// Permits for compressing a document.
    pub(super) encode_permits: Semaphore,
    pub(super) stream_permits: Arc<Semaphore>,
    pub(super) waiters: Semaphore,
    /// Keyed by the name of the token.
    pub(super) write_limiter: KeyedLimiter<String>,
    pub(super) guess_limiter: GuessLimiter,
    /// The hub, if there is one, and its limiter, keyed by the host of the callback.
    pub(super) hub: Option<Hub>,
    pub(super) hub_limiter: KeyedLimiter<String>,
    pub(super) trusted_proxies: Vec<IpNet>,
    pub(super) changes: ChangesCache,
    /// True during shutdown.
    pub(super) stopping: watch::Receiver<bool>,
    /// The runtime for reading the store; the server's own threads only answer from memory.
    pub(super) runtime: Handle,
    pub(super) clock: Clock,
}

impl AppState {
    /// Requests are answered from the rendered site, and otherwise from the store. After `stopping` becomes true, no
    /// request waits for a change any more. Call it on the runtime that is to read the store.
    pub fn new(
        site_cache: SiteCache,
        store: Store,
        render_options: render::RenderOptions,
        health: Arc<Health>,
        exchange: Exchange,
        limits: ServiceLimits,
        stopping: watch::Receiver<bool>,
    ) -> Arc<Self> {
        let CachePolicies { feeds, pages, images, assets } = CachePolicies::new(render_options.site.max_age);
        Arc::new(Self {
            progress: site_cache.progress(),
            announced: store.subscribe(),
            site_cache,
            clock: store.clock().clone(),
            archive: ArchiveRenderer::new(store.clone(), render_options.clone()),
            articles: ArticlePages::new(store.clone(), render_options.clone()),
            on_demand: OnDemandRenderer::new(store.clone(), render_options.clone()),
            changes: changes_cache(&store),
            store,
            urls: Arc::clone(&render_options.addresses),
            render_options,
            collector: exchange.collector,
            health,
            feeds,
            pages,
            images,
            assets,
            read_permits: Arc::new(Semaphore::new(MAX_CONCURRENT_READS)),
            render_queue: Semaphore::new(MAX_QUEUED),
            render_permits: Semaphore::new(MAX_ON_DEMAND),
            search_permits: Semaphore::new(MAX_CONCURRENT_SEARCHES),
            encode_permits: Semaphore::new(MAX_ENCODING),
            stream_permits: Arc::new(Semaphore::new(MAX_STREAMS)),
            waiters: Semaphore::new(limits.max_waiting.min(Semaphore::MAX_PERMITS)),
            write_limiter: KeyedLimiter::per_minute(limits.writes_per_minute),
            guess_limiter: GuessLimiter::default(),
            hub: exchange.hub,
            hub_limiter: KeyedLimiter::per_minute(limits.hub_requests_per_minute),
            trusted_proxies: limits.trusted_proxies,
            stopping,
            runtime: Handle::current(),
        })
    }

    /// The announced position of the log if this replica has not rendered it yet. Only for a store that
    /// several processes share; with a single process, clients see the versions in order anyway.
    pub(super) fn pending_position(&self) -> Option<LogPosition> {
        if !self.store.is_shared() || !is_ready(&self.health) {
            return None;
        }
        let (announced, progress) = (*self.announced.borrow(), *self.progress.borrow());
        (!progress.failing && !progress.rendered.includes(&announced)).then_some(announced)
    }

    /// Waits until the renderer has reached this position of the log; false if it fails or takes longer than
    /// `timeout`.
    pub(super) async fn wait_until_rendered(&self, log: LogPosition, timeout: Duration) -> bool {
        let mut progress = self.progress.clone();
        let reached = progress.wait_for(|progress| progress.failing || progress.rendered.includes(&log));
        matches!(tokio::time::timeout(timeout, reached).await, Ok(Ok(progress)) if progress.rendered.includes(&log))
    }

    /// Waits until everything was rendered once, or rendering has failed, for at most `timeout`.
    pub(super) async fn wait_until_first_rendered(&self, timeout: Duration) {
        let mut progress = self.progress.clone();
        let rendered =
            progress.wait_for(|progress| progress.failing || progress.rendered != LogPosition::default());
        let _ = tokio::time::timeout(timeout, rendered).await;
    }

    /// The response for a document: a full one, 304 or an error of its preconditions.
    pub(super) async fn send(
        &self,
        request: Parts,
        document: &Arc<Representation>,
        policy: &CachePolicy,
    ) -> HttpResponse {
        let now = self.clock.now();
        while let Some(Decision::Encode(coding)) = response::evaluate(&request.headers, document, now) {
            self.encode(document, coding).await;
        }
        response::representation(&request.method, request.headers, document, policy, now)
    }

    /// Makes the coding in which a request gets the whole document.
    pub(super) async fn encode_for(&self, headers: &HeaderMap, document: &Arc<Representation>) {
        let choices = AcceptEncoding::from_headers(headers).ranked(document);
        if let Some(coding) = choices.as_slice().first().filter(|coding| document.is_slow_to_encode(**coding))
        {
            self.encode(document, *coding).await;
        }
    }

    /// Makes a coding of a document on a thread that answers no requests.
    pub(super) async fn encode(&self, document: &Arc<Representation>, coding: ContentCoding) {
        // Requests that wait for the same coding occupy no threads.
        let _permit = self.encode_permits.acquire().await;
        if document.is_slow_to_encode(coding) {
            let made = Arc::clone(document);
            if self.blocking(move || made.body(coding).bytes.len()).await.is_none() {
                // During shutdown there are no other threads.
                document.body(coding);
            }
        }
    }

    /// 404 in the site's layout.
    pub(super) fn not_found(&self, headers: &HeaderMap) -> HttpResponse {
        match self.site_cache.current().not_found() {
            Some(page) => response::substitute(StatusCode::NOT_FOUND, headers, page, &self.pages),
            None => response::not_found(),
        }
    }

    /// 410 in the site's layout.
    pub(super) fn gone(&self, headers: &HeaderMap) -> HttpResponse {
        match self.site_cache.current().gone() {
            Some(page) => response::substitute(StatusCode::GONE, headers, page, &self.pages),
            None => response::gone(),
        }
    }

    /// All channels as of the current version of the site; none before the first rendering.
    pub(super) fn channels(&self) -> Option<Arc<Vec<Channel>>> {
        self.site_cache.current().live_feed(&None).map(|recent| recent.channels())
    }

    /// Reads or writes the store on the background runtime, within the limits. None if the queue is full or
    /// the store fails; the cause is logged and never sent to the client.
    pub(super) async fn run_with_store<T, F>(
        self: &Arc<Self>,
        work: impl FnOnce(Arc<Self>) -> F + Send + 'static,
    ) -> Option<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let permit = Arc::clone(&self.read_permits).acquire_owned();
        let permit = tokio::time::timeout(QUEUE_TIMEOUT, permit).await.ok()?.ok()?;
        let (state, runtime) = (Arc::clone(self), self.runtime.clone());
        // SQLite blocks its thread. The work goes on if the client disconnects.
        let working = self.runtime.spawn_blocking(move || {
            let _permit = permit;
            runtime.block_on(work(state))
        });
        match working.await.ok()? {
            Ok(answer) => Some(answer),
            // While the store is unavailable, the maintenance loop has logged that already.
            Err(cause) if !self.health.store.load(Ordering::Acquire) => {
                debug!(%cause, "the store failed");
                None
            }
            Err(cause) => {
                error!(%cause, "the store failed");
                None
            }
        }
    }

    /// Spawns a task on the background runtime. It must end by itself when its receiver is gone.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(task);
    }

    /// Runs `work` on a blocking thread; none if it panicked.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        self.runtime.spawn_blocking(work).await.ok()
    }
}
