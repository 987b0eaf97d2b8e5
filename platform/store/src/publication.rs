//! Publications: appended, each naming the one before.

use std::collections::BTreeMap;

use model::digest::canonical_json;
use model::{Digest, Publication, SeasonId};

use crate::column::{count, document};
use crate::database::{Tx, on};
use crate::error::{Error, Result, is_taken};
use crate::row::row;
use crate::{Store, UnixMs};

row! {
    struct Row {
        number: i64,
        digest: String,
        document: Vec<u8>,
    }
}

impl Row {
    fn publication(&self, season: &SeasonId) -> Result<Publication> {
        document(&format!("publication {} of season {season}", self.number), &self.document, &self.digest)
    }
}

// The end of the chain so far.
row! {
    struct Last {
        number: i64,
        digest: String,
    }
}

impl Store {
    /// Appends a publication. The last one again changes nothing.
    ///
    /// # Errors
    /// `Conflict` when it is not the next of this season's chain, or names evidence that is not
    /// stored; `NotFound` without the season.
    pub async fn publish(&self, season: &SeasonId, publication: &Publication) -> Result<Digest> {
        let digest = Digest::of(publication);
        self.is_of(season, publication).await?;
        let mut tx = self.pools.begin().await?;
        let last: Option<Last> = on!(tx.connection(), |database| sqlx::query_as(
            "SELECT number, digest FROM publication WHERE season = $1 ORDER BY number DESC LIMIT 1",
        )
        .bind(season.as_str())
        .fetch_optional(database)
        .await)?;
        if last.as_ref().is_some_and(|last| last.digest == digest.to_string()) {
            return Ok(digest);
        }
        is_next(season, last.as_ref(), publication)?;
        rests_on_what_is_kept(&mut tx, season, publication).await?;
        let number = i64::from(publication.number);
        let appended = on!(tx.connection(), |database| sqlx::query(
            "INSERT INTO publication (season, number, digest, previous, windows, document, published_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(season.as_str())
        .bind(number)
        .bind(digest.to_string())
        .bind(publication.previous.map(|previous| previous.to_string()))
        .bind(i64::from(publication.windows))
        .bind(canonical_json(publication))
        .bind(UnixMs::from_millis(publication.published_ms))
        .execute(database)
        .await
        .map(drop));
        appended.map_err(|error| match is_taken(&error) {
            true => Error::Conflict(format!(
                "another publication {number} of season {season} came in between: make the next one from it"
            )),
            false => error.into(),
        })?;
        tx.commit().await?;
        Ok(digest)
    }

    /// All publications of a season, oldest first.
    ///
    /// # Errors
    /// `Damaged` when one is not what its digest says.
    pub async fn publications(&self, season: &SeasonId) -> Result<Vec<Publication>> {
        let rows: Vec<Row> = on!(self.pools.reader(), |database| sqlx::query_as(
            "SELECT number, digest, document FROM publication WHERE season = $1 ORDER BY number",
        )
        .bind(season.as_str())
        .fetch_all(database)
        .await)?;
        rows.iter().map(|row| row.publication(season)).collect()
    }

    /// Publication `number` of a season.
    ///
    /// # Errors
    /// `NotFound`; `Damaged` when it is not what its digest says.
    pub async fn publication(&self, season: &SeasonId, number: u32) -> Result<Publication> {
        let row: Option<Row> = on!(self.pools.reader(), |database| sqlx::query_as(
            "SELECT number, digest, document FROM publication WHERE season = $1 AND number = $2",
        )
        .bind(season.as_str())
        .bind(i64::from(number))
        .fetch_optional(database)
        .await)?;
        row.ok_or_else(|| absent(season, number))?.publication(season)
    }

    /// The newest publication of a season; none before the first.
    ///
    /// # Errors
    /// `Damaged` when it is not what its digest says.
    pub async fn latest_publication(&self, season: &SeasonId) -> Result<Option<Publication>> {
        let row: Option<Row> = on!(self.pools.reader(), |database| {
            sqlx::query_as(
            "SELECT number, digest, document FROM publication WHERE season = $1 ORDER BY number DESC LIMIT 1",
        )
        .bind(season.as_str())
        .fetch_optional(database)
        .await
        })?;
        row.map(|row| row.publication(season)).transpose()
    }

    /// How many publications a season has; the newest has this number.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn publication_count(&self, season: &SeasonId) -> Result<u32> {
        let found: i64 = on!(self.pools.reader(), |database| sqlx::query_scalar(
            "SELECT COALESCE(MAX(number), 0) FROM publication WHERE season = $1",
        )
        .bind(season.as_str())
        .fetch_one(database)
        .await)?;
        count("publication.number", found)
    }

    /// Whether the publication is of this season as it was frozen.
    async fn is_of(&self, season: &SeasonId, publication: &Publication) -> Result<()> {
        let frozen = self.season(season).await?.frozen;
        if frozen.is_none_or(|frozen| frozen.digest != publication.season) {
            return Err(Error::Conflict(format!(
                "the publication is not of season {season} as it was frozen: make it from that one"
            )));
        }
        Ok(())
    }
}

pub(crate) fn absent(season: &SeasonId, number: u32) -> Error {
    Error::NotFound(format!("publication {number} of season {season}"))
}

/// Whether a publication continues the chain.
fn is_next(season: &SeasonId, last: Option<&Last>, publication: &Publication) -> Result<()> {
    let before: u32 = last.map_or(Ok(0), |last| count("publication.number", last.number))?;
    if publication.number != before.saturating_add(1) {
        return Err(Error::Conflict(format!(
            "season {season} is at publication {before}: {} is not the next",
            publication.number
        )));
    }
    let previous = publication.previous.map(|previous| previous.to_string());
    if previous.as_ref() != last.map(|last| &last.digest) {
        return Err(Error::Conflict(format!(
            "publication {} of season {season} does not name the one before it: make it anew from that one",
            publication.number
        )));
    }
    Ok(())
}

/// Whether every evidence digest of a publication is that of a stored run.
async fn rests_on_what_is_kept(tx: &mut Tx, season: &SeasonId, publication: &Publication) -> Result<()> {
    let kept: Vec<(String, String)> = on!(tx.connection(), |database| sqlx::query_as(
        "SELECT run, digest FROM evidence WHERE season = $1"
    )
    .bind(season.as_str())
    .fetch_all(database)
    .await)?;
    let kept: BTreeMap<String, String> = kept.into_iter().collect();
    let missing =
        publication.runs.iter().find(|(run, entry)| kept.get(*run) != Some(&entry.evidence.to_string()));
    match missing {
        Some((run, entry)) => Err(Error::Conflict(format!(
            "publication {} of season {season} names evidence {} of run {run}, which is not stored",
            publication.number, entry.evidence
        ))),
        None => Ok(()),
    }
}
