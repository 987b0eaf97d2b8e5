//! The certificate of a block: a precommit of each validator, or its absence, with the signatures checked.

use ed25519_dalek::{Signature, Verifier as _};
use serde::Deserialize;

use super::header::{BlockId, Header};
use super::reply::{base64, number};
use super::validators::{Validator, Validators};
use super::wire::{Message, Time};
use crate::driver::{Malformed, printable};

/// What a vote says about the block.
const ABSENT: u8 = 1;
const FOR_BLOCK: u8 = 2;
const FOR_NOTHING: u8 = 3;
/// Votes of the second step.
const PRECOMMIT: i64 = 2;

/// An answer to `commit`.
#[derive(Deserialize)]
pub(super) struct Told {
    pub(super) signed_header: Signed,
    /// False at the head: what this node saw, not what the next block will say.
    pub(super) canonical: bool,
}

/// A header with its certificate.
#[derive(Deserialize)]
pub(super) struct Signed {
    pub(super) header: Header,
    pub(super) commit: Commit,
}

/// A certificate.
#[derive(Deserialize)]
pub(super) struct Commit {
    #[serde(deserialize_with = "number")]
    height: i64,
    pub(super) round: u32,
    pub(super) block_id: BlockId,
    signatures: Vec<Vote>,
}

#[derive(Deserialize)]
struct Vote {
    block_id_flag: u8,
    validator_address: String,
    timestamp: String,
    #[serde(deserialize_with = "base64")]
    signature: Vec<u8>,
}

impl Commit {
    /// Those whose vote for the block is not in the certificate, every vote in it having been checked.
    pub(super) fn absent(&self, chain: &str, validators: &Validators) -> Result<Vec<String>, Malformed> {
        let (slots, members) = (self.signatures.len(), validators.list.len());
        if slots != members {
            return Err(Malformed(format!("forged certificate: {slots} places for {members} validators")));
        }
        let (mut absent, mut power) = (Vec::new(), 0);
        for (vote, validator) in self.signatures.iter().zip(&validators.list) {
            if vote.block_id_flag != ABSENT {
                self.check(chain, vote, validator)?;
            }
            if vote.block_id_flag == FOR_BLOCK {
                power += validator.power;
            } else {
                absent.push(validator.address.clone());
            }
        }
        // Three times the votes must exceed twice all power, of which the bound leaves room for both.
        if power.saturating_mul(3) <= validators.power.saturating_mul(2) {
            return Err(Malformed(format!(
                "forged certificate: the votes for block {} are of {power}, not more than two thirds of {}",
                self.height, validators.power
            )));
        }
        Ok(absent)
    }

    /// Whether this is the certificate of that block.
    pub(super) fn certifies(&self, header: &Header, hash: &[u8]) -> Result<(), Malformed> {
        if self.height == header.height && self.block_id.hash == hash {
            return Ok(());
        }
        Err(Malformed(format!(
            "stale or foreign certificate: of block {} {}, not of {} {}",
            self.height,
            hex::encode_upper(&self.block_id.hash[..self.block_id.hash.len().min(32)]),
            header.height,
            hex::encode_upper(hash)
        )))
    }

    fn check(&self, chain: &str, vote: &Vote, validator: &Validator) -> Result<(), Malformed> {
        let wrong = |what: &str| {
            Malformed(format!(
                "forged certificate of block {}: the vote of {}{what}",
                self.height, validator.address
            ))
        };
        if vote.validator_address != validator.address {
            return Err(wrong(&format!(" is said to be of {}", printable(&vote.validator_address, 40))));
        }
        let block = match vote.block_id_flag {
            FOR_BLOCK => Some(&self.block_id),
            FOR_NOTHING => None,
            _ => return Err(wrong(" is of no known kind")),
        };
        let time = Time::parse(&vote.timestamp).ok_or_else(|| wrong(" has no instant"))?;
        let signature =
            Signature::from_slice(&vote.signature).map_err(|_| wrong(" has a signature that is none"))?;
        let signed = signed_bytes(chain, self.height, self.round, block, time);
        validator.key.verify(&signed, &signature).map_err(|_| wrong(" is not signed by its key"))
    }
}

/// What a validator signs in a precommit. Source: cometbft v0.38 types/canonical.go.
fn signed_bytes(chain: &str, height: i64, round: u32, block: Option<&BlockId>, time: Time) -> Vec<u8> {
    let mut vote = Message::new().varint(1, PRECOMMIT).fixed(2, height).fixed(3, round.into());
    if let Some(block) = block {
        vote = vote.message(4, &block.message());
    }
    vote.message(5, &time.message()).bytes(6, chain.as_bytes()).encode_delimited()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that a validator of 0.38.25 wrote down as signed (`priv_validator_state.json`).
    #[test]
    fn what_is_signed_comes_out_byte_for_byte() {
        let known = "71080211060000000000000022480A2061EE5DE260E6997A5558D2D4F163B1B8A1F046C87ED1C319A742E07A710BC62B\
                     1224080112209E038DB6D1CB481162C91F5418D5028552FCF3100ACC6DB36BAE23BA3D792FDF2A0C08C4AE9CD8061095\
                     9EA2DB02320C636861696E2D7155756D7034";
        let block: BlockId = serde_json::from_str(
            r#"{"hash":"61EE5DE260E6997A5558D2D4F163B1B8A1F046C87ED1C319A742E07A710BC62B","parts":{"total":1,
                "hash":"9E038DB6D1CB481162C91F5418D5028552FCF3100ACC6DB36BAE23BA3D792FDF"}}"#,
        )
        .unwrap();
        let time = Time::parse("2026-11-25T17:13:40.728272661Z").unwrap();
        let signed = signed_bytes("chain-qUump4", 6, 0, Some(&block), time);
        assert_eq!(hex::encode_upper(signed), known);
    }
}
