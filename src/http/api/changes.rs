//! `GET /api/changes`: all changes after a number, in order, for clients that store the last number.
//!
//! JSON is one page. NDJSON without a `limit` continues to the head that the log had when the request
//! arrived, read in batches while it is sent: no response is in memory as a whole, and no snapshot is held
//! for a slow client. `next` is therefore known before the first byte; it is in the header `Bantin-Next`,
//! because each line of NDJSON is a change.
//!
//! A request with `wait` is held on the server's own runtime: one receiver and one timer each, without
//! reading the store. When the log has grown, identical requests are answered from one read.

use std::sync::Arc;
use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::{ACCEPT, HeaderValue};
use hyper::http::request::Parts;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tracing::error;

use super::super::coding::Encoder;
use super::super::content_coding::AcceptEncoding;
use super::super::qvalue::{self, QValue};
use super::super::response::{self, BodySender, HttpResponse, ResponseBody};
use super::super::server::RequestBody;
use super::super::single_flight::{EncodedPage, OutputFormat, ReadOutcome};
use super::super::state::AppState;
use super::articles::append_json;
use super::problem::Problem;
use super::query::QueryParams;
use super::views::{self, ViewContext};
use crate::render::ContentCoding;
use crate::store::{
    Change, ChangeVersion, ChangesPage, ChangesQuery, ChangesResult, LogPosition, StoreError,
};

/// Default and maximum number of changes on a page.
const MAX_LIMIT: u64 = 1000;
/// Soft limit of a page in bytes.
const PAGE_BYTES: usize = 4 * 1024 * 1024;
/// A batch of a stream: at most this many changes, or not much more than this many bytes.
const BATCH_SIZE: u32 = 64;
const BATCH_BYTES: usize = 256 * 1024;
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
    let mut encoded = into_page(
        state,
        &changes_request.query,
        read(state, &changes_request.query, changes_request.format).await,
    )?;
    if encoded.is_empty && !changes_request.wait.is_zero() {
        encoded = long_poll(state, &changes_request, encoded, announced, body).await?;
    }
    let log = &state.store.log_id_for(changes_request.query.channel.as_ref());
    let media_type = media_type(changes_request.format);
    if changes_request.stream_all && encoded.next < encoded.head {
        let head = encoded.head;
        let coding = AcceptEncoding::from_headers(&request.headers)
            .coding(false)
            .ok_or_else(Problem::not_acceptable)?;
        let body = stream(state, changes_request, encoded, coding)?;
        return Ok(response::encoded(
            response::changes(media_type, log, head, ResponseBody::default()),
            coding,
            body,
        ));
    }
    Ok(response::changes(media_type, log, encoded.next, encoded.body))
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
) -> Result<EncodedPage, Problem> {
    match outcome {
        Some(ReadOutcome::Page(encoded)) => Ok(encoded),
        Some(ReadOutcome::BeyondHead(head)) => {
            let channel = query.channel.as_ref();
            Err(Problem::log_reset(&state.urls, &state.store.log_id_for(channel), channel, head))
        }
        Some(ReadOutcome::UnknownChannel) => Err(Problem::unknown_channel()),
        None => Err(Problem::overloaded()),
    }
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
    let page = match state.store.changes_around(query, &|version| state.article_pieces.get(version)).await? {
        ChangesResult::Page(page) => page,
        ChangesResult::BeyondHead { head } => return Ok(ReadOutcome::BeyondHead(head)),
        ChangesResult::UnknownChannel => return Ok(ReadOutcome::UnknownChannel),
    };
    for change in page.changes.iter().filter(|change| change.damaged) {
        error!(article = %change.id, number = change.number, "this revision is damaged in the store");
    }
    let body = match format {
        OutputFormat::Json => page_of(state, &state.store.log_id_for(query.channel.as_ref()), &page)?,
        OutputFormat::Ndjson => lines_of(state, &page)?,
    };
    Ok(ReadOutcome::Page(EncodedPage {
        body: body.into(),
        is_empty: page.changes.is_empty(),
        next: page.next,
        head: page.head,
    }))
}

fn page_of(state: &AppState, log: &str, page: &ChangesPage) -> Result<Vec<u8>, StoreError> {
    let mut bytes = b"{\"log\":".to_vec();
    bytes.reserve(page.changes.len() * TYPICAL_BYTES);
    append_json(&mut bytes, &log)?;
    bytes.extend(b",\"changes\":[");
    for (index, change) in page.changes.iter().enumerate() {
        if index > 0 {
            bytes.push(b',');
        }
        append_change(state, &mut bytes, page.generation, change)?;
    }
    bytes.extend(format!("],\"next\":{}}}\n", page.next).into_bytes());
    Ok(bytes)
}

fn lines_of(state: &AppState, page: &ChangesPage) -> Result<Vec<u8>, StoreError> {
    let mut lines = Vec::with_capacity(page.changes.len() * TYPICAL_BYTES);
    for change in &page.changes {
        append_change(state, &mut lines, page.generation, change)?;
        lines.push(b'\n');
    }
    Ok(lines)
}

/// Appends a change. Keeps the JSON of its article for other clients.
fn append_change(
    state: &AppState,
    bytes: &mut Vec<u8>,
    generation: u64,
    change: &Change,
) -> Result<(), StoreError> {
    let version = ChangeVersion { number: change.number, generation };
    let keep = |article: &[u8]| state.article_pieces.insert(version, article.into());
    append_change_then(bytes, ViewContext::new(state), change, keep)
}

/// One change, as it stands in a list.
pub fn one_change(context: ViewContext<'_>, change: &Change) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::with_capacity(TYPICAL_BYTES);
    append_change_then(&mut bytes, context, change, |_| ())?;
    Ok(bytes)
}

/// Appends a change. `keep` gets the JSON of its article if that was not known.
fn append_change_then(
    bytes: &mut Vec<u8>,
    context: ViewContext<'_>,
    change: &Change,
    keep: impl FnOnce(&[u8]),
) -> Result<(), StoreError> {
    append_json(bytes, &views::change(context, change))?;
    // Without its closing brace.
    bytes.pop();
    bytes.extend(b",\"article\":");
    match (&change.recalled, &change.entry) {
        (Some(json), _) => bytes.extend(&**json),
        (None, Some(entry)) => {
            let start = bytes.len();
            append_json(bytes, &views::article(context, entry, change.number))?;
            keep(&bytes[start..]);
        }
        (None, None) => bytes.extend(b"null"),
    }
    if let Some(reason) = &change.reason {
        bytes.extend(b",\"reason\":");
        append_json(bytes, reason)?;
    }
    bytes.push(b'}');
    Ok(())
}

/// Waits for a change. Returns without one at the time limit, at shutdown, or if the client disconnects.
/// `empty` is the result of the first read.
async fn long_poll(
    state: &Arc<AppState>,
    changes_request: &ChangesRequest,
    empty: EncodedPage,
    mut announced: watch::Receiver<LogPosition>,
    body: RequestBody,
) -> Result<EncodedPage, Problem> {
    let Ok(_permit) = state.waiters.try_acquire() else { return Err(Problem::overloaded()) };
    let mut stop = state.stopping.clone();
    let time = tokio::time::sleep(changes_request.wait);
    let disconnected = body.client_disconnected();
    tokio::pin!(time, disconnected);
    let mut last = empty;
    loop {
        let head = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return Ok(last),
            () = &mut disconnected => return Ok(last),
            () = &mut time => return Ok(last),
            announced = announced.wait_for(|announced| announced.head > last.next) => match announced {
                Ok(announced) => announced.head,
                Err(_) => return Ok(last),
            },
        };
        let query = ChangesQuery { after: last.next, ..changes_request.query.clone() };
        let shared = state.single_flight.entry(head, &query, changes_request.format);
        let outcome = shared.get_or_init(|| read(state, &query, changes_request.format)).await.clone();
        last = into_page(state, &query, outcome)?;
        if !last.is_empty {
            return Ok(last);
        }
    }
}

/// Streams from `first` to the head that it was read at.
fn stream(
    state: &Arc<AppState>,
    changes_request: ChangesRequest,
    first: EncodedPage,
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
    first: EncodedPage,
    mut encoder: Encoder,
    writer: BodySender,
    _permit: OwnedSemaphorePermit,
) {
    let ChangesRequest { mut query, format, .. } = changes_request;
    query.until = Some(first.head);
    let mut encoded = first;
    loop {
        if !encoded.body.is_empty() {
            let chunk = encoded.body;
            let coded = state.blocking(move || (encoder.encode(chunk), encoder)).await;
            let Some((chunk, rest)) = coded else { return };
            encoder = rest;
            if writer.send(chunk).await.is_err() {
                return;
            }
        }
        if query.until == Some(encoded.next) {
            let last = encoder.finish();
            if last.is_empty() || writer.send(last).await.is_ok() {
                writer.end().await;
            }
            return;
        }
        query.after = encoded.next;
        // On any other result the response is aborted, and the client continues from its last number.
        let Some(ReadOutcome::Page(next)) = read(&state, &query, format).await else { return };
        encoded = next;
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
