//! Key changes on seven real Kaia validators: who is held in its turns is named, and nobody else. What is true is known from who did it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail, ensure};
use challenges::driver::of_family;
use challenges::engine::measure;
use challenges::faucet::Faucet;
use libtest_mimic::Failed;
use localnet::{FUNDED_KEY, KaiaOptions, Network, Node, call};
use model::plan::key_change::KeyChange;
use model::work::{Command, Report};
use model::{Evidence, Parameters, RunKey, RunState, Schedule, Seed, VoidCause};
use scoreboard::{Rulebook, findings, record};
use serde_json::json;
use server::local_network::turns::pause_in_turns;
use server::season::OpenSeason;
use tokio::sync::mpsc::{channel, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::logs::left_by_themselves;
use crate::stage::{HALT_MS, failed, not_run, others_failed, run, seats, trial, turns_recounted};

/// A run that ended before it began, or beside which others stood still by themselves, is drawn so often.
const DRAWS: u32 = 3;

/// Two rotations of seven with a failed turn in each; two accounts through each of four nodes change their key twice at
/// once. With twice as many, seven kcn on two cores fall behind, and leave the consensus by themselves.
fn key_change() -> Parameters {
    Parameters::KeyChange(KeyChange {
        honest_rate: 2,
        horizon_blocks: 20,
        calm_ms: 3_000,
        bursts: 38,
        burst_ms: 900,
        accounts: 2,
        recover_ms: 3_000,
        halt_ms: HALT_MS,
    })
}

pub(crate) fn is_here() -> anyhow::Result<()> {
    localnet::find_kcn().map(|_| ())
}

async fn network(directory: &Path) -> anyhow::Result<Arc<Network>> {
    let options = KaiaOptions { validators: 7, seed: Some(1), ..KaiaOptions::new(directory) };
    Ok(Arc::new(options.start().await?))
}

/// A season with these nodes as candidates and controls, and another as the reference.
pub(crate) fn season(
    network: &Network,
    parameters: Parameters,
    candidates: &[usize],
    reference: usize,
) -> anyhow::Result<OpenSeason> {
    let trials = vec![trial("seats", Schedule::Alone, 1, parameters)?];
    let declared = seats(network, trials, candidates, reference, |index| network.nodes[index].rpc_url())?;
    Ok(OpenSeason::freeze(declared, Seed::from_number(7), false))
}

/// Measures `node` as the season's worker would; `meanwhile` goes on beside it from the moment it begins. A run that the
/// network, or this host, ends before it begins is drawn again, as a season would.
pub(crate) async fn measured(
    open: &OpenSeason,
    node: usize,
    attempt: u32,
    meanwhile: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<Evidence> {
    tokio::pin!(meanwhile);
    for draw in 0..DRAWS {
        let (evidence, has_begun) = drawn(open, node, attempt + draw * 10, meanwhile.as_mut()).await?;
        if has_begun {
            return Ok(evidence);
        }
        let state = scoreboard::attribute(&open.book, &evidence);
        println!("{} ended before it began: {:?}, {state}", evidence.run, evidence.ended);
        ensure!(matches!(state, RunState::Void(_)), "it ended before it began: {:?}", evidence.ended);
    }
    bail!("the run ended {DRAWS} times before it began")
}

/// One run, and whether it began.
async fn drawn(
    open: &OpenSeason,
    node: usize,
    attempt: u32,
    meanwhile: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<(Evidence, bool)> {
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
    let beside = async {
        loop {
            match heard.recv().await {
                Some(Report::Ready) => break,
                Some(other) => println!("  {other:?}"),
                None => return Ok(false),
            }
        }
        commands.send(Command::Go).await?;
        meanwhile.await?;
        while let Some(report) = heard.recv().await {
            if let Report::HaltSuspected { .. } = report {
                println!("  {report:?}");
            }
        }
        Ok(true)
    };
    let measuring = async { anyhow::Ok(measure(work, told, reports).await) };
    match tokio::try_join!(measuring, beside)? {
        (Report::Evidence(evidence), has_begun) => Ok((*evidence, has_begun)),
        (other, _) => bail!("{other:?}"),
    }
}

pub(crate) fn names(open: &OpenSeason, evidence: &[Evidence]) -> Vec<(String, Vec<String>)> {
    let found = findings(&Rulebook::quick(), &open.season, &record(evidence.iter().cloned()), 1);
    let words = |findings: Vec<scoreboard::Finding>| findings.iter().map(scoreboard::Finding::text).collect();
    found.into_iter().map(|(operator, findings)| (operator.to_string(), words(findings))).collect()
}

/// Among healthy ones nothing is found; a candidate held in its turns is named; a control held so names no candidate;
/// all held is a halt, charged to nobody.
pub(crate) fn key_changes_name_who_fails() -> Result<(), Failed> {
    run(async |here| {
        let network = network(&here.join("chain")).await?;
        let open = season(&network, key_change(), &[0], 1)?;
        let calm = async |draw| Ok((measured(&open, 0, 1 + draw, async { Ok(()) }).await?, ()));
        let Some((healthy, ())) = undisturbed(&network, &[], calm).await? else {
            return not_run("key changes");
        };
        let changes: u64 = healthy.blocks.iter().map(|block| block.ours).max().unwrap_or(0);
        println!("healthy: {} blocks, at most {changes} of ours in one", healthy.blocks.len());
        let interval = healthy.block_interval_us;
        // A block a second, doubled for a busy machine: one failed round takes ten.
        ensure!(interval < 2_000_000, "the chain slowed down while keys changed: {interval} us a block");
        ensure!(names(&open, std::slice::from_ref(&healthy)).is_empty(), "nothing is found");
        ensure!(changes >= 16, "16 key changes in one block");

        let hold = async |draw| held_while_measured(&network, &open, 0, 2 + draw).await;
        let Some((held, taken)) = undisturbed(&network, &[0], hold).await? else {
            return not_run("key changes");
        };
        only_what_was_taken(&held, &network.nodes[0], &taken)?;
        turns_recounted(&network.nodes[5], &here, &[&healthy, &held]).await?;
        let found = names(&open, &[healthy.clone(), held]);
        ensure!(found.len() == 1 && found[0].0 == "node-0", "{found:?}");
        println!("{found:?}");

        let hold = async |draw| held_while_measured(&network, &open, 4, 3 + draw).await;
        let Some((control, _)) = undisturbed(&network, &[4], hold).await? else {
            return not_run("key changes, a control");
        };
        ensure!(!failed(&control, &network.nodes[4]).is_empty(), "the control's turns failed");
        let found = names(&open, &[healthy.clone(), control]);
        ensure!(found.is_empty(), "a fault in a control names no candidate: {found:?}");

        let shared = Arc::clone(&network);
        let halt = async move {
            sleep(Duration::from_secs(8)).await;
            // The reference and a control still answer: only their heads stand.
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

/// Its failed turns are those that were taken from it.
fn only_what_was_taken(run: &Evidence, node: &Node, taken: &[u64]) -> anyhow::Result<()> {
    let heights = failed(run, node);
    println!("held at {taken:?}, turns failed at {heights:?}");
    // Turns taken from it while the run was not yet or no more watched are not in its evidence.
    let watched = |height: &&u64| run.blocks.iter().any(|block| block.height == **height);
    let watched = taken.iter().filter(watched).count();
    ensure!(watched.abs_diff(heights.len()) <= 1, "{watched} turns were taken, {} failed", heights.len());
    ensure!(heights.iter().all(|height| taken.contains(height)), "only those that were taken from it");
    Ok(())
}

/// A run in which nobody has a failed turn but the `struck`; none where others left the consensus by themselves each time,
/// as seven kcn on two cores do now and then.
async fn undisturbed<T>(
    network: &Network,
    struck: &[usize],
    run: impl AsyncFn(u32) -> anyhow::Result<(Evidence, T)>,
) -> anyhow::Result<Option<(Evidence, T)>> {
    for draw in 0..DRAWS {
        let told = run(draw * 100).await?;
        all_are_back(network).await?;
        let others = others_failed(network, &told.0, struck);
        if others.is_empty() {
            return Ok(Some(told));
        }
        left_by_themselves(network, struck, others.iter().map(|(_, at)| *at))
            .with_context(|| format!("blamed too, (node, height): {others:?}"))?;
        eprintln!("the host was too busy, attempt {} of {DRAWS}: {others:?}", draw + 1);
    }
    Ok(None)
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
    let (begin, begun) = oneshot::channel();
    let holding = tokio::spawn(async move {
        begun.await?;
        pause_in_turns(&shared, node, 1_000, |height| told.lock().expect("not poisoned").push(height)).await
    });
    let hold = async { begin.send(()).map_err(|()| anyhow!("nobody holds the node")) };
    let evidence = measured(open, 0, attempt, hold).await;
    holding.abort();
    // Ended, not only told to: else it might hold the node once more after this.
    let _ = holding.await;
    network.nodes[node].resume()?;
    let evidence = evidence?;
    let heights = heights.lock().expect("not poisoned").clone();
    Ok((evidence, heights))
}

/// Waits until a whole rotation makes its blocks: a node that was held may stand still for a minute, and the turns that
/// fail meanwhile are not the next run's doing.
async fn all_are_back(network: &Network) -> anyhow::Result<()> {
    let begun = Instant::now();
    let seated = network.validators().count();
    let mut makers = Vec::new();
    while begun.elapsed() < Duration::from_secs(150) {
        makers = last_makers(&network.nodes[5], seated).await?;
        if makers.iter().collect::<BTreeSet<_>>().len() == seated {
            return Ok(());
        }
        sleep(Duration::from_millis(300)).await;
    }
    bail!("not all {seated} make blocks again: the last ones are by {makers:?}")
}

/// Who made the last `count` blocks.
async fn last_makers(node: &Node, count: usize) -> anyhow::Result<Vec<String>> {
    let head = node.head().await?;
    let mut makers = Vec::new();
    for height in head.saturating_sub(count as u64 - 1)..=head {
        let asked = json!([format!("{height:#x}")]);
        let block = call(node.rpc_addr(), "klay_getBlockWithConsensusInfoByNumber", asked).await?;
        makers.push(block["proposer"].as_str().context("a proposer")?.to_lowercase());
    }
    Ok(makers)
}
