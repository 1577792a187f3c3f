//! Channels that include other channels.

use crate::model::{Channel, Slug, included_channels};

/// The channels that show an article published in `channels`: these, and those that include one of them.
/// Sorted.
pub(crate) fn including_parents(channels: &[Slug], configured: &[Channel]) -> Vec<Slug> {
    let mut all = channels.to_vec();
    let parents = configured.iter().filter(|channel| !channel.includes.is_empty());
    for parent in parents {
        let members = included_channels(&parent.slug, configured);
        if channels.iter().any(|channel| members.contains(channel)) {
            all.push(parent.slug.clone());
        }
    }
    all.sort();
    all.dedup();
    all
}

/// The members of a channel that includes others, as one line that changes when they do; empty for any other
/// channel.
pub(crate) fn member_fingerprint(channel: &Slug, configured: &[Channel]) -> String {
    let members = included_channels(channel, configured);
    if members.len() < 2 {
        return String::new();
    }
    Slug::join(&members, " ")
}
