//! Items whose text changes again and again: a counter, the time of the request, an advertisement, two servers that
//! disagree. Their newest version waits in the store, so that nothing is lost if it falls off the feed.

use serde_json::{Value, json};

use super::item_changes::{ItemChanges, WaitingVersion};
use super::poll::Poll;
use crate::model::ArticleId;
use crate::parse::SourceItem;
use crate::store::{CollectedItem, ItemRecord, ItemState, Store, StoreError, UnsettledItem};
use crate::time::{PublishedAt, Timestamp, Zone, from_unix, rfc3339};

/// A published item of which a newer version waits, for operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingItem {
    /// Its article, which shows an earlier version.
    pub article: ArticleId,
    /// The title of the version that waits.
    pub title: String,
    /// Since when no version was taken in.
    pub since: Timestamp,
}

impl WaitingItem {
    /// Its form on the command line and in the API. Times are in `zone`.
    pub fn to_json(&self, source: &str, zone: Zone) -> Value {
        let since = rfc3339(self.since, zone);
        json!({ "source": source, "id": self.article, "title": self.title, "since": since })
    }
}

/// The items of a source of which a newer version waits, because they change again and again, by article.
///
/// # Errors
/// If the store does not answer.
pub async fn waiting_of(store: &Store, source: &str) -> Result<Vec<WaitingItem>, StoreError> {
    let items = store.unsettled_items(source).await?.into_iter().filter(|item| item.is_waiting);
    let waiting = |item: UnsettledItem| {
        let WaitingVersion { item: version, since, .. } = read(&item).waiting?;
        Some(WaitingItem { article: item.article, title: version.title, since: from_unix(since) })
    };
    Ok(items.filter_map(waiting).collect())
}

/// NOTE: a state that cannot be read begins anew; at worst some more corrections are taken in.
fn read(item: &UnsettledItem) -> ItemChanges {
    serde_json::from_str(&item.state).unwrap_or_default()
}

impl Poll<'_> {
    /// Reads which items of the source were corrected lately.
    pub(super) async fn load_unsettled(&mut self) -> Result<(), StoreError> {
        let items = self.context.store.unsettled_items(&self.source.name).await?;
        self.unsettled = items.into_iter().map(|item| (item.article.clone(), read(&item))).collect();
        Ok(())
    }

    /// True if this version of an item may be taken in. Otherwise it waits.
    pub(super) async fn may_take(
        &mut self,
        item: &SourceItem,
        collected: &CollectedItem,
        record: Option<&ItemRecord>,
        published: PublishedAt,
    ) -> Result<bool, StoreError> {
        let Some(article) = self.watched_article(record) else { return Ok(true) };
        let Some(mut changes) = self.unsettled.get(&article).cloned() else { return Ok(true) };
        let now = self.now.timestamp();
        if changes.may_take(&collected.hash, now) {
            return Ok(true);
        }
        if changes.waiting.is_none() {
            self.report.unsettled.push(item.title.clone());
        }
        changes.wait(item.clone(), collected.clone(), published, now);
        self.keep_changes(article, changes).await?;
        Ok(false)
    }

    /// An item was taken in as this version, which corrected its article or not.
    pub(super) async fn note_taken(
        &mut self,
        hash: &str,
        record: Option<&ItemRecord>,
        is_correction: bool,
    ) -> Result<(), StoreError> {
        let Some(article) = self.watched_article(record) else { return Ok(()) };
        let (before, now) = (self.unsettled.get(&article).cloned(), self.now.timestamp());
        if before.is_none() && !is_correction {
            return Ok(());
        }
        let mut changes = before.clone().unwrap_or_default();
        if is_correction {
            changes.correct(hash, now);
        } else {
            changes.meet(hash, now);
            changes.waiting = None;
        }
        if before.as_ref() == Some(&changes) { Ok(()) } else { self.keep_changes(article, changes).await }
    }

    /// Takes in what has waited long enough, and forgets what has settled. If the source is gone for ever, nothing waits.
    pub(super) async fn release(&mut self, is_gone: bool) -> Result<(), StoreError> {
        let now = self.now.timestamp();
        for (article, mut changes) in self.unsettled.clone() {
            if let Some(waiting) = changes.waiting.clone() {
                let is_due = is_gone || changes.is_due(now);
                if is_due && !self.take_waiting(waiting).await? {
                    changes.waiting = None;
                    self.keep_changes(article, changes).await?;
                }
            } else if changes.is_over(now) {
                self.context.store.forget_unsettled(&article).await?;
            }
        }
        Ok(())
    }

    /// False if the item was withdrawn or held back since.
    async fn take_waiting(&mut self, waiting: WaitingVersion) -> Result<bool, StoreError> {
        let collected = waiting.collected(&self.source.name);
        let record = self.context.store.collected(std::slice::from_ref(&collected)).await?.pop().flatten();
        if record.as_ref().is_none_or(|record| record.state != ItemState::Published) {
            return Ok(false);
        }
        self.publish_item(&waiting.item, collected, record, waiting.published).await?;
        Ok(true)
    }

    /// The article of an item that is watched. Another bantin tells each change once, and means it.
    fn watched_article(&self, record: Option<&ItemRecord>) -> Option<ArticleId> {
        record.and_then(|record| record.article.clone()).filter(|_| self.state.changes.is_none())
    }

    async fn keep_changes(&mut self, article: ArticleId, changes: ItemChanges) -> Result<(), StoreError> {
        let state =
            serde_json::to_string(&changes).map_err(|cause| StoreError::Corrupt(cause.to_string()))?;
        let (source, is_waiting) = (self.source.name.clone(), changes.waiting.is_some());
        let stored = UnsettledItem { article: article.clone(), source, state, is_waiting };
        self.unsettled.insert(article, changes);
        self.context.store.set_unsettled(stored).await
    }
}
