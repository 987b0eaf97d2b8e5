//! How far a season and its operators have come, and which step may follow which.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How far a season has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Being written; nobody can apply.
    Draft,
    /// Operators apply, prove and rehearse.
    Open,
    /// Frozen, and measured.
    Trials,
    /// Measured; reviewers decide, operators appeal.
    Review,
    /// The admission list stands.
    Published,
    /// Kept to be read.
    Archived,
    /// All clocks stand still; it goes on where it was.
    Suspended,
}

impl Stage {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Draft,
        Self::Open,
        Self::Trials,
        Self::Review,
        Self::Published,
        Self::Archived,
        Self::Suspended,
    ];

    /// Whether a season may go from this stage to `to`. `resumes` is the stage that a suspended
    /// season was in.
    pub fn may_become(self, to: Self, resumes: Option<Self>) -> bool {
        use Stage::{Archived, Draft, Open, Published, Review, Suspended, Trials};
        match (self, to) {
            (Draft, Open) | (Open, Trials) | (Trials, Review) | (Review, Published) => true,
            (Published, Archived) | (Open | Trials | Review, Suspended) => true,
            (Suspended, back) => resumes == Some(back),
            _ => false,
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Draft => "draft",
            Self::Open => "open",
            Self::Trials => "trials",
            Self::Review => "review",
            Self::Published => "published",
            Self::Archived => "archived",
            Self::Suspended => "suspended",
        })
    }
}

/// How far an operator has come in a season.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Asked to take part.
    Applied,
    /// Proved its node.
    Verified,
    /// Takes part.
    Competing,
    /// Left by its own will.
    Withdrawn,
    /// Put out by the foundation.
    Barred,
}

impl Standing {
    /// Whether an operator may go from this standing to `to`. Whoever left, or was put out and
    /// heard, begins again.
    pub fn may_become(self, to: Self) -> bool {
        use Standing::{Applied, Barred, Competing, Verified, Withdrawn};
        matches!(
            (self, to),
            (Applied, Verified)
                | (Verified, Competing)
                | (Applied | Verified | Competing, Withdrawn | Barred)
                | (Withdrawn, Applied | Barred)
                | (Barred, Applied)
        )
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Applied => "applied",
            Self::Verified => "verified",
            Self::Competing => "competing",
            Self::Withdrawn => "withdrawn",
            Self::Barred => "barred",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_season_goes_forward_step_by_step() {
        for (at, from) in Stage::ALL.iter().enumerate() {
            let next: Vec<_> = Stage::ALL.iter().filter(|to| from.may_become(**to, None)).collect();
            let forward = next.iter().filter(|to| **to != &Stage::Suspended);
            assert!(
                forward.eq(Stage::ALL.get(at + 1).filter(|to| **to != Stage::Suspended).iter()),
                "{from}"
            );
        }
    }

    #[test]
    fn a_suspended_season_goes_back_to_where_it_was() {
        for stage in [Stage::Open, Stage::Trials, Stage::Review] {
            assert!(stage.may_become(Stage::Suspended, None), "{stage}");
            let back: Vec<_> =
                Stage::ALL.iter().filter(|to| Stage::Suspended.may_become(**to, Some(stage))).collect();
            assert_eq!(back, [&stage]);
        }
        assert!(!Stage::Draft.may_become(Stage::Suspended, None));
        assert!(!Stage::Published.may_become(Stage::Suspended, None));
    }

    #[test]
    fn nobody_competes_without_being_verified() {
        assert!(!Standing::Applied.may_become(Standing::Competing));
        assert!(!Standing::Barred.may_become(Standing::Competing));
        assert!(Standing::Verified.may_become(Standing::Competing));
        assert!(Standing::Competing.may_become(Standing::Withdrawn));
        assert!(!Standing::Competing.may_become(Standing::Competing));
    }
}
