//! Where a site is: scheme, host and port, as browsers compare them.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The origin of an `http` or `https` URI (RFC 6454), in one spelling: small letters, no default port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    secure: bool,
    host: String,
    port: Option<u16>,
}

/// The text has no origin that we deal with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address of a site: write https://HOST or http://HOST:PORT, without a user name")]
pub struct NotAnOrigin(String);

impl Origin {
    /// The origin of a URI; its path, query and fragment do not matter.
    ///
    /// # Errors
    /// When it is neither `http` nor `https`, or has no plain host.
    pub fn of(uri: &str) -> Result<Self, NotAnOrigin> {
        let fault = || NotAnOrigin(uri.chars().filter(char::is_ascii_graphic).take(80).collect());
        let (scheme, rest) = uri.split_once("://").ok_or_else(fault)?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(fault()),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (host, port) = split(authority).ok_or_else(fault)?;
        let port = port.filter(|port| *port != default_port(secure));
        Ok(Self { secure, host, port })
    }

    /// Whether the connection is encrypted.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// `https` or `http`.
    pub fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    /// The host; an IPv6 address stands in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or_else(|| default_port(self.secure))
    }

    /// Host and port as EIP-4361 names a domain; a default port is left out, as browsers do.
    pub fn authority(&self) -> String {
        self.port.map_or_else(|| self.host.clone(), |port| format!("{}:{port}", self.host))
    }

    /// Whether the host is this machine: what is sent there in clear text is not on any wire. Browsers
    /// take `Secure` cookies from it without encryption (W3C Secure Contexts section 3.1).
    pub fn is_loopback(&self) -> bool {
        let v6 = self.host.trim_matches(['[', ']']).parse::<Ipv6Addr>();
        let v4 = self.host.parse::<Ipv4Addr>();
        self.host == "localhost" || v4.is_ok_and(|ip| ip.is_loopback()) || v6.is_ok_and(|ip| ip.is_loopback())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme(), self.authority())
    }
}

/// A site by its root: no path but `/`, no query.
impl FromStr for Origin {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Self, NotAnOrigin> {
        let origin = Self::of(text)?;
        let rest = text.split_once("://").map_or("", |(_, rest)| rest);
        match rest.split_once(['/', '?', '#']) {
            None => Ok(origin),
            Some((authority, "")) if rest[authority.len()..] == *"/" => Ok(origin),
            Some(_) => Err(NotAnOrigin(text.chars().filter(char::is_ascii_graphic).take(80).collect())),
        }
    }
}

fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

/// Host and port of an authority without user information.
fn split(authority: &str) -> Option<(String, Option<u16>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (address, rest) = rest.split_once(']')?;
        let address: Ipv6Addr = address.parse().ok()?;
        let port = if rest.is_empty() { None } else { Some(port(rest.strip_prefix(':')?)?) };
        return Some((format!("[{address}]"), port));
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, digits)) => (host, Some(port(digits)?)),
        None => (authority, None),
    };
    let named = !host.is_empty()
        && host.len() <= 253
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    named.then(|| (host.to_ascii_lowercase(), port))
}

fn port(digits: &str) -> Option<u16> {
    let port: u16 = digits.parse().ok()?;
    (port > 0 && port.to_string() == digits).then_some(port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_one_spelling() {
        for (uri, expected) in [
            ("https://touchstone.example", "https://touchstone.example"),
            ("HTTPS://Touchstone.Example:443/a/b?c#d", "https://touchstone.example"),
            ("https://touchstone.example:80", "https://touchstone.example:80"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
            ("http://localhost:80?x", "http://localhost"),
            ("http://[0:0::1]:8080#x", "http://[::1]:8080"),
            ("https://[2001:DB8::1]", "https://[2001:db8::1]"),
        ] {
            let origin = Origin::of(uri).unwrap();
            assert_eq!(origin.to_string(), expected, "{uri}");
            assert_eq!(origin.to_string().parse(), Ok(origin));
        }
    }

    #[test]
    fn what_is_no_plain_site_is_refused() {
        for odd in [
            "",
            "touchstone.example",
            "ftp://touchstone.example",
            "https:touchstone.example",
            "https://",
            "https:///x",
            "https://touchstone.example:",
            "https://touchstone.example:0",
            "https://touchstone.example:065",
            "https://touchstone.example:+80",
            "https://touchstone.example:65536",
            "https://touchstone.example@evil.example",
            "https://a:b@evil.example",
            "https://touchstone.example\\.evil.example",
            "https://touchstone.example%2f.evil.example",
            "https://[::1",
            "https://[::1]x",
            "https://[127.0.0.1]",
            "https://évil.example",
            " https://touchstone.example",
        ] {
            assert!(Origin::of(odd).is_err(), "{odd}");
        }
        for path in ["https://a.example/x", "https://a.example/?", "https://a.example?", "https://a.example#"]
        {
            assert!(Origin::of(path).is_ok() && path.parse::<Origin>().is_err(), "{path}");
        }
        assert!("https://a.example/".parse::<Origin>().is_ok());
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for near in ["http://localhost:1", "http://127.0.0.1", "http://127.8.9.1:5", "https://[::1]:5"] {
            assert!(Origin::of(near).unwrap().is_loopback(), "{near}");
        }
        for far in
            ["http://127.0.0.1.evil.example", "http://localhost.example", "http://10.0.0.1", "http://[::2]"]
        {
            assert!(!Origin::of(far).unwrap().is_loopback(), "{far}");
        }
    }
}
