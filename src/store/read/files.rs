//! Files of the article folder, imported files and images.

use crate::model::ArticleId;
use crate::store::engine::{Row, Transaction, values};
use crate::store::error::StoreError;
use crate::store::queries::ImageLookup;
use crate::store::rows::read_slug;
use crate::store::submission::{FileRecord, ImportedFile, ScannedFile};
use crate::time::from_unix;

pub(crate) async fn files(reading: &mut Transaction) -> Result<Vec<FileRecord>, StoreError> {
    let rows = reading
        .rows(
            "SELECT path, channel, hash, size, modified, article, present, refused, pictures FROM file \
             ORDER BY path",
            &[],
        )
        .await?;
    rows.iter().map(read_file).collect()
}

pub(crate) async fn files_at(
    reading: &mut Transaction,
    paths: &[String],
) -> Result<Vec<FileRecord>, StoreError> {
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        let row = reading
            .first(
                "SELECT path, channel, hash, size, modified, article, present, refused, pictures FROM file \
                 WHERE path = $1",
                values![path.as_str()],
            )
            .await?;
        files.extend(row.as_ref().map(read_file).transpose()?);
    }
    Ok(files)
}

pub(crate) async fn refused_files(reading: &mut Transaction) -> Result<Vec<String>, StoreError> {
    let rows =
        reading.rows("SELECT path FROM file WHERE present = 1 AND refused = 1 ORDER BY path", &[]).await?;
    rows.iter().map(|row| row.get_text(0).map(str::to_owned)).collect()
}

pub(crate) async fn already_imported(
    reading: &mut Transaction,
    file: &ImportedFile,
) -> Result<bool, StoreError> {
    let row = reading
        .first(
            "SELECT article FROM import WHERE source = $1 AND place = $2 AND hash = $3",
            values![file.source.as_str(), file.place.as_str(), file.hash.as_str()],
        )
        .await?;
    Ok(row.is_some())
}

fn read_file(row: &Row) -> Result<FileRecord, StoreError> {
    let channel = read_slug(row.get_text(1)?)?;
    Ok(FileRecord {
        seen: ScannedFile {
            path: row.get_text(0)?.to_owned(),
            channel,
            hash: row.get_text(2)?.to_owned(),
            size: row.get_u64(3)?,
            modified: row.get_i64(4)?,
            pictures: row.get_text(8)?.to_owned(),
        },
        article: row.get_optional_text(5)?.map(ArticleId::new),
        present: row.get_bool(6)?,
        rejected: row.get_bool(7)?,
    })
}

pub(crate) async fn find_image(reading: &mut Transaction, name: &str) -> Result<ImageLookup, StoreError> {
    let row = reading
        .first(
            "SELECT media_type, kept_at, EXISTS (SELECT 1 FROM picture_use WHERE picture = name) \
             FROM picture WHERE name = $1",
            values![name],
        )
        .await?;
    let Some(row) = row else { return Ok(ImageLookup::NotFound) };
    if !row.get_bool(2)? {
        return Ok(ImageLookup::Gone);
    }
    let bytes = reading.one("SELECT bytes FROM picture WHERE name = $1", values![name]).await?;
    Ok(ImageLookup::Live {
        media_type: row.get_text(0)?.to_owned(),
        bytes: bytes.get_bytes(0)?.to_owned(),
        stored_at: from_unix(row.get_i64(1)?),
    })
}
