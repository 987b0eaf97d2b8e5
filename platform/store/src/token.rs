//! API tokens. The token itself is never stored, only its SHA-256, which also names it in lists.

use std::time::Duration;

use model::Digest;

use crate::act::alone;
use crate::column::{filled, parsed};
use crate::database::on;
use crate::error::{Error, Result, is_taken};
use crate::row::row;
use crate::{Account, Act, Store, UnixMs};

/// A use is noted at most this often: a write for every request would hold up the one writer.
const USE_NOTED: Duration = Duration::from_secs(60);

/// A token that is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Whose.
    pub account: Account,
    /// What it may be used for, in the server's words.
    pub scope: String,
    /// What its owner calls it.
    pub name: String,
    /// Until when it is good.
    pub expires: UnixMs,
}

/// A token as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// SHA-256 of the token: names it, and opens nothing.
    pub id: Digest,
    /// What it is.
    pub token: NewToken,
    /// When it was made.
    pub created: UnixMs,
    /// When it was last used, to the minute.
    pub used: Option<UnixMs>,
    /// When it was revoked.
    pub revoked: Option<UnixMs>,
}

row! {
    struct Row {
        digest: String,
        account: String,
        scope: String,
        name: String,
        created_ms: UnixMs,
        expires_ms: UnixMs,
        used_ms: Option<UnixMs>,
        revoked_ms: Option<UnixMs>,
    }
}

impl Row {
    fn record(self) -> Result<TokenRecord> {
        Ok(TokenRecord {
            id: parsed("token.digest", &self.digest)?,
            token: NewToken {
                account: parsed("token.account", &self.account)?,
                scope: self.scope,
                name: self.name,
                expires: self.expires_ms,
            },
            created: self.created_ms,
            used: self.used_ms,
            revoked: self.revoked_ms,
        })
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT digest, account, scope, name, created_ms, expires_ms, used_ms, revoked_ms FROM token ",
            $rest
        )
    };
}

impl Store {
    /// Keeps a fresh token (at least 128 bits of the caller's randomness); its name in lists.
    ///
    /// # Errors
    /// `Conflict` when the token is there already: it was not random.
    pub async fn add_token(&self, secret: &[u8], token: &NewToken, now: UnixMs) -> Result<Digest> {
        alone!(self, add_token(secret, token, now))
    }

    /// The token that a request brought; notes its use.
    ///
    /// # Errors
    /// `NotFound` when there is none, it has expired, or it was revoked.
    pub async fn use_token(&self, secret: &[u8], now: UnixMs) -> Result<TokenRecord> {
        let id = Digest::of_bytes(secret);
        let row: Option<Row> = on!(self.pools.reader(), |database| sqlx::query_as(select!(
            "WHERE digest = $1 AND revoked_ms IS NULL AND expires_ms > $2"
        ))
        .bind(id.to_string())
        .bind(now)
        .fetch_optional(database)
        .await)?;
        let mut record = row
            .ok_or_else(|| Error::NotFound("such token, or it is not good any more: make one".into()))?
            .record()?;
        if record.used.is_none_or(|used| used.plus(USE_NOTED) <= now) {
            on!(self.pools.writer(), |database| sqlx::query(
                "UPDATE token SET used_ms = $2 WHERE digest = $1"
            )
            .bind(id.to_string())
            .bind(now)
            .execute(database)
            .await
            .map(drop))?;
            record.used = Some(now);
        }
        Ok(record)
    }

    /// An account's tokens, oldest first, revoked ones too.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn tokens(&self, account: &Account) -> Result<Vec<TokenRecord>> {
        let rows: Vec<Row> =
            on!(self.pools.reader(), |database| sqlx::query_as(select!("WHERE account = $1"))
                .bind(account.as_str())
                .fetch_all(database)
                .await)?;
        let mut tokens = rows.into_iter().map(Row::record).collect::<Result<Vec<_>>>()?;
        tokens.sort_by_key(|token| (token.created, token.id));
        Ok(tokens)
    }

    /// Revokes an account's token; one that is revoked already stays so.
    ///
    /// # Errors
    /// `NotFound` when the account has no such token.
    pub async fn revoke_token(&self, account: &Account, id: &Digest, now: UnixMs) -> Result<()> {
        alone!(self, revoke_token(account, id, now))
    }
}

impl Act<'_> {
    /// Keeps a fresh token (at least 128 bits of the caller's randomness); its name in lists.
    ///
    /// # Errors
    /// `Conflict` when the token is there already: it was not random.
    pub async fn add_token(&mut self, secret: &[u8], token: &NewToken, now: UnixMs) -> Result<Digest> {
        let id = Digest::of_bytes(secret);
        let added = on!(self.tx.connection(), |database| sqlx::query(
            "INSERT INTO token (digest, account, scope, name, created_ms, expires_ms) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(id.to_string())
        .bind(token.account.as_str())
        .bind(filled("token's scope", &token.scope)?)
        .bind(filled("token's name", &token.name)?)
        .bind(now)
        .bind(token.expires)
        .execute(database)
        .await
        .map(drop));
        added.map(|()| id).map_err(|error| match is_taken(&error) {
            true => Error::Conflict("this token is there already: draw another one".into()),
            false => error.into(),
        })
    }

    /// Revokes an account's token; one that is revoked already stays so.
    ///
    /// # Errors
    /// `NotFound` when the account has no such token.
    pub async fn revoke_token(&mut self, account: &Account, id: &Digest, now: UnixMs) -> Result<()> {
        let done = on!(self.tx.connection(), |database| sqlx::query(
            "UPDATE token SET revoked_ms = COALESCE(revoked_ms, $3) WHERE digest = $1 AND account = $2",
        )
        .bind(id.to_string())
        .bind(account.as_str())
        .bind(now)
        .execute(database)
        .await
        .map(|done| done.rows_affected()))?;
        if done == 0 { Err(Error::NotFound(format!("token {id} of {account}"))) } else { Ok(()) }
    }
}
