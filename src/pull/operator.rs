//! What an operator decides: doubtful items and pauses.

use super::articles::OriginOfItem;
use super::collector::Collector;
use super::options::SourceOptions;
use super::state::SourceState;
use crate::parse::{Repairs, SourceItem, read_feed_date};
use crate::store::{ItemRecord, ItemState, Store, StoreError, SubmitOutcome};
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
    Refused(String),
    /// The stored item is damaged.
    #[error("the stored item is damaged; the source must be polled again")]
    Damaged,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What becomes of a doubtful item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is published, with this date or its own.
    Accept(Option<PublishedAt>),
    /// It is never published.
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
    let doubtful = collector.0.store.doubtful_items().await?;
    let record =
        doubtful.into_iter().find(|record| record.item.source == source.name && record.item.key == key);
    let record = record.ok_or_else(|| OperatorError::UnknownItem(key.to_owned()))?;
    let Decision::Accept(published) = decision else {
        let record = ItemRecord { state: ItemState::Dropped, reason: None, content: None, ..record };
        collector.0.store.record_item(record).await?;
        return Ok(None);
    };
    let content = record.content.as_deref().ok_or(OperatorError::Damaged)?;
    let item: SourceItem = serde_json::from_str(content).map_err(|_| OperatorError::Damaged)?;
    let own =
        || read_feed_date(item.date.as_deref()?, collector.0.options.parse.zone, &mut Repairs::new()).ok();
    let published = published.or_else(|| own().map(|date| date.published)).ok_or(OperatorError::NoDate)?;
    let state = SourceState::load(&collector.0.store, source).await?;
    let feed = state.feed_url(source);
    let (publisher, earlier) = (collector.0.publisher(source), record.item.hash.clone());
    let origin = OriginOfItem { earlier: Some(&earlier), published, feed, page: None };
    let published = publisher.publish(&item, record.item, origin, &mut Repairs::new()).await?;
    published.outcome.map(Some).map_err(OperatorError::Refused)
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
