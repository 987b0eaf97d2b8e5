//! Places, with how sure they are.

use serde::{Deserialize, Serialize};

use crate::id::{OperatorId, TrialId};
use crate::score::Points;

/// Where an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Measured often enough for a place.
    Ranked,
    /// Measured, but too seldom for a place.
    Provisional,
    /// Too little seen for a number.
    Unrated,
    /// A finding (fork, crash, invalid transaction included) bars it, whatever its points.
    Barred,
}

/// One operator's mean in one trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialMean {
    /// The trial.
    pub trial: TrialId,
    /// Mean over windows that count, thousandths of a point; none without one.
    pub mean: Option<Points>,
    /// Windows that count.
    pub windows: u32,
}

/// The line an operator has in the ranking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Who.
    pub operator: OperatorId,
    /// Where it stands.
    pub status: Status,
    /// 1 + the number of those who are certainly better; none unless ranked.
    pub place: Option<u32>,
    /// Lowest and highest place, 95 % for this operator alone.
    pub range: Option<(u32, u32)>,
    /// Lowest and highest place, 95 % for all operators at once.
    pub range_all: Option<(u32, u32)>,
    /// Weighted mean of the trials, thousandths of a point; none when unrated.
    pub total: Option<Points>,
    /// 95 % interval of the total, thousandths of a point.
    pub interval: Option<(Points, Points)>,
    /// Spread between windows as used for the interval (s*), thousandths of a point.
    pub spread: Option<Points>,
    /// Windows that count, the fewest over trials.
    pub windows: u32,
    /// Runs that were cut; they count.
    pub cuts: u32,
    /// Runs that were void; they do not count.
    pub voids: u32,
    /// By trial.
    pub trials: Vec<TrialMean>,
    /// What seats go by, thousandths of a point; none unless ranked.
    pub seat_key: Option<Points>,
    /// Chance of a seat, per mille; none unless ranked.
    pub seat_chance: Option<u32>,
    /// Within the announced lottery about the line.
    pub lottery: bool,
    /// Findings, in words.
    pub findings: Vec<String>,
}

/// Who stands where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ranking {
    /// Candidates: by place, then total, then identifier.
    pub entries: Vec<Entry>,
    /// Controls, measured in the same way, without a place.
    pub controls: Vec<Entry>,
    /// Expected number of wrong seats, thousandths of a seat.
    pub expected_wrong_seats: u32,
}
