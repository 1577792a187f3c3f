//! The body of an answer: in memory, or made while it is sent.

use std::fs::File;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Frame, SizeHint};
use tokio::sync::mpsc;

/// What is sent after the headers.
#[derive(Debug)]
pub enum ResponseBody {
    /// All of it is there.
    Full(Full<Bytes>),
    /// All of it is there, and in a file too.
    Memfd(Full<Bytes>, MemfdBody),
    /// It comes in pieces.
    Stream(BodyStream),
}

/// Bytes that are in a file too, from its start.
#[derive(Clone, Debug)]
pub struct MemfdBody {
    bytes: Bytes,
    file: Arc<File>,
}

impl MemfdBody {
    /// Where `part` lies in the file; none where it is no part of these very bytes.
    pub fn position_of(&self, part: &[u8]) -> Option<u64> {
        let (from, start) = (self.bytes.as_ptr().addr(), part.as_ptr().addr());
        let inside = start >= from && start + part.len() <= from + self.bytes.len() && !part.is_empty();
        inside.then(|| (start - from) as u64)
    }

    /// The file.
    pub fn file(&self) -> &File {
        &self.file
    }
}

/// The reading end of a body in pieces.
#[derive(Debug)]
pub struct BodyStream {
    pieces: mpsc::Receiver<StreamItem>,
    ended: bool,
}

#[derive(Debug)]
enum StreamItem {
    Bytes(Bytes),
    /// NOTE: said aloud. A writer that merely goes away has failed, and the client must be able to tell half
    /// of an answer from all of it: without the end, the connection breaks off.
    End,
}

/// The writing end of a body in pieces. Dropped before [`BodySender::end`], it breaks the answer off.
#[derive(Debug)]
pub struct BodySender(mpsc::Sender<StreamItem>);

/// The answer broke off: whoever made it failed.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the answer broke off")]
pub struct Aborted;

/// The client has gone, and nobody reads what would be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiverClosed;

impl ResponseBody {
    /// A body that the kernel may take from `file`, which holds the same.
    pub fn memfd(bytes: Bytes, file: Arc<File>) -> Self {
        Self::Memfd(Full::new(bytes.clone()), MemfdBody { bytes, file })
    }

    /// The bytes and their file, where there is one.
    pub fn in_memfd(&self) -> Option<&MemfdBody> {
        match self {
            Self::Memfd(_, filed) => Some(filed),
            Self::Full(_) | Self::Stream(_) => None,
        }
    }

    /// A body that is written while it is sent. One piece waits at most, so that a slow client holds the writer
    /// back.
    pub fn stream() -> (BodySender, Self) {
        let (sender, pieces) = mpsc::channel(1);
        (BodySender(sender), Self::Stream(BodyStream { pieces, ended: false }))
    }
}

impl BodySender {
    /// Sends a piece, once there is room for it.
    ///
    /// # Errors
    /// Where the client has gone.
    pub async fn send(&self, bytes: impl Into<Bytes>) -> Result<(), ReceiverClosed> {
        self.0.send(StreamItem::Bytes(bytes.into())).await.map_err(|_| ReceiverClosed)
    }

    /// All is written.
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
            Self::Full(whole) | Self::Memfd(whole, _) => {
                Pin::new(whole).poll_frame(context).map_err(|never| match never {})
            }
            Self::Stream(BodyStream { ended: true, .. }) => Poll::Ready(None),
            Self::Stream(body) => Poll::Ready(match ready!(body.pieces.poll_recv(context)) {
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
            Self::Full(whole) | Self::Memfd(whole, _) => whole.is_end_stream(),
            Self::Stream(body) => body.ended,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(whole) | Self::Memfd(whole, _) => whole.size_hint(),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;

    #[tokio::test]
    async fn half_an_answer_is_never_taken_for_all_of_it() {
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
    async fn whoever_writes_for_nobody_is_told() {
        let (writer, body) = ResponseBody::stream();
        drop(body);
        assert_eq!(writer.send("một").await, Err(ReceiverClosed));
    }
}
