//! A season that is served in this process, over a lab.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use model::trial::Path as LoadPath;
use model::{SeasonId, Stage};
use server::config::Config;
use server::lab_process::LAB_FAUCET_KEY;
use server::season::records::Holder;
use server::serve::app::App;
use server::serve::operator::{Declaration, Profile, apply, declare};
use server::serve::service::Service;
use server::serve::who::SignedIn;
use store::{SeasonRecord, Store};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::lab::{BINARY, Lab};
use crate::season;

/// A season in a directory of its own, conducted until this is dropped.
pub(crate) struct Served {
    pub(crate) app: Arc<App>,
    pub(crate) directory: TempDir,
    conducting: JoinHandle<()>,
}

/// A season that does not get on in this time hangs.
const PATIENCE: Duration = Duration::from_secs(120);

impl Served {
    /// An open season on the last two nodes of a lab, its controls.
    pub(crate) async fn open(lab: &Lab, trials: &str) -> anyhow::Result<Self> {
        Self::configured(lab, trials, "").await
    }

    /// The same, with something else in the configuration.
    pub(crate) async fn configured(lab: &Lab, trials: &str, more: &str) -> anyhow::Result<Self> {
        let controls: Vec<String> = lab.ingresses.iter().rev().take(2).map(|node| node.rpc()).collect();
        let file = season::of(&lab.network.genesis, &lab.sequencer.rpc(), &controls, trials);
        Self::of_file(&file, more).await
    }

    /// An open season of this file.
    pub(crate) async fn of_file(file: &str, more: &str) -> anyhow::Result<Self> {
        Self::of_entry(file, more, "").await
    }

    /// The same, with something else in its `[[season]]`, too.
    pub(crate) async fn of_entry(file: &str, more: &str, entry: &str) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        std::fs::write(directory.path().join("season.toml"), file)?;
        std::fs::write(directory.path().join("faucet.key"), LAB_FAUCET_KEY)?;
        let text = more.to_owned()
            + "[[season]]\nid = \"spring\"\nfile = \"season.toml\"\nfaucet_key_file = \"faucet.key\"\n"
            + entry;
        let config = Config::parse(&text, directory.path(), |_| None)?;
        let holder = Holder::alone(&config.data)?;
        let store = Arc::new(Store::open(&server::serve::place(&config)).await?);
        let service = Arc::new(Service::new(config.clone(), store, holder, Path::new(BINARY).to_owned()));
        service.open_all().await?;
        let conducting = tokio::spawn(Arc::clone(&service).conduct(id()));
        Ok(Self { app: Arc::new(App::new(config, service)?), directory, conducting })
    }

    /// An operator who has applied and declared this node.
    pub(crate) async fn join(&self, number: u8, rpc: &str) -> anyhow::Result<SignedIn> {
        let account = format!("0x{}", format!("{number:02x}").repeat(20)).parse()?;
        let who = SignedIn { account, terms: None, session: None };
        let name = format!("Operator {number}");
        let profile = Profile { id: format!("operator-{number}"), name, contact: None };
        apply(&self.app, &self.season().await?, &who, &profile).await?;
        declare(&self.app, &self.season().await?, &who, &Declaration::of(rpc, LoadPath::Direct)).await?;
        Ok(who)
    }

    pub(crate) async fn season(&self) -> anyhow::Result<SeasonRecord> {
        Ok(self.app.store.season(&id()).await?)
    }

    /// Waits until the season has come to this stage.
    pub(crate) async fn comes_to(&self, stage: Stage) -> anyhow::Result<()> {
        self.until(async || Ok((self.season().await?.stage == stage).then_some(()))).await
    }

    /// Waits until there is something.
    pub(crate) async fn until<T>(
        &self,
        look: impl AsyncFn() -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<T> {
        let begun = Instant::now();
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            if begun.elapsed() > PATIENCE {
                let jobs = self.app.store.jobs("conduct").await?;
                bail!("it does not come within {PATIENCE:?}: {jobs:?}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Where the season is published.
    pub(crate) fn published(&self) -> std::path::PathBuf {
        self.app.service.directory(&id())
    }

    /// The bundle, worked out again.
    pub(crate) fn verify(&self) -> anyhow::Result<scoreboard::Verified> {
        let key = std::fs::read_to_string(self.published().join("signer.vkey"))?;
        let key = key.trim().parse().context("a key")?;
        Ok(scoreboard::verify(&scoreboard::disk::read_dir(&self.published().join("bundle"))?, Some(&key))?)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.conducting.abort();
    }
}

pub(crate) fn id() -> SeasonId {
    "spring".parse().expect("an identifier")
}
