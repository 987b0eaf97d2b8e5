//! Accounts and signatures on secp256k1.

use std::sync::OnceLock;

use alloy_primitives::{Address, B256, U256, keccak256};
use model::Seed;
use secp256k1::{Message, PublicKey, Secp256k1, SecretKey, SignOnly};

/// One context for the process. Version 0.31 does not randomise it again after each signature, as
/// 0.33 does at half the speed.
fn context() -> &'static Secp256k1<SignOnly> {
    static CONTEXT: OnceLock<Secp256k1<SignOnly>> = OnceLock::new();
    CONTEXT.get_or_init(Secp256k1::signing_only)
}

/// A key pair and its address.
#[derive(Clone)]
pub(super) struct Account {
    key: SecretKey,
    pub(super) address: Address,
}

/// A signature by its parts; `odd` is the parity of the nonce point's y.
#[derive(Clone, Copy)]
pub(super) struct Signature {
    pub(super) r: U256,
    pub(super) s: U256,
    pub(super) odd: bool,
}

impl Account {
    /// The account of a name under a seed.
    pub(super) fn derive(seed: &Seed, name: &str) -> Self {
        let mut bytes = seed.derive(name);
        loop {
            // One seed in 2^128 is no scalar; its successor then is.
            match SecretKey::from_byte_array(*bytes.as_bytes()) {
                Ok(key) => return Self::of(key),
                Err(_) => bytes = bytes.derive("again"),
            }
        }
    }

    /// The account of a private key of 64 hexadecimal digits, with or without `0x`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let digits = text.trim().trim_start_matches("0x");
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes)
            .map_err(|_| "the private key is not 64 hexadecimal digits".to_owned())?;
        SecretKey::from_byte_array(bytes)
            .map(Self::of)
            .map_err(|_| "the private key is out of range".to_owned())
    }

    fn of(key: SecretKey) -> Self {
        let public = PublicKey::from_secret_key(context(), &key).serialize_uncompressed();
        Self { key, address: Address::from_slice(&keccak256(&public[1..])[12..]) }
    }

    /// Signs a digest.
    pub(super) fn sign(&self, digest: B256) -> Signature {
        let signed = context().sign_ecdsa_recoverable(Message::from_digest(digest.0), &self.key);
        let (recovery, bytes) = signed.serialize_compact();
        Signature {
            r: U256::from_be_slice(&bytes[..32]),
            s: U256::from_be_slice(&bytes[32..]),
            odd: i32::from(recovery) & 1 == 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_well_known_test_key_has_its_address() {
        let account =
            Account::parse("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80").unwrap();
        assert_eq!(account.address.to_string(), "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
    }

    #[test]
    fn no_key_is_told_in_words() {
        assert!(Account::parse("0x12").is_err());
        assert!(Account::parse(&"0".repeat(64)).is_err());
    }
}
