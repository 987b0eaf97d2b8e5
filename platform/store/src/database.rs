//! Two typed pools, and one SQL text for both.
//!
//! Traps that the statements of this crate avoid (each was seen to happen): one SQL text always
//! goes with the same Rust types, because PostgreSQL's statement cache knows the text alone; no
//! BOOLEAN, no floats, no auto-increment, no `SUM` or `AVG`; rows are ordered by BIGINT columns in
//! SQL and by text in Rust, because collations differ; a lease's outer UPDATE repeats the state it
//! expects.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgConnection, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool, Transaction};

use crate::error::{Error, Result};
use crate::place::Place;

/// How long SQLite waits for another process's write.
const SQLITE_PATIENCE: Duration = Duration::from_secs(2);
/// How long a statement may take on PostgreSQL.
const STATEMENT_TIMEOUT: &str = "5s";
/// How long to wait for a free connection.
const POOL_PATIENCE: Duration = Duration::from_secs(10);
/// Connections that read from SQLite; writing is done by one.
const READERS: u32 = 4;
/// Connections to PostgreSQL.
const CONNECTIONS: u32 = 10;
/// The oldest PostgreSQL that the triggers and tests were tried on.
const OLDEST_POSTGRES: i64 = 150_000;

/// The same thing for either engine.
pub(crate) enum Engine<S, P> {
    Sqlite(S),
    Postgres(P),
}

/// Repeats an expression over a pool or a connection for both engines.
macro_rules! on {
    ($engine:expr, |$database:ident| $body:expr) => {
        match $engine {
            $crate::database::Engine::Sqlite($database) => $body,
            $crate::database::Engine::Postgres($database) => $body,
        }
    };
}
pub(crate) use on;

/// The pools of an open database.
pub(crate) struct Pools {
    writer: Engine<SqlitePool, PgPool>,
    reader: Engine<SqlitePool, PgPool>,
}

/// A transaction; dropped without [`Tx::commit`], it leaves nothing.
pub(crate) struct Tx(Engine<Transaction<'static, Sqlite>, Transaction<'static, Postgres>>);

impl Tx {
    pub(crate) fn connection(&mut self) -> Engine<&mut SqliteConnection, &mut PgConnection> {
        match &mut self.0 {
            Engine::Sqlite(transaction) => Engine::Sqlite(&mut **transaction),
            Engine::Postgres(transaction) => Engine::Postgres(&mut **transaction),
        }
    }

    pub(crate) async fn commit(self) -> Result<()> {
        on!(self.0, |transaction| transaction.commit().await).map_err(Error::from)
    }
}

fn borrow(pool: &Engine<SqlitePool, PgPool>) -> Engine<&SqlitePool, &PgPool> {
    match pool {
        Engine::Sqlite(pool) => Engine::Sqlite(pool),
        Engine::Postgres(pool) => Engine::Postgres(pool),
    }
}

impl Pools {
    pub(crate) async fn open(place: &Place) -> Result<Self> {
        match place.database_url() {
            None => {
                let options = sqlite(place);
                let writer = SqlitePoolOptions::new().max_connections(1).acquire_timeout(POOL_PATIENCE);
                let reader = SqlitePoolOptions::new().max_connections(READERS).acquire_timeout(POOL_PATIENCE);
                Ok(Self {
                    writer: Engine::Sqlite(writer.connect_with(options.clone()).await?),
                    reader: Engine::Sqlite(reader.connect_with(options.pragma("query_only", "ON")).await?),
                })
            }
            Some(url) => {
                let options = postgres(url)?.options([("statement_timeout", STATEMENT_TIMEOUT)]);
                let pool = PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(POOL_PATIENCE);
                let pool = pool.connect_with(options).await?;
                Ok(Self { writer: Engine::Postgres(pool.clone()), reader: Engine::Postgres(pool) })
            }
        }
    }

    /// For a single statement that reads.
    pub(crate) fn reader(&self) -> Engine<&SqlitePool, &PgPool> {
        borrow(&self.reader)
    }

    /// For a single statement that writes.
    pub(crate) fn writer(&self) -> Engine<&SqlitePool, &PgPool> {
        borrow(&self.writer)
    }

    /// For statements that stand or fall together. SQLite takes the write lock at once: a
    /// transaction that read first could not get it any more after another process wrote.
    pub(crate) async fn begin(&self) -> Result<Tx> {
        Ok(Tx(match &self.writer {
            Engine::Sqlite(pool) => Engine::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?),
            Engine::Postgres(pool) => Engine::Postgres(pool.begin().await?),
        }))
    }

    pub(crate) async fn close(&self) {
        on!(&self.reader, |pool| pool.close().await);
        on!(&self.writer, |pool| pool.close().await);
    }
}

/// SQLite that loses no acknowledged write, to SIGKILL or to a power cut.
pub(crate) fn sqlite(place: &Place) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(place.database_file())
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(SQLITE_PATIENCE)
}

pub(crate) fn postgres(url: &str) -> Result<PgConnectOptions> {
    // The address may hold a password: no message repeats it.
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(Error::Invalid(
            "DATABASE_URL must begin with postgres:// ; leave it unset for SQLite in the data directory"
                .into(),
        ));
    }
    PgConnectOptions::from_str(url).map_err(|_| {
        Error::Invalid("DATABASE_URL is no address: write postgres://USER:PASSWORD@HOST:PORT/DATABASE".into())
    })
}

/// Refuses a server that is too old, or a database that cannot hold every name.
pub(crate) async fn check_postgres(connection: &mut PgConnection) -> Result<()> {
    let (version, encoding): (String, String) =
        sqlx::query_as("SELECT current_setting('server_version_num'), current_setting('server_encoding')")
            .fetch_one(connection)
            .await?;
    if version.parse::<i64>().is_ok_and(|number| number < OLDEST_POSTGRES) {
        return Err(Error::Invalid(format!(
            "the PostgreSQL server is too old (version number {version}): use release 15 or later"
        )));
    }
    if encoding != "UTF8" {
        return Err(Error::Invalid(format!(
            "the PostgreSQL database has the encoding {encoding}: make it with ENCODING 'UTF8'"
        )));
    }
    Ok(())
}
