//! Every change behind a number, in order: what a job asks that stores the last number.
//!
//! JSON is a page. NDJSON without a `limit` goes on to the head that the log had when the question came, read
//! stride by stride while it is sent: no answer is in memory as a whole, and no state of the log is held for a
//! slow client. `next` is therefore known before the first byte; it stands in the header `Bantin-Next`, for a
//! line of NDJSON is a change and nothing else.
//!
//! A question with `wait` is held on the door's own runtime: a receiver and a timer each, no look at the store.
//! When the log has grown, those who ask the same are answered from one reading.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::ACCEPT;
use hyper::http::request::Parts;
use serde::Serialize;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, watch};
use tracing::error;

use super::super::body::{BodySender, ResponseBody};
use super::super::coding::Coder;
use super::super::content_coding::AcceptEncoding;
use super::super::handler::AppState;
use super::super::response::{self, HttpResponse};
use super::super::server::RequestBody;
use super::articles::line;
use super::problem::Problem;
use super::query::QueryParams;
use super::views;
use crate::render::ContentCoding;
use crate::store::{ChangesPage, ChangesQuery, ChangesResult, LogPosition, StoreError};

/// Changes on the longest page, and on one that says nothing of its length.
const MAX_LIMIT: u64 = 1000;
/// A page ends early rather than be much longer than this.
const PAGE_BYTES: usize = 4 * 1024 * 1024;
/// What a stream holds in memory at a time: so many changes, or not much more than so many bytes.
const BATCH_SIZE: u32 = 64;
const BATCH_BYTES: usize = 256 * 1024;
/// The longest time for which an answer is held back. Proxies commonly give up after 60 s.
const MAX_WAIT: Duration = Duration::from_secs(50);

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum OutputFormat {
    /// One object.
    Json,
    /// A change on each line.
    Ndjson,
}

struct ChangesRequest {
    query: ChangesQuery,
    format: OutputFormat,
    /// NDJSON to the end.
    all: bool,
    wait: Duration,
}

/// What was read for a question, printed.
#[derive(Clone)]
enum ReadOutcome {
    Page(EncodedPage),
    BeyondHead(u64),
    UnknownChannel,
}

#[derive(Clone)]
struct EncodedPage {
    body: Bytes,
    is_empty: bool,
    next: u64,
    head: u64,
}

/// Answers `GET /api/changes`.
pub async fn answer(
    service: &Arc<AppState>,
    request: &Parts,
    body: RequestBody,
) -> Result<HttpResponse, Problem> {
    let question = ChangesRequest::parse(service, request)?;
    // Before the first reading, so that nothing which happens behind it is missed.
    let heard = service.store.subscribe();
    let mut printed =
        into_page(service, &question.query, read(service, &question.query, question.format).await)?;
    if printed.is_empty && !question.wait.is_zero() {
        printed = long_poll(service, &question, printed, heard, body).await?;
    }
    let log = &service.store.log_id_for(question.query.channel.as_ref());
    let media_type = question.format.media_type();
    if question.all && printed.next < printed.head {
        let head = printed.head;
        let coding = AcceptEncoding::from_headers(&request.headers)
            .coding(false)
            .ok_or_else(Problem::not_acceptable)?;
        let body = stream(service, question, printed, coding)?;
        return Ok(response::coded(
            response::changes(media_type, log, head, ResponseBody::default()),
            coding,
            body,
        ));
    }
    Ok(response::changes(media_type, log, printed.next, printed.body))
}

impl ChangesRequest {
    fn parse(service: &Arc<AppState>, request: &Parts) -> Result<Self, Problem> {
        let parameters =
            QueryParams::parse(request.uri.query(), &["after", "channel", "limit", "log", "wait"])?;
        let form = OutputFormat::from_request(&request.headers);
        let limit = parameters.number("limit", 1)?;
        let all = form == OutputFormat::Ndjson && limit.is_none();
        let (stride, bytes) =
            if all { (u64::from(BATCH_SIZE), BATCH_BYTES) } else { (MAX_LIMIT, PAGE_BYTES) };
        let hold = Duration::from_secs(parameters.number("wait", 0)?.unwrap_or(0)).min(MAX_WAIT);
        let channel = parameters.channel(&service.addresses)?;
        let log = service.store.log_id_for(channel.as_ref());
        let question = Self {
            query: ChangesQuery {
                channel,
                after: parameters.number("after", 0)?.unwrap_or(0),
                until: None,
                limit: u32::try_from(limit.unwrap_or(stride).min(stride)).unwrap_or(u32::MAX),
                bytes,
            },
            format: form,
            all,
            wait: hold,
        };
        match parameters.text("log") {
            Some(given) if given != log => Err(log_reset(service, &question.query)),
            _ => Ok(question),
        }
    }
}

impl OutputFormat {
    /// NDJSON where `Accept` names it and does not like JSON better; JSON in all other cases.
    fn from_request(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
        let (mut json, mut ndjson) = (0.0, 0.0);
        for member in lines.flat_map(|line| line.split(',')) {
            let mut parts = member.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default().to_ascii_lowercase();
            let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
            let weight: f32 = weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
            match name.as_str() {
                "application/x-ndjson" | "application/ndjson" => ndjson = weight,
                "application/json" => json = weight,
                _ => {}
            }
        }
        if ndjson > 0.0 && ndjson >= json { Self::Ndjson } else { Self::Json }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
        }
    }
}

fn log_reset(service: &Arc<AppState>, asked: &ChangesQuery) -> Problem {
    let (store, channel) = (&service.store, asked.channel.as_ref());
    let head = store.subscribe().borrow().head;
    Problem::log_reset(&service.addresses, &store.log_id_for(channel), channel, head)
}

fn into_page(
    service: &Arc<AppState>,
    asked: &ChangesQuery,
    outcome: Option<ReadOutcome>,
) -> Result<EncodedPage, Problem> {
    match outcome {
        Some(ReadOutcome::Page(printed)) => Ok(printed),
        Some(ReadOutcome::BeyondHead(head)) => {
            let channel = asked.channel.as_ref();
            Err(Problem::log_reset(&service.addresses, &service.store.log_id_for(channel), channel, head))
        }
        Some(ReadOutcome::UnknownChannel) => Err(Problem::unknown_channel()),
        None => Err(Problem::overloaded()),
    }
}

async fn read(service: &Arc<AppState>, asked: &ChangesQuery, form: OutputFormat) -> Option<ReadOutcome> {
    let asked = asked.clone();
    service.run_with_store(async move |inner| encode(&inner, &asked, form).await).await
}

async fn encode(
    inner: &AppState,
    asked: &ChangesQuery,
    form: OutputFormat,
) -> Result<ReadOutcome, StoreError> {
    let page = match inner.store.changes(asked).await? {
        ChangesResult::Page(page) => page,
        ChangesResult::BeyondHead { head } => return Ok(ReadOutcome::BeyondHead(head)),
        ChangesResult::UnknownChannel => return Ok(ReadOutcome::UnknownChannel),
    };
    for change in page.changes.iter().filter(|change| change.damaged) {
        error!(article = %change.id, number = change.number, "the store holds this revision damaged");
    }
    let body = match form {
        OutputFormat::Json => page_of(inner, &inner.store.log_id_for(asked.channel.as_ref()), &page)?,
        OutputFormat::Ndjson => lines_of(inner, &page)?,
    };
    Ok(ReadOutcome::Page(EncodedPage {
        body: body.into(),
        is_empty: page.changes.is_empty(),
        next: page.next,
        head: page.head,
    }))
}

fn page_of(inner: &AppState, log: &str, page: &ChangesPage) -> Result<Vec<u8>, StoreError> {
    #[derive(Serialize)]
    struct Page<'a> {
        log: &'a str,
        changes: Vec<views::ChangeView<'a>>,
        next: u64,
    }
    let changes = page.changes.iter().map(|change| views::change(inner.frame(), change)).collect();
    line(&Page { log, changes, next: page.next })
}

fn lines_of(inner: &AppState, page: &ChangesPage) -> Result<Vec<u8>, StoreError> {
    let mut lines = Vec::new();
    for change in &page.changes {
        lines.extend(line(&views::change(inner.frame(), change))?);
    }
    Ok(lines)
}

/// Waits for a change; ends without one at the time limit, at the end of the service, and where the client has
/// gone. `empty` is what was read before.
async fn long_poll(
    service: &Arc<AppState>,
    question: &ChangesRequest,
    empty: EncodedPage,
    mut heard: watch::Receiver<LogPosition>,
    body: RequestBody,
) -> Result<EncodedPage, Problem> {
    let Ok(_place) = service.waiting.try_acquire() else { return Err(Problem::overloaded()) };
    let mut stop = service.stopping.clone();
    let time = tokio::time::sleep(question.wait);
    let hung_up = body.client_disconnected();
    tokio::pin!(time, hung_up);
    let mut last = empty;
    loop {
        let head = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return Ok(last),
            () = &mut hung_up => return Ok(last),
            () = &mut time => return Ok(last),
            heard = heard.wait_for(|announced| announced.head > last.next) => match heard {
                Ok(announced) => announced.head,
                Err(_) => return Ok(last),
            },
        };
        let asked = ChangesQuery { after: last.next, ..question.query.clone() };
        let shared = service.single_flight.entry(head, &asked, question.format);
        let outcome = shared.get_or_init(|| read(service, &asked, question.format)).await.clone();
        last = into_page(service, &asked, outcome)?;
        if !last.is_empty {
            return Ok(last);
        }
    }
}

/// Those who ask the same when the log has grown, and their one answer.
#[derive(Default)]
pub struct SingleFlight(Mutex<Answers>);

#[derive(Default)]
struct Answers {
    /// The highest head at which anybody woke.
    head: u64,
    by_request: HashMap<(ChangesQuery, OutputFormat), Weak<Shared>>,
}

type Shared = OnceCell<Option<ReadOutcome>>;

impl SingleFlight {
    /// Where the answer to this question lies, or will lie, read when the log's head was `head` or above. It is
    /// forgotten with the last who asks.
    fn entry(&self, head: u64, asked: &ChangesQuery, form: OutputFormat) -> Arc<Shared> {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if head > answers.head {
            answers.head = head;
            answers.by_request.clear();
        }
        let cell = answers.by_request.entry((asked.clone(), form)).or_default();
        cell.upgrade().unwrap_or_else(|| {
            let shared = Arc::new(Shared::new());
            *cell = Arc::downgrade(&shared);
            shared
        })
    }
}

/// Goes on from `first` to the head that it was read at.
fn stream(
    service: &Arc<AppState>,
    question: ChangesRequest,
    first: EncodedPage,
    coding: ContentCoding,
) -> Result<ResponseBody, Problem> {
    let permit = Arc::clone(&service.streaming).try_acquire_owned().map_err(|_| Problem::overloaded())?;
    let (writer, body) = ResponseBody::stream();
    let coder = Coder::new(coding);
    service.spawn(write_all(Arc::clone(service), question, first, coder, writer, permit));
    Ok(body)
}

async fn write_all(
    service: Arc<AppState>,
    question: ChangesRequest,
    first: EncodedPage,
    mut coder: Coder,
    writer: BodySender,
    _permit: OwnedSemaphorePermit,
) {
    let ChangesRequest { query: mut asked, format: form, .. } = question;
    asked.until = Some(first.head);
    let mut printed = first;
    loop {
        if !printed.body.is_empty() {
            let piece = printed.body;
            let coded = service.blocking(move || (coder.code(piece), coder)).await;
            let Some((piece, rest)) = coded else { return };
            coder = rest;
            if writer.send(piece).await.is_err() {
                return;
            }
        }
        if asked.until == Some(printed.next) {
            let last = coder.end();
            if last.is_empty() || writer.send(last).await.is_ok() {
                writer.end().await;
            }
            return;
        }
        asked.after = printed.next;
        // Whatever else is found, the answer breaks off, and the reader asks again from its last number.
        let Some(ReadOutcome::Page(next)) = read(&service, &asked, form).await else { return };
        printed = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn a_change_a_line_is_for_those_who_name_it() {
        for (accept, form) in [
            ("", OutputFormat::Json),
            ("*/*", OutputFormat::Json),
            ("application/json", OutputFormat::Json),
            ("text/html", OutputFormat::Json),
            ("application/x-ndjson", OutputFormat::Ndjson),
            ("Application/X-NDJSON; charset=utf-8", OutputFormat::Ndjson),
            ("application/json;q=0.5, application/x-ndjson", OutputFormat::Ndjson),
            ("application/json, application/x-ndjson;q=0.9", OutputFormat::Json),
            ("application/x-ndjson;q=0", OutputFormat::Json),
            ("application/x-ndjson;q=x", OutputFormat::Json),
        ] {
            let value = HeaderValue::from_str(accept).unwrap();
            assert_eq!(
                OutputFormat::from_request(&HeaderMap::from_iter([(ACCEPT, value)])),
                form,
                "{accept}"
            );
        }
    }

    #[test]
    fn only_who_asks_the_same_at_the_same_head_shares_an_answer() {
        let together = SingleFlight::default();
        let asked = |after| ChangesQuery { channel: None, after, until: None, limit: 1, bytes: 1 };
        let cell = together.entry(5, &asked(4), OutputFormat::Json);
        assert!(Arc::ptr_eq(&cell, &together.entry(5, &asked(4), OutputFormat::Json)));
        assert!(
            Arc::ptr_eq(&cell, &together.entry(4, &asked(4), OutputFormat::Json)),
            "a late waker takes the newer"
        );
        assert!(!Arc::ptr_eq(&cell, &together.entry(5, &asked(4), OutputFormat::Ndjson)));
        assert!(!Arc::ptr_eq(&cell, &together.entry(5, &asked(3), OutputFormat::Json)));
        assert!(!Arc::ptr_eq(&cell, &together.entry(6, &asked(4), OutputFormat::Json)));
    }
}
