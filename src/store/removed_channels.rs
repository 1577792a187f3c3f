//! Removed channels.

use crate::model::Channel;

/// The removed channels, as a parameter for SQL. An article that is in no other channel is in no list.
pub(crate) struct RemovedChannels(String);

impl RemovedChannels {
    pub(crate) fn among(channels: &[Channel]) -> Self {
        let gone = channels.iter().filter(|channel| channel.is_gone());
        let names: String = gone.map(|channel| format!("|{}|", channel.slug)).collect();
        Self(names)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn holds(&self, channel: &str) -> bool {
        !channel.is_empty() && self.0.contains(&format!("|{channel}|"))
    }
}
