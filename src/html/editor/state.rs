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

impl FileRow {
    fn has_only_notes(&self) -> bool {
        self.found.iter().all(|(severity, ..)| *severity == "note")
    }
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

/// A page of published articles.
pub struct Listed {
    /// The newest first.
    pub rows: Vec<StateRow>,
    /// The words that were searched for.
    pub words: String,
}

/// What the page shows.
pub struct StatePage {
    /// By path.
    pub files: Vec<FileRow>,
    /// The earliest first.
    pub scheduled: Vec<StateRow>,
    /// The latest first.
    pub withdrawn: Vec<StateRow>,
    /// What is published.
    pub articles: Listed,
    /// Above everything.
    pub banners: Vec<Banner>,
}

/// The start page.
pub fn state_page(frame: &EditorFrame<'_>, state: &StatePage) -> Vec<u8> {
    let (noted, wrong): (Vec<&FileRow>, Vec<&FileRow>) =
        state.files.iter().partition(|file| file.has_only_notes());
    let body = html! {
        h1.title { "Tình trạng" }
        @for banner in &state.banners { p.banner.bad[banner.is_bad] role="status" { (banner.text) } }
        section aria-labelledby="thu-muc" {
            h2 #thu-muc { "Thư mục bài viết" }
            @if wrong.is_empty() { p { "Mọi tệp đều ổn." } } @else { (files(frame, &wrong)) }
            @if !noted.is_empty() {
                details {
                    summary { "Những dòng đã bỏ bớt khi đăng (" (noted.len()) " tệp)" }
                    (files(frame, &noted))
                }
            }
        }
        section aria-labelledby="hen-gio" {
            h2 #hen-gio { "Chờ đến giờ đăng" }
            @if state.scheduled.is_empty() { p { "Không có bài nào hẹn giờ." } }
            ul.rows { @for row in &state.scheduled { (article_row(frame, row, html! {})) } }
        }
        section aria-labelledby="cac-bai" {
            h2 #cac-bai { "Bài đã đăng" }
            form.find role="search" method="get" action=(frame.path("")) {
                label.unseen for="tim" { "Tìm bài để sửa" }
                input #tim name="q" type="search" maxlength="200" value=(state.articles.words) placeholder="Tìm bài để sửa";
                button { "Tìm" }
            }
            @if state.articles.rows.is_empty() { p { "Không có bài nào." } }
            ul.rows { @for row in &state.articles.rows { (article_row(frame, row, html! {})) } }
        }
        section aria-labelledby="da-go" {
            h2 #da-go { "Bài đã gỡ" }
            @if state.withdrawn.is_empty() { p { "Không có bài nào bị gỡ." } }
            ul.rows {
                @for row in &state.withdrawn {
                    (article_row(frame, row, restore_form(frame, row)))
                }
            }
        }
    };
    frame.render("Tình trạng", body)
}

fn files(frame: &EditorFrame<'_>, files: &[&FileRow]) -> Markup {
    html! {
        ul.files {
            @for file in files {
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
