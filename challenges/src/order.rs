//! A transaction before it is written: what it is to do, and how a family writes it.

use alloy_primitives::{Address, B256};

use crate::account::{Account, Flaw};
use crate::driver::{Payment, SignedTransaction};

/// Gas of a transfer.
pub(crate) const TRANSFER_GAS: u64 = 21_000;

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
    pub(crate) fn transfer(chain_id: u64, nonce: u64, to: Address) -> Self {
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
