//! Lab nodes as processes of their own.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, bail};
use lab::Character;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A lab node; it ends when this is dropped, because its standard input closes.
pub struct LabProcess {
    /// Where it listens.
    pub address: SocketAddr,
    _child: Child,
}

/// Private key of the account that a lab's genesis funds: it is worth nothing anywhere else.
pub const LAB_FAUCET_KEY: &str = "0x746f756368737461706e65206c61622066617563657420746573746b65790001";

impl LabProcess {
    /// A sequencer that makes a block every `block_ms` milliseconds and funds [`LAB_FAUCET_KEY`].
    ///
    /// # Errors
    /// When the process does not come up.
    pub async fn sequencer(
        binary: &Path,
        chain_id: u64,
        block_ms: u64,
        faucet: &str,
    ) -> anyhow::Result<Self> {
        let (chain, block) = (chain_id.to_string(), block_ms.to_string());
        let args = ["sequencer", "--chain-id", &chain, "--block-ms", &block, "--fund", faucet];
        Self::start(binary, args.map(str::to_owned).to_vec()).await
    }

    /// An ingress of this character before a sequencer.
    ///
    /// # Errors
    /// When the process does not come up.
    pub async fn ingress(binary: &Path, upstream: SocketAddr, character: &Character) -> anyhow::Result<Self> {
        let mut args = vec!["ingress".to_owned(), "--upstream".into(), format!("http://{upstream}")];
        args.extend(character.args());
        Self::start(binary, args).await
    }

    async fn start(binary: &Path, args: Vec<String>) -> anyhow::Result<Self> {
        let mut child = Command::new(binary)
            .arg("lab-node")
            .args(&args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start a lab node from {}", binary.display()))?;
        let mut output = BufReader::new(child.stdout.take().context("a lab node has a standard output")?);
        let mut line = String::new();
        output.read_line(&mut line).await.context("the lab node says nothing")?;
        let Some(address) = line.trim().strip_prefix("listening ") else {
            bail!("the lab node did not come up: {line:?}");
        };
        Ok(Self { address: address.parse().context("the lab node's address")?, _child: child })
    }

    /// Its RPC address.
    pub fn rpc(&self) -> String {
        format!("http://{}", self.address)
    }
}
