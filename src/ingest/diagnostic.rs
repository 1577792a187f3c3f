//! Diagnostics about files and folders.

use std::collections::{BTreeMap, HashSet};
use std::io;

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::parse::Severity;

/// A diagnostic about one file or folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDiagnostic {
    /// Relative to the articles folder; empty for the folder itself.
    pub path: String,
    /// Counted from 1; 1 for the whole file.
    pub line: usize,
    /// Whether the file is rejected.
    pub severity: Severity,
    /// What is wrong and how to fix it.
    pub message: Message,
}

impl FileDiagnostic {
    pub(super) fn new(
        path: &str,
        severity: Severity,
        vietnamese: impl Into<String>,
        english: impl Into<String>,
    ) -> Self {
        Self::of_message(path, severity, Message::new(vietnamese, english))
    }

    pub(super) fn of_message(path: &str, severity: Severity, message: Message) -> Self {
        Self { path: path.to_owned(), line: 1, severity, message }
    }

    /// A file or folder that cannot be read.
    pub(super) fn unreadable(path: &str, cause: &io::Error) -> Self {
        Self::new(
            path,
            Severity::Error,
            format!("Không đọc được ({cause}). Hãy kiểm tra quyền truy cập."),
            format!("cannot be read ({cause}); check its permissions"),
        )
    }
}

/// The diagnostics of a scan.
#[derive(Default)]
pub(super) struct Findings {
    /// By path. A path without diagnostics was examined and is in order.
    pub(super) by_path: BTreeMap<String, Vec<FileDiagnostic>>,
    /// The paths among those that are examined that had diagnostics before.
    before: HashSet<String>,
}

impl Findings {
    /// `before` are the listed paths that had diagnostics before the scan.
    pub(super) fn after(before: HashSet<String>) -> Self {
        Self { before, ..Self::default() }
    }

    pub(super) fn add(&mut self, finding: FileDiagnostic) {
        self.by_path.entry(finding.path.clone()).or_default().push(finding);
    }

    /// A file was examined. One that is and was in order is not remembered: a folder has a million of them.
    pub(super) fn examined(&mut self, path: &str, found: impl IntoIterator<Item = FileDiagnostic>) {
        let mut found = found.into_iter().peekable();
        if found.peek().is_some() || self.before.contains(path) {
            self.by_path.entry(path.to_owned()).or_default().extend(found);
        }
    }
}
