//! The search page: the form, what was found, and where in it the words stand.

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

/// Characters of an article that are shown around the words that were found.
const SNIPPET: usize = 240;

/// What somebody asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SearchQuery {
    /// As typed, on one line.
    pub words: String,
    /// In one channel only.
    pub channel: Option<Slug>,
    /// Published on this day or later.
    pub from: Option<NaiveDate>,
    /// Published on this day or earlier.
    pub to: Option<NaiveDate>,
}

impl SearchQuery {
    /// As it stands behind the `?` of its address: one question, one address.
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

/// What there is to say.
#[derive(Clone, Copy, Debug)]
pub enum SearchOutcome<'a> {
    /// Nothing was asked yet.
    NotAsked,
    /// The question cannot be answered, and why.
    Invalid(&'a str),
    /// What was found.
    Found {
        /// The newest first, behind those that hold the words just as they were typed.
        entries: &'a [Entry],
        /// What leads on to older articles: a word for the query.
        next: Option<&'a str>,
        /// This is not the first part.
        has_more: bool,
        /// How many there are in all, and whether there may be more.
        total: (u64, bool),
    },
}

/// The search page. `opened` where it stands in place of the feed of the search.
pub fn search(
    frame: &PageContext<'_>,
    question: &SearchQuery,
    answer: SearchOutcome<'_>,
    opened: Option<Format>,
) -> Vec<u8> {
    let query = question.query();
    let title = match (opened, question.words.as_str()) {
        (Some(_), _) => "Nguồn tin của một tìm kiếm".to_owned(),
        (None, "") => "Tìm kiếm".to_owned(),
        (None, words) => format!("Tìm: {}", truncate(words, 60)),
    };
    let body = html! {
        h1.title { "Tìm kiếm" }
        (form(frame, question))
        @match answer {
            SearchOutcome::NotAsked => {}
            SearchOutcome::Invalid(why) => p.complaint role="alert" { (why) },
            SearchOutcome::Found { entries, next, has_more, total } => {
                (results(frame, question, entries, next, has_more, total))
                @if !has_more { div.below { (subscribe::subscribe_section(frame, FeedTarget::Search(&query))) } }
            }
        }
    };
    let followed = FeedTarget::Search(&query);
    let head = PageMeta {
        title: &title,
        path: feed_page_path(followed),
        noindex: true,
        more: matches!(answer, SearchOutcome::Found { .. }).then(|| autodiscovery(frame, question, &query)),
        banner: opened.map(|format| subscribe::feed_banner(frame, followed, format)),
        ..PageMeta::default()
    };
    frame.page(head, body)
}

fn form(frame: &PageContext<'_>, question: &SearchQuery) -> Markup {
    let day = |day: Option<NaiveDate>| day.map(|day| day.to_string());
    let narrowed = question.channel.is_some() || question.from.is_some() || question.to.is_some();
    html! {
        form.search action=(frame.path(&search_path(None, ""))) {
            label for="q" { "Từ cần tìm" }
            div.ask {
                input #q name="q" type="search" value=(clean(&question.words)) maxlength="200" aria-describedby="q-cach";
                button { "Tìm" }
            }
            p.hint #q-cach {
                "Gõ không dấu cũng được: “thi dua dak to”. Đặt trong ngoặc kép để tìm đúng cụm từ: \"thi đua yêu nước\"."
            }
            details open[narrowed] {
                summary { "Chọn chuyên mục và ngày đăng" }
                div.filters {
                    div {
                        label for="channel" { "Chuyên mục" }
                        select #channel name="channel" {
                            option value="" { "Tất cả" }
                            @for channel in frame.visible_channels() {
                                option value=(channel.slug) selected[question.channel.as_ref() == Some(&channel.slug)] {
                                    (clean(&channel.title))
                                }
                            }
                        }
                    }
                    div {
                        label for="from" { "Từ ngày" }
                        input #from name="from" type="date" value=[day(question.from)];
                    }
                    div {
                        label for="to" { "Đến ngày" }
                        input #to name="to" type="date" value=[day(question.to)];
                    }
                }
            }
        }
    }
}

fn results(
    frame: &PageContext<'_>,
    question: &SearchQuery,
    entries: &[Entry],
    next: Option<&str>,
    has_more: bool,
    (total, at_least): (u64, bool),
) -> Markup {
    let total = grouped(total);
    let count = match (entries.len(), next, has_more) {
        (0, None, false) => "Không tìm thấy bài nào.".to_owned(),
        (0, None, true) => "Không còn bài nào cũ hơn.".to_owned(),
        (0, Some(_), _) => {
            "Chưa thấy trong các bài đã xem qua; có thể tìm tiếp trong các bài cũ hơn.".to_owned()
        }
        (..) if at_least => format!("Tìm thấy hơn {total} bài."),
        (..) => format!("Tìm thấy {total} bài."),
    };
    let query = question.query();
    html! {
        p.intro role="status" { (count) }
        ol.stories {
            @for entry in entries { li { (result_item(frame, entry, question)) } }
        }
        @if let Some(next) = next {
            nav.pager aria-label="Kết quả khác" {
                a href=(format!("{}&after={next}", frame.path(&search_path(None, &query)))) rel="next" {
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

fn result_item(frame: &PageContext<'_>, entry: &Entry, question: &SearchQuery) -> Markup {
    let article = &entry.article;
    let marked = &Highlighter::of(&question.words, article);
    let (lang, dir) = (language_tag(article.language.as_deref()), direction(article.language.as_deref()));
    html! {
        article.story {
            h2 lang=[lang] dir=[dir] {
                a href=(frame.path(&article_path(&entry.permalink))) { (marked.text(&truncate(&article.title, 200))) }
            }
            p.meta {
                (time(article.published, frame.site.time_zone))
                @for slug in &entry.channels {
                    " · " (frame.channel_link(slug))
                }
            }
            p.summary lang=[lang] dir=[dir] { (marked.text(&snippet(article, marked))) }
        }
    }
}

/// The words that were asked for, folded.
struct Highlighter {
    words: Vec<String>,
    phrases: Vec<Vec<String>>,
    /// Those that the article holds just as they were typed: these places are meant, and no others.
    exact: Vec<search_text::Exact>,
}

impl Highlighter {
    fn of(question: &str, article: &Article) -> Self {
        Self {
            words: search_text::query_terms(question),
            phrases: search_text::quoted_phrases(question),
            exact: search_text::held_exactly(article, &search_text::with_marks(question)),
        }
    }

    fn places(&self, text: &str) -> Vec<Range<usize>> {
        search_text::match_ranges(text, &self.words, &self.phrases, &self.exact)
    }

    /// The text with its found words marked.
    fn text(&self, text: &str) -> Markup {
        let text = clean(text);
        let places = self.places(&text);
        let starts = std::iter::once(0).chain(places.iter().map(|place| place.end));
        let ends = places.iter().map(|place| place.start).chain([text.len()]);
        html! {
            @for (index, (start, end)) in starts.zip(ends).enumerate() {
                (text[start..end])
                @if let Some(place) = places.get(index) { mark { (text[place.clone()]) } }
            }
        }
    }
}

/// A piece of the text with as many of the words as stand together; the lead where they stand in the title alone.
fn snippet(article: &Article, marked: &Highlighter) -> String {
    let texts =
        article.summary.iter().map(Cow::from).chain(article.body.iter().flat_map(search_text::block_texts));
    let mut best: Option<(usize, Cow<'_, str>, usize)> = None;
    for text in texts {
        let places = marked.places(&text);
        let Some(first) = places.first() else { continue };
        // Different words count, not the same one again and again.
        let mut different: Vec<Vec<String>> =
            places.iter().map(|place| search_text::query_terms(&text[place.clone()])).collect();
        different.sort_unstable();
        different.dedup();
        if best.as_ref().is_none_or(|(count, ..)| different.len() > *count) {
            best = Some((different.len(), text.clone(), first.start));
        }
    }
    match best {
        Some((_, text, start)) => context_range(&text, start),
        None => truncate(article.excerpt(), SNIPPET).into_owned(),
    }
}

/// Some lines of `text` with the place `start` in them.
fn context_range(text: &str, start: usize) -> String {
    let before = text[..start].chars().rev().take(SNIPPET / 3).map(char::len_utf8).sum::<usize>();
    let from = start - before;
    if from == 0 {
        return truncate(text, SNIPPET).into_owned();
    }
    // Not in the middle of a word.
    let cut = text[from..start].find(char::is_whitespace).map_or(from, |space| from + space);
    format!("…{}", truncate(text[cut..].trim_start(), SNIPPET))
}

fn autodiscovery(frame: &PageContext<'_>, question: &SearchQuery, query: &str) -> Markup {
    html! {
        @for format in Format::ALL {
            link rel="alternate" type=(format.media_type()) title=(format!("Tìm: {} ({})", truncate(&question.words, 60), format_title(format)))
                href=(frame.addresses.url(&search_path(Some(format), query)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn marked(question: &str) -> Highlighter {
        Highlighter {
            words: search_text::query_terms(question),
            phrases: search_text::quoted_phrases(question),
            exact: Vec::new(),
        }
    }

    #[test]
    fn found_words_are_marked_and_nothing_else_of_the_text_becomes_markup() {
        let text = marked("dak to <b>").text("<b>Đăk Tô</b> & dak");
        assert_eq!(
            text.into_string(),
            "&lt;<mark>b</mark>&gt;<mark>Đăk</mark> <mark>Tô</mark>&lt;/<mark>b</mark>&gt; &amp; <mark>dak</mark>"
        );
    }

    #[test]
    fn a_question_has_one_address() {
        let question = SearchQuery {
            words: "thi đua & \"x\"".to_owned(),
            channel: Some(Slug::parse("xa-hoi").unwrap()),
            from: NaiveDate::from_ymd_opt(2023, 5, 12),
            to: None,
        };
        assert_eq!(question.query(), "q=thi+%C4%91ua+%26+%22x%22&channel=xa-hoi&from=2023-05-12");
        assert_eq!(SearchQuery::default().query(), "");
    }

    proptest! {
        #[test]
        fn any_text_is_shown_around_any_place(text in any::<String>(), at in any::<prop::sample::Index>()) {
            let starts: Vec<usize> = text.char_indices().map(|(start, _)| start).collect();
            if !starts.is_empty() {
                let shown = context_range(&text, starts[at.index(starts.len())]);
                prop_assert!(shown.chars().count() <= SNIPPET + 2);
            }
        }

        #[test]
        fn whatever_is_asked_no_text_is_lost_by_marking(text in any::<String>(), question in any::<String>()) {
            let html = marked(&question).text(&text).into_string().replace("<mark>", "").replace("</mark>", "");
            prop_assert_eq!(html, html! { (clean(&text)) }.into_string());
        }
    }
}
