//! The plan of `spam-defense`: honest traffic alone, each vector at each intensity, honest alone.
//!
//! How much a node keeps of what cannot be executed is read from the chain, never from what it tells of its pool: a few
//! accounts of a future-nonce flood leave out their first nonce and offer more behind it than a node keeps for one
//! account. The phase after the flood sends the missing nonces, and what the node kept lands.

use super::{LaneKind, LanePlan, Phase, Via, count};
use crate::evidence::PhaseRecord;
use crate::trial::{SpamDefense, Vector};

/// Transactions that such an account offers behind its gap: three times what geth and Kaia keep (64 an account).
pub const BEHIND_GAP: u32 = 192;

/// Name of the phase of one vector at one intensity (requests per second).
pub fn attack_name(vector: Vector, intensity: u32) -> String {
    format!("{vector}@{intensity}")
}

/// Accounts that leave a gap to be filled, of `wanted` in a flood of `count` requests: each needs its share of the
/// flood. The other requests come from many accounts, whose gaps stay.
pub fn gapped(wanted: u32, count: u32) -> u32 {
    wanted.min(count / BEHIND_GAP)
}

/// The account and nonce of request `index` of a flood with so many such accounts; none for the other requests, which
/// come after theirs. The accounts take turns, each with rising nonces from 1.
pub fn behind_gap(accounts: u32, index: u32) -> Option<(u32, u64)> {
    let theirs = accounts.checked_mul(BEHIND_GAP).is_some_and(|all| index < all);
    theirs.then(|| (index % accounts, u64::from(index / accounts) + 1))
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
    fill_gaps(p, &mut phases);
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

/// The missing nonces go in through the distant control: through the candidate, a node that drops them would be one of
/// which nothing is known.
fn fill_gaps(p: &SpamDefense, phases: &mut [Phase]) {
    let flood = |phase: &Phase| {
        let lane = phase.lanes.iter().find(|lane| lane.kind == LaneKind::V08);
        lane.map_or(0, |lane| gapped(p.gapped_accounts, lane.count))
    };
    let gaps: Vec<u32> = phases.iter().map(flood).collect();
    for (phase, accounts) in phases.iter_mut().skip(1).zip(gaps).filter(|(_, accounts)| *accounts > 0) {
        phase.lanes.push(LanePlan::new(LaneKind::GapFill, Via::Distant, accounts));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(gapped_accounts: u32, vectors: &[Vector]) -> SpamDefense {
        SpamDefense {
            honest_rate: 1,
            horizon_blocks: 20,
            base_ms: 1_000,
            attack_ms: 4_000,
            settle_ms: 0,
            recover_ms: 1_000,
            intensities: vec![10, 50, 200],
            vectors: vectors.to_vec(),
            gapped_accounts,
            halt_ms: None,
        }
    }

    #[test]
    fn gaps_are_filled_in_the_phase_after_the_flood_that_is_large_enough_for_them() {
        let fills = |gapped_accounts, vectors: &[Vector]| -> Vec<(String, u32)> {
            let filled = |phase: &Phase| {
                let lane = phase.lanes.iter().find(|lane| lane.kind == LaneKind::GapFill)?;
                assert_eq!(lane.via, Via::Distant);
                Some((phase.name.clone(), lane.count))
            };
            phases(&plan(gapped_accounts, vectors)).iter().filter_map(filled).collect()
        };
        // 40, 200 and 800 requests.
        let [after_50, after_200] = [("V08@200".to_owned(), 1), ("recover".to_owned(), 3)];
        assert_eq!(fills(3, &[Vector::V01, Vector::V08]), [after_50.clone(), after_200]);
        assert_eq!(fills(3, &[Vector::V08, Vector::V01]), [after_50, ("V01@10".to_owned(), 3)]);
        assert_eq!(fills(0, &[Vector::V08]), []);
        assert_eq!(fills(3, &[Vector::V01]), []);
    }

    #[test]
    fn each_such_account_offers_its_share_with_rising_nonces_and_never_the_first() {
        assert_eq!([gapped(3, 191), gapped(3, 192), gapped(3, 10_000)], [0, 1, 3]);
        for accounts in 0..=4 {
            let places: Vec<_> = (0..1_000).map_while(|index| behind_gap(accounts, index)).collect();
            assert_eq!(places.len() as u32, accounts * BEHIND_GAP);
            for account in 0..accounts {
                let of_one = places.iter().filter(|(one, _)| *one == account).map(|(_, nonce)| *nonce);
                assert!(of_one.eq(1..=u64::from(BEHIND_GAP)));
            }
        }
        assert_eq!([behind_gap(0, 0), behind_gap(u32::MAX, 0)], [None, None]);
    }

    #[test]
    fn a_plan_without_gaps_is_written_as_it_was() {
        let text = serde_json::to_string(&plan(0, &[Vector::V08])).unwrap();
        assert!(!text.contains("gapped"), "{text}");
        let with = plan(2, &[Vector::V08]);
        assert_eq!(
            serde_json::from_str::<SpamDefense>(&serde_json::to_string(&with).unwrap()).unwrap(),
            with
        );
        assert_eq!(serde_json::from_str::<SpamDefense>(&text).unwrap(), plan(0, &[Vector::V08]));
    }
}
