//! What the nodes' own logs say of turns lost by nothing that a test did to them.

use anyhow::ensure;
use localnet::{Network, Node};
use model::Evidence;

/// kcn dials a peer anew 30 s after it last did, and makes a block a second at the most.
const OUT_BLOCKS: u64 = 30;

/// Whether a node made a block at a height, as its own log says, which is not the chain's.
pub(crate) fn has_lost_a_race(node: &Node, evidence: &Evidence, height: u64) -> bool {
    let me = node.address().unwrap_or_default();
    let is_chains = evidence.blocks.iter().any(|block| {
        let maker = block.turn.as_ref().map(|turn| &turn.proposer);
        block.height == height && maker.is_some_and(|maker| maker.eq_ignore_ascii_case(me))
    });
    let log = std::fs::read_to_string(node.log()).unwrap_or_default();
    let sealed = format!("number={height} ");
    let has_made =
        log.lines().any(|line| line.contains("Successfully sealed new block") && line.contains(&sealed));
    has_made && !is_chains
}

/// What failed at these heights is of a time when a validator that nobody `struck` had left the consensus by itself, as its
/// own log says. Where one leaves beside one that is held, the turns of those who stay
/// fail too: five of seven must agree.
///
/// A kcn that is a block behind when it looks for one, each 10 s, stops its consensus engine to fetch it; a message of a
/// peer is an error meanwhile, for which it drops that peer, and so all of them (seen on 2.0.3, on a busy host). It finds
/// them again at once the first time, and 30 s later the next.
pub(crate) fn left_by_themselves(
    network: &Network,
    struck: &[usize],
    mut heights: impl Iterator<Item = u64>,
) -> anyhow::Result<()> {
    let unstruck = network.nodes.iter().enumerate().filter(|(index, _)| !struck.contains(index));
    let left: Vec<(usize, Vec<u64>)> = unstruck
        .map(|(index, node)| (index, heights_left(&std::fs::read_to_string(node.log()).unwrap_or_default())))
        .filter(|(_, heights)| !heights.is_empty())
        .collect();
    println!("left the consensus by themselves, node and heights: {left:?}");
    let explained = |at: u64| {
        left.iter().flat_map(|(_, heights)| heights).any(|from| (*from..=from + OUT_BLOCKS).contains(&at))
    };
    ensure!(heights.all(explained), "no log of an unstruck node explains it");
    Ok(())
}

/// The heights that a kcn had when it dropped its peers, by its log.
fn heights_left(log: &str) -> Vec<u64> {
    let mut head = 0;
    let mut left = Vec::new();
    for line in log.lines() {
        let number = line.split_once("number=").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
        match number {
            Some(number) if line.contains("Inserted a new block") || line.contains("Committed") => {
                head = number
            }
            _ if line.contains("stopped engine") && left.last() != Some(&head) => left.push(head),
            _ => {}
        }
    }
    left
}
