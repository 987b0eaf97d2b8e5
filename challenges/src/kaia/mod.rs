//! Kaia, and Klaytn before it, over their own JSON-RPC.
//!
//! Blocks are final at once and carry the signatures of who made them and who voted: that is read from the header, and
//! a node that tells something else is found out.

mod account_key;
mod block;
mod dialect;
mod header;
mod key_change;
mod rotation;
mod seal;
mod transaction;
mod wallet;

use model::plan::LaneKind;
use model::{Parameters, Seed};
use serde_json::Value;

pub use self::account_key::{AccountKey, PublicKey};
pub use self::key_change::{Change, KeyChange};
pub use self::transaction::{Body, Fee, Signed, Transaction};
use self::wallet::{KaiaPen, KaiaWallet};
pub use crate::account::Account;
use crate::driver::{
    Answer, Block, Context, Driver, Identity, Malformed, Payment, Reply, Request, SignedTransaction, Wallet,
    printable,
};
use crate::evm::answer;
use crate::jsonrpc::{self, height, quantity, text};
use crate::wallet::Pen;

/// The Kaia family.
pub struct Kaia;

impl Driver for Kaia {
    fn identity_request(&self) -> Request {
        dialect::both(&[("chainID", "[]"), ("getBlockByNumber", r#"["0x0",false]"#), ("clientVersion", "[]")])
    }

    fn identity(&self, reply: &Reply) -> Result<Identity, Malformed> {
        let (_, [chain_id, genesis, client]) = dialect::answered(reply)?;
        let client = client.value().unwrap_or_default();
        Ok(Identity {
            chain_id: height(&chain_id.value()?)?,
            genesis: text(&genesis.value()?, "hash")?,
            client: client.as_str().map_or("unknown".into(), |client| printable(client, 80)),
            finality_depth: 0,
        })
    }

    fn head_request(&self) -> Request {
        dialect::both(&[("blockNumber", "[]")])
    }

    fn head(&self, reply: &Reply) -> Result<u64, Malformed> {
        let (_, [head]) = dialect::values(reply)?;
        height(&head)
    }

    fn block_request(&self, height: u64, context: Context) -> Request {
        block::request(height, context)
    }

    fn block(&self, reply: &Reply) -> Result<Option<Block>, Malformed> {
        block::read(reply)
    }

    fn batch(&self, requests: &[&Request]) -> Option<Request> {
        Some(jsonrpc::joined(requests))
    }

    fn context_request(&self) -> Request {
        dialect::both(&[("getBlockByNumber", r#"["latest",false]"#), ("gasPrice", "[]")])
    }

    fn context(&self, reply: &Reply) -> Result<Context, Malformed> {
        let (namespace, [block, price]) = dialect::values(reply)?;
        match block.get("baseFeePerGas") {
            Some(price) => Ok(Context { price: quantity(price)?, fixed: false, namespace }),
            None if block.is_object() => Ok(Context { price: quantity(&price)?, fixed: true, namespace }),
            None => Err(Malformed("no block".into())),
        }
    }

    fn classify(&self, client: &str, sent: &SignedTransaction, reply: &Reply) -> Answer {
        answer::classify(client, sent, reply)
    }

    fn carries(&self, _: LaneKind) -> bool {
        true
    }

    fn wallet(
        &self,
        chain_id: u64,
        seed: &Seed,
        parameters: &Parameters,
        context: Context,
    ) -> Box<dyn Wallet> {
        Box::new(KaiaWallet::new(chain_id, seed, parameters, context))
    }

    fn pay(&self, order: &Payment<'_>) -> Result<SignedTransaction, String> {
        Ok(KaiaPen::of(order.context).write(&order.transfer()?, &Account::parse(order.key)?, None))
    }

    fn account_of(&self, key: &str) -> Result<String, String> {
        Ok(Account::parse(key)?.address().to_string())
    }

    fn account_request(&self, account: &str) -> Request {
        let params = format!(r#"["{account}","latest"]"#);
        dialect::both(&[("getBalance", &params), ("getTransactionCount", &params)])
    }

    fn account(&self, reply: &Reply) -> Result<(u128, u64), Malformed> {
        let (_, [balance, sequence]): (_, [Value; 2]) = dialect::values(reply)?;
        Ok((quantity(&balance)?, height(&sequence)?))
    }
}
