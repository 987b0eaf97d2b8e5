//! The door's capacity, held against the controls' (MEASURE 2 c).

use model::plan::traffic_throughput::{Knee, SERVED_PER_MILLE, knee};
use model::trial::TrafficThroughput;
use model::{Digest, Evidence, LaneRecord, Parameters, Part, PhaseRecord};

use crate::bounds;
use crate::rulebook::Traffic;
use crate::scale::{full_marks, per_mille, share};

/// `door.capacity`: requests per second that the node served, sustained; full marks at half the
/// controls' median. A search that ended at its highest rate earns full marks: what lies beyond
/// was not asked. Where no control has a capacity, the highest rate of the search stands in.
/// What is earned is held against how steadily it was served: the search takes a node's lateness at low load for its
/// way, so that one which stands still now and then would write its own bar.
pub(crate) fn capacity(scale: &Traffic, evidence: &Evidence, digest: Digest, controls: &[&Evidence]) -> Part {
    let of = full_marks(scale.capacity_weight);
    let mut part = Part {
        rule: "door.capacity".into(),
        observed: None,
        unit: "requests/s".into(),
        points: 0,
        of,
        factors: Vec::new(),
        evidence: digest,
    };
    let Some((parameters, found)) = search(evidence) else {
        return part;
    };
    let median2 = median_doubled(controls).unwrap_or(u64::from(parameters.door.max_rate) * 2);
    let whole = i128::from(median2) * i128::from(scale.capacity_full);
    part.observed = Some(found.capacity.into());
    let earned = if found.at_least { of } else { share(i128::from(found.capacity) * 2_000, whole, of) };
    let steady = steady(parameters, evidence, found.capacity);
    part.points = share(i128::from(steady), i128::from(SERVED_PER_MILLE), earned);
    part.factors = vec![
        ("controls_median".into(), i64::try_from(median2 / 2).unwrap_or(i64::MAX)),
        ("at_least".into(), found.at_least.into()),
        ("recovered".into(), found.recovered.into()),
        ("steady".into(), steady),
    ];
    part
}

/// Of the answers at rates that the node serves, those that came within the patience after its usual time, per mille:
/// the least of the steps' medians.
fn steady(parameters: &TrafficThroughput, evidence: &Evidence, capacity: u32) -> i64 {
    let rate = |step: &PhaseRecord, lane: &LaneRecord| {
        u128::from(lane.offered) * 1_000 / u128::from(step.duration_ms.max(1))
    };
    let steps = evidence.phases.iter().skip(1).filter_map(|step| Some((step, step.lanes.first()?)));
    let served: Vec<&LaneRecord> =
        steps.filter(|(step, lane)| rate(step, lane) <= u128::from(capacity)).map(|(_, lane)| lane).collect();
    let Some(usual) = served.iter().filter_map(|lane| lane.intended_us.quantile(500)).min() else {
        return 1_000;
    };
    let limit = usual.saturating_add(u64::from(parameters.door.patience_ms) * 1_000);
    let sum =
        |of: &dyn Fn(&LaneRecord) -> u64| served.iter().fold(0u64, |sum, lane| sum.saturating_add(of(lane)));
    per_mille(sum(&|lane| lane.intended_us.at_most(limit)), sum(&|lane| lane.intended_us.total()))
}

/// What the search found, where it was run to its end and its numbers can be calculated with.
fn search(evidence: &Evidence) -> Option<(&TrafficThroughput, Knee)> {
    let Parameters::TrafficThroughput(parameters) = &evidence.parameters else {
        return None;
    };
    if !evidence.parameters.faults().is_empty() || !bounds::are_sane(&evidence.phases) {
        return None;
    }
    Some((parameters, knee(parameters, &evidence.phases)?))
}

/// Twice the median of the controls' capacities, so that it is whole; none without a capacity.
fn median_doubled(controls: &[&Evidence]) -> Option<u64> {
    let found = controls.iter().filter_map(|control| search(control));
    let mut rates: Vec<u64> = found.map(|(_, knee)| knee.capacity.into()).collect();
    rates.sort_unstable();
    let high = *rates.get(rates.len() / 2)?;
    let low = *rates.get((rates.len() - 1) / 2)?;
    Some(high + low).filter(|sum| *sum > 0)
}
