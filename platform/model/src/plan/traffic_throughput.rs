//! The plan of `traffic-throughput`: ingress pairs, then the search for the door's capacity.

use super::{LaneKind, LanePlan, Phase, Via, count};
use crate::class::{Class, Reason};
use crate::evidence::PhaseRecord;
use crate::trial::{Door, TrafficThroughput};

/// Share of the start rate's own share that a step must serve, per mille.
pub const SERVED_PER_MILLE: u64 = 950;

/// Name of the phase of ingress pairs.
pub const PAIRS: &str = "pairs";

/// What the door search found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Knee {
    /// Requests per second that the door served, sustained.
    pub capacity: u32,
    /// The search ended at its highest rate: the capacity is at least this.
    pub at_least: bool,
    /// Whether the start rate was served again after the overload.
    pub recovered: bool,
}

/// The phase after `done`.
pub fn next_phase(p: &TrafficThroughput, done: &[PhaseRecord]) -> Option<Phase> {
    let Some(steps) = done.get(1..) else {
        return Some(pairs(p));
    };
    match search(&p.door, steps) {
        Search::Next(phase) => Some(phase),
        Search::Found(_) => None,
    }
}

/// What the door search found; none when it was not run to its end.
pub fn knee(p: &TrafficThroughput, done: &[PhaseRecord]) -> Option<Knee> {
    match search(&p.door, done.get(1..)?) {
        Search::Next(_) => None,
        Search::Found(knee) => Some(knee),
    }
}

/// The rate of a door step, requests per second, and whether it was served; for charts.
pub fn steps(p: &TrafficThroughput, done: &[PhaseRecord]) -> Vec<(u64, bool)> {
    let Some([low, rest @ ..]) = done.get(1..) else {
        return Vec::new();
    };
    let bar = Bar::of(&p.door, low);
    rest.iter().map(|step| (rate_of(step), bar.passes(step))).collect()
}

fn rate_of(step: &PhaseRecord) -> u64 {
    let offered = step.lanes.first().map_or(0, |lane| lane.offered);
    offered.saturating_mul(1000) / u64::from(step.duration_ms.max(1))
}

fn pairs(p: &TrafficThroughput) -> Phase {
    let lane = |via| LanePlan::new(LaneKind::Honest, via, p.pairs);
    Phase {
        name: PAIRS.into(),
        duration_ms: (u64::from(p.pairs) * 1000 / u64::from(p.pair_rate.max(1))) as u32,
        settle_ms: p.door.settle_ms,
        twins: true,
        lanes: vec![lane(Via::Candidate), lane(Via::Control)],
    }
}

enum Search {
    Next(Phase),
    Found(Knee),
}

/// What a step is held against: the loss and latency at the start rate.
struct Bar {
    limit_us: u64,
    share_per_mille: u64,
}

impl Bar {
    fn of(door: &Door, low: &PhaseRecord) -> Self {
        let p95 = low.lanes.first().and_then(|lane| lane.intended_us.quantile(950)).unwrap_or(0);
        let limit_us = p95.saturating_add(u64::from(door.patience_ms) * 1000);
        Self { limit_us, share_per_mille: served(low, limit_us) }
    }

    fn passes(&self, step: &PhaseRecord) -> bool {
        served(step, self.limit_us).saturating_mul(1000)
            >= self.share_per_mille.saturating_mul(SERVED_PER_MILLE)
    }
}

/// Requests of a step that were answered rightly (nonce used) within `limit_us`, per mille.
fn served(step: &PhaseRecord, limit_us: u64) -> u64 {
    let Some(lane) = step.lanes.first() else {
        return 0;
    };
    if lane.offered == 0 {
        return 0;
    }
    let right =
        lane.count(Class::Rejected(Reason::NonceTooLow)) + lane.count(Class::Rejected(Reason::AlreadyKnown));
    right.min(lane.intended_us.at_most(limit_us)) * 1000 / lane.offered
}

fn step(door: &Door, name: String, rate: u32, duration_ms: u32) -> Search {
    let count = count(rate, duration_ms);
    Search::Next(Phase {
        name,
        duration_ms,
        settle_ms: door.settle_ms,
        twins: false,
        lanes: vec![LanePlan::new(LaneKind::Load, Via::Candidate, count)],
    })
}

/// The rates between which the knee lies.
struct Bracket {
    floor: u32,
    wall: Option<u32>,
    halvings: u32,
}

impl Bracket {
    /// The next rate to try; none when the bracket is narrow enough.
    fn next(&self, door: &Door) -> Option<u32> {
        match self.wall {
            None if self.floor >= door.max_rate => None,
            None => Some((self.floor + (self.floor / 2).max(1)).min(door.max_rate)),
            Some(wall) if self.halvings < door.bisections && wall - self.floor > 1 => {
                Some(self.floor.midpoint(wall))
            }
            Some(_) => None,
        }
    }

    fn tried(&mut self, rate: u32, passed: bool) {
        self.halvings += u32::from(self.wall.is_some());
        if passed {
            self.floor = rate;
        } else {
            self.wall = Some(rate);
        }
    }
}

/// Replays the search over the steps done. A step that is not served is tried once more before it
/// is believed: one hiccup of the machine is not the node's limit.
fn search(door: &Door, steps: &[PhaseRecord]) -> Search {
    let [low, rest @ ..] = steps else {
        return step(door, "door start".into(), door.start_rate, door.step_ms.max(2_000));
    };
    let bar = Bar::of(door, low);
    if bar.share_per_mille < 500 {
        return Search::Found(Knee { capacity: 0, at_least: false, recovered: false });
    }
    let mut rest = rest.iter();
    let mut bracket = Bracket { floor: door.start_rate, wall: None, halvings: 0 };
    while let Some(rate) = bracket.next(door) {
        let stage = if bracket.wall.is_some() { "bisect" } else { "ramp" };
        let Some(first) = rest.next() else {
            return step(door, format!("{stage} {rate}/s"), rate, door.step_ms);
        };
        let mut passed = bar.passes(first);
        if !passed {
            let Some(again) = rest.next() else {
                return step(door, format!("{stage} {rate}/s again"), rate, door.step_ms);
            };
            passed = bar.passes(again);
        }
        bracket.tried(rate, passed);
    }
    finish(door, &bar, &bracket, rest.as_slice())
}

/// Sustain at the knee, overload beyond it, and the start rate once more.
fn finish(door: &Door, bar: &Bar, bracket: &Bracket, steps: &[PhaseRecord]) -> Search {
    let knee = bracket.floor;
    let overload = (knee + knee / 2).min(door.max_rate);
    match steps {
        [] => step(door, format!("sustain {knee}/s"), knee, door.sustain_ms),
        [_] => step(door, format!("overload {overload}/s"), overload, door.step_ms),
        [_, _] => step(door, "door recover".into(), door.start_rate, door.step_ms.max(2_000)),
        [sustain, _, recover, ..] => {
            let sustained = u64::from(knee) * served(sustain, bar.limit_us) / 1000;
            let capacity = if bar.passes(sustain) { knee } else { sustained as u32 };
            let at_least = bracket.wall.is_none() && bar.passes(sustain);
            Search::Found(Knee { capacity, at_least, recovered: bar.passes(recover) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::LaneRecord;
    use crate::histogram::Histogram;

    fn parameters() -> TrafficThroughput {
        let door = Door {
            start_rate: 20,
            max_rate: 1_000,
            step_ms: 1_000,
            sustain_ms: 2_000,
            settle_ms: 0,
            bisections: 4,
            patience_ms: 200,
        };
        TrafficThroughput { pairs: 20, pair_rate: 20, horizon_blocks: 20, door, halt_ms: None }
    }

    /// A node that serves `capacity` a second in 2 ms and loses the rest.
    fn run(phase: &Phase, capacity: u32) -> PhaseRecord {
        let lanes = phase.lanes.iter().map(|lane| {
            let served = u64::from(lane.count).min(u64::from(count(capacity, phase.duration_ms)));
            LaneRecord {
                kind: lane.kind,
                via: lane.via,
                offered: lane.count.into(),
                outcomes: [(Class::Rejected(Reason::NonceTooLow), served)].into(),
                withheld: 0,
                intended_us: Histogram::from_buckets([(2_000, served)]),
                sent_us: Histogram::default(),
                seconds: vec![],
                landed: 0,
                transactions: vec![],
                unknown: vec![],
            }
        });
        PhaseRecord {
            name: phase.name.clone(),
            start_us: 0,
            duration_ms: phase.duration_ms,
            start_head: 0,
            lanes: lanes.collect(),
        }
    }

    fn search_for(capacity: u32) -> (Knee, Vec<PhaseRecord>) {
        let p = parameters();
        let mut done = vec![];
        while let Some(phase) = next_phase(&p, &done) {
            assert!(done.len() < 60, "the search must end");
            assert!(done.iter().all(|d: &PhaseRecord| d.name != phase.name), "{} twice", phase.name);
            done.push(run(&phase, capacity));
        }
        (knee(&p, &done).expect("ended"), done)
    }

    #[test]
    fn the_knee_is_found_within_five_per_cent_plus_the_loss_allowed() {
        for capacity in [60, 150, 333, 480, 800] {
            let found = search_for(capacity).0.capacity;
            let high = capacity * 1000 / 950 + 1;
            assert!(found * 100 >= capacity * 95 && found <= high, "{capacity}: {found}");
        }
    }

    #[test]
    fn a_door_wider_than_the_search_is_at_least() {
        let (found, _) = search_for(5_000);
        assert_eq!(found, Knee { capacity: 1_000, at_least: true, recovered: true });
    }

    #[test]
    fn a_dead_door_has_no_capacity_and_ends_the_search() {
        let (found, done) = search_for(3);
        assert_eq!(found.capacity, 0);
        assert_eq!(done.len(), 2);
    }

    #[test]
    fn one_hiccup_does_not_end_the_ramp() {
        let p = parameters();
        let mut done = vec![];
        let mut hiccup = true;
        while let Some(phase) = next_phase(&p, &done) {
            let slow = phase.name.starts_with("ramp 45") && std::mem::take(&mut hiccup);
            done.push(run(&phase, if slow { 1 } else { 333 }));
        }
        assert!(!hiccup);
        assert!(knee(&p, &done).unwrap().capacity > 300);
    }

    #[test]
    fn replay_names_the_first_phase_that_differs() {
        let parameters = crate::trial::Parameters::TrafficThroughput(parameters());
        let (_, mut done) = search_for(333);
        assert_eq!(super::super::replay(&parameters, &done, true), Ok(()));
        done.remove(4);
        assert!(super::super::replay(&parameters, &done, true).is_err());
        done.truncate(3);
        assert!(super::super::replay(&parameters, &done, true).unwrap_err().contains("missing"));
        assert_eq!(super::super::replay(&parameters, &done, false), Ok(()));
    }
}
