//! A season's records: runs, evidence and publications in the store, and beside them the folders
//! that are published.
//!
//! ```text
//! touchstone.sqlite  the store, unless it is PostgreSQL
//! evidence/          evidence files, named by their digests, written once
//! private/           seed and signing key
//! bundle/, site/     made anew from the above at each publication
//! download/          the bundle as one file, and the key it is signed with
//! ```

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use model::{Decision, Evidence, Publication, RunKey, Season, SeasonId, Stage};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use store::{DecisionRecord, Error, Place, RunProgress, RunRecord, Store};

use super::consent::Consents;
use super::held::{FAREWELL, Held, LEASE, finish, now};

/// What the season in a directory of its own is called there.
const OWN: &str = "season";

/// The records of one season.
pub struct Records {
    store: Arc<Store>,
    season: SeasonId,
    directory: PathBuf,
    holder: Holder,
}

/// Who holds leases, as the store knows it.
#[derive(Debug, Clone)]
pub struct Holder {
    name: String,
    /// Nobody else has used this store since then; the lock that says so.
    alone: Option<(Arc<File>, Instant)>,
}

impl Holder {
    /// The one process that uses the store in `directory`: a lease of its name is a dead process's.
    ///
    /// # Errors
    /// When another process has the directory, or it cannot be written.
    pub fn alone(directory: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(directory).with_context(|| {
            format!(
                "cannot make {}: choose a directory that can be written (--out, of a server --data)",
                directory.display()
            )
        })?;
        let lock = lock(directory)?;
        Ok(Self { name: "alone".into(), alone: Some((Arc::new(lock), Instant::now())) })
    }

    /// One of several processes that share a store.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn one_of_many() -> anyhow::Result<Self> {
        let name = format!("{}-{}", std::process::id(), super::secret::random_seed()?.commitment());
        Ok(Self { name, alone: None })
    }

    /// Its name in the store.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether every process that held leases here is dead, for longer than its workers outlive it.
    fn outlived_all_others(&self) -> bool {
        self.alone.as_ref().is_some_and(|(_, since)| since.elapsed() >= FAREWELL)
    }
}

impl Records {
    /// Opens or makes a directory that holds one season, with a store of its own.
    ///
    /// # Errors
    /// When it cannot be written, or another process holds it.
    pub async fn open(directory: &Path) -> anyhow::Result<Self> {
        let holder = Holder::alone(directory)?;
        let store = Store::open(&Place::sqlite(directory)).await;
        let store = store.with_context(|| format!("cannot use {}", directory.display()))?;
        Self::of(Arc::new(store), OWN.parse()?, directory, holder)
    }

    /// The records of `season` in a store that others use too; its folders are in `directory`.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn of(store: Arc<Store>, season: SeasonId, directory: &Path, holder: Holder) -> anyhow::Result<Self> {
        let private = directory.join("private");
        fs::create_dir_all(&private)
            .with_context(|| format!("cannot make {}: choose another directory", private.display()))?;
        Ok(Self { store, season, directory: directory.to_owned(), holder })
    }

    /// The directory of secrets.
    pub fn private(&self) -> PathBuf {
        self.directory.join("private")
    }

    /// The directory itself.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Begins the trials of `season`, or finds that they are this season's already.
    ///
    /// # Errors
    /// When the records are another season's.
    pub async fn claim(&self, season: &Season) -> anyhow::Result<()> {
        match self.store.create_season(&self.season, season, Stage::Trials, now()).await {
            Err(Error::Conflict(_)) => bail!(
                "{} holds another season, or this one before its file was changed, or begun by a build with other \
                 rules: a season is frozen once begun; choose another --out",
                self.directory.display()
            ),
            done => Ok(done?),
        }
    }

    /// All evidence, by run name.
    ///
    /// # Errors
    /// When a file cannot be read or is no evidence; nothing is skipped.
    pub async fn evidence(&self) -> anyhow::Result<BTreeMap<String, Evidence>> {
        Ok(self.store.evidence(&self.season).await?)
    }

    /// Runs that a process before us began and did not end.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn interrupted(&self) -> anyhow::Result<Vec<RunRecord>> {
        let runs = self.store.runs(&self.season).await?;
        Ok(runs.into_iter().filter(|run| matches!(run.progress, RunProgress::Leased { .. })).collect())
    }

    /// Ends a run that was interrupted, once no worker can be left on it: its lease has run out, or
    /// the process that held it is dead for longer than its workers outlive it.
    ///
    /// # Errors
    /// When somebody else holds it.
    pub async fn end_interrupted(&self, run: &RunRecord, evidence: &Evidence) -> anyhow::Result<()> {
        let RunProgress::Leased { epoch, until, .. } = run.progress else { return Ok(()) };
        while now() <= until && !self.holder.outlived_all_others() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let lease = self
            .store
            .take_over(&self.season, &run.run, epoch, self.holder.name(), now(), now().plus(LEASE))
            .await
            .context("the season is conducted by another process")?;
        Ok(finish(&self.store, &lease, evidence).await?)
    }

    /// Takes a run in hand, alone of all who might; `target` is the address that it loads.
    ///
    /// # Errors
    /// When the run or its target is in other hands.
    pub async fn hold(&self, run: &RunKey, target: &str) -> anyhow::Result<Held> {
        self.store.queue(&self.season, &[(run.clone(), target.to_owned())], now()).await?;
        let lease = self.store.lease(&self.season, run, self.holder.name(), now(), now().plus(LEASE)).await?;
        Ok(Held::new(Arc::clone(&self.store), lease))
    }

    /// Begins to look who leaves the season.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn consents(&self) -> anyhow::Result<Consents> {
        Ok(Consents::watch(Arc::clone(&self.store), self.season.clone()).await?)
    }

    /// All publications, oldest first.
    ///
    /// # Errors
    /// When one cannot be read or is none.
    pub async fn publications(&self) -> anyhow::Result<Vec<Publication>> {
        Ok(self.store.publications(&self.season).await?)
    }

    /// Keeps a publication.
    ///
    /// # Errors
    /// When it cannot be written, or is not the next one.
    pub async fn publish(&self, publication: &Publication) -> anyhow::Result<()> {
        self.store.publish(&self.season, publication).await?;
        Ok(())
    }

    /// A window begins; again, or when it is closed already, changes nothing.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn open_window(&self, window: u32) -> anyhow::Result<()> {
        let windows = self.store.windows(&self.season).await?;
        if windows.iter().any(|record| record.number == window && record.closed.is_some()) {
            return Ok(());
        }
        Ok(self.store.open_window(&self.season, window, now()).await?)
    }

    /// A window is published; again changes nothing.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn close_window(&self, window: u32) -> anyhow::Result<()> {
        Ok(self.store.close_window(&self.season, window, now()).await?)
    }

    /// Ends the trials: all windows are closed.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn close(&self) -> anyhow::Result<()> {
        if self.store.season(&self.season).await?.stage == Stage::Trials {
            self.store.move_season(&self.season, Stage::Trials, Stage::Review, now()).await?;
        }
        Ok(())
    }

    /// Every decision so far, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn decisions(&self) -> anyhow::Result<Vec<Decision>> {
        let records = self.store.decisions(&self.season).await?;
        Ok(records.into_iter().map(decision).collect())
    }

    /// Replaces the folder `name` by these files in one step: a reader finds the old or the new one,
    /// whenever this process is killed.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn replace(&self, name: &str, files: &BTreeMap<String, Vec<u8>>) -> anyhow::Result<()> {
        let new = self.directory.join(format!(".{name}.new"));
        let here = self.directory.join(name);
        remove(&new)?;
        for (file, bytes) in files {
            let path = new.join(file);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
            }
            fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        }
        let how = if here.exists() { RenameFlags::EXCHANGE } else { RenameFlags::empty() };
        renameat_with(CWD, &new, CWD, &here, how)
            .with_context(|| format!("cannot replace {}", here.display()))?;
        remove(&new)
    }
}

/// A decision as it is published.
pub fn decision(record: DecisionRecord) -> Decision {
    let DecisionRecord { number, decision, decided } = record;
    Decision {
        number,
        operator: decision.operator,
        verdict: decision.verdict,
        reason: decision.reason,
        publication: decision.publication,
        digest: decision.digest,
        reviewer: decision.reviewer,
        decided_ms: decided.as_millis(),
        replaces: decision.replaces,
    }
}

fn lock(directory: &Path) -> anyhow::Result<File> {
    let lock = File::create(directory.join("lock"))
        .with_context(|| format!("cannot write in {}: choose another directory", directory.display()))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            bail!(
                "another touchstone is at work in {}: wait for it, or choose another directory (--out, of a \
                 server --data)",
                directory.display()
            )
        }
        Err(TryLockError::Error(error)) => Err(error).context("cannot lock the directory"),
    }
}

fn remove(path: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}
