//! The sources whose articles are collected, and their items that wait for a decision.

use maud::{Markup, html};

use super::super::teaser::time_element;
use super::super::text::clean;
use super::EditorFrame;
use super::form::Banner;
use super::state::Listed;
use crate::time::Timestamp;

/// Why a source cannot be read.
pub struct Failing {
    /// Since when.
    pub since: Timestamp,
    /// The kind of the reason, in Vietnamese.
    pub cause: String,
    /// The reason in English.
    pub reason: String,
}

/// How a source is.
pub struct SourceRow {
    /// Its name.
    pub name: String,
    /// Its URL in the configuration.
    pub url: String,
    /// How it is, in Vietnamese.
    pub state: &'static str,
    /// It is paused.
    pub is_paused: bool,
    /// It can be let continue: it is paused, or it answered 410.
    pub can_resume: bool,
    /// When it last answered.
    pub last_success: Option<Timestamp>,
    /// When it last had a new article.
    pub last_new: Option<Timestamp>,
    /// Whether it fails.
    pub failing: Option<Failing>,
    /// What somebody should look at, in Vietnamese.
    pub warnings: Vec<String>,
    /// What is good to know, in Vietnamese.
    pub notes: Vec<String>,
    /// What was repaired, in Vietnamese, and how often.
    pub repairs: Vec<(&'static str, u64)>,
    /// Articles published from it.
    pub published: u64,
    /// Items that are held back.
    pub doubtful: u64,
}

/// An item that is held back.
pub struct DoubtfulRow {
    /// Its key within the source.
    pub key: String,
    /// Its title.
    pub title: String,
    /// The URL of its page.
    pub link: Option<String>,
    /// Its date as the source writes it.
    pub date: Option<String>,
    /// Why it is held back, in Vietnamese.
    pub reason: String,
    /// It is a correction of a published article.
    pub is_correction: bool,
    /// The date that was typed before.
    pub typed: String,
}

/// A published article that changes again and again.
pub struct WaitingRow {
    /// Its id.
    pub id: String,
    /// The title of the version that waits.
    pub title: String,
    /// Since when no version was taken in.
    pub since: Timestamp,
}

/// A published article that others have probably published, too.
pub struct DuplicateRow {
    /// Its title, or that of one of the others.
    pub title: String,
    /// Its id.
    pub own: String,
    /// Id and source of each of the others.
    pub others: Vec<(String, String)>,
}

/// What somebody should look at besides the doubtful items.
pub struct ConcernRows {
    /// The articles that change again and again.
    pub waiting: Vec<WaitingRow>,
    /// Articles that another source has probably published, too.
    pub duplicates: Vec<DuplicateRow>,
}

/// The page of all sources.
pub fn sources_page(frame: &EditorFrame<'_>, rows: &[SourceRow]) -> Vec<u8> {
    let failing = rows.iter().filter(|row| row.failing.is_some()).count();
    let doubtful: u64 = rows.iter().map(|row| row.doubtful).sum();
    let body = html! {
        h1.title { "Nguồn" }
        @if rows.is_empty() {
            p { "Chưa có nguồn nào được thu thập. Người quản trị khai báo nguồn trong cấu hình." }
        } @else {
            p { (rows.len()) " nguồn, " (failing) " nguồn đang lỗi, " (doubtful) " mục chờ quyết định." }
        }
        ul.files {
            @for row in rows {
                li {
                    p {
                        a href=(frame.path_of("nguon", &row.name)) { strong { (clean(&row.name)) } }
                        " — " span.state { (row.state) }
                    }
                    (about(frame, row))
                    (pause_form(frame, row))
                }
            }
        }
    };
    frame.render("Nguồn", body)
}

/// The page of one source.
pub fn source_page(
    frame: &EditorFrame<'_>,
    row: &SourceRow,
    doubtful: &Listed<DoubtfulRow>,
    concerns: &ConcernRows,
    banners: &[Banner],
) -> Vec<u8> {
    let body = html! {
        h1.title { "Nguồn: " (clean(&row.name)) }
        @for banner in banners { p.banner.bad[banner.is_bad] role="status" { (banner.text) } }
        p.actions { a href=(frame.path("nguon")) { "Mọi nguồn" } }
        p { span.state { (row.state) } " · " a href=(row.url) rel="noreferrer" { (clean(&row.url)) } }
        (about(frame, row))
        (pause_form(frame, row))
        section aria-labelledby="cho" {
            h2 #cho { "Mục chờ quyết định" }
            @if doubtful.rows.is_empty() { p { "Không có mục nào." } }
            ul.files {
                @for (place, item) in doubtful.rows.iter().enumerate() { (doubtful_item(frame, row, place, item)) }
            }
            (more(frame, &row.name, doubtful))
        }
        (concern_lists(frame, concerns))
    };
    frame.render(&format!("Nguồn: {}", row.name), body)
}

/// What is known of a source.
fn about(frame: &EditorFrame<'_>, row: &SourceRow) -> Markup {
    let zone = frame.page.site.time_zone;
    let moment = |moment: Option<Timestamp>| match moment {
        Some(moment) => time_element(moment, zone),
        None => html! { "chưa có" },
    };
    html! {
        p.meta {
            "Lần đọc được gần nhất: " (moment(row.last_success)) " · Bài mới gần nhất: " (moment(row.last_new))
            " · " (row.published) " bài đã đăng · " (row.doubtful) " mục chờ quyết định"
        }
        ul.found {
            @if let Some(Failing { since, cause, reason }) = &row.failing {
                li.error {
                    "Lỗi từ " (time_element(*since, zone)) ": " (cause) ". "
                    small lang="en" { (clean(reason)) }
                }
            }
            @for warning in &row.warnings { li.warning { (clean(warning)) } }
            @for note in &row.notes { li { (clean(note)) } }
        }
        @if !row.repairs.is_empty() {
            details {
                summary { "Đã sửa giúp nguồn này" }
                ul { @for (kind, times) in &row.repairs { li { (kind) ": " (times) " lần" } } }
            }
        }
    }
}

fn pause_form(frame: &EditorFrame<'_>, row: &SourceRow) -> Markup {
    let button = |work: &str, text: &str| {
        html! {
            button.plain name="viec" value=(work) aria-label=(format!("{text}: {}", row.name)) { (text) }
        }
    };
    html! {
        form method="post" action=(frame.path("nguon")) {
            (frame.csrf_field())
            input type="hidden" name="id" value=(row.name);
            @if row.can_resume { (button("tiep", "Đọc lại")) }
            @if !row.is_paused { (button("dung", "Tạm dừng")) }
        }
    }
}

fn doubtful_item(frame: &EditorFrame<'_>, row: &SourceRow, place: usize, item: &DoubtfulRow) -> Markup {
    let title = if item.title.is_empty() { "(không có tiêu đề)" } else { item.title.as_str() };
    let field = format!("ngay-gio-{place}");
    let drop = if item.is_correction { "Bỏ bản sửa này" } else { "Bỏ, không bao giờ đăng" };
    html! {
        li {
            p {
                @match &item.link {
                    // SECURITY: what a source writes may be no address of a page.
                    Some(link) if is_page(link) => a href=(link) rel="noreferrer" { strong { (clean(title)) } },
                    _ => strong { (clean(title)) },
                }
            }
            ul.found {
                li.warning { "Giữ lại vì " (clean(&item.reason)) "." }
                @if item.is_correction { li { "Đây là bản sửa; bài đã đăng vẫn giữ nguyên." } }
            }
            p.meta {
                "Ngày ghi ở nguồn: " @match &item.date { Some(date) => (clean(date)), None => "không có" }
                " · Mã: " (clean(&item.key))
            }
            form method="post" action=(frame.path("nguon")) {
                (frame.csrf_field())
                input type="hidden" name="id" value=(row.name);
                input type="hidden" name="muc" value=(item.key);
                label for=(field) { "Ngày giờ đăng (bỏ trống: theo nguồn)" }
                input.short id=(field) name="ngay-gio" maxlength="100" value=(item.typed) placeholder="17:39 12/05/2023";
                p.buttons {
                    button name="viec" value="nhan" aria-label=(format!("Đăng: {title}")) { "Đăng" }
                    button.plain name="viec" value="bo" aria-label=(format!("{drop}: {title}")) { (drop) }
                }
            }
        }
    }
}

fn concern_lists(frame: &EditorFrame<'_>, concerns: &ConcernRows) -> Markup {
    html! {
        @if !concerns.waiting.is_empty() {
            section aria-labelledby="lien-tuc" {
                h2 #lien-tuc { "Bài thay đổi liên tục" }
                p.hint {
                    "Bài đã sửa quá nhiều lần trong một ngày, có thể vì bộ đếm hay giờ in trong bài. Bản mới nhất được lấy khi giữ \
                     nguyên sáu giờ, hoặc mỗi ngày một lần."
                }
                ul.rows {
                    @for article in &concerns.waiting {
                        li {
                            a href=(frame.path_of("bai", &article.id)) { (clean(&article.title)) }
                            span.meta { "Chờ từ " (time_element(article.since, frame.page.site.time_zone)) }
                        }
                    }
                }
            }
        }
        @if !concerns.duplicates.is_empty() {
            section aria-labelledby="trung" {
                h2 #trung { "Bài có thể trùng với nguồn khác" }
                p.hint { "Cùng tiêu đề và phần lớn giống chữ. Hệ thống không tự gộp hay gỡ bài nào." }
                ul.rows {
                    @for pair in &concerns.duplicates {
                        li {
                            a href=(frame.path_of("bai", &pair.own)) { (clean(&pair.title)) }
                            @for (other, source) in &pair.others {
                                span.meta {
                                    a href=(frame.path_of("bai", other))
                                        aria-label=(format!("Bài của {source}: {}", pair.title)) {
                                        "Bài của " (clean(source))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn is_page(link: &str) -> bool {
    link.starts_with("https://") || link.starts_with("http://")
}

/// Links to the first and the next part of the items.
fn more<T>(frame: &EditorFrame<'_>, name: &str, list: &Listed<T>) -> Markup {
    let first = frame.path_of("nguon", name);
    html! {
        @if !list.is_first || list.next.is_some() {
            p.actions {
                @if !list.is_first { a href=(format!("{first}#cho")) aria-describedby="cho" { "Từ đầu" } }
                @if let Some((parameter, value)) = &list.next {
                    a href=(format!("{first}&{parameter}={value}#cho")) aria-describedby="cho" { "Xem tiếp" }
                }
            }
        }
    }
}
