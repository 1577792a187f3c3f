//! A server for HTTP/1.1, and with a certificate for HTTP/2, that enforces every limit on its connections.
//!
//! There is one thread per core, each with its own runtime, its own listener (`SO_REUSEPORT`) and its own
//! connections. Nothing moves between threads, so the futures of a service need not be `Send`. The limits hold with
//! or without a proxy in front:
//! - A client that stops sending, stops reading or stays too long is disconnected.
//! - Above the maximum number of connections, new ones wait in the kernel's queue.
//! - When file descriptors run out, the listener pauses and tries again.
//! - On shutdown no new connection is accepted. Running responses are finished until the deadline.
//!
//! This module does not know what is served.

mod connection;
mod limits;
mod listener;
mod request_body;
mod service;
mod timed_io;
mod tls;
mod worker;

use std::io;

use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::watch;

pub use limits::ServerOptions;
pub use listener::Listeners;
pub use request_body::{BodyError, MIN_BODY_RATE, RequestBody};
pub use service::{Answer, Service};
pub use tls::{TlsCertificate, TlsError, TlsFiles, ValidityProblem};
use worker::{ShutdownSignal, Worker};

/// Serves until `shutdown` becomes true (or its sender is dropped), then finishes the running responses and
/// returns. Blocks the calling thread.
///
/// # Errors
/// If a worker thread cannot start, or its listener fails. The other workers are shut down cleanly first.
pub fn serve(
    listeners: Listeners,
    options: &ServerOptions,
    service: impl Service + Clone + Send,
    shutdown: watch::Receiver<bool>,
) -> io::Result<()> {
    // Stops all workers as soon as one has ended, for whatever reason.
    let (halt, halted) = watch::channel(false);
    let connections_each = options.max_connections.div_ceil(listeners.sockets.len()).max(1);
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        let mut outcome = Ok(());
        for (index, listener) in listeners.sockets.into_iter().enumerate() {
            let (service, metrics, tls) = (service.clone(), listeners.metrics.clone(), listeners.tls.clone());
            let stop = ShutdownSignal { requested: shutdown.clone(), forced: halted.clone() };
            let halt = &halt;
            let worker = move || {
                let _halt = StopOnDrop(halt);
                let runtime =
                    Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
                let worker = Worker::new(options.clone(), connections_each, metrics, index, tls);
                runtime.block_on(worker.run(listener, service, stop))
            };
            match std::thread::Builder::new().name(format!("http-{index}")).spawn_scoped(scope, worker) {
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
                thread.join().unwrap_or_else(|_| Err(io::Error::other("an HTTP worker thread panicked")));
            outcome = outcome.and(ended);
        }
        outcome
    })
}

/// Stops the other workers when its thread ends, also by a panic.
struct StopOnDrop<'a>(&'a watch::Sender<bool>);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.send_replace(true);
    }
}

#[cfg(test)]
mod tests {
    use super::super::response;
    use super::*;
    use socket2::SockRef;
    use std::io::ErrorKind;
    use std::time::Duration;

    #[test]
    fn a_worker_whose_listener_fails_stops_the_others_and_returns_the_error() {
        let listeners = Listeners::bind(([127, 0, 0, 1], 0).into(), 3).unwrap();
        // A listening socket that was shut down answers every `accept` with EINVAL.
        SockRef::from(&listeners.sockets[1]).shutdown(std::net::Shutdown::Both).unwrap();
        let (_never, shutdown) = watch::channel(false);
        let service = |_, _| async { response::not_found() };
        let error = serve(listeners, &ServerOptions::default(), service, shutdown).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn the_defaults_suit_a_proxy() {
        let default = ServerOptions::default();
        assert!(default.max_connections >= 1024);
        assert!(default.idle_timeout > Duration::from_secs(60), "longer than a proxy keeps a connection");
    }
}
