//! `touchstone network check`: the network of a season file, as its nodes show it now.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{anyhow, bail};
use challenges::driver::{Block, Context, Driver, Identity, of_family};
use challenges::engine::preflight::inspect;
use challenges::http::{BLOCK_BODY, LOAD_BODY, Target, loopback};
use model::{Network, Role};
use serde::Serialize;

use crate::season::file::{self, Declared};

/// Between two looks at the heads.
const PAUSE: Duration = Duration::from_secs(4);
const DEADLINE: Duration = Duration::from_secs(5);
/// Blocks that a node may be behind the highest head.
const BEHIND: u64 = 3;
/// A clock that is surely so far from ours is a fault, milliseconds: a Kaia node ends itself when it is a second out.
const CLOCK_MS: i64 = 1_000;

/// What can be asked about a network.
#[derive(Debug, clap::Subcommand)]
pub enum NetworkAction {
    /// Hold a season file against the live network; sends no load
    #[command(after_help = HELP)]
    Check {
        /// The season file
        file: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

const HELP: &str = "\
Looks at the reference and at every operator's node: chain id, genesis, version, head and whether it advances, the hash
of one block that all must share, its signatures where the family has them, how far its clock is from this machine's
(by the date of its answers, to the second), who is seated, and which share of the seats the controls hold. Exit status: 0 all well, 1 something is to be mended.
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
    /// Members of the committee there; none where the family does not tell.
    pub committee: Vec<String>,
    /// Seats that the controls hold.
    pub controls_hold: usize,
    /// What is to be said of the whole, a sentence each; not a fault by itself.
    pub notes: Vec<String>,
}

struct Looked {
    report: NodeReport,
    rpc: String,
    validator: Option<String>,
    block: Option<Block>,
    depth: u64,
}

/// Does what the command line says.
///
/// # Errors
/// In words; also when something is to be mended.
pub async fn run(action: &NetworkAction) -> anyhow::Result<()> {
    let NetworkAction::Check { file, json } = action;
    let report = look(&file::read_open(file)?).await?;
    if *json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", in_words(&report));
    }
    let faults: usize = report.nodes.iter().map(|node| node.faults.len()).sum();
    if faults > 0 {
        bail!("{faults} to be mended");
    }
    Ok(())
}

/// Looks at a season's network.
///
/// # Errors
/// When there is no driver for its family.
pub async fn look(declared: &Declared) -> anyhow::Result<NetworkReport> {
    let driver = of_family(&declared.network.family).map_err(|why| anyhow!(why))?;
    let mut nodes = looked_at(declared);
    for node in &mut nodes {
        identify(driver, node, &declared.network).await;
        node.report.clock_ms = clock(driver, &node.rpc).await;
        node.report.head = head(driver, &node.rpc).await;
    }
    tokio::time::sleep(PAUSE).await;
    for node in &mut nodes {
        let before = node.report.head;
        node.report.head = head(driver, &node.rpc).await;
        node.report.gained = before.zip(node.report.head).map(|(before, now)| now.saturating_sub(before));
    }
    let compared_at = common_height(&nodes);
    if let Some(height) = compared_at {
        for node in &mut nodes {
            fetch(driver, node, height).await;
        }
    }
    judge(&mut nodes);
    Ok(summed_up(nodes, compared_at))
}

fn looked_at(declared: &Declared) -> Vec<Looked> {
    let one = |name: &str, role, rpc: &str, validator: Option<String>| Looked {
        report: NodeReport { name: name.into(), role, ..NodeReport::default() },
        rpc: rpc.into(),
        validator,
        block: None,
        depth: 0,
    };
    let reference = one("reference", "reference", &declared.reference, None);
    let operators = declared.operators.iter().map(|(operator, rpc)| {
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

async fn head(driver: &dyn Driver, rpc: &str) -> Option<u64> {
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

/// How far a clock is from ours at the least, that told the second `told` somewhen between `asked` and `answered` by
/// ours; all milliseconds.
fn apart(asked: i64, told: i64, answered: i64) -> i64 {
    let (least, most) = (told.saturating_sub(answered), told.saturating_add(999).saturating_sub(asked));
    if least > 0 { least } else { most.min(0) }
}

async fn context(driver: &dyn Driver, target: &Target) -> Option<Context> {
    let reply = target.post(&driver.context_request(), 4 * LOAD_BODY, DEADLINE).await.ok()?;
    driver.context(&reply).ok()
}

/// The newest height that every node that is not far behind must have, as final.
fn common_height(nodes: &[Looked]) -> Option<u64> {
    let highest = nodes.first().and_then(|node| node.report.head).unwrap_or_else(|| median_head(nodes));
    let depth = nodes.iter().map(|node| node.depth).max().unwrap_or(0);
    highest.checked_sub(BEHIND + depth).filter(|height| *height > 0)
}

/// The head in the middle; 0 when nobody tells one.
fn median_head(nodes: &[Looked]) -> u64 {
    let mut heads: Vec<u64> = nodes.iter().filter_map(|node| node.report.head).collect();
    heads.sort_unstable();
    heads.get(heads.len() / 2).copied().unwrap_or(0)
}

async fn fetch(driver: &dyn Driver, node: &mut Looked, height: u64) {
    let Ok(address) = loopback(&node.rpc) else { return };
    let target = Target::new(address, None);
    let Some(context) = context(driver, &target).await else { return };
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
            node.block = block;
        }
        Err(why) => node.report.faults.push(why.to_string()),
    }
}

/// What only shows beside the others: who is behind, who stands still, whose block is another.
fn judge(nodes: &mut [Looked]) {
    // The reference is believed; without it, what most say.
    let reference = nodes.first().and_then(|node| node.report.head);
    let highest = reference.unwrap_or_else(|| median_head(nodes));
    let advances = nodes.iter().any(|node| node.report.gained.is_some_and(|gained| gained > 0));
    let mut votes: BTreeMap<String, usize> = BTreeMap::new();
    for hash in nodes.iter().filter_map(|node| node.report.hash.clone()) {
        *votes.entry(hash).or_default() += 1;
    }
    let most = votes.iter().max_by_key(|(_, votes)| **votes).map(|(hash, _)| hash.clone());
    let shared = nodes.first().and_then(|node| node.report.hash.clone()).or(most);
    let committee = nodes.iter().find_map(|node| node.block.as_ref()).map(|block| block.committee.clone());
    for node in nodes {
        let faults = &mut node.report.faults;
        match (node.report.head, node.report.gained) {
            (None, _) if faults.is_empty() => faults.push("tells no head".into()),
            (Some(head), _) if head.saturating_add(BEHIND) < highest => {
                faults.push(format!("is {} blocks behind", highest - head));
            }
            (Some(head), _) if highest.saturating_add(BEHIND) < head => {
                faults.push(format!("tells head {head}, far above the others' {highest}"));
            }
            (Some(_), Some(0)) if advances => faults.push("stands still while others advance".into()),
            _ => {}
        }
        if let Some(ms) = node.report.clock_ms.filter(|ms| ms.abs() >= CLOCK_MS) {
            let (seconds, side) = (ms.abs() as f64 / 1_000.0, if ms > 0 { "before" } else { "behind" });
            faults.push(format!("its clock is {seconds:.1} s or more {side} this machine's"));
        }
        if let (Some(hash), Some(shared)) = (&node.report.hash, &shared)
            && hash != shared
        {
            faults.push(format!("shows block {hash} where others show {shared}"));
        }
        if let (Some(validator), Some(committee)) = (&node.validator, &committee)
            && !committee.is_empty()
        {
            let seated = committee.iter().any(|member| member.eq_ignore_ascii_case(validator));
            node.report.seated = Some(seated);
            if !seated {
                faults.push(format!("its validator {validator} is not seated"));
            }
        }
    }
}

fn summed_up(nodes: Vec<Looked>, compared_at: Option<u64>) -> NetworkReport {
    let committee = nodes.iter().find_map(|node| node.block.as_ref());
    let committee = committee.map(|block| block.committee.clone()).unwrap_or_default();
    let is_held = |node: &&Looked| node.report.role == "control" && node.report.seated == Some(true);
    let controls_hold = nodes.iter().filter(is_held).count();
    let mut notes = Vec::new();
    if committee.is_empty() {
        notes.push("the family does not tell who is seated: no duty, no key-change".into());
    } else if controls_hold * 3 <= committee.len() * 2 {
        notes
            .push("controls hold two thirds or less: what can stop a chain (key-change) does not run".into());
    }
    let clients = |role: &str| -> BTreeSet<String> {
        let of = nodes.iter().filter(|node| node.report.role == role);
        of.filter_map(|node| node.report.client.clone()).collect()
    };
    for client in clients("candidate").difference(&clients("control")) {
        notes.push(format!("no control runs {client}: what it fails cannot be told from its release"));
    }
    if nodes.iter().all(|node| node.report.gained.unwrap_or(0) == 0) {
        notes.push("no head advances: the network stands still".into());
    }
    let nodes = nodes.into_iter().map(|node| node.report).collect();
    NetworkReport { nodes, compared_at, committee, controls_hold, notes }
}

fn in_words(report: &NetworkReport) -> String {
    let mut text = String::new();
    let or = |told: Option<String>| told.unwrap_or_else(|| "-".into());
    for node in &report.nodes {
        let head = or(node.head.map(|head| head.to_string()));
        let gained = or(node.gained.map(|gained| format!("+{gained}")));
        let hash = or(node.hash.as_ref().map(|hash| hash.chars().take(12).collect()));
        let seat = match node.seated {
            Some(true) => "seated",
            Some(false) => "not seated",
            None => "",
        };
        let clock = or(node.clock_ms.map(|ms| if ms == 0 { "ok".into() } else { format!("{ms:+} ms") }));
        text += &format!(
            "{:<14} {:<10} head {head:<9} {gained:<5} {hash:<13} clock {clock:<8} {seat:<10} {}\n",
            node.name,
            node.role,
            or(node.client.clone())
        );
        for fault in &node.faults {
            text += &format!("  FAULT  {fault}\n");
        }
    }
    if let Some(height) = report.compared_at {
        text += &format!("blocks compared at height {height}\n");
    }
    if !report.committee.is_empty() {
        text += &format!("controls hold {} of {} seats\n", report.controls_hold, report.committee.len());
    }
    for note in &report.notes {
        text += &format!("note: {note}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Turn;

    fn node(name: &str, role: &'static str, head: u64, hash: &str) -> Looked {
        let turn = Turn { proposer: "0xa".into(), round: 0, failed: vec![], barred: vec![], absent: None };
        let block = Block {
            height: 90,
            hash: hash.into(),
            transactions: vec![],
            turn: Some(turn),
            committee: ["0xa", "0xb", "0xc"].map(str::to_owned).into(),
            next: None,
        };
        let report = NodeReport {
            name: name.into(),
            role,
            client: Some("c/1".into()),
            head: Some(head),
            gained: Some(4),
            hash: Some(hash.into()),
            ..NodeReport::default()
        };
        Looked { report, rpc: String::new(), validator: None, block: Some(block), depth: 0 }
    }

    #[test]
    fn who_differs_from_the_others_is_told() {
        let mut nodes = vec![
            node("reference", "reference", 100, "0x1"),
            node("behind", "candidate", 90, "0x1"),
            node("parted", "candidate", 100, "0x2"),
            node("still", "control", 99, "0x1"),
            node("stranger", "control", 100, "0x1"),
        ];
        nodes[3].report.gained = Some(0);
        nodes[3].validator = Some("0xA".into());
        nodes[4].validator = Some("0xdd".into());
        judge(&mut nodes);
        let faults: Vec<String> = nodes.iter().map(|node| node.report.faults.join("; ")).collect();
        assert_eq!(faults[0], "");
        assert_eq!(faults[1], "is 10 blocks behind");
        assert_eq!(faults[2], "shows block 0x2 where others show 0x1");
        assert_eq!(faults[3], "stands still while others advance");
        assert_eq!(faults[4], "its validator 0xdd is not seated");
        let report = summed_up(nodes, Some(90));
        assert_eq!(report.controls_hold, 1);
        assert!(report.notes[0].contains("two thirds"), "{:?}", report.notes);
        assert!(in_words(&report).contains("controls hold 1 of 3 seats"));
    }

    #[test]
    fn a_clock_is_judged_by_what_the_second_told_allows() {
        assert_eq!(apart(5_400, 5_000, 5_450), 0, "the second is ours");
        assert_eq!(apart(5_990, 5_000, 6_020), 0, "it was when it was told");
        assert_eq!(apart(5_400, 8_000, 5_450), 2_550);
        assert_eq!(apart(5_400, 3_000, 5_450), -1_401);
        let mut nodes = vec![node("reference", "reference", 100, "0x1"), node("a", "candidate", 100, "0x1")];
        nodes[1].report.clock_ms = Some(-1_401);
        judge(&mut nodes);
        assert_eq!(nodes[1].report.faults, ["its clock is 1.4 s or more behind this machine's"]);
        nodes[0].report.clock_ms = Some(0);
        let words = in_words(&summed_up(nodes, None));
        assert!(words.contains("clock ok") && words.contains("clock -1401 ms"), "{words}");
    }

    #[test]
    fn a_network_that_stands_still_is_nobodys_fault() {
        let mut nodes = vec![node("reference", "reference", 100, "0x1"), node("a", "candidate", 100, "0x1")];
        for node in &mut nodes {
            node.report.gained = Some(0);
        }
        judge(&mut nodes);
        assert!(nodes.iter().all(|node| node.report.faults.is_empty()));
        assert!(summed_up(nodes, None).notes.iter().any(|note| note.contains("stands still")));
    }
}
