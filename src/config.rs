//! What the operator chooses: the config file, the environment, the flags; checked, and handed to each room
//! as that room's own options.
//!
//! The shipped `config.toml` is the default, compiled in. A later layer beats an earlier one: default, file,
//! environment, flag. Nobody on a lower floor knows this room.

mod layers;
mod settings;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use crate::address::{Addresses, RESERVED};
use crate::channel::{Channel, Site};
use crate::vietnam_time::Clock;
use crate::{feed, http, ingest, press, store};

use layers::Layers;
use settings::{Channel as ChannelSettings, Feed as FeedSettings, Settings, Watch};

/// The default configuration, as it is shipped.
pub const DEFAULT: &str = include_str!("../config.toml");
/// Entries and tombstones of a live feed together.
const LIVE_LIMIT: usize = 200;
/// The least that the door can be told for the head of a request, in bytes.
const SHORTEST_HEAD: usize = 8192;

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

    /// What keeps this configuration from being served, where anything does.
    ///
    /// # Errors
    /// With the sample `tag_authority` on an address that others can reach: ids are for ever.
    pub fn fit_to_serve(&self) -> Result<(), ConfigError> {
        let addresses = &self.store.addresses;
        let sample = Layers::default_text("site.tag_authority");
        if !addresses.is_loopback() && addresses.tag_authority() == sample {
            return Err(value(
                "site.tag_authority",
                format!(
                    "is still the sample `{sample}` while site.url is a public address. Ids are for ever: \
                     write a host name of yours and a date, like huyen.example.vn,2023"
                ),
            ));
        }
        Ok(())
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
    let addresses = Arc::new(addresses);
    check_feed(&feed)?;
    let limits = server.limits;
    if limits.connections == 0 {
        return Err(value("server.limits.connections", "must be at least 1".to_owned()));
    }
    if limits.head < SHORTEST_HEAD {
        return Err(value("server.limits.head", format!("must be at least {SHORTEST_HEAD}")));
    }
    let channel = channel.unwrap_or_default();
    let encodings =
        channel.iter().filter_map(|channel| Some((channel.slug.clone(), channel.encoding?.0))).collect();
    let channels = channels(channel)?;
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
    };
    let zone = site.time_zone;
    let press = press::Options {
        site: Site {
            title: site.title,
            language: site.language,
            zone,
            publisher: site.publisher,
            rights: site.rights,
            logo: site.logo,
            max_age: feed.max_age.0,
        },
        addresses: Arc::clone(&addresses),
        channels,
        live: store::LiveChoice {
            items: feed.items,
            window: feed.window.0.as_secs(),
            archive_page: feed.archive_page,
            limit: LIVE_LIMIT,
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
        listen: server.listen,
        admin: server.admin,
        store: store::Options { url: based_store(&store.url, base), addresses, zone, clock: Clock::system() },
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

fn check_feed(feed: &FeedSettings) -> Result<(), ConfigError> {
    if feed.items == 0 {
        return Err(value("feed.items", "must be at least 1".to_owned()));
    }
    if feed.archive_page < 2 {
        return Err(value("feed.archive_page", "must be at least 2".to_owned()));
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
    for channel in settings {
        let key = format!("channel.{}", channel.slug);
        if RESERVED.contains(&channel.slug.as_str()) {
            return Err(value(&key, "this slug is an address of the service; choose another".to_owned()));
        }
        if channels.iter().any(|other| other.slug == channel.slug) {
            return Err(value(&key, "stands twice; remove one".to_owned()));
        }
        let title = channel.title.unwrap_or_else(|| channel.slug.to_string());
        channels.push(Channel { slug: channel.slug, title, description: channel.description });
    }
    Ok(channels)
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
