//! Season files for a lab, and the program that runs them.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use server::lab_process::LAB_FAUCET_KEY;

use crate::lab::{BINARY, Lab};

/// A season file on all nodes of a lab: the last two ingresses are the controls.
pub(crate) fn file(lab: &Lab, trials: &str) -> String {
    let nodes: Vec<String> = lab.ingresses.iter().map(|node| node.rpc()).collect();
    of(&lab.network.genesis, &lab.sequencer.rpc(), &nodes, trials)
}

/// A season file on these nodes, the last two of which are the controls.
pub(crate) fn of(genesis: &str, reference: &str, nodes: &[String], trials: &str) -> String {
    let mut text = format!(
        "name = \"small\"\nwindows = 1\nseats = 1\nattempts = 10\n\n[network]\nfamily = \"evm\"\nchain_id = 1337\n\
         genesis = \"{genesis}\"\nreference = \"{reference}\"\n"
    );
    for (number, rpc) in nodes.iter().enumerate() {
        let (id, role) = match (number + 2).checked_sub(nodes.len()) {
            Some(control) => (format!("control-{}", control + 1), "control"),
            None => (format!("node-{}", number + 1), "candidate"),
        };
        let _ = write!(text, "\n[[operator]]\nid = \"{id}\"\nrole = \"{role}\"\nrpc = \"{rpc}\"\n");
    }
    text + trials
}

/// A `[[trial]]` of spam with phases of a second.
pub(crate) fn trial(id: &str, schedule: &str, vector: &str) -> String {
    format!(
        "\n[[trial]]\nid = \"{id}\"\nchallenge = \"spam-defense\"\nschedule = \"{schedule}\"\n\n[trial.spam]\n\
         honest_rate = 20\nhorizon_blocks = 12\nbase_ms = 1000\nattack_ms = 1000\nsettle_ms = 0\n\
         recover_ms = 1000\nintensities = [60]\nvectors = [\"{vector}\"]\n"
    )
}

/// `touchstone season run FILE --out OUT --seed 3`, with the lab's key.
pub(crate) fn run(file: &Path, out: &Path) -> Command {
    let mut command = Command::new(BINARY);
    command.args(["season", "run"]).arg(file).arg("--out").arg(out).args(["--seed", "3"]);
    command.env("TOUCHSTONE_FAUCET_KEY", LAB_FAUCET_KEY).env_remove("TOUCHSTONE_LOG");
    command
}
