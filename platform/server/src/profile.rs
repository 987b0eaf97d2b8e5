//! Parameters of the challenges for people who do not set their own.

use clap::ValueEnum;
use model::trial::{Door, SpamDefense, TrafficThroughput};
use model::{ChallengeKey, Parameters, Vector};
use serde::Deserialize;

/// How thorough a challenge is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// About a minute: for a first look and for tests.
    Quick,
    /// Long enough for the statistics: 460 honest transactions and more a phase (MEASURE 2 d).
    Full,
}

impl Profile {
    /// The parameters of a challenge.
    pub fn parameters(self, challenge: ChallengeKey) -> Parameters {
        match (challenge, self) {
            (ChallengeKey::TrafficThroughput, Self::Quick) => Parameters::TrafficThroughput(quick_traffic()),
            (ChallengeKey::TrafficThroughput, Self::Full) => Parameters::TrafficThroughput(full_traffic()),
            (ChallengeKey::SpamDefense, Self::Quick) => Parameters::SpamDefense(quick_spam()),
            (ChallengeKey::SpamDefense, Self::Full) => Parameters::SpamDefense(full_spam()),
        }
    }
}

fn quick_traffic() -> TrafficThroughput {
    let door = Door {
        start_rate: 20,
        max_rate: 600,
        step_ms: 1_500,
        sustain_ms: 3_000,
        settle_ms: 300,
        bisections: 3,
        patience_ms: 250,
    };
    TrafficThroughput { pairs: 100, pair_rate: 20, horizon_blocks: 20, door }
}

fn full_traffic() -> TrafficThroughput {
    let door = Door {
        start_rate: 50,
        max_rate: 4_000,
        step_ms: 30_000,
        sustain_ms: 600_000,
        settle_ms: 5_000,
        bisections: 4,
        patience_ms: 250,
    };
    TrafficThroughput { pairs: 600, pair_rate: 10, horizon_blocks: 20, door }
}

fn quick_spam() -> SpamDefense {
    SpamDefense {
        honest_rate: 20,
        horizon_blocks: 20,
        base_ms: 5_000,
        attack_ms: 5_000,
        settle_ms: 500,
        recover_ms: 6_000,
        intensities: vec![200],
        vectors: Vector::ALL.to_vec(),
    }
}

fn full_spam() -> SpamDefense {
    SpamDefense {
        honest_rate: 20,
        horizon_blocks: 20,
        base_ms: 30_000,
        attack_ms: 30_000,
        settle_ms: 2_000,
        recover_ms: 80_000,
        intensities: vec![50, 200, 1_000],
        vectors: Vector::ALL.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_possible() {
        for challenge in [ChallengeKey::TrafficThroughput, ChallengeKey::SpamDefense] {
            for profile in [Profile::Quick, Profile::Full] {
                assert_eq!(profile.parameters(challenge).faults(), Vec::<String>::new());
            }
        }
    }
}
