//! Who is told of changes.

use maud::{Markup, html};

use super::super::teaser::time_element;
use super::super::text::clean;
use super::EditorFrame;
use crate::time::Timestamp;

/// A subscriber of the hub, a webhook, or another service that is told of changes.
pub struct RecipientRow {
    /// What it is, in Vietnamese.
    pub kind: &'static str,
    /// The URL of the feed; none if it is told of all changes.
    pub topic: Option<String>,
    /// Its host; never the rest of its URL.
    pub host: Option<String>,
    /// When its subscription was confirmed.
    pub since: Option<Timestamp>,
    /// When its subscription ends.
    pub lease_end: Option<Timestamp>,
    /// When it was last told.
    pub last_success: Option<Timestamp>,
    /// Failures in a row.
    pub failures: u64,
    /// When it is tried again.
    pub next_attempt: Option<Timestamp>,
    /// Its last error, in English.
    pub last_error: Option<String>,
}

/// The page of who is told of changes.
pub fn recipients_page(frame: &EditorFrame<'_>, rows: &[RecipientRow]) -> Vec<u8> {
    let failing = rows.iter().filter(|row| row.failures > 0).count();
    let body = html! {
        h1.title { "Nơi nhận" }
        p { "Những nơi được báo ngay khi có bài mới, bài sửa hoặc bài gỡ." }
        @if rows.is_empty() {
            p { "Chưa có nơi nhận nào." }
        } @else {
            p { (rows.len()) " nơi nhận, " (failing) " nơi đang lỗi." }
            div.scroll.revisions tabindex="0" role="region" aria-label="Các nơi nhận" {
                table {
                    thead {
                        tr {
                            th { "Loại" } th { "Nguồn tin" } th { "Máy nhận" } th { "Từ" } th { "Hết hạn" }
                            th { "Gửi được gần nhất" } th { "Lỗi gần nhất" }
                        }
                    }
                    tbody { @for row in rows { (recipient(frame, row)) } }
                }
            }
        }
    };
    frame.render("Nơi nhận", body)
}

fn recipient(frame: &EditorFrame<'_>, row: &RecipientRow) -> Markup {
    let zone = frame.page.site.time_zone;
    let moment = |moment: Option<Timestamp>| match moment {
        Some(moment) => time_element(moment, zone),
        None => html! { "–" },
    };
    html! {
        tr {
            td { (row.kind) }
            td { @match &row.topic { Some(topic) => (clean(topic)), None => "mọi thay đổi" } }
            td { (clean(row.host.as_deref().unwrap_or("–"))) }
            td { (moment(row.since)) }
            td { (moment(row.lease_end)) }
            td { (moment(row.last_success)) }
            td {
                @match &row.last_error {
                    Some(error) => {
                        span lang="en" { (clean(error)) }
                        @if row.failures > 0 {
                            " (" (row.failures) " lần liền, gửi lại lúc " (moment(row.next_attempt)) ")"
                        }
                    },
                    None => "–",
                }
            }
        }
    }
}
