//! The accounts of a run on Kaia: ordinary traffic in three forms, and accounts whose keys change.

use alloy_primitives::B256;
use model::plan::{LaneKind, demand};
use model::{Parameters, Seed};
use rayon::prelude::*;

use super::key_change::{Change, KeyChange};
use super::transaction::{Body, Fee, Signed, Transaction};
use crate::account::{Account, Flaw};
use crate::driver::{Context, SignedTransaction, Wallet};
use crate::evm::transaction::{Form, Transaction as Legacy};
use crate::jsonrpc::call;
use crate::order::{Order, Pen};
use crate::wallet::Tree;

/// What goes with a transfer that has a memo.
const MEMO: &[u8] = b"touchstone";
/// Gas for that beside the transfer's own: 100 a byte, and room.
const MEMO_GAS: u64 = 2_000;

/// Writes typed and legacy transactions.
#[derive(Clone)]
pub(super) struct KaiaPen {
    /// Offered for a unit of gas, kei.
    price: u128,
    /// Offered where it is to be much.
    dear: u128,
    namespace: &'static str,
}

impl KaiaPen {
    /// The unit price where there is one; else four times the base fee at the start, so that a short burst of full
    /// blocks does not price the run out.
    pub(super) fn of(context: Context) -> Self {
        let factor = if context.fixed { 1 } else { 4 };
        let price = context.price.saturating_mul(factor);
        let dear = if context.fixed { price } else { price.saturating_mul(2) };
        Self { price, dear, namespace: context.namespace }
    }

    fn typed(&self, signed: &Signed) -> SignedTransaction {
        self.submission(&signed.raw, signed.hash)
    }
}

impl Pen for KaiaPen {
    fn price(&self) -> u128 {
        self.price
    }

    /// Of four ordinary transfers one is legacy and one has a memo; contracts are made and called in the legacy form.
    fn raw(&self, order: &Order, account: &Account, flaw: Option<Flaw>) -> (Vec<u8>, B256) {
        let price = if order.raise > 0 { self.dear } else { self.price };
        let &Order { chain_id, nonce, gas, value, .. } = order;
        let to = order.to.filter(|_| order.style > 0 && order.data.is_empty());
        let Some(to) = to else {
            let (form, to, data) = (Form::Legacy, order.to, order.data.clone());
            let legacy = Legacy { form, chain_id, nonce, fee_cap: price, tip: 0, gas, to, value, data };
            return legacy.sign(account, flaw);
        };
        let (body, gas) = if order.style == 3 {
            (Body::ValueTransferMemo { to, value, memo: MEMO.to_vec() }, gas + MEMO_GAS)
        } else {
            (Body::ValueTransfer { to, value }, gas)
        };
        let from = account.address();
        let transaction = Transaction { chain_id, nonce, price, gas, from, body, fee: Fee::Own };
        let signed = transaction.sign_with(&[account], &[], flaw);
        (signed.raw, signed.hash)
    }

    fn submission(&self, raw: &[u8], hash: B256) -> SignedTransaction {
        let method = format!("{}_sendRawTransaction", self.namespace);
        let request = call(&method, &format!(r#"["0x{}"]"#, hex::encode(raw)));
        SignedTransaction { id: hash.to_string(), request }
    }
}

/// When the changes of an account are in the chain, milliseconds: also where a turn fails meanwhile, which takes ten
/// seconds, and a block or two more. What comes too early is refused, and the run then waits for it in vain.
const LANDED_MS: u32 = 13_000;

/// The bursts of a plan, by which key changes are taken: one lane's after another's.
#[derive(Clone, Copy)]
struct Bursts {
    /// Of one lane.
    count: usize,
    /// Accounts of each.
    accounts: usize,
    /// After so many of them, what was sent is in the chain.
    landed: usize,
}

impl Bursts {
    fn of(parameters: &Parameters) -> Option<Self> {
        let Parameters::KeyChange(plan) = parameters else { return None };
        let landed = LANDED_MS.div_ceil(plan.burst_ms.max(1)) as usize + 1;
        Some(Self { count: plan.bursts as usize, accounts: plan.accounts as usize, landed })
    }

    /// Whose changes of before pair `index` follows: the last of a burst goes to an account of an earlier one, of one place
    /// in as many bursts as there are kinds, and all others to accounts that are fresh.
    fn earlier(self, index: usize) -> Option<usize> {
        let burst = index / self.accounts.max(1) % self.count.max(1);
        let others = self.accounts.checked_sub(1).filter(|others| *others > 0)?;
        let is_last = index % self.accounts == others;
        (is_last && burst >= self.landed)
            .then(|| index - others - self.landed * self.accounts + burst / Change::ALL.len() % others)
    }

    /// How far the kinds of changes have gone on at pair `index`: by one a burst, so that also those who are alone fresh
    /// in theirs, and those who come back, are of all kinds.
    fn step(self, index: usize) -> usize {
        let accounts = self.accounts.max(1);
        index / accounts + index % accounts
    }
}

/// The tree of accounts, and among its leaves those whose keys change.
pub(super) struct KaiaWallet {
    tree: Tree<KaiaPen>,
    seed: Seed,
    bursts: Option<Bursts>,
    /// Key changes taken.
    changes: usize,
}

impl KaiaWallet {
    /// Each pair of changes needs an account and one that may pay its fee.
    pub(super) fn new(chain_id: u64, seed: &Seed, parameters: &Parameters, context: Context) -> Self {
        let pairs = (demand(parameters, LaneKind::KeyChange) as usize).div_ceil(2);
        Self::with(chain_id, seed, parameters, context, pairs)
    }

    fn with(chain_id: u64, seed: &Seed, parameters: &Parameters, context: Context, pairs: usize) -> Self {
        let tree = Tree::new(chain_id, seed, parameters, KaiaPen::of(context), pairs * 2);
        Self { tree, seed: *seed, bursts: Bursts::of(parameters), changes: 0 }
    }

    /// Pair number `index`: of a fresh account, or of one whose keys have changed.
    fn pair(&self, index: usize) -> Option<[SignedTransaction; 2]> {
        let earlier = self.bursts.and_then(|bursts| bursts.earlier(index));
        let index = earlier.unwrap_or(index);
        let [own, payer] = self.tree.own().chunks(2).nth(index)? else { return None };
        let other = |name: &str| Account::derive(&self.seed, &format!("key change {index} {name}"));
        let (first, second) = (other("first"), other("second"));
        let change = KeyChange {
            chain_id: self.tree.chain_id(),
            price: self.tree.pen().price(),
            own,
            others: [&first, &second],
            payer,
        };
        let kind = Change::ALL[self.bursts.map_or(index, |bursts| bursts.step(index)) % Change::ALL.len()];
        let pair = if earlier.is_some() { change.later(kind) } else { change.pair(kind) };
        Some(pair.map(|one| self.tree.pen().typed(&one)))
    }

    /// The next `count` changes: the two of an account one after the other.
    fn key_changes(&mut self, count: usize) -> Vec<SignedTransaction> {
        let first = self.changes;
        self.changes += count;
        let pairs = self.tree.own().len() / 2;
        let (from, to) = (first / 2, (first + count).div_ceil(2).min(pairs));
        let signed: Vec<_> = (from..to.max(from))
            .into_par_iter()
            .flat_map_iter(|index| self.pair(index).into_iter().flatten())
            .collect();
        signed.into_iter().skip(first % 2).take(count).collect()
    }
}

impl Wallet for KaiaWallet {
    fn root(&self) -> &str {
        self.tree.root()
    }

    fn root_amount(&self) -> u128 {
        self.tree.root_amount()
    }

    fn waves(&self) -> usize {
        self.tree.waves()
    }

    fn wave(&self, number: usize) -> Vec<SignedTransaction> {
        self.tree.wave(number)
    }

    fn take(&mut self, kind: LaneKind, count: usize) -> Vec<SignedTransaction> {
        match kind {
            LaneKind::KeyChange => self.key_changes(count),
            other => self.tree.take(other, count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::trial::{SpamDefense, Vector};

    const PRICE: u128 = 25_000_000_000;

    fn wallet(fixed: bool, pairs: usize) -> KaiaWallet {
        let parameters = Parameters::SpamDefense(SpamDefense {
            honest_rate: 20,
            horizon_blocks: 20,
            base_ms: 2_000,
            attack_ms: 2_000,
            settle_ms: 0,
            recover_ms: 2_000,
            intensities: vec![50],
            vectors: Vector::ALL.to_vec(),
            gapped_accounts: 1,
            halt_ms: None,
        });
        let context = Context { price: PRICE, fixed, namespace: "klay" };
        KaiaWallet::with(9_999, &Seed::from_number(1), &parameters, context, pairs)
    }

    /// The first byte of a submitted transaction.
    fn kind(sent: &SignedTransaction) -> u8 {
        let body: serde_json::Value = serde_json::from_slice(&sent.request.0).unwrap();
        assert_eq!(body["method"], "klay_sendRawTransaction");
        hex::decode(&body["params"][0].as_str().unwrap()[2..]).unwrap()[0]
    }

    #[test]
    fn ordinary_traffic_is_a_mix_of_three_forms() {
        let mut wallet = wallet(false, 0);
        let kinds: Vec<u8> = wallet.take(LaneKind::Honest, 100).iter().map(kind).collect();
        let share = |one: u8| kinds.iter().filter(|kind| **kind == one).count();
        let legacy = kinds.iter().filter(|kind| **kind >= 0xc0).count();
        assert_eq!(share(0x08) + share(0x10) + legacy, 100);
        assert!(share(0x08) > 30 && share(0x10) > 10 && legacy > 10, "{kinds:?}");
    }

    #[test]
    fn a_fixed_price_is_offered_exactly_and_a_base_fee_with_room() {
        let fixed = KaiaPen::of(Context { price: PRICE, fixed: true, namespace: "klay" });
        assert_eq!((fixed.price, fixed.dear), (PRICE, PRICE));
        let floating = KaiaPen::of(Context { price: PRICE, fixed: false, namespace: "kaia" });
        assert_eq!((floating.price, floating.dear), (4 * PRICE, 8 * PRICE));
    }

    #[test]
    fn the_two_changes_of_an_account_come_one_after_the_other_however_they_are_taken() {
        let whole: Vec<_> = wallet(true, 7).take(LaneKind::KeyChange, 14);
        let kinds: Vec<u8> = whole.iter().map(kind).collect();
        assert_eq!(kinds, [32, 32, 32, 32, 32, 32, 33, 33, 34, 34, 32, 8, 32, 32]);
        let mut wallet = wallet(true, 7);
        let parts: Vec<_> =
            [3, 1, 8, 5].into_iter().flat_map(|count| wallet.take(LaneKind::KeyChange, count)).collect();
        assert_eq!(parts, whole, "and there are no more than there are accounts");
    }

    /// Of 24 bursts of three accounts, the last four of each lane have one whose keys changed twenty bursts before.
    #[test]
    fn accounts_whose_keys_have_changed_come_back_once() {
        let plan = model::plan::key_change::KeyChange {
            honest_rate: 1,
            horizon_blocks: 20,
            calm_ms: 1_000,
            bursts: 24,
            burst_ms: 700,
            accounts: 3,
            recover_ms: 1_000,
            halt_ms: 30_000,
        };
        let parameters = Parameters::KeyChange(plan);
        let bursts = Bursts::of(&parameters).unwrap();
        let of_lane = |lane: usize| [62, 65, 68, 71].map(|last| lane * 72 + last);
        let back: Vec<(usize, usize)> =
            (0..288).filter_map(|index| Some((index, bursts.earlier(index)?))).collect();
        let indices: Vec<usize> = back.iter().map(|(index, _)| *index).collect();
        assert_eq!(indices, [0, 1, 2, 3].map(of_lane).concat());
        for (index, earlier) in &back {
            assert_eq!((index / 3 - earlier / 3, index / 72), (20, earlier / 72), "of the same lane");
            assert!(bursts.earlier(*earlier).is_none(), "a fresh one");
        }
        let context = Context { price: PRICE, fixed: true, namespace: "klay" };
        let mut wallet = KaiaWallet::new(9_999, &Seed::from_number(1), &parameters, context);
        let all = wallet.take(LaneKind::KeyChange, 576);
        let ids: std::collections::BTreeSet<&String> = all.iter().map(|one| &one.id).collect();
        assert_eq!((all.len(), ids.len()), (576, 576));
        for accounts in [2, 3, 5] {
            let many = Bursts { count: 50, accounts, landed: 13 };
            let kinds = |comes_back: bool| {
                let of = (0..200 * accounts).filter(|index| {
                    index / accounts % 50 >= 13 && many.earlier(*index).is_some() == comes_back
                });
                let kinds =
                    of.map(|index| many.step(many.earlier(index).unwrap_or(index)) % Change::ALL.len());
                kinds.collect::<std::collections::BTreeSet<usize>>().len()
            };
            assert_eq!((kinds(true), kinds(false)), (6, 6), "of all kinds, {accounts} accounts");
        }
        let single = KaiaWallet { bursts: Some(Bursts { accounts: 1, ..bursts }), ..wallet };
        assert!((0..80).all(|index| single.bursts.unwrap().earlier(index).is_none()), "none is left fresh");
    }
}
