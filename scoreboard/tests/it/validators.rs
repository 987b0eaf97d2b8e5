//! Duty and key-change, on chains whose proposers take turns and of which it is known who failed when.

use model::evidence::{Parting, TransactionRecord};
use model::plan::duty::Duty;
use model::plan::key_change::KeyChange;
use model::plan::{LaneKind, Via, next_phase};
use model::*;
use scoreboard::{Record, Rulebook, attribute, findings, record, score_run, season_faults};

use crate::support::*;

const NAMES: [&str; 7] = ["alpha", "bravo", "near", "mid-1", "mid-2", "mid-3", "far"];
/// Head of the reference when a run begins.
const FIRST: u64 = 100;
/// Time that a failed round takes, seconds: as on Kaia.
const ROUND_S: u64 = 10;

fn validator(number: usize) -> String {
    format!("0x{number:040x}")
}

fn duty() -> Parameters {
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

fn key_change() -> Parameters {
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
fn seats(parameters: Parameters) -> Season {
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
type Fails = fn(validator: usize, height: u64) -> bool;

/// A chain of `blocks` blocks: each validator in turn, a failed round handing on to the next.
fn chain(blocks: u64, fails: Fails) -> (Vec<BlockRecord>, Vec<HeadSample>) {
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

fn support_heads(second: u64, height: u64) -> HeadSample {
    HeadSample { target: Some(height), ..heads(second, Some(height), Some(height)) }
}

/// The run of `operator` on such a chain; every transaction lands in the block after it was sent.
fn on_chain(season: &Season, operator: &str, fails: Fails) -> Evidence {
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

fn lane_of(plan: &model::plan::LanePlan, phase: &str, head: u64, seconds: u64) -> LaneRecord {
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

fn observed(season: &Season, evidence: &Evidence) -> Vec<(String, Option<i64>, Points)> {
    let score = score_run(&Rulebook::standard(), season, evidence, &[]);
    score.parts.into_iter().map(|part| (part.rule, part.observed, part.points)).collect()
}

fn told(season: &Season, record: &Record) -> Vec<(String, Vec<String>)> {
    let found = findings(&Rulebook::standard(), season, record, 1);
    let words = |findings: Vec<scoreboard::Finding>| findings.iter().map(scoreboard::Finding::text).collect();
    found.into_iter().map(|(operator, findings)| (operator.to_string(), words(findings))).collect()
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
fn full_duty_earns_everything() {
    let season = seats(duty());
    let evidence = on_chain(&season, "alpha", |_, _| false);
    assert_eq!(attribute(&Rulebook::standard(), &evidence), RunState::Measured);
    assert_eq!(scoreboard::intake(&season, &evidence), Ok(()));
    let parts = observed(&season, &evidence);
    assert_eq!(parts.iter().map(|(.., points)| points).sum::<i64>(), 100_000, "{parts:?}");
}

#[test]
fn a_third_of_the_turns_missed_is_charged_to_the_one_who_missed_them() {
    let season = seats(duty());
    let fails: Fails = |who, height| who == 1 && height < FIRST + 50;
    let turns = |operator| {
        let evidence = on_chain(&season, operator, fails);
        observed(&season, &evidence).remove(0)
    };
    let (rule, seen, points) = turns("bravo");
    assert_eq!(rule, "duty.turns");
    assert!(seen.unwrap() < 750 && points == 0, "{seen:?} {points}");
    assert_eq!(turns("alpha"), ("duty.turns".into(), Some(1_000), 40_000));
    assert_eq!(turns("far"), ("duty.turns".into(), Some(1_000), 40_000));
}

/// Number 1 fails always, number 2 proposes in its place, 10 s later, and number 3 after that.
#[test]
fn who_takes_over_for_a_dead_one_loses_nothing() {
    let season = seats(duty());
    for operator in ["near", "mid-1", "alpha"] {
        let evidence = on_chain(&season, operator, |who, _| who == 1);
        let parts = observed(&season, &evidence);
        assert_eq!(parts.iter().map(|(.., points)| points).sum::<i64>(), 100_000, "{operator}: {parts:?}");
    }
}

#[test]
fn a_late_block_is_its_makers() {
    let season = seats(duty());
    let mut evidence = on_chain(&season, "alpha", |_, _| false);
    let mut behind = 0;
    for block in &mut evidence.blocks {
        behind += u64::from(block.turn.as_ref().unwrap().proposer == validator(0)) * 1_500_000;
        block.seen_us += behind;
    }
    assert!(observed(&season, &evidence)[2].1.unwrap() < 50, "all but the first, of which nothing is known");
    evidence.validator = Some(validator(1));
    assert_eq!(observed(&season, &evidence)[2].1, Some(1_000));
}

#[test]
fn a_halted_network_is_nobodys_missed_turn() {
    let season = seats(duty());
    let evidence = on_chain(&season, "alpha", |_, height| height == FIRST + 40);
    assert_eq!(observed(&season, &evidence)[0].1, Some(1_000));
    assert_eq!(attribute(&Rulebook::standard(), &evidence), RunState::Void(VoidCause::Network));
}

#[test]
fn too_few_turns_say_nothing() {
    let mut season = seats(duty());
    let Parameters::Duty(p) = &mut season.trials[0].parameters else { panic!("duty") };
    p.least_turns = 1_000;
    let evidence = on_chain(&season, "alpha", |_, _| false);
    assert_eq!(attribute(&Rulebook::standard(), &evidence), RunState::Void(VoidCause::Network));
}

#[test]
fn a_silent_head_and_empty_blocks_cost_their_parts_only() {
    let season = seats(duty());
    let mut evidence = on_chain(&season, "alpha", |_, _| false);
    let all = evidence.heads.len();
    for sample in &mut evidence.heads[..all / 3] {
        sample.target = None;
    }
    for block in &mut evidence.blocks {
        block.transactions = 0;
    }
    // Whatever was sent at the beginning waits until the end.
    let last = evidence.blocks.last().unwrap().height;
    for lane in &mut evidence.phases[0].lanes {
        lane.transactions[0].2 = last;
    }
    let parts = observed(&season, &evidence);
    let points: Vec<_> = parts.iter().map(|(rule, _, points)| (rule.as_str(), *points)).collect();
    assert_eq!(points[0], ("duty.turns", 40_000));
    assert_eq!(points[1], ("duty.filled", 0));
    assert_eq!(points[4], ("duty.head", 0));
}

#[test]
fn a_node_that_was_gone_and_came_back_is_told_to_have_been() {
    let season = seats(duty());
    let mut evidence = on_chain(&season, "alpha", |_, _| false);
    let told = |evidence: &Evidence| {
        let score = score_run(&Rulebook::standard(), &season, evidence, &[]);
        let part = score.parts.into_iter().find(|part| part.rule == "duty.head").unwrap();
        part.factors.into_iter().find(|(name, _)| name == "outages").unwrap().1
    };
    assert_eq!(told(&evidence), 0);
    let all = evidence.heads.len();
    assert!(all >= 20, "{all} samples");
    // One sample is no outage, and one that lasts to the end is no return.
    for gone in [2..3, 5..8, 10..12, all - 2..all] {
        for sample in &mut evidence.heads[gone] {
            sample.target = None;
        }
    }
    assert_eq!(told(&evidence), 2);
}

#[test]
fn votes_are_held_against_the_controls() {
    let season = seats(duty());
    let mut evidence = on_chain(&season, "alpha", |_, _| false);
    let votes = |evidence: &Evidence| observed(&season, evidence)[3].clone();
    assert_eq!(votes(&evidence).2, 15_000);
    for block in &mut evidence.blocks {
        block.turn.as_mut().unwrap().absent.as_mut().unwrap().push(validator(0));
    }
    assert_eq!(votes(&evidence), ("duty.votes".into(), Some(0), 0));
    for block in &mut evidence.blocks {
        block.turn.as_mut().unwrap().absent = Some((0..7).map(validator).collect());
    }
    assert_eq!(votes(&evidence).1, None, "nobody to be held against");
}

/// As under clique: no votes, and now and then a turn that a rule gave to another.
fn without_votes(mut evidence: Evidence) -> Evidence {
    for block in &mut evidence.blocks {
        let turn = block.turn.as_mut().unwrap();
        turn.absent = None;
        if turn.round == 0 && block.height.is_multiple_of(3) {
            (turn.round, turn.barred) = (1, vec![validator(4)]);
        }
    }
    evidence
}

#[test]
fn where_there_are_no_votes_turns_count_for_them() {
    let season = seats(duty());
    let evidence = without_votes(on_chain(&season, "alpha", |_, _| false));
    assert_eq!(scoreboard::intake(&season, &evidence), Ok(()));
    let parts = observed(&season, &evidence);
    assert_eq!(parts[0], ("duty.turns".into(), Some(1_000), 55_000));
    assert!(parts.iter().all(|(rule, ..)| rule != "duty.votes"), "{parts:?}");
    assert_eq!(parts.iter().map(|(.., points)| points).sum::<i64>(), 100_000, "{parts:?}");
    let missed = without_votes(on_chain(&season, "bravo", |who, height| who == 1 && height < FIRST + 50));
    assert_eq!(observed(&season, &missed)[0].2, 0);
}

/// Who was barred failed in nothing, and that it was is known: the run counts.
#[test]
fn a_barred_turn_is_nobodys() {
    let season = seats(duty());
    let evidence = without_votes(on_chain(&season, "mid-2", |_, _| false));
    assert_eq!(attribute(&Rulebook::standard(), &evidence), RunState::Measured);
    assert_eq!(observed(&season, &evidence)[0].1, Some(1_000));
    let mut unknown = evidence;
    unknown.blocks.iter_mut().for_each(|block| block.turn.as_mut().unwrap().barred.clear());
    assert_eq!(attribute(&Rulebook::standard(), &unknown), RunState::Void(VoidCause::Network));
}

#[test]
fn a_healthy_network_has_no_finding() {
    let season = seats(key_change());
    let evidence = on_chain(&season, "alpha", |_, _| false);
    assert_eq!(scoreboard::intake(&season, &evidence), Ok(()));
    assert_eq!(attribute(&Rulebook::standard(), &evidence), RunState::Measured);
    assert_eq!(observed(&season, &evidence), [("key-change.turns".into(), Some(1_000), 100_000)]);
    assert_eq!(told(&season, &record([evidence])), []);
}

#[test]
fn the_candidate_whose_turns_fail_while_keys_change_is_named_and_nobody_else() {
    let season = seats(key_change());
    let fails: Fails = |who, height| who == 1 && (FIRST + 8..FIRST + 35).contains(&height);
    // It shows in everybody's run: all see the same chain.
    for operator in ["alpha", "bravo", "near"] {
        let found = told(&season, &record([on_chain(&season, operator, fails)]));
        let [(named, words)] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(named, "bravo");
        assert!(words[0].starts_with("its turns failed while keys changed, at heights"), "{words:?}");
    }
}

#[test]
fn one_failed_turn_or_turns_failed_in_calm_are_no_finding() {
    let mut season = seats(key_change());
    let Parameters::KeyChange(p) = &mut season.trials[0].parameters else { panic!("key-change") };
    p.calm_ms = 28_000;
    let once: Fails = |who, height| who == 1 && (FIRST + 35..FIRST + 42).contains(&height);
    let calm: Fails = |who, height| who == 1 && height < FIRST + 28;
    for (fails, times) in [(once, 1), (calm, 3)] {
        let evidence = on_chain(&season, "bravo", fails);
        let failed = evidence.blocks.iter().filter(|block| block.turn.as_ref().unwrap().round > 0).count();
        assert!(failed >= times, "it did fail: {failed}");
        assert_eq!(told(&season, &record([evidence])), []);
    }
}

#[test]
fn a_fault_in_a_control_names_no_candidate() {
    let season = seats(key_change());
    let both: Fails = |who, height| (who == 1 || who == 4) && height >= FIRST + 8;
    assert_eq!(told(&season, &record([on_chain(&season, "bravo", both)])), []);
}

#[test]
fn controls_without_two_thirds_name_nobody() {
    let mut season = seats(key_change());
    season.operators[2].role = Role::Candidate;
    let fails: Fails = |who, height| who == 1 && height >= FIRST + 8;
    assert_eq!(told(&season, &record([on_chain(&season, "bravo", fails)])), []);
}

#[test]
fn a_parted_chain_is_named_at_once_unless_a_controls_parted_too() {
    let season = seats(key_change());
    let mut evidence = on_chain(&season, "bravo", |_, _| false);
    let parting = |via| Parting { via, height: FIRST + 20, hash: "0xother".into() };
    evidence.partings = vec![parting(Via::Candidate)];
    let found = told(&season, &record([evidence.clone()]));
    assert_eq!(found[0].0, "bravo");
    assert!(found[0].1[0].contains(&format!("at height {}", FIRST + 20)), "{found:?}");
    evidence.partings.push(parting(Via::Distant));
    assert_eq!(told(&season, &record([evidence])), []);
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

#[test]
fn keys_change_through_three_nodes_and_whoever_has_the_next_turn() {
    let evidence = on_chain(&seats(key_change()), "bravo", |_, _| false);
    let storm = evidence.phase("storm").unwrap();
    let through: Vec<Via> =
        storm.lanes.iter().filter(|lane| lane.kind == LaneKind::KeyChange).map(|lane| lane.via).collect();
    assert_eq!(through, [Via::Candidate, Via::Control, Via::Distant, Via::Next]);
}
