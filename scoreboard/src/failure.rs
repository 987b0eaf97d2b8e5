//! The turns that failed in a run, and what the votes before each say of it.

use std::collections::{BTreeMap, BTreeSet};

use model::{BlockRecord, Evidence};

use crate::turns::{is_networks, members};

/// A turn that failed, of one validator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) height: u64,
    /// No other's turn had failed at this height before it.
    pub(crate) was_first: bool,
    /// Certificates since its turn before in which it was seated.
    certificates: u32,
    /// The last of them, as many as lack its vote one after another.
    missed: u32,
    /// Since it last voted or made a block in this run, microseconds; none when it had done neither.
    silent_us: Option<u64>,
}

impl Failure {
    /// Whether its validator stood still before it: the last `least` certificates lack its vote, or all since its turn
    /// before where those are fewer.
    pub(crate) fn stood_still(&self, least: u32) -> bool {
        self.certificates > 0 && self.missed >= least.min(self.certificates)
    }

    /// Whether its validator voted or made a block in this run at most so many microseconds before.
    pub(crate) fn was_there_within(&self, us: u64) -> bool {
        self.silent_us.is_some_and(|silent| silent <= us)
    }
}

/// The failed turns of everybody who has any, by names in small letters; without those that are the network's.
pub(crate) fn failures(evidence: &Evidence) -> BTreeMap<String, Vec<Failure>> {
    let committees: Vec<BTreeSet<String>> =
        evidence.committees.iter().map(|committee| lower(&committee.members).collect()).collect();
    let blocks: Vec<Block> = evidence.blocks.iter().map(|block| Block::of(evidence, block)).collect();
    let failing: BTreeSet<&String> = blocks.iter().flat_map(|block| &block.failed).collect();
    failing.into_iter().map(|who| (who.clone(), of(&committees, &blocks, who))).collect()
}

fn lower(names: &[String]) -> impl Iterator<Item = String> {
    names.iter().map(|name| name.to_ascii_lowercase())
}

/// A block as far as turns and votes go, names in small letters.
struct Block {
    height: u64,
    seen_us: u64,
    proposer: String,
    failed: Vec<String>,
    /// Whose votes its certificate lacks; none where the chain has no votes.
    absent: Option<BTreeSet<String>>,
    /// How many committees began at it or below.
    committees: usize,
}

impl Block {
    fn of(evidence: &Evidence, block: &BlockRecord) -> Self {
        let turn = block.turn.as_ref();
        let seats = members(&evidence.committees, block.height).len();
        let failed = turn.filter(|turn| !is_networks(turn, seats)).map_or(&[][..], |turn| &turn.failed);
        Self {
            height: block.height,
            seen_us: block.seen_us,
            proposer: turn.map(|turn| turn.proposer.to_ascii_lowercase()).unwrap_or_default(),
            failed: lower(failed).collect(),
            absent: turn.and_then(|turn| turn.absent.as_deref()).map(|absent| lower(absent).collect()),
            committees: evidence.committees.partition_point(|one| one.height <= block.height),
        }
    }
}

fn of(committees: &[BTreeSet<String>], blocks: &[Block], who: &String) -> Vec<Failure> {
    let (mut certificates, mut missed, mut there_us) = (0, 0, None);
    let mut failures = Vec::new();
    for block in blocks {
        for (place, _) in block.failed.iter().enumerate().filter(|(_, failed)| *failed == who) {
            let silent_us = there_us.map(|at: u64| block.seen_us.saturating_sub(at));
            let (height, was_first) = (block.height, place == 0);
            failures.push(Failure { height, was_first, certificates, missed, silent_us });
            (certificates, missed) = (0, 0);
        }
        let committee = block.committees.checked_sub(1).and_then(|last| committees.get(last));
        let is_seated = committee.is_some_and(|committee| committee.contains(who));
        if block.proposer == *who {
            (certificates, missed, there_us) = (0, 0, Some(block.seen_us));
        } else if let Some(absent) = block.absent.as_ref().filter(|_| is_seated) {
            certificates += 1;
            if absent.contains(who) {
                missed += 1;
            } else {
                (missed, there_us) = (0, Some(block.seen_us));
            }
        }
    }
    failures
}
