//! What validators did with their turns and votes, from the blocks of a run.

use std::collections::{BTreeMap, BTreeSet};

use model::evidence::TransactionRecord;
use model::plan::LaneKind;
use model::{BlockRecord, Committee, Evidence, Turn};

/// No chain changes the round so often.
const MOST_ROUNDS: u32 = 1_000;
/// The largest committee that is believed.
const MOST_SEATS: usize = 1_000;

/// One validator's turns and votes in a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Turns {
    /// Heights that it made a block at.
    pub(crate) proposed: Vec<u64>,
    /// Heights at which a turn of its failed.
    pub(crate) failed: Vec<u64>,
    /// Certificates in which it was seated; none where the chain has no votes.
    pub(crate) seated: u64,
    /// Of these, without its vote.
    pub(crate) absent: u64,
    /// It was seated at the first block, and at the last no more.
    pub(crate) was_unseated: bool,
}

impl Turns {
    /// The turns and votes of `validator` in all blocks of a run.
    pub(crate) fn of(evidence: &Evidence, validator: &str) -> Self {
        let mut turns = Self::default();
        let sits = |block: Option<&BlockRecord>| {
            let seated = block.map_or(&[][..], |block| members(&evidence.committees, block.height));
            seated.iter().any(|member| is(member, validator))
        };
        turns.was_unseated = sits(evidence.blocks.first()) && !sits(evidence.blocks.last());
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
            if let Some(absent) = &turn.absent
                && seated.iter().any(|member| is(member, validator))
            {
                turns.seated += 1;
                turns.absent += u64::from(absent.iter().any(|who| is(who, validator)));
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
    let after = committees.partition_point(|committee| committee.height <= height);
    let known = after.checked_sub(1).and_then(|index| committees.get(index));
    known.map_or(&[], |committee| &committee.members)
}

/// Rounds in which more than a third of the committee failed one after another: nobody's missed turns, the network
/// stood still (MEASURE 2 e).
pub(crate) fn is_networks(turn: &Turn, seated: usize) -> bool {
    let mut failed: Vec<String> = turn.failed.iter().map(|who| who.to_ascii_lowercase()).collect();
    failed.sort_unstable();
    failed.dedup();
    seated > 0 && failed.len() > 1 && failed.len() * 3 > seated
}

/// The run's own transactions of one kind.
fn transactions(evidence: &Evidence, kind: LaneKind) -> impl Iterator<Item = &TransactionRecord> {
    let lanes = evidence.phases.iter().flat_map(|phase| &phase.lanes);
    lanes.filter(move |lane| lane.kind == kind).flat_map(|lane| &lane.transactions)
}

/// Heights at which transactions of a run were under way, as disjoint rising ranges.
pub(crate) struct UnderWay(Vec<(u64, u64)>);

impl UnderWay {
    /// Of the run's transactions of one kind that landed: from so many blocks after the head that they were sent at,
    /// up to the block that took them.
    pub(crate) fn of(evidence: &Evidence, kind: LaneKind, blocks_before: u64) -> Self {
        let range = |one: &TransactionRecord| {
            let (from, to) = (one.1.saturating_add(blocks_before), one.landed()?);
            (from <= to).then_some((from, to))
        };
        let mut ranges: Vec<(u64, u64)> = transactions(evidence, kind).filter_map(range).collect();
        ranges.sort_unstable();
        let mut disjoint: Vec<(u64, u64)> = Vec::new();
        for (from, to) in ranges {
            match disjoint.last_mut() {
                Some(last) if from <= last.1.saturating_add(1) => last.1 = last.1.max(to),
                _ => disjoint.push((from, to)),
            }
        }
        Self(disjoint)
    }

    /// Whether one was under way at a height.
    pub(crate) fn at(&self, height: u64) -> bool {
        let after = self.0.partition_point(|(from, _)| *from <= height);
        after.checked_sub(1).and_then(|index| self.0.get(index)).is_some_and(|(_, to)| height <= *to)
    }
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

/// Whether turns and committees are possible: what intake asks of them.
///
/// # Errors
/// The first that is not, in words.
pub(crate) fn check(evidence: &Evidence) -> Result<(), String> {
    let rising = evidence.committees.windows(2).all(|pair| matches!(pair, [a, b] if a.height < b.height));
    if !rising {
        return Err("committees do not rise".into());
    }
    for committee in &evidence.committees {
        if committee.members.is_empty()
            || committee.members.len() > MOST_SEATS
            || !distinct(&committee.members)
        {
            return Err(format!("the committee of height {} is none", committee.height));
        }
    }
    let lower = |members: &[String]| members.iter().map(|one| one.to_ascii_lowercase()).collect();
    let seated: Vec<(u64, BTreeSet<String>)> =
        evidence.committees.iter().map(|one| (one.height, lower(&one.members))).collect();
    for block in &evidence.blocks {
        let Some(turn) = &block.turn else { continue };
        let after = seated.partition_point(|(height, _)| *height <= block.height);
        let known = after.checked_sub(1).and_then(|index| seated.get(index)).map(|(_, members)| members);
        // Whose turns failed may be of the council that a committee is drawn from.
        let absent = turn.absent.as_deref().unwrap_or_default();
        let mut named = absent.iter().chain(&turn.barred).chain([&turn.proposer]);
        let possible = known.is_some_and(|known| named.all(|who| known.contains(&who.to_ascii_lowercase())))
            && turn.round <= MOST_ROUNDS
            && (turn.failed.len() + turn.barred.len()) as u64 <= u64::from(turn.round)
            && absent.len() <= MOST_SEATS
            && distinct(absent);
        if !possible {
            return Err(format!("the turn of block {} is not possible", block.height));
        }
    }
    let hashes: BTreeMap<u64, &str> =
        evidence.blocks.iter().map(|block| (block.height, block.hash.as_str())).collect();
    let mut parted = BTreeSet::new();
    for parting in &evidence.partings {
        let other = hashes.get(&parting.height).is_some_and(|hash| *hash != parting.hash);
        if !other || !parted.insert((parting.via, parting.height)) {
            return Err(format!("the parting at height {} is not one", parting.height));
        }
    }
    Ok(())
}

fn distinct(names: &[String]) -> bool {
    names.iter().map(|name| name.to_ascii_lowercase()).collect::<BTreeSet<_>>().len() == names.len()
}
