//! Static site export, for web servers and CDNs.
//!
//! A build renders one state of the log; later changes are for the next build. Each document is a file at its path,
//! with its precompressed codings. The file date is the time of the last change, so that servers which derive
//! validators from date and length give correct ones. The same log gives the same files with the same dates on every
//! machine. A build renders and writes only what changed: first the documents without links to new ones, then it
//! removes what is gone, then it writes the entry points.
//!
//! The list of all documents also serves to compare the output of two stores ([`compare()`]).
//!
//! This module does not speak HTTP. It writes server configurations next to the output directory.

mod compare;
mod error;
mod manifest;
mod old_addresses;
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

use crate::model::Permalink;
use crate::render::{self, Representation};
use crate::store::{Snapshot, Store, StoreError};

pub use compare::{StoreMismatch, compare};
pub use error::BuildError;
pub use server_config::{Headers, Server};

use manifest::{BuildInputs, MANIFEST, Manifest, OutputFile};
use output_dir::{FileStatus, OutputDir, Staged};
use plan::{Output, PlannedFile};
use renderer::{RenderInput, SiteRenderer};

/// Number of documents that are synced together. Until then, old and new files both take disk space.
const BATCH_SIZE: usize = 1024;
/// Number of article pages that one task renders, because each takes less time than a switch of threads is worth.
const ARTICLES_PER_TASK: usize = 16;
/// How long a build waits if the newest change is dated in the future.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(30);

/// Options of a build.
#[derive(Clone, Debug)]
pub struct ExportOptions {
    /// The output directory.
    pub folder: PathBuf,
    /// How documents are rendered.
    pub render: render::RenderOptions,
    /// Headers that web servers send with the files.
    pub headers: Headers,
    /// Whether documents get compressed forms beside them.
    pub compress: bool,
}

/// The result of a build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildReport {
    /// The log number that the site shows.
    pub number: u64,
    /// Number of documents of the site.
    pub documents: u64,
    /// Documents that were written because they changed.
    pub written: u64,
    /// Documents that were removed.
    pub removed: u64,
    /// Documents that could not be rendered, written or removed. The old file stays; the log names each with the cause.
    pub failures: u64,
    /// The generated server configurations.
    pub servers: Vec<Server>,
}

/// Builds the site. `on_progress` gets the number of finished documents and the total.
///
/// # Errors
/// If the output directory cannot be used, a file cannot be written, or the store is unavailable.
pub async fn build(
    store: &Store,
    options: &ExportOptions,
    on_progress: impl FnMut(u64, u64),
) -> Result<BuildReport, BuildError> {
    let (output_dir, before) = OutputDir::open(&options.folder)?;
    let mut site = SiteRenderer::load(store, &options.render, stable_snapshot(store).await?).await?;
    let inputs = BuildInputs {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        log: store.log_id().to_owned(),
        config_epoch: site.generation().await?,
        compress: options.compress,
    };
    let before = if before.epoch == inputs { before } else { before.invalidated() };
    let plan = site.plan(&before).await?;
    site.render_live(|planned| output_dir.status(planned, &before) != FileStatus::Missing).await?;
    let mut build = Build {
        report: BuildReport { number: site.number(), documents: plan.len() as u64, ..BuildReport::default() },
        after: Manifest { epoch: inputs, ..Manifest::default() },
        output_dir: Arc::new(output_dir),
        site,
        before,
        tasks: JoinSet::new(),
        staged: Vec::new(),
        done: 0,
        on_progress,
    };
    build.execute(plan).await?;
    let old = build.site.old_addresses().await?;
    build.finish(options, &old)
}

/// A snapshot of the log whose newest second is over. No later state has the same date, so that date and length
/// identify a version.
async fn stable_snapshot(store: &Store) -> Result<Snapshot, StoreError> {
    // The clock of another machine that writes to the log may be a second behind.
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
            warn!(%newest, "the newest change is dated in the future; a client that revalidates by date may miss the next one");
            return store.snapshot().await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A running build.
struct Build<T> {
    output_dir: Arc<OutputDir>,
    before: Manifest,
    after: Manifest,
    site: SiteRenderer,
    tasks: JoinSet<Vec<RenderedFile>>,
    /// Files under temporary names.
    staged: Vec<(String, OutputFile, Staged)>,
    report: BuildReport,
    done: u64,
    on_progress: T,
}

/// A document that was rendered and written, or the error.
struct RenderedFile {
    file: String,
    staged: Result<(OutputFile, Staged), Fault>,
}

impl RenderedFile {
    fn new(planned: PlannedFile, input: RenderInput, folder: &OutputDir, compress: bool) -> Self {
        let PlannedFile { file, key, modified, .. } = planned;
        let stage = |document: Arc<Representation>| {
            let staged = folder.stage(&file, &document, modified, compress)?;
            Ok((OutputFile { key, modified, lengths: staged.lengths }, staged))
        };
        let staged = input.render().ok_or(Fault::NotRendered).and_then(stage);
        Self { file, staged }
    }
}

/// The documents of each task: some article pages, or an archive page in all formats, which show the same articles.
fn tasks(planned: Vec<PlannedFile>) -> Vec<Vec<PlannedFile>> {
    let belongs = |task: &Vec<PlannedFile>, next: &PlannedFile| match (&task[0].output, &next.output) {
        (Output::Article(_), Output::Article(_)) => task.len() < ARTICLES_PER_TASK,
        (Output::Archive(scope, page, _), Output::Archive(of, number, _)) => (scope, page) == (of, number),
        _ => false,
    };
    let mut tasks: Vec<Vec<PlannedFile>> = Vec::new();
    for planned in planned {
        match tasks.last_mut() {
            Some(task) if belongs(task, &planned) => task.push(planned),
            _ => tasks.push(vec![planned]),
        }
    }
    tasks
}

/// Why one document failed. The build goes on with the others.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("it could not be rendered")]
    NotRendered,
    #[error("{0}")]
    Damaged(String),
    #[error(transparent)]
    File(#[from] io::Error),
}

/// True if no other document could be written either.
fn affects_all_files(cause: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(cause.kind(), QuotaExceeded | ReadOnlyFilesystem | StorageFull)
}

impl<T: FnMut(u64, u64)> Build<T> {
    async fn execute(&mut self, plan: Vec<PlannedFile>) -> Result<(), BuildError> {
        let mut changed = Vec::new();
        for planned in plan {
            match (self.output_dir.status(&planned, &self.before), self.before.files.get(&planned.file)) {
                (FileStatus::Current, Some(made)) => self.is_current(planned.file, made.clone()),
                (FileStatus::OtherDate, Some(made)) => {
                    let dated = self.output_dir.date(&planned.file, made.lengths, planned.modified);
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
        let pending: HashSet<&str> = changed.iter().map(|planned| planned.file.as_str()).collect();
        let is_planned = |file: &str| self.after.files.contains_key(file) || pending.contains(file);
        let gone: Vec<String> = self.before.files.keys().filter(|file| !is_planned(file)).cloned().collect();
        if changed.is_empty() && gone.is_empty() {
            return Ok(());
        }
        self.save_pending(&changed)?;
        let (index, leaves): (Vec<_>, Vec<_>) =
            changed.into_iter().partition(|planned| planned.output.is_entry_point());
        self.render(leaves).await?;
        // A page in a browser cache may still need the old stylesheet, so assets are removed last.
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

    /// Before anything changes, records the old files, the current ones, and those to be written, without keys.
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
        self.file(MANIFEST, self.output_dir.save_manifest(&noted))
    }

    /// Renders and writes files, and syncs them.
    async fn render(&mut self, planned: Vec<PlannedFile>) -> Result<(), BuildError> {
        if planned.is_empty() {
            return Ok(());
        }
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let compress = self.after.epoch.compress;
        for planned in tasks(planned) {
            // One task per core, and one read ahead.
            while self.tasks.len() > cores
                && let Some(finished) = self.tasks.join_next().await
            {
                self.record(finished)?;
            }
            if self.staged.len() >= BATCH_SIZE {
                self.publish().await?;
            }
            let mut documents = Vec::with_capacity(planned.len());
            for planned in planned {
                match self.site.input(&planned.output).await {
                    Ok(input) => documents.push((planned, input)),
                    // What is stored of one document is damaged: the others are written.
                    Err(StoreError::Corrupt(cause)) => {
                        self.fault(&planned.file, Fault::Damaged(cause))?;
                        self.is_done();
                    }
                    Err(cause) => return Err(cause.into()),
                }
            }
            let folder = Arc::clone(&self.output_dir);
            self.tasks.spawn_blocking(move || {
                let render = |(planned, input)| RenderedFile::new(planned, input, &folder, compress);
                documents.into_iter().map(render).collect()
            });
        }
        while let Some(finished) = self.tasks.join_next().await {
            self.record(finished)?;
        }
        self.publish().await?;
        self.sync().await
    }

    fn record(&mut self, finished: Result<Vec<RenderedFile>, JoinError>) -> Result<(), BuildError> {
        let finished = finished.unwrap_or_else(|failure| std::panic::resume_unwind(failure.into_panic()));
        for RenderedFile { file, staged } in finished {
            match staged {
                Ok((made, staged)) => self.staged.push((file, made, staged)),
                Err(fault) => {
                    self.fault(&file, fault)?;
                    self.is_done();
                }
            }
        }
        Ok(())
    }

    /// Renames the staged files to their final names.
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

    /// Runs blocking work on the output directory.
    async fn on_disk<R: Send + 'static>(
        &self,
        work: impl FnOnce(&OutputDir) -> io::Result<R> + Send + 'static,
    ) -> Result<R, BuildError> {
        let folder = Arc::clone(&self.output_dir);
        let working = tokio::task::spawn_blocking(move || work(&folder));
        let outcome = working.await.unwrap_or_else(|failure| std::panic::resume_unwind(failure.into_panic()));
        self.file("", outcome)
    }

    /// Records a failed document. The next build tries it again.
    fn fault(&mut self, file: &str, fault: Fault) -> Result<(), BuildError> {
        match fault {
            Fault::File(cause) if affects_all_files(&cause) => return self.file(file, Err(cause)),
            fault => error!(%file, %fault, "file not updated"),
        }
        self.report.failures += 1;
        // Some of its codings may have been written, so its key is unknown.
        let before = self.before.files.get(file).cloned().unwrap_or_default();
        self.after.files.insert(file.to_owned(), OutputFile { key: String::new(), ..before });
        Ok(())
    }

    async fn remove(&mut self, gone: &[String]) -> Result<(), BuildError> {
        for file in gone {
            match self.output_dir.remove(file) {
                Ok(()) => self.report.removed += 1,
                Err(cause) => self.fault(file, cause.into())?,
            }
        }
        if gone.is_empty() { Ok(()) } else { self.sync().await }
    }

    fn file<R>(&self, file: &str, outcome: io::Result<R>) -> Result<R, BuildError> {
        outcome.map_err(|cause| BuildError::File { path: self.output_dir.root().join(file), cause })
    }

    /// Saves the manifest and writes the server configurations.
    fn finish(
        mut self,
        options: &ExportOptions,
        old: &[(String, Permalink)],
    ) -> Result<BuildReport, BuildError> {
        if self.after != self.before {
            self.file(MANIFEST, self.output_dir.save_manifest(&self.after))?;
        }
        self.report.servers = server_config::write(
            self.output_dir.root(),
            self.site.context.channels(),
            &options.render.addresses,
            &options.headers,
            old,
        )?;
        self.output_dir.clean_up();
        Ok(self.report)
    }
}
