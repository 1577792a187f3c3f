//! The one form of an article for programs, and of a change that tells of it.

use std::borrow::Cow;

use serde::Serialize;

use crate::feed;
use crate::model::{Entry, Site, Slug};
use crate::store;
use crate::time::rfc3339;
use crate::urls::{SiteUrls, article_path};

/// What the forms depend on beside the log.
#[derive(Clone, Copy)]
pub struct ViewContext<'a> {
    pub site: &'a Site,
    pub addresses: &'a SiteUrls,
}

/// An article. Members are printed in this order; one without a value is `null` and never left out.
#[derive(Serialize)]
pub struct ArticleView<'a> {
    id: &'a str,
    /// Its page here.
    url: String,
    /// Where it stands on the publisher's own site.
    external_url: Option<String>,
    /// Of its revision, in the log.
    number: u64,
    state: State,
    published: String,
    /// Only a day was printed; the time in `published` is then 00:00.
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
    /// The publication that it was taken over from.
    source: Option<Cow<'a, str>>,
    pictures: Vec<ImageView<'a>>,
}

/// How an article stands. What readers without a token see is always live.
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
    caption: Option<Cow<'a, str>>,
    credit: Option<Cow<'a, str>>,
}

/// A change. `article` is null where it is withdrawn by now.
#[derive(Serialize)]
pub struct ChangeView<'a> {
    number: u64,
    kind: &'static str,
    id: &'a str,
    at: String,
    channels: &'a [Slug],
    article: Option<ArticleView<'a>>,
    /// Of a withdrawal only.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// The article as it waits to be published: it has no number yet.
pub fn scheduled<'a>(frame: ViewContext<'a>, entry: &'a Entry) -> ArticleView<'a> {
    ArticleView { state: State::Waiting, ..article(frame, entry, 0) }
}

/// The article as revision `number` left it.
pub fn article<'a>(frame: ViewContext<'a>, entry: &'a Entry, number: u64) -> ArticleView<'a> {
    let ViewContext { site, addresses } = frame;
    let article = &entry.article;
    let lines = |texts: &'a [String]| texts.iter().map(|text| feed::xml_safe(text)).collect();
    ArticleView {
        id: entry.id.as_str(),
        url: addresses.url(&article_path(&entry.permalink)),
        // SECURITY: a `javascript:` address from an article's front matter becomes nobody's link.
        external_url: article.link.as_deref().and_then(feed::http_url),
        number,
        state: State::Live,
        published: rfc3339(article.published.instant, site.time_zone),
        date_only: article.published.date_only,
        updated: rfc3339(entry.updated, site.time_zone),
        title: feed::xml_safe(&article.title),
        summary: feed::xml_safe(article.excerpt()),
        content_html: feed::content_html(entry, addresses),
        authors: lines(&article.authors),
        channels: &entry.channels,
        tags: lines(&article.tags),
        language: article.language.as_deref().unwrap_or(&site.language),
        source: article.source.as_deref().map(feed::xml_safe),
        pictures: feed::media_items(article, addresses).into_iter().map(image).collect(),
    }
}

fn image(shown: feed::MediaItem<'_>) -> ImageView<'_> {
    ImageView {
        url: shown.url,
        media_type: shown.media_type,
        width: shown.width,
        height: shown.height,
        size: shown.size,
        caption: shown.caption,
        credit: shown.credit,
    }
}

/// The change.
pub fn change<'a>(frame: ViewContext<'a>, change: &'a store::Change) -> ChangeView<'a> {
    ChangeView {
        number: change.number,
        kind: change.kind.name(),
        id: change.id.as_str(),
        at: rfc3339(change.at, frame.site.time_zone),
        channels: &change.channels,
        article: change.entry.as_deref().map(|entry| article(frame, entry, change.number)),
        reason: change.reason.as_deref(),
    }
}
