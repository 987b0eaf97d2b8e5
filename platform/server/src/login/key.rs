//! Where a person's key is: in a file, in a keystore, or in a wallet elsewhere.

use std::io::BufRead;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use console::Term;
use secp256k1::SecretKey;

use super::keystore::Keystore;
use crate::account::Account;
use crate::account::signature::{Prefix, Signature, account_of, sign, verify};

/// Longest file of a key or password, bytes.
const LONGEST: u64 = 1 << 20;

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
        let text = read_private(path)?;
        let digits = text.trim();
        let key = digits.strip_prefix("0x").unwrap_or(digits).parse::<SecretKey>();
        let key = key.ok().with_context(|| {
            format!("{} holds no private key, which is 64 hexadecimal digits", path.display())
        })?;
        Ok(Self::Key { key, prefix })
    }

    /// The key in a keystore. The password is in a file, or asked for.
    pub(super) fn of_keystore(path: &Path, password: Option<&Path>, prefix: Prefix) -> anyhow::Result<Self> {
        let of = || format!("{} cannot be used", path.display());
        let store = Keystore::parse(&read_private(path)?).with_context(of)?;
        let password = match password {
            Some(file) => first_line(&read_private(file)?),
            None => ask_password(path)?,
        };
        let key = store.open(&password).with_context(of)?;
        let account = account_of(&key);
        if let Some(stated) = store.account().filter(|stated| *stated != account) {
            bail!(
                "{} says that it is of account {stated}, but its key is that of {account}: the account's key was changed \
                 on the chain, which sign-in cannot check, or the file is damaged; sign in with an account that still \
                 has its first key",
                path.display()
            );
        }
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

fn ask_password(path: &Path) -> anyhow::Result<String> {
    let terminal = Term::stderr();
    ensure!(
        terminal.is_term(),
        "there is no terminal to ask for the password of {}: give --password-file",
        path.display()
    );
    eprint!("password of {}: ", path.display());
    terminal.read_secure_line().context("the password cannot be read from the terminal")
}

/// A password file is a line, of which the line break is not part.
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// A secret's file; says so if others may read it.
fn read_private(path: &Path) -> anyhow::Result<String> {
    let of = || format!("cannot read {}", path.display());
    let about = std::fs::metadata(path).with_context(of)?;
    ensure!(about.len() <= LONGEST, "{} is too long to be a key or a password", path.display());
    if about.permissions().mode() & 0o077 != 0 {
        eprintln!("warning: others on this machine may read {0}: chmod 600 {0}", path.display());
    }
    std::fs::read_to_string(path).with_context(of)
}
