//! The folder of a network: what the network was made of, so that it goes on from there.

use std::fs;
use std::path::{Path, PathBuf};

use alloy_primitives::B256;
use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use crate::keys::root;

/// Written last: a folder with it was prepared whole.
const MADE: &str = "network.json";

/// A folder that a network lives in.
pub(crate) struct Folder {
    pub(crate) dir: PathBuf,
    /// What all keys are made from.
    pub(crate) root: B256,
    /// What the network is made of: everything that cannot change any more.
    made_of: Value,
    /// It has no network in it yet.
    pub(crate) is_new: bool,
}

impl Folder {
    /// Opens or makes the folder. `made_of` names the family, its nodes and all else that the chain depends on; the
    /// same must be asked for again. A seed fixes the keys of a new network.
    ///
    /// # Errors
    /// When the folder holds another network, or one that was never finished or has been damaged.
    pub(crate) fn open(dir: &Path, made_of: Value, seed: Option<u64>) -> anyhow::Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))?;
        let dir = dir.canonicalize()?;
        let Ok(text) = fs::read_to_string(dir.join(MADE)) else {
            if dir.join("genesis.json").exists() {
                bail!(
                    "{} holds a network that was not made to the end: remove it, or give another folder",
                    dir.display()
                );
            }
            return Ok(Self { dir, root: root(seed)?, made_of, is_new: true });
        };
        let damaged =
            || format!("{} is damaged: remove the folder, or give another", dir.join(MADE).display());
        let known: Value = serde_json::from_str(&text).with_context(damaged)?;
        let root: B256 = known["root"].as_str().and_then(|root| root.parse().ok()).with_context(damaged)?;
        if known["made_of"] != made_of {
            bail!(
                "{} holds another network, made of {}: ask for the same, remove it, or give another folder",
                dir.display(),
                known["made_of"]
            );
        }
        Ok(Self { dir, root, made_of, is_new: false })
    }

    /// Where a node keeps its data.
    pub(crate) fn node(&self, index: usize) -> PathBuf {
        self.dir.join(format!("node-{index}"))
    }

    /// What each of `nodes` must find when the network goes on.
    ///
    /// # Errors
    /// Names what is missing.
    pub(crate) fn check(&self, nodes: usize) -> anyhow::Result<()> {
        let wanted = (0..nodes).map(|index| self.node(index)).chain([self.dir.join("genesis.json")]);
        for place in wanted {
            if !place.exists() {
                bail!(
                    "{} is missing, so the network cannot go on: remove {}, or give another folder",
                    place.display(),
                    self.dir.display()
                );
            }
        }
        Ok(())
    }

    /// The network is prepared whole: from now on it goes on.
    pub(crate) fn made(&self) -> anyhow::Result<()> {
        let place = self.dir.join(MADE);
        let made = json!({"made_of": self.made_of, "root": self.root.to_string()});
        fs::write(&place, format!("{made:#}\n")).with_context(|| format!("write {}", place.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_goes_on_as_what_it_was_made_and_as_nothing_else() {
        let dir = std::env::temp_dir().join(format!("localnet-folder-{}", std::process::id()));
        let open = |made_of| Folder::open(&dir, made_of, None);
        let first = open(json!({"validators": 4})).unwrap();
        assert!(first.is_new);
        fs::create_dir(first.node(0)).unwrap();
        fs::write(first.dir.join("genesis.json"), "{}").unwrap();
        let unfinished = open(json!({"validators": 4})).err().unwrap().to_string();
        assert!(unfinished.contains("not made to the end"), "{unfinished}");
        first.made().unwrap();
        let again = open(json!({"validators": 4})).unwrap();
        assert!(!again.is_new && again.root == first.root);
        assert!(again.check(1).is_ok());
        assert!(again.check(2).unwrap_err().to_string().contains("node-1 is missing"));
        assert!(open(json!({"validators": 5})).err().unwrap().to_string().contains("another network"));
        fs::write(first.dir.join(MADE), "{").unwrap();
        assert!(open(json!({"validators": 4})).err().unwrap().to_string().contains("damaged"));
        fs::remove_dir_all(&dir).unwrap();
    }
}
