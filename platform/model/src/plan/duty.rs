//! The plan of `duty`: the chain is watched at normal load, and the node probed now and then.

use serde::{Deserialize, Serialize};

use super::{LaneKind, LanePlan, Phase, Via, count};
use crate::trial::Faults;

/// The longest watch, milliseconds: six hours. Evidence of a longer one is too large to be verified; a day is four
/// windows.
const LONGEST_MS: u32 = 21_600_000;

/// Parameters of `duty` (MEASURE 2 e).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duty {
    /// Length of the watch, milliseconds.
    pub watch_ms: u32,
    /// One honest transaction goes in through the candidate every so often, milliseconds.
    pub probe_ms: u32,
    /// Honest transactions per second through the distant control, so that an empty block means something.
    pub calm_rate: u32,
    /// Blocks within which a transaction must land to count (H).
    pub horizon_blocks: u32,
    /// Turns of the candidate below which nothing is said about it.
    pub least_turns: u32,
    /// Time without a block anywhere after which the network stands still, milliseconds: three round timeouts.
    pub halt_ms: u32,
}

impl Duty {
    /// The rate, requests per second, that a ceiling must hold: at low rates two requests can leave at once, which a
    /// ceiling for the mere rate would hold back.
    pub(crate) fn peak_rate(&self) -> u32 {
        const TWO_AT_ONCE: u32 = 16;
        self.calm_rate.max(TWO_AT_ONCE)
    }

    pub(crate) fn check(&self, faults: &mut Faults) {
        faults.within("watch_ms", self.watch_ms, 10_000, LONGEST_MS);
        faults.within("probe_ms", self.probe_ms, 1_000, 3_600_000);
        faults.within("calm_rate", self.calm_rate, 0, 10);
        faults.within("horizon_blocks", self.horizon_blocks, 2, 100);
        faults.within("least_turns", self.least_turns, 1, 100_000);
        faults.within("halt_ms", self.halt_ms, 4_000, 600_000);
        faults.unless(
            self.probe_ms <= self.watch_ms,
            "probe_ms is longer than watch_ms: the candidate would never be probed",
        );
    }
}

/// The one phase.
pub fn phases(p: &Duty) -> Vec<Phase> {
    let probes = LanePlan::new(LaneKind::Honest, Via::Candidate, p.watch_ms / p.probe_ms.max(1));
    let calm = LanePlan::new(LaneKind::Honest, Via::Distant, count(p.calm_rate, p.watch_ms));
    vec![Phase {
        name: "watch".into(),
        duration_ms: p.watch_ms,
        settle_ms: 0,
        twins: false,
        lanes: vec![probes, calm],
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_hours_have_a_probe_a_minute() {
        let p = Duty {
            watch_ms: LONGEST_MS,
            probe_ms: 60_000,
            calm_rate: 1,
            horizon_blocks: 20,
            least_turns: 60,
            halt_ms: 30_000,
        };
        let [watch] = phases(&p).try_into().unwrap();
        assert_eq!(watch.lanes.iter().map(|lane| lane.count).collect::<Vec<_>>(), [360, 21_600]);
    }
}
