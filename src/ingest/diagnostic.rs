//! Diagnostics about files and folders.

use std::collections::BTreeMap;
use std::io;

use crate::message::Message;
use crate::parse::Severity;

/// A diagnostic about one file or folder.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// The diagnostics of a scan, by path. A path without diagnostics was examined and is in order.
#[derive(Default)]
pub(super) struct Findings(pub(super) BTreeMap<String, Vec<FileDiagnostic>>);

impl Findings {
    pub(super) fn add(&mut self, finding: FileDiagnostic) {
        self.examined(&finding.path).push(finding);
    }

    /// The diagnostics of a file that was examined.
    pub(super) fn examined(&mut self, path: &str) -> &mut Vec<FileDiagnostic> {
        self.0.entry(path.to_owned()).or_default()
    }
}
