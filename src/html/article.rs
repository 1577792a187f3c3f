//! An article's own page, and what stands there once it is withdrawn.

use maud::{Markup, PreEscaped, html};
use serde_json::{Value, json};

use super::layout::{PageContext, PageMeta, linked_data};
use super::subscribe::{self, FeedTarget};
use super::teaser::{MAX_SUMMARY, datetime_attribute, image, time, time_element};
use super::text::{clean, direction, http_url, language_tag, truncate, xml_safe};
use crate::model::{Article, Block, Entry, Image, Slug, Tombstone};
use crate::time::{Month, Timestamp, rfc3339};
use crate::urls::{article_path, media_path, month_path, page_path, search_path};

/// An article's page. `corrections` are the moments at which it was corrected, the latest first.
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
            div.text lang=[lang] dir=[dir] { (text(frame, article)) }
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

/// When it was published, and when it was last changed since.
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

/// The whole text. The n-th picture stands with the n-th caption; pictures beyond the captions follow the text; a
/// caption without a picture stays as a line of its own.
fn text(frame: &PageContext<'_>, article: &Article) -> Markup {
    let mut pictures = article.images.iter().enumerate();
    html! {
        @for block in &article.body { (render_block(frame, block, &mut pictures)) }
        @for (place, picture) in pictures { (figure(frame, picture, place == 0, "", None)) }
    }
}

fn render_block<'a>(
    frame: &PageContext<'_>,
    block: &Block,
    pictures: &mut impl Iterator<Item = (usize, &'a Image)>,
) -> Markup {
    match block {
        Block::Lead { html: Some(html), .. } => html! { p.lead { (sanitised(html)) } },
        Block::Lead { text, html: None } => html! { p.lead { (clean(text)) } },
        Block::Paragraph { text } => html! { p { (clean(text)) } },
        Block::Heading { level, text } => heading(*level, text),
        Block::Caption { raw: printed, html: Some(html), .. } => match pictures.next() {
            Some((place, picture)) => html! {
                figure {
                    (image(frame, picture, printed, place == 0))
                    figcaption { (sanitised(html)) }
                }
            },
            None => html! { p.caption { (sanitised(html)) } },
        },
        Block::Caption { text, credit, raw: printed, html: None } => match pictures.next() {
            // `Ảnh minh họa` is all that such a line says, and neither a description nor a name.
            Some((place, picture)) if text.is_empty() && credit.is_none() => {
                figure(frame, picture, place == 0, printed, None)
            }
            Some((place, picture)) => figure(frame, picture, place == 0, text, credit.as_deref()),
            None => html! { p.caption { (clean(printed)) } },
        },
        Block::List { ordered, items } => {
            let items = html! { @for item in items { li { (clean(item)) } } };
            html! { @if *ordered { ol { (items) } } @else { ul { (items) } } }
        }
        Block::Table { rows } => html! {
            div.scroll role="region" aria-label="Bảng" tabindex="0" {
                table {
                    tbody { @for row in rows { tr { @for cell in row { td { (clean(cell)) } } } } }
                }
            }
        },
        Block::Html { html } if html.starts_with("<table") => html! {
            div.scroll role="region" aria-label="Bảng" tabindex="0" { (sanitised(html)) }
        },
        Block::Html { html } => sanitised(html),
    }
}

/// SECURITY: the one place where markup is taken as it is. It comes from the sanitiser, and even so the page's policy
/// lets nothing in it run.
fn sanitised(html: &str) -> Markup {
    PreEscaped(xml_safe(html).into_owned())
}

fn heading(level: u8, text: &str) -> Markup {
    let text = clean(text);
    html! {
        @match level {
            0..=2 => h2 { (text) },
            3 => h3 { (text) },
            4 => h4 { (text) },
            5 => h5 { (text) },
            _ => h6 { (text) },
        }
    }
}

fn figure(
    frame: &PageContext<'_>,
    picture: &Image,
    first: bool,
    shows: &str,
    credit: Option<&str>,
) -> Markup {
    html! {
        figure {
            (image(frame, picture, shows, first))
            @if !shows.is_empty() || credit.is_some() {
                figcaption {
                    (clean(shows))
                    @if let Some(credit) = credit {
                        @if !shows.is_empty() { " " }
                        span.credit { "Ảnh: " (clean(credit)) }
                    }
                }
            }
        }
    }
}

/// Who wrote it, where it comes from, what it is about.
fn article_footer(frame: &PageContext<'_>, article: &Article, link: Option<&str>) -> Markup {
    html! {
        div.colophon {
            @if !article.authors.is_empty() {
                p.authors {
                    @match article.authors.as_slice() {
                        [author] => (clean(author)),
                        several => @for (place, author) in several.iter().enumerate() {
                            @if place > 0 { ", " }
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
                    @for (place, tag) in article.tags.iter().enumerate() {
                        @if place > 0 { ", " }
                        a href=(frame.path(&search_path(None, &tag_query(tag)))) { (clean(tag)) }
                    }
                }
            }
        }
    }
}

/// The words of a tag, together.
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
        @if let Some(picture) = article.images.first() {
            meta property="og:image" content=(frame.addresses.url(&media_path(&picture.name)));
            meta property="og:image:type" content=(picture.media_type);
            meta property="og:image:width" content=(picture.width);
            meta property="og:image:height" content=(picture.height);
        }
    }
}

/// The article for search engines (schema.org).
fn news_article(frame: &PageContext<'_>, entry: &Entry) -> Value {
    let (article, site, zone) = (&entry.article, frame.site, frame.site.time_zone);
    let home = article.link.as_deref().and_then(http_url);
    let home = home.unwrap_or_else(|| frame.addresses.url(&article_path(&entry.permalink)));
    let mut data = json!({
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": truncate(&article.title, 110),
        "datePublished": datetime_attribute(article.published, zone),
        "dateModified": rfc3339(entry.updated, zone),
        "mainEntityOfPage": home,
        "url": home,
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
        let named = |author: &String| json!({ "@type": "Person", "name": clean(author) });
        data["author"] = article.authors.iter().map(named).collect();
    }
    if !entry.channels.is_empty() {
        data["articleSection"] =
            entry.channels.iter().map(|slug| Value::from(clean(frame.channel_title(slug)))).collect();
    }
    if !article.images.is_empty() {
        let url = |picture: &Image| frame.addresses.url(&media_path(&picture.name));
        data["image"] = article.images.iter().map(|picture| Value::from(url(picture))).collect();
    }
    if !article.tags.is_empty() {
        data["keywords"] = article.tags.iter().map(|tag| Value::from(clean(tag))).collect();
    }
    data
}

/// For the address of an article that was withdrawn: when, and why where a reason was given. Nothing else is left of
/// it, not its title either.
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
