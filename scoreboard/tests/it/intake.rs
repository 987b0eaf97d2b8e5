use model::evidence::Observer;
use model::*;
use scoreboard::{Rulebook, intake};

use crate::support::*;

fn fault(trial: &str, change: impl FnOnce(&mut Evidence)) -> String {
    let season = season(&Rulebook::standard());
    let mut evidence = run(&season, key(1, trial, "alpha", 1), &Node::default());
    change(&mut evidence);
    intake(&season, &evidence).err().unwrap_or_default()
}

#[test]
fn sound_evidence_is_taken_completed_or_cut() {
    assert_eq!(fault("door", |_| ()), "");
    assert_eq!(fault("spam", |_| ()), "");
    let season = season(&Rulebook::standard());
    for phases in 0..4 {
        let node = Node { ended: (Ended::NodeDown, phases), ..Node::default() };
        assert_eq!(intake(&season, &run(&season, key(2, "spam", "far", 2), &node)), Ok(()));
    }
}

#[test]
fn a_run_of_another_season_is_refused() {
    assert!(fault("door", |e| e.schema = 1).contains("schema"));
    assert!(fault("door", |e| e.run.operator = id("delta")).contains("no operator delta"));
    assert!(fault("door", |e| e.run.trial = id("other")).contains("no trial other"));
    assert!(fault("door", |e| e.run.window = 3).contains("no window 3"));
    assert!(fault("door", |e| e.run.window = 0).contains("no window 0"));
    assert!(fault("door", |e| e.run.attempt = 3).contains("attempt 3"));
    assert!(fault("door", |e| e.network.chain_id = 1).contains("another network"));
    assert!(fault("door", |e| e.observer = Observer::SelfObserved).contains("rehearsal"));
    assert!(fault("door", |e| e.run.trial = id("spam")).contains("parameters"));
    assert!(fault("door", |e| e.seed = Seed::from_number(1)).contains("plan"));
}

#[test]
fn phases_that_the_plan_does_not_ask_for_are_refused() {
    assert!(fault("door", |e| drop(e.phases.pop())).contains("missing"));
    assert!(fault("door", |e| drop(e.phases.remove(2))).contains("is not the planned"));
    assert!(fault("spam", |e| e.phases[1].name = "V07@50".into()).contains("is not the planned"));
    assert!(fault("spam", |e| e.phases.push(e.phases[3].clone())).contains("after the end"));
}

#[test]
fn sums_that_do_not_come_out_are_refused() {
    let first = |change: fn(&mut LaneRecord)| fault("door", |e| change(&mut e.phases[0].lanes[0]));
    assert!(first(|lane| lane.withheld = 1).contains("do not add up"));
    assert!(first(|lane| lane.withheld = u64::MAX).contains("do not add up"));
    assert!(first(|lane| lane.outcomes.extend([(Class::Unknown, u64::MAX)])).contains("do not add up"));
    assert!(first(|lane| lane.landed -= 1).contains("landed is not"));
    assert!(first(|lane| lane.intended_us = Histogram::from_buckets([(1, 1_000)])).contains("histogram"));
    assert!(first(|lane| lane.sent_us = Histogram::from_buckets([(u64::MAX, 1)])).contains("histogram"));
    assert!(first(|lane| (drop(lane.transactions.pop()), lane.landed -= 1).1).contains("fewer transactions"));
    assert!(first(|lane| lane.transactions[3].3 = 2).contains("executed"));
}

#[test]
fn what_landed_stands_in_a_recorded_block_and_counts_once() {
    let tx = |change: fn(&mut Vec<evidence::TransactionRecord>)| {
        fault("spam", |e| change(&mut e.phases[0].lanes[0].transactions))
    };
    assert!(tx(|all| all[0].2 = 99_999).contains("not recorded"));
    assert!(tx(|all| all[0].0 = all[1].0.clone()).contains("stands twice"));
    assert!(fault("spam", |e| e.blocks.swap(3, 4)).contains("do not rise"));
    assert!(fault("spam", |e| e.block_interval_us = 400_000).contains("block interval"));
    assert!(fault("spam", |e| e.block_interval_us = u64::MAX).contains("block interval"));
}

#[test]
fn texts_that_could_harm_a_page_are_refused() {
    assert!(fault("door", |e| e.client = "a".repeat(81)).contains("client"));
    assert!(fault("door", |e| e.client = "caf\u{e9}".into()).contains("client"));
    assert!(fault("door", |e| e.blocks[0].hash = "\u{202e}".into()).contains("block"));
    assert!(fault("door", |e| e.phases[0].lanes[0].unknown = vec!["x\n".into()]).contains("unknown"));
    assert!(fault("door", |e| e.phases[0].lanes[0].unknown = vec![String::new(); 9]).contains("unknown"));
}
