//! Who is told of changes.

use hyper::StatusCode;

use super::super::api::problem::Problem;
use super::super::api::site_state;
use super::super::response::HttpResponse;
use super::context::Editor;
use crate::html::editor::{self as pages, RecipientRow};
use crate::push::TargetStatus;

pub(super) async fn page(editor: &Editor) -> Result<HttpResponse, Problem> {
    let state = &editor.state;
    let targets = site_state::targets(state, &editor.session()?.token).await?;
    let rows: Vec<RecipientRow> = targets
        .into_iter()
        .map(|target| {
            let TargetStatus { kind, topic, host, since, expires, progress } = target;
            RecipientRow {
                kind: kind_word(kind),
                topic: topic.map(|path| state.urls.url(&path)),
                host,
                since,
                lease_end: expires,
                last_success: progress.last_success,
                failures: u64::from(progress.failures),
                next_attempt: progress.retry_at,
                last_error: progress.error,
            }
        })
        .collect();
    Ok(editor.page(StatusCode::OK, |frame| pages::recipients_page(frame, &rows)))
}

fn kind_word(kind: &str) -> &'static str {
    match kind {
        "subscription" => "đăng ký qua hub (WebSub)",
        "webhook" => "webhook",
        "indexnow" => "máy tìm kiếm (IndexNow)",
        _ => "hub bên ngoài",
    }
}
