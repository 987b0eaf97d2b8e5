//! A season as a service: opened from its file, frozen when its trials begin, conducted, and taken
//! up again after a crash.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use model::season::Operator;
use model::{Role, Season, SeasonId, Stage, Standing};
use scoreboard::season_faults;
use store::{JobLease, OperatorRecord, SeasonRecord, Store};

use super::fault::Fault;
use super::live::{Happened, Live};
use super::validator::still_does;
use crate::config::{Config, SeasonEntry};
use crate::halt::HaltedByPlan;
use crate::season::conduct::Conduct;
use crate::season::file::{self, Declared};
use crate::season::held::now;
use crate::season::publish::publish;
use crate::season::records::{Holder, Records};
use crate::season::{OpenSeason, check, secret};

/// The kind of job that conducting a season is: one server at a time does it.
const CONDUCT: &str = "conduct";
/// The job is leased for so long, and renewed three times in it.
const LEASE: Duration = Duration::from_secs(15);
/// How often a season is looked at that is not in its trials.
const LOOK: Duration = Duration::from_secs(1);
/// How long to wait after a season could not go on.
const PAUSE: Duration = Duration::from_secs(10);

/// The seasons that this server serves.
pub struct Service {
    /// The store.
    pub store: Arc<Store>,
    /// Who listens.
    pub live: Live,
    config: Config,
    binary: PathBuf,
    holder: Holder,
}

impl Service {
    /// A service over a store, which `holder` uses; `binary` is what workers are started from.
    pub fn new(config: Config, store: Arc<Store>, holder: Holder, binary: PathBuf) -> Self {
        Self { store, live: Live::default(), config, binary, holder }
    }

    /// The folder of a season's secrets and of what is published of it.
    pub fn directory(&self, season: &SeasonId) -> PathBuf {
        self.config.data.join("seasons").join(season.as_str())
    }

    /// Opens every season of the configuration that is not there yet; one whose file was changed
    /// before its trials is declared anew.
    ///
    /// # Errors
    /// When a file cannot be used, or a season is frozen as something else.
    pub async fn open_all(&self) -> anyhow::Result<()> {
        for entry in &self.config.seasons {
            self.open(entry).await.with_context(|| format!("season {}", entry.id))?;
        }
        Ok(())
    }

    async fn open(&self, entry: &SeasonEntry) -> anyhow::Result<()> {
        file::read_open(&entry.file)?;
        let text =
            std::fs::read(&entry.file).with_context(|| format!("cannot read {}", entry.file.display()))?;
        match self.store.season(&entry.id).await {
            Err(store::Error::NotFound(_)) => {
                self.store.draft_season(&entry.id, &text, now()).await?;
                self.store.move_season(&entry.id, Stage::Draft, Stage::Open, now()).await?;
            }
            Ok(there) if there.declaration.as_deref() == Some(&text) => {
                if there.stage == Stage::Draft {
                    self.store.move_season(&entry.id, Stage::Draft, Stage::Open, now()).await?;
                }
            }
            Ok(there) if there.frozen.is_none() => {
                self.store.redeclare_season(&entry.id, &text, now()).await?;
            }
            Ok(_) => tracing::warn!(
                "season {}: {} was changed after its trials began; the frozen one stays in force",
                entry.id,
                entry.file.display()
            ),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Freezes an open season with everybody who is verified, and begins its trials.
    ///
    /// # Errors
    /// When it cannot be scored as it stands, or somebody came or left while the nodes were looked at; with the
    /// remedy.
    pub async fn begin_trials(&self, id: &SeasonId) -> Result<(), Fault> {
        let record = self.store.season(id).await?;
        if record.stage != Stage::Open {
            return Err(Fault::Stage { season: id.clone(), stage: record.stage, needed: "open" });
        }
        let looked = self.gathered(id, &record).await?;
        check::require(&looked).await.map_err(|why| Fault::Conflict(format!("{why:#}")))?;
        let missing = check::not_rehearsed(&looked, &self.entry(id)?.file).await?;
        if !missing.is_empty() {
            return Err(Fault::Conflict(missing.join("; ")));
        }
        let mut act = self.store.begin().await?;
        let record = act.hold_season(id).await?;
        // Nobody writes while the season is held: what is read now is what is frozen.
        let open = self.gathered(id, &record).await?;
        if (&open.nodes, &open.season.operators) != (&looked.nodes, &looked.season.operators) {
            let why =
                "an operator came, left or declared another node while the nodes were looked at: try again";
            return Err(Fault::Conflict(why.into()));
        }
        act.freeze_season(id, &open.season, now()).await?;
        for operator in self.store.operators(id).await? {
            if operator.standing == Standing::Verified && open.season.operator(&operator.id).is_some() {
                let (from, to) = (Standing::Verified, Standing::Competing);
                act.move_operator(id, &operator.id, from, to, now()).await?;
            }
        }
        Ok(act.commit().await?)
    }

    /// The season as it would be frozen: with everybody who is verified.
    async fn gathered(&self, id: &SeasonId, record: &SeasonRecord) -> Result<OpenSeason, Fault> {
        let mut declared = declared(record)?;
        let nodes = self.store.nodes(id).await?.into_iter();
        let mut nodes: BTreeMap<_, _> = nodes.map(|node| (node.operator, node.node)).collect();
        for applicant in self.store.operators(id).await? {
            let OperatorRecord { id: operator, account, name, standing, .. } = applicant;
            if let (Standing::Verified, Some(node)) = (standing, nodes.remove(&operator)) {
                still_does(&declared, id, account.as_ref(), node.claim.as_ref())
                    .map_err(|why| Fault::Conflict(format!("operator {operator}: {why}")))?;
                let validator = node.claim.map(|claim| claim.validator);
                let operator = Operator { id: operator, name, role: Role::Candidate, validator };
                declared.operators.push((operator, node.rpc));
            }
        }
        if declared.operators.iter().all(|(operator, _)| operator.role != Role::Candidate) {
            let why = "nobody takes part yet: wait until an operator has declared a node that answers";
            return Err(Fault::Conflict(why.into()));
        }
        let open = OpenSeason::freeze(declared, self.seed(id)?, false);
        match season_faults(&open.season) {
            faults if faults.is_empty() => Ok(open),
            faults => Err(Fault::Conflict(format!("the season cannot be scored: {}", faults.join("; ")))),
        }
    }

    /// Publishes what was decided, and closes the season; of a closed one, what was corrected since.
    ///
    /// # Errors
    /// When the season is neither in review nor closed, or nothing can be published.
    pub async fn publish_decisions(&self, id: &SeasonId) -> Result<(), Fault> {
        let record = self.store.season(id).await?;
        if !matches!(record.stage, Stage::Review | Stage::Published) {
            let needed = "in review (or published, for a correction)";
            return Err(Fault::Stage { season: id.clone(), stage: record.stage, needed });
        }
        let frozen = record.frozen.as_ref().context("a season in review is frozen")?;
        let open = self.thaw(id, &record, frozen.season.clone()).await?;
        let records = self.records(id)?;
        publish(&open, &records, &records.evidence().await?, open.season.windows, now()).await?;
        if record.stage == Stage::Review {
            self.store.move_season(id, Stage::Review, Stage::Published, now()).await?;
        }
        Ok(())
    }

    /// Conducts a season whenever it is in its trials, for as long as the server lives.
    pub async fn conduct(self: Arc<Self>, id: SeasonId) {
        loop {
            match self.turn(&id).await {
                Ok(()) => tokio::time::sleep(LOOK).await,
                Err(error) => {
                    tracing::error!("season {id} cannot go on: {error:#}");
                    self.live.say(&id, &format!("the season waits: {error}"));
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn turn(&self, id: &SeasonId) -> anyhow::Result<()> {
        let record = self.store.season(id).await?;
        if record.stage != Stage::Trials {
            return Ok(());
        }
        self.store.enqueue(CONDUCT, id.as_str(), now(), now()).await?;
        let until = now().plus(LEASE);
        let job = match self.store.lease_job(CONDUCT, id.as_str(), self.holder.name(), now(), until).await {
            Ok(job) => job,
            // Another server conducts it, or it waits after a failure.
            Err(store::Error::Conflict(_) | store::Error::NotFound(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let done = tokio::select! {
            done = self.season(id, &record) => done,
            why = self.renew(&job) => Err(why),
            () = self.suspended(id) => Ok(()),
        };
        match &done {
            Ok(()) => {
                self.store.finish_job(&job, now()).await?;
                let stage = self.store.season(id).await?.stage;
                self.live.tell(id, Happened::Stage { stage });
            }
            Err(error) => {
                self.store.retry_job(&job, &format!("{error:#}"), now().plus(PAUSE)).await?;
                if error.is::<HaltedByPlan>() {
                    self.suspend(id).await?;
                }
            }
        }
        done
    }

    /// Takes a season out of its trials without a reviewer: nobody else is measured before one has looked.
    async fn suspend(&self, id: &SeasonId) -> anyhow::Result<()> {
        self.store.move_season(id, Stage::Trials, Stage::Suspended, now()).await?;
        self.live.tell(id, Happened::Stage { stage: Stage::Suspended });
        Ok(())
    }

    /// Waits until a season is taken out of its trials: then its workers are ended, and what they had
    /// begun is void (ours).
    async fn suspended(&self, id: &SeasonId) {
        loop {
            tokio::time::sleep(LOOK).await;
            if self.store.season(id).await.is_ok_and(|season| season.stage == Stage::Suspended) {
                return;
            }
        }
    }

    /// Keeps the job ours; ends when it is not.
    async fn renew(&self, job: &JobLease) -> anyhow::Error {
        loop {
            tokio::time::sleep(LEASE / 3).await;
            if let Err(error) = self.store.renew_job(job, now(), now().plus(LEASE)).await {
                return anyhow!(error).context("another server conducts this season");
            }
        }
    }

    async fn season(&self, id: &SeasonId, record: &SeasonRecord) -> anyhow::Result<()> {
        let frozen = record.frozen.as_ref().context("a season in its trials is frozen")?;
        let open = self.thaw(id, record, frozen.season.clone()).await?;
        let records = self.records(id)?;
        let entry = self.entry(id)?;
        let key = secret::faucet_key_for(&open.season.network.family, entry.faucet_key_file.as_deref())?;
        let (progress, mut told) = self.live.progress();
        let conduct = async {
            let conduct = Conduct::take_up(&open, &records, key.as_deref(), &self.binary, &progress).await?;
            conduct.on_halt(entry.on_halt.clone()).run().await
        };
        let pass_on = async {
            while let Some(event) = told.recv().await {
                self.live.tell(id, event.into());
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            done = conduct => done,
            () = pass_on => bail!("nobody tells what happens any more"),
        }
    }

    /// A frozen season with what is never published: addresses and the seed.
    async fn thaw(&self, id: &SeasonId, record: &SeasonRecord, season: Season) -> anyhow::Result<OpenSeason> {
        let declared = declared(record)?;
        let nodes = self.store.nodes(id).await?.into_iter().map(|node| (node.operator, node.node.rpc));
        OpenSeason::thaw(season, declared, self.seed(id)?, nodes)
    }

    fn records(&self, id: &SeasonId) -> anyhow::Result<Records> {
        Records::of(Arc::clone(&self.store), id.clone(), &self.directory(id), self.holder.clone())
    }

    fn seed(&self, id: &SeasonId) -> anyhow::Result<model::Seed> {
        let private = self.directory(id).join("private");
        std::fs::create_dir_all(&private).with_context(|| format!("cannot make {}", private.display()))?;
        secret::keep(&private, "seed", secret::random_seed)
    }

    fn entry(&self, id: &SeasonId) -> anyhow::Result<&SeasonEntry> {
        let found = self.config.seasons.iter().find(|entry| entry.id == *id);
        found.with_context(|| format!("season {id} is in no configuration of this server"))
    }
}

/// What the file of a season says.
///
/// # Errors
/// When it was not opened from a file.
pub(super) fn declared(record: &SeasonRecord) -> anyhow::Result<Declared> {
    let bytes = record.declaration.as_deref().context("the season was not opened from a file")?;
    file::parse_open(std::str::from_utf8(bytes).context("the season's declaration is no text")?)
}
