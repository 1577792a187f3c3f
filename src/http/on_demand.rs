//! What people ask for that is not printed beforehand: a search, a month, a sitemap; and a feed that a person opens.
//!
//! SECURITY: whoever asks here costs the store work, so everything is bounded. A question has a longest length and so
//! many words; a page shows so many articles and reads so many bytes; what was asked before costs nothing; so many
//! are served at a time and so many wait, and everybody else is told to come again.

use std::sync::Arc;

use chrono::NaiveDate;
use hyper::http::request::Parts;
use hyper::{HeaderMap, StatusCode};

use super::handler::{AppState, QUEUE_TIMEOUT, RETRY_AFTER};
use super::response::{self, HttpResponse};
use crate::html::{self, SearchOutcome, SearchQuery};
use crate::model::Slug;
use crate::render::{
    LiveFeed, LogVersion, MonthExtent, PageRequest, Rendered, Representation, decode_cursor,
};
use crate::search_text;
use crate::urls::{Format, Route, SiteUrls};

/// Requests at a time that the store works for here.
pub(super) const MAX_ON_DEMAND: usize = 2;
/// Requests at a time that are served or wait for it.
pub(super) const MAX_QUEUED: usize = 32;
/// The longest question, in characters.
const MAX_QUERY_CHARS: usize = 200;
/// The most words of a question.
const MAX_QUERY_WORDS: usize = 16;

/// Answers a request for what the desk prints.
pub(super) async fn handle(service: &Arc<AppState>, request: Parts, route: Route) -> HttpResponse {
    let query = PageQuery::parse(request.uri.query());
    let for_a_person = response::is_browser_navigation(&request.headers);
    let asked = match route {
        Route::Months(scope) => PageRequest::Months(scope),
        Route::Month(scope, month) => match query.cursor("sau") {
            Ok(after) => PageRequest::Month(scope, month, MonthExtent::After(after)),
            Err(_) => return service.not_found(&request.headers),
        },
        Route::Sitemap(sitemap) => PageRequest::Sitemap(sitemap),
        Route::Search => match query.question(&service.addresses) {
            Ok((question, after)) if question != SearchQuery::default() => {
                PageRequest::Search { question, after, opened: None }
            }
            Ok((question, _)) => return search_form(service, &request.headers, &question, None).await,
            Err((question, why)) => {
                return search_form(service, &request.headers, &question, Some(why)).await;
            }
        },
        Route::SearchFeed(format) => match query.question(&service.addresses) {
            Ok((question, _)) if question == SearchQuery::default() => {
                return search_form(service, &request.headers, &question, Some(NO_WORDS)).await;
            }
            Ok((question, after)) if for_a_person && !wants_raw(&request) => {
                PageRequest::Search { question, after, opened: Some(format) }
            }
            Ok((question, _)) => PageRequest::SearchFeed(question, format),
            Err((question, why)) => {
                return search_form(service, &request.headers, &question, Some(why)).await;
            }
        },
        _ => return service.not_found(&request.headers),
    };
    let opened = matches!(asked, PageRequest::Search { opened: Some(_), .. });
    let feed = matches!(asked, PageRequest::SearchFeed(..));
    match into_response(service, asked).await {
        Some(Rendered::Page(document)) if opened => response::feed_as_html(&request.headers, &document),
        Some(Rendered::Page(document)) if feed && for_a_person => {
            response::feed_source(&request.headers, &document)
        }
        Some(Rendered::Page(document)) => {
            let policy = if feed { &service.feeds } else { &service.pages };
            response::representation(&request.method, request.headers, &document, policy, service.clock.now())
        }
        Some(Rendered::NotFound) => service.not_found(&request.headers),
        Some(Rendered::Failed) => response::internal_error(),
        None => response::service_unavailable(RETRY_AFTER),
    }
}

/// From the desk; none where too much is asked of it, or the store does not answer.
async fn into_response(service: &Arc<AppState>, asked: PageRequest) -> Option<Rendered> {
    if let Some(laid) = service.on_demand.cached(&asked) {
        return Some(laid);
    }
    let _place = service.search_queue.try_acquire().ok()?;
    let _turn = tokio::time::timeout(QUEUE_TIMEOUT, service.served.acquire()).await.ok()?.ok()?;
    // Of many who ask the same at once, the first has it printed.
    if let Some(laid) = service.on_demand.cached(&asked) {
        return Some(laid);
    }
    service.run_with_store(async move |service| service.on_demand.render(asked).await).await
}

/// The page of a feed that a person has opened.
pub(super) async fn feed_as_html(
    service: &Arc<AppState>,
    headers: &HeaderMap,
    recent: Arc<LiveFeed>,
    format: Format,
) -> HttpResponse {
    match service.blocking(move || recent.as_html(format)).await {
        Some(page) => response::feed_as_html(headers, &page),
        None => response::internal_error(),
    }
}

/// `?xml` asks for the feed as it is, also where a person asks.
pub(super) fn wants_raw(request: &Parts) -> bool {
    request.uri.query().is_some_and(|query| query.split('&').any(|parameter| parameter == "xml"))
}

/// The search page without an answer: nothing was asked, or nothing that can be answered.
async fn search_form(
    service: &Arc<AppState>,
    headers: &HeaderMap,
    question: &SearchQuery,
    refused: Option<&'static str>,
) -> HttpResponse {
    let (question, inner) = (question.clone(), Arc::clone(service));
    let Some(channels) = service.channels() else { return response::service_unavailable(RETRY_AFTER) };
    let page = service.blocking(move || {
        let frame = html::PageContext::new(&inner.render_options.site, &inner.addresses, &channels);
        let answer = refused.map_or(SearchOutcome::NotAsked, SearchOutcome::Invalid);
        let page = html::search(&frame, &question, answer, None);
        let version = LogVersion { log: inner.store.log_id().to_owned(), number: 0 };
        Representation::encode(html::MEDIA_TYPE, page, &version, inner.clock.now())
    });
    let status = if refused.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    match page.await {
        Some(page) => response::substitute(status, headers, &page, &service.pages),
        None => response::internal_error(),
    }
}

const NO_WORDS: &str = "Hãy ghi từ cần tìm hoặc chuyên mục vào địa chỉ của nguồn tin, ví dụ ?q=dak+to.";

/// What stands behind the `?`. What is not known here is passed over: links that people share bring all sorts along.
struct PageQuery(Vec<(String, String)>);

type InvalidQuery = (SearchQuery, &'static str);

impl PageQuery {
    fn parse(query: Option<&str>) -> Self {
        Self(url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    /// The first value of a parameter. A form sends empty ones where nothing was filled in.
    fn text(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(given, _)| given == name)?;
        Some(value.trim()).filter(|value| !value.is_empty())
    }

    fn cursor(&self, name: &str) -> Result<Option<i64>, ()> {
        self.text(name).map(|cursor| decode_cursor(cursor).ok_or(())).transpose()
    }

    /// The question, and the place behind which it goes on; or as much of it as was understood, and what is wrong.
    fn question(&self, addresses: &SiteUrls) -> Result<(SearchQuery, Option<i64>), InvalidQuery> {
        let mut question = SearchQuery::default();
        let mut wrong = None;
        let typed = self.text("q").unwrap_or_default();
        question.words = typed.split_whitespace().collect::<Vec<_>>().join(" ");
        if question.words.chars().count() > MAX_QUERY_CHARS {
            question.words = question.words.chars().take(MAX_QUERY_CHARS).collect();
            wrong = Some("Câu hỏi dài quá: xin rút còn nhiều nhất 200 ký tự.");
        } else if search_text::query_terms(&question.words).len() > MAX_QUERY_WORDS {
            wrong = Some("Nhiều từ quá: xin rút còn nhiều nhất 16 từ.");
        }
        match self.text("channel").map(Slug::parse).transpose() {
            Ok(channel) => question.channel = channel.map(|slug| addresses.current_slug(slug)),
            Err(_) => wrong = Some("Không có chuyên mục mang tên này."),
        }
        for (name, day) in [("from", &mut question.from), ("to", &mut question.to)] {
            match self.text(name).map(parse_day).transpose() {
                Ok(given) => *day = given,
                Err(()) => wrong = Some("Ngày không đọc được: xin viết như 12/05/2023."),
            }
        }
        if question.from.zip(question.to).is_some_and(|(from, to)| from > to) {
            wrong = Some("Ngày bắt đầu ở sau ngày kết thúc.");
        }
        let after = self.cursor("after").unwrap_or_else(|()| {
            wrong = Some("Địa chỉ này không đúng: xin tìm lại từ đầu.");
            None
        });
        match wrong {
            Some(wrong) => Err((question, wrong)),
            None => Ok((question, after)),
        }
    }
}

/// `2023-05-12`, as browsers send it, or `12/05/2023`, as people type it where the browser has no calendar.
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
    fn a_question_is_read_as_people_and_browsers_send_it() {
        let day = |day| NaiveDate::from_ymd_opt(2023, 5, day);
        let question = |query| PageQuery::parse(Some(query)).question(&addresses()).unwrap().0;
        let full = question("q=+thi++%C4%91ua&channel=xa-hoi&from=2023-05-12&to=13%2F5%2F2023&utm_source=x");
        assert_eq!((full.words.as_str(), full.from, full.to), ("thi đua", day(12), day(13)));
        assert_eq!(full.channel, Slug::parse("xa-hoi").ok());
        assert_eq!(question("q=&channel=&from=&to="), SearchQuery::default());
        let long = format!("q={}", "a".repeat(MAX_QUERY_CHARS + 1));
        let wordy = format!("q={}", (0..=MAX_QUERY_WORDS).map(|n| format!("t{n}+")).collect::<String>());
        for wrong in [
            "q=a&channel=Xã hội",
            "q=a&from=2023-02-30",
            "q=a&from=05/13/2023",
            "q=a&from=2023-05-13&to=2023-05-12",
            "q=a&after=1",
            &long,
            &wordy,
        ] {
            assert!(PageQuery::parse(Some(wrong)).question(&addresses()).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_query_is_a_question_or_refused(query in any::<String>()) {
            if let Ok((question, _)) = PageQuery::parse(Some(&query)).question(&addresses()) {
                let again = PageQuery::parse(Some(&question.query())).question(&addresses());
                prop_assert_eq!(again.ok().map(|(again, _)| again), Some(question));
            }
        }
    }
}
