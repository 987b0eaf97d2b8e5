//! Whose turn a block was, and who voted for it.

use serde::{Deserialize, Serialize};

/// Who made a block, in which round, whose turns failed before, and whose vote its certificate lacks: worked out
/// from the block's seals and the chain's rotation, so that a node that tells something else is found out.
/// Validators are named as the chain writes them (address in lower-case hexadecimal, `0x` where the chain has it).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// Who made the block.
    pub proposer: String,
    /// Round it was made in, from 0.
    pub round: u32,
    /// Whose turns failed: the proposers of the rounds 0 to `round` - 1, in order. Shorter than `round` where the
    /// rotation cannot be worked out for all of them.
    pub failed: Vec<String>,
    /// Members of the committee whose vote is not in the certificate. One absence is no fault: the certificate is
    /// a first quorum.
    pub absent: Vec<String>,
}

/// The validators who could propose and vote, from a height on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Committee {
    /// First height for which it holds.
    pub height: u64,
    /// Its members, in the chain's order.
    pub members: Vec<String>,
}
