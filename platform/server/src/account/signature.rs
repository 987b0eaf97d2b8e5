//! Signatures of texts by account keys ([`challenges::personal_sign`]), over accounts.

use challenges::personal_sign::{self, address_of};
pub use challenges::personal_sign::{Prefix, Signature, SignatureFault, digest, sign};
use secp256k1::SecretKey;

use super::Account;

/// The account of a private key.
pub fn account_of(key: &SecretKey) -> Account {
    Account(address_of(key))
}

/// Checks that `account` signed `text`, and tells under which prefix.
///
/// # Errors
/// As [`personal_sign::verify`].
pub fn verify(text: &str, signature: &Signature, account: Account) -> Result<Prefix, SignatureFault> {
    personal_sign::verify(text, signature, account.0)
}
