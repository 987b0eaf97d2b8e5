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

/// Where the nodes that take part are validators.
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

/// Nodes that nobody applies with, the reference aside: the least that a season has.
const CONTROLS: usize = 2;

/// Who is what in a season; each node with its number.
struct Cast<'a> {
    applicants: Vec<(usize, &'a Node)>,
    reference: (usize, &'a Node),
    controls: Vec<(usize, &'a Node)>,
}

impl<'a> Cast<'a> {
    /// The first `candidates` apply. Where there are validators enough, they alone take part, and a node that only
    /// follows is the reference; else the one after the applicants is.
    fn of(network: &'a Network, candidates: Option<usize>) -> Option<Self> {
        let nodes: Vec<(usize, &Node)> = network.nodes.iter().enumerate().collect();
        let (mut seated, others): (Vec<_>, Vec<_>) =
            nodes.iter().copied().partition(|(_, node)| node.address().is_some());
        let witness = others.last().filter(|_| seated.len() > CONTROLS);
        if witness.is_none() {
            seated = nodes;
        }
        let usual = seated.len().checked_sub(CONTROLS + usize::from(witness.is_none()))?;
        let candidates = candidates.unwrap_or(usual);
        if candidates == 0 || candidates > usual {
            return None;
        }
        let mut controls = seated.split_off(candidates);
        let reference = witness.copied().unwrap_or_else(|| controls.remove(0));
        Some(Self { applicants: seated, reference, controls })
    }
}

/// A season file; `rpc` tells how a node is to be reached. None when nobody is left to apply, or fewer than two
/// controls are.
pub fn season(
    network: &Network,
    candidates: Option<usize>,
    rpc: impl Fn(usize, &Node) -> String,
) -> Option<String> {
    let Cast { applicants, reference: (_, reference), controls } = Cast::of(network, candidates)?;
    let mut text = format!(
        "# Made by `touchstone localnet up`. The reference is {}.\nname = \"Local season\"\nwindows = 2\nseats = \
         1\n\n[network]\nfamily = \"{}\"\nchain_id = {}\ngenesis = \"{}\"\nreference = \"{}\"\n",
        reference.name(),
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
    text += &named(&applicants, "node", "candidate");
    text += &named(&controls, "control", "control");
    text += &trials(network, &applicants, &controls);
    Some(text)
}

fn trials(network: &Network, applicants: &[(usize, &Node)], controls: &[(usize, &Node)]) -> String {
    let vectors = match network.family {
        "cometbft" => "vectors = [\"V04\", \"V07\"]\n",
        _ => "vectors = [\"V01\", \"V05\", \"V07\"]\n",
    };
    let mut text = format!("{TRIALS}{vectors}");
    let mut all = applicants.iter().chain(controls);
    if all.all(|(_, node)| node.address().is_some()) {
        text += DUTY;
        let seats = network.validators().count();
        if network.family == "kaia" && controls.len() * 3 > seats * 2 {
            text += KEY_CHANGE;
        }
    }
    text
}
