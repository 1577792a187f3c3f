//! The JSON form of an article, and of a change.

use std::borrow::Cow;

use serde::Serialize;

use super::super::state::AppState;
use crate::content_html::content_html;
use crate::feed;
use crate::model::{Article, Entry, Site, Slug};
use crate::store;
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

/// An article. Members are written in this order; a missing value is `null`, never omitted.
#[derive(Serialize)]
pub struct ArticleView<'a> {
    id: &'a str,
    /// The URL of its page on this site.
    url: String,
    /// Its URL on the publisher's own site.
    external_url: Option<String>,
    /// The number of its revision in the log.
    number: u64,
    state: State,
    published: String,
    /// Only a day is known; the time in `published` is then 00:00.
    date_only: bool,
    updated: String,
    title: Cow<'a, str>,
    /// Plain text.
    summary: Cow<'a, str>,
    content_html: String,
    authors: Vec<Cow<'a, str>>,
    channels: &'a [Slug],
    tags: Vec<Cow<'a, str>>,
    /// BCP 47.
    language: &'a str,
    /// The publication that it was reprinted from.
    source: Option<Cow<'a, str>>,
    pictures: Vec<ImageView<'a>>,
    /// The publisher at the time of publication.
    publisher: Cow<'a, str>,
    /// The URL of the terms of reuse.
    license: Option<String>,
}

/// The state of an article. Without a token only live articles are visible.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Live,
    Waiting,
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

/// The first members of a change. Its article and the reason of a withdrawal follow.
#[derive(Serialize)]
pub struct ChangeView<'a> {
    number: u64,
    kind: &'static str,
    id: &'a str,
    at: String,
    channels: &'a [Slug],
}

/// A scheduled article. It has no number yet.
pub fn scheduled<'a>(context: ViewContext<'a>, entry: &'a Entry) -> ArticleView<'a> {
    ArticleView { state: State::Waiting, ..article(context, entry, 0) }
}

/// An article as of revision `number`.
pub fn article<'a>(context: ViewContext<'a>, entry: &'a Entry, number: u64) -> ArticleView<'a> {
    let ViewContext { site, urls } = context;
    let article = &entry.article;
    let lines = |texts: &'a [String]| texts.iter().map(|text| text::xml_safe(text)).collect();
    ArticleView {
        id: entry.id.as_str(),
        url: urls.url(&article_path(&entry.permalink)),
        // SECURITY: a `javascript:` URL in an article's front matter never becomes a link.
        external_url: article.link.as_deref().and_then(text::http_url),
        number,
        state: State::Live,
        published: rfc3339(article.published.instant, site.time_zone),
        date_only: article.published.date_only,
        updated: rfc3339(entry.updated, site.time_zone),
        title: text::xml_safe(&article.title),
        summary: text::xml_safe(article.excerpt()),
        content_html: content_html(entry, urls),
        authors: lines(&article.authors),
        channels: &entry.channels,
        tags: lines(&article.tags),
        language: article.language.as_deref().unwrap_or(&site.language),
        source: article.source.as_deref().map(text::xml_safe),
        pictures: feed::media_items(article, urls).into_iter().map(image).collect(),
        publisher: text::xml_safe(publisher(article, site)),
        license: license(article, site).and_then(text::http_url),
    }
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

/// A change of the log, without its article.
pub fn change<'a>(context: ViewContext<'a>, change: &'a store::Change) -> ChangeView<'a> {
    ChangeView {
        number: change.number,
        kind: change.kind.name(),
        id: change.id.as_str(),
        at: rfc3339(change.at, context.site.time_zone),
        channels: &change.channels,
    }
}
