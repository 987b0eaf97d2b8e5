//! Key-change: who is named, and when nobody is.

use model::evidence::Parting;
use model::plan::{LaneKind, Via};
use model::*;
use scoreboard::{Rulebook, attribute, record};

use crate::rules::{version_4, version_5};
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
    // Two turns apart, so that each fails first at its heights.
    let both: Fails = |who, height| (who == 1 || who == 4) && height >= FIRST + 8;
    let evidence = on_chain(&season, "bravo", both);
    assert!(times_failed(&evidence, 1) > 2 && times_failed(&evidence, 4) > 2);
    assert_eq!(told(&season, &record([evidence])), []);
    // Without the control's the candidate would be named.
    let one: Fails = |who, height| who == 1 && height >= FIRST + 8;
    assert_eq!(told(&season, &record([on_chain(&season, "bravo", one)])).len(), 1);
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

/// How often turns of a validator failed.
fn times_failed(evidence: &Evidence, who: usize) -> usize {
    let turns = evidence.blocks.iter().filter_map(|block| block.turn.as_ref());
    turns.filter(|turn| turn.failed.contains(&validator(who))).count()
}

fn failed_at(block: &BlockRecord, who: usize) -> bool {
    block.turn.as_ref().is_some_and(|turn| turn.failed.contains(&validator(who)))
}

/// How often turns of a validator failed while the storm's transactions were under way.
fn failed_in_storm(evidence: &Evidence, who: usize) -> usize {
    let from = evidence.phase("storm").unwrap().start_head;
    let to = evidence.phase("recovery").unwrap().start_head;
    let blocks = evidence.blocks.iter().filter(|block| (from + 1..=to).contains(&block.height));
    blocks.filter(|block| failed_at(block, who)).count()
}

/// Takes the votes of a validator out of the certificates of these blocks, counted from the first.
fn is_silent(evidence: &mut Evidence, who: usize, at: impl Fn(u64) -> bool) {
    for block in evidence.blocks.iter_mut().filter(|block| at(block.height - FIRST)) {
        let absent = block.turn.as_mut().unwrap().absent.as_mut().unwrap();
        absent.retain(|one| *one != validator(who));
        absent.push(validator(who));
    }
}

/// Puts the votes of a validator into all certificates.
fn always_votes(evidence: &mut Evidence, who: usize) {
    for block in &mut evidence.blocks {
        block.turn.as_mut().unwrap().absent.as_mut().unwrap().retain(|one| *one != validator(who));
    }
}

/// Alpha fails from the 8th block on; at the heights 20 and 25 bravo fails right after it, and makes the blocks in its
/// other turns.
const WITH_IT: Fails = |who, height| {
    (who == 0 && height >= FIRST + 8) || (who == 1 && (height == FIRST + 20 || height == FIRST + 25))
};

#[test]
fn a_turn_that_fails_with_the_one_before_it_is_charged_to_who_makes_no_block() {
    let season = seats(key_change());
    let names = |evidence: &Evidence| named(&Rulebook::standard(), &season, evidence);
    let mut evidence = on_chain(&season, "bravo", WITH_IT);
    assert_eq!((times_failed(&evidence, 0) > 4, times_failed(&evidence, 1)), (true, 2));
    assert_eq!(names(&evidence), ["alpha"]);
    is_silent(&mut evidence, 0, |block| block >= 9);
    assert_eq!(names(&evidence), ["alpha"], "nor does bravo excuse alpha, which stands still since");
    let neither: Fails = |who, height| who < 2 && height >= FIRST + 8;
    assert_eq!(names(&on_chain(&season, "bravo", neither)), ["alpha", "bravo"]);
    // Bravo made a block while keys changed, and none after its turns began to fail: twice, which is luck.
    let later = |since: Fails| {
        let evidence = on_chain(&season, "bravo", since);
        let storm = evidence.phase("storm").unwrap().start_head;
        assert!(evidence.blocks.iter().any(|block| {
            block.height > storm && block.turn.as_ref().is_some_and(|turn| turn.proposer == validator(1))
        }));
        evidence
    };
    let at_last =
        later(|who, height| (who == 0 && height >= FIRST + 8) || (who == 1 && height >= FIRST + 24));
    assert_eq!(failed_in_storm(&at_last, 1), 2);
    assert_eq!(names(&at_last), ["alpha"]);
    assert_eq!(named(&version_5(), &season, &at_last), ["alpha", "bravo"], "as version 5 had it");
    let thrice = later(|who, height| who < 2 && height >= FIRST + 12);
    assert!(failed_in_storm(&thrice, 1) > 2);
    assert_eq!(names(&thrice), ["alpha", "bravo"]);
    assert_eq!(named(&version_4(), &season, &thrice), ["alpha"], "as version 4 had it");
}

/// The same, seen in a quarter of the time: in less than a minute and a half.
fn shorter(evidence: &Evidence) -> Evidence {
    let mut evidence = evidence.clone();
    let first = evidence.blocks[0].seen_us;
    for block in &mut evidence.blocks {
        block.seen_us = first + (block.seen_us - first) / 4;
    }
    assert!(evidence.blocks.last().unwrap().seen_us - first < 90_000_000);
    evidence
}

/// Alpha and mid-1, two turns later, apply; bravo is a control.
fn apart() -> Season {
    let mut season = seats(key_change());
    season.operators[1].role = Role::Control;
    season.operators[3].role = Role::Candidate;
    season
}

/// Alpha's turns fail by themselves, and three of mid-1's, before which it votes no more.
#[test]
fn who_stands_still_while_anothers_turns_fail_by_themselves_is_not_named() {
    let season = apart();
    let fails: Fails = |who, height| {
        (who == 0 && height >= FIRST + 8) || (who == 3 && (FIRST + 15..FIRST + 28).contains(&height))
    };
    let harmed = |since: u64| {
        let mut evidence = on_chain(&season, "mid-1", fails);
        always_votes(&mut evidence, 0);
        always_votes(&mut evidence, 3);
        is_silent(&mut evidence, 3, |block| (since..28).contains(&block));
        evidence
    };
    let names = |evidence: &Evidence| named(&Rulebook::standard(), &season, evidence);
    // From two blocks before the first of these turns, or from its turn before.
    for since in [10, 14] {
        let evidence = harmed(since);
        assert_eq!(times_failed(&evidence, 3), 3, "{since}");
        assert_eq!(names(&evidence), ["alpha"], "{since}");
        assert_eq!(
            named(&version_4(), &season, &evidence),
            ["alpha", "mid-1"],
            "{since}: as version 4 had it"
        );
        let [(_, turns, _)] = observed(&season, &evidence).try_into().unwrap();
        assert!(turns.unwrap() < 1_000, "what it did not make it did not make");
    }
    // Once it votes before each of its turns it fails by itself.
    assert_eq!(names(&harmed(28)), ["alpha", "mid-1"]);
    // Where it is not drawn, in every other block that it did not make, that it is not missing says nothing.
    let mut drawn = harmed(10);
    let all: Vec<String> = (0..7).map(validator).collect();
    let (mut committees, mine) = (vec![Committee { height: FIRST, members: all.clone() }], validator(3));
    for block in &mut drawn.blocks {
        let (height, turn) = (block.height, block.turn.as_mut().unwrap());
        let is_drawn = height % 2 == 0 || turn.proposer == mine;
        if !is_drawn {
            turn.absent.as_mut().unwrap().retain(|one| *one != mine);
        }
        let members = all.iter().filter(|one| is_drawn || **one != mine).cloned().collect();
        committees.push(Committee { height, members });
    }
    drawn.committees = committees;
    let seen: Vec<u64> = drawn.blocks.iter().map(|block| block.seen_us).collect();
    drawn.block_interval_us = (seen[seen.len() - 1] - seen[0]) / (seen.len() as u64 - 1);
    assert_eq!(scoreboard::intake(&season, &drawn), Ok(()));
    assert_eq!(names(&drawn), ["alpha"]);
}

#[test]
fn who_stood_still_before_or_for_too_long_or_alone_is_named() {
    let season = apart();
    let names = |evidence: &Evidence| named(&Rulebook::standard(), &season, evidence);
    let stands = |fails: Fails, since: u64| {
        let mut evidence = on_chain(&season, "mid-1", fails);
        always_votes(&mut evidence, 0);
        is_silent(&mut evidence, 3, |block| block >= since);
        evidence
    };
    let both: Fails = |who, height| (who == 0 && height >= FIRST + 8) || (who == 3 && height >= FIRST + 15);
    let stays = stands(both, 10);
    assert_eq!(names(&stays), ["alpha", "mid-1"], "it did not come back in two minutes");
    assert_eq!(named(&version_5(), &season, &stays), ["alpha"], "as version 5 had it");
    assert_eq!(names(&shorter(&stays)), ["alpha"], "it may have come back later");
    // It was not there when the run began, which may be harm of the run before.
    let never: Fails = |who, height| (who == 0 && height >= FIRST + 8) || who == 3;
    assert_eq!(names(&stands(never, 0)), ["alpha", "mid-1"]);
    assert_eq!(names(&shorter(&stands(never, 0))), ["alpha"]);
    assert_eq!(
        named(&version_5(), &season, &shorter(&stands(never, 0))),
        ["alpha", "mid-1"],
        "as version 5 had it"
    );
    // More than two minutes without a vote or a block, most of them before its first turn that failed.
    let mut long = shorter(&stays);
    for block in long.blocks.iter_mut().filter(|block| block.height >= FIRST + 12) {
        block.seen_us += 90_000_000;
    }
    assert_eq!(names(&long), ["alpha", "mid-1"]);
    assert_eq!(named(&version_5(), &season, &long), ["alpha", "mid-1"]);
    let alone: Fails = |who, height| who == 3 && height >= FIRST + 15;
    assert_eq!(names(&stands(alone, 10)), ["mid-1"], "nobody harmed it");
}

/// Alpha's node parts from the chain at its first turn with key changes, and stands still from then on; mid-1 stands
/// still for a while because of it.
#[test]
fn who_fails_by_itself_once_and_stands_still_from_then_on_has_harmed_the_others() {
    let season = apart();
    let names = |book: &Rulebook, evidence: &Evidence| named(book, &season, evidence);
    let parts = |harmed_at: u64| {
        let fails: Fails = |who, height| {
            (who == 0 && height >= FIRST + 8) || (who == 3 && (FIRST + 15..FIRST + 28).contains(&height))
        };
        let mut evidence = on_chain(&season, "mid-1", fails);
        always_votes(&mut evidence, 0);
        always_votes(&mut evidence, 3);
        let first = evidence.blocks.iter().find(|block| failed_at(block, 0)).unwrap().height;
        is_silent(&mut evidence, 0, |block| block >= first - FIRST);
        is_silent(&mut evidence, 3, |block| (harmed_at..28).contains(&block));
        assert_eq!((times_failed(&evidence, 0) > 2, times_failed(&evidence, 3)), (true, 3));
        evidence
    };
    assert_eq!(names(&Rulebook::standard(), &parts(10)), ["alpha"]);
    assert_eq!(names(&version_5(), &parts(10)), ["alpha", "mid-1"], "as version 5 had it");
    // Both part, one after the other: the first is not excused by the other.
    let both: Fails = |who, height| (who == 0 && height >= FIRST + 8) || (who == 3 && height >= FIRST + 10);
    let mut evidence = shorter(&on_chain(&season, "mid-1", both));
    for (who, since) in [(0, 8), (3, 11)] {
        always_votes(&mut evidence, who);
        is_silent(&mut evidence, who, |block| block >= since);
    }
    assert_eq!(names(&Rulebook::standard(), &evidence), ["alpha"]);
    // Who stood still before any of its turns failed has harmed nobody.
    let mut still = parts(10);
    is_silent(&mut still, 0, |block| block >= 2);
    assert_eq!(names(&Rulebook::standard(), &still), ["alpha", "mid-1"]);
    // Nor has who failed once by chance, and once right after another's failed turn, and votes all the time.
    let twice: Fails = |who, height| {
        (who == 0 && (height == FIRST + 8 || height == FIRST + 13))
            || (who == 6 && height == FIRST + 13)
            || (who == 3 && height >= FIRST + 15)
    };
    let mut chance = on_chain(&season, "mid-1", twice);
    always_votes(&mut chance, 0);
    is_silent(&mut chance, 3, |block| (10..40).contains(&block));
    assert_eq!((times_failed(&chance, 0), times_failed(&chance, 3) > 2), (2, true));
    assert_eq!(names(&Rulebook::standard(), &chance), ["mid-1"]);
}

/// What comes after a turn has not made it fail.
#[test]
fn who_parts_later_has_not_harmed_before() {
    let season = apart();
    let fails: Fails = |who, height| {
        (who == 3 && (FIRST + 9..FIRST + 21).contains(&height)) || (who == 0 && height >= FIRST + 22)
    };
    let mut evidence = on_chain(&season, "mid-1", fails);
    always_votes(&mut evidence, 0);
    always_votes(&mut evidence, 3);
    is_silent(&mut evidence, 3, |block| (6..21).contains(&block));
    let first = evidence.blocks.iter().find(|block| failed_at(block, 0)).unwrap().height;
    is_silent(&mut evidence, 0, |block| block >= first - FIRST);
    assert_eq!((times_failed(&evidence, 3), times_failed(&evidence, 0) > 1), (2, true));
    assert_eq!(named(&Rulebook::standard(), &season, &evidence), ["alpha", "mid-1"]);
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
