//! The archive pages: the list of months, and the articles of a month by day.

use maud::{Markup, html};

use super::layout::{PageContext, PageMeta};
use super::text::{clean, direction, language_tag, truncate};
use crate::model::{Channel, Entry, Slug};
use crate::time::{Month, PublishedAt, format_vi, local_date, rfc3339};
use crate::urls::{article_path, month_path, months_path, page_path};

/// A page of the articles of a month.
#[derive(Clone, Copy, Debug)]
pub struct MonthPage<'a> {
    /// Which month.
    pub month: Month,
    /// By publication time, newest first.
    pub entries: &'a [Entry],
    /// The cursor of the next page.
    pub next: Option<&'a str>,
    /// This is not the first page.
    pub is_continuation: bool,
    /// The previous month with articles.
    pub previous_month: Option<Month>,
    /// The next month with articles.
    pub next_month: Option<Month>,
}

/// The list of months with articles of a channel or the site, newest first; with `year`, only its months.
pub fn months(
    frame: &PageContext<'_>,
    channel: Option<&Channel>,
    year: Option<i32>,
    months: &[Month],
) -> Vec<u8> {
    let scope = channel.map(|channel| &channel.slug);
    let years = months.chunk_by(|one, other| one.year == other.year);
    let title = match year {
        Some(year) => title(channel, &format!("Tin năm {year}")),
        None => title(channel, "Tin theo tháng"),
    };
    let body = html! {
        h1.title { (title) }
        (back_link(frame, channel, year.is_some()))
        @if months.is_empty() { p.intro { "Chưa có bài nào." } }
        div.years {
            @for months in years {
                @let number = months[0].year;
                section {
                    @if year.is_none() {
                        h2 { a href=(frame.path(&months_path(scope, Some(number)))) { "Năm " (number) } }
                    }
                    ul.months {
                        @for month in months {
                            li { a href=(frame.path(&month_path(scope, *month))) { "Tháng " (month.month) } }
                        }
                    }
                }
            }
        }
    };
    frame.page(head(&title, months_path(scope, year), channel), body)
}

/// The articles of a month.
pub fn month(frame: &PageContext<'_>, channel: Option<&Channel>, page: MonthPage<'_>) -> Vec<u8> {
    let MonthPage { month, entries, next, is_continuation, previous_month, next_month } = page;
    let scope = channel.map(|channel| &channel.slug);
    let zone = frame.site.time_zone;
    let day = |entry: &Entry| local_date(entry.article.published.instant, zone);
    let days = entries.chunk_by(|one, other| day(one) == day(other));
    let title = title(channel, &format!("Tin {month}"));
    let body = html! {
        h1.title { (title) }
        (back_link(frame, channel, true))
        @if entries.is_empty() { p.intro { "Không còn bài nào trong tháng này." } }
        div.days {
            @for entries in days {
                @let day = PublishedAt { date_only: true, ..entries[0].article.published };
                h2 { (uppercase_first(&format_vi(day, zone))) }
                ul { @for entry in entries { (list_item(frame, entry, scope)) } }
            }
        }
        nav.pager aria-label="Các phần khác" {
            @if let Some(next) = next {
                a href=(format!("{}?sau={next}", frame.path(&month_path(scope, month)))) { "Xem tiếp " (month) }
            }
            @if let Some(previous) = previous_month {
                a href=(frame.path(&month_path(scope, previous))) rel="prev" { "← " (uppercase_first(&previous.to_string())) }
            }
            @if let Some(next) = next_month {
                a href=(frame.path(&month_path(scope, next))) rel="next" { (uppercase_first(&next.to_string())) " →" }
            }
        }
    };
    let mut head = head(&title, month_path(scope, month), channel);
    // Continuation pages shift with every new article, so only the first page is indexed.
    head.noindex = is_continuation;
    frame.page(head, body)
}

fn list_item(frame: &PageContext<'_>, entry: &Entry, scope: Option<&Slug>) -> Markup {
    let article = &entry.article;
    let zone = frame.site.time_zone;
    let clock = (!article.published.date_only)
        .then(|| article.published.instant.with_timezone(&zone).format("%H:%M").to_string());
    html! {
        li {
            span { @if let Some(clock) = clock { time datetime=(rfc3339(article.published.instant, zone)) { (clock) } } }
            div {
                a href=(frame.path(&article_path(&entry.permalink)))
                    lang=[language_tag(article.language.as_deref())] dir=[direction(article.language.as_deref())] {
                    bdi { (truncate(&article.title, 160)) }
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

fn title(channel: Option<&Channel>, title: &str) -> String {
    channel
        .map_or(title.to_owned(), |channel| format!("{}: {}", clean(&channel.title), lowercase_first(title)))
}

fn back_link(frame: &PageContext<'_>, channel: Option<&Channel>, to_months: bool) -> Markup {
    let scope = channel.map(|channel| &channel.slug);
    html! {
        p.actions {
            @if let Some(channel) = channel {
                a href=(frame.path(&page_path(scope))) { "Bài mới trong chuyên mục " (clean(&channel.title)) }
            } @else {
                a href=(frame.path(&page_path(None))) { "Tin mới" }
            }
            @if to_months { a href=(frame.path(&months_path(scope, None))) { "Mọi tháng" } }
        }
    }
}

fn head<'a>(title: &'a str, path: String, channel: Option<&'a Channel>) -> PageMeta<'a> {
    PageMeta { title, path, channel, ..PageMeta::default() }
}

fn uppercase_first(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

fn lowercase_first(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}
