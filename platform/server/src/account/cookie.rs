//! The cookie of a session.
//!
//! A `__Host-` name makes browsers refuse the cookie unless it is `Secure`, for `/`, and without a domain,
//! so that no neighbouring host can plant or overwrite it. Over plain http browsers take `Secure` cookies
//! from this machine only: Chromium takes and sends this very cookie on `http://localhost` and on
//! `http://127.0.0.1` (seen with 156), Firefox too as its makers say, Safari not before 2026. Anywhere else
//! a site needs https. On one host, cookies do not tell ports apart.

use super::secret::{Kind, NotASecret, Secret};

/// Its name.
pub const NAME: &str = "__Host-touchstone";

/// Why the cookies of a request name no session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CookieFault {
    /// Two of ours: one was planted, and nothing tells which.
    #[error("the request has the cookie {NAME} more than once: delete this site's cookies and sign in again")]
    Twice,
    /// Not the form of a session.
    #[error("{0}")]
    Secret(#[from] NotASecret),
}

/// The `Set-Cookie` header that gives a session to a browser, for `max_age_s` seconds.
///
/// `Lax` sends the cookie when somebody follows a link to the site, and not with another site's forms.
pub fn set(session: &Secret, max_age_s: u64) -> String {
    format!("{NAME}={}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={max_age_s}", session.reveal())
}

/// The `Set-Cookie` header that takes it away.
pub fn clear() -> String {
    format!("{NAME}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0")
}

/// The session in the values of a request's `Cookie` headers; none if it has none.
///
/// Names are compared byte by byte and only blanks and tabs are cut off: a server that is lenient here
/// reads a name as `__Host-` which the browser did not protect as such. Values are bytes, as another
/// program's cookie on the same host may be anything.
///
/// # Errors
/// [`CookieFault`], for which nobody is signed in.
pub fn read<'a>(headers: impl IntoIterator<Item = &'a [u8]>) -> Result<Option<Secret>, CookieFault> {
    let pairs = headers.into_iter().flat_map(|header| header.split(|byte| *byte == b';'));
    let mut ours = pairs.filter_map(|pair| value(pair, NAME));
    let Some(found) = ours.next() else { return Ok(None) };
    if ours.next().is_some() {
        return Err(CookieFault::Twice);
    }
    let text = std::str::from_utf8(found).map_err(|_| NotASecret(Kind::Session))?;
    Ok(Some(Secret::parse(Kind::Session, text)?))
}

/// The session that a server sets in one of its `Set-Cookie` headers, for a client that is no browser.
///
/// # Errors
/// [`CookieFault`], for an answer that is not Touchstone's.
pub fn given<'a>(headers: impl IntoIterator<Item = &'a [u8]>) -> Result<Option<Secret>, CookieFault> {
    read(headers.into_iter().map(|header| header.split(|byte| *byte == b';').next().unwrap_or_default()))
}

fn value<'a>(pair: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let start = pair.iter().position(|byte| !matches!(byte, b' ' | b'\t'))?;
    let end = pair.iter().rposition(|byte| !matches!(byte, b' ' | b'\t'))?;
    pair[start..=end].strip_prefix(name.as_bytes())?.strip_prefix(b"=")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Secret {
        Secret::new(Kind::Session, [0x5a; 32])
    }

    fn read_one(header: &str) -> Result<Option<Secret>, CookieFault> {
        read([header.as_bytes()])
    }

    #[test]
    fn the_cookie_is_bound_to_the_host() {
        let header = set(&session(), 3600);
        let parts: Vec<&str> = header.split("; ").collect();
        assert_eq!(parts[0], format!("__Host-touchstone={}", session().reveal()));
        assert_eq!(parts[1..], ["Path=/", "Secure", "HttpOnly", "SameSite=Lax", "Max-Age=3600"]);
        assert!(clear().starts_with("__Host-touchstone=; Path=/; Secure;"));
        assert!(clear().ends_with("Max-Age=0"));
    }

    #[test]
    fn a_session_is_found_among_other_cookies() {
        let ours = format!("{NAME}={}", session().reveal());
        for header in [
            ours.clone(),
            format!("a=b; {ours}"),
            format!("{ours};a=b"),
            format!(" a=b ;\t{ours}\t; =x; novalue; touchstone=1"),
        ] {
            assert_eq!(read_one(&header), Ok(Some(session())), "{header}");
        }
        assert_eq!(read([b"a=\xff\xfe".as_slice(), ours.as_bytes()]), Ok(Some(session())));
        assert_eq!(given([b"a=b; Path=/".as_slice(), set(&session(), 60).as_bytes()]), Ok(Some(session())));
        for none in ["", ";;", "a=b", "touchstone=x"] {
            assert_eq!(read_one(none), Ok(None), "{none}");
        }
    }

    #[test]
    fn two_of_ours_are_refused_even_if_they_agree() {
        let ours = format!("{NAME}={}", session().reveal());
        assert_eq!(read_one(&format!("{ours}; {ours}")), Err(CookieFault::Twice));
        assert_eq!(read_one(&format!("{NAME}=; {ours}")), Err(CookieFault::Twice));
        assert_eq!(read([ours.as_bytes(), ours.as_bytes()]), Err(CookieFault::Twice));
    }

    #[test]
    fn a_name_that_only_looks_like_ours_is_not_ours() {
        let value = session().reveal();
        for name in [
            "__host-touchstone",
            "\u{2000}__Host-touchstone",
            "\u{a0}__Host-touchstone",
            "\u{b}__Host-touchstone",
            "=__Host-touchstone",
            "$Version=1,__Host-touchstone",
            "\"__Host-touchstone\"",
            "__Host-touchstone ",
        ] {
            assert_eq!(read_one(&format!("{name}={value}")), Ok(None), "{name:?}");
        }
    }

    #[test]
    fn a_value_that_is_no_session_is_refused() {
        let token = Secret::new(Kind::Token, [1; 32]).reveal();
        let quoted = format!("\"{}\"", session().reveal());
        for odd in ["", "x", &token, &quoted, &session().reveal()[..67]] {
            let read = read_one(&format!("{NAME}={odd}"));
            assert_eq!(read, Err(CookieFault::Secret(NotASecret(Kind::Session))), "{odd}");
        }
        assert!(read([b"__Host-touchstone=\xff".as_slice()]).is_err());
    }
}
