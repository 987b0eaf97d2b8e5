//! Which of the run's transactions landed where, from the blocks of the reference.

use std::collections::{BTreeMap, HashMap, HashSet};

use model::{BlockRecord, Committee};

use crate::driver::Block;

/// What the reference's final blocks say.
#[derive(Default)]
pub(super) struct Ledger {
    known: HashSet<String>,
    landed: HashMap<String, (u64, bool)>,
    blocks: Vec<BlockRecord>,
    committees: Vec<Committee>,
    /// Who has the turn after the last block.
    next: Option<String>,
    /// The head that the run began at; none while it is prepared.
    began_at: Option<u64>,
    /// When the head was first seen at a height, microseconds since the run began.
    seen: BTreeMap<u64, u64>,
}

impl Ledger {
    /// From here on these count as the run's own.
    pub(super) fn know<'a>(&mut self, ids: impl Iterator<Item = &'a String>) {
        self.known.extend(ids.cloned());
    }

    /// From here on blocks are kept as evidence, and instants count from zero. What landed before was to prepare the
    /// run: a replay has the hash of such a transaction, whose landing is not its own. `head` is the last block seen.
    pub(super) fn begin(&mut self, head: u64) {
        self.began_at = Some(head);
        self.landed.clear();
        self.seen.clear();
    }

    /// The head stands at `height`. One that stood above it was of a branch that the chain has left: what was seen from
    /// here on is seen anew.
    pub(super) fn see_head(&mut self, height: u64, run_us: u64) {
        if !self.seen.split_off(&height.saturating_add(1)).is_empty() {
            self.seen.remove(&height);
        }
        self.seen.entry(height).or_insert(run_us);
    }

    /// Takes in a final block.
    pub(super) fn take(&mut self, block: Block, run_us: u64) {
        self.next = block.next;
        let mut ours = 0;
        let transactions = block.transactions.len() as u64;
        for (id, success) in block.transactions {
            if self.known.contains(&id) {
                ours += 1;
                self.landed.entry(id).or_insert((block.height, success));
            }
        }
        if let Some(head) = self.began_at {
            // The turn after that head was under way before the run: what failed in it may come of what was there then,
            // such as a block so full that the next in turn was late.
            let turn = block.turn.filter(|_| block.height > head + 1);
            let seen_us = self.seen.range(block.height..).next().map_or(run_us, |(_, at)| *at);
            self.blocks.push(BlockRecord {
                height: block.height,
                hash: block.hash,
                seen_us,
                transactions,
                ours,
                turn,
            });
            self.seat(block.height, block.committee);
        }
    }

    /// Keeps the committee if it is not the one before.
    fn seat(&mut self, height: u64, members: Vec<String>) {
        let same = self.committees.last().is_some_and(|committee| committee.members == members);
        if !same && !members.is_empty() {
            self.committees.push(Committee { height, members });
        }
    }

    /// Who has the turn after the last block, where that is known.
    pub(super) fn next(&self) -> Option<String> {
        self.next.clone()
    }

    /// Height and success of a transaction that landed.
    pub(super) fn landing(&self, id: &str) -> Option<(u64, bool)> {
        self.landed.get(id).copied()
    }

    /// How many of these have landed.
    pub(super) fn count<'a>(&self, ids: impl Iterator<Item = &'a String>) -> usize {
        ids.filter(|id| self.landed.contains_key(*id)).count()
    }

    /// Mean time between heads seen, microseconds.
    pub(super) fn interval_us(&self) -> Option<u64> {
        let ((first, from), (last, to)) = (self.seen.first_key_value()?, self.seen.last_key_value()?);
        (last > first).then(|| (to - from) / (last - first))
    }

    /// The committees of the blocks kept, one where it changed.
    pub(super) fn committees(&self) -> Vec<Committee> {
        self.committees.clone()
    }

    /// Height and hash of the blocks kept, rising.
    pub(super) fn hashes(&self) -> Vec<(u64, String)> {
        self.blocks.iter().map(|block| (block.height, block.hash.clone())).collect()
    }

    /// The blocks kept, rising.
    pub(super) fn blocks(&self) -> Vec<BlockRecord> {
        self.blocks.clone()
    }
}

#[cfg(test)]
mod tests {
    use model::Turn;

    use super::*;

    /// When blocks were seen, in a run that saw these heads at these instants and took the blocks then.
    fn seen(heads: &[(u64, u64)], blocks: std::ops::RangeInclusive<u64>) -> Vec<u64> {
        let mut ledger = Ledger::default();
        ledger.begin(6);
        heads.iter().for_each(|(height, at)| ledger.see_head(*height, *at));
        for height in blocks {
            let hash = format!("{height:#x}");
            let (transactions, committee) = (vec![], vec![]);
            ledger.take(Block { height, hash, transactions, turn: None, committee, next: None }, 99);
        }
        ledger.blocks().iter().map(|block| block.seen_us).collect()
    }

    #[test]
    fn a_turn_that_was_under_way_before_the_run_is_not_the_runs() {
        let mut ledger = Ledger::default();
        ledger.begin(6);
        for height in 5..=8 {
            let turn =
                Turn { proposer: "0xa".into(), round: 0, failed: vec![], barred: vec![], absent: None };
            let (hash, transactions, committee) = (format!("{height:#x}"), vec![], vec!["0xa".into()]);
            ledger.take(Block { height, hash, transactions, turn: Some(turn), committee, next: None }, 99);
        }
        let told: Vec<_> = ledger.blocks().iter().map(|block| (block.height, block.turn.is_some())).collect();
        assert_eq!(told, [(5, false), (6, false), (7, false), (8, true)]);
        assert_eq!(ledger.committees()[0].height, 5, "who is seated is known from the first block on");
    }

    #[test]
    fn a_block_is_seen_when_the_head_first_stands_at_it() {
        assert_eq!(seen(&[(7, 10), (8, 20), (8, 25), (10, 40)], 7..=10), [10, 20, 40, 40]);
    }

    /// As a sealer that came back made geth do: two blocks of the others gave way to one of its own.
    #[test]
    fn a_block_that_took_the_place_of_another_is_seen_when_it_does() {
        let heads = [(164, 0), (165, 38), (166, 39), (165, 50), (166, 53), (167, 60)];
        assert_eq!(seen(&heads, 164..=167), [0, 50, 53, 60]);
    }
}
