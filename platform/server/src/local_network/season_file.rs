//! A season file for a local network, ready to be run.

use std::fmt::Write as _;
use std::ops::Range;

use challenges::driver::{Driver, of_family};
use localnet::{Network, Node};

use super::doors::{Doors, KEPT};

/// As much as a whole network on one small machine takes: with the quick profile's spam at every node at once, seven
/// Kaia validators on two cores came to no agreement any more (seen with 2.0.3), which is void and ranks nobody.
const TRIALS: &str = "
[[trial]]
challenge = \"traffic-throughput\"
schedule = \"together\"
profile = \"quick\"

[[trial]]
challenge = \"spam-defense\"
schedule = \"together\"

[trial.spam]
honest_rate = 10
horizon_blocks = 20
base_ms = 6_000
attack_ms = 6_000
settle_ms = 500
recover_ms = 6_000
intensities = [50]
";

/// Said where it is so: what such a season can show.
const ONE_NODE: &str = "\
# ONE NODE stands behind every endpoint here, each a door of its own before it: candidates, controls and reference are
# the same node. Such a season shows what the doors do differently (localnet fault), and how a season goes; it says
# nothing about one node beside another, and nothing of peers or turns.
";

/// Where the family tells whose turn a block was.
const DUTY: &str = "
[[trial]]
challenge = \"duty\"
schedule = \"together\"
profile = \"quick\"
";

/// Where the controls hold more than two thirds.
const KEY_CHANGE: &str = "
[[trial]]
challenge = \"key-change\"
schedule = \"alone\"
profile = \"quick\"
";

/// A season file: the last doors are the reference's and the controls', the first `candidates` apply. None when that
/// leaves nobody to apply, or fewer than two controls.
pub fn season(doors: &Doors, candidates: Option<usize>) -> Option<String> {
    let (network, count) = (doors.network(), doors.count());
    let usual = count.checked_sub(KEPT)?;
    let candidates = candidates.unwrap_or(usual);
    if candidates == 0 || candidates > usual {
        return None;
    }
    let controls = candidates + 1..count;
    let mut text = format!(
        "# Made by `touchstone localnet up`. The last {} nodes are the reference and the controls.\n",
        count - candidates
    );
    if doors.lead_to_one_node() {
        text += ONE_NODE;
    }
    let _ = write!(
        text,
        "name = \"Local season\"\nwindows = 2\nseats = 1\n\n[network]\nfamily = \"{}\"\nchain_id = {}\ngenesis = \
         \"{}\"\nreference = \"{}\"\n",
        network.family,
        network.chain_id,
        network.genesis_hash(),
        doors.node(candidates).rpc_url()
    );
    text += &operators(doors, 0..candidates, "node", "candidate");
    text += &operators(doors, controls.clone(), "control", "control");
    text += &trials(network, &controls.map(|door| doors.node(door)).collect::<Vec<_>>());
    Some(text)
}

fn operators(doors: &Doors, these: Range<usize>, name: &str, role: &str) -> String {
    let mut text = String::new();
    for (door, number) in these.zip(1..) {
        let rpc = doors.rpc(door);
        let _ =
            write!(text, "\n[[operator]]\nid = \"{name}-{number}\"\nrole = \"{role}\"\nrpc = \"{rpc}\"\n");
        if let Some(validator) = doors.node(door).address() {
            let _ = writeln!(text, "validator = \"{validator}\"");
        }
    }
    text
}

fn trials(network: &Network, controls: &[&Node]) -> String {
    let vectors = match network.family {
        "cometbft" => "vectors = [\"V04\", \"V07\"]\n",
        _ => "vectors = [\"V01\", \"V05\", \"V07\"]\n",
    };
    let mut text = format!("{TRIALS}{vectors}");
    let tells_turns = of_family(network.family).is_ok_and(Driver::tells_turns);
    if tells_turns && controls.iter().all(|node| node.address().is_some()) {
        text += DUTY;
        let seats = network.validators().count();
        if network.family == "kaia" && controls.len() * 3 > seats * 2 {
            text += KEY_CHANGE;
        }
    }
    text
}
