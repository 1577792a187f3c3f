//! Who may ask how often, and what is noted of it: off unless the operator says otherwise, and free then.
//!
//! A client is known by its address. Behind a proxy that is the last one in `X-Forwarded-For` which no trusted
//! proxy wrote of itself (rule C8: 429 with `Retry-After`).

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use hyper::body::Body as _;
use hyper::{HeaderMap, Request};
use ipnet::IpNet;
use tracing::info;

use super::api;
use super::response::{self, HttpResponse};
use super::server::RequestBody;
use crate::urls::{Route, SiteUrls};

/// What the operator chooses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MiddlewareOptions {
    /// The proxies whose word on a client's address is taken.
    pub trusted_proxies: Vec<IpNet>,
    /// So many requests a minute are answered to each client; all, where nothing is said.
    pub requests_per_minute: Option<NonZeroU32>,
    /// So many articles a minute each token may publish, correct or withdraw; any number, where nothing is said.
    pub writes_per_minute: Option<NonZeroU32>,
    /// A line in the log for each request.
    pub access_log: bool,
}

impl MiddlewareOptions {
    /// True where nobody is counted and nothing noted.
    pub fn is_off(&self) -> bool {
        self.requests_per_minute.is_none() && !self.access_log
    }
}

/// Stands before a service. Clones share their counts.
#[derive(Clone)]
pub struct RateLimitLayer(Arc<Inner>);

struct Inner {
    options: MiddlewareOptions,
    addresses: Arc<SiteUrls>,
    limiter: KeyedLimiter<IpAddr>,
}

impl RateLimitLayer {
    /// A gate that nobody has passed yet.
    pub fn new(options: MiddlewareOptions, addresses: Arc<SiteUrls>) -> Self {
        let pace = KeyedLimiter::per_minute(options.requests_per_minute);
        Self(Arc::new(Inner { options, addresses, limiter: pace }))
    }

    /// Lets a request pass to `service`, or answers 429.
    pub async fn answer<Answer: Future<Output = HttpResponse>>(
        &self,
        request: Request<RequestBody>,
        from: SocketAddr,
        service: impl FnOnce(Request<RequestBody>, SocketAddr) -> Answer,
    ) -> HttpResponse {
        let client = client_address(request.headers(), from.ip(), &self.0.options.trusted_proxies);
        let asked = self.0.options.access_log.then(|| (request.method().clone(), request.uri().clone()));
        let reply = match self.turn(request.uri().path(), client) {
            Ok(()) => service(request, from).await,
            Err(wait) => self.is_rate_limited(request.uri().path(), wait),
        };
        if let Some((method, address)) = asked {
            let (status, bytes) = (reply.status().as_u16(), reply.body().size_hint().exact());
            info!(%client, %method, %address, status, bytes, "asked");
        }
        reply
    }
}

impl RateLimitLayer {
    /// NOTE: whoever asks whether the service is well must not hear that it is busy, and be told to end it.
    fn turn(&self, path: &str, client: IpAddr) -> Result<(), Duration> {
        let of_health = || matches!(self.0.addresses.parse(path), Route::Health | Route::Ready);
        if self.0.options.requests_per_minute.is_none() || of_health() {
            return Ok(());
        }
        self.0.limiter.check(&rate_limit_key(client))
    }

    /// For programs as problem details, for all others as a page.
    fn is_rate_limited(&self, path: &str, wait: Duration) -> HttpResponse {
        match api::is_below(&self.0.addresses.local_path(path)) {
            true => api::rate_limited(&self.0.addresses, wait),
            false => response::too_many_requests(wait),
        }
    }
}

/// Counts turns by key: so many in a minute, evenly spread after a first rush of as many.
pub struct KeyedLimiter<K: Hash + Eq + Clone> {
    limiter: Option<DefaultKeyedRateLimiter<K>>,
    checks: AtomicU64,
}

/// After so many turns those who have not come for long are forgotten.
const CLEANUP_INTERVAL: u64 = 4096;

impl<K: Hash + Eq + Clone> KeyedLimiter<K> {
    /// So many a minute; without a number, as many as come.
    pub fn per_minute(turns: Option<NonZeroU32>) -> Self {
        let limiter = turns.map(|turns| RateLimiter::keyed(Quota::per_minute(turns)));
        Self { limiter, checks: AtomicU64::new(0) }
    }

    /// Takes a turn.
    ///
    /// # Errors
    /// The time until the next turn, where it is too early for one.
    pub fn check(&self, key: &K) -> Result<(), Duration> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        if self.checks.fetch_add(1, Ordering::Relaxed) % CLEANUP_INTERVAL == CLEANUP_INTERVAL - 1 {
            limiter.retain_recent();
        }
        limiter.check_key(key).map_err(|early| early.wait_time_from(DefaultClock::default().now()))
    }
}

/// The client's address: the peer's, or what trusted proxies say of it.
///
/// SECURITY: read from the right. What stands further left a client may have written itself.
fn client_address(headers: &HeaderMap, peer: IpAddr, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    let mut client = peer.to_canonical();
    let mut said: Vec<&[u8]> = Vec::new();
    if is_trusted(client) {
        let lines = headers.get_all("x-forwarded-for").iter();
        let members = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
        // RFC 9110 §5.6.1: empty members of a list count for nothing.
        said.extend(members.map(<[u8]>::trim_ascii).filter(|member| !member.is_empty()));
    }
    while is_trusted(client) {
        let Some(before) = said.pop().and_then(address_of) else { break };
        client = before.to_canonical();
    }
    client
}

/// The address in what a proxy writes of its client: alone, with a port, in brackets or quotes, or like a member of
/// `Forwarded` (RFC 7239 §6).
fn address_of(member: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(member).ok()?.split(';').next()?.trim();
    let text = match text.get(..4) {
        Some(name) if name.eq_ignore_ascii_case("for=") => text[4..].trim(),
        _ => text,
    };
    let text = text.trim_matches('"').trim();
    let without_port = match text.strip_prefix('[') {
        Some(literal) => literal.split_once(']')?.0,
        None if text.matches(':').count() == 1 => text.split_once(':')?.0,
        None => text,
    };
    without_port.split('%').next()?.parse().ok()
}

/// Whose turn it is: an IPv6 client commonly has 2^64 addresses.
fn rate_limit_key(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(_) => client,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn client_of(lines: &[&str], peer: &str) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let trusted = ["127.0.0.1/32", "10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap());
        client_address(&headers, peer.parse().unwrap(), &trusted).to_string()
    }

    #[test]
    fn a_client_is_whom_the_last_trusted_proxy_saw() {
        for (lines, peer, told) in [
            (&[][..], "203.0.113.9", "203.0.113.9"),
            (&[], "127.0.0.1", "127.0.0.1"),
            (&["198.51.100.1"], "127.0.0.1", "198.51.100.1"),
            (&["198.51.100.1"], "::ffff:127.0.0.1", "198.51.100.1"),
            (&["198.51.100.1, 10.0.0.7"], "127.0.0.1", "198.51.100.1"),
            (&["198.51.100.1", "10.0.0.7"], "127.0.0.1", "198.51.100.1"),
            (&["2001:db8::1"], "10.1.1.1", "2001:db8::1"),
            // What a client says of itself, and rubbish, count for nothing.
            (&["1.1.1.1"], "203.0.113.9", "203.0.113.9"),
            (&["1.1.1.1, 198.51.100.1"], "127.0.0.1", "198.51.100.1"),
            (&["1.1.1.1, ?, 10.0.0.7"], "127.0.0.1", "10.0.0.7"),
            (&["\u{e9}, 198.51.100.1"], "127.0.0.1", "198.51.100.1"),
            (&["1.1.1.1, unknown"], "127.0.0.1", "127.0.0.1"),
            // The many ways in which proxies write it.
            (&["203.0.113.7:4711"], "127.0.0.1", "203.0.113.7"),
            (&["[2001:db8::7]:4711"], "127.0.0.1", "2001:db8::7"),
            (&["[2001:db8::7]"], "127.0.0.1", "2001:db8::7"),
            (&["\"[2001:db8::7]:4711\""], "127.0.0.1", "2001:db8::7"),
            (&["\"203.0.113.7\""], "127.0.0.1", "203.0.113.7"),
            (&["for=203.0.113.7:_a;proto=https"], "127.0.0.1", "203.0.113.7"),
            (&["For=\"[2001:db8::7]:4711\";by=10.0.0.1"], "127.0.0.1", "2001:db8::7"),
            (&["fe80::1%eth0"], "127.0.0.1", "fe80::1"),
            (&["::ffff:203.0.113.7"], "127.0.0.1", "203.0.113.7"),
            (&["[::ffff:203.0.113.7]:80, 10.0.0.7:443"], "127.0.0.1", "203.0.113.7"),
            (&["\t203.0.113.7 \t, ,"], "127.0.0.1", "203.0.113.7"),
            (&["203.0.113.7", " "], "127.0.0.1", "203.0.113.7"),
        ] {
            assert_eq!(client_of(lines, peer), told, "{lines:?} {peer}");
        }
    }

    #[test]
    fn each_client_has_turns_of_its_own_and_is_told_when_to_come_again() {
        let pace = KeyedLimiter::per_minute(NonZeroU32::new(2));
        assert_eq!([pace.check(&"a"), pace.check(&"a")], [Ok(()), Ok(())]);
        let wait = pace.check(&"a").unwrap_err();
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(30), "{wait:?}");
        assert_eq!(pace.check(&"b"), Ok(()));
        let free = KeyedLimiter::per_minute(None);
        assert!((0..10_000).all(|_| free.check(&"a").is_ok()));
    }

    #[test]
    fn a_network_of_a_client_has_one_count() {
        let network = |text: &str| rate_limit_key(text.parse().unwrap());
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }

    proptest! {
        #[test]
        fn whatever_a_client_claims_without_a_trusted_proxy_it_is_known_by_its_address(line in "[ -~]{0,64}") {
            prop_assert_eq!(client_of(&[&line], "203.0.113.9"), "203.0.113.9");
        }
    }
}
