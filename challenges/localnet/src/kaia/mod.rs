//! A network of real Kaia consensus nodes, or of Klaytn's from v1.7 on.

mod genesis;
mod recipe;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::recipe::Recipe;
use crate::folder::Folder;
use crate::install::Tool;
use crate::keys::validators;
use crate::network::Network;
use crate::ports::Ports;
use crate::{launch, mesh, process};

/// What network to start. [`KaiaOptions::new`] gives the usual one.
#[derive(Debug, Clone)]
pub struct KaiaOptions {
    /// The node program of every node that `binaries` does not name; `None` looks for it in `KCN_BIN` and PATH.
    pub binary: Option<PathBuf>,
    /// Other releases, by the place of their node in the network.
    pub binaries: Vec<(usize, PathBuf)>,
    /// Where keys, chain data and logs go. A network that is there already goes on, if it is made of the same.
    pub dir: PathBuf,
    /// Members of the council, at least 1. The chain needs two thirds of them, rounded up (all of fewer than four).
    /// Every node is one: consensus nodes do not take others as peers (seen with 2.0.3: `fail to validate peer type`).
    pub validators: usize,
    /// Chain id and network id.
    pub chain_id: u64,
    /// Makes the keys the same each time; `None` draws them.
    pub seed: Option<u64>,
    /// A genesis without fork blocks and no newer flags, which releases back to v1.7 accept.
    pub klaytn: bool,
    /// Which ports it listens on.
    pub ports: Ports,
    /// How long the start may take until every head advances.
    pub deadline: Duration,
}

impl KaiaOptions {
    /// Four validators, chain id 9999, drawn keys, started within 120 seconds: peers connect slowly, and the first
    /// rounds change.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            binary: None,
            binaries: Vec::new(),
            dir: dir.into(),
            validators: 4,
            chain_id: 9_999,
            seed: None,
            klaytn: false,
            ports: Ports::Free,
            deadline: Duration::from_secs(120),
        }
    }

    /// Starts the network and returns once every node has every other as a peer and every head advances.
    ///
    /// # Errors
    /// When kcn is missing, a node ends, or the deadline passes; the last lines of the log of the node concerned are
    /// quoted. Every node that did start is killed.
    pub async fn start(self) -> anyhow::Result<Network> {
        self.check()?;
        let binary = match &self.binary {
            Some(binary) => binary.clone(),
            None => find_kcn()?,
        };
        let deadline = Instant::now() + self.deadline;
        let without_clock = self.without_clock(&binary).await;
        let (folder, recipe) = self.recipe(binary, without_clock, deadline)?;
        let recipe = Arc::new(recipe);
        if folder.is_new {
            prepare(&recipe, self.validators).await?;
            folder.made()?;
        }
        let nodes = launch::all(&*recipe, self.validators, self.ports).await?;
        let genesis_hash = mesh::common_genesis(&nodes).await?;
        Ok(Network {
            nodes,
            family: "kaia",
            chain_id: self.chain_id,
            genesis_hash,
            dials: false,
            limits: None,
        })
    }

    /// Opens the folder; in a new one, writes the genesis.
    fn recipe(
        &self,
        binary: PathBuf,
        without_clock: BTreeSet<PathBuf>,
        deadline: Instant,
    ) -> anyhow::Result<(Folder, Recipe)> {
        let (chain_id, klaytn) = (self.chain_id, self.klaytn);
        let made_of = json!({
            "family": "kaia", "validators": self.validators, "chain_id": chain_id, "klaytn": klaytn,
        });
        let folder = Folder::open(&self.dir, made_of, self.seed)?;
        let keys = validators(self.validators, folder.root)?;
        if folder.is_new {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
            let genesis = genesis::genesis(&keys, chain_id, klaytn, now);
            std::fs::write(folder.dir.join("genesis.json"), genesis.to_string())?;
        } else {
            folder.check(self.validators)?;
        }
        let (dir, binaries) = (folder.dir.clone(), self.binaries.iter().cloned().collect());
        Ok((folder, Recipe { binary, binaries, dir, chain_id, keys, klaytn, without_clock, deadline }))
    }

    /// Those of the network's programs that can be kept from asking a time server.
    async fn without_clock(&self, binary: &Path) -> BTreeSet<PathBuf> {
        let programs: BTreeSet<&Path> =
            self.binaries.iter().map(|(_, other)| other.as_path()).chain([binary]).collect();
        let mut can = BTreeSet::new();
        for program in programs {
            if recipe::knows_no_clock(program).await {
                can.insert(program.to_owned());
            }
        }
        can
    }

    fn check(&self) -> anyhow::Result<()> {
        if self.validators == 0 {
            bail!("a Kaia network needs a validator: set `validators` to 1 or more");
        }
        if let Some((place, _)) = self.binaries.iter().find(|(place, _)| *place >= self.validators) {
            bail!("there is no node {place}: the network has {}, counted from 0", self.validators);
        }
        Ok(())
    }
}

async fn prepare(recipe: &Arc<Recipe>, count: usize) -> anyhow::Result<()> {
    let mut preparing = JoinSet::new();
    for index in 0..count {
        let recipe = Arc::clone(recipe);
        preparing.spawn(async move { recipe.prepare(index).await });
    }
    while let Some(prepared) = preparing.join_next().await {
        prepared.context("a node's preparation was cut short").flatten()?;
    }
    Ok(())
}

/// The kcn binary: `KCN_BIN`, PATH.
///
/// # Errors
/// When there is none, with the way to get it.
pub fn find_kcn() -> anyhow::Result<PathBuf> {
    process::find(Tool::Kcn, "KCN_BIN", |name| std::env::var_os(name), Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_cannot_work_are_refused() {
        let options = || KaiaOptions::new("/nonexistent/localnet");
        assert!(options().check().is_ok());
        assert!(KaiaOptions { validators: 0, ..options() }.check().is_err());
        let error = KaiaOptions { binaries: vec![(4, "/bin/kcn".into())], ..options() }.check().unwrap_err();
        assert!(error.to_string().contains("no node 4"), "{error}");
    }

    #[tokio::test]
    async fn a_binary_of_another_kind_is_told() {
        let dir = std::env::temp_dir().join(format!("localnet-kaia-{}", std::process::id()));
        let options = KaiaOptions { binary: Some("/bin/false".into()), ..KaiaOptions::new(&dir) };
        let error = options.start().await.unwrap_err().to_string();
        std::fs::remove_dir_all(&dir).unwrap();
        assert!(error.contains("could not be prepared"), "{error}");
    }
}
