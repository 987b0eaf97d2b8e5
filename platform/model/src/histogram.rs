//! Integer histograms of durations, as they stand in evidence.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Counts of durations by bucket: the key is the bucket's upper bound in microseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Histogram(BTreeMap<u64, u64>);

impl Histogram {
    /// A histogram of these (upper bound in microseconds, count) pairs.
    pub fn from_buckets(buckets: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let mut map = BTreeMap::new();
        for (upper, count) in buckets {
            let entry: &mut u64 = map.entry(upper).or_default();
            *entry = entry.saturating_add(count);
        }
        Self(map)
    }

    /// (upper bound in microseconds, count), rising.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0.iter().map(|(upper, count)| (*upper, *count))
    }

    /// How many durations were counted.
    pub fn total(&self) -> u64 {
        self.0.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// How many were at most `limit_us` microseconds (by bucket upper bound).
    pub fn at_most(&self, limit_us: u64) -> u64 {
        self.0.range(..=limit_us).fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// The nearest-rank quantile in microseconds, `per_mille` of 0..=1000; none when empty.
    pub fn quantile(&self, per_mille: u64) -> Option<u64> {
        let total = self.total();
        if total == 0 {
            return None;
        }
        let rank = (u128::from(total) * u128::from(per_mille.min(1000))).div_ceil(1000).max(1);
        let mut seen = 0u128;
        for (upper, count) in self.buckets() {
            seen += u128::from(count);
            if seen >= rank {
                return Some(upper);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_nearest_rank() {
        let histogram = Histogram::from_buckets([(10, 50), (20, 45), (1_000, 5)]);
        assert_eq!(histogram.quantile(500), Some(10));
        assert_eq!(histogram.quantile(501), Some(20));
        assert_eq!(histogram.quantile(950), Some(20));
        assert_eq!(histogram.quantile(951), Some(1_000));
        assert_eq!(histogram.quantile(1000), Some(1_000));
        assert_eq!(Histogram::default().quantile(500), None);
        assert_eq!(histogram.at_most(20), 95);
    }
}
