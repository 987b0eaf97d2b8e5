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
    /// From then, or from the first block of the run, to when it next did, or to the last block, microseconds.
    whole_us: u64,
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

    /// Whether its validator is not known to have been silent for more microseconds than these.
    pub(crate) fn may_be_back_within(&self, us: u64) -> bool {
        self.whole_us <= us
    }
}

/// The failed turns of everybody who has any, by names in small letters; without those that are the network's.
pub(crate) fn failures(evidence: &Evidence) -> BTreeMap<String, Vec<Failure>> {
    let committees: Vec<BTreeSet<String>> =
        evidence.committees.iter().map(|committee| lower(&committee.members).collect()).collect();
    let blocks: Vec<Block> = evidence.blocks.iter().map(|block| Block::of(evidence, block)).collect();
    let first_us = blocks.first().map_or(0, |block| block.seen_us);
    let mut watched: BTreeMap<&str, Watched> = BTreeMap::new();
    for name in blocks.iter().flat_map(|block| &block.failed) {
        watched.entry(name).or_insert_with(|| Watched::from(first_us));
    }
    for block in &blocks {
        see(&committees, block, &mut watched);
    }
    let last_us = blocks.last().map_or(0, |block| block.seen_us);
    watched.into_iter().map(|(who, watched)| (who.to_owned(), watched.ended(last_us))).collect()
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

/// What has been seen of a validator so far.
struct Watched {
    certificates: u32,
    missed: u32,
    there_us: Option<u64>,
    /// Its last sign of life, or the beginning.
    since_us: u64,
    failures: Vec<Failure>,
    /// How many of these it has been seen after.
    settled: usize,
}

impl Watched {
    fn from(first_us: u64) -> Self {
        let failures = Vec::new();
        Self { certificates: 0, missed: 0, there_us: None, since_us: first_us, failures, settled: 0 }
    }

    fn fails(&mut self, block: &Block, was_first: bool) {
        self.failures.push(Failure {
            height: block.height,
            was_first,
            certificates: self.certificates,
            missed: self.missed,
            silent_us: self.there_us.map(|at| block.seen_us.saturating_sub(at)),
            whole_us: 0,
        });
        (self.certificates, self.missed) = (0, 0);
    }

    fn is_there(&mut self, us: u64) {
        self.settle(us);
        (self.missed, self.there_us, self.since_us) = (0, Some(us), us);
    }

    fn settle(&mut self, us: u64) {
        for failure in &mut self.failures[self.settled..] {
            failure.whole_us = us.saturating_sub(self.since_us);
        }
        self.settled = self.failures.len();
    }

    fn ended(mut self, last_us: u64) -> Vec<Failure> {
        self.settle(last_us);
        self.failures
    }
}

/// Everybody's part in one block: whose turns failed before it, who made it, who voted for it.
fn see<'a>(committees: &[BTreeSet<String>], block: &'a Block, watched: &mut BTreeMap<&'a str, Watched>) {
    for (place, who) in block.failed.iter().enumerate() {
        if let Some(watched) = watched.get_mut(who.as_str()) {
            watched.fails(block, place == 0);
        }
    }
    if let Some(maker) = watched.get_mut(block.proposer.as_str()) {
        maker.is_there(block.seen_us);
        maker.certificates = 0;
    }
    let Some(absent) = &block.absent else { return };
    let committee = block.committees.checked_sub(1).and_then(|last| committees.get(last));
    for who in committee.into_iter().flatten().filter(|who| **who != block.proposer) {
        let Some(watched) = watched.get_mut(who.as_str()) else { continue };
        watched.certificates += 1;
        if absent.contains(who) {
            watched.missed += 1;
        } else {
            watched.is_there(block.seen_us);
        }
    }
}
