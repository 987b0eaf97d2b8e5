//! Runs one phase: signs it, sends it on its instants, records what came of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use model::plan::{Phase, Via};
use model::{Draw, Ended, Parameters, PhaseRecord, Seed};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use super::pacer::{self, Slot};
use super::recorder::{Account, Recorder, Sample};
use super::route::{DEADLINE, Road, Routes, is_sign_of_life};
use super::sink::Sink;
use super::stop::Stop;
use super::watch::Watch;
use crate::driver::{Request, SignedTransaction, Wallet};
use crate::http::{LOAD_BODY, Target};

/// Time between the decision to run a phase and its origin: the pacer and the first sends are ready.
const LEAD: Duration = Duration::from_millis(100);
/// Calibration requests per second.
const SINK_RATE: u64 = 20;
/// The candidate is down when nothing came from it for so long...
const SILENCE: Duration = Duration::from_secs(5);
/// ...while so many requests wanted an answer.
const SILENT_REQUESTS: u64 = 10;

/// What every phase of a run shares.
pub(super) struct Stage {
    pub(super) seed: Seed,
    pub(super) routes: Arc<Routes>,
    pub(super) watch: Arc<Watch>,
    pub(super) stop: Stop,
    pub(super) sink: Sink,
    pub(super) account: Account,
    pub(super) life: Life,
    /// When the run began.
    pub(super) began: Instant,
}

/// Whether the candidate still says anything.
#[derive(Default)]
pub(super) struct Life {
    /// Silence is what the challenge is there to see: it does not end the run.
    watched_through: bool,
    /// Intended instant of the first of the requests that nothing came of, and how many they are.
    silence: Option<(Instant, u64)>,
}

impl Life {
    /// Of a run with these parameters.
    pub(super) fn of(parameters: &Parameters) -> Self {
        Self {
            watched_through: matches!(parameters, Parameters::Duty(_) | Parameters::KeyChange(_)),
            silence: None,
        }
    }

    /// A phase begins. A few requests lost before a quiet time are no sign of death.
    fn phase_begins(&mut self) {
        self.silence = self.silence.filter(|(_, requests)| *requests >= SILENT_REQUESTS);
    }

    fn answered(&mut self, alive: bool, intended: Instant) {
        self.silence = match self.silence {
            _ if alive => None,
            Some((since, requests)) => Some((since.min(intended), requests + 1)),
            None => Some((intended, 1)),
        };
    }

    fn is_over(&self, now: Instant) -> bool {
        self.silence.is_some_and(|(since, requests)| {
            !self.watched_through
                && requests >= SILENT_REQUESTS
                && now.saturating_duration_since(since) >= SILENCE
        })
    }
}

/// A phase's transactions and, for each, the reference's head when it was sent.
pub(super) struct Sent {
    pub(super) instants: Vec<Vec<u64>>,
    pub(super) transactions: Vec<Arc<Vec<SignedTransaction>>>,
    pub(super) heads: Vec<Vec<u64>>,
}

struct Running<'a> {
    phase: &'a Phase,
    origin: Instant,
    recorder: Recorder,
    sent: Sent,
    /// Where each lane goes; the members of a burst go one way.
    roads: Vec<Road>,
    tasks: JoinSet<()>,
    samples: UnboundedSender<Sample>,
    sink: Arc<Target>,
}

impl Stage {
    /// Runs `phase` to its end.
    ///
    /// # Errors
    /// Why the run ended in the middle of it; such a phase leaves no record.
    pub(super) async fn run(
        &mut self,
        phase: &Phase,
        wallet: &mut dyn Wallet,
    ) -> Result<(PhaseRecord, Sent), Ended> {
        let sent = self.sign(phase, wallet);
        let slots = self.slots(phase, &sent.instants);
        let (samples, mut results) = unbounded_channel();
        let origin = Instant::now() + LEAD;
        let start_head = self.watch.head();
        let mut running = Running {
            phase,
            origin,
            recorder: Recorder::new(phase.lanes.len(), Duration::from_millis(phase.duration_ms.into())),
            sent,
            roads: vec![Road::default(); phase.lanes.len()],
            tasks: JoinSet::new(),
            samples,
            sink: Arc::new(Target::new(self.sink.address, None)),
        };
        self.life.phase_begins();
        let (mut pace, thread) = pacer::start(origin, slots);
        let ended = self.drive(&mut running, &mut pace, &mut results).await;
        drop(pace);
        running.tasks.abort_all();
        ended?;
        // The pacer has handed out its last slot: this does not wait.
        let _ = thread.join();
        let Running { recorder, sent, .. } = running;
        let record = PhaseRecord {
            name: phase.name.clone(),
            start_us: origin.saturating_duration_since(self.began).as_micros() as u64,
            duration_ms: phase.duration_ms,
            start_head,
            lanes: recorder.finish(phase, &sent.instants),
        };
        self.stop.unless(tokio::time::sleep(Duration::from_millis(phase.settle_ms.into()))).await?;
        Ok((record, sent))
    }

    fn sign(&self, phase: &Phase, wallet: &mut dyn Wallet) -> Sent {
        let instants: Vec<_> = (0..phase.lanes.len()).map(|lane| phase.instants(lane, &self.seed)).collect();
        let transactions: Vec<_> = tokio::task::block_in_place(|| {
            phase.lanes.iter().map(|lane| Arc::new(wallet.take(lane.kind, lane.count as usize))).collect()
        });
        let mut ledger = self.watch.ledger.lock().expect("not poisoned");
        for lane in &transactions {
            ledger.know(lane.iter().map(|transaction: &SignedTransaction| &transaction.id));
        }
        let heads = phase.lanes.iter().map(|lane| vec![0; lane.count as usize]).collect();
        Sent { instants, transactions, heads }
    }

    /// All requests of the phase in the order they are sent, calibration among them; between
    /// twins of the same instant the seed draws who goes first.
    fn slots(&self, phase: &Phase, instants: &[Vec<u64>]) -> Vec<Slot> {
        let mut draw = Draw::new(&self.seed, &format!("order {}", phase.name));
        let mut slots = Vec::new();
        for (lane, instants) in instants.iter().enumerate() {
            for (index, at) in instants.iter().enumerate() {
                slots.push(Slot { at_us: *at, order: draw.bits(), lane, index });
            }
        }
        let calibrations = u64::from(phase.duration_ms) * SINK_RATE / 1000;
        for index in 0..calibrations {
            let at_us = index * 1_000_000 / SINK_RATE;
            slots.push(Slot { at_us, order: draw.bits(), lane: phase.lanes.len(), index: index as usize });
        }
        slots.sort_unstable();
        slots
    }

    async fn drive(
        &mut self,
        running: &mut Running<'_>,
        pace: &mut UnboundedReceiver<Slot>,
        results: &mut UnboundedReceiver<Sample>,
    ) -> Result<(), Ended> {
        let stop = self.stop.clone();
        let stopped = stop.stopped();
        tokio::pin!(stopped);
        let (mut pacing, mut open) = (true, 0usize);
        while pacing || open > 0 {
            tokio::select! {
                biased;
                why = &mut stopped => return Err(why),
                slot = pace.recv(), if pacing => match slot {
                    Some(slot) => open += usize::from(self.dispatch(running, slot)),
                    None => pacing = false,
                },
                Some(sample) = results.recv() => {
                    open -= 1;
                    self.take(running, &sample);
                    if self.life.is_over(Instant::now()) {
                        self.stop.stop(Ended::NodeDown);
                    }
                }
            }
        }
        Ok(())
    }

    /// Sends one request on its way; false when our own ceiling holds it back.
    fn dispatch(&mut self, running: &mut Running<'_>, slot: Slot) -> bool {
        let now = Instant::now();
        let lag_us = now.saturating_duration_since(running.origin).as_micros() as u64;
        let lag_us = lag_us.saturating_sub(slot.at_us);
        let run_us = now.saturating_duration_since(self.began).as_micros() as u64;
        let (samples, origin) = (running.samples.clone(), running.origin);
        let micros = move |at: Instant| at.saturating_duration_since(origin).as_micros() as u64;
        let Slot { at_us: intended_us, lane, index, .. } = slot;
        let Some(plan) = running.phase.lanes.get(lane) else {
            let sink = Arc::clone(&running.sink);
            running.tasks.spawn(calibrate(sink, slot, lane, origin, samples));
            return true;
        };
        if (index as u32).is_multiple_of(plan.burst.max(1)) {
            let next = || self.watch.ledger.lock().expect("not poisoned").next();
            running.roads[lane] = self.routes.road(plan.via, next);
        }
        let road = running.roads[lane];
        if !self.routes.admits(road) {
            running.recorder.withheld(lane);
            self.account.withheld();
            return false;
        }
        self.account.sent(run_us, lag_us);
        running.sent.heads[lane][index] = self.watch.head();
        let transactions = Arc::clone(&running.sent.transactions[lane]);
        let (routes, kind) = (Arc::clone(&self.routes), plan.kind);
        running.tasks.spawn(async move {
            let outcome = routes.send(kind, road, index, &transactions[index]).await;
            let (sent_us, done_us) = (micros(outcome.sent), micros(outcome.done));
            let (class, unknown) = (outcome.answer.class, outcome.answer.unknown);
            // A phase that was stopped listens no more.
            let _ = samples.send(Sample { lane, intended_us, sent_us, done_us, class, unknown });
        });
        true
    }

    fn take(&mut self, running: &mut Running<'_>, sample: &Sample) {
        // Spawned tasks are done with once their sample is here.
        while running.tasks.try_join_next().is_some() {}
        let Some(plan) = running.phase.lanes.get(sample.lane) else {
            let took = (sample.class == model::Class::Accepted).then(|| sample.done_us - sample.intended_us);
            self.account.sink(self.began.elapsed().as_micros() as u64, took);
            return;
        };
        if plan.via == Via::Candidate {
            let intended = running.origin + Duration::from_micros(sample.intended_us);
            self.life.answered(is_sign_of_life(sample.class), intended);
        }
        running.recorder.record(sample);
    }
}

async fn calibrate(
    sink: Arc<Target>,
    slot: Slot,
    lane: usize,
    origin: Instant,
    samples: UnboundedSender<Sample>,
) {
    let micros = |at: Instant| at.saturating_duration_since(origin).as_micros() as u64;
    let sent_us = micros(Instant::now());
    let reply = sink.post(&Request("{}".into()), LOAD_BODY, DEADLINE).await;
    let class = reply.map_or_else(|class| class, |_| model::Class::Accepted);
    let done_us = micros(Instant::now()).max(slot.at_us);
    let sample = Sample { lane, intended_us: slot.at_us, sent_us, done_us, class, unknown: None };
    let _ = samples.send(sample);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requests as (second, whether the node said anything), then a new phase: is the node down at `now`?
    fn over(requests: &[(u64, bool)], now: u64) -> bool {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut life = Life::default();
        for (seconds, alive) in requests {
            life.answered(*alive, at(*seconds));
        }
        life.phase_begins();
        life.is_over(at(now))
    }

    #[test]
    fn a_node_is_down_after_ten_requests_and_five_seconds_also_across_phases() {
        let silent: Vec<_> = (0..12).map(|i| (i / 4, false)).collect();
        assert!(!over(&silent, 4));
        assert!(over(&silent, 5));
        assert!(!over(&silent[..9], 60), "a few losses before a quiet time");
        let mut revived = silent.clone();
        revived.push((3, true));
        assert!(!over(&revived, 60));
    }
}
