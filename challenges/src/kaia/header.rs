//! A block's header, its hash worked out from its fields.
//!
//! The hash is keccak256 of the RLP of the header, with the round (last byte of the vanity) set to 0 and the committed
//! seals left out: they are added afterwards. Seen on kcn 2.0.3 in rounds 0, 1 and 2, with and without a base fee.
//!
//! Klaytn wrote `blockscore` in blocks (`RpcOutputBlock` in its `api/api_public_blockchain.go`), and `blockScore` in
//! headers alone, as Kaia does in both. Between its forks EthTxType and Magma it told a `baseFeePerGas` of 0 for blocks
//! that have none: the hash says which of the two a 0 is.

use alloy_primitives::{Address, B256, Bytes, keccak256};
use alloy_rlp::Decodable;
use serde_json::Value;

use crate::driver::Malformed;
use crate::field::{Form, Form::Data, Form::Number, data, hash, number};
use crate::rlp::{encoded, list};

/// Bytes of the extra data before the seals: free for the proposer's words but for the last, the round.
const VANITY: usize = 32;

/// The fields before the extra data, in the order of the encoding.
const BEFORE: [(&str, Form); 11] = [
    ("parentHash", Data),
    ("reward", Data),
    ("stateRoot", Data),
    ("transactionsRoot", Data),
    ("receiptsRoot", Data),
    ("logsBloom", Data),
    ("blockScore", Number),
    ("number", Number),
    ("gasUsed", Number),
    ("timestamp", Number),
    ("timestampFoS", Number),
];

/// The fields that came with forks, in the order of the encoding: Magma's, Randao's two, Osaka's two, and that of
/// KIP-227. Those at the end that a block does not have are left out; one before another that it has is empty.
const FORKS: [(&str, Form); 6] = [
    ("baseFeePerGas", Number),
    ("randomReveal", Data),
    ("mixHash", Data),
    ("blobGasUsed", Number),
    ("excessBlobGas", Number),
    ("vrank", Data),
];

/// A header whose hash is right.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) number: u64,
    pub(super) hash: B256,
    pub(super) parent: B256,
    pub(super) transactions_root: B256,
    /// What the proposer signed, hashed once more.
    pub(super) signed: B256,
    /// The round modulo 256. No hash covers it, nor did votes before the fork Permissionless.
    pub(super) round: u8,
    /// All who may be proposer, in no order that is the same in all releases.
    pub(super) council: Vec<Address>,
    /// The proposer's signature.
    pub(super) seal: Bytes,
    /// Signatures of those who voted for the block.
    pub(super) votes: Vec<Bytes>,
    /// Changes of parameters, as they are encoded; in the first block all of them.
    pub(super) governance: Vec<u8>,
}

impl Header {
    /// Reads a header, or a block, as a node tells it.
    ///
    /// # Errors
    /// [`Malformed`] when a field is missing, or the hash told is not that of the fields.
    pub(super) fn read(told: &Value) -> Result<Self, Malformed> {
        let number = number(told, "number")?;
        let number = u64::try_from(number).map_err(|_| Malformed("a height beyond 64 bits".into()))?;
        let extra = data(told, "extraData")?;
        let no_seals = || Malformed(format!("block {number}: its extra data hold no seals"));
        let (vanity, seals) = extra.split_at_checked(VANITY).ok_or_else(no_seals)?;
        let (council, seal, votes) = unseal(seals).map_err(|_| no_seals())?;
        let told_hash = hash(told, "hash")?;
        let mut fields = Fields::read(told, &FORKS)?;
        let mut worked_out = keccak256(fields.encode(vanity, &council, &seal));
        if worked_out != told_hash && told.get(FORKS[0].0).is_some_and(|price| price == "0x0") {
            fields = Fields::read(told, &[])?;
            worked_out = keccak256(fields.encode(vanity, &council, &seal));
        }
        if worked_out != told_hash {
            return Err(Malformed(format!(
                "block {number} is forged: its hash is told as {told_hash}, its fields give {worked_out}"
            )));
        }
        Ok(Self {
            number,
            hash: worked_out,
            parent: hash(told, "parentHash")?,
            transactions_root: hash(told, "transactionsRoot")?,
            signed: keccak256(keccak256(fields.encode(vanity, &council, &Bytes::new()))),
            round: vanity[VANITY - 1],
            council,
            seal,
            votes,
            governance: data(told, "governanceData")?,
        })
    }
}

/// The encoded fields on both sides of the extra data.
struct Fields {
    before: Vec<Vec<u8>>,
    after: Vec<Vec<u8>>,
}

impl Fields {
    fn read(told: &Value, forks: &[(&str, Form)]) -> Result<Self, Malformed> {
        let read = |(name, form): &(&str, Form)| form.read(told, spelled(told, name));
        let has = |name: &str| told.get(name).is_some_and(|value| !value.is_null() && value != "0x");
        let before = BEFORE.iter().map(read).collect::<Result<_, _>>()?;
        let mut after = vec![data(told, "governanceData")?];
        after.push(if has("voteData") { data(told, "voteData")? } else { Vec::new() });
        let known = forks.iter().rposition(|(name, _)| has(name)).map_or(0, |last| last + 1);
        for field in &forks[..known] {
            after.push(if has(field.0) { read(field)? } else { Vec::new() });
        }
        Ok(Self { before, after })
    }

    /// With round 0, without votes.
    fn encode(&self, vanity: &[u8], council: &Vec<Address>, seal: &Bytes) -> Vec<u8> {
        let mut extra = vanity.to_vec();
        extra[VANITY - 1] = 0;
        extra.extend(list(&[encoded(council), encoded(seal), vec![alloy_rlp::EMPTY_LIST_CODE]]));
        let fields = self.before.iter().chain([&extra]).chain(&self.after);
        list(&fields.map(|field| encoded(&field.as_slice())).collect::<Vec<_>>())
    }
}

/// As it stands in what is told: Klaytn wrote one field in two ways.
fn spelled<'a>(told: &Value, name: &'a str) -> &'a str {
    if name == "blockScore" && told.get(name).is_none() { "blockscore" } else { name }
}

/// The lists behind the vanity: council, the proposer's seal, votes.
fn unseal(mut bytes: &[u8]) -> alloy_rlp::Result<(Vec<Address>, Bytes, Vec<Bytes>)> {
    let mut inner = alloy_rlp::Header::decode_bytes(&mut bytes, true)?;
    let all =
        (Decodable::decode(&mut inner)?, Decodable::decode(&mut inner)?, Decodable::decode(&mut inner)?);
    if bytes.is_empty() && inner.is_empty() { Ok(all) } else { Err(alloy_rlp::Error::UnexpectedLength) }
}
