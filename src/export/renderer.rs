//! All documents of the site at one state of the log: which there are, and each of them printed.

use std::collections::HashMap;
use std::sync::Arc;

use tracing::error;

use super::output_dir::Manifest;
use super::plan::{self, Output, PlannedFile, States};
use crate::html;
use crate::render::{
    self, ArchivePageInput, ArticlePage, ArticlePageInput, LogVersion, PageInput, RenderContext,
    RenderCounters, Rendered, RenderedSite, Renderer, Representation,
};
use crate::store::{ImageLookup, Snapshot, Store, StoreError};
use crate::urls::Format;

/// One state of the log, held for as long as it takes to print all of it.
pub(super) struct SiteRenderer {
    store: Store,
    options: Arc<render::RenderOptions>,
    snapshot: Snapshot,
    pub context: RenderContext,
    states: States,
    /// The live documents that were printed.
    rendered: Arc<RenderedSite>,
}

impl SiteRenderer {
    pub(super) async fn load(
        store: &Store,
        options: &render::RenderOptions,
        mut snapshot: Snapshot,
    ) -> Result<Self, StoreError> {
        snapshot.disable_timeouts().await?;
        let options = Arc::new(options.clone());
        let setting = RenderContext::load(&mut snapshot, store, Arc::clone(&options)).await?;
        let states = plan::states(&mut snapshot, &setting).await?;
        Ok(Self {
            store: store.clone(),
            options,
            snapshot,
            context: setting,
            states,
            rendered: Arc::default(),
        })
    }

    /// The number of the newest revision.
    pub(super) fn number(&self) -> u64 {
        self.states.last().map_or(0, |(_, state)| state.number)
    }

    /// How often what all documents depend on has changed.
    pub(super) async fn generation(&mut self) -> Result<u64, StoreError> {
        self.snapshot.config_epoch().await
    }

    /// Every document. `before` saves questions: what a key says there is known, and need not be asked.
    pub(super) async fn plan(&mut self, before: &Manifest) -> Result<Vec<PlannedFile>, StoreError> {
        plan::plan(&mut self.snapshot, &self.context, &self.states, before).await
    }

    /// Prints the live documents of those channels of which one does not stand.
    pub(super) async fn render_live(
        &mut self,
        stands: impl Fn(&PlannedFile) -> bool,
    ) -> Result<(), StoreError> {
        let channels_at = self.context.channels_at();
        let whole = |(scope, state): &&(_, _)| plan::live(scope, *state, channels_at).iter().all(&stands);
        let standing: HashMap<_, _> = self.states.iter().filter(whole).cloned().collect();
        let (mut press, stand) = Renderer::new(
            self.store.clone(),
            render::RenderOptions::clone(&self.options),
            Arc::new(RenderCounters::default()),
        );
        if plan::assets(&self.context).iter().all(stands) {
            press.resume_from(standing, channels_at);
        }
        press.render_from(&mut self.snapshot).await?;
        self.rendered = Arc::clone(&stand.current());
        Ok(())
    }

    /// Reads what a document is made of. A live one must have been printed.
    pub(super) async fn input(&mut self, what: &Output) -> Result<RenderInput, StoreError> {
        let (snapshot, setting) = (&mut self.snapshot, &self.context);
        let ready = |document: Option<&Arc<Representation>>| RenderInput::Ready(document.map(Arc::clone));
        Ok(match what {
            Output::Asset(path) | Output::Live(path) => ready(self.rendered.document(path)),
            Output::NotFound => ready(self.rendered.not_found()),
            Output::Gone => ready(self.rendered.gone()),
            Output::NoSearch => RenderInput::NoSearch(setting.clone()),
            Output::Image(name) => RenderInput::Picture(name.clone(), snapshot.image(name).await?),
            Output::Article(permalink) => {
                RenderInput::Article(Box::new(ArticlePageInput::load(snapshot, setting, permalink).await?))
            }
            Output::Archive(scope, page, format) => {
                let sheet = ArchivePageInput::load(snapshot, setting, scope, *page).await?;
                RenderInput::Archive(sheet.map(|sheet| (sheet, *format)))
            }
            Output::OnDemand(asked) => {
                RenderInput::Desk(PageInput::load(snapshot, setting, asked.clone()).await?.map(Box::new))
            }
        })
    }
}

/// What a document is made of, on its way to a thread that may block.
pub(super) enum RenderInput {
    Ready(Option<Arc<Representation>>),
    NoSearch(RenderContext),
    Picture(String, ImageLookup),
    Article(Box<ArticlePageInput>),
    Archive(Option<(ArchivePageInput, Format)>),
    Desk(Option<Box<PageInput>>),
}

impl RenderInput {
    /// None where it does not pass its reading back. Takes some milliseconds.
    pub(super) fn render(self) -> Option<Arc<Representation>> {
        match self {
            Self::Ready(document) => document,
            Self::NoSearch(setting) => Some(Arc::new(no_search(&setting))),
            Self::Picture(name, ImageLookup::Live { media_type, bytes, stored_at: kept_at }) => {
                let media_type = media_type.try_into().ok()?;
                Some(Arc::new(Representation::identity_only(media_type, bytes, &name, kept_at)))
            }
            Self::Picture(..) => None,
            Self::Article(sheet) => match sheet.render() {
                ArticlePage::Page(page) | ArticlePage::Gone(page) => Some(page),
                ArticlePage::NotFound => None,
            },
            Self::Archive(sheet) => {
                let (sheet, format) = sheet?;
                let printed = sheet.render(format);
                printed
                    .inspect_err(|fault| error!(reason = %fault.reason, "a sealed page did not pass"))
                    .ok()
                    .map(Arc::new)
            }
            Self::Desk(sheet) => match sheet?.render() {
                Rendered::Page(document) => Some(document),
                Rendered::NotFound | Rendered::Failed => None,
            },
        }
    }
}

fn no_search(setting: &RenderContext) -> Representation {
    let version = LogVersion { log: String::new(), number: 0 };
    Representation::encode(
        html::MEDIA_TYPE,
        html::search_unavailable_page(&setting.page_context()),
        &version,
        setting.channels_at(),
    )
}
