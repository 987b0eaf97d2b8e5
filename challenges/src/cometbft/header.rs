//! Headers and their hashes: what a block is, in fourteen fields.
//! Source: cometbft v0.38 types/block.go (`Header.Hash`), types/encoding_helper.go.

use serde::Deserialize;

use super::reply::{hexadecimal, number, written};
use super::wire::{Hash, Message, Time, merkle_root};
use crate::driver::Malformed;

/// A block by its hash, and by that of the parts it travels in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct BlockId {
    #[serde(deserialize_with = "hexadecimal")]
    pub(super) hash: Vec<u8>,
    parts: Parts,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Parts {
    total: u32,
    #[serde(deserialize_with = "hexadecimal")]
    hash: Vec<u8>,
}

impl BlockId {
    /// As it is hashed and signed.
    pub(super) fn message(&self) -> Message {
        let parts = Message::new().varint(1, self.parts.total.into()).bytes(2, &self.parts.hash);
        Message::new().bytes(1, &self.hash).message(2, &parts)
    }
}

#[derive(Debug, Clone, Deserialize)]
struct Version {
    #[serde(deserialize_with = "number")]
    block: i64,
    #[serde(default, deserialize_with = "number")]
    app: i64,
}

/// A header.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Header {
    version: Version,
    pub(super) chain_id: String,
    #[serde(deserialize_with = "number")]
    pub(super) height: i64,
    time: String,
    pub(super) last_block_id: BlockId,
    #[serde(deserialize_with = "hexadecimal")]
    last_commit_hash: Vec<u8>,
    #[serde(deserialize_with = "hexadecimal")]
    pub(super) data_hash: Vec<u8>,
    #[serde(deserialize_with = "hexadecimal")]
    pub(super) validators_hash: Vec<u8>,
    #[serde(deserialize_with = "hexadecimal")]
    next_validators_hash: Vec<u8>,
    #[serde(deserialize_with = "hexadecimal")]
    consensus_hash: Vec<u8>,
    #[serde(deserialize_with = "hexadecimal")]
    app_hash: Vec<u8>,
    #[serde(deserialize_with = "hexadecimal")]
    last_results_hash: Vec<u8>,
    #[serde(deserialize_with = "hexadecimal")]
    evidence_hash: Vec<u8>,
    pub(super) proposer_address: String,
}

impl Header {
    /// The hash that is the block's: worked out, not taken from the node.
    pub(super) fn hash(&self) -> Result<Hash, Malformed> {
        let time = Time::parse(&self.time).ok_or_else(|| Malformed("a header without an instant".into()))?;
        let proposer = hex::decode(&self.proposer_address)
            .map_err(|_| Malformed("a header whose proposer is no address".into()))?;
        // A lone value is hashed as a message with that one field.
        let bytes = |value: &[u8]| Message::new().bytes(1, value).encode();
        Ok(merkle_root(&[
            Message::new().varint(1, self.version.block).varint(2, self.version.app).encode(),
            bytes(self.chain_id.as_bytes()),
            Message::new().varint(1, self.height).encode(),
            time.message().encode(),
            self.last_block_id.message().encode(),
            bytes(&self.last_commit_hash),
            bytes(&self.data_hash),
            bytes(&self.validators_hash),
            bytes(&self.next_validators_hash),
            bytes(&self.consensus_hash),
            bytes(&self.app_hash),
            bytes(&self.last_results_hash),
            bytes(&self.evidence_hash),
            bytes(&proposer),
        ]))
    }

    /// The hash, if it is `told`.
    pub(super) fn vouched(&self, told: &[u8]) -> Result<Hash, Malformed> {
        let hash = self.hash()?;
        if hash.as_slice() == told {
            return Ok(hash);
        }
        Err(Malformed(format!(
            "forged header: that of height {} hashes to {}, not to {}",
            self.height,
            written(&hash),
            hex::encode_upper(&told[..told.len().min(32)])
        )))
    }
}
