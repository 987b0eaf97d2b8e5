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
    /// Requests per second to the target that nothing may exceed in any second.
    pub ceiling: u32,
    /// The worker stops by itself after this time, milliseconds.
    pub lease_ms: u64,
}

/// From the platform to a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    /// Prepare this run: look at the nodes, fund the accounts. Answered by `ready` or `evidence`.
    Prepare(Box<Work>),
    /// Begin to measure.
    Go,
    /// Stop; hand in what there is.
    Stop {
        /// Why.
        consent_withdrawn: bool,
    },
}

/// From a worker to the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "kebab-case")]
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
    /// The run's record. The last line.
    Evidence(Box<Evidence>),
    /// The work cannot be done at all (bad frame, address not allowed). The last line.
    Refused {
        /// Why, with the remedy.
        why: String,
    },
}
