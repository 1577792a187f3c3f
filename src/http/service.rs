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

use super::api::{self, Frame, Together};
use super::conditional::{Verdict, newer_copy};
use super::delta;
use super::door::RequestBody;
use super::gate::Pace;
use super::people;
use super::reply::{self, Policies, Policy, READ_ONLY, Reply};
use super::validity::{self, Invalid};
use crate::address::{Addresses, Format, Route, Scope};
use crate::article::Permalink;
use crate::channel::Channel;
use crate::press::{
    self, Archive, ArticlePages, Desk, Document, Edition, Kind, PrintedArticle, PrintedPage, Progress,
    Recent, Stand,
};
use crate::store::{Announcement, PictureFound, Store, StoreError};
use crate::vietnam_time::Clock;

/// Requests that read the store at a time; the others wait for their turn, and not for ever.
const READING: usize = 32;
/// Searches at a time, so that the dearest of all questions leaves the machine to the others.
const SEARCHING: usize = 2;
/// Long answers at a time that are read while they are sent.
const STREAMING: usize = 64;
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// A replica that is behind another has so long to print what the other has printed.
const CATCHING_UP: Duration = Duration::from_secs(2);
/// A reader of whom nobody knows what he holds waits so long at most for what is being printed.
const HELD_BACK: Duration = Duration::from_millis(500);
/// What a client is told to wait where the service could not answer.
pub(super) const COME_AGAIN: Duration = Duration::from_secs(2);

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
pub struct Bounds {
    /// So many clients at most may wait for a change at a time.
    pub waiting: usize,
    /// So many writes a minute each token may make; any number, where nothing is said.
    pub writes_per_minute: Option<NonZeroU32>,
}

/// A part of a feed that a request is to get.
struct Wanted {
    recent: Arc<Recent>,
    format: Format,
    /// The number of the copy that the reader holds.
    base: u64,
}

/// What memory holds for a request.
enum AtHand {
    Reply(Reply),
    /// Of this document.
    Part(Wanted, Arc<Document>),
    /// The reader holds a newer copy, of this tag.
    Older(HeaderValue, Arc<Document>),
    /// The log is known to have come so far, this edition has not, and another replica may have shown it already.
    Behind(Announcement, Policy),
    /// A person has opened this feed.
    Opened(Arc<Recent>, Format),
    Nothing,
}

/// Answers readers.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

pub(super) struct Inner {
    stand: Stand,
    progress: watch::Receiver<Progress>,
    announced: watch::Receiver<Announcement>,
    pub(super) store: Store,
    pub(super) press: press::Options,
    archive: Archive,
    articles: ArticlePages,
    pub(super) addresses: Arc<Addresses>,
    health: Arc<Health>,
    pub(super) feeds: Policy,
    pub(super) pages: Policy,
    pictures: Policy,
    assets: Policy,
    pub(super) desk: Desk,
    reading: Semaphore,
    pub(super) searching: Semaphore,
    /// Those who wait for the desk, and those whom it serves.
    pub(super) queue: Semaphore,
    pub(super) served: Semaphore,
    pub(super) streaming: Arc<Semaphore>,
    pub(super) waiting: Semaphore,
    /// By the names of tokens.
    pub(super) writers: Pace<String>,
    pub(super) together: Together,
    /// True at the end of the service.
    pub(super) stopping: watch::Receiver<bool>,
    /// Where the store is read: the door's own threads only answer from memory.
    runtime: Handle,
    pub(super) clock: Clock,
}

impl Service {
    /// A service over what the press prints, within `bounds`. Nobody waits for a change any more once `stopping`
    /// says true. Call it on the runtime on which the store shall be read.
    pub fn new(
        stand: Stand,
        store: Store,
        press: press::Options,
        health: Arc<Health>,
        bounds: Bounds,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let Policies { feeds, pages, pictures, assets } = Policies::of(press.site.max_age);
        Self(Arc::new(Inner {
            progress: stand.progress(),
            announced: store.announcements(),
            stand,
            clock: store.clock().clone(),
            archive: Archive::new(store.clone(), press.clone()),
            articles: ArticlePages::new(store.clone(), press.clone()),
            desk: Desk::new(store.clone(), press.clone()),
            store,
            addresses: Arc::clone(&press.addresses),
            press,
            health,
            feeds,
            pages,
            pictures,
            assets,
            reading: Semaphore::new(READING),
            queue: Semaphore::new(people::QUEUE),
            served: Semaphore::new(people::SERVED),
            searching: Semaphore::new(SEARCHING),
            streaming: Arc::new(Semaphore::new(STREAMING)),
            waiting: Semaphore::new(bounds.waiting.min(Semaphore::MAX_PERMITS)),
            writers: Pace::per_minute(bounds.writes_per_minute),
            together: Together::default(),
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
    ) -> impl Future<Output = Reply> + use<> {
        let invalid = validity::check(&request).err();
        let (mut request, body) = request.into_parts();
        let at_hand = match invalid {
            Some(invalid) => AtHand::Reply(self.invalid(&request, invalid)),
            None => self.at_hand(&mut request),
        };
        let answered: Result<Reply, Pin<Box<dyn Future<Output = Reply>>>> = match at_hand {
            AtHand::Reply(reply) => Ok(reply),
            AtHand::Part(wanted, document) => {
                let service = self.clone();
                Err(Box::pin(async move { service.part(request, wanted, document).await }))
            }
            AtHand::Older(tag, document) => Err(Box::pin(self.clone().catch_up_with(request, tag, document))),
            AtHand::Behind(log, policy) => Err(Box::pin(self.clone().once_printed(request, log, policy))),
            AtHand::Opened(recent, format) => {
                let service = self.clone();
                Err(Box::pin(
                    async move { people::opened(&service.0, &request.headers, recent, format).await },
                ))
            }
            AtHand::Nothing => Err(Box::pin(self.clone().not_printed(request, body))),
        };
        async move {
            match answered {
                Ok(reply) => reply,
                Err(later) => later.await,
            }
        }
    }

    fn invalid(&self, request: &Parts, invalid: Invalid) -> Reply {
        match api::is_below(&self.0.addresses.local_path(request.uri.path())) {
            true => api::invalid(&self.0.addresses, invalid),
            false => invalid.reply(),
        }
    }

    /// The hot path: route, edition in memory, preconditions. No store, no lock, no log line. Takes the headers
    /// of a request that it answers.
    fn at_hand(&self, request: &mut Parts) -> AtHand {
        let edition = self.0.stand.edition();
        let path = &*self.0.addresses.local_path(request.uri.path());
        let Some(document) = edition.document(path) else { return AtHand::Nothing };
        if let Some(wanted) = self.part_wanted(request, path, &edition, document) {
            return AtHand::Part(wanted, Arc::clone(document));
        }
        if document.kind == Kind::Feed && reply::is_for_a_person(&request.headers) {
            return self.for_a_person(request, path, &edition, document);
        }
        if self.0.store.is_shared()
            && let Some(tag) = newer_copy(&request.headers, document)
        {
            return AtHand::Older(tag, Arc::clone(document));
        }
        let policy = match document.kind {
            Kind::Feed | Kind::Data => &self.0.feeds,
            Kind::Page => &self.0.pages,
            Kind::Asset => &self.0.assets,
        };
        let now = self.0.clock.now();
        let verdict = reply::verdict(&request.headers, document, now);
        if matches!(verdict, Some(Verdict::Send(_)))
            && document.kind != Kind::Asset
            && let Some(log) = self.0.not_printed_yet()
        {
            return AtHand::Behind(log, policy.clone());
        }
        let headers = std::mem::take(&mut request.headers);
        AtHand::Reply(reply::judged(verdict, &request.method, headers, document, policy, now))
    }

    /// Another replica was ahead of this one. Prints what it has printed, so that no reader sees a feed go
    /// backwards; where that cannot be done in time, the reader keeps the newer copy that he has.
    async fn catch_up_with(self, request: Parts, tag: HeaderValue, older: Arc<Document>) -> Reply {
        let caught_up = match self.0.with_store(async move |service| service.store.refresh().await).await {
            Some(log) => self.0.comes_to(log, CATCHING_UP).await,
            None => false,
        };
        match self.document(&request) {
            Some(document) if caught_up => self.whole(request, &document, &self.0.feeds),
            _ => {
                let now = self.0.clock.now();
                reply::newer(&request.method, request.headers, &older, tag, &self.0.feeds, now)
            }
        }
    }

    /// Sent whole, as soon as the press has come to this state of the log; after a while what there is.
    async fn once_printed(self, request: Parts, log: Announcement, policy: Policy) -> Reply {
        self.0.comes_to(log, HELD_BACK).await;
        match self.document(&request) {
            Some(document) => self.whole(request, &document, &policy),
            None => self.0.not_found(&request.headers),
        }
    }

    /// What the newest edition holds for a request.
    fn document(&self, request: &Parts) -> Option<Arc<Document>> {
        let path = self.0.addresses.local_path(request.uri.path());
        self.0.stand.edition().document(&path).cloned()
    }

    fn whole(&self, request: Parts, document: &Document, policy: &Policy) -> Reply {
        reply::document(&request.method, request.headers, document, policy, self.0.clock.now())
    }

    /// A feed that a browser shows in a window: as a page, or with `?xml` as it is.
    fn for_a_person(
        &self,
        request: &Parts,
        path: &str,
        edition: &Edition,
        document: &Arc<Document>,
    ) -> AtHand {
        let reads = matches!(request.method, Method::GET | Method::HEAD);
        let recent = match self.0.addresses.route(path) {
            Route::Feed(scope, format) if reads => edition.recent(&scope).map(|recent| (recent, format)),
            _ => None,
        };
        match recent {
            Some(_) if people::wants_the_source(request) => {
                AtHand::Reply(reply::source(&request.headers, document))
            }
            Some((recent, format)) => AtHand::Opened(Arc::clone(recent), format),
            None => {
                let (headers, now) = (request.headers.clone(), self.0.clock.now());
                AtHand::Reply(reply::document(&request.method, headers, document, &self.0.feeds, now))
            }
        }
    }

    /// What no edition holds.
    async fn not_printed(self, request: Parts, body: RequestBody) -> Reply {
        let route = self.0.addresses.route(request.uri.path());
        if let Route::Api(segments) = &route {
            return api::answer(&self.0, request, body, segments).await;
        }
        if api::is_below(&self.0.addresses.local_path(request.uri.path())) {
            return api::no_such_resource(&self.0.addresses);
        }
        if request.method == Method::OPTIONS {
            return reply::options(READ_ONLY);
        }
        if !matches!(request.method, Method::GET | Method::HEAD) {
            return reply::method_not_allowed(READ_ONLY);
        }
        self.routed(request, route).await
    }

    /// Answers a GET or HEAD request for what no edition holds.
    async fn routed(self, request: Parts, route: Route) -> Reply {
        match route {
            Route::Archive(scope, page, format) => self.archive(request, scope, page, format).await,
            Route::Article(permalink) => self.article(request, permalink).await,
            Route::Media(name) => self.picture(request, name).await,
            Route::Search
            | Route::SearchFeed(_)
            | Route::Months(_)
            | Route::Month(..)
            | Route::Sitemap(_) => people::answer(&self.0, request, route).await,
            Route::Moved(target) => self.moved(request, &target).await,
            Route::Gone => self.0.gone(&request.headers),
            Route::Health => reply::state(StatusCode::OK, "text/plain; charset=utf-8", "ok\n".to_owned()),
            Route::Ready => readiness(&self.0.health),
            Route::Feed(..) | Route::Page(_) | Route::Opml | Route::Furnishing
                if !is_ready(&self.0.health) =>
            {
                reply::unavailable(COME_AGAIN)
            }
            Route::Feed(..)
            | Route::Page(_)
            | Route::Opml
            | Route::Furnishing
            | Route::Api(_)
            | Route::Unknown => self.0.not_found(&request.headers),
        }
    }

    /// 301 where something is at `target`; else what is answered there (rule C10): a redirect is kept for a day and
    /// must not lead to nothing.
    async fn moved(self, request: Parts, target: &str) -> Reply {
        let query = request.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let location = self.0.addresses.local(target) + &query;
        if self.0.stand.edition().document(target).is_some() {
            return reply::moved(&location);
        }
        let route = self.0.addresses.route(target);
        let (mut asked, _) = Request::new(()).into_parts();
        asked.method = Method::HEAD;
        asked.uri = request.uri;
        let there = Box::pin(self.routed(asked, route)).await;
        if there.status().is_success() { reply::moved(&location) } else { there }
    }

    /// What of the feed at `path` a request is to get in place of the whole; nothing where it does not ask for
    /// a part, may keep what it has, or can only be told by the whole (rule D1).
    fn part_wanted(
        &self,
        request: &Parts,
        path: &str,
        edition: &Edition,
        document: &Document,
    ) -> Option<Wanted> {
        let asked = delta::Asked::of(&request.headers)?;
        if !matches!(request.method, Method::GET | Method::HEAD) {
            return None;
        }
        let verdict = reply::verdict(&request.headers, document, self.0.clock.now());
        let (Some(Verdict::Send(_)), Route::Feed(scope, format)) = (verdict, self.0.addresses.route(path))
        else {
            return None;
        };
        let recent = edition.recent(&scope)?;
        let base = asked.bases(recent.log()).filter(|base| recent.covers(format, *base)).max()?;
        Some(Wanted { recent: Arc::clone(recent), format, base })
    }

    /// The part, printed in the background where it is not at hand; the whole where that fails.
    async fn part(&self, request: Parts, wanted: Wanted, document: Arc<Document>) -> Reply {
        let Wanted { recent, format, base } = wanted;
        let part = match recent.part_at_hand(format, base) {
            Some(part) => Some(part),
            None => {
                let whole = Arc::clone(&document);
                let printing = self.0.with_store(async move |_| {
                    let printed =
                        tokio::task::spawn_blocking(move || recent.part(format, base, &whole)).await;
                    Ok(printed.ok().flatten())
                });
                printing.await.flatten()
            }
        };
        let now = self.0.clock.now();
        match part {
            Some(part) => reply::part(&request.headers, &part, now),
            None => reply::document(&request.method, request.headers, &document, &self.0.feeds, now),
        }
    }

    async fn archive(&self, request: Parts, scope: Scope, page: u64, format: Format) -> Reply {
        let for_a_person = reply::is_for_a_person(&request.headers);
        let recent = self.0.stand.edition().recent(&scope).cloned();
        let printing =
            self.0.with_store(async move |service| service.archive.page(&scope, page, format).await);
        let now = self.0.clock.now();
        match printing.await {
            Some(PrintedPage::Page(page)) => match recent.filter(|_| for_a_person) {
                Some(_) if people::wants_the_source(&request) => reply::source(&request.headers, &page),
                Some(recent) => people::opened(&self.0, &request.headers, recent, format).await,
                None => reply::document(&request.method, request.headers, &page, &self.0.pages, now),
            },
            Some(PrintedPage::Nothing) => self.0.not_found(&request.headers),
            Some(PrintedPage::Faulty) => reply::failed(),
            None => reply::unavailable(COME_AGAIN),
        }
    }

    async fn article(&self, request: Parts, permalink: Permalink) -> Reply {
        let printed = match self.0.articles.at_hand(&permalink) {
            Some(printed) => Some(printed),
            None => {
                let printing = async move |service: Arc<Inner>| service.articles.print(&permalink).await;
                self.0.with_store(printing).await
            }
        };
        let now = self.0.clock.now();
        match printed {
            Some(PrintedArticle::Page(page)) => {
                reply::document(&request.method, request.headers, &page, &self.0.pages, now)
            }
            Some(PrintedArticle::Gone(page)) => {
                reply::in_place(StatusCode::GONE, &request.headers, &page, &self.0.pages)
            }
            Some(PrintedArticle::Nothing) => self.0.not_found(&request.headers),
            None => reply::unavailable(COME_AGAIN),
        }
    }

    async fn picture(&self, request: Parts, name: String) -> Reply {
        let hash = name.split('.').next().unwrap_or_default().to_owned();
        let reading = self.0.with_store(async move |service| service.store.picture(&name).await);
        let now = self.0.clock.now();
        match reading.await {
            Some(PictureFound::Live { media_type, bytes, kept_at }) => {
                let Ok(media_type) = HeaderValue::try_from(media_type) else { return reply::failed() };
                let picture = Document::uncompressed(media_type, bytes, &hash, kept_at);
                reply::picture(&request.method, request.headers, &picture, &self.0.pictures, now)
            }
            Some(PictureFound::Gone) => self.0.gone(&request.headers),
            Some(PictureFound::Nothing) => reply::not_found(),
            None => reply::unavailable(COME_AGAIN),
        }
    }
}

impl Inner {
    /// What this replica has heard of the log, where the press is about to print some of it. Of a log that no other
    /// process serves, readers see the editions in their order anyway.
    fn not_printed_yet(&self) -> Option<Announcement> {
        if !self.store.is_shared() || !is_ready(&self.health) {
            return None;
        }
        let (heard, progress) = (*self.announced.borrow(), *self.progress.borrow());
        (!progress.stuck && !progress.printed.reaches(&heard)).then_some(heard)
    }

    /// Waits until the press has come to this state of the log; false where it cannot, or needs longer than that.
    async fn comes_to(&self, log: Announcement, patience: Duration) -> bool {
        let mut progress = self.progress.clone();
        let coming = progress.wait_for(|progress| progress.stuck || progress.printed.reaches(&log));
        matches!(tokio::time::timeout(patience, coming).await, Ok(Ok(progress)) if progress.printed.reaches(&log))
    }

    /// 404 in the site's own look.
    pub(super) fn not_found(&self, headers: &hyper::HeaderMap) -> Reply {
        match self.stand.edition().not_found() {
            Some(page) => reply::in_place(StatusCode::NOT_FOUND, headers, page, &self.pages),
            None => reply::not_found(),
        }
    }

    /// 410 in the site's own look.
    fn gone(&self, headers: &hyper::HeaderMap) -> Reply {
        match self.stand.edition().gone() {
            Some(page) => reply::in_place(StatusCode::GONE, headers, page, &self.pages),
            None => reply::gone(),
        }
    }

    /// All channels, as the pages that stand know them; none before anything was printed.
    pub(super) fn channels(&self) -> Option<Arc<Vec<Channel>>> {
        self.stand.edition().recent(&None).map(|recent| recent.channels())
    }

    /// Works with the store in the background, within bounds; none where too much is asked of it at a time, or it does
    /// not answer. The cause goes to the log and never to the client.
    pub(super) async fn with_store<T, F>(
        self: &Arc<Self>,
        work: impl FnOnce(Arc<Self>) -> F + Send + 'static,
    ) -> Option<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let service = Arc::clone(self);
        let working = self.runtime.spawn(async move {
            let turn = tokio::time::timeout(LONGEST_WAIT, service.reading.acquire());
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
    pub(super) fn frame(&self) -> Frame<'_> {
        Frame { site: &self.press.site, addresses: &self.addresses }
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
fn readiness(health: &Health) -> Reply {
    let ready = is_ready(health);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let word = |so: &AtomicBool| if so.load(Ordering::Acquire) { "available" } else { "unavailable" };
    let (store, writes) = (word(&health.store), word(&health.writes));
    let body = format!("{{\"ready\":{ready},\"store\":\"{store}\",\"writes\":\"{writes}\"}}\n");
    reply::state(status, "application/json", body)
}

/// Answers the operator: metrics and health, on a listener of their own.
#[derive(Clone)]
pub struct Operator {
    health: Arc<Health>,
    metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

impl Operator {
    /// `metrics` prints the page of metrics in the OpenMetrics text format.
    pub fn new(health: Arc<Health>, metrics: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self { health, metrics: Arc::new(metrics) }
    }

    /// Answers one request.
    pub async fn answer(self, request: Request<RequestBody>, _from: SocketAddr) -> Reply {
        if let Err(invalid) = validity::check(&request) {
            return invalid.reply();
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return reply::method_not_allowed("GET, HEAD");
        }
        match request.uri().path() {
            "/metrics" => reply::state(
                StatusCode::OK,
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
                (self.metrics)(),
            ),
            "/healthz" => reply::state(StatusCode::OK, "text/plain; charset=utf-8", "ok\n".to_owned()),
            "/readyz" => readiness(&self.health),
            _ => reply::not_found(),
        }
    }
}
