//! Decides what a scan has to do: compares what is in the folder with what the store remembers of it.
//!
//! Nothing here does I/O or reads a clock. A file counts once it has been unchanged for a while, and is gone once it
//! has been missing for the grace period; until then it may come back, or turn up under another name.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::iter::Peekable;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use unicode_normalization::UnicodeNormalization as _;

use super::listing::{ListedFile, image_paths};
use super::names::{folder_of, stem_of};
use super::report::ScanReport;
use super::writers::{DEBOUNCE, HELD_OPEN};
use crate::store::{FileRecord, ScannedFile};

/// A file is gone when it has been missing for this long; until then it may have been renamed.
pub(super) const REMOVAL_GRACE: Duration = Duration::from_secs(5);

/// The time of a scan.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    /// For periods between scans.
    pub(super) instant: Instant,
    /// Comparable with the times of files.
    pub(super) clock: SystemTime,
}

impl Moment {
    /// Now.
    pub(super) fn now() -> Self {
        Self { instant: Instant::now(), clock: SystemTime::now() }
    }
}

/// What only time decides. A scanner keeps it for the next scan.
#[derive(Default)]
pub(super) struct Pending {
    /// Files that may still change: as last seen, and since when they have been so.
    settling: HashMap<String, (ListedFile, Instant)>,
    /// Files of articles that are missing, and since when.
    missing: HashMap<String, Instant>,
    /// Articles with a missing image, and since when.
    missing_images: HashMap<String, Instant>,
}

impl Pending {
    /// The files that the next scan must look at, whatever events say.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.settling.keys().chain(self.missing.keys()).chain(self.missing_images.keys()).map(String::as_str)
    }

    /// Keeps a file for the next scan, which then knows for how long it has been unchanged.
    pub(super) fn keep_settling(&mut self, file: ListedFile, unchanged_for: Duration, now: Instant) {
        let since = now.checked_sub(unchanged_for).unwrap_or(now);
        self.settling.insert(file.path.clone(), (file, since));
    }

    /// How long a missing file may still come back.
    pub(super) fn grace_left(&self, path: &str, now: Instant) -> Duration {
        let since = self.missing.get(path).copied().unwrap_or(now);
        REMOVAL_GRACE.saturating_sub(now.saturating_duration_since(since))
    }

    /// True if a file has been missing for the whole grace period.
    pub(super) fn has_expired(&self, now: Instant) -> bool {
        self.missing.keys().any(|path| self.grace_left(path, now).is_zero())
    }

    /// The file was found under another name, or its article was withdrawn.
    pub(super) fn is_no_longer_missing(&mut self, path: &str) {
        self.missing.remove(path);
    }

    /// Nothing can be said about missing files.
    pub(super) fn forget_missing(&mut self) {
        self.missing.clear();
    }
}

/// A file to be read.
pub(super) struct ChangedFile {
    pub(super) file: ListedFile,
    /// How long it has been unchanged.
    pub(super) unchanged_for: Duration,
    /// What the store remembers of it.
    pub(super) record: Option<Box<FileRecord>>,
}

/// What a scan has to do.
#[derive(Default)]
pub(super) struct Plan {
    /// Files that differ from what the store remembers, and have been unchanged for long enough.
    pub(super) changed: Vec<ChangedFile>,
    /// What the store remembers of files that are missing, by path.
    pub(super) missing: Vec<FileRecord>,
}

impl Plan {
    /// The folders in which there is something to do.
    pub(super) fn folders(&self) -> HashSet<String> {
        let changed = self.changed.iter().map(|changed| changed.file.path.as_str());
        let missing = self.missing.iter().map(|record| record.seen.path.as_str());
        changed.chain(missing).map(|path| folder_of(path).to_owned()).collect()
    }
}

/// Makes the plan of one scan.
pub(super) struct Planner {
    before: Pending,
    now: Moment,
    /// True if rejected files are to be read again.
    retry_rejected: bool,
    plan: Plan,
    pending: Pending,
}

impl Planner {
    pub(super) fn new(before: Pending, now: Moment, retry_rejected: bool) -> Self {
        Self { before, now, retry_rejected, plan: Plan::default(), pending: Pending::default() }
    }

    /// Compares files with records, both in the order of their paths. Files that come after the last record are left
    /// in `files`, for the next page of records.
    pub(super) fn compare<I: Iterator<Item = ListedFile>>(
        &mut self,
        files: &mut Peekable<I>,
        records: Vec<FileRecord>,
        is_hidden: impl Fn(&str) -> bool,
        report: &mut ScanReport,
    ) {
        for record in records {
            while let Some(file) = files.next_if(|file| file.path < record.seen.path) {
                self.file(file, None, report);
            }
            match files.next_if(|file| file.path == record.seen.path) {
                Some(file) => self.file(file, Some(record), report),
                None if record.present && !is_hidden(&record.seen.path) => self.missing(record),
                None => {}
            }
        }
    }

    /// A file, and what the store remembers of it.
    pub(super) fn file(&mut self, file: ListedFile, record: Option<FileRecord>, report: &mut ScanReport) {
        if record.as_ref().is_some_and(|record| self.is_unchanged(&file, record)) {
            return;
        }
        if let Some(left) = self.image_may_come_back(&file, record.as_ref()) {
            return report.scan_again_in(left);
        }
        let unchanged_for = self.unchanged_for(&file);
        if unchanged_for < DEBOUNCE {
            self.pending.keep_settling(file, unchanged_for, self.now.instant);
            report.wait_for_file(DEBOUNCE - unchanged_for);
        } else {
            self.plan.changed.push(ChangedFile { file, unchanged_for, record: record.map(Box::new) });
        }
    }

    /// The plan, and what to remember for the next scan.
    pub(super) fn finish(self) -> (Plan, Pending) {
        (self.plan, self.pending)
    }

    fn is_unchanged(&self, file: &ListedFile, record: &FileRecord) -> bool {
        record.present
            && !record.seen.hash.is_empty()
            && (record.seen.size, record.seen.modified) == (file.state.size, file.state.mark)
            && record.seen.pictures == file.image_fingerprint()
            && !(self.retry_rejected && record.rejected)
    }

    fn missing(&mut self, record: FileRecord) {
        let path = &record.seen.path;
        let since = self.before.missing.get(path).copied().unwrap_or(self.now.instant);
        self.pending.missing.insert(path.clone(), since);
        self.plan.missing.push(record);
    }

    /// How long a file has been unchanged, at most [`HELD_OPEN`].
    fn unchanged_for(&self, file: &ListedFile) -> Duration {
        let changed = UNIX_EPOCH + Duration::from_nanos(u64::try_from(file.last_change()).unwrap_or(0));
        match self.now.clock.duration_since(changed) {
            Ok(age) => age.min(HELD_OPEN),
            // The clock that dated the file is wrong. Only comparing two scans helps.
            Err(_) => match self.before.settling.get(&file.path) {
                Some((before, since)) if before == file => self.now.instant.saturating_duration_since(*since),
                _ => Duration::ZERO,
            },
        }
    }

    /// How long to wait for an image that is missing. A file that is rejected or unchanged otherwise waits too.
    fn image_may_come_back(&mut self, file: &ListedFile, record: Option<&FileRecord>) -> Option<Duration> {
        let record = record.filter(|record| record.present)?;
        let present: HashSet<&str> = file.all_images().map(|image| image.path.as_str()).collect();
        if image_paths(&record.seen.pictures).all(|path| present.contains(path)) {
            return None;
        }
        let since = self.before.missing_images.get(&file.path).copied().unwrap_or(self.now.instant);
        let left = REMOVAL_GRACE.saturating_sub(self.now.instant.saturating_duration_since(since));
        if left.is_zero() {
            return None;
        }
        self.pending.missing_images.insert(file.path.clone(), since);
        Some(left)
    }
}

/// Missing files, which may be found again under other names.
pub(super) struct MissingFiles {
    /// The files that were not found.
    pub(super) paths: BTreeSet<String>,
    by_hash: HashMap<String, Vec<String>>,
    /// Stems in NFC.
    by_stem: HashMap<String, Vec<String>>,
}

impl MissingFiles {
    pub(super) fn new(records: Vec<FileRecord>) -> Self {
        let (mut by_hash, mut by_stem) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        let mut paths = BTreeSet::new();
        for ScannedFile { path, hash, .. } in records.into_iter().map(|record| record.seen) {
            by_hash.entry(hash).or_default().push(path.clone());
            by_stem.entry(stem_of(&path).nfc().collect()).or_default().push(path.clone());
            paths.insert(path);
        }
        Self { paths, by_hash, by_stem }
    }

    /// Takes the missing file that was renamed to this new one: the one with equal bytes, otherwise with equal stem.
    pub(super) fn take(&mut self, new: &ScannedFile, by_stem_too: bool) -> Option<String> {
        let stem: String = stem_of(&new.path).nfc().collect();
        let missing = |paths: Option<&Vec<String>>| -> Vec<String> {
            paths.into_iter().flatten().filter(|path| self.paths.contains(*path)).cloned().collect()
        };
        let by_bytes = missing(self.by_hash.get(&new.hash));
        let by_both = by_bytes.iter().find(|path| stem_of(path).nfc().eq(stem.chars())).cloned();
        let by_stem = || missing(self.by_stem.get(&stem).filter(|_| by_stem_too)).into_iter().next();
        let old = by_both.or_else(|| by_bytes.into_iter().next()).or_else(by_stem)?;
        self.paths.remove(&old);
        Some(old)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::listing::FileState;
    use crate::model::{ArticleId, Slug};

    /// Seconds since 1970 at which all files here were last changed.
    const CHANGED: u64 = 1_700_000_000;

    fn file(path: &str) -> ListedFile {
        let changed = i64::try_from(CHANGED * 1_000_000_000).unwrap();
        ListedFile {
            path: path.to_owned(),
            channel: Slug::from_title(folder_of(path)),
            state: FileState { size: 10, mark: 7, changed },
            images: Vec::new(),
            page_images: Vec::new(),
        }
    }

    fn record(path: &str, hash: &str) -> FileRecord {
        let article = Some(ArticleId::new("tag:x.vn,2023:a"));
        FileRecord { seen: file(path).seen(hash.to_owned()), article, present: true, rejected: false }
    }

    /// The plan of a scan `after` seconds after the files were changed, and what it waits for.
    fn plan(
        before: Pending,
        start: Instant,
        after: f64,
        files: &[&str],
        records: &[FileRecord],
    ) -> (Plan, Pending, ScanReport) {
        let after = Duration::from_secs_f64(after);
        let clock = UNIX_EPOCH + Duration::from_secs(CHANGED) + after;
        let mut planner = Planner::new(before, Moment { instant: start + after, clock }, false);
        let mut report = ScanReport::default();
        let mut files = files.iter().map(|path| file(path)).peekable();
        planner.compare(&mut files, records.to_vec(), |path| path.starts_with("hidden/"), &mut report);
        files.for_each(|file| planner.file(file, None, &mut report));
        let (plan, pending) = planner.finish();
        (plan, pending, report)
    }

    fn changed(plan: &Plan) -> Vec<&str> {
        plan.changed.iter().map(|changed| changed.file.path.as_str()).collect()
    }

    #[test]
    fn a_file_counts_as_changed_once_settled_and_a_recorded_one_does_not() {
        let start = Instant::now();
        let records = [record("a/2.txt", "2")];
        let files = ["a/1.txt", "a/2.txt", "b/3.txt"];
        let (early, pending, report) = plan(Pending::default(), start, 0.1, &files, &records);
        assert!(changed(&early).is_empty());
        assert_eq!(report.next_scan_in, Some(Duration::from_millis(200)));
        assert!(report.unsettled);
        let (late, pending, report) = plan(pending, start, 0.4, &files, &records);
        assert_eq!(changed(&late), ["a/1.txt", "b/3.txt"]);
        assert_eq!((report.next_scan_in, pending.paths().count()), (None, 0));
    }

    #[test]
    fn a_file_dated_in_the_future_settles_after_two_scans() {
        let start = Instant::now();
        let (early, pending, _) = plan(Pending::default(), start, 0.0, &["a/1.txt"], &[]);
        assert!(changed(&early).is_empty());
        // The clock was set back by an hour; the time between the scans counts.
        let moment =
            Moment { instant: start + DEBOUNCE, clock: UNIX_EPOCH + Duration::from_secs(CHANGED - 3600) };
        let mut planner = Planner::new(pending, moment, false);
        planner.file(file("a/1.txt"), None, &mut ScanReport::default());
        assert_eq!(changed(&planner.finish().0), ["a/1.txt"]);
    }

    #[test]
    fn a_file_is_missing_for_the_grace_period_unless_it_cannot_be_seen() {
        let start = Instant::now();
        let records = [record("a/1.txt", "1"), record("hidden/2.txt", "2")];
        let (first, pending, _) = plan(Pending::default(), start, 100.0, &[], &records);
        assert_eq!(
            first.missing.iter().map(|record| record.seen.path.as_str()).collect::<Vec<_>>(),
            ["a/1.txt"]
        );
        let (_, pending, _) = plan(pending, start, 104.0, &[], &records);
        assert_eq!(pending.grace_left("a/1.txt", start + Duration::from_secs(104)), Duration::from_secs(1));
        assert!(pending.has_expired(start + Duration::from_secs(105)));
        let (back, pending, _) = plan(pending, start, 105.0, &["a/1.txt"], &records);
        assert!(back.missing.is_empty() && !pending.has_expired(start + Duration::from_secs(200)));
    }

    #[test]
    fn a_missing_file_is_found_by_its_bytes_and_stem_then_by_its_bytes_then_by_its_stem() {
        let missing = || {
            MissingFiles::new(vec![record("a/1.txt", "x"), record("a/2.txt", "x"), record("a/3.txt", "z")])
        };
        let take =
            |path: &str, hash: &str, by_stem| missing().take(&file(path).seen(hash.to_owned()), by_stem);
        assert_eq!(take("b/2.md", "x", true).as_deref(), Some("a/2.txt"));
        assert_eq!(take("a/9.txt", "x", true).as_deref(), Some("a/1.txt"));
        assert_eq!(take("b/3.txt", "new", true).as_deref(), Some("a/3.txt"));
        assert_eq!(take("b/3.txt", "new", false), None);
        let mut twice = missing();
        let new = file("b/3.txt").seen("z".to_owned());
        assert_eq!((twice.take(&new, true).as_deref(), twice.take(&new, true)), (Some("a/3.txt"), None));
    }
}
