//! What an API token allows, and until when.

use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// Longest life of a token, days.
pub const MOST_DAYS: u32 = 366;

const DAY_MS: u64 = 24 * 3600 * 1000;

/// What a token may be used for; each also reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// See what the account may see
    Read,
    /// Act as an operator: nodes, rehearsals
    Operate,
    /// Act as a reviewer, where the account is one
    Review,
}

impl Scope {
    /// All.
    pub const ALL: [Self; 3] = [Self::Read, Self::Operate, Self::Review];

    /// Whether a token of this scope may do what needs `needed`.
    pub fn allows(self, needed: Self) -> bool {
        needed == Self::Read || self == needed
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Review => "review",
        })
    }
}

/// The text is no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no such scope: choose read, operate or review")]
pub struct NotAScope;

impl FromStr for Scope {
    type Err = NotAScope;

    fn from_str(text: &str) -> Result<Self, NotAScope> {
        Self::ALL.into_iter().find(|scope| scope.to_string() == text).ok_or(NotAScope)
    }
}

/// Why a token does not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// Its time is over.
    #[error("the token has expired: get a new one with `touchstone login`")]
    Expired,
    /// It was given for something else.
    #[error(
        "the token's scope is {has}, and this needs {needed}: get one with `touchstone login --scope {needed}`"
    )]
    Scope {
        /// What it was given for.
        has: Scope,
        /// What is asked.
        needed: Scope,
    },
    /// Asked to live for ever, or not at all.
    #[error("a token lives 1 to {MOST_DAYS} days, not {0}: choose a number of days between")]
    Days(u32),
}

/// What is kept of a token beside its hash, as far as it decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// What it may be used for.
    pub scope: Scope,
    /// From when on it is void, Unix milliseconds.
    pub expires_ms: u64,
}

impl Terms {
    /// The terms of a token made now, to live some days.
    ///
    /// # Errors
    /// [`TokenFault::Days`].
    pub fn new(scope: Scope, days: u32, now_ms: u64) -> Result<Self, TokenFault> {
        if !(1..=MOST_DAYS).contains(&days) {
            return Err(TokenFault::Days(days));
        }
        Ok(Self { scope, expires_ms: now_ms.saturating_add(u64::from(days) * DAY_MS) })
    }

    /// Whether the token may do, now, what needs `needed`.
    ///
    /// # Errors
    /// [`TokenFault::Expired`] or [`TokenFault::Scope`].
    pub fn check(&self, needed: Scope, now_ms: u64) -> Result<(), TokenFault> {
        if now_ms >= self.expires_ms {
            return Err(TokenFault::Expired);
        }
        if !self.scope.allows(needed) {
            return Err(TokenFault::Scope { has: self.scope, needed });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_as_they_are_written() {
        for scope in Scope::ALL {
            assert_eq!(scope.to_string().parse(), Ok(scope));
            assert_eq!(serde_json::to_string(&scope).unwrap(), format!("\"{scope}\""));
            assert_eq!(scope.to_possible_value().unwrap().get_name(), scope.to_string());
        }
        for odd in ["", "Read", "read ", "admin", "read,operate"] {
            assert_eq!(odd.parse::<Scope>(), Err(NotAScope), "{odd}");
        }
    }

    #[test]
    fn every_scope_reads_and_none_does_the_others_work() {
        for has in Scope::ALL {
            for needed in Scope::ALL {
                let terms = Terms::new(has, 1, 0).unwrap();
                let allowed = needed == Scope::Read || has == needed;
                assert_eq!(terms.check(needed, 0).is_ok(), allowed, "{has} {needed}");
            }
        }
    }

    #[test]
    fn a_token_ends_with_its_last_millisecond() {
        let terms = Terms::new(Scope::Operate, 30, 1_000).unwrap();
        assert_eq!(terms.expires_ms, 1_000 + 30 * 86_400_000);
        assert_eq!(terms.check(Scope::Operate, terms.expires_ms - 1), Ok(()));
        assert_eq!(terms.check(Scope::Operate, terms.expires_ms), Err(TokenFault::Expired));
        assert_eq!(terms.check(Scope::Review, u64::MAX), Err(TokenFault::Expired));
    }

    #[test]
    fn a_life_has_bounds() {
        assert!(Terms::new(Scope::Read, 1, 0).is_ok() && Terms::new(Scope::Read, MOST_DAYS, 0).is_ok());
        for days in [0, MOST_DAYS + 1, u32::MAX] {
            assert_eq!(Terms::new(Scope::Read, days, 0), Err(TokenFault::Days(days)));
        }
        assert_eq!(Terms::new(Scope::Read, 1, u64::MAX).unwrap().expires_ms, u64::MAX);
    }
}
