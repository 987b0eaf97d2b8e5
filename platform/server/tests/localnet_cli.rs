//! What `localnet` and `bench calibrate` refuse, in words, without any node program.

use std::process::{Command, Output};

fn touchstone(arguments: &[&str], path: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_touchstone"));
    let home = std::env::temp_dir();
    command.args(arguments).env_clear().env("PATH", path).env("HOME", &home).current_dir(home);
    command.output().expect("the program runs")
}

fn refused(arguments: &[&str], words: &[&str]) {
    let output = touchstone(arguments, "/nonexistent");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{arguments:?}");
    for word in words {
        assert!(said.contains(word), "{arguments:?} does not say `{word}`: {said}");
    }
}

#[test]
fn what_is_missing_is_told_with_the_way_to_get_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path().to_str().expect("text");
    refused(&["localnet", "install", "geth", "--dir", dir], &["`go`", "https://go.dev/dl"]);
    refused(&["localnet", "install", "anvil", "--dir", dir], &["`npm`", "https://nodejs.org"]);
    refused(&["localnet", "install", "kcn", "--dir", dir], &["go install", "KCN_BIN"]);
    for (family, way) in
        [("geth", "install geth"), ("cometbft", "install cometbft"), ("anvil", "install anvil")]
    {
        refused(&["localnet", "up", "--family", family, "--dir", dir], &["touchstone localnet", way]);
    }
    refused(&["bench", "calibrate", "--quick"], &["touchstone localnet install geth"]);
}

#[test]
fn what_cannot_be_is_told() {
    refused(&["bench", "calibrate", "--family", "anvil"], &["anvil is one node"]);
    refused(&["bench", "calibrate", "--seeds", "0"], &["1..=100"]);
    let anvil = ["localnet", "up", "--family", "anvil"];
    refused(&[&anvil[..], &["--validators", "4"]].concat(), &["--candidates"]);
    refused(&[&anvil[..], &["--klaytn"]].concat(), &["--family kaia"]);
    refused(&[&anvil[..], &["--base-port", "80"]].concat(), &["1024..=65535"]);
}

#[test]
fn every_fault_is_listed_with_what_must_see_it() {
    let output = touchstone(&["localnet", "fault", "--help"], "/nonexistent");
    let said = String::from_utf8_lossy(&output.stdout);
    let vectors = ["spam-defense: defense.V08", "spam-defense: defense.V11", "spam-defense: defense.V20"];
    for line in vectors.into_iter().chain(["duty: duty.turns", "network check"]) {
        assert!(said.contains(line), "{line}: {said}");
    }
}
