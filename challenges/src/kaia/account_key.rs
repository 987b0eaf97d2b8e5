//! Keys that an account can have in place of the one its address comes from (chains.md 1.3).

use alloy_primitives::Bytes;
use alloy_rlp::{BufMut, Encodable};

use crate::account::Account;
use crate::rlp::{encoded, list};

/// A public key, compressed.
pub type PublicKey = [u8; 33];

/// Who may sign for an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountKey {
    /// The key that the address comes from.
    Legacy,
    /// One key.
    Public(PublicKey),
    /// Keys with weights, of which as many must sign as reach the threshold: (weight, key), at most ten.
    WeightedMultiSig {
        /// Least sum of weights.
        threshold: u32,
        /// (weight, key)
        keys: Vec<(u32, PublicKey)>,
    },
    /// A key each for transactions, for changes of the key, and for paying fees of others.
    RoleBased(Box<[AccountKey; 3]>),
}

impl AccountKey {
    /// The key of `account` alone.
    pub fn of(account: &Account) -> Self {
        Self::Public(account.public_key())
    }

    /// Any one of these accounts.
    pub fn any_of(accounts: &[&Account]) -> Self {
        let keys = accounts.iter().map(|account| (1, account.public_key())).collect();
        Self::WeightedMultiSig { threshold: 1, keys }
    }

    /// A byte for the kind, then its fields.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Legacy => out.extend([0x01, alloy_rlp::EMPTY_LIST_CODE]),
            Self::Public(key) => {
                out.put_u8(0x02);
                key.as_slice().encode(&mut out);
            }
            Self::WeightedMultiSig { threshold, keys } => {
                let keys: Vec<Vec<u8>> = keys.iter().map(weighted).collect();
                out.put_u8(0x04);
                out.extend(list(&[encoded(threshold), list(&keys)]));
            }
            Self::RoleBased(roles) => {
                let roles = roles.each_ref().map(|role| encoded(&Bytes::from(role.encode())));
                out.put_u8(0x05);
                out.extend(list(&roles));
            }
        }
        out
    }
}

fn weighted((weight, key): &(u32, PublicKey)) -> Vec<u8> {
    list(&[encoded(weight), encoded(&key.as_slice())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_form() {
        let (a, b) = ([2; 33], [3; 33]);
        assert_eq!(hex::encode(AccountKey::Legacy.encode()), "01c0");
        assert_eq!(hex::encode(AccountKey::Public(a).encode()), format!("02a1{}", "02".repeat(33)));
        let both = AccountKey::WeightedMultiSig { threshold: 2, keys: vec![(1, a), (1, b)] };
        let keys = format!("e301a1{}e301a1{}", "02".repeat(33), "03".repeat(33));
        assert_eq!(hex::encode(both.encode()), format!("04f84b02f848{keys}"));
        let roles = AccountKey::RoleBased(Box::new([AccountKey::Public(a), AccountKey::Legacy, both]));
        let encoded = hex::encode(roles.encode());
        assert!(encoded.starts_with(&format!("05f877a302a1{}8201c0b84e04f84b02f848{keys}", "02".repeat(33))));
    }
}
