//! The metadata of an article page for search engines, link previews and the exchange between sites: Open Graph,
//! Dublin Core (DCMES 1.1) and schema.org.

use std::borrow::Cow;

use maud::{Markup, html};
use serde_json::{Value, json};

use super::layout::{PageContext, linked_data};
use super::teaser::{MAX_SUMMARY, datetime_attribute};
use super::text::{clean, http_url, language_tag, truncate};
use crate::model::{Article, Entry, Image, ImageCaption};
use crate::time::rfc3339;
use crate::urls::{article_path, media_path};

/// The elements of `head` that describe an article.
pub(super) fn of_article(frame: &PageContext<'_>, entry: &Entry) -> Markup {
    html! {
        (open_graph(frame, entry))
        (dublin_core(frame, entry))
        (linked_data(&news_article(frame, entry)))
    }
}

fn open_graph(frame: &PageContext<'_>, entry: &Entry) -> Markup {
    let (article, zone) = (&entry.article, frame.site.time_zone);
    let image = article.captioned_images().next();
    html! {
        meta property="og:type" content="article";
        meta property="article:published_time" content=(datetime_attribute(article.published, zone));
        @if entry.updated > article.published.instant {
            meta property="article:modified_time" content=(rfc3339(entry.updated, zone));
        }
        @for slug in entry.channels.iter().take(1) {
            meta property="article:section" content=(clean(frame.channel_title(slug)));
        }
        @for tag in &article.tags { meta property="article:tag" content=(clean(tag)); }
        meta name="twitter:card" content=(if image.is_some() { "summary_large_image" } else { "summary" });
        @if let Some((image, caption)) = image {
            @let file = image.for_feeds();
            meta property="og:image" content=(frame.addresses.url(&media_path(file.name)));
            meta property="og:image:type" content=(file.media_type);
            meta property="og:image:width" content=(file.width);
            meta property="og:image:height" content=(file.height);
            @if !caption.text.is_empty() { meta property="og:image:alt" content=(clean(caption.text)); }
        }
    }
}

/// Every element that is known; `title`, `creator`, `date`, `publisher` and `identifier` always are.
fn dublin_core(frame: &PageContext<'_>, entry: &Entry) -> Markup {
    let (article, site) = (&entry.article, frame.site);
    let publisher = site.publisher_at(article.published.instant);
    let creators = if article.authors.is_empty() { vec![publisher] } else { names(&article.authors) };
    let subjects = entry.channels.iter().map(|slug| frame.channel_title(slug)).chain(names(&article.tags));
    let source = article.source.as_deref();
    html! {
        link rel="schema.DC" href="http://purl.org/dc/elements/1.1/";
        meta name="DC.title" content=(clean(&article.title));
        @for creator in creators { meta name="DC.creator" content=(clean(creator)); }
        @for contributor in photographers(article) { meta name="DC.contributor" content=(clean(contributor)); }
        meta name="DC.date" content=(datetime_attribute(article.published, site.time_zone));
        @if !article.excerpt().is_empty() {
            meta name="DC.description" content=(truncate(article.excerpt(), MAX_SUMMARY));
        }
        meta name="DC.publisher" content=(clean(publisher));
        meta name="DC.identifier" content=(url(frame, entry));
        meta name="DC.identifier" content=(clean(entry.id.as_str()));
        meta name="DC.language" content=(language(frame, article));
        @if let Some(source) = source { meta name="DC.source" content=(clean(source)); }
        @for subject in subjects { meta name="DC.subject" content=(clean(subject)); }
        @if let Some(rights) = &site.rights { meta name="DC.rights" content=(clean(rights)); }
    }
}

/// schema.org `NewsArticle`.
fn news_article(frame: &PageContext<'_>, entry: &Entry) -> Value {
    let (article, site, zone) = (&entry.article, frame.site, frame.site.time_zone);
    let url = url(frame, entry);
    let mut publisher =
        json!({ "@type": "Organization", "name": clean(site.publisher_at(article.published.instant)) });
    if let Some(logo) = &site.logo {
        publisher["logo"] = json!({ "@type": "ImageObject", "url": logo });
    }
    let person = |author: &String| json!({ "@type": "Person", "name": clean(author) });
    let authors: Vec<Value> = article.authors.iter().map(person).collect();
    let mut data = json!({
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": truncate(&article.title, 110),
        "identifier": clean(entry.id.as_str()),
        "datePublished": datetime_attribute(article.published, zone),
        "dateModified": rfc3339(entry.updated, zone),
        "mainEntityOfPage": url,
        "url": url,
        "inLanguage": language(frame, article),
        "isAccessibleForFree": true,
        "author": if authors.is_empty() { vec![publisher.clone()] } else { authors },
        "publisher": publisher,
    });
    let mut add = |name: &str, values: Vec<Value>| {
        if !values.is_empty() {
            data[name] = values.into();
        }
    };
    add("articleSection", texts(entry.channels.iter().map(|slug| frame.channel_title(slug))));
    add("image", article.captioned_images().map(|image| image_object(frame, image)).collect());
    add("keywords", texts(names(&article.tags)));
    if !article.excerpt().is_empty() {
        data["description"] = truncate(article.excerpt(), MAX_SUMMARY).into();
    }
    if let Some(license) = &site.rights_url {
        data["license"] = license.as_str().into();
    }
    data
}

fn image_object(frame: &PageContext<'_>, (image, caption): (&Image, ImageCaption<'_>)) -> Value {
    let file = image.for_feeds();
    let mut object = json!({
        "@type": "ImageObject",
        "url": frame.addresses.url(&media_path(file.name)),
        "width": file.width,
        "height": file.height,
    });
    if !caption.text.is_empty() {
        object["caption"] = clean(caption.text).into();
    }
    if let Some(credit) = caption.credit {
        object["creditText"] = clean(credit).into();
    }
    object
}

/// The page on the publisher's own site, else the page here.
fn url(frame: &PageContext<'_>, entry: &Entry) -> String {
    let own = entry.article.link.as_deref().and_then(http_url);
    own.unwrap_or_else(|| frame.addresses.url(&article_path(&entry.permalink)))
}

fn language<'a>(frame: &PageContext<'a>, article: &'a Article) -> &'a str {
    language_tag(article.language.as_deref()).unwrap_or(&frame.site.language)
}

/// The photographers, each once, in the order of the images.
fn photographers(article: &Article) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for credit in article.captioned_images().filter_map(|(_, caption)| caption.credit) {
        if !names.contains(&credit) {
            names.push(credit);
        }
    }
    names
}

fn names(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<Value> {
    texts.into_iter().map(|text| Value::from(Cow::into_owned(clean(text)))).collect()
}
