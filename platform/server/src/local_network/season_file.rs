//! A season file for a local network, ready to be run.

use std::fmt::Write as _;

use challenges::driver::{Driver, of_family};
use challenges::engine::hazard::least_storm_s;
use model::plan::duty::Duty;

use super::doors::{Doors, KEPT};
use crate::profile::{quick_duty, quick_key_change};

const TRAFFIC: &str = "
[[trial]]
challenge = \"traffic-throughput\"
schedule = \"together\"
profile = \"quick\"
";

/// Seven Kaia validators on two cores, six of them measured together at the load of others: blocks took some of them a
/// second, and who fell behind left the consensus to sync and missed its turn, although nothing was wrong with it (seen
/// with 2.0.3, also right after the funding of a watch with more probes).
const LIGHT_TRAFFIC: &str = "
# Every node of the network runs on one machine: the load is one that two cores carry.
[[trial]]
challenge = \"traffic-throughput\"
schedule = \"together\"

[trial.traffic]
pairs = 50
pair_rate = 5
horizon_blocks = 20

[trial.traffic.door]
start_rate = 20
max_rate = 60
step_ms = 1_500
sustain_ms = 3_000
settle_ms = 300
bisections = 3
patience_ms = 250
";
/// Kaia nodes that may be measured together at more than that.
const MOST_AT_FULL_LOAD: usize = 3;

/// Said where it is so: what such a season can show.
const ONE_NODE: &str = "\
# ONE NODE stands behind every endpoint here, each a door of its own before it: candidates, controls and reference are
# the same node. Such a season shows what the doors do differently (localnet fault), and how a season goes; it says
# nothing about one node beside another, and nothing of peers or turns.
";

/// Where the family tells whose turn a block was, and the nodes that take part are validators.
const DUTY: &str = "
[[trial]]
challenge = \"duty\"
schedule = \"together\"
profile = \"quick\"
";

/// Whether so many nodes of a family, measured together, are too much for one small machine at the full load.
fn is_light(family: &str, measured: usize) -> bool {
    family == "kaia" && measured > MOST_AT_FULL_LOAD
}

/// The quick profile with fewer probes: what is paid out for them beforehand is load as well.
fn light_duty() -> String {
    let plan = Duty { calm_rate: 2, ..quick_duty() };
    let table = toml::to_string(&plan).expect("a table of numbers");
    format!("\n[[trial]]\nchallenge = \"duty\"\nschedule = \"together\"\n\n[trial.duty]\n{table}")
}

/// As much as a whole network on one small machine takes: with the quick profile's spam at every node at once, seven
/// Kaia validators on two cores came to no agreement any more (seen with 2.0.3), which is void and ranks nobody. Half of
/// it where the load is light.
fn spam(is_light: bool, vectors: &str) -> String {
    let (honest_rate, intensity) = if is_light { (5, 25) } else { (10, 50) };
    format!(
        "
[[trial]]
challenge = \"spam-defense\"
schedule = \"together\"

[trial.spam]
honest_rate = {honest_rate}
horizon_blocks = 20
base_ms = 6_000
attack_ms = 6_000
settle_ms = 500
recover_ms = 6_000
intensities = [{intensity}]
vectors = {vectors}
"
    )
}

/// Where the controls and the reference hold more than two thirds: of the quick profile, and longer where it does not
/// give everybody the turns that the plan needs.
fn key_change(seats: usize) -> String {
    let trial = "\n[[trial]]\nchallenge = \"key-change\"\nschedule = \"alone\"\n";
    let mut plan = quick_key_change();
    let least_ms = least_storm_s(seats).saturating_mul(1_000);
    if least_ms <= u64::from(plan.storm_ms()) {
        return format!("{trial}profile = \"quick\"\n");
    }
    plan.bursts = u32::try_from(least_ms.div_ceil(plan.burst_ms.into())).unwrap_or(u32::MAX);
    let table = toml::to_string(&plan).expect("a table of numbers");
    format!("{trial}\n[trial.key-change]\n{table}")
}

/// Nodes that nobody applies with, the reference aside: the least that a season has.
const CONTROLS: usize = KEPT - 1;

/// Who is what in a season, by doors.
struct Cast {
    applicants: Vec<usize>,
    reference: usize,
    controls: Vec<usize>,
}

impl Cast {
    /// The first `candidates` apply, those in `strange` before others. Where there are validators enough, they alone take
    /// part, and a node that only follows is the reference; else the one after the applicants is.
    fn of(doors: &Doors, strange: &[usize], candidates: Option<usize>) -> Option<Self> {
        let all = 0..doors.count();
        let (mut seated, others): (Vec<_>, Vec<_>) =
            all.clone().partition(|door| doors.node(*door).address().is_some());
        let witness = others.last().copied().filter(|_| seated.len() > CONTROLS);
        if witness.is_none() {
            seated = all.collect();
        }
        let most = seated.len().checked_sub(CONTROLS + usize::from(witness.is_none()))?;
        let usual = match strange_first(&mut seated, strange) {
            0 => most,
            strange => strange.min(most),
        };
        let candidates = candidates.unwrap_or(usual);
        if candidates == 0 || candidates > most {
            return None;
        }
        let mut controls = seated.split_off(candidates);
        let reference = witness.unwrap_or_else(|| controls.remove(0));
        Some(Self { applicants: seated, reference, controls })
    }
}

/// Puts those that run another program before the others, each in their order; how many they are. They are what a season
/// is to tell about: as a control or the reference such a node could not be named.
fn strange_first(seated: &mut [usize], strange: &[usize]) -> usize {
    seated.sort_by_key(|door| !strange.contains(door));
    seated.partition_point(|door| strange.contains(door))
}

/// A season file, in which nodes that run a program of their own (`strange`, by door) apply first, and alone unless
/// `candidates` says how many do. None when nobody is left to apply, or fewer than two controls are.
pub fn season(doors: &Doors, strange: &[usize], candidates: Option<usize>) -> Option<String> {
    let Cast { applicants, reference, controls } = Cast::of(doors, strange, candidates)?;
    let network = doors.network();
    let (reference, rpc) = (doors.node(reference), doors.rpc(reference));
    let is_seated = reference.address().is_some();
    let mut text = format!("# Made by `touchstone localnet up`. The reference is {}.\n", reference.name());
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
        rpc
    );
    if let Some(validator) = reference.address() {
        let _ = writeln!(text, "validator = \"{validator}\"");
    }
    text += &operators(doors, &applicants, "node", "candidate");
    text += &operators(doors, &controls, "control", "control");
    text += &trials(doors, &applicants, &controls, controls.len() + usize::from(is_seated));
    Some(text)
}

fn operators(doors: &Doors, these: &[usize], name: &str, role: &str) -> String {
    let mut text = String::new();
    for (&door, number) in these.iter().zip(1..) {
        let rpc = doors.rpc(door);
        let _ = write!(
            text,
            "\n# {}\n[[operator]]\nid = \"{name}-{number}\"\nrole = \"{role}\"\nrpc = \"{rpc}\"\n",
            doors.name(door)
        );
        if let Some(validator) = doors.node(door).address() {
            let _ = writeln!(text, "validator = \"{validator}\"");
        }
    }
    text
}

fn trials(doors: &Doors, applicants: &[usize], controls: &[usize], healthy: usize) -> String {
    let network = doors.network();
    let vectors = match network.family {
        "cometbft" => "[\"V04\", \"V07\"]",
        _ => "[\"V01\", \"V05\", \"V07\"]",
    };
    let is_light = is_light(network.family, applicants.len() + controls.len());
    let mut text = if is_light { LIGHT_TRAFFIC } else { TRAFFIC }.to_owned() + &spam(is_light, vectors);
    let tells_turns = of_family(network.family).is_ok_and(Driver::tells_turns);
    let mut all = applicants.iter().chain(controls);
    if tells_turns && all.all(|door| doors.node(*door).address().is_some()) {
        text += &if is_light { light_duty() } else { DUTY.to_owned() };
        let seats = network.validators().count();
        if network.family == "kaia" && healthy * 3 > seats * 2 {
            text += &key_change(seats);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use model::Parameters;
    use model::plan::key_change::KeyChange;

    use super::*;

    #[test]
    fn nodes_with_a_program_of_their_own_come_first() {
        let mut seated = vec![0, 1, 2, 3, 4];
        assert_eq!(strange_first(&mut seated, &[]), 0);
        assert_eq!(seated, [0, 1, 2, 3, 4]);
        assert_eq!(strange_first(&mut seated, &[3, 1, 3, 9]), 2);
        assert_eq!(seated, [1, 3, 0, 2, 4]);
    }

    #[test]
    fn only_a_crowd_of_kaia_nodes_is_asked_for_less() {
        assert!(is_light("kaia", 4));
        assert!(!is_light("kaia", 3) && !is_light("clique", 6) && !is_light("cometbft", 6));
    }

    #[test]
    fn the_light_plans_hold_together() {
        let text = format!("{LIGHT_TRAFFIC}{}{}", spam(true, "[\"V01\"]"), light_duty());
        let table: toml::Table = text.parse().unwrap();
        let plan = |number: usize, name: &str| table["trial"][number][name].clone();
        let traffic = Parameters::TrafficThroughput(plan(0, "traffic").try_into().unwrap());
        let spam = Parameters::SpamDefense(plan(1, "spam").try_into().unwrap());
        let duty = Parameters::Duty(plan(2, "duty").try_into().unwrap());
        for parameters in [traffic, spam, duty] {
            assert_eq!(parameters.faults(), Vec::<String>::new());
        }
    }

    #[test]
    fn keys_change_for_as_long_as_so_many_validators_need() {
        assert!(key_change(12).ends_with("profile = \"quick\"\n"));
        for seats in [13, 40] {
            let text = key_change(seats);
            let (_, table) = text.split_once("[trial.key-change]\n").unwrap();
            let plan: KeyChange = toml::from_str(table).unwrap();
            let storm_ms = u64::from(plan.storm_ms());
            assert!(storm_ms >= least_storm_s(seats) * 1_000, "{seats}: {storm_ms}");
            assert_eq!(Parameters::KeyChange(plan).faults(), Vec::<String>::new());
        }
    }
}
