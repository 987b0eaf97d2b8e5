//! Sessions of signed-in accounts. The secret of the cookie is never stored, only its SHA-256.

use model::Digest;

use crate::act::alone;
use crate::column::parsed;
use crate::database::on;
use crate::error::{Error, Result, is_taken};
use crate::row::row;
use crate::{Account, Act, Store, UnixMs};

/// A session as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// Who signed in.
    pub account: Account,
    /// When.
    pub created: UnixMs,
    /// Until when.
    pub expires: UnixMs,
}

row! {
    struct Row {
        account: String,
        created_ms: UnixMs,
        expires_ms: UnixMs,
    }
}

impl Store {
    /// Begins a session under a fresh secret (at least 128 bits of the caller's randomness).
    ///
    /// # Errors
    /// `Conflict` when the secret was used before: it was not random.
    pub async fn begin_session(
        &self,
        secret: &[u8],
        account: &Account,
        now: UnixMs,
        expires: UnixMs,
    ) -> Result<()> {
        alone!(self, begin_session(secret, account, now, expires))
    }

    /// The session of this secret.
    ///
    /// # Errors
    /// `NotFound` when there is none, or it has expired.
    pub async fn session(&self, secret: &[u8], now: UnixMs) -> Result<SessionRecord> {
        let row: Option<Row> = on!(self.pools.reader(), |database| sqlx::query_as(
            "SELECT account, created_ms, expires_ms FROM session WHERE digest = $1 AND expires_ms > $2",
        )
        .bind(Digest::of_bytes(secret).to_string())
        .bind(now)
        .fetch_optional(database)
        .await)?;
        let row = row.ok_or_else(|| Error::NotFound("such session: sign in".into()))?;
        let account = parsed("session.account", &row.account)?;
        Ok(SessionRecord { account, created: row.created_ms, expires: row.expires_ms })
    }

    /// Ends the session of this secret; whether there was one.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn end_session(&self, secret: &[u8]) -> Result<bool> {
        let ended =
            on!(self.pools.writer(), |database| sqlx::query("DELETE FROM session WHERE digest = $1")
                .bind(Digest::of_bytes(secret).to_string())
                .execute(database)
                .await
                .map(|done| done.rows_affected()))?;
        Ok(ended > 0)
    }

    /// Ends all sessions of an account; how many there were.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn end_sessions_of(&self, account: &Account) -> Result<u64> {
        Ok(on!(self.pools.writer(), |database| sqlx::query("DELETE FROM session WHERE account = $1")
            .bind(account.as_str())
            .execute(database)
            .await
            .map(|done| done.rows_affected()))?)
    }

    /// Removes sessions and nonces that have expired; how many.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn sweep(&self, now: UnixMs) -> Result<u64> {
        let sessions =
            on!(self.pools.writer(), |database| sqlx::query("DELETE FROM session WHERE expires_ms <= $1")
                .bind(now)
                .execute(database)
                .await
                .map(|done| done.rows_affected()))?;
        let nonces =
            on!(self.pools.writer(), |database| sqlx::query("DELETE FROM nonce WHERE expires_ms <= $1")
                .bind(now)
                .execute(database)
                .await
                .map(|done| done.rows_affected()))?;
        Ok(sessions + nonces)
    }
}

impl Act<'_> {
    /// Begins a session under a fresh secret (at least 128 bits of the caller's randomness).
    ///
    /// # Errors
    /// `Conflict` when the secret was used before: it was not random.
    pub async fn begin_session(
        &mut self,
        secret: &[u8],
        account: &Account,
        now: UnixMs,
        expires: UnixMs,
    ) -> Result<()> {
        let begun = on!(self.tx.connection(), |database| sqlx::query(
            "INSERT INTO session (digest, account, created_ms, expires_ms) VALUES ($1, $2, $3, $4)",
        )
        .bind(Digest::of_bytes(secret).to_string())
        .bind(account.as_str())
        .bind(now)
        .bind(expires)
        .execute(database)
        .await
        .map(drop));
        begun.map_err(|error| match is_taken(&error) {
            true => Error::Conflict("this session's secret is in use: draw another one".into()),
            false => error.into(),
        })
    }
}
