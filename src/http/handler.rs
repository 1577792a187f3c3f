//! Request dispatch: every step of a request in one place.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::HeaderValue;
use hyper::http::request::Parts;
use hyper::{Method, Request, StatusCode, Uri};

use super::api;
use super::client_ip::client_address;
use super::delta_encoding;
use super::editor;
use super::health::{is_ready, readiness};
use super::on_demand;
use super::preconditions::{Decision, client_newer_tag};
use super::response::{self, ALLOW_READ, CachePolicy, HttpResponse};
use super::server::{Answer, RequestBody, Service};
use super::state::{AppState, RETRY_AFTER};
use super::validity::{self, Invalid};
use super::{hub, hub_callback};
use crate::model::Permalink;
use crate::render::{
    ArchivePage, ArticlePage, ContentCoding, LiveFeed, RenderedSite, Representation, RepresentationKind,
};
use crate::store::{ImageLookup, LogPosition};
use crate::urls::{Format, Route, Scope, article_path, names_article, old_addresses_of};

/// How long a replica may take to catch up with a client that holds a newer copy.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a client without a known copy waits for a running rendering.
const RENDER_WAIT: Duration = Duration::from_millis(500);
/// How long a request waits for the first rendering after the start.
const START_WAIT: Duration = Duration::from_secs(5);

/// The delta of a feed to send.
struct DeltaTarget {
    feed: Arc<LiveFeed>,
    format: Format,
    /// The version of the copy that the client holds.
    base: u64,
}

type LaterResponse = Pin<Box<dyn Future<Output = HttpResponse>>>;

/// The result of looking a request up in memory.
enum CacheLookup {
    Hit(HttpResponse),
    /// A delta of this document.
    Delta(DeltaTarget, Arc<Representation>),
    /// The client holds a newer copy with this tag.
    ClientIsNewer(HeaderValue, Arc<Representation>),
    /// The log has reached this position, but the rendered site has not, and another replica may already have
    /// served it.
    Stale(LogPosition, CachePolicy),
    /// This coding of the document is made first.
    Encode(Arc<Representation>, ContentCoding),
    /// A browser shows the source of this feed.
    Source(Arc<Representation>),
    /// A browser opens this feed as a page.
    BrowserView(Arc<LiveFeed>, Format),
    /// The front page, with a query by which another system named its articles.
    MaybeOldAddress,
    Miss,
}

/// Answers public requests: those that need the store later, all others at once.
#[derive(Clone)]
pub struct SiteHandler {
    state: Arc<AppState>,
}

impl Service for SiteHandler {
    fn answer(&self, request: Request<RequestBody>, from: SocketAddr) -> Answer {
        let invalid = validity::check(&request).err();
        let (mut request, body) = request.into_parts();
        if let Some(invalid) = invalid {
            return Answer::ready(self.invalid(&request, invalid));
        }
        match self.lookup(&mut request) {
            CacheLookup::Hit(reply) => Answer::ready(reply),
            lookup => Answer::Later(self.follow(lookup, request, body, from)),
        }
    }
}

impl SiteHandler {
    /// Answers with this state.
    pub fn new(state: Arc<AppState>) -> Self {
        Self { state }
    }

    /// Answers a request that [`Service::answer`] did not answer at once.
    fn follow(
        &self,
        lookup: CacheLookup,
        mut request: Parts,
        body: RequestBody,
        from: SocketAddr,
    ) -> LaterResponse {
        match lookup {
            CacheLookup::Hit(reply) => Box::pin(std::future::ready(reply)),
            CacheLookup::Delta(target, document) => {
                let handler = self.clone();
                Box::pin(async move { handler.delta(request, target, document).await })
            }
            CacheLookup::ClientIsNewer(tag, document) => {
                Box::pin(self.clone().wait_for_position(request, tag, document))
            }
            CacheLookup::Stale(log, policy) => Box::pin(self.clone().wait_for_render(request, log, policy)),
            CacheLookup::Encode(document, coding) => {
                let handler = self.clone();
                Box::pin(async move {
                    handler.state.encode(&document, coding).await;
                    let lookup = handler.lookup(&mut request);
                    handler.follow(lookup, request, body, from).await
                })
            }
            CacheLookup::Source(feed) => {
                let state = Arc::clone(&self.state);
                Box::pin(async move {
                    state.encode_for(&request.headers, &feed).await;
                    response::feed_source(&request.headers, &feed)
                })
            }
            CacheLookup::BrowserView(feed, format) => {
                let state = Arc::clone(&self.state);
                Box::pin(async move { on_demand::feed_as_html(&state, &request.headers, feed, format).await })
            }
            CacheLookup::MaybeOldAddress => Box::pin(self.clone().front_page_or_old_address(request)),
            CacheLookup::Miss => Box::pin(self.clone().dispatch(request, body, from)),
        }
    }

    fn invalid(&self, request: &Parts, invalid: Invalid) -> HttpResponse {
        match api::is_below(&self.state.urls.local_path(request.uri.path())) {
            true => api::invalid(&self.state.urls, invalid),
            false => invalid.reply(),
        }
    }

    /// The hot path: route, cached document, preconditions. No store, no lock, no log line. Takes the headers
    /// out of a request that it answers.
    fn lookup(&self, request: &mut Parts) -> CacheLookup {
        let site = self.state.site_cache.current();
        let path = &*self.state.urls.local_path(request.uri.path());
        let Some(document) = site.document(path) else { return CacheLookup::Miss };
        if path == "/"
            && request.uri.query().is_some_and(names_article)
            && matches!(request.method, Method::GET | Method::HEAD)
        {
            return CacheLookup::MaybeOldAddress;
        }
        if let Some(target) = self.delta_request(request, path, &site, document) {
            return CacheLookup::Delta(target, Arc::clone(document));
        }
        if document.kind == RepresentationKind::Feed && response::is_browser_navigation(&request.headers) {
            return self.browser_view(request, path, &site, document);
        }
        if self.state.store.is_shared()
            && let Some(tag) = client_newer_tag(&request.headers, document)
        {
            return CacheLookup::ClientIsNewer(tag, Arc::clone(document));
        }
        let policy = self.policy(document.kind);
        let now = self.state.clock.now();
        let decision = response::evaluate(&request.headers, document, now);
        if let Some(Decision::Encode(coding)) = decision {
            return CacheLookup::Encode(Arc::clone(document), coding);
        }
        if matches!(decision, Some(Decision::Send(_)))
            && document.kind != RepresentationKind::Asset
            && let Some(log) = self.state.pending_position()
        {
            return CacheLookup::Stale(log, policy.clone());
        }
        let headers = std::mem::take(&mut request.headers);
        CacheLookup::Hit(response::from_decision(decision, &request.method, headers, document, policy, now))
    }

    /// Another replica was ahead of this one. Catches up with it, so that no client sees a feed go backwards.
    /// If that takes too long, the client keeps its newer copy.
    async fn wait_for_position(
        self,
        request: Parts,
        tag: HeaderValue,
        older: Arc<Representation>,
    ) -> HttpResponse {
        let caught_up =
            match self.state.run_with_store(async move |state| state.store.poll_position().await).await {
                Some(log) => self.state.wait_until_rendered(log, CATCH_UP_TIMEOUT).await,
                None => false,
            };
        match self.document(&request) {
            Some(document) if caught_up => self.state.send(request, &document, &self.state.feeds).await,
            _ => {
                let now = self.state.clock.now();
                response::not_modified_newer(
                    &request.method,
                    request.headers,
                    &older,
                    tag,
                    &self.state.feeds,
                    now,
                )
            }
        }
    }

    /// Waits until the renderer has reached this position of the log, or for a short time, then sends the
    /// full document.
    async fn wait_for_render(self, request: Parts, log: LogPosition, policy: CachePolicy) -> HttpResponse {
        self.state.wait_until_rendered(log, RENDER_WAIT).await;
        match self.document(&request) {
            Some(document) => self.state.send(request, &document, &policy).await,
            None => self.state.not_found(&request.headers),
        }
    }

    /// A connection that waited in the socket while the service restarted comes before the first rendering. It gets
    /// its document after that, or 503 if that takes too long.
    async fn wait_for_first_render(self, request: Parts) -> HttpResponse {
        self.state.wait_until_first_rendered(START_WAIT).await;
        match self.document(&request) {
            Some(document) => self.state.send(request, &document, self.policy(document.kind)).await,
            None => response::service_unavailable(RETRY_AFTER),
        }
    }

    fn policy(&self, kind: RepresentationKind) -> &CachePolicy {
        match kind {
            RepresentationKind::Feed | RepresentationKind::Data => &self.state.feeds,
            RepresentationKind::Page => &self.state.pages,
            RepresentationKind::Asset => &self.state.assets,
        }
    }

    /// The document of the current rendered site.
    fn document(&self, request: &Parts) -> Option<Arc<Representation>> {
        let path = self.state.urls.local_path(request.uri.path());
        self.state.site_cache.current().document(&path).cloned()
    }

    /// A feed opened in a browser: an HTML page, or with `?xml` its source.
    fn browser_view(
        &self,
        request: &Parts,
        path: &str,
        site: &RenderedSite,
        document: &Arc<Representation>,
    ) -> CacheLookup {
        let is_read = matches!(request.method, Method::GET | Method::HEAD);
        let feed = match self.state.urls.parse(path) {
            Route::Feed(scope, format) if is_read => site.live_feed(&scope).map(|feed| (feed, format)),
            _ => None,
        };
        match feed {
            Some(_) if on_demand::wants_raw(request) => CacheLookup::Source(Arc::clone(document)),
            Some((feed, format)) => CacheLookup::BrowserView(Arc::clone(feed), format),
            None => {
                let (headers, now) = (request.headers.clone(), self.state.clock.now());
                let feeds = &self.state.feeds;
                CacheLookup::Hit(response::representation(&request.method, headers, document, feeds, now))
            }
        }
    }

    /// Answers requests that are not in the rendered site.
    async fn dispatch(self, mut request: Parts, body: RequestBody, from: SocketAddr) -> HttpResponse {
        let route = self.state.urls.parse(request.uri.path());
        if let Route::Api(segments) = &route {
            let client = client_address(&request.headers, from.ip(), &self.state.trusted_proxies);
            request.extensions.insert(client);
            return api::answer(&self.state, request, body, segments).await;
        }
        if let Route::Editor(page) = &route {
            let client = client_address(&request.headers, from.ip(), &self.state.trusted_proxies);
            request.extensions.insert(client);
            return editor::answer(&self.state, request, body, page).await;
        }
        match &route {
            Route::Hub => return hub::answer(&self.state, request, body).await,
            Route::HubCallback(token) => {
                return hub_callback::answer(&self.state, request, body, token).await;
            }
            _ => {}
        }
        if api::is_below(&self.state.urls.local_path(request.uri.path())) {
            return api::no_such_resource(&self.state.urls);
        }
        if request.method == Method::OPTIONS {
            return response::options(ALLOW_READ);
        }
        if !matches!(request.method, Method::GET | Method::HEAD) {
            return response::method_not_allowed(ALLOW_READ);
        }
        let may_be_old = !matches!(route, Route::Media(_) | Route::Health | Route::Ready);
        let (method, uri) = (request.method.clone(), request.uri.clone());
        let response = self.clone().respond_route(request, route).await;
        match response.status() {
            StatusCode::NOT_FOUND if may_be_old => self.old_address(method, &uri).await.unwrap_or(response),
            _ => response,
        }
    }

    /// Answers the front page, unless the query names an article of the system that this site replaced.
    async fn front_page_or_old_address(self, request: Parts) -> HttpResponse {
        if let Some(response) = self.clone().old_address(request.method.clone(), &request.uri).await {
            return response;
        }
        match self.document(&request) {
            Some(document) => self.state.send(request, &document, &self.state.pages).await,
            None => self.state.not_found(&request.headers),
        }
    }

    /// 301 to the article that had this address before it was imported, or the answer of that article if it was
    /// withdrawn. An address of this site is never taken: what exists here has been answered before.
    async fn old_address(self, method: Method, uri: &Uri) -> Option<HttpResponse> {
        let addresses = old_addresses_of(&self.state.urls.local_path(uri.path()), uri.query());
        if addresses.is_empty() {
            return None;
        }
        let looking_up = self.state.run_with_store(async move |state| {
            for address in &addresses {
                if let Some(permalink) = state.store.article_of_old_address(address).await? {
                    return Ok(Some(permalink));
                }
            }
            Ok(None)
        });
        let target = article_path(&looking_up.await.flatten()?);
        let (mut request, _) = Request::new(()).into_parts();
        // Without the old query, which says nothing at the new address.
        (request.method, request.uri) = (method, target.parse().ok()?);
        Some(self.redirect(request, &target).await)
    }

    /// Answers a GET or HEAD request that is not in the rendered site.
    async fn respond_route(self, request: Parts, route: Route) -> HttpResponse {
        match route {
            Route::Archive(scope, page, format) => self.archive(request, scope, page, format).await,
            Route::Article(permalink) => self.article(request, permalink).await,
            Route::Media(name) => self.image(request, name).await,
            Route::Search
            | Route::SearchFeed(_)
            | Route::Months(..)
            | Route::Month(..)
            | Route::Sitemap(_) => on_demand::handle(&self.state, request, route).await,
            Route::Redirect(target) => self.redirect(request, &target).await,
            Route::Gone => self.state.gone(&request.headers),
            Route::Health => response::plain(StatusCode::OK, "text/plain; charset=utf-8", "ok\n".to_owned()),
            Route::Ready => readiness(&self.state.health),
            Route::Feed(..) | Route::Page(_) | Route::Opml | Route::Asset
                if !is_ready(&self.state.health) =>
            {
                self.wait_for_first_render(request).await
            }
            Route::Feed(..)
            | Route::Page(_)
            | Route::Opml
            | Route::Asset
            | Route::Api(_)
            | Route::Editor(_)
            | Route::Hub
            | Route::HubCallback(_)
            | Route::NotFound => self.state.not_found(&request.headers),
        }
    }

    /// 301 if `target` exists; otherwise its own response (feed rule C10), because a redirect is cached for a
    /// day and must not lead to a 404.
    async fn redirect(self, request: Parts, target: &str) -> HttpResponse {
        let query = request.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let location = self.state.urls.path(target) + &query;
        if self.state.site_cache.current().document(target).is_some() {
            return response::moved_permanently(&location);
        }
        let route = self.state.urls.parse(target);
        let (mut head_request, _) = Request::new(()).into_parts();
        head_request.method = Method::HEAD;
        head_request.uri = request.uri;
        let response_at_target = Box::pin(self.respond_route(head_request, route)).await;
        if response_at_target.status().is_success() {
            response::moved_permanently(&location)
        } else {
            response_at_target
        }
    }

    /// The delta to send for the feed at `path`. None if the request asks for no delta, the client's copy is
    /// current, or the changes cannot be expressed as a delta (feed rule D1).
    fn delta_request(
        &self,
        request: &Parts,
        path: &str,
        site: &RenderedSite,
        document: &Representation,
    ) -> Option<DeltaTarget> {
        let requested = delta_encoding::DeltaRequest::from_headers(&request.headers)?;
        if !matches!(request.method, Method::GET | Method::HEAD) {
            return None;
        }
        let decision = response::evaluate(&request.headers, document, self.state.clock.now());
        let (Some(Decision::Send(_)), Route::Feed(scope, format)) = (decision, self.state.urls.parse(path))
        else {
            return None;
        };
        let feed = site.live_feed(&scope)?;
        let base =
            requested.held_versions(feed.log()).filter(|base| feed.has_delta_since(format, *base)).max()?;
        Some(DeltaTarget { feed: Arc::clone(feed), format, base })
    }

    /// Sends the delta, rendered in the background if not cached; the full feed if that fails.
    async fn delta(
        &self,
        request: Parts,
        target: DeltaTarget,
        document: Arc<Representation>,
    ) -> HttpResponse {
        let DeltaTarget { feed, format, base } = target;
        let delta = match feed.cached_delta(format, base) {
            Some(delta) => Some(delta),
            None => {
                let full = Arc::clone(&document);
                let rendering = self.state.run_with_store(async move |_| {
                    let delta = tokio::task::spawn_blocking(move || feed.delta(format, base, &full)).await;
                    Ok(delta.ok().flatten())
                });
                rendering.await.flatten()
            }
        };
        match delta {
            Some(delta) => response::im_used(&request.headers, &delta, self.state.clock.now()),
            None => self.state.send(request, &document, &self.state.feeds).await,
        }
    }

    async fn archive(&self, request: Parts, scope: Scope, page: u64, format: Format) -> HttpResponse {
        let is_browser = response::is_browser_navigation(&request.headers);
        let feed = self.state.site_cache.current().live_feed(&scope).cloned();
        let rendering =
            self.state.run_with_store(async move |state| state.archive.page(&scope, page, format).await);
        match rendering.await {
            Some(ArchivePage::Page(page)) => match feed.filter(|_| is_browser) {
                Some(_) if on_demand::wants_raw(&request) => {
                    self.state.encode_for(&request.headers, &page).await;
                    response::feed_source(&request.headers, &page)
                }
                Some(feed) => on_demand::feed_as_html(&self.state, &request.headers, feed, format).await,
                None => self.state.send(request, &page, &self.state.pages).await,
            },
            Some(ArchivePage::NotFound) => self.state.not_found(&request.headers),
            Some(ArchivePage::Failed) => response::internal_error(),
            None => response::service_unavailable(RETRY_AFTER),
        }
    }

    async fn article(&self, request: Parts, permalink: Permalink) -> HttpResponse {
        let page_result = match self.state.articles.cached(&permalink) {
            Some(page_result) => Some(page_result),
            None => {
                let rendering = async move |state: Arc<AppState>| state.articles.render(&permalink).await;
                self.state.run_with_store(rendering).await
            }
        };
        match page_result {
            Some(ArticlePage::Page(page)) => self.state.send(request, &page, &self.state.pages).await,
            Some(ArticlePage::Gone(page)) => {
                response::substitute(StatusCode::GONE, &request.headers, &page, &self.state.pages)
            }
            Some(ArticlePage::NotFound) => self.state.not_found(&request.headers),
            None => response::service_unavailable(RETRY_AFTER),
        }
    }

    async fn image(&self, request: Parts, name: String) -> HttpResponse {
        let hash = name.split('.').next().unwrap_or_default().to_owned();
        let reading = self.state.run_with_store(async move |state| state.store.image(&name).await);
        let now = self.state.clock.now();
        match reading.await {
            Some(ImageLookup::Live { media_type, bytes, stored_at }) => {
                let Ok(media_type) = HeaderValue::try_from(media_type) else {
                    return response::internal_error();
                };
                let image = Representation::identity_only(media_type, bytes, &hash, stored_at);
                response::image(&request.method, request.headers, &image, &self.state.images, now)
            }
            Some(ImageLookup::Gone) => self.state.gone(&request.headers),
            Some(ImageLookup::NotFound) => response::not_found(),
            None => response::service_unavailable(RETRY_AFTER),
        }
    }
}
