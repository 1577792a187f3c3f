//! A socket that reports reads and writes to the state of its connection.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use rustix::net::SendFlags;
use tokio::io::{AsyncRead, AsyncWrite, Interest};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::connection::ConnectionState;

/// The bytes of a connection.
pub(super) trait Transport: AsyncRead + AsyncWrite + Unpin + 'static {
    fn socket(&self) -> &TcpStream;

    /// The socket, if what is written to it reaches the client as it is.
    fn plain_socket(&self) -> Option<&TcpStream>;
}

impl Transport for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }

    fn plain_socket(&self) -> Option<&TcpStream> {
        Some(self)
    }
}

impl Transport for TlsStream<TcpStream> {
    fn socket(&self) -> &TcpStream {
        self.get_ref().0
    }

    fn plain_socket(&self) -> Option<&TcpStream> {
        None
    }
}

/// A stream that records its progress in the connection state.
pub(super) struct TimedIo<Stream: Transport> {
    io: TokioIo<Stream>,
    state: Rc<ConnectionState>,
}

impl<Stream: Transport> TimedIo<Stream> {
    pub(super) fn new(stream: Stream, state: Rc<ConnectionState>) -> Self {
        Self { io: TokioIo::new(stream), state }
    }

    fn written(&self, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match polled {
            Poll::Ready(_) => self.state.on_write(),
            Poll::Pending => self.state.on_write_blocked(),
        }
        polled
    }

    /// hyper does not check for a disconnected client while a response is pending, because some clients close
    /// their sending side and still want the response.
    fn check_disconnect(&self, context: &mut Context<'_>) {
        if !self.state.held_back.get() || self.state.disconnected.get() {
            return;
        }
        let Some(socket) = self.io.inner().plain_socket() else { return };
        let mut discarded = [0];
        match socket.poll_peek(context, &mut tokio::io::ReadBuf::new(&mut discarded)) {
            Poll::Ready(Ok(0) | Err(_)) => {
                self.state.disconnected.set(true);
                context.waker().wake_by_ref();
            }
            Poll::Ready(Ok(_)) | Poll::Pending => {}
        }
    }

    /// Sends the next part of a response whose body is in a file: first the headers, then the body, which the
    /// kernel reads from the file. Copying it would cost more than the rest of the response. None if the body
    /// is in no file.
    fn poll_write_from_file(
        &self,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Option<Poll<io::Result<usize>>> {
        let sending = self.state.sending.borrow();
        let memfd = sending.as_ref()?;
        let (last, before) = parts.split_last()?;
        let position = memfd.position_of(last)?;
        let stream = self.io.inner().plain_socket()?;
        let head = before.iter().find(|part| !part.is_empty());
        let write = || match head {
            // The body follows immediately and fills the packet.
            Some(head) => Ok(rustix::net::send(stream, head, SendFlags::MORE | SendFlags::NOSIGNAL)?),
            None => Ok(rustix::fs::sendfile(stream, memfd.file(), Some(&mut position.clone()), last.len())?),
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

impl<Stream: Transport> Drop for TimedIo<Stream> {
    /// What a client has not read for too long is not sent any more. Otherwise the kernel keeps up to some megabytes of it
    /// for minutes, and the client does not learn that its connection has ended.
    fn drop(&mut self) {
        if self.state.ended_blocked() {
            let _ = self.io.inner().socket().set_zero_linger();
        }
    }
}

impl<Stream: Transport> Read for TimedIo<Stream> {
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

impl<Stream: Transport> Write for TimedIo<Stream> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write(context, bytes);
        self.written(polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check_disconnect(context);
        let polled = Pin::new(&mut self.io).poll_flush(context);
        // TLS: `poll_write` only encrypts, until its buffer is full; here the bytes are sent.
        if self.io.inner().plain_socket().is_none() {
            match polled {
                Poll::Ready(_) => self.state.on_flush(),
                Poll::Pending => self.state.on_write_blocked(),
            }
        }
        polled
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.io).poll_shutdown(context))?;
        if !self.state.still_sending.get() {
            return Poll::Ready(Ok(()));
        }
        // RFC 9112 §9.6: closing while the client sends resets the connection, and the reset may overtake the
        // response. The bytes are discarded until the client has read the response and closes, or is aborted.
        self.state.on_read();
        let mut discarded = [0; 4096];
        loop {
            let mut discarded = ReadBuf::new(&mut discarded);
            ready!(Pin::new(&mut self.io).poll_read(context, discarded.unfilled()))?;
            if discarded.filled().is_empty() {
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
            // A response without a body: the plain call is cheaper.
            [one] => Pin::new(&mut self.io).poll_write(context, one),
            _ => Pin::new(&mut self.io).poll_write_vectored(context, parts),
        };
        self.written(polled)
    }
}
