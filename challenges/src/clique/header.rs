//! A block's header, its hash worked out from its fields, and who sealed it.
//!
//! The hash is keccak256 of the RLP of the header; the seal, the last 65 bytes of the extra data, is a signature over the
//! same without the seal. Seen on geth 1.13.15.

use alloy_primitives::{Address, B256, keccak256};
use serde_json::Value;

use crate::account::signer;
use crate::driver::Malformed;
use crate::field::{Form, Form::Data, Form::Number, data, hash, number};
use crate::rlp::{encoded, list};

/// Bytes of the extra data that are free for the sealer's words.
const VANITY: usize = 32;
/// Bytes of the seal at the end of the extra data.
const SEAL: usize = 65;
const ADDRESS: usize = 20;

/// The fields before the extra data, in the order of the encoding.
const BEFORE: [(&str, Form); 12] = [
    ("parentHash", Data),
    ("sha3Uncles", Data),
    ("miner", Data),
    ("stateRoot", Data),
    ("transactionsRoot", Data),
    ("receiptsRoot", Data),
    ("logsBloom", Data),
    ("difficulty", Number),
    ("number", Number),
    ("gasLimit", Number),
    ("gasUsed", Number),
    ("timestamp", Number),
];
/// Those after it. The last came with London.
const AFTER: [(&str, Form); 3] = [("mixHash", Data), ("nonce", Data), ("baseFeePerGas", Number)];

/// A header whose hash is right.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) number: u64,
    pub(super) hash: B256,
    pub(super) parent: B256,
    pub(super) transactions_root: B256,
    /// Who sealed it; nobody the first block.
    pub(super) sealer: Option<Address>,
    /// Whether it says, by its difficulty, that the turn was its sealer's.
    pub(super) is_in_turn: bool,
    /// For or against whom as a signer it votes: only so can the signers change, and only by that one.
    pub(super) ballot: Option<Address>,
    /// The signers, where it lists them: the first block does, and one in each epoch.
    pub(super) listed: Vec<Address>,
}

impl Header {
    /// Reads a header, or a block, as a node tells it.
    ///
    /// # Errors
    /// [`Malformed`] when a field is missing, the hash told is not that of the fields, or there is no seal.
    pub(super) fn read(told: &Value) -> Result<Self, Malformed> {
        let height = number(told, "number")?;
        let height = u64::try_from(height).map_err(|_| Malformed("a height beyond 64 bits".into()))?;
        let forged = |what: String| Malformed(format!("block {height} is forged: {what}"));
        let extra = data(told, "extraData")?;
        let unsealed = extra.len().checked_sub(SEAL).filter(|length| *length >= VANITY);
        let (content, seal) = extra.split_at(unsealed.ok_or_else(|| {
            Malformed(format!("block {height}: its extra data hold no seal: is this a clique chain?"))
        })?);
        let fields = Fields::read(told)?;
        let worked_out = keccak256(fields.encode(&extra));
        let told_hash = hash(told, "hash")?;
        if worked_out != told_hash {
            return Err(forged(format!("its hash is told as {told_hash}, its fields give {worked_out}")));
        }
        let sealer = signer(keccak256(fields.encode(content)), seal).filter(|_| height > 0);
        if height > 0 && sealer.is_none() {
            return Err(forged("nobody can have sealed it".into()));
        }
        let difficulty = number(told, "difficulty")?.try_into().unwrap_or(0_u64);
        if height > 0 && !(1..=2).contains(&difficulty) {
            return Err(forged(format!("under clique no block has difficulty {difficulty}")));
        }
        Ok(Self {
            number: height,
            hash: worked_out,
            parent: hash(told, "parentHash")?,
            transactions_root: hash(told, "transactionsRoot")?,
            sealer,
            is_in_turn: difficulty == 2,
            ballot: fields.ballot(),
            listed: listed(&content[VANITY..]).ok_or_else(|| forged("it lists no whole signers".into()))?,
        })
    }
}

fn listed(bytes: &[u8]) -> Option<Vec<Address>> {
    let addresses = bytes.chunks_exact(ADDRESS);
    addresses.remainder().is_empty().then(|| addresses.map(Address::from_slice).collect())
}

/// The fields on both sides of the extra data.
struct Fields {
    before: Vec<Vec<u8>>,
    after: Vec<Vec<u8>>,
}

impl Fields {
    fn read(told: &Value) -> Result<Self, Malformed> {
        let read = |(name, form): &(&str, Form)| form.read(told, name);
        let has = |(name, _): &&(&str, Form)| told.get(name).is_some_and(|value| !value.is_null());
        let before = BEFORE.iter().map(read).collect::<Result<_, _>>()?;
        let (last, always) = AFTER.split_last().map_or((None, &AFTER[..]), |(last, rest)| (Some(last), rest));
        let after = always.iter().chain(last.filter(has)).map(read).collect::<Result<_, _>>()?;
        Ok(Self { before, after })
    }

    fn encode(&self, extra: &[u8]) -> Vec<u8> {
        let before = self.before.iter().map(Vec::as_slice);
        let fields = before.chain([extra]).chain(self.after.iter().map(Vec::as_slice));
        list(&fields.map(|field| encoded(&field)).collect::<Vec<_>>())
    }

    /// Whom the vote is about stands in the place of the miner, and whether it is for or against in the nonce.
    fn ballot(&self) -> Option<Address> {
        const MINER: usize = 2;
        const NONCE: usize = 1;
        let (miner, nonce) = (&self.before[MINER], &self.after[NONCE]);
        let votes = miner.iter().chain(nonce).any(|byte| *byte != 0);
        votes.then(|| Address::try_from(miner.as_slice()).unwrap_or_default())
    }
}
