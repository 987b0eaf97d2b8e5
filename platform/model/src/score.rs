//! A score, which is the sum of its parts.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// Thousandths of a point.
pub type Points = i64;

/// Full marks of a trial.
pub const FULL: Points = 100_000;

/// One explained contribution to a score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Rule of the rulebook, for example `ingress.delay` or `defense.V08`.
    pub rule: String,
    /// What was seen; none when it was not observed, which earns the floor.
    pub observed: Option<i64>,
    /// Unit of `observed`, for example `us`, `per mille`, `requests/s`.
    pub unit: String,
    /// Points earned, thousandths.
    pub points: Points,
    /// Points that full marks would be, thousandths.
    pub of: Points,
    /// What the observation was made of: name and value, for example `U` in per mille.
    pub factors: Vec<(String, i64)>,
    /// Digest of the evidence.
    pub evidence: Digest,
}

/// Points of one run, with the reason for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// Sum of the parts, thousandths of a point.
    pub points: Points,
    /// The parts.
    pub parts: Vec<Part>,
}

impl Score {
    /// The sum of these parts.
    pub fn of(parts: Vec<Part>) -> Self {
        Self { points: parts.iter().map(|part| part.points).sum(), parts }
    }
}
