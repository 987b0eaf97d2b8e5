//! The data of a server (or of one season): migrated, looked through, copied, brought back.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use store::{Place, Store, Verified};

use crate::config::Config;
use crate::serve::place;

/// Which data.
#[derive(Debug, clap::Args)]
pub struct DataArgs {
    /// The configuration [default: everything by default]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Data directory, instead of what the configuration says; also the --out of a season
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

impl DataArgs {
    fn place(&self) -> anyhow::Result<Place> {
        let mut config = Config::read(self.config.as_deref(), |name| std::env::var(name).ok())?;
        config.data = self.data.clone().unwrap_or(config.data);
        Ok(place(&config))
    }

    async fn open(&self) -> anyhow::Result<Store> {
        let place = self.place()?;
        let data = place.data().to_owned();
        Store::open(&place).await.with_context(|| format!("cannot use the store in {}", data.display()))
    }
}

/// `touchstone migrate`: brings the database to this release, and holds all that is kept against
/// its digests.
///
/// # Errors
/// When it cannot be migrated, or something is damaged.
pub async fn migrate(args: &DataArgs) -> anyhow::Result<()> {
    let done = store::migrate(&args.place()?).await?;
    match done.from {
        from if from == done.to => println!("the database is at migration {from}, this release's last"),
        0 => println!("a new database at migration {}", done.to),
        from => println!("migrated from {from} to {}", done.to),
    }
    say(&args.open().await?.verify().await?)
}

/// `touchstone backup`: copies a SQLite store while it is in use.
///
/// # Errors
/// When the copy cannot be made; PostgreSQL is copied by its own tools.
pub async fn backup(args: &DataArgs, to: &Path) -> anyhow::Result<()> {
    args.open().await?.backup(to).await?;
    println!("{} holds the database and its evidence", to.display());
    println!("keep the folder seasons/*/private too: seeds and signing keys are in no backup");
    Ok(())
}

/// `touchstone restore`: brings a backup back into a directory that is not there yet.
///
/// # Errors
/// When the backup is not whole.
pub async fn restore(from: &Path, to: &Path) -> anyhow::Result<()> {
    let verified = store::restore(from, to).await?;
    println!("{} is restored", to.display());
    say(&verified)
}

fn say(verified: &Verified) -> anyhow::Result<()> {
    let Verified { evidence, publications, faults } = verified;
    println!("{evidence} evidence files and {publications} publications are what their digests say");
    if faults.is_empty() {
        return Ok(());
    }
    bail!("damaged, restore a backup (migrations/README.md):\n{}", faults.join("\n"))
}
