//! Subscribes to the hubs that feeds of sources name (W3C WebSub). What a hub sends only says that there is something new: the
//! feed itself is then requested from its source.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use tracing::{info, warn};
use ureq::http::HeaderValue;
use ureq::http::header::CONTENT_TYPE;
use url::Url;

use super::options::{PullOptions, SourceOptions};
use crate::fetch::{AllowList, CallbackClient, CallbackMessage};
use crate::parse::HubLinks;
use crate::store::{SourceHub, Store, StoreError, random_text};
use crate::time::Timestamp;
use crate::urls::{SiteUrls, hub_callback_path};

/// Characters of the token in the callback and of the secret, five random bits each.
const TOKEN_LENGTH: usize = 32;
/// The lease that is requested, in seconds.
const LEASE_SECONDS: i64 = 10 * 86_400;
/// The longest lease that is relied on.
pub const MAX_LEASE: TimeDelta = TimeDelta::days(14);
/// A subscription is renewed when its lease ends within this time.
const RENEW_BEFORE: TimeDelta = TimeDelta::days(2);
/// Pause between two requests to a hub that does not confirm.
const ASK_AGAIN: TimeDelta = TimeDelta::hours(1);
/// A hub that missed the changes of this many polls in a row is not relied on any more.
const MAX_MISSED_POLLS: u32 = 3;
/// Time of a whole request to a hub.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(30);
/// The pause between two polls is this much longer while a hub is relied on, and not longer than the maximum.
const BACKUP_FACTOR: u32 = 6;
const MAX_BACKUP_PAUSE: std::time::Duration = std::time::Duration::from_secs(6 * 3600);

/// What polls have found of the hub of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HubState {
    /// It was subscribed to.
    pub is_subscribed: bool,
    /// How many notifications polls have answered.
    pub seen: u64,
    /// Changes that a poll found without a notification while the subscription was confirmed.
    pub missed: u64,
    /// Polls in a row that found such changes.
    pub missed_polls: u32,
}

impl HubState {
    /// True if polls may be rarer because the hub tells of changes.
    pub fn is_trusted(&self) -> bool {
        self.missed_polls < MAX_MISSED_POLLS
    }

    /// A poll found this many changes. `before` is the subscription as it was before the poll.
    pub(super) fn note(&mut self, before: Option<&SourceHub>, changes: u64, now: Timestamp) -> bool {
        let Some(before) = before else { return false };
        let was_trusted = self.is_trusted();
        if before.notified > self.seen {
            (self.seen, self.missed_polls) = (before.notified, 0);
        } else if changes > 0 && before.is_confirmed(now) {
            self.missed += changes;
            self.missed_polls += 1;
        }
        was_trusted && !self.is_trusted()
    }
}

/// The pause between two polls of a source with this hub.
pub(super) fn pause(
    every: std::time::Duration,
    hub: Option<&SourceHub>,
    state: &HubState,
    now: Timestamp,
) -> std::time::Duration {
    match hub.is_some_and(|hub| hub.is_confirmed(now)) && state.is_trusted() {
        true => every.saturating_mul(BACKUP_FACTOR).min(MAX_BACKUP_PAUSE).max(every),
        false => every,
    }
}

/// Subscribes a source at the hub that its feed names, or renews that. A hub that fails is asked again later.
///
/// # Errors
/// If the store fails.
pub(super) async fn keep(
    store: &Store,
    options: &PullOptions,
    source: &SourceOptions,
    links: Option<HubLinks>,
    before: Option<SourceHub>,
) -> Result<bool, StoreError> {
    let now = store.clock().now();
    let Some(links) = links else { return Ok(false) };
    if !is_reachable(&options.addresses, &links.hub) {
        return Ok(false);
    }
    let same = before.filter(|before| links_of(before) == links);
    let is_settled = same.as_ref().is_some_and(|hub| {
        hub.expires.is_some_and(|expires| expires > now + RENEW_BEFORE) || hub.asked_at > now - ASK_AGAIN
    });
    if is_settled {
        return Ok(true);
    }
    let hub = match same {
        Some(hub) => SourceHub { asked_at: now, ..hub },
        None => SourceHub {
            source: source.name.clone(),
            token: random_text(TOKEN_LENGTH)?,
            hub: links.hub,
            topic: links.topic,
            secret: random_text(TOKEN_LENGTH)?,
            asked_at: now,
            expires: None,
            notified: 0,
        },
    };
    // Stored first: the hub may ask for confirmation before it answers.
    store.set_source_hub(hub.clone()).await?;
    let callback = options.addresses.url(&hub_callback_path(&hub.token));
    let client = client_for(options, source);
    let asked = tokio::task::spawn_blocking(move || subscribe(&client, &hub, &callback)).await;
    match asked.unwrap_or_else(|cause| Err(cause.to_string())) {
        Ok(()) => info!(source = %source.name, "subscribed at the hub of a source"),
        Err(reason) => {
            warn!(source = %source.name, %reason, "the hub of a source does not accept a subscription")
        }
    }
    Ok(true)
}

/// What was found when a source was subscribed.
pub(super) fn links_of(hub: &SourceHub) -> HubLinks {
    HubLinks { hub: hub.hub.clone(), topic: hub.topic.clone() }
}

/// A hub elsewhere cannot call a site that only this machine reaches.
fn is_reachable(addresses: &SiteUrls, hub: &str) -> bool {
    let is_here = |url: &Url| match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    !addresses.is_loopback() || Url::parse(hub).is_ok_and(|hub| is_here(&hub))
}

fn client_for(options: &PullOptions, source: &SourceOptions) -> CallbackClient {
    let allow = if source.allow_private { AllowList::everything() } else { AllowList::default() };
    CallbackClient::new(&options.user_agent, allow, TIMEOUT)
}

/// Sends a request to subscribe (W3C WebSub §5.1). Blocks.
fn subscribe(client: &CallbackClient, hub: &SourceHub, callback: &str) -> Result<(), String> {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("hub.mode", "subscribe")
        .append_pair("hub.topic", &hub.topic)
        .append_pair("hub.callback", callback)
        .append_pair("hub.secret", &hub.secret)
        .append_pair("hub.lease_seconds", &LEASE_SECONDS.to_string());
    let media_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    let form = form.finish();
    let message = CallbackMessage { headers: vec![(CONTENT_TYPE, media_type)], body: form.as_bytes() };
    let answer = client.post(&hub.hub, &message).map_err(|cause| cause.to_string())?;
    match answer.status.is_success() {
        true => Ok(()),
        false => Err(format!("the hub answers {}", answer.status)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_unix;
    use std::time::Duration;

    fn hub(notified: u64, expires: i64) -> SourceHub {
        SourceHub {
            source: "a".to_owned(),
            token: "b".to_owned(),
            hub: "https://hub.vn/".to_owned(),
            topic: "https://a.vn/".to_owned(),
            secret: "c".to_owned(),
            asked_at: from_unix(0),
            expires: Some(from_unix(expires)),
            notified,
        }
    }

    #[test]
    fn a_hub_that_misses_three_polls_in_a_row_is_not_relied_on_until_it_tells_again() {
        let (now, every) = (from_unix(1000), Duration::from_secs(600));
        let mut state = HubState::default();
        assert!(!state.note(Some(&hub(1, 2000)), 3, now), "it told");
        assert_eq!(pause(every, Some(&hub(1, 2000)), &state, now), every * 6);
        assert!(!state.note(Some(&hub(1, 2000)), 0, now), "nothing was found");
        let ended: Vec<bool> = (0..3).map(|_| state.note(Some(&hub(1, 2000)), 2, now)).collect();
        assert_eq!((ended, state.missed), (vec![false, false, true], 6));
        assert_eq!(pause(every, Some(&hub(1, 2000)), &state, now), every);
        assert!(!state.note(Some(&hub(2, 2000)), 1, now));
        assert!(state.is_trusted());
    }

    #[test]
    fn a_hub_is_relied_on_only_while_its_lease_lasts() {
        let (now, every) = (from_unix(1000), Duration::from_secs(600));
        let mut state = HubState::default();
        for expires in [0, 1000] {
            assert_eq!(pause(every, Some(&hub(0, expires)), &state, now), every);
            state.note(Some(&hub(0, expires)), 5, now);
        }
        assert_eq!(state.missed, 0, "it has promised nothing");
        assert_eq!(pause(every, None, &state, now), every);
        assert_eq!(pause(Duration::from_secs(7200), Some(&hub(0, 2000)), &state, now).as_secs(), 6 * 3600);
        let day = Duration::from_secs(86_400);
        assert_eq!(pause(day, Some(&hub(0, 2000)), &state, now), day);
    }
}
