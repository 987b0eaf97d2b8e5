//! Numbers used once, for what is signed: given out, and taken by deleting them.

use crate::column::filled;
use crate::database::on;
use crate::error::{Error, Result, is_taken};
use crate::{Store, UnixMs};

impl Store {
    /// Notes a fresh nonce (at least 128 bits of the caller's randomness, as text) for one purpose.
    ///
    /// # Errors
    /// `Conflict` when it was given out before: it was not random.
    pub async fn give_nonce(&self, nonce: &str, purpose: &str, expires: UnixMs) -> Result<()> {
        let given = on!(self.pools.writer(), |database| sqlx::query(
            "INSERT INTO nonce (value, purpose, expires_ms) VALUES ($1, $2, $3)",
        )
        .bind(filled("nonce", nonce)?)
        .bind(filled("purpose", purpose)?)
        .bind(expires)
        .execute(database)
        .await
        .map(drop));
        given.map_err(|error| match is_taken(&error) {
            true => Error::Conflict("this nonce was given out already: draw another one".into()),
            false => error.into(),
        })
    }

    /// Takes a nonce: of many who try at once, one succeeds.
    ///
    /// # Errors
    /// `NotFound` when it was not given out for this purpose, was taken, or has expired.
    pub async fn take_nonce(&self, nonce: &str, purpose: &str, now: UnixMs) -> Result<()> {
        let expires: Option<UnixMs> = on!(self.pools.writer(), |database| sqlx::query_scalar(
            "DELETE FROM nonce WHERE value = $1 AND purpose = $2 RETURNING expires_ms",
        )
        .bind(filled("nonce", nonce)?)
        .bind(filled("purpose", purpose)?)
        .fetch_optional(database)
        .await)?;
        match expires {
            Some(expires) if expires > now => Ok(()),
            Some(_) => {
                Err(Error::NotFound("such nonce any more, it has expired: ask for another one".into()))
            }
            None => Err(Error::NotFound("such nonce, or it was used: ask for another one".into())),
        }
    }
}
