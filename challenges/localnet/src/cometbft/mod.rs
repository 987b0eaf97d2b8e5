//! A network of real CometBFT nodes with the key-value store that is built into them.

mod keys;
mod recipe;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use serde_json::{Value, json};
use tokio::time::Instant;

use self::keys::Key;
use self::recipe::Recipe;
use crate::folder::Folder;
use crate::install::Tool;
use crate::network::Network;
use crate::ports::Ports;
use crate::{launch, mesh, process};

/// A fixed instant in the past: block 1 then hashes the same for the same seed.
const GENESIS_TIME: &str = "2026-01-01T00:00:00Z";

/// What network to start. [`CometOptions::new`] gives the usual one.
#[derive(Debug, Clone)]
pub struct CometOptions {
    /// The node program; `None` looks for it in `COMETBFT_BIN`, PATH, `$GOPATH/bin`, `$HOME/go/bin`, and where [`Tool::install`] puts it.
    pub binary: Option<PathBuf>,
    /// Where keys, chain data and logs go. A network that is there already goes on, if it is made of the same.
    pub dir: PathBuf,
    /// Nodes that vote, each with power 1, at least 1. The chain needs more than two thirds of them.
    pub validators: usize,
    /// Nodes that only follow.
    pub others: usize,
    /// Chain id, 1 to 50 characters.
    pub chain: String,
    /// Makes the keys the same each time; `None` draws them.
    pub seed: Option<u64>,
    /// Which ports it listens on.
    pub ports: Ports,
    /// How long the start may take until every head advances.
    pub deadline: Duration,
}

impl CometOptions {
    /// Four validators and no others, chain id `touchstone-local`, a block each second, drawn keys, started within
    /// 60 seconds.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            binary: None,
            dir: dir.into(),
            validators: 4,
            others: 0,
            chain: "touchstone-local".into(),
            seed: None,
            ports: Ports::Free,
            deadline: Duration::from_secs(60),
        }
    }

    /// Starts the network and returns once every node has every other as a peer and every head advances.
    ///
    /// # Errors
    /// When cometbft is missing, a node ends, or the deadline passes; the last lines of the log of the node concerned
    /// are quoted. Every node that did start is killed.
    pub async fn start(self) -> anyhow::Result<Network> {
        self.check()?;
        let binary = match &self.binary {
            Some(binary) => binary.clone(),
            None => find_cometbft()?,
        };
        let count = self.validators + self.others;
        let (folder, recipe) = self.recipe(binary)?;
        if folder.is_new {
            for index in 0..count {
                recipe.prepare(index)?;
            }
            folder.made()?;
        }
        let nodes = launch::all(&recipe, count, self.ports).await?;
        let genesis_hash = mesh::common_genesis(&nodes).await?;
        Ok(Network { nodes, family: "cometbft", chain_id: 0, genesis_hash, dials: false, limits: None })
    }

    fn check(&self) -> anyhow::Result<()> {
        if self.validators == 0 {
            bail!("a CometBFT network needs a validator: set `validators` to 1 or more");
        }
        if !(1..=50).contains(&self.chain.len()) {
            bail!("`{}` is no chain id: CometBFT takes 1 to 50 characters", self.chain);
        }
        Ok(())
    }

    /// Opens the folder; in a new one, writes the genesis.
    fn recipe(&self, binary: PathBuf) -> anyhow::Result<(Folder, Recipe)> {
        let deadline = Instant::now() + self.deadline;
        let (validators, others) = (self.validators, self.others);
        let made_of = json!({
            "family": "cometbft", "validators": validators, "others": others, "chain": self.chain,
        });
        let folder = Folder::open(&self.dir, made_of, self.seed)?;
        let (dir, root) = (folder.dir.clone(), folder.root);
        let keys: Vec<Key> = (0..validators).map(|index| Key::consensus(root, index)).collect();
        let genesis = genesis(&self.chain, &keys);
        if folder.is_new {
            std::fs::write(dir.join("genesis.json"), genesis.to_string())?;
        } else {
            folder.check(validators + others)?;
        }
        Ok((folder, Recipe { binary, dir, root, validators, genesis, deadline }))
    }
}

/// What the nodes start from; CometBFT fills in its usual consensus parameters.
fn genesis(chain: &str, validators: &[Key]) -> Value {
    let validators = validators.iter().enumerate().map(|(index, key)| {
        json!({
            "address": key.address(), "pub_key": key.public_json(), "power": "1",
            "name": format!("node-{index}"),
        })
    });
    json!({
        "genesis_time": GENESIS_TIME,
        "chain_id": chain,
        "initial_height": "1",
        "validators": validators.collect::<Vec<_>>(),
        "app_hash": "",
    })
}

/// The cometbft binary: `COMETBFT_BIN`, PATH, `$GOPATH/bin`, `$HOME/go/bin`, and where [`Tool::install`] puts it.
///
/// # Errors
/// When there is none, with the way to install it.
pub fn find_cometbft() -> anyhow::Result<PathBuf> {
    process::find(Tool::Cometbft, "COMETBFT_BIN", |name| std::env::var_os(name), process::go_folders())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_cannot_work_are_refused() {
        let options = || CometOptions::new("/nonexistent/localnet");
        assert!(options().check().is_ok());
        assert!(CometOptions { validators: 0, ..options() }.check().is_err());
        assert!(CometOptions { chain: "x".repeat(51), ..options() }.check().is_err());
    }

    #[tokio::test]
    async fn a_program_that_is_no_cometbft_is_told() {
        let dir = std::env::temp_dir().join(format!("localnet-comet-{}", std::process::id()));
        let options = CometOptions { binary: Some("/bin/false".into()), ..CometOptions::new(&dir) };
        let error = options.start().await.unwrap_err().to_string();
        std::fs::remove_dir_all(&dir).unwrap();
        assert!(error.contains("validator 0 ended"), "{error}");
    }
}
