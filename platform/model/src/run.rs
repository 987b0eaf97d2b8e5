//! One trial on one operator's node in one window.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::draw::Seed;
use crate::id::{OperatorId, TrialId};

/// Which run, and which attempt at it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunKey {
    /// Window, from 1.
    pub window: u32,
    /// Trial.
    pub trial: TrialId,
    /// Whose node.
    pub operator: OperatorId,
    /// Attempt, from 1; a void run is drawn again under the next number.
    pub attempt: u32,
}

impl RunKey {
    /// The run's seed under the season's: another attempt draws other accounts and instants.
    pub fn seed(&self, season: &Seed) -> Seed {
        season.derive(&format!("run {self}"))
    }
}

/// `w01.TRIAL.OPERATOR.1`: the run's name in files and pages.
impl fmt::Display for RunKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("w{:02}.{}.{}.{}", self.window, self.trial, self.operator, self.attempt))
    }
}

/// What became of a run. Only what is measured or cut counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunState {
    /// Measured to its end.
    Measured,
    /// Ended early by the operator's side; counts, and what was not observed earns its floor.
    Cut(CutCause),
    /// Not the operator's doing; does not count and is drawn again.
    Void(VoidCause),
}

impl RunState {
    /// Whether the run counts for its operator.
    pub fn counts(self) -> bool {
        !matches!(self, Self::Void(_))
    }
}

/// Why a run was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CutCause {
    /// The node did not answer, or answered for another chain.
    NodeDown,
    /// The operator withdrew consent.
    ConsentWithdrawn,
    /// Touchstone stopped to protect the node or the network.
    ProtectiveStop,
}

/// Why a run is void.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VoidCause {
    /// Touchstone's own fault.
    Ours,
    /// The network stood still.
    Network,
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Measured => "measured",
            Self::Cut(CutCause::NodeDown) => "cut (node down)",
            Self::Cut(CutCause::ConsentWithdrawn) => "cut (consent withdrawn)",
            Self::Cut(CutCause::ProtectiveStop) => "cut (protective stop)",
            Self::Void(VoidCause::Ours) => "void (ours)",
            Self::Void(VoidCause::Network) => "void (network)",
        })
    }
}
