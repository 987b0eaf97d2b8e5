//! Brings a database to the newest migration, and refuses one that is newer.

use sqlx::migrate::{Migrate, Migration, MigrationType, Migrator};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, SqlSafeStr as _, SqliteConnection};

use crate::database::{Engine, check_postgres, on, postgres, sqlite};
use crate::error::{Error, Result};
use crate::place::Place;

macro_rules! migration {
    ($file:literal) => {
        include_str!(concat!("../../../migrations/", $file))
    };
}

/// All migrations, rising from 1. A new file is named here, and once in `tests/data`.
const MIGRATIONS: [(&str, &str); 9] = [
    ("0001_season", migration!("0001_season.sql")),
    ("0002_operator", migration!("0002_operator.sql")),
    ("0003_run", migration!("0003_run.sql")),
    ("0004_publication", migration!("0004_publication.sql")),
    ("0005_account", migration!("0005_account.sql")),
    ("0006_job", migration!("0006_job.sql")),
    ("0007_audit", migration!("0007_audit.sql")),
    ("0008_validator", migration!("0008_validator.sql")),
    ("0009_seat", migration!("0009_seat.sql")),
];

const SQLITE_TRIGGERS: &str = migration!("triggers/sqlite.sql");
const POSTGRES_TRIGGERS: &str = migration!("triggers/postgres.sql");

/// Where sqlx notes what was applied.
const TABLE: &str = "_sqlx_migrations";

type Connection = Engine<SqliteConnection, PgConnection>;

/// The newest migration that this release knows.
pub const LATEST: i64 = MIGRATIONS.len() as i64;

/// Names of all migrations, in their order: `0001_season` and so on.
pub fn migrations() -> impl Iterator<Item = &'static str> {
    MIGRATIONS.iter().map(|(name, _)| *name)
}

/// What a migration found and left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migrated {
    /// Last migration before; 0 for a new database.
    pub from: i64,
    /// Last migration now.
    pub to: i64,
}

/// Brings the database to [`LATEST`], making it if there is none.
///
/// # Errors
/// When the database is newer than this release, cannot be reached or cannot be written.
pub async fn migrate(place: &Place) -> Result<Migrated> {
    migrate_to(place, LATEST).await
}

/// Brings the database up to migration `version` and no further: an older release's database,
/// for tests of upgrades. Nothing is ever taken back.
///
/// # Errors
/// As [`migrate`].
pub async fn migrate_to(place: &Place, version: i64) -> Result<Migrated> {
    let here = place.clone();
    // One process at a time: held until the end.
    let _lock = blocking(move || here.make().and_then(|()| here.lock())).await?;
    let mut connection = connect(place).await?;
    let from = on!(&mut connection, |connection| last(connection).await)?;
    if from > LATEST {
        return Err(Error::Newer { found: from, known: LATEST });
    }
    let migrator = Migrator::with_migrations(MIGRATIONS.iter().zip(1..).map(one).collect());
    // `run_to` calls this; its own future cannot be spawned (`Acquire` is not general enough).
    on!(&mut connection, |connection| migrator.run_direct(Some(version), connection, false).await)
        .map_err(|error| Error::of_migration(error, LATEST))?;
    let to = on!(&mut connection, |connection| last(connection).await)?;
    if to == LATEST {
        triggers(&mut connection).await?;
    }
    // The server's lock ends with the connection, also after an error.
    on!(connection, |connection| connection.close().await)?;
    Ok(Migrated { from, to })
}

/// A connection of its own, without the pool's limit on time: a migration may take longer.
async fn connect(place: &Place) -> Result<Connection> {
    let Some(url) = place.database_url() else {
        return Ok(Engine::Sqlite(sqlite(place).connect().await?));
    };
    let mut connection = postgres(url)?.connect().await?;
    check_postgres(&mut connection).await?;
    let lock = "SELECT pg_advisory_lock(hashtext('touchstone migrate'))";
    sqlx::query(lock).execute(&mut connection).await?;
    Ok(Engine::Postgres(connection))
}

/// The last migration in a database; 0 if there is none.
async fn last<C: Migrate>(connection: &mut C) -> Result<i64> {
    let applied = async {
        connection.ensure_migrations_table(TABLE).await?;
        connection.list_applied_migrations(TABLE).await
    };
    let applied = applied.await.map_err(|error| Error::of_migration(error, LATEST))?;
    Ok(applied.last().map_or(0, |migration| migration.version))
}

async fn triggers(connection: &mut Connection) -> Result<()> {
    match connection {
        Engine::Sqlite(connection) => {
            let mut tx = connection.begin().await?;
            sqlx::raw_sql(SQLITE_TRIGGERS).execute(&mut *tx).await?;
            tx.commit().await?;
        }
        Engine::Postgres(connection) => {
            let mut tx = connection.begin().await?;
            sqlx::raw_sql(POSTGRES_TRIGGERS).execute(&mut *tx).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}

fn one((&(name, sql), version): (&(&'static str, &'static str), i64)) -> Migration {
    let noun = name.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
    Migration::new(version, noun.into(), MigrationType::Simple, sql.into_sql_str(), false)
}

/// Runs what waits for the disk where it holds up nobody.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Error::Busy("the runtime is shutting down".into())),
        },
    }
}
