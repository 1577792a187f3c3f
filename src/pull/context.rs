//! What all polls share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::articles::Publisher;
use super::client::Client;
use super::options::{PullOptions, SourceOptions};
use super::state::SourceState;
use crate::store::Store;

/// What all polls share. Clones share the connections and the turns of hosts.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) store: Store,
    pub(super) options: Arc<PullOptions>,
    pub(super) client: Client,
    /// How the sources were when this process last looked.
    pub(super) states: Arc<Mutex<BTreeMap<String, SourceState>>>,
}

impl Context {
    /// Remembers how a source is, for the metrics.
    pub(super) fn note(&self, source: &SourceOptions, state: &SourceState) {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        states.insert(source.name.clone(), state.clone());
    }

    /// Turns the items of a source into articles.
    pub(super) fn publisher<'a>(&'a self, source: &'a SourceOptions) -> Publisher<'a> {
        Publisher { store: &self.store, options: &self.options, client: &self.client, source }
    }
}
