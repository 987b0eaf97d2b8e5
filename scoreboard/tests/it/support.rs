//! Seasons and evidence for tests: a node of known character, run through the real plans.

use model::class::{Reason, Unavailable};
use model::evidence::{Observer, TransactionRecord};
use model::plan::{LaneKind, LanePlan, Phase, Via, next_phase, plan_digest, spam_defense};
use model::trial::{Door, Path, SpamDefense, TrafficThroughput, VectorKind};
use model::*;
use scoreboard::{Record, Rulebook, record};

/// Seconds a phase is followed by quiet, so that late transactions find their block.
const QUIET_S: u64 = 3;
/// Head of the reference when a run begins.
const FIRST: u64 = 100;

/// How a node behaves.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// Honest transactions that land, per mille, in calm.
    pub(crate) calm: u64,
    /// The same during attacks.
    pub(crate) attacked: u64,
    /// The same after them.
    pub(crate) after: u64,
    /// The distant lane during attacks, per mille.
    pub(crate) distant: u64,
    /// The distant lane and the twins through the control, otherwise.
    pub(crate) control: u64,
    /// Blocks that a twin through this node lands after the control's.
    pub(crate) late: u64,
    /// Door capacity, requests per second.
    pub(crate) capacity: u64,
    /// Right answers to invalid vectors, per mille; the rest are `accepted`.
    pub(crate) right: u64,
    /// Invalid transactions that land in a block.
    pub(crate) included: u64,
    /// Transactions that it keeps of one account behind a nonce gap.
    pub(crate) behind_gap: u64,
    /// Accounts whose gap is filled.
    pub(crate) filled: u64,
    /// What it says that it runs.
    pub(crate) client: &'static str,
    /// How the run ends, and after how many phases.
    pub(crate) ended: (Ended, usize),
}

impl Default for Node {
    fn default() -> Self {
        Self {
            calm: 1_000,
            attacked: 1_000,
            after: 1_000,
            distant: 1_000,
            control: 1_000,
            late: 0,
            capacity: 1_000,
            right: 1_000,
            included: 0,
            behind_gap: 64,
            filled: 2,
            client: "test/1.0",
            ended: (Ended::Completed, usize::MAX),
        }
    }
}

pub(crate) fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

pub(crate) fn traffic() -> TrafficThroughput {
    let door = Door {
        start_rate: 20,
        max_rate: 400,
        step_ms: 1_000,
        sustain_ms: 1_000,
        settle_ms: 0,
        bisections: 3,
        patience_ms: 100,
    };
    TrafficThroughput { pairs: 200, pair_rate: 20, horizon_blocks: 20, door, halt_ms: None }
}

pub(crate) fn defense() -> SpamDefense {
    SpamDefense {
        honest_rate: 20,
        horizon_blocks: 20,
        base_ms: 10_000,
        attack_ms: 10_000,
        settle_ms: 0,
        recover_ms: 80_000,
        intensities: vec![50],
        vectors: vec![Vector::V01, Vector::V08],
        gapped_accounts: 2,
        halt_ms: None,
    }
}

fn operator(name: &str, role: Role) -> Operator {
    Operator { id: id(name), name: name.to_uppercase(), role, validator: None }
}

fn trial(name: &str, parameters: Parameters) -> Trial {
    Trial { id: id(name), version: 1, path: Path::Direct, schedule: Schedule::Alone, weight: 1, parameters }
}

/// The secret seed of the test season.
pub(crate) fn seed() -> Seed {
    Seed::from_number(7)
}

/// Three candidates, two controls, two trials, two windows, one seat.
pub(crate) fn season(book: &Rulebook) -> Season {
    Season {
        schema: Season::SCHEMA,
        name: "Test".into(),
        demonstration: true,
        network: Network {
            family: "evm".into(),
            chain_id: 1337,
            genesis: format!("0x{}", "0".repeat(64)),
            incarnation: 1,
        },
        reference_validator: None,
        operators: vec![
            operator("alpha", Role::Candidate),
            operator("bravo", Role::Candidate),
            operator("charlie", Role::Candidate),
            operator("near", Role::Control),
            operator("far", Role::Control),
        ],
        trials: vec![
            trial("door", Parameters::TrafficThroughput(traffic())),
            trial("spam", Parameters::SpamDefense(defense())),
        ],
        windows: 2,
        attempts: 2,
        seats: 1,
        rulebook: book.digest(),
        seed_commitment: seed().commitment(),
    }
}

/// The same season with the shortest runs, for tests that verify a bundle many times over.
pub(crate) fn small_season(book: &Rulebook) -> Season {
    let mut season = season(book);
    season.operators.retain(|operator| ["alpha", "bravo", "near"].contains(&operator.id.as_str()));
    let mut short = defense();
    (short.honest_rate, short.base_ms, short.attack_ms, short.recover_ms) = (5, 2_000, 2_000, 6_000);
    short.vectors = vec![Vector::V01];
    let mut narrow = traffic();
    (narrow.pairs, narrow.door.max_rate) = (20, 20);
    season.trials = vec![
        trial("door", Parameters::TrafficThroughput(narrow)),
        trial("spam", Parameters::SpamDefense(short)),
    ];
    season
}

pub(crate) fn key(window: u32, trial: &str, operator: &str, attempt: u32) -> RunKey {
    RunKey { window, trial: id(trial), operator: id(operator), attempt }
}

/// Evidence of one run of a node.
pub(crate) fn run(season: &Season, key: RunKey, node: &Node) -> Evidence {
    let parameters = season.trial(&key.trial).unwrap().parameters.clone();
    let seed = key.seed(&seed());
    let mut phases = Vec::new();
    let mut now = 1;
    while let Some(phase) = next_phase(&parameters, &phases).filter(|_| phases.len() < node.ended.1) {
        phases.push(record_phase(&key, &phase, node, now));
        now += u64::from(phase.duration_ms).div_ceil(1_000) + QUIET_S;
    }
    Evidence {
        schema: Evidence::SCHEMA,
        seed,
        plan: plan_digest(&parameters, &seed),
        network: season.network.clone(),
        observer: Observer::Reference,
        validator: None,
        client: node.client.into(),
        started_ms: 1_700_000_000_000,
        block_interval_us: 1_000_000,
        blocks: (0..now + 30).map(block).collect(),
        committees: vec![],
        heads: (0..now + 30).map(|s| heads(s, Some(FIRST + s), Some(FIRST + s))).collect(),
        partings: vec![],
        self_check: healthy(),
        ended: node.ended.0,
        run: key,
        parameters,
        phases,
    }
}

pub(crate) fn heads(second: u64, reference: Option<u64>, control: Option<u64>) -> HeadSample {
    HeadSample { at_us: second * 1_000_000, reference, controls: vec![control], target: None }
}

pub(crate) fn healthy() -> SelfCheck {
    SelfCheck {
        sent: 10_000,
        withheld: 0,
        lag_us: Histogram::from_buckets([(500, 10_000)]),
        sink_us: Histogram::from_buckets([(900, 1_000)]),
        sink_lost: 0,
        seconds: vec![],
    }
}

fn block(second: u64) -> BlockRecord {
    BlockRecord {
        height: FIRST + second,
        hash: format!("0x{second:064x}"),
        seen_us: second * 1_000_000,
        transactions: 50,
        ours: 50,
        turn: None,
    }
}

fn record_phase(key: &RunKey, phase: &Phase, node: &Node, now: u64) -> PhaseRecord {
    PhaseRecord {
        name: phase.name.clone(),
        start_us: now * 1_000_000,
        duration_ms: phase.duration_ms,
        start_head: FIRST + now,
        lanes: phase.lanes.iter().map(|plan| lane(key, phase, plan, node, FIRST + now)).collect(),
    }
}

fn lane(key: &RunKey, phase: &Phase, plan: &LanePlan, node: &Node, head: u64) -> LaneRecord {
    let count = u64::from(plan.count);
    let outcomes: Vec<(Class, u64)> = match plan.kind {
        LaneKind::Honest | LaneKind::GapFill | LaneKind::KeyChange => vec![(Class::Accepted, count)],
        LaneKind::Load => {
            let served = count.min(node.capacity * u64::from(phase.duration_ms) / 1_000);
            let lost = Class::Unavailable(Unavailable::Timeout);
            vec![(Class::Rejected(Reason::NonceTooLow), served), (lost, count - served)]
        }
        kind if kind.vector().unwrap().kind() == VectorKind::Invalid => {
            let right = count * node.right / 1_000;
            vec![(Class::Rejected(Reason::WrongChain), right), (Class::Accepted, count - right)]
        }
        _ => vec![(Class::Rejected(Reason::FutureNonce), count)],
    };
    let answered = outcomes.iter().filter(|(class, _)| class.is_answer()).map(|(_, count)| count).sum();
    let transactions = transactions(key, phase, plan, node, head);
    LaneRecord {
        kind: plan.kind,
        via: plan.via,
        offered: count,
        outcomes: outcomes.into_iter().filter(|(_, count)| *count > 0).collect(),
        withheld: 0,
        intended_us: Histogram::from_buckets([(2_000, answered)]),
        sent_us: Histogram::from_buckets([(1_500, answered)]),
        seconds: vec![],
        landed: transactions.iter().filter(|one| one.2 > 0).count() as u64,
        transactions,
        unknown: vec![],
    }
}

fn transactions(
    key: &RunKey,
    phase: &Phase,
    plan: &LanePlan,
    node: &Node,
    head: u64,
) -> Vec<TransactionRecord> {
    let seconds = u64::from(phase.duration_ms).div_ceil(1_000);
    let own = plan.via == Via::Candidate;
    let count = u64::from(plan.count);
    let (share, late) = match (plan.kind, own, phase.name.as_str()) {
        (LaneKind::Honest, true, "base" | "pairs") => (node.calm, node.late),
        (LaneKind::Honest, true, "recover") => (node.after, 0),
        (LaneKind::Honest, true, _) => (node.attacked, 0),
        (LaneKind::Honest, false, "base" | "pairs" | "recover") => (node.control, 0),
        (LaneKind::Honest, false, _) => (node.distant, 0),
        (LaneKind::V01 | LaneKind::V05, ..) => {
            let landed = node.included.min(count);
            let one = |i| TransactionRecord(format!("0xbad{key}{}{i}", phase.name), head, head + 1, 0);
            return (0..landed).map(one).collect();
        }
        (LaneKind::V08 | LaneKind::GapFill, ..) => return queued(key, phase, plan, node, head),
        _ => return vec![],
    };
    let one = |i: u64| {
        let sent = head + i * seconds / count;
        // Spread evenly: of any 1000 in a row, `share` land.
        let lands = (i + 1) * share / 1_000 > i * share / 1_000;
        let landed = if lands { sent + 1 + late } else { 0 };
        let hash = format!("0x{key}{}{:?}{i}", phase.name, plan.via);
        TransactionRecord(hash, sent, landed, u8::from(lands))
    };
    (0..count).map(one).collect()
}

/// A future-nonce flood whose gaps are filled after it, and what fills them: of each account whose gap is filled, what the
/// node kept lands.
fn queued(key: &RunKey, phase: &Phase, plan: &LanePlan, node: &Node, head: u64) -> Vec<TransactionRecord> {
    let kind = plan.kind;
    let accounts = spam_defense::gapped(defense().gapped_accounts, plan.count);
    let lands = |index: u32| match kind {
        LaneKind::GapFill => u64::from(index) < node.filled,
        _ => spam_defense::behind_gap(accounts, index)
            .is_some_and(|(account, nonce)| u64::from(account) < node.filled && nonce <= node.behind_gap),
    };
    let seconds = u64::from(phase.duration_ms).div_ceil(1_000);
    let one = |index: u32| {
        let hash = format!("0x{key}{}{kind:?}{index}", phase.name);
        let landed = if lands(index) { head + seconds + 1 } else { 0 };
        TransactionRecord(hash, head, landed, lands(index).into())
    };
    (0..plan.count).map(one).collect()
}

/// The whole record of a season of nodes, by operator.
pub(crate) fn whole(season: &Season, node: impl Fn(&RunKey) -> Node) -> Record {
    let mut evidence = Vec::new();
    for window in 1..=season.windows {
        for trial in &season.trials {
            for operator in &season.operators {
                let key = key(window, trial.id.as_str(), operator.id.as_str(), 1);
                let node = node(&key);
                evidence.push(run(season, key, &node));
            }
        }
    }
    record(evidence)
}

/// The record with one run changed.
pub(crate) fn with(record: &Record, name: &str, change: impl FnOnce(&mut Evidence)) -> Record {
    let mut changed: Vec<Evidence> = record.values().map(|filed| filed.evidence().clone()).collect();
    change(changed.iter_mut().find(|one| one.run.to_string() == name).expect("there is such a run"));
    scoreboard::record(changed)
}
