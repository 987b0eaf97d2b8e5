//! Puts seasons on a network of real geth.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow};
use challenges::engine::ceiling::ceiling_for;
use localnet::{FUNDED_KEY, GethOptions, Node};
use model::plan::duty::Duty;
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
use tokio::time::sleep;

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
        reference_validator: None,
        ceiling: ceiling_for(peak),
    })
}

/// A season of a network's validators: these nodes are candidates, the others controls, and `reference` is only read
/// from. `rpc` tells how a node is reached.
pub(crate) fn seats(
    network: &localnet::Network,
    trials: Vec<Trial>,
    candidates: &[usize],
    reference: usize,
    rpc: impl Fn(usize) -> String,
) -> anyhow::Result<Declared> {
    let plan = Plan { windows: 1, attempts: 3, candidates: vec![], trials };
    let mut declared = declare(network, plan)?;
    declared.operators.clear();
    let seated = network.nodes.iter().enumerate().filter(|(index, _)| *index != reference);
    for (index, address) in seated.filter_map(|(index, node)| Some((index, node.address()?))) {
        let role = if candidates.contains(&index) { Role::Candidate } else { Role::Control };
        let (name, validator) = (format!("node-{index}"), Some(address.to_owned()));
        declared.operators.push((Operator { id: name.parse()?, name, role, validator }, rpc(index)));
    }
    declared.reference = network.nodes[reference].rpc_url();
    declared.reference_validator = network.nodes[reference].address().map(str::to_owned);
    Ok(declared)
}

/// Heights at which a turn of this node failed, as the evidence tells.
pub(crate) fn failed(evidence: &Evidence, node: &Node) -> Vec<u64> {
    let me = node.address().unwrap_or_default();
    let turns = evidence.blocks.iter().filter_map(|block| Some((block.height, block.turn.as_ref()?)));
    let mine = turns.flat_map(|(height, turn)| {
        turn.failed.iter().filter(|who| who.eq_ignore_ascii_case(me)).map(move |_| height)
    });
    mine.collect()
}

/// The failed turns of all but `blamed`: node and height.
pub(crate) fn others_failed(
    network: &localnet::Network,
    evidence: &Evidence,
    blamed: &[usize],
) -> Vec<(usize, u64)> {
    let others = network.nodes.iter().enumerate().filter(|(index, _)| !blamed.contains(index));
    others.flat_map(|(index, node)| failed(evidence, node).into_iter().map(move |at| (index, at))).collect()
}

/// What was done to a node, known from who did it: it was there at height `from` and gone at `gone`, was let back after
/// `until`, and had caught up at `back`.
pub(crate) struct Out {
    pub(crate) node: usize,
    pub(crate) from: u64,
    pub(crate) gone: u64,
    pub(crate) until: u64,
    pub(crate) back: u64,
}

impl Out {
    /// Its failed turns are those that were `due` to it while it was out, and of no other time. At the edges either is
    /// right: what it made just before it went may come in after, and it may take a turn before it is seen to be back, or
    /// have the head again and miss one more before it is back among those who agree on blocks.
    pub(crate) fn charged(
        &self,
        network: &localnet::Network,
        evidence: &Evidence,
        due: &[u64],
    ) -> anyhow::Result<()> {
        let Self { node, from, gone, until, back } = self;
        let failed = failed(evidence, &network.nodes[*node]);
        println!(
            "node {node} out from {from} or {gone} to {until}, back at {back}: turns due at {due:?}, failed {failed:?}"
        );
        ensure(!failed.is_empty(), || "charged for no turn".into())?;
        let mut surely = due.iter().filter(|height| (gone + 2..=*until).contains(height));
        ensure(surely.all(|height| failed.contains(height)), || "not charged for all of them".into())?;
        let next = due.iter().copied().find(|height| *height > back + 1).unwrap_or(back + 1);
        let was_out = |height: &u64| due.contains(height) && (*from..=next).contains(height);
        ensure(failed.iter().all(was_out), || "charged for turns of another time".into())
    }
}

/// Waits until a node has the head that `other` has; that head.
pub(crate) async fn caught_up(node: &Node, other: &Node) -> anyhow::Result<u64> {
    loop {
        let (own, others) = (node.head().await?, other.head().await?);
        if own + 1 >= others {
            return Ok(others);
        }
        sleep(Duration::from_millis(200)).await;
    }
}

/// A script in another language, asking another node, comes to the same proposers, rounds and failed turns.
pub(crate) async fn turns_recounted(asked: &Node, here: &Path, runs: &[&Evidence]) -> anyhow::Result<()> {
    let mut paths = Vec::new();
    for evidence in runs {
        let path = here.join(format!("{}.json", evidence.run));
        std::fs::write(&path, model::digest::canonical_json(evidence))?;
        paths.push(path);
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real_nodes/recount_turns.py");
    let mut command = tokio::process::Command::new("python3");
    let output = command.arg(script).arg(asked.rpc_url()).args(&paths).output().await?;
    let [said, wrong] =
        [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    println!("{}", said.trim());
    ensure(output.status.success(), || format!("the recount differs: {said}{wrong}"))
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
        gapped_accounts: 1,
        halt_ms: None,
    })
}

pub(crate) fn traffic(pairs: u32, max_rate: u32) -> Parameters {
    let door = Door {
        start_rate: 20,
        max_rate,
        step_ms: 1_500,
        sustain_ms: 2_000,
        settle_ms: 200,
        bisections: 3,
        patience_ms: 250,
    };
    Parameters::TrafficThroughput(TrafficThroughput {
        pairs,
        pair_rate: 5,
        horizon_blocks: 20,
        door,
        halt_ms: None,
    })
}

/// Three round timeouts.
pub(crate) const HALT_MS: u32 = 30_000;

pub(crate) fn duty(calm_rate: u32) -> Parameters {
    Parameters::Duty(Duty {
        watch_ms: 72_000,
        probe_ms: 3_000,
        calm_rate,
        horizon_blocks: 20,
        least_turns: 4,
        halt_ms: HALT_MS,
    })
}

/// Runs an async test on a runtime of its own, in a fresh directory, which stays when the test fails.
pub(crate) fn run<F>(test: impl FnOnce(std::path::PathBuf) -> F) -> Result<(), libtest_mimic::Failed>
where
    F: Future<Output = anyhow::Result<()>>,
{
    let directory = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(test(directory.path().to_owned()));
    done.map_err(|error| {
        let kept = directory.keep();
        libtest_mimic::Failed::from(format!("{error:#} (what it left: {})", kept.display()))
    })
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
