//! Who is asking: by the cookie of a session, or by an API token.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use store::Account;

use super::app::App;
use super::fault::Fault;
use crate::account::cookie;
use crate::account::secret::{Kind, Secret};
use crate::account::token::{Scope, Terms};
use crate::config::Reviewer;
use crate::http::{Class, Key};
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
    /// When the token was made for less, or the account asks too often.
    pub fn may(&self, app: &App, scope: Scope, class: Class) -> Result<(), Fault> {
        if let Some(terms) = &self.terms {
            terms.check(scope, now().as_millis())?;
        }
        let key = Key::Account(self.account.as_str().into());
        app.limits.check(class, &key).map(drop).map_err(Fault::TooOften)
    }

    /// The reviewer that the account is.
    ///
    /// # Errors
    /// When it is none, or the token was not made for reviewing.
    pub fn reviewer<'a>(&self, app: &'a App, class: Class) -> Result<&'a Reviewer, Fault> {
        self.may(app, Scope::Review, class)?;
        app.config.reviewer(self.account.as_str()).ok_or(Fault::NotReviewer)
    }
}

impl FromRequestParts<Arc<App>> for SignedIn {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Fault> {
        match parts.headers.get(AUTHORIZATION) {
            Some(header) => by_token(header.as_bytes(), app).await,
            None => by_session(parts, app).await,
        }
    }
}

fn nobody(why: impl Into<String>) -> Fault {
    Fault::NotSignedIn(why.into())
}

async fn by_token(header: &[u8], app: &App) -> Result<SignedIn, Fault> {
    let text = std::str::from_utf8(header).ok().and_then(|text| text.strip_prefix("Bearer "));
    let text = text.ok_or_else(|| nobody("write the token as `Authorization: Bearer tst_...`"))?;
    let secret = Secret::parse(Kind::Token, text.trim()).map_err(|fault| nobody(fault.to_string()))?;
    let record = match app.store.use_token(secret.reveal().as_bytes(), now()).await {
        Err(store::Error::NotFound(_)) => {
            return Err(nobody("the token is not known, has expired or was revoked"));
        }
        found => found?,
    };
    let scope = record.token.scope.parse().map_err(Fault::internal)?;
    let terms = Terms { scope, expires_ms: record.token.expires.as_millis() };
    Ok(SignedIn { account: record.token.account, terms: Some(terms), session: None })
}

async fn by_session(parts: &Parts, app: &App) -> Result<SignedIn, Fault> {
    let headers = parts.headers.get_all(COOKIE).into_iter().map(|value| value.as_bytes());
    let secret = cookie::read(headers).map_err(|fault| nobody(fault.to_string()))?;
    let secret = secret.ok_or_else(|| nobody("there is no session and no token"))?;
    match app.store.session(secret.reveal().as_bytes(), now()).await {
        Err(store::Error::NotFound(_)) => Err(nobody("the session has ended")),
        found => Ok(SignedIn { account: found?.account, terms: None, session: Some(secret) }),
    }
}
