//! The first page, and the page of a channel; also where they stand in place of a feed.

use maud::{Markup, html};

use super::layout::{PageContext, PageMeta, format_title};
use super::subscribe::{self, FeedTarget};
use super::teaser::{TeaserOptions, teaser};
use super::text::clean;
use super::{HOME_ITEMS_PER_CHANNEL, MAX_LISTED};
use crate::model::{Channel, ChannelStatus, Entry};
use crate::urls::{Format, Scope, months_path, page_path};

/// Articles beside the first one.
const NEWEST_SHOWN: usize = 7;
/// The first place goes to the newest article that has a picture, if one of so many does.
const CANDIDATES: usize = 4;

/// The first page: the newest articles of all channels, and then those of each, in the order given. `opened` where
/// it stands in place of the feed of everything.
pub fn home(
    frame: &PageContext<'_>,
    entries: &[Entry],
    sections: &[(&Channel, &[Entry])],
    opened: Option<Format>,
) -> Vec<u8> {
    let candidates = entries.iter().take(CANDIDATES);
    let first = candidates.clone().find(|entry| !entry.article.images.is_empty()).or(entries.first());
    let others =
        entries.iter().filter(|entry| first.is_none_or(|first| first.id != entry.id)).take(NEWEST_SHOWN);
    let body = html! {
        h1.unseen { "Tin mới của " (clean(&frame.site.title)) }
        @match first {
            None => p.intro { "Chưa có bài nào." }
            Some(first) => div.front {
                div.lead-story { (teaser(frame, first, TeaserOptions { heading: 2, picture: true, summary: true, channels: true, first: true })) }
                @if entries.len() > 1 {
                    div.newest {
                        h2.rubric { "Tin mới" }
                        ol.stories {
                            @for entry in others {
                                li { (teaser(frame, entry, TeaserOptions { heading: 3, picture: false, summary: false, channels: true, first: false })) }
                            }
                        }
                    }
                }
            }
        }
        div.channels {
            @for (channel, entries) in sections { (section(frame, channel, entries)) }
        }
        (subscribe::subscribe_section(frame, FeedTarget::Channel(&None, &frame.site.title)))
    };
    let description = format!("Tin, bài trong mọi chuyên mục của {}.", frame.site.title);
    let head = PageMeta { description: &description, path: page_path(None), ..PageMeta::default() };
    frame.page(channel_page(frame, head, &None, &frame.site.title, opened), body)
}

/// A channel on the first page. One without an article has no place there.
fn section(frame: &PageContext<'_>, channel: &Channel, entries: &[Entry]) -> Markup {
    let name = format!("muc-{}", channel.slug);
    html! {
        @if !entries.is_empty() {
            section aria-labelledby=(name) {
                h2.rubric id=(name) {
                    a href=(frame.path(&page_path(Some(&channel.slug)))) { (clean(&channel.title)) }
                }
                ul.stories {
                    @for (place, entry) in entries.iter().take(HOME_ITEMS_PER_CHANNEL).enumerate() {
                        @let first = place == 0;
                        li { (teaser(frame, entry, TeaserOptions { heading: 3, picture: first, summary: first, channels: false, first: false })) }
                    }
                }
            }
        }
    }
}

/// A channel's page: its newest articles in the order given. `opened` where it stands in place of its feed.
pub fn channel(
    frame: &PageContext<'_>,
    channel: &Channel,
    entries: &[Entry],
    opened: Option<Format>,
) -> Vec<u8> {
    let scope = Some(channel.slug.clone());
    let body = html! {
        h1.title { (clean(&channel.title)) }
        @if let Some(description) = &channel.description { p.intro { (clean(description)) } }
        @if let ChannelStatus::Closed { since } = channel.status {
            p.complaint {
                "Chuyên mục đã đóng"
                @if let Some(day) = since { " từ ngày " (day.format("%d/%m/%Y")) }
                ", không đăng tin mới. Các bài đã đăng vẫn ở đây."
            }
        }
        p.actions {
            (subscribe::subscribe_link(&scope))
            a href=(frame.path(&months_path(Some(&channel.slug)))) { "Tin theo tháng" }
        }
        div.columns {
            (list(frame, entries))
            (subscribe::subscribe_section(frame, FeedTarget::Channel(&scope, &channel.title)))
        }
    };
    let description = match &channel.description {
        Some(description) => description.clone(),
        None => format!("Tin, bài chuyên mục {} của {}.", channel.title, frame.site.title),
    };
    let head = PageMeta {
        title: &channel.title,
        description: &description,
        path: page_path(scope.as_ref()),
        channel: Some(channel),
        ..PageMeta::default()
    };
    frame.page(channel_page(frame, head, &scope, &channel.title, opened), body)
}

fn list(frame: &PageContext<'_>, entries: &[Entry]) -> Markup {
    html! {
        @if entries.is_empty() {
            p.intro { "Chưa có bài nào." }
        } @else {
            ol.stories {
                @for (place, entry) in entries.iter().take(MAX_LISTED).enumerate() {
                    li { (teaser(frame, entry, TeaserOptions { heading: 2, picture: true, summary: true, channels: false, first: place == 0 })) }
                }
            }
        }
    }
}

/// The same page under a band, where a person has opened the feed of it.
fn channel_page<'a>(
    frame: &PageContext<'_>,
    head: PageMeta<'a>,
    scope: &'a Scope,
    title: &'a str,
    opened: Option<Format>,
) -> PageMeta<'a> {
    let Some(format) = opened else { return head };
    let followed = FeedTarget::Channel(scope, title);
    let title = match format {
        Format::Rss => "Nguồn tin RSS",
        Format::Atom => "Nguồn tin Atom",
        Format::Json => "Nguồn tin JSON Feed",
    };
    debug_assert!(title.ends_with(format_title(format)));
    PageMeta { title, noindex: true, banner: Some(subscribe::feed_banner(frame, followed, format)), ..head }
}
