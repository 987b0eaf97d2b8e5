//! What reviewers decide on a publication.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is decided about one operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Gets a seat.
    Admit,
    /// Gets the next seat that falls free.
    Waitlist,
    /// Gets none.
    Reject,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Admit => "admit",
            Self::Waitlist => "waitlist",
            Self::Reject => "reject",
        })
    }
}
