//! A season on real Kaia consensus nodes, in their own words on a chain as Klaytn made them until 2021.

use std::path::Path;

use anyhow::{Context, ensure};
use challenges::driver::{as_carried, of_family};
use libtest_mimic::Failed;
use localnet::{Fault, KaiaOptions, Network, Proxy};
use model::publication::RunEntry;
use model::{Evidence, RunState, Schedule, Vector};
use tokio::sync::mpsc::unbounded_channel;

use crate::stage::{Outcome, Pace, Plan, conduct, declare, run, spam, traffic, trial};

pub(crate) fn is_here() -> anyhow::Result<()> {
    localnet::find_kcn().map(|_| ())
}

/// Seven validators; the last three are the reference and two controls.
async fn network(directory: &Path) -> anyhow::Result<Network> {
    KaiaOptions { validators: 7, seed: Some(1), klaytn: true, ..KaiaOptions::new(directory) }.start().await
}

/// Through `klay_`, on a chain with a unit price: two honest candidates measured on both challenges, and one whose
/// proxy refuses what it is sent.
pub(crate) fn season() -> Result<(), Failed> {
    run(async |here| {
        let network = network(&here.join("chain")).await?;
        let deaf = Proxy::start(network.nodes[2].rpc_addr(), Fault::RejectAll)?;
        let candidates = vec![
            ("north", network.nodes[0].rpc_url()),
            ("south", network.nodes[1].rpc_url()),
            ("deaf", deaf.url()),
        ];
        let driver = of_family(network.family).map_err(anyhow::Error::msg)?;
        let pace = Pace { honest: 10, seconds: 6 };
        let trials = vec![
            trial("traffic", Schedule::Together, 1, traffic(120))?,
            trial("spam", Schedule::Together, 1, as_carried(driver, spam(&Vector::ALL, pace, 50)))?,
        ];
        let plan = Plan { windows: 1, attempts: 3, candidates, trials };
        let (events, _heard) = unbounded_channel();
        let outcome = conduct(declare(&network, plan)?, &here.join("season"), events).await?;
        for evidence in outcome.evidence.values() {
            if evidence.run.operator.as_str() != "deaf" {
                answers_are_known(evidence)?;
            }
            turns_are_told(evidence)?;
        }
        scores_tell(&outcome)
    })
}

/// Who refuses all has next to nothing, and everybody else their points.
fn scores_tell(outcome: &Outcome) -> anyhow::Result<()> {
    for id in ["north", "south", "deaf", "control-1", "control-2"] {
        for trial in ["traffic", "spam"] {
            let runs = outcome.publication.runs.values();
            let of =
                |entry: &&RunEntry| entry.run.operator.as_str() == id && entry.run.trial.as_str() == trial;
            let entry = runs.filter(of).find(|entry| entry.state.counts());
            let entry = entry.with_context(|| format!("{id} in {trial}: no run counts"))?;
            let points = entry.score.as_ref().map(|score| score.points).unwrap_or_default();
            println!("{} {} {:.1}", entry.run, entry.state, points as f64 / 1_000.0);
            ensure!(entry.state == RunState::Measured || id == "deaf", "{} is {}", entry.run, entry.state);
            ensure!((id == "deaf") == (points < 50_000), "{}: {points}", entry.run);
        }
    }
    Ok(())
}

/// No node said anything that no table knows; the proxy's words are its own.
fn answers_are_known(evidence: &Evidence) -> anyhow::Result<()> {
    for lane in evidence.phases.iter().flat_map(|phase| &phase.lanes) {
        ensure!(lane.unknown.is_empty(), "{}, {:?}: {:?}", evidence.run, lane.kind, lane.unknown);
    }
    Ok(())
}

/// Every block has its proposer, and all seven sit in the committee.
fn turns_are_told(evidence: &Evidence) -> anyhow::Result<()> {
    ensure!(
        evidence.blocks.iter().all(|block| block.turn.is_some()),
        "{}: a block without turn",
        evidence.run
    );
    let seated: Vec<usize> = evidence.committees.iter().map(|committee| committee.members.len()).collect();
    ensure!(evidence.blocks.is_empty() || seated == [7], "{}: committees of {seated:?}", evidence.run);
    Ok(())
}
