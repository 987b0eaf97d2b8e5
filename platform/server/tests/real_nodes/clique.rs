//! Duty on four real geth sealers: one is killed for a third of the watch, one stands behind a slow proxy, and the right
//! parts of the right operators suffer. What is true is known from who did it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use libtest_mimic::Failed;
use localnet::{Fault, GethOptions, Network, Proxy};
use model::plan::duty::Duty;
use model::{Evidence, Parameters, RunState, Schedule, VoidCause};
use server::progress::Event;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::sleep;

use crate::stage::{
    Out, Outcome, caught_up, conduct, nobody_else, not_run, run, seats, traffic, trial, turns_recounted,
};

/// The season is tried so often when the machine was too busy to measure.
const TRIES: u32 = 2;
/// The candidates: sealers 0 and 1.
const SLOW: usize = 0;
const KILLED: usize = 1;
/// Beside the four sealers: who is asked for the recount, and the reference.
const RECOUNTER: usize = 4;
const REFERENCE: usize = 5;
/// Share of full marks, per mille, that counts as nothing lost.
const KEPT: i64 = 970;

fn duty() -> Parameters {
    Parameters::Duty(Duty {
        watch_ms: 72_000,
        probe_ms: 3_000,
        calm_rate: 5,
        horizon_blocks: 20,
        least_turns: 4,
        halt_ms: 30_000,
    })
}

/// A killed sealer loses its turns of the time that it is out and no other loses any, though they seal out of turn for
/// it and are barred from turns of their own; a slow ingress loses where ingresses do.
pub(crate) fn season() -> Result<(), Failed> {
    run(async |here| {
        for attempt in 1..=TRIES {
            let here = here.join(attempt.to_string());
            let options = GethOptions { seed: Some(1), others: 2, ..GethOptions::new(here.join("chain")) };
            let network = options.start().await?;
            let (outcome, out) = measured(&network, &here.join("season")).await?;
            let runs: Vec<&Evidence> =
                outcome.evidence.values().filter(|run| run.run.trial.as_str() == "duty").collect();
            // Whether the machine could measure or not, the chain says the same.
            for run in &runs {
                nobody_else(&network, run, &[KILLED])?;
            }
            turns_recounted(&network.nodes[RECOUNTER], &here, &runs).await?;
            if let Some(state) = duty_state(&outcome).filter(|state| *state != RunState::Measured) {
                eprintln!("the host was too busy, attempt {attempt} of {TRIES}: {state}");
                ensure!(state == RunState::Void(VoidCause::Ours), "{state}");
                continue;
            }
            let run = outcome.evidence.get(&duty_run()).context("the killed one's run")?;
            out.charged(&network, run, &scheduled(&network, run, KILLED)?)?;
            rules_are_obeyed(run)?;
            parts(&outcome)?;
            return verified(&here.join("season"));
        }
        not_run("duty on real geth")
    })
}

fn duty_run() -> String {
    format!("w01.duty.node-{KILLED}.1")
}

fn duty_state(outcome: &Outcome) -> Option<RunState> {
    outcome.state(&duty_run())
}

async fn measured(network: &Network, directory: &Path) -> anyhow::Result<(Outcome, Out)> {
    let slow = Proxy::start(network.nodes[SLOW].rpc_addr(), Fault::Delay(Duration::from_millis(800)))?;
    let rpc = |index: usize| if index == SLOW { slow.url() } else { network.nodes[index].rpc_url() };
    let trials = vec![
        trial("traffic", Schedule::Together, 1, traffic(120))?,
        trial("duty", Schedule::Together, 1, duty())?,
    ];
    let declared = seats(network, trials, &[SLOW, KILLED], REFERENCE, rpc)?;
    let (events, told) = unbounded_channel();
    let (outcome, out) = tokio::join!(conduct(declared, directory, events), kill(network, told));
    Ok((outcome?, out?))
}

/// Out for a third of its watch, and then until it has caught up.
async fn kill(network: &Network, mut told: UnboundedReceiver<Event>) -> anyhow::Result<Out> {
    loop {
        match told.recv().await.context("the season ended before its watch")? {
            Event::Phase { run, phase } if run == duty_run() && phase.starts_with("watch") => break,
            _ => {}
        }
    }
    sleep(Duration::from_secs(12)).await;
    let from = network.nodes[RECOUNTER].head().await?;
    network.nodes[KILLED].kill();
    sleep(Duration::from_secs(24)).await;
    network.restart(KILLED).await?;
    let to = caught_up(&network.nodes[KILLED], &network.nodes[RECOUNTER]).await?;
    while told.recv().await.is_some() {}
    Ok(Out { node: KILLED, from, to })
}

/// The heights that are a sealer's turn: worked out from its place among the addresses, not from the evidence.
fn scheduled(network: &Network, evidence: &Evidence, node: usize) -> anyhow::Result<Vec<u64>> {
    let mut sealers: Vec<String> =
        network.validators().filter_map(|one| Some(one.address()?.to_lowercase())).collect();
    sealers.sort();
    let me = network.nodes[node].address().context("a sealer")?.to_lowercase();
    let place = sealers.iter().position(|one| *one == me).context("a place")? as u64;
    let heights = evidence.blocks.iter().map(|block| block.height);
    Ok(heights.filter(|height| height % sealers.len() as u64 == place).collect())
}

/// While one of four is dead the other three go in a ring: they were barred, which is in the evidence as such.
fn rules_are_obeyed(evidence: &Evidence) -> anyhow::Result<()> {
    let turns: Vec<_> = evidence.blocks.iter().filter_map(|block| block.turn.as_ref()).collect();
    ensure!(turns.len() == evidence.blocks.len(), "blocks without a turn");
    ensure!(turns.iter().all(|turn| turn.absent.is_none()), "clique has no votes");
    ensure!(turns.iter().all(|turn| turn.unknown() == 0), "a turn of which it is not known whose it was");
    let barred = turns.iter().filter(|turn| !turn.barred.is_empty()).count();
    println!("{} blocks, {barred} with who was in turn barred", turns.len());
    ensure!(barred >= 4, "nobody was barred in {} blocks", turns.len());
    ensure!(evidence.committees.len() == 1, "the signers changed");
    Ok(())
}

/// Every operator loses where it should, and nowhere else.
fn parts(outcome: &Outcome) -> anyhow::Result<()> {
    let lost = |node: usize, rule: &str| match node {
        SLOW => rule == "ingress.delay",
        KILLED => ["duty.turns", "duty.head", "duty.probes"].contains(&rule),
        _ => false,
    };
    let mut wrong = Vec::new();
    for node in 0..RECOUNTER {
        let runs = outcome.publication.runs.values().filter(|entry| entry.state.counts());
        let runs = runs.filter(|entry| entry.run.operator.as_str() == format!("node-{node}"));
        // Started again, it knows nothing of what waits: whether its first block is empty is its luck.
        let by_luck = |rule: &str| node == KILLED && rule == "duty.filled";
        for part in runs.filter_map(|entry| entry.score.as_ref()).flat_map(|score| &score.parts) {
            let share = part.points * 1_000 / part.of.max(1);
            println!("node-{node} {:<18} {share:>5} {:?} {:?}", part.rule, part.observed, part.factors);
            if (share < KEPT) != lost(node, &part.rule) && !by_luck(&part.rule) {
                wrong.push(format!("node-{node} has {share} per mille of {}", part.rule));
            }
            ensure!(part.rule != "duty.votes", "votes on a chain without");
        }
    }
    ensure!(wrong.is_empty(), "{wrong:?}");
    Ok(())
}

fn verified(season: &Path) -> anyhow::Result<()> {
    let files = scoreboard::disk::read_dir(&season.join("bundle"))?;
    let key = std::fs::read_to_string(season.join("signer.vkey"))?.trim().parse()?;
    let verified = scoreboard::verify(&files, Some(&key)).map_err(|why| anyhow::anyhow!("{why}"))?;
    println!("verified: {verified:?}");
    Ok(())
}
