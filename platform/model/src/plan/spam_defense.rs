//! The plan of `spam-defense`: honest traffic alone, each vector at each intensity, honest alone.

use super::{LaneKind, LanePlan, Phase, Via, count};
use crate::evidence::PhaseRecord;
use crate::trial::{SpamDefense, Vector};

/// Name of the phase of one vector at one intensity (requests per second).
pub fn attack_name(vector: Vector, intensity: u32) -> String {
    format!("{vector}@{intensity}")
}

/// All phases, in order; what was seen changes nothing.
pub fn phases(p: &SpamDefense) -> Vec<Phase> {
    let mut phases = vec![phase(p, "base".into(), p.base_ms, None)];
    for &vector in &p.vectors {
        for &rate in &p.intensities {
            phases.push(phase(p, attack_name(vector, rate), p.attack_ms, Some((vector, rate))));
        }
    }
    phases.push(phase(p, "recover".into(), p.recover_ms, None));
    phases
}

/// The phase after `done`.
pub fn next_phase(p: &SpamDefense, done: &[PhaseRecord]) -> Option<Phase> {
    phases(p).into_iter().nth(done.len())
}

fn phase(p: &SpamDefense, name: String, duration_ms: u32, attack: Option<(Vector, u32)>) -> Phase {
    let honest = |via| LanePlan::new(LaneKind::Honest, via, count(p.honest_rate, duration_ms));
    let mut lanes = vec![honest(Via::Candidate), honest(Via::Distant)];
    if let Some((vector, rate)) = attack {
        lanes.push(LanePlan::new(vector.into(), Via::Candidate, count(rate, duration_ms)));
    }
    // The recovery begins with the end of the attack: no quiet time between them.
    let settle_ms = if attack.is_some() { 0 } else { p.settle_ms };
    Phase { name, duration_ms, settle_ms, twins: false, lanes }
}
