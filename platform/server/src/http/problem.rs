//! Errors as the field expects them: problem details (RFC 9457).

use std::fmt::Display;

use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// The media type of problem details.
pub(super) const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// What went wrong with a request, as said to who sent it.
///
/// Under `/api/` it is answered as `application/problem+json`, elsewhere as a small page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What kind of problem, as a URI; `about:blank` when the status says it all.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The kind in words, always the same for the same kind.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong this time, and what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What is wrong with single fields of the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Headers of the answer.
    #[serde(skip)]
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Where in a JSON body, as a JSON pointer in a URI fragment (RFC 6901 section 6): `#/operator/name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Which parameter of the path or query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong with it.
    pub detail: String,
}

impl FieldError {
    /// Of the value at this JSON pointer.
    pub fn at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: Some(pointer.into()), field: None, detail: detail.into() }
    }

    /// Of this parameter of the path or query.
    pub fn of(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: None, field: Some(field.into()), detail: detail.into() }
    }
}

/// What the store refuses, in HTTP.
impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        use store::Error::{Busy, Conflict, Damaged, Db, File, Invalid, Newer, NotFound, Taken};
        match error {
            NotFound(what) => Self::not_found().detail(format!("there is no {what}")),
            Conflict(why) | Taken { why, .. } => Self::conflict(why),
            Invalid(why) => Self::bad_request(why),
            Busy(_) => Self::unavailable(1, "the database is busy: try again in a second"),
            Newer { .. } | Damaged(_) | File { .. } | Db(_) => Self::internal(error),
        }
    }
}

impl Problem {
    /// A problem that its status explains.
    pub fn of(status: StatusCode) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Unknown"),
            status: status.as_u16(),
            detail: None,
            errors: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// Says what is wrong this time.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Names the fields that are wrong.
    #[must_use]
    pub fn errors(mut self, errors: impl IntoIterator<Item = FieldError>) -> Self {
        self.errors.extend(errors);
        self
    }

    /// Makes it a kind of its own, with a URI and a title that stay the same.
    #[must_use]
    pub fn kind(mut self, kind: &'static str, title: &'static str) -> Self {
        (self.kind, self.title) = (kind, title);
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// 400: the request cannot be understood.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::of(StatusCode::BAD_REQUEST).detail(detail)
    }

    /// 401: nobody is signed in. `scheme` says how to, such as `Bearer`.
    pub fn unauthorized(scheme: &'static str) -> Self {
        let scheme = HeaderValue::from_static(scheme);
        Self::of(StatusCode::UNAUTHORIZED).header(axum::http::header::WWW_AUTHENTICATE, scheme)
    }

    /// 403: whoever it is may not do this.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::of(StatusCode::FORBIDDEN).detail(detail)
    }

    /// 404: there is no such thing.
    pub fn not_found() -> Self {
        Self::of(StatusCode::NOT_FOUND)
    }

    /// 405: these methods are the allowed ones.
    pub fn method_not_allowed(allow: &'static str) -> Self {
        Self::of(StatusCode::METHOD_NOT_ALLOWED).header(ALLOW, HeaderValue::from_static(allow))
    }

    /// 408: the body took longer than it may.
    pub fn body_too_slow() -> Self {
        Self::of(StatusCode::REQUEST_TIMEOUT).detail("the body of the request did not arrive in time")
    }

    /// 409: what is there does not allow it.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::of(StatusCode::CONFLICT).detail(detail)
    }

    /// 413: the body is longer than the route takes.
    pub fn body_too_large() -> Self {
        Self::of(StatusCode::PAYLOAD_TOO_LARGE)
            .detail("the body of the request is longer than this route takes")
    }

    /// 415: the body is of another media type than `wanted`.
    pub fn unsupported_media_type(wanted: &str) -> Self {
        let detail = format!("send the body as {wanted}, and say so in Content-Type");
        Self::of(StatusCode::UNSUPPORTED_MEDIA_TYPE).detail(detail)
    }

    /// 422: the request is understood, and these fields of it are wrong.
    pub fn unprocessable(errors: impl IntoIterator<Item = FieldError>) -> Self {
        Self::of(StatusCode::UNPROCESSABLE_ENTITY).errors(errors)
    }

    /// 429: too often, with the seconds to wait.
    pub fn too_many_requests(seconds: u32) -> Self {
        let detail = format!("too many requests: try again in {seconds} s");
        Self::of(StatusCode::TOO_MANY_REQUESTS).detail(detail).header(RETRY_AFTER, seconds.into())
    }

    /// 500: our fault. `cause` goes into the log, beside the request's name, and to nobody else.
    pub fn internal(cause: impl Display) -> Self {
        tracing::error!(%cause, "a request failed");
        Self::of(StatusCode::INTERNAL_SERVER_ERROR).detail(
            "this is our fault and is in our log: tell us the x-request-id of this answer if it goes on",
        )
    }

    /// 503: not now, with the seconds to wait.
    pub fn unavailable(seconds: u32, detail: impl Into<String>) -> Self {
        Self::of(StatusCode::SERVICE_UNAVAILABLE).detail(detail).header(RETRY_AFTER, seconds.into())
    }

    /// The status as a status.
    pub(super) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// An error that nobody has put into words for the client is our fault.
impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Self {
        Self::internal(format_args!("{error:#}"))
    }
}

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        let headers = std::mem::take(&mut self.headers);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.status(), [(CONTENT_TYPE, PROBLEM_JSON)], body).into_response();
        response.headers_mut().extend(headers);
        // Whoever answers with a page instead finds here what to say.
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_written_as_the_standard_says() {
        let problem = Problem::unprocessable([
            FieldError::at("#/operator/name", "must not be empty"),
            FieldError::of("limit", "must be 1 to 200"),
        ]);
        let errors = json!([
            {"pointer": "#/operator/name", "detail": "must not be empty"},
            {"field": "limit", "detail": "must be 1 to 200"},
        ]);
        let expected = json!({
            "type": "about:blank", "title": "Unprocessable Entity", "status": 422, "errors": errors,
        });
        assert_eq!(serde_json::to_value(&problem).expect("JSON"), expected);
        let response = problem.into_response();
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }

    #[test]
    fn what_failed_inside_stays_inside() {
        let problem = Problem::from(anyhow::anyhow!("password authentication failed for user touchstone"));
        let text = serde_json::to_string(&problem).expect("JSON");
        assert!(problem.status == 500 && !text.contains("password"), "{text}");
    }

    #[test]
    fn who_must_wait_is_told_how_long() {
        let response = Problem::unavailable(2, "busy").into_response();
        assert_eq!(response.headers()[RETRY_AFTER], "2");
        let response = Problem::too_many_requests(20).into_response();
        assert_eq!(response.headers()[RETRY_AFTER], "20");
    }
}
