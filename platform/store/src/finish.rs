//! The end of a run: its evidence is kept, once.

use model::digest::canonical_json;
use model::{Digest, Evidence, SeasonId};

use crate::database::{Tx, on};
use crate::error::{Error, Result};
use crate::lease::lost;
use crate::run::find;
use crate::{Epoch, RunProgress, Store, UnixMs};

impl Store {
    /// Keeps the evidence of a leased run: the file first, then run and row together. The same
    /// evidence again changes nothing. A lease that ran out still counts as long as nobody took it
    /// over.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when `epoch` is not the present lease, or the run has other evidence.
    pub async fn finish(
        &self,
        season: &SeasonId,
        epoch: Epoch,
        evidence: &Evidence,
        now: UnixMs,
    ) -> Result<Digest> {
        let bytes = canonical_json(evidence);
        let length = bytes.len() as i64;
        // Before the row: a row without its file would be a loss, a file without a row is none.
        let digest = self.keep_evidence(bytes).await?;
        let mut tx = self.pools.begin().await?;
        if !measure(&mut tx, season, epoch, evidence, &digest, now).await? {
            let there = find(&mut tx, season, &evidence.run).await?;
            return match there.progress {
                RunProgress::Measured { evidence, .. } if evidence == digest => Ok(digest),
                RunProgress::Measured { .. } => Err(Error::Conflict(format!(
                    "run {} of season {season} has other evidence: a run is recorded once",
                    there.run
                ))),
                _ => Err(lost(&there, epoch, "it is not the present one")),
            };
        }
        on!(tx.connection(), |database| sqlx::query(
            "INSERT INTO evidence (season, run, digest, bytes, kept_ms) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(season.as_str())
        .bind(evidence.run.to_string())
        .bind(digest.to_string())
        .bind(length)
        .bind(now)
        .execute(database)
        .await
        .map(drop))?;
        tx.commit().await?;
        Ok(digest)
    }
}

/// Marks a run as measured; whether `epoch` was its lease.
async fn measure(
    tx: &mut Tx,
    season: &SeasonId,
    epoch: Epoch,
    evidence: &Evidence,
    digest: &Digest,
    now: UnixMs,
) -> Result<bool> {
    let done = on!(tx.connection(), |database| sqlx::query(
        "UPDATE run SET state = 'measured', lease_until_ms = NULL, evidence = $4, ended_ms = $5 \
         WHERE season = $1 AND name = $2 AND state = 'leased' AND epoch = $3",
    )
    .bind(season.as_str())
    .bind(evidence.run.to_string())
    .bind(epoch)
    .bind(digest.to_string())
    .bind(now)
    .execute(database)
    .await
    .map(|done| done.rows_affected()))?;
    Ok(done > 0)
}
