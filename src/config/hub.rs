//! The WebSub hub.

use std::net::IpAddr;
use std::time::Duration;

use super::checks;
use super::error::{ConfigError, value_error};
use super::schema::{ContentSetting, Hub, SignatureSetting, Webhook};
use crate::fetch::{AllowList, AllowedAddresses, parse_url};
use crate::push::{Content, HubOptions, Signature, WebhookOptions};
use crate::urls::{HUB_PATH, SiteUrls, redact_url};

/// The longest lease: a subscriber that is gone is forgotten then.
const MAX_LEASE: Duration = Duration::from_secs(14 * 86_400);
/// The shortest lease: each renewal costs a verification.
const MIN_LEASE: Duration = Duration::from_secs(60);

/// The shortest secret of a webhook, in bytes.
const MIN_SECRET_BYTES: usize = 16;

/// The URL of the hub that feeds name, if there is one.
pub(super) fn url(settings: &Hub, addresses: &SiteUrls) -> Result<Option<String>, ConfigError> {
    let Some(url) = &settings.url else { return Ok(settings.enabled.then(|| addresses.url(HUB_PATH))) };
    checks::absolute_url("hub.url", url, "https://hub.example.vn/")?;
    match settings.enabled {
        true => {
            let reason =
                "names the hub of somebody else while enabled = true starts one here: remove one of them";
            Err(value_error("hub.url", reason.to_owned()))
        }
        false => Ok(Some(url.clone())),
    }
}

/// The options of the hub.
pub(super) fn options(settings: Hub, user_agent: String) -> Result<HubOptions, ConfigError> {
    let (lease_min, lease_default, lease_max) =
        (settings.lease_min.0, settings.lease_default.0, settings.lease_max.0);
    if lease_max > MAX_LEASE {
        return Err(value_error("hub.lease_max", "must be at most \"14d\"".to_owned()));
    }
    if lease_min < MIN_LEASE {
        return Err(value_error("hub.lease_min", "must be at least \"1m\"".to_owned()));
    }
    if !(lease_min..=lease_max).contains(&lease_default) {
        let reason = "must be between lease_min and lease_max".to_owned();
        return Err(value_error("hub.lease_default", reason));
    }
    Ok(HubOptions {
        enabled: settings.enabled,
        content: match settings.content {
            ContentSetting::Full => Content::Full,
            ContentSetting::Changes => Content::Changes,
        },
        signature: match settings.signature {
            SignatureSetting::Sha1 => Signature::Sha1,
            SignatureSetting::Sha256 => Signature::Sha256,
            SignatureSetting::Sha384 => Signature::Sha384,
            SignatureSetting::Sha512 => Signature::Sha512,
        },
        lease_default,
        lease_min,
        lease_max,
        max_subscriptions: settings.max_subscriptions,
        allow: allow_list(settings.allow.unwrap_or_default())?,
        user_agent,
    })
}

/// The webhooks. `addresses` knows the renamed channels.
pub(super) fn webhooks(
    settings: Vec<Webhook>,
    addresses: &SiteUrls,
) -> Result<Vec<WebhookOptions>, ConfigError> {
    let mut webhooks: Vec<WebhookOptions> = Vec::with_capacity(settings.len());
    for Webhook { url, secret, channels } in settings {
        parse_url(&url, AllowedAddresses::All)
            .map_err(|cause| value_error("webhook.url", cause.to_string()))?;
        if secret.len() < MIN_SECRET_BYTES {
            let reason =
                format!("must have at least {MIN_SECRET_BYTES} characters: its receiver must trust it");
            return Err(value_error("webhook.secret", reason));
        }
        if webhooks.iter().any(|known| known.url == url) {
            let reason =
                format!("`{}` is used twice: name all its channels in one [[webhook]]", redact_url(&url));
            return Err(value_error("webhook.url", reason));
        }
        let channels = addresses.resolve_channels(channels.unwrap_or_default(), &[]);
        webhooks.push(WebhookOptions { url, secret, channels });
    }
    Ok(webhooks)
}

fn allow_list(entries: Vec<String>) -> Result<AllowList, ConfigError> {
    let mut list = AllowList::default();
    for entry in entries {
        let network = entry.parse::<IpAddr>().map(Into::into).or_else(|_| entry.parse());
        let is_host = |text: &str| {
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
                && text.bytes().any(|byte| byte.is_ascii_alphabetic())
        };
        match network {
            Ok(network) => list.networks.push(network),
            Err(_) if is_host(&entry) => list.hosts.push(entry.to_lowercase()),
            Err(_) => {
                let reason = format!(
                    "`{entry}` is neither a network nor a host, like 10.0.0.0/8 or portal.tinh.local"
                );
                return Err(value_error("hub.allow", reason));
            }
        }
    }
    Ok(list)
}
