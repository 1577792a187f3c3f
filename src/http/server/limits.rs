//! The limits on connections and requests.

use std::time::Duration;

/// Limits on connections and requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerOptions {
    /// Timeout for request headers: from the start of the connection, or from the first byte of a later
    /// request, until the headers are complete.
    pub header_timeout: Duration,
    /// From a response until the headers of the next request are complete. Must be longer than a proxy keeps
    /// idle connections (nginx: 60 s), so that the proxy closes them.
    pub idle_timeout: Duration,
    /// Timeout for a client that reads nothing of a response.
    pub send_timeout: Duration,
    /// The age at which a connection is closed after the running response. After another `send_timeout` it is
    /// aborted.
    pub max_connection_age: Duration,
    /// Maximum number of open connections, divided evenly among the workers (at least one each).
    pub max_connections: usize,
    /// Maximum length of the request headers in bytes; at least 8,192. Longer ones are answered with 431.
    pub max_header_bytes: usize,
    /// Maximum length of a request body in bytes. A longer one is answered with 413.
    pub max_body_bytes: usize,
    /// Maximum size of a body with files (Word documents, forms with images), in bytes.
    pub max_upload_bytes: usize,
    /// Time from the shutdown signal until running responses are aborted.
    pub shutdown_deadline: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(75),
            send_timeout: Duration::from_secs(60),
            max_connection_age: Duration::from_secs(600),
            max_connections: 4096,
            max_header_bytes: 64 * 1024,
            max_body_bytes: 2 * 1024 * 1024,
            max_upload_bytes: 32 * 1024 * 1024,
            shutdown_deadline: Duration::from_secs(8),
        }
    }
}

impl ServerOptions {
    /// Short enough that no limit is exceeded by more than a quarter.
    pub(super) fn sweep_interval(&self) -> Duration {
        let limits = [self.header_timeout, self.idle_timeout, self.send_timeout, self.max_connection_age];
        let shortest = limits.into_iter().min().unwrap_or_default();
        (shortest / 4).clamp(Duration::from_millis(5), Duration::from_secs(1))
    }
}
