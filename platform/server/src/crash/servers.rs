//! The servers that are struck: started, watched, killed, started anew.

use std::fs::{File, OpenOptions};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use tokio::process::{Child, Command};
use tokio::time::sleep;

use super::api::is_ready;
use super::process::Process;

/// A server is ready again within this time.
pub const READY: Duration = Duration::from_secs(5);
/// Twice what a worker promises: none outlives its server longer.
pub const FAREWELL: Duration = Duration::from_secs(4);
/// A server that is not ready after this time will never be.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a server is started.
#[derive(Debug, Clone)]
pub(super) struct Start {
    pub(super) binary: PathBuf,
    pub(super) config: PathBuf,
    pub(super) data: PathBuf,
    pub(super) address: SocketAddr,
    pub(super) database_url: Option<String>,
    pub(super) log: PathBuf,
}

/// A server that we started; it is killed when this is dropped.
pub(super) struct Server {
    start: Start,
    child: Child,
    spawned: Instant,
}

impl Start {
    /// Starts it; it is not ready yet.
    pub(super) fn spawn(&self) -> anyhow::Result<Server> {
        let mut command = Command::new(&self.binary);
        command.arg("serve").arg("--config").arg(&self.config).arg("--data").arg(&self.data);
        command.arg("--listen").arg(self.address.to_string());
        for name in ["TOUCHSTONE_LISTEN", "TOUCHSTONE_METRICS", "TOUCHSTONE_DATA", "TOUCHSTONE_ORIGIN"] {
            command.env_remove(name);
        }
        command.env_remove("DATABASE_URL");
        if let Some(url) = &self.database_url {
            command.env("DATABASE_URL", url);
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(appended(&self.log)?)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start a server from {}", self.binary.display()))?;
        Ok(Server { start: self.clone(), child, spawned: Instant::now() })
    }
}

fn appended(path: &Path) -> anyhow::Result<File> {
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.with_context(|| format!("cannot write {}", path.display()))
}

impl Server {
    /// When it was started.
    pub(super) fn spawned(&self) -> Instant {
        self.spawned
    }

    /// Its workers.
    pub(super) fn workers(&self) -> Vec<Process> {
        self.child.id().map(Process::children_of).unwrap_or_default()
    }

    /// Waits until it is ready; how long that took from its start.
    ///
    /// # Errors
    /// When it has ended by itself, or will never be ready.
    pub(super) async fn ready(&mut self) -> anyhow::Result<Duration> {
        loop {
            if is_ready(self.start.address).await {
                return Ok(self.spawned.elapsed());
            }
            self.lives()?;
            ensure!(self.spawned.elapsed() < PATIENCE, "a server is not ready after {PATIENCE:?}");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// # Errors
    /// When it has ended by itself.
    pub(super) fn lives(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => {
                bail!("a server ended by itself ({status}): see {}", self.start.log.display())
            }
        }
    }

    /// Kills one of its workers; whether there was one.
    pub(super) fn strike_worker(&self, choice: u64) -> anyhow::Result<bool> {
        let (Some(parent), workers) = (self.child.id(), self.workers()) else { return Ok(false) };
        let Some(count) = u64::try_from(workers.len()).ok().filter(|count| *count > 0) else {
            return Ok(false);
        };
        workers[usize::try_from(choice % count)?].strike(parent)
    }

    /// Kills it and starts it anew at once; the workers that it leaves behind.
    ///
    /// # Errors
    /// When it had ended by itself, or cannot be started.
    pub(super) async fn strike(&mut self) -> anyhow::Result<Vec<Process>> {
        self.lives()?;
        let workers = self.workers();
        self.child.start_kill().context("the server cannot be killed")?;
        self.child.wait().await?;
        *self = self.start.spawn()?;
        Ok(workers)
    }

    /// Kills it for good.
    pub(super) async fn end(mut self) -> anyhow::Result<()> {
        self.lives()?;
        Ok(self.child.kill().await?)
    }
}

/// Waits until the last of these is gone; one that stays too long by its number.
pub(super) async fn gone(processes: Vec<Process>, since: Instant) -> Option<Process> {
    while let Some(alive) = processes.iter().find(|process| process.lives()) {
        if since.elapsed() > FAREWELL {
            return Some(alive.clone());
        }
        sleep(Duration::from_millis(20)).await;
    }
    None
}
