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
mod submissions;
mod transaction;
mod wallet;

use std::time::Duration;

use model::plan::LaneKind;
use model::{Parameters, Seed};
use serde_json::Value;

pub use self::account_key::{AccountKey, PublicKey};
pub use self::key_change::{Change, KeyChange};
pub use self::transaction::{Body, Fee, Signed, Transaction};
use self::wallet::{KaiaPen, KaiaWallet};
pub use crate::account::Account;
use crate::claim::{AddressKeys, ValidatorKeys};
use crate::driver::{
    Answer, Block, Context, Driver, Identity, Malformed, Payment, Reply, Request, SignedTransaction, Wallet,
    printable,
};
use crate::evm::answer;
use crate::jsonrpc::{self, height, quantity, text};
use crate::order::Pen;

/// The Kaia family.
pub struct Kaia;

impl Driver for Kaia {
    /// What `istanbul_getTimeout` tells (kcn 2.0.3).
    fn round_timeout(&self) -> Option<Duration> {
        Some(Duration::from_secs(10))
    }

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

    fn named(&self, reply: &Reply) -> Vec<(u64, String)> {
        block::named(reply)
    }

    fn council(&self, reply: &Reply, _block: &Block) -> Result<Vec<String>, Malformed> {
        block::council(reply)
    }

    fn batches(&self, requests: &[&Request]) -> Vec<Request> {
        submissions::in_one_call(requests).into_iter().chain([jsonrpc::joined(requests)]).collect()
    }

    fn took_batch(&self, reply: &Reply) -> bool {
        submissions::took_all(reply) || reply.body.first() == Some(&b'[')
    }

    fn context_request(&self) -> Request {
        dialect::both(&[("getBlockByNumber", r#"["latest",false]"#), ("gasPrice", "[]")])
    }

    fn context(&self, reply: &Reply) -> Result<Context, Malformed> {
        let (namespace, [head, price]) = dialect::values(reply)?;
        // Klaytn told 0 before the fork that brought a base fee.
        let base_fee =
            head.get("baseFeePerGas").filter(|price| !price.is_null()).map(quantity).transpose()?;
        match base_fee.filter(|price| *price > 0) {
            Some(price) => Ok(Context { price, fixed: false, namespace }),
            None if head.is_object() => Ok(Context { price: quantity(&price)?, fixed: true, namespace }),
            None => Err(Malformed("no block".into())),
        }
    }

    fn classify(&self, client: &str, sent: &SignedTransaction, reply: &Reply) -> Answer {
        answer::classify(client, sent, reply)
    }

    /// Its pool asks for no bump where all offer one price, and what it says of a long batch is not known.
    fn carries(&self, kind: LaneKind) -> bool {
        !matches!(kind, LaneKind::V11 | LaneKind::V20)
    }

    fn validator_keys(&self) -> Option<&'static dyn ValidatorKeys> {
        Some(&AddressKeys)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers in the older spelling, and refusals in the newer.
    fn old(answers: &[&str]) -> Reply {
        let unknown = r#""error":{"code":-32601,"message":"the method does not exist/is not available"}"#;
        let all = answers.iter().copied().chain(std::iter::repeat_n(unknown, answers.len()));
        let all: Vec<String> =
            all.zip(1..).map(|(answer, id)| format!(r#"{{"id":{id},{answer}}}"#)).collect();
        Reply { status: 200, body: format!("[{}]", all.join(",")).into() }
    }

    #[test]
    fn a_node_of_before_2024_is_understood() {
        let client = r#""result":"Klaytn/v1.7.0/linux-amd64/go1.15""#;
        let identity = Kaia.identity(&old(&[r#""result":"0x270f""#, r#""result":{"hash":"0xab"}"#, client]));
        let identity = identity.unwrap();
        assert_eq!(
            (identity.chain_id, identity.genesis.as_str(), identity.finality_depth),
            (9_999, "0xab", 0)
        );
        assert!(identity.client.starts_with("Klaytn/v1.7.0"));
        assert_eq!(Kaia.head(&old(&[r#""result":"0x10""#])), Ok(16));
        assert_eq!(Kaia.account(&old(&[r#""result":"0x5""#, r#""result":"0x2""#])), Ok((5, 2)));
    }

    #[test]
    fn the_price_is_the_base_fee_or_else_the_unit_price_that_all_must_offer() {
        let fixed = Kaia.context(&old(&[r#""result":{"number":"0x1"}"#, r#""result":"0x5d21dba00""#]));
        assert_eq!(fixed, Ok(Context { price: 25_000_000_000, fixed: true, namespace: "klay" }));
        let floating =
            Kaia.context(&old(&[r#""result":{"baseFeePerGas":"0x7"}"#, r#""result":"0x5d21dba00""#]));
        assert_eq!(floating, Ok(Context { price: 7, fixed: false, namespace: "klay" }));
        let before_magma =
            Kaia.context(&old(&[r#""result":{"baseFeePerGas":"0x0"}"#, r#""result":"0x5d21dba00""#]));
        assert_eq!(before_magma, fixed);
        assert!(Kaia.context(&old(&[r#""result":null"#, r#""result":"0x5""#])).is_err());
    }

    #[test]
    fn a_block_is_asked_for_in_one_spelling() {
        let context = Context { price: 1, fixed: true, namespace: "klay" };
        let text = String::from_utf8(Kaia.block_request(16, context).0.to_vec()).unwrap();
        assert!(text.contains(r#""klay_getBlockByNumber","params":["0xf",false]"#), "{text}");
        assert!(!text.contains("kaia_"), "{text}");
    }
}
