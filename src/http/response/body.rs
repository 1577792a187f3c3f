//! Response bodies: in memory, in a file, or streamed.

use std::fs::File;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::body::{Frame, SizeHint};
use tokio::sync::mpsc;

use crate::render::MemoryFile;

/// A response.
pub type HttpResponse = Response<ResponseBody>;

/// What is sent after the headers.
#[derive(Debug)]
pub enum ResponseBody {
    /// Complete, in memory.
    Full(Full<Bytes>),
    /// Complete, in memory and in a file.
    Memfd(Full<Bytes>, MemfdBody),
    /// Written while it is sent.
    Stream(BodyStream),
}

/// Bytes that are also in a file, from its start.
#[derive(Clone, Debug)]
pub struct MemfdBody {
    bytes: Bytes,
    file: Arc<MemoryFile>,
}

impl MemfdBody {
    /// The offset of `part` in the file; none unless it is a slice of these very bytes.
    pub fn position_of(&self, part: &[u8]) -> Option<u64> {
        let (base, start) = (self.bytes.as_ptr().addr(), part.as_ptr().addr());
        let inside = start >= base && start + part.len() <= base + self.bytes.len() && !part.is_empty();
        inside.then(|| (start - base) as u64)
    }

    /// The file.
    pub fn file(&self) -> &File {
        self.file.file()
    }
}

/// The receiving end of a streamed body.
#[derive(Debug)]
pub struct BodyStream {
    chunks: mpsc::Receiver<StreamItem>,
    ended: bool,
}

#[derive(Debug)]
enum StreamItem {
    Bytes(Bytes),
    /// NOTE: sent explicitly. A writer that is just dropped has failed, and the client must be able to tell a
    /// truncated response from a complete one: without this item, the connection is aborted.
    End,
}

/// The sending end of a streamed body. Dropping it before [`BodySender::end`] aborts the response.
#[derive(Debug)]
pub struct BodySender(mpsc::Sender<StreamItem>);

/// The response was aborted because its writer failed.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the response was aborted")]
pub struct Aborted;

/// The client has disconnected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiverClosed;

impl ResponseBody {
    /// A body that the kernel may read from `file`, which holds the same bytes.
    pub fn memfd(bytes: Bytes, file: Arc<MemoryFile>) -> Self {
        Self::Memfd(Full::new(bytes.clone()), MemfdBody { bytes, file })
    }

    /// The bytes and their file, if there is one.
    pub fn in_memfd(&self) -> Option<&MemfdBody> {
        match self {
            Self::Memfd(_, filed) => Some(filed),
            Self::Full(_) | Self::Stream(_) => None,
        }
    }

    /// A body that is written while it is sent. At most one chunk is buffered, so that a slow client slows
    /// the writer down.
    pub fn stream() -> (BodySender, Self) {
        let (sender, chunks) = mpsc::channel(1);
        (BodySender(sender), Self::Stream(BodyStream { chunks, ended: false }))
    }
}

impl BodySender {
    /// Sends a chunk, as soon as the buffer has space.
    ///
    /// # Errors
    /// If the client has disconnected.
    pub async fn send(&self, bytes: impl Into<Bytes>) -> Result<(), ReceiverClosed> {
        self.0.send(StreamItem::Bytes(bytes.into())).await.map_err(|_| ReceiverClosed)
    }

    /// Marks the body as complete.
    pub async fn end(self) {
        let _ = self.0.send(StreamItem::End).await;
    }
}

impl Default for ResponseBody {
    fn default() -> Self {
        Self::Full(Full::default())
    }
}

impl<T: Into<Bytes>> From<T> for ResponseBody {
    fn from(bytes: T) -> Self {
        Self::Full(Full::new(bytes.into()))
    }
}

impl hyper::body::Body for ResponseBody {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        match self.get_mut() {
            Self::Full(full) | Self::Memfd(full, _) => {
                Pin::new(full).poll_frame(context).map_err(|never| match never {})
            }
            Self::Stream(BodyStream { ended: true, .. }) => Poll::Ready(None),
            Self::Stream(body) => Poll::Ready(match ready!(body.chunks.poll_recv(context)) {
                Some(StreamItem::Bytes(bytes)) => Some(Ok(Frame::data(bytes))),
                Some(StreamItem::End) => {
                    body.ended = true;
                    None
                }
                None => {
                    body.ended = true;
                    Some(Err(Aborted))
                }
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(full) | Self::Memfd(full, _) => full.is_end_stream(),
            Self::Stream(body) => body.ended,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(full) | Self::Memfd(full, _) => full.size_hint(),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;

    #[tokio::test]
    async fn a_truncated_body_is_an_error() {
        let (writer, body) = ResponseBody::stream();
        let writing = tokio::spawn(async move {
            writer.send("một ").await.unwrap();
            writer.send("hai").await.unwrap();
            writer.end().await;
        });
        assert_eq!(body.collect().await.unwrap().to_bytes(), "một hai");
        writing.await.unwrap();

        let (writer, body) = ResponseBody::stream();
        let writing = tokio::spawn(async move { writer.send("một").await.unwrap() });
        assert!(body.collect().await.is_err());
        writing.await.unwrap();
    }

    #[tokio::test]
    async fn the_writer_notices_a_disconnected_client() {
        let (writer, body) = ResponseBody::stream();
        drop(body);
        assert_eq!(writer.send("một").await, Err(ReceiverClosed));
    }
}
