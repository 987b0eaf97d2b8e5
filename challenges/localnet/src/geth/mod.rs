//! A network of real geth nodes under clique.

mod genesis;
mod recipe;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::genesis::genesis;
use self::recipe::Recipe;
use crate::folder::Folder;
use crate::install::Tool;
use crate::keys::validators;
use crate::network::Network;
use crate::node::Node;
use crate::ports::Ports;
use crate::{mesh, process};

/// Key import and genesis are processor-bound: so many nodes are prepared at once at most.
const PREPARED_AT_ONCE: usize = 4;
/// After so long a node that was left behind is started anew.
const PATIENCE: Duration = Duration::from_secs(20);
/// Blocks behind the highest head that a node which synchronises never is by then.
const LEFT_BEHIND: u64 = 5;

/// What network to start. [`GethOptions::new`] gives the usual one.
#[derive(Debug, Clone)]
pub struct GethOptions {
    /// The geth 1.13 binary; `None` looks for it in `GETH_BIN`, PATH, `$GOPATH/bin`, `$HOME/go/bin`, and where [`Tool::install`] puts it.
    pub binary: Option<PathBuf>,
    /// Where keys, chain data and logs go. A network that is there already goes on, if it is made of the same.
    pub dir: PathBuf,
    /// Nodes that seal, at least 1. The chain needs `sealers / 2 + 1` of them.
    pub sealers: usize,
    /// Nodes that only follow.
    pub others: usize,
    /// Seconds between blocks, at least 1.
    pub period_s: u64,
    /// Chain id and network id.
    pub chain_id: u64,
    /// Makes the sealers' keys the same each time; `None` draws them.
    pub seed: Option<u64>,
    /// Which ports it listens on.
    pub ports: Ports,
    /// How long the start may take until every head advances.
    pub deadline: Duration,
}

impl GethOptions {
    /// Four sealers and three others, a block each second, chain id 9998, drawn keys, started within 60 seconds.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            binary: None,
            dir: dir.into(),
            sealers: 4,
            others: 3,
            period_s: 1,
            chain_id: 9998,
            seed: None,
            ports: Ports::Free,
            deadline: Duration::from_secs(60),
        }
    }

    /// Starts the network and returns once every node has every other as a peer and every head advances.
    /// With fewer than six nodes geth waits up to 10 seconds before it fetches what it missed.
    ///
    /// # Errors
    /// When geth 1.13 is missing, a node ends, or the deadline passes; the last lines of the log of the
    /// node concerned are quoted. Every node that did start is killed.
    pub async fn start(self) -> anyhow::Result<Network> {
        self.check()?;
        let deadline = Instant::now() + self.deadline;
        let binary = match &self.binary {
            Some(binary) => binary.clone(),
            None => find_geth()?,
        };
        check_version(&binary).await?;
        let (folder, recipe) = self.recipe(binary, deadline)?;
        let nodes = bring_up(&Arc::new(recipe), self.sealers + self.others, folder.is_new).await?;
        folder.made()?;
        mesh::connect(&nodes).await?;
        let genesis_hash = mesh::common_genesis(&nodes).await?;
        let network = Network {
            nodes,
            family: "clique",
            chain_id: self.chain_id,
            genesis_hash,
            dials: true,
            limits: Some(recipe::flags_for),
        };
        wait_until_alive(&network, deadline).await?;
        Ok(network)
    }

    /// Opens the folder; in a new one, writes the genesis and the key files' password.
    fn recipe(&self, binary: PathBuf, deadline: Instant) -> anyhow::Result<(Folder, Recipe)> {
        let (nodes, chain_id) = (self.sealers + self.others, self.chain_id);
        let made_of = json!({
            "family": "geth", "sealers": self.sealers, "others": self.others, "period_s": self.period_s,
            "chain_id": chain_id,
        });
        let folder = Folder::open(&self.dir, made_of, self.seed)?;
        let sealers = validators(self.sealers, folder.root)?;
        if folder.is_new {
            let genesis = genesis(&sealers, chain_id, self.period_s);
            std::fs::write(folder.dir.join("genesis.json"), genesis.to_string())?;
            std::fs::write(folder.dir.join("password"), "localnet\n")?;
        } else {
            folder.check(nodes)?;
        }
        let (dir, ports) = (folder.dir.clone(), self.ports);
        let recipe = Recipe { binary, dir, chain_id, sealers, ports, deadline };
        Ok((folder, recipe))
    }

    fn check(&self) -> anyhow::Result<()> {
        if self.sealers == 0 {
            bail!("a clique network needs a sealer: set `sealers` to 1 or more");
        }
        if self.period_s == 0 {
            bail!("with period 0 heads advance only under load: set `period_s` to 1 or more");
        }
        Ok(())
    }
}

/// Prepares `count` nodes if they are new, and launches them, a few at once, until each answers.
async fn bring_up(recipe: &Arc<Recipe>, count: usize, are_new: bool) -> anyhow::Result<Vec<Node>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let turns = Arc::new(Semaphore::new(cores.min(PREPARED_AT_ONCE)));
    let mut starting = JoinSet::new();
    for index in 0..count {
        let (recipe, turns) = (Arc::clone(recipe), Arc::clone(&turns));
        starting.spawn(async move {
            let turn = turns.acquire().await?;
            if are_new {
                recipe.prepare(index).await?;
            }
            drop(turn);
            anyhow::Ok((index, recipe.launch(index).await?))
        });
    }
    let mut nodes = Vec::with_capacity(count);
    while let Some(started) = starting.join_next().await {
        match started.context("a node's start was cut short").flatten() {
            Ok(node) => nodes.push(node),
            Err(error) => {
                starting.shutdown().await;
                return Err(error);
            }
        }
    }
    nodes.sort_unstable_by_key(|(index, _)| *index);
    Ok(nodes.into_iter().map(|(_, node)| node).collect())
}

/// Waits until every head advances. A node whose first synchronisation met a peer that was making its own block 1 can
/// wait for that peer for ever (seen with 1.13.15): one that was left behind is started anew.
async fn wait_until_alive(network: &Network, deadline: Instant) -> anyhow::Result<()> {
    loop {
        let waited = mesh::wait_until_alive(&network.nodes, deadline.min(Instant::now() + PATIENCE)).await;
        let all_run = network.nodes.iter().all(Node::is_running);
        if waited.is_ok() || !all_run || Instant::now() > deadline {
            return waited;
        }
        let mut heads = Vec::new();
        for node in &network.nodes {
            heads.push(node.head().await?);
        }
        let highest = heads.iter().copied().max().unwrap_or(0);
        for (index, _) in heads.iter().enumerate().filter(|(_, head)| **head + LEFT_BEHIND < highest) {
            network.nodes[index].kill();
            network.restart(index).await?;
        }
    }
}

/// The geth binary: `GETH_BIN`, PATH, `$GOPATH/bin`, `$HOME/go/bin`, and where [`Tool::install`] puts it.
///
/// # Errors
/// When there is none, with the way to install it.
pub fn find_geth() -> anyhow::Result<PathBuf> {
    process::find(Tool::Geth, "GETH_BIN", |name| std::env::var_os(name), process::go_folders())
}

async fn check_version(binary: &Path) -> anyhow::Result<()> {
    let output = tokio::process::Command::new(binary)
        .arg("version")
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| format!("run {} version", binary.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = version_of(&text).unwrap_or("unknown");
    if !version.starts_with("1.13.") {
        bail!(
            "{} is geth version {version}, but clique sealing needs 1.13 (later releases removed it); \
             install it and set GETH_BIN to it:\n  {}",
            binary.display(),
            Tool::Geth.way()
        );
    }
    Ok(())
}

/// What follows `Version: ` in the output of `geth version`.
fn version_of(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("Version: ")).map(str::trim)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_version_line_is_found() {
        let text = "Geth\nVersion: 1.13.15-stable\nGo Version: go1.26.8\n";
        assert_eq!(version_of(text), Some("1.13.15-stable"));
        assert_eq!(version_of("Go Version: go1.26.8"), None);
    }

    #[test]
    fn options_that_cannot_work_are_refused() {
        let options = || GethOptions::new("/nonexistent/localnet");
        assert!(options().check().is_ok());
        assert!(GethOptions { sealers: 0, ..options() }.check().is_err());
        assert!(GethOptions { period_s: 0, ..options() }.check().is_err());
    }

    #[tokio::test]
    async fn another_release_is_refused_with_the_install_line() {
        let path = std::env::temp_dir().join(format!("localnet-geth-{}", std::process::id()));
        std::fs::write(&path, "#!/bin/sh\necho 'Version: 1.17.5-stable'\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut options = GethOptions::new(path.with_extension("dir"));
        options.binary = Some(path.clone());
        let error = options.start().await.unwrap_err().to_string();
        std::fs::remove_file(&path).unwrap();
        assert!(error.contains("1.17.5-stable") && error.contains(Tool::Geth.way()), "{error}");
        assert!(!path.with_extension("dir").exists());
    }
}
