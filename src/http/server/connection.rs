//! The state of one connection, and its time limits.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Waker;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::limits::ServerOptions;
use crate::http::metrics::{ServerMetrics, WorkerMetrics};
use crate::http::response::MemfdBody;

/// What the connections of one worker thread share.
pub(super) struct WorkerState {
    pub(super) options: ServerOptions,
    metrics: ServerMetrics,
    index: usize,
    /// The time of the last sweep. Precise enough for the limits, and cheap to read.
    pub(super) clock: Cell<Instant>,
    pub(super) open_connections: Cell<usize>,
    /// Bytes of request bodies that are being received now.
    pub(super) body_memory: Cell<usize>,
    /// The same for bodies that carry files.
    pub(super) upload_memory: Cell<usize>,
    /// Notified when a connection has ended.
    pub(super) connection_closed: Notify,
}

impl WorkerState {
    pub(super) fn new(options: ServerOptions, metrics: ServerMetrics, index: usize) -> Self {
        Self {
            options,
            metrics,
            index,
            clock: Cell::new(Instant::now()),
            open_connections: Cell::new(0),
            body_memory: Cell::new(0),
            upload_memory: Cell::new(0),
            connection_closed: Notify::new(),
        }
    }

    pub(super) fn metrics(&self) -> &WorkerMetrics {
        self.metrics.shard(self.index)
    }
}

/// The command to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum CloseCommand {
    Continue,
    /// Close after the next response, which says so.
    CloseAfterNext,
    /// Close after the running response.
    Close,
    Abort,
}

/// What a connection is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The headers of a request: partly received, or the first request.
    Head { since: Instant },
    /// The service. Bytes received meanwhile belong to the request body.
    Answer,
    /// The next request; before that, the client that reads the response.
    Idle { since: Instant },
}

/// What the worker knows about one connection, and the command to it.
pub(super) struct ConnectionState {
    pub(super) worker: Rc<WorkerState>,
    since: Instant,
    pub(super) phase: Cell<Phase>,
    /// Requests that are being answered. More than one with HTTP/2 only.
    answering: Cell<usize>,
    /// True with HTTP/2: requests have streams of their own on the connection.
    pub(super) is_multiplexed: Cell<bool>,
    /// Since when the client has not read any of the pending bytes.
    blocked_since: Cell<Option<Instant>>,
    /// True if the client may still be sending a body that is not read.
    pub(super) still_sending: Cell<bool>,
    /// True while a response is held back that is useless after the client has disconnected.
    pub(super) held_back: Cell<bool>,
    /// True once the client has closed its sending side. Checked only while a response is held back.
    pub(super) disconnected: Cell<bool>,
    pub(super) command: Cell<CloseCommand>,
    waker: RefCell<Option<Waker>>,
    /// The response body that is being sent, if the kernel can read it from a file.
    pub(super) sending: RefCell<Option<MemfdBody>>,
}

impl ConnectionState {
    pub(super) fn new(worker: Rc<WorkerState>) -> Rc<Self> {
        let now = Instant::now();
        worker.open_connections.set(worker.open_connections.get() + 1);
        worker.metrics().opened();
        Rc::new(Self {
            worker,
            since: now,
            phase: Cell::new(Phase::Head { since: now }),
            answering: Cell::new(0),
            is_multiplexed: Cell::new(false),
            blocked_since: Cell::new(None),
            still_sending: Cell::new(false),
            held_back: Cell::new(false),
            disconnected: Cell::new(false),
            command: Cell::new(CloseCommand::Continue),
            waker: RefCell::new(None),
            sending: RefCell::new(None),
        })
    }

    pub(super) fn check(&self, now: Instant) {
        let command = self.overdue(now);
        if command == CloseCommand::Abort && self.command.get() != CloseCommand::Abort {
            self.worker.metrics().timed_out();
        }
        self.command(command);
    }

    /// The command that the time limits require now.
    pub(super) fn overdue(&self, now: Instant) -> CloseCommand {
        let options = &self.worker.options;
        let elapsed = |since| now.duration_since(since);
        // hyper has this long to close after it was asked to.
        let abort_after = |limit: Duration, grace: Duration| limit.saturating_add(grace);
        let by = |elapsed, close, abort| match elapsed {
            elapsed if elapsed > abort => CloseCommand::Abort,
            elapsed if elapsed > close => CloseCommand::Close,
            _ => CloseCommand::Continue,
        };
        let by_age = by(
            elapsed(self.since),
            options.max_connection_age,
            abort_after(options.max_connection_age, options.send_timeout),
        );
        let by_phase = match (self.blocked_since.get(), self.phase.get()) {
            (Some(since), _) => by(elapsed(since), options.send_timeout, options.send_timeout),
            (None, Phase::Head { since }) => {
                by(elapsed(since), options.header_timeout, options.header_timeout)
            }
            (None, Phase::Idle { since }) => by(
                elapsed(since),
                options.idle_timeout,
                abort_after(options.idle_timeout, options.header_timeout),
            ),
            (None, Phase::Answer) => CloseCommand::Continue,
        };
        by_age.max(by_phase)
    }

    /// True if the connection is aborted while bytes wait for the client.
    pub(super) fn ended_blocked(&self) -> bool {
        self.command.get() == CloseCommand::Abort && self.blocked_since.get().is_some()
    }

    /// True if a request may be on its way: from the start of the connection, or of the headers of a request, until the
    /// headers are complete, and for `moment` after a response. With HTTP/2, the client is told which of its requests
    /// count (RFC 9113 §6.8).
    pub(super) fn awaits_request(&self, moment: Duration) -> bool {
        match self.phase.get() {
            Phase::Head { .. } => true,
            // As precise as the clock.
            Phase::Idle { since } => {
                !self.is_multiplexed.get()
                    && since.elapsed() <= moment.saturating_add(self.worker.options.sweep_interval())
            }
            Phase::Answer => false,
        }
    }

    /// Commands only become more severe.
    pub(super) fn command(&self, command: CloseCommand) {
        if command > self.command.get() {
            self.command.set(command);
            if let Some(waker) = self.waker.borrow().as_ref() {
                waker.wake_by_ref();
            }
        }
    }

    pub(super) fn wake_with(&self, waker: &Waker) {
        let mut kept = self.waker.borrow_mut();
        if !kept.as_ref().is_some_and(|kept| kept.will_wake(waker)) {
            *kept = Some(waker.clone());
        }
    }

    /// A request is being answered until the result is dropped.
    pub(super) fn begin_answer(self: &Rc<Self>) -> RunningAnswer {
        self.answering.set(self.answering.get() + 1);
        self.phase.set(Phase::Answer);
        RunningAnswer(Rc::clone(self))
    }

    /// HTTP/2: frames that follow a response (`WINDOW_UPDATE`, `PING`) announce no request.
    pub(super) fn on_read(&self) {
        if let Phase::Idle { .. } = self.phase.get()
            && !self.is_multiplexed.get()
        {
            self.phase.set(Phase::Head { since: self.worker.clock.get() });
        }
    }

    pub(super) fn on_write(&self) {
        self.blocked_since.set(None);
        if self.phase.get() != Phase::Answer {
            self.phase.set(Phase::Idle { since: self.worker.clock.get() });
        }
    }

    /// What was written before could be sent.
    pub(super) fn on_flush(&self) {
        self.blocked_since.set(None);
    }

    pub(super) fn on_write_blocked(&self) {
        if self.blocked_since.get().is_none() {
            self.blocked_since.set(Some(self.worker.clock.get()));
        }
    }
}

/// One request that is being answered.
pub(super) struct RunningAnswer(Rc<ConnectionState>);

impl RunningAnswer {
    pub(super) fn connection(&self) -> &Rc<ConnectionState> {
        &self.0
    }
}

impl Drop for RunningAnswer {
    fn drop(&mut self) {
        let others = self.0.answering.get() - 1;
        self.0.answering.set(others);
        if others == 0 {
            self.0.phase.set(Phase::Idle { since: self.0.worker.clock.get() });
        }
    }
}

impl Drop for ConnectionState {
    fn drop(&mut self) {
        self.worker.open_connections.set(self.worker.open_connections.get() - 1);
        self.worker.metrics().closed();
        self.worker.connection_closed.notify_one();
    }
}
