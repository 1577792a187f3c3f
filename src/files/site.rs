//! All documents of the site at one state of the log: which there are, and each of them printed.

use std::collections::HashMap;
use std::sync::Arc;

use tracing::error;

use super::folder::Manifest;
use super::plan::{self, Planned, States, What};
use crate::address::Format;
use crate::pages;
use crate::press::{
    self, ArchiveSheet, ArticleSheet, Counters, DeskSheet, Document, Edition, Laid, Press, PrintedArticle,
    Setting, Version,
};
use crate::store::{PictureFound, Snapshot, Store, StoreError};

/// One state of the log, held for as long as it takes to print all of it.
pub(super) struct Site {
    store: Store,
    options: Arc<press::Options>,
    snapshot: Snapshot,
    pub setting: Setting,
    states: States,
    /// The live documents that were printed.
    edition: Arc<Edition>,
}

impl Site {
    pub(super) async fn of(
        store: &Store,
        options: &press::Options,
        mut snapshot: Snapshot,
    ) -> Result<Self, StoreError> {
        snapshot.take_your_time().await?;
        let options = Arc::new(options.clone());
        let setting = Setting::read(&mut snapshot, store, Arc::clone(&options)).await?;
        let states = plan::states(&mut snapshot, &setting).await?;
        Ok(Self { store: store.clone(), options, snapshot, setting, states, edition: Arc::default() })
    }

    /// The number of the newest revision.
    pub(super) fn number(&self) -> u64 {
        self.states.last().map_or(0, |(_, state)| state.number)
    }

    /// How often what all documents depend on has changed.
    pub(super) async fn generation(&mut self) -> Result<u64, StoreError> {
        self.snapshot.generation().await
    }

    /// Every document. `before` saves questions: what a key says there is known, and need not be asked.
    pub(super) async fn plan(&mut self, before: &Manifest) -> Result<Vec<Planned>, StoreError> {
        plan::plan(&mut self.snapshot, &self.setting, &self.states, before).await
    }

    /// Prints the live documents of those channels of which one does not stand.
    pub(super) async fn print_live(&mut self, stands: impl Fn(&Planned) -> bool) -> Result<(), StoreError> {
        let channels_at = self.setting.channels_at();
        let whole = |(scope, state): &&(_, _)| plan::live(scope, *state, channels_at).iter().all(&stands);
        let standing: HashMap<_, _> = self.states.iter().filter(whole).cloned().collect();
        let (mut press, stand) = Press::new(
            self.store.clone(),
            press::Options::clone(&self.options),
            Arc::new(Counters::default()),
        );
        if plan::furniture(&self.setting).iter().all(stands) {
            press.go_on_from(standing, channels_at);
        }
        press.reprint_from(&mut self.snapshot).await?;
        self.edition = Arc::clone(&stand.edition());
        Ok(())
    }

    /// Reads what a document is made of. A live one must have been printed.
    pub(super) async fn sheet(&mut self, what: &What) -> Result<Sheet, StoreError> {
        let (snapshot, setting) = (&mut self.snapshot, &self.setting);
        let ready = |document: Option<&Arc<Document>>| Sheet::Ready(document.map(Arc::clone));
        Ok(match what {
            What::Furniture(path) | What::Live(path) => ready(self.edition.document(path)),
            What::NotFound => ready(self.edition.not_found()),
            What::Gone => ready(self.edition.gone()),
            What::NoSearch => Sheet::NoSearch(setting.clone()),
            What::Picture(name) => Sheet::Picture(name.clone(), snapshot.picture(name).await?),
            What::Article(permalink) => {
                Sheet::Article(Box::new(ArticleSheet::read(snapshot, setting, permalink).await?))
            }
            What::Archive(scope, page, format) => {
                let sheet = ArchiveSheet::read(snapshot, setting, scope, *page).await?;
                Sheet::Archive(sheet.map(|sheet| (sheet, *format)))
            }
            What::Asked(asked) => {
                Sheet::Desk(DeskSheet::read(snapshot, setting, asked.clone()).await?.map(Box::new))
            }
        })
    }
}

/// What a document is made of, on its way to a thread that may block.
pub(super) enum Sheet {
    Ready(Option<Arc<Document>>),
    NoSearch(Setting),
    Picture(String, PictureFound),
    Article(Box<ArticleSheet>),
    Archive(Option<(ArchiveSheet, Format)>),
    Desk(Option<Box<DeskSheet>>),
}

impl Sheet {
    /// None where it does not pass its reading back. Takes some milliseconds.
    pub(super) fn print(self) -> Option<Arc<Document>> {
        match self {
            Self::Ready(document) => document,
            Self::NoSearch(setting) => Some(Arc::new(no_search(&setting))),
            Self::Picture(name, PictureFound::Live { media_type, bytes, kept_at }) => {
                let media_type = media_type.try_into().ok()?;
                Some(Arc::new(Document::uncompressed(media_type, bytes, &name, kept_at)))
            }
            Self::Picture(..) => None,
            Self::Article(sheet) => match sheet.print() {
                PrintedArticle::Page(page) | PrintedArticle::Gone(page) => Some(page),
                PrintedArticle::Nothing => None,
            },
            Self::Archive(sheet) => {
                let (sheet, format) = sheet?;
                let printed = sheet.print(format);
                printed
                    .inspect_err(|fault| error!(reason = %fault.reason, "a sealed page did not pass"))
                    .ok()
                    .map(Arc::new)
            }
            Self::Desk(sheet) => match sheet?.print() {
                Laid::Document(document) => Some(document),
                Laid::Nothing | Laid::Faulty => None,
            },
        }
    }
}

fn no_search(setting: &Setting) -> Document {
    let version = Version { log: String::new(), number: 0 };
    Document::print(pages::MEDIA_TYPE, pages::no_search(&setting.frame()), &version, setting.channels_at())
}
