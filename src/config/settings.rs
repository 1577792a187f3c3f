//! The keys of the configuration, as they are written, and the types of their values.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::channel::Slug;
use crate::manuscript::Encoding;
use crate::vietnam_time::Zone;

/// Writes each section twice: here, as it must be when all layers are merged, and in [`partial`], as a single
/// layer may be, with every key left out that it does not set.
macro_rules! sections {
    ($($name:ident { $($key:ident: $kind:ty,)* } maybe { $($optional:ident: $optional_kind:ty,)* })*) => {
        $(#[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            $(pub(super) $key: $kind,)*
            $(pub(super) $optional: Option<$optional_kind>,)*
        })*

        /// What one layer may hold.
        pub(super) mod partial {
            use super::*;

            $(#[derive(Deserialize)]
            #[serde(deny_unknown_fields)]
            #[expect(dead_code, reason = "read only to be checked")]
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
    } maybe {
        channel: Vec<Channel>,
    }
    Site {
        title: String,
        url: String,
        tag_authority: String,
        language: String,
        time_zone: Zone,
        publisher: String,
    } maybe {
        rights: String,
        logo: String,
    }
    Server {
        listen: SocketAddr,
        admin: SocketAddr,
        limits: Limits,
    } maybe {}
    Limits {
        connections: usize,
        header_timeout: Span,
        idle_timeout: Span,
        send_timeout: Span,
        connection_age: Span,
        head: usize,
        body: usize,
        shutdown: Span,
    } maybe {}
    Store {
        url: String,
    } maybe {}
    Folder {
        path: PathBuf,
        watch: Watch,
    } maybe {
        encoding: EncodingWord,
    }
    Feed {
        items: u32,
        window: Span,
        archive_page: u64,
        max_age: Span,
    } maybe {}
    Channel {
        slug: Slug,
    } maybe {
        title: String,
        description: String,
        encoding: EncodingWord,
    }
}

/// An encoding by its word: `"tcvn3"`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct EncodingWord(pub(super) Encoding);

impl TryFrom<String> for EncodingWord {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        Encoding::from_setting(&word).map(Self).ok_or_else(|| {
            let known = Encoding::ALL.map(Encoding::setting).join(", ");
            format!("`{word}` is no encoding that is known here; there are: {known}")
        })
    }
}

/// How changes in the folder are noticed.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Watch {
    Events,
    Poll,
    Off,
}

/// A duration as people write it: `90`, `"90s"`, `"5m"`, `"2h"`, `"7d"`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "SpanText")]
pub(super) struct Span(pub(super) Duration);

#[derive(Deserialize)]
#[serde(untagged)]
enum SpanText {
    Seconds(u64),
    Text(String),
}

impl TryFrom<SpanText> for Span {
    type Error = String;

    fn try_from(text: SpanText) -> Result<Self, String> {
        let text = match text {
            SpanText::Seconds(seconds) => return Ok(Self(Duration::from_secs(seconds))),
            SpanText::Text(text) => text,
        };
        let wrong = || format!("`{text}` is no duration: write a number and s, m, h or d, like \"5m\"");
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        let unit = match text[digits.len()..].trim() {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return Err(wrong()),
        };
        number.checked_mul(unit).map(|seconds| Self(Duration::from_secs(seconds))).ok_or_else(wrong)
    }
}
