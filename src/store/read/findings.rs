//! What the scans found.

use crate::store::error::StoreError;
use crate::store::findings::FileFindings;
use crate::store::handle::Store;
use crate::store::rows::{from_json, read_slug};
use crate::time::from_unix;

impl Store {
    /// What the scans found in the files of the folder, by path.
    ///
    /// SECURITY: file names and messages may quote what is not published. The caller must have rights to the channel
    /// of each.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn findings(&self) -> Result<Vec<FileFindings>, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        let rows = reading.rows("SELECT path, channel, found, at FROM finding ORDER BY path", &[]).await?;
        rows.iter()
            .map(|row| {
                Ok(FileFindings {
                    path: row.get_text(0)?.to_owned(),
                    channel: row.get_optional_text(1)?.map(read_slug).transpose()?,
                    found: from_json(row.get_text(2)?)?,
                    at: from_unix(row.get_i64(3)?),
                })
            })
            .collect()
    }
}
