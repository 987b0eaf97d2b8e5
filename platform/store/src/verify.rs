//! Walks everything that is kept and holds it against its digests.

use model::{Digest, Publication, SeasonId};

use crate::column::parsed;
use crate::database::on;
use crate::error::{Error, Result};
use crate::{RunProgress, Store};

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Evidence files that are what their rows say.
    pub evidence: u64,
    /// Publications that are what their digests say, and continue their chain.
    pub publications: u64,
    /// What is wrong, one sentence each.
    pub faults: Vec<String>,
}

impl Verified {
    fn fault(&mut self, fault: impl Into<String>) {
        self.faults.push(fault.into());
    }

    /// Notes what went wrong with the stored; other errors are the caller's.
    fn note<T>(&mut self, found: Result<T>) -> Result<Option<T>> {
        match found {
            Ok(found) => Ok(Some(found)),
            Err(Error::Damaged(what)) => {
                self.fault(what);
                Ok(None)
            }
            Err(Error::NotFound(what)) => {
                self.fault(format!("there is no {what}"));
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }
}

impl Store {
    /// Holds the database and every evidence file, season and publication against their digests.
    /// Reads all evidence: minutes for a large season.
    ///
    /// # Errors
    /// When something cannot be read at all; what is read and wrong is among the faults.
    pub async fn verify(&self) -> Result<Verified> {
        let mut verified = Verified::default();
        self.verify_database(&mut verified).await?;
        let seasons: Vec<String> =
            on!(self.pools.reader(), |database| sqlx::query_scalar("SELECT id FROM season")
                .fetch_all(database)
                .await)?;
        let mut seasons: Vec<SeasonId> =
            seasons.iter().map(|id| parsed("season.id", id)).collect::<Result<_>>()?;
        seasons.sort();
        for season in &seasons {
            let record = verified.note(self.season(season).await)?;
            self.verify_evidence(season, &mut verified).await?;
            let frozen = record.and_then(|record| record.frozen).map(|frozen| frozen.digest);
            self.verify_publications(season, frozen, &mut verified).await?;
        }
        Ok(verified)
    }

    /// What SQLite says of its own file; PostgreSQL has checksums of its own for that.
    async fn verify_database(&self, verified: &mut Verified) -> Result<()> {
        if let crate::database::Engine::Sqlite(pool) = self.pools.reader() {
            let said: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check").fetch_all(pool).await?;
            for fault in said.into_iter().filter(|line| line != "ok") {
                verified.fault(format!("the database file: {fault}"));
            }
        }
        Ok(())
    }

    async fn verify_evidence(&self, season: &SeasonId, verified: &mut Verified) -> Result<()> {
        let records = self.evidence_records(season).await?;
        for run in self.runs(season).await? {
            let record = records.iter().find(|record| record.run == run.run);
            let of_run = match run.progress {
                RunProgress::Measured { evidence, .. } => Some(evidence),
                _ => None,
            };
            if record.map(|record| record.digest) != of_run {
                verified.fault(format!("run {} of season {season} and its evidence row disagree", run.run));
            }
        }
        for record in &records {
            if verified.note(self.evidence_of(record).await)?.is_some() {
                verified.evidence += 1;
            }
        }
        Ok(())
    }

    async fn verify_publications(
        &self,
        season: &SeasonId,
        frozen: Option<Digest>,
        verified: &mut Verified,
    ) -> Result<()> {
        let numbers: Vec<i64> = on!(self.pools.reader(), |database| sqlx::query_scalar(
            "SELECT number FROM publication WHERE season = $1 ORDER BY number"
        )
        .bind(season.as_str())
        .fetch_all(database)
        .await)?;
        let mut before: Option<Publication> = None;
        for number in numbers {
            let number = crate::column::count("publication.number", number)?;
            let Some(publication) = verified.note(self.publication(season, number).await)? else {
                before = None;
                continue;
            };
            let first = before.as_ref().map_or(1, |before| before.number + 1);
            let chained =
                publication.previous == before.as_ref().map(Digest::of) && publication.number == first;
            if chained && Some(publication.season) == frozen {
                verified.publications += 1;
            } else {
                verified.fault(format!(
                    "publication {number} of season {season} does not continue the chain, or is of another season"
                ));
            }
            before = Some(publication);
        }
        Ok(())
    }
}
