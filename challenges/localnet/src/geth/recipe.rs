//! How one geth node is prepared and launched.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::keys::Validator;
use crate::network::Limit;
use crate::node::{Node, Protocol, finish};
use crate::ports::Ports;
use crate::process::{Process, Started};
use crate::rpc;

/// Between two looks at a starting node.
const POLL: Duration = Duration::from_millis(100);

/// Everything the nodes of one network share.
pub(crate) struct Recipe {
    pub(crate) binary: PathBuf,
    pub(crate) dir: PathBuf,
    pub(crate) chain_id: u64,
    pub(crate) sealers: Vec<Validator>,
    pub(crate) ports: Ports,
    pub(crate) deadline: Instant,
}

impl Recipe {
    fn name(&self, index: usize) -> String {
        let kind = if index < self.sealers.len() { "sealer" } else { "other" };
        format!("{kind} {index}")
    }

    fn folder(&self, index: usize) -> PathBuf {
        self.dir.join(format!("node-{index}"))
    }

    /// A geth command that sees nothing of our environment.
    fn geth(&self, index: usize) -> Command {
        let mut command = Command::new(&self.binary);
        command.env_clear().env("HOME", &self.dir).arg("--datadir").arg(self.folder(index));
        command
    }

    /// Imports the sealer's key and writes the genesis block.
    pub(crate) async fn prepare(&self, index: usize) -> anyhow::Result<()> {
        let folder = self.folder(index);
        fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        if let Some(sealer) = self.sealers.get(index) {
            let key = folder.join("key");
            fs::write(&key, hex::encode(sealer.secret.secret_bytes()))?;
            let mut import = self.geth(index);
            import.args(["account", "import", "--lightkdf", "--password"]);
            import.arg(self.dir.join("password")).arg(&key);
            finish(&self.name(index), import, self.deadline).await?;
            fs::remove_file(&key)?;
        }
        let mut init = self.geth(index);
        init.arg("init").arg(self.dir.join("genesis.json"));
        finish(&self.name(index), init, self.deadline).await
    }

    /// Starts the node and waits until it answers.
    pub(crate) async fn launch(&self, index: usize) -> anyhow::Result<Node> {
        let mut attempt = 1;
        loop {
            match self.try_launch(index).await {
                Err(error) if self.ports.allow_another(attempt, &error) => attempt += 1,
                other => return other,
            }
        }
    }

    async fn try_launch(&self, index: usize) -> anyhow::Result<Node> {
        let [ports] = self.ports.of(index..index + 1)?.try_into().unwrap_or([[0; 3]]);
        let [http, p2p, _] = ports;
        let log = self.folder(index).join("log");
        let started =
            Started::new(&self.binary, &self.dir, &log).args(["--datadir"]).args([self.folder(index)]);
        let mut node = Node {
            name: self.name(index),
            validator: self.sealers.get(index).map(Validator::identity),
            protocol: Protocol::Ethereum,
            rpc: SocketAddr::from((Ipv4Addr::LOCALHOST, http)),
            peer: String::new(),
            log,
            process: Process::spawn(started.args(self.flags(index, ports)))?,
        };
        node.peer = self.enode(&node, p2p).await?;
        Ok(node)
    }

    /// Waits until the node tells its enode. An answer that names another port comes from another node,
    /// which holds the port this one wanted.
    async fn enode(&self, node: &Node, p2p: u16) -> anyhow::Result<String> {
        loop {
            node.check_running()?;
            if let Ok(info) = rpc::call(node.rpc, "admin_nodeInfo", json!([])).await
                && info["ports"]["listener"] == p2p
                && let Some((id, _)) = info["enode"].as_str().and_then(|enode| enode.split_once('@'))
            {
                return Ok(format!("{id}@127.0.0.1:{p2p}"));
            }
            if Instant::now() > self.deadline {
                return Err(node.late("did not answer in time"));
            }
            sleep(POLL).await;
        }
    }

    /// `--txpool.nolocals` makes the pool's rules hold for what comes in by RPC too.
    fn flags(&self, index: usize, [http, p2p, auth]: [u16; 3]) -> Vec<String> {
        let mut flags: Vec<String> = format!(
            "--networkid {} --port {p2p} --nodiscover --nat none --netrestrict 127.0.0.0/8 --http \
             --http.addr 127.0.0.1 --http.port {http} --http.api eth,net,web3,txpool,admin,clique \
             --authrpc.port {auth} --ipcdisable --cache 64 --syncmode full --txpool.nolocals",
            self.chain_id
        )
        .split_whitespace()
        .map(str::to_owned)
        .collect();
        if let Some(sealer) = self.sealers.get(index) {
            let address = sealer.address.to_string();
            let password = self.dir.join("password").display().to_string();
            flags.extend(["--mine", "--allow-insecure-unlock"].map(str::to_owned));
            flags.extend(["--miner.etherbase".to_owned(), address.clone()]);
            flags.extend(["--unlock".to_owned(), address, "--password".to_owned(), password]);
        }
        flags
    }
}

/// What moves a limit of geth's. It takes values below 1 for its own, so that 1 % is the least bump there is, and 0 for no
/// cap of an answer's length.
pub(crate) fn flags_for(limit: Limit) -> Vec<String> {
    let flag = |name: &str, to: u32| [name.to_owned(), to.to_string()];
    match limit {
        Limit::PriceBump(percent) => flag("--txpool.pricebump", percent).into(),
        Limit::Queue(transactions) => ["accountslots", "globalslots", "accountqueue", "globalqueue"]
            .into_iter()
            .flat_map(|name| flag(&format!("--txpool.{name}"), transactions))
            .collect(),
        Limit::Batch(calls) => {
            [flag("--rpc.batch-request-limit", calls), flag("--rpc.batch-response-max-size", 0)].concat()
        }
    }
}
