//! API tokens of an account, over the store.

use model::Digest;
use store::{NewToken, TokenRecord};

use super::app::{App, noted};
use super::fault::{Fault, Field};
use super::text::{LONGEST_LINE, line};
use super::who::SignedIn;
use crate::account::secret::{Kind, Secret};
use crate::account::timestamp::Timestamp;
use crate::account::token::Terms;
use crate::account::wire::{Granted, TokenRequest};
use crate::season::held::now;
use crate::season::secret::random_seed;

/// Makes a token for whoever is signed in in a browser or with a fresh signature: a token makes no
/// tokens, or a leaked one could outlive its end.
///
/// # Errors
/// When the request asks for what cannot be, or comes with a token.
pub async fn grant(app: &App, who: &SignedIn, wanted: &TokenRequest) -> Result<Granted, Fault> {
    if who.terms.is_some() {
        return Err(Fault::NotSignedIn("a token makes no tokens".into()));
    }
    let name = line(Field::TokenName, &wanted.name, LONGEST_LINE)?;
    let terms = Terms::new(wanted.scope, wanted.days, now().as_millis())?;
    let secret = Secret::new(Kind::Token, *random_seed()?.as_bytes());
    let token = NewToken {
        account: who.account.clone(),
        scope: terms.scope.to_string(),
        name,
        expires: store::UnixMs::from_millis(terms.expires_ms),
    };
    let mut act = app.store.begin().await?;
    let id = act.add_token(secret.reveal().as_bytes(), &token, now()).await?;
    let detail = serde_json::json!({ "scope": token.scope, "days": wanted.days });
    noted(act, who.account.as_str(), "token-grant", &format!("token {id}"), &detail).await?;
    Ok(Granted { token: secret.reveal(), expires: Timestamp::from_ms(terms.expires_ms) })
}

/// The tokens of an account, those that are void too, oldest first.
///
/// # Errors
/// When the store cannot be read.
pub async fn list(app: &App, who: &SignedIn) -> Result<Vec<TokenRecord>, Fault> {
    Ok(app.store.tokens(&who.account).await?)
}

/// Makes a token void, at once.
///
/// # Errors
/// When the account has none of this name.
pub async fn revoke(app: &App, who: &SignedIn, id: &Digest) -> Result<(), Fault> {
    let mut act = app.store.begin().await?;
    act.revoke_token(&who.account, id, now()).await?;
    let detail = serde_json::json!({});
    noted(act, who.account.as_str(), "token-revoke", &format!("token {id}"), &detail).await
}
