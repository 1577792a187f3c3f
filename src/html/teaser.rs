//! An article in a list, and the moments in the words of people.

use maud::{Markup, html};

use super::layout::PageContext;
use super::text::{clean, direction, language_tag, truncate};
use crate::model::{Entry, Image};
use crate::time::{PublishedAt, Timestamp, Zone, format_vi, local_date, rfc3339};
use crate::urls::{article_path, media_path};

/// Characters of a title in a list.
const MAX_TITLE: usize = 200;
/// Characters of a lead in a list.
pub(super) const MAX_SUMMARY: usize = 260;

/// How an article is shown in a list.
#[derive(Clone, Copy)]
pub(super) struct TeaserOptions {
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
pub(super) fn teaser(frame: &PageContext<'_>, entry: &Entry, shape: TeaserOptions) -> Markup {
    let article = &entry.article;
    let href = frame.path(&article_path(&entry.permalink));
    let (lang, dir) = (language_tag(article.language.as_deref()), direction(article.language.as_deref()));
    let title = html! { a href=(href) { (truncate(&article.title, MAX_TITLE)) } };
    let picture = article.images.first().filter(|_| shape.picture);
    html! {
        article.story.pictured[picture.is_some()] {
            @if let Some(picture) = picture { (thumbnail(frame, &href, picture, shape.first)) }
            div {
                @if shape.heading == 2 { h2 lang=[lang] dir=[dir] { (title) } } @else { h3 lang=[lang] dir=[dir] { (title) } }
                p.meta {
                    (time(article.published, frame.site.time_zone))
                    @if shape.channels { (channels(frame, entry)) }
                }
                @if shape.summary && !article.excerpt().is_empty() {
                    p.summary lang=[lang] dir=[dir] { (truncate(article.excerpt(), MAX_SUMMARY)) }
                }
            }
        }
    }
}

/// The link is one more to the same page, so that whoever goes by key or by ear meets it only once.
fn thumbnail(frame: &PageContext<'_>, href: &str, picture: &Image, first: bool) -> Markup {
    html! {
        a.thumb href=(href) tabindex="-1" aria-hidden="true" {
            (image(frame, picture, "", first))
        }
    }
}

/// A picture; the first one on a page is fetched at once, the others when they come into sight.
pub(super) fn image(frame: &PageContext<'_>, picture: &Image, shows: &str, first: bool) -> Markup {
    let (loading, priority) = if first { (None, Some("high")) } else { (Some("lazy"), None) };
    html! {
        img src=(frame.path(&media_path(&picture.name))) alt=(clean(shows))
            width=(picture.width) height=(picture.height)
            loading=[loading] fetchpriority=[priority] decoding="async";
    }
}

fn channels(frame: &PageContext<'_>, entry: &Entry) -> Markup {
    html! {
        @for slug in &entry.channels {
            " · " (frame.channel_link(slug))
        }
    }
}

/// `17:39, thứ Sáu 12/05/2023`.
pub(super) fn time(stamp: PublishedAt, zone: Zone) -> Markup {
    let machine = datetime_attribute(stamp, zone);
    html! { time datetime=(machine) { (format_vi(stamp, zone)) } }
}

/// The same of a moment that nobody printed.
pub(super) fn time_element(moment: Timestamp, zone: Zone) -> Markup {
    time(PublishedAt::exact(moment), zone)
}

/// For machines; the day alone where no time was printed.
pub(super) fn datetime_attribute(stamp: PublishedAt, zone: Zone) -> String {
    if stamp.date_only {
        local_date(stamp.instant, zone).format("%Y-%m-%d").to_string()
    } else {
        rfc3339(stamp.instant, zone)
    }
}
