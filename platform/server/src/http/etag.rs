//! Answers that a client or a cache may keep: a strong validator, and 304 for whoever has the bytes already.

use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// For what never changes under its address, such as content-addressed evidence: a year.
pub const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// For what anybody may keep, but must ask about before using it again.
pub const REVALIDATE: HeaderValue = HeaderValue::from_static("public, no-cache");

/// Bytes with their validator.
#[derive(Debug, Clone)]
pub struct Tagged {
    bytes: Bytes,
    content_type: &'static str,
    etag: HeaderValue,
    gzip: Option<Bytes>,
}

impl Tagged {
    /// Tags these bytes.
    pub fn new(content_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let etag = of(&bytes);
        Self { bytes, content_type, etag, gzip: None }
    }

    /// Compresses the bytes once, for whoever takes gzip: for what is answered often.
    #[must_use]
    pub fn compressed(mut self) -> Self {
        use std::io::Write;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        let packed = encoder.write_all(&self.bytes).and_then(|()| encoder.finish());
        // What does not become shorter is sent as it is.
        self.gzip = packed.ok().filter(|packed| packed.len() < self.bytes.len()).map(Bytes::from);
        self
    }

    /// Length of the uncompressed bytes.
    #[expect(clippy::len_without_is_empty, reason = "nobody asks whether it is empty")]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The media type.
    pub fn content_type(&self) -> &'static str {
        self.content_type
    }

    /// The answer to a GET with these headers: the bytes, or 304 when the client names their tag.
    pub fn answer(&self, request: &HeaderMap, cache: HeaderValue) -> Response {
        let validators = [(ETAG, self.etag.clone()), (CACHE_CONTROL, cache)];
        if names(request, &self.etag) {
            return (StatusCode::NOT_MODIFIED, validators).into_response();
        }
        let kind = [(CONTENT_TYPE, self.content_type)];
        match self.gzip.as_ref().filter(|_| takes_gzip(request)) {
            Some(packed) => {
                let how = [(CONTENT_ENCODING, GZIP), (VARY, HeaderValue::from_static("accept-encoding"))];
                (validators, kind, how, packed.clone()).into_response()
            }
            None => (validators, kind, self.bytes.clone()).into_response(),
        }
    }
}

/// A strong tag: the first 128 bits of SHA-256, quoted.
pub fn of(bytes: &[u8]) -> HeaderValue {
    let text = format!("\"{}\"", hex::encode(&Sha256::digest(bytes)[..16]));
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("\"\""))
}

const GZIP: HeaderValue = HeaderValue::from_static("gzip");

/// Whether `Accept-Encoding` names gzip and does not rule it out (RFC 9110 section 12.5.3).
fn takes_gzip(request: &HeaderMap) -> bool {
    let lines = request.get_all(ACCEPT_ENCODING).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        named && parts.all(|part| !matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

/// Whether `If-None-Match` names this tag; by weak comparison (RFC 9110 section 13.1.2), since compression
/// on the way makes a strong tag weak.
fn names(request: &HeaderMap, etag: &HeaderValue) -> bool {
    let lines = request.get_all(IF_NONE_MATCH).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).any(|tag| {
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        tag == "*" || tag.as_bytes() == etag.as_bytes()
    })
}

/// Makes a strong tag weak: what was compressed is not the same bytes any more.
pub(super) fn weaken(headers: &mut HeaderMap) {
    let Some(etag) = headers.get(ETAG).and_then(|etag| etag.to_str().ok()) else { return };
    if !etag.starts_with("W/")
        && let Ok(weak) = HeaderValue::from_str(&format!("W/{etag}"))
    {
        headers.insert(ETAG, weak);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(tagged: &Tagged, tags: &[&str]) -> Response {
        let mut headers = HeaderMap::new();
        for tag in tags {
            headers.append(IF_NONE_MATCH, tag.parse().expect("a value"));
        }
        tagged.answer(&headers, REVALIDATE)
    }

    #[test]
    fn who_has_the_bytes_is_not_sent_them() {
        let tagged = Tagged::new("text/plain", "some bytes");
        let first = answer(&tagged, &[]);
        assert_eq!(first.status(), StatusCode::OK);
        let etag = first.headers()[ETAG].to_str().expect("text").to_owned();
        assert_eq!(etag.len(), 34);
        for known in
            [&[etag.as_str()][..], &[&format!("W/{etag}")], &["\"x\"", &format!("\"y\", {etag}")], &["*"]]
        {
            let again = answer(&tagged, known);
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known:?}");
            assert_eq!(again.headers()[ETAG], etag.as_str());
            assert_eq!(again.headers()[CACHE_CONTROL], "public, no-cache");
            assert!(!again.headers().contains_key(CONTENT_TYPE));
        }
        assert_eq!(answer(&tagged, &["\"other\"", etag.trim_matches('"')]).status(), StatusCode::OK);
    }

    #[test]
    fn bytes_are_packed_once_for_whoever_takes_them_so() {
        let text = "some words ".repeat(100);
        let tagged = Tagged::new("text/plain", text.clone()).compressed();
        let with = |accept: &str| {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, accept.parse().expect("a value"))]);
            tagged.answer(&headers, REVALIDATE).headers().get(CONTENT_ENCODING).cloned()
        };
        for accept in ["gzip", "br, GZIP;q=0.5", "deflate , gzip"] {
            assert_eq!(with(accept), Some(GZIP), "{accept}");
        }
        for accept in ["", "br", "gzip;q=0", "x-gzip2"] {
            assert_eq!(with(accept), None, "{accept}");
        }
        let short = Tagged::new("text/plain", "x").compressed();
        assert!(short.gzip.is_none(), "it would become longer");
    }

    #[test]
    fn other_bytes_have_another_tag() {
        assert_ne!(of(b"a"), of(b"b"));
        let empty = "\"e3b0c44298fc1c149afbf4c8996fb924\"";
        assert_eq!(of(b""), empty, "the SHA-256 of nothing");
    }

    #[test]
    fn a_weak_tag_stays_as_it_is() {
        let mut headers = HeaderMap::from_iter([(ETAG, HeaderValue::from_static("\"a\""))]);
        weaken(&mut headers);
        weaken(&mut headers);
        assert_eq!(headers[ETAG], "W/\"a\"");
    }
}
