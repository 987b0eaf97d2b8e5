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
    /// Round it was agreed on in, from 0.
    pub round: u32,
    /// Whose turns failed: the proposers of the rounds 0 to `round` - 1, in order, without those barred. With them
    /// shorter than `round` where it is not known of all of them.
    pub failed: Vec<String>,
    /// Whose turns a rule of the chain gave to others, so that nobody failed in them: under clique, who made a block so
    /// lately that it may not make another yet, or may have, on a branch that lost; on Kaia, who made the block in an
    /// earlier round, from which another handed it on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub barred: Vec<String>,
    /// Members of the committee whose vote is not in the certificate; none where the chain has no votes. One absence is
    /// no fault: the certificate is a first quorum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent: Option<Vec<String>>,
}

impl Turn {
    /// Every validator that it names, some of them twice.
    pub fn named(&self) -> impl Iterator<Item = &String> {
        let absent = self.absent.iter().flatten();
        self.failed.iter().chain(&self.barred).chain(absent).chain([&self.proposer])
    }

    /// Rounds before this one of which it is not known whose they were.
    pub fn unknown(&self) -> u64 {
        u64::from(self.round).saturating_sub((self.failed.len() + self.barred.len()) as u64)
    }
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
