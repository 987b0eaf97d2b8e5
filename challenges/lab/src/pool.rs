//! The transactions that wait: executable ones in order of arrival, and those behind a nonce gap.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use alloy_primitives::{Address, B256, U256};

use crate::chain::Account;
use crate::refusal::{Refusal, Shortfall};
use crate::transaction::Transaction;

/// Executable transactions that may wait. Filling a nonce gap can exceed it by one sender's queued transactions.
const PENDING_LIMIT: usize = 20_000;
/// Transactions that may wait behind nonce gaps in all.
const QUEUED_LIMIT: usize = 1_024;

/// Every waiting transaction. What is admitted can be paid for when its turn comes.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    /// Transactions of one sender that may wait behind a nonce gap.
    queued_per_sender: usize,
    /// Executable, in order of arrival; the nonces of a sender ascend without a gap.
    pending: VecDeque<Transaction>,
    /// How many executable transactions were ever taken; the position of the first one.
    taken: u64,
    lanes: HashMap<Address, Lane>,
    known: HashSet<B256>,
    queued: usize,
}

/// What waits of one sender.
#[derive(Debug, Default)]
struct Lane {
    /// Positions of the executable transactions, by nonce from the account's nonce on.
    pending: VecDeque<u64>,
    /// Transactions behind a gap, by nonce.
    queued: BTreeMap<u64, Transaction>,
    /// Wei that all of them may cost.
    cost: U256,
}

/// Where a transaction belongs.
#[derive(Clone, Copy)]
enum Slot {
    /// In place of the executable one at this index.
    ReplacePending(usize),
    /// In place of the one behind a gap with the same nonce.
    ReplaceQueued,
    /// Executable now.
    Next,
    /// Behind a gap.
    Future,
}

impl Pool {
    /// In which so many transactions of one sender may wait behind a nonce gap.
    pub(crate) fn new(queued_per_sender: usize) -> Self {
        Self { queued_per_sender, ..Self::default() }
    }

    /// Executable transactions and those behind a gap.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.pending.len(), self.queued)
    }

    /// The executable transactions of a sender.
    pub(crate) fn pending_of(&self, sender: &Address) -> usize {
        self.lanes.get(sender).map_or(0, |lane| lane.pending.len())
    }

    /// Takes a transaction in, given what the chain says about its sender.
    pub(crate) fn add(&mut self, tx: Transaction, account: Account) -> Result<(), Refusal> {
        if self.known.contains(&tx.hash) {
            return Err(Refusal::AlreadyKnown);
        }
        if tx.nonce < account.nonce {
            return Err(Refusal::NonceTooLow { next: account.nonce, nonce: tx.nonce });
        }
        let slot = self.slot(&tx, account.nonce);
        let replaced = self.occupant(slot, &tx);
        self.check_funds(&tx, account.balance, replaced)?;
        match replaced {
            Some(old) if !tx.outbids(old) => return Err(Refusal::ReplacementUnderpriced),
            Some(_) => {}
            None => self.check_room(slot, &tx.sender)?,
        }
        self.place(tx, slot, account.nonce);
        Ok(())
    }

    /// Takes out the oldest executable transaction, if its gas limit is within what is left.
    pub(crate) fn take(&mut self, gas_left: u64) -> Option<Transaction> {
        let tx = self.pending.pop_front_if(|tx| tx.gas <= gas_left)?;
        self.taken += 1;
        self.known.remove(&tx.hash);
        if let Some(lane) = self.lanes.get_mut(&tx.sender) {
            lane.pending.pop_front();
            lane.cost = lane.cost.saturating_sub(tx.cost());
            if lane.pending.is_empty() && lane.queued.is_empty() {
                self.lanes.remove(&tx.sender);
            }
        }
        Some(tx)
    }

    fn slot(&self, tx: &Transaction, next: u64) -> Slot {
        let ahead = tx.nonce - next;
        let Some(lane) = self.lanes.get(&tx.sender) else {
            return if ahead == 0 { Slot::Next } else { Slot::Future };
        };
        let ahead = usize::try_from(ahead).unwrap_or(usize::MAX);
        if let Some(position) = lane.pending.get(ahead) {
            return Slot::ReplacePending(self.index(*position));
        }
        if lane.queued.contains_key(&tx.nonce) {
            return Slot::ReplaceQueued;
        }
        if ahead == lane.pending.len() { Slot::Next } else { Slot::Future }
    }

    fn index(&self, position: u64) -> usize {
        usize::try_from(position - self.taken).unwrap_or(usize::MAX)
    }

    fn occupant(&self, slot: Slot, tx: &Transaction) -> Option<&Transaction> {
        match slot {
            Slot::ReplacePending(index) => self.pending.get(index),
            Slot::ReplaceQueued => self.lanes.get(&tx.sender)?.queued.get(&tx.nonce),
            Slot::Next | Slot::Future => None,
        }
    }

    fn check_funds(
        &self,
        tx: &Transaction,
        balance: U256,
        replaced: Option<&Transaction>,
    ) -> Result<(), Refusal> {
        let cost = tx.cost();
        let lacks = |queued, total: U256| {
            Err(Refusal::InsufficientFunds(Box::new(Shortfall {
                balance,
                queued,
                cost,
                overshot: total.saturating_sub(balance),
            })))
        };
        if cost > balance {
            return lacks(None, cost);
        }
        let freed = replaced.map_or(U256::ZERO, Transaction::cost);
        let waiting = self.lanes.get(&tx.sender).map_or(U256::ZERO, |lane| lane.cost);
        let total = waiting.saturating_sub(freed).saturating_add(cost);
        if total > balance {
            return lacks(Some(waiting), total);
        }
        Ok(())
    }

    fn check_room(&self, slot: Slot, sender: &Address) -> Result<(), Refusal> {
        match slot {
            Slot::Next if self.pending.len() >= PENDING_LIMIT => Err(Refusal::PoolFull),
            Slot::Future if self.queued >= QUEUED_LIMIT => Err(Refusal::FutureFull),
            Slot::Future if self.queued_of(sender) >= self.queued_per_sender => Err(Refusal::AccountLimit),
            _ => Ok(()),
        }
    }

    fn queued_of(&self, sender: &Address) -> usize {
        self.lanes.get(sender).map_or(0, |lane| lane.queued.len())
    }

    fn place(&mut self, tx: Transaction, slot: Slot, next: u64) {
        self.known.insert(tx.hash);
        let lane = self.lanes.entry(tx.sender).or_default();
        lane.cost = lane.cost.saturating_add(tx.cost());
        let replaced = match slot {
            Slot::ReplacePending(index) => {
                let old = self.pending.get_mut(index);
                old.map(|old| std::mem::replace(old, tx))
            }
            Slot::ReplaceQueued => lane.queued.insert(tx.nonce, tx),
            Slot::Future => {
                self.queued += 1;
                lane.queued.insert(tx.nonce, tx)
            }
            Slot::Next => {
                let sender = tx.sender;
                self.append(tx);
                self.promote(sender, next);
                None
            }
        };
        if let Some(old) = replaced {
            self.forget(&old);
        }
    }

    fn append(&mut self, tx: Transaction) {
        let position = self.taken + self.pending.len() as u64;
        let lane = self.lanes.entry(tx.sender).or_default();
        lane.pending.push_back(position);
        self.pending.push_back(tx);
    }

    /// Makes executable what stood behind a gap that has been filled.
    fn promote(&mut self, sender: Address, next: u64) {
        while let Some(lane) = self.lanes.get_mut(&sender) {
            let nonce = next + lane.pending.len() as u64;
            let Some(tx) = lane.queued.remove(&nonce) else {
                return;
            };
            self.queued -= 1;
            self.append(tx);
        }
    }

    fn forget(&mut self, old: &Transaction) {
        self.known.remove(&old.hash);
        if let Some(lane) = self.lanes.get_mut(&old.sender) {
            lane.cost = lane.cost.saturating_sub(old.cost());
        }
    }
}
