//! Runs: queued, leased, measured.

use std::fmt;

use model::{Digest, RunKey, SeasonId};

use crate::column::{count, filled, parsed};
use crate::database::{Tx, on};
use crate::error::{Error, Result, names_nothing};
use crate::row::{bigint, row};
use crate::{Store, UnixMs};

/// Which lease of a run: rises by one with each, so that an old holder is told from the present one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(i64);

bigint!(Epoch);

impl Epoch {
    /// The epoch of this number, as a worker gave it back.
    pub fn from_number(number: u64) -> Self {
        Self(i64::try_from(number).unwrap_or(i64::MAX))
    }

    /// Its number.
    pub fn number(self) -> u64 {
        u64::try_from(self.0).unwrap_or(0)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A run as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    /// The season.
    pub season: SeasonId,
    /// Which run.
    pub run: RunKey,
    /// The address that is loaded.
    pub target: String,
    /// How far it has come.
    pub progress: RunProgress,
    /// When it was queued.
    pub queued: UnixMs,
}

/// How far a run has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunProgress {
    /// Waits for a worker.
    Queued,
    /// A worker has it.
    Leased {
        /// Who.
        worker: String,
        /// Which lease.
        epoch: Epoch,
        /// Until when, unless it is renewed.
        until: UnixMs,
    },
    /// Its evidence is in.
    Measured {
        /// Digest of the evidence.
        evidence: Digest,
        /// Under which lease.
        epoch: Epoch,
        /// When.
        at: UnixMs,
    },
}

row! {
    pub(crate) struct Row {
        season: String,
        window_number: i64,
        trial: String,
        operator: String,
        attempt: i64,
        target: String,
        state: String,
        worker: Option<String>,
        epoch: Epoch,
        lease_until_ms: Option<UnixMs>,
        evidence: Option<String>,
        queued_ms: UnixMs,
        ended_ms: Option<UnixMs>,
    }
}

/// The columns of a [`Row`]. Runs are listed in the order of their keys in Rust, or of the queue.
macro_rules! select_run {
    ($rest:literal) => {
        concat!(
            "SELECT season, window_number, trial, operator, attempt, target, state, worker, epoch, \
             lease_until_ms, evidence, queued_ms, ended_ms FROM run ",
            $rest
        )
    };
}
pub(crate) use select_run;

impl Row {
    pub(crate) fn record(self) -> Result<RunRecord> {
        let epoch = self.epoch;
        let progress =
            match (self.state.as_str(), self.worker, self.lease_until_ms, self.evidence, self.ended_ms) {
                ("queued", ..) => RunProgress::Queued,
                ("leased", Some(worker), Some(until), ..) => RunProgress::Leased { worker, epoch, until },
                ("measured", _, _, Some(evidence), Some(at)) => {
                    RunProgress::Measured { evidence: parsed("run.evidence", &evidence)?, epoch, at }
                }
                (state, ..) => {
                    return Err(Error::Damaged(format!("a run is {state} and lacks what belongs to it")));
                }
            };
        let run = RunKey {
            window: count("run.window_number", self.window_number)?,
            trial: parsed("run.trial", &self.trial)?,
            operator: parsed("run.operator", &self.operator)?,
            attempt: count("run.attempt", self.attempt)?,
        };
        Ok(RunRecord {
            season: parsed("run.season", &self.season)?,
            run,
            target: self.target,
            progress,
            queued: self.queued_ms,
        })
    }
}

impl Store {
    /// Queues runs, in this order, all or none. Those that are there already stay as they are.
    ///
    /// # Errors
    /// `Conflict` when one names a window, trial or operator that the season does not have, or is
    /// there with another target.
    pub async fn queue(&self, season: &SeasonId, runs: &[(RunKey, String)], now: UnixMs) -> Result<()> {
        let mut tx = self.pools.begin().await?;
        let last: i64 = on!(tx.connection(), |database| sqlx::query_scalar(
            "SELECT COALESCE(MAX(position), 0) FROM run"
        )
        .fetch_one(database)
        .await)?;
        for ((run, target), position) in runs.iter().zip(last + 1..) {
            filled("target", target)?;
            if !insert(&mut tx, season, run, target, position, now).await? {
                let there = find(&mut tx, season, run).await?;
                if there.target != *target {
                    return Err(Error::Conflict(format!(
                        "run {run} of season {season} is queued for {}, not {target}: queue another attempt",
                        there.target
                    )));
                }
            }
        }
        tx.commit().await
    }

    /// A run.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn run(&self, season: &SeasonId, run: &RunKey) -> Result<RunRecord> {
        let row: Option<Row> = on!(self.pools.reader(), |database| sqlx::query_as(select_run!(
            "WHERE season = $1 AND name = $2"
        ))
        .bind(season.as_str())
        .bind(run.to_string())
        .fetch_optional(database)
        .await)?;
        row.ok_or_else(|| absent(season, run))?.record()
    }

    /// All runs of a season, in the order of their keys.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn runs(&self, season: &SeasonId) -> Result<Vec<RunRecord>> {
        let rows: Vec<Row> =
            on!(self.pools.reader(), |database| sqlx::query_as(select_run!("WHERE season = $1"))
                .bind(season.as_str())
                .fetch_all(database)
                .await)?;
        let mut runs = rows.into_iter().map(Row::record).collect::<Result<Vec<_>>>()?;
        runs.sort_by(|a, b| a.run.cmp(&b.run));
        Ok(runs)
    }
}

pub(crate) fn absent(season: &SeasonId, run: &RunKey) -> Error {
    Error::NotFound(format!("run {run} in season {season}"))
}

/// A run as a transaction sees it.
pub(crate) async fn find(tx: &mut Tx, season: &SeasonId, run: &RunKey) -> Result<RunRecord> {
    let row: Option<Row> =
        on!(tx.connection(), |database| sqlx::query_as(select_run!("WHERE season = $1 AND name = $2"))
            .bind(season.as_str())
            .bind(run.to_string())
            .fetch_optional(database)
            .await)?;
    row.ok_or_else(|| absent(season, run))?.record()
}

/// Adds a run; whether it was new.
async fn insert(
    tx: &mut Tx,
    season: &SeasonId,
    run: &RunKey,
    target: &str,
    position: i64,
    now: UnixMs,
) -> Result<bool> {
    let done = on!(tx.connection(), |database| {
        sqlx::query(
        "INSERT INTO run (season, name, window_number, trial, operator, attempt, target, position, state, epoch, \
         queued_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'queued', 0, $9) \
         ON CONFLICT (season, name) DO NOTHING",
    )
    .bind(season.as_str())
    .bind(run.to_string())
    .bind(i64::from(run.window))
    .bind(run.trial.as_str())
    .bind(run.operator.as_str())
    .bind(i64::from(run.attempt))
    .bind(target)
    .bind(position)
    .bind(now)
    .execute(database)
    .await
    .map(|done| done.rows_affected())
    });
    match done {
        Ok(rows) => Ok(rows > 0),
        Err(error) if names_nothing(&error) => Err(Error::Conflict(format!(
            "season {season} has no window {}, trial {} or operator {}: freeze it first, and queue what it has",
            run.window, run.trial, run.operator
        ))),
        Err(error) => Err(error.into()),
    }
}
