//! What the server asks of the program.

use std::net::SocketAddr;

use hyper::Request;

use super::request_body::RequestBody;
use crate::http::response::HttpResponse;

/// What answers the requests. Its futures need not be `Send`.
pub trait Service: 'static {
    /// Answers a request of the client at `from`.
    fn answer(
        &self,
        request: Request<RequestBody>,
        from: SocketAddr,
    ) -> impl Future<Output = HttpResponse> + use<Self> + 'static;
}

impl<Handler, Answer> Service for Handler
where
    Handler: Fn(Request<RequestBody>, SocketAddr) -> Answer + 'static,
    Answer: Future<Output = HttpResponse> + 'static,
{
    fn answer(
        &self,
        request: Request<RequestBody>,
        from: SocketAddr,
    ) -> impl Future<Output = HttpResponse> + use<Handler, Answer> + 'static {
        self(request, from)
    }
}
