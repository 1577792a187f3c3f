//! Parses the path of a request.

use std::borrow::Cow;

use chrono::NaiveDate;

use super::paths::{
    ACCESSIBILITY_PATH, Format, Scope, Sitemap, feed_path, month_path, months_path, page_path, search_path,
};
use crate::model::{Permalink, Slug};
use crate::time::Month;

/// The resource that a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// A live feed.
    Feed(Scope, Format),
    /// An archive page (RFC 5005), counted from 1.
    Archive(Scope, u64, Format),
    /// The HTML page of a channel, or home.
    Page(Scope),
    /// An article page.
    Article(Permalink),
    /// The archive by month, of a channel or of the whole site; all months or those of one year.
    Months(Scope, Option<i32>),
    /// The articles of one month.
    Month(Scope, Month),
    /// The search page.
    Search,
    /// The results of a search as a feed.
    SearchFeed(Format),
    /// A sitemap.
    Sitemap(Sitemap),
    /// A document that depends only on the configuration: stylesheet, script, icon, `robots.txt`, the page about
    /// accessibility.
    Asset,
    /// An image, by its name.
    Media(String),
    /// A path below `/api`: its segments, percent-decoded.
    Api(Vec<String>),
    /// An editing page: its segments below `/soan/`.
    Editor(Vec<String>),
    /// The WebSub hub.
    Hub,
    /// Where the hub of a source tells of changes: the secret part of the path.
    HubCallback(String),
    /// All channels as OPML.
    Opml,
    /// Another spelling of a path (`/feed`, `/index.html`, a channel without its slash), or a path of a renamed
    /// channel: 301 to this path, if it exists.
    Redirect(String),
    /// A path of a removed channel: 410.
    Gone,
    /// Liveness of the process.
    Health,
    /// Readiness to serve.
    Ready,
    /// No such resource.
    NotFound,
}

/// First path segments that no channel may use as its slug.
pub const RESERVED_SLUGS: [&str; 20] = [
    "api",
    "archive",
    "assets",
    "atom",
    "bai-viet",
    "favicon",
    "feed",
    "healthz",
    "hub",
    "index",
    "media",
    "metrics",
    "readyz",
    "robots",
    "rss",
    "sitemap",
    "soan",
    "theo-thang",
    "tim-kiem",
    "tro-giup-tiep-can",
];

/// File names of feeds in other software, with or without a trailing slash. They redirect.
pub const FORMAT_ALIASES: [(&str, Format); 6] = [
    ("feed", Format::Rss),
    ("rss", Format::Rss),
    ("feed.xml", Format::Rss),
    ("index.xml", Format::Rss),
    ("atom", Format::Atom),
    ("index.atom", Format::Atom),
];

/// Parses a path in normal form, without the prefix of the site and without regard to its channels.
pub(super) fn parse_path(path: &str) -> Route {
    let Some(rest) = path.strip_prefix('/') else { return Route::NotFound };
    let parts: Vec<&str> = rest.split('/').collect();
    match parts.as_slice() {
        ["api", segments @ ..] => parse_api(segments),
        ["soan"] => Route::Editor(Vec::new()),
        ["soan", segments @ ..] => Route::Editor(segments.iter().map(|part| (*part).to_owned()).collect()),
        [.., "index.html"] => match parse_path(path.trim_end_matches("index.html")) {
            other @ (Route::NotFound | Route::Redirect(_)) => other,
            _ => Route::Redirect(path.trim_end_matches("index.html").to_owned()),
        },
        [""] => Route::Page(None),
        ["hub"] => Route::Hub,
        ["hub", token] if token.bytes().all(|byte| byte.is_ascii_alphanumeric()) && !token.is_empty() => {
            Route::HubCallback((*token).to_owned())
        }
        ["opml.xml"] => Route::Opml,
        ["tim-kiem"] => Route::Search,
        ["tim-kiem", ""] => Route::Redirect(search_path(None, "")),
        ["tim-kiem", file] => format_from_file_name(file).map_or(Route::NotFound, Route::SearchFeed),
        ["news-sitemap.xml"] => Route::Sitemap(Sitemap::News),
        ["sitemap.xml"] => Route::Sitemap(Sitemap::Index),
        ["sitemap", file] => parse_sitemap(file),
        ["robots.txt" | "favicon.ico" | "tro-giup-tiep-can"] | ["assets", _] => Route::Asset,
        ["tro-giup-tiep-can", ""] => Route::Redirect(ACCESSIBILITY_PATH.to_owned()),
        ["theo-thang", rest @ ..] => parse_months(None, rest),
        [slug, "theo-thang", rest @ ..] => parse_channel(slug, |slug| parse_months(Some(slug), rest)),
        ["healthz"] => Route::Health,
        ["readyz"] => Route::Ready,
        [alias] | [alias, ""] if let Some(format) = format_from_alias(alias) => {
            Route::Redirect(feed_path(None, format))
        }
        ["media", name] if is_image_name(name) => Route::Media((*name).to_owned()),
        ["archive", page, file] => parse_archive(None, page, file),
        [slug, "archive", page, file] => parse_channel(slug, |slug| parse_archive(Some(slug), page, file)),
        ["bai-viet", year, month, day, slug] => parse_article(year, month, day, slug),
        [file] if format_from_file_name(file).is_some() => parse_feed(None, file),
        // The file that proves to IndexNow whose site this is.
        [file] if file.ends_with(".txt") => Route::Asset,
        [slug] => parse_channel(slug, |slug| Route::Redirect(page_path(Some(&slug)))),
        [slug, ""] => parse_channel(slug, |slug| Route::Page(Some(slug))),
        [slug, alias] | [slug, alias, ""] if let Some(format) = format_from_alias(alias) => {
            parse_channel(slug, |slug| Route::Redirect(feed_path(Some(&slug), format)))
        }
        [slug, file] => parse_channel(slug, |slug| parse_feed(Some(slug), file)),
        _ => Route::NotFound,
    }
}

fn parse_api(segments: &[&str]) -> Route {
    let decoded = segments.iter().map(|segment| {
        let text = percent_encoding::percent_decode_str(segment).decode_utf8().ok()?;
        (!text.is_empty()).then(|| text.into_owned())
    });
    decoded.collect::<Option<Vec<_>>>().map_or(Route::NotFound, Route::Api)
}

/// A hash in hexadecimal, and an extension.
fn is_image_name(name: &str) -> bool {
    let Some((hash, extension)) = name.split_once('.') else { return false };
    let inside = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    hash.len() == 32 && hash.bytes().all(inside) && matches!(extension, "jpg" | "png" | "webp" | "gif")
}

fn format_from_file_name(file: &str) -> Option<Format> {
    Format::ALL.into_iter().find(|format| format.file_name() == file)
}

/// The feed format that other software serves under this name.
fn format_from_alias(name: &str) -> Option<Format> {
    FORMAT_ALIASES.into_iter().find(|(alias, _)| *alias == name).map(|(_, format)| format)
}

fn parse_feed(scope: Scope, file: &str) -> Route {
    format_from_file_name(file).map_or(Route::NotFound, |format| Route::Feed(scope, format))
}

/// A page has one path: no leading zeros, no sign.
fn parse_archive(scope: Scope, page: &str, file: &str) -> Route {
    let plain = page.bytes().all(|byte| byte.is_ascii_digit()) && !page.starts_with('0');
    let number = plain.then(|| page.parse().ok()).flatten();
    match (number, format_from_file_name(file)) {
        (Some(number), Some(format)) => Route::Archive(scope, number, format),
        _ => Route::NotFound,
    }
}

/// Parses the segments after `theo-thang`.
fn parse_months(scope: Scope, rest: &[&str]) -> Route {
    match *rest {
        [] => Route::Redirect(months_path(scope.as_ref(), None)),
        [""] => Route::Months(scope, None),
        [year, ""] => parse_year(year).map_or(Route::NotFound, |year| Route::Months(scope, Some(year))),
        [year] => parse_year(year)
            .map_or(Route::NotFound, |year| Route::Redirect(months_path(scope.as_ref(), Some(year)))),
        [year, number, ""] => {
            parse_month(year, number).map_or(Route::NotFound, |month| Route::Month(scope, month))
        }
        [year, number] => parse_month(year, number)
            .map_or(Route::NotFound, |month| Route::Redirect(month_path(scope.as_ref(), month))),
        _ => Route::NotFound,
    }
}

fn parse_sitemap(file: &str) -> Route {
    let Some(name) = file.strip_suffix(".xml") else { return Route::NotFound };
    let month = || name.split_once('-').and_then(|(year, month)| parse_month(year, month));
    match name {
        "pages" => Route::Sitemap(Sitemap::Pages),
        _ => month().map_or(Route::NotFound, |month| Route::Sitemap(Sitemap::Month(month))),
    }
}

/// The widths are fixed, so that a month has one path.
fn parse_month(year: &str, month: &str) -> Option<Month> {
    Month::new(parse_year(year)?, digits(month, 2)?.parse().ok()?)
}

fn parse_year(year: &str) -> Option<i32> {
    digits(year, 4)?.parse().ok()
}

fn digits(text: &str, length: usize) -> Option<&str> {
    (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

fn parse_channel(slug: &str, then: impl FnOnce(Slug) -> Route) -> Route {
    match Slug::parse(slug) {
        Ok(slug) if !RESERVED_SLUGS.contains(&slug.as_str()) => then(slug),
        _ => Route::NotFound,
    }
}

fn parse_article(year: &str, month: &str, day: &str, slug: &str) -> Route {
    // The widths are fixed, so that an article has one path.
    if (year.len(), month.len(), day.len()) != (4, 2, 2) {
        return Route::NotFound;
    }
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    let date = || {
        let (year, month, day) = (number(year)?, number(month)?, number(day)?);
        NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
    };
    match (date(), Slug::parse(slug)) {
        (Some(day), Ok(slug)) => Route::Article(Permalink { day, slug }),
        _ => Route::NotFound,
    }
}

/// Decodes `%2D` and the like: characters that mean the same with and without it. All others stay as they are, so
/// that `%2F` never becomes a separator.
pub(super) fn decode_unreserved(path: &str) -> Cow<'_, str> {
    if !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let mut parts = path.split('%');
    let mut decoded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..2).filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let byte = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        match byte.filter(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(byte)) {
            Some(byte) => {
                decoded.push(char::from(byte));
                decoded.push_str(&part[2..]);
            }
            None => {
                decoded.push('%');
                decoded.push_str(part);
            }
        }
    }
    Cow::Owned(decoded)
}
