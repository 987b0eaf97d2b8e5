//! Ethereum's nodes under clique, proof of authority: go-ethereum up to 1.13.
//!
//! Transactions, accounts and answers are those of [`crate::evm`]. What is added is whose turn a block was: signers take
//! turns by height, in the order of their addresses; a block carries its maker's signature; and who made one of the last
//! `signers / 2` may not make another yet, so that its turn is then any other's and nobody's fault. Nor is it, among
//! five or more, right after a turn that somebody left, if it may have raced for that one and lost. There are no votes
//! for blocks. A block can be left for another until it is `signers / 2 + 1` deep, and is read no sooner.

mod block;
mod header;
mod signers;

use model::plan::LaneKind;
use model::{Parameters, Seed};

use crate::claim::{AddressKeys, ValidatorKeys};
use crate::driver::{
    Answer, Block, Context, Driver, Identity, Malformed, Payment, Reply, Request, SignedTransaction, Wallet,
};
use crate::evm::Evm;
use crate::evm::block::UNKNOWN_SIGNERS_DEPTH;

/// The clique family.
pub struct Clique;

impl Driver for Clique {
    fn block_request(&self, height: u64, _: Context) -> Request {
        block::request(height)
    }

    fn block(&self, reply: &Reply) -> Result<Option<Block>, Malformed> {
        block::read(reply)
    }

    fn carries(&self, kind: LaneKind) -> bool {
        Evm.carries(kind)
    }

    fn validator_keys(&self) -> Option<&'static dyn ValidatorKeys> {
        Some(&AddressKeys)
    }

    fn identity_request(&self) -> Request {
        Evm.identity_request()
    }

    fn identity(&self, reply: &Reply) -> Result<Identity, Malformed> {
        let identity = Evm.identity(reply)?;
        let finality_depth = match identity.finality_depth {
            // It tells neither signers nor difficulty.
            0 => UNKNOWN_SIGNERS_DEPTH,
            depth => depth,
        };
        Ok(Identity { finality_depth, ..identity })
    }

    fn head_request(&self) -> Request {
        Evm.head_request()
    }

    fn head(&self, reply: &Reply) -> Result<u64, Malformed> {
        Evm.head(reply)
    }

    fn batches(&self, requests: &[&Request]) -> Vec<Request> {
        Evm.batches(requests)
    }

    fn context_request(&self) -> Request {
        Evm.context_request()
    }

    fn context(&self, reply: &Reply) -> Result<Context, Malformed> {
        Evm.context(reply)
    }

    fn classify(&self, client: &str, sent: &SignedTransaction, reply: &Reply) -> Answer {
        Evm.classify(client, sent, reply)
    }

    fn wallet(&self, chain_id: u64, seed: &Seed, plan: &Parameters, context: Context) -> Box<dyn Wallet> {
        Evm.wallet(chain_id, seed, plan, context)
    }

    fn pay(&self, order: &Payment<'_>) -> Result<SignedTransaction, String> {
        Evm.pay(order)
    }

    fn account_of(&self, key: &str) -> Result<String, String> {
        Evm.account_of(key)
    }

    fn account_request(&self, account: &str) -> Request {
        Evm.account_request(account)
    }

    fn account(&self, reply: &Reply) -> Result<(u128, u64), Malformed> {
        Evm.account(reply)
    }
}
