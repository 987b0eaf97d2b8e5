//! Whose doing a run is (MEASURE 3): ours, the network's, or the operator's, in this order.
//!
//! Only our own facts make a run ours: how it ended, our lag, the calibration sink, the reference.
//! How slowly the node under test answers never does, so that no node can tarpit a run away.

use model::plan::{LaneKind, Via, traffic_throughput};
use model::{CutCause, Ended, Evidence, Parameters, PhaseRecord, RunState, SelfCheck, VoidCause};

use crate::heads::{longest_halt_us, longest_loss_us};
use crate::rulebook::{Gates, Rulebook};
use crate::turns::Turns;

/// What became of a run. A void run does not count and is drawn again.
pub fn attribute(book: &Rulebook, evidence: &Evidence) -> RunState {
    if is_ours(&book.gates, evidence) {
        RunState::Void(VoidCause::Ours)
    } else if is_networks(&book.gates, evidence) {
        RunState::Void(VoidCause::Network)
    } else {
        match evidence.ended {
            Ended::Unreachable | Ended::WrongChain | Ended::NodeDown => RunState::Cut(CutCause::NodeDown),
            Ended::ConsentWithdrawn => RunState::Cut(CutCause::ConsentWithdrawn),
            Ended::ProtectiveStop => RunState::Cut(CutCause::ProtectiveStop),
            _ => RunState::Measured,
        }
    }
}

fn is_ours(gates: &Gates, evidence: &Evidence) -> bool {
    matches!(evidence.ended, Ended::Interrupted | Ended::Unfunded | Ended::ReferenceLost)
        || longest_loss_us(&evidence.heads, gates.control_advance_blocks) >= stall_us(gates, evidence)
        || worker_failed(gates, &evidence.self_check)
        || (evidence.ended == Ended::Completed && unobserved(evidence))
}

/// Our own share of the run: lag, calibration sink, and what our ceiling held back.
fn worker_failed(gates: &Gates, check: &SelfCheck) -> bool {
    let above = |quantile: Option<u64>, gate: u64| quantile.is_some_and(|us| us > gate);
    above(check.lag_us.quantile(990), gates.lag_p99_us)
        || above(check.sink_us.quantile(990), gates.sink_p99_us)
        || exceeds(check.sink_lost, check.sink_us.total(), gates.sink_lost_per_mille)
        || exceeds(check.withheld, check.sent, gates.withheld_per_mille)
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

fn is_networks(gates: &Gates, evidence: &Evidence) -> bool {
    evidence.ended == Ended::NetworkHalted
        || longest_halt_us(&evidence.heads) >= stall_us(gates, evidence)
        || network_carried_nobody(gates, evidence)
        || gave_too_few_turns(evidence)
        || turns_are_unknown(evidence)
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
