//! The JSON form of an article, and of a change.

use std::borrow::Cow;

use serde::Serialize;

use super::super::state::AppState;
use super::json::{Members, append_list, append_text};
use crate::content_html::content_html;
use crate::feed;
use crate::model::{Article, Entry, Site};
use crate::store::{self, StoreError};
use crate::text;
use crate::time::rfc3339;
use crate::urls::{SiteUrls, article_path};

/// What the JSON depends on besides the log.
#[derive(Clone, Copy)]
pub struct ViewContext<'a> {
    pub site: &'a Site,
    pub urls: &'a SiteUrls,
}

impl<'a> ViewContext<'a> {
    pub fn new(state: &'a AppState) -> Self {
        Self { site: &state.render_options.site, urls: &state.urls }
    }
}

#[derive(Serialize)]
struct ImageView<'a> {
    url: String,
    media_type: Cow<'a, str>,
    width: u32,
    height: u32,
    size: u64,
    /// The image as published, if this is a smaller copy.
    original_url: Option<String>,
    caption: Option<Cow<'a, str>>,
    credit: Option<Cow<'a, str>>,
}

/// Appends an article as of revision `number`. A missing value is `null`, never omitted.
pub fn append_article(
    json: &mut Vec<u8>,
    context: ViewContext<'_>,
    entry: &Entry,
    number: u64,
) -> Result<(), StoreError> {
    append(json, context, entry, (number, "live"))
}

/// A scheduled article. It has no number yet. Without a token only live articles are visible.
pub fn append_scheduled(
    json: &mut Vec<u8>,
    context: ViewContext<'_>,
    entry: &Entry,
) -> Result<(), StoreError> {
    append(json, context, entry, (0, "waiting"))
}

fn append(
    json: &mut Vec<u8>,
    context: ViewContext<'_>,
    entry: &Entry,
    (number, state): (u64, &str),
) -> Result<(), StoreError> {
    let ViewContext { site, urls } = context;
    let article = &entry.article;
    let append_line = |json: &mut Vec<u8>, line: &String| {
        append_text(json, &text::xml_safe(line));
        Ok(())
    };
    let mut members = Members::new(json);
    members.text("id", entry.id.as_str());
    // Of its page on this site.
    members.text("url", &urls.url(&article_path(&entry.permalink)));
    // Of the article on the publisher's own site.
    // SECURITY: a `javascript:` URL in an article's front matter never becomes a link.
    members.optional_text("external_url", article.link.as_deref().and_then(text::http_url).as_deref());
    members.value("number", &number)?;
    members.text("state", state);
    // 00:00 if only a day is known.
    members.text("published", &rfc3339(article.published.instant, site.time_zone));
    members.value("date_only", &article.published.date_only)?;
    members.text("updated", &rfc3339(entry.updated, site.time_zone));
    members.text("title", &text::xml_safe(&article.title));
    members.text("summary", &text::xml_safe(article.excerpt()));
    members.text("content_html", &content_html(entry, urls));
    append_list(members.member("authors"), &article.authors, append_line)?;
    members.value("channels", &entry.channels)?;
    append_list(members.member("tags"), &article.tags, append_line)?;
    // BCP 47.
    members.text("language", article.language.as_deref().unwrap_or(&site.language));
    // The publication that it was reprinted from.
    members.optional_text("source", article.source.as_deref().map(text::xml_safe).as_deref());
    members
        .value("pictures", &feed::media_items(article, urls).into_iter().map(image).collect::<Vec<_>>())?;
    // At the time of publication.
    members.text("publisher", &text::xml_safe(publisher(article, site)));
    // The URL of the terms of reuse.
    members.optional_text("license", license(article, site).and_then(text::http_url).as_deref());
    members.end();
    Ok(())
}

/// The publisher of a collected article is its source.
fn publisher<'a>(article: &'a Article, site: &'a Site) -> &'a str {
    match (&article.origin, &article.source) {
        (Some(origin), Some(source)) => origin.publisher.as_deref().unwrap_or(source),
        _ => site.publisher_at(article.published.instant),
    }
}

/// NOTE: the terms of this site are not those of a collected article.
fn license<'a>(article: &'a Article, site: &'a Site) -> Option<&'a str> {
    match &article.origin {
        Some(origin) => origin.licence.as_deref(),
        None => site.rights_url.as_deref(),
    }
}

fn image(item: feed::MediaItem<'_>) -> ImageView<'_> {
    ImageView {
        url: item.url,
        media_type: item.media_type,
        width: item.width,
        height: item.height,
        size: item.size,
        original_url: item.original_url,
        caption: item.caption,
        credit: item.credit,
    }
}

/// Appends a change of the log with its article, if it has one.
pub fn append_change(
    json: &mut Vec<u8>,
    context: ViewContext<'_>,
    change: &store::Change,
) -> Result<(), StoreError> {
    let mut members = Members::new(json);
    members.value("number", &change.number)?;
    members.text("kind", change.kind.name());
    members.text("id", change.id.as_str());
    members.text("at", &rfc3339(change.at, context.site.time_zone));
    members.value("channels", &change.channels)?;
    match &change.entry {
        Some(entry) => append_article(members.member("article"), context, entry, change.number)?,
        None => members.optional_text("article", None),
    }
    // Of a withdrawal; omitted without one.
    if let Some(reason) = &change.reason {
        members.text("reason", reason);
    }
    members.end();
    Ok(())
}
