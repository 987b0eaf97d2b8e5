//! Challenges, and a challenge as frozen for one season.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::TrialId;
use crate::plan::duty::Duty;
use crate::plan::key_change::KeyChange;
pub use crate::vector::{Vector, VectorKind};

/// A kind of task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChallengeKey {
    /// Ingress and door capacity under honest traffic.
    TrafficThroughput,
    /// Honest traffic kept alive among spam.
    SpamDefense,
    /// Turns and votes at normal load.
    Duty,
    /// Accounts that change their keys twice in one block: the case of 2021.
    KeyChange,
}

/// What a challenge can harm if a node fails it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hazard {
    /// The node itself.
    Node,
    /// The chain: it runs only among healthy controls, after the same plan passed elsewhere.
    Chain,
}

impl ChallengeKey {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::TrafficThroughput, Self::SpamDefense, Self::Duty, Self::KeyChange];

    /// What it can harm.
    pub fn hazard(self) -> Hazard {
        match self {
            Self::TrafficThroughput | Self::SpamDefense | Self::Duty => Hazard::Node,
            Self::KeyChange => Hazard::Chain,
        }
    }

    /// Whether it is about the validator behind the node, whose identity must then be known.
    pub fn needs_validator(self) -> bool {
        matches!(self, Self::Duty | Self::KeyChange)
    }
}

impl fmt::Display for ChallengeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::TrafficThroughput => "traffic-throughput",
            Self::SpamDefense => "spam-defense",
            Self::Duty => "duty",
            Self::KeyChange => "key-change",
        })
    }
}

/// How load reaches a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Path {
    /// The operator's own RPC.
    Direct,
    /// The operator's sentry or RPC node in front of the validator.
    Fronted,
}

/// Whether the seated operators are measured at once or one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// All at once: what is not gossiped, or is within half the chain's capacity in sum.
    Together,
    /// One operator at a time, in a drawn order: what gossips through the candidate.
    Alone,
}

/// Parameters of `traffic-throughput`: ingress pairs, then the door (MEASURE 2 b, c).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrafficThroughput {
    /// Twin transactions sent at the same instant, one through the candidate, one through a control.
    pub pairs: u32,
    /// Pairs per second.
    pub pair_rate: u32,
    /// Blocks within which a transaction must land to count (H).
    pub horizon_blocks: u32,
    /// The door search.
    pub door: Door,
    /// Time without a block anywhere after which the network stands still, milliseconds; none: ten block intervals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halt_ms: Option<u32>,
}

/// Parameters of the door search: ramp by 1.5, bisect, sustain, overload, recover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Door {
    /// First rate, requests per second; its loss and latency are what later steps are held against.
    pub start_rate: u32,
    /// No step goes above this rate, requests per second.
    pub max_rate: u32,
    /// Length of a step, milliseconds.
    pub step_ms: u32,
    /// Length of the sustained step, milliseconds.
    pub sustain_ms: u32,
    /// Quiet time after each step, milliseconds.
    pub settle_ms: u32,
    /// Halvings of the interval between the last rate served and the first that was not.
    pub bisections: u32,
    /// An answer later than the start rate's 95th percentile plus this is not served, milliseconds.
    pub patience_ms: u32,
}

/// Parameters of `spam-defense` (MEASURE 2 d).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpamDefense {
    /// Honest transactions per second through the candidate, and as many through the distant control.
    pub honest_rate: u32,
    /// Blocks within which a transaction must land to count (H).
    pub horizon_blocks: u32,
    /// Honest traffic alone before the first attack, milliseconds.
    pub base_ms: u32,
    /// Length of each attack, milliseconds.
    pub attack_ms: u32,
    /// Quiet time after each phase, milliseconds.
    pub settle_ms: u32,
    /// Honest traffic alone after the last attack, milliseconds.
    pub recover_ms: u32,
    /// Spam requests per second, one attack for each.
    pub intensities: Vec<u32>,
    /// The vectors, in order.
    pub vectors: Vec<Vector>,
    /// Accounts in each flood of [`Vector::V08`] that offer more transactions behind a nonce gap than a node keeps for
    /// one account, as far as the flood is large enough ([`crate::plan::spam_defense::gapped`]); 0: none.
    #[serde(default, skip_serializing_if = "is_none")]
    pub gapped_accounts: u32,
    /// Time without a block anywhere after which the network stands still, milliseconds; none: ten block intervals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halt_ms: Option<u32>,
}

/// Plans of before there were such accounts keep their digest.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_none(accounts: &u32) -> bool {
    *accounts == 0
}

/// What a challenge is run with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "challenge", rename_all = "kebab-case")]
pub enum Parameters {
    /// Of `traffic-throughput`.
    TrafficThroughput(TrafficThroughput),
    /// Of `spam-defense`.
    SpamDefense(SpamDefense),
    /// Of `duty`.
    Duty(Duty),
    /// Of `key-change`.
    KeyChange(KeyChange),
}

impl Parameters {
    /// The challenge these belong to.
    pub fn challenge(&self) -> ChallengeKey {
        match self {
            Self::TrafficThroughput(_) => ChallengeKey::TrafficThroughput,
            Self::SpamDefense(_) => ChallengeKey::SpamDefense,
            Self::Duty(_) => ChallengeKey::Duty,
            Self::KeyChange(_) => ChallengeKey::KeyChange,
        }
    }

    /// H: the blocks within which a transaction must land.
    pub fn horizon_blocks(&self) -> u32 {
        match self {
            Self::TrafficThroughput(p) => p.horizon_blocks,
            Self::SpamDefense(p) => p.horizon_blocks,
            Self::Duty(p) => p.horizon_blocks,
            Self::KeyChange(p) => p.horizon_blocks,
        }
    }

    /// Time without a block anywhere after which the network stands still, milliseconds, where the plan sets one: a
    /// round that fails takes many block intervals on some chains.
    pub fn halt_ms(&self) -> Option<u32> {
        match self {
            Self::TrafficThroughput(p) => p.halt_ms,
            Self::SpamDefense(p) => p.halt_ms,
            Self::Duty(p) => Some(p.halt_ms),
            Self::KeyChange(p) => Some(p.halt_ms),
        }
    }

    /// Sets the time of [`Self::halt_ms`] where the plan sets none.
    pub fn or_halt_ms(&mut self, ms: u32) {
        match self {
            Self::TrafficThroughput(TrafficThroughput { halt_ms, .. })
            | Self::SpamDefense(SpamDefense { halt_ms, .. }) => *halt_ms = halt_ms.or(Some(ms)),
            Self::Duty(_) | Self::KeyChange(_) => {}
        }
    }

    /// The highest rate, requests per second, that any phase sends to the candidate.
    pub fn peak_rate(&self) -> u32 {
        match self {
            Self::TrafficThroughput(p) => p.pair_rate.max(p.door.max_rate).max(p.door.start_rate),
            Self::SpamDefense(p) => {
                let spam = p.intensities.iter().copied().max().unwrap_or(0);
                p.honest_rate.saturating_add(spam)
            }
            Self::Duty(p) => p.peak_rate(),
            Self::KeyChange(p) => p.peak_rate(),
        }
    }

    /// What cannot be: one sentence for each impossible value, with the remedy.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Faults::default();
        match self {
            Self::TrafficThroughput(p) => {
                faults.within("pairs", p.pairs, 20, 20_000);
                faults.within("pair_rate", p.pair_rate, 1, 100);
                faults.within("horizon_blocks", p.horizon_blocks, 2, 100);
                let door = &p.door;
                faults.within("door.start_rate", door.start_rate, 5, 1_000);
                faults.within("door.max_rate", door.max_rate, door.start_rate, 20_000);
                faults.within("door.step_ms", door.step_ms, 500, 120_000);
                faults.within("door.sustain_ms", door.sustain_ms, 500, 900_000);
                faults.within("door.settle_ms", door.settle_ms, 0, 60_000);
                faults.within("door.bisections", door.bisections, 0, 8);
                faults.within("door.patience_ms", door.patience_ms, 20, 5_000);
                halt(&mut faults, p.halt_ms);
            }
            Self::SpamDefense(p) => {
                faults.within("honest_rate", p.honest_rate, 1, 100);
                faults.within("horizon_blocks", p.horizon_blocks, 2, 100);
                faults.within("base_ms", p.base_ms, 1_000, 900_000);
                faults.within("attack_ms", p.attack_ms, 1_000, 900_000);
                faults.within("settle_ms", p.settle_ms, 0, 60_000);
                faults.within("recover_ms", p.recover_ms, 1_000, 900_000);
                faults.within("gapped_accounts", p.gapped_accounts, 0, 4);
                halt(&mut faults, p.halt_ms);
                for rate in &p.intensities {
                    faults.within("intensities", *rate, 1, 10_000);
                }
                faults.unless(!p.intensities.is_empty(), "intensities is empty: give at least one rate");
                faults.unless(!p.vectors.is_empty(), "vectors is empty: give at least one, such as \"V01\"");
                faults.unless(distinct(&p.vectors), "vectors names one vector twice");
                faults.unless(distinct(&p.intensities), "intensities names one rate twice");
            }
            Self::Duty(p) => p.check(&mut faults),
            Self::KeyChange(p) => p.check(&mut faults),
        }
        faults.0
    }
}

fn distinct<T: Ord>(items: &[T]) -> bool {
    items.iter().collect::<std::collections::BTreeSet<_>>().len() == items.len()
}

#[derive(Default)]
pub(crate) struct Faults(Vec<String>);

impl Faults {
    pub(crate) fn within(&mut self, name: &str, value: u32, low: u32, high: u32) {
        if !(low..=high).contains(&value) {
            self.0.push(format!("{name} = {value} is not possible: choose {low} to {high}"));
        }
    }

    pub(crate) fn unless(&mut self, good: bool, fault: &str) {
        if !good {
            self.0.push(fault.to_owned());
        }
    }
}

fn halt(faults: &mut Faults, halt_ms: Option<u32>) {
    if let Some(ms) = halt_ms {
        faults.within("halt_ms", ms, 4_000, 600_000);
    }
}

/// A challenge as frozen for one season.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// Its name in the season.
    pub id: TrialId,
    /// Version of the challenge's rules of sending.
    pub version: u32,
    /// How load reaches the nodes; paths are never ranked together.
    pub path: Path,
    /// Together or one at a time.
    pub schedule: Schedule,
    /// Weight in the total, relative to the other trials.
    pub weight: u32,
    /// What is sent.
    pub parameters: Parameters,
}
