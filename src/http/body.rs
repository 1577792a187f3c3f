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
pub enum Body {
    /// All of it is there.
    Whole(Full<Bytes>),
    /// All of it is there, and in a file too.
    Filed(Full<Bytes>, Filed),
    /// It comes in pieces.
    Streamed(Pieces),
}

/// Bytes that are in a file too, from its start.
#[derive(Clone, Debug)]
pub struct Filed {
    bytes: Bytes,
    file: Arc<File>,
}

impl Filed {
    /// Where `part` lies in the file; none where it is no part of these very bytes.
    pub fn position_of(&self, part: &[u8]) -> Option<u64> {
        let (from, start) = (self.bytes.as_ptr().addr(), part.as_ptr().addr());
        let inside = start >= from && start + part.len() <= from + self.bytes.len() && !part.is_empty();
        inside.then_some((start - from) as u64)
    }

    /// The file.
    pub fn file(&self) -> &File {
        &self.file
    }
}

/// The reading end of a body in pieces.
#[derive(Debug)]
pub struct Pieces {
    pieces: mpsc::Receiver<Piece>,
    ended: bool,
}

#[derive(Debug)]
enum Piece {
    Bytes(Bytes),
    /// NOTE: said aloud. A writer that merely goes away has failed, and the client must be able to tell half
    /// of an answer from all of it: without the end, the connection breaks off.
    End,
}

/// The writing end of a body in pieces. Dropped before [`Writer::end`], it breaks the answer off.
#[derive(Debug)]
pub struct Writer(mpsc::Sender<Piece>);

/// The answer broke off: whoever made it failed.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the answer broke off")]
pub struct BrokenOff;

/// The client has gone, and nobody reads what would be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unread;

impl Body {
    /// A body that the kernel may take from `file`, which holds the same.
    pub fn filed(bytes: Bytes, file: Arc<File>) -> Self {
        Self::Filed(Full::new(bytes.clone()), Filed { bytes, file })
    }

    /// The bytes and their file, where there is one.
    pub fn in_file(&self) -> Option<&Filed> {
        match self {
            Self::Filed(_, filed) => Some(filed),
            Self::Whole(_) | Self::Streamed(_) => None,
        }
    }

    /// A body that is written while it is sent. One piece waits at most, so that a slow client holds the writer
    /// back.
    pub fn streamed() -> (Writer, Self) {
        let (sender, pieces) = mpsc::channel(1);
        (Writer(sender), Self::Streamed(Pieces { pieces, ended: false }))
    }
}

impl Writer {
    /// Sends a piece, once there is room for it.
    ///
    /// # Errors
    /// Where the client has gone.
    pub async fn write(&self, bytes: impl Into<Bytes>) -> Result<(), Unread> {
        self.0.send(Piece::Bytes(bytes.into())).await.map_err(|_| Unread)
    }

    /// All is written.
    pub async fn end(self) {
        let _ = self.0.send(Piece::End).await;
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::Whole(Full::default())
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self::Whole(Full::new(bytes.into()))
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match self.get_mut() {
            Self::Whole(whole) | Self::Filed(whole, _) => {
                Pin::new(whole).poll_frame(context).map_err(|never| match never {})
            }
            Self::Streamed(Pieces { ended: true, .. }) => Poll::Ready(None),
            Self::Streamed(body) => Poll::Ready(match ready!(body.pieces.poll_recv(context)) {
                Some(Piece::Bytes(bytes)) => Some(Ok(Frame::data(bytes))),
                Some(Piece::End) => {
                    body.ended = true;
                    None
                }
                None => {
                    body.ended = true;
                    Some(Err(BrokenOff))
                }
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(whole) | Self::Filed(whole, _) => whole.is_end_stream(),
            Self::Streamed(body) => body.ended,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(whole) | Self::Filed(whole, _) => whole.size_hint(),
            Self::Streamed(_) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;

    #[tokio::test]
    async fn half_an_answer_is_never_taken_for_all_of_it() {
        let (writer, body) = Body::streamed();
        let writing = tokio::spawn(async move {
            writer.write("một ").await.unwrap();
            writer.write("hai").await.unwrap();
            writer.end().await;
        });
        assert_eq!(body.collect().await.unwrap().to_bytes(), "một hai");
        writing.await.unwrap();

        let (writer, body) = Body::streamed();
        let writing = tokio::spawn(async move { writer.write("một").await.unwrap() });
        assert!(body.collect().await.is_err());
        writing.await.unwrap();
    }

    #[tokio::test]
    async fn whoever_writes_for_nobody_is_told() {
        let (writer, body) = Body::streamed();
        drop(body);
        assert_eq!(writer.write("một").await, Err(Unread));
    }
}
