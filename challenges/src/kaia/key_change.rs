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
            Change::Interleaved => self.transfer(1),
            _ => self.update(change, 1, keys[1].clone()),
        };
        [self.update(change, 0, keys[0].clone()), second].map(|one| one.sign(&[self.own], &[self.payer]))
    }

    /// A transfer with `nonce`, signed by a key that the account has only when the pair is in the chain.
    pub fn afterwards(&self, change: Change, nonce: u64) -> Signed {
        let [first, second] = self.others;
        let key = match change {
            Change::Multiple | Change::Delegated => second,
            Change::Single | Change::Roles | Change::Shared | Change::Interleaved => first,
        };
        self.transfer(nonce).sign(&[key], &[])
    }

    /// The keys of both changes.
    fn keys(&self, change: Change) -> [AccountKey; 2] {
        let (own, [first, second]) = (self.own, self.others);
        match change {
            Change::Single | Change::Shared => [AccountKey::of(own), AccountKey::of(first)],
            Change::Multiple | Change::Delegated | Change::Interleaved => {
                [first, second].map(|other| AccountKey::any_of(&[own, other]))
            }
            Change::Roles => [(own, first), (first, second)].map(|(transactions, fees)| {
                let roles = [transactions, own, fees].map(AccountKey::of);
                AccountKey::RoleBased(Box::new(roles))
            }),
        }
    }

    fn update(&self, change: Change, nonce: u64, key: AccountKey) -> Transaction {
        let fee = match change {
            Change::Delegated => Fee::Delegated(self.payer.address()),
            Change::Shared => Fee::Shared(self.payer.address(), SHARE),
            _ => Fee::Own,
        };
        self.transaction(nonce, Body::AccountUpdate { key }, fee)
    }

    fn transfer(&self, nonce: u64) -> Transaction {
        let body = Body::ValueTransfer { to: self.payer.address(), value: 1 };
        self.transaction(nonce, body, Fee::Own)
    }

    fn transaction(&self, nonce: u64, body: Body, fee: Fee) -> Transaction {
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
    }
}
