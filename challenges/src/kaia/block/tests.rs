//! On what kcn 2.0.3 answered: a chain with a base fee and a committee smaller than its council, one as Klaytn made them
//! with two of seven nodes stopped, and that one's first block.

use super::*;

const BASE_FEE: &str = include_str!("../recorded/base-fee.json");
const ROUND_2: &str = include_str!("../recorded/round-2.json");
const FIRST: &str = include_str!("../recorded/first.json");

fn read_value(value: &Value) -> Result<Option<Block>, Malformed> {
    read(&Reply { status: 200, body: value.to_string().into() })
}

fn recorded(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// What is said of a recorded answer in which one thing is changed.
fn forged(text: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut answer = recorded(text);
    change(&mut answer);
    read_value(&answer).unwrap_err().0
}

#[test]
fn a_block_of_round_0_has_no_failed_turn_and_one_vote_beyond_the_quorum_absent() {
    let block = read_value(&recorded(BASE_FEE)).unwrap().unwrap();
    let turn = block.turn.unwrap();
    assert_eq!((block.height, block.committee.len()), (10, 4));
    assert_eq!(turn.proposer, "0x727877d34cf1c7f5b21b1f907e7183d9c6c705cf");
    assert_eq!((turn.round, turn.failed.len(), turn.absent.unwrap().len()), (0, 0, 1));
    assert!(block.next.is_some_and(|next| next != turn.proposer && next.starts_with("0x")));
}

#[test]
fn who_was_not_drawn_for_a_block_has_a_seat_all_the_same() {
    let reply = Reply { status: 200, body: BASE_FEE.into() };
    let (council, committee) = (council(&reply).unwrap(), read(&reply).unwrap().unwrap().committee);
    assert!(council.len() > committee.len(), "{council:?}");
    assert!(committee.iter().all(|one| council.contains(one)));
}

#[test]
fn a_block_that_nobody_would_believe_is_named_and_so_is_its_parent() {
    let named = |answer: &Value| super::named(&Reply { status: 200, body: answer.to_string().into() });
    let mut answer = recorded(ROUND_2);
    let block = read_value(&answer).unwrap().unwrap();
    let parent = answer[1]["result"]["hash"].as_str().unwrap().to_owned();
    let both = vec![(block.height, block.hash), (block.height - 1, parent)];
    assert_eq!(named(&answer), both);
    answer[0]["result"]["extraData"] = "0x".into();
    assert!(read_value(&answer).is_err());
    assert_eq!(named(&answer), both);
    answer[0] =
        serde_json::json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "no receipts"}});
    assert_eq!(named(&answer), both[1..]);
    assert_eq!(named(&serde_json::json!({})), []);
}

#[test]
fn the_proposers_of_the_rounds_that_failed_are_worked_out() {
    let turn = read_value(&recorded(ROUND_2)).unwrap().unwrap().turn.unwrap();
    assert_eq!((turn.proposer.as_str(), turn.round), ("0xb54818837b066d240d7113f05f8521db8dac2761", 2));
    let stopped =
        ["0x21dccf4b4c8a197653a06190899110bc9b804e74", "0x8758a1c4aacbf70c14daf8dcda929a3ae159c684"];
    assert_eq!(turn.failed, stopped);
    assert_eq!(turn.absent.unwrap(), stopped);
}

/// Klaytn's spelling in blocks, and the base fee of 0 that it told before there was one.
#[test]
fn a_block_as_klaytn_told_it_is_the_same() {
    let mut answer = recorded(ROUND_2);
    for part in 0..3 {
        let block = answer[part]["result"].as_object_mut().unwrap();
        let score = block.remove("blockScore").unwrap();
        block.insert("blockscore".into(), score);
        assert!(block.insert("baseFeePerGas".into(), "0x0".into()).is_none(), "it has none");
    }
    assert_eq!(read_value(&answer), read_value(&recorded(ROUND_2)));
    answer[0]["result"]["baseFeePerGas"] = "0x1".into();
    assert!(read_value(&answer).unwrap_err().0.contains("forged"));
}

#[test]
fn without_the_nodes_list_of_voters_the_same_comes_out() {
    let mut answer = recorded(ROUND_2);
    answer[0]["result"].as_object_mut().unwrap().remove("committers");
    assert_eq!(read_value(&answer), read_value(&recorded(ROUND_2)));
}

#[test]
fn the_first_block_is_read_and_one_that_is_not_there_is_none() {
    let turn = read_value(&recorded(FIRST)).unwrap().unwrap().turn.unwrap();
    assert_eq!(turn.failed.len(), usize::from(turn.round > 0));
    let missing = r#"[{"id":1,"error":{"code":-32000,"message":"the block does not exist (block number: 7)"}},
        {"id":2,"result":null},{"id":3,"result":null}]"#;
    assert_eq!(read_value(&recorded(missing)), Ok(None));
}

#[test]
fn every_changed_field_of_a_header_is_found_out() {
    let fields = recorded(BASE_FEE)[0]["result"].as_object().unwrap().clone();
    // These are no fields of the header; they are looked at below, or are the node's own arithmetic.
    let others =
        ["committee", "committers", "originProposer", "proposer", "round", "sigHash", "size", "transactions"];
    for (name, value) in fields.iter().filter(|(name, _)| !others.contains(&name.as_str())) {
        let mut text = value.as_str().unwrap().to_owned();
        match text.pop() {
            Some('x') => text.push_str("x01"),
            Some('1') => text.push('2'),
            _ => text.push('1'),
        }
        let words = forged(BASE_FEE, |answer| answer[0]["result"][name] = text.into());
        assert!(
            words.contains("forged") || words.contains("no data") || words.contains("no seals"),
            "{name}: {words}"
        );
    }
    let words = forged(BASE_FEE, |answer| {
        answer[0]["result"].as_object_mut().unwrap().remove("baseFeePerGas");
    });
    assert!(words.contains("its fields give"), "{words}");
}

#[test]
fn another_proposer_voter_committee_round_parent_or_transaction_is_found_out() {
    let stranger = "0x000000000000000000000000000000000000dead";
    for (field, value, expected) in [
        ("proposer", Value::from(stranger), "told to be by"),
        ("originProposer", stranger.into(), "round 0"),
        ("committers", Value::from(vec![stranger]), "votes are by others"),
        ("committee", Value::from(vec![stranger]), "committee is not of its council"),
        ("committee", Value::from(Vec::<Value>::new()), "not of its committee"),
        ("round", 3.into(), "round is another"),
        ("round", 258.into(), "is not the turn of"),
        ("round", 1_000_194.into(), "round is another"),
        ("proposer", 5.into(), "no address"),
    ] {
        let words = forged(ROUND_2, |answer| answer[0]["result"][field] = value);
        assert!(words.contains(expected), "{field}: {words}");
    }
    let words = forged(ROUND_2, |answer| answer[1] = recorded(FIRST)[1].clone());
    assert!(words.contains("one for one") || words.contains("does not follow"), "{words}");
    let words = forged(BASE_FEE, |answer| {
        let hash = format!("0x{}", "ab".repeat(32));
        answer[0]["result"]["transactions"] = serde_json::json!([{"transactionHash": hash, "status": "0x1"}]);
    });
    assert!(words.contains("other transactions"), "{words}");
}

#[test]
fn a_block_that_was_handed_on_is_no_failed_turn_of_its_makers() {
    // The round is in the last byte of the vanity, which neither hash nor seals hold.
    let committed_in = |round: u8| {
        let mut answer = recorded(ROUND_2);
        let extra = answer[0]["result"]["extraData"].as_str().unwrap().to_owned();
        let (vanity, rest) = (&extra[..64], &extra[66..]);
        answer[0]["result"]["extraData"] = format!("{vanity}{round:02x}{rest}").into();
        answer[0]["result"]["round"] = round.into();
        read_value(&answer).map(|block| block.unwrap().turn.unwrap())
    };
    let made = committed_in(2).unwrap();
    let locked = committed_in(3).unwrap();
    assert_eq!((&locked.proposer, locked.round, &locked.failed), (&made.proposer, 3, &made.failed));
    assert_eq!((made.barred.len(), &locked.barred), (0, &vec![made.proposer.clone()]));
    assert_eq!((made.unknown(), locked.unknown()), (0, 0));
    // Whether the round between failed, the node alone says.
    let twice = committed_in(4).unwrap();
    assert_eq!((&twice.failed, &twice.barred, twice.unknown()), (&made.failed, &locked.barred, 1));
    for impossible in [1, 7, 8] {
        let words = committed_in(impossible).unwrap_err().0;
        assert!(words.contains("is not the turn of"), "{impossible}: {words}");
    }
}

#[test]
fn votes_that_are_left_out_or_doubled_are_missed() {
    let extra = recorded(ROUND_2)[0]["result"]["extraData"].as_str().unwrap().to_owned();
    // The last vote: 65 bytes and a head of two.
    let vote = &extra[extra.len() - 134..];
    let before = &extra[extra.len() - 268..extra.len() - 134];
    let doubled = extra.replace(before, vote);
    let words = forged(ROUND_2, |answer| answer[0]["result"]["extraData"] = doubled.into());
    assert!(words.contains("or a second"), "{words}");
    let spoiled = format!("{}{}", &extra[..extra.len() - 4], "0500");
    let words = forged(ROUND_2, |answer| answer[0]["result"]["extraData"] = spoiled.into());
    assert!(words.contains("no validator's") || words.contains("others than are told"), "{words}");
}

/// The recorded answer with a first block that names no rotation.
fn drawn(text: &str) -> Value {
    let mut answer = recorded(text);
    // Any block's header serves: later ones hold no parameters.
    answer[2]["result"] = answer[1]["result"].clone();
    answer
}

#[test]
fn without_a_rotation_only_the_turn_of_round_0_is_known_by_the_nodes_word() {
    let block = read_value(&drawn(ROUND_2)).unwrap().unwrap();
    assert_eq!(block.turn.unwrap().failed, ["0x21dccf4b4c8a197653a06190899110bc9b804e74"]);
    let stranger = Value::from("0x000000000000000000000000000000000000dead");
    for text in [ROUND_2, BASE_FEE] {
        let mut answer = drawn(text);
        answer[0]["result"]["originProposer"] = stranger.clone();
        assert!(read_value(&answer).unwrap_err().0.contains("round 0"));
    }
}
