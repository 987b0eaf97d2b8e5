//! Seasons: written, read, and moved from stage to stage.

use model::{Digest, Season, SeasonId, Stage};

use crate::act::alone;
use crate::column::{document, parsed, read_word, word};
use crate::database::on;
use crate::error::{Error, Result};
use crate::row::row;
use crate::{Act, Store, UnixMs};

/// A season as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeasonRecord {
    /// Its identifier.
    pub id: SeasonId,
    /// How far it has come.
    pub stage: Stage,
    /// The stage that a suspended season goes back to.
    pub resumes: Option<Stage>,
    /// What the foundation wrote, as it wrote it.
    pub declaration: Option<Vec<u8>>,
    /// The season as frozen; none before that.
    pub frozen: Option<Frozen>,
    /// When it was first kept.
    pub created: UnixMs,
    /// When its stage or declaration last changed.
    pub changed: UnixMs,
}

/// A frozen season.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// The season.
    pub season: Season,
    /// SHA-256 of its canonical JSON.
    pub digest: Digest,
    /// When it was frozen.
    pub at: UnixMs,
}

row! {
    struct Row {
        id: String,
        stage: String,
        resumes: Option<String>,
        declaration: Option<Vec<u8>>,
        document: Option<Vec<u8>>,
        digest: Option<String>,
        created_ms: UnixMs,
        frozen_ms: Option<UnixMs>,
        changed_ms: UnixMs,
    }
}

impl Row {
    fn record(self) -> Result<SeasonRecord> {
        let what = format!("season {}", self.id);
        let frozen = match (self.document, self.digest, self.frozen_ms) {
            (Some(bytes), Some(digest), Some(at)) => Some(Frozen {
                season: document(&what, &bytes, &digest)?,
                digest: parsed("season.digest", &digest)?,
                at,
            }),
            _ => None,
        };
        Ok(SeasonRecord {
            id: parsed("season.id", &self.id)?,
            stage: read_word("season.stage", &self.stage)?,
            resumes: self.resumes.map(|stage| read_word("season.resumes", &stage)).transpose()?,
            declaration: self.declaration,
            frozen,
            created: self.created_ms,
            changed: self.changed_ms,
        })
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, stage, resumes, declaration, document, digest, created_ms, frozen_ms, changed_ms \
             FROM season ",
            $rest
        )
    };
}

impl Store {
    /// Keeps a season that is still being written. The same again changes nothing.
    ///
    /// # Errors
    /// `Conflict` when there is another season of this id.
    pub async fn draft_season(&self, id: &SeasonId, declaration: &[u8], now: UnixMs) -> Result<()> {
        let done = on!(self.pools.writer(), |database| {
            sqlx::query(
            "INSERT INTO season (id, stage, declaration, created_ms, changed_ms) VALUES ($1, $2, $3, $4, $4) \
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(id.as_str())
        .bind(word(Stage::Draft))
        .bind(declaration)
        .bind(now)
        .execute(database)
        .await
        .map(|done| done.rows_affected())
        })?;
        if done == 0 && self.season(id).await?.declaration.as_deref() != Some(declaration) {
            return Err(Error::Conflict(format!(
                "there is a season {id} with another declaration: choose another id, or declare it anew"
            )));
        }
        Ok(())
    }

    /// Replaces what a season that is not frozen declares.
    ///
    /// # Errors
    /// `Conflict` when the season is frozen or past its opening.
    pub async fn redeclare_season(&self, id: &SeasonId, declaration: &[u8], now: UnixMs) -> Result<()> {
        let done = on!(self.pools.writer(), |database| sqlx::query(
            "UPDATE season SET declaration = $2, changed_ms = $3 \
             WHERE id = $1 AND document IS NULL AND stage IN ('draft', 'open')",
        )
        .bind(id.as_str())
        .bind(declaration)
        .bind(now)
        .execute(database)
        .await
        .map(|done| done.rows_affected()))?;
        if done == 0 {
            let season = self.season(id).await?;
            return Err(Error::Conflict(format!(
                "season {id} is {} and cannot be declared anew: a season is frozen once begun",
                season.stage
            )));
        }
        Ok(())
    }

    /// Moves a season from one stage to another.
    ///
    /// # Errors
    /// `Conflict` when it is not in `from`, the step is not one ([`Stage::may_become`]), or trials
    /// would begin on a season that is not frozen.
    pub async fn move_season(&self, id: &SeasonId, from: Stage, to: Stage, now: UnixMs) -> Result<()> {
        alone!(self, move_season(id, from, to, now))
    }

    /// A season.
    ///
    /// # Errors
    /// `NotFound`; `Damaged` when its document is not what its digest says.
    pub async fn season(&self, id: &SeasonId) -> Result<SeasonRecord> {
        let row: Option<Row> = on!(self.pools.reader(), |database| sqlx::query_as(select!("WHERE id = $1"))
            .bind(id.as_str())
            .fetch_optional(database)
            .await)?;
        row.ok_or_else(|| Error::NotFound(format!("season {id}")))?.record()
    }

    /// All seasons, oldest first.
    ///
    /// # Errors
    /// `Damaged` when a document is not what its digest says.
    pub async fn seasons(&self) -> Result<Vec<SeasonRecord>> {
        let rows: Vec<Row> =
            on!(self.pools.reader(), |database| sqlx::query_as(select!("ORDER BY created_ms"))
                .fetch_all(database)
                .await)?;
        let mut seasons = rows.into_iter().map(Row::record).collect::<Result<Vec<_>>>()?;
        seasons.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        Ok(seasons)
    }
}

impl Act<'_> {
    /// Moves a season from one stage to another.
    ///
    /// # Errors
    /// `Conflict` when it is not in `from`, the step is not one ([`Stage::may_become`]), or trials
    /// would begin on a season that is not frozen.
    pub async fn move_season(&mut self, id: &SeasonId, from: Stage, to: Stage, now: UnixMs) -> Result<()> {
        let season = self.season(id).await?;
        if season.stage != from {
            return Err(Error::Conflict(format!(
                "season {id} is {}, not {from}: look at it again",
                season.stage
            )));
        }
        if !from.may_become(to, season.resumes) {
            return Err(Error::Conflict(format!("season {id} is {from}: it cannot become {to}")));
        }
        if to == Stage::Trials && season.frozen.is_none() {
            return Err(Error::Conflict(format!("season {id} is not frozen: freeze it to begin its trials")));
        }
        let done = on!(self.tx.connection(), |database| sqlx::query(
            "UPDATE season SET stage = $3, resumes = $4, changed_ms = $5 \
             WHERE id = $1 AND stage = $2 AND COALESCE(resumes, '') = $6",
        )
        .bind(id.as_str())
        .bind(word(from))
        .bind(word(to))
        .bind((to == Stage::Suspended).then(|| word(from)))
        .bind(now)
        .bind(season.resumes.map(word).unwrap_or_default())
        .execute(database)
        .await
        .map(|done| done.rows_affected()))?;
        if done == 0 {
            return Err(Error::Conflict(format!("season {id} was moved by somebody else: look at it again")));
        }
        Ok(())
    }
    /// The season, held until this act ends: nobody moves it in between. What depends on a season's stage
    /// begins with this.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn hold_season(&mut self, id: &SeasonId) -> Result<SeasonRecord> {
        // PostgreSQL locks the row; SQLite has one writer anyway.
        on!(self.tx.connection(), |database| sqlx::query(
            "UPDATE season SET changed_ms = changed_ms WHERE id = $1"
        )
        .bind(id.as_str())
        .execute(database)
        .await
        .map(drop))?;
        self.season(id).await
    }

    /// The season as this act sees it.
    pub(crate) async fn season(&mut self, id: &SeasonId) -> Result<SeasonRecord> {
        let row: Option<Row> =
            on!(self.tx.connection(), |database| sqlx::query_as(select!("WHERE id = $1"))
                .bind(id.as_str())
                .fetch_optional(database)
                .await)?;
        row.ok_or_else(|| Error::NotFound(format!("season {id}")))?.record()
    }
}
