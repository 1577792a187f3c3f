//! The body of a request: limits on its length, its rate and the memory of all bodies.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

use super::connection::{ConnectionState, WorkerState};

/// The body of a request while it is being received.
pub struct RequestBody {
    /// `Some` until the body is dropped.
    incoming: Option<Incoming>,
    connection: Rc<ConnectionState>,
}

/// Why a request body could not be received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// It is longer than [`ServerOptions::max_body_bytes`](super::ServerOptions::max_body_bytes).
    TooLarge,
    /// After [`ServerOptions::header_timeout`](super::ServerOptions::header_timeout) it arrived at less than
    /// [`MIN_BODY_RATE`] on average.
    TooSlow,
    /// The client disconnected, or the body is malformed.
    CutShort,
    /// Too many bodies are being received at the same time.
    Busy,
}

/// Minimum rate in bytes per second; slower than any usable line.
pub const MIN_BODY_RATE: u64 = 1024;
/// Each worker has memory for this many bodies of maximum length at a time.
const MAX_CONCURRENT_BODIES: usize = 32;

impl RequestBody {
    pub(super) fn new(incoming: Incoming, connection: Rc<ConnectionState>) -> Self {
        Self { incoming: Some(incoming), connection }
    }

    /// True if `Content-Length` exceeds the limit.
    pub fn is_declared_too_large(&self) -> bool {
        let declared = self.incoming.as_ref().map_or(0, |body| body.size_hint().lower());
        usize::try_from(declared)
            .map_or(true, |length| length > self.connection.worker.options.max_body_bytes)
    }

    /// Reads the complete body. A client that waits for `100 Continue` receives it.
    ///
    /// NOTE: each chunk is copied. A chunk keeps its whole read buffer alive, so a body sent in chunks of one
    /// byte would hold four thousand times its length.
    ///
    /// # Errors
    /// If the body is too long, arrives too slowly, or is incomplete.
    pub async fn collect(mut self) -> Result<Bytes, BodyError> {
        if self.is_declared_too_large() {
            return Err(BodyError::TooLarge);
        }
        let worker = Rc::clone(&self.connection.worker);
        let began = tokio::time::Instant::now();
        let mut memory = BodyMemory { worker: &worker, reserved: 0 };
        let mut received = Vec::new();
        let Some(incoming) = &mut self.incoming else { return Ok(Bytes::new()) };
        loop {
            let due = worker.options.header_timeout
                + Duration::from_millis(received.len() as u64 * 1000 / MIN_BODY_RATE);
            let next = tokio::time::timeout_at(began + due, incoming.frame()).await;
            let Some(frame) = next.map_err(|_| BodyError::TooSlow)? else { return Ok(received.into()) };
            let Ok(data) = frame.map_err(|_| BodyError::CutShort)?.into_data() else { continue };
            if received.len() + data.len() > worker.options.max_body_bytes {
                return Err(BodyError::TooLarge);
            }
            memory.reserve(data.len())?;
            received.extend_from_slice(&data);
        }
    }

    /// Returns once the client has closed its sending side: it has disconnected, or sends nothing more and
    /// still waits for the response. Only for responses that are held back.
    pub fn client_disconnected(&self) -> impl Future<Output = ()> + use<> {
        let connection = Rc::clone(&self.connection);
        // The connection polls this future and its socket in the same task; the socket is checked after this
        // future.
        poll_fn(move |_| {
            connection.held_back.set(true);
            if connection.disconnected.get() { Poll::Ready(()) } else { Poll::Pending }
        })
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if let Some(rest) = self.incoming.take().filter(|body| !body.is_end_stream()) {
            self.connection.unread.replace(Some(rest));
        }
    }
}

/// The memory that a body occupies while it is received, as part of its worker's total.
struct BodyMemory<'a> {
    worker: &'a WorkerState,
    reserved: usize,
}

impl BodyMemory<'_> {
    fn reserve(&mut self, bytes: usize) -> Result<(), BodyError> {
        let total = self.worker.body_memory.get() + bytes;
        if total > self.worker.options.max_body_bytes.saturating_mul(MAX_CONCURRENT_BODIES) {
            return Err(BodyError::Busy);
        }
        self.worker.body_memory.set(total);
        self.reserved += bytes;
        Ok(())
    }
}

impl Drop for BodyMemory<'_> {
    fn drop(&mut self) {
        self.worker.body_memory.set(self.worker.body_memory.get() - self.reserved);
    }
}
