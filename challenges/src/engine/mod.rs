//! Measures one run: looks at the nodes, funds the accounts, runs the phases, reconciles with the
//! chain, hands over the evidence.
//!
//! Requests leave on intended instants that no answer can delay (open loop); latency is kept from
//! the intended instant and from the actual send. A ceiling that no plan can raise stands before
//! every request. When the chain cannot be watched, the candidate falls silent, the lease runs out
//! or the platform says stop, the run ends within two seconds and says which.

pub mod ceiling;
mod funding;
pub mod hazard;
mod lease;
mod ledger;
mod pacer;
mod phase;
pub mod preflight;
mod reconcile;
mod recorder;
mod route;
mod sink;
mod stall;
mod stop;
mod watch;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use model::evidence::Observer;
use model::plan::{next_phase, plan_digest};
use model::trial::Hazard;
use model::work::{Command, Report, Work};
use model::{Ended, Evidence, Parting, PhaseRecord, SelfCheck};
use tokio::sync::mpsc::{Receiver, UnboundedSender};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use self::hazard::NotNow;
use self::lease::Lease;
use self::phase::{Life, Sent, Stage};
use self::preflight::{Nodes, Refused};
use self::recorder::Account;
use self::route::{Roads, Routes};
use self::sink::Sink;
use self::stop::Stop;
use self::watch::{Watch, Watched};
use crate::driver::{Driver, Wallet, not_carried, of_family};
use crate::http::Target;

/// Measures `work` and returns the last report: evidence, or why the work cannot be done at all.
///
/// After preparing it reports `ready` and waits for [`Command::Go`]; [`Command::Stop`], the end of
/// `commands`, or a lease that [`Command::Renew`] does not prolong in time ends the run.
pub async fn measure(work: Work, commands: Receiver<Command>, reports: UnboundedSender<Report>) -> Report {
    let refused = |why: String| Report::Refused { why };
    let driver = match of_family(&work.network.family) {
        Ok(driver) => driver,
        Err(why) => return refused(why),
    };
    if let Some(why) = not_carried(driver, &work.network.family, &work.parameters) {
        return refused(why);
    }
    let peak = work.parameters.peak_rate();
    if ceiling::sustainable(work.ceiling) < peak {
        let least = ceiling::ceiling_for(peak);
        return refused(format!(
            "the plan sends up to {peak} requests/s, which a ceiling of {} cannot hold: lower the rates, \
             or set a ceiling of {least} if the operator consents to it",
            work.ceiling
        ));
    }
    let stop = Stop::new();
    let mut platform = Platform::obey(commands, stop.clone(), Duration::from_millis(work.lease_ms));
    let looked = stop.unless(preflight::look(driver, &work)).await;
    let report = match looked.unwrap_or_else(|ended| Err(Refused::Ended(ended))) {
        Ok(nodes) => match hazard::check(driver, &work, &nodes).await {
            Ok(()) => Measurement::new(driver, work, nodes, stop, reports).run(&mut platform).await,
            Err(NotNow::Refused(why)) => refused(why),
            Err(NotNow::Unread) => Report::Evidence(Box::new(unmeasured(&work, Ended::ReferenceUnread))),
        },
        Err(Refused::Address(why)) => refused(why),
        Err(Refused::Ended(ended)) => Report::Evidence(Box::new(unmeasured(&work, ended))),
    };
    platform.ended.abort();
    report
}

/// What the platform says to a run under way.
struct Platform {
    go: oneshot::Receiver<()>,
    /// Done when the platform has ended the run.
    ended: JoinHandle<Ended>,
}

impl Platform {
    fn obey(mut commands: Receiver<Command>, stop: Stop, lease: Duration) -> Self {
        let (go, told) = oneshot::channel();
        let mut go = Some(go);
        let lease = Lease::new(lease);
        let ended = tokio::spawn(async move {
            loop {
                let command = tokio::select! {
                    command = commands.recv() => command,
                    () = lease.ran_out() => None,
                };
                let why = match command {
                    Some(Command::Go) => {
                        // A run that ended before it began does not listen.
                        let _ = go.take().map(|go| go.send(()));
                        continue;
                    }
                    Some(Command::Renew { lease_ms }) => {
                        lease.renew(Duration::from_millis(lease_ms));
                        continue;
                    }
                    Some(Command::Prepare(_)) => continue,
                    Some(Command::Stop { consent_withdrawn: true }) => Ended::ConsentWithdrawn,
                    Some(Command::Stop { consent_withdrawn: false }) | None => Ended::Interrupted,
                };
                stop.stop(why);
                return why;
            }
        });
        Self { go: told, ended }
    }
}

fn unix_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// The evidence of a run of which nothing was measured.
pub fn unmeasured(work: &Work, ended: Ended) -> Evidence {
    Evidence {
        schema: Evidence::SCHEMA,
        run: work.run.clone(),
        seed: work.seed,
        plan: plan_digest(&work.parameters, &work.seed),
        parameters: work.parameters.clone(),
        network: work.network.clone(),
        observer: if work.reference.is_some() { Observer::Reference } else { Observer::SelfObserved },
        validator: work.target.validator.clone(),
        client: String::new(),
        started_ms: unix_ms(),
        block_interval_us: 0,
        phases: Vec::new(),
        blocks: Vec::new(),
        committees: Vec::new(),
        heads: Vec::new(),
        partings: Vec::new(),
        self_check: SelfCheck::default(),
        ended,
    }
}

struct Measurement {
    driver: &'static dyn Driver,
    work: Work,
    nodes: Nodes,
    stop: Stop,
    reports: UnboundedSender<Report>,
    watch: Arc<Watch>,
}

impl Measurement {
    fn new(
        driver: &'static dyn Driver,
        work: Work,
        nodes: Nodes,
        stop: Stop,
        reports: UnboundedSender<Report>,
    ) -> Self {
        let watched = Watched {
            reference: Target::new(nodes.reference, None),
            controls: nodes.controls.iter().map(|node| Target::new(node.address, None)).collect(),
            target: Target::new(nodes.target.address, None),
            finality_depth: nodes.finality_depth,
            halt: work.parameters.halt_ms().map(|ms| Duration::from_millis(ms.into())),
            context: nodes.context,
        };
        let watch = Watch::new(driver, watched, nodes.head);
        Self { driver, work, nodes, stop, reports, watch }
    }

    fn progress(&self, phase: &str, done: usize, answered: u64, landed: u64) {
        // Nobody listening is no reason to stop: the commands decide that.
        let _ = self.reports.send(Report::Progress {
            phase: phase.to_owned(),
            done: done as u32,
            answered,
            landed,
        });
    }

    async fn run(self, platform: &mut Platform) -> Report {
        let follow = tokio::spawn(Arc::clone(&self.watch).follow());
        let sampler = tokio::spawn(Arc::clone(&self.watch).sample(self.stop.clone(), self.reports.clone()));
        let context = self.nodes.context;
        let mut wallet = tokio::task::block_in_place(|| {
            let chain_id = self.work.network.chain_id;
            self.driver.wallet(chain_id, &self.work.seed, &self.work.parameters, context)
        });
        let mut evidence = unmeasured(&self.work, Ended::Completed);
        evidence.client.clone_from(&self.nodes.target.client);
        let ended = match self.prepare(wallet.as_ref(), &mut platform.go).await {
            Ok(()) => self.perform(wallet.as_mut(), &mut evidence, &mut platform.ended).await,
            Err(ended) => Err(ended),
        };
        evidence.ended = ended.err().unwrap_or(Ended::Completed);
        evidence.heads = self.watch.samples();
        follow.abort();
        sampler.abort();
        Report::Evidence(Box::new(evidence))
    }

    /// Funds the accounts, says `ready`, and waits for `go`.
    async fn prepare(&self, wallet: &dyn Wallet, go: &mut oneshot::Receiver<()>) -> Result<(), Ended> {
        let through = self.nodes.controls.first().unwrap_or(&self.nodes.target);
        let control = Target::new(through.address, None);
        let reference = Target::new(self.nodes.reference, None);
        let progress = |wave: usize, waves: usize| {
            self.progress(&format!("funding {}/{waves}", wave + 1), 0, 0, 0);
        };
        let funding = funding::fund(self.driver, wallet, &control, &reference, &self.watch, progress);
        if !self.stop.unless(funding).await? {
            return Err(Ended::Unfunded);
        }
        let _ = self.reports.send(Report::Ready);
        // Without the sender the platform has ended the run, which `unless` has seen or will see.
        self.stop.unless(go).await?.map_err(|_| self.stop.reason().unwrap_or(Ended::Interrupted))
    }

    /// Runs the phases; whatever ends it, what was recorded goes into `evidence`. `platform` is done
    /// when the platform says stop.
    async fn perform(
        &self,
        wallet: &mut dyn Wallet,
        evidence: &mut Evidence,
        platform: &mut JoinHandle<Ended>,
    ) -> Result<(), Ended> {
        let Ok(sink) = Sink::start() else { return Err(Ended::Interrupted) };
        let began = self.watch.begin();
        evidence.started_ms = unix_ms();
        let nodes = Roads { candidate: &self.nodes.target, controls: &self.nodes.controls };
        let mut stage = Stage {
            seed: self.work.seed,
            routes: Arc::new(Routes::new(self.driver, &self.work.seed, nodes, self.work.ceiling)),
            watch: Arc::clone(&self.watch),
            stop: self.stop.clone(),
            sink,
            account: Account::new(),
            life: Life::of(&self.work.parameters),
            began,
        };
        let (mut records, mut sent) = (Vec::new(), Vec::new());
        let mut ended = self.phases(&mut stage, wallet, &mut records, &mut sent).await;
        if matches!(ended, Ok(()) | Err(Ended::NodeDown)) {
            // Also what a node took before it fell silent gets the time to land: the chain goes on.
            self.progress("waiting for the last transactions to land", records.len(), 0, 0);
            let horizon = u64::from(self.work.parameters.horizon_blocks());
            let settled = reconcile::settle(&self.watch, &records, &sent, horizon);
            ended = tokio::select! {
                () = settled => ended,
                why = &mut *platform => ended.and(Err(why.unwrap_or(Ended::Interrupted))),
                why = self.stop.stopped(), if ended.is_ok() => Err(why),
            };
        }
        reconcile::fill(&self.watch, &mut records, &sent);
        evidence.partings = self.parted(ended, platform).await;
        let ledger = self.watch.ledger.lock().expect("not poisoned");
        evidence.block_interval_us = ledger.interval_us().unwrap_or(0);
        evidence.blocks = ledger.blocks();
        evidence.committees = ledger.committees();
        evidence.phases = records;
        evidence.self_check = stage.account.report();
        ended
    }

    /// Blocks that other nodes name otherwise, after a run that can part a chain; none when the platform said stop, and
    /// it may say so while it is looked.
    async fn parted(&self, ended: Result<(), Ended>, platform: &mut JoinHandle<Ended>) -> Vec<Parting> {
        let told_to_stop =
            matches!(ended, Err(Ended::ConsentWithdrawn | Ended::Interrupted | Ended::ProtectiveStop));
        if self.work.parameters.challenge().hazard() != Hazard::Chain || told_to_stop {
            return Vec::new();
        }
        let ours = self.watch.ledger.lock().expect("not poisoned").hashes();
        let was_halted = matches!(ended, Err(Ended::NetworkHalted));
        let patience = if was_halted { hazard::HALTED_PATIENCE } else { hazard::PATIENCE };
        let stopped = async {
            // One that has ended is not asked again.
            if !platform.is_finished() {
                let _ = platform.await;
            }
        };
        tokio::select! {
            partings = hazard::partings(self.driver, &self.nodes, &ours, patience) => partings,
            () = stopped => Vec::new(),
        }
    }

    async fn phases(
        &self,
        stage: &mut Stage,
        wallet: &mut dyn Wallet,
        records: &mut Vec<PhaseRecord>,
        sent: &mut Vec<Sent>,
    ) -> Result<(), Ended> {
        while let Some(phase) = next_phase(&self.work.parameters, records) {
            let answered =
                records.iter().flat_map(|phase| &phase.lanes).flat_map(|lane| lane.outcomes.values());
            let landed = reconcile::landed(&self.watch, sent);
            self.progress(&phase.name, records.len(), answered.sum(), landed);
            let (record, one) = stage.run(&phase, wallet).await?;
            records.push(record);
            sent.push(one);
            if let Some(why) = self.stop.reason() {
                return Err(why);
            }
        }
        Ok(())
    }
}
