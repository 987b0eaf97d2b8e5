//! Puts seasons on a network of real geth.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, anyhow};
use challenges::engine::ceiling::ceiling_for;
use localnet::{FUNDED_KEY, GethOptions};
use model::season::Operator;
use model::trial::{Door, Path as LoadPath, SpamDefense, TrafficThroughput};
use model::{Evidence, Network, Parameters, Publication, Role, RunState, Schedule, Seed, Trial, Vector};
use scoreboard::Rulebook;
use server::progress::{Event, Progress};
use server::season::OpenSeason;
use server::season::conduct::Conduct;
use server::season::file::Declared;
use server::season::records::Records;
use tokio::sync::mpsc::UnboundedSender;

/// The program under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_touchstone");

pub(crate) fn geth_is_here() -> anyhow::Result<()> {
    localnet::find_geth().map(|_| ())
}

/// A clique network: four sealers, then the reference and two controls.
pub(crate) async fn network(directory: &Path) -> anyhow::Result<localnet::Network> {
    GethOptions { seed: Some(1), ..GethOptions::new(directory) }.start().await
}

/// The node that is only read from: the last but two. Those after it are the controls.
pub(crate) fn reference(network: &localnet::Network) -> &localnet::Node {
    network.nodes.iter().rev().nth(2).expect("a reference")
}

/// What a season measures, and on whom.
pub(crate) struct Plan {
    pub(crate) windows: u32,
    pub(crate) attempts: u32,
    /// Identifier and RPC.
    pub(crate) candidates: Vec<(&'static str, String)>,
    pub(crate) trials: Vec<Trial>,
}

pub(crate) fn declare(network: &localnet::Network, plan: Plan) -> anyhow::Result<Declared> {
    let mut operators = Vec::new();
    for (id, rpc) in plan.candidates {
        operators.push((
            Operator { id: id.parse()?, name: id.to_owned(), role: Role::Candidate, validator: None },
            rpc,
        ));
    }
    for (node, id) in network.nodes[network.nodes.len() - 2..].iter().zip(["control-1", "control-2"]) {
        operators.push((
            Operator { id: id.parse()?, name: id.to_owned(), role: Role::Control, validator: None },
            node.rpc_url(),
        ));
    }
    let peak = plan.trials.iter().map(|trial| trial.parameters.peak_rate()).max().unwrap_or(1);
    Ok(Declared {
        name: "real nodes".into(),
        windows: plan.windows,
        seats: 2,
        attempts: plan.attempts,
        network: Network {
            family: network.family.into(),
            chain_id: network.chain_id,
            genesis: network.genesis_hash().to_string(),
            incarnation: 1,
        },
        operators,
        trials: plan.trials,
        book: Rulebook::quick(),
        reference: reference(network).rpc_url(),
        ceiling: ceiling_for(peak),
    })
}

/// What came of a season.
pub(crate) struct Outcome {
    pub(crate) open: OpenSeason,
    pub(crate) evidence: BTreeMap<String, Evidence>,
    pub(crate) publication: Publication,
}

impl Outcome {
    pub(crate) fn state(&self, run: &str) -> Option<RunState> {
        self.publication.runs.get(run).map(|entry| entry.state)
    }
}

/// Conducts a season in `directory` to its end.
pub(crate) async fn conduct(
    declared: Declared,
    directory: &Path,
    events: UnboundedSender<Event>,
) -> anyhow::Result<Outcome> {
    let records = Records::open(directory).await?;
    let open = OpenSeason::freeze(declared, Seed::from_number(7), false);
    let progress = Progress::new(true).told_to(events);
    Conduct::take_up(&open, &records, Some(FUNDED_KEY), Path::new(BINARY), &progress).await?.run().await?;
    let publication = records.publications().await?.pop().context("a publication")?;
    Ok(Outcome { evidence: records.evidence().await?, publication, open })
}

pub(crate) fn trial(
    id: &str,
    schedule: Schedule,
    weight: u32,
    parameters: Parameters,
) -> anyhow::Result<Trial> {
    Ok(Trial { id: id.parse()?, version: 1, path: LoadPath::Direct, schedule, weight, parameters })
}

/// Honest transactions per second and node, and seconds a phase.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) honest: u32,
    pub(crate) seconds: u32,
}

pub(crate) fn spam(vectors: &[Vector], pace: Pace, rate: u32) -> Parameters {
    let Pace { honest, seconds } = pace;
    Parameters::SpamDefense(SpamDefense {
        honest_rate: honest,
        horizon_blocks: 20,
        base_ms: seconds * 1000,
        attack_ms: seconds * 1000,
        settle_ms: 0,
        recover_ms: seconds * 1000,
        intensities: vec![rate],
        vectors: vectors.to_vec(),
    })
}

pub(crate) fn traffic(max_rate: u32) -> Parameters {
    let door = Door {
        start_rate: 20,
        max_rate,
        step_ms: 1_500,
        sustain_ms: 2_000,
        settle_ms: 200,
        bisections: 3,
        patience_ms: 250,
    };
    Parameters::TrafficThroughput(TrafficThroughput { pairs: 200, pair_rate: 5, horizon_blocks: 20, door })
}

/// Runs an async test on a runtime of its own, in a fresh directory.
pub(crate) fn run<F>(test: impl FnOnce(std::path::PathBuf) -> F) -> Result<(), libtest_mimic::Failed>
where
    F: Future<Output = anyhow::Result<()>>,
{
    let directory = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(test(directory.path().to_owned()));
    done.map_err(|error| libtest_mimic::Failed::from(format!("{error:#}")))
}

/// Fails unless `good`.
pub(crate) fn ensure(good: bool, what: impl FnOnce() -> String) -> anyhow::Result<()> {
    if good { Ok(()) } else { Err(anyhow!(what())) }
}

/// The host was too busy each time. Not a pass: `.ci/test` reads this file and says so at its end.
pub(crate) fn not_run(what: &str) -> anyhow::Result<()> {
    println!("not run: host too busy");
    let Some(file) = std::env::var_os("TOUCHSTONE_NOT_RUN") else {
        anyhow::bail!("not run: host too busy ({what})");
    };
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file)?;
    writeln!(file, "not run: host too busy ({what})")?;
    Ok(())
}
