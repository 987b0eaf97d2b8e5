//! How the API says no, as its description tells.

use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

/// Problem details (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct Described {
    /// What kind of problem, as a URI; `about:blank` when the status says it all.
    r#type: String,
    /// The kind in words.
    title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong this time, and what to do about it.
    #[schema(nullable = false)]
    detail: Option<String>,
    /// What is wrong with single fields of the request.
    #[schema(nullable = false)]
    errors: Option<Vec<DescribedField>>,
}

/// What is wrong with one field.
#[derive(Serialize, ToSchema)]
#[schema(as = FieldError)]
pub(super) struct DescribedField {
    /// Where in a JSON body: a JSON pointer in a URI fragment.
    #[schema(nullable = false)]
    pointer: Option<String>,
    /// Which parameter of the path or query.
    #[schema(nullable = false)]
    field: Option<String>,
    /// What is wrong with it.
    detail: String,
}

/// Of what anybody may look at.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only described: answers are made from `Fault`")]
pub(super) enum Public {
    /// The request cannot be understood.
    #[response(status = 400, content_type = "application/problem+json")]
    BadRequest(Described),
    /// There is no such thing.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(Described),
    /// Too often: `Retry-After` says how long to wait.
    #[response(status = 429, content_type = "application/problem+json")]
    TooOften(Described),
    /// Not now: `Retry-After` says how long to wait.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Described),
}

/// Of what somebody must be signed in for.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only described: answers are made from `Fault`")]
pub(super) enum Private {
    /// Nobody is signed in, or the token is void.
    #[response(status = 401, content_type = "application/problem+json")]
    NotSignedIn(Described),
    /// The account or its token may not do this.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Described),
}

/// Of what changes something.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only described: answers are made from `Fault`")]
pub(super) enum Change {
    /// The body took too long.
    #[response(status = 408, content_type = "application/problem+json")]
    TooSlow(Described),
    /// What is there does not allow it.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(Described),
    /// The body is too long.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Described),
    /// The body is of another media type.
    #[response(status = 415, content_type = "application/problem+json")]
    MediaType(Described),
    /// Fields of the body cannot be what was given.
    #[response(status = 422, content_type = "application/problem+json")]
    Unprocessable(Described),
}
