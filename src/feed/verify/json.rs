//! A strict JSON Feed parser.

use serde_json::{Map, Value};

use super::parsed::{ParsedFeed, ParsedItem};
use super::xml::rfc3339;
use crate::time::Timestamp;

type ParseResult<T> = Result<T, String>;
type Object = Map<String, Value>;

pub(super) fn feed(text: &str) -> ParseResult<ParsedFeed> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("not well-formed: {error}"))?;
    let feed = object(&value)?;
    if required(feed, "version")? != "https://jsonfeed.org/version/1.1" {
        return Err("not JSON Feed 1.1".to_owned());
    }
    let extension = object(feed.get("_bantin").ok_or("`_bantin` is missing")?)?;
    Ok(ParsedFeed {
        title: required(feed, "title")?,
        html_url: required(feed, "home_page_url")?,
        self_url: required(feed, "feed_url")?,
        current: optional(extension, "current_url")?,
        previous_archive: optional(feed, "next_url")?,
        hub: list(feed, "hubs")?.first().map(|hub| required(object(hub)?, "url")).transpose()?,
        archive: extension.get("history").is_some_and(|history| history == "archive"),
        complete: extension.get("history").is_some_and(|history| history == "complete"),
        updated: optional(extension, "updated")?.as_deref().map(rfc3339).transpose()?,
        // `items` is required even if it is empty (feed rule J1).
        items: array(feed.get("items").ok_or("`items` is missing")?)?.iter().map(item).collect(),
        tombstones: Some(
            list(extension, "deleted_items")?.iter().map(tombstone).collect::<ParseResult<_>>()?,
        ),
    })
}

fn item(value: &Value) -> ParseResult<ParsedItem> {
    let item = object(value)?;
    let strings = |name: &'static str, member: &'static str| -> ParseResult<Vec<String>> {
        list(item, name)?.iter().map(|value| required(object(value)?, member)).collect()
    };
    Ok(ParsedItem {
        id: required(item, "id")?,
        title: required(item, "title")?,
        link: required(item, "url")?,
        lead: optional(item, "summary")?.unwrap_or_default(),
        html: required(item, "content_html")?,
        published: Some(rfc3339(&required(item, "date_published")?)?),
        updated: Some(rfc3339(&required(item, "date_modified")?)?),
        authors: strings("authors", "name")?,
        image_urls: strings("attachments", "url")?,
    })
}

fn tombstone(value: &Value) -> ParseResult<(String, Timestamp, Option<String>)> {
    let deleted = object(value)?;
    Ok((
        required(deleted, "id")?,
        rfc3339(&required(deleted, "date_deleted")?)?,
        optional(deleted, "comment")?,
    ))
}

fn object(value: &Value) -> ParseResult<&Object> {
    value.as_object().ok_or_else(|| "expected an object".to_owned())
}

fn array(value: &Value) -> ParseResult<&[Value]> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| "expected an array".to_owned())
}

/// An optional array; empty if it is missing.
fn list<'a>(object: &'a Object, name: &str) -> ParseResult<&'a [Value]> {
    object.get(name).map_or(Ok(&[]), array)
}

fn optional(object: &Object, name: &str) -> ParseResult<Option<String>> {
    match object.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("`{name}` is not a string")),
    }
}

fn required(object: &Object, name: &str) -> ParseResult<String> {
    optional(object, name)?.ok_or_else(|| format!("`{name}` is missing"))
}
