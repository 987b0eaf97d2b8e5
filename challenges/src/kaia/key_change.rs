//! What stopped the chain in November 2021: two changes of one account's key in one block (chains.md 1.2).
//!
//! Releases up to v1.7.0 kept the first change's key by reference, and the second wrote into it: the proposer's block
//! was then another than it had announced. Both changes are signed by the key that the address comes from, since the
//! pool holds a signature against the key in the state *before* the block.

use super::account_key::AccountKey;
use super::transaction::{Body, Fee, Signed, Transaction};
use crate::account::Account;

/// Gas of a change: 21,000, 20,000 for each of at most four new keys, 15,000 for a fee that is shared, and room.
const GAS: u64 = 200_000;
/// Part of a shared fee that the other pays, percent.
const SHARE: u8 = 30;

/// How an account's key changes twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// To its own key as a public key, then to another.
    Single,
    /// To one of two keys, then to one of two others; its own is in both.
    Multiple,
    /// To a key for each role, then to others; its own is in both that it needs.
    Roles,
    /// As [`Change::Multiple`], the fee paid by another.
    Delegated,
    /// As [`Change::Single`], the fee shared with another.
    Shared,
    /// To one of two keys; then a transfer, signed by its own.
    Interleaved,
}

impl Change {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Single, Self::Multiple, Self::Roles, Self::Delegated, Self::Shared, Self::Interleaved];
}

/// A fresh account with nonce 0 whose key is about to change.
pub struct KeyChange<'a> {
    /// Chain id.
    pub chain_id: u64,
    /// Offered for a unit of gas, kei.
    pub price: u128,
    /// The account.
    pub own: &'a Account,
    /// Other keys that it gets.
    pub others: [&'a Account; 2],
    /// Who pays or shares the fee where the change says so; its own key is unchanged.
    pub payer: &'a Account,
}

impl KeyChange<'_> {
    /// The two transactions, with nonces 0 and 1: to be sent back to back, so that one block takes both.
    pub fn pair(&self, change: Change) -> [Signed; 2] {
        let keys = self.keys(change);
        let second = match change {
            Change::Interleaved => self.transfer(change, 1),
            _ => self.update(change, 1, keys[1].clone()),
        };
        [self.update(change, 0, keys[0].clone()), second].map(|one| one.sign(&[self.own], &[self.payer]))
    }

    /// What the account sends when the pair is in the chain, with nonces 2 and 3: a transfer signed by a key that it has
    /// only since, then another change. Their fees are paid as those of the pair.
    pub fn later(&self, change: Change) -> [Signed; 2] {
        let (own, [first, second]) = (self.own, self.others);
        let (key, updater, next) = match change {
            Change::Single | Change::Shared => (first, first, AccountKey::of(second)),
            Change::Multiple | Change::Delegated => (second, second, AccountKey::any_of(&[own, first])),
            Change::Interleaved => (first, first, AccountKey::any_of(&[own, second])),
            Change::Roles => (first, own, self.roles(second, first)),
        };
        let transfer = self.transfer(change, 2).sign(&[key], &[self.payer]);
        [transfer, self.update(change, 3, next).sign(&[updater], &[self.payer])]
    }

    /// The keys of both changes.
    fn keys(&self, change: Change) -> [AccountKey; 2] {
        let (own, [first, second]) = (self.own, self.others);
        match change {
            Change::Single | Change::Shared => [AccountKey::of(own), AccountKey::of(first)],
            Change::Multiple | Change::Delegated | Change::Interleaved => {
                [first, second].map(|other| AccountKey::any_of(&[own, other]))
            }
            Change::Roles => [self.roles(own, first), self.roles(first, second)],
        }
    }

    /// A key for each role; its own goes on changing them.
    fn roles(&self, transactions: &Account, fees: &Account) -> AccountKey {
        AccountKey::RoleBased(Box::new([transactions, self.own, fees].map(AccountKey::of)))
    }

    fn update(&self, change: Change, nonce: u64, key: AccountKey) -> Transaction {
        self.transaction(change, nonce, Body::AccountUpdate { key })
    }

    fn transfer(&self, change: Change, nonce: u64) -> Transaction {
        self.transaction(change, nonce, Body::ValueTransfer { to: self.payer.address(), value: 1 })
    }

    fn transaction(&self, change: Change, nonce: u64, body: Body) -> Transaction {
        let fee = match change {
            Change::Delegated => Fee::Delegated(self.payer.address()),
            Change::Shared => Fee::Shared(self.payer.address(), SHARE),
            _ => Fee::Own,
        };
        let (chain_id, price, gas, from) = (self.chain_id, self.price, GAS, self.own.address());
        Transaction { chain_id, nonce, price, gas, from, body, fee }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Seed;

    #[test]
    fn pairs_are_of_the_kind_asked_for_and_differ() {
        let [own, first, second, payer] =
            ["own", "first", "second", "payer"].map(|name| Account::derive(&Seed::from_number(1), name));
        let change =
            KeyChange { chain_id: 9, price: 25, own: &own, others: [&first, &second], payer: &payer };
        let kinds = Change::ALL.map(|kind| change.pair(kind).map(|one| one.raw[0]));
        assert_eq!(
            kinds,
            [[0x20, 0x20], [0x20, 0x20], [0x20, 0x20], [0x21, 0x21], [0x22, 0x22], [0x20, 0x08]]
        );
        for kind in Change::ALL {
            let [one, other] = change.keys(kind);
            assert_eq!(one.encode()[0], other.encode()[0], "only a change within a kind of key did the harm");
            assert_ne!(one, other);
        }
        let later = Change::ALL.map(|kind| change.later(kind).map(|one| one.raw[0]));
        assert_eq!(
            later,
            [[0x08, 0x20], [0x08, 0x20], [0x08, 0x20], [0x09, 0x21], [0x0a, 0x22], [0x08, 0x20]]
        );
    }
}
