//! Evidence: files that their digests name, and the rows that say whose they are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use model::{Digest, Evidence, RunKey, SeasonId};

use crate::column::{count, parsed};
use crate::database::on;
use crate::error::{Error, Result};
use crate::migrate::blocking;
use crate::row::row;
use crate::{Store, UnixMs};

/// Whose evidence a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceRecord {
    /// Which run.
    pub run: RunKey,
    /// Digest, and name of the file.
    pub digest: Digest,
    /// Length of the file, bytes.
    pub bytes: u64,
    /// When it was kept.
    pub kept: UnixMs,
}

row! {
    struct Row {
        window_number: i64,
        trial: String,
        operator: String,
        attempt: i64,
        digest: String,
        bytes: i64,
        kept_ms: UnixMs,
    }
}

impl Row {
    fn record(self) -> Result<EvidenceRecord> {
        Ok(EvidenceRecord {
            run: RunKey {
                window: count("run.window_number", self.window_number)?,
                trial: parsed("run.trial", &self.trial)?,
                operator: parsed("run.operator", &self.operator)?,
                attempt: count("run.attempt", self.attempt)?,
            },
            digest: parsed("evidence.digest", &self.digest)?,
            bytes: count("evidence.bytes", self.bytes)?,
            kept: self.kept_ms,
        })
    }
}

impl Store {
    /// Keeps bytes in a file that their digest names. Without a row they are nobody's evidence:
    /// [`Store::finish`] makes both.
    ///
    /// # Errors
    /// `File` when it cannot be written; nothing half-written is left under the name.
    pub async fn keep_evidence(&self, bytes: Vec<u8>) -> Result<Digest> {
        let files = self.files.clone();
        blocking(move || files.keep(&bytes)).await
    }

    /// The bytes of an evidence file.
    ///
    /// # Errors
    /// `NotFound` without the file, `Damaged` when it does not hold what its name says.
    pub async fn read_evidence(&self, digest: &Digest) -> Result<Vec<u8>> {
        let (files, digest) = (self.files.clone(), *digest);
        blocking(move || files.read(&digest)).await
    }

    /// Whose evidence there is in a season, in the order of the runs' keys.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn evidence_records(&self, season: &SeasonId) -> Result<Vec<EvidenceRecord>> {
        let rows: Vec<Row> = on!(self.pools.reader(), |database| sqlx::query_as(
            "SELECT run.window_number, run.trial, run.operator, run.attempt, \
             evidence.digest, evidence.bytes, evidence.kept_ms \
             FROM evidence JOIN run ON run.season = evidence.season AND run.name = evidence.run \
             WHERE evidence.season = $1",
        )
        .bind(season.as_str())
        .fetch_all(database)
        .await)?;
        let mut records = rows.into_iter().map(Row::record).collect::<Result<Vec<_>>>()?;
        records.sort_by(|a, b| a.run.cmp(&b.run));
        Ok(records)
    }

    /// All evidence of a season, by run name; nothing is skipped.
    ///
    /// # Errors
    /// `NotFound` or `Damaged` when a file is not there or not what its row says.
    pub async fn evidence(&self, season: &SeasonId) -> Result<BTreeMap<String, Evidence>> {
        let mut all = BTreeMap::new();
        for record in self.evidence_records(season).await? {
            let evidence = self.evidence_of(&record).await?;
            all.insert(record.run.to_string(), evidence);
        }
        Ok(all)
    }

    /// The evidence that a record names.
    ///
    /// # Errors
    /// `NotFound` or `Damaged` when the file is not there or not what the record says.
    pub async fn evidence_of(&self, record: &EvidenceRecord) -> Result<Evidence> {
        let bytes = self.read_evidence(&record.digest).await?;
        let damaged = |why: String| Error::Damaged(format!("evidence of run {}: {why}", record.run));
        if bytes.len() as u64 != record.bytes {
            return Err(damaged(format!("{} bytes, not {}", bytes.len(), record.bytes)));
        }
        let evidence: Evidence =
            serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if evidence.run != record.run {
            return Err(damaged(format!("the file is of run {}", evidence.run)));
        }
        Ok(evidence)
    }

    /// Digests of all evidence of all seasons.
    pub(crate) async fn evidence_digests(&self) -> Result<BTreeSet<Digest>> {
        let digests: Vec<String> =
            on!(self.pools.reader(), |database| sqlx::query_scalar("SELECT digest FROM evidence")
                .fetch_all(database)
                .await)?;
        digests.iter().map(|digest| parsed("evidence.digest", digest)).collect()
    }

    /// Files in the evidence folder that no row names: left by a process that ended between file
    /// and row. They harm nobody; remove them while nobody hands in evidence.
    ///
    /// # Errors
    /// When the folder or the database cannot be read.
    pub async fn orphans(&self) -> Result<Vec<PathBuf>> {
        // Files first: one that gets its row meanwhile is no orphan, one that comes later is not seen.
        let files = self.files.clone();
        let found = blocking(move || files.all()).await?;
        let known: BTreeSet<PathBuf> =
            self.evidence_digests().await?.iter().map(|digest| self.files.path(digest)).collect();
        Ok(found.into_iter().filter(|path| !known.contains(path)).collect())
    }
}
