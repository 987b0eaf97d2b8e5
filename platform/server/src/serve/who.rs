//! Who is asking: by the cookie of a session, or by an API token.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use store::Account;

use super::app::App;
use crate::account::cookie;
use crate::account::secret::{Kind, Secret};
use crate::account::token::{Scope, Terms};
use crate::config::Reviewer;
use crate::http::{Class, Key, Problem};
use crate::season::held::now;

/// Somebody who has shown that an account is theirs.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The account.
    pub account: Account,
    /// What their token allows; a session allows what the account may do.
    pub terms: Option<Terms>,
    /// The secret of the session, so that it can be ended.
    pub session: Option<Secret>,
}

impl SignedIn {
    /// Lets pass what needs `scope`, and counts it as the account's.
    ///
    /// # Errors
    /// 403 when the token was made for less; 429 when the account asks too often.
    pub fn may(&self, app: &App, scope: Scope, class: Class) -> Result<(), Problem> {
        if let Some(terms) = &self.terms {
            terms.check(scope, now().as_millis()).map_err(|fault| Problem::forbidden(fault.to_string()))?;
        }
        app.limits.check(class, &Key::Account(self.account.as_str().into()))?;
        Ok(())
    }

    /// The reviewer that the account is.
    ///
    /// # Errors
    /// 403 when it is none, or the token was not made for reviewing.
    pub fn reviewer<'a>(&self, app: &'a App, class: Class) -> Result<&'a Reviewer, Problem> {
        self.may(app, Scope::Review, class)?;
        app.config.reviewer(self.account.as_str()).ok_or_else(|| {
            Problem::forbidden(
                "this is for reviewers: ask the foundation to enter your account in the configuration",
            )
        })
    }
}

impl FromRequestParts<Arc<App>> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        match parts.headers.get(AUTHORIZATION) {
            Some(header) => by_token(header.as_bytes(), app).await,
            None => by_session(parts, app).await,
        }
    }
}

fn nobody(detail: impl Into<String>) -> Problem {
    Problem::unauthorized("Bearer").detail(detail)
}

async fn by_token(header: &[u8], app: &App) -> Result<SignedIn, Problem> {
    let text = std::str::from_utf8(header).ok().and_then(|text| text.strip_prefix("Bearer "));
    let text = text.ok_or_else(|| nobody("write the token as `Authorization: Bearer tst_...`"))?;
    let secret = Secret::parse(Kind::Token, text.trim()).map_err(|fault| nobody(fault.to_string()))?;
    let record = match app.store.use_token(secret.reveal().as_bytes(), now()).await {
        Err(store::Error::NotFound(_)) => {
            return Err(nobody(
                "the token is not known, has expired or was revoked: make one with `touchstone login`",
            ));
        }
        found => found?,
    };
    let scope = record.token.scope.parse().map_err(Problem::internal)?;
    let terms = Terms { scope, expires_ms: record.token.expires.as_millis() };
    Ok(SignedIn { account: record.token.account, terms: Some(terms), session: None })
}

async fn by_session(parts: &Parts, app: &App) -> Result<SignedIn, Problem> {
    let headers = parts.headers.get_all(COOKIE).into_iter().map(|value| value.as_bytes());
    let secret = cookie::read(headers).map_err(|fault| nobody(fault.to_string()))?;
    let secret = secret.ok_or_else(|| nobody("sign in first"))?;
    match app.store.session(secret.reveal().as_bytes(), now()).await {
        Err(store::Error::NotFound(_)) => Err(nobody("the session has ended: sign in again")),
        found => Ok(SignedIn { account: found?.account, terms: None, session: Some(secret) }),
    }
}
