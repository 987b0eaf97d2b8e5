//! `touchstone network check`: the network of a season file, as its nodes show it now.

mod members;
mod verdict;

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{anyhow, bail};
use challenges::driver::{Block, Context, Driver, Identity, of_family};
use challenges::engine::preflight::inspect;
use challenges::http::{BLOCK_BODY, LOAD_BODY, Target, loopback};
use futures_util::future::join_all;
use model::{Network, Role};
use serde::Serialize;

pub use self::members::Members;
use self::verdict::{MOVES, apart, common_height, gained, in_words, judge, summed_up};

/// Between two looks at the heads.
const PAUSE: Duration = Duration::from_secs(4);
/// So long at the most, until blocks are made: on Kaia a round that fails takes ten seconds.
const WAITS: Duration = Duration::from_secs(20);
/// Committees that are looked at.
const COMMITTEES: usize = 20;
const DEADLINE: Duration = Duration::from_secs(5);

/// What can be asked about a network.
#[derive(Debug, clap::Subcommand)]
pub enum NetworkAction {
    /// Hold a season or network file against the live network; sends no load
    #[command(after_help = HELP)]
    Check {
        /// The season file, or one that has only its [network] and [[operator]] tables
        file: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

const HELP: &str = "\
Looks at the reference and at every operator's node: chain id, genesis, version, head and whether it advances, the hash
of one block that all must share, its signatures where the family has them, how far its clock is from this machine's
(by the date of its answers, to the second), who is seated, and which share of the seats the controls and the reference
hold in each of the last committees. It waits for two blocks, for 20 s and the time that the slowest node takes to
answer. Exit status: 0 all well, 1 something is to be mended: at a node, or a network that stands still, or one of whose
seats controls and reference hold too few for the season's key-change.
  touchstone network check season.toml
  touchstone network check season.toml --json";

/// One node as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NodeReport {
    /// `reference`, or the operator's identifier.
    pub name: String,
    /// `reference`, `control`, `candidate`.
    pub role: &'static str,
    /// Client name and version.
    pub client: Option<String>,
    /// Head at the second look.
    pub head: Option<u64>,
    /// Blocks gained between the two looks.
    pub gained: Option<u64>,
    /// Hash of the block that all are compared by.
    pub hash: Option<String>,
    /// How far its clock is before this machine's (below 0: behind) at the least, milliseconds; 0 where the second that
    /// it tells may be ours, none where it tells none.
    pub clock_ms: Option<i64>,
    /// Its validator, and whether it is seated.
    pub seated: Option<bool>,
    /// What is to be mended; empty when nothing is.
    pub faults: Vec<String>,
}

/// The network as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NetworkReport {
    /// Every node.
    pub nodes: Vec<NodeReport>,
    /// The height at which blocks were compared.
    pub compared_at: Option<u64>,
    /// How many committees were looked at: of that block and of those below it.
    pub committees: usize,
    /// Members of the one of which controls and reference hold the least share; none where the family does not tell.
    pub committee: Vec<String>,
    /// Seats of it that the controls hold, and the reference.
    pub controls_hold: usize,
    /// What is to be mended of the whole.
    pub faults: Vec<String>,
    /// What is to be said of the whole, a sentence each; not a fault by itself.
    pub notes: Vec<String>,
}

struct Looked {
    report: NodeReport,
    rpc: String,
    validator: Option<String>,
    block: Option<Block>,
    /// Everybody who had a seat at that block: committees may be drawn from them.
    council: Vec<String>,
    depth: u64,
}

/// Does what the command line says.
///
/// # Errors
/// In words; also when something is to be mended.
pub async fn run(action: &NetworkAction) -> anyhow::Result<()> {
    let NetworkAction::Check { file, json } = action;
    let report = look(&members::read(file)?).await?;
    if *json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", in_words(&report));
    }
    let faults = report.faults.len() + report.nodes.iter().map(|node| node.faults.len()).sum::<usize>();
    if faults > 0 {
        bail!("{faults} to be mended");
    }
    Ok(())
}

/// Looks at a network.
///
/// # Errors
/// When there is no driver for its family.
pub async fn look(members: &Members) -> anyhow::Result<NetworkReport> {
    let driver = of_family(&members.network.family).map_err(|why| anyhow!(why))?;
    let mut nodes = looked_at(members);
    // All at once, here and below: who is silent costs its time-out once, and not once for each.
    join_all(nodes.iter_mut().map(async |node| {
        identify(driver, node, &members.network).await;
        if node.report.client.is_some() {
            node.report.clock_ms = clock(driver, &node.rpc).await;
        }
    }))
    .await;
    let first = heads(driver, &nodes).await;
    let began = Instant::now();
    while began.elapsed() < WAITS {
        tokio::time::sleep(PAUSE).await;
        let now = heads(driver, &nodes).await;
        for ((node, before), now) in nodes.iter_mut().zip(&first).zip(now) {
            node.report.head = now;
            node.report.gained = before.zip(now).map(|(before, now)| now.saturating_sub(before));
        }
        if gained(&nodes) >= MOVES {
            break;
        }
    }
    let compared_at = common_height(&nodes);
    if let Some(height) = compared_at {
        join_all(nodes.iter_mut().map(|node| fetch(driver, node, height))).await;
    }
    judge(&mut nodes);
    let committees = committees(driver, &nodes).await;
    Ok(summed_up(nodes, compared_at, &committees, members.can_halt))
}

/// Who was seated at the block that all are compared by and at those below it, from the first node that shows it.
async fn committees(driver: &dyn Driver, nodes: &[Looked]) -> Vec<Vec<String>> {
    let shown = nodes.iter().find_map(|node| node.block.as_ref().map(|block| (node, block)));
    let Some((node, block)) = shown else { return Vec::new() };
    let mut committees = vec![block.committee.clone()];
    if block.committee.is_empty() {
        return committees;
    }
    let Ok(address) = loopback(&node.rpc) else { return committees };
    let target = Target::new(address, None);
    let Some(context) = context(driver, &target).await else { return committees };
    for height in (1..block.height).rev().take(COMMITTEES - 1) {
        let reply = target.post(&driver.block_request(height, context), BLOCK_BODY, DEADLINE).await;
        let block = reply.ok().and_then(|reply| driver.block(&reply).ok().flatten());
        // Who does not show it has shown others: that it has faults is told of the one that all are compared by.
        let Some(block) = block.filter(|block| block.height == height) else { break };
        committees.push(block.committee);
    }
    committees
}

fn looked_at(members: &Members) -> Vec<Looked> {
    let one = |name: &str, role, rpc: &str, validator: Option<String>| Looked {
        report: NodeReport { name: name.into(), role, ..NodeReport::default() },
        rpc: rpc.into(),
        validator,
        block: None,
        council: Vec::new(),
        depth: 0,
    };
    let validator = members.reference_validator.clone();
    let reference = one("reference", "reference", &members.reference, validator);
    let operators = members.operators.iter().map(|(operator, rpc)| {
        let role = if operator.role == Role::Control { "control" } else { "candidate" };
        one(operator.id.as_str(), role, rpc, operator.validator.clone())
    });
    [reference].into_iter().chain(operators).collect()
}

async fn identify(driver: &dyn Driver, node: &mut Looked, network: &Network) {
    let faults = &mut node.report.faults;
    match inspect(driver, &node.rpc).await {
        Ok(Identity { chain_id, genesis, client, finality_depth }) => {
            if chain_id != network.chain_id {
                faults.push(format!("is on chain {chain_id}, the season on {}", network.chain_id));
            }
            if genesis != network.genesis {
                faults.push(format!("has genesis {genesis}, the season {}", network.genesis));
            }
            node.report.client = Some(client);
            node.depth = finality_depth;
        }
        Err(why) => faults.push(why),
    }
}

/// Of all at one time: a slow node must not make those asked after it look ahead of the others.
async fn heads(driver: &dyn Driver, nodes: &[Looked]) -> Vec<Option<u64>> {
    join_all(nodes.iter().map(|node| head(driver, &node.rpc))).await
}

pub(crate) async fn head(driver: &dyn Driver, rpc: &str) -> Option<u64> {
    let target = Target::new(loopback(rpc).ok()?, None);
    let reply = target.post(&driver.head_request(), LOAD_BODY, DEADLINE).await.ok()?;
    driver.head(&reply).ok()
}

async fn clock(driver: &dyn Driver, rpc: &str) -> Option<i64> {
    let target = Target::new(loopback(rpc).ok()?, None);
    let asked = SystemTime::now();
    let told = target.clock(&driver.head_request(), DEADLINE).await?;
    let [asked, told, answered] = [asked, told, SystemTime::now()].map(unix_ms);
    Some(apart(asked, told, answered))
}

fn unix_ms(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

pub(crate) async fn context(driver: &dyn Driver, target: &Target) -> Option<Context> {
    let reply = target.post(&driver.context_request(), BLOCK_BODY, DEADLINE).await.ok()?;
    driver.context(&reply).ok()
}

async fn fetch(driver: &dyn Driver, node: &mut Looked, height: u64) {
    let Ok(address) = loopback(&node.rpc) else { return };
    let target = Target::new(address, None);
    let Some(context) = context(driver, &target).await else {
        if node.report.faults.is_empty() && node.report.head.is_some() {
            node.report
                .faults
                .push("does not tell its price of a transaction: its blocks were not asked for".into());
        }
        return;
    };
    let has_it = node.report.head.is_some_and(|head| head >= height);
    let Ok(reply) = target.post(&driver.block_request(height, context), BLOCK_BODY, DEADLINE).await else {
        node.report.faults.push(format!("does not show block {height}"));
        return;
    };
    match driver.block(&reply) {
        Ok(Some(block)) if block.height != height => {
            let told = block.height;
            node.report.faults.push(format!("was asked for block {height} and told block {told}"));
        }
        Ok(None) if has_it => node.report.faults.push(format!("says that it does not have block {height}")),
        Ok(block) => {
            node.report.hash = block.as_ref().map(|block| block.hash.clone());
            let council = block.as_ref().and_then(|block| driver.council(&reply, block).ok());
            node.council = council.unwrap_or_default();
            node.block = block;
        }
        Err(why) => node.report.faults.push(why.to_string()),
    }
}
