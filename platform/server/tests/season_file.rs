//! What a season file may say, and what is said about one that cannot be used: the line and the remedy.

use std::collections::BTreeSet;

use model::{ChallengeKey, Parameters, Role, Schedule};
use server::season::file::{Declared, parse};

const EXAMPLE: &str = include_str!("../examples/season.toml");

const GOOD: &str = r#"name = "small"
windows = 2
seats = 1
attempts = 3
ceiling = 150
overall_ceiling = 40_000

[network]
family = "evm"
chain_id = 1337
genesis = "0x00000000000000000000000000000000000000000000000000000000000000ab"
reference = "http://127.0.0.1:7000"

[[operator]]
id = "alpha"
rpc = "http://127.0.0.1:7001"

[[operator]]
id = "beta"
rpc = "http://127.0.0.1:7002"

[[operator]]
id = "control-1"
role = "control"
rpc = "http://127.0.0.1:7003"

[[operator]]
id = "control-2"
role = "control"
rpc = "http://127.0.0.1:7004"

[[trial]]
challenge = "spam-defense"
schedule = "together"
weight = 1

[trial.spam]
honest_rate = 20
horizon_blocks = 20
base_ms = 1000
attack_ms = 1000
settle_ms = 0
recover_ms = 1000
intensities = [100]
vectors = ["V01"]

[[trial]]
id = "gossip"
challenge = "spam-defense"
weight = 1

[trial.spam]
honest_rate = 20
horizon_blocks = 20
base_ms = 1000
attack_ms = 1000
settle_ms = 0
recover_ms = 1000
intensities = [50]
vectors = ["V15"]
"#;

/// The good file with one passage replaced; the line on which that passage begins.
fn changed(from: &str, to: &str) -> (String, usize) {
    let at = GOOD.find(from).unwrap_or_else(|| panic!("the good file has no {from:?}"));
    (GOOD.replacen(from, to, 1), GOOD[..at].matches('\n').count() + 1)
}

fn fault(text: &str) -> String {
    let error = parse(text).map(drop).expect_err("a fault");
    format!("{error:#}")
}

/// Replacing `from` by `to` is told with the line (`below` the passage's first one) and these words.
fn told_below(below: usize, from: &str, to: &str, words: &[&str]) {
    let (text, line) = changed(from, to);
    let message = fault(&text);
    let place = format!("line {}", line + below);
    assert!(
        message.split(|c: char| !c.is_alphanumeric() && c != ' ').any(|part| part.trim().ends_with(&place)),
        "{to:?}: no {place:?} in:\n{message}"
    );
    for word in words {
        assert!(message.contains(word), "{to:?}: no {word:?} in:\n{message}");
    }
    println!("{}\n", message.trim_end());
}

fn told(from: &str, to: &str, words: &[&str]) {
    told_below(0, from, to, words);
}

fn good() -> Declared {
    parse(GOOD).expect("the good file is good")
}

#[test]
fn a_good_file_is_taken_apart() {
    let declared = good();
    assert_eq!((declared.windows, declared.seats, declared.attempts, declared.ceiling), (2, 1, 3, 150));
    assert_eq!(declared.reference, "http://127.0.0.1:7000");
    let roles: Vec<_> = declared.operators.iter().map(|(operator, _)| operator.role).collect();
    assert_eq!(roles, [Role::Candidate, Role::Candidate, Role::Control, Role::Control]);
    assert_eq!(declared.operators[0].0.name, "alpha", "the name defaults to the identifier");
    let trials: Vec<_> = declared.trials.iter().map(|trial| (trial.id.as_str(), trial.schedule)).collect();
    assert_eq!(trials, [("spam-defense", Schedule::Together), ("gossip", Schedule::Alone)]);
    assert_eq!(declared.book.name, "quick");
}

#[test]
fn the_ceiling_defaults_to_what_the_trials_need() {
    let (text, _) = changed("ceiling = 150\n", "");
    assert_eq!(parse(&text).unwrap().ceiling, 149, "120 requests per second and a quarter");
}

#[test]
fn the_example_is_good_and_names_every_key() {
    let declared = parse(EXAMPLE).expect("the example is good");
    assert_eq!(declared.trials.len(), 5);
    assert!(matches!(declared.trials[1].parameters, Parameters::SpamDefense(_)));
    assert_eq!(declared.trials[2].parameters.challenge(), ChallengeKey::TrafficThroughput);
    let mut keys = BTreeSet::new();
    for table in [
        "name = ",
        "family = ",
        "id = \"alpha\"",
        "challenge = ",
        "honest_rate = ",
        "pairs = ",
        "start_rate = ",
        "watch_ms = ",
        "bursts = ",
    ] {
        let message = fault(&EXAMPLE.replacen(table, &format!("no-such-key = 1\n{table}"), 1));
        let expected = message.split("expected one of").nth(1).expect("the keys that may stand there");
        keys.extend(expected.split('`').skip(1).step_by(2).map(str::to_owned));
    }
    assert!(keys.len() > 30, "{keys:?}");
    for key in keys {
        let line = format!("\n{key} = ");
        let shown = EXAMPLE.contains(&line)
            || [format!("[{key}]"), format!("[[{key}]]"), format!("trial.{key}]"), format!(".{key}]")]
                .iter()
                .any(|table| EXAMPLE.contains(table));
        assert!(shown, "the example does not show {key}");
    }
}

#[test]
fn syntax_and_form() {
    told("windows = 2", "windows = = 2", &["examples/season.toml"]);
    told("windows = 2", "windos = 2", &["unknown field `windos`", "`windows`"]);
    told("rpc = \"http://127.0.0.1:7001\"", "url = 1", &["unknown field `url`", "`rpc`"]);
    told("windows = 2", "windows = \"two\"", &["invalid type", "u32"]);
    told("windows = 2", "windows = -2", &["-2", "u32"]);
    told("role = \"control\"", "role = \"judge\"", &["`judge`", "`candidate`", "`control`"]);
    told("intensities = [100]", "intensities = [1e3]", &["u32"]);
    told("vectors = [\"V01\"]", "vectors = [\"V99\"]", &["`V99`", "`V15`"]);
    told_below(
        0,
        "[network]\nfamily = \"evm\"\nchain_id = 1337\n",
        "[network]\nfamily = \"evm\"\n",
        &["missing field `chain_id`"],
    );
}

#[test]
fn impossible_values() {
    told("windows = 2", "windows = 0", &["1 to 1000"]);
    told("attempts = 3", "attempts = 11", &["1 to 10"]);
    told("seats = 1", "seats = 0", &["seats", "at least 1"]);
    told("name = \"small\"", "name = \"\"", &["name", "1 to 200 bytes"]);
    told("[[operator]]", "[[operator]]\nname = \"\"", &["alpha", "1 to 200 bytes"]);
    told("id = \"alpha\"", "id = \"Alpha Co\"", &["`Alpha Co`", "a-z, 0-9"]);
    told("family = \"evm\"", "family = \"solana\"", &["no driver", "`evm`"]);
    told("name = \"small\"", "rulebook = \"mine\"\nname = \"small\"", &["`mine`", "\"standard\""]);
}

#[test]
fn impossible_parameters_name_the_trial_and_what_is_possible() {
    let spam = "[[trial]]\nchallenge = \"spam-defense\"\nschedule = \"together\"\nweight = 1\n\n[trial.spam]\nhonest_rate = 20";
    told(spam, &spam.replace("honest_rate = 20", "honest_rate = 0"), &["honest_rate = 0", "1 to 100"]);
    told(spam, &spam.replace("weight = 1", "weight = 0"), &["weight", "1 to 1000000"]);
    let gossip = GOOD.split_at(GOOD.rfind("[[trial]]").unwrap()).1;
    told(gossip, &gossip.replace("[50]", "[4294967295]"), &["intensities = 4294967295", "1 to 10000"]);
    told(gossip, &gossip.replace("[50]", "[50, 50]"), &["intensity stands twice"]);
    told(gossip, &gossip.replace("[\"V15\"]", "[]"), &["vectors is empty", "give at least one"]);
    told(gossip, &gossip.replace("gossip", "spam-defense"), &["two trials are called", "another id"]);
    told(gossip, &gossip.replace("spam-defense", "traffic-throughput"), &["[trial.spam] to spam-defense"]);
}

#[test]
fn everybody_is_somebody_else() {
    told("id = \"beta\"", "id = \"alpha\"", &["two operators are called alpha", "rename"]);
    for same in [
        "http://127.0.0.1:7001",
        "http://127.0.0.1:7001/",
        "http://localhost:7001",
        "http://[::ffff:127.0.0.1]:7001",
    ] {
        let rpc = format!("rpc = \"{same}\"");
        told("rpc = \"http://127.0.0.1:7002\"", &rpc, &["two operators", "each needs its own"]);
    }
    for same in ["http://127.0.0.1:7003", "http://127.0.0.1:7003/", "http://localhost:7003"] {
        let reference = format!("reference = \"{same}\"");
        told("reference = \"http://127.0.0.1:7000\"", &reference, &["reference", "nobody is measured on"]);
    }
}

#[test]
fn load_goes_to_this_machine_only() {
    for foreign in ["http://10.1.2.3:8545", "http://0.0.0.0:7001", "http://[::ffff:8.8.8.8]:1"] {
        let rpc = format!("rpc = \"{foreign}\"");
        told("rpc = \"http://127.0.0.1:7001\"", &rpc, &[foreign, "signed consent", "loopback"]);
        let reference = format!("reference = \"{foreign}\"");
        told("reference = \"http://127.0.0.1:7000\"", &reference, &[foreign, "signed consent"]);
    }
    told("rpc = \"http://127.0.0.1:7001\"", "rpc = \"https://node.example\"", &["http://IP:PORT"]);
}

#[test]
fn controls_and_candidates_are_needed() {
    let (one, _) = changed("role = \"control\"\n", "");
    let message = fault(&one);
    assert!(
        message.contains("fewer than two controls") && message.contains("role = \"control\""),
        "{message}"
    );
    assert!(message.contains(&format!("line {}: ", one.lines().count())), "at the end:\n{message}");
    let none = GOOD.replace("id = \"alpha\"", "id = \"alpha\"\nrole = \"control\"");
    let none = none.replace("id = \"beta\"", "id = \"beta\"\nrole = \"control\"");
    let message = fault(&none);
    assert!(message.contains("no candidate") && message.contains("[[operator]]"), "{message}");
    let trials = GOOD.split_at(GOOD.find("[[trial]]").unwrap()).0;
    let message = fault(trials);
    assert!(message.contains("no trial") && message.contains("[[trial]]"), "{message}");
}

#[test]
fn the_genesis_is_a_hash() {
    let hash = "genesis = \"0x00000000000000000000000000000000000000000000000000000000000000ab\"";
    for bad in
        ["genesis = \"0xab\"", "genesis = \"latest\"", &hash.replace("0x", ""), &hash.replace("ab", "AB")]
    {
        told(hash, bad, &["genesis is no hash", "0x and 64 digits", "block 0"]);
    }
}

#[test]
fn a_family_has_its_own_form_of_genesis_and_its_own_vectors() {
    let hash = "0x00000000000000000000000000000000000000000000000000000000000000ab";
    let comet = GOOD.replace("family = \"evm\"", "family = \"cometbft\"");
    let message = fault(&comet);
    assert!(message.contains("genesis is no hash: 64 digits") && message.contains("block 1"), "{message}");
    assert!(message.contains("family `cometbft` has no V01 (wrong chain id)"), "{message}");
    assert!(message.contains("choose among V04, V07"), "{message}");
    let comet = comet.replace(hash, &hash[2..].to_uppercase());
    let comet = comet.replace("\"V01\"", "\"V04\"").replace("\"V15\"", "\"V07\"");
    let halts = |text: &str| -> Vec<_> {
        let declared = parse(text).unwrap_or_else(|why| panic!("{why:#}"));
        declared.trials.iter().map(|trial| trial.parameters.halt_ms()).collect()
    };
    // Three rounds of the family's, unless the file says otherwise.
    assert_eq!(halts(GOOD), [None, None]);
    assert_eq!(halts(&comet), [Some(15_000), Some(15_000)]);
    let said = comet.replacen("settle_ms = 0", "settle_ms = 0\nhalt_ms = 40000", 1);
    assert_eq!(halts(&said), [Some(40_000), Some(15_000)]);
    let short = comet.replacen("settle_ms = 0", "settle_ms = 0\nhalt_ms = 3999", 1);
    assert!(fault(&short).contains("halt_ms = 3999 is not possible: choose 4000 to 600000"));
}

#[test]
fn ceilings_are_kept() {
    told(
        "ceiling = 150",
        "ceiling = 148",
        &["120 requests/s", "ceiling of 149", "raise it or lower the rates"],
    );
    // Four operators together, each up to 150, and as much to the controls.
    told("overall_ceiling = 40_000", "overall_ceiling = 1199", &["1200 requests/s", "schedule = \"alone\""]);
    let (enough, _) = changed("overall_ceiling = 40_000", "overall_ceiling = 1200");
    assert!(parse(&enough).is_ok());
    let (alone, _) = changed("schedule = \"together\"\n", "");
    assert!(parse(&alone.replace("overall_ceiling = 40_000", "overall_ceiling = 300")).is_ok());
}

#[test]
fn all_faults_are_told_at_once() {
    let text = GOOD.replace("windows = 2", "windows = 0").replace("7002", "7001").replace("[50]", "[0]");
    let message = fault(&text);
    let told: Vec<_> = message.lines().filter(|line| line.starts_with("line ")).collect();
    assert_eq!(told.len(), 3, "{message}");
}
