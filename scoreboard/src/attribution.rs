//! Whose doing a run is (MEASURE 3): ours, the network's, or the operator's, in this order.
//!
//! Only our own facts make a run ours: how it ended, our lag, the calibration sink, the reference.
//! How slowly the node under test answers never does, so that no node can tarpit a run away.

use std::fmt::{Display, Formatter};

use model::plan::{LaneKind, Via, traffic_throughput};
use model::{CutCause, Ended, Evidence, Parameters, PhaseRecord, RunState, SelfCheck, VoidCause};

use crate::heads::{longest_halt_us, longest_loss_us};
use crate::rulebook::{Gates, Rulebook};
use crate::turns::Turns;

/// What became of a run. A void run does not count and is drawn again.
pub fn attribute(book: &Rulebook, evidence: &Evidence) -> RunState {
    if let Some(reason) = void_reason(book, evidence) {
        return RunState::Void(reason.cause());
    }
    match evidence.ended {
        Ended::Unreachable | Ended::WrongChain | Ended::NodeDown => RunState::Cut(CutCause::NodeDown),
        Ended::ConsentWithdrawn => RunState::Cut(CutCause::ConsentWithdrawn),
        Ended::ProtectiveStop => RunState::Cut(CutCause::ProtectiveStop),
        _ => RunState::Measured,
    }
}

/// Why a run is void; none when it counts. Our own doing comes first.
pub fn void_reason(book: &Rulebook, evidence: &Evidence) -> Option<VoidReason> {
    ours(&book.gates, evidence).or_else(|| networks(&book.gates, evidence))
}

/// Why a run says nothing about its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VoidReason {
    /// It ended by what is ours, or by a halt of the network.
    Ended(Ended),
    /// The reference stood still while a control went on.
    ReferenceStood,
    /// One request in a hundred left later than it should by more than the gate, microseconds.
    Late(u64),
    /// One answer in a hundred of the calibration sink took longer than the gate, microseconds.
    SinkLate(u64),
    /// Too many requests to the calibration sink were lost.
    SinkLost,
    /// Our ceiling held back too many requests.
    Withheld,
    /// Lag, sink or heads are missing.
    Unobserved,
    /// Reference and controls stood still for longer than the gate, microseconds.
    NetworkStood(u64),
    /// Calm traffic was lost through the controls too.
    CarriedNobody,
    /// The validator had too few turns to say anything.
    TooFewTurns,
    /// Of too many failed rounds it is not known whose they were.
    UnknownTurns,
}

impl VoidReason {
    fn cause(self) -> VoidCause {
        match self {
            Self::Ended(Ended::NetworkHalted)
            | Self::NetworkStood(_)
            | Self::CarriedNobody
            | Self::TooFewTurns
            | Self::UnknownTurns => VoidCause::Network,
            _ => VoidCause::Ours,
        }
    }
}

impl Display for VoidReason {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let ms = |us: u64| us.div_ceil(1_000);
        match *self {
            Self::Ended(Ended::Interrupted) => write!(f, "the measuring process was interrupted"),
            Self::Ended(Ended::Unfunded) => write!(f, "its accounts could not be funded"),
            Self::Ended(Ended::ReferenceLost) => write!(f, "the reference was lost"),
            Self::Ended(Ended::ReferenceUnread) => {
                write!(f, "the reference showed no blocks that its seals bear out")
            }
            Self::Ended(_) => write!(f, "the network stood still"),
            Self::ReferenceStood => write!(f, "the reference stood still while a control went on"),
            Self::Late(us) => {
                write!(
                    f,
                    "the measuring machine was too busy: one request in a hundred left {} ms late",
                    ms(us)
                )
            }
            Self::SinkLate(us) => write!(
                f,
                "the measuring machine was too busy: it needed {} ms for one in a hundred answers of its own",
                ms(us)
            ),
            Self::SinkLost => write!(f, "the measuring machine was too busy: it lost requests to itself"),
            Self::Withheld => write!(f, "the ceiling of the measuring process held requests back"),
            Self::Unobserved => write!(f, "the measuring process kept no account of itself"),
            Self::NetworkStood(us) => write!(f, "the whole network stood still for {} ms", ms(us)),
            Self::CarriedNobody => write!(f, "calm traffic was lost through the controls too"),
            Self::TooFewTurns => write!(f, "the chain gave the validator too few turns"),
            Self::UnknownTurns => write!(f, "it is not known whose turns failed"),
        }
    }
}

fn ours(gates: &Gates, evidence: &Evidence) -> Option<VoidReason> {
    if matches!(
        evidence.ended,
        Ended::Interrupted | Ended::Unfunded | Ended::ReferenceLost | Ended::ReferenceUnread
    ) {
        return Some(VoidReason::Ended(evidence.ended));
    }
    if longest_loss_us(&evidence.heads, gates.control_advance_blocks) >= stall_us(gates, evidence) {
        return Some(VoidReason::ReferenceStood);
    }
    worker_failed(gates, &evidence.self_check).or_else(|| {
        (evidence.ended == Ended::Completed && unobserved(evidence)).then_some(VoidReason::Unobserved)
    })
}

/// Our own share of the run: lag, calibration sink, and what our ceiling held back.
fn worker_failed(gates: &Gates, check: &SelfCheck) -> Option<VoidReason> {
    let above = |quantile: Option<u64>, gate: u64| quantile.filter(|us| *us > gate);
    if let Some(us) = above(check.lag_us.quantile(990), gates.lag_p99_us) {
        return Some(VoidReason::Late(us));
    }
    if let Some(us) = above(check.sink_us.quantile(990), gates.sink_p99_us) {
        return Some(VoidReason::SinkLate(us));
    }
    if exceeds(check.sink_lost, check.sink_us.total(), gates.sink_lost_per_mille) {
        return Some(VoidReason::SinkLost);
    }
    exceeds(check.withheld, check.sent, gates.withheld_per_mille).then_some(VoidReason::Withheld)
}

/// Missing observer data excludes: a run to its end without lag, sink or heads proves nothing.
fn unobserved(evidence: &Evidence) -> bool {
    let check = &evidence.self_check;
    check.lag_us.total() == 0 || check.sink_us.total() == 0 || evidence.heads.is_empty()
}

/// Whether `bad` is more than `per_mille` of `bad + good`.
fn exceeds(bad: u64, good: u64, per_mille: u32) -> bool {
    let all = u128::from(bad) + u128::from(good);
    u128::from(bad) * 1_000 > all * u128::from(per_mille)
}

fn networks(gates: &Gates, evidence: &Evidence) -> Option<VoidReason> {
    if evidence.ended == Ended::NetworkHalted {
        return Some(VoidReason::Ended(evidence.ended));
    }
    let stood_us = longest_halt_us(&evidence.heads);
    if stood_us >= stall_us(gates, evidence) {
        return Some(VoidReason::NetworkStood(stood_us));
    }
    if network_carried_nobody(gates, evidence) {
        return Some(VoidReason::CarriedNobody);
    }
    if gave_too_few_turns(evidence) {
        return Some(VoidReason::TooFewTurns);
    }
    turns_are_unknown(evidence).then_some(VoidReason::UnknownTurns)
}

/// Time that a head may stand still, microseconds: what the challenge says, else so many intervals, of a second where
/// none was seen.
fn stall_us(gates: &Gates, evidence: &Evidence) -> u64 {
    if let Some(halt_ms) = evidence.parameters.halt_ms() {
        return u64::from(halt_ms) * 1_000;
    }
    let interval = if evidence.block_interval_us == 0 { 1_000_000 } else { evidence.block_interval_us };
    interval.saturating_mul(gates.stall_intervals.into())
}

/// Whether calm honest traffic was lost through the controls too (MEASURE 2 d): the twins of the
/// pairs, or both lanes of the base phase. A phase in which the run was cut says nothing here, or
/// a node could make a losing run void by dying early.
fn network_carried_nobody(gates: &Gates, evidence: &Evidence) -> bool {
    let horizon = evidence.parameters.horizon_blocks().into();
    let Some(first) = evidence.phases.first() else {
        return false;
    };
    if evidence.ended != Ended::Completed && evidence.phases.len() < 2 {
        return false;
    }
    let lost = |via| is_lost(first, via, horizon, gates.network_per_mille);
    match &evidence.parameters {
        Parameters::TrafficThroughput(_) => first.name == traffic_throughput::PAIRS && lost(Via::Control),
        Parameters::SpamDefense(_) => first.name == "base" && lost(Via::Candidate) && lost(Via::Distant),
        Parameters::Duty(_) => false,
        Parameters::KeyChange(_) => first.name == "calm" && lost(Via::Candidate) && lost(Via::Distant),
    }
}

/// Whether a whole run about a validator's turns saw fewer of them than say anything. Nobody is charged for the
/// chain's rotation.
fn gave_too_few_turns(evidence: &Evidence) -> bool {
    let least = match &evidence.parameters {
        Parameters::Duty(p) => p.least_turns.into(),
        Parameters::KeyChange(_) => 1,
        Parameters::TrafficThroughput(_) | Parameters::SpamDefense(_) => return false,
    };
    let turns = evidence.validator.as_deref().map(|me| Turns::of(evidence, me)).unwrap_or_default();
    // Who fails its turns, or is unseated, has the fewer of them by its own doing.
    let its_own = !turns.failed.is_empty() || turns.was_unseated;
    evidence.ended == Ended::Completed && turns.had() < least && !its_own
}

/// Whether of too many failed rounds it is not known whose they were, per cent of the blocks.
fn turns_are_unknown(evidence: &Evidence) -> bool {
    const MOST: u64 = 1;
    if !evidence.parameters.challenge().needs_validator() {
        return false;
    }
    let turns = evidence.blocks.iter().filter_map(|block| block.turn.as_ref());
    let unknown = turns.fold(0u64, |sum, turn| sum.saturating_add(turn.unknown()));
    unknown.saturating_mul(100) > (evidence.blocks.len() as u64).saturating_mul(MOST)
}

fn is_lost(phase: &PhaseRecord, via: Via, horizon: u64, per_mille: u32) -> bool {
    let Some(lane) = phase.lane(LaneKind::Honest, via) else {
        return false;
    };
    let landed = lane.transactions.iter().filter(|t| t.landed_within(horizon)).count() as u128;
    landed * 1_000 < u128::from(lane.offered) * u128::from(per_mille)
}
