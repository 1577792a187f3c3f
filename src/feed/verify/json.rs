//! JSON Feed, read strictly.

use serde_json::{Map, Value};

use super::xml::rfc3339;
use super::{ParsedFeed, ParsedItem};
use crate::time::Timestamp;

type Read<T> = Result<T, String>;
type Object = Map<String, Value>;

pub(super) fn feed(text: &str) -> Read<ParsedFeed> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("not well-formed: {error}"))?;
    let feed = object(&value)?;
    if required(feed, "version")? != "https://jsonfeed.org/version/1.1" {
        return Err("not JSON Feed 1.1".to_owned());
    }
    let ours = object(feed.get("_bantin").ok_or("`_bantin` is missing")?)?;
    let hubs = list(feed, "hubs")?;
    Ok(ParsedFeed {
        title: required(feed, "title")?,
        page: required(feed, "home_page_url")?,
        this: required(feed, "feed_url")?,
        current: optional(ours, "current_url")?,
        previous_archive: optional(feed, "next_url")?,
        hub: hubs.first().map(|hub| required(object(hub)?, "url")).transpose()?,
        archive: ours.get("history").is_some_and(|history| history == "archive"),
        complete: ours.get("history").is_some_and(|history| history == "complete"),
        updated: optional(ours, "updated")?.as_deref().map(rfc3339).transpose()?,
        // Rule J1: `items` is there even when it is empty.
        items: array(feed.get("items").ok_or("`items` is missing")?)?.iter().map(item).collect(),
        tombstones: Some(list(ours, "deleted_items")?.iter().map(tombstone).collect::<Read<_>>()?),
    })
}

fn item(value: &Value) -> Read<ParsedItem> {
    let item = object(value)?;
    let strings = |name: &'static str, member: &'static str| -> Read<Vec<String>> {
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
        pictures: strings("attachments", "url")?,
    })
}

fn tombstone(value: &Value) -> Read<(String, Timestamp, Option<String>)> {
    let gone = object(value)?;
    Ok((required(gone, "id")?, rfc3339(&required(gone, "date_deleted")?)?, optional(gone, "comment")?))
}

fn object(value: &Value) -> Read<&Object> {
    value.as_object().ok_or_else(|| "something is no object".to_owned())
}

fn array(value: &Value) -> Read<&[Value]> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| "something is no array".to_owned())
}

/// A member that may be missing: then it is empty.
fn list<'a>(object: &'a Object, name: &str) -> Read<&'a [Value]> {
    object.get(name).map_or(Ok(&[]), array)
}

fn optional(object: &Object, name: &str) -> Read<Option<String>> {
    match object.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("`{name}` is no string")),
    }
}

fn required(object: &Object, name: &str) -> Read<String> {
    optional(object, name)?.ok_or_else(|| format!("`{name}` is missing"))
}
