//! An article in a list, and the moments in the words of people.

use maud::{Markup, html};

use super::shell::Frame;
use super::text::{beginning, clean, direction, language};
use crate::address::{article_path, media_path};
use crate::article::{Entry, Picture};
use crate::vietnam_time::{Moment, Stamp, Zone, day_of, for_people, rfc3339};

/// Characters of a title in a list.
const TITLE: usize = 200;
/// Characters of a lead in a list.
pub(super) const SUMMARY: usize = 260;

/// How an article is shown in a list.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// Of its title: 2 or 3.
    pub heading: u8,
    /// Its picture is shown.
    pub picture: bool,
    /// Its first lines are shown.
    pub summary: bool,
    /// It names its channels.
    pub channels: bool,
    /// Its picture stands where people look first.
    pub first: bool,
}

/// An article in a list.
pub(super) fn story(frame: &Frame<'_>, entry: &Entry, shape: Shape) -> Markup {
    let article = &entry.article;
    let href = frame.local(&article_path(&entry.permalink));
    let (lang, dir) = (language(article.language.as_deref()), direction(article.language.as_deref()));
    let title = html! { a href=(href) { (beginning(&article.title, TITLE)) } };
    let picture = article.pictures.first().filter(|_| shape.picture);
    html! {
        article.story.pictured[picture.is_some()] {
            @if let Some(picture) = picture { (thumb(frame, &href, picture, shape.first)) }
            div {
                @if shape.heading == 2 { h2 lang=[lang] dir=[dir] { (title) } } @else { h3 lang=[lang] dir=[dir] { (title) } }
                p.meta {
                    (time(article.stamp, frame.site.zone))
                    @if shape.channels { (channels(frame, entry)) }
                }
                @if shape.summary && !article.lead().is_empty() {
                    p.summary lang=[lang] dir=[dir] { (beginning(article.lead(), SUMMARY)) }
                }
            }
        }
    }
}

/// The link is one more to the same page, so that whoever goes by key or by ear meets it only once.
fn thumb(frame: &Frame<'_>, href: &str, picture: &Picture, first: bool) -> Markup {
    html! {
        a.thumb href=(href) tabindex="-1" aria-hidden="true" {
            (image(frame, picture, "", first))
        }
    }
}

/// A picture; the first one on a page is fetched at once, the others when they come into sight.
pub(super) fn image(frame: &Frame<'_>, picture: &Picture, shows: &str, first: bool) -> Markup {
    let (loading, priority) = if first { (None, Some("high")) } else { (Some("lazy"), None) };
    html! {
        img src=(frame.local(&media_path(&picture.name))) alt=(clean(shows))
            width=(picture.width) height=(picture.height)
            loading=[loading] fetchpriority=[priority] decoding="async";
    }
}

fn channels(frame: &Frame<'_>, entry: &Entry) -> Markup {
    html! {
        @for slug in &entry.channels {
            " · " (frame.channel_link(slug))
        }
    }
}

/// `17:39, thứ Sáu 12/05/2023`.
pub(super) fn time(stamp: Stamp, zone: Zone) -> Markup {
    let machine = machine_time(stamp, zone);
    html! { time datetime=(machine) { (for_people(stamp, zone)) } }
}

/// The same of a moment that nobody printed.
pub(super) fn moment(moment: Moment, zone: Zone) -> Markup {
    time(Stamp::at(moment), zone)
}

/// For machines; the day alone where no time was printed.
pub(super) fn machine_time(stamp: Stamp, zone: Zone) -> String {
    if stamp.date_only {
        day_of(stamp.instant, zone).format("%Y-%m-%d").to_string()
    } else {
        rfc3339(stamp.instant, zone)
    }
}
