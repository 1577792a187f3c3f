//! What the server asks of the program.

use std::net::SocketAddr;
use std::pin::Pin;

use hyper::Request;

use super::request_body::RequestBody;
use crate::http::response::HttpResponse;

/// What answers the requests.
pub trait Service: 'static {
    /// Answers a request of the client at `from`.
    fn answer(&self, request: Request<RequestBody>, from: SocketAddr) -> Answer;
}

/// The answer to a request.
pub enum Answer {
    /// Known at once. NOTE: a poll is answered like this. As a future it would be as large as the largest query, and be
    /// moved around.
    Ready(HttpResponse),
    /// Known later. The future need not be `Send`.
    Later(Pin<Box<dyn Future<Output = HttpResponse>>>),
}

impl Answer {
    /// Waits for the response.
    pub async fn response(self) -> HttpResponse {
        match self {
            Self::Ready(response) => response,
            Self::Later(response) => response.await,
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
