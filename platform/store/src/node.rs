//! Nodes as operators declare them. Declaring anew withdraws the node before; history stays.

use model::trial::Path;
use model::{OperatorId, SeasonId};

use crate::act::alone;
use crate::column::{count, filled, optional, parsed, read_word, word};
use crate::database::{Tx, on};
use crate::error::{Error, Result, Taken, is_taken, is_taken_in, names_nothing};
use crate::row::row;
use crate::{Act, Store, UnixMs};

/// A validator that an operator says it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The validator, in its chain's one spelling. Two operators cannot have the same.
    pub validator: String,
    /// What its key signed, as it was given.
    pub proof: String,
}

/// A node that is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNode {
    /// RPC as the operator wrote it.
    pub rpc: String,
    /// The address that is loaded, in one spelling: `127.0.0.1:8545`. Two operators cannot have the same.
    pub target: String,
    /// How load reaches it.
    pub path: Path,
    /// Where it stands, as the operator says.
    pub region: Option<String>,
    /// What it runs, as the operator says.
    pub client: Option<String>,
    /// The validator behind it; none where no trial is about validators.
    pub claim: Option<Claim>,
}

/// Whether a validator was seated when it was declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat {
    /// The height of the block that was looked at.
    pub height: u64,
    /// Whether the validator was among those who could propose it.
    pub seated: bool,
}

/// A node as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRecord {
    /// Whose.
    pub operator: OperatorId,
    /// Its number among the operator's declarations, from 1.
    pub number: u32,
    /// What was declared.
    pub node: NewNode,
    /// When.
    pub declared: UnixMs,
    /// When it was withdrawn or superseded; none for the present one.
    pub withdrawn: Option<UnixMs>,
    /// How its validator was seated when it was last declared; none where there is none, or nobody could tell.
    pub seat: Option<Seat>,
}

row! {
    struct Row {
        operator: String,
        number: i64,
        rpc: String,
        target: String,
        path: String,
        region: Option<String>,
        client: Option<String>,
        declared_ms: UnixMs,
        withdrawn_ms: Option<UnixMs>,
        validator: Option<String>,
        validator_proof: Option<String>,
        seat_height: Option<i64>,
        seated: Option<i64>,
    }
}

impl Row {
    fn record(self) -> Result<NodeRecord> {
        Ok(NodeRecord {
            operator: parsed("node.operator", &self.operator)?,
            number: count("node.number", self.number)?,
            node: NewNode {
                rpc: self.rpc,
                target: self.target,
                path: read_word("node.path", &self.path)?,
                region: self.region,
                client: self.client,
                claim: claim(self.validator, self.validator_proof)?,
            },
            declared: self.declared_ms,
            withdrawn: self.withdrawn_ms,
            seat: seat(self.seat_height, self.seated)?,
        })
    }
}

fn seat(height: Option<i64>, seated: Option<i64>) -> Result<Option<Seat>> {
    let both = height.zip(seated);
    both.map(|(height, seated)| Ok(Seat { height: count("node.seat_height", height)?, seated: seated == 1 }))
        .transpose()
}

fn claim(validator: Option<String>, proof: Option<String>) -> Result<Option<Claim>> {
    match (validator, proof) {
        (Some(validator), Some(proof)) => Ok(Some(Claim { validator, proof })),
        (None, None) => Ok(None),
        _ => Err(Error::Damaged("node.validator has no node.validator_proof, or the other way round".into())),
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT operator, number, rpc, target, path, region, client, declared_ms, withdrawn_ms, validator, ",
            "validator_proof, seat_height, seated FROM node ",
            $rest
        )
    };
}

const OF_OPERATOR: &str = select!("WHERE season = $1 AND operator = $2 ORDER BY number");

impl Store {
    /// Declares an operator's node in place of the one before. The same node again changes nothing.
    ///
    /// # Errors
    /// `Taken` when another operator has declared this target or validator; `Conflict` when another declaration of
    /// this one came in between; `NotFound` without the operator.
    pub async fn declare_node(
        &self,
        season: &SeasonId,
        operator: &OperatorId,
        node: &NewNode,
        now: UnixMs,
    ) -> Result<()> {
        alone!(self, declare_node(season, operator, node, now))
    }

    /// Withdraws an operator's node; whether there was one.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn withdraw_node(&self, season: &SeasonId, operator: &OperatorId, now: UnixMs) -> Result<bool> {
        alone!(self, withdraw_node(season, operator, now))
    }

    /// An operator's present node.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn node(&self, season: &SeasonId, operator: &OperatorId) -> Result<Option<NodeRecord>> {
        let nodes = self.node_history(season, operator).await?;
        Ok(nodes.into_iter().rfind(|node| node.withdrawn.is_none()))
    }

    /// All that an operator declared, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn node_history(&self, season: &SeasonId, operator: &OperatorId) -> Result<Vec<NodeRecord>> {
        let rows: Vec<Row> = on!(self.pools.reader(), |database| sqlx::query_as(OF_OPERATOR)
            .bind(season.as_str())
            .bind(operator.as_str())
            .fetch_all(database)
            .await)?;
        rows.into_iter().map(Row::record).collect()
    }

    /// The present nodes of a season, by operator.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn nodes(&self, season: &SeasonId) -> Result<Vec<NodeRecord>> {
        let rows: Vec<Row> = on!(self.pools.reader(), |database| sqlx::query_as(select!(
            "WHERE season = $1 AND withdrawn_ms IS NULL"
        ))
        .bind(season.as_str())
        .fetch_all(database)
        .await)?;
        let mut nodes = rows.into_iter().map(Row::record).collect::<Result<Vec<_>>>()?;
        nodes.sort_by(|a, b| a.operator.cmp(&b.operator));
        Ok(nodes)
    }
}

impl Act<'_> {
    /// Declares an operator's node in place of the one before. The same node again changes nothing.
    ///
    /// # Errors
    /// `Taken` when another operator has declared this target or validator; `Conflict` when another declaration of
    /// this one came in between; `NotFound` without the operator.
    pub async fn declare_node(
        &mut self,
        season: &SeasonId,
        operator: &OperatorId,
        node: &NewNode,
        now: UnixMs,
    ) -> Result<()> {
        let rows: Vec<Row> = on!(self.tx.connection(), |database| sqlx::query_as(OF_OPERATOR)
            .bind(season.as_str())
            .bind(operator.as_str())
            .fetch_all(database)
            .await)?;
        let rows = rows.into_iter().map(Row::record).collect::<Result<Vec<_>>>()?;
        if rows.iter().any(|present| present.withdrawn.is_none() && present.node == *node) {
            return Ok(());
        }
        withdraw(&mut self.tx, season, operator, now).await?;
        let claim = node.claim.as_ref();
        let declared = on!(self.tx.connection(), |database| {
            sqlx::query(
            "INSERT INTO node (season, operator, number, rpc, target, path, region, client, declared_ms, validator, \
             validator_proof) \
             SELECT $1, $2, COALESCE(MAX(number), 0) + 1, $3, $4, $5, $6, $7, $8, $9, $10 \
             FROM node WHERE season = $1 AND operator = $2",
        )
        .bind(season.as_str())
        .bind(operator.as_str())
        .bind(filled("RPC", &node.rpc)?)
        .bind(filled("target", &node.target)?)
        .bind(word(node.path))
        .bind(optional("region", node.region.as_deref())?)
        .bind(optional("client", node.client.as_deref())?)
        .bind(now)
        .bind(claim.map(|claim| filled("validator", &claim.validator)).transpose()?)
        .bind(claim.map(|claim| filled("validator's proof", &claim.proof)).transpose()?)
        .execute(database)
        .await
        .map(drop)
        });
        declared.map_err(|error| undeclared(error, season, operator, node))
    }

    /// Notes how the validator of an operator's present node is seated, in place of what was noted before.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn note_seat(
        &mut self,
        season: &SeasonId,
        operator: &OperatorId,
        seat: Option<Seat>,
    ) -> Result<()> {
        let height = seat.map(|seat| i64::try_from(seat.height)).transpose();
        let height = height.map_err(|_| Error::Invalid("a block's height is too large to be kept".into()))?;
        on!(self.tx.connection(), |database| sqlx::query(
            "UPDATE node SET seat_height = $3, seated = $4 \
             WHERE season = $1 AND operator = $2 AND withdrawn_ms IS NULL",
        )
        .bind(season.as_str())
        .bind(operator.as_str())
        .bind(height)
        .bind(seat.map(|seat| i64::from(seat.seated)))
        .execute(database)
        .await
        .map(drop))?;
        Ok(())
    }

    /// Withdraws an operator's node; whether there was one.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn withdraw_node(
        &mut self,
        season: &SeasonId,
        operator: &OperatorId,
        now: UnixMs,
    ) -> Result<bool> {
        withdraw(&mut self.tx, season, operator, now).await
    }
}

async fn withdraw(tx: &mut Tx, season: &SeasonId, operator: &OperatorId, now: UnixMs) -> Result<bool> {
    let done = on!(tx.connection(), |database| sqlx::query(
        "UPDATE node SET withdrawn_ms = $3 WHERE season = $1 AND operator = $2 AND withdrawn_ms IS NULL",
    )
    .bind(season.as_str())
    .bind(operator.as_str())
    .bind(now)
    .execute(database)
    .await
    .map(|done| done.rows_affected()))?;
    Ok(done > 0)
}

/// Why a declaration was not taken.
fn undeclared(error: sqlx::Error, season: &SeasonId, operator: &OperatorId, node: &NewNode) -> Error {
    let claimed = node.claim.as_ref().filter(|_| is_taken_in(&error, "validator"));
    if let Some(Claim { validator, .. }) = claimed {
        let why = format!("validator {validator} is declared by another operator of season {season}");
        Error::Taken { what: Taken::Validator, why: why + ": each runs one of its own" }
    } else if is_taken_in(&error, "target") {
        let why = format!("{} is declared by another operator of season {season}", node.target);
        Error::Taken { what: Taken::Target, why: why + ": each needs a node of its own" }
    } else if is_taken(&error) {
        Error::Conflict(format!(
            "another declaration of {operator} came in between: look at it, and declare again"
        ))
    } else if names_nothing(&error) {
        Error::NotFound(format!("operator {operator} in season {season}"))
    } else {
        error.into()
    }
}
