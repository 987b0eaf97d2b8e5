//! What the platform and a worker say to each other: one JSON value a line, each way.

use serde::{Deserialize, Serialize};

use crate::draw::Seed;
use crate::evidence::Evidence;
use crate::run::RunKey;
use crate::season::Network;
use crate::trial::Parameters;

/// Longest line from the platform, bytes.
pub const MAX_COMMAND_BYTES: usize = 1 << 20;
/// Longest line from a worker, bytes: evidence of a long run is some megabytes.
pub const MAX_REPORT_BYTES: usize = 256 << 20;

/// A node as a worker reaches it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// `http://IP:PORT`.
    pub rpc: String,
    /// Its validator on the chain, where the season names one.
    #[serde(default)]
    pub validator: Option<String>,
}

/// One run to be measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Work {
    /// Which run.
    pub run: RunKey,
    /// Its seed.
    pub seed: Seed,
    /// What to send.
    pub parameters: Parameters,
    /// The chain that everybody must be on.
    pub network: Network,
    /// The node under test.
    pub target: Endpoint,
    /// Read-only node that tells about the chain; none: the target tells about itself.
    pub reference: Option<Endpoint>,
    /// Controls other than the target; the last one is the distant one. Empty: the target stands in.
    pub controls: Vec<Endpoint>,
    /// Validators of the season's controls and of its reference: a challenge that can harm the chain runs only while these hold more than
    /// two thirds of every committee.
    #[serde(default)]
    pub healthy: Vec<String>,
    /// Requests per second to the target that nothing may exceed in any second.
    pub ceiling: u32,
    /// The worker stops by itself after this time, milliseconds, unless it is told to go on.
    pub lease_ms: u64,
}

/// From the platform to a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// Prepare this run: look at the nodes, fund the accounts. Answered by `ready` or `evidence`.
    Prepare(Box<Work>),
    /// Begin to measure.
    Go,
    /// Go on: the lease lasts so long from now.
    Renew {
        /// Milliseconds.
        lease_ms: u64,
    },
    /// Stop; hand in what there is.
    Stop {
        /// Why.
        consent_withdrawn: bool,
    },
}

/// From a worker to the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Report {
    /// Accounts are funded; waiting for `go`.
    Ready,
    /// Where the run is.
    Progress {
        /// Phase, or what is being prepared.
        phase: String,
        /// Phases done.
        done: u32,
        /// Requests answered so far.
        answered: u64,
        /// Transactions landed so far.
        landed: u64,
    },
    /// No block anywhere for so long: a halt is suspected, which the run declares if it lasts.
    HaltSuspected {
        /// The head at which everybody stands.
        head: u64,
        /// Time without a block, milliseconds.
        after_ms: u64,
    },
    /// The run's record. The last line.
    Evidence(Box<Evidence>),
    /// The work cannot be done at all (bad frame, address not allowed). The last line.
    Refused {
        /// Why, with the remedy.
        why: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Ended, Observer, SelfCheck};
    use crate::histogram::Histogram;
    use crate::trial::SpamDefense;

    /// Maps with number keys do not survive every way of writing an enum.
    #[test]
    fn evidence_comes_through_the_protocol_whole() {
        let parameters = Parameters::SpamDefense(SpamDefense {
            honest_rate: 1,
            horizon_blocks: 2,
            base_ms: 1_000,
            attack_ms: 1_000,
            settle_ms: 0,
            recover_ms: 1_000,
            intensities: vec![1],
            vectors: vec![crate::trial::Vector::V01],
            gapped_accounts: 0,
            halt_ms: None,
        });
        let seed = Seed::from_number(1);
        let run = RunKey {
            window: 1,
            trial: "spam".parse().unwrap(),
            operator: "alpha".parse().unwrap(),
            attempt: 1,
        };
        let network = Network { family: "evm".into(), chain_id: 1, genesis: "0x0".into(), incarnation: 1 };
        let histogram = Histogram::from_buckets([(4_735, 3)]);
        let evidence = Evidence {
            schema: Evidence::SCHEMA,
            run,
            seed,
            plan: crate::plan::plan_digest(&parameters, &seed),
            parameters,
            network,
            observer: Observer::Reference,
            validator: None,
            client: "x".into(),
            started_ms: 1,
            block_interval_us: 1,
            phases: vec![],
            blocks: vec![],
            committees: vec![],
            heads: vec![],
            partings: vec![],
            self_check: SelfCheck { lag_us: histogram, ..SelfCheck::default() },
            ended: Ended::Completed,
        };
        let report = Report::Evidence(Box::new(evidence));
        let line = crate::digest::canonical_json(&report);
        assert_eq!(serde_json::from_slice::<Report>(&line).unwrap(), report);
    }
}
