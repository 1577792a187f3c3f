//! One scan: what lies in the folder against what the store remembers of it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};
use tokio::time::Instant;
use tracing::info;
use unicode_normalization::UnicodeNormalization as _;

use super::folder::{
    Observed, ObservedFile, ObservedPicture, Trouble, observe, picture_paths, size_and_time,
};
use super::inspect::findings_of;
use super::mark::{Marking, cannot_be_marked, is_of_another_log, mark, mark_of};
use super::{GRACE, Options, SETTLE};
use crate::article::Picture;
use crate::channel::Slug;
use crate::manuscript::{self, Draft, Reading, Severity};
use crate::picture::{self, Publishable};
use crate::store::{
    Accepted, Departure, FileRecord, FileSeen, Origin, Store, StoreError, Submission, Terms, Verdict,
};
use crate::vietnam_time::Moment;

/// So many files are read and submitted together: one flush of the log for all of them.
const CHUNK: usize = 256;
/// A file larger than this is no article.
pub(super) const LARGEST: u64 = 16 << 20;
/// A folder that cannot be listed sends no events; it is looked for so often.
const ABSENT: Duration = Duration::from_secs(2);
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
}

/// What a scan has to do.
#[derive(Default)]
struct Work {
    /// Settled files whose size or time is not that of the last scan.
    changed: Vec<ObservedFile>,
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
        }
    }

    /// Scans once. With `confirm`, files that are missing are withdrawn even where the folder was suddenly
    /// emptied.
    ///
    /// # Errors
    /// Where the store fails; what was accepted before stays accepted, and the next scan goes on.
    pub async fn scan(&mut self, confirm: bool) -> Result<Report, StoreError> {
        let _turn = self.store.scan_turn().await?;
        let mut report = Report::default();
        let mut said: BTreeMap<String, Vec<FileFinding>> = BTreeMap::new();
        let root = self.options.path.clone();
        let addresses = Arc::clone(&self.options.addresses);
        let observed = match blocking(move || observe(&root, &addresses)).await {
            Ok(observed) => observed,
            Err(cause) => {
                self.missing.clear();
                let path = self.options.path.display();
                report.suspended = Some(format!("the folder {path} cannot be listed ({cause})"));
                report.look_again(ABSENT);
                said.insert(String::new(), vec![folder_finding(&self.options.path, &cause)]);
                self.settle_accounts(&mut report, said, None);
                return Ok(report);
            }
        };
        if let Some(finding) = self.is_not_ours(confirm).await? {
            self.missing.clear();
            report.suspended = Some(finding.english.clone());
            report.look_again(ABSENT);
            said.insert(String::new(), vec![finding]);
            self.settle_accounts(&mut report, said, None);
            return Ok(report);
        }
        report.files = observed.files.len() as u64;
        for trouble in &observed.trouble {
            said.entry(trouble.path.clone()).or_default().push(trouble_finding(trouble));
        }
        self.found_channels(&observed).await?;
        let records: HashMap<String, FileRecord> =
            self.store.files().await?.into_iter().map(|record| (record.seen.path.clone(), record)).collect();
        let work = self.compare(&observed, &records, &mut report);
        let gone = self.take_in(work, &records, &mut report, &mut said).await?;
        self.withdraw_gone(gone, &records, confirm, &mut report, &mut said).await?;
        let of_pictures = observed.files.iter().flat_map(|file| &file.pictures).map(|p| p.path.clone());
        let present = observed.files.iter().map(|file| file.path.clone()).chain(of_pictures).collect();
        self.settle_accounts(&mut report, said, Some(&present));
        Ok(report)
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

    async fn found_channels(&mut self, observed: &Observed) -> Result<(), StoreError> {
        for known in &observed.channels {
            if !self.known_channels.contains(known) {
                self.store.found_channel(&known.0, known.1.as_deref()).await?;
                self.known_channels.insert(known.clone());
            }
        }
        Ok(())
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
                    && (record.seen.size, record.seen.modified) == (file.size, file.modified)
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
            match self.settled(file) {
                None => work.changed.push(file.clone()),
                Some(since) => {
                    settling.insert(file.path.clone(), (file.clone(), since));
                    report.unsettled = true;
                    report.look_again(SETTLE.saturating_sub(since.elapsed()).max(Duration::from_millis(10)));
                }
            }
        }
        self.settling = settling;
        work.missing = self.note_missing(observed, records);
        work
    }

    /// None where a file has held still for long enough; otherwise since when it has been as it is.
    fn settled(&self, file: &ObservedFile) -> Option<Instant> {
        let modified = UNIX_EPOCH + Duration::from_nanos(u64::try_from(file.last_change()).unwrap_or(0));
        // A time in the future says nothing: the file's own clock is wrong, and only watching it helps.
        if SystemTime::now().duration_since(modified).is_ok_and(|age| age >= SETTLE) {
            return None;
        }
        let since = match self.settling.get(&file.path) {
            Some((before, since)) if before == file => *since,
            _ => Instant::now(),
        };
        (since.elapsed() < SETTLE).then_some(since)
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
                path.strip_prefix(&trouble.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
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
        records: &HashMap<String, FileRecord>,
        report: &mut Report,
        said: &mut BTreeMap<String, Vec<FileFinding>>,
    ) -> Result<Vec<String>, StoreError> {
        let mut missing = work.missing;
        let total = work.changed.len();
        let changed = self.in_order_of_news(work.changed).await;
        let mut done = 0;
        for chunk in changed.chunks(CHUNK) {
            let mut submissions = Vec::new();
            for (file, reading) in self.read(chunk.to_vec()).await {
                let Some(reading) = reading else {
                    report.unsettled = true;
                    report.look_again(SETTLE);
                    continue;
                };
                match reading {
                    Err(cause) => {
                        said.entry(file.path.clone()).or_default().push(file_finding(&file.path, &cause))
                    }
                    Ok(reading) => {
                        let record = records.get(&file.path);
                        self.understand(file, reading, record, records, &mut missing, said, &mut submissions)
                            .await?;
                    }
                }
            }
            self.submit(submissions, report, said).await?;
            done += chunk.len();
            if total > CHUNK {
                info!(done, total, "taking in the folder");
            }
        }
        Ok(missing)
    }

    /// Turns what was read into a submission, or notes why there is none.
    #[expect(clippy::too_many_arguments, reason = "one step of the loop above, split off for its length")]
    async fn understand(
        &mut self,
        file: ObservedFile,
        file_reading: FileReading,
        record: Option<&FileRecord>,
        records: &HashMap<String, FileRecord>,
        missing: &mut Vec<String>,
        said: &mut BTreeMap<String, Vec<FileFinding>>,
        submissions: &mut Vec<Submission>,
    ) -> Result<(), StoreError> {
        let seen = FileSeen {
            path: file.path.clone(),
            channel: file.channel.clone(),
            hash: file_reading.hash.clone(),
            size: file.size,
            modified: file.modified,
            pictures: file.pictures_as_seen(),
        };
        let same = |record: &FileRecord| {
            record.present
                && !record.refused
                && (&record.seen.hash, &record.seen.pictures) == (&seen.hash, &seen.pictures)
        };
        if record.is_some_and(same) {
            return self.store.file_touched(seen).await;
        }
        let findings = said.entry(file.path.clone()).or_default();
        findings.extend(findings_of(&file.path, &file_reading));
        let now = self.store.clock().now();
        let draft = file_reading.reading.draft.filter(|draft| {
            let too_far = too_far_ahead(&file.path, draft, now);
            let good = too_far.is_none();
            findings.extend(too_far);
            good
        });
        let Some(mut draft) = draft else { return self.store.file_refused(seen).await };
        draft.article.pictures = self.keep_pictures(&file.pictures, said).await?;
        let renamed_from = match record {
            Some(record) if record.present => None,
            // A file of this name was here before; only equal bytes make another file of this one.
            Some(record) if record.article.is_some() => take_renamed(&seen, missing, records, false),
            _ => take_renamed(&seen, missing, records, true),
        };
        if let Some(old) = &renamed_from {
            self.missing.remove(old);
        }
        submissions.push(self.submission(seen, renamed_from, draft).await?);
        Ok(())
    }

    /// Takes the pictures of an article into the store, one at a time, for they may be large. One that cannot
    /// be published costs a complaint, not the article.
    async fn keep_pictures(
        &self,
        observed: &[ObservedPicture],
        said: &mut BTreeMap<String, Vec<FileFinding>>,
    ) -> Result<Vec<Picture>, StoreError> {
        let mut kept = Vec::with_capacity(observed.len());
        for seen in observed {
            let (root, path) = (self.options.path.clone(), seen.path.clone());
            let findings = said.entry(seen.path.clone()).or_default();
            match blocking(move || picture_of(&root, &path)).await {
                Ok(publishable) => {
                    let Publishable { name, media_type, width, height, bytes } = publishable;
                    let (media_type, size) = (media_type.to_owned(), bytes.len() as u64);
                    let picture = Picture { name, media_type, width, height, size };
                    self.store.keep_picture(&picture, bytes).await?;
                    kept.push(picture);
                }
                Err(finding) => findings.push(*finding),
            }
        }
        Ok(kept)
    }

    async fn submission(
        &mut self,
        seen: FileSeen,
        renamed_from: Option<String>,
        draft: Draft,
    ) -> Result<Submission, StoreError> {
        let mut channels = vec![seen.channel.clone()];
        for named in &draft.channels {
            let slug = self.options.addresses.channel_named(named);
            let title = Slug::parse(named).is_err().then(|| named.clone());
            if !self.known_channels.iter().any(|(known, _)| *known == slug) {
                self.store.found_channel(&slug, title.as_deref()).await?;
                self.known_channels.insert((slug.clone(), title));
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

    async fn submit(
        &mut self,
        submissions: Vec<Submission>,
        report: &mut Report,
        said: &mut BTreeMap<String, Vec<FileFinding>>,
    ) -> Result<(), StoreError> {
        let paths: Vec<String> = submissions.iter().map(path_of).collect();
        let answers = self.store.take_in_all(submissions).await;
        for (path, answer) in paths.into_iter().zip(answers) {
            let accepted = answer?;
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
            return Ok(());
        }
        for path in missing {
            let since = self.missing.get(&path).copied().unwrap_or_else(Instant::now);
            let left = GRACE.saturating_sub(since.elapsed());
            if !left.is_zero() {
                report.look_again(left);
                continue;
            }
            self.missing.remove(&path);
            self.retry_refused = true;
            report.look_again(Duration::from_millis(10));
            match self.store.file_gone(&path).await? {
                Departure::Withdrawn(_) => report.withdrawn += 1,
                Departure::Moved(_) => report.moved += 1,
                Departure::Nothing => {}
            }
        }
        Ok(())
    }

    /// Says what is new, and forgets what was said of files that are gone; of none where nobody could look.
    fn settle_accounts(
        &mut self,
        report: &mut Report,
        said: BTreeMap<String, Vec<FileFinding>>,
        present: Option<&HashSet<String>>,
    ) {
        self.told.retain(|path, _| {
            present.is_none_or(|present| present.contains(path)) || said.contains_key(path)
        });
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
        let refused = |findings: &&Vec<FileFinding>| findings.iter().any(|f| f.severity == Severity::Error);
        report.refused_now = self.told.values().filter(refused).count() as u64;
    }

    /// Sorts new files by the stamp that stands in them, then by path. Files that cannot be read come last.
    async fn in_order_of_news(&self, files: Vec<ObservedFile>) -> Vec<ObservedFile> {
        if files.len() < 2 {
            return files;
        }
        let options = self.options.clone();
        blocking(move || {
            let stamp = |file: &ObservedFile| -> Option<Moment> {
                let bytes = fs::read(options.path.join(&file.path)).ok()?;
                let reading = options.reading(Some(&file.channel));
                let draft = manuscript::read(name_of(&file.path), &bytes, &reading).draft?;
                Some(draft.article.stamp.instant)
            };
            let mut dated: Vec<_> = files.into_iter().map(|file| (stamp(&file), file)).collect();
            dated.sort_by(|(a, one), (b, other)| {
                a.is_none().cmp(&b.is_none()).then(a.cmp(b)).then_with(|| one.path.cmp(&other.path))
            });
            dated.into_iter().map(|(_, file)| file).collect()
        })
        .await
    }

    /// Reads files where blocking is allowed. None for a file that changed while it was read.
    async fn read(
        &self,
        files: Vec<ObservedFile>,
    ) -> Vec<(ObservedFile, Option<Result<FileReading, io::Error>>)> {
        let options = self.options.clone();
        blocking(move || {
            files
                .into_iter()
                .map(|file| {
                    let reading = read_still(&options, &file);
                    (file, reading)
                })
                .collect()
        })
        .await
    }
}

/// Reads and understands one file.
///
/// # Errors
/// Where it cannot be read, or is too large to be an article.
pub fn reading_of(root: &Path, path: &str, options: &manuscript::Options) -> io::Result<FileReading> {
    let whole: PathBuf = root.join(path);
    if fs::metadata(&whole)?.len() > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 16 MiB"));
    }
    let bytes = fs::read(whole)?;
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
    let whole = root.join(path);
    let bytes = fs::metadata(&whole).and_then(|metadata| {
        if metadata.len() > picture::MOST_BYTES as u64 {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        fs::read(&whole)
    });
    let bytes = bytes.map_err(|cause| {
        let (vietnamese, english) = (
            format!("không đọc được ảnh ({cause}); bài đăng không có ảnh này"),
            format!("the picture cannot be read ({cause}); the article goes without it"),
        );
        Box::new(FileFinding::about(path, Severity::Warning, vietnamese, english))
    })?;
    picture::publishable(bytes).map_err(|refused| {
        Box::new(FileFinding::about(path, Severity::Warning, refused.vietnamese(), refused.english()))
    })
}

/// Reads a file that has held still, and makes sure that it still does.
fn read_still(options: &Options, file: &ObservedFile) -> Option<Result<FileReading, io::Error>> {
    let reading = reading_of(&options.path, &file.path, &options.reading(Some(&file.channel)));
    match fs::metadata(options.path.join(&file.path)) {
        Ok(metadata) if size_and_time(&metadata) == (file.size, file.modified) => Some(reading),
        Ok(_) => None,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => None,
        Err(cause) => Some(Err(cause)),
    }
}

/// The missing file that is this new one under another name: by equal bytes, else by equal stem.
fn take_renamed(
    seen: &FileSeen,
    missing: &mut Vec<String>,
    records: &HashMap<String, FileRecord>,
    by_stem_too: bool,
) -> Option<String> {
    let stem: String = stem_of(&seen.path).nfc().collect();
    let by_bytes = |path: &String| records.get(path).is_some_and(|record| record.seen.hash == seen.hash);
    let by_stem = |path: &String| by_stem_too && stem_of(path).nfc().eq(stem.chars());
    let position = missing.iter().position(by_bytes).or_else(|| missing.iter().position(by_stem))?;
    Some(missing.remove(position))
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

/// The complaint about a stamp that is a slip of the pen.
pub(super) fn too_far_ahead(path: &str, draft: &Draft, now: Moment) -> Option<FileFinding> {
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

pub(super) fn trouble_finding(trouble: &Trouble) -> FileFinding {
    let severity = if trouble.hides_files { Severity::Error } else { Severity::Warning };
    FileFinding::about(&trouble.path, severity, trouble.vietnamese.clone(), trouble.english.clone())
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
