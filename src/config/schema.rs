//! The configuration keys and the types of their values.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use chrono::NaiveDate;
use ipnet::IpNet;
use serde::Deserialize;

use crate::model::{Colour, InvalidColour, Slug};
use crate::parse::Encoding;
use crate::time::Zone;

/// Defines each section twice: here for the merged configuration, and in [`partial`] for a single source, in which
/// every key is optional.
macro_rules! sections {
    ($($name:ident { $($key:ident: $kind:ty,)* } maybe { $($optional:ident: $optional_kind:ty,)* })*) => {
        $(#[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            $(pub(super) $key: $kind,)*
            $(pub(super) $optional: Option<$optional_kind>,)*
        })*

        /// The keys of each section, without those of sections within it.
        const SECTIONS: &[(&str, &[&str])] = &[
            $((stringify!($name), &[$(stringify!($key),)* $(stringify!($optional),)*]),)*
        ];

        /// The keys of a single source, all optional.
        pub(super) mod partial {
            use super::*;

            $(#[derive(Deserialize)]
            #[serde(deny_unknown_fields)]
            #[expect(dead_code, reason = "parsed only as a check")]
            pub(in super::super) struct $name {
                $($key: Option<$kind>,)*
                $($optional: Option<$optional_kind>,)*
            })*
        }
    };
}

sections! {
    Settings {
        site: Site,
        server: Server,
        store: Store,
        folder: Folder,
        feed: Feed,
        hub: Hub,
        log: Log,
    } maybe {
        indexnow: IndexNow,
        channel: Vec<Channel>,
        source: Vec<Source>,
        webhook: Vec<Webhook>,
    }
    Source {
        name: String,
        url: String,
    } maybe {
        kind: SourceKindSetting,
        channels: Vec<Slug>,
        map: BTreeMap<String, Slug>,
        every: DurationSetting,
        language: String,
        full_text: bool,
        publisher: String,
        licence: String,
        enabled: bool,
        allow_private: bool,
        withdraw: WithdrawSetting,
        images: ImagesSetting,
        max_age_of_items: DurationSetting,
    }
    Webhook {
        url: String,
        secret: String,
    } maybe {
        channels: Vec<Slug>,
    }
    Site {
        title: String,
        url: String,
        tag_authority: String,
        language: String,
        time_zone: Zone,
        publisher: String,
        colour: ColourSetting,
    } maybe {
        former_publisher: Vec<FormerPublisher>,
        rights: String,
        rights_url: String,
        logo: String,
        notice: Notice,
    }
    Notice {} maybe {
        text: String,
        from: TimeSetting,
        until: TimeSetting,
    }
    FormerPublisher {
        name: String,
        until: DateSetting,
    } maybe {}
    Server {
        listen: Listen,
        admin: Listen,
        access_log: bool,
        limits: Limits,
    } maybe {
        trusted_proxies: Vec<NetworkSetting>,
        tls: Tls,
    }
    Tls {} maybe {
        certificate: PathBuf,
        key: PathBuf,
        redirect_listen: Listen,
        acme_challenges: PathBuf,
    }
    Limits {
        connections: usize,
        header_timeout: DurationSetting,
        idle_timeout: DurationSetting,
        send_timeout: DurationSetting,
        connection_age: DurationSetting,
        head: usize,
        body: usize,
        upload: usize,
        shutdown: DurationSetting,
    } maybe {
        requests_per_minute: NonZeroU32,
        writes_per_minute: NonZeroU32,
    }
    Store {
        url: String,
    } maybe {}
    Folder {
        path: PathBuf,
        watch: WatchSetting,
        error_file: bool,
    } maybe {
        encoding: EncodingSetting,
    }
    Feed {
        items: u32,
        window: DurationSetting,
        archive_page: u64,
        max_bytes: u64,
        max_age: DurationSetting,
    } maybe {
        skip_hours: Vec<u8>,
    }
    Hub {
        enabled: bool,
        content: ContentSetting,
        signature: SignatureSetting,
        lease_default: DurationSetting,
        lease_min: DurationSetting,
        lease_max: DurationSetting,
        max_subscriptions: u64,
        requests_per_minute: NonZeroU32,
    } maybe {
        url: String,
        allow: Vec<String>,
    }
    Log {
        format: LogFormatSetting,
    } maybe {}
    IndexNow {} maybe {
        key: String,
        endpoint: String,
    }
    Channel {
        slug: Slug,
    } maybe {
        title: String,
        description: String,
        was: Vec<Slug>,
        closed: ClosedSetting,
        gone: bool,
        members: Vec<Slug>,
        encoding: EncodingSetting,
    }
}

/// All keys except those of channels, sources and webhooks, like `server.limits.head`.
pub(super) fn keys() -> Vec<String> {
    let sections = [
        ("site", "Site"),
        ("server", "Server"),
        ("server.limits", "Limits"),
        ("server.tls", "Tls"),
        ("store", "Store"),
        ("folder", "Folder"),
        ("feed", "Feed"),
        ("hub", "Hub"),
        ("log", "Log"),
        ("indexnow", "IndexNow"),
    ];
    let of = |name: &str| SECTIONS.iter().find(|(known, _)| *known == name).map_or(&[][..], |(_, keys)| keys);
    let keys =
        sections.iter().flat_map(|(path, name)| of(name).iter().map(move |key| format!("{path}.{key}")));
    keys.filter(|key| !sections.iter().any(|(path, _)| key == path)).collect()
}

/// An address and a port: `127.0.0.1:8080`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Listen(pub(super) SocketAddr);

impl TryFrom<String> for Listen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = |_| {
            format!(
                "`{text}` is not an address with a port: write 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080"
            )
        };
        text.parse().map(Self).map_err(wrong)
    }
}

/// An address or a network: `127.0.0.1`, `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct NetworkSetting(pub(super) IpNet);

impl TryFrom<String> for NetworkSetting {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let one = text.parse::<IpAddr>().map(IpNet::from).ok();
        let network = one.or_else(|| text.parse().ok());
        network
            .map(Self)
            .ok_or_else(|| format!("`{text}` is not an address or network, like 127.0.0.1 or 10.0.0.0/8"))
    }
}

/// Whether a channel is closed, or since when: `true`, `2024-12-31`, `"31/12/2024"`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged, expecting = "true, false, or the day since which it is closed, like 2024-12-31")]
pub(super) enum ClosedSetting {
    Yes(bool),
    Since(DateSetting),
}

/// A TOML date or a Vietnamese one: `2025-07-01`, `"01/07/2025"`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "RawDate")]
pub(super) struct DateSetting(pub(super) NaiveDate);

#[derive(Deserialize)]
#[serde(untagged, expecting = "a date or a time, like 2025-07-01 or \"01/07/2025\"")]
enum RawDate {
    Toml(toml::value::Datetime),
    Text(String),
}

impl TryFrom<RawDate> for DateSetting {
    type Error = String;

    fn try_from(text: RawDate) -> Result<Self, String> {
        let text = match text {
            RawDate::Toml(moment) => moment.to_string(),
            RawDate::Text(text) => text,
        };
        let read =
            ["%Y-%m-%d", "%d/%m/%Y"].iter().find_map(|form| NaiveDate::parse_from_str(&text, form).ok());
        read.map(Self)
            .ok_or_else(|| format!("`{text}` is not a date: write it like 2025-07-01 or \"01/07/2025\""))
    }
}

/// A date or time as written, in TOML or as text: `2026-12-01T08:00:00`, `"08:00 01/12/2026"`. It is read later,
/// because that needs the site's time zone.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "RawDate")]
pub(super) struct TimeSetting(pub(super) String);

impl From<RawDate> for TimeSetting {
    fn from(date: RawDate) -> Self {
        match date {
            RawDate::Toml(moment) => Self(moment.to_string()),
            RawDate::Text(text) => Self(text),
        }
    }
}

/// The name of an encoding: `"tcvn3"`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct EncodingSetting(pub(super) Encoding);

impl TryFrom<String> for EncodingSetting {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        Encoding::from_setting(&word).map(Self).ok_or_else(|| {
            let known = Encoding::ALL.map(Encoding::as_str).join(", ");
            format!("`{word}` is not a supported encoding; use one of: {known}")
        })
    }
}

/// A colour with enough contrast for text: `"#8c1d18"`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct ColourSetting(pub(super) Colour);

impl TryFrom<String> for ColourSetting {
    type Error = InvalidColour;

    fn try_from(text: String) -> Result<Self, InvalidColour> {
        Colour::parse_accessible(&text).map(Self)
    }
}

/// What a source is.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum SourceKindSetting {
    #[default]
    Auto,
    Feed,
    Bantin,
}

/// What happens when a source withdraws an article.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum WithdrawSetting {
    #[default]
    Follow,
    Report,
}

/// What becomes of the images of a source.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ImagesSetting {
    #[default]
    Copy,
    Link,
}

/// What the subscribers of the hub are sent.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ContentSetting {
    Full,
    Changes,
}

/// The hash of the hub's signatures.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum SignatureSetting {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

/// How changes in the folder are detected.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum WatchSetting {
    Events,
    Poll,
    Off,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum LogFormatSetting {
    Text,
    Json,
}

/// A duration: `90`, `"90s"`, `"5m"`, `"2h"`, `"7d"`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "RawDuration")]
pub(super) struct DurationSetting(pub(super) Duration);

#[derive(Deserialize)]
#[serde(untagged)]
enum RawDuration {
    Seconds(u64),
    Text(String),
}

impl DurationSetting {
    /// Ten years: adding more to a clock could overflow.
    const MAX_SECONDS: u64 = 3650 * 86_400;

    fn from_seconds(seconds: u64) -> Result<Self, String> {
        match seconds {
            0..=Self::MAX_SECONDS => Ok(Self(Duration::from_secs(seconds))),
            _ => Err(format!("{seconds} seconds is too long: at most \"3650d\"")),
        }
    }
}

impl TryFrom<RawDuration> for DurationSetting {
    type Error = String;

    fn try_from(text: RawDuration) -> Result<Self, String> {
        let text = match text {
            RawDuration::Seconds(seconds) => return Self::from_seconds(seconds),
            RawDuration::Text(text) => text,
        };
        let wrong = || format!("`{text}` is not a duration: write a number and s, m, h or d, like \"5m\"");
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        let unit = match text[digits.len()..].trim() {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return Err(wrong()),
        };
        number.checked_mul(unit).ok_or_else(wrong).and_then(Self::from_seconds)
    }
}
