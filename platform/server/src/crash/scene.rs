//! Where it happens: a lab that nobody kills, a data directory, and the files of a server with many
//! short seasons on that lab.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail, ensure};
use challenges::driver::of_family;
use challenges::engine::preflight::inspect;
use hyper::Method;
use lab::Character;
use serde_json::{Value, json};

use super::api::{Answer, As, ask};
use crate::lab_process::{LAB_FAUCET_KEY, LabProcess};

const CHAIN: u64 = 1337;
const BLOCK_MS: u64 = 150;
/// Requests a second to any node: what the trials send, and as much for arrivals that a busy machine
/// puts together. Two workers on one node still exceed it.
pub(super) const CEILING: u32 = 250;
/// Each season measures so often.
pub(super) const WINDOWS: u32 = 2;
/// And tries a run so often.
pub(super) const ATTEMPTS: u32 = 10;
/// How many take part in each season.
pub(super) const CANDIDATES: usize = 3;
/// A run comes from two networks that its seed draws.
const NETWORKS_OF_A_RUN: u64 = 2;
/// Ports that the system gives to nobody by itself: a server finds its own free when it comes back.
const PORTS: std::ops::Range<u16> = 20_000..30_000;

/// Both challenges, as short as they can be.
const TRIALS: &str = "
[[trial]]
id = \"door\"
challenge = \"traffic-throughput\"
schedule = \"together\"

[trial.traffic]
pairs = 20
pair_rate = 40
horizon_blocks = 10

[trial.traffic.door]
start_rate = 60
max_rate = 120
step_ms = 500
sustain_ms = 500
settle_ms = 50
bisections = 0
patience_ms = 500

[[trial]]
id = \"spam\"
challenge = \"spam-defense\"
schedule = \"together\"

[trial.spam]
honest_rate = 20
horizon_blocks = 10
base_ms = 1000
attack_ms = 1000
settle_ms = 0
recover_ms = 1000
intensities = [100]
vectors = [\"V01\"]
";

/// A lab and the files of a server.
pub(super) struct Scene {
    /// The nodes of the candidates.
    pub(super) nodes: Vec<LabProcess>,
    /// The reviewer's account is the first of these.
    pub(super) seasons: Vec<String>,
    directory: PathBuf,
    _others: Vec<LabProcess>,
}

/// What the candidates' nodes have seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Requests in all.
    pub requests: u64,
    /// The most in any sliding second, at any node.
    pub busiest_second: u64,
    /// Networks from which transactions came in one 100 ms, at any node: two a worker.
    pub most_networks: u64,
}

impl Scene {
    /// Starts the lab and writes the files, for so many seasons.
    pub(super) async fn set(
        binary: &Path,
        directory: &Path,
        seasons: u32,
        reviewer: &str,
        origin: SocketAddr,
    ) -> anyhow::Result<Self> {
        let driver = of_family("evm").map_err(|why| anyhow!(why))?;
        let faucet = driver.account_of(LAB_FAUCET_KEY).map_err(|why| anyhow!(why))?;
        let sequencer = LabProcess::sequencer(binary, CHAIN, BLOCK_MS, &faucet).await?;
        let identity = inspect(driver, &sequencer.rpc()).await.map_err(|why| anyhow!(why))?;
        let (mut nodes, mut others) = (Vec::new(), Vec::new());
        for number in 0..CANDIDATES + 2 {
            let node = LabProcess::ingress(binary, sequencer.address, &Character::default()).await?;
            if number < CANDIDATES { nodes.push(node) } else { others.push(node) }
        }
        let season = season(&identity.genesis, &sequencer.rpc(), &others);
        let seasons: Vec<String> = (1..=seasons).map(|number| format!("season-{number}")).collect();
        let write = |name: &str, text: &str| {
            let path = directory.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
        };
        write("season.toml", &season)?;
        write("faucet.key", LAB_FAUCET_KEY)?;
        write("touchstone.toml", &config(&seasons, reviewer, origin))?;
        others.push(sequencer);
        Ok(Self { nodes, seasons, directory: directory.to_owned(), _others: others })
    }

    /// The configuration of its servers.
    pub(super) fn config(&self) -> PathBuf {
        self.directory.join("touchstone.toml")
    }

    /// The data directory of its servers.
    pub(super) fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// What the candidates' nodes have seen by now.
    pub(super) async fn seen(&self) -> anyhow::Result<Seen> {
        let mut seen = Seen::default();
        for node in &self.nodes {
            let question = json!({ "jsonrpc": "2.0", "id": 1, "method": "lab_load", "params": [] });
            let answer = ask(node.address, Method::POST, "/", As::Anybody, Some(&question)).await;
            let Answer::Said { body, .. } = answer else { bail!("a node of the lab does not answer") };
            let of = |name: &str| {
                let number = body.pointer(&format!("/result/{name}")).and_then(Value::as_u64);
                number.with_context(|| format!("a node of the lab tells no {name}"))
            };
            seen.requests += of("requests")?;
            seen.busiest_second = seen.busiest_second.max(of("busiestSecond")?);
            seen.most_networks = seen.most_networks.max(of("mostNetworks")?);
        }
        Ok(seen)
    }
}

impl Seen {
    /// More than there may be at a node.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.busiest_second > u64::from(CEILING) {
            let busiest = self.busiest_second;
            faults.push(format!("a node got {busiest} requests in a second, above its ceiling of {CEILING}"));
        }
        if self.most_networks > NETWORKS_OF_A_RUN {
            let most = self.most_networks;
            faults.push(format!("a node was loaded from {most} networks at a time: by two workers"));
        }
        faults
    }
}

fn season(genesis: &str, reference: &str, controls: &[LabProcess]) -> String {
    let mut text = format!(
        "name = \"Crash season\"\nrulebook = \"quick\"\nwindows = {WINDOWS}\nseats = 1\nattempts = {ATTEMPTS}\n\
         ceiling = {CEILING}\n\n[network]\nfamily = \"evm\"\nchain_id = {CHAIN}\ngenesis = \"{genesis}\"\n\
         reference = \"{reference}\"\n"
    );
    for (number, control) in controls.iter().enumerate() {
        let (id, rpc) = (number + 1, control.rpc());
        let _ = write!(text, "\n[[operator]]\nid = \"control-{id}\"\nrole = \"control\"\nrpc = \"{rpc}\"\n");
    }
    text + TRIALS
}

/// Nobody is refused for asking often: it is about what is kept.
fn config(seasons: &[String], reviewer: &str, origin: SocketAddr) -> String {
    let mut text = format!("origin = \"http://{origin}\"\n\n[rates]\n");
    for class in ["read", "write", "sign_in", "register"] {
        let _ = writeln!(text, "{class} = {{ count = 100000, seconds = 1, burst = 100000 }}");
    }
    let _ = write!(text, "\n[[reviewer]]\naccount = \"{reviewer}\"\nname = \"Reviewer\"\n");
    for id in seasons {
        let _ = write!(
            text,
            "\n[[season]]\nid = \"{id}\"\nfile = \"season.toml\"\nfaucet_key_file = \"faucet.key\"\n"
        );
    }
    text
}

/// An address of this machine at which nobody listens.
pub(super) fn free_address(after: Option<SocketAddr>) -> anyhow::Result<SocketAddr> {
    let mut draw = u32::from(after.map_or(0, |address| address.port() - PORTS.start + 1));
    if after.is_none() {
        draw = std::process::id() * 16;
    }
    let width = u32::from(PORTS.end - PORTS.start);
    for step in 0..width {
        let offset = u16::try_from((draw + step) % width)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, PORTS.start + offset));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    ensure!(false, "no port of {PORTS:?} is free");
    bail!("no port is free")
}
