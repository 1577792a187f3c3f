//! What the operator chooses: the config file, the environment, the flags; checked, and handed to each room
//! as that room's own options.
//!
//! The shipped `config.toml` is the default, compiled in. A later layer beats an earlier one: default, file,
//! environment, flag. Nobody on a lower floor knows this room.

mod checks;
mod layers;
mod settings;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta, TimeZone as _, Timelike as _};

use crate::address::{Addresses, RESERVED};
use crate::channel::{Channel, FormerPublisher, Site, Slug, Standing, members_of};
use crate::vietnam_time::{Clock, Zone, day_of, first_second};
use crate::{feed, http, ingest, press, store};

use layers::Layers;
use settings::{
    Channel as ChannelSettings, Closed, Feed as FeedSettings, FormerPublisher as FormerPublisherSettings,
    Settings, Watch,
};

/// The default configuration, as it is shipped.
pub const DEFAULT: &str = include_str!("../config.toml");
/// Entries and tombstones of a live feed together.
const LIVE_LIMIT: usize = 200;
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
    pub door: http::DoorOptions,
    /// For the gate in front of it.
    pub gate: http::GateOptions,
    /// Where the door listens.
    pub listen: SocketAddr,
    /// Where the operator's listener listens.
    pub admin: SocketAddr,
    /// For the store.
    pub store: store::Options,
    /// For the folder scan.
    pub ingest: ingest::Options,
    /// For the press.
    pub press: press::Options,
    /// Changes whenever documents may look different for the same log.
    pub fingerprint: String,
    layers: Layers,
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
        let layers = Layers::read(file, variables)?;
        let settings: Settings = layers.merged()?;
        let base = file.and_then(Path::parent).unwrap_or(Path::new("")).to_owned();
        compose(settings, &base, layers)
    }

    /// Each key that is in force with its value and where it comes from, sorted by key.
    /// Passwords are covered.
    pub fn explain(&self) -> Vec<Explained> {
        self.layers.explain()
    }

    /// The URL of the store without its password.
    pub fn store_for_people(&self) -> String {
        layers::covered(&self.store.url)
    }

    /// What keeps this configuration from being served, where anything does.
    ///
    /// # Errors
    /// With the sample `tag_authority` on an address that others can reach: ids are for ever.
    pub fn fit_to_serve(&self) -> Result<(), ConfigError> {
        let addresses = &self.store.addresses;
        let sample = Layers::default_text("site.tag_authority");
        let is_public = !addresses.is_loopback();
        checks::authority_is_ones_own(addresses.tag_authority(), &sample, is_public, self.listen)
    }
}

/// A key that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// `section.key`.
    pub key: String,
    /// As TOML.
    pub value: String,
    /// `default`, the file's path, or the variable's name.
    pub origin: String,
}

fn compose(settings: Settings, base: &Path, layers: Layers) -> Result<Config, ConfigError> {
    let Settings { site, server, store, folder, feed, channel } = settings;
    let addresses = Addresses::new(&site.url, &site.tag_authority).map_err(|cause| {
        let key = if matches!(cause, crate::address::AddressError::Url(_)) { "url" } else { "tag_authority" };
        value(&format!("site.{key}"), cause.to_string())
    })?;
    check_feed(&feed)?;
    check_site(&site)?;
    store::check_url(&store.url).map_err(|reason| value("store.url", reason))?;
    if folder.path.as_os_str().is_empty() {
        return Err(value("folder.path", "is empty: name the folder of articles, like feeds".to_owned()));
    }
    let limits = server.limits;
    checks::limits(&limits)?;
    let channel = channel.unwrap_or_default();
    let encodings =
        channel.iter().filter_map(|channel| Some((channel.slug.clone(), channel.encoding?.0))).collect();
    let channels = channels(channel)?;
    let addresses = Arc::new(addresses.with_channels(&channels));
    let folder_options = ingest::Options {
        path: base.join(folder.path),
        watch: match folder.watch {
            Watch::Events => ingest::Watching::Events,
            Watch::Poll => ingest::Watching::Poll,
            Watch::Off => ingest::Watching::Off,
        },
        zone: site.time_zone,
        language: site.language.clone(),
        encoding: folder.encoding.map(|word| word.0),
        encodings,
        // Ids of the sample authority are for nobody but this machine.
        marking: match addresses.tag_authority() == Layers::default_text("site.tag_authority") {
            true => ingest::Marking::Renewed,
            false => ingest::Marking::Kept,
        },
        addresses: Arc::clone(&addresses),
    };
    let zone = site.time_zone;
    let former_publishers = former_publishers(site.former_publisher.unwrap_or_default(), zone)?;
    let press = press::Options {
        site: Site {
            title: site.title,
            language: site.language,
            zone,
            publisher: site.publisher,
            former_publishers,
            rights: site.rights,
            logo: site.logo,
            colour: site.colour.0,
            max_age: feed.max_age.0,
            quiet_hours: quiet_hours(&feed.skip_hours.unwrap_or_default(), zone)?,
        },
        addresses: Arc::clone(&addresses),
        channels,
        live: store::LiveChoice {
            items: feed.items,
            window: feed.window.0.as_secs(),
            archive_page: feed.archive_page,
            limit: LIVE_LIMIT,
            bytes: feed.max_bytes,
            whole: false,
        },
        inspector: feed::read_back,
    };
    Ok(Config {
        door: http::DoorOptions {
            header_timeout: limits.header_timeout.0,
            idle_timeout: limits.idle_timeout.0,
            send_timeout: limits.send_timeout.0,
            connection_age: limits.connection_age.0,
            max_connections: limits.connections,
            head_bytes: limits.head,
            body_bytes: limits.body,
            shutdown_deadline: limits.shutdown.0,
        },
        gate: http::GateOptions {
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
        store: store::Options {
            url: based_store(&store.url, base),
            addresses,
            channels: press.channels.clone(),
            zone,
            clock: Clock::system(),
        },
        ingest: folder_options,
        fingerprint: fingerprint(&press),
        press,
        layers,
    })
}

/// Names all that a document depends on beside the log, the program's version included.
fn fingerprint(press: &press::Options) -> String {
    let press::Options { site, addresses, channels, live, .. } = press;
    format!("{} {site:?} {addresses:?} {channels:?} {live:?}", env!("CARGO_PKG_VERSION"))
}

fn check_site(site: &settings::Site) -> Result<(), ConfigError> {
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
    checks::tag_authority(&site.tag_authority, day_of(Clock::system().now(), site.time_zone))
}

fn check_feed(feed: &FeedSettings) -> Result<(), ConfigError> {
    if feed.items == 0 {
        return Err(value("feed.items", "must be at least 1".to_owned()));
    }
    if feed.archive_page < 2 {
        return Err(value("feed.archive_page", "must be at least 2".to_owned()));
    }
    if feed.max_bytes < MIN_FEED_BYTES {
        return Err(value("feed.max_bytes", format!("must be at least {MIN_FEED_BYTES}, in bytes")));
    }
    let always = u64::from(feed.items) + feed.archive_page;
    if always > LIVE_LIMIT as u64 {
        let reason =
            format!("items and archive_page together are {always}; a live feed holds {LIVE_LIMIT} at most");
        return Err(value("feed.items", reason));
    }
    Ok(())
}

fn channels(settings: Vec<ChannelSettings>) -> Result<Vec<Channel>, ConfigError> {
    let mut channels: Vec<Channel> = Vec::with_capacity(settings.len());
    let mut taken = BTreeSet::new();
    for settings in settings {
        let channel = channel(settings)?;
        let key = format!("channel.{}", channel.slug);
        for name in [&channel.slug].into_iter().chain(&channel.was) {
            if RESERVED.contains(&name.as_str()) {
                let reason = format!("`{name}` is an address of the service; choose another");
                return Err(value(&key, reason));
            }
            if let Err(cause) = Slug::parse_new(name.as_str()) {
                return Err(value(&key, cause.to_string()));
            }
            if !taken.insert(name.clone()) {
                let reason = format!("the name `{name}` stands twice, as a slug or under `was`; remove one");
                return Err(value(&key, reason));
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
            return Err(value(&format!("channel.{slug}"), reason.to_owned()));
        }
        (true, None) => Standing::Gone,
        (false, Some(Closed::Yes(true))) => Standing::Closed { since: None },
        (false, Some(Closed::Since(day))) => Standing::Closed { since: Some(day.0) },
        (false, Some(Closed::Yes(false)) | None) => Standing::Open,
    };
    for (key, text) in [("title", &title), ("description", &description)] {
        if let Some(text) = text {
            checks::line(&format!("channel.{slug}.{key}"), text)?;
        }
    }
    let title = title.unwrap_or_else(|| slug.to_string());
    let (was, members) = (was.unwrap_or_default(), members.unwrap_or_default());
    Ok(Channel { description, was, standing, members, ..Channel::new(slug, title) })
}

fn check_members(channel: &Channel, channels: &[Channel]) -> Result<(), ConfigError> {
    let key = || format!("channel.{}.members", channel.slug);
    for member in &channel.members {
        let renamed = channels.iter().find(|other| other.was.contains(member));
        if let Some(other) = renamed {
            return Err(value(&key(), format!("`{member}` bears the name `{}` now; write that", other.slug)));
        }
        if members_of(member, channels).contains(&channel.slug) {
            return Err(value(&key(), format!("through `{member}` the channel would be a member of itself")));
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
        let until = first_second(until.0, zone);
        if former.last().is_some_and(|before| before.until >= until) {
            let reason = format!("`{name}` must come before those that published until a later day");
            return Err(value("site.former_publisher", reason));
        }
        former.push(FormerPublisher { name, until });
    }
    Ok(former)
}

/// The hours in GMT that lie wholly in these hours of `zone`, in winter as in summer (rule R13).
fn quiet_hours(local: &[u8], zone: Zone) -> Result<Vec<u8>, ConfigError> {
    if let Some(hour) = local.iter().find(|hour| **hour > 23) {
        return Err(value("feed.skip_hours", format!("`{hour}` is no hour of the day: 0 to 23")));
    }
    if (0..24).all(|hour| local.contains(&hour)) {
        let reason = "names all hours of the day, in which nothing would ever be read; leave some out";
        return Err(value("feed.skip_hours", reason.to_owned()));
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
fn based_store(url: &str, base: &Path) -> String {
    match url.strip_prefix("sqlite:") {
        Some(path) if !path.is_empty() => format!("sqlite:{}", base.join(path).display()),
        _ => url.to_owned(),
    }
}

fn value(key: &str, reason: String) -> ConfigError {
    ConfigError::Value { key: key.to_owned(), reason }
}
