//! An article in a list, and `time` elements.

use maud::{Markup, PreEscaped, html};

use super::layout::PageContext;
use super::text::{direction, language_tag, truncate};
use crate::content_html::page_image;
use crate::model::{Entry, Image};
use crate::time::{PublishedAt, Timestamp, Zone, format_vi, local_date, rfc3339};
use crate::urls::article_path;

/// Maximum characters of a title in a list.
pub(super) const MAX_TITLE: usize = 200;
/// Maximum characters of a summary in a list.
pub(super) const MAX_SUMMARY: usize = 260;

/// A title with more characters is set smaller.
const LONG_TITLE: usize = 100;

/// The class of a title that would fill a phone's screen in the usual size.
pub(super) fn title_class(title: &str) -> Option<&'static str> {
    (title.chars().count() > LONG_TITLE).then_some("long")
}

/// How an article is shown in a list.
#[derive(Clone, Copy)]
pub(super) struct TeaserOptions {
    /// Heading level of the title: 2 or 3.
    pub heading: u8,
    /// Shows the first image, there.
    pub image: Option<ImagePlace>,
    /// Shows the summary.
    pub summary: bool,
    /// Names the channels.
    pub channels: bool,
    /// The image is above the fold and loads at once.
    pub is_first: bool,
}

/// Where the image of an article is on a page with several articles.
#[derive(Clone, Copy)]
pub(super) enum ImagePlace {
    /// The lead article of the home page.
    Lead,
    /// A section of the home page.
    Section,
    /// Beside the title.
    Beside,
}

impl ImagePlace {
    /// The width of the image, as the style sheet gives it.
    fn sizes(self) -> &'static str {
        match self {
            Self::Lead => "(min-width: 70rem) 37rem, (min-width: 56rem) 54vw, 92vw",
            Self::Section => "(min-width: 40rem) 22rem, 92vw",
            Self::Beside => "(min-width: 54rem) 14rem, (min-width: 26rem) 24vw, 6.5rem",
        }
    }
}

/// Renders an article in a list.
pub(super) fn teaser(frame: &PageContext<'_>, entry: &Entry, options: TeaserOptions) -> Markup {
    let article = &entry.article;
    let href = frame.path(&article_path(&entry.permalink));
    let (lang, dir) = (language_tag(article.language.as_deref()), direction(article.language.as_deref()));
    let title = html! { a href=(href) { (truncate(&article.title, MAX_TITLE)) } };
    let image = article.images.first().zip(options.image);
    html! {
        article.story.pictured[image.is_some()] {
            @if let Some((image, place)) = image { (thumbnail(frame, &href, image, place, options.is_first)) }
            div {
                @if options.heading == 2 { h2 class=[title_class(&article.title)] lang=[lang] dir=[dir] { (title) } } @else { h3 class=[title_class(&article.title)] lang=[lang] dir=[dir] { (title) } }
                p.meta {
                    (time(article.published, frame.site.time_zone))
                    @if options.channels { (channels(frame, entry)) }
                }
                @if options.summary && !article.excerpt().is_empty() {
                    p.summary lang=[lang] dir=[dir] { (truncate(article.excerpt(), MAX_SUMMARY)) }
                }
            }
        }
    }
}

/// The title already links to the page, so keyboards and screen readers skip this link.
fn thumbnail(
    frame: &PageContext<'_>,
    href: &str,
    image: &Image,
    place: ImagePlace,
    is_first: bool,
) -> Markup {
    html! {
        a.thumb href=(href) tabindex="-1" aria-hidden="true" {
            (PreEscaped(page_image(image, frame.addresses, place.sizes(), is_first)))
        }
    }
}

fn channels(frame: &PageContext<'_>, entry: &Entry) -> Markup {
    html! {
        @for slug in &entry.channels {
            " · " (frame.channel_link(slug))
        }
    }
}

/// A `time` element such as `17:39, thứ Sáu 12/05/2023`.
pub(super) fn time(published: PublishedAt, zone: Zone) -> Markup {
    html! { time datetime=(datetime_attribute(published, zone)) { (format_vi(published, zone)) } }
}

/// A `time` element of an exact time.
pub(super) fn time_element(instant: Timestamp, zone: Zone) -> Markup {
    time(PublishedAt::exact(instant), zone)
}

/// The value of `datetime`: only the date if the article has no time of day.
pub(super) fn datetime_attribute(published: PublishedAt, zone: Zone) -> String {
    if published.date_only {
        local_date(published.instant, zone).format("%Y-%m-%d").to_string()
    } else {
        rfc3339(published.instant, zone)
    }
}
