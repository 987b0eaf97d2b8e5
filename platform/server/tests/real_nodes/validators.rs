//! Blame on seven real Kaia validators: one is killed, or held in its turns, and the chain itself must name it, and
//! nobody else. What is true is known from who did it.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alloy_primitives::Address;
use anyhow::{Context, ensure};
use challenges::driver::of_family;
use challenges::engine::measure;
use challenges::faucet::Faucet;
use libtest_mimic::Failed;
use localnet::{FUNDED_KEY, KaiaOptions, Network};
use model::plan::duty::Duty;
use model::plan::key_change::KeyChange;
use model::work::{Command, Report};
use model::{Ended, Evidence, Parameters, RunKey, RunState, Schedule, Seed, VoidCause};
use scoreboard::{Rulebook, findings, record};
use server::local_network::turns::pause_in_turns;
use server::season::OpenSeason;
use tokio::sync::mpsc::{channel, unbounded_channel};
use tokio::time::sleep;

use crate::stage::{Out, caught_up, failed, nobody_else, not_run, run, seats, trial, turns_recounted};

/// A run is tried so often when the machine was too busy to measure.
const TRIES: u32 = 3;
/// Three round timeouts.
const HALT_MS: u32 = 30_000;

fn duty() -> Parameters {
    Parameters::Duty(Duty {
        watch_ms: 72_000,
        probe_ms: 3_000,
        calm_rate: 5,
        horizon_blocks: 20,
        least_turns: 4,
        halt_ms: HALT_MS,
    })
}

/// Two rotations of seven and more; four accounts through each of four nodes change their key twice at once.
fn key_change() -> Parameters {
    Parameters::KeyChange(KeyChange {
        honest_rate: 2,
        horizon_blocks: 20,
        calm_ms: 3_000,
        bursts: 24,
        burst_ms: 900,
        accounts: 4,
        recover_ms: 3_000,
        halt_ms: HALT_MS,
    })
}

async fn network(directory: &Path) -> anyhow::Result<Arc<Network>> {
    let options = KaiaOptions { validators: 7, seed: Some(1), ..KaiaOptions::new(directory) };
    Ok(Arc::new(options.start().await?))
}

/// A season with these nodes as candidates and controls, and another as the reference.
fn season(
    network: &Network,
    parameters: Parameters,
    candidates: &[usize],
    reference: usize,
) -> anyhow::Result<OpenSeason> {
    let trials = vec![trial("seats", Schedule::Alone, 1, parameters)?];
    let declared = seats(network, trials, candidates, reference, |index| network.nodes[index].rpc_url())?;
    Ok(OpenSeason::freeze(declared, Seed::from_number(7), false))
}

/// Measures `node` as the season's worker would; `meanwhile` goes on beside it from the moment it begins.
async fn measured(
    open: &OpenSeason,
    node: usize,
    attempt: u32,
    meanwhile: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<Evidence> {
    let operator = format!("node-{node}").parse()?;
    let mut work = open.work(&RunKey { window: 1, trial: "seats".parse()?, operator, attempt })?;
    // Nobody renews it here.
    work.lease_ms = 3_600_000;
    let driver = of_family(&work.network.family).map_err(anyhow::Error::msg)?;
    let faucet = Faucet::new(driver, FUNDED_KEY, work.network.chain_id, open.funding_node(), &open.reference);
    let faucet = faucet.map_err(anyhow::Error::msg)?;
    faucet.fund(&[(work.seed, work.parameters.clone())]).await.map_err(anyhow::Error::msg)?;
    let (commands, told) = channel(4);
    let (reports, mut heard) = unbounded_channel();
    let begun = async {
        loop {
            match heard.recv().await.context("the run ended before it began")? {
                Report::Ready => break,
                other => println!("  {other:?}"),
            }
        }
        commands.send(Command::Go).await?;
        meanwhile.await?;
        while let Some(report) = heard.recv().await {
            if let Report::HaltSuspected { .. } = report {
                println!("  {report:?}");
            }
        }
        anyhow::Ok(())
    };
    tokio::pin!(begun);
    let measuring = measure(work, told, reports);
    tokio::pin!(measuring);
    let mut side = Some(begun);
    loop {
        let done = async {
            match side.as_mut() {
                Some(begun) => begun.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            report = &mut measuring => match report {
                Report::Evidence(evidence) => return Ok(*evidence),
                other => anyhow::bail!("{other:?}"),
            },
            done = done => { done?; side = None; }
        }
    }
}

fn names(open: &OpenSeason, evidence: &[Evidence]) -> Vec<(String, Vec<String>)> {
    let found = findings(&Rulebook::quick(), &open.season, &record(evidence.iter().cloned()), 1);
    let words = |findings: Vec<scoreboard::Finding>| findings.iter().map(scoreboard::Finding::text).collect();
    found.into_iter().map(|(operator, findings)| (operator.to_string(), words(findings))).collect()
}

fn part(open: &OpenSeason, evidence: &Evidence, rule: &str) -> Option<i64> {
    let score = scoreboard::score_run(&open.book, &open.season, evidence, &[]);
    score.parts.into_iter().find(|part| part.rule == rule)?.observed
}

/// One that is killed, and one that is cut off from its peers: two of seven, so that the chain goes on.
const KILLED: usize = 1;
const CUT: usize = 3;

/// Both are out for a third of the watch, and then until they have caught up.
async fn kill_and_cut(network: &Network, told: &Mutex<Vec<Out>>) -> anyhow::Result<()> {
    sleep(Duration::from_secs(6)).await;
    let from = network.nodes[5].head().await?;
    network.nodes[KILLED].kill();
    network.cut(CUT).await?;
    sleep(Duration::from_secs(24)).await;
    network.join(CUT).await?;
    network.restart(KILLED).await?;
    for node in [CUT, KILLED] {
        let to = caught_up(&network.nodes[node], &network.nodes[5]).await?;
        told.lock().expect("not poisoned").push(Out { node, from, to });
    }
    Ok(())
}

/// The heights that were a node's turn in round 0, by the round robin that the chain is set to: worked out from who made
/// the block before, not from what the evidence says of failed turns.
fn scheduled(network: &Network, evidence: &Evidence, node: usize) -> anyhow::Result<Vec<u64>> {
    let mut order: Vec<Address> = network
        .validators()
        .map(|one| Ok(one.address().unwrap_or_default().parse()?))
        .collect::<anyhow::Result<_>>()?;
    // Council members take turns in the order of their addresses as spelled with a checksum.
    order.sort_by_key(Address::to_string);
    let me: Address = network.nodes[node].address().unwrap_or_default().parse()?;
    let mut mine = Vec::new();
    for pair in evidence.blocks.windows(2) {
        let before: Address = pair[0].turn.as_ref().context("a turn")?.proposer.parse()?;
        let place = order.iter().position(|one| *one == before).context("a validator")?;
        if order[(place + 1) % order.len()] == me && pair[1].height == pair[0].height + 1 {
            mine.push(pair[1].height);
        }
    }
    Ok(mine)
}

/// A candidate that is dead for a third of the watch and one that is cut off meanwhile lose their turns of that time,
/// and nobody loses any for it.
pub(crate) fn duty_of_who_is_out() -> Result<(), Failed> {
    run(async |here| {
        let network = network(&here.join("chain")).await?;
        let open = season(&network, duty(), &[KILLED, CUT], 2)?;
        for attempt in 1..=TRIES {
            let out = Mutex::default();
            let dead = measured(&open, KILLED, attempt, kill_and_cut(&network, &out)).await?;
            ensure!(dead.ended == Ended::Completed, "{:?}", dead.ended);
            // Our own fault or not, the chain says the same.
            nobody_else(&network, &dead, &[KILLED, CUT])?;
            for out in out.into_inner().expect("not poisoned") {
                out.charged(&network, &dead, &scheduled(&network, &dead, out.node)?)?;
            }
            turns_recounted(&network.nodes[5], &here, &[&dead]).await?;
            let state = scoreboard::attribute(&open.book, &dead);
            if state != RunState::Measured {
                let check = &dead.self_check;
                let (lag, sink) = (check.lag_us.quantile(990), check.sink_us.quantile(990));
                let (lost, withheld) = (check.sink_lost, check.withheld);
                eprintln!("{state}: lag {lag:?} us, sink {sink:?} us, {lost} lost, {withheld} withheld");
                ensure!(state == RunState::Void(VoidCause::Ours), "{state}");
                continue;
            }
            return charged(&network, &open, &dead);
        }
        not_run("duty of validators that are out")
    })
}

/// The killed one is charged for its turns, and whoever else is looked at in the same blocks for none.
fn charged(network: &Network, open: &OpenSeason, dead: &Evidence) -> anyhow::Result<()> {
    scoreboard::intake(&open.season, dead).map_err(anyhow::Error::msg)?;
    let of = |evidence: &Evidence| {
        ["duty.turns", "duty.filled", "duty.prompt", "duty.votes", "duty.head", "duty.probes"]
            .map(|rule| part(open, evidence, rule))
    };
    let (heights, theirs) = (failed(dead, &network.nodes[KILLED]), of(dead));
    println!("killed for 24 s of 72: turns failed at {heights:?}; parts {theirs:?}");
    ensure!(!heights.is_empty(), "its turns failed");
    ensure!(theirs[0].is_some_and(|turns| turns < 1_000), "{theirs:?}");
    ensure!(theirs[4].is_some_and(|head| head < 850), "{theirs:?}");
    for (index, node) in network.nodes.iter().enumerate().filter(|(index, _)| *index != KILLED) {
        let other = Evidence { validator: node.address().map(str::to_owned), ..dead.clone() };
        let turns = of(&other)[0];
        ensure!((turns == Some(1_000)) == (index != CUT), "{}: {turns:?}", node.name());
    }
    Ok(())
}

/// Among healthy ones nothing is found; a candidate held in its turns is named; a control held so names no candidate;
/// all held is a halt, charged to nobody.
pub(crate) fn key_changes_name_who_fails() -> Result<(), Failed> {
    run(async |here| {
        let network = network(&here.join("chain")).await?;
        let open = season(&network, key_change(), &[0], 1)?;
        let healthy = measured(&open, 0, 1, async { Ok(()) }).await?;
        let changes: u64 = healthy.blocks.iter().map(|block| block.ours).max().unwrap_or(0);
        println!("healthy: {} blocks, at most {changes} of ours in one", healthy.blocks.len());
        nobody_else(&network, &healthy, &[])?;
        ensure!(names(&open, std::slice::from_ref(&healthy)).is_empty(), "nothing is found");
        ensure!(changes >= 16, "16 key changes in one block");

        let held = held_while_measured(&network, &open, 0, 2).await?;
        nobody_else(&network, &held.0, &[0])?;
        let heights = failed(&held.0, &network.nodes[0]);
        println!("held at {:?}, turns failed at {heights:?}", held.1);
        // Turns taken from it while the run was not yet or no more watched are not in its evidence.
        let watched = |height: &&u64| held.0.blocks.iter().any(|block| block.height == **height);
        let taken = held.1.iter().filter(watched).count();
        ensure!(taken.abs_diff(heights.len()) <= 1, "{taken} turns were taken, {} failed", heights.len());
        ensure!(heights.iter().all(|height| held.1.contains(height)), "only those that were taken from it");
        turns_recounted(&network.nodes[5], &here, &[&healthy, &held.0]).await?;
        let found = names(&open, &[healthy.clone(), held.0]);
        ensure!(found.len() == 1 && found[0].0 == "node-0", "{found:?}");
        println!("{found:?}");

        let control = held_while_measured(&network, &open, 4, 3).await?;
        ensure!(!failed(&control.0, &network.nodes[4]).is_empty(), "the control's turns failed");
        let found = names(&open, &[healthy.clone(), control.0]);
        ensure!(found.is_empty(), "a fault in a control names no candidate: {found:?}");

        let shared = Arc::clone(&network);
        let halt = async move {
            sleep(Duration::from_secs(8)).await;
            // The reference and two controls still answer: only their heads stand.
            for node in [0, 3, 4, 5, 6] {
                shared.nodes[node].pause()?;
            }
            Ok(())
        };
        let halted = measured(&open, 0, 4, halt).await?;
        let state = scoreboard::attribute(&open.book, &halted);
        println!("all held: {:?}, {state}", halted.ended);
        ensure!(state == RunState::Void(VoidCause::Network), "{state}");
        ensure!(names(&open, &[healthy, halted]).is_empty(), "a halt is charged to nobody");
        Ok(())
    })
}

/// The run of node 0 while `node` is held in its turns, and the heights of the turns that were taken from it.
async fn held_while_measured(
    network: &Arc<Network>,
    open: &OpenSeason,
    node: usize,
    attempt: u32,
) -> anyhow::Result<(Evidence, Vec<u64>)> {
    let heights = Arc::new(Mutex::new(Vec::new()));
    let (shared, told) = (Arc::clone(network), Arc::clone(&heights));
    let holding = tokio::spawn(async move {
        pause_in_turns(&shared, node, |height| told.lock().expect("not poisoned").push(height)).await
    });
    let evidence = measured(open, 0, attempt, async { Ok(()) }).await;
    holding.abort();
    network.nodes[node].resume()?;
    let heights = heights.lock().expect("not poisoned").clone();
    Ok((evidence?, heights))
}
