//! Takes in what an office wrote before: files, folders and zip archives, in bulk.
//!
//! A survey goes through everything first, counts, and refuses the whole where a channel is in doubt. Then files
//! are read in batches, each batch with one flush of the log. What was taken in before is known by its bytes and
//! passed over, so that an import that was broken off is simply run again. Memory holds a batch, never the whole.

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
use crate::store::{ImportedFile, Source, Store, StoreError, SubmitOutcome};
use crate::time::Timestamp;
use crate::urls::{RESERVED_SLUGS, SiteUrls};

/// So many files are taken in together, with one flush of the log;
const BATCH_FILES: usize = 256;
/// and not many more bytes than this.
const BATCH_BYTES: usize = 32 << 20;
/// So many endings of files that are passed over are told apart.
const KNOWN_EXTENSIONS: usize = 12;

/// What is to be imported, and how.
#[derive(Clone, Debug, Default)]
pub struct ImportRequest {
    /// Files, folders, zip archives.
    pub paths: Vec<PathBuf>,
    /// The channel of all; otherwise the folders at the top of each path name the channels.
    pub channel: Option<Slug>,
    /// That channel may be one that is not there yet.
    pub new_channel: bool,
    /// The encoding of the text files, where it is not that of their channel's folder.
    pub encoding: Option<Encoding>,
}

/// Why nothing at all is imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A path leads nowhere.
    #[error("cannot read {path}: {cause}")]
    Unreadable {
        /// The path.
        path: String,
        /// What the system said.
        cause: io::Error,
    },
    /// There is no folder to name the channel.
    #[error(
        "{path} lies in no channel: name one with --channel SLUG, or put the articles into folders that are \
         called like their channels"
    )]
    NoChannel {
        /// The first such file.
        path: String,
    },
    /// A slip in the name would make a channel that nobody wants.
    #[error("there is no channel `{slug}`; there are: {known}. To create it, add --new-channel")]
    UnknownChannel {
        /// What was named.
        slug: Slug,
        /// Those that there are.
        known: String,
    },
    /// A folder at the top is called like an address of the service.
    #[error(
        "`{slug}` is an address of the service and cannot be a channel: name another with --channel SLUG"
    )]
    Reserved {
        /// The slug.
        slug: Slug,
    },
    /// The only folder at the top is no known channel and holds only folders.
    #[error(
        "is `{folder}` in {path} a channel? It holds no article itself, only folders that do. If it is, name it \
         in the config ([[channel]] slug = \"{slug}\"); if the folders in it are, import {folder} itself, or an \
         archive of what is in it"
    )]
    UnlikelyChannel {
        /// What was to be imported.
        path: String,
        /// The folder in it.
        folder: String,
        /// The channel that it would be.
        slug: Slug,
    },
    /// What lies in the folder of articles is published already.
    #[error(
        "{path} and the folder of articles {folder} lie in each other; what is there is published by `bantin \
         serve` and `bantin scan`"
    )]
    InsideFolder {
        /// What was to be imported.
        path: String,
        /// The folder of articles.
        folder: String,
    },
    /// Two sources of one name in one import could not be told apart by the next.
    #[error("{one} and {other} are both called `{name}`: give one of them another name")]
    SameName {
        /// The first.
        one: String,
        /// The second.
        other: String,
        /// Their name.
        name: String,
    },
}

/// What an import did so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Article files that were gone through.
    pub files: u64,
    /// New articles.
    pub published: u64,
    /// Corrections.
    pub corrected: u64,
    /// Articles that now stand in more channels, or in others.
    pub moved: u64,
    /// Articles that had been withdrawn because their file was gone.
    pub restored: u64,
    /// Files that said nothing new.
    pub unchanged: u64,
    /// Articles whose stamp lies in the future.
    pub scheduled: u64,
    /// Articles that a command withdrew and that stay withdrawn.
    pub still_withdrawn: u64,
    /// In a rehearsal, files that would be taken in.
    pub acceptable: u64,
    /// Files that were refused, and archives and folders that could not be gone through to the end.
    pub rejected: u64,
}

impl ImportReport {
    fn count(&mut self, verdict: &SubmitOutcome, dry_run: bool) {
        let counter = match verdict {
            SubmitOutcome::Published(_)
            | SubmitOutcome::Corrected(_)
            | SubmitOutcome::Moved(_)
            | SubmitOutcome::Restored(_)
            | SubmitOutcome::Scheduled(_)
                if dry_run =>
            {
                &mut self.acceptable
            }
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

/// An import that was surveyed and may begin.
#[derive(Debug)]
pub struct Import {
    bundles: Vec<ImportSource>,
    plan: ChannelMapping,
    options: IngestOptions,
    articles: u64,
    channels: BTreeMap<Slug, Option<String>>,
    passed_over: BTreeMap<String, u64>,
}

impl Import {
    /// Goes through all paths without reading a file. `known` are the channels that there are. It blocks.
    ///
    /// # Errors
    /// Where a path cannot be read, or it is in doubt into which channel something belongs: then nothing is
    /// imported.
    pub fn plan(
        order: &ImportRequest,
        options: &IngestOptions,
        known: &BTreeSet<Slug>,
    ) -> Result<Self, ImportError> {
        let bundles = sources(&order.paths, &options.path)?;
        let addresses = Arc::clone(&options.addresses);
        let channel = order.channel.clone().map(|channel| addresses.current_slug(channel));
        if let Some(slug) = channel.clone().filter(|slug| !order.new_channel && !known.contains(slug)) {
            let known = Slug::join(known, ", ");
            return Err(ImportError::UnknownChannel { slug, known });
        }
        let plan = ChannelMapping { channel, encoding: order.encoding, addresses };
        let (channels, passed_over) = (BTreeMap::new(), BTreeMap::new());
        let mut import = Self { bundles, plan, options: options.clone(), articles: 0, channels, passed_over };
        for bundle in import.bundles.clone() {
            import.survey_channels(&bundle, known)?;
        }
        Ok(import)
    }

    /// How many article files there are.
    pub fn articles(&self) -> u64 {
        self.articles
    }

    /// The channels that they go into.
    pub fn channels(&self) -> impl Iterator<Item = &Slug> {
        self.channels.keys()
    }

    /// How many files are passed over, by the ending of their names, most of all first.
    pub fn passed_over(&self) -> Vec<(&str, u64)> {
        let mut endings: Vec<_> =
            self.passed_over.iter().map(|(ending, count)| (ending.as_str(), *count)).collect();
        endings.sort_by_key(|(ending, count)| (std::cmp::Reverse(*count), *ending));
        endings
    }

    /// Takes everything in. After each batch `tell` hears how far it has come and what there is to say of it.
    /// With `dry_run` the store decides about each article and keeps none.
    ///
    /// # Errors
    /// Where the store fails; what was taken in before stays, and the next import goes on from there.
    pub async fn run(
        self,
        store: &Store,
        dry_run: bool,
        mut tell: impl FnMut(&ImportReport, Vec<FileDiagnostic>),
    ) -> Result<ImportReport, StoreError> {
        let channels = store.snapshot().await?.channels().await?;
        let existing = channels.into_iter().map(|channel| channel.slug).collect();
        let known = KnownChannels::existing(existing, dry_run);
        let Self { bundles, plan, options, channels: titles, .. } = self;
        // One batch is read ahead while another is taken in.
        let (sender, mut batches) = mpsc::channel(1);
        let planned = plan.clone();
        let reader = tokio::task::spawn_blocking(move || read_all(&bundles, &planned, &sender));
        let report = ImportReport::default();
        let mut course = ImportRun { store, dry_run, known, titles, plan, options, report };
        while let Some(batch) = batches.recv().await {
            let findings = course.submit_batch(batch).await?;
            tell(&course.report, findings);
        }
        if let Err(failure) = reader.await {
            std::panic::resume_unwind(failure.into_panic());
        }
        Ok(course.report)
    }

    fn survey_channels(&mut self, bundle: &ImportSource, known: &BTreeSet<Slug>) -> Result<(), ImportError> {
        // Whether a folder at the top holds articles itself.
        let mut tops: BTreeMap<String, bool> = BTreeMap::new();
        let mut stray = None;
        let _ = bundle.walk(&mut |met| {
            match met {
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
        // Where some files lie in folders, the others are told one by one.
        let stray = stray.filter(|_| tops.is_empty());
        let mut refusal = stray.map(|path| ImportError::NoChannel { path });
        refusal = refusal.or(reserved.map(|slug| ImportError::Reserved { slug }));
        // Where several folders lie side by side they are channels; a single one may be the archive's own.
        let only = tops.pop_first().filter(|_| tops.is_empty());
        let doubtful = only.map(|(top, itself)| (self.plan.addresses.resolve_channel(&top), top, itself));
        let doubtful = doubtful.filter(|(slug, _, itself)| !itself && !known.contains(slug));
        refusal = refusal.or(doubtful.map(|(slug, folder, _)| ImportError::UnlikelyChannel {
            path: bundle.shown(),
            folder,
            slug,
        }));
        refusal.map_or(Ok(()), Err)
    }

    fn skip(&mut self, name: &str) {
        let ending = name.rsplit('/').next().and_then(|name| name.rsplit_once('.'));
        let ending = ending.map_or_else(String::new, |(_, ending)| ending.to_lowercase());
        let room = self.passed_over.len() < KNOWN_EXTENSIONS || self.passed_over.contains_key(&ending);
        *self.passed_over.entry(if room { ending } else { String::new() }).or_default() += 1;
    }
}

/// How files are assigned and read.
#[derive(Clone, Debug)]
struct ChannelMapping {
    channel: Option<Slug>,
    encoding: Option<Encoding>,
    addresses: Arc<SiteUrls>,
}

/// Where a file belongs.
struct Target<'a> {
    channel: Slug,
    /// The folder that names the channel, where one does.
    top: Option<&'a str>,
    /// The path from there on.
    below: &'a str,
}

impl ChannelMapping {
    /// None for a file that lies in no folder while no channel was named for all.
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

/// The bundles at these paths, each of a name of its own.
fn sources(paths: &[PathBuf], folder: &Path) -> Result<Vec<ImportSource>, ImportError> {
    let folder = folder.canonicalize().ok();
    let mut bundles: Vec<ImportSource> = Vec::with_capacity(paths.len());
    for path in paths {
        let shown = || path.display().to_string();
        let bundle =
            ImportSource::open(path).map_err(|cause| ImportError::Unreadable { path: shown(), cause })?;
        if let Some(folder) = &folder
            && (bundle.location.starts_with(folder) || contains(&bundle, folder))
        {
            let folder = folder.display().to_string();
            return Err(ImportError::InsideFolder { path: shown(), folder });
        }
        let twin =
            bundles.iter().find(|other| other.source == bundle.source && other.location != bundle.location);
        if let Some(twin) = twin {
            let (one, other, name) = (twin.shown(), shown(), bundle.source);
            return Err(ImportError::SameName { one, other, name });
        }
        bundles.push(bundle);
    }
    Ok(bundles)
}

/// True for a folder that the folder of articles lies in.
fn contains(bundle: &ImportSource, folder: &Path) -> bool {
    bundle.is_folder() && folder.starts_with(&bundle.location)
}

/// A file on its way: its bytes, and where it belongs.
struct RawFile {
    shown: String,
    imported: ImportedFile,
    bytes: Vec<u8>,
}

/// Something to say, and whether it costs an article file.
struct ImportDiagnostic {
    finding: FileDiagnostic,
    of_article: bool,
}

/// Files that are taken in together.
#[derive(Default)]
struct Batch {
    parcels: Vec<RawFile>,
    findings: Vec<ImportDiagnostic>,
    bytes: usize,
}

/// Reads all bundles into batches. It blocks, and ends early where nobody listens any more.
fn read_all(bundles: &[ImportSource], plan: &ChannelMapping, sender: &mpsc::Sender<Batch>) {
    let mut batch = Batch::default();
    for bundle in bundles {
        let flow = bundle.walk(&mut |met| {
            match met {
                WalkItem::Article(article) => batch.add(article, bundle, plan),
                WalkItem::Unreadable(finding) => {
                    batch.findings.push(ImportDiagnostic { finding, of_article: false })
                }
                WalkItem::Other(_) => {}
            }
            let full =
                batch.parcels.len() + batch.findings.len() >= BATCH_FILES || batch.bytes >= BATCH_BYTES;
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
        bundle: &ImportSource,
        plan: &ChannelMapping,
    ) {
        let placed = plan.target(&article.inner).map(|place| {
            let whole = format!("{}/{}", place.channel, place.below);
            (place.channel, whole)
        });
        // None for a file beside the channels' folders.
        let Some((channel, place)) = placed else {
            let finding = FileDiagnostic::new(
                &article.shown,
                Severity::Error,
                "bài không nằm trong chuyên mục nào; chuyển vào thư mục của một chuyên mục".to_owned(),
                "lies in no channel; move it into a channel's folder".to_owned(),
            );
            return self.findings.push(ImportDiagnostic { finding, of_article: true });
        };
        match article.bytes() {
            Ok(bytes) => {
                self.bytes += bytes.len();
                let imported =
                    ImportedFile { source: bundle.source.clone(), place, channel, hash: hash_of(&bytes) };
                self.parcels.push(RawFile { shown: article.shown, imported, bytes });
            }
            Err(finding) => self.findings.push(ImportDiagnostic { finding, of_article: true }),
        }
    }
}

/// An import under way.
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
    /// Takes a batch in, and returns what there is to say of it.
    async fn submit_batch(&mut self, batch: Batch) -> Result<Vec<FileDiagnostic>, StoreError> {
        let Batch { parcels, findings: told, .. } = batch;
        self.report.files += (parcels.len() + told.iter().filter(|told| told.of_article).count()) as u64;
        let mut findings: Vec<FileDiagnostic> = told.into_iter().map(|told| told.finding).collect();
        let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        self.report.rejected += errors as u64;
        let parcels = self.unknown_of(parcels).await?;
        let (plan, options, now) = (self.plan.clone(), self.options.clone(), self.store.clock().now());
        let mut letters = Vec::with_capacity(parcels.len());
        for (letter, said) in blocking(move || parse_files(parcels, &plan, &options, now)).await {
            findings.extend(said);
            match letter {
                Some(letter) => letters.push(letter),
                None => self.report.rejected += 1,
            }
        }
        findings.extend(self.submit(letters).await?);
        Ok(findings)
    }

    /// Without what was imported before and has not changed.
    async fn unknown_of(&mut self, parcels: Vec<RawFile>) -> Result<Vec<RawFile>, StoreError> {
        let files: Vec<ImportedFile> = parcels.iter().map(|parcel| parcel.imported.clone()).collect();
        let known = self.store.already_imported(&files).await?;
        self.report.unchanged += known.iter().filter(|known| **known).count() as u64;
        Ok(parcels.into_iter().zip(known).filter(|(_, known)| !known).map(|(parcel, _)| parcel).collect())
    }

    async fn submit(&mut self, letters: Vec<ParsedImport>) -> Result<Vec<FileDiagnostic>, StoreError> {
        let mut submissions = Vec::with_capacity(letters.len());
        let Self { store, dry_run, known, titles, options, .. } = self;
        for ParsedImport { shown, imported, mut draft, images } in letters {
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

/// An article on its way.
struct ParsedImport {
    shown: String,
    imported: ImportedFile,
    draft: ParsedArticle,
    /// The images in its file.
    images: Vec<StrippedImage>,
}

/// Reads what is in the files, and sorts it by the printed stamp, so that the log is in the order of the news.
fn parse_files(
    parcels: Vec<RawFile>,
    plan: &ChannelMapping,
    options: &IngestOptions,
    now: Timestamp,
) -> Vec<(Option<ParsedImport>, Vec<FileDiagnostic>)> {
    let mut read = map_on_all_cores(parcels, |RawFile { shown, imported, bytes }| {
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
                Err(complaint) => findings.push(*complaint),
            }
        }
        (draft.map(|draft| ParsedImport { shown, imported, draft, images }), findings)
    });
    read.sort_by_key(|(letter, _)| letter.as_ref().map(|letter| letter.draft.article.published.instant));
    read
}
