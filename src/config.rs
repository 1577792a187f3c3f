//! Reads and checks the configuration and builds the options of each module.
//!
//! The shipped `config.toml` is compiled in and holds the defaults. Later sources override earlier ones: defaults,
//! config file, environment.

mod checks;
mod collect;
mod error;
mod hub;
mod notice;
mod schema;
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta, TimeZone as _, Timelike as _};

use crate::message::Message;
use crate::model::{Channel, ChannelStatus, FormerPublisher, Site, Slug, included_channels};
use crate::time::{Clock, Timestamp, Zone, local_date, start_of_day};
use crate::urls::{RESERVED_SLUGS, SiteUrls, redact_database_url};
use crate::{feed, http, ingest, parse, pull, push, render, store};

pub use error::ConfigError;
pub use sources::{DEFAULT, EffectiveValue, process_environment};

use error::value_error;
use notice::Notice;
use schema::{
    Channel as ChannelSettings, ClosedSetting, Feed as FeedSettings,
    FormerPublisher as FormerPublisherSettings, LogFormatSetting, Settings, WatchSetting,
};
use sources::ConfigSources;

/// Entries and tombstones of a live feed together.
const MAX_LIVE_ENTRIES: usize = 200;
/// Minimum of `feed.max_bytes`: the head of a feed and a few summaries.
const MIN_FEED_BYTES: u64 = 16_384;

/// The default of `indexnow.endpoint`: it passes announcements on to all search engines that take part.
const INDEXNOW_ENDPOINT: &str = "https://api.indexnow.org/indexnow";

/// The effective configuration.
pub struct Config {
    /// Options of the HTTP server.
    pub server: http::ServerOptions,
    /// Options of rate limit and access log.
    pub middleware: http::MiddlewareOptions,
    /// Address of the public listener.
    pub listen: SocketAddr,
    /// The certificate of the public listener; without one it speaks plain HTTP.
    pub tls: Option<http::TlsFiles>,
    /// The listener that redirects plain HTTP to HTTPS, if there is one.
    pub redirect: Option<http::RedirectOptions>,
    /// Address of the admin listener.
    pub admin: SocketAddr,
    /// Options of the store.
    pub store: store::StoreOptions,
    /// Options of the folder scan.
    pub ingest: ingest::IngestOptions,
    /// How search engines are told about changes; none if they are not.
    pub indexnow: Option<push::IndexNowOptions>,
    /// Options of the collector.
    pub pull: pull::PullOptions,
    /// Options of the WebSub hub.
    pub hub: push::HubOptions,
    /// The URL of a hub of somebody else.
    pub outside_hub: Option<String>,
    /// Who is sent the changes of the log.
    pub webhooks: Vec<push::WebhookOptions>,
    /// Maximum number of requests to the hub per minute and host of the callback.
    pub hub_requests_per_minute: Option<NonZeroU32>,
    /// Options of the renderer.
    pub render: render::RenderOptions,
    /// True if `serve` logs JSON objects.
    pub json_log: bool,
    /// Differs whenever documents may differ for the same log.
    pub fingerprint: String,
    /// When it must be read again because the notice on the pages appears or disappears.
    pub expires_at: Option<Timestamp>,
    /// What is valid and yet needs attention.
    pub warnings: Vec<Message>,
    sources: ConfigSources,
}

impl Config {
    /// Reads `file`, by default `config.toml` in the working directory if it exists, and the environment variables.
    ///
    /// # Errors
    /// If a source is malformed or a value is invalid.
    pub fn load(
        file: Option<&Path>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let default: Option<&Path> = Self::default_file();
        let file = file.or(default);
        let sources = ConfigSources::load(file, variables)?;
        let settings: Settings = sources.deserialize()?;
        let base = file.and_then(Path::parent).unwrap_or(Path::new("")).to_owned();
        compose(settings, &base, sources)
    }

    /// The file that is read if none is named: `config.toml` in the working directory, if it exists.
    pub fn default_file() -> Option<&'static Path> {
        let here = Path::new("config.toml");
        here.symlink_metadata().is_ok().then_some(here)
    }

    /// True if a configuration that [`load`](Self::load) refuses asks for log lines in JSON: its error is one. False if it is
    /// no TOML.
    pub fn refused_wants_json_log(
        file: Option<&Path>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> bool {
        sources::log_format(file.unwrap_or(Path::new("config.toml")), variables)
            .is_some_and(|format| format == "json")
    }

    /// Every key with its value and origin, sorted by key. Secrets are redacted.
    pub fn effective_values(&self) -> Vec<EffectiveValue> {
        self.sources.effective_values()
    }

    /// The URL of the store without its password.
    pub fn redacted_store_url(&self) -> String {
        redact_database_url(&self.store.url)
    }

    /// Checks that ids may be created with this configuration.
    ///
    /// # Errors
    /// If `tag_authority` is the sample while others can reach the service: ids are permanent.
    pub fn validate_for_serving(&self) -> Result<(), ConfigError> {
        let addresses = &self.store.addresses;
        let sample = ConfigSources::default_text("site.tag_authority");
        let is_public = !addresses.is_loopback();
        checks::sample_authority_is_local(addresses.tag_authority(), &sample, is_public, self.listen)
    }
}

fn compose(settings: Settings, base: &Path, sources: ConfigSources) -> Result<Config, ConfigError> {
    let Settings { mut site, server, store, folder, feed, hub, log, indexnow, channel, source, webhook } =
        settings;
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
    let redirect = server.tls.as_ref().map(|tls| redirect(tls, &site.url, base)).transpose()?.flatten();
    let tls = server.tls.map(|tls| tls_files(tls, base)).transpose()?;
    let (limits, trusted_proxies) = (server.limits, server.trusted_proxies.unwrap_or_default());
    checks::limits(&limits)?;
    let channel = channel.unwrap_or_default();
    let encodings =
        channel.iter().filter_map(|channel| Some((channel.slug.clone(), channel.encoding?.0))).collect();
    let channels = channels(channel)?;
    let hub_url = hub::url(&hub, &addresses)?;
    let addresses = Arc::new(addresses.with_redirects(&channels).with_hub(hub_url));
    let user_agent = user_agent(&addresses);
    let hub_requests_per_minute = Some(hub.requests_per_minute);
    let outside_hub = hub.url.clone();
    let webhooks = hub::webhooks(webhook.unwrap_or_default(), &addresses)?;
    let hub_options = hub::options(hub, user_agent.clone())?;
    let pull_options = pull::PullOptions {
        sources: collect::sources(source.unwrap_or_default(), &addresses)?,
        user_agent,
        parse: parse::ParseOptions { zone: site.time_zone, language: site.language.clone(), encoding: None },
        addresses: Arc::clone(&addresses),
    };
    let indexnow = indexnow.map(|settings| indexnow_options(settings, &addresses)).transpose()?;
    let ingest = ingest_options(folder, &site, encodings, base, Arc::clone(&addresses));
    let (zone, now) = (site.time_zone, Clock::system().now());
    let notice = site.notice.take().map(|settings| Notice::new(settings, zone)).transpose()?;
    let shown = notice.as_ref().and_then(|notice| notice.shown_at(now)).map(str::to_owned);
    let render_options = render::RenderOptions {
        site: compose_site(site, &feed, shown)?,
        addresses: Arc::clone(&addresses),
        channels,
        live: live_feed_options(&feed),
        verifier: feed::verify,
        indexnow_key: indexnow.as_ref().map(|options| options.key.clone()),
        entry_cache: Default::default(),
    };
    Ok(Config {
        server: server_options(&limits),
        middleware: http::MiddlewareOptions {
            trusted_proxies: trusted_proxies.into_iter().map(|word| word.0).collect(),
            requests_per_minute: limits.requests_per_minute,
            writes_per_minute: limits.writes_per_minute,
            access_log: server.access_log,
        },
        listen: server.listen.0,
        tls,
        redirect,
        admin: server.admin.0,
        store: store::StoreOptions {
            url: resolve_store_path(&store.url, base),
            addresses,
            channels: render_options.channels.clone(),
            zone,
            clock: Clock::system(),
        },
        ingest,
        indexnow,
        pull: pull_options,
        hub: hub_options,
        outside_hub,
        webhooks,
        hub_requests_per_minute,
        json_log: matches!(log.format, LogFormatSetting::Json),
        fingerprint: fingerprint(&render_options),
        expires_at: notice.as_ref().and_then(|notice| notice.next_change(now)),
        warnings: notice.iter().filter_map(|notice| notice.lateness(now)).collect(),
        render: render_options,
        sources,
    })
}

/// The options of the folder scan. `encodings` are those of the files of single channels.
fn ingest_options(
    folder: schema::Folder,
    site: &schema::Site,
    encodings: BTreeMap<Slug, parse::Encoding>,
    base: &Path,
    addresses: Arc<SiteUrls>,
) -> ingest::IngestOptions {
    ingest::IngestOptions {
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
        // Ids of the sample authority are used on this machine only.
        marking: match addresses.tag_authority() == ConfigSources::default_text("site.tag_authority") {
            true => ingest::Marking::Renewed,
            false => ingest::Marking::Kept,
        },
        error_files: folder.error_file,
        addresses,
    }
}

/// `notice` is what every page announces now.
fn compose_site(
    site: schema::Site,
    feed: &FeedSettings,
    notice: Option<String>,
) -> Result<Site, ConfigError> {
    let zone = site.time_zone;
    Ok(Site {
        title: site.title,
        language: site.language,
        time_zone: zone,
        publisher: site.publisher,
        former_publishers: former_publishers(site.former_publisher.unwrap_or_default(), zone)?,
        rights: site.rights,
        rights_url: site.rights_url,
        logo: site.logo,
        colour: site.colour.0,
        max_age: feed.max_age.0,
        skip_hours: skip_hours(feed.skip_hours.as_deref().unwrap_or_default(), zone)?,
        notice,
    })
}

fn live_feed_options(feed: &FeedSettings) -> store::LiveFeedOptions {
    store::LiveFeedOptions {
        items: feed.items,
        window: feed.window.0.as_secs(),
        archive_page: feed.archive_page,
        limit: MAX_LIVE_ENTRIES,
        bytes: feed.max_bytes,
        whole: false,
    }
}

fn server_options(limits: &schema::Limits) -> http::ServerOptions {
    http::ServerOptions {
        header_timeout: limits.header_timeout.0,
        idle_timeout: limits.idle_timeout.0,
        send_timeout: limits.send_timeout.0,
        max_connection_age: limits.connection_age.0,
        max_connections: limits.connections,
        max_header_bytes: limits.head,
        max_body_bytes: limits.body,
        max_upload_bytes: limits.upload,
        shutdown_deadline: limits.shutdown.0,
    }
}

/// Names the site, so that the operator of another server knows whom to ask.
fn user_agent(addresses: &SiteUrls) -> String {
    format!("bantin/{} (+{}/)", env!("CARGO_PKG_VERSION"), addresses.site_url())
}

fn tls_files(settings: schema::Tls, base: &Path) -> Result<http::TlsFiles, ConfigError> {
    let file = |path: Option<PathBuf>, key: &str, wanted: &str| match path {
        Some(path) => Ok(base.join(path)),
        None => Err(value_error(
            &format!("server.tls.{key}"),
            format!("is missing: name the file of {wanted}, in PEM"),
        )),
    };
    Ok(http::TlsFiles {
        certificate: file(settings.certificate, "certificate", "the certificate with its chain")?,
        key: file(settings.key, "key", "the private key")?,
    })
}

/// The listener for plain HTTP beside the one for HTTPS.
fn redirect(
    settings: &schema::Tls,
    site_url: &str,
    base: &Path,
) -> Result<Option<http::RedirectOptions>, ConfigError> {
    let key = "server.tls.redirect_listen";
    let Some(listen) = &settings.redirect_listen else {
        return match settings.acme_challenges {
            Some(_) => {
                let cure = "is missing: acme_challenges are asked for over plain HTTP, so write \"[::]:80\"";
                Err(value_error(key, cure.to_owned()))
            }
            None => Ok(None),
        };
    };
    let origin = url::Url::parse(site_url).map(|url| url.origin().ascii_serialization());
    let Some(origin) = origin.ok().filter(|origin| origin.starts_with("https:")) else {
        let reason =
            format!("has no address to redirect to: site.url is {site_url}, it must begin with https:");
        return Err(value_error(key, reason));
    };
    let challenges = settings.acme_challenges.as_ref().map(|folder| base.join(folder));
    Ok(Some(http::RedirectOptions { listen: listen.0, origin, challenges }))
}

fn indexnow_options(
    settings: schema::IndexNow,
    addresses: &Arc<SiteUrls>,
) -> Result<push::IndexNowOptions, ConfigError> {
    let key = settings.key.unwrap_or_default();
    checks::indexnow_key(&key)?;
    let endpoint = settings.endpoint.unwrap_or_else(|| INDEXNOW_ENDPOINT.to_owned());
    checks::absolute_url("indexnow.endpoint", &endpoint, INDEXNOW_ENDPOINT)?;
    Ok(push::IndexNowOptions {
        key,
        endpoint,
        addresses: Arc::clone(addresses),
        user_agent: user_agent(addresses),
    })
}

/// All that documents depend on besides the log, including the program version.
fn fingerprint(options: &render::RenderOptions) -> String {
    let render::RenderOptions { site, addresses, channels, live, .. } = options;
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
    if let Some(url) = &site.rights_url {
        checks::absolute_url("site.rights_url", url, "https://huyen.example.vn/ban-quyen")?;
    }
    if let Some(logo) = &site.logo {
        checks::absolute_url("site.logo", logo, "https://huyen.example.vn/logo.png")?;
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
            "items plus archive_page is {always}; a live feed has at most {MAX_LIVE_ENTRIES} entries"
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
                let reason = format!("`{name}` is reserved for the service; choose another");
                return Err(value_error(&key, reason));
            }
            if let Err(cause) = Slug::parse_new(name.as_str()) {
                return Err(value_error(&key, cause.to_string()));
            }
            if !taken.insert(name.clone()) {
                let reason = format!("the name `{name}` is used twice, as a slug or under `was`; remove one");
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
    let status = match (gone.unwrap_or_default(), closed) {
        (true, Some(_)) => {
            let reason =
                "is both closed and gone; a closed channel is still served, a gone one is not: remove one";
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
    let (former_slugs, includes) = (was.unwrap_or_default(), members.unwrap_or_default());
    Ok(Channel { description, former_slugs, status, includes, ..Channel::new(slug, title) })
}

fn check_members(channel: &Channel, channels: &[Channel]) -> Result<(), ConfigError> {
    let key = || format!("channel.{}.members", channel.slug);
    for member in &channel.includes {
        let renamed = channels.iter().find(|other| other.former_slugs.contains(member));
        if let Some(other) = renamed {
            return Err(value_error(
                &key(),
                format!("`{member}` is now called `{}`; use that name", other.slug),
            ));
        }
        if included_channels(member, channels).contains(&channel.slug) {
            return Err(value_error(&key(), format!("the channel would contain itself through `{member}`")));
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
            let reason = format!("`{name}` must come before publishers with a later `until`");
            return Err(value_error("site.former_publisher", reason));
        }
        former.push(FormerPublisher { name, until });
    }
    Ok(former)
}

/// The hours in GMT that are entirely within these hours of `zone`, in winter and summer (feed rule R13).
fn skip_hours(local: &[u8], zone: Zone) -> Result<Vec<u8>, ConfigError> {
    if let Some(hour) = local.iter().find(|hour| **hour > 23) {
        return Err(value_error(
            "feed.skip_hours",
            format!("`{hour}` is not an hour of the day: use 0 to 23"),
        ));
    }
    if (0..24).all(|hour| local.contains(&hour)) {
        let reason = "contains all hours of the day; leave some out, or readers will never fetch the feed";
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

/// A relative path in the store URL is relative to the config file.
fn resolve_store_path(url: &str, base: &Path) -> String {
    match url.strip_prefix("sqlite:") {
        Some(path) if !path.is_empty() => format!("sqlite:{}", base.join(path).display()),
        _ => url.to_owned(),
    }
}
