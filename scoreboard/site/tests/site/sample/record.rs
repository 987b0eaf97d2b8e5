//! Evidence of one run on a node of known character.

use std::collections::BTreeMap;

use model::evidence::{Observer, SecondRecord, SelfSecond, TransactionRecord};
use model::plan::{self, LaneKind, LanePlan, Phase, Via};
use model::{
    BlockRecord, Class, Ended, Evidence, HeadSample, Histogram, LaneRecord, PhaseRecord, Reason, RunKey,
    Seed, SelfCheck, Trial, Unavailable,
};

use super::Node;

/// Names of the attack phases.
pub(super) fn attacks() -> Vec<String> {
    ["V01", "V05", "V08"].iter().flat_map(|v| ["50", "200"].map(|rate| format!("{v}@{rate}"))).collect()
}

/// The record of `run`; a run that did not complete has three phases, a void one none.
pub(super) fn of(run: &RunKey, trial: &Trial, node: &Node, ended: Ended) -> Evidence {
    let seed = run.seed(&Seed::from_number(7));
    let mut phases = Vec::new();
    let mut at_us = 250_000;
    let most = match ended {
        Ended::Completed => usize::MAX,
        Ended::NodeDown => 3,
        _ => 0,
    };
    while let Some(phase) = plan::next_phase(&trial.parameters, &phases).filter(|_| phases.len() < most) {
        phases.push(phase_record(&phase, node, at_us));
        at_us += u64::from(phase.duration_ms + phase.settle_ms) * 1_000;
    }
    let sent = phases.iter().flat_map(|phase| &phase.lanes).map(|lane| lane.offered).sum();
    Evidence {
        schema: Evidence::SCHEMA,
        run: run.clone(),
        seed,
        parameters: trial.parameters.clone(),
        plan: plan::plan_digest(&trial.parameters, &seed),
        network: super::network(),
        observer: Observer::Reference,
        validator: None,
        client: "geth/v1.13.15-stable/linux-amd64".into(),
        started_ms: 1_789_990_000_000 + u64::from(run.window) * 7_200_000,
        block_interval_us: if phases.is_empty() { 0 } else { 1_004_200 },
        blocks: (0..at_us / 1_000_000).map(block).collect(),
        committees: vec![],
        heads: (0..at_us / 1_000_000).map(head).collect(),
        partings: vec![],
        phases,
        self_check: self_check(sent, at_us / 1_000_000),
        ended,
    }
}

fn block(n: u64) -> BlockRecord {
    BlockRecord {
        height: 8_000 + n,
        hash: format!("0x{n:064x}"),
        seen_us: n * 1_000_000,
        transactions: 24,
        ours: 20,
        turn: None,
    }
}

fn head(n: u64) -> HeadSample {
    let head = Some(8_000 + n);
    HeadSample { at_us: n * 1_000_000, reference: head, controls: vec![head, head], target: head }
}

fn self_check(sent: u64, seconds: u64) -> SelfCheck {
    SelfCheck {
        sent,
        withheld: 0,
        lag_us: spread(120, sent),
        sink_us: spread(640, seconds * 20),
        sink_lost: 0,
        seconds: vec![SelfSecond { sent: 40, worst_lag_us: 900, worst_sink_us: 2_100 }; seconds as usize],
    }
}

/// Most near `middle`, a few far above it.
fn spread(middle: u64, total: u64) -> Histogram {
    let share = |per_mille: u64| total * per_mille / 1_000;
    let tail = [(6, 100), (8, 200), (10, 250), (12, 200), (16, 130), (24, 80), (45, 30), (90, 8)];
    let buckets: Vec<_> = tail.map(|(tenths, per_mille)| (middle * tenths / 10, share(per_mille))).into();
    let placed: u64 = buckets.iter().map(|bucket| bucket.1).sum();
    Histogram::from_buckets(
        buckets.into_iter().chain([(middle, total - placed)]).filter(|bucket| bucket.1 > 0),
    )
}

fn phase_record(phase: &Phase, node: &Node, start_us: u64) -> PhaseRecord {
    let attack = phase.lanes.iter().any(|lane| lane.kind.vector().is_some());
    PhaseRecord {
        name: phase.name.clone(),
        start_us,
        duration_ms: phase.duration_ms,
        start_head: 8_000 + start_us / 1_000_000,
        lanes: phase.lanes.iter().map(|lane| lane_record(lane, phase, node, attack)).collect(),
    }
}

fn lane_record(lane: &LanePlan, phase: &Phase, node: &Node, attack: bool) -> LaneRecord {
    let offered = u64::from(lane.count);
    let loss = if lane.via == Via::Candidate { node.4 * if attack { 3 } else { 1 } } else { 2 };
    let lost = offered * loss.min(1_000) / 1_000;
    let outcomes = outcomes(lane, phase, node, lost);
    let answered = outcomes.iter().filter(|(class, _)| class.is_answer()).map(|(_, count)| count).sum();
    let landed = if lane.kind == LaneKind::Honest { offered - lost } else { 0 };
    LaneRecord {
        kind: lane.kind,
        via: lane.via,
        offered,
        withheld: 0,
        intended_us: spread(node.3 + if attack { node.3 / 2 } else { 0 } + 180, answered),
        sent_us: spread(node.3, answered),
        seconds: seconds(offered, landed, phase.duration_ms),
        landed,
        transactions: (0..landed)
            .map(|n| TransactionRecord(format!("0x{n:064x}"), 8_000, 8_002, 1))
            .collect(),
        unknown: if lane.kind == LaneKind::V08 {
            vec!["account limit exceeded <b>soft</b>".into()]
        } else {
            vec![]
        },
        outcomes,
    }
}

fn outcomes(lane: &LanePlan, phase: &Phase, node: &Node, lost: u64) -> BTreeMap<Class, u64> {
    let offered = u64::from(lane.count);
    let all = |class| BTreeMap::from([(class, offered)]);
    match lane.kind {
        LaneKind::Honest => BTreeMap::from([
            (Class::Accepted, offered - lost),
            (Class::Unavailable(Unavailable::Timeout), lost),
        ]),
        LaneKind::Load => {
            let served = offered.min(u64::from(node.2) * u64::from(phase.duration_ms) / 1_000);
            BTreeMap::from([
                (Class::Rejected(Reason::NonceTooLow), served),
                (Class::Unavailable(Unavailable::Timeout), offered - served),
            ])
        }
        LaneKind::V01 => all(Class::Rejected(Reason::WrongChain)),
        LaneKind::V05 => all(Class::Rejected(Reason::BadSignature)),
        LaneKind::V08 => BTreeMap::from([
            (Class::Rejected(Reason::PoolFull), offered / 2),
            (Class::Throttled, offered / 4),
            (Class::Unknown, offered - offered / 2 - offered / 4),
        ]),
        _ => all(Class::Rejected(Reason::NonceTooLow)),
    }
}

fn seconds(offered: u64, landed: u64, duration_ms: u32) -> Vec<SecondRecord> {
    let count = u64::from(duration_ms.div_ceil(1_000)).max(1);
    let part = |whole: u64, n: u64| whole * (n + 1) / count - whole * n / count;
    let second =
        |n| SecondRecord { offered: part(offered, n), accepted: part(landed, n), landed: part(landed, n) };
    (0..count).map(second).collect()
}
