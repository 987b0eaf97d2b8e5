//! Sign-in by account key: what a wallet is asked to sign, how its signature is checked, and the secrets
//! that stand for it afterwards. Pure: the clock and chance are arguments, the database is elsewhere.
//!
//! The order in which a sign-in is taken, so that a wrong signature burns no nonce and a right one is
//! never good twice:
//!
//! 1. [`sign_in::prove`] checks text and signature and gives a [`sign_in::Proof`];
//! 2. the store takes [`sign_in::Proof::nonce`], which it can do once;
//! 3. only then a session of a new [`secret::Secret`] begins (never one that the browser brought).

pub mod cookie;
pub mod message;
pub mod origin;
pub mod secret;
pub mod sign_in;
pub mod signature;
pub mod timestamp;
pub mod token;
pub mod wire;

use std::fmt;
use std::str::FromStr;

use alloy_primitives::Address;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An account on an EVM chain, by its address; written with the checksum of EIP-55.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account(Address);

/// The text is no account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAccount {
    /// Not `0x` and 40 hexadecimal digits.
    #[error("an account is `0x` and 40 hexadecimal digits")]
    Form,
    /// Capitals that are not those of EIP-55: a digit may be wrong.
    #[error(
        "the account's capital letters are not those of EIP-55: if no digit of it is wrong, write {right}"
    )]
    Checksum {
        /// The same digits with the right capitals.
        right: Account,
    },
}

impl Account {
    /// The account at this address.
    pub fn new(address: [u8; 20]) -> Self {
        Self(Address::from(address))
    }

    /// The account that somebody typed: as [`Account::from_str`], but all small letters will do.
    ///
    /// # Errors
    /// As [`Account::from_str`].
    pub fn typed(text: &str) -> Result<Self, NotAnAccount> {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) { text.parse() } else { Self::digits(text) }
    }

    /// The 20 bytes of the address.
    pub fn address(&self) -> [u8; 20] {
        self.0.into_array()
    }

    fn digits(text: &str) -> Result<Self, NotAnAccount> {
        let mut bytes = [0; 20];
        let digits = text.strip_prefix("0x").ok_or(NotAnAccount::Form)?;
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| NotAnAccount::Form)?;
        Ok(Self::new(bytes))
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_checksum(None))
    }
}

/// Only with the capitals of EIP-55, as EIP-4361 wants it.
impl FromStr for Account {
    type Err = NotAnAccount;

    fn from_str(text: &str) -> Result<Self, NotAnAccount> {
        let account = Self::digits(text)?;
        if account.to_string() == text { Ok(account) } else { Err(NotAnAccount::Checksum { right: account }) }
    }
}

impl Serialize for Account {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Account {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From EIP-55.
    const KNOWN: [&str; 4] = [
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    ];

    #[test]
    fn the_checksum_of_eip_55_is_written_and_wanted() {
        for known in KNOWN {
            let account: Account = known.parse().unwrap();
            assert_eq!(account.to_string(), known);
            for odd in [known.to_lowercase(), known.replacen('A', "a", 1), known.replacen('b', "B", 1)] {
                if odd != known {
                    assert_eq!(odd.parse::<Account>(), Err(NotAnAccount::Checksum { right: account }));
                }
            }
        }
    }

    #[test]
    fn a_person_may_type_small_letters_but_no_wrong_capitals() {
        for known in KNOWN {
            assert_eq!(Account::typed(&known.to_lowercase()).unwrap(), known.parse().unwrap());
            assert_eq!(Account::typed(known).unwrap(), known.parse().unwrap());
        }
        assert!(Account::typed("0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed").is_err());
    }

    #[test]
    fn other_text_is_no_account() {
        let long = format!("{}0", KNOWN[0]);
        for odd in ["", "0x", &KNOWN[0][2..], &KNOWN[0][..41], &long, &KNOWN[0].replacen("0x", "0X", 1)] {
            assert_eq!(odd.parse::<Account>(), Err(NotAnAccount::Form), "{odd}");
            assert_eq!(Account::typed(&odd.to_lowercase().replacen("0x", "1x", 1)), Err(NotAnAccount::Form));
        }
    }
}
