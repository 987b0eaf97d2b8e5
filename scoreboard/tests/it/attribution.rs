use model::*;
use scoreboard::{Rulebook, attribute, void_reason};

use crate::support::*;

const OURS: RunState = RunState::Void(VoidCause::Ours);
const NETWORK: RunState = RunState::Void(VoidCause::Network);
const DOWN: RunState = RunState::Cut(CutCause::NodeDown);

fn state(trial: &str, node: &Node, change: impl FnOnce(&mut Evidence)) -> RunState {
    let book = Rulebook::standard();
    let mut evidence = run(&season(&book), key(1, trial, "alpha", 1), node);
    change(&mut evidence);
    attribute(&book, &evidence)
}

fn ended(ended: Ended) -> RunState {
    state("door", &Node { ended: (ended, 3), ..Node::default() }, |_| ())
}

#[test]
fn how_a_run_ended_is_ours_the_networks_or_theirs() {
    for (how, due) in [
        (Ended::Interrupted, OURS),
        (Ended::Unfunded, OURS),
        (Ended::ReferenceLost, OURS),
        (Ended::ReferenceUnread, OURS),
        (Ended::NetworkHalted, NETWORK),
        (Ended::Unreachable, DOWN),
        (Ended::WrongChain, DOWN),
        (Ended::NodeDown, DOWN),
        (Ended::ConsentWithdrawn, RunState::Cut(CutCause::ConsentWithdrawn)),
        (Ended::ProtectiveStop, RunState::Cut(CutCause::ProtectiveStop)),
    ] {
        assert_eq!(ended(how), due, "{how:?}");
    }
    assert_eq!(state("door", &Node::default(), |_| ()), RunState::Measured);
}

#[test]
fn an_unreachable_node_is_cut_without_any_self_check() {
    let node = Node { ended: (Ended::Unreachable, 0), ..Node::default() };
    let empty = |evidence: &mut Evidence| {
        (evidence.self_check, evidence.heads, evidence.blocks) = Default::default();
        evidence.block_interval_us = 0;
    };
    assert_eq!(state("door", &node, empty), DOWN);
}

#[test]
fn a_failing_worker_is_ours_whatever_the_node_did() {
    let node = Node { ended: (Ended::NodeDown, 3), ..Node::default() };
    let lag = |us| move |e: &mut Evidence| e.self_check.lag_us = Histogram::from_buckets([(us, 100)]);
    let sink = |us| move |e: &mut Evidence| e.self_check.sink_us = Histogram::from_buckets([(us, 1_000)]);
    let lost = |n| move |e: &mut Evidence| e.self_check.sink_lost = n;
    let held = |n| move |e: &mut Evidence| (e.self_check.sent, e.self_check.withheld) = (9_990, n);
    assert_eq!([state("door", &node, lag(20_000)), state("door", &node, lag(20_001))], [DOWN, OURS]);
    assert_eq!([state("door", &node, sink(50_000)), state("door", &node, sink(50_001))], [DOWN, OURS]);
    assert_eq!([state("door", &node, lost(10)), state("door", &node, lost(11))], [DOWN, OURS]);
    assert_eq!([state("door", &node, held(10)), state("door", &node, held(11))], [DOWN, OURS]);
}

#[test]
fn why_a_run_is_void_is_told_in_words() {
    let book = Rulebook::standard();
    let told = |change: fn(&mut Evidence)| {
        let mut evidence = run(&season(&book), key(1, "door", "alpha", 1), &Node::default());
        change(&mut evidence);
        void_reason(&book, &evidence).map(|reason| reason.to_string())
    };
    assert_eq!(told(|_| ()), None);
    let late = told(|e| e.self_check.lag_us = Histogram::from_buckets([(35_000, 100)])).unwrap();
    assert!(late.contains("too busy") && late.contains("35 ms late"), "{late}");
    assert_eq!(told(|e| e.ended = Ended::NetworkHalted).unwrap(), "the network stood still");
    assert!(told(|e| e.heads.clear()).unwrap().contains("no account of itself"));
}

#[test]
fn a_node_that_tarpits_does_not_become_ours() {
    let slow = |evidence: &mut Evidence| {
        for lane in evidence.phases.iter_mut().flat_map(|phase| &mut phase.lanes) {
            lane.intended_us = Histogram::from_buckets([(30_000_000, lane.offered)]);
            lane.outcomes = [(Class::Unavailable(Unavailable::Timeout), lane.offered)].into();
        }
    };
    assert_eq!(state("door", &Node::default(), slow), RunState::Measured);
    assert_eq!(state("spam", &Node::default(), slow), RunState::Measured);
}

#[test]
fn a_run_without_observer_data_is_excluded() {
    assert_eq!(state("door", &Node::default(), |e| e.self_check.sink_us = Histogram::default()), OURS);
    assert_eq!(state("door", &Node::default(), |e| e.self_check.lag_us = Histogram::default()), OURS);
    assert_eq!(state("door", &Node::default(), |e| e.heads.clear()), OURS);
}

#[test]
fn a_standing_reference_is_ours_while_a_control_goes_on_and_else_the_networks() {
    let stall = |length: u64, control_goes_on: bool| {
        move |evidence: &mut Evidence| {
            evidence.heads = (0u64..60)
                .map(|s| {
                    let head = 100 + if s < 20 { s } else { 20 + (s - 20).saturating_sub(length) };
                    heads(s, Some(head), Some(if control_goes_on { 100 + s } else { head }))
                })
                .collect();
        }
    };
    let node = Node::default();
    assert_eq!(state("door", &node, stall(5, true)), RunState::Measured);
    assert_eq!(state("door", &node, stall(12, true)), OURS);
    assert_eq!(state("door", &node, stall(5, false)), RunState::Measured);
    assert_eq!(state("door", &node, stall(12, false)), NETWORK);
    // Where a round takes longer than ten intervals the plan says how long that may be.
    let rounds = |length: u64, control_goes_on: bool| {
        move |evidence: &mut Evidence| {
            stall(length, control_goes_on)(evidence);
            evidence.parameters.or_halt_ms(30_000);
        }
    };
    assert_eq!(state("door", &node, rounds(12, false)), RunState::Measured);
    assert_eq!(state("door", &node, rounds(12, true)), RunState::Measured);
    assert_eq!(state("door", &node, rounds(32, false)), NETWORK);
    assert_eq!(state("door", &node, rounds(32, true)), OURS);
}

#[test]
fn calm_traffic_lost_through_the_controls_too_is_the_networks() {
    let both = Node { calm: 850, control: 850, ..Node::default() };
    let own = Node { calm: 850, ..Node::default() };
    let twins = Node { control: 850, ..Node::default() };
    assert_eq!(state("spam", &both, |_| ()), NETWORK);
    assert_eq!(state("spam", &own, |_| ()), RunState::Measured);
    assert_eq!(state("door", &twins, |_| ()), NETWORK);
    assert_eq!(state("door", &own, |_| ()), RunState::Measured);
}

#[test]
fn dying_in_the_first_phase_does_not_make_the_run_void() {
    let node = Node { calm: 100, control: 100, ended: (Ended::NodeDown, 1), ..Node::default() };
    assert_eq!(state("spam", &node, |_| ()), DOWN);
    assert_eq!(state("door", &node, |_| ()), DOWN);
}

#[test]
fn hostile_numbers_do_not_overflow() {
    let huge = |evidence: &mut Evidence| {
        evidence.block_interval_us = u64::MAX;
        let most = Histogram::from_buckets([(u64::MAX, u64::MAX), (1, u64::MAX)]);
        let check = &mut evidence.self_check;
        (check.sent, check.withheld, check.sink_lost) = (u64::MAX, u64::MAX, u64::MAX);
        (check.lag_us, check.sink_us) = (most.clone(), most);
    };
    assert_eq!(state("door", &Node::default(), huge), OURS);
}
