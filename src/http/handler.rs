//! What is answered to whom: the whole walk of a request in one place.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::header::HeaderValue;
use hyper::http::request::Parts;
use hyper::{Method, Request, StatusCode};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tracing::{debug, error};

use super::api::{self, SingleFlight, ViewContext};
use super::delta_encoding;
use super::middleware::KeyedLimiter;
use super::on_demand;
use super::preconditions::{Decision, client_newer_tag};
use super::response::{self, ALLOW_READ, CachePolicies, CachePolicy, HttpResponse};
use super::server::RequestBody;
use super::validity::{self, Invalid};
use crate::model::{Channel, Permalink};
use crate::render::{
    self, ArchivePage, ArchiveRenderer, ArticlePage, ArticlePages, LiveFeed, OnDemandRenderer,
    RenderProgress, RenderedSite, Representation, RepresentationKind, SiteCache,
};
use crate::store::{ImageLookup, LogPosition, Store, StoreError};
use crate::time::Clock;
use crate::urls::{Format, Route, Scope, SiteUrls};

/// Requests that read the store at a time; the others wait for their turn, and not for ever.
const MAX_CONCURRENT_READS: usize = 32;
/// Searches at a time, so that the dearest of all questions leaves the machine to the others.
const MAX_CONCURRENT_SEARCHES: usize = 2;
/// Long answers at a time that are read while they are sent.
const MAX_STREAMS: usize = 64;
pub(super) const QUEUE_TIMEOUT: Duration = Duration::from_secs(5);
/// A replica that is behind another has so long to print what the other has printed.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(2);
/// A reader of whom nobody knows what he holds waits so long at most for what is being printed.
const RENDER_WAIT: Duration = Duration::from_millis(500);
/// What a client is told to wait where the service could not answer.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(2);

/// How the service is, for balancers and for the operator.
#[derive(Debug, Default)]
pub struct Health {
    /// The first scan and its editions are done.
    pub ready: AtomicBool,
    /// The store answered when it was last asked.
    pub store: AtomicBool,
    /// And it took what was last written.
    pub writes: AtomicBool,
}

/// What a service is held to.
#[derive(Clone, Copy, Debug)]
pub struct ServiceLimits {
    /// So many clients at most may wait for a change at a time.
    pub waiting: usize,
    /// So many writes a minute each token may make; any number, where nothing is said.
    pub writes_per_minute: Option<NonZeroU32>,
}

/// A part of a feed that a request is to get.
struct DeltaTarget {
    recent: Arc<LiveFeed>,
    format: Format,
    /// The number of the copy that the reader holds.
    base: u64,
}

/// What memory holds for a request.
enum CacheLookup {
    Hit(HttpResponse),
    /// Of this document.
    Delta(DeltaTarget, Arc<Representation>),
    /// The reader holds a newer copy, of this tag.
    ClientIsNewer(HeaderValue, Arc<Representation>),
    /// The log is known to have come so far, this edition has not, and another replica may have shown it already.
    Stale(LogPosition, CachePolicy),
    /// A person has opened this feed.
    BrowserView(Arc<LiveFeed>, Format),
    Miss,
}

/// Answers readers.
#[derive(Clone)]
pub struct SiteHandler(Arc<AppState>);

pub(super) struct AppState {
    site_cache: SiteCache,
    progress: watch::Receiver<RenderProgress>,
    announced: watch::Receiver<LogPosition>,
    pub(super) store: Store,
    pub(super) render_options: render::RenderOptions,
    archive: ArchiveRenderer,
    articles: ArticlePages,
    pub(super) addresses: Arc<SiteUrls>,
    health: Arc<Health>,
    pub(super) feeds: CachePolicy,
    pub(super) pages: CachePolicy,
    pictures: CachePolicy,
    assets: CachePolicy,
    pub(super) on_demand: OnDemandRenderer,
    reading: Semaphore,
    pub(super) searching: Semaphore,
    /// Those who wait for the desk, and those whom it serves.
    pub(super) search_queue: Semaphore,
    pub(super) served: Semaphore,
    pub(super) streaming: Arc<Semaphore>,
    pub(super) waiting: Semaphore,
    /// By the names of tokens.
    pub(super) writers: KeyedLimiter<String>,
    pub(super) single_flight: SingleFlight,
    /// True at the end of the service.
    pub(super) stopping: watch::Receiver<bool>,
    /// Where the store is read: the door's own threads only answer from memory.
    runtime: Handle,
    pub(super) clock: Clock,
}

impl SiteHandler {
    /// A service over what the press prints, within `bounds`. Nobody waits for a change any more once `stopping`
    /// says true. Call it on the runtime on which the store shall be read.
    pub fn new(
        stand: SiteCache,
        store: Store,
        press: render::RenderOptions,
        health: Arc<Health>,
        bounds: ServiceLimits,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let CachePolicies { feeds, pages, pictures, assets } = CachePolicies::new(press.site.max_age);
        Self(Arc::new(AppState {
            progress: stand.progress(),
            announced: store.subscribe(),
            site_cache: stand,
            clock: store.clock().clone(),
            archive: ArchiveRenderer::new(store.clone(), press.clone()),
            articles: ArticlePages::new(store.clone(), press.clone()),
            on_demand: OnDemandRenderer::new(store.clone(), press.clone()),
            store,
            addresses: Arc::clone(&press.addresses),
            render_options: press,
            health,
            feeds,
            pages,
            pictures,
            assets,
            reading: Semaphore::new(MAX_CONCURRENT_READS),
            search_queue: Semaphore::new(on_demand::MAX_QUEUED),
            served: Semaphore::new(on_demand::MAX_ON_DEMAND),
            searching: Semaphore::new(MAX_CONCURRENT_SEARCHES),
            streaming: Arc::new(Semaphore::new(MAX_STREAMS)),
            waiting: Semaphore::new(bounds.waiting.min(Semaphore::MAX_PERMITS)),
            writers: KeyedLimiter::per_minute(bounds.writes_per_minute),
            single_flight: SingleFlight::default(),
            stopping,
            runtime: Handle::current(),
        }))
    }

    /// Answers one request.
    ///
    /// NOTE: a poll is answered here and now; only what must ask the store becomes a future of its own, in a
    /// box. One future for both would be as large as the largest question to the store, and every 304 would
    /// carry it from hand to hand.
    pub fn answer(
        &self,
        request: Request<RequestBody>,
        _from: SocketAddr,
    ) -> impl Future<Output = HttpResponse> + use<> {
        let invalid = validity::check(&request).err();
        let (mut request, body) = request.into_parts();
        let at_hand = match invalid {
            Some(invalid) => CacheLookup::Hit(self.invalid(&request, invalid)),
            None => self.lookup(&mut request),
        };
        let answered: Result<HttpResponse, Pin<Box<dyn Future<Output = HttpResponse>>>> = match at_hand {
            CacheLookup::Hit(reply) => Ok(reply),
            CacheLookup::Delta(wanted, document) => {
                let service = self.clone();
                Err(Box::pin(async move { service.delta(request, wanted, document).await }))
            }
            CacheLookup::ClientIsNewer(tag, document) => {
                Err(Box::pin(self.clone().wait_for_position(request, tag, document)))
            }
            CacheLookup::Stale(log, policy) => {
                Err(Box::pin(self.clone().wait_for_render(request, log, policy)))
            }
            CacheLookup::BrowserView(recent, format) => {
                let service = self.clone();
                Err(Box::pin(async move {
                    on_demand::feed_as_html(&service.0, &request.headers, recent, format).await
                }))
            }
            CacheLookup::Miss => Err(Box::pin(self.clone().dispatch(request, body))),
        };
        async move {
            match answered {
                Ok(reply) => reply,
                Err(later) => later.await,
            }
        }
    }

    fn invalid(&self, request: &Parts, invalid: Invalid) -> HttpResponse {
        match api::is_below(&self.0.addresses.local_path(request.uri.path())) {
            true => api::invalid(&self.0.addresses, invalid),
            false => invalid.reply(),
        }
    }

    /// The hot path: route, edition in memory, preconditions. No store, no lock, no log line. Takes the headers
    /// of a request that it answers.
    fn lookup(&self, request: &mut Parts) -> CacheLookup {
        let edition = self.0.site_cache.current();
        let path = &*self.0.addresses.local_path(request.uri.path());
        let Some(document) = edition.document(path) else { return CacheLookup::Miss };
        if let Some(wanted) = self.delta_request(request, path, &edition, document) {
            return CacheLookup::Delta(wanted, Arc::clone(document));
        }
        if document.kind == RepresentationKind::Feed && response::is_browser_navigation(&request.headers) {
            return self.browser_view(request, path, &edition, document);
        }
        if self.0.store.is_shared()
            && let Some(tag) = client_newer_tag(&request.headers, document)
        {
            return CacheLookup::ClientIsNewer(tag, Arc::clone(document));
        }
        let policy = match document.kind {
            RepresentationKind::Feed | RepresentationKind::Data => &self.0.feeds,
            RepresentationKind::Page => &self.0.pages,
            RepresentationKind::Asset => &self.0.assets,
        };
        let now = self.0.clock.now();
        let verdict = response::evaluate(&request.headers, document, now);
        if matches!(verdict, Some(Decision::Send(_)))
            && document.kind != RepresentationKind::Asset
            && let Some(log) = self.0.pending_position()
        {
            return CacheLookup::Stale(log, policy.clone());
        }
        let headers = std::mem::take(&mut request.headers);
        CacheLookup::Hit(response::from_decision(verdict, &request.method, headers, document, policy, now))
    }

    /// Another replica was ahead of this one. Prints what it has printed, so that no reader sees a feed go
    /// backwards; where that cannot be done in time, the reader keeps the newer copy that he has.
    async fn wait_for_position(
        self,
        request: Parts,
        tag: HeaderValue,
        older: Arc<Representation>,
    ) -> HttpResponse {
        let caught_up =
            match self.0.run_with_store(async move |service| service.store.poll_position().await).await {
                Some(log) => self.0.respond_after_render(log, CATCH_UP_TIMEOUT).await,
                None => false,
            };
        match self.document(&request) {
            Some(document) if caught_up => self.whole(request, &document, &self.0.feeds),
            _ => {
                let now = self.0.clock.now();
                response::not_modified_newer(
                    &request.method,
                    request.headers,
                    &older,
                    tag,
                    &self.0.feeds,
                    now,
                )
            }
        }
    }

    /// Sent whole, as soon as the press has come to this state of the log; after a while what there is.
    async fn wait_for_render(self, request: Parts, log: LogPosition, policy: CachePolicy) -> HttpResponse {
        self.0.respond_after_render(log, RENDER_WAIT).await;
        match self.document(&request) {
            Some(document) => self.whole(request, &document, &policy),
            None => self.0.not_found(&request.headers),
        }
    }

    /// What the newest edition holds for a request.
    fn document(&self, request: &Parts) -> Option<Arc<Representation>> {
        let path = self.0.addresses.local_path(request.uri.path());
        self.0.site_cache.current().document(&path).cloned()
    }

    fn whole(&self, request: Parts, document: &Representation, policy: &CachePolicy) -> HttpResponse {
        response::representation(&request.method, request.headers, document, policy, self.0.clock.now())
    }

    /// A feed that a browser shows in a window: as a page, or with `?xml` as it is.
    fn browser_view(
        &self,
        request: &Parts,
        path: &str,
        edition: &RenderedSite,
        document: &Arc<Representation>,
    ) -> CacheLookup {
        let reads = matches!(request.method, Method::GET | Method::HEAD);
        let recent = match self.0.addresses.parse(path) {
            Route::Feed(scope, format) if reads => edition.live_feed(&scope).map(|recent| (recent, format)),
            _ => None,
        };
        match recent {
            Some(_) if on_demand::wants_raw(request) => {
                CacheLookup::Hit(response::feed_source(&request.headers, document))
            }
            Some((recent, format)) => CacheLookup::BrowserView(Arc::clone(recent), format),
            None => {
                let (headers, now) = (request.headers.clone(), self.0.clock.now());
                CacheLookup::Hit(response::representation(
                    &request.method,
                    headers,
                    document,
                    &self.0.feeds,
                    now,
                ))
            }
        }
    }

    /// What no edition holds.
    async fn dispatch(self, request: Parts, body: RequestBody) -> HttpResponse {
        let route = self.0.addresses.parse(request.uri.path());
        if let Route::Api(segments) = &route {
            return api::answer(&self.0, request, body, segments).await;
        }
        if api::is_below(&self.0.addresses.local_path(request.uri.path())) {
            return api::no_such_resource(&self.0.addresses);
        }
        if request.method == Method::OPTIONS {
            return response::options(ALLOW_READ);
        }
        if !matches!(request.method, Method::GET | Method::HEAD) {
            return response::method_not_allowed(ALLOW_READ);
        }
        self.respond_route(request, route).await
    }

    /// Answers a GET or HEAD request for what no edition holds.
    async fn respond_route(self, request: Parts, route: Route) -> HttpResponse {
        match route {
            Route::Archive(scope, page, format) => self.archive(request, scope, page, format).await,
            Route::Article(permalink) => self.article(request, permalink).await,
            Route::Media(name) => self.image(request, name).await,
            Route::Search
            | Route::SearchFeed(_)
            | Route::Months(_)
            | Route::Month(..)
            | Route::Sitemap(_) => on_demand::handle(&self.0, request, route).await,
            Route::Redirect(target) => self.redirect(request, &target).await,
            Route::Gone => self.0.gone(&request.headers),
            Route::Health => response::plain(StatusCode::OK, "text/plain; charset=utf-8", "ok\n".to_owned()),
            Route::Ready => readiness(&self.0.health),
            Route::Feed(..) | Route::Page(_) | Route::Opml | Route::Asset if !is_ready(&self.0.health) => {
                response::service_unavailable(RETRY_AFTER)
            }
            Route::Feed(..)
            | Route::Page(_)
            | Route::Opml
            | Route::Asset
            | Route::Api(_)
            | Route::NotFound => self.0.not_found(&request.headers),
        }
    }

    /// 301 where something is at `target`; else what is answered there (rule C10): a redirect is kept for a day and
    /// must not lead to nothing.
    async fn redirect(self, request: Parts, target: &str) -> HttpResponse {
        let query = request.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let location = self.0.addresses.path(target) + &query;
        if self.0.site_cache.current().document(target).is_some() {
            return response::moved_permanently(&location);
        }
        let route = self.0.addresses.parse(target);
        let (mut asked, _) = Request::new(()).into_parts();
        asked.method = Method::HEAD;
        asked.uri = request.uri;
        let there = Box::pin(self.respond_route(asked, route)).await;
        if there.status().is_success() { response::moved_permanently(&location) } else { there }
    }

    /// What of the feed at `path` a request is to get in place of the whole; nothing where it does not ask for
    /// a part, may keep what it has, or can only be told by the whole (rule D1).
    fn delta_request(
        &self,
        request: &Parts,
        path: &str,
        edition: &RenderedSite,
        document: &Representation,
    ) -> Option<DeltaTarget> {
        let asked = delta_encoding::DeltaRequest::from_headers(&request.headers)?;
        if !matches!(request.method, Method::GET | Method::HEAD) {
            return None;
        }
        let verdict = response::evaluate(&request.headers, document, self.0.clock.now());
        let (Some(Decision::Send(_)), Route::Feed(scope, format)) = (verdict, self.0.addresses.parse(path))
        else {
            return None;
        };
        let recent = edition.live_feed(&scope)?;
        let base =
            asked.held_versions(recent.log()).filter(|base| recent.has_delta_since(format, *base)).max()?;
        Some(DeltaTarget { recent: Arc::clone(recent), format, base })
    }

    /// The part, printed in the background where it is not at hand; the whole where that fails.
    async fn delta(
        &self,
        request: Parts,
        wanted: DeltaTarget,
        document: Arc<Representation>,
    ) -> HttpResponse {
        let DeltaTarget { recent, format, base } = wanted;
        let part = match recent.cached_delta(format, base) {
            Some(part) => Some(part),
            None => {
                let whole = Arc::clone(&document);
                let printing = self.0.run_with_store(async move |_| {
                    let printed =
                        tokio::task::spawn_blocking(move || recent.delta(format, base, &whole)).await;
                    Ok(printed.ok().flatten())
                });
                printing.await.flatten()
            }
        };
        let now = self.0.clock.now();
        match part {
            Some(part) => response::im_used(&request.headers, &part, now),
            None => response::representation(&request.method, request.headers, &document, &self.0.feeds, now),
        }
    }

    async fn archive(&self, request: Parts, scope: Scope, page: u64, format: Format) -> HttpResponse {
        let for_a_person = response::is_browser_navigation(&request.headers);
        let recent = self.0.site_cache.current().live_feed(&scope).cloned();
        let printing =
            self.0.run_with_store(async move |service| service.archive.page(&scope, page, format).await);
        let now = self.0.clock.now();
        match printing.await {
            Some(ArchivePage::Page(page)) => match recent.filter(|_| for_a_person) {
                Some(_) if on_demand::wants_raw(&request) => response::feed_source(&request.headers, &page),
                Some(recent) => on_demand::feed_as_html(&self.0, &request.headers, recent, format).await,
                None => response::representation(&request.method, request.headers, &page, &self.0.pages, now),
            },
            Some(ArchivePage::NotFound) => self.0.not_found(&request.headers),
            Some(ArchivePage::Failed) => response::internal_error(),
            None => response::service_unavailable(RETRY_AFTER),
        }
    }

    async fn article(&self, request: Parts, permalink: Permalink) -> HttpResponse {
        let printed = match self.0.articles.at_hand(&permalink) {
            Some(printed) => Some(printed),
            None => {
                let printing = async move |service: Arc<AppState>| service.articles.print(&permalink).await;
                self.0.run_with_store(printing).await
            }
        };
        let now = self.0.clock.now();
        match printed {
            Some(ArticlePage::Page(page)) => {
                response::representation(&request.method, request.headers, &page, &self.0.pages, now)
            }
            Some(ArticlePage::Gone(page)) => {
                response::substitute(StatusCode::GONE, &request.headers, &page, &self.0.pages)
            }
            Some(ArticlePage::NotFound) => self.0.not_found(&request.headers),
            None => response::service_unavailable(RETRY_AFTER),
        }
    }

    async fn image(&self, request: Parts, name: String) -> HttpResponse {
        let hash = name.split('.').next().unwrap_or_default().to_owned();
        let reading = self.0.run_with_store(async move |service| service.store.image(&name).await);
        let now = self.0.clock.now();
        match reading.await {
            Some(ImageLookup::Live { media_type, bytes, stored_at: kept_at }) => {
                let Ok(media_type) = HeaderValue::try_from(media_type) else {
                    return response::internal_error();
                };
                let picture = Representation::identity_only(media_type, bytes, &hash, kept_at);
                response::image(&request.method, request.headers, &picture, &self.0.pictures, now)
            }
            Some(ImageLookup::Gone) => self.0.gone(&request.headers),
            Some(ImageLookup::NotFound) => response::not_found(),
            None => response::service_unavailable(RETRY_AFTER),
        }
    }
}

impl AppState {
    /// What this replica has heard of the log, where the press is about to print some of it. Of a log that no other
    /// process serves, readers see the editions in their order anyway.
    fn pending_position(&self) -> Option<LogPosition> {
        if !self.store.is_shared() || !is_ready(&self.health) {
            return None;
        }
        let (heard, progress) = (*self.announced.borrow(), *self.progress.borrow());
        (!progress.failing && !progress.rendered.includes(&heard)).then_some(heard)
    }

    /// Waits until the press has come to this state of the log; false where it cannot, or needs longer than that.
    async fn respond_after_render(&self, log: LogPosition, patience: Duration) -> bool {
        let mut progress = self.progress.clone();
        let coming = progress.wait_for(|progress| progress.failing || progress.rendered.includes(&log));
        matches!(tokio::time::timeout(patience, coming).await, Ok(Ok(progress)) if progress.rendered.includes(&log))
    }

    /// 404 in the site's own look.
    pub(super) fn not_found(&self, headers: &hyper::HeaderMap) -> HttpResponse {
        match self.site_cache.current().not_found() {
            Some(page) => response::substitute(StatusCode::NOT_FOUND, headers, page, &self.pages),
            None => response::not_found(),
        }
    }

    /// 410 in the site's own look.
    fn gone(&self, headers: &hyper::HeaderMap) -> HttpResponse {
        match self.site_cache.current().gone() {
            Some(page) => response::substitute(StatusCode::GONE, headers, page, &self.pages),
            None => response::gone(),
        }
    }

    /// All channels, as the pages that stand know them; none before anything was printed.
    pub(super) fn channels(&self) -> Option<Arc<Vec<Channel>>> {
        self.site_cache.current().live_feed(&None).map(|recent| recent.channels())
    }

    /// Works with the store in the background, within bounds; none where too much is asked of it at a time, or it does
    /// not answer. The cause goes to the log and never to the client.
    pub(super) async fn run_with_store<T, F>(
        self: &Arc<Self>,
        work: impl FnOnce(Arc<Self>) -> F + Send + 'static,
    ) -> Option<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let service = Arc::clone(self);
        let working = self.runtime.spawn(async move {
            let turn = tokio::time::timeout(QUEUE_TIMEOUT, service.reading.acquire());
            let Ok(Ok(_turn)) = turn.await else { return None };
            Some(work(Arc::clone(&service)).await)
        });
        match working.await.ok().flatten()? {
            Ok(answer) => Some(answer),
            // While it is away, the tick has said so, and a line for each request would say no more.
            Err(cause) if !self.health.store.load(Ordering::Acquire) => {
                debug!(%cause, "the store did not answer");
                None
            }
            Err(cause) => {
                error!(%cause, "the store did not answer");
                None
            }
        }
    }

    /// Lets a task run where the store is read; one that ends by itself when nobody wants what it makes.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(task);
    }

    /// What the forms of `/api` depend on beside the log.
    pub(super) fn frame(&self) -> ViewContext<'_> {
        ViewContext { site: &self.render_options.site, addresses: &self.addresses }
    }

    /// Works on a thread that may block; none where the work panicked.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        self.runtime.spawn_blocking(work).await.ok()
    }
}

fn is_ready(health: &Health) -> bool {
    health.ready.load(Ordering::Acquire)
}

/// 200 once the first scan and its editions are done, and from then on, whatever the store does: a process
/// that still serves from memory must not be taken away. How the store is stands in the body.
fn readiness(health: &Health) -> HttpResponse {
    let ready = is_ready(health);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let word = |so: &AtomicBool| if so.load(Ordering::Acquire) { "available" } else { "unavailable" };
    let (store, writes) = (word(&health.store), word(&health.writes));
    let body = format!("{{\"ready\":{ready},\"store\":\"{store}\",\"writes\":\"{writes}\"}}\n");
    response::plain(status, "application/json", body)
}

/// Answers the operator: metrics and health, on a listener of their own.
#[derive(Clone)]
pub struct AdminHandler {
    health: Arc<Health>,
    metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

impl AdminHandler {
    /// `metrics` prints the page of metrics in the OpenMetrics text format.
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
