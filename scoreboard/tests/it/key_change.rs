//! Key-change: who is named, and when nobody is.

use model::evidence::Parting;
use model::plan::{LaneKind, Via};
use model::*;
use scoreboard::{Rulebook, attribute, record};

use crate::validators::*;

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
fn the_references_seat_counts_as_the_controls_do() {
    let mut season = seats(key_change());
    let near = season.operators.remove(2);
    let fails: Fails = |who, height| who == 1 && height >= FIRST + 8;
    let evidence = |season: &Season, fails| record([on_chain(season, "bravo", fails)]);
    assert_eq!(told(&season, &evidence(&season, fails)), [], "four of seven");
    season.reference_validator = near.validator;
    assert_eq!(told(&season, &evidence(&season, fails)).len(), 1);
    let both: Fails = |who, height| (who == 1 || who == 2) && height >= FIRST + 8;
    assert_eq!(told(&season, &evidence(&season, both)), [], "it failed itself");
}

/// At the heights 20 and 25 bravo fails right after alpha; it makes the blocks in its other turns.
#[test]
fn a_turn_that_fails_with_the_one_before_it_is_charged_to_who_makes_no_block() {
    let season = seats(key_change());
    let with_it: Fails = |who, height| {
        (who == 0 && height >= FIRST + 8) || (who == 1 && (height == FIRST + 20 || height == FIRST + 25))
    };
    let evidence = on_chain(&season, "bravo", with_it);
    let failed = |who: usize| {
        let turns = evidence.blocks.iter().filter_map(|block| block.turn.as_ref());
        turns.filter(|turn| turn.failed.contains(&validator(who))).count()
    };
    assert_eq!((failed(0) > 4, failed(1)), (true, 2));
    let names =
        |evidence| told(&season, &record([evidence])).into_iter().map(|(who, _)| who).collect::<Vec<_>>();
    assert_eq!(names(evidence.clone()), ["alpha"]);
    let neither: Fails = |who, height| who < 2 && height >= FIRST + 8;
    assert_eq!(names(on_chain(&season, "bravo", neither)), ["alpha", "bravo"]);
    // Bravo made a block while keys changed, and none after alpha's turns began to fail.
    let later: Fails = |who, height| who < 2 && height >= FIRST + 12;
    let evidence = on_chain(&season, "bravo", later);
    let storm = evidence.phase("storm").unwrap().start_head;
    assert!(evidence.blocks.iter().any(|block| {
        block.height > storm && block.turn.as_ref().is_some_and(|turn| turn.proposer == validator(1))
    }));
    assert_eq!(names(evidence), ["alpha", "bravo"]);
}

/// Bravo signs nothing from the 15th block on, and its turns fail; it is harmed where alpha's fail by themselves.
#[test]
fn who_stands_still_while_anothers_turns_fail_is_not_named() {
    let season = seats(key_change());
    let stands = |fails| {
        let mut evidence = on_chain(&season, "bravo", fails);
        for block in evidence.blocks.iter_mut().filter(|block| block.height >= FIRST + 15) {
            block.turn.as_mut().unwrap().absent = Some(vec![validator(1)]);
        }
        evidence
    };
    let failed = |evidence: &Evidence| {
        let turns = evidence.blocks.iter().filter_map(|block| block.turn.as_ref());
        turns.filter(|turn| turn.failed.contains(&validator(1))).count()
    };
    let names =
        |evidence| told(&season, &record([evidence])).into_iter().map(|(who, _)| who).collect::<Vec<_>>();
    let harmed =
        stands(|who, height| (who == 0 && height >= FIRST + 8) || (who == 1 && height >= FIRST + 20));
    assert!(failed(&harmed) > 3);
    assert_eq!(names(harmed.clone()), ["alpha"]);
    let [(_, turns, _)] = observed(&season, &harmed).try_into().unwrap();
    assert_eq!(turns, Some(1_000), "nor are they held against it");
    // Nobody else did it, or nobody else's turns failed by themselves.
    let alone = stands(|who, height| who == 1 && height >= FIRST + 20);
    assert_eq!(names(alone), ["bravo"]);
    let mut both = stands(|who, height| who < 2 && height >= FIRST + 8);
    for block in both.blocks.iter_mut().filter(|block| block.height >= FIRST + 8) {
        block.turn.as_mut().unwrap().absent = Some(vec![validator(0), validator(1)]);
    }
    assert_eq!(names(both), ["alpha", "bravo"]);
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
fn keys_change_through_three_nodes_and_whoever_has_the_next_turn() {
    let evidence = on_chain(&seats(key_change()), "bravo", |_, _| false);
    let storm = evidence.phase("storm").unwrap();
    let through: Vec<Via> =
        storm.lanes.iter().filter(|lane| lane.kind == LaneKind::KeyChange).map(|lane| lane.via).collect();
    assert_eq!(through, [Via::Candidate, Via::Control, Via::Distant, Via::Next]);
}
