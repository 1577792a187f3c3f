//! What an operator decides: doubtful items and pauses.

use serde_json::{Value, json};

use super::articles::OriginOfItem;
use super::collector::Collector;
use super::options::SourceOptions;
use super::report::PullReport;
use super::state::SourceState;
use crate::message::Message;
use crate::parse::{Repairs, SourceItem, read_feed_date};
use crate::store::{CollectedItem, ItemRecord, ItemState, Store, StoreError, SubmitOutcome};
use crate::time::PublishedAt;

/// Why a decision is not carried out.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// No doubtful item has this key.
    #[error("there is no doubtful item `{0}` of this source; `bantin sources doubtful` lists them")]
    UnknownItem(String),
    /// The item has no readable date and none was given.
    #[error("the date of the item cannot be read; name it: --published \"12/05/2023 17:39\"")]
    NoDate,
    /// The article is refused.
    #[error("the article is not accepted: {0}")]
    Refused(Message),
    /// The stored item is damaged.
    #[error("the stored item is damaged; the source must be polled again")]
    Damaged,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An item that is held back until somebody decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoubtfulItem {
    /// Name of its source.
    pub source: String,
    /// Its key within the source.
    pub key: String,
    /// Its title; empty if it has none.
    pub title: String,
    /// The URL of its page.
    pub link: Option<String>,
    /// Its date as the source writes it.
    pub date: Option<String>,
    /// Why it is held back.
    pub reason: Message,
    /// It is a correction of a published article, which stays as it is.
    pub is_correction: bool,
}

impl DoubtfulItem {
    fn of(record: ItemRecord) -> Self {
        let content =
            record.content.as_deref().and_then(|item| serde_json::from_str::<SourceItem>(item).ok());
        let (title, link) = content.map(|item| (item.title, item.link)).unwrap_or_default();
        let CollectedItem { source, key, date, .. } = record.item;
        let reason = record.reason.unwrap_or_else(|| Message::new("không rõ", "unknown"));
        Self { source, key, title, link, date, reason, is_correction: record.article.is_some() }
    }

    /// Its form on the command line and in the API.
    pub fn to_json(&self) -> Value {
        json!({
            "source": self.source, "key": self.key, "title": self.title, "link": self.link, "date": self.date,
            "correction": self.is_correction, "reason": self.reason.english,
            "reason_vi": self.reason.vietnamese,
        })
    }
}

/// The items of all sources that are held back, by source and key.
///
/// # Errors
/// If the store does not answer.
pub async fn doubtful(store: &Store) -> Result<Vec<DoubtfulItem>, StoreError> {
    Ok(store.doubtful_items().await?.into_iter().map(DoubtfulItem::of).collect())
}

/// The items of one source that are held back, by key: at most `limit` after the first `skip`.
///
/// # Errors
/// If the store does not answer.
pub async fn doubtful_of(
    store: &Store,
    source: &str,
    skip: usize,
    limit: usize,
) -> Result<Vec<DoubtfulItem>, StoreError> {
    let records = store.doubtful_items_of(source, skip, limit).await?;
    Ok(records.into_iter().map(DoubtfulItem::of).collect())
}

/// What becomes of a doubtful item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is published, with this date or its own.
    Accept(Option<PublishedAt>),
    /// It is never published. Of a published article only this correction is dropped, later ones are taken in.
    Drop,
}

/// Carries out a decision on the doubtful item `key` of a source. Returns what was done with its article.
///
/// # Errors
/// If it cannot be carried out. Nothing was changed then.
pub async fn decide(
    collector: &Collector,
    source: &SourceOptions,
    key: &str,
    decision: Decision,
) -> Result<Option<SubmitOutcome>, OperatorError> {
    let record = collector.0.store.doubtful_item(&source.name, key).await?;
    let record = record.ok_or_else(|| OperatorError::UnknownItem(key.to_owned()))?;
    let Decision::Accept(published) = decision else {
        let is_correction = record.article.is_some();
        let state = if is_correction { ItemState::Published } else { ItemState::Dropped };
        let record = ItemRecord { state, reason: None, content: None, ..record };
        collector.0.store.record_item(record).await?;
        return Ok(None);
    };
    let content = record.content.as_deref().ok_or(OperatorError::Damaged)?;
    let item: SourceItem = serde_json::from_str(content).map_err(|_| OperatorError::Damaged)?;
    let own =
        || read_feed_date(item.date.as_deref()?, collector.0.options.parse.zone, &mut Repairs::new()).ok();
    let published = published.or_else(|| own().map(|date| date.published)).ok_or(OperatorError::NoDate)?;
    let state = SourceState::load(&collector.0.store, source).await?;
    let feed = state.feed_url(source).to_owned();
    let (publisher, earlier) = (collector.0.publisher(source), record.item.hash.clone());
    let origin = OriginOfItem { earlier: Some(&earlier), published, feed: &feed, page: None };
    let done = publisher.publish(&item, record.item, origin, &mut Repairs::new()).await?;
    let outcome = done.outcome.map_err(OperatorError::Refused)?;
    if let SubmitOutcome::Published(_) = outcome {
        let now = collector.0.store.clock().now();
        // A poll may have gone on while the images were fetched.
        let mut state = SourceState::load(&collector.0.store, source).await?;
        state.count(&PullReport { published: 1, ..PullReport::default() }, now);
        state.count_day(published, now, collector.0.options.parse.zone);
        state.save(&collector.0.store, source).await?;
    }
    Ok(Some(outcome))
}

/// Pauses a source or lets it continue. One that answered 410 is tried again.
///
/// # Errors
/// If the store fails.
pub async fn set_paused(store: &Store, source: &SourceOptions, is_paused: bool) -> Result<(), StoreError> {
    let mut state = SourceState::load(store, source).await?;
    state.is_paused = is_paused;
    if !is_paused {
        (state.is_gone, state.next_due) = (false, None);
    }
    state.save(store, source).await
}
