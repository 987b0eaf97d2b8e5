//! `touchstone localnet up`: a network of a chain's own nodes on this machine, with a season file ready for it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use challenges::driver::{Driver, of_family};
use clap::{Subcommand, ValueEnum};
use localnet::{CometOptions, FUNDED_KEY, GethOptions, KaiaOptions, Network};

use crate::serve::told_to_end;

/// As much as a whole network on one small machine takes: with the quick profile's spam at every node at once, seven
/// Kaia validators on two cores came to no agreement any more (seen with 2.0.3), which is void and ranks nobody.
const TRIALS: &str = "
[[trial]]
challenge = \"traffic-throughput\"
schedule = \"together\"
profile = \"quick\"

[[trial]]
challenge = \"spam-defense\"
schedule = \"together\"

[trial.spam]
honest_rate = 10
horizon_blocks = 20
base_ms = 6_000
attack_ms = 6_000
settle_ms = 500
recover_ms = 6_000
intensities = [50]
";

/// Vectors that this family has and that reach no further than the node they are sent to.
fn vectors(family: &str) -> &'static str {
    match family {
        "cometbft" => "vectors = [\"V04\", \"V07\"]\n",
        _ => "vectors = [\"V01\", \"V05\", \"V07\"]\n",
    }
}

/// Between two looks at the nodes.
const LOOK: Duration = Duration::from_millis(500);

/// What `--help` says below the options.
pub const HELP: &str = "\
Starts the chain's own node program, once for each node, with keys, genesis and peers made for it; RPC on 127.0.0.1,
peers in 127.0.0.0/8 only. Writes into DIR: genesis.json, a folder for each node with its log, season.toml, and
faucet.key, the funded test key (public knowledge: never fund it elsewhere; cometbft's key-value store has no money,
and its seasons need no --faucet-key-file). Ends, and ends its nodes, on Ctrl-C.
  touchstone localnet up --family geth --dir net
  touchstone localnet up --family kaia --dir net --validators 7 --node 3=bin:/opt/kcn-1.0.3/kcn
  touchstone localnet up --family cometbft --dir net
  touchstone season check net/season.toml --faucet-key-file net/faucet.key
  touchstone season run net/season.toml --faucet-key-file net/faucet.key --out out
Node programs: geth 1.13 (GETH_BIN, PATH, ~/go/bin), kcn (KCN_BIN, PATH), cometbft 0.38 (COMETBFT_BIN, PATH,
~/go/bin); when one is missing, the error says how to get it.";

/// What can be done with a network.
#[derive(Debug, Subcommand)]
pub enum LocalnetAction {
    /// Start a network and keep it until Ctrl-C
    #[command(after_help = HELP)]
    Up(UpArgs),
}

/// Options of `localnet up`.
#[derive(Debug, clap::Args)]
pub struct UpArgs {
    /// Whose nodes
    #[arg(long)]
    pub family: Family,
    /// Nodes that make blocks [default: 4; kaia and cometbft: 7]
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=20))]
    pub validators: Option<u8>,
    /// Nodes that only follow [default: geth 3, cometbft 0; kaia has none: its consensus nodes are all validators]
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=20))]
    pub others: Option<u8>,
    /// Directory of the network; must be empty or not there
    #[arg(long, value_name = "DIR", default_value = "localnet")]
    pub dir: PathBuf,
    /// The node program [default: as said below]
    #[arg(long, value_name = "PATH")]
    pub bin: Option<PathBuf>,
    /// Another program for one node, by its number from 0 (kaia); may be repeated
    #[arg(long = "node", value_name = "I=bin:PATH")]
    pub nodes: Vec<OneNode>,
    /// A genesis and flags that Klaytn releases back to v1.7 accept (kaia)
    #[arg(long)]
    pub klaytn: bool,
}

/// A chain family that networks are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Family {
    /// go-ethereum 1.13 under clique
    Geth,
    /// Kaia consensus nodes
    Kaia,
    /// CometBFT 0.38 with its built-in key-value store
    Cometbft,
}

/// `3=bin:/opt/kcn`: what is different about one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneNode {
    number: usize,
    binary: PathBuf,
}

impl FromStr for OneNode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || format!("`{text}` is not I=bin:PATH, such as 3=bin:/opt/kcn-1.0.3/kcn");
        let (number, what) = text.split_once('=').ok_or_else(form)?;
        let binary = what.strip_prefix("bin:").filter(|path| !path.is_empty()).ok_or_else(form)?;
        Ok(Self { number: number.parse().map_err(|_| form())?, binary: binary.into() })
    }
}

/// Starts the network, says where it is, and waits until it is to end or one of its nodes has.
///
/// # Errors
/// In words, with the remedy.
pub async fn run(action: &LocalnetAction) -> anyhow::Result<()> {
    let LocalnetAction::Up(args) = action;
    let begun = Instant::now();
    eprintln!("starting {} (kaia takes half a minute) ...", name(args.family));
    let network = start(args).await?;
    write(&args.dir, &network)?;
    print!("{}", said(&args.dir, &network, begun));
    eprintln!("Ctrl-C ends it");
    tokio::select! {
        () = told_to_end() => {}
        () = tell_of_ends(&network) => {}
    }
    Ok(())
}

/// Says of each node that ends by itself, or by somebody's hand, that it has; until none is left.
async fn tell_of_ends(network: &Network) {
    let mut gone = BTreeSet::new();
    while gone.len() < network.nodes.len() {
        tokio::time::sleep(LOOK).await;
        for node in network.nodes.iter().filter(|node| !node.is_running()) {
            if gone.insert(node.name()) {
                eprintln!("{} has ended; its log is {}", node.name(), node.log().display());
            }
        }
    }
}

async fn start(args: &UpArgs) -> anyhow::Result<Network> {
    let others = args.others.map(usize::from);
    let validators = |usual: u8| usize::from(args.validators.unwrap_or(usual));
    match args.family {
        Family::Geth => {
            ensure!(args.nodes.is_empty() && !args.klaytn, "--node and --klaytn are for --family kaia");
            let usual = GethOptions::new(&args.dir);
            let (sealers, others) = (validators(4), others.unwrap_or(usual.others));
            GethOptions { binary: args.bin.clone(), sealers, others, ..usual }.start().await
        }
        Family::Cometbft => {
            ensure!(args.nodes.is_empty() && !args.klaytn, "--node and --klaytn are for --family kaia");
            let (validators, others) = (validators(7), others.unwrap_or(0));
            let binary = args.bin.clone();
            CometOptions { binary, validators, others, ..CometOptions::new(&args.dir) }.start().await
        }
        Family::Kaia => {
            ensure!(
                others.unwrap_or(0) == 0,
                "--others: Kaia's consensus nodes take nobody else as a peer; raise --validators instead"
            );
            let binaries = args.nodes.iter().map(|node| (node.number, node.binary.clone())).collect();
            let (binary, klaytn) = (args.bin.clone(), args.klaytn);
            let validators = validators(7);
            KaiaOptions { binary, binaries, validators, klaytn, ..KaiaOptions::new(&args.dir) }.start().await
        }
    }
}

fn name(family: Family) -> &'static str {
    match family {
        Family::Geth => "geth",
        Family::Kaia => "kaia",
        Family::Cometbft => "cometbft",
    }
}

fn write(directory: &Path, network: &Network) -> anyhow::Result<()> {
    let write = |name: &str, text: &str| {
        let place = directory.join(name);
        fs::write(&place, text).with_context(|| format!("cannot write {}", place.display()))
    };
    if has_money(network) {
        write("faucet.key", &format!("{FUNDED_KEY}\n"))?;
    }
    if let Some(season) = season(network) {
        write("season.toml", &season)?;
    }
    Ok(())
}

fn has_money(network: &Network) -> bool {
    of_family(network.family).is_ok_and(Driver::has_money)
}

/// A season file: the last two nodes are controls, the one before them the reference, the others apply.
/// None when there is nobody left to apply.
fn season(network: &Network) -> Option<String> {
    let (applicants, kept) = network.nodes.split_at_checked(network.nodes.len().checked_sub(3)?)?;
    let [reference, controls @ ..] = kept else { return None };
    if applicants.is_empty() {
        return None;
    }
    let mut text = format!(
        "# Made by `touchstone localnet up`. The last three nodes are the reference and the controls.\nname = \"Local \
         season\"\nwindows = 2\nseats = 1\n\n[network]\nfamily = \"{}\"\nchain_id = {}\ngenesis = \"{}\"\nreference = \
         \"{}\"\n",
        network.family,
        network.chain_id,
        network.genesis_hash(),
        reference.rpc_url()
    );
    let applicants =
        applicants.iter().zip(1..).map(|(node, number)| (format!("node-{number}"), "candidate", node));
    let controls =
        controls.iter().zip(1..).map(|(node, number)| (format!("control-{number}"), "control", node));
    for (id, role, node) in applicants.chain(controls) {
        let _ =
            write!(text, "\n[[operator]]\nid = \"{id}\"\nrole = \"{role}\"\nrpc = \"{}\"\n", node.rpc_url());
    }
    text += TRIALS;
    text += vectors(network.family);
    Some(text)
}

fn said(directory: &Path, network: &Network, begun: Instant) -> String {
    let mut text = format!(
        "{} nodes, chain id {}, genesis {}, after {:.1} s\n",
        network.nodes.len(),
        network.chain_id,
        network.genesis_hash(),
        begun.elapsed().as_secs_f64()
    );
    for node in &network.nodes {
        let address = node.address().unwrap_or("-");
        let _ =
            writeln!(text, "  {:<12} {:<24} {address:<42} pid {}", node.name(), node.rpc_url(), node.pid());
    }
    if has_money(network) {
        let _ = writeln!(text, "funded test key: {}", directory.join("faucet.key").display());
    }
    match season(network) {
        Some(_) => {
            let _ = writeln!(text, "season file:     {}", directory.join("season.toml").display());
        }
        None => text += "no season file: it takes four nodes (a candidate, the reference, two controls)\n",
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_different_about_a_node_is_read() {
        let node: OneNode = "3=bin:/opt/k=cn:1".parse().unwrap();
        assert_eq!(node, OneNode { number: 3, binary: "/opt/k=cn:1".into() });
        for bad in ["", "3", "3=/opt/kcn", "x=bin:/opt/kcn", "3=bin:", "-1=bin:/opt/kcn"] {
            assert!(bad.parse::<OneNode>().unwrap_err().contains("I=bin:PATH"), "{bad}");
        }
    }
}
