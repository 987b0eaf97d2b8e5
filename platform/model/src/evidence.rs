//! The record of a run: what was seen, in integers, written once. It judges nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::class::Class;
use crate::digest::Digest;
use crate::draw::Seed;
use crate::histogram::Histogram;
use crate::plan::{LaneKind, Via};
use crate::run::RunKey;
use crate::season::Network;
use crate::trial::Parameters;
use crate::turn::{Committee, Turn};

/// The record of one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Version of this form.
    pub schema: u32,
    /// Which run.
    pub run: RunKey,
    /// The run's seed: keys, instants and signatures follow from it.
    pub seed: Seed,
    /// What was sent.
    pub parameters: Parameters,
    /// Digest of parameters and seed ([`crate::plan::plan_digest`]).
    pub plan: Digest,
    /// The chain as it answered.
    pub network: Network,
    /// Who told us about the chain.
    pub observer: Observer,
    /// The validator of the node under test, as the season names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validator: Option<String>,
    /// Client name and version as the node gave it (printable ASCII, at most 80 characters).
    pub client: String,
    /// Wall clock at the beginning, Unix milliseconds; all other instants are microseconds since.
    pub started_ms: u64,
    /// Mean time between the blocks seen, microseconds; 0 when fewer than two were seen.
    pub block_interval_us: u64,
    /// The phases, in order.
    pub phases: Vec<PhaseRecord>,
    /// The blocks seen at the reference, rising.
    pub blocks: Vec<BlockRecord>,
    /// The validators, as of the first block and then whenever they changed; empty where the chain does not tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub committees: Vec<Committee>,
    /// Heads as sampled through the run.
    pub heads: Vec<HeadSample>,
    /// Blocks of which a node showed another than the reference, where that was looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partings: Vec<Parting>,
    /// The generator's account of itself.
    pub self_check: SelfCheck,
    /// How it ended.
    pub ended: Ended,
}

impl Evidence {
    /// Version of the form that this code writes.
    pub const SCHEMA: u32 = 2;

    /// The phase of this name.
    pub fn phase(&self, name: &str) -> Option<&PhaseRecord> {
        self.phases.iter().find(|phase| phase.name == name)
    }
}

/// Who told us about the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Observer {
    /// A reference node of the network.
    Reference,
    /// The node under test itself: good for a rehearsal, never for a rank.
    SelfObserved,
}

/// How a run ended, as the worker saw it. Whether that is cut or void is for the rules to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// Every phase was run.
    Completed,
    /// The node gave no usable answer at the beginning.
    Unreachable,
    /// The node answered for another chain id or genesis.
    WrongChain,
    /// The node stopped answering.
    NodeDown,
    /// Consent was withdrawn.
    ConsentWithdrawn,
    /// Stopped to protect the node or the network.
    ProtectiveStop,
    /// The reference did not answer, or stood still while a control went on or nobody else was there to tell.
    ReferenceLost,
    /// The reference went on, and for blocks that it must have it showed none, or none that its seals bear out.
    ReferenceUnread,
    /// No reference or control advanced.
    NetworkHalted,
    /// The run's accounts could not be funded.
    Unfunded,
    /// The worker itself ended: killed, stopped, or its lease ran out.
    Interrupted,
}

/// One phase as it was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhaseRecord {
    /// Name from the plan.
    pub name: String,
    /// First intended instant's origin, microseconds since the run began.
    pub start_us: u64,
    /// Planned length, milliseconds.
    pub duration_ms: u32,
    /// Head of the reference when the phase began.
    pub start_head: u64,
    /// Its lanes, as planned.
    pub lanes: Vec<LaneRecord>,
}

impl PhaseRecord {
    /// The lane of this kind through this node.
    pub fn lane(&self, kind: LaneKind, via: Via) -> Option<&LaneRecord> {
        self.lanes.iter().find(|lane| lane.kind == kind && lane.via == via)
    }
}

/// One stream of requests of one kind in a phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaneRecord {
    /// Kind.
    pub kind: LaneKind,
    /// Through which node.
    pub via: Via,
    /// Requests the plan asked for.
    pub offered: u64,
    /// Answers by class; sums to `offered` less `withheld`.
    pub outcomes: BTreeMap<Class, u64>,
    /// Requests that our own ceiling or stop held back.
    pub withheld: u64,
    /// Time from the intended instant to the answer, of requests with an answer about the transaction.
    pub intended_us: Histogram,
    /// Time from the actual send to the answer, of the same requests.
    pub sent_us: Histogram,
    /// By second of the phase: offered, answered `accepted`, landed.
    pub seconds: Vec<SecondRecord>,
    /// Transactions of the lane found in a block.
    pub landed: u64,
    /// Each transaction of an honest or valid-abusive lane; of other lanes only what landed.
    pub transactions: Vec<TransactionRecord>,
    /// Messages that no table knows, at most eight, printable ASCII, at most 120 characters.
    pub unknown: Vec<String>,
}

impl LaneRecord {
    /// Answers of this class.
    pub fn count(&self, class: Class) -> u64 {
        self.outcomes.get(&class).copied().unwrap_or(0)
    }
}

/// One second of a lane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondRecord {
    /// Intended in this second.
    pub offered: u64,
    /// Of these, answered `accepted`.
    pub accepted: u64,
    /// Of these, landed.
    pub landed: u64,
}

/// One transaction: (hash, reference head at its intended instant, height it landed in or 0,
/// 1 if the chain executed it with success).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionRecord(pub String, pub u64, pub u64, pub u8);

impl TransactionRecord {
    /// Height it landed in.
    pub fn landed(&self) -> Option<u64> {
        (self.2 > 0).then_some(self.2)
    }

    /// Whether it landed within `horizon` blocks of the head at its intended instant.
    pub fn landed_within(&self, horizon: u64) -> bool {
        self.landed().is_some_and(|height| height <= self.1.saturating_add(horizon))
    }
}

/// One block as the reference showed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockRecord {
    /// Height.
    pub height: u64,
    /// Hash.
    pub hash: String,
    /// When we saw it, microseconds since the run began.
    pub seen_us: u64,
    /// Transactions in it.
    pub transactions: u64,
    /// Of these, signed by this run.
    pub ours: u64,
    /// Whose turn it was, where the chain tells; not of a turn that was under way before the run began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<Turn>,
}

/// A block of which a node showed another than the reference: its chain had parted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parting {
    /// Which node.
    pub via: Via,
    /// Height.
    pub height: u64,
    /// The hash it showed.
    pub hash: String,
}

/// Heads at one instant; none where the node did not answer in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadSample {
    /// Microseconds since the run began.
    pub at_us: u64,
    /// The reference's.
    pub reference: Option<u64>,
    /// The controls', in the season's order.
    pub controls: Vec<Option<u64>>,
    /// The candidate's.
    pub target: Option<u64>,
}

/// The generator's account of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelfCheck {
    /// Requests sent.
    pub sent: u64,
    /// Requests that our ceiling held back.
    pub withheld: u64,
    /// Actual send minus intended instant.
    pub lag_us: Histogram,
    /// Answer time of the calibration sink, from the intended instant, through the same engine.
    pub sink_us: Histogram,
    /// Sink requests without an answer in time.
    pub sink_lost: u64,
    /// By second of the run.
    pub seconds: Vec<SelfSecond>,
}

/// One second of the generator's account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelfSecond {
    /// Requests sent.
    pub sent: u64,
    /// Largest lag, microseconds.
    pub worst_lag_us: u64,
    /// Slowest sink answer, microseconds.
    pub worst_sink_us: u64,
}
