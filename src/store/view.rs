//! What readers ask of the log. Each question reads one unchanging state of it.

use std::collections::{HashMap, HashSet};

use super::channels::is_public;
use super::engine::{Row, Transaction, Value, values};
use super::log_writer::{ALL_CHANNELS, day_text, from_json, read_permalink, version_of};
use super::{
    ArticleLookup, ArticleSummary, ChannelRecord, ChannelState, FileRecord, ImageLookup, ImportedFile,
    LiveFeedData, LiveFeedOptions, LogPosition, ScannedFile, Scheduled, StoreError,
};
use crate::model::{Article, ArticleId, Entry, Permalink, Slug, Tombstone};
use crate::time::{Timestamp, from_unix};
use crate::urls::Scope;

/// Columns of an article, in the order in which [`read_state`] reads them.
macro_rules! select_article {
    ($rest:literal) => {
        concat!(
            "SELECT a.id, a.day, a.slug, a.state, a.number, a.at, a.updated, a.channels, a.content, a.reason ",
            $rest
        )
    };
}

/// Rows of the log that are read at a time while a window is filled.
const BATCH_SIZE: i64 = 512;
/// A window of more changes than this is left out, however few the articles are that changed.
const MOST_ROWS_OF_A_WINDOW: usize = 4096;
/// Articles that are fetched with one statement.
const FETCH_SIZE: usize = 32;

pub(super) async fn live(
    reading: &mut Transaction,
    channel: Option<&Slug>,
    choice: LiveFeedOptions,
) -> Result<LiveFeedData, StoreError> {
    let slug = channel.map_or(ALL_CHANNELS, Slug::as_str);
    let configured_at = config_modified_at(reading).await?;
    let head = reading.first("SELECT head, head_at FROM channel WHERE slug = $1", values![slug]).await?;
    let state = match head {
        Some(row) => channel_state(row.get_u64(0)?, row.get_i64(1)?, configured_at),
        None => channel_state(0, 0, configured_at),
    };
    let mut chosen = choose(reading, slug, &state, configured_at, choice).await?;
    let (mut entries, mut tombstones, mut unreadable) = (Vec::new(), Vec::new(), Vec::new());
    for (id, state) in fetch(reading, &chosen.ids).await? {
        match state {
            Ok(Some(FetchedState::Live { entry, .. })) => entries.push(*entry),
            Ok(Some(FetchedState::Withdrawn(tombstone))) => tombstones.push(tombstone),
            Ok(None) => {}
            // One damaged article never takes a channel down.
            Err(StoreError::Corrupt(_)) => {
                chosen.miss(&id);
                unreadable.push(id);
            }
            Err(cause) => return Err(cause),
        }
    }
    in_order(&mut entries, &mut tombstones);
    let sealed_pages = state.number / choice.archive_page.max(1);
    let lasts = sealed_pages == 0
        || (choice.whole && newest_live(reading, slug, choice.limit).await? == entries.len());
    Ok(LiveFeedData {
        state,
        entries,
        tombstones,
        unreadable,
        sealed_pages,
        complete: lasts && !chosen.misses,
        delta_floor: chosen.covered_from,
        last_changes: chosen.changes,
        abridged: false,
    })
}

/// The order of every document: the newest stamp first and the latest withdrawal first, equal ones by id.
pub(super) fn in_order(entries: &mut [Entry], tombstones: &mut [Tombstone]) {
    entries.sort_by(|a, b| {
        b.article.published.instant.cmp(&a.article.published.instant).then_with(|| a.id.cmp(&b.id))
    });
    tombstones.sort_by(|a, b| b.when.cmp(&a.when).then_with(|| a.id.cmp(&b.id)));
}

/// A channel without a revision is as old as the configuration that made it (rule A3).
fn channel_state(number: u64, head_at: i64, configured_at: Timestamp) -> ChannelState {
    let updated = if number == 0 { configured_at } else { from_unix(head_at) };
    ChannelState { number, updated, last_modified: updated.max(configured_at) }
}

pub(super) async fn channel_states(
    reading: &mut Transaction,
) -> Result<HashMap<Scope, ChannelState>, StoreError> {
    let configured_at = config_modified_at(reading).await?;
    let rows = reading.rows("SELECT slug, head, head_at FROM channel", &[]).await?;
    rows.iter()
        .map(|row| {
            let slug = row.get_text(0)?;
            let scope = if slug == ALL_CHANNELS { None } else { Some(read_slug(slug)?) };
            Ok((scope, channel_state(row.get_u64(1)?, row.get_i64(2)?, configured_at)))
        })
        .collect()
}

fn read_slug(text: &str) -> Result<Slug, StoreError> {
    Slug::parse(text).map_err(|cause| StoreError::Corrupt(cause.to_string()))
}

/// What a live document shows: the unsealed tail and the newest by stamp, always; then all that changed within the
/// window, where all of it fits. A part of the window would help nobody, and the sealed pages hold it.
async fn choose(
    reading: &mut Transaction,
    slug: &str,
    state: &ChannelState,
    configured_at: Timestamp,
    choice: LiveFeedOptions,
) -> Result<LiveSelection, StoreError> {
    let items = if choice.whole { u32::try_from(choice.limit).unwrap_or(u32::MAX) } else { choice.items };
    let sealed = state.number - state.number % choice.archive_page.max(1);
    let mut chosen = LiveSelection { limit: choice.limit, ..LiveSelection::default() };
    let rows = reading
        .rows(
            "SELECT number, article, kind, at FROM channel_revision \
             WHERE channel = $1 AND number >= $2 ORDER BY number DESC",
            values![slug, sealed],
        )
        .await?;
    for row in &rows {
        chosen.see_configuration(row, configured_at)?;
        if row.get_u64(0)? > sealed {
            chosen.see(row)?;
        }
    }
    for id in newest(reading, slug, items).await? {
        chosen.add(id);
    }
    let since = state.updated.timestamp() - i64::try_from(choice.window).unwrap_or(i64::MAX);
    let mut with_window = chosen.clone();
    if with_window.add_window(reading, slug, sealed, since, configured_at, choice.bytes).await? {
        return Ok(with_window);
    }
    chosen.cover_from(sealed);
    Ok(chosen)
}

#[derive(Clone, Default)]
struct LiveSelection {
    ids: Vec<ArticleId>,
    seen: HashSet<ArticleId>,
    limit: usize,
    changes: HashMap<ArticleId, u64>,
    covered_from: u64,
    /// True where a living article or a tombstone is not shown, because of the limit.
    misses: bool,
}

impl LiveSelection {
    fn add(&mut self, id: ArticleId) {
        if self.seen.contains(&id) {
            return;
        }
        if self.ids.len() >= self.limit {
            self.miss(&id);
        } else {
            self.seen.insert(id.clone());
            self.ids.push(id);
        }
    }

    /// Adds all that changed at `since` or later; false where not all of it fits.
    async fn add_window(
        &mut self,
        reading: &mut Transaction,
        slug: &str,
        sealed: u64,
        since: i64,
        configured_at: Timestamp,
        bytes: u64,
    ) -> Result<bool, StoreError> {
        let (mut below, mut rows_read) = (sealed + 1, 0);
        loop {
            let rows = reading
                .rows(
                    "SELECT number, article, kind, at FROM channel_revision \
                     WHERE channel = $1 AND number < $2 ORDER BY number DESC LIMIT $3",
                    values![slug, below, BATCH_SIZE],
                )
                .await?;
            for row in &rows {
                self.see_configuration(row, configured_at)?;
                if row.get_i64(3)? < since {
                    self.cover_from(row.get_u64(0)?);
                    return self.fits(reading, slug, row.get_u64(0)?, sealed, bytes).await;
                }
                self.see(row)?;
                below = row.get_u64(0)?;
            }
            rows_read += rows.len();
            if self.misses || rows_read > MOST_ROWS_OF_A_WINDOW {
                return Ok(false);
            }
            if rows.len() < BATCH_SIZE as usize {
                return self.fits(reading, slug, 0, sealed, bytes).await;
            }
        }
    }

    /// True where what changed above number `low` and up to `sealed` is at most so many bytes as it is stored. Each
    /// article is counted with a quarter of them at most: what is longer is not shown whole.
    async fn fits(
        &self,
        reading: &mut Transaction,
        slug: &str,
        low: u64,
        sealed: u64,
        bytes: u64,
    ) -> Result<bool, StoreError> {
        if self.misses {
            return Ok(false);
        }
        let row = reading
            .one(
                "SELECT CAST(COALESCE(SUM(CASE WHEN OCTET_LENGTH(content) > $4 THEN $4 \
                 ELSE OCTET_LENGTH(content) END), 0) AS BIGINT) FROM article WHERE id IN \
                 (SELECT article FROM channel_revision \
                 WHERE channel = $1 AND number > $2 AND number <= $3 AND kind <> 'left')",
                values![slug, low, sealed, bytes / 4],
            )
            .await?;
        Ok(row.get_u64(0)? <= bytes)
    }

    /// Takes a row of the log, the newest first. Whoever left the channel is in it no more, whatever the
    /// older rows say.
    fn see(&mut self, row: &Row) -> Result<(), StoreError> {
        let (number, id) = (row.get_u64(0)?, ArticleId::new(row.get_text(1)?));
        if self.changes.contains_key(&id) {
            return Ok(());
        }
        self.changes.insert(id.clone(), number);
        if row.get_text(2)? == "left" {
            self.seen.insert(id);
            self.cover_from(number);
        } else {
            self.add(id);
        }
        Ok(())
    }

    /// Whoever holds this number may hold it in the words of another configuration.
    fn see_configuration(&mut self, row: &Row, configured_at: Timestamp) -> Result<(), StoreError> {
        if row.get_i64(3)? < configured_at.timestamp() {
            self.cover_from(row.get_u64(0)? + 1);
        }
        Ok(())
    }

    /// An article is not shown, so that its change cannot be told of either.
    fn miss(&mut self, id: &ArticleId) {
        self.misses = true;
        self.cover_from(self.changes.get(id).copied().unwrap_or_default());
    }

    fn cover_from(&mut self, number: u64) {
        self.covered_from = self.covered_from.max(number);
    }
}

/// How many articles live in the channel; of more than `limit`, only that there are more.
async fn newest_live(reading: &mut Transaction, slug: &str, limit: usize) -> Result<usize, StoreError> {
    let row = reading
        .one(
            "SELECT COUNT(*) FROM (SELECT 1 FROM membership WHERE channel = $1 LIMIT $2) living",
            values![slug, limit as u64 + 1],
        )
        .await?;
    Ok(usize::try_from(row.get_u64(0)?).unwrap_or(usize::MAX))
}

async fn newest(reading: &mut Transaction, slug: &str, items: u32) -> Result<Vec<ArticleId>, StoreError> {
    let rows = reading
        .rows(
            "SELECT article FROM membership WHERE channel = $1 ORDER BY stamp DESC, article LIMIT $2",
            values![slug, i64::from(items)],
        )
        .await?;
    rows.iter().map(|row| Ok(ArticleId::new(row.get_text(0)?))).collect()
}

enum FetchedState {
    Live { entry: Box<Entry>, number: u64, at: Timestamp },
    Withdrawn(Tombstone),
}

/// An article's state, or why it cannot be read; none for one that waits for its moment.
type Fetched = (ArticleId, Result<Option<FetchedState>, StoreError>);

/// The states of these articles, in no order.
async fn fetch(reading: &mut Transaction, ids: &[ArticleId]) -> Result<Vec<Fetched>, StoreError> {
    let mut states = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(FETCH_SIZE) {
        let mut parameters: Vec<Value> = chunk.iter().map(|id| Value::from(id.as_str())).collect();
        parameters.resize(FETCH_SIZE, Value::Null);
        let rows = reading
            .rows(
                select_article!(
                    "FROM article a WHERE a.id IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, \
                     $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, \
                     $31, $32)"
                ),
                &parameters,
            )
            .await?;
        for row in &rows {
            states.push((ArticleId::new(row.get_text(0)?), read_state(row)));
        }
    }
    Ok(states)
}

fn read_state(row: &Row) -> Result<Option<FetchedState>, StoreError> {
    let id = ArticleId::new(row.get_text(0)?);
    let permalink = read_permalink(row.get_text(1)?, row.get_text(2)?)?;
    match row.get_text(3)? {
        "live" => {
            let Some(content) = row.get_optional_text(8)? else {
                return Err(StoreError::Corrupt(format!("the living article {id} has no content")));
            };
            let entry = Entry {
                id,
                permalink,
                channels: from_json(row.get_text(7)?)?,
                updated: from_unix(row.get_i64(6)?),
                article: from_json(content)?,
            };
            let (number, at) = (row.get_u64(4)?, from_unix(row.get_i64(5)?));
            Ok(Some(FetchedState::Live { entry: Box::new(entry), number, at }))
        }
        "withdrawn" if row.get_u64(4)? > 0 => Ok(Some(FetchedState::Withdrawn(Tombstone {
            id,
            permalink,
            when: from_unix(row.get_i64(5)?),
            reason: row.get_optional_text(9)?.map(str::to_owned),
        }))),
        _ => Ok(None),
    }
}

pub(super) async fn article(
    reading: &mut Transaction,
    permalink: &Permalink,
) -> Result<ArticleLookup, StoreError> {
    let row = reading
        .first(
            select_article!("FROM article a WHERE a.day = $1 AND a.slug = $2"),
            values![day_text(permalink), permalink.slug.as_str()],
        )
        .await?;
    find_article(row.as_ref())
}

pub(super) async fn article_by_id(
    reading: &mut Transaction,
    id: &ArticleId,
) -> Result<ArticleLookup, StoreError> {
    let row = reading.first(select_article!("FROM article a WHERE a.id = $1"), values![id.as_str()]).await?;
    find_article(row.as_ref())
}

pub(super) async fn scheduled(
    reading: &mut Transaction,
    id: &ArticleId,
) -> Result<Option<Scheduled>, StoreError> {
    let row = reading
        .first(
            "SELECT a.day, a.slug, w.channels, w.content FROM article a JOIN waiting w ON w.article = a.id \
             WHERE a.id = $1 AND a.state = 'waiting'",
            values![id.as_str()],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let article: Article = from_json(row.get_text(3)?)?;
    let entry = Entry {
        id: id.clone(),
        permalink: read_permalink(row.get_text(0)?, row.get_text(1)?)?,
        channels: from_json(row.get_text(2)?)?,
        updated: article.published.instant,
        article,
    };
    Ok(Some(Scheduled { entry, version: version_of(row.get_text(2)?, row.get_text(3)?) }))
}

fn find_article(row: Option<&Row>) -> Result<ArticleLookup, StoreError> {
    Ok(match row.map(read_state).transpose()?.flatten() {
        Some(FetchedState::Live { entry, number, at }) => ArticleLookup::Live { entry, number, at },
        Some(FetchedState::Withdrawn(tombstone)) => ArticleLookup::Withdrawn(tombstone),
        None => ArticleLookup::NotFound,
    })
}

pub(super) async fn find_image(reading: &mut Transaction, name: &str) -> Result<ImageLookup, StoreError> {
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

pub(super) async fn files(reading: &mut Transaction) -> Result<Vec<FileRecord>, StoreError> {
    let rows = reading
        .rows(
            "SELECT path, channel, hash, size, modified, article, present, refused, pictures FROM file \
             ORDER BY path",
            &[],
        )
        .await?;
    rows.iter().map(read_file).collect()
}

pub(super) async fn files_at(
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

pub(super) async fn refused_files(reading: &mut Transaction) -> Result<Vec<String>, StoreError> {
    let rows =
        reading.rows("SELECT path FROM file WHERE present = 1 AND refused = 1 ORDER BY path", &[]).await?;
    rows.iter().map(|row| row.get_text(0).map(str::to_owned)).collect()
}

pub(super) async fn already_imported(
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

pub(super) async fn channels(reading: &mut Transaction) -> Result<Vec<ChannelRecord>, StoreError> {
    let rows = reading
        .rows(
            concat!(
                "SELECT slug, title, head, founded_as FROM channel WHERE slug <> '' AND ",
                is_public!(),
                " ORDER BY slug"
            ),
            &[],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let slug = read_slug(row.get_text(0)?)?;
            let founded_as = row.get_text(3)?;
            Ok(ChannelRecord {
                original_slug: if founded_as.is_empty() { slug.clone() } else { read_slug(founded_as)? },
                slug,
                title: row.get_optional_text(1)?.map(str::to_owned),
                head: row.get_u64(2)?,
            })
        })
        .collect()
}

pub(super) async fn config_modified_at(reading: &mut Transaction) -> Result<Timestamp, StoreError> {
    Ok(from_unix(reading.one("SELECT configured_at FROM log", &[]).await?.get_i64(0)?))
}

pub(super) async fn announcement(reading: &mut Transaction) -> Result<LogPosition, StoreError> {
    let row = reading.one("SELECT head, generation FROM log", &[]).await?;
    Ok(LogPosition { head: row.get_u64(0)?, config_epoch: row.get_u64(1)? })
}

pub(super) async fn channels_modified_at(reading: &mut Transaction) -> Result<Timestamp, StoreError> {
    let row = reading.one("SELECT channels_at, configured_at FROM log", &[]).await?;
    Ok(from_unix(row.get_i64(0)?.max(row.get_i64(1)?)))
}

pub(super) async fn next_due(reading: &mut Transaction) -> Result<Option<Timestamp>, StoreError> {
    let rows = reading.rows("SELECT due FROM waiting ORDER BY due LIMIT 1", &[]).await?;
    rows.first().map(|row| Ok(from_unix(row.get_i64(0)?))).transpose()
}

pub(super) async fn list_articles(
    reading: &mut Transaction,
    channel: Option<&Slug>,
    after: Option<&ArticleSummary>,
    limit: u32,
) -> Result<Vec<ArticleSummary>, StoreError> {
    // Without a start: before everything, which no stamp and no id comes before.
    let (stamp, id) = after.map_or((i64::MAX, ""), |last| (last.stamp.timestamp(), last.id.as_str()));
    let rows = reading
        .rows(
            "SELECT id, state, number, stamp, channels, content FROM article \
             WHERE (stamp < $1 OR (stamp = $1 AND id > $2)) \
             AND (CAST($3 AS TEXT) IS NULL OR channels LIKE '%\"' || $3 || '\"%') \
             ORDER BY stamp DESC, id LIMIT $4",
            values![stamp, id, channel.map(Slug::as_str), i64::from(limit)],
        )
        .await?;
    rows.iter().map(read_listed).collect()
}

fn read_listed(row: &Row) -> Result<ArticleSummary, StoreError> {
    let title = match row.get_optional_text(5)? {
        Some(content) => from_json::<Article>(content)?.title,
        None => String::new(),
    };
    Ok(ArticleSummary {
        id: ArticleId::new(row.get_text(0)?),
        state: row.get_text(1)?.to_owned(),
        number: row.get_u64(2)?,
        stamp: from_unix(row.get_i64(3)?),
        channels: from_json(row.get_text(4)?)?,
        title,
    })
}
