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

use super::folder::{
    FileState, Groups, Observed, ObservedFile, ObservedPicture, observe, observe_some, picture_paths,
};
use super::inspect::findings_of;
use super::mark::{Marking, cannot_be_marked, is_of_another_log, mark, mark_of};
use super::open::{open_below, open_named, read_all};
use super::writers::{may_go_on, open_for_writing};
use super::{ABSENT, GRACE, HELD_OPEN, Options, SETTLE, UNFINISHED};
use crate::address::{Addresses, RESERVED};
use crate::article::Picture;
use crate::channel::Slug;
use crate::manuscript::{self, Draft, Reading, Severity};
use crate::picture::{self, Publishable};
use crate::store::{
    Accepted, Announcement, Departure, FileRecord, FileSeen, Origin, Store, StoreError, Submission, Terms,
    Verdict,
};
use crate::vietnam_time::Moment;

/// So many files are read and submitted together: one flush of the log for all of them.
const CHUNK: usize = 256;
/// A file larger than this is no article.
pub(super) const LARGEST: u64 = 16 << 20;
/// A stamp that lies further ahead is a slip of the pen.
const FURTHEST: chrono::TimeDelta = chrono::TimeDelta::days(366);
/// A folder of at least so many articles of which more than a quarter is missing was emptied by accident.
const FEW: usize = 8;

/// What a scan did and found.
#[derive(Debug, Default)]
pub struct Report {
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
    pub waiting: u64,
    /// Files whose newest bytes are no article, all in all.
    pub refused_now: u64,
    /// What is new to say since the last scan, by path and line.
    pub findings: Vec<FileFinding>,
    /// Why files that are missing were not taken for withdrawn, where that is so.
    pub suspended: Option<String>,
    /// True where a file has not yet held still for long enough.
    pub unsettled: bool,
    /// When there will be something to do without any event.
    pub look_again_in: Option<Duration>,
    /// How long it took to find out what there is to do.
    pub looking: Duration,
}

impl Report {
    /// How many revisions came of the scan.
    pub fn revisions(&self) -> u64 {
        self.published + self.corrected + self.moved + self.restored + self.withdrawn
    }

    fn count(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Published(_) => self.published += 1,
            Verdict::Corrected(_) => self.corrected += 1,
            Verdict::Moved(_) => self.moved += 1,
            Verdict::Restored(_) => self.restored += 1,
            Verdict::Waiting(_) => self.waiting += 1,
            Verdict::Unchanged
            | Verdict::StaysWithdrawn
            | Verdict::Conflict { .. }
            | Verdict::Stale(_)
            | Verdict::KeyReused
            | Verdict::Refused(_) => {}
        }
    }

    /// A file may not be all there yet.
    fn wait_for_text(&mut self, pause: Duration) {
        self.unsettled = true;
        self.look_again(pause.max(Duration::from_millis(10)));
    }

    fn look_again(&mut self, pause: Duration) {
        self.look_again_in = Some(self.look_again_in.map_or(pause, |earlier| earlier.min(pause)));
    }
}

/// A finding, and the file that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFinding {
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

impl FileFinding {
    pub(super) fn about(path: &str, severity: Severity, vietnamese: String, english: String) -> Self {
        Self { path: path.to_owned(), line: 1, severity, vietnamese, english }
    }
}

/// A file's bytes, understood.
pub struct FileReading {
    /// Of the bytes, hexadecimal.
    pub hash: String,
    /// What the manuscript reader made of them, or why it got none.
    pub reading: Reading,
}

/// Scans the folder; remembers between scans what is settling, what is missing and what was said.
pub struct Scanner {
    store: Store,
    options: Options,
    /// Files that did not hold still at the last look: how they were, and since when they have been so.
    settling: HashMap<String, (ObservedFile, Instant)>,
    /// Files that stand for an article and were not seen, and since when.
    missing: HashMap<String, Instant>,
    /// Articles of which a picture was not seen, and since when.
    missing_pictures: HashMap<String, Instant>,
    /// What was said of each file, so that it is said once.
    told: BTreeMap<String, Vec<FileFinding>>,
    known_channels: HashSet<(Slug, Option<String>)>,
    /// True where refused files are worth another look: at the start, and when others came or went.
    retry_refused: bool,
    /// True where the last scan took what is missing for a mishap.
    suspended: bool,
    /// Files that events have shown to be held open for writing.
    written: HashSet<String>,
    /// What a scan saw that found nothing to do, and how far the log was.
    quiet: Option<(u64, Announcement)>,
}

/// What a scan has to do.
#[derive(Default)]
struct Work {
    /// Settled files whose size or time is not that of the last scan, and for how long they have held still.
    changed: Vec<(ObservedFile, Duration)>,
    /// Present records that were not seen and were not seen at the last scan either.
    missing: Vec<String>,
}

impl Scanner {
    /// A scanner that has seen nothing yet.
    pub fn new(store: Store, options: Options) -> Self {
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
    pub async fn scan(&mut self, confirm: bool) -> Result<Report, StoreError> {
        self.go_through(None, confirm).await
    }

    /// Looks at the files at these paths and at what belongs to them, where that is enough; scans otherwise. What
    /// it costs depends on these files, and on the number of names in their folders.
    ///
    /// # Errors
    /// As [`Scanner::scan`].
    pub(super) async fn look(&mut self, touched: &BTreeSet<String>) -> Result<Report, StoreError> {
        // Only who has seen the whole folder may say that a file is gone.
        if !self.suspended && self.missing.values().any(|since| since.elapsed() >= GRACE) {
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
    async fn go_through(&mut self, some: Option<Groups>, confirm: bool) -> Result<Report, StoreError> {
        let _turn = self.store.scan_turn().await?;
        let started = Instant::now();
        let mut report = Report::default();
        let mut said: BTreeMap<String, Vec<FileFinding>> = BTreeMap::new();
        let root = self.options.path.clone();
        let addresses = Arc::clone(&self.options.addresses);
        let wanted = some.clone();
        let observed = blocking(move || match &wanted {
            Some(groups) => observe_some(&root, &addresses, groups),
            None => observe(&root, &addresses),
        });
        let observed = match observed.await {
            Ok(observed) => observed,
            Err(cause) => {
                let reason = format!("the folder {} cannot be listed ({cause})", self.options.path.display());
                return Ok(self.suspend(report, reason, folder_finding(&self.options.path, &cause)));
            }
        };
        if let Some(finding) = self.is_not_ours(confirm).await? {
            return Ok(self.suspend(report, finding.english.clone(), finding));
        }
        report.files = observed.files.len() as u64;
        let before = (some.is_none() && !self.retry_refused).then(|| (fingerprint(&observed), self.head()));
        if before.is_some() && before == self.quiet {
            report.refused_now = self.refused_now();
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
            work.changed.is_empty() && work.missing.is_empty() && report.look_again_in.is_none();
        self.quiet = before.filter(|_| nothing_to_do);
        let gone = self.take_in(work, &observed, &records, &mut report, &mut said).await?;
        match &some {
            None => self.withdraw_gone(gone, &records, confirm, &mut report, &mut said).await?,
            Some(_) => gone.iter().for_each(|path| report.look_again(self.grace_left(path))),
        }
        let of_pictures = observed.files.iter().flat_map(|file| &file.pictures).map(|p| p.path.clone());
        let present: HashSet<String> =
            observed.files.iter().map(|file| file.path.clone()).chain(of_pictures).collect();
        self.settle_accounts(&mut report, said, |path| match &some {
            None => present.contains(path),
            Some(groups) => present.contains(path) || !groups.names(path),
        });
        Ok(report)
    }

    /// Takes nothing in and withdraws nothing, and says why.
    fn suspend(&mut self, mut report: Report, reason: String, finding: FileFinding) -> Report {
        self.missing.clear();
        self.quiet = None;
        report.suspended = Some(reason);
        report.look_again(ABSENT);
        self.settle_accounts(&mut report, BTreeMap::from([(String::new(), vec![finding])]), |_| true);
        report
    }

    fn head(&self) -> Announcement {
        *self.store.announcements().borrow()
    }

    /// How long a missing file may still come back, or turn up under another name.
    fn grace_left(&self, path: &str) -> Duration {
        let since = self.missing.get(path).copied().unwrap_or_else(Instant::now);
        GRACE.saturating_sub(since.elapsed())
    }

    /// Why this folder may not be the one of the log. None where all is well.
    async fn is_not_ours(&self, confirm: bool) -> Result<Option<FileFinding>, StoreError> {
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
    pub async fn scan_until_still(&mut self, confirm: bool) -> Result<Report, StoreError> {
        let mut whole = self.scan(confirm).await?;
        while let Some(pause) = whole.look_again_in.filter(|_| whole.suspended.is_none()) {
            tokio::time::sleep(pause).await;
            let next = self.scan(confirm).await?;
            whole.files = next.files;
            whole.published += next.published;
            whole.corrected += next.corrected;
            whole.moved += next.moved;
            whole.restored += next.restored;
            whole.withdrawn += next.withdrawn;
            whole.waiting += next.waiting;
            whole.refused_now = next.refused_now;
            whole.findings.extend(next.findings);
            whole.suspended = next.suspended;
            whole.unsettled = next.unsettled;
            whole.look_again_in = next.look_again_in;
        }
        Ok(whole)
    }

    /// Finds what has changed and what is missing. Touches nothing but its own memory.
    fn compare(
        &mut self,
        observed: &Observed,
        records: &HashMap<String, FileRecord>,
        report: &mut Report,
    ) -> Work {
        let mut work = Work::default();
        let mut settling = HashMap::new();
        let retry = std::mem::take(&mut self.retry_refused);
        for file in &observed.files {
            let unchanged = records.get(&file.path).is_some_and(|record| {
                record.present
                    && !record.seen.hash.is_empty()
                    && (record.seen.size, record.seen.modified) == (file.state.size, file.state.mark)
                    && record.seen.pictures == file.pictures_as_seen()
                    && !(retry && record.refused)
            });
            if unchanged {
                self.missing_pictures.remove(&file.path);
                continue;
            }
            if let Some(left) = self.picture_may_come_back(file, records.get(&file.path)) {
                report.look_again(left);
                continue;
            }
            let since = self.still_since(file);
            let still = since.map_or(HELD_OPEN, |since| since.elapsed());
            match since {
                Some(since) if still < SETTLE => {
                    settling.insert(file.path.clone(), (file.clone(), since));
                    report.wait_for_text(SETTLE - still);
                }
                _ => work.changed.push((file.clone(), still)),
            }
        }
        self.settling = settling;
        work.missing = self.note_missing(observed, records);
        work
    }

    /// Since when a file has been as it is; none where that is too long ago to count.
    fn still_since(&self, file: &ObservedFile) -> Option<Instant> {
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
    fn picture_may_come_back(
        &mut self,
        file: &ObservedFile,
        record: Option<&FileRecord>,
    ) -> Option<Duration> {
        let record = record.filter(|record| record.present)?;
        let here = |path: &str| file.pictures.iter().any(|picture| picture.path == path);
        if picture_paths(&record.seen.pictures).all(here) {
            self.missing_pictures.remove(&file.path);
            return None;
        }
        let since = *self.missing_pictures.entry(file.path.clone()).or_insert_with(Instant::now);
        let left = GRACE.saturating_sub(since.elapsed());
        if left.is_zero() {
            self.missing_pictures.remove(&file.path);
            return None;
        }
        Some(left)
    }

    fn note_missing(&mut self, observed: &Observed, records: &HashMap<String, FileRecord>) -> Vec<String> {
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
    async fn take_in(
        &mut self,
        work: Work,
        observed: &Observed,
        records: &HashMap<String, FileRecord>,
        report: &mut Report,
        said: &mut BTreeMap<String, Vec<FileFinding>>,
    ) -> Result<Vec<String>, StoreError> {
        let mut gone = Gone::new(work.missing, records);
        let changed = self.without_what_is_written(work.changed, report).await;
        let articles = self.read_first(changed, records, report, said).await?;
        let total = articles.len();
        let mut articles = articles.into_iter();
        let (mut done, mut renamed) = (0, BTreeMap::new());
        while articles.len() > 0 {
            let chunk: Vec<_> = articles.by_ref().take(CHUNK).collect();
            done += chunk.len();
            let mut submissions = Vec::new();
            for (file, reading) in self.read_again(chunk).await {
                let record = records.get(&file.file.path);
                let submission = match reading {
                    Some(reading) => self.understand(&file, reading, record, &mut gone, report, said).await?,
                    None => {
                        report.wait_for_text(SETTLE);
                        None
                    }
                };
                if let Some(Submission { origin: Origin::File { seen, renamed_from: Some(old) }, .. }) =
                    &submission
                    && let Some(before) = records.get(old).map(|record| &record.seen)
                    && before.channel != seen.channel
                {
                    renamed.insert(before.channel.clone(), seen.clone());
                }
                submissions.extend(submission);
            }
            self.submit(submissions, report, said).await?;
            if total > CHUNK {
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
        changed: Vec<(ObservedFile, Duration)>,
        report: &mut Report,
    ) -> Vec<(ObservedFile, Duration)> {
        let young: Vec<&ObservedFile> =
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
            report.look_again(SETTLE.min(HELD_OPEN - still));
        }
        free
    }

    /// Looks at the file again later, and knows then for how long it has held still.
    fn keep_settling(&mut self, file: ObservedFile, still: Duration) {
        let since = Instant::now().checked_sub(still).unwrap_or_else(Instant::now);
        self.settling.insert(file.path.clone(), (file, since));
    }

    /// Reads what has changed, and sorts the articles by the stamp that stands in them, then by path; those without
    /// a stamp come last. What turns out to be as it was before, cannot be read, or may not be all there yet, is dealt
    /// with.
    async fn read_first(
        &mut self,
        changed: Vec<(ObservedFile, Duration)>,
        records: &HashMap<String, FileRecord>,
        report: &mut Report,
        said: &mut BTreeMap<String, Vec<FileFinding>>,
    ) -> Result<Vec<Readable>, StoreError> {
        if changed.is_empty() {
            return Ok(Vec::new());
        }
        let keep = changed.len() <= CHUNK;
        let options = self.options.clone();
        let changed: Vec<_> = changed
            .into_iter()
            .map(|(file, still)| {
                let scanned = records.get(&file.path).filter(|record| record.present && !record.refused);
                let scanned = scanned.filter(|record| record.seen.pictures == file.pictures_as_seen());
                (file, still, scanned.map(|record| record.seen.hash.clone()))
            })
            .collect();
        let read = blocking(move || {
            let read = |(file, still, scanned): (ObservedFile, _, Option<String>)| {
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
                    said.entry(file.path.clone()).or_default().push(file_finding(&file.path, &cause));
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
    async fn read_again(&self, files: Vec<Readable>) -> Vec<(Readable, Option<FileReading>)> {
        let options = self.options.clone();
        blocking(move || {
            files
                .into_iter()
                .map(|mut readable| {
                    let reading = readable.reading.take().map(|reading| *reading).or_else(|| {
                        let reading = options.reading(Some(&readable.file.channel));
                        let (hash, bytes) = bytes_of(&options.path, &readable.file).ok()??;
                        Some(FileReading {
                            hash,
                            reading: manuscript::read(name_of(&readable.file.path), &bytes, &reading),
                        })
                    });
                    (readable, reading)
                })
                .collect()
        })
        .await
    }

    /// Turns what was read into a submission, or notes why there is none.
    async fn understand(
        &mut self,
        Readable { file, still, .. }: &Readable,
        file_reading: FileReading,
        record: Option<&FileRecord>,
        gone: &mut Gone,
        report: &mut Report,
        said: &mut BTreeMap<String, Vec<FileFinding>>,
    ) -> Result<Option<Submission>, StoreError> {
        let seen = file.seen(file_reading.hash.clone());
        let findings = said.entry(file.path.clone()).or_default();
        findings.extend(findings_of(&file.path, &file_reading));
        let now = self.store.clock().now();
        let draft = file_reading.reading.draft.filter(|draft| {
            let unfit = unfit(&file.path, draft, &self.options.addresses, now);
            let good = unfit.is_none();
            findings.extend(unfit);
            good
        });
        let Some(mut draft) = draft else {
            said_of(&file.path, self.store.file_refused(seen).await, said)?;
            return Ok(None);
        };
        let (pictures, complaints) = self.keep_pictures(&file.pictures).await?;
        if !complaints.is_empty() && *still < UNFINISHED {
            // A picture may still be on its way, as a text may.
            said.remove(&file.path);
            self.keep_settling(file.clone(), *still);
            report.wait_for_text(UNFINISHED - *still);
            return Ok(None);
        }
        for picture in &file.pictures {
            said.entry(picture.path.clone()).or_default();
        }
        for complaint in complaints {
            said.entry(complaint.path.clone()).or_default().push(complaint);
        }
        draft.article.pictures = pictures;
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
    async fn keep_pictures(
        &self,
        observed: &[ObservedPicture],
    ) -> Result<(Vec<Picture>, Vec<FileFinding>), StoreError> {
        let (mut kept, mut complaints) = (Vec::with_capacity(observed.len()), Vec::new());
        for seen in observed {
            let (root, path) = (self.options.path.clone(), seen.path.clone());
            match blocking(move || picture_of(&root, &path)).await {
                Ok(publishable) => {
                    let Publishable { name, media_type, width, height, bytes } = publishable;
                    let (media_type, size) = (media_type.to_owned(), bytes.len() as u64);
                    let picture = Picture { name, media_type, width, height, size };
                    self.store.keep_picture(&picture, bytes).await?;
                    kept.push(picture);
                }
                Err(finding) => complaints.push(*finding),
            }
        }
        Ok((kept, complaints))
    }

    async fn submission(
        &mut self,
        seen: FileSeen,
        renamed_from: Option<String>,
        draft: Draft,
    ) -> Result<Submission, StoreError> {
        let folder = seen.path.split('/').next().unwrap_or_default();
        self.found_channel(&seen.channel, title_of(folder)).await?;
        let mut channels = vec![seen.channel.clone()];
        for named in &draft.channels {
            let slug = self.options.addresses.channel_named(named);
            if !self.known_channels.iter().any(|(known, _)| *known == slug) {
                let title = Slug::parse(named).is_err().then(|| named.clone());
                self.found_channel(&slug, title).await?;
            }
            channels.push(slug);
        }
        channels.sort();
        channels.dedup();
        let stem = Slug::from_title(stem_of(&seen.path));
        let origin = Origin::File { seen, renamed_from };
        let terms = Terms::default();
        Ok(Submission { article: draft.article, channels, id: draft.id, stem, origin, terms })
    }

    async fn found_channel(&mut self, slug: &Slug, title: Option<String>) -> Result<(), StoreError> {
        let known = (slug.clone(), title);
        if !self.known_channels.contains(&known) {
            self.store.found_channel(&known.0, known.1.as_deref()).await?;
            self.known_channels.insert(known);
        }
        Ok(())
    }

    async fn submit(
        &mut self,
        submissions: Vec<Submission>,
        report: &mut Report,
        said: &mut BTreeMap<String, Vec<FileFinding>>,
    ) -> Result<(), StoreError> {
        let paths: Vec<String> = submissions.iter().map(path_of).collect();
        let answers = self.store.take_in_all(submissions).await;
        for (path, answer) in paths.into_iter().zip(answers) {
            let Some(accepted) = said_of(&path, answer, said)? else { continue };
            report.count(&accepted.verdict);
            said.entry(path.clone()).or_default().extend(verdict_finding(&path, &accepted));
            if matches!(accepted.verdict, Verdict::Moved(_) | Verdict::Corrected(_)) {
                self.retry_refused = true;
                report.look_again(Duration::from_millis(10));
            }
        }
        Ok(())
    }

    /// Withdraws what has been missing for the grace, unless so much is missing that it must be a mishap.
    async fn withdraw_gone(
        &mut self,
        missing: Vec<String>,
        records: &HashMap<String, FileRecord>,
        confirm: bool,
        report: &mut Report,
        said: &mut BTreeMap<String, Vec<FileFinding>>,
    ) -> Result<(), StoreError> {
        let standing = records.values().filter(|record| record.present && record.article.is_some()).count();
        if !confirm && standing >= FEW && missing.len() * 4 > standing {
            let reason = format!(
                "{} of {standing} articles' files are missing; nothing is withdrawn. If they were removed on \
                 purpose, run `bantin scan --confirm`",
                missing.len()
            );
            said.entry(String::new()).or_default().push(FileFinding::about(
                "",
                Severity::Error,
                format!(
                    "thiếu {} trong số {standing} tệp bài viết; chưa rút bài nào. Nếu xóa có chủ ý, chạy \
                     `bantin scan --confirm`",
                    missing.len()
                ),
                reason.clone(),
            ));
            report.suspended = Some(reason);
            self.suspended = true;
            return Ok(());
        }
        self.suspended = false;
        for path in missing {
            let left = self.grace_left(&path);
            if !left.is_zero() {
                report.look_again(left);
                continue;
            }
            self.missing.remove(&path);
            self.retry_refused = true;
            report.look_again(Duration::from_millis(10));
            match said_of(&path, self.store.file_gone(&path).await, said)? {
                Some(Departure::Withdrawn(_)) => report.withdrawn += 1,
                Some(Departure::Moved(_)) => report.moved += 1,
                Some(Departure::Nothing) | None => {}
            }
        }
        Ok(())
    }

    /// Says what is new, and forgets what was said of files that are not to be kept: they are gone.
    fn settle_accounts(
        &mut self,
        report: &mut Report,
        said: BTreeMap<String, Vec<FileFinding>>,
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
        report.refused_now = self.refused_now();
    }

    fn refused_now(&self) -> u64 {
        let refused = |findings: &&Vec<FileFinding>| findings.iter().any(|f| f.severity == Severity::Error);
        self.told.values().filter(refused).count() as u64
    }
}

/// A file that is to be understood.
struct Readable {
    file: ObservedFile,
    /// For how long it has held still.
    still: Duration,
    /// What was read in it; none where there are too many files to keep that.
    reading: Option<Box<FileReading>>,
}

/// What the first reading of a changed file says.
enum First {
    /// It is to be understood; its stamp, where there is one.
    Article(Option<Moment>, Option<Box<FileReading>>),
    /// Its bytes are those that were scanned before, of this hash.
    Known(String),
    /// It may not be all there yet.
    Later(Duration),
    Failed(io::Error),
}

/// `scanned` is the hash under which the same file stands in the log.
fn first_reading(options: &Options, file: &ObservedFile, still: Duration, scanned: Option<&str>) -> First {
    let (hash, bytes) = match bytes_of(&options.path, file) {
        Ok(Some(read)) => read,
        Ok(None) => return First::Later(SETTLE),
        Err(cause) => return First::Failed(cause),
    };
    if scanned == Some(hash.as_str()) {
        return First::Known(hash);
    }
    let name = name_of(&file.path);
    if still < UNFINISHED && may_go_on(name, &bytes) {
        return First::Later(UNFINISHED - still);
    }
    let reading = manuscript::read(name, &bytes, &options.reading(Some(&file.channel)));
    let stamp = reading.draft.as_ref().map(|draft| draft.article.stamp.instant);
    First::Article(stamp, Some(Box::new(FileReading { hash, reading })))
}

/// The bytes of a file that has held still, and their hash; none where it does not any more, or is gone.
fn bytes_of(root: &Path, file: &ObservedFile) -> io::Result<Option<(String, Vec<u8>)>> {
    let read = open_below(root, Path::new(&file.path)).and_then(|opened| read_all(opened, LARGEST));
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
    fn take(&mut self, seen: &FileSeen, by_stem_too: bool) -> Option<String> {
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
) -> Result<Result<T, Box<FileFinding>>, StoreError> {
    match answer {
        Ok(value) => Ok(Ok(value)),
        Err(cause) if cause.is_of_one_write() => Ok(Err(Box::new(FileFinding::about(
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
    said: &mut BTreeMap<String, Vec<FileFinding>>,
) -> Result<Option<T>, StoreError> {
    let answer = noted(path, answer)?;
    Ok(answer.map_err(|finding| said.entry(path.to_owned()).or_default().push(*finding)).ok())
}

/// Changes with everything that a scan depends on in the folder.
fn fingerprint(observed: &Observed) -> u64 {
    let mut hasher = DefaultHasher::new();
    for file in &observed.files {
        (&file.path, &file.state, file.channel.as_str()).hash(&mut hasher);
        for picture in &file.pictures {
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
pub fn reading_of(root: &Path, path: &str, options: &manuscript::Options) -> io::Result<FileReading> {
    let opened = match root.as_os_str().is_empty() {
        true => open_named(Path::new(path))?,
        false => open_below(root, Path::new(path))?,
    };
    let (bytes, _) = read_all(opened, LARGEST)?;
    let hash = hash_of(&bytes);
    Ok(FileReading { hash, reading: manuscript::read(name_of(path), &bytes, options) })
}

/// Names a file's bytes.
pub(super) fn hash_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads a picture and makes of it what is published.
///
/// # Errors
/// A finding that says why it cannot be.
pub(super) fn picture_of(root: &Path, path: &str) -> Result<Publishable, Box<FileFinding>> {
    let bytes =
        open_below(root, Path::new(path)).and_then(|opened| read_all(opened, picture::MOST_BYTES as u64));
    let bytes = bytes.map_err(|cause| {
        let (vietnamese, english) = (
            format!("không đọc được ảnh ({cause}); bài đăng không có ảnh này"),
            format!("the picture cannot be read ({cause}); the article goes without it"),
        );
        Box::new(FileFinding::about(path, Severity::Warning, vietnamese, english))
    })?;
    picture::publishable(bytes.0).map_err(|refused| {
        Box::new(FileFinding::about(path, Severity::Warning, refused.vietnamese(), refused.english()))
    })
}

fn path_of(submission: &Submission) -> String {
    match &submission.origin {
        Origin::File { seen, .. } => seen.path.clone(),
        Origin::Import(_) | Origin::Command(_) => String::new(),
    }
}

pub(super) fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

pub(super) fn stem_of(path: &str) -> &str {
    let name = name_of(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

pub(super) fn verdict_finding(path: &str, accepted: &Accepted) -> Option<FileFinding> {
    let id = &accepted.id;
    match &accepted.verdict {
        Verdict::Conflict { with } => Some(FileFinding::about(
            path,
            Severity::Error,
            format!(
                "trùng bài với {with} (cùng mã {id}) nhưng nội dung khác; sửa cho giống nhau hoặc đổi tên một tệp"
            ),
            format!(
                "is the same article as {with} (id {id}) with another text; make them equal or rename one"
            ),
        )),
        Verdict::StaysWithdrawn => Some(FileFinding::about(
            path,
            Severity::Warning,
            format!(
                "bài {id} đã bị rút bằng lệnh nên không đăng lại; chạy `bantin restore {id}` nếu muốn đăng"
            ),
            format!(
                "the article {id} was withdrawn by command; run `bantin restore {id}` to publish it again"
            ),
        )),
        Verdict::Refused(refusal) => {
            Some(FileFinding::about(path, Severity::Error, refusal.vietnamese(), refusal.english()))
        }
        Verdict::Published(_)
        | Verdict::Corrected(_)
        | Verdict::Moved(_)
        | Verdict::Restored(_)
        | Verdict::Unchanged
        | Verdict::Waiting(_)
        // A file sets no terms.
        | Verdict::Stale(_)
        | Verdict::KeyReused => None,
    }
}

/// Why a draft is not taken in, whatever the log holds.
pub(super) fn unfit(path: &str, draft: &Draft, addresses: &Addresses, now: Moment) -> Option<FileFinding> {
    too_far_ahead(path, draft, now).or_else(|| in_reserved_channel(path, draft, addresses))
}

fn in_reserved_channel(path: &str, draft: &Draft, addresses: &Addresses) -> Option<FileFinding> {
    let named = draft.channels.iter().map(|named| addresses.channel_named(named));
    let slug = named.into_iter().find(|slug| RESERVED.contains(&slug.as_str()))?;
    Some(FileFinding::about(
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
fn folder_renamed(old: &Slug, seen: &FileSeen) -> FileFinding {
    let folder = seen.path.split('/').next().unwrap_or_default();
    let new = &seen.channel;
    let cure = format!("[[channel]] slug = \"{new}\", was = [\"{old}\"]");
    FileFinding::about(
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
fn too_far_ahead(path: &str, draft: &Draft, now: Moment) -> Option<FileFinding> {
    if draft.article.stamp.instant <= now + FURTHEST {
        return None;
    }
    let day = draft.article.stamp.instant.format("%d/%m/%Y");
    let finding = FileFinding::about(
        path,
        Severity::Error,
        format!("ngày đăng {day} còn hơn một năm nữa mới tới; sửa lại ngày"),
        format!("the date {day} is more than a year ahead; correct it"),
    );
    Some(FileFinding { line: draft.lines.stamp, ..finding })
}

pub(super) fn file_finding(path: &str, cause: &io::Error) -> FileFinding {
    FileFinding::about(
        path,
        Severity::Error,
        format!("không đọc được tệp ({cause}); bản đã đăng trước đó vẫn giữ nguyên; kiểm tra quyền truy cập"),
        format!("cannot be read ({cause}); what was published before stays; check its permissions"),
    )
}

fn folder_finding(path: &Path, cause: &io::Error) -> FileFinding {
    let path = path.display();
    FileFinding::about(
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
