//! `touchstone login` as a person at a terminal meets it, against a server that really checks.

#[path = "../support/keystore.rs"]
mod keystore;
#[path = "../support/said.rs"]
mod said;
#[path = "../support/sign_in_server.rs"]
mod sign_in_server;

mod servers;
mod signing;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, ensure};
use secp256k1::SecretKey;
use server::account::secret::{Kind, Secret};
use tempfile::TempDir;
use tokio::process::Command;

use crate::said::Said;
use crate::sign_in_server::{SignInServer, key_bytes};

const BINARY: &str = env!("CARGO_BIN_EXE_touchstone");

/// A person with a key file and a home.
struct Person {
    home: TempDir,
    key: SecretKey,
}

impl Said {
    /// Fails unless it ended with 1 and these words, and printed no token.
    fn is_refused(&self, words: &[&str]) -> anyhow::Result<()> {
        ensure!(self.out.is_empty(), "printed {}", self.out);
        self.is_error(words)
    }

    /// The token that it printed.
    fn token(&self) -> anyhow::Result<Secret> {
        ensure!(self.code == Some(0), "ended with {:?}: {}", self.code, self.error);
        let text = self.out.strip_suffix('\n').context("a line is printed")?;
        Ok(Secret::parse(Kind::Token, text)?)
    }
}

impl Person {
    fn new(number: u64) -> anyhow::Result<Self> {
        let person = Self { home: tempfile::tempdir()?, key: SecretKey::from_byte_array(key_bytes(number))? };
        person.write("key", &format!("0x{}\n", hex::encode(person.key.secret_bytes())))?;
        Ok(person)
    }

    /// A file that only its owner may read.
    fn write(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let path = self.home.path().join(name);
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        Ok(path)
    }

    fn command(&self, server: &str, args: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.arg("login").args(["--server", server]).args(args).current_dir(&self.home);
        command.env("HOME", self.home.path()).env_remove("XDG_CONFIG_HOME").env_remove("TOUCHSTONE_LOG");
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    async fn login(&self, server: &SignInServer, args: &[&str]) -> anyhow::Result<Said> {
        self.login_at(&server.site.to_string(), args).await
    }

    async fn login_at(&self, server: &str, args: &[&str]) -> anyhow::Result<Said> {
        Ok(self.command(server, args).output().await?.into())
    }

    fn default_out(&self) -> PathBuf {
        self.home.path().join(".config/touchstone/token")
    }
}

fn requests(server: &SignInServer) -> Vec<String> {
    server.known.requests.lock().unwrap().clone()
}
