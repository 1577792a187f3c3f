//! One scan: what lies in the folder against what the store remembers of it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};
use tokio::time::Instant;
use tracing::info;
use unicode_normalization::UnicodeNormalization as _;

use super::check::diagnostics_of;
use super::listing::{
    FileState, FolderListing, Groups, ListedFile, ListedImage, image_paths, list_folder, observe_some,
};
use super::mark::{Marking, cannot_be_marked, is_of_another_log, mark, mark_of};
use super::open::{open_below, open_named, read_all};
use super::writers::{may_go_on, open_for_writing};
use super::{ABSENT, DEBOUNCE, HELD_OPEN, IngestOptions, REMOVAL_GRACE, UNFINISHED};
use crate::image::{self, StrippedImage};
use crate::message::Message;
use crate::model::{Image, Slug};
use crate::parse::{self, ParseResult, ParsedArticle, Severity};
use crate::store::{
    FileRecord, FileRemovalOutcome, LogPosition, ScannedFile, Source, Store, StoreError, Submission,
    SubmitOutcome, SubmitResult, WriteConditions,
};
use crate::time::Timestamp;
use crate::urls::{RESERVED_SLUGS, SiteUrls};

/// So many files are read and submitted together: one flush of the log for all of them.
const BATCH_SIZE: usize = 256;
/// A file larger than this is no article.
pub(super) const MAX_ARTICLE_BYTES: u64 = 16 << 20;
/// A stamp that lies further ahead is a slip of the pen.
const MAX_FUTURE: chrono::TimeDelta = chrono::TimeDelta::days(366);
/// A folder of at least so many articles of which more than a quarter is missing was emptied by accident.
const MASS_REMOVAL_THRESHOLD: usize = 8;

/// What a scan did and found.
#[derive(Debug, Default)]
pub struct ScanReport {
    /// Article files that lie in the folder.
    pub files: u64,
    /// New articles.
    pub published: u64,
    /// Corrections.
    pub corrected: u64,
    /// Moves to other channels.
    pub moved: u64,
    /// Articles whose file came back.
    pub restored: u64,
    /// Articles whose file is gone for good.
    pub withdrawn: u64,
    /// Articles taken in whose stamp lies in the future.
    pub scheduled: u64,
    /// Files whose newest bytes are no article, all in all.
    pub rejected_total: u64,
    /// What is new to say since the last scan, by path and line.
    pub findings: Vec<FileDiagnostic>,
    /// Why files that are missing were not taken for withdrawn, where that is so.
    pub suspended_reason: Option<String>,
    /// True where a file has not yet held still for long enough.
    pub unsettled: bool,
    /// When there will be something to do without any event.
    pub next_scan_in: Option<Duration>,
    /// How long it took to find out what there is to do.
    pub looking: Duration,
}

impl ScanReport {
    /// How many revisions came of the scan.
    pub fn revisions(&self) -> u64 {
        self.published + self.corrected + self.moved + self.restored + self.withdrawn
    }

    fn count(&mut self, verdict: &SubmitOutcome) {
        match verdict {
            SubmitOutcome::Published(_) => self.published += 1,
            SubmitOutcome::Corrected(_) => self.corrected += 1,
            SubmitOutcome::Moved(_) => self.moved += 1,
            SubmitOutcome::Restored(_) => self.restored += 1,
            SubmitOutcome::Scheduled(_) => self.scheduled += 1,
            SubmitOutcome::Unchanged
            | SubmitOutcome::WithdrawnByOperator
            | SubmitOutcome::Conflict { .. }
            | SubmitOutcome::VersionMismatch(_)
            | SubmitOutcome::IdempotencyConflict
            | SubmitOutcome::Refused(_) => {}
        }
    }

    /// A file may not be all there yet.
    fn wait_for_text(&mut self, pause: Duration) {
        self.unsettled = true;
        self.scan_again_in(pause.max(Duration::from_millis(10)));
    }

    fn scan_again_in(&mut self, pause: Duration) {
        self.next_scan_in = Some(self.next_scan_in.map_or(pause, |earlier| earlier.min(pause)));
    }
}

/// A finding, and the file that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDiagnostic {
    /// Relative to the folder of articles.
    pub path: String,
    /// Counted from 1; 1 where the whole file is meant.
    pub line: usize,
    /// How much it weighs.
    pub severity: Severity,
    /// Message and cure for the office.
    pub vietnamese: String,
    /// Message and cure for the log.
    pub english: String,
}

impl FileDiagnostic {
    pub(super) fn new(path: &str, severity: Severity, vietnamese: String, english: String) -> Self {
        Self { path: path.to_owned(), line: 1, severity, vietnamese, english }
    }
}

/// A file's bytes, understood.
pub struct ParsedFile {
    /// Of the bytes, hexadecimal.
    pub hash: String,
    /// What the manuscript reader made of them, or why it got none.
    pub reading: ParseResult,
}

/// Scans the folder; remembers between scans what is settling, what is missing and what was said.
pub struct Scanner {
    store: Store,
    options: IngestOptions,
    /// Files that did not hold still at the last look: how they were, and since when they have been so.
    settling: HashMap<String, (ListedFile, Instant)>,
    /// Files that stand for an article and were not seen, and since when.
    missing: HashMap<String, Instant>,
    /// Articles of which a picture was not seen, and since when.
    missing_pictures: HashMap<String, Instant>,
    /// What was said of each file, so that it is said once.
    told: BTreeMap<String, Vec<FileDiagnostic>>,
    known_channels: HashSet<(Slug, Option<String>)>,
    /// True where refused files are worth another look: at the start, and when others came or went.
    retry_refused: bool,
    /// True where the last scan took what is missing for a mishap.
    suspended: bool,
    /// Files that events have shown to be held open for writing.
    written: HashSet<String>,
    /// What a scan saw that found nothing to do, and how far the log was.
    quiet: Option<(u64, LogPosition)>,
}

/// What a scan has to do.
#[derive(Default)]
struct Work {
    /// Settled files whose size or time is not that of the last scan, and for how long they have held still.
    changed: Vec<(ListedFile, Duration)>,
    /// Present records that were not seen and were not seen at the last scan either.
    missing: Vec<String>,
}

impl Scanner {
    /// A scanner that has seen nothing yet.
    pub fn new(store: Store, options: IngestOptions) -> Self {
        Self {
            store,
            options,
            settling: HashMap::new(),
            missing: HashMap::new(),
            missing_pictures: HashMap::new(),
            told: BTreeMap::new(),
            known_channels: HashSet::new(),
            retry_refused: true,
            suspended: false,
            written: HashSet::new(),
            quiet: None,
        }
    }

    /// Scans once. With `confirm`, files that are missing are withdrawn even where the folder was suddenly
    /// emptied.
    ///
    /// # Errors
    /// Where the store fails; what was accepted before stays accepted, and the next scan goes on.
    pub async fn scan(&mut self, confirm: bool) -> Result<ScanReport, StoreError> {
        self.go_through(None, confirm).await
    }

    /// Looks at the files at these paths and at what belongs to them, where that is enough; scans otherwise. What
    /// it costs depends on these files, and on the number of names in their folders.
    ///
    /// # Errors
    /// As [`Scanner::scan`].
    pub(super) async fn look(&mut self, touched: &BTreeSet<String>) -> Result<ScanReport, StoreError> {
        // Only who has seen the whole folder may say that a file is gone.
        if !self.suspended && self.missing.values().any(|since| since.elapsed() >= REMOVAL_GRACE) {
            return self.scan(false).await;
        }
        let mut groups = Groups::default();
        let waiting = self.settling.keys().chain(self.missing.keys()).chain(self.missing_pictures.keys());
        touched.iter().chain(waiting).for_each(|path| groups.add(path));
        if self.retry_refused {
            self.store.refused_files().await?.iter().for_each(|path| groups.add(path));
        }
        self.go_through(Some(groups), false).await
    }

    /// Tells which files are held open for writing, as far as events say.
    pub(super) fn note_written(&mut self, written: HashSet<String>) {
        self.written = written;
    }

    /// Compares the folder, or only some files of it, with what the store remembers, and takes in the difference.
    async fn go_through(&mut self, some: Option<Groups>, confirm: bool) -> Result<ScanReport, StoreError> {
        let _turn = self.store.scan_turn().await?;
        let started = Instant::now();
        let mut report = ScanReport::default();
        let mut said: BTreeMap<String, Vec<FileDiagnostic>> = BTreeMap::new();
        let root = self.options.path.clone();
        let addresses = Arc::clone(&self.options.addresses);
        let wanted = some.clone();
        let observed = blocking(move || match &wanted {
            Some(groups) => observe_some(&root, &addresses, groups),
            None => list_folder(&root, &addresses),
        });
        let observed = match observed.await {
            Ok(observed) => observed,
            Err(cause) => {
                let reason = format!("the folder {} cannot be listed ({cause})", self.options.path.display());
                return Ok(self.suspend(report, reason, folder_diagnostic(&self.options.path, &cause)));
            }
        };
        if let Some(finding) = self.check_log_marker(confirm).await? {
            return Ok(self.suspend(report, finding.english.clone(), finding));
        }
        report.files = observed.files.len() as u64;
        let before = (some.is_none() && !self.retry_refused).then(|| (fingerprint(&observed), self.head()));
        if before.is_some() && before == self.quiet {
            report.rejected_total = self.refused_now();
            report.looking = started.elapsed();
            return Ok(report);
        }
        for trouble in &observed.trouble {
            said.entry(trouble.finding.path.clone()).or_default().push(trouble.finding.clone());
        }
        let records = match &some {
            None => self.store.files().await?,
            Some(groups) => {
                let observed = observed.files.iter().map(|file| file.path.clone());
                let paths: BTreeSet<String> = observed.chain(groups.paths()).collect();
                self.store.files_at(&paths.into_iter().collect::<Vec<_>>()).await?
            }
        };
        let records: HashMap<String, FileRecord> =
            records.into_iter().map(|record| (record.seen.path.clone(), record)).collect();
        let work = self.compare(&observed, &records, &mut report);
        report.looking = started.elapsed();
        let nothing_to_do =
            work.changed.is_empty() && work.missing.is_empty() && report.next_scan_in.is_none();
        self.quiet = before.filter(|_| nothing_to_do);
        let gone = self.submit_changed(work, &observed, &records, &mut report, &mut said).await?;
        match &some {
            None => self.withdraw_missing(gone, &records, confirm, &mut report, &mut said).await?,
            Some(_) => gone.iter().for_each(|path| report.scan_again_in(self.grace_left(path))),
        }
        let of_pictures = observed.files.iter().flat_map(|file| &file.images).map(|p| p.path.clone());
        let present: HashSet<String> =
            observed.files.iter().map(|file| file.path.clone()).chain(of_pictures).collect();
        self.report_new_diagnostics(&mut report, said, |path| match &some {
            None => present.contains(path),
            Some(groups) => present.contains(path) || !groups.names(path),
        });
        Ok(report)
    }

    /// Takes nothing in and withdraws nothing, and says why.
    fn suspend(&mut self, mut report: ScanReport, reason: String, finding: FileDiagnostic) -> ScanReport {
        self.missing.clear();
        self.quiet = None;
        report.suspended_reason = Some(reason);
        report.scan_again_in(ABSENT);
        self.report_new_diagnostics(&mut report, BTreeMap::from([(String::new(), vec![finding])]), |_| true);
        report
    }

    fn head(&self) -> LogPosition {
        *self.store.subscribe().borrow()
    }

    /// How long a missing file may still come back, or turn up under another name.
    fn grace_left(&self, path: &str) -> Duration {
        let since = self.missing.get(path).copied().unwrap_or_else(Instant::now);
        REMOVAL_GRACE.saturating_sub(since.elapsed())
    }

    /// Why this folder may not be the one of the log. None where all is well.
    async fn check_log_marker(&self, confirm: bool) -> Result<Option<FileDiagnostic>, StoreError> {
        let (folder, log) = (self.options.path.clone(), self.store.log_id().to_owned());
        let found = blocking(move || mark_of(&folder)).await;
        let may_be_marked = match &found {
            _ if self.options.marking == Marking::None => return Ok(None),
            Some(mark) if *mark == log => return Ok(None),
            Some(_) => confirm || self.options.marking == Marking::Renewed,
            // A log in a file has had no marks once. A folder of no log may be that of one which has never seen a file.
            None => confirm || !self.store.is_shared() || self.store.files().await?.is_empty(),
        };
        if !may_be_marked {
            return Ok(Some(is_of_another_log(&self.options.path, found.is_some())));
        }
        let folder = self.options.path.clone();
        match blocking(move || mark(&folder, &log)).await {
            // A folder that cannot be written bears no mark.
            Err(cause) if self.store.is_shared() || found.is_some() => {
                Ok(Some(cannot_be_marked(&self.options.path, self.store.log_id(), &cause)))
            }
            _ => Ok(None),
        }
    }

    /// Scans until nothing is left that only time can decide: for commands, which do not come back.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn scan_until_stable(&mut self, confirm: bool) -> Result<ScanReport, StoreError> {
        let mut whole = self.scan(confirm).await?;
        while let Some(pause) = whole.next_scan_in.filter(|_| whole.suspended_reason.is_none()) {
            tokio::time::sleep(pause).await;
            let next = self.scan(confirm).await?;
            whole.files = next.files;
            whole.published += next.published;
            whole.corrected += next.corrected;
            whole.moved += next.moved;
            whole.restored += next.restored;
            whole.withdrawn += next.withdrawn;
            whole.scheduled += next.scheduled;
            whole.rejected_total = next.rejected_total;
            whole.findings.extend(next.findings);
            whole.suspended_reason = next.suspended_reason;
            whole.unsettled = next.unsettled;
            whole.next_scan_in = next.next_scan_in;
        }
        Ok(whole)
    }

    /// Finds what has changed and what is missing. Touches nothing but its own memory.
    fn compare(
        &mut self,
        observed: &FolderListing,
        records: &HashMap<String, FileRecord>,
        report: &mut ScanReport,
    ) -> Work {
        let mut work = Work::default();
        let mut settling = HashMap::new();
        let retry = std::mem::take(&mut self.retry_refused);
        for file in &observed.files {
            let unchanged = records.get(&file.path).is_some_and(|record| {
                record.present
                    && !record.seen.hash.is_empty()
                    && (record.seen.size, record.seen.modified) == (file.state.size, file.state.mark)
                    && record.seen.pictures == file.image_fingerprint()
                    && !(retry && record.rejected)
            });
            if unchanged {
                self.missing_pictures.remove(&file.path);
                continue;
            }
            if let Some(left) = self.picture_may_come_back(file, records.get(&file.path)) {
                report.scan_again_in(left);
                continue;
            }
            let since = self.still_since(file);
            let still = since.map_or(HELD_OPEN, |since| since.elapsed());
            match since {
                Some(since) if still < DEBOUNCE => {
                    settling.insert(file.path.clone(), (file.clone(), since));
                    report.wait_for_text(DEBOUNCE - still);
                }
                _ => work.changed.push((file.clone(), still)),
            }
        }
        self.settling = settling;
        work.missing = self.note_missing(observed, records);
        work
    }

    /// Since when a file has been as it is; none where that is too long ago to count.
    fn still_since(&self, file: &ListedFile) -> Option<Instant> {
        let changed = UNIX_EPOCH + Duration::from_nanos(u64::try_from(file.last_change()).unwrap_or(0));
        match SystemTime::now().duration_since(changed) {
            Ok(age) => Instant::now().checked_sub(age).filter(|_| age < HELD_OPEN),
            // A time in the future says nothing: the file's own clock is wrong, and only watching it helps.
            Err(_) => match self.settling.get(&file.path) {
                Some((before, since)) if before == file => Some(*since),
                _ => Some(Instant::now()),
            },
        }
    }

    /// A picture that is missing may be on its way back, as a file may: for how long that is waited for.
    fn picture_may_come_back(&mut self, file: &ListedFile, record: Option<&FileRecord>) -> Option<Duration> {
        let record = record.filter(|record| record.present)?;
        let here = |path: &str| file.images.iter().any(|picture| picture.path == path);
        if image_paths(&record.seen.pictures).all(here) {
            self.missing_pictures.remove(&file.path);
            return None;
        }
        let since = *self.missing_pictures.entry(file.path.clone()).or_insert_with(Instant::now);
        let left = REMOVAL_GRACE.saturating_sub(since.elapsed());
        if left.is_zero() {
            self.missing_pictures.remove(&file.path);
            return None;
        }
        Some(left)
    }

    fn note_missing(
        &mut self,
        observed: &FolderListing,
        records: &HashMap<String, FileRecord>,
    ) -> Vec<String> {
        let seen: HashSet<&str> = observed.files.iter().map(|file| file.path.as_str()).collect();
        let hidden = |path: &str| {
            observed.trouble.iter().filter(|trouble| trouble.hides_files).any(|trouble| {
                let rest = path.strip_prefix(&trouble.finding.path);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        };
        let mut missing: Vec<String> = records
            .values()
            .filter(|record| record.present && !seen.contains(record.seen.path.as_str()))
            .map(|record| record.seen.path.clone())
            .filter(|path| !hidden(path))
            .collect();
        missing.sort();
        self.missing.retain(|path, _| missing.binary_search(path).is_ok());
        for path in &missing {
            self.missing.entry(path.clone()).or_insert_with(Instant::now);
        }
        missing
    }

    /// Reads and submits what has changed, the oldest stamp first, so that the log is in the order of the
    /// news. Returns what is missing and was not renamed.
    async fn submit_changed(
        &mut self,
        work: Work,
        observed: &FolderListing,
        records: &HashMap<String, FileRecord>,
        report: &mut ScanReport,
        said: &mut BTreeMap<String, Vec<FileDiagnostic>>,
    ) -> Result<Vec<String>, StoreError> {
        let mut gone = Gone::new(work.missing, records);
        let changed = self.without_what_is_written(work.changed, report).await;
        let articles = self.read_first(changed, records, report, said).await?;
        let total = articles.len();
        let mut articles = articles.into_iter();
        let (mut done, mut renamed) = (0, BTreeMap::new());
        while articles.len() > 0 {
            let chunk: Vec<_> = articles.by_ref().take(BATCH_SIZE).collect();
            done += chunk.len();
            let mut submissions = Vec::new();
            for (file, reading) in self.read_again(chunk).await {
                let record = records.get(&file.file.path);
                let submission = match reading {
                    Some(reading) => {
                        self.prepare_submission(&file, reading, record, &mut gone, report, said).await?
                    }
                    None => {
                        report.wait_for_text(DEBOUNCE);
                        None
                    }
                };
                if let Some(Submission { source: Source::File { seen, renamed_from: Some(old) }, .. }) =
                    &submission
                    && let Some(before) = records.get(old).map(|record| &record.seen)
                    && before.channel != seen.channel
                {
                    renamed.insert(before.channel.clone(), seen.clone());
                }
                submissions.extend(submission);
            }
            self.submit(submissions, report, said).await?;
            if total > BATCH_SIZE {
                info!(done, total, "taking in the folder");
            }
        }
        for (old, seen) in renamed {
            if !observed.channels.iter().any(|(slug, _)| *slug == old) {
                let finding = folder_renamed(&old, &seen);
                said.entry(finding.path.clone()).or_default().push(finding);
            }
        }
        Ok(gone.paths.into_iter().collect())
    }

    /// Sets aside what somebody holds open for writing, for as long as that is waited for.
    async fn without_what_is_written(
        &mut self,
        changed: Vec<(ListedFile, Duration)>,
        report: &mut ScanReport,
    ) -> Vec<(ListedFile, Duration)> {
        let young: Vec<&ListedFile> =
            changed.iter().filter(|(_, still)| *still < HELD_OPEN).map(|(file, _)| file).collect();
        let paths = young.iter().flat_map(|file| file.paths()).map(str::to_owned);
        let (root, paths) = (self.options.path.clone(), paths.collect::<Vec<_>>());
        if paths.is_empty() {
            return changed;
        }
        let open = blocking(move || {
            let Ok(root) = root.canonicalize() else { return HashSet::new() };
            open_for_writing(&paths.iter().map(|path| root.join(path)).collect())
                .iter()
                .filter_map(|path| Some(path.strip_prefix(&root).ok()?.to_str()?.to_owned()))
                .collect()
        });
        let open: HashSet<String> = open.await;
        let (written, free): (Vec<_>, Vec<_>) = changed.into_iter().partition(|(file, still)| {
            *still < HELD_OPEN && file.paths().any(|path| open.contains(path) || self.written.contains(path))
        });
        for (file, still) in written {
            self.keep_settling(file, still);
            report.scan_again_in(DEBOUNCE.min(HELD_OPEN - still));
        }
        free
    }

    /// Looks at the file again later, and knows then for how long it has held still.
    fn keep_settling(&mut self, file: ListedFile, still: Duration) {
        let since = Instant::now().checked_sub(still).unwrap_or_else(Instant::now);
        self.settling.insert(file.path.clone(), (file, since));
    }

    /// Reads what has changed, and sorts the articles by the stamp that stands in them, then by path; those without
    /// a stamp come last. What turns out to be as it was before, cannot be read, or may not be all there yet, is dealt
    /// with.
    async fn read_first(
        &mut self,
        changed: Vec<(ListedFile, Duration)>,
        records: &HashMap<String, FileRecord>,
        report: &mut ScanReport,
        said: &mut BTreeMap<String, Vec<FileDiagnostic>>,
    ) -> Result<Vec<Readable>, StoreError> {
        if changed.is_empty() {
            return Ok(Vec::new());
        }
        let keep = changed.len() <= BATCH_SIZE;
        let options = self.options.clone();
        let changed: Vec<_> = changed
            .into_iter()
            .map(|(file, still)| {
                let scanned = records.get(&file.path).filter(|record| record.present && !record.rejected);
                let scanned = scanned.filter(|record| record.seen.pictures == file.image_fingerprint());
                (file, still, scanned.map(|record| record.seen.hash.clone()))
            })
            .collect();
        let read = blocking(move || {
            let read = |(file, still, scanned): (ListedFile, _, Option<String>)| {
                let first = first_reading(&options, &file, still, scanned.as_deref());
                let first = match first {
                    First::Article(stamp, reading) => First::Article(stamp, reading.filter(|_| keep)),
                    other => other,
                };
                (file, still, first)
            };
            changed.into_iter().map(read).collect::<Vec<_>>()
        });
        let (mut articles, mut touched) = (Vec::new(), Vec::new());
        for (file, still, first) in read.await {
            match first {
                First::Article(stamp, reading) => articles.push((stamp, Readable { file, still, reading })),
                First::Known(hash) => touched.push(file.seen(hash)),
                First::Later(pause) => {
                    self.keep_settling(file, still);
                    report.wait_for_text(pause);
                }
                First::Failed(cause) => {
                    said.entry(file.path.clone()).or_default().push(file_diagnostic(&file.path, &cause));
                }
            }
        }
        self.store.files_touched(touched).await?;
        articles.sort_by(|(a, one), (b, other)| {
            a.is_none().cmp(&b.is_none()).then(a.cmp(b)).then_with(|| one.file.path.cmp(&other.file.path))
        });
        Ok(articles.into_iter().map(|(_, readable)| readable).collect())
    }

    /// What is in these files, where blocking is allowed. None for a file that changed since it was first read.
    async fn read_again(&self, files: Vec<Readable>) -> Vec<(Readable, Option<ParsedFile>)> {
        let options = self.options.clone();
        blocking(move || {
            files
                .into_iter()
                .map(|mut readable| {
                    let reading = readable.reading.take().map(|reading| *reading).or_else(|| {
                        let reading = options.parse_options(Some(&readable.file.channel));
                        let (hash, bytes) = bytes_of(&options.path, &readable.file).ok()??;
                        Some(ParsedFile {
                            hash,
                            reading: parse::parse(name_of(&readable.file.path), &bytes, &reading),
                        })
                    });
                    (readable, reading)
                })
                .collect()
        })
        .await
    }

    /// Turns what was read into a submission, or notes why there is none.
    async fn prepare_submission(
        &mut self,
        Readable { file, still, .. }: &Readable,
        file_reading: ParsedFile,
        record: Option<&FileRecord>,
        gone: &mut Gone,
        report: &mut ScanReport,
        said: &mut BTreeMap<String, Vec<FileDiagnostic>>,
    ) -> Result<Option<Submission>, StoreError> {
        let seen = file.seen(file_reading.hash.clone());
        let findings = said.entry(file.path.clone()).or_default();
        findings.extend(diagnostics_of(&file.path, &file_reading));
        let now = self.store.clock().now();
        let draft = file_reading.reading.draft.filter(|draft| {
            let unfit = unfit(&file.path, draft, &self.options.addresses, now);
            let good = unfit.is_none();
            findings.extend(unfit);
            good
        });
        let Some(mut draft) = draft else {
            said_of(&file.path, self.store.file_rejected(seen).await, said)?;
            return Ok(None);
        };
        let (pictures, complaints) = self.store_images(&file.images).await?;
        if !complaints.is_empty() && *still < UNFINISHED {
            // A picture may still be on its way, as a text may.
            said.remove(&file.path);
            self.keep_settling(file.clone(), *still);
            report.wait_for_text(UNFINISHED - *still);
            return Ok(None);
        }
        for picture in &file.images {
            said.entry(picture.path.clone()).or_default();
        }
        for complaint in complaints {
            said.entry(complaint.path.clone()).or_default().push(complaint);
        }
        draft.article.images = pictures;
        let renamed_from = match record {
            Some(record) if record.present => None,
            // A file of this name was here before; only equal bytes make another file of this one.
            Some(record) if record.article.is_some() => gone.take(&seen, false),
            _ => gone.take(&seen, true),
        };
        if let Some(old) = &renamed_from {
            self.missing.remove(old);
        }
        let submission = self.submission(seen, renamed_from, draft).await;
        said_of(&file.path, submission, said)
    }

    /// Takes the pictures of an article into the store, one at a time, for they may be large. One that cannot
    /// be published costs a complaint, not the article.
    async fn store_images(
        &self,
        observed: &[ListedImage],
    ) -> Result<(Vec<Image>, Vec<FileDiagnostic>), StoreError> {
        let (mut kept, mut complaints) = (Vec::with_capacity(observed.len()), Vec::new());
        for seen in observed {
            let (root, path) = (self.options.path.clone(), seen.path.clone());
            match blocking(move || read_image(&root, &path)).await {
                Ok(publishable) => {
                    let StrippedImage { name, media_type, width, height, bytes } = publishable;
                    let (media_type, size) = (media_type.to_owned(), bytes.len() as u64);
                    let picture = Image { name, media_type, width, height, size };
                    self.store.put_image(&picture, bytes).await?;
                    kept.push(picture);
                }
                Err(finding) => complaints.push(*finding),
            }
        }
        Ok((kept, complaints))
    }

    async fn submission(
        &mut self,
        seen: ScannedFile,
        renamed_from: Option<String>,
        draft: ParsedArticle,
    ) -> Result<Submission, StoreError> {
        let folder = seen.path.split('/').next().unwrap_or_default();
        self.found_channel(&seen.channel, title_of(folder)).await?;
        let mut channels = vec![seen.channel.clone()];
        for named in &draft.channels {
            let slug = self.options.addresses.resolve_channel(named);
            if !self.known_channels.iter().any(|(known, _)| *known == slug) {
                let title = Slug::parse(named).is_err().then(|| named.clone());
                self.found_channel(&slug, title).await?;
            }
            channels.push(slug);
        }
        channels.sort();
        channels.dedup();
        let stem = Slug::from_title(stem_of(&seen.path));
        let origin = Source::File { seen, renamed_from };
        let terms = WriteConditions::default();
        Ok(Submission {
            article: draft.article,
            channels,
            id: draft.id,
            stem,
            source: origin,
            conditions: terms,
        })
    }

    async fn found_channel(&mut self, slug: &Slug, title: Option<String>) -> Result<(), StoreError> {
        let known = (slug.clone(), title);
        if !self.known_channels.contains(&known) {
            self.store.create_channel(&known.0, known.1.as_deref()).await?;
            self.known_channels.insert(known);
        }
        Ok(())
    }

    async fn submit(
        &mut self,
        submissions: Vec<Submission>,
        report: &mut ScanReport,
        said: &mut BTreeMap<String, Vec<FileDiagnostic>>,
    ) -> Result<(), StoreError> {
        let paths: Vec<String> = submissions.iter().map(path_of).collect();
        let answers = self.store.submit_all(submissions).await;
        for (path, answer) in paths.into_iter().zip(answers) {
            let Some(accepted) = said_of(&path, answer, said)? else { continue };
            report.count(&accepted.outcome);
            said.entry(path.clone()).or_default().extend(outcome_diagnostic(&path, &accepted));
            if matches!(accepted.outcome, SubmitOutcome::Moved(_) | SubmitOutcome::Corrected(_)) {
                self.retry_refused = true;
                report.scan_again_in(Duration::from_millis(10));
            }
        }
        Ok(())
    }

    /// Withdraws what has been missing for the grace, unless so much is missing that it must be a mishap.
    async fn withdraw_missing(
        &mut self,
        missing: Vec<String>,
        records: &HashMap<String, FileRecord>,
        confirm: bool,
        report: &mut ScanReport,
        said: &mut BTreeMap<String, Vec<FileDiagnostic>>,
    ) -> Result<(), StoreError> {
        let standing = records.values().filter(|record| record.present && record.article.is_some()).count();
        if !confirm && standing >= MASS_REMOVAL_THRESHOLD && missing.len() * 4 > standing {
            let reason = format!(
                "{} of {standing} articles' files are missing; nothing is withdrawn. If they were removed on \
                 purpose, run `bantin scan --confirm`",
                missing.len()
            );
            said.entry(String::new()).or_default().push(FileDiagnostic::new(
                "",
                Severity::Error,
                format!(
                    "thiếu {} trong số {standing} tệp bài viết; chưa rút bài nào. Nếu xóa có chủ ý, chạy \
                     `bantin scan --confirm`",
                    missing.len()
                ),
                reason.clone(),
            ));
            report.suspended_reason = Some(reason);
            self.suspended = true;
            return Ok(());
        }
        self.suspended = false;
        for path in missing {
            let left = self.grace_left(&path);
            if !left.is_zero() {
                report.scan_again_in(left);
                continue;
            }
            self.missing.remove(&path);
            self.retry_refused = true;
            report.scan_again_in(Duration::from_millis(10));
            match said_of(&path, self.store.file_removed(&path).await, said)? {
                Some(FileRemovalOutcome::Withdrawn(_)) => report.withdrawn += 1,
                Some(FileRemovalOutcome::Moved(_)) => report.moved += 1,
                Some(FileRemovalOutcome::Nothing) | None => {}
            }
        }
        Ok(())
    }

    /// Says what is new, and forgets what was said of files that are not to be kept: they are gone.
    fn report_new_diagnostics(
        &mut self,
        report: &mut ScanReport,
        said: BTreeMap<String, Vec<FileDiagnostic>>,
        keep: impl Fn(&str) -> bool,
    ) {
        self.told.retain(|path, _| keep(path) || said.contains_key(path));
        for (path, findings) in said {
            if self.told.get(&path) != Some(&findings) {
                report.findings.extend(findings.iter().cloned());
            }
            if findings.is_empty() {
                self.told.remove(&path);
            } else {
                self.told.insert(path, findings);
            }
        }
        report.rejected_total = self.refused_now();
    }

    fn refused_now(&self) -> u64 {
        let refused =
            |findings: &&Vec<FileDiagnostic>| findings.iter().any(|f| f.severity == Severity::Error);
        self.told.values().filter(refused).count() as u64
    }
}

/// A file that is to be understood.
struct Readable {
    file: ListedFile,
    /// For how long it has held still.
    still: Duration,
    /// What was read in it; none where there are too many files to keep that.
    reading: Option<Box<ParsedFile>>,
}

/// What the first reading of a changed file says.
enum First {
    /// It is to be understood; its stamp, where there is one.
    Article(Option<Timestamp>, Option<Box<ParsedFile>>),
    /// Its bytes are those that were scanned before, of this hash.
    Known(String),
    /// It may not be all there yet.
    Later(Duration),
    Failed(io::Error),
}

/// `scanned` is the hash under which the same file stands in the log.
fn first_reading(
    options: &IngestOptions,
    file: &ListedFile,
    still: Duration,
    scanned: Option<&str>,
) -> First {
    let (hash, bytes) = match bytes_of(&options.path, file) {
        Ok(Some(read)) => read,
        Ok(None) => return First::Later(DEBOUNCE),
        Err(cause) => return First::Failed(cause),
    };
    if scanned == Some(hash.as_str()) {
        return First::Known(hash);
    }
    let name = name_of(&file.path);
    if still < UNFINISHED && may_go_on(name, &bytes) {
        return First::Later(UNFINISHED - still);
    }
    let reading = parse::parse(name, &bytes, &options.parse_options(Some(&file.channel)));
    let stamp = reading.draft.as_ref().map(|draft| draft.article.published.instant);
    First::Article(stamp, Some(Box::new(ParsedFile { hash, reading })))
}

/// The bytes of a file that has held still, and their hash; none where it does not any more, or is gone.
fn bytes_of(root: &Path, file: &ListedFile) -> io::Result<Option<(String, Vec<u8>)>> {
    let read = open_below(root, Path::new(&file.path)).and_then(|opened| read_all(opened, MAX_ARTICLE_BYTES));
    match read {
        Ok((bytes, metadata)) if FileState::of(&metadata) == file.state => Ok(Some((hash_of(&bytes), bytes))),
        Ok(_) => Ok(None),
        // Somebody has a lease on it, as a file server does for who writes.
        Err(cause) if matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::WouldBlock) => Ok(None),
        Err(cause) => Err(cause),
    }
}

/// Files that are missing, to be found again under other names.
struct Gone {
    paths: BTreeSet<String>,
    by_hash: HashMap<String, Vec<String>>,
    by_stem: HashMap<String, Vec<String>>,
}

impl Gone {
    fn new(missing: Vec<String>, records: &HashMap<String, FileRecord>) -> Self {
        let (mut by_hash, mut by_stem) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        for path in &missing {
            if let Some(record) = records.get(path) {
                by_hash.entry(record.seen.hash.clone()).or_default().push(path.clone());
            }
            by_stem.entry(stem_of(path).nfc().collect()).or_default().push(path.clone());
        }
        Self { paths: missing.into_iter().collect(), by_hash, by_stem }
    }

    /// The missing file that is this new one under another name: by equal bytes, else by equal stem.
    fn take(&mut self, seen: &ScannedFile, by_stem_too: bool) -> Option<String> {
        let stem: String = stem_of(&seen.path).nfc().collect();
        let missing = |paths: Option<&Vec<String>>| -> Vec<String> {
            paths.into_iter().flatten().filter(|path| self.paths.contains(*path)).cloned().collect()
        };
        let by_bytes = missing(self.by_hash.get(&seen.hash));
        let of_both = by_bytes.iter().find(|path| stem_of(path).nfc().eq(stem.chars())).cloned();
        let by_stem = || missing(self.by_stem.get(&stem).filter(|_| by_stem_too)).into_iter().next();
        let taken = of_both.or_else(|| by_bytes.into_iter().next()).or_else(by_stem)?;
        self.paths.remove(&taken);
        Some(taken)
    }
}

/// What the store refused of one file, as that file's finding.
///
/// # Errors
/// Where the store itself fails.
pub(super) fn noted<T>(
    path: &str,
    answer: Result<T, StoreError>,
) -> Result<Result<T, Box<FileDiagnostic>>, StoreError> {
    match answer {
        Ok(value) => Ok(Ok(value)),
        Err(cause) if cause.is_of_one_write() => Ok(Err(Box::new(FileDiagnostic::new(
            path,
            Severity::Error,
            format!("kho tin không nhận tệp này ({cause}); các tệp khác vẫn được đăng"),
            format!("the store does not take this file ({cause}); the others are published"),
        )))),
        Err(cause) => Err(cause),
    }
}

/// The same, said.
fn said_of<T>(
    path: &str,
    answer: Result<T, StoreError>,
    said: &mut BTreeMap<String, Vec<FileDiagnostic>>,
) -> Result<Option<T>, StoreError> {
    let answer = noted(path, answer)?;
    Ok(answer.map_err(|finding| said.entry(path.to_owned()).or_default().push(*finding)).ok())
}

/// Changes with everything that a scan depends on in the folder.
fn fingerprint(observed: &FolderListing) -> u64 {
    let mut hasher = DefaultHasher::new();
    for file in &observed.files {
        (&file.path, &file.state, file.channel.as_str()).hash(&mut hasher);
        for picture in &file.images {
            (&picture.path, &picture.state).hash(&mut hasher);
        }
    }
    for trouble in &observed.trouble {
        (&trouble.finding.path, &trouble.finding.english).hash(&mut hasher);
    }
    hasher.finish()
}

/// Reads and understands one file below `root`; anywhere, where `root` is empty.
///
/// # Errors
/// Where it cannot be read, or is too large to be an article.
pub fn parse_file(root: &Path, path: &str, options: &parse::ParseOptions) -> io::Result<ParsedFile> {
    let opened = match root.as_os_str().is_empty() {
        true => open_named(Path::new(path))?,
        false => open_below(root, Path::new(path))?,
    };
    let (bytes, _) = read_all(opened, MAX_ARTICLE_BYTES)?;
    let hash = hash_of(&bytes);
    Ok(ParsedFile { hash, reading: parse::parse(name_of(path), &bytes, options) })
}

/// Names a file's bytes.
pub(super) fn hash_of(bytes: &[u8]) -> String {
    crate::text::hex(&Sha256::digest(bytes))
}

/// Reads a picture and makes of it what is published.
///
/// # Errors
/// A finding that says why it cannot be.
pub(super) fn read_image(root: &Path, path: &str) -> Result<StrippedImage, Box<FileDiagnostic>> {
    let bytes =
        open_below(root, Path::new(path)).and_then(|opened| read_all(opened, image::MAX_BYTES as u64));
    let bytes = bytes.map_err(|cause| {
        let (vietnamese, english) = (
            format!("không đọc được ảnh ({cause}); bài đăng không có ảnh này"),
            format!("the picture cannot be read ({cause}); the article goes without it"),
        );
        Box::new(FileDiagnostic::new(path, Severity::Warning, vietnamese, english))
    })?;
    image::strip_metadata(bytes.0).map_err(|refused| {
        let Message { vietnamese, english } = refused.message();
        Box::new(FileDiagnostic::new(path, Severity::Warning, vietnamese, english))
    })
}

fn path_of(submission: &Submission) -> String {
    match &submission.source {
        Source::File { seen, .. } => seen.path.clone(),
        Source::Import(_) | Source::Command(_) => String::new(),
    }
}

pub(super) fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

pub(super) fn stem_of(path: &str) -> &str {
    let name = name_of(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

pub(super) fn outcome_diagnostic(path: &str, accepted: &SubmitResult) -> Option<FileDiagnostic> {
    let id = &accepted.id;
    match &accepted.outcome {
        SubmitOutcome::Conflict { with } => Some(FileDiagnostic::new(
            path,
            Severity::Error,
            format!(
                "trùng bài với {with} (cùng mã {id}) nhưng nội dung khác; sửa cho giống nhau hoặc đổi tên một tệp"
            ),
            format!(
                "is the same article as {with} (id {id}) with another text; make them equal or rename one"
            ),
        )),
        SubmitOutcome::WithdrawnByOperator => Some(FileDiagnostic::new(
            path,
            Severity::Warning,
            format!(
                "bài {id} đã bị rút bằng lệnh nên không đăng lại; chạy `bantin restore {id}` nếu muốn đăng"
            ),
            format!(
                "the article {id} was withdrawn by command; run `bantin restore {id}` to publish it again"
            ),
        )),
        SubmitOutcome::Refused(refusal) => {
            Some(FileDiagnostic::new(path, Severity::Error, refusal.vietnamese(), refusal.english()))
        }
        SubmitOutcome::Published(_)
        | SubmitOutcome::Corrected(_)
        | SubmitOutcome::Moved(_)
        | SubmitOutcome::Restored(_)
        | SubmitOutcome::Unchanged
        | SubmitOutcome::Scheduled(_)
        // A file sets no terms.
        | SubmitOutcome::VersionMismatch(_)
        | SubmitOutcome::IdempotencyConflict => None,
    }
}

/// Why a draft is not taken in, whatever the log holds.
pub(super) fn unfit(
    path: &str,
    draft: &ParsedArticle,
    addresses: &SiteUrls,
    now: Timestamp,
) -> Option<FileDiagnostic> {
    too_far_in_future(path, draft, now).or_else(|| in_reserved_channel(path, draft, addresses))
}

fn in_reserved_channel(path: &str, draft: &ParsedArticle, addresses: &SiteUrls) -> Option<FileDiagnostic> {
    let named = draft.channels.iter().map(|named| addresses.resolve_channel(named));
    let slug = named.into_iter().find(|slug| RESERVED_SLUGS.contains(&slug.as_str()))?;
    Some(FileDiagnostic::new(
        path,
        Severity::Error,
        format!("`{slug}` ở dòng channels dành riêng cho hệ thống; hãy chọn chuyên mục khác"),
        format!("`{slug}` in channels is an address of the service; name another channel"),
    ))
}

/// The name of a folder where it is a title; none where it is a slug.
fn title_of(folder: &str) -> Option<String> {
    (Slug::from_title(folder).as_str() != folder).then(|| folder.nfc().collect())
}

/// What there is to say where all that lay in a channel's folder now lies in one of another name.
fn folder_renamed(old: &Slug, seen: &ScannedFile) -> FileDiagnostic {
    let folder = seen.path.split('/').next().unwrap_or_default();
    let new = &seen.channel;
    let cure = format!("[[channel]] slug = \"{new}\", was = [\"{old}\"]");
    FileDiagnostic::new(
        folder,
        Severity::Warning,
        format!(
            "thư mục của chuyên mục `{old}` nay tên là `{folder}`: các bài đã chuyển sang `{new}`. Nếu đổi tên chuyên \
             mục, hãy ghi vào cấu hình {cure} để địa chỉ cũ dẫn sang địa chỉ mới"
        ),
        format!(
            "the folder of the channel `{old}` is now called `{folder}`: its articles have moved to `{new}`. Where the \
             channel was renamed, write {cure} into the config, so that the old addresses lead to the new ones"
        ),
    )
}

/// The complaint about a stamp that is a slip of the pen.
fn too_far_in_future(path: &str, draft: &ParsedArticle, now: Timestamp) -> Option<FileDiagnostic> {
    if draft.article.published.instant <= now + MAX_FUTURE {
        return None;
    }
    let day = draft.article.published.instant.format("%d/%m/%Y");
    let finding = FileDiagnostic::new(
        path,
        Severity::Error,
        format!("ngày đăng {day} còn hơn một năm nữa mới tới; sửa lại ngày"),
        format!("the date {day} is more than a year ahead; correct it"),
    );
    Some(FileDiagnostic { line: draft.lines.stamp, ..finding })
}

pub(super) fn file_diagnostic(path: &str, cause: &io::Error) -> FileDiagnostic {
    FileDiagnostic::new(
        path,
        Severity::Error,
        format!("không đọc được tệp ({cause}); bản đã đăng trước đó vẫn giữ nguyên; kiểm tra quyền truy cập"),
        format!("cannot be read ({cause}); what was published before stays; check its permissions"),
    )
}

fn folder_diagnostic(path: &Path, cause: &io::Error) -> FileDiagnostic {
    let path = path.display();
    FileDiagnostic::new(
        "",
        Severity::Error,
        format!("không mở được thư mục bài viết {path} ({cause}); chưa rút bài nào; kiểm tra [folder] path"),
        format!(
            "the folder of articles {path} cannot be listed ({cause}); nothing is withdrawn; check [folder] path"
        ),
    )
}

/// Runs work on files where it may block.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(failure) => std::panic::resume_unwind(failure.into_panic()),
    }
}
