//! What a scan reports: counts, and each diagnostic once.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use super::diagnostic::{FileDiagnostic, Findings};
use super::names::folder_of;
use crate::message::Message;
use crate::model::Slug;
use crate::parse::Severity;
use crate::store::{FileFindings, FileRemovalOutcome, StoredFinding, SubmitOutcome};
use crate::time::Timestamp;

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

/// The diagnostics of each file that has any. Each is reported once in the life of a process, and stored.
#[derive(Default)]
pub(super) struct Reported {
    known: BTreeMap<String, Vec<FileDiagnostic>>,
    /// Files whose diagnostics this process reported.
    reported: HashSet<String>,
    /// Files whose diagnostics are to be stored.
    unsaved: BTreeSet<String>,
    /// Folders whose diagnostics may be others than at the last [`Reported::changed_folders`].
    changed: BTreeSet<String>,
}

impl Reported {
    /// What an earlier process stored.
    pub(super) fn stored(files: Vec<FileFindings>) -> Self {
        let known = files.into_iter().map(|file| {
            let found = file.found.into_iter().map(|finding| from_stored(&file.path, finding)).collect();
            (file.path, found)
        });
        let known: BTreeMap<String, _> = known.collect();
        let changed = known.keys().filter_map(|path| folder_in(path)).collect();
        Self { known, changed, ..Self::default() }
    }

    /// True if there is a diagnostic for this path.
    pub(super) fn contains(&self, path: &str) -> bool {
        self.known.contains_key(path)
    }

    /// Adds what is new to the report, and forgets the files that are not to be kept: they are gone.
    pub(super) fn report(
        &mut self,
        report: &mut ScanReport,
        findings: Findings,
        keep: impl Fn(&str) -> bool,
    ) {
        let Self { known, reported, unsaved, changed } = self;
        known.retain(|path, _| {
            let stays = keep(path) || findings.by_path.contains_key(path);
            if !stays {
                reported.remove(path);
                unsaved.insert(path.clone());
            }
            stays
        });
        for (path, findings) in findings.by_path {
            let is_known = known.get(&path).map_or(findings.is_empty(), |known| *known == findings);
            if !is_known || !reported.contains(&path) {
                report.findings.extend(findings.iter().cloned());
            }
            if !is_known {
                unsaved.insert(path.clone());
            }
            if findings.is_empty() {
                reported.remove(&path);
                known.remove(&path);
            } else {
                reported.insert(path.clone());
                known.insert(path, findings);
            }
        }
        changed.extend(unsaved.iter().filter_map(|path| folder_in(path)));
        let is_error = |finding: &FileDiagnostic| finding.severity == Severity::Error;
        report.rejected_total =
            known.values().filter(|findings| findings.iter().any(is_error)).count() as u64;
    }

    /// What is to be stored, as of `now`. `channel_of` names the channel of a path.
    pub(super) fn unsaved(
        &self,
        now: Timestamp,
        channel_of: impl Fn(&str) -> Option<Slug>,
    ) -> Vec<FileFindings> {
        let file = |path: &String| FileFindings {
            path: path.clone(),
            channel: channel_of(path),
            at: now,
            found: self.known.get(path).into_iter().flatten().map(to_stored).collect(),
        };
        self.unsaved.iter().map(file).collect()
    }

    /// Everything was stored.
    pub(super) fn saved(&mut self) {
        self.unsaved.clear();
    }

    /// The folders whose diagnostics may have changed; each once.
    pub(super) fn changed_folders(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.changed)
    }

    /// The diagnostics of the files in a folder, by path.
    pub(super) fn in_folder(&self, folder: &str) -> impl Iterator<Item = &FileDiagnostic> {
        let within = move |path: &str| {
            path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
        };
        let files =
            self.known.range(folder.to_owned()..).take_while(move |(path, _)| path.starts_with(folder));
        files.filter(move |(path, _)| within(path)).flat_map(|(_, findings)| findings)
    }
}

/// The folder of a file; none for a folder and for a file outside of all folders.
fn folder_in(path: &str) -> Option<String> {
    path.contains('/').then(|| folder_of(path).to_owned())
}

fn from_stored(path: &str, finding: StoredFinding) -> FileDiagnostic {
    let severity = match finding.severity {
        0 => Severity::Note,
        1 => Severity::Warning,
        _ => Severity::Error,
    };
    let message = Message::new(finding.vietnamese, finding.english);
    FileDiagnostic { line: finding.line, ..FileDiagnostic::of_message(path, severity, message) }
}

fn to_stored(finding: &FileDiagnostic) -> StoredFinding {
    let severity = match finding.severity {
        Severity::Note => 0,
        Severity::Warning => 1,
        Severity::Error => 2,
    };
    let Message { vietnamese, english } = finding.message.clone();
    StoredFinding { line: finding.line, severity, vietnamese, english }
}
