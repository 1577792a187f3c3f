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

use super::super::body::{Body, Writer};
use super::super::coding::Coder;
use super::super::door::RequestBody;
use super::super::negotiate::Accepted;
use super::super::reply::{self, Reply};
use super::super::service::Inner;
use super::articles::line;
use super::json;
use super::parameters::Parameters;
use super::problem::Problem;
use crate::press::Coding;
use crate::store::{Announcement, ChangesAsked, ChangesFound, ChangesPage, StoreError};

/// Changes on the longest page, and on one that says nothing of its length.
const MOST: u64 = 1000;
/// A page ends early rather than be much longer than this.
const PAGE_BYTES: usize = 4 * 1024 * 1024;
/// What a stream holds in memory at a time: so many changes, or not much more than so many bytes.
const STRIDE: u32 = 64;
const STRIDE_BYTES: usize = 256 * 1024;
/// The longest time for which an answer is held back. Proxies commonly give up after 60 s.
const LONGEST_HOLD: Duration = Duration::from_secs(50);

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Form {
    /// One object.
    Json,
    /// A change on each line.
    Ndjson,
}

struct Question {
    asked: ChangesAsked,
    form: Form,
    /// NDJSON to the end.
    all: bool,
    hold: Duration,
}

/// What was read for a question, printed.
#[derive(Clone)]
enum Outcome {
    Page(Printed),
    AboveHead(u64),
    UnknownChannel,
}

#[derive(Clone)]
struct Printed {
    body: Bytes,
    is_empty: bool,
    next: u64,
    head: u64,
}

/// Answers `GET /api/changes`.
pub async fn answer(service: &Arc<Inner>, request: &Parts, body: RequestBody) -> Result<Reply, Problem> {
    let question = Question::read(service, request)?;
    // Before the first reading, so that nothing which happens behind it is missed.
    let heard = service.store.announcements();
    let mut printed = settle(service, &question.asked, read(service, &question.asked, question.form).await)?;
    if printed.is_empty && !question.hold.is_zero() {
        printed = hold(service, &question, printed, heard, body).await?;
    }
    let log = &service.store.log_of(question.asked.channel.as_ref());
    let media_type = question.form.media_type();
    if question.all && printed.next < printed.head {
        let head = printed.head;
        let coding = Accepted::of(&request.headers).coding(false).ok_or_else(Problem::not_acceptable)?;
        let body = stream(service, question, printed, coding)?;
        return Ok(reply::coded(reply::changes(media_type, log, head, Body::default()), coding, body));
    }
    Ok(reply::changes(media_type, log, printed.next, printed.body))
}

impl Question {
    fn read(service: &Arc<Inner>, request: &Parts) -> Result<Self, Problem> {
        let parameters =
            Parameters::read(request.uri.query(), &["after", "channel", "limit", "log", "wait"])?;
        let form = Form::asked_for(&request.headers);
        let limit = parameters.number("limit", 1)?;
        let all = form == Form::Ndjson && limit.is_none();
        let (stride, bytes) = if all { (u64::from(STRIDE), STRIDE_BYTES) } else { (MOST, PAGE_BYTES) };
        let hold = Duration::from_secs(parameters.number("wait", 0)?.unwrap_or(0)).min(LONGEST_HOLD);
        let channel = parameters.channel(&service.addresses)?;
        let log = service.store.log_of(channel.as_ref());
        let question = Self {
            asked: ChangesAsked {
                channel,
                after: parameters.number("after", 0)?.unwrap_or(0),
                until: None,
                limit: u32::try_from(limit.unwrap_or(stride).min(stride)).unwrap_or(u32::MAX),
                bytes,
            },
            form,
            all,
            hold,
        };
        match parameters.text("log") {
            Some(given) if given != log => Err(begin_anew(service, &question.asked)),
            _ => Ok(question),
        }
    }
}

impl Form {
    /// NDJSON where `Accept` names it and does not like JSON better; JSON in all other cases.
    fn asked_for(headers: &HeaderMap) -> Self {
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

fn begin_anew(service: &Arc<Inner>, asked: &ChangesAsked) -> Problem {
    let (store, channel) = (&service.store, asked.channel.as_ref());
    let head = store.announcements().borrow().head;
    Problem::begin_anew(&service.addresses, &store.log_of(channel), channel, head)
}

fn settle(service: &Arc<Inner>, asked: &ChangesAsked, outcome: Option<Outcome>) -> Result<Printed, Problem> {
    match outcome {
        Some(Outcome::Page(printed)) => Ok(printed),
        Some(Outcome::AboveHead(head)) => {
            let channel = asked.channel.as_ref();
            Err(Problem::begin_anew(&service.addresses, &service.store.log_of(channel), channel, head))
        }
        Some(Outcome::UnknownChannel) => Err(Problem::unknown_channel()),
        None => Err(Problem::busy()),
    }
}

async fn read(service: &Arc<Inner>, asked: &ChangesAsked, form: Form) -> Option<Outcome> {
    let asked = asked.clone();
    service.with_store(async move |inner| print(&inner, &asked, form).await).await
}

async fn print(inner: &Inner, asked: &ChangesAsked, form: Form) -> Result<Outcome, StoreError> {
    let page = match inner.store.changes(asked).await? {
        ChangesFound::Page(page) => page,
        ChangesFound::AboveHead { head } => return Ok(Outcome::AboveHead(head)),
        ChangesFound::UnknownChannel => return Ok(Outcome::UnknownChannel),
    };
    for change in page.changes.iter().filter(|change| change.damaged) {
        error!(article = %change.id, number = change.number, "the store holds this revision damaged");
    }
    let body = match form {
        Form::Json => page_of(inner, &inner.store.log_of(asked.channel.as_ref()), &page)?,
        Form::Ndjson => lines_of(inner, &page)?,
    };
    Ok(Outcome::Page(Printed {
        body: body.into(),
        is_empty: page.changes.is_empty(),
        next: page.next,
        head: page.head,
    }))
}

fn page_of(inner: &Inner, log: &str, page: &ChangesPage) -> Result<Vec<u8>, StoreError> {
    #[derive(Serialize)]
    struct Page<'a> {
        log: &'a str,
        changes: Vec<json::Change<'a>>,
        next: u64,
    }
    let changes = page.changes.iter().map(|change| json::change(inner.frame(), change)).collect();
    line(&Page { log, changes, next: page.next })
}

fn lines_of(inner: &Inner, page: &ChangesPage) -> Result<Vec<u8>, StoreError> {
    let mut lines = Vec::new();
    for change in &page.changes {
        lines.extend(line(&json::change(inner.frame(), change))?);
    }
    Ok(lines)
}

/// Waits for a change; ends without one at the time limit, at the end of the service, and where the client has
/// gone. `empty` is what was read before.
async fn hold(
    service: &Arc<Inner>,
    question: &Question,
    empty: Printed,
    mut heard: watch::Receiver<Announcement>,
    body: RequestBody,
) -> Result<Printed, Problem> {
    let Ok(_place) = service.waiting.try_acquire() else { return Err(Problem::busy()) };
    let mut stop = service.stopping.clone();
    let time = tokio::time::sleep(question.hold);
    let hung_up = body.hung_up();
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
        let asked = ChangesAsked { after: last.next, ..question.asked.clone() };
        let shared = service.together.cell(head, &asked, question.form);
        let outcome = shared.get_or_init(|| read(service, &asked, question.form)).await.clone();
        last = settle(service, &asked, outcome)?;
        if !last.is_empty {
            return Ok(last);
        }
    }
}

/// Those who ask the same when the log has grown, and their one answer.
#[derive(Default)]
pub struct Together(Mutex<Answers>);

#[derive(Default)]
struct Answers {
    /// The highest head at which anybody woke.
    head: u64,
    by_question: HashMap<(ChangesAsked, Form), Weak<Shared>>,
}

type Shared = OnceCell<Option<Outcome>>;

impl Together {
    /// Where the answer to this question lies, or will lie, read when the log's head was `head` or above. It is
    /// forgotten with the last who asks.
    fn cell(&self, head: u64, asked: &ChangesAsked, form: Form) -> Arc<Shared> {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if head > answers.head {
            answers.head = head;
            answers.by_question.clear();
        }
        let cell = answers.by_question.entry((asked.clone(), form)).or_default();
        cell.upgrade().unwrap_or_else(|| {
            let shared = Arc::new(Shared::new());
            *cell = Arc::downgrade(&shared);
            shared
        })
    }
}

/// Goes on from `first` to the head that it was read at.
fn stream(service: &Arc<Inner>, question: Question, first: Printed, coding: Coding) -> Result<Body, Problem> {
    let permit = Arc::clone(&service.streaming).try_acquire_owned().map_err(|_| Problem::busy())?;
    let (writer, body) = Body::streamed();
    let coder = Coder::new(coding);
    service.spawn(write_all(Arc::clone(service), question, first, coder, writer, permit));
    Ok(body)
}

async fn write_all(
    service: Arc<Inner>,
    question: Question,
    first: Printed,
    mut coder: Coder,
    writer: Writer,
    _permit: OwnedSemaphorePermit,
) {
    let Question { mut asked, form, .. } = question;
    asked.until = Some(first.head);
    let mut printed = first;
    loop {
        if !printed.body.is_empty() {
            let piece = printed.body;
            let coded = service.blocking(move || (coder.code(piece), coder)).await;
            let Some((piece, rest)) = coded else { return };
            coder = rest;
            if writer.write(piece).await.is_err() {
                return;
            }
        }
        if asked.until == Some(printed.next) {
            let last = coder.end();
            if last.is_empty() || writer.write(last).await.is_ok() {
                writer.end().await;
            }
            return;
        }
        asked.after = printed.next;
        // Whatever else is found, the answer breaks off, and the reader asks again from its last number.
        let Some(Outcome::Page(next)) = read(&service, &asked, form).await else { return };
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
            ("", Form::Json),
            ("*/*", Form::Json),
            ("application/json", Form::Json),
            ("text/html", Form::Json),
            ("application/x-ndjson", Form::Ndjson),
            ("Application/X-NDJSON; charset=utf-8", Form::Ndjson),
            ("application/json;q=0.5, application/x-ndjson", Form::Ndjson),
            ("application/json, application/x-ndjson;q=0.9", Form::Json),
            ("application/x-ndjson;q=0", Form::Json),
            ("application/x-ndjson;q=x", Form::Json),
        ] {
            let value = HeaderValue::from_str(accept).unwrap();
            assert_eq!(Form::asked_for(&HeaderMap::from_iter([(ACCEPT, value)])), form, "{accept}");
        }
    }

    #[test]
    fn only_who_asks_the_same_at_the_same_head_shares_an_answer() {
        let together = Together::default();
        let asked = |after| ChangesAsked { channel: None, after, until: None, limit: 1, bytes: 1 };
        let cell = together.cell(5, &asked(4), Form::Json);
        assert!(Arc::ptr_eq(&cell, &together.cell(5, &asked(4), Form::Json)));
        assert!(Arc::ptr_eq(&cell, &together.cell(4, &asked(4), Form::Json)), "a late waker takes the newer");
        assert!(!Arc::ptr_eq(&cell, &together.cell(5, &asked(4), Form::Ndjson)));
        assert!(!Arc::ptr_eq(&cell, &together.cell(5, &asked(3), Form::Json)));
        assert!(!Arc::ptr_eq(&cell, &together.cell(6, &asked(4), Form::Json)));
    }
}
