//! What all polls share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::articles::Publisher;
use super::client::Client;
use super::options::{PullOptions, SourceOptions};
use super::state::SourceState;
use super::volume::Shortfall;
use crate::store::{SourceCounts, Store, StoreError};

/// How a source was when this process last looked.
#[derive(Clone, Debug)]
pub struct WatchedSource {
    /// Its state.
    pub state: SourceState,
    /// How many of its items somebody should look at.
    pub counts: SourceCounts,
    /// Its last week has far fewer articles than usual.
    pub shortfall: Option<Shortfall>,
}

/// What all polls share. Clones share the connections and the turns of hosts.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) store: Store,
    pub(super) options: Arc<PullOptions>,
    pub(super) client: Client,
    /// How the sources were when this process last looked.
    pub(super) watched: Arc<Mutex<BTreeMap<String, WatchedSource>>>,
}

impl Context {
    /// Remembers how a source is, for the metrics.
    ///
    /// # Errors
    /// If the store does not answer.
    pub(super) async fn note(&self, source: &SourceOptions, state: &SourceState) -> Result<(), StoreError> {
        let counts = self.store.source_counts(&source.name).await?;
        let shortfall = state.shortfall(self.options.parse.zone);
        let seen = WatchedSource { state: state.clone(), counts, shortfall };
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.insert(source.name.clone(), seen);
        Ok(())
    }

    /// The same for a source that is in this state.
    pub(super) fn for_source(&self, state: &SourceState) -> Self {
        let client = if state.failures > 0 { self.client.for_failing() } else { self.client.clone() };
        Self { client, ..self.clone() }
    }

    /// Turns the items of a source into articles.
    pub(super) fn publisher<'a>(&'a self, source: &'a SourceOptions) -> Publisher<'a> {
        Publisher { store: &self.store, options: &self.options, client: &self.client, source }
    }
}
