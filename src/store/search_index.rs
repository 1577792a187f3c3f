//! Building the search index from the stored texts.

use crate::model::Article;
use crate::search_text;
use crate::store::engine::{Database, Transaction, values};
use crate::store::error::StoreError;
use crate::store::sql::content;

/// Version of [`search_text::index_text`]. NOTE: raise it whenever that function returns another text for any article:
/// words are removed from the index by computing them again. 2: articles that SQLite had lost are found again.
const VERSION: i64 = 2;
/// Articles that are read at once.
const BATCH: i64 = 256;

/// Builds the index if another version of the program made it.
pub(crate) async fn rebuild_if_outdated(database: &Database) -> Result<(), StoreError> {
    let mut reading = database.begin_read().await?;
    if reading.one("SELECT indexed_by FROM log", &[]).await?.get_i64(0)? == VERSION {
        return Ok(());
    }
    drop(reading);
    let mut writing = database.begin_write().await?;
    writing.disable_timeouts().await?;
    rebuild(&mut writing).await?;
    writing.commit().await
}

/// Builds the index from all published articles.
pub(crate) async fn rebuild(writing: &mut Transaction) -> Result<(), StoreError> {
    writing.clear_index().await?;
    let mut last = i64::MIN;
    loop {
        let sql = concat!(
            "SELECT a.place, ",
            content!(),
            " FROM article a WHERE a.place > $1 ORDER BY a.place LIMIT $2"
        );
        let rows = writing.rows(sql, values![last, BATCH]).await?;
        for row in &rows {
            last = row.get_i64(0)?;
            let article = row.get_article::<Article>(1).ok().flatten();
            // An article that is damaged is not found.
            if let Some(article) = article {
                writing.add_to_index(last, &search_text::index_text(&article)).await?;
            }
        }
        if rows.is_empty() {
            break;
        }
    }
    writing.run("UPDATE log SET indexed_by = $1", values![VERSION]).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_that_is_indexed_is_that_of_this_version() {
        let json = r#"{"title":"Lễ hội Đăk Tô 2023","stamp":{"instant":0,"date_only":false},
            "body":[{"kind":"paragraph","text":"Giá cà-phê: 45.000 đồng/kg (tăng 5%), theo ÔNG A; H’Mông."}]}"#;
        let article: Article = serde_json::from_str(json).unwrap();
        // NOTE: if this fails, `VERSION` must be raised.
        let expected = "le hoi dak to 2023 gia ca phe 45 000 dong kg tang 5 theo ong a h mong";
        assert_eq!((search_text::index_text(&article).as_str(), VERSION), (expected, 2));
    }
}
