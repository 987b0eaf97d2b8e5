//! EVM chains over Ethereum's JSON-RPC: geth, anvil, and Kaia's `eth_` namespace.

pub(crate) mod answer;
pub(crate) mod block;
pub(crate) mod transaction;

use alloy_primitives::B256;
use model::plan::LaneKind;
use model::{Parameters, Seed};

use self::transaction::{Form, Transaction};
use crate::account::{Account, Flaw};
use crate::driver::{
    Answer, Block, Context, Driver, Identity, Malformed, Payment, Reply, Request, SignedTransaction, Wallet,
};
use crate::jsonrpc::{self, call};
use crate::order::{Order, Pen};
use crate::wallet::Tree;

/// Tip of every transaction, wei.
const TIP: u128 = 1_000_000_000;
/// Lowest fee cap before the tip, wei: pools have floors where the base fee has none.
const LEAST_CAP: u128 = 4_000_000_000;

/// What a transaction offers to pay for gas, wei.
#[derive(Debug, Clone, Copy)]
struct Fee {
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
    /// Ethereum's header names who is paid for a block, which is anybody.
    fn tells_turns(&self) -> bool {
        false
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

    fn block_request(&self, height: u64, _: Context) -> Request {
        jsonrpc::batch_request(&block::calls(height))
    }

    fn block(&self, reply: &Reply) -> Result<Option<Block>, Malformed> {
        block::block(reply)
    }

    fn batches(&self, requests: &[&Request]) -> Vec<Request> {
        vec![jsonrpc::joined(requests)]
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

    fn carries(&self, kind: LaneKind) -> bool {
        kind != LaneKind::KeyChange
    }

    fn wallet(
        &self,
        chain_id: u64,
        seed: &Seed,
        parameters: &Parameters,
        context: Context,
    ) -> Box<dyn Wallet> {
        Box::new(Tree::new(chain_id, seed, parameters, Fee::of(context), 0))
    }

    fn pay(&self, order: &Payment<'_>) -> Result<SignedTransaction, String> {
        Ok(Fee::of(order.context).write(&order.transfer()?, &Account::parse(order.key)?, None))
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

fn raised(amount: u128, per_mille: u32) -> u128 {
    amount * (1_000 + u128::from(per_mille)) / 1_000
}

impl Pen for Fee {
    fn price(&self) -> u128 {
        self.cap
    }

    /// Every fourth ordinary one in the legacy form.
    fn raw(&self, order: &Order, account: &Account, flaw: Option<Flaw>) -> (Vec<u8>, B256) {
        let transaction = Transaction {
            form: if order.style == 0 { Form::Legacy } else { Form::DynamicFee },
            chain_id: order.chain_id,
            nonce: order.nonce,
            fee_cap: raised(self.cap, order.raise),
            tip: raised(self.tip, order.raise),
            gas: order.gas,
            to: order.to,
            value: order.value,
            data: order.data.clone(),
        };
        transaction.sign(account, flaw)
    }

    fn submission(&self, raw: &[u8], hash: B256) -> SignedTransaction {
        let request = call("eth_sendRawTransaction", &format!(r#"["0x{}"]"#, hex::encode(raw)));
        SignedTransaction { id: hash.to_string(), request }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_one_key_for_ever() {
        let refused: Vec<LaneKind> = LaneKind::ALL.into_iter().filter(|kind| !Evm.carries(*kind)).collect();
        assert_eq!(refused, [LaneKind::KeyChange]);
    }
}
