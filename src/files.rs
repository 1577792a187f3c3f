//! The whole site as files, for servers and CDNs that know nothing of the log.
//!
//! A build is of one state of the log: whatever is published meanwhile is for the next one. Each document lies under
//! its address with the codings that it has, dated by its last change, so that a server which makes its validators of
//! date and length gives the right ones; the same log gives the same files with the same dates wherever it is built.
//! Only what changed is printed and written; then what is gone is removed; what leads on to others comes last.
//!
//! Nothing here speaks HTTP. What servers must be told stands in the files that are written beside the folder.

mod folder;
mod plan;
mod servers;

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tracing::{error, warn};

use crate::pages::{self, Answer, Question};
use crate::press::{
    self, ArchiveSheet, ArticleSheet, Counters, DeskSheet, Document, Edition, Laid, Press, PrintedArticle,
    Setting, Version,
};
use crate::store::{PictureFound, Snapshot, Store, StoreError};

use folder::{Epoch, Folder, Made, Manifest, Standing};
use plan::{Planned, States, What};

/// The newest change has so long to be over.
const SETTLING: Duration = Duration::from_secs(30);

/// What the operator chooses.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder that the site is built into.
    pub folder: PathBuf,
    /// How documents are printed.
    pub press: press::Options,
    /// What servers are to say about them.
    pub headers: Headers,
}

/// The values of headers, as the service itself gives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headers {
    /// `Cache-Control` of live feeds and of data.
    pub feeds: String,
    /// `Cache-Control` of pages and sealed pages of the log.
    pub pages: String,
    /// `Cache-Control` of pictures.
    pub pictures: String,
    /// `Cache-Control` of what bears the hash of its bytes in its name.
    pub assets: String,
    /// Further headers of pages for people, by name.
    pub of_pages: Vec<(&'static str, String)>,
}

/// Why a site was not built. What lies in the folder is a site all the same, in parts older than the log.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The folder holds somebody else's files.
    #[error("{0} is not empty, and no `bantin build` has filled it: name another folder, or empty this one")]
    NotOurs(PathBuf),
    /// Another build is at work.
    #[error("another `bantin build` is at work in {0}")]
    Busy(PathBuf),
    /// What the last build noted cannot be read.
    #[error("{0} cannot be read: take the whole folder away, and build anew")]
    Damaged(PathBuf),
    /// A file cannot be written.
    #[error("{path}: {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How a build went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The number of the log that the site shows.
    pub number: u64,
    /// Documents of the site.
    pub documents: u64,
    /// Those that were printed, and differed from what lay there.
    pub written: u64,
    /// Those that are gone.
    pub removed: u64,
    /// Those that could not be printed: what lay there stays. The log says why.
    pub faults: u64,
    /// The configurations for servers.
    pub servers: Vec<PathBuf>,
}

/// Builds the site into the folder. `tell` hears how many documents are done, and of how many.
///
/// # Errors
/// Where the folder is not one for it, a file cannot be written, or the store does not answer.
pub async fn build(
    store: &Store,
    options: &Options,
    tell: impl FnMut(u64, u64),
) -> Result<Report, BuildError> {
    let (folder, before) = Folder::take(&options.folder)?;
    let mut snapshot = settled(store).await?;
    snapshot.take_your_time().await?;
    let setting = Setting::read(&mut snapshot, store, Arc::new(options.press.clone())).await?;
    let epoch = Epoch {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        log: store.log_id().to_owned(),
        generation: snapshot.generation().await?,
    };
    let before = if before.epoch == epoch { before } else { before.forgetting_keys() };
    let states = plan::states(&mut snapshot, &setting).await?;
    let plan = plan::plan(&mut snapshot, &setting, &states, &before).await?;
    let mut works = Works {
        edition: Arc::default(),
        report: Report {
            number: states.last().map_or(0, |(_, state)| state.number),
            documents: plan.len() as u64,
            ..Report::default()
        },
        after: Manifest { epoch, ..Manifest::default() },
        folder: Arc::new(folder),
        setting,
        before,
        snapshot,
        under_way: JoinSet::new(),
        done: 0,
        tell,
    };
    works.print_live(store, options, &states).await?;
    works.carry_out(plan).await?;
    works.end(options)
}

/// A state of the log whose newest second is over: no later state bears a date that this one bears, so that a date
/// and a length tell one from the other.
async fn settled(store: &Store) -> Result<Snapshot, StoreError> {
    let began = tokio::time::Instant::now();
    loop {
        let mut snapshot = store.snapshot().await?;
        let newest = snapshot.newest_second().await?;
        if newest < store.clock().now() {
            return Ok(snapshot);
        }
        drop(snapshot);
        if began.elapsed() > SETTLING {
            warn!(%newest, "the newest change lies in the future; a reader that asks by date may miss the next one");
            return store.snapshot().await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A build under way.
struct Works<T> {
    folder: Arc<Folder>,
    before: Manifest,
    after: Manifest,
    setting: Setting,
    snapshot: Snapshot,
    edition: Arc<Edition>,
    under_way: JoinSet<Result<Finished, BuildError>>,
    report: Report,
    done: u64,
    tell: T,
}

/// What became of a document. None where it could not be printed.
struct Finished {
    file: String,
    made: Option<(Made, bool)>,
}

impl<T: FnMut(u64, u64)> Works<T> {
    /// Prints the live documents of those channels of which one does not stand as it should.
    async fn print_live(
        &mut self,
        store: &Store,
        options: &Options,
        states: &States,
    ) -> Result<(), StoreError> {
        let stands = |planned: &Planned| self.standing(planned) != Standing::Not;
        let channels_at = self.setting.channels_at();
        let whole = |(scope, state): &&(_, _)| plan::live(scope, *state, channels_at).iter().all(stands);
        let standing: HashMap<_, _> = states.iter().filter(whole).cloned().collect();
        let (mut press, stand) =
            Press::new(store.clone(), options.press.clone(), Arc::new(Counters::default()));
        if plan::furniture(&self.setting).iter().all(stands) {
            press.go_on_from(standing, channels_at);
        }
        press.reprint_from(&mut self.snapshot).await?;
        self.edition = Arc::clone(&stand.edition());
        Ok(())
    }

    fn standing(&self, Planned { file, key, at, .. }: &Planned) -> Standing {
        self.folder.standing(file, self.before.files.get(file), key, *at)
    }

    async fn carry_out(&mut self, plan: Vec<Planned>) -> Result<(), BuildError> {
        let mut changed = Vec::new();
        for planned in plan {
            match (self.standing(&planned), self.before.files.get(&planned.file)) {
                (Standing::Right, Some(made)) => self.stands(planned.file, made.clone()),
                (Standing::OtherDate, Some(made)) => {
                    let made = Made { at: planned.at, ..made.clone() };
                    self.file(&planned.file, self.folder.date(&planned.file, made.lengths, planned.at))?;
                    self.stands(planned.file, made);
                }
                _ => changed.push(planned),
            }
        }
        let to_be_made: HashSet<&str> = changed.iter().map(|planned| planned.file.as_str()).collect();
        let is_planned = |file: &str| self.after.files.contains_key(file) || to_be_made.contains(file);
        let gone: Vec<String> = self.before.files.keys().filter(|file| !is_planned(file)).cloned().collect();
        if changed.is_empty() && gone.is_empty() {
            return Ok(());
        }
        self.note_what_may_be_there(&changed)?;
        let (index, leaves): (Vec<_>, Vec<_>) =
            changed.into_iter().partition(|planned| planned.what.is_index());
        self.make(leaves).await?;
        // A page that a browser holds may still ask for the stylesheet of before.
        let (assets, gone): (Vec<_>, Vec<_>) = gone.into_iter().partition(|file| plan::is_asset(file));
        self.remove(&gone)?;
        self.make(index).await?;
        self.remove(&assets)
    }

    fn stands(&mut self, file: String, made: Made) {
        self.after.files.insert(file, made);
        self.is_done();
    }

    fn is_done(&mut self) {
        self.done += 1;
        (self.tell)(self.done, self.report.documents);
    }

    /// Before anything changes: what was there, what stands, and what is to be made, whose keys nobody knows yet.
    fn note_what_may_be_there(&self, changed: &[Planned]) -> Result<(), BuildError> {
        let mut files = self.before.clone().forgetting_keys().files;
        files.extend(self.after.files.clone());
        for Planned { file, at, .. } in changed {
            files.insert(file.clone(), Made { key: String::new(), at: *at, lengths: Default::default() });
        }
        let noted = Manifest { epoch: self.after.epoch.clone(), files };
        self.file(folder::MANIFEST, self.folder.remember(&noted))
    }

    async fn make(&mut self, planned: Vec<Planned>) -> Result<(), BuildError> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        for planned in planned {
            // A document for each core, and a little read ahead.
            while self.under_way.len() > cores
                && let Some(finished) = self.under_way.join_next().await
            {
                self.lay_in(finished)?;
            }
            let sheet = self.sheet(&planned.what).await?;
            let folder = Arc::clone(&self.folder);
            self.under_way.spawn_blocking(move || {
                let Some(document) = sheet.print() else {
                    return Ok(Finished { file: planned.file, made: None });
                };
                let Planned { file, key, at, .. } = planned;
                let put = folder.put(&file, &document, at);
                let (lengths, changed) =
                    put.map_err(|cause| BuildError::File { path: folder.root().join(&file), cause })?;
                Ok(Finished { file, made: Some((Made { key, at, lengths }, changed)) })
            });
        }
        while let Some(finished) = self.under_way.join_next().await {
            self.lay_in(finished)?;
        }
        Ok(())
    }

    fn lay_in(
        &mut self,
        finished: Result<Result<Finished, BuildError>, JoinError>,
    ) -> Result<(), BuildError> {
        let finished = finished.unwrap_or_else(|failure| std::panic::resume_unwind(failure.into_panic()));
        let Finished { file, made } = finished?;
        match made {
            Some((made, changed)) => {
                self.report.written += u64::from(changed);
                self.after.files.insert(file, made);
            }
            None => {
                error!(%file, "could not be printed; what lay there stays");
                self.report.faults += 1;
                if let Some(before) = self.before.files.get(&file) {
                    let unsure = Made { key: String::new(), ..before.clone() };
                    self.after.files.insert(file, unsure);
                }
            }
        }
        self.is_done();
        Ok(())
    }

    fn remove(&mut self, gone: &[String]) -> Result<(), BuildError> {
        for file in gone {
            self.file(file, self.folder.remove(file))?;
            self.report.removed += 1;
        }
        Ok(())
    }

    /// Reads what a document is made of.
    async fn sheet(&mut self, what: &What) -> Result<Sheet, StoreError> {
        let ready = |document: Option<&Arc<Document>>| Sheet::Ready(document.map(Arc::clone));
        Ok(match what {
            What::Furniture(path) | What::Live(path) => ready(self.edition.document(path)),
            What::NotFound => ready(self.edition.not_found()),
            What::Gone => ready(self.edition.gone()),
            What::NoSearch => Sheet::NoSearch(self.setting.clone()),
            What::Picture(name) => Sheet::Picture(name.clone(), self.snapshot.picture(name).await?),
            What::Article(permalink) => {
                let sheet = ArticleSheet::read(&mut self.snapshot, &self.setting, permalink).await?;
                Sheet::Article(Box::new(sheet))
            }
            What::Archive(scope, page, format) => {
                let sheet = ArchiveSheet::read(&mut self.snapshot, &self.setting, scope, *page).await?;
                Sheet::Archive(sheet.map(|sheet| (sheet, *format)))
            }
            What::Asked(asked) => {
                let sheet = DeskSheet::read(&mut self.snapshot, &self.setting, asked.clone()).await?;
                Sheet::Desk(sheet.map(Box::new))
            }
        })
    }

    fn file<R>(&self, file: &str, outcome: io::Result<R>) -> Result<R, BuildError> {
        outcome.map_err(|cause| BuildError::File { path: self.folder.root().join(file), cause })
    }

    /// Notes what was made, and writes beside the folder what servers must be told.
    fn end(mut self, options: &Options) -> Result<Report, BuildError> {
        if self.after != self.before {
            self.file(folder::MANIFEST, self.folder.remember(&self.after))?;
        }
        self.report.servers = servers::write(self.folder.root(), &self.setting, options)?;
        self.folder.leave();
        Ok(self.report)
    }
}

/// What a document is made of, on its way to a thread that may block.
enum Sheet {
    Ready(Option<Arc<Document>>),
    NoSearch(Setting),
    Picture(String, PictureFound),
    Article(Box<ArticleSheet>),
    Archive(Option<(ArchiveSheet, crate::address::Format)>),
    Desk(Option<Box<DeskSheet>>),
}

impl Sheet {
    /// None where it does not pass its reading back.
    fn print(self) -> Option<Arc<Document>> {
        match self {
            Self::Ready(document) => document,
            Self::NoSearch(setting) => Some(Arc::new(no_search(&setting))),
            Self::Picture(name, PictureFound::Live { media_type, bytes, kept_at }) => {
                let media_type = media_type.try_into().ok()?;
                Some(Arc::new(Document::uncompressed(media_type, bytes, &name, kept_at)))
            }
            Self::Picture(..) => None,
            Self::Article(sheet) => match sheet.print() {
                PrintedArticle::Page(page) | PrintedArticle::Gone(page) => Some(Arc::from(page)),
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

/// What stands in place of the search: files cannot look anything up.
fn no_search(setting: &Setting) -> Document {
    const TOLD: &str =
        "Trang này là bản sao tĩnh nên không tìm kiếm được. Xin xem tin theo tháng hoặc theo chuyên mục.";
    let page = pages::search(&setting.frame(), &Question::default(), Answer::Refused(TOLD), None);
    let version = Version { log: String::new(), number: 0 };
    Document::print(pages::MEDIA_TYPE, page, &version, setting.channels_at())
}
