//! A running node of any family, and what can be done to it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use crate::keys::Identity;
use crate::process::{self, Process};
use crate::rpc;

/// Lines of a log quoted in an error.
const QUOTED_LINES: usize = 12;

/// A node that was asked to end has this time for it.
pub(crate) const STOPPED_WITHIN: Duration = Duration::from_secs(10);
/// Between two looks at a node.
const POLL: Duration = Duration::from_millis(100);

/// How a node is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// `eth_` and `net_` methods, numbers in hexadecimal.
    Ethereum,
    /// The same as `klay_` methods: releases of Klaytn until 2021 have no `eth_`, and all later ones know these too.
    Kaia,
    /// `status` and `net_info`, numbers as decimal text.
    CometBft,
}

/// A running node of a chain. Dropping it kills it.
#[derive(Debug)]
pub struct Node {
    pub(crate) name: String,
    pub(crate) validator: Option<Identity>,
    pub(crate) protocol: Protocol,
    pub(crate) rpc: SocketAddr,
    pub(crate) peer: String,
    pub(crate) log: PathBuf,
    pub(crate) process: Process,
}

impl Node {
    /// `sealer 0`, `validator 1`, `other 4` and so on: its place in the network.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address it makes blocks with, as the chain writes it: 20 bytes, of the node's key (`0x...`) or, on
    /// CometBFT, of the consensus key (upper-case hexadecimal). `None` for a node that only follows.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        self.validator.as_ref().map(|key| key.address.as_str())
    }

    /// Private key of [`Node::address`], 32 bytes: a secp256k1 scalar or an ed25519 seed.
    #[must_use]
    pub fn secret(&self) -> Option<[u8; 32]> {
        self.validator.as_ref().map(|key| key.secret)
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

    /// How other nodes reach it: `enode://ID@127.0.0.1:PORT` (geth), `kni://...` (Kaia), `ID@127.0.0.1:PORT` (CometBFT).
    #[must_use]
    pub fn peer_url(&self) -> &str {
        &self.peer
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
        match self.protocol {
            Protocol::Ethereum => self.number("eth_blockNumber").await,
            Protocol::Kaia => self.number("klay_blockNumber").await,
            Protocol::CometBft => self.decimal("status", "/sync_info/latest_block_height").await,
        }
    }

    /// How many other nodes it is connected to.
    pub(crate) async fn peers(&self) -> anyhow::Result<u64> {
        match self.protocol {
            Protocol::Ethereum | Protocol::Kaia => self.number("net_peerCount").await,
            Protocol::CometBft => self.decimal("net_info", "/n_peers").await,
        }
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

    /// Whether its process is there; a paused one is.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.process.ended().is_none()
    }

    /// Where its log is.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Ends it at once (SIGKILL), paused or not, and waits until it is gone. Its log stays.
    pub fn kill(&self) {
        self.process.kill();
    }

    /// Asks it to end (SIGTERM), and waits until it has, or ends it after 10 seconds.
    ///
    /// # Errors
    /// When it has ended already.
    pub async fn stop(&self) -> anyhow::Result<()> {
        self.ask_to_end()?;
        self.end_by(Instant::now() + STOPPED_WITHIN).await;
        Ok(())
    }

    pub(crate) fn ask_to_end(&self) -> anyhow::Result<()> {
        self.process.signal(Signal::TERM).with_context(|| format!("stop {}", self.name))?;
        // A paused one hears of it only when it goes on.
        self.process.signal(Signal::CONT).ok();
        Ok(())
    }

    /// Waits until it has ended, or ends it at the deadline.
    pub(crate) async fn end_by(&self, deadline: Instant) {
        while self.is_running() && Instant::now() < deadline {
            tokio::time::sleep(POLL).await;
        }
        self.kill();
    }

    /// The last `lines` lines of its log, of at most the last 64 KiB.
    #[must_use]
    pub fn log_tail(&self, lines: usize) -> String {
        process::tail(&self.log, lines)
    }

    async fn number(&self, method: &str) -> anyhow::Result<u64> {
        let answer = rpc::call(self.rpc, method, json!([])).await?;
        let digits = answer.as_str().and_then(|text| text.strip_prefix("0x"));
        digits
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .with_context(|| format!("{method}: {} answered {answer}, not a number", self.name))
    }

    async fn decimal(&self, method: &str, place: &str) -> anyhow::Result<u64> {
        let answer = rpc::call(self.rpc, method, json!({})).await?;
        let text = answer.pointer(place).and_then(Value::as_str);
        text.and_then(|digits| digits.parse().ok())
            .with_context(|| format!("{method}: {} answered no number at {place}", self.name))
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

/// Runs a command that prepares a node to its end; what it wrote is the error if it fails.
pub(crate) async fn finish(name: &str, command: Command, deadline: Instant) -> anyhow::Result<()> {
    let program = command.get_program().to_owned();
    let mut command = tokio::process::Command::from(command);
    let output = timeout_at(deadline, command.kill_on_drop(true).output())
        .await
        .with_context(|| format!("{name} was not prepared in time; raise `deadline`"))?
        .with_context(|| format!("run {}", program.display()))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let program = program.display();
        bail!(
            "{name} could not be prepared by {program} ({}); is that the family's node program? It said: {}",
            output.status,
            text.trim()
        );
    }
    Ok(())
}

/// The hash of the first block as the node tells it: block 0, on CometBFT block 1.
pub(crate) async fn genesis_hash(node: &Node) -> anyhow::Result<String> {
    let (method, params, place) = match node.protocol {
        Protocol::Ethereum => ("eth_getBlockByNumber", json!(["0x0", false]), "/hash"),
        Protocol::Kaia => ("klay_getBlockByNumber", json!(["0x0", false]), "/hash"),
        Protocol::CometBft => ("block", json!({"height": "1"}), "/block_id/hash"),
    };
    let block = rpc::call(node.rpc, method, params).await?;
    let hash = block.pointer(place).and_then(Value::as_str);
    hash.map(str::to_owned).with_context(|| format!("{} tells no hash of its first block", node.name))
}
