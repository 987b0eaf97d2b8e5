//! The plan of `key-change`, the case of 2021: among honest traffic, accounts change their keys twice in one block.

use serde::{Deserialize, Serialize};

use super::{LaneKind, LanePlan, Phase, Via, count};
use crate::trial::Faults;

/// Parameters of `key-change` (hazard: chain). In Klaytn 1.7.0 the second change of a key in one block altered the
/// first one's transaction in the proposer's memory; its block was then refused by everybody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyChange {
    /// Honest transactions per second through the candidate, and as many through the distant control.
    pub honest_rate: u32,
    /// Blocks within which a transaction must land to count (H).
    pub horizon_blocks: u32,
    /// Honest traffic alone before the first change, milliseconds.
    pub calm_ms: u32,
    /// Bursts of key changes through each of the candidate, a control, the distant control, and whoever has the next
    /// turn.
    pub bursts: u32,
    /// Time from one burst to the next, milliseconds: less than a block's, so that no proposer is left out.
    pub burst_ms: u32,
    /// Accounts of one burst, each of which changes its key twice.
    pub accounts: u32,
    /// Honest traffic alone after the last change, milliseconds.
    pub recover_ms: u32,
    /// Time without a block anywhere after which the network stands still, milliseconds: three round timeouts.
    pub halt_ms: u32,
}

impl KeyChange {
    /// Length of the storm, milliseconds.
    pub fn storm_ms(&self) -> u32 {
        self.bursts.saturating_mul(self.burst_ms)
    }

    pub(crate) fn check(&self, faults: &mut Faults) {
        faults.within("honest_rate", self.honest_rate, 1, 100);
        faults.within("horizon_blocks", self.horizon_blocks, 2, 100);
        faults.within("calm_ms", self.calm_ms, 1_000, 900_000);
        faults.within("bursts", self.bursts, 1, 10_000);
        faults.within("burst_ms", self.burst_ms, 100, 60_000);
        faults.within("accounts", self.accounts, 1, 50);
        faults.within("recover_ms", self.recover_ms, 1_000, 900_000);
        faults.within("halt_ms", self.halt_ms, 4_000, 600_000);
        let changes = u64::from(self.bursts) * u64::from(self.accounts) * 2;
        faults.unless(changes <= 20_000, "bursts x accounts is above 10000: choose fewer of either");
        faults.unless(
            u64::from(self.bursts) * u64::from(self.burst_ms) <= 3_600_000,
            "bursts x burst_ms is above an hour: choose fewer bursts",
        );
    }

    /// The rate, requests per second, that a ceiling must hold for a burst to leave at once: more than is sent in any
    /// second. A ceiling lets a quarter of its rate go at once, and twice that through all nodes, whose four bursts
    /// can meet, three of them at one node.
    pub(crate) fn peak_rate(&self) -> u32 {
        let size = self.accounts.saturating_mul(2);
        let bursts = 1_000_u32.div_ceil(self.burst_ms.max(1)) + 1;
        // The control and the distant control may be one node, and have the next turn.
        let in_a_second = self.honest_rate.saturating_add(size.saturating_mul(3).saturating_mul(bursts));
        in_a_second.max(size.saturating_mul(12).saturating_add(self.honest_rate.saturating_mul(4)))
    }
}

/// Calm, storm, recovery.
pub fn phases(p: &KeyChange) -> Vec<Phase> {
    let honest = |duration_ms| {
        [Via::Candidate, Via::Distant]
            .map(|via| LanePlan::new(LaneKind::Honest, via, count(p.honest_rate, duration_ms)))
    };
    let phase = |name: &str, duration_ms, lanes| Phase {
        name: name.into(),
        duration_ms,
        settle_ms: 0,
        twins: false,
        lanes,
    };
    let size = p.accounts.saturating_mul(2);
    let changes = [Via::Candidate, Via::Control, Via::Distant, Via::Next].map(|via| LanePlan {
        burst: size,
        ..LanePlan::new(LaneKind::KeyChange, via, p.bursts.saturating_mul(size))
    });
    vec![
        phase("calm", p.calm_ms, honest(p.calm_ms).into()),
        phase("storm", p.storm_ms(), honest(p.storm_ms()).into_iter().chain(changes).collect()),
        phase("recovery", p.recover_ms, honest(p.recover_ms).into()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Seed;

    fn parameters() -> KeyChange {
        KeyChange {
            honest_rate: 5,
            horizon_blocks: 20,
            calm_ms: 5_000,
            bursts: 40,
            burst_ms: 700,
            accounts: 8,
            recover_ms: 5_000,
            halt_ms: 30_000,
        }
    }

    #[test]
    fn a_burst_leaves_at_once_and_bursts_are_spread() {
        let phases = phases(&parameters());
        let storm = &phases[1];
        let seed = Seed::from_number(1);
        let instants = storm.instants(2, &seed);
        assert_eq!(instants.len(), 40 * 16);
        assert!(instants.is_sorted());
        for (number, burst) in (0_u64..).zip(instants.chunks(16)) {
            let [first, .., last] = burst else { panic!("a burst of one") };
            assert!((number * 700_000..(number + 1) * 700_000).contains(first));
            assert!(last - first < 20_000, "so that one block takes them all");
        }
        assert_ne!(instants, storm.instants(3, &seed), "each node has instants of its own");
    }

    #[test]
    fn the_peak_holds_in_every_second() {
        let p = parameters();
        let storm = &phases(&p)[1];
        for number in 0..20 {
            let seed = Seed::from_number(number);
            // Through the candidate, through the two controls, which may be one node; either may have the next turn.
            for lanes in [&[2, 5][..], &[3, 4, 5]] {
                let instants: Vec<u64> = lanes.iter().flat_map(|lane| storm.instants(*lane, &seed)).collect();
                let most = instants
                    .iter()
                    .map(|from| instants.iter().filter(|at| (*from..from + 1_000_000).contains(at)).count());
                assert!(most.max().unwrap() as u32 + p.honest_rate <= p.peak_rate(), "lanes {lanes:?}");
            }
        }
    }
}
