//! Images and their smaller copies.

use std::collections::HashMap;

use crate::image;
use crate::model::{Article, Image, ImageCopy};
use crate::store::engine::{Row, Transaction, Value, values};
use crate::store::error::StoreError;
use crate::store::queries::{ImageLookup, ImageRef};
use crate::time::from_unix;

/// Images per query.
pub(crate) const FETCH_SIZE: usize = 32;
/// How long an image is kept that no article uses, in seconds. A form that shows its preview may be open as long.
pub(crate) const UNUSED_KEPT: i64 = 7 * 86_400;

/// The condition that a published article shows the row of `picture`, or a copy of which it is the bytes.
macro_rules! is_shown {
    () => {
        "(EXISTS (SELECT 1 FROM picture_use WHERE picture = picture.name AND shown = 1) \
         OR EXISTS (SELECT 1 FROM picture_copy c JOIN picture_use u ON u.picture = c.picture \
         WHERE c.name = picture.name AND c.shown = 1 AND u.shown = 1))"
    };
}

pub(crate) async fn find_image(reading: &mut Transaction, name: &str) -> Result<ImageLookup, StoreError> {
    let row = reading
        .first(
            concat!("SELECT media_type, kept_at, ", is_shown!(), " FROM picture WHERE name = $1"),
            values![name],
        )
        .await?;
    let Some(row) = row else { return Ok(ImageLookup::NotFound) };
    if !row.get_bool(2)? {
        return Ok(ImageLookup::Gone);
    }
    let bytes = reading.one("SELECT bytes FROM picture WHERE name = $1", values![name]).await?;
    let bytes = bytes.get_bytes(0)?;
    if !image::is_named_by(name, bytes) {
        let of = articles_with(reading, name).await?;
        let cure = "publish it again with the image, or restore a backup";
        return Err(StoreError::Corrupt(format!("the stored image {name} of {of} is damaged: {cure}")));
    }
    let media_type = match image::media_type_of(bytes) {
        Some(media_type) => media_type,
        None => row.get_text(0)?,
    };
    Ok(ImageLookup::Live {
        // By the bytes, which fit their name.
        media_type: media_type.to_owned(),
        bytes: bytes.to_owned(),
        stored_at: from_unix(row.get_i64(1)?),
    })
}

/// The ids of the first published articles that show an image, or one of which it is a copy.
async fn articles_with(reading: &mut Transaction, name: &str) -> Result<String, StoreError> {
    let rows = reading
        .rows(
            "SELECT DISTINCT article FROM picture_use WHERE shown = 1 AND (picture = $1 \
             OR picture IN (SELECT picture FROM picture_copy WHERE name = $1)) ORDER BY article LIMIT 3",
            values![name],
        )
        .await?;
    let ids = rows.iter().map(|row| row.get_text(0)).collect::<Result<Vec<_>, _>>()?;
    Ok(ids.join(", "))
}

/// Up to `limit` images and copies that published articles show, by name.
pub(crate) async fn images(
    reading: &mut Transaction,
    after: &str,
    limit: u32,
) -> Result<Vec<ImageRef>, StoreError> {
    let rows = reading
        .rows(
            concat!(
                "SELECT name, kept_at FROM picture WHERE name > $1 AND ",
                is_shown!(),
                " ORDER BY name LIMIT $2"
            ),
            values![after, i64::from(limit)],
        )
        .await?;
    rows.iter()
        .map(|row| Ok(ImageRef { name: row.get_text(0)?.to_owned(), stored_at: from_unix(row.get_i64(1)?) }))
        .collect()
}

/// Adds the copies that documents show to the images of these articles.
pub(crate) async fn add_copies<'a>(
    reading: &mut Transaction,
    articles: impl IntoIterator<Item = &'a mut Article>,
) -> Result<(), StoreError> {
    let mut images: Vec<&mut Image> = articles.into_iter().flat_map(|article| &mut article.images).collect();
    let mut names: Vec<String> = images.iter().map(|image| image.name.clone()).collect();
    names.sort_unstable();
    names.dedup();
    let mut copies: HashMap<String, Vec<ImageCopy>> = HashMap::new();
    for chunk in names.chunks(FETCH_SIZE) {
        let mut parameters: Vec<Value> = chunk.iter().map(|name| Value::from(name.as_str())).collect();
        parameters.resize(FETCH_SIZE, Value::Null);
        let rows = reading
            .rows(
                "SELECT picture, name, media_type, width, height, size, still FROM picture_copy \
                 WHERE shown = 1 AND picture IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, \
                 $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, \
                 $31, $32) ORDER BY picture, width, name",
                &parameters,
            )
            .await?;
        for row in &rows {
            // Without a copy that is damaged the image itself is shown.
            if let (Ok(picture), Ok(copy)) = (row.get_text(0), read_copy(row)) {
                copies.entry(picture.to_owned()).or_default().push(copy);
            }
        }
    }
    for image in &mut images {
        image.copies = copies.get(&image.name).cloned().unwrap_or_default();
    }
    Ok(())
}

fn read_copy(row: &Row) -> Result<ImageCopy, StoreError> {
    let pixels = |column| {
        u32::try_from(row.get_i64(column)?)
            .map_err(|_| StoreError::Corrupt("the size of a copy of an image is out of range".to_owned()))
    };
    Ok(ImageCopy {
        name: row.get_text(1)?.to_owned(),
        media_type: row.get_text(2)?.to_owned(),
        width: pixels(3)?,
        height: pixels(4)?,
        size: row.get_u64(5)?,
        is_still: row.get_bool(6)?,
    })
}

/// The newest shown image whose copies are due.
pub(crate) async fn next_to_scale(reading: &mut Transaction) -> Result<Option<String>, StoreError> {
    let sql = "SELECT picture FROM picture_to_scale due WHERE EXISTS \
               (SELECT 1 FROM picture_use u WHERE u.picture = due.picture AND u.shown = 1) \
               ORDER BY since DESC LIMIT 1";
    reading.first(sql, &[]).await?.map(|row| row.get_text(0).map(str::to_owned)).transpose()
}

/// True if the image is stored and its copies were made.
pub(crate) async fn is_scaled(reading: &mut Transaction, name: &str) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM picture WHERE name = $1 AND LENGTH(bytes) > 0 \
               AND NOT EXISTS (SELECT 1 FROM picture_to_scale WHERE picture = $1)";
    Ok(reading.first(sql, values![name]).await?.is_some())
}

/// True if copies are stored that documents do not show yet.
pub(crate) async fn has_staged_copies(reading: &mut Transaction) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM picture_copy WHERE shown = 0 LIMIT 1";
    Ok(reading.first(sql, &[]).await?.is_some())
}

/// True if an image has been unused for [`UNUSED_KEPT`]. `now` in Unix seconds.
pub(crate) async fn has_unused_images(reading: &mut Transaction, now: i64) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM picture_unused WHERE since < $1 LIMIT 1";
    Ok(reading.first(sql, values![now - UNUSED_KEPT]).await?.is_some())
}
