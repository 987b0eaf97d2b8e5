//! Seasons about validators, on chains whose proposers take turns and of which it is known who failed when.

use model::evidence::{Parting, TransactionRecord};
use model::plan::duty::Duty;
use model::plan::key_change::KeyChange;
use model::plan::{Via, next_phase};
use model::*;
use scoreboard::{Record, Rulebook, findings, record, score_run, season_faults};

use crate::support::*;

pub(crate) const NAMES: [&str; 7] = ["alpha", "bravo", "near", "mid-1", "mid-2", "mid-3", "far"];
/// Head of the reference when a run begins.
pub(crate) const FIRST: u64 = 100;
/// Time that a failed round takes, seconds: as on Kaia.
pub(crate) const ROUND_S: u64 = 10;

pub(crate) fn validator(number: usize) -> String {
    format!("0x{number:040x}")
}

pub(crate) fn duty() -> Parameters {
    let p = Duty {
        watch_ms: 140_000,
        probe_ms: 2_000,
        calm_rate: 1,
        horizon_blocks: 20,
        least_turns: 10,
        halt_ms: 30_000,
    };
    Parameters::Duty(p)
}

pub(crate) fn key_change() -> Parameters {
    let p = KeyChange {
        honest_rate: 2,
        horizon_blocks: 20,
        calm_ms: 7_000,
        bursts: 40,
        burst_ms: 700,
        accounts: 2,
        recover_ms: 7_000,
        halt_ms: 30_000,
    };
    Parameters::KeyChange(p)
}

/// Two candidates among five controls.
pub(crate) fn seats(parameters: Parameters) -> Season {
    let mut season = season(&Rulebook::standard());
    season.operators = NAMES
        .iter()
        .enumerate()
        .map(|(number, name)| Operator {
            id: id(name),
            name: (*name).into(),
            role: if number < 2 { Role::Candidate } else { Role::Control },
            validator: Some(validator(number).to_uppercase().replace("0X", "0x")),
        })
        .collect();
    season.trials = vec![Trial {
        id: id("seats"),
        version: 1,
        path: model::trial::Path::Direct,
        schedule: Schedule::Alone,
        weight: 1,
        parameters,
    }];
    season
}

/// Whether a turn of a validator fails at a height.
pub(crate) type Fails = fn(validator: usize, height: u64) -> bool;

/// A chain of `blocks` blocks: each validator in turn, a failed round handing on to the next.
pub(crate) fn chain(blocks: u64, fails: Fails) -> (Vec<BlockRecord>, Vec<HeadSample>) {
    let (mut next, mut now) = (0, 1);
    let (mut records, mut heads) = (Vec::new(), Vec::new());
    for height in FIRST + 1..=FIRST + blocks {
        let mut failed = Vec::new();
        while fails(next, height) && failed.len() < 2 * NAMES.len() {
            failed.push(validator(next));
            next = (next + 1) % NAMES.len();
        }
        for _ in 0..failed.len() as u64 * ROUND_S {
            heads.push(support_heads(now, height - 1));
            now += 1;
        }
        records.push(BlockRecord {
            height,
            hash: format!("0x{height:064x}"),
            seen_us: now * 1_000_000,
            transactions: 5,
            ours: 5,
            turn: Some(Turn {
                proposer: validator(next),
                round: failed.len() as u32,
                failed,
                barred: vec![],
                absent: Some(vec![validator((height % 7) as usize)]),
            }),
        });
        heads.push(support_heads(now, height));
        next = (next + 1) % NAMES.len();
        now += 1;
    }
    (records, heads)
}

pub(crate) fn support_heads(second: u64, height: u64) -> HeadSample {
    HeadSample { target: Some(height), ..heads(second, Some(height), Some(height)) }
}

/// The run of `operator` on such a chain; every transaction lands in the block after it was sent.
pub(crate) fn on_chain(season: &Season, operator: &str, fails: Fails) -> Evidence {
    let mut evidence =
        run(season, key(1, "seats", operator, 1), &Node { ended: (Ended::Completed, 0), ..Node::default() });
    evidence.validator = season.operator(&id(operator)).unwrap().validator.clone();
    let mut phases = Vec::new();
    let mut head = FIRST;
    while let Some(phase) = next_phase(&evidence.parameters, &phases) {
        let seconds = u64::from(phase.duration_ms) / 1_000;
        let lanes = phase.lanes.iter().map(|plan| lane_of(plan, &phase.name, head, seconds)).collect();
        phases.push(PhaseRecord {
            name: phase.name.clone(),
            start_us: 0,
            duration_ms: phase.duration_ms,
            start_head: head,
            lanes,
        });
        head += seconds;
    }
    evidence.phases = phases;
    let (blocks, heads) = chain(head - FIRST + 10, fails);
    evidence.committees = vec![Committee { height: FIRST, members: (0..7).map(validator).collect() }];
    (evidence.blocks, evidence.heads) = (blocks, heads);
    evidence
}

pub(crate) fn lane_of(plan: &model::plan::LanePlan, phase: &str, head: u64, seconds: u64) -> LaneRecord {
    let count = u64::from(plan.count);
    let one = |i: u64| {
        let sent = head + i * seconds / count.max(1);
        TransactionRecord(format!("0x{phase}{:?}{:?}{i}", plan.kind, plan.via), sent, sent + 1, 1)
    };
    LaneRecord {
        kind: plan.kind,
        via: plan.via,
        offered: count,
        outcomes: [(Class::Accepted, count)].into(),
        withheld: 0,
        intended_us: Histogram::default(),
        sent_us: Histogram::default(),
        seconds: vec![],
        landed: count,
        transactions: (0..count).map(one).collect(),
        unknown: vec![],
    }
}

pub(crate) fn observed(season: &Season, evidence: &Evidence) -> Vec<(String, Option<i64>, Points)> {
    let score = score_run(&Rulebook::standard(), season, evidence, &[]);
    score.parts.into_iter().map(|part| (part.rule, part.observed, part.points)).collect()
}

pub(crate) fn told(season: &Season, record: &Record) -> Vec<(String, Vec<String>)> {
    let found = findings(&Rulebook::standard(), season, record, 1);
    let words = |findings: Vec<scoreboard::Finding>| findings.iter().map(scoreboard::Finding::text).collect();
    found.into_iter().map(|(operator, findings)| (operator.to_string(), words(findings))).collect()
}

/// Who is named by the evidence of one run.
pub(crate) fn named(book: &Rulebook, season: &Season, evidence: &Evidence) -> Vec<String> {
    let found = findings(book, season, &record([evidence.clone()]), 1);
    found.into_keys().map(|operator| operator.to_string()).collect()
}

#[test]
fn a_season_about_validators_needs_them_all_and_each_its_own() {
    let good = seats(duty());
    assert_eq!(season_faults(&good), Vec::<String>::new());
    let mut without = good.clone();
    without.operators[1].validator = None;
    assert!(season_faults(&without)[0].contains("operator bravo"), "{:?}", season_faults(&without));
    let mut twice = good;
    twice.operators[1].validator = Some(validator(0));
    assert!(season_faults(&twice)[0].contains("same validator"));
}

#[test]
fn the_references_validator_is_nobody_elses() {
    let mut season = seats(duty());
    for (validator, fault) in [
        (validator(9), None),
        (validator(3), Some("nobody may be measured")),
        (" ".into(), Some("no address")),
    ] {
        season.reference_validator = Some(validator);
        let faults = season_faults(&season).join("; ");
        assert!(fault.map_or(faults.is_empty(), |words| faults.contains(words)), "{faults}");
    }
}

#[test]
fn turns_that_cannot_be_are_refused() {
    type Break = fn(&mut Evidence);
    let season = seats(key_change());
    let good = on_chain(&season, "bravo", |who, height| who == 1 && height == FIRST + 9);
    assert_eq!(scoreboard::intake(&season, &good), Ok(()));
    let breaks: [(Break, &str); 11] = [
        (|e| e.validator = None, "validator"),
        (|e| e.committees.push(e.committees[0].clone()), "rise"),
        (|e| e.committees[0].members.clear(), "committee"),
        (|e| e.committees[0].members.push(validator(0)), "committee"),
        (|e| e.blocks[0].turn.as_mut().unwrap().proposer = "0xstranger".into(), "turn of block"),
        (|e| e.blocks[0].turn.as_mut().unwrap().failed.push(validator(1)), "turn of block"),
        (|e| e.blocks[0].turn.as_mut().unwrap().round = 1_001, "turn of block"),
        (|e| e.blocks[0].turn.as_mut().unwrap().absent = Some(vec!["0xstranger".into()]), "turn of block"),
        (|e| e.blocks[0].turn.as_mut().unwrap().barred = vec![validator(1)], "turn of block"),
        (|e| e.partings.push(Parting { via: Via::Candidate, height: 1, hash: "0x".into() }), "parting"),
        (
            |e| {
                let (height, hash) = (e.blocks[0].height, e.blocks[0].hash.clone());
                e.partings.push(Parting { via: Via::Candidate, height, hash });
            },
            "parting",
        ),
    ];
    for (break_it, word) in breaks {
        let mut evidence = good.clone();
        break_it(&mut evidence);
        let why = scoreboard::intake(&season, &evidence).unwrap_err();
        assert!(why.contains(word), "{word}: {why}");
    }
}
