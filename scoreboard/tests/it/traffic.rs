use model::*;
use scoreboard::{Rulebook, score_run};

use crate::support::*;

fn scored(node: &Node, controls: &[Node]) -> Score {
    let book = Rulebook::standard();
    let season = season(&book);
    let controls: Vec<Evidence> =
        controls.iter().map(|node| run(&season, key(1, "door", "near", 1), node)).collect();
    let evidence = run(&season, key(1, "door", "alpha", 1), node);
    score_run(&book, &season, &evidence, &controls.iter().collect::<Vec<_>>())
}

fn part(node: &Node, controls: &[Node], rule: &str) -> Part {
    let score = scored(node, controls);
    assert_eq!(score.points, score.parts.iter().map(|part| part.points).sum::<i64>());
    score.parts.into_iter().find(|part| part.rule == rule).expect("listed")
}

fn control(capacity: u64) -> Node {
    Node { capacity, ..Node::default() }
}

#[test]
fn a_perfect_node_earns_everything() {
    let score = scored(&Node::default(), &[control(1_000)]);
    assert_eq!(score.points, 100_000);
    assert_eq!(score.parts.iter().map(|part| part.of).collect::<Vec<_>>(), [30_000, 30_000, 40_000]);
}

#[test]
fn inclusion_is_linear_between_its_ends() {
    let points = |calm| part(&Node { calm, ..Node::default() }, &[], "ingress.inclusion").points;
    assert_eq!([points(800), points(895), points(990), points(1_000)], [0, 15_000, 30_000, 30_000]);
    assert_eq!(points(0), 0);
}

#[test]
fn delay_is_blocks_behind_the_control_times_the_interval() {
    let part = |late| part(&Node { late, ..Node::default() }, &[], "ingress.delay");
    assert_eq!((part(0).observed, part(0).points), (Some(0), 30_000));
    assert_eq!((part(1).observed, part(1).points), (Some(1_000_000), 17_143));
    assert_eq!((part(2).observed, part(2).points), (Some(2_000_000), 0));
    assert_eq!(part(5).points, 0);
}

#[test]
fn delay_of_fewer_than_five_pairs_is_not_observed() {
    let few = part(&Node { calm: 20, ..Node::default() }, &[], "ingress.delay");
    assert_eq!((few.observed, few.points), (None, 0));
    let enough = part(&Node { calm: 25, ..Node::default() }, &[], "ingress.delay");
    assert_eq!((enough.observed, enough.points), (Some(0), 30_000));
}

#[test]
fn loss_does_not_touch_the_delay() {
    let lossy = part(&Node { calm: 500, late: 1, ..Node::default() }, &[], "ingress.delay");
    assert_eq!(lossy.observed, Some(1_000_000));
}

#[test]
fn capacity_is_full_at_half_of_the_controls_median() {
    let points = |own, controls: &[u64]| {
        let controls: Vec<Node> = controls.iter().map(|c| control(*c)).collect();
        part(&Node { capacity: own, ..Node::default() }, &controls, "door.capacity")
    };
    let full = points(100, &[200, 150]);
    assert_eq!(full.points, 40_000);
    let half = points(50, &[200, 200]);
    let expected = 40_000 * half.observed.unwrap() / 100;
    assert!((half.points - expected).abs() < 2_000 && half.points < 40_000, "{half:?}");
    assert!(points(50, &[100, 200, 300]).points < points(50, &[100, 100, 300]).points);
}

#[test]
fn a_search_that_ends_at_its_highest_rate_is_full_whatever_the_controls_carry() {
    assert_eq!(part(&control(5_000), &[control(5_000)], "door.capacity").points, 40_000);
}

#[test]
fn a_node_that_stands_still_now_and_then_does_not_write_its_own_bar() {
    let book = Rulebook::standard();
    let season = season(&book);
    let points = |late: u64| {
        let mut evidence = run(&season, key(1, "door", "alpha", 1), &control(5_000));
        for lane in evidence.phases.iter_mut().skip(1).flat_map(|phase| &mut phase.lanes) {
            let standing = lane.offered * late / 1_000;
            lane.intended_us =
                Histogram::from_buckets([(2_000, lane.offered - standing), (1_300_000, standing)]);
        }
        let parts = score_run(&book, &season, &evidence, &[]).parts;
        parts.into_iter().find(|part| part.rule == "door.capacity").unwrap().points
    };
    assert_eq!([points(0), points(40)], [40_000, 40_000]);
    let standing = points(280);
    assert!((29_000..31_500).contains(&standing), "72 of 95: {standing}");
}

#[test]
fn without_a_control_the_highest_rate_stands_in() {
    let alone = part(&control(100), &[], "door.capacity");
    let held = part(&control(100), &[control(5_000)], "door.capacity");
    assert_eq!(alone.points, held.points);
    let factor = |part: &Part| part.factors.iter().find(|(name, _)| name == "controls_median").unwrap().1;
    assert_eq!([factor(&alone), factor(&held)], [400, 400]);
}

#[test]
fn more_landed_more_capacity_and_less_delay_never_score_less() {
    let controls = [control(300)];
    let rising = |nodes: Vec<Node>| {
        let points: Vec<i64> = nodes.iter().map(|node| scored(node, &controls).points).collect();
        assert!(points.windows(2).all(|pair| pair[0] <= pair[1]), "{points:?}");
        assert!(points.first() < points.last(), "{points:?}");
    };
    rising((0..=40).map(|step| Node { calm: step * 25, ..Node::default() }).collect());
    rising((0..=20).map(|step| Node { capacity: step * 15, ..Node::default() }).collect());
    rising((0..=6).rev().map(|late| Node { late, ..Node::default() }).collect());
}

#[test]
fn a_cut_run_lists_every_part_and_earns_only_what_was_seen() {
    let cut = scored(&Node { ended: (Ended::NodeDown, 3), ..Node::default() }, &[control(300)]);
    assert_eq!(cut.parts.len(), 3);
    assert_eq!((cut.parts[2].observed, cut.parts[2].points), (None, 0));
    assert_eq!(cut.points, 60_000);
    let never = scored(&Node { ended: (Ended::Unreachable, 0), ..Node::default() }, &[control(300)]);
    assert_eq!((never.points, never.parts.len()), (0, 3));
    assert!(never.parts.iter().all(|part| part.observed.is_none()));
}

#[test]
fn hostile_numbers_earn_nothing_and_do_not_overflow() {
    let book = Rulebook::standard();
    let season = season(&book);
    let mut evidence = run(&season, key(1, "door", "alpha", 1), &Node::default());
    evidence.block_interval_us = u64::MAX;
    for phase in &mut evidence.phases {
        phase.start_head = u64::MAX;
        for lane in &mut phase.lanes {
            lane.offered = u64::MAX;
            lane.outcomes.values_mut().for_each(|count| *count = u64::MAX);
            lane.intended_us = Histogram::from_buckets([(u64::MAX, u64::MAX)]);
            lane.transactions.iter_mut().for_each(|one| (one.1, one.2) = (u64::MAX, u64::MAX));
        }
    }
    let score = score_run(&book, &season, &evidence, &[&evidence]);
    assert_eq!(score.parts[2].observed, None);
}
