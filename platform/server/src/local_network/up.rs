//! `touchstone localnet up`: a network of a chain's own nodes on this machine, with a season file ready for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use challenges::driver::{Driver, of_family};
use localnet::{AnvilOptions, CometOptions, FUNDED_KEY, GethOptions, KaiaOptions, Network};

use super::control::{Answer, Desk, NodeStatus, Request};
use super::doors::Doors;
use super::fault::Order;
use super::put::{put, take_off};
use super::season_file::season;
use super::turns::Held;
use super::{Family, UpArgs};
use crate::serve::told_to_end;

/// Between two looks at the nodes.
const LOOK: Duration = Duration::from_millis(500);
/// A network of which no node has run for so long is given up: before that, one can be started again.
const ALL_ENDED: Duration = Duration::from_secs(60);

/// A network that is up, and the faults put on it. Nodes go by their doors, of which a single node has several.
struct Up {
    doors: Doors,
    /// By door.
    faults: BTreeMap<usize, Order>,
    /// Faults of processes, by door.
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
    let hint = if args.family == Family::Kaia { ", which takes half a minute" } else { "" };
    eprintln!("starting {}{hint} ...", args.family.name());
    let network = Arc::new(start(args).await?);
    let doors = Doors::open(Arc::clone(&network), args.candidates.map(usize::from), args.ports())?;
    let mut up = Up { doors, faults: BTreeMap::new(), held: BTreeMap::new() };
    up.write(args)?;
    print!("{}", up.said(args, begun));
    eprintln!("Ctrl-C ends it; `touchstone localnet --help` says what can be done with it meanwhile");
    tokio::select! {
        () = told_to_end() => {}
        () = tell_of_ends(&network) => {}
        () = desk.serve(async |request| up.answer(request).await) => {}
    }
    eprintln!("ending its nodes ...");
    network.stop().await;
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
    let (ports, is_kaia) = (args.ports(), args.family == Family::Kaia);
    ensure!(is_kaia || args.nodes.is_empty() && !args.klaytn, "--node and --klaytn are for --family kaia");
    match args.family {
        Family::Geth => {
            let usual = GethOptions::new(&args.dir);
            let (sealers, others) = (validators(6), others.unwrap_or(1));
            GethOptions { binary: args.bin.clone(), sealers, others, ports, ..usual }.start().await
        }
        Family::Cometbft => {
            let (validators, others) = (validators(7), others.unwrap_or(0));
            let binary = args.bin.clone();
            CometOptions { binary, validators, others, ports, ..CometOptions::new(&args.dir) }.start().await
        }
        Family::Kaia => {
            ensure!(
                others.unwrap_or(0) == 0,
                "--others: Kaia's consensus nodes take nobody else as a peer; raise --validators instead"
            );
            let binaries = args.nodes.iter().map(|node| (node.number, node.binary.clone())).collect();
            let (binary, klaytn) = (args.bin.clone(), args.klaytn);
            let validators = validators(7);
            let usual = KaiaOptions::new(&args.dir);
            KaiaOptions { binary, binaries, validators, klaytn, ports, ..usual }.start().await
        }
        Family::Anvil => {
            ensure!(
                args.validators.is_none() && others.unwrap_or(0) == 0,
                "--validators and --others: anvil is one node, which makes every block; choose --candidates instead"
            );
            AnvilOptions { binary: args.bin.clone(), ports, ..AnvilOptions::new(&args.dir) }.start().await
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
        if has_money(self.doors.network()) {
            write("faucet.key", &format!("{FUNDED_KEY}\n"))?;
        }
        if let Some(season) = self.season(args) {
            write("season.toml", &season)?;
        }
        Ok(())
    }

    fn season(&self, args: &UpArgs) -> Option<String> {
        let strange: Vec<usize> = args.nodes.iter().map(|node| node.number).collect();
        season(&self.doors, &strange, args.candidates.map(usize::from))
    }

    fn said(&self, args: &UpArgs, begun: Instant) -> String {
        let network = self.doors.network();
        let mut text = format!(
            "{} node(s), chain id {}, genesis {}, after {:.1} s\n",
            network.nodes.len(),
            network.chain_id,
            network.genesis_hash(),
            begun.elapsed().as_secs_f64()
        );
        for door in 0..self.doors.count() {
            let (node, name, rpc) = (self.doors.node(door), self.doors.name(door), self.doors.rpc(door));
            let address = node.address().unwrap_or("-");
            let _ = writeln!(text, "  {name:<12} {rpc:<24} {address:<42} pid {}", node.pid());
        }
        if self.doors.lead_to_one_node() {
            text += "every door leads to the same node: only what the doors do differently shows (localnet fault)\n";
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
        let (door, done) = match request {
            Request::Status => return Answer::Nodes(self.status().await),
            Request::Stop(door) => (door, "has ended"),
            Request::Start(door) => (door, "runs again"),
            Request::Pause(door) => (door, "stands still"),
            Request::Resume(door) => (door, "goes on"),
            Request::Kill(door) => (door, "was ended at once"),
            Request::Fault(door, _) => (door, ""),
        };
        if door >= self.doors.count() {
            let last = self.doors.count() - 1;
            return Answer::Refused(format!("there is no node {door}: they are numbered 0 to {last}"));
        }
        let known = self.doors.node(door);
        let name = known.name().to_owned();
        let what = match &request {
            Request::Stop(_) => known.stop().await,
            Request::Start(_) => self.doors.network().restart(self.doors.node_index(door)).await,
            Request::Pause(_) | Request::Resume(_) if self.is_held(door) => Err(anyhow::anyhow!(
                "{name} has a fault at its process: take it off first (fault {door} none)"
            )),
            Request::Pause(_) => known.pause(),
            Request::Resume(_) => known.resume(),
            Request::Kill(_) if known.is_running() => {
                known.kill();
                Ok(())
            }
            Request::Kill(_) => Err(anyhow::anyhow!("{name} has ended already")),
            Request::Fault(_, order) => return self.fault(door, *order).await,
            Request::Status => Ok(()),
        };
        match what {
            Ok(()) => Answer::Done(format!("{name} {done}")),
            Err(why) => Answer::Refused(format!("{why:#}")),
        }
    }

    /// Puts a fault on a node, in place of the one before.
    async fn fault(&mut self, door: usize, order: Order) -> Answer {
        let name = self.doors.name(door);
        self.held.remove(&door);
        let before = self.faults.remove(&door);
        let restored = match before {
            Some(before) => take_off(&self.doors, door, before).await,
            None => Ok(()),
        };
        let put = match restored {
            Ok(()) => put(&self.doors, door, order).await,
            Err(why) => Err(why),
        };
        match put {
            Ok(held) => self.held.extend(held.map(|held| (door, held))),
            Err(why) => return Answer::Refused(format!("{why:#}")),
        }
        if order.is_none() {
            return Answer::Done(format!("{name} behaves well again"));
        }
        self.faults.insert(door, order);
        Answer::Done(match order.kind().seen_by {
            [] => format!("{name}: {order}, which nothing sees yet"),
            _ => format!("{name}: {order}, which must be seen by {}", order.kind().sights()),
        })
    }

    /// Whether a fault holds the process of the node behind a door.
    fn is_held(&self, door: usize) -> bool {
        let node = self.doors.node_index(door);
        self.held.iter().any(|(door, held)| self.doors.node_index(*door) == node && !held.has_ended())
    }

    /// The fault on a door; one of its process ends with the process.
    fn in_force(&self, door: usize) -> Option<Order> {
        let ended = self.held.get(&door).is_some_and(Held::has_ended);
        self.faults.get(&door).copied().filter(|_| !ended)
    }

    async fn status(&self) -> Vec<NodeStatus> {
        let mut all = Vec::new();
        for door in 0..self.doors.count() {
            let node = self.doors.node(door);
            let running = node.is_running();
            all.push(NodeStatus {
                node: door,
                name: self.doors.name(door),
                validator: node.address().map(str::to_owned),
                rpc: self.doors.rpc(door),
                behind: node.rpc_url(),
                pid: running.then(|| node.pid()),
                head: if running { node.head().await.ok() } else { None },
                faults: self.in_force(door).map(|fault| fault.to_string()).into_iter().collect(),
            });
        }
        all
    }
}
