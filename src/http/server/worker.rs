//! One worker thread: accepts connections, speaks HTTP/1.1 on them, and checks their limits.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::rc::{Rc, Weak};
use std::task::Poll;
use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use hyper::Request;
use hyper::body::{Body as _, Incoming};
use hyper::header::EXPECT;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use tokio::net::{TcpListener as TokioListener, TcpStream};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::connection::{CloseCommand, ConnectionState, Phase, WorkerState};
use super::limits::ServerOptions;
use super::listener::AcceptBackoff;
use super::request_body::RequestBody;
use super::timed_io::TimedIo;
use crate::http::metrics::{RouteClass, ServerMetrics};
use crate::http::response::{self, HttpResponse};

/// The smallest buffer that hyper allows, in bytes.
const MIN_BUFFER_BYTES: usize = 8192;

/// The unread rest of a request body is discarded up to this length …
const MAX_DISCARDED_BYTES: u64 = 256 << 10;
/// … and for at most this time. Beyond that, the connection is closed.
const MAX_DISCARD_TIME: Duration = Duration::from_secs(1);

/// At shutdown, how long a new connection may take to send its request.
const REQUEST_GRACE: Duration = Duration::from_millis(200);

/// The shutdown signal, from outside or from a worker that ended.
pub(super) struct ShutdownSignal {
    pub(super) requested: watch::Receiver<bool>,
    pub(super) forced: watch::Receiver<bool>,
}

impl ShutdownSignal {
    /// Returns once either is true or has lost its sender.
    async fn requested(&mut self) {
        tokio::select! {
            _ = self.requested.wait_for(|&stop| stop) => {}
            _ = self.forced.wait_for(|&stop| stop) => {}
        }
    }
}

/// One thread of the server.
pub(super) struct Worker {
    state: Rc<WorkerState>,
    max_connections: usize,
    http: http1::Builder,
    connections: RefCell<Vec<Weak<ConnectionState>>>,
}

impl Worker {
    /// Serves at most `max_connections` at a time.
    pub(super) fn new(
        options: ServerOptions,
        max_connections: usize,
        metrics: ServerMetrics,
        index: usize,
    ) -> Rc<Self> {
        let mut http = http1::Builder::new();
        // NOTE: hyper's own header timeout is off on purpose. It arms a timer for each request (3 % of a
        // 304). The sweep enforces that limit, and those that hyper does not have.
        http.header_read_timeout(None)
            // A script that pipes its request into `nc` closes its sending side and still wants the response.
            .half_close(true)
            .max_header_size(options.max_header_bytes)
            .max_buf_size(options.max_header_bytes.max(MIN_BUFFER_BYTES));
        Rc::new(Self {
            state: Rc::new(WorkerState::new(options, metrics, index)),
            max_connections,
            http,
            connections: RefCell::default(),
        })
    }

    pub(super) async fn run<Service, Answer>(
        self: Rc<Self>,
        listener: TcpListener,
        service: Service,
        mut stop: ShutdownSignal,
    ) -> io::Result<()>
    where
        Service: Fn(Request<RequestBody>, SocketAddr) -> Answer + Clone + 'static,
        Answer: Future<Output = HttpResponse> + 'static,
    {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let mut sweeps = tokio::time::interval(self.state.options.sweep_interval());
        sweeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pause = AcceptBackoff::default();
        let outcome = loop {
            tokio::select! {
                biased;
                () = stop.requested() => break Ok(()),
                _ = sweeps.tick() => self.check_timeouts(),
                accepted = self.accept(&listener, &mut pause) => match accepted {
                    Ok((stream, peer)) => self.clone().spawn_connection(stream, peer, service.clone()),
                    Err(error) => break Err(error),
                },
            }
        };
        // The kernel has already completed the handshake of queued connections, so they are answered.
        let listener = listener.into_std()?;
        while self.state.open_connections.get() < self.max_connections
            && let Ok((stream, peer)) = listener.accept()
            && stream.set_nonblocking(true).is_ok()
            && let Ok(stream) = TcpStream::from_std(stream)
        {
            self.clone().spawn_connection(stream, peer, service.clone());
        }
        drop(listener);
        self.drain().await;
        outcome
    }

    /// Accepts the next connection once the number of open ones is below the maximum. Until then it waits in
    /// the kernel.
    async fn accept(
        &self,
        listener: &TokioListener,
        pause: &mut AcceptBackoff,
    ) -> io::Result<(TcpStream, SocketAddr)> {
        while self.state.open_connections.get() >= self.max_connections {
            self.state.connection_closed.notified().await;
        }
        loop {
            match listener.accept().await {
                Ok(accepted) => {
                    pause.reset();
                    return Ok(accepted);
                }
                Err(error) => match error.kind() {
                    // The client has already disconnected.
                    ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted => {}
                    // The socket no longer listens; this is permanent.
                    ErrorKind::InvalidInput => return Err(error),
                    // No descriptors, no memory, or a network error: temporary.
                    _ => pause.wait(&error).await,
                },
            }
        }
    }

    /// Starts the task of a connection.
    fn spawn_connection<Service, Answer>(
        self: Rc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        service: Service,
    ) where
        Service: Fn(Request<RequestBody>, SocketAddr) -> Answer + 'static,
        Answer: Future<Output = HttpResponse> + 'static,
    {
        // A response is one write; delaying it has no benefit. An error here means that the client is gone;
        // the first read will report that.
        let _ = stream.set_nodelay(true);
        let state = ConnectionState::new(Rc::clone(&self.state));
        self.connections.borrow_mut().push(Rc::downgrade(&state));
        let io = TimedIo::new(stream, Rc::clone(&state));
        let shared = Rc::clone(&state);
        let answer = service_fn(move |request| respond(Rc::clone(&shared), request, peer, &service));
        let connection = self.http.serve_connection(io, answer);
        tokio::task::spawn_local(async move {
            let mut connection = pin!(connection);
            let mut closing = false;
            poll_fn(|context| {
                if state.command.get() == CloseCommand::Abort {
                    return Poll::Ready(());
                }
                state.wake_with(context.waker());
                let close = !closing && state.command.get() == CloseCommand::Close;
                closing |= close;
                // The running response gets `Connection: close`.
                if close && state.phase.get() == Phase::Answer {
                    connection.as_mut().graceful_shutdown();
                }
                let mut polled = connection.as_mut().poll(context);
                // After the poll, so that a request which has already arrived is answered before closing.
                if close && polled.is_pending() {
                    connection.as_mut().graceful_shutdown();
                    polled = connection.as_mut().poll(context);
                }
                // How the connection ended does not matter: the client closed it, or hyper has answered
                // invalid bytes with 400.
                polled.map(drop)
            })
            .await;
        });
    }

    /// Checks the time limits of all connections.
    fn check_timeouts(&self) {
        let now = Instant::now();
        self.state.clock.set(now);
        self.connections.borrow_mut().retain(|connection| {
            let connection = connection.upgrade();
            connection.inspect(|connection| connection.check(now)).is_some()
        });
    }

    /// Waits for running responses until the deadline. A connection on which a request may be on its way gets a moment:
    /// its client has no answer yet and would see an error.
    async fn drain(&self) {
        self.command_all(CloseCommand::Close, |connection| !connection.awaits_request());
        let none_awaited = async {
            while self.connections.borrow().iter().filter_map(Weak::upgrade).any(|open| open.awaits_request())
            {
                tokio::time::sleep(REQUEST_GRACE / 20).await;
            }
        };
        let _ = tokio::time::timeout(REQUEST_GRACE, none_awaited).await;
        self.command_all(CloseCommand::Close, |_| true);
        let all_closed = async {
            while self.state.open_connections.get() > 0 {
                self.state.connection_closed.notified().await;
            }
        };
        if tokio::time::timeout(self.state.options.shutdown_deadline, all_closed).await.is_err() {
            tracing::warn!(
                connections = self.state.open_connections.get(),
                "connections aborted at the shutdown deadline"
            );
        }
    }

    fn command_all(&self, command: CloseCommand, which: impl Fn(&ConnectionState) -> bool) {
        let open = self.connections.borrow();
        for connection in open.iter().filter_map(Weak::upgrade).filter(|connection| which(connection)) {
            connection.command(command);
        }
    }
}

/// Answers one request, and handles the part of its body that the service did not read.
fn respond<Service, Answer>(
    state: Rc<ConnectionState>,
    request: Request<Incoming>,
    peer: SocketAddr,
    service: &Service,
) -> impl Future<Output = Result<HttpResponse, Infallible>> + use<Service, Answer>
where
    Service: Fn(Request<RequestBody>, SocketAddr) -> Answer,
    Answer: Future<Output = HttpResponse>,
{
    state.phase.set(Phase::Answer);
    let (route, started) = (RouteClass::of(request.uri().path()), Instant::now());
    let expects = request.headers().contains_key(EXPECT);
    let answer = service(request.map(|body| RequestBody::new(body, Rc::clone(&state))), peer);
    async move {
        let mut reply = answer.await;
        let rest = state.unread.take();
        if let Some(rest) = rest
            && (expects || !discard_rest(rest).await)
        {
            state.still_sending.set(true);
            response::close_connection(&mut reply);
        }
        state.phase.set(Phase::Idle { since: state.worker.clock.get() });
        state.held_back.set(false);
        state.sending.replace(reply.body().in_memfd().cloned());
        state.worker.metrics().answered(reply.status(), route, started.elapsed());
        Ok(reply)
    }
}

/// Discards the rest of a body if it is short and arrives soon, so that the connection can be reused. Not for
/// a client that waits for `100 Continue`: reading would request the body (RFC 9110 §10.1.1).
async fn discard_rest(mut rest: Incoming) -> bool {
    if rest.size_hint().upper().is_none_or(|bytes| bytes > MAX_DISCARDED_BYTES) {
        return false;
    }
    let all = async { while rest.frame().await.is_some_and(|frame| frame.is_ok()) {} };
    tokio::time::timeout(MAX_DISCARD_TIME, all).await.is_ok() && rest.is_end_stream()
}
