//! The plan of `spam-defense`: honest traffic alone, each vector at each intensity, honest alone.

use super::{LaneKind, LanePlan, Phase, Via, count};
use crate::evidence::PhaseRecord;
use crate::trial::{SpamDefense, Vector};

/// Name of the phase of one vector at one intensity (requests per second).
pub fn attack_name(vector: Vector, intensity: u32) -> String {
    format!("{vector}@{intensity}")
}

/// The phase after `done`. The order does not hang on what was seen.
pub fn next_phase(p: &SpamDefense, done: &[PhaseRecord]) -> Option<Phase> {
    let attacks: Vec<(Vector, u32)> =
        p.vectors.iter().flat_map(|vector| p.intensities.iter().map(|rate| (*vector, *rate))).collect();
    match done.len() {
        0 => Some(phase(p, "base".into(), p.base_ms, None)),
        n if n <= attacks.len() => {
            let (vector, rate) = attacks[n - 1];
            Some(phase(p, attack_name(vector, rate), p.attack_ms, Some((vector, rate))))
        }
        n if n == attacks.len() + 1 => Some(phase(p, "recover".into(), p.recover_ms, None)),
        _ => None,
    }
}

fn phase(p: &SpamDefense, name: String, duration_ms: u32, attack: Option<(Vector, u32)>) -> Phase {
    let honest = |via| LanePlan { kind: LaneKind::Honest, via, count: count(p.honest_rate, duration_ms) };
    let mut lanes = vec![honest(Via::Candidate), honest(Via::Distant)];
    if let Some((vector, rate)) = attack {
        let count = count(rate, duration_ms);
        lanes.push(LanePlan { kind: vector.into(), via: Via::Candidate, count });
    }
    // The recovery begins with the end of the attack: no quiet time between them.
    let settle_ms = if attack.is_some() { 0 } else { p.settle_ms };
    Phase { name, duration_ms, settle_ms, twins: false, lanes }
}
