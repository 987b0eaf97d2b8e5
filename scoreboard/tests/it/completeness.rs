use model::*;
use scoreboard::{Incomplete, Record, Rulebook, complete, record};

use crate::support::*;

fn check(record: &Record) -> Result<(), Incomplete> {
    let book = Rulebook::quick();
    complete(&book, &small_season(&book), 2, record)
}

fn good() -> Record {
    whole(&small_season(&Rulebook::quick()), |_| Node::default())
}

/// The record with further runs of alpha's door in window 1: how each ended.
fn attempts(ends: &[Ended]) -> Record {
    let season = small_season(&Rulebook::quick());
    let mut all = good();
    all.remove("w01.door.alpha.1");
    let node = |end| Node { ended: (end, usize::MAX), ..Node::default() };
    let more = ends.iter().zip(1..).map(|(end, n)| run(&season, key(1, "door", "alpha", n), &node(*end)));
    all.extend(record(more));
    all
}

#[test]
fn a_slot_is_satisfied_by_the_first_attempt_that_counts() {
    assert_eq!(check(&good()), Ok(()));
    assert_eq!(check(&attempts(&[Ended::NodeDown])), Ok(()));
    assert_eq!(check(&attempts(&[Ended::Interrupted, Ended::Completed])), Ok(()));
    // Both attempts that the season allows were void: the slot is given up.
    assert_eq!(check(&attempts(&[Ended::Interrupted, Ended::Unfunded])), Ok(()));
}

#[test]
fn a_dropped_run_is_missed() {
    let missing = Incomplete::Missing("w01.door.alpha.1".into());
    assert_eq!(check(&attempts(&[])), Err(missing));
    for name in good().keys() {
        let mut dropped = good();
        dropped.remove(name);
        assert_eq!(check(&dropped), Err(Incomplete::Missing(name.clone())));
    }
}

#[test]
fn a_void_run_is_drawn_again_and_a_counting_one_is_not() {
    let redraw = Incomplete::Redraw { void: "w01.door.alpha.1".into(), next: "w01.door.alpha.2".into() };
    assert_eq!(check(&attempts(&[Ended::Interrupted])), Err(redraw));
    let (counting, extra) = ("w01.door.alpha.1".to_owned(), "w01.door.alpha.2".to_owned());
    let second = attempts(&[Ended::NodeDown, Ended::Completed]);
    assert_eq!(check(&second), Err(Incomplete::Needless { counting, extra }));
    let mut gap = attempts(&[Ended::Interrupted, Ended::Completed]);
    gap.remove("w01.door.alpha.1");
    assert_eq!(check(&gap), Err(Incomplete::Missing("w01.door.alpha.1".into())));
}

#[test]
fn runs_that_belong_nowhere_are_named_and_later_windows_wait() {
    let season = small_season(&Rulebook::quick());
    let foreign = with(&good(), "w01.door.alpha.1", |_| ());
    let mut third = foreign.clone();
    third.extend(record([run(&season, key(3, "door", "alpha", 1), &Node::default())]));
    assert_eq!(check(&third), Ok(()));
    let mut other = good();
    let mut stranger = run(&season, key(1, "door", "alpha", 1), &Node::default());
    stranger.run.operator = id("stranger");
    other.extend(record([stranger]));
    assert_eq!(check(&other), Err(Incomplete::Foreign("w01.door.stranger.1".into())));
    let mut beyond = good();
    let mut late = run(&season, key(1, "door", "alpha", 1), &Node::default());
    late.run.attempt = 3;
    beyond.extend(record([late]));
    assert_eq!(check(&beyond), Err(Incomplete::Foreign("w01.door.alpha.3".into())));
}
