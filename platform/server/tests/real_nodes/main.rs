//! Whole seasons on nodes that none of us wrote: a clique network of real geth, and anvil.
//!
//! Without the nodes these tests are reported as ignored, with the way to get them. With
//! `TOUCHSTONE_REQUIRE_NODES=1` (as CI sets) a missing node fails instead.

mod anvil;
mod cometbft;
mod fault_of_2021;
mod forgery;
mod hostile;
mod kaia_chain;
mod key_change;
mod logs;
mod ranking;
mod scheduled;
mod season;
mod served;
mod stage;
mod voids;

use libtest_mimic::{Arguments, Failed, Trial};

const NEEDS_GETH: &str = "needs geth 1.13.x: go install -ldflags=-checklinkname=0 \
    github.com/ethereum/go-ethereum/cmd/geth@v1.13.15, or set GETH_BIN";
const NEEDS_ANVIL: &str =
    "needs anvil 1.7.1: npm install @foundry-rs/anvil@1.7.1, and set ANVIL_BIN or ANVIL_DIR";

const NEEDS_KCN: &str = "needs kcn: set KCN_BIN to the consensus node of a Kaia release, or go install \
    github.com/kaiachain/kaia/cmd/kcn@59837ccdf6898fdbabb2ab0843027d938c1b36ec";

const NEEDS_KNOWN_KCN: &str =
    "needs kcn 2.0.3 as it is built beside the repository: the fault is put into a copy of it";

const NEEDS_COMETBFT: &str = "needs cometbft 0.38: CGO_ENABLED=0 go install \
    github.com/cometbft/cometbft/cmd/cometbft@v0.38.25, or set COMETBFT_BIN";

type Test = fn() -> Result<(), Failed>;

fn main() {
    let mut arguments = Arguments::from_args();
    // One network at a time: two cores do not carry two.
    arguments.test_threads = Some(1);
    let required = std::env::var_os("TOUCHSTONE_REQUIRE_NODES").is_some();
    let node = |found: anyhow::Result<()>, needs: &'static str| match found {
        Ok(()) => None,
        Err(error) => {
            eprintln!("not run: {needs} ({error:#})");
            Some(needs)
        }
    };
    let geth = node(stage::geth_is_here(), NEEDS_GETH);
    let anvil = node(anvil::is_here(), NEEDS_ANVIL);
    // Not every Go proxy serves it: a machine without it says so, and does not fail.
    let kcn = key_change::is_here().err().map(|error| {
        eprintln!("not run: {NEEDS_KCN} ({error:#})");
        NEEDS_KCN
    });
    let faulty = kcn.or_else(|| {
        fault_of_2021::is_here().err().map(|error| {
            eprintln!("not run: {NEEDS_KNOWN_KCN} ({error:#})");
            NEEDS_KNOWN_KCN
        })
    });
    let cometbft = node(cometbft::is_here(), NEEDS_COMETBFT);
    let tests: [(&str, Option<&'static str>, Test); 16] = [
        ("anvil takes what the driver sends and refuses what it must", anvil, anvil::driver),
        ("geth: a candidate that tarpits is cut, never void", geth, voids::tarpit),
        ("geth: bad endpoints are cut and the season goes on", geth, hostile::bad_endpoints),
        ("geth: a lost reference is void (ours)", geth, voids::lost_reference),
        ("geth: a halted network is void (network) for all", geth, voids::halted_network),
        ("kaia: two key changes of an account in a block succeed", kcn, kaia_chain::key_changes),
        ("kaia: typed transactions have the hash that the node says", kcn, kaia_chain::typed_transactions),
        ("kaia: the failed turns are those of the validator that stood still", kcn, kaia_chain::failed_turns),
        (
            "kaia: a season in the chain's own words, at a unit price, with one killed and one slow",
            kcn,
            season::kaia,
        ),
        ("kaia: key changes name who fails in its turns", kcn, key_change::key_changes_name_who_fails),
        ("kaia: the one of four that has the fault of 2021 is named", faulty, fault_of_2021::is_named),
        (
            "cometbft: turns are worked out from signed votes, and lies are found out",
            cometbft,
            cometbft::turns,
        ),
        ("cometbft: a season with one killed and one slow", cometbft, season::cometbft),
        ("geth: a season with one killed and one slow", geth, season::geth),
        ("cometbft: who applies to a served season is measured by its validator", cometbft, served::duty),
        ("geth: a season is ranked, published, verified and recounted", geth, ranking::season),
    ];
    let tests = tests.map(|(name, missing, test)| {
        let ignored =
            missing.is_some() && (!required || [Some(NEEDS_KCN), Some(NEEDS_KNOWN_KCN)].contains(&missing));
        let name =
            if ignored { format!("{name} [{}]", missing.unwrap_or_default()) } else { name.to_owned() };
        let run = move || missing.map_or_else(test, |needs| Err(Failed::from(needs)));
        Trial::test(name, run).with_ignored_flag(ignored)
    });
    libtest_mimic::run(&arguments, tests.into()).exit();
}
