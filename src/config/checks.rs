//! Checks of values beyond their types. Each error says what is wrong and what to write instead.

use std::net::SocketAddr;

use chrono::{Datelike as _, NaiveDate};

use super::error::{ConfigError, value_error};
use super::schema::Limits;
use crate::model::{Channel, ChannelStatus};
use crate::text::{http_url, language_tag};
use crate::urls::redact_url;

/// Maximum length of a text, in bytes.
const MAX_LINE_BYTES: usize = 1000;
/// Maximum of `server.limits.connections`.
const MAX_CONNECTIONS: usize = 1 << 20;
/// Maximum of `server.limits.upload`, in bytes.
const MAX_UPLOAD_BYTES: usize = 1 << 28;
/// Maximum of `server.limits.body`, in bytes.
const MAX_BODY_BYTES: usize = 1 << 30;
/// Allowed range of `server.limits.head`, in bytes.
const HEADER_BYTES: std::ops::RangeInclusive<usize> = 8192..=1 << 20;

/// A text that readers see: one line, not empty.
pub(super) fn line(key: &str, text: &str) -> Result<(), ConfigError> {
    let reason = match text {
        _ if text.trim().is_empty() => "is empty: write a text or leave the key out",
        _ if text.contains(char::is_control) => "must be one line: remove line breaks and control characters",
        _ if text.len() > MAX_LINE_BYTES => "is too long: at most 1000 bytes",
        _ => return Ok(()),
    };
    Err(value_error(key, reason.to_owned()))
}

pub(super) fn language(key: &str, text: &str) -> Result<(), ConfigError> {
    // `vn` is the country code and a well-formed tag.
    if language_tag(text).is_some() && !text.eq_ignore_ascii_case("vn") {
        return Ok(());
    }
    Err(value_error(
        key,
        format!("`{text}` is not a language tag (BCP 47): write vi for Vietnamese, or like en, jra, vi-VN"),
    ))
}

pub(super) fn absolute_url(key: &str, text: &str, example: &str) -> Result<(), ConfigError> {
    // Readers of URLs remove tabs and line ends in them, and others do not.
    let is_one_word = !text.contains(|character: char| character.is_whitespace() || character.is_control());
    if is_one_word && http_url(text).is_some() {
        return Ok(());
    }
    Err(value_error(key, format!("`{}` is not an absolute URL: write it like {example}", redact_url(text))))
}

/// The form that IndexNow prescribes.
pub(super) fn indexnow_key(key: &str) -> Result<(), ConfigError> {
    let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if (8..=128).contains(&key.len()) && key.bytes().all(is_valid) {
        return Ok(());
    }
    let cure = "invent 8 to 128 letters a-z, digits and hyphens, like the output of `openssl rand -hex 16`";
    Err(value_error("indexnow.key", format!("`{key}` is not a key: {cure}")))
}

/// The date of a tag authority must be in the past, when the operator owned the name (RFC 4151 §2.1).
pub(super) fn tag_authority(text: &str, today: NaiveDate) -> Result<(), ConfigError> {
    let invalid = |what: String| {
        let cure = "write a host name that you own and a year or day on which you owned it, like huyen.example.vn,2023";
        Err(value_error("site.tag_authority", format!("`{text}` {what}: {cure}")))
    };
    let Some((name, date)) = text.split_once(',') else { return invalid("has no date".to_owned()) };
    let has_host = name.rsplit('@').next().is_some_and(|host| {
        let is_label = |part: &str| {
            let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            !part.is_empty() && part.bytes().all(is_valid) && !part.starts_with('-') && !part.ends_with('-')
        };
        // The last label of a host name has a letter; of an IP address it has none.
        let is_name = host.rsplit('.').next().is_some_and(|last| last.contains(char::is_alphabetic));
        host.contains('.') && is_name && host.split('.').all(is_label)
    });
    if !has_host || name.matches('@').count() > 1 {
        return invalid(format!("has the invalid host name `{name}`"));
    }
    let full_date = match date.len() {
        4 => format!("{date}-01-01"),
        7 => format!("{date}-01"),
        _ => date.to_owned(),
    };
    let is_padded =
        full_date.len() == 10 && full_date.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    match NaiveDate::parse_from_str(&full_date, "%Y-%m-%d").ok().filter(|_| is_padded) {
        // There were no host names before.
        Some(day) if day.year() < 1985 => invalid(format!("has the impossible date {date}")),
        None => invalid(format!("has the invalid date `{date}` (use 2023, 2023-05 or 2023-05-12)")),
        Some(day) if day > today => invalid(format!("has the date {date}, which is in the future")),
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
    within("connections", limits.connections, 1..=MAX_CONNECTIONS)?;
    within("head", limits.head, HEADER_BYTES)?;
    within("body", limits.body, 1..=MAX_BODY_BYTES)?;
    within("upload", limits.upload, 1..=MAX_UPLOAD_BYTES)?;
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

/// `members` must be configured channels: a typo would silently leave a channel empty.
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

/// The sample authority is for local use only: ids are permanent.
pub(super) fn sample_authority_is_local(
    authority: &str,
    sample: &str,
    has_public_url: bool,
    listen: SocketAddr,
) -> Result<(), ConfigError> {
    let public = match (has_public_url, listen.ip().to_canonical().is_loopback()) {
        (true, _) => "site.url is a public address".to_owned(),
        (false, false) => format!("server.listen is {listen}, which others can reach"),
        (false, true) => return Ok(()),
    };
    if authority != sample {
        return Ok(());
    }
    Err(value_error(
        "site.tag_authority",
        format!(
            "is still the sample `{sample}` while {public}. Ids are for ever: write a host name that you own and a date, \
             like huyen.example.vn,2023"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_authority_is_a_host_name_and_a_date_in_the_past() {
        let today = NaiveDate::from_ymd_opt(2024, 5, 12).unwrap();
        for text in ["huyen.example.vn,2023", "a@huyen.example.vn,2023-05", "xa-1.vn,2024-05-12"] {
            assert!(tag_authority(text, today).is_ok(), "{text}");
        }
        for text in [
            "huyen.example.vn",
            "huyen.example.vn,",
            "huyen.example.vn,2025",
            "huyen.example.vn,2024-05-13",
            "huyen.example.vn,2023-02-30",
            "huyen.example.vn,2023-13",
            "huyen.example.vn,0000",
            "huyen.example.vn,1023",
            "huyen.example.vn,23",
            "localhost,2023",
            "127.0.0.1,2023",
            "huyen_1.vn,2023",
            "huyen..vn,2023",
            "-huyen.vn,2023",
            "huyen.vn.,2023",
            "a@b@huyen.vn,2023",
            "@huyen.vn@,2023",
        ] {
            assert!(tag_authority(text, today).is_err(), "{text}");
        }
    }
}
