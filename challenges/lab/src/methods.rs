//! The JSON-RPC methods of the sequencer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alloy_primitives::{Address, B256};
use serde_json::{Value, json};

use crate::block::{Block, quantity};
use crate::chain::Chain;
use crate::rpc::Fault;
use crate::transaction::Transaction;

/// Wei per gas that `eth_maxPriorityFeePerGas` suggests.
const SUGGESTED_TIP: u64 = 1_000_000_000;
/// The code of every contract: it reverts.
const REVERTING_CODE: &str = "0x60006000fd";

/// A chain that several connections share.
#[derive(Debug)]
pub(crate) struct SharedChain {
    chain_id: u64,
    chain: Mutex<Chain>,
}

impl SharedChain {
    pub(crate) fn new(chain: Chain) -> Self {
        Self { chain_id: chain.chain_id(), chain: Mutex::new(chain) }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Chain> {
        self.chain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries out one call.
    pub(crate) fn call(&self, method: &str, params: &[Value]) -> Result<Value, Fault> {
        match method {
            "web3_clientVersion" => Ok(json!("touchstone-lab/0.1")),
            "eth_chainId" => Ok(json!(quantity(self.chain_id))),
            "net_version" => Ok(json!(self.chain_id.to_string())),
            "net_peerCount" => Ok(json!("0x0")),
            "eth_syncing" => Ok(json!(false)),
            "eth_gasPrice" => {
                let price = self.lock().base_fee().saturating_add(SUGGESTED_TIP);
                Ok(json!(quantity(price)))
            }
            "eth_maxPriorityFeePerGas" => Ok(json!(quantity(SUGGESTED_TIP))),
            "txpool_status" => {
                let (pending, queued) = self.lock().pool_size();
                Ok(json!({"pending": quantity(pending as u64), "queued": quantity(queued as u64)}))
            }
            "eth_sendRawTransaction" => self.send(params),
            "eth_blockNumber" => Ok(json!(quantity(self.lock().head().number))),
            "eth_getBlockByNumber" | "eth_getBlockByHash" | "eth_getBlockReceipts" => {
                self.block_call(method, params)
            }
            "eth_getTransactionCount" | "eth_getBalance" | "eth_getCode" => self.account_call(method, params),
            _ => Err(Fault::unknown_method(method)),
        }
    }

    /// The signature is checked before the chain is locked.
    fn send(&self, params: &[Value]) -> Result<Value, Fault> {
        let raw = bytes(params, 0)?;
        let hash = Transaction::decode(&raw, self.chain_id)
            .and_then(|tx| self.lock().admit(tx))
            .map_err(|refusal| Fault::new(-32000, refusal.to_string()))?;
        Ok(json!(hash.to_string()))
    }

    fn block_call(&self, method: &str, params: &[Value]) -> Result<Value, Fault> {
        let by_hash = method == "eth_getBlockByHash";
        let block = self.find_block(text(params, 0)?, by_hash)?;
        if method == "eth_getBlockReceipts" {
            return Ok(block.map_or(Value::Null, |block| block.receipts_json()));
        }
        if params.get(1).and_then(Value::as_bool) == Some(true) {
            return Err(Fault::params("the lab gives transaction hashes only"));
        }
        Ok(block.map_or(Value::Null, |block| block.json()))
    }

    /// A number, a tag, or a hash. The lab has no forks, so `latest`, `safe`, `finalized` and `pending` are one.
    fn find_block(&self, name: &str, only_hash: bool) -> Result<Option<Arc<Block>>, Fault> {
        if only_hash || name.len() == 66 {
            let hash = parse_hash(name)?;
            return Ok(self.lock().block_by_hash(&hash));
        }
        match name {
            "latest" | "safe" | "finalized" | "pending" => Ok(Some(self.lock().head())),
            "earliest" => Ok(self.lock().block(0)),
            number => {
                let number = parse_number(number)?;
                Ok(self.lock().block(number))
            }
        }
    }

    fn account_call(&self, method: &str, params: &[Value]) -> Result<Value, Fault> {
        let address = parse_address(text(params, 0)?)?;
        let pending = match params.get(1).and_then(Value::as_str) {
            None | Some("latest" | "safe" | "finalized") => false,
            Some("pending") => true,
            Some(_) => return Err(Fault::params("the lab keeps the latest state only")),
        };
        let chain = self.lock();
        Ok(match method {
            "eth_getBalance" => json!(format!("{:#x}", chain.account(&address).balance)),
            "eth_getCode" if chain.is_contract(&address) => json!(REVERTING_CODE),
            "eth_getCode" => json!("0x"),
            _ if pending => json!(quantity(chain.pending_nonce(&address))),
            _ => json!(quantity(chain.account(&address).nonce)),
        })
    }
}

fn text(params: &[Value], index: usize) -> Result<&str, Fault> {
    match params.get(index) {
        None | Some(Value::Null) => {
            Err(Fault::params(format!("missing value for required argument {index}")))
        }
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(Fault::params(format!("invalid argument {index}: json: cannot unmarshal non-string"))),
    }
}

/// Bytes written as `0x...`; what is wrong with them is said as geth says it.
pub(crate) fn bytes(params: &[Value], index: usize) -> Result<Vec<u8>, Fault> {
    let wrong = |what: &str| {
        Fault::params(format!(
            "invalid argument {index}: json: cannot unmarshal {what} into Go value of type hexutil.Bytes"
        ))
    };
    let digits = text(params, index)?;
    let digits = digits.strip_prefix("0x").ok_or_else(|| wrong("hex string without 0x prefix"))?;
    hex::decode(digits).map_err(|error| match error {
        hex::FromHexError::OddLength => wrong("hex string of odd length"),
        _ => wrong("invalid hex string"),
    })
}

fn parse_number(text: &str) -> Result<u64, Fault> {
    let digits = text.strip_prefix("0x").unwrap_or_default();
    let canonical = digits == "0" || !digits.starts_with(['0', '+']);
    u64::from_str_radix(digits, 16)
        .ok()
        .filter(|_| canonical)
        .ok_or_else(|| Fault::params("invalid argument 0: not a block number"))
}

fn parse_hash(text: &str) -> Result<B256, Fault> {
    prefixed(text)
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Fault::params("invalid argument 0: not a hash"))
}

fn parse_address(text: &str) -> Result<Address, Fault> {
    prefixed(text)
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Fault::params("invalid argument 0: not an address"))
}

fn prefixed(text: &str) -> Option<&str> {
    text.starts_with("0x").then_some(text)
}
