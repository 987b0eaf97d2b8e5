//! `touchstone validator sign` as an operator at a terminal meets it.

#[path = "support/keystore.rs"]
mod keystore;
#[path = "support/said.rs"]
mod said;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use anyhow::ensure;
use tokio::process::Command;

use crate::keystore::KEYSTORE;
use crate::said::Said;

const BINARY: &str = env!("CARGO_BIN_EXE_touchstone");

/// `touchstone validator sign`, by the file of each kind: what is printed is a proof, and never the key.
#[tokio::test]
async fn a_validators_key_signs_from_each_kind_of_file() -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let write = |name: &str, text: &str, mode: u32| -> anyhow::Result<()> {
        let path = home.path().join(name);
        fs::write(&path, text)?;
        Ok(fs::set_permissions(&path, fs::Permissions::from_mode(mode))?)
    };
    let account = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
    let comet = r#"{"address": "F3BED3D9FFAD5106CEBAEFA842DBF34424C0FBB1", "pub_key": {"type": "tendermint/PubKeyEd25519", "value": "RmUF3H2RKl+BhfFgFRSiMbybftTYZEsYoB+vc80BcdQ="}, "priv_key": {"type": "tendermint/PrivKeyEd25519", "value": "UHeaJWJkBM+0GQcdcIQlba1rd+Od/X9BhoHerAJlhFNGZQXcfZEqX4GF8WAVFKIxvJt+1NhkSxigH69zzQFx1A=="}}"#;
    let key = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
    for (name, text) in [
        ("nodekey", key),
        ("keystore", KEYSTORE),
        ("pass", "correct horse\n"),
        ("wrong", "horse"),
        ("comet", comet),
    ] {
        write(name, text, 0o600)?;
    }
    write("odd", &key[1..], 0o600)?;
    write("open", key, 0o640)?;
    let sign = async |family: &str, genesis: &str, file: &str, more: &[&str]| -> anyhow::Result<Said> {
        let mut command = Command::new(BINARY);
        command.args(["validator", "sign", "--season", "spring", "--account", account, "--family", family]);
        command.args(["--genesis", genesis, "--key-file", file]).args(more).current_dir(&home);
        let said: Said = command.stdin(Stdio::null()).output().await?.into();
        for secret in [key, "UHeaJWJ", "50779a25", "correct horse"] {
            ensure!(!said.out.contains(secret) && !said.error.contains(secret), "{}{}", said.out, said.error);
        }
        Ok(said)
    };
    let (hash, upper) = (format!("0x{}", "0f".repeat(32)), "0F".repeat(32));
    let node = sign("kaia", &hash, "nodekey", &[]).await?;
    ensure!(
        node.out.starts_with("validator 0x2c7536e3605d9c16a7a3d7b1898e529396a65c23\nvalidator_proof 0x"),
        "{}",
        node.out
    );
    ensure!(node.error.contains(&format!("account {} runs", account.to_lowercase())), "{}", node.error);
    let store = sign("kaia", &hash, "keystore", &["--password-file", "pass"]).await?;
    ensure!(store.out == node.out, "the same key, another proof: {}{}", store.out, store.error);
    let voter = sign("cometbft", &upper, "comet", &[]).await?;
    ensure!(
        voter.out.starts_with("validator F3BED3D9FFAD5106CEBAEFA842DBF34424C0FBB1\nvalidator_proof 466505dc"),
        "{}",
        voter.out
    );
    for (family, genesis, file, more, words) in [
        ("kaia", &hash, "open", &[][..], "others on this machine may read open: chmod 600 open"),
        ("kaia", &hash, "odd", &[], "not 64 hexadecimal digits"),
        ("kaia", &hash, "missing", &[], "cannot read missing"),
        ("kaia", &hash, "comet", &["--password-file", "pass"], "no keystore of version 3 or 4"),
        ("kaia", &hash, "keystore", &["--password-file", "wrong"], "the password is wrong"),
        ("kaia", &hash, "keystore", &[], "give --password-file"),
        ("kaia", &hash, "nodekey", &["--password-file", "pass"], "leave --password-file out"),
        ("kaia", &upper, "nodekey", &[], "--genesis is no hash"),
        ("cometbft", &upper, "keystore", &[], "neither a priv_validator_key.json"),
        ("evm", &hash, "nodekey", &[], "name no validators"),
        ("moon", &hash, "nodekey", &[], "no driver for chain family"),
    ] {
        let refused = sign(family, genesis, file, more).await?;
        ensure!(refused.out.is_empty(), "printed {}", refused.out);
        refused.is_error(&[words])?;
    }
    Ok(())
}
