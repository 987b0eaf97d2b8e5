//! Duty: turns, votes, heads and probes.

use model::*;
use scoreboard::{Rulebook, attribute, score_run};

use crate::rules::{version_4, version_6};
use crate::validators::*;

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

/// Alpha leaves all of its turns, bravo takes them over, and near comes right after; all blocks are empty.
#[test]
fn blocks_made_in_haste_and_empty_say_nothing_of_who_made_them() {
    let season = seats(duty());
    let points = |book: &Rulebook, operator: &str, rule: &str| {
        let mut evidence = on_chain(&season, operator, |who, _| who == 0);
        for block in &mut evidence.blocks {
            block.transactions = 0;
        }
        let last = evidence.blocks.last().unwrap().height;
        let waits = &mut evidence.phases[0].lanes[0].transactions[0];
        (waits.1, waits.2) = (FIRST - 10, last);
        let parts = score_run(book, &season, &evidence, &[]).parts;
        assert_eq!(parts.iter().map(|part| part.of).sum::<Points>(), 100_000);
        parts.into_iter().find(|part| part.rule == rule).map(|part| part.points)
    };
    let (book, fourth) = (Rulebook::standard(), version_4());
    let mut third = version_4();
    third.duty.hasty_may_be_empty = false;
    for (operator, turns, filled, as_four) in
        [("bravo", 50_000, None, 10_000), ("near", 50_000, None, 10_000), ("mid-1", 40_000, Some(0), 0)]
    {
        assert_eq!(points(&book, operator, "duty.filled"), filled, "{operator}");
        assert_eq!(points(&book, operator, "duty.turns"), Some(turns), "{operator}");
        assert_eq!(points(&fourth, operator, "duty.filled"), Some(as_four), "{operator}");
        assert_eq!(points(&third, operator, "duty.filled"), Some(0), "{operator}");
    }
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

/// Alpha's vote lacks in one of three certificates, the others' in none: of 24 chance may have taken some, of all less.
#[test]
fn chance_takes_no_votes() {
    let season = seats(duty());
    let mut evidence = on_chain(&season, "alpha", |_, _| false);
    for (number, block) in evidence.blocks.iter_mut().enumerate() {
        let lacks = number % 3 == 0;
        block.turn.as_mut().unwrap().absent = Some(lacks.then(|| validator(0)).into_iter().collect());
    }
    let votes = |book: &Rulebook, blocks: usize| {
        let mut evidence = evidence.clone();
        evidence.blocks.truncate(blocks);
        let parts = score_run(book, &season, &evidence, &[]).parts;
        let part = parts.into_iter().find(|part| part.rule == "duty.votes").unwrap();
        (part.observed, part.points, part.factors)
    };
    let all = evidence.blocks.len();
    assert!(all >= 100, "{all} blocks");
    // Of 24: 16 votes, (2/3 + 0.080 + 1.96 * sqrt(0.00926 + 0.00167)) / 1.160 = 0.820; 15 points * (820 - 500) / 450.
    let (observed, points, factors) = votes(&Rulebook::standard(), 24);
    assert_eq!((observed, points), (Some(667), 10_667));
    let factor = |name: &str| factors.iter().find(|(one, _)| one == name).map(|(_, value)| *value);
    assert_eq!(["mine", "controls", "at_most", "certificates"].map(factor), [667, 1_000, 820, 24].map(Some));
    assert!(votes(&Rulebook::standard(), all).1 < points, "more certificates leave less to chance");
    let (observed, points, factors) = votes(&version_6(), 24);
    assert_eq!((observed, points, factors.len()), (Some(667), 5_567, 2));
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
