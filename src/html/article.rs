//! The page of an article, and the page that replaces it after withdrawal.

use maud::{Markup, PreEscaped, html};
use serde_json::{Value, json};

use super::layout::{PageContext, PageMeta, linked_data};
use super::subscribe::{self, FeedTarget};
use super::teaser::{MAX_SUMMARY, datetime_attribute, time, time_element};
use super::text::{clean, direction, http_url, language_tag, truncate};
use crate::content_html::page_html;
use crate::model::{Article, Entry, Image, Slug, Tombstone};
use crate::time::{Month, Timestamp, rfc3339};
use crate::urls::{article_path, media_path, month_path, page_path, search_path};

/// The page of an article. `corrections` are the times of its corrections, latest first.
pub fn article(frame: &PageContext<'_>, entry: &Entry, corrections: &[Timestamp]) -> Vec<u8> {
    let article = &entry.article;
    let link = article.link.as_deref().and_then(http_url);
    let title = truncate(&article.title, 200);
    let description = truncate(article.excerpt(), MAX_SUMMARY);
    let (lang, dir) = (language_tag(article.language.as_deref()), direction(article.language.as_deref()));
    let first_channel =
        entry.channels.iter().find_map(|slug| frame.visible_channels().find(|channel| channel.slug == *slug));
    let body = html! {
        article.reading {
            (channel_links(frame, &entry.channels))
            h1 lang=[lang] dir=[dir] { (clean(&article.title)) }
            (times(frame, entry, corrections))
            // SECURITY: the sanitiser wrote all markup in it, and the page's content security policy forbids scripts.
            div.text lang=[lang] dir=[dir] { (PreEscaped(page_html(article, frame.addresses))) }
            (article_footer(frame, article, link.as_deref()))
            (history(frame, corrections))
        }
        div.reading {
            (related_links(frame, entry))
            @if let Some(channel) = first_channel {
                @let scope = Some(channel.slug.clone());
                (subscribe::subscribe_section(frame, FeedTarget::Channel(&scope, &channel.title)))
            } @else {
                (subscribe::subscribe_section(frame, FeedTarget::Channel(&None, &frame.site.title)))
            }
        }
    };
    let head = PageMeta {
        title: &title,
        description: &description,
        path: article_path(&entry.permalink),
        canonical: link,
        channel: first_channel,
        more: Some(html! { (open_graph(frame, entry)) (linked_data(&news_article(frame, entry))) }),
        ..PageMeta::default()
    };
    frame.page(head, body)
}

fn channel_links(frame: &PageContext<'_>, channels: &[Slug]) -> Markup {
    html! {
        p.kicker {
            @for slug in channels {
                (frame.channel_link(slug))
            }
        }
    }
}

/// The publication time and the last change.
fn times(frame: &PageContext<'_>, entry: &Entry, corrections: &[Timestamp]) -> Markup {
    let zone = frame.site.time_zone;
    let changed = entry.updated > entry.article.published.instant;
    html! {
        p.meta {
            span { "Đăng lúc " (time(entry.article.published, zone)) }
            @match corrections.first() {
                Some(last) => span.corrected { "Đã sửa lúc " (time_element(*last, zone)) },
                None => @if changed { span.corrected { "Cập nhật lúc " (time_element(entry.updated, zone)) } },
            }
        }
    }
}

/// Authors, source and tags.
fn article_footer(frame: &PageContext<'_>, article: &Article, link: Option<&str>) -> Markup {
    html! {
        div.colophon {
            @if !article.authors.is_empty() {
                p.authors {
                    @match article.authors.as_slice() {
                        [author] => (clean(author)),
                        authors => @for (index, author) in authors.iter().enumerate() {
                            @if index > 0 { ", " }
                            bdi { (clean(author)) }
                        },
                    }
                }
            }
            @if let Some(source) = &article.source { p.source { "Nguồn: " bdi { (clean(source)) } } }
            @if let Some(link) = link {
                p.source { a href=(link) rel="external" { "Bài trên trang của đơn vị đăng" } }
            }
            @if !article.tags.is_empty() {
                p.meta {
                    "Từ khóa: "
                    @for (index, tag) in article.tags.iter().enumerate() {
                        @if index > 0 { ", " }
                        a href=(frame.path(&search_path(None, &tag_query(tag)))) { (clean(tag)) }
                    }
                }
            }
        }
    }
}

/// The query of a phrase search for a tag.
fn tag_query(tag: &str) -> String {
    let quoted = format!("\"{}\"", clean(tag).replace('"', " "));
    url::form_urlencoded::Serializer::new(String::new()).append_pair("q", &quoted).finish()
}

fn history(frame: &PageContext<'_>, corrections: &[Timestamp]) -> Markup {
    html! {
        @if !corrections.is_empty() {
            section.corrections aria-labelledby="dinh-chinh" {
                h2 #dinh-chinh { "Bài này đã được sửa sau khi đăng" }
                ul { @for at in corrections { li { (time_element(*at, frame.site.time_zone)) } } }
            }
        }
    }
}

fn related_links(frame: &PageContext<'_>, entry: &Entry) -> Markup {
    let month = Month::containing(entry.article.published.instant, frame.site.time_zone);
    html! {
        p.onward {
            @for channel in frame.visible_channels().filter(|channel| entry.channels.contains(&channel.slug)) {
                a href=(frame.path(&page_path(Some(&channel.slug)))) {
                    "Bài khác trong chuyên mục " (clean(&channel.title))
                }
            }
            a href=(frame.path(&month_path(None, month))) { "Mọi tin " (month) }
        }
    }
}

fn open_graph(frame: &PageContext<'_>, entry: &Entry) -> Markup {
    let (article, zone) = (&entry.article, frame.site.time_zone);
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
        @if let Some(image) = article.images.first() {
            meta property="og:image" content=(frame.addresses.url(&media_path(&image.name)));
            meta property="og:image:type" content=(image.media_type);
            meta property="og:image:width" content=(image.width);
            meta property="og:image:height" content=(image.height);
        }
    }
}

/// Structured data for search engines (schema.org).
fn news_article(frame: &PageContext<'_>, entry: &Entry) -> Value {
    let (article, site, zone) = (&entry.article, frame.site, frame.site.time_zone);
    let url = article.link.as_deref().and_then(http_url);
    let url = url.unwrap_or_else(|| frame.addresses.url(&article_path(&entry.permalink)));
    let mut data = json!({
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": truncate(&article.title, 110),
        "datePublished": datetime_attribute(article.published, zone),
        "dateModified": rfc3339(entry.updated, zone),
        "mainEntityOfPage": url,
        "url": url,
        "inLanguage": language_tag(article.language.as_deref()).unwrap_or(&site.language),
        "isAccessibleForFree": true,
        "publisher": { "@type": "Organization", "name": clean(site.publisher_at(article.published.instant)) },
    });
    if !article.excerpt().is_empty() {
        data["description"] = truncate(article.excerpt(), MAX_SUMMARY).into();
    }
    if let Some(logo) = &site.logo {
        data["publisher"]["logo"] = json!({ "@type": "ImageObject", "url": logo });
    }
    if !article.authors.is_empty() {
        let person = |author: &String| json!({ "@type": "Person", "name": clean(author) });
        data["author"] = article.authors.iter().map(person).collect();
    }
    if !entry.channels.is_empty() {
        data["articleSection"] =
            entry.channels.iter().map(|slug| Value::from(clean(frame.channel_title(slug)))).collect();
    }
    if !article.images.is_empty() {
        let url = |image: &Image| frame.addresses.url(&media_path(&image.name));
        data["image"] = article.images.iter().map(|image| Value::from(url(image))).collect();
    }
    if !article.tags.is_empty() {
        data["keywords"] = article.tags.iter().map(|tag| Value::from(clean(tag))).collect();
    }
    data
}

/// The page at the URL of a withdrawn article: only the time and the optional reason, not even the title.
pub fn withdrawn_page(frame: &PageContext<'_>, tombstone: &Tombstone) -> Vec<u8> {
    let body = html! {
        div.notice {
            h1.title { "Bài này đã được gỡ" }
            p { "Bài từng đăng ở địa chỉ này đã được gỡ lúc " (time_element(tombstone.when, frame.site.time_zone)) "." }
            @if let Some(reason) = tombstone.reason.as_deref().filter(|reason| !reason.trim().is_empty()) {
                p { "Lý do: " bdi { (clean(reason)) } }
            }
            p { "Xem " a href=(frame.path(&page_path(None))) { "tin mới ở trang chủ" } "." }
        }
    };
    let head = PageMeta {
        title: "Bài đã được gỡ",
        path: article_path(&tombstone.permalink),
        noindex: true,
        ..PageMeta::default()
    };
    frame.page(head, body)
}
