//! CometBFT with its built-in key-value store, over the node's own JSON-RPC.
//!
//! Chain ids are text here: the number of a network is 0, and its genesis is the hash of block 1, which every node
//! that keeps its whole chain can tell and which commits to the chain id, the genesis instant, the first validators
//! and the application's first state, so that no two networks share it.
//!
//! The door probe sends transactions again that are in the chain: `tx already exists in cache` is the right answer,
//! costs no block space and is not gossiped. CometBFT has `check_tx` too, which runs the application's check without
//! taking the transaction; but what it says of a good one is "I would take it", which at every other family's door
//! is the wrong answer, and what counts as served is not for a family to say.

mod answer;
mod block;
mod claim;
mod commit;
mod header;
mod reply;
mod validators;
mod wallet;
mod wire;

use std::time::Duration;

use model::plan::LaneKind;
use model::{Parameters, Seed};
use serde::Deserialize;
use serde_json::Value;

use self::claim::ConsensusKeys;
use self::header::Header;
use self::reply::written;
use self::wallet::CometWallet;
use crate::announced::Subscription;
use crate::claim::ValidatorKeys;
use crate::driver::{
    Answer, Block, Context, Driver, Identity, Malformed, Payment, Reply, Request, SignedTransaction, Wallet,
    printable,
};

/// Nothing of this family has a price or an owner.
const NO_MONEY: &str = "this chain family has no money";
/// A block is final at once, but its certificate can still change until the next block holds it.
const FINALITY_DEPTH: u64 = 1;

/// The CometBFT family.
pub struct CometBft;

#[derive(Deserialize)]
struct Status {
    node_info: NodeInfo,
}

#[derive(Deserialize)]
struct NodeInfo {
    network: String,
    version: String,
}

#[derive(Deserialize)]
struct First {
    header: Header,
}

impl Driver for CometBft {
    /// As CometBFT is set when nobody sets it otherwise: 3 s for a proposal, 1 s for either vote.
    fn round_timeout(&self) -> Option<Duration> {
        Some(Duration::from_secs(5))
    }

    fn carries(&self, kind: LaneKind) -> bool {
        matches!(kind, LaneKind::Honest | LaneKind::Load | LaneKind::V04 | LaneKind::V07)
    }

    fn has_money(&self) -> bool {
        false
    }

    fn validator_keys(&self) -> Option<&'static dyn ValidatorKeys> {
        Some(&ConsensusKeys)
    }

    fn is_genesis(&self, text: &str) -> bool {
        text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b))
    }

    fn genesis_form(&self) -> &'static str {
        "64 digits of 0-9 and A-F, as block 1 shows it"
    }

    fn identity_request(&self) -> Request {
        reply::batch_request(&[("status", "{}".into()), ("header", r#"{"height":"1"}"#.into())])
    }

    fn identity(&self, reply: &Reply) -> Result<Identity, Malformed> {
        let mut parts = reply::batch(reply)?.into_iter();
        let (Some(status), Some(first)) = (parts.next(), parts.next()) else {
            return Err(Malformed("an answer is missing in the batch".into()));
        };
        let Status { node_info } = reply::read("status", status)?;
        let First { header } = reply::read("block 1 (a node must keep its whole chain)", first)?;
        if header.chain_id != node_info.network || header.height != 1 {
            return Err(Malformed("block 1 is of another chain than the node's".into()));
        }
        let client = format!("cometbft/{} ({})", node_info.version, node_info.network);
        Ok(Identity {
            chain_id: 0,
            genesis: written(&header.hash()?),
            client: printable(&client, 80),
            finality_depth: FINALITY_DEPTH,
        })
    }

    fn head_request(&self) -> Request {
        reply::call("status", "{}")
    }

    fn head(&self, reply: &Reply) -> Result<u64, Malformed> {
        let status = reply::single(reply)?;
        let height = status.pointer("/sync_info/latest_block_height").and_then(Value::as_str);
        height
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| Malformed("no height in the status".into()))
    }

    fn subscription(&self) -> Option<Subscription> {
        Some(reply::HEADERS)
    }

    fn block_request(&self, height: u64, _: Context) -> Request {
        block::request(height)
    }

    fn block(&self, reply: &Reply) -> Result<Option<Block>, Malformed> {
        block::block(reply)
    }

    /// None: CometBFT takes ten requests at once, fewer than the engine's batches have.
    fn batches(&self, _requests: &[&Request]) -> Vec<Request> {
        Vec::new()
    }

    fn context_request(&self) -> Request {
        self.head_request()
    }

    fn context(&self, reply: &Reply) -> Result<Context, Malformed> {
        self.head(reply).map(|_| Context::floating(0))
    }

    fn classify(&self, _client: &str, sent: &SignedTransaction, reply: &Reply) -> Answer {
        answer::classify(sent, reply)
    }

    fn wallet(&self, _: u64, seed: &Seed, parameters: &Parameters, _: Context) -> Box<dyn Wallet> {
        Box::new(CometWallet::new(seed, parameters))
    }

    fn pay(&self, _order: &Payment<'_>) -> Result<SignedTransaction, String> {
        Err(NO_MONEY.into())
    }

    fn account_of(&self, _key: &str) -> Result<String, String> {
        Err(NO_MONEY.into())
    }

    fn account_request(&self, _account: &str) -> Request {
        self.head_request()
    }

    fn account(&self, _reply: &Reply) -> Result<(u128, u64), Malformed> {
        Err(Malformed(NO_MONEY.into()))
    }
}
