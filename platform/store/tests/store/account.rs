//! Sessions, nonces and tokens.

use std::sync::Arc;

use store::{Error, NewToken};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::fixture::{account, at, now};
use crate::race::finish;
use crate::stage::{Kind, Stage, ensure, refused, same};

fn token(name: &str) -> NewToken {
    NewToken { account: account(1), scope: "read".into(), name: name.into(), expires: at(1_000) }
}

pub(crate) async fn sessions_begin_expire_and_end(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    store.begin_session(b"one", &account(1), now(), at(60)).await?;
    refused(Kind::Conflict, "draw another", store.begin_session(b"one", &account(2), now(), at(60)).await)?;
    store.begin_session(b"two", &account(1), now(), at(90)).await?;
    store.begin_session(b"three", &account(2), now(), at(90)).await?;
    let session = store.session(b"one", at(59)).await?;
    same((session.account, session.created, session.expires), (account(1), now(), at(60)))?;
    refused(Kind::NotFound, "sign in", store.session(b"one", at(60)).await)?;
    refused(Kind::NotFound, "sign in", store.session(b"none", now()).await)?;
    store.give_nonce("n", "sign-in", at(60)).await?;
    same(store.sweep(at(60)).await?, 2)?;
    ensure(store.end_session(b"three").await?, || "it was there".into())?;
    ensure(!store.end_session(b"three").await?, || "it is gone".into())?;
    store.begin_session(b"four", &account(1), now(), at(90)).await?;
    same(store.end_sessions_of(&account(1)).await?, 2)?;
    refused(Kind::NotFound, "sign in", store.session(b"two", now()).await)?;
    stage.end(store).await
}

/// A copy of the database opens nothing.
pub(crate) async fn a_secret_is_stored_nowhere(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    let (cookie, secret) = ("cookie-7f3a9c", "vtk_51c0ffee");
    store.begin_session(cookie.as_bytes(), &account(1), now(), at(60)).await?;
    store.add_token(secret.as_bytes(), &token("ci"), now()).await?;
    let mut raw = stage.raw().await?;
    for (table, secret) in [("session", cookie), ("token", secret)] {
        let digest = model::Digest::of_bytes(secret.as_bytes());
        same(raw.count(&format!("{table} WHERE digest = '{digest}'")).await?, 1)?;
    }
    if !stage.is_postgres() {
        raw.execute("PRAGMA wal_checkpoint(FULL)").await?;
        for file in ["touchstone.sqlite", "touchstone.sqlite-wal"] {
            let bytes = std::fs::read(stage.place().data().join(file))?;
            for secret in [cookie, secret] {
                let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                ensure(!found, || format!("{secret} stands in {file}"))?;
            }
        }
    }
    stage.end(store).await
}

pub(crate) async fn tokens_are_used_listed_and_revoked(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    let id = store.add_token(b"secret", &token("ci"), now()).await?;
    refused(Kind::Conflict, "draw another", store.add_token(b"secret", &token("x"), now()).await)?;
    refused(Kind::Invalid, "name", store.add_token(b"x", &token(""), now()).await)?;
    same(store.use_token(b"secret", at(1)).await?.token, token("ci"))?;
    // Noted to the minute.
    for (seconds, noted) in [(2, 1), (60, 1), (61, 61), (100, 61)] {
        same(store.use_token(b"secret", at(seconds)).await?.used, Some(at(noted)))?;
    }
    refused(Kind::NotFound, "not good any more", store.use_token(b"secret", at(1_000)).await)?;
    refused(Kind::NotFound, "such token", store.use_token(b"another", now()).await)?;
    store.add_token(b"second", &token("laptop"), at(5)).await?;
    refused(Kind::NotFound, "token", store.revoke_token(&account(2), &id, at(6)).await)?;
    store.revoke_token(&account(1), &id, at(7)).await?;
    store.revoke_token(&account(1), &id, at(8)).await?;
    refused(Kind::NotFound, "not good any more", store.use_token(b"secret", at(9)).await)?;
    let tokens = store.tokens(&account(1)).await?;
    let listed: Vec<_> =
        tokens.iter().map(|t| (t.token.name.as_str(), t.created, t.used, t.revoked)).collect();
    same(listed, vec![("ci", now(), Some(at(61)), Some(at(7))), ("laptop", at(5), None, None)])?;
    same(store.tokens(&account(2)).await?, vec![])?;
    stage.end(store).await
}

pub(crate) async fn nonces_are_for_one_purpose_and_time(stage: Stage) -> anyhow::Result<()> {
    let store = stage.open().await?;
    store.give_nonce("a", "sign-in", at(300)).await?;
    refused(Kind::Conflict, "draw another", store.give_nonce("a", "consent", at(300)).await)?;
    refused(Kind::NotFound, "such nonce", store.take_nonce("a", "consent", now()).await)?;
    store.take_nonce("a", "sign-in", at(299)).await?;
    refused(Kind::NotFound, "used", store.take_nonce("a", "sign-in", at(299)).await)?;
    store.give_nonce("b", "sign-in", at(300)).await?;
    refused(Kind::NotFound, "expired", store.take_nonce("b", "sign-in", at(300)).await)?;
    refused(Kind::NotFound, "used", store.take_nonce("b", "sign-in", at(1)).await)?;
    stage.end(store).await
}

pub(crate) async fn a_raced_nonce_is_taken_once(stage: Stage) -> anyhow::Result<()> {
    const TASKS: usize = 20;
    let store = Arc::new(stage.open().await?);
    store.give_nonce("raced", "sign-in", at(300)).await?;
    let start = Arc::new(Barrier::new(TASKS));
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (store, start) = (store.clone(), start.clone());
        tasks.spawn(async move {
            start.wait().await;
            store.take_nonce("raced", "sign-in", now()).await
        });
    }
    let (mut taken, mut refused) = (0, 0);
    while let Some(task) = tasks.join_next().await {
        match task? {
            Ok(()) => taken += 1,
            Err(Error::NotFound(_)) => refused += 1,
            Err(other) => return Err(other.into()),
        }
    }
    same((taken, refused), (1, TASKS - 1))?;
    finish(stage, store).await
}
