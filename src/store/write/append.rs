//! Appends a revision to the log and to every channel that it concerns.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::model::{ArticleId, Slug};
use crate::search_text;
use crate::store::aggregate::including_parents;
use crate::store::engine::{Value, values};
use crate::store::error::StoreError;
use crate::store::metadata::checksum;
use crate::store::queries::ChangeKind;
use crate::store::read::neighbours;
use crate::store::rows::{from_json, to_json};
use crate::store::sort_key::sort_key;
use crate::store::sql::ALL_CHANNELS;
use crate::store::stored_text::StoredText;
use crate::store::write::current::{ArticleStatus, CurrentArticle, state_columns};
use crate::store::write::log_writer::LogWriter;
use crate::store::write::new_rows::{CHANNEL_REVISION, MEMBERSHIP, REVISION, row};

/// A revision to append.
pub(crate) struct NewRevision<'a> {
    pub(crate) kind: ChangeKind,
    pub(crate) channels: Vec<Slug>,
    /// None if it was erased.
    pub(crate) text: Option<Cow<'a, StoredText>>,
    /// Publication date, in Unix seconds.
    pub(crate) stamp: i64,
    /// Correction time set by the author.
    pub(crate) named_update: Option<i64>,
    /// False if the article did not change for readers: it moved, or its images arrived (feed rule A3).
    pub(crate) is_correction: bool,
    pub(crate) reason: Option<&'a str>,
    pub(crate) author: &'a str,
    /// Status of the article after the revision.
    pub(crate) state: ArticleStatus,
}

impl<'a> NewRevision<'a> {
    /// The text that is stored with it. A withdrawn text stays with its last revision, for `restore`.
    pub(crate) fn carried(&self) -> Option<&StoredText> {
        self.text.as_deref().filter(|_| self.kind != ChangeKind::Withdrawn)
    }

    /// A row of [`REVISION`]. `channels` is the JSON of the channels.
    pub(crate) fn row(
        &self,
        article: &ArticleId,
        (number, at, updated): (u64, i64, i64),
        channels: &str,
    ) -> Vec<Value> {
        let mut values =
            row![number, article.as_str(), self.kind.name(), at, updated, channels, self.reason, self.author];
        values.push(checksum(&values).into());
        values.push(self.carried().map_or(Value::Null, |text| text.content.clone()));
        values
    }

    /// A revision with the current text and channels, which readers must see as a change.
    ///
    /// # Errors
    /// If the stored text is damaged. It can still be withdrawn.
    pub(crate) fn of(
        current: &CurrentArticle,
        kind: ChangeKind,
        author: &'a str,
        state: ArticleStatus,
    ) -> Result<Self, StoreError> {
        let text = current.content.as_deref().map(StoredText::of_json).transpose();
        let text = match kind {
            // Whoever holds a copy of a damaged text must drop it.
            ChangeKind::Withdrawn => text.unwrap_or_default(),
            _ => {
                text.map_err(|_| StoreError::Corrupt("the stored text is damaged. Write it anew".to_owned()))?
            }
        };
        let stamp = text.as_ref().map_or(current.updated, |text| text.stamp);
        let (channels, text) = (current.channels.clone(), text.map(Cow::Owned));
        let (named_update, is_correction, reason) = (None, true, None);
        Ok(Self { kind, channels, text, stamp, named_update, is_correction, reason, author, state })
    }
}

impl LogWriter<'_> {
    /// Appends the next revision to the log and to every channel that contains the article before or after it.
    pub(crate) async fn append(
        &mut self,
        current: &CurrentArticle,
        revision: NewRevision<'_>,
    ) -> Result<u64, StoreError> {
        // Never earlier than its predecessor, and never in the same second as the last revision of the article.
        let earliest = self.options.clock.now().timestamp().max(current.at + 1);
        let grown = "UPDATE log SET head = head + 1, head_at = CASE WHEN head_at > $1 THEN head_at ELSE $1 END \
             RETURNING head, head_at";
        let log = self.transaction.one(grown, values![earliest]).await?;
        let (number, at) = (log.get_u64(0)?, log.get_i64(1)?);
        let updated = updated_by(&revision, current, at);
        let channels = to_json(&revision.channels)?;
        let text = revision.text.as_deref();
        let carried = revision.carried();
        let row = revision.row(&current.id, (number, at, updated), &channels);
        self.transaction.insert(&REVISION, &[row]).await?;
        self.remove_from_index(current).await?;
        let (state, withdrawn_by) = state_columns(revision.state);
        let place = match revision.state {
            ArticleStatus::Live => Some(sort_key(self.transaction, &current.id, revision.stamp).await?),
            _ => None,
        };
        self.transaction
            .run(
                "UPDATE article SET state = $2, number = $3, at = $4, updated = $5, stamp = $6, \
                 channels = $7, content_of = COALESCE($8, content_of), length = COALESCE($9, length), \
                 link = $10, reason = $11, withdrawn_by = $12, place = $13 WHERE id = $1",
                values![
                    current.id.as_str(),
                    state,
                    number,
                    at,
                    updated,
                    revision.stamp,
                    channels.as_str(),
                    carried.map(|_| number),
                    carried.map(|text| text.json.len() as u64),
                    text.and_then(|text| text.link.as_deref()),
                    revision.reason,
                    withdrawn_by,
                    place
                ],
            )
            .await?;
        if let (Some(place), Some(text)) = (place, text) {
            self.transaction.add_to_index(place, &text.index).await?;
        }
        self.append_to_channels(current, &revision, number, at, place).await?;
        if current.was_published() {
            let unlinked = "UPDATE picture_use SET shown = 0 WHERE article = $1";
            self.transaction.run(unlinked, values![current.id.as_str()]).await?;
        }
        if let Some(text) = text {
            self.link_images(&current.id, &text.images, revision.state == ArticleStatus::Live).await?;
        }
        Ok(number)
    }

    /// The search no longer finds the article by its current text.
    async fn remove_from_index(&mut self, current: &CurrentArticle) -> Result<(), StoreError> {
        let (Some(place), Some(content)) = (current.place, &current.content) else { return Ok(()) };
        // A text that is damaged must not prevent its correction.
        let Ok(article) = from_json(content) else { return Ok(()) };
        self.transaction.remove_from_index(place, &search_text::index_text(&article)).await
    }

    async fn append_to_channels(
        &mut self,
        current: &CurrentArticle,
        revision: &NewRevision<'_>,
        number: u64,
        at: i64,
        place: Option<i64>,
    ) -> Result<(), StoreError> {
        let id = current.id.as_str();
        if current.was_published() {
            self.transaction.run("DELETE FROM membership WHERE article = $1", values![id]).await?;
        }
        let (before, after) = (
            including_parents(&current.channels, &self.options.channels),
            including_parents(&revision.channels, &self.options.channels),
        );
        let after: Vec<&str> = after.iter().map(Slug::as_str).chain([ALL_CHANNELS]).collect();
        let left = before.iter().map(Slug::as_str).filter(|slug| !after.contains(slug));
        let touched: Vec<(&str, &str)> = (after.iter().map(|slug| (*slug, revision.kind.name())))
            .chain(left.map(|slug| (slug, "left")))
            .collect();
        let places: BTreeSet<i64> = current.place.into_iter().chain(place).collect();
        for (channel, kind) in touched {
            let head = self.grow_channel(channel, at).await?;
            self.transaction.insert(&CHANNEL_REVISION, &[row![channel, head, number, id, kind, at]]).await?;
            if let Some(place) = place.filter(|_| kind != "left") {
                let member = row![channel, id, revision.stamp, place, 0_i64];
                self.transaction.insert(&MEMBERSHIP, &[member]).await?;
            }
            // No page links to a neighbour in the view of all channels.
            for place in places.iter().filter(|_| channel != ALL_CHANNELS) {
                neighbours::mark_changed(self.transaction, channel, *place, number).await?;
            }
        }
        Ok(())
    }

    /// Gives a channel its next number, and creates the channel if it does not exist.
    async fn grow_channel(&mut self, channel: &str, at: i64) -> Result<u64, StoreError> {
        let grown =
            "UPDATE channel SET head = head + 1, head_at = $2 WHERE slug = $1 RETURNING head, founded_as";
        let row = match self.transaction.first(grown, values![channel, at]).await? {
            Some(row) => row,
            None => {
                self.ensure_channel(channel).await?;
                self.transaction.one(grown, values![channel, at]).await?
            }
        };
        let head = row.get_u64(0)?;
        if head == 1 && row.get_text(1)?.is_empty() && channel != ALL_CHANNELS {
            self.mark_channels_changed().await?;
        }
        Ok(head)
    }
}

/// When the article last changed for readers (feed rule A3): its publication date at first, then the time of
/// each revision that corrects, withdraws or restores it. The author's own time is used only if it keeps this
/// order.
pub(crate) fn updated_by(revision: &NewRevision<'_>, current: &CurrentArticle, at: i64) -> i64 {
    let (base, before) = match revision.kind {
        ChangeKind::Published => (revision.stamp, revision.stamp),
        _ if !revision.is_correction => (current.updated, current.updated),
        _ => (at, current.updated),
    };
    match revision.named_update {
        Some(named) if named > before && named <= at => named,
        _ => base,
    }
}
