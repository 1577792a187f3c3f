//! A page of `/api/changes` of another bantin.

use chrono::DateTime;
use serde_json::Value;
use url::Url;

use super::json::text_of;
use super::links::absolute;
use super::model::{
    ChangesPage, FeedFault, Repairs, SourceChange, SourceChangeKind, SourceImage, SourceItem,
};
use crate::time::{PublishedAt, Timestamp};

/// Reads a page of changes that was found at `url`. Kinds of changes that are not known are read by what they say of
/// their article.
///
/// # Errors
/// If it is no such page, or a change cannot be read. NOTE: a change that is skipped would be lost.
pub fn read_changes(bytes: &[u8], url: &Url) -> Result<ChangesPage, FeedFault> {
    let wrong = |what: &str| FeedFault::NotAFeed(format!("no changes of a bantin: {what}"));
    let page: Value = serde_json::from_slice(bytes).map_err(|cause| wrong(&cause.to_string()))?;
    let log = text_of(&page["log"]).ok_or_else(|| wrong("`log` is missing"))?;
    let next = page["next"].as_u64().ok_or_else(|| wrong("`next` is missing"))?;
    let changes = page["changes"].as_array().ok_or_else(|| wrong("`changes` is missing"))?;
    let read = |entry| change(entry, url).ok_or_else(|| wrong("a change without id, kind or date"));
    Ok(ChangesPage { log, next, changes: changes.iter().map(read).collect::<Result<_, _>>()? })
}

fn change(entry: &Value, url: &Url) -> Option<SourceChange> {
    let (id, kind) = (text_of(&entry["id"])?, entry["kind"].as_str()?);
    let kind = match (kind, &entry["article"]) {
        // An article that moved out of the channel that is followed.
        ("withdrawn" | "left", _) => SourceChangeKind::Withdrawn,
        (_, Value::Null) => SourceChangeKind::Superseded,
        (_, article) => {
            let published = PublishedAt {
                instant: moment(&article["published"])?,
                date_only: article["date_only"].as_bool().unwrap_or_default(),
            };
            SourceChangeKind::Published(Box::new(item(&id, article, published, url)), published)
        }
    };
    Some(SourceChange { id, kind, reason: text_of(&entry["reason"]) })
}

fn item(id: &str, article: &Value, published: PublishedAt, base: &Url) -> SourceItem {
    let texts = |name: &str| -> Vec<String> {
        article[name].as_array().into_iter().flatten().filter_map(text_of).collect()
    };
    let link = text_of(&article["external_url"]).or_else(|| text_of(&article["url"]));
    let tags = texts("tags");
    SourceItem {
        id: Some(id.to_owned()),
        link: link.and_then(|link| absolute(&link, base, &mut Repairs::new())),
        title: text_of(&article["title"]).unwrap_or_default(),
        date: text_of(&article["published"]),
        summary: text_of(&article["summary"]).unwrap_or_default(),
        html: text_of(&article["content_html"]).unwrap_or_default(),
        categories: texts("channels").into_iter().chain(tags.iter().cloned()).collect(),
        authors: texts("authors").iter().map(|name| crate::text::escape_html(name).into_owned()).collect(),
        language: text_of(&article["language"]),
        tags,
        updated: moment(&article["updated"]).filter(|updated| *updated > published.instant),
        images: article["pictures"].as_array().into_iter().flatten().filter_map(image).collect(),
    }
}

/// NOTE: its caption is in the text.
fn image(picture: &Value) -> Option<SourceImage> {
    Some(SourceImage {
        url: text_of(&picture["url"])?,
        original: text_of(&picture["original_url"]),
        caption: None,
    })
}

fn moment(value: &Value) -> Option<Timestamp> {
    DateTime::parse_from_rfc3339(value.as_str()?).ok().map(|moment| moment.to_utc())
}
