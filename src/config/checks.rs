//! What a value must be beyond its type. Each check says what is wrong and what to write.

use std::net::SocketAddr;

use chrono::NaiveDate;

use super::schema::Limits;
use super::{ConfigError, value_error};
use crate::model::{Channel, ChannelStatus};
use crate::text::language_tag;

/// The longest line of text that is shown everywhere, in bytes.
const LONGEST_LINE: usize = 1000;
/// Connections that a machine may have at a time.
const MOST_CONNECTIONS: usize = 1 << 20;
/// The longest body of a request, in bytes.
const LONGEST_BODY: usize = 1 << 30;
/// The least and the most that the server can be told for the head of a request, in bytes.
const HEAD: std::ops::RangeInclusive<usize> = 8192..=1 << 20;

/// A name or a sentence that readers see.
pub(super) fn line(key: &str, text: &str) -> Result<(), ConfigError> {
    let reason = match text {
        _ if text.trim().is_empty() => "is empty: write what readers are to see, or leave the key out",
        _ if text.contains(char::is_control) => "must be one line: remove line breaks and control characters",
        _ if text.len() > LONGEST_LINE => "is too long: 1000 bytes at most",
        _ => return Ok(()),
    };
    Err(value_error(key, reason.to_owned()))
}

pub(super) fn language(key: &str, text: &str) -> Result<(), ConfigError> {
    // `vn` is the country, and a tag by its form.
    if language_tag(text).is_some() && !text.eq_ignore_ascii_case("vn") {
        return Ok(());
    }
    Err(value_error(
        key,
        format!("`{text}` is no language tag (BCP 47): write vi for Vietnamese, or like en, jra, vi-VN"),
    ))
}

pub(super) fn logo(key: &str, text: &str) -> Result<(), ConfigError> {
    let parsed = url::Url::parse(text).ok();
    if parsed.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
        return Ok(());
    }
    Err(value_error(
        key,
        format!("`{text}` is no absolute URL: write it like https://huyen.example.vn/logo.png"),
    ))
}

/// The date of a tag authority names a day that is past: the name must have been somebody's on it (RFC 4151 §2.1).
pub(super) fn tag_authority(text: &str, today: NaiveDate) -> Result<(), ConfigError> {
    let refuse = |what: String| {
        let cure = "write a host name of yours and a year or day on which it was, like huyen.example.vn,2023";
        Err(value_error("site.tag_authority", format!("`{text}` {what}: {cure}")))
    };
    let Some((name, date)) = text.split_once(',') else { return refuse("names no date".to_owned()) };
    let has_host = name.rsplit('@').next().is_some_and(|host| {
        host.contains('.')
            && host.split('.').all(|part| !part.is_empty() && !part.starts_with('-') && !part.ends_with('-'))
    });
    if !has_host || name.matches('@').count() > 1 {
        return refuse(format!("names `{name}`, which is no host name"));
    }
    let whole = match date.len() {
        4 => format!("{date}-01-01"),
        7 => format!("{date}-01"),
        _ => date.to_owned(),
    };
    let is_written_out = whole.len() == 10 && whole.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    match NaiveDate::parse_from_str(&whole, "%Y-%m-%d").ok().filter(|_| is_written_out) {
        None => refuse(format!("names `{date}`, which is no date (2023, 2023-05 or 2023-05-12)")),
        Some(day) if day > today => refuse(format!("names {date}, which is still to come")),
        Some(_) => Ok(()),
    }
}

pub(super) fn limits(limits: &Limits) -> Result<(), ConfigError> {
    let within =
        |key: &str, number: usize, range: std::ops::RangeInclusive<usize>| match range.contains(&number) {
            true => Ok(()),
            false => {
                let reason = format!("{number} is out of range: {} to {}", range.start(), range.end());
                Err(value_error(&format!("server.limits.{key}"), reason))
            }
        };
    within("connections", limits.connections, 1..=MOST_CONNECTIONS)?;
    within("head", limits.head, HEAD)?;
    within("body", limits.body, 1..=LONGEST_BODY)?;
    for (key, span) in [
        ("header_timeout", limits.header_timeout),
        ("idle_timeout", limits.idle_timeout),
        ("send_timeout", limits.send_timeout),
        ("connection_age", limits.connection_age),
    ] {
        if span.0.is_zero() {
            let reason = "must be at least 1s; leave the key out for its default";
            return Err(value_error(&format!("server.limits.{key}"), reason.to_owned()));
        }
    }
    Ok(())
}

/// `members` name channels that are configured: a slip would leave a channel empty without a word.
pub(super) fn members_are_known(channel: &Channel, channels: &[Channel]) -> Result<(), ConfigError> {
    let key = format!("channel.{}.members", channel.slug);
    for member in &channel.includes {
        let reason = match channels.iter().find(|other| other.slug == *member) {
            Some(other) if other.status == ChannelStatus::Removed => {
                format!("`{member}` is gone; remove it here")
            }
            Some(_) => continue,
            None => {
                let others = channels.iter().filter(|other| other.slug != channel.slug);
                let known: Vec<&str> = others.map(|other| other.slug.as_str()).collect();
                format!(
                    "there is no [[channel]] with the slug `{member}`; name it in one, or write one of: {}",
                    known.join(", ")
                )
            }
        };
        return Err(value_error(&key, reason));
    }
    Ok(())
}

/// The sample authority serves this machine alone: ids are for ever.
pub(super) fn authority_is_ones_own(
    authority: &str,
    sample: &str,
    has_public_url: bool,
    listen: SocketAddr,
) -> Result<(), ConfigError> {
    let public = match (has_public_url, listen.ip().to_canonical().is_loopback()) {
        (true, _) => "site.url is a public address".to_owned(),
        (false, false) => format!("server.listen is {listen}, where others reach it"),
        (false, true) => return Ok(()),
    };
    if authority != sample {
        return Ok(());
    }
    Err(value_error(
        "site.tag_authority",
        format!(
            "is still the sample `{sample}` while {public}. Ids are for ever: write a host name of yours and a date, \
             like huyen.example.vn,2023"
        ),
    ))
}
