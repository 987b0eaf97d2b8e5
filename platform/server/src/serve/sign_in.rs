//! Signing in with an account's key, over the store.

use std::time::Duration;

use super::app::{App, noted};
use super::fault::Fault;
use super::who::SignedIn;
use crate::account::Account;
use crate::account::secret::{Kind, Secret};
use crate::account::sign_in::{MAX_AGE_MS, Nonce, draft, prove};
use crate::season::held::now;
use crate::season::secret::random_seed;

/// How long a session lasts: a working day.
pub const SESSION: Duration = Duration::from_secs(12 * 3600);

/// Somebody who has just signed in.
pub struct Session {
    /// What the browser keeps.
    pub secret: Secret,
    /// Who.
    pub account: Account,
}

/// The text that an account is asked to sign. Its nonce is good once, for this account, for as long
/// as the text is.
///
/// # Errors
/// When the store cannot be written.
pub async fn offer(app: &App, account: Account) -> Result<String, Fault> {
    let random = random_seed()?;
    let half = random.as_bytes().first_chunk().copied().unwrap_or_default();
    let nonce = Nonce::new(half);
    let text = draft(&app.expected(), account, &nonce).to_string();
    let expires = now().plus(Duration::from_millis(MAX_AGE_MS));
    app.store.give_nonce(&nonce.to_string(), &purpose(account), expires).await?;
    Ok(text)
}

/// Takes a signed text, once, and begins a session.
///
/// # Errors
/// What is wrong with text or signature; a wrong signature burns no nonce.
pub async fn take(app: &App, text: &str, signature: &str) -> Result<Session, Fault> {
    let proof = prove(text, signature, &app.expected())?;
    let taken = app.store.take_nonce(&proof.nonce.to_string(), &purpose(proof.account), now()).await;
    taken.map_err(|error| match error {
        store::Error::NotFound(_) | store::Error::Conflict(_) => Fault::NonceTaken,
        other => other.into(),
    })?;
    let secret = Secret::new(Kind::Session, *random_seed()?.as_bytes());
    let (from, until) = (now(), now().plus(SESSION));
    let account = stored(proof.account)?;
    let mut act = app.store.begin().await?;
    act.begin_session(secret.reveal().as_bytes(), &account, from, until).await?;
    noted(act, account.as_str(), "sign-in", "session", &serde_json::json!({})).await?;
    Ok(Session { secret, account: proof.account })
}

/// Ends the session that somebody came with, if they came with one.
///
/// # Errors
/// When the store cannot be written.
pub async fn end(app: &App, who: &SignedIn) -> Result<(), Fault> {
    if let Some(session) = &who.session {
        app.store.end_session(session.reveal().as_bytes()).await?;
    }
    Ok(())
}

/// The account as the store spells it.
fn stored(account: Account) -> Result<store::Account, Fault> {
    account.to_string().parse().map_err(Fault::internal)
}

fn purpose(account: Account) -> String {
    format!("sign-in {account}")
}
