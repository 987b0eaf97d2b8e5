//! Keys of CometBFT nodes: one by which peers know a node, one by which a validator votes.

use alloy_primitives::{B256, keccak256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::keys::Identity;

/// What CometBFT calls the two kinds of key in its files.
pub(super) const PUBLIC: &str = "tendermint/PubKeyEd25519";
const PRIVATE: &str = "tendermint/PrivKeyEd25519";

/// An ed25519 key pair.
pub(super) struct Key(SigningKey);

impl Key {
    fn derive(root: B256, name: &str) -> Self {
        Self(SigningKey::from_bytes(&keccak256([root.as_slice(), name.as_bytes()].concat()).0))
    }

    /// The key by which node `index` votes.
    pub(super) fn consensus(root: B256, index: usize) -> Self {
        Self::derive(root, &format!("consensus {index}"))
    }

    /// The key by which its peers know node `index`.
    pub(super) fn node(root: B256, index: usize) -> Self {
        Self::derive(root, &format!("node {index}"))
    }

    /// First 20 bytes of SHA-256 of the public key.
    fn id(&self) -> [u8; 20] {
        let mut id = [0; 20];
        id.copy_from_slice(&Sha256::digest(self.0.verifying_key().as_bytes())[..20]);
        id
    }

    /// As validators are written.
    pub(super) fn address(&self) -> String {
        hex::encode_upper(self.id())
    }

    /// As peers are written.
    pub(super) fn node_id(&self) -> String {
        hex::encode(self.id())
    }

    pub(super) fn identity(&self) -> Identity {
        Identity { address: self.address(), secret: self.0.to_bytes() }
    }

    pub(super) fn public_json(&self) -> Value {
        json!({"type": PUBLIC, "value": STANDARD.encode(self.0.verifying_key().as_bytes())})
    }

    pub(super) fn private_json(&self) -> Value {
        json!({"type": PRIVATE, "value": STANDARD.encode(self.0.to_keypair_bytes())})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A validator of `cometbft testnet` 0.38.25.
    #[test]
    fn an_address_is_that_which_cometbft_gives() {
        let pair = STANDARD.decode(
            "UHeaJWJkBM+0GQcdcIQlba1rd+Od/X9BhoHerAJlhFNGZQXcfZEqX4GF8WAVFKIxvJt+1NhkSxigH69zzQFx1A==",
        );
        let key = Key(SigningKey::from_keypair_bytes(&pair.unwrap().try_into().unwrap()).unwrap());
        assert_eq!(key.address(), "F3BED3D9FFAD5106CEBAEFA842DBF34424C0FBB1");
        assert_eq!(key.public_json()["value"], "RmUF3H2RKl+BhfFgFRSiMbybftTYZEsYoB+vc80BcdQ=");
    }

    #[test]
    fn keys_follow_from_root_and_place() {
        let root = B256::repeat_byte(1);
        assert_eq!(Key::node(root, 0).node_id(), Key::node(root, 0).node_id());
        assert_ne!(Key::node(root, 0).node_id(), Key::node(root, 1).node_id());
        assert_ne!(Key::node(root, 0).address(), Key::consensus(root, 0).address());
    }
}
