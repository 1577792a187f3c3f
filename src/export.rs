//! The whole site as files, for servers and CDNs that know nothing of the log.
//!
//! A build is of one state of the log: whatever is published meanwhile is for the next one. Each document lies under
//! its address with the codings that it has, dated by its last change, so that a server which makes its validators of
//! date and length gives the right ones; the same log gives the same files with the same dates wherever it is built.
//! Only what changed is printed and written; then what is gone is removed; what leads on to others comes last.
//!
//! The list of all documents also serves to compare two stores by what leaves them ([`compare()`]).
//!
//! Nothing here speaks HTTP. What servers must be told stands in the files that are written beside the folder.

mod compare;
mod output_dir;
mod plan;
mod renderer;
mod server_config;

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::task::{JoinError, JoinSet};
use tracing::{error, warn};

use crate::render::{self, Representation};
use crate::store::{Snapshot, Store, StoreError};

pub use compare::{StoreMismatch, compare};

use output_dir::{BuildInputs, FileStatus, Manifest, OutputDir, OutputFile, Staged};
use plan::PlannedFile;
use renderer::SiteRenderer;

/// Documents that are brought to disk together: few enough that their files need little room beside those that they
/// replace.
const BATCH: usize = 1024;
/// The newest change has so long to be over.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(30);

/// What the operator chooses.
#[derive(Clone, Debug)]
pub struct ExportOptions {
    /// The folder that the site is built into.
    pub folder: PathBuf,
    /// How documents are printed.
    pub render: render::RenderOptions,
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
pub struct BuildReport {
    /// The number of the log that the site shows.
    pub number: u64,
    /// Documents of the site.
    pub documents: u64,
    /// Those that were printed, and differed from what lay there.
    pub written: u64,
    /// Those that are gone.
    pub removed: u64,
    /// Those that could not be printed, written or removed: what lay there stays. The log says which, and why.
    pub failures: u64,
    /// The configurations for servers.
    pub servers: Vec<Server>,
}

/// A configuration for a server: written once, and the operator's from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Where it is.
    pub path: PathBuf,
    /// What each build writes anew.
    pub include: PathBuf,
    /// Whether the one names the other. One from an older version does not.
    pub includes: bool,
}

/// Builds the site into the folder. `tell` hears how many documents are done, and of how many.
///
/// # Errors
/// Where the folder is not one for it, a file cannot be written, or the store does not answer.
pub async fn build(
    store: &Store,
    options: &ExportOptions,
    tell: impl FnMut(u64, u64),
) -> Result<BuildReport, BuildError> {
    let (folder, before) = OutputDir::open(&options.folder)?;
    let mut site = SiteRenderer::load(store, &options.render, stable_snapshot(store).await?).await?;
    let epoch = BuildInputs {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        log: store.log_id().to_owned(),
        config_epoch: site.generation().await?,
    };
    let before = if before.epoch == epoch { before } else { before.invalidated() };
    let plan = site.plan(&before).await?;
    site.render_live(|planned| folder.status(planned, &before) != FileStatus::Missing).await?;
    let mut works = Build {
        report: BuildReport { number: site.number(), documents: plan.len() as u64, ..BuildReport::default() },
        after: Manifest { epoch, ..Manifest::default() },
        folder: Arc::new(folder),
        site,
        before,
        under_way: JoinSet::new(),
        staged: Vec::new(),
        done: 0,
        on_progress: tell,
    };
    works.execute(plan).await?;
    works.end(options)
}

/// A state of the log whose newest second is over: no later state bears a date that this one bears, so that a date
/// and a length tell one from the other.
async fn stable_snapshot(store: &Store) -> Result<Snapshot, StoreError> {
    // Another machine, which may write meanwhile, may count this second later.
    let skew = TimeDelta::seconds(i64::from(store.is_shared()));
    let began = tokio::time::Instant::now();
    loop {
        let mut snapshot = store.snapshot().await?;
        let newest = snapshot.last_modified().await?;
        if newest + skew < store.clock().now() {
            return Ok(snapshot);
        }
        drop(snapshot);
        if began.elapsed() > MAX_CLOCK_SKEW {
            warn!(%newest, "the newest change lies in the future; a reader that asks by date may miss the next one");
            return store.snapshot().await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A build under way.
struct Build<T> {
    folder: Arc<OutputDir>,
    before: Manifest,
    after: Manifest,
    site: SiteRenderer,
    under_way: JoinSet<RenderedFile>,
    /// Written, and not under their names yet.
    staged: Vec<(String, OutputFile, Staged)>,
    report: BuildReport,
    done: u64,
    on_progress: T,
}

/// A document that was printed and written, or the reason why it was not.
struct RenderedFile {
    file: String,
    staged: Result<(OutputFile, Staged), Fault>,
}

/// Why a document is not what it should be. The others are made all the same.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("it could not be printed")]
    NotPrinted,
    #[error(transparent)]
    File(#[from] io::Error),
}

/// True where no other document could be written either.
fn is_of_all(cause: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(cause.kind(), QuotaExceeded | ReadOnlyFilesystem | StorageFull)
}

impl<T: FnMut(u64, u64)> Build<T> {
    async fn execute(&mut self, plan: Vec<PlannedFile>) -> Result<(), BuildError> {
        let mut changed = Vec::new();
        for planned in plan {
            match (self.folder.status(&planned, &self.before), self.before.files.get(&planned.file)) {
                (FileStatus::Current, Some(made)) => self.is_current(planned.file, made.clone()),
                (FileStatus::OtherDate, Some(made)) => {
                    let dated = self.folder.date(&planned.file, made.lengths, planned.modified);
                    match dated {
                        Ok(()) => self.is_current(
                            planned.file,
                            OutputFile { modified: planned.modified, ..made.clone() },
                        ),
                        Err(cause) => self.fault(&planned.file, cause.into())?,
                    }
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
        self.save_pending(&changed)?;
        let (index, leaves): (Vec<_>, Vec<_>) =
            changed.into_iter().partition(|planned| planned.output.is_entry_point());
        self.render(leaves).await?;
        // A page that a browser holds may still ask for the stylesheet of before.
        let (assets, gone): (Vec<_>, Vec<_>) = gone.into_iter().partition(|file| plan::is_asset(file));
        self.remove(&gone).await?;
        self.render(index).await?;
        self.remove(&assets).await
    }

    fn is_current(&mut self, file: String, made: OutputFile) {
        self.after.files.insert(file, made);
        self.is_done();
    }

    fn is_done(&mut self) {
        self.done += 1;
        (self.on_progress)(self.done, self.report.documents);
    }

    /// Before anything changes: what was there, what stands, and what is to be made, whose keys nobody knows yet.
    fn save_pending(&self, changed: &[PlannedFile]) -> Result<(), BuildError> {
        let mut files = self.before.clone().invalidated().files;
        files.extend(self.after.files.clone());
        for PlannedFile { file, modified: at, .. } in changed {
            files.insert(
                file.clone(),
                OutputFile { key: String::new(), modified: *at, lengths: Default::default() },
            );
        }
        let noted = Manifest { epoch: self.after.epoch.clone(), files };
        self.file(output_dir::MANIFEST, self.folder.save_manifest(&noted))
    }

    /// All of it is on disk before this returns.
    async fn render(&mut self, planned: Vec<PlannedFile>) -> Result<(), BuildError> {
        if planned.is_empty() {
            return Ok(());
        }
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        for planned in planned {
            // A document for each core, and a little read ahead.
            while self.under_way.len() > cores
                && let Some(finished) = self.under_way.join_next().await
            {
                self.record(finished)?;
            }
            if self.staged.len() >= BATCH {
                self.publish().await?;
            }
            let sheet = self.site.input(&planned.output).await?;
            let folder = Arc::clone(&self.folder);
            self.under_way.spawn_blocking(move || {
                let PlannedFile { file, key, modified: at, .. } = planned;
                let stage = |document: Arc<Representation>| {
                    let staged = folder.stage(&file, &document, at)?;
                    Ok((OutputFile { key, modified: at, lengths: staged.lengths }, staged))
                };
                let staged = sheet.render().ok_or(Fault::NotPrinted).and_then(stage);
                RenderedFile { file, staged }
            });
        }
        while let Some(finished) = self.under_way.join_next().await {
            self.record(finished)?;
        }
        self.publish().await?;
        self.sync().await
    }

    fn record(&mut self, finished: Result<RenderedFile, JoinError>) -> Result<(), BuildError> {
        let finished = finished.unwrap_or_else(|failure| std::panic::resume_unwind(failure.into_panic()));
        let RenderedFile { file, staged } = finished;
        match staged {
            Ok((made, staged)) => self.staged.push((file, made, staged)),
            Err(fault) => {
                self.fault(&file, fault)?;
                self.is_done();
            }
        }
        Ok(())
    }

    /// Gives what was staged its names.
    async fn publish(&mut self) -> Result<(), BuildError> {
        let (made, staged): (Vec<_>, Vec<_>) =
            self.staged.drain(..).map(|(file, made, staged)| ((file, made), staged)).unzip();
        let published = self.on_disk(move |folder| folder.publish(&staged)).await?;
        for ((file, made), published) in made.into_iter().zip(published) {
            match published {
                Ok(changed) => {
                    self.report.written += u64::from(changed);
                    self.is_current(file, made);
                }
                Err(cause) => {
                    self.fault(&file, cause.into())?;
                    self.is_done();
                }
            }
        }
        Ok(())
    }

    async fn sync(&self) -> Result<(), BuildError> {
        self.on_disk(OutputDir::sync).await
    }

    /// Works on the whole folder where blocking is allowed.
    async fn on_disk<R: Send + 'static>(
        &self,
        work: impl FnOnce(&OutputDir) -> io::Result<R> + Send + 'static,
    ) -> Result<R, BuildError> {
        let folder = Arc::clone(&self.folder);
        let working = tokio::task::spawn_blocking(move || work(&folder));
        let outcome = working.await.unwrap_or_else(|failure| std::panic::resume_unwind(failure.into_panic()));
        self.file("", outcome)
    }

    /// A document that is not what it should be. The next build tries again.
    fn fault(&mut self, file: &str, fault: Fault) -> Result<(), BuildError> {
        match fault {
            Fault::File(cause) if is_of_all(&cause) => return self.file(file, Err(cause)),
            fault => error!(%file, %fault, "stays as it was"),
        }
        self.report.failures += 1;
        // Some of its codings may have been written.
        let before = self.before.files.get(file).cloned().unwrap_or_default();
        self.after.files.insert(file.to_owned(), OutputFile { key: String::new(), ..before });
        Ok(())
    }

    async fn remove(&mut self, gone: &[String]) -> Result<(), BuildError> {
        for file in gone {
            match self.folder.remove(file) {
                Ok(()) => self.report.removed += 1,
                Err(cause) => self.fault(file, cause.into())?,
            }
        }
        if gone.is_empty() { Ok(()) } else { self.sync().await }
    }

    fn file<R>(&self, file: &str, outcome: io::Result<R>) -> Result<R, BuildError> {
        outcome.map_err(|cause| BuildError::File { path: self.folder.root().join(file), cause })
    }

    /// Notes what was made, and writes beside the folder what servers must be told.
    fn end(mut self, options: &ExportOptions) -> Result<BuildReport, BuildError> {
        if self.after != self.before {
            self.file(output_dir::MANIFEST, self.folder.save_manifest(&self.after))?;
        }
        self.report.servers = server_config::write(self.folder.root(), &self.site.context, options)?;
        self.folder.clean_up();
        Ok(self.report)
    }
}
