//! What the scans found in the files of the folder, for everybody who shares the log.

use serde::{Deserialize, Serialize};

use crate::model::Slug;
use crate::time::Timestamp;

/// What a scan found in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFindings {
    /// Relative to the articles folder; empty for the folder itself.
    pub path: String,
    /// The channel of its folder; none for the articles folder itself.
    pub channel: Option<Slug>,
    /// When it was found.
    pub at: Timestamp,
    /// By line. Empty: the file is in order, or gone.
    pub found: Vec<StoredFinding>,
}

/// One finding in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFinding {
    /// Counted from 1.
    pub line: usize,
    /// 2 rejected, 1 doubtful, 0 a note.
    pub severity: u8,
    /// What is wrong and what to do, for the office.
    pub vietnamese: String,
    /// The same for programs.
    pub english: String,
}

impl StoredFinding {
    /// The severity as the parser calls it.
    pub fn severity_name(&self) -> &'static str {
        match self.severity {
            0 => "note",
            1 => "warning",
            _ => "error",
        }
    }
}

impl FileFindings {
    /// The highest severity.
    pub fn severity(&self) -> u8 {
        self.found.iter().map(|finding| finding.severity).max().unwrap_or_default()
    }
}
