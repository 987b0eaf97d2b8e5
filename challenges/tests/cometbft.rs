//! The CometBFT driver on recorded answers of four real validators (0.38.25), one of whom was paused for a while, and
//! on the same answers with a lie in them.

use challenges::driver::{Block, Driver, Malformed, Reply, of_family};
use serde_json::{Value, json};

const FIRST: &str = include_str!("recorded/cometbft/first.json");
const WITH_TRANSACTION: &str = include_str!("recorded/cometbft/tx.json");
const SECOND_ROUND: &str = include_str!("recorded/cometbft/round.json");
const IDENTITY: &str = include_str!("recorded/cometbft/identity.json");

/// The validator who was paused.
const PAUSED: &str = "70FD";

fn driver() -> &'static dyn Driver {
    of_family("cometbft").unwrap()
}

fn reply(body: &str) -> Reply {
    Reply { status: 200, body: body.to_owned().into() }
}

fn read(body: &str) -> Result<Option<Block>, Malformed> {
    driver().block(&reply(body))
}

fn good(body: &str) -> Block {
    read(body).unwrap().unwrap()
}

/// What is said of a recorded answer in which `lie` was told.
fn said(body: &str, lie: impl Fn(&mut Value)) -> String {
    let mut value = serde_json::from_str(body).unwrap();
    lie(&mut value);
    read(&value.to_string()).expect_err("the lie is found out").to_string()
}

/// The answer of this number from 1, as the batch was asked.
fn result(body: &mut Value, number: usize) -> &mut Value {
    &mut body[number - 1]["result"]
}

fn proposer(body: &mut Value) -> &mut Value {
    &mut result(body, 1)["block"]["header"]["proposer_address"]
}

#[test]
fn the_first_block_is_read_and_names_the_network() {
    let first = good(FIRST);
    assert_eq!((first.height, first.transactions.len(), first.committee.len()), (1, 0, 4));
    let identity = driver().identity(&reply(IDENTITY)).unwrap();
    assert_eq!(identity.genesis, first.hash, "worked out from the header alone");
    assert_eq!(identity.client, "cometbft/0.38.25 (touchstone-local)");
    assert!(driver().is_genesis(&identity.genesis) && !driver().is_genesis("0xab"));
}

#[test]
fn a_transaction_is_named_by_its_hash_and_has_its_fate() {
    let block = good(WITH_TRANSACTION);
    let known = hex_of_sha256(b"k1=v1");
    assert_eq!(block.transactions, [(known, true)]);
    let turn = block.turn.unwrap();
    assert_eq!((turn.round, turn.failed.len(), turn.absent.clone()), (0, 0, Some(vec![])));
    assert!(block.committee.contains(&turn.proposer));
}

fn hex_of_sha256(bytes: &[u8]) -> String {
    use sha2::{Digest as _, Sha256};
    hex::encode_upper(Sha256::digest(bytes))
}

#[test]
fn the_failed_turn_is_charged_to_whom_it_belonged() {
    let block = good(SECOND_ROUND);
    let turn = block.turn.unwrap();
    assert_eq!(turn.round, 1);
    assert_eq!(turn.failed.len(), 1);
    assert!(turn.failed[0].starts_with(PAUSED) && turn.proposer.starts_with("9B92"));
    assert_eq!(turn.absent, Some(turn.failed));
}

#[test]
fn a_forged_header_or_proposer_is_found_out() {
    let told = said(WITH_TRANSACTION, |body| {
        let other = result(body, 4)["validators"][0]["address"].clone();
        *proposer(body) = if *proposer(body) == other { json!("00") } else { other };
    });
    assert!(told.contains("forged header"), "{told}");
    let told = said(FIRST, |body| result(body, 1)["block"]["header"]["time"] = json!("2026-01-01T00:00:00Z"));
    assert!(told.contains("forged header"), "{told}");
    let told = said(SECOND_ROUND, |body| {
        result(body, 6)["signed_header"]["header"]["app_hash"] = json!("FFFF");
    });
    assert!(told.contains("forged header"), "{told}");
}

#[test]
fn forged_transactions_and_results_are_found_out() {
    let told = said(WITH_TRANSACTION, |body| result(body, 1)["block"]["data"]["txs"] = json!(["azI9djI="]));
    assert!(told.contains("forged transactions"), "{told}");
    let told = said(WITH_TRANSACTION, |body| result(body, 1)["block"]["data"]["txs"] = json!(null));
    assert!(told.contains("forged transactions"), "{told}");
    let told = said(WITH_TRANSACTION, |body| result(body, 2)["txs_results"] = json!(null));
    assert!(told.contains("0 results"), "{told}");
}

#[test]
fn forged_votes_are_found_out() {
    let votes = |body: &mut Value| result(body, 3)["signed_header"]["commit"]["signatures"].take();
    // Another round than was signed.
    let told = said(SECOND_ROUND, |body| result(body, 3)["signed_header"]["commit"]["round"] = json!(0));
    assert!(told.contains("is not signed by its key"), "{told}");
    // A vote that nobody cast.
    let told = said(SECOND_ROUND, |body| {
        let mut list = votes(body);
        let one = list.as_array_mut().unwrap().iter_mut().find(|vote| vote["block_id_flag"] == 1).unwrap();
        one["block_id_flag"] = json!(2);
        result(body, 3)["signed_header"]["commit"]["signatures"] = list;
    });
    assert!(told.contains("forged certificate"), "{told}");
    // Too few votes.
    let told = said(SECOND_ROUND, |body| {
        let mut list = votes(body);
        let one = list.as_array_mut().unwrap().iter_mut().find(|vote| vote["block_id_flag"] == 2).unwrap();
        one["block_id_flag"] = json!(1);
        result(body, 3)["signed_header"]["commit"]["signatures"] = list;
    });
    assert!(told.contains("not more than two thirds"), "{told}");
    // Votes exchanged between validators.
    let told = said(WITH_TRANSACTION, |body| {
        let mut list = votes(body);
        list.as_array_mut().unwrap().swap(0, 1);
        result(body, 3)["signed_header"]["commit"]["signatures"] = list;
    });
    assert!(told.contains("is said to be of"), "{told}");
}

#[test]
fn a_stale_certificate_and_stale_validators_are_found_out() {
    let told = said(SECOND_ROUND, |body| {
        let stale = result(body, 9).clone();
        *result(body, 3) = stale;
    });
    assert!(told.contains("stale or foreign certificate"), "{told}");
    // Another height's validators.
    let other: Value = serde_json::from_str(FIRST).unwrap();
    let told = said(WITH_TRANSACTION, |body| *result(body, 4) = other[3]["result"].clone());
    assert!(told.contains("validators of 1 for height"), "{told}");
}

#[test]
fn forged_validators_and_priorities_are_found_out() {
    let told = said(WITH_TRANSACTION, |body| {
        result(body, 4)["validators"][0]["voting_power"] = json!("9");
    });
    assert!(told.contains("forged validators"), "{told}");
    let told = said(WITH_TRANSACTION, |body| {
        result(body, 4)["validators"][0]["address"] = json!("00".repeat(20));
    });
    assert!(told.contains("its address is not that of its key"), "{told}");
    // Priorities shifted so that the failed turn would fall to another: the five blocks before contradict it.
    let rotated = |list: &mut Value| {
        let list = list.as_array_mut().unwrap();
        let mut told: Vec<Value> = list.iter().map(|one| one["proposer_priority"].clone()).collect();
        told.rotate_right(1);
        for (one, priority) in list.iter_mut().zip(told) {
            one["proposer_priority"] = priority;
        }
    };
    let told = said(SECOND_ROUND, |body| {
        rotated(&mut result(body, 4)["validators"]);
        rotated(&mut result(body, 5)["validators"]);
    });
    assert!(told.contains("forged priorities"), "{told}");
    let told = said(SECOND_ROUND, |body| rotated(&mut result(body, 4)["validators"]));
    assert!(told.contains("forged priorities"), "{told}");
    // A chain that has only begun starts from equal priorities, whatever a node tells.
    let told = said(FIRST, |body| rotated(&mut result(body, 4)["validators"]));
    assert!(told.contains("forged priorities"), "{told}");
}

#[test]
fn what_a_node_has_not_kept_charges_nobody() {
    let mut value: Value = serde_json::from_str(SECOND_ROUND).unwrap();
    value[6] = json!({"id": 7, "error": {"code": -32603, "message": "Internal error", "data": "pruned"}});
    let turn = good(&value.to_string()).turn.unwrap();
    assert_eq!((turn.round, turn.failed.len()), (1, 0));
}

#[test]
fn what_can_still_change_is_not_there_yet() {
    let mut value: Value = serde_json::from_str(WITH_TRANSACTION).unwrap();
    result(&mut value, 3)["canonical"] = json!(false);
    assert_eq!(read(&value.to_string()), Ok(None));
    let early = r#"[{"id":1,"error":{"code":-32603,"message":"Internal error",
        "data":"height 500000 must be less than or equal to the current blockchain height 26"}}]"#;
    assert_eq!(read(early), Ok(None));
}

/// Every text and number of the recorded answers is replaced in turn: told in words or harmless, never a panic, and
/// never another proposer, round or absence.
#[test]
fn no_single_change_makes_another_turn() {
    let honest = good(SECOND_ROUND);
    let value: Value = serde_json::from_str(SECOND_ROUND).unwrap();
    let mut places = Vec::new();
    leaves(&value, String::new(), &mut places);
    let (mut found, mut harmless) = (0, 0);
    for place in &places {
        for lie in [json!("1"), json!(3), json!(null), json!("00"), json!([])] {
            let mut changed = value.clone();
            *changed.pointer_mut(place).unwrap() = lie;
            match read(&changed.to_string()) {
                Ok(Some(block)) => {
                    harmless += 1;
                    let (turn, truth) = (block.turn.unwrap(), honest.turn.as_ref().unwrap());
                    assert_eq!((&turn.proposer, turn.round), (&truth.proposer, truth.round), "{place}");
                    assert!(turn.absent == truth.absent, "{place}");
                    assert!(turn.failed.is_empty() || turn.failed == truth.failed, "{place}");
                    assert_eq!(block.hash, honest.hash, "{place}");
                }
                Ok(None) | Err(_) => found += 1,
            }
        }
    }
    println!("{} places, {found} lies found out, {harmless} harmless", places.len());
}

fn leaves(value: &Value, at: String, out: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, one)| leaves(one, format!("{at}/{key}"), out)),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(key, one)| leaves(one, format!("{at}/{key}"), out))
        }
        _ => out.push(at),
    }
}

#[test]
fn vectors_that_the_family_lacks_are_refused_in_words() {
    use model::plan::LaneKind;
    let carried = [LaneKind::Honest, LaneKind::Load, LaneKind::V04, LaneKind::V07];
    assert!(carried.into_iter().all(|kind| driver().carries(kind)));
    assert!(!driver().carries(LaneKind::V01) && !driver().carries(LaneKind::V15));
}
