//! Signs transactions, so that the lab has something real to check.

use alloy_primitives::{Address, B256, U256, hex, keccak256};
use alloy_rlp::{Encodable, Header};
use secp256k1::{Message, Secp256k1, SecretKey};

pub(crate) const CHAIN_ID: u64 = 9_999;
pub(crate) const GWEI: u64 = 1_000_000_000;

/// A key and its address.
pub(crate) struct Wallet {
    key: SecretKey,
    pub(crate) address: Address,
}

/// An EIP-1559 transfer; change what the test is about.
#[derive(Clone)]
pub(crate) struct Transfer {
    pub(crate) chain_id: u64,
    pub(crate) nonce: u64,
    pub(crate) tip: U256,
    pub(crate) cap: U256,
    pub(crate) gas: u64,
    pub(crate) to: Option<Address>,
    pub(crate) value: U256,
    pub(crate) data: Vec<u8>,
    pub(crate) access: Vec<(Address, Vec<B256>)>,
}

impl Default for Transfer {
    fn default() -> Self {
        Self {
            chain_id: CHAIN_ID,
            nonce: 0,
            tip: U256::from(GWEI),
            cap: U256::from(3 * GWEI),
            gas: 100_000,
            to: Some(Address::repeat_byte(0xbb)),
            value: U256::from(1),
            data: Vec::new(),
            access: Vec::new(),
        }
    }
}

impl Transfer {
    pub(crate) fn nonce(nonce: u64) -> Self {
        Self { nonce, ..Self::default() }
    }

    fn fields(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.chain_id.encode(&mut out);
        self.nonce.encode(&mut out);
        number(&mut out, self.tip);
        number(&mut out, self.cap);
        self.gas.encode(&mut out);
        let to = self.to.map(|to| to.to_vec()).unwrap_or_default();
        to.as_slice().encode(&mut out);
        number(&mut out, self.value);
        self.data.as_slice().encode(&mut out);
        let mut entries = Vec::new();
        for (address, keys) in &self.access {
            let keys: Vec<u8> = keys.iter().flat_map(|key| encoded(key.as_slice())).collect();
            entries.extend(list([encoded(address.as_slice()), list(keys)].concat()));
        }
        out.extend(list(entries));
        out
    }

    /// The signed bytes with the given signature values.
    pub(crate) fn with_signature(&self, parity: u64, r: U256, s: U256) -> Vec<u8> {
        let mut fields = self.fields();
        parity.encode(&mut fields);
        number(&mut fields, r);
        number(&mut fields, s);
        [vec![2], list(fields)].concat()
    }
}

impl Wallet {
    pub(crate) fn new(seed: u8) -> Self {
        Self::from_key([seed; 32])
    }

    pub(crate) fn from_hex(key: &str) -> Self {
        Self::from_key(hex::decode_to_array(key).unwrap())
    }

    fn from_key(key: [u8; 32]) -> Self {
        let key = SecretKey::from_byte_array(key).unwrap();
        let public = key.public_key(&Secp256k1::signing_only());
        let digest = keccak256(&public.serialize_uncompressed()[1..]);
        Self { key, address: Address::from_slice(&digest[12..]) }
    }

    /// The contract that this account creates with this nonce.
    pub(crate) fn contract(&self, nonce: u64) -> Address {
        let mut payload = encoded(self.address.as_slice());
        nonce.encode(&mut payload);
        Address::from_slice(&keccak256(list(payload))[12..])
    }

    /// Parity, r and s over a transfer.
    pub(crate) fn signature(&self, transfer: &Transfer) -> (u64, U256, U256) {
        let hash = keccak256([vec![2], list(transfer.fields())].concat());
        let message = Message::from_digest(hash.0);
        let signature = Secp256k1::signing_only().sign_ecdsa_recoverable(message, &self.key);
        let (id, compact) = signature.serialize_compact();
        let half = |range: std::ops::Range<usize>| U256::from_be_slice(&compact[range]);
        (i32::from(id) as u64, half(0..32), half(32..64))
    }

    pub(crate) fn sign(&self, transfer: &Transfer) -> Vec<u8> {
        let (parity, r, s) = self.signature(transfer);
        transfer.with_signature(parity, r, s)
    }
}

/// The order of the curve.
pub(crate) fn order() -> U256 {
    U256::from_be_bytes(hex!("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"))
}

pub(crate) fn list(payload: Vec<u8>) -> Vec<u8> {
    let mut out = Vec::new();
    Header { list: true, payload_length: payload.len() }.encode(&mut out);
    out.extend(payload);
    out
}

pub(crate) fn number(out: &mut Vec<u8>, number: U256) {
    number.to_be_bytes_trimmed_vec().as_slice().encode(out);
}

fn encoded(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    bytes.encode(&mut out);
    out
}
