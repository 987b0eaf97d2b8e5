//! The accounts of one run: root, branches, leaves, and what each signs.

use alloy_primitives::{Address, U256, keccak256};
use model::plan::{LaneKind, demand};
use model::{Draw, Parameters, Seed};
use rayon::prelude::*;

use super::account::Account;
use super::transaction::{Flaw, Form, Transaction, created_address};
use super::{Fee, submission};
use crate::driver::{SignedTransaction, Wallet};

/// Leaves that one branch pays in one wave: below the 16 slots that pools grant every account
/// (geth `accountslots`, kaia `exec-slots.account`).
const LEAVES_PER_WAVE: usize = 12;
/// Spam transactions of one sender, below the same 16 slots.
const SPAM_PER_SENDER: usize = 12;
const MAX_BRANCHES: usize = 32;
/// Contracts whose every call reverts: "revert spam to many addresses" (V15).
const CONTRACTS: usize = 32;
const TRANSFER_GAS: u64 = 21_000;
const DEPLOY_GAS: u64 = 120_000;
const CALL_GAS: u64 = 60_000;
/// How far ahead of the account's nonce V08 begins.
const NONCE_GAP: u64 = 100;
/// First byte of an envelope that neither Ethereum nor Kaia knows, below those of legacy transactions.
const UNKNOWN_TYPE: u8 = 0x7e;

/// Creates a contract of five bytes, `PUSH1 0 PUSH1 0 REVERT`.
const REVERTER: [u8; 14] =
    [0x64, 0x60, 0x00, 0x60, 0x00, 0xfd, 0x60, 0x00, 0x52, 0x60, 0x05, 0x60, 0x1b, 0xf3];

pub(super) struct EvmWallet {
    chain_id: u64,
    fee: Fee,
    seed: Seed,
    root: Account,
    root_text: String,
    branches: Vec<Account>,
    /// In the order of their roles: the first `honest` are used once each, the others send spam.
    leaves: Vec<Account>,
    /// Leaves in the order of their funding.
    funded: Vec<Address>,
    honest: usize,
    contracts: Vec<Address>,
    used: Used,
}

/// How many transactions of each kind were taken.
#[derive(Default)]
struct Used {
    honest: usize,
    load: usize,
    chain: usize,
    shape: usize,
    signature: usize,
    replay: usize,
    future: usize,
    revert: usize,
}

impl EvmWallet {
    pub(super) fn new(chain_id: u64, seed: &Seed, parameters: &Parameters, fee: Fee) -> Self {
        let honest = demand(parameters, LaneKind::Honest) as usize;
        let spam = demand(parameters, LaneKind::V08).max(demand(parameters, LaneKind::V15)) as usize;
        let senders = if matches!(parameters, Parameters::SpamDefense(_)) {
            spam.div_ceil(SPAM_PER_SENDER).max(16)
        } else {
            0
        };
        let total = honest + senders;
        let derive = |name: String| Account::derive(seed, &name);
        let root = derive("root".into());
        let count = total.div_ceil(LEAVES_PER_WAVE).clamp(1, MAX_BRANCHES);
        let branches: Vec<_> = (0..count).map(|i| derive(format!("branch {i}"))).collect();
        let mut leaves: Vec<_> = (0..total).into_par_iter().map(|i| derive(format!("leaf {i}"))).collect();
        let funded = leaves.iter().map(|leaf: &Account| leaf.address).collect();
        // Roles come after funding and do not show in it.
        Draw::new(seed, "roles").shuffle(&mut leaves);
        let first = branches.len() as u64;
        let wants_contracts = demand(parameters, LaneKind::V15) > 0;
        let contracts = (0..if wants_contracts { CONTRACTS as u64 } else { 0 })
            .map(|i| created_address(root.address, first + i))
            .collect();
        let root_text = root.address.to_string();
        Self {
            chain_id,
            fee,
            seed: *seed,
            root,
            root_text,
            branches,
            leaves,
            funded,
            honest,
            contracts,
            used: Used::default(),
        }
    }

    fn cost(&self, gas: u64) -> u128 {
        u128::from(gas) * self.fee.cap
    }

    fn leaf_amount(&self) -> u128 {
        self.cost(CALL_GAS) * (SPAM_PER_SENDER as u128 + 4)
    }

    fn branch_amount(&self) -> u128 {
        let leaves = self.funded.len().div_ceil(self.branches.len()) as u128 + 1;
        leaves * (self.leaf_amount() + self.cost(TRANSFER_GAS))
    }

    fn transfer(&self, nonce: u64, to: Address, value: u128, legacy: bool) -> Transaction {
        Transaction {
            form: if legacy { Form::Legacy } else { Form::DynamicFee },
            chain_id: self.chain_id,
            nonce,
            fee_cap: self.fee.cap,
            tip: self.fee.tip,
            gas: TRANSFER_GAS,
            to: Some(to),
            value,
            data: vec![],
        }
    }

    /// An ordinary-looking transfer: every fourth one in the legacy form, recipient and value drawn.
    fn ordinary(&self, name: &str, index: usize, nonce: u64) -> Transaction {
        let mut draw = Draw::new(&self.seed, &format!("transfer {name} {index}"));
        let to = U256::from_limbs([draw.bits(), draw.bits(), draw.bits() | 1 << 63, draw.bits()]);
        let to = Address::from_slice(&to.to_be_bytes::<32>()[12..]);
        self.transfer(nonce, to, u128::from(draw.below(1_000) + 1), draw.below(4) == 0)
    }

    fn branch_wave(&self) -> Vec<SignedTransaction> {
        let first = self.branches.len() as u64;
        let pay = self
            .branches
            .iter()
            .enumerate()
            .map(|(i, branch)| self.transfer(i as u64, branch.address, self.branch_amount(), false));
        let deploy = (0..self.contracts.len() as u64).map(|i| Transaction {
            to: None,
            gas: DEPLOY_GAS,
            data: REVERTER.to_vec(),
            ..self.transfer(first + i, Address::ZERO, 0, false)
        });
        pay.chain(deploy).map(|transaction| submission(transaction.sign(&self.root))).collect()
    }

    /// The funding of leaf `index`: by branch `index % branches`, in its order.
    fn leaf_funding(&self, index: usize) -> SignedTransaction {
        let branch = &self.branches[index % self.branches.len()];
        let nonce = (index / self.branches.len()) as u64;
        submission(self.transfer(nonce, self.funded[index], self.leaf_amount(), false).sign(branch))
    }

    fn spammer(&self, index: usize) -> &Account {
        let spammers = &self.leaves[self.honest..];
        &spammers[index % spammers.len()]
    }

    /// How many transactions the sender of spam number `index` has sent before.
    fn spam_round(&self, index: usize) -> u64 {
        (index / (self.leaves.len() - self.honest)) as u64
    }

    /// A signed transaction that is none any more: its end cut off, or in an envelope of no known type.
    fn misshapen(&self, index: usize) -> SignedTransaction {
        let (mut raw, _) = self.ordinary("V04", index, 0).sign(self.spammer(index));
        if index.is_multiple_of(2) {
            raw.truncate(raw.len() - 1 - index / 2 % 64);
        } else {
            raw.insert(0, UNKNOWN_TYPE);
        }
        let hash = keccak256(&raw);
        submission((raw, hash))
    }

    fn one(&self, kind: LaneKind, index: usize) -> SignedTransaction {
        match kind {
            LaneKind::Honest => {
                submission(self.ordinary("honest", index, 0).sign(&self.leaves[index % self.honest]))
            }
            LaneKind::Load => {
                // Nonce 0 of a branch is used: full signature recovery, no block space, no gossip.
                let branch = &self.branches[index % self.branches.len()];
                submission(self.ordinary("load", index, 0).sign(branch))
            }
            LaneKind::V01 => {
                let other = self.chain_id + 1;
                let transaction = Transaction { chain_id: other, ..self.ordinary("V01", index, 0) };
                submission(transaction.sign(self.spammer(index)))
            }
            LaneKind::V04 => self.misshapen(index),
            LaneKind::V05 => {
                let flaw = [Flaw::HighS, Flaw::OutOfRange, Flaw::FlippedBit][index % 3];
                submission(self.ordinary("V05", index, 0).sign_badly(self.spammer(index), flaw))
            }
            LaneKind::V07 => self.leaf_funding(index % self.funded.len()),
            LaneKind::V08 => {
                let nonce = NONCE_GAP + self.spam_round(index);
                let dear = Transaction { fee_cap: self.fee.cap * 2, ..self.ordinary("V08", index, nonce) };
                submission(dear.sign(self.spammer(index)))
            }
            LaneKind::V15 => {
                let call = Transaction {
                    to: Some(self.contracts[index % self.contracts.len()]),
                    gas: CALL_GAS,
                    value: 0,
                    data: (index as u32).to_be_bytes().to_vec(),
                    ..self.ordinary("V15", index, self.spam_round(index))
                };
                submission(call.sign(self.spammer(index)))
            }
        }
    }

    fn counter(&mut self, kind: LaneKind) -> &mut usize {
        match kind {
            LaneKind::Honest => &mut self.used.honest,
            LaneKind::Load => &mut self.used.load,
            LaneKind::V01 => &mut self.used.chain,
            LaneKind::V04 => &mut self.used.shape,
            LaneKind::V05 => &mut self.used.signature,
            LaneKind::V07 => &mut self.used.replay,
            LaneKind::V08 => &mut self.used.future,
            LaneKind::V15 => &mut self.used.revert,
        }
    }
}

impl Wallet for EvmWallet {
    fn root(&self) -> &str {
        &self.root_text
    }

    fn root_amount(&self) -> u128 {
        let branches = self.branches.len() as u128 * (self.branch_amount() + self.cost(TRANSFER_GAS));
        branches + self.contracts.len() as u128 * self.cost(DEPLOY_GAS)
    }

    fn waves(&self) -> usize {
        1 + self.funded.len().div_ceil(self.branches.len() * LEAVES_PER_WAVE)
    }

    fn wave(&self, number: usize) -> Vec<SignedTransaction> {
        if number == 0 {
            return self.branch_wave();
        }
        let size = self.branches.len() * LEAVES_PER_WAVE;
        let end = (number * size).min(self.funded.len());
        ((number - 1) * size..end).into_par_iter().map(|index| self.leaf_funding(index)).collect()
    }

    fn take(&mut self, kind: LaneKind, count: usize) -> Vec<SignedTransaction> {
        let first = *self.counter(kind);
        *self.counter(kind) += count;
        (first..first + count).into_par_iter().map(|index| self.one(kind, index)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::trial::SpamDefense;
    use std::collections::BTreeSet;

    fn wallet() -> EvmWallet {
        let parameters = Parameters::SpamDefense(SpamDefense {
            honest_rate: 20,
            horizon_blocks: 20,
            base_ms: 2_000,
            attack_ms: 2_000,
            settle_ms: 0,
            recover_ms: 2_000,
            intensities: vec![200],
            vectors: model::Vector::ALL.to_vec(),
        });
        EvmWallet::new(
            9998,
            &Seed::from_number(1),
            &parameters,
            Fee { cap: 5_000_000_000, tip: 1_000_000_000 },
        )
    }

    #[test]
    fn every_leaf_is_funded_once_and_no_transaction_repeats() {
        let mut wallet = wallet();
        let mut ids = BTreeSet::new();
        let mut funding = 0;
        for wave in 0..wallet.waves() {
            for transaction in wallet.wave(wave) {
                funding += 1;
                assert!(ids.insert(transaction.id));
            }
        }
        assert_eq!(funding, wallet.branches.len() + CONTRACTS + wallet.leaves.len());
        let kinds = [
            LaneKind::Honest,
            LaneKind::Load,
            LaneKind::V01,
            LaneKind::V04,
            LaneKind::V05,
            LaneKind::V08,
            LaneKind::V15,
        ];
        for kind in kinds {
            for _ in 0..2 {
                for transaction in wallet.take(kind, 100) {
                    assert!(ids.insert(transaction.id), "{kind:?} repeats");
                }
            }
        }
        let replays: Vec<_> = wallet.take(LaneKind::V07, 50);
        assert!(replays.iter().all(|replay| ids.contains(&replay.id)));
    }

    #[test]
    fn no_sender_holds_more_than_a_pool_grants_it() {
        let wallet = wallet();
        assert!(wallet.wave(1).len() <= wallet.branches.len() * LEAVES_PER_WAVE);
        // 200 a second for two seconds.
        assert!(wallet.spam_round(400 - 1) < 16);
    }

    #[test]
    fn roles_do_not_follow_the_order_of_funding() {
        let wallet = wallet();
        let honest: BTreeSet<_> = wallet.leaves[..wallet.honest].iter().map(|leaf| leaf.address).collect();
        let early = wallet.funded[..wallet.honest].iter().filter(|address| honest.contains(*address)).count();
        assert!(early < wallet.honest);
    }
}
