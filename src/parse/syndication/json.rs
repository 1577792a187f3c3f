//! JSON Feed 1.0 and 1.1.

use serde_json::Value;
use url::Url;

use super::article;
use super::links::absolute;
use super::model::{FeedFault, Repairs, SourceFeed, SourceImage, SourceItem};
use crate::text::escape_html;

pub(super) fn read(text: &str, url: &Url, repairs: &mut Repairs) -> Result<SourceFeed, FeedFault> {
    let not_a_feed = |what: &str| FeedFault::NotAFeed(what.to_owned());
    let feed: Value = serde_json::from_str(text).map_err(|cause| FeedFault::NotAFeed(cause.to_string()))?;
    let version = feed["version"].as_str().unwrap_or_default();
    if !version.contains("jsonfeed.org/version/1") {
        return Err(not_a_feed("JSON without the version of JSON Feed"));
    }
    let items = feed["items"].as_array().ok_or_else(|| not_a_feed("JSON Feed without items"))?;
    let language = text_of(&feed["language"]);
    // What bantin publishes in place of tombstones.
    let deleted = feed["_bantin"]["deleted_items"].as_array().into_iter().flatten();
    Ok(SourceFeed {
        is_of_bantin: feed["_bantin"].is_object(),
        previous: text_of(&feed["next_url"]).and_then(|next| absolute(&next, url, &mut Repairs::new())),
        title: article::plain(&escape_html(feed["title"].as_str().unwrap_or_default())),
        deleted: deleted
            .filter_map(|gone| Some((text_of(&gone["id"])?, text_of(&gone["comment"]))))
            .collect(),
        items: items.iter().map(|entry| item(entry, language.as_deref(), url, repairs)).collect(),
        ..SourceFeed::default()
    })
}

fn item(entry: &Value, language: Option<&str>, base: &Url, repairs: &mut Repairs) -> SourceItem {
    let texts = |name: &str| entry[name].as_array().into_iter().flatten();
    let link = text_of(&entry["url"]).or_else(|| text_of(&entry["external_url"]));
    let plain = |name: &str| text_of(&entry[name]).map(|text| escape_html(&text).into_owned());
    let html = text_of(&entry["content_html"]).or_else(|| plain("content_text"));
    let summary =
        entry["summary"].as_str().map(|summary| article::plain(&escape_html(summary))).unwrap_or_default();
    let (summary, html) = match html {
        Some(html) => (summary, html),
        None => (String::new(), escape_html(&summary).into_owned()),
    };
    let author = entry["author"]["name"].as_str().map(str::to_owned);
    SourceItem {
        // JSON Feed asks readers to accept numbers (§ Items, `id`).
        id: text_of(&entry["id"]),
        link: link.and_then(|link| absolute(&link, base, repairs)),
        title: article::plain(&escape_html(entry["title"].as_str().unwrap_or_default())),
        date: text_of(&entry["date_published"]),
        summary,
        html,
        categories: texts("tags").filter_map(text_of).collect(),
        authors: texts("authors").filter_map(|author| text_of(&author["name"])).chain(author).collect(),
        language: text_of(&entry["language"]).or_else(|| language.map(str::to_owned)),
        images: images(entry, base, repairs),
        ..SourceItem::default()
    }
}

fn images(entry: &Value, base: &Url, repairs: &mut Repairs) -> Vec<SourceImage> {
    let attachments = entry["attachments"].as_array().into_iter().flatten();
    let is_image = |file: &&Value| file["mime_type"].as_str().is_some_and(|kind| kind.starts_with("image/"));
    let attached = attachments.filter(is_image).map(|file| (text_of(&file["url"]), text_of(&file["title"])));
    let own = ["image", "banner_image"].map(|name| (text_of(&entry[name]), None));
    let found = attached.chain(own).filter_map(|(url, caption)| {
        Some(SourceImage { url: absolute(&url?, base, repairs)?, original: None, caption })
    });
    found.collect()
}

pub(super) fn text_of(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}
