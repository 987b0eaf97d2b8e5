//! The door's capacity, held against the controls' (MEASURE 2 c).

use model::plan::traffic_throughput::{Knee, knee};
use model::trial::TrafficThroughput;
use model::{Digest, Evidence, Parameters, Part};

use crate::bounds;
use crate::rulebook::Traffic;
use crate::scale::{full_marks, share};

/// `door.capacity`: requests per second that the node served, sustained; full marks at half the
/// controls' median. A search that ended at its highest rate earns full marks: what lies beyond
/// was not asked. Where no control has a capacity, the highest rate of the search stands in.
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
    part.points = if found.at_least { of } else { share(i128::from(found.capacity) * 2_000, whole, of) };
    part.factors = vec![
        ("controls_median".into(), i64::try_from(median2 / 2).unwrap_or(i64::MAX)),
        ("at_least".into(), found.at_least.into()),
        ("recovered".into(), found.recovered.into()),
    ];
    part
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
