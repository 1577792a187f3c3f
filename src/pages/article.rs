//! An article's own page, and what stands there once it is withdrawn.

use maud::{Markup, PreEscaped, html};
use serde_json::{Value, json};

use super::shell::{Frame, Head, linked_data};
use super::story::{SUMMARY, image, machine_time, moment, time};
use super::subscribe::{self, Followed};
use super::text::{beginning, clean, direction, language, printable, web_url};
use crate::address::{article_path, media_path, month_path, page_path, search_path};
use crate::article::{Article, Block, Entry, Picture, Tombstone};
use crate::channel::Slug;
use crate::vietnam_time::{Moment, Month, rfc3339};

/// An article's page. `corrections` are the moments at which it was corrected, the latest first.
pub fn article(frame: &Frame<'_>, entry: &Entry, corrections: &[Moment]) -> Vec<u8> {
    let article = &entry.article;
    let link = article.link.as_deref().and_then(web_url);
    let title = beginning(&article.title, 200);
    let description = beginning(article.lead(), SUMMARY);
    let (lang, dir) = (language(article.language.as_deref()), direction(article.language.as_deref()));
    let first_channel =
        entry.channels.iter().find_map(|slug| frame.served().find(|channel| channel.slug == *slug));
    let body = html! {
        article.reading {
            (kicker(frame, &entry.channels))
            h1 lang=[lang] dir=[dir] { (clean(&article.title)) }
            (times(frame, entry, corrections))
            div.text lang=[lang] dir=[dir] { (text(frame, article)) }
            (colophon(frame, article, link.as_deref()))
            (history(frame, corrections))
        }
        div.reading {
            (onward(frame, entry))
            @if let Some(channel) = first_channel {
                @let scope = Some(channel.slug.clone());
                (subscribe::block(frame, Followed::Channel(&scope, &channel.title)))
            } @else {
                (subscribe::block(frame, Followed::Channel(&None, &frame.site.title)))
            }
        }
    };
    let head = Head {
        title: &title,
        description: &description,
        path: article_path(&entry.permalink),
        canonical: link,
        channel: first_channel,
        more: Some(html! { (open_graph(frame, entry)) (linked_data(&news_article(frame, entry))) }),
        ..Head::default()
    };
    frame.page(head, body)
}

fn kicker(frame: &Frame<'_>, channels: &[Slug]) -> Markup {
    html! {
        p.kicker {
            @for slug in channels {
                (frame.channel_link(slug))
            }
        }
    }
}

/// When it was published, and when it was last changed since.
fn times(frame: &Frame<'_>, entry: &Entry, corrections: &[Moment]) -> Markup {
    let zone = frame.site.zone;
    let changed = entry.updated > entry.article.stamp.instant;
    html! {
        p.meta {
            span { "Đăng lúc " (time(entry.article.stamp, zone)) }
            @match corrections.first() {
                Some(last) => span.corrected { "Đã sửa lúc " (moment(*last, zone)) },
                None => @if changed { span.corrected { "Cập nhật lúc " (moment(entry.updated, zone)) } },
            }
        }
    }
}

/// The whole text. The n-th picture stands with the n-th caption; pictures beyond the captions follow the text; a
/// caption without a picture stays as a line of its own.
fn text(frame: &Frame<'_>, article: &Article) -> Markup {
    let mut pictures = article.pictures.iter().enumerate();
    html! {
        @for block in &article.body { (piece(frame, block, &mut pictures)) }
        @for (place, picture) in pictures { (figure(frame, picture, place == 0, "", None)) }
    }
}

fn piece<'a>(
    frame: &Frame<'_>,
    block: &Block,
    pictures: &mut impl Iterator<Item = (usize, &'a Picture)>,
) -> Markup {
    match block {
        Block::Lead { html: Some(html), .. } => html! { p.lead { (sanitised(html)) } },
        Block::Lead { text, html: None } => html! { p.lead { (clean(text)) } },
        Block::Paragraph { text } => html! { p { (clean(text)) } },
        Block::Heading { level, text } => heading(*level, text),
        Block::Caption { printed, html: Some(html), .. } => match pictures.next() {
            Some((place, picture)) => html! {
                figure {
                    (image(frame, picture, printed, place == 0))
                    figcaption { (sanitised(html)) }
                }
            },
            None => html! { p.caption { (sanitised(html)) } },
        },
        Block::Caption { text, credit, printed, html: None } => match pictures.next() {
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
    PreEscaped(printable(html).into_owned())
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

fn figure(frame: &Frame<'_>, picture: &Picture, first: bool, shows: &str, credit: Option<&str>) -> Markup {
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
fn colophon(frame: &Frame<'_>, article: &Article, link: Option<&str>) -> Markup {
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
                        a href=(frame.local(&search_path(None, &query_of_tag(tag)))) { (clean(tag)) }
                    }
                }
            }
        }
    }
}

/// The words of a tag, together.
fn query_of_tag(tag: &str) -> String {
    let quoted = format!("\"{}\"", clean(tag).replace('"', " "));
    url::form_urlencoded::Serializer::new(String::new()).append_pair("q", &quoted).finish()
}

fn history(frame: &Frame<'_>, corrections: &[Moment]) -> Markup {
    html! {
        @if !corrections.is_empty() {
            section.corrections aria-labelledby="dinh-chinh" {
                h2 #dinh-chinh { "Bài này đã được sửa sau khi đăng" }
                ul { @for at in corrections { li { (moment(*at, frame.site.zone)) } } }
            }
        }
    }
}

fn onward(frame: &Frame<'_>, entry: &Entry) -> Markup {
    let month = Month::of(entry.article.stamp.instant, frame.site.zone);
    html! {
        p.onward {
            @for channel in frame.served().filter(|channel| entry.channels.contains(&channel.slug)) {
                a href=(frame.local(&page_path(Some(&channel.slug)))) {
                    "Bài khác trong chuyên mục " (clean(&channel.title))
                }
            }
            a href=(frame.local(&month_path(None, month))) { "Mọi tin " (month) }
        }
    }
}

fn open_graph(frame: &Frame<'_>, entry: &Entry) -> Markup {
    let (article, zone) = (&entry.article, frame.site.zone);
    html! {
        meta property="og:type" content="article";
        meta property="article:published_time" content=(machine_time(article.stamp, zone));
        @if entry.updated > article.stamp.instant {
            meta property="article:modified_time" content=(rfc3339(entry.updated, zone));
        }
        @for slug in entry.channels.iter().take(1) {
            meta property="article:section" content=(clean(frame.channel_title(slug)));
        }
        @for tag in &article.tags { meta property="article:tag" content=(clean(tag)); }
        @if let Some(picture) = article.pictures.first() {
            meta property="og:image" content=(frame.addresses.absolute(&media_path(&picture.name)));
            meta property="og:image:type" content=(picture.media_type);
            meta property="og:image:width" content=(picture.width);
            meta property="og:image:height" content=(picture.height);
        }
    }
}

/// The article for search engines (schema.org).
fn news_article(frame: &Frame<'_>, entry: &Entry) -> Value {
    let (article, site, zone) = (&entry.article, frame.site, frame.site.zone);
    let home = article.link.as_deref().and_then(web_url);
    let home = home.unwrap_or_else(|| frame.addresses.absolute(&article_path(&entry.permalink)));
    let mut data = json!({
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": beginning(&article.title, 110),
        "datePublished": machine_time(article.stamp, zone),
        "dateModified": rfc3339(entry.updated, zone),
        "mainEntityOfPage": home,
        "url": home,
        "inLanguage": language(article.language.as_deref()).unwrap_or(&site.language),
        "isAccessibleForFree": true,
        "publisher": { "@type": "Organization", "name": clean(site.publisher_at(article.stamp.instant)) },
    });
    if !article.lead().is_empty() {
        data["description"] = beginning(article.lead(), SUMMARY).into();
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
    if !article.pictures.is_empty() {
        let url = |picture: &Picture| frame.addresses.absolute(&media_path(&picture.name));
        data["image"] = article.pictures.iter().map(|picture| Value::from(url(picture))).collect();
    }
    if !article.tags.is_empty() {
        data["keywords"] = article.tags.iter().map(|tag| Value::from(clean(tag))).collect();
    }
    data
}

/// For the address of an article that was withdrawn: when, and why where a reason was given. Nothing else is left of
/// it, not its title either.
pub fn withdrawn(frame: &Frame<'_>, tombstone: &Tombstone) -> Vec<u8> {
    let body = html! {
        div.notice {
            h1.title { "Bài này đã được gỡ" }
            p { "Bài từng đăng ở địa chỉ này đã được gỡ lúc " (moment(tombstone.when, frame.site.zone)) "." }
            @if let Some(reason) = tombstone.reason.as_deref().filter(|reason| !reason.trim().is_empty()) {
                p { "Lý do: " bdi { (clean(reason)) } }
            }
            p { "Xem " a href=(frame.local(&page_path(None))) { "tin mới ở trang chủ" } "." }
        }
    };
    let head = Head {
        title: "Bài đã được gỡ",
        path: article_path(&tombstone.permalink),
        unlisted: true,
        ..Head::default()
    };
    frame.page(head, body)
}
