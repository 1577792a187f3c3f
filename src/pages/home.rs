//! The first page, and the page of a channel; also where they stand in place of a feed.

use maud::{Markup, html};

use super::shell::{Frame, Head, format_title};
use super::story::{Shape, story};
use super::subscribe::{self, Followed};
use super::text::clean;
use super::{IN_SECTION, LISTED};
use crate::address::{Format, Scope, months_path, page_path};
use crate::article::Entry;
use crate::channel::{Channel, Standing};

/// Articles beside the first one.
const NEWEST: usize = 7;
/// The first place goes to the newest article that has a picture, if one of so many does.
const CANDIDATES: usize = 4;

/// The first page: the newest articles of all channels, and then those of each, in the order given. `opened` where
/// it stands in place of the feed of everything.
pub fn home(
    frame: &Frame<'_>,
    entries: &[Entry],
    sections: &[(&Channel, &[Entry])],
    opened: Option<Format>,
) -> Vec<u8> {
    let candidates = entries.iter().take(CANDIDATES);
    let first = candidates.clone().find(|entry| !entry.article.pictures.is_empty()).or(entries.first());
    let others = entries.iter().filter(|entry| first.is_none_or(|first| first.id != entry.id)).take(NEWEST);
    let body = html! {
        h1.unseen { "Tin mới của " (clean(&frame.site.title)) }
        @match first {
            None => p.intro { "Chưa có bài nào." }
            Some(first) => div.front {
                div.lead-story { (story(frame, first, Shape { heading: 2, picture: true, summary: true, channels: true, first: true })) }
                @if entries.len() > 1 {
                    div.newest {
                        h2.rubric { "Tin mới" }
                        ol.stories {
                            @for entry in others {
                                li { (story(frame, entry, Shape { heading: 3, picture: false, summary: false, channels: true, first: false })) }
                            }
                        }
                    }
                }
            }
        }
        div.channels {
            @for (channel, entries) in sections { (section(frame, channel, entries)) }
        }
        (subscribe::block(frame, Followed::Channel(&None, &frame.site.title)))
    };
    let description = format!("Tin, bài trong mọi chuyên mục của {}.", frame.site.title);
    let head = Head { description: &description, path: page_path(None), ..Head::default() };
    frame.page(with_band(frame, head, &None, &frame.site.title, opened), body)
}

/// A channel on the first page. One without an article has no place there.
fn section(frame: &Frame<'_>, channel: &Channel, entries: &[Entry]) -> Markup {
    let name = format!("muc-{}", channel.slug);
    html! {
        @if !entries.is_empty() {
            section aria-labelledby=(name) {
                h2.rubric id=(name) {
                    a href=(frame.local(&page_path(Some(&channel.slug)))) { (clean(&channel.title)) }
                }
                ul.stories {
                    @for (place, entry) in entries.iter().take(IN_SECTION).enumerate() {
                        @let first = place == 0;
                        li { (story(frame, entry, Shape { heading: 3, picture: first, summary: first, channels: false, first: false })) }
                    }
                }
            }
        }
    }
}

/// A channel's page: its newest articles in the order given. `opened` where it stands in place of its feed.
pub fn channel(frame: &Frame<'_>, channel: &Channel, entries: &[Entry], opened: Option<Format>) -> Vec<u8> {
    let scope = Some(channel.slug.clone());
    let body = html! {
        h1.title { (clean(&channel.title)) }
        @if let Some(description) = &channel.description { p.intro { (clean(description)) } }
        @if let Standing::Closed { since } = channel.standing {
            p.complaint {
                "Chuyên mục đã đóng"
                @if let Some(day) = since { " từ ngày " (day.format("%d/%m/%Y")) }
                ", không đăng tin mới. Các bài đã đăng vẫn ở đây."
            }
        }
        p.actions {
            (subscribe::invitation(&scope))
            a href=(frame.local(&months_path(Some(&channel.slug)))) { "Tin theo tháng" }
        }
        div.columns {
            (list(frame, entries))
            (subscribe::block(frame, Followed::Channel(&scope, &channel.title)))
        }
    };
    let description = match &channel.description {
        Some(description) => description.clone(),
        None => format!("Tin, bài chuyên mục {} của {}.", channel.title, frame.site.title),
    };
    let head = Head {
        title: &channel.title,
        description: &description,
        path: page_path(scope.as_ref()),
        channel: Some(channel),
        ..Head::default()
    };
    frame.page(with_band(frame, head, &scope, &channel.title, opened), body)
}

fn list(frame: &Frame<'_>, entries: &[Entry]) -> Markup {
    html! {
        @if entries.is_empty() {
            p.intro { "Chưa có bài nào." }
        } @else {
            ol.stories {
                @for (place, entry) in entries.iter().take(LISTED).enumerate() {
                    li { (story(frame, entry, Shape { heading: 2, picture: true, summary: true, channels: false, first: place == 0 })) }
                }
            }
        }
    }
}

/// The same page under a band, where a person has opened the feed of it.
fn with_band<'a>(
    frame: &Frame<'_>,
    head: Head<'a>,
    scope: &'a Scope,
    title: &'a str,
    opened: Option<Format>,
) -> Head<'a> {
    let Some(format) = opened else { return head };
    let followed = Followed::Channel(scope, title);
    let title = match format {
        Format::Rss => "Nguồn tin RSS",
        Format::Atom => "Nguồn tin Atom",
        Format::Json => "Nguồn tin JSON Feed",
    };
    debug_assert!(title.ends_with(format_title(format)));
    Head { title, unlisted: true, band: Some(subscribe::band(frame, followed, format)), ..head }
}
