//! What the server asks of the program.

use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::Request;

use super::request_body::RequestBody;
use crate::http::response::HttpResponse;

/// What answers the requests.
pub trait Service: 'static {
    /// Answers a request of the client at `from`.
    fn answer(&self, request: Request<RequestBody>, from: SocketAddr) -> Answer;
}

/// The answer to a request: the future of a response.
pub enum Answer {
    /// Known at once. NOTE: a poll is answered like this. A future for all requests would be as large as the largest query,
    /// and be moved around.
    Ready(Ready<HttpResponse>),
    /// Known later. The future need not be `Send`.
    Later(Pin<Box<dyn Future<Output = HttpResponse>>>),
}

impl Answer {
    /// An answer that is this response.
    pub fn ready(response: HttpResponse) -> Self {
        Self::Ready(ready(response))
    }
}

impl Future for Answer {
    type Output = HttpResponse;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<HttpResponse> {
        match &mut *self {
            Self::Ready(response) => Pin::new(response).poll(context),
            Self::Later(response) => response.as_mut().poll(context),
        }
    }
}

impl<Handler, Response> Service for Handler
where
    Handler: Fn(Request<RequestBody>, SocketAddr) -> Response + 'static,
    Response: Future<Output = HttpResponse> + 'static,
{
    fn answer(&self, request: Request<RequestBody>, from: SocketAddr) -> Answer {
        Answer::Later(Box::pin(self(request, from)))
    }
}
