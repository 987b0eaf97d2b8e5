//! What validators did with their turns and votes, from the blocks of a run.

use model::evidence::TransactionRecord;
use model::plan::LaneKind;
use model::{Committee, Evidence, Turn};

/// One validator's turns and votes in a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Turns {
    /// Heights that it made a block at.
    pub(crate) proposed: Vec<u64>,
    /// Heights at which a turn of its failed.
    pub(crate) failed: Vec<u64>,
    /// Certificates in which it was seated.
    pub(crate) seated: u64,
    /// Of these, without its vote.
    pub(crate) absent: u64,
}

impl Turns {
    /// The turns and votes of `validator` in all blocks of a run.
    pub(crate) fn of(evidence: &Evidence, validator: &str) -> Self {
        let mut turns = Self::default();
        for block in &evidence.blocks {
            let Some(turn) = &block.turn else { continue };
            let seated = members(&evidence.committees, block.height);
            if is(&turn.proposer, validator) {
                turns.proposed.push(block.height);
            }
            if !is_networks(turn, seated.len()) {
                let failed = turn.failed.iter().filter(|who| is(who, validator));
                turns.failed.extend(failed.map(|_| block.height));
            }
            if seated.iter().any(|member| is(member, validator)) {
                turns.seated += 1;
                turns.absent += u64::from(turn.absent.iter().any(|who| is(who, validator)));
            }
        }
        turns
    }

    /// Turns that it had.
    pub(crate) fn had(&self) -> u64 {
        (self.proposed.len() + self.failed.len()) as u64
    }
}

/// Whether two spellings name one validator: chains and people write capitals as they like.
pub(crate) fn is(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Who was seated at a height; nobody where it is not known.
pub(crate) fn members(committees: &[Committee], height: u64) -> &[String] {
    let known = committees.iter().rev().find(|committee| committee.height <= height);
    known.map_or(&[], |committee| &committee.members)
}

/// Rounds in which more than a third of the committee failed one after another: nobody's missed turns, the network
/// stood still (MEASURE 2 e).
fn is_networks(turn: &Turn, seated: usize) -> bool {
    let mut failed: Vec<String> = turn.failed.iter().map(|who| who.to_ascii_lowercase()).collect();
    failed.sort_unstable();
    failed.dedup();
    seated > 0 && failed.len() > 1 && failed.len() * 3 > seated
}

/// The run's own transactions of one kind.
pub(crate) fn transactions(evidence: &Evidence, kind: LaneKind) -> impl Iterator<Item = &TransactionRecord> {
    let lanes = evidence.phases.iter().flat_map(|phase| &phase.lanes);
    lanes.filter(move |lane| lane.kind == kind).flat_map(|lane| &lane.transactions)
}

/// Whether one of these was under way at a height: sent before it, in no block below it.
pub(crate) fn under_way<'a>(
    mut transactions: impl Iterator<Item = &'a TransactionRecord>,
    height: u64,
    blocks_before: u64,
) -> bool {
    transactions.any(|one| {
        one.1.saturating_add(blocks_before) <= height && one.landed().is_some_and(|landed| landed >= height)
    })
}

/// The blocks made in round 0 with the time since the one before was seen, microseconds. By what we saw, never by
/// timestamps: on Kaia a failed round shows in the timestamp of the next block, at an innocent proposer.
pub(crate) fn gaps(evidence: &Evidence) -> impl Iterator<Item = (&Turn, u64)> {
    evidence.blocks.windows(2).filter_map(|pair| {
        let [before, block] = pair else { return None };
        let turn = block.turn.as_ref()?;
        let calm = turn.round == 0 && block.height == before.height + 1;
        calm.then(|| (turn, block.seen_us.saturating_sub(before.seen_us)))
    })
}
