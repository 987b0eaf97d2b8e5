//! Conducts a season: window by window, trial by trial, each run in a worker of its own.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use challenges::driver::{Driver, of_family};
use challenges::engine::unmeasured;
use challenges::faucet::Faucet;
use model::trial::Hazard;
use model::{Ended, Evidence, OperatorId, RunKey, RunState, Schedule, Trial, timetable};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::OpenSeason;
use super::consent::Consents;
use super::finding;
use super::held::{Held, now};
use super::leased::{Waiting, one};
use super::members::target;
use super::publish::publish;
use super::records::Records;
use super::reference::{self, PATIENCE};
use crate::halt::{self, HaltedByPlan, saw_no_chain};
use crate::progress::Progress;

/// How long the faucet may fail before the season stops.
const FAUCET_PATIENCE: Duration = Duration::from_secs(120);

/// A season being conducted.
pub struct Conduct<'a> {
    open: &'a OpenSeason,
    driver: &'static dyn Driver,
    records: &'a Records,
    /// None for a chain family without money.
    faucet: Option<Faucet>,
    binary: &'a Path,
    progress: &'a Progress,
    consents: Consents,
    on_halt: Option<String>,
    /// The height of the last halt that was told: several runs see the same one.
    halted_at: Mutex<Option<u64>>,
    /// A run ended because nothing was heard of the chain: it must show new blocks before anybody else is measured.
    reference_doubted: AtomicBool,
    /// Evidence of every run so far, by name.
    evidence: Mutex<BTreeMap<String, Evidence>>,
}

/// Runs under way, each to end in its evidence, with the lease to hand it in under.
type Runs = JoinSet<anyhow::Result<(Evidence, Held)>>;

impl<'a> Conduct<'a> {
    /// Takes up a season: what its records say was done, is done; what a process before us left
    /// in the middle is void (ours), once its lease has run out.
    ///
    /// # Errors
    /// When the records are another season's, its evidence cannot be read, or its chain has money and there is no
    /// `key` of a funded account.
    pub async fn take_up(
        open: &'a OpenSeason,
        records: &'a Records,
        key: Option<&str>,
        binary: &'a Path,
        progress: &'a Progress,
    ) -> anyhow::Result<Self> {
        records.claim(&open.season).await?;
        let network = &open.season.network;
        let driver = of_family(&network.family).map_err(|why| anyhow!(why))?;
        let faucet = match (driver.has_money(), key) {
            (false, _) => None,
            (true, None) => bail!("the chain family `{}` needs a funded test key", network.family),
            (true, Some(key)) => {
                let faucet = Faucet::new(driver, key, network.chain_id, open.funding_node(), &open.reference);
                Some(faucet.map_err(|why| anyhow!(why))?)
            }
        };
        let mut evidence = records.evidence().await?;
        for run in records.interrupted().await? {
            progress.say(&format!("{} was interrupted: void (ours), drawn again", run.run));
            let interrupted = unmeasured(&open.work(&run.run)?, Ended::Interrupted);
            records.end_interrupted(&run, &interrupted).await?;
            evidence.insert(run.run.to_string(), interrupted);
        }
        let consents = records.consents().await?;
        let reference_doubted = AtomicBool::new(evidence.values().any(saw_no_chain));
        let evidence = Mutex::new(evidence);
        Ok(Self {
            open,
            driver,
            records,
            faucet,
            binary,
            progress,
            consents,
            on_halt: None,
            halted_at: Mutex::default(),
            reference_doubted,
            evidence,
        })
    }

    /// With a command to be run when a network is found to stand still, once for each height at which it does.
    #[must_use]
    pub fn on_halt(mut self, command: Option<String>) -> Self {
        self.on_halt = command;
        self
    }

    /// Measures every window and publishes after each.
    ///
    /// # Errors
    /// When the season cannot go on; what was measured is kept.
    pub async fn run(&self) -> anyhow::Result<()> {
        for window in 1..=self.open.season.windows {
            self.records.open_window(window).await?;
            for trial in &self.open.season.trials {
                self.trial(window, trial).await?;
            }
            let evidence = self.evidence.lock().expect("not poisoned").clone();
            let standing = publish(self.open, self.records, &evidence, window, now()).await?;
            self.records.close_window(window).await?;
            self.progress.say(&standing);
        }
        self.records.close().await
    }

    /// Measures one trial in one window: everybody once, and void runs again.
    async fn trial(&self, window: u32, trial: &Trial) -> anyhow::Result<()> {
        let can_halt = trial.parameters.challenge().hazard() == Hazard::Chain;
        let order = timetable::order(&self.open.season, &self.open.seed, window, &trial.id);
        loop {
            let mut due: Vec<RunKey> = order.iter().filter_map(|id| self.due(window, trial, id)).collect();
            if can_halt {
                // Each run looks at the chain anew when it is prepared, and nothing follows a halt.
                due.truncate(1);
            }
            if due.is_empty() {
                return Ok(());
            }
            if can_halt || self.reference_doubted.load(Ordering::Relaxed) {
                let rpc = &self.open.reference;
                reference::waited_for(self.driver, rpc, PATIENCE, self.progress).await?;
                self.reference_doubted.store(false, Ordering::Relaxed);
            }
            let how = if trial.schedule == Schedule::Together { "together" } else { "one at a time" };
            let count = due.len();
            let windows = self.open.season.windows;
            self.progress.say(&format!("window {window} of {windows}: {} on {count} nodes, {how}", trial.id));
            self.batch(due, trial).await?;
        }
    }

    /// The next attempt that a slot needs; none when it is satisfied or given up.
    fn due(&self, window: u32, trial: &Trial, operator: &OperatorId) -> Option<RunKey> {
        let evidence = self.evidence.lock().expect("not poisoned");
        for attempt in 1..=self.open.season.attempts {
            let run = RunKey { window, trial: trial.id.clone(), operator: operator.clone(), attempt };
            match evidence.get(&run.to_string()) {
                None => return Some(run),
                Some(seen) if self.state(seen).counts() => return None,
                Some(_) => {}
            }
        }
        None
    }

    fn state(&self, evidence: &Evidence) -> RunState {
        scoreboard::attribute(&self.open.book, evidence)
    }

    /// Prepares all runs, then lets them go: all at once, or one after another. Nobody goes near the
    /// node of an operator who has left: its runs are cut before they begin.
    async fn batch(&self, due: Vec<RunKey>, trial: &Trial) -> anyhow::Result<()> {
        let (left, due): (Vec<_>, Vec<_>) =
            due.into_iter().partition(|run| self.consents.of(&run.operator).is_withdrawn());
        for run in left {
            let work = self.open.work(&run)?;
            let held = self.records.hold(&run, &target(&work.target.rpc)).await?;
            self.keep((unmeasured(&work, Ended::ConsentWithdrawn), held)).await?;
        }
        if due.is_empty() {
            return Ok(());
        }
        self.fund(&due, trial).await?;
        let (mut runs, ready) = self.prepare(due).await?;
        for waiting in ready {
            let name = waiting.run.to_string();
            // A worker that has ended meanwhile hands in why.
            let going = waiting.go.send(()).is_ok();
            while going && trial.schedule == Schedule::Alone && !self.has(&name) {
                let Some(done) = runs.join_next().await else { break };
                self.keep(done??).await?;
            }
        }
        while let Some(done) = runs.join_next().await {
            self.keep(done??).await?;
        }
        Ok(())
    }

    /// Starts a worker for each run and waits until every one is ready or has ended: funding
    /// disturbs nobody's run. Those that are ready come in the order of `due`.
    async fn prepare(&self, due: Vec<RunKey>) -> anyhow::Result<(Runs, Vec<Waiting>)> {
        let mut runs = JoinSet::new();
        let (prepared, mut waiting) = mpsc::unbounded_channel();
        for run in &due {
            let work = self.open.work(run)?;
            let held = self.records.hold(run, &target(&work.target.rpc)).await?;
            let line = self.progress.run(&run.to_string());
            let consent = self.consents.of(&run.operator);
            runs.spawn(one(self.binary.to_owned(), work, held, consent, line, prepared.clone()));
        }
        drop(prepared);
        let mut ready = Vec::new();
        while let Some(one) = waiting.recv().await {
            ready.push(one);
        }
        ready.sort_by_key(|waiting: &Waiting| due.iter().position(|run| *run == waiting.run));
        Ok((runs, ready))
    }

    fn has(&self, run: &str) -> bool {
        self.evidence.lock().expect("not poisoned").contains_key(run)
    }

    async fn keep(&self, (mut evidence, held): (Evidence, Held)) -> anyhow::Result<()> {
        if let Err(why) = scoreboard::intake(&self.open.season, &evidence) {
            // A worker of ours that hands in what cannot be is our fault: void, and drawn again.
            self.progress.say(&format!("  {}: its evidence is not sound: {why}", evidence.run));
            evidence = unmeasured(&self.open.work(&evidence.run)?, Ended::Interrupted);
        }
        if evidence.ended == Ended::NetworkHalted {
            self.tell_of_halt(&evidence).await;
        }
        held.finish(&evidence).await?;
        let trial = self.open.season.trial(&evidence.run.trial);
        let was_hazard = trial.is_some_and(|trial| trial.parameters.challenge().hazard() == Hazard::Chain);
        if saw_no_chain(&evidence) {
            self.reference_doubted.store(true, Ordering::Relaxed);
        }
        if was_hazard && evidence.ended == Ended::NetworkHalted {
            return Err(HaltedByPlan(evidence.run).into());
        }
        let state = self.state(&evidence);
        if state != RunState::Measured {
            let reason = scoreboard::void_reason(&self.open.book, &evidence);
            let why = reason.map_or_else(|| ended(evidence.ended).to_owned(), |reason| reason.to_string());
            self.progress.say(&format!("  {}: {state} ({why})", evidence.run));
        }
        if was_hazard {
            for found in finding::of_one(&self.open.book, &self.open.season, &evidence) {
                let advice = "unseat it: each of its turns costs everybody seconds";
                self.progress.say(&format!("  FINDING: {found} ({advice})"));
            }
        }
        self.evidence.lock().expect("not poisoned").insert(evidence.run.to_string(), evidence);
        Ok(())
    }

    async fn tell_of_halt(&self, evidence: &Evidence) {
        self.progress
            .say(&format!("HALT: {} saw no block anywhere any more; charged to nobody", evidence.run));
        let Some(command) = &self.on_halt else { return };
        let head = halt::last_head(evidence);
        if let Some(head) = head
            && self.halted_at.lock().expect("not poisoned").replace(head) == Some(head)
        {
            return;
        }
        match halt::tell(command, evidence).await {
            Ok(()) => self.progress.say("the halt hook was told"),
            Err(why) => {
                // Whichever run sees the halt next tells of it.
                self.halted_at.lock().expect("not poisoned").take_if(|last| Some(*last) == head);
                self.progress.say(&why);
            }
        }
    }

    /// Pays the roots, where the chain has money; an outage of the reference is waited out for a while.
    async fn fund(&self, due: &[RunKey], trial: &Trial) -> anyhow::Result<()> {
        let Some(faucet) = &self.faucet else { return Ok(()) };
        let needs: Vec<_> =
            due.iter().map(|run| (run.seed(&self.open.seed), trial.parameters.clone())).collect();
        let begun = Instant::now();
        loop {
            match faucet.fund(&needs).await {
                Ok(()) => return Ok(()),
                Err(why) if begun.elapsed() < FAUCET_PATIENCE => {
                    self.progress.say(&format!("funding: {why}; trying again"));
                    tokio::time::sleep(Duration::from_secs(5)).await;
                }
                Err(why) => bail!("{why}\nfinished runs are kept: run the same command again to go on"),
            }
        }
    }
}

/// How a run ended, in words.
pub(crate) fn ended(ended: Ended) -> &'static str {
    match ended {
        Ended::Completed => "every phase was run",
        Ended::Unreachable => "the node does not answer",
        Ended::WrongChain => "the node is on another chain",
        Ended::NodeDown => "the node stopped answering",
        Ended::ConsentWithdrawn => "consent was withdrawn",
        Ended::ProtectiveStop => "stopped to protect the node",
        Ended::ReferenceLost => "the reference was lost",
        Ended::ReferenceUnread => "the reference shows no blocks that its seals bear out",
        Ended::NetworkHalted => "the network stood still",
        Ended::Unfunded => "the accounts could not be funded",
        Ended::Interrupted => "the worker was interrupted",
    }
}
