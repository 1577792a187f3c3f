//! `GET /api/changes`: all changes after a number, in order, for clients that store the last number.
//!
//! JSON is one page. NDJSON without a `limit` continues to the head that the log had when the request
//! arrived, read in batches while it is sent: no response is in memory as a whole, and no snapshot is held
//! for a slow client. `next` is therefore known before the first byte; it is in the header `Bantin-Next`,
//! because each line of NDJSON is a change.
//!
//! A request with `wait` is held on the server's own runtime: one receiver and one timer each, without
//! reading the store. Identical requests are answered from one read until the log changes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{ACCEPT, HeaderValue};
use hyper::http::request::Parts;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tracing::error;

use super::super::changes_cache::{EncodedPage, OutputFormat, ReadOutcome};
use super::super::coding::{Encoder, MIN_COMPRESSED_BYTES};
use super::super::content_coding::AcceptEncoding;
use super::super::qvalue::{self, QValue};
use super::super::response::{self, BodySender, HttpResponse, ResponseBody};
use super::super::server::RequestBody;
use super::super::state::AppState;
use super::json::Members;
use super::problem::Problem;
use super::query::QueryParams;
use super::views::{self, ViewContext};
use crate::render::ContentCoding;
use crate::store::{Change, ChangesQuery, ChangesResult, LogPosition, StoreError};

/// Default and maximum number of changes on a page.
const MAX_LIMIT: u64 = 1000;
/// Soft limit of a page in bytes.
const PAGE_BYTES: usize = 4 * 1024 * 1024;
/// A batch of a stream: at most this many changes, or not much more than this many bytes.
const BATCH_SIZE: u32 = 64;
const BATCH_BYTES: usize = 256 * 1024;
/// Most pages have no more changes.
const TYPICAL_LIMIT: u32 = 100;
/// Most changes are not longer.
const TYPICAL_BYTES: usize = 6 * 1024;
/// Maximum time to wait a response. Proxies commonly time out after 60 s.
const MAX_WAIT: Duration = Duration::from_secs(50);

struct ChangesRequest {
    query: ChangesQuery,
    format: OutputFormat,
    /// NDJSON up to the head.
    stream_all: bool,
    wait: Duration,
}

/// Answers `GET /api/changes`.
pub async fn answer(
    state: &Arc<AppState>,
    request: &Parts,
    body: RequestBody,
) -> Result<HttpResponse, Problem> {
    let changes_request = ChangesRequest::parse(state, request)?;
    // Subscribed before the first read, so that no change in between is missed.
    let announced = state.store.subscribe();
    let ChangesRequest { query, format, stream_all, wait } = &changes_request;
    let outcome = match stream_all {
        true => read(state, query, *format).await,
        false => read_newest(state, query, *format).await,
    };
    let mut page = into_page(state, query, outcome)?;
    if page.is_empty && !wait.is_zero() {
        page = long_poll(state, &changes_request, page, announced, body).await?;
    }
    let log = &state.store.log_id_for(changes_request.query.channel.as_ref());
    let media_type = media_type(*format);
    let accepted = AcceptEncoding::from_headers(&request.headers);
    let is_streamed = *stream_all && page.next < page.head;
    let is_short = !is_streamed && page.body.len() < MIN_COMPRESSED_BYTES;
    let coding = accepted.coding(is_short).ok_or_else(Problem::not_acceptable)?;
    let (next, body) = match is_streamed {
        true => (page.head, stream(state, changes_request, page, coding)?),
        false => (page.next, encoded(state, &page, coding).await?.into()),
    };
    Ok(response::encoded(response::changes(media_type, log, next, ResponseBody::default()), coding, body))
}

/// The page in a coding, which is made once, on a thread that answers no requests.
async fn encoded(state: &AppState, page: &Arc<EncodedPage>, coding: ContentCoding) -> Result<Bytes, Problem> {
    if let Some(bytes) = page.encoded(coding) {
        return Ok(bytes);
    }
    let page = Arc::clone(page);
    state.blocking(move || page.encode(coding)).await.ok_or_else(Problem::unavailable)
}

impl ChangesRequest {
    fn parse(state: &Arc<AppState>, request: &Parts) -> Result<Self, Problem> {
        let parameters =
            QueryParams::parse(request.uri.query(), &["after", "channel", "limit", "log", "wait"])?;
        let format = negotiate(&request.headers);
        let limit = parameters.number("limit", 1)?;
        let stream_all = format == OutputFormat::Ndjson && limit.is_none();
        let (batch_size, bytes) =
            if stream_all { (u64::from(BATCH_SIZE), BATCH_BYTES) } else { (MAX_LIMIT, PAGE_BYTES) };
        let wait = Duration::from_secs(parameters.number("wait", 0)?.unwrap_or(0)).min(MAX_WAIT);
        let channel = parameters.channel(&state.urls)?;
        let log = state.store.log_id_for(channel.as_ref());
        let parsed = Self {
            query: ChangesQuery {
                channel,
                after: parameters.number("after", 0)?.unwrap_or(0),
                until: None,
                limit: u32::try_from(limit.unwrap_or(batch_size).min(batch_size)).unwrap_or(u32::MAX),
                bytes,
            },
            format,
            stream_all,
            wait,
        };
        match parameters.text("log") {
            Some(given) if given != log => Err(log_reset(state, &parsed.query)),
            _ => Ok(parsed),
        }
    }
}

/// NDJSON if `Accept` names it with at least the weight of JSON; otherwise JSON.
fn negotiate(headers: &HeaderMap) -> OutputFormat {
    let lines = headers.get_all(ACCEPT).iter().map(HeaderValue::as_bytes);
    let (mut json, mut ndjson) = (QValue::ZERO, QValue::ZERO);
    for (name, weight) in lines.flat_map(qvalue::members) {
        let Some(weight) = weight else { continue };
        match name.to_ascii_lowercase().as_slice() {
            b"application/x-ndjson" | b"application/ndjson" => ndjson = weight,
            b"application/json" => json = weight,
            _ => {}
        }
    }
    if ndjson > QValue::ZERO && ndjson >= json { OutputFormat::Ndjson } else { OutputFormat::Json }
}

fn media_type(format: OutputFormat) -> &'static str {
    match format {
        OutputFormat::Json => "application/json",
        OutputFormat::Ndjson => "application/x-ndjson",
    }
}

fn log_reset(state: &Arc<AppState>, query: &ChangesQuery) -> Problem {
    let (store, channel) = (&state.store, query.channel.as_ref());
    let head = store.subscribe().borrow().head;
    Problem::log_reset(&state.urls, &store.log_id_for(channel), channel, head)
}

fn into_page(
    state: &Arc<AppState>,
    query: &ChangesQuery,
    outcome: Option<ReadOutcome>,
) -> Result<Arc<EncodedPage>, Problem> {
    match outcome {
        Some(ReadOutcome::Page(page)) => Ok(page),
        Some(ReadOutcome::BeyondHead(head)) => {
            let channel = query.channel.as_ref();
            Err(Problem::log_reset(&state.urls, &state.store.log_id_for(channel), channel, head))
        }
        Some(ReadOutcome::UnknownChannel) => Err(Problem::unknown_channel()),
        None => Err(Problem::overloaded()),
    }
}

/// The page as of now, also of what other processes have written.
///
/// NOTE: not in one step: who waits for a page that another request reads must hold no permit for the store, for which that
/// request may be waiting.
async fn read_newest(
    state: &Arc<AppState>,
    query: &ChangesQuery,
    format: OutputFormat,
) -> Option<ReadOutcome> {
    state.run_with_store(async |state| state.store.poll_position().await).await?;
    read_shared(state, query, format).await
}

/// The page as of the last position of the log that is known here. It is read once for all who ask.
async fn read_shared(
    state: &Arc<AppState>,
    query: &ChangesQuery,
    format: OutputFormat,
) -> Option<ReadOutcome> {
    let read = async |_| read(state, query, format).await.ok_or(());
    state.changes.get_or_make((query.clone(), format), read).await.ok()
}

async fn read(state: &Arc<AppState>, query: &ChangesQuery, format: OutputFormat) -> Option<ReadOutcome> {
    let query = query.clone();
    state.run_with_store(async move |state| encode(&state, &query, format).await).await
}

async fn encode(
    state: &AppState,
    query: &ChangesQuery,
    format: OutputFormat,
) -> Result<ReadOutcome, StoreError> {
    let log = state.store.log_id_for(query.channel.as_ref());
    let mut body = Vec::with_capacity(query.limit.min(TYPICAL_LIMIT) as usize * TYPICAL_BYTES);
    if format == OutputFormat::Json {
        let mut members = Members::new(&mut body);
        members.text("log", &log);
        // The changes follow as they are read, and then the end of the object.
        members.member("changes").push(b'[');
    }
    let (start, context) = (body.len(), ViewContext::new(state));
    let append = |change: Change| {
        if change.damaged {
            error!(article = %change.id, number = change.number, "this revision is damaged in the store");
        }
        if format == OutputFormat::Json && body.len() > start {
            body.push(b',');
        }
        views::append_change(&mut body, context, &change)?;
        if format == OutputFormat::Ndjson {
            body.push(b'\n');
        }
        Ok(())
    };
    let page = match state.store.changes_as(query, append).await? {
        ChangesResult::Page(page) => page,
        ChangesResult::BeyondHead { head } => return Ok(ReadOutcome::BeyondHead(head)),
        ChangesResult::UnknownChannel => return Ok(ReadOutcome::UnknownChannel),
    };
    if format == OutputFormat::Json {
        body.extend(format!("],\"next\":{}}}\n", page.next).into_bytes());
    }
    body.shrink_to_fit();
    Ok(ReadOutcome::Page(Arc::new(EncodedPage::new(body, page.changes.is_empty(), page.next, page.head))))
}

/// One change, as it stands in a list.
pub fn one_change(context: ViewContext<'_>, change: &Change) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::with_capacity(TYPICAL_BYTES);
    views::append_change(&mut bytes, context, change)?;
    Ok(bytes)
}

/// Waits for a change. Returns without one at the time limit, at shutdown, or if the client disconnects.
/// `empty` is the result of the first read.
async fn long_poll(
    state: &Arc<AppState>,
    changes_request: &ChangesRequest,
    empty: Arc<EncodedPage>,
    mut announced: watch::Receiver<LogPosition>,
    body: RequestBody,
) -> Result<Arc<EncodedPage>, Problem> {
    let Ok(_permit) = state.waiters.try_acquire() else { return Err(Problem::overloaded()) };
    let mut stop = state.stopping.clone();
    let time = tokio::time::sleep(changes_request.wait);
    let disconnected = body.client_disconnected();
    tokio::pin!(time, disconnected);
    let mut last = empty;
    loop {
        let has_grown = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => false,
            () = &mut disconnected => false,
            () = &mut time => false,
            announced = announced.wait_for(|announced| announced.head > last.next) => announced.is_ok(),
        };
        if !has_grown {
            return Ok(last);
        }
        let query = ChangesQuery { after: last.next, ..changes_request.query.clone() };
        last = into_page(state, &query, read_shared(state, &query, changes_request.format).await)?;
        if !last.is_empty {
            return Ok(last);
        }
    }
}

/// Streams from `first` to the head that it was read at.
fn stream(
    state: &Arc<AppState>,
    changes_request: ChangesRequest,
    first: Arc<EncodedPage>,
    coding: ContentCoding,
) -> Result<ResponseBody, Problem> {
    let permit = Arc::clone(&state.stream_permits).try_acquire_owned().map_err(|_| Problem::overloaded())?;
    let (writer, body) = ResponseBody::stream();
    let encoder = Encoder::new(coding);
    state.spawn(write_all(Arc::clone(state), changes_request, first, encoder, writer, permit));
    Ok(body)
}

async fn write_all(
    state: Arc<AppState>,
    changes_request: ChangesRequest,
    first: Arc<EncodedPage>,
    mut encoder: Encoder,
    writer: BodySender,
    _permit: OwnedSemaphorePermit,
) {
    let ChangesRequest { mut query, format, .. } = changes_request;
    query.until = Some(first.head);
    let mut page = first;
    loop {
        if !page.body.is_empty() {
            let chunk = page.body.clone();
            let coded = state.blocking(move || (encoder.encode(chunk), encoder)).await;
            let Some((chunk, rest)) = coded else { return };
            encoder = rest;
            if writer.send(chunk).await.is_err() {
                return;
            }
        }
        if query.until == Some(page.next) {
            let last = encoder.finish();
            if last.is_empty() || writer.send(last).await.is_ok() {
                writer.end().await;
            }
            return;
        }
        query.after = page.next;
        // On any other result the response is aborted, and the client continues from its last number.
        let Some(ReadOutcome::Page(next)) = read(&state, &query, format).await else { return };
        page = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ndjson_is_sent_only_if_accept_names_it() {
        for (accept, format) in [
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
            assert_eq!(negotiate(&HeaderMap::from_iter([(ACCEPT, value)])), format, "{accept}");
        }
    }
}
