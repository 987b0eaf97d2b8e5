//! What is sent and when: pure, so that a ramp can look for the knee and a verifier can replay it.

pub mod duty;
pub mod key_change;
pub mod spam_defense;
pub mod traffic_throughput;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::draw::{Draw, Seed};
use crate::evidence::PhaseRecord;
use crate::trial::{Parameters, Vector};

/// What a lane carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LaneKind {
    /// Ordinary transfers from accounts used once.
    #[serde(rename = "honest")]
    Honest,
    /// The door probe: transactions that a node must look at and refuse as used or known, such as freshly signed
    /// ones with a used nonce.
    #[serde(rename = "load")]
    Load,
    /// Wrong chain id.
    V01,
    /// Malformed transaction.
    V04,
    /// Bad signature.
    V05,
    /// Replay.
    V07,
    /// Future-nonce flood.
    V08,
    /// Replacement churn.
    V11,
    /// Revert spam.
    V15,
    /// Batch bomb.
    V20,
    /// The nonces that accounts of V08 left out: what a node kept of theirs becomes executable.
    #[serde(rename = "gap-fill")]
    GapFill,
    /// Pairs of updates of an account's key, back to back: a fresh account's first two transactions.
    #[serde(rename = "key-change")]
    KeyChange,
}

impl LaneKind {
    /// All kinds.
    pub const ALL: [Self; 12] = [
        Self::Honest,
        Self::Load,
        Self::V01,
        Self::V04,
        Self::V05,
        Self::V07,
        Self::V08,
        Self::V11,
        Self::V15,
        Self::V20,
        Self::GapFill,
        Self::KeyChange,
    ];

    /// The vector that the lane carries, if it is hostile.
    pub fn vector(self) -> Option<Vector> {
        match self {
            Self::Honest | Self::Load | Self::GapFill | Self::KeyChange => None,
            Self::V01 => Some(Vector::V01),
            Self::V04 => Some(Vector::V04),
            Self::V05 => Some(Vector::V05),
            Self::V07 => Some(Vector::V07),
            Self::V08 => Some(Vector::V08),
            Self::V11 => Some(Vector::V11),
            Self::V15 => Some(Vector::V15),
            Self::V20 => Some(Vector::V20),
        }
    }
}

impl From<Vector> for LaneKind {
    fn from(vector: Vector) -> Self {
        match vector {
            Vector::V01 => Self::V01,
            Vector::V04 => Self::V04,
            Vector::V05 => Self::V05,
            Vector::V07 => Self::V07,
            Vector::V08 => Self::V08,
            Vector::V11 => Self::V11,
            Vector::V15 => Self::V15,
            Vector::V20 => Self::V20,
        }
    }
}

/// Through which node a lane goes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// The node under test.
    Candidate,
    /// A control, as the twin of a pair.
    Control,
    /// The distant control, which shows whether harm spreads.
    Distant,
    /// The node of whoever has the next turn, so that its block takes what is sent; the distant control where that is
    /// not known, or its node is not the run's.
    Next,
}

/// One lane of a phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LanePlan {
    /// Kind.
    pub kind: LaneKind,
    /// Through which node.
    pub via: Via,
    /// Requests, spread over the phase.
    pub count: u32,
    /// Requests that leave together, in order, a millisecond apart; 1: each by itself.
    pub burst: u32,
}

impl LanePlan {
    /// A lane of single requests.
    pub fn new(kind: LaneKind, via: Via, count: u32) -> Self {
        Self { kind, via, count, burst: 1 }
    }
}

/// A time in which lanes run side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phase {
    /// Name, unique in its run.
    pub name: String,
    /// Length, milliseconds.
    pub duration_ms: u32,
    /// Quiet time afterwards, milliseconds.
    pub settle_ms: u32,
    /// Whether the lanes share their instants (pairs).
    pub twins: bool,
    /// The lanes.
    pub lanes: Vec<LanePlan>,
}

/// Between two requests of a burst, microseconds.
const APART_US: u64 = 1_000;

/// Requests of `rate` per second in `duration_ms`.
pub(crate) fn count(rate: u32, duration_ms: u32) -> u32 {
    (u64::from(rate) * u64::from(duration_ms) / 1000) as u32
}

impl Phase {
    /// Intended instants of one lane, microseconds since the phase began, rising: one in each of
    /// `count` equal parts of the phase, at a drawn place in it, so that no rate beats against the
    /// block interval (a constant 10/s on 1 s blocks triples a standard error by aliasing).
    pub fn instants(&self, lane: usize, seed: &Seed) -> Vec<u64> {
        let Some(plan) = self.lanes.get(lane) else {
            return Vec::new();
        };
        let stream = if self.twins { 0 } else { lane };
        let mut draw = Draw::new(seed, &format!("instants {} {stream}", self.name));
        let length = u64::from(self.duration_ms) * 1000;
        let size = u64::from(plan.burst.max(1));
        let bursts = u64::from(plan.count).div_ceil(size);
        let start = |i: u64| (u128::from(length) * u128::from(i) / u128::from(bursts.max(1))) as u64;
        let mut instants = Vec::with_capacity(plan.count as usize);
        for burst in 0..bursts {
            // The last of a burst must not leave after the first of the next.
            let room = (start(burst + 1) - start(burst)).saturating_sub((size - 1) * APART_US);
            let first = start(burst) + draw.below(room.max(1));
            instants.extend((0..size).map(|member| first + member * APART_US));
        }
        instants.truncate(plan.count as usize);
        instants
    }
}

/// The phase after `done`, or none when the plan is at its end.
pub fn next_phase(parameters: &Parameters, done: &[PhaseRecord]) -> Option<Phase> {
    match parameters {
        Parameters::TrafficThroughput(p) => traffic_throughput::next_phase(p, done),
        Parameters::SpamDefense(p) => spam_defense::next_phase(p, done),
        Parameters::Duty(p) => duty::phases(p).into_iter().nth(done.len()),
        Parameters::KeyChange(p) => key_change::phases(p).into_iter().nth(done.len()),
    }
}

/// The most requests of one kind, through any node, that a run can send; 0 for the door's load, whose
/// transactions need no account of their own.
pub fn demand(parameters: &Parameters, kind: LaneKind) -> u32 {
    match (parameters, kind) {
        (Parameters::TrafficThroughput(p), LaneKind::Honest) => p.pairs.saturating_mul(2),
        (Parameters::TrafficThroughput(_), _) => 0,
        (Parameters::SpamDefense(p), _) => demanded(&spam_defense::phases(p), kind),
        (Parameters::Duty(p), _) => demanded(&duty::phases(p), kind),
        (Parameters::KeyChange(p), _) => demanded(&key_change::phases(p), kind),
    }
}

fn demanded(phases: &[Phase], kind: LaneKind) -> u32 {
    let lanes = phases.iter().flat_map(|phase| &phase.lanes).filter(|lane| lane.kind == kind);
    lanes.fold(0, |sum, lane| sum.saturating_add(lane.count))
}

/// The kinds of lane that a plan can have.
pub fn kinds(parameters: &Parameters) -> Vec<LaneKind> {
    let doors = matches!(parameters, Parameters::TrafficThroughput(_));
    let has = |kind: &LaneKind| demand(parameters, *kind) > 0 || (doors && *kind == LaneKind::Load);
    LaneKind::ALL.into_iter().filter(has).collect()
}

/// Whether the recorded phases are what the plan asks for: every phase the one that follows from
/// those before it, with its lanes and counts.
///
/// # Errors
/// The first phase that is not, in words.
pub fn replay(parameters: &Parameters, phases: &[PhaseRecord], complete: bool) -> Result<(), String> {
    for (index, record) in phases.iter().enumerate() {
        let Some(planned) = next_phase(parameters, &phases[..index]) else {
            return Err(format!("phase {} stands after the end of the plan", record.name));
        };
        let same = planned.name == record.name
            && planned.duration_ms == record.duration_ms
            && planned.lanes.len() == record.lanes.len()
            && planned.lanes.iter().zip(&record.lanes).all(|(plan, lane)| {
                plan.kind == lane.kind && plan.via == lane.via && u64::from(plan.count) == lane.offered
            });
        if !same {
            return Err(format!("phase {} is not the planned {}", record.name, planned.name));
        }
    }
    match next_phase(parameters, phases) {
        Some(missing) if complete => Err(format!("phase {} is missing", missing.name)),
        _ => Ok(()),
    }
}

/// Digest of what determines a plan: parameters and seed, never expanded instants.
pub fn plan_digest(parameters: &Parameters, seed: &Seed) -> Digest {
    Digest::of(&(parameters, seed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::SpamDefense;

    #[test]
    fn a_plan_has_the_kinds_that_its_lanes_have() {
        let spam = Parameters::SpamDefense(SpamDefense {
            honest_rate: 1,
            horizon_blocks: 20,
            base_ms: 1_000,
            attack_ms: 1_000,
            settle_ms: 0,
            recover_ms: 1_000,
            intensities: vec![5],
            vectors: vec![Vector::V08],
            gapped_accounts: 1,
            halt_ms: None,
        });
        assert_eq!(kinds(&spam), [LaneKind::Honest, LaneKind::V08], "too small a flood for an account's gap");
        assert_eq!(serde_json::to_string(&LaneKind::KeyChange).unwrap(), r#""key-change""#);
        assert_eq!(LaneKind::KeyChange.vector(), None);
    }

    #[test]
    fn instants_are_spread_and_twins_share_them() {
        let lane = |via| LanePlan::new(LaneKind::Honest, via, 100);
        let mut phase = Phase {
            name: "pairs".into(),
            duration_ms: 5_000,
            settle_ms: 0,
            twins: true,
            lanes: vec![lane(Via::Candidate), lane(Via::Control)],
        };
        let seed = Seed::from_number(1);
        let first = phase.instants(0, &seed);
        assert_eq!(first, phase.instants(1, &seed));
        for (i, at) in first.iter().enumerate() {
            assert!((i as u64 * 50_000..(i as u64 + 1) * 50_000).contains(at));
        }
        phase.twins = false;
        assert_ne!(phase.instants(0, &seed), phase.instants(1, &seed));
    }
}
