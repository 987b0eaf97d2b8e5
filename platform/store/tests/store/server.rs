//! The PostgreSQL server that the tests use: a given one, or one of our own, started when needed.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, anyhow};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection};

use crate::cluster::{Cluster, Programs};

const GIVEN: &str = "TOUCHSTONE_TEST_DATABASE_URL";

pub(crate) enum Server {
    /// Address of a database from which others can be made.
    Given(String),
    Own {
        programs: Programs,
        cluster: OnceLock<Result<Cluster, String>>,
    },
    Missing(String),
}

/// Tells apart the databases of this process.
static DATABASES: AtomicU32 = AtomicU32::new(1);

impl Server {
    pub(crate) fn find() -> Self {
        match (std::env::var(GIVEN), Programs::find()) {
            (Ok(url), _) if !url.is_empty() => Self::Given(url),
            (_, Ok(programs)) => Self::Own { programs, cluster: OnceLock::new() },
            (_, Err(why)) => Self::Missing(format!("{why:#}")),
        }
    }

    pub(crate) fn missing(&self) -> Option<String> {
        if let Self::Missing(why) = self { Some(why.clone()) } else { None }
    }

    /// Makes an empty database; its address.
    pub(crate) async fn database(&self) -> anyhow::Result<Database> {
        let count = DATABASES.fetch_add(1, Ordering::Relaxed);
        let name = format!("touchstone_test_{}_{count}", std::process::id());
        let (maintenance, url, given) = match self {
            Self::Missing(why) => return Err(anyhow!(why.clone())),
            Self::Given(url) => (url.clone(), beside(url, &name)?, true),
            Self::Own { programs, cluster } => {
                // Starting waits for processes: not on the runtime's own threads.
                let cluster = tokio::task::block_in_place(|| {
                    std::thread::scope(|scope| {
                        let start = || Cluster::start(programs).map_err(|why| format!("{why:#}"));
                        let started = scope.spawn(move || cluster.get_or_init(start));
                        started.join().expect("starting does not panic")
                    })
                });
                let cluster = cluster.as_ref().map_err(|why| anyhow!(why.clone()))?;
                (cluster.url("postgres"), cluster.url(&name), false)
            }
        };
        let mut connection: PgConnection = maintenance.parse::<PgConnectOptions>()?.connect().await?;
        let make = format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0");
        sqlx::query(AssertSqlSafe(make)).execute(&mut connection).await?;
        Ok(Database { url, remove: given.then_some((maintenance, name)) })
    }
}

/// The address of another database of the same server.
fn beside(url: &str, name: &str) -> anyhow::Result<String> {
    let (place, options) = url.split_once('?').map_or((url, None), |(place, options)| (place, Some(options)));
    let (server, _) = place.rsplit_once('/').with_context(|| format!("{GIVEN} names no database"))?;
    Ok(match options {
        Some(options) => format!("{server}/{name}?{options}"),
        None => format!("{server}/{name}"),
    })
}

/// A database of its own for one test.
pub(crate) struct Database {
    pub(crate) url: String,
    /// On a given server: how to remove it. Our own server goes as a whole.
    remove: Option<(String, String)>,
}

impl Database {
    /// Removes it from a given server. One that a failed test leaves is there to be looked at.
    pub(crate) async fn remove(self) -> anyhow::Result<()> {
        if let Some((maintenance, name)) = self.remove {
            let mut connection: PgConnection = maintenance.parse::<PgConnectOptions>()?.connect().await?;
            let drop = format!("DROP DATABASE {name} WITH (FORCE)");
            sqlx::query(AssertSqlSafe(drop)).execute(&mut connection).await?;
        }
        Ok(())
    }
}
