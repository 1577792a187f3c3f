//! One scan: lists the folder, plans, reads what has changed, and submits it to the store.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tracing::info;
use unicode_normalization::UnicodeNormalization as _;

use super::article_file::unreadable_file;
use super::aside::{Aside, ReadFile};
use super::copies::{CopiesAtOnce, put_images};
use super::diagnostic::{FileDiagnostic, Findings};
use super::error_file;
use super::listing::{FolderListing, Groups, ListedFile, list_folder, list_groups};
use super::mark::{cannot_be_marked, is_of_another_log, mark, mark_of};
use super::names::{folder_of, stem_of};
use super::options::{IngestOptions, Marking};
use super::parallel::blocking;
use super::pictures::{ArticleImage, images_of, read_image, to_store};
use super::plan::{ChangedFile, MissingFiles, Moment, Pending, Plan, Planner};
use super::reading::{FirstReading, ReadableFile, contents_of, read_changed};
use super::report::{Reported, ScanReport};
use super::submission::{KnownChannels, of_one_file, outcome_diagnostic, prepare_all, unfit};
use super::writers::{DEBOUNCE, HELD_OPEN, UNFINISHED, open_for_writing};
use crate::model::{Image, Slug};
use crate::parse::Severity;
use crate::store::{
    LeftChannel, LogPosition, MAX_BATCH, PendingSubmissions, PreparedSubmission, Source, Store, StoreError,
    Submission, SubmitOutcome,
};

/// Files that are submitted together: at most [`MAX_BATCH`], and not much more than this many bytes.
const BATCH_BYTES: u64 = 16 << 20;
/// Images that are stored together, in bytes.
const IMAGE_BATCH_BYTES: usize = 8 << 20;
/// Records that are read together.
const RECORDS_PER_PAGE: u32 = 4096;
/// If more than a quarter of at least this many articles is missing, the folder was emptied by accident.
const MASS_REMOVAL_THRESHOLD: u64 = 8;
/// How soon to look again for a folder that cannot be listed: it sends no events.
pub(super) const ABSENT: Duration = Duration::from_secs(2);
/// How soon to look again after a change that may affect other files.
const SOON: Duration = Duration::from_millis(10);

/// Scans the articles folder. Between scans it remembers what is settling, what is missing and what was reported.
pub struct Scanner {
    store: Store,
    options: IngestOptions,
    pending: Pending,
    /// None before the first scan.
    reported: Option<Reported>,
    channels: KnownChannels,
    /// True if rejected files are to be read again: at the start, and after others came or went.
    retry_rejected: bool,
    /// True if the last scan took missing files for an accident.
    suspended: bool,
    /// The copies of images that this scan may still make.
    copies_at_once: CopiesAtOnce,
    /// Files that are open for writing, as far as events say.
    written: HashSet<String>,
    /// Channel folders in which a scan found nothing to do, with their fingerprints; and the log at that time.
    quiet: (HashMap<String, u64>, LogPosition),
}

impl Scanner {
    /// A scanner that has not seen the folder yet.
    pub fn new(store: Store, options: IngestOptions) -> Self {
        Self {
            store,
            options,
            pending: Pending::default(),
            reported: None,
            channels: KnownChannels::default(),
            retry_rejected: true,
            suspended: false,
            copies_at_once: CopiesAtOnce::default(),
            written: HashSet::new(),
            quiet: Default::default(),
        }
    }

    /// Scans until only time or the author can change anything: for commands, which do not come back.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn scan_until_stable(&mut self, confirm: bool) -> Result<ScanReport, StoreError> {
        let mut report = self.scan(confirm).await?;
        while let Some(pause) = report.next_scan_in.filter(|_| report.suspended_reason.is_none()) {
            tokio::time::sleep(pause).await;
            report = report.followed_by(self.scan(confirm).await?);
        }
        Ok(report)
    }

    /// Scans the whole folder once. With `confirm`, missing files are withdrawn even if the folder was suddenly
    /// emptied, and the folder may get the marker of this log.
    ///
    /// # Errors
    /// If the store fails. What was accepted before stays accepted, and the next scan continues.
    pub(super) async fn scan(&mut self, confirm: bool) -> Result<ScanReport, StoreError> {
        self.scan_part(None, confirm).await
    }

    /// Scans the files at these paths and the files that belong to them if that is enough, otherwise the whole
    /// folder. The cost depends on these files, and on the number of names in their folders.
    ///
    /// # Errors
    /// As [`Scanner::scan`].
    pub(super) async fn scan_touched(
        &mut self,
        touched: &BTreeSet<String>,
    ) -> Result<ScanReport, StoreError> {
        // Whether the folder was emptied by accident depends on the whole folder.
        if !self.suspended && self.pending.has_expired(Moment::now().instant) {
            return self.scan(false).await;
        }
        let mut groups = Groups::default();
        touched.iter().map(String::as_str).chain(self.pending.paths()).for_each(|path| groups.add(path));
        if self.retry_rejected {
            self.store.refused_files().await?.iter().for_each(|path| groups.add(path));
        }
        self.scan_part(Some(groups), false).await
    }

    /// Tells which files are open for writing, as far as events say.
    pub(super) fn note_written(&mut self, written: HashSet<String>) {
        self.written = written;
    }

    async fn scan_part(&mut self, part: Option<Groups>, confirm: bool) -> Result<ScanReport, StoreError> {
        let turn = self.store.scan_turn().await?;
        let result = tokio::select! {
            result = self.scan_and_record(part, confirm) => result,
            cause = turn.lost() => Err(cause),
        };
        turn.end().await;
        result
    }

    /// Scans, and stores what was found.
    async fn scan_and_record(
        &mut self,
        part: Option<Groups>,
        confirm: bool,
    ) -> Result<ScanReport, StoreError> {
        let mut reported = match self.reported.take() {
            Some(reported) => reported,
            None => Reported::stored(self.store.findings().await?),
        };
        let result = self.scan_in_turn(part, confirm, &mut reported).await;
        let stored = self.record(&mut reported).await;
        self.reported = Some(reported);
        let report = result?;
        stored.map(|()| report)
    }

    /// Stores what is new, for the API, the editing pages and other processes.
    async fn record(&self, reported: &mut Reported) -> Result<(), StoreError> {
        let addresses = &self.options.addresses;
        let channel_of = |path: &str| path.contains('/').then(|| addresses.resolve_channel(folder_of(path)));
        let unsaved = reported.unsaved(self.store.clock().now(), channel_of);
        if self.options.error_files {
            for folder in reported.changed_folders() {
                let text = error_file::text(reported.in_folder(&folder));
                let root = self.options.path.clone();
                blocking(move || error_file::write(&root, &folder, text)).await;
            }
        }
        if unsaved.is_empty() {
            return Ok(());
        }
        self.store.record_findings(unsaved).await?;
        reported.saved();
        Ok(())
    }

    async fn scan_in_turn(
        &mut self,
        part: Option<Groups>,
        confirm: bool,
        reported: &mut Reported,
    ) -> Result<ScanReport, StoreError> {
        let now = Moment::now();
        self.copies_at_once = CopiesAtOnce::default();
        let mut report = ScanReport::default();
        let listing = match self.list(part.clone()).await {
            Ok(listing) => listing,
            Err(cause) => {
                let folder = self.options.path.display();
                let reason = format!("the folder {folder} cannot be listed ({cause})");
                let finding = FileDiagnostic::new(
                    "",
                    Severity::Error,
                    format!(
                        "Không mở được thư mục bài viết {folder} ({cause}). Chưa gỡ bài nào. Hãy kiểm tra [folder] path."
                    ),
                    format!(
                        "the articles folder {folder} cannot be listed ({cause}); nothing is withdrawn; check \
                         [folder] path"
                    ),
                );
                return Ok(self.suspend(report, reported, reason, finding));
            }
        };
        if let Some(finding) = self.check_log_marker(confirm).await? {
            return Ok(self.suspend(report, reported, finding.message.english.clone(), finding));
        }
        report.files = listing.file_count;
        let paths = listing.files.iter().flat_map(ListedFile::paths);
        let seen: HashSet<String> = paths.filter(|path| reported.contains(path)).map(str::to_owned).collect();
        let mut findings = Findings::after(seen.clone());
        listing.issues.iter().for_each(|issue| findings.add(issue.finding.clone()));
        let (plan, FolderListing { channels, fingerprints, unchanged, .. }) =
            self.plan(listing, part.as_ref(), now, &mut report).await?;
        report.looking = now.instant.elapsed();
        let mut busy = plan.folders();
        let standing =
            if plan.missing.is_empty() { 0 } else { self.store.count_articles_with_files().await? };
        let missing = self.submit_changed(plan, &mut report, &mut findings).await?;
        if part.is_none() || report.moved > 0 {
            self.find_renamed_folders(&channels, &mut findings).await?;
        }
        match &part {
            None => self.withdraw_missing(missing, standing, confirm, &mut report, &mut findings).await?,
            Some(_) => {
                let left = |path: &String| self.pending.grace_left(path, now.instant);
                missing.iter().for_each(|path| report.scan_again_in(left(path)));
            }
        }
        reported.report(&mut report, findings, |path| match &part {
            None => seen.contains(path) || unchanged.contains(folder_of(path)),
            Some(groups) => seen.contains(path) || !groups.contains(path),
        });
        busy.extend(self.pending.paths().map(|path| folder_of(path).to_owned()));
        let quiet = fingerprints.into_iter().filter(|(folder, _)| !busy.contains(folder));
        match part.is_none() {
            true => self.quiet.0 = quiet.collect(),
            false => self.quiet.0.retain(|folder, _| !busy.contains(folder)),
        }
        self.quiet.1 = self.log_position();
        Ok(report)
    }

    /// Lists the whole folder, or a part of it.
    async fn list(&mut self, part: Option<Groups>) -> std::io::Result<FolderListing> {
        // Another process may have written what is in the folder, or something else.
        if self.retry_rejected || self.quiet.1 != self.log_position() {
            self.quiet.0.clear();
        }
        let (root, addresses) = (self.options.path.clone(), Arc::clone(&self.options.addresses));
        let quiet = if part.is_none() { self.quiet.0.clone() } else { HashMap::new() };
        blocking(move || match &part {
            Some(groups) => list_groups(&root, &addresses, groups),
            None => list_folder(&root, &addresses, &quiet),
        })
        .await
    }

    fn log_position(&self) -> LogPosition {
        *self.store.subscribe().borrow()
    }

    /// Compares the listing with what the store remembers. Returns the plan, and the listing without its files.
    async fn plan(
        &mut self,
        mut listing: FolderListing,
        part: Option<&Groups>,
        now: Moment,
        report: &mut ScanReport,
    ) -> Result<(Plan, FolderListing), StoreError> {
        let retry = std::mem::take(&mut self.retry_rejected);
        let mut planner = Planner::new(std::mem::take(&mut self.pending), now, retry);
        let mut files = std::mem::take(&mut listing.files).into_iter().peekable();
        let hidden = |path: &str| listing.hides(path);
        match part {
            Some(groups) => {
                let listed = files.clone().map(|file| file.path);
                let paths: BTreeSet<String> = groups.paths().chain(listed).collect();
                let records = self.store.files_at(&paths.into_iter().collect::<Vec<_>>()).await?;
                planner.compare(&mut files, records, hidden, report);
            }
            None => {
                // Only these folders have records.
                for folder in self.store.file_folders().await? {
                    if listing.unchanged.contains(&folder) {
                        continue;
                    }
                    let mut last = String::new();
                    loop {
                        let page = self.store.files_in(&folder, &last, RECORDS_PER_PAGE).await?;
                        let Some(record) = page.last() else { break };
                        last.clone_from(&record.seen.path);
                        planner.compare(&mut files, page, hidden, report);
                    }
                }
            }
        }
        files.for_each(|file| planner.file(file, None, report));
        let (plan, pending) = planner.finish();
        self.pending = pending;
        Ok((plan, listing))
    }

    /// Ends the scan: nothing is submitted and nothing is withdrawn.
    fn suspend(
        &mut self,
        mut report: ScanReport,
        reported: &mut Reported,
        reason: String,
        finding: FileDiagnostic,
    ) -> ScanReport {
        self.pending.forget_missing();
        self.quiet.0.clear();
        report.suspended_reason = Some(reason);
        report.scan_again_in(ABSENT);
        let mut findings = Findings::default();
        findings.add(finding);
        reported.report(&mut report, findings, |_| true);
        report
    }

    /// Why this folder may not be the one of the log; `None` if it is.
    async fn check_log_marker(&self, confirm: bool) -> Result<Option<FileDiagnostic>, StoreError> {
        let (folder, log) = (self.options.path.clone(), self.store.log_id().to_owned());
        let found = blocking(move || mark_of(&folder)).await;
        let may_be_marked = match &found {
            _ if self.options.marking == Marking::None => return Ok(None),
            Some(mark) if *mark == log => return Ok(None),
            Some(_) => confirm || self.options.marking == Marking::Renewed,
            // Old versions set no markers for logs in a file. A log that has never seen a file may get any folder.
            None => confirm || !self.store.is_shared() || self.store.file_folders().await?.is_empty(),
        };
        if !may_be_marked {
            return Ok(Some(is_of_another_log(&self.options.path, found.is_some())));
        }
        let folder = self.options.path.clone();
        match blocking(move || mark(&folder, &log)).await {
            // A folder that cannot be written has no marker.
            Err(cause) if self.store.is_shared() || found.is_some() => {
                Ok(Some(cannot_be_marked(&self.options.path, self.store.log_id(), &cause)))
            }
            _ => Ok(None),
        }
    }

    /// Reads and submits what has changed, the earliest publication date first. Returns the missing files that were
    /// not found under another name.
    async fn submit_changed(
        &mut self,
        plan: Plan,
        report: &mut ScanReport,
        findings: &mut Findings,
    ) -> Result<BTreeSet<String>, StoreError> {
        let mut missing = MissingFiles::new(plan.missing);
        let changed = self.without_written(plan.changed, report).await;
        let aside = Arc::new(Aside::new(self.store.folder().as_deref()));
        let files = self.read(changed, &aside, report, findings).await?;
        let total = files.len();
        let mut files = files.into_iter();
        let mut next_batch = || next_batch(&mut files);
        let options = Arc::new(self.options.clone());
        let parse = |batch: Vec<ReadableFile>| {
            let (options, aside) = (Arc::clone(&options), Arc::clone(&aside));
            tokio::task::spawn_blocking(move || contents_of(&options, &aside, batch))
        };
        let mut done = 0;
        let mut parsing = parse(next_batch());
        let mut writing = None;
        loop {
            let batch =
                parsing.await.unwrap_or_else(|failure| std::panic::resume_unwind(failure.into_panic()));
            if batch.is_empty() {
                break;
            }
            // While a batch is written, the next one is prepared and the one after it is parsed.
            parsing = parse(next_batch());
            done += batch.len();
            let submissions = self.prepare(batch, &mut missing, report, findings).await?;
            let prepared = blocking(move || prepare_all(submissions)).await?;
            if let Some(written) = writing.replace(WrittenBatch::start(&self.store, prepared)) {
                self.finish_batch(written, report, findings).await?;
            }
            if total > MAX_BATCH {
                info!(done, total, "reading the articles folder");
            }
        }
        if let Some(written) = writing {
            self.finish_batch(written, report, findings).await?;
        }
        Ok(missing.paths)
    }

    /// Reports the channels whose folder probably has another name now, until the configuration says so. `channels` have
    /// a folder.
    async fn find_renamed_folders(
        &self,
        channels: &BTreeSet<Slug>,
        findings: &mut Findings,
    ) -> Result<(), StoreError> {
        for left in self.store.left_channels().await? {
            let is_renamed = self.options.addresses.current_slug(left.channel.clone()) != left.channel;
            if !is_renamed && !channels.contains(&left.channel) {
                findings.add(folder_renamed(&left));
            }
        }
        Ok(())
    }

    /// Puts aside the files that are open for writing, up to a limit of time.
    async fn without_written(
        &mut self,
        changed: Vec<ChangedFile>,
        report: &mut ScanReport,
    ) -> Vec<ChangedFile> {
        let young = changed.iter().filter(|changed| changed.unchanged_for < HELD_OPEN);
        let paths: Vec<String> = young.flat_map(|changed| changed.file.paths()).map(str::to_owned).collect();
        if paths.is_empty() {
            return changed;
        }
        let root = self.options.path.clone();
        let open = blocking(move || {
            let Ok(root) = root.canonicalize() else { return HashSet::new() };
            open_for_writing(&paths.iter().map(|path| root.join(path)).collect())
                .iter()
                .filter_map(|path| Some(path.strip_prefix(&root).ok()?.to_str()?.to_owned()))
                .collect()
        });
        let open: HashSet<String> = open.await;
        let (written, closed): (Vec<_>, Vec<_>) = changed.into_iter().partition(|changed| {
            let is_open = |path: &str| open.contains(path) || self.written.contains(path);
            changed.unchanged_for < HELD_OPEN && changed.file.paths().any(is_open)
        });
        for ChangedFile { file, unchanged_for, .. } in written {
            report.scan_again_in(DEBOUNCE.min(HELD_OPEN - unchanged_for));
            self.keep_settling(file, unchanged_for);
        }
        closed
    }

    fn keep_settling(&mut self, file: ListedFile, unchanged_for: Duration) {
        self.pending.keep_settling(file, unchanged_for, Moment::now().instant);
    }

    /// Reads what has changed. Deals with files that have the same bytes as before, are incomplete or unreadable, and
    /// returns the others.
    async fn read(
        &mut self,
        changed: Vec<ChangedFile>,
        aside: &Arc<Aside>,
        report: &mut ScanReport,
        findings: &mut Findings,
    ) -> Result<Vec<ReadableFile>, StoreError> {
        if changed.is_empty() {
            return Ok(Vec::new());
        }
        let (options, aside) = (self.options.clone(), Arc::clone(aside));
        let read = blocking(move || read_changed(&options, &aside, changed));
        let FirstReading { readable, same_bytes, unfinished, unreadable } = read.await;
        for (file, unchanged_for, pause) in unfinished {
            self.keep_settling(file, unchanged_for);
            report.wait_for_file(pause);
        }
        for (file, cause) in unreadable {
            findings.add(unreadable_file(&file.path, &cause));
        }
        self.store
            .files_touched(same_bytes.into_iter().map(|(file, hash)| file.seen(hash)).collect())
            .await?;
        Ok(readable)
    }

    /// Turns parsed files into submissions, and records those that are rejected.
    async fn prepare(
        &mut self,
        batch: Vec<(ReadableFile, Option<ReadFile>)>,
        missing: &mut MissingFiles,
        report: &mut ScanReport,
        findings: &mut Findings,
    ) -> Result<Vec<(String, Submission)>, StoreError> {
        let (mut submissions, mut rejected) = (Vec::with_capacity(batch.len()), Vec::new());
        let mut image_batch = ImageBatch::default();
        let now = self.store.clock().now();
        for (file, parsed) in batch {
            let Some(parsed) = parsed else {
                report.wait_for_file(DEBOUNCE);
                continue;
            };
            let ReadableFile { file, unchanged_for, record, .. } = file;
            let seen = file.seen(parsed.hash.clone());
            let mut of_file = parsed.findings;
            let draft = parsed.draft.filter(|draft| {
                let unfit = unfit(&file.path, draft, &self.options.addresses, now);
                let is_fit = unfit.is_none();
                of_file.extend(unfit);
                is_fit
            });
            let Some(mut draft) = draft else {
                findings.examined(&file.path, of_file);
                rejected.push(seen);
                continue;
            };
            let beside = file.images.iter().map(|image| image.path.as_str());
            let images = images_of(&file.path, &draft, beside);
            let (images, complaints) = self.read_images(images, &mut image_batch).await?;
            if !complaints.is_empty() && unchanged_for < UNFINISHED {
                // An image may be incomplete too.
                self.keep_settling(file, unchanged_for);
                report.wait_for_file(UNFINISHED - unchanged_for);
                continue;
            }
            findings.examined(&file.path, of_file);
            for image in &file.images {
                findings.examined(&image.path, None);
            }
            complaints.into_iter().for_each(|complaint| findings.add(complaint));
            draft.article.images = images;
            let renamed_from = match record {
                Some(record) if record.present => None,
                // A file of this name was here before: only equal bytes make it another one.
                Some(record) if record.article.is_some() => missing.take(&seen, false),
                _ => missing.take(&seen, true),
            };
            if let Some(old) = &renamed_from {
                self.pending.is_no_longer_missing(old);
            }
            let home = (seen.channel.clone(), title_of(folder_of(&seen.path)));
            let stem = stem_of(&file.path);
            let source = (stem, Source::File { seen, renamed_from });
            let addresses = &self.options.addresses;
            let submission = self.channels.submission(&self.store, addresses, draft, home, source).await;
            match of_one_file(&file.path, submission)? {
                Ok(submission) => submissions.push((file.path, submission)),
                Err(finding) => findings.add(*finding),
            }
        }
        image_batch.store(&self.store, &mut self.copies_at_once).await?;
        let paths: Vec<String> = rejected.iter().map(|seen| seen.path.clone()).collect();
        for (path, answer) in paths.iter().zip(self.store.files_rejected(rejected).await) {
            if let Err(finding) = of_one_file(path, answer)? {
                findings.add(*finding);
            }
        }
        Ok(submissions)
    }

    /// Reads the images of an article. One that cannot be published costs a diagnostic, not the article.
    async fn read_images(
        &mut self,
        sources: Vec<ArticleImage>,
        batch: &mut ImageBatch,
    ) -> Result<(Vec<Image>, Vec<FileDiagnostic>), StoreError> {
        let (mut images, mut complaints) = (Vec::<Image>::with_capacity(sources.len()), Vec::new());
        // An image that was also saved next to its document is published once.
        let may_repeat = sources.iter().any(|source| matches!(source, ArticleImage::Inside(..)));
        for source in sources {
            let root = self.options.path.clone();
            match blocking(move || read_image(&root, &source)).await {
                Ok(stripped) if may_repeat && images.iter().any(|known| known.name == stripped.name) => {}
                Ok(stripped) => {
                    let (image, bytes) = to_store(stripped);
                    images.push(image.clone());
                    batch.bytes += bytes.len();
                    batch.images.push((image, bytes));
                }
                Err(finding) => complaints.push(*finding),
            }
            if batch.bytes >= IMAGE_BATCH_BYTES {
                batch.store(&self.store, &mut self.copies_at_once).await?;
            }
        }
        Ok((images, complaints))
    }

    /// Waits until a batch is written, and reports what became of it.
    async fn finish_batch(
        &mut self,
        batch: WrittenBatch,
        report: &mut ScanReport,
        findings: &mut Findings,
    ) -> Result<(), StoreError> {
        for (path, answer) in batch.paths.iter().zip(batch.pending.committed().await) {
            let result = match of_one_file(path, answer)? {
                Ok(result) => result,
                Err(finding) => {
                    findings.add(*finding);
                    continue;
                }
            };
            report.count(&result.outcome);
            findings.examined(path, outcome_diagnostic(path, &result));
            if matches!(result.outcome, SubmitOutcome::Moved(_) | SubmitOutcome::Corrected(_)) {
                self.retry_rejected = true;
                report.scan_again_in(SOON);
            }
        }
        Ok(())
    }

    /// Withdraws what has been missing for the grace period, unless so much is missing that it must be an accident.
    /// `standing` is the number of articles with a file, before this scan.
    async fn withdraw_missing(
        &mut self,
        missing: BTreeSet<String>,
        standing: u64,
        confirm: bool,
        report: &mut ScanReport,
        findings: &mut Findings,
    ) -> Result<(), StoreError> {
        let count = missing.len();
        self.suspended = !confirm && standing >= MASS_REMOVAL_THRESHOLD && count as u64 * 4 > standing;
        if self.suspended {
            let reason = format!(
                "{count} of {standing} articles' files are missing; nothing is withdrawn. If they were removed on \
                 purpose, run `bantin scan --confirm`"
            );
            findings.add(FileDiagnostic::new(
                "",
                Severity::Error,
                format!(
                    "Thiếu {count} trong số {standing} tệp bài viết. Chưa gỡ bài nào. Nếu xóa có chủ ý, hãy chạy \
                     `bantin scan --confirm`."
                ),
                reason.clone(),
            ));
            report.suspended_reason = Some(reason);
            return Ok(());
        }
        let now = Moment::now().instant;
        let (gone, waiting): (Vec<_>, Vec<_>) =
            missing.into_iter().partition(|path| self.pending.grace_left(path, now).is_zero());
        waiting.iter().for_each(|path| report.scan_again_in(self.pending.grace_left(path, now)));
        for (path, answer) in gone.iter().zip(self.store.files_removed(&gone).await) {
            self.pending.is_no_longer_missing(path);
            self.retry_rejected = true;
            report.scan_again_in(SOON);
            match of_one_file(path, answer)? {
                Ok(outcome) => report.count_removal(&outcome),
                Err(finding) => findings.add(*finding),
            }
        }
        Ok(())
    }
}

/// Submissions that are being written, and the paths of their files.
struct WrittenBatch {
    paths: Vec<String>,
    pending: PendingSubmissions,
}

impl WrittenBatch {
    fn start(store: &Store, submissions: Vec<(String, PreparedSubmission)>) -> Self {
        let (paths, submissions) = submissions.into_iter().unzip();
        Self { paths, pending: store.start_submitting(submissions) }
    }
}

/// Images that are stored together: few bytes, because images may be large.
#[derive(Default)]
struct ImageBatch {
    images: Vec<(Image, Vec<u8>)>,
    bytes: usize,
}

impl ImageBatch {
    async fn store(&mut self, store: &Store, at_once: &mut CopiesAtOnce) -> Result<(), StoreError> {
        self.bytes = 0;
        put_images(store, std::mem::take(&mut self.images), at_once).await
    }
}

/// The next files that are submitted together; none at the end.
fn next_batch(files: &mut impl Iterator<Item = ReadableFile>) -> Vec<ReadableFile> {
    let mut bytes = 0;
    let mut batch = Vec::new();
    while batch.len() < MAX_BATCH
        && bytes < BATCH_BYTES
        && let Some(file) = files.next()
    {
        bytes += file.file.state.size;
        batch.push(file);
    }
    batch
}

/// The title that a folder's name gives to its channel; `None` if it is a slug.
fn title_of(folder: &str) -> Option<String> {
    (Slug::from_title(folder).as_str() != folder).then(|| folder.nfc().collect())
}

/// What to do if all files of a channel's folder are now in a folder with another name.
fn folder_renamed(left: &LeftChannel) -> FileDiagnostic {
    let LeftChannel { channel: old, now: new, path } = left;
    let folder = folder_of(path);
    let config = format!("[[channel]] slug = \"{new}\", was = [\"{old}\"]");
    FileDiagnostic::new(
        folder,
        Severity::Warning,
        format!(
            "Thư mục `{folder}` có vẻ là thư mục của chuyên mục `{old}` đã đổi tên: các bài đã chuyển sang `{new}`. Hãy \
             thêm vào cấu hình {config} để địa chỉ cũ dẫn sang địa chỉ mới. Nếu bỏ hẳn chuyên mục cũ, hãy ghi cho \
             `{old}`: gone = true."
        ),
        format!(
            "the folder `{folder}` seems to be the renamed folder of the channel `{old}`: its articles have moved to \
             `{new}`. Add {config} to the config, so that old URLs redirect to the new ones. If the old channel is given \
             up, write gone = true for `{old}`"
        ),
    )
}
