//! The accounts of one run: root, branches, leaves, and what each signs. How a transaction is written and submitted
//! is the family's matter: its [`Pen`].

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256, keccak256};
use model::plan::{LaneKind, demand};
use model::{Draw, Parameters, Seed, Vector};
use rayon::prelude::*;

use crate::account::{Account, Flaw};
use crate::driver::{Payment, Request, SignedTransaction, Wallet};
use crate::jsonrpc;

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
/// What V08 offers more, per mille.
const TWICE: u32 = 1_000;
/// What the bids for one place offer more, per mille: each a hundredth more than the one before, and the last less than
/// the tenth more than the first that pools ask for.
const RAISES: [u32; Vector::BIDS as usize] = [0, 10, 21, 32, 43, 54, 65, 76, 87, 98];
/// Calls in one batch of V20: geth takes 1000.
const BATCH_CALLS: usize = 1_001;
/// How the id of such a batch begins, which is no transaction's.
pub(crate) const BATCH_ID: &str = "batch";
/// First byte of an envelope that neither Ethereum nor Kaia knows, below those of legacy transactions.
const UNKNOWN_TYPE: u8 = 0x7e;

/// Creates a contract of five bytes, `PUSH1 0 PUSH1 0 REVERT`.
const REVERTER: [u8; 14] =
    [0x64, 0x60, 0x00, 0x60, 0x00, 0xfd, 0x60, 0x00, 0x52, 0x60, 0x05, 0x60, 0x1b, 0xf3];

/// A transaction as the wallet wants it. Money in the smallest unit.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) chain_id: u64,
    pub(crate) nonce: u64,
    /// 0 to 3, drawn: which of the family's forms an ordinary transaction has.
    pub(crate) style: u64,
    /// Offers so much more than the usual price, per mille, where the chain leaves that free.
    pub(crate) raise: u32,
    pub(crate) gas: u64,
    /// None: a contract is created.
    pub(crate) to: Option<Address>,
    pub(crate) value: u128,
    pub(crate) data: Vec<u8>,
}

impl Payment<'_> {
    /// The payment as an order.
    ///
    /// # Errors
    /// In words, when the account is no address.
    pub(crate) fn transfer(&self) -> Result<Order, String> {
        let to: Address = self.account.parse().map_err(|_| format!("`{}` is no address", self.account))?;
        Ok(Order { value: self.amount, ..Order::transfer(self.chain_id, self.sequence, to) })
    }
}

impl Order {
    /// A transfer of nothing yet.
    fn transfer(chain_id: u64, nonce: u64, to: Address) -> Self {
        let (to, data) = (Some(to), Vec::new());
        Self { chain_id, nonce, style: 1, raise: 0, gas: TRANSFER_GAS, to, value: 0, data }
    }
}

/// How a family writes transactions.
pub(crate) trait Pen: Send + Sync {
    /// The most that a unit of gas can cost, smallest unit.
    fn price(&self) -> u128;

    /// What `account` signs, spoiled by `flaw`, with its hash.
    fn raw(&self, order: &Order, account: &Account, flaw: Option<Flaw>) -> (Vec<u8>, B256);

    /// The submission of a raw transaction with this hash.
    fn submission(&self, raw: &[u8], hash: B256) -> SignedTransaction;

    /// The submission of what `account` signs, spoiled by `flaw`.
    fn write(&self, order: &Order, account: &Account, flaw: Option<Flaw>) -> SignedTransaction {
        let (raw, hash) = self.raw(order, account, flaw);
        self.submission(&raw, hash)
    }
}

/// The accounts of one run.
pub(crate) struct Tree<P> {
    pen: P,
    chain_id: u64,
    seed: Seed,
    root: Account,
    root_text: String,
    branches: Vec<Account>,
    /// In the order of their roles: the first `honest` are used once each, then those that send spam, those that bid
    /// for a place, and those that are the family's own.
    leaves: Vec<Account>,
    /// Leaves in the order of their funding.
    funded: Vec<Address>,
    honest: usize,
    spammers: usize,
    /// One for each place that is bid for.
    bidders: usize,
    contracts: Vec<Address>,
    /// The request of V20.
    batch: Request,
    /// How many transactions of each kind were taken.
    used: BTreeMap<LaneKind, usize>,
}

impl<P: Pen> Tree<P> {
    /// With `own` more leaves for purposes of the family.
    pub(crate) fn new(chain_id: u64, seed: &Seed, parameters: &Parameters, pen: P, own: usize) -> Self {
        let honest = demand(parameters, LaneKind::Honest) as usize;
        let spammers = spammers(parameters);
        let bidders = (demand(parameters, LaneKind::V11) as usize).div_ceil(RAISES.len());
        let total = honest + spammers + bidders + own;
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
            .map(|i| root.address.create(first + i))
            .collect();
        let root_text = root.address.to_string();
        let used = BTreeMap::new();
        Self {
            pen,
            chain_id,
            seed: *seed,
            root,
            root_text,
            branches,
            leaves,
            funded,
            honest,
            spammers,
            bidders,
            contracts,
            batch: jsonrpc::repeated("eth_chainId", BATCH_CALLS),
            used,
        }
    }

    /// The leaves that are the family's own.
    pub(crate) fn own(&self) -> &[Account] {
        &self.leaves[self.honest + self.spammers + self.bidders..]
    }

    /// How this wallet writes.
    pub(crate) fn pen(&self) -> &P {
        &self.pen
    }

    /// The chain's id.
    pub(crate) fn chain_id(&self) -> u64 {
        self.chain_id
    }

    fn cost(&self, gas: u64) -> u128 {
        u128::from(gas) * self.pen.price()
    }

    fn leaf_amount(&self) -> u128 {
        self.cost(CALL_GAS) * (SPAM_PER_SENDER as u128 + 4)
    }

    fn branch_amount(&self) -> u128 {
        let leaves = self.funded.len().div_ceil(self.branches.len()) as u128 + 1;
        leaves * (self.leaf_amount() + self.cost(TRANSFER_GAS))
    }

    fn transfer(&self, nonce: u64, to: Address, value: u128) -> Order {
        Order { value, ..Order::transfer(self.chain_id, nonce, to) }
    }

    /// An ordinary-looking transfer: form, recipient and value drawn.
    fn ordinary(&self, name: &str, index: usize, nonce: u64) -> Order {
        let mut draw = Draw::new(&self.seed, &format!("transfer {name} {index}"));
        let to = U256::from_limbs([draw.bits(), draw.bits(), draw.bits() | 1 << 63, draw.bits()]);
        let to = Address::from_slice(&to.to_be_bytes::<32>()[12..]);
        let value = u128::from(draw.below(1_000) + 1);
        Order { style: draw.below(4), ..self.transfer(nonce, to, value) }
    }

    fn write(&self, order: &Order, account: &Account) -> SignedTransaction {
        self.pen.write(order, account, None)
    }

    fn branch_wave(&self) -> Vec<SignedTransaction> {
        let first = self.branches.len() as u64;
        let pay = self
            .branches
            .iter()
            .enumerate()
            .map(|(i, branch)| self.transfer(i as u64, branch.address, self.branch_amount()));
        let deploy = (0..self.contracts.len() as u64).map(|i| Order {
            to: None,
            gas: DEPLOY_GAS,
            data: REVERTER.to_vec(),
            ..self.transfer(first + i, Address::ZERO, 0)
        });
        pay.chain(deploy).map(|order| self.write(&order, &self.root)).collect()
    }

    /// The funding of leaf `index`: by branch `index % branches`, in its order.
    fn leaf_funding(&self, index: usize) -> SignedTransaction {
        let branch = &self.branches[index % self.branches.len()];
        let nonce = (index / self.branches.len()) as u64;
        self.write(&self.transfer(nonce, self.funded[index], self.leaf_amount()), branch)
    }

    fn spammer(&self, index: usize) -> &Account {
        &self.leaves[self.honest + index % self.spammers]
    }

    /// How many transactions the sender of spam number `index` has sent before.
    fn spam_round(&self, index: usize) -> u64 {
        (index / self.spammers) as u64
    }

    /// A signed transaction that is none any more: its end cut off, or in an envelope of no known type.
    fn misshapen(&self, index: usize) -> SignedTransaction {
        let (mut raw, _) = self.pen.raw(&self.ordinary("V04", index, 0), self.spammer(index), None);
        if index.is_multiple_of(2) {
            raw.truncate(raw.len() - 1 - index / 2 % 64);
        } else {
            raw.insert(0, UNKNOWN_TYPE);
        }
        self.pen.submission(&raw, keccak256(&raw))
    }

    /// None for a kind that is the family's own.
    fn one(&self, kind: LaneKind, index: usize) -> Option<SignedTransaction> {
        Some(match kind {
            LaneKind::Honest => {
                self.write(&self.ordinary("honest", index, 0), &self.leaves[index % self.honest])
            }
            LaneKind::Load => {
                // Nonce 0 of a branch is used: full signature recovery, no block space, no gossip.
                let branch = &self.branches[index % self.branches.len()];
                self.write(&self.ordinary("load", index, 0), branch)
            }
            LaneKind::V01 => {
                let order = Order { chain_id: self.chain_id + 1, ..self.ordinary("V01", index, 0) };
                self.write(&order, self.spammer(index))
            }
            LaneKind::V04 => self.misshapen(index),
            LaneKind::V05 => {
                let flaw = [Flaw::HighS, Flaw::OutOfRange, Flaw::FlippedBit][index % 3];
                self.pen.write(&self.ordinary("V05", index, 0), self.spammer(index), Some(flaw))
            }
            LaneKind::V07 => self.leaf_funding(index % self.funded.len()),
            LaneKind::V08 => {
                let nonce = NONCE_GAP + self.spam_round(index);
                let order = Order { raise: TWICE, ..self.ordinary("V08", index, nonce) };
                self.write(&order, self.spammer(index))
            }
            LaneKind::V11 => {
                let (place, bid) = (index / RAISES.len(), index % RAISES.len());
                let bidder = &self.leaves[self.honest + self.spammers + place % self.bidders];
                let nonce = (place / self.bidders) as u64;
                let order = Order { raise: RAISES[bid], ..self.ordinary("V11", index, nonce) };
                self.write(&order, bidder)
            }
            LaneKind::V20 => {
                SignedTransaction { id: format!("{BATCH_ID} {index}"), request: self.batch.clone() }
            }
            LaneKind::V15 => self.write(&self.revert(index), self.spammer(index)),
            LaneKind::KeyChange => return None,
        })
    }

    fn revert(&self, index: usize) -> Order {
        Order {
            to: Some(self.contracts[index % self.contracts.len()]),
            gas: CALL_GAS,
            value: 0,
            data: (index as u32).to_be_bytes().to_vec(),
            ..self.ordinary("V15", index, self.spam_round(index))
        }
    }
}

/// Accounts that send the spam of a plan.
fn spammers(parameters: &Parameters) -> usize {
    let spam = demand(parameters, LaneKind::V08).max(demand(parameters, LaneKind::V15)) as usize;
    match parameters {
        Parameters::SpamDefense(_) => spam.div_ceil(SPAM_PER_SENDER).max(16),
        Parameters::TrafficThroughput(_) | Parameters::Duty(_) | Parameters::KeyChange(_) => 0,
    }
}

impl<P: Pen> Wallet for Tree<P> {
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
        let used = self.used.entry(kind).or_default();
        let first = *used;
        *used += count;
        (first..first + count).into_par_iter().filter_map(|index| self.one(kind, index)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use model::trial::SpamDefense;
    use std::collections::BTreeSet;

    /// Writes orders as they stand.
    struct Plain;

    impl Pen for Plain {
        fn price(&self) -> u128 {
            5_000_000_000
        }

        fn raw(&self, order: &Order, account: &Account, flaw: Option<Flaw>) -> (Vec<u8>, B256) {
            let raw = format!("{} {order:?} {flaw:?}", account.address).into_bytes();
            let hash = keccak256(&raw);
            (raw, hash)
        }

        fn submission(&self, raw: &[u8], hash: B256) -> SignedTransaction {
            SignedTransaction { id: hash.to_string(), request: Request(Bytes::copy_from_slice(raw)) }
        }
    }

    fn wallet() -> Tree<Plain> {
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
        Tree::new(9998, &Seed::from_number(1), &parameters, Plain, 3)
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
    fn bids_for_one_place_rise_and_none_outbids_the_first() {
        let mut wallet = wallet();
        let bids = wallet.take(LaneKind::V11, 25);
        let senders: Vec<&str> = bids
            .iter()
            .filter_map(|one| one.request.0.split(|b| *b == b' ').next())
            .map(|b| std::str::from_utf8(b).unwrap())
            .collect();
        assert!(senders[..10].iter().all(|sender| *sender == senders[0]));
        assert_ne!(senders[0], senders[10]);
        for pair in RAISES.windows(2) {
            assert!((1_000 + pair[1]) * 100 >= (1_000 + pair[0]) * 101, "{pair:?}");
        }
        assert!(RAISES.iter().all(|raise| *raise < 100));
    }

    #[test]
    fn what_is_the_familys_own_is_funded_and_has_no_other_use() {
        let mut wallet = wallet();
        assert_eq!(wallet.own().len(), 3);
        let own: Vec<String> = wallet.own().iter().map(|leaf| leaf.address.to_string()).collect();
        for kind in LaneKind::ALL {
            let taken = wallet.take(kind, 500);
            let senders = taken.iter().filter_map(|one| one.id.split(' ').next());
            assert!(!senders.into_iter().any(|sender| own.iter().any(|one| one == sender)), "{kind:?}");
        }
        assert!(wallet.take(LaneKind::KeyChange, 2).is_empty());
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
