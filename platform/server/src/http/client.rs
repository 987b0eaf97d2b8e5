//! Whose request it is: the client's address, as far as anybody we trust vouches for it.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use anyhow::Context;
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The address that a request came from, through trusted proxies only. The shell adds it to every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client(pub IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    /// Unspecified when no shell is around the route: everybody is then one client, which is the strict side.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or(Self(IpAddr::V6(Ipv6Addr::UNSPECIFIED))))
    }
}

/// The proxies in front of us; nobody else's `X-Forwarded-For` is read. `Forwarded` (RFC 7239) is not read at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// From networks (`10.0.0.0/8`) and single addresses.
    ///
    /// # Errors
    /// When an entry is neither, naming it.
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> anyhow::Result<Self> {
        let network = |entry: &'a str| {
            let address = entry.parse::<IpAddr>().map(IpNet::from);
            address.or_else(|_| entry.parse()).with_context(|| {
                format!("{entry:?} is no trusted proxy: write an address or a network, such as 10.0.0.0/8")
            })
        };
        entries.into_iter().map(network).collect::<anyhow::Result<_>>().map(Self)
    }

    /// Whether this address is one of the proxies.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client of a connection from `peer`: the peer itself, or, if that is a proxy, whom it names last,
    /// and so on leftwards while proxies name each other. What a client wrote itself stands further left and
    /// is never reached; an entry that is no address ends the walk at the last good one.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let lines = headers.get_all(FORWARDED_FOR).into_iter().rev();
        for entry in lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b',')) {
            if !self.contains(client) {
                break;
            }
            let Some(named) = address(entry) else { break };
            client = named;
        }
        client
    }
}

/// An address as proxies write it: bare, in brackets, or with a port.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let entry = std::str::from_utf8(entry).ok()?.trim();
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    let address = bare.parse().or_else(|_| entry.parse::<SocketAddr>().map(|socket| socket.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

/// What is counted as one client: an IPv4 address, or an IPv6 /64, which is what one subscriber gets.
pub fn block(address: IpAddr) -> IpNet {
    truncated(address, 32, 64)
}

/// The network around an address, `v4` or `v6` bits long.
pub(super) fn truncated(address: IpAddr, v4: u8, v6: u8) -> IpNet {
    let address = address.to_canonical();
    let bits = if address.is_ipv4() { v4 } else { v6 };
    IpNet::new(address, bits).map_or(IpNet::from(address), |network| network.trunc())
}

/// What the access log tells of an address: not the address.
pub(super) fn class(address: IpAddr) -> &'static str {
    match address {
        _ if address.is_loopback() => "loopback",
        IpAddr::V4(v4) if v4.is_private() || v4.is_link_local() => "private",
        IpAddr::V6(v6) if v6.is_unique_local() || v6.is_unicast_link_local() => "private",
        IpAddr::V4(_) => "public-v4",
        IpAddr::V6(_) => "public-v6",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    /// The client of a connection from `peer` with these header lines, behind 10.0.0.0/8 and 2001:db8:1::1.
    fn client(peer: &str, lines: &[&str]) -> IpAddr {
        let proxies = TrustedProxies::parse(["10.0.0.0/8", "2001:db8:1::1"]).expect("networks");
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().expect("a header value"));
        }
        proxies.client(ip(peer), &headers)
    }

    #[test]
    fn who_is_no_proxy_speaks_for_nobody_else() {
        assert_eq!(client("198.51.100.7", &["203.0.113.9"]), ip("198.51.100.7"));
        assert_eq!(client("::ffff:198.51.100.7", &["203.0.113.9"]), ip("198.51.100.7"));
    }

    #[test]
    fn the_walk_goes_leftwards_past_proxies_and_no_further() {
        assert_eq!(client("10.0.0.1", &["203.0.113.9"]), ip("203.0.113.9"));
        assert_eq!(client("::ffff:10.0.0.1", &["203.0.113.9"]), ip("203.0.113.9"));
        assert_eq!(client("10.0.0.1", &["1.1.1.1, 203.0.113.9, 10.0.0.2"]), ip("203.0.113.9"));
        assert_eq!(client("10.0.0.1", &["1.1.1.1", "203.0.113.9", "10.0.0.2"]), ip("203.0.113.9"));
        assert_eq!(client("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), ip("10.0.0.3"));
        assert_eq!(client("10.0.0.1", &[]), ip("10.0.0.1"));
    }

    #[test]
    fn entries_are_read_as_proxies_write_them() {
        assert_eq!(client("2001:db8:1::1", &["203.0.113.9:4711"]), ip("203.0.113.9"));
        assert_eq!(client("2001:db8:1::1", &["[2001:db8::7]:4711"]), ip("2001:db8::7"));
        assert_eq!(client("2001:db8:1::1", &["[2001:db8::7]"]), ip("2001:db8::7"));
        assert_eq!(client("2001:db8:1::1", &[" ::ffff:203.0.113.9 "]), ip("203.0.113.9"));
    }

    #[test]
    fn what_is_no_address_ends_the_walk_at_the_last_good_one() {
        for bad in ["unknown", "", "_hidden", "203.0.113.9.1", "[::1", "é"] {
            assert_eq!(client("10.0.0.1", &[bad]), ip("10.0.0.1"), "{bad:?}");
            let line = format!("203.0.113.9, {bad}, 10.0.0.2");
            assert_eq!(client("10.0.0.1", &[&line]), ip("10.0.0.2"), "{bad:?}");
        }
    }

    #[test]
    fn an_entry_that_is_no_network_is_named() {
        let error = TrustedProxies::parse(["10.0.0.0/8", "proxy"]).expect_err("no network").to_string();
        assert!(error.contains("\"proxy\"") && error.contains("10.0.0.0/8"), "{error}");
    }

    #[test]
    fn one_subscriber_is_one_block() {
        assert_eq!(block(ip("2001:db8::1")), block(ip("2001:db8::ffff:1")));
        assert_ne!(block(ip("2001:db8::1")), block(ip("2001:db8:0:1::1")));
        assert_eq!(block(ip("::ffff:192.0.2.1")), block(ip("192.0.2.1")));
        assert_ne!(block(ip("192.0.2.1")), block(ip("192.0.2.2")));
    }
}
