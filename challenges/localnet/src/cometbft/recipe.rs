//! How one CometBFT node is prepared and launched.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy_primitives::B256;
use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::keys::Key;
use crate::launch::Launch;
use crate::node::{Node, Protocol};
use crate::process::{Process, Started};
use crate::rpc;

/// Between two looks at a starting node.
const POLL: Duration = Duration::from_millis(100);

/// Ports of a node: RPC, peers.
pub(super) type Ports = [u16; 2];

/// Everything the nodes of one network share.
pub(super) struct Recipe {
    pub(super) binary: PathBuf,
    pub(super) dir: PathBuf,
    /// What all keys are made from.
    pub(super) root: B256,
    pub(super) validators: usize,
    pub(super) genesis: Value,
    pub(super) deadline: Instant,
}

impl Recipe {
    fn folder(&self, index: usize) -> PathBuf {
        self.dir.join(format!("node-{index}"))
    }

    fn name(&self, index: usize) -> String {
        let kind = if index < self.validators { "validator" } else { "other" };
        format!("{kind} {index}")
    }

    /// Writes a node's keys and the genesis. A node that only follows has a consensus key too, which no genesis names.
    pub(super) fn prepare(&self, index: usize) -> anyhow::Result<()> {
        let (config, data) = (self.folder(index).join("config"), self.folder(index).join("data"));
        for folder in [&config, &data] {
            fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        }
        let votes = Key::consensus(self.root, index);
        let validator = json!({
            "address": votes.address(), "pub_key": votes.public_json(), "priv_key": votes.private_json(),
        });
        let peer = json!({"priv_key": Key::node(self.root, index).private_json()});
        write(&config.join("genesis.json"), &self.genesis)?;
        write(&config.join("priv_validator_key.json"), &validator)?;
        write(&config.join("node_key.json"), &peer)?;
        write(&data.join("priv_validator_state.json"), &json!({"height": "0", "round": 0, "step": 0}))
    }

    fn peer(&self, index: usize, ports: &[Ports]) -> String {
        format!("{}@127.0.0.1:{}", Key::node(self.root, index).node_id(), ports[index][1])
    }

    /// What differs from CometBFT's own defaults. Without peer exchange a node knows nobody but its persistent
    /// peers, all on this machine.
    fn config(&self, index: usize, ports: &[Ports]) -> String {
        let others = (0..ports.len()).filter(|other| *other != index);
        let peers: Vec<String> = others.map(|other| self.peer(other, ports)).collect();
        let [rpc, p2p] = ports[index];
        format!(
            "moniker = \"node-{index}\"\n\
             proxy_app = \"persistent_kvstore\"\n\
             [rpc]\nladdr = \"tcp://127.0.0.1:{rpc}\"\n\
             [p2p]\nladdr = \"tcp://127.0.0.1:{p2p}\"\npersistent_peers = \"{}\"\npex = false\n\
             addr_book_strict = false\nallow_duplicate_ip = true\n\
             [consensus]\ntimeout_commit = \"1s\"\n",
            peers.join(",")
        )
    }
}

impl Launch<2> for Recipe {
    /// Starts the node; `ports` are those of all nodes.
    fn launch(&self, index: usize, ports: &[Ports]) -> anyhow::Result<Node> {
        let folder = self.folder(index);
        let place = folder.join("config/config.toml");
        fs::write(&place, self.config(index, ports)).with_context(|| format!("write {}", place.display()))?;
        let log = folder.join("log");
        let started = Started::new(&self.binary, &self.dir, &log).args(["start", "--home"]).args([&folder]);
        let votes = Key::consensus(self.root, index);
        Ok(Node {
            name: self.name(index),
            validator: (index < self.validators).then(|| votes.identity()),
            protocol: Protocol::CometBft,
            rpc: SocketAddr::from((Ipv4Addr::LOCALHOST, ports[index][0])),
            peer: self.peer(index, ports),
            log,
            process: Process::spawn(started)?,
        })
    }

    /// Waits until the node answers. An answer with another id comes from another node, which holds the port this
    /// one wanted.
    async fn wait(&self, node: &Node) -> anyhow::Result<()> {
        loop {
            node.check_running()?;
            if let Ok(status) = rpc::call(node.rpc, "status", json!({})).await
                && status["node_info"]["id"].as_str().is_some_and(|id| node.peer.starts_with(id))
            {
                return Ok(());
            }
            if Instant::now() > self.deadline {
                return Err(node.late("did not answer in time"));
            }
            sleep(POLL).await;
        }
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }
}

fn write(place: &Path, content: &Value) -> anyhow::Result<()> {
    fs::write(place, content.to_string()).with_context(|| format!("write {}", place.display()))
}
