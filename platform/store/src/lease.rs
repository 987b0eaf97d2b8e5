//! Leases of runs: one holder a run, one lease a target, across all seasons.
//!
//! A lease that ran out keeps its target until somebody takes it over: the worker that had it may
//! be measuring still. The new holder hands in that the run was interrupted.

use model::{RunKey, SeasonId};

use crate::column::{filled, parsed};
use crate::database::on;
use crate::error::{Error, Result, is_taken};
use crate::row::row;
use crate::run::{Row, absent, select_run};
use crate::{Epoch, RunProgress, RunRecord, Store, UnixMs};

/// Queued runs that are looked at in one go.
const CANDIDATES: usize = 16;

/// A run in somebody's hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The season.
    pub season: SeasonId,
    /// Which run.
    pub run: RunKey,
    /// The address that is loaded.
    pub target: String,
    /// Which lease; to be given with the evidence.
    pub epoch: Epoch,
    /// Until when, unless it is renewed.
    pub until: UnixMs,
}

/// What became of an attempt at a lease.
enum Attempt {
    Leased(Epoch),
    TargetBusy,
    NotQueued,
}

row! {
    struct Name {
        season: String,
        name: String,
    }
}

impl Store {
    /// Leases a queued run.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it is not queued, another lease has its target (also one that
    /// ran out and was not taken over), or the season is not in its trials.
    pub async fn lease(
        &self,
        season: &SeasonId,
        run: &RunKey,
        worker: &str,
        now: UnixMs,
        until: UnixMs,
    ) -> Result<Lease> {
        filled("worker's name", worker)?;
        match self.attempt(season.as_str(), &run.to_string(), worker, now, until).await? {
            Attempt::Leased(epoch) => {
                let target = self.run(season, run).await?.target;
                Ok(Lease { season: season.clone(), run: run.clone(), target, epoch, until })
            }
            Attempt::TargetBusy => Err(Error::Conflict(format!(
                "run {run} of season {season} waits: another lease has its target; finish or take over that one"
            ))),
            Attempt::NotQueued => Err(self.why_not_leased(season, run).await?),
        }
    }

    /// Leases the oldest queued run whose target is free, in any season in its trials.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn lease_next(&self, worker: &str, now: UnixMs, until: UnixMs) -> Result<Option<Lease>> {
        filled("worker's name", worker)?;
        loop {
            let candidates = self.candidates().await?;
            if candidates.is_empty() {
                return Ok(None);
            }
            for Name { season, name } in candidates {
                // Not leased: somebody else was faster, so that all together there is progress.
                if let Attempt::Leased(epoch) = self.attempt(&season, &name, worker, now, until).await? {
                    return self.leased(&season, &name, epoch, until).await.map(Some);
                }
            }
        }
    }

    /// Makes a lease last longer.
    ///
    /// # Errors
    /// `Conflict` when it ran out, or another one took its place: stop measuring.
    pub async fn renew(
        &self,
        season: &SeasonId,
        run: &RunKey,
        epoch: Epoch,
        now: UnixMs,
        until: UnixMs,
    ) -> Result<()> {
        let done = on!(self.pools.writer(), |database| sqlx::query(
            "UPDATE run SET lease_until_ms = $5 \
             WHERE season = $1 AND name = $2 AND state = 'leased' AND epoch = $3 AND lease_until_ms > $4",
        )
        .bind(season.as_str())
        .bind(run.to_string())
        .bind(epoch)
        .bind(now)
        .bind(until)
        .execute(database)
        .await
        .map(|done| done.rows_affected()))?;
        if done == 0 {
            let there = self.run(season, run).await?;
            return Err(lost(&there, epoch, "it ran out"));
        }
        Ok(())
    }

    /// Leases that ran out, in the order of the queue.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn expired(&self, now: UnixMs) -> Result<Vec<RunRecord>> {
        let rows: Vec<Row> = on!(self.pools.reader(), |database| sqlx::query_as(select_run!(
            "WHERE state = 'leased' AND lease_until_ms <= $1 ORDER BY position"
        ))
        .bind(now)
        .fetch_all(database)
        .await)?;
        rows.into_iter().map(Row::record).collect()
    }

    /// Takes over a lease that ran out, to hand in that the run was interrupted. A worker may take
    /// over its own at once: it was started anew and knows nothing of the run any more.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when the lease is not `epoch` any more, or has not run out.
    pub async fn take_over(
        &self,
        season: &SeasonId,
        run: &RunKey,
        epoch: Epoch,
        worker: &str,
        now: UnixMs,
        until: UnixMs,
    ) -> Result<Lease> {
        filled("worker's name", worker)?;
        let new: Option<Epoch> = on!(self.pools.writer(), |database| sqlx::query_scalar(
            "UPDATE run SET worker = $4, epoch = epoch + 1, leased_ms = $5, lease_until_ms = $6 \
             WHERE season = $1 AND name = $2 AND state = 'leased' AND epoch = $3 \
             AND (lease_until_ms <= $5 OR worker = $4) RETURNING epoch",
        )
        .bind(season.as_str())
        .bind(run.to_string())
        .bind(epoch)
        .bind(worker)
        .bind(now)
        .bind(until)
        .fetch_optional(database)
        .await)?;
        let there = self.run(season, run).await?;
        match new {
            Some(epoch) => {
                Ok(Lease { season: season.clone(), run: run.clone(), target: there.target, epoch, until })
            }
            None => Err(lost(&there, epoch, "it has not run out")),
        }
    }

    /// Queued runs that could be leased now, oldest first.
    async fn candidates(&self) -> Result<Vec<Name>> {
        let limit = CANDIDATES as i64;
        Ok(on!(self.pools.reader(), |database| sqlx::query_as(
            "SELECT run.season, run.name FROM run JOIN season ON season.id = run.season \
             WHERE run.state = 'queued' AND season.stage = 'trials' AND NOT EXISTS \
             (SELECT 1 FROM run busy WHERE busy.target = run.target AND busy.state = 'leased') \
             ORDER BY run.position LIMIT $1",
        )
        .bind(limit)
        .fetch_all(database)
        .await)?)
    }

    /// The statement that leases. It repeats everything it rests on: what was looked at before may
    /// have changed, and the index of leased targets has the last word.
    async fn attempt(
        &self,
        season: &str,
        run: &str,
        worker: &str,
        now: UnixMs,
        until: UnixMs,
    ) -> Result<Attempt> {
        let epoch: std::result::Result<Option<Epoch>, sqlx::Error> =
            on!(self.pools.writer(), |database| sqlx::query_scalar(
                "UPDATE run SET state = 'leased', worker = $3, epoch = epoch + 1, leased_ms = $4, \
                 lease_until_ms = $5 WHERE season = $1 AND name = $2 AND state = 'queued' AND EXISTS \
                 (SELECT 1 FROM season WHERE season.id = $1 AND season.stage = 'trials') RETURNING epoch",
            )
            .bind(season)
            .bind(run)
            .bind(worker)
            .bind(now)
            .bind(until)
            .fetch_optional(database)
            .await);
        match epoch {
            Ok(Some(epoch)) => Ok(Attempt::Leased(epoch)),
            Ok(None) => Ok(Attempt::NotQueued),
            Err(error) if is_taken(&error) => Ok(Attempt::TargetBusy),
            Err(error) => Err(error.into()),
        }
    }

    async fn leased(&self, season: &str, name: &str, epoch: Epoch, until: UnixMs) -> Result<Lease> {
        let row: Option<Row> = on!(self.pools.reader(), |database| sqlx::query_as(select_run!(
            "WHERE season = $1 AND name = $2"
        ))
        .bind(season)
        .bind(name)
        .fetch_optional(database)
        .await)?;
        let record =
            row.ok_or_else(|| Error::NotFound(format!("run {name} in season {season}")))?.record()?;
        Ok(Lease {
            season: parsed("run.season", season)?,
            run: record.run,
            target: record.target,
            epoch,
            until,
        })
    }

    async fn why_not_leased(&self, season: &SeasonId, run: &RunKey) -> Result<Error> {
        let stage = self.season(season).await.map_err(|_| absent(season, run))?.stage;
        let there = self.run(season, run).await?;
        Ok(match there.progress {
            RunProgress::Queued => Error::Conflict(format!(
                "run {run} cannot be leased: season {season} is {stage}, and runs are measured in its trials"
            )),
            RunProgress::Leased { worker, until, .. } => {
                Error::Conflict(format!("run {run} of season {season} is leased by {worker} until {until}"))
            }
            RunProgress::Measured { .. } => {
                Error::Conflict(format!("run {run} of season {season} is measured: queue another attempt"))
            }
        })
    }
}

/// Why a lease of `epoch` cannot be used.
pub(crate) fn lost(there: &RunRecord, epoch: Epoch, otherwise: &str) -> Error {
    let RunRecord { season, run, progress, .. } = there;
    let why = match progress {
        RunProgress::Queued => "it is not leased".to_owned(),
        RunProgress::Leased { worker, epoch: present, .. } if *present != epoch => {
            format!("{worker} has it under lease {present}")
        }
        RunProgress::Leased { .. } => otherwise.to_owned(),
        RunProgress::Measured { .. } => "it is measured".to_owned(),
    };
    Error::Conflict(format!("lease {epoch} of run {run} of season {season} cannot be used: {why}"))
}
