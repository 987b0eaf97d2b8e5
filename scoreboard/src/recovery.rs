//! How soon honest traffic is back after the last attack (MEASURE 2 d).

use model::plan::{LaneKind, Via};
use model::{LaneRecord, PhaseRecord};

use crate::rulebook::Defense;
use crate::scale::{least, most};

/// Recovery, 0 to 1: of the honest transactions sent from b blocks after the attack on, the share
/// that landed, held against `calm` (0 at `recovery_zero` of it, 1 at `recovery_full`), times 1 for
/// b within `recovery_full_blocks`, falling to 0 at `recovery_zero_blocks`; the best b counts.
///
/// `calm` is the distant lane's share before the attacks, not the candidate's own: a node that
/// loses transactions on purpose beforehand would otherwise lower its own bar.
pub(crate) fn recovery(scale: &Defense, phase: &PhaseRecord, calm: f64, horizon: u64) -> f64 {
    let Some(lane) = phase.lane(LaneKind::Honest, Via::Candidate) else {
        return 0.0;
    };
    let needed = enough(scale, lane);
    let mut best = 0.0;
    let (mut sent, mut landed) = (0u64, 0u64);
    for (offset, (more_sent, more_landed)) in by_offset(scale, phase, lane, horizon).iter().enumerate().rev()
    {
        sent += more_sent;
        landed += more_landed;
        if sent >= needed && sent > 0 {
            let level = level(scale, landed as f64 / sent as f64, calm);
            best = most(best, level * weight(scale, offset as f64));
        }
    }
    best
}

/// Transactions from which a recovery may be read.
fn enough(scale: &Defense, lane: &LaneRecord) -> u64 {
    let share = u128::from(lane.offered) * u128::from(scale.recovery_share);
    u64::from(scale.recovery_transactions).max(u64::try_from(share.div_ceil(1_000)).unwrap_or(u64::MAX))
}

/// Transactions (sent, of these landed) by blocks since the phase began; the last one holds the rest.
fn by_offset(scale: &Defense, phase: &PhaseRecord, lane: &LaneRecord, horizon: u64) -> Vec<(u64, u64)> {
    let last = scale.recovery_zero_blocks.min(1_000) as usize;
    let mut counts = vec![(0, 0); last + 1];
    for one in &lane.transactions {
        let offset = usize::try_from(one.1.saturating_sub(phase.start_head)).unwrap_or(last);
        if let Some((sent, landed)) = counts.get_mut(offset.min(last)) {
            *sent += 1;
            *landed += u64::from(one.landed_within(horizon));
        }
    }
    counts
}

fn level(scale: &Defense, share: f64, calm: f64) -> f64 {
    let zero = f64::from(scale.recovery_zero) / 1_000.0 * calm;
    let full = f64::from(scale.recovery_full) / 1_000.0 * calm;
    if share >= full { 1.0 } else { most(0.0, (share - zero) / (full - zero)) }
}

fn weight(scale: &Defense, offset: f64) -> f64 {
    let (full, zero) = (f64::from(scale.recovery_full_blocks), f64::from(scale.recovery_zero_blocks));
    least(1.0, most(0.0, (zero - offset) / (zero - full)))
}
