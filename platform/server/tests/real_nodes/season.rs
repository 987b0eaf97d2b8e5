//! A season on each family's own nodes, with both challenges and duty: one validator is killed for a third of the watch,
//! one stands behind a slow proxy, and the right parts of the right operators suffer. What is true is known from who did
//! it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use challenges::driver::{as_carried, of_family};
use futures_util::future::try_join_all;
use libtest_mimic::Failed;
use localnet::{CometOptions, Fault, GethOptions, KaiaOptions, Network, Proxy};
use model::{Evidence, Part, RunState, Schedule, Vector, VoidCause};
use server::progress::Event;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::sleep;

use crate::logs::{has_lost_a_race, left_by_themselves};
use crate::scheduled::{by_height, by_rotation, by_who_was_before, is_clique, turns_are_told};
use crate::stage::{
    Out, Outcome, Pace, caught_up, conduct, duty, not_run, others_failed, run, seats, spam, traffic, trial,
    turns_recounted,
};

/// The season is tried so often when the machine was too busy to measure.
const TRIES: u32 = 2;
/// The candidates, the last where there are seven validators; the others are controls. One who is cut off has no turn
/// right after the killed one: of two together each would stand still for the other too.
const SLOW: usize = 0;
const KILLED: usize = 1;
const CUT: usize = 3;
/// Share of full marks, per mille, that counts as nothing lost.
const KEPT: i64 = 970;

/// What each operator's node is offered, per second.
struct Load {
    honest: u32,
    spam: u32,
    door: u32,
    calm: u32,
}

const FULL: Load = Load { honest: 10, spam: 50, door: 120, calm: 5 };
/// Seven kcn on two cores, six of them measured together: at full load a block takes some of them a second, who falls
/// behind leaves the consensus to sync, and stands still for up to a minute although nobody struck it.
const LIGHT: Load = Load { honest: 5, spam: 25, door: 60, calm: 2 };

/// Where a season takes place, and who is asked for what.
struct Stage {
    network: Network,
    load: Load,
    /// Whether a third candidate is cut off from its peers meanwhile.
    cuts: bool,
    /// Only read from.
    reference: usize,
    /// Asked for the recount.
    recounter: usize,
    /// Heights of the evidence that are a validator's turn, by who it is.
    scheduled: fn(&Network, &Evidence, usize) -> anyhow::Result<Vec<u64>>,
}

impl Stage {
    /// Who is out for a while.
    fn out(&self) -> &'static [usize] {
        if self.cuts { &[KILLED, CUT] } else { &[KILLED] }
    }
}

/// Four sealers, and two nodes that follow.
pub(crate) fn geth() -> Result<(), Failed> {
    run(async |here| {
        season(&here, async |chain| {
            let options = GethOptions { seed: Some(1), others: 2, ..GethOptions::new(chain) };
            let network = options.start().await?;
            Ok(Stage { network, load: FULL, cuts: false, reference: 5, recounter: 4, scheduled: by_height })
        })
        .await
    })
}

/// Seven validators in the chain's own words, on a chain as Klaytn made them until 2021; two are out, and it goes on.
/// Every node has a seat, so that one is read from and not measured.
pub(crate) fn kaia() -> Result<(), Failed> {
    run(async |here| {
        season(&here, async |chain| {
            let options =
                KaiaOptions { validators: 7, seed: Some(1), klaytn: true, ..KaiaOptions::new(chain) };
            let network = options.start().await?;
            Ok(Stage {
                network,
                load: LIGHT,
                cuts: true,
                reference: 6,
                recounter: 5,
                scheduled: by_who_was_before,
            })
        })
        .await
    })
}

/// Four validators, and one node that follows.
pub(crate) fn cometbft() -> Result<(), Failed> {
    run(async |here| {
        season(&here, async |chain| {
            let options = CometOptions { seed: Some(1), others: 1, ..CometOptions::new(chain) };
            let network = options.start().await?;
            Ok(Stage { network, load: FULL, cuts: false, reference: 4, recounter: 3, scheduled: by_rotation })
        })
        .await
    })
}

/// A validator that is killed or cut off loses its turns of the time that it is out and no other loses any; a slow
/// ingress loses where ingresses do.
async fn season(
    here: &Path,
    start: impl AsyncFn(std::path::PathBuf) -> anyhow::Result<Stage>,
) -> anyhow::Result<()> {
    for attempt in 1..=TRIES {
        let here = here.join(attempt.to_string());
        let stage = start(here.join("chain")).await?;
        let (outcome, out) = measured(&stage, &here.join("season")).await?;
        let network = &stage.network;
        let runs: Vec<&Evidence> =
            outcome.evidence.values().filter(|run| run.run.trial.as_str() == "duty").collect();
        // Whether the machine could measure or not, the chain says the same, unless it stood still.
        let mut nobody_left = goes_on(&stage, &outcome, &runs)?;
        if nobody_left {
            for run in &runs {
                nobody_left &= only_who_was_out(&stage, run, &out)?;
                turns_are_told(run, network.validators().count())?;
            }
        }
        if !nobody_left {
            eprintln!("the host was too busy, attempt {attempt} of {TRIES}");
            continue;
        }
        turns_recounted(&network.nodes[stage.recounter], &here, &runs).await?;
        answers_are_known(&outcome)?;
        let run = outcome.evidence.get(&duty_run(KILLED)).context("the killed one's run")?;
        for out in out {
            out.charged(network, run, &(stage.scheduled)(network, run, out.node)?)?;
        }
        let voids = outcome.publication.runs.values().filter(|entry| !entry.state.counts());
        let lost: Vec<String> = voids.map(|entry| format!("{} {}", entry.run, entry.state)).collect();
        println!("void: {lost:?}");
        // Whoever is measured again is measured while nobody is out.
        let mut states = stage.out().iter().filter_map(|node| outcome.state(&duty_run(*node)));
        if let Some(state) = states.find(|state| *state != RunState::Measured) {
            eprintln!("the host was too busy, attempt {attempt} of {TRIES}: {state}");
            ensure!(state == RunState::Void(VoidCause::Ours), "{state}");
            continue;
        }
        parts(&stage, &outcome)?;
        return verified(&here.join("season"));
    }
    not_run("a season of validators")
}

/// Says no where the chain stood still because one that nobody struck left the consensus by itself: where two of seven
/// are out, all that stay must agree.
fn goes_on(stage: &Stage, outcome: &Outcome, runs: &[&Evidence]) -> anyhow::Result<bool> {
    let is_halt =
        |run: &&&Evidence| outcome.state(&run.run.to_string()) == Some(RunState::Void(VoidCause::Network));
    let halted = runs.iter().filter(is_halt);
    let halts: Vec<u64> = halted.filter_map(|run| Some(run.blocks.last()?.height + 1)).collect();
    if halts.is_empty() {
        return Ok(true);
    }
    left_by_themselves(&stage.network, stage.out(), halts.iter().copied())
        .with_context(|| format!("the chain stood still at {halts:?}"))?;
    Ok(false)
}

/// Nobody has a failed turn but who was out. Under clique a sealer that comes back takes blocks of the others away: it
/// makes its own where it stood, which weighs more than theirs. In that race one of them may lose one turn; and on a busy
/// host two race for a turn whose owner is barred, of whom the loser, barred in its own eyes, may have the next.
///
/// Says no where one that nobody struck left the consensus by itself: then it is to be tried again.
fn only_who_was_out(stage: &Stage, evidence: &Evidence, out: &[Out]) -> anyhow::Result<bool> {
    let mut others = others_failed(&stage.network, evidence, stage.out());
    if is_clique(&evidence.network.family) {
        others.retain(|(node, at)| !has_lost_a_race(&stage.network.nodes[*node], evidence, at - 1));
    }
    let rotation = stage.network.validators().count() as u64;
    let is_race = |height: &u64| out.iter().any(|out| (out.until..=out.back + 2 * rotation).contains(height));
    let is_chance =
        is_clique(&evidence.network.family) && others.len() == 1 && others.iter().all(|(_, at)| is_race(at));
    if others.is_empty() || is_chance {
        return Ok(true);
    }
    left_by_themselves(&stage.network, stage.out(), others.iter().map(|(_, at)| *at))
        .with_context(|| format!("{}: blamed too, (node, height): {others:?}", evidence.run))?;
    Ok(false)
}

fn duty_run(node: usize) -> String {
    format!("w01.duty.node-{node}.1")
}

async fn measured(stage: &Stage, directory: &Path) -> anyhow::Result<(Outcome, Vec<Out>)> {
    let network = &stage.network;
    let slow = Proxy::start(network.nodes[SLOW].rpc_addr(), Fault::Delay(Duration::from_millis(800)))?;
    let rpc = |index: usize| if index == SLOW { slow.url() } else { network.nodes[index].rpc_url() };
    let driver = of_family(network.family).map_err(anyhow::Error::msg)?;
    let vectors = [Vector::V04, Vector::V07];
    let Load { honest, spam: rate, door, calm } = stage.load;
    let attack = as_carried(driver, spam(&vectors, Pace { honest, seconds: 4 }, rate));
    let trials = vec![
        trial("traffic", Schedule::Together, 1, traffic(10 * honest, door))?,
        trial("spam", Schedule::Together, 1, attack)?,
        trial("duty", Schedule::Together, 1, duty(calm))?,
    ];
    let declared = seats(network, trials, &[&[SLOW], stage.out()].concat(), stage.reference, rpc)?;
    let (events, told) = unbounded_channel();
    let (outcome, out) = tokio::join!(conduct(declared, directory, events), strike(stage, told));
    Ok((outcome?, out?))
}

/// Out for a good third of the watch, and then until they have caught up.
async fn strike(stage: &Stage, mut told: UnboundedReceiver<Event>) -> anyhow::Result<Vec<Out>> {
    loop {
        match told.recv().await.context("the season ended before its watch")? {
            Event::Phase { run, phase } if run == duty_run(KILLED) && phase.starts_with("watch") => break,
            _ => {}
        }
    }
    let (network, other) = (&stage.network, &stage.network.nodes[stage.recounter]);
    sleep(Duration::from_secs(12)).await;
    let from = other.head().await?;
    network.nodes[KILLED].kill();
    if stage.cuts {
        network.cut(CUT).await?;
    }
    let gone = other.head().await?;
    // Where two of seven are out a cycle of turns takes 25 s: each must have had one.
    sleep(Duration::from_secs(30)).await;
    let until = other.head().await?;
    if stage.cuts {
        network.join(CUT).await?;
    }
    network.restart(KILLED).await?;
    // Each by itself: who finds its peers again late says nothing of when the other was back.
    let back = stage.out().iter().map(async |&node| {
        let back = caught_up(&network.nodes[node], other).await?;
        anyhow::Ok(Out { node, from, gone, until, back })
    });
    let all = try_join_all(back).await?;
    while told.recv().await.is_some() {}
    Ok(all)
}

/// No node said anything that no table knows.
fn answers_are_known(outcome: &Outcome) -> anyhow::Result<()> {
    for evidence in outcome.evidence.values() {
        for lane in evidence.phases.iter().flat_map(|phase| &phase.lanes) {
            ensure!(lane.unknown.is_empty(), "{}, {:?}: {:?}", evidence.run, lane.kind, lane.unknown);
        }
    }
    Ok(())
}

/// Every operator loses where it should, and nowhere else.
fn parts(stage: &Stage, outcome: &Outcome) -> anyhow::Result<()> {
    let is_out = |node: usize| stage.out().contains(&node);
    let lost = |node: usize, rule: &str| match node {
        SLOW => rule == "ingress.delay",
        node if is_out(node) => ["duty.turns", "duty.head", "duty.probes"].contains(&rule),
        _ => false,
    };
    let is_clique = is_clique(stage.network.family);
    let mut wrong = Vec::new();
    for node in 0..stage.network.nodes.len() {
        let runs = outcome.publication.runs.values().filter(|entry| entry.state.counts());
        let runs = runs.filter(|entry| entry.run.operator.as_str() == format!("node-{node}"));
        for part in runs.filter_map(|entry| entry.score.as_ref()).flat_map(|score| &score.parts) {
            let share = part.points * 1_000 / part.of.max(1);
            println!("node-{node} {:<18} {share:>5} {:?} {:?}", part.rule, part.observed, part.factors);
            let is_luck = is_luck(is_out(node), node, part) || is_clique && is_race(is_out(node), part);
            if (share < KEPT) != lost(node, &part.rule) && !is_luck {
                let Part { rule, factors, .. } = part;
                wrong.push(format!("node-{node} has {share} per mille of {rule}: {factors:?}"));
            }
        }
    }
    ensure!(wrong.is_empty(), "{wrong:?}");
    Ok(())
}

/// Of all or all but one.
fn but_for_one(part: &Part) -> bool {
    let factor = |name: &str| part.factors.iter().find(|(one, _)| one == name).map_or(0, |(_, value)| *value);
    factor("all") - factor("good") <= 1
}

/// What the race with a sealer that comes back may cost one that was never out: a turn, and being in time once.
fn is_race(was_out: bool, part: &Part) -> bool {
    !was_out && ["duty.turns", "duty.prompt"].contains(&part.rule.as_str()) && but_for_one(part)
}

/// What a node may lose, or keep, by chance.
fn is_luck(was_out: bool, node: usize, part: &Part) -> bool {
    match part.rule.as_str() {
        // Started again, a node knows nothing of what waits, and it is as fast as it comes up.
        "duty.filled" | "duty.prompt" if was_out => true,
        // Nodes seal an empty block first and fill it when they come to it: on a busy host one stays empty.
        "duty.filled" => but_for_one(part),
        // A certificate is a first quorum: who is not of it is chance.
        "duty.votes" => was_out || part.observed > Some(800),
        // What it was sent meanwhile it hands on when it has peers again, and the chain made few blocks meanwhile.
        "duty.probes" => was_out && node == CUT,
        _ => false,
    }
}

fn verified(season: &Path) -> anyhow::Result<()> {
    let files = scoreboard::disk::read_dir(&season.join("bundle"))?;
    let key = std::fs::read_to_string(season.join("signer.vkey"))?.trim().parse()?;
    let verified = scoreboard::verify(&files, Some(&key)).map_err(|why| anyhow::anyhow!("{why}"))?;
    println!("verified: {verified:?}");
    Ok(())
}
