//! What a server acknowledged, remembered, and held against what it says later.

use std::collections::{BTreeMap, BTreeSet};

use secp256k1::SecretKey;

use crate::account::Account;
use crate::account::secret::Secret;
use crate::account::wire::Signed;

/// Something that a server keeps, as far as its answers tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known<T> {
    acknowledged: T,
    /// What it would be, had a write been done that nobody answered for.
    asked: Option<T>,
}

/// What became of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// It is what was acknowledged last.
    Kept,
    /// It is what was asked for last, and not acknowledged.
    Done,
    /// It is neither.
    Wrong,
}

impl<T: PartialEq + Clone> Known<T> {
    pub(super) fn new(acknowledged: T) -> Self {
        Self { acknowledged, asked: None }
    }

    /// A write was acknowledged.
    pub(super) fn acknowledge(&mut self, now: T) {
        *self = Self::new(now);
    }

    /// A write got no answer.
    pub(super) fn ask(&mut self, then: T) {
        self.asked = Some(then);
    }

    /// Whether a write got no answer, and nobody has looked since.
    pub(super) fn is_open(&self) -> bool {
        self.asked.is_some()
    }

    /// What it is, as far as is known.
    pub(super) fn value(&self) -> &T {
        &self.acknowledged
    }

    /// Holds it against what is seen: an open write is known to be done from here on, or not.
    pub(super) fn settle(&mut self, seen: &T) -> Found {
        let done = self.asked.take().is_some_and(|asked| asked == *seen && asked != self.acknowledged);
        if done {
            self.acknowledged = seen.clone();
            return Found::Done;
        }
        if self.acknowledged == *seen { Found::Kept } else { Found::Wrong }
    }
}

/// Somebody with a key.
pub(super) struct Person {
    pub(super) key: SecretKey,
    pub(super) account: Account,
    pub(super) session: Option<Secret>,
    /// The text that they signed in with last: it is good for nothing more.
    pub(super) spent: Option<Signed>,
    pub(super) tokens: Vec<Token>,
}

/// A token of somebody.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) name: String,
    /// By which it is revoked.
    pub(super) id: String,
    pub(super) secret: String,
    /// Whether it is good.
    pub(super) good: Known<bool>,
}

/// An operator as a server tells about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Operator {
    /// Which edit its name is of.
    pub(super) name: String,
    /// Which edit its contact is of: always the same as its name's.
    pub(super) contact: String,
    pub(super) standing: String,
    /// Region of its node, which tells the declarations apart; none without a node.
    pub(super) region: Option<String>,
}

/// One operator of one season.
pub(super) struct Entry {
    pub(super) season: String,
    pub(super) id: String,
    /// Number of the person.
    pub(super) person: usize,
    /// The last edit that was asked for.
    pub(super) edit: u32,
    /// None before the application.
    pub(super) state: Known<Option<Operator>>,
}

/// A decision as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decided {
    pub(super) operator: String,
    pub(super) verdict: String,
    pub(super) reason: String,
    pub(super) replaces: Option<u32>,
}

/// How often something must stand in the audit trail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) known: u32,
    /// And so much more often, should these have been done.
    pub(super) perhaps: u32,
}

/// Everything that was acknowledged.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) people: Vec<Person>,
    pub(super) entries: Vec<Entry>,
    /// Of each season, in the order of their numbers.
    pub(super) decisions: BTreeMap<String, Vec<Decided>>,
    /// By account, action and subject.
    pub(super) trail: BTreeMap<(String, &'static str, String), Times>,
    pub(super) acknowledged: u64,
    /// Entries, and tokens (of whom, which), that were written since they were last looked at.
    pub(super) touched: BTreeSet<usize>,
    pub(super) touched_tokens: BTreeSet<(usize, usize)>,
    /// Writes that got no answer: those found done, and those found not done.
    pub(super) unanswered: (u64, u64),
    /// Acknowledged writes that are not there any more.
    pub(super) lost: Vec<String>,
    /// Writes of which a part is there.
    pub(super) torn: Vec<String>,
    /// What else is not as it has to be.
    pub(super) wrong: Vec<String>,
}

impl Memory {
    /// Something was done, and must stand in the trail.
    pub(super) fn trace(&mut self, account: &Account, action: &'static str, subject: String) {
        self.times(account, action, subject).known += 1;
    }

    /// Something may have been done.
    pub(super) fn perhaps(&mut self, account: &Account, action: &'static str, subject: String) {
        self.times(account, action, subject).perhaps += 1;
    }

    fn times(&mut self, account: &Account, action: &'static str, subject: String) -> &mut Times {
        self.trail.entry((account.to_string().to_lowercase(), action, subject)).or_default()
    }

    /// Counts a write without an answer, once it is known what became of it.
    pub(super) fn answered(&mut self, found: Found) {
        match found {
            Found::Done => self.unanswered.0 += 1,
            Found::Kept => self.unanswered.1 += 1,
            Found::Wrong => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_without_an_answer_is_there_or_not() {
        for (seen, found) in [(1, Found::Kept), (2, Found::Done), (3, Found::Wrong), (0, Found::Wrong)] {
            let mut known = Known::new(0);
            known.acknowledge(1);
            known.ask(2);
            assert!(known.is_open());
            assert_eq!(known.settle(&seen), found, "{seen}");
            assert!(!known.is_open(), "what was seen once stays");
        }
    }

    #[test]
    fn what_was_found_not_done_is_not_done_later() {
        let mut known = Known::new(1);
        known.ask(2);
        assert_eq!(known.settle(&1), Found::Kept);
        assert_eq!(known.settle(&2), Found::Wrong);
        let mut known = Known::new(1);
        known.ask(2);
        assert_eq!((known.settle(&2), *known.value()), (Found::Done, 2));
        assert_eq!(known.settle(&1), Found::Wrong);
    }
}
