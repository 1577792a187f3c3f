//! Bound sockets, one per worker thread, and the pause after a failed `accept`.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::tls::TlsCertificate;
use crate::http::metrics::ServerMetrics;

/// Bound sockets on one address, one per worker thread.
#[derive(Debug)]
pub struct Listeners {
    address: SocketAddr,
    pub(super) sockets: Vec<TcpListener>,
    pub(super) metrics: ServerMetrics,
    pub(super) tls: Option<TlsCertificate>,
}

/// Connections that may wait in the kernel's queue of each listener.
const BACKLOG: i32 = 4096;

impl Listeners {
    /// Binds `count` listeners (at least one) to `address`. For port 0 the kernel chooses one port for all.
    ///
    /// # Errors
    /// If the address cannot be bound, for example because another process listens there.
    pub fn bind(address: SocketAddr, count: usize) -> io::Result<Self> {
        if address.port() != 0 {
            // NOTE: SO_REUSEPORT would silently let a second process of the same user share the port. Binding
            // a socket without it first detects that.
            drop(bind_one(address, false)?);
        }
        let first = bind_one(address, true)?;
        let address = first.local_addr()?;
        let others = (1..count).map(|_| bind_one(address, true));
        let sockets = std::iter::once(Ok(first)).chain(others).collect::<io::Result<Vec<_>>>()?;
        Ok(Self { address, metrics: ServerMetrics::new(sockets.len()), sockets, tls: None })
    }

    /// Takes over a listening socket, which `count` workers (at least one) share.
    ///
    /// # Errors
    /// If the socket cannot be duplicated or is no TCP socket.
    pub fn inherit(socket: TcpListener, count: usize) -> io::Result<Self> {
        let address = socket.local_addr()?;
        socket.set_nonblocking(true)?;
        let others = (1..count).map(|_| socket.try_clone()).collect::<io::Result<Vec<_>>>()?;
        let sockets: Vec<_> = std::iter::once(socket).chain(others).collect();
        Ok(Self { address, metrics: ServerMetrics::new(sockets.len()), sockets, tls: None })
    }

    /// The same sockets for another server. Connections that wait in the kernel are accepted by either.
    /// The metrics of both are summed.
    ///
    /// # Errors
    /// If a socket cannot be duplicated.
    pub fn share(&self) -> io::Result<Self> {
        let sockets = self.sockets.iter().map(TcpListener::try_clone).collect::<io::Result<Vec<_>>>()?;
        let metrics = self.metrics.successor(sockets.len());
        Ok(Self { address: self.address, metrics, sockets, tls: self.tls.clone() })
    }

    /// Connections are encrypted with this certificate, if there is one.
    #[must_use]
    pub fn with_tls(self, tls: Option<TlsCertificate>) -> Self {
        Self { tls, ..self }
    }

    /// The address, with the actual port.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The metrics of these listeners.
    pub fn metrics(&self) -> ServerMetrics {
        self.metrics.clone()
    }
}

fn bind_one(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Without it, a restart would have to wait until the old connections have left TIME_WAIT.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// The pause after a failed `accept`: doubled each time, up to one second.
#[derive(Debug, Default)]
pub(super) struct AcceptBackoff(Option<Duration>);

impl AcceptBackoff {
    const MIN: Duration = Duration::from_millis(10);
    const MAX: Duration = Duration::from_secs(1);

    pub(super) async fn wait(&mut self, error: &io::Error) {
        // Logged once per series of failures: a line for each would fill a disk that may already be full.
        if self.0.is_none() {
            tracing::warn!(%error, "cannot accept connections; retrying");
        }
        let pause = self.0.map_or(Self::MIN, |last| (last * 2).min(Self::MAX));
        self.0 = Some(pause);
        tokio::time::sleep(pause).await;
    }

    pub(super) fn reset(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_pause_grows_after_each_failure() {
        let mut pause = AcceptBackoff::default();
        let mut pauses = Vec::new();
        for _ in 0..2 {
            pause.wait(&io::Error::other("no descriptors")).await;
            pauses.push(pause.0);
        }
        assert_eq!(pauses, [Some(AcceptBackoff::MIN), Some(2 * AcceptBackoff::MIN)]);
        pause.reset();
        assert_eq!(pause.0, None);
    }
}
