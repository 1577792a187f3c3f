//! Pages that are rendered on demand: search, months and sitemaps; and the HTML view of a feed.
//!
//! SECURITY: each of these requests costs the store work, so everything is bounded: the length and the number
//! of words of a query, the number of articles and bytes of a page, and the number of requests that are
//! rendered or waiting. Others get 503. Repeated requests are answered from a cache.

use std::sync::Arc;

use chrono::NaiveDate;
use hyper::http::request::Parts;
use hyper::{HeaderMap, StatusCode};

use super::response::{self, HttpResponse};
use super::state::{AppState, QUEUE_TIMEOUT, RETRY_AFTER};
use crate::html::{self, SearchOutcome, SearchQuery};
use crate::model::Slug;
use crate::render::{
    LiveFeed, LogVersion, MonthExtent, PageRequest, Rendered, Representation, decode_cursor,
};
use crate::search_text;
use crate::urls::{Format, Route, SiteUrls};

/// Maximum length of a query in characters.
const MAX_QUERY_CHARS: usize = 200;
/// Maximum number of words of a query.
const MAX_QUERY_WORDS: usize = 16;

/// Answers a request for an on-demand page.
pub(super) async fn handle(state: &Arc<AppState>, request: Parts, route: Route) -> HttpResponse {
    let query = PageQuery::parse(request.uri.query());
    let is_browser = response::is_browser_navigation(&request.headers);
    let page_request = match route {
        Route::Months(scope, year) => PageRequest::Months(scope, year),
        Route::Month(scope, month) => match query.cursor("sau") {
            Ok(after) => PageRequest::Month(scope, month, MonthExtent::After(after)),
            Err(_) => return state.not_found(&request.headers),
        },
        Route::Sitemap(sitemap) => PageRequest::Sitemap(sitemap),
        Route::Search => match query.search_query(&state.urls) {
            Ok((question, after)) if question != SearchQuery::default() => {
                PageRequest::Search { query: question, after, opened: None }
            }
            Ok((question, _)) => return search_form(state, &request.headers, &question, None).await,
            Err((question, why)) => {
                return search_form(state, &request.headers, &question, Some(why)).await;
            }
        },
        Route::SearchFeed(format) => match query.search_query(&state.urls) {
            Ok((question, _)) if question == SearchQuery::default() => {
                return search_form(state, &request.headers, &question, Some(NO_WORDS)).await;
            }
            Ok((question, after)) if is_browser && !wants_raw(&request) => {
                PageRequest::Search { query: question, after, opened: Some(format) }
            }
            Ok((question, _)) => PageRequest::SearchFeed(question, format),
            Err((question, why)) => {
                return search_form(state, &request.headers, &question, Some(why)).await;
            }
        },
        _ => return state.not_found(&request.headers),
    };
    let opened = matches!(page_request, PageRequest::Search { opened: Some(_), .. });
    let feed = matches!(page_request, PageRequest::SearchFeed(..));
    match render(state, page_request).await {
        Some(Rendered::Page(document)) if opened => {
            state.encode_for(&request.headers, &document).await;
            response::feed_as_html(&request.headers, &document)
        }
        Some(Rendered::Page(document)) if feed && is_browser => {
            state.encode_for(&request.headers, &document).await;
            response::feed_source(&request.headers, &document)
        }
        Some(Rendered::Page(document)) => {
            let policy = if feed { &state.feeds } else { &state.pages };
            state.send(request, &document, policy).await
        }
        Some(Rendered::NotFound) => state.not_found(&request.headers),
        Some(Rendered::Failed) => response::internal_error(),
        None => response::service_unavailable(RETRY_AFTER),
    }
}

/// Renders a page or takes it from the cache. None if the queue is full or the store fails.
async fn render(state: &Arc<AppState>, page_request: PageRequest) -> Option<Rendered> {
    if let Some(page) = state.on_demand.cached(&page_request) {
        return Some(page);
    }
    let _queued = state.render_queue.try_acquire().ok()?;
    let _permit = tokio::time::timeout(QUEUE_TIMEOUT, state.render_permits.acquire()).await.ok()?.ok()?;
    // Of several identical requests, only the first is rendered.
    if let Some(page) = state.on_demand.cached(&page_request) {
        return Some(page);
    }
    state.run_with_store(async move |state| state.on_demand.render(page_request).await).await
}

/// The HTML view of a feed.
pub(super) async fn feed_as_html(
    state: &Arc<AppState>,
    headers: &HeaderMap,
    feed: Arc<LiveFeed>,
    format: Format,
) -> HttpResponse {
    match state.blocking(move || feed.as_html(format)).await {
        Some(page) => {
            state.encode_for(headers, &page).await;
            response::feed_as_html(headers, &page)
        }
        None => response::internal_error(),
    }
}

/// True if the query has the parameter `xml`: the source of the feed is wanted, also in a browser.
pub(super) fn wants_raw(request: &Parts) -> bool {
    request.uri.query().is_some_and(|query| query.split('&').any(|parameter| parameter == "xml"))
}

/// The search page without results: the query is empty or invalid.
async fn search_form(
    state: &Arc<AppState>,
    headers: &HeaderMap,
    question: &SearchQuery,
    error: Option<&'static str>,
) -> HttpResponse {
    let (question, shared) = (question.clone(), Arc::clone(state));
    let Some(channels) = state.channels() else { return response::service_unavailable(RETRY_AFTER) };
    let page = state.blocking(move || {
        let context = html::PageContext::new(&shared.render_options.site, &shared.urls, &channels);
        let answer = error.map_or(SearchOutcome::NotAsked, SearchOutcome::Invalid);
        let page = html::search(&context, &question, answer, None);
        let version = LogVersion { log: shared.store.log_id().to_owned(), number: 0 };
        Representation::new(html::MEDIA_TYPE, page, &version, shared.clock.now())
    });
    let status = if error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    match page.await {
        Some(page) => response::substitute(status, headers, &page, &state.pages),
        None => response::internal_error(),
    }
}

const NO_WORDS: &str = "Hãy ghi từ cần tìm hoặc chuyên mục vào địa chỉ của nguồn tin, ví dụ ?q=dak+to.";

/// The query string. Unknown parameters are ignored: shared links contain all kinds of them.
struct PageQuery(Vec<(String, String)>);

type InvalidQuery = (SearchQuery, &'static str);

impl PageQuery {
    fn parse(query: Option<&str>) -> Self {
        Self(url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    /// The first value of a parameter. Empty values are ignored, because a form sends them for empty fields.
    fn text(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(given, _)| given == name)?;
        Some(value.trim()).filter(|value| !value.is_empty())
    }

    fn cursor(&self, name: &str) -> Result<Option<i64>, ()> {
        self.text(name).map(|cursor| decode_cursor(cursor).ok_or(())).transpose()
    }

    /// The query and the cursor; or as much of the query as is valid, and the error.
    fn search_query(&self, addresses: &SiteUrls) -> Result<(SearchQuery, Option<i64>), InvalidQuery> {
        let mut question = SearchQuery::default();
        let mut error = None;
        let words = self.text("q").unwrap_or_default();
        question.words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        if question.words.chars().count() > MAX_QUERY_CHARS {
            question.words = question.words.chars().take(MAX_QUERY_CHARS).collect();
            error = Some("Nội dung tìm kiếm quá dài. Hãy rút ngắn còn tối đa 200 ký tự.");
        } else if search_text::query_terms(&question.words).len() > MAX_QUERY_WORDS {
            error = Some("Nội dung tìm kiếm có quá nhiều từ. Hãy rút còn tối đa 16 từ.");
        }
        match self.text("channel").map(Slug::parse).transpose() {
            Ok(channel) => question.channel = channel.map(|slug| addresses.current_slug(slug)),
            Err(_) => error = Some("Không có chuyên mục này."),
        }
        for (name, day) in [("from", &mut question.from), ("to", &mut question.to)] {
            match self.text(name).map(parse_day).transpose() {
                Ok(given) => *day = given,
                Err(()) => error = Some("Ngày không hợp lệ. Hãy ghi theo dạng 12/05/2023."),
            }
        }
        if question.from.zip(question.to).is_some_and(|(from, to)| from > to) {
            error = Some("Ngày bắt đầu sau ngày kết thúc. Hãy chọn lại.");
        }
        let after = self.cursor("after").unwrap_or_else(|()| {
            error = Some("Địa chỉ này không đúng. Hãy tìm lại từ đầu.");
            None
        });
        match error {
            Some(error) => Err((question, error)),
            None => Ok((question, after)),
        }
    }
}

/// `2023-05-12`, as browsers send it, or `12/05/2023`, as people type it in browsers without a date picker.
fn parse_day(text: &str) -> Result<NaiveDate, ()> {
    let day = ["%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y"]
        .iter()
        .find_map(|form| NaiveDate::parse_from_str(text, form).ok());
    let in_calendar = |day: &NaiveDate| (1..=9999).contains(&chrono::Datelike::year(day));
    day.filter(in_calendar).ok_or(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn addresses() -> SiteUrls {
        SiteUrls::new("https://example.vn", "example.vn,2023").unwrap()
    }

    #[test]
    fn a_query_is_parsed_as_browsers_and_people_write_it() {
        let day = |day| NaiveDate::from_ymd_opt(2023, 5, day);
        let question = |query| PageQuery::parse(Some(query)).search_query(&addresses()).unwrap().0;
        let full = question("q=+thi++%C4%91ua&channel=xa-hoi&from=2023-05-12&to=13%2F5%2F2023&utm_source=x");
        assert_eq!((full.words.as_str(), full.from, full.to), ("thi đua", day(12), day(13)));
        assert_eq!(full.channel, Slug::parse("xa-hoi").ok());
        assert_eq!(question("q=&channel=&from=&to="), SearchQuery::default());
        let long = format!("q={}", "a".repeat(MAX_QUERY_CHARS + 1));
        let wordy = format!("q={}", (0..=MAX_QUERY_WORDS).map(|n| format!("t{n}+")).collect::<String>());
        for error in [
            "q=a&channel=Xã hội",
            "q=a&from=2023-02-30",
            "q=a&from=05/13/2023",
            "q=a&from=2023-05-13&to=2023-05-12",
            "q=a&after=1",
            &long,
            &wordy,
        ] {
            assert!(PageQuery::parse(Some(error)).search_query(&addresses()).is_err(), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_query_string_is_accepted_or_rejected(query in any::<String>()) {
            if let Ok((question, _)) = PageQuery::parse(Some(&query)).search_query(&addresses()) {
                let again = PageQuery::parse(Some(&question.query())).search_query(&addresses());
                prop_assert_eq!(again.ok().map(|(again, _)| again), Some(question));
            }
        }
    }
}
