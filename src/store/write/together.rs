//! Publishes new articles together: with a few statements for all of them, where [`LogWriter::submit_or_refuse`] needs
//! about twenty for each. A server answers one message at a time, and a first scan waited for little else.
//!
//! An article is published here only if it comes from a file and nothing is stored that it could belong to, copy or collide
//! with: then there is nothing to decide, and what is written is the same.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::model::{Permalink, Slug};
use crate::store::aggregate::including_parents;
use crate::store::engine::bulk::{Insert, Kind};
use crate::store::engine::{Row, Value, values};
use crate::store::error::StoreError;
use crate::store::outcome::{SubmitOutcome, SubmitResult};
use crate::store::queries::ChangeKind;
use crate::store::read::neighbours;
use crate::store::rows::{day_text, to_json};
use crate::store::sort_key::{KEYS_PER_SECOND, first_sort_key, full_second};
use crate::store::sql::ALL_CHANNELS;
use crate::store::submission::{ArticleVersion, PreparedSubmission, Source, WriteConditions};
use crate::store::write::append::{NewRevision, updated_by};
use crate::store::write::current::{ArticleStatus, CurrentArticle, new_article, state_columns};
use crate::store::write::files::{FOLDER, IMPORT, file_row, import_row};
use crate::store::write::log_writer::{LogWriter, MAX_TOGETHER, Together};
use crate::store::write::new_rows::{CHANNEL_REVISION, FILE, IMAGE_USE, IMPORTED, MEMBERSHIP, REVISION, row};
use crate::store::write::submit::{submit_result, validate};
use crate::time::{from_unix, local_date};

/// Bytes of the texts that are published together at most: what waits for the log waits for them.
const MAX_BYTES: usize = 8 << 20;

macro_rules! article_columns {
    ($($more:expr)?) => {
        &[
            ("id", Kind::Text),
            ("day", Kind::Text),
            ("slug", Kind::Text),
            ("state", Kind::Text),
            ("number", Kind::Integer),
            ("at", Kind::Integer),
            ("updated", Kind::Integer),
            ("stamp", Kind::Integer),
            ("channels", Kind::Text),
            ("content_of", Kind::Integer),
            ("length", Kind::Integer),
            ("link", Kind::Text),
            ("place", Kind::Integer),
            $($more)?
        ]
    };
}
const ARTICLE: Insert = Insert { table: "article", columns: article_columns!(), on_conflict: "" };
const INDEXED_ARTICLE: Insert =
    Insert { table: "article", columns: article_columns!(("folded", Kind::Text)), on_conflict: "" };

/// The positions of the articles of which something is known. NOTE: subqueries with LIMIT, which PostgreSQL looks up in an
/// index for each row; it might read a whole table for EXISTS.
const KNOWN: &str = "SELECT CAST(q.value ->> 0 AS BIGINT) FROM {rows} WHERE COALESCE(\
     (SELECT 1 FROM article WHERE day = (q.value ->> 1) AND slug = (q.value ->> 2) LIMIT 1), \
     (SELECT 1 FROM article WHERE id = (q.value ->> 3) LIMIT 1), \
     (SELECT 1 FROM file WHERE hash = (q.value ->> 4) LIMIT 1), \
     (SELECT 1 FROM import WHERE hash = (q.value ->> 4) LIMIT 1), \
     (SELECT 1 FROM file WHERE path = (q.value ->> 5) LIMIT 1), \
     (SELECT 1 FROM import WHERE source = (q.value ->> 6) AND place = (q.value ->> 7) LIMIT 1)) IS NOT NULL \
     ORDER BY 1";
const LAST_PLACES: &str = "SELECT CAST(q.value ->> 0 AS BIGINT), (SELECT MAX(place) FROM article \
     WHERE place >= CAST(q.value ->> 0 AS BIGINT) AND place < CAST(q.value ->> 1 AS BIGINT)) FROM {rows}";
const CHANNELS: &str =
    "SELECT slug, head, founded_as FROM channel WHERE slug IN (SELECT q.value ->> 0 FROM {rows})";
const GROW_CHANNELS: &str = "UPDATE channel SET head = CAST(q.value ->> 1 AS BIGINT), \
     head_at = CAST(q.value ->> 2 AS BIGINT) FROM {rows} WHERE slug = (q.value ->> 0)";
const MARK_MEMBERS: &str = "UPDATE membership SET around = CAST(q.value ->> 2 AS BIGINT) FROM {rows} \
     WHERE channel = (q.value ->> 0) AND place = CAST(q.value ->> 1 AS BIGINT)";
const USED_IMAGES: &str = "DELETE FROM picture_unused WHERE picture IN (SELECT q.value ->> 0 FROM {rows})";

/// A submission that may be a new article.
struct Candidate<'s> {
    prepared: &'s PreparedSubmission,
    current: CurrentArticle,
    channels: Vec<Slug>,
}

/// By what a stored article is recognized as that of a submission.
#[derive(PartialEq, Eq, Hash)]
enum Key<'s> {
    Permalink(&'s Permalink),
    Hash(&'s str),
    Path(&'s str),
    Place(&'s str, &'s str),
}

impl Candidate<'_> {
    fn keys(&self) -> Vec<Key<'_>> {
        let mut keys = vec![Key::Permalink(&self.current.permalink)];
        match &self.prepared.submission.source {
            Source::File { seen, .. } => keys.extend([Key::Hash(&seen.hash), Key::Path(&seen.path)]),
            Source::Import(file) => {
                keys.extend([Key::Hash(&file.hash), Key::Place(&file.source, &file.place)]);
            }
            Source::Command(_) | Source::Collected(_) => {}
        }
        keys
    }

    /// A row for [`KNOWN`].
    fn question(&self, position: usize) -> serde_json::Value {
        let CurrentArticle { id, permalink, .. } = &self.current;
        let (mut hash, mut path, mut place) = (None, None, (None, None));
        for key in self.keys() {
            match key {
                Key::Permalink(_) => {}
                Key::Hash(value) => hash = Some(value.to_owned()),
                Key::Path(value) => path = Some(value.to_owned()),
                Key::Place(source, value) => place = (Some(source.to_owned()), Some(value.to_owned())),
            }
        }
        let day = day_text(permalink);
        serde_json::json!([position, day, permalink.slug.as_str(), id.as_str(), hash, path, place.0, place.1])
    }
}

/// How many of the first share nothing with one before them.
fn distinct(candidates: &[Candidate<'_>]) -> usize {
    let mut seen = HashSet::new();
    let repeats =
        candidates.iter().position(|candidate| !candidate.keys().into_iter().all(|key| seen.insert(key)));
    repeats.unwrap_or(candidates.len())
}

/// What the log holds around the new articles, and what they make of it.
struct LogState {
    head: u64,
    at: i64,
    /// By slug.
    channels: BTreeMap<String, ChannelHead>,
    /// By second: the last sort key.
    last_places: HashMap<i64, Option<i64>>,
    /// By channel: see [`neighbours::mark_added`].
    around: HashMap<String, BTreeMap<i64, Option<u64>>>,
}

#[derive(Default)]
struct ChannelHead {
    head: u64,
    has_row: bool,
    /// Readers know it from its first article on, unless they know it from the configuration.
    is_new: bool,
}

impl LogState {
    /// The next sort key of a second.
    fn next_place(&mut self, stamp: i64) -> Result<i64, StoreError> {
        let first = first_sort_key(from_unix(stamp));
        let last = self.last_places.entry(first).or_default();
        let place = last.map_or(first, |last| last + 1);
        if place >= first.saturating_add(KEYS_PER_SECOND) {
            return Err(full_second());
        }
        *last = Some(place);
        Ok(place)
    }

    fn next_number(&mut self) -> u64 {
        self.head += 1;
        self.head
    }

    fn grow_channel(&mut self, slug: &str) -> u64 {
        let channel = self.channels.entry(slug.to_owned()).or_default();
        channel.head += 1;
        channel.head
    }
}

/// The rows of new articles.
#[derive(Default)]
struct NewRows<'s> {
    revisions: Vec<Vec<Value>>,
    articles: Vec<Vec<Value>>,
    index: Vec<(i64, &'s str)>,
    files: Vec<Vec<Value>>,
    imported: Vec<Vec<Value>>,
    channel_revisions: Vec<Vec<Value>>,
    /// Channel, article, publication date and sort key.
    members: Vec<(String, String, i64, i64)>,
    images: Vec<Vec<Value>>,
    used_images: BTreeSet<[&'s str; 1]>,
}

impl LogWriter<'_> {
    /// Publishes the first of these submissions, as many as are new.
    ///
    /// # Errors
    /// If the engine fails. Nothing may be committed then.
    pub(crate) async fn publish_together(
        &mut self,
        submissions: &[&PreparedSubmission],
    ) -> Result<Together, StoreError> {
        let mut candidates = self.candidates(submissions);
        if candidates.is_empty() {
            return Ok(Together::Alone(1));
        }
        let known = self.known(&candidates).await?;
        match known.first() {
            Some(0) => {
                let alone = known.iter().enumerate().take_while(|(place, known)| place == *known).count();
                return Ok(Together::Alone(alone));
            }
            Some(first) => candidates.truncate(*first),
            None => {}
        }
        self.begin_one().await?;
        let published = match self.publish_all(&candidates).await {
            Ok(published) => Together::Published(published),
            // The engine cannot keep one of them. It is found when each is published alone.
            Err(cause) if cause.is_of_one_write() => {
                self.undo_one().await?;
                Together::Alone(candidates.len())
            }
            Err(cause) => return Err(cause),
        };
        self.end_one().await?;
        Ok(published)
    }

    /// The first submissions that may be new articles: nothing but what is stored says otherwise.
    fn candidates<'s>(&self, submissions: &[&'s PreparedSubmission]) -> Vec<Candidate<'s>> {
        let (mut candidates, mut bytes) = (Vec::with_capacity(submissions.len()), 0);
        for prepared in submissions.iter().take(MAX_TOGETHER) {
            bytes += prepared.text.json.len();
            match self.candidate(prepared) {
                Some(candidate) if bytes <= MAX_BYTES || candidates.is_empty() => candidates.push(candidate),
                _ => break,
            }
        }
        let distinct = distinct(&candidates);
        candidates.truncate(distinct);
        candidates
    }

    fn candidate<'s>(&self, prepared: &'s PreparedSubmission) -> Option<Candidate<'s>> {
        let submission = &prepared.submission;
        let (now, published) = (self.options.clock.now(), submission.article.published.instant);
        let from_file = match &submission.source {
            Source::File { renamed_from, .. } => renamed_from.is_none(),
            Source::Import(_) => true,
            Source::Command(_) | Source::Collected(_) => false,
        };
        let is_plain = submission.id.is_none() && submission.conditions == WriteConditions::default();
        if !from_file || !is_plain || published > now || validate(submission, now).is_some() {
            return None;
        }
        let permalink =
            Permalink { day: local_date(published, self.options.zone), slug: submission.stem.clone() };
        let current = new_article(self.options.addresses.article_id(&permalink), permalink);
        let mut channels = submission.channels.clone();
        channels.sort();
        channels.dedup();
        let is_closed = self.closed_channel(submission, &channels, &current).is_some();
        let candidate = Candidate { prepared, current, channels };
        // A value that the engines store differently is left to the usual way.
        (!is_closed && !candidate.question(0).to_string().contains("\\u0000")).then_some(candidate)
    }

    /// The positions of the candidates of which something is known.
    async fn known(&mut self, candidates: &[Candidate<'_>]) -> Result<Vec<usize>, StoreError> {
        let questions: Vec<_> =
            candidates.iter().enumerate().map(|(place, candidate)| candidate.question(place)).collect();
        let rows = self.transaction.rows_for(KNOWN, to_json(&questions)?).await?;
        rows.iter().map(|row| Ok(usize::try_from(row.get_u64(0)?).unwrap_or_default())).collect()
    }

    async fn publish_all(&mut self, candidates: &[Candidate<'_>]) -> Result<Vec<SubmitResult>, StoreError> {
        let mut state = self.log_state(candidates).await?;
        let mut spots = Vec::new();
        let mut places = Vec::with_capacity(candidates.len());
        for candidate in candidates {
            let place = state.next_place(candidate.prepared.text.stamp)?;
            places.push(place);
            spots.extend(self.touched(candidate).into_iter().map(|channel| (channel, place)));
        }
        // No page links to a neighbour in the view of all channels.
        spots.retain(|(channel, _)| channel != ALL_CHANNELS);
        let near: Vec<(&str, i64)> =
            spots.iter().map(|(channel, place)| (channel.as_str(), *place)).collect();
        for (channel, place) in neighbours::places_around(self.transaction, &near).await? {
            state.around.entry(channel).or_default().insert(place, None);
        }
        let mut rows = NewRows::default();
        let mut results = Vec::with_capacity(candidates.len());
        for (candidate, place) in candidates.iter().zip(places) {
            let number = state.next_number();
            self.add_rows(&mut rows, candidate, &mut state, (number, place))?;
            let result = submit_result(&candidate.current, SubmitOutcome::Published(number));
            results.push(SubmitResult { version: Some(ArticleVersion::Number(number)), ..result });
        }
        self.insert_rows(rows, &mut state).await?;
        self.grow(state).await?;
        Ok(results)
    }

    /// The channels whose logs an article enters.
    fn touched(&self, candidate: &Candidate<'_>) -> Vec<String> {
        let channels = including_parents(&candidate.channels, &self.options.channels);
        channels.iter().map(|slug| slug.as_str().to_owned()).chain([ALL_CHANNELS.to_owned()]).collect()
    }

    async fn log_state(&mut self, candidates: &[Candidate<'_>]) -> Result<LogState, StoreError> {
        let log = self.transaction.one("SELECT head, head_at FROM log", &[]).await?;
        // Never earlier than its predecessor.
        let at = log.get_i64(1)?.max(self.options.clock.now().timestamp()).max(1);
        let channels: BTreeSet<String> =
            candidates.iter().flat_map(|candidate| self.touched(candidate)).collect();
        let asked: Vec<[&str; 1]> = channels.iter().map(|slug| [slug.as_str()]).collect();
        let rows = self.transaction.rows_for(CHANNELS, to_json(&asked)?).await?;
        let without_row = |slug| (slug, ChannelHead { is_new: true, ..ChannelHead::default() });
        let mut channels: BTreeMap<_, _> = channels.into_iter().map(without_row).collect();
        for row in &rows {
            let head = row.get_u64(1)?;
            let is_new = head == 0 && row.get_text(2)?.is_empty();
            channels.insert(row.get_text(0)?.to_owned(), ChannelHead { head, has_row: true, is_new });
        }
        let second = |candidate: &Candidate<'_>| first_sort_key(from_unix(candidate.prepared.text.stamp));
        let seconds: BTreeSet<i64> = candidates.iter().map(second).collect();
        let seconds: Vec<[i64; 2]> =
            seconds.into_iter().map(|first| [first, first.saturating_add(KEYS_PER_SECOND)]).collect();
        let rows = self.transaction.rows_for(LAST_PLACES, to_json(&seconds)?).await?;
        let last = |row: &Row| Ok((row.get_i64(0)?, row.get_optional_i64(1)?));
        let last_places = rows.iter().map(last).collect::<Result<_, StoreError>>()?;
        Ok(LogState { head: log.get_u64(0)?, at, channels, last_places, around: HashMap::new() })
    }

    fn add_rows<'s>(
        &self,
        rows: &mut NewRows<'s>,
        candidate: &Candidate<'s>,
        state: &mut LogState,
        (number, place): (u64, i64),
    ) -> Result<(), StoreError> {
        let Candidate { prepared, current, channels } = candidate;
        let (text, id, at) = (&prepared.text, current.id.as_str(), state.at);
        let author = match &prepared.submission.source {
            Source::File { seen, .. } => {
                rows.files.push(file_row(seen, Some(&current.id), &prepared.submission.channels, false)?);
                FOLDER
            }
            Source::Import(file) => {
                rows.imported.push(import_row(file, &current.id, &prepared.submission.channels)?);
                IMPORT
            }
            Source::Command(_) | Source::Collected(_) => {
                return Err(StoreError::Corrupt("only files are published together".to_owned()));
            }
        };
        let revision = NewRevision {
            kind: ChangeKind::Published,
            channels: channels.clone(),
            text: Some(Cow::Borrowed(text)),
            stamp: text.stamp,
            named_update: prepared.submission.article.updated.map(|moment| moment.timestamp()),
            is_correction: true,
            reason: None,
            author,
            state: ArticleStatus::Live,
        };
        let updated = updated_by(&revision, current, at);
        let json = to_json(channels)?;
        rows.revisions.push(revision.row(&current.id, (number, at, updated), &json));
        rows.articles.push(row![
            id,
            day_text(&current.permalink),
            current.permalink.slug.as_str(),
            state_columns(revision.state).0,
            number,
            at,
            updated,
            text.stamp,
            json,
            number,
            text.json.len() as u64,
            text.link.as_deref(),
            place
        ]);
        rows.index.push((place, &text.index));
        for channel in self.touched(candidate) {
            let head = state.grow_channel(&channel);
            let kind = revision.kind.name();
            rows.channel_revisions.push(row![channel.as_str(), head, number, id, kind, at]);
            if channel != ALL_CHANNELS {
                let around = state.around.entry(channel.clone()).or_default();
                neighbours::mark_added(around, place, number);
            }
            rows.members.push((channel, id.to_owned(), text.stamp, place));
        }
        for image in text.images.iter().map(String::as_str).collect::<BTreeSet<_>>() {
            rows.images.push(row![image, id, true]);
            rows.used_images.insert([image]);
        }
        Ok(())
    }

    async fn insert_rows(&mut self, rows: NewRows<'_>, state: &mut LogState) -> Result<(), StoreError> {
        self.transaction.insert(&REVISION, &rows.revisions).await?;
        self.transaction.insert_indexed((&ARTICLE, &INDEXED_ARTICLE), rows.articles, rows.index).await?;
        self.transaction.insert(&FILE, &rows.files).await?;
        self.transaction.insert(&IMPORTED, &rows.imported).await?;
        self.transaction.insert(&CHANNEL_REVISION, &rows.channel_revisions).await?;
        let mut members = Vec::with_capacity(rows.members.len());
        for (channel, article, stamp, place) in rows.members {
            let mark = state.around.get_mut(&channel).and_then(|around| around.remove(&place)).flatten();
            members.push(row![channel, article, stamp, place, mark.unwrap_or_default()]);
        }
        self.transaction.insert(&MEMBERSHIP, &members).await?;
        // What is left was there before.
        let marks: Vec<(&str, i64, u64)> = (state.around.iter())
            .flat_map(|(channel, around)| around.iter().map(move |(place, mark)| (channel, place, mark)))
            .filter_map(|(channel, place, mark)| Some((channel.as_str(), *place, (*mark)?)))
            .collect();
        if !marks.is_empty() {
            self.transaction.rows_for(MARK_MEMBERS, to_json(&marks)?).await?;
        }
        self.transaction.insert(&IMAGE_USE, &rows.images).await?;
        if !rows.used_images.is_empty() {
            self.transaction.rows_for(USED_IMAGES, to_json(&rows.used_images)?).await?;
        }
        Ok(())
    }

    /// Stores the heads of the log and of the channels. A channel becomes public with its first article.
    async fn grow(&mut self, state: LogState) -> Result<(), StoreError> {
        for (slug, channel) in &state.channels {
            if !channel.has_row {
                self.ensure_channel(slug).await?;
            }
            if channel.is_new && slug != ALL_CHANNELS {
                self.mark_channels_changed().await?;
            }
        }
        let heads: Vec<_> =
            state.channels.iter().map(|(slug, channel)| (slug, channel.head, state.at)).collect();
        self.transaction.rows_for(GROW_CHANNELS, to_json(&heads)?).await?;
        let grown = "UPDATE log SET head = $1, head_at = $2";
        self.transaction.run(grown, values![state.head, state.at]).await.map(|_| ())
    }
}
