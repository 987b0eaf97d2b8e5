//! A single EVM node: anvil. No peers, no validators.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::process::{self, Process};
use crate::rpc;

const INSTALL: &str = "npm install @foundry-rs/anvil@1.7.1   (then set ANVIL_DIR to that folder)";
/// Where the npm package keeps the program.
const IN_PACKAGE: &str = "node_modules/@foundry-rs/anvil-linux-amd64/bin";
const DEADLINE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);
const PORT_ATTEMPTS: usize = 4;

/// A running anvil with a block each second. Dropping it kills it and removes its log.
#[derive(Debug)]
pub struct Anvil {
    /// `http://127.0.0.1:PORT`, its JSON-RPC.
    pub rpc_url: String,
    /// Address and port of its JSON-RPC.
    pub rpc_addr: SocketAddr,
    process: Process,
    log: Log,
}

impl Anvil {
    /// Starts anvil with `--host 127.0.0.1 --port P --block-time 1 --silent` and `args` behind them, for
    /// example `["--chain-id", "9998"]`, and returns once it answers, within 30 seconds.
    ///
    /// Without `binary` it is looked for in `ANVIL_BIN`, PATH, and the npm package below `ANVIL_DIR`.
    ///
    /// # Errors
    /// When anvil is missing, ends (its own words are quoted), or does not answer in time.
    pub async fn start(binary: Option<&Path>, args: &[&str]) -> anyhow::Result<Self> {
        let binary = match binary {
            Some(binary) => binary.to_owned(),
            None => find_anvil()?,
        };
        let mut attempt = 1;
        loop {
            match Self::try_start(&binary, args).await {
                Err(error) if attempt < PORT_ATTEMPTS && process::port_taken(&format!("{error:#}")) => {
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    async fn try_start(binary: &Path, args: &[&str]) -> anyhow::Result<Self> {
        let [port] = process::ports_of_one()?;
        let rpc_addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let log = Log(std::env::temp_dir().join(format!("anvil-{}-{port}.log", std::process::id())));
        let output = File::create(&log.0).with_context(|| format!("make {}", log.0.display()))?;
        let mut command = Command::new(binary);
        command
            .args(["--host", "127.0.0.1", "--port", &port.to_string(), "--block-time", "1", "--silent"])
            .args(args)
            .stdout(output.try_clone()?)
            .stderr(output);
        let process = Process::spawn(command)?;
        let anvil = Self { rpc_url: format!("http://{rpc_addr}"), rpc_addr, process, log };
        anvil.wait().await?;
        Ok(anvil)
    }

    async fn wait(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.process.ended() {
                bail!("anvil ended ({status}): {}", process::tail(&self.log.0, 12));
            }
            if rpc::call(self.rpc_addr, "eth_chainId", json!([])).await.is_ok() {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("anvil did not answer within {DEADLINE:?}: {}", process::tail(&self.log.0, 12));
            }
            sleep(POLL).await;
        }
    }

    /// Process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }
}

/// A log that goes with its process.
#[derive(Debug)]
struct Log(PathBuf);

impl Drop for Log {
    fn drop(&mut self) {
        // A log that cannot be removed harms nobody.
        let _ = fs::remove_file(&self.0);
    }
}

/// The anvil binary: `ANVIL_BIN`, PATH, the npm package below `ANVIL_DIR`.
///
/// # Errors
/// When there is none, with the way to install it.
pub fn find_anvil() -> anyhow::Result<PathBuf> {
    let variable = |name: &str| std::env::var_os(name);
    let package = variable("ANVIL_DIR").map(|folder| Path::new(&folder).join(IN_PACKAGE));
    process::find("anvil", "ANVIL_BIN", variable, package.into_iter().collect(), INSTALL)
}
