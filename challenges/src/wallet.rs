//! The accounts of one run: root, branches, leaves, and what each signs. How a transaction is written and submitted
//! is the family's matter: its [`Pen`].

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256, keccak256};
use model::plan::spam_defense::{BEHIND_GAP, behind_gap, gapped};
use model::plan::{LaneKind, demand};
use model::{Draw, Parameters, Seed, Vector};
use rayon::prelude::*;

use crate::account::{Account, Flaw};
use crate::driver::{Request, SignedTransaction, Wallet};
use crate::jsonrpc;
use crate::order::{Order, Pen, TRANSFER_GAS};

/// Leaves that one branch pays in one wave: below the 16 slots that pools grant every account
/// (geth `accountslots`, kaia `exec-slots.account`).
const LEAVES_PER_WAVE: usize = 12;
/// Spam transactions of one sender, below the same 16 slots.
const SPAM_PER_SENDER: usize = 12;
const MAX_BRANCHES: usize = 32;
/// Contracts whose every call reverts: "revert spam to many addresses" (V15).
const CONTRACTS: usize = 32;
const DEPLOY_GAS: u64 = 120_000;
const CALL_GAS: u64 = 60_000;
/// How far ahead of the account's nonce V08 begins.
const NONCE_GAP: u64 = 100;
/// What V08 offers more, per mille.
const TWICE: u32 = 1_000;
/// Most that a transaction behind a gap that is filled can use: a transfer, with a memo where the family has one.
const BEHIND_GAP_GAS: u64 = 24_000;
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
    /// Accounts of V08 whose gap is filled. They pay for all that stands behind it, so that the root funds them apart.
    gapped: Vec<Account>,
    /// How many of them a flood has, if it is large enough.
    gapped_each: u32,
    /// How many of them have had their flood.
    flooded: usize,
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
        let gaps = demand(parameters, LaneKind::GapFill) as usize;
        let gapped = (0..gaps).map(|i| derive(format!("gapped {i}"))).collect();
        let gapped_each = match parameters {
            Parameters::SpamDefense(p) => p.gapped_accounts,
            Parameters::TrafficThroughput(_) | Parameters::Duty(_) | Parameters::KeyChange(_) => 0,
        };
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
            gapped,
            gapped_each,
            flooded: 0,
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

    /// Pays for all behind the gap and what fills it, at the price of V08.
    fn gapped_amount(&self) -> u128 {
        let each = self.cost(BEHIND_GAP_GAS) * u128::from(1_000 + TWICE) / 1_000;
        each * (u128::from(BEHIND_GAP) + 1)
    }

    fn branch_amount(&self) -> u128 {
        let leaves = self.funded.len().div_ceil(self.branches.len()) as u128 + 1;
        leaves * (self.leaf_amount() + self.cost(TRANSFER_GAS))
    }

    fn transfer(&self, nonce: u64, to: Address, value: u128) -> Order {
        Order { value, ..Order::transfer(self.chain_id, nonce, to) }
    }

    /// A transfer in the oldest form, which each way of sending several at once takes.
    fn payment(&self, nonce: u64, to: Address, value: u128) -> Order {
        Order { style: 0, ..self.transfer(nonce, to, value) }
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
            .map(|(i, branch)| self.payment(i as u64, branch.address, self.branch_amount()));
        let deploy = (0..self.contracts.len() as u64).map(|i| Order {
            to: None,
            gas: DEPLOY_GAS,
            data: REVERTER.to_vec(),
            ..self.transfer(first + i, Address::ZERO, 0)
        });
        let next = first + self.contracts.len() as u64;
        let flooders = (next..).zip(&self.gapped);
        let flooders =
            flooders.map(|(nonce, account)| self.payment(nonce, account.address, self.gapped_amount()));
        pay.chain(deploy).chain(flooders).map(|order| self.write(&order, &self.root)).collect()
    }

    /// The funding of leaf `index`: by branch `index % branches`, in its order.
    fn leaf_funding(&self, index: usize) -> SignedTransaction {
        let branch = &self.branches[index % self.branches.len()];
        let nonce = (index / self.branches.len()) as u64;
        self.write(&self.payment(nonce, self.funded[index], self.leaf_amount()), branch)
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
            LaneKind::GapFill => self.of_gapped(index, 0),
            LaneKind::KeyChange => return None,
        })
    }

    /// What a gapped account signs with this nonce: as dear as the rest of the flood, also what fills the gap, so that it
    /// lands first.
    fn of_gapped(&self, account: usize, nonce: u64) -> SignedTransaction {
        let ordinary = self.ordinary(&format!("gapped {account}"), nonce as usize, nonce);
        self.write(&Order { raise: TWICE, ..ordinary }, &self.gapped[account])
    }

    /// The next `count` transactions of V08, one flood: first those of its gapped accounts.
    fn flood(&mut self, count: usize) -> Vec<SignedTransaction> {
        let accounts = gapped(self.gapped_each, count as u32);
        let first = self.flooded;
        self.flooded += accounts as usize;
        let behind = (0..).map_while(|index| behind_gap(accounts, index));
        let behind: Vec<_> = behind.map(|(account, nonce)| (first + account as usize, nonce)).collect();
        let rest = self.take_of(LaneKind::V08, count - behind.len());
        let mut flood: Vec<_> =
            behind.into_par_iter().map(|(account, nonce)| self.of_gapped(account, nonce)).collect();
        flood.extend(rest);
        flood
    }

    fn take_of(&mut self, kind: LaneKind, count: usize) -> Vec<SignedTransaction> {
        let used = self.used.entry(kind).or_default();
        let first = *used;
        *used += count;
        (first..first + count).into_par_iter().filter_map(|index| self.one(kind, index)).collect()
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
    let gapped = demand(parameters, LaneKind::GapFill) * BEHIND_GAP;
    let flood = demand(parameters, LaneKind::V08) - gapped;
    let spam = flood.max(demand(parameters, LaneKind::V15)) as usize;
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
        let gapped = self.gapped.len() as u128 * (self.gapped_amount() + self.cost(TRANSFER_GAS));
        branches + gapped + self.contracts.len() as u128 * self.cost(DEPLOY_GAS)
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
        if kind == LaneKind::V08 { self.flood(count) } else { self.take_of(kind, count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::B256;
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
            gapped_accounts: 2,
            halt_ms: None,
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
        assert_eq!(funding, wallet.branches.len() + CONTRACTS + wallet.gapped.len() + wallet.leaves.len());
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
    fn gapped_accounts_leave_out_a_nonce_which_is_filled_and_can_pay_for_all_of_it() {
        let (mut wallet, mut again) = (wallet(), wallet());
        // 400 a flood: two accounts of 192, and 16 others.
        let flood = wallet.take(LaneKind::V08, 400);
        assert_eq!(flood, again.take(LaneKind::V08, 400), "the seed decides");
        let fills = wallet.take(LaneKind::GapFill, 2);
        let words = |one: &SignedTransaction| {
            let text = String::from_utf8(one.request.0.to_vec()).unwrap();
            let nonce = text.split_once("nonce: ").unwrap().1.split_once(',').unwrap().0.parse::<u64>();
            (text.split(' ').next().unwrap().to_owned(), nonce.unwrap())
        };
        for (account, fill) in fills.iter().enumerate() {
            let (sender, nonce) = words(fill);
            assert_eq!((sender.as_str(), nonce), (wallet.gapped[account].address.to_string().as_str(), 0));
            let nonces: Vec<u64> =
                flood.iter().map(words).filter(|(one, _)| *one == sender).map(|(_, nonce)| nonce).collect();
            assert!(nonces.iter().copied().eq(1..=u64::from(BEHIND_GAP)), "{nonces:?}");
        }
        assert!(flood[384..].iter().map(words).all(|(_, nonce)| nonce >= NONCE_GAP), "these gaps stay");
        let dearest = Plain.price() * 2 * u128::from(TRANSFER_GAS) + 1_000;
        assert!(wallet.gapped_amount() >= dearest * (u128::from(BEHIND_GAP) + 1));
        let paid = wallet.wave(0).len() - wallet.branches.len() - CONTRACTS;
        assert_eq!(paid, wallet.gapped.len(), "and is paid so much, by the root");
    }

    #[test]
    fn each_flood_has_gapped_accounts_of_its_own() {
        let parameters = Parameters::SpamDefense(SpamDefense {
            honest_rate: 1,
            horizon_blocks: 20,
            base_ms: 1_000,
            attack_ms: 1_000,
            settle_ms: 0,
            recover_ms: 1_000,
            intensities: vec![100, 200, 500],
            vectors: vec![model::Vector::V08],
            gapped_accounts: 2,
            halt_ms: None,
        });
        let mut wallet = Tree::new(9998, &Seed::from_number(1), &parameters, Plain, 0);
        assert_eq!(wallet.gapped.len(), 1 + 2);
        let mut ids = BTreeSet::new();
        for (flood, fills) in [(100, 0), (200, 1), (500, 2)] {
            let taken =
                wallet.take(LaneKind::V08, flood).into_iter().chain(wallet.take(LaneKind::GapFill, fills));
            let fresh = taken.filter(|one| ids.insert(one.id.clone())).count();
            assert_eq!(fresh, flood + fills);
        }
        assert_eq!(wallet.flooded, wallet.gapped.len());
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
            let count = if kind == LaneKind::GapFill { wallet.gapped.len() } else { 390 };
            let taken = wallet.take(kind, count);
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
