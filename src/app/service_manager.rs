//! What the service manager (systemd) is told: sd_notify(3). Without one, nothing happens.

use std::net::SocketAddr;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tracing::warn;

/// The service does not answer yet: the first scan of a large folder takes its time.
pub(super) fn starting() {
    notify(&[NotifyState::Status("starting: reading the articles")]);
}

/// The service answers requests; the last reload, if any, is complete.
pub(super) fn ready(status: &str) {
    notify(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// A new configuration is being applied. [`ready`] must follow.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(cause) => warn!(%cause, "no monotonic clock for the service manager"),
    }
}

/// The service finishes running responses and exits.
pub(super) fn stopping() {
    notify(&[NotifyState::Stopping]);
}

/// Sends a sign of life twice per watchdog period for as long as `/healthz` answers on the admin listener, which
/// `admin` returns. Never ends; without a watchdog it does nothing.
pub(super) async fn watchdog(admin: impl Fn() -> SocketAddr) {
    let Some(period) = sd_notify::watchdog_enabled() else { return std::future::pending().await };
    loop {
        match tokio::time::timeout(period / 4, is_alive(admin())).await {
            Ok(true) => notify(&[NotifyState::Watchdog]),
            Ok(false) | Err(_) => {
                warn!("the admin listener does not answer; no sign of life for the watchdog")
            }
        }
        tokio::time::sleep((period / 2).max(Duration::from_millis(1))).await;
    }
}

async fn is_alive(admin: SocketAddr) -> bool {
    let asked = async {
        let mut stream = TcpStream::connect(admin).await?;
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await?;
        std::io::Result::Ok(answer == *b"HTTP/1.1 200")
    };
    asked.await.unwrap_or(false)
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(cause) = sd_notify::notify(state) {
        warn!(%cause, "cannot notify the service manager");
    }
}
