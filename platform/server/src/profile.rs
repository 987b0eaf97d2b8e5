//! Parameters of the challenges for people who do not set their own.

use clap::ValueEnum;
use model::plan::duty::Duty;
use model::plan::key_change::KeyChange;
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
            (ChallengeKey::Duty, Self::Quick) => Parameters::Duty(quick_duty()),
            (ChallengeKey::Duty, Self::Full) => Parameters::Duty(full_duty()),
            (ChallengeKey::KeyChange, Self::Quick) => Parameters::KeyChange(quick_key_change()),
            (ChallengeKey::KeyChange, Self::Full) => Parameters::KeyChange(full_key_change()),
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
    TrafficThroughput { pairs: 100, pair_rate: 20, horizon_blocks: 20, door, halt_ms: None }
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
    TrafficThroughput { pairs: 600, pair_rate: 10, horizon_blocks: 20, door, halt_ms: None }
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
        gapped_accounts: 3,
        halt_ms: None,
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
        // A thousand batches a second are 50 MB/s: that would measure the machine.
        vectors: Vector::ALL.into_iter().filter(|vector| *vector != Vector::V20).collect(),
        gapped_accounts: 3,
        halt_ms: None,
    }
}

/// Three round timeouts of Kaia, whose round takes 10 s; clique and CometBFT go on sooner.
const HALT_MS: u32 = 30_000;

/// Twelve turns of each of seven validators at a block a second; six where one of them fails all of its own.
pub(crate) fn quick_duty() -> Duty {
    Duty {
        watch_ms: 90_000,
        probe_ms: 3_000,
        calm_rate: 5,
        horizon_blocks: 20,
        least_turns: 5,
        halt_ms: HALT_MS,
    }
}

/// Six hours, with a probe a minute (MEASURE 2 e).
fn full_duty() -> Duty {
    Duty {
        watch_ms: 21_600_000,
        probe_ms: 60_000,
        calm_rate: 1,
        horizon_blocks: 20,
        least_turns: 60,
        halt_ms: HALT_MS,
    }
}

/// Six turns of each of seven validators while keys change; two and a half where one turn of a rotation fails.
///
/// No more changes than each block needs: the more there are, the more blocks a node with the fault of 2021 alters and
/// hands on, and once it had three of seven refuse the same good block, which stopped the chain (seen with 17 pairs a
/// second on two cores).
pub(crate) fn quick_key_change() -> KeyChange {
    KeyChange {
        honest_rate: 5,
        horizon_blocks: 20,
        calm_ms: 5_000,
        bursts: 50,
        burst_ms: 900,
        accounts: 2,
        recover_ms: 10_000,
        halt_ms: HALT_MS,
    }
}

fn full_key_change() -> KeyChange {
    KeyChange { bursts: 500, calm_ms: 30_000, recover_ms: 60_000, ..quick_key_change() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_possible() {
        for challenge in ChallengeKey::ALL {
            for profile in [Profile::Quick, Profile::Full] {
                assert_eq!(profile.parameters(challenge).faults(), Vec::<String>::new());
            }
        }
    }
}
