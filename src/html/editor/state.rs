//! The state of the folder, what is scheduled and withdrawn, and the articles.

use maud::{Markup, html};

use super::super::teaser::time_element;
use super::super::text::clean;
use super::EditorFrame;
use super::form::Banner;
use crate::time::Timestamp;

/// A file of the folder in which something was found.
pub struct FileRow {
    /// Empty for the folder itself.
    pub path: String,
    /// Its newest bytes are no article.
    pub is_refused: bool,
    /// When it was found.
    pub at: Timestamp,
    /// Severity, line and message.
    pub found: Vec<(&'static str, usize, String)>,
}

/// An article in a list.
pub struct StateRow {
    /// Its id.
    pub id: String,
    /// Empty if its text was erased.
    pub title: String,
    /// When it is or was published, or was withdrawn.
    pub at: Timestamp,
    /// More about it.
    pub note: Option<String>,
}

/// A part of a list.
pub struct Listed<T> {
    /// Its rows.
    pub rows: Vec<T>,
    /// The parameter that shows the next part, and its value; none on the last part.
    pub next: Option<(&'static str, String)>,
    /// No rows come before it.
    pub is_first: bool,
}

impl<T> Listed<T> {
    fn is_all_empty(&self) -> bool {
        self.rows.is_empty() && self.is_first && self.next.is_none()
    }
}

/// What the page shows.
pub struct StatePage {
    /// Files that are rejected or doubtful, by path.
    pub wrong: Listed<FileRow>,
    /// Files of which parts were left out, by path.
    pub noted: Listed<FileRow>,
    /// The earliest first.
    pub scheduled: Listed<StateRow>,
    /// The latest first.
    pub withdrawn: Listed<StateRow>,
    /// What is published, the newest first.
    pub articles: Listed<StateRow>,
    /// The words that were searched for.
    pub words: String,
    /// Above everything.
    pub banners: Vec<Banner>,
}

/// The start page.
pub fn state_page(frame: &EditorFrame<'_>, state: &StatePage) -> Vec<u8> {
    let body = html! {
        h1.title { "Tình trạng" }
        @for banner in &state.banners { p.banner.bad[banner.is_bad] role="status" { (banner.text) } }
        section aria-labelledby="thu-muc" {
            h2 #thu-muc { "Thư mục bài viết" }
            @if state.wrong.is_all_empty() { p { "Mọi tệp đều ổn." } } @else { (files(frame, &state.wrong, "thu-muc")) }
            @if !state.noted.is_all_empty() {
                details #bot open[!state.noted.is_first] {
                    summary { "Những dòng đã bỏ bớt khi đăng" }
                    (files(frame, &state.noted, "bot"))
                }
            }
        }
        section aria-labelledby="hen-gio" {
            h2 #hen-gio { "Chờ đến giờ đăng" }
            @if state.scheduled.is_all_empty() { p { "Không có bài nào hẹn giờ." } }
            ul.rows { @for row in &state.scheduled.rows { (article_row(frame, row, html! {})) } }
            (more(frame, &state.scheduled, "hen-gio", ""))
        }
        section aria-labelledby="cac-bai" {
            h2 #cac-bai { "Bài đã đăng" }
            form.find role="search" method="get" action=(frame.path("")) {
                label.unseen for="tim" { "Tìm bài để sửa" }
                input #tim name="q" type="search" maxlength="200" value=(state.words) placeholder="Tìm bài để sửa";
                button { "Tìm" }
            }
            @if state.articles.is_all_empty() { p { "Không có bài nào." } }
            ul.rows { @for row in &state.articles.rows { (article_row(frame, row, html! {})) } }
            (more(frame, &state.articles, "cac-bai", &state.words))
        }
        section aria-labelledby="da-go" {
            h2 #da-go { "Bài đã gỡ" }
            @if state.withdrawn.is_all_empty() { p { "Không có bài nào bị gỡ." } }
            ul.rows {
                @for row in &state.withdrawn.rows {
                    (article_row(frame, row, restore_form(frame, row)))
                }
            }
            (more(frame, &state.withdrawn, "da-go", ""))
        }
    };
    frame.render("Tình trạng", body)
}

/// Links to the first and the next part of a list, with the words of a search.
fn more<T>(frame: &EditorFrame<'_>, list: &Listed<T>, section: &str, words: &str) -> Markup {
    let address = |part: Option<(&str, &str)>| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(part);
        query.extend_pairs(Some(("q", words)).filter(|_| !words.is_empty()));
        format!("{}?{}#{section}", frame.path(""), query.finish())
    };
    html! {
        @if !list.is_first || list.next.is_some() {
            p.actions {
                @if !list.is_first { a href=(address(None)) aria-describedby=(section) { "Từ đầu" } }
                @if let Some((name, value)) = &list.next {
                    a href=(address(Some((name, value)))) aria-describedby=(section) { "Xem tiếp" }
                }
            }
        }
    }
}

fn files(frame: &EditorFrame<'_>, list: &Listed<FileRow>, section: &str) -> Markup {
    html! {
        ul.files {
            @for file in &list.rows {
                li {
                    p {
                        strong { @if file.path.is_empty() { "(cả thư mục)" } @else { (clean(&file.path)) } }
                        @if file.is_refused { " — " span.state { "chưa đăng" } }
                    }
                    p.meta { "Thấy lúc " (time_element(file.at, frame.page.site.time_zone)) }
                    ul.found {
                        @for (severity, line, message) in &file.found {
                            li class=(severity) { strong { "Dòng " (line) ": " } (clean(message)) }
                        }
                    }
                }
            }
        }
        (more(frame, list, section, ""))
    }
}

fn article_row(frame: &EditorFrame<'_>, row: &StateRow, action: Markup) -> Markup {
    let title = if row.title.is_empty() { "(nội dung đã xóa hẳn)" } else { row.title.as_str() };
    html! {
        li {
            a href=(frame.path_of("bai", &row.id)) { (clean(title)) }
            span.meta {
                (time_element(row.at, frame.page.site.time_zone))
                @if let Some(note) = &row.note { " · " (clean(note)) }
            }
            (action)
        }
    }
}

fn restore_form(frame: &EditorFrame<'_>, row: &StateRow) -> Markup {
    html! {
        @if !row.title.is_empty() {
            form method="post" action=(frame.path("khoi-phuc")) {
                (frame.csrf_field())
                input type="hidden" name="id" value=(row.id);
                button.plain aria-label=(format!("Khôi phục: {}", row.title)) { "Khôi phục" }
            }
        }
    }
}
