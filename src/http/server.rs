//! The sockets: takes connections, speaks HTTP/1.1 on them, and holds every limit.
//!
//! One thread per core, each with a runtime, a listener (`SO_REUSEPORT`) and connections of its own; nothing
//! moves between cores, so a service's futures need not be `Send`. Behind a proxy or in front of the open
//! net alike:
//! - a client that does not send, does not fetch, or stays too long is cut off;
//! - beyond the cap, connections wait in the kernel's queue until a place is free;
//! - a lack of file descriptors is waited out;
//! - on shutdown no connection is taken any more, running answers are finished, and at the deadline the
//!   rest is dropped.
//!
//! This room knows nothing of what is served. TLS and HTTP/2 are the proxy's.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice};
use std::net::{SocketAddr, TcpListener};
use std::pin::{Pin, pin};
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::Request;
use hyper::body::{Body as _, Incoming};
use hyper::header::EXPECT;
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustix::net::SendFlags;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::net::{TcpListener as TokioListener, TcpStream};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{Notify, watch};
use tokio::time::MissedTickBehavior;

use super::body::MemfdBody;
use super::metrics::{ServerMetrics, WorkerMetrics};
use super::response::{self, HttpResponse};

/// The body of a request, as it comes in.
pub struct RequestBody {
    /// There until the body is dropped.
    incoming: Option<Incoming>,
    connection: Rc<ConnectionState>,
}

/// Why the body of a request did not come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// It is longer than [`Options::max_body_bytes`].
    TooLarge,
    /// After [`Options::header_timeout`] it came at less than [`MIN_BODY_RATE`] on average.
    TooSlow,
    /// The client went away, or what it sent is no body.
    CutShort,
    /// Too many bodies come in at a time.
    Busy,
}

/// Bytes a second: less than the poorest telephone line carries.
pub const MIN_BODY_RATE: u64 = 1024;
/// On each core so many of the longest bodies may come in at a time.
const BODIES_AT_A_TIME: usize = 32;
/// What is left of a refused request's body is taken off the wire where it is no longer than this …
const LITTLE: u64 = 256 << 10;
/// … and comes within this time. Otherwise the connection ends.
const SOON: Duration = Duration::from_secs(1);

impl RequestBody {
    /// True where the request itself says that its body is longer than the limit.
    pub fn is_declared_too_large(&self) -> bool {
        let declared = self.incoming.as_ref().map_or(0, |body| body.size_hint().lower());
        usize::try_from(declared)
            .map_or(true, |length| length > self.connection.worker.options.max_body_bytes)
    }

    /// The whole body. A client that waits for `100 Continue` is told to go on.
    ///
    /// NOTE: copied piece by piece. A piece keeps the whole buffer that it was read into, so that a body in pieces of
    /// one byte would hold four thousand times its length.
    ///
    /// # Errors
    /// Where it is too long, comes too slowly, or does not come whole.
    pub async fn collect(mut self) -> Result<Bytes, BodyError> {
        if self.is_declared_too_large() {
            return Err(BodyError::TooLarge);
        }
        let core = Rc::clone(&self.connection.worker);
        let began = tokio::time::Instant::now();
        let mut room = Room { core: &core, taken: 0 };
        let mut whole = Vec::new();
        let Some(incoming) = &mut self.incoming else { return Ok(Bytes::new()) };
        loop {
            let due = core.options.header_timeout
                + Duration::from_millis(whole.len() as u64 * 1000 / MIN_BODY_RATE);
            let next = tokio::time::timeout_at(began + due, incoming.frame()).await;
            let Some(frame) = next.map_err(|_| BodyError::TooSlow)? else { return Ok(whole.into()) };
            let Ok(data) = frame.map_err(|_| BodyError::CutShort)?.into_data() else { continue };
            if whole.len() + data.len() > core.options.max_body_bytes {
                return Err(BodyError::TooLarge);
            }
            room.take(data.len())?;
            whole.extend_from_slice(&data);
        }
    }

    /// Returns once the client has closed its sending side: it has gone, or will send nothing more and wait for
    /// the answer all the same. Ask for it only where an answer is held back.
    pub fn client_disconnected(&self) -> impl Future<Output = ()> + use<> {
        let seat = Rc::clone(&self.connection);
        // The connection polls this and its socket in one task, and looks at the socket behind this.
        poll_fn(move |_| {
            seat.held_back.set(true);
            if seat.disconnected.get() { Poll::Ready(()) } else { Poll::Pending }
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

/// The memory that a body takes of its core's share while it comes in.
struct Room<'a> {
    core: &'a Worker,
    taken: usize,
}

impl Room<'_> {
    fn take(&mut self, bytes: usize) -> Result<(), BodyError> {
        let all = self.core.body_memory.get() + bytes;
        if all > self.core.options.max_body_bytes.saturating_mul(BODIES_AT_A_TIME) {
            return Err(BodyError::Busy);
        }
        self.core.body_memory.set(all);
        self.taken += bytes;
        Ok(())
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.core.body_memory.set(self.core.body_memory.get() - self.taken);
    }
}

/// The limits on connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerOptions {
    /// From the connection's first moment, or from the first byte of a further request, until the whole head
    /// of the request is there.
    pub header_timeout: Duration,
    /// From an answer until the whole head of the next request. Longer than the time for which a proxy in
    /// front keeps its connections (nginx: 60 s), so that it is the proxy who hangs up.
    pub idle_timeout: Duration,
    /// How long the client may take not a single byte of an answer.
    pub send_timeout: Duration,
    /// The age at which a connection is closed behind the answer that runs; after a further
    /// `send_timeout` it is cut off.
    pub max_connection_age: Duration,
    /// Connections open at a time, shared out evenly among the cores (one each at the least).
    pub max_connections: usize,
    /// The longest head of a request, in bytes; at least 8,192. A longer one is answered 431.
    pub max_header_bytes: usize,
    /// The longest body of a request, in bytes. A longer one is answered 413.
    pub max_body_bytes: usize,
    /// From the word to stop until the answers that still run are dropped.
    pub shutdown_deadline: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(75),
            send_timeout: Duration::from_secs(60),
            max_connection_age: Duration::from_secs(600),
            max_connections: 4096,
            max_header_bytes: 64 * 1024,
            max_body_bytes: 2 * 1024 * 1024,
            shutdown_deadline: Duration::from_secs(8),
        }
    }
}

/// Bound sockets, one per core, on one address.
#[derive(Debug)]
pub struct Listeners {
    address: SocketAddr,
    sockets: Vec<TcpListener>,
    traffic: ServerMetrics,
}

/// Connections that may wait in the kernel for each listener.
const BACKLOG: i32 = 4096;

/// The smallest buffer that hyper takes, in bytes.
const MIN_BUFFER_BYTES: usize = 8192;

impl Listeners {
    /// Binds `how_many` listeners (at least one) to `address`. For port 0 the kernel chooses one for all.
    ///
    /// # Errors
    /// Where the address cannot be bound, for example because another process listens there.
    pub fn bind(address: SocketAddr, how_many: usize) -> io::Result<Self> {
        if address.port() != 0 {
            // NOTE: SO_REUSEPORT would let a second process of this user share the port in silence. A
            // socket without it finds out whether somebody is there.
            drop(bind_one(address, false)?);
        }
        let first = bind_one(address, true)?;
        let address = first.local_addr()?;
        let others = (1..how_many).map(|_| bind_one(address, true));
        let sockets = std::iter::once(Ok(first)).chain(others).collect::<io::Result<Vec<_>>>()?;
        Ok(Self { address, traffic: ServerMetrics::new(sockets.len()), sockets })
    }

    /// The address, with the port that was chosen.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The counters of what will pass here.
    pub fn traffic(&self) -> ServerMetrics {
        self.traffic.clone()
    }
}

fn bind_one(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Without it a restart would have to wait for the connections of its predecessor to be forgotten.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Serves until `shutdown` says true (or its sender is gone), then finishes what runs and returns. Blocks:
/// call it on a thread that may.
///
/// # Errors
/// Where a core could not start, or its listener broke. The other cores are shut down in order first.
pub fn serve<Service, Answer>(
    listeners: Listeners,
    options: &ServerOptions,
    service: Service,
    shutdown: watch::Receiver<bool>,
) -> io::Result<()>
where
    Service: Fn(Request<RequestBody>, SocketAddr) -> Answer + Clone + Send + 'static,
    Answer: Future<Output = HttpResponse> + 'static,
{
    // Ends all cores as soon as one has ended, for whatever reason.
    let (halt, halted) = watch::channel(false);
    let places = options.max_connections.div_ceil(listeners.sockets.len()).max(1);
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        let mut outcome = Ok(());
        for (index, listener) in listeners.sockets.into_iter().enumerate() {
            let (service, traffic) = (service.clone(), listeners.traffic.clone());
            let stop = ShutdownSignal { requested: shutdown.clone(), forced: halted.clone() };
            let halt = &halt;
            let core = move || {
                let _halt = StopOnDrop(halt);
                let runtime =
                    Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
                let core = Worker::new(options.clone(), places, traffic, index);
                runtime.block_on(core.run(listener, service, stop))
            };
            match std::thread::Builder::new().name(format!("door-{index}")).spawn_scoped(scope, core) {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    outcome = Err(error);
                    halt.send_replace(true);
                    break;
                }
            }
        }
        for thread in threads {
            let ended =
                thread.join().unwrap_or_else(|_| Err(io::Error::other("a core of the door panicked")));
            outcome = outcome.and(ended);
        }
        outcome
    })
}

/// Says "stop" to the other cores when its thread ends, also where that is a panic.
struct StopOnDrop<'door>(&'door watch::Sender<bool>);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.send_replace(true);
    }
}

/// The word to stop, from outside or from a core that ended.
struct ShutdownSignal {
    requested: watch::Receiver<bool>,
    forced: watch::Receiver<bool>,
}

impl ShutdownSignal {
    /// Returns once either has said true, or has lost its sender.
    async fn requested(&mut self) {
        tokio::select! {
            _ = self.requested.wait_for(|&stop| stop) => {}
            _ = self.forced.wait_for(|&stop| stop) => {}
        }
    }
}

/// One thread of the door.
struct Worker {
    options: ServerOptions,
    /// This core's share of the connections.
    permits: usize,
    http: http1::Builder,
    metrics: ServerMetrics,
    index: usize,
    /// The time of the last sweep: exact enough for limits, and free to read.
    clock: Cell<Instant>,
    seats: RefCell<Vec<Weak<ConnectionState>>>,
    open: Cell<usize>,
    /// What the bodies that come in now have taken so far, in bytes.
    body_memory: Cell<usize>,
    /// Told whenever a connection has ended.
    left: Notify,
}

impl Worker {
    fn new(options: ServerOptions, places: usize, traffic: ServerMetrics, index: usize) -> Rc<Self> {
        let mut http = http1::Builder::new();
        // NOTE: hyper's own limit on the head is off, not forgotten. It arms a timer for every request (3 % of
        // a 304); the sweep keeps that limit and those that hyper does not know.
        http.header_read_timeout(None)
            // A script that pipes its request into `nc` closes its sending side and still wants the answer.
            .half_close(true)
            .max_header_size(options.max_header_bytes)
            .max_buf_size(options.max_header_bytes.max(MIN_BUFFER_BYTES));
        Rc::new(Self {
            options,
            permits: places,
            http,
            metrics: traffic,
            index,
            clock: Cell::new(Instant::now()),
            seats: RefCell::default(),
            open: Cell::new(0),
            body_memory: Cell::new(0),
            left: Notify::new(),
        })
    }

    async fn run<Service, Answer>(
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
        let mut sweeps = tokio::time::interval(self.options.sweep_interval());
        sweeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pause = AcceptBackoff::default();
        let outcome = loop {
            tokio::select! {
                biased;
                () = stop.requested() => break Ok(()),
                _ = sweeps.tick() => self.check_timeouts(),
                taken = self.accept(&listener, &mut pause) => match taken {
                    Ok((stream, peer)) => self.clone().spawn_connection(stream, peer, service.clone()),
                    Err(error) => break Err(error),
                },
            }
        };
        // Whoever waits in the queue was told by the kernel that it is connected: it gets its answer.
        let listener = listener.into_std()?;
        while self.open.get() < self.permits
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

    /// The next connection, once there is a place for it. Until then it waits in the kernel.
    async fn accept(
        &self,
        listener: &TokioListener,
        pause: &mut AcceptBackoff,
    ) -> io::Result<(TcpStream, SocketAddr)> {
        while self.open.get() >= self.permits {
            self.left.notified().await;
        }
        loop {
            match listener.accept().await {
                Ok(taken) => {
                    pause.end();
                    return Ok(taken);
                }
                Err(error) => match error.kind() {
                    // That client has gone again.
                    ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted => {}
                    // The socket no longer listens, and never will.
                    ErrorKind::InvalidInput => return Err(error),
                    // No descriptors, no memory, or trouble in the network: it passes.
                    _ => pause.wait(&error).await,
                },
            }
        }
    }

    /// Sets a connection going.
    fn spawn_connection<Service, Answer>(
        self: Rc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        service: Service,
    ) where
        Service: Fn(Request<RequestBody>, SocketAddr) -> Answer + 'static,
        Answer: Future<Output = HttpResponse> + 'static,
    {
        // An answer leaves in one write; holding it back for more would only delay it. A failure here means
        // that the client is gone, which the first read will tell.
        let _ = stream.set_nodelay(true);
        let seat = ConnectionState::new(self.clone());
        self.seats.borrow_mut().push(Rc::downgrade(&seat));
        let io = TimedIo { io: TokioIo::new(stream), state: seat.clone() };
        let guest = seat.clone();
        let answer = service_fn(move |request| guest.clone().answer(request, peer, &service));
        let connection = self.http.serve_connection(io, answer);
        tokio::task::spawn_local(async move {
            let mut connection = pin!(connection);
            let mut closing = false;
            poll_fn(|context| {
                if seat.command.get() == CloseCommand::Abort {
                    return Poll::Ready(());
                }
                seat.wake_with(context.waker());
                let close = !closing && seat.command.get() == CloseCommand::Close;
                closing |= close;
                // The running answer says `Connection: close`.
                if close && seat.phase.get() == Phase::Answer {
                    connection.as_mut().graceful_shutdown();
                }
                let mut polled = connection.as_mut().poll(context);
                // After the poll, so that a request which has come in already is answered before the close.
                if close && polled.is_pending() {
                    connection.as_mut().graceful_shutdown();
                    polled = connection.as_mut().poll(context);
                }
                // How a connection ended is the client's affair: it hung up, or it sent nonsense and hyper
                // has answered 400.
                polled.map(drop)
            })
            .await;
        });
    }

    /// Looks after all connections of this core.
    fn check_timeouts(&self) {
        let now = Instant::now();
        self.clock.set(now);
        self.seats.borrow_mut().retain(|seat| {
            let seat = seat.upgrade();
            seat.inspect(|seat| seat.check(now)).is_some()
        });
    }

    /// Lets running answers end, until the deadline.
    async fn drain(&self) {
        self.command_all(CloseCommand::Close);
        let all_gone = async {
            while self.open.get() > 0 {
                self.left.notified().await;
            }
        };
        if tokio::time::timeout(self.options.shutdown_deadline, all_gone).await.is_err() {
            tracing::warn!(connections = self.open.get(), "connections cut off at the shutdown deadline");
        }
    }

    fn command_all(&self, order: CloseCommand) {
        for seat in self.seats.borrow().iter().filter_map(Weak::upgrade) {
            seat.command(order);
        }
    }

    fn shard(&self) -> &WorkerMetrics {
        self.metrics.shard(self.index)
    }
}

impl ServerOptions {
    /// Often enough that no limit is overrun by more than a quarter.
    fn sweep_interval(&self) -> Duration {
        let limits = [self.header_timeout, self.idle_timeout, self.send_timeout, self.max_connection_age];
        let shortest = limits.into_iter().min().unwrap_or_default();
        (shortest / 4).clamp(Duration::from_millis(5), Duration::from_secs(1))
    }
}

/// How long to leave the listener alone after it failed: doubled each time, up to a second.
#[derive(Debug, Default)]
struct AcceptBackoff(Option<Duration>);

impl AcceptBackoff {
    const MIN: Duration = Duration::from_millis(10);
    const MAX: Duration = Duration::from_secs(1);

    async fn wait(&mut self, error: &io::Error) {
        // Once for each row of failures: a line for every one would fill the disk that is full already.
        if self.0.is_none() {
            tracing::warn!(%error, "no connection can be taken at present");
        }
        let pause = self.0.map_or(Self::MIN, |last| (last * 2).min(Self::MAX));
        self.0 = Some(pause);
        tokio::time::sleep(pause).await;
    }

    fn end(&mut self) {
        self.0 = None;
    }
}

/// What a connection is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum CloseCommand {
    Continue,
    /// Close behind the answer that runs.
    Close,
    Abort,
}

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The head of a request: begun, or the first of all.
    Head { since: Instant },
    /// The service. What comes in meanwhile is the request's body.
    Answer,
    /// The next request, and before that the client, who takes the answer.
    Idle { since: Instant },
}

/// The place of one connection: what the sweep knows of it, and how it is spoken to.
struct ConnectionState {
    worker: Rc<Worker>,
    since: Instant,
    phase: Cell<Phase>,
    /// Since when the client has taken nothing of what waits for it.
    stuck_since: Cell<Option<Instant>>,
    /// What nobody has read of the body of the request that was answered.
    unread: RefCell<Option<Incoming>>,
    /// True where the client may not have stopped sending a body that nobody reads.
    still_sending: Cell<bool>,
    /// True while an answer is held back that nobody needs once the client has gone.
    held_back: Cell<bool>,
    /// True once the client has closed its sending side; looked for only while an answer is held back.
    disconnected: Cell<bool>,
    command: Cell<CloseCommand>,
    waker: RefCell<Option<Waker>>,
    /// What is sent now, where the kernel can take it from a file.
    sending: RefCell<Option<MemfdBody>>,
}

impl ConnectionState {
    fn new(core: Rc<Worker>) -> Rc<Self> {
        let now = Instant::now();
        core.open.set(core.open.get() + 1);
        core.shard().opened();
        Rc::new(Self {
            worker: core,
            since: now,
            phase: Cell::new(Phase::Head { since: now }),
            stuck_since: Cell::new(None),
            unread: RefCell::new(None),
            still_sending: Cell::new(false),
            held_back: Cell::new(false),
            disconnected: Cell::new(false),
            command: Cell::new(CloseCommand::Continue),
            waker: RefCell::new(None),
            sending: RefCell::new(None),
        })
    }

    /// Answers one request.
    fn answer<Service, Answer>(
        self: Rc<Self>,
        request: Request<Incoming>,
        peer: SocketAddr,
        service: &Service,
    ) -> impl Future<Output = Result<HttpResponse, Infallible>> + use<Service, Answer>
    where
        Service: Fn(Request<RequestBody>, SocketAddr) -> Answer,
        Answer: Future<Output = HttpResponse>,
    {
        self.phase.set(Phase::Answer);
        let expects = request.headers().contains_key(EXPECT);
        let seat = &self;
        let answer = service(
            request.map(|body| RequestBody { incoming: Some(body), connection: Rc::clone(seat) }),
            peer,
        );
        async move {
            let mut reply = answer.await;
            let rest = self.unread.take();
            if let Some(rest) = rest
                && (expects || !take_off(rest).await)
            {
                self.still_sending.set(true);
                response::close_behind(&mut reply);
            }
            self.phase.set(Phase::Idle { since: self.worker.clock.get() });
            self.held_back.set(false);
            self.sending.replace(reply.body().in_memfd().cloned());
            self.worker.shard().answered(reply.status());
            Ok(reply)
        }
    }

    fn check(&self, now: Instant) {
        let order = self.overdue(now);
        if order == CloseCommand::Abort && self.command.get() != CloseCommand::Abort {
            self.worker.shard().timed_out();
        }
        self.command(order);
    }

    /// What the limits say.
    fn overdue(&self, now: Instant) -> CloseCommand {
        let options = &self.worker.options;
        let elapsed = |since| now.duration_since(since);
        // Closing is a request to hyper, which has this long to obey.
        let cut_off_behind = |limit: Duration, longest: Duration| limit.saturating_add(longest);
        let by = |elapsed, close, cut_off| match elapsed {
            elapsed if elapsed > cut_off => CloseCommand::Abort,
            elapsed if elapsed > close => CloseCommand::Close,
            _ => CloseCommand::Continue,
        };
        let by_age = by(
            elapsed(self.since),
            options.max_connection_age,
            cut_off_behind(options.max_connection_age, options.send_timeout),
        );
        let by_wait = match (self.stuck_since.get(), self.phase.get()) {
            (Some(since), _) => by(elapsed(since), options.send_timeout, options.send_timeout),
            (None, Phase::Head { since }) => {
                by(elapsed(since), options.header_timeout, options.header_timeout)
            }
            (None, Phase::Idle { since }) => by(
                elapsed(since),
                options.idle_timeout,
                cut_off_behind(options.idle_timeout, options.header_timeout),
            ),
            (None, Phase::Answer) => CloseCommand::Continue,
        };
        by_age.max(by_wait)
    }

    /// Orders only grow more severe.
    fn command(&self, order: CloseCommand) {
        if order > self.command.get() {
            self.command.set(order);
            if let Some(waker) = self.waker.borrow().as_ref() {
                waker.wake_by_ref();
            }
        }
    }

    fn wake_with(&self, waker: &Waker) {
        let mut kept = self.waker.borrow_mut();
        if !kept.as_ref().is_some_and(|kept| kept.will_wake(waker)) {
            *kept = Some(waker.clone());
        }
    }

    fn on_read(&self) {
        if let Phase::Idle { .. } = self.phase.get() {
            self.phase.set(Phase::Head { since: self.worker.clock.get() });
        }
    }

    fn on_write(&self) {
        self.stuck_since.set(None);
        if self.phase.get() != Phase::Answer {
            self.phase.set(Phase::Idle { since: self.worker.clock.get() });
        }
    }

    fn on_write_blocked(&self) {
        if self.stuck_since.get().is_none() {
            self.stuck_since.set(Some(self.worker.clock.get()));
        }
    }
}

/// Takes the rest of a body off the wire, where that is little and comes soon, so that the connection can go on. Not
/// where the client waits for `100 Continue`: to read would be to ask for it (RFC 9110 §10.1.1).
async fn take_off(mut rest: Incoming) -> bool {
    if rest.size_hint().upper().is_none_or(|bytes| bytes > LITTLE) {
        return false;
    }
    let all = async { while rest.frame().await.is_some_and(|frame| frame.is_ok()) {} };
    tokio::time::timeout(SOON, all).await.is_ok() && rest.is_end_stream()
}

impl Drop for ConnectionState {
    fn drop(&mut self) {
        self.worker.open.set(self.worker.open.get() - 1);
        self.worker.shard().closed();
        self.worker.left.notify_one();
    }
}

/// A socket whose seat is told what passes.
struct TimedIo {
    io: TokioIo<TcpStream>,
    state: Rc<ConnectionState>,
}

impl TimedIo {
    fn written(&self, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match polled {
            Poll::Ready(_) => self.state.on_write(),
            Poll::Pending => self.state.on_write_blocked(),
        }
        polled
    }
}

impl TimedIo {
    /// hyper does not look whether the client has gone while it answers, because of those that close their
    /// sending side and still want the answer.
    fn check_hang_up(&self, context: &mut Context<'_>) {
        if !self.state.held_back.get() || self.state.disconnected.get() {
            return;
        }
        let mut scrap = [0];
        match self.io.inner().poll_peek(context, &mut tokio::io::ReadBuf::new(&mut scrap)) {
            Poll::Ready(Ok(0) | Err(_)) => {
                self.state.disconnected.set(true);
                context.waker().wake_by_ref();
            }
            Poll::Ready(Ok(_)) | Poll::Pending => {}
        }
    }
}

impl TimedIo {
    /// Sends what is next of an answer whose body lies in a file: the head by itself, and then the body, which
    /// the kernel takes from the file as it is. To copy it would cost more than all the rest of the answer. None
    /// where the body lies in no file.
    fn poll_write_from_file(
        &self,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Option<Poll<io::Result<usize>>> {
        let sending = self.state.sending.borrow();
        let filed = sending.as_ref()?;
        let (last, before) = parts.split_last()?;
        let position = filed.position_of(last)?;
        let stream = self.io.inner();
        let head = before.iter().find(|part| !part.is_empty());
        let write = || match head {
            // The body follows at once and fills the packet.
            Some(head) => Ok(rustix::net::send(stream, head, SendFlags::MORE | SendFlags::NOSIGNAL)?),
            None => Ok(rustix::fs::sendfile(stream, filed.file(), Some(&mut position.clone()), last.len())?),
        };
        Some(loop {
            match stream.poll_write_ready(context) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(cause)) => break Poll::Ready(Err(cause)),
                Poll::Pending => break Poll::Pending,
            }
            match stream.try_io(Interest::WRITABLE, write) {
                Err(cause) if cause.kind() == ErrorKind::WouldBlock => {}
                written => break Poll::Ready(written),
            }
        })
    }
}

impl Read for TimedIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.io).poll_read(context, buffer);
        if polled.is_ready() {
            self.state.on_read();
        }
        polled
    }
}

impl Write for TimedIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write(context, bytes);
        self.written(polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check_hang_up(context);
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.io).poll_shutdown(context))?;
        if !self.state.still_sending.get() {
            return Poll::Ready(Ok(()));
        }
        // RFC 9112 §9.6: to close on a client that sends is to reset it, and the reset may overtake the
        // answer. So its bytes are thrown away until it has read the answer and hangs up, or is cut off.
        self.state.on_read();
        let mut scrap = [0; 4096];
        loop {
            let mut scrap = ReadBuf::new(&mut scrap);
            ready!(Pin::new(&mut self.io).poll_read(context, scrap.unfilled()))?;
            if scrap.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(polled) = self.poll_write_from_file(context, parts) {
            return self.written(polled);
        }
        let polled = match parts {
            // An answer without a body: the plain call is the cheaper one.
            [one] => Pin::new(&mut self.io).poll_write(context, one),
            _ => Pin::new(&mut self.io).poll_write_vectored(context, parts),
        };
        self.written(polled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use socket2::SockRef;

    #[test]
    fn a_core_whose_listener_breaks_ends_the_others_in_order_and_says_why() {
        let listeners = Listeners::bind(([127, 0, 0, 1], 0).into(), 3).unwrap();
        // A listening socket that was shut down answers every `accept` with EINVAL.
        SockRef::from(&listeners.sockets[1]).shutdown(std::net::Shutdown::Both).unwrap();
        let (_never, shutdown) = watch::channel(false);
        let service = |_, _| async { response::not_found() };
        let error = serve(listeners, &ServerOptions::default(), service, shutdown).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn the_defaults_suit_a_proxy_in_front() {
        let default = ServerOptions::default();
        assert!(default.max_connections >= 1024);
        assert!(default.idle_timeout > Duration::from_secs(60), "longer than a proxy keeps a connection");
    }

    #[tokio::test]
    async fn after_each_failure_the_listener_is_left_alone_for_longer() {
        let mut pause = AcceptBackoff::default();
        let mut pauses = Vec::new();
        for _ in 0..2 {
            pause.wait(&io::Error::other("no descriptors")).await;
            pauses.push(pause.0);
        }
        assert_eq!(pauses, [Some(AcceptBackoff::MIN), Some(2 * AcceptBackoff::MIN)]);
        pause.end();
        assert_eq!(pause.0, None);
    }
}
