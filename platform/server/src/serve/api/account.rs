//! `/api/v1/sign-in`, `/session`, `/account`, `/tokens`: who is asking.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use model::Digest;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::refusal::{Change, Private, Public};
use crate::account::token::Scope;
use crate::account::wire::{Granted, Offer, Signed, TokenRequest};
use crate::account::{Account, cookie};
use crate::http::Class;
use crate::http::extract::{Json, Path, Query};
use crate::serve::app::App;
use crate::serve::fault::Fault;
use crate::serve::who::SignedIn;
use crate::serve::{sign_in, token};

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(offer, take))
        .routes(routes!(end))
        .routes(routes!(whoami))
        .routes(routes!(list, grant))
        .routes(routes!(revoke))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// The account that will sign: `0x` and 40 hexadecimal digits, small or with the capitals of EIP-55.
    #[param(pattern = "^0x[0-9a-fA-F]{40}$")]
    address: String,
}

/// Who is signed in.
#[derive(Serialize, ToSchema)]
struct Who {
    /// The account.
    account: String,
    /// The name that stands on its decisions, if it is a reviewer's.
    reviewer: Option<String>,
    /// What the token may be used for; none for a session, which may do what the account may.
    #[schema(value_type = Option<String>)]
    scope: Option<Scope>,
}

/// A token, without its secret.
#[derive(Serialize, ToSchema)]
struct Token {
    /// Its name in this list and in addresses: the SHA-256 of the secret.
    id: String,
    /// By which its owner knows it.
    name: String,
    /// What it may be used for.
    scope: String,
    /// When it was made, Unix milliseconds.
    created_ms: u64,
    /// When it is void, Unix milliseconds.
    expires_ms: u64,
    /// When it was last used, to a minute, Unix milliseconds.
    used_ms: Option<u64>,
    /// When it was revoked, Unix milliseconds.
    revoked_ms: Option<u64>,
}

/// Get a text to sign
///
/// The text (EIP-4361) is to be signed unchanged by the account's key, with the prefix of Ethereum's or of
/// Kaia's wallets, and brought back within five minutes.
#[utoipa::path(get, path = "/api/v1/sign-in", tag = "account", params(Asked),
    responses((status = 200, body = Offer), Public))]
async fn offer(State(app): State<Arc<App>>, Query(asked): Query<Asked>) -> Result<Json<Offer>, Fault> {
    let message = sign_in::offer(&app, Account::typed(&asked.address)?).await?;
    Ok(Json(Offer { message }))
}

/// Sign in
///
/// Begins a session and sets its cookie. A text is good once.
#[utoipa::path(post, path = "/api/v1/sign-in", tag = "account", request_body = Signed,
    responses((status = 200, body = Who), Public, Private, Change))]
async fn take(State(app): State<Arc<App>>, Json(signed): Json<Signed>) -> Result<impl IntoResponse, Fault> {
    let session = sign_in::take(&app, &signed.message, &signed.signature).await?;
    let account = session.account.to_string().to_ascii_lowercase();
    let reviewer = app.config.reviewer(&account).map(|reviewer| reviewer.name.clone());
    let set = cookie::set(&session.secret, sign_in::SESSION.as_secs());
    Ok((set_cookie(&set)?, Json(Who { account, reviewer, scope: None })))
}

/// End the session
#[utoipa::path(delete, path = "/api/v1/session", tag = "account",
    responses((status = 204, description = "It has ended."), Public, Private))]
async fn end(State(app): State<Arc<App>>, who: SignedIn) -> Result<impl IntoResponse, Fault> {
    sign_in::end(&app, &who).await?;
    Ok((StatusCode::NO_CONTENT, set_cookie(&cookie::clear())?))
}

fn set_cookie(text: &str) -> Result<HeaderMap, Fault> {
    let value = HeaderValue::from_str(text).map_err(Fault::internal)?;
    Ok(HeaderMap::from_iter([(header::SET_COOKIE, value)]))
}

/// Who am I?
#[utoipa::path(get, path = "/api/v1/account", tag = "account",
    responses((status = 200, body = Who), Public, Private), security(("token" = []), ("session" = [])))]
async fn whoami(State(app): State<Arc<App>>, who: SignedIn) -> Result<Json<Who>, Fault> {
    who.may(&app, Scope::Read, Class::Read)?;
    let reviewer = app.config.reviewer(who.account.as_str()).map(|reviewer| reviewer.name.clone());
    let scope = who.terms.map(|terms| terms.scope);
    Ok(Json(Who { account: who.account.to_string(), reviewer, scope }))
}

/// My tokens
#[utoipa::path(get, path = "/api/v1/tokens", tag = "account",
    responses((status = 200, body = Vec<Token>), Public, Private), security(("token" = []), ("session" = [])))]
async fn list(State(app): State<Arc<App>>, who: SignedIn) -> Result<Json<Vec<Token>>, Fault> {
    who.may(&app, Scope::Read, Class::Read)?;
    let tokens = token::list(&app, &who).await?.into_iter().map(|record| Token {
        id: record.id.to_string(),
        name: record.token.name,
        scope: record.token.scope,
        created_ms: record.created.as_millis(),
        expires_ms: record.token.expires.as_millis(),
        used_ms: record.used.map(store::UnixMs::as_millis),
        revoked_ms: record.revoked.map(store::UnixMs::as_millis),
    });
    Ok(Json(tokens.collect()))
}

/// Make a token
///
/// With a session only: a token makes no tokens. The secret is told this once.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "account", request_body = TokenRequest,
    responses((status = 200, body = Granted), Public, Private, Change), security(("session" = [])))]
async fn grant(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Json(wanted): Json<TokenRequest>,
) -> Result<Json<Granted>, Fault> {
    who.may(&app, Scope::Read, Class::Write)?;
    Ok(Json(token::grant(&app, &who, &wanted).await?))
}

/// Revoke a token
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "account",
    params(("id" = String, Path, description = "Its id in the list.")),
    responses((status = 204, description = "It is void."), Public, Private),
    security(("token" = []), ("session" = [])))]
async fn revoke(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<StatusCode, Fault> {
    who.may(&app, Scope::Read, Class::Write)?;
    let id: Digest = id.parse().map_err(|_| Fault::NotFound("such token".into()))?;
    token::revoke(&app, &who, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
