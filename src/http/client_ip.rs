//! The address of a client, also behind trusted proxies.

use std::net::{IpAddr, Ipv6Addr};

use hyper::HeaderMap;
use ipnet::IpNet;

/// The client's address: the peer's, or the one that trusted proxies report.
///
/// SECURITY: read from the right. Everything further left may be forged by the client.
pub(super) fn client_address(headers: &HeaderMap, peer: IpAddr, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    let mut client = peer.to_canonical();
    let mut forwarded: Vec<&[u8]> = Vec::new();
    if is_trusted(client) {
        let lines = headers.get_all("x-forwarded-for").iter();
        let members = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
        // RFC 9110 §5.6.1: empty list members are ignored.
        forwarded.extend(members.map(<[u8]>::trim_ascii).filter(|member| !member.is_empty()));
    }
    while is_trusted(client) {
        let Some(previous) = forwarded.pop().and_then(parse_member) else { break };
        client = previous.to_canonical();
    }
    client
}

/// The key of a limit for clients: an IPv6 client commonly has 2^64 addresses.
pub(super) fn rate_limit_key(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(_) => client,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

/// The address in one list member: alone, with a port, in brackets or quotes, or as in `Forwarded` (RFC 7239
/// §6).
fn parse_member(member: &[u8]) -> Option<IpAddr> {
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
    fn the_client_is_the_address_seen_by_the_last_trusted_proxy() {
        for (lines, peer, expected) in [
            (&[][..], "203.0.113.9", "203.0.113.9"),
            (&[], "127.0.0.1", "127.0.0.1"),
            (&["198.51.100.1"], "127.0.0.1", "198.51.100.1"),
            (&["198.51.100.1"], "::ffff:127.0.0.1", "198.51.100.1"),
            (&["198.51.100.1, 10.0.0.7"], "127.0.0.1", "198.51.100.1"),
            (&["198.51.100.1", "10.0.0.7"], "127.0.0.1", "198.51.100.1"),
            (&["2001:db8::1"], "10.1.1.1", "2001:db8::1"),
            // What a client claims about itself, and invalid values, are ignored.
            (&["1.1.1.1"], "203.0.113.9", "203.0.113.9"),
            (&["1.1.1.1, 198.51.100.1"], "127.0.0.1", "198.51.100.1"),
            (&["1.1.1.1, ?, 10.0.0.7"], "127.0.0.1", "10.0.0.7"),
            (&["\u{e9}, 198.51.100.1"], "127.0.0.1", "198.51.100.1"),
            (&["1.1.1.1, unknown"], "127.0.0.1", "127.0.0.1"),
            // The notations that proxies use.
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
            assert_eq!(client_of(lines, peer), expected, "{lines:?} {peer}");
        }
    }

    #[test]
    fn an_ipv6_network_counts_as_one_client() {
        let network = |text: &str| rate_limit_key(text.parse().unwrap());
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }

    proptest! {
        #[test]
        fn without_a_trusted_proxy_the_header_is_ignored(line in "[ -~]{0,64}") {
            prop_assert_eq!(client_of(&[&line], "203.0.113.9"), "203.0.113.9");
        }
    }
}
