//! Keeps what the scans found, within bounds.

use crate::model::Slug;
use crate::store::engine::values;
use crate::store::error::StoreError;
use crate::store::findings::{FileFindings, StoredFinding};
use crate::store::handle::Store;
use crate::store::rows::to_json;
use crate::text::truncate;

/// Files whose findings are kept: rejected ones first, then doubtful ones, then the latest notes.
const MAX_FILES: usize = 5000;
/// Findings that are kept for one file.
const MAX_PER_FILE: usize = 100;
/// Characters of a message.
const MAX_MESSAGE: usize = 1000;

impl Store {
    /// Replaces what is known about these files.
    ///
    /// # Errors
    /// If the database fails. Nothing was changed then.
    pub async fn record_findings(&self, mut files: Vec<FileFindings>) -> Result<(), StoreError> {
        files.sort_by_key(|file| std::cmp::Reverse(file.severity()));
        // What is in order is deleted, whatever its number.
        let (found, clean): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| !file.found.is_empty());
        let mut writing = self.core.database.begin_write().await?;
        for path in clean.iter().chain(found.iter().skip(MAX_FILES)).map(|file| file.path.as_str()) {
            writing.run("DELETE FROM finding WHERE path = $1", values![path]).await?;
        }
        for file in found.into_iter().take(MAX_FILES) {
            let severity = i64::from(file.severity());
            let kept: Vec<StoredFinding> = bounded(file.found);
            let channel = file.channel.as_ref().map(Slug::as_str);
            writing
                .run(
                    "INSERT INTO finding (path, channel, severity, found, at) VALUES ($1, $2, $3, $4, $5) \
                     ON CONFLICT (path) DO UPDATE SET channel = excluded.channel, severity = excluded.severity, \
                     found = excluded.found, at = excluded.at",
                    values![file.path, channel, severity, to_json(&kept)?, file.at.timestamp()],
                )
                .await?;
        }
        let excess = "DELETE FROM finding WHERE path IN \
             (SELECT path FROM finding ORDER BY severity DESC, at DESC, path LIMIT 1000000 OFFSET $1)";
        writing.run(excess, values![MAX_FILES as u64]).await?;
        writing.commit().await
    }
}

/// The most severe findings, by line, with messages of limited length.
fn bounded(mut found: Vec<StoredFinding>) -> Vec<StoredFinding> {
    found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    found.truncate(MAX_PER_FILE);
    found.sort_by_key(|finding| finding.line);
    for finding in &mut found {
        for message in [&mut finding.vietnamese, &mut finding.english] {
            *message = truncate(message, MAX_MESSAGE).into_owned();
        }
    }
    found
}
