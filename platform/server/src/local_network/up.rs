//! `touchstone localnet up`: a network of a chain's own nodes on this machine, with a season file ready for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use challenges::driver::{Driver, of_family};
use localnet::{CometOptions, FUNDED_KEY, Fault, GethOptions, KaiaOptions, Network, Proxy};

use super::control::{Answer, Desk, NodeStatus, Request};
use super::fault::{Order, Place};
use super::season_file::season;
use super::turns::Held;
use super::{Family, UpArgs};
use crate::serve::told_to_end;

/// Between two looks at the nodes.
const LOOK: Duration = Duration::from_millis(500);
/// A network of which no node has run for so long is given up: before that, one can be started again.
const ALL_ENDED: Duration = Duration::from_secs(60);

/// A network that is up, an ingress before each node, and the faults put on them.
struct Up {
    network: Arc<Network>,
    ingresses: Vec<Proxy>,
    /// By node.
    faults: BTreeMap<usize, Order>,
    /// Faults of processes, by node.
    held: BTreeMap<usize, Held>,
}

/// Starts the network, says where it is, and does what other commands ask, until it is to end or all of its nodes
/// have.
///
/// # Errors
/// In words, with the remedy.
pub async fn run(args: &UpArgs) -> anyhow::Result<()> {
    let begun = Instant::now();
    fs::create_dir_all(&args.dir).with_context(|| format!("make {}", args.dir.display()))?;
    let desk = Desk::open(&args.dir).await?;
    eprintln!("starting {} (kaia takes half a minute) ...", args.family.name());
    let network = Arc::new(start(args).await?);
    let ingresses = network.nodes.iter().map(|node| Proxy::start(node.rpc_addr(), Fault::None));
    let ingresses = ingresses.collect::<anyhow::Result<Vec<_>>>()?;
    let mut up = Up { network, ingresses, faults: BTreeMap::new(), held: BTreeMap::new() };
    up.write(args)?;
    print!("{}", up.said(args, begun));
    eprintln!("Ctrl-C ends it; `touchstone localnet --help` says what can be done with it meanwhile");
    let network = Arc::clone(&up.network);
    tokio::select! {
        () = told_to_end() => {}
        () = tell_of_ends(&network) => {}
        () = desk.serve(async |request| up.answer(request).await) => {}
    }
    Ok(())
}

/// Says of each node that ends by itself, or by somebody's hand, that it has; until none has been left for a while.
async fn tell_of_ends(network: &Network) {
    let mut gone = BTreeSet::new();
    let mut alive = Instant::now();
    while alive.elapsed() < ALL_ENDED {
        tokio::time::sleep(LOOK).await;
        for node in &network.nodes {
            if node.is_running() {
                gone.remove(node.name());
                alive = Instant::now();
            } else if gone.insert(node.name()) {
                eprintln!("{} has ended; its log is {}", node.name(), node.log().display());
            }
        }
    }
    eprintln!("no node has run for {} s: the network is given up", ALL_ENDED.as_secs());
}

/// Starts the network that is asked for.
///
/// # Errors
/// When it cannot be had, in words.
pub async fn start(args: &UpArgs) -> anyhow::Result<Network> {
    let others = args.others.map(usize::from);
    let validators = |usual: u8| usize::from(args.validators.unwrap_or(usual));
    match args.family {
        Family::Geth => {
            ensure!(args.nodes.is_empty() && !args.klaytn, "--node and --klaytn are for --family kaia");
            let (sealers, others, binary) = (validators(6), others.unwrap_or(1), args.bin.clone());
            GethOptions { binary, sealers, others, ..GethOptions::new(&args.dir) }.start().await
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

/// Whether its transactions are paid for.
pub fn has_money(network: &Network) -> bool {
    of_family(network.family).is_ok_and(Driver::has_money)
}

impl Up {
    fn write(&self, args: &UpArgs) -> anyhow::Result<()> {
        let write = |name: &str, text: &str| {
            let place = args.dir.join(name);
            fs::write(&place, text).with_context(|| format!("cannot write {}", place.display()))
        };
        if has_money(&self.network) {
            write("faucet.key", &format!("{FUNDED_KEY}\n"))?;
        }
        if let Some(season) = self.season(args) {
            write("season.toml", &season)?;
        }
        Ok(())
    }

    fn season(&self, args: &UpArgs) -> Option<String> {
        season(&self.network, args.candidates.map(usize::from), |index, _| self.ingresses[index].url())
    }

    fn said(&self, args: &UpArgs, begun: Instant) -> String {
        let network = &self.network;
        let mut text = format!(
            "{} nodes, chain id {}, genesis {}, after {:.1} s\n",
            network.nodes.len(),
            network.chain_id,
            network.genesis_hash(),
            begun.elapsed().as_secs_f64()
        );
        for (index, node) in network.nodes.iter().enumerate() {
            let (ingress, address) = (self.ingresses[index].url(), node.address().unwrap_or("-"));
            let _ = writeln!(text, "  {:<12} {ingress:<24} {address:<42} pid {}", node.name(), node.pid());
        }
        if has_money(network) {
            let _ = writeln!(text, "funded test key: {}", args.dir.join("faucet.key").display());
        }
        match self.season(args) {
            Some(_) => {
                let _ = writeln!(text, "season file:     {}", args.dir.join("season.toml").display());
            }
            None => {
                text +=
                    "no season file: it takes a candidate, the reference and two controls (--candidates)\n";
            }
        }
        text
    }

    async fn answer(&mut self, request: Request) -> Answer {
        let (node, done) = match request {
            Request::Status => return Answer::Nodes(self.status().await),
            Request::Stop(node) => (node, "has ended"),
            Request::Start(node) => (node, "runs again"),
            Request::Pause(node) => (node, "stands still"),
            Request::Resume(node) => (node, "goes on"),
            Request::Kill(node) => (node, "was ended at once"),
            Request::Fault(node, _) => (node, ""),
        };
        let Some(known) = self.network.nodes.get(node) else {
            let last = self.network.nodes.len() - 1;
            return Answer::Refused(format!("there is no node {node}: they are numbered 0 to {last}"));
        };
        let name = known.name().to_owned();
        let what = match &request {
            Request::Stop(_) => known.stop().await,
            Request::Start(_) => self.network.restart(node).await,
            Request::Pause(_) | Request::Resume(_)
                if self.in_force(node).is_some() && self.held.contains_key(&node) =>
            {
                Err(anyhow::anyhow!(
                    "{name} is paused and resumed by a fault: take it off first (fault {node} none)"
                ))
            }
            Request::Pause(_) => known.pause(),
            Request::Resume(_) => known.resume(),
            Request::Kill(_) if known.is_running() => {
                known.kill();
                Ok(())
            }
            Request::Kill(_) => Err(anyhow::anyhow!("{name} has ended already")),
            Request::Fault(_, order) => return self.fault(node, *order),
            Request::Status => Ok(()),
        };
        match what {
            Ok(()) => Answer::Done(format!("{name} {done}")),
            Err(why) => Answer::Refused(format!("{why:#}")),
        }
    }

    /// Puts a fault on a node, in place of the one before.
    fn fault(&mut self, node: usize, order: Order) -> Answer {
        let network = &self.network;
        let known = &network.nodes[node];
        self.held.remove(&node);
        self.faults.remove(&node);
        self.ingresses[node].set(Fault::None);
        match order.place() {
            Place::Ingress(fault) => self.ingresses[node].set(fault),
            Place::Turns if known.address().is_none() => {
                return Answer::Refused(format!("{} is no validator: it has no turns", known.name()));
            }
            Place::Turns => {
                self.held.insert(node, Held::turns(network, node));
            }
            Place::Cpu(percent) => {
                self.held.insert(node, Held::cpu(network, node, percent));
            }
        }
        if order.place() == Place::Ingress(Fault::None) {
            return Answer::Done(format!("{} behaves well again", known.name()));
        }
        self.faults.insert(node, order);
        Answer::Done(format!("{}: {order}, which must be seen by {}", known.name(), order.seen_by()))
    }

    /// The fault on a node; one of its process ends with the process.
    fn in_force(&self, node: usize) -> Option<Order> {
        let ended = self.held.get(&node).is_some_and(Held::has_ended);
        self.faults.get(&node).copied().filter(|_| !ended)
    }

    async fn status(&self) -> Vec<NodeStatus> {
        let mut all = Vec::new();
        for (index, node) in self.network.nodes.iter().enumerate() {
            let running = node.is_running();
            all.push(NodeStatus {
                node: index,
                name: node.name().to_owned(),
                validator: node.address().map(str::to_owned),
                rpc: self.ingresses[index].url(),
                behind: node.rpc_url(),
                pid: running.then(|| node.pid()),
                head: if running { node.head().await.ok() } else { None },
                faults: self.in_force(index).map(|fault| fault.to_string()).into_iter().collect(),
            });
        }
        all
    }
}
