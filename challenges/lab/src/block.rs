//! A block and the receipts of its transactions, and how both look in JSON.

use alloy_primitives::{Address, B256, U256, keccak256};
use serde_json::{Value, json};

/// A sealed block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Height; genesis is 0.
    pub number: u64,
    /// Keccak over all other fields and the transaction hashes.
    pub hash: B256,
    /// Hash of the block before; zero for genesis.
    pub parent_hash: B256,
    /// Unix seconds. Several blocks may share one.
    pub timestamp: u64,
    /// Wei per gas.
    pub base_fee: u64,
    /// Gas that may be used.
    pub gas_limit: u64,
    /// Gas that was used.
    pub gas_used: u64,
    /// One for each transaction, in order.
    pub receipts: Vec<Receipt>,
}

/// What became of one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Hash of the transaction.
    pub transaction: B256,
    /// Who signed.
    pub from: Address,
    /// Recipient; `None` created a contract.
    pub to: Option<Address>,
    /// The created contract.
    pub contract: Option<Address>,
    /// False if the call reverted.
    pub success: bool,
    /// Gas that was charged.
    pub gas_used: u64,
    /// Wei per gas that was charged.
    pub price: U256,
}

impl Block {
    /// Gives the block its hash.
    pub(crate) fn sealed(mut self) -> Self {
        let mut image = Vec::with_capacity(104);
        image.extend_from_slice(self.parent_hash.as_slice());
        for number in [self.number, self.timestamp, self.base_fee] {
            image.extend_from_slice(&number.to_be_bytes());
        }
        for number in [self.gas_limit, self.gas_used] {
            image.extend_from_slice(&number.to_be_bytes());
        }
        image.extend_from_slice(self.transactions_root().as_slice());
        self.hash = keccak256(image);
        self
    }

    /// Keccak over the transaction hashes (no Merkle trie).
    fn transactions_root(&self) -> B256 {
        let hashes = self.receipts.iter().flat_map(|r| r.transaction.0);
        keccak256(hashes.collect::<Vec<u8>>())
    }

    /// The block as `eth_getBlockByNumber` shows it, with transaction hashes only.
    pub(crate) fn json(&self) -> Value {
        let transactions: Vec<_> = self.receipts.iter().map(|r| r.transaction).collect();
        json!({
            "number": quantity(self.number),
            "hash": self.hash.to_string(),
            "parentHash": self.parent_hash.to_string(),
            "transactionsRoot": self.transactions_root().to_string(),
            "timestamp": quantity(self.timestamp),
            "baseFeePerGas": quantity(self.base_fee),
            "gasLimit": quantity(self.gas_limit),
            "gasUsed": quantity(self.gas_used),
            "miner": "0x0000000000000000000000000000000000000000",
            "extraData": "0x",
            "transactions": transactions.iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
    }

    /// All receipts as `eth_getBlockReceipts` shows them.
    pub(crate) fn receipts_json(&self) -> Value {
        let receipts = self.receipts.iter().enumerate();
        receipts.map(|(index, r)| r.json(self, index)).collect()
    }
}

impl Receipt {
    fn json(&self, block: &Block, index: usize) -> Value {
        json!({
            "transactionHash": self.transaction.to_string(),
            "transactionIndex": quantity(index as u64),
            "blockHash": block.hash.to_string(),
            "blockNumber": quantity(block.number),
            "from": hex_address(&self.from),
            "to": self.to.as_ref().map(hex_address),
            "contractAddress": self.contract.as_ref().map(hex_address),
            "status": quantity(u64::from(self.success)),
            "gasUsed": quantity(self.gas_used),
            "effectiveGasPrice": format!("{:#x}", self.price),
        })
    }
}

/// A number as JSON-RPC writes it.
pub(crate) fn quantity(number: u64) -> String {
    format!("{number:#x}")
}

/// An address in lower case, as geth writes it.
fn hex_address(address: &Address) -> String {
    format!("{address:#x}")
}
