//! EVM chains over Ethereum's JSON-RPC: geth, anvil, and Kaia's `eth_` namespace.

mod account;
mod answer;
mod block;
mod transaction;
mod wallet;

use alloy_primitives::{Address, B256};
use bytes::Bytes;
use model::plan::LaneKind;
use model::{Parameters, Seed};

use self::account::Account;
use self::transaction::{Form, Transaction};
use self::wallet::EvmWallet;
use crate::driver::{
    Answer, Block, Context, Driver, Identity, Malformed, Payment, Reply, Request, SignedTransaction, Wallet,
};

/// JSON-RPC id of every submission; an answer with another id is no answer.
const SUBMIT_ID: u64 = 1;
/// Tip of every transaction, wei.
const TIP: u128 = 1_000_000_000;
/// Lowest fee cap before the tip, wei: pools have floors where the base fee has none.
const LEAST_CAP: u128 = 4_000_000_000;

/// What a transaction offers to pay for gas, wei.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fee {
    cap: u128,
    tip: u128,
}

impl Fee {
    /// Four times the base fee at the start, so that a short burst of full blocks does not price
    /// the run out.
    fn of(context: Context) -> Self {
        Self { cap: (context.price.saturating_mul(4)).max(LEAST_CAP) + TIP, tip: TIP }
    }
}

/// The EVM family.
pub struct Evm;

impl Driver for Evm {
    fn carries(&self, _kind: LaneKind) -> bool {
        true
    }

    fn identity_request(&self) -> Request {
        block::identity_request()
    }

    fn identity(&self, reply: &Reply) -> Result<Identity, Malformed> {
        block::identity(reply)
    }

    fn head_request(&self) -> Request {
        call("eth_blockNumber", "[]")
    }

    fn head(&self, reply: &Reply) -> Result<u64, Malformed> {
        block::head(reply)
    }

    fn block_request(&self, height: u64) -> Request {
        block::block_request(height)
    }

    fn block(&self, reply: &Reply) -> Result<Option<Block>, Malformed> {
        block::block(reply)
    }

    fn batch(&self, requests: &[&Request]) -> Option<Request> {
        let bodies: Vec<&[u8]> = requests.iter().map(|request| request.0.as_ref()).collect();
        Some(Request([b"[".as_slice(), &bodies.join(&b","[..]), b"]"].concat().into()))
    }

    fn context_request(&self) -> Request {
        call("eth_getBlockByNumber", "[\"latest\",false]")
    }

    fn context(&self, reply: &Reply) -> Result<Context, Malformed> {
        block::context(reply)
    }

    fn classify(&self, client: &str, sent: &SignedTransaction, reply: &Reply) -> Answer {
        answer::classify(client, sent, reply)
    }

    fn wallet(
        &self,
        chain_id: u64,
        seed: &Seed,
        parameters: &Parameters,
        context: Context,
    ) -> Box<dyn Wallet> {
        Box::new(EvmWallet::new(chain_id, seed, parameters, Fee::of(context)))
    }

    fn pay(&self, order: &Payment<'_>) -> Result<SignedTransaction, String> {
        let fee = Fee::of(order.context);
        let to: Address = order.account.parse().map_err(|_| format!("`{}` is no address", order.account))?;
        let transaction = Transaction {
            form: Form::DynamicFee,
            chain_id: order.chain_id,
            nonce: order.sequence,
            fee_cap: fee.cap,
            tip: fee.tip,
            gas: 21_000,
            to: Some(to),
            value: order.amount,
            data: vec![],
        };
        Ok(submission(transaction.sign(&Account::parse(order.key)?)))
    }

    fn account_of(&self, key: &str) -> Result<String, String> {
        Ok(Account::parse(key)?.address.to_string())
    }

    fn account_request(&self, account: &str) -> Request {
        block::account_request(account)
    }

    fn account(&self, reply: &Reply) -> Result<(u128, u64), Malformed> {
        block::account(reply)
    }
}

/// One JSON-RPC call; `params` is a JSON array.
fn call(method: &str, params: &str) -> Request {
    Request(Bytes::from(format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#)))
}

/// The submission of a signed transaction.
fn submission((raw, hash): (Vec<u8>, B256)) -> SignedTransaction {
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":{SUBMIT_ID},"method":"eth_sendRawTransaction","params":["0x{}"]}}"#,
        hex::encode(raw)
    );
    SignedTransaction { id: hash.to_string(), request: Request(Bytes::from(body)) }
}
