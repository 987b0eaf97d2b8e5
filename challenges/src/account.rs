//! Accounts and signatures on secp256k1.

use std::sync::OnceLock;

use alloy_primitives::{Address, B256, U256, keccak256};
use model::Seed;
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, PublicKey, Secp256k1, SecretKey, SignOnly, VerifyOnly};

use crate::personal_sign::{self, Prefix};

/// One context for the process. Version 0.31 does not randomise it again after each signature, as
/// 0.33 does at half the speed.
pub(crate) fn context() -> &'static Secp256k1<SignOnly> {
    static CONTEXT: OnceLock<Secp256k1<SignOnly>> = OnceLock::new();
    CONTEXT.get_or_init(Secp256k1::signing_only)
}

/// Order of the secp256k1 group.
const ORDER: U256 = U256::from_limbs([
    0xbfd2_5e8c_d036_4141,
    0xbaae_dce6_af48_a03b,
    0xffff_ffff_ffff_fffe,
    0xffff_ffff_ffff_ffff,
]);

/// A key pair and its address.
#[derive(Clone)]
pub struct Account {
    key: SecretKey,
    pub(crate) address: Address,
}

/// A signature by its parts; `odd` is the parity of the nonce point's y.
#[derive(Clone, Copy)]
pub(crate) struct Signature {
    pub(crate) r: U256,
    pub(crate) s: U256,
    pub(crate) odd: bool,
}

/// How a signature is spoiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// s in the upper half: malleable, refused since EIP-2.
    HighS,
    /// s at the group order: out of range.
    OutOfRange,
    /// One bit of r flipped: recovers a stranger, or nobody.
    FlippedBit,
}

impl Signature {
    /// The same, spoiled.
    pub(crate) fn spoiled(mut self, flaw: Flaw) -> Self {
        match flaw {
            Flaw::HighS => {
                self.s = ORDER - self.s;
                self.odd = !self.odd;
            }
            Flaw::OutOfRange => self.s = ORDER,
            Flaw::FlippedBit => self.r ^= U256::from(1) << 77,
        }
        self
    }
}

impl Account {
    /// The account of a name under a seed.
    pub fn derive(seed: &Seed, name: &str) -> Self {
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
    ///
    /// # Errors
    /// In words, when it is no key.
    pub fn parse(text: &str) -> Result<Self, String> {
        let digits = text.trim().trim_start_matches("0x");
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes)
            .map_err(|_| "the private key is not 64 hexadecimal digits".to_owned())?;
        SecretKey::from_byte_array(bytes)
            .map(Self::of)
            .map_err(|_| "the private key is out of range".to_owned())
    }

    fn of(key: SecretKey) -> Self {
        Self { key, address: address_of_key(&PublicKey::from_secret_key(context(), &key)) }
    }

    /// The account's address, as long as no other key is set for it.
    pub fn address(&self) -> Address {
        self.address
    }

    /// The public key, compressed.
    pub(crate) fn public_key(&self) -> [u8; 33] {
        PublicKey::from_secret_key(context(), &self.key).serialize()
    }

    /// Signs a text as a wallet does.
    pub(crate) fn sign_text(&self, prefix: Prefix, text: &str) -> personal_sign::Signature {
        personal_sign::sign(&self.key, prefix, text)
    }

    /// Signs a digest.
    pub(crate) fn sign(&self, digest: B256) -> Signature {
        let signed = context().sign_ecdsa_recoverable(Message::from_digest(digest.0), &self.key);
        let (recovery, bytes) = signed.serialize_compact();
        Signature {
            r: U256::from_be_slice(&bytes[..32]),
            s: U256::from_be_slice(&bytes[32..]),
            odd: i32::from(recovery) & 1 == 1,
        }
    }
}

pub(crate) fn address_of_key(key: &PublicKey) -> Address {
    Address::from_slice(&keccak256(&key.serialize_uncompressed()[1..])[12..])
}

/// Who signed `digest`: the signature is r, s and the parity of the nonce point's y (0 or 1), 65 bytes. None when
/// nobody can have.
pub(crate) fn signer(digest: B256, signature: &[u8]) -> Option<Address> {
    static VERIFIER: OnceLock<Secp256k1<VerifyOnly>> = OnceLock::new();
    let (parity, both) = signature.split_last().filter(|(_, both)| both.len() == 64)?;
    let recovery = RecoveryId::try_from(i32::from(*parity)).ok()?;
    let signature = RecoverableSignature::from_compact(both, recovery).ok()?;
    let verifier = VERIFIER.get_or_init(Secp256k1::verification_only);
    let key = verifier.recover_ecdsa(Message::from_digest(digest.0), &signature).ok()?;
    Some(address_of_key(&key))
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
    fn a_signature_tells_its_signer_and_a_spoiled_one_another_or_none() {
        let account = Account::parse(&"46".repeat(32)).unwrap();
        let digest = keccak256("touchstone");
        let Signature { r, s, odd } = account.sign(digest);
        let mut bytes = [&r.to_be_bytes::<32>()[..], &s.to_be_bytes::<32>(), &[u8::from(odd)]].concat();
        assert_eq!(signer(digest, &bytes), Some(account.address));
        assert_ne!(signer(keccak256("another"), &bytes), Some(account.address));
        assert_eq!(signer(digest, &bytes[1..]), None);
        bytes[64] = 9;
        assert_eq!(signer(digest, &bytes), None);
    }

    #[test]
    fn no_key_is_told_in_words() {
        assert!(Account::parse("0x12").is_err());
        assert!(Account::parse(&"0".repeat(64)).is_err());
    }
}
