//! How sure a total is, and which ranks it allows (MEASURE 4).

use model::Points;

use crate::rulebook::Confidence;
use crate::scale::{least, most, rounded};
use crate::tables::{t_90, t_95, z};
use crate::tally::Tally;

/// Full marks as a number.
const TOP: f64 = 100_000.0;

/// A total with its error. Thousandths of a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Estimate {
    pub(crate) mean: f64,
    /// s* = max(s_i, s', the least spread believed).
    pub(crate) spread: f64,
    /// s* / sqrt n.
    pub(crate) error: f64,
    pub(crate) windows: u32,
    /// s_i > 1.5 s', s' at least the least spread believed: seats go by the lower bound.
    pub(crate) high_variance: bool,
}

impl Estimate {
    /// The estimate of a rated operator.
    pub(crate) fn of(rules: &Confidence, tally: &Tally, common: f64) -> Option<Self> {
        let mean = tally.total.filter(|_| tally.rated() && tally.windows > 0)?;
        let common = most(common, f64::from(rules.least_spread));
        let own = tally.spread.unwrap_or(0.0);
        let spread = most(own, common);
        Some(Self {
            mean,
            spread,
            error: spread / f64::from(tally.windows).sqrt(),
            windows: tally.windows,
            high_variance: own * 1_000.0 > common * f64::from(rules.high_variance),
        })
    }

    /// mean +- t(n-1) s* / sqrt n, 95 %, within 0 to 100 points; everything of a single window.
    pub(crate) fn interval(&self) -> (Points, Points) {
        let half = t_95(self.windows.saturating_sub(1)).map_or(TOP, |t| t * self.error);
        (rounded(most(0.0, self.mean - half)), rounded(least(TOP, self.mean + half)))
    }

    /// What seats go by: the mean, or the one-sided 90 % lower bound where the variance is high
    /// (else variance would be rewarded).
    pub(crate) fn seat_key(&self) -> f64 {
        if !self.high_variance {
            return self.mean;
        }
        let half = t_90(self.windows.saturating_sub(1)).map_or(TOP, |t| t * self.error);
        most(0.0, self.mean - half)
    }

    /// Whether this one is better than the other by more than `q` errors of the difference.
    fn is_better(&self, other: &Self, q: f64) -> bool {
        let error = (self.error * self.error + other.error * other.error).sqrt();
        self.mean - other.mean > q * error
    }
}

/// What a share of `count` may be of many at most: the upper end of its score interval at `z` standard errors (Wilson
/// 1927); the share itself where nothing was counted.
pub(crate) fn at_most(share: f64, count: u64, z: f64) -> f64 {
    if count == 0 {
        return share;
    }
    let n = count as f64;
    let spread = (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    least(1.0, (share + z * z / (2.0 * n) + z * spread) / (1.0 + z * z / n))
}

/// Rank ranges at 95 %: for this operator alone, and for all at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ranges {
    pub(crate) alone: (u32, u32),
    pub(crate) all: (u32, u32),
}

/// The ranges of `all[index]`: [1 + those better, N - those worse], with q = z(1 - 0.05/(2(N-1)))
/// for one operator's range and z(1 - 0.05/(N(N-1))) for all at once.
pub(crate) fn ranges(all: &[Estimate], index: usize) -> Option<Ranges> {
    let own = all.get(index)?;
    let n = all.len() as u64;
    let others = n.saturating_sub(1).max(1);
    let range = |q: f64| {
        let better = all.iter().filter(|other| other.is_better(own, q)).count() as u32;
        let worse = all.iter().filter(|other| own.is_better(other, q)).count() as u32;
        (better + 1, all.len() as u32 - worse)
    };
    let alone = range(z(others.saturating_mul(40)));
    Some(Ranges { alone, all: range(z(n.saturating_mul(others).saturating_mul(20))) })
}
