//! The start page: the state of the folder, what is scheduled and withdrawn, and the articles.

use hyper::StatusCode;

use super::super::api::problem::Problem;
use super::super::api::site_state;
use super::super::response::HttpResponse;
use super::context::{Editor, done};
use super::posted::Posted;
use crate::html::editor::{self as pages, FileRow, Listed, StatePage, StateRow};
use crate::search_text;
use crate::store::{ArticleQuery, ArticleQueryResult, FileFindings, StoredFinding};

/// Articles that are listed.
const MAX_LISTED: u32 = 50;
/// Maximum length of a search in characters.
const MAX_QUERY_CHARS: usize = 200;
/// Maximum size of the texts of the listed articles in bytes.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

pub(super) async fn page(editor: &Editor, query: &Posted) -> Result<HttpResponse, Problem> {
    let token = &editor.session()?.token;
    let loaded = site_state::load(&editor.state, token).await?;
    let words: String = query.text("q").chars().take(MAX_QUERY_CHARS).collect();
    let asked = ArticleQuery {
        words: Some(words.clone()).filter(|words| !words.is_empty()),
        phrases: search_text::quoted_phrases(&words),
        limit: MAX_LISTED,
        bytes: PAGE_BYTES,
        ..ArticleQuery::default()
    };
    let found =
        editor.state.run_with_store(async move |state| state.store.query_articles(&asked).await).await;
    let articles = match found.ok_or_else(Problem::overloaded)? {
        ArticleQueryResult::Page(page) => page.items,
        ArticleQueryResult::UnknownChannel => Vec::new(),
    };
    let rows = articles.into_iter().filter(|row| token.allows(&row.entry.channels)).map(|row| StateRow {
        id: row.entry.id.to_string(),
        title: row.entry.article.title,
        at: row.entry.article.published.instant,
        note: None,
    });
    let scheduled = loaded.scheduled.into_iter().map(|article| StateRow {
        id: article.id.to_string(),
        title: article.title,
        at: article.due,
        note: article.is_correction.then(|| "bản sửa của bài đã đăng".to_owned()),
    });
    let withdrawn = loaded.withdrawn.into_iter().map(|article| StateRow {
        id: article.id.to_string(),
        title: article.title,
        at: article.at,
        note: article
            .reason
            .or_else(|| article.with_its_file.then(|| "tệp không còn trong thư mục".to_owned())),
    });
    let state = StatePage {
        files: loaded.files.into_iter().map(file_row).collect(),
        scheduled: scheduled.collect(),
        withdrawn: withdrawn.collect(),
        articles: Listed { rows: rows.collect(), words },
        banners: done(query.text("xong")).into_iter().collect(),
    };
    Ok(editor.page(StatusCode::OK, |frame| pages::state_page(frame, &state)))
}

fn file_row(file: FileFindings) -> FileRow {
    let is_refused = file.severity() == 2;
    let found = file.found.into_iter().map(|finding| {
        let severity = finding.severity_name();
        let StoredFinding { line, vietnamese, .. } = finding;
        (severity, line, vietnamese)
    });
    FileRow { is_refused, at: file.at, found: found.collect(), path: file.path }
}
