//! One geth node: how it is prepared and launched, and what can be done to it.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use alloy_primitives::Address;
use anyhow::{Context as _, bail};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout_at};

use crate::genesis::Sealer;
use crate::process::{self, Process};
use crate::rpc;

/// Between two looks at a starting node.
const POLL: Duration = Duration::from_millis(100);
/// How often a node is launched anew on other ports after one was taken.
const PORT_ATTEMPTS: usize = 4;
/// Lines of a log quoted in an error.
const QUOTED_LINES: usize = 12;

/// A running geth node. Dropping it kills it.
#[derive(Debug)]
pub struct GethNode {
    name: String,
    sealer: Option<Sealer>,
    rpc: SocketAddr,
    enode: String,
    log: PathBuf,
    process: Process,
}

impl GethNode {
    /// `sealer 0`, `other 4` and so on: its place in the network.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address it seals with; `None` for a node that only follows.
    #[must_use]
    pub fn address(&self) -> Option<Address> {
        self.sealer.as_ref().map(|sealer| sealer.address)
    }

    /// Private key of [`GethNode::address`], 32 bytes.
    #[must_use]
    pub fn secret(&self) -> Option<[u8; 32]> {
        self.sealer.as_ref().map(|sealer| sealer.secret.secret_bytes())
    }

    /// `http://127.0.0.1:PORT`, its JSON-RPC.
    #[must_use]
    pub fn rpc_url(&self) -> String {
        format!("http://{}", self.rpc)
    }

    /// Address and port of its JSON-RPC.
    #[must_use]
    pub fn rpc_addr(&self) -> SocketAddr {
        self.rpc
    }

    /// `enode://ID@127.0.0.1:PORT`, what `admin_addPeer` takes.
    #[must_use]
    pub fn enode(&self) -> &str {
        &self.enode
    }

    /// Process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Number of its newest block.
    ///
    /// # Errors
    /// When it does not answer within 3 seconds, as while it is paused.
    pub async fn head(&self) -> anyhow::Result<u64> {
        self.number("eth_blockNumber").await
    }

    /// Stops it where it stands (SIGSTOP): connections stay open and nothing is answered.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn pause(&self) -> anyhow::Result<()> {
        self.process.signal(Signal::STOP).with_context(|| format!("pause {}", self.name))
    }

    /// Lets a paused node go on (SIGCONT).
    ///
    /// # Errors
    /// When the process has ended.
    pub fn resume(&self) -> anyhow::Result<()> {
        self.process.signal(Signal::CONT).with_context(|| format!("resume {}", self.name))
    }

    /// Ends it at once (SIGKILL), paused or not, and waits until it is gone. Its log stays.
    pub fn kill(&self) {
        self.process.kill();
    }

    /// The last `lines` lines of its log, of at most the last 64 KiB.
    #[must_use]
    pub fn log_tail(&self, lines: usize) -> String {
        process::tail(&self.log, lines)
    }

    pub(crate) async fn number(&self, method: &str) -> anyhow::Result<u64> {
        let answer = rpc::call(self.rpc, method, json!([])).await?;
        let digits = answer.as_str().and_then(|text| text.strip_prefix("0x"));
        digits
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .with_context(|| format!("{method}: {} answered {answer}, not a number", self.name))
    }

    /// An error if the process has ended.
    pub(crate) fn check_running(&self) -> anyhow::Result<()> {
        match self.process.ended() {
            Some(status) => Err(quote(&self.name, &format!("ended ({status})"), &self.log)),
            None => Ok(()),
        }
    }

    pub(crate) fn late(&self, what: &str) -> anyhow::Error {
        quote(&self.name, what, &self.log)
    }
}

fn quote(name: &str, what: &str, log: &Path) -> anyhow::Error {
    let tail = process::tail(log, QUOTED_LINES);
    anyhow::anyhow!("{name} {what}; the end of {} is\n{tail}", log.display())
}

/// Everything the nodes of one network share.
pub(crate) struct Recipe {
    pub(crate) binary: PathBuf,
    pub(crate) dir: PathBuf,
    pub(crate) chain_id: u64,
    pub(crate) sealers: Vec<Sealer>,
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
            self.finish(index, import).await?;
            fs::remove_file(&key)?;
        }
        let mut init = self.geth(index);
        init.arg("init").arg(self.dir.join("genesis.json"));
        self.finish(index, init).await
    }

    /// Runs a command to its end; what it wrote is the error if it fails.
    async fn finish(&self, index: usize, command: Command) -> anyhow::Result<()> {
        let mut command = tokio::process::Command::from(command);
        let name = self.name(index);
        let output = timeout_at(self.deadline, command.kill_on_drop(true).output())
            .await
            .with_context(|| format!("{name} was not prepared in time; raise `deadline`"))?
            .with_context(|| format!("run {}", self.binary.display()))?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            bail!("{name} could not be prepared ({}): {}", output.status, text.trim());
        }
        Ok(())
    }

    /// Starts the node on free ports and waits until it answers.
    pub(crate) async fn launch(&self, index: usize) -> anyhow::Result<GethNode> {
        let mut attempt = 1;
        loop {
            match self.try_launch(index).await {
                Err(error) if attempt < PORT_ATTEMPTS && process::port_taken(&format!("{error:#}")) => {
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    async fn try_launch(&self, index: usize) -> anyhow::Result<GethNode> {
        let ports @ [_, http, _] = process::free_ports()?;
        let log = self.folder(index).join("log");
        let output = File::create(&log).with_context(|| format!("make {}", log.display()))?;
        let mut command = self.geth(index);
        command.args(self.flags(index, ports)).stdout(output.try_clone()?).stderr(output);
        let mut node = GethNode {
            name: self.name(index),
            sealer: self.sealers.get(index).cloned(),
            rpc: SocketAddr::from((Ipv4Addr::LOCALHOST, http)),
            enode: String::new(),
            log,
            process: Process::spawn(&mut command)?,
        };
        node.enode = self.enode(&node, ports[0]).await?;
        Ok(node)
    }

    /// Waits until the node tells its enode. An answer that names another port comes from another node,
    /// which holds the port this one wanted.
    async fn enode(&self, node: &GethNode, p2p: u16) -> anyhow::Result<String> {
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
    fn flags(&self, index: usize, [p2p, http, auth]: [u16; 3]) -> Vec<String> {
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

/// The hash of block 0 as the node tells it.
pub(crate) async fn genesis_hash(node: &GethNode) -> anyhow::Result<Value> {
    let mut block = rpc::call(node.rpc, "eth_getBlockByNumber", json!(["0x0", false])).await?;
    Ok(block["hash"].take())
}
