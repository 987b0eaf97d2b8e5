//! A signed transfer: from the wire to a sender that the signature proves.

use std::sync::LazyLock;

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_rlp::{Decodable, Encodable, Header};
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, Secp256k1, VerifyOnly};

use crate::refusal::Refusal;

/// Bytes that a transaction may have (geth's limit).
const SIZE_LIMIT: usize = 128 * 1024;
/// The type byte of EIP-1559.
const DYNAMIC_FEE: u8 = 2;
/// The order of the curve; r and s are below it.
const ORDER: U256 = U256::from_limbs([
    0xBFD2_5E8C_D036_4141,
    0xBAAE_DCE6_AF48_A03B,
    0xFFFF_FFFF_FFFF_FFFE,
    0xFFFF_FFFF_FFFF_FFFF,
]);
/// Half of the order; s is not above it (EIP-2).
const HALF_ORDER: U256 = U256::from_limbs([
    0xDFE9_2F46_681B_20A0,
    0x5D57_6E73_57A4_501D,
    0xFFFF_FFFF_FFFF_FFFF,
    0x7FFF_FFFF_FFFF_FFFF,
]);

static CURVE: LazyLock<Secp256k1<VerifyOnly>> = LazyLock::new(Secp256k1::verification_only);

/// A transaction whose sender is proven by its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Keccak of the signed bytes.
    pub hash: B256,
    /// Recovered from the signature.
    pub sender: Address,
    /// How many transactions the sender had before.
    pub nonce: u64,
    /// Gas limit.
    pub gas: u64,
    /// Gas needed before anything runs.
    pub intrinsic_gas: u64,
    /// Wei per gas that the sender gives on top of the base fee at most.
    pub tip_cap: U256,
    /// Wei per gas that the sender pays at most, base fee included.
    pub fee_cap: U256,
    /// Recipient; `None` creates a contract.
    pub to: Option<Address>,
    /// Wei transferred.
    pub value: U256,
}

impl Transaction {
    /// Reads a legacy (EIP-155) or type 2 (EIP-1559) transaction for this chain and recovers its sender.
    ///
    /// # Errors
    /// Bytes that are no such transaction, another chain id, a signature out of range.
    pub fn decode(raw: &[u8], chain_id: u64) -> Result<Self, Refusal> {
        let signed = match raw {
            [] | [0..=0x7f] => Err(Refusal::Short),
            [DYNAMIC_FEE, list @ ..] => Signed::dynamic_fee(list),
            [0..=0x7f, ..] => Err(Refusal::UnsupportedType),
            _ => Signed::legacy(raw),
        }?;
        if raw.len() > SIZE_LIMIT {
            return Err(Refusal::Oversized { size: raw.len(), limit: SIZE_LIMIT });
        }
        let sender = signed.sender(chain_id)?;
        let intrinsic_gas = signed.body.intrinsic_gas();
        let body = signed.body;
        Ok(Self {
            hash: keccak256(raw),
            sender,
            nonce: body.nonce,
            gas: body.gas,
            intrinsic_gas,
            tip_cap: body.tip_cap,
            fee_cap: body.fee_cap,
            to: body.to,
            value: body.value,
        })
    }

    /// Wei that this transaction may cost at most.
    #[must_use]
    pub fn cost(&self) -> U256 {
        let fee = U256::from(self.gas).saturating_mul(self.fee_cap);
        fee.saturating_add(self.value)
    }

    /// Wei per gas that is paid when the base fee is this.
    #[must_use]
    pub fn effective_price(&self, base_fee: u64) -> U256 {
        let base_fee = U256::from(base_fee);
        let room = self.fee_cap.saturating_sub(base_fee);
        base_fee.saturating_add(self.tip_cap.min(room))
    }

    /// Whether fee and tip are both at least 10 % above those of the transaction to replace.
    pub(crate) fn outbids(&self, old: &Self) -> bool {
        let beats = |new: U256, old: U256| {
            let threshold = old.saturating_mul(U256::from(110)) / U256::from(100);
            new > old && new >= threshold
        };
        beats(self.fee_cap, old.fee_cap) && beats(self.tip_cap, old.tip_cap)
    }
}

/// The fields that both kinds have.
struct Body {
    nonce: u64,
    tip_cap: U256,
    fee_cap: U256,
    gas: u64,
    to: Option<Address>,
    value: U256,
    data_gas: u64,
    access_gas: u64,
}

impl Body {
    /// 21,000, or 53,000 to create, and what the data and the access list cost (EIP-2028, EIP-2930).
    fn intrinsic_gas(&self) -> u64 {
        let base: u64 = if self.to.is_some() { 21_000 } else { 53_000 };
        base + self.data_gas + self.access_gas
    }
}

/// A transaction as read, its signature not looked at yet.
struct Signed<'a> {
    body: Body,
    /// The fields before the signature, as they were sent.
    unsigned: &'a [u8],
    kind: Kind,
    /// The chain id that the sender named.
    chain_id: U256,
    parity: U256,
    r: U256,
    s: U256,
}

#[derive(Clone, Copy)]
enum Kind {
    Legacy,
    DynamicFee,
}

impl<'a> Signed<'a> {
    /// `[nonce, gasPrice, gas, to, value, data, v, r, s]`
    fn legacy(raw: &'a [u8]) -> Result<Self, Refusal> {
        let whole = whole_list(raw)?;
        let mut rest = whole;
        let nonce = u64::decode(&mut rest)?;
        let price = word(&mut rest)?;
        let body = Body {
            nonce,
            tip_cap: price,
            fee_cap: price,
            gas: u64::decode(&mut rest)?,
            to: recipient(&mut rest)?,
            value: word(&mut rest)?,
            data_gas: data_gas(&mut rest)?,
            access_gas: 0,
        };
        let unsigned = &whole[..whole.len() - rest.len()];
        let (v, r, s) = signature(rest)?;
        let (chain_id, parity) = replay_protection(v)?;
        Ok(Self { body, unsigned, kind: Kind::Legacy, chain_id, parity, r, s })
    }

    /// `[chainId, nonce, tipCap, feeCap, gas, to, value, data, accessList, parity, r, s]`
    fn dynamic_fee(list: &'a [u8]) -> Result<Self, Refusal> {
        let whole = whole_list(list)?;
        let mut rest = whole;
        let chain_id = word(&mut rest)?;
        let body = Body {
            nonce: u64::decode(&mut rest)?,
            tip_cap: word(&mut rest)?,
            fee_cap: word(&mut rest)?,
            gas: u64::decode(&mut rest)?,
            to: recipient(&mut rest)?,
            value: word(&mut rest)?,
            data_gas: data_gas(&mut rest)?,
            access_gas: access_gas(&mut rest)?,
        };
        let unsigned = &whole[..whole.len() - rest.len()];
        let (parity, r, s) = signature(rest)?;
        Ok(Self { body, unsigned, kind: Kind::DynamicFee, chain_id, parity, r, s })
    }

    fn sender(&self, chain_id: u64) -> Result<Address, Refusal> {
        if self.chain_id != U256::from(chain_id) {
            return Err(Refusal::ChainId { have: self.chain_id, want: chain_id });
        }
        let zero = U256::ZERO;
        let in_range = self.r > zero && self.r < ORDER && self.s > zero && self.s <= HALF_ORDER;
        let parity = i32::try_from(self.parity).map_err(|_| Refusal::Signature)?;
        if !in_range || parity > 1 {
            return Err(Refusal::Signature);
        }
        let mut compact = [0; 64];
        compact[..32].copy_from_slice(&self.r.to_be_bytes::<32>());
        compact[32..].copy_from_slice(&self.s.to_be_bytes::<32>());
        recover(self.signing_hash(chain_id), &compact, parity).map_err(|_| Refusal::Recovery)
    }

    /// What was signed: the fields as they were sent, under a list header of their own.
    fn signing_hash(&self, chain_id: u64) -> B256 {
        let mut payload = self.unsigned.to_vec();
        let mut out = Vec::with_capacity(payload.len() + 16);
        match self.kind {
            Kind::Legacy => {
                chain_id.encode(&mut payload);
                payload.extend_from_slice(&[alloy_rlp::EMPTY_STRING_CODE; 2]);
            }
            Kind::DynamicFee => out.push(DYNAMIC_FEE),
        }
        Header { list: true, payload_length: payload.len() }.encode(&mut out);
        out.extend_from_slice(&payload);
        keccak256(out)
    }
}

fn recover(hash: B256, compact: &[u8; 64], parity: i32) -> Result<Address, secp256k1::Error> {
    let signature = RecoverableSignature::from_compact(compact, RecoveryId::try_from(parity)?)?;
    let key = CURVE.recover_ecdsa(Message::from_digest(hash.0), &signature)?;
    let digest = keccak256(&key.serialize_uncompressed()[1..]);
    Ok(Address::from_slice(&digest[12..]))
}

/// Splits an EIP-155 `v` into chain id and parity.
fn replay_protection(v: U256) -> Result<(U256, U256), Refusal> {
    let unprotected = [0_u64, 1, 27, 28].map(U256::from);
    if unprotected.contains(&v) {
        return Err(Refusal::Unprotected);
    }
    let shifted = v.checked_sub(U256::from(35)).ok_or(Refusal::Signature)?;
    Ok((shifted >> 1, shifted & U256::ONE))
}

/// The payload of a list that fills its bytes exactly.
fn whole_list(mut bytes: &[u8]) -> Result<&[u8], alloy_rlp::Error> {
    let payload = Header::decode_bytes(&mut bytes, true)?;
    end(bytes)?;
    Ok(payload)
}

fn end(rest: &[u8]) -> Result<(), alloy_rlp::Error> {
    if rest.is_empty() { Ok(()) } else { Err(alloy_rlp::Error::UnexpectedLength) }
}

fn word(bytes: &mut &[u8]) -> Result<U256, alloy_rlp::Error> {
    let digits = Header::decode_bytes(bytes, false)?;
    if digits.first() == Some(&0) {
        return Err(alloy_rlp::Error::LeadingZero);
    }
    U256::try_from_be_slice(digits).ok_or(alloy_rlp::Error::Overflow)
}

fn recipient(bytes: &mut &[u8]) -> Result<Option<Address>, alloy_rlp::Error> {
    let address = Header::decode_bytes(bytes, false)?;
    if address.is_empty() {
        return Ok(None);
    }
    Address::try_from(address).map(Some).map_err(|_| alloy_rlp::Error::UnexpectedLength)
}

fn data_gas(bytes: &mut &[u8]) -> Result<u64, alloy_rlp::Error> {
    let data = Header::decode_bytes(bytes, false)?;
    Ok(data.iter().map(|byte| if *byte == 0 { 4 } else { 16 }).sum())
}

fn access_gas(bytes: &mut &[u8]) -> Result<u64, alloy_rlp::Error> {
    let mut entries = Header::decode_bytes(bytes, true)?;
    let mut gas = 0;
    while !entries.is_empty() {
        let mut entry = Header::decode_bytes(&mut entries, true)?;
        <[u8; 20]>::decode(&mut entry)?;
        let mut keys = Header::decode_bytes(&mut entry, true)?;
        end(entry)?;
        gas += 2_400;
        while !keys.is_empty() {
            <[u8; 32]>::decode(&mut keys)?;
            gas += 1_900;
        }
    }
    Ok(gas)
}

/// The three values behind the fields, and nothing behind them.
fn signature(mut rest: &[u8]) -> Result<(U256, U256, U256), alloy_rlp::Error> {
    let values = (word(&mut rest)?, word(&mut rest)?, word(&mut rest)?);
    end(rest)?;
    Ok(values)
}
