//! Lists and renders all documents of the site at one state of the log.

use std::collections::HashMap;
use std::sync::Arc;

use tracing::error;

use super::manifest::Manifest;
use super::plan::{self, Output, PlannedFile, States};
use crate::html;
use crate::model::Permalink;
use crate::render::{
    self, ArchivePageInput, ArticlePage, ArticlePageInput, LogVersion, PageInput, RenderContext,
    RenderCounters, Rendered, RenderedSite, Renderer, Representation,
};
use crate::store::{ImageLookup, Snapshot, Store, StoreError};
use crate::urls::{Format, Scope};

/// A snapshot of the log, held until all documents are rendered.
pub(super) struct SiteRenderer {
    store: Store,
    options: Arc<render::RenderOptions>,
    snapshot: Snapshot,
    pub context: RenderContext,
    states: States,
    /// The rendered live documents.
    rendered: Arc<RenderedSite>,
    /// The archive page that was read last: its formats follow each other.
    archive_page: Option<((Scope, u64), Arc<ArchivePageInput>)>,
}

impl SiteRenderer {
    pub(super) async fn load(
        store: &Store,
        options: &render::RenderOptions,
        mut snapshot: Snapshot,
    ) -> Result<Self, StoreError> {
        snapshot.disable_timeouts().await?;
        let options = Arc::new(options.clone());
        let context = RenderContext::load(&mut snapshot, store, Arc::clone(&options)).await?;
        let states = plan::states(&mut snapshot, &context).await?;
        Ok(Self {
            store: store.clone(),
            options,
            snapshot,
            context,
            states,
            rendered: Arc::default(),
            archive_page: None,
        })
    }

    /// The number of the newest revision.
    pub(super) fn number(&self) -> u64 {
        self.states.last().map_or(0, |(_, state)| state.number)
    }

    /// Counts changes of the configuration.
    pub(super) async fn generation(&mut self) -> Result<u64, StoreError> {
        self.snapshot.config_epoch().await
    }

    /// The old addresses of all published articles, by address.
    pub(super) async fn old_addresses(&mut self) -> Result<Vec<(String, Permalink)>, StoreError> {
        const PAGE: u32 = 10_000;
        let mut all: Vec<(String, Permalink)> = Vec::new();
        loop {
            let after = all.last().map_or("", |(address, _)| address);
            let page = self.snapshot.old_addresses(after, PAGE).await?;
            let is_last = page.len() < PAGE as usize;
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }

    /// Lists every document; see [`plan::plan`].
    pub(super) async fn plan(&mut self, before: &Manifest) -> Result<Vec<PlannedFile>, StoreError> {
        plan::plan(&mut self.snapshot, &self.context, &self.states, before).await
    }

    /// Renders the live documents of each channel that has one for which `is_current` is false.
    pub(super) async fn render_live(
        &mut self,
        is_current: impl Fn(&PlannedFile) -> bool,
    ) -> Result<(), StoreError> {
        let channels_at = self.context.channels_at();
        let is_complete =
            |(scope, state): &&(_, _)| plan::live(scope, *state, channels_at).iter().all(&is_current);
        let current: HashMap<_, _> = self.states.iter().filter(is_complete).cloned().collect();
        let (mut renderer, site_cache) = Renderer::new(
            self.store.clone(),
            render::RenderOptions::clone(&self.options),
            Arc::new(RenderCounters::default()),
        );
        if plan::assets(&self.context).iter().all(is_current) {
            renderer.resume_from(current, channels_at);
        }
        renderer.render_from(&mut self.snapshot).await?;
        self.rendered = Arc::clone(&site_cache.current());
        Ok(())
    }

    /// Reads the input of a document. Live documents must have been rendered.
    pub(super) async fn input(&mut self, output: &Output) -> Result<RenderInput, StoreError> {
        let (snapshot, context) = (&mut self.snapshot, &self.context);
        let ready = |document: Option<&Arc<Representation>>| RenderInput::Ready(document.map(Arc::clone));
        Ok(match output {
            Output::Asset(path) | Output::Live(path) => ready(self.rendered.document(path)),
            Output::NotFound => ready(self.rendered.not_found()),
            Output::Gone => ready(self.rendered.gone()),
            Output::NoSearch => RenderInput::NoSearch(context.clone()),
            Output::Image(name) => RenderInput::Image(name.clone(), snapshot.image(name).await?),
            Output::Article(permalink) => {
                RenderInput::Article(Box::new(ArticlePageInput::load(snapshot, context, permalink).await?))
            }
            Output::Archive(scope, page, format) => {
                let input = match &self.archive_page {
                    Some((of, input)) if *of == (scope.clone(), *page) => Some(Arc::clone(input)),
                    _ => ArchivePageInput::load(snapshot, context, scope, *page).await?.map(Arc::new),
                };
                self.archive_page = input.clone().map(|input| ((scope.clone(), *page), input));
                RenderInput::Archive(input.map(|input| (input, *format)))
            }
            Output::OnDemand(request) => RenderInput::OnDemandPage(
                PageInput::load(snapshot, context, request.clone()).await?.map(Box::new),
            ),
        })
    }
}

/// The input of a document, for a thread that may block.
pub(super) enum RenderInput {
    Ready(Option<Arc<Representation>>),
    NoSearch(RenderContext),
    Image(String, ImageLookup),
    Article(Box<ArticlePageInput>),
    Archive(Option<(Arc<ArchivePageInput>, Format)>),
    OnDemandPage(Option<Box<PageInput>>),
}

impl RenderInput {
    /// `None` if the document fails verification. Takes some milliseconds.
    pub(super) fn render(self) -> Option<Arc<Representation>> {
        match self {
            Self::Ready(document) => document,
            Self::NoSearch(context) => Some(Arc::new(no_search(&context))),
            Self::Image(name, ImageLookup::Live { media_type, bytes, stored_at }) => {
                let media_type = media_type.try_into().ok()?;
                Some(Arc::new(Representation::identity_only(media_type, bytes, &name, stored_at)))
            }
            Self::Image(..) => None,
            Self::Article(input) => match input.render() {
                ArticlePage::Page(page) | ArticlePage::Gone(page) => Some(page),
                ArticlePage::NotFound => None,
            },
            Self::Archive(input) => {
                let (input, format) = input?;
                let rendered = input.render(format);
                rendered
                    .inspect_err(
                        |fault| error!(reason = %fault.reason, "an archive page failed verification"),
                    )
                    .ok()
                    .map(Arc::new)
            }
            Self::OnDemandPage(input) => match input?.render() {
                Rendered::Page(document) => Some(document),
                Rendered::NotFound | Rendered::Failed => None,
            },
        }
    }
}

fn no_search(context: &RenderContext) -> Representation {
    let version = LogVersion { log: String::new(), number: 0 };
    Representation::new(
        html::MEDIA_TYPE,
        html::search_unavailable_page(&context.page_context()),
        &version,
        context.channels_at(),
    )
}
