//! Seasons are frozen once: the document, and the rows that follow from it.

use std::collections::BTreeSet;

use model::digest::canonical_json;
use model::{Digest, Network, Season, SeasonId, Stage};

use crate::act::alone;
use crate::column::{text, word};
use crate::database::{Tx, on};
use crate::error::{Error, Result};
use crate::{Act, Store, UnixMs};

/// Windows of a season that are believed; more is a mistake.
const MAX_WINDOWS: u32 = 1_000;

impl Store {
    /// Keeps a season that is frozen from the beginning, with its network, trials, windows and
    /// operators. The same season again changes nothing, whatever its stage is by now.
    ///
    /// # Errors
    /// `Conflict` when there is another season of this id, `Invalid` for a stage that no season
    /// begins in.
    pub async fn create_season(
        &self,
        id: &SeasonId,
        season: &Season,
        stage: Stage,
        now: UnixMs,
    ) -> Result<()> {
        if !matches!(stage, Stage::Draft | Stage::Open | Stage::Trials) {
            return Err(Error::Invalid(format!(
                "a season does not begin as {stage}: choose draft, open or trials"
            )));
        }
        let mut tx = self.pools.begin().await?;
        let created = on!(tx.connection(), |database| sqlx::query(
            "INSERT INTO season (id, stage, created_ms, changed_ms) VALUES ($1, 'draft', $2, $2) \
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(id.as_str())
        .bind(now)
        .execute(database)
        .await
        .map(|done| done.rows_affected()))?;
        if created == 0 {
            // Nothing was written; another connection is needed to look.
            drop(tx);
            let there = self.season(id).await?;
            let same = there.frozen.is_some_and(|frozen| frozen.digest == Digest::of(season));
            return if same { Ok(()) } else { Err(another(id)) };
        }
        freeze(&mut tx, id, season, stage, now).await?;
        tx.commit().await
    }

    /// Freezes an open season and begins its trials. The same season again changes nothing.
    ///
    /// # Errors
    /// `Conflict` when the season is not open, or is frozen as something else.
    pub async fn freeze_season(&self, id: &SeasonId, season: &Season, now: UnixMs) -> Result<()> {
        alone!(self, freeze_season(id, season, now))
    }
}

impl Act<'_> {
    /// Freezes an open season and begins its trials. The same season again changes nothing.
    ///
    /// # Errors
    /// `Conflict` when the season is not open, or is frozen as something else.
    pub async fn freeze_season(&mut self, id: &SeasonId, season: &Season, now: UnixMs) -> Result<()> {
        let there = self.season(id).await?;
        if let Some(frozen) = &there.frozen
            && frozen.digest != Digest::of(season)
        {
            return Err(another(id));
        }
        match (there.stage, &there.frozen) {
            (Stage::Open, None) => freeze(&mut self.tx, id, season, Stage::Trials, now).await,
            (Stage::Open, Some(_)) => self.move_season(id, Stage::Open, Stage::Trials, now).await,
            (Stage::Trials, Some(_)) => Ok(()),
            (stage, _) => {
                Err(Error::Conflict(format!("season {id} is {stage}: only an open season is frozen")))
            }
        }
    }
}

fn another(id: &SeasonId) -> Error {
    Error::Conflict(format!(
        "season {id} is frozen as something else: a season is frozen once begun; choose another id"
    ))
}

/// Writes the document of a season that has none, and the rows that follow from it.
async fn freeze(tx: &mut Tx, id: &SeasonId, season: &Season, stage: Stage, now: UnixMs) -> Result<()> {
    if !(1..=MAX_WINDOWS).contains(&season.windows) {
        return Err(Error::Invalid(format!("windows = {}: choose 1 to {MAX_WINDOWS}", season.windows)));
    }
    let operators: BTreeSet<_> = season.operators.iter().map(|operator| &operator.id).collect();
    let trials: BTreeSet<_> = season.trials.iter().map(|trial| &trial.id).collect();
    if operators.len() < season.operators.len() || trials.len() < season.trials.len() {
        return Err(Error::Invalid("two operators or two trials have the same id: rename one".into()));
    }
    let network = keep_network(tx, &season.network).await?;
    let done = on!(tx.connection(), |database| {
        sqlx::query(
        "UPDATE season SET stage = $2, document = $3, digest = $4, network = $5, frozen_ms = $6, changed_ms = $6 \
         WHERE id = $1 AND document IS NULL AND stage IN ('draft', 'open')",
    )
    .bind(id.as_str())
    .bind(word(stage))
    .bind(canonical_json(season))
    .bind(Digest::of(season).to_string())
    .bind(network)
    .bind(now)
    .execute(database)
    .await
    .map(|done| done.rows_affected())
    })?;
    if done == 0 {
        return Err(another(id));
    }
    keep_trials(tx, id, season).await?;
    keep_windows(tx, id, season.windows).await?;
    keep_operators(tx, id, season, now).await
}

async fn keep_network(tx: &mut Tx, network: &Network) -> Result<String> {
    let id = Digest::of(network).to_string();
    on!(tx.connection(), |database| sqlx::query(
        "INSERT INTO network (id, family, chain_id, genesis, incarnation) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(&id)
    .bind(text("chain family", &network.family)?)
    .bind(network.chain_id.to_string())
    .bind(text("genesis", &network.genesis)?)
    .bind(i64::from(network.incarnation))
    .execute(database)
    .await
    .map(drop))?;
    Ok(id)
}

async fn keep_trials(tx: &mut Tx, id: &SeasonId, season: &Season) -> Result<()> {
    for (trial, number) in season.trials.iter().zip(1_i64..) {
        on!(tx.connection(), |database| sqlx::query(
            "INSERT INTO trial (season, id, number, document) VALUES ($1, $2, $3, $4)",
        )
        .bind(id.as_str())
        .bind(trial.id.as_str())
        .bind(number)
        .bind(canonical_json(trial))
        .execute(database)
        .await
        .map(drop))?;
    }
    Ok(())
}

async fn keep_windows(tx: &mut Tx, id: &SeasonId, windows: u32) -> Result<()> {
    for number in 1..=i64::from(windows) {
        on!(tx.connection(), |database| sqlx::query(
            "INSERT INTO season_window (season, number) VALUES ($1, $2)"
        )
        .bind(id.as_str())
        .bind(number)
        .execute(database)
        .await
        .map(drop))?;
    }
    Ok(())
}

/// Operators that did not apply themselves: controls, and everybody in a season from a file.
async fn keep_operators(tx: &mut Tx, id: &SeasonId, season: &Season, now: UnixMs) -> Result<()> {
    for operator in &season.operators {
        on!(tx.connection(), |database| sqlx::query(
            "INSERT INTO operator (season, id, name, role, standing, created_ms, changed_ms) \
             VALUES ($1, $2, $3, $4, 'competing', $5, $5) ON CONFLICT (season, id) DO NOTHING",
        )
        .bind(id.as_str())
        .bind(operator.id.as_str())
        .bind(text("operator's name", &operator.name)?)
        .bind(word(operator.role))
        .bind(now)
        .execute(database)
        .await
        .map(drop))?;
    }
    Ok(())
}
