//! What the operator chooses: the config file, the environment, the flags; checked, and handed to each room
//! as that room's own options.
//!
//! The shipped `config.toml` is the default, compiled in. A later layer beats an earlier one: default, file,
//! environment, flag. Nobody on a lower floor knows this room.

mod checks;
mod schema;
mod sources;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta, TimeZone as _, Timelike as _};

use crate::model::{Channel, ChannelStatus, FormerPublisher, Site, Slug, included_channels};
use crate::time::{Clock, Zone, local_date, start_of_day};
use crate::urls::{RESERVED_SLUGS, SiteUrls};
use crate::{feed, http, ingest, render, store};

use schema::{
    Channel as ChannelSettings, ClosedSetting, Feed as FeedSettings,
    FormerPublisher as FormerPublisherSettings, Settings, WatchSetting,
};
use sources::ConfigSources;

/// The default configuration, as it is shipped.
pub const DEFAULT: &str = include_str!("../config.toml");
/// Entries and tombstones of a live feed together.
const MAX_LIVE_ENTRIES: usize = 200;
/// The shortest live feed that may be asked for, in bytes: its head and a few summaries.
const MIN_FEED_BYTES: u64 = 16_384;

/// Why a configuration cannot be used. The text names file and line, or the variable, and the cure.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {cause}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The file is not understood: with line and caret.
    #[error("{path}: {cause}")]
    File {
        /// The file.
        path: String,
        /// What and where.
        cause: toml::de::Error,
    },
    /// A variable of the environment is not understood.
    #[error("{variable}={value}: {reason}")]
    Variable {
        /// Its name.
        variable: String,
        /// What it holds.
        value: String,
        /// What is wrong.
        reason: String,
    },
    /// A value is of its type and still cannot be used.
    #[error("{key}: {reason}")]
    Value {
        /// The key.
        key: String,
        /// What is wrong and what to write.
        reason: String,
    },
}

/// The configuration that is in force.
pub struct Config {
    /// For the door.
    pub server: http::DoorOptions,
    /// For the gate in front of it.
    pub middleware: http::GateOptions,
    /// Where the door listens.
    pub listen: SocketAddr,
    /// Where the operator's listener listens.
    pub admin: SocketAddr,
    /// For the store.
    pub store: store::StoreOptions,
    /// For the folder scan.
    pub ingest: ingest::IngestOptions,
    /// For the press.
    pub render: render::RenderOptions,
    /// Changes whenever documents may look different for the same log.
    pub fingerprint: String,
    layers: ConfigSources,
}

impl Config {
    /// Reads the configuration: the file, where one is named or `config.toml` lies in the working folder;
    /// then the variables.
    ///
    /// # Errors
    /// Where a layer is not understood or a value cannot be used.
    pub fn load(
        file: Option<&Path>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let here = Path::new("config.toml");
        let file = file.or_else(|| here.exists().then_some(here));
        let layers = ConfigSources::load(file, variables)?;
        let settings: Settings = layers.deserialize()?;
        let base = file.and_then(Path::parent).unwrap_or(Path::new("")).to_owned();
        compose(settings, &base, layers)
    }

    /// Each key that is in force with its value and where it comes from, sorted by key.
    /// Passwords are covered.
    pub fn effective_values(&self) -> Vec<EffectiveValue> {
        self.layers.effective_values()
    }

    /// The URL of the store without its password.
    pub fn store_for_people(&self) -> String {
        sources::redact_password(&self.store.url)
    }

    /// What keeps this configuration from being served, where anything does.
    ///
    /// # Errors
    /// With the sample `tag_authority` on an address that others can reach: ids are for ever.
    pub fn validate_for_serving(&self) -> Result<(), ConfigError> {
        let addresses = &self.store.addresses;
        let sample = ConfigSources::default_text("site.tag_authority");
        let is_public = !addresses.is_loopback();
        checks::authority_is_ones_own(addresses.tag_authority(), &sample, is_public, self.listen)
    }
}

/// A key that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectiveValue {
    /// `section.key`.
    pub key: String,
    /// As TOML.
    pub value: String,
    /// `default`, the file's path, or the variable's name.
    pub origin: String,
}

fn compose(settings: Settings, base: &Path, layers: ConfigSources) -> Result<Config, ConfigError> {
    let Settings { site, server, store, folder, feed, channel } = settings;
    let addresses = SiteUrls::new(&site.url, &site.tag_authority).map_err(|cause| {
        let key = if matches!(cause, crate::urls::SiteUrlError::Url(_)) { "url" } else { "tag_authority" };
        value_error(&format!("site.{key}"), cause.to_string())
    })?;
    check_feed(&feed)?;
    check_site(&site)?;
    store::check_url(&store.url).map_err(|reason| value_error("store.url", reason))?;
    if folder.path.as_os_str().is_empty() {
        return Err(value_error(
            "folder.path",
            "is empty: name the folder of articles, like feeds".to_owned(),
        ));
    }
    let limits = server.limits;
    checks::limits(&limits)?;
    let channel = channel.unwrap_or_default();
    let encodings =
        channel.iter().filter_map(|channel| Some((channel.slug.clone(), channel.encoding?.0))).collect();
    let channels = channels(channel)?;
    let addresses = Arc::new(addresses.with_redirects(&channels));
    let folder_options = ingest::IngestOptions {
        path: base.join(folder.path),
        watch: match folder.watch {
            WatchSetting::Events => ingest::WatchMode::Events,
            WatchSetting::Poll => ingest::WatchMode::Poll,
            WatchSetting::Off => ingest::WatchMode::Off,
        },
        time_zone: site.time_zone,
        language: site.language.clone(),
        encoding: folder.encoding.map(|word| word.0),
        encodings,
        // Ids of the sample authority are for nobody but this machine.
        marking: match addresses.tag_authority() == ConfigSources::default_text("site.tag_authority") {
            true => ingest::Marking::Renewed,
            false => ingest::Marking::Kept,
        },
        addresses: Arc::clone(&addresses),
    };
    let zone = site.time_zone;
    let former_publishers = former_publishers(site.former_publisher.unwrap_or_default(), zone)?;
    let press = render::RenderOptions {
        site: Site {
            title: site.title,
            language: site.language,
            time_zone: zone,
            publisher: site.publisher,
            former_publishers,
            rights: site.rights,
            logo: site.logo,
            colour: site.colour.0,
            max_age: feed.max_age.0,
            skip_hours: skip_hours(&feed.skip_hours.unwrap_or_default(), zone)?,
        },
        addresses: Arc::clone(&addresses),
        channels,
        live: store::LiveFeedOptions {
            items: feed.items,
            window: feed.window.0.as_secs(),
            archive_page: feed.archive_page,
            limit: MAX_LIVE_ENTRIES,
            bytes: feed.max_bytes,
            whole: false,
        },
        verifier: feed::verify,
    };
    Ok(Config {
        server: http::DoorOptions {
            header_timeout: limits.header_timeout.0,
            idle_timeout: limits.idle_timeout.0,
            send_timeout: limits.send_timeout.0,
            max_connection_age: limits.connection_age.0,
            max_connections: limits.connections,
            max_header_bytes: limits.head,
            max_body_bytes: limits.body,
            shutdown_deadline: limits.shutdown.0,
        },
        middleware: http::GateOptions {
            trusted_proxies: server
                .trusted_proxies
                .unwrap_or_default()
                .into_iter()
                .map(|word| word.0)
                .collect(),
            requests_per_minute: limits.requests_per_minute,
            writes_per_minute: limits.writes_per_minute,
            access_log: server.access_log,
        },
        listen: server.listen.0,
        admin: server.admin.0,
        store: store::StoreOptions {
            url: resolve_store_path(&store.url, base),
            addresses,
            channels: press.channels.clone(),
            zone,
            clock: Clock::system(),
        },
        ingest: folder_options,
        fingerprint: fingerprint(&press),
        render: press,
        layers,
    })
}

/// Names all that a document depends on beside the log, the program's version included.
fn fingerprint(press: &render::RenderOptions) -> String {
    let render::RenderOptions { site, addresses, channels, live, .. } = press;
    format!("{} {site:?} {addresses:?} {channels:?} {live:?}", env!("CARGO_PKG_VERSION"))
}

fn check_site(site: &schema::Site) -> Result<(), ConfigError> {
    checks::line("site.title", &site.title)?;
    checks::line("site.publisher", &site.publisher)?;
    if let Some(rights) = &site.rights {
        checks::line("site.rights", rights)?;
    }
    for former in site.former_publisher.iter().flatten() {
        checks::line("site.former_publisher.name", &former.name)?;
    }
    if let Some(logo) = &site.logo {
        checks::logo("site.logo", logo)?;
    }
    checks::language("site.language", &site.language)?;
    checks::tag_authority(&site.tag_authority, local_date(Clock::system().now(), site.time_zone))
}

fn check_feed(feed: &FeedSettings) -> Result<(), ConfigError> {
    if feed.items == 0 {
        return Err(value_error("feed.items", "must be at least 1".to_owned()));
    }
    if feed.archive_page < 2 {
        return Err(value_error("feed.archive_page", "must be at least 2".to_owned()));
    }
    if feed.max_bytes < MIN_FEED_BYTES {
        return Err(value_error("feed.max_bytes", format!("must be at least {MIN_FEED_BYTES}, in bytes")));
    }
    let always = u64::from(feed.items) + feed.archive_page;
    if always > MAX_LIVE_ENTRIES as u64 {
        let reason = format!(
            "items and archive_page together are {always}; a live feed holds {MAX_LIVE_ENTRIES} at most"
        );
        return Err(value_error("feed.items", reason));
    }
    Ok(())
}

fn channels(settings: Vec<ChannelSettings>) -> Result<Vec<Channel>, ConfigError> {
    let mut channels: Vec<Channel> = Vec::with_capacity(settings.len());
    let mut taken = BTreeSet::new();
    for settings in settings {
        let channel = channel(settings)?;
        let key = format!("channel.{}", channel.slug);
        for name in [&channel.slug].into_iter().chain(&channel.former_slugs) {
            if RESERVED_SLUGS.contains(&name.as_str()) {
                let reason = format!("`{name}` is an address of the service; choose another");
                return Err(value_error(&key, reason));
            }
            if let Err(cause) = Slug::parse_new(name.as_str()) {
                return Err(value_error(&key, cause.to_string()));
            }
            if !taken.insert(name.clone()) {
                let reason = format!("the name `{name}` stands twice, as a slug or under `was`; remove one");
                return Err(value_error(&key, reason));
            }
        }
        channels.push(channel);
    }
    for channel in &channels {
        check_members(channel, &channels)?;
        checks::members_are_known(channel, &channels)?;
    }
    Ok(channels)
}

fn channel(settings: ChannelSettings) -> Result<Channel, ConfigError> {
    let ChannelSettings { slug, title, description, was, closed, gone, members, encoding: _ } = settings;
    let standing = match (gone.unwrap_or_default(), closed) {
        (true, Some(_)) => {
            let reason = "is closed and gone; a closed channel is served on, a gone one is not: remove one";
            return Err(value_error(&format!("channel.{slug}"), reason.to_owned()));
        }
        (true, None) => ChannelStatus::Removed,
        (false, Some(ClosedSetting::Yes(true))) => ChannelStatus::Closed { since: None },
        (false, Some(ClosedSetting::Since(day))) => ChannelStatus::Closed { since: Some(day.0) },
        (false, Some(ClosedSetting::Yes(false)) | None) => ChannelStatus::Open,
    };
    for (key, text) in [("title", &title), ("description", &description)] {
        if let Some(text) = text {
            checks::line(&format!("channel.{slug}.{key}"), text)?;
        }
    }
    let title = title.unwrap_or_else(|| slug.to_string());
    let (was, members) = (was.unwrap_or_default(), members.unwrap_or_default());
    Ok(Channel {
        description,
        former_slugs: was,
        status: standing,
        includes: members,
        ..Channel::new(slug, title)
    })
}

fn check_members(channel: &Channel, channels: &[Channel]) -> Result<(), ConfigError> {
    let key = || format!("channel.{}.members", channel.slug);
    for member in &channel.includes {
        let renamed = channels.iter().find(|other| other.former_slugs.contains(member));
        if let Some(other) = renamed {
            return Err(value_error(
                &key(),
                format!("`{member}` bears the name `{}` now; write that", other.slug),
            ));
        }
        if included_channels(member, channels).contains(&channel.slug) {
            return Err(value_error(
                &key(),
                format!("through `{member}` the channel would be a member of itself"),
            ));
        }
    }
    Ok(())
}

fn former_publishers(
    settings: Vec<FormerPublisherSettings>,
    zone: Zone,
) -> Result<Vec<FormerPublisher>, ConfigError> {
    let mut former: Vec<FormerPublisher> = Vec::with_capacity(settings.len());
    for FormerPublisherSettings { name, until } in settings {
        let until = start_of_day(until.0, zone);
        if former.last().is_some_and(|before| before.until >= until) {
            let reason = format!("`{name}` must come before those that published until a later day");
            return Err(value_error("site.former_publisher", reason));
        }
        former.push(FormerPublisher { name, until });
    }
    Ok(former)
}

/// The hours in GMT that lie wholly in these hours of `zone`, in winter as in summer (rule R13).
fn skip_hours(local: &[u8], zone: Zone) -> Result<Vec<u8>, ConfigError> {
    if let Some(hour) = local.iter().find(|hour| **hour > 23) {
        return Err(value_error("feed.skip_hours", format!("`{hour}` is no hour of the day: 0 to 23")));
    }
    if (0..24).all(|hour| local.contains(&hour)) {
        let reason = "names all hours of the day, in which nothing would ever be read; leave some out";
        return Err(value_error("feed.skip_hours", reason.to_owned()));
    }
    let is_quiet = |hour: u8| {
        [1, 7].into_iter().all(|month| {
            let begin =
                NaiveDate::from_ymd_opt(2023, month, 15).and_then(|day| day.and_hms_opt(hour.into(), 0, 0));
            begin.is_some_and(|begin| {
                [0, 59].into_iter().all(|minute| {
                    let local_time = zone.from_utc_datetime(&(begin + TimeDelta::minutes(minute)));
                    local.iter().any(|quiet| u32::from(*quiet) == local_time.hour())
                })
            })
        })
    };
    Ok((0..24).filter(|hour| is_quiet(*hour)).collect())
}

/// A relative path in the store's URL is relative to the config file too.
fn resolve_store_path(url: &str, base: &Path) -> String {
    match url.strip_prefix("sqlite:") {
        Some(path) if !path.is_empty() => format!("sqlite:{}", base.join(path).display()),
        _ => url.to_owned(),
    }
}

fn value_error(key: &str, reason: String) -> ConfigError {
    ConfigError::Value { key: key.to_owned(), reason }
}
