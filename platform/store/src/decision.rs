//! Decisions: appended, each on one publication; a correction names the one it replaces.

use std::collections::BTreeMap;

use model::{Digest, OperatorId, SeasonId, Verdict};

use crate::act::alone;
use crate::column::{count, filled, parsed, read_word, word};
use crate::database::{Tx, on};
use crate::error::{Error, Result, is_taken};
use crate::row::row;
use crate::{Act, Store, UnixMs};

/// A decision to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDecision {
    /// About whom.
    pub operator: OperatorId,
    /// On which publication.
    pub publication: u32,
    /// Digest of that publication, as the reviewer saw it.
    pub digest: Digest,
    /// What is decided.
    pub verdict: Verdict,
    /// Why, for everybody to read.
    pub reason: String,
    /// Who decides, by name.
    pub reviewer: String,
    /// The number of the decision that this one corrects; none for the first on an operator.
    pub replaces: Option<u32>,
}

/// A decision as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionRecord {
    /// Its number in the season, from 1.
    pub number: u32,
    /// What was decided.
    pub decision: NewDecision,
    /// When.
    pub decided: UnixMs,
}

row! {
    struct Row {
        number: i64,
        operator: String,
        publication: i64,
        publication_digest: String,
        verdict: String,
        reason: String,
        reviewer: String,
        replaces: Option<i64>,
        decided_ms: UnixMs,
    }
}

impl Row {
    fn record(self) -> Result<DecisionRecord> {
        let decision = NewDecision {
            operator: parsed("decision.operator", &self.operator)?,
            publication: count("decision.publication", self.publication)?,
            digest: parsed("decision.publication_digest", &self.publication_digest)?,
            verdict: read_word("decision.verdict", &self.verdict)?,
            reason: self.reason,
            reviewer: self.reviewer,
            replaces: self.replaces.map(|number| count("decision.replaces", number)).transpose()?,
        };
        Ok(DecisionRecord {
            number: count("decision.number", self.number)?,
            decision,
            decided: self.decided_ms,
        })
    }
}

const OF_SEASON: &str = "SELECT number, operator, publication, publication_digest, verdict, reason, reviewer, \
                         replaces, decided_ms FROM decision WHERE season = $1 ORDER BY number";

impl Store {
    /// Records a decision; its number in the season.
    ///
    /// # Errors
    /// `Invalid` without reason or reviewer; `NotFound` without the publication; `Conflict` when its
    /// digest is another, it does not rank the operator, or `replaces` is not the operator's
    /// present decision.
    pub async fn decide(&self, season: &SeasonId, decision: &NewDecision, now: UnixMs) -> Result<u32> {
        alone!(self, decide(season, decision, now))
    }

    /// All decisions of a season, those that were replaced too, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn decisions(&self, season: &SeasonId) -> Result<Vec<DecisionRecord>> {
        let rows: Vec<Row> = on!(self.pools.reader(), |database| sqlx::query_as(OF_SEASON)
            .bind(season.as_str())
            .fetch_all(database)
            .await)?;
        rows.into_iter().map(Row::record).collect()
    }

    /// The decision that stands on each operator.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn current_decisions(&self, season: &SeasonId) -> Result<BTreeMap<OperatorId, DecisionRecord>> {
        Ok(current(self.decisions(season).await?))
    }

    /// Whether the decision names a publication as it is, and an operator that it ranks.
    async fn is_ranked(&self, season: &SeasonId, decision: &NewDecision) -> Result<()> {
        let NewDecision { operator, publication: number, .. } = decision;
        let publication = self.publication(season, *number).await?;
        if Digest::of(&publication) != decision.digest {
            return Err(Error::Conflict(format!(
                "publication {number} of season {season} is not what was decided on: look at it again"
            )));
        }
        if publication.ranking.entries.iter().all(|entry| entry.operator != *operator) {
            return Err(Error::Conflict(format!(
                "publication {number} of season {season} does not rank {operator}: decide on one that does"
            )));
        }
        Ok(())
    }
}

impl Act<'_> {
    /// Records a decision; its number in the season.
    ///
    /// # Errors
    /// `Invalid` without reason or reviewer; `NotFound` without the publication; `Conflict` when its
    /// digest is another, it does not rank the operator, or `replaces` is not the operator's
    /// present decision.
    pub async fn decide(&mut self, season: &SeasonId, decision: &NewDecision, now: UnixMs) -> Result<u32> {
        filled("public reason", &decision.reason)?;
        filled("reviewer's name", &decision.reviewer)?;
        self.store.is_ranked(season, decision).await?;
        let rows: Vec<Row> = on!(self.tx.connection(), |database| sqlx::query_as(OF_SEASON)
            .bind(season.as_str())
            .fetch_all(database)
            .await)?;
        let records = rows.into_iter().map(Row::record).collect::<Result<Vec<_>>>()?;
        let number = records.last().map_or(1, |last| last.number.saturating_add(1));
        let present = current(records).remove(&decision.operator).map(|record| record.number);
        if present != decision.replaces {
            let operator = &decision.operator;
            return Err(Error::Conflict(match present {
                Some(present) => {
                    format!("decision {present} on {operator} stands: a correction names that one")
                }
                None => format!("there is no decision on {operator} yet: leave out the one to be replaced"),
            }));
        }
        append(&mut self.tx, season, number, decision, now).await?;
        Ok(number)
    }
}

/// What stands: of each operator the last, because each one but the first replaces the one before.
fn current(records: Vec<DecisionRecord>) -> BTreeMap<OperatorId, DecisionRecord> {
    records.into_iter().map(|record| (record.decision.operator.clone(), record)).collect()
}

async fn append(
    tx: &mut Tx,
    season: &SeasonId,
    number: u32,
    decision: &NewDecision,
    now: UnixMs,
) -> Result<()> {
    let appended = on!(tx.connection(), |database| {
        sqlx::query(
        "INSERT INTO decision (season, number, operator, publication, publication_digest, verdict, reason, \
         reviewer, replaces, decided_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(season.as_str())
    .bind(i64::from(number))
    .bind(decision.operator.as_str())
    .bind(i64::from(decision.publication))
    .bind(decision.digest.to_string())
    .bind(word(decision.verdict))
    .bind(decision.reason.as_str())
    .bind(decision.reviewer.as_str())
    .bind(decision.replaces.map(i64::from))
    .bind(now)
    .execute(database)
    .await
    .map(drop)
    });
    appended.map_err(|error| match is_taken(&error) {
        true => {
            Error::Conflict(format!("another decision of season {season} came in between: look at it first"))
        }
        false => error.into(),
    })
}
