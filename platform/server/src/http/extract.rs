//! What a handler reads from a request, with a [`Problem`] for what is wrong with it.
//!
//! In place of axum's own extractors, which answer errors as plain text.

use std::error::Error;

use axum::body::Body;
use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use http_body_util::LengthLimitError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path as JsonPath, Segment};
use tower_http::timeout::TimeoutError;

use super::metrics;
use super::problem::{FieldError, Problem};

/// A JSON body, of a request or of an answer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if !says_json(request.headers()) {
            return Err(Problem::unsupported_media_type("application/json"));
        }
        parse(&read(request.into_body()).await?).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(bytes) => ([(header::CONTENT_TYPE, "application/json")], bytes).into_response(),
            Err(error) => Problem::internal(error).into_response(),
        }
    }
}

/// The bytes of a body, as many as the route takes.
#[derive(Debug, Clone)]
pub struct Bytes(pub bytes::Bytes);

impl<S: Send + Sync> FromRequest<S> for Bytes {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        read(request.into_body()).await.map(Self)
    }
}

/// The parameters of the path.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let taken = axum::extract::Path::from_request_parts(parts, state).await;
        taken.map(|axum::extract::Path(value)| Self(value)).map_err(of_path)
    }
}

/// The parameters of the query.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let taken = axum::extract::Query::try_from_uri(&parts.uri);
        taken.map(|axum::extract::Query(value)| Self(value)).map_err(|rejection| of_query(&rejection))
    }
}

/// Reads a body to its end; how long it may be and take is the shell's to say.
pub(super) async fn read(body: Body) -> Result<bytes::Bytes, Problem> {
    axum::body::to_bytes(body, usize::MAX).await.map_err(|error| {
        if caused_by::<LengthLimitError>(&error).is_some() {
            Problem::body_too_large()
        } else if caused_by::<TimeoutError>(&error).is_some() {
            metrics::timed_out();
            Problem::body_too_slow()
        } else {
            Problem::bad_request("the body of the request broke off")
        }
    })
}

fn caused_by<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    std::iter::successors(Some(error), |&error| error.source()).find_map(|error| error.downcast_ref())
}

/// `application/json` or `application/…+json`, with whatever parameters.
fn says_json(headers: &HeaderMap) -> bool {
    let said = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = said.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
    let subtype = media_type.to_ascii_lowercase().strip_prefix("application/").map(str::to_owned);
    subtype.is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let (path, error) = (pointer(error.path()), error.into_inner());
        if error.is_data() {
            Problem::unprocessable([FieldError::at(path, error.to_string())])
        } else {
            no_json(&error)
        }
    })?;
    reader.end().map_err(|error| no_json(&error))?;
    Ok(value)
}

fn no_json(error: &serde_json::Error) -> Problem {
    Problem::bad_request(format!("the body is no JSON: {error}"))
}

/// A JSON pointer in a URI fragment, RFC 6901 section 6.
fn pointer(path: &JsonPath) -> String {
    let mut pointer = String::from("#");
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Unknown => {}
        }
    }
    pointer
}

fn of_path(rejection: PathRejection) -> Problem {
    let PathRejection::FailedToDeserializePathParams(failed) = rejection else {
        return Problem::internal(rejection);
    };
    if failed.status().is_server_error() {
        return Problem::internal(failed);
    }
    let problem = Problem::bad_request("the path is not what belongs there");
    match failed.into_kind() {
        ErrorKind::ParseErrorAtKey { key, expected_type, .. } => {
            problem.errors([FieldError::of(key, format!("must be of type {expected_type}"))])
        }
        ErrorKind::DeserializeError { key, message, .. } => problem.errors([FieldError::of(key, message)]),
        ErrorKind::InvalidUtf8InPathParam { key } => problem.errors([FieldError::of(key, "must be UTF-8")]),
        ErrorKind::ParseError { expected_type, .. } | ErrorKind::ParseErrorAtIndex { expected_type, .. } => {
            problem.detail(format!("a part of the path must be of type {expected_type}"))
        }
        ErrorKind::Message(message) => problem.detail(message),
        _ => problem,
    }
}

fn of_query(rejection: &axum::extract::rejection::QueryRejection) -> Problem {
    type Named = serde_path_to_error::Error<serde::de::value::Error>;
    let problem = Problem::bad_request("the query is not what this route takes");
    match caused_by::<Named>(rejection) {
        Some(error) => {
            let named = Some(error.path().to_string()).filter(|path| path != ".");
            problem.errors([FieldError { pointer: None, field: named, detail: error.inner().to_string() }])
        }
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Application {
        #[expect(dead_code, reason = "only its absence is looked at")]
        operator: Operator,
    }

    #[derive(Debug, Deserialize)]
    struct Operator {
        #[expect(dead_code, reason = "only its type is looked at")]
        ports: Vec<u16>,
    }

    #[test]
    fn what_is_wrong_in_a_body_is_pointed_at() {
        let problem = parse::<Application>(br#"{"operator": {"ports": [1, 70000]}}"#).expect_err("no port");
        assert_eq!(problem.status, 422);
        assert_eq!(problem.errors[0].pointer.as_deref(), Some("#/operator/ports/1"));
        assert!(problem.errors[0].detail.contains("70000"), "{problem:?}");
    }

    #[test]
    fn what_is_no_json_is_told_apart_from_wrong_json() {
        for bad in ["", "{", "{}x", "nul", &"[".repeat(100_000)] {
            let problem = parse::<Vec<Application>>(bad.as_bytes()).expect_err("no JSON");
            assert!(matches!(problem.status, 400 | 422), "{problem:?}");
        }
        assert_eq!(parse::<Vec<u8>>(b"[] []").expect_err("two values").status, 400);
    }

    #[test]
    fn a_pointer_escapes_what_would_be_read_as_its_own() {
        let error = serde_path_to_error::deserialize::<_, std::collections::BTreeMap<String, u8>>(
            &mut serde_json::Deserializer::from_str(r#"{"a/b~c": "x"}"#),
        )
        .expect_err("a text is no number");
        assert_eq!(pointer(error.path()), "#/a~1b~0c");
    }
}
