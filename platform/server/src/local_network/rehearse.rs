//! `touchstone localnet rehearse`: a season's plans that can stop a chain, on a throwaway network first.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, anyhow, bail, ensure};
use challenges::driver::of_family;
use challenges::engine::ceiling::ceiling_for;
use challenges::faucet::Faucet;
use localnet::{FUNDED_KEY, KaiaOptions, Network as LocalNetwork, Node};
use model::plan::LaneKind;
use model::trial::Hazard;
use model::work::{Endpoint, Work};
use model::{Digest, Ended, Evidence, Network, RunKey, Trial};

use crate::challenge::measure;
use crate::progress::Progress;
use crate::season::rehearsal::{self, Rehearsal};
use crate::season::{conduct, file, secret};

/// Nodes of the throwaway network, all healthy: the smallest that goes on with one missing.
const NODES: usize = 4;
/// Of the key changes sent, so many must have landed, per mille.
const LANDED: u64 = 950;

/// Options of `localnet rehearse`.
#[derive(Debug, clap::Args)]
pub struct RehearseArgs {
    /// The season file
    pub file: PathBuf,
    /// Node program of a release that controls or reference run: try each of them [default: KCN_BIN, PATH]
    #[arg(long, value_name = "PATH")]
    pub bin: Option<PathBuf>,
    /// A genesis and flags that Klaytn releases back to v1.7 accept
    #[arg(long)]
    pub klaytn: bool,
}

/// Tries every plan of the season that can stop a chain on a network of its own, and keeps what passed beside the
/// season file.
///
/// # Errors
/// When the network cannot be had, or a plan did not pass: it must not go to the season's network.
pub async fn run(args: &RehearseArgs, binary: &Path) -> anyhow::Result<()> {
    // A file to which candidates apply has none yet.
    let declared = file::read_open(&args.file)?;
    ensure!(
        declared.network.family == "kaia",
        "only seasons of family kaia have plans that can stop a chain"
    );
    let is_hazard = |trial: &&Trial| trial.parameters.challenge().hazard() == Hazard::Chain;
    let trials: Vec<&Trial> = declared.trials.iter().filter(is_hazard).collect();
    if trials.is_empty() {
        println!("{}: no plan that can stop a chain, nothing to rehearse", args.file.display());
        return Ok(());
    }
    let folder = tempfile::tempdir().context("make a folder for the network")?;
    eprintln!("starting a network of {NODES} nodes for this only (half a minute) ...");
    let options = KaiaOptions {
        binary: args.bin.clone(),
        klaytn: args.klaytn,
        validators: NODES,
        ..KaiaOptions::new(folder.path().join("net"))
    };
    let network = options.start().await?;
    for trial in trials {
        let evidence = one(&network, trial, binary).await?;
        passed(&evidence).map_err(|why| {
            anyhow!(
                "trial {} did NOT pass on {}: {why}; it must not be sent to the season's network",
                trial.id,
                evidence.client
            )
        })?;
        let (client, plan, evidence) =
            (evidence.client.clone(), Digest::of(&trial.parameters), Digest::of(&evidence));
        let at_ms = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64;
        println!("trial {} passed on {client}", trial.id);
        rehearsal::add(&args.file, Rehearsal { client, plan, evidence, at_ms })?;
    }
    println!("kept in {}", rehearsal::place(&args.file).display());
    Ok(())
}

/// One run of a trial's plan, through the first node, among healthy ones.
async fn one(network: &LocalNetwork, trial: &Trial, binary: &Path) -> anyhow::Result<Evidence> {
    let endpoint =
        |node: &Node| Endpoint { rpc: node.rpc_url(), validator: node.address().map(str::to_owned) };
    let [target, near, distant, reference] = network.nodes.as_slice() else {
        bail!("{NODES} nodes are needed")
    };
    let run = RunKey { window: 1, trial: trial.id.clone(), operator: "rehearsal".parse()?, attempt: 1 };
    let work = Work {
        seed: run.seed(&secret::random_seed()?),
        run,
        parameters: trial.parameters.clone(),
        network: Network {
            family: network.family.into(),
            chain_id: network.chain_id,
            genesis: network.genesis_hash().to_owned(),
            incarnation: 1,
        },
        target: endpoint(target),
        reference: Some(endpoint(reference)),
        controls: [near, distant].map(endpoint).into(),
        healthy: network.validators().filter_map(Node::address).map(str::to_owned).collect(),
        ceiling: ceiling_for(trial.parameters.peak_rate()),
        lease_ms: Duration::from_secs(3_600).as_millis() as u64,
    };
    let driver = of_family(network.family).map_err(anyhow::Error::msg)?;
    let (through, told_by) = (near.rpc_url(), reference.rpc_url());
    let faucet =
        Faucet::new(driver, FUNDED_KEY, network.chain_id, &through, &told_by).map_err(anyhow::Error::msg)?;
    faucet.fund(&[(work.seed, work.parameters.clone())]).await.map_err(anyhow::Error::msg)?;
    let name = work.run.trial.to_string();
    measure(work, binary, Progress::new(true).run(&name)).await
}

/// Whether healthy nodes took the plan as they must: it ran to its end, no turn failed, no chain parted, and every key
/// change that landed was executed.
fn passed(evidence: &Evidence) -> Result<(), String> {
    if evidence.ended != Ended::Completed {
        return Err(conduct::ended(evidence.ended).into());
    }
    let failed =
        evidence.blocks.iter().filter(|block| block.turn.as_ref().is_some_and(|turn| turn.round > 0));
    let heights: Vec<u64> = failed.map(|block| block.height).collect();
    if !heights.is_empty() {
        return Err(format!("turns failed at heights {heights:?}"));
    }
    if let Some(parting) = evidence.partings.first() {
        return Err(format!("the chains of two nodes parted at height {}", parting.height));
    }
    let lanes = evidence.phases.iter().flat_map(|phase| &phase.lanes);
    let changes: Vec<_> = lanes.filter(|lane| lane.kind == LaneKind::KeyChange).collect();
    let offered: u64 = changes.iter().map(|lane| lane.offered).sum();
    let landed: u64 = changes.iter().map(|lane| lane.landed).sum();
    let refused =
        changes.iter().flat_map(|lane| &lane.transactions).filter(|one| one.landed().is_some() && one.3 == 0);
    match refused.count() {
        0 if landed * 1_000 >= offered * LANDED && offered > 0 => Ok(()),
        0 => Err(format!("{landed} of {offered} key changes landed")),
        count => Err(format!("{count} key changes were in a block and not executed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use challenges::engine::unmeasured;
    use model::evidence::{Parting, TransactionRecord};
    use model::plan::Via;
    use model::{BlockRecord, ChallengeKey, Histogram, LaneRecord, PhaseRecord, Seed, Turn};

    fn good() -> Evidence {
        let run =
            RunKey { window: 1, trial: "k".parse().unwrap(), operator: "o".parse().unwrap(), attempt: 1 };
        let endpoint = Endpoint { rpc: "http://127.0.0.1:1".into(), validator: None };
        let work = Work {
            run,
            seed: Seed::from_number(1),
            parameters: Profile::Quick.parameters(ChallengeKey::KeyChange),
            network: Network { family: "kaia".into(), chain_id: 1, genesis: "0x".into(), incarnation: 1 },
            target: endpoint,
            reference: None,
            controls: vec![],
            healthy: vec![],
            ceiling: 1,
            lease_ms: 1,
        };
        let mut evidence = unmeasured(&work, Ended::Completed);
        let transactions = (0..100).map(|i| TransactionRecord(format!("0x{i}"), 1, 2, 1)).collect();
        let lane = LaneRecord {
            kind: LaneKind::KeyChange,
            via: Via::Candidate,
            offered: 100,
            outcomes: Default::default(),
            withheld: 0,
            intended_us: Histogram::default(),
            sent_us: Histogram::default(),
            seconds: vec![],
            landed: 100,
            transactions,
            unknown: vec![],
        };
        let turn = Turn { proposer: "0x1".into(), round: 0, failed: vec![], barred: vec![], absent: None };
        let block = BlockRecord {
            height: 2,
            hash: "0x".into(),
            seen_us: 1,
            transactions: 100,
            ours: 100,
            turn: Some(turn),
        };
        evidence.blocks = vec![block];
        evidence.phases = vec![PhaseRecord {
            name: "storm".into(),
            start_us: 0,
            duration_ms: 1,
            start_head: 1,
            lanes: vec![lane],
        }];
        evidence
    }

    #[test]
    fn a_rehearsal_passes_only_when_nothing_at_all_went_wrong() {
        assert_eq!(passed(&good()), Ok(()));
        let fails = |change: fn(&mut Evidence), word: &str| {
            let mut evidence = good();
            change(&mut evidence);
            let why = passed(&evidence).unwrap_err();
            assert!(why.contains(word), "{why}");
        };
        fails(|e| e.ended = Ended::NetworkHalted, "stood still");
        fails(|e| e.blocks[0].turn.as_mut().unwrap().round = 1, "failed at heights [2]");
        fails(|e| e.partings.push(Parting { via: Via::Candidate, height: 2, hash: "0y".into() }), "parted");
        fails(|e| e.phases[0].lanes[0].transactions[3].3 = 0, "not executed");
        fails(|e| e.phases[0].lanes[0].landed = 94, "94 of 100");
        fails(|e| e.phases.clear(), "0 of 0");
    }
}
