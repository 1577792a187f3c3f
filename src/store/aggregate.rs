//! Channels that include other channels.

use crate::model::{Channel, Slug, included_channels};

/// The channels in which an article stands that was put into `channels`: these, and those of which one of
/// them is a member. Sorted.
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

/// What a channel of channels is made of, in one line that changes when that does; empty for any other.
pub(crate) fn member_fingerprint(channel: &Slug, configured: &[Channel]) -> String {
    let members = included_channels(channel, configured);
    if members.len() < 2 {
        return String::new();
    }
    members.iter().map(Slug::as_str).collect::<Vec<_>>().join(" ")
}
