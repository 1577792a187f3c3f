//! The search page: the form, and the results with highlighted matches.

use std::borrow::Cow;
use std::ops::Range;

use chrono::NaiveDate;
use maud::{Markup, html};

use super::layout::{PageContext, PageMeta, format_title};
use super::subscribe::{self, FeedTarget, feed_page_path};
use super::teaser::time;
use super::text::{clean, direction, language_tag, truncate};
use crate::model::{Article, Entry, Slug};
use crate::search_text;
use crate::urls::{Format, article_path, search_path};

/// Characters of an article shown around the matches.
const SNIPPET: usize = 240;

/// A search.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SearchQuery {
    /// The search terms as typed, on one line.
    pub words: String,
    /// Limits the search to a channel.
    pub channel: Option<Slug>,
    /// Published on this day or later.
    pub from: Option<NaiveDate>,
    /// Published on this day or earlier.
    pub to: Option<NaiveDate>,
}

impl SearchQuery {
    /// The canonical query string, without `?`: equal searches have one URL.
    pub fn query(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if !self.words.is_empty() {
            query.append_pair("q", &self.words);
        }
        if let Some(channel) = &self.channel {
            query.append_pair("channel", channel.as_str());
        }
        for (name, day) in [("from", self.from), ("to", self.to)] {
            if let Some(day) = day {
                query.append_pair(name, &day.to_string());
            }
        }
        query.finish()
    }
}

/// The outcome of a search.
#[derive(Clone, Copy, Debug)]
pub enum SearchOutcome<'a> {
    /// The empty form.
    NotAsked,
    /// The query is invalid, with the reason.
    Invalid(&'a str),
    /// The results.
    Found {
        /// Exact matches first, then the newest first.
        entries: &'a [Entry],
        /// The cursor of the next page.
        next: Option<&'a str>,
        /// This is not the first page.
        is_continuation: bool,
        /// The number of results, and whether it is a lower bound.
        total: (u64, bool),
    },
}

/// The search page. With `opened`, the page is shown instead of the feed of the search.
pub fn search(
    frame: &PageContext<'_>,
    query: &SearchQuery,
    outcome: SearchOutcome<'_>,
    opened: Option<Format>,
) -> Vec<u8> {
    let query_string = query.query();
    let title = match (opened, query.words.as_str()) {
        (Some(_), _) => "Nguồn tin của một tìm kiếm".to_owned(),
        (None, "") => "Tìm kiếm".to_owned(),
        (None, words) => format!("Tìm: {}", truncate(words, 60)),
    };
    let body = html! {
        h1.title { "Tìm kiếm" }
        (form(frame, query))
        @match outcome {
            SearchOutcome::NotAsked => {}
            SearchOutcome::Invalid(reason) => p.complaint role="alert" { (reason) },
            SearchOutcome::Found { entries, next, is_continuation, total } => {
                (results(frame, query, entries, next, is_continuation, total))
                @if !is_continuation { div.below { (subscribe::subscribe_section(frame, FeedTarget::Search(&query_string))) } }
            }
        }
    };
    let target = FeedTarget::Search(&query_string);
    let head = PageMeta {
        title: &title,
        path: feed_page_path(target),
        noindex: true,
        more: matches!(outcome, SearchOutcome::Found { .. })
            .then(|| autodiscovery(frame, query, &query_string)),
        banner: opened.map(|format| subscribe::feed_banner(frame, target, format)),
        ..PageMeta::default()
    };
    frame.page(head, body)
}

fn form(frame: &PageContext<'_>, query: &SearchQuery) -> Markup {
    let day = |day: Option<NaiveDate>| day.map(|day| day.to_string());
    let has_filters = query.channel.is_some() || query.from.is_some() || query.to.is_some();
    html! {
        form.search action=(frame.path(&search_path(None, ""))) {
            label for="q" { "Từ cần tìm" }
            div.ask {
                input #q name="q" type="search" value=(clean(&query.words)) maxlength="200" aria-describedby="q-cach";
                button { "Tìm" }
            }
            p.hint #q-cach {
                "Gõ không dấu cũng được: “thi dua dak to”. Đặt trong ngoặc kép để tìm đúng cụm từ: \"thi đua yêu nước\"."
            }
            details open[has_filters] {
                summary { "Chọn chuyên mục và ngày đăng" }
                div.filters {
                    div {
                        label for="channel" { "Chuyên mục" }
                        select #channel name="channel" {
                            option value="" { "Tất cả" }
                            @for channel in frame.visible_channels() {
                                option value=(channel.slug) selected[query.channel.as_ref() == Some(&channel.slug)] {
                                    (clean(&channel.title))
                                }
                            }
                        }
                    }
                    div {
                        label for="from" { "Từ ngày" }
                        input #from name="from" type="date" value=[day(query.from)];
                    }
                    div {
                        label for="to" { "Đến ngày" }
                        input #to name="to" type="date" value=[day(query.to)];
                    }
                }
            }
        }
    }
}

fn results(
    frame: &PageContext<'_>,
    query: &SearchQuery,
    entries: &[Entry],
    next: Option<&str>,
    is_continuation: bool,
    (total, at_least): (u64, bool),
) -> Markup {
    let total = grouped(total);
    let count = match (entries.len(), next, is_continuation) {
        (0, None, false) => "Không tìm thấy bài nào.".to_owned(),
        (0, None, true) => "Không còn bài nào cũ hơn.".to_owned(),
        (0, Some(_), _) => {
            "Chưa thấy trong các bài đã xem qua; có thể tìm tiếp trong các bài cũ hơn.".to_owned()
        }
        (..) if at_least => format!("Tìm thấy hơn {total} bài."),
        (..) => format!("Tìm thấy {total} bài."),
    };
    let query_string = query.query();
    html! {
        p.intro role="status" { (count) }
        ol.stories {
            @for entry in entries { li { (result_item(frame, entry, query)) } }
        }
        @if let Some(next) = next {
            nav.pager aria-label="Kết quả khác" {
                a href=(format!("{}&after={next}", frame.path(&search_path(None, &query_string)))) rel="next" {
                    "Xem tiếp"
                }
            }
        }
    }
}

/// `12.345`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(".")
}

fn result_item(frame: &PageContext<'_>, entry: &Entry, query: &SearchQuery) -> Markup {
    let article = &entry.article;
    let highlighter = &Highlighter::new(&query.words, article);
    let (lang, dir) = (language_tag(article.language.as_deref()), direction(article.language.as_deref()));
    html! {
        article.story {
            h2 lang=[lang] dir=[dir] {
                a href=(frame.path(&article_path(&entry.permalink))) { (highlighter.text(&truncate(&article.title, 200))) }
            }
            p.meta {
                (time(article.published, frame.site.time_zone))
                @for slug in &entry.channels {
                    " · " (frame.channel_link(slug))
                }
            }
            p.summary lang=[lang] dir=[dir] { (highlighter.text(&snippet(article, highlighter))) }
        }
    }
}

/// Finds and marks the search terms in texts.
struct Highlighter {
    words: Vec<String>,
    phrases: Vec<Vec<String>>,
    /// Exact matches in the article; if there are any, only these are marked.
    exact: Vec<search_text::Exact>,
}

impl Highlighter {
    fn new(query: &str, article: &Article) -> Self {
        Self {
            words: search_text::query_terms(query),
            phrases: search_text::quoted_phrases(query),
            exact: search_text::held_exactly(article, &search_text::with_marks(query)),
        }
    }

    fn ranges(&self, text: &str) -> Vec<Range<usize>> {
        search_text::match_ranges(text, &self.words, &self.phrases, &self.exact)
    }

    /// The text with the matches in `mark` elements.
    fn text(&self, text: &str) -> Markup {
        let text = clean(text);
        let ranges = self.ranges(&text);
        let starts = std::iter::once(0).chain(ranges.iter().map(|range| range.end));
        let ends = ranges.iter().map(|range| range.start).chain([text.len()]);
        html! {
            @for (index, (start, end)) in starts.zip(ends).enumerate() {
                (text[start..end])
                @if let Some(range) = ranges.get(index) { mark { (text[range.clone()]) } }
            }
        }
    }
}

/// The excerpt around the paragraph with the most terms; the lead if only the title matches.
fn snippet(article: &Article, highlighter: &Highlighter) -> String {
    let texts =
        article.summary.iter().map(Cow::from).chain(article.body.iter().flat_map(search_text::block_texts));
    let mut best: Option<(usize, Cow<'_, str>, usize)> = None;
    for text in texts {
        let ranges = highlighter.ranges(&text);
        let Some(first) = ranges.first() else { continue };
        // Counts distinct terms.
        let mut distinct: Vec<Vec<String>> =
            ranges.iter().map(|range| search_text::query_terms(&text[range.clone()])).collect();
        distinct.sort_unstable();
        distinct.dedup();
        if best.as_ref().is_none_or(|(count, ..)| distinct.len() > *count) {
            best = Some((distinct.len(), text.clone(), first.start));
        }
    }
    match best {
        Some((_, text, start)) => excerpt_around(&text, start),
        None => truncate(article.excerpt(), SNIPPET).into_owned(),
    }
}

/// An excerpt of `text` around the offset `start`.
fn excerpt_around(text: &str, start: usize) -> String {
    let before = text[..start].chars().rev().take(SNIPPET / 3).map(char::len_utf8).sum::<usize>();
    let from = start - before;
    if from == 0 {
        return truncate(text, SNIPPET).into_owned();
    }
    // Starts at a word boundary.
    let cut = text[from..start].find(char::is_whitespace).map_or(from, |space| from + space);
    format!("…{}", truncate(text[cut..].trim_start(), SNIPPET))
}

fn autodiscovery(frame: &PageContext<'_>, query: &SearchQuery, query_string: &str) -> Markup {
    html! {
        @for format in Format::ALL {
            link rel="alternate" type=(format.media_type()) title=(format!("Tìm: {} ({})", truncate(&query.words, 60), format_title(format)))
                href=(frame.addresses.url(&search_path(Some(format), query_string)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn highlighter(query: &str) -> Highlighter {
        Highlighter {
            words: search_text::query_terms(query),
            phrases: search_text::quoted_phrases(query),
            exact: Vec::new(),
        }
    }

    #[test]
    fn matches_are_marked_and_the_rest_is_escaped() {
        let text = highlighter("dak to <b>").text("<b>Đăk Tô</b> & dak");
        assert_eq!(
            text.into_string(),
            "&lt;<mark>b</mark>&gt;<mark>Đăk</mark> <mark>Tô</mark>&lt;/<mark>b</mark>&gt; &amp; <mark>dak</mark>"
        );
    }

    #[test]
    fn a_search_has_one_url() {
        let query = SearchQuery {
            words: "thi đua & \"x\"".to_owned(),
            channel: Some(Slug::parse("xa-hoi").unwrap()),
            from: NaiveDate::from_ymd_opt(2023, 5, 12),
            to: None,
        };
        assert_eq!(query.query(), "q=thi+%C4%91ua+%26+%22x%22&channel=xa-hoi&from=2023-05-12");
        assert_eq!(SearchQuery::default().query(), "");
    }

    proptest! {
        #[test]
        fn an_excerpt_around_any_offset_is_short(text in any::<String>(), at in any::<prop::sample::Index>()) {
            let starts: Vec<usize> = text.char_indices().map(|(start, _)| start).collect();
            if !starts.is_empty() {
                let shown = excerpt_around(&text, starts[at.index(starts.len())]);
                prop_assert!(shown.chars().count() <= SNIPPET + 2);
            }
        }

        #[test]
        fn highlighting_loses_no_text(text in any::<String>(), query in any::<String>()) {
            let html = highlighter(&query).text(&text).into_string().replace("<mark>", "").replace("</mark>", "");
            prop_assert_eq!(html, html! { (clean(&text)) }.into_string());
        }
    }
}
