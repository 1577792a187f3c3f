//! The page of an article, and the page that replaces it after withdrawal.

use maud::{Markup, PreEscaped, html};

use super::layout::{PageContext, PageMeta};
use super::metadata;
use super::subscribe::{self, FeedTarget};
use super::teaser::{MAX_SUMMARY, MAX_TITLE, time, time_element, title_class};
use super::text::{clean, direction, http_url, language_tag, truncate};
use crate::content_html::page_html;
use crate::model::{Article, ArticleLink, Channel, Correction, Entry, Neighbours, Slug, Tombstone};
use crate::time::Month;
use crate::urls::{article_path, month_path, page_path, search_path};

/// The channel to which the page of an article belongs: its first one that has a page. `channels` are all channels.
pub fn main_channel<'a>(channels: &'a [Channel], entry: &Entry) -> Option<&'a Channel> {
    let find = |slug: &Slug| channels.iter().find(|channel| channel.slug == *slug && !channel.is_gone());
    entry.channels.iter().find_map(find)
}

/// The page of an article. `corrections`: its corrections, latest first. `neighbours`: those in its [`main_channel`].
pub fn article(
    frame: &PageContext<'_>,
    entry: &Entry,
    corrections: &[Correction],
    neighbours: &Neighbours,
) -> Vec<u8> {
    let article = &entry.article;
    let link = article.link.as_deref().and_then(http_url);
    let title = truncate(&article.title, 200);
    let description = truncate(article.excerpt(), MAX_SUMMARY);
    let (lang, dir) = (language_tag(article.language.as_deref()), direction(article.language.as_deref()));
    let first_channel = main_channel(frame.channels, entry);
    let body = html! {
        article.reading {
            (channel_links(frame, &entry.channels))
            h1 class=[title_class(&article.title)] lang=[lang] dir=[dir] { (clean(&article.title)) }
            (times(frame, entry, corrections))
            // SECURITY: the sanitiser wrote all markup in it, and the page's content security policy forbids scripts.
            div.text lang=[lang] dir=[dir] { (PreEscaped(page_html(article, frame.addresses))) }
            (article_footer(frame, article, link.as_deref()))
            (history(frame, corrections))
            (share_button(frame, entry))
        }
        div.reading {
            @if let Some(channel) = first_channel { (neighbour_links(frame, channel, neighbours)) }
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
        more: Some(metadata::of_article(frame, entry)),
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
fn times(frame: &PageContext<'_>, entry: &Entry, corrections: &[Correction]) -> Markup {
    let zone = frame.site.time_zone;
    let changed = entry.updated > entry.article.published.instant;
    html! {
        p.meta {
            span { "Đăng lúc " (time(entry.article.published, zone)) }
            @match corrections.first() {
                Some(last) => span.corrected { "Đã sửa lúc " (time_element(last.at, zone)) },
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
            @if let Some(source) = article.source.as_ref().filter(|_| article.origin.is_none()) { p.source { "Nguồn: " bdi { (clean(source)) } } }
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

fn history(frame: &PageContext<'_>, corrections: &[Correction]) -> Markup {
    html! {
        @if !corrections.is_empty() {
            section.corrections aria-labelledby="dinh-chinh" {
                h2 #dinh-chinh { "Bài này đã được sửa sau khi đăng" }
                ul {
                    @for Correction { at, reason } in corrections {
                        li {
                            (time_element(*at, frame.site.time_zone))
                            @if let Some(reason) = reason { ": " bdi { (clean(reason)) } }
                        }
                    }
                }
            }
        }
    }
}

/// The script shows it where the browser can share or copy.
fn share_button(frame: &PageContext<'_>, entry: &Entry) -> Markup {
    html! {
        p.share hidden {
            button type="button" data-share=(frame.addresses.url(&article_path(&entry.permalink)))
                data-title=(clean(&entry.article.title)) data-copy-label="Sao chép liên kết"
                data-done="Đã sao chép liên kết." data-failed="Trình duyệt không cho chia sẻ." {
                "Chia sẻ bài này"
            }
            span.said role="status" {}
        }
    }
}

/// The next newer and the next older article of the channel, and some more older ones.
fn neighbour_links(frame: &PageContext<'_>, channel: &Channel, neighbours: &Neighbours) -> Markup {
    let (previous, more) = match neighbours.older.split_first() {
        Some((previous, more)) => (Some(previous), more),
        None => (None, &[][..]),
    };
    let step = |link: &ArticleLink, rel: &str, label: &str| {
        html! {
            p.(rel) { span.meta { (label) } " " (article_link(frame, link, Some(rel))) }
        }
    };
    html! {
        @if previous.is_some() || neighbours.newer.is_some() {
            nav.neighbours aria-label=(format!("Cùng chuyên mục {}", clean(&channel.title))) {
                @if let Some(link) = previous { (step(link, "prev", "Bài trước")) }
                @if let Some(link) = &neighbours.newer { (step(link, "next", "Bài sau")) }
            }
        }
        @if !more.is_empty() {
            section.more aria-labelledby="cung-muc" {
                h2 #cung-muc { "Cùng chuyên mục " (clean(&channel.title)) }
                ul.stories {
                    @for link in more {
                        li { (article_link(frame, link, None)) p.meta { (time(link.published, frame.site.time_zone)) } }
                    }
                }
            }
        }
    }
}

fn article_link(frame: &PageContext<'_>, link: &ArticleLink, rel: Option<&str>) -> Markup {
    let (lang, dir) = (language_tag(link.language.as_deref()), direction(link.language.as_deref()));
    html! {
        a href=(frame.path(&article_path(&link.permalink))) rel=[rel] lang=[lang] dir=[dir] {
            (truncate(&link.title, MAX_TITLE))
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
