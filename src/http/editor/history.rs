//! The history of an article, the difference between two revisions, and bringing a text back.

use hyper::StatusCode;

use super::super::api::actions;
use super::super::api::problem::Problem;
use super::super::response::HttpResponse;
use super::article;
use super::context::{CHANGED, CHANGED_MEANWHILE, Editor, done};
use super::draft::{printed, version_text, versions};
use super::posted::Posted;
use crate::html::editor::{self as pages, Banner, Comparison, HistoryRow};
use crate::model::ArticleId;
use crate::store::{ChangeKind, Revision, WriteConditions};

/// Revisions in the table.
const MAX_LISTED: u64 = 200;

pub(super) async fn page(editor: &Editor, query: &Posted) -> Result<HttpResponse, Problem> {
    let banners = done(query.text("xong")).into_iter().collect();
    show(editor, query, StatusCode::OK, banners).await
}

async fn show(
    editor: &Editor,
    query: &Posted,
    status: StatusCode,
    banners: Vec<Banner>,
) -> Result<HttpResponse, Problem> {
    let (state, token) = (&editor.state, &editor.session()?.token);
    let id = ArticleId::new(query.text("id"));
    let revisions = actions::revisions(state, token, &id, None, MAX_LISTED).await?;
    let number = |name: &str| query.text(name).parse::<u64>().ok();
    let pair = match (number("a"), number("b")) {
        (Some(older), Some(newer)) => Some((older.min(newer), older.max(newer))),
        _ => None,
    };
    let comparison = match pair {
        Some((older, newer)) => Some(compare(editor, &id, older, newer).await?),
        None => None,
    };
    let title = title_of(editor, &id, &revisions).await?;
    // A withdrawn article is restored first.
    let version = article::load(editor, &id).await.ok().map(|loaded| version_text(&loaded.version));
    let rows: Vec<HistoryRow> = revisions.into_iter().map(row).collect();
    Ok(editor.page(status, |frame| {
        pages::history_page(
            frame,
            id.as_str(),
            &title,
            &rows,
            comparison.as_ref(),
            version.as_deref(),
            &banners,
        )
    }))
}

async fn compare(editor: &Editor, id: &ArticleId, older: u64, newer: u64) -> Result<Comparison, Problem> {
    let (before, after) = (text(editor, id, older).await?, text(editor, id, newer).await?);
    let lines = editor.state.blocking(move || pages::diff(&before, &after)).await;
    Ok(Comparison { older, newer, lines: lines.ok_or_else(Problem::unavailable)? })
}

/// The text of a revision as lines; empty if it was erased.
async fn text(editor: &Editor, id: &ArticleId, number: u64) -> Result<String, Problem> {
    let found = actions::revision(&editor.state, &editor.session()?.token, id, number).await?;
    let zone = editor.state.render_options.site.time_zone;
    Ok(found.entry.map(|entry| printed(&entry.article, zone)).unwrap_or_default())
}

async fn title_of(editor: &Editor, id: &ArticleId, revisions: &[Revision]) -> Result<String, Problem> {
    let Some(newest) = revisions.first() else { return Ok(String::new()) };
    let found = actions::revision(&editor.state, &editor.session()?.token, id, newest.number).await?;
    Ok(found.entry.map(|entry| entry.article.title).unwrap_or_default())
}

fn row(revision: Revision) -> HistoryRow {
    HistoryRow {
        number: revision.number,
        what: match revision.kind {
            ChangeKind::Published => "đăng",
            ChangeKind::Corrected => "sửa",
            ChangeKind::Moved => "đổi chuyên mục",
            ChangeKind::Left => "rời chuyên mục",
            ChangeKind::Withdrawn => "gỡ",
            ChangeKind::Restored => "khôi phục",
        },
        at: revision.at,
        who: match revision.author.as_str() {
            "folder" => "tệp trong thư mục".to_owned(),
            "import" => "nhập tin cũ".to_owned(),
            "command" => "lệnh của người quản trị".to_owned(),
            _ => revision.author,
        },
        reason: revision.reason,
    }
}

/// Publishes the text of an earlier revision, unchanged, as a correction.
pub(super) async fn bring_back(editor: &Editor, posted: &Posted) -> Result<HttpResponse, Problem> {
    let token = &editor.session()?.token;
    let id = ArticleId::new(posted.text("id"));
    let number = posted.text("so").parse().map_err(|_| Problem::not_found())?;
    let conditions = WriteConditions {
        expected: Some(versions(posted.text("version"))),
        reason: Some(posted.text("ly-do").to_owned()).filter(|reason| !reason.is_empty()),
        ..WriteConditions::default()
    };
    match actions::bring_back(&editor.state, token, &id, number, conditions).await {
        Ok(_) => Ok(editor.see_other(&article::query("lich-su", &id, "lay-lai"))),
        Err(problem) if problem.code() == CHANGED => {
            let banner = Banner { is_bad: true, text: CHANGED_MEANWHILE.to_owned() };
            show(editor, posted, StatusCode::CONFLICT, vec![banner]).await
        }
        Err(problem) => Err(problem),
    }
}
