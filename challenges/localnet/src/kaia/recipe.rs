//! How one Kaia node is prepared and launched.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use secp256k1::{PublicKey, Secp256k1};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::keys::Validator;
use crate::launch::Launch;
use crate::node::{Node, Protocol, finish};
use crate::process::{Process, Started};
use crate::rpc;

/// Between two looks at a starting node.
const POLL: Duration = Duration::from_millis(100);
/// A program that takes longer for its help gives none.
const HELP: Duration = Duration::from_secs(10);

/// Ports of a node: RPC, peers, peers of the second channel.
pub(crate) type Ports = [u16; 3];

/// Everything the nodes of one network share.
pub(crate) struct Recipe {
    pub(crate) binary: PathBuf,
    pub(crate) binaries: BTreeMap<usize, PathBuf>,
    pub(crate) dir: PathBuf,
    pub(crate) chain_id: u64,
    /// Node keys: a validator's address is that of its node's key.
    pub(crate) keys: Vec<Validator>,
    pub(crate) klaytn: bool,
    /// Programs that can be told to leave time servers alone, as releases of 2021 cannot be.
    pub(crate) without_clock: BTreeSet<PathBuf>,
    pub(crate) deadline: Instant,
}

/// The flag that keeps a node from asking a time server.
const NO_CLOCK: &str = "--ntp.disable";

/// Whether a node program knows [`NO_CLOCK`], by its own help; one that gives none does not.
pub(crate) async fn knows_no_clock(program: &Path) -> bool {
    let mut asked = tokio::process::Command::new(program);
    asked.arg("--help").env_clear().stdin(Stdio::null()).kill_on_drop(true);
    let told = tokio::time::timeout(HELP, asked.output()).await;
    told.is_ok_and(|told| told.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(NO_CLOCK)))
}

impl Recipe {
    fn folder(&self, index: usize) -> PathBuf {
        self.dir.join(format!("node-{index}"))
    }

    fn program(&self, index: usize) -> &Path {
        self.binaries.get(&index).unwrap_or(&self.binary)
    }

    /// A kcn command that sees nothing of our environment.
    fn kcn(&self, index: usize) -> Command {
        let mut command = Command::new(self.program(index));
        command.env_clear().env("HOME", &self.dir);
        command
    }

    /// Writes the genesis block.
    pub(crate) async fn prepare(&self, index: usize) -> anyhow::Result<()> {
        // Releases of Klaytn look for their peers one folder further down.
        let below = self.folder(index).join("klay");
        fs::create_dir_all(&below).with_context(|| format!("make {}", below.display()))?;
        let mut init = self.kcn(index);
        init.args(["init", "--datadir"]).arg(self.folder(index)).arg(self.dir.join("genesis.json"));
        finish(&name(index), init, self.deadline).await
    }

    fn kni(&self, index: usize, ports: &[Ports]) -> String {
        let public = PublicKey::from_secret_key(&Secp256k1::signing_only(), &self.keys[index].secret);
        let id = hex::encode(&public.serialize_uncompressed()[1..]);
        format!("kni://{id}@127.0.0.1:{}?discport=0&ntype=cn", ports[index][1])
    }

    /// Writes the node's key where it looks for it, and where `touchstone validator sign` is told to.
    fn write_key(&self, index: usize) -> anyhow::Result<()> {
        let place = self.folder(index).join("klay/nodekey");
        let key = hex::encode(self.keys[index].secret.secret_bytes());
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&place);
        let written = file.and_then(|mut file| file.write_all(key.as_bytes()));
        written.with_context(|| format!("write {}", place.display()))
    }

    /// `--nat none` and `--ntp.disable` keep it on this machine; `--txpool.nolocals` makes the pool's rules hold
    /// for what comes in by RPC too.
    fn flags(&self, index: usize, [http, p2p, sub]: Ports) -> Vec<String> {
        let key = &self.keys[index];
        // As a release of 2021 has it: later ones on such a chain are asked in its words only.
        let namespaces = if self.klaytn { "" } else { "kaia,eth," };
        let mut flags: Vec<String> = format!(
            "--networkid {} --rewardbase {} --port {p2p} --subport {sub} --nodiscover --nat none \
             --netrestrict 127.0.0.0/8 --maxconnections 30 --syncmode full --verbosity 3 --state.trie-cache-limit 64 \
             --db.leveldb.cache-size 64 --rpc --rpcaddr 127.0.0.1 --rpcport {http} --rpcapi \
             {namespaces}klay,net,web3,txpool,admin,governance,istanbul,debug --rpcvhosts * --srvtype http \
             --ipcdisable --txpool.nolocals",
            self.chain_id,
            key.address.to_string().to_lowercase(),
        )
        .split_whitespace()
        .map(str::to_owned)
        .collect();
        if self.without_clock.contains(self.program(index)) {
            flags.push(NO_CLOCK.to_owned());
        }
        flags
    }
}

impl Launch<3> for Recipe {
    /// Starts the node; `ports` are those of all nodes.
    fn launch(&self, index: usize, ports: &[Ports]) -> anyhow::Result<Node> {
        let peers: Vec<String> = (0..ports.len()).map(|other| self.kni(other, ports)).collect();
        let folder = self.folder(index);
        for place in [folder.join("static-nodes.json"), folder.join("klay/static-nodes.json")] {
            fs::write(&place, json!(peers).to_string())
                .with_context(|| format!("write {}", place.display()))?;
        }
        self.write_key(index)?;
        let log = folder.join("log");
        let started = Started::new(self.program(index), &self.dir, &log).args(["--datadir"]).args([&folder]);
        let started = started.args(self.flags(index, ports[index]));
        Ok(Node {
            name: name(index),
            validator: self.keys.get(index).map(Validator::identity),
            protocol: Protocol::Kaia,
            rpc: SocketAddr::from((Ipv4Addr::LOCALHOST, ports[index][0])),
            peer: self.kni(index, ports),
            log,
            process: Process::spawn(started)?,
        })
    }

    /// Waits until the node answers. An answer with another key comes from another node, which holds the port
    /// this one wanted.
    async fn wait(&self, node: &Node) -> anyhow::Result<()> {
        loop {
            node.check_running()?;
            if let Ok(info) = rpc::call(node.rpc, "admin_nodeInfo", json!([])).await
                && info["id"].as_str().is_some_and(|id| node.peer.contains(id))
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

fn name(index: usize) -> String {
    format!("validator {index}")
}
