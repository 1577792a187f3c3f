//! One worker thread: accepts connections, speaks HTTP/1.1 or HTTP/2 on them, and checks their limits.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::pin::{Pin, pin};
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use hyper::header::{EXPECT, HOST, HeaderValue};
use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Method, Request};
use hyper_util::server::graceful::GracefulConnection;
use tokio::net::{TcpListener as TokioListener, TcpStream};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::connection::{CloseCommand, ConnectionState, Phase, RunningAnswer, WorkerState};
use super::limits::ServerOptions;
use super::listener::AcceptBackoff;
use super::request_body::{RequestBody, UnreadBody};
use super::service::{Answer, Service};
use super::timed_io::{TimedIo, Transport};
use super::tls::{self, TlsCertificate};
use crate::http::header_lines::is_present;
use crate::http::metrics::{RouteClass, ServerMetrics};
use crate::http::response::{self, HttpResponse};

/// What the kernel keeps for a client that it has not sent yet, in bytes. Clients that read nothing would otherwise fill the
/// memory that it has for all connections, and the others would wait for segments to be sent again.
#[cfg(target_os = "linux")]
const MAX_UNSENT: u32 = 128 << 10;

/// The smallest buffer that hyper allows, in bytes.
const MIN_BUFFER_BYTES: usize = 8192;

/// The unread rest of a request body is discarded up to this length …
const MAX_DISCARDED_BYTES: u64 = 256 << 10;
/// … and for at most this time. Beyond that, the connection is closed.
const MAX_DISCARD_TIME: Duration = Duration::from_secs(1);

/// HTTP/2: requests that are answered at the same time on one connection …
const MAX_STREAMS: u32 = 100;
/// … and the bytes of each response that wait for the client.
const STREAM_BUFFER_BYTES: usize = 64 << 10;

/// At shutdown, how long a connection that is new, or was used just now, may take to send its request.
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
    http1: http1::Builder,
    http2: http2::Builder<LocalExecutor>,
    tls: Option<TlsCertificate>,
    connections: RefCell<Vec<Weak<ConnectionState>>>,
}

impl Worker {
    /// Serves at most `max_connections` at a time.
    pub(super) fn new(
        options: ServerOptions,
        max_connections: usize,
        metrics: ServerMetrics,
        index: usize,
        tls: Option<TlsCertificate>,
    ) -> Rc<Self> {
        let mut http1 = http1::Builder::new();
        // NOTE: hyper's own header timeout is off on purpose. It arms a timer for each request (3 % of a
        // 304). The sweep enforces that limit, and those that hyper does not have.
        http1
            .header_read_timeout(None)
            // A script that pipes its request into `nc` closes its sending side and still wants the response.
            .half_close(true)
            .max_header_size(options.max_header_bytes)
            .max_buf_size(options.max_header_bytes.max(MIN_BUFFER_BYTES));
        let mut http2 = http2::Builder::new(LocalExecutor);
        http2
            .max_concurrent_streams(MAX_STREAMS)
            .max_send_buf_size(STREAM_BUFFER_BYTES)
            .max_header_list_size(u32::try_from(options.max_header_bytes).unwrap_or(u32::MAX));
        Rc::new(Self {
            state: Rc::new(WorkerState::new(options, metrics, index)),
            max_connections,
            http1,
            http2,
            tls,
            connections: RefCell::default(),
        })
    }

    pub(super) async fn run(
        self: Rc<Self>,
        listener: TcpListener,
        service: impl Service + Clone,
        mut stop: ShutdownSignal,
    ) -> io::Result<()> {
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
    fn spawn_connection(self: Rc<Self>, stream: TcpStream, peer: SocketAddr, service: impl Service) {
        // A response is one write; delaying it has no benefit. An error here means that the client is gone;
        // the first read will report that.
        let _ = stream.set_nodelay(true);
        #[cfg(target_os = "linux")]
        let _ = socket2::SockRef::from(&stream).set_tcp_notsent_lowat(MAX_UNSENT);
        let state = ConnectionState::new(Rc::clone(&self.state));
        self.connections.borrow_mut().push(Rc::downgrade(&state));
        // Each connection occupies as much as the largest state of its task: one without TLS has a task of its own.
        if self.tls.is_none() {
            tokio::task::spawn_local(async move { self.serve_plain(stream, state, peer, service).await });
            return;
        }
        tokio::task::spawn_local(async move {
            let Some(tls) = &self.tls else { return };
            let handshake = unless_aborted(&state, tls.accept(stream));
            let Some(Ok(stream)) = handshake.await else { return };
            match tls::speaks_http2(&stream) {
                true => self.serve_http2(stream, state, peer, service).await,
                false => self.serve_http1(stream, state, peer, service).await,
            }
        });
    }

    async fn serve_plain(
        &self,
        stream: TcpStream,
        state: Rc<ConnectionState>,
        peer: SocketAddr,
        service: impl Service,
    ) {
        match unless_aborted(&state, begins_http2(&stream)).await {
            // Few connections; boxed, so that those of HTTP/1.1 do not occupy its room.
            Some(true) => Box::pin(self.serve_http2(stream, state, peer, service)).await,
            Some(false) => self.serve_http1(stream, state, peer, service).await,
            None => {}
        }
    }

    async fn serve_http1(
        &self,
        stream: impl Transport,
        state: Rc<ConnectionState>,
        peer: SocketAddr,
        service: impl Service,
    ) {
        let io = TimedIo::new(stream, Rc::clone(&state));
        let shared = Rc::clone(&state);
        let answer = service_fn(move |request| respond(Rc::clone(&shared), request, peer, &service));
        drive(&state, self.http1.serve_connection(io, answer)).await;
    }

    async fn serve_http2(
        &self,
        stream: impl Transport,
        state: Rc<ConnectionState>,
        peer: SocketAddr,
        service: impl Service,
    ) {
        state.is_multiplexed.set(true);
        let io = TimedIo::new(stream, Rc::clone(&state));
        let shared = Rc::clone(&state);
        let answer =
            service_fn(move |request| respond(Rc::clone(&shared), with_host(request), peer, &service));
        drive(&state, self.http2.serve_connection(io, answer)).await;
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
    /// its client has no answer yet and would see an error. The answer says that it is the last one (RFC 9112 §9.6).
    async fn drain(&self) {
        self.command_all(CloseCommand::CloseAfterNext, |connection| connection.awaits_request(REQUEST_GRACE));
        let is_awaited =
            |connection: &ConnectionState| connection.command.get() == CloseCommand::CloseAfterNext;
        self.command_all(CloseCommand::Close, |connection| !is_awaited(connection));
        let none_awaited = async {
            while self.connections.borrow().iter().filter_map(Weak::upgrade).any(|open| is_awaited(&open)) {
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

/// Runs a connection until it ends or is aborted.
async fn drive(state: &ConnectionState, connection: impl GracefulConnection) {
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
}

/// True if the client speaks HTTP/2 from its first byte on, as load balancers do (RFC 9113 §3.3). NOTE: it is believed by
/// the first packet; bytes that arrive one by one are read as HTTP/1.1, which refuses this method.
async fn begins_http2(stream: &TcpStream) -> bool {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n";
    let mut first = [0; PREFACE.len()];
    stream.peek(&mut first).await.is_ok() && first == PREFACE
}

/// None if the connection is to be aborted before `work` is finished.
async fn unless_aborted<T>(state: &ConnectionState, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|context| {
        if state.command.get() == CloseCommand::Abort {
            return Poll::Ready(None);
        }
        state.wake_with(context.waker());
        work.as_mut().poll(context).map(Some)
    })
    .await
}

/// HTTP/2 has `:authority` in place of `Host` (RFC 9113 §8.3.1), and hyper puts it into the URI.
fn with_host<B>(mut request: Request<B>) -> Request<B> {
    let uri = std::mem::take(request.uri_mut()).into_parts();
    if let Some(authority) = uri.authority.filter(|_| !request.headers().contains_key(HOST))
        && let Ok(host) = HeaderValue::try_from(authority.as_str())
    {
        request.headers_mut().insert(HOST, host);
    }
    if let Some(path) = uri.path_and_query {
        *request.uri_mut() = path.into();
    }
    request
}

/// Runs the streams of HTTP/2 connections on the thread of their worker.
#[derive(Clone, Copy)]
struct LocalExecutor;

impl<Task: Future<Output = ()> + 'static> Executor<Task> for LocalExecutor {
    fn execute(&self, task: Task) {
        tokio::task::spawn_local(task);
    }
}

/// Answers one request, and handles the part of its body that the service did not read.
fn respond(
    state: Rc<ConnectionState>,
    request: Request<Incoming>,
    peer: SocketAddr,
    service: &impl Service,
) -> Responding {
    let exchange = HttpExchange::begin(&state, &request);
    let expects = is_present(request.headers(), EXPECT);
    let unread = (!request.body().is_end_stream()).then(UnreadBody::default);
    let request = request.map(|body| RequestBody::new(body, unread.clone(), state));
    Responding(match (service.answer(request, peer), unread) {
        (Answer::Ready(reply), None) => Answer::ready(exchange.end(reply.into_inner())),
        (answer, unread) => Answer::Later(Box::pin(async move {
            let mut reply = answer.await;
            if let Some(rest) = unread.and_then(|unread| unread.take()) {
                exchange.end_body(rest, expects, &mut reply).await;
            }
            exchange.end(reply)
        })),
    })
}

/// The answer as hyper wants it. NOTE: small, because hyper keeps its room with the connection, also while that is idle.
struct Responding(Answer);

impl Future for Responding {
    type Output = Result<HttpResponse, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(Ok)
    }
}

/// A request and its response.
struct HttpExchange {
    running: RunningAnswer,
    is_multiplexed: bool,
    drops_body: bool,
    route: RouteClass,
    started: Instant,
}

impl HttpExchange {
    fn begin(state: &Rc<ConnectionState>, request: &Request<Incoming>) -> Self {
        let is_multiplexed = state.is_multiplexed.get();
        Self {
            running: state.begin_answer(),
            is_multiplexed,
            drops_body: is_multiplexed && request.method() == Method::HEAD,
            route: RouteClass::of(request.uri().path()),
            started: Instant::now(),
        }
    }

    /// Discards what the service did not read. HTTP/2: the rest occupies no other request's place. It is discarded all
    /// the same, because many clients cannot read an answer before they have sent their request (RFC 9113 §8.1).
    async fn end_body(&self, rest: Incoming, expects: bool, reply: &mut HttpResponse) {
        if (expects || !discard_rest(rest, self.is_multiplexed).await) && !self.is_multiplexed {
            self.running.connection().still_sending.set(true);
            response::close_connection(reply);
        }
    }

    fn end(self, mut reply: HttpResponse) -> HttpResponse {
        let state = Rc::clone(self.running.connection());
        if self.drops_body {
            response::drop_body(&mut reply);
        }
        if !self.is_multiplexed && state.command.get() == CloseCommand::CloseAfterNext {
            response::close_connection(&mut reply);
        }
        drop(self.running);
        state.held_back.set(false);
        state.sending.replace(reply.body().in_memfd().cloned());
        state.worker.metrics().answered(reply.status(), self.route, self.started.elapsed());
        reply
    }
}

/// Discards the rest of a body if it is short (with HTTP/2, of any length) and arrives soon, so that the connection can be
/// reused. Not for a client that waits for `100 Continue`: reading would request the body (RFC 9110 §10.1.1).
async fn discard_rest(mut rest: Incoming, any_length: bool) -> bool {
    if !any_length && rest.size_hint().upper().is_none_or(|bytes| bytes > MAX_DISCARDED_BYTES) {
        return false;
    }
    let all = async { while rest.frame().await.is_some_and(|frame| frame.is_ok()) {} };
    tokio::time::timeout(MAX_DISCARD_TIME, all).await.is_ok() && rest.is_end_stream()
}
