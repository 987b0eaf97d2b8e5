//! Jobs: work that one process at a time does, such as conducting a season.
//!
//! Unlike a run, a job whose lease ran out is leased again as it is: it can be begun anew.

use crate::column::{count, filled, read_word, text};
use crate::database::on;
use crate::error::{Error, Result};
use crate::row::row;
use crate::{Epoch, Store, UnixMs};

/// Jobs that are looked at in one go.
const CANDIDATES: i64 = 16;

/// How far a job has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobState {
    /// Waits, perhaps for its time.
    Queued,
    /// A worker has it.
    Leased,
    /// Done.
    Done,
}

/// A job as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRecord {
    /// What is to be done.
    pub kind: String,
    /// On what.
    pub subject: String,
    /// Which time this kind of job is done on this subject, from 1.
    pub number: u32,
    /// How far it has come.
    pub state: JobState,
    /// Who has it, or had it last.
    pub worker: Option<String>,
    /// Until when, if leased.
    pub until: Option<UnixMs>,
    /// Not before.
    pub due: UnixMs,
    /// How often it was leased.
    pub attempts: u32,
    /// Why the last attempt failed.
    pub failure: Option<String>,
}

/// A job in somebody's hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobLease {
    /// What is to be done.
    pub kind: String,
    /// On what.
    pub subject: String,
    /// Which time.
    pub number: u32,
    /// Which lease.
    pub epoch: Epoch,
    /// How often the job was leased, this time included.
    pub attempts: u32,
}

row! {
    struct Row {
        kind: String,
        subject: String,
        number: i64,
        state: String,
        worker: Option<String>,
        lease_until_ms: Option<UnixMs>,
        due_ms: UnixMs,
        attempts: i64,
        failure: Option<String>,
    }
}

impl Row {
    fn record(self) -> Result<JobRecord> {
        Ok(JobRecord {
            kind: self.kind,
            subject: self.subject,
            number: count("job.number", self.number)?,
            state: read_word("job.state", &self.state)?,
            worker: self.worker,
            until: self.lease_until_ms,
            due: self.due_ms,
            attempts: count("job.attempts", self.attempts)?,
            failure: self.failure,
        })
    }
}

row! {
    struct Leased {
        number: i64,
        epoch: Epoch,
        attempts: i64,
    }
}

impl Store {
    /// Queues a job, unless there is one of this kind and subject that is not done.
    ///
    /// # Errors
    /// `Invalid` for an empty kind or subject.
    pub async fn enqueue(&self, kind: &str, subject: &str, due: UnixMs, now: UnixMs) -> Result<()> {
        on!(self.pools.writer(), |database| sqlx::query(
            "INSERT INTO job (kind, subject, number, position, state, epoch, due_ms, attempts, queued_ms) \
             SELECT $1, $2, COALESCE(MAX(number), 0) + 1, (SELECT COALESCE(MAX(position), 0) + 1 FROM job), \
             'queued', 0, $3, 0, $4 FROM job WHERE kind = $1 AND subject = $2 ON CONFLICT DO NOTHING",
        )
        .bind(filled("kind", kind)?)
        .bind(filled("subject", subject)?)
        .bind(due)
        .bind(now)
        .execute(database)
        .await
        .map(drop))?;
        Ok(())
    }

    /// Leases the job of this kind and subject: when it is due, when its lease ran out, or when
    /// this worker has it already and was started anew.
    ///
    /// # Errors
    /// `NotFound` when there is none that is not done; `Conflict` when another worker has it, or it
    /// is not due.
    pub async fn lease_job(
        &self,
        kind: &str,
        subject: &str,
        worker: &str,
        now: UnixMs,
        until: UnixMs,
    ) -> Result<JobLease> {
        filled("worker's name", worker)?;
        let leased: Option<Leased> = on!(self.pools.writer(), |database| sqlx::query_as(
            "UPDATE job SET state = 'leased', worker = $3, epoch = epoch + 1, attempts = attempts + 1, \
             lease_until_ms = $5 WHERE kind = $1 AND subject = $2 AND ((state = 'queued' AND due_ms <= $4) \
             OR (state = 'leased' AND (lease_until_ms <= $4 OR worker = $3))) \
             RETURNING number, epoch, attempts",
        )
        .bind(text("kind", kind)?)
        .bind(text("subject", subject)?)
        .bind(worker)
        .bind(now)
        .bind(until)
        .fetch_optional(database)
        .await)?;
        let Some(Leased { number, epoch, attempts }) = leased else {
            return Err(self.why_no_job(kind, subject).await?);
        };
        Ok(JobLease {
            kind: kind.to_owned(),
            subject: subject.to_owned(),
            number: count("job.number", number)?,
            epoch,
            attempts: count("job.attempts", attempts)?,
        })
    }

    /// Leases the oldest job of this kind that can be leased.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn lease_next_job(
        &self,
        kind: &str,
        worker: &str,
        now: UnixMs,
        until: UnixMs,
    ) -> Result<Option<JobLease>> {
        loop {
            let subjects: Vec<String> = on!(self.pools.reader(), |database| sqlx::query_scalar(
                "SELECT subject FROM job WHERE kind = $1 AND ((state = 'queued' AND due_ms <= $2) \
                 OR (state = 'leased' AND lease_until_ms <= $2)) ORDER BY position LIMIT $3",
            )
            .bind(text("kind", kind)?)
            .bind(now)
            .bind(CANDIDATES)
            .fetch_all(database)
            .await)?;
            if subjects.is_empty() {
                return Ok(None);
            }
            for subject in subjects {
                match self.lease_job(kind, &subject, worker, now, until).await {
                    Ok(lease) => return Ok(Some(lease)),
                    // Somebody else was faster.
                    Err(Error::Conflict(_) | Error::NotFound(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }

    /// Makes a job's lease last longer.
    ///
    /// # Errors
    /// `Conflict` when it ran out, or another one took its place: stop working.
    pub async fn renew_job(&self, lease: &JobLease, now: UnixMs, until: UnixMs) -> Result<()> {
        let done = on!(self.pools.writer(), |database| sqlx::query(
            "UPDATE job SET lease_until_ms = $6 WHERE kind = $1 AND subject = $2 AND number = $3 \
             AND state = 'leased' AND epoch = $4 AND lease_until_ms > $5",
        )
        .bind(lease.kind.as_str())
        .bind(lease.subject.as_str())
        .bind(i64::from(lease.number))
        .bind(lease.epoch)
        .bind(now)
        .bind(until)
        .execute(database)
        .await
        .map(|done| done.rows_affected()))?;
        held(lease, done)
    }

    /// Says that a job is done.
    ///
    /// # Errors
    /// `Conflict` when the lease is not the present one.
    pub async fn finish_job(&self, lease: &JobLease, now: UnixMs) -> Result<()> {
        let done = on!(self.pools.writer(), |database| sqlx::query(
            "UPDATE job SET state = 'done', lease_until_ms = NULL, ended_ms = $5 WHERE kind = $1 \
             AND subject = $2 AND number = $3 AND state = 'leased' AND epoch = $4",
        )
        .bind(lease.kind.as_str())
        .bind(lease.subject.as_str())
        .bind(i64::from(lease.number))
        .bind(lease.epoch)
        .bind(now)
        .execute(database)
        .await
        .map(|done| done.rows_affected()))?;
        held(lease, done)
    }

    /// Says that an attempt failed; the job can be leased again from `due` on.
    ///
    /// # Errors
    /// `Conflict` when the lease is not the present one.
    pub async fn retry_job(&self, lease: &JobLease, failure: &str, due: UnixMs) -> Result<()> {
        let done = on!(self.pools.writer(), |database| sqlx::query(
            "UPDATE job SET state = 'queued', lease_until_ms = NULL, failure = $5, due_ms = $6 \
             WHERE kind = $1 AND subject = $2 AND number = $3 AND state = 'leased' AND epoch = $4",
        )
        .bind(lease.kind.as_str())
        .bind(lease.subject.as_str())
        .bind(i64::from(lease.number))
        .bind(lease.epoch)
        .bind(text("failure", failure)?)
        .bind(due)
        .execute(database)
        .await
        .map(|done| done.rows_affected()))?;
        held(lease, done)
    }

    /// All jobs of a kind, oldest first, done ones too.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn jobs(&self, kind: &str) -> Result<Vec<JobRecord>> {
        let rows: Vec<Row> = on!(self.pools.reader(), |database| {
            sqlx::query_as(
            "SELECT kind, subject, number, state, worker, lease_until_ms, due_ms, attempts, failure FROM job \
             WHERE kind = $1 ORDER BY position",
        )
        .bind(text("kind", kind)?)
        .fetch_all(database)
        .await
        })?;
        rows.into_iter().map(Row::record).collect()
    }

    async fn why_no_job(&self, kind: &str, subject: &str) -> Result<Error> {
        let jobs = self.jobs(kind).await?;
        let open = jobs.into_iter().rfind(|job| job.subject == subject && job.state != JobState::Done);
        Ok(match open {
            None => Error::NotFound(format!("job {kind} {subject} that is not done")),
            Some(JobRecord { state: JobState::Leased, worker, .. }) => Error::Conflict(format!(
                "{} has the job {kind} {subject}: wait until it is done or its lease runs out",
                worker.unwrap_or_default()
            )),
            Some(job) => Error::Conflict(format!("job {kind} {subject} is not due before {}", job.due)),
        })
    }
}

fn held(lease: &JobLease, rows: u64) -> Result<()> {
    if rows == 0 {
        return Err(Error::Conflict(format!(
            "lease {} of the job {} {} is not the present one any more: stop working",
            lease.epoch, lease.kind, lease.subject
        )));
    }
    Ok(())
}
