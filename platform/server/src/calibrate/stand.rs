//! A local network on which healthy and faulty nodes are measured.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use challenges::driver::{Driver, of_family};
use challenges::engine::ceiling::ceiling_for;
use challenges::faucet::Faucet;
use futures_util::future::try_join_all;
use localnet::{FUNDED_KEY, Ports};
use model::season::Operator;
use model::work::{Endpoint, Work};
use model::{Evidence, Network, Parameters, Role, RunKey, Score, Season, Seed};
use scoreboard::Rulebook;

use super::plan::{Round, Subject};
use crate::challenge::{alone, measure};
use crate::local_network::doors::{Doors, KEPT};
use crate::local_network::fault::{Kind, Order, Place};
use crate::local_network::season_file::season;
use crate::local_network::turns::Held;
use crate::local_network::{UpArgs, put, up};
use crate::network::{NetworkReport, look};
use crate::progress::Progress;
use crate::season::file;

/// A run lasts no longer.
const LEASE: Duration = Duration::from_secs(3_600);
/// A node that was started anew has this time to come up to the others' head.
const CATCHES_UP_WITHIN: Duration = Duration::from_secs(60);
/// Between two looks at it.
const POLL: Duration = Duration::from_millis(200);
/// Where subjects stand: the first doors. The last but two is the reference, the last two are the controls.
const CONTROLS: usize = KEPT - 1;

/// The network, a door before each node.
pub struct Stand {
    doors: Doors,
    driver: &'static dyn Driver,
    binary: PathBuf,
}

/// A fault on a node, for as long as it is to be there.
struct Put {
    door: usize,
    order: Order,
    held: Option<Held>,
}

impl Stand {
    /// Starts the usual network of a family.
    ///
    /// # Errors
    /// In words, when it cannot be had.
    pub async fn start(args: &UpArgs, binary: PathBuf) -> anyhow::Result<Self> {
        let network = Arc::new(up::start(args).await?);
        let driver = of_family(network.family).map_err(anyhow::Error::msg)?;
        Ok(Self { doors: Doors::open(network, None, Ports::Free)?, driver, binary })
    }

    /// The family's driver.
    pub fn driver(&self) -> &'static dyn Driver {
        self.driver
    }

    /// Measures all subjects of a round at the same time, each on a node of its own.
    ///
    /// # Errors
    /// When the round cannot be run at all.
    pub async fn run(
        &self,
        round: &Round,
        parameters: &Parameters,
        attempt: u32,
        progress: &Progress,
    ) -> anyhow::Result<Vec<(Subject, Evidence)>> {
        let mut faults = Vec::new();
        for (door, subject) in round.subjects.iter().enumerate() {
            if let Subject::Faulty(kind, _) = subject {
                faults.push(self.put(door, *kind).await?);
            }
        }
        let works = round.subjects.iter().enumerate();
        let works = works.map(|(door, subject)| self.work(door, *subject, parameters, attempt));
        let works = works.collect::<anyhow::Result<Vec<_>>>()?;
        self.fund(&works).await?;
        let runs = works.into_iter().map(|work| {
            let line = progress.run(&format!("{} {}", work.run.trial, work.run.operator));
            measure(work, &self.binary, line)
        });
        let evidence = try_join_all(runs).await;
        for fault in faults {
            self.take_off(fault).await?;
        }
        Ok(round.subjects.iter().copied().zip(evidence?).collect())
    }

    /// What `network check` says of the network while its first node has a fault.
    ///
    /// # Errors
    /// When it cannot look at all.
    pub async fn look_with(&self, kind: Kind) -> anyhow::Result<NetworkReport> {
        let declared = file::parse(&season(&self.doors, &[], None).context("a network of too few nodes")?)?;
        let fault = self.put(0, kind).await?;
        let report = look(&declared.into()).await;
        self.take_off(fault).await?;
        report
    }

    /// The score of a run, held against these runs of healthy nodes.
    pub fn score(&self, book: &Rulebook, evidence: &Evidence, healthy: &[&Evidence]) -> Score {
        let mut season = alone(evidence, book);
        let me = &mut season.operators[0];
        me.validator.clone_from(&evidence.validator);
        season.operators.extend(self.controls(&season));
        scoreboard::score_run(book, &season, evidence, healthy)
    }

    /// The controls as operators, against whom votes are held.
    fn controls(&self, season: &Season) -> Vec<Operator> {
        let doors = self.control_doors().zip(1..);
        let named = doors.filter_map(|(door, number)| {
            let (id, name) = (format!("control-{number}").parse().ok()?, season.name.clone());
            let validator = self.doors.node(door).address().map(str::to_owned);
            Some(Operator { id, name, role: Role::Control, validator })
        });
        named.collect()
    }

    fn control_doors(&self) -> std::ops::Range<usize> {
        self.doors.count() - CONTROLS..self.doors.count()
    }

    async fn put(&self, door: usize, kind: Kind) -> anyhow::Result<Put> {
        let order: Order = kind.name.parse().map_err(|why: String| anyhow!(why))?;
        let held = put::put(&self.doors, door, order).await?;
        let fault = Put { door, order, held };
        if matches!(order.place(), Place::Limit(_)) {
            self.caught_up(door).await?;
        }
        Ok(fault)
    }

    async fn take_off(&self, fault: Put) -> anyhow::Result<()> {
        let Put { door, order, held } = fault;
        drop(held);
        put::take_off(&self.doors, door, order).await?;
        match order.place() {
            Place::Limit(_) | Place::Peers => self.caught_up(door).await,
            _ => Ok(()),
        }
    }

    /// Waits until a node that was started anew, or joined again, has the head that the others have.
    async fn caught_up(&self, door: usize) -> anyhow::Result<()> {
        let node = self.doors.node(door);
        let begun = Instant::now();
        while begun.elapsed() < CATCHES_UP_WITHIN {
            let heads = (node.head().await, self.reference().head().await);
            if let (Ok(own), Ok(reference)) = heads
                && own + 1 >= reference
            {
                return Ok(());
            }
            tokio::time::sleep(POLL).await;
        }
        bail!(
            "{} did not come up to the others' head again; its log is {}",
            node.name(),
            node.log().display()
        );
    }

    fn reference(&self) -> &localnet::Node {
        self.doors.node(self.control_doors().start - 1)
    }

    fn work(
        &self,
        door: usize,
        subject: Subject,
        parameters: &Parameters,
        attempt: u32,
    ) -> anyhow::Result<Work> {
        let network = self.doors.network();
        let endpoint = |door: usize| Endpoint {
            rpc: self.doors.rpc(door),
            validator: self.doors.node(door).address().map(str::to_owned),
        };
        let (number, operator) = match subject {
            Subject::Healthy(seed) => (seed, format!("healthy-{seed}")),
            Subject::Faulty(kind, _) => (0, kind.name.to_owned()),
        };
        let trial = parameters.challenge().to_string().parse()?;
        let run = RunKey { window: 1, trial, operator: operator.parse()?, attempt };
        Ok(Work {
            seed: run.seed(&Seed::from_number(number.into())),
            run,
            parameters: parameters.clone(),
            network: Network {
                family: network.family.into(),
                chain_id: network.chain_id,
                genesis: network.genesis_hash().to_owned(),
                incarnation: 1,
            },
            target: endpoint(door),
            reference: Some(Endpoint { rpc: self.reference().rpc_url(), validator: None }),
            controls: self.control_doors().map(endpoint).collect(),
            healthy: Vec::new(),
            ceiling: ceiling_for(parameters.peak_rate()),
            lease_ms: LEASE.as_millis() as u64,
        })
    }

    async fn fund(&self, works: &[Work]) -> anyhow::Result<()> {
        let network = self.doors.network();
        if !up::has_money(network) {
            return Ok(());
        }
        let (through, told_by) = (self.doors.rpc(self.control_doors().start), self.reference().rpc_url());
        let faucet = Faucet::new(self.driver, FUNDED_KEY, network.chain_id, &through, &told_by);
        let needs: Vec<_> = works.iter().map(|work| (work.seed, work.parameters.clone())).collect();
        faucet.map_err(anyhow::Error::msg)?.fund(&needs).await.map_err(anyhow::Error::msg)
    }
}
