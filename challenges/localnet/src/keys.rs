//! Keys of a network: those of its validators, and that of the account that is funded at genesis.

use std::fs::File;
use std::io::Read as _;

use alloy_primitives::{Address, B256, keccak256};
use anyhow::Context as _;
use secp256k1::{PublicKey, Secp256k1, SecretKey};

/// Private key of the funded account, 10^26 wei at genesis: anvil's account 0,
/// `0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266`. Public knowledge; never fund it elsewhere.
pub const FUNDED_KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

/// Address of [`FUNDED_KEY`].
pub(crate) const FUNDED: &str = "f39fd6e51aad88f6f4ce6ab8827279cfffb92266";
/// A validator's account. Printing it does not show the key.
#[derive(Debug, Clone)]
pub(crate) struct Validator {
    pub(crate) secret: SecretKey,
    pub(crate) address: Address,
}

/// What a node that makes blocks is known by. Printing it does not show the key.
#[derive(Clone)]
pub(crate) struct Identity {
    /// As the chain writes it.
    pub(crate) address: String,
    pub(crate) secret: [u8; 32],
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({})", self.address)
    }
}

impl Validator {
    pub(crate) fn identity(&self) -> Identity {
        Identity { address: self.address.to_string(), secret: self.secret.secret_bytes() }
    }

    fn new(secret: SecretKey) -> Self {
        let public = PublicKey::from_secret_key(&Secp256k1::signing_only(), &secret).serialize_uncompressed();
        Self { secret, address: Address::from_raw_public_key(&public[1..]) }
    }
}

/// `count` validators in the order of their addresses; they follow from the root.
pub(crate) fn validators(count: usize, root: B256) -> anyhow::Result<Vec<Validator>> {
    let mut validators = (0..count as u64)
        .map(|index| {
            let secret = keccak256([root.as_slice(), &index.to_be_bytes()].concat());
            SecretKey::from_byte_array(secret.0).map(Validator::new).context("make a validator's key")
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    validators.sort_unstable_by_key(|validator| validator.address);
    Ok(validators)
}

/// What all keys of a network are made from: a seed fixes it, else it comes from the operating system's randomness.
pub(crate) fn root(seed: Option<u64>) -> anyhow::Result<B256> {
    match seed {
        Some(seed) => Ok(keccak256(seed.to_be_bytes())),
        None => system_randomness(),
    }
}

fn system_randomness() -> anyhow::Result<B256> {
    let mut bytes = B256::ZERO;
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(bytes.as_mut_slice()))
        .context("read /dev/urandom; give a seed instead")?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_funded_address_is_that_of_its_key() {
        let key = hex::decode(&FUNDED_KEY[2..]).unwrap();
        let secret = SecretKey::from_byte_array(key.try_into().unwrap()).unwrap();
        assert_eq!(hex::encode(Validator::new(secret).address), FUNDED);
    }

    #[test]
    fn a_seed_fixes_the_keys_and_chance_does_not() {
        let addresses = |seed| -> Vec<Address> {
            validators(4, root(seed).unwrap()).unwrap().iter().map(|validator| validator.address).collect()
        };
        assert_eq!(addresses(Some(7)), addresses(Some(7)));
        assert_ne!(addresses(Some(7)), addresses(Some(8)));
        assert_ne!(addresses(None), addresses(None));
        assert!(addresses(Some(7)).is_sorted());
    }
}
