//! The chain as a pure state machine: transactions in, blocks out, time an argument.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_rlp::{Encodable, Header};

use crate::block::{Block, Receipt};
use crate::pool::Pool;
use crate::refusal::Refusal;
use crate::transaction::Transaction;

/// What a chain begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// The id that every transaction must be signed for.
    pub chain_id: u64,
    /// Gas a block may use.
    pub gas_limit: u64,
    /// Wei per gas; it never moves.
    pub base_fee: u64,
    /// Accounts that get 10^26 wei each.
    pub fund: Vec<Address>,
    /// Transactions of one sender that may wait behind a nonce gap.
    pub queued_per_sender: usize,
}

impl Genesis {
    /// Wei that every funded account gets.
    #[must_use]
    pub fn grant() -> U256 {
        U256::from(100_000_000_000_000_000_000_000_000_u128)
    }

    fn block(&self, funded: &BTreeSet<Address>) -> Block {
        let mut image = self.chain_id.to_be_bytes().to_vec();
        for address in funded {
            image.extend_from_slice(address.as_slice());
            image.extend_from_slice(&Self::grant().to_be_bytes::<32>());
        }
        Block {
            number: 0,
            hash: keccak256(image),
            parent_hash: B256::ZERO,
            timestamp: 0,
            base_fee: self.base_fee,
            gas_limit: self.gas_limit,
            gas_used: 0,
            receipts: Vec::new(),
        }
    }
}

/// What the chain knows about an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Transactions included so far.
    pub nonce: u64,
    /// Wei.
    pub balance: U256,
}

/// One chain without forks: what is sealed is final. All blocks stay in memory.
#[derive(Debug)]
pub struct Chain {
    chain_id: u64,
    gas_limit: u64,
    base_fee: u64,
    accounts: HashMap<Address, Account>,
    contracts: HashSet<Address>,
    pool: Pool,
    /// By number; never empty.
    blocks: Vec<Arc<Block>>,
    numbers: HashMap<B256, u64>,
    head: Arc<Block>,
}

impl Chain {
    /// A chain with its genesis block, whose hash depends on chain id and funded accounts only.
    #[must_use]
    pub fn new(genesis: &Genesis) -> Self {
        let funded: BTreeSet<Address> = genesis.fund.iter().copied().collect();
        let head = Arc::new(genesis.block(&funded));
        let rich = Account { nonce: 0, balance: Genesis::grant() };
        Self {
            chain_id: genesis.chain_id,
            gas_limit: genesis.gas_limit,
            base_fee: genesis.base_fee,
            accounts: funded.into_iter().map(|a| (a, rich)).collect(),
            contracts: HashSet::new(),
            pool: Pool::new(genesis.queued_per_sender),
            numbers: HashMap::from([(head.hash, 0)]),
            blocks: vec![Arc::clone(&head)],
            head,
        }
    }

    /// Takes a signed transaction in and gives its hash.
    ///
    /// # Errors
    /// The [`Refusal`] that geth would give.
    pub fn submit(&mut self, raw: &[u8]) -> Result<B256, Refusal> {
        self.admit(Transaction::decode(raw, self.chain_id)?)
    }

    /// Takes a transaction in whose sender is proven already (which is what costs time).
    ///
    /// # Errors
    /// The [`Refusal`] that geth would give.
    pub fn admit(&mut self, tx: Transaction) -> Result<B256, Refusal> {
        self.check(&tx)?;
        let hash = tx.hash;
        let account = self.account(&tx.sender);
        self.pool.add(tx, account)?;
        Ok(hash)
    }

    /// Makes the next block at `now` (unix seconds): the oldest executable transactions, up to the first one whose gas
    /// limit does not fit into what is left.
    pub fn seal(&mut self, now: u64) -> Arc<Block> {
        let mut gas_used = 0;
        let mut receipts = Vec::new();
        while let Some(tx) = self.pool.take(self.gas_limit - gas_used) {
            let receipt = self.execute(&tx);
            gas_used += receipt.gas_used;
            receipts.push(receipt);
        }
        let block = Block {
            number: self.head.number + 1,
            hash: B256::ZERO,
            parent_hash: self.head.hash,
            timestamp: now.max(self.head.timestamp),
            base_fee: self.base_fee,
            gas_limit: self.gas_limit,
            gas_used,
            receipts,
        };
        self.append(block.sealed())
    }

    /// The id that every transaction must be signed for.
    #[must_use]
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// Wei per gas.
    #[must_use]
    pub fn base_fee(&self) -> u64 {
        self.base_fee
    }

    /// The newest block.
    #[must_use]
    pub fn head(&self) -> Arc<Block> {
        Arc::clone(&self.head)
    }

    /// The block of this height.
    #[must_use]
    pub fn block(&self, number: u64) -> Option<Arc<Block>> {
        let index = usize::try_from(number).ok()?;
        self.blocks.get(index).map(Arc::clone)
    }

    /// The block with this hash.
    #[must_use]
    pub fn block_by_hash(&self, hash: &B256) -> Option<Arc<Block>> {
        self.block(*self.numbers.get(hash)?)
    }

    /// Nonce and balance as of the newest block.
    #[must_use]
    pub fn account(&self, address: &Address) -> Account {
        self.accounts.get(address).copied().unwrap_or_default()
    }

    /// The nonce after all executable transactions that wait.
    #[must_use]
    pub fn pending_nonce(&self, address: &Address) -> u64 {
        self.account(address).nonce + self.pool.pending_of(address) as u64
    }

    /// Whether a call to this address reverts.
    #[must_use]
    pub fn is_contract(&self, address: &Address) -> bool {
        self.contracts.contains(address)
    }

    /// Waiting transactions: executable, behind a nonce gap.
    #[must_use]
    pub fn pool_size(&self) -> (usize, usize) {
        self.pool.size()
    }

    fn append(&mut self, block: Block) -> Arc<Block> {
        let block = Arc::new(block);
        self.numbers.insert(block.hash, block.number);
        self.blocks.push(Arc::clone(&block));
        self.head = Arc::clone(&block);
        block
    }

    /// What can be said without looking at the sender's account.
    fn check(&self, tx: &Transaction) -> Result<(), Refusal> {
        if tx.gas > self.gas_limit {
            return Err(Refusal::GasLimit);
        }
        if tx.tip_cap > tx.fee_cap {
            return Err(Refusal::TipAboveCap);
        }
        if tx.nonce == u64::MAX {
            return Err(Refusal::NonceMax);
        }
        if tx.gas < tx.intrinsic_gas {
            return Err(Refusal::IntrinsicGas { needed: tx.intrinsic_gas, allowed: tx.gas });
        }
        if tx.fee_cap < U256::from(self.base_fee) {
            return Err(Refusal::BelowBaseFee {
                sender: tx.sender,
                fee_cap: tx.fee_cap,
                base_fee: self.base_fee,
            });
        }
        if tx.tip_cap.is_zero() {
            return Err(Refusal::Underpriced);
        }
        Ok(())
    }

    /// Applies one transaction. The pool admits only what can be paid, so nothing can fail here but a call that reverts.
    fn execute(&mut self, tx: &Transaction) -> Receipt {
        let price = tx.effective_price(self.base_fee);
        let fee = price.saturating_mul(U256::from(tx.intrinsic_gas));
        let sender = self.accounts.entry(tx.sender).or_default();
        sender.nonce += 1;
        sender.balance = sender.balance.saturating_sub(fee);
        let contract = tx.to.is_none().then(|| created(&tx.sender, tx.nonce));
        let success = tx.to.is_none_or(|to| !self.contracts.contains(&to));
        if success {
            sender.balance = sender.balance.saturating_sub(tx.value);
            self.contracts.extend(contract);
            if let Some(recipient) = tx.to.or(contract).filter(|_| !tx.value.is_zero()) {
                let recipient = self.accounts.entry(recipient).or_default();
                recipient.balance = recipient.balance.saturating_add(tx.value);
            }
        }
        Receipt {
            transaction: tx.hash,
            from: tx.sender,
            to: tx.to,
            contract,
            success,
            gas_used: tx.intrinsic_gas,
            price,
        }
    }
}

/// The address of the contract that this transaction creates: keccak over `[sender, nonce]`.
fn created(sender: &Address, nonce: u64) -> Address {
    let mut out = Vec::with_capacity(32);
    let payload_length = sender.0.0.length() + nonce.length();
    Header { list: true, payload_length }.encode(&mut out);
    sender.0.0.encode(&mut out);
    nonce.encode(&mut out);
    Address::from_slice(&keccak256(out)[12..])
}
