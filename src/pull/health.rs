//! How sources are.

use serde_json::{Value, json};

use super::options::{PullOptions, SourceOptions};
use super::state::SourceState;
use crate::model::ArticleId;
use crate::store::{ProbableDuplicate, SourceCounts, Store, StoreError};
use crate::time::{Timestamp, Zone, rfc3339};

/// How a source is.
#[derive(Clone, Debug)]
pub struct SourceHealth {
    /// Its name.
    pub name: String,
    /// Its URL in the configuration.
    pub url: String,
    /// Its state.
    pub state: SourceState,
    /// How many of its items somebody should look at.
    pub counts: SourceCounts,
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

impl SourceHealth {
    /// The form of `bantin sources --json` and of the API. Times are in `zone`.
    pub fn to_json(&self, zone: Zone, now: Timestamp) -> Value {
        let state = &self.state;
        let moment = |moment: Option<Timestamp>| moment.map(|moment| rfc3339(moment, zone));
        json!({
            "name": self.name,
            "url": self.url,
            "kind": self.kind(),
            "state": self.word(),
            "last_success": moment(state.last_success),
            "last_new": moment(state.last_new),
            "quiet": state.is_quiet(now),
            "shortfall": state.shortfall(zone).map(|shortfall| json!({
                "last_week": shortfall.last_week, "usual_week": shortfall.usual_week,
            })),
            "failing_since": moment(state.failing_since),
            "error": state.error,
            "next_due": moment(state.next_due),
            "published": state.published,
            "doubtful": self.counts.doubtful,
            "unsettled": self.counts.unsettled,
            "probable_duplicates": self.counts.duplicates,
            "repairs": state.repairs,
            "hub": state.hub.is_subscribed.then(|| json!({
                "trusted": state.hub.is_trusted(), "told": state.hub.seen, "missed": state.hub.missed,
            })),
        })
    }

    /// What the source was found to be: `bantin`, `list` or `feed`.
    pub fn kind(&self) -> &'static str {
        match &self.state {
            state if state.changes.is_some() => "bantin",
            state if !state.feeds.is_empty() => "list",
            _ => "feed",
        }
    }
}

/// The form of a pair of articles on the command line and in the API.
pub fn duplicate_json(pair: &ProbableDuplicate) -> Value {
    let article = |(id, source): &(ArticleId, String)| json!({ "id": id, "source": source });
    json!({ "title": pair.title, "later": article(&pair.later), "earlier": article(&pair.earlier) })
}

/// How all configured sources are, in the order of the configuration.
///
/// # Errors
/// If the database does not answer.
pub async fn health(store: &Store, options: &PullOptions) -> Result<Vec<SourceHealth>, StoreError> {
    let mut all = Vec::with_capacity(options.sources.len());
    for source in &options.sources {
        all.push(health_of(store, source).await?);
    }
    Ok(all)
}

/// How a source is.
///
/// # Errors
/// If the database does not answer.
pub async fn health_of(store: &Store, source: &SourceOptions) -> Result<SourceHealth, StoreError> {
    let state = SourceState::load(store, source).await?;
    let counts = store.source_counts(&source.name).await?;
    let (name, url, enabled) = (source.name.clone(), source.url.clone(), source.enabled);
    Ok(SourceHealth { name, url, state, counts, enabled })
}
