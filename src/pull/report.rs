//! What a poll did, and how sources are.

use super::options::PullOptions;
use super::state::SourceState;
use crate::parse::Repairs;
use crate::store::{Store, StoreError};

/// What one poll did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PullReport {
    /// Items in the feed; none if it did not change.
    pub items: u64,
    /// New articles.
    pub published: u64,
    /// Corrected, moved and restored articles.
    pub corrected: u64,
    /// Withdrawn articles.
    pub withdrawn: u64,
    /// Title and reason of the items that are held back since this poll.
    pub doubtful: Vec<(String, String)>,
    /// Items that are older than the configuration wants.
    pub too_old: u64,
    /// What was repaired.
    pub repairs: Repairs,
    /// Why the source could not be read.
    pub error: Option<String>,
}

/// How a source is.
#[derive(Clone, Debug)]
pub struct SourceHealth {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: SourceState,
    /// Number of its doubtful items.
    pub doubtful: u64,
    /// Whether the configuration enables it.
    pub enabled: bool,
}

impl SourceHealth {
    /// One word: `ok`, `failing`, `gone`, `paused`, `disabled` or `new`.
    pub fn word(&self) -> &'static str {
        match &self.state {
            _ if !self.enabled => "disabled",
            state if state.is_paused => "paused",
            state if state.is_gone => "gone",
            state if state.failing_since.is_some() => "failing",
            state if state.last_success.is_none() => "new",
            _ => "ok",
        }
    }
}

/// How all configured sources are, in the order of the configuration.
///
/// # Errors
/// If the database does not answer.
pub async fn health(store: &Store, options: &PullOptions) -> Result<Vec<SourceHealth>, StoreError> {
    let doubtful = store.doubtful_items().await?;
    let mut all = Vec::with_capacity(options.sources.len());
    for source in &options.sources {
        let state = SourceState::load(store, source).await?;
        let of_source = doubtful.iter().filter(|record| record.item.source == source.name);
        let doubtful = of_source.count() as u64;
        all.push(SourceHealth { name: source.name.clone(), state, doubtful, enabled: source.enabled });
    }
    Ok(all)
}
