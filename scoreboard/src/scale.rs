//! From an observed value to points: absolute, saturating scales in integers.

use model::{Points, score::FULL};

/// Points of full marks for a weight in per mille of a trial's points.
pub(crate) fn full_marks(weight: u32) -> Points {
    FULL.saturating_mul(i64::from(weight)) / 1_000
}

/// `of` at `full` and beyond, nothing at `zero` and beyond, linear between; rounded to the nearest
/// thousandth of a point. `full` may lie on either side of `zero`.
pub(crate) fn linear(value: i128, zero: i128, full: i128, of: Points) -> Points {
    let (span, gained) = if full >= zero {
        (full.saturating_sub(zero), value.saturating_sub(zero))
    } else {
        (zero.saturating_sub(full), zero.saturating_sub(value))
    };
    if gained <= 0 {
        return 0;
    }
    if gained >= span {
        return of;
    }
    share(gained, span, of)
}

/// `of` times `part / whole`, at most `of`, rounded to the nearest thousandth; nothing of nothing.
pub(crate) fn share(part: i128, whole: i128, of: Points) -> Points {
    if whole <= 0 || part <= 0 {
        return 0;
    }
    if part >= whole {
        return of;
    }
    let twice = part.saturating_mul(i128::from(of)).saturating_mul(2).saturating_add(whole);
    i64::try_from(twice / whole.saturating_mul(2)).unwrap_or(of)
}

/// `part / whole` in per mille, rounded down and at most 1000; 0 of nothing.
pub(crate) fn per_mille(part: u64, whole: u64) -> i64 {
    if whole == 0 {
        return 0;
    }
    i64::try_from(u128::from(part.min(whole)) * 1_000 / u128::from(whole)).unwrap_or(1_000)
}

/// A count as it stands among factors.
pub(crate) fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The nearest integer, halves away from zero; 0 for what is no number.
pub(crate) fn rounded(value: f64) -> i64 {
    if value < 0.0 { -((0.5 - value) as i64) } else { (value + 0.5) as i64 }
}

/// The smaller of two numbers.
pub(crate) fn least(a: f64, b: f64) -> f64 {
    if b < a { b } else { a }
}

/// The larger of two numbers.
pub(crate) fn most(a: f64, b: f64) -> f64 {
    if b > a { b } else { a }
}

/// The median: of an even count the mean of the two in the middle; none of nothing.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = values.len() / 2;
    let high = *values.get(upper)?;
    if values.len() % 2 == 1 {
        return Some(high);
    }
    Some((values.get(upper.checked_sub(1)?)? + high) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_saturates_at_both_ends_and_rises_between() {
        assert_eq!(linear(800, 800, 990, 30_000), 0);
        assert_eq!(linear(895, 800, 990, 30_000), 15_000);
        assert_eq!(linear(990, 800, 990, 30_000), 30_000);
        assert_eq!(linear(i128::MAX, 800, 990, 30_000), 30_000);
        assert_eq!(linear(i128::MIN, 800, 990, 30_000), 0);
    }

    #[test]
    fn a_scale_may_fall() {
        assert_eq!(linear(250, 2_000, 250, 30_000), 30_000);
        assert_eq!(linear(1_125, 2_000, 250, 30_000), 15_000);
        assert_eq!(linear(2_000, 2_000, 250, 30_000), 0);
        assert_eq!(linear(-5_000, 2_000, 250, 30_000), 30_000);
    }

    #[test]
    fn rounding_is_to_the_nearest() {
        assert_eq!([rounded(1.4), rounded(1.5), rounded(-1.5), rounded(f64::NAN)], [1, 2, -2, 0]);
        assert_eq!(share(2, 3, 100), 67);
    }

    #[test]
    fn medians() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0]), Some(2.5));
    }
}
