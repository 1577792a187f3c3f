//! The body of a request: limits on its length, its rate and the memory of all bodies.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

use super::connection::ConnectionState;

/// The body of a request while it is being received.
pub struct RequestBody {
    /// `Some` until the body is dropped.
    incoming: Option<Incoming>,
    /// Gets what is left when the body is dropped. None if there is no body.
    unread: Option<UnreadBody>,
    connection: Rc<ConnectionState>,
}

/// The part of a request body that the service has not read.
pub(super) type UnreadBody = Rc<RefCell<Option<Incoming>>>;

/// Why a request body could not be received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// It is longer than the limit for its kind.
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
/// And for this many bodies with files of maximum length.
const MAX_CONCURRENT_UPLOADS: usize = 2;

impl RequestBody {
    pub(super) fn new(
        incoming: Incoming,
        unread: Option<UnreadBody>,
        connection: Rc<ConnectionState>,
    ) -> Self {
        Self { incoming: Some(incoming), unread, connection }
    }

    /// True if `Content-Length` exceeds the limit. `has_files`: the body carries files.
    pub fn is_declared_too_large(&self, has_files: bool) -> bool {
        let options = &self.connection.worker.options;
        self.declares_more_than(if has_files { options.max_upload_bytes } else { options.max_body_bytes })
    }

    fn declares_more_than(&self, limit: usize) -> bool {
        let declared = self.incoming.as_ref().map_or(0, |body| body.size_hint().lower());
        usize::try_from(declared).map_or(true, |length| length > limit)
    }

    /// Reads the complete body of a request, at most [`ServerOptions::max_body_bytes`](super::ServerOptions).
    ///
    /// # Errors
    /// If the body is too long, arrives too slowly, or is incomplete.
    pub async fn collect(self) -> Result<Bytes, BodyError> {
        let worker = Rc::clone(&self.connection.worker);
        let limit = worker.options.max_body_bytes;
        let room = limit.saturating_mul(MAX_CONCURRENT_BODIES);
        self.collect_up_to(limit, BodyMemory { total: &worker.body_memory, room, reserved: 0 }).await
    }

    /// Reads the complete body of a request that carries files, at most
    /// [`ServerOptions::max_upload_bytes`](super::ServerOptions).
    ///
    /// SECURITY: only after the sender was authenticated.
    ///
    /// # Errors
    /// As [`RequestBody::collect`].
    pub async fn collect_upload(self) -> Result<Bytes, BodyError> {
        let worker = Rc::clone(&self.connection.worker);
        let limit = worker.options.max_upload_bytes;
        let room = limit.saturating_mul(MAX_CONCURRENT_UPLOADS);
        self.collect_up_to(limit, BodyMemory { total: &worker.upload_memory, room, reserved: 0 }).await
    }

    /// A client that waits for `100 Continue` receives it.
    ///
    /// NOTE: each chunk is copied. A chunk keeps its whole read buffer alive, so a body sent in chunks of one
    /// byte would hold four thousand times its length.
    async fn collect_up_to(mut self, limit: usize, mut memory: BodyMemory<'_>) -> Result<Bytes, BodyError> {
        if self.declares_more_than(limit) {
            return Err(BodyError::TooLarge);
        }
        let worker = Rc::clone(&self.connection.worker);
        let began = tokio::time::Instant::now();
        let mut received = Vec::new();
        let Some(incoming) = &mut self.incoming else { return Ok(Bytes::new()) };
        loop {
            let due = worker.options.header_timeout
                + Duration::from_millis(received.len() as u64 * 1000 / MIN_BODY_RATE);
            let next = tokio::time::timeout_at(began + due, incoming.frame()).await;
            let Some(frame) = next.map_err(|_| BodyError::TooSlow)? else { return Ok(received.into()) };
            let Ok(data) = frame.map_err(|_| BodyError::CutShort)?.into_data() else { continue };
            if received.len() + data.len() > limit {
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
        if let Some(rest) = self.incoming.take().filter(|body| !body.is_end_stream())
            && let Some(unread) = &self.unread
        {
            unread.replace(Some(rest));
        }
    }
}

/// The memory that a body occupies while it is received, as part of its worker's total for its kind.
struct BodyMemory<'a> {
    total: &'a Cell<usize>,
    room: usize,
    reserved: usize,
}

impl BodyMemory<'_> {
    fn reserve(&mut self, bytes: usize) -> Result<(), BodyError> {
        let total = self.total.get() + bytes;
        if total > self.room {
            return Err(BodyError::Busy);
        }
        self.total.set(total);
        self.reserved += bytes;
        Ok(())
    }
}

impl Drop for BodyMemory<'_> {
    fn drop(&mut self) {
        self.total.set(self.total.get() - self.reserved);
    }
}
