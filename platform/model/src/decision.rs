//! What reviewers decided about an operator, and on which publication.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::id::OperatorId;

/// What is to become of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Gets a seat.
    Admit,
    /// Gets a seat if one falls free.
    Waitlist,
    /// Gets none in this season.
    Reject,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Admit, Self::Waitlist, Self::Reject];

    /// As it stands in files, forms and addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admit => "admit",
            Self::Waitlist => "waitlist",
            Self::Reject => "reject",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Verdict {
    type Err = NoVerdict;

    fn from_str(text: &str) -> Result<Self, NoVerdict> {
        Self::ALL.into_iter().find(|verdict| verdict.as_str() == text).ok_or(NoVerdict)
    }
}

/// The text is no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no verdict: choose admit, waitlist or reject")]
pub struct NoVerdict;

/// A decision about one operator, on one publication, with a public reason. It is never changed:
/// a correction is a new decision that names the one it replaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Number in the season, from 1.
    pub number: u32,
    /// About whom.
    pub operator: OperatorId,
    /// What is to become of them.
    pub verdict: Verdict,
    /// Why, for everybody to read.
    pub reason: String,
    /// Number of the publication it was made on.
    pub publication: u32,
    /// Digest of that publication.
    pub digest: Digest,
    /// Who decided, by the name that the foundation gave them.
    pub reviewer: String,
    /// When, Unix milliseconds.
    pub decided_ms: u64,
    /// Number of the decision about the same operator that this one replaces.
    pub replaces: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_has_one_spelling() {
        for verdict in Verdict::ALL {
            assert_eq!(verdict.as_str().parse(), Ok(verdict));
            assert_eq!(serde_json::to_string(&verdict).unwrap(), format!("\"{verdict}\""));
        }
        assert_eq!("Admit".parse::<Verdict>(), Err(NoVerdict));
    }
}
