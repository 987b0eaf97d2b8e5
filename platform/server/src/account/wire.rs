//! The JSON of sign-in over HTTP, as the server gives it and `touchstone login` reads it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::timestamp::Timestamp;
use super::token::Scope;

/// Where a text to sign is asked for (`GET …?address=0x…`) and brought back signed (`POST`).
pub const SIGN_IN: &str = "/api/v1/sign-in";
/// Where a session gets a token (`POST`).
pub const TOKENS: &str = "/api/v1/tokens";

/// The text that an account is asked to sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Offer {
    /// The text, to be signed unchanged.
    pub message: String,
}

/// A signed text; the answer sets the cookie of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// The text as it was offered.
    pub message: String,
    /// The 65 bytes of the signature in hexadecimal.
    pub signature: String,
}

/// What token is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// By which its owner knows it again.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// What it may be used for.
    pub scope: Scope,
    /// How long it lives, days.
    #[schema(minimum = 1, maximum = 366)]
    pub days: u32,
}

/// A new token: the only time that it is told.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Granted {
    /// The text of the secret.
    pub token: String,
    /// When it is void.
    #[schema(value_type = String, format = DateTime)]
    pub expires: Timestamp,
}

/// Why not (RFC 9457), as far as a person needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// What kind of thing went wrong.
    pub title: String,
    /// What exactly, and what to do.
    pub detail: String,
}
