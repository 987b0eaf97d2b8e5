//! The season that this all is for: six operators on real geth, two of them equals.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use libtest_mimic::Failed;
use localnet::{Fault, Network, Proxy};
use model::{CutCause, Entry, RunState, Schedule, Vector, VoidCause};
use server::progress::Event;
use server::season::file::Declared;
use tokio::process::Command;
use tokio::sync::mpsc::unbounded_channel;

use crate::stage::{
    Outcome, Pace, Plan, conduct, declare, ensure, network, not_run, reference, run, spam, traffic, trial,
};

/// A season is tried so often when the machine was too busy to measure.
const TRIES: u32 = 3;
/// The run in which its node is stopped.
const STOPPED: &str = "w01.traffic.stopped.1";
/// Of its runs, so many may be void, per cent.
const MOST_VOID: usize = 20;
/// Blocks are due every second, also while three of four sealers make them (1.1 s); microseconds.
const LATE_BLOCKS_US: u64 = 2_000_000;

pub(crate) fn season() -> Result<(), Failed> {
    run(async |directory| {
        let mut wrong = None;
        for attempt in 1..=TRIES {
            let here = directory.join(attempt.to_string());
            let network = network(&here.join("net")).await?;
            let outcome = measured(&network, &here).await?;
            println!("{}", server::standing::table(&outcome.open.season, &outcome.publication));
            print_parts(&outcome);
            if let Some(why) = host_fault(&outcome) {
                eprintln!("the host was too busy, attempt {attempt} of {TRIES}: {why}");
                continue;
            }
            certain(&network, &outcome, &here).await?;
            match (statistical(&outcome), late_blocks(&outcome)) {
                (Ok(()), _) => return Ok(()),
                (Err(error), Some(late)) => {
                    eprintln!("the host was too busy, attempt {attempt} of {TRIES}: {late} ({error:#})");
                }
                (Err(error), None) => {
                    eprintln!("not as it should be, attempt {attempt} of {TRIES}: {error:#}");
                    wrong = Some(error);
                }
            }
        }
        match wrong {
            // The controls were well, and chance does not come every time.
            Some(error) => Err(error),
            None => not_run("the season on real geth"),
        }
    })
}

/// Why the machine could not measure, if it could not. The controls are known good and share
/// the host: what they lose, the host took.
fn host_fault(outcome: &Outcome) -> Option<String> {
    let voids = outcome.publication.runs.values().filter(|entry| !entry.state.counts()).count();
    let runs = outcome.publication.runs.len();
    println!("{voids} of {runs} runs were void");
    if voids * 100 > runs * MOST_VOID {
        return Some(format!("above {MOST_VOID} % of the runs were void"));
    }
    if outcome.state(STOPPED).is_some_and(|state| matches!(state, RunState::Void(_))) {
        return Some(format!("{STOPPED}, in which a node was to be stopped, was void"));
    }
    let lost = |rule: &&&str| CONTROLS.iter().any(|id| share(outcome, id, rule) < Some(KEPT));
    RULES.iter().find(lost).map(|rule| format!("a control lost points in {rule}"))
}

/// Whether blocks came late. All eight runs of a trial go on at one time: what the chain cannot carry, the host could
/// not, and what operators lost in that says nothing of them.
fn late_blocks(outcome: &Outcome) -> Option<String> {
    let controls = outcome.evidence.values().filter(|run| CONTROLS.contains(&run.run.operator.as_str()));
    let interval = controls.map(|run| run.block_interval_us).max()?;
    (interval > LATE_BLOCKS_US).then(|| format!("a block only every {interval} us"))
}

async fn measured(network: &Network, here: &Path) -> anyhow::Result<Outcome> {
    let ingress = network.nodes[2].rpc_addr();
    let slow = Proxy::start(ingress, Fault::Delay(Duration::from_millis(800)))?;
    let lossy = Proxy::start(ingress, Fault::Close { per_mille: 50 })?;
    let narrow = Proxy::start(ingress, Fault::Rate { per_second: 60, queue: 30 })?;
    let candidates = vec![
        ("north", network.nodes[0].rpc_url()),
        ("south", network.nodes[1].rpc_url()),
        ("slow", slow.url()),
        ("lossy", lossy.url()),
        ("narrow", narrow.url()),
        ("stopped", network.nodes[3].rpc_url()),
    ];
    let (events, mut told) = unbounded_channel::<Event>();
    let directory = here.join("season");
    let season = conduct(declared(network, candidates)?, &directory, events);
    let stop = async {
        while let Some(event) = told.recv().await {
            if let Event::Phase { run, phase } = event
                && run == STOPPED
                && phase.starts_with("ramp")
            {
                network.nodes[3].pause()?;
                break;
            }
        }
        while told.recv().await.is_some() {}
        anyhow::Ok(())
    };
    let (outcome, stopped) = tokio::join!(season, stop);
    stopped?;
    outcome
}

fn declared(network: &Network, candidates: Vec<(&'static str, String)>) -> anyhow::Result<Declared> {
    // Of them only V08's is gossiped, once its gap is filled: of one account, far below what the chain carries.
    let vectors = [Vector::V01, Vector::V05, Vector::V07, Vector::V08];
    let trials = vec![
        trial("traffic", Schedule::Together, 2, traffic(200, 160))?,
        // Together, the honest lanes of eight runs are 112 transactions/s: with 160, and a half more of spam, two slow
        // cores under seven nodes made a block every three seconds.
        trial("spam", Schedule::Together, 1, spam(&vectors, Pace { honest: 7, seconds: 9 }, 100))?,
    ];
    declare(network, Plan { windows: 2, attempts: 3, candidates, trials })
}

/// What no noise may change.
async fn certain(network: &Network, outcome: &Outcome, here: &Path) -> anyhow::Result<()> {
    stopped_is_cut(outcome)?;
    bundle_verifies(&here.join("season"))?;
    recount(network, &here.join("season")).await
}

/// What two short windows show on a quiet machine.
fn statistical(outcome: &Outcome) -> anyhow::Result<()> {
    places(outcome)?;
    parts_lost(outcome)?;
    every_part_spans_its_scale(outcome)
}

/// Mean share of full marks that an operator earned in a rule over its runs that count, per mille.
fn share(outcome: &Outcome, operator: &str, rule: &str) -> Option<i64> {
    let shares = shares(outcome, operator, rule);
    (!shares.is_empty()).then(|| shares.iter().sum::<i64>() / shares.len() as i64)
}

fn shares(outcome: &Outcome, operator: &str, rule: &str) -> Vec<i64> {
    let entries = outcome.publication.runs.values().filter(|entry| entry.run.operator.as_str() == operator);
    let parts = entries.filter_map(|entry| entry.score.as_ref()).flat_map(|score| &score.parts);
    parts.filter(|part| part.rule.starts_with(rule)).map(|part| part.points * 1000 / part.of.max(1)).collect()
}

const RULES: [&str; 7] = [
    "ingress.inclusion",
    "ingress.delay",
    "door.capacity",
    "defense.V01",
    "defense.V05",
    "defense.V07",
    "defense.V08",
];
const CONTROLS: [&str; 2] = ["control-1", "control-2"];
const EVERYBODY: [&str; 8] =
    ["north", "south", "slow", "lossy", "narrow", "stopped", "control-1", "control-2"];

fn print_parts(outcome: &Outcome) {
    println!("share of full marks, per mille, by window:");
    for operator in EVERYBODY {
        let row: Vec<String> =
            RULES.iter().map(|rule| format!("{rule} {:?}", shares(outcome, operator, rule))).collect();
        println!("  {operator:<10} {}", row.join("  "));
    }
    println!("parts below full marks, with what they were made of:");
    for (name, entry) in &outcome.publication.runs {
        for part in entry.score.iter().flat_map(|score| &score.parts).filter(|part| part.points < part.of) {
            println!("  {name} {} {:?} {} {:?}", part.rule, part.observed, part.unit, part.factors);
        }
    }
}

fn entry<'a>(outcome: &'a Outcome, operator: &str) -> anyhow::Result<&'a Entry> {
    let found = outcome.publication.ranking.entries.iter().find(|entry| entry.operator.as_str() == operator);
    found.with_context(|| format!("{operator} is ranked"))
}

fn places(outcome: &Outcome) -> anyhow::Result<()> {
    let (north, south) = (entry(outcome, "north")?, entry(outcome, "south")?);
    ensure(north.place == Some(1) && south.place == Some(1), || {
        format!("the healthy two share the first place, not {:?} and {:?}", north.place, south.place)
    })?;
    for worse in ["slow", "lossy", "narrow", "stopped"] {
        let total = entry(outcome, worse)?.total;
        ensure(total < north.total.min(south.total), || format!("{worse} has {total:?} points"))?;
    }
    // Two windows tell large differences apart for certain, and no others.
    for far in ["narrow", "stopped"] {
        let place = entry(outcome, far)?.place;
        ensure(place > Some(1), || format!("{far} has place {place:?}"))?;
    }
    let last = entry(outcome, "stopped")?;
    let most = outcome.publication.ranking.entries.iter().filter_map(|entry| entry.place).max();
    ensure(last.place == most, || format!("the stopped one is last, not {:?}", last.place))
}

/// Mean share of full marks, per mille, that counts as nothing lost: noise takes a percent or two.
const KEPT: i64 = 970;
/// And that counts as lost. 800 ms behind blocks of one second are 0.31 of the scale of delay; alone on the
/// network theta was 0.79 s (300 pairs), and less the more the host is busy, because the twins wait too.
const LOST: i64 = 950;
/// The lossy one's honest lanes hold 63 transactions a phase: its share has a standard error of 2.8 points,
/// and the smaller of two such shares counts, over two windows.
const KEPT_OF_SIXTY: i64 = 900;

/// Everybody loses where it should, and nowhere else.
fn parts_lost(outcome: &Outcome) -> anyhow::Result<()> {
    let loses: [(&str, &[&str]); 5] = [
        ("north", &[]),
        ("south", &[]),
        ("slow", &["ingress.delay"]),
        ("lossy", &["ingress.inclusion"]),
        ("narrow", &["door.capacity", "defense.V01", "defense.V05", "defense.V07", "defense.V08"]),
    ];
    for (operator, lost) in loses {
        for rule in RULES {
            let share = share(outcome, operator, rule).with_context(|| format!("{operator} has {rule}"))?;
            let kept = if operator == "lossy" && rule.starts_with("defense") { KEPT_OF_SIXTY } else { KEPT };
            let right = if lost.contains(&rule) { share < LOST } else { share >= kept };
            ensure(right, || format!("{operator} has {share} per mille of {rule}"))?;
        }
    }
    Ok(())
}

fn every_part_spans_its_scale(outcome: &Outcome) -> anyhow::Result<()> {
    for rule in RULES {
        let all: Vec<i64> = EVERYBODY.iter().flat_map(|operator| shares(outcome, operator, rule)).collect();
        let full = all.iter().any(|share| *share >= 999);
        let between = all.iter().any(|share| (5..995).contains(share));
        let zero = all.contains(&0);
        ensure(full && between && zero, || format!("{rule} shows only {all:?}"))?;
    }
    Ok(())
}

fn stopped_is_cut(outcome: &Outcome) -> anyhow::Result<()> {
    let state = outcome.state(STOPPED);
    ensure(state == Some(RunState::Cut(CutCause::NodeDown)), || format!("the stopped run is {state:?}"))?;
    let entry = entry(outcome, "stopped")?;
    ensure(entry.cuts == 4, || format!("{} cuts, {} voids", entry.cuts, entry.voids))?;
    // A run that a busy host made void is drawn again, and cut then; nothing else comes of any.
    let mut runs = outcome.publication.runs.values().filter(|run| run.run.operator.as_str() == "stopped");
    let expected = |state| matches!(state, RunState::Cut(_) | RunState::Void(VoidCause::Ours));
    ensure(runs.all(|run| expected(run.state)), || {
        "a run of the stopped one is neither cut nor ours".into()
    })?;
    ensure(entry.total.is_some_and(|total| total < 50_000), || format!("it counts: {:?}", entry.total))
}

fn bundle_verifies(season: &Path) -> anyhow::Result<()> {
    let files = scoreboard::disk::read_dir(&season.join("bundle"))?;
    let key = std::fs::read_to_string(season.join("signer.vkey"))?.trim().parse()?;
    let verified = scoreboard::verify(&files, Some(&key)).map_err(|e| anyhow::anyhow!("{e}"))?;
    println!("verified: {verified:?}");
    crate::forgery::all_are_found(season, &files, &key)
}

async fn recount(network: &Network, season: &Path) -> anyhow::Result<()> {
    let mut runs: Vec<_> = std::fs::read_dir(season.join("bundle/evidence"))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    runs.sort();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real_nodes/recount.py");
    let output =
        Command::new("python3").arg(script).arg(reference(network).rpc_url()).args(&runs).output().await?;
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    println!("{}", said.trim());
    ensure(output.status.success(), || format!("the recount differs: {said}"))
}
