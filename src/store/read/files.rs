//! Files of the article folder and imported files.

use crate::model::ArticleId;
use crate::store::engine::{Row, Transaction, values};
use crate::store::error::StoreError;
use crate::store::queries::LeftChannel;
use crate::store::rows::read_slug;
use crate::store::submission::{FileRecord, ImportedFile, ScannedFile};

/// The query for files with the columns that [`read_file`] reads.
macro_rules! files_where {
    ($condition:literal) => {
        concat!(
            "SELECT path, channel, hash, size, modified, article, present, refused, pictures FROM file ",
            $condition
        )
    };
}

pub(crate) async fn files(reading: &mut Transaction) -> Result<Vec<FileRecord>, StoreError> {
    reading.rows(files_where!("ORDER BY path"), &[]).await?.into_iter().map(read_file).collect()
}

/// Up to `limit` files in a folder, after the path `after`, by path.
pub(crate) async fn files_in(
    reading: &mut Transaction,
    folder: &str,
    after: &str,
    limit: u32,
) -> Result<Vec<FileRecord>, StoreError> {
    // `0` is the character after `/`.
    let (first, end) = (format!("{folder}/"), format!("{folder}0"));
    let after = if after.is_empty() { &first } else { after };
    let sql = files_where!("WHERE path > $1 AND path < $2 ORDER BY path LIMIT $3");
    let rows = reading.rows(sql, values![after, end, i64::from(limit)]).await?;
    rows.into_iter().map(read_file).collect()
}

/// The folders of all files, in the order of the paths.
pub(crate) async fn file_folders(reading: &mut Transaction) -> Result<Vec<String>, StoreError> {
    let mut folders: Vec<String> = Vec::new();
    loop {
        let after = folders.last().map_or_else(String::new, |folder| format!("{folder}0"));
        let sql = "SELECT path FROM file WHERE path >= $1 ORDER BY path LIMIT 1";
        let Some(row) = reading.first(sql, values![after]).await? else { return Ok(folders) };
        folders.extend(row.get_text(0)?.split('/').next().map(str::to_owned));
    }
}

pub(crate) async fn count_articles_with_files(reading: &mut Transaction) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) FROM file WHERE present = 1 AND article IS NOT NULL";
    reading.one(sql, &[]).await?.get_u64(0)
}

pub(crate) async fn files_at(
    reading: &mut Transaction,
    paths: &[String],
) -> Result<Vec<FileRecord>, StoreError> {
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        let row = reading.first(files_where!("WHERE path = $1"), values![path.as_str()]).await?;
        files.extend(row.map(read_file).transpose()?);
    }
    Ok(files)
}

pub(crate) async fn refused_files(reading: &mut Transaction) -> Result<Vec<String>, StoreError> {
    let rows =
        reading.rows("SELECT path FROM file WHERE present = 1 AND refused = 1 ORDER BY path", &[]).await?;
    rows.iter().map(|row| row.get_text(0).map(str::to_owned)).collect()
}

/// Channels that are empty because most of their articles went to another channel with their files.
pub(crate) async fn left_channels(reading: &mut Transaction) -> Result<Vec<LeftChannel>, StoreError> {
    let empty = "SELECT c.slug FROM channel c WHERE c.slug <> '' AND c.head > 1 \
         AND NOT EXISTS (SELECT 1 FROM membership m WHERE m.channel = c.slug) ORDER BY c.slug";
    let mut left = Vec::new();
    // There are few of them.
    for row in reading.rows(empty, &[]).await? {
        let channel = row.get_text(0)?;
        let most = reading
            .first(
                "SELECT f.channel, MIN(f.path) FROM channel_revision r JOIN file f ON f.article = r.article \
                 WHERE r.channel = $1 AND r.kind IN ('left', 'withdrawn') AND f.present = 1 GROUP BY f.channel \
                 HAVING COUNT(DISTINCT r.article) >= 2 AND COUNT(DISTINCT r.article) * 2 > \
                 (SELECT COUNT(DISTINCT g.article) FROM channel_revision g \
                 WHERE g.channel = $1 AND g.kind IN ('left', 'withdrawn'))",
                values![channel],
            )
            .await?;
        if let Some(most) = most {
            let (now, path) = (read_slug(most.get_text(0)?)?, most.get_text(1)?.to_owned());
            left.push(LeftChannel { channel: read_slug(channel)?, now, path });
        }
    }
    Ok(left)
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

fn read_file(mut row: Row) -> Result<FileRecord, StoreError> {
    let channel = read_slug(row.get_text(1)?)?;
    Ok(FileRecord {
        seen: ScannedFile {
            path: row.take_text(0)?,
            channel,
            hash: row.take_text(2)?,
            size: row.get_u64(3)?,
            modified: row.get_i64(4)?,
            pictures: row.take_text(8)?,
        },
        article: row.get_optional_text(5)?.map(ArticleId::new),
        present: row.get_bool(6)?,
        rejected: row.get_bool(7)?,
    })
}
