//! What the engine needs from a chain family, without saying how the chain works.
//!
//! A driver does no I/O: it builds request bodies and reads replies, and the engine carries them.
//! So one engine measures every family, and a driver is tested on recorded bytes. Transactions,
//! blocks and accounts are opaque to the engine; proposer and round are facts that a family may
//! not have.

use std::time::Duration;

use bytes::Bytes;
use model::plan::{LaneKind, kinds};
use model::{Class, Parameters, Seed, Turn, Vector};

use crate::announced::Subscription;
use crate::claim::ValidatorKeys;

/// A request to a node: the body of one HTTP POST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request(pub Bytes);

/// What came back: HTTP status and body, already bounded in size.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status code.
    pub status: u16,
    /// The body, never decompressed.
    pub body: Bytes,
}

/// The reply is not what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

/// Who a node says it is, and on which chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Chain id; 0 where the family's are text.
    pub chain_id: u64,
    /// Genesis hash as the chain writes it.
    pub genesis: String,
    /// Client name and version, cleaned for print.
    pub client: String,
    /// Blocks below the head that are final: 0 where every block is.
    pub finality_depth: u64,
}

/// A block as far as the engine cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Height.
    pub height: u64,
    /// Hash.
    pub hash: String,
    /// (transaction hash, executed with success).
    pub transactions: Vec<(String, bool)>,
    /// Whose turn it was, where the family can tell.
    pub turn: Option<Turn>,
    /// Who could propose and vote at this height; empty where the family does not tell.
    pub committee: Vec<String>,
    /// Who has the turn after it, where that can be worked out.
    pub next: Option<String>,
}

/// A transaction ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedTransaction {
    /// Hash by which the chain will show it.
    pub id: String,
    /// The submission request.
    pub request: Request,
}

/// What an answer to a submission means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its class.
    pub class: Class,
    /// The node's words, where no table knows them; cleaned for print.
    pub unknown: Option<String>,
}

/// What signing and sending need to know of the chain's present state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// Price of a unit of gas now (base fee), in the chain's smallest unit; 0 where there is none.
    pub price: u128,
    /// Whether a transaction must offer exactly that price.
    pub fixed: bool,
    /// What the names of the nodes' methods begin with, where the family has more than one spelling.
    pub namespace: &'static str,
}

impl Context {
    /// A price that moves, in a family with one spelling.
    pub fn floating(price: u128) -> Self {
        Self { price, fixed: false, namespace: "" }
    }
}

/// A chain family.
pub trait Driver: Send + Sync {
    /// Whether the family has requests of this kind.
    fn carries(&self, kind: LaneKind) -> bool;

    /// Whether blocks tell whose turn they were, and who is seated.
    fn tells_turns(&self) -> bool {
        true
    }

    /// How long the chain waits for a proposer that makes no block, before the next has its turn; none where that is
    /// within a few block intervals.
    fn round_timeout(&self) -> Option<Duration> {
        None
    }

    /// The keys of validators; none where blocks name no validators.
    fn validator_keys(&self) -> Option<&'static dyn ValidatorKeys> {
        None
    }

    /// Whether transactions are paid for, so that a faucet must fund a run's accounts.
    fn has_money(&self) -> bool {
        true
    }

    /// Whether a text has the form of the hash by which the family names a network.
    fn is_genesis(&self, text: &str) -> bool {
        let digits = text.strip_prefix("0x").unwrap_or_default();
        digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    }

    /// That form, in words.
    fn genesis_form(&self) -> &'static str {
        "0x and 64 digits of 0-9 and a-f, as block 0 shows it"
    }

    /// Asks for [`Identity`].
    fn identity_request(&self) -> Request;

    /// # Errors
    /// [`Malformed`] when the reply tells no identity.
    fn identity(&self, reply: &Reply) -> Result<Identity, Malformed>;

    /// Asks for the head.
    fn head_request(&self) -> Request;

    /// # Errors
    /// [`Malformed`] when the reply tells no height.
    fn head(&self, reply: &Reply) -> Result<u64, Malformed>;

    /// Asks for one block with the fate of every transaction in it: one fetch a block.
    fn block_request(&self, height: u64, context: Context) -> Request;

    /// None when the node does not have the block yet.
    ///
    /// # Errors
    /// [`Malformed`] when the reply is no block.
    fn block(&self, reply: &Reply) -> Result<Option<Block>, Malformed>;

    /// (height, hash) of every block that a reply to [`Driver::block_request`] names, whether or not the rest of it holds
    /// together: a node whose chain has parted may show blocks that nobody else would take.
    fn named(&self, reply: &Reply) -> Vec<(u64, String)> {
        self.block(reply).ok().flatten().map(|block| (block.height, block.hash)).into_iter().collect()
    }

    /// Everybody who had a seat at a block, of the reply that it was read from: where committees are drawn, from whom.
    ///
    /// # Errors
    /// [`Malformed`] when the reply does not tell.
    fn council(&self, _reply: &Reply, block: &Block) -> Result<Vec<String>, Malformed> {
        Ok(block.committee.clone())
    }

    /// How a node is asked to announce its blocks, where the family has that: they are seen sooner than by asking.
    fn subscription(&self) -> Option<Subscription> {
        None
    }

    /// Several submissions as one request, in each way that nodes of the family may have, the best first.
    fn batches(&self, requests: &[&Request]) -> Vec<Request>;

    /// Whether a node took what [`Driver::batches`] gave as a whole; what it says of each transaction is not asked.
    fn took_batch(&self, reply: &Reply) -> bool {
        reply.body.first() == Some(&b'[')
    }

    /// Asks for [`Context`].
    fn context_request(&self) -> Request;

    /// # Errors
    /// [`Malformed`] when the reply tells no price.
    fn context(&self, reply: &Reply) -> Result<Context, Malformed>;

    /// The class of an answer to `sent`, given by a node of this `client`.
    fn classify(&self, client: &str, sent: &SignedTransaction, reply: &Reply) -> Answer;

    /// The accounts of a run: all that its plan can need, derived from its seed.
    fn wallet(
        &self,
        chain_id: u64,
        seed: &Seed,
        parameters: &Parameters,
        context: Context,
    ) -> Box<dyn Wallet>;

    /// A funding transaction of the faucet: `key` (as the family writes private keys) pays
    /// `amount` to `account`.
    ///
    /// # Errors
    /// In words, when the key is no key or the account no account.
    fn pay(&self, order: &Payment<'_>) -> Result<SignedTransaction, String>;

    /// The account of a private key.
    ///
    /// # Errors
    /// In words, when the key is no key.
    fn account_of(&self, key: &str) -> Result<String, String>;

    /// Asks for an account's balance and next sequence number.
    fn account_request(&self, account: &str) -> Request;

    /// (balance in the smallest unit, next sequence number).
    ///
    /// # Errors
    /// [`Malformed`] when the reply tells neither.
    fn account(&self, reply: &Reply) -> Result<(u128, u64), Malformed>;
}

/// What the faucet pays.
pub struct Payment<'a> {
    /// Chain id.
    pub chain_id: u64,
    /// The faucet's private key.
    pub key: &'a str,
    /// Sequence number of the faucet's account.
    pub sequence: u64,
    /// To whom.
    pub account: &'a str,
    /// How much, smallest unit.
    pub amount: u128,
    /// Price of gas now.
    pub context: Context,
}

/// The accounts of one run, funded by a tree: root, branches, leaves. Roles are given to leaves
/// by a draw that does not show in how they were funded.
pub trait Wallet: Send + Sync {
    /// The account that the faucet pays.
    fn root(&self) -> &str;

    /// How much it needs, smallest unit.
    fn root_amount(&self) -> u128;

    /// Funding transactions, in waves: each wave needs the one before in the chain.
    fn waves(&self) -> usize;

    /// The transactions of one wave.
    fn wave(&self, number: usize) -> Vec<SignedTransaction>;

    /// The next `count` transactions of a kind, never the same twice (but for replays).
    fn take(&mut self, kind: LaneKind, count: usize) -> Vec<SignedTransaction>;
}

/// The driver of a chain family.
///
/// # Errors
/// In words, when there is none of this name.
pub fn of_family(family: &str) -> Result<&'static dyn Driver, String> {
    match family {
        "evm" => Ok(&crate::evm::Evm),
        "clique" => Ok(&crate::clique::Clique),
        "kaia" => Ok(&crate::kaia::Kaia),
        "cometbft" => Ok(&crate::cometbft::CometBft),
        other => Err(format!(
            "no driver for chain family `{other}`: this build has `evm`, `clique`, `kaia` and `cometbft`"
        )),
    }
}

/// Rounds that may fail one after another before the network is taken to stand still (MEASURE 3).
const HALT_ROUNDS: u32 = 3;

/// A plan with the time that the family's rounds need, where the plan sets no time of its own for a halt: one proposer
/// that is down is not a network that stands still.
pub fn with_halt(driver: &dyn Driver, mut parameters: Parameters) -> Parameters {
    if let Some(timeout) = driver.round_timeout() {
        parameters.or_halt_ms((timeout * HALT_ROUNDS).as_millis() as u32);
    }
    parameters
}

/// A plan with what of it the family carries, and the time that its rounds need: for plans that were made for no family.
pub fn as_carried(driver: &dyn Driver, mut parameters: Parameters) -> Parameters {
    if let Parameters::SpamDefense(spam) = &mut parameters {
        spam.vectors.retain(|vector| driver.carries((*vector).into()));
    }
    with_halt(driver, parameters)
}

/// What of a plan the family does not have, in words; none when it carries all of it.
pub fn not_carried(driver: &dyn Driver, family: &str, parameters: &Parameters) -> Option<String> {
    if parameters.challenge().needs_validator() && !driver.tells_turns() {
        let what = parameters.challenge();
        return Some(format!(
            "blocks of the chain family `{family}` do not tell whose turn they were: {what} is for kaia, cometbft and clique"
        ));
    }
    let missing = kinds(parameters).into_iter().find(|kind| !driver.carries(*kind))?;
    let what = match (missing, missing.vector()) {
        (_, Some(vector)) => format!("{vector} ({})", vector.title()),
        (LaneKind::KeyChange, None) => {
            return Some(format!("the chain family `{family}` has no accounts whose keys change: kaia has"));
        }
        (_, None) => "door probe".to_owned(),
    };
    let known = Vector::ALL.into_iter().filter(|vector| driver.carries((*vector).into()));
    let known: Vec<String> = known.map(|vector| vector.to_string()).collect();
    Some(format!("the chain family `{family}` has no {what}: choose among {}", known.join(", ")))
}

/// At most `limit` characters of printable ASCII: what a stranger's node said, safe to keep.
pub(crate) fn printable(text: &str, limit: usize) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).take(limit).collect()
}
