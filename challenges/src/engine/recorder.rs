//! What happened to each request, folded into the record of a phase.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hdrhistogram::Histogram as Hdr;
use model::evidence::{SecondRecord, SelfSecond};
use model::plan::Phase;
use model::{Class, Histogram, LaneRecord, SelfCheck};

/// Kinds of unknown messages kept for a lane.
const UNKNOWN_KEPT: usize = 8;

/// What happened to one request. Microseconds since the phase began.
pub(super) struct Sample {
    pub(super) lane: usize,
    pub(super) intended_us: u64,
    pub(super) sent_us: u64,
    pub(super) done_us: u64,
    pub(super) class: Class,
    pub(super) unknown: Option<String>,
}

/// A histogram of microseconds, two significant digits, up to five minutes.
struct Micros(Hdr<u32>);

impl Micros {
    fn new() -> Self {
        Self(Hdr::new_with_bounds(1, 300_000_000, 2).expect("fixed bounds are bounds"))
    }

    fn record(&mut self, micros: u64) {
        self.0.saturating_record(micros.max(1));
    }

    fn buckets(&self) -> Histogram {
        let recorded = self.0.iter_recorded();
        Histogram::from_buckets(recorded.map(|v| (v.value_iterated_to(), u64::from(v.count_at_value()))))
    }
}

struct Lane {
    outcomes: BTreeMap<Class, u64>,
    withheld: u64,
    intended: Micros,
    sent: Micros,
    seconds: Vec<SecondRecord>,
    unknown: BTreeSet<String>,
}

/// Collects the samples of one phase.
pub(super) struct Recorder {
    lanes: Vec<Lane>,
}

impl Recorder {
    pub(super) fn new(lanes: usize, duration: Duration) -> Self {
        let seconds = duration.as_millis().div_ceil(1000).max(1) as usize;
        let lane = || Lane {
            outcomes: BTreeMap::new(),
            withheld: 0,
            intended: Micros::new(),
            sent: Micros::new(),
            seconds: vec![SecondRecord::default(); seconds],
            unknown: BTreeSet::new(),
        };
        Self { lanes: (0..lanes).map(|_| lane()).collect() }
    }

    pub(super) fn withheld(&mut self, lane: usize) {
        self.lanes[lane].withheld += 1;
    }

    pub(super) fn record(&mut self, sample: &Sample) {
        let lane = &mut self.lanes[sample.lane];
        *lane.outcomes.entry(sample.class).or_default() += 1;
        if sample.class.is_answer() {
            lane.intended.record(sample.done_us.saturating_sub(sample.intended_us));
            lane.sent.record(sample.done_us.saturating_sub(sample.sent_us));
        }
        if sample.class == Class::Accepted {
            let second = second_of(sample.intended_us, lane.seconds.len());
            lane.seconds[second].accepted += 1;
        }
        if let Some(message) = &sample.unknown
            && lane.unknown.len() < UNKNOWN_KEPT
        {
            lane.unknown.insert(message.clone());
        }
    }

    /// The lanes as evidence; what landed is filled in at the end of the run.
    pub(super) fn finish(self, phase: &Phase, instants: &[Vec<u64>]) -> Vec<LaneRecord> {
        let lanes = self.lanes.into_iter().zip(&phase.lanes).zip(instants);
        lanes
            .map(|((mut lane, plan), instants)| {
                for at in instants {
                    let second = second_of(*at, lane.seconds.len());
                    lane.seconds[second].offered += 1;
                }
                LaneRecord {
                    kind: plan.kind,
                    via: plan.via,
                    offered: plan.count.into(),
                    outcomes: lane.outcomes,
                    withheld: lane.withheld,
                    intended_us: lane.intended.buckets(),
                    sent_us: lane.sent.buckets(),
                    seconds: lane.seconds,
                    landed: 0,
                    transactions: Vec::new(),
                    unknown: lane.unknown.into_iter().collect(),
                }
            })
            .collect()
    }
}

/// The second of a phase that an instant lies in.
pub(super) fn second_of(at_us: u64, seconds: usize) -> usize {
    ((at_us / 1_000_000) as usize).min(seconds.saturating_sub(1))
}

/// The generator's account of itself, over the whole run.
pub(super) struct Account {
    sent: u64,
    withheld: u64,
    lag: Micros,
    sink: Micros,
    sink_lost: u64,
    seconds: Vec<SelfSecond>,
}

impl Account {
    pub(super) fn new() -> Self {
        Self { sent: 0, withheld: 0, lag: Micros::new(), sink: Micros::new(), sink_lost: 0, seconds: vec![] }
    }

    fn second(&mut self, run_us: u64) -> &mut SelfSecond {
        let second = (run_us / 1_000_000) as usize;
        if second >= self.seconds.len() {
            self.seconds.resize(second + 1, SelfSecond::default());
        }
        &mut self.seconds[second]
    }

    /// A request left at `run_us` since the run began, `lag_us` after its instant.
    pub(super) fn sent(&mut self, run_us: u64, lag_us: u64) {
        self.sent += 1;
        self.lag.record(lag_us);
        let second = self.second(run_us);
        second.sent += 1;
        second.worst_lag_us = second.worst_lag_us.max(lag_us);
    }

    pub(super) fn withheld(&mut self) {
        self.withheld += 1;
    }

    /// The sink answered `took_us` after the intended instant; none: it did not.
    pub(super) fn sink(&mut self, run_us: u64, took_us: Option<u64>) {
        let Some(took_us) = took_us else {
            self.sink_lost += 1;
            return;
        };
        self.sink.record(took_us);
        let second = self.second(run_us);
        second.worst_sink_us = second.worst_sink_us.max(took_us);
    }

    pub(super) fn report(&self) -> SelfCheck {
        SelfCheck {
            sent: self.sent,
            withheld: self.withheld,
            lag_us: self.lag.buckets(),
            sink_us: self.sink.buckets(),
            sink_lost: self.sink_lost,
            seconds: self.seconds.clone(),
        }
    }
}
