//! What a scan reports: counts, and each diagnostic once.

use std::collections::BTreeMap;
use std::time::Duration;

use super::diagnostic::{FileDiagnostic, Findings};
use crate::parse::Severity;
use crate::store::{FileRemovalOutcome, SubmitOutcome};

/// What a scan did and found.
#[derive(Debug, Default)]
pub struct ScanReport {
    /// Article files in the folder, or among those that were looked at.
    pub files: u64,
    /// New articles.
    pub published: u64,
    /// Corrections.
    pub corrected: u64,
    /// Moves to other channels.
    pub moved: u64,
    /// Articles whose file came back.
    pub restored: u64,
    /// Articles whose file is gone.
    pub withdrawn: u64,
    /// Articles that will be published at a later date.
    pub scheduled: u64,
    /// Files whose current bytes are rejected, those of earlier scans included.
    pub rejected_total: u64,
    /// What was not reported before, by path and line.
    pub findings: Vec<FileDiagnostic>,
    /// Why nothing was withdrawn, if a missing folder or missing files look like an accident.
    pub suspended_reason: Option<String>,
    /// True if a file has not been unchanged for long enough yet.
    pub unsettled: bool,
    /// When to scan again without any event.
    pub next_scan_in: Option<Duration>,
    /// How long it took to find out what is to be done.
    pub looking: Duration,
}

impl ScanReport {
    /// Number of revisions that the scan added to the log.
    pub fn revisions(&self) -> u64 {
        self.published + self.corrected + self.moved + self.restored + self.withdrawn
    }

    pub(super) fn count(&mut self, outcome: &SubmitOutcome) {
        match outcome {
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

    pub(super) fn count_removal(&mut self, outcome: &FileRemovalOutcome) {
        match outcome {
            FileRemovalOutcome::Withdrawn(_) => self.withdrawn += 1,
            FileRemovalOutcome::Moved(_) => self.moved += 1,
            FileRemovalOutcome::Nothing => {}
        }
    }

    /// A file may be incomplete.
    pub(super) fn wait_for_file(&mut self, pause: Duration) {
        self.unsettled = true;
        self.scan_again_in(pause.max(Duration::from_millis(10)));
    }

    pub(super) fn scan_again_in(&mut self, pause: Duration) {
        self.next_scan_in = Some(self.next_scan_in.map_or(pause, |earlier| earlier.min(pause)));
    }

    /// Adds a later scan: its state replaces this one's, its revisions and diagnostics are added.
    pub(super) fn followed_by(mut self, next: Self) -> Self {
        self.findings.extend(next.findings);
        Self {
            published: self.published + next.published,
            corrected: self.corrected + next.corrected,
            moved: self.moved + next.moved,
            restored: self.restored + next.restored,
            withdrawn: self.withdrawn + next.withdrawn,
            scheduled: self.scheduled + next.scheduled,
            findings: self.findings,
            ..next
        }
    }
}

/// The diagnostics that were reported for each file, so that each is reported once.
#[derive(Default)]
pub(super) struct Reported(BTreeMap<String, Vec<FileDiagnostic>>);

impl Reported {
    /// True if there is a diagnostic for this path.
    pub(super) fn contains(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    /// Adds what is new to the report, and forgets the files that are not to be kept: they are gone.
    pub(super) fn report(
        &mut self,
        report: &mut ScanReport,
        findings: Findings,
        keep: impl Fn(&str) -> bool,
    ) {
        self.0.retain(|path, _| keep(path) || findings.0.contains_key(path));
        for (path, findings) in findings.0 {
            if self.0.get(&path) != Some(&findings) {
                report.findings.extend(findings.iter().cloned());
            }
            if findings.is_empty() {
                self.0.remove(&path);
            } else {
                self.0.insert(path, findings);
            }
        }
        let is_error = |finding: &FileDiagnostic| finding.severity == Severity::Error;
        report.rejected_total =
            self.0.values().filter(|findings| findings.iter().any(is_error)).count() as u64;
    }
}
