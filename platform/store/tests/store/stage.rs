//! Where a test plays: a fresh place, and a second way into its database.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection, SqliteConnection};
use store::{Error, Place, Store, Taken};
use tempfile::TempDir;

use crate::server::{Database, Server};

pub(crate) struct Stage {
    directory: TempDir,
    server: Option<Arc<Server>>,
    database: Option<Database>,
}

impl Stage {
    pub(crate) fn sqlite() -> anyhow::Result<Self> {
        Ok(Self { directory: tempfile::tempdir()?, server: None, database: None })
    }

    pub(crate) async fn postgres(server: &Arc<Server>) -> anyhow::Result<Self> {
        let database = Some(server.database().await?);
        Ok(Self { directory: tempfile::tempdir()?, server: Some(server.clone()), database })
    }

    /// Another one on the same engine, in place of this.
    pub(crate) async fn another(self) -> anyhow::Result<Self> {
        let server = self.server.clone();
        self.remove().await?;
        match server {
            Some(server) => Self::postgres(&server).await,
            None => Self::sqlite(),
        }
    }

    /// An empty database beside this one's; none on SQLite.
    pub(crate) async fn second_database(&self) -> anyhow::Result<Option<Database>> {
        match &self.server {
            Some(server) => server.database().await.map(Some),
            None => Ok(None),
        }
    }

    pub(crate) fn place(&self) -> Place {
        let data = self.directory.path().join("data");
        match &self.database {
            None => Place::sqlite(&data),
            Some(database) => Place::postgres(&data, &database.url),
        }
    }

    pub(crate) fn url(&self) -> Option<&str> {
        self.database.as_ref().map(|database| database.url.as_str())
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.database.is_some()
    }

    pub(crate) async fn open(&self) -> anyhow::Result<Store> {
        Ok(Store::open(&self.place()).await?)
    }

    /// Another way into the database, past the store.
    pub(crate) async fn raw(&self) -> anyhow::Result<Raw> {
        Ok(match self.url() {
            None => {
                let file = self.place().data().join("touchstone.sqlite");
                Raw::Sqlite(SqliteConnectOptions::new().filename(file).foreign_keys(true).connect().await?)
            }
            Some(url) => Raw::Postgres(url.parse::<PgConnectOptions>()?.connect().await?),
        })
    }

    /// Closes the store and removes what was made.
    pub(crate) async fn end(self, store: Store) -> anyhow::Result<()> {
        store.close().await;
        self.remove().await
    }

    pub(crate) async fn remove(self) -> anyhow::Result<()> {
        match self.database {
            Some(database) => database.remove().await,
            None => Ok(()),
        }
    }
}

/// A connection that may do anything.
pub(crate) enum Raw {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Raw {
    /// Executes statements; `BYTES('text')` is a byte string in the engine's own spelling.
    pub(crate) async fn execute(&mut self, sql: &str) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(connection) => {
                let sql = bytes(sql, "CAST(", " AS BLOB)");
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(drop)
            }
            Self::Postgres(connection) => {
                let sql = bytes(sql, "convert_to(", ", 'UTF8')");
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(drop)
            }
        }
    }

    pub(crate) async fn count(&mut self, table: &str) -> anyhow::Result<i64> {
        self.number(&format!("SELECT COUNT(*) FROM {table}")).await
    }

    pub(crate) async fn number(&mut self, sql: &str) -> anyhow::Result<i64> {
        let sql = AssertSqlSafe(sql.to_owned());
        Ok(match self {
            Self::Sqlite(connection) => sqlx::query_scalar(sql).fetch_one(connection).await?,
            Self::Postgres(connection) => sqlx::query_scalar(sql).fetch_one(connection).await?,
        })
    }
}

/// `BYTES('…')` respelled.
fn bytes(sql: &str, before: &str, after: &str) -> String {
    let mut pieces = sql.split("BYTES('");
    let mut done = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (text, rest) = piece.split_once("')").expect("BYTES('…') ends");
        done += &format!("{before}'{text}'{after}{rest}");
    }
    done
}

/// Fails unless the store refused, with an error of this kind that says `what`.
pub(crate) fn refused<T: std::fmt::Debug>(
    kind: Kind,
    what: &str,
    answer: store::Result<T>,
) -> anyhow::Result<()> {
    let error = answer.err().with_context(|| format!("not refused ({what})"))?;
    let right = match kind {
        Kind::NotFound => matches!(error, Error::NotFound(_)),
        Kind::Conflict => matches!(error, Error::Conflict(_)),
        Kind::TakenTarget => matches!(error, Error::Taken { what: Taken::Target, .. }),
        Kind::TakenValidator => matches!(error, Error::Taken { what: Taken::Validator, .. }),
        Kind::Invalid => matches!(error, Error::Invalid(_)),
        Kind::Damaged => matches!(error, Error::Damaged(_)),
    };
    let said = error.to_string();
    ensure(right && said.contains(what), || format!("refused, but not as {what}: {error:?}"))
}

#[derive(Clone, Copy)]
pub(crate) enum Kind {
    NotFound,
    Conflict,
    TakenTarget,
    TakenValidator,
    Invalid,
    Damaged,
}

/// Fails unless `good`.
pub(crate) fn ensure(good: bool, what: impl FnOnce() -> String) -> anyhow::Result<()> {
    if good { Ok(()) } else { Err(anyhow::anyhow!(what())) }
}

/// Fails unless both are the same.
pub(crate) fn same<T: PartialEq + std::fmt::Debug>(left: T, right: T) -> anyhow::Result<()> {
    ensure(left == right, || format!("{left:?}\nis not\n{right:?}"))
}
