//! `touchstone localnet`: networks of a chain's own nodes on this machine.

pub mod control;
pub mod doors;
pub mod fault;
pub mod install;
pub mod put;
pub mod rehearse;
pub mod season_file;
pub mod turns;
pub mod up;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::bail;
use clap::{Subcommand, ValueEnum};
use localnet::Ports;

use self::control::{Answer, NodeStatus, Request, ask};
use self::fault::Order;
use self::install::InstallArgs;
use self::rehearse::RehearseArgs;

/// What `--help` says below the options.
pub const HELP: &str = "\
Starts the chain's own node program, once for each node, with keys, genesis and peers made for it; RPC on 127.0.0.1,
peers in 127.0.0.0/8 only. Writes into DIR: genesis.json, a folder for each node with its log, season.toml, and
faucet.key, the funded test key (public knowledge: never fund it elsewhere; cometbft's key-value store has no money,
and its seasons need no --faucet-key-file). Ends, and asks its nodes to end, on Ctrl-C, and goes on from DIR.
  touchstone localnet up --family geth --dir net
  touchstone localnet up --family kaia --dir net --validators 7 --node 3=bin:/opt/kcn-1.0.3/kcn
  touchstone localnet up --family cometbft --dir net
  touchstone localnet up --family anvil --dir net --base-port 8600
  touchstone season check net/season.toml --faucet-key-file net/faucet.key
  touchstone season run net/season.toml --faucet-key-file net/faucet.key --out out
Ports are free ones; with --base-port P node I has P+10*I for the address at which it is measured, P+10*I+1 for its own
RPC, P+10*I+2 for its peers, and P+10*I+3 for kaia's second peer channel or geth's engine API.
anvil is one node and the whole chain: no peers, no validators. Every endpoint in its season file is a door of its own
before that same node (--candidates says how many apply), so that only what the doors do differently shows.
Node programs: geth 1.13 (GETH_BIN, PATH, ~/go/bin), kcn (KCN_BIN, PATH), cometbft 0.38 (COMETBFT_BIN, PATH,
~/go/bin), anvil (ANVIL_BIN, PATH, ANVIL_DIR), and what `touchstone localnet install` installed; when one is missing, the
error says how to get it.";

/// What can be done with a network.
#[derive(Debug, Subcommand)]
pub enum LocalnetAction {
    /// Start a network and keep it until Ctrl-C; one that is in DIR already goes on
    #[command(after_help = HELP)]
    Up(UpArgs),
    /// Try a season's plans that can stop a chain on a throwaway network first; a season does not run without
    Rehearse(RehearseArgs),
    /// Install a node program by its package manager
    #[command(after_help = install::HELP)]
    Install(InstallArgs),
    /// How every node is
    Status {
        #[command(flatten)]
        dir: Dir,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Ask a node to end, and wait for it
    Stop(OfNode),
    /// Start a node that has ended
    Start(OfNode),
    /// Stop a node where it stands: connections stay open and nothing is answered
    Pause(OfNode),
    /// Let a paused node go on
    Resume(OfNode),
    /// End a node at once
    Kill(OfNode),
    /// Make a node misbehave, in place of what it did before
    #[command(after_help = fault::table())]
    Fault {
        #[command(flatten)]
        node: OfNode,
        /// NAME or NAME:STRENGTH, such as delay:800
        fault: Order,
    },
}

/// Which network.
#[derive(Debug, clap::Args)]
pub struct Dir {
    /// Directory of the network
    #[arg(long, value_name = "DIR", default_value = "localnet")]
    pub dir: PathBuf,
}

/// Which node of which network.
#[derive(Debug, clap::Args)]
pub struct OfNode {
    /// Its number, from 0
    pub node: usize,
    #[command(flatten)]
    pub dir: Dir,
}

/// Options of `localnet up`.
#[derive(Debug, clap::Args)]
pub struct UpArgs {
    /// Whose nodes
    #[arg(long)]
    pub family: Family,
    /// Nodes that make blocks [default: geth 6, kaia and cometbft 7; anvil has none]
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=20))]
    pub validators: Option<u8>,
    /// Nodes that only follow [default: geth 1, cometbft 0; kaia has none: its consensus nodes are all validators; anvil
    /// is one node]
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=20))]
    pub others: Option<u8>,
    /// Directory of the network: empty or not there, or one that was made of the same
    #[arg(long, value_name = "DIR", default_value = "localnet")]
    pub dir: PathBuf,
    /// Nodes that apply in the season file, those of --node first [default: those of --node, or all but the reference and
    /// two controls; anvil: 3]. With 1 of 4 Kaia validators or more the controls and the reference hold more than two
    /// thirds, and the season has key-change too
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=17))]
    pub candidates: Option<u8>,
    /// The node program [default: as said below]
    #[arg(long, value_name = "PATH")]
    pub bin: Option<PathBuf>,
    /// First of the ports that it listens on, in the order said below [default: free ones]
    #[arg(long, value_name = "P", value_parser = clap::value_parser!(u16).range(1_024..))]
    pub base_port: Option<u16>,
    /// Another program for one node, by its number from 0 (kaia); may be repeated
    #[arg(long = "node", value_name = "I=bin:PATH")]
    pub nodes: Vec<OneNode>,
    /// A genesis and flags that Klaytn releases back to v1.7 accept (kaia)
    #[arg(long)]
    pub klaytn: bool,
}

impl UpArgs {
    /// The usual network of a family.
    pub fn usual(family: Family, dir: &Path) -> Self {
        let (validators, others, candidates) = (None, None, None);
        Self {
            family,
            validators,
            others,
            dir: dir.to_owned(),
            candidates,
            bin: None,
            base_port: None,
            nodes: vec![],
            klaytn: false,
        }
    }

    /// Which ports the network listens on.
    pub fn ports(&self) -> Ports {
        self.base_port.map_or(Ports::Free, Ports::From)
    }
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
    /// anvil: one EVM node, no peers
    Anvil,
}

impl Family {
    /// As it is written on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Geth => "geth",
            Self::Kaia => "kaia",
            Self::Cometbft => "cometbft",
            Self::Anvil => "anvil",
        }
    }
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

/// Does what the command line says.
///
/// # Errors
/// In words, with the remedy.
pub async fn run(action: &LocalnetAction, binary: &Path) -> anyhow::Result<()> {
    let (dir, request) = match action {
        LocalnetAction::Up(args) => return up::run(args).await,
        LocalnetAction::Rehearse(args) => return rehearse::run(args, binary).await,
        LocalnetAction::Install(args) => return install::run(args).await,
        LocalnetAction::Status { dir, json } => return status(dir, *json).await,
        LocalnetAction::Stop(of) => (&of.dir, Request::Stop(of.node)),
        LocalnetAction::Start(of) => (&of.dir, Request::Start(of.node)),
        LocalnetAction::Pause(of) => (&of.dir, Request::Pause(of.node)),
        LocalnetAction::Resume(of) => (&of.dir, Request::Resume(of.node)),
        LocalnetAction::Kill(of) => (&of.dir, Request::Kill(of.node)),
        LocalnetAction::Fault { node, fault } => (&node.dir, Request::Fault(node.node, *fault)),
    };
    match ask(&dir.dir, &request).await? {
        Answer::Done(what) => println!("{what}"),
        Answer::Refused(why) => bail!(why),
        Answer::Nodes(_) => bail!("the network's process gave another answer: is it of this release?"),
    }
    Ok(())
}

async fn status(dir: &Dir, json: bool) -> anyhow::Result<()> {
    let Answer::Nodes(nodes) = ask(&dir.dir, &Request::Status).await? else {
        bail!("the network's process gave another answer: is it of this release?");
    };
    if json {
        println!("{}", serde_json::to_string_pretty(&nodes)?);
        return Ok(());
    }
    for NodeStatus { node, name, validator, rpc, pid, head, faults, .. } in nodes {
        let how = match (pid, head) {
            (None, _) => "ended".to_owned(),
            (Some(_), None) => "does not answer".to_owned(),
            (Some(_), Some(head)) => format!("head {head}"),
        };
        let validator = validator.as_deref().unwrap_or("-");
        println!("{node:>2}  {name:<12} {rpc:<24} {validator:<42} {how:<16} {}", faults.join(", "));
    }
    Ok(())
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
