//! The start page: the state of the folder, what is scheduled and withdrawn, and the articles.

use hyper::StatusCode;

use super::super::api::problem::Problem;
use super::super::api::site_state::{self, Part};
use super::super::response::HttpResponse;
use super::context::{Editor, done};
use super::posted::Posted;
use crate::html::editor::{self as pages, FileRow, Listed, StatePage, StateRow};
use crate::render::{decode_cursor, encode_cursor};
use crate::search_text;
use crate::store::{
    ArticleQuery, ArticleQueryResult, FileFindings, ScheduledSummary, StoredFinding, WithdrawnSummary,
};

/// Rows of each list.
const MAX_LISTED: usize = 50;
/// Maximum length of a search in characters.
const MAX_QUERY_CHARS: usize = 200;
/// Maximum size of the texts of the listed articles in bytes.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// Pages of articles that are read for one list: nobody waits longer for a channel with few of them.
const MAX_READS: usize = 8;

pub(super) async fn page(editor: &Editor, query: &Posted) -> Result<HttpResponse, Problem> {
    let (state, token) = (&editor.state, &editor.session()?.token);
    let skip = |name: &str| query.text(name).parse().unwrap_or(0);
    let files = site_state::files(state, token).await?;
    let (noted, wrong): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| file.severity() == 0);
    let scheduled = site_state::scheduled(state, token, skip(SCHEDULED), MAX_LISTED).await?;
    let withdrawn = site_state::withdrawn(state, token, skip(WITHDRAWN), MAX_LISTED).await?;
    let page = StatePage {
        wrong: part_of(wrong, WRONG, skip(WRONG)),
        noted: part_of(noted, NOTED, skip(NOTED)),
        scheduled: listed(scheduled, SCHEDULED, |article: ScheduledSummary| StateRow {
            id: article.id.to_string(),
            title: article.title,
            at: article.due,
            note: article.is_correction.then(|| "bản sửa của bài đã đăng".to_owned()),
        }),
        withdrawn: listed(withdrawn, WITHDRAWN, |article: WithdrawnSummary| StateRow {
            id: article.id.to_string(),
            title: article.title,
            at: article.at,
            note: article
                .reason
                .or_else(|| article.with_its_file.then(|| "tệp không còn trong thư mục".to_owned())),
        }),
        articles: articles(editor, query).await?,
        words: query.text("q").to_owned(),
        banners: done(query.text("xong")).into_iter().collect(),
    };
    Ok(editor.page(StatusCode::OK, |frame| pages::state_page(frame, &page)))
}

/// Parameters of the parts of the page: how many rows come before.
const WRONG: &str = "tep";
const NOTED: &str = "bot";
const SCHEDULED: &str = "hen";
const WITHDRAWN: &str = "go";
/// The sort key after which the published articles go on.
const ARTICLES: &str = "sau";

/// The published articles in the rights of the token, the newest first, or those that match the search.
async fn articles(editor: &Editor, query: &Posted) -> Result<Listed<StateRow>, Problem> {
    let words: String = query.text("q").chars().take(MAX_QUERY_CHARS).collect();
    let after = query.text(ARTICLES);
    let token = &editor.session()?.token;
    let mut asked = ArticleQuery {
        phrases: search_text::quoted_phrases(&words),
        words: Some(words).filter(|words| !words.is_empty()),
        channel: token.channels.as_deref().and_then(|channels| match channels {
            [only] => Some(only.clone()),
            _ => None,
        }),
        within: token.channels.clone(),
        after: decode_cursor(after),
        bytes: PAGE_BYTES,
        ..ArticleQuery::default()
    };
    let mut rows = Vec::new();
    for _ in 0..MAX_READS {
        asked.limit = (MAX_LISTED - rows.len()) as u32;
        let part = asked.clone();
        let found =
            editor.state.run_with_store(async move |state| state.store.query_articles(&part).await).await;
        let ArticleQueryResult::Page(page) = found.ok_or_else(Problem::overloaded)? else { break };
        rows.extend(page.items.into_iter().map(|row| StateRow {
            id: row.entry.id.to_string(),
            title: row.entry.article.title,
            at: row.entry.article.published.instant,
            note: None,
        }));
        asked.after = page.next;
        if asked.after.is_none() || rows.len() >= MAX_LISTED {
            break;
        }
    }
    let next = asked.after.map(|place| (ARTICLES, encode_cursor(place)));
    Ok(Listed { rows, next, is_first: after.is_empty() })
}

fn listed<T>(part: Part<T>, name: &'static str, row: impl Fn(T) -> StateRow) -> Listed<StateRow> {
    let Part { rows, skip, has_more } = part;
    let next = has_more.then(|| (name, (skip + MAX_LISTED).to_string()));
    Listed { rows: rows.into_iter().map(row).collect(), next, is_first: skip == 0 }
}

fn part_of(files: Vec<FileFindings>, name: &'static str, skip: usize) -> Listed<FileRow> {
    let has_more = files.len() > skip.saturating_add(MAX_LISTED);
    let rows = files.into_iter().skip(skip).take(MAX_LISTED).map(file_row).collect();
    let next = has_more.then(|| (name, (skip + MAX_LISTED).to_string()));
    Listed { rows, next, is_first: skip == 0 }
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
