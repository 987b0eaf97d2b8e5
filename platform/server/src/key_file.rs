//! Files of keys and passwords, and who else may read them.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use console::Term;
use secp256k1::SecretKey;

use crate::account::signature::account_of;
use crate::login::keystore::Keystore;

/// Longest file of a key or password, bytes.
const LONGEST: u64 = 1 << 20;

/// What to do about a file that others on this machine may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// Say so.
    Warned,
    /// Do not use it.
    Refused,
}

/// A secret's file.
///
/// # Errors
/// When it cannot be read, or others may read it and are refused; without what is in it.
pub fn read(path: &Path, others: Others) -> anyhow::Result<String> {
    let of = || format!("cannot read {}", path.display());
    let about = std::fs::metadata(path).with_context(of)?;
    ensure!(about.len() <= LONGEST, "{} is too long to be a key or a password", path.display());
    if about.permissions().mode() & 0o077 != 0 {
        let told = format!("others on this machine may read {0}: chmod 600 {0}", path.display());
        match others {
            Others::Warned => eprintln!("warning: {told}"),
            Others::Refused => bail!("{told}"),
        }
    }
    std::fs::read_to_string(path).with_context(of)
}

/// The key in a keystore, whose text was read from `path`. The password is in a file, or asked for.
///
/// # Errors
/// When it is no keystore, the password is wrong, or it says that it is of another account than its key's.
pub fn open_keystore(
    path: &Path,
    text: &str,
    password: Option<&Path>,
    others: Others,
) -> anyhow::Result<SecretKey> {
    let of = || format!("{} cannot be used", path.display());
    let store = Keystore::parse(text).with_context(of)?;
    let password = match password {
        Some(file) => first_line(&read(file, others)?),
        None => ask_password(path)?,
    };
    let key = store.open(&password).with_context(of)?;
    let account = account_of(&key);
    if let Some(stated) = store.account().filter(|stated| *stated != account) {
        bail!(
            "{} says that it is of account {stated}, but its key is that of {account}: the account's key was changed on \
             the chain, which cannot be checked here, or the file is damaged; use one that still has its first key",
            path.display()
        );
    }
    Ok(key)
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
