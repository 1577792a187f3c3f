//! `bantin health`: asks the running service whether it is ready, for container health checks and scripts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, bail};
use ureq::Agent;

use super::output::{Outcome, OutputOptions, print_line};
use crate::config::Config;

const TIMEOUT: Duration = Duration::from_secs(5);

/// Prints the answer of `/readyz` on the admin listener.
///
/// # Errors
/// If the service does not answer, or is not ready.
pub(super) fn health(config: &Config, output: OutputOptions) -> anyhow::Result<Outcome> {
    let address = reachable(config.admin);
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .proxy(None)
        .build()
        .into();
    let asked = agent.get(format!("http://{address}/readyz")).call();
    let mut answer = asked.with_context(|| format!("no answer from {address} ([server] admin)"))?;
    let text = answer.body_mut().read_to_string().with_context(|| format!("reading from {address}"))?;
    if answer.status() != 200 {
        bail!("the service at {address} is not ready: {}", text.trim());
    }
    if !output.quiet {
        print_line(text.trim())?;
    }
    Ok(Outcome::Done)
}

/// A listener on all addresses is reached by loopback.
fn reachable(listener: SocketAddr) -> SocketAddr {
    let ip = match listener.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listener.port())
}
