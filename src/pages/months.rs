//! The archive for people: the months, and what was published in one of them, by day.

use maud::{Markup, html};

use super::shell::{Frame, Head};
use super::text::{beginning, clean, direction, language};
use crate::address::{article_path, month_path, months_path, page_path};
use crate::article::Entry;
use crate::channel::{Channel, Slug};
use crate::vietnam_time::{Month, Stamp, day_of, for_people, rfc3339};

/// A part of what was published in a month.
#[derive(Clone, Copy, Debug)]
pub struct MonthOf<'a> {
    /// Which month.
    pub month: Month,
    /// Newest stamp first.
    pub entries: &'a [Entry],
    /// What leads on to the next part of the month: a word for the query.
    pub next: Option<&'a str>,
    /// This is not the first part.
    pub goes_on: bool,
    /// The next older month with an article.
    pub older: Option<Month>,
    /// The next newer month with an article.
    pub newer: Option<Month>,
}

/// The months in which a channel published, or the whole site; the newest first.
pub fn months(frame: &Frame<'_>, channel: Option<&Channel>, months: &[Month]) -> Vec<u8> {
    let scope = channel.map(|channel| &channel.slug);
    let years = months.chunk_by(|one, other| one.year == other.year);
    let title = title(channel, "Tin theo tháng");
    let body = html! {
        h1.title { (title) }
        (way_back(frame, channel, false))
        @if months.is_empty() { p.intro { "Chưa có bài nào." } }
        div.years {
            @for year in years {
                section {
                    h2 { "Năm " (year[0].year) }
                    ul.months {
                        @for month in year {
                            li { a href=(frame.local(&month_path(scope, *month))) { "Tháng " (month.month) } }
                        }
                    }
                }
            }
        }
    };
    frame.page(head(&title, months_path(scope), channel), body)
}

/// What was published in a month.
pub fn month(frame: &Frame<'_>, channel: Option<&Channel>, part: MonthOf<'_>) -> Vec<u8> {
    let MonthOf { month, entries, next, goes_on, older, newer } = part;
    let scope = channel.map(|channel| &channel.slug);
    let zone = frame.site.zone;
    let day = |entry: &Entry| day_of(entry.article.stamp.instant, zone);
    let days = entries.chunk_by(|one, other| day(one) == day(other));
    let title = title(channel, &format!("Tin {month}"));
    let body = html! {
        h1.title { (title) }
        (way_back(frame, channel, true))
        @if entries.is_empty() { p.intro { "Không còn bài nào trong tháng này." } }
        div.days {
            @for entries in days {
                @let stamp = Stamp { date_only: true, ..entries[0].article.stamp };
                h2 { (capital(&for_people(stamp, zone))) }
                ul { @for entry in entries { (line(frame, entry, scope)) } }
            }
        }
        nav.pager aria-label="Các phần khác" {
            @if let Some(next) = next {
                a href=(format!("{}?sau={next}", frame.local(&month_path(scope, month)))) { "Xem tiếp " (month) }
            }
            @if let Some(older) = older {
                a href=(frame.local(&month_path(scope, older))) rel="prev" { "← " (capital(&older.to_string())) }
            }
            @if let Some(newer) = newer {
                a href=(frame.local(&month_path(scope, newer))) rel="next" { (capital(&newer.to_string())) " →" }
            }
        }
    };
    let mut head = head(&title, month_path(scope, month), channel);
    // Its first part is what crawlers are to know; the others change with every article that is put before them.
    head.unlisted = goes_on;
    frame.page(head, body)
}

fn line(frame: &Frame<'_>, entry: &Entry, scope: Option<&Slug>) -> Markup {
    let article = &entry.article;
    let zone = frame.site.zone;
    let clock = (!article.stamp.date_only)
        .then(|| article.stamp.instant.with_timezone(&zone).format("%H:%M").to_string());
    html! {
        li {
            span { @if let Some(clock) = clock { time datetime=(rfc3339(article.stamp.instant, zone)) { (clock) } } }
            div {
                a href=(frame.local(&article_path(&entry.permalink)))
                    lang=[language(article.language.as_deref())] dir=[direction(article.language.as_deref())] {
                    bdi { (beginning(&article.title, 160)) }
                }
                @if scope.is_none() {
                    span.meta {
                        @for slug in &entry.channels { " · " bdi { (clean(frame.channel_title(slug))) } }
                    }
                }
            }
        }
    }
}

fn title(channel: Option<&Channel>, what: &str) -> String {
    channel.map_or(what.to_owned(), |channel| format!("{}: {}", clean(&channel.title), small(what)))
}

fn way_back(frame: &Frame<'_>, channel: Option<&Channel>, to_months: bool) -> Markup {
    let scope = channel.map(|channel| &channel.slug);
    html! {
        p.actions {
            @if let Some(channel) = channel {
                a href=(frame.local(&page_path(scope))) { "Bài mới trong chuyên mục " (clean(&channel.title)) }
            } @else {
                a href=(frame.local(&page_path(None))) { "Tin mới" }
            }
            @if to_months { a href=(frame.local(&months_path(scope))) { "Mọi tháng" } }
        }
    }
}

fn head<'a>(title: &'a str, path: String, channel: Option<&'a Channel>) -> Head<'a> {
    Head { title, path, channel, ..Head::default() }
}

/// With a capital at the beginning.
fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// Without a capital at the beginning.
fn small(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}
