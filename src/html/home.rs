//! The home page and channel pages, also shown when a person opens a feed.

use maud::{Markup, html};

use super::layout::{PageContext, PageMeta, format_title};
use super::subscribe::{self, FeedTarget};
use super::teaser::{ImagePlace, TeaserOptions, teaser};
use super::text::clean;
use crate::model::{Channel, ChannelStatus, Entry};
use crate::time::Month;
use crate::urls::{Format, Scope, month_path, months_path, page_path};

/// Maximum number of articles on a channel's page.
pub const MAX_LISTED: usize = 30;
/// Articles per channel on the home page.
pub const HOME_ITEMS_PER_CHANNEL: usize = 4;
/// Articles in the list of news on the home page, without the lead article.
const NEWEST_SHOWN: usize = 7;

/// The home page: the newest articles, then a section per channel, in the given order. With `opened`, the page is
/// shown instead of the feed of all channels.
pub fn home(
    frame: &PageContext<'_>,
    entries: &[Entry],
    sections: &[(&Channel, &[Entry])],
    opened: Option<Format>,
) -> Vec<u8> {
    // A lead article without an image would leave most of its column empty.
    let pictured = entries.iter().find(|entry| !entry.article.images.is_empty());
    let first = pictured.or(entries.first());
    let others =
        entries.iter().filter(|entry| first.is_none_or(|first| first.id != entry.id)).take(NEWEST_SHOWN);
    let body = html! {
        h1.unseen { "Tin mới của " (clean(&frame.site.title)) }
        @match first {
            None => p.intro { "Chưa có bài nào." }
            Some(first) => div.front.plain[pictured.is_none()] {
                div.lead-story { (teaser(frame, first, TeaserOptions { heading: 2, image: Some(ImagePlace::Lead), summary: true, channels: true, is_first: true })) }
                @if entries.len() > 1 {
                    div.newest {
                        h2.rubric { "Tin mới" }
                        ol.stories {
                            @for entry in others {
                                li { (teaser(frame, entry, TeaserOptions { heading: 3, image: None, summary: false, channels: true, is_first: false })) }
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

/// A channel on the home page; empty channels are omitted.
fn section(frame: &PageContext<'_>, channel: &Channel, entries: &[Entry]) -> Markup {
    let name = format!("muc-{}", channel.slug);
    html! {
        @if !entries.is_empty() {
            section aria-labelledby=(name) {
                h2.rubric id=(name) {
                    a href=(frame.path(&page_path(Some(&channel.slug)))) { (clean(&channel.title)) }
                    @if !channel.is_open() { " " span.closed { "(đã đóng)" } }
                }
                ul.stories {
                    @for (index, entry) in entries.iter().take(HOME_ITEMS_PER_CHANNEL).enumerate() {
                        @let is_first = index == 0;
                        li { (teaser(frame, entry, TeaserOptions { heading: 3, image: is_first.then_some(ImagePlace::Section), summary: is_first, channels: false, is_first: false })) }
                    }
                }
            }
        }
    }
}

/// A channel's page with its newest articles, in the given order. `is_whole`: it has no others. With `opened`, the page
/// is shown instead of the channel's feed.
pub fn channel(
    frame: &PageContext<'_>,
    channel: &Channel,
    entries: &[Entry],
    is_whole: bool,
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
            a href=(frame.path(&months_path(Some(&channel.slug), None))) { "Tin theo tháng" }
        }
        div.columns {
            div {
                (list(frame, entries))
                (older_articles(frame, channel, entries, is_whole))
            }
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

/// The way to the articles that are not on the channel's page: the month of the last one shown.
fn older_articles(frame: &PageContext<'_>, channel: &Channel, entries: &[Entry], is_whole: bool) -> Markup {
    let scope = Some(&channel.slug);
    let last = entries.iter().take(MAX_LISTED).next_back();
    let has_older = !is_whole || entries.len() > MAX_LISTED;
    html! {
        @if let Some(last) = last.filter(|_| has_older) {
            @let month = Month::containing(last.article.published.instant, frame.site.time_zone);
            p.pager {
                a href=(frame.path(&month_path(scope, month))) { "Bài cũ hơn, từ " (month) }
                a href=(frame.path(&months_path(scope, None))) { "Mọi tháng" }
            }
        }
    }
}

fn list(frame: &PageContext<'_>, entries: &[Entry]) -> Markup {
    html! {
        @if entries.is_empty() {
            p.intro { "Chưa có bài nào." }
        } @else {
            ol.stories {
                @for (index, entry) in entries.iter().take(MAX_LISTED).enumerate() {
                    li { (teaser(frame, entry, TeaserOptions { heading: 2, image: Some(ImagePlace::Beside), summary: true, channels: false, is_first: index == 0 })) }
                }
            }
        }
    }
}

/// Adds the feed banner if a person opened the feed in a browser.
fn channel_page<'a>(
    frame: &PageContext<'_>,
    head: PageMeta<'a>,
    scope: &'a Scope,
    title: &'a str,
    opened: Option<Format>,
) -> PageMeta<'a> {
    let Some(format) = opened else { return head };
    let target = FeedTarget::Channel(scope, title);
    let title = match format {
        Format::Rss => "Nguồn tin RSS",
        Format::Atom => "Nguồn tin Atom",
        Format::Json => "Nguồn tin JSON Feed",
    };
    debug_assert!(title.ends_with(format_title(format)));
    PageMeta { title, noindex: true, banner: Some(subscribe::feed_banner(frame, target, format)), ..head }
}
