//! Headers that keep a browser from doing what a page does not need.

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, REFERRER_POLICY, SERVER,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use super::etag;

/// Everything a page needs comes from us, and nothing in it is inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// On every answer, unless its route says otherwise: a badge must be embeddable, an answer may be cacheable.
const ALWAYS: [(HeaderName, HeaderValue); 6] = [
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // With `no-referrer` browsers send the forms of our own pages with `Origin: null`.
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// A year; sub-domains are not ours to speak for.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// The layer. `tls` says that everybody comes to us through TLS.
pub(super) async fn layer(State(tls): State<bool>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    dress(response.headers_mut(), tls);
    response
}

fn dress(headers: &mut HeaderMap, tls: bool) {
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(value);
    }
    if tls {
        headers.insert(STRICT_TRANSPORT_SECURITY, HSTS);
    }
    headers.remove(SERVER);
    if headers.contains_key(CONTENT_ENCODING) {
        etag::weaken(headers);
    }
}
