//! Windows of a season: opened one after another, closed when every run of theirs is measured.

use model::SeasonId;

use crate::column::count;
use crate::database::on;
use crate::error::{Error, Result};
use crate::row::row;
use crate::{Store, UnixMs};

/// A window as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowRecord {
    /// Number in the season, from 1.
    pub number: u32,
    /// When measuring began.
    pub opened: Option<UnixMs>,
    /// When every run of it was measured.
    pub closed: Option<UnixMs>,
}

row! {
    struct Row {
        number: i64,
        opened_ms: Option<UnixMs>,
        closed_ms: Option<UnixMs>,
    }
}

impl Store {
    /// The windows of a season, in order; none before it is frozen.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn windows(&self, season: &SeasonId) -> Result<Vec<WindowRecord>> {
        let rows: Vec<Row> = on!(self.pools.reader(), |database| sqlx::query_as(
            "SELECT number, opened_ms, closed_ms FROM season_window WHERE season = $1 ORDER BY number",
        )
        .bind(season.as_str())
        .fetch_all(database)
        .await)?;
        let window = |row: Row| {
            let number = count("season_window.number", row.number)?;
            Ok(WindowRecord { number, opened: row.opened_ms, closed: row.closed_ms })
        };
        rows.into_iter().map(window).collect()
    }

    /// Opens a window. One that is open already stays as it is.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it is closed, or an earlier one is not.
    pub async fn open_window(&self, season: &SeasonId, number: u32, now: UnixMs) -> Result<()> {
        let opened = on!(self.pools.writer(), |database| sqlx::query(
            "UPDATE season_window SET opened_ms = $3 \
             WHERE season = $1 AND number = $2 AND opened_ms IS NULL AND NOT EXISTS \
             (SELECT 1 FROM season_window before \
              WHERE before.season = $1 AND before.number < $2 AND before.closed_ms IS NULL)",
        )
        .bind(season.as_str())
        .bind(i64::from(number))
        .bind(now)
        .execute(database)
        .await
        .map(|done| done.rows_affected()))?;
        let window = self.window(season, number).await?;
        match (opened, window.opened, window.closed) {
            (1, ..) | (_, Some(_), None) => Ok(()),
            (_, _, Some(_)) => Err(Error::Conflict(format!("window {number} of season {season} is closed"))),
            _ => Err(Error::Conflict(format!(
                "window {number} of season {season} cannot be opened: close the earlier ones first"
            ))),
        }
    }

    /// Closes a window. One that is closed already stays as it is.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it is not open, or runs of it are not measured yet.
    pub async fn close_window(&self, season: &SeasonId, number: u32, now: UnixMs) -> Result<()> {
        let closed = on!(self.pools.writer(), |database| {
            sqlx::query(
            "UPDATE season_window SET closed_ms = $3 \
             WHERE season = $1 AND number = $2 AND opened_ms IS NOT NULL AND closed_ms IS NULL AND NOT EXISTS \
             (SELECT 1 FROM run \
              WHERE run.season = $1 AND run.window_number = $2 AND run.state <> 'measured')",
        )
        .bind(season.as_str())
        .bind(i64::from(number))
        .bind(now)
        .execute(database)
        .await
        .map(|done| done.rows_affected())
        })?;
        let window = self.window(season, number).await?;
        match (closed, window.opened, window.closed) {
            (1, ..) | (_, _, Some(_)) => Ok(()),
            (_, None, _) => {
                Err(Error::Conflict(format!("window {number} of season {season} was not opened")))
            }
            _ => Err(Error::Conflict(format!(
                "window {number} of season {season} cannot be closed: runs of it are not measured yet"
            ))),
        }
    }

    async fn window(&self, season: &SeasonId, number: u32) -> Result<WindowRecord> {
        let found = self.windows(season).await?.into_iter().find(|window| window.number == number);
        found.ok_or_else(|| Error::NotFound(format!("window {number} in season {season}")))
    }
}
