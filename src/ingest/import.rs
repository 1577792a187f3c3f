//! Imports old articles in bulk: files, folders and zip archives.
//!
//! The plan lists everything first and rejects the whole import if a channel is unclear. Then files are read in
//! batches, each committed with one flush. Files that an earlier import stored are recognised by their bytes and
//! skipped, so an interrupted import is simply repeated. Only a few batches are in memory at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::mpsc;

use super::article_file::{ParsedFile, diagnostics_of, hash_of};
use super::diagnostic::FileDiagnostic;
use super::import_source::{self, ImportSource, WalkItem};
use super::names::stem_of;
use super::options::IngestOptions;
use super::parallel::{blocking, map_on_all_cores};
use super::pictures::{image_in, to_store};
use super::submission::{KnownChannels, of_one_file, outcome_diagnostic, prepare_all, unfit};
use crate::image::StrippedImage;
use crate::model::Slug;
use crate::parse::{self, Encoding, ParsedArticle, Severity};
use crate::store::{ImportedFile, MAX_BATCH, Source, Store, StoreError, SubmitOutcome};
use crate::time::Timestamp;
use crate::urls::{RESERVED_SLUGS, SiteUrls};

/// Soft limit of a batch in bytes; it has at most [`MAX_BATCH`] files.
const BATCH_BYTES: usize = 32 << 20;
/// Maximum number of file extensions that are counted separately among skipped files.
const KNOWN_EXTENSIONS: usize = 12;

/// What to import, and how.
#[derive(Clone, Debug, Default)]
pub struct ImportRequest {
    /// Files, folders and zip archives.
    pub paths: Vec<PathBuf>,
    /// The channel of all articles; without it, the top-level folders of each path are the channels.
    pub channel: Option<Slug>,
    /// Whether that channel may be created.
    pub new_channel: bool,
    /// The encoding of the text files; by default that of the channel's folder.
    pub encoding: Option<Encoding>,
}

/// Why nothing is imported.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // The messages name the fields.
pub enum ImportError {
    /// A path cannot be read.
    #[error("cannot read {path}: {cause}")]
    Unreadable { path: String, cause: io::Error },
    /// No folder names the channel.
    #[error(
        "{path} is in no channel: name one with --channel SLUG, or put the articles into folders with the names of \
         their channels"
    )]
    NoChannel {
        /// The first such file.
        path: String,
    },
    /// The channel does not exist: creating one because of a typo would be wrong.
    #[error("unknown channel `{slug}`; the channels are: {known}. To create it, add --new-channel")]
    UnknownChannel {
        slug: Slug,
        /// The existing channels, for the message.
        known: String,
    },
    /// The name of a top-level folder is reserved for a URL of the service.
    #[error(
        "`{slug}` is reserved for a URL of the service and cannot be a channel: name another with --channel SLUG"
    )]
    Reserved { slug: Slug },
    /// The only top-level folder is not a known channel and contains only folders.
    #[error(
        "is `{folder}` in {path} a channel? It contains no articles, only folders. If it is, add it to the config \
         ([[channel]] slug = \"{slug}\"); if its folders are the channels, import {folder} itself, or an archive of \
         its content"
    )]
    UnlikelyChannel {
        /// The path to import.
        path: String,
        /// The folder in it.
        folder: String,
        /// The channel that it would be.
        slug: Slug,
    },
    /// A path is inside the articles folder, or contains it; those files are published already.
    #[error(
        "{path} overlaps with the articles folder {folder}, whose files are published by `bantin serve` and `bantin \
         scan`"
    )]
    InsideFolder {
        /// The path to import.
        path: String,
        folder: String,
    },
    /// Two sources have the same name, so later imports could not distinguish them.
    #[error("{one} and {other} have the same name `{name}`: rename one of them")]
    SameName { one: String, other: String, name: String },
}

/// The counts of an import so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Article files processed.
    pub files: u64,
    /// New articles.
    pub published: u64,
    /// Corrections.
    pub corrected: u64,
    /// Articles whose channels changed.
    pub moved: u64,
    /// Articles that had been withdrawn because their file was removed.
    pub restored: u64,
    /// Files without changes.
    pub unchanged: u64,
    /// Articles with a future publication date.
    pub scheduled: u64,
    /// Articles that were withdrawn by command and stay withdrawn.
    pub still_withdrawn: u64,
    /// In a dry run, files that would be published.
    pub acceptable: u64,
    /// Rejected files, and archives and folders that could not be read completely.
    pub rejected: u64,
}

impl ImportReport {
    fn count(&mut self, outcome: &SubmitOutcome, dry_run: bool) {
        let counter = match outcome {
            _ if dry_run && outcome.is_change() => &mut self.acceptable,
            SubmitOutcome::Published(_) => &mut self.published,
            SubmitOutcome::Corrected(_) => &mut self.corrected,
            SubmitOutcome::Moved(_) => &mut self.moved,
            SubmitOutcome::Restored(_) => &mut self.restored,
            SubmitOutcome::Unchanged => &mut self.unchanged,
            SubmitOutcome::Scheduled(_) => &mut self.scheduled,
            SubmitOutcome::WithdrawnByOperator => &mut self.still_withdrawn,
            SubmitOutcome::Conflict { .. }
            | SubmitOutcome::VersionMismatch(_)
            | SubmitOutcome::IdempotencyConflict
            | SubmitOutcome::Refused(_) => &mut self.rejected,
        };
        *counter += 1;
    }
}

/// An import that was planned and can run.
#[derive(Debug)]
pub struct Import {
    sources: Vec<ImportSource>,
    plan: ChannelMapping,
    options: IngestOptions,
    articles: u64,
    channels: BTreeMap<Slug, Option<String>>,
    skipped: BTreeMap<String, u64>,
}

impl Import {
    /// Lists all files without reading them. `known` are the existing channels. Blocking.
    ///
    /// # Errors
    /// If a path cannot be read, or a channel is unclear: then nothing is imported.
    pub fn plan(
        request: &ImportRequest,
        options: &IngestOptions,
        known: &BTreeSet<Slug>,
    ) -> Result<Self, ImportError> {
        let sources = sources(&request.paths, &options.path)?;
        let addresses = Arc::clone(&options.addresses);
        let channel = request.channel.clone().map(|channel| addresses.current_slug(channel));
        if let Some(slug) = channel.clone().filter(|slug| !request.new_channel && !known.contains(slug)) {
            let known = Slug::join(known, ", ");
            return Err(ImportError::UnknownChannel { slug, known });
        }
        let plan = ChannelMapping { channel, encoding: request.encoding, addresses };
        let (channels, skipped) = (BTreeMap::new(), BTreeMap::new());
        let mut import = Self { sources, plan, options: options.clone(), articles: 0, channels, skipped };
        for source in import.sources.clone() {
            import.plan_source(&source, known)?;
        }
        Ok(import)
    }

    /// Number of article files.
    pub fn articles(&self) -> u64 {
        self.articles
    }

    /// The channels of the articles.
    pub fn channels(&self) -> impl Iterator<Item = &Slug> {
        self.channels.keys()
    }

    /// Numbers of skipped files by extension, the most frequent first.
    pub fn skipped(&self) -> Vec<(&str, u64)> {
        let mut extensions: Vec<_> =
            self.skipped.iter().map(|(extension, count)| (extension.as_str(), *count)).collect();
        extensions.sort_by_key(|(extension, count)| (std::cmp::Reverse(*count), *extension));
        extensions
    }

    /// Imports everything. After each batch, `on_batch` receives the counts so far and the new diagnostics. With
    /// `dry_run`, the store decides about each article but stores none.
    ///
    /// # Errors
    /// If the store fails. What was imported before stays, and the next import continues from there.
    pub async fn run(
        self,
        store: &Store,
        dry_run: bool,
        mut on_batch: impl FnMut(&ImportReport, Vec<FileDiagnostic>),
    ) -> Result<ImportReport, StoreError> {
        let channels = store.snapshot().await?.channels().await?;
        let existing = channels.into_iter().map(|channel| channel.slug).collect();
        let known = KnownChannels::existing(existing, dry_run);
        let Self { sources, plan, options, channels: titles, .. } = self;
        // The next batch is read while one is being stored.
        let (sender, mut batches) = mpsc::channel(1);
        let planned = plan.clone();
        let reader = tokio::task::spawn_blocking(move || read_all(&sources, &planned, &sender));
        let report = ImportReport::default();
        let mut run = ImportRun { store, dry_run, known, titles, plan, options, report };
        while let Some(batch) = batches.recv().await {
            let findings = run.submit_batch(batch).await?;
            on_batch(&run.report, findings);
        }
        if let Err(failure) = reader.await {
            std::panic::resume_unwind(failure.into_panic());
        }
        Ok(run.report)
    }

    fn plan_source(&mut self, source: &ImportSource, known: &BTreeSet<Slug>) -> Result<(), ImportError> {
        // The top-level folders, and whether each contains articles directly.
        let mut tops: BTreeMap<String, bool> = BTreeMap::new();
        let mut stray = None;
        let _ = source.walk(&mut |item| {
            match item {
                WalkItem::Article(article) => {
                    self.articles += 1;
                    let Some(place) = self.plan.target(&article.inner) else {
                        stray.get_or_insert(article.shown);
                        return ControlFlow::Continue(());
                    };
                    if let Some(top) = place.top {
                        let itself = tops.entry(top.to_owned()).or_default();
                        *itself |= !place.below.contains('/');
                    }
                    let title = place.top.filter(|top| Slug::parse(top).is_err()).map(str::to_owned);
                    self.channels.entry(place.channel).or_insert(title);
                }
                WalkItem::Other(name) => self.skip(name),
                WalkItem::Unreadable(_) => {}
            }
            ControlFlow::Continue(())
        });
        let reserved = self.channels.keys().find(|slug| RESERVED_SLUGS.contains(&slug.as_str())).cloned();
        // If some files are in folders, the others are reported one by one.
        let stray = stray.filter(|_| tops.is_empty());
        let mut error = stray.map(|path| ImportError::NoChannel { path });
        error = error.or(reserved.map(|slug| ImportError::Reserved { slug }));
        // Several folders next to each other are channels; a single one may be the archive's own.
        let only = tops.pop_first().filter(|_| tops.is_empty());
        let doubtful = only.map(|(top, itself)| (self.plan.addresses.resolve_channel(&top), top, itself));
        let doubtful = doubtful.filter(|(slug, _, itself)| !itself && !known.contains(slug));
        error = error.or(doubtful.map(|(slug, folder, _)| ImportError::UnlikelyChannel {
            path: source.shown(),
            folder,
            slug,
        }));
        error.map_or(Ok(()), Err)
    }

    fn skip(&mut self, name: &str) {
        let extension = name.rsplit('/').next().and_then(|name| name.rsplit_once('.'));
        let extension = extension.map_or_else(String::new, |(_, extension)| extension.to_lowercase());
        let room = self.skipped.len() < KNOWN_EXTENSIONS || self.skipped.contains_key(&extension);
        *self.skipped.entry(if room { extension } else { String::new() }).or_default() += 1;
    }
}

/// How files are assigned to channels and parsed.
#[derive(Clone, Debug)]
struct ChannelMapping {
    channel: Option<Slug>,
    encoding: Option<Encoding>,
    addresses: Arc<SiteUrls>,
}

/// The channel and path of a file.
struct Target<'a> {
    channel: Slug,
    /// The folder that names the channel, if any.
    top: Option<&'a str>,
    /// The path below it.
    below: &'a str,
}

impl ChannelMapping {
    /// `None` for a file in no folder if no channel was given for all.
    fn target<'a>(&self, inner: &'a str) -> Option<Target<'a>> {
        match &self.channel {
            Some(channel) => Some(Target { channel: channel.clone(), top: None, below: inner }),
            None => {
                let (top, below) = inner.split_once('/')?;
                Some(Target { channel: self.addresses.resolve_channel(top), top: Some(top), below })
            }
        }
    }

    fn parse_options(&self, channel: &Slug, options: &IngestOptions) -> parse::ParseOptions {
        let of_channel = options.parse_options(Some(channel));
        parse::ParseOptions { encoding: self.encoding.or(of_channel.encoding), ..of_channel }
    }
}

/// Opens the sources at these paths and checks that their names differ.
fn sources(paths: &[PathBuf], folder: &Path) -> Result<Vec<ImportSource>, ImportError> {
    let folder = folder.canonicalize().ok();
    let mut sources: Vec<ImportSource> = Vec::with_capacity(paths.len());
    for path in paths {
        let shown = || path.display().to_string();
        let source =
            ImportSource::open(path).map_err(|cause| ImportError::Unreadable { path: shown(), cause })?;
        if let Some(folder) = &folder
            && (source.location.starts_with(folder) || contains(&source, folder))
        {
            let folder = folder.display().to_string();
            return Err(ImportError::InsideFolder { path: shown(), folder });
        }
        let namesake =
            sources.iter().find(|other| other.source == source.source && other.location != source.location);
        if let Some(namesake) = namesake {
            let (one, other, name) = (namesake.shown(), shown(), source.source);
            return Err(ImportError::SameName { one, other, name });
        }
        sources.push(source);
    }
    Ok(sources)
}

/// Whether the articles folder is inside the source.
fn contains(source: &ImportSource, folder: &Path) -> bool {
    source.is_folder() && folder.starts_with(&source.location)
}

/// A file with its bytes and its destination.
struct RawFile {
    shown: String,
    imported: ImportedFile,
    bytes: Vec<u8>,
}

/// A diagnostic, and whether it is about an article file.
struct ImportDiagnostic {
    finding: FileDiagnostic,
    of_article: bool,
}

/// Files that are stored together.
#[derive(Default)]
struct Batch {
    files: Vec<RawFile>,
    findings: Vec<ImportDiagnostic>,
    bytes: usize,
}

/// Reads all sources into batches. Blocking; ends early if the receiver is gone.
fn read_all(sources: &[ImportSource], plan: &ChannelMapping, sender: &mpsc::Sender<Batch>) {
    let mut batch = Batch::default();
    for source in sources {
        let flow = source.walk(&mut |item| {
            match item {
                WalkItem::Article(article) => batch.add(article, source, plan),
                WalkItem::Unreadable(finding) => {
                    batch.findings.push(ImportDiagnostic { finding, of_article: false })
                }
                WalkItem::Other(_) => {}
            }
            let full = batch.files.len() + batch.findings.len() >= MAX_BATCH || batch.bytes >= BATCH_BYTES;
            if full && sender.blocking_send(std::mem::take(&mut batch)).is_err() {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        if flow.is_break() {
            return;
        }
    }
    let _ = sender.blocking_send(batch);
}

impl Batch {
    fn add(
        &mut self,
        mut article: import_source::SourceFile<'_>,
        source: &ImportSource,
        plan: &ChannelMapping,
    ) {
        let target = plan.target(&article.inner).map(|place| {
            let whole = format!("{}/{}", place.channel, place.below);
            (place.channel, whole)
        });
        // `None` for a file next to the channel folders.
        let Some((channel, place)) = target else {
            let finding = FileDiagnostic::new(
                &article.shown,
                Severity::Error,
                "Bài không nằm trong chuyên mục nào. Hãy chuyển vào thư mục của một chuyên mục.".to_owned(),
                "is in no channel; move it into a channel's folder".to_owned(),
            );
            return self.findings.push(ImportDiagnostic { finding, of_article: true });
        };
        match article.bytes() {
            Ok(bytes) => {
                self.bytes += bytes.len();
                let imported =
                    ImportedFile { source: source.source.clone(), place, channel, hash: hash_of(&bytes) };
                self.files.push(RawFile { shown: article.shown, imported, bytes });
            }
            Err(finding) => self.findings.push(ImportDiagnostic { finding, of_article: true }),
        }
    }
}

/// A running import.
struct ImportRun<'s> {
    store: &'s Store,
    dry_run: bool,
    /// The channels that exist.
    known: KnownChannels,
    /// The titles of new channels.
    titles: BTreeMap<Slug, Option<String>>,
    plan: ChannelMapping,
    options: IngestOptions,
    report: ImportReport,
}

impl ImportRun<'_> {
    /// Stores a batch, and returns its diagnostics.
    async fn submit_batch(&mut self, batch: Batch) -> Result<Vec<FileDiagnostic>, StoreError> {
        let Batch { files, findings: diagnostics, .. } = batch;
        self.report.files +=
            (files.len() + diagnostics.iter().filter(|diagnostics| diagnostics.of_article).count()) as u64;
        let mut findings: Vec<FileDiagnostic> =
            diagnostics.into_iter().map(|diagnostics| diagnostics.finding).collect();
        let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        self.report.rejected += errors as u64;
        let files = self.not_imported_before(files).await?;
        let (plan, options, now) = (self.plan.clone(), self.options.clone(), self.store.clock().now());
        let mut articles = Vec::with_capacity(files.len());
        for (article, said) in blocking(move || parse_files(files, &plan, &options, now)).await {
            findings.extend(said);
            match article {
                Some(article) => articles.push(article),
                None => self.report.rejected += 1,
            }
        }
        findings.extend(self.submit(articles).await?);
        Ok(findings)
    }

    /// Removes the files that an earlier import stored and that have not changed.
    async fn not_imported_before(&mut self, files: Vec<RawFile>) -> Result<Vec<RawFile>, StoreError> {
        let imported: Vec<ImportedFile> = files.iter().map(|file| file.imported.clone()).collect();
        let known = self.store.already_imported(&imported).await?;
        self.report.unchanged += known.iter().filter(|known| **known).count() as u64;
        Ok(files.into_iter().zip(known).filter(|(_, known)| !known).map(|(file, _)| file).collect())
    }

    async fn submit(&mut self, articles: Vec<ParsedImport>) -> Result<Vec<FileDiagnostic>, StoreError> {
        let mut submissions = Vec::with_capacity(articles.len());
        let Self { store, dry_run, known, titles, options, .. } = self;
        for ParsedImport { shown, imported, mut draft, images } in articles {
            let images: Vec<_> = images.into_iter().map(to_store).collect();
            draft.article.images = images.iter().map(|(image, _)| image.clone()).collect();
            if !*dry_run {
                store.put_images(images).await?;
            }
            let home = (imported.channel.clone(), titles.get(&imported.channel).cloned().flatten());
            let place = imported.place.clone();
            let source = (stem_of(&place), Source::Import(imported));
            let submission = known.submission(store, &options.addresses, draft, home, source).await?;
            submissions.push((shown, submission));
        }
        let prepared = blocking(move || prepare_all(submissions)).await?;
        let (paths, prepared): (Vec<String>, _) = prepared.into_iter().unzip();
        let answers = self.store.start_submitting(prepared).committed().await;
        let mut findings = Vec::new();
        for (path, answer) in paths.iter().zip(answers) {
            match of_one_file(path, answer)? {
                Ok(accepted) => {
                    self.report.count(&accepted.outcome, self.dry_run);
                    findings.extend(outcome_diagnostic(path, &accepted));
                }
                Err(finding) => {
                    self.report.rejected += 1;
                    findings.push(*finding);
                }
            }
        }
        Ok(findings)
    }
}

/// A parsed article to import.
struct ParsedImport {
    shown: String,
    imported: ImportedFile,
    draft: ParsedArticle,
    images: Vec<StrippedImage>,
}

/// Parses the files and sorts them by publication date, so that the log is in that request.
fn parse_files(
    files: Vec<RawFile>,
    plan: &ChannelMapping,
    options: &IngestOptions,
    now: Timestamp,
) -> Vec<(Option<ParsedImport>, Vec<FileDiagnostic>)> {
    let mut read = map_on_all_cores(files, |RawFile { shown, imported, bytes }| {
        let options_of_file = plan.parse_options(&imported.channel, options);
        let reading = parse::parse(&imported.place, &bytes, &options_of_file);
        let file = ParsedFile { hash: imported.hash.clone(), reading };
        let mut findings = diagnostics_of(&shown, &file);
        let draft = file.reading.draft.as_ref();
        let unfit = draft.and_then(|draft| unfit(&shown, draft, &options.addresses, now));
        let draft = file.reading.draft.filter(|_| unfit.is_none());
        findings.extend(unfit);
        let mut images = Vec::new();
        for image in draft.iter().flat_map(|draft| &draft.images) {
            match image_in(&bytes, &shown, image) {
                Ok(image) => images.push(image),
                Err(diagnostic) => findings.push(*diagnostic),
            }
        }
        (draft.map(|draft| ParsedImport { shown, imported, draft, images }), findings)
    });
    read.sort_by_key(|(article, _)| article.as_ref().map(|article| article.draft.article.published.instant));
    read
}
