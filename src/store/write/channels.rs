//! Channels over time: they are created, renamed, and include others, as configured.
//!
//! A channel is a view of the log: a new name replaces the old one, and a channel that includes others is
//! derived from the log. No revision is added and no number changes.

use std::collections::{BTreeMap, HashMap};

use crate::model::{ArticleId, Slug, included_channels};
use crate::store::aggregate::member_fingerprint;
use crate::store::engine::values;
use crate::store::error::StoreError;
use crate::store::metadata::add_checksums;
use crate::store::rows::{from_json, to_json};
use crate::store::sql::{ALL_CHANNELS, is_public};
use crate::store::write::log_writer::LogWriter;
use crate::urls::RESERVED_SLUGS;

/// Rows per query.
const BATCH_SIZE: i64 = 512;

/// Tables with a channel column.
const RENAME_STATEMENTS: [&str; 5] = [
    "UPDATE channel SET slug = $2 WHERE slug = $1",
    "UPDATE channel_revision SET channel = $2 WHERE channel = $1",
    "UPDATE membership SET channel = $2 WHERE channel = $1",
    "UPDATE file SET channel = $2 WHERE channel = $1",
    "UPDATE import SET channel = $2 WHERE channel = $1",
];

/// Columns with lists of channels: the query for rows that contain a slug, and the update of one row. A row
/// is identified by its key and the list itself, so that equal keys (in `import`) need no second column.
const LIST_COLUMNS: [(&str, &str); 6] = [
    (
        "SELECT id, channels FROM article WHERE channels LIKE $1",
        "UPDATE article SET channels = $3 WHERE id = $1 AND channels = $2",
    ),
    (
        "SELECT article, channels FROM revision WHERE channels LIKE $1 GROUP BY article, channels",
        "UPDATE revision SET channels = $3, checksum = NULL WHERE article = $1 AND channels = $2",
    ),
    (
        "SELECT article, channels FROM waiting WHERE channels LIKE $1",
        "UPDATE waiting SET channels = $3, checksum = NULL WHERE article = $1 AND channels = $2",
    ),
    (
        "SELECT path, channels FROM file WHERE channels LIKE $1",
        "UPDATE file SET channels = $3 WHERE path = $1 AND channels = $2",
    ),
    (
        "SELECT article, channels FROM import WHERE channels LIKE $1 GROUP BY article, channels",
        "UPDATE import SET channels = $3 WHERE article = $1 AND channels = $2",
    ),
    (
        "SELECT name, channels FROM token WHERE channels LIKE $1",
        "UPDATE token SET channels = $3 WHERE name = $1 AND channels = $2",
    ),
];

impl LogWriter<'_> {
    /// Creates a channel if necessary and sets its title. It becomes public with its first article, unless it is
    /// configured.
    pub(crate) async fn create_channel(
        &mut self,
        slug: &Slug,
        title: Option<&str>,
    ) -> Result<(), StoreError> {
        if RESERVED_SLUGS.contains(&slug.as_str()) {
            // Submissions to it are refused. It must not shadow a URL of the service either.
            return Ok(());
        }
        self.ensure_channel(slug.as_str()).await?;
        let Some(title) = title else { return Ok(()) };
        let renamed = self
            .transaction
            .run(
                "UPDATE channel SET title = $2 WHERE slug = $1 AND (title IS NULL OR title <> $2)",
                values![slug.as_str(), title],
            )
            .await?;
        let sql = concat!("SELECT 1 FROM channel WHERE slug = $1 AND ", is_public!());
        if renamed > 0 && self.transaction.first(sql, values![slug.as_str()]).await?.is_some() {
            let now = self.options.clock.now().timestamp();
            self.transaction
                .run("UPDATE log SET generation = generation + 1, configured_at = $1", values![now])
                .await?;
        }
        Ok(())
    }

    pub(crate) async fn ensure_channel(&mut self, slug: &str) -> Result<(), StoreError> {
        self.transaction
            .run(
                "INSERT INTO channel (slug, head, head_at, created_at) VALUES ($1, 0, 0, $2) \
                 ON CONFLICT (slug) DO NOTHING",
                values![slug, self.options.clock.now().timestamp()],
            )
            .await
            .map(|_| ())
    }

    /// Records that the list of channels changed.
    pub(crate) async fn mark_channels_changed(&mut self) -> Result<(), StoreError> {
        let now = self.options.clock.now().timestamp();
        self.transaction
            .run("UPDATE log SET generation = generation + 1, channels_at = $1", values![now])
            .await
            .map(|_| ())
    }

    /// Applies the configured channels.
    pub(crate) async fn sync_channels(&mut self) -> Result<(), StoreError> {
        let configured = &self.options.channels;
        for channel in configured {
            for was in &channel.former_slugs {
                self.rename_channel(was, &channel.slug).await?;
            }
            let first = channel.former_slugs.first().unwrap_or(&channel.slug);
            self.create_channel(&channel.slug, None).await?;
            let new = self
                .transaction
                .run(
                    "UPDATE channel SET founded_as = $2 WHERE slug = $1 AND founded_as = '' AND head = 0",
                    values![channel.slug.as_str(), first.as_str()],
                )
                .await?;
            if new > 0 {
                self.mark_channels_changed().await?;
            }
        }
        self.forget_unused_channels().await?;
        self.rebuild_aggregates().await
    }

    /// Hides channels that never had an article and are no longer configured.
    async fn forget_unused_channels(&mut self) -> Result<(), StoreError> {
        let unused =
            "SELECT slug FROM channel WHERE head = 0 AND founded_as <> '' AND slug <> '' ORDER BY slug";
        for row in self.transaction.rows(unused, &[]).await? {
            let slug = row.get_text(0)?;
            if !self.options.channels.iter().any(|channel| channel.slug.as_str() == slug) {
                // NOTE: the row stays, because of the title of a channel whose first article is scheduled.
                self.transaction
                    .run("UPDATE channel SET founded_as = '' WHERE slug = $1", values![slug])
                    .await?;
                self.mark_channels_changed().await?;
            }
        }
        Ok(())
    }

    /// Renames the channel `was` to `slug`. Does nothing if it does not exist or both have a log: two logs cannot be
    /// merged.
    async fn rename_channel(&mut self, was: &Slug, slug: &Slug) -> Result<(), StoreError> {
        let old = self.channel_head(was).await?;
        let (Some(_), new) = (old, self.channel_head(slug).await?) else { return Ok(()) };
        if new.is_some_and(|head| head > 0) {
            return Ok(());
        }
        // A channel that was created under the new name and never used is replaced.
        self.transaction.run("DELETE FROM channel WHERE slug = $1", values![slug.as_str()]).await?;
        self.transaction
            .run(
                "UPDATE channel SET founded_as = slug WHERE slug = $1 AND founded_as = ''",
                values![was.as_str()],
            )
            .await?;
        for sql in RENAME_STATEMENTS {
            self.transaction.run(sql, values![was.as_str(), slug.as_str()]).await?;
        }
        for (select, update) in LIST_COLUMNS {
            self.rename_in_lists(select, update, was, slug).await?;
        }
        while add_checksums(self.transaction).await? > 0 {}
        Ok(())
    }

    async fn rename_in_lists(
        &mut self,
        select: &'static str,
        update: &'static str,
        was: &Slug,
        slug: &Slug,
    ) -> Result<(), StoreError> {
        let rows = self.transaction.rows(select, values![format!("%\"{was}\"%")]).await?;
        for row in rows {
            let mut channels: Vec<Slug> = from_json(row.get_text(1)?)?;
            for channel in channels.iter_mut().filter(|channel| *channel == was) {
                channel.clone_from(slug);
            }
            channels.sort();
            channels.dedup();
            self.transaction
                .run(update, values![row.get_text(0)?, row.get_text(1)?, to_json(&channels)?])
                .await?;
        }
        Ok(())
    }

    async fn channel_head(&mut self, slug: &Slug) -> Result<Option<u64>, StoreError> {
        let sql = "SELECT head FROM channel WHERE slug = $1";
        let row = self.transaction.first(sql, values![slug.as_str()]).await?;
        row.map(|row| row.get_u64(0)).transpose()
    }

    /// Rebuilds the log of each channel that includes others if its members changed.
    async fn rebuild_aggregates(&mut self) -> Result<(), StoreError> {
        let rows = self
            .transaction
            .rows("SELECT slug, composition FROM channel WHERE slug <> '' ORDER BY slug", &[])
            .await?;
        for row in rows {
            let channel =
                Slug::parse(row.get_text(0)?).map_err(|cause| StoreError::Corrupt(cause.to_string()))?;
            let composition = member_fingerprint(&channel, &self.options.channels);
            if composition != row.get_text(1)? {
                self.rebuild_aggregate(&channel, &composition).await?;
            }
        }
        Ok(())
    }

    /// Rebuilds the log of this channel from the revisions that concern it, in order.
    async fn rebuild_aggregate(&mut self, channel: &Slug, composition: &str) -> Result<(), StoreError> {
        let slug = channel.as_str();
        for sql in
            ["DELETE FROM channel_revision WHERE channel = $1", "DELETE FROM membership WHERE channel = $1"]
        {
            self.transaction.run(sql, values![slug]).await?;
        }
        let members = included_channels(channel, &self.options.channels);
        let (mut number, mut head_at) = (0_u64, 0);
        // Per article: whether it is in this channel after its last revision.
        let mut stood: HashMap<ArticleId, bool> = HashMap::new();
        let mut below = 0_i64;
        loop {
            let rows = self
                .transaction
                .rows(
                    "SELECT number, article, kind, at, channels FROM revision WHERE number > $1 \
                     ORDER BY number LIMIT $2",
                    values![below, BATCH_SIZE],
                )
                .await?;
            for row in &rows {
                below = row.get_i64(0)?;
                let id = ArticleId::new(row.get_text(1)?);
                let channels: Vec<Slug> = from_json(row.get_text(4)?)?;
                let stands = channels.iter().any(|channel| members.contains(channel));
                let before = stood.insert(id.clone(), stands).unwrap_or_default();
                if !stands && !before {
                    continue;
                }
                let kind = if stands { row.get_text(2)? } else { "left" };
                (number, head_at) = (number + 1, row.get_i64(3)?);
                self.transaction
                    .run(
                        "INSERT INTO channel_revision (channel, number, revision, article, kind, at) \
                         VALUES ($1, $2, $3, $4, $5, $6)",
                        values![slug, number, below, id.as_str(), kind, head_at],
                    )
                    .await?;
            }
            if rows.len() < usize::try_from(BATCH_SIZE).unwrap_or(usize::MAX) {
                break;
            }
        }
        for (id, _) in stood.into_iter().filter(|(_, stands)| *stands).collect::<BTreeMap<_, _>>() {
            self.transaction
                .run(
                    "INSERT INTO membership (channel, article, stamp, place) \
                     SELECT $1, article, stamp, place FROM membership WHERE channel = $2 AND article = $3",
                    values![slug, ALL_CHANNELS, id.as_str()],
                )
                .await?;
        }
        self.transaction
            .run(
                "UPDATE channel SET head = $2, head_at = $3, composition = $4 WHERE slug = $1",
                values![slug, number, head_at, composition],
            )
            .await
            .map(|_| ())
    }
}

impl LogWriter<'_> {
    /// Applies the configured channels, and records the fingerprint of the configuration.
    pub(crate) async fn apply_config(&mut self, fingerprint: &str) -> Result<(), StoreError> {
        self.sync_channels().await?;
        let now = self.options.clock.now().timestamp();
        self.transaction
            .run(
                "UPDATE log SET configuration = $1, configured_at = $2, generation = generation + 1 \
                 WHERE configuration <> $1",
                values![fingerprint, now],
            )
            .await
            .map(|_| ())
    }
}
