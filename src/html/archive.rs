//! The archive for people: the months, and what was published in one of them, by day.

use maud::{Markup, html};

use super::layout::{PageContext, PageMeta};
use super::text::{clean, direction, language_tag, truncate};
use crate::model::{Channel, Entry, Slug};
use crate::time::{Month, PublishedAt, format_vi, local_date, rfc3339};
use crate::urls::{article_path, month_path, months_path, page_path};

/// A part of what was published in a month.
#[derive(Clone, Copy, Debug)]
pub struct MonthPage<'a> {
    /// Which month.
    pub month: Month,
    /// Newest stamp first.
    pub entries: &'a [Entry],
    /// What leads on to the next part of the month: a word for the query.
    pub next: Option<&'a str>,
    /// This is not the first part.
    pub is_continuation: bool,
    /// The next older month with an article.
    pub previous_month: Option<Month>,
    /// The next newer month with an article.
    pub next_month: Option<Month>,
}

/// The months in which a channel published, or the whole site; the newest first.
pub fn months(frame: &PageContext<'_>, channel: Option<&Channel>, months: &[Month]) -> Vec<u8> {
    let scope = channel.map(|channel| &channel.slug);
    let years = months.chunk_by(|one, other| one.year == other.year);
    let title = title(channel, "Tin theo tháng");
    let body = html! {
        h1.title { (title) }
        (back_link(frame, channel, false))
        @if months.is_empty() { p.intro { "Chưa có bài nào." } }
        div.years {
            @for year in years {
                section {
                    h2 { "Năm " (year[0].year) }
                    ul.months {
                        @for month in year {
                            li { a href=(frame.path(&month_path(scope, *month))) { "Tháng " (month.month) } }
                        }
                    }
                }
            }
        }
    };
    frame.page(head(&title, months_path(scope), channel), body)
}

/// What was published in a month.
pub fn month(frame: &PageContext<'_>, channel: Option<&Channel>, part: MonthPage<'_>) -> Vec<u8> {
    let MonthPage {
        month,
        entries,
        next,
        is_continuation: goes_on,
        previous_month: older,
        next_month: newer,
    } = part;
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
                @let stamp = PublishedAt { date_only: true, ..entries[0].article.published };
                h2 { (uppercase_first(&format_vi(stamp, zone))) }
                ul { @for entry in entries { (line(frame, entry, scope)) } }
            }
        }
        nav.pager aria-label="Các phần khác" {
            @if let Some(next) = next {
                a href=(format!("{}?sau={next}", frame.path(&month_path(scope, month)))) { "Xem tiếp " (month) }
            }
            @if let Some(older) = older {
                a href=(frame.path(&month_path(scope, older))) rel="prev" { "← " (uppercase_first(&older.to_string())) }
            }
            @if let Some(newer) = newer {
                a href=(frame.path(&month_path(scope, newer))) rel="next" { (uppercase_first(&newer.to_string())) " →" }
            }
        }
    };
    let mut head = head(&title, month_path(scope, month), channel);
    // Its first part is what crawlers are to know; the others change with every article that is put before them.
    head.noindex = goes_on;
    frame.page(head, body)
}

fn line(frame: &PageContext<'_>, entry: &Entry, scope: Option<&Slug>) -> Markup {
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

fn title(channel: Option<&Channel>, what: &str) -> String {
    channel.map_or(what.to_owned(), |channel| format!("{}: {}", clean(&channel.title), lowercase_first(what)))
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
            @if to_months { a href=(frame.path(&months_path(scope))) { "Mọi tháng" } }
        }
    }
}

fn head<'a>(title: &'a str, path: String, channel: Option<&'a Channel>) -> PageMeta<'a> {
    PageMeta { title, path, channel, ..PageMeta::default() }
}

/// With a capital at the beginning.
fn uppercase_first(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// Without a capital at the beginning.
fn lowercase_first(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}
