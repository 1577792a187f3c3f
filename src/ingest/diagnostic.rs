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
    /// Counted from 1; 1 if the whole file is meant.
    pub line: usize,
    /// Whether the file is rejected.
    pub severity: Severity,
    /// What is wrong and what to do, for the office.
    pub vietnamese: String,
    /// The same for the log.
    pub english: String,
}

impl FileDiagnostic {
    pub(super) fn new(
        path: &str,
        severity: Severity,
        vietnamese: impl Into<String>,
        english: impl Into<String>,
    ) -> Self {
        let (vietnamese, english) = (vietnamese.into(), english.into());
        Self { path: path.to_owned(), line: 1, severity, vietnamese, english }
    }

    pub(super) fn of_message(path: &str, severity: Severity, message: Message) -> Self {
        Self::new(path, severity, message.vietnamese, message.english)
    }

    /// A file or folder that cannot be looked at.
    pub(super) fn unreadable(path: &str, cause: &io::Error) -> Self {
        Self::new(
            path,
            Severity::Error,
            format!("không đọc được ({cause}); hãy kiểm tra quyền truy cập"),
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
