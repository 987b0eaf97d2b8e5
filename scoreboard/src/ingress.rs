//! Ingress: twins, one through the candidate, one through a control, at the same instant
//! (MEASURE 2 b).

use model::evidence::TransactionRecord;
use model::plan::{LaneKind, Via, traffic_throughput::PAIRS};
use model::{Digest, Evidence, LaneRecord, Part};

use crate::rulebook::Traffic;
use crate::scale::{count, full_marks, linear, per_mille};

/// `ingress.inclusion`: share of the candidate's twins that landed within H blocks. Zero and full
/// are a judgement. That the candidate's own block counts only if the control's twin landed no
/// earlier is left out: evidence does not yet say which proposer is the candidate.
pub(crate) fn inclusion(scale: &Traffic, evidence: &Evidence, digest: Digest) -> Part {
    let of = full_marks(scale.inclusion_weight);
    let lane = twins(evidence).map(|(candidate, _)| candidate).filter(|lane| lane.offered > 0);
    let horizon = evidence.parameters.horizon_blocks().into();
    let landed = lane.map_or(0, |lane| landed_within(lane, horizon));
    let offered = lane.map_or(0, |lane| lane.offered);
    let (part, whole) = (i128::from(landed) * 1_000, i128::from(offered));
    let (zero, full) = (i128::from(scale.inclusion_zero), i128::from(scale.inclusion_full));
    Part {
        rule: "ingress.inclusion".into(),
        observed: lane.map(|_| per_mille(landed, offered)),
        unit: "per mille".into(),
        points: if offered == 0 { 0 } else { linear(part, zero * whole, full * whole, of) },
        of,
        factors: vec![("landed".into(), count(landed)), ("offered".into(), count(offered))],
        evidence: digest,
    }
}

/// `ingress.delay`: theta = tau x mean(height through the candidate - height through the control)
/// over pairs of which both landed within H, tau the block interval. Loss is the inclusion's alone.
pub(crate) fn delay(scale: &Traffic, evidence: &Evidence, digest: Digest) -> Part {
    let of = full_marks(scale.delay_weight);
    let lags = lags(evidence);
    let pairs = lags.len() as i128;
    let tau = i128::from(evidence.block_interval_us);
    let seen = pairs > 0 && pairs >= i128::from(scale.delay_pairs) && tau > 0;
    let blocks = lags.iter().fold(0i128, |sum, lag| sum.saturating_add(*lag));
    let theta_us = if seen { blocks.saturating_mul(tau).div_euclid(pairs) } else { 0 };
    // Mean lag in thousandths of a block, held against the scale without dividing first.
    let full = i128::from(scale.delay_full) * pairs;
    let zero = i128::from(scale.delay_zero) * pairs;
    Part {
        rule: "ingress.delay".into(),
        observed: seen.then(|| i64::try_from(theta_us).unwrap_or(i64::MAX)),
        unit: "us".into(),
        points: if seen { linear(blocks.saturating_mul(1_000), zero, full, of) } else { 0 },
        of,
        factors: vec![
            ("pairs".into(), i64::try_from(pairs).unwrap_or(i64::MAX)),
            ("block_interval_us".into(), count(evidence.block_interval_us)),
        ],
        evidence: digest,
    }
}

/// The twins' lanes, through the candidate and through the control.
fn twins(evidence: &Evidence) -> Option<(&LaneRecord, &LaneRecord)> {
    let phase = evidence.phase(PAIRS)?;
    Some((phase.lane(LaneKind::Honest, Via::Candidate)?, phase.lane(LaneKind::Honest, Via::Control)?))
}

/// Blocks that the candidate's twin landed after the control's, for pairs of which both landed.
fn lags(evidence: &Evidence) -> Vec<i128> {
    let Some((candidate, control)) = twins(evidence) else {
        return Vec::new();
    };
    let horizon = evidence.parameters.horizon_blocks().into();
    let height =
        |one: &TransactionRecord| one.landed().filter(|_| one.landed_within(horizon)).map(i128::from);
    let pairs = candidate.transactions.iter().zip(&control.transactions);
    pairs.filter_map(|(ours, theirs)| Some(height(ours)? - height(theirs)?)).collect()
}

/// Transactions of a lane that landed within `horizon` blocks, never more than were offered.
pub(crate) fn landed_within(lane: &LaneRecord, horizon: u64) -> u64 {
    let landed = lane.transactions.iter().filter(|one| one.landed_within(horizon)).count();
    (landed as u64).min(lane.offered)
}
