use model::*;
use scoreboard::{Rulebook, score_run};

use crate::support::*;

fn scored(node: &Node, controls: &[Node]) -> Score {
    let book = Rulebook::standard();
    let season = season(&book);
    let controls: Vec<Evidence> =
        controls.iter().map(|node| run(&season, key(1, "spam", "near", 1), node)).collect();
    let evidence = run(&season, key(1, "spam", "alpha", 1), node);
    score_run(&book, &season, &evidence, &controls.iter().collect::<Vec<_>>())
}

fn good() -> [Node; 2] {
    [Node::default(), Node::default()]
}

fn factor(score: &Score, name: &str) -> i64 {
    score.parts[0].factors.iter().find(|(known, _)| known == name).expect("listed").1
}

#[test]
fn a_perfect_node_earns_everything_in_equal_parts() {
    let score = scored(&Node::default(), &good());
    let rules: Vec<_> = score.parts.iter().map(|part| (part.rule.as_str(), part.points, part.of)).collect();
    assert_eq!(rules, [("defense.V01@50", 50_000, 50_000), ("defense.V08@50", 50_000, 50_000)]);
}

#[test]
fn a_split_that_does_not_come_out_even_still_adds_up() {
    let book = Rulebook::standard();
    let mut season = season(&book);
    let Parameters::SpamDefense(p) = &mut season.trials[1].parameters else { panic!("spam") };
    p.vectors.push(Vector::V15);
    let evidence = run(&season, key(1, "spam", "alpha", 1), &Node::default());
    let score = score_run(&book, &season, &evidence, &[]);
    assert_eq!(score.parts.iter().map(|part| part.of).collect::<Vec<_>>(), [33_333, 33_333, 33_334]);
    assert_eq!(score.points, 100_000);
}

#[test]
fn harm_is_held_against_what_the_controls_suffered() {
    let hurt = Node { attacked: 600, ..Node::default() };
    // 600 of the 950 per mille that count as everything.
    assert_eq!(scored(&hurt, &good()).points, 63_158);
    let all = Node { attacked: 800, ..Node::default() };
    assert_eq!(scored(&hurt, &[all.clone(), all.clone()]).points, 78_948);
    // Better than the controls is not more than everything.
    assert_eq!(scored(&Node::default(), &[all.clone(), all]).points, 100_000);
}

#[test]
fn what_is_lost_without_an_attack_is_not_charged_twice() {
    let lossy = Node { calm: 950, attacked: 950, after: 950, ..Node::default() };
    assert_eq!(scored(&lossy, &good()).points, 100_000);
    let worse = Node { calm: 760, attacked: 760, after: 950, ..Node::default() };
    assert_eq!(scored(&worse, &good()).points, 80_000);
}

#[test]
fn spreading_the_harm_costs() {
    let spreads = Node { distant: 700, ..Node::default() };
    let score = scored(&spreads, &good());
    assert_eq!((score.points, factor(&score, "N"), factor(&score, "U")), (70_000, 700, 1_000));
}

#[test]
fn rejecting_everything_and_accepting_everything_earn_nothing() {
    let rejects = Node { calm: 0, attacked: 0, after: 0, ..Node::default() };
    assert_eq!(scored(&rejects, &good()).points, 0);
    let accepts = Node { right: 0, ..Node::default() };
    assert_eq!(scored(&accepts, &good()).points, 0);
    assert_eq!(factor(&scored(&Node { right: 800, ..Node::default() }, &good()), "accuracy"), 800);
}

#[test]
fn throttling_spam_is_neutral_and_silence_is_not() {
    let book = Rulebook::standard();
    let season = season(&book);
    let answers = |outcomes: &[(Class, u64)]| {
        let mut evidence = run(&season, key(1, "spam", "alpha", 1), &Node::default());
        evidence.phases[1].lanes[2].outcomes = outcomes.iter().copied().collect();
        factor(&score_run(&book, &season, &evidence, &[]), "accuracy")
    };
    let right = Class::Rejected(model::Reason::WrongChain);
    let timeout = Class::Unavailable(model::Unavailable::Timeout);
    assert_eq!(answers(&[(Class::Throttled, 500)]), 1_000);
    assert_eq!(answers(&[(Class::Throttled, 490), (right, 9), (Class::Accepted, 1)]), 900);
    assert_eq!(answers(&[(timeout, 500)]), 0);
    assert_eq!(answers(&[(timeout, 499), (Class::Throttled, 1)]), 0);
    assert_eq!(answers(&[(Class::Rejected(model::Reason::PoolFull), 500)]), 0);
}

#[test]
fn of_ten_bids_for_one_place_one_may_be_taken() {
    let book = Rulebook::standard();
    let season = season(&book);
    let accuracy = |taken: u64| {
        let mut evidence = run(&season, key(1, "spam", "alpha", 1), &Node::default());
        let lane = &mut evidence.phases[1].lanes[2];
        let refused = Class::Rejected(model::Reason::Underpriced);
        lane.kind = model::plan::LaneKind::V11;
        lane.outcomes = [(Class::Accepted, taken), (refused, lane.offered - taken)].into();
        (lane.offered, factor(&score_run(&book, &season, &evidence, &[]), "accuracy"))
    };
    let (offered, all) = accuracy(0);
    assert_eq!([all, accuracy(offered / 10).1, accuracy(offered).1], [1_000, 1_000, 100]);
}

/// Points of V08's part, of 50,000, and its factors of the queue.
fn flooded(node: &Node, controls: &[Node]) -> (i64, Vec<(String, i64)>) {
    let part = scored(node, controls).parts.remove(1);
    let named = part.factors.into_iter().filter(|(name, _)| name == "bounded" || name == "behind_gap");
    (part.points, named.collect())
}

#[test]
fn what_a_node_keeps_behind_a_gap_costs_from_beyond_what_clients_keep_and_nothing_else_of_its_score() {
    let keeps = |behind_gap| Node { behind_gap, ..Node::default() };
    let points = |kept| flooded(&keeps(kept), &good()).0;
    assert_eq!([0, 64, 72, 108, 144, 192].map(points), [50_000, 50_000, 50_000, 25_000, 0, 0]);
    let factors = [("bounded".to_owned(), 500), ("behind_gap".to_owned(), 108)];
    assert_eq!(flooded(&keeps(108), &good()).1, factors);
    assert_eq!(scored(&keeps(192), &good()).parts[0].points, 50_000, "another vector's part");
    // One account whose gap was filled is enough.
    assert_eq!(flooded(&Node { filled: 1, ..keeps(192) }, &good()).0, 0);
}

#[test]
fn where_the_controls_keep_more_so_may_everybody() {
    let keeps = |(behind_gap, client)| Node { behind_gap, client, ..Node::default() };
    let points =
        |kept, theirs: [(u64, &'static str); 3]| flooded(&keeps((kept, "test/1.0")), &theirs.map(keeps)).0;
    let [same, others] = ["test/1.0", "other/2.0"];
    // A default that a control of the same client has too is the client's.
    assert_eq!(points(192, [(64, others), (64, others), (192, same)]), 50_000);
    assert_eq!(points(192, [(192, others), (192, others), (64, same)]), 0);
    // Without a control of it, what is usual.
    assert_eq!(points(192, [(64, others), (64, others), (192, others)]), 0);
    assert_eq!(points(122, [(100, others), (100, others), (100, others)]), 25_000);
    assert_eq!(points(64, [(0, others), (0, others), (0, same)]), 50_000);
}

#[test]
fn no_gap_filled_says_nothing_of_the_queue() {
    let unknown = Node { filled: 0, behind_gap: 192, ..Node::default() };
    assert_eq!(flooded(&unknown, &good()), (50_000, vec![]));
    // Such a control is none to be held against.
    assert_eq!(flooded(&Node { behind_gap: 192, ..Node::default() }, &[unknown.clone(), unknown]).0, 0);
    let book = Rulebook::standard();
    let mut season = season(&book);
    let Parameters::SpamDefense(p) = &mut season.trials[1].parameters else { panic!("spam") };
    p.gapped_accounts = 0;
    let evidence = run(&season, key(1, "spam", "alpha", 1), &Node { behind_gap: 192, ..Node::default() });
    let score = score_run(&book, &season, &evidence, &[]);
    assert_eq!(score.points, 100_000, "a plan without gaps to be filled");
    assert!(score.parts.iter().all(|part| part.factors.iter().all(|(name, _)| name != "bounded")));
}

#[test]
fn losing_transactions_before_the_attack_pays_nothing() {
    let mut last = i64::MAX;
    for calm in (800..=1_000).rev().step_by(20) {
        let points = scored(&Node { calm, attacked: 850, after: 850, ..Node::default() }, &good()).points;
        assert!(points <= last, "calm {calm}: {points} after {last}");
        last = points;
    }
}

#[test]
fn more_landed_in_any_phase_never_scores_less() {
    let controls = [Node { attacked: 900, ..Node::default() }];
    type Set = fn(&mut Node, u64);
    let phases: [Set; 3] = [|n, v| n.calm = v, |n, v| n.attacked = v, |n, v| n.after = v];
    for set in phases {
        let points: Vec<i64> = (0..=50)
            .map(|step| {
                let mut node = Node { calm: 940, attacked: 700, after: 930, ..Node::default() };
                set(&mut node, step * 20);
                scored(&node, &controls).points
            })
            .collect();
        assert!(points.windows(2).all(|pair| pair[0] <= pair[1]), "{points:?}");
        assert!(points[0] == 0 && points[50] > 50_000, "{points:?}");
    }
}

/// A node that is dead for so many blocks after the attack.
fn back_after(blocks: u64) -> i64 {
    let book = Rulebook::standard();
    let season = season(&book);
    let mut evidence = run(&season, key(1, "spam", "alpha", 1), &Node::default());
    let phase = evidence.phases.last_mut().unwrap();
    assert_eq!(phase.name, "recover");
    let start = phase.start_head;
    let dead = phase.lanes[0].transactions.iter_mut().filter(|one| one.1 - start < blocks);
    dead.for_each(|one| (one.2, one.3) = (0, 0));
    factor(&score_run(&book, &season, &evidence, &[]), "recovery")
}

#[test]
fn recovery_is_full_within_ten_blocks_and_falls_to_nothing_at_sixty() {
    assert_eq!([back_after(0), back_after(10)], [1_000, 1_000]);
    // A few of the lost may be within the 5 % that no recovery asks for.
    assert!((600..=760).contains(&back_after(30)), "{}", back_after(30));
    assert!((0..=120).contains(&back_after(58)), "{}", back_after(58));
    assert_eq!(back_after(80), 0);
    let falling: Vec<i64> = (0..80).map(back_after).collect();
    assert!(falling.windows(2).all(|pair| pair[0] >= pair[1]), "{falling:?}");
}

#[test]
fn a_cut_run_lists_every_attack_and_earns_nothing_without_a_recovery() {
    let cut = scored(&Node { ended: (Ended::NodeDown, 2), ..Node::default() }, &good());
    assert_eq!(cut.parts.len(), 2);
    assert_eq!((cut.parts[0].observed, cut.parts[1].observed, cut.points), (Some(0), None, 0));
}
