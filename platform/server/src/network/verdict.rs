//! What the nodes' answers come to, side by side.

use std::collections::{BTreeMap, BTreeSet};

use super::{Looked, NetworkReport};

/// Blocks that a node may be behind the highest head.
const BEHIND: u64 = 3;
/// Blocks that others gain while a node that gains none stands still. Looks are not at one instant: one block says nothing.
pub(super) const MOVES: u64 = 2;
/// A clock that is surely so far from ours is a fault, milliseconds: a Kaia node ends itself when it is a second out.
const CLOCK_MS: i64 = 1_000;

/// The newest height that every node that is not far behind must have, as final.
pub(super) fn common_height(nodes: &[Looked]) -> Option<u64> {
    let highest = nodes.first().and_then(|node| node.report.head).unwrap_or_else(|| median_head(nodes));
    let depth = nodes.iter().map(|node| node.depth).max().unwrap_or(0);
    highest.checked_sub(BEHIND + depth).filter(|height| *height > 0)
}

/// The head in the middle; 0 when nobody tells one.
fn median_head(nodes: &[Looked]) -> u64 {
    median(nodes.iter().filter_map(|node| node.report.head))
}

/// Blocks that the network gained between the looks: by the reference, or by most where it stands still.
pub(super) fn gained(nodes: &[Looked]) -> u64 {
    let most = median(nodes.iter().filter_map(|node| node.report.gained));
    nodes.first().and_then(|node| node.report.gained).unwrap_or(0).max(most)
}

fn median(all: impl Iterator<Item = u64>) -> u64 {
    let mut all: Vec<u64> = all.collect();
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or(0)
}

/// How far a clock is from ours at the least, that told the second `told` somewhen between `asked` and `answered` by
/// ours; all milliseconds.
pub(super) fn apart(asked: i64, told: i64, answered: i64) -> i64 {
    let (least, most) = (told.saturating_sub(answered), told.saturating_add(999).saturating_sub(asked));
    if least > 0 { least } else { most.min(0) }
}

/// What only shows beside the others: who is behind, who stands still, whose block is another.
pub(super) fn judge(nodes: &mut [Looked]) {
    // The reference is believed; what most say where it tells nothing, or is left behind itself.
    let (reference, most) = (nodes.first().and_then(|node| node.report.head), median_head(nodes));
    let highest = reference.filter(|head| head.saturating_add(BEHIND) >= most).unwrap_or(most);
    let advances = gained(nodes) >= MOVES;
    let mut votes: BTreeMap<String, usize> = BTreeMap::new();
    for hash in nodes.iter().filter_map(|node| node.report.hash.clone()) {
        *votes.entry(hash).or_default() += 1;
    }
    let most = votes.iter().max_by_key(|(_, votes)| **votes).map(|(hash, _)| hash.clone());
    let shared = nodes.first().and_then(|node| node.report.hash.clone()).or(most);
    let council = nodes.iter().map(|node| &node.council).find(|council| !council.is_empty()).cloned();
    for node in nodes {
        let faults = &mut node.report.faults;
        match (node.report.head, node.report.gained) {
            (None, _) if faults.is_empty() => faults.push("tells no head".into()),
            (Some(head), _) if head.saturating_add(BEHIND) < highest => {
                faults.push(format!("is {} blocks behind", highest - head));
            }
            (Some(head), _) if highest.saturating_add(BEHIND) < head => {
                faults.push(format!("tells head {head}, far above the others' {highest}"));
            }
            (Some(_), Some(0)) if advances => faults.push("stands still while others advance".into()),
            _ => {}
        }
        if let Some(ms) = node.report.clock_ms.filter(|ms| ms.abs() >= CLOCK_MS) {
            let (seconds, side) = (ms.abs() as f64 / 1_000.0, if ms > 0 { "before" } else { "behind" });
            faults.push(format!("its clock is {seconds:.1} s or more {side} this machine's"));
        }
        if let (Some(hash), Some(shared)) = (&node.report.hash, &shared)
            && hash != shared
        {
            faults.push(format!("shows block {hash} where others show {shared}"));
        }
        if let (Some(validator), Some(council)) = (&node.validator, &council) {
            let seated = is_among(council, validator);
            node.report.seated = Some(seated);
            if !seated {
                faults.push(format!("its validator {validator} is not seated"));
            }
        }
    }
}

fn is_among(members: &[String], validator: &str) -> bool {
    members.iter().any(|member| member.eq_ignore_ascii_case(validator))
}

/// The whole of it; `committees` are those looked at, and `can_halt` whether plans that can stop a chain are to run.
pub(super) fn summed_up(
    nodes: Vec<Looked>,
    compared_at: Option<u64>,
    committees: &[Vec<String>],
    can_halt: bool,
) -> NetworkReport {
    let healthy = nodes.iter().filter(|node| node.report.role != "candidate");
    let healthy: Vec<String> = healthy.filter_map(|node| node.validator.clone()).collect();
    // By seats, so that one counts once, whoever else is said to have it.
    let held = |committee: &[String]| committee.iter().filter(|seat| is_among(&healthy, seat)).count();
    // The one with the least share, compared without dividing.
    let least = committees.iter().map(|committee| (committee, held(committee)));
    let least = least.min_by(|(one, held), (other, others)| {
        (held * other.len()).cmp(&(others * one.len())).then(other.len().cmp(&one.len()))
    });
    let (committee, controls_hold) = least.map_or((vec![], 0), |(one, held)| (one.clone(), held));
    let (mut faults, mut notes) = (Vec::new(), Vec::new());
    if committees.is_empty() {
        notes.push(
            "no block could be compared, so who is seated is not known: nobody shows one, or none is old enough yet"
                .into(),
        );
    } else if committee.is_empty() {
        notes.push("the family does not tell who is seated: no duty, no key-change".into());
    } else if controls_hold * 3 <= committee.len() * 2 {
        let few =
            "controls and reference hold two thirds or less: what can stop a chain (key-change) does not run";
        if can_halt { &mut faults } else { &mut notes }.push(few.into());
    }
    let clients = |role: &str| -> BTreeSet<String> {
        let of = nodes.iter().filter(|node| node.report.role == role);
        of.filter_map(|node| node.report.client.clone()).collect()
    };
    for client in clients("candidate").difference(&clients("control")) {
        notes.push(format!("no control runs {client}: what it fails cannot be told from its release"));
    }
    if nodes.iter().all(|node| node.report.gained.unwrap_or(0) == 0) {
        faults.push("no head advances: the network stands still".into());
    }
    let (committees, nodes) = (committees.len(), nodes.into_iter().map(|node| node.report).collect());
    NetworkReport { nodes, compared_at, committees, committee, controls_hold, faults, notes }
}

pub(super) fn in_words(report: &NetworkReport) -> String {
    let mut text = String::new();
    let or = |told: Option<String>| told.unwrap_or_else(|| "-".into());
    for node in &report.nodes {
        let head = or(node.head.map(|head| head.to_string()));
        let gained = or(node.gained.map(|gained| format!("+{gained}")));
        let hash = or(node.hash.as_ref().map(|hash| hash.chars().take(12).collect()));
        let seat = match node.seated {
            Some(true) => "seated",
            Some(false) => "not seated",
            None => "",
        };
        let clock = or(node.clock_ms.map(|ms| if ms == 0 { "ok".into() } else { format!("{ms:+} ms") }));
        text += &format!(
            "{:<14} {:<10} head {head:<9} {gained:<5} {hash:<13} clock {clock:<8} {seat:<10} {}\n",
            node.name,
            node.role,
            or(node.client.clone())
        );
        for fault in &node.faults {
            text += &format!("  FAULT  {fault}\n");
        }
    }
    if let Some(height) = report.compared_at {
        text += &format!("blocks compared at height {height}\n");
    }
    if !report.committee.is_empty() {
        text += &format!(
            "controls and reference hold {} of {} seats, the least in {} committees\n",
            report.controls_hold,
            report.committee.len(),
            report.committees
        );
    }
    for fault in &report.faults {
        text += &format!("FAULT: {fault}\n");
    }
    for note in &report.notes {
        text += &format!("note: {note}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use challenges::driver::Block;
    use model::Turn;

    use super::super::NodeReport;
    use super::*;

    fn node(name: &str, role: &'static str, head: u64, hash: &str) -> Looked {
        let turn = Turn { proposer: "0xa".into(), round: 0, failed: vec![], barred: vec![], absent: None };
        let council = ["0xa", "0xb", "0xc"].map(str::to_owned);
        let block = Block {
            height: 90,
            hash: hash.into(),
            transactions: vec![],
            turn: Some(turn),
            committee: council.clone().into(),
            next: None,
        };
        let report = NodeReport {
            name: name.into(),
            role,
            client: Some("c/1".into()),
            head: Some(head),
            gained: Some(4),
            hash: Some(hash.into()),
            ..NodeReport::default()
        };
        Looked {
            report,
            rpc: String::new(),
            validator: None,
            block: Some(block),
            council: council.into(),
            depth: 0,
        }
    }

    #[test]
    fn who_differs_from_the_others_is_told() {
        let mut nodes = vec![
            node("reference", "reference", 100, "0x1"),
            node("behind", "candidate", 90, "0x1"),
            node("parted", "candidate", 100, "0x2"),
            node("still", "control", 99, "0x1"),
            node("stranger", "control", 100, "0x1"),
        ];
        nodes[3].report.gained = Some(0);
        nodes[3].validator = Some("0xA".into());
        nodes[4].validator = Some("0xdd".into());
        judge(&mut nodes);
        let faults: Vec<String> = nodes.iter().map(|node| node.report.faults.join("; ")).collect();
        assert_eq!(faults[0], "");
        assert_eq!(faults[1], "is 10 blocks behind");
        assert_eq!(faults[2], "shows block 0x2 where others show 0x1");
        assert_eq!(faults[3], "stands still while others advance");
        assert_eq!(faults[4], "its validator 0xdd is not seated");
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
        // The last committees were others: of the two of which nobody holds a seat, the larger.
        let committees =
            [names(&["0xa"]), names(&["0xb"]), names(&["0xa", "0xb", "0xc"]), names(&["0xb", "0xc"])];
        let report = summed_up(nodes, Some(90), &committees, true);
        assert_eq!((report.controls_hold, report.committee.len(), report.committees), (0, 2, 4));
        assert!(report.faults[0].contains("two thirds"), "{:?}", report.faults);
        let words = in_words(&report);
        assert!(
            words.contains("controls and reference hold 0 of 2 seats, the least in 4 committees"),
            "{words}"
        );
        assert!(words.contains("FAULT: controls and reference"), "{words}");
    }

    #[test]
    fn too_few_seats_are_a_fault_where_a_plan_needs_them() {
        let of = |can_halt: bool, names: &[&str]| {
            let mut nodes =
                vec![node("reference", "reference", 100, "0x1"), node("a", "control", 100, "0x1")];
            (nodes[0].validator, nodes[1].validator) = (Some("0xA".into()), Some("0xa".into()));
            let committee = names.iter().map(|name| (*name).to_owned()).collect();
            let report = summed_up(nodes, Some(90), &[committee], can_halt);
            (report.controls_hold, report.faults.len(), report.notes.len())
        };
        assert_eq!(of(true, &["0xa"]), (1, 0, 0), "said of two nodes, it is one seat");
        assert_eq!(of(true, &["0xa", "0xb"]), (1, 1, 0));
        assert_eq!(of(false, &["0xa", "0xb"]), (1, 0, 1));
    }

    #[test]
    fn a_clock_is_judged_by_what_the_second_told_allows() {
        assert_eq!(apart(5_400, 5_000, 5_450), 0, "the second is ours");
        assert_eq!(apart(5_990, 5_000, 6_020), 0, "it was when it was told");
        assert_eq!(apart(5_400, 8_000, 5_450), 2_550);
        assert_eq!(apart(5_400, 3_000, 5_450), -1_401);
        let mut nodes = vec![node("reference", "reference", 100, "0x1"), node("a", "candidate", 100, "0x1")];
        nodes[1].report.clock_ms = Some(-1_401);
        judge(&mut nodes);
        assert_eq!(nodes[1].report.faults, ["its clock is 1.4 s or more behind this machine's"]);
        nodes[0].report.clock_ms = Some(0);
        let words = in_words(&summed_up(nodes, None, &[], false));
        assert!(words.contains("clock ok") && words.contains("clock -1401 ms"), "{words}");
    }

    /// As in a round that fails: who was asked just after its block shows one more.
    #[test]
    fn one_block_between_two_looks_makes_nobody_stand_still() {
        let mut nodes = vec![node("reference", "reference", 101, "0x1"), node("a", "candidate", 100, "0x1")];
        (nodes[0].report.gained, nodes[1].report.gained) = (Some(1), Some(0));
        judge(&mut nodes);
        assert!(nodes[1].report.faults.is_empty(), "{:?}", nodes[1].report.faults);
    }

    #[test]
    fn a_reference_that_stands_still_is_told_and_nobody_else() {
        let mut nodes = vec![node("reference", "reference", 90, "0x1")];
        nodes.extend(["a", "b", "c"].map(|name| node(name, "control", 100, "0x1")));
        nodes[0].report.gained = Some(0);
        judge(&mut nodes);
        let faults: Vec<usize> = nodes.iter().map(|node| node.report.faults.len()).collect();
        assert_eq!(faults, [1, 0, 0, 0]);
        assert_eq!(nodes[0].report.faults, ["is 10 blocks behind"]);
    }

    #[test]
    fn seats_that_are_not_known_yet_are_not_those_of_a_family_that_tells_none() {
        let notes = |committees: &[Vec<String>]| {
            let nodes = vec![node("reference", "reference", 3, "0x1"), node("a", "candidate", 3, "0x1")];
            summed_up(nodes, None, committees, false).notes.join("; ")
        };
        let unknown = notes(&[]);
        assert!(unknown.contains("none is old enough yet") && !unknown.contains("the family"), "{unknown}");
        let untold = notes(&[vec![]]);
        assert!(untold.contains("the family does not tell") && !untold.contains("old enough"), "{untold}");
    }

    #[test]
    fn a_network_that_stands_still_is_a_fault_of_no_node() {
        let mut nodes = vec![node("reference", "reference", 100, "0x1"), node("a", "candidate", 100, "0x1")];
        for node in &mut nodes {
            node.report.gained = Some(0);
        }
        judge(&mut nodes);
        assert!(nodes.iter().all(|node| node.report.faults.is_empty()));
        assert_eq!(summed_up(nodes, None, &[], false).faults, ["no head advances: the network stands still"]);
    }
}
