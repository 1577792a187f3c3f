//! Which URLs and addresses may be requested.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use ipnet::IpNet;
use url::{Host, Url};

use crate::urls::redact_url;

/// The addresses that a client may connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowedAddresses {
    /// Public addresses.
    Public,
    /// Also private ones, because the operator says so.
    All,
}

/// Internal networks and hosts that may be requested beside public addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowList {
    /// Networks.
    pub networks: Vec<IpNet>,
    /// Host names in lower case, with whatever address.
    pub hosts: Vec<String>,
}

impl AllowList {
    /// Every address: for URLs that the operator names.
    pub fn everything() -> Self {
        let all = [IpAddr::from([0; 4]), IpAddr::from([0; 16])];
        let networks = all.into_iter().filter_map(|address| IpNet::new(address, 0).ok()).collect();
        Self { networks, hosts: Vec::new() }
    }

    /// True if this address of this host may be requested.
    pub fn permits(&self, host: &str, address: IpAddr) -> bool {
        is_public(address)
            || self.networks.iter().any(|network| network.contains(&address.to_canonical()))
            || self.hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host))
    }
}

/// Maximum length of a URL in bytes.
const MAX_URL_BYTES: usize = 2048;

/// Why a URL is not requested.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It is not an absolute URL with a host, or too long.
    #[error("`{0}` is not an absolute http or https URL")]
    NotHttp(String),
    /// It contains a user name or password.
    #[error("the URL contains a user name or password; remove them")]
    Credentials,
    /// Its host is written as an internal address.
    #[error(
        "{0} is a private or reserved address; if that is intended, set allow_private = true for the source"
    )]
    PrivateAddress(IpAddr),
}

/// Parses a URL as browsers do (WHATWG URL): decimal, octal, hexadecimal, short and percent-encoded spellings of an
/// address become the address.
///
/// # Errors
/// If it must not be requested.
pub fn parse_url(text: &str, allowed: AllowedAddresses) -> Result<Url, UrlError> {
    let not_http = || UrlError::NotHttp(redact_url(text).chars().take(200).collect());
    if text.len() > MAX_URL_BYTES {
        return Err(not_http());
    }
    let mut url = Url::parse(text).map_err(|_| not_http())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(not_http());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlError::Credentials);
    }
    let address = address_of(&url.host().ok_or_else(not_http)?);
    if let Some(address) =
        address.filter(|address| allowed == AllowedAddresses::Public && !is_public(*address))
    {
        return Err(UrlError::PrivateAddress(address));
    }
    url.set_fragment(None);
    Ok(url)
}

/// The address that a host is, whoever resolves it. A proxy would be asked for other names.
pub(super) fn address_of(host: &Host<&str>) -> Option<IpAddr> {
    match host {
        Host::Ipv4(address) => Some(IpAddr::V4(*address)),
        Host::Ipv6(address) => Some(IpAddr::V6(*address)),
        // RFC 6761 §6.3: these names are always loopback addresses.
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            (name == "localhost" || name.ends_with(".localhost")).then_some(Ipv4Addr::LOCALHOST.into())
        }
    }
}

/// Internal and reserved networks (IANA special-purpose registries).
static RESERVED: LazyLock<Vec<IpNet>> = LazyLock::new(|| {
    let networks = [
        // IPv4: this host, private, carrier-grade NAT, loopback, link-local, protocol assignments, documentation,
        // 6to4 relays, benchmarking, multicast, reserved and broadcast.
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        // IPv6 within the global unicast range: protocol assignments with Teredo, documentation, 6to4.
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    ];
    networks.iter().filter_map(|network| network.parse().ok()).collect()
});

/// True for an address of the public internet. IPv6 addresses that contain IPv4 ones (mapped, NAT64, 6to4, Teredo) are
/// not public.
pub fn is_public(address: IpAddr) -> bool {
    // Everything else is reserved, local, multicast, mapped or translated: 2000::/3 is global unicast (RFC 4291 §2.4).
    let is_unicast = match address {
        IpAddr::V4(_) => true,
        IpAddr::V6(address) => address.segments()[0] & 0xe000 == 0x2000,
    };
    is_unicast && !RESERVED.iter().any(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_reserved_networks_are_parsed() {
        assert_eq!(RESERVED.len(), 19);
    }

    #[test]
    fn public_addresses_are_told_from_internal_ones() {
        for public in
            ["1.1.1.1", "113.160.0.1", "100.128.0.1", "172.32.0.1", "2400:cb00::1", "2001:4860::8888"]
        {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for internal in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.255.255.255",
            "169.254.169.254",
            "172.31.255.255",
            "192.168.1.1",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:8.8.8.8",
            "::8.8.8.8",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(internal.parse().unwrap()), "{internal}");
        }
    }
}
