//! The listener for clients that do not know yet that the site speaks HTTPS only.

use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper::header::AUTHORIZATION;
use hyper::{Method, Request, StatusCode};

use super::response::{self, HttpResponse};
use super::server::RequestBody;
use super::validity;

/// Where the client of a certificate authority leaves its answers (RFC 8555 §8.3).
const CHALLENGES: &str = "/.well-known/acme-challenge/";
/// More than any answer to a challenge.
const MAX_CHALLENGE: u64 = 4096;

/// Where plain HTTP is redirected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectOptions {
    /// The address of the listener.
    pub listen: SocketAddr,
    /// The origin of the site (RFC 6454): `https://huyen.example.vn`, with the port if it is not 443.
    pub origin: String,
    /// The folder below which an ACME client writes `.well-known/acme-challenge/TOKEN`.
    pub challenges: Option<PathBuf>,
}

/// Redirects plain HTTP to HTTPS, and serves the answers to the challenges of a certificate authority.
#[derive(Clone)]
pub struct RedirectHandler(Arc<RedirectOptions>);

impl RedirectHandler {
    /// A handler with these options.
    pub fn new(options: RedirectOptions) -> Self {
        Self(Arc::new(options))
    }

    /// Answers one request.
    pub async fn answer(self, request: Request<RequestBody>, _from: SocketAddr) -> HttpResponse {
        if let Err(invalid) = validity::check(&request) {
            return invalid.reply();
        }
        let secret = request.headers().contains_key(AUTHORIZATION);
        // SECURITY: what was sent here could be read on the way. A redirect would make it work, and it would be sent here
        // again.
        if secret || !matches!(*request.method(), Method::GET | Method::HEAD) {
            return response::plain(
                StatusCode::FORBIDDEN,
                "text/plain; charset=utf-8",
                format!("Only over HTTPS: {}/\n", self.0.origin),
            );
        }
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        if let Some(token) = target.strip_prefix(CHALLENGES) {
            return self.challenge(token).await;
        }
        // SECURITY: the host is that of the configuration, not that of the request: nobody is sent to another site.
        response::moved_permanently(&format!("{}{target}", self.0.origin))
    }

    async fn challenge(&self, token: &str) -> HttpResponse {
        // SECURITY: the alphabet of tokens (RFC 8555 §8.3) has neither dots nor slashes: no other file is reached.
        let valid = token.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        let Some(folder) = self.0.challenges.as_ref().filter(|_| valid && !token.is_empty()) else {
            return response::not_found();
        };
        let path = folder.join(&CHALLENGES[1..]).join(token);
        match tokio::task::spawn_blocking(move || read_challenge(&path)).await {
            Ok(Ok(text)) => response::plain(StatusCode::OK, "application/octet-stream", text),
            _ => response::not_found(),
        }
    }
}

fn read_challenge(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    std::fs::File::open(path)?.take(MAX_CHALLENGE).read_to_end(&mut text)?;
    Ok(text)
}
