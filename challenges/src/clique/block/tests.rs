//! On what geth 1.13.15 answered: four sealers, the last of them dead from height 30 to 51 and voted out at 62, and an
//! epoch of 24 blocks.

use super::*;

const WITH_TRANSACTION: &str = include_str!("../recorded/with-transaction.json");
const FAILED: &str = include_str!("../recorded/failed.json");
const BARRED: &str = include_str!("../recorded/barred.json");
const EPOCH_BLOCK: &str = include_str!("../recorded/epoch.json");
const CHANGING: &str = include_str!("../recorded/changing.json");
const CHANGED: &str = include_str!("../recorded/changed.json");
const EARLY: &str = include_str!("../recorded/early.json");
const FIRST: &str = include_str!("../recorded/first.json");
const ALL: [&str; 8] = [WITH_TRANSACTION, FAILED, BARRED, EPOCH_BLOCK, CHANGING, CHANGED, EARLY, FIRST];

const SEALERS: [&str; 4] = [
    "0x184cf1d6fdb553207a72706c33ca74d6ecdc7243",
    "0x55372c83f5dde448903521e9b613ee194cd4763e",
    "0xa37bfecbe309502135dbfa30a80a0884fba6c8fd",
    "0xb5fe10c535e75182f5699e89b2c9b92d7045fbfd",
];
const STRANGER: &str = "0x000000000000000000000000000000000000dead";

fn recorded(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn read_value(value: &Value) -> Result<Option<Block>, Malformed> {
    read(&Reply { status: 200, body: value.to_string().into() })
}

fn good(text: &str) -> Block {
    read_value(&recorded(text)).unwrap().unwrap()
}

/// What is said of a recorded answer in which one thing is changed.
fn forged(text: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut answer = recorded(text);
    change(&mut answer);
    read_value(&answer).unwrap_err().0
}

/// (who sealed, round, whose turn failed, who was barred), by number.
fn seen(block: &Block) -> (usize, u32, Vec<usize>, Vec<usize>) {
    let number = |who: &String| SEALERS.iter().position(|one| one == who).unwrap();
    let numbers = |all: &[String]| all.iter().map(number).collect();
    let turn = block.turn.as_ref().unwrap();
    assert_eq!(turn.absent, None, "clique has no votes");
    (number(&turn.proposer), turn.round, numbers(&turn.failed), numbers(&turn.barred))
}

#[test]
fn a_block_in_turn_has_its_sealer_and_no_failed_turn() {
    let block = good(WITH_TRANSACTION);
    assert_eq!((block.height, block.transactions.len(), block.committee.len()), (22, 1, 4));
    assert_eq!(block.committee, SEALERS);
    assert_eq!(seen(&block), (2, 0, vec![], vec![]));
    assert_eq!(block.next.as_deref(), Some(SEALERS[3]));
}

#[test]
fn a_turn_that_another_took_failed() {
    assert_eq!(seen(&good(FAILED)), (2, 1, vec![3], vec![]), "height 39 was the turn of 3");
}

/// Height 36 was the turn of 0, who had sealed 34: not its fault that 2 sealed it.
#[test]
fn who_sealed_too_lately_has_failed_in_nothing() {
    let block = good(BARRED);
    assert_eq!((block.height, seen(&block)), (36, (2, 1, vec![], vec![0])));
    assert_eq!(block.next, None, "37 was the turn of 1, who had sealed 35");
}

#[test]
fn signers_are_those_of_the_block_before_also_when_they_change() {
    let changing = good(CHANGING);
    assert_eq!((changing.committee.len(), changing.next.as_ref()), (4, None), "the vote that decides");
    let changed = good(CHANGED);
    assert_eq!(changed.height, 64);
    assert_eq!(changed.committee, SEALERS[..3]);
    assert_eq!(seen(&changed), (1, 0, vec![], vec![]));
}

#[test]
fn the_beginning_of_a_chain_is_read_too_and_what_is_not_there_is_none() {
    assert_eq!(seen(&good(EARLY)), (3, 0, vec![], vec![]));
    let first = good(FIRST);
    assert_eq!((first.height, first.turn), (0, None));
    assert_eq!(first.committee, SEALERS);
    let mut missing = recorded(EARLY);
    for part in [0, 1] {
        missing[part]["result"] = Value::Null;
    }
    assert_eq!(read_value(&missing), Ok(None));
}

fn header(number: u64, sealer: Option<Address>) -> Header {
    Header {
        number,
        sealer,
        hash: Default::default(),
        parent: Default::default(),
        transactions_root: Default::default(),
        is_in_turn: false,
        ballot: None,
        listed: Vec::new(),
    }
}

/// Six sealers, the last of them dead before its turn at 11: 0 and 1 may race for it. Where 1 won, 0 may have lost with a
/// block of its own, and not think that 12 is its to make.
#[test]
fn who_may_have_lost_a_race_for_the_turn_before_has_failed_in_nothing() {
    let all: Vec<Address> = (1..=6).map(Address::repeat_byte).collect();
    let signers = Signers::new(all.clone()).unwrap();
    // Whose turn 12 is said to be, by who made the blocks 1 to 12: (who failed, who was barred).
    let twelfth = |sealers: [usize; 12]| {
        let mut chain: Vec<Header> = (1..)
            .zip(sealers)
            .map(|(number, at)| Header {
                is_in_turn: number % 6 == at as u64,
                ..header(number, Some(all[at]))
            })
            .collect();
        chain.reverse();
        let turn = turn(&chain[0], chain[0].sealer.unwrap(), &signers, &chain[1..]);
        (turn.failed, turn.barred)
    };
    let (zero, nobody) = (vec![name(&all[0])], Vec::<String>::new());
    let failed = (zero.clone(), nobody.clone());
    let barred = (nobody, zero);
    assert_eq!(twelfth([1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 1, 2]), barred, "it may have lost 11 to 1");
    assert_eq!(twelfth([1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 0, 2]), barred, "it made 11: by the rule");
    assert_eq!(twelfth([1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 2]), failed, "11 was made in turn: no race");
    assert_eq!(twelfth([1, 2, 3, 4, 5, 0, 1, 0, 3, 4, 1, 2]), failed, "it made 8, and was barred from 11");
    assert_eq!(twelfth([1, 2, 3, 4, 5, 0, 1, 2, 3, 5, 1, 2]), failed, "5 made 10, and was barred from 11");
    assert_eq!(twelfth([1, 2, 3, 4, 5, 2, 1, 2, 3, 4, 1, 2]), failed, "it left its turn at 6 too");
}

/// Of 21 signers, one whose last block is beyond the headers known may have raced as well.
#[test]
fn who_may_have_raced_beyond_what_is_known_has_failed_in_nothing() {
    let all: Vec<Address> = (1..=21).map(Address::repeat_byte).collect();
    let signers = Signers::new(all.clone()).unwrap();
    let made = |number: u64, ahead: u64| {
        let sealer = all[((number + ahead) % 21) as usize];
        Header { is_in_turn: ahead == 0, ..header(number, Some(sealer)) }
    };
    let block = made(200, 5);
    let of = |known: u64| {
        let mut before: Vec<Header> = (200 - known..200).rev().map(|number| made(number, 0)).collect();
        before[0] = made(199, 3);
        // Its turn before was at 179: it left that one.
        if let Some(its) = before.get_mut(20) {
            *its = made(179, 4);
        }
        let turn = turn(&block, block.sealer.unwrap(), &signers, &before);
        (turn.failed.len(), turn.barred.len())
    };
    assert_eq!(of(16), (0, 1));
    assert_eq!(of(22), (1, 0), "a whole round is known, and it made none");
}

/// Before the first block nobody is barred; how few headers there are says nothing else.
#[test]
fn a_failed_turn_near_the_beginning_is_one() {
    let header =
        |number, sealer: usize| header(number, (number > 0).then(|| SEALERS[sealer].parse().unwrap()));
    let signers = Signers::new(SEALERS.iter().map(|one| one.parse().unwrap()).collect()).unwrap();
    let block = header(1, 2);
    let of = |before: &[Header]| turn(&block, block.sealer.unwrap(), &signers, before);
    assert_eq!(of(&[header(0, 0)]).failed, [SEALERS[1]]);
    let unknown = of(&[header(9, 0)]);
    assert_eq!((unknown.failed.len(), unknown.unknown()), (0, 1), "too few headers to know who was barred");
    assert_eq!(next(header(u64::MAX, 0), &signers, vec![]), None);
}

#[test]
fn a_node_without_the_namespace_is_taken_at_the_last_list() {
    for text in [FAILED, BARRED, EPOCH_BLOCK] {
        let mut answer = recorded(text);
        for part in [2, 3] {
            let unknown = r#"{"code":-32601,"message":"the method clique_getSigner does not exist"}"#;
            answer[part]["error"] = serde_json::from_str(unknown).unwrap();
            answer[part].as_object_mut().unwrap().remove("result");
        }
        assert_eq!(read_value(&answer), read_value(&recorded(text)));
    }
    // Since the last list somebody was voted out.
    let words = forged(CHANGED, |answer| {
        answer[2] = serde_json::json!({"id": 3, "error": {"code": -32601, "message": "no"}});
    });
    assert!(words.contains("whose turn it was"), "{words}");
}

/// Every text in every part, by its last letter.
#[test]
fn lies_of_one_letter_are_found_out() {
    let (mut found, mut harmless) = (0, std::collections::BTreeSet::new());
    for text in ALL {
        let truth = good(text);
        let value = recorded(text);
        // Nothing but the node's word vouches for whom a vote just now is about.
        let on_its_word = |place: &str| text == CHANGING && place == "/2/result/3";
        for place in texts(&value, String::new()).into_iter().filter(|place| !on_its_word(place)) {
            let mut lie = value.clone();
            let told = lie.pointer_mut(&place).unwrap();
            let mut letters = told.as_str().unwrap().to_owned();
            let last = letters.pop();
            letters.push(if last == Some('1') { '2' } else { '1' });
            *told = letters.into();
            match read_value(&lie) {
                Err(_) => found += 1,
                Ok(block) => {
                    let block = block.unwrap();
                    // Near the beginning a batch has the first block many times, and the later ones are not read.
                    if ![EARLY, FIRST].contains(&text) {
                        harmless.insert(place.rsplit('/').next().unwrap_or_default().to_owned());
                    }
                    assert_eq!((&block.turn, &block.committee), (&truth.turn, &truth.committee), "{place}");
                    assert_eq!((&block.hash, &block.next), (&truth.hash, &truth.next), "{place}");
                }
            }
        }
    }
    assert!(found > 1_900, "{found}");
    // What no header holds: of receipts, and sums that the node makes.
    let beside =
        ["jsonrpc", "size", "totalDifficulty", "0", "blockNumber", "cumulativeGasUsed", "effectiveGasPrice"];
    let of_receipts =
        ["from", "to", "gasUsed", "logsBloom", "status", "type", "transactionHash", "transactionIndex"];
    harmless.retain(|name| !beside.contains(&name.as_str()) && !of_receipts.contains(&name.as_str()));
    assert!(harmless.is_empty(), "{harmless:?}");
}

fn texts(value: &Value, place: String) -> Vec<String> {
    match value {
        Value::String(text) if !text.is_empty() => vec![place],
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.flat_map(|(at, item)| texts(item, format!("{place}/{at}"))).collect()
        }
        Value::Object(items) => {
            items.iter().flat_map(|(at, item)| texts(item, format!("{place}/{at}"))).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn other_signers_another_sealer_or_parent_are_found_out_in_words() {
    let signers = |who: &[&str]| Value::from(who.to_vec());
    let (three, strange) =
        ([SEALERS[0], SEALERS[1], SEALERS[3]], [STRANGER, SEALERS[1], SEALERS[2], SEALERS[3]]);
    for (part, lie, expected) in [
        (2, signers(&three), "none of the signers told"),
        (2, signers(&strange), "none of the signers told"),
        (2, signers(&[SEALERS[0]; 4]), "signers told are none"),
        (2, signers(&[]), "signers told are none"),
        (2, signers(&["0x12"]), "no address"),
        (2, 7.into(), "no list"),
        (3, STRANGER.into(), "by another than sealed it"),
    ] {
        let words = forged(WITH_TRANSACTION, |answer| answer[part]["result"] = lie);
        assert!(words.contains(expected), "{expected}: {words}");
    }
    let fifth = [&SEALERS[..], &["0xffffffffffffffffffffffffffffffffffffffff"]].concat();
    let words = forged(WITH_TRANSACTION, |answer| answer[2]["result"] = signers(&fifth));
    assert!(words.contains("whose turn it was"), "{words}");
    let words = forged(WITH_TRANSACTION, |answer| answer[5] = recorded(EARLY)[5].clone());
    assert!(words.contains("does not follow") || words.contains("one for one"), "{words}");
    let words = forged(WITH_TRANSACTION, |answer| {
        answer[0]["result"]["transactions"] = Value::Array(vec![]);
        answer[1]["result"] = Value::Array(vec![]);
    });
    assert!(words.contains("other transactions"), "{words}");
}

/// In the recorded chain 3 is dead. That 0 could have sealed 36 is a lie by which 0 would be charged for a turn.
#[test]
fn an_epoch_lists_its_signers_and_a_seal_too_soon_is_none() {
    let header = |text: &str| Header::read(&recorded(text)[0]["result"]).unwrap();
    let listed = header(EPOCH_BLOCK);
    assert_eq!(listed.listed.len(), 4);
    let fewer = Signers::new(listed.listed[..3].to_vec()).unwrap();
    assert!(agrees(&listed, &fewer, &[], &envelope()).is_err());

    let signers = Signers::new(listed.listed).unwrap();
    let late = header(BARRED);
    let before = |sealer: usize| Header { number: 35, sealer: SEALERS[sealer].parse().ok(), ..late.clone() };
    assert_eq!(signers.agree(&late, &[before(1), before(0)]), Ok(()));
    let words = signers.agree(&late, &[before(1), before(2)]).unwrap_err().0;
    assert!(words.contains("too lately"), "{words}");
    assert_eq!(signers.agree(&late, &[before(1), before(0), before(2)]), Ok(()), "three blocks ago it may");
}

fn envelope() -> Envelope {
    serde_json::from_str(r#"{"id":4,"result":null}"#).unwrap()
}

#[test]
fn another_chain_is_told_in_words() {
    let words = forged(EARLY, |answer| answer[0]["result"]["extraData"] = "0x".into());
    assert!(words.contains("is this a clique chain?"), "{words}");
}
