//! The pages that people meet: home, a channel, an article. HTML from values, nothing else.
//!
//! Every text is escaped by the template; the one thing taken as it is is the article's content, which the
//! feed makers have made safe. No page holds a script.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::address::{Addresses, Format, OPML_PATH, article_path, feed_path, page_path};
use crate::article::Entry;
use crate::channel::{Channel, Site};
use crate::vietnam_time::{for_people, rfc3339};

/// `text/html; charset=utf-8`.
pub const MEDIA_TYPE: &str = "text/html; charset=utf-8";

/// What all pages of a site share.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The publisher.
    pub site: &'a Site,
    /// Makes the links.
    pub addresses: &'a Addresses,
    /// All channels, in the order of the menu.
    pub channels: &'a [Channel],
}

/// The first page: the newest articles of all channels, in the order given.
pub fn home(frame: Frame<'_>, entries: &[Entry]) -> Vec<u8> {
    let body = html! {
        h1 { (frame.site.title) }
        (list(frame, entries))
    };
    page(frame, &frame.site.title, None, page_path(None), body)
}

/// A channel's page: its newest articles in the order given.
pub fn channel(frame: Frame<'_>, channel: &Channel, entries: &[Entry]) -> Vec<u8> {
    let title = format!("{} - {}", channel.title, frame.site.title);
    let body = html! {
        h1 { (channel.title) }
        @if let Some(description) = &channel.description { p { (description) } }
        (list(frame, entries))
    };
    page(frame, &title, Some(channel), page_path(Some(&channel.slug)), body)
}

/// An article's own page. `content` is its text as safe HTML.
pub fn article(frame: Frame<'_>, entry: &Entry, content: &str) -> Vec<u8> {
    let zone = frame.site.zone;
    let article = &entry.article;
    let title = format!("{} - {}", article.title, frame.site.title);
    let corrected = entry.updated > article.stamp.instant;
    let body = html! {
        article lang=[article.language.as_deref()] {
            h1 { (article.title) }
            p {
                time datetime=(rfc3339(article.stamp.instant, zone)) { (for_people(article.stamp, zone)) }
                @if corrected {
                    " · Cập nhật: "
                    time datetime=(rfc3339(entry.updated, zone)) {
                        (for_people(crate::vietnam_time::Stamp::at(entry.updated), zone))
                    }
                }
            }
            (PreEscaped(content))
            @if !article.authors.is_empty() { p { strong { (article.authors.join(", ")) } } }
        }
        p {
            @for slug in &entry.channels {
                @let title = channel_title(frame, slug.as_str());
                a href=(frame.addresses.local(&page_path(Some(slug)))) { (title) } " "
            }
        }
    };
    page(frame, &title, None, article_path(&entry.permalink), body)
}

fn list(frame: Frame<'_>, entries: &[Entry]) -> Markup {
    let zone = frame.site.zone;
    html! {
        @if entries.is_empty() { p { "Chưa có bài nào." } }
        @for entry in entries {
            article lang=[entry.article.language.as_deref()] {
                h2 {
                    a href=(frame.addresses.local(&article_path(&entry.permalink))) { (entry.article.title) }
                }
                p {
                    time datetime=(rfc3339(entry.article.stamp.instant, zone)) {
                        (for_people(entry.article.stamp, zone))
                    }
                }
                p { (entry.article.lead()) }
            }
        }
    }
}

fn channel_title<'a>(frame: Frame<'a>, slug: &'a str) -> &'a str {
    frame.channels.iter().find(|channel| channel.slug.as_str() == slug).map_or(slug, |c| c.title.as_str())
}

fn page(frame: Frame<'_>, title: &str, channel: Option<&Channel>, path: String, body: Markup) -> Vec<u8> {
    let markup = html! {
        (DOCTYPE)
        html lang=(frame.site.language) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="canonical" href=(frame.addresses.absolute(&path));
                @if let Some(channel) = channel { (autodiscovery(frame, Some(channel))) }
                (autodiscovery(frame, None))
            }
            body {
                header {
                    p { a href=(frame.addresses.local("/")) { (frame.site.title) } }
                    nav {
                        ul {
                            @for channel in frame.channels {
                                li {
                                    a href=(frame.addresses.local(&page_path(Some(&channel.slug)))) {
                                        (channel.title)
                                    }
                                }
                            }
                        }
                    }
                }
                main { (body) }
                footer {
                    p {
                        "Theo dõi: "
                        @for format in Format::ALL {
                            @let scope = channel.map(|channel| &channel.slug);
                            a href=(frame.addresses.local(&feed_path(scope, format))) {
                                (format_title(format))
                            }
                            " · "
                        }
                        a href=(frame.addresses.local(OPML_PATH)) { "OPML" }
                    }
                    @if let Some(rights) = &frame.site.rights { p { (rights) } }
                }
            }
        }
    };
    markup.into_string().into_bytes()
}

/// The links by which feed readers and browsers find a page's feeds.
fn autodiscovery(frame: Frame<'_>, channel: Option<&Channel>) -> Markup {
    let title = channel.map_or(frame.site.title.as_str(), |channel| channel.title.as_str());
    let scope = channel.map(|channel| &channel.slug);
    html! {
        @for format in Format::ALL {
            link rel="alternate" type=(format.media_type())
                title=(format!("{title} ({})", format_title(format)))
                href=(frame.addresses.absolute(&feed_path(scope, format)));
        }
    }
}

fn format_title(format: Format) -> &'static str {
    match format {
        Format::Rss => "RSS",
        Format::Atom => "Atom",
        Format::Json => "JSON Feed",
    }
}
