//! Bounds within which the numbers of a phase can be calculated with.

use model::{Histogram, LaneRecord, PhaseRecord};

/// Longest duration in a histogram, microseconds: beyond twelve days no run waits.
const LONGEST_US: u64 = 1 << 40;

/// Requests that no lane exceeds.
const MOST_REQUESTS: u64 = u32::MAX as u64;

/// Whether all lanes of a phase are within bounds: counts that add up to what was offered, and
/// durations that a run can have. The plan's arithmetic is safe on such phases.
pub(crate) fn are_sane(phases: &[PhaseRecord]) -> bool {
    phases.iter().flat_map(|phase| &phase.lanes).all(|lane| fault(lane).is_none())
}

/// What is wrong with a lane's numbers.
pub(crate) fn fault(lane: &LaneRecord) -> Option<&'static str> {
    let answered = lane.outcomes.values().try_fold(lane.withheld, |sum, n| sum.checked_add(*n));
    if lane.offered > MOST_REQUESTS {
        Some("more requests than a lane can hold")
    } else if answered != Some(lane.offered) {
        Some("outcomes and withheld do not add up to offered")
    } else if !is_sane(&lane.intended_us, lane.offered) || !is_sane(&lane.sent_us, lane.offered) {
        Some("a histogram counts more than was offered, or longer than a run can be")
    } else {
        None
    }
}

fn is_sane(histogram: &Histogram, most: u64) -> bool {
    histogram.total() <= most && histogram.buckets().all(|(upper, _)| upper <= LONGEST_US)
}
