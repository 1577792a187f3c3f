//! Images and their smaller copies.

use crate::model::{ArticleId, ImageCopy};
use crate::store::engine::values;
use crate::store::error::StoreError;
use crate::store::read::images::UNUSED_KEPT;
use crate::store::write::log_writer::LogWriter;
use crate::store::write::new_rows::{IMAGE_USE, row};

/// Images that one transaction removes: deleting large ones takes time.
const MAX_REMOVED: i64 = 16;

/// The images that only article `$1` uses.
macro_rules! only_of_article {
    () => {
        "SELECT picture FROM picture_use mine WHERE mine.article = $1 AND NOT EXISTS \
         (SELECT 1 FROM picture_use other WHERE other.picture = mine.picture AND other.article <> $1)"
    };
}

impl LogWriter<'_> {
    /// Stores the bytes of an image, also in place of erased ones. Its copies are due.
    pub(crate) async fn put_image(
        &mut self,
        name: &str,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        if self.put_bytes(name, media_type, bytes).await? {
            let due = "INSERT INTO picture_to_scale (picture, since) VALUES ($1, $2) ON CONFLICT (picture) DO NOTHING";
            self.transaction.run(due, values![name, self.options.clock.now().timestamp()]).await?;
        }
        self.keep_unused(name).await
    }

    /// An image that no article uses is kept from now on as long as a new one. True if it is stored.
    pub(crate) async fn touch_image(&mut self, name: &str) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM picture WHERE name = $1 AND LENGTH(bytes) > 0";
        let is_stored = self.transaction.first(sql, values![name]).await?.is_some();
        if is_stored {
            self.keep_unused(name).await?;
        }
        Ok(is_stored)
    }

    async fn keep_unused(&mut self, name: &str) -> Result<(), StoreError> {
        let sql = "INSERT INTO picture_unused (picture, since) SELECT name, CAST($2 AS BIGINT) FROM picture \
             WHERE name = $1 AND NOT EXISTS (SELECT 1 FROM picture_use WHERE picture = $1) \
             ON CONFLICT (picture) DO UPDATE SET since = excluded.since";
        let now = self.options.clock.now().timestamp();
        self.transaction.run(sql, values![name, now]).await.map(|_| ())
    }

    /// Removes some images that no article has used for a week, with their copies. Returns how many.
    pub(crate) async fn remove_unused_images(&mut self) -> Result<usize, StoreError> {
        let until = self.options.clock.now().timestamp() - UNUSED_KEPT;
        let sql = "SELECT picture FROM picture_unused WHERE since < $1 ORDER BY since, picture LIMIT $2";
        let due = self.transaction.rows(sql, values![until, MAX_REMOVED]).await?;
        for row in &due {
            self.remove_if_unused(row.get_text(0)?).await?;
        }
        Ok(due.len())
    }

    async fn remove_if_unused(&mut self, name: &str) -> Result<(), StoreError> {
        self.transaction.run("DELETE FROM picture_unused WHERE picture = $1", values![name]).await?;
        // NOTE: asked again: a process of an older version may have published it.
        let used = "SELECT 1 FROM picture_use WHERE picture = $1 LIMIT 1";
        if self.transaction.first(used, values![name]).await?.is_some() {
            return Ok(());
        }
        let copies = "SELECT name FROM picture_copy WHERE picture = $1";
        let copies = self.transaction.rows(copies, values![name]).await?;
        for sql in
            ["DELETE FROM picture_copy WHERE picture = $1", "DELETE FROM picture_to_scale WHERE picture = $1"]
        {
            self.transaction.run(sql, values![name]).await?;
        }
        self.remove_bytes(name).await?;
        for copy in &copies {
            self.remove_bytes(copy.get_text(0)?).await?;
        }
        Ok(())
    }

    /// Removes bytes that are no image of an article, no upload and no copy of either.
    async fn remove_bytes(&mut self, name: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM picture WHERE name = $1 \
             AND NOT EXISTS (SELECT 1 FROM picture_use WHERE picture = $1) \
             AND NOT EXISTS (SELECT 1 FROM picture_unused WHERE picture = $1) \
             AND NOT EXISTS (SELECT 1 FROM picture_copy WHERE picture_copy.name = $1)";
        self.transaction.run(sql, values![name]).await.map(|_| ())
    }

    /// False if they are stored already.
    async fn put_bytes(&mut self, name: &str, media_type: &str, bytes: &[u8]) -> Result<bool, StoreError> {
        let now = self.options.clock.now().timestamp();
        let sql = "INSERT INTO picture (name, media_type, bytes, kept_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (name) DO UPDATE SET bytes = excluded.bytes WHERE LENGTH(picture.bytes) = 0";
        Ok(self.transaction.run(sql, values![name, media_type, bytes, now]).await? > 0)
    }

    /// Stores the copies of an image, once. Documents show them at once if none shows the image yet; otherwise with
    /// [`Self::show_copies`], because no document changes without a change of the log or of its generation.
    pub(crate) async fn put_copies(
        &mut self,
        original: &str,
        copies: &[(ImageCopy, Vec<u8>)],
    ) -> Result<(), StoreError> {
        let made = "DELETE FROM picture_to_scale WHERE picture = $1";
        if self.transaction.run(made, values![original]).await? == 0 {
            return Ok(());
        }
        let shown = "SELECT 1 FROM picture_use WHERE picture = $1 AND shown = 1 LIMIT 1";
        let is_new = self.transaction.first(shown, values![original]).await?.is_none();
        for (copy, bytes) in copies {
            let ImageCopy { name, media_type, width, height, size, is_still } = copy;
            self.put_bytes(name, media_type, bytes).await?;
            self.transaction
                .run(
                    "INSERT INTO picture_copy (picture, name, media_type, width, height, size, still, shown) \
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (picture, name) DO NOTHING",
                    values![
                        original,
                        name.as_str(),
                        media_type.as_str(),
                        i64::from(*width),
                        i64::from(*height),
                        *size,
                        *is_still,
                        is_new
                    ],
                )
                .await?;
        }
        Ok(())
    }

    /// Documents show all copies from now on, with a new generation and time: a document changes with its validators.
    pub(crate) async fn show_copies(&mut self) -> Result<(), StoreError> {
        let shown = self.transaction.run("UPDATE picture_copy SET shown = 1 WHERE shown = 0", &[]).await?;
        if shown > 0 {
            let now = self.options.clock.now().timestamp();
            let sql = "UPDATE log SET generation = generation + 1, configured_at = $1";
            self.transaction.run(sql, values![now]).await?;
        }
        Ok(())
    }

    /// Records the images of a stored version. `shown`: readers see this version.
    pub(crate) async fn link_images(
        &mut self,
        id: &ArticleId,
        images: &[String],
        shown: bool,
    ) -> Result<(), StoreError> {
        for picture in images {
            let row = row![picture.as_str(), id.as_str(), shown];
            self.transaction.insert(&IMAGE_USE, &[row]).await?;
            let used = "DELETE FROM picture_unused WHERE picture = $1";
            self.transaction.run(used, values![picture.as_str()]).await?;
        }
        Ok(())
    }

    /// Forgets the images of an article that was never published.
    pub(crate) async fn unlink_images(&mut self, id: &ArticleId) -> Result<(), StoreError> {
        let now = self.options.clock.now().timestamp();
        let unused = concat!(
            "INSERT INTO picture_unused (picture, since) SELECT due.picture, CAST($2 AS BIGINT) FROM (",
            only_of_article!(),
            ") due WHERE TRUE ON CONFLICT (picture) DO NOTHING"
        );
        self.transaction.run(unused, values![id.as_str(), now]).await?;
        let sql = "DELETE FROM picture_use WHERE article = $1";
        self.transaction.run(sql, values![id.as_str()]).await.map(|_| ())
    }

    /// Erases the images that only this article uses, and their copies.
    pub(crate) async fn erase_images(&mut self, id: &ArticleId) -> Result<(), StoreError> {
        // An image may be a copy of two others, or of one and itself an image of an article.
        let copies = concat!(
            "UPDATE picture SET bytes = $2 WHERE name IN (SELECT name FROM picture_copy WHERE picture IN (",
            only_of_article!(),
            ")) AND NOT EXISTS (SELECT 1 FROM picture_copy kept WHERE kept.name = picture.name AND kept.picture NOT IN (",
            only_of_article!(),
            ")) AND NOT EXISTS (SELECT 1 FROM picture_use WHERE picture = name AND article <> $1)"
        );
        let originals = concat!(
            "UPDATE picture SET bytes = $2 WHERE name IN (",
            only_of_article!(),
            ") AND NOT EXISTS (SELECT 1 FROM picture_copy kept WHERE kept.name = picture.name AND kept.picture NOT IN (",
            only_of_article!(),
            "))"
        );
        for sql in [copies, originals] {
            self.transaction.run(sql, values![id.as_str(), [].as_slice()]).await?;
        }
        for sql in [
            concat!("DELETE FROM picture_copy WHERE picture IN (", only_of_article!(), ")"),
            concat!("DELETE FROM picture_to_scale WHERE picture IN (", only_of_article!(), ")"),
            "DELETE FROM picture_use WHERE article = $1",
        ] {
            self.transaction.run(sql, values![id.as_str()]).await?;
        }
        Ok(())
    }
}
