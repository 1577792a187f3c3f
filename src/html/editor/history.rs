//! The history of an article.

use maud::{Markup, html};

use super::super::teaser::time_element;
use super::super::text::clean;
use super::EditorFrame;
use super::diff::DiffLine;
use super::form::{Banner, changes};
use crate::time::Timestamp;

/// A revision in the table.
pub struct HistoryRow {
    /// Its number in the log.
    pub number: u64,
    /// What happened, in Vietnamese.
    pub what: &'static str,
    /// When.
    pub at: Timestamp,
    /// Who did it, in Vietnamese.
    pub who: String,
    /// For readers.
    pub reason: Option<String>,
}

/// Two revisions that are compared.
pub struct Comparison {
    /// The number of the older one.
    pub older: u64,
    /// The number of the newer one.
    pub newer: u64,
    /// What differs.
    pub lines: Vec<DiffLine>,
}

/// The page of an article's history. `version`: the version that a text is brought back into; none if the article is
/// withdrawn.
pub fn history_page(
    frame: &EditorFrame<'_>,
    id: &str,
    title: &str,
    rows: &[HistoryRow],
    comparison: Option<&Comparison>,
    version: Option<&str>,
    banners: &[Banner],
) -> Vec<u8> {
    let chosen = |index: usize, wanted: Option<u64>, number: u64, default: usize| {
        wanted.map_or(index == default, |wanted| wanted == number)
    };
    let (older, newer) = (comparison.map(|pair| pair.older), comparison.map(|pair| pair.newer));
    let body = html! {
        h1.title { "Lịch sử của bài" }
        @for banner in banners { p.banner.bad[banner.is_bad] role="alert" { (banner.text) } }
        p { strong { (clean(title)) } }
        p.actions { a href=(frame.path_of("bai", id)) { "Sửa bài" } }
        @if let Some(pair) = comparison {
            section aria-labelledby="so-sanh" {
                h2 #so-sanh { "Bản số " (pair.newer) " so với bản số " (pair.older) }
                @if pair.lines.is_empty() { p { "Hai bản giống nhau." } } @else { (changes(&pair.lines)) }
            }
        }
        form method="get" action=(frame.path("lich-su")) {
            input type="hidden" name="id" value=(id);
            div.scroll.revisions tabindex="0" role="region" aria-label="Các lần thay đổi" {
                table {
                    thead { tr { th { "Cũ" } th { "Mới" } th { "Số" } th { "Lúc" } th { "Việc" } th { "Ai" } th { "Lý do" } } }
                    tbody {
                        @for (index, row) in rows.iter().enumerate() {
                            tr {
                                td { (radio("a", row.number, "Bản cũ để so sánh", chosen(index, older, row.number, 1))) }
                                td { (radio("b", row.number, "Bản mới để so sánh", chosen(index, newer, row.number, 0))) }
                                td { (row.number) }
                                td { (time_element(row.at, frame.page.site.time_zone)) }
                                td { (row.what) }
                                td { (clean(&row.who)) }
                                td { (clean(row.reason.as_deref().unwrap_or_default())) }
                            }
                        }
                    }
                }
            }
            @if rows.len() > 1 { p.buttons { button.plain { "So sánh hai bản" } } }
        }
        @if let (Some(version), Some(pair)) = (version, comparison) {
            form method="post" action=(frame.path("lay-lai")) {
                (frame.csrf_field())
                input type="hidden" name="id" value=(id);
                input type="hidden" name="version" value=(version);
                input type="hidden" name="so" value=(pair.older);
                label for="ly-do" { "Lý do sửa (bạn đọc sẽ thấy; có thể để trống)" }
                input #ly-do name="ly-do" maxlength="2000";
                p.buttons { button { "Lấy lại nội dung của bản số " (pair.older) } }
                p.hint { "Đây là một lần sửa như mọi lần khác; các bản khác vẫn còn trong lịch sử." }
            }
        }
    };
    frame.render("Lịch sử của bài", body)
}

fn radio(name: &str, number: u64, label: &str, is_checked: bool) -> Markup {
    html! {
        input type="radio" name=(name) value=(number) checked[is_checked] aria-label=(format!("{label}: số {number}"));
    }
}
