//! A network of a single EVM node: anvil. No peers, no validators.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::folder::Folder;
use crate::install::Tool;
use crate::launch::{self, Launch};
use crate::mesh;
use crate::network::Network;
use crate::node::{Node, Protocol};
use crate::ports::Ports;
use crate::process::{self, Process, Started};
use crate::rpc;

/// Between two looks at a starting node.
const POLL: Duration = Duration::from_millis(50);
/// Balance of each of its accounts, the funded one among them, in units of 10^18 wei: 10^26 wei.
const BALANCE: &str = "100000000";
/// Seconds between two times that the chain is written down, beside the last one when the node ends.
const WRITTEN_EVERY_S: &str = "30";

/// What network to start: one anvil with a block each second. [`AnvilOptions::new`] gives the usual one.
#[derive(Debug, Clone)]
pub struct AnvilOptions {
    /// The anvil binary; `None` looks for it in `ANVIL_BIN`, PATH, the npm package below `ANVIL_DIR`, and where
    /// [`Tool::install`] puts it.
    pub binary: Option<PathBuf>,
    /// Where the chain and the log go. A chain that is there already goes on, from where it was last written down.
    pub dir: PathBuf,
    /// Chain id.
    pub chain_id: u64,
    /// Which ports it listens on.
    pub ports: Ports,
    /// How long the start may take until the head advances.
    pub deadline: Duration,
}

impl AnvilOptions {
    /// Chain id 9997, started within 30 seconds.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        let (binary, deadline) = (None, Duration::from_secs(30));
        Self { binary, dir: dir.into(), chain_id: 9_997, ports: Ports::Free, deadline }
    }

    /// Starts the node and returns once its head advances.
    ///
    /// # Errors
    /// When anvil is missing, ends (its own words are quoted), or does not answer in time.
    pub async fn start(self) -> anyhow::Result<Network> {
        let binary = match &self.binary {
            Some(binary) => binary.clone(),
            None => find_anvil()?,
        };
        let made_of = json!({"family": "anvil", "chain_id": self.chain_id});
        let folder = Folder::open(&self.dir, made_of, None)?;
        let home = folder.node(0);
        if folder.is_new {
            fs::create_dir_all(&home).with_context(|| format!("make {}", home.display()))?;
        } else {
            // Without it anvil would begin another chain.
            ensure!(
                home.join(STATE).exists(),
                "{} is missing, so the chain cannot go on: remove {}, or give another folder",
                home.join(STATE).display(),
                folder.dir.display()
            );
        }
        let deadline = Instant::now() + self.deadline;
        let recipe = Recipe { binary, home, chain_id: self.chain_id, deadline };
        let nodes = launch::all(&recipe, 1, self.ports).await?;
        folder.made()?;
        let genesis_hash = mesh::common_genesis(&nodes).await?;
        let (family, chain_id) = ("evm", self.chain_id);
        Ok(Network { nodes, family, chain_id, genesis_hash, dials: false, limits: None })
    }
}

/// Where anvil writes its chain down.
const STATE: &str = "state.json";

struct Recipe {
    binary: PathBuf,
    home: PathBuf,
    chain_id: u64,
    deadline: Instant,
}

impl Launch<1> for Recipe {
    fn launch(&self, index: usize, ports: &[[u16; 1]]) -> anyhow::Result<Node> {
        let [port] = ports[index];
        let log = self.home.join("log");
        let flags = format!(
            "--host 127.0.0.1 --port {port} --chain-id {} --block-time 1 --silent --balance {BALANCE} \
             --state-interval {WRITTEN_EVERY_S}",
            self.chain_id
        );
        let started = Started::new(&self.binary, &self.home, &log).args(flags.split_whitespace());
        let started = started.args(["--state"]).args([self.home.join(STATE)]);
        Ok(Node {
            name: "node 0".into(),
            validator: None,
            protocol: Protocol::Ethereum,
            rpc: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            peer: String::new(),
            log,
            process: Process::spawn(started)?,
        })
    }

    async fn wait(&self, node: &Node) -> anyhow::Result<()> {
        while rpc::call(node.rpc, "eth_chainId", json!([])).await.is_err() {
            node.check_running()?;
            if Instant::now() > self.deadline {
                return Err(node.late("did not answer in time"));
            }
            sleep(POLL).await;
        }
        Ok(())
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }
}

/// The anvil binary: `ANVIL_BIN`, PATH, the npm package below `ANVIL_DIR`, and where [`Tool::install`] puts it.
///
/// # Errors
/// When there is none, with the way to install it.
pub fn find_anvil() -> anyhow::Result<PathBuf> {
    let variable = |name: &str| std::env::var_os(name);
    let named = variable("ANVIL_DIR")
        .and_then(|folder| Tool::Anvil.place(Path::new(&folder)).parent().map(Path::to_owned));
    process::find(Tool::Anvil, "ANVIL_BIN", variable, named.into_iter().collect())
}
