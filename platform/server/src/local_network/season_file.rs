//! A season file for a local network, ready to be run.

use std::fmt::Write as _;

use localnet::{Network, Node};

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

/// Nodes that nobody applies with: the reference and two controls at least.
const KEPT: usize = 3;

/// A season file: the last nodes are the reference and the controls, the first `candidates` apply. `rpc` tells how a
/// node is to be reached. None when that leaves nobody to apply, or fewer than two controls.
pub fn season(
    network: &Network,
    candidates: Option<usize>,
    rpc: impl Fn(usize, &Node) -> String,
) -> Option<String> {
    let nodes: Vec<(usize, &Node)> = network.nodes.iter().enumerate().collect();
    let usual = nodes.len().checked_sub(KEPT)?;
    let candidates = candidates.unwrap_or(usual);
    if candidates == 0 || candidates > usual {
        return None;
    }
    let (applicants, kept) = nodes.split_at(candidates);
    let [(_, reference), controls @ ..] = kept else { return None };
    let mut text = format!(
        "# Made by `touchstone localnet up`. The last {} nodes are the reference and the controls.\nname = \"Local \
         season\"\nwindows = 2\nseats = 1\n\n[network]\nfamily = \"{}\"\nchain_id = {}\ngenesis = \"{}\"\nreference = \
         \"{}\"\n",
        kept.len(),
        network.family,
        network.chain_id,
        network.genesis_hash(),
        reference.rpc_url()
    );
    let named = |nodes: &[(usize, &Node)], name: &str, role: &str| {
        let mut text = String::new();
        for ((index, node), number) in nodes.iter().zip(1..) {
            let rpc = rpc(*index, node);
            let _ = write!(
                text,
                "\n[[operator]]\nid = \"{name}-{number}\"\nrole = \"{role}\"\nrpc = \"{rpc}\"\n"
            );
            if let Some(validator) = node.address() {
                let _ = writeln!(text, "validator = \"{validator}\"");
            }
        }
        text
    };
    text += &named(applicants, "node", "candidate");
    text += &named(controls, "control", "control");
    text += &trials(network, applicants.len(), controls);
    Some(text)
}

fn trials(network: &Network, applicants: usize, controls: &[(usize, &Node)]) -> String {
    let vectors = match network.family {
        "cometbft" => "vectors = [\"V04\", \"V07\"]\n",
        _ => "vectors = [\"V01\", \"V05\", \"V07\"]\n",
    };
    let mut text = format!("{TRIALS}{vectors}");
    let tells_turns = network.family != "evm";
    let are_validators = controls.iter().all(|(_, node)| node.address().is_some());
    if tells_turns && are_validators && applicants > 0 {
        text += DUTY;
        let seats = network.validators().count();
        if network.family == "kaia" && controls.len() * 3 > seats * 2 {
            text += KEY_CHANGE;
        }
    }
    text
}
