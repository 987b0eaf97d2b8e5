//! Long lists in pages: `?limit=` and an opaque `?cursor=`, and a `Link` to the next page (RFC 8288).

use axum::extract::{FromRequestParts, Query};
use axum::http::header::LINK;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Uri};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::problem::{FieldError, Problem};

/// Entries of a page when the client does not say.
pub const DEFAULT_LIMIT: u32 = 50;

/// Most entries of a page.
pub const MAX_LIMIT: u32 = 200;

/// Longest cursor, bytes.
const LONGEST: usize = 512;

/// Which page is asked for. `C` is the position after which it begins, such as the sort key of the entry
/// before. A client can write a cursor itself: it is checked for its type, and must not be a permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest<C> {
    /// Begin after this; none is the first page.
    pub after: Option<C>,
    /// At most so many entries, 1 to [`MAX_LIMIT`].
    pub limit: u32,
}

/// As written in the query; other parameters belong to the route.
#[derive(Deserialize)]
struct Written {
    cursor: Option<String>,
    limit: Option<String>,
}

impl<C: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for PageRequest<C> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(&parts.uri)
    }
}

impl<C: DeserializeOwned> PageRequest<C> {
    fn of(uri: &Uri) -> Result<Self, Problem> {
        let wrong = |field, detail: String| {
            Problem::bad_request("this page cannot be had").errors([FieldError::of(field, detail)])
        };
        let written = Query::<Written>::try_from_uri(uri);
        let Query(written) =
            written.map_err(|_| wrong("cursor", "give cursor and limit once each".into()))?;
        let bounds = || wrong("limit", format!("must be 1 to {MAX_LIMIT}"));
        let limit = match written.limit {
            Some(text) => text.parse().map_err(|_| bounds())?,
            None => DEFAULT_LIMIT,
        };
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(bounds());
        }
        let unknown = || wrong("cursor", "is none of ours: begin without one".into());
        let after = written.cursor.map(|text| decode(&text).ok_or_else(unknown)).transpose()?;
        Ok(Self { after, limit })
    }
}

impl<C: Serialize> PageRequest<C> {
    /// The header that leads to the page after this one, which begins after `last`; the route's own
    /// parameters stay as they are.
    pub fn next(&self, uri: &Uri, last: &C) -> (HeaderName, HeaderValue) {
        let ours = |pair: &&str| {
            let name = pair.split('=').next().unwrap_or_default();
            pair.is_empty() || name == "cursor" || name == "limit"
        };
        let mut query = String::new();
        for pair in uri.query().unwrap_or_default().split('&').filter(|pair| !ours(pair)) {
            query.push_str(pair);
            query.push('&');
        }
        let link =
            format!("<{}?{query}cursor={}&limit={}>; rel=\"next\"", uri.path(), encode(last), self.limit);
        // A path and query that were received can be sent.
        (LINK, HeaderValue::from_str(&link).unwrap_or(HeaderValue::from_static("")))
    }
}

fn encode<C: Serialize>(cursor: &C) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(cursor).unwrap_or_default())
}

fn decode<C: DeserializeOwned>(text: &str) -> Option<C> {
    let bytes = URL_SAFE_NO_PAD.decode(Some(text).filter(|text| text.len() <= LONGEST)?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Position = (i64, String);

    fn of(query: &str) -> Result<PageRequest<Position>, Problem> {
        PageRequest::of(&format!("/api/v1/runs{query}").parse().expect("a URI"))
    }

    #[test]
    fn the_next_page_begins_where_this_one_ended() {
        let uri: Uri = "/api/v1/runs?season=3&limit=10&cursor=x&state=void%26".parse().expect("a URI");
        let first = of("?limit=10").expect("a page");
        assert_eq!(first, PageRequest { after: None, limit: 10 });
        let (name, value) = first.next(&uri, &(7, "run-9".into()));
        assert_eq!(name, LINK);
        let link = value.to_str().expect("text");
        let target =
            link.strip_prefix('<').and_then(|rest| rest.strip_suffix(">; rel=\"next\"")).expect("a link");
        assert!(target.starts_with("/api/v1/runs?season=3&state=void%26&cursor="), "{target}");
        let next = PageRequest::of(&target.parse().expect("a URI")).expect("a page");
        assert_eq!(next, PageRequest { after: Some((7, "run-9".to_owned())), limit: 10 });
    }

    #[test]
    fn without_parameters_it_is_the_first_page() {
        assert_eq!(of("").expect("a page"), PageRequest { after: None, limit: DEFAULT_LIMIT });
        assert_eq!(of("?limit=200&x=1").expect("a page").limit, MAX_LIMIT);
    }

    #[test]
    fn what_cannot_be_is_named() {
        let other = URL_SAFE_NO_PAD.encode(r#"{"id": 1}"#);
        let long = "a".repeat(LONGEST + 1);
        for (query, field) in [
            ("?limit=0", "limit"),
            ("?limit=201", "limit"),
            ("?limit=-1", "limit"),
            ("?limit=ten", "limit"),
            ("?cursor=%00", "cursor"),
            (&format!("?cursor={other}"), "cursor"),
            (&format!("?cursor={long}"), "cursor"),
            ("?cursor=a&cursor=b", "cursor"),
        ] {
            let problem = of(query).expect_err(query);
            assert_eq!(problem.status, 400, "{query}");
            assert_eq!(problem.errors[0].field.as_deref(), Some(field), "{query}");
        }
    }
}
