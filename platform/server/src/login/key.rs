//! Where a person's key is: in a file, in a keystore, or in a wallet elsewhere.

use std::io::BufRead;
use std::path::Path;

use anyhow::{Context, ensure};
use secp256k1::SecretKey;

use crate::account::Account;
use crate::account::signature::{Prefix, Signature, account_of, sign, verify};
use crate::key_file::{self, Others};

/// Somebody who can sign.
pub(super) enum Signer {
    /// With a key that we hold.
    Key { key: SecretKey, prefix: Prefix },
    /// With a wallet elsewhere, of this account.
    Elsewhere(Account),
}

impl Signer {
    /// The key in a file of 64 hexadecimal digits.
    pub(super) fn of_key_file(path: &Path, prefix: Prefix) -> anyhow::Result<Self> {
        let text = key_file::read(path, Others::Warned)?;
        let digits = text.trim();
        let key = digits.strip_prefix("0x").unwrap_or(digits).parse::<SecretKey>();
        let key = key.ok().with_context(|| {
            format!("{} holds no private key, which is 64 hexadecimal digits", path.display())
        })?;
        Ok(Self::Key { key, prefix })
    }

    /// The key in a keystore. The password is in a file, or asked for.
    pub(super) fn of_keystore(path: &Path, password: Option<&Path>, prefix: Prefix) -> anyhow::Result<Self> {
        let text = key_file::read(path, Others::Warned)?;
        let key = key_file::open_keystore(path, &text, password, Others::Warned)?;
        Ok(Self::Key { key, prefix })
    }

    /// Whose signatures these are.
    pub(super) fn account(&self) -> Account {
        match self {
            Self::Key { key, .. } => account_of(key),
            Self::Elsewhere(account) => *account,
        }
    }

    /// Signs, or asks for a signature on `input`, and checks it.
    pub(super) fn sign(&self, text: &str, input: &mut dyn BufRead) -> anyhow::Result<Signature> {
        let signature = match self {
            Self::Key { key, prefix } => sign(key, *prefix, text),
            Self::Elsewhere(_) => ask_signature(input)?,
        };
        verify(text, &signature, self.account())?;
        Ok(signature)
    }
}

fn ask_signature(input: &mut dyn BufRead) -> anyhow::Result<Signature> {
    eprint!("signature: ");
    let mut line = String::new();
    input.read_line(&mut line).context("the signature cannot be read")?;
    ensure!(!line.is_empty(), "no signature was given");
    Ok(line.trim().trim_matches(['"', '\'']).parse()?)
}
