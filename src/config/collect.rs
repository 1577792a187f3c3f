//! The sources whose articles are collected.

use std::collections::BTreeSet;
use std::time::Duration;

use super::checks;
use super::error::{ConfigError, value_error};
use super::schema::{ImagesSetting, Source, SourceKindSetting, WithdrawSetting};
use crate::fetch::{AllowedAddresses, parse_url};
use crate::model::Slug;
use crate::pull::{SourceImages, SourceKind, SourceOptions, Withdrawals};
use crate::urls::{RESERVED_SLUGS, SiteUrls};

/// Default of `every`.
const EVERY: Duration = Duration::from_secs(600);
/// Minimum of `every`: a shorter pause burdens the source.
const MIN_EVERY: Duration = Duration::from_secs(60);
/// Maximum length of a name in bytes: it is part of a key of the database.
const MAX_NAME_BYTES: usize = 200;

/// The sources. `addresses` knows the renamed channels.
pub(super) fn sources(
    settings: Vec<Source>,
    addresses: &SiteUrls,
) -> Result<Vec<SourceOptions>, ConfigError> {
    let mut names = BTreeSet::new();
    let mut sources = Vec::with_capacity(settings.len());
    for settings in settings {
        let source = source(settings, addresses)?;
        if !names.insert(source.name.clone()) {
            let reason = "is used twice: give each source a name of its own".to_owned();
            return Err(value_error(&format!("source.{}", source.name), reason));
        }
        sources.push(source);
    }
    Ok(sources)
}

fn source(settings: Source, addresses: &SiteUrls) -> Result<SourceOptions, ConfigError> {
    let name = settings.name.trim().to_owned();
    checks::line("source.name", &name)?;
    let key = |key: &str| format!("source.{name}.{key}");
    if name.len() > MAX_NAME_BYTES {
        return Err(value_error(&key("name"), format!("is too long: at most {MAX_NAME_BYTES} bytes")));
    }
    let allow_private = settings.allow_private.unwrap_or_default();
    let allowed = if allow_private { AllowedAddresses::All } else { AllowedAddresses::Public };
    parse_url(&settings.url, allowed).map_err(|cause| value_error(&key("url"), cause.to_string()))?;
    let channels = settings.channels.unwrap_or_default();
    if channels.is_empty() {
        let reason = "is missing: name the channels of its articles, like channels = [\"xa-hoi\"]".to_owned();
        return Err(value_error(&key("channels"), reason));
    }
    let map = settings.map.unwrap_or_default();
    for slug in channels.iter().chain(map.values()) {
        if RESERVED_SLUGS.contains(&slug.as_str()) {
            let reason = format!("`{slug}` is reserved for the service; choose another");
            return Err(value_error(&key("channels"), reason));
        }
        Slug::parse_new(slug.as_str()).map_err(|cause| value_error(&key("channels"), cause.to_string()))?;
    }
    let every = settings.every.map_or(EVERY, |every| every.0);
    if every < MIN_EVERY {
        return Err(value_error(&key("every"), "must be at least \"1m\"".to_owned()));
    }
    if let Some(language) = &settings.language {
        checks::language(&key("language"), language)?;
    }
    for (part, text) in [("publisher", &settings.publisher), ("licence", &settings.licence)] {
        text.as_ref().map(|text| checks::line(&key(part), text)).transpose()?;
    }
    Ok(SourceOptions {
        full_text: settings.full_text.unwrap_or_default(),
        publisher: settings.publisher,
        licence: settings.licence,
        channels: addresses.resolve_channels(channels, &[]),
        map: map.into_iter().map(|(category, slug)| (category, addresses.current_slug(slug))).collect(),
        url: settings.url,
        kind: match settings.kind.unwrap_or_default() {
            SourceKindSetting::Auto => SourceKind::Auto,
            SourceKindSetting::Feed => SourceKind::Feed,
            SourceKindSetting::Bantin => SourceKind::Bantin,
        },
        every,
        language: settings.language,
        enabled: settings.enabled.unwrap_or(true),
        allow_private,
        withdraw: match settings.withdraw.unwrap_or_default() {
            WithdrawSetting::Follow => Withdrawals::Follow,
            WithdrawSetting::Report => Withdrawals::Report,
        },
        images: match settings.images.unwrap_or_default() {
            ImagesSetting::Copy => SourceImages::Copy,
            ImagesSetting::Link => SourceImages::Link,
        },
        max_age_of_items: settings.max_age_of_items.map(|age| age.0),
        name,
    })
}
