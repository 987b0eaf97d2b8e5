//! What a calibration runs: plans, and who is measured together.

use challenges::driver::{Driver, as_carried};
use model::plan::LaneKind;
use model::plan::duty::Duty;
use model::trial::{Door, SpamDefense, TrafficThroughput};
use model::{ChallengeKey, Parameters, Vector};

use crate::local_network::fault::{KINDS, Kind, Sight};
use crate::profile::Profile;

/// Nodes measured at once: more would be held up by a small machine instead of by their faults.
const TOGETHER: usize = 3;

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A node with this fault, and the parts that must see it.
    Faulty(Kind, &'static [&'static str]),
    /// A healthy node, by the number of its seed.
    Healthy(u32),
}

impl Subject {
    /// What it is called.
    pub fn name(self) -> String {
        match self {
            Self::Faulty(kind, _) => kind.name.to_owned(),
            Self::Healthy(seed) => format!("healthy {seed}"),
        }
    }
}

/// Runs of one challenge at the same time, each on a node of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// Which challenge.
    pub challenge: ChallengeKey,
    /// At most three.
    pub subjects: Vec<Subject>,
}

/// The rounds of a calibration with these faults: each beside a healthy node, then what is left of the healthy seeds. Of
/// some faults only the challenges that must see one.
pub fn rounds(driver: &dyn Driver, kinds: &[Kind], seeds: u32) -> Vec<Round> {
    let mut rounds = Vec::new();
    for challenge in [ChallengeKey::TrafficThroughput, ChallengeKey::SpamDefense, ChallengeKey::Duty] {
        if challenge.needs_validator() && !driver.tells_turns() {
            continue;
        }
        let faults: Vec<Subject> = kinds.iter().flat_map(|kind| faulty(driver, *kind, challenge)).collect();
        if faults.is_empty() && kinds.len() < KINDS.len() {
            continue;
        }
        // A validator that fails its turns slows the others' down: such faults are tried one at a time.
        let beside = if challenge.needs_validator() { 1 } else { TOGETHER - 1 };
        let mut healthy = (1..=seeds.max(1)).map(Subject::Healthy);
        for faults in faults.chunks(beside) {
            let subjects = faults.iter().copied().chain(healthy.next()).collect();
            rounds.push(Round { challenge, subjects });
        }
        // A watch over turns takes long: there the healthy ones beside the faults must do.
        let left: Vec<Subject> = if challenge.needs_validator() { vec![] } else { healthy.collect() };
        let left = left.chunks(TOGETHER).map(|subjects| Round { challenge, subjects: subjects.to_vec() });
        rounds.extend(left);
    }
    rounds
}

fn faulty(driver: &dyn Driver, kind: Kind, challenge: ChallengeKey) -> impl Iterator<Item = Subject> {
    kind.seen_by.iter().filter_map(move |sight| match sight {
        Sight::Parts(named, parts) if *named == challenge && not_run(driver, kind, *sight).is_none() => {
            Some(Subject::Faulty(kind, parts))
        }
        _ => None,
    })
}

/// The plan of a challenge, as far as the family carries it.
pub fn parameters(driver: &dyn Driver, challenge: ChallengeKey, quick: bool) -> Parameters {
    let parameters = match (challenge, quick) {
        (ChallengeKey::TrafficThroughput, true) => Parameters::TrafficThroughput(short_traffic()),
        (ChallengeKey::SpamDefense, true) => Parameters::SpamDefense(short_spam()),
        (ChallengeKey::Duty, true) => Parameters::Duty(short_duty()),
        (other, _) => Profile::Quick.parameters(other),
    };
    as_carried(driver, parameters)
}

fn short_traffic() -> TrafficThroughput {
    let door = Door {
        start_rate: 20,
        max_rate: 120,
        step_ms: 1_500,
        sustain_ms: 3_000,
        settle_ms: 200,
        bisections: 2,
        patience_ms: 250,
    };
    TrafficThroughput { pairs: 60, pair_rate: 10, horizon_blocks: 20, door, halt_ms: None }
}

/// One vector of each kind that a fault is about, so that each weighs enough in the accuracy.
fn short_spam() -> SpamDefense {
    SpamDefense {
        honest_rate: 10,
        horizon_blocks: 20,
        base_ms: 3_000,
        // 200 requests: enough for one account of V08 with a gap to be filled.
        attack_ms: 4_000,
        settle_ms: 200,
        recover_ms: 3_000,
        intensities: vec![50],
        vectors: vec![Vector::V01, Vector::V07, Vector::V08, Vector::V11, Vector::V20],
        gapped_accounts: 1,
        halt_ms: None,
    }
}

fn short_duty() -> Duty {
    Duty {
        watch_ms: 60_000,
        probe_ms: 3_000,
        calm_rate: 5,
        horizon_blocks: 20,
        least_turns: 5,
        halt_ms: 30_000,
    }
}

/// Why a sight is not tried on this family; none when it is.
pub fn not_run(driver: &dyn Driver, kind: Kind, sight: Sight) -> Option<String> {
    let blind = !driver.tells_turns();
    match sight {
        Sight::Parts(challenge, _) if challenge.needs_validator() && blind => {
            Some("this family does not tell whose turn a block was".into())
        }
        Sight::Parts(_, parts) => {
            let of = |vector: &Vector| parts.contains(&format!("defense.{vector}").as_str());
            let missing = Vector::ALL.into_iter().filter(of).find(|v| !driver.carries(LaneKind::from(*v)));
            missing.map(|vector| format!("this family has no {vector}"))
        }
        Sight::Finding(_) if !driver.carries(LaneKind::KeyChange) => {
            Some("this family's accounts have no keys that change".into())
        }
        Sight::Finding(_) => Some("what can stop a chain is not tried here: `localnet rehearse` does".into()),
        Sight::NetworkCheck if kind.name == "forged-proposer" && blind => {
            Some("this family's blocks name no proposer".into())
        }
        Sight::NetworkCheck => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use challenges::driver::of_family;

    #[test]
    fn every_fault_is_tried_by_each_that_must_see_it_beside_a_healthy_node() {
        for family in ["evm", "clique", "kaia", "cometbft"] {
            let driver = of_family(family).unwrap();
            let rounds = rounds(driver, &KINDS, 10);
            for kind in KINDS {
                for sight in kind.seen_by {
                    let Sight::Parts(challenge, parts) = *sight else { continue };
                    let tried = rounds.iter().filter(|round| round.challenge == challenge);
                    let tried = tried.filter(|round| round.subjects.contains(&Subject::Faulty(kind, parts)));
                    let expected = not_run(driver, kind, *sight).is_none();
                    assert_eq!(tried.count(), usize::from(expected), "{} on {family}", kind.name);
                }
            }
            for round in &rounds {
                assert!((1..=TOGETHER).contains(&round.subjects.len()));
                assert!(round.subjects.iter().any(|one| matches!(one, Subject::Healthy(_))), "{round:?}");
            }
            let seeds = |challenge| {
                let of = rounds.iter().filter(|round| round.challenge == challenge);
                of.flat_map(|round| &round.subjects).filter(|one| matches!(one, Subject::Healthy(_))).count()
            };
            assert_eq!(seeds(ChallengeKey::SpamDefense), 10);
            assert_eq!(seeds(ChallengeKey::TrafficThroughput), 10);
        }
    }

    #[test]
    fn a_fault_alone_is_tried_by_those_that_must_see_it_beside_as_many_healthy_seeds() {
        let queue = KINDS.into_iter().find(|kind| kind.name == "no-queue-cap").unwrap();
        let rounds = rounds(of_family("clique").unwrap(), &[queue], 3);
        let subjects: Vec<String> = rounds.iter().flat_map(|r| &r.subjects).map(|one| one.name()).collect();
        assert_eq!(subjects, ["no-queue-cap", "healthy 1", "healthy 2", "healthy 3"]);
        assert!(rounds.iter().all(|round| round.challenge == ChallengeKey::SpamDefense));
    }

    #[test]
    fn the_short_plan_fills_a_gap() {
        let Parameters::SpamDefense(p) =
            parameters(of_family("clique").unwrap(), ChallengeKey::SpamDefense, true)
        else {
            panic!("spam")
        };
        let fills =
            |phase: &model::plan::Phase| phase.lanes.iter().any(|lane| lane.kind == LaneKind::GapFill);
        assert!(model::plan::spam_defense::phases(&p).iter().any(fills));
    }

    #[test]
    fn plans_are_possible_and_those_that_are_not_run_say_why() {
        let driver = of_family("evm").unwrap();
        for challenge in ChallengeKey::ALL {
            for quick in [true, false] {
                assert_eq!(parameters(driver, challenge, quick).faults(), Vec::<String>::new());
            }
        }
        let kaia = of_family("kaia").unwrap();
        let why = |name: &str| {
            let kind = KINDS.into_iter().find(|kind| kind.name == name).unwrap();
            kind.seen_by.iter().map(|sight| not_run(kaia, kind, *sight)).collect::<Vec<_>>()
        };
        assert!(why("no-price-bump")[0].as_ref().unwrap().contains("no V11"));
        assert_eq!(why("delay"), [None]);
        assert_eq!(why("forged-proposer"), [None]);
    }
}
